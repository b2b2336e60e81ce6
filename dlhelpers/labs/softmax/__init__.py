"""Labs of notebook 09."""

from dlhelpers.labs.softmax.calibrated import calibrated_lab
from dlhelpers.labs.softmax.digits import digits_lab
from dlhelpers.labs.softmax.logits import logits_lab
from dlhelpers.labs.softmax.loss_gradient import loss_gradient_lab
from dlhelpers.labs.softmax.simplex import simplex_lab
from dlhelpers.labs.softmax.three_classes import three_classes_lab

__all__ = [
    "calibrated_lab",
    "digits_lab",
    "logits_lab",
    "loss_gradient_lab",
    "simplex_lab",
    "three_classes_lab",
]

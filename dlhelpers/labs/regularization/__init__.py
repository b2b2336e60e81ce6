"""The labs on L1, L2 and weight decay (notebook 02a)."""

from dlhelpers.labs.regularization.decay import decay_lab
from dlhelpers.labs.regularization.diamond import diamond_lab
from dlhelpers.labs.regularization.inside import inside_lab
from dlhelpers.labs.regularization.network_lambda import lambda_lab

__all__ = [
    "decay_lab",
    "diamond_lab",
    "inside_lab",
    "lambda_lab",
]

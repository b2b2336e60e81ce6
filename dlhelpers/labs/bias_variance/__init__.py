"""The labs on bias and variance (notebook 01)."""

from dlhelpers.labs.bias_variance.decomposition import decomposition_lab
from dlhelpers.labs.bias_variance.diagnosis import diagnosis_lab
from dlhelpers.labs.bias_variance.learning_curves import learning_curves_lab
from dlhelpers.labs.bias_variance.mismatch import mismatch_lab
from dlhelpers.labs.bias_variance.selection import selection_lab
from dlhelpers.labs.bias_variance.split import split_lab

__all__ = [
    "decomposition_lab",
    "diagnosis_lab",
    "learning_curves_lab",
    "mismatch_lab",
    "selection_lab",
    "split_lab",
]

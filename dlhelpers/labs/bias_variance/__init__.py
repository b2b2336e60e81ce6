"""The labs on bias and variance (notebook 01)."""

from dlhelpers.labs.bias_variance.bias_variance import (
    decomposition_lab,
    diagnosis_lab,
    learning_curves_lab,
    mismatch_lab,
    selection_lab,
    split_lab,
)

__all__ = [
    "decomposition_lab",
    "diagnosis_lab",
    "learning_curves_lab",
    "mismatch_lab",
    "selection_lab",
    "split_lab",
]

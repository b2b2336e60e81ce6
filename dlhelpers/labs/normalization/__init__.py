"""The labs on the inputs (notebook 04a)."""

from dlhelpers.labs.normalization.own_scale import scaled_test_set_lab
from dlhelpers.labs.normalization.valley import valley_lab

__all__ = [
    "scaled_test_set_lab",
    "valley_lab",
]

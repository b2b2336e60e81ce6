"""The labs on the inputs (notebook 04)."""

from dlhelpers.labs.normalization.inputs import normalize_lab

__all__ = [
    "normalize_lab",
]

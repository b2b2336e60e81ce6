"""The labs on early stopping (notebook 02b)."""

from dlhelpers.labs.early_stopping.ridge_path import ridge_path_lab
from dlhelpers.labs.early_stopping.scrub import early_stopping_lab

__all__ = [
    "early_stopping_lab",
    "ridge_path_lab",
]

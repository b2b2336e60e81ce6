"""The labs on early stopping (notebook 02)."""

from dlhelpers.labs.early_stopping.early_stopping import early_stopping_lab, ridge_path_lab

__all__ = [
    "early_stopping_lab",
    "ridge_path_lab",
]

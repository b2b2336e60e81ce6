"""The labs on L1, L2 and weight decay (notebook 02)."""

from dlhelpers.labs.regularization.regularization import decay_lab, diamond_lab, lambda_lab

__all__ = [
    "decay_lab",
    "diamond_lab",
    "lambda_lab",
]

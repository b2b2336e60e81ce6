"""The labs from momentum to Adam (notebook 06b)."""

from dlhelpers.labs.optimizers.momentum import momentum_lab
from dlhelpers.labs.optimizers.noise import noise_lab

__all__ = [
    "momentum_lab",
    "noise_lab",
]

"""The labs from momentum to Adam (notebook 06b)."""

from dlhelpers.labs.optimizers.adam_step import adam_step_lab
from dlhelpers.labs.optimizers.momentum import momentum_lab
from dlhelpers.labs.optimizers.noise import noise_lab
from dlhelpers.labs.optimizers.race import race_lab
from dlhelpers.labs.optimizers.rotation import rotation_lab

__all__ = [
    "adam_step_lab",
    "momentum_lab",
    "noise_lab",
    "race_lab",
    "rotation_lab",
]

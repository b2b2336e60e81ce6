"""The labs on learning-rate decay (notebook 06c)."""

from dlhelpers.labs.schedules.noise_floor import noise_floor_lab

__all__ = [
    "noise_floor_lab",
]

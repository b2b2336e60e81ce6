"""The labs on learning-rate decay (notebook 06c)."""

from dlhelpers.labs.schedules.branch_off import branch_off_lab
from dlhelpers.labs.schedules.noise_floor import noise_floor_lab

__all__ = [
    "branch_off_lab",
    "noise_floor_lab",
]

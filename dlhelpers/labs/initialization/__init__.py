"""The labs on the first weights (notebook 04)."""

from dlhelpers.labs.initialization.depth import depth_lab
from dlhelpers.labs.initialization.first_weights import initialization_lab

__all__ = [
    "depth_lab",
    "initialization_lab",
]

"""The labs on the first weights (notebook 04)."""

from dlhelpers.labs.initialization.initialization import depth_lab, initialization_lab

__all__ = [
    "depth_lab",
    "initialization_lab",
]

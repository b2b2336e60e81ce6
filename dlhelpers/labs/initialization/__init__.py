"""The labs on the first weights (notebook 04b)."""

from dlhelpers.labs.initialization.depth import depth_lab
from dlhelpers.labs.initialization.signals import signals_lab
from dlhelpers.labs.initialization.starts import starts_lab

__all__ = [
    "depth_lab",
    "signals_lab",
    "starts_lab",
]

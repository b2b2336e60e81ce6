"""The labs on moving averages (notebook 06a)."""

from dlhelpers.labs.averages.moving import moving_average_lab

__all__ = ["moving_average_lab"]

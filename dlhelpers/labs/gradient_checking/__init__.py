"""The labs on numerical gradients and gradient checking (notebook 05)."""

from dlhelpers.labs.gradient_checking.differences import difference_lab
from dlhelpers.labs.gradient_checking.false_alarms import false_alarms_lab
from dlhelpers.labs.gradient_checking.find_the_bug import find_the_bug_lab

__all__ = [
    "difference_lab",
    "false_alarms_lab",
    "find_the_bug_lab",
]

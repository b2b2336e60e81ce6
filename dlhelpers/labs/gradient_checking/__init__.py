"""The labs on numerical gradients and gradient checking (notebook 05)."""

from dlhelpers.labs.gradient_checking.gradient_checking import (
    difference_lab,
    false_alarms_lab,
    find_the_bug_lab,
)

__all__ = [
    "difference_lab",
    "false_alarms_lab",
    "find_the_bug_lab",
]

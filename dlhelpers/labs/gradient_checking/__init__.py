"""The labs on numerical gradients and gradient checking (notebook 05), and what its cells take from them."""

from dlhelpers.labs.gradient_checking.differences import EPSILONS, difference_lab
from dlhelpers.labs.gradient_checking.false_alarms import false_alarms_lab, verdict_word
from dlhelpers.labs.gradient_checking.find_the_bug import find_the_bug_lab

__all__ = [
    "EPSILONS",
    "difference_lab",
    "false_alarms_lab",
    "find_the_bug_lab",
    "verdict_word",
]

"""The labs of notebook 10: the ward, and what each probe reads of each fault."""

from dlhelpers.labs.capstone.readings import readings_lab
from dlhelpers.labs.capstone.ward import ward

__all__ = [
    "readings_lab",
    "ward",
]

"""The labs on saddles, plateaus and curvature (notebook 06c)."""

from dlhelpers.labs.surfaces.escape import escape_lab
from dlhelpers.labs.surfaces.random_matrices import random_matrices_lab

__all__ = [
    "escape_lab",
    "random_matrices_lab",
]

"""The labs on saddles, plateaus and curvature (notebook 06c)."""

from dlhelpers.labs.surfaces.edge import edge_lab
from dlhelpers.labs.surfaces.escape import escape_lab
from dlhelpers.labs.surfaces.random_matrices import random_matrices_lab
from dlhelpers.labs.surfaces.real_saddle import real_saddle_lab

__all__ = [
    "edge_lab",
    "escape_lab",
    "random_matrices_lab",
    "real_saddle_lab",
]

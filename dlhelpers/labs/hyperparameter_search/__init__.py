"""The labs on where to look for hyperparameters (notebook 07a)."""

from dlhelpers.labs.hyperparameter_search.coarse_to_fine import coarse_to_fine_lab
from dlhelpers.labs.hyperparameter_search.grid_or_random import grid_or_random_lab
from dlhelpers.labs.hyperparameter_search.panda_caviar import panda_caviar_lab
from dlhelpers.labs.hyperparameter_search.right_scale import right_scale_lab
from dlhelpers.labs.hyperparameter_search.what_matters import what_matters_lab

__all__ = [
    "coarse_to_fine_lab",
    "grid_or_random_lab",
    "panda_caviar_lab",
    "right_scale_lab",
    "what_matters_lab",
]

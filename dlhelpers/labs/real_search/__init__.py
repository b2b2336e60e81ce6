"""Labs on searches for hyperparameters with real runs, notebook 07b."""

from dlhelpers.labs.real_search.curse import curse_lab
from dlhelpers.labs.real_search.early import early_lab
from dlhelpers.labs.real_search.effects import effects_lab
from dlhelpers.labs.real_search.game import play
from dlhelpers.labs.real_search.own_search import own_search_lab
from dlhelpers.labs.real_search.searches import searches_lab

__all__ = ["curse_lab", "early_lab", "effects_lab", "own_search_lab", "play", "searches_lab"]

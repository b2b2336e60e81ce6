"""Numbers of the labs of notebook 07a, on where to look for hyperparameters."""

from dlhelpers.labs.hyperparameter_search.coarse_to_fine import BOX
from dlhelpers.labs.hyperparameter_search.grid_or_random import RANDOM, losses
from dlhelpers.labs.hyperparameter_search.right_scale import SCALES

NUMBERS = {
    "coarse_to_fine_lab": lambda r: (r.coarse.lowest, r.second[BOX].lowest),
    "grid_or_random_lab": lambda r: (
        losses(r.points, r.best, r.importance).min(),
        r.mean_of(RANDOM)[0],
    ),
    "panda_caviar_lab": lambda r: (r.panda.losses[-1], r.winner.losses[-1]),
    "right_scale_lab": lambda r: tuple(r.curve.at(r.places[scale]).min() for scale in SCALES),
    "what_matters_lab": lambda r: (*r.band, *map(r.ratio, r.losses)),
}

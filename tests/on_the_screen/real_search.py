"""Numbers of the labs of notebook 07b."""

from dlhelpers.trials import best

NUMBERS = {
    "curse_lab": lambda r: (r.dev.mean(axis=0), r.test.mean(axis=0)),
    "early_lab": lambda r: (r.survives,),
    "effects_lab": lambda r: (r.seed, r.alone, r.main),
    "own_search_lab": lambda r: (r.scores, best(r.trials)[0].number),
    "searches_lab": lambda r: r.median(r.strategy),
}

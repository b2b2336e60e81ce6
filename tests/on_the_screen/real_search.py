"""Numbers of the labs of notebook 07b."""

NUMBERS = {
    "curse_lab": lambda r: (r.dev.mean(axis=0), r.test.mean(axis=0)),
    "early_lab": lambda r: (r.survives,),
    "effects_lab": lambda r: (r.seed, r.alone, r.main),
    "searches_lab": lambda r: r.median(r.strategy),
}

"""Numbers of the labs of section 1.5, first part: notebook 02b."""

NUMBERS = {
    "early_stopping_lab": lambda r: (*r.stop, r.dev[r.stop.best], r.train[r.epoch]),
    "ridge_path_lab": lambda r: (r.early_here[1], r.ridge_here[1]),
}

"""Numbers of the labs of notebook 06c, on saddles and curvature."""

NUMBERS = {
    "escape_lab": lambda r: tuple(r.counts.values()),
    "random_matrices_lab": lambda r: (r.shares, r.share),
}

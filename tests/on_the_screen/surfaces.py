"""Numbers of the labs of notebook 06c, on saddles and curvature."""

NUMBERS = {
    "edge_lab": lambda r: (r.ratio, r.losses[-1]),
    "escape_lab": lambda r: tuple(r.counts.values()),
    "random_matrices_lab": lambda r: (r.shares, r.share),
    "real_saddle_lab": lambda r: (r.loss, r.negative, r.eigenvalues),
}

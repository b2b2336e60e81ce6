"""The numbers that the programs of the labs of notebook 02a compute, too."""

NUMBERS = {
    "diamond_lab": lambda r: (
        r.solutions.l1[r.at],
        r.solutions.l2[r.at],
        r.share[r.at][0],
        r.share[r.at][2],
    ),
    "inside_lab": lambda r: (r.linear, r.varies.sum()),
    "lambda_lab": lambda r: (r.curves.train[r.at], r.curves.dev[r.at]),
    "decay_lab": lambda r: (r.runs.difference, *r.runs.weights),
}

"""Numbers of the labs of notebook 06b."""

import numpy as np

NUMBERS = {
    "adam_step_lab": lambda r: r.steps,
    "momentum_lab": lambda r: (r.path, r.share, *r.factors, r.edge),
    "noise_lab": lambda r: (r.measured, r.predicted[0, r.at], r.predicted[1, r.at]),
    "race_lab": lambda r: [np.round([r._with_tries(row, r.tries - 1) for row in r.expected], 6)],
    "rotation_lab": lambda r: (r.path, r.gradients),
}

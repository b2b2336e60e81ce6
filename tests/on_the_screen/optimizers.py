"""Numbers of the labs of notebook 06b."""

NUMBERS = {
    "adam_step_lab": lambda r: r.steps,
    "momentum_lab": lambda r: (r.path, r.share, *r.factors, r.edge),
    "noise_lab": lambda r: (r.measured, r.predicted[0, r.at], r.predicted[1, r.at]),
    "rotation_lab": lambda r: (r.path, r.gradients),
}

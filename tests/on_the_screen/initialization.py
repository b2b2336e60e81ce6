"""Numbers of the labs of notebook 04 on depth and on the first weights."""

NUMBERS = {
    "depth_lab": lambda r: (r.measured.activations, r.measured.gradients, *r.factors),
    "initialization_lab": lambda r: (r.trained[r.name].losses, r.trained[r.name].end.twins),
}

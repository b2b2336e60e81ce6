"""Numbers of the labs of notebook 04a on the inputs."""

NUMBERS = {
    "scaled_test_set_lab": lambda r: (r.predictions, r.error),
    "valley_lab": lambda r: (r.condition, r.path, r.excess),
}

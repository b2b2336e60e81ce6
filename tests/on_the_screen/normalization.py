"""Numbers of the lab of notebook 04 on the inputs."""

NUMBERS = {"normalize_lab": lambda r: (r.condition, r.excess, r.test_error)}

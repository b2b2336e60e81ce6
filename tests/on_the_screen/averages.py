"""Numbers of the lab on moving averages of notebook 06a."""

NUMBERS = {
    "moving_average_lab": lambda r: (r.average, r.weights),
}

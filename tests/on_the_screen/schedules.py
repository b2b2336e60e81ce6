"""Numbers of the labs of notebook 06c, on decay."""

NUMBERS = {
    "noise_floor_lab": lambda r: (r.end, r.floor),
}

"""Numbers of the labs of notebook 06c, on decay."""

from dlhelpers.labs.schedules.branch_off import FORK

NUMBERS = {
    "branch_off_lab": lambda r: (r.dev[FORK][-1], r.dev[FORK][-1, r.at]),
    "noise_floor_lab": lambda r: (r.end, r.floor),
}

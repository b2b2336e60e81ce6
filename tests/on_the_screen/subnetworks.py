"""Numbers of the lab of notebook 03 that enumerates all subnetworks."""

NUMBERS = {"subnetworks_lab": lambda r: (r.full, r.arithmetic, r.geometric)}

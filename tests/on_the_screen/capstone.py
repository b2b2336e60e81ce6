"""Numbers of the lab of notebook 10."""

NUMBERS = {
    "readings_lab": lambda r: (
        r.table[r.fault][r.key].number,
        r.table["the right script"][r.key].number,
    ),
}

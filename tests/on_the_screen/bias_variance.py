"""Numbers of the labs of notebook 01."""

NUMBERS = {
    "selection_lab": lambda r: r.winner,
    "split_lab": lambda r: tuple(r.errors),
    "decomposition_lab": lambda r: tuple(r.curve[r.capacity]),
    "diagnosis_lab": lambda r: tuple(r.diagnosis),
    "learning_curves_lab": lambda r: tuple(r.diagnosis),
    "mismatch_lab": lambda r: tuple(r.errors),
}

REDRAWS = {
    "diagnosis_lab": {"base", "train", "dev", "threshold"},  # a list of remedies lights up
}

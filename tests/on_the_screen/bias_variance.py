"""Numbers of the labs of notebook 01."""

NUMBERS = {
    "selection_lab": lambda r: (
        r.selection.dev[r.selection.winners[r.models - 1]],
        r.selection.test[r.selection.winners[r.models - 1]],
    ),
    "split_lab": lambda r: tuple(r),
    "decomposition_lab": lambda r: tuple(r.curve[r.capacity]),
    "diagnosis_lab": lambda r: tuple(r.diagnosis),
    "learning_curves_lab": lambda r: tuple(r.diagnosis),
    "mismatch_lab": lambda r: tuple(r.errors),
}

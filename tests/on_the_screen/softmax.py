"""Numbers of the labs of notebook 09."""

NUMBERS = {
    "calibrated_lab": lambda r: (r.error, r.chance.errors.mean(), r.fitted),
    "digits_lab": lambda r: (r.confusion, r.losses[-1, 1]),
    "logits_lab": lambda r: (r.t, r.a),
    "loss_gradient_lab": lambda r: (r.formula, r.measured),
    "simplex_lab": lambda r: (r.a, r.plain),
    "three_classes_lab": lambda r: (*r.losses[-1], r.own),
}

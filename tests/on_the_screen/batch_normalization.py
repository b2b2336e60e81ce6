"""Numbers of the labs of notebook 08."""

from dlhelpers.labs.batch_normalization.depth import factor

NUMBERS = {
    "gamma_beta_lab": lambda r: r.Z_tilde,
    "learning_rates_lab": lambda r: (r.here.plain[0], r.here.normalized[0]),
    "normalized_depth_lab": lambda r: (factor(r.here.normalized), factor(r.here.plain)),
    "one_example_lab": lambda r: r.answers,
    "running_lab": lambda r: (r.running[-1], r.whole[-1]),
    "scale_and_shift_lab": lambda r: (r.plain.loss, r.normalized.loss),
}

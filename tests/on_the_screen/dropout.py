"""Numbers of the labs of notebook 03."""

NUMBERS = {
    "inverted_lab": lambda r: (r.ratio, r.Z_mean),
    "keep_prob_lab": lambda r: (r.train_loss, r.dev_loss),
    "mask_rules_lab": lambda r: r.measured.loss[r.rule],
    "noisy_cost_lab": lambda r: (*r.norms, r.dev_curve[-1]),
    "stopped_lab": lambda r: r.best,
    "subnetworks_lab": lambda r: (r.full, r.arithmetic, r.geometric),
}

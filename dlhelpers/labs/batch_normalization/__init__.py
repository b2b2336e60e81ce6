"""The labs on batch normalization (notebook 08)."""

from dlhelpers.labs.batch_normalization.depth import normalized_depth_lab
from dlhelpers.labs.batch_normalization.gamma_beta import gamma_beta_lab
from dlhelpers.labs.batch_normalization.learning_rates import learning_rates_lab
from dlhelpers.labs.batch_normalization.one_example import one_example_lab
from dlhelpers.labs.batch_normalization.running import running_lab
from dlhelpers.labs.batch_normalization.scale_and_shift import scale_and_shift_lab

__all__ = [
    "gamma_beta_lab",
    "learning_rates_lab",
    "normalized_depth_lab",
    "one_example_lab",
    "running_lab",
    "scale_and_shift_lab",
]

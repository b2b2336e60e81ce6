"""The labs on mini-batches (notebook 06a)."""

from dlhelpers.labs.minibatches.batch_sizes import batch_sizes_lab
from dlhelpers.labs.minibatches.clocks import clocks_lab
from dlhelpers.labs.minibatches.gradient_cloud import gradient_cloud_lab
from dlhelpers.labs.minibatches.paths import paths_lab

__all__ = [
    "batch_sizes_lab",
    "clocks_lab",
    "gradient_cloud_lab",
    "paths_lab",
]

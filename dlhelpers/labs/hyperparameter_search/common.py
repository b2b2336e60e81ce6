"""What the labs on where to look share: one small network that reads digits, trained for 128 steps."""

import numpy as np

from dlhelpers.labs.digits import normalized_digits
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Optimizer
from dlhelpers.plots.style import OCHRE, PLUM
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

NETWORK = Network((64, 16, 10), "tanh", "softmax_cross_entropy")
STEPS, BATCH_SIZE = 128, 32
"""Four times through the 1,024 training examples."""
FIRST_COLOR, SECOND_COLOR = OCHRE, PLUM
"""Ochre and purple: two ways to choose trials, side by side."""

START = """
data = normalized_digits({seed})
rng = np.random.default_rng({seed})
network = Network((64, 16, 10), "tanh", "softmax_cross_entropy")
theta = network.initialize(rng)
""".strip()
"""The lines with which the programs begin."""


def dev_losses(optimizer: Optimizer, rates: FloatArray, seed: int) -> FloatArray:
    """Train a network for each of the rates (K, 1), all from the same weights; return the dev losses, (K,).

    They are infinite where training has diverged.
    """
    data, rng = normalized_digits(seed), np.random.default_rng(seed)
    theta = np.tile(NETWORK.initialize(rng), (len(rates), 1))
    batches = minibatches(data.train.X, data.train.Y, BATCH_SIZE, rng)
    *_, last = descend(NETWORK, theta, batches, optimizer, rates, steps=STEPS)
    with np.errstate(all="ignore"):
        losses = NETWORK.loss(last.theta, data.dev)
    return np.where(np.isnan(losses), np.inf, losses)

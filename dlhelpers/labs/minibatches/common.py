"""What the labs on mini-batches share: the digits, one small network, and when its loss is measured."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from dlhelpers.datasets import one_hot
from dlhelpers.labs.digits import digit_split
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import OCHRE, PLUM
from dlhelpers.training import Descent, descend
from dlhelpers.typing import FloatArray

M = 1024
"""Training examples."""
NETWORK = Network((64, 32, 10), "tanh", "softmax_cross_entropy")
SIZES = tuple(2**k for k in range(11))
"""Batch sizes from one example to all of them."""
EXAMPLES_COLOR, ALL_COLOR = PLUM, OCHRE
"""Purple: one example at a time. Ochre: all at once."""

START = f"""
data = digit_split({{seed}})
X, Y = data.X_train.astype(np.float32), one_hot(data.y_train, 10).astype(np.float32)
whole = Batch(X, Y)
network = Network({NETWORK.sizes}, "tanh", "softmax_cross_entropy")
rng = np.random.default_rng({{seed}})
theta = network.initialize(rng).astype(np.float32)
""".strip()
"""The lines with which the programs begin."""


@lru_cache(maxsize=4)
def training_set(seed: int) -> Batch:
    """Return 1,024 digits, gray levels from 0 to 1, as a single batch."""
    data = digit_split(seed)
    return Batch(data.X_train.astype(np.float32), one_hot(data.y_train, 10).astype(np.float32))


def best_rate(batch_size: float) -> float:
    """Return the rate that *Both ends of the batch size* finds best, for most seeds, at a loss of 0.15."""
    exponents = [-3.5, -2.5, -1.5, -1.0, -0.5, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5]
    return float(2 ** np.interp(np.log2(batch_size), range(len(SIZES)), exponents))


def train(batch_size: int, rate: float | FloatArray, seed: int) -> Descent:
    """Begin to train with plain gradient descent; `rate` is a number, or (K, 1) for K networks at once."""
    rng, whole = np.random.default_rng(seed), training_set(seed)
    theta = NETWORK.initialize(rng).astype(np.float32)
    if isinstance(rate, np.ndarray):
        theta = np.tile(theta, (len(rate), 1))
    return descend(NETWORK, theta, minibatches(whole.X, whole.Y, batch_size, rng), GradientDescent(), rate)


def checkpoints(each: int, growth: float) -> Iterator[int]:
    """Yield the steps at which a loss is measured: each of the first, then ever fewer."""
    step = 0
    while True:
        yield step
        step = max(step + 1, int(np.ceil(step * growth))) if step >= each else step + 1

"""A hundred networks on two moons, one for each keep_prob of layer 1 and of layer 2."""

from itertools import repeat
from typing import NamedTuple

import numpy as np

from dlhelpers.dropout import with_draws
from dlhelpers.labs.dropout.common import KEEP_PROBS, N_DEV, pieces, two_moons
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

OVERFIT_SIZES, OVERFIT_STEPS, EVERY = (2, 16, 16, 1), 400, 5


def named(keep_prob: tuple[float, float]) -> str:
    """Return a pair of keep_probs in words."""
    return f"{keep_prob[0]:.1f} and {keep_prob[1]:.1f}"


class Column(NamedTuple):
    """Ten networks with the same keep_prob of layer 2: their parameters and J with masks, as they train."""

    thetas: FloatArray  # (records so far, 10, P)
    J: FloatArray  # (records so far, 10)
    dev_losses: FloatArray | None  # (10,), at the end


@remembered(20)
def train_column(k: int, m: int, seed: int) -> Stages[Column]:
    """Train ten networks, with keep_prob 0.1 to 1 in layer 1 and `KEEP_PROBS[k]` in layer 2."""
    data, rng = two_moons(m, 0.4, seed), np.random.default_rng(seed)
    first = np.array(KEEP_PROBS)[:, np.newaxis, np.newaxis]
    network = Network(OVERFIT_SIZES, "relu", "sigmoid_cross_entropy", keep_prob=(first, KEEP_PROBS[k]))
    theta = np.tile(network.initialize(rng), (len(KEEP_PROBS), 1))
    run = descend(network, theta, with_draws(repeat(data.batch), OVERFIT_SIZES, rng), Adam(), 0.01)
    n_records = OVERFIT_STEPS // EVERY + 1
    thetas, J = np.empty((n_records, *theta.shape)), np.empty((n_records, len(KEEP_PROBS)))
    for n, step in enumerate(pieces(run, OVERFIT_STEPS, EVERY), start=1):
        thetas[n - 1], J[n - 1] = step.theta, step.loss
        if n == n_records:
            yield 1.0, Column(thetas, J, network.loss(step.theta, data.dev))
        elif n % 12 == 0:
            yield n / n_records, Column(thetas[:n], J[:n], None)


def column_program(keep1: float, keep2: float, m: int, seed: int) -> str:
    """Return the program that trains the ten networks and picks the one of `keep1`, as `theta`."""
    return f"""
from itertools import islice, repeat

import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.dropout import with_draws
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend

rng = np.random.default_rng({seed})
X, y = moons({m}, noise=0.4, rng=rng)
X_dev, y_dev = moons({N_DEV}, noise=0.4, rng=rng)
train, dev = Batch(X, y[:, None].astype(float)), Batch(X_dev, y_dev[:, None].astype(float))
sizes, rng = {OVERFIT_SIZES}, np.random.default_rng({seed})
first = np.array({KEEP_PROBS})[:, None, None]  # keep_prob of layer 1, for ten networks at once
network = Network(sizes, "relu", "sigmoid_cross_entropy", keep_prob=(first, {keep2}))
theta = np.tile(network.initialize(rng), (10, 1))
run = descend(network, theta, with_draws(repeat(train), sizes, rng), Adam(), 0.01)
*_, last = islice(run, {OVERFIT_STEPS} + 1)
theta = last.theta[{KEEP_PROBS.index(keep1)}].copy()
"""

"""What the labs on dropout share: two moons, values of keep_prob, and what a network answers in the plane."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np

from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.training import Descent, Step
from dlhelpers.typing import FloatArray, IntArray

LIMIT = 3.0
"""The plane reaches from -3 to 3 in both directions."""
MAP_SIDE = 60
"""Points of a decision map in each direction."""
N_DEV = 400
KEEP_PROBS = tuple(round(0.1 * k, 1) for k in range(1, 11))
KEEP_PROB_OPTIONS = [(f"{share:.1f}", share) for share in KEEP_PROBS]
"""For a slider that stops at these only: a network was trained for each."""


class Moons(NamedTuple):
    """Two moons: points to learn from, and dev points."""

    X: FloatArray
    y: IntArray
    X_dev: FloatArray
    y_dev: IntArray

    @property
    def batch(self) -> Batch:
        """The whole training set."""
        return Batch(self.X, self.y[:, np.newaxis].astype(float))

    @property
    def dev(self) -> Batch:
        """The whole dev set."""
        return Batch(self.X_dev, self.y_dev[:, np.newaxis].astype(float))


@lru_cache(maxsize=4)
def two_moons(m: int, noise: float, seed: int) -> Moons:
    """Draw `m` training points and 400 dev points."""
    rng = np.random.default_rng(seed)
    return Moons(*moons(m, noise=noise, rng=rng), *moons(N_DEV, noise=noise, rng=rng))


def pieces(run: Descent, steps: int, piece: int) -> Iterator[Step]:
    """Yield every step of a run whose number is a multiple of `piece`, up to `steps`."""
    return islice(run, 0, steps + 1, piece)


def plane(side: int) -> FloatArray:
    """Return the points of a square grid over the plane, (side * side, 2)."""
    line = np.linspace(-LIMIT, LIMIT, side)
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


def probability_map(network: Network, theta: FloatArray) -> FloatArray:
    """Return the probabilities of both classes in the plane, (60, 60, 2)."""
    p = network.predict(theta, plane(MAP_SIDE)).reshape(MAP_SIDE, MAP_SIDE, 1)
    return np.concatenate([1 - p, p], axis=-1)


def accuracies(network: Network, theta: FloatArray, data: Moons) -> FloatArray:
    """Return the share of dev points that each network gets right, (...)."""
    predicted = network.predict(theta, data.X_dev)[..., 0] > 0.5
    return np.asarray((predicted == data.y_dev).mean(axis=-1))

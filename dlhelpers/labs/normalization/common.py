"""What the labs on the inputs share: two features in the units that one chooses, and numbers in words."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from dlhelpers.typing import FloatArray

N_TRAIN, N_TEST, NOISE = 200, 100, 0.3


class Data(NamedTuple):
    """Training and test set: two features and the target."""

    X: FloatArray
    y: FloatArray
    X_test: FloatArray
    y_test: FloatArray


@lru_cache(maxsize=1)
def normal_numbers(seed: int) -> tuple[FloatArray, FloatArray]:
    """Draw what is random in the data once: (u1, u2, noise) of each example; sliders only scale it."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N_TRAIN, 3)), rng.standard_normal((N_TEST, 3))


def draw_data(scale: float, mean: float, correlation: float, shift: float, n_test: int, seed: int) -> Data:
    """Put two features of one spread into the units, and around the means, that were chosen."""
    train, test = normal_numbers(seed)
    parts = []
    for numbers, center in ((train, mean), (test[:n_test], mean + shift)):
        u1 = numbers[:, 0]
        u2 = correlation * u1 + np.sqrt(1 - correlation**2) * numbers[:, 1]
        X = np.column_stack([scale * (u1 + center), u2 + center])
        parts += [X, X[:, 0] / scale + X[:, 1] + NOISE * numbers[:, 2]]
    return Data(*parts)


def percent(share: float) -> str:
    """Return a share without claiming that a little less than all is all, or a little more than 0 nothing."""
    if 0.99 < share < 1:
        return "more than 99%"
    return "less than 1%" if 0 < share < 0.01 else f"{share:.0%}"


def count(value: float) -> str:
    """Return a number with two or three digits, and without powers of ten."""
    return f"{value:.1f}" if value < 10 else f"{float(f'{value:.3g}'):,.0f}"


def small(value: float) -> str:
    """Return a number with two digits."""
    return f"{value:.2g}" if value < 10 else count(value)

"""What the labs on optimizers share: colors, whole paths, and momentum on a quadratic as a 2 x 2 matrix."""

from collections.abc import Iterable

import numpy as np

from dlhelpers.minibatches import Batch
from dlhelpers.training import Step
from dlhelpers.typing import FloatArray

FLAT_COLOR, STEEP_COLOR = "#222222", "#9b2f6e"
"""Black, solid: along the floor of a ravine.  Dark purple, dashed: across it."""

NOTHING = Batch(np.zeros((1, 1)), np.zeros((1, 1)))
"""A surface has no data."""


def path_of(run: Iterable[Step]) -> FloatArray:
    """Return theta in every step of a run, (steps, ..., P)."""
    return np.stack([step.theta for step in run])


def drawable(path: FloatArray) -> FloatArray:
    """Return a path (steps, 2) as rows x and y, up to the first point that is far outside of the frame."""
    far = np.flatnonzero(~(np.abs(path).max(axis=1) < 1e3))
    return path[: far[0] + 1 if far.size else None].T


def transition(learning_rate: float, beta: float, h: float, averaged: bool = True) -> FloatArray:
    r"""Return the matrix that a step of momentum applies to (v, theta) on the loss h theta^2 / 2.

    .. math::
        v &\leftarrow \beta v + a h \theta \tag{1} \\
        \theta &\leftarrow \theta - \alpha v = -\alpha \beta v + (1 - \alpha a h) \theta \tag{2}

    with a = 1 - beta if the velocity is averaged, and a = 1 if it is a sum.
    """
    a = 1 - beta if averaged else 1.0
    row_v = [beta, a * h]  # (1)
    row_theta = [-learning_rate * beta, 1 - learning_rate * a * h]  # (2)
    return np.array([row_v, row_theta])


def stationary(matrix: FloatArray, noise: FloatArray) -> FloatArray:
    r"""Return the covariance P of z in the long run, where z <- M z + w and w has the covariance Q.

    .. math:: P = M P M^T + Q \tag{1}

    This is the Lyapunov equation of discrete time.  It is linear in the entries of P.
    """
    n = len(matrix)
    P = np.linalg.solve(np.eye(n * n) - np.kron(matrix, matrix), noise.ravel())  # (1)
    return P.reshape(n, n)

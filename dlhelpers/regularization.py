r"""Penalties that keep the weights small."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.typing import BoolArray, FloatArray


class Penalty(NamedTuple):
    """The value of a penalty, of shape (...), and its gradient, of shape (..., P)."""

    value: FloatArray
    gradient: FloatArray


def l2(theta: FloatArray, is_weight: BoolArray, strength: float | FloatArray, m: int) -> Penalty:
    r"""Return the L2 penalty and its gradient; biases are not penalized.

    .. math::
        R &= \frac{\lambda}{2m} \sum_{i \in \text{weights}} \theta_i^2 \tag{1} \\
        \frac{\partial R}{\partial \theta_i} &= \frac{\lambda}{m} \theta_i \tag{2}

    Parameters
    ----------
    theta : (..., P) float array
    is_weight : (P,) bool array
        `network.layout.is_weight`.
    strength : float >= 0, or (K, 1) float array for a population
        lambda, in loss units per squared weight; 0 turns the penalty off.
    m : int >= 1
        Examples in the training set.

    Raises
    ------
    ValueError
        If `strength` is negative or `m` is below 1.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 7.1.1.

    Examples
    --------
    >>> l2(np.array([3.0, 1.0]), np.array([True, False]), strength=2.0, m=6)
    Penalty(value=np.float64(1.5), gradient=array([1., 0.]))
    """
    if np.any(np.asarray(strength) < 0):
        raise ValueError(f"strength must be 0 or more; got {strength!r}. It is lambda: 0 means no penalty.")
    if m < 1:
        raise ValueError(f"m must be 1 or more; got {m!r}. It is the number of training examples.")
    weights = theta * is_weight
    value = (strength / (2 * m) * weights**2).sum(axis=-1)  # (1)
    gradient = strength / m * weights  # (2)
    return Penalty(value, gradient)


@dataclass(frozen=True)
class L2Regularized:
    """A network whose cost has an L2 penalty added: J + R.

    Parameters
    ----------
    network : Network
    strength : float >= 0, or (K, 1) float array for a population
        lambda.
    m : int >= 1
        Examples in the training set (not in a mini-batch).
    """

    network: Network
    strength: float | FloatArray
    m: int

    def loss(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return J + R, of shape (...)."""
        return self.network.loss(theta, batch) + self._penalty(theta).value

    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the gradient of J + R, in the shape of `theta`."""
        return self.network.gradient(theta, batch) + self._penalty(theta).gradient

    def _penalty(self, theta: FloatArray) -> Penalty:
        return l2(theta, self.network.layout.is_weight, self.strength, self.m)

r"""Regularization: penalties and constraints."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dlhelpers.checks import check_array, check_for_each, check_integer, check_number, door, inside, shown
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network, check_training, check_training_with_statistics
from dlhelpers.optimizers import clip_by_norm
from dlhelpers.parameters import Layout
from dlhelpers.typing import BoolArray, FloatArray

# Penalties ------------------------------------------------------------------------------------------


class Penalty(NamedTuple):
    """The value of a penalty, of shape (...), and its gradient, of shape (..., P)."""

    value: FloatArray
    gradient: FloatArray


def _check_penalty(theta: FloatArray, is_weight: BoolArray, strength: float | FloatArray, m: int) -> None:
    _check_theta(theta, is_weight)
    each = (*theta.shape[:-1], 1)
    check_number("strength", strength, "[0, inf)", "It is lambda: 0 means no penalty.", fits=each)
    check_integer("m", m, "[1, inf)", "It is the number of training examples.")


def _check_theta(theta: FloatArray, is_weight: BoolArray) -> None:
    check_array("theta", theta, "(..., P)")
    check_array("is_weight", is_weight, "(P)", "Pass network.layout.is_weight.", kind="bool")
    if len(is_weight) != theta.shape[-1]:
        raise ValueError(
            f"is_weight must have one entry for each of the {theta.shape[-1]} entries of theta; "
            f"got {len(is_weight)}. Pass network.layout.is_weight."
        )


@door(_check_penalty)
def l2(theta: FloatArray, is_weight: BoolArray, strength: float | FloatArray, m: int) -> Penalty:
    r"""Return the L2 penalty and its gradient; biases are not penalized.

    .. math::
        R &= \frac{\lambda}{2m} \sum_{i \in \text{weights}} \theta_i^2 \tag{1} \\
        \frac{\partial R}{\partial \theta_i} &= \frac{\lambda}{m} \theta_i \tag{2}

    The factor comes before the square, which may overflow where R does not.

    Parameters
    ----------
    theta : (..., P) float array
    is_weight : (P,) bool array
        `network.layout.is_weight`.
    strength : float >= 0, or (K, 1) float array for a population
        lambda, in loss units per squared weight; 0 turns the penalty off.
    m : int >= 1
        Examples in the training set.

    Returns
    -------
    Penalty

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
    weights = theta * is_weight
    value = (strength / (2 * m) * weights * weights).sum(axis=-1)  # (1)
    gradient = strength / m * weights  # (2)
    return Penalty(value.astype(theta.dtype), gradient.astype(theta.dtype, copy=False))


@door(_check_penalty)
def l1(theta: FloatArray, is_weight: BoolArray, strength: float | FloatArray, m: int) -> Penalty:
    r"""Return the L1 penalty and its subgradient; biases are not penalized.

    .. math::
        R &= \frac{\lambda}{m} \sum_{i \in \text{weights}} |\theta_i| \tag{1} \\
        \frac{\partial R}{\partial \theta_i} &= \frac{\lambda}{m} \text{sign}(\theta_i) \tag{2}

    At the kink, theta_i = 0, we take 0.  Steps along (2) jump over zero and rarely land on it;
    `soft_threshold` does.

    Parameters
    ----------
    theta, is_weight, strength, m
        As in `l2`; lambda is in loss units per weight.

    Returns
    -------
    Penalty

    Raises
    ------
    ValueError
        As `l2`.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 7.1.2.

    Examples
    --------
    >>> l1(np.array([-3.0, 1.0]), np.array([True, False]), strength=2.0, m=4)
    Penalty(value=np.float64(1.5), gradient=array([-0.5,  0. ]))
    """
    weights = theta * is_weight
    value = (strength / m * np.abs(weights)).sum(axis=-1)  # (1)
    gradient = strength / m * np.sign(weights)  # (2)
    return Penalty(value.astype(theta.dtype), gradient.astype(theta.dtype, copy=False))


def _check_training(objective: "Regularized", theta: FloatArray, batch: Batch) -> None:
    check_training(objective.network, theta, batch)
    for strength in (objective.l1, objective.l2):
        _check_penalty(theta, objective.layout.is_weight, strength, objective.m)


def _check_training_with_statistics(
    objective: "Regularized", theta: FloatArray, batch: Batch, statistics: FloatArray
) -> None:
    _check_training(objective, theta, batch)
    check_training_with_statistics(objective.network, theta, batch, statistics)


@dataclass(frozen=True)
class Regularized:
    r"""A network whose cost has penalties added; with both of them it is the elastic net.

    .. math:: J_{\text{regularized}} = J + R_{L1} + R_{L2}

    Parameters
    ----------
    network : Network
    m : int >= 1
        Examples in the training set (not in a mini-batch).
    l1, l2 : float >= 0, or (K, 1) float array for a population
        The lambda of each penalty.

    Raises
    ------
    ValueError
        If a number is outside of its range.

    References
    ----------
    Zou & Hastie (2005), "Regularization and variable selection via the elastic net".
    """

    network: Network
    m: int
    l1: float | FloatArray = 0.0
    l2: float | FloatArray = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.network, Network):
            raise ValueError(f"network must be a Network; got {shown(self.network)}. Pass Network(sizes).")
        for name in ("l1", "l2"):
            advice = "It is a lambda: 0 means no penalty."
            check_for_each(name, getattr(self, name), "[0, inf)", advice, kind="number")
        check_integer("m", self.m, "[1, inf)", "It is the number of training examples.")

    @property
    def layout(self) -> Layout:
        """The network's."""
        return self.network.layout

    @np.errstate(all="ignore")
    def loss(self, theta: FloatArray, batch: Batch, statistics: FloatArray | None = None) -> FloatArray:
        """Return J + R, of shape (...); arguments as in `Network.loss`."""
        J = self.network.loss(theta, batch, statistics)
        return J + sum(penalty.value for penalty in self._penalties(theta))

    @door(_check_training)
    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the gradient of J + R, in the shape of `theta`; arguments as in `Network.gradient`."""
        gradient = inside(self.network.gradient)(theta, batch)
        return gradient + sum(penalty.gradient for penalty in self._penalties(theta))

    @door(_check_training_with_statistics)
    def gradient_and_statistics(
        self, theta: FloatArray, batch: Batch, statistics: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the gradient of J + R and the running statistics after this batch; as in `Network`."""
        of_J, after = inside(self.network.gradient_and_statistics)(theta, batch, statistics)
        return of_J + sum(penalty.gradient for penalty in self._penalties(theta)), after

    def _penalties(self, theta: FloatArray) -> list[Penalty]:
        is_weight = self.layout.is_weight
        return [inside(penalty)(theta, is_weight, strength, self.m) for penalty, strength in self._active]

    @cached_property
    def _active(self) -> list[tuple[Callable[..., Penalty], float | FloatArray]]:
        """The penalties that are not turned off."""
        return [
            (penalty, strength) for penalty, strength in ((l1, self.l1), (l2, self.l2)) if np.any(strength)
        ]


# Constraints, for `training.descend(projection=...)` ------------------------------------------------


@np.errstate(all="ignore")
def soft_threshold(theta: FloatArray, is_weight: BoolArray, amount: float | FloatArray) -> FloatArray:
    r"""Move each weight toward 0 by this amount, and not beyond: the step of L1 that gives exact zeros.

    .. math:: \theta_i \leftarrow \text{sign}(\theta_i) \max(0, |\theta_i| - a) \tag{1}

    Gradient steps on J alone, each followed by this with a = alpha lambda / m, minimize J + R_L1.

    Parameters
    ----------
    theta : (..., P) float array
    is_weight : (P,) bool array
    amount : float >= 0, or (K, 1) float array
        a.

    Returns
    -------
    (..., P) float array

    Raises
    ------
    ValueError
        If `amount` is negative.

    References
    ----------
    Duchi & Singer (2009), "Efficient online and batch learning using forward backward splitting".

    Examples
    --------
    >>> soft_threshold(np.array([0.3, -0.05, -2.0]), np.array([True, True, False]), 0.1)
    array([ 0.2, -0. , -2. ])
    """
    _check_theta(theta, is_weight)
    each = (*theta.shape[:-1], 1)
    check_number("amount", amount, "[0, inf)", "Pass learning_rate * strength / m.", fits=each)
    shrunk = np.sign(theta) * np.maximum(0, np.abs(theta) - amount)  # (1)
    return np.where(is_weight, shrunk, theta).astype(theta.dtype, copy=False)


@np.errstate(all="ignore")
def max_norm(theta: FloatArray, layout: Layout, limit: float) -> FloatArray:
    r"""Shorten the incoming weights of each unit to a length of at most `limit`.

    .. math:: w \leftarrow w \cdot \min(1, c / \lVert w \rVert_2) \tag{1}

    Parameters
    ----------
    theta : (..., P) float array
    layout : Layout
    limit : float > 0
        c; usual values are 2 to 4.

    Returns
    -------
    (..., P) float array

    Raises
    ------
    ValueError
        If `limit` is not above 0, or another argument is not as above.

    References
    ----------
    Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from overfitting",
    section 5.1.

    Examples
    --------
    >>> max_norm(np.array([3.0, 4.0, 7.0]), Layout({"W1": (1, 2), "b1": (1, 1)}), limit=2.5)
    array([1.5, 2. , 7. ])
    """
    check_number("limit", limit, "(0, inf)", "Usual values are 2 to 4.", fits=())
    if not isinstance(layout, Layout):
        raise ValueError(f"layout must be a Layout; got {shown(layout)}. Pass network.layout.")
    limited = theta.copy() if isinstance(theta, np.ndarray) else theta
    for name, W in layout.views(limited).items():
        if name.startswith("W"):
            W[...] = inside(clip_by_norm)(W, limit)  # (1)
    return limited

r"""Regularization: penalties, constraints and early stopping."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dlhelpers.checks import check_array, check_for_each, check_integer, check_number, door, inside
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network, check_training
from dlhelpers.parameters import Layout
from dlhelpers.training import Descent, Step
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
    value = (strength / (2 * m) * weights**2).sum(axis=-1)  # (1)
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
            raise ValueError(f"network must be a Network; got {self.network!r}. Pass Network(sizes).")
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

    def update_statistics(self, statistics: FloatArray, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the network's running statistics after this batch, as in `Network.update_statistics`."""
        return self.network.update_statistics(statistics, theta, batch)

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
        raise ValueError(f"layout must be a Layout; got {layout!r}. Pass network.layout.")
    limited = theta.copy() if isinstance(theta, np.ndarray) else theta
    for name, W in layout.views(limited).items():
        if name.startswith("W"):
            length = np.sqrt(np.square(W).sum(axis=-1, keepdims=True))
            W *= limit / np.maximum(length, limit)  # (1)
    return limited


# Early stopping -------------------------------------------------------------------------------------


class Stop(NamedTuple):
    """Where early stopping takes the parameters from, and where it notices.

    Attributes
    ----------
    best : int
        Index of the lowest dev loss so far; of equal ones the first.
    stopped : int
        Index at which patience ran out, or the last one.
    """

    best: int
    stopped: int


def early_stop(dev_losses: Sequence[float] | FloatArray, patience: int) -> Stop:
    """Return where early stopping would have ended this recorded curve.

    Parameters
    ----------
    dev_losses : sequence of n >= 1 floats
        NaN counts as worse than any number.
    patience : int >= 1
        How many measurements in a row may pass without a new lowest value.

    Returns
    -------
    Stop

    Raises
    ------
    ValueError
        If there is no measurement, or `patience` is below 1.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), algorithm 7.1.

    Examples
    --------
    >>> early_stop([5.0, 3.0, 4.0, 3.5, 1.0], patience=2)
    Stop(best=1, stopped=3)
    """
    check_integer("patience", patience, "[1, inf)", "Usual values are 5 to 20.")
    losses = np.asarray(dev_losses)
    check_array("dev_losses", losses, "(n)", "It is the dev loss after each epoch.", kind="number")
    if len(losses) == 0:
        raise ValueError("dev_losses must hold 1 or more measurements; got 0. Train first.")
    best = 0
    for i, loss in enumerate(losses):
        if _is_lower(loss, losses[best]):
            best = i
        if i - best >= patience:
            return Stop(best, i)
    return Stop(best, len(losses) - 1)


class StoppedEarly(NamedTuple):
    """The result of `train_until_stop`.

    Attributes
    ----------
    best : Step
        The step with the lowest dev loss; its theta and statistics are the ones to use.
    steps : tuple of int
        When the dev loss was measured.
    dev_losses : tuple of float
    """

    best: Step
    steps: tuple[int, ...]
    dev_losses: tuple[float, ...]


def train_until_stop(
    run: Descent, dev_loss: Callable[[Step], float], patience: int, every: int = 1, most_steps: int = 100_000
) -> StoppedEarly:
    """Train one network until its dev loss has not improved for `patience` measurements.

    Parameters
    ----------
    run : Descent
    dev_loss : function from a Step to a float
        For instance `lambda step: network.loss(step.theta, dev_batch)`.
    patience : int >= 1
    every : int >= 1
        Steps from one measurement to the next.
    most_steps : int >= 1
        Updates after which it ends all the same.

    Returns
    -------
    StoppedEarly

    Raises
    ------
    ValueError
        If a number is outside of its range, or `run` trains a population or has no step.
    """
    for name, value in (("patience", patience), ("every", every), ("most_steps", most_steps)):
        check_integer(name, value, "[1, inf)")
    if not isinstance(run, Descent) or run.theta.ndim != 1:
        raise ValueError(f"run must be a Descent of one network, theta of shape (P,); got {_named(run)}.")
    if not callable(dev_loss):
        raise ValueError(f"dev_loss must be a function from a Step to a float; got {dev_loss!r}.")
    best: Step | None = None
    lowest = np.nan
    steps: list[int] = []
    losses: list[float] = []
    for i, step in enumerate(run):
        if i % every == 0:
            steps.append(step.step)
            losses.append(float(dev_loss(step)))
            if best is None or _is_lower(losses[-1], lowest):
                best, lowest, without_better = step, losses[-1], 0
            else:
                without_better += 1
            if without_better >= patience:
                break
        if i >= most_steps:
            break
    if best is None:
        raise ValueError("run must have 1 or more steps; got none. Its batches have ended.")
    return StoppedEarly(best, tuple(steps), tuple(losses))


# Ridge regression beside early stopping -----------------------------------------------------------
# Their equations are numbered together; (1) is the step of gradient descent, w - alpha X^T (X w - y) / m.


@np.errstate(all="ignore")
def ridge(X: FloatArray, y: FloatArray, strength: float) -> FloatArray:
    r"""Return the weights of a linear model without bias that minimize squared error and L2 penalty.

    .. math:: w_\lambda = (X^T X + \lambda I)^{-1} X^T y \tag{2}

    Parameters
    ----------
    X : (m, n_features) float array
        Centered, since there is no bias.
    y : (m,) float array
        Centered, too.
    strength : float > 0
        lambda, as in `l2`.

    Returns
    -------
    (n_features,) float array

    Raises
    ------
    ValueError
        If an argument is not as above, or `strength` is too small to make the equations solvable.

    References
    ----------
    Hoerl & Kennard (1970), "Ridge regression: biased estimation for nonorthogonal problems".

    Examples
    --------
    >>> ridge(np.array([[2.0], [0.0]]), np.array([3.0, 1.0]), strength=2.0)
    array([1.])
    """
    check_array("X", X, "(m, n_features)", finite=True)
    check_array("y", y, f"({len(X)},)", "Pass one target for each row of X.", finite=True)
    check_number("strength", strength, "(0, inf)", "It is lambda.", fits=())
    try:
        return np.linalg.solve(X.T @ X + strength * np.eye(X.shape[1]), X.T @ y)  # (2)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"strength must be large enough that X^T X + strength I can be inverted; got {strength!r}. "
            "Pass a larger one."
        ) from None


@np.errstate(all="ignore")
def share_after_steps(s: FloatArray, learning_rate: float, t: int) -> FloatArray:
    r"""Return the share of the solution that t steps of gradient descent from 0 reach.

    .. math:: 1 - (1 - \alpha s)^t \tag{3}

    Parameters
    ----------
    s : (...) float array, >= 0
        Curvatures: eigenvalues of X^T X / m; each direction has its own share.
    learning_rate : float >= 0
        alpha.
    t : int >= 0

    Returns
    -------
    (...) float array

    Raises
    ------
    ValueError
        If an argument is not as above.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 7.8.

    Examples
    --------
    >>> share_after_steps(np.array([0.4]), learning_rate=0.5, t=2)
    array([0.36])
    """
    _check_curvatures(s)
    check_number("learning_rate", learning_rate, "[0, inf)", fits=())
    check_integer("t", t, "[0, inf)", "It is a number of steps.")
    return np.asarray(1 - (1 - learning_rate * s) ** t)  # (3)


def share_of_ridge(s: FloatArray, strength: float, m: int) -> FloatArray:
    r"""Return the share of the solution that ridge regression keeps.

    .. math:: \frac{s}{s + \lambda / m} \tag{4}

    Parameters
    ----------
    s : (...) float array, >= 0
        Curvatures, as in `share_after_steps`.
    strength : float > 0
        lambda.
    m : int >= 1
        Examples.

    Returns
    -------
    (...) float array

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> share_of_ridge(np.array([0.3]), strength=3.0, m=10)
    array([0.5])
    """
    _check_curvatures(s)
    check_number("strength", strength, "(0, inf)", "It is lambda.", fits=())
    check_integer("m", m, "[1, inf)", "It is the number of examples.")
    return np.asarray(s / (s + strength / m))  # (4)


def matching_strength(m: int, learning_rate: float, t: int) -> float:
    r"""Return the lambda whose ridge solution is like t steps of gradient descent, for small curvatures.

    .. math:: \lambda = \frac{m}{\alpha t} \tag{5}

    Parameters
    ----------
    m : int >= 1
        Examples.
    learning_rate : float > 0
        alpha.
    t : int >= 1
        Steps.

    Raises
    ------
    ValueError
        If an argument is not as above.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 7.8.

    Examples
    --------
    >>> matching_strength(m=10, learning_rate=0.5, t=4)
    5.0
    """
    check_integer("m", m, "[1, inf)", "It is the number of examples.")
    check_number("learning_rate", learning_rate, "(0, inf)", fits=())
    check_integer("t", t, "[1, inf)", "It is a number of steps.")
    return float(m / (learning_rate * t))  # (5)


def _check_curvatures(s: FloatArray) -> None:
    check_array("s", s, "(...)", "Pass the eigenvalues of X^T X / m.", finite=True)
    if (s < 0).any():
        raise ValueError(f"s must be 0 or more; got {s.min()}. Curvatures of a squared error are.")


def _is_lower(loss: float, best: float) -> bool:
    """Return whether a dev loss is below the best one; NaN is above any number."""
    return bool(loss < best or (np.isnan(best) and not np.isnan(loss)))


def _named(run: object) -> str:
    return f"theta of shape {run.theta.shape}" if isinstance(run, Descent) else repr(run)

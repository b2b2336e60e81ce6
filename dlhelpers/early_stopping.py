r"""Early stopping: when to end a run and what to keep; and its kinship with ridge regression."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from dlhelpers.checks import check_array, check_integer, check_number, shown
from dlhelpers.training import Descent, Step
from dlhelpers.typing import FloatArray


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
        raise ValueError(f"dev_loss must be a function from a Step to a float; got {shown(dev_loss)}.")
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
        lambda, as in `regularization.l2`.

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
            f"strength must be large enough that X^T X + strength I can be inverted; got {shown(strength)}. "
            "Pass a larger one."
        ) from None


@np.errstate(all="ignore")
def share_after_steps(s: FloatArray, learning_rate: float, t: int) -> FloatArray:
    r"""Return the share of the solution that t steps of gradient descent from 0 reach.

    .. math:: 1 - (1 - \alpha s)^t = -(e^{t \log(1 - \alpha s)} - 1) \tag{3}

    For steps that do not jump over the minimum the second form is computed: where little is reached, the
    power is next to 1, and 1 less the power has few digits left.

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
    step = np.asarray(learning_rate * s)
    return np.where(step < 1, -np.expm1(t * np.log1p(-step)), 1 - (1 - step) ** t)  # (3)


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
    return f"theta of shape {run.theta.shape}" if isinstance(run, Descent) else shown(run)

r"""Exponentially weighted moving averages: each new average keeps a share beta of the old one.

Momentum, RMSprop and Adam are built on them, and so are the running statistics of batch
normalization.
"""

import math
from typing import Any

import numpy as np

from dlhelpers.checks import (
    check_array,
    check_broadcast,
    check_flag,
    check_integer,
    check_number,
    door,
    inside,
)
from dlhelpers.typing import FloatArray

_BETA = "It is the share of the old average that a step keeps; the usual value is 0.9."


def _check_values(name: str, value: Any) -> None:
    if isinstance(value, np.ndarray):
        check_array(name, value, "(...)")
    else:
        check_number(name, value, "(-inf, inf)", "Pass a number or a float array.")


def _check_update(v: float | FloatArray, x: float | FloatArray, beta: float | FloatArray) -> None:
    _check_values("v", v)
    _check_values("x", x)
    check_number("beta", beta, "[0, 1)", _BETA)
    check_broadcast(v=v, x=x, beta=beta)


def _check_weight_sum(beta: float | FloatArray, t: int) -> None:
    check_number("beta", beta, "[0, 1)", _BETA)
    check_integer("t", t, "[1, 1e18]", "It counts the values: 1 after the first.")


def _check_correct(v: float | FloatArray, beta: float | FloatArray, t: int) -> None:
    _check_values("v", v)
    _check_weight_sum(beta, t)
    check_broadcast(v=v, beta=beta)


@door(_check_update)
def update(v: float | FloatArray, x: float | FloatArray, beta: float | FloatArray) -> FloatArray:
    r"""Return the average after one more value.

    .. math:: v_t = \beta v_{t-1} + (1 - \beta) x_t \tag{1}

    Parameters
    ----------
    v : float or (...) float array
        The average so far; 0 before the first value.
    x : float or (...) float array
        The new value.
    beta : float in [0, 1), or array
        The share of the old average that is kept.

    Returns
    -------
    float or (...) float array, in the dtype of `v` and `x`

    Raises
    ------
    ValueError
        If `beta` is outside [0, 1), or the shapes do not broadcast.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 8.7.3.

    Examples
    --------
    >>> print(update(10.0, 20.0, beta=0.75))
    12.5
    """
    average = beta * v + (1 - beta) * x  # (1)
    return np.asarray(average, np.result_type(v, x, 0.0))[()]


@door(_check_weight_sum)
def weight_sum(beta: float | FloatArray, t: int) -> float | FloatArray:
    r"""Return the sum of the weights of t values in their moving average.

    .. math:: W_t = 1 - \beta^t = -(e^{t \log \beta} - 1) \tag{1}

    The second form is computed: where beta is next to 1, so is its power, and 1 - beta^t has few digits left.

    Parameters
    ----------
    beta : float in [0, 1), or array
    t : int >= 1

    Returns
    -------
    float, or float array

    Raises
    ------
    ValueError
        If `beta` is outside [0, 1) or `t` is below 1.

    Examples
    --------
    >>> print(round(weight_sum(0.5, 3), 3))
    0.875
    """
    if isinstance(beta, np.ndarray):
        return -np.expm1(t * np.log(beta))  # (1)
    return -math.expm1(t * math.log(beta)) if beta > 0 else 1.0  # (1)


@door(_check_correct)
def correct(v: float | FloatArray, beta: float | FloatArray, t: int) -> FloatArray:
    r"""Return the average without the bias that its start at 0 gives it.

    .. math:: \hat v_t = \frac{v_t}{1 - \beta^t} \tag{1}

    The weights of t values add up to :math:`1 - \beta^t`, not to 1; the division makes them add up to 1.
    `weight_sum` computes their sum.

    Parameters
    ----------
    v : float or (...) float array
        The average of `t` values, begun at 0.
    beta : float in [0, 1), or array
    t : int >= 1
        The number of values so far.

    Returns
    -------
    float or (...) float array, in the dtype of `v`

    Raises
    ------
    ValueError
        If `beta` is outside [0, 1), `t` is below 1, or the shapes do not broadcast.

    References
    ----------
    Kingma & Ba (2015), "Adam: a method for stochastic optimization", section 3.

    Examples
    --------
    After the first value the average is that value:

    >>> print(correct(update(0.0, 20.0, beta=0.75), beta=0.75, t=1).round(6))
    20.0
    """
    corrected = v / inside(weight_sum)(beta, t)  # (1)
    return np.asarray(corrected, np.result_type(v, 0.0))[()]


def moving_average(
    x: FloatArray,
    beta: float | FloatArray,
    bias_correction: bool = False,
) -> FloatArray:
    r"""Return the moving average of a series after each of its values.

    .. math::
        v_t &= \beta v_{t-1} + (1 - \beta) x_t, \qquad v_0 = 0 \tag{1} \\
        \hat v_t &= v_t / (1 - \beta^t) \tag{2}

    Parameters
    ----------
    x : (T, ...) float array
        The series runs along the first axis.
    beta : float in [0, 1), or array that broadcasts with one value of the series
        With x of shape (T,) and beta of shape (K,) the result has shape (T, K): K averages of one series.
    bias_correction : bool
        True returns equation (2), False equation (1).

    Returns
    -------
    (T, ...) float array, in the dtype of `x`

    Raises
    ------
    ValueError
        If `beta` is outside [0, 1), the shapes do not broadcast, or x is not finite.

    Examples
    --------
    The average of a constant begins near 0 and takes time to arrive; the correction removes that:

    >>> moving_average(np.array([8.0, 8.0, 8.0]), beta=0.5)
    array([4., 6., 7.])
    >>> moving_average(np.array([8.0, 8.0, 8.0]), beta=0.5, bias_correction=True)
    array([8., 8., 8.])
    """
    check_array("x", x, "(...)", finite=True)
    if x.ndim == 0 or len(x) == 0:
        raise ValueError(f"x must have shape (T, ...) with T of 1 or more; got {x.shape}. It is a series.")
    check_number("beta", beta, "[0, 1)", _BETA)
    check_flag("bias_correction", bias_correction)
    shape = check_broadcast(x=x[0], beta=beta)
    averages = np.empty((len(x), *shape), x.dtype)
    v: FloatArray = np.zeros(shape)
    with np.errstate(all="ignore"):
        for t, value in enumerate(x.astype(np.float64), start=1):
            v = beta * v + (1 - beta) * value  # (1)
            averages[t - 1] = v / inside(weight_sum)(beta, t) if bias_correction else v  # (2)
    return averages


def weights(beta: float | FloatArray, t: int) -> FloatArray:
    r"""Return the weight of each of t values in their moving average, the oldest value first.

    .. math:: v_t = \sum_{i=1}^{t} w_i x_i \quad \text{with} \quad w_i = (1 - \beta) \beta^{t - i} \tag{1}

    They add up to :math:`1 - \beta^t`.  After bias correction, that is divided by this sum, they add up to 1.

    Parameters
    ----------
    beta : float in [0, 1), or (K, 1) float array
    t : int >= 1
        The number of values.

    Returns
    -------
    (t,) float array, or (K, t)

    Raises
    ------
    ValueError
        If `beta` is outside [0, 1), `t` is below 1, or an array has not the shape (K, 1).

    Examples
    --------
    >>> weights(beta=0.5, t=3)
    array([0.125, 0.25 , 0.5  ])
    """
    check_number("beta", beta, "[0, 1)", _BETA)
    if isinstance(beta, np.ndarray):
        check_array("beta", beta, "(K, 1)", "Each beta gives a row of weights.")
    check_integer("t", t, "[1, 1e8]", "It counts the values.")
    i = np.arange(1.0, t + 1.0)
    return (1 - beta) * beta ** (t - i)  # (1)


def rule_of_thumb_window(beta: float | FloatArray) -> FloatArray:
    r"""Return how many values the average is over, by the usual rule of thumb.

    .. math:: n = \frac{1}{1 - \beta} \tag{1}

    A value that is n steps old has :math:`\beta^n` times the weight of the newest one.  This share
    is 0.349 at beta = 0.9 and comes close to 1/e = 0.368 only as beta comes close to 1.

    Parameters
    ----------
    beta : float in [0, 1), or array

    Returns
    -------
    float or float array, in steps

    Raises
    ------
    ValueError
        If `beta` is outside [0, 1).

    Examples
    --------
    >>> print(rule_of_thumb_window(0.75))
    4.0
    """
    check_number("beta", beta, "[0, 1)", _BETA)
    return np.asarray(1 / (1 - beta))[()]  # (1)


def effective_window(beta: float | FloatArray) -> FloatArray:
    r"""Return how many values a plain mean is over that is as noisy as the moving average.

    .. math:: n = \frac{1 + \beta}{1 - \beta} \tag{1}

    The mean of n independent values has the variance :math:`\sigma^2 / n`, and the moving average has
    :math:`\sigma^2 \sum_i w_i^2`.  They are equal at this n, once the average has run for long.  It is
    nearly twice the rule of thumb.

    Parameters
    ----------
    beta : float in [0, 1), or array

    Returns
    -------
    float or float array, in steps

    Raises
    ------
    ValueError
        If `beta` is outside [0, 1).

    Examples
    --------
    >>> print(effective_window(0.75))
    7.0
    """
    check_number("beta", beta, "[0, 1)", _BETA)
    return np.asarray((1 + beta) / (1 - beta))[()]  # (1)

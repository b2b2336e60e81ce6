r"""Losses as functions of the logits Z, each with its prediction and its gradient beside it.

Z has one column for each example: shape (..., n_out, m).  Y has the same shape, or broadcasts to it.
Data at the door are rows, as `datasets.one_hot` and `smooth_labels` return them: pass Y.T here.
The cost J is the mean over the m examples, so every gradient carries the factor 1/m.  Computing from
the logits keeps every formula finite where the textbook form overflows.  An infinite logit costs nothing
where it is right, and infinity where it is wrong; what has no limit is NaN.  None of it gives a warning:
training that diverges is reported by `training.descend`.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from dlhelpers.activations import linear, sigmoid
from dlhelpers.checks import broadcasts, check_array, check_integer, check_number, door, inside
from dlhelpers.softmax import log_softmax, softmax
from dlhelpers.typing import FloatArray


class Loss(NamedTuple):
    """What a network predicts from its logits, the cost J and its gradient dJ/dZ."""

    prediction: Callable[[FloatArray], FloatArray]
    cost: Callable[[FloatArray, FloatArray], FloatArray]
    gradient: Callable[[FloatArray, FloatArray], FloatArray]


def _check(Z: FloatArray, Y: FloatArray) -> None:
    check_array("Z", Z, "(..., n_out, m)", "Examples are columns.")
    check_array("Y", Y, "(..., n_out, m)", "Examples are columns.", kind="number")
    if Z.size == 0:
        raise ValueError(f"Z must have 1 or more outputs and examples; got shape {Z.shape}.")
    if Y.shape == Z.shape:
        return
    if Y.shape[-2:] != Z.shape[-2:] or not broadcasts(Y.shape, Z.shape):
        raise ValueError(
            f"Y must have one target for each of the {Z.shape} logits; got shape {Y.shape}. "
            "Outputs are rows and examples are columns, in Z and in Y."
        )


def _check_classes(Z: FloatArray, Y: FloatArray) -> None:
    _check(Z, Y)
    check_labels(Y, axis=-2)


@np.errstate(over="ignore", invalid="ignore")
def check_labels(Y: FloatArray, axis: int) -> None:
    """Raise ValueError if the labels of classes add up to 1 along the other one of the last two axes only.

    With fewer classes than examples it is not looked at: then the shapes tell.

    Parameters
    ----------
    Y : (..., n_classes, m) array for axis -2, (..., m, n_classes) array for axis -1
    axis : int, -1 or -2
        The axis of the classes.
    """
    check_array("Y", Y, "(..., n, n)", "Classes and examples are the last two axes.", kind="number")
    check_integer("axis", axis, "[-2, -1]", "It is the axis of the classes.")
    other = -3 - axis
    if Y.shape[axis] < Y.shape[other] or Y.shape[-2:] == (1, 1):
        return
    right, turned = (bool(np.all(np.abs(Y.sum(axis=each) - 1) < 1e-3)) for each in (axis, other))
    if turned and not right:
        each, those, more = ("row", "columns", "")
        if axis == -2:
            each, those, more = ("column", "rows", ", and logits whose columns are examples")
        raise ValueError(
            f"Y must have one {each} for each example, whose labels add up to 1; got an array whose {those} "
            f"do, of shape {Y.shape}. Pass Y.T{more}."
        )


@door(_check)
def squared_error_cost(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return half the mean squared error.

    .. math:: J = \frac{1}{2m} \sum_{i=1}^{m} \lVert z^{(i)} - y^{(i)} \rVert^2

    Each term is divided before it is squared: no square and no sum overflows unless J does.

    Parameters
    ----------
    Z, Y : (..., n_out, m) float array

    Returns
    -------
    (...) float array

    Raises
    ------
    ValueError
        If `Z` or `Y` is not such an array, there is no example, or `Y` does not broadcast to the shape
        of `Z`; so do all costs and gradients of this module.
    """
    R = Z - Y
    return (R / (2 * Z.shape[-1]) * R).sum(axis=(-2, -1))


@door(_check)
def squared_error_gradient(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return dJ/dZ = (Z - Y) / m, of shape (..., n_out, m); arguments as in `squared_error_cost`."""
    return (Z - Y) / Z.shape[-1]


@door(_check)
def sigmoid_cross_entropy_cost(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return the cross-entropy of labels 0 or 1; arguments as in `squared_error_cost`.

    .. math::
        J = -\frac{1}{m} \sum_{i=1}^{m} y^{(i)} \log \hat y^{(i)} + (1 - y^{(i)}) \log (1 - \hat y^{(i)})
          = \frac{1}{m} \sum_{i=1}^{m} \log(1 + e^{-\lvert z^{(i)} \rvert})
            + \bigl([z^{(i)} > 0] - y^{(i)}\bigr) z^{(i)}

    The second form is computed: it overflows nowhere, and subtracts no two large numbers.  With several
    output units the costs of the units are added up.
    """
    miss = (Z > 0).astype(Z.dtype) - Y
    return (np.log1p(np.exp(-np.abs(Z))).sum(axis=(-2, -1)) + _sum(miss, Z)) / Z.shape[-1]


@door(_check)
def sigmoid_cross_entropy_gradient(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return dJ/dZ, of shape (..., n_out, m).

    .. math:: \frac{dJ}{dZ} = \frac{\sigma(Z) - Y}{m} = \frac{(1 - Y) \, \sigma(Z) - Y \, \sigma(-Z)}{m}

    The second form is computed: where sigmoid(Z) is next to a label of 1, their difference has no digits
    left.  Arguments as in `squared_error_cost`.
    """
    return ((1 - Y) / (1 + np.exp(-Z)) - Y / (1 + np.exp(Z))) / Z.shape[-1]


@door(_check_classes)
def softmax_cross_entropy_cost(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return the cross-entropy of one-hot or smoothed labels; arguments as in `squared_error_cost`.

    .. math:: J = -\frac{1}{m} \sum_{i=1}^{m} \sum_j y_j^{(i)} \log \hat y_j^{(i)}

    A class with label 0 adds nothing, also if its logit is -inf, which masks it.
    """
    return -_sum(Y, inside(log_softmax)(Z)) / Z.shape[-1]


@door(_check_classes)
def softmax_cross_entropy_gradient(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return dJ/dZ, of shape (..., n_out, m), for columns of Y that add up to 1.

    .. math:: \frac{dJ}{dZ} = \frac{A - Y}{m} = \frac{(1 - Y) A - Y (1 - A)}{m}, \quad A = \text{softmax}(Z)

    The second form is computed, and 1 - A as the sum of the other classes' A: where A is next to a label
    of 1, their difference has no digits left.  Arguments as in `squared_error_cost`.
    """
    A = inside(softmax)(Z)
    rest = _sums_of_others(Z.shape[-2], Z.dtype) @ A
    return ((1 - Y) * A - Y * rest) / Z.shape[-1]


def smooth_labels(Y: FloatArray, strength: float) -> FloatArray:
    r"""Move a share of each label to all classes alike, so that no logit needs to grow without end.

    .. math:: y' = (1 - s) \, y + s / n_{classes} \tag{1}

    Parameters
    ----------
    Y : (..., m, n_classes) float array
        One-hot rows, as they come in at the door.
    strength : float in [0, 1]
        s; 0 changes nothing.

    Returns
    -------
    (..., m, n_classes) float array

    Raises
    ------
    ValueError
        If `Y` is not such an array, or not finite, or `strength` is not one number in [0, 1].

    References
    ----------
    Szegedy et al. (2016), "Rethinking the inception architecture for computer vision", section 7.

    Examples
    --------
    >>> smooth_labels(np.array([[1.0, 0.0]]), strength=0.1)
    array([[0.95, 0.05]])
    """
    check_array("Y", Y, "(..., m, n_classes)", "For class numbers, pass one_hot(y, n_classes).", finite=True)
    check_number("strength", strength, "[0, 1]", "A usual value is 0.1.", fits=())
    if Y.shape[-1] == 0:
        raise ValueError(f"Y must have one column for each class, 1 or more; got shape {Y.shape}.")
    s = float(strength)  # the dtype follows Y
    return (1 - s) * Y + s / Y.shape[-1]  # (1)


LOSSES: Mapping[str, Loss] = {
    "squared_error": Loss(linear, squared_error_cost, squared_error_gradient),
    "sigmoid_cross_entropy": Loss(sigmoid, sigmoid_cross_entropy_cost, sigmoid_cross_entropy_gradient),
    "softmax_cross_entropy": Loss(softmax, softmax_cross_entropy_cost, softmax_cross_entropy_gradient),
}

LOSSES_INSIDE: Mapping[str, Loss] = {
    name: Loss(inside(each.prediction), inside(each.cost), inside(each.gradient))
    for name, each in LOSSES.items()
}
"""The same without their doors, for code that has checked what it passes; see `checks.inside`."""


@lru_cache(maxsize=16)
def _sums_of_others(n: int, dtype: np.dtype[Any]) -> FloatArray:
    """Return the matrix that turns a column of n numbers into the n sums of all but one of them."""
    return 1 - np.eye(n, dtype=dtype)


def _sum(Y: FloatArray, Z: FloatArray) -> FloatArray:
    """Return the sum of Y Z over outputs and examples, where 0 times infinity is 0."""
    total = (Y * Z).sum(axis=(-2, -1))
    if np.isnan(total).any():
        total = np.where(Y == 0, 0, Y * Z).sum(axis=(-2, -1))
    return total

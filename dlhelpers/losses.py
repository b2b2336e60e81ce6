r"""Losses as functions of the logits Z, each with its prediction and its gradient beside it.

Z has one column for each example: shape (..., n_out, m).  Y has the same shape.  The cost J is the
mean over the m examples, so every gradient carries the factor 1/m.  Computing from the logits keeps
every formula finite where the textbook form overflows.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from dlhelpers.activations import identity, sigmoid
from dlhelpers.typing import FloatArray


class Loss(NamedTuple):
    """What a network predicts from its logits, the cost J and its gradient dJ/dZ."""

    prediction: Callable[[FloatArray], FloatArray]
    cost: Callable[[FloatArray, FloatArray], FloatArray]
    gradient: Callable[[FloatArray, FloatArray], FloatArray]


def softmax(Z: FloatArray) -> FloatArray:
    r"""Return class probabilities; the columns add up to 1.

    .. math:: a_i = \frac{e^{z_i}}{\sum_j e^{z_j}} = \frac{e^{z_i - \max z}}{\sum_j e^{z_j - \max z}}

    The shift by the largest logit changes nothing in exact arithmetic and keeps exp from overflowing.

    Examples
    --------
    >>> softmax(np.array([[1000.0], [1000.0]]))
    array([[0.5],
           [0.5]])
    """
    T = np.exp(Z - Z.max(axis=-2, keepdims=True))
    return T / T.sum(axis=-2, keepdims=True)


def squared_error_cost(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return half the mean squared error, of shape (...).

    .. math:: J = \frac{1}{2m} \sum_{i=1}^{m} \lVert z^{(i)} - y^{(i)} \rVert^2
    """
    return 0.5 * np.square(Z - Y).sum(axis=(-2, -1)) / Z.shape[-1]


def squared_error_gradient(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return dJ/dZ = (Z - Y) / m, of shape (..., n_out, m)."""
    return (Z - Y) / Z.shape[-1]


def sigmoid_cross_entropy_cost(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return the cross-entropy of labels 0 or 1, of shape (...).

    .. math:: J = \frac{1}{m} \sum_{i=1}^{m} \log(1 + e^{z^{(i)}}) - y^{(i)} z^{(i)}

    With several output units the costs of the units are added up.
    """
    return (np.logaddexp(0, Z) - Y * Z).sum(axis=(-2, -1)) / Z.shape[-1]


def sigmoid_cross_entropy_gradient(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return dJ/dZ = (sigmoid(Z) - Y) / m, of shape (..., n_out, m)."""
    return (sigmoid(Z) - Y) / Z.shape[-1]


def softmax_cross_entropy_cost(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return the cross-entropy of one-hot labels, of shape (...).

    .. math:: J = \frac{1}{m} \sum_{i=1}^{m} \log \sum_j e^{z_j^{(i)}} - \sum_j y_j^{(i)} z_j^{(i)}
    """
    largest = Z.max(axis=-2)
    log_sum = largest + np.log(np.exp(Z - largest[..., None, :]).sum(axis=-2))
    return (log_sum - (Y * Z).sum(axis=-2)).sum(axis=-1) / Z.shape[-1]


def softmax_cross_entropy_gradient(Z: FloatArray, Y: FloatArray) -> FloatArray:
    r"""Return dJ/dZ = (softmax(Z) - Y) / m, of shape (..., n_out, m)."""
    return (softmax(Z) - Y) / Z.shape[-1]


LOSSES: Mapping[str, Loss] = {
    "squared_error": Loss(identity, squared_error_cost, squared_error_gradient),
    "sigmoid_cross_entropy": Loss(sigmoid, sigmoid_cross_entropy_cost, sigmoid_cross_entropy_gradient),
    "softmax_cross_entropy": Loss(softmax, softmax_cross_entropy_cost, softmax_cross_entropy_gradient),
}

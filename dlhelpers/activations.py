r"""Activation functions and, beside each, its derivative.

Each derivative takes the *activation* A = g(Z), not Z: for these functions g'(Z) is a short formula
of A, and A is what the forward pass has kept.  `out` names an array to write into; without it a new
array is returned.  A function may write over its own argument, a derivative may not.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from dlhelpers.typing import FloatArray


class Activation(NamedTuple):
    """A function g of Z and its derivative as a function of A = g(Z)."""

    function: Callable[..., FloatArray]
    derivative: Callable[..., FloatArray]


def identity(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return A = Z, the linear activation."""
    return np.positive(Z, out=out)


def identity_derivative(A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return g' = 1, in the shape of `A`."""
    out = np.empty_like(A) if out is None else out
    out[...] = 1
    return out


def sigmoid(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    r"""Return the logistic function, written with tanh so that no exponential overflows.

    .. math:: A = \frac{1}{1 + e^{-Z}} = \frac{1 + \tanh(Z / 2)}{2}

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    A = np.tanh(np.multiply(Z, 0.5, out=out), out=out)
    return np.multiply(np.add(A, 1, out=out), 0.5, out=out)


def sigmoid_derivative(A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return g' = A (1 - A)."""
    return np.multiply(A, np.subtract(1, A, out=out), out=out)


def tanh(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return A = tanh Z."""
    return np.tanh(Z, out=out)


def tanh_derivative(A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return g' = 1 - A^2."""
    return np.subtract(1, np.multiply(A, A, out=out), out=out)


def relu(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return A = max(0, Z)."""
    return np.maximum(Z, 0, out=out)


def relu_derivative(A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return g' = 1 where A > 0 and 0 elsewhere; at the kink, Z = 0, we take 0."""
    return np.greater(A, 0, out=np.empty_like(A) if out is None else out)


ACTIVATIONS: Mapping[str, Activation] = {
    "identity": Activation(identity, identity_derivative),
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(tanh, tanh_derivative),
    "relu": Activation(relu, relu_derivative),
}

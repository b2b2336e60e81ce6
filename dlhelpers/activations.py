r"""Activation functions and, beside each, its derivative.

A derivative takes both Z and A = g(Z), which the forward pass has kept, and uses the one that gives
the shorter formula.  `out` names an array to write into; without it a new array is returned.  A
function may write over its own argument, a derivative may not.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from dlhelpers.checks import check_array, door, inside, shown
from dlhelpers.typing import FloatArray


class Activation(NamedTuple):
    """A function g of Z, and its derivative as a function of Z and A = g(Z)."""

    function: Callable[..., FloatArray]
    derivative: Callable[..., FloatArray]


# Checks: each function has the arguments of the functions whose door it guards ---------------------


def _check(Z: FloatArray, out: FloatArray | None = None) -> None:
    _check_array("Z", Z, out)


def _check_slope_of_Z(Z: FloatArray, A: FloatArray, out: FloatArray | None = None) -> None:
    _check_array("Z", Z, out)


def _check_slope_of_A(Z: FloatArray, A: FloatArray, out: FloatArray | None = None) -> None:
    _check_array("A", A, out)


def _check_array(name: str, value: FloatArray, out: FloatArray | None) -> None:
    check_array(name, value, "(...)")
    if out is None:
        return
    if not isinstance(out, np.ndarray) or out.dtype.kind != "f" or out.shape != value.shape:
        raise ValueError(
            f"out must be a float array of the same shape as {name}, {value.shape}; got {shown(out)}. "
            "Leave it out for a new array."
        )


# Functions, and beside each its derivative --------------------------------------------------------


@door(_check)
def linear(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return A = Z.

    Parameters
    ----------
    Z : (...) float array
    out : (...) float array, optional
        Where to write the result; it may be Z itself.

    Returns
    -------
    (...) float array
        `out`, if there is one.

    Raises
    ------
    ValueError
        If `Z` is not a float array, or `out` not one of the same shape; so do all functions of this module.
    """
    return np.positive(Z, out=out)


@door(_check_slope_of_A)
def linear_derivative(Z: FloatArray, A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return g' = 1.

    Parameters
    ----------
    Z, A : (...) float array
        What went into the activation function and what came out of it.
    out : (...) float array, optional
        Where to write the result; neither Z nor A.

    Returns
    -------
    (...) float array
        `out`, if there is one.

    Raises
    ------
    ValueError
        As `linear`.
    """
    out = np.empty_like(A) if out is None else out
    out[...] = 1
    return out


@door(_check)
def sigmoid(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    r"""Return the logistic function.

    .. math:: A = \frac{1}{1 + e^{-Z}} \tag{1}

    It keeps all its digits in both tails, where the form with tanh loses them.  Where the exponential
    overflows, A is 0: less than the smallest normal number.  Arguments as in `linear`.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, -40.0, 0.0, 1000.0]))
    array([0.00000000e+00, 4.24835426e-18, 5.00000000e-01, 1.00000000e+00])
    """
    E = np.exp(np.negative(Z, out=out), out=out)
    return np.divide(1, np.add(1, E, out=out), out=out)  # (1)


@door(_check_slope_of_Z)
def sigmoid_derivative(Z: FloatArray, A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    r"""Return the slope of the logistic function; arguments as in `linear_derivative`.

    .. math:: g' = A (1 - A) = \frac{1}{2 + e^Z + e^{-Z}} \tag{1}

    The second form is computed: where A is next to 1, 1 - A has no digits left.
    """
    return np.divide(1, 2 + np.exp(Z) + np.exp(-Z), out=out)  # (1)


@door(_check)
def tanh(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return A = tanh Z; arguments as in `linear`."""
    return np.tanh(Z, out=out)


@door(_check_slope_of_A)
def tanh_derivative(Z: FloatArray, A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return g' = 1 - A^2; arguments as in `linear_derivative`.

    It is right to the last digit of 1: where A rounds to -1 or 1, beyond |Z| = 9 in float32 and 19 in
    float64, the slope is 0.  From Z it could be computed to its own last digit, at several times the cost.
    """
    return np.subtract(1, np.multiply(A, A, out=out), out=out)


@door(_check)
def relu(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return A = max(0, Z); arguments as in `linear`."""
    return np.maximum(Z, 0, out=out)


@door(_check_slope_of_A)
def relu_derivative(Z: FloatArray, A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return g' = 1 where Z > 0 and 0 elsewhere; at the kink, Z = 0, we take 0.

    Arguments as in `linear_derivative`.
    """
    return np.greater(A, 0, out=np.empty_like(A) if out is None else out)  # A > 0 where Z > 0


LEAK = 0.01
"""Slope of the leaky ReLU for negative Z."""


@door(_check)
def leaky_relu(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return A = max(0.01 Z, Z); arguments as in `linear`.

    References
    ----------
    Maas, Hannun & Ng (2013), "Rectifier nonlinearities improve neural network acoustic models".
    """
    return np.maximum(LEAK * Z, Z, out=out)


@door(_check_slope_of_A)
def leaky_relu_derivative(Z: FloatArray, A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return g' = 1 where Z > 0 and 0.01 elsewhere; arguments as in `linear_derivative`."""
    return np.maximum(LEAK, inside(relu_derivative)(Z, A, out), out=out)


@door(_check)
def softplus(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    r"""Return a ReLU without the kink; arguments as in `linear`.

    .. math:: A = \log(1 + e^Z) = \max(0, Z) + \log(1 + e^{-|Z|})

    The second form is computed: it does not overflow.

    Examples
    --------
    >>> softplus(np.array([-1000.0, 0.0, 50.0])).round(3)
    array([ 0.   ,  0.693, 50.   ])
    """
    return np.add(np.maximum(Z, 0), np.log1p(np.exp(-np.abs(Z))), out=out)


@door(_check_slope_of_A)
def softplus_derivative(Z: FloatArray, A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return g' = 1 - exp(-A), which is sigmoid(Z); arguments as in `linear_derivative`."""
    return np.negative(np.expm1(np.negative(A, out=out), out=out), out=out)


GELU_SCALE = (2 / np.pi) ** 0.5
GELU_CUBE = 0.044715
GELU_END = 30
"""Beyond -30 and 30 the sigmoid in `gelu` is 0 and 1, also in float64, and also where U overflows."""


@door(_check)
def gelu(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    r"""Return the Gaussian error linear unit in its tanh form, which needs no error function.

    .. math::
        U &= \sqrt{2/\pi} \, Z (1 + 0.044715 Z^2) \tag{1} \\
        A &= Z (1 + \tanh U) / 2 = Z \, \sigma(2 U) \tag{2}

    The second form is computed: where tanh U is next to -1, 1 + tanh U has no digits left.  It differs
    from Z times the normal distribution function by less than 0.0005.  PyTorch calls this form
    `approximate="tanh"`.  Arguments as in `linear`.

    References
    ----------
    Hendrycks & Gimpel (2016), "Gaussian error linear units (GELUs)".
    """
    Z = np.maximum(Z, -GELU_END)  # there A is 0, and -inf * 0 would be NaN
    U = GELU_SCALE * Z * (1 + GELU_CUBE * np.square(Z))  # (1)
    return np.multiply(Z, inside(sigmoid)(2 * U), out=out)  # (2)


@door(_check_slope_of_Z)
def gelu_derivative(Z: FloatArray, A: FloatArray, out: FloatArray | None = None) -> FloatArray:
    r"""Return the derivative of the tanh form; arguments as in `linear_derivative`.

    .. math::
        U &= \sqrt{2/\pi} \, Z (1 + 0.044715 Z^2) \tag{1} \\
        U' &= \sqrt{2/\pi} (1 + 3 \cdot 0.044715 Z^2) \tag{2} \\
        S &= \sigma(2 U) = (1 + \tanh U) / 2 \tag{3} \\
        g' &= S \, (1 + 2 Z U' (1 - S)) \tag{4}
    """
    Z = np.minimum(np.maximum(Z, -GELU_END), GELU_END)  # beyond, the slope is 0 and 1
    U = GELU_SCALE * Z * (1 + GELU_CUBE * np.square(Z))  # (1)
    U_slope = GELU_SCALE * (1 + 3 * GELU_CUBE * np.square(Z))  # (2)
    S = inside(sigmoid)(2 * U)  # (3)
    return np.multiply(S, 1 + 2 * Z * U_slope * (1 - S), out=out)  # (4)


ACTIVATIONS: Mapping[str, Activation] = {
    "linear": Activation(linear, linear_derivative),
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(tanh, tanh_derivative),
    "relu": Activation(relu, relu_derivative),
    "leaky_relu": Activation(leaky_relu, leaky_relu_derivative),
    "softplus": Activation(softplus, softplus_derivative),
    "gelu": Activation(gelu, gelu_derivative),
}

ACTIVATIONS_INSIDE: Mapping[str, Activation] = {
    name: Activation(inside(each.function), inside(each.derivative)) for name, each in ACTIVATIONS.items()
}
"""The same without their doors, for code that has checked what it passes; see `checks.inside`."""

r"""Lengths of vectors whose squares are no floats: too large, or too small.

Every array is divided by a power of two before it is squared.  Such a division changes no digit.
"""

from typing import Any

import numpy as np

from dlhelpers.checks import check_array, shown
from dlhelpers.typing import FloatArray

Axis = int | tuple[int, ...] | None


@np.errstate(all="ignore")
def norm(x: FloatArray, axis: Axis = None) -> FloatArray:
    r"""Return the root of the sum of the squares.

    .. math:: \lVert x \rVert_2 = a \, \lVert x / a \rVert_2 \tag{1}

    with a power of two a near the largest number of x.

    Parameters
    ----------
    x : (...) float array
    axis : int, tuple of int or None
        Where to take the sum; None takes all axes.

    Returns
    -------
    float array, with the axes removed

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> print(f"{norm(np.array([3e200, 4e200])):.6g}")
    5e+200
    """
    a = power_of_two(x, axis)
    lengths = a * np.sqrt(np.square(x / a).sum(axis=axis, keepdims=True))  # (1)
    return np.asarray(lengths.reshape(()) if axis is None else lengths.squeeze(axis))[()]


@np.errstate(all="ignore")
def root_mean_square(x: FloatArray, axis: Axis = None) -> FloatArray:
    r"""Return the root of the mean of the squares; arguments, result and errors are those of `norm`.

    .. math:: \sqrt{\operatorname{mean}_i x_i^2} = a \sqrt{\operatorname{mean}_i (x_i / a)^2} \tag{1}

    Examples
    --------
    >>> print(f"{root_mean_square(np.array([1e-200, 1e-200])):.6g}")
    1e-200
    """
    a = power_of_two(x, axis)
    if x.size == 0:
        raise ValueError(f"x must hold a number or more; got shape {x.shape}. Nothing has no mean.")
    sizes = a * np.sqrt(np.square(x / a).mean(axis=axis, keepdims=True))  # (1)
    return np.asarray(sizes.reshape(()) if axis is None else sizes.squeeze(axis))[()]


def power_of_two(x: FloatArray, axis: Axis = None) -> FloatArray:
    """Return the largest power of two that is not above the largest number of x in size.

    Where that number is 0 or not finite, it is 1.

    Parameters
    ----------
    x : (...) float array
    axis : int, tuple of int or None
        Where to look for the largest number.

    Returns
    -------
    float array
        In the dtype of `x`, with as many axes: it broadcasts with `x`.

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> power_of_two(np.array([[3.0, -5.0], [0.25, 0.0]]), axis=-1)
    array([[4.  ],
           [0.25]])
    """
    check_array("x", x, "(...)")
    _check_axis(axis, x.ndim)
    largest = np.abs(x).max(axis=axis, keepdims=True, initial=0)
    ordinary = np.where(np.isfinite(largest) & (largest > 0), largest, 1)
    return np.ldexp(np.ones_like(ordinary), np.frexp(ordinary)[1] - 1)


def _check_axis(axis: Any, ndim: int) -> None:
    axes = axis if isinstance(axis, tuple) else () if axis is None else (axis,)
    right = all(
        isinstance(each, int) and not isinstance(each, bool) and -ndim <= each < ndim for each in axes
    )
    if not right or len({each % ndim for each in axes}) < len(axes):
        raise ValueError(
            f"axis must be None, or one or more of the {ndim} axes of x; got {shown(axis)}. -1 is the last."
        )

"""Memory that is used again: the results of a product, asked for by name and shape.

A population makes large arrays.  Asking the system for fresh ones in every step costs more than the
arithmetic on them, up to twice the time of a step.  Each thread has arrays of its own.
"""

import threading

import numpy as np

from dlhelpers.checks import check_array, shown
from dlhelpers.typing import FloatArray

_MOST_ARRAYS = 64


class _Arrays(threading.local):
    """A dictionary of arrays for each thread."""

    def __init__(self) -> None:
        self.by_key: dict[tuple[object, ...], FloatArray] = {}


_arrays = _Arrays()


def scratch(name: str, A: FloatArray, B: FloatArray) -> FloatArray:
    """Return an array that A @ B fits into; what an earlier call with this name wrote there is lost.

    Parameters
    ----------
    name : str
        Results that are needed at the same time need different names.
    A : (..., n, k) float array
    B : (..., k, m) float array

    Returns
    -------
    (..., n, m) float array with arbitrary content

    Raises
    ------
    ValueError
        If `name` is no string, or there is no product A @ B.
    """
    try:
        shape, dtype = _shape(A, B), A.dtype if A.dtype == B.dtype else np.result_type(A, B)
        found = _arrays.by_key.get((name, shape, dtype))
    except (AttributeError, IndexError, TypeError, ValueError):
        _check(name, A, B)
        raise
    if found is None:
        _check(name, A, B)  # only here: a step of training asks for arrays that it has had before
        if len(_arrays.by_key) >= _MOST_ARRAYS:
            _arrays.by_key.clear()
        found = _arrays.by_key[name, shape, dtype] = np.empty(shape, dtype)
    return found


def _shape(A: FloatArray, B: FloatArray) -> tuple[int, ...]:
    a, b = A.shape[:-2], B.shape[:-2]
    lead = a if a == b or not b else np.broadcast_shapes(a, b)  # broadcast_shapes is slow
    if A.shape[-1] != B.shape[-2]:
        raise ValueError(f"B must have {A.shape[-1]} rows, as many as A has columns; got shape {B.shape}.")
    return (*lead, A.shape[-2], B.shape[-1])


def _check(name: str, A: FloatArray, B: FloatArray) -> None:
    if not isinstance(name, str):
        raise ValueError(f"name must be a string; got {shown(name)}.")
    check_array("A", A, "(..., n, k)", kind="number")
    check_array("B", B, "(..., k, m)", kind="number")
    try:
        _shape(A, B)
    except ValueError as error:
        raise ValueError(
            f"A and B must have a product; got shapes {A.shape} and {B.shape}: {error}"
        ) from None

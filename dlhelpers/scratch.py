"""Memory that is used again: the results of a product, asked for by name and shape.

A population makes large arrays.  Asking the system for fresh ones in every step costs more than the
arithmetic on them, up to twice the time of a step.  Each thread has arrays of its own.
"""

import threading

import numpy as np

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
    """
    lead = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    shape = (*lead, A.shape[-2], B.shape[-1])
    dtype = np.result_type(A, B)
    key = (name, shape, dtype)
    found = _arrays.by_key.get(key)
    if found is None:
        if len(_arrays.by_key) >= _MOST_ARRAYS:
            _arrays.by_key.clear()
        found = _arrays.by_key[key] = np.empty(shape, dtype)
    return found

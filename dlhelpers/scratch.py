"""Memory that is used again: arrays for the layers of a network, asked for by name and shape.

A population makes large arrays.  Asking the system for fresh ones in every step costs more than the
arithmetic on them, up to twice the time of a step.  Each thread has arrays of its own.

The values in the middle of a formula have no such array.  For them this module asks the C library, where it
is glibc, not to give large pieces of freed memory back to the system: `_keep_freed_memory`.
"""

import threading
from typing import Any

import numpy as np

from dlhelpers.checks import check_integer, shown
from dlhelpers.typing import FloatArray

_MOST_SETS, _MOST_AXES = 32, 60


def _keep_freed_memory() -> None:
    """Make glibc keep freed memory: pieces of up to 31 MB, and up to 62 MB at the end of its memory.

    It sets both limits by the largest piece under 32 MB that was freed: that piece, and twice as much.  This
    one is never written to, so it takes no memory.

    References
    ----------
    The manual page mallopt(3), M_MMAP_THRESHOLD.
    """
    np.empty(31_000_000, np.uint8)


_keep_freed_memory()


class _Arrays(threading.local):
    """A dictionary of sets of arrays for each thread."""

    def __init__(self) -> None:
        self.by_key: dict[tuple[object, ...], list[FloatArray]] = {}


_arrays = _Arrays()


def scratch(
    name: str, lead: tuple[int, ...], sizes: tuple[int, ...], m: int, dtype: np.dtype[Any]
) -> list[FloatArray]:
    """Return one array for each layer; what an earlier call with these arguments wrote there is lost.

    Parameters
    ----------
    name : str
        Arrays that are needed at the same time need different names.
    lead : tuple of int
        () for one network, (K,) for a population.
    sizes : tuple of int
        n_l of each layer.
    m : int
        Examples.
    dtype : numpy.dtype

    Returns
    -------
    list of (*lead, n_l, m) arrays with arbitrary content

    Raises
    ------
    ValueError
        If an argument is not as above.
    """
    try:
        found = _arrays.by_key.get((name, lead, sizes, m, dtype))
    except TypeError:  # one that is no key
        found = None
    if found is None:
        _check(name, lead, sizes, m, dtype)  # only here: a step of training asks for what it has had before
        if len(_arrays.by_key) >= _MOST_SETS:
            _arrays.by_key.clear()
        found = _arrays.by_key[name, lead, sizes, m, dtype] = [np.empty((*lead, n, m), dtype) for n in sizes]
    return found


def _check(name: Any, lead: Any, sizes: Any, m: Any, dtype: Any) -> None:
    if not isinstance(name, str):
        raise ValueError(f"name must be a string; got {shown(name)}.")
    for what, lengths in (("lead", lead), ("sizes", sizes)):
        if not isinstance(lengths, tuple):
            raise ValueError(f"{what} must be a tuple of integers; got {shown(lengths)}.")
        for length in lengths:
            check_integer(f"Each of {what}", length, "[0, inf)")
    if len(lead) > _MOST_AXES:
        raise ValueError(f"lead must have {_MOST_AXES} axes at most; got {len(lead)}. () is one network.")
    check_integer("m", m, "[0, inf)", "It is the number of examples.")
    if not isinstance(dtype, np.dtype) or dtype.kind not in "fiu":
        raise ValueError(f"dtype must be a numpy.dtype of numbers; got {shown(dtype)}. Pass X.dtype.")

"""Points in the plane: the data of the playground, and the plane of a table with more columns."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from dlhelpers import datasets
from dlhelpers.checks import check_array, shown
from dlhelpers.normalization import fit
from dlhelpers.typing import FloatArray, IntArray

MOST_ADDED = 100
"""Points that may be added by hand."""
LARGE = 1e100
"""Numbers of a table must be smaller: they are squared and added."""


Added = tuple[tuple[float, float, int], ...]
"""Points (x1, x2, class) that were added by hand."""


class Points(NamedTuple):
    """Labeled points in the plane.

    Attributes
    ----------
    X : (m, 2) float array
    y : (m,) int array
    axis_names : (str, str)
        What the two numbers are, as matplotlib writes it: a plain dollar sign has a backslash before it.
    class_names : tuple of str
        One name for each class; empty if classes are numbers.
    call : str
        The call that made them, for a program; "" if a program can name them otherwise.
    """

    X: FloatArray
    y: IntArray
    axis_names: tuple[str, str] = ("$x_1$", "$x_2$")
    class_names: tuple[str, ...] = ()
    call: str = ""


def check_added(added: object) -> None:
    """Raise ValueError unless `added` is a tuple of a few points (x1, x2, class)."""
    points = added if isinstance(added, tuple) else (None,)
    if len(points) > MOST_ADDED or not all(map(_is_point, points)):
        raise ValueError(
            f"added must be a tuple of up to {MOST_ADDED} points (x1, x2, class), numbers from -100 to 100 "
            f"and a class from 0 to 9; got {shown(added)}. Pass ((0.5, -1.0, 0),)."
        )


def _is_point(point: object) -> bool:
    if not isinstance(point, tuple) or len(point) != 3:
        return False
    x1, x2, k = point
    if {type(x1), type(x2)} - {int, float} or type(k) is not int:
        return False
    return abs(x1) <= 100 and abs(x2) <= 100 and 0 <= k <= 9


def places(added: Added) -> FloatArray:
    """Return where points stand that were added by hand, (n, 2); (0, 2) without any.

    Raises
    ------
    ValueError
        If `added` is no tuple of points.

    Examples
    --------
    >>> places(((0.5, -1.0, 0), (1.0, 2.0, 1)))
    array([[ 0.5, -1. ],
           [ 1. ,  2. ]])
    """
    check_added(added)
    return np.array([point[:2] for point in added], dtype=float).reshape(-1, 2)


def added_as_text(added: Added) -> str:
    """Return points as a text such as "0.5,-1.0,0;1.0,2.0,1", which `added_in` reads.

    Raises
    ------
    ValueError
        If `added` is no tuple of points.
    """
    check_added(added)
    return ";".join(f"{x1},{x2},{k}" for x1, x2, k in added)


def added_in(text: str) -> Added:
    """Return the points in a text such as "0.5,-1,0; 1,2,1": two numbers and the class of each, from 0 on.

    Raises
    ------
    ValueError
        If it is no such text.
    """
    try:
        parts = [part.split(",") for part in text.split(";") if part.strip()]
        added = tuple((float(x1), float(x2), int(k)) for x1, x2, k in parts)
    except (AttributeError, ValueError):
        raise ValueError(
            f"text must hold points as x1,x2,class with semicolons between; got {shown(text)}. "
            "For instance: 0.5,-1,0; 1,2,1."
        ) from None
    check_added(added)
    return added


def principal_plane(X: FloatArray) -> FloatArray:
    r"""Return the two coordinates of each row in which the rows differ most, each with variance 1.

    .. math:: X - \bar x = U S V^T, \quad \text{coordinates} = (X - \bar x) V_{:, 1:2} \tag{1}

    Parameters
    ----------
    X : (m, n_features) float array, n_features >= 2

    Returns
    -------
    (m, 2) float array

    Raises
    ------
    ValueError
        If `X` is not such an array.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 2.12.
    """
    check_array("X", X, "(m, n_features)", "Points are rows.", finite=True)
    if X.shape[0] < 2 or X.shape[1] < 2:
        raise ValueError(f"X must have 2 or more rows and columns; got shape {X.shape}.")
    if np.abs(X).max() >= LARGE:
        raise ValueError(f"X must hold numbers below {LARGE:g}; got {np.abs(X).max():g}. Use a larger unit.")
    centered = X - X.mean(axis=0)
    V = np.linalg.svd(centered, full_matrices=False)[2][:2].T
    V = V * np.sign(V[np.abs(V).argmax(axis=0), [0, 1]])  # the sign is free: make the largest entry positive
    coordinates: FloatArray = centered @ V  # (1)
    return fit(coordinates).apply(coordinates)


def _toy(make: Callable[..., tuple[FloatArray, IntArray]]) -> Callable[..., Points]:
    def points(m: int, noise: float, rng: np.random.Generator) -> Points:
        return Points(*make(m, noise=noise, rng=rng))

    return points


def _blobs(m: int, noise: float, rng: np.random.Generator) -> Points:
    return Points(*datasets.blobs(m, classes=4, noise=noise + 0.3, rng=rng))


def _digits(m: int, noise: float, rng: np.random.Generator) -> Points:
    X, y, *_ = datasets.digits()
    rows = rng.permutation(len(y))[:m]
    images = X / 16 + noise * rng.standard_normal(X.shape)
    return Points(principal_plane(images)[rows], y[rows], ("first component", "second component"))


DATA: Mapping[str, Callable[..., Points]] = {
    "moons": _toy(datasets.moons),
    "circles": _toy(datasets.circles),
    "spirals": _toy(datasets.spirals),
    "spirals-3": _toy(partial(datasets.spirals, arms=3)),
    "xor": _toy(datasets.xor),
    "blobs": _blobs,
    "digits": _digits,
}
"""Functions of m, noise and rng.  The digits are images projected to the plane in which they differ most."""

"""Points in the plane: the data of the playground, and the plane of a table with more columns."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from dlhelpers import datasets
from dlhelpers.checks import check_array
from dlhelpers.normalization import fit
from dlhelpers.typing import FloatArray, IntArray

LARGE = 1e100
"""Numbers of a table must be smaller: they are squared and added."""


class Points(NamedTuple):
    """Labeled points in the plane.

    Attributes
    ----------
    X : (m, 2) float array
    y : (m,) int array
    axis_names : (str, str)
        What the two numbers are.
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

"""Points in the plane: the data of the playground, and a table of your own."""

import csv
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
    """

    X: FloatArray
    y: IntArray
    axis_names: tuple[str, str] = ("$x_1$", "$x_2$")


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


def read_points(text: str) -> Points:
    """Read a table of your own: one row for each example, numbers first, the class in the last column.

    Columns are separated by commas, semicolons or tabs; a first row without numbers is a heading.  Features
    are normalized; of more than two, the plane in which the examples differ most is taken.

    Parameters
    ----------
    text : str
        The content of the file: 20 to 2000 rows, 2 to 10 classes, 2 or more numeric columns.

    Returns
    -------
    Points

    Raises
    ------
    ValueError
        If the table cannot be used; it names the row.

    Examples
    --------
    >>> rows = [f"{i},{i * i},{'even' if i % 2 == 0 else 'odd'}" for i in range(20)]
    >>> read_points(chr(10).join(rows)).X.shape
    (20, 2)
    """
    if not isinstance(text, str):
        raise ValueError(f"text must be the content of a table; got {type(text).__name__}. Pass file.read().")
    separator = max(",;\t", key=text.count)
    try:
        table = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=separator)]
    except csv.Error as error:
        raise ValueError(f"text must be the content of a table; got what cannot be read: {error}.") from None
    rows = [(number, row) for number, row in enumerate(table, start=1) if any(row)]
    names = list(rows.pop(0)[1]) if rows and not any(map(_is_number, rows[0][1][:-1])) else []
    if not 20 <= len(rows) <= 2000:
        raise ValueError(f"text must hold 20 to 2000 rows of data; got {len(rows)}. Each example is a row.")
    width = len(rows[0][1])
    for number, row in rows:
        bad = next((cell for cell in row[:-1] if not _is_number(cell)), None)
        if len(row) != width or width < 3 or bad is not None:
            came = f"{bad!r}" if bad is not None else f"{len(row)} columns"
            raise ValueError(
                f"text must have two or more numbers and a class in every row; got {came} in row {number}. "
                f"The first row of data has {width} columns."
            )
    classes = sorted({row[-1] for _, row in rows})
    if not 2 <= len(classes) <= 10:
        raise ValueError(
            f"text must name 2 to 10 classes in its last column; got {len(classes)}: "
            f"{', '.join(classes)[:60]}."
        )
    X = np.array([[float(cell) for cell in row[:-1]] for _, row in rows])
    y = np.array([classes.index(row[-1]) for _, row in rows])
    if width > 3:
        return Points(principal_plane(X), y, ("first component", "second component"))
    axis_names = (names[0], names[1]) if len(names) == width else ("$x_1$", "$x_2$")
    return Points(fit(X).apply(X), y, axis_names)


def _is_number(cell: str) -> bool:
    try:
        return abs(float(cell)) < LARGE
    except ValueError:
        return False


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

"""Data to learn from: three small real sets, toy classes in the plane, noisy functions; and how to split.

Examples are rows: `X` is (m, n_features), `y` is (m,). All randomness comes from a `numpy.random.Generator`
that the caller passes, so the same seed gives the same data.
"""

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from numbers import Integral, Real
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlhelpers.checks import check_flag, check_integer, check_number, check_rng, shown
from dlhelpers.typing import FloatArray, IntArray

# Real data ------------------------------------------------------------------------------------------------

# Written by tools/make_data.py, shown in data/README.md.
SHA256: Mapping[str, str] = MappingProxyType(
    {
        "digits.csv": "7a93e51f73dadeb4429b4fc0718b334d12864332b906bdf44f9da7599a7e0e01",
        "breast_cancer.csv": "3b3577b0ec1dc9aceecc0dfeb34897b03853cdd620a06e4d66cbd36a03e1afc7",
        "sea_surface_temperature.csv": "5b1259259071539c752749034faec15b871bdc38ed18b227df59270d6248249f",
        "digit_runs.npz": "2ed8d1db6399add7c01ad29bb9ff825c724ef89aeb40631bbc46c023813291c7",
    }
)

_RESTORE = "In a checkout run: git checkout -- data. Otherwise install dlhelpers again."


class LabeledData(NamedTuple):
    """Examples with a class each; the arrays are read-only.

    Attributes
    ----------
    X : (m, n_features) float64 array
    y : (m,) int64 array
        Class of each example, an index into `class_names`.
    feature_names : n_features names
    class_names : one name for each class
    """

    X: FloatArray
    y: IntArray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]


class TemperatureSeries(NamedTuple):
    """Monthly mean temperatures in order of time; the arrays are read-only.

    Attributes
    ----------
    time : (m,) float64 array
        Start of the month in years: 1950.0 is January 1950, 1950.083 is February 1950.
    temperature : (m,) float64 array
        Degrees Celsius.
    year : (m,) int64 array
    month : (m,) int64 array
        1 is January, 12 is December.
    """

    time: FloatArray
    temperature: FloatArray
    year: IntArray
    month: IntArray


def data_folders() -> tuple[Path, ...]:
    """Return the folders that may hold the data, first choice first: an installed wheel's, a checkout's."""
    package = Path(__file__).resolve().parent
    return package / "data", package.parent / "data"


def _read_checked(name: str) -> bytes:
    """Return the content of a data file whose sha256 is the one recorded in `SHA256`."""
    folders = data_folders()
    path = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if path is None:
        raise FileNotFoundError(
            f"The data file {name} (sha256 {SHA256[name]}) must be in one of the folders "
            f"{', '.join(map(str, folders))}; it is in none of them. {_RESTORE}"
        )
    content = path.read_bytes()
    found = sha256(content).hexdigest()
    if found != SHA256[name]:
        raise ValueError(
            f"The data file {path} must have sha256 {SHA256[name]}; found {found}. "
            f"It was changed or damaged. {_RESTORE}"
        )
    return content


def _read_table(name: str) -> tuple[tuple[str, ...], FloatArray]:
    """Return the column names and the (rows, columns) numbers of a checked CSV file."""
    header, *rows = _read_checked(name).decode("ascii").splitlines()
    return tuple(header.split(",")), np.loadtxt(rows, delimiter=",", dtype=np.float64)


def _labeled(name: str, class_names: tuple[str, ...]) -> LabeledData:
    """Return a CSV file whose last column is the class."""
    columns, table = _read_table(name)
    X, y = table[:, :-1].copy(), table[:, -1].astype(np.int64)
    X.setflags(write=False)
    y.setflags(write=False)
    return LabeledData(X, y, columns[:-1], class_names)


@cache
def digits() -> LabeledData:
    """Return 1,797 images of handwritten digits, 8 x 8 pixels each.

    Returns
    -------
    LabeledData
        `X` is (1797, 64): gray levels 0 (paper) to 16 (ink), row by row; `X[i].reshape(8, 8)` is image i.
        `y` is (1797,): the digit, 0 to 9. About 180 examples of each. Values as in the file, not scaled.

    Raises
    ------
    FileNotFoundError, ValueError
        If data/digits.csv is missing or damaged.

    References
    ----------
    Alpaydin, E. & Kaynak, C. (1998). Optical Recognition of Handwritten Digits. UCI Machine Learning
    Repository. https://doi.org/10.24432/C50P49. More in data/README.md.

    Examples
    --------
    >>> X, y, feature_names, class_names = digits()
    >>> X.shape, float(X.max()), feature_names[1]
    ((1797, 64), 16.0, 'pixel_0_1')
    >>> y[:5].tolist()
    [0, 1, 2, 3, 4]
    """
    return _labeled("digits.csv", tuple("0123456789"))


@cache
def breast_cancer() -> LabeledData:
    """Return 30 measurements of the cell nuclei in each of 569 breast masses, and the diagnosis.

    Returns
    -------
    LabeledData
        `X` is (569, 30): ten measurements, each as mean, standard error and worst value, in the units of
        the source. Their scales differ by a factor of 100,000: see `feature_names` and data/README.md.
        `y` is (569,): 0 is malignant (212 examples), 1 is benign (357). Values as in the file, not scaled.

    Raises
    ------
    FileNotFoundError, ValueError
        If data/breast_cancer.csv is missing or damaged.

    References
    ----------
    Wolberg, W., Mangasarian, O., Street, N. & Street, W. (1995). Breast Cancer Wisconsin (Diagnostic).
    UCI Machine Learning Repository. https://doi.org/10.24432/C5DW2B. More in data/README.md.

    Examples
    --------
    >>> X, y, feature_names, class_names = breast_cancer()
    >>> X.shape, feature_names[0], float(X[0, 0])
    ((569, 30), 'mean radius', 17.99)
    >>> class_names[y[0]]
    'malignant'
    """
    return _labeled("breast_cancer.csv", ("malignant", "benign"))


@cache
def sea_surface_temperature() -> TemperatureSeries:
    r"""Return the monthly mean sea surface temperature off Peru and Ecuador, January 1950 to December 2010.

    .. math:: \text{time} = \text{year} + \frac{\text{month} - 1}{12}

    Returns
    -------
    TemperatureSeries
        732 months. `time` in years, `temperature` in degrees Celsius: the mean over the region Nino 1+2,
        0 to 10 degrees south, 90 to 80 degrees west.

    Raises
    ------
    FileNotFoundError, ValueError
        If data/sea_surface_temperature.csv is missing or damaged.

    References
    ----------
    NOAA, National Weather Service: ERSST.V3B, Nino 1+2. More in data/README.md.

    Examples
    --------
    >>> series = sea_surface_temperature()
    >>> series.time[:2].round(3).tolist(), series.temperature[:2].tolist()
    ([1950.0, 1950.083], [23.11, 24.2])
    """
    _, table = _read_table("sea_surface_temperature.csv")
    year, month, temperature = table.T.copy()
    time = year + (month - 1) / 12
    series = TemperatureSeries(time, temperature, year.astype(np.int64), month.astype(np.int64))
    for array in series:
        array.setflags(write=False)
    return series


# Toy classes in the plane ---------------------------------------------------------------------------------


def moons(m: int, *, noise: float = 0.2, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    r"""Return two half circles that reach into each other; each is the other one turned by 180 degrees.

    .. math:: x = \pm 1.5 \left(\cos t - \tfrac12,\; \sin t - \tfrac14\right) + \text{noise},
        \quad t \sim U(0, \pi)

    with + for class 0 and - for class 1.

    Parameters
    ----------
    m : int >= 1
        Number of examples; the two classes differ by at most one.
    noise : float in [0, 1e6]
        Standard deviation of the normal noise on each coordinate, in units of `X`.
    rng : numpy.random.Generator

    Returns
    -------
    X : (m, 2) float64 array
        Without noise, `X[:, 0]` is within [-2.25, 2.25] and `X[:, 1]` within [-1.125, 1.125].
    y : (m,) int64 array
        0 or 1, in random order.

    Raises
    ------
    ValueError
        If `m` is below 1, `noise` is out of range, or `rng` is not a Generator.

    Examples
    --------
    >>> X, y = moons(100, noise=0.1, rng=np.random.default_rng(0))
    >>> X.shape, np.bincount(y).tolist()
    ((100, 2), [50, 50])
    """
    _check_generator_arguments(m, noise, rng)
    y = _shuffled_labels(m, 2, rng)
    t = rng.uniform(0, np.pi, m)
    arc = 1.5 * np.column_stack([np.cos(t) - 1 / 2, np.sin(t) - 1 / 4])
    sign = np.where(y == 0, 1, -1)[:, np.newaxis]
    return sign * arc + noise * rng.standard_normal((m, 2)), y


def circles(m: int, *, noise: float = 0.2, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    r"""Return a circle of radius 1 (class 0) inside a circle of radius 2 (class 1).

    .. math:: x = (1 + y) (\cos t, \sin t) + \text{noise}, \quad t \sim U(0, 2 \pi)

    Parameters
    ----------
    m : int >= 1
        Number of examples; the two classes differ by at most one.
    noise : float in [0, 1e6]
        Standard deviation of the normal noise on each coordinate, in units of `X`.
    rng : numpy.random.Generator

    Returns
    -------
    X : (m, 2) float64 array
        Within [-2, 2] without noise.
    y : (m,) int64 array
        0 or 1, in random order.

    Raises
    ------
    ValueError
        If `m` is below 1, `noise` is out of range, or `rng` is not a Generator.

    Examples
    --------
    >>> X, y = circles(4, noise=0, rng=np.random.default_rng(0))
    >>> bool(np.allclose(np.hypot(X[:, 0], X[:, 1]), 1 + y))
    True
    """
    _check_generator_arguments(m, noise, rng)
    y = _shuffled_labels(m, 2, rng)
    t = rng.uniform(0, 2 * np.pi, m)
    return _polar(1 + y, t) + noise * rng.standard_normal((m, 2)), y


def spirals(
    m: int, *, arms: int = 2, noise: float = 0.1, rng: np.random.Generator
) -> tuple[FloatArray, IntArray]:
    r"""Return spiral arms that wind around each other, one class for each arm.

    .. math:: r = 0.3 + 2.4 u, \quad t = 2 \pi \left(1.25 u + \frac{y}{\text{arms}}\right)
    .. math:: x = r (\cos t, \sin t) + \text{noise}, \quad u \sim U(0, 1)

    Parameters
    ----------
    m : int >= 1
        Number of examples; the classes differ by at most one.
    arms : int >= 2
        Number of arms. Neighbors are 1.92 / arms apart (measured outward): more arms are harder.
    noise : float in [0, 1e6]
        Standard deviation of the normal noise on each coordinate, in units of `X`.
    rng : numpy.random.Generator

    Returns
    -------
    X : (m, 2) float64 array
        Within [-2.7, 2.7] without noise.
    y : (m,) int64 array
        0 to arms - 1, in random order.

    Raises
    ------
    ValueError
        If `m` is below 1, `arms` is below 2, `noise` is out of range, or `rng` is not a Generator.

    Examples
    --------
    >>> X, y = spirals(300, arms=3, rng=np.random.default_rng(0))
    >>> np.bincount(y).tolist()
    [100, 100, 100]
    """
    _check_generator_arguments(m, noise, rng)
    check_integer("arms", arms, "[2, inf)", "One arm is one class: there would be nothing to tell apart.")
    y = _shuffled_labels(m, arms, rng)
    u = rng.uniform(0, 1, m)
    t = 2 * np.pi * (1.25 * u + y / arms)
    return _polar(0.3 + 2.4 * u, t) + noise * rng.standard_normal((m, 2)), y


def blobs(
    m: int,
    *,
    classes: int | None = None,
    centers: ArrayLike | None = None,
    noise: float = 0.5,
    rng: np.random.Generator,
) -> tuple[FloatArray, IntArray]:
    r"""Return one round normal cloud for each class.

    .. math:: x = \text{center}_y + \text{noise}

    Parameters
    ----------
    m : int >= 1
        Number of examples; the classes differ by at most one.
    classes : int >= 1, optional
        Number of clouds, 3 if neither this nor `centers` is given. Their centers are spread evenly on a
        circle of radius 2, the first at (2, 0).
    centers : (K, 2) array, optional
        The centers themselves, instead of `classes`: row k is the center of class k.
    noise : float in [0, 1e6]
        Standard deviation of each cloud along each coordinate, in units of `X`.
    rng : numpy.random.Generator

    Returns
    -------
    X : (m, 2) float64 array
        With `classes`, nearly all within [-3, 3] up to a noise of 0.5; with `centers`, around those.
    y : (m,) int64 array
        0 to K - 1, in random order.

    Raises
    ------
    ValueError
        If `m` or `classes` is below 1, both `classes` and `centers` are given, `centers` is not a finite
        (K, 2) array, `noise` is out of range, or `rng` is not a Generator.

    Examples
    --------
    >>> X, y = blobs(4, centers=[[-1, 0], [1, 0]], noise=0, rng=np.random.default_rng(0))
    >>> bool(np.all(X[:, 0] == np.where(y == 0, -1, 1)))
    True
    """
    _check_generator_arguments(m, noise, rng)
    middle = _blob_centers(classes, centers)
    y = _shuffled_labels(m, len(middle), rng)
    return middle[y] + noise * rng.standard_normal((m, 2)), y


def xor(m: int, *, noise: float = 0.1, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    r"""Return four squares, one in each quadrant; opposite squares are of the same class.

    .. math:: x = (\pm a, \pm b) + \text{noise}, \quad a, b \sim U(0.2, 2.5)

    The class is 0 where the signs are equal and 1 where they differ. The noise comes afterwards, so it
    moves examples across the border.

    Parameters
    ----------
    m : int >= 1
        Number of examples; the two classes differ by at most one, and so do the four squares.
    noise : float in [0, 1e6]
        Standard deviation of the normal noise on each coordinate, in units of `X`.
    rng : numpy.random.Generator

    Returns
    -------
    X : (m, 2) float64 array
        Within [-2.5, 2.5] without noise.
    y : (m,) int64 array
        0 or 1, in random order.

    Raises
    ------
    ValueError
        If `m` is below 1, `noise` is out of range, or `rng` is not a Generator.

    Examples
    --------
    >>> X, y = xor(100, noise=0, rng=np.random.default_rng(0))
    >>> bool(np.all((X[:, 0] > 0) ^ (X[:, 1] > 0) == (y == 1)))
    True
    """
    _check_generator_arguments(m, noise, rng)
    quadrant = _shuffled_labels(m, 4, rng)  # 0 to 3, counterclockwise from (+, +)
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])[quadrant]
    X = signs * rng.uniform(0.2, 2.5, (m, 2))
    return X + noise * rng.standard_normal((m, 2)), quadrant % 2


def _shuffled_labels(m: int, classes: int, rng: np.random.Generator) -> IntArray:
    """Return m labels in random order, each class as often as the others (or once more)."""
    return rng.permutation(np.arange(m, dtype=np.int64) % classes)


def _polar(radius: FloatArray | IntArray, angle: FloatArray) -> FloatArray:
    """Return (m, 2) points from (m,) radii and (m,) angles in radians."""
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def _blob_centers(classes: int | None, centers: ArrayLike | None) -> FloatArray:
    """Return the (K, 2) centers that `blobs` was asked for."""
    if centers is None:
        K = 3 if classes is None else classes
        check_integer("classes", K, "[1, inf)", "It is the number of clouds.")
        return _polar(np.full(K, 2.0), 2 * np.pi * np.arange(K) / K)
    if classes is not None:
        raise ValueError(
            f"Only one of classes and centers must be given; got both (classes={shown(classes)}). "
            "Leave out classes: each row of centers is a class."
        )
    points = _as_array("centers", centers)
    right = points.dtype.kind in "fiu" and points.shape[1:] == (2,) and len(points) > 0
    if not right or not np.isfinite(points).all():
        raise ValueError(
            f"centers must be a (K, 2) array of finite numbers; got {shown(centers)} (shape {points.shape}). "
            "Pass one row for each class: [[-1, 0], [1, 0]]."
        )
    return points.astype(np.float64)


# Noisy functions of one variable --------------------------------------------------------------------------


def sine(x: FloatArray) -> FloatArray:
    r"""Return :math:`\sin(1.5 \pi x)`: a cubic is too stiff, a polynomial of degree 5 to 7 follows it."""
    _check_x(x)
    return np.asarray(np.sin(1.5 * np.pi * x))


def line(x: FloatArray) -> FloatArray:
    r"""Return :math:`0.8 x`: the simplest model is right, all else can only fit noise."""
    _check_x(x)
    return np.asarray(0.8 * x)


def step(x: FloatArray) -> FloatArray:
    r"""Return -0.8 where x < 0 and 0.8 elsewhere: no smooth model fits the jump."""
    _check_x(x)
    return np.where(x < 0, -0.8, 0.8)


def bump(x: FloatArray) -> FloatArray:
    r"""Return :math:`\exp(-\frac12 ((x - 0.5) / 0.1)^2)`: flat on the left, a narrow bump on the right."""
    _check_x(x)
    return np.asarray(np.exp(-0.5 * ((x - 0.5) / 0.1) ** 2))


FUNCTIONS: Mapping[str, Callable[[FloatArray], FloatArray]] = MappingProxyType(
    {"sine": sine, "line": line, "step": step, "bump": bump}
)


def noisy_function(
    function: str | Callable[[FloatArray], FloatArray], m: int, noise: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    r"""Return m noisy measurements of a function on [-1, 1].

    .. math:: y = f(x) + \text{noise} \cdot \varepsilon, \quad x \sim U(-1, 1), \quad \varepsilon \sim N(0, 1)

    Parameters
    ----------
    function : a name in `FUNCTIONS`, or a function from an (m,) array to an (m,) array
        The named ones have values within [-1, 1].
    m : int >= 1
        Number of measurements.
    noise : float in [0, 1e6]
        Standard deviation of the noise, in units of y.
    rng : numpy.random.Generator

    Returns
    -------
    x : (m,) float64 array
        Not sorted.
    y : (m,) float64 array

    Raises
    ------
    ValueError
        If the name is unknown, the function returns another shape, `m` is below 1, `noise` is out of range,
        or `rng` is not a Generator.

    Examples
    --------
    >>> x, y = noisy_function("sine", 5, 0.0, np.random.default_rng(0))
    >>> bool(np.all(y == FUNCTIONS["sine"](x)))
    True
    """
    _check_generator_arguments(m, noise, rng)
    truth = FUNCTIONS.get(function) if isinstance(function, str) else function
    if not callable(truth):
        raise ValueError(
            f"function must be one of {', '.join(FUNCTIONS)}, or a function of an array; "
            f"got {shown(function)}. For your own truth, pass for example lambda x: x**2."
        )
    x = rng.uniform(-1, 1, m)
    values = _as_array("What function returns", truth(x))
    if values.shape != (m,) or values.dtype.kind not in "fiu":
        raise ValueError(
            f"function must turn an array of shape ({m},) into numbers of the same shape; got {values.shape} "
            f"of dtype {values.dtype}. Use NumPy operations, which work on every element."
        )
    return x, values + noise * rng.standard_normal(m)


# Splitting and encoding -----------------------------------------------------------------------------------


class Split(NamedTuple):
    """Training, dev (validation) and test examples; dtypes and trailing shapes are those of the whole.

    Attributes
    ----------
    X_train, X_dev, X_test : (n, ...) arrays
    y_train, y_dev, y_test : (n,) arrays
        With the n of the part.
    """

    X_train: NDArray[Any]
    y_train: NDArray[Any]
    X_dev: NDArray[Any]
    y_dev: NDArray[Any]
    X_test: NDArray[Any]
    y_test: NDArray[Any]


def split(
    X: ArrayLike,
    y: ArrayLike,
    *,
    dev: int | float,
    test: int | float,
    rng: np.random.Generator,
    stratify: bool = False,
) -> Split:
    r"""Return shuffled training, dev and test examples; every row is in exactly one part.

    With `stratify`, each part has each class by its share, to within one example:

    .. math:: n_{k, \text{part}} \approx \frac{n_k \, n_\text{part}}{m}

    Parameters
    ----------
    X : (m, ...) array
    y : (m,) array
        Classes, as numbers or names, or any targets if `stratify` is False.  A pandas Series will do.
    dev, test : int from 0 to m, or float in [0, 1)
        An int is a number of examples, a float is a fraction of m (rounded to the nearest number).
        The rest, at least one example, is for training.
    rng : numpy.random.Generator
    stratify : bool
        Whether each part gets each class by its share.

    Returns
    -------
    Split
        X_train, y_train, X_dev, y_dev, X_test, y_test: copies, in random order.

    Raises
    ------
    ValueError
        If the lengths of `X` and `y` differ, `dev` or `test` is out of range, no training example is left,
        `rng` is not a Generator, or a class has fewer examples than there are parts to stratify over.

    Examples
    --------
    >>> X, y, *_ = digits()
    >>> parts = split(X, y, dev=0.2, test=300, rng=np.random.default_rng(0), stratify=True)
    >>> len(parts.X_train), len(parts.X_dev), len(parts.X_test)
    (1138, 359, 300)
    >>> np.bincount(parts.y_test).tolist()
    [30, 30, 30, 31, 30, 30, 30, 30, 29, 30]
    """
    X, y = _as_array("X", X), _as_array("y", y)
    _check_rows(X, y)
    check_rng(rng)
    sizes = _part_sizes(len(y), dev, test)
    labels = _class_indices(y, stratify, n_parts=int(np.count_nonzero(sizes)))
    order = rng.permutation(len(y))
    part = np.empty(len(y), dtype=np.int64)  # of each row in this order: 0 dev, 1 test, 2 train
    for k, counts in enumerate(_share_out(np.bincount(labels), sizes)):
        part[labels[order] == k] = np.repeat([0, 1, 2], counts)
    dev_rows, test_rows, train_rows = (order[part == p] for p in range(3))
    return Split(X[train_rows], y[train_rows], X[dev_rows], y[dev_rows], X[test_rows], y[test_rows])


def _share_out(class_sizes: IntArray, part_sizes: IntArray) -> IntArray:
    r"""Return (classes, parts) counts whose sums are exactly the sizes of the classes and of the parts.

    .. math:: n_{k, \text{part}} = \left\lfloor \frac{n_k \, n_\text{part}}{m} \right\rfloor \tag{1}

    and one more where the remainder is largest, until the sums are right.
    """
    m = class_sizes.sum()
    product = np.outer(class_sizes, part_sizes)
    counts: IntArray = product // m  # (1)
    remainder = product % m
    left = class_sizes - counts.sum(axis=1)
    for p, missing in enumerate(part_sizes - counts.sum(axis=0)):
        # Classes with most examples left come first, else a later part could not be filled (Gale and Ryser).
        chosen = np.lexsort((-remainder[:, p], -left))[:missing]
        counts[chosen, p] += 1
        left[chosen] -= 1
    return counts


def _class_indices(y: NDArray[Any], stratify: bool, n_parts: int) -> IntArray:
    """Return (m,) class indices to stratify by; all zero, a single class, if `stratify` is False."""
    check_flag("stratify", stratify)
    if not stratify:
        return np.zeros(len(y), dtype=np.int64)
    if y.dtype.kind == "O":  # what pandas makes of names
        y = _plain_labels(y)
    classes, labels, counts = np.unique(y, return_inverse=True, return_counts=True)
    if counts.min() < n_parts:
        raise ValueError(
            f"To stratify over {n_parts} parts, each class must have at least {n_parts} examples; "
            f"class {classes[counts.argmin()]} has {counts.min()}. "
            "Add examples, merge classes, or pass stratify=False."
        )
    return np.asarray(labels, dtype=np.int64)


def _plain_labels(y: NDArray[Any]) -> NDArray[Any]:
    """Return an array of Python objects as one of names or of numbers; raise ValueError if it is neither."""
    if all(isinstance(label, str) for label in y) or all(isinstance(label, Real) for label in y):
        return np.array(y.tolist())
    other = next(label for label in y if not isinstance(label, str))
    raise ValueError(
        f"y must hold numbers or strings to stratify by; got objects, such as {shown(other)}. "
        "For names, pass np.array(y).astype(str), or stratify=False."
    )


def _part_sizes(m: int, dev: int | float, test: int | float) -> IntArray:
    """Return the numbers of dev, test and training examples."""
    n_dev, n_test = _part_size("dev", dev, m), _part_size("test", test, m)
    n_train = m - n_dev - n_test
    if n_train < 1:
        raise ValueError(
            f"dev and test must leave at least 1 of the {m} examples for training; got dev={shown(dev)} "
            f"({n_dev} examples) and test={shown(test)} ({n_test} examples). Make one of them smaller."
        )
    return np.array([n_dev, n_test, n_train])


def _part_size(name: str, share: int | float, m: int) -> int:
    """Return a number of examples, given that number or a fraction of m."""
    if not isinstance(share, Real) or isinstance(share, bool):
        raise ValueError(
            f"{name} must be a number of examples (int) or a fraction in [0, 1) (float); got {shown(share)}. "
            f"For a fifth of the examples, pass {name}=0.2; for none, pass {name}=0."
        )
    if isinstance(share, Integral):
        if not 0 <= share <= m:
            raise ValueError(
                f"{name} as a number of examples must be from 0 to {m}, the number of rows; "
                f"got {shown(share)}. For a fraction of the rows, pass a float: {name}=0.2."
            )
        return int(share)
    if not 0 <= share < 1:
        raise ValueError(
            f"{name} as a fraction must be in [0, 1); got {shown(share)}. "
            f"For 20 percent, pass {name}=0.2; for 20 examples, pass the int {name}=20."
        )
    return round(float(share) * m)


def one_hot(y: ArrayLike, n_classes: int) -> FloatArray:
    r"""Return labels as rows of zeros with a single one.

    .. math:: Y_{ik} = \begin{cases} 1 & k = y_i \\ 0 & \text{otherwise} \end{cases} \tag{1}

    Parameters
    ----------
    y : (m,) int array
        Labels from 0 to n_classes - 1.  For names, number them first, as in the second example.
    n_classes : int >= 1

    Returns
    -------
    (m, n_classes) float64 array

    Raises
    ------
    ValueError
        If `y` is not a one-dimensional array of integers, or a label is out of range.

    Examples
    --------
    >>> one_hot([2, 0], n_classes=3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    >>> names, y = np.unique(["frog", "cat", "frog"], return_inverse=True)
    >>> one_hot(y, len(names)).argmax(axis=1)
    array([1, 0, 1])
    """
    check_integer("n_classes", n_classes, "[1, inf)", "For labels 0 to 9, pass 10.")
    labels = _as_array("y", y)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"y must be a one-dimensional array of integers; got shape {labels.shape}, dtype {labels.dtype}. "
            f"{_advice_on_labels(labels)}"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if len(wrong) > 0:
        raise ValueError(
            f"Labels must be from 0 to n_classes - 1 = {n_classes - 1}; got {labels[wrong[0]]} "
            f"in row {wrong[0]}. Number the classes from 0, or pass a larger n_classes."
        )
    Y = np.zeros((len(labels), n_classes))
    Y[np.arange(len(labels)), labels] = 1  # (1)
    return Y


def _advice_on_labels(labels: NDArray[Any]) -> str:
    """Return what turns such labels into those that `one_hot` takes."""
    if labels.ndim == 2 and labels.shape[1] != 1:
        return (
            "Rows with a number for each class are one-hot already; for their labels, pass y.argmax(axis=1)."
        )
    if labels.ndim != 1:
        return "For a column, pass np.ravel(y)."
    if labels.dtype.kind in "fb" or all(isinstance(label, Real) for label in labels):
        return "For whole numbers of another dtype, pass np.array(y).astype(int)."
    return "For names, pass np.unique(np.array(y).astype(str), return_inverse=True)[1], their numbers."


# Checks of what users pass --------------------------------------------------------------------------------


def _check_x(x: FloatArray) -> None:
    check_number("x", x, "[-1e6, 1e6]", "The functions are made for [-1, 1].")


def _check_generator_arguments(m: int, noise: float, rng: np.random.Generator) -> None:
    check_integer("m", m, "[1, inf)", "It is the number of examples.")
    check_number("noise", noise, "[0, 1e6]", "It is a standard deviation: pass 0 for none.", fits=())
    check_rng(rng)


def _as_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return lists as an array too; rows of different lengths are none."""
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{name} must be an array; got {type(value).__name__} that is not one. "
            "Give all rows the same number of columns."
        ) from None


def _check_rows(X: NDArray[Any], y: NDArray[Any]) -> None:
    if X.ndim < 1 or y.ndim != 1:
        raise ValueError(
            f"X must have shape (m, ...) and y shape (m,); got {X.shape} and {y.shape}. "
            "Examples are rows; for a column of targets, pass y.ravel()."
        )
    if len(X) != len(y):
        raise ValueError(
            f"X and y must have the same number of rows; got {len(X)} and {len(y)}. "
            "Examples are rows: if they are the columns of X, pass X.T."
        )

r"""Change an image so that its label stays true.

Images are rows: X has shape (m, n_pixels), each row a square image, pixel by pixel.  Every function here
asks the same question for each pixel of the new image: at which place of the old one did it stand?  One
function, `_resample`, reads the old image there.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from dlhelpers.checks import check_array, check_integer, check_number, check_rng, shown
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.typing import FloatArray

SIDE = 8
"""Height and width of the course's digits, in pixels."""


def rotation_matrix(degrees: float, side: int = SIDE) -> FloatArray:
    """Return the matrix R that turns a flattened square image: rotated = X @ R.T.

    Each pixel of the new image is read from the old one at the place it came from, between the four
    pixels around that place in proportion to their distance (bilinear interpolation).  What comes
    from outside of the image is 0, the background.

    Parameters
    ----------
    degrees : float
        Angle, counterclockwise on the screen.
    side : int >= 1
        Height and width in pixels.

    Returns
    -------
    (side * side, side * side) float64 array, read-only

    Raises
    ------
    ValueError
        If `degrees` is not a finite number, or `side` is below 1.

    Examples
    --------
    A quarter of a turn moves every pixel and loses none:

    >>> image = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> (image.ravel() @ rotation_matrix(90, side=2).T).reshape(2, 2)
    array([[1., 3.],
           [0., 2.]])
    """
    check_number("degrees", degrees, "(-inf, inf)", "It is an angle.", fits=())
    check_integer("side", side, "[1, inf)", "It is the height and width of an image in pixels.")
    return _rotation_matrix(float(degrees), int(side))


@lru_cache(maxsize=64)
def _rotation_matrix(degrees: float, side: int) -> FloatArray:
    one_pixel_each = np.eye(side * side)  # image j has a 1 at pixel j: turned, it is column j of R
    matrix: FloatArray = _resample(one_pixel_each, *_source(side, degrees=degrees)).T.copy()
    matrix.setflags(write=False)
    return matrix


def rotate(X: FloatArray, degrees: float) -> FloatArray:
    """Return the images turned counterclockwise by this angle.

    Parameters
    ----------
    X : (m, n_pixels) float array
        Flattened square images.
    degrees : float

    Returns
    -------
    (m, n_pixels) float array
        Of the dtype of `X`.

    Raises
    ------
    ValueError
        If the images are not square or not finite, or `degrees` is not a finite number.
    """
    side = _side(X)
    return np.asarray(X @ rotation_matrix(degrees, side).T, dtype=X.dtype)


def shift(X: FloatArray, rows: float, columns: float) -> FloatArray:
    """Return the images moved down by `rows` and to the right by `columns`; what comes in is 0.

    Parameters
    ----------
    X : (m, n_pixels) float array
        Flattened square images.
    rows, columns : float
        In pixels; a fraction of a pixel mixes neighbors in proportion.

    Returns
    -------
    (m, n_pixels) float array
        Of the dtype of `X`.

    Raises
    ------
    ValueError
        If the images are not square or not finite, or `rows` or `columns` is not a finite number.

    Examples
    --------
    >>> shift(np.array([[1.0, 2.0, 3.0, 4.0]]), rows=0, columns=0.5).reshape(2, 2)
    array([[0.5, 1.5],
           [1.5, 3.5]])
    """
    side = _side(X)
    check_number("rows", rows, "(-inf, inf)", "It is a number of pixels, downwards.", fits=())
    check_number("columns", columns, "(-inf, inf)", "It is a number of pixels, to the right.", fits=())
    return _resample(X, *_source(side, rows=rows, columns=columns))


def scale(X: FloatArray, factor: float) -> FloatArray:
    """Return the images made larger (factor above 1) or smaller about their center.

    Parameters
    ----------
    X : (m, n_pixels) float array
        Flattened square images.
    factor : float > 0
        1.1 makes a digit a tenth larger; what leaves the image is lost.

    Returns
    -------
    (m, n_pixels) float array
        Of the dtype of `X`.

    Raises
    ------
    ValueError
        If the images are not square or not finite, or `factor` is not above 0.

    Examples
    --------
    >>> scale(np.array([[0.0, 0.0, 0.0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0]]), 2).reshape(3, 3)
    array([[2., 4., 2.],
           [4., 8., 4.],
           [2., 4., 2.]])
    """
    side = _side(X)
    check_number("factor", factor, "(0, inf)", "1 keeps the size.", fits=())
    return _resample(X, *_source(side, factor=factor))


def add_noise(X: FloatArray, strength: float, rng: np.random.Generator) -> FloatArray:
    """Return the images with independent normal noise added to each pixel.

    Parameters
    ----------
    X : (m, n_pixels) float array
        Or features of any other kind: an array of any shape.
    strength : float >= 0
        Standard deviation of the noise, in units of `X`.  Values are not clipped.
    rng : numpy.random.Generator

    Returns
    -------
    (m, n_pixels) float array
        Of the dtype of `X`.

    Raises
    ------
    ValueError
        If `X` is not a float array of finite numbers, `strength` is below 0, or `rng` is not a Generator.
    """
    check_array("X", X, "(...)", "Pass X.astype(float).", finite=True)
    check_number("strength", strength, "[0, inf)", "It is a standard deviation in units of X.", fits=())
    check_rng(rng)
    return _with_noise(X, strength, rng)


def elastic(X: FloatArray, strength: float, smoothness: float, rng: np.random.Generator) -> FloatArray:
    r"""Return the images drawn on rubber: each pixel is moved a little, neighbors nearly alike.

    Each image has two fields of moves, one along the rows and one along the columns.  A field begins as
    one normal number N for each pixel.  Smoothing along both axes makes neighbors alike:

    .. math::
        g_{ij} &= e^{-\frac12 ((i - j) / \text{smoothness})^2} \tag{1} \\
        G_{ij} &= \frac{g_{ij}}{\sqrt{\sum_k g_{ik}^2}} \tag{2} \\
        \text{moves} &= G N G^T \tag{3}

    Rows of G have length 1, so each move is again normal with standard deviation 1; it is multiplied by
    `strength`.  (In the paper N is uniform, and the strength is that of the field before smoothing.)

    Parameters
    ----------
    X : (m, n_pixels) float array
        Flattened square images.
    strength : float in [0, 1000]
        Standard deviation of a move, in pixels.
    smoothness : float > 0
        Standard deviation of the smoothing, in pixels.  When it is large, the whole image moves as one.
    rng : numpy.random.Generator

    Returns
    -------
    (m, n_pixels) float array
        Of the dtype of `X`.

    Raises
    ------
    ValueError
        If the images are not square or not finite, `strength` or `smoothness` is outside of its range,
        or `rng` is not a Generator.

    References
    ----------
    Simard, Steinkraus & Platt (2003), "Best practices for convolutional neural networks applied to
    visual document analysis".
    """
    side = _side(X)
    check_number("strength", strength, "[0, 1000]", "It is a standard deviation in pixels.", fits=())
    check_number("smoothness", smoothness, "(0, inf)", "It is a standard deviation in pixels.", fits=())
    check_rng(rng)
    row, column = _source(side)
    moves = strength * _smooth_moves(len(X), side, smoothness, rng)
    return _resample(X, row + moves[0], column + moves[1])


def augment(
    X: FloatArray,
    rng: np.random.Generator,
    *,
    degrees: float = 0.0,
    pixels: float = 0.0,
    scale: float = 0.0,
    noise: float = 0.0,
    elastic: float = 0.0,
    smoothness: float = 2.0,
) -> FloatArray:
    r"""Return each image changed in its own random way; a strength of 0 leaves that change out.

    .. math::
        \text{angle} &= \text{degrees} \cdot u_1 \tag{1} \\
        \text{rows} &= \text{pixels} \cdot u_2 \tag{2} \\
        \text{columns} &= \text{pixels} \cdot u_3 \tag{3} \\
        \text{factor} &= 1 + \text{scale} \cdot u_4, \qquad u_i \sim U(-1, 1) \tag{4}

    All of it is one reading of the old image, so it is blurred only once.  The same numbers are drawn
    whatever the strengths are: with a generator of the same seed, a stronger change goes further in the
    same direction.

    Parameters
    ----------
    X : (m, n_pixels) float array
        Flattened square images.
    rng : numpy.random.Generator
    degrees : float >= 0
        Each image is turned by an angle in [-degrees, degrees],
    pixels : float >= 0
        moved by [-pixels, pixels] down and by as much to the right,
    scale : float in [0, 1)
        made larger by a factor in [1 - scale, 1 + scale],
    noise : float >= 0
        given noise of this standard deviation, in units of `X`,
    elastic : float in [0, 1000]
    smoothness : float > 0
        and drawn on rubber as in `elastic`, with this strength and smoothness, in pixels.

    Returns
    -------
    (m, n_pixels) float array
        Of the dtype of `X`; with all strengths 0 it is a copy of `X`.

    Raises
    ------
    ValueError
        If the images are not square or not finite, a strength is outside of its range, or `rng` is not
        a Generator.

    Examples
    --------
    >>> X = np.arange(9.0).reshape(1, 9)
    >>> augment(X, np.random.default_rng(0), degrees=20, noise=0.5).shape
    (1, 9)
    >>> bool(np.all(augment(X, np.random.default_rng(0)) == X))
    True
    """
    side = _side(X)
    for name, strength, interval in (
        ("degrees", degrees, "[0, inf)"),
        ("pixels", pixels, "[0, inf)"),
        ("scale", scale, "[0, 1)"),
        ("noise", noise, "[0, inf)"),
        ("elastic", elastic, "[0, 1000]"),
    ):
        check_number(name, strength, interval, "0 leaves this change out.", fits=())
    check_number("smoothness", smoothness, "(0, inf)", "It is a standard deviation in pixels.", fits=())
    check_rng(rng)
    m = len(X)
    u1, u2, u3, u4 = rng.uniform(-1, 1, (4, m, 1))
    angle = degrees * u1  # (1)
    rows = pixels * u2  # (2)
    columns = pixels * u3  # (3)
    factor = 1 + scale * u4  # (4)
    row, column = _source(side, angle, rows, columns, factor)
    moves = elastic * _smooth_moves(m, side, smoothness, rng)
    return _with_noise(_resample(X, row + moves[0], column + moves[1]), noise, rng)


def augmented_minibatches(
    X: FloatArray,
    Y: FloatArray,
    batch_size: int,
    strengths: Sequence[Mapping[str, float]],
    rng: np.random.Generator,
) -> Iterator[Batch]:
    r"""Yield mini-batches of images that are changed anew each time, for a population of networks.

    .. math:: (x, y) \to (T(x), y), \quad T \text{ drawn anew for each image and each step} \tag{1}

    Parameters
    ----------
    X : (m, n_pixels) float array
        Flattened square images.
    Y : (m, n_out) float array
        The labels stay: use strengths that keep them true.
    batch_size : int >= 1
        As in `minibatches`.
    strengths : sequence of K mappings
        What network k sees: keyword arguments of `augment`, such as {"degrees": 10.0}; {} changes nothing.
        All networks see the same images in the same order, changed in the same directions.
    rng : numpy.random.Generator

    Yields
    ------
    Batch
        X of shape (K, batch_size, n_pixels), Y of shape (batch_size, n_out).

    Raises
    ------
    ValueError
        If an argument is not as described; at the call, not at the first batch.

    Examples
    --------
    >>> X, Y = np.random.default_rng(0).random((10, 64)), np.ones((10, 1))
    >>> strengths = [{}, {"degrees": 5.0}, {"degrees": 10.0, "pixels": 1.0}]
    >>> batch = next(augmented_minibatches(X, Y, 4, strengths, np.random.default_rng(0)))
    >>> batch.X.shape, batch.Y.shape
    ((3, 4, 64), (4, 1))
    """
    _side(X)
    batches = minibatches(X, Y, batch_size, rng)
    _check_strengths(X, strengths)
    return _augmented_minibatches(batches, strengths, rng)


def _check_strengths(X: FloatArray, strengths: Sequence[Mapping[str, float]]) -> None:
    advice = 'Pass one mapping for each network, such as [{}, {"degrees": 10.0}].'
    if not isinstance(strengths, list | tuple) or not strengths:
        raise ValueError(f"strengths must be a list of mappings; got {shown(strengths)}. {advice}")
    for each in strengths:
        if not isinstance(each, Mapping) or not set(each) <= _STRENGTHS:
            names = ", ".join(sorted(_STRENGTHS))
            raise ValueError(f"each of strengths must be a mapping from {names}; got {shown(each)}. {advice}")
        try:
            augment(X[:0], np.random.default_rng(0), **each)
        except ValueError as error:
            raise ValueError(f"each of strengths: {error}") from None


_STRENGTHS = {"degrees", "pixels", "scale", "noise", "elastic", "smoothness"}


def _augmented_minibatches(
    batches: Iterator[Batch], strengths: Sequence[Mapping[str, float]], rng: np.random.Generator
) -> Iterator[Batch]:
    for batch in batches:
        seed = int(rng.integers(2**32))
        changed = [augment(batch.X, np.random.default_rng(seed), **each) for each in strengths]  # (1)
        yield batch._replace(X=np.stack(changed))


@np.errstate(over="ignore")
def _with_noise(X: FloatArray, strength: float, rng: np.random.Generator) -> FloatArray:
    return np.asarray(X + strength * rng.standard_normal(X.shape), dtype=X.dtype)


@np.errstate(over="ignore")  # a place out of all bounds is outside of the image too
def _source(
    side: int,
    degrees: float | FloatArray = 0.0,
    rows: float | FloatArray = 0.0,
    columns: float | FloatArray = 0.0,
    factor: float | FloatArray = 1.0,
) -> tuple[FloatArray, FloatArray]:
    r"""Return where each pixel of the new image stood in the old one.

    The change is: turn and scale about the center, then shift.  Undone backwards, from the new pixel
    (r, c), with c_0 the center:

    .. math::
        r' &= r - c_0 - \text{rows}, \quad c' = c - c_0 - \text{columns} \tag{1} \\
        \text{source row} &= (\cos(a) r' + \sin(a) c') / \text{factor} + c_0 \tag{2} \\
        \text{source column} &= (-\sin(a) r' + \cos(a) c') / \text{factor} + c_0 \tag{3}

    Numbers give (n_pixels,) places for all images; (m, 1) arrays give (m, n_pixels), each image its own.
    """
    angle, center = np.deg2rad(np.fmod(degrees, 360)), (side - 1) / 2  # full turns would cost digits
    row, column = np.mgrid[:side, :side].reshape(2, -1) - center
    row, column = row - rows, column - columns  # (1)
    source_row = (np.cos(angle) * row + np.sin(angle) * column) / factor + center  # (2)
    source_column = (-np.sin(angle) * row + np.cos(angle) * column) / factor + center  # (3)
    return source_row, source_column


def _resample(X: FloatArray, row: FloatArray, column: FloatArray) -> FloatArray:
    r"""Read each image at these places, between the four pixels around each (bilinear interpolation).

    .. math::
        h(d) &= \max(0, 1 - |d|) \tag{1} \\
        \text{value}(r, c) &= \sum_{p, q} h(r - p) \, h(c - q) \, X_{pq} \tag{2}

    Only the four pixels with |r - p| < 1 and |c - q| < 1 have a part.  Outside of the image X is 0.

    Parameters
    ----------
    X : (m, n_pixels) float array
    row, column : (n_pixels,) float arrays, or (m, n_pixels) with places for each image
    """
    m, side = len(X), _side(X)
    images = np.pad(X.reshape(m, side, side), ((0, 0), (1, 1), (1, 1)))  # pixel (p, q) is at (p + 1, q + 1)
    image = np.arange(m)[:, None]
    total = np.zeros(X.shape)
    first_p, first_q = (np.clip(np.floor(at), -1, side - 1).astype(np.intp) for at in (row, column))
    for p in (first_p, first_p + 1):
        for q in (first_q, first_q + 1):
            weight = np.maximum(0, 1 - np.abs(row - p)) * np.maximum(0, 1 - np.abs(column - q))  # (1)
            weight = weight * (weight >= 1e-12)  # no shadows from rounding
            total += weight * images[image, p + 1, q + 1]  # (2)
    return total.astype(X.dtype)


@np.errstate(over="ignore")
def _smooth_moves(m: int, side: int, smoothness: float, rng: np.random.Generator) -> FloatArray:
    """Return (2, m, n_pixels) moves along rows and columns, as `elastic` says, with standard deviation 1."""
    i, j = np.mgrid[:side, :side]
    g = np.exp(-0.5 * ((i - j) / smoothness) ** 2)  # (1)
    G = g / np.sqrt((g**2).sum(axis=1, keepdims=True))  # (2)
    N = rng.standard_normal((2, m, side, side))
    moves = G @ N @ G.T  # (3)
    return moves.reshape(2, m, side * side)


def _side(X: FloatArray) -> int:
    """Return the height of square images."""
    check_array("X", X, "(m, n_pixels)", "Pass images as rows of floats.", finite=True)
    side = round(X.shape[1] ** 0.5)
    if side * side != X.shape[1] or side == 0:
        raise ValueError(
            f"X must hold square images; got {X.shape[1]} pixels, which is no square number. "
            "Pass X as (m, 64) for images of 8 x 8 pixels."
        )
    return side

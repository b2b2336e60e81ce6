"""Change an image so that its label stays true."""

from functools import lru_cache

import numpy as np

from dlhelpers.typing import FloatArray

SIDE = 8
"""Height and width of the course's digits, in pixels."""


@lru_cache(maxsize=64)
def rotation_matrix(degrees: float, side: int = SIDE) -> FloatArray:
    """Return the matrix R that turns a flattened square image: rotated = X @ R.T.

    Each pixel of the new image is read from the old one at the place it came from, between the four
    pixels around that place in proportion to their distance (bilinear interpolation).  What comes
    from outside of the image is 0, the background.

    Parameters
    ----------
    degrees : float
        Angle, counterclockwise on the screen.
    side : int
        Height and width in pixels.

    Returns
    -------
    (side * side, side * side) float64 array, read-only

    Examples
    --------
    A quarter of a turn moves every pixel and loses none:

    >>> image = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> (image.ravel() @ rotation_matrix(90, side=2).T).reshape(2, 2)
    array([[1., 3.],
           [0., 2.]])
    """
    angle = np.deg2rad(degrees)
    center = (side - 1) / 2
    row, column = np.mgrid[:side, :side].reshape(2, -1) - center
    source_row = np.cos(angle) * row + np.sin(angle) * column + center
    source_column = -np.sin(angle) * row + np.cos(angle) * column + center
    pixel_row, pixel_column = np.mgrid[:side, :side].reshape(2, -1)
    near_row = np.clip(1 - np.abs(source_row[:, None] - pixel_row), 0, None)
    near_column = np.clip(1 - np.abs(source_column[:, None] - pixel_column), 0, None)
    matrix: FloatArray = near_row * near_column
    matrix[matrix < 1e-12] = 0
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
    (m, n_pixels) float64 array

    Raises
    ------
    ValueError
        If the images are not square.
    """
    side = round(X.shape[-1] ** 0.5)
    if side * side != X.shape[-1]:
        raise ValueError(
            f"images must be square; got {X.shape[-1]} pixels, which is no square number. "
            "Pass X as (m, 64) for images of 8 x 8 pixels."
        )
    return np.asarray(X @ rotation_matrix(float(degrees), side).T)

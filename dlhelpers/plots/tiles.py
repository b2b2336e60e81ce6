"""Pictures on an axes that are drawn several times faster than by `imshow`."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image

from dlhelpers.plots.style import moving
from dlhelpers.typing import FloatArray


class Tiles(Artist):
    """Pictures of the same size, each at its place on the axes.

    Parameters
    ----------
    smooth : bool
        Whether pixels pass over into each other; they are squares otherwise.
    zorder : float
    """

    def __init__(self, smooth: bool, zorder: float) -> None:
        super().__init__()
        self.set_in_layout(False)
        self.set_zorder(zorder)
        self._smooth = smooth
        self._pictures: NDArray[np.uint8] = np.zeros((0, 1, 1, 4), np.uint8)
        self._corners: FloatArray = np.zeros((0, 2))
        self._size: FloatArray = np.ones(2)

    def place(self, corners: FloatArray, width: float, height: float | None = None) -> None:
        """Set the corners of the first pixels, (n, 2), and the size in units of the axes; the height is the
        width if it is not given.
        """
        self._corners, self._size = corners, np.array([width, width if height is None else height])

    def set_pictures(self, colors: FloatArray) -> None:
        """Set the colors, (n, rows, columns, 3) numbers in [0, 1]; y grows with the rows."""
        opaque = np.ones((*colors.shape[:-1], 1))
        self._pictures = np.round(255 * np.concatenate([colors, opaque], axis=-1)).astype(np.uint8)

    def draw(self, renderer: Any) -> None:
        """Copy each picture to its place, as many pixels wide as it has to be; there may be none yet."""
        if not self.get_visible() or not len(self._pictures):
            return
        assert self.axes is not None
        to_pixel = self.axes.transData.transform
        firsts, lasts = np.round(to_pixel(self._corners)), np.round(to_pixel(self._corners + self._size))
        context = renderer.new_gc()
        for picture, (left, first), (right, last) in zip(self._pictures, firsts, lasts, strict=True):
            how = Image.Resampling.BILINEAR if self._smooth else Image.Resampling.NEAREST
            pixels = max(int(right - left), 1), max(int(abs(last - first)), 1)
            upward = picture if last >= first else picture[::-1]
            large = Image.fromarray(upward).resize(pixels, how)
            lowest_first = np.array(large)
            renderer.draw_image(context, left, min(first, last), lowest_first)
        context.restore()


def gray(ink: FloatArray) -> FloatArray:
    """Return colors of numbers in [0, 1], (..., 3): 0 is white, 1 is black."""
    return np.repeat(1 - ink[..., np.newaxis], 3, axis=-1)


def one_tile(
    ax: Axes, smooth: bool, corner: tuple[float, float], width: float, height: float | None = None
) -> Tiles:
    """Return a moving artist for one picture that stays at its place on the axes; see `Tiles.place`."""
    tile = moving(Tiles(smooth, zorder=0))
    tile.place(np.array([corner]), width, height)
    ax.add_artist(tile)
    return tile

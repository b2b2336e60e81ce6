"""Many pictures, or words, on an axes: drawn several times faster than by `imshow`, or as texts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
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


class Word(NamedTuple):
    """A short text in one line, its middle at (x, y) of the axes."""

    x: float
    y: float
    text: str
    color: str = "#222222"
    bold: bool = False


class Words(Artist):
    """Words on the axes; each is measured once, where texts of Matplotlib are laid out in each frame.

    Parameters
    ----------
    fontsize : float
        In points.
    """

    def __init__(self, fontsize: float) -> None:
        super().__init__()
        self.set_in_layout(False)
        self.set_zorder(3)  # as texts
        self._fonts = {
            bold: FontProperties(size=fontsize, weight="bold" if bold else "normal") for bold in (False, True)
        }
        self._words: Sequence[Word] = ()
        self._sizes: dict[tuple[str, bool, float], tuple[float, float, float]] = {}

    def set_words(self, words: Sequence[Word]) -> None:
        """Set the words, and where they stand."""
        self._words = words

    def draw(self, renderer: Any) -> None:
        """Write each word around its place."""
        if not self.get_visible() or not self._words:
            return
        assert self.axes is not None
        middles = self.axes.transData.transform([word[:2] for word in self._words])
        context = renderer.new_gc()
        for word, (x, y) in zip(self._words, middles, strict=True):
            font = self._fonts[word.bold]
            which = word.text, word.bold, renderer.dpi
            if which not in self._sizes:
                self._sizes[which] = renderer.get_text_width_height_descent(word.text, font, ismath=False)
            width, height, below = self._sizes[which]
            context.set_foreground(word.color)
            lowest = renderer.height - y + height / 2  # counted from above
            renderer.draw_text(context, x - width / 2, lowest - below, word.text, font, 0)
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

"""A matplotlib figure that is redrawn in place.

A frame costs what has changed: all that stays is drawn once and kept as a picture; artists marked
with `plots.style.moving` are drawn on a copy of it, texts from pictures of themselves; and of the pixels only
those that differ are encoded.
"""

import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg, get_hinting_flag
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image, ImageChops

from dlhelpers.plots.style import View, course_style, new_figure

DPI = 100
"""Pixels per inch of a figure at scale 1."""
APART = 48
"""Changes that are at least this many columns apart are sent as two patches."""
RARE, FAR, MANY = 48, 20, 0.05
"""Colors that are kept for pixels which would else be further than this from theirs, of 255; no larger a
share of the pixels gets them."""
WHITE = 0xFFFFFFFF
"""A pixel of the ground."""


class Patch(NamedTuple):
    """A part of the picture, `x` and `y` pixels from its upper left corner, as PNG."""

    x: int
    y: int
    png: bytes


class _Agg(FigureCanvasAgg):
    """A canvas with a renderer that remembers texts."""

    renderer: "_Renderer | None" = None

    def get_renderer(self) -> "_Renderer":
        width, height = self.get_width_height(physical=True)
        now = self.renderer
        if now is None or (now.width, now.height, now.dpi) != (width, height, self.figure.dpi):
            now = self.renderer = _Renderer(width, height, self.figure.dpi)
        return now


class _Renderer(RendererAgg):
    """Matplotlib draws each letter anew in each frame; here, a text is drawn once and then put down."""

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: bool | Literal["TeX"] = False,
        mtext: Text | None = None,
    ) -> None:
        if ismath or angle:
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        picture, left, below = _drawn_text(s, prop.copy(), gc.get_rgb(), self.dpi)
        if not picture.size:  # nothing but spaces
            return
        as_it_is = self.new_gc()
        as_it_is.copy_properties(gc)
        as_it_is.set_alpha(1.0)  # the picture has its own
        self.draw_image(as_it_is, round(x + left), self.height - round(y) - below, picture)


@lru_cache(maxsize=256)
def _drawn_text(s: str, prop: FontProperties, color: Any, dpi: float) -> tuple[NDArray[np.uint8], float, int]:
    """Return a picture of a text, its lowest row first, where it begins, and the rows below its line.

    The font draws a whole text in a quarter of the time that matplotlib takes for one letter after the other.
    """
    font = get_font(findfont(prop))
    font.set_size(prop.get_size_in_points(), dpi)
    font.set_text(s, 0.0, flags=get_hinting_flag())
    font.draw_glyphs_to_bitmap(antialiased=True)
    cover = np.asarray(font.get_image())[::-1]
    red, green, blue, opacity = color
    picture = np.empty((*cover.shape, 4), np.uint8)
    picture[..., :3] = np.round(255 * np.array([red, green, blue]))
    picture[..., 3] = np.round(opacity * cover)
    above = (font.get_width_height()[1] - font.get_descent()) // 64 + 1  # the font counts in 64ths of a pixel
    return picture, font.get_bitmap_offset()[0] / 64, len(picture) - above


class Canvas:
    """A figure and its views.

    Parameters
    ----------
    make_views : function from Figure to a sequence of View
    size : (width, height) in inches of 100 pixels
    """

    def __init__(
        self, make_views: Callable[[Figure], Sequence[View[Any]]], size: tuple[float, float]
    ) -> None:
        self.figure = new_figure(*size)
        self.size = size
        self._agg = _Agg(self.figure)
        with matplotlib.rc_context(course_style()):
            self.views = make_views(self.figure)
        self._moving: list[Artist] = []
        self._backgrounds: dict[float, object] = {}
        self._sent: NDArray[np.uint32] | None = None

    def draw(self, result: Any, before: Any | None, scale: float = 1.0) -> None:
        """Draw a result, with `before` in grey, at so many times 100 pixels per inch."""
        for view in self.views:
            view.update(result, before)
        self.redraw(scale)

    def redraw(self, scale: float) -> None:
        """Draw the same once more, at another scale."""
        if self.figure.stale:
            self._backgrounds.clear()
        if self.figure.dpi != DPI * scale:
            self.figure.dpi = DPI * scale
        with matplotlib.rc_context(course_style()):
            if scale not in self._backgrounds:
                self._draw_background(scale)
            self._agg.restore_region(self._backgrounds[scale])
            renderer = self._agg.get_renderer()
            for artist in self._moving:
                if artist.get_visible() and (artist.axes is None or artist.axes.get_visible()):
                    artist.draw(renderer)
        self.figure.stale = False

    def _draw_background(self, scale: float) -> None:
        """Draw all that stays; the layout is computed in the first call and kept."""
        self._agg.draw()
        self.figure.set_layout_engine("none")
        self._backgrounds[scale] = self._agg.copy_from_bbox(self.figure.bbox)
        animated = self.figure.findobj(lambda artist: artist.get_animated())
        frames = [spine for ax in self.figure.axes for spine in _visible_spines(ax)]
        self._moving = sorted(animated, key=lambda artist: artist.get_zorder()) + frames

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """What is drawn, (height, width, 4)."""
        return np.asarray(self._agg.buffer_rgba())

    def png(self) -> bytes:
        """Return the whole picture as PNG."""
        return _png(self.pixels)

    def changes(self, whole: bool = False) -> list[Patch]:
        """Return what has changed since the last call, or the whole picture."""
        now = self.pixels.view(np.uint32)[..., 0]
        old, self._sent = self._sent, now.copy()
        if whole or old is None or old.shape != now.shape:
            return [Patch(0, 0, self.png())]
        differs = now != old
        return [_cut(self.pixels, differs, left, right) for left, right in _runs(differs.any(axis=0))]


def _runs(columns: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, last + 1) of the columns that changed, in groups that lie apart."""
    (changed,) = np.nonzero(columns)
    if not changed.size:
        return []
    (gaps,) = np.nonzero(np.diff(changed) >= APART)
    firsts, lasts = changed[[0, *gaps + 1]], changed[[*gaps, -1]]
    return [(int(first), int(last) + 1) for first, last in zip(firsts, lasts, strict=True)]


def _cut(pixels: NDArray[np.uint8], differs: NDArray[np.bool_], left: int, right: int) -> Patch:
    """Return the smallest patch that holds all changes in these columns; the rest of it is clear."""
    (rows,) = np.nonzero(differs[:, left:right].any(axis=1))
    part = slice(int(rows[0]), int(rows[-1]) + 1), slice(left, right)
    return Patch(left, part[0].start, _png(pixels[part], differs[part]))


def _png(pixels: NDArray[np.uint8], shown: NDArray[np.bool_] | None = None) -> bytes:
    """Return pixels as PNG, in 256 colors of their own: twice as fast, and less than half to send.

    What is not `shown` is clear.  White stays white: the mean of it and its neighbors would be seen as what
    was there before.
    """
    each = pixels.view(np.uint32)[..., 0]
    if shown is None:
        shown = np.ones(each.shape, bool)
    colored = shown & (each != WHITE)
    numbers = shown.astype(np.uint8)  # of colors: 0 is clear, 1 is white
    palette = [0, 0, 0, 255, 255, 255]
    if colored.any():
        rgb = each[colored].view(np.uint8).reshape(-1, 4)[:, :3]
        which, colors = _few_colors(np.ascontiguousarray(rgb))
        numbers[colored] = 2 + which
        palette += colors
    picture, file = Image.fromarray(numbers), io.BytesIO()
    picture.putpalette(palette)
    picture.save(file, "PNG", compress_level=1, **({} if shown.all() else {"transparency": 0}))
    return file.getvalue()


def _few_colors(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], list[int]]:
    """Return the number of a color for each pixel (n, 3), and the colors one after the other.

    The octree is fast and near in the mean; if it leaves a few pixels far away, they get colors of their own.
    """
    picture = Image.fromarray(pixels[np.newaxis])
    few = _quantized(picture, 254 - RARE)
    numbers, colors = np.array(few)[0], few.getpalette() or []
    off = np.asarray(ImageChops.difference(picture, few.convert("RGB")))[0]
    if off.max() > FAR:
        far = (off > FAR).any(axis=-1)
        if far.sum() < MANY * len(far):
            rare = _quantized(Image.fromarray(pixels[far][np.newaxis]), RARE)
            numbers[far] = len(colors) // 3 + np.asarray(rare)[0]
            colors += rare.getpalette() or []
    return numbers, colors


def _quantized(picture: Image.Image, n: int) -> Image.Image:
    return picture.quantize(n, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def _visible_spines(ax: Axes) -> list[Artist]:
    return [spine for spine in ax.spines.values() if ax.axison and spine.get_visible()]

"""Pictures stand on the axes as `imshow` would put them: the first row is the lowest."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dlhelpers.plots.tiles import Tiles
from dlhelpers.typing import FloatArray

COLORS = np.random.default_rng(0).random((4, 4, 3))


def drawn(smooth: bool, tiles: bool) -> FloatArray:
    """Return the pixels, from 0 to 255, of a picture that fills a figure."""
    figure = Figure(figsize=(2, 2), dpi=100)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(-3, 3), ylim=(-3, 3))
    ax.axis("off")
    if tiles:
        artist = Tiles(smooth, zorder=0)
        ax.add_artist(artist)
        artist.set_pictures(COLORS[np.newaxis])
        artist.place(np.full((1, 2), -3.0), 6.0)
    else:
        how = "bilinear" if smooth else "nearest"
        ax.imshow(COLORS, extent=(-3, 3, -3, 3), origin="lower", interpolation=how)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(float)


@pytest.mark.parametrize("smooth", [True, False])
def test_a_picture_stands_as_imshow_puts_it(smooth: bool) -> None:
    apart = np.abs(drawn(smooth, tiles=True) - drawn(smooth, tiles=False))
    assert np.quantile(apart, 0.95) <= 3  # of 255; a pixel at an edge may belong to the neighbor

"""Pictures stand as `imshow` would put them, the first row is the lowest; words stand around their places."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dlhelpers.plots.tiles import Tiles, Word, Words
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


def test_pictures_that_are_not_square_and_an_axis_that_points_down() -> None:
    """The first row is at the corner, wherever y points: as `imshow` with an extent."""
    colors = np.random.default_rng(1).random((3, 5, 3))

    def drawn(tiles: bool, upward: bool) -> FloatArray:
        figure = Figure(figsize=(3, 2), dpi=100)
        canvas = FigureCanvasAgg(figure)
        ax = figure.add_axes((0, 0, 1, 1))
        if tiles:
            artist = Tiles(smooth=False, zorder=0)
            ax.add_artist(artist)
            artist.set_pictures(colors[np.newaxis])
            artist.place(np.array([[1.0, 0.0]]), 10.0, 6.0)
        else:
            ax.imshow(colors, extent=(1, 11, 0, 6), origin="lower", interpolation="nearest", aspect="auto")
        ax.set(xlim=(0, 12), ylim=(-1, 7) if upward else (7, -1))
        ax.axis("off")
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].astype(float)

    for upward in (True, False):
        apart = np.abs(drawn(True, upward) - drawn(False, upward))
        assert np.quantile(apart, 0.95) <= 3
    assert np.abs(drawn(True, True) - drawn(True, False)).max() > 30


def test_nothing_is_drawn_before_there_are_pictures() -> None:
    figure = Figure()
    artist = Tiles(smooth=True, zorder=0)
    artist.place(np.zeros((1, 2)), 1.0)
    figure.add_subplot().add_artist(artist)
    FigureCanvasAgg(figure).draw()


@pytest.mark.parametrize("dpi", [100, 200])
@pytest.mark.parametrize("upward", [True, False])
def test_words_stand_in_the_middle_of_their_places(dpi: int, upward: bool) -> None:
    """Their ink is around the place, in their color, as many pixels wide as that of a text."""
    figure = Figure(figsize=(4, 3), dpi=dpi)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 4), ylim=(0, 3) if upward else (3, 0))
    ax.axis("off")
    artist = Words(fontsize=10)
    ax.add_artist(artist)
    words = [Word(1, 1, "38"), Word(3, 1, "7", "#ff0000", bold=True), Word(2, 2.5, "9→8, 5%", "#0000ff")]

    def ink() -> list[tuple[float, float, float]]:
        """Return the middle and the width of what is drawn around each place, in pixels."""
        canvas.draw()
        dark = np.asarray(canvas.buffer_rgba())[..., :3].min(axis=-1) < 160
        found = []
        for word in words:
            x, y = ax.transData.transform(word[:2])
            left, top = round(x) - dpi // 2, round(3 * dpi - y) - dpi // 4
            rows, columns = np.nonzero(dark[top : top + dpi // 2, left : left + dpi])
            across, down = ((at.min() + at.max()) / 2 for at in (columns, rows))
            found.append((across - dpi // 2, down - dpi // 4, np.ptp(columns)))
        return found

    artist.set_words(words)
    for across, down, _ in ink():
        assert abs(across) <= 1.5 and abs(down) <= 1.5
    ours = ink()
    assert (np.asarray(canvas.buffer_rgba())[..., :3] == (255, 0, 0)).all(axis=-1).any()
    artist.set_words(())
    canvas.draw()
    assert (np.asarray(canvas.buffer_rgba())[..., :3] == 255).all()
    for word in words:
        weight = "bold" if word.bold else "normal"
        ax.text(word.x, word.y, word.text, ha="center", va="center", color=word.color, weight=weight, size=10)
    assert [width for *_, width in ours] == [width for *_, width in ink()]

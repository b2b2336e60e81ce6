"""The colors and markers of classes, and the plane as a network divides it."""

from typing import Protocol

import numpy as np
from matplotlib.axes import Axes

from dlhelpers.plots.style import View, key, moving, note
from dlhelpers.plots.tiles import Tiles
from dlhelpers.typing import FloatArray, IntArray

CLASS_COLORS = (
    "#5E3C99",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#8c510a",
    "#F0E442",
    "#882255",
    "#999999",
    "#117733",
)
"""One for each class, violet and amber first: told apart by the color-blind, and never train's or dev's."""
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*", "<", ">")
GLYPHS = "●▲■◆▼✚✖★◀▶"
"""The markers, as text."""
RGB = np.array([[int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)] for color in CLASS_COLORS])


def blend(probabilities: FloatArray) -> FloatArray:
    """Return the color of each point: that of its likely classes, paler the less sure the answer is.

    Parameters
    ----------
    probabilities : (..., n_classes) float array

    Returns
    -------
    (..., 3) float array
        White where all classes are equally probable. Light everywhere, so that the points stand out.
    """
    n_classes = probabilities.shape[-1]
    above = np.maximum(probabilities - 1 / n_classes, 0)  # a class that is less probable gives no color
    shares = above / np.maximum(above.sum(axis=-1, keepdims=True), 1e-12)
    sure = (n_classes * probabilities.max(axis=-1, keepdims=True) - 1) / (n_classes - 1)
    return 1 - 0.28 * np.sqrt(np.maximum(sure, 0)) * (1 - shares @ RGB[:n_classes])


class Plane(Protocol):
    """What a decision map shows of a result."""

    @property
    def map(self) -> FloatArray:
        """Probabilities in the plane, (n, n, n_classes)."""

    @property
    def limit(self) -> float:
        """The plane reaches from -limit to limit."""

    @property
    def train(self) -> tuple[FloatArray, IntArray]:
        """X and y."""

    @property
    def dev(self) -> tuple[FloatArray, IntArray]:
        """X and y."""

    @property
    def axis_names(self) -> tuple[str, str]:
        """What the two numbers are."""


class Message(Protocol):
    """What a message shows of a result."""

    @property
    def message(self) -> str:
        """A sentence, or nothing."""


class DecisionView(View[Plane]):
    """The plane, colored by what the network answers there, with the examples on it."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
        ax.grid(visible=False)
        self._ax = ax
        self._map = moving(Tiles(smooth=True, zorder=0))
        ax.add_artist(self._map)
        self._train = [
            moving(ax.plot([], [], MARKERS[k], color=CLASS_COLORS[k], ms=5, mec="white", mew=0.6)[0])
            for k in range(10)
        ]
        self._dev = [
            moving(ax.plot([], [], MARKERS[k], mfc="none", mec=CLASS_COLORS[k], ms=5, mew=1.2)[0])
            for k in range(10)
        ]
        key(ax, ("filled: train", "#444444"), ("open: dev", "#444444"), ("shape and color: class", "#444444"))

    def update(self, result: Plane, before: Plane | None) -> None:
        """Show the map, and the examples on it."""
        self._map.set_pictures(blend(result.map)[np.newaxis])
        self._map.place(np.full((1, 2), -result.limit), 2 * result.limit)
        if self._ax.get_xlim()[1] != result.limit:
            sides = (-result.limit, result.limit)
            self._ax.set(xlim=sides, ylim=sides)
        for marks, (X, y) in ((self._train, result.train), (self._dev, result.dev)):
            for k, mark in enumerate(marks):
                mark.set_data(*X[y == k].T)
                mark.set_visible(bool((y == k).any()))  # what is empty takes time too
        if self._ax.get_xlabel() != result.axis_names[0]:
            self._ax.set(xlabel=result.axis_names[0], ylabel=result.axis_names[1])


class MessageView(View[Message]):
    """A sentence across the map, when there is something that must not be overlooked."""

    def __init__(self, ax: Axes) -> None:
        self._text = note(
            ax, 0.5, 0.5, transform=ax.transAxes, ha="center", va="center", fontsize=11, zorder=9
        )

    def update(self, result: Message, before: Message | None) -> None:
        """Show the message, or nothing."""
        self._text.set_text(result.message)
        self._text.set_visible(bool(result.message))

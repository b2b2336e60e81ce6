"""The plane of two features, colored by the answer of a network with one output."""

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from matplotlib.axes import Axes

from dlhelpers.plots.decision_regions import CLASS_COLORS, MARKERS, blend
from dlhelpers.plots.style import moving
from dlhelpers.plots.tiles import one_tile
from dlhelpers.typing import FloatArray, IntArray

Shown = TypeVar("Shown")


class TwoClassesView(Generic[Shown]):
    """The plane, colored by what the network answers there, with the training examples on it.

    Parameters
    ----------
    ax : Axes
    parts : function from the result to (map, X, y)
        The map is (n, n) probabilities of class 1; X is (m, 2), the labels y are (m,).
    limit : float
        Both axes reach from -limit to limit.
    size : float
        Of the marks, in points.
    """

    def __init__(
        self,
        ax: Axes,
        parts: Callable[[Shown], tuple[FloatArray, FloatArray, IntArray]],
        limit: float = 3.0,
        size: float = 5.0,
    ) -> None:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        ax.grid(visible=False)
        self._parts = parts
        self._map = one_tile(ax, smooth=True, corner=(-limit, -limit), width=2 * limit)
        self._marks = [
            moving(ax.plot([], [], MARKERS[k], color=CLASS_COLORS[k], ms=size, mec="white", mew=0.6)[0])
            for k in (0, 1)
        ]

    def update(self, result: Shown, before: Shown | None) -> None:
        """Show the map and the examples."""
        probability, X, y = self._parts(result)
        self._map.set_pictures(blend(np.stack([1 - probability, probability], axis=-1))[np.newaxis])
        for k, mark in enumerate(self._marks):
            mark.set_data(*X[y == k].T)

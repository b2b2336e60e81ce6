"""Views of notebook 01: dev sets, bias and variance, diagnosis."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, LIGHT_GREY, LIGHT_ORANGE, TEST, TRAIN, key, moving
from dlhelpers.typing import FloatArray


class FitsView:
    """Many fits to resampled data, their mean, the truth, and one of the training sets.

    Parameters
    ----------
    ax : Axes
    x : (n,) float array
        Where the fits are drawn, ascending.
    limit : float
        The y axis reaches from -limit to limit.
    """

    def __init__(self, ax: Axes, x: FloatArray, limit: float = 2.0) -> None:
        ax.set(xlim=(-1, 1), ylim=(-limit, limit), xlabel="x", ylabel="y")
        self._x = x
        (self._fits,) = ax.plot([], [], color=LIGHT_BLUE, lw=0.7)
        (self._before,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._points,) = ax.plot([], [], "o", color=GHOST, ms=4, mec="white", mew=0.5)
        (self._truth,) = ax.plot([], [], ":", color=TEST, lw=2.5)
        (self._mean,) = ax.plot([], [], color=TRAIN, lw=2.5)
        for artist in (self._fits, self._before, self._points, self._truth, self._mean):
            moving(artist)
        key(
            ax,
            ("— 50 fits", "#4a90c4"),
            ("━ their mean", TRAIN),
            ("┅ truth f(x)", TEST),
            ("● one training set", "#777777"),
            ("— mean before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.curves` (K, n), `result.truth` (n,), `result.x_train` and `result.y_train` (m,)."""
        gap = np.full((len(result.curves), 1), np.nan)
        self._fits.set_data(
            np.tile(np.append(self._x, np.nan), len(result.curves)), np.hstack([result.curves, gap]).ravel()
        )
        self._mean.set_data(self._x, result.curves.mean(axis=0))
        self._truth.set_data(self._x, result.truth)
        self._points.set_data(result.x_train, result.y_train)
        self._before.set_data(self._x, np.nan * self._x if before is None else before.curves.mean(axis=0))


class ErrorStackView:
    """Bias^2, variance and noise as stacked bars over capacity, and the measured test error as dots.

    A bar that is higher than the axes gets a triangle at the top edge.
    """

    def __init__(self, ax: Axes, capacities: Sequence[int], top: float = 1.0) -> None:
        ax.set(
            xlim=(capacities[0] - 0.6, capacities[-1] + 0.6),
            ylim=(0, top),
            xticks=list(capacities),
            xlabel="polynomial degree, or hidden units",
            ylabel="squared error",
        )
        ax.grid(axis="x", visible=False)
        self._top = top
        self._parts = [
            moving(PolyCollection([], facecolor=color, edgecolor="white", lw=0.5, hatch=hatch))
            for color, hatch in ((LIGHT_GREY, ""), (LIGHT_ORANGE, ""), (LIGHT_BLUE, ""))
        ]
        for part in self._parts:
            ax.add_collection(part, autolim=False)
        (self._before,) = ax.plot([], [], "_", color=GHOST, ms=14, mew=2)
        (self._measured,) = ax.plot([], [], "o", color=TEST, ms=5)
        (self._off,) = ax.plot([], [], "^", color=TEST, ms=8, clip_on=False)
        self._cursor = PolyCollection([], facecolor="none", edgecolor=ACCENT, lw=2.5)
        ax.add_collection(self._cursor, autolim=False)
        key(
            ax,
            ("■ bias²", "#2b7bba"),
            ("■ variance", "#d9822b"),
            ("■ noise", "#8a8a8a"),
            ("● measured test error", TEST),
            ("━ before", "#777777"),
        )
        for artist in (self._before, self._measured, self._off, self._cursor):
            moving(artist)

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.curve`, a dict from capacity to Decomposition, and mark `result.capacity`."""
        capacities = list(result.curve)
        parts = result.curve.values()
        floor = np.zeros(len(parts))
        for collection, name in zip(self._parts, ("noise", "variance", "bias2"), strict=True):
            height = np.array([getattr(part, name) for part in parts])
            collection.set_verts(_bars(capacities, floor, floor + height))
            floor = floor + height
        errors = np.array([part.test_error for part in parts])
        self._measured.set_data(capacities, errors)
        off = [c for c, error in zip(capacities, errors, strict=True) if error > self._top]
        self._off.set_data(off, np.full(len(off), 0.985 * self._top))
        here = result.curve[result.capacity]
        self._cursor.set_verts(_bars([result.capacity], np.zeros(1), np.array([min(here.total, self._top)])))
        old = {} if before is None else before.curve
        self._before.set_data(list(old), [part.test_error for part in old.values()])


def _bars(x: Sequence[float], low: FloatArray, high: FloatArray) -> list[FloatArray]:
    """Return the corners of upright bars of width 0.8, clipped where they would be too large to draw."""
    high = np.minimum(high, 1e6)
    return [
        np.array([(c - 0.4, lo), (c - 0.4, hi), (c + 0.4, hi), (c + 0.4, lo)])
        for c, lo, hi in zip(x, np.minimum(low, 1e6), high, strict=True)
    ]

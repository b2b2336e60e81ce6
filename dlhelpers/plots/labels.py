"""Names at the ends of curves, instead of a legend."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from dlhelpers.plots.style import moving
from dlhelpers.typing import FloatArray


class EndLabels:
    """A name beside the right end of each curve; names that would overlap are moved apart.

    Parameters
    ----------
    ax : Axes
        With its limits and scales set.
    names : sequence of (name, color)
    gap : float
        The least distance between two names, as a share of the height of the axes.
    x : float
        Where the names begin, as a share of the width of the axes, if the curves end at its right edge.
    """

    def __init__(
        self, ax: Axes, names: Sequence[tuple[str, str]], gap: float = 0.055, x: float = 1.015
    ) -> None:
        self._ax, self._gap, self._x = ax, gap, x
        self.texts = [
            moving(ax.text(x, 0, name, color=color, fontsize=9.5, va="center", transform=ax.transAxes))
            for name, color in names
        ]

    def place(self, ends: Sequence[float], at: float | None = None) -> None:
        """Put the names at these heights, in units of the axis; a NaN hides a name.

        `at` is where the curves end, in units of the x axis; at its right end without.
        """
        shown = [k for k, end in enumerate(ends) if not np.isnan(end)]
        x = self._x if at is None else self._x - 1 + self._shares([at], [self._ax.get_ylim()[0]])[0, 0]
        for k, text in enumerate(self.texts):
            text.set_visible(k in shown)
            text.set_x(x)
        order = sorted(shown, key=lambda k: ends[k])
        heights = self._heights([ends[k] for k in order])
        for k in range(1, len(heights)):  # upward, each one clear of the one below
            heights[k] = max(heights[k], heights[k - 1] + self._gap)
        excess = max(0.0, heights[-1] - 1) if heights else 0.0
        for k in reversed(range(len(heights))):  # and back down, if the uppermost has left the axes
            highest = 1.0 if k == len(heights) - 1 else heights[k + 1] - self._gap
            heights[k] = min(heights[k], highest) if excess else heights[k]
        for k, height in zip(order, heights, strict=True):
            self.texts[k].set_y(height)

    def _heights(self, ends: list[float]) -> list[float]:
        """Return the heights as shares of the axes, inside of it."""
        if not ends:
            return []
        low, high = self._ax.get_ylim()
        inside = np.clip(ends, min(low, high), max(low, high))
        shares = self._shares([self._ax.get_xlim()[1]] * len(ends), inside)[:, 1]
        return [float(share) for share in np.clip(shares, 0.0, 1.0)]

    def _shares(self, x: Sequence[float], y: Sequence[float] | FloatArray) -> FloatArray:
        """Return points as shares of width and height of the axes, (n, 2)."""
        points = self._ax.transScale.transform(np.column_stack([x, y]))
        return np.asarray(self._ax.transLimits.transform(points))

"""What the labs of notebook 09 share: names of classes, rows of bars, numbers in words."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from dlhelpers.live.grabs import Grab
from dlhelpers.plots.decision_regions import CLASS_COLORS, GLYPHS
from dlhelpers.plots.style import GHOST, moving
from dlhelpers.typing import FloatArray

NAMES = ("cat", "dog", "fox", "owl")
LIMIT = 6.0
"""Logits can be moved from -LIMIT to LIMIT."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def in_words(value: float) -> str:
    """Return a number with two or three digits; a very large or small one as a power of ten."""
    if value == 0 or 0.001 <= abs(value) < 99_950:
        return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"
    if not np.isfinite(value):
        return "overflow"
    power = int(np.floor(np.log10(abs(value))))
    return f"{value / 10.0**power:.2g}·10{str(power).translate(_SUPERSCRIPTS)}"


def minus(text: str) -> str:
    """Return the text with minus signs as long as plus signs."""
    return text.replace("-", "−")


def row_of(k: int, n: int) -> int:
    """Return where the row of class k stands on the axis: the first class is on top."""
    return n - 1 - k


def bar_grabs(panel: int, names: tuple[str, ...]) -> list[Grab]:
    """Return a grab for each of the bars in a panel: a drag along a row moves its control."""
    return [Grab(panel, x=name, at=row_of(k, len(names))) for k, name in enumerate(names)]


def name_rows(ax: Axes, n: int) -> None:
    """Give each class a row, named in its color and with its mark."""
    ax.set(ylim=(-0.6, n - 0.4))
    ax.set_yticks([row_of(k, n) for k in range(n)], [f"{GLYPHS[k]} {NAMES[k]}" for k in range(n)])
    ax.grid(axis="y", visible=False)
    for k, label in enumerate(ax.get_yticklabels()):
        label.set_color(CLASS_COLORS[k])


def name_class(ax: Axes, k: int, x: float, y: float) -> Text:
    """Write the name of class k, in its color and with its mark."""
    return ax.text(x, y, f"{GLYPHS[k]} {NAMES[k]}", color=CLASS_COLORS[k], ha="center", fontweight="bold")


class Bars:
    """A horizontal bar for each class, and a grey stroke where it ended before."""

    def __init__(self, ax: Axes, n: int, handles: bool = False) -> None:
        rows = [row_of(k, n) for k in range(n)]
        ax.axvline(0, color="#777777", lw=1)
        self._bars: list[Rectangle] = [
            moving(bar) for bar in ax.barh(rows, np.zeros(n), 0.62, color=CLASS_COLORS[:n])
        ]
        self._before = [moving(ax.plot([], [], "|", color=GHOST, ms=30, mew=2.5)[0]) for _ in rows]
        size = 9 if handles else 0
        self._handles = [
            moving(ax.plot([], [], "o", color="white", mec="#222222", ms=size, mew=1.5)[0]) for _ in rows
        ]
        self._rows = rows

    def update(self, values: FloatArray, before: FloatArray | None) -> None:
        """Show values, (n,) or fewer; a bar whose value is NaN is hidden."""
        shown = np.full(len(self._rows), np.nan)
        shown[: len(values)] = values
        old = np.full(len(self._rows), np.nan)
        if before is not None:
            old[: len(before)] = before
        for k, row in enumerate(self._rows):
            there = bool(np.isfinite(shown[k]))
            self._bars[k].set_width(shown[k] if there else 0)
            self._handles[k].set_data(*([shown[k]], [row]) if there else ([], []))
            self._before[k].set_data(*([old[k]], [row]) if np.isfinite(old[k]) else ([], []))

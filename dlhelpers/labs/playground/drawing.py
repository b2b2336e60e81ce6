"""The drawing of a network: its units as small pictures of what they answer, its weights as lines."""

import re
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.text import Text

from dlhelpers.labs.playground.frame import Frame
from dlhelpers.labs.playground.geometry import (
    APART,
    HEIGHT,
    LAYERS_APART,
    LAYERS_AT,
    UNITS_AT,
    WIDTH,
    Connection,
    Geometry,
    Part,
    Unit,
)
from dlhelpers.plots.decision_regions import CLASS_COLORS, GLYPHS, RGB
from dlhelpers.plots.style import ACCENT, View, key, moving
from dlhelpers.plots.tiles import Tiles
from dlhelpers.typing import FloatArray

COLORS = matplotlib.colormaps["cividis"](np.linspace(0, 1, 256))[:, :3]
"""From low, dark blue, to high, yellow."""
LOW, HIGH = "#123570", "#b39b2e"
"""The same two for lines on white: negative and positive."""
WIDEST, THINNEST = 4.0, 0.02
"""Of a line, in points.  Dashes are as long as it is wide: a line of almost no width would have billions."""


class NetworkView(View[Frame]):
    """A column for each layer; a line is as wide as its weight is large, and dashed if it is negative."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, WIDTH), ylim=(0, HEIGHT), xticks=[], yticks=[], aspect="equal")
        ax.grid(visible=False)
        for spine in ax.spines.values():
            spine.set_visible(False)
        self._ax = ax
        self._geometry: Geometry | None = None
        self._all = LineCollection([], colors="#dddddd", linewidths=0.5)
        self._positive = moving(LineCollection([], colors=HIGH, capstyle="butt"))
        self._negative = moving(LineCollection([], colors=LOW, capstyle="butt", linestyles=[(0, (2, 1))]))
        self._chosen = moving(LineCollection([], colors=ACCENT, linewidths=2.5, zorder=5))
        for lines in (self._all, self._positive, self._negative, self._chosen):
            ax.add_collection(lines, autolim=False)
        self._tiles = moving(Tiles(smooth=False, zorder=4))
        ax.add_artist(self._tiles)
        self._texts: list[Text] = []
        key(ax, ("yellow, solid: +", HIGH), ("blue, dashed: −", LOW), ("grey: 0", "#777777"))

    def update(self, result: Frame, before: Frame | None) -> None:
        """Show `result.layer_weights`, `result.answers` and `result.chosen`."""
        geometry = result.geometry
        if self._geometry is None or self._geometry.shape != geometry.shape:
            self._geometry = geometry
            self._lay_out(self._geometry)
        shown = self._geometry.shown
        weights = np.concatenate(
            [W[: shown[k + 1], : shown[k]].ravel() for k, W in enumerate(result.layer_weights)]
        )
        widths = WIDEST * np.abs(weights) / (2 + np.abs(weights))
        widths[widths < THINNEST] = 0
        self._positive.set_linewidth(np.where(weights > 0, widths, 0).tolist())
        self._negative.set_linewidth(np.where(weights < 0, widths, 0).tolist())
        self._tiles.set_pictures(
            np.concatenate([colored(np.concatenate(result.answers[:-1])), _outputs(result.answers[-1])])
        )
        self._chosen.set_segments(_outline(self._geometry, result.chosen))

    def _lay_out(self, geometry: Geometry) -> None:
        """Draw what stays as long as the network has these layers."""
        for lines in (self._all, self._positive, self._negative):
            lines.set_segments(list(geometry.lines))
        centers = np.array([geometry.place(unit) for unit in geometry.units])
        self._tiles.place(centers - geometry.side / 2, geometry.side)
        for text in self._texts:
            text.remove()
        self._texts = []
        right, left = geometry.side / 2 + 4, -geometry.side / 2 - 4
        for unit, name in enumerate(geometry.inputs):
            x, y = geometry.place(Unit(0, unit))
            self._write(x + left, y, formula(name), ha="right")
        last = len(geometry.sizes) - 1
        for unit in range(geometry.shown[last]):
            x, y = geometry.place(Unit(last, unit))
            name = f"{GLYPHS[unit]} {short(geometry.outputs[unit])}" if geometry.outputs else GLYPHS[unit]
            self._write(x + right, y, name, color=CLASS_COLORS[unit], parse_math=False)
        hidden = geometry.sizes[1:-1]
        self._count(*LAYERS_AT, f"{len(hidden)} hidden layer{'s' * (len(hidden) != 1)}", LAYERS_APART)
        for layer, n in enumerate(hidden, start=1):
            self._count(float(geometry.columns[layer]), UNITS_AT, str(n), APART)

    def _count(self, x: float, y: float, number: str, apart: float) -> None:
        """Write a number between its - and its +."""
        self._write(x, y, number, ha="center")
        for sign, by in (("−", -1), ("+", 1)):
            self._write(x + by * apart, y, sign, ha="center", fontsize=14, color=ACCENT)

    def _write(self, x: float, y: float, text: str, **style: Any) -> None:
        self._texts.append(self._ax.text(x, y, text, **{"va": "center", "fontsize": 10, **style}))


def _outline(geometry: Geometry, part: Part | None) -> list[Any]:
    """Return the lines that mark what is chosen."""
    if isinstance(part, Connection):
        return [geometry.line(part)]
    if isinstance(part, Unit):
        (x, y), half = geometry.place(part), geometry.side / 2 + 1.5
        corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
        return [[(x + half * across, y + half * up) for across, up in corners]]
    return []


def short(name: str, most: int = 10) -> str:
    """Return a name that is cut if it is long."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def formula(feature: str) -> str:
    """Return the name of an input feature as matplotlib writes formulas."""
    indexed = re.sub(r"x(\d)", r"x_\1", feature)
    return "$" + indexed.replace("*", " ").replace("sin(", r"\sin(") + "$"


def colored(answers: FloatArray) -> FloatArray:
    """Return the colors of answers from -1 to 1, (..., 3): dark blue is low, yellow is high."""
    colors: FloatArray = COLORS[np.round(127.5 * (answers + 1)).astype(int)]
    return colors


def _outputs(shares: FloatArray) -> FloatArray:
    """Return the probability of each class in its color, (n_classes, k, k, 3)."""
    rgb = RGB[: len(shares), np.newaxis, np.newaxis]
    colors: FloatArray = 1 - 0.8 * shares[..., np.newaxis] * (1 - rgb)
    return colors

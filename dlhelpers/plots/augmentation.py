"""Views of data augmentation, and of the plane in which each control has a goal of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from dlhelpers.plots.style import ACCENT, DEV, GHOST, TEST, TRAIN, key, moving

MIXED_UP = "#7b3294"

Limits = tuple[tuple[float, float], tuple[float, float], str, str]


class CopiesView:
    """Images in the first row; below each of them, copies that were changed at random.

    Parameters
    ----------
    ax : Axes
    names : sequence of n str
        The labels, written above the columns.
    n_copies : int
    """

    def __init__(self, ax: Axes, names: Sequence[str], n_copies: int) -> None:
        ax.set_axis_off()
        self._shape = (n_copies + 1, len(names))
        height, width = 9 * self._shape[0], 9 * self._shape[1] - 1
        self._image = moving(ax.imshow(np.zeros((height, width)), cmap="gray_r", vmin=0, vmax=1))
        for i, name in enumerate(names):
            ax.text(9 * i + 3.5, -1.5, name, ha="center", va="bottom", fontweight="bold", fontsize=12)
        ax.text(-1.5, 4, "original", ha="right", va="center", fontsize=9.5)
        ax.text(-1.5, height / 2 + 5, "copies,\nsame\nlabel", ha="right", va="center", fontsize=9.5)
        ax.set_ylim(height - 0.5, -6)

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.originals` (n, 64) and `result.copies` (n_copies, n, 64)."""
        rows = [result.originals, *result.copies]
        sheet = np.zeros((9 * self._shape[0], 9 * self._shape[1] - 1))
        for r, row in enumerate(rows):
            top = 9 * r + (r > 0)
            for i, image in enumerate(row):
                sheet[top : top + 8, 9 * i : 9 * i + 8] = np.clip(image.reshape(8, 8), 0, 1)
        self._image.set_data(sheet)


class OverStrengthView:
    """Accuracy over the strength of the change, one network for each strength, with a cursor."""

    def __init__(self, ax: Axes, labels: Mapping[str, Sequence[str]], axis_names: Mapping[str, str]) -> None:
        n = len(next(iter(labels.values())))
        ax.set(xlim=(-0.3, n - 0.7), ylim=(0, 100), ylabel="%")
        self._ax, self._labels, self._axis_names = ax, labels, axis_names
        self._kind = ""
        self._lines = []
        for name, style, color in (("dev", "s--", DEV), ("test", "o:", TEST), ("mixed_up", "^-", MIXED_UP)):
            (old,) = ax.plot([], [], style[1:], color=GHOST, lw=1.2)
            (new,) = ax.plot([], [], style, color=color, lw=2, ms=4.5)
            self._lines.append((name, moving(old), moving(new)))
        self._level = moving(ax.axhline(0, color=DEV, lw=1))
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=2))
        key(
            ax,
            ("■-- right on dev", DEV),
            ("●·· right on test", TEST),
            ("▲— 6 and 9 mixed up", MIXED_UP),
            ("┃ yours", ACCENT),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.dev`, `result.test` and `result.mixed_up`, each (n,), as fractions."""
        if result.kind != self._kind:
            self._kind, names = result.kind, self._labels[result.kind]
            self._ax.set_xticks(range(0, len(names), 2), names[::2])
            self._ax.set_xlabel(self._axis_names[result.kind])
        for name, old, new in self._lines:
            values = 100 * getattr(result, name)
            new.set_data(range(len(values)), values)
            other = before is not None and before.dev is not result.dev
            past = 100 * getattr(before, name) if other else np.zeros(0)
            old.set_data(range(len(past)), past)
        self._level.set_ydata([100 * result.dev[0]] * 2)
        self._cursor.set_xdata([result.notch, result.notch])


class KnobPathsView:
    """Two goals as two axes: fit the training set, and close the gap; one path for each knob.

    Parameters
    ----------
    ax : Axes
    knobs : mapping from a name to (short name, color, marker, the marker as text)
    limits : mapping from the name of a measure to (xlim, ylim, xlabel, ylabel)
    """

    def __init__(
        self,
        ax: Axes,
        knobs: Mapping[str, tuple[str, str, str, str]],
        limits: Mapping[str, Limits],
    ) -> None:
        self._ax, self._limits, self._measure = ax, limits, ""
        (self._before,) = ax.plot([], [], "o", color=GHOST, ms=12)
        self._paths = {
            name: moving(ax.plot([], [], "-", marker=marker, color=color, ms=6)[0])
            for name, (_, color, marker, _) in knobs.items()
        }
        (self._here,) = ax.plot([], [], "o", mfc="none", mec="#222222", mew=2.5, ms=16, zorder=6)
        for artist in (self._before, self._here):
            moving(artist)
        key(ax, *((f"{sign} {short}", color) for short, color, _, sign in knobs.values()))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.paths`, from knob to (train, gap), and `result.here` on that of `result.knob`."""
        if result.measure != self._measure:
            self._measure = result.measure
            xlim, ylim, xlabel, ylabel = self._limits[result.measure]
            ticks = (0, 0.2, 0.4, 0.6) if ylim[1] < 1 else (-5, 0, 5, 10, 15)
            self._ax.set(xlim=xlim, ylim=ylim, yticks=ticks, xlabel=xlabel, ylabel=ylabel)
        for name, line in self._paths.items():
            line.set_data(*result.paths[name])
            line.set(lw=3 if name == result.knob else 0.8, ms=7 if name == result.knob else 4)
        self._here.set_data([result.here[0]], [result.here[1]])
        old = before is not None and before.measure == result.measure
        self._before.set_data(*([before.here[0]], [before.here[1]]) if old and before else ([], []))


class TwoGoalsView:
    """Train loss or error, and the gap to dev, as bars: with the knob at rest, and turned."""

    def __init__(self, ax: Axes, limits: Mapping[str, Limits]) -> None:
        ax.set(xlim=(-0.6, 1.6))
        ax.set_xticks([0, 1], ["train", "gap to dev"])
        ax.grid(axis="x", visible=False)
        self._ax, self._limits, self._measure = ax, limits, ""
        self._rest = [moving(ax.bar([i - 0.2], [0], width=0.36, color=GHOST)[0]) for i in (0, 1)]
        self._here = [
            moving(ax.bar([i + 0.2], [0], width=0.36, color=color, hatch=hatch, edgecolor="white")[0])
            for i, color, hatch in ((0, TRAIN, ""), (1, DEV, "//"))
        ]
        key(ax, ("■ knob at 0", "#777777"), ("■ ▨ yours", TRAIN))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.rest` and `result.here`, pairs of train and gap."""
        if result.measure != self._measure:
            self._measure = result.measure
            xlim, ylim, *_ = self._limits[result.measure]
            self._ax.set(ylim=(min(0, ylim[0]), max(xlim[1], ylim[1])), ylabel=self._measure)
        for bars, pair in ((self._rest, result.rest), (self._here, result.here)):
            for bar, value in zip(bars, pair, strict=True):
                bar.set_height(float(value))

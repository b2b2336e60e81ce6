"""Views of notebook 05: differences under a microscope, errors over epsilon, maps of a gradient check."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.patheffects import withStroke

from dlhelpers.plots.style import ACCENT, GHOST, TEST, key, moving, note
from dlhelpers.typing import FloatArray, IntArray

ONE_SIDED, TWO_SIDED = "#b0469a", "#4b3fa0"
"""Purple and indigo: the two differences."""
LIMITS = ((1e-7, "great"), (1e-5, "suspect"), (1e-3, "wrong"))
"""The limits of the notes, and their words."""
LEVELS = ("#ffffff", "#dbe9f4", "#8db8dc", "#f2a33c", "#7a2d00")
"""No such array; a component within 1e-7, 1e-5, 1e-3; one beyond."""
SWATCH = "■"


class MicroscopeView:
    """A function near x, in units of eps on both axes, with tangent and both secants.

    Parameters
    ----------
    ax : Axes
    limit : float
        The vertical axis reaches from -limit to limit.
    """

    def __init__(self, ax: Axes, limit: float = 5.0) -> None:
        ax.set(xlim=(-1.5, 1.5), ylim=(-limit, limit), xticks=[-1, 0, 1])
        ax.set_xticklabels(["x - ε", "x", "x + ε"])
        ax.set(xlabel="the window is 3 ε wide", ylabel="change of f, in units of ε")
        (self._before,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._curve,) = ax.plot([], [], color="#222222", lw=3)
        (self._tangent,) = ax.plot([], [], ":", color=TEST, lw=2)
        (self._one,) = ax.plot([], [], "-s", color=ONE_SIDED, lw=1.8, ms=6, markevery=[1, 2])
        (self._two,) = ax.plot([], [], "--o", color=TWO_SIDED, lw=1.8, ms=6, markevery=[1, 2])
        for artist in (self._before, self._curve, self._tangent, self._one, self._two):
            moving(artist)
        key(
            ax,
            ("━ f", "#222222"),
            ("┅ tangent", TEST),
            ("■ one-sided", ONE_SIDED),
            ("● two-sided", TWO_SIDED),
            ("— f before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.t`, `result.curve`, `result.ends` and the slopes."""
        self._curve.set_data(result.t, result.curve)
        self._before.set_data(*([], []) if before is None else (before.t, before.curve))
        far = np.array([-2.0, 2.0])
        self._tangent.set_data(far, result.slope * far)
        left, right = result.ends
        self._one.set_data([-2, 0, 1, 2], [-2 * right, 0, right, 2 * right])
        middle, half = (left + right) / 2, (right - left) / 2
        self._two.set_data([-2, -1, 1, 2], [middle - 2 * half, left, right, middle + 2 * half])


class _OverEps:
    """Logarithmic axes for an error over eps, with a cursor."""

    def __init__(self, ax: Axes, low: float, bottom: float, ylabel: str) -> None:
        ax.set(xscale="log", yscale="log", xlim=(low, 1), ylim=(bottom, 10))
        ax.set(xlabel="ε", ylabel=ylabel)
        decades = np.arange(round(np.log10(low)), 1, 2 if low > 1e-14 else 4)
        ax.set_xticks(10.0**decades, [f"1e{decade}" for decade in decades])
        heights = np.arange(round(np.log10(bottom)), 2, 2 if bottom > 1e-14 else 4)
        ax.set_yticks(10.0**heights, [f"1e{height}" for height in heights])
        ax.minorticks_off()
        self._bottom = bottom
        self._cursor = moving(ax.axvline(low, color=ACCENT, lw=2))

    def _seen(self, error: FloatArray) -> FloatArray:
        """Return errors that lie inside the frame; one of 0 has no place on the axis and leaves a gap."""
        return np.where(error == 0, np.nan, np.clip(error, 1.2 * self._bottom, 9))


class DifferenceErrorsView(_OverEps):
    """The errors of both differences over eps, in float64 and in float32."""

    def __init__(self, ax: Axes) -> None:
        super().__init__(ax, 1e-16, 1e-16, "error of the slope")
        self._lines = {}
        for two_sided, color in ((False, ONE_SIDED), (True, TWO_SIDED)):
            for precision, style, width in (("float32", ":", 1.8), ("float64", "-", 2.0)):
                (line,) = ax.plot([], [], style, color=color, lw=width)
                self._lines[precision, two_sided] = moving(line)
        self._old = [moving(ax.plot([], [], color=GHOST, lw=1.3, zorder=1)[0]) for _ in range(2)]
        (self._wall,) = ax.plot([], [], "-.", color="#444444", lw=1.2)
        (self._one,) = ax.plot([], [], "s", color=ONE_SIDED, ms=8, mec="white")
        (self._two,) = ax.plot([], [], "o", color=TWO_SIDED, ms=8, mec="white")
        for artist in (self._wall, self._one, self._two):
            moving(artist)
        bold: dict[str, Any] = {"fontsize": 10, "fontweight": "bold"}
        self._slopes = (
            note(ax, 1e-6, 1.5e-5, color=ONE_SIDED, ha="right", **bold),
            note(ax, 6e-5, 1e-10, color=TWO_SIDED, ha="left", **bold),
        )
        key(
            ax,
            ("— one-sided", ONE_SIDED),
            ("— two-sided", TWO_SIDED),
            ("··· float32", "#444444"),
            ("-·- u |f| / ε", "#444444"),
            ("┃ your ε", ACCENT),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.errors` over `result.grid`, and the errors at `result.eps`."""
        for which, line in self._lines.items():
            line.set_data(result.grid, self._seen(result.errors[which]))
        for two_sided, line in zip((False, True), self._old, strict=True):
            past = np.zeros(0) if before is None else self._seen(before.errors[before.precision, two_sided])
            line.set_data(result.grid[: len(past)], past)
        self._wall.set_data(result.grid, result.wall / result.grid)
        self._cursor.set_xdata([result.eps, result.eps])
        for words, order, straight in zip(self._slopes, result.orders, result.straight, strict=True):
            words.set_text(f"slope {order:.2f}" if straight else "")
        one, two = self._seen(np.array(result.here))
        self._one.set_data([result.eps], [one])
        self._two.set_data([result.eps], [two])


class CheckOverEpsView(_OverEps):
    """The relative error of a whole gradient over eps, with the limits of the notes."""

    def __init__(self, ax: Axes) -> None:
        super().__init__(ax, 1e-12, 1e-12, "relative error of the check")
        for limit, word in LIMITS:
            ax.axhline(limit, color="#777777", lw=1, ls="--")
            ax.text(2e-8, 1.15 * limit, f"{short(limit)}: {word}", fontsize=9, color="#555555", va="bottom")
        (self._old,) = ax.plot([], [], "-", color=GHOST, lw=1.5)
        (self._line,) = ax.plot([], [], "-", color=TWO_SIDED, lw=2)
        (self._here,) = ax.plot([], [], "o", color=TWO_SIDED, ms=10, mec="white")
        for artist in (self._old, self._line, self._here):
            moving(artist)
        key(ax, ("— right network", TWO_SIDED), ("┃ your ε", ACCENT), ("— before", "#777777"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.curve`, a dict from eps to error, and `result.check` at `result.eps`."""
        for line, curve in ((self._line, result.curve), (self._old, {} if before is None else before.curve)):
            line.set_data(list(curve), self._seen(np.array(list(curve.values()))))
        self._cursor.set_xdata([result.eps, result.eps])
        self._here.set_data([result.eps], self._seen(np.array([result.check.error])))


# Maps of a check --------------------------------------------------------------------------------------


def places(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """Return the first column of each array when all stand side by side with a gap of one."""
    widths = [shape[1] for shape in shapes.values()]
    starts = np.cumsum([0, *(width + 1 for width in widths[:-1])])
    return dict(zip(shapes, starts.tolist(), strict=True))


def _centers(shapes: Mapping[str, tuple[int, ...]]) -> list[float]:
    return [start + (shapes[name][1] - 1) / 2 for name, start in places(shapes).items()]


def _sheet(shapes: Mapping[str, tuple[int, ...]], shares: Mapping[str, FloatArray]) -> IntArray:
    """Return the level of each component, in its place; 0 where there is none."""
    starts = places(shapes)
    last = list(shapes)[-1]
    width, height = starts[last] + shapes[last][1], max(shape[0] for shape in shapes.values())
    sheet = np.zeros((height, width), dtype=int)
    for name, values in shares.items():
        n_out, n_in = values.shape
        levels = 1 + np.digitize(values, [limit for limit, _ in LIMITS])
        sheet[:n_out, starts[name] : starts[name] + n_in] = np.where(
            np.isnan(values), len(LIMITS) + 1, levels
        )
    return sheet


def _edges(shapes: Mapping[str, tuple[int, ...]]) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return the lines between the squares of all arrays."""
    lines = []
    for name, start in places(shapes).items():
        n_out, n_in = shapes[name]
        left, right, bottom = start - 0.5, start + n_in - 0.5, n_out - 0.5
        lines += [((left + i, -0.5), (left + i, bottom)) for i in range(n_in + 1)]
        lines += [((left, i - 0.5), (right, i - 0.5)) for i in range(n_out + 1)]
    return lines


class ErrorMapView:
    """Each component of the gradient as a square, colored by its share of the relative error.

    Parameters
    ----------
    ax : Axes
    shapes : mapping from name to (n_out, n_in)
        All arrays that there may be, from left to right; those that a result does not have stay white.
    field : str
        The field of the result: a mapping from name to (n_out, n_in) shares, or None.
    name : str
        Beside the map.
    with_key : bool
    """

    def __init__(
        self,
        ax: Axes,
        shapes: Mapping[str, tuple[int, ...]],
        field: str,
        name: str,
        with_key: bool = True,
        labels: bool = False,
    ) -> None:
        self._shapes, self._field = shapes, field
        sheet = _sheet(shapes, {})
        height, width = sheet.shape
        self._image = moving(
            ax.imshow(
                sheet, cmap=ListedColormap(LEVELS), vmin=0, vmax=4, aspect="auto", interpolation="nearest"
            )
        )
        ax.set(xlim=(-1, width), ylim=(height - 0.5, -0.5), yticks=[])
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        ax.set_xticks(_centers(shapes), map(greek, shapes) if labels else [""] * len(shapes))
        ax.tick_params(length=0)
        ax.grid(visible=False)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
        if with_key:
            words = ("below 1e-7", "to 1e-5", "to 1e-3", "above")
            pieces = (
                ((SWATCH, color), (word, "#444444")) for color, word in zip(LEVELS[1:], words, strict=True)
            )
            key(ax, *chain.from_iterable(pieces))
            for text in ax.texts:
                if text.get_text() == SWATCH:  # the pale ones need an edge
                    text.set_path_effects([withStroke(linewidth=1.6, foreground="#777777")])
        moving(ax.add_collection(LineCollection(_edges(shapes), colors="#d0d0d0", lw=0.8), autolim=False))

    def update(self, result: Any, before: Any | None) -> None:
        """Show the field of the result."""
        self._image.set_data(_sheet(self._shapes, getattr(result, self._field) or {}))


class ErrorDotsView:
    """The relative error of each array, below its map: of the code, and of the reader's answer."""

    def __init__(self, ax: Axes, shapes: Mapping[str, tuple[int, ...]]) -> None:
        last = list(shapes)[-1]
        ax.set(xlim=(-1, places(shapes)[last] + shapes[last][1]), yscale="log", ylim=(1e-12, 30))
        ax.set_xticks(_centers(shapes), map(greek, shapes))
        heights = np.arange(-12, 1, 3)
        ax.set_yticks(10.0**heights, [f"1e{height}" for height in heights])
        ax.minorticks_off()
        ax.set_ylabel("relative error")
        for limit, word in LIMITS:
            ax.axhline(limit, color="#777777", lw=1, ls="--")
            ax.text(-0.9, 1.2 * limit, f"{short(limit)}: {word}", fontsize=8.5, color="#555555", va="bottom")
        self._at = dict(zip(shapes, _centers(shapes), strict=True))
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=6)
        (self._code,) = ax.plot([], [], "o", color="#222222", ms=8)
        (self._answer,) = ax.plot([], [], "o", mfc="none", mec=ACCENT, ms=14, mew=2.5)
        for artist in (self._old, self._code, self._answer):
            moving(artist)
        key(
            ax,
            ("● this code", "#222222"),
            ("○ with the bug of your answer", ACCENT),
            ("● before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.errors` and `result.answer_errors`, dicts from name to error, or None."""
        for dots, errors in (
            (self._code, result.errors),
            (self._answer, result.answer_errors),
            (self._old, None if before is None else before.errors),
        ):
            errors = errors or {}
            heights = np.clip(np.nan_to_num(list(errors.values()), nan=1.0), 2e-12, 1)
            shift = 0.5 if dots is self._old else 0.0
            dots.set_data([self._at[name] + shift for name in errors], heights)


def short(value: float) -> str:
    """Return a number as a power of ten with one digit: 2e-6."""
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e+")


def greek(name: str) -> str:
    """Return the name of an array as the formulas write it."""
    return name.replace("gamma", "γ").replace("beta", "β")

"""What the labs on gradient checking share: how errors are written, axes over eps, the map of a check."""

from collections.abc import Callable, Mapping
from itertools import chain

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke

from dlhelpers.gradient_checking import GradientCheck
from dlhelpers.plots.style import ACCENT, Result, View, key, moving
from dlhelpers.plots.tiles import one_tile
from dlhelpers.typing import FloatArray, IntArray

PRECISIONS = ("float64", "float32")
ONE_SIDED, TWO_SIDED = "#b0469a", "#4b3fa0"
"""Purple and indigo: the two differences."""
LIMITS = ((1e-7, "great"), (1e-5, "suspect"), (1e-3, "wrong"))
"""The limits of the notes, and their words."""
LEVELS = ("#ffffff", "#dbe9f4", "#8db8dc", "#f2a33c", "#7a2d00")
"""No such array; a component within 1e-7, 1e-5, 1e-3; one beyond."""
COLORS_OF_LEVELS = np.array([to_rgb(color) for color in LEVELS])
SWATCH = "■"
Shapes = Mapping[str, tuple[int, ...]]
"""From the name of an array to its shape."""
Shares = Mapping[str, FloatArray]
"""From the name of an array to the share that each component has in the relative error."""


def shares_by_name(check: GradientCheck) -> dict[str, FloatArray]:
    """Return the share of each component, in the shape of its array."""
    if check.layout is None:
        raise ValueError("the check does not know its arrays; give it an objective with a layout.")
    return check.layout.views(check.shares)


# Words ------------------------------------------------------------------------------------------------


def digits(value: float) -> str:
    """Return a number with two digits: 0.30, 2.1e-5."""
    return f"{value:#.2g}".replace("e-0", "e-").removesuffix(".")


def short(value: float) -> str:
    """Return a number as a power of ten with one digit: 2e-6."""
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e+")


def greek(name: str) -> str:
    """Return the name of an array as the formulas write it."""
    return name.replace("gamma", "γ").replace("beta", "β")


def about(error: float) -> str:
    """Return an error in two digits, or as a power of ten where rounding decides about the digits."""
    if error < 1e-15:
        return "0"
    return f"{error:.2g}" if error >= 1e-3 else f"1e{round(np.log10(error))}"


def listed(names: tuple[str, ...]) -> str:
    """Return the names of arrays as a list in a sentence: W1, b1 and W2."""
    *others, last = map(greek, names or ("no array",))
    return f"{', '.join(others)} and {last}" if others else last


# Axes over eps ----------------------------------------------------------------------------------------


class OverEps:
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
        self.cursor = moving(ax.axvline(low, color=ACCENT, lw=2))

    def seen(self, error: FloatArray) -> FloatArray:
        """Return errors that lie inside the frame; one of 0 has no place on the axis and leaves a gap."""
        return np.where(error == 0, np.nan, np.clip(error, 1.2 * self._bottom, 9))


# Map of a check ---------------------------------------------------------------------------------------


def places(shapes: Shapes) -> dict[str, int]:
    """Return the first column of each array when all stand side by side with a gap of one."""
    widths = [shape[1] for shape in shapes.values()]
    starts = np.cumsum([0, *(width + 1 for width in widths[:-1])])
    return dict(zip(shapes, starts.tolist(), strict=True))


def centers(shapes: Shapes) -> list[float]:
    """Return the middle of each array when all stand side by side."""
    return [start + (shapes[name][1] - 1) / 2 for name, start in places(shapes).items()]


def _sheet(shapes: Shapes, shares: Shares) -> IntArray:
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


def _edges(shapes: Shapes) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return the lines between the squares of all arrays."""
    lines = []
    for name, start in places(shapes).items():
        n_out, n_in = shapes[name]
        left, right, bottom = start - 0.5, start + n_in - 0.5, n_out - 0.5
        lines += [((left + i, -0.5), (left + i, bottom)) for i in range(n_in + 1)]
        lines += [((left, i - 0.5), (right, i - 0.5)) for i in range(n_out + 1)]
    return lines


class ErrorMapView(View[Result]):
    """Each component of the gradient as a square, colored by its share of the relative error.

    Parameters
    ----------
    ax : Axes
    shapes : mapping from name to (n_out, n_in)
        All arrays that there may be, from left to right; those that a result does not have stay white.
    shares : function from a result to a mapping from name to (n_out, n_in) shares, or None
    name : str
        Beside the map.
    with_key, labels : bool
        Whether the colors are explained above, and the arrays named below.
    """

    def __init__(
        self,
        ax: Axes,
        shapes: Shapes,
        shares: Callable[[Result], Shares | None],
        name: str,
        with_key: bool = True,
        labels: bool = False,
    ) -> None:
        self._shapes, self._shares = shapes, shares
        height, width = _sheet(shapes, {}).shape
        self._fields = one_tile(ax, smooth=False, corner=(-0.5, -0.5), width=width, height=height)
        ax.set(xlim=(-1, width), ylim=(height - 0.5, -0.5), yticks=[])
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        ax.set_xticks(centers(shapes), map(greek, shapes) if labels else [""] * len(shapes))
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

    def update(self, result: Result, before: Result | None) -> None:
        """Show the shares of the result."""
        sheet = _sheet(self._shapes, self._shares(result) or {})
        self._fields.set_pictures(COLORS_OF_LEVELS[sheet][np.newaxis])

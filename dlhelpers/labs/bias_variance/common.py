"""What the labs of this topic share: the name of a diagnosis, and a view of errors and their gaps."""

from collections.abc import Sequence
from typing import Any, Protocol

from matplotlib.axes import Axes

from dlhelpers.bias_variance import Diagnosis
from dlhelpers.plots.style import DEV, GHOST, LIGHT_BLUE, LIGHT_GREY, TRAIN, View, key, moving, note


class WithErrors(Protocol):
    """A result that has errors."""

    @property
    def errors(self) -> Sequence[float]:
        """As fractions, in the order of the bars."""


def diagnosis_name(found: Diagnosis) -> str:
    """Return, for instance, "low bias, high variance"."""
    return f"{'high' if found.high_bias else 'low'} bias, {'high' if found.high_variance else 'low'} variance"


class GapsView(View[WithErrors]):
    """Errors as bars from left to right, with the gap between neighbors written between them.

    Parameters
    ----------
    ax : Axes
    names : sequence of str
        Of the bars.
    gaps : sequence of str
        Of the gaps between them: one less.
    top : float
        Upper end of the axis, percent.
    """

    def __init__(self, ax: Axes, names: Sequence[str], gaps: Sequence[str], top: float) -> None:
        ax.set(xlim=(-0.6, len(names) - 0.4), ylim=(0, top), ylabel="error, %")
        ax.set_xticks(range(len(names)), names)
        ax.grid(axis="x", visible=False)
        colors = {"base": LIGHT_GREY, "train": TRAIN, "train-dev": LIGHT_BLUE, "dev": DEV, "test": "#444444"}
        self._bars = [
            moving(ax.bar([i], [0], width=0.62, color=colors[name], zorder=2)[0])
            for i, name in enumerate(names)
        ]
        (self._before,) = ax.plot([], [], "_", color=GHOST, ms=9, mew=3, zorder=3)
        moving(self._before)
        self._gap_names, self._top = gaps, top
        style: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 10, "zorder": 4}
        self._heights = [moving(ax.text(i, 0, "", fontweight="bold", **style)) for i in range(len(names))]
        self._gaps = [note(ax, i + 0.5, 0, **style) for i in range(len(gaps))]
        key(ax, ("with sign: the gap, in points", "#222222"), ("━ before", "#777777"))

    def update(self, result: WithErrors, before: WithErrors | None) -> None:
        """Show `result.errors`, a sequence of fractions."""
        errors = [100 * error for error in result.errors]
        for i, (bar, height, error) in enumerate(zip(self._bars, self._heights, errors, strict=True)):
            bar.set_height(error)
            height.set_position((i, min(error + 0.01 * self._top, 0.94 * self._top)))
            height.set_text(f"{error:.1f}")
        for i, (gap, name) in enumerate(zip(self._gaps, self._gap_names, strict=True)):
            gap.set_position(
                (i + 0.5, min(max(errors[i], errors[i + 1]) + 0.08 * self._top, 0.84 * self._top))
            )
            gap.set_text(f"{name}\n{errors[i + 1] - errors[i]:+.1f}")
        old = [] if before is None else [100 * error for error in before.errors]
        self._before.set_data([i - 0.4 for i in range(len(old))], old)

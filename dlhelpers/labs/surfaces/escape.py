"""The lab *Off the ridge*: steps that each optimizer needs to leave a saddle, over how near it starts."""

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.live.controls import log_slider, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, Optimizer, RMSprop
from dlhelpers.plots.labels import EndLabels
from dlhelpers.plots.style import ACCENT, GHOST, OPTIMIZER_COLORS, OPTIMIZER_LINES, TEST, View, key, moving
from dlhelpers.surfaces import Saddle
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

OPTIMIZERS: Mapping[str, Optimizer] = {
    "gradient descent": GradientDescent(),
    "momentum": Momentum(0.9),
    "RMSprop": RMSprop(0.9),
    "Adam": Adam(),
}
RATES = {"gradient descent": 0.1, "momentum": 0.1, "RMSprop": 0.01, "Adam": 0.01}
COLORS = dict(zip(OPTIMIZERS, OPTIMIZER_COLORS.values(), strict=True))
STYLES = dict(zip(OPTIMIZERS, OPTIMIZER_LINES.values(), strict=True))
OFFSETS = 10.0 ** np.arange(-8, -1.75, 0.25)
MOST_STEPS = 1000
ESCAPED = 1.0
"""Out of the saddle: |y| is above it."""
NO_BATCH = Batch(np.zeros((1, 1)), np.zeros((1, 1)))


class Escapes(NamedTuple):
    """The ways of all optimizers from one start, and their steps to escape from many."""

    offset: float
    x: float
    scale: float
    rates: dict[str, float]
    paths: dict[str, FloatArray]
    """For each optimizer: (steps + 1, 2), up to the first point that has escaped."""
    steps: dict[str, FloatArray]
    """For each optimizer: steps to escape from OFFSETS, (25,); NaN where MOST_STEPS do not do."""

    @property
    def counts(self) -> dict[str, int]:
        """The steps to escape from the chosen start."""
        return {name: len(path) - 1 for name, path in self.paths.items()}

    @property
    def finding(self) -> str:
        """Return the steps of gradient descent and of Adam."""
        first, last = self.counts["gradient descent"], self.counts["Adam"]
        return (
            f"Start {power(self.offset)} off the ridge: gradient descent {_steps(first)}, Adam {_steps(last)}"
        )

    @property
    def caption(self) -> str:
        """Say how many steps each needs, and how gradient descent's number follows from its rate."""
        rate = self.rates["gradient descent"]
        each = ", ".join(
            f"{name} {_steps(self.counts[name])} (rate {self.rates[name]:.2g})" for name in OPTIMIZERS
        )
        text = (
            f"Steps until |y| is above 1: {each}. Each step of gradient descent multiplies y by "
            f"{1 + rate:.3g}, whatever y is: that predicts {predicted_steps(self.offset, rate):,}."
        )
        late = [name for name in OPTIMIZERS if np.isnan(self.steps[name]).any()]
        return f"{text} Over {MOST_STEPS:,} steps from some offsets: {', '.join(late)}." if late else text


def _steps(count: int) -> str:
    return f"over {MOST_STEPS:,}" if count >= MOST_STEPS else f"{count:,}"


def power(value: float) -> str:
    """Return a small number as it is said: 0.01, 1e-6, 3e-07 as 3e-7."""
    return f"{value:.2g}".replace("e-0", "e-")


def predicted_steps(offset: float, rate: float) -> int:
    """Return the steps until offset (1 + rate)^t is above 1."""
    return max(0, math.ceil(math.log(ESCAPED / offset) / math.log1p(rate)))


@lru_cache(maxsize=64)
def paths_from(name: str, offsets: tuple[float, ...], x: float, rate: float) -> FloatArray:
    """Run one optimizer from all offsets at once; return theta, (steps + 1, K, 2), until all have escaped."""
    theta = np.column_stack([np.full(len(offsets), x), offsets])
    thetas = []
    for step in descend(Saddle(), theta, repeat(NO_BATCH), OPTIMIZERS[name], rate, steps=MOST_STEPS):
        thetas.append(step.theta)
        if np.all(np.abs(step.theta[:, 1]) > ESCAPED):
            break
    return np.stack(thetas)


def steps_to_escape(paths: FloatArray) -> FloatArray:
    """Return the first step at which |y| is above 1, (K,); NaN if there is none."""
    out = np.abs(paths[..., 1]) > ESCAPED
    return np.where(out.any(axis=0), out.argmax(axis=0), np.nan)


def escape(offset: float, x: float, scale: float) -> Escapes:
    """Run all optimizers from the chosen start and from all offsets."""
    rates = {
        "gradient descent": 0.1 * scale,
        "momentum": 0.1 * scale,
        "RMSprop": 0.01 * scale,
        "Adam": 0.01 * scale,
    }
    paths = {name: paths_from(name, (offset,), x, rates[name])[:, 0] for name in OPTIMIZERS}
    steps = {name: steps_to_escape(paths_from(name, tuple(OFFSETS), x, rates[name])) for name in OPTIMIZERS}
    return Escapes(offset, x, scale, rates, paths, steps)


def program(offset: float, x: float, scale: float) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import repeat
import numpy as np
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, RMSprop
from dlhelpers.surfaces import Saddle
from dlhelpers.training import descend

result = []
for optimizer, rate in (
    (GradientDescent(), 0.1 * {scale}), (Momentum(0.9), 0.1 * {scale}),
    (RMSprop(0.9), 0.01 * {scale}), (Adam(), 0.01 * {scale}),
):
    batches = repeat(Batch(np.zeros((1, 1)), np.zeros((1, 1))))  # a surface has no data
    start = np.array([{x}, {offset}])
    for step in descend(Saddle(), start, batches, optimizer, rate, steps={MOST_STEPS}):
        if abs(step.theta[1]) > {ESCAPED}:
            break
    result.append(step.step)
"""


class PathsView(View[Escapes]):
    """The ways from the start, over x and the distance from the ridge on a log axis."""

    def __init__(self, ax: Axes) -> None:
        ax.set(
            yscale="log", xlim=(-2, 2), ylim=(5e-9, 2), xlabel="x (down toward 0)", ylabel="y, off the ridge"
        )
        ax.axhline(ESCAPED, color="#555555", lw=1)
        ax.text(1.95, 1.12, "escaped", ha="right", va="bottom", fontsize=9.5)
        self._before = moving(ax.plot([], [], "o", color=GHOST, ms=11, mfc="none", mew=2)[0])
        self._lines = {
            name: moving(ax.plot([], [], ls=STYLES[name], color=COLORS[name], lw=2)[0]) for name in OPTIMIZERS
        }
        self._ticks = {name: moving(ax.plot([], [], "o", color=COLORS[name], ms=4)[0]) for name in OPTIMIZERS}
        self._start = moving(ax.plot([], [], "o", color=ACCENT, ms=12, mec="white")[0])
        key(ax, ("● start: drag it", ACCENT), ("• each 20 steps", "#222222"))

    def update(self, result: Escapes, before: Escapes | None) -> None:
        """Show `result.paths`."""
        for name, path in result.paths.items():
            y = np.maximum(np.abs(path[:, 1]), 1e-10)
            self._lines[name].set_data(path[:, 0], y)
            self._ticks[name].set_data(path[::20, 0], y[::20])
        self._start.set_data([result.x], [result.offset])
        self._before.set_data(*([], []) if before is None else ([before.x], [before.offset]))


class StepsView(View[Escapes]):
    """Steps to escape over the offset of the start, for each optimizer."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(0.6 * OFFSETS[0], 1.6 * OFFSETS[-1]), ylim=(8, MOST_STEPS))
        ax.set(xlabel="offset of the start from the ridge", ylabel="steps to escape")
        ax.set_yticks([10, 100, 1000], ["10", "100", "1000"])
        self._formula = moving(ax.plot([], [], "x", color=TEST, ms=7, mew=1.5, zorder=5)[0])
        self._before = {name: moving(ax.plot([], [], color=GHOST, lw=1.2)[0]) for name in OPTIMIZERS}
        self._lines = {
            name: moving(ax.plot([], [], ls=STYLES[name], color=COLORS[name], lw=2.5)[0])
            for name in OPTIMIZERS
        }
        self._dots = {
            name: moving(ax.plot([], [], "o", color=COLORS[name], ms=8, mec="white")[0])
            for name in OPTIMIZERS
        }
        self._cursor = moving(ax.axvline(1e-4, color=ACCENT, lw=2.5, zorder=1))
        self._labels = EndLabels(ax, [(name, COLORS[name]) for name in OPTIMIZERS])
        self._labels.texts[0].set_in_layout(True)
        key(ax, ("× log(1/offset) / log(1 + α)", TEST), ("┃ your start", ACCENT), ("— before", "#777777"))

    def update(self, result: Escapes, before: Escapes | None) -> None:
        """Show `result.steps` and the cursor at `result.offset`."""
        rate = result.rates["gradient descent"]
        moved = before is not None and before.scale != result.scale  # x and y do not mix on this surface
        decades = OFFSETS[::4]
        self._formula.set_data(decades, [predicted_steps(offset, rate) for offset in decades])
        for name in OPTIMIZERS:
            self._lines[name].set_data(OFFSETS, result.steps[name])
            self._before[name].set_data(OFFSETS, before.steps[name] if before and moved else OFFSETS * np.nan)
            count = result.counts[name]
            self._dots[name].set_data([result.offset], [count if count < MOST_STEPS else np.nan])
        self._cursor.set_xdata([result.offset, result.offset])
        self._labels.place([float(result.steps[name][-1]) for name in OPTIMIZERS])


def escape_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the steps over the offset, and the ways."""
    figure.set_layout_engine("constrained", wspace=0.06)  # names stand between the panels
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [StepsView(left), PathsView(right)]


def escape_lab() -> Lab:
    """Return the lab *Off the ridge*."""
    return Lab(
        "Off the ridge",
        controls={
            "offset": log_slider("Start off the ridge, y", -8, -2, 1e-4, 0.25),
            "x": real_slider("Start along the ridge, x", -2, 2, -1.5, 0.1, fmt=".1f"),
            "scale": log_slider("All rates times", -1, 0.5, 1, 0.1),
        },
        compute=escape,
        views=escape_views,
        grabs=[Grab(0, x="offset"), Grab(1, x="x", y="offset")],
        code=program,
        presets={
            "a hair off": {"offset": 1e-8},
            "a finger off": {"offset": 1e-2},
            "in the middle": {"x": 0, "offset": 1e-6},
            "a third of the rates": {"scale": 10**-0.5},
        },
        seeded=False,
    )

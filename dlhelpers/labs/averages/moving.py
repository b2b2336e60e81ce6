"""The lab *Moving averages*: what an average remembers, how late it is, and what its first values lack."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers import averages
from dlhelpers.datasets import sea_surface_temperature
from dlhelpers.live.controls import choice, real_slider, slider, switch
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, TRAIN, View, key, moving, note
from dlhelpers.typing import FloatArray

MONTHS = 120
"""Ten years: January 1950 to December 1959."""
SEA, STEP = "sea temperature", "a step"
SERIES = (SEA, STEP)
STEP_AT, LOW, HIGH = 61, 20.0, 26.0
"""The step goes up at month 61."""
LONGEST = 50
"""Months back that the right panel reaches."""


class Averaged(NamedTuple):
    """A series (120,), its average, and the weights (t,) of the months in the average at month t."""

    series: str
    beta: float
    t: int
    corrected: bool
    values: FloatArray
    average: FloatArray
    weights: FloatArray

    @property
    def window(self) -> float:
        """The rule of thumb, 1 / (1 - beta)."""
        return float(averages.rule_of_thumb_window(self.beta))

    @property
    def share(self) -> float:
        """The share of all weight that the newest months hold, as many as the rule of thumb says."""
        return 1 - self.beta**self.window

    @property
    def finding(self) -> str:
        """The rule of thumb, and what it holds."""
        return (
            f"β = {self.beta:.2f}: the newest {_months(self.window)} hold"
            f"{'' if self.window > 1 else 's'} {self.share:.0%} of the weight"
        )

    @property
    def caption(self) -> str:
        """The sum of the weights, the newest and an older weight, and what the average does to the series."""
        here = (
            f"In month {self.t} the series is {self.values[self.t - 1]:.1f} °C and its average "
            f"{self.average[self.t - 1]:.1f} °C. The weights add up to {self.weights.sum():.2f}"
        )
        here += ", because they were divided by 1 - β to the power t." if self.corrected else "."
        mean = float(averages.effective_window(self.beta))
        return (
            f"{here} A value {_months(self.window)} back weighs {self.beta**self.window:.2f} times as much "
            f"as the newest. {self._what_it_does()} Noise is averaged out as by a plain mean of {mean:.3g} "
            f"value{'s' if mean > 1 else ''}."
        )

    def _what_it_does(self) -> str:
        if self.series == STEP:
            risen = np.flatnonzero(self.average[STEP_AT - 1 :] >= LOW + 0.63 * (HIGH - LOW))
            late = _months(risen[0] + 1.0) if risen.size else f"more than {MONTHS - STEP_AT + 1} months"
            return f"After the step, the average is 63% of the way up within {late}."
        if not self.corrected and self.beta ** (MONTHS / 2) > 0.05:
            return "After five years its start at 0 can still be seen."
        late_years = slice(MONTHS // 2, None)
        swing = float(self.average[late_years].std() / self.values[late_years].std())
        return f"In the last five years it swings {swing:.2f} times as much as the series."


def _months(n: float) -> str:
    return f"{n:.3g} month{'s' if n > 1 else ''}"


@lru_cache(maxsize=2)
def values_of(series: str) -> FloatArray:
    """Return ten years of a series, (120,)."""
    if series == STEP:
        return np.where(np.arange(1, MONTHS + 1) < STEP_AT, LOW, HIGH)
    return sea_surface_temperature().temperature[:MONTHS]


def average(beta: float, t: int, corrected: bool, series: str) -> Averaged:
    """Average the series, and find the weights at month t."""
    values, weights = values_of(series), averages.weights(beta, t)
    if corrected:
        weights = averages.correct(weights, beta, t)
    found = averages.moving_average(values, beta, bias_correction=corrected)
    return Averaged(series, beta, t, corrected, values, found, weights)


def program(beta: float, t: int, corrected: bool, series: str) -> str:
    """Return the program behind the picture."""
    if series == STEP:
        values = f"values = np.where(np.arange(1, {MONTHS + 1}) < {STEP_AT}, {LOW}, {HIGH})"
        source = ""
    else:
        values = f"values = sea_surface_temperature().temperature[:{MONTHS}]"
        source = "from dlhelpers.datasets import sea_surface_temperature\n"
    divide = f" / weight_sum({beta}, t)" if corrected else ""
    divide_weights = f" / weight_sum({beta}, {t})" if corrected else ""
    return f"""
import numpy as np
from dlhelpers.averages import weight_sum
{source}
{values}
v, average = 0.0, np.empty({MONTHS})
for t in range(1, {MONTHS + 1}):
    v = {beta} * v + (1 - {beta}) * values[t - 1]
    average[t - 1] = v{divide}

i = np.arange(1.0, {t} + 1.0)
weights = (1 - {beta}) * {beta} ** ({t} - i){divide_weights}  # of the months up to month {t}
result = average, weights
"""


class SeriesView(View[Averaged]):
    """The series, its average, and below them the weights of the months in the average at month t."""

    TALLEST = 9.0
    """Degrees on the axis that the bar of the newest month reaches up to."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, MONTHS + 1), ylim=(0, 30), xlabel="month, from January 1950", ylabel="°C")
        ax.set_xticks(range(0, MONTHS + 1, 12))
        edges = np.arange(0.5, MONTHS + 1)
        self._bars = moving(ax.stairs(np.zeros(MONTHS), edges, fill=True, color=LIGHT_BLUE))
        self._window = moving(ax.stairs(np.zeros(MONTHS), edges, fill=True, color="#5ba3d0"))
        (self._values,) = ax.plot([], [], ".-", color="#8a8a8a", ms=4, lw=0.7)
        (self._old,) = ax.plot([], [], color=GHOST, lw=1.5, ls=":")
        self._cursor = ax.axvline(1, color=ACCENT, lw=2)
        (self._average,) = ax.plot([], [], color=TRAIN, lw=2.4)
        (self._here,) = ax.plot([], [], "o", color=ACCENT, ms=10, mec="white", mew=1.5)
        for artist in (self._values, self._old, self._cursor, self._average, self._here):
            moving(artist)
        key(
            ax,
            ("•— series", "#777777"),
            ("— average", TRAIN),
            ("■ weights, the window darker", "#3d85b8"),
            ("┃ month t", ACCENT),
            ("··· before", "#777777"),
        )

    def update(self, result: Averaged, before: Averaged | None) -> None:
        """Show `result.values`, `result.average` and `result.weights`, next to the newest weight."""
        months, t = np.arange(1, MONTHS + 1), result.t
        self._values.set_data(months, result.values)
        self._average.set_data(months, result.average)
        self._old.set_data(months, np.full(MONTHS, np.nan) if before is None else before.average)
        heights = np.zeros(MONTHS)
        heights[:t] = self.TALLEST * result.weights / result.weights[-1]
        self._bars.set_data(heights)
        inside = months > t - max(1.0, result.window - 1e-9)
        self._window.set_data(np.where(inside, heights, 0))
        self._cursor.set_xdata([t, t])
        self._here.set_data([t], [result.average[t - 1]])


class ShareView(View[Averaged]):
    """The share of all weight that the newest n months hold, over n; the rule of thumb can be dragged."""

    def __init__(self, ax: Axes) -> None:
        ax.set(
            xlim=(0, LONGEST + 1), ylim=(0, 103), xlabel="the newest n months", ylabel="hold of the weight, %"
        )
        self._n = np.arange(0, LONGEST + 2)
        self._edge = ax.axvline(1, color=ACCENT, lw=2)
        (self._old,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._share,) = ax.plot([], [], color=TRAIN, lw=2.2)
        (self._here,) = ax.plot([], [], "o", color=ACCENT, ms=10, mec="white", mew=1.5)
        for artist in (self._edge, self._old, self._share, self._here):
            moving(artist)
        self._label = note(ax, 1, 8, "", color="#00795a")

    def update(self, result: Averaged, before: Averaged | None) -> None:
        """Show 1 - beta^n, and the n of the rule of thumb."""
        n = result.window
        self._share.set_data(self._n, 100 * (1 - result.beta**self._n))
        old = np.nan if before is None else before.beta
        self._old.set_data(self._n, 100 * (1 - old ** np.maximum(self._n, 1e-9)))
        self._edge.set_xdata([n, n])
        self._here.set_data([n], [100 * result.share])
        self._label.set_text(f"1/(1-β) = {n:.3g}")
        self._label.set_x(n + 1 if n < 30 else n - 1)
        self._label.set_horizontalalignment("left" if n < 30 else "right")


def beta_of(window: float) -> float:
    """Return the beta whose rule-of-thumb window is that long."""
    return 1 - 1 / max(window, 1.0)


def views(figure: Figure) -> list[View[Averaged]]:
    """Lay out the lab: the series with its average, and the share of the newest months."""
    left, right = figure.subplots(1, 2, width_ratios=[1.9, 1])
    return [SeriesView(left), ShareView(right)]


def moving_average_lab() -> Lab:
    """Return the lab *Moving averages*."""
    return Lab(
        "Moving averages",
        controls={
            "beta": real_slider("β", 0, 0.98, 0.9, 0.01),
            "t": slider("Month t", 1, MONTHS, 60),
            "corrected": switch("Bias correction", False),
            "series": choice("Series", list(SERIES), SEA),
        },
        compute=average,
        views=views,
        grabs=[Grab(0, x="t"), Grab(1, x="beta", from_x=beta_of)],
        code=program,
        presets={
            "hardly averaged": {"beta": 0.5},
            "a long memory": {"beta": 0.98},
            "the first months": {"t": 6, "beta": 0.95},
            "corrected": {"t": 6, "beta": 0.95, "corrected": True},
            "a step": {"series": STEP, "t": 70},
        },
        seeded=False,
    )

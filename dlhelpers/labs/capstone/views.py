"""The two panels of the ward: the chart of readings, and the scoreboard."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.capstone import EPOCHS
from dlhelpers.capstone_probes import PROBES
from dlhelpers.capstone_visits import BUDGET
from dlhelpers.labs.capstone.board import Board
from dlhelpers.plots.style import ACCENT, GHOST, View, moving, note

LOW, HIGH = 1e-3, 1e4
"""Ratios of readings that the chart shows; others stand at its ends."""
FLOORS = {"twice": 1e-3, "gradient": 1e-6}
"""A reading below it counts as it: no answer changed, or the gradients agree."""


def ratio(name: str, number: float, right: float) -> float:
    """Return a reading as a multiple of that of the right script, within the chart."""
    number, right = (max(each, FLOORS.get(name, 0.0)) for each in (number, right))
    return float(np.clip(np.nan_to_num(number / right, nan=HIGH, posinf=HIGH), LOW, HIGH))


def short(name: str, number: float) -> str:
    """Return a reading with two digits."""
    if not np.isfinite(number) or number > 1e6:
        return "diverged"
    if name == "gradient" and number < FLOORS[name]:
        return "agree"
    if number >= 100:
        return f"{number:.0f}"
    return "0" if number == 0 else f"{number:.2g}"


class ChartView(View[Board]):
    """A row for each probe: its reading as a multiple of that of the right script."""

    def __init__(self, ax: Axes) -> None:
        names = [f"{each.name} · {each.price}" for each in PROBES.values()]
        ax.set(xscale="log", xlim=(LOW / 2, HIGH * 2e4), ylim=(len(names) - 0.4, -1.1))
        ax.set_yticks(range(len(names)), names)
        ax.set_xticks([1e-2, 1, 1e2, 1e4], ["0.01", "1", "100", "10,000"])
        ax.minorticks_off()
        ax.set_xlabel("reading, as a multiple of the right script's; grey: before your repair", loc="left")
        ax.axvline(1, color="#555555", lw=1.2)
        ax.text(1, -0.65, "right script", ha="center", fontsize=9.5, color="#555555")
        ax.text(HIGH * 4, -0.65, "reading (right script)", fontsize=9.5, color="#222222")
        self._old = moving(ax.plot([], [], "o", color=GHOST, ms=7)[0])
        self._now = moving(ax.plot([], [], "o", color=ACCENT, ms=9)[0])
        self._words = [note(ax, HIGH * 4, k, fontsize=9.5, va="center") for k in range(len(names))]

    def update(self, result: Board, before: Board | None) -> None:
        """Show `result.visit.looks`: of the script as it stands in color, of it before a repair in grey."""
        visit = result.visit
        now: list[tuple[float, int]] = []
        old: list[tuple[float, int]] = []
        for row, (name, words) in enumerate(zip(PROBES, self._words, strict=True)):
            looks = [each for each in visit.looks if each.reading.probe == name]
            words.set_visible(bool(looks))
            for each in looks[-2:]:
                at = (ratio(name, each.reading.number, result.right[name]), row)
                (now if each.repairs == visit.repairs else old).append(at)
                words.set_text(f"{short(name, each.reading.number)} ({short(name, result.right[name])})")
                words.set_color("#222222" if each.repairs == visit.repairs else "#777777")
        for dots, places in ((self._now, now), (self._old, old)):
            dots.set_data([x for x, _ in places], [y for _, y in places])


class ScoreView(View[Board]):
    """Dev error against the epochs spent: the reader, the intended way, ten at random."""

    LOW, HIGH = 0.015, 1.3

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(-4, BUDGET + 2), ylim=(self.LOW, self.HIGH))
        ax.set(xlabel="epochs spent", ylabel="dev error")
        ax.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5, 1], ["2%", "5%", "10%", "20%", "50%", "100%"])
        ax.minorticks_off()
        ax.axvspan(BUDGET - EPOCHS, BUDGET, color="#e2e2e2", lw=0)
        ax.text(BUDGET - EPOCHS / 2, 1.12, "training", ha="center", va="top", fontsize=9, color="#555555")
        self._spent = moving(ax.axvline(0, color=ACCENT, lw=2))
        self._right = moving(ax.axhline(0.03, color="#555555", lw=1.2, ls=":"))
        self._others = moving(ax.plot([], [], "o", color=GHOST, ms=6)[0])
        self._intended = moving(ax.plot([], [], "D", color="#222222", ms=8)[0])
        self._came = moving(ax.plot([], [], "s", color="#666666", ms=8)[0])
        self._you = moving(ax.plot([], [], "o", color=ACCENT, ms=11, mec="white")[0])
        self._names = {
            "right": note(ax, 1, 0.03, "right script", color="#555555", fontsize=9.5, va="top"),
            "came": note(ax, -2, 0.5, "as it came", color="#444444", fontsize=9.5, va="bottom"),
            "others": note(ax, 0, 0, "at random", color="#777777", fontsize=9.5, ha="center", va="bottom"),
            "intended": note(ax, 0, 0, "intended", color="#222222", fontsize=9.5, ha="center", va="top"),
            "you": note(ax, 0, 0, "you", color=ACCENT, fontsize=11, ha="center", va="bottom"),
        }

    def update(self, result: Board, before: Board | None) -> None:
        """Show where everybody ended."""
        visit = result.visit
        self._spent.set_xdata([visit.spent] * 2)
        self._right.set_ydata([result.target] * 2)
        self._names["right"].set_y(result.target / 1.08)
        self._came.set_data([0], [result.came])
        self._names["came"].set_y(result.came * 1.15)
        yours = [] if visit.run is None else [(visit.spent, visit.run.dev_error)]
        best = result.intended
        theirs = [] if best is None or best.run is None else [(best.spent, best.run.dev_error)]
        all_others = [(each.spent, each.run.dev_error) for each in result.others if each.run is not None]
        for dots, name, places, shift in (
            (self._you, "you", yours, 1.13),
            (self._intended, "intended", theirs, 0.86),
            (self._others, "others", all_others[:1], 1.1),
        ):
            shown = all_others if name == "others" else places
            dots.set_data([x for x, _ in shown], [y for _, y in shown])
            self._names[name].set_visible(bool(places))
            if places:
                self._names[name].set_position((places[0][0], places[0][1] * shift))


def views(figure: Figure) -> list[View[Board]]:
    """Lay out the ward: the chart, and the scoreboard."""
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    return [ChartView(left), ScoreView(right)]

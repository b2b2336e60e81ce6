"""The lab *Diagnosis from three errors*: two gaps, and the lists of remedies that they ask for."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from dlhelpers.bias_variance import REMEDIES, Diagnosis, diagnose
from dlhelpers.labs.bias_variance.common import GapsView, diagnosis_name
from dlhelpers.live.controls import real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import ACCENT, GHOST, View, key, moving


class Verdict(NamedTuple):
    """Errors as fractions, and what they say."""

    errors: tuple[float, float, float]
    threshold: float
    diagnosis: Diagnosis

    @property
    def finding(self) -> str:
        """Return the two gaps."""
        found = self.diagnosis
        return (
            f"{diagnosis_name(found).capitalize()}: gaps of {100 * found.avoidable_bias:.1f} and "
            f"{100 * found.variance:.1f} points"
        )

    @property
    def caption(self) -> str:
        """Say what the gaps are made of and what to try first."""
        base, train, dev = (100 * error for error in self.errors)
        found = self.diagnosis
        text = (
            f"Train error {train:.1f}% minus base error {base:.1f}% is the avoidable bias, "
            f"{train - base:+.1f} points. Dev error {dev:.1f}% minus train error is the variance gap, "
            f"{dev - train:+.1f} points. A gap counts as high from {100 * self.threshold:.1f} points on. "
        )
        if train < base:
            text += (
                "The train error is below the base error: "
                "the network fits what the reference cannot, or noise. "
            )
        first = [remedies[0] for remedies in _lit_lists(found)]
        return text + (
            f"Try first: {', then '.join(first).lower()}."
            if first
            else "Both gaps are small: no list applies. Measure once on the test set."
        )


def _lit_lists(found: Diagnosis) -> list[tuple[str, ...]]:
    lists = []
    if found.high_bias:
        lists.append(found._replace(high_variance=False).remedies)
    if found.high_variance:
        lists.append(found._replace(high_bias=False).remedies)
    return lists


def judge(base: float, train: float, dev: float, threshold: float) -> Verdict:
    """Diagnose errors that are given in percent."""
    errors = (base / 100, train / 100, dev / 100)
    return Verdict(errors, threshold / 100, diagnose(*errors, threshold / 100))


def program(base: float, train: float, dev: float, threshold: float) -> str:
    """Return the program behind the picture."""
    return f"""
from dlhelpers.bias_variance import diagnose

result = diagnose({base} / 100, {train} / 100, {dev} / 100, threshold={threshold} / 100)
"""


class QuadrantView(View[Verdict]):
    """The 2 x 2 of high and low bias and variance, and where the errors put us in it."""

    def __init__(self, ax: Axes, low: float = -18.0, high: float = 42.0) -> None:
        ax.set(
            xlim=(low, high), ylim=(low, high), xlabel="train - base, points", ylabel="dev - train, points"
        )
        ax.grid(visible=False)
        self._low, self._high = low, high
        self._field = moving(PolyCollection([], facecolor=ACCENT, alpha=0.2, edgecolor="none"))
        ax.add_collection(self._field, autolim=False)
        self._x_edge = moving(ax.axvline(0, color="#777777", lw=1.2))
        self._y_edge = moving(ax.axhline(0, color="#777777", lw=1.2))
        (self._before,) = ax.plot([], [], "o", color=GHOST, ms=9)
        (self._point,) = ax.plot([], [], "o", color=ACCENT, ms=13, mec="white", mew=2)
        texts = (
            (low + 1, low + 1, "low bias\nlow variance", "left", "bottom"),
            (high - 1, low + 1, "high bias\nlow variance", "right", "bottom"),
            (low + 1, high - 1, "low bias\nhigh variance", "left", "top"),
            (high - 1, high - 1, "high bias\nhigh variance", "right", "top"),
        )
        for x, y, text, ha, va in texts:
            ax.text(x, y, text, ha=ha, va=va, fontsize=9, color="#333333")
        moving(self._before)
        moving(self._point)
        key(ax, ("● your network", ACCENT), ("● before", "#777777"))

    def update(self, result: Verdict, before: Verdict | None) -> None:
        """Show `result.diagnosis` and `result.threshold`, fractions."""
        edge, low, high = 100 * result.threshold, self._low, self._high
        found = result.diagnosis
        left, right = (edge, high) if found.high_bias else (low, edge)
        bottom, top = (edge, high) if found.high_variance else (low, edge)
        self._field.set_verts([np.array([(left, bottom), (left, top), (right, top), (right, bottom)])])
        self._x_edge.set_xdata([edge, edge])
        self._y_edge.set_ydata([edge, edge])
        self._point.set_data(*self._place(found))
        self._before.set_data(*([], []) if before is None else self._place(before.diagnosis))

    def _place(self, found: Diagnosis) -> tuple[list[float], list[float]]:
        """Return the point in percentage points, held inside the frame."""
        x, y = np.clip([100 * found.avoidable_bias, 100 * found.variance], self._low + 2, self._high - 2)
        return [float(x)], [float(y)]


class RemediesView(View[Verdict]):
    """The two lists of remedies; those that fit are marked and dark, the others pale.

    The texts stay while a list does; the canvas draws its background again when one lights up.
    """

    def __init__(self, ax: Axes) -> None:
        ax.set_axis_off()
        ax.set(xlim=(0, 1), ylim=(-14.2, 0.6))
        self._lists = {}
        y = 0.0
        for kind, remedies in REMEDIES.items():
            texts = [f"{kind.capitalize()}: try", *remedies]
            lines = [
                ax.text(0.05 * (i > 0), y - i, text, va="center", fontweight="normal" if i else "bold")
                for i, text in enumerate(texts)
            ]
            self._lists[kind] = list(zip(lines, texts, strict=True))
            y -= len(texts) + 0.8
        self._lit: dict[str, bool] = {}

    def update(self, result: Verdict, before: Verdict | None) -> None:
        """Light up the lists that `result.diagnosis` asks for."""
        found = result.diagnosis
        lit = {"high bias": found.high_bias, "high variance": found.high_variance}
        for kind, lines in self._lists.items():
            if self._lit.get(kind) == lit[kind]:
                continue
            for line, text in lines:
                line.set_text(("▸ " if lit[kind] else "   ") + text)
                line.set_color("#111111" if lit[kind] else "#767676")
        self._lit = lit


def views(figure: Figure) -> list[View[Verdict]]:
    """Lay out the lab: the errors, the 2 x 2, and the remedies."""
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.3, 1.1, 0.9])
    gaps = GapsView(left, ("base", "train", "dev"), ("bias", "variance"), top=60)
    return [gaps, QuadrantView(middle), RemediesView(right)]


def diagnosis_lab() -> Lab:
    """Return the lab *Diagnosis from three errors*."""
    return Lab(
        "Diagnosis from three errors",
        controls={
            "base": real_slider("Base error, %", 0, 30, 1, 0.5, fmt=".1f"),
            "train": real_slider("Train error, %", 0, 50, 7, 0.5, fmt=".1f"),
            "dev": real_slider("Dev error, %", 0, 50, 15, 0.5, fmt=".1f"),
            "threshold": real_slider("High from, points", 1, 10, 5, 0.5, fmt=".1f"),
        },
        compute=judge,
        views=views,
        grabs=[Grab(0, y=name, at=k) for k, name in enumerate(("base", "train", "dev"))],
        code=program,
        presets={
            "high variance": {"train": 2, "dev": 12},
            "high bias": {"train": 15, "dev": 16},
            "both": {"train": 15, "dev": 30},
            "neither": {"train": 1.5, "dev": 3},
            "hard task": {"base": 14, "train": 15, "dev": 16},
        },
        seeded=False,
    )

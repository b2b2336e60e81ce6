"""The lab *The winner's curse*: what the dev set says of the winner, and what the test set says."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.digit_runs import DEV_SIZES, SEEDS, run_table
from dlhelpers.labs.real_search.replay import N_SETTINGS, best_so_far
from dlhelpers.live.controls import choice, log_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.labels import EndLabels
from dlhelpers.plots.style import ACCENT, DEV, GHOST, LIGHT_ORANGE, TEST, View, key, moving
from dlhelpers.typing import FloatArray, IntArray

SEARCHES, MOST = 2000, 256
AMONG = {"any settings": N_SETTINGS, "the best 100 settings": 100}
"""A search draws from so many settings, the best ones on average over all runs."""
SIZES = {f"{size} examples": k for k, size in enumerate(DEV_SIZES)}


class Curse(NamedTuple):
    """Two thousand random searches of n trials: the winner's error on its dev set, and on the test set.

    `dev` and `test` are (2000, 256), after each number of trials; `expected` is (256,).
    """

    n: int
    size: str
    among: str
    dev: FloatArray
    test: FloatArray
    expected: FloatArray

    @property
    def here(self) -> tuple[float, float]:
        """Mean dev and mean test error of the winners of n trials."""
        return float(self.dev[:, self.n - 1].mean()), float(self.test[:, self.n - 1].mean())

    @property
    def worse(self) -> float:
        """Share of the searches whose winner does worse on the test set."""
        return float(np.mean(self.test[:, self.n - 1] > self.dev[:, self.n - 1]))

    @property
    def finding(self) -> str:
        """Both errors of the winner."""
        dev, test = self.here
        return f"Best of {self.n}: dev error {dev:.1%}, test error {test:.1%}, on average"

    @property
    def caption(self) -> str:
        """How often and by how much the dev set flatters, and what the formula expects."""
        dev, test = self.here
        gap = 100 * (test - dev)
        flatters = f"flatters the winner by {gap:.1f} points" if gap > 0.1 else "is right on average"
        return (
            f"Means of {SEARCHES:,} random searches among {self.among}, with a dev set of {self.size}. The "
            f"dev set {flatters}; {self.worse:.0%} of the winners do worse on the test set. The formula "
            f"expects a dev error of {self.expected[self.n - 1]:.1%} for the best of {self.n}."
        )


@lru_cache(maxsize=1)
def in_order() -> IntArray:
    """Return the settings, the best first: by the mean of their dev and test errors over all seeds."""
    return np.argsort(run_table().errors[..., -1].mean(axis=(0, 1)), kind="stable")


def expected_best(values: FloatArray, most: int) -> FloatArray:
    """Return the expected lowest of n values drawn with replacement, for n = 1 ... most."""
    v, n = np.sort(values), np.arange(1, most + 1)[:, np.newaxis]
    left = np.arange(len(v), -1, -1) / len(v)  # the share of values that are v_i or higher, then none
    chance = left[:-1] ** n - left[1:] ** n  # that the lowest of n is v_i
    return chance @ v


@lru_cache(maxsize=32)
def winners(size: str, among: str, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dev and test errors of the winners, (2000, 256) each, and the expected dev error, (256,)."""
    rng, table = np.random.default_rng(seed), run_table()
    world, dev_set = rng.integers(SEEDS, size=(SEARCHES, 1)), rng.integers(2, size=(SEARCHES, 1))
    pool = in_order()[: AMONG[among]]
    settings = pool[rng.integers(len(pool), size=(SEARCHES, MOST))]
    scores = table.last_errors[..., SIZES[size]]
    chosen = best_so_far(scores[dev_set, world, settings])
    best = np.take_along_axis(settings, chosen, axis=1)
    dev, test = scores[dev_set, world, best], table.errors[1 - dev_set, world, best, -1]
    each = [expected_best(scores[s, w, pool], MOST) for s in range(2) for w in range(SEEDS)]
    return dev, test, np.mean(each, axis=0)


def choose(n: float, size: str, among: str, seed: int) -> Curse:
    """Search at random two thousand times, and ask the test set about the winners."""
    return Curse(round(n), size, among, *winners(size, among, seed))


def program(n: float, size: str, among: str, seed: int) -> str:
    """Return the program behind the curves."""
    return f"""
import numpy as np
from dlhelpers.digit_runs import run_table

table = run_table()
rng = np.random.default_rng({seed})
world, dev_set = rng.integers(4, size=({SEARCHES}, 1)), rng.integers(2, size=({SEARCHES}, 1))
order = np.argsort(table.errors[..., -1].mean(axis=(0, 1)), kind="stable")
pool = order[:{AMONG[among]}]  # {among}
settings = pool[rng.integers(len(pool), size=({SEARCHES}, {MOST}))]
scores = table.last_errors[..., {SIZES[size]}]  # on a dev set of {size}

dev, test = [], []
rows = np.arange({SEARCHES})[:, None]
for n in range(1, {MOST} + 1):
    first = settings[:, :n]
    best = first[rows, np.argmin(scores[dev_set, world, first], axis=1)[:, None]]
    dev.append(scores[dev_set, world, best])
    test.append(table.errors[1 - dev_set, world, best, -1])
result = np.concatenate(dev, axis=1).mean(axis=0), np.concatenate(test, axis=1).mean(axis=0)
"""


class CurseView(View[Curse]):
    """The winner's mean error over the number of trials, on the dev set and on the test set."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(1, MOST), ylim=(0.004, 0.6))
        ax.set(xlabel="trials n", ylabel="error of the winner, mean")
        ax.set_xticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
        ax.set_yticks(
            [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5], ["0.5%", "1%", "2%", "5%", "10%", "20%", "50%"]
        )
        ax.minorticks_off()
        self._cursor = moving(ax.axvline(16, color=ACCENT, lw=2))
        self._gap = moving(ax.fill_between([1, 2], [0.1, 0.1], [0.2, 0.2], color="#fbe3d2", lw=0))
        self._old = [moving(ax.plot([], [], color=GHOST, lw=1.2, ls=style)[0]) for style in ("--", ":")]
        self._formula = moving(ax.plot([], [], "x", color="#222222", ms=6, mew=1.3)[0])
        self._dev = moving(ax.plot([], [], "--", color=DEV, lw=2.4)[0])
        self._test = moving(ax.plot([], [], ":", color=TEST, lw=2.4)[0])
        self._labels = EndLabels(ax, [("dev", DEV), ("test", TEST)])
        self._labels.texts[1].set_in_layout(True)
        key(ax, ("× formula", "#222222"), ("┃ your n", ACCENT), ("— before", "#777777"))

    def update(self, result: Curse, before: Curse | None) -> None:
        """Show the means of `result.dev` and `result.test`."""
        n, dev, test = np.arange(1, MOST + 1), result.dev.mean(axis=0), result.test.mean(axis=0)
        self._dev.set_data(n, dev)
        self._test.set_data(n, test)
        self._gap.set_data(n, dev, test)
        marks = 2 ** np.arange(9)
        self._formula.set_data(marks, result.expected[marks - 1])
        for line, name in zip(self._old, ("dev", "test"), strict=True):
            line.set_data([], [])
            if before is not None and before.dev is not result.dev:
                line.set_data(n, getattr(before, name).mean(axis=0))
        self._cursor.set_xdata([result.n] * 2)
        self._labels.place([float(dev[-1]), float(test[-1])])


class SpreadView(View[Curse]):
    """How the errors of the winners of n trials are spread, on the dev set and on the test set."""

    EDGES = np.arange(8) / 48 - 1e-6  # an error on 48 images stands at the left edge of its bar
    TOP = 0.7

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=self.EDGES[[0, -1]], ylim=(0, self.TOP), xlabel="error of the winner")
        ax.set_ylabel("share of the searches")
        ax.set_xticks([0, 0.05, 0.1], ["0%", "5%", "10%"])
        ax.set_yticks([0, 0.2, 0.4, 0.6], ["0", "20%", "40%", "60%"])
        nothing = np.zeros(len(self.EDGES) - 1)
        self._dev = moving(ax.stairs(nothing, self.EDGES, fill=True, color=LIGHT_ORANGE))
        self._edge = moving(ax.stairs(nothing, self.EDGES, color=DEV, lw=1.5, ls="--"))
        self._test = moving(ax.stairs(nothing, self.EDGES, color=TEST, lw=1.8, ls=":"))
        key(ax, ("■ dev", DEV), ("… test", TEST))

    def update(self, result: Curse, before: Curse | None) -> None:
        """Show the errors at `result.n`; those beyond the frame are not drawn."""
        for errors, artists in ((result.dev, (self._dev, self._edge)), (result.test, (self._test,))):
            shares = np.histogram(errors[:, result.n - 1], self.EDGES)[0] / SEARCHES
            for artist in artists:
                artist.set_data(np.minimum(shares, self.TOP))


def views(figure: Figure) -> list[View[Curse]]:
    """Lay out the lab: the means over the trials, and the spread at the chosen number."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [CurseView(left), SpreadView(right)]


def curse_lab() -> Lab:
    """Return the lab *The winner's curse*."""
    return Lab(
        "The winner's curse",
        controls={
            "n": log_slider("Trials n", 0, 8, 32, 0.5, base=2, fmt=",.0f"),
            "size": choice("Dev set", list(SIZES), "96 examples"),
            "among": choice("Among", list(AMONG), "any settings"),
        },
        compute=choose,
        views=views,
        grabs=[Grab(0, x="n")],
        code=program,
        presets={
            "one trial": {"n": 1},
            "a tiny dev set": {"size": "48 examples", "n": 256},
            "all 386 examples": {"size": "386 examples"},
            "good settings only": {"among": "the best 100 settings", "n": 64},
        },
    )

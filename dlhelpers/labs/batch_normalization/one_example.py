"""The lab *Who else is in the batch?*: one example is moved, and the others' answers move with it."""

from functools import lru_cache
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.datasets import moons
from dlhelpers.live.controls import choice, real_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.decision_regions import CLASS_COLORS, MARKERS
from dlhelpers.plots.style import ACCENT, TEST, View, key, moving
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

NETWORK = Network((2, 8, 8, 1), "relu", "sigmoid_cross_entropy", batch_norm=BatchNormalization())
STEPS, RATE, MOST, LIMIT = 200, 0.03, 12, 4.0
BATCH, SET = "the batch itself (training)", "the training set (use)"
HOME = (0.0, 0.0)
"""Where example 1 stands when nobody has moved it."""


class Company(NamedTuple):
    """A batch whose first example can be moved, and what the network answers to each example.

    Attributes
    ----------
    X : (n, 2) float array
    y : (n,) int array
    answers, at_home : (n,) float array
        Probability of class 1, now and with example 1 at (0, 0).
    in_use : (n,) float array
        With the statistics of the training set.
    """

    source: str
    X: FloatArray
    y: IntArray
    answers: FloatArray
    at_home: FloatArray
    in_use: FloatArray

    @property
    def change(self) -> float:
        """The largest change in the answer to another example."""
        return float(np.abs(self.answers - self.at_home)[1:].max())

    @property
    def finding(self) -> str:
        """By how much the answers to the others have changed."""
        if self._is_home:
            return "Example 1 stands at (0, 0): move it, and look at the answers to the others"
        return f"Example 1 moves, and the answers to the others change by up to {self.change:.2f}"

    @property
    def caption(self) -> str:
        """Where example 1 is, and what happens to the answers."""
        if self._is_home:
            text = f"Mean and variance come from {self.source}. Example 1, the ring, stands at (0, 0)."
            return f"{text} {self._in_use}"
        x1, x2 = self.X[0]
        switched = int(((self.answers > 0.5) != (self.at_home > 0.5))[1:].sum())
        text = (
            f"Mean and variance come from {self.source}. Example 1, the ring, stands at ({x1:.1f}, {x2:.1f}) "
            f"instead of (0, 0). Of the {len(self.y) - 1} others, the answers change by up to "
            f"{self.change:.2f}; {switched or 'none'} of them {'get' if switched > 1 else 'gets'} another "
            "class."
        )
        return f"{text} {self._in_use}"

    @property
    def _is_home(self) -> bool:
        return tuple(self.X[0].tolist()) == HOME

    @property
    def _in_use(self) -> str:
        off = np.abs(self.answers - self.in_use)[1:].max()
        return f"The bars are the answers in use; the dots lie up to {off:.2f} off."


@lru_cache(maxsize=8)
def trained(seed: int) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """Train on 100 points of two moons; return theta, the statistics of that set, and 16 new points."""
    rng = np.random.default_rng(seed)
    X, y = moons(100, noise=0.3, rng=rng)
    X_new, y_new = moons(MOST, noise=0.3, rng=rng)
    train = Batch(X, y[:, None].astype(float))
    theta = NETWORK.initialize(np.random.default_rng(seed))
    *_, last = islice(descend(NETWORK, theta, repeat(train), Adam(), RATE), STEPS + 1)
    return last.theta, NETWORK.batch_statistics(last.theta, train), X_new, y_new


def move(x1: float, x2: float, n: int, source: str, seed: int) -> Company:
    """Put example 1 at (x1, x2) and ask the network about all `n` examples of the batch."""
    theta, statistics, X_new, y = trained(seed)

    def answers(place: tuple[float, float], running: bool) -> FloatArray:
        X = np.vstack([place, X_new[1:n]])
        of_batch = NETWORK.trace(theta, Batch(X, np.zeros((n, 1)))).A[-1][0]
        logits = NETWORK.logits(theta, X, statistics=statistics)[:, 0] if running else of_batch
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -500, 500))))

    running = source == SET
    return Company(
        source,
        np.vstack([(x1, x2), X_new[1:n]]),
        y[:n],
        answers((x1, x2), running),
        answers(HOME, running),
        answers((x1, x2), True),
    )


def program(x1: float, x2: float, n: int, source: str, seed: int) -> str:
    """Return the program behind the picture."""
    logits = (
        "network.logits(last.theta, X_batch, statistics=network.batch_statistics(last.theta, train))[:, 0]"
        if source == SET
        else f"network.trace(last.theta, Batch(X_batch, np.zeros(({n}, 1)))).A[-1][0]"
    )
    return f"""
from itertools import islice, repeat

import numpy as np
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend

rng = np.random.default_rng({seed})
X, y = moons(100, noise=0.3, rng=rng)
X_new, y_new = moons({MOST}, noise=0.3, rng=rng)
train = Batch(X, y[:, None].astype(float))
network = Network((2, 8, 8, 1), "relu", "sigmoid_cross_entropy", batch_norm=BatchNormalization())
theta = network.initialize(np.random.default_rng({seed}))
*_, last = islice(descend(network, theta, repeat(train), Adam(), {RATE}), {STEPS} + 1)
X_batch = np.vstack([({x1!r}, {x2!r}), X_new[1:{n}]])
logits = {logits}
result = 1 / (1 + np.exp(-logits))
"""


class PlaneView(View[Company]):
    """The examples of the batch in the plane; the first one has a ring."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
        self._marks = [
            moving(ax.plot([], [], MARKERS[k], color=CLASS_COLORS[k], ms=8, mec="white")[0]) for k in (0, 1)
        ]
        self._ring = moving(ax.plot([], [], "o", mfc="none", mec=ACCENT, ms=16, mew=3)[0])
        self._names = [
            moving(ax.annotate(str(k + 1), (0, 0), (6, 5), textcoords="offset points", fontsize=9))
            for k in range(MOST)
        ]
        key(
            ax,
            *((f"{mark} class {k}", CLASS_COLORS[k]) for k, mark in enumerate("●▲")),
            ("◯ move me", ACCENT),
        )

    def update(self, result: Company, before: Company | None) -> None:
        """Show `result.X` with its numbers."""
        for k, mark in enumerate(self._marks):
            mark.set_data(*result.X[result.y == k].T)
        self._ring.set_data(*result.X[:1].T)
        for k, name in enumerate(self._names):
            name.set_visible(k < len(result.X))
            name.xy = tuple(result.X[min(k, len(result.X) - 1)])


class AnswersView(View[Company]):
    """The answer to each example: now, with example 1 at (0, 0), and in use."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0.3, MOST + 0.7), ylim=(-0.05, 1.05), xlabel="example", ylabel="probability of class 1")
        ax.set_xticks(range(1, MOST + 1))
        ax.grid(axis="x", visible=False)
        moving(ax.axhline(0.5, color="#777777", lw=1))
        self._use = moving(ax.plot([], [], "_", color=TEST, ms=24, mew=2)[0])
        self._home = moving(ax.plot([], [], "o", mfc="none", mec="#777777", ms=6, mew=1.5)[0])
        self._now = moving(ax.plot([], [], "o", color=ACCENT, ms=8, mec="white")[0])
        key(ax, ("● now", ACCENT), ("○ with 1 at (0, 0)", "#777777"), ("━ in use", TEST))

    def update(self, result: Company, before: Company | None) -> None:
        """Show `result.answers`, `result.at_home` and `result.in_use`."""
        for line, shown, shift in (
            (self._use, result.in_use, 0),
            (self._home, result.at_home, -0.3),
            (self._now, result.answers, 0),
        ):
            line.set_data(np.arange(1, len(shown) + 1) + shift, shown)


def company_views(figure: Figure) -> list[View[Company]]:
    """Lay out the lab: the plane, and the answers."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.3])
    return [PlaneView(left), AnswersView(right)]


def one_example_lab() -> Lab:
    """Return the lab *Who else is in the batch?*."""
    return Lab(
        "Who else is in the batch?",
        controls={
            "x1": real_slider("Example 1, x₁", -LIMIT, LIMIT, 3, 0.1, fmt=".1f"),
            "x2": real_slider("Example 1, x₂", -LIMIT, LIMIT, 3, 0.1, fmt=".1f"),
            "n": slider("Examples in the batch", 2, MOST, 10),
            "source": choice("Statistics from", [BATCH, SET], BATCH),
        },
        compute=move,
        views=company_views,
        grabs=[Grab(0, x="x1", y="x2")],
        code=program,
        presets={
            "back to (0, 0)": {"x1": 0.0, "x2": 0.0},
            "in use": {"source": SET},
            "a batch of 2": {"n": 2},
        },
        size=(9.6, 4.0),
    )

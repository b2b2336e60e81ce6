"""The lab *Branch off*: fork a decay from one constant run, anywhere, and compare it with other endings."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers import averages
from dlhelpers.datasets import one_hot
from dlhelpers.labs.digits import digit_split
from dlhelpers.live.controls import slider, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.labels import EndLabels
from dlhelpers.plots.style import ACCENT, GHOST, View, key, moving
from dlhelpers.schedules import Constant, Cosine, Linear, Schedule
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

NETWORK = Network((64, 24, 10), "relu", "softmax_cross_entropy")
STEPS, EVERY, BATCH_SIZE = 600, 30, 16
NOISE = 0.3
"""Added to every pixel, drawn anew each time: there is always something left to average out."""
BETA = 0.98
"""Of the average of the weights: it looks back about 50 steps."""
RATES = 2.0 ** np.arange(-4, 2)
"""Each ending is trained with all of these peak rates."""
DIVERGED = 2.5
"""Guessing has a loss of log 10 = 2.3."""
PLAIN = ("constant", "average of its weights", "linear", "cosine")
FORK = "constant, then your decay"
NAMES = (*PLAIN, FORK)
COLORS = {
    "constant": "#555555",
    "average of its weights": "#222222",
    "linear": "#555555",
    "cosine": "#222222",
    FORK: ACCENT,
}
STYLES: dict[str, Any] = {
    "constant": "--",
    "average of its weights": ":",
    "linear": "-.",
    "cosine": (0, (6, 1.5, 1, 1.5, 1, 1.5)),
    FORK: "-",
}
MARKS = {
    "constant": "--",
    "average of its weights": "··",
    "linear": "-·",
    "cosine": "-··",
    FORK: "—",
}
"""How each line style is written before a name."""


class Endings(NamedTuple):
    """Dev losses of each ending, (steps seen, rates); NaN where they have not been computed."""

    fork: int
    rate: float
    dev: dict[str, FloatArray]
    """For each ending seen so far, (1 + STEPS // EVERY, 6); up to the fork it is the constant run."""

    @property
    def at(self) -> int:
        """The index of the chosen peak rate."""
        return int(np.abs(RATES - self.rate).argmin())

    @property
    def best(self) -> dict[str, tuple[float, float]]:
        """For each finished ending: the lowest last loss, and the peak rate that gives it."""
        last = {name: losses[-1] for name, losses in self.dev.items() if not np.isnan(losses[-1]).all()}
        return {
            name: (float(np.nanmin(each)), float(RATES[np.nanargmin(each)])) for name, each in last.items()
        }

    @property
    def finding(self) -> str:
        """Return the best of the constant rate and of the decay from the fork."""
        if FORK not in self.best:
            return f"Trained so far: {len(self.best)} of {len(NAMES)} endings"
        constant, fork = self.best["constant"][0], self.best[FORK][0]
        return (
            f"Dev loss {constant:.2f} at a constant rate, {fork:.2f} with your decay, each at its best rate"
        )

    @property
    def caption(self) -> str:
        """Say how all endings compare at their best rates."""
        rows = [f"{name} {loss:.2f} (rate {rate:.2g})" for name, (loss, rate) in self.best.items()]
        text = f"Last dev loss, each at its own best of {len(RATES)} peak rates: {', '.join(rows)}."
        if FORK not in self.best:
            return text if rows else f"The first of {len(NAMES)} endings is being trained."
        before, after = self.dev["constant"][-1, self.at], self.dev[FORK][-1, self.at]
        here = f"At peak rate {self.rate:.2g}, the decay from step {self.fork} ends at"
        if not after < DIVERGED:
            return f"{text} At peak rate {self.rate:.2g} training diverges."
        return f"{text} {here} {after:.2f}, the constant run at {before:.2f}."


class Recording(NamedTuple):
    """Dev losses (seen, K) every EVERY steps, the average's, and theta there, (seen, K, P)."""

    dev: FloatArray
    averaged: FloatArray
    thetas: FloatArray


@lru_cache(maxsize=2)
def noisy_digits(seed: int) -> tuple[FloatArray, FloatArray, Batch]:
    """Return the training rows and labels, and the dev set three times with fresh noise."""
    data = digit_split(seed)
    rows, rng = np.tile(data.X_dev, (3, 1)), np.random.default_rng(1_000 + seed)
    X_dev = rows + NOISE * rng.standard_normal(rows.shape)
    dev = Batch(X_dev.astype(np.float32), np.tile(one_hot(data.y_dev, 10), (3, 1)).astype(np.float32))
    return data.X_train.astype(np.float32), one_hot(data.y_train, 10).astype(np.float32), dev


def batches_from(step: int, seed: int) -> Iterator[Batch]:
    """Yield mini-batches with fresh noise; from a later step on they are those of a run from the start."""
    X, Y, _ = noisy_digits(seed)
    while True:
        rng = np.random.default_rng((seed, step))
        rows = rng.integers(len(X), size=BATCH_SIZE)
        noise = rng.standard_normal((BATCH_SIZE, X.shape[1]), dtype=np.float32)
        yield Batch(X[rows] + np.float32(NOISE) * noise, Y[rows])
        step += 1


def dev_losses(theta: FloatArray, seed: int) -> FloatArray:
    """Return the dev loss of each network, (K,); that of guessing, 2.5, where training has diverged."""
    with np.errstate(all="ignore"):
        losses = NETWORK.loss(theta, noisy_digits(seed)[2])
    return np.minimum(np.nan_to_num(losses, nan=np.inf), DIVERGED)


def run(schedule: Schedule, theta: FloatArray, start: int, seed: int) -> Stages[Recording]:
    """Train one network for each peak rate, from `start` to the end, with that rate times the schedule."""
    rates = RATES[:, None]
    descent = descend(
        NETWORK,
        theta,
        batches_from(start, seed),
        GradientDescent(),
        lambda t: rates * schedule(t - start),
        step=start,
        steps=STEPS - start,
    )
    average, dev, averaged, thetas = theta, [], [], []
    for step in descent:
        average = averages.update(average, step.theta, BETA) if step.step > start else step.theta
        if step.step % EVERY == 0:
            dev.append(dev_losses(step.theta, seed))
            averaged.append(dev[-1] if step.step == start else dev_losses(average, seed))
            thetas.append(step.theta)
            share = (step.step - start) / (STEPS - start)
            yield share, Recording(np.array(dev), np.array(averaged), np.stack(thetas))


MAKE: dict[str, Callable[[], Schedule]] = {
    "constant": lambda: Constant(1.0),
    "linear": lambda: Linear(1.0, STEPS),
    "cosine": lambda: Cosine(1.0, STEPS),
}


def first_theta(seed: int) -> FloatArray:
    """Return the same first weights for each peak rate, (K, P)."""
    theta = NETWORK.initialize(np.random.default_rng(seed)).astype(np.float32)
    return np.tile(theta, (len(RATES), 1))


@remembered(6)
def from_the_start(name: str, seed: int) -> Stages[Recording]:
    """Train one of the endings that need no fork."""
    return run(MAKE[name](), first_theta(seed), 0, seed)


@remembered(32)
def from_the_fork(fork: int, seed: int) -> Stages[Recording]:
    """Go on from the constant run at the fork, and let the rate fall to 0 along a line."""
    *_, (_, constant) = from_the_start("constant", seed)
    return run(Linear(1.0, STEPS - fork), constant.thetas[fork // EVERY], fork, seed)


def branch_off(fork: int, rate: float, seed: int) -> Stages[Endings]:
    """Train every ending with all peak rates; what is known already is there at once."""
    fork = min(EVERY * round(fork / EVERY), STEPS - EVERY)
    dev: dict[str, FloatArray] = {}
    for k, name in enumerate(("constant", FORK, "linear", "cosine")):
        stages = from_the_fork(fork, seed) if name == FORK else from_the_start(name, seed)
        for share, recording in stages:
            before = dev["constant"][: fork // EVERY] if name == FORK else np.zeros((0, len(RATES)))
            dev = {**dev, name: _padded(np.vstack([before, recording.dev]))}
            if name == "constant":
                dev["average of its weights"] = _padded(recording.averaged)
            yield (k + share) / 4, Endings(fork, rate, {each: dev[each] for each in NAMES if each in dev})


def _padded(losses: FloatArray) -> FloatArray:
    """Return the losses with NaN for the steps that are still to come."""
    missing = 1 + STEPS // EVERY - len(losses)
    return np.vstack([losses, np.full((missing, len(RATES)), np.nan)])


def program(fork: int, rate: float, seed: int) -> str:
    """Return the program behind the picture."""
    fork = min(EVERY * round(fork / EVERY), STEPS - EVERY)
    return f"""
import numpy as np
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.schedules import Delayed, Linear
from dlhelpers.training import descend

X, y, *_ = digits()
data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng({seed}))
X, Y = data.X_train.astype(np.float32), one_hot(data.y_train, 10).astype(np.float32)
rows = np.tile(data.X_dev, (3, 1))  # each dev digit three times, with other noise
X_dev = rows + {NOISE} * np.random.default_rng({1_000 + seed}).standard_normal(rows.shape)
dev = Batch(X_dev.astype(np.float32), np.tile(one_hot(data.y_dev, 10), (3, 1)).astype(np.float32))

def batches():
    for step in range({STEPS + 1}):
        rng = np.random.default_rng(({seed}, step))
        rows = rng.integers(len(X), size={BATCH_SIZE})
        noise = rng.standard_normal(({BATCH_SIZE}, 64), dtype=np.float32)
        yield Batch(X[rows] + np.float32({NOISE}) * noise, Y[rows])

network = Network({NETWORK.sizes}, "relu", "softmax_cross_entropy")
peaks = np.array({RATES.tolist()})[:, None]  # one network for each
schedule = Delayed(Linear(1.0, {STEPS - fork}), {fork})
theta = network.initialize(np.random.default_rng({seed})).astype(np.float32)
run = descend(network, np.tile(theta, ({len(RATES)}, 1)), batches(), GradientDescent(),
              lambda t: peaks * schedule(t), steps={STEPS})
*_, last = run
with np.errstate(all="ignore"):
    losses = np.minimum(np.nan_to_num(network.loss(last.theta, dev), nan=np.inf), {DIVERGED})
result = losses, losses[{int(np.abs(RATES - rate).argmin())}]
"""


class BranchView(View[Endings]):
    """The dev loss over the steps at the chosen peak rate, and the fork."""

    LOW, HIGH = 0.25, 2.6

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0, STEPS), ylim=(self.LOW, self.HIGH), xlabel="step", ylabel="dev loss")
        ax.set_yticks([0.3, 0.5, 1, 2], ["0.3", "0.5", "1", "2"])
        ax.minorticks_off()
        self._steps = np.arange(0, STEPS + 1, EVERY)
        self._before = moving(ax.plot([], [], color=GHOST, lw=1.5)[0])
        self._lines = {}
        for name in NAMES:
            width = 3 if name == FORK else 2
            self._lines[name] = moving(ax.plot([], [], ls=STYLES[name], color=COLORS[name], lw=width)[0])
        self._fork = moving(ax.axvline(0, color=ACCENT, lw=2.5))
        self._labels = EndLabels(ax, [(f"{MARKS[name]} {name}", COLORS[name]) for name in NAMES])
        longest = max(self._labels.texts, key=lambda text: len(text.get_text()))
        longest.set_in_layout(True)
        key(ax, ("┃ the fork: drag it", ACCENT), ("— before", "#777777"))

    def update(self, result: Endings, before: Endings | None) -> None:
        """Show the column of `result.dev` that belongs to the chosen rate."""
        ends = []
        for name in NAMES:
            losses = self._column(result, name)
            if name == FORK:
                losses = np.where(self._steps < result.fork, np.nan, losses)
            self._lines[name].set_data(self._steps, losses)
            ends.append(float(losses[-1]))
        self._labels.place(ends)
        old = self._steps * np.nan if before is None else self._column(before, FORK)
        self._before.set_data(self._steps, old)
        self._fork.set_xdata([result.fork, result.fork])

    def _column(self, result: Endings, name: str) -> FloatArray:
        losses = result.dev.get(name)
        return self._steps * np.nan if losses is None else losses[:, result.at]


class BestRatesView(View[Endings]):
    """The last dev loss of each ending over the peak rate; the best of each is a dot."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(0.055, 2.3), ylim=(0.25, 2.6), xlabel="peak rate")
        ax.set_xticks(RATES, ["1/16", "1/8", "1/4", "1/2", "1", "2"])
        ax.set_yticks([0.3, 0.5, 1, 2], ["0.3", "0.5", "1", "2"])
        ax.set_ylabel("last dev loss")
        ax.minorticks_off()
        self._lines = {}
        for name in NAMES:
            style: dict[str, Any] = {
                "ls": STYLES[name],
                "color": COLORS[name],
                "lw": 3 if name == FORK else 2,
            }
            self._lines[name] = moving(ax.plot([], [], marker="o", ms=8, mec="white", **style)[0])
        self._cursor = moving(ax.axvline(1, color="#555555", lw=1.5, zorder=1))
        key(ax, ("● best of each", "#222222"), ("│ your rate", "#555555"))

    def update(self, result: Endings, before: Endings | None) -> None:
        """Show the last rows of `result.dev`."""
        for name in NAMES:
            losses = result.dev.get(name)
            self._lines[name].set_data(RATES, RATES * np.nan if losses is None else losses[-1])
            best = [rate == result.best[name][1] for rate in RATES] if name in result.best else []
            self._lines[name].set_markevery(np.flatnonzero(best).tolist())
        self._cursor.set_xdata([RATES[result.at], RATES[result.at]])


def branch_off_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the run with its branch, and the losses over the peak rates."""
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    return [BranchView(left), BestRatesView(right)]


def branch_off_lab() -> Lab:
    """Return the lab *Branch off*."""
    options = [(f"{rate:.3g}", float(rate)) for rate in RATES]
    return Lab(
        "Branch off",
        controls={
            "fork": slider("Decay starts at step", 0, STEPS - EVERY, 420, EVERY),
            "rate": steps_slider("Peak rate", options, 0.5),
        },
        compute=branch_off,
        views=branch_off_views,
        grabs=[Grab(0, x="fork"), Grab(1, x="rate")],
        code=program,
        presets={
            "at once": {"fork": 0},
            "at the last moment": {"fork": STEPS - EVERY},
            "small steps": {"rate": 0.0625},
            "large steps": {"rate": 1.0},
        },
    )

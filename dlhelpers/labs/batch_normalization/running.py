"""The lab *From training to use*: batches estimate mean and variance, running averages collect them."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.batch_normalization import update_running
from dlhelpers.checks import inside
from dlhelpers.datasets import one_hot
from dlhelpers.labs.batch_normalization.common import NORMALIZED, PREPARE, WITH
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.live.controls import choice, log_slider, real_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.metrics import error_rate
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_GREY, TEST, View, key, moving
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

STEPS, EVERY, RATE = 300, 10, 0.1
SHUFFLED, ONE_CLASS = "shuffled", "one class a batch"


class Recorded(NamedTuple):
    """One run: theta at every tenth step, and the batch statistics of every step.

    Attributes
    ----------
    thetas : (records, P) float array
    seen : (steps, S) float array
        Mean and unbiased variance of each hidden unit over the batch of that step.
    whole : (records, S) float array
        The same over the whole training set.
    right : (records,) float array
        Share of the dev set that is right with those.
    """

    thetas: FloatArray
    seen: FloatArray
    whole: FloatArray
    right: FloatArray


class Running(NamedTuple):
    """The same run in use: with running averages, and with the statistics of the whole training set.

    Attributes
    ----------
    steps : (n,) int array
    running, whole : (n,) float array
        Share of the dev set that is right.
    batch_variances, averages, truth : float array
        Of one unit: the variance over each batch, its running average, and that over the training set.
    """

    batches: str
    momentum: float
    at: int
    steps: IntArray
    running: FloatArray
    whole: FloatArray
    batch_variances: FloatArray
    averages: FloatArray
    truth: FloatArray

    @property
    def finding(self) -> str:
        """The two shares at the chosen step."""
        k = min(self.at, int(self.steps[-1])) // EVERY
        return (
            f"Step {self.steps[k]}: {self.running[k]:.0%} right with running averages, {self.whole[k]:.0%} "
            "with the statistics of the training set"
        )

    @property
    def caption(self) -> str:
        """What the batches are, how far a running average lies off, and what that costs at the end."""
        text = f"Batches: {self.batches}. " + (
            "" if self.steps[-1] == STEPS else f"{self.steps[-1]} of {STEPS} steps are done. "
        )
        at = min(self.at, int(self.steps[-1]))
        return text + (
            f"At step {at}, unit 1 of layer 1 has the variance {self.truth[at]:.2f} over the training set; "
            f"its running average is {self.averages[at]:.2f}. After {self.steps[-1]} steps "
            f"{self.running[-1]:.0%} of the dev set is right with running averages, {self.whole[-1]:.0%} "
            "with the statistics of the whole training set."
        )


def batches_of(batches: str, batch_size: int, seed: int) -> Iterator[Batch]:
    """Yield batches of the digits: shuffled, or each with examples of one class only."""
    rng, train = np.random.default_rng(seed), normalized_digits(seed).train
    if batches == SHUFFLED:
        yield from minibatches(train.X, train.Y, batch_size, rng)
    rows = [np.flatnonzero(train.Y[:, k]) for k in range(10)]
    while True:
        digit = int(rng.integers(10))
        chosen = rng.choice(rows[digit], batch_size)
        yield Batch(train.X[chosen], one_hot(np.full(batch_size, digit), 10))


@remembered(12)
def record(batches: str, batch_size: int, seed: int) -> Stages[Recorded]:
    """Train once; the running averages do not act on training, so they can be computed later."""
    theta = NORMALIZED.initialize(np.random.default_rng(seed))
    thetas, seen = [], []
    run = descend(NORMALIZED, theta, batches_of(batches, batch_size, seed), GradientDescent(), RATE)
    for step in islice(run, STEPS + 1):
        if step.step % EVERY == 0:
            thetas.append(step.theta)
        if step.step == STEPS:
            break
        seen.append(NORMALIZED.batch_statistics(step.theta, step.batch))
        if step.step % 50 == 40:
            yield step.step / STEPS, recorded(np.array(thetas), np.array(seen), seed)
    yield 1.0, recorded(np.array(thetas), np.array(seen), seed)


def recorded(thetas: FloatArray, seen: FloatArray, seed: int) -> Recorded:
    """Measure, once for a run, what does not depend on the running averages."""
    whole = NORMALIZED.batch_statistics(thetas, normalized_digits(seed).train)
    return Recorded(thetas, seen, whole, share_right(thetas, whole, seed))


def share_right(thetas: FloatArray, statistics: FloatArray, seed: int) -> FloatArray:
    """Return the share of the dev set that each network gets right with these statistics."""
    dev = normalized_digits(seed).dev
    return 1 - error_rate(NORMALIZED.predict(thetas, dev.X, statistics=statistics), dev.Y)


def variance_of_unit(statistics: FloatArray) -> FloatArray:
    """Return the variance of unit 1 of layer 1 from statistics of shape (..., S)."""
    return NORMALIZED.statistics_layout.views(statistics)["variance1"][..., 0, 0]


def in_use(momentum: float, batches: str, at: int, batch_size: float, seed: int) -> Stages[Running]:
    """Average the recorded statistics with this momentum, and measure on the dev set."""
    for share, run in record(batches, round(batch_size), seed):
        yield share, measure(run, momentum, batches, at, seed)


def measure(run: Recorded, momentum: float, batches: str, at: int, seed: int) -> Running:
    """Compute the running averages of a recorded run, and what they give on the dev set."""
    averages, update = [NORMALIZED.initial_statistics()], inside(update_running)
    for seen in run.seen:
        averages.append(update(averages[-1], seen, momentum))
    used = np.array(averages)[::EVERY][: len(run.thetas)]
    steps = EVERY * np.arange(len(used))
    truth = np.interp(np.arange(len(averages)), steps, variance_of_unit(run.whole[: len(used)]))
    return Running(
        batches,
        momentum,
        at,
        steps,
        share_right(run.thetas[: len(used)], used, seed),
        run.right[: len(used)],
        variance_of_unit(run.seen),
        variance_of_unit(np.array(averages)),
        truth,
    )


def program(momentum: float, batches: str, at: int, batch_size: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import islice
{PREPARE.format(seed=seed)}
from dlhelpers.labs.batch_normalization.running import batches_of
from dlhelpers.metrics import error_rate
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

batch_norm = BatchNormalization(momentum={momentum!r})
network = Network((64, 32, 32, 10), "relu", "softmax_cross_entropy", batch_norm=batch_norm)
theta = network.initialize(np.random.default_rng({seed}))
batches = batches_of({batches!r}, {round(batch_size)}, {seed})
run = descend(
    network, theta, batches, GradientDescent(), {RATE}, statistics=network.initial_statistics()
)
*_, last = islice(run, {STEPS} + 1)
whole = network.batch_statistics(last.theta, train)
result = tuple(
    1 - error_rate(network.predict(last.theta, dev.X, statistics=each), dev.Y)
    for each in (last.statistics, whole)
)
"""


class AccuracyView(View[Running]):
    """The share of the dev set that is right, over the steps."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, STEPS), ylim=(0, 1.02), xlabel="step", ylabel="share of the dev set that is right")
        self._before = moving(ax.plot([], [], "--", color=GHOST, lw=1.5)[0])
        self._whole = moving(ax.plot([], [], ":", color=TEST, lw=1.8)[0])
        self._running = moving(ax.plot([], [], "o--", color=WITH, lw=2, ms=4)[0])
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=2))
        key(
            ax,
            ("●-- running averages", WITH),
            ("··· whole training set", TEST),
            ("┃ stop", ACCENT),
            ("-- before", "#777777"),
        )

    def update(self, result: Running, before: Running | None) -> None:
        """Show `result.running` and `result.whole`."""
        self._running.set_data(result.steps, result.running)
        self._whole.set_data(result.steps, result.whole)
        old = np.zeros(0) if before is None else before.running
        self._before.set_data(EVERY * np.arange(len(old)), old)
        self._cursor.set_xdata([result.at] * 2)


class UnitVarianceView(View[Running]):
    """The variance of one unit: over each batch, as a running average, and over the training set."""

    TOP = 7.0

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, STEPS), ylim=(0, self.TOP), xlabel="step", ylabel="variance of unit 1, layer 1")
        self._batches = moving(ax.plot([], [], ".", color=LIGHT_GREY, ms=4, mec=GHOST, mew=0.3)[0])
        self._truth = moving(ax.plot([], [], ":", color=TEST, lw=1.8)[0])
        self._average = moving(ax.plot([], [], color=WITH, lw=1.8)[0])
        key(ax, ("● a batch", "#777777"), ("— running", WITH), ("··· training set", TEST))

    def update(self, result: Running, before: Running | None) -> None:
        """Show `result.batch_variances`, `result.averages` and `result.truth`, cut at the frame."""
        for line, values in (
            (self._batches, result.batch_variances),
            (self._truth, result.truth),
            (self._average, result.averages),
        ):
            line.set_data(np.arange(len(values)), np.minimum(values, 0.99 * self.TOP))


def running_views(figure: Figure) -> list[View[Running]]:
    """Lay out the lab: the dev set in use, and the statistics of one unit."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [AccuracyView(left), UnitVarianceView(right)]


def running_lab() -> Lab:
    """Return the lab *From training to use*."""
    return Lab(
        "From training to use",
        controls={
            "momentum": real_slider("Momentum ρ", 0, 0.995, 0.99, 0.005, fmt=".3f"),
            "batches": choice("Batches", [SHUFFLED, ONE_CLASS], SHUFFLED),
            "at": slider("Step", 0, STEPS, 20, EVERY),
            "batch_size": log_slider("Batch size B", 1, 8, 64, 1, base=2, fmt=".0f"),
        },
        compute=in_use,
        views=running_views,
        grabs=[Grab(0, x="at")],
        code=program,
        presets={
            "one class a batch": {"batches": ONE_CLASS},
            "the usual 0.9": {"momentum": 0.9},
            "batches of 2": {"batch_size": 2},
        },
        size=(9.6, 3.9),
    )

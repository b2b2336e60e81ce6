"""The lab *Three clocks*: the same runs over updates, over examples and over seconds."""

import time
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.minibatches.common import (
    ALL_COLOR,
    EXAMPLES_COLOR,
    NETWORK,
    START,
    M,
    best_rate,
    checkpoints,
    train,
    training_set,
)
from dlhelpers.live.controls import choice, log_slider, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, TRAIN, View, key, moving
from dlhelpers.typing import FloatArray, IntArray

UPDATES, EXAMPLES, SECONDS = "updates", "examples", "seconds"
CLOCKS = (UPDATES, EXAMPLES, SECONDS)
ENDS = {UPDATES: 200.0, EXAMPLES: 5000.0}
"""Where the axis of each clock ends; seconds end after 60 updates of the whole set."""
TIMED = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 100, 128, 200, 256, 400, 512, 800, 1024)
"""Batch sizes whose update is timed."""
SHARES = (0, 0.25, 0.5, 0.75, 1)
"""Where the axis of the clock has numbers."""
FIRST = 50
"""So many updates are all measured; after them, the steps between two measurements grow by 4%."""


class Run(NamedTuple):
    """One run: the loss on the whole training set at some of its steps, and on each mini-batch."""

    batch_size: int
    steps: IntArray
    losses: FloatArray
    on_batches: FloatArray

    def updates_to(self, target: float) -> float:
        """Return the first measured step with that loss; NaN if there is none."""
        there = np.flatnonzero(self.losses <= target)
        return float(self.steps[there[0]]) if there.size else np.nan


class Clocks(NamedTuple):
    """Three runs: with one example, with the reader's batch size, with all; None while not there yet."""

    batch_size: int
    clock: str
    target: float
    yours: Run
    one: Run | None
    whole: Run | None
    seconds: FloatArray
    """Of one update, for each of `TIMED`: measured on this machine."""

    def unit(self, run: Run) -> float:
        """Return what one update of a run costs on the chosen clock."""
        if self.clock == SECONDS:
            return float(np.exp(np.interp(np.log(run.batch_size), np.log(TIMED), np.log(self.seconds))))
        return float(run.batch_size) if self.clock == EXAMPLES else 1.0

    @property
    def end(self) -> float:
        """Where the axis of the clock ends."""
        return ENDS.get(self.clock, 60 * float(self.seconds[-1]))

    @property
    def finding(self) -> str:
        """What the target costs the reader's batch size, and who is first on the chosen clock."""
        text = f"B = {self.batch_size:,}: {_cost(self.yours, self.target)} to a loss of {self.target:.2f}"
        if self.one is None or self.whole is None:
            return text
        costs = {
            run.batch_size: run.updates_to(self.target) * self.unit(run)
            for run in (self.one, self.yours, self.whole)
        }
        if np.isnan(list(costs.values())).any():
            return text
        return f"{text}. Counted in {self.clock}, B = {min(costs, key=lambda size: costs[size]):,} is first"

    @property
    def caption(self) -> str:
        """The same for both ends; how often each of the two losses rises."""
        text = ""
        if self.one is not None and self.whole is not None:
            text = (
                f"One example at a time: {_cost(self.one, self.target)}; all {M:,} at once: "
                f"{_cost(self.whole, self.target)}. "
            )
        text += f"Learning rates: 0.088 for B = 1, {best_rate(self.batch_size):.2g} for yours, 1.4 for all. "
        rises = np.mean(np.diff(self.yours.losses[: FIRST + 1]) > 0)
        on_batches = np.mean(np.diff(self.yours.on_batches[: FIRST + 1]) > 0)
        text += (
            f"In {rises:.0%} of the first {FIRST} updates of your run the training loss rises, and in "
            f"{on_batches:.0%} the loss on the mini-batch (dots)."
        )
        return f"{text} The axis counts {self.clock}{' of this machine' if self.clock == SECONDS else ''}."


def _cost(run: Run, target: float) -> str:
    updates = run.updates_to(target)
    if np.isnan(updates):
        return f"not yet there after {_round(run.steps[-1])} updates"
    return f"{_round(updates)} updates, {_round(updates * run.batch_size)} examples"


def _round(count: float) -> str:
    """Return a count with two digits."""
    return f"{float(f'{count:.2g}'):,.0f}"


def updates_of(batch_size: int) -> int:
    """Return how long a run is: it should fill the axis of every clock."""
    return max(int(ENDS[UPDATES]), int(ENDS[EXAMPLES]) // batch_size, 800 if batch_size <= 128 else 0)


@remembered(24)
def follow(batch_size: int, seed: int) -> Stages[Run]:
    """Train at the best rate of this batch size; measure the loss at some of the steps."""
    last, whole, measured = updates_of(batch_size), training_set(seed), checkpoints(FIRST, 1.04)
    following, steps, losses, on_batches = next(measured), [], [], []
    for step in islice(train(batch_size, best_rate(batch_size), seed), last + 1):
        on_batches.append(step.loss)
        if step.step == following:
            following = next(measured)
            steps.append(step.step)
            losses.append(NETWORK.loss(step.theta, whole))
            if step.step < last and len(steps) % 10 == 0:
                yield step.step / last, _run(batch_size, steps, losses, on_batches)
    yield 1.0, _run(batch_size, steps, losses, on_batches)


def _run(B: int, steps: list[int], losses: list[FloatArray], on_batches: list[FloatArray]) -> Run:
    return Run(B, np.array(steps), np.array(losses), np.array(on_batches))


def losses_of(batch_size: int, rate: float, updates: int, seed: int) -> FloatArray:
    """Return the loss on the training set before each update and after the last, (updates + 1,)."""
    run, whole = islice(train(batch_size, rate, seed), updates + 1), training_set(seed)
    return np.array([NETWORK.loss(step.theta, whole) for step in run])


@lru_cache(maxsize=1)
def seconds_per_update() -> FloatArray:
    """Time an update for each of `TIMED` on this machine: the fastest of several."""
    return np.array([_fastest(size) for size in TIMED])


def _fastest(batch_size: int) -> float:
    moments = [time.perf_counter() for _ in islice(train(batch_size, 0.1, 0), 12)]
    return float(np.diff(moments)[1:].min())


def run_all(batch_size: float, clock: str, target: float, seed: int) -> Stages[Clocks]:
    """Train with the reader's batch size, then with 1 and with all."""
    B = min(max(round(batch_size), 1), M)
    sizes = list(dict.fromkeys((B, 1, M)))
    for share, found in each_of(
        sizes, B, lambda size: follow(size, seed), lambda size: follow.recall(size, seed)
    ):
        yield (
            share,
            Clocks(B, clock, target, found[B], found.get(1), found.get(M), seconds_per_update()),
        )


def program(batch_size: float, clock: str, target: float, seed: int) -> str:
    """Return the program behind the blue curve."""
    B = min(max(round(batch_size), 1), M)
    return f"""
from itertools import islice

import numpy as np
from dlhelpers.datasets import one_hot
from dlhelpers.labs.digits import digit_split
from dlhelpers.labs.minibatches.common import checkpoints
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

{START.format(seed=seed)}
run = descend(network, theta, minibatches(X, Y, {B}, rng), GradientDescent(), {best_rate(B)!r})
measured, losses = checkpoints({FIRST}, 1.04), []  # every update at first, then ever fewer
following = next(measured)
for step in islice(run, {updates_of(B)} + 1):
    if step.step == following:  # over updates; step.step * {B} are the examples
        losses.append(network.loss(step.theta, whole))
        following = next(measured)
result = (np.array(losses),)
"""


class LossView(View[Clocks]):
    """The losses of the three runs over the chosen clock."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, 1), ylim=(0, 2.5), xticks=SHARES, ylabel="training loss")
        ax.tick_params(labelbottom=False, bottom=False)
        self._target = moving(ax.axhline(1, color=ACCENT, lw=2))
        (self._dots,) = ax.plot([], [], ".", color=LIGHT_BLUE, ms=2.5)
        (self._old,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._one,) = ax.plot([], [], "-.", color=EXAMPLES_COLOR, lw=1.8)
        (self._whole,) = ax.plot([], [], "--", color=ALL_COLOR, lw=2)
        (self._yours,) = ax.plot([], [], color=TRAIN, lw=2.2)
        for artist in (self._dots, self._old, self._one, self._whole, self._yours):
            moving(artist)
        self._ticks = [
            moving(ax.text(x, -0.03, "", transform=ax.transAxes, ha="center", va="top", fontsize=10))
            for x in SHARES
        ]
        self._label = moving(ax.text(0.5, -0.1, "", transform=ax.transAxes, ha="center", va="top"))
        key(
            ax,
            ("-·- one example", EXAMPLES_COLOR),
            ("— your B (dots: its batches)", TRAIN),
            ("-- all examples", ALL_COLOR),
            ("┃ target", ACCENT),
            ("— before", "#777777"),
        )

    def update(self, result: Clocks, before: Clocks | None) -> None:
        """Show the runs as far as the clock goes; the axis is in shares of its end."""
        end = result.end
        for line, run in ((self._one, result.one), (self._whole, result.whole), (self._yours, result.yours)):
            line.set_data(*_curve(result, run))
        self._old.set_data(*_curve(result, None if before is None else before.yours))
        unit, on_batches = result.unit(result.yours) / end, result.yours.on_batches
        some = np.arange(0, len(on_batches), max(1, int(1 / (400 * unit))))
        self._dots.set_data(some * unit, on_batches[some])
        self._target.set_ydata([result.target] * 2)
        shown, name = (1000 * end, "milliseconds, on this machine") if result.clock == SECONDS else (end, "")
        for tick, share in zip(self._ticks, SHARES, strict=True):
            tick.set_text(_round(share * shown))
        self._label.set_text(name or result.clock)


def _curve(result: Clocks, run: Run | None) -> tuple[FloatArray, FloatArray]:
    """Return shares of the axis, and losses."""
    if run is None:
        return np.zeros(0), np.zeros(0)
    return run.steps * result.unit(run) / result.end, run.losses


class TimeView(View[Clocks]):
    """What one update costs over the batch size, in milliseconds of this machine."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(0.85, 1250), ylim=(0.02, 20))
        ax.set(xlabel="batch size B", ylabel="one update, ms on this machine")
        ax.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1024"])
        ax.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
        ax.minorticks_off()
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._slope = moving(ax.plot([], [], color="#777777", lw=1)[0])
        power = np.array([size & (size - 1) == 0 for size in TIMED])
        self._dots = [
            (mask, moving(ax.plot([], [], marker, color="#333333", ms=5, mfc=fill)[0]))
            for mask, marker, fill in ((power, "o", "#333333"), (~power, "o", "white"))
        ]
        key(ax, ("● power of two", "#333333"), ("○ other", "#333333"), ("— B times one", "#777777"))

    def update(self, result: Clocks, before: Clocks | None) -> None:
        """Show `result.seconds`."""
        sizes, ms = np.array(TIMED), 1000 * result.seconds
        for mask, dots in self._dots:
            dots.set_data(sizes[mask], ms[mask])
        self._slope.set_data(sizes, ms[0] * sizes)
        self._cursor.set_xdata([result.batch_size] * 2)


def views(figure: Figure) -> list[View[Clocks]]:
    """Lay out the lab: the losses over the clock, and the time of one update."""
    left, right = figure.subplots(1, 2, width_ratios=[1.75, 1])
    return [LossView(left), TimeView(right)]


def clocks_lab() -> Lab:
    """Return the lab *Three clocks*."""
    return Lab(
        "Three clocks",
        controls={
            "batch_size": log_slider("Batch size B", 0, 10, 32, 0.5, base=2, fmt=",.0f"),
            "clock": choice("Clock", list(CLOCKS), UPDATES),
            "target": real_slider("Target loss", 0.1, 2, 0.3, 0.05),
        },
        compute=run_all,
        views=views,
        grabs=[Grab(0, y="target"), Grab(1, x="batch_size")],
        code=program,
        presets={
            "count examples": {"clock": EXAMPLES},
            "count seconds": {"clock": SECONDS},
            "all at once": {"batch_size": 1024},
            "one at a time": {"batch_size": 1, "clock": EXAMPLES},
        },
    )

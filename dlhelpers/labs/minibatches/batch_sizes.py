"""The lab *Both ends of the batch size*: what a target loss costs, each batch size at its best rate."""

from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from dlhelpers.labs.minibatches.common import (
    EXAMPLES_COLOR,
    NETWORK,
    SIZES,
    START,
    M,
    checkpoints,
    train,
    training_set,
)
from dlhelpers.live.controls import log_slider, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.plots.style import ACCENT, GHOST, TRAIN, View, key, moving, note
from dlhelpers.typing import FloatArray, IntArray

RATES = 2.0 ** np.arange(-5, 2.1, 0.5)
"""Every batch size tries these 15: from 1/32 to 4, each 1.41 times the one before."""
LOWEST, HIGHEST = 0.15, 0.6
LONGER = 1.3
"""Training ends when the best rate is there, and all others have had 1.3 times as many updates."""
MOST = 6000


class Curves(NamedTuple):
    """One batch size with all rates: the loss on the training set, (n, 15), at steps (n,)."""

    steps: IntArray
    losses: FloatArray

    def updates_to(self, target: float) -> FloatArray:
        """Return, for each rate, the first measured step with that loss; NaN where it was not reached."""
        there = self.losses <= target
        steps = np.where(there.any(axis=0), self.steps[there.argmax(axis=0)], np.nan)
        return np.where(steps <= LONGER * np.nanmin(steps), steps, np.nan) if there.any() else steps


class Costs(NamedTuple):
    """What each batch size needs: `updates` is (11, 15), NaN where a rate was not there in time."""

    batch_size: int
    target: float
    updates: FloatArray
    curves: Curves
    """Of the chosen batch size."""

    @property
    def at(self) -> int:
        """Row of the chosen batch size."""
        return SIZES.index(self.batch_size)

    @property
    def known(self) -> IntArray:
        """Rows of the batch sizes that have reached the target."""
        return np.flatnonzero(np.isfinite(self.updates).any(axis=1))

    @property
    def best(self) -> FloatArray:
        """Updates at the best rate, (11,); NaN where they are not known yet."""
        best = np.full(len(SIZES), np.nan)
        best[self.known] = np.nanmin(self.updates[self.known], axis=1)
        return best

    @property
    def examples(self) -> FloatArray:
        """Examples at the best rate, (11,)."""
        return self.best * np.array(SIZES)

    @property
    def best_rate(self) -> float | None:
        """The best rate of the chosen batch size; None while no rate is there."""
        return float(RATES[np.nanargmin(self.updates[self.at])]) if self.at in self.known else None

    @property
    def bend(self) -> float:
        """Fewest examples over fewest updates: where the lines of both ends meet; NaN until all are known."""
        if len(self.known) < len(SIZES):
            return np.nan
        return float(self.examples.min() / self.best.min())

    @property
    def finding(self) -> str:
        """Updates and examples at the chosen batch size."""
        if self.at not in self.known:
            return f"B = {self.batch_size:,}: on the way to a loss of {self.target:.2f}"
        return (
            f"B = {self.batch_size:,}: {_round(self.best[self.at])} updates, "
            f"{_round(self.examples[self.at])} examples to a loss of {self.target:.2f}"
        )

    @property
    def caption(self) -> str:
        """The best rate, both ends, and where they meet."""
        text = (
            "Each batch size tried 15 learning rates, from 1/32 to 4 in steps of √2, and counts at its best."
        )
        if self.best_rate is not None:
            text += f" For B = {self.batch_size:,} that is {self.best_rate:.2g}."
        if len(self.known) < len(SIZES):
            return f"{text} {len(self.known)} of {len(SIZES)} batch sizes are there so far."
        best, examples = self.best, self.examples
        return (
            f"{text} From B = 1 to {M:,}, the updates fall from {_round(best[0])} to {_round(best[-1])}, and "
            f"the examples rise from {_round(examples[0])} to {_round(examples[-1])}. Four times the "
            f"batch needs {best[0] / best[2]:.1f} times fewer updates from B = 1 to 4, and "
            f"{best[-3] / best[-1]:.1f} times fewer from 256 to 1,024. The lines of both ends meet at B = "
            f"{_round(self.bend)}."
        )


def _round(count: float) -> str:
    """Return a count with two digits."""
    return f"{float(f'{count:.2g}'):,.0f}"


@remembered(33)
def try_rates(batch_size: int, seed: int) -> Stages[Curves]:
    """Train with all rates at once, until the best is at the lowest target and the others had their time."""
    whole, measured, steps, losses = training_set(seed), checkpoints(20, 1.05), [], []
    following, first = next(measured), np.inf
    for step in train(batch_size, RATES[:, np.newaxis], seed):
        if step.step < following:
            continue
        following = next(measured)
        steps.append(step.step)
        losses.append(NETWORK.loss(step.theta, whole))
        low = np.nanmin(losses[-1])
        first = min(first, step.step if low <= LOWEST else np.inf)
        curves = Curves(np.array(steps), np.array(losses))
        if step.step >= min(LONGER * first, MOST):
            break
        if len(steps) % 10 == 0:
            yield 0.9 * min(1.0, np.log(2.4 / low) / np.log(2.4 / LOWEST)), curves
    yield 1.0, curves


def compare_sizes(batch_size: float, target: float, seed: int) -> Stages[Costs]:
    """Train with every batch size, the chosen one first, and count what the target costs."""
    chosen = min(SIZES, key=lambda size: abs(np.log2(size / batch_size)))
    curves_of = partial(try_rates, seed=seed)
    recall = partial(try_rates.recall, seed=seed)
    for share, known in each_of(SIZES, chosen, curves_of, recall):
        updates = np.full((len(SIZES), len(RATES)), np.nan)
        for size, curves in known.items():
            updates[SIZES.index(size)] = curves.updates_to(target)
        yield share, Costs(chosen, target, updates, known[chosen])


def program(batch_size: float, target: float, seed: int) -> str:
    """Return the program behind the dots of the chosen batch size."""
    chosen = min(SIZES, key=lambda size: abs(np.log2(size / batch_size)))
    return f"""
import numpy as np
from dlhelpers.datasets import one_hot
from dlhelpers.labs.digits import digit_split
from dlhelpers.labs.minibatches.common import checkpoints
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

{START.format(seed=seed)}
rates = 2.0 ** np.arange(-5, 2.1, 0.5)[:, None]  # 15 networks at once
batches = minibatches(X, Y, {chosen}, rng)
run = descend(network, np.tile(theta, (15, 1)), batches, GradientDescent(), rates)

updates, measured = np.full(15, np.nan), checkpoints(20, 1.05)
following = next(measured)
for step in run:
    if step.step < following:
        continue
    following = next(measured)
    there = network.loss(step.theta, whole) <= {target}
    updates = np.where(np.isnan(updates) & there, step.step, updates)
    if step.step > {LONGER} * np.min(updates, initial={MOST / LONGER}, where=~np.isnan(updates)):
        break
updates[updates > {LONGER} * np.nanmin(updates)] = np.nan
result = (updates,)
"""


class CostView(View[Costs]):
    """Updates and examples to the target over the batch size."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(0.85, 1250), ylim=(8, 2e5))
        ax.set(xlabel="batch size B", ylabel="needed to reach the target loss")
        ax.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1024"])
        ax.set_yticks([10, 100, 1000, 1e4, 1e5], ["10", "100", "1,000", "10,000", "100,000"])
        ax.minorticks_off()
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._bend = moving(ax.axvline(1, color="#555555", lw=1.2, ls=":"))
        self._perfect = moving(ax.plot([], [], color="#777777", lw=1)[0])
        self._old = [moving(ax.plot([], [], color=GHOST, lw=1.2)[0]) for _ in range(2)]
        self._lines = [
            moving(ax.plot([], [], style, color=color, ms=5)[0])
            for style, color in (("o-", TRAIN), ("s--", EXAMPLES_COLOR))
        ]
        self._names = [
            note(ax, 1, 1, text, color=color, ha="left", va="bottom")
            for text, color in (("updates", TRAIN), ("examples", EXAMPLES_COLOR))
        ]
        key(ax, ("┃ your B", ACCENT), ("— before", "#777777"))
        self._bend_name = note(ax, 1, 1.3e5, "both ends meet", color="#555555", va="top", fontsize=9.5)
        self._perfect_name = note(ax, 13, 1, "half the updates for twice B", color="#666666", fontsize=9)

    def update(self, result: Costs, before: Costs | None) -> None:
        """Show `result.best` and `result.examples`."""
        sizes = np.array(SIZES)
        for line, name, values, factor in zip(
            self._lines, self._names, (result.best, result.examples), (1.25, 1.25), strict=True
        ):
            line.set_data(sizes, values)
            known = np.isfinite(values)
            name.set_visible(bool(known.all()))
            if known.all():
                name.set_position((90, values[7] * factor * (1.0 if line is self._lines[0] else 1.6)))
                name.set_horizontalalignment("right" if line is self._lines[1] else "left")
        nothing = np.full(len(SIZES), np.nan)
        olds = (nothing, nothing) if before is None else (before.best, before.examples)
        for line, old in zip(self._old, olds, strict=True):
            line.set_data(sizes, old)
        first = result.best[0]
        self._perfect.set_data(sizes[:8], first / sizes[:8])
        self._perfect_name.set_visible(bool(np.isfinite(first)))
        self._perfect_name.set_y(first / 45 if np.isfinite(first) else 10)
        self._cursor.set_xdata([result.batch_size] * 2)
        self._bend.set_xdata([result.bend] * 2)
        self._bend_name.set_x(result.bend * 1.08)


class RatesView(View[Costs]):
    """The loss with each of the rates that the chosen batch size tried, the best one in blue."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(1, 2500), ylim=(0.1, 4))
        ax.set(xlabel="updates", ylabel="training loss, all 15 rates")
        ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
        ax.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
        ax.minorticks_off()
        self._target = moving(ax.axhline(1, color=ACCENT, lw=2))
        self._all = moving(LineCollection([], colors="#a9a9a9", linewidths=0.8))
        ax.add_collection(self._all, autolim=False)
        self._best = moving(ax.plot([], [], color=TRAIN, lw=2.2)[0])
        self._name = note(ax, 1.15, 0.105, color=TRAIN, va="bottom")

    def update(self, result: Costs, before: Costs | None) -> None:
        """Show `result.curves`; the first loss, at 0 updates, has no place on the axis."""
        steps, losses = result.curves.steps[1:], result.curves.losses[1:]
        self._all.set_segments([np.column_stack([steps, each]) for each in losses.T])
        rate = result.best_rate
        self._best.set_data(steps, losses[:, rate == RATES][:, 0] if rate else np.full(len(steps), np.nan))
        self._name.set_text(f"best: α = {rate:.2g}" if rate else "")
        self._target.set_ydata([result.target] * 2)


def views(figure: Figure) -> list[View[Costs]]:
    """Lay out the lab: the costs over the batch size, and the rates of the chosen one."""
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    return [CostView(left), RatesView(right)]


def batch_sizes_lab() -> Lab:
    """Return the lab *Both ends of the batch size*."""
    return Lab(
        "Both ends of the batch size",
        controls={
            "batch_size": log_slider("Batch size B", 0, 10, 32, 1, base=2, fmt=",.0f"),
            "target": real_slider("Target loss", LOWEST, HIGHEST, 0.15, 0.05),
        },
        compute=compare_sizes,
        views=views,
        grabs=[Grab(0, x="batch_size"), Grab(1, y="target")],
        code=program,
        presets={
            "one example": {"batch_size": 1},
            "all examples": {"batch_size": 1024},
            "an easy target": {"target": 0.6},
        },
    )

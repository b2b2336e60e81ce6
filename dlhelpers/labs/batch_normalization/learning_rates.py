"""The lab *Which learning rates work?*: with and without batch norm, over all rates and first weights."""

from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from dlhelpers.labs.batch_normalization.common import (
    NORMALIZED,
    PLAIN,
    PREPARE,
    WITH,
    WITHOUT,
)
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.live.controls import log_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, View, key, moving
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

RATES = 2.0 ** np.arange(-8, 4.1)
"""Both sides try these 13 rates: from 1/256 to 16."""
SCALES = tuple(float(scale) for scale in 2.0 ** np.arange(-3, 3.1))
SEEDS, STEPS, BATCH_SIZE = 3, 100, 64
LOW, HIGH = 0.005, 20.0
GOOD = 0.5
"""A rate works if the loss ends below this number."""


class Ends(NamedTuple):
    """The training loss after 100 steps, (3 seeds, 13 rates) without and with; infinite after divergence."""

    plain: FloatArray
    normalized: FloatArray


class OverRates(NamedTuple):
    """The losses at one scale of the first weights, and those of all scales that are known."""

    scale: float
    rate: float
    ends: dict[float, Ends]

    @property
    def here(self) -> Ends | None:
        """The losses at the chosen scale, if they are known."""
        return self.ends.get(self.scale)

    @property
    def finding(self) -> str:
        """The losses at the chosen rate."""
        if self.here is None:
            return f"First weights × {self.scale:g}: in training"
        at = int(np.abs(np.log(RATES / self.rate)).argmin())
        with_it, without = (_loss(median(each)[at]) for each in (self.here.normalized, self.here.plain))
        return f"α = {_rate(self.rate)}: loss {with_it} with batch norm, {without} without"

    @property
    def caption(self) -> str:
        """The range of rates that work, and the loss at the best rate."""
        if self.here is None:
            return "The networks are in training."
        text = f"The weights of the hidden layers begin with He's times {self.scale:g}. "
        text += f"A rate works if the loss ends below {GOOD}. "
        for name, losses in (("With batch norm", self.here.normalized), ("Without", self.here.plain)):
            working = _working(losses)
            rates = f"from {_rate(working[0])} to {_rate(working[-1])}" if len(working) else "none"
            text += f"{name}: {len(working)} of {len(RATES)} rates, {rates}; "
            text += f"loss {_loss(best(losses))} at the best. "
        if len(self.ends) < len(SCALES):
            return f"{text}{len(self.ends)} of {len(SCALES)} sizes of the first weights are known."
        worst = [
            max(best(getattr(each, name)) for each in self.ends.values()) for name in ("normalized", "plain")
        ]
        return (
            f"{text}Over all first weights, each at its best rate, the loss is at most {_loss(worst[0])} "
            f"with batch norm and {_loss(worst[1])} without. Losses are medians of {SEEDS} seeds."
        )


def median(losses: FloatArray) -> FloatArray:
    """Return the median over the seeds, (13,)."""
    return np.asarray(np.median(losses, axis=0))


def best(losses: FloatArray) -> float:
    """Return the lowest median of all rates."""
    return float(median(losses).min())


def _working(losses: FloatArray) -> FloatArray:
    return RATES[median(losses) < GOOD]


def _rate(value: float) -> str:
    return f"{value:g}" if value >= 1 else f"1/{1 / value:g}"


def _loss(value: float) -> str:
    return f"{value:.1g}" if value < 1 else f"{value:.1f}" if value < 100 else "diverged"


def train(network: Network, scale: float, seed: int) -> FloatArray:
    """Train a network for each rate, the hidden layers from He's times `scale`; return the losses, (13,)."""
    batch = normalized_digits(seed).train
    rng = np.random.default_rng(seed)
    theta = network.initialize(rng)
    for name, weights in network.layout.views(theta).items():
        if name in ("W1", "W2"):
            weights *= scale
    run = descend(
        network,
        np.tile(theta, (len(RATES), 1)),
        minibatches(batch.X, batch.Y, BATCH_SIZE, rng),
        GradientDescent(),
        RATES[:, np.newaxis],
    )
    for step in islice(run, STEPS + 1):
        end = step
    losses = np.full(len(RATES), np.inf)
    if end.step == STEPS:  # the run ends early when all have diverged
        losses = np.where(end.diverged, np.inf, network.loss(end.theta, batch))
    return np.nan_to_num(losses, nan=np.inf, posinf=np.inf)


@remembered(3 * len(SCALES))
def train_both(scale: float, seed: int) -> Stages[Ends]:
    """Train both sides, seed after seed; what is not there yet is absent."""
    rows: dict[str, list[FloatArray]] = {"plain": [], "normalized": []}
    for k in range(SEEDS):
        for name, network in (("plain", PLAIN), ("normalized", NORMALIZED)):
            rows[name].append(train(network, scale, seed + k))
        yield (k + 1) / SEEDS, Ends(np.array(rows["plain"]), np.array(rows["normalized"]))


def over_rates(scale: float, rate: float, seed: int) -> Stages[OverRates]:
    """Train with the chosen size of the first weights, then with all others."""
    scale = min(SCALES, key=lambda each: abs(np.log(each / scale)))
    recall = partial(train_both.recall, seed=seed)
    for share, known in each_of(SCALES, scale, partial(train_both, seed=seed), recall):
        complete = {each: ends for each, ends in known.items() if len(ends.plain) == SEEDS}
        yield share, OverRates(scale, rate, complete)


def program(scale: float, rate: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import islice
{PREPARE.format(seed=seed)}
from dlhelpers.minibatches import minibatches
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

rates, result = 2.0 ** np.arange(-8, 4.1)[:, None], []  # one network for each learning rate
for batch_norm in (None, BatchNormalization()):
    network = Network((64, 32, 32, 10), "relu", "softmax_cross_entropy", batch_norm=batch_norm)
    rng = np.random.default_rng({seed})  # the first of {SEEDS} seeds
    theta = network.initialize(rng)
    for name, weights in network.layout.views(theta).items():
        weights *= {scale!r} if name in ("W1", "W2") else 1
    batches = minibatches(train.X, train.Y, {BATCH_SIZE}, rng)
    run = descend(network, np.tile(theta, (13, 1)), batches, GradientDescent(), rates)
    for step in islice(run, {STEPS} + 1):
        end = step
    result.append(np.where(end.diverged, np.inf, network.loss(end.theta, train)))
"""


class RatesView(View[OverRates]):
    """The loss at the end over the learning rate, with a band for the seeds."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(RATES[0] / 1.3, RATES[-1] * 1.3), ylim=(LOW, HIGH))
        ax.set(xlabel="learning rate α", ylabel=f"training loss after {STEPS} steps")
        ticks = [1 / 256, 1 / 64, 1 / 16, 1 / 4, 1, 4, 16]
        ax.set_xticks(ticks, [_rate(tick) for tick in ticks])
        ax.set_yticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
        ax.minorticks_off()
        moving(ax.axhline(np.log(10), color="#777777", lw=1, ls=":"))
        ax.text(RATES[0], np.log(10) * 1.1, "guessing", color="#666666", fontsize=9.5, va="bottom")
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._parts = []
        for name, style, color in (("plain", "o--", WITHOUT), ("normalized", "s-", WITH)):
            band = moving(PolyCollection([], facecolor=color, alpha=0.25, edgecolor="none"))
            ax.add_collection(band, autolim=False)
            old = moving(ax.plot([], [], style[1:], color=GHOST, lw=1.2)[0])
            line = moving(ax.plot([], [], style, color=color, lw=2, ms=5)[0])
            self._parts.append((name, band, old, line))
        key(
            ax,
            ("■— with batch norm", WITH),
            ("●-- without", WITHOUT),
            ("■ all seeds", "#777777"),
            ("┃ α", ACCENT),
            ("— before", "#777777"),
        )

    def update(self, result: OverRates, before: OverRates | None) -> None:
        """Show the losses at the chosen scale; what lies outside of the frame stands at its edge."""
        old_ends = None if before is None or before.scale == result.scale else before.here
        for name, band, old, line in self._parts:
            losses = np.empty((1, 0)) if result.here is None else self._held(getattr(result.here, name))
            rates = RATES[: losses.shape[1]]
            low, high = losses.min(axis=0), losses.max(axis=0)
            band.set_verts([np.column_stack([np.r_[rates, rates[::-1]], np.r_[low, high[::-1]]])])
            line.set_data(rates, np.median(losses, axis=0))
            past = np.empty((1, 0)) if old_ends is None else self._held(getattr(old_ends, name))
            old.set_data(RATES[: past.shape[1]], np.median(past, axis=0))
        self._cursor.set_xdata([result.rate] * 2)

    def _held(self, losses: FloatArray) -> FloatArray:
        return np.clip(losses, LOW, HIGH)


class ScalesView(View[OverRates]):
    """The loss at the best of all rates over the size of the first weights."""

    def __init__(self, ax: Axes) -> None:
        ax.set_xscale("log", base=2)
        ax.set(yscale="log", xlim=(SCALES[0] / 1.2, SCALES[-1] * 1.2), ylim=(LOW, HIGH))
        ax.set(xlabel="hidden weights begin with: He times", ylabel="loss, each at its best rate")
        ax.set_xticks(SCALES, [_rate(scale) for scale in SCALES])
        ax.set_yticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
        ax.minorticks_off()
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._lines = [
            (name, moving(ax.plot([], [], style, color=color, lw=2, ms=5)[0]))
            for name, style, color in (("plain", "o--", WITHOUT), ("normalized", "s-", WITH))
        ]

    def update(self, result: OverRates, before: OverRates | None) -> None:
        """Show the loss for each known scale."""
        for name, line in self._lines:
            losses = [best(getattr(result.ends[scale], name)) for scale in sorted(result.ends)]
            line.set_data(sorted(result.ends), np.clip(losses, LOW, HIGH))
        self._cursor.set_xdata([result.scale] * 2)


def rates_views(figure: Figure) -> list[View[OverRates]]:
    """Lay out the lab: over the rate, and over the size of the first weights."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [RatesView(left), ScalesView(right)]


def learning_rates_lab() -> Lab:
    """Return the lab *Which learning rates work?*."""
    return Lab(
        "Which learning rates work?",
        controls={
            "scale": log_slider("Weights, He times", -3, 3, 1, 1, base=2, fmt=".3g"),
            "rate": log_slider("Learning rate α", -8, 4, 0.25, 1, base=2, fmt=".3g"),
        },
        compute=over_rates,
        views=rates_views,
        grabs=[Grab(0, x="rate"), Grab(1, x="scale")],
        code=program,
        presets={
            "too small": {"scale": 0.125},
            "He": {"scale": 1.0},
            "too large": {"scale": 8.0},
        },
        size=(9.6, 3.9),
    )

"""The lab *Is L2 the same as weight decay?*: the penalty in the loss beside a decay of the weights."""

from collections.abc import Iterator, Mapping
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.datasets import moons
from dlhelpers.labs.regularization.common import L2_COLOR, LOST, strength_in_words
from dlhelpers.live.controls import choice, log_slider
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, Optimizer, RMSprop
from dlhelpers.plots.style import GHOST, LIGHT_GREY, PLUM, View, key, moving
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

DECAY_COLOR = "#5e3c99"
"""Violet, drawn dashed: decoupled weight decay; L2 in the loss is ochre and solid."""
COMPARED_OPTIMIZERS: Mapping[str, Optimizer] = {
    "GD": GradientDescent(),
    "momentum": Momentum(),
    "RMSprop": RMSprop(),
    "Adam": Adam(),
}
DECAY_STEPS, DECAY_PIECE, DECAY_M = 400, 50, 60
DECAY_NETWORK = Network((2, 8, 1), loss_name="sigmoid_cross_entropy")
ROUNDING = 1e-12
"""Differences below this are rounding, added up over the steps."""


class TwoRuns(NamedTuple):
    """L2 in the loss, first, and decay of the weights, second, for the n steps so far.

    Attributes
    ----------
    norms : (n, 2) float array
        Length of all weights in each step; NaN from where it passed `LOST`.
    difference : (n,) float array
        The largest difference of a weight between the two.
    weights : (2, n_weights) float array
        After the last step.
    loss : (2,) float array
        The cost without penalty on the training set.
    """

    norms: FloatArray
    difference: FloatArray
    weights: FloatArray
    loss: FloatArray


class Compared(NamedTuple):
    """What the lab shows."""

    optimizer: str
    strength: float
    rate: float
    factor: float
    runs: TwoRuns

    @property
    def finding(self) -> str:
        """How far the weights of the two runs lie apart."""
        name = {"GD": "Gradient descent", "momentum": "Momentum"}.get(self.optimizer, self.optimizer)
        if np.isnan(self.runs.norms).any():
            return f"{name}: {_lost_in_words(self.runs.norms)}"
        largest = float(self.runs.difference.max())
        if largest < ROUNDING:
            return f"{name}: both give the same weights; differences stay below 1e-12"
        return f"{name}: single weights differ by up to {largest:.1g}"

    @property
    def caption(self) -> str:
        """What the two runs are, and what is equal."""
        delta = self.factor * self.strength / DECAY_M
        times = "" if self.factor == 1 else f"{self.factor:.2g} times "
        text = (
            f"λ = {strength_in_words(self.strength)} in the loss, or decay δ = {times}λ/m = "
            f"{strength_in_words(delta)}, from the same weights; α = {self.rate:.2g}. "
        )
        if np.isnan(self.runs.norms).any():
            return text + "A run diverges when a step overshoots; for decay alone, when α δ is above 2."
        (l2, decay), last = self.runs.norms[-1], float(self.runs.difference[-1])
        steps = len(self.runs.norms) - 1
        text += (
            f"After {steps} steps the length of all weights is {l2:.1f} with L2 and {decay:.1f} with "
            f"decay, the train loss {self.runs.loss[0]:.2f} and {self.runs.loss[1]:.2f}. "
        )
        largest = float(self.runs.difference.max())
        if largest < ROUNDING:
            return text + "The dots lie on the diagonal: the two are one method."
        end = "at the end" if steps == DECAY_STEPS else "now"
        return text + f"The largest difference of a weight is {largest:.1g} on the way and {last:.1g} {end}."


def _lost_in_words(norms: FloatArray) -> str:
    lost = np.isnan(norms)
    steps = {
        name: int(gone.argmax()) for name, gone in zip(("L2", "decay"), lost.T, strict=True) if gone.any()
    }
    return " and ".join(f"{name} diverges (out of the frame at step {at})" for name, at in steps.items())


@remembered(32)
def two_runs(optimizer: str, strength: float, rate: float, factor: float, seed: int) -> Stages[TwoRuns]:
    """Train both from the same weights on the same data: a population of two; yield the runs so far."""
    rng = np.random.default_rng(seed)
    X, y = moons(DECAY_M, noise=0.4, rng=rng)
    train = Batch(X, 1.0 * y[:, None])
    theta = np.tile(DECAY_NETWORK.initialize(rng), (2, 1))
    in_loss, decay = np.array([[strength], [0.0]]), np.array([[0.0], [factor * strength / DECAY_M]])
    objective, chosen = Regularized(DECAY_NETWORK, DECAY_M, l2=in_loss), COMPARED_OPTIMIZERS[optimizer]
    run = descend(objective, theta, repeat(train), chosen, rate, weight_decay=decay)
    thetas: list[FloatArray] = []
    while len(thetas) <= DECAY_STEPS:
        piece = [step.theta for step in islice(run, DECAY_PIECE)]
        thetas += piece[: DECAY_STEPS + 1 - len(thetas)] or [run.theta]
        yield len(thetas) / (DECAY_STEPS + 1), _measure(np.stack(thetas), train)


@np.errstate(all="ignore")
def _measure(thetas: FloatArray, train: Batch) -> TwoRuns:
    """Measure all steps (n, 2, P)."""
    weights = thetas[..., DECAY_NETWORK.layout.is_weight]
    norms = np.sqrt((weights**2).sum(axis=-1))
    norms = np.where(norms < LOST, norms, np.nan)
    difference = np.abs(weights[:, 0] - weights[:, 1]).max(axis=-1)
    return TwoRuns(norms, difference, weights[-1], DECAY_NETWORK.loss(thetas[-1], train))


def compare(
    optimizer: str, strength: float, rate: float, factor: float, seed: int
) -> Iterator[tuple[float, Compared]]:
    """Compare the two runs."""
    for share, runs in two_runs(optimizer, strength, rate, factor, seed):
        yield share, Compared(optimizer, strength, rate, factor, runs)


def program(optimizer: str, strength: float, rate: float, factor: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import islice, repeat
import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, RMSprop
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend

m, strength, rng = {DECAY_M}, {strength}, np.random.default_rng({seed})
X, y = moons(m, noise=0.4, rng=rng)
network = Network((2, 8, 1), loss_name="sigmoid_cross_entropy")
theta = np.tile(network.initialize(rng), (2, 1))  # two networks with the same weights
l2 = np.array([[strength], [0.0]])  # the first has the penalty in its loss,
decay = np.array([[0.0], [{factor} * strength / m]])  # the second a decay of its weights
batches = repeat(Batch(X, 1.0 * y[:, None]))
objective, optimizer = Regularized(network, m, l2=l2), {COMPARED_OPTIMIZERS[optimizer]!r}
run = descend(objective, theta, batches, optimizer, {rate}, weight_decay=decay)
thetas = np.stack([step.theta for step in islice(run, {DECAY_STEPS} + 1)])
weights = thetas[..., network.layout.is_weight]
with np.errstate(all="ignore"):  # in case a run diverges
    result = [np.abs(weights[:, 0] - weights[:, 1]).max(axis=1), *weights[-1]]
"""


class NormOverStepsView(View[Compared]):
    """The length of all weights over the steps: with L2 in the loss, and with decay.

    A triangle marks where a curve that leaves the frame does so.
    """

    def __init__(self, ax: Axes) -> None:
        ax.set(
            yscale="log",
            xlim=(0, DECAY_STEPS),
            ylim=(0.03, 100),
            xlabel="step",
            ylabel="length of all weights",
        )
        self._old = [moving(ax.plot([], [], style, color=GHOST, lw=1.3)[0]) for style in ("-", "--")]
        self._new = [
            moving(ax.plot([], [], style, color=color, lw=lw)[0])
            for style, color, lw in (("-", L2_COLOR, 3), ("--", DECAY_COLOR, 2))
        ]
        (self._off,) = ax.plot([], [], "^", color="#222222", ms=8)
        moving(self._off)
        key(ax, ("— L2 in the loss", L2_COLOR), ("-- decay", DECAY_COLOR), ("— before", "#777777"))

    def update(self, result: Compared, before: Compared | None) -> None:
        """Show `result.runs.norms`, (n, 2)."""
        nothing = np.empty((0, 2))
        for lines, norms in (
            (self._new, result.runs.norms),
            (self._old, nothing if before is None else before.runs.norms),
        ):
            for line, each in zip(lines, norms.T, strict=True):
                line.set_data(np.arange(len(each)), np.maximum(each, 1e-9))
        lost = np.isnan(result.runs.norms)
        steps = lost.argmax(axis=0)[lost.any(axis=0)]
        self._off.set_data(steps, np.full(len(steps), 65))


class WeightPairsView(View[Compared]):
    """Each weight at the end as a dot: right what it is with L2 in the loss, up what it is with decay.

    Both axes are linear to 1 and logarithmic from there: most runs end with small weights, some do not.
    """

    def __init__(self, ax: Axes, limit: float = 5.0) -> None:
        ax.set_xscale("symlog", linthresh=1.0)
        ax.set_yscale("symlog", linthresh=1.0)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        ax.set(xlabel="weight with L2 in the loss", ylabel="the same weight with decay")
        ax.set_xticks((-4, -1, 0, 1, 4), ("-4", "-1", "0", "1", "4"))
        ax.set_yticks((-4, -1, 0, 1, 4), ("-4", "-1", "0", "1", "4"))
        self._limit = limit
        moving(ax.plot([-limit, limit], [-limit, limit], color="#222222", lw=1)[0])
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=5, mec="white", mew=0.5)
        (self._new,) = ax.plot([], [], "D", color=DECAY_COLOR, ms=6, mec="white", mew=0.7)
        moving(self._old)
        moving(self._new)
        key(ax, ("◆ a weight", DECAY_COLOR), ("— equal", "#222222"), ("● before", "#777777"))

    def update(self, result: Compared, before: Compared | None) -> None:
        """Show `result.runs.weights`, (2, n); what is outside is put on the frame."""
        for dots, shown in ((self._new, result), (self._old, before)):
            weights = np.empty((2, 0)) if shown is None else shown.runs.weights
            dots.set_data(*np.clip(weights, -0.98 * self._limit, 0.98 * self._limit))


class DifferenceView(View[Compared]):
    """The largest difference of a weight between the two runs, over the steps."""

    LOWEST = 1e-17

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0, DECAY_STEPS), ylim=(self.LOWEST / 3, 30), xlabel="step")
        ax.set_ylabel("largest difference of a weight")
        ticks = [10.0**power for power in range(-17, 2, 3)]
        ax.set_yticks(ticks, ["0", *(f"$10^{{{power}}}$" for power in range(-14, 2, 3))])
        ax.minorticks_off()
        ax.axhspan(self.LOWEST / 3, ROUNDING, color=LIGHT_GREY, alpha=0.6, lw=0)
        (self._old,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._new,) = ax.plot([], [], color=PLUM)
        moving(self._old)
        moving(self._new)
        key(ax, ("— difference", PLUM), ("■ rounding", "#777777"), ("— before", "#777777"))

    def update(self, result: Compared, before: Compared | None) -> None:
        """Show `result.runs.difference`, (n,); 0 lies at the bottom of the axis."""
        for line, shown in ((self._new, result), (self._old, before)):
            difference = np.empty(0) if shown is None else shown.runs.difference
            line.set_data(np.arange(len(difference)), np.maximum(difference, self.LOWEST))


def views(figure: Figure) -> list[View[Compared]]:
    """Lay out the lab: the norms, each weight in both runs, and the largest difference."""
    left, middle, right = figure.subplots(1, 3)
    return [NormOverStepsView(left), WeightPairsView(middle), DifferenceView(right)]


def decay_lab() -> Lab:
    """Return the lab *Is L2 the same as weight decay?*."""
    return Lab(
        "Is L2 the same as weight decay?",
        controls={
            "optimizer": choice("Optimizer", list(COMPARED_OPTIMIZERS), "GD"),
            "strength": log_slider("Strength λ", -2, 2, 3, 0.1),
            "rate": log_slider("Learning rate α", -3, 0, 0.3, 0.1),
            "factor": log_slider("Decay δ, in units of λ/m", -3, 6, 1, 0.25, base=2),
        },
        compute=compare,
        views=views,
        code=program,
        presets={
            "gradient descent": {},
            "momentum": {"optimizer": "momentum"},
            "Adam": {"optimizer": "Adam", "rate": 0.03},
            "Adam, more decay": {"optimizer": "Adam", "rate": 0.03, "factor": 2**5},
        },
        size=(9.6, 3.8),
    )

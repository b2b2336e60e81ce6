"""The lab *Seven ways to begin*: each start at its best learning rate, out of nine."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, ClassVar, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.digits import normalized_digits
from dlhelpers.labs.initialization.common import (
    ACTIVATIONS,
    HE,
    LARGE,
    LECUN,
    MOST_HIDDEN,
    PROBE,
    SMALL,
    STARTS,
    UNITS,
    ZEROS,
    in_a_program,
    short,
)
from dlhelpers.live.controls import choice, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.labels import EndLabels
from dlhelpers.plots.style import ACCENT, GHOST, TRAIN, View, key, moving, note
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

RATES = np.array([0.062, 0.088, 0.12, 0.18, 0.25, 0.35, 0.5, 0.71, 1.0])
"""Every start tries these nine, each about 1.4 times the one before."""
OWN_BEST = "best of each"
RATE_NAMES = tuple(f"{rate:g}" for rate in RATES)
SHORT, LONG, EVERY, MEAN, BATCH_SIZE = 100, 300, 10, 20, 64
"""Steps of a short and of a long training; a loss is measured every 10 steps, and is a mean over 20."""
GUESSING = float(np.log(10))
DIVERGED = 10.0
"""A loss that is called so from here on."""
OTHERS = "#5f7f95"


class Trained(NamedTuple):
    """One start at all rates: `losses` (points so far, 9) on 256 training examples, infinite if diverged.

    `alike` says of each rate whether two units of a layer still have the same weights at the end; None
    before the end.
    """

    losses: FloatArray
    length: int
    alike: FloatArray | None = None

    def smooth(self, steps: int) -> FloatArray:
        """Return the loss at this step or the last one so far, a mean over the 20 steps before it; (9,)."""
        end = min(steps // EVERY, len(self.losses) - 1) + 1
        return np.asarray(self.losses[max(0, end - 1 - MEAN // EVERY) : end].mean(axis=0))


class Race(NamedTuple):
    """All starts that are trained so far, and where the reader looks."""

    name: str
    steps: int
    rate: str
    trained: dict[str, Trained]

    @property
    def done(self) -> tuple[str, ...]:
        """The starts whose training has come to the step that is looked at."""
        return tuple(name for name, each in self.trained.items() if each.alike is not None)

    def column(self, name: str) -> int:
        """Return which rate is shown for a start: the reader's, or the one that is best at that step."""
        if self.rate != OWN_BEST:
            return RATE_NAMES.index(self.rate)
        return int(np.argmin(self.trained[name].smooth(self.steps)))

    def loss(self, name: str) -> float:
        """Return the loss of a start at that step and rate."""
        return float(self.trained[name].smooth(self.steps)[self.column(name)])

    @property
    def finding(self) -> str:
        """The loss of the chosen start, and of the best."""
        if self.name not in self.done:
            step = EVERY * (len(self.trained[self.name].losses) - 1)
            return f"{short(self.name)}: in training, {step} of {self.trained[self.name].length} steps"
        here = f"{short(self.name)}: {_outcome(self.loss(self.name))} after {self.steps} steps"
        if len(self.done) < len(STARTS):
            return f"{here}, {len(self.done)} of {len(STARTS)} starts so far"
        best = min(self.done, key=self.loss)
        if best == self.name:
            return f"{here}, the lowest"
        if self.loss(best) > DIVERGED:
            return f"{here}, as all starts"
        if in_words(self.loss(best)) == in_words(self.loss(self.name)):
            return f"{here}; {short(best)} is a little lower"
        return f"{here}; the lowest is {short(best)}, {_outcome(self.loss(best))}"

    @property
    def caption(self) -> str:
        """Which rates were tried, and what each start reaches."""
        text = "Each start tried nine learning rates from 0.062 to 1"
        which = "counts at its best" if self.rate == OWN_BEST else f"is shown at {self.rate}"
        text += f" and {which}. Guessing has the loss {GUESSING:.2f}."
        if self.done:
            each = (f"{short(name)} {in_words(self.loss(name))}" for name in self.done)
            text += f" Training loss, the mean of the last {MEAN} steps: {', '.join(each)}."
        if self.name in self.done and self.loss(self.name) < 0.9 * GUESSING:
            text += f" The rate of your start is {RATES[self.column(self.name)]:.2g}."
        alike = self.trained[self.name].alike
        if alike is not None and alike.all():
            text += " All units of a layer still have the same weights, at every rate."
        return text


def in_words(value: float) -> str:
    """Return a loss in words that rounding cannot change."""
    if value > DIVERGED:
        return "diverged"
    return f"{value:.1f}" if value > 0.95 else f"{value:.1g}" if value > 0.0095 else "below 0.01"


def _outcome(value: float) -> str:
    return "diverged" if value > DIVERGED else f"loss {in_words(value)}"


@remembered(6 * len(STARTS))
def train(name: str, activation: str, hidden: int, length: int, seed: int) -> Stages[Trained]:
    """Train one network for each learning rate, all from the same weights and on the same batches."""
    network = Network((64, *[UNITS] * hidden, 10), activation, "softmax_cross_entropy")
    X, Y, *_ = normalized_digits(seed).train  # float64: training amplifies rounding
    theta = network.initialize(np.random.default_rng(seed), initializer=STARTS[name])
    probe, thetas = Batch(X[:PROBE], Y[:PROBE]), np.tile(theta, (len(RATES), 1))
    batches = minibatches(X, Y, BATCH_SIZE, np.random.default_rng(seed))
    losses: list[FloatArray] = []
    for step in islice(descend(network, thetas, batches, GradientDescent(), RATES[:, None]), length + 1):
        thetas = step.theta
        if step.step % EVERY == 0:
            loss = network.loss(thetas, probe)
            losses.append(np.where(np.isfinite(loss), loss, np.inf))
            yield 0.99 * step.step / length, Trained(np.array(losses), length)
    # The run ends early when all of the networks have diverged.
    losses += [np.full(len(RATES), np.inf)] * (length // EVERY + 1 - len(losses))
    yield 1.0, Trained(np.array(losses), length, _alike(network, thetas))


def _alike(network: Network, thetas: FloatArray) -> FloatArray:
    """Return, for each network, whether the units of every hidden layer have the same weights."""
    views = network.layout.views(thetas)
    with np.errstate(all="ignore"):
        spread = [
            np.ptp(views[f"W{layer}"], axis=-2).max(axis=-1) for layer in range(1, len(network.sizes) - 1)
        ]
    return np.asarray(np.max(spread, axis=0) == 0)


def race(name: str, steps: int, rate: str, activation: str, hidden: int, seed: int) -> Stages[Race]:
    """Train from the chosen start, then from all others, as long as is asked for."""
    length = SHORT if steps <= SHORT else LONG
    setting = (activation, hidden, length, seed)
    each_start = each_of(
        STARTS, name, lambda start: train(start, *setting), lambda start: train.recall(start, *setting)
    )
    for share, found in each_start:
        yield share, Race(name, steps, rate, {each: found[each] for each in STARTS if each in found})


def program(name: str, steps: int, rate: str, activation: str, hidden: int, seed: int) -> str:
    """Return the program behind the curve of the chosen start."""
    length = SHORT if steps <= SHORT else LONG
    return f"""
from functools import partial
from itertools import islice
import numpy as np
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.initialization import normal
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.normalization import fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

X, y, *_ = digits()
data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng({seed}))
X = fit(data.X_train).apply(data.X_train)
Y = one_hot(data.y_train, 10)
network = Network({(64, *[UNITS] * hidden, 10)}, {activation!r}, "softmax_cross_entropy")
theta = network.initialize(np.random.default_rng({seed}), initializer={in_a_program(name)})
rates = np.array({RATES.tolist()})[:, None]  # one network for each
batches = minibatches(X, Y, {BATCH_SIZE}, np.random.default_rng({seed}))
run = descend(network, np.tile(theta, (9, 1)), batches, GradientDescent(), rates)
losses = np.full(({length // EVERY + 1}, 9), np.inf)
for step in islice(run, {length} + 1):
    if step.step % {EVERY} == 0:
        loss = network.loss(step.theta, Batch(X[:{PROBE}], Y[:{PROBE}]))
        losses[step.step // {EVERY}] = np.where(np.isfinite(loss), loss, np.inf)
result = (losses,)
"""


class LossCurvesView(View[Race]):
    """The training loss over the steps: the chosen start in blue, the others thin, each with its name."""

    LOW: ClassVar[float] = 5e-4
    HIGH: ClassVar[float] = 10.0

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(10, 1.06 * LONG), ylim=(self.LOW, self.HIGH))
        ax.set(xlabel="step", ylabel="training loss, each start at its rate")
        ax.set_xticks([10, 20, 50, 100, 200], ["10", "20", "50", "100", "200"])
        ax.minorticks_off()
        _loss_axis(ax)
        ax.text(10.3, 1.05 * GUESSING, "guessing", fontsize=9, color="#555555", va="bottom")
        self._steps = np.arange(0, LONG + 1, EVERY)
        self._cursor = moving(ax.axvline(SHORT, color=ACCENT, lw=2))
        self._old = moving(ax.plot([], [], "-", color=GHOST, lw=2)[0])
        self._others = [moving(ax.plot([], [], "-", color=OTHERS, lw=0.9)[0]) for _ in STARTS]
        self._chosen = moving(ax.plot([], [], "-", color=TRAIN, lw=2.8)[0])
        self._names = EndLabels(ax, [(short(name), OTHERS) for name in STARTS], gap=0.06)
        key(ax, ("━ your start", TRAIN), ("— before", "#777777"))
        self._longer = note(ax, 1.1 * SHORT, 8e-4, "drag: train longer", color=ACCENT, va="center")
        self._outside = note(ax, 11, 6, "↑ diverged", color=TRAIN, fontweight="bold", va="center")

    def update(self, result: Race, before: Race | None) -> None:
        """Show the column of the losses of each start that belongs to its rate."""
        ends, length = [], result.trained[result.name].length
        for line, text, name in zip(self._others, self._names.texts, STARTS, strict=True):
            trained = result.trained.get(name)
            curve = np.full(1, np.nan)
            if trained is not None:
                curve = _held(trained.losses[:, result.column(name)])
            line.set_data(self._steps[: len(curve)], curve)
            chosen = name == result.name
            text.set_color(TRAIN if chosen else OTHERS)
            text.set_fontweight("bold" if chosen else "normal")
            if chosen:
                self._chosen.set_data(self._steps[: len(curve)], curve)
            ends.append(float(np.mean(curve[-1 - MEAN // EVERY :])) if name in result.done else np.nan)
        self._names.place(ends, at=SHORT if length == SHORT else None)
        past = np.full(1, np.nan)
        if before is not None:
            past = _held(before.trained[before.name].losses[:, before.column(before.name)])
        past = past[: length // EVERY + 1]  # behind the end stand the names
        self._old.set_data(self._steps[: len(past)], past)
        self._cursor.set_xdata([result.steps] * 2)
        losses = result.trained[result.name].losses[:, result.column(result.name)]
        self._outside.set_visible(bool(np.all(losses > self.HIGH)))
        self._longer.set_visible(length == SHORT)


class OverRateView(View[Race]):
    """The loss at the step of the cursor, over the learning rate."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(RATES[0] / 1.25, RATES[-1] * 1.25))
        ax.set(ylim=(LossCurvesView.LOW, LossCurvesView.HIGH), xlabel="learning rate")
        ax.set_ylabel("loss at your step")
        ax.set_xticks([0.05, 0.1, 0.2, 0.5, 1], ["0.05", "0.1", "0.2", "0.5", "1"])
        _loss_axis(ax)
        ax.minorticks_off()
        self._old = moving(ax.plot([], [], "-", color=GHOST, lw=2)[0])
        self._others = [moving(ax.plot([], [], "-", color=OTHERS, lw=0.9)[0]) for _ in STARTS]
        self._chosen = moving(ax.plot([], [], "o-", color=TRAIN, lw=2, ms=4.5)[0])
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._here = moving(ax.plot([], [], "D", color=ACCENT, ms=9, mec="white")[0])
        key(ax, ("●— your start", TRAIN), ("— others", OTHERS), ("◆ its rate", ACCENT))

    def update(self, result: Race, before: Race | None) -> None:
        """Show the losses of each start, (9,), as far as its training has come."""
        for line, name in zip(self._others, STARTS, strict=True):
            known = name in result.done
            line.set_data(
                RATES if known else [], _held(result.trained[name].smooth(result.steps)) if known else []
            )
        here, at = _held(result.trained[result.name].smooth(result.steps)), result.column(result.name)
        self._chosen.set_data(RATES, here)
        self._here.set_data(RATES[[at]], here[[at]])
        self._cursor.set_xdata([RATES[at]] * 2)
        past = np.full(len(RATES), np.nan)
        if before is not None:
            past = _held(before.trained[before.name].smooth(before.steps))
        self._old.set_data(RATES, past)


def _loss_axis(ax: Axes) -> None:
    """Mark the loss of guessing, and name the ticks."""
    moving(ax.axhline(GUESSING, color="#777777", lw=1, ls="-."))
    ax.set_yticks([0.001, 0.01, 0.1, 1, 10], ["0.001", "0.01", "0.1", "1", "10"])


def _held(losses: FloatArray) -> FloatArray:
    """Return losses that a log axis can draw; what has diverged lies above the frame."""
    return np.clip(losses, 1e-5, 1e4)


def views(figure: Figure) -> Sequence[View[Any]]:
    """Lay out the lab: the losses over the steps, and over the learning rate."""
    figure.set_layout_engine("constrained", wspace=0.19)  # names stand between the panels
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    return [LossCurvesView(left), OverRateView(right)]


def _nearest_rate(rate: float) -> str:
    """Return the name of the rate that lies nearest on the axis."""
    return RATE_NAMES[int(np.argmin(np.abs(np.log(RATES / max(rate, 1e-6)))))]


def starts_lab() -> Lab:
    """Return the lab *Seven ways to begin*."""
    return Lab(
        "Seven ways to begin",
        controls={
            "name": choice("First weights", list(STARTS), LECUN),
            "steps": slider("Steps of training", 20, LONG, SHORT, 20),
            "rate": choice("Learning rate", [OWN_BEST, *RATE_NAMES], OWN_BEST),
            "activation": choice("Activation", list(ACTIVATIONS), "relu"),
            "hidden": slider("Hidden layers", 1, MOST_HIDDEN, 8),
        },
        compute=race,
        views=views,
        grabs=[Grab(0, x="steps"), Grab(1, x="rate", from_x=_nearest_rate)],
        code=program,
        presets={
            "zeros": {"name": ZEROS},
            "small, 0.01": {"name": SMALL},
            "large, 1": {"name": LARGE},
            "He": {"name": HE},
            "three times as long": {"steps": LONG},
            "tanh": {"activation": "tanh"},
        },
    )

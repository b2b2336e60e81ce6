"""The lab *The first weights*: what each way to begin makes of the signal, and of training."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, ClassVar, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from dlhelpers.initialization import Initializer, Signals, normal
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.labs.initialization.common import BACKWARD, FORWARD, times
from dlhelpers.live.controls import choice, slider
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, LIGHT_GREY, TRAIN, View, key, moving, note
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

STARTS: Mapping[str, str | Initializer] = {
    "zeros": "zeros",
    "small, σ = 0.01": partial(normal, scale=0.01),
    "large, σ = 1": partial(normal, scale=1.0),
    "LeCun, Var = 1/n": "lecun_normal",
    "Glorot, Var = 2/(n_in + n_out)": "glorot_normal",
    "He, Var = 2/n": "he_normal",
    "orthogonal": "orthogonal",
}
ZEROS, SMALL, LARGE, LECUN, GLOROT, HE, ORTHOGONAL = STARTS
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
TRAINING_STEPS, EVERY, UNITS, BATCH_SIZE, PROBE = 100, 5, 32, 64, 256
MOST_HIDDEN = 12
AT_START, AFTER, OWN_BEST = "before training", "after 100 steps", "best of each start"


class End(NamedTuple):
    """What 100 steps of training have made of one start, at each learning rate.

    `histograms` (rates, layers, bins) and `sizes` (rates, layers) are of the activations; `twins` (rates,)
    is how much the weights of two units of a layer differ at most.
    """

    histograms: FloatArray
    sizes: FloatArray
    twins: FloatArray


class Trained(NamedTuple):
    """One way to begin, trained at each of the learning rates.

    `losses` (points so far, rates) are on 256 training examples, infinite after divergence; `start` are
    sizes in the hidden layers before training and `histograms` (layers, bins) those of the activations;
    `end` is None until all steps are done.
    """

    losses: FloatArray
    start: Signals
    histograms: FloatArray
    end: End | None = None

    @property
    def step(self) -> int:
        """How many steps of training `losses` covers."""
        return EVERY * (len(self.losses) - 1)

    @property
    def ends(self) -> FloatArray:
        """The loss at the end at each rate, as a mean over the last 20 steps: mini-batches make it rough.

        NaN until all steps are done.
        """
        if self.end is None:
            return np.full(len(RATES), np.nan)
        return np.asarray(self.losses[-20 // EVERY - 1 :].mean(axis=0))


class Starts(NamedTuple):
    """What the lab shows: the chosen start, all starts that are known, and which learning rate."""

    name: str
    activation: str
    rate: str
    when: str
    trained: dict[str, Trained]

    @property
    def complete(self) -> bool:
        """Whether training from every start has come to its end."""
        return len(self.trained) == len(STARTS) and all(each.end for each in self.trained.values())

    def column(self, name: str) -> int:
        """Return which learning rate is shown for this start: the one that was chosen, or its best so far."""
        if self.rate != OWN_BEST:
            return RATES.index(float(self.rate))
        trained = self.trained[name]
        return int(np.argmin(trained.ends if trained.end else trained.losses[-1]))

    def loss_at_end(self, name: str) -> float:
        """Return the loss of this start at the end, at that rate."""
        return float(self.trained[name].ends[self.column(name)])

    def curve(self, name: str) -> FloatArray:
        """Return the training curve of this start at that rate."""
        return self.trained[name].losses[:, self.column(name)]

    @property
    def histograms(self) -> FloatArray | None:
        """The histogram of each hidden layer that is shown; None if training is not so far."""
        chosen = self.trained[self.name]
        if self.when == AT_START:
            return chosen.histograms
        return None if chosen.end is None else chosen.end.histograms[self.column(self.name)]

    @property
    def finding(self) -> str:
        """The loss of the chosen start, and the lowest of all."""
        if self.trained[self.name].end is None:
            return f"{_short(self.name)}: {self._progress()}"
        loss = {name: self.loss_at_end(name) for name in self.trained}
        lowest = min(loss, key=lambda name: loss[name])
        here = f"{_short(self.name)}: {_outcome(loss[self.name])}"
        if lowest == self.name:
            return here
        best = "the best is" if self.complete else "the best so far is"
        return f"{here}; {best} {_short(lowest)}, {_loss(loss[lowest])}"

    @property
    def caption(self) -> str:
        """How the signal begins, how far training comes, and how much two units differ at the end."""
        text = f"{self._before_training()}{self._activations_shown()}"
        chosen, column, guessing = self.trained[self.name], self.column(self.name), np.log(10)
        if chosen.end is None:
            rate = f"rate {RATES[column]:g}{', the best so far' if self.rate == OWN_BEST else ''}"
            return f"{text}{_short(self.name)}, {rate}: {self._progress()}. Guessing has {guessing:.2f}."
        others = [
            f"{_short(each)} {_loss(self.loss_at_end(each))}" for each in self.trained if each != self.name
        ]
        rates = "each at its best rate" if self.rate == OWN_BEST else f"at the rate {self.rate}"
        text += f"Loss over the last 20 of {TRAINING_STEPS} steps, {rates}: {_short(self.name)} "
        text += f"{_loss(self.loss_at_end(self.name))} (rate {RATES[column]:g})"
        text += f"; {', '.join(others)}. " if others else ". "
        return f"{text}Guessing has {guessing:.2f}. {_twins_sentence(chosen.end.twins[column])}"

    def _progress(self) -> str:
        """Say how far training is."""
        loss, step = self.curve(self.name)[-1], self.trained[self.name].step
        return f"loss {f'{loss:.2f}' if loss < 10 else _size(loss)} after {step} of {TRAINING_STEPS} steps"

    def _before_training(self) -> str:
        """Say how large signal and gradient are before training."""
        up, down = self.trained[self.name].start
        text = f"Before training, the activations of layer 1 have the size {_size(up[0])}"
        if len(up) > 1:
            text += (
                f", and those of layer {len(up)} have {_size(up[-1])}; the gradient of layer 1 is "
                f"{times(down[0], down[-1])} that of layer {len(up)}"
            )
        return f"{text}. "

    def _activations_shown(self) -> str:
        """Say what the histograms show: the sizes after training, and what lies outside of the frame."""
        if self.histograms is None:
            return f"The activations after {TRAINING_STEPS} steps are not known yet. "
        last, text, end = len(self.histograms), "", self.trained[self.name].end
        if self.when == AFTER and end is not None:
            column = self.column(self.name)
            first, top = end.sizes[column][[0, -1]]
            text = f"After {TRAINING_STEPS} steps at the rate {RATES[column]:g}, the activations of layer 1 "
            text += f"have the size {_size(first)}"
            text += f", and those of layer {last} have {_size(top)}. " if last > 1 else ". "
        inside = float(self.histograms[-1].sum())
        if inside < 0.995:
            text += f"Of the activations of layer {last}, {1 - inside:.0%} lie outside of the frame. "
        return text


def _loss(value: float) -> str:
    return f"{value:.2f}" if value < 10 else "diverged"


def _short(name: str) -> str:
    return name.split(",")[0]


def _outcome(loss: float) -> str:
    return f"loss {loss:.2f} at the end" if loss < 10 else "training diverges"


def _twins_sentence(difference: float) -> str:
    if difference < 1e-6:
        return "At the end, all units of a layer still have the same weights: the difference is 0."
    return f"At the end, the weights of two units of a layer differ by up to {_size(difference)}."


def _size(value: float) -> str:
    """Return a size with two digits."""
    if value == 0 or 0.01 <= value < 100:
        return f"{value:.2g}"
    return f"10^{np.log10(value):.0f}" if np.isfinite(value) else "beyond all numbers"


@remembered(8 * len(STARTS))
def train(name: str, activation: str, hidden: int, seed: int) -> Stages[Trained]:
    """Train one network for each learning rate, all from the same weights and on the same batches."""
    network = Network((64, *[UNITS] * hidden, 10), activation, "softmax_cross_entropy")
    X, Y, *_ = normalized_digits(seed).train  # float64: training amplifies rounding
    theta = network.initialize(np.random.default_rng(seed), initializer=STARTS[name])
    probe, thetas = Batch(X[:PROBE], Y[:PROBE]), np.tile(theta, (len(RATES), 1))
    batches = minibatches(X, Y, BATCH_SIZE, np.random.default_rng(seed))
    trace = network.trace(theta, probe)
    start = Signals(*(_sizes(layers[:-1]) for layers in (trace.A, trace.dZ)))
    histograms = np.array([histogram(layer) for layer in trace.A[:-1]])
    losses: list[FloatArray] = []
    run = descend(network, thetas, batches, GradientDescent(), np.array(RATES)[:, None])
    for step in islice(run, TRAINING_STEPS + 1):
        thetas = step.theta
        if step.step % EVERY == 0:
            losses.append(np.nan_to_num(network.loss(thetas, probe), nan=np.inf, posinf=np.inf))
            result = Trained(np.array(losses), start, histograms)
            yield 0.99 * step.step / TRAINING_STEPS, result
    # The run ends early when all of the networks have diverged.
    losses += [np.full(len(RATES), np.inf)] * (TRAINING_STEPS // EVERY + 1 - len(losses))
    end = _at_end(network, thetas, probe.X)
    yield 1.0, result._replace(losses=np.array(losses), end=end)


def _at_end(network: Network, thetas: FloatArray, X: FloatArray) -> End:
    units = network.hidden_units(thetas, X)
    by_rate = [[layer[k] for layer in units] for k in range(len(RATES))]
    return End(
        histograms=np.array([[histogram(layer) for layer in layers] for layers in by_rate]),
        sizes=np.array([_sizes(layers) for layers in by_rate]),
        twins=_largest_difference(network, thetas),
    )


def histogram(values: FloatArray) -> FloatArray:
    """Return the share of the values in each bin; what is outside of all bins is in none."""
    finite = values[np.isfinite(values)]
    return np.histogram(finite, ActivationsView.EDGES)[0] / values.size


def _sizes(layers: Sequence[FloatArray]) -> FloatArray:
    with np.errstate(all="ignore"):  # after divergence
        return np.array([np.sqrt(np.mean(np.square(layer, dtype=np.float64))) for layer in layers])


def _largest_difference(network: Network, theta: FloatArray) -> FloatArray:
    """Return how much the incoming weights of two units of one hidden layer differ, for each network."""
    views = network.layout.views(theta)
    with np.errstate(all="ignore"):
        each = [
            np.ptp(views[f"W{layer}"], axis=-2).max(axis=-1) for layer in range(1, len(network.sizes) - 1)
        ]
    return np.max(each, axis=0)


def compare_starts(
    name: str, activation: str, hidden: int, rate: str, when: str, seed: int
) -> Stages[Starts]:
    """Train from the chosen start, then from all others; yield what is known so far."""
    setting = (activation, hidden, seed)
    known = {each: kept for each in STARTS if (kept := train.recall(each, *setting)) is not None}
    missing = [each for each in STARTS if each not in known]
    for share, found in each_of(missing, name, lambda each: train(each, *setting)):
        trained = {**known, **found}
        trained = {each: trained[each] for each in STARTS if each in trained}
        yield share, Starts(name, activation, rate, when, trained)


def program(name: str, activation: str, hidden: int, rate: str, when: str, seed: int) -> str:
    """Return the program behind the picture."""
    start = {SMALL: "partial(normal, scale=0.01)", LARGE: "partial(normal, scale=1.0)"}
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
start = {start.get(name, repr(STARTS[name]))}
theta = network.initialize(np.random.default_rng({seed}), initializer=start)
rates = np.array({RATES})[:, None]  # one network for each learning rate
batches = minibatches(X, Y, {BATCH_SIZE}, np.random.default_rng({seed}))
run = descend(network, np.tile(theta, (len(rates), 1)), batches, GradientDescent(), rates)
losses = np.full(({TRAINING_STEPS // EVERY + 1}, len(rates)), np.inf)
for step in islice(run, {TRAINING_STEPS} + 1):
    if step.step % {EVERY} == 0:
        loss = network.loss(step.theta, Batch(X[:{PROBE}], Y[:{PROBE}]))
        losses[step.step // {EVERY}] = np.where(np.isfinite(loss), loss, np.inf)
W = network.layout.views(step.theta)
with np.errstate(all="ignore"):  # how much the weights of two units of a layer differ at most
    each = [np.ptp(W[f"W{{layer}}"], axis=1).max(axis=1) for layer in range(1, {hidden} + 1)]
result = losses, np.max(each, axis=0)
"""


class ActivationsView(View[Starts]):
    """The histogram of the activations of each hidden layer, as an upright filled curve."""

    EDGES: ClassVar[FloatArray] = np.linspace(-1.2, 3.2, 89)

    def __init__(self, ax: Axes, most_layers: int) -> None:
        ax.set(xlim=(0.4, most_layers + 0.8), ylim=(self.EDGES[0], self.EDGES[-1]))
        ax.set(xticks=range(1, most_layers + 1), xlabel="hidden layer", ylabel="activation")
        ax.grid(axis="x", visible=False)
        self._before = PolyCollection([], facecolor=LIGHT_GREY, edgecolor="none")
        self._shapes = PolyCollection([], facecolor="#4a90c4", edgecolor="none")
        for shapes in (self._before, self._shapes):
            ax.add_collection(moving(shapes), autolim=False)
        key(ax, ("◆ share of the activations", TRAIN), ("◆ before", "#777777"))

    def update(self, result: Starts, before: Starts | None) -> None:
        """Show `result.histograms`, (layers, bins), if they are known."""
        self._shapes.set_verts(self._verts(result.histograms))
        self._before.set_verts([] if before is None else self._verts(before.histograms))

    def _verts(self, histograms: FloatArray | None) -> list[FloatArray]:
        if histograms is None:
            return []
        middle = np.repeat(self.EDGES, 2)[1:-1]
        shapes = []
        for layer, shares in enumerate(histograms, start=1):
            width = np.repeat(0.42 * np.sqrt(shares / max(shares.max(), 1e-9)), 2)  # root: small ones show
            shapes.append(
                np.column_stack([np.r_[layer - width, layer + width[::-1]], np.r_[middle, middle[::-1]]])
            )
        return shapes


class StartSizesView(View[Starts]):
    """The sizes of activations and gradients over the hidden layers, before training."""

    LOW: ClassVar[float] = 1e-9
    HIGH: ClassVar[float] = 1e9

    def __init__(self, ax: Axes, most_layers: int) -> None:
        ax.set(yscale="log", xlim=(0.4, most_layers + 0.8), ylim=(self.LOW, self.HIGH))
        ax.set(xticks=range(1, most_layers + 1), xlabel="hidden layer", ylabel="size at the start")
        ax.set_yticks([1e-8, 1e-4, 1, 1e4, 1e8])
        ax.minorticks_off()
        ax.grid(axis="x", visible=False)
        (self._others,) = ax.plot([], [], "-", color=LIGHT_GREY, lw=1)
        self._lines = []
        for name, style, color in (("activations", "o-", FORWARD), ("gradients", "s--", BACKWARD)):
            (old,) = ax.plot([], [], style[1:], color=GHOST, lw=1.5)
            (line,) = ax.plot([], [], style, color=color, ms=4, lw=2)
            self._lines.append((name, moving(old), moving(line)))
        moving(self._others)
        key(
            ax,
            ("●— activations", FORWARD),
            ("■-- gradients", BACKWARD),
            ("— other starts", "#777777"),
            ("— before", "#777777"),
        )

    def update(self, result: Starts, before: Starts | None) -> None:
        """Show `start` of the chosen one of `result.trained`, and the activations of the others."""
        chosen = result.trained[result.name].start
        layers = np.arange(1, len(chosen.activations) + 1)
        others = [each.start.activations for name, each in result.trained.items() if name != result.name]
        self._others.set_data(*_one_line(layers, [self._held(each) for each in others]))
        for name, old, line in self._lines:
            line.set_data(layers, self._held(getattr(chosen, name)))
            past = (
                np.zeros(0)
                if before is None
                else self._held(getattr(before.trained[before.name].start, name))
            )
            old.set_data(np.arange(1, len(past) + 1), past)

    def _held(self, sizes: FloatArray) -> FloatArray:
        return np.clip(sizes, 1e-3 * self.LOW, 1e3 * self.HIGH)


def _one_line(x: FloatArray | IntArray, curves: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return many curves over x as the points of one line with gaps."""
    gapped = [np.append(curve, np.nan) for curve in curves]
    return np.tile(np.append(x, np.nan), len(curves)), np.concatenate([*gapped, np.zeros(0)])


class LossCurvesView(View[Starts]):
    """The training loss over the steps, for the chosen start and for all others."""

    LOW: ClassVar[float] = 0.02
    HIGH: ClassVar[float] = 20.0

    def __init__(self, ax: Axes, steps: int, every: int) -> None:
        self._steps = np.arange(0, steps + 1, every)
        ax.set(
            yscale="log", xlim=(0, steps), ylim=(self.LOW, self.HIGH), xlabel="step", ylabel="training loss"
        )
        _loss_axis(ax)
        (self._others,) = ax.plot([], [], "-", color=LIGHT_BLUE, lw=1)
        (self._before,) = ax.plot([], [], "-", color=GHOST, lw=2)
        (self._chosen,) = ax.plot([], [], "-", color=TRAIN, lw=3)
        for artist in (self._others, self._before, self._chosen):
            moving(artist)
        self._outside = note(ax, steps / 2, 8, color=TRAIN, fontweight="bold", va="center", ha="center")
        key(
            ax,
            ("━ chosen start", TRAIN),
            ("— others", "#4a90c4"),
            ("-·- guessing", "#777777"),
            ("━ before", "#777777"),
        )

    def update(self, result: Starts, before: Starts | None) -> None:
        """Show `result.curve(name)` for each of `result.trained`."""
        others = [_held_loss(result.curve(name)) for name in result.trained if name != result.name]
        self._others.set_data(*_one_line(self._steps, others))
        chosen = _held_loss(result.curve(result.name))
        self._chosen.set_data(self._steps[: len(chosen)], chosen)
        self._outside.set_text(self._no_line(result))
        past = np.zeros(0) if before is None else _held_loss(before.curve(before.name))
        self._before.set_data(self._steps[: len(past)], past)

    def _no_line(self, result: Starts) -> str:
        """Say why there is no line, if all of it lies above the frame."""
        trained = result.trained[result.name]
        if trained.end is None:
            return ""
        if np.all(trained.losses > self.HIGH):
            return "↑ diverges at every rate"
        return "↑ diverges at this rate" if np.all(result.curve(result.name) > self.HIGH) else ""


class LossOverRateView(View[Starts]):
    """The loss after training over the learning rate, for the chosen start and for all others."""

    def __init__(self, ax: Axes, rates: Sequence[float]) -> None:
        self._rates = np.array(rates)
        ax.set(xscale="log", yscale="log", xlim=(0.8 * rates[0], rates[-1] / 0.8))
        ax.set(
            ylim=(LossCurvesView.LOW, LossCurvesView.HIGH), xlabel="learning rate", ylabel="loss at the end"
        )
        ax.set_xticks(self._rates, [f"{rate:g}" for rate in rates])
        ax.minorticks_off()
        _loss_axis(ax)
        (self._others,) = ax.plot([], [], "-", color=LIGHT_BLUE, lw=1)
        (self._before,) = ax.plot([], [], "-", color=GHOST, lw=2)
        (self._chosen,) = ax.plot([], [], "o-", color=TRAIN, lw=3, ms=5)
        (self._here,) = ax.plot([], [], "D", color=ACCENT, ms=9, mec="white")
        for artist in (self._others, self._before, self._chosen, self._here):
            moving(artist)
        key(ax, ("●━ chosen start", TRAIN), ("— others", "#4a90c4"), ("◆ shown above", ACCENT))

    def update(self, result: Starts, before: Starts | None) -> None:
        """Show `ends` of each of `result.trained`."""
        ends = {name: _held_loss(each.ends) for name, each in result.trained.items()}
        others = [losses for name, losses in ends.items() if name != result.name]
        self._others.set_data(*_one_line(self._rates, others))
        self._chosen.set_data(self._rates, ends[result.name])
        at = result.column(result.name)
        self._here.set_data(self._rates[[at]], ends[result.name][[at]])
        past = np.zeros(0) if before is None else _held_loss(before.trained[before.name].ends)
        self._before.set_data(self._rates[: len(past)], past)


def _loss_axis(ax: Axes) -> None:
    """Mark the loss of guessing among ten digits, and name the ticks."""
    moving(ax.axhline(np.log(10), color="#777777", lw=1, ls="-."))
    ax.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])


def _held_loss(losses: FloatArray) -> FloatArray:
    """Return losses that a log axis can draw; what has diverged lies above the frame."""
    return np.clip(losses, 1e-3, 1e4)


def starts_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: activations and sizes over the layers, loss over the steps and over the rate."""
    (top_left, top_right), (bottom_left, bottom_right) = figure.subplots(2, 2, width_ratios=[1.1, 1])
    return [
        ActivationsView(top_left, MOST_HIDDEN),
        StartSizesView(bottom_left, MOST_HIDDEN),
        LossCurvesView(top_right, TRAINING_STEPS, EVERY),
        LossOverRateView(bottom_right, RATES),
    ]


def initialization_lab() -> Lab:
    """Return the lab *The first weights*."""
    return Lab(
        "The first weights",
        controls={
            "name": choice("First weights", list(STARTS), LECUN),
            "activation": choice("Activation", ["relu", "tanh", "sigmoid"], "relu"),
            "hidden": slider("Hidden layers", 1, MOST_HIDDEN, 8),
            "rate": choice("Learning rate", [OWN_BEST, *map(str, RATES)], OWN_BEST),
            "when": choice("Activations", [AT_START, AFTER], AT_START),
        },
        compute=compare_starts,
        views=starts_views,
        code=program,
        presets={
            "zeros": {"name": ZEROS},
            "small, 0.01": {"name": SMALL},
            "too large": {"name": LARGE},
            "He, ReLU": {"name": HE},
            "LeCun, tanh": {"name": LECUN, "activation": "tanh"},
            "large, tanh": {"name": LARGE, "activation": "tanh"},
        },
        size=(9.6, 4.5),
    )

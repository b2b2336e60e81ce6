"""The labs on depth and on the first weights: computations, captions, views and the programs behind them."""

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dlhelpers.datasets import one_hot
from dlhelpers.initialization import (
    Initializer,
    Signals,
    factor_per_layer,
    normal,
    predict_signals,
    propagate,
)
from dlhelpers.labs.digits import digit_split
from dlhelpers.live.controls import choice, log_slider, slider
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.normalization import fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.initialization import (
    ActivationsView,
    FactorView,
    LossCurvesView,
    LossOverRateView,
    SizesView,
    StartSizesView,
)
from dlhelpers.plots.style import View
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

# Vanishing and exploding ----------------------------------------------------------------------------

MOST_LAYERS, NETWORKS = 50, 32
RANDOM, EQUAL = "random, σ = g / √n", "all weights equal to g"
GAINS = tuple(float(gain) for gain in 2.0 ** np.arange(-2, 2.1, 0.25))


class Factors(NamedTuple):
    """By how much a layer multiplies the signal on the way up, and the gradient on the way down."""

    activations: float
    gradients: float


class Depth(NamedTuple):
    """What the lab shows: sizes in each layer, and the factors per layer here and over the gain."""

    activation: str
    weights: str
    width: int
    gain: float
    measured: Signals
    predicted: Signals
    factors: Factors
    predicted_factors: Factors
    over_gain: dict[float, Factors]
    predicted_over_gain: dict[float, Factors]


@lru_cache(maxsize=1)
def many_networks(weights: str, width: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw the weights of 32 deep networks once, for a gain of 1, with an input and a gradient for each."""
    rng = np.random.default_rng(seed)
    x, top = np.abs(rng.standard_normal((2, NETWORKS, width)))  # like gray levels, inputs are not negative
    if weights == EQUAL:
        return np.ones((MOST_LAYERS, width, width)), x, top
    return rng.standard_normal((MOST_LAYERS, NETWORKS, width, width)) / np.sqrt(width), x, top


def measure(activation: str, weights: str, layers: int, width: int, gain: float, seed: int) -> Signals:
    """Send signals and gradients through the first layers of all networks."""
    V, x, top = many_networks(weights, width, seed)
    return propagate(V[:layers], x, top, activation, gain)


def predict(activation: str, weights: str, layers: int, width: int, gain: float) -> Signals:
    """Return what theory expects: for random weights, or, for equal ones, a chain of single units."""
    if weights == RANDOM:
        return predict_signals(activation, gain, layers)
    mean = np.array([np.sqrt(2 / np.pi)])  # of |x| for a normal x
    return propagate(np.ones((layers, 1, 1)), mean, mean, activation, gain * width)


def factors_of(sizes: Signals) -> Factors:
    """Return the factor per layer of the median network."""
    activations, gradients = (np.median(np.atleast_2d(each), axis=0) for each in sizes)
    return Factors(float(factor_per_layer(activations)), float(factor_per_layer(gradients[::-1])))


@lru_cache(maxsize=16)
def factors_over_gain(
    activation: str, weights: str, layers: int, width: int, seed: int
) -> dict[float, tuple[Factors, Factors]]:
    """Return an empty store for this setting: from gain to measured and predicted factors."""
    return {}


def deepen(
    activation: str, weights: str, gain: float, layers: int, width: float, seed: int
) -> Iterator[tuple[float, Depth]]:
    """Measure at this gain, then at all others; yield what is known so far."""
    n = round(width)
    setting = (activation, weights, layers, n)
    store = factors_over_gain(*setting, seed)
    measured, predicted = measure(*setting, gain, seed), predict(*setting, gain)
    here = factors_of(measured), factors_of(predicted)

    def show() -> Depth:
        known = sorted(store.items())
        return Depth(
            activation=activation,
            weights=weights,
            width=n,
            gain=gain,
            measured=measured,
            predicted=predicted,
            factors=here[0],
            predicted_factors=here[1],
            over_gain={at: each for at, (each, _) in known},
            predicted_over_gain={at: each for at, (_, each) in known},
        )

    missing = [each for each in GAINS if each not in store]
    for done, each in enumerate(missing):
        yield done / len(missing), show()
        store[each] = factors_of(measure(*setting, each, seed)), factors_of(predict(*setting, each))
    yield 1.0, show()


def depth_finding(result: Depth) -> str:
    """Return by how much a layer changes the activations and the gradients."""
    layers = result.measured.activations.shape[-1]
    up, down = (f"{factor:.3g}" for factor in result.factors)
    return f"{layers} layers: activations × {up}, gradients × {down} a layer"


def depth_caption(result: Depth) -> str:
    """Give prediction and measurement, their difference, and what they come to over all layers."""
    activations, gradients = (np.median(sizes, axis=0) for sizes in result.measured)
    (up, down), last = map(_agreement, result.factors, result.predicted_factors), len(activations)
    return (
        f"In the median network a layer changes the activations by {up}. On the way down it changes the "
        f"gradients by {down}. So the activations of layer {last} are "
        f"{_times(activations[-1], activations[0])} those of layer 1, and the gradient of layer 1 is "
        f"{_times(gradients[0], gradients[-1])} that of layer {last}. {_remark(result)}"
    )


def _agreement(measured: float, predicted: float) -> str:
    """Return a measured and a predicted factor, and the difference."""
    off = round(100 * (measured / predicted - 1), 1) + 0.0 if predicted > 0 else 0.0
    return f"× {measured:.3g} (predicted × {predicted:.3g}, difference {off:+.1f}%)"


def _times(last: float, first: float) -> str:
    """Return a ratio, in powers of ten when it is far from 1."""
    ratio = last / first if first > 0 else 0.0
    if ratio == 0:
        return "0 times"
    return f"{ratio:.2g} times" if 0.01 <= ratio < 100 else f"10^{np.log10(ratio):.0f} times"


def _remark(result: Depth) -> str:
    """Say what the weights are like, and where theory need not hold."""
    n = result.width
    dead = float(np.mean(result.measured.activations[:, -1] == 0))
    if dead:
        return f"{dead:.0%} of the {NETWORKS} networks are dead: in some layer all units answer 0."
    if result.weights == EQUAL:
        norm = float(f"{result.gain * n:.2g}")
        return (
            f"A matrix of {n} x {n} times {result.gain:.2g} makes the signal up to {norm:g} times as large."
        )
    return (
        f"The bands hold 90% of {NETWORKS} networks. The prediction is for wide layers; {n} unit"
        f"{'s' if n > 1 else ''} scatter{'s' if n == 1 else ''} around it."
    )


def depth_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: sizes over the layers, and factors over the gain."""
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    return [SizesView(left, MOST_LAYERS), FactorView(right, GAINS[0], GAINS[-1])]


def depth_code(activation: str, weights: str, gain: float, layers: int, width: float, seed: int) -> str:
    """Return the program behind the picture."""
    n = round(width)
    V = (
        f"V = np.ones(({MOST_LAYERS}, {n}, {n}))"
        if weights == EQUAL
        else f"V = rng.standard_normal(({MOST_LAYERS}, {NETWORKS}, {n}, {n})) / np.sqrt({n})"
    )
    return f"""
import numpy as np
from dlhelpers.initialization import factor_per_layer, propagate

rng = np.random.default_rng({seed})
x, top = np.abs(rng.standard_normal((2, {NETWORKS}, {n})))  # inputs, and gradients that arrive at the top
{V}
sizes = propagate(V[:{layers}], x, top, {activation!r}, gain={gain})
up = factor_per_layer(np.median(sizes.activations, axis=0))
down = factor_per_layer(np.median(sizes.gradients, axis=0)[::-1])
result = sizes.activations, sizes.gradients, up, down
"""


def depth_lab() -> Lab:
    """Return the lab *Vanishing and exploding*."""
    return Lab(
        "Vanishing and exploding",
        controls={
            "gain": log_slider("Weight gain g", -2, 2, 2**-0.5, 0.125, base=2, fmt=".2f"),
            "layers": slider("Layers L", 5, MOST_LAYERS, MOST_LAYERS),
            "activation": choice("Activation", ["linear", "tanh", "relu", "sigmoid"], "linear"),
            "width": log_slider("Units in a layer n", 0, 6, 32, 1, base=2, fmt=".0f"),
            "weights": choice("Weights", [RANDOM, EQUAL], RANDOM),
        },
        compute=deepen,
        views=depth_views,
        finding=depth_finding,
        caption=depth_caption,
        code=depth_code,
        presets={
            "explodes": {"gain": 2**0.5},
            "ReLU at g = 1": {"activation": "relu", "gain": 1.0},
            "ReLU at g = √2": {"activation": "relu", "gain": 2**0.5},
            "0.5, one unit": {"weights": EQUAL, "gain": 0.5, "width": 1},
            "0.5, 64 units": {"weights": EQUAL, "gain": 0.5, "width": 64},
        },
    )


# Initialization -------------------------------------------------------------------------------------

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


class Trained(NamedTuple):
    """One way to begin, trained at each of the learning rates.

    `losses` (points, rates) are on 256 training examples, infinite after divergence; `start` are sizes in
    the hidden layers before training; `before` (layers, bins) and `after` (rates, layers, bins) histograms
    of activations; `twins` (rates,) how much the weights of two units of a layer differ at most, after.
    """

    losses: FloatArray
    start: Signals
    before: FloatArray
    after: FloatArray
    twins: FloatArray

    @property
    def ends(self) -> FloatArray:
        """The loss at the end at each rate, as a mean over the last 20 steps: mini-batches make it rough."""
        return np.asarray(self.losses[-20 // EVERY - 1 :].mean(axis=0))


class Starts(NamedTuple):
    """What the lab shows: the chosen start, all starts that are known, and which learning rate."""

    name: str
    activation: str
    rate: str
    when: str
    trained: dict[str, Trained]

    def column(self, name: str) -> int:
        """Return which learning rate is shown for this start: the one that was chosen, or its best."""
        if self.rate != OWN_BEST:
            return RATES.index(float(self.rate))
        return int(np.argmin(self.trained[name].ends))

    def end(self, name: str) -> float:
        """Return the loss of this start at the end, at that rate."""
        return float(self.trained[name].ends[self.column(name)])

    def curve(self, name: str) -> FloatArray:
        """Return the training curve of this start at that rate."""
        return self.trained[name].losses[:, self.column(name)]

    @property
    def histograms(self) -> FloatArray:
        """The histogram of each hidden layer that is shown."""
        chosen = self.trained[self.name]
        return chosen.before if self.when == AT_START else chosen.after[self.column(self.name)]


@lru_cache(maxsize=4)
def normalized_digits(seed: int) -> Batch:
    """Return the training set with normalized inputs; in float64, as training amplifies rounding."""
    data = digit_split(seed)
    X = fit(data.X_train).apply(data.X_train)
    return Batch(X, one_hot(data.y_train, 10))


@lru_cache(maxsize=8)
def trained_starts(activation: str, hidden: int, seed: int) -> dict[str, Trained]:
    """Return an empty store for this setting: from start to result, filled by `compare_starts`."""
    return {}


def train(name: str, activation: str, hidden: int, seed: int) -> Iterator[tuple[float, Trained]]:
    """Train one network for each learning rate, all from the same weights and on the same batches."""
    network = Network((64, *[UNITS] * hidden, 10), activation, "softmax_cross_entropy")
    X, Y, *_ = normalized_digits(seed)
    theta = network.initialize(np.random.default_rng(seed), initializer=STARTS[name])
    probe, thetas = Batch(X[:PROBE], Y[:PROBE]), np.tile(theta, (len(RATES), 1))
    batches = minibatches(X, Y, BATCH_SIZE, np.random.default_rng(seed))
    trace = network.trace(theta, probe)
    start = Signals(*(_sizes(layers[:-1]) for layers in (trace.A, trace.dZ)))
    before = np.array([histogram(layer) for layer in trace.A[:-1]])
    losses = np.full((TRAINING_STEPS // EVERY + 1, len(RATES)), np.inf)
    result = Trained(losses, start, before, np.tile(before, (len(RATES), 1, 1)), np.zeros(len(RATES)))
    run = descend(network, thetas, batches, GradientDescent(), np.array(RATES)[:, None])
    for step in islice(run, TRAINING_STEPS + 1):
        thetas = step.theta
        if step.step % EVERY == 0:
            losses[step.step // EVERY] = np.nan_to_num(network.loss(thetas, probe), nan=np.inf, posinf=np.inf)
            yield 0.99 * step.step / TRAINING_STEPS, result._replace(losses=losses.copy())
    units = network.hidden_units(thetas, probe.X)
    after = np.array([[histogram(layer[k]) for layer in units] for k in range(len(RATES))])
    yield 1.0, result._replace(losses=losses, after=after, twins=_largest_difference(network, thetas))


def histogram(values: FloatArray) -> FloatArray:
    """Return the share of the values in each bin; what is outside of all bins is in none."""
    finite = values[np.isfinite(values)]
    return np.histogram(finite, ActivationsView.EDGES)[0] / values.size


def _sizes(layers: tuple[FloatArray, ...]) -> FloatArray:
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
) -> Iterator[tuple[float, Starts]]:
    """Train from the chosen start, then from all others; yield what is known so far."""
    store = trained_starts(activation, hidden, seed)
    missing = [each for each in dict.fromkeys((name, *STARTS)) if each not in store]
    for done, each in enumerate(missing):
        for share, result in train(each, activation, hidden, seed):
            if share < 1:
                known = {**store, each: result}
                yield (done + share) / len(missing), Starts(name, activation, rate, when, known)
        store[each] = result
    yield 1.0, Starts(name, activation, rate, when, {each: store[each] for each in STARTS})


def _loss(value: float) -> str:
    return f"{value:.2f}" if value < 10 else "diverged"


def _short(name: str) -> str:
    return name.split(",")[0]


def starts_finding(result: Starts) -> str:
    """Return the loss of the chosen start, and the lowest of all."""
    loss = {name: result.end(name) for name in result.trained}
    lowest = min(loss, key=lambda name: loss[name])
    here = f"{_short(result.name)}: {_outcome(loss[result.name])}"
    return here if lowest == result.name else f"{here}; the best is {_short(lowest)}, {_loss(loss[lowest])}"


def _outcome(loss: float) -> str:
    return f"loss {loss:.2f} at the end" if loss < 10 else "training diverges"


def starts_caption(result: Starts) -> str:
    """Say how the signal begins, how far training comes, and how much two units differ at the end."""
    chosen, column = result.trained[result.name], result.column(result.name)
    up, down = chosen.start
    last, inside = len(up), float(result.histograms[-1].sum())
    text = f"Before training, the activations of layer 1 have the size {_size(up[0])}"
    if last > 1:
        text += (
            f", and those of layer {last} have {_size(up[-1])}; the gradient of layer 1 is "
            f"{_times(down[0], down[-1])} that of layer {last}"
        )
    text += ". "
    if inside < 0.995:
        text += f"Of the activations of layer {last}, {1 - inside:.0%} lie outside of the frame. "
    others = [f"{_short(each)} {_loss(result.end(each))}" for each in result.trained if each != result.name]
    rates = "each at its best rate" if result.rate == OWN_BEST else f"at the rate {result.rate}"
    text += f"Loss over the last 20 of {TRAINING_STEPS} steps, {rates}: {_short(result.name)} "
    text += f"{_loss(result.end(result.name))} (rate {RATES[column]:g})"
    text += f"; {', '.join(others)}. " if others else ". "
    return f"{text}Guessing has {np.log(10):.2f}. {_twins_sentence(chosen.twins[column])}"


def _twins_sentence(difference: float) -> str:
    if difference < 1e-6:
        return "At the end, all units of a layer still have the same weights: the difference is 0."
    return f"At the end, the weights of two units of a layer differ by up to {_size(difference)}."


def _size(value: float) -> str:
    """Return a size with two digits."""
    if value == 0 or 0.01 <= value < 100:
        return f"{value:.2g}"
    return f"10^{np.log10(value):.0f}" if np.isfinite(value) else "beyond all numbers"


def starts_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: activations and sizes over the layers, loss over the steps and over the rate."""
    (top_left, top_right), (bottom_left, bottom_right) = figure.subplots(2, 2, width_ratios=[1.1, 1])
    return [
        ActivationsView(top_left, MOST_HIDDEN),
        StartSizesView(bottom_left, MOST_HIDDEN),
        LossCurvesView(top_right, TRAINING_STEPS, EVERY),
        LossOverRateView(bottom_right, RATES),
    ]


def starts_code(name: str, activation: str, hidden: int, rate: str, when: str, seed: int) -> str:
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
        finding=starts_finding,
        caption=starts_caption,
        code=starts_code,
        presets={
            "zeros": {"name": ZEROS},
            "small, 0.01": {"name": SMALL},
            "too large": {"name": LARGE},
            "He, ReLU": {"name": HE},
            "LeCun, tanh": {"name": LECUN, "activation": "tanh"},
            "large, tanh": {"name": LARGE, "activation": "tanh"},
        },
        size=(9.6, 5.6),
    )

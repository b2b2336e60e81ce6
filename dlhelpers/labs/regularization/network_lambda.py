"""The lab *Lambda on a network*: what a penalty does to weights, units and losses."""

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import islice, repeat
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from dlhelpers.datasets import moons
from dlhelpers.labs.regularization.common import LOST, strength_in_words
from dlhelpers.live.controls import choice, log_slider, real_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.decision_regions import CLASS_COLORS, MessageView
from dlhelpers.plots.style import ACCENT, DEV, GHOST, LIGHT_GREY, TRAIN, View, key, moving
from dlhelpers.plots.two_classes import TwoClassesView
from dlhelpers.regularization import Regularized, soft_threshold
from dlhelpers.training import Descent, descend
from dlhelpers.typing import BoolArray, FloatArray, IntArray

UNITS = (2, 12, 12, 1)
"""Of each layer."""
LAMBDAS = 10.0 ** np.linspace(-3, 3, 25)
TRAIN_STEPS, PIECE = 1500, 50
M_DEV, LIMIT = 500, 3.0
SIDE = 50
_line = LIMIT * np.linspace(-1, 1, SIDE)
PLANE = np.stack(np.meshgrid(_line, _line), axis=-1).reshape(-1, 2)
LINEAR = 0.5
"""Up to this |z|, tanh z differs from z by less than 8%."""
Z_EDGES = np.linspace(-4, 4, 41)
VARIES = 0.05
"""A hidden unit varies if the standard deviation of its output over the training set is above this."""
PENALTIES = ("L2", "L1")
FAR = 1e9
"""A value that is far outside of every frame: a curve that diverges is drawn to here."""


class Task(NamedTuple):
    """Two noisy moons: a small training set, and a dev set; labels are columns of 0 and 1.

    All is float64: training amplifies rounding, and captions must be the same on every processor.
    """

    network: Network
    train: Batch
    dev: Batch


class OverLambdas(NamedTuple):
    """The networks after some steps, one for each lambda.

    Attributes
    ----------
    step : int
    theta : (25, P) float array
    gone_at : (25,) int array
        The step at which the weights ceased to be finite, or passed `LOST`; -1 if they did not.
    train, dev : (25,) float array
    norms : (25, n_layers) float array
    """

    step: int
    theta: FloatArray
    gone_at: IntArray
    train: FloatArray
    dev: FloatArray
    norms: FloatArray


class OneLambda(NamedTuple):
    """What the lab shows: the curves over lambda, and the network at one of them.

    The losses and norms of `curves` are NaN until training has ended; `losses` are of the one network, now.
    """

    penalty: str
    at: int
    rate: float
    curves: OverLambdas
    losses: tuple[float, float]
    map: FloatArray
    X: FloatArray
    y: IntArray
    message: str
    weights: FloatArray
    z: FloatArray
    far_from_b: float
    """The largest difference of a hidden pre-activation from its bias."""
    varies: BoolArray
    errors: tuple[float, float]

    @property
    def diverged(self) -> BoolArray:
        """For which lambdas training has diverged."""
        return self.curves.gone_at >= 0

    @property
    def trained(self) -> bool:
        """Whether training has ended."""
        return self.curves.step == TRAIN_STEPS

    @property
    def edge(self) -> float:
        """The lambda with alpha lambda / m = 2; none for L1."""
        return 2 * len(self.X) / self.rate if self.penalty == "L2" else np.nan

    @property
    def ratio(self) -> float:
        """Alpha lambda / m."""
        return float(self.rate * LAMBDAS[self.at] / len(self.X))

    @property
    def histogram(self) -> FloatArray:
        """How the hidden pre-activations are spread over the bins, (40,) shares."""
        inside = np.clip(self.z[np.isfinite(self.z)], Z_EDGES[0], Z_EDGES[-1])
        return np.asarray(np.histogram(inside, Z_EDGES)[0] / self.z.size)

    @property
    def linear(self) -> float:
        """The share of hidden pre-activations in the nearly linear part of tanh."""
        return float(np.mean(np.abs(self.z) < LINEAR))

    @property
    def finding(self) -> str:
        """The two losses."""
        strength = f"{self.penalty}, λ = {strength_in_words(LAMBDAS[self.at])}"
        if self.diverged[self.at]:
            return f"{strength}: α λ/m is {self.ratio:.1f}, the weights grow without limit"
        if not self.trained:
            strength += f", after {self.curves.step:,} of {TRAIN_STEPS:,} steps"
        return f"{strength}: train loss {self.losses[0]:.2f}, dev loss {self.losses[1]:.2f}"

    @property
    def caption(self) -> str:
        """What the penalty does to the weights, the units and the losses."""
        text = _state_in_words(self) + _units_in_words(self)
        if not self.trained:
            return text + f"The curves over λ follow when all {len(LAMBDAS)} networks are trained."
        best = int(np.where(self.diverged, np.inf, self.curves.dev).argmin())
        text += (
            f"Among the {len(LAMBDAS)} values, the dev loss is lowest, {self.curves.dev[best]:.2f}, at "
            f"λ = {strength_in_words(LAMBDAS[best])}. "
        )
        if self.penalty == "L1":
            return text + "The soft threshold does not diverge."
        text += f"α λ/m = 2 at λ = {strength_in_words(self.edge)}; "
        if not self.diverged.any():
            return text + "no network diverged."
        return text + f"training diverged from λ = {strength_in_words(LAMBDAS[self.diverged.argmax()])} on."


def _state_in_words(result: OneLambda) -> str:
    if result.diverged[result.at]:
        return (
            f"Each step multiplies W by 1 - α λ/m = {1 - result.ratio:.1f}: it changes sign and grows. "
            f"Within {result.curves.gone_at[result.at]} steps the weights are out of the frame. "
        )
    text = f"Errors: train {result.errors[0]:.0%}, dev {result.errors[1]:.0%}. "
    if result.penalty == "L2":
        text += f"Each step multiplies W by 1 - α λ/m = 1 - {result.ratio:.2g}, beside the gradient. "
    else:
        text += f"{np.mean(result.weights == 0):.0%} of the weights are exactly 0. "
    length = np.sqrt((result.weights**2).sum())
    return text + (f"All weights together have length {length:.2g}. " if length > 1e-3 else "W is nearly 0. ")


def _units_in_words(result: OneLambda) -> str:
    if result.diverged[result.at]:
        return ""
    text = (
        f"{result.linear:.0%} of the hidden z lie in the linear range, "
        f"|z| < {LINEAR}, and "
        f"{result.varies.sum()} of {len(result.varies)} hidden units vary. "
    )
    if result.far_from_b < 5e-4:
        text += f"Every z is its bias b; these reach ±{np.abs(result.z).max():.1g}. "
    return text


@lru_cache(maxsize=8)
def noisy_moons(noise: float, m: int, seed: int) -> Task:
    """Draw the training and the dev set."""
    rng = np.random.default_rng(seed)
    (X, y), (X_dev, y_dev) = moons(m, noise=noise, rng=rng), moons(M_DEV, noise=noise, rng=rng)
    network = Network(UNITS, loss_name="sigmoid_cross_entropy")
    return Task(network, Batch(X, 1.0 * y[:, None]), Batch(X_dev, 1.0 * y_dev[:, None]))


def penalized_run(task: Task, penalty: str, rate: float, seed: int) -> Descent:
    """Return the training of one network for each lambda, all from the same weights."""
    network, m, strengths = task.network, len(task.train.X), LAMBDAS[:, None]
    theta = np.tile(network.initialize(np.random.default_rng(seed)), (len(LAMBDAS), 1))
    batches, plain = repeat(task.train), GradientDescent()
    if penalty == "L2":
        return descend(Regularized(network, m, l2=strengths), theta, batches, plain, rate)
    is_weight = network.layout.is_weight
    shrink = partial(soft_threshold, is_weight=is_weight, amount=rate * strengths / m)
    return descend(network, theta, batches, plain, rate, projection=shrink)


@remembered(16)
def train_over_lambda(penalty: str, rate: float, noise: float, m: int, seed: int) -> Stages[OverLambdas]:
    """Train a network for each lambda, all at once; the losses and norms come with the last stage."""
    task = noisy_moons(noise, m, seed)
    run, is_weight = penalized_run(task, penalty, rate, seed), task.network.layout.is_weight
    gone_at, missing = np.full(len(LAMBDAS), -1), np.full(len(LAMBDAS), np.nan)
    norms = np.full((len(LAMBDAS), len(UNITS) - 1), np.nan)
    for done in range(PIECE, TRAIN_STEPS + 1, PIECE):
        *_, step = islice(run, PIECE)
        gone_at = _gone(gone_at, step.theta[:, is_weight], done)
        if done < TRAIN_STEPS:
            yield done / TRAIN_STEPS, OverLambdas(done, run.theta, gone_at, missing, missing, norms)
    yield 1.0, measure(task, next(run).theta, gone_at)


@np.errstate(all="ignore")
def measure(task: Task, theta: FloatArray, gone_at: IntArray) -> OverLambdas:
    """Measure all networks at the end of training."""
    views = task.network.layout.views(theta)
    names = [name for name in views if name.startswith("W")]
    norms = np.stack([np.sqrt((views[name] ** 2).sum(axis=(1, 2))) for name in names], axis=1)
    losses = [task.network.loss(theta, batch) for batch in (task.train, task.dev)]
    return OverLambdas(TRAIN_STEPS, theta, gone_at, losses[0], losses[1], norms)


def regularize(
    strength: float, penalty: str, rate: float, noise: float, m: int, seed: int
) -> Iterator[tuple[float, OneLambda]]:
    """Show the network at the reader's lambda; train those at all lambdas first if needed."""
    at, task = int(np.abs(LAMBDAS - strength).argmin()), noisy_moons(noise, m, seed)
    for share, curves in train_over_lambda(penalty, rate, noise, m, seed):
        yield share, _one_lambda(task, curves, at, penalty, rate)


@np.errstate(all="ignore")
def _gone(gone_at: IntArray, weights: FloatArray, step: int) -> IntArray:
    """Note the step for the networks that are newly lost."""
    lost = ~(np.sqrt((weights**2).sum(axis=1)) < LOST)
    return np.where((gone_at < 0) & lost, step, gone_at)


def _one_lambda(task: Task, curves: OverLambdas, at: int, penalty: str, rate: float) -> OneLambda:
    network, theta, lost = task.network, curves.theta[at], curves.gone_at[at] >= 0
    trace, biases = network.trace(theta, task.train), network.layout.views(theta)
    usable = np.zeros_like(theta) if lost else theta
    with np.errstate(all="ignore"):
        far_from_b = max(float(np.abs(trace.Z[k] - biases[f"b{k + 1}"]).max()) for k in (0, 1))
        varies = np.concatenate([A.std(axis=1) > VARIES for A in trace.A[:-1]])
    return OneLambda(
        penalty,
        at,
        rate,
        curves,
        (float(network.loss(theta, task.train)), float(network.loss(theta, task.dev))),
        network.predict(usable, PLANE).reshape(SIDE, SIDE),
        task.train.X,
        task.train.Y[:, 0].astype(int),
        f"diverged within {curves.gone_at[at]} steps" if lost else "",
        np.nan_to_num(theta)[network.layout.is_weight],
        np.concatenate([Z.ravel() for Z in trace.Z[:-1]]),
        far_from_b,
        varies,
        (_error(network, usable, task.train), _error(network, usable, task.dev)),
    )


def _error(network: Network, theta: FloatArray, batch: Batch) -> float:
    return float(np.mean((network.predict(theta, batch.X) > 0.5) != batch.Y))


def program(strength: float, penalty: str, rate: float, noise: float, m: int, seed: int) -> str:
    """Return the program behind the picture."""
    at = int(np.abs(LAMBDAS - strength).argmin())
    how = (
        "run = descend(Regularized(network, m, l2=strengths), theta, repeat(train), GradientDescent(), rate)"
        if penalty == "L2"
        else "is_weight = network.layout.is_weight\n"
        "shrink = partial(soft_threshold, is_weight=is_weight, amount=rate * strengths / m)\n"
        "run = descend(network, theta, repeat(train), GradientDescent(), rate, projection=shrink)"
    )
    return f"""
from functools import partial
from itertools import islice, repeat
import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.regularization import Regularized, soft_threshold
from dlhelpers.training import descend

m, rate, rng = {m}, {rate}, np.random.default_rng({seed})
X, y = moons(m, noise={noise}, rng=rng)
X_dev, y_dev = moons({M_DEV}, noise={noise}, rng=rng)
train, dev = Batch(X, 1.0 * y[:, None]), Batch(X_dev, 1.0 * y_dev[:, None])
network = Network({UNITS}, loss_name="sigmoid_cross_entropy")

strengths = 10.0 ** np.linspace(-3, 3, 25)[:, None]  # all lambdas at once
theta = np.tile(network.initialize(np.random.default_rng({seed})), (25, 1))
{how}
theta = next(islice(run, {TRAIN_STEPS}, None)).theta[{at}]
z = np.concatenate([Z.ravel() for Z in network.trace(theta, train).Z[:-1]])  # hidden pre-activations
result = network.loss(theta, train), network.loss(theta, dev), np.mean(np.abs(z) < {LINEAR})
"""


class NetworkView(View[OneLambda]):
    """The network as a drawing: a line for each weight, as wide as the weight is large.

    A unit is filled if its output varies over the training set; with a constant output it is open.
    """

    def __init__(self, ax: Axes) -> None:
        ax.set_axis_off()
        ax.set(xlim=(-0.25, len(UNITS) - 0.75), ylim=(-0.06, 1.06))
        places = [[(x, (i + 0.5) / n) for i in range(n)] for x, n in enumerate(UNITS)]
        ends = [
            (left, right)
            for before, after in zip(places[:-1], places[1:], strict=True)
            for right in after
            for left in before
        ]
        self._lines = moving(LineCollection(ends, colors="#555555", linewidths=0))
        ax.add_collection(self._lines, autolim=False)
        self._hidden = np.array([place for layer in places[1:-1] for place in layer])
        outside = np.array([*places[0], *places[-1]])
        moving(ax.plot(*outside.T, "s", color="#222222", ms=7, mec="white", zorder=3)[0])
        (self._on,) = ax.plot([], [], "o", color="#222222", ms=8, mec="white", zorder=3)
        (self._off,) = ax.plot([], [], "o", mfc="white", mec="#777777", ms=7, mew=1.2, zorder=3)
        moving(self._on)
        moving(self._off)
        key(ax, ("width: |weight|", "#555555"), ("● varies", "#222222"), ("○ constant", "#666666"))

    def update(self, result: OneLambda, before: OneLambda | None) -> None:
        """Show `result.weights` (n_weights,), layer by layer, and `result.varies` (n_hidden,)."""
        self._lines.set_linewidth((2 * np.minimum(np.abs(result.weights), 3)).tolist())
        self._on.set_data(*self._hidden[result.varies].T)
        self._off.set_data(*self._hidden[~result.varies].T)


class TanhView(View[OneLambda]):
    """Where the pre-activations lie on tanh, and which part of it is nearly a line."""

    def __init__(self, ax: Axes) -> None:
        left, right = Z_EDGES[0], Z_EDGES[-1]
        ax.set(xlim=(left, right), ylim=(-1.15, 1.15), xlabel="z (at the ends: and beyond)")
        ax.set(yticks=[-1, 0, 1], ylabel="tanh z")
        z = np.linspace(left, right, 161)
        ax.axvspan(-LINEAR, LINEAR, color=LIGHT_GREY, alpha=0.6, lw=0)
        self._edges = np.repeat(Z_EDGES, 2)
        self._bars = moving(PolyCollection([], facecolor="#7f7f7f", edgecolor="none"))
        ax.add_collection(self._bars, autolim=False)
        moving(ax.plot(z, np.tanh(z), color="#222222")[0])
        moving(ax.plot([-1.15, 1.15], [-1.15, 1.15], "--", color="#222222", lw=1)[0])
        lines = ("— tanh", "#222222"), ("-- line", "#222222")
        key(ax, ("■ z of units", "#6a6a6a"), *lines, ("■ linear", "#9a9a9a"))

    def update(self, result: OneLambda, before: OneLambda | None) -> None:
        """Show `result.histogram`, (n,) shares of the pre-activations."""
        heights = np.concatenate([[0], np.repeat(result.histogram, 2), [0]])
        top = max(float(heights.max()), 1e-9)
        self._bars.set_verts([np.stack([self._edges, -1.15 + 1.1 * heights / top], axis=1)])


class LambdaAxis:
    """An axis of lambda with a cursor, the range where gradient descent diverges, and its mark.

    Parameters
    ----------
    ax : Axes
    low, high : float
        Of the y axis; what is above gets a triangle at the upper edge.
    """

    def __init__(self, ax: Axes, low: float, high: float) -> None:
        ax.set(xscale="log", xlim=(LAMBDAS[0] / 1.3, LAMBDAS[-1] * 1.3), ylim=(low, high), xlabel="λ")
        self._edge = moving(ax.axvline(1, color="#222222", ls=":", lw=1.5))
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        (self._off,) = ax.plot([], [], "^", color="#222222", ms=8, clip_on=False)
        self._off.set_in_layout(False)
        moving(self._off)
        self._top = 0.97 * high if ax.get_yscale() == "linear" else high / 1.6

    def show(self, result: OneLambda) -> None:
        """Put the cursor at `result.at`, the mark at `result.edge`, triangles where `result.diverged`."""
        self._cursor.set_xdata([LAMBDAS[result.at]] * 2)
        self._edge.set_xdata([result.edge] * 2)
        self._edge.set_visible(bool(LAMBDAS[0] < result.edge < LAMBDAS[-1]))
        x = LAMBDAS[result.diverged]
        self._off.set_data(x, np.full(len(x), self._top))


class LossOverLambdaView(View[OneLambda]):
    """Train and dev loss of one network for each lambda."""

    def __init__(self, ax: Axes, high: float = 2.0) -> None:
        self._axis = LambdaAxis(ax, 0, high)
        ax.set(ylabel="loss J, without penalty")
        moving(ax.axhline(np.log(2), color=GHOST, lw=1, ls="-."))
        self._old = [moving(ax.plot([], [], style, color=GHOST, lw=1.3)[0]) for style in ("-", "--")]
        self._new = [
            moving(ax.plot([], [], style, color=color, lw=2)[0])
            for style, color in (("-", TRAIN), ("--", DEV))
        ]
        marks = ("┃ λ", ACCENT), ("┊ αλ/m = 2", "#222222"), ("-·- guess", "#777777"), ("— before", "#777777")
        key(ax, ("— train", TRAIN), ("-- dev", DEV), *marks)

    def update(self, result: OneLambda, before: OneLambda | None) -> None:
        """Show `result.curves.train` and `.dev`, (n,) losses."""
        nothing = np.full(len(LAMBDAS), np.nan)
        for lines, shown in ((self._new, result), (self._old, before)):
            losses = (nothing, nothing) if shown is None else (shown.curves.train, shown.curves.dev)
            for line, values in zip(lines, losses, strict=True):
                line.set_data(LAMBDAS, np.where(values > FAR, np.nan, values))  # a triangle stands there
        self._axis.show(result)


class NormOverLambdaView(View[OneLambda]):
    """The Frobenius norm of each layer's weights over lambda."""

    STYLES = ("-", "--", ":")

    def __init__(self, ax: Axes, low: float = 1e-3, high: float = 1e2) -> None:
        ax.set_yscale("log")
        self._axis = LambdaAxis(ax, low, high)
        ax.set(ylabel="‖W‖ of each layer")
        self._old, self._new = (
            [moving(ax.plot([], [], style, color=color, lw=lw)[0]) for style in self.STYLES]
            for color, lw in ((GHOST, 1.3), ("#222222", 2))
        )
        lines = ("— W1", "#222222"), ("-- W2", "#222222"), ("··· W3", "#222222")
        key(ax, *lines, ("┃ λ", ACCENT), ("▲ diverged", "#222222"), ("— before", "#777777"))

    def update(self, result: OneLambda, before: OneLambda | None) -> None:
        """Show `result.curves.norms`, (n, n_layers)."""
        norms = result.curves.norms
        past = np.full_like(norms, np.nan) if before is None else before.curves.norms
        for lines, each in ((self._new, norms), (self._old, past)):
            for line, values in zip(lines, np.maximum(each, 1 / FAR).T, strict=True):
                line.set_data(LAMBDAS, np.where(values > FAR, np.nan, values))
        self._axis.show(result)


def views(figure: Figure) -> list[View[OneLambda]]:
    """Lay out the lab: the plane, the network, tanh; below, the losses and the norms over lambda."""
    rows = figure.add_gridspec(2, 1, height_ratios=[1.1, 1])
    above = rows[0].subgridspec(1, 3, width_ratios=[1, 1, 1])
    below = rows[1].subgridspec(1, 2)
    plane, drawing, curve = (figure.add_subplot(above[0, k]) for k in range(3))
    losses, norms = (figure.add_subplot(below[0, k]) for k in range(2))
    plane.set(xlabel="$x_1$", ylabel="$x_2$")
    key(plane, *((f"{mark} class {k}", CLASS_COLORS[k]) for k, mark in enumerate("●▲")))
    return [
        TwoClassesView(plane, attrgetter("map", "X", "y"), LIMIT, size=6),
        MessageView(plane),
        NetworkView(drawing),
        TanhView(curve),
        LossOverLambdaView(losses),
        NormOverLambdaView(norms),
    ]


def lambda_lab() -> Lab:
    """Return the lab *Lambda on a network*."""
    return Lab(
        "Lambda on a network",
        controls={
            "strength": log_slider("Strength λ", -3, 3, 0.01, 0.25),
            "penalty": choice("Penalty", list(PENALTIES), "L2"),
            "rate": log_slider("Learning rate α", -1.5, 0.5, 0.5, 0.1),
            "noise": real_slider("Noise of the data", 0.0, 1.0, 0.6, 0.05),
            "m": slider("Training examples m", 20, 200, 40, 10),
        },
        compute=regularize,
        views=views,
        grabs=[Grab(3, x="strength"), Grab(4, x="strength")],
        code=program,
        presets={
            "hardly any penalty": {"strength": 0.001},
            "just right": {"strength": 1},
            "W nearly 0": {"strength": 10**1.5},
            "diverges": {"strength": 10**2.5},
            "L1 cuts weights": {"penalty": "L1", "strength": 10**-0.5},
        },
        size=(9.6, 4.7),
    )

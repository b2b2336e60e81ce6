"""The lab *Inside the network*: what a penalty does to the weights, and to the units behind them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from dlhelpers.labs.regularization.common import strength_in_words
from dlhelpers.labs.regularization.over_lambda import (
    FAR,
    LAMBDAS,
    TRAIN_STEPS,
    UNITS,
    LambdaAxis,
    OverLambdas,
    Task,
    edge_of,
    index_of,
    lambda_controls,
    lambda_program,
    noisy_moons,
    train_over_lambda,
)
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import GHOST, LIGHT_GREY, View, key, moving
from dlhelpers.typing import BoolArray, FloatArray

LINEAR = 0.5
"""Up to this |z|, tanh z differs from z by less than 8%."""
Z_EDGES = np.linspace(-4, 4, 41)
VARIES = 0.05
"""A hidden unit varies if the standard deviation of its output over the training set is above this."""


class Inside(NamedTuple):
    """What the lab shows: the norms over lambda, and weights and pre-activations at one of them.

    The norms of `curves` are NaN until training has ended; all else is of the one network, now.
    """

    penalty: str
    at: int
    edge: float
    ratio: float
    curves: OverLambdas
    weights: FloatArray
    z: FloatArray
    far_from_b: float
    """The largest difference of a hidden pre-activation from its bias."""
    varies: BoolArray

    @property
    def diverged(self) -> BoolArray:
        """For which lambdas training has diverged."""
        return self.curves.gone_at >= 0

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
        """The share of the linear range, and the units that vary."""
        strength = f"{self.penalty}, λ = {strength_in_words(LAMBDAS[self.at])}"
        if self.diverged[self.at]:
            return f"{strength}: α λ/m is {self.ratio:.1f}, the weights grow without limit"
        if self.curves.step < TRAIN_STEPS:
            strength += f", after {self.curves.step:,} of {TRAIN_STEPS:,} steps"
        return f"{strength}: {self.linear:.0%} of the z are in the linear range"

    @property
    def caption(self) -> str:
        """What became of the weights and the units."""
        if self.diverged[self.at]:
            return (
                f"Each step multiplies W by 1 - α λ/m = {1 - self.ratio:.1f}: it changes sign and grows. "
                f"Within {self.curves.gone_at[self.at]} steps the weights are out of the frame."
            )
        length = np.sqrt((self.weights**2).sum())
        text = f"All weights together have length {length:.2g}. " if length > 1e-3 else "W is nearly 0. "
        if self.penalty == "L1":
            text += f"{np.mean(self.weights == 0):.0%} of the weights are exactly 0. "
        text += (
            f"{self.linear:.0%} of the z in both hidden layers lie where |z| < {LINEAR}; "
            f"{self.varies.sum()} of {len(self.varies)} hidden units vary from example to example."
        )
        if self.far_from_b < 5e-4:
            text += f" Every z is its bias b; these reach ±{np.abs(self.z).max():.1g}."
        if self.curves.step < TRAIN_STEPS:
            text += f" The norms over λ follow when all {len(LAMBDAS)} networks are trained."
        return text


def look_inside(
    strength: float, penalty: str, rate: float, noise: float, m: int, seed: int
) -> Iterator[tuple[float, Inside]]:
    """Show the network at the reader's lambda; train those at all lambdas first if needed."""
    at, task = index_of(strength), noisy_moons(noise, m, seed)
    for share, curves in train_over_lambda(penalty, rate, noise, m, seed):
        yield share, _inside(task, curves, at, penalty, rate)


@np.errstate(all="ignore")
def _inside(task: Task, curves: OverLambdas, at: int, penalty: str, rate: float) -> Inside:
    network, theta, m = task.network, curves.theta[at], len(task.train.X)
    trace, parts = network.trace(theta, task.train), network.layout.views(theta)
    return Inside(
        penalty,
        at,
        edge_of(penalty, rate, m),
        float(rate * LAMBDAS[at] / m),
        curves,
        np.nan_to_num(theta)[network.layout.is_weight],
        np.concatenate([Z.ravel() for Z in trace.Z[:-1]]),
        max(float(np.abs(trace.Z[k] - parts[f"b{k + 1}"]).max()) for k in (0, 1)),
        np.concatenate([A.std(axis=1) > VARIES for A in trace.A[:-1]]),
    )


def program(strength: float, penalty: str, rate: float, noise: float, m: int, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""{lambda_program(strength, penalty, rate, noise, m, seed)}
trace = network.trace(theta, train)
z = np.concatenate([Z.ravel() for Z in trace.Z[:-1]])  # hidden pre-activations
varies = [np.sum(A.std(axis=1) > {VARIES}) for A in trace.A[:-1]]  # units of each hidden layer
result = np.mean(np.abs(z) < {LINEAR}), sum(varies)
"""


class NetworkView(View[Inside]):
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

    def update(self, result: Inside, before: Inside | None) -> None:
        """Show `result.weights` (n_weights,), layer by layer, and `result.varies` (n_hidden,)."""
        self._lines.set_linewidth((2 * np.minimum(np.abs(result.weights), 3)).tolist())
        self._on.set_data(*self._hidden[result.varies].T)
        self._off.set_data(*self._hidden[~result.varies].T)


class TanhView(View[Inside]):
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

    def update(self, result: Inside, before: Inside | None) -> None:
        """Show `result.histogram`, (n,) shares of the pre-activations."""
        heights = np.concatenate([[0], np.repeat(result.histogram, 2), [0]])
        top = max(float(heights.max()), 1e-9)
        self._bars.set_verts([np.stack([self._edges, -1.15 + 1.1 * heights / top], axis=1)])


class NormOverLambdaView(View[Inside]):
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
        key(ax, *lines, ("▲ diverged", "#222222"), ("— before", "#777777"))

    def update(self, result: Inside, before: Inside | None) -> None:
        """Show `result.curves.norms`, (n, n_layers)."""
        norms = result.curves.norms
        past = np.full_like(norms, np.nan) if before is None else before.curves.norms
        for lines, each in ((self._new, norms), (self._old, past)):
            for line, values in zip(lines, np.maximum(each, 1 / FAR).T, strict=True):
                line.set_data(LAMBDAS, np.where(values > FAR, np.nan, values))
        self._axis.show(result)


def views(figure: Figure) -> list[View[Inside]]:
    """Lay out the lab: where the z lie on tanh; at the right the network, and the norms over lambda."""
    halves = figure.add_gridspec(1, 2, width_ratios=[1.3, 1])
    right = halves[0, 1].subgridspec(2, 1)
    curve, drawing, norms = (figure.add_subplot(cell) for cell in (halves[0, 0], right[0], right[1]))
    return [TanhView(curve), NetworkView(drawing), NormOverLambdaView(norms)]


def inside_lab() -> Lab:
    """Return the lab *Inside the network*."""
    return Lab(
        "Inside the network",
        controls=lambda_controls(0.01),
        compute=look_inside,
        views=views,
        grabs=[Grab(2, x="strength")],
        code=program,
        presets={
            "weak": {"strength": 0.001},
            "just right": {"strength": 1},
            "W nearly 0": {"strength": 10**1.5},
            "diverges": {"strength": 10**2.5},
            "L1 cuts weights": {"penalty": "L1", "strength": 10**-0.5},
        },
        size=(9.6, 4.2),
    )

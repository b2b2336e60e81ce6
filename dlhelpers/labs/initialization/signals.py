"""The lab *What is left of the signal?*: activations and gradients of each layer, before any training."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from dlhelpers.initialization import Signals
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.labs.initialization.common import (
    ACTIVATIONS,
    BACKWARD,
    FORWARD,
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
    size,
    times,
)
from dlhelpers.live.controls import choice, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.norms import root_mean_square
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_GREY, View, key, moving
from dlhelpers.typing import FloatArray

EDGES: FloatArray = np.linspace(-1.2, 3.2, 89)
"""Of the bins of activations."""


class Start(NamedTuple):
    """One start, before training.

    `histograms` (layers, bins) are shares of the activations that are not 0, `zeros` (layers,) the shares
    that are exactly 0, `outside` (layers,) those beyond the bins; `sizes` are root mean squares.
    """

    name: str
    activation: str
    histograms: FloatArray
    zeros: FloatArray
    outside: FloatArray
    sizes: Signals

    @property
    def finding(self) -> str:
        """What is left of signal and gradient at the other end."""
        up, down = self.sizes
        if not np.all(up):
            return f"{short(self.name)}, {self.activation}: no signal, all activations are 0"
        if len(up) == 1:
            return f"{short(self.name)}, {self.activation}: the activations have the size {size(up[0])}"
        return (
            f"{short(self.name)}, {self.activation}: from layer 1 to {len(up)}, the signal becomes "
            f"{times(up[-1], up[0])} as large; on the way down, the gradient {times(down[0], down[-1])}"
        )

    @property
    def caption(self) -> str:
        """The sizes of both ends, the zeros, and what lies outside of the frame."""
        up, last = self.sizes.activations, len(self.zeros)
        text = (
            f"{PROBE} digits, before any training. The activations have the size {size(up[0])} in layer 1"
            f"{f', and {size(up[-1])} in layer {last}' if last > 1 else ''}. There, {self.zeros[-1]:.0%} of "
            "them are exactly 0."
        )
        if self.outside[-1] > 0.005:
            text += f" Of the others, {self.outside[-1]:.0%} lie outside of the frame."
        return text


def begin(name: str, activation: str, hidden: int, seed: int) -> Start:
    """Send 256 digits through the untrained network, and the gradient back."""
    network = Network((64, *[UNITS] * hidden, 10), activation, "softmax_cross_entropy")
    X, Y, *_ = normalized_digits(seed).train
    theta = network.initialize(np.random.default_rng(seed), initializer=STARTS[name])
    trace = network.trace(theta, Batch(X[:PROBE], Y[:PROBE]))
    layers = trace.A[:-1]
    counts = np.array([np.histogram(layer[layer != 0], EDGES)[0] for layer in layers])
    others = np.array([np.count_nonzero(layer) for layer in layers])
    return Start(
        name,
        activation,
        histograms=counts / np.maximum(others, 1)[:, None],
        zeros=np.array([np.mean(layer == 0) for layer in layers]),
        outside=(others - counts.sum(axis=1)) / np.maximum(others, 1),
        sizes=Signals(*(np.array([root_mean_square(v) for v in part[:-1]]) for part in (trace.A, trace.dZ))),
    )


def program(name: str, activation: str, hidden: int, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from functools import partial
import numpy as np
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.initialization import normal
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.normalization import fit
from dlhelpers.norms import root_mean_square

X, y, *_ = digits()
data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng({seed}))
X = fit(data.X_train).apply(data.X_train)[:{PROBE}]
Y = one_hot(data.y_train, 10)[:{PROBE}]
network = Network({(64, *[UNITS] * hidden, 10)}, {activation!r}, "softmax_cross_entropy")
theta = network.initialize(np.random.default_rng({seed}), initializer={in_a_program(name)})
trace = network.trace(theta, Batch(X, Y))
activations = [root_mean_square(A) for A in trace.A[:-1]]
gradients = [root_mean_square(dZ) for dZ in trace.dZ[:-1]]
result = activations, gradients, [np.mean(A == 0) for A in trace.A[:-1]]
"""


class ActivationsView(View[Start]):
    """The activations of each hidden layer as an upright shape; a dark bar is the share that is 0."""

    WIDTH: ClassVar[float] = 0.42
    THIN: ClassVar[float] = 0.03
    """A layer whose largest share is smaller is drawn narrower: nearly all of it lies outside."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0.4, MOST_HIDDEN + 0.6), ylim=(EDGES[0], EDGES[-1]))
        ax.set(xticks=range(1, MOST_HIDDEN + 1), xlabel="hidden layer", ylabel="activation")
        ax.grid(axis="x", visible=False)
        self._before = PolyCollection([], facecolor=LIGHT_GREY, edgecolor="none")
        self._shapes = PolyCollection([], facecolor="#b58fc9", edgecolor="none")
        self._zeros = PolyCollection([], facecolor=FORWARD, edgecolor="none")
        for shapes in (self._before, self._shapes, self._zeros):
            ax.add_collection(moving(shapes), autolim=False)
        key(ax, ("◆ activations", FORWARD), ("▬ share that is exactly 0", FORWARD), ("◆ before", "#777777"))

    def update(self, result: Start, before: Start | None) -> None:
        """Show `result.histograms`, (layers, bins), and `result.zeros`, (layers,)."""
        self._shapes.set_verts(self._verts(result.histograms))
        self._before.set_verts([] if before is None else self._verts(before.histograms))
        self._zeros.set_verts(
            [
                _box(layer, self.WIDTH * share)
                for layer, share in enumerate(result.zeros, start=1)
                if share > 0
            ]
        )

    def _verts(self, histograms: FloatArray) -> list[FloatArray]:
        middle = np.repeat(EDGES, 2)[1:-1]
        shapes = []
        for layer, shares in enumerate(histograms, start=1):
            width = np.repeat(self.WIDTH * shares / max(shares.max(), self.THIN), 2)
            shapes.append(
                np.column_stack([np.r_[layer - width, layer + width[::-1]], np.r_[middle, middle[::-1]]])
            )
        return shapes


def _box(layer: int, half: float) -> FloatArray:
    return np.array(
        [(layer - half, -0.04), (layer + half, -0.04), (layer + half, 0.04), (layer - half, 0.04)]
    )


class SizesView(View[Start]):
    """The sizes of activations and gradients over the hidden layers."""

    LOW: ClassVar[float] = 1e-10
    HIGH: ClassVar[float] = 1e10

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0.4, MOST_HIDDEN + 0.6), ylim=(self.LOW, self.HIGH))
        ax.set(xticks=range(2, MOST_HIDDEN + 1, 2), xlabel="hidden layer", ylabel="size (root mean square)")
        ax.set_yticks([1e-8, 1e-4, 1, 1e4, 1e8])
        ax.minorticks_off()
        ax.grid(axis="x", visible=False)
        self._end = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._lines = []
        for name, style, color in (("activations", "o-", FORWARD), ("gradients", "s--", BACKWARD)):
            (old,) = ax.plot([], [], style[1:], color=GHOST, lw=1.5)
            (line,) = ax.plot([], [], style, color=color, ms=4.5, lw=2)
            self._lines.append((name, moving(old), moving(line)))
        key(ax, ("●— activations", FORWARD), ("■-- gradients", BACKWARD), ("┃ last layer", ACCENT))

    def update(self, result: Start, before: Start | None) -> None:
        """Show `result.sizes`; a size of 0 has no place on the axis."""
        for name, old, line in self._lines:
            sizes = getattr(result.sizes, name)
            line.set_data(np.arange(1, len(sizes) + 1), self._held(sizes))
            past = np.zeros(0) if before is None else self._held(getattr(before.sizes, name))
            old.set_data(np.arange(1, len(past) + 1), past)
        self._end.set_xdata([len(result.zeros)] * 2)

    def _held(self, sizes: FloatArray) -> FloatArray:
        return np.where(sizes > 0, np.clip(sizes, 1e-3 * self.LOW, 1e3 * self.HIGH), np.nan)


def views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the activations of each layer, and the sizes over the layers."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [ActivationsView(left), SizesView(right)]


def signals_lab() -> Lab:
    """Return the lab *What is left of the signal?*."""
    return Lab(
        "What is left of the signal?",
        controls={
            "name": choice("First weights", list(STARTS), LECUN),
            "activation": choice("Activation", list(ACTIVATIONS), "relu"),
            "hidden": slider("Hidden layers", 1, MOST_HIDDEN, 8),
        },
        compute=begin,
        views=views,
        grabs=[Grab(1, x="hidden")],
        code=program,
        presets={
            "zeros": {"name": ZEROS},
            "small, 0.01": {"name": SMALL},
            "large, 1": {"name": LARGE},
            "He, ReLU": {"name": HE},
            "LeCun, tanh": {"name": LECUN, "activation": "tanh"},
            "large, tanh": {"name": LARGE, "activation": "tanh"},
        },
    )

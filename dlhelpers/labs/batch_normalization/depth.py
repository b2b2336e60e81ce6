"""The lab *Does it cure depth?*: gradients at the start of training, layer by layer, with batch norm."""

from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.initialization import factor_per_layer
from dlhelpers.labs.batch_normalization.common import WITH, WITHOUT
from dlhelpers.live.controls import choice, log_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.plots.style import ACCENT, GHOST, TEST, View, key, moving
from dlhelpers.typing import FloatArray

UNITS, NETWORKS, MOST_LAYERS = 32, 16, 40
SIZES = (4, 8, 16, 32, 64, 128, 256)
"""Batch sizes."""
THEORY = {"relu": float(np.sqrt(np.pi / (np.pi - 1))), "linear": 1.0}
"""By how much a layer multiplies the gradient at the start, in wide layers and large batches."""
START = {"relu": "he_normal", "linear": "lecun_normal", "tanh": "lecun_normal"}


class Gradients(NamedTuple):
    """Sizes of dJ/dZ at the start, (networks, layers), with and without batch normalization."""

    normalized: FloatArray
    plain: FloatArray


class Growth(NamedTuple):
    """Gradients over the layers at one batch size, and their growth per layer at all sizes."""

    activation: str
    batch_size: int
    layers: int
    here: Gradients
    factors: dict[int, float]

    @property
    def finding(self) -> str:
        """By how much batch norm multiplies the gradient."""
        with_it, without = factor(self.here.normalized), factor(self.here.plain)
        known = len(self.here.normalized)
        far = f", so far ({known} of {NETWORKS} networks)" if known < NETWORKS else ""
        return (
            f"With batch norm a layer multiplies the gradient by {with_it:.2f} on its way down, "
            f"without by {without:.2f}{far}"
        )

    @property
    def caption(self) -> str:
        """The factors, what they come to, and what theory says."""
        total = [np.median(each[:, 0] / each[:, -1]) for each in self.here]
        text = (
            f"{self.layers} layers, batches of {self.batch_size}, medians of {len(self.here.normalized)} "
            f"networks before training. The gradient of layer 1 is {_times(total[0])} that of the last one "
            f"with batch norm, and {_times(total[1])} without."
        )
        if self.activation in THEORY:
            text += f" For wide layers and large batches theory says × {THEORY[self.activation]:.3f} a layer."
        return text


def _times(ratio: float) -> str:
    return f"{ratio:.2g} times" if 0.01 <= ratio < 100 else f"{float(f'{ratio:.2g}'):,.0f} times"


def factor(sizes: FloatArray) -> float:
    """Return by how much a layer multiplies the gradient on the way down, in the median network."""
    return float(factor_per_layer(np.median(sizes, axis=0)[::-1]))


@remembered(4 * len(SIZES))
def measure(batch_size: int, activation: str, layers: int, seed: int) -> Stages[Gradients]:
    """Send a batch of random numbers up and random gradients down, in networks of 32 units a layer."""
    sizes: dict[bool, list[FloatArray]] = {True: [], False: []}
    for k in range(NETWORKS):
        for normalize, rows in sizes.items():
            rows.append(gradient_sizes(batch_size, activation, layers, 100 * seed + k, normalize))
        if k == 3:
            yield 0.25, Gradients(np.array(sizes[True]), np.array(sizes[False]))
    yield 1.0, Gradients(np.array(sizes[True]), np.array(sizes[False]))


def gradient_sizes(batch_size: int, activation: str, layers: int, seed: int, normalize: bool) -> FloatArray:
    """Return the root mean square of dJ/dZ in each hidden layer of one network, (layers,)."""
    rng = np.random.default_rng(seed)
    batch_norm = BatchNormalization() if normalize else None
    network = Network((UNITS, *[UNITS] * layers, 1), activation, batch_norm=batch_norm)
    X, Y = rng.standard_normal((batch_size, UNITS)), rng.standard_normal((batch_size, 1))
    theta = network.initialize(rng, initializer=START[activation])
    trace = network.trace(theta, Batch(X, Y))
    return np.array([np.sqrt(np.mean(dZ**2)) for dZ in trace.dZ[:-1]])


def grow(batch_size: float, activation: str, layers: int, seed: int) -> Stages[Growth]:
    """Measure at this batch size, then at all others."""
    chosen = min(SIZES, key=lambda size: abs(np.log(size / batch_size)))
    recall = partial(measure.recall, activation=activation, layers=layers, seed=seed)
    compute = partial(measure, activation=activation, layers=layers, seed=seed)
    for share, known in each_of(SIZES, chosen, compute, recall):
        factors = {size: factor(known[size].normalized) for size in sorted(known)}
        yield share, Growth(activation, chosen, layers, known[chosen], factors)


def program(batch_size: float, activation: str, layers: int, seed: int) -> str:
    """Return the program behind the picture."""
    chosen = min(SIZES, key=lambda size: abs(np.log(size / batch_size)))
    return f"""
import numpy as np
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.initialization import factor_per_layer
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network

result = []
for batch_norm in (BatchNormalization(), None):
    network = Network(({UNITS}, *[{UNITS}] * {layers}, 1), {activation!r}, batch_norm=batch_norm)
    sizes = []
    for seed in range({100 * seed}, {100 * seed + NETWORKS}):
        rng = np.random.default_rng(seed)
        X, Y = rng.standard_normal(({chosen}, {UNITS})), rng.standard_normal(({chosen}, 1))
        theta = network.initialize(rng, initializer={START[activation]!r})
        dZ = network.trace(theta, Batch(X, Y)).dZ[:-1]
        sizes.append([np.sqrt(np.mean(each**2)) for each in dZ])
    result.append(factor_per_layer(np.median(sizes, axis=0)[::-1]))
"""


class LayersView(View[Growth]):
    """The size of the gradient over the layers, relative to the last one."""

    LOW, HIGH = 3e-3, 1e9

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(1, MOST_LAYERS), ylim=(self.LOW, self.HIGH), xlabel="layer")
        ax.set(ylabel="gradient, relative to the last layer")
        ax.set_yticks(10.0 ** np.arange(-2, 9, 2))
        ax.minorticks_off()
        self._theory = moving(ax.plot([], [], ":", color=TEST, lw=1.8)[0])
        self._parts = []
        for name, style, color in (("plain", "--", WITHOUT), ("normalized", "-", WITH)):
            band = moving(PolyCollection([], facecolor=color, alpha=0.25, edgecolor="none"))
            ax.add_collection(band, autolim=False)
            old = moving(ax.plot([], [], style, color=GHOST, lw=1.2)[0])
            line = moving(ax.plot([], [], style, color=color, lw=2.5)[0])
            self._parts.append((name, band, old, line))
        key(
            ax,
            ("— with batch norm", WITH),
            ("-- without", WITHOUT),
            ("··· theory", TEST),
            ("■ 90% of networks", "#777777"),
            ("— before", "#777777"),
        )

    def update(self, result: Growth, before: Growth | None) -> None:
        """Show `result.here`, medians and bands, and what theory says."""
        layers = np.arange(1, result.layers + 1)
        for name, band, old, line in self._parts:
            low, middle, high = self._relative(getattr(result.here, name))
            band.set_verts([np.column_stack([np.r_[layers, layers[::-1]], np.r_[low, high[::-1]]])])
            line.set_data(layers, middle)
            past = np.zeros(0) if before is None else self._relative(getattr(before.here, name))[1]
            old.set_data(np.arange(1, len(past) + 1), past)
        theory = THEORY.get(result.activation)
        growth = np.zeros(0) if theory is None else theory ** (result.layers - layers)
        self._theory.set_data(layers[: len(growth)], growth)

    def _relative(self, sizes: FloatArray) -> FloatArray:
        quantiles = np.quantile(sizes / sizes[:, -1:], [0.05, 0.5, 0.95], axis=0)
        return np.asarray(np.clip(quantiles, 1e-3 * self.LOW, 1e3 * self.HIGH))


class SizesView(View[Growth]):
    """The growth per layer over the batch size, beside what theory says."""

    LOW, HIGH = 0.9, 1.6

    def __init__(self, ax: Axes) -> None:
        ax.set_xscale("log", base=2)
        ax.set(xlim=(SIZES[0] / 1.3, SIZES[-1] * 1.3), ylim=(self.LOW, self.HIGH))
        ax.set(xlabel="batch size B", ylabel="growth per layer, with batch norm")
        ax.set_xticks(SIZES, [str(size) for size in SIZES])
        self._theory = moving(ax.axhline(1, color=TEST, lw=1.8, ls=":"))
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._dots = moving(ax.plot([], [], "s", color=WITH, ms=7, mec="white")[0])
        key(ax, ("■ measured", WITH), ("··· theory", TEST), ("┃ your B", ACCENT))

    def update(self, result: Growth, before: Growth | None) -> None:
        """Show `result.factors`; what lies outside of the frame stands at its edge."""
        values = np.clip(list(result.factors.values()), self.LOW + 0.01, self.HIGH - 0.01)
        self._dots.set_data(list(result.factors), values)
        self._cursor.set_xdata([result.batch_size] * 2)
        self._theory.set_ydata([THEORY.get(result.activation, np.nan)] * 2)


def growth_views(figure: Figure) -> list[View[Growth]]:
    """Lay out the lab: over the layers, and over the batch size."""
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    return [LayersView(left), SizesView(right)]


def normalized_depth_lab() -> Lab:
    """Return the lab *Does it cure depth?*."""
    return Lab(
        "Does it cure depth?",
        controls={
            "batch_size": log_slider("Batch size B", 2, 8, 64, 1, base=2, fmt=".0f"),
            "activation": choice("Activation", list(START), "relu"),
            "layers": slider("Layers", 5, MOST_LAYERS, 30),
        },
        compute=grow,
        views=growth_views,
        grabs=[Grab(1, x="batch_size")],
        code=program,
        presets={
            "batches of 4": {"batch_size": 4},
            "no ReLU": {"activation": "linear"},
            "tanh": {"activation": "tanh"},
        },
        size=(9.6, 3.9),
    )

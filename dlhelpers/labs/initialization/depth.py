"""The lab *Vanishing and exploding*: what many layers make of a signal, and of its gradient."""

from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dlhelpers.checks import inside
from dlhelpers.initialization import Signals, factor_per_layer, predict_signals, propagate
from dlhelpers.labs.initialization.common import BACKWARD, FORWARD, times
from dlhelpers.labs.words import three_digits
from dlhelpers.live.controls import choice, log_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.plots.style import ACCENT, GHOST, TEST, View, key, moving, note
from dlhelpers.typing import FloatArray

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

    @property
    def finding(self) -> str:
        """By how much a layer changes the activations and the gradients."""
        layers = self.measured.activations.shape[-1]
        up, down = map(three_digits, self.factors)
        return f"{layers} layers: activations × {up}, gradients × {down} a layer"

    @property
    def caption(self) -> str:
        """Prediction and measurement, their difference, and what they come to over all layers."""
        activations, gradients = (np.median(sizes, axis=0) for sizes in self.measured)
        (up, down), last = map(_agreement, self.factors, self.predicted_factors), len(activations)
        return (
            f"In the median network a layer changes the activations by {up}. On the way down it changes the "
            f"gradients by {down}. So the activations of layer {last} are "
            f"{times(activations[-1], activations[0])} those of layer 1, and the gradient of layer 1 is "
            f"{times(gradients[0], gradients[-1])} that of layer {last}. {_remark(self)}"
        )


def _agreement(measured: float, predicted: float) -> str:
    """Return a measured and a predicted factor, and the difference."""
    off = round(100 * (measured / predicted - 1), 1) + 0.0 if predicted > 0 else 0.0
    return f"× {three_digits(measured)} (predicted × {three_digits(predicted)}, difference {off:+.1f}%)"


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


@lru_cache(maxsize=1)
def many_networks(weights: str, width: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw the weights of 32 deep networks once, for a gain of 1, with an input and a gradient for each."""
    rng = np.random.default_rng(seed)
    x, top = np.abs(rng.standard_normal((2, NETWORKS, width)))  # like gray levels, inputs are not negative
    if weights == EQUAL:
        return np.ones((MOST_LAYERS, width, width)), x, top
    return rng.standard_normal((MOST_LAYERS, NETWORKS, width, width)) / np.sqrt(width), x, top


@lru_cache(maxsize=64)
def measure(activation: str, weights: str, layers: int, width: int, gain: float, seed: int) -> Signals:
    """Send signals and gradients through the first layers of all networks."""
    V, x, top = many_networks(weights, width, seed)
    with np.errstate(all="ignore"):
        return inside(propagate)(V[:layers], x, top, activation, gain)


@lru_cache(maxsize=64)
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


@lru_cache(maxsize=16 * len(GAINS))
def factors_at(
    activation: str, weights: str, layers: int, width: int, gain: float, seed: int
) -> tuple[Factors, Factors]:
    """Return the measured and the predicted factors at one gain."""
    setting = (activation, weights, layers, width, gain)
    return factors_of(measure(*setting, seed)), factors_of(predict(*setting))


@remembered(16)
def factors_over_gain(
    activation: str, weights: str, layers: int, width: int, seed: int
) -> Stages[dict[float, tuple[Factors, Factors]]]:
    """Yield, from gain to measured and predicted factors, what is known so far."""
    known: dict[float, tuple[Factors, Factors]] = {}
    for done, gain in enumerate(GAINS):
        yield done / len(GAINS), known
        known = {**known, gain: factors_at(activation, weights, layers, width, gain, seed)}
    yield 1.0, known


def deepen(activation: str, weights: str, gain: float, layers: int, width: float, seed: int) -> Stages[Depth]:
    """Measure at this gain, then at all others; yield what is known so far."""
    setting = (activation, weights, layers, round(width))
    measured, predicted = measure(*setting, gain, seed), predict(*setting, gain)
    here = Depth(
        activation=activation,
        weights=weights,
        width=round(width),
        gain=gain,
        measured=measured,
        predicted=predicted,
        factors=factors_of(measured),
        predicted_factors=factors_of(predicted),
        over_gain={},
        predicted_over_gain={},
    )
    for share, known in factors_over_gain(*setting, seed):
        yield (
            share,
            here._replace(
                over_gain={at: each for at, (each, _) in known.items()},
                predicted_over_gain={at: each for at, (_, each) in known.items()},
            ),
        )


def program(activation: str, weights: str, gain: float, layers: int, width: float, seed: int) -> str:
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


class SizesView(View[Depth]):
    """The sizes of activations and gradients over the layers: median and 90% band of many networks."""

    LOW: ClassVar[float] = 1e-12
    HIGH: ClassVar[float] = 1e12
    CORNERS: ClassVar[tuple[tuple[float, float], ...]] = (
        (0.74, 0.87),
        (0.26, 0.87),
        (0.26, 0.13),
        (0.74, 0.13),
    )
    """Where the factors may stand, as shares of the frame: in the first one that no curve crosses."""

    def __init__(self, ax: Axes, most_layers: int) -> None:
        self._most_layers = most_layers
        ax.set(yscale="log", xlim=(0, most_layers + 1), ylim=(self.LOW, self.HIGH))
        ax.set(xlabel="layer", ylabel="size (root mean square)")
        ax.set_yticks(10.0 ** np.arange(-12, 13, 4))
        ax.minorticks_off()
        moving(ax.axhline(1, color="#777777", lw=1))
        self._parts = []
        for name, color, style in (("activations", FORWARD, "-"), ("gradients", BACKWARD, "--")):
            band = PolyCollection([], facecolor=color, alpha=0.25, edgecolor="none")
            ax.add_collection(band, autolim=False)
            (old,) = ax.plot([], [], style, color=GHOST, lw=1.5)
            (line,) = ax.plot([], [], style, color=color, lw=2.5)
            (theory,) = ax.plot([], [], ":", color=TEST, lw=1.5)
            middle: dict[str, Any] = {"ha": "center", "va": "center", "transform": ax.transAxes}
            factor = note(ax, 0, 1, color=color, fontweight="bold", fontsize=11, **middle)
            for artist in (band, old, line, theory):
                moving(artist)
            self._parts.append((name, band, old, line, theory, factor))
        key(
            ax,
            ("— activations", FORWARD),
            ("-- gradients", BACKWARD),
            ("··· predicted", TEST),
            ("■ 90% of networks", "#777777"),
            ("— before", "#777777"),
        )

    def update(self, result: Depth, before: Depth | None) -> None:
        """Show `result.measured` and `result.predicted`, Signals of (K, L) and (L,) arrays."""
        drawn = []
        for name, band, old, line, theory, factor in self._parts:
            sizes, predicted = getattr(result.measured, name), self._held(getattr(result.predicted, name))
            low, median, high = self._held(np.quantile(sizes, [0.05, 0.5, 0.95], axis=0))
            layers = np.arange(1, len(median) + 1)
            band.set_verts([np.column_stack([np.r_[layers, layers[::-1]], np.r_[low, high[::-1]]])])
            line.set_data(layers, median)
            theory.set_data(layers, predicted)
            past = (
                np.zeros(0)
                if before is None
                else self._held(np.median(getattr(before.measured, name), axis=0))
            )
            old.set_data(np.arange(1, len(past) + 1), past)
            drawn += [low, median, high, predicted]
            arrow = "→" if name == "activations" else "←"
            factor.set_text(f"{arrow} × {three_digits(getattr(result.factors, name))} a layer")
        x, y = self._free_corner(np.array(drawn))
        for (*_, factor), lift in zip(self._parts, (0.035, -0.035), strict=True):
            factor.set_position((x, y + lift))

    def _held(self, sizes: FloatArray) -> FloatArray:
        """Return the sizes, held just outside of the frame where a log axis cannot draw them."""
        return np.clip(sizes, 1e-3 * self.LOW, 1e3 * self.HIGH)

    def _free_corner(self, curves: FloatArray) -> tuple[float, float]:
        """Return the first corner that none of the curves crosses, (n, L) sizes over the layers."""
        across = np.arange(1, curves.shape[1] + 1) / (self._most_layers + 1)
        up = np.log(curves / self.LOW) / np.log(self.HIGH / self.LOW)
        for x, y in self.CORNERS:
            if not ((np.abs(across - x) < 0.26) & (np.abs(up - y) < 0.13)).any():
                return x, y
        return self.CORNERS[0]


class FactorView(View[Depth]):
    """The factor per layer over the gain: measured for each gain, and predicted."""

    def __init__(self, ax: Axes, lowest: float, highest: float) -> None:
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        ax.set(xlim=(lowest / 1.15, highest * 1.15), ylim=(1 / 16, 256))
        ax.set(xlabel="gain g", ylabel="factor per layer")
        ticks = [0.25, 0.5, 1, 2, 4]
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ticks = [1 / 16, 0.25, 1, 4, 16, 64, 256]
        ax.set_yticks(ticks, ["1/16", "1/4", "1", "4", "16", "64", "256"])
        ax.minorticks_off()
        moving(ax.axhline(1, color="#777777", lw=1))
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._parts: list[tuple[str, Line2D, Line2D]] = []
        for name, color, size in (("activations", FORWARD, 9), ("gradients", BACKWARD, 4.5)):
            (theory,) = ax.plot([], [], ":", color=TEST, lw=1.5)
            (dots,) = ax.plot([], [], "o", color=color, ms=size, mec="white", mew=0.5)
            self._parts.append((name, moving(dots), moving(theory)))
        key(
            ax,
            ("⬤ activations", FORWARD),
            ("• gradients", BACKWARD),
            ("┃ your g", ACCENT),
        )

    def update(self, result: Depth, before: Depth | None) -> None:
        """Show `result.over_gain` and `result.predicted_over_gain`: from a gain to its two factors."""
        for name, dots, theory in self._parts:
            for artist, factors in ((dots, result.over_gain), (theory, result.predicted_over_gain)):
                values = [float(np.clip(getattr(each, name), 1e-3, 1e3)) for each in factors.values()]
                artist.set_data(list(factors), values)
        self._cursor.set_xdata([result.gain, result.gain])


def depth_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: sizes over the layers, and factors over the gain."""
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    return [SizesView(left, MOST_LAYERS), FactorView(right, GAINS[0], GAINS[-1])]


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
        grabs=[Grab(1, x="gain")],
        code=program,
        presets={
            "explodes": {"gain": 2**0.5},
            "ReLU at g = 1": {"activation": "relu", "gain": 1.0},
            "ReLU at g = √2": {"activation": "relu", "gain": 2**0.5},
            "0.5, one unit": {"weights": EQUAL, "gain": 0.5, "width": 1},
            "0.5, 64 units": {"weights": EQUAL, "gain": 0.5, "width": 64},
        },
        size=(9.6, 4.05),
    )

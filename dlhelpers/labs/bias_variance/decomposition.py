"""The lab *Bias and variance add up*: many fits, their mean, and the parts of their error."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from dlhelpers.bias_variance import Decomposition, decompose, polynomial_fits
from dlhelpers.datasets import FUNCTIONS, noisy_function
from dlhelpers.experiments import network_fits
from dlhelpers.live.controls import choice, real_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.plots.style import (
    ACCENT,
    GHOST,
    LIGHT_GREY,
    LIGHT_OCHRE,
    LIGHT_PLUM,
    OCHRE,
    PLUM,
    TEST,
    View,
    key,
    moving,
)
from dlhelpers.typing import FloatArray

N_FITS = 50
CAPACITIES = tuple(range(1, 13))
X_GRID = np.linspace(-1, 1, 161)
NETWORK_STEPS = 1000


class Fits(NamedTuple):
    """What the lab shows: the fits at one capacity, and the errors at all that are computed.

    `trained` is the share of the training that the fits at this capacity have behind them.
    """

    model: str
    capacity: int
    curves: FloatArray
    truth: FloatArray
    x_train: FloatArray
    y_train: FloatArray
    curve: dict[int, Decomposition]
    trained: float = 1.0

    @property
    def finding(self) -> str:
        """Return the sum, as numbers."""
        here = self.curve[self.capacity]
        parts = " + ".join(_short(part) for part in (here.bias2, here.variance, here.noise))
        return f"{self._name}: bias² + variance + noise = {parts} = {_short(here.total)}"

    @property
    def caption(self) -> str:
        """Say which part is the largest, where the lowest error lies, and how well the sum agrees."""
        here = self.curve[self.capacity]
        parts = {"bias²": here.bias2, "variance": here.variance, "noise": here.noise}
        largest = max(parts, key=lambda name: parts[name])
        text = (
            f"The measured test error is {_short(here.test_error)}; the sum of the three parts differs from "
            f"it by {here.residual:.1%}. The largest part is {largest}."
        )
        if self.trained < 1:
            text += (
                f" These networks are at step {round(self.trained * NETWORK_STEPS):,} of {NETWORK_STEPS:,}."
            )
        if len(self.curve) < len(CAPACITIES):
            text += f" Bars so far: {len(self.curve)} of {len(CAPACITIES)}."
        else:
            best = min(self.curve, key=lambda capacity: self.curve[capacity].test_error)
            where = "here" if best == self.capacity else f"at {best}"
            text += f" Among the {len(CAPACITIES)} bars, the test error is lowest {where}."
        luck = here.variance / N_FITS
        if luck >= 0.005:
            text += (
                f" About variance / {N_FITS} = {_short(luck)} of bias² is luck: the mean of {N_FITS} fits "
                "scatters too."
            )
        if here.test_error > 1:
            text += " The bar is higher than the frame: a triangle marks it."
        return text

    @property
    def _name(self) -> str:
        if self.model == "polynomial":
            return f"Degree {self.capacity}"
        return f"{self.capacity} hidden unit{'s' if self.capacity > 1 else ''}"


def _short(value: float) -> str:
    """Return an error with three decimals, or in powers of ten when it is huge."""
    return f"{value:.3f}" if value < 100 else f"{value:.1e}"


class Experiment(NamedTuple):
    """50 training sets and, for each of them, fresh noisy targets at the test points."""

    x: FloatArray
    y: FloatArray
    x_test: FloatArray
    truth: FloatArray
    targets: FloatArray


@lru_cache(maxsize=4)
def experiment(truth: str, m: int, noise: float, seed: int) -> Experiment:
    """Draw the training sets and the test set of the lab."""
    rng = np.random.default_rng(seed)
    x, y = (array.reshape(N_FITS, m) for array in noisy_function(truth, N_FITS * m, noise, rng))
    x_test = rng.uniform(-1, 1, 1000)
    f = FUNCTIONS[truth](x_test)
    return Experiment(x, y, x_test, f, f + noise * rng.standard_normal((N_FITS, 1000)))


@lru_cache(maxsize=4)
def polynomial_curve(truth: str, m: int, noise: float, seed: int) -> dict[int, Decomposition]:
    """Return the decomposition for every degree."""
    data = experiment(truth, m, noise, seed)
    return {
        degree: decompose(
            polynomial_fits(data.x, data.y, degree, data.x_test), data.truth, data.targets, noise**2
        )
        for degree in CAPACITIES
    }


def polynomials(capacity: int, truth: str, m: int, noise: float, seed: int) -> Fits:
    """Return the fits of one degree and the errors of all."""
    data = experiment(truth, m, noise, seed)
    curves = polynomial_fits(data.x, data.y, capacity, X_GRID)
    curve = polynomial_curve(truth, m, noise, seed)
    return Fits("polynomial", capacity, curves, FUNCTIONS[truth](X_GRID), data.x[0], data.y[0], curve)


class Width(NamedTuple):
    """50 networks of one width: their curves on the grid, the parts of their error, how far they are."""

    curves: FloatArray
    parts: Decomposition
    trained: float


@remembered(4 * len(CAPACITIES))
def networks_of_width(hidden: int, truth: str, m: int, noise: float, seed: int) -> Stages[Width]:
    """Train 50 networks, one for each training set."""
    data = experiment(truth, m, noise, seed)
    points = np.concatenate([X_GRID, data.x_test])
    rng = np.random.default_rng(seed)
    for share, values in network_fits(data.x, data.y, hidden, points, NETWORK_STEPS, rng):
        parts = decompose(values[:, X_GRID.size :], data.truth, data.targets, noise**2)
        yield share, Width(values[:, : X_GRID.size].copy(), parts, share)


def networks(capacity: int, truth: str, m: int, noise: float, seed: int) -> Stages[Fits]:
    """Train 50 networks of this width, then those of all other widths; yield what is known so far."""
    data = experiment(truth, m, noise, seed)
    f = FUNCTIONS[truth](X_GRID)

    def of_width(hidden: int) -> Stages[Width]:
        return networks_of_width(hidden, truth, m, noise, seed)

    def recall(hidden: int) -> Width | None:
        return networks_of_width.recall(hidden, truth, m, noise, seed)

    for share, known in each_of(CAPACITIES, capacity, of_width, recall):
        curves, _, trained = known[capacity]
        parts = {hidden: known[hidden].parts for hidden in sorted(known)}
        yield share, Fits("network", capacity, curves, f, data.x[0], data.y[0], parts, trained)


def fits(
    model: str, capacity: int, truth: str, m: int, noise: float, seed: int
) -> Fits | Iterator[tuple[float, Fits]]:
    """Return the fits of polynomials at once, or those of networks as training goes on."""
    compute = polynomials if model == "polynomial" else networks
    return compute(capacity, truth, m, noise, seed)


def program(model: str, capacity: int, truth: str, m: int, noise: float, seed: int) -> str:
    """Return the program for the chosen model."""
    if model == "polynomial":
        imports = (
            "from dlhelpers.bias_variance import decompose, polynomial_fits\n"
            "from dlhelpers.datasets import FUNCTIONS, noisy_function"
        )
        fit = f"predictions = polynomial_fits(x, y, {capacity}, x_test)"
    else:
        imports = (
            "from dlhelpers.bias_variance import decompose\n"
            "from dlhelpers.datasets import FUNCTIONS, noisy_function\n"
            "from dlhelpers.experiments import network_fits"
        )
        fit = (
            f"*_, (_, predictions) = network_fits(x, y, {capacity}, x_test, {NETWORK_STEPS}, "
            f"np.random.default_rng({seed}))"
        )
    return f"""
import numpy as np
{imports}

rng = np.random.default_rng({seed})
x, y = noisy_function({truth!r}, {N_FITS} * {m}, {noise}, rng)
x, y = x.reshape({N_FITS}, {m}), y.reshape({N_FITS}, {m})  # {N_FITS} training sets of {m} points
x_test = rng.uniform(-1, 1, 1000)
targets = FUNCTIONS[{truth!r}](x_test) + {noise} * rng.standard_normal(({N_FITS}, 1000))
{fit}
result = decompose(predictions, FUNCTIONS[{truth!r}](x_test), targets, {noise}**2)
"""


class FitsView(View[Fits]):
    """Many fits to resampled data, their mean, the truth, and one of the training sets.

    Parameters
    ----------
    ax : Axes
    x : (n,) float array
        Where the fits are drawn, ascending.
    limit : float
        The y axis reaches from -limit to limit.
    """

    def __init__(self, ax: Axes, x: FloatArray, limit: float = 2.0) -> None:
        ax.set(xlim=(-1, 1), ylim=(-limit, limit), xlabel="x", ylabel="y")
        self._x = x
        self._fits = LineCollection([], colors=LIGHT_OCHRE, linewidths=0.7)
        ax.add_collection(self._fits, autolim=False)
        (self._before,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._points,) = ax.plot([], [], "o", color=GHOST, ms=4, mec="white", mew=0.5)
        (self._truth,) = ax.plot([], [], ":", color=TEST, lw=2.5)
        (self._mean,) = ax.plot([], [], color=PLUM, lw=2.5)
        for artist in (self._fits, self._before, self._points, self._truth, self._mean):
            moving(artist)
        key(
            ax,
            ("— 50 fits", OCHRE),
            ("━ mean", PLUM),
            ("┅ truth f(x)", TEST),
            ("● one training set", "#777777"),
            ("— before", "#777777"),
        )

    def update(self, result: Fits, before: Fits | None) -> None:
        """Show `result.curves` (K, n), `result.truth` (n,), `result.x_train` and `result.y_train` (m,)."""
        fits = result.curves[:, ::2]  # every second point is enough to draw
        self._fits.set_segments(list(np.stack([np.broadcast_to(self._x[::2], fits.shape), fits], axis=-1)))
        self._mean.set_data(self._x, result.curves.mean(axis=0))
        self._truth.set_data(self._x, result.truth)
        self._points.set_data(result.x_train, result.y_train)
        self._before.set_data(self._x, np.nan * self._x if before is None else before.curves.mean(axis=0))


class ErrorStackView(View[Fits]):
    """Bias^2, variance and noise as stacked bars over capacity, and the measured test error as dots.

    The noise stands on top: however large it is, it hides neither of the others.  Below it is bias^2: where
    fits go wild, their mean does, too.  A bar that is higher than the axes gets a triangle at the top edge.
    """

    def __init__(self, ax: Axes, capacities: Sequence[int], top: float = 1.0) -> None:
        ax.set(
            xlim=(capacities[0] - 0.6, capacities[-1] + 0.6),
            ylim=(0, top),
            xticks=list(capacities),
            xlabel="polynomial degree, or hidden units",
            ylabel="squared error",
        )
        ax.grid(axis="x", visible=False)
        self._top = top
        self._parts = [
            moving(PolyCollection([], facecolor=color, edgecolor="white", lw=0.5, hatch=hatch))
            for color, hatch in ((LIGHT_OCHRE, "/"), (LIGHT_PLUM, ""), (LIGHT_GREY, "--"))
        ]
        for part in self._parts:
            ax.add_collection(part, autolim=False)
        (self._before,) = ax.plot([], [], "_", color=GHOST, ms=14, mew=2)
        (self._measured,) = ax.plot([], [], "o", color=TEST, ms=5)
        (self._off,) = ax.plot([], [], "^", color=TEST, ms=8, clip_on=False)
        self._cursor = PolyCollection([], facecolor="none", edgecolor=ACCENT, lw=2.5)
        ax.add_collection(self._cursor, autolim=False)
        key(
            ax,
            ("■ bias²", PLUM),
            ("▨ variance", OCHRE),
            ("▤ noise", "#777777"),
            ("● measured", TEST),
            ("□ yours", ACCENT),
        )
        for artist in (self._before, self._measured, self._off, self._cursor):
            moving(artist)

    def update(self, result: Fits, before: Fits | None) -> None:
        """Show `result.curve`, a dict from capacity to Decomposition, and mark `result.capacity`."""
        capacities = list(result.curve)
        parts = result.curve.values()
        floor = np.zeros(len(parts))
        for collection, name in zip(self._parts, ("variance", "bias2", "noise"), strict=True):
            height = np.array([getattr(part, name) for part in parts])
            collection.set_verts(_bars(capacities, floor, floor + height))
            floor = floor + height
        errors = np.array([part.test_error for part in parts])
        self._measured.set_data(capacities, errors)
        off = [c for c, error in zip(capacities, errors, strict=True) if error > self._top]
        self._off.set_data(off, np.full(len(off), 0.985 * self._top))
        here = result.curve[result.capacity]
        self._cursor.set_verts(_bars([result.capacity], np.zeros(1), np.array([min(here.total, self._top)])))
        old = {} if before is None else before.curve
        self._before.set_data(list(old), [part.test_error for part in old.values()])


def _bars(x: Sequence[float], low: FloatArray, high: FloatArray) -> list[FloatArray]:
    """Return the corners of upright bars of width 0.8, clipped where they would be too large to draw."""
    high = np.minimum(high, 1e6)
    return [
        np.array([(c - 0.4, lo), (c - 0.4, hi), (c + 0.4, hi), (c + 0.4, lo)])
        for c, lo, hi in zip(x, np.minimum(low, 1e6), high, strict=True)
    ]


def views(figure: Figure) -> list[View[Fits]]:
    """Lay out the lab: the fits, and the errors over capacity."""
    left, right = figure.subplots(1, 2)
    return [FitsView(left, X_GRID), ErrorStackView(right, CAPACITIES)]


def decomposition_lab() -> Lab:
    """Return the lab *Bias and variance add up*."""
    return Lab(
        "Bias and variance add up",
        controls={
            "model": choice("Model", ["polynomial", "network"], "polynomial"),
            "capacity": slider("Degree or hidden units", 1, 12, 3),
            "truth": choice("Truth f(x)", list(FUNCTIONS), "sine"),
            "m": slider("Training points m", 15, 100, 30),
            "noise": real_slider("Noise σ", 0.0, 1.0, 0.3, 0.05),
        },
        compute=fits,
        views=views,
        grabs=[Grab(1, x="capacity")],
        code=program,
        presets={
            "underfits": {"capacity": 1},
            "just right": {"capacity": 5},
            "overfits": {"capacity": 9},
            "more data": {"capacity": 9, "m": 100},
            "networks": {"model": "network", "capacity": 8},
        },
    )

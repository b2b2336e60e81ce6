"""The lab *Does momentum average the noise away?*: how far stochastic steps scatter in the long run."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.averages import moving_average
from dlhelpers.labs.optimizers.common import path_of, stationary, transition
from dlhelpers.live.controls import log_slider, real_slider, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import GradientDescent, Momentum, Optimizer
from dlhelpers.plots.style import ACCENT, GHOST, OPTIMIZER_COLORS, View, key, moving
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

NOISE_RATES = 10.0 ** np.linspace(-2, 0.2, 12)
N_RUNS, N_STEPS, WARM_UP, PIECE = 80, 2000, 500, 100
SHOWN = 300
METHODS = ("GD", "momentum", "averaged GD")
METHOD_COLORS = (OPTIMIZER_COLORS["GD"], OPTIMIZER_COLORS["momentum"], "#4a9bd0")
METHOD_STYLES = ("-", "--", "-.")


class SquaredDistance:
    """The loss (theta - x)^2 / 2, averaged over the examples x: its minimum is their mean."""

    def loss(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the loss on the batch, of shape (...)."""
        return np.asarray(((theta - batch.X) ** 2 / 2).mean(axis=-1))

    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return theta minus the batch's example: the true gradient, theta, and noise of variance 1."""
        return theta - batch.X


def examples(n: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield mini-batches of one example, for each of n runs another: normal numbers with mean 0."""
    while True:
        X = rng.standard_normal((n, 1))
        yield Batch(X, X)


class Floors(NamedTuple):
    """Variances of theta in the long run, and one run at the chosen rate.

    `measured` and `predicted` are (3, 12): gradient descent, momentum, averaged iterates, at each rate;
    what is measured is NaN before the runs have warmed up.  `directions` is (2, 300), `thetas` (3, 300).
    """

    at: int
    beta: float
    gamma: float
    measured: FloatArray
    predicted: FloatArray
    directions: FloatArray
    thetas: FloatArray

    @property
    def finding(self) -> str:
        """The noise floors in units of that of gradient descent."""
        momentum, averaged = self._shares(self.predicted)
        return (
            f"α = {NOISE_RATES[self.at]:.2g}: the noise floor of momentum is {momentum:.0%} of gradient "
            f"descent's, that of the averaged iterates {averaged:.0%}"
        )

    @property
    def caption(self) -> str:
        """What was measured, against the formula."""
        text = (
            "The floor is the variance of θ in the long run. Lines and the heading are the formula; dots are "
            f"measured on {N_RUNS} runs for each rate. "
        )
        if np.isnan(self.measured[:, self.at]).any():
            return text + f"The runs have not done their first {WARM_UP:,} steps, so there are no dots yet."
        momentum, averaged = self._shares(self.measured)
        rough = np.std(self.directions[1]) / np.std(self.directions[0])
        share = self._shares(self.predicted)[0]
        return (
            f"{text}Measured at this α: {momentum:.0%} and {averaged:.0%}. On the right, one run: the "
            f"direction of momentum scatters {rough:.1f} times as widely as the gradient. Its θ scatters, in "
            f"the long run, {np.sqrt(share):.2f} times as widely as that of gradient descent (the root of "
            f"{share:.0%})."
        )

    def _shares(self, variances: FloatArray) -> tuple[float, float]:
        plain, momentum, averaged = variances[:, self.at]
        return float(momentum / plain), float(averaged / plain)


@lru_cache(maxsize=256)
def predicted_floors(rate: float, beta: float, gamma: float) -> tuple[float, float, float]:
    r"""Return the three variances of theta in the long run, where h = 1 and the noise has variance 1.

    Momentum moves (v, theta) by `transition`; the noise of a gradient enters v with the factor a = 1 - beta,
    and theta with -alpha a.  The average of the iterates, with the share gamma of the old one, moves
    (theta, average); theta with the noise -alpha, the average with -alpha (1 - gamma).
    """
    plain = rate / (2 - rate)
    push = (1 - beta) * np.array([1.0, -rate])
    momentum = stationary(transition(rate, beta, 1.0), np.outer(push, push))[1, 1]
    matrix = np.array([[1 - rate, 0.0], [(1 - gamma) * (1 - rate), gamma]])
    push = -rate * np.array([1.0, 1 - gamma])
    averaged = stationary(matrix, np.outer(push, push))[1, 1]
    return plain, float(momentum), float(averaged)


@remembered(16)
def measure(beta: float, gamma: float, seed: int) -> Stages[FloatArray]:
    """Run gradient descent, its average and momentum at all rates; yield the variances so far, (3, 12).

    Both see the same examples.  The mean of theta is known to be 0, so the variance is a mean square.
    """
    rates = np.repeat(NOISE_RATES, N_RUNS)[:, None]
    start, cost = np.zeros_like(rates), SquaredDistance()
    plain, momentum = (
        descend(cost, start, examples(len(rates), np.random.default_rng(seed)), optimizer, rates)
        for optimizer in (GradientDescent(), Momentum(beta))
    )
    average, sums = start, np.zeros((3, len(NOISE_RATES)))
    for k in range(1, N_STEPS + 1):
        thetas = [next(plain).theta, next(momentum).theta]
        average = gamma * average + (1 - gamma) * thetas[0]
        if k > WARM_UP:
            squares = np.stack([*thetas, average]) ** 2
            sums += squares.reshape(3, len(NOISE_RATES), N_RUNS).mean(axis=2)
        if k % PIECE == 0:
            known = sums / (k - WARM_UP) if k > WARM_UP else np.full_like(sums, np.nan)
            yield k / N_STEPS, known


def _one_run(optimizer: Optimizer, rate: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return the directions and theta of one run, after its first steps, (300,) each."""
    rng, begin = np.random.default_rng(seed), 200
    run = descend(SquaredDistance(), np.zeros((1, 1)), examples(1, rng), optimizer, rate)
    thetas = path_of(islice(run, begin + SHOWN + 1))[begin:, 0, 0]
    return -np.diff(thetas) / rate, thetas[:-1]


@lru_cache(maxsize=256)
def traces(rate: float, beta: float, gamma: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return what one run shows: two directions, (2, 300), and three thetas, (3, 300)."""
    g, theta = _one_run(GradientDescent(), rate, seed)
    v, theta_momentum = _one_run(Momentum(beta), rate, seed)
    average = moving_average(theta, gamma, bias_correction=True)
    return np.stack([g, v]), np.stack([theta, theta_momentum, average])


def compare_floors(rate: float, beta: float, gamma: float, seed: int) -> Stages[Floors]:
    """Compare what is measured with the formula, at all rates."""
    at = int(np.abs(np.log(NOISE_RATES / rate)).argmin())
    predicted = np.array([predicted_floors(float(each), beta, gamma) for each in NOISE_RATES]).T
    shown = traces(float(NOISE_RATES[at]), beta, gamma, seed)
    for share, measured in measure(beta, gamma, seed):
        yield share, Floors(at, beta, gamma, measured, predicted, *shown)


def program(rate: float, beta: float, gamma: float, seed: int) -> str:
    """Return the program behind the picture."""
    at = int(np.abs(np.log(NOISE_RATES / rate)).argmin())
    return f"""
import numpy as np
from dlhelpers.labs.optimizers.common import stationary, transition
from dlhelpers.labs.optimizers.noise import SquaredDistance, examples
from dlhelpers.optimizers import GradientDescent, Momentum
from dlhelpers.training import descend

beta, gamma, n = {beta}, {gamma}, {N_RUNS}  # n runs at each of twelve rates
each = 10.0 ** np.linspace(-2, 0.2, 12)
rates = np.repeat(each, n)[:, None]
cost, start = SquaredDistance(), np.zeros_like(rates)
plain, momentum = (
    descend(cost, start, examples(len(rates), np.random.default_rng({seed})), optimizer, rates)
    for optimizer in (GradientDescent(), Momentum(beta))
)
average, sums = start, np.zeros((3, 12))
for k in range(1, {N_STEPS} + 1):
    thetas = [next(plain).theta, next(momentum).theta]
    average = gamma * average + (1 - gamma) * thetas[0]
    if k > {WARM_UP}:
        squares = np.stack([*thetas, average]) ** 2
        sums += squares.reshape(3, 12, n).mean(axis=2)

rate = each[{at}]
push = (1 - beta) * np.array([1.0, -rate])  # how the noise of a gradient enters v and theta
floor = stationary(transition(rate, beta, 1.0), np.outer(push, push))[1, 1]
result = sums / ({N_STEPS} - {WARM_UP}), rate / (2 - rate), floor
"""


class FloorsView(View[Floors]):
    """The noise floors over the learning rate: lines from the formula, dots measured."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(0.008, 2), ylim=(1e-4, 10))
        ax.set(xlabel="learning rate α", ylabel="noise floor: variance of θ in the long run")
        ax.set_xticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._old, self._lines, self._dots = [], [], []
        for color, style in zip(METHOD_COLORS, METHOD_STYLES, strict=True):
            self._old.append(moving(ax.plot([], [], style, color=GHOST, lw=1)[0]))
            self._lines.append(moving(ax.plot([], [], style, color=color, lw=1.8)[0]))
            self._dots.append(moving(ax.plot([], [], "o", color=color, ms=5, mec="white")[0]))
        marks = ("—", "--", "-·")
        names = [
            (f"{mark} {name}", color) for mark, name, color in zip(marks, METHODS, METHOD_COLORS, strict=True)
        ]
        key(ax, *names, ("● measured", "#222222"), ("┃ α", ACCENT), ("— before", "#777777"))

    def update(self, result: Floors, before: Floors | None) -> None:
        """Show `result.predicted` and `result.measured`, (3, 12)."""
        for k in range(3):
            self._lines[k].set_data(NOISE_RATES, result.predicted[k])
            self._dots[k].set_data(NOISE_RATES, result.measured[k])
            past = np.full(len(NOISE_RATES), np.nan) if before is None else before.predicted[k]
            self._old[k].set_data(NOISE_RATES, past)
        self._cursor.set_xdata([NOISE_RATES[result.at]] * 2)


class TraceView(View[Floors]):
    """What one run does over 300 steps: its directions, or its thetas."""

    def __init__(self, ax: Axes, attribute: str, label: str, limit: float, methods: tuple[int, ...]) -> None:
        ax.set(xlim=(0, SHOWN), ylim=(-limit, limit), ylabel=label)
        self._attribute, self._limit = attribute, limit
        ax.axhline(0, color="#222222", lw=0.8)
        self._lines = [
            moving(ax.plot([], [], "-", color=METHOD_COLORS[k], lw=(0.8, 1.3, 2.0)[k])[0]) for k in methods
        ]

    def update(self, result: Floors, before: Floors | None) -> None:
        """Show the curves, in units of the spread of gradient descent."""
        curves = getattr(result, self._attribute)
        scale = float(np.sqrt(result.predicted[0, result.at])) if self._attribute == "thetas" else 1.0
        for line, curve in zip(self._lines, curves, strict=True):
            line.set_data(np.arange(len(curve)), np.clip(curve / scale, -2 * self._limit, 2 * self._limit))


def noise_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the floors, the directions, the thetas."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1.35, 1])
    floors = FloorsView(figure.add_subplot(grid[:, 0]))
    top, bottom = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
    directions = TraceView(top, "directions", "direction of the step", 3.5, (0, 1))
    thetas = TraceView(bottom, "thetas", "θ / spread of GD", 3.5, (0, 1, 2))
    bottom.set_xlabel("step (one run at your α)")
    key(top, ("— gradient g", METHOD_COLORS[0]), ("— v of momentum", METHOD_COLORS[1]))
    key(bottom, *((f"— {name}", color) for name, color in zip(METHODS, METHOD_COLORS, strict=True)))
    return [floors, directions, thetas]


def noise_lab() -> Lab:
    """Return the lab *Does momentum average the noise away?*."""
    averages = [(text, float(text)) for text in ("0", "0.5", "0.8", "0.9", "0.95", "0.98", "0.99", "0.995")]
    return Lab(
        "Does momentum average the noise away?",
        controls={
            "rate": log_slider("Learning rate α", -2, 0.2, 0.1, 0.2),
            "beta": real_slider("Momentum β", 0, 0.98, 0.9, 0.02),
            "gamma": steps_slider("Average of θ keeps γ", averages, 0.99),
        },
        compute=compare_floors,
        views=noise_views,
        grabs=[Grab(0, x="rate")],
        code=program,
        presets={
            "small α": {"rate": 0.01},
            "large α": {"rate": 1.0},
            "β = 0.98": {"beta": 0.98},
            "short average": {"gamma": 0.9},
        },
        size=(9.6, 3.9),
    )

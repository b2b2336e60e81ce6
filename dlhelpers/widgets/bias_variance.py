"""The labs of notebook 01."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dlhelpers.bias_variance import Decomposition, decompose, network_fits, polynomial_fits
from dlhelpers.datasets import FUNCTIONS, noisy_function
from dlhelpers.plots.bias_variance import ErrorStackView, FitsView
from dlhelpers.plots.style import View
from dlhelpers.typing import FloatArray
from dlhelpers.widgets.controls import choice, real_slider, slider
from dlhelpers.widgets.lab import Lab

# Bias and variance add up ---------------------------------------------------------------------------

N_FITS = 50
CAPACITIES = tuple(range(1, 13))
X_GRID = np.linspace(-1, 1, 161)
NETWORK_STEPS = 1000


class Fits(NamedTuple):
    """What the lab shows: the fits at one capacity, and the errors at all that are computed."""

    model: str
    capacity: int
    curves: FloatArray
    truth: FloatArray
    x_train: FloatArray
    y_train: FloatArray
    curve: dict[int, Decomposition]


class Experiment(NamedTuple):
    """50 training sets and, for each of them, fresh noisy targets at the test points."""

    x: FloatArray
    y: FloatArray
    x_test: FloatArray
    truth: FloatArray
    targets: FloatArray
    noise: float


@lru_cache(maxsize=4)
def experiment(truth: str, m: int, noise: float, seed: int) -> Experiment:
    """Draw the training sets and the test set of the lab."""
    rng = np.random.default_rng(seed)
    x, y = (array.reshape(N_FITS, m) for array in noisy_function(truth, N_FITS * m, noise, rng))
    x_test = rng.uniform(-1, 1, 1000)
    f = FUNCTIONS[truth](x_test)
    return Experiment(x, y, x_test, f, f + noise * rng.standard_normal((N_FITS, 1000)), noise)


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


@lru_cache(maxsize=4)
def trained_networks(truth: str, m: int, noise: float, seed: int) -> dict[int, FloatArray]:
    """Return an empty store for this setting: from hidden units to predictions, filled by `networks`."""
    return {}


def networks(
    capacity: int, truth: str, m: int, noise: float, seed: int
) -> Iterator[tuple[float, Fits]]:
    """Train 50 networks of this width, then those of all other widths; yield what is known so far."""
    data = experiment(truth, m, noise, seed)
    store = trained_networks(truth, m, noise, seed)
    points = np.concatenate([X_GRID, data.x_test])

    def show(newest: dict[int, FloatArray]) -> Fits:
        known = dict(sorted({**store, **newest}.items()))
        curve = {
            hidden: decompose(values[:, X_GRID.size :], data.truth, data.targets, noise**2)
            for hidden, values in known.items()
        }
        curves = known[capacity][:, : X_GRID.size]
        return Fits("network", capacity, curves, FUNCTIONS[truth](X_GRID), data.x[0], data.y[0], curve)

    missing = [hidden for hidden in (capacity, *CAPACITIES) if hidden not in store]
    missing = list(dict.fromkeys(missing))
    for done, hidden in enumerate(missing):
        rng = np.random.default_rng(seed)
        for share, predictions in network_fits(data.x, data.y, hidden, points, NETWORK_STEPS, rng):
            if share < 1:
                yield (done + share) / len(missing), show({hidden: predictions})
        store[hidden] = predictions
    yield 1.0, show({})


def fits(
    model: str, capacity: int, truth: str, m: int, noise: float, seed: int
) -> Fits | Iterator[tuple[float, Fits]]:
    """Return the fits of polynomials at once, or those of networks as training goes on."""
    compute = polynomials if model == "polynomial" else networks
    return compute(capacity, truth, m, noise, seed)


def _name(result: Fits) -> str:
    if result.model == "polynomial":
        return f"Degree {result.capacity}"
    return f"{result.capacity} hidden unit{'s' if result.capacity > 1 else ''}"


def _short(value: float) -> str:
    """Return an error with three decimals, or in powers of ten when it is huge."""
    return f"{value:.3f}" if value < 100 else f"{value:.1e}"


def decomposition_finding(result: Fits) -> str:
    """Return the sum, as numbers."""
    here = result.curve[result.capacity]
    parts = " + ".join(_short(part) for part in (here.bias2, here.variance, here.noise))
    return f"{_name(result)}: bias² + variance + noise = {parts} = {_short(here.total)}"


def decomposition_caption(result: Fits) -> str:
    """Say which part is the largest, where the lowest error lies, and how well the sum agrees."""
    here = result.curve[result.capacity]
    parts = {"bias²": here.bias2, "variance": here.variance, "noise": here.noise}
    largest = max(parts, key=lambda name: parts[name])
    best = min(result.curve, key=lambda capacity: result.curve[capacity].test_error)
    where = "here" if best == result.capacity else f"at {best}"
    text = (
        f"The measured test error is {_short(here.test_error)}; the sum of the three parts differs from it "
        f"by {here.residual:.1%}. The largest part is {largest}. "
        f"Among the {len(result.curve)} bars, the test error is lowest {where}."
    )
    if here.test_error > 1:
        text += " The bar is higher than the frame: a triangle marks it."
    return text


def decomposition_views(figure: Figure) -> list[View]:
    """Lay out the lab: the fits, and the errors over capacity."""
    left, right = figure.subplots(1, 2)
    return [FitsView(left, X_GRID), ErrorStackView(right, CAPACITIES)]


def decomposition_code(model: str, capacity: int, truth: str, m: int, noise: float, seed: int) -> str:
    """Return the program for the chosen model."""
    fit = (
        f"predictions = polynomial_fits(x, y, {capacity}, x_test)"
        if model == "polynomial"
        else f"*_, (_, predictions) = network_fits(x, y, {capacity}, x_test, {NETWORK_STEPS}, "
        f"np.random.default_rng({seed}))"
    )
    return f"""
import numpy as np
from dlhelpers.bias_variance import decompose, network_fits, polynomial_fits
from dlhelpers.datasets import FUNCTIONS, noisy_function

rng = np.random.default_rng({seed})
x, y = noisy_function({truth!r}, {N_FITS} * {m}, {noise}, rng)
x, y = x.reshape({N_FITS}, {m}), y.reshape({N_FITS}, {m})  # {N_FITS} training sets of {m} points
x_test = rng.uniform(-1, 1, 1000)
targets = FUNCTIONS[{truth!r}](x_test) + {noise} * rng.standard_normal(({N_FITS}, 1000))
{fit}
result = decompose(predictions, FUNCTIONS[{truth!r}](x_test), targets, {noise}**2)
"""


def decomposition_lab() -> Lab:
    """Return the lab *Bias and variance add up*."""
    return Lab(
        "Bias and variance add up",
        controls={
            "model": choice("Model", ["polynomial", "network"], "polynomial"),
            "capacity": slider("Degree d, or hidden units", 1, 12, 3),
            "truth": choice("Truth f(x)", list(FUNCTIONS), "sine"),
            "m": slider("Training points m", 15, 100, 30),
            "noise": real_slider("Noise σ", 0.0, 1.0, 0.3, 0.05),
        },
        compute=fits,
        views=decomposition_views,
        finding=decomposition_finding,
        caption=decomposition_caption,
        code=decomposition_code,
        presets={
            "underfits": {"capacity": 1},
            "just right": {"capacity": 5},
            "overfits": {"capacity": 9},
            "more data": {"capacity": 9, "m": 100},
            "networks": {"model": "network", "capacity": 8},
        },
    )

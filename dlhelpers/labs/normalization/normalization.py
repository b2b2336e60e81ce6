"""The lab on normalizing the inputs: a computation, a caption, views and the program behind them."""

from functools import lru_cache
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dlhelpers.live.controls import choice, log_slider, real_slider, slider
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.normalization import LeastSquares, Normalization, best_rate, condition_number, fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.normalization import CloudView, ExcessView, TestView, ValleyView
from dlhelpers.plots.style import View
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

NONE, CENTER, RIGHT = "none", "x − μ", "(x − μ) / σ"
SQUARED, OWN = "(x − μ) / σ², as in the notes", "(x − μ) / σ, test set by its own"
TREATMENTS = (NONE, CENTER, RIGHT, SQUARED, OWN)

N_TRAIN, STEPS, NOISE = 200, 100, 0.3
START = np.array([-1.6, 1.2])
"""Where each run starts, measured from the best weights."""
GOAL = 0.01
"""The run has arrived when this share of the excess loss is left."""


class Data(NamedTuple):
    """Training and test set: two features and the target."""

    X: FloatArray
    y: FloatArray
    X_test: FloatArray
    y_test: FloatArray


class Descended(NamedTuple):
    """What the lab shows.

    `X` and `X_test` are the features after the treatment, `path` the weights minus the best ones, `excess`
    the loss above its minimum as a share of that at the start, `test_error` and `right_error` root mean
    squares with this treatment of the test set and with the right one.
    """

    treatment: str
    times_best: float
    shift: float
    X: FloatArray
    X_test: FloatArray
    hessian: FloatArray
    condition: float
    factor: float
    best: FloatArray
    path: FloatArray
    excess: FloatArray
    y_test: FloatArray
    predictions: FloatArray
    test_error: float
    right_error: float


@lru_cache(maxsize=1)
def normal_numbers(seed: int) -> tuple[FloatArray, FloatArray]:
    """Draw what is random in the data once: (u1, u2, noise) of each example; sliders only scale it."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N_TRAIN, 3)), rng.standard_normal((100, 3))


def draw_data(scale: float, mean: float, correlation: float, shift: float, n_test: int, seed: int) -> Data:
    """Put two features of one spread into the units, and around the means, that were chosen."""
    train, test = normal_numbers(seed)
    parts = []
    for numbers, center in ((train, mean), (test[:n_test], mean + shift)):
        u1 = numbers[:, 0]
        u2 = correlation * u1 + np.sqrt(1 - correlation**2) * numbers[:, 1]
        X = np.column_stack([scale * (u1 + center), u2 + center])
        parts += [X, X[:, 0] / scale + X[:, 1] + NOISE * numbers[:, 2]]
    return Data(*parts)


def treat(treatment: str, data: Data) -> tuple[FloatArray, FloatArray, float]:
    """Return the features of both sets after the treatment, and what was subtracted from the target."""
    if treatment == NONE:
        return data.X, data.X_test, 0.0
    fitted = fit(data.X)
    scales = {CENTER: np.ones(2), SQUARED: fitted.scale**2}
    used = Normalization(fitted.mean, scales.get(treatment, fitted.scale))
    on_test = fit(data.X_test) if treatment == OWN else used
    return used.apply(data.X), on_test.apply(data.X_test), float(data.y.mean())


def descend_valley(
    treatment: str,
    scale: float,
    mean: float,
    correlation: float,
    times_best: float,
    shift: float,
    n_test: int,
    seed: int,
) -> Descended:
    """Treat the data, run gradient descent on the training set, and measure the error on the test set."""
    data = draw_data(scale, mean, correlation, shift, n_test, seed)
    X, X_test, y_mean = treat(treatment, data)
    cost, batch = LeastSquares(), Batch(X, (data.y - y_mean)[:, None])
    best = np.linalg.lstsq(X, batch.Y[:, 0], rcond=None)[0]
    hessian = cost.hessian(batch)
    rate, factor = best_rate(hessian)
    run = descend(cost, best + START, repeat(batch), GradientDescent(), times_best * rate)
    thetas = np.array([step.theta for step in islice(run, STEPS + 1)])
    above = cost.loss(thetas, batch) - cost.loss(best, batch)
    predictions = X_test @ best + y_mean
    right = treat(RIGHT, data)[1] if treatment == OWN else X_test
    return Descended(
        treatment=treatment,
        times_best=times_best,
        shift=shift,
        X=X,
        X_test=X_test,
        hessian=hessian,
        condition=condition_number(X, bias=False),
        factor=factor,
        best=best,
        path=thetas - best,
        excess=above / above[0],
        y_test=data.y_test,
        predictions=predictions,
        test_error=_rms(predictions - data.y_test),
        right_error=_rms(right @ best + y_mean - data.y_test),
    )


def _rms(errors: FloatArray) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _count(value: float) -> str:
    """Return a number with two or three digits, and without powers of ten."""
    return f"{value:.1f}" if value < 10 else f"{float(f'{value:.3g}'):,.0f}"


def _small(value: float) -> str:
    """Return a number with two digits."""
    return f"{value:.2g}" if value < 10 else _count(value)


def _progress(result: Descended) -> str:
    """Say how far the run came."""
    excess = result.excess
    if excess[-1] > 1:
        out = np.flatnonzero(excess > ExcessView.TOP)
        return f"the loss grows, and leaves the frame at step {out[0]}" if out.size else "the loss grows"
    there = np.flatnonzero(excess <= GOAL)
    if there.size:
        return f"{there[0]} step{'s' if there[0] != 1 else ''} to 1% of the excess loss"
    return f"after {STEPS} steps, {_percent(excess[-1])} of the excess loss is left"


def _percent(share: float) -> str:
    """Return a share without claiming that a little less than all is all."""
    return "more than 99%" if 0.99 < share <= 1 else f"{share:.0%}"


def normalize_finding(result: Descended) -> str:
    """Return the condition number and what it costs; for the last bug, the test error."""
    text = f"Condition number {_count(result.condition)}: {_progress(result)}"
    if result.treatment == OWN:
        text += f"; test error {result.test_error:.2f}, not {result.right_error:.2f}"
    return text


def normalize_caption(result: Descended) -> str:
    """Say how long the valley is, what each step leaves, and what the test set says."""
    std = " and ".join(_small(value) for value in result.X.std(axis=0))
    best = " and ".join(_small(value) for value in result.best)
    low, high = np.linalg.eigvalsh(result.hessian)
    rate = result.times_best * 2 / (low + high)
    return (
        f"Standard deviations of the features: {std}; best weights: {best}. The valley is "
        f"{_count(np.sqrt(result.condition))} times as long as wide. {_rate_sentence(result, rate)}"
        f"{_outside(result.X)} {_test_sentence(result)}"
    )


def _rate_sentence(result: Descended, rate: float) -> str:
    if result.times_best == 1:
        share = result.excess[1] / result.excess[0]
        return (
            f"At the best rate, {rate:.2g}, a step leaves {_percent(share)} of the excess loss; "
            f"ρ² of equation (2) is {_percent(result.factor**2)}."
        )
    limit = 1 + 1 / result.condition
    return (
        f"The rate, {rate:.2g}, is {result.times_best:.2f} times the best one; from {limit:.2f} times on, "
        "the loss grows."
    )


def _outside(X: FloatArray) -> str:
    share = float(np.mean(np.any((X < CloudView.LOW) | (X > CloudView.HIGH), axis=1)))
    return (
        f" The frame on the left is too small for {_percent(share)} of the training points." if share else ""
    )


def _test_sentence(result: Descended) -> str:
    n = len(result.y_test)
    examples = f"{n} test example{'s' if n > 1 else ''}, drawn {result.shift:.2f} σ higher,"
    if result.treatment == OWN:
        return (
            f"Scaled by {'their' if n > 1 else 'its'} own μ and σ, the {examples} "
            f"{'have' if n > 1 else 'has'} an error of "
            f"{result.test_error:.2f}; with μ and σ of the training set it is {result.right_error:.2f}."
        )
    error = f"With the best weights, the error on {examples} is {result.test_error:.2f}"
    return f"{error}; the noise is {NOISE:.2f}."


def normalize_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the data and the test set, the valley, the loss."""
    grid = figure.add_gridspec(2, 3, width_ratios=[1, 1.5, 1.3])
    return [
        CloudView(figure.add_subplot(grid[0, 0])),
        TestView(figure.add_subplot(grid[1, 0])),
        ValleyView(figure.add_subplot(grid[:, 1])),
        ExcessView(figure.add_subplot(grid[:, 2]), STEPS, GOAL),
    ]


_APPLY = {
    NONE: "y_mean = 0.0",
    CENTER: "X, X_test = X - mu, X_test - mu",
    RIGHT: "X, X_test = (X - mu) / sigma, (X_test - mu) / sigma",
    SQUARED: "X, X_test = (X - mu) / sigma**2, (X_test - mu) / sigma**2  # the slip",
    OWN: "own = fit(X_test)  # the bug\nX, X_test = (X - mu) / sigma, (X_test - own.mean) / own.scale",
}


def normalize_code(
    treatment: str,
    scale: float,
    mean: float,
    correlation: float,
    times_best: float,
    shift: float,
    n_test: int,
    seed: int,
) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import islice, repeat
import numpy as np
from dlhelpers.minibatches import Batch
from dlhelpers.normalization import LeastSquares, best_rate, condition_number, fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

def features(numbers, center):
    u1 = numbers[:, 0]
    u2 = {correlation} * u1 + np.sqrt(1 - {correlation}**2) * numbers[:, 1]
    X = np.column_stack([{scale} * (u1 + center), u2 + center])
    return X, X[:, 0] / {scale} + X[:, 1] + {NOISE} * numbers[:, 2]

rng = np.random.default_rng({seed})
train, test = rng.standard_normal(({N_TRAIN}, 3)), rng.standard_normal((100, 3))[:{n_test}]
(X, y), (X_test, y_test) = features(train, {mean}), features(test, {mean} + {shift})
mu, sigma, y_mean = fit(X).mean, fit(X).scale, y.mean()
{_APPLY[treatment]}

cost, batch = LeastSquares(), Batch(X, (y - y_mean)[:, None])
best = np.linalg.lstsq(X, batch.Y[:, 0], rcond=None)[0]
rate = {times_best} * best_rate(cost.hessian(batch)).rate
run = descend(cost, best + np.array({START.tolist()}), repeat(batch), GradientDescent(), rate)
thetas = np.array([step.theta for step in islice(run, {STEPS} + 1)])
above = cost.loss(thetas, batch) - cost.loss(best, batch)
test_error = np.sqrt(np.mean((X_test @ best + y_mean - y_test) ** 2))
result = condition_number(X, bias=False), above / above[0], test_error
"""


def normalize_lab() -> Lab:
    """Return the lab *Normalize the inputs*."""
    return Lab(
        "Normalize the inputs",
        controls={
            "treatment": choice("Inputs", list(TREATMENTS), NONE),
            "scale": log_slider("Scale of x₁ (x₂: 1)", -1, 3, 5, 0.1),
            "mean": real_slider("Means, in σ", 0, 3, 1, 0.25),
            "correlation": real_slider("Correlation", 0, 0.95, 0, 0.05),
            "times_best": real_slider("Rate / best rate", 0.1, 2.2, 1, 0.05),
            "shift": real_slider("Test set shifted by, σ", 0, 3, 1, 0.25),
            "n_test": slider("Test examples", 1, 100, 30),
        },
        compute=descend_valley,
        views=normalize_views,
        finding=normalize_finding,
        caption=normalize_caption,
        code=normalize_code,
        presets={
            "nothing done, 1000 : 1": {"scale": 1000},
            "centered only": {"treatment": CENTER},
            "normalized": {"treatment": RIGHT},
            "the notes' σ²": {"treatment": SQUARED},
            "test set scaled alone": {"treatment": OWN},
        },
        size=(9.6, 4.8),
    )

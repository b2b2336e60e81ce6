"""The lab *Normalize the inputs*: what the units of the features do to the valley, and to a test set."""

from functools import lru_cache
from itertools import islice, repeat
from typing import Any, ClassVar, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.live.controls import choice, log_slider, real_slider, slider
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.normalization import LeastSquares, Normalization, best_rate, condition_number, fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, TEST, TRAIN, View, key, moving
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

    @property
    def finding(self) -> str:
        """The condition number and what it costs; for the last bug, the test error."""
        text = f"Condition number {_count(self.condition)}: {_progress(self)}"
        if self.treatment == OWN:
            text += f"; test error {self.test_error:.2f}, not {self.right_error:.2f}"
        return text

    @property
    def caption(self) -> str:
        """How long the valley is, what each step leaves, and what the test set says."""
        std = " and ".join(_small(value) for value in self.X.std(axis=0))
        best = " and ".join(_small(value) for value in self.best)
        low, high = np.linalg.eigvalsh(self.hessian)
        rate = self.times_best * 2 / (low + high)
        return (
            f"Standard deviations of the features: {std}; best weights: {best}. The valley is "
            f"{_count(np.sqrt(self.condition))} times as long as wide. {_rate_sentence(self, rate)}"
            f"{_outside(self.X)} {_test_sentence(self)}"
        )


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


def _percent(share: float) -> str:
    """Return a share without claiming that a little less than all is all."""
    return "more than 99%" if 0.99 < share <= 1 else f"{share:.0%}"


def _count(value: float) -> str:
    """Return a number with two or three digits, and without powers of ten."""
    return f"{value:.1f}" if value < 10 else f"{float(f'{value:.3g}'):,.0f}"


def _small(value: float) -> str:
    """Return a number with two digits."""
    return f"{value:.2g}" if value < 10 else _count(value)


class Data(NamedTuple):
    """Training and test set: two features and the target."""

    X: FloatArray
    y: FloatArray
    X_test: FloatArray
    y_test: FloatArray


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


_APPLY = {
    NONE: "y_mean = 0.0",
    CENTER: "X, X_test = X - mu, X_test - mu",
    RIGHT: "X, X_test = (X - mu) / sigma, (X_test - mu) / sigma",
    SQUARED: "X, X_test = (X - mu) / sigma**2, (X_test - mu) / sigma**2  # the slip",
    OWN: "own = fit(X_test)  # the bug\nX, X_test = (X - mu) / sigma, (X_test - own.mean) / own.scale",
}


def program(
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


class CloudView(View[Descended]):
    """Training and test examples after the treatment, on axes of one scale that never change."""

    LOW: ClassVar[float] = -8.0
    HIGH: ClassVar[float] = 20.0

    def __init__(self, ax: Axes) -> None:
        ends, ticks = (self.LOW, self.HIGH), [0, 10, 20]
        ax.set(xlim=ends, ylim=ends, xticks=ticks, yticks=ticks, xlabel="$x_1$", ylabel="$x_2$")
        ax.set_aspect("equal", adjustable="box")
        (self._train,) = ax.plot([], [], "o", color=TRAIN, ms=2.5, mec="none", alpha=0.6)
        (self._test,) = ax.plot([], [], "s", color=TEST, ms=2.5, mec="none", alpha=0.7)
        for artist in (self._train, self._test):
            moving(artist)
        key(ax, ("● train", TRAIN), ("■ test", TEST))

    def update(self, result: Descended, before: Descended | None) -> None:
        """Show `result.X` and `result.X_test`, (m, 2)."""
        self._train.set_data(*result.X.T)
        self._test.set_data(*result.X_test.T)


class TestView(View[Descended]):
    """The predictions for the test set over the true values; good ones lie on the diagonal."""

    __test__: ClassVar[bool] = False

    def __init__(self, ax: Axes) -> None:
        ends, ticks = (-6, 18), [0, 6, 12, 18]
        ax.set(xlim=ends, ylim=ends, xticks=ticks, yticks=ticks, xlabel="true y of the test set")
        ax.set_ylabel("predicted")
        ax.set_aspect("equal", adjustable="box")
        moving(ax.axline((0, 0), slope=1, color="#777777", lw=1))
        (self._before,) = ax.plot([], [], "s", color=GHOST, ms=2.5, mec="none")
        (self._points,) = ax.plot([], [], "s", color=TEST, ms=3, mec="none", alpha=0.8)
        for artist in (self._before, self._points):
            moving(artist)
        key(ax, ("■ test", TEST), ("■ before", "#777777"))

    def update(self, result: Descended, before: Descended | None) -> None:
        """Show `result.predictions` over `result.y_test`."""
        self._points.set_data(result.y_test, result.predictions)
        past = (np.zeros(0), np.zeros(0)) if before is None else (before.y_test, before.predictions)
        self._before.set_data(*past)


class ValleyView(View[Descended]):
    """Contours of the loss over two weights, and the path of gradient descent."""

    RINGS: ClassVar[int] = 6

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-2, 2), ylim=(-2, 2), xticks=[-2, -1, 0, 1, 2], yticks=[-2, -1, 0, 1, 2])
        ax.set(xlabel="$w_1$ minus its best value", ylabel="$w_2$ minus its best value")
        ax.set_aspect("equal", adjustable="box")
        (self._old_ring,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._rings,) = ax.plot([], [], color=LIGHT_BLUE, lw=1.3)
        (self._old_path,) = ax.plot([], [], "-", color=GHOST, lw=0.8)
        (self._path,) = ax.plot([], [], "o-", color=TRAIN, ms=3, lw=1)
        (self._start,) = ax.plot([], [], "o", color=TRAIN, ms=8, mec="white")
        (self._minimum,) = ax.plot([0], [0], "*", color=ACCENT, ms=14, mec="white")
        for artist in (
            self._old_ring,
            self._rings,
            self._old_path,
            self._path,
            self._start,
            self._minimum,
        ):
            moving(artist)
        key(
            ax,
            ("— same loss", "#4a90c4"),
            ("●— steps", TRAIN),
            ("★ minimum", ACCENT),
            ("— before", "#777777"),
        )

    def update(self, result: Descended, before: Descended | None) -> None:
        """Show the rings of `result.hessian`, (2, 2), and `result.path`, (steps, 2)."""
        radii = 0.5 ** np.arange(self.RINGS)
        self._rings.set_data(*_rings(result.hessian, result.path[0], radii))
        self._path.set_data(*_inside(result.path))
        self._start.set_data(result.path[:1, 0], result.path[:1, 1])
        if before is None:
            self._old_ring.set_data([], [])
            self._old_path.set_data([], [])
        else:
            self._old_ring.set_data(*_rings(before.hessian, before.path[0], np.ones(1)))
            self._old_path.set_data(*_inside(before.path))


def _rings(hessian: FloatArray, start: FloatArray, radii: FloatArray) -> FloatArray:
    """Return the lines of equal loss through start, and at these shares of its distance; (2, points)."""
    values, vectors = np.linalg.eigh(hessian)
    angle = np.linspace(0, 2 * np.pi, 241)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    ring = vectors @ (circle * np.sqrt(start @ hessian @ start / values)[:, None])
    gap = np.full((2, 1), np.nan)
    return np.hstack([np.hstack([radius * ring, gap]) for radius in radii])


def _inside(path: FloatArray) -> FloatArray:
    """Return the path, (2, steps), up to the first point that is far outside of the frame."""
    far = np.flatnonzero(np.abs(path).max(axis=1) > 1e3)
    return path[: far[0] + 1 if far.size else None].T


class ExcessView(View[Descended]):
    """The loss above its minimum, as a share of that at the start, over the steps."""

    TOP: ClassVar[float] = 30.0
    BOTTOM: ClassVar[float] = 1e-4

    def __init__(self, ax: Axes, steps: int, goal: float) -> None:
        ax.set(yscale="log", xlim=(0, steps), ylim=(self.BOTTOM, self.TOP))
        ax.set(xlabel="step", ylabel="excess loss, share of the start")
        moving(ax.axhline(goal, color="#777777", lw=1, ls="-."))
        (self._before,) = ax.plot([], [], "-", color=GHOST, lw=2)
        (self._excess,) = ax.plot([], [], "-", color=TRAIN, lw=3)
        (self._predicted,) = ax.plot([], [], ":", color=TEST, lw=1.5)
        for artist in (self._before, self._excess, self._predicted):
            moving(artist)
        key(
            ax,
            ("— train", TRAIN),
            ("··· ρ² a step", TEST),
            ("-·- 1%", "#777777"),
            ("— before", "#777777"),
        )

    def update(self, result: Descended, before: Descended | None) -> None:
        """Show `result.excess`, (steps,), and the powers of `result.factor`."""
        steps = np.arange(len(result.excess))
        self._excess.set_data(steps, _drawable(result.excess))
        self._predicted.set_data(steps, _drawable(result.factor ** (2 * steps)))
        past = np.zeros(0) if before is None else _drawable(before.excess)
        self._before.set_data(steps[: len(past)], past)


def _drawable(excess: FloatArray) -> FloatArray:
    """Return the curve with its ends held a little outside of the frame, where a log axis can draw them."""
    return np.clip(excess, 1e-3 * ExcessView.BOTTOM, 1e3 * ExcessView.TOP)


def normalize_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the data and the test set, the valley, the loss."""
    grid = figure.add_gridspec(2, 3, width_ratios=[1, 1.5, 1.3])
    return [
        CloudView(figure.add_subplot(grid[0, 0])),
        TestView(figure.add_subplot(grid[1, 0])),
        ValleyView(figure.add_subplot(grid[:, 1])),
        ExcessView(figure.add_subplot(grid[:, 2]), STEPS, GOAL),
    ]


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
        code=program,
        presets={
            "nothing done, 1000 : 1": {"scale": 1000},
            "centered only": {"treatment": CENTER},
            "normalized": {"treatment": RIGHT},
            "the notes' σ²": {"treatment": SQUARED},
            "test set scaled alone": {"treatment": OWN},
        },
        size=(9.6, 4.5),
    )

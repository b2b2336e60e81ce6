"""The lab *Early stopping and L2: alike, not equal*: the path of training beside that of ridge regression."""

from collections.abc import Iterator
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.polynomial.legendre import legvander

from dlhelpers.datasets import FUNCTIONS, noisy_function
from dlhelpers.early_stopping import matching_strength, ridge, share_after_steps, share_of_ridge
from dlhelpers.labs.early_stopping.common import RESTORED
from dlhelpers.live.controls import log_slider, real_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, TEST, View, key, moving, note
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

DEGREE, MOST_STEPS = 15, 10_000
KEPT_STEPS = np.unique(np.round(10 ** np.arange(0, 4.01, 0.1)).astype(int))
"""When the state of training is kept."""
RIDGE_STRENGTHS = np.logspace(4, -5, 181)
CURVATURES = np.logspace(-3, 0, 61)
CURVE_X = np.linspace(-1, 1, 161)
EARLY, RIDGE = RESTORED, ACCENT


class Problem(NamedTuple):
    """Centered features and targets for training and dev, and what centering took away."""

    x: FloatArray
    y: FloatArray
    X: FloatArray
    X_dev: FloatArray
    y_dev: FloatArray
    mean_features: FloatArray
    mean_y: float


class Paths(NamedTuple):
    """The weights along both paths.

    Attributes
    ----------
    problem : Problem
    early : (n, 15) float array
        At the first n of `KEPT_STEPS`: those that training has come to.
    ridge : (181, 15) float array
    diverged : int or None
        The step at which training diverged.
    """

    problem: Problem
    early: FloatArray
    ridge: FloatArray
    diverged: int | None

    @property
    def complete(self) -> bool:
        """Whether training has ended."""
        return self.diverged is not None or len(self.early) == len(KEPT_STEPS)


class Comparison(NamedTuple):
    """What the lab shows: a state of training beside a ridge solution, and both paths (norm, dev loss).

    What belongs to step t is NaN where training has not come to it.
    """

    t: int
    strength: float
    diverged: int | None
    complete: bool
    x: FloatArray
    y: FloatArray
    truth: FloatArray
    early_fit: FloatArray
    ridge_fit: FloatArray
    early: tuple[FloatArray, FloatArray]
    ridge: tuple[FloatArray, FloatArray]
    ridge_steps: FloatArray
    """The steps at which training should be like each ridge solution, by m / (alpha lambda)."""
    ridge_step: float
    """The same, for the ridge solution that is shown."""
    early_here: tuple[float, float]
    ridge_here: tuple[float, float]
    apart: float
    nearest: tuple[float, float]
    curvatures: FloatArray
    early_shares: FloatArray
    ridge_shares: FloatArray
    early_curve: FloatArray
    ridge_curve: FloatArray

    @property
    def gone(self) -> bool:
        """Whether the fit of training has left the frame: it would stand on end."""
        return self.early_here[1] > 100

    @property
    def finding(self) -> str:
        """Both dev losses."""
        steps = f"{self.t:,} step{'s' if self.t > 1 else ''}"
        with_ridge = f"ridge with λ = {self.strength:.2g}"
        here, there = (_three(point[1]) for point in (self.early_here, self.ridge_here))
        if not self.complete and np.isnan(self.early_here[1]):
            return f"Training has not come to {steps} yet; {with_ridge}: dev loss {there}"
        if self.diverged is not None and self.t >= self.diverged:
            return f"Training diverged at step {self.diverged:,}; {with_ridge}: dev loss {there}"
        return f"Stopped after {steps}: dev loss {here}; {with_ridge}: {there}"

    @property
    def caption(self) -> str:
        """How far the two functions are apart, and what the best of each path is."""
        here, best_of_ridge = self.early_here[1], np.min(self.ridge[1])
        if not self.complete and np.isnan(here):
            return f"Its path is known up to step {KEPT_STEPS[len(self.early[1]) - 1]:,}."
        if self.diverged is not None or self.gone:
            when = "" if self.diverged is None else f", and ends at step {self.diverged:,}"
            return (
                f"The learning rate is too large for the steepest direction: training diverges{when}. "
                f"Its path leaves the frame. Ridge regression needs no learning rate: its best dev loss is "
                f"{best_of_ridge:.3f}."
            )
        ratio, apart = self.nearest
        best_step = KEPT_STEPS[int(self.early[1].argmin())]
        best_strength = RIDGE_STRENGTHS[int(self.ridge[1].argmin())]
        nearest = f"Of all λ, {ratio:.2g} times m/(αt) comes nearest: {apart:.3f} apart."
        if self.apart < 0.01:
            nearest = "Here every small λ gives nearly the same function."
        so_far = "" if self.complete else " so far"
        return (
            f"The norm of the weights is {self.early_here[0]:.2f}, that of ridge {self.ridge_here[0]:.2f}. "
            f"On the dev points, the two functions are {self.apart:.3f} apart (root mean square). {nearest} "
            f"The lowest dev loss of training{so_far} is "
            f"{np.min(self.early[1]):.3f}, near step {best_step:,}; that of ridge is "
            f"{best_of_ridge:.3f}, near λ = {best_strength:.1g}."
        )


def _three(value: float) -> str:
    return f"{value:.3f}" if value < 100 else "off the scale"


def polynomial_problem(noise: float, m: int, seed: int) -> Problem:
    """Return noisy points of a sine in 15 polynomial features; centered, so that no bias is needed."""
    rng = np.random.default_rng(seed)
    x, y = noisy_function("sine", m, noise, rng)
    x_dev, y_dev = noisy_function("sine", 200, noise, rng)
    X, X_dev = (legvander(each, DEGREE)[:, 1:] for each in (x, x_dev))
    mean, mean_y = X.mean(axis=0), float(y.mean())
    return Problem(x, y, X - mean, X_dev - mean, y_dev - mean_y, mean, mean_y)


def without_bias(theta: FloatArray) -> FloatArray:
    """Return theta with its last entry, the bias, set to 0: it would stay there but for rounding."""
    return theta * (np.arange(theta.size) < DEGREE)


@remembered(16)
def follow(noise: float, m: int, learning_rate: float, seed: int) -> Stages[Paths]:
    """Run gradient descent from zero weights, keep it at 39 moments; solve ridge for 181 lambdas."""
    problem = polynomial_problem(noise, m, seed)
    X, Y = problem.X, (problem.y - problem.mean_y)[:, None]
    solutions = np.array([ridge(X, Y[:, 0], strength) for strength in RIDGE_STRENGTHS])
    batches = repeat(Batch(X, Y))
    start, network = np.zeros(DEGREE + 1), Network((DEGREE, 1))
    run = descend(network, start, batches, GradientDescent(), learning_rate, projection=without_bias)
    early, kept, diverged = np.zeros((len(KEPT_STEPS), DEGREE)), 0, None
    for step in islice(run, MOST_STEPS + 1):
        if step.diverged:
            diverged = step.step
        elif step.step == KEPT_STEPS[kept]:
            early[kept] = step.theta[:DEGREE]
            kept += 1
        if step.step % 400 == 399:
            yield step.step / (MOST_STEPS + 1), Paths(problem, early[:kept].copy(), solutions, diverged)
    yield 1.0, Paths(problem, early[:kept], solutions, diverged)


def path_of(weights: FloatArray, problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Return the norm and the dev loss of each row of weights, (n,) each; NaN where the weights are."""
    with np.errstate(all="ignore"):
        errors = weights @ problem.X_dev.T - problem.y_dev
        losses = 0.5 * np.mean(errors**2, axis=-1)
    too_large = ~np.isfinite(losses) & ~np.isnan(weights).any(axis=-1)
    return np.linalg.norm(weights, axis=-1), np.where(too_large, np.inf, losses)


@np.errstate(all="ignore")
def shares_of(weights: FloatArray, problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Return the curvature s of each direction, and the measured share of the least-squares solution."""
    s, V = np.linalg.eigh(problem.X.T @ problem.X / len(problem.X))
    solution = V.T @ problem.X.T @ (problem.y - problem.mean_y) / len(problem.X) / s
    known = s > CURVATURES[0]
    return s[known], (V.T @ weights / solution)[known]


@np.errstate(all="ignore")
def compare_here(paths: Paths, t: int, multiple: float, learning_rate: float) -> Comparison:
    """Put the state after t steps beside the ridge solution with this multiple of m / (alpha t) as lambda."""
    problem, m = paths.problem, len(paths.problem.X)
    strength = multiple * matching_strength(m, learning_rate, t)
    at = int(np.flatnonzero(t == KEPT_STEPS)[0])
    w = paths.early[at] if at < len(paths.early) else np.full(DEGREE, np.nan)
    v = ridge(problem.X, problem.y - problem.mean_y, strength)
    early, solutions = path_of(paths.early, problem), path_of(paths.ridge, problem)
    distances = np.mean(((paths.ridge - np.where(np.isfinite(w), w, 0)) @ problem.X_dev.T) ** 2, axis=1)
    nearest = int(distances.argmin())
    features = legvander(CURVE_X, DEGREE)[:, 1:] - problem.mean_features
    apart = float(np.sqrt(np.mean((problem.X_dev @ (w - v)) ** 2)))
    ratio = float(multiple * RIDGE_STRENGTHS[nearest] / strength)
    curvatures, early_shares = shares_of(w, problem)
    return Comparison(
        t=t,
        strength=strength,
        diverged=paths.diverged,
        complete=paths.complete,
        x=problem.x,
        y=problem.y,
        truth=FUNCTIONS["sine"](CURVE_X),
        early_fit=features @ w + problem.mean_y,
        ridge_fit=features @ v + problem.mean_y,
        early=early,
        ridge=solutions,
        ridge_steps=m / (learning_rate * RIDGE_STRENGTHS),
        ridge_step=t / multiple,
        early_here=_point(w, problem),
        ridge_here=_point(v, problem),
        apart=apart,
        nearest=(ratio, float(np.sqrt(distances[nearest]))),
        curvatures=curvatures,
        early_shares=early_shares,
        ridge_shares=shares_of(v, problem)[1],
        early_curve=share_after_steps(CURVATURES, learning_rate, t),
        ridge_curve=share_of_ridge(CURVATURES, strength, m),
    )


def _point(w: FloatArray, problem: Problem) -> tuple[float, float]:
    norm, loss = path_of(w, problem)
    return float(norm), float(loss)


def compare(
    t: float, multiple: float, noise: float, m: int, learning_rate: float, seed: int
) -> Iterator[tuple[float, Comparison]]:
    """Compare early stopping after t steps with ridge regression; follow both paths first if needed."""
    at = _nearest_kept(t)
    for share, paths in follow(noise, m, learning_rate, seed):
        yield share, compare_here(paths, at, multiple, learning_rate)


def _nearest_kept(t: float) -> int:
    return int(KEPT_STEPS[np.abs(np.log(KEPT_STEPS) - np.log(t)).argmin()])


def program(t: float, multiple: float, noise: float, m: int, learning_rate: float, seed: int) -> str:
    """Return the program behind the picture."""
    at = _nearest_kept(t)
    return f"""
import numpy as np
from itertools import islice, repeat
from numpy.polynomial.legendre import legvander
from dlhelpers.datasets import noisy_function
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

rng = np.random.default_rng({seed})
x, y = noisy_function("sine", {m}, {noise}, rng)
x_dev, y_dev = noisy_function("sine", 200, {noise}, rng)
X, X_dev = (legvander(each, {DEGREE})[:, 1:] for each in (x, x_dev))  # polynomials of degree 1 to {DEGREE}
X, X_dev, y, y_dev = X - X.mean(axis=0), X_dev - X.mean(axis=0), y - y.mean(), y_dev - y.mean()
network, batches = Network(({DEGREE}, 1)), repeat(Batch(X, y[:, None]))
weights_only = np.arange({DEGREE + 1}) < {DEGREE}  # all is centered: the bias stays 0
run = descend(
    network, np.zeros({DEGREE + 1}), batches, GradientDescent(), {learning_rate},
    projection=lambda theta: theta * weights_only,
)
stopped = next(islice(run, {at}, None), None)  # None: it has diverged before
w = np.full({DEGREE}, np.inf) if stopped is None else stopped.theta[:{DEGREE}]
strength = {multiple} * ({m} / ({learning_rate} * {at}))
v = np.linalg.solve(X.T @ X + strength * np.eye({DEGREE}), X.T @ y)
with np.errstate(all="ignore"):
    result = tuple(float(0.5 * np.mean((u @ X_dev.T - y_dev) ** 2)) for u in (w, v))
"""


class TwoFitsView(View[Comparison]):
    """The fit after some steps of gradient descent, and that of ridge regression."""

    def __init__(self, ax: Axes, limit: float = 2.0) -> None:
        ax.set(xlim=(-1, 1), ylim=(-limit, limit), xlabel="x", ylabel="y")
        (self._before,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._points,) = ax.plot([], [], "o", color=GHOST, ms=4, mec="none")
        (self._truth,) = ax.plot([], [], ":", color=TEST, lw=2)
        (self._ridge,) = ax.plot([], [], color=RIDGE, lw=2)
        (self._early,) = ax.plot([], [], "--", color=EARLY, lw=2.5)
        for artist in (self._before, self._points, self._truth, self._ridge, self._early):
            moving(artist)
        self._gone = note(ax, 0, 0.92 * limit, "the fit of training\nis off the frame", color=EARLY)
        self._gone.set(ha="center", va="top")
        key(ax, ("-- stopped at t", EARLY), ("— ridge", RIDGE), ("┅ truth", TEST))

    def update(self, result: Comparison, before: Comparison | None) -> None:
        """Show `result.early_fit`, `result.ridge_fit` and `result.truth`, each (n,)."""
        self._gone.set_visible(result.gone)
        nothing = np.full(len(CURVE_X), np.nan)
        self._early.set_data(CURVE_X, nothing if result.gone else result.early_fit)
        self._ridge.set_data(CURVE_X, result.ridge_fit)
        self._truth.set_data(CURVE_X, result.truth)
        self._points.set_data(result.x, result.y)
        self._before.set_data(CURVE_X, nothing if before is None or before.gone else before.early_fit)


class OverStepsView(View[Comparison]):
    """Dev loss over the steps of training; a ridge solution stands at the step m / (alpha lambda)."""

    def __init__(self, ax: Axes, low: float = 0.02, high: float = 1.0) -> None:
        ax.set(xlim=(1, MOST_STEPS), ylim=(low, high), xscale="log", yscale="log")
        ax.set(xlabel="steps t; ridge: m/(αλ)", ylabel="dev loss J")
        ax.set_xticks([1, 10, 100, 1000, 10_000], ["1", "10", "100", "1,000", "10,000"])
        ax.set_yticks([0.03, 0.1, 0.3, 1], ["0.03", "0.1", "0.3", "1"])
        ax.minorticks_off()
        (self._before,) = ax.plot([], [], "--", color=GHOST, lw=1.5)
        (self._ridge,) = ax.plot([], [], color=RIDGE, lw=2)
        (self._early,) = ax.plot([], [], "--", color=EARLY, lw=2.5)
        self._cursor = ax.axvline(1, color=EARLY, lw=1)
        (self._here_ridge,) = ax.plot([], [], "s", color=RIDGE, ms=10, mec="white")
        (self._here_early,) = ax.plot([], [], "o", color=EARLY, ms=10, mec="white")
        lines = (self._before, self._ridge, self._early, self._here_ridge, self._here_early)
        for artist in (*lines, self._cursor):
            moving(artist)
        key(ax, ("--● training", EARLY), ("—■ ridge", RIDGE), ("-- before", "#777777"))

    def update(self, result: Comparison, before: Comparison | None) -> None:
        """Show the dev losses of `result.early` and `result.ridge`, and the points on them."""
        self._early.set_data(*_inside((KEPT_STEPS[: len(result.early[1])], result.early[1])))
        self._ridge.set_data(result.ridge_steps, result.ridge[1])
        self._here_early.set_data(*_inside((result.t, result.early_here[1])))
        self._here_ridge.set_data(*_inside((result.ridge_step, result.ridge_here[1])))
        self._cursor.set_xdata([result.t] * 2)
        other = before is not None and before.early is not result.early
        old = before.early[1] if before is not None and other else ()
        self._before.set_data(*_inside((KEPT_STEPS[: len(old)], old)))


def _inside(path: Any) -> tuple[FloatArray, FloatArray]:
    """Return x and y without what is too large to draw."""
    x, y = (np.atleast_1d(np.asarray(part, dtype=float)) for part in path)
    fine = (np.abs(x) < 1e6) & (np.abs(y) < 1e3)
    return np.where(fine, x, np.nan), np.where(fine, y, np.nan)


class SharesView(View[Comparison]):
    """How much of the least-squares solution is reached in each direction, from flat to steep."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(CURVATURES[0], CURVATURES[-1]), ylim=(-0.05, 1.3), xscale="log")
        ax.set(xlabel="curvature s of the direction", ylabel="share of the solution")
        (self._before,) = ax.plot([], [], "--", color=GHOST, lw=1.5)
        (self._ridge,) = ax.plot([], [], color=RIDGE, lw=1.5)
        (self._early,) = ax.plot([], [], "--", color=EARLY, lw=1.5)
        (self._squares,) = ax.plot([], [], "s", color=RIDGE, ms=6, mec="white", mew=0.5)
        (self._dots,) = ax.plot([], [], "o", color=EARLY, ms=7, mec="white", mew=0.5)
        for artist in (self._before, self._ridge, self._early, self._squares, self._dots):
            moving(artist)
        key(ax, ("●-- training (5)", EARLY), ("■— ridge (6)", RIDGE))

    def update(self, result: Comparison, before: Comparison | None) -> None:
        """Show the shares on the grid of curvatures, and those measured at `result.curvatures`."""
        self._early.set_data(*_inside((CURVATURES, result.early_curve)))
        self._ridge.set_data(CURVATURES, result.ridge_curve)
        self._dots.set_data(*_inside((result.curvatures, result.early_shares)))
        self._squares.set_data(*_inside((result.curvatures, result.ridge_shares)))
        self._before.set_data(*_inside(((), ()) if before is None else (CURVATURES, before.early_curve)))


def views(figure: Figure) -> list[View[Comparison]]:
    """Lay out the lab: the two functions, the two paths, and the shares in each direction."""
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1.5, 1])
    return [TwoFitsView(left), OverStepsView(middle), SharesView(right)]


def ridge_path_lab() -> Lab:
    """Return the lab *Early stopping and L2: alike, not equal*."""
    return Lab(
        "Early stopping and L2: alike, not equal",
        controls={
            "t": log_slider("Steps t", 0, 4, 100, 0.1, fmt=",.0f"),
            "multiple": log_slider("λ, in units of m/(αt)", -1, 1, 1, 0.1),
            "noise": real_slider("Noise σ", 0, 0.6, 0.3, 0.05),
            "m": slider("Training examples m", 20, 100, 20, 5),
            "learning_rate": log_slider("Learning rate α", -1, 0.8, 1, 0.1),
        },
        compute=compare,
        views=views,
        grabs=[Grab(1, x="t")],
        code=program,
        presets={
            "stopped too early": {"t": 4},
            "not stopped": {"t": 10_000},
            "half of λ": {"multiple": 0.5},
            "not stopped, more data": {"m": 100, "t": 10_000},
            "diverges": {"learning_rate": 10**0.8},
        },
    )

"""The labs of section 1.5, first part: early stopping, scrubbed and replayed, and its kinship with ridge."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.polynomial.legendre import legvander

from dlhelpers.datasets import FUNCTIONS, moons, noisy_function
from dlhelpers.live.controls import log_slider, real_slider, slider
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent
from dlhelpers.plots.early_stopping import (
    RESTORED,
    BoundaryView,
    NormsView,
    OverEpochsView,
    OverNormView,
    SharesView,
    TwoFitsView,
)
from dlhelpers.plots.style import ACCENT, View
from dlhelpers.regularization import (
    Stop,
    early_stop,
    matching_strength,
    ridge,
    share_after_steps,
    share_of_ridge,
)
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

X_GRID = np.linspace(-1, 1, 161)

# One run, scrubbed and replayed ---------------------------------------------------------------------

EPOCHS, BATCH_SIZE, N_DEV = 300, 10, 200
MOST_EXAMPLES, HIGHEST_LOSS = 200, 1.2
NETWORK = Network((2, 20, 20, 1), "tanh", "sigmoid_cross_entropy")
_SIDE = np.linspace(-3, 3, 50)
PLANE = np.stack(np.meshgrid(_SIDE, _SIDE), axis=-1).reshape(-1, 2)


class Run(NamedTuple):
    """One recorded run: what was known at the end of each epoch; epoch 0 is the start.

    Attributes
    ----------
    X, y : (m, 2) and (m,) array
        The training set.
    thetas : (n_epochs + 1, P) float array
    train, dev, norm, distance : (n_epochs + 1,) float array
        Losses; the length of the weights, and their distance from the first ones.
    """

    X: FloatArray
    y: IntArray
    thetas: FloatArray
    train: FloatArray
    dev: FloatArray
    norm: FloatArray
    distance: FloatArray


class Replay(NamedTuple):
    """What the lab shows: the state at the chosen epoch, and where patience would have stopped the run."""

    epoch: int
    patience: int
    stop: Stop
    ran_out: bool
    X: FloatArray
    y: IntArray
    train: FloatArray
    dev: FloatArray
    norm: FloatArray
    distance: FloatArray
    here: FloatArray
    restored: FloatArray


@lru_cache(maxsize=16)
def recordings(noise: float, m: int, learning_rate: float, seed: int) -> dict[str, Run]:
    """Return an empty store for this setting; `scrub` puts the finished run into it."""
    return {}


def moon_sets(noise: float, m: int, seed: int) -> tuple[Batch, Batch]:
    """Return m training points, the first of the same 200, and the dev set."""
    X, y = moons(MOST_EXAMPLES, noise=noise, rng=np.random.default_rng([seed, 0]))
    X_dev, y_dev = moons(N_DEV, noise=noise, rng=np.random.default_rng([seed, 1]))
    return Batch(X[:m], y[:m, None].astype(float)), Batch(X_dev, y_dev[:, None].astype(float))


def record(noise: float, m: int, learning_rate: float, seed: int) -> Iterator[tuple[float, Run]]:
    """Train a network on two moons and keep every epoch; yield the run so far."""
    train, dev = moon_sets(noise, m, seed)
    rng = np.random.default_rng([seed, 2])
    theta, per_epoch = NETWORK.initialize(rng), -(-m // BATCH_SIZE)
    run = descend(NETWORK, theta, minibatches(train.X, train.Y, BATCH_SIZE, rng), Adam(), learning_rate)
    is_weight, thetas, losses = NETWORK.layout.is_weight, [], []
    for epoch, step in enumerate(islice(run, 0, EPOCHS * per_epoch + 1, per_epoch)):
        thetas.append(step.theta)
        losses.append([float(NETWORK.loss(step.theta, part)) for part in (train, dev)])
        if epoch % 10 == 0 and epoch > 0:
            known = np.array(thetas)
            norms = (np.linalg.norm((known - start)[:, is_weight], axis=1) for start in (0, theta))
            yield epoch / EPOCHS, Run(train.X, train.Y[:, 0].astype(int), known, *np.array(losses).T, *norms)


def scrub(
    epoch: int, patience: int, noise: float, m: int, learning_rate: float, seed: int
) -> Iterator[tuple[float, Replay]]:
    """Show one epoch of the recorded run and replay the run with this patience; record it first if needed."""
    store = recordings(noise, m, learning_rate, seed)

    def show(run: Run) -> Replay:
        stop = early_stop(run.dev, patience)
        at = min(epoch, len(run.dev) - 1)
        maps = (
            NETWORK.predict(run.thetas[k], PLANE).reshape(_SIDE.size, _SIDE.size) for k in (at, stop.best)
        )
        ran_out = stop.stopped - stop.best >= patience
        curves = (run.train, run.dev, run.norm, run.distance)
        return Replay(at, patience, stop, ran_out, run.X, run.y, *curves, *maps)

    if "done" not in store:
        for share, run in record(noise, m, learning_rate, seed):
            if share < 1:
                yield share, show(run)
        store["done"] = run
    yield 1.0, show(store["done"])


def scrub_finding(result: Replay) -> str:
    """Return where the run stops and what comes back."""
    best, stopped = result.stop
    ends = f"stops at epoch {stopped}" if result.ran_out else f"never stops in {stopped} epochs"
    return f"Patience {result.patience}: {ends}, restores epoch {best}, dev loss {result.dev[best]:.2f}"


def scrub_caption(result: Replay) -> str:
    """Say what holds at the cursor, and what another patience could have won."""
    k, best, lowest = result.epoch, result.stop.best, int(result.dev.argmin())
    text = (
        f"At epoch {k} the train loss is {result.train[k]:.2f} and the dev loss {_off(result.dev[k])}. The "
        f"weights have the length {result.norm[k]:.1f}, from {result.norm[0]:.1f} at the start, and are "
        f"{result.distance[k]:.1f} away from the first ones. "
    )
    if best == lowest:
        return (
            text + f"The restored epoch {best} has the lowest dev loss of all {len(result.dev) - 1} epochs."
        )
    return text + (
        f"Later, at epoch {lowest}, the dev loss falls to {result.dev[lowest]:.2f}: with this patience, "
        "training has ended before."
    )


def _off(loss: float) -> str:
    return f"{loss:.2f}" + (", above the frame" if loss > HIGHEST_LOSS else "")


def scrub_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: two maps, and the losses above the weights."""
    grid = figure.add_gridspec(2, 3, height_ratios=[1.7, 1], width_ratios=[1, 1, 1.5])
    here, restored = (figure.add_subplot(grid[:, k]) for k in (0, 1))
    losses, weights = figure.add_subplot(grid[0, 2]), figure.add_subplot(grid[1, 2])
    return [
        BoundaryView(here, "here", "your epoch", ACCENT),
        BoundaryView(restored, "restored", "restored by early stopping", RESTORED),
        OverEpochsView(losses, EPOCHS, HIGHEST_LOSS),
        NormsView(weights, EPOCHS),
    ]


def scrub_code(epoch: int, patience: int, noise: float, m: int, learning_rate: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from itertools import islice
from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.regularization import early_stop
from dlhelpers.training import descend

X, y = moons({MOST_EXAMPLES}, noise={noise}, rng=np.random.default_rng([{seed}, 0]))
X_dev, y_dev = moons({N_DEV}, noise={noise}, rng=np.random.default_rng([{seed}, 1]))
train = Batch(X[:{m}], y[:{m}, None].astype(float))
dev = Batch(X_dev, y_dev[:, None].astype(float))
network = Network({NETWORK.sizes}, "tanh", "sigmoid_cross_entropy")
rng = np.random.default_rng([{seed}, 2])
theta = network.initialize(rng)
run = descend(network, theta, minibatches(train.X, train.Y, {BATCH_SIZE}, rng), Adam(), {learning_rate})
per_epoch = {-(-m // BATCH_SIZE)}  # steps
thetas = [step.theta for step in islice(run, 0, {EPOCHS} * per_epoch + 1, per_epoch)]
dev_losses = [float(network.loss(theta, dev)) for theta in thetas]
stop = early_stop(dev_losses, patience={patience})
restored = thetas[stop.best]  # what early stopping gives back
here = thetas[{epoch}]
result = stop.best, stop.stopped, dev_losses[stop.best], float(network.loss(here, train))
"""


def early_stopping_lab() -> Lab:
    """Return the lab *Early stopping: one run, scrubbed and replayed*."""
    return Lab(
        "Early stopping: one run, scrubbed and replayed",
        controls={
            "epoch": slider("Epoch", 0, EPOCHS, 200),
            "patience": slider("Patience, epochs", 1, 100, 30),
            "noise": real_slider("Noise σ", 0, 0.8, 0.4, 0.05),
            "m": slider("Training examples m", 10, 200, 40, 10),
            "learning_rate": log_slider("Learning rate α", -3, -1.5, 0.01, 0.25),
        },
        compute=scrub,
        views=scrub_views,
        finding=scrub_finding,
        caption=scrub_caption,
        code=scrub_code,
        presets={
            "too impatient": {"patience": 5},
            "stop in time": {"epoch": 62},
            "trained to the end": {"epoch": EPOCHS},
            "more data": {"m": 200},
            "very noisy": {"noise": 0.8},
        },
        size=(9.6, 3.9),
    )


# The path of training and the path of ridge regression ----------------------------------------------

DEGREE, MOST_STEPS = 15, 10_000
STEPS = np.unique(np.round(10 ** np.arange(0, 4.01, 0.1)).astype(int))
STRENGTHS = np.logspace(4, -5, 181)
CURVATURES = np.logspace(-3, 0, 61)


class Problem(NamedTuple):
    """Centered features and targets for training and dev, and what centering took away."""

    x: FloatArray
    y: FloatArray
    X: FloatArray
    X_dev: FloatArray
    y_dev: FloatArray
    mean_features: FloatArray
    mean_y: float


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


class Paths(NamedTuple):
    """Weights along both paths, (n, P), with their norms and dev losses, (n,); where training diverged."""

    problem: Problem
    early: FloatArray
    ridge: FloatArray
    diverged: int | None


@lru_cache(maxsize=16)
def path_store(noise: float, m: int, learning_rate: float, seed: int) -> dict[str, Paths]:
    """Return an empty store for this setting; `compare` puts both paths into it."""
    return {}


def follow(noise: float, m: int, learning_rate: float, seed: int) -> Iterator[tuple[float, Paths]]:
    """Run gradient descent from zero weights, keep it at 39 moments; solve ridge for 181 lambdas."""
    problem = polynomial_problem(noise, m, seed)
    X, Y = problem.X, (problem.y - problem.mean_y)[:, None]
    solutions = np.array([ridge(X, Y[:, 0], strength) for strength in STRENGTHS])
    batches = repeat(Batch(X, Y))
    start, network = np.zeros(DEGREE + 1), Network((DEGREE, 1))
    run = descend(network, start, batches, GradientDescent(), learning_rate, projection=without_bias)
    early = np.full((len(STEPS), DEGREE), np.inf)
    kept, diverged = 0, None
    for step in islice(run, MOST_STEPS + 1):
        if step.diverged:
            diverged = step.step
        elif step.step == STEPS[kept]:
            early[kept] = step.theta[:DEGREE]
            kept += 1
        if step.step % 400 == 399:
            yield step.step / (MOST_STEPS + 1), Paths(problem, early.copy(), solutions, diverged)
    yield 1.0, Paths(problem, early, solutions, diverged)


class Comparison(NamedTuple):
    """What the lab shows: a state of training beside a ridge solution, and both paths."""

    t: int
    strength: float
    diverged: int | None
    x: FloatArray
    y: FloatArray
    truth: FloatArray
    early_fit: FloatArray
    ridge_fit: FloatArray
    early: tuple[FloatArray, FloatArray]
    ridge: tuple[FloatArray, FloatArray]
    early_here: tuple[float, float]
    ridge_here: tuple[float, float]
    apart: float
    nearest: tuple[float, float]
    curvatures: FloatArray
    early_shares: FloatArray
    ridge_shares: FloatArray
    early_curve: FloatArray
    ridge_curve: FloatArray


def path_of(weights: FloatArray, problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Return the norm and the dev loss of each row of weights, (n,) each."""
    with np.errstate(all="ignore"):
        errors = weights @ problem.X_dev.T - problem.y_dev
        losses = 0.5 * np.mean(errors**2, axis=-1)
    return np.linalg.norm(weights, axis=-1), np.where(np.isfinite(losses), losses, np.inf)


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
    w = paths.early[int(np.flatnonzero(t == STEPS)[0])]
    v = ridge(problem.X, problem.y - problem.mean_y, strength)
    early, solutions = path_of(paths.early, problem), path_of(paths.ridge, problem)
    distances = np.mean(((paths.ridge - np.where(np.isfinite(w), w, 0)) @ problem.X_dev.T) ** 2, axis=1)
    nearest = int(distances.argmin())
    features = legvander(X_GRID, DEGREE)[:, 1:] - problem.mean_features
    apart = float(np.sqrt(np.mean((problem.X_dev @ (w - v)) ** 2)))
    ratio = float(multiple * STRENGTHS[nearest] / strength)
    curvatures, early_shares = shares_of(w, problem)
    return Comparison(
        t=t,
        strength=strength,
        diverged=paths.diverged,
        x=problem.x,
        y=problem.y,
        truth=FUNCTIONS["sine"](X_GRID),
        early_fit=features @ w + problem.mean_y,
        ridge_fit=features @ v + problem.mean_y,
        early=early,
        ridge=solutions,
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
    at = int(STEPS[np.abs(np.log(STEPS) - np.log(t)).argmin()])
    store = path_store(noise, m, learning_rate, seed)
    if "done" not in store:
        for share, paths in follow(noise, m, learning_rate, seed):
            if share < 1:
                yield share, compare_here(paths, at, multiple, learning_rate)
        store["done"] = paths
    yield 1.0, compare_here(store["done"], at, multiple, learning_rate)


def compare_finding(result: Comparison) -> str:
    """Return both dev losses."""
    here, there = (_three(point[1]) for point in (result.early_here, result.ridge_here))
    steps = f"{result.t:,} step{'s' if result.t > 1 else ''}"
    return f"Stopped after {steps}: dev loss {here}; ridge with λ = {result.strength:.2g}: {there}"


def _three(value: float) -> str:
    return f"{value:.3f}" if value < 100 else "off the scale"


def compare_caption(result: Comparison) -> str:
    """Say how far the two functions are apart, and what the best of each path is."""
    here = result.early_here[1]
    if result.diverged is None and not np.isfinite(here):
        return f"Training has not come to step {result.t:,} yet."
    if result.diverged is not None or here > 100:
        when = "" if result.diverged is None else f", and ends at step {result.diverged:,}"
        return (
            f"The learning rate is too large for the steepest direction: training diverges{when}. "
            f"Its path leaves the frame. Ridge regression needs no learning rate: its best dev loss is "
            f"{np.min(result.ridge[1]):.3f}."
        )
    ratio, apart = result.nearest
    best_step = STEPS[int(result.early[1].argmin())]
    best_strength = STRENGTHS[int(result.ridge[1].argmin())]
    nearest = f"Of all λ, {ratio:.2g} times m/(αt) comes nearest: {apart:.3f} apart."
    if result.apart < 0.01:
        nearest = "Here every small λ gives nearly the same function."
    return (
        f"Here training has reached the norm {result.early_here[0]:.2f}, ridge {result.ridge_here[0]:.2f}. "
        f"On the dev points, the two functions are {result.apart:.3f} apart (root mean square). {nearest} "
        f"The lowest dev loss of training is "
        f"{np.min(result.early[1]):.3f}, near step {best_step:,}; that of ridge is "
        f"{np.min(result.ridge[1]):.3f}, near λ = {best_strength:.1g}."
    )


def compare_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the two functions, the two paths, and the shares in each direction."""
    left, middle, right = figure.subplots(1, 3)
    return [TwoFitsView(left, X_GRID), OverNormView(middle), SharesView(right, CURVATURES)]


def compare_code(t: float, multiple: float, noise: float, m: int, learning_rate: float, seed: int) -> str:
    """Return the program behind the picture."""
    at = int(STEPS[np.abs(np.log(STEPS) - np.log(t)).argmin()])
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
        views=compare_views,
        finding=compare_finding,
        caption=compare_caption,
        code=compare_code,
        presets={
            "stopped too early": {"t": 4},
            "not stopped": {"t": 10_000},
            "half of λ": {"multiple": 0.5},
            "not stopped, more data": {"m": 100, "t": 10_000},
            "diverges": {"learning_rate": 10**0.8},
        },
    )

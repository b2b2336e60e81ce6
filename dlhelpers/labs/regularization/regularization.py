"""The labs of notebook 02, section 1.3: L1 and L2, lambda on a network, L2 against weight decay."""

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dlhelpers.datasets import moons
from dlhelpers.labs.playground.playground import GRID, SQUARE
from dlhelpers.live.controls import choice, log_slider, real_slider, slider
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, Optimizer, RMSprop
from dlhelpers.plots.playground import MessageView
from dlhelpers.plots.regularization import (
    DifferenceView,
    LossOverLambdaView,
    NetworkView,
    NormOverLambdaView,
    NormOverStepsView,
    PenaltyView,
    TanhView,
    TwoClassesView,
    WeightPairsView,
    ZeroShareView,
)
from dlhelpers.plots.style import View
from dlhelpers.regularization import Regularized, soft_threshold
from dlhelpers.training import Descent, descend
from dlhelpers.typing import BoolArray, FloatArray, IntArray

# L1 diamond, L2 circle ------------------------------------------------------------------------------

EXAMPLES = 4
"""m of each problem: the four examples that give the features exactly the correlation we want."""
STRENGTHS = 10.0 ** np.linspace(-2, 2, 41)
SOLVE_STEPS = 100
N_PROBLEMS = 300
LINE = Network((2, 1))
ANGLES = np.linspace(0, 2 * np.pi, 73)
LEVELS = (0.05, 0.3, 0.8, 1.6, 2.8)
SOLVERS = ("proximal", "subgradient")
"""Gradient steps on J with a soft threshold after each, or steps along the subgradient of J + R_L1."""


class Solutions(NamedTuple):
    """The penalized minima of one problem: weights (41, 2) for each penalty, and the loss J there."""

    l1: FloatArray
    l2: FloatArray
    loss_l1: FloatArray
    loss_l2: FloatArray


class Shares(NamedTuple):
    """At one lambda: the solutions of all random problems, (300, 2) for each penalty."""

    l1: FloatArray
    l2: FloatArray


class Diamond(NamedTuple):
    """What the lab shows; a curve is an array of points (n, 2) in the plane of the weights."""

    solver: str
    at: int
    minimum: FloatArray
    correlation: float
    solutions: Solutions
    ellipses: FloatArray
    touching: tuple[FloatArray, FloatArray]
    balls: tuple[FloatArray, FloatArray]
    cloud: Shares
    share: Mapping[int, tuple[float, float, float]]
    """From the number of lambda to the shares: L1 with a zero, L1 with two, L2 with a zero."""


def correlated_features(correlation: FloatArray) -> FloatArray:
    """Return four examples, (..., 4, 2), of two features with X^T X / 4 = [[1, rho], [rho, 1]]."""
    a, c = np.sqrt(1 + correlation), np.sqrt(1 - correlation)
    return np.stack([np.stack(row, axis=-1) for row in ((a, a), (-a, -a), (c, -c), (-c, c))], axis=-2)


def minimize_penalized(
    minimum: FloatArray, correlation: FloatArray, l1: FloatArray, l2: FloatArray, solver: str
) -> tuple[FloatArray, FloatArray]:
    """Fit K lines with penalties by gradient steps; return theta (K, 3) and the loss J without penalty.

    `minimum` is (K, 2), the others are (K, 1).  Each rate is one over the largest curvature.
    """
    X = correlated_features(correlation[:, 0])
    batch = Batch(X, X @ minimum[..., None])
    start = np.concatenate([minimum, np.zeros((len(minimum), 1))], axis=1)
    rate = 1 / (1 + np.abs(correlation) + l2 / EXAMPLES)
    if solver == SOLVERS[0]:
        objective, amount = Regularized(LINE, EXAMPLES, l2=l2), rate * l1 / EXAMPLES
        project = partial(soft_threshold, is_weight=LINE.layout.is_weight, amount=amount)
    else:
        objective, project = Regularized(LINE, EXAMPLES, l1=l1, l2=l2), None
    run = descend(objective, start, repeat(batch), GradientDescent(), rate, projection=project)
    theta = next(islice(run, SOLVE_STEPS, None)).theta
    return theta, LINE.loss(theta, batch)


@lru_cache(maxsize=32)
def solution_path(w1: float, w2: float, correlation: float, solver: str) -> Solutions:
    """Return the minima for all lambdas: one population, first with L1, then with L2."""
    zeros, n = np.zeros_like(STRENGTHS), len(STRENGTHS)
    l1, l2 = (np.concatenate(pair)[:, None] for pair in ((STRENGTHS, zeros), (zeros, STRENGTHS)))
    minimum, rho = np.tile([w1, w2], (2 * n, 1)), np.full((2 * n, 1), correlation)
    theta, loss = minimize_penalized(minimum, rho, l1, l2, solver)
    return Solutions(theta[:n, :2], theta[n:, :2], loss[:n], loss[n:])


@lru_cache(maxsize=8)
def solved_problems(solver: str, seed: int) -> dict[int, Shares]:
    """Return an empty store for this setting: from the number of lambda to solutions."""
    return {}


def random_problems(strength: float, solver: str, seed: int) -> Shares:
    """Solve the random problems at one lambda, with L1 and with L2."""
    rng = np.random.default_rng(seed)
    minimum, rho = rng.uniform(-2, 2, (N_PROBLEMS, 2)), rng.uniform(-0.8, 0.8, (N_PROBLEMS, 1))
    l1, l2 = (np.repeat(pair, N_PROBLEMS)[:, None] for pair in ((strength, 0.0), (0.0, strength)))
    theta, _ = minimize_penalized(np.tile(minimum, (2, 1)), np.tile(rho, (2, 1)), l1, l2, solver)
    return Shares(theta[:N_PROBLEMS, :2], theta[N_PROBLEMS:, :2])


def penalize(
    w1: float, w2: float, correlation: float, strength: float, solver: str, seed: int
) -> Iterator[tuple[float, Diamond]]:
    """Solve the reader's problem for all lambdas, and the random ones, at the reader's lambda first."""
    at = int(np.abs(STRENGTHS - strength).argmin())
    store = solved_problems(solver, seed)
    todo = [k for k in dict.fromkeys((at, *range(len(STRENGTHS)))) if k not in store]
    for done, k in enumerate(todo):
        store[k] = random_problems(float(STRENGTHS[k]), solver, seed)
        if done < len(todo) - 1:
            yield (done + 1) / len(todo), _diamond(w1, w2, correlation, at, solver, store)
    yield 1.0, _diamond(w1, w2, correlation, at, solver, store)


def _diamond(w1: float, w2: float, rho: float, at: int, solver: str, store: Mapping[int, Shares]) -> Diamond:
    solutions, minimum = solution_path(w1, w2, rho, solver), np.array([w1, w2])
    touching = (solutions.loss_l1[at], solutions.loss_l2[at])
    return Diamond(
        solver,
        at,
        minimum,
        rho,
        solutions,
        np.stack([level_set(minimum, rho, level) for level in LEVELS]),
        (level_set(minimum, rho, touching[0]), level_set(minimum, rho, touching[1])),
        (diamond(np.abs(solutions.l1[at]).sum()), circle(np.sqrt((solutions.l2[at] ** 2).sum()))),
        store[at],
        {k: zero_shares(store[k]) for k in sorted(store)},
    )


def level_set(minimum: FloatArray, correlation: float, level: float) -> FloatArray:
    """Return the ellipse on which the loss J has this value; its axes lie along (1, 1) and (1, -1)."""
    along = np.sqrt(level / (1 + correlation)) * np.cos(ANGLES)
    across = np.sqrt(level / (1 - correlation)) * np.sin(ANGLES)
    return minimum + np.stack([along + across, along - across], axis=1)


def diamond(size: float) -> FloatArray:
    """Return the points with |w1| + |w2| = size."""
    return size * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1.0, 0.0]])


def circle(radius: float) -> FloatArray:
    """Return the points with w1^2 + w2^2 = radius^2."""
    return radius * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def zero_shares(found: Shares) -> tuple[float, float, float]:
    """Return the shares of problems: L1 with a weight of exactly 0, L1 with two, L2 with one."""
    l1, l2 = ((weights == 0).sum(axis=1) for weights in found)
    return float(np.mean(l1 > 0)), float(np.mean(l1 > 1)), float(np.mean(l2 > 0))


def _zeros_in_words(weights: FloatArray) -> str:
    return {0: "no weight is", 1: "one weight is", 2: "both weights are"}[int((weights == 0).sum())]


def diamond_finding(result: Diamond) -> str:
    """Return the shares of random problems with an exact zero."""
    one, _, l2 = result.share[result.at]
    return (
        f"λ = {STRENGTHS[result.at]:.2g}: a weight is exactly 0 in {one:.0%} of {N_PROBLEMS} problems "
        f"with L1, in {l2:.0%} with L2"
    )


def diamond_caption(result: Diamond) -> str:
    """Say which weights are exactly 0, here and in the random problems."""
    strength = float(STRENGTHS[result.at])
    l1, l2 = result.solutions.l1[result.at], result.solutions.l2[result.at]
    text = (
        f"λ/m = {strength / EXAMPLES:.2g}. Your problem: from ({result.minimum[0]:.1f}, "
        f"{result.minimum[1]:.1f}), L1 goes to ({_number(l1[0])}, {_number(l1[1])}), "
        f"{_zeros_in_words(l1)} exactly 0; L2 goes to ({_number(l2[0])}, {_number(l2[1])}), "
        f"{_zeros_in_words(l2)}. "
    )
    if result.solver == SOLVERS[1]:
        step = strength / EXAMPLES / (1 + abs(result.correlation))
        text += (
            f"Subgradient steps: the L1 part of each is {step:.2g} long, on either side of 0, so it jumps "
            "over 0. "
        )
    return text + (
        f"{N_PROBLEMS} random problems (dots: minimum uniform in the frame from -2 to 2, correlation in "
        f"±0.8): with L1, {result.share[result.at][1]:.0%} have both weights at exactly 0."
    )


def _number(w: float) -> str:
    """Return a weight with two decimals, and an exact zero as such."""
    return "0" if w == 0 else f"{w:+.2f}" if abs(w) >= 0.005 else f"{w:+.0e}"


def diamond_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: L1, L2, and the shares of exact zeros over lambda."""
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.05])
    return [PenaltyView(left, 0), PenaltyView(middle, 1), ZeroShareView(right, STRENGTHS)]


def diamond_code(w1: float, w2: float, correlation: float, strength: float, solver: str, seed: int) -> str:
    """Return the program behind the picture."""
    at = int(np.abs(STRENGTHS - strength).argmin())
    exact = solver == SOLVERS[0]
    how = (
        "objective = Regularized(line, 4, l2=l2)\n"
        "    project = partial(soft_threshold, is_weight=line.layout.is_weight, amount=rate * l1 / 4)"
        if exact
        else "objective, project = Regularized(line, 4, l1=l1, l2=l2), None"
    )
    return f"""
from functools import partial
from itertools import islice, repeat
import numpy as np
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.regularization import Regularized, soft_threshold
from dlhelpers.training import descend

line = Network((2, 1))  # y = w1 x1 + w2 x2 + b

def solve(minimum, rho, l1, l2):  # (K, 2), and (K, 1) each
    a, c = np.sqrt(1 + rho[:, 0]), np.sqrt(1 - rho[:, 0])
    X = np.stack([np.stack(row, axis=-1) for row in ((a, a), (-a, -a), (c, -c), (-c, c))], axis=-2)
    rate = 1 / (1 + np.abs(rho) + l2 / 4)
    {how}
    start = np.concatenate([minimum, np.zeros((len(minimum), 1))], axis=1)
    batches = repeat(Batch(X, X @ minimum[..., None]))
    run = descend(objective, start, batches, GradientDescent(), rate, projection=project)
    return next(islice(run, {SOLVE_STEPS}, None)).theta[:, :2]

strengths, zeros = 10.0 ** np.linspace(-2, 2, 41), np.zeros(41)  # all lambdas at once
l1, l2 = (np.concatenate(pair)[:, None] for pair in ((strengths, zeros), (zeros, strengths)))
path = solve(np.tile([{w1}, {w2}], (82, 1)), np.full((82, 1), {correlation}), l1, l2)

rng = np.random.default_rng({seed})  # the random problems, at the chosen lambda
minimum, rho = rng.uniform(-2, 2, ({N_PROBLEMS}, 2)), rng.uniform(-0.8, 0.8, ({N_PROBLEMS}, 1))
strength = strengths[{at}]
l1, l2 = (np.repeat(pair, {N_PROBLEMS})[:, None] for pair in ((strength, 0.0), (0.0, strength)))
cloud = solve(np.tile(minimum, (2, 1)), np.tile(rho, (2, 1)), l1, l2)
has_zero = (cloud == 0).any(axis=1)
result = path[{at}], path[41 + {at}], has_zero[:{N_PROBLEMS}].mean(), has_zero[{N_PROBLEMS}:].mean()
"""


def diamond_lab() -> Lab:
    """Return the lab *L1 diamond, L2 circle*."""
    return Lab(
        "L1 diamond, L2 circle",
        controls={
            "w1": real_slider("Minimum of J: w1*", -2, 2, 1.5, 0.1, fmt=".1f"),
            "w2": real_slider("Minimum of J: w2*", -2, 2, 0.6, 0.1, fmt=".1f"),
            "correlation": real_slider("Correlation ρ of x1, x2", -0.8, 0.8, 0.3, 0.05),
            "strength": log_slider("Strength λ", -2, 2, 4, 0.1),
            "solver": choice("How L1 is minimized", list(SOLVERS), SOLVERS[0]),
        },
        compute=penalize,
        views=diamond_views,
        finding=diamond_finding,
        caption=diamond_caption,
        code=diamond_code,
        presets={
            "weak penalty": {"strength": 0.1},
            "strong penalty": {"strength": 10**0.9},
            "no corner": {"w2": 1.5, "correlation": 0.0},
            "correlated features": {"w2": 1.2, "correlation": 0.8, "strength": 1},
            "subgradient steps": {"solver": SOLVERS[1]},
        },
        size=(9.6, 3.8),
    )


# Lambda on a network --------------------------------------------------------------------------------

SIZES = (2, 12, 12, 1)
LAMBDAS = 10.0 ** np.linspace(-3, 3, 25)
TRAIN_STEPS, PIECE = 1500, 50
M_DEV, LIMIT = 500, 3.0
LINEAR = 0.5
"""Up to this |z|, tanh z differs from z by less than 8%."""
Z_EDGES = np.linspace(-4, 4, 41)
VARIES = 0.05
"""A hidden unit varies if the standard deviation of its output over the training set is above this."""
LOST = 1e3
"""Training has diverged when the length of all weights is above this; it starts near 5."""
PENALTIES = ("L2", "L1")


class Task(NamedTuple):
    """Two noisy moons: a small training set, and a dev set; labels are columns of 0 and 1.

    All is float64: training amplifies rounding, and captions must be the same on every processor.
    """

    network: Network
    train: Batch
    dev: Batch


class OverLambdas(NamedTuple):
    """The networks after some steps, one for each lambda.

    Attributes
    ----------
    theta : (25, P) float array
    gone_at : (25,) int array
        The step at which the weights ceased to be finite, or passed `LOST`; -1 if they did not.
    train, dev : (25,) float array
    norms : (25, n_layers) float array
    """

    theta: FloatArray
    gone_at: IntArray
    train: FloatArray
    dev: FloatArray
    norms: FloatArray


class OneLambda(NamedTuple):
    """What the lab shows: the curves over lambda, and the network at one of them."""

    penalty: str
    at: int
    m: int
    rate: float
    curves: OverLambdas
    map: FloatArray
    train: tuple[FloatArray, IntArray]
    message: str
    weights: FloatArray
    z: FloatArray
    far_from_b: float
    """The largest difference of a hidden pre-activation from its bias."""
    varies: BoolArray
    errors: tuple[float, float]

    @property
    def diverged(self) -> BoolArray:
        """For which lambdas training diverged."""
        return self.curves.gone_at >= 0

    @property
    def edge(self) -> float:
        """The lambda with alpha lambda / m = 2; none for L1."""
        return 2 * self.m / self.rate if self.penalty == "L2" else np.nan

    @property
    def histogram(self) -> FloatArray:
        """How the hidden pre-activations are spread over the bins, (40,) shares."""
        inside = np.clip(self.z[np.isfinite(self.z)], Z_EDGES[0], Z_EDGES[-1])
        return np.asarray(np.histogram(inside, Z_EDGES)[0] / self.z.size)

    @property
    def linear(self) -> float:
        """The share of hidden pre-activations in the nearly linear part of tanh."""
        return float(np.mean(np.abs(self.z) < LINEAR))


@lru_cache(maxsize=8)
def noisy_moons(noise: float, m: int, seed: int) -> Task:
    """Draw the training and the dev set."""
    rng = np.random.default_rng(seed)
    (X, y), (X_dev, y_dev) = moons(m, noise=noise, rng=rng), moons(M_DEV, noise=noise, rng=rng)
    network = Network(SIZES, loss_name="sigmoid_cross_entropy")
    return Task(network, Batch(X, 1.0 * y[:, None]), Batch(X_dev, 1.0 * y_dev[:, None]))


@lru_cache(maxsize=16)
def trained_over_lambda(penalty: str, rate: float, noise: float, m: int, seed: int) -> dict[str, OverLambdas]:
    """Return an empty store for this setting; `regularize` puts the finished networks into it."""
    return {}


def penalized_run(task: Task, penalty: str, rate: float, seed: int) -> Descent:
    """Return the training of one network for each lambda, all from the same weights."""
    network, m, strengths = task.network, len(task.train.X), LAMBDAS[:, None]
    theta = np.tile(network.initialize(np.random.default_rng(seed)), (len(LAMBDAS), 1))
    batches, plain = repeat(task.train), GradientDescent()
    if penalty == "L2":
        return descend(Regularized(network, m, l2=strengths), theta, batches, plain, rate)
    is_weight = network.layout.is_weight
    shrink = partial(soft_threshold, is_weight=is_weight, amount=rate * strengths / m)
    return descend(network, theta, batches, plain, rate, projection=shrink)


@np.errstate(all="ignore")
def measure(task: Task, theta: FloatArray, gone_at: IntArray) -> OverLambdas:
    """Measure all networks."""
    views = task.network.layout.views(theta)
    names = [name for name in views if name.startswith("W")]
    norms = np.stack([np.sqrt((views[name] ** 2).sum(axis=(1, 2))) for name in names], axis=1)
    losses = [task.network.loss(theta, batch) for batch in (task.train, task.dev)]
    return OverLambdas(theta, gone_at, losses[0], losses[1], norms)


def regularize(
    strength: float, penalty: str, rate: float, noise: float, m: int, seed: int
) -> Iterator[tuple[float, OneLambda]]:
    """Train a network for each lambda, all at once; yield those at the reader's lambda."""
    at = int(np.abs(LAMBDAS - strength).argmin())
    store, task = trained_over_lambda(penalty, rate, noise, m, seed), noisy_moons(noise, m, seed)
    if "done" not in store:
        run, is_weight = penalized_run(task, penalty, rate, seed), task.network.layout.is_weight
        gone_at = np.full(len(LAMBDAS), -1)
        for _ in range(TRAIN_STEPS // PIECE):
            *_, step = islice(run, PIECE)
            gone_at = _gone(gone_at, step.theta[:, is_weight], step.step + 1)
            curves = measure(task, run.theta, gone_at)
            if step.step + 1 < TRAIN_STEPS:
                yield (step.step + 1) / TRAIN_STEPS, _one_lambda(task, curves, at, penalty, rate)
        store["done"] = measure(task, next(run).theta, gone_at)
    yield 1.0, _one_lambda(task, store["done"], at, penalty, rate)


@np.errstate(all="ignore")
def _gone(gone_at: IntArray, weights: FloatArray, step: int) -> IntArray:
    """Note the step for the networks that are newly lost."""
    lost = ~(np.sqrt((weights**2).sum(axis=1)) < LOST)
    return np.where((gone_at < 0) & lost, step, gone_at)


def _one_lambda(task: Task, curves: OverLambdas, at: int, penalty: str, rate: float) -> OneLambda:
    network, theta, lost = task.network, curves.theta[at], curves.gone_at[at] >= 0
    trace, biases = network.trace(theta, task.train), network.layout.views(theta)
    usable = np.zeros_like(theta) if lost else theta
    p = network.predict(usable, LIMIT * SQUARE).reshape(GRID, GRID)
    with np.errstate(all="ignore"):
        far_from_b = max(float(np.abs(trace.Z[k] - biases[f"b{k + 1}"]).max()) for k in (0, 1))
        varies = np.concatenate([A.std(axis=1) > VARIES for A in trace.A[:-1]])
    return OneLambda(
        penalty,
        at,
        len(task.train.X),
        rate,
        curves,
        np.stack([1 - p, p], axis=-1),
        (task.train.X, task.train.Y[:, 0].astype(int)),
        f"diverged within {curves.gone_at[at]} steps" if lost else "",
        np.nan_to_num(theta)[network.layout.is_weight],
        np.concatenate([Z.ravel() for Z in trace.Z[:-1]]),
        far_from_b,
        varies,
        (_error(network, usable, task.train), _error(network, usable, task.dev)),
    )


def _error(network: Network, theta: FloatArray, batch: Batch) -> float:
    return float(np.mean((network.predict(theta, batch.X) > 0.5) != batch.Y))


def lambda_finding(result: OneLambda) -> str:
    """Return the two losses."""
    strength = f"{result.penalty}, λ = {_strength(LAMBDAS[result.at])}"
    if result.diverged[result.at]:
        return f"{strength}: α λ/m is {_ratio(result):.1f}, the weights grow without limit"
    train, dev = result.curves.train[result.at], result.curves.dev[result.at]
    return f"{strength}: train loss {train:.2f}, dev loss {dev:.2f}"


def _strength(strength: float) -> str:
    return f"{strength:.2g}" if strength < 100 else f"{strength:,.0f}"


def _ratio(result: OneLambda) -> float:
    return float(result.rate * LAMBDAS[result.at] / result.m)


def lambda_caption(result: OneLambda) -> str:
    """Say what the penalty does to the weights, the units and the losses."""
    text = _state_in_words(result) + _units_in_words(result)
    best = int(np.where(result.diverged, np.inf, result.curves.dev).argmin())
    text += (
        f"Among the {len(LAMBDAS)} values, the dev loss is lowest, {result.curves.dev[best]:.2f}, at "
        f"λ = {_strength(LAMBDAS[best])}. "
    )
    if result.penalty == "L1":
        return text + "The soft threshold does not diverge."
    text += f"α λ/m = 2 at λ = {_strength(result.edge)}; "
    if not result.diverged.any():
        return text + "no network diverged."
    return text + f"training diverged from λ = {_strength(LAMBDAS[result.diverged.argmax()])} on."


def _state_in_words(result: OneLambda) -> str:
    if result.diverged[result.at]:
        return (
            f"Each step multiplies W by 1 - α λ/m = {1 - _ratio(result):.1f}: it changes sign and grows. "
            f"Within {result.curves.gone_at[result.at]} steps the weights are out of the frame. "
        )
    text = f"Errors: train {result.errors[0]:.0%}, dev {result.errors[1]:.0%}. "
    if result.penalty == "L2":
        text += f"Each step multiplies W by 1 - α λ/m = 1 - {_ratio(result):.2g}, beside the gradient. "
    else:
        text += f"{np.mean(result.weights == 0):.0%} of the weights are exactly 0. "
    length = np.sqrt((result.weights**2).sum())
    return text + (f"All weights together have length {length:.2g}. " if length > 1e-3 else "W is nearly 0. ")


def _units_in_words(result: OneLambda) -> str:
    if result.diverged[result.at]:
        return ""
    text = (
        f"{result.linear:.0%} of the hidden z lie in the linear range, |z| < {LINEAR}, and "
        f"{result.varies.sum()} of {len(result.varies)} hidden units vary. "
    )
    if result.far_from_b < 5e-4:
        text += f"Every z is its bias b; these reach ±{np.abs(result.z).max():.1g}. "
    return text


def lambda_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the plane, the network, tanh; below, the losses and the norms over lambda."""
    rows = figure.add_gridspec(2, 1, height_ratios=[1.1, 1])
    above = rows[0].subgridspec(1, 3, width_ratios=[1, 1, 1])
    below = rows[1].subgridspec(1, 2)
    plane, drawing, curve = (figure.add_subplot(above[0, k]) for k in range(3))
    losses, norms = (figure.add_subplot(below[0, k]) for k in range(2))
    return [
        TwoClassesView(plane, LIMIT),
        MessageView(plane),
        NetworkView(drawing, SIZES),
        TanhView(curve, LINEAR, Z_EDGES),
        LossOverLambdaView(losses, LAMBDAS),
        NormOverLambdaView(norms, LAMBDAS),
    ]


def lambda_code(strength: float, penalty: str, rate: float, noise: float, m: int, seed: int) -> str:
    """Return the program behind the picture."""
    at = int(np.abs(LAMBDAS - strength).argmin())
    how = (
        "run = descend(Regularized(network, m, l2=strengths), theta, repeat(train), GradientDescent(), rate)"
        if penalty == "L2"
        else "is_weight = network.layout.is_weight\n"
        "shrink = partial(soft_threshold, is_weight=is_weight, amount=rate * strengths / m)\n"
        "run = descend(network, theta, repeat(train), GradientDescent(), rate, projection=shrink)"
    )
    return f"""
from functools import partial
from itertools import islice, repeat
import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.regularization import Regularized, soft_threshold
from dlhelpers.training import descend

m, rate, rng = {m}, {rate}, np.random.default_rng({seed})
X, y = moons(m, noise={noise}, rng=rng)
X_dev, y_dev = moons({M_DEV}, noise={noise}, rng=rng)
train, dev = Batch(X, 1.0 * y[:, None]), Batch(X_dev, 1.0 * y_dev[:, None])
network = Network({SIZES}, loss_name="sigmoid_cross_entropy")

strengths = 10.0 ** np.linspace(-3, 3, 25)[:, None]  # all lambdas at once
theta = np.tile(network.initialize(np.random.default_rng({seed})), (25, 1))
{how}
theta = next(islice(run, {TRAIN_STEPS}, None)).theta[{at}]
z = np.concatenate([Z.ravel() for Z in network.trace(theta, train).Z[:-1]])  # hidden pre-activations
result = network.loss(theta, train), network.loss(theta, dev), np.mean(np.abs(z) < {LINEAR})
"""


def lambda_lab() -> Lab:
    """Return the lab *Lambda on a network*."""
    return Lab(
        "Lambda on a network",
        controls={
            "strength": log_slider("Strength λ", -3, 3, 0.01, 0.25),
            "penalty": choice("Penalty", list(PENALTIES), "L2"),
            "rate": log_slider("Learning rate α", -1.5, 0.5, 0.5, 0.1),
            "noise": real_slider("Noise of the data", 0.0, 1.0, 0.6, 0.05),
            "m": slider("Training examples m", 20, 200, 40, 10),
        },
        compute=regularize,
        views=lambda_views,
        finding=lambda_finding,
        caption=lambda_caption,
        code=lambda_code,
        presets={
            "hardly any penalty": {"strength": 0.001},
            "just right": {"strength": 1},
            "W nearly 0": {"strength": 10**1.5},
            "diverges": {"strength": 10**2.5},
            "L1 cuts weights": {"penalty": "L1", "strength": 10**-0.5},
        },
        size=(9.6, 6.2),
    )


# L2 in the loss, or decay of the weights ------------------------------------------------------------

OPTIMIZERS: Mapping[str, Optimizer] = {
    "GD": GradientDescent(),
    "momentum": Momentum(),
    "RMSprop": RMSprop(),
    "Adam": Adam(),
}
DECAY_STEPS, DECAY_PIECE, DECAY_M = 400, 100, 60
DECAY_NETWORK = Network((2, 8, 1), loss_name="sigmoid_cross_entropy")
ROUNDING = 1e-12
"""Differences below this are rounding, added up over the steps."""


class TwoRuns(NamedTuple):
    """L2 in the loss, first, and decay of the weights, second.

    Attributes
    ----------
    norms : (n, 2) float array
        Length of all weights in each step; NaN from where it passed `LOST`.
    difference : (n,) float array
        The largest difference of a weight between the two.
    weights : (2, n_weights) float array
        After the last step.
    loss : (2,) float array
        The cost without penalty on the training set.
    """

    norms: FloatArray
    difference: FloatArray
    weights: FloatArray
    loss: FloatArray


class Compared(NamedTuple):
    """What the lab shows."""

    optimizer: str
    strength: float
    rate: float
    factor: float
    runs: TwoRuns


@lru_cache(maxsize=32)
def compared_runs(
    optimizer: str, strength: float, rate: float, factor: float, seed: int
) -> dict[str, TwoRuns]:
    """Return an empty store for this setting; `compare` puts the finished runs into it."""
    return {}


def compare(
    optimizer: str, strength: float, rate: float, factor: float, seed: int
) -> Iterator[tuple[float, Compared]]:
    """Train both from the same weights on the same data: a population of two."""
    store = compared_runs(optimizer, strength, rate, factor, seed)
    if "done" not in store:
        rng = np.random.default_rng(seed)
        X, y = moons(DECAY_M, noise=0.4, rng=rng)
        train = Batch(X, 1.0 * y[:, None])
        theta = np.tile(DECAY_NETWORK.initialize(rng), (2, 1))
        in_loss, decay = np.array([[strength], [0.0]]), np.array([[0.0], [factor * strength / DECAY_M]])
        objective = Regularized(DECAY_NETWORK, DECAY_M, l2=in_loss)
        run = descend(objective, theta, repeat(train), OPTIMIZERS[optimizer], rate, weight_decay=decay)
        thetas: list[FloatArray] = []
        while len(thetas) <= DECAY_STEPS:
            piece = [step.theta for step in islice(run, DECAY_PIECE)]
            thetas += piece[: DECAY_STEPS + 1 - len(thetas)] or [run.theta]
            runs = _two_runs(np.stack(thetas), train)
            if len(thetas) <= DECAY_STEPS:
                share = len(thetas) / (DECAY_STEPS + 1)
                yield share, Compared(optimizer, strength, rate, factor, runs)
        store["done"] = runs
    yield 1.0, Compared(optimizer, strength, rate, factor, store["done"])


@np.errstate(all="ignore")
def _two_runs(thetas: FloatArray, train: Batch) -> TwoRuns:
    """Measure all steps (n, 2, P)."""
    weights = thetas[..., DECAY_NETWORK.layout.is_weight]
    norms = np.sqrt((weights**2).sum(axis=-1))
    norms = np.where(norms < LOST, norms, np.nan)
    difference = np.abs(weights[:, 0] - weights[:, 1]).max(axis=-1)
    return TwoRuns(norms, difference, weights[-1], DECAY_NETWORK.loss(thetas[-1], train))


def decay_finding(result: Compared) -> str:
    """Return how far the weights of the two runs lie apart."""
    name = {"GD": "Gradient descent", "momentum": "Momentum"}.get(result.optimizer, result.optimizer)
    if np.isnan(result.runs.norms).any():
        return f"{name}: {_gone_runs(result)}"
    largest = float(result.runs.difference.max())
    if largest < ROUNDING:
        return f"{name}: both give the same weights; differences stay below 1e-12"
    return f"{name}: single weights differ by up to {largest:.1g}"


def _gone_runs(result: Compared) -> str:
    lost = np.isnan(result.runs.norms)
    both = {
        name: int(gone.argmax()) for name, gone in zip(("L2", "decay"), lost.T, strict=True) if gone.any()
    }
    return " and ".join(f"{name} diverges (out of the frame at step {at})" for name, at in both.items())


def decay_caption(result: Compared) -> str:
    """Say what the two runs are, and what is equal."""
    delta = result.factor * result.strength / DECAY_M
    times = "" if result.factor == 1 else f"{result.factor:.2g} times "
    text = (
        f"λ = {_strength(result.strength)} in the loss, or decay δ = {times}λ/m = {_strength(delta)}, "
        f"from the same weights; α = {result.rate:.2g}. "
    )
    if np.isnan(result.runs.norms).any():
        return text + "A run diverges when a step overshoots; for decay alone, when α δ is above 2."
    (l2, decay), last = result.runs.norms[-1], float(result.runs.difference[-1])
    text += (
        f"After {DECAY_STEPS} steps the length of all weights is {l2:.1f} with L2 and {decay:.1f} with "
        f"decay, the train loss {result.runs.loss[0]:.2f} and {result.runs.loss[1]:.2f}. "
    )
    largest = float(result.runs.difference.max())
    if largest < ROUNDING:
        return text + "The dots lie on the diagonal: the two are one method."
    return text + (
        f"The largest difference of a weight is {largest:.1g} on the way and {last:.1g} at the end."
    )


def decay_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the norms, each weight in both runs, and the largest difference."""
    left, middle, right = figure.subplots(1, 3)
    return [
        NormOverStepsView(left, DECAY_STEPS),
        WeightPairsView(middle),
        DifferenceView(right, DECAY_STEPS, ROUNDING),
    ]


def decay_code(optimizer: str, strength: float, rate: float, factor: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import islice, repeat
import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, RMSprop
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend

m, strength, rng = {DECAY_M}, {strength}, np.random.default_rng({seed})
X, y = moons(m, noise=0.4, rng=rng)
network = Network((2, 8, 1), loss_name="sigmoid_cross_entropy")
theta = np.tile(network.initialize(rng), (2, 1))  # two networks with the same weights
l2 = np.array([[strength], [0.0]])  # the first has the penalty in its loss,
decay = np.array([[0.0], [{factor} * strength / m]])  # the second a decay of its weights
batches = repeat(Batch(X, 1.0 * y[:, None]))
objective, optimizer = Regularized(network, m, l2=l2), {OPTIMIZERS[optimizer]!r}
run = descend(objective, theta, batches, optimizer, {rate}, weight_decay=decay)
thetas = np.stack([step.theta for step in islice(run, {DECAY_STEPS} + 1)])
weights = thetas[..., network.layout.is_weight]
with np.errstate(all="ignore"):  # in case a run diverges
    result = [np.abs(weights[:, 0] - weights[:, 1]).max(axis=1), *weights[-1]]
"""


def decay_lab() -> Lab:
    """Return the lab *Is L2 the same as weight decay?*."""
    return Lab(
        "Is L2 the same as weight decay?",
        controls={
            "optimizer": choice("Optimizer", list(OPTIMIZERS), "GD"),
            "strength": log_slider("Strength λ", -2, 2, 3, 0.1),
            "rate": log_slider("Learning rate α", -3, 0, 0.3, 0.1),
            "factor": log_slider("Decay δ, in units of λ/m", -3, 6, 1, 0.25, base=2),
        },
        compute=compare,
        views=decay_views,
        finding=decay_finding,
        caption=decay_caption,
        code=decay_code,
        presets={
            "gradient descent": {},
            "momentum": {"optimizer": "momentum"},
            "Adam": {"optimizer": "Adam", "rate": 0.03},
            "Adam, more decay": {"optimizer": "Adam", "rate": 0.03, "factor": 2**5},
        },
        size=(9.6, 3.8),
    )

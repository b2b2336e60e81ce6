"""The lab *L1 diamond, L2 circle*: which penalty gives weights of exactly 0, and why."""

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.regularization.common import L1_COLOR, L2_COLOR
from dlhelpers.live.controls import choice, log_slider, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, TRAIN, View, key, moving
from dlhelpers.regularization import Regularized, soft_threshold
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

EXAMPLES = 4
"""m of each problem: the four examples that give the features exactly the correlation we want."""
DIAMOND_STRENGTHS = 10.0 ** np.linspace(-2, 2, 41)
SOLVE_STEPS = 100
N_PROBLEMS = 300
LINE = Network((2, 1))
ANGLES = np.linspace(0, 2 * np.pi, 73)
LOSS_LEVELS = (0.05, 0.3, 0.8, 1.6, 2.8)
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
    """What the lab shows; a curve is an array of points (n, 2) in the plane of the weights.

    `share` is (41, 3), for each lambda: L1 with a zero, L1 with two, L2 with a zero; NaN where the random
    problems are not solved yet.
    """

    solver: str
    at: int
    minimum: FloatArray
    correlation: float
    solutions: Solutions
    ellipses: FloatArray
    touching: tuple[FloatArray, FloatArray]
    balls: tuple[FloatArray, FloatArray]
    cloud: Shares
    share: FloatArray

    @property
    def finding(self) -> str:
        """The shares of random problems with an exact zero."""
        one, _, l2 = self.share[self.at]
        return (
            f"λ = {DIAMOND_STRENGTHS[self.at]:.2g}: a weight is exactly 0 in {one:.0%} of {N_PROBLEMS} "
            f"problems with L1, in {l2:.0%} with L2"
        )

    @property
    def caption(self) -> str:
        """Which weights are exactly 0, here and in the random problems."""
        strength = float(DIAMOND_STRENGTHS[self.at])
        l1, l2 = self.solutions.l1[self.at], self.solutions.l2[self.at]
        text = (
            f"λ/m = {strength / EXAMPLES:.2g}. Your problem: from ({self.minimum[0]:.1f}, "
            f"{self.minimum[1]:.1f}), L1 goes to ({_number(l1[0])}, {_number(l1[1])}), "
            f"{_zeros_in_words(l1)}; L2 goes to ({_number(l2[0])}, {_number(l2[1])}), "
            f"{_zeros_in_words(l2)}. "
        )
        if self.solver == SOLVERS[1]:
            step = strength / EXAMPLES / (1 + abs(self.correlation))
            text += (
                f"Subgradient steps: the L1 part of each is {step:.2g} long, on either side of 0, so it "
                "jumps over 0. "
            )
        return text + (
            f"Of {N_PROBLEMS} random problems (the dots: minimum uniform in the frame from -2 to 2, "
            f"correlation in ±0.8) {self.share[self.at, 1]:.0%} have both weights exactly 0 with L1."
        )


def _zeros_in_words(weights: FloatArray) -> str:
    in_words = ("no weight is exactly 0", "one weight is exactly 0", "both weights are exactly 0")
    return in_words[int((weights == 0).sum())]


def _number(w: float) -> str:
    """Return a weight with two decimals, and an exact zero as such."""
    return "0" if w == 0 else f"{w:+.2f}" if abs(w) >= 0.005 else f"{w:+.0e}"


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
    zeros, n = np.zeros_like(DIAMOND_STRENGTHS), len(DIAMOND_STRENGTHS)
    l1, l2 = (
        np.concatenate(pair)[:, None] for pair in ((DIAMOND_STRENGTHS, zeros), (zeros, DIAMOND_STRENGTHS))
    )
    minimum, rho = np.tile([w1, w2], (2 * n, 1)), np.full((2 * n, 1), correlation)
    theta, loss = minimize_penalized(minimum, rho, l1, l2, solver)
    return Solutions(theta[:n, :2], theta[n:, :2], loss[:n], loss[n:])


@lru_cache(maxsize=8 * len(DIAMOND_STRENGTHS))
def random_problems(strength: float, solver: str, seed: int) -> Shares:
    """Solve the random problems at one lambda, with L1 and with L2."""
    rng = np.random.default_rng(seed)
    minimum, rho = rng.uniform(-2, 2, (N_PROBLEMS, 2)), rng.uniform(-0.8, 0.8, (N_PROBLEMS, 1))
    l1, l2 = (np.repeat(pair, N_PROBLEMS)[:, None] for pair in ((strength, 0.0), (0.0, strength)))
    theta, _ = minimize_penalized(np.tile(minimum, (2, 1)), np.tile(rho, (2, 1)), l1, l2, solver)
    return Shares(theta[:N_PROBLEMS, :2], theta[N_PROBLEMS:, :2])


def zero_shares(found: Shares) -> tuple[float, float, float]:
    """Return the shares of problems: L1 with a weight of exactly 0, L1 with two, L2 with one."""
    l1, l2 = ((weights == 0).sum(axis=1) for weights in found)
    return float(np.mean(l1 > 0)), float(np.mean(l1 > 1)), float(np.mean(l2 > 0))


@remembered(8)
def shares_over_lambda(solver: str, seed: int) -> Stages[FloatArray]:
    """Solve the random problems at one lambda after the other; yield the shares so far, (41, 3)."""
    shares = np.full((len(DIAMOND_STRENGTHS), 3), np.nan)
    for k, strength in enumerate(DIAMOND_STRENGTHS):
        shares = shares.copy()
        shares[k] = zero_shares(random_problems(float(strength), solver, seed))
        yield (k + 1) / len(DIAMOND_STRENGTHS), shares


def penalize(
    w1: float, w2: float, correlation: float, strength: float, solver: str, seed: int
) -> Iterator[tuple[float, Diamond]]:
    """Solve the reader's problem for all lambdas, and the random ones, at the reader's lambda first."""
    at = int(np.abs(DIAMOND_STRENGTHS - strength).argmin())
    solutions, minimum = solution_path(w1, w2, correlation, solver), np.array([w1, w2])
    cloud = random_problems(float(DIAMOND_STRENGTHS[at]), solver, seed)
    shown = Diamond(
        solver,
        at,
        minimum,
        correlation,
        solutions,
        np.stack([level_set(minimum, correlation, level) for level in LOSS_LEVELS]),
        (
            level_set(minimum, correlation, solutions.loss_l1[at]),
            level_set(minimum, correlation, solutions.loss_l2[at]),
        ),
        (diamond(np.abs(solutions.l1[at]).sum()), circle(np.sqrt((solutions.l2[at] ** 2).sum()))),
        cloud,
        np.full((len(DIAMOND_STRENGTHS), 3), np.nan),
    )
    for share, shares in shares_over_lambda(solver, seed):
        known = shares.copy()
        known[at] = zero_shares(cloud)
        yield share, shown._replace(share=known)


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


def program(w1: float, w2: float, correlation: float, strength: float, solver: str, seed: int) -> str:
    """Return the program behind the picture."""
    at = int(np.abs(DIAMOND_STRENGTHS - strength).argmin())
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


def _polylines(curves: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return x and y of several curves (k, n, 2), with a gap after each."""
    gap = np.full((len(curves), 1, 2), np.nan)
    x, y = np.concatenate([curves, gap], axis=1).reshape(-1, 2).T
    return x, y


class PenaltyView(View[Diamond]):
    """The plane of two weights: level sets of the loss, one penalty, and the solution for each lambda.

    Parameters
    ----------
    ax : Axes
    which : 0 or 1
        L1 or L2: which of each pair of the result is shown.
    limit : float
        Both axes reach from -limit to limit.
    """

    def __init__(self, ax: Axes, which: int, limit: float = 2.3) -> None:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="w1", ylabel="w2")
        ax.set(xticks=range(-2, 3), yticks=range(-2, 3))
        ax.axhline(0, color="#555555", lw=0.8)
        ax.axvline(0, color="#555555", lw=0.8)
        self._which = which
        color = (L1_COLOR, L2_COLOR)[which]
        (self._levels,) = ax.plot([], [], color="#999999", lw=0.5)
        (self._cloud,) = ax.plot([], [], "o", color=color, ms=2.2, mec="none")
        (self._old_path,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=9)
        (self._ball,) = ax.plot([], [], color=color, lw=2)
        (self._touching,) = ax.plot([], [], color=TRAIN, lw=1.8)
        (self._path,) = ax.plot([], [], ".-", color="#222222", lw=1.2, ms=4)
        (self._minimum,) = ax.plot([], [], "P", color=TRAIN, ms=9, mec="white")
        (self._here,) = ax.plot([], [], "o", color=ACCENT, ms=10, mec="white", mew=1.5)
        behind = (self._levels, self._cloud, self._old_path, self._old)
        for artist in (*behind, self._ball, self._touching, self._path, self._minimum, self._here):
            moving(artist)
        if which == 0:
            key(
                ax,
                ("◇ L1", L1_COLOR),
                ("● solution", ACCENT),
                ("— all λ", "#222222"),
                ("● before", "#777777"),
            )
        else:
            key(ax, ("○ L2", L2_COLOR), ("✚ minimum of J", TRAIN), ("○ levels of J", "#666666"))

    def update(self, result: Diamond, before: Diamond | None) -> None:
        """Show `result.solutions` at `result.at`; `ellipses`, `touching` and `balls` are curves."""
        path = result.solutions[self._which]
        self._levels.set_data(*_polylines(result.ellipses))
        self._touching.set_data(*result.touching[self._which].T)
        self._ball.set_data(*result.balls[self._which].T)
        self._cloud.set_data(*result.cloud[self._which].T)
        self._path.set_data(*np.concatenate([[result.minimum], path]).T)
        self._minimum.set_data(*result.minimum[:, None])
        self._here.set_data(*path[result.at][:, None])
        old = np.empty((0, 2)) if before is None else before.solutions[self._which]
        self._old_path.set_data(*old.T)
        self._old.set_data(*(old[:0] if before is None else old[[before.at]]).T)


class ZeroShareView(View[Diamond]):
    """The share of random problems whose solution has an exact zero, over lambda."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", xlim=(DIAMOND_STRENGTHS[0], DIAMOND_STRENGTHS[-1]), ylim=(-3, 103))
        ax.set(xlabel="λ", ylabel="problems with an exact 0, %")
        ax.set_xticks([0.01, 0.1, 1, 10, 100], ["0.01", "0.1", "1", "10", "100"])
        (self._before,) = ax.plot([], [], color=GHOST, lw=1.5)
        self._cursor = ax.axvline(1, color=ACCENT, lw=2)
        self._lines = [
            moving(ax.plot([], [], style, color=color)[0])
            for color, style in ((L1_COLOR, "-"), (L1_COLOR, ":"), (L2_COLOR, "--"))
        ]
        moving(self._before)
        moving(self._cursor)
        key(
            ax,
            ("— L1", L1_COLOR),
            ("··· both 0", L1_COLOR),
            ("-- L2", L2_COLOR),
            ("┃ λ", ACCENT),
            ("— before", "#777777"),
        )

    def update(self, result: Diamond, before: Diamond | None) -> None:
        """Show `result.share`, and of the one before the share of L1."""
        for line, shares in zip(self._lines, result.share.T, strict=True):
            line.set_data(DIAMOND_STRENGTHS, 100 * shares)
        self._cursor.set_xdata([DIAMOND_STRENGTHS[result.at]] * 2)
        old = np.full(len(DIAMOND_STRENGTHS), np.nan) if before is None else before.share[:, 0]
        self._before.set_data(DIAMOND_STRENGTHS, 100 * old)


def views(figure: Figure) -> list[View[Diamond]]:
    """Lay out the lab: L1, L2, and the shares of exact zeros over lambda."""
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.05])
    return [PenaltyView(left, 0), PenaltyView(middle, 1), ZeroShareView(right)]


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
        views=views,
        grabs=[Grab(0, x="w1", y="w2"), Grab(1, x="w1", y="w2"), Grab(2, x="strength")],
        code=program,
        presets={
            "weak penalty": {"strength": 0.1},
            "strong penalty": {"strength": 10**0.9},
            "no corner": {"w2": 1.5, "correlation": 0.0},
            "correlated features": {"w2": 1.2, "correlation": 0.8, "strength": 1},
            "subgradient steps": {"solver": SOLVERS[1]},
        },
        size=(9.6, 3.8),
    )

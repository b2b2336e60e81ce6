"""The lab *The valley*: what the units of the features do to the loss, and to the steps downhill."""

from itertools import islice, repeat
from typing import Any, ClassVar, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.normalization.common import N_TRAIN, NOISE, count, draw_data, percent, small
from dlhelpers.live.controls import choice, log_slider, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.normalization import LeastSquares, best_rate, condition_number, fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, TEST, TRAIN, View, key, moving, note
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

NONE, CENTERED, NORMALIZED, SQUARED = "none", "x − μ", "(x − μ) / σ", "(x − μ) / σ²"
TREATMENTS = (NONE, CENTERED, NORMALIZED, SQUARED)
STEPS = 100
GOAL = 0.01
"""The run has arrived when this share of the excess loss is left."""
X_END, Y_END = 3.2, 2.2


class Descended(NamedTuple):
    """What the lab shows.

    `X` are the features after the treatment, (200, 2), `path` the weights minus the best ones, (101, 2),
    `excess` the loss above its minimum as a share of that at the start, (101,).
    """

    treatment: str
    times_best: float
    X: FloatArray
    hessian: FloatArray
    condition: float
    rate: float
    factor: float
    path: FloatArray
    excess: FloatArray

    @property
    def finding(self) -> str:
        """The condition number and what it costs."""
        return f"Condition number {count(self.condition)}: {self._progress()}"

    @property
    def caption(self) -> str:
        """How long the valley is, and what each step leaves."""
        std = " and ".join(small(value) for value in self.X.std(axis=0))
        w1, w2 = np.round(self.path[0], 1) + 0.0
        return (
            f"Start ({w1:.1f}, {w2:.1f}) away from the lowest point. Standard deviations of the features: "
            f"{std}. {_shape(np.sqrt(self.condition))} "
            f"{self._about_the_rate()}{self._outside()}"
        )

    def _progress(self) -> str:
        """Say how far the run came."""
        excess = self.excess
        if excess[-1] > 1:
            out = np.flatnonzero(excess > ExcessView.TOP)
            return f"the loss grows, and leaves the frame at step {out[0]}" if out.size else "the loss grows"
        there = np.flatnonzero(excess <= GOAL)
        if there.size:
            return f"{there[0]} step{'s' if there[0] != 1 else ''} to 1% of the excess loss"
        return f"after {STEPS} steps, {percent(excess[-1])} of the excess loss is left"

    def _about_the_rate(self) -> str:
        """Say what a step leaves at the best rate, or from which rate on the loss grows."""
        if self.times_best == 1:
            return (
                f"At the best rate, {self.rate:.2g}, each step leaves {percent(self.factor**2)} of the "
                "excess loss."
            )
        limit = 1 + 1 / self.condition
        return (
            f"The rate, {self.rate:.2g}, is {self.times_best:.2f} times the best one; above {limit:.2f} "
            "times, the loss grows."
        )

    @property
    def outside(self) -> float:
        """The share of the points that the picture of the data cannot show."""
        out = (self.X < CloudView.LOW) | (self.X > CloudView.HIGH)
        return float(np.mean(np.any(out, axis=1)))

    def _outside(self) -> str:
        """Say how many points the picture of the data cannot show."""
        share = self.outside
        return f" Of the data points, {percent(share)} lie outside of their frame." if share else ""


def _shape(ratio: float) -> str:
    return "The valley is round." if ratio < 1.05 else f"The valley is {count(ratio)} times as long as wide."


def treat(treatment: str, X: FloatArray) -> FloatArray:
    """Return the features after the treatment."""
    if treatment == NONE:
        return X
    fitted = fit(X)
    divisor = {CENTERED: np.ones(2), NORMALIZED: fitted.scale, SQUARED: fitted.scale**2}[treatment]
    return np.asarray((X - fitted.mean) / divisor)


def descend_valley(
    treatment: str,
    scale: float,
    times_best: float,
    mean: float,
    correlation: float,
    start1: float,
    start2: float,
    seed: int,
) -> Descended:
    """Treat the data, and run gradient descent from a start that is given as a distance from the minimum."""
    data = draw_data(scale, mean, correlation, 0.0, 0, seed)
    X = treat(treatment, data.X)
    y_mean = 0.0 if treatment == NONE else data.y.mean()
    cost, batch = LeastSquares(), Batch(X, (data.y - y_mean)[:, None])
    best = np.linalg.lstsq(X, batch.Y[:, 0], rcond=None)[0]
    hessian = cost.hessian(batch)
    rate, factor = best_rate(hessian)
    start = np.round([start1, start2], 2)
    run = descend(cost, best + start, repeat(batch), GradientDescent(), times_best * rate)
    path = np.array([step.theta for step in islice(run, STEPS + 1)]) - best
    above = np.einsum("ti,ij,tj->t", path, hessian, path)  # twice the loss above its minimum
    return Descended(
        treatment=treatment,
        times_best=times_best,
        X=X,
        hessian=hessian,
        condition=condition_number(X, bias=False),
        rate=times_best * rate,
        factor=factor,
        path=path,
        excess=above / (above[0] or 1.0),
    )


_APPLY = {
    NONE: "y_mean = 0.0",
    CENTERED: "X = X - mu",
    NORMALIZED: "X = (X - mu) / sigma",
    SQUARED: "X = (X - mu) / sigma**2  # the slip",
}


def program(
    treatment: str,
    scale: float,
    times_best: float,
    mean: float,
    correlation: float,
    start1: float,
    start2: float,
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

u1, v, noise = np.random.default_rng({seed}).standard_normal(({N_TRAIN}, 3)).T
u2 = {correlation} * u1 + np.sqrt(1 - {correlation}**2) * v
X = np.column_stack([{scale} * (u1 + {mean}), u2 + {mean}])
y = X[:, 0] / {scale} + X[:, 1] + {NOISE} * noise
mu, sigma, y_mean = fit(X).mean, fit(X).scale, y.mean()
{_APPLY[treatment]}

cost, batch = LeastSquares(), Batch(X, (y - y_mean)[:, None])
best = np.linalg.lstsq(X, batch.Y[:, 0], rcond=None)[0]
H = cost.hessian(batch)
rate, start = {times_best} * best_rate(H).rate, np.array({[round(start1, 2), round(start2, 2)]})
run = descend(cost, best + start, repeat(batch), GradientDescent(), rate)
path = np.array([step.theta for step in islice(run, {STEPS} + 1)]) - best
above = np.einsum("ti,ij,tj->t", path, H, path)  # twice the loss above its minimum
result = condition_number(X, bias=False), path, above / (above[0] or 1.0)
"""


class ValleyView(View[Descended]):
    """Lines of equal loss over two weights, and the path of gradient descent from the reader's start."""

    RINGS: ClassVar[int] = 6

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-X_END, X_END), ylim=(-Y_END, Y_END), aspect="equal")
        ax.set(xlabel="$w_1$ minus its best value", ylabel="$w_2$ minus its best value")
        (self._old_ring,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._rings,) = ax.plot([], [], color=LIGHT_BLUE, lw=1.3)
        (self._old_path,) = ax.plot([], [], "-", color=GHOST, lw=0.8)
        (self._path,) = ax.plot([], [], ".-", color=TRAIN, ms=6, lw=1)
        (self._minimum,) = ax.plot([0], [0], "*", color="#111111", ms=13, mec="white")
        (self._start,) = ax.plot([], [], "o", color=ACCENT, ms=12, mec="white", mew=1.5)
        for artist in (
            self._old_ring,
            self._rings,
            self._old_path,
            self._path,
            self._minimum,
            self._start,
        ):
            moving(artist)
        key(
            ax,
            ("● start: take hold", ACCENT),
            ("•— steps", TRAIN),
            ("— same loss", "#4a90c4"),
            ("★ lowest", "#111111"),
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


class CloudView(View[Descended]):
    """The data after the treatment, on axes of one scale that never change."""

    LOW: ClassVar[float] = -8.0
    HIGH: ClassVar[float] = 20.0

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(self.LOW, self.HIGH), ylim=(-4, 10), aspect="equal", xticks=[0, 10, 20], yticks=[0, 5])
        ax.set(xlabel="$x_1$", ylabel="$x_2$")
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=2, mec="none", alpha=0.5)
        (self._train,) = ax.plot([], [], "o", color=TRAIN, ms=2.5, mec="none", alpha=0.6)
        for artist in (self._old, self._train):
            moving(artist)
        self._outside = note(ax, 6, 7.5, color=TRAIN, ha="center", va="center", fontsize=9)
        key(ax, ("● data, after the treatment", TRAIN))

    def update(self, result: Descended, before: Descended | None) -> None:
        """Show `result.X`, (m, 2)."""
        self._train.set_data(*result.X.T)
        far = result.outside > 0.5
        self._outside.set_text(f"{percent(result.outside)} are outside of the frame" if far else "")
        self._old.set_data(*(np.zeros((2, 0)) if before is None else before.X.T))


class ExcessView(View[Descended]):
    """The loss above its minimum, as a share of that at the start, over the steps."""

    TOP: ClassVar[float] = 30.0
    BOTTOM: ClassVar[float] = 1e-4

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0, STEPS), ylim=(self.BOTTOM, self.TOP))
        ax.set(xlabel="step", ylabel="excess loss")
        ax.set_yticks([1e-4, 1e-2, 1], ["0.01%", "1%", "100%"])
        ax.minorticks_off()
        moving(ax.axhline(GOAL, color="#777777", lw=1, ls="-."))
        (self._before,) = ax.plot([], [], "-", color=GHOST, lw=2)
        (self._excess,) = ax.plot([], [], "-", color=TRAIN, lw=3)
        (self._predicted,) = ax.plot([], [], ":", color=TEST, lw=1.8)
        for artist in (self._before, self._excess, self._predicted):
            moving(artist)
        key(ax, ("— loss above its minimum", TRAIN), ("··· predicted", TEST))

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


def views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the valley, the data, the loss."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1.6, 1], height_ratios=[1, 1.15])
    return [
        ValleyView(figure.add_subplot(grid[:, 0])),
        CloudView(figure.add_subplot(grid[0, 1])),
        ExcessView(figure.add_subplot(grid[1, 1])),
    ]


def valley_lab() -> Lab:
    """Return the lab *The valley*."""
    return Lab(
        "The valley",
        controls={
            "treatment": choice("Inputs", list(TREATMENTS), NONE),
            "scale": log_slider("Scale of x₁ (x₂: 1)", -1, 3, 5, 0.1),
            "times_best": real_slider("Rate / best rate", 0.1, 2.2, 1, 0.05),
            "mean": real_slider("Means, in σ", 0, 3, 1, 0.25),
            "correlation": real_slider("Correlation", 0, 0.95, 0, 0.05),
            "start1": real_slider("Start, w₁", -3, 3, -1.6, 0.1, fmt=".1f"),
            "start2": real_slider("Start, w₂", -2, 2, 1.2, 0.1, fmt=".1f"),
        },
        compute=descend_valley,
        views=views,
        grabs=[Grab(0, x="start1", y="start2")],
        code=program,
        presets={
            "1000 : 1": {"scale": 1000},
            "centered only": {"treatment": CENTERED},
            "normalized": {"treatment": NORMALIZED},
            "by σ²": {"treatment": SQUARED},
            "means only": {"scale": 1, "mean": 3},
            "correlated": {"treatment": NORMALIZED, "correlation": 0.9},
        },
        size=(9.6, 4.4),
    )

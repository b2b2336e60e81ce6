"""The lab *Three ways downhill*: the path of gradient descent with one, some or all examples in each step."""

from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.datasets import breast_cancer
from dlhelpers.labs.minibatches.common import ALL_COLOR
from dlhelpers.live.controls import choice, log_slider, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.normalization import LeastSquares, fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, TRAIN, View, key, moving
from dlhelpers.schedules import Constant, InverseTime
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

M_PATHS, UPDATES, LATE = 512, 600, 200
"""Examples; updates of a run; the last of them, which say where it hovers."""
CONSTANT, FALLING = "constant", "falling as 1/t"
DECAY = 0.05
"""After 20 updates, the falling rate is half of what it was."""
COST = LeastSquares()
X_ENDS, Y_ENDS = (-1.4, 0.6), (-1.2, 0.8)


class Paths(NamedTuple):
    """A path, (601, 2), and the one of the whole set; `excess` is the loss above its minimum, (601,)."""

    batch_size: int
    rate: float
    schedule: str
    path: FloatArray
    excess: FloatArray
    whole_path: FloatArray
    whole_excess: FloatArray

    @property
    def hovers(self) -> float:
        """The mean excess loss of the last 200 updates."""
        return float(np.mean(self.excess[-LATE:]))

    @property
    def left_at(self) -> int | None:
        """The update at which the path first leaves the frame, if it ends outside; else None."""
        inside = np.all((self.path > [X_ENDS[0], Y_ENDS[0]]) & (self.path < [X_ENDS[1], Y_ENDS[1]]), axis=1)
        return None if inside[-1] else int(inside.argmin())

    @property
    def finding(self) -> str:
        """How far above the minimum the run ends."""
        name = f"All {M_PATHS}" if self.batch_size == M_PATHS else f"B = {self.batch_size}"
        if self.left_at is not None:
            return f"{name}: the path leaves the frame at update {self.left_at}"
        return f"{name}: the last {LATE} updates are {_small(self.hovers)} above the lowest loss"

    @property
    def caption(self) -> str:
        """What the path does, next to that of the whole set."""
        rises = int(np.sum(np.diff(self.excess[:21]) > 0))
        text = (
            f"Start ({self.path[0, 0]:.1f}, {self.path[0, 1]:.1f}), learning rate {self.rate:.2g}, "
            f"{self.schedule}. Of the first 20 updates, {rises or 'none'} made the loss on all {M_PATHS} "
            "examples larger."
        )
        if self.left_at is not None:
            return f"{text} The steps are too long: the loss grows."
        if self.batch_size == M_PATHS:
            return text
        whole = float(np.mean(self.whole_excess[-LATE:]))
        other = f"hovers {_small(whole)} above it" if np.isfinite(whole) and whole < 1e3 else "diverges"
        seen = self.batch_size * UPDATES
        return (
            f"{text} In {UPDATES} updates it looks at {float(f'{seen:.2g}'):,.0f} examples; with all "
            f"{M_PATHS} in each update (dashed), at {float(f'{M_PATHS * UPDATES:.2g}'):,.0f}, and that run "
            f"{other}."
        )


def _small(value: float) -> str:
    """Return a height in words that rounding cannot change."""
    return f"{value:.1g}" if value > 1e-5 else "less than 0.00001"


class Cancer(NamedTuple):
    """Two normalized features, the centered diagnosis, and the weights of the lowest loss."""

    batch: Batch
    best: FloatArray
    lowest: float


@lru_cache(maxsize=1)
def cancer() -> Cancer:
    """Return 512 examples: mean radius and worst concave points, to tell benign (+) from malignant (-)."""
    data = breast_cancer()
    columns = [data.feature_names.index(name) for name in ("mean radius", "worst concave points")]
    X, y = data.X[:M_PATHS, columns], data.y[:M_PATHS].astype(float)
    batch = Batch(fit(X).apply(X), 2 * (y - y.mean())[:, np.newaxis])
    best = np.linalg.lstsq(batch.X, batch.Y[:, 0], rcond=None)[0]
    return Cancer(batch, best, float(COST.loss(best, batch)))


@lru_cache(maxsize=64)
def walk(
    batch_size: int, rate: float, schedule: str, w1: float, w2: float, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return the weights before each update, (601, 2), and the loss above the minimum, (601,)."""
    batch, _, lowest = cancer()
    batches = minibatches(batch.X, batch.Y, batch_size, np.random.default_rng(seed))
    rates = InverseTime(rate, DECAY) if schedule == FALLING else Constant(rate)
    run = descend(COST, np.array([w1, w2]), batches, GradientDescent(), rates)
    path = np.array([step.theta for step in islice(run, UPDATES + 1)])
    excess = COST.loss(path, batch) - lowest
    return path, np.where(np.isfinite(excess), np.maximum(excess, 1e-12), 1e300)


def go_downhill(batch_size: float, rate: float, schedule: str, w1: float, w2: float, seed: int) -> Paths:
    """Walk with the reader's batch size, and with all examples."""
    B = min(max(round(batch_size), 1), M_PATHS)
    own = walk(B, rate, schedule, w1, w2, seed)
    return Paths(B, rate, schedule, *own, *walk(M_PATHS, rate, schedule, w1, w2, 0))


def program(batch_size: float, rate: float, schedule: str, w1: float, w2: float, seed: int) -> str:
    """Return the program behind the picture."""
    B = min(max(round(batch_size), 1), M_PATHS)
    rates = f"InverseTime({rate}, {DECAY})" if schedule == FALLING else f"Constant({rate})"
    return f"""
from itertools import islice

import numpy as np
from dlhelpers.datasets import breast_cancer
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.normalization import LeastSquares, fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.schedules import {rates.partition("(")[0]}
from dlhelpers.training import descend

data = breast_cancer()
columns = [data.feature_names.index(name) for name in ("mean radius", "worst concave points")]
X, y = data.X[:{M_PATHS}, columns], data.y[:{M_PATHS}].astype(float)
batch = Batch(fit(X).apply(X), 2 * (y - y.mean())[:, None])

batches = minibatches(batch.X, batch.Y, {B}, np.random.default_rng({seed}))
run = descend(LeastSquares(), np.array([{w1}, {w2}]), batches, GradientDescent(), {rates})
path = np.array([step.theta for step in islice(run, {UPDATES} + 1)])
result = (path,)
"""


class PlaneView(View[Paths]):
    """The plane of two weights: lines of equal loss, and the two paths from the reader's start."""

    def __init__(self, ax: Axes) -> None:
        batch, best, lowest = cancer()
        ax.set(xlim=X_ENDS, ylim=Y_ENDS, aspect="equal", xlabel="weight of the radius")
        ax.set(xticks=[-1, -0.5, 0, 0.5], yticks=[-1, -0.5, 0, 0.5])
        ax.set_ylabel("weight of the concave points")
        w1, w2 = (np.linspace(*ends, 80) for ends in (X_ENDS, Y_ENDS))
        excess = COST.loss(np.stack(np.meshgrid(w1, w2), axis=-1), batch) - lowest
        levels = [0.002, 0.01, 0.03, 0.08, 0.2, 0.4, 0.8]
        ax.contour(w1, w2, excess, levels, colors="#c9c9c9", linewidths=0.8)
        (self._old,) = ax.plot([], [], "-", color=GHOST, lw=0.8)
        (self._late,) = ax.plot([], [], ".", color=LIGHT_BLUE, ms=3)
        (self._path,) = ax.plot([], [], ".-", color=TRAIN, lw=0.9, ms=3.5)
        (self._whole,) = ax.plot([], [], ".--", color=ALL_COLOR, lw=1.8, ms=5)
        (self._start,) = ax.plot([], [], "o", color=ACCENT, ms=11, mec="white", mew=1.5)
        for artist in (self._old, self._late, self._path, self._whole, self._start):
            moving(artist)
        moving(ax.plot(*best[:, np.newaxis], "*", color="#111111", ms=12, mec="white", zorder=7)[0])
        key(
            ax,
            ("● start: take hold", ACCENT),
            ("— your B", TRAIN),
            ("-- all", ALL_COLOR),
            ("★ lowest", "#111111"),
        )

    def update(self, result: Paths, before: Paths | None) -> None:
        """Show `result.path`, its last 200 points pale, and `result.whole_path`."""
        self._path.set_data(*_bounded(result.path[: UPDATES + 1 - LATE]).T)
        self._late.set_data(*_bounded(result.path[-LATE:]).T)
        self._whole.set_data(*_bounded(result.whole_path).T)
        self._old.set_data(*(np.full((1, 2), np.nan) if before is None else _bounded(before.path)).T)
        self._start.set_data(*result.path[:1].T)


def _bounded(path: FloatArray) -> FloatArray:
    """Return the path, held where the frame cannot show it anyway."""
    return np.clip(np.nan_to_num(path, nan=1e3, posinf=1e3, neginf=-1e3), -1e3, 1e3)


class ExcessView(View[Paths]):
    """The loss above its minimum over the updates."""

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0, UPDATES), ylim=(1e-6, 10), xlabel="updates")
        ax.set_ylabel("loss on all examples, above the lowest")
        ax.set_yticks([1e-6, 1e-4, 1e-2, 1], ["0.000001", "0.0001", "0.01", "1"])
        ax.minorticks_off()
        self._lines = [
            moving(ax.plot([], [], style, color=color, lw=width)[0])
            for style, color, width in (("-", GHOST, 1.0), ("-", TRAIN, 1.2), ("--", ALL_COLOR, 2.0))
        ]
        key(ax, ("— your B", TRAIN), ("-- all", ALL_COLOR), ("— before", "#777777"))

    def update(self, result: Paths, before: Paths | None) -> None:
        """Show `result.excess` and `result.whole_excess`."""
        old = np.full(UPDATES + 1, np.nan) if before is None else before.excess
        for line, excess in zip(self._lines, (old, result.excess, result.whole_excess), strict=True):
            line.set_data(range(len(excess)), np.minimum(excess, 1e3))


def views(figure: Figure) -> list[View[Paths]]:
    """Lay out the lab: the plane of the weights, and the loss over the updates."""
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    return [PlaneView(left), ExcessView(right)]


def paths_lab() -> Lab:
    """Return the lab *Three ways downhill*."""
    return Lab(
        "Three ways downhill",
        controls={
            "batch_size": log_slider("Batch size B", 0, 9, 8, 1, base=2, fmt=".0f"),
            "rate": log_slider("Learning rate α", -2, 0.2, 0.1, 0.1),
            "schedule": choice("Schedule of α", [CONSTANT, FALLING], CONSTANT),
            "w1": real_slider("Start, radius weight", -1.3, 0.5, 0.4, 0.1, fmt=".1f"),
            "w2": real_slider("Start, concave points", -1.1, 0.7, 0.6, 0.1, fmt=".1f"),
        },
        compute=go_downhill,
        views=views,
        grabs=[Grab(0, x="w1", y="w2")],
        code=program,
        presets={
            "one example": {"batch_size": 1},
            "all examples": {"batch_size": 512},
            "one, falling rate": {"batch_size": 1, "schedule": FALLING},
            "too hot": {"batch_size": 1, "rate": 10**-0.2},
        },
    )

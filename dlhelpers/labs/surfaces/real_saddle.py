"""The lab *A real saddle*: all eigenvalues of a small network's Hessian while it leaves a saddle."""

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.curvature import hessian
from dlhelpers.datasets import circles
from dlhelpers.live.controls import choice, log_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent, Optimizer
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, TEST, TRAIN, View, key, moving
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

NETWORK = Network((2, 16, 8, 1), "tanh", "sigmoid_cross_entropy")
"""193 parameters."""
OPTIMIZERS: Mapping[str, tuple[Optimizer, float]] = {
    "gradient descent, rate 0.2": (GradientDescent(), 0.2),
    "Adam, rate 0.01": (Adam(), 0.01),
}
STEPS, EVERY = 2000, 10
MEASURED = (0, 50, *range(100, STEPS + 1, 100))
"""The steps at which the negative eigenvalues are counted."""
FLAT = 1e-5
"""An eigenvalue within this distance of 0 counts as neither positive nor negative."""
LEFT = 0.6
"""Below this loss the plateau at log 2 is left."""
PLATEAU = math.log(2)


class Run(NamedTuple):
    """A run: the loss of every step, theta of every tenth, and the negative eigenvalues counted so far."""

    losses: FloatArray
    thetas: FloatArray
    counts: dict[int, int]


class RealSaddle(NamedTuple):
    """A run, and all eigenvalues at one step of it."""

    step: int
    run: Run
    eigenvalues: FloatArray
    """(193,) The smallest first."""

    @property
    def loss(self) -> float:
        """The loss at the step."""
        return float(self.run.losses[self.step])

    @property
    def negative(self) -> int:
        """How many eigenvalues are below 0, with a margin."""
        return int(np.sum(self.eigenvalues < -FLAT))

    @property
    def positive(self) -> int:
        """How many eigenvalues are above 0, with a margin."""
        return int(np.sum(self.eigenvalues > FLAT))

    @property
    def escape(self) -> int | None:
        """The first step with a loss below 0.6, or None."""
        low = np.flatnonzero(self.run.losses < LEFT)
        return int(low[0]) if low.size else None

    @property
    def finding(self) -> str:
        """Return the loss and the number of ways down."""
        return f"Step {self.step:,}: loss {self.loss:.3f}, {self.negative} of 193 eigenvalues are negative"

    @property
    def caption(self) -> str:
        """Say what kind of place this is, and when the run leaves the plateau."""
        flat = len(self.eigenvalues) - self.negative - self.positive
        kind = "curves down in some directions and up in others" if self.negative else "curves down nowhere"
        left = (
            f"after {STEPS:,} steps the loss is still above {LEFT}"
            if self.escape is None
            else f"the loss starts below {LEFT}"
            if self.escape == 0
            else f"the loss is below {LEFT} from step {self.escape:,} on"
        )
        return (
            f"At this step the loss {kind}: {self.negative} eigenvalues are negative, {self.positive} "
            f"positive, {flat} within 0.00001 of 0; the lowest is {self.eigenvalues[0]:.3f}. The plateau is "
            f"at log 2 = {PLATEAU:.3f}, the loss of a network that always says one half; {left}."
        )


@lru_cache(maxsize=4)
def points(seed: int) -> Batch:
    """Return 100 points in two circles."""
    X, y = circles(100, noise=0.1, rng=np.random.default_rng(seed))
    return Batch(X, y[:, None].astype(float))


@lru_cache(maxsize=16)
def train(scale: float, optimizer: str, seed: int) -> tuple[FloatArray, FloatArray]:
    """Train from small random weights and biases of 0; return all losses, and theta of every tenth step."""
    method, rate = OPTIMIZERS[optimizer]
    random = np.random.default_rng(seed).standard_normal(NETWORK.layout.size)
    theta = scale * random * NETWORK.layout.is_weight
    losses, thetas = [], []
    for step in descend(NETWORK, theta, repeat(points(seed)), method, rate, steps=STEPS):
        losses.append(float(step.loss))
        if step.step % EVERY == 0:
            thetas.append(step.theta)
    return np.array(losses), np.stack(thetas)


@lru_cache(maxsize=512)
def eigenvalues(scale: float, optimizer: str, step: int, seed: int) -> FloatArray:
    """Return all eigenvalues of the Hessian at a step, the smallest first."""
    _, thetas = train(scale, optimizer, seed)
    return np.linalg.eigvalsh(hessian(NETWORK, thetas[step // EVERY], points(seed)))


@remembered(8)
def count_negative(scale: float, optimizer: str, seed: int) -> Stages[dict[int, int]]:
    """Count the negative eigenvalues along the run."""
    counts: dict[int, int] = {}
    for k, step in enumerate(MEASURED, start=1):
        counts = {**counts, step: int(np.sum(eigenvalues(scale, optimizer, step, seed) < -FLAT))}
        yield k / len(MEASURED), counts


def real_saddle(step: int, scale: float, optimizer: str, seed: int) -> Stages[RealSaddle]:
    """Train, measure the eigenvalues at the chosen step, then count the negative ones along the run."""
    at = min(EVERY * round(step / EVERY), STEPS)
    losses, thetas = train(scale, optimizer, seed)
    values = eigenvalues(scale, optimizer, at, seed)
    for share, counts in count_negative(scale, optimizer, seed):
        yield share, RealSaddle(at, Run(losses, thetas, counts), values)


def program(step: int, scale: float, optimizer: str, seed: int) -> str:
    """Return the program behind the picture."""
    method, rate = ("Adam", 0.01) if "Adam" in optimizer else ("GradientDescent", 0.2)
    return f"""
from itertools import repeat
import numpy as np
from dlhelpers.curvature import hessian
from dlhelpers.datasets import circles
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import {method}
from dlhelpers.training import descend

X, y = circles(100, noise=0.1, rng=np.random.default_rng({seed}))
batch = Batch(X, y[:, None].astype(float))
network = Network({NETWORK.sizes}, "tanh", "sigmoid_cross_entropy")
random = np.random.default_rng({seed}).standard_normal(network.layout.size)
theta = {scale} * random * network.layout.is_weight  # the biases are 0
at = {min(EVERY * round(step / EVERY), STEPS)}
*_, last = descend(network, theta, repeat(batch), {method}(), {rate}, steps=at)
eigenvalues = np.linalg.eigvalsh(hessian(network, last.theta, batch))
result = float(last.loss), np.sum(eigenvalues < {-FLAT}), eigenvalues
"""


class PlateauView(View[RealSaddle]):
    """The loss over the steps, with the plateau at log 2 and the cursor."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-25, STEPS + 25), ylim=(0, 0.85), ylabel="train loss")
        ax.tick_params(labelbottom=False)
        ax.axhline(PLATEAU, color=TEST, ls=":", lw=1.5)
        self._before = moving(ax.plot([], [], color=GHOST)[0])
        self._line = moving(ax.plot([], [], color=TRAIN, lw=3)[0])
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=2.5))
        key(
            ax,
            ("— train", TRAIN),
            ("··· log 2", TEST),
            ("┃ your step: drag it", ACCENT),
            ("— before", "#777777"),
        )

    def update(self, result: RealSaddle, before: RealSaddle | None) -> None:
        """Show `result.run.losses`."""
        steps = np.arange(STEPS + 1.0)
        self._line.set_data(steps, np.minimum(result.run.losses, 2.0))
        self._before.set_data(steps, steps * np.nan if before is None else np.minimum(before.run.losses, 2.0))
        self._cursor.set_xdata([result.step, result.step])


class CountView(View[RealSaddle]):
    """How many eigenvalues are negative along the run."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-25, STEPS + 25), ylim=(0, 90), xlabel="step", ylabel="negative")
        self._before = moving(ax.plot([], [], "o", color=GHOST, ms=4)[0])
        self._dots = moving(ax.plot([], [], "o", color="#222222", ms=5)[0])
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=2.5))

    def update(self, result: RealSaddle, before: RealSaddle | None) -> None:
        """Show `result.run.counts`."""
        self._dots.set_data(list(result.run.counts), list(result.run.counts.values()))
        old = {} if before is None else before.run.counts
        self._before.set_data(list(old), list(old.values()))
        self._cursor.set_xdata([result.step, result.step])


class EigenvaluesView(View[RealSaddle]):
    """All eigenvalues in order, on an axis that is linear near 0 and logarithmic outside."""

    def __init__(self, ax: Axes) -> None:
        ax.set_yscale("symlog", linthresh=1e-3)
        ax.set(
            xlim=(0, 194), ylim=(-1, 10), xlabel="eigenvalues in order", ylabel="eigenvalue of the Hessian"
        )
        ticks = [-1, -0.1, -0.01, 0, 0.01, 0.1, 1, 10]
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.axhline(0, color="#555555", lw=1)
        self._before = moving(ax.plot([], [], color=GHOST, lw=1.5)[0])
        self._up = moving(ax.plot([], [], "o", color="#4a90c4", mfc=LIGHT_BLUE, ms=4)[0])
        self._down = moving(ax.plot([], [], "v", color="#222222", ms=4.5)[0])
        key(ax, ("▼ negative: a way down", "#222222"), ("● the others", "#4a90c4"))

    def update(self, result: RealSaddle, before: RealSaddle | None) -> None:
        """Show `result.eigenvalues`."""
        ranks, values = np.arange(1, 194), result.eigenvalues
        down = values < -FLAT
        self._down.set_data(ranks[down], values[down])
        self._up.set_data(ranks[~down], values[~down])
        self._before.set_data(ranks, ranks * np.nan if before is None else before.eigenvalues)


def real_saddle_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the loss, the count below it, and all eigenvalues."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1.2, 1], height_ratios=[1.6, 1])
    loss, count, values = (figure.add_subplot(grid[at]) for at in (np.s_[0, 0], np.s_[1, 0], np.s_[:, 1]))
    return [PlateauView(loss), CountView(count), EigenvaluesView(values)]


def real_saddle_lab() -> Lab:
    """Return the lab *A real saddle*."""
    first = next(iter(OPTIMIZERS))
    return Lab(
        "A real saddle, with all its eigenvalues",
        controls={
            "step": slider("Step", 0, STEPS, 0, EVERY),
            "scale": log_slider("First weights: scale", -2.5, 0, 0.03, 0.1),
            "optimizer": choice("Trained by", list(OPTIMIZERS), first),
        },
        compute=real_saddle,
        views=real_saddle_views,
        grabs=[Grab(0, x="step"), Grab(1, x="step")],
        code=program,
        presets={
            "on the way out": {"step": 1000},
            "at the end": {"step": STEPS},
            "Adam, at the end": {"step": STEPS, "optimizer": "Adam, rate 0.01"},
            "usual weights": {"scale": 10**-0.4},
        },
        size=(9.6, 4.4),
    )

"""The lab *At the edge*: the largest eigenvalue of the Hessian climbs to 2 / alpha and stays there."""

import math
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.curvature import sharpness
from dlhelpers.live.controls import choice, log_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, TRAIN, View, key, moving, note
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

SIZES = (1, 12, 12, 1)
"""193 parameters."""
KINDS = {
    "tanh, squared error": ("tanh", "squared_error"),
    "ReLU, squared error": ("relu", "squared_error"),
    "tanh, cross-entropy": ("tanh", "sigmoid_cross_entropy"),
}
USUAL = next(iter(KINDS))
EVERY, PIECE = 20, 60
"""Steps between two measurements, and between two stages."""
MOST = 3000
NEAR = 0.97
"""From this share of the bound on, the sharpness has arrived."""


class Edge(NamedTuple):
    """A run with full batches: the loss of every step, and the sharpness of every twentieth."""

    rate: float
    kind: str
    steps: int
    losses: FloatArray
    sharpness: FloatArray

    @property
    def bound(self) -> float:
        """2 / alpha."""
        return 2 / self.rate

    @property
    def diverged(self) -> bool:
        """Whether the loss is no number at the end, or far above the first."""
        return not self.losses[-1] < 1e3 * self.losses[0]

    @property
    def arrived(self) -> int | None:
        """The first step at which the sharpness is at the bound, or None."""
        there = np.flatnonzero(self.sharpness >= NEAR * self.bound)
        return int(there[0]) * EVERY if there.size else None

    @property
    def ratio(self) -> float:
        """The mean sharpness over the last third of the run, in units of the bound."""
        third = self.sharpness[-max(1, len(self.sharpness) // 3) :]
        return float(np.mean(third) / self.bound)

    @property
    def rises(self) -> float:
        """The share of steps that made the loss larger, over the last third."""
        return float(np.mean(np.diff(self.losses[-max(2, len(self.losses) // 3) :]) > 0))

    @property
    def finding(self) -> str:
        """Return the sharpness at the end, in units of the bound."""
        if self.diverged:
            return f"Rate {self.rate:.2g}: the loss runs away"
        text, done = f"Sharpness {self.ratio:.2f} × 2/α over the last third", len(self.losses) - 1
        return (
            f"{text}, {done:,} of {self.steps:,} steps" if done < self.steps else f"{text} of {done:,} steps"
        )

    @property
    def caption(self) -> str:
        """Say when the sharpness arrives, and what the loss does there."""
        start = f"The sharpness begins at {self.sharpness[0]:.1f}; the bound 2/α is {self.bound:.1f}."
        if self.diverged:
            return f"{start} The first steps are too long, and training does not recover."
        if self.arrived is None:
            return (
                f"{start} It has not reached the bound: {_share(self.rises)} in the last third made the loss "
                "larger. Train longer, or pull the bound down."
            )
        early = self.arrived < 50
        when = "from the first steps on" if early else f"from about step {round(self.arrived, -2):,} on"
        begin, end = self.losses[self.arrived], self.losses[-1]
        way = "falls all the same" if end < begin else "does not fall"
        return (
            f"{start} It has reached the bound {when}. In the last third {_share(self.rises)} made the loss "
            f"larger; over the whole time since then it {way}."
        )


def _share(share: float) -> str:
    """Return a share of the steps in words, to the nearest tenth."""
    tenths = round(10 * share)
    return f"about {10 * tenths}% of the steps" if tenths else "hardly any step"


def curve(seed: int) -> tuple[FloatArray, FloatArray]:
    """Return 20 points of a wave, x and y of shape (20, 1); the seed shifts the wave."""
    x = np.linspace(-1, 1, 20)[:, None]
    return x, np.sin(6 * x + np.random.default_rng(seed).uniform(-0.5, 0.5))


@remembered(8)
def train(rate: float, kind: str, steps: int, seed: int) -> Stages[Edge]:
    """Train on all points in every step, and follow the largest eigenvalue."""
    (activation, loss), (x, y) = KINDS[kind], curve(seed)
    network = Network(SIZES, activation, loss)
    batch = Batch(x, y if loss == "squared_error" else (y > 0).astype(float))
    rng = np.random.default_rng(seed)
    theta = network.initialize(rng)
    direction: FloatArray = rng.standard_normal(network.layout.size)
    losses: list[float] = []
    values: list[float] = []
    iterations = 30
    for step in descend(network, theta, repeat(batch), GradientDescent(), rate, steps=steps):
        losses.append(float(step.loss))
        if step.diverged or not math.isfinite(losses[-1]):
            break
        if step.step % EVERY == 0:
            found = sharpness(network, step.theta, batch, direction, iterations)
            direction, iterations = found.direction, 3
            values.append(found.value)
        if step.step % PIECE == 0 and 0 < step.step < steps:
            yield step.step / steps, Edge(rate, kind, steps, np.array(losses), np.array(values))
    yield 1.0, Edge(rate, kind, steps, np.array(losses), np.array(values))


def edge(rate: float, kind: str, steps: int, seed: int) -> Stages[Edge]:
    """Return the stages of the run."""
    return train(rate, kind, steps, seed)


def program(rate: float, kind: str, steps: int, seed: int) -> str:
    """Return the program behind the picture."""
    activation, loss = KINDS[kind]
    target = "y" if loss == "squared_error" else "(y > 0).astype(float)"
    return f"""
from itertools import repeat
import numpy as np
from dlhelpers.curvature import sharpness
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

x = np.linspace(-1, 1, 20)[:, None]
y = np.sin(6 * x + np.random.default_rng({seed}).uniform(-0.5, 0.5))
network, batch = Network({SIZES}, "{activation}", "{loss}"), Batch(x, {target})
rng = np.random.default_rng({seed})
theta, direction = network.initialize(rng), rng.standard_normal(network.layout.size)
losses, values, iterations = [], [], 30
for step in descend(network, theta, repeat(batch), GradientDescent(), {rate}, steps={steps}):
    losses.append(float(step.loss))
    if step.diverged or not np.isfinite(losses[-1]):
        break
    if step.step % {EVERY} == 0:
        value, direction = sharpness(network, step.theta, batch, direction, iterations)
        values.append(value)
        iterations = 3  # the direction hardly turns
third = values[-max(1, len(values) // 3):]
result = np.mean(third) / (2 / {rate}), losses[-1]
"""


class SharpnessView(View[Edge]):
    """The sharpness over the steps, under the bound that the rate sets."""

    LOW, HIGH = 0.5, 150.0

    def __init__(self, ax: Axes, most: int) -> None:
        ax.set(yscale="log", xlim=(0, most), ylim=(self.LOW, self.HIGH))
        ax.set(xlabel="step (all data in each)", ylabel="largest eigenvalue of the Hessian")
        ax.set_yticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
        ax.minorticks_off()
        self._before = moving(ax.plot([], [], color=GHOST, lw=1.5)[0])
        self._line = moving(ax.plot([], [], color=TRAIN, lw=2.5)[0])
        self._bound = moving(ax.axhline(10, color=ACCENT, lw=3, zorder=1.5))
        self._name = note(ax, 0.985 * most, 10, color=ACCENT, ha="right", va="bottom", fontsize=10.5)
        key(ax, ("— sharpness", TRAIN), ("━ the bound 2/α: drag it", ACCENT), ("— before", "#777777"))

    def update(self, result: Edge, before: Edge | None) -> None:
        """Show `result.sharpness` and `result.bound`."""
        self._line.set_data(*self._curve(result))
        self._before.set_data(*([np.zeros(0)] * 2 if before is None else self._curve(before)))
        self._bound.set_ydata([result.bound, result.bound])
        self._name.set_y(1.06 * result.bound)
        self._name.set_text(f"2/α = {result.bound:.1f}")

    def _curve(self, result: Edge) -> list[FloatArray]:
        steps = EVERY * np.arange(float(len(result.sharpness)))
        return [steps, np.clip(result.sharpness, self.LOW / 2, 2 * self.HIGH)]


class EdgeLossView(View[Edge]):
    """The loss over the steps, on a log axis."""

    LOW, HIGH = 1e-4, 3.0

    def __init__(self, ax: Axes, most: int) -> None:
        ax.set(yscale="log", xlim=(0, most), ylim=(self.LOW, self.HIGH), xlabel="step", ylabel="train loss")
        self._before = moving(ax.plot([], [], color=GHOST, lw=1.5)[0])
        self._line = moving(ax.plot([], [], color=TRAIN, lw=1)[0])

    def update(self, result: Edge, before: Edge | None) -> None:
        """Show `result.losses`."""
        self._line.set_data(*self._curve(result))
        self._before.set_data(*([np.zeros(0)] * 2 if before is None else self._curve(before)))

    def _curve(self, result: Edge) -> list[FloatArray]:
        losses = np.nan_to_num(result.losses, nan=np.inf)
        return [np.arange(float(len(losses))), np.clip(losses, self.LOW / 2, 2 * self.HIGH)]


class LastStepsView(View[Edge]):
    """The loss of the last forty steps, from its lowest to its highest value there."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-40, 0), ylim=(-0.08, 1.08), yticks=[0, 1], xlabel="last 40 steps")
        ax.set_yticklabels(["lowest", "highest"])
        self._line = moving(ax.plot([], [], "o-", color=TRAIN, mfc=LIGHT_BLUE, lw=1, ms=4)[0])

    def update(self, result: Edge, before: Edge | None) -> None:
        """Show the end of `result.losses`."""
        tail = result.losses[-41:]
        low, high = np.min(tail), np.max(tail)
        spread = high - low if 0 < high - low < math.inf else 1.0
        self._line.set_data(np.arange(1 - len(tail), 1), (tail - low) / spread)


def edge_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the sharpness, and on the right the loss and its last steps."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1.8, 1], height_ratios=[1.2, 1])
    main, loss, tail = (figure.add_subplot(grid[place]) for place in (np.s_[:, 0], np.s_[0, 1], np.s_[1, 1]))
    return [SharpnessView(main, MOST), EdgeLossView(loss, MOST), LastStepsView(tail)]


def edge_lab() -> Lab:
    """Return the lab *At the edge*."""
    return Lab(
        "At the edge",
        controls={
            "rate": log_slider("Learning rate α", -1.7, 0, 0.2, 0.05),
            "kind": choice("Network", list(KINDS), USUAL),
            "steps": slider("Steps", 200, MOST, MOST, 200),
        },
        compute=edge,
        views=edge_views,
        grabs=[Grab(0, y="rate", from_y=lambda bound: 2 / max(bound, 1e-9))],
        code=program,
        presets={
            "half the rate": {"rate": 0.1},
            "twice the rate": {"rate": 10**-0.4},
            "ReLU": {"kind": "ReLU, squared error"},
            "cross-entropy": {"kind": "tanh, cross-entropy", "rate": 1.0},
        },
    )

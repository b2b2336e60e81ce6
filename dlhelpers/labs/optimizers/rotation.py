"""The lab *RMSprop, Adam: rotate the ravine*: an optimizer that scales each axis depends on the axes."""

from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.optimizers.common import NOTHING, drawable, path_of
from dlhelpers.live.controls import choice, log_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, Optimizer, RMSprop
from dlhelpers.plots.style import ACCENT, GHOST, TRAIN, View, key, moving
from dlhelpers.surfaces import Ravine
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

STEPS = 60
ANGLES = np.arange(0, 181, 5)
ROTATED: dict[str, Optimizer] = {
    "GD": GradientDescent(),
    "momentum": Momentum(0.7),
    "RMSprop": RMSprop(),
    "Adam": Adam(0.7, 0.99),
}
X_COLOR, Y_COLOR = "#222222", "#9b2f6e"
HANDLE, RADIUS = 3.0, 3.0
"""How far from the minimum the handle and the start are."""


class Quadratics:
    """The losses theta^T H theta / 2, one for each run of a population: H is (K, 2, 2)."""

    def __init__(self, hessians: FloatArray) -> None:
        self.hessians = hessians

    def loss(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the losses, (K,); theta is (K, 2)."""
        return np.asarray((theta * self.gradient(theta, batch)).sum(axis=-1) / 2)

    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the gradients, (K, 2)."""
        return np.asarray((self.hessians @ theta[..., None])[..., 0])


class Rotated(NamedTuple):
    """One optimizer in a rotated ravine, and the loss after 60 steps over all angles.

    `path` is (61, 2); `roots` and `rates` are (60, 2): the root of s, and what multiplies the gradient of
    each axis; NaN for optimizers without s.  `shares` is (37,), for each angle: the loss over that at the
    start.
    """

    name: str
    rate: float
    condition: float
    angle: int
    path: FloatArray
    gradients: FloatArray
    roots: FloatArray
    rates: FloatArray
    shares: FloatArray

    @property
    def share(self) -> float:
        """The loss after 60 steps over that at the start, at the chosen angle."""
        return float(np.interp(self.angle, ANGLES, self.shares))

    @property
    def finding(self) -> str:
        """The loss after the last step, and how much the angle matters."""
        low, high = float(np.min(self.shares)), float(np.max(self.shares))
        spread = (
            "the same at every angle"
            if high < 1.001 * low
            else f"from {_share(low)} to {_share(high)} over all angles"
        )
        return f"{self.name} at {self.angle}°: loss {_share(self.share)} after {STEPS} steps; {spread}"

    @property
    def caption(self) -> str:
        """What the optimizer divides by, axis by axis."""
        text = (
            f"Losses are shares of that at the start. The start turns with the ravine "
            f"(κ = {self.condition:.3g}); α = {self.rate:.2g}. "
        )
        if np.isnan(self.rates).all():
            return text + (
                "This optimizer has one rate for all directions. It does not know where the axes are, and "
                "the whole path turns with the ravine."
            )
        g, rates = np.abs(self.gradients[0]), self.rates[0]
        return text + (
            f"In the first step the gradient along x has the size {g[0]:.2g}, along y {g[1]:.2g}; "
            f"{self.name} multiplies them by {rates[0]:.2g} and {rates[1]:.2g}. These factors belong to the "
            "axes, not to the directions of the ravine."
        )


def _share(value: float) -> str:
    """Return a share of the loss; what is nearly 0 may be rounding, what is large has diverged."""
    if value < 1e-12:
        return "below 1e-12"
    return "above 1e6" if value > 1e6 else f"{value:.1g}"


def start_at(angle: float) -> FloatArray:
    """Return the start, which turns with the ravine: on the left, above the floor."""
    radians = np.radians(angle + 155)
    return RADIUS * np.array([np.cos(radians), np.sin(radians)])


@lru_cache(maxsize=128)
def over_angles(name: str, rate: float, condition: float) -> tuple[FloatArray, FloatArray]:
    """Run the optimizer at all angles at once; return theta (61, 37, 2) and the shares of the loss (37,)."""
    origin = np.zeros(2)
    cost = Quadratics(np.stack([Ravine(condition, float(angle)).hessian(origin) for angle in ANGLES]))
    start = np.stack([start_at(float(angle)) for angle in ANGLES])
    run = descend(cost, start, repeat(NOTHING), ROTATED[name], rate, steps=STEPS)
    paths = path_of(run)
    with np.errstate(all="ignore"):
        shares = cost.loss(paths[-1], NOTHING) / cost.loss(start, NOTHING)
    return paths, np.minimum(shares, 1e9)


def rotate(angle: int, name: str, rate: float, condition: float) -> Rotated:
    """Run the optimizer in the ravine at this angle, and take the other angles from memory."""
    ravine = Ravine(condition, float(angle))
    optimizer = ROTATED[name]
    run = list(descend(ravine, start_at(angle), repeat(NOTHING), optimizer, rate, steps=STEPS))
    path, gradients = (np.stack([getattr(step, each) for step in run]) for each in ("theta", "gradient"))
    roots = np.full((STEPS, 2), np.nan)
    if isinstance(optimizer, RMSprop | Adam):
        t = np.arange(1, STEPS + 1)[:, None]
        correction = 1 - optimizer.beta2**t if isinstance(optimizer, Adam) else 1.0
        roots = np.sqrt(np.stack([step.state.s for step in run[1:]]) / correction)
    _, shares = over_angles(name, rate, condition)
    return Rotated(name, rate, condition, angle, path, gradients, roots, rate / (roots + 1e-8), shares)


def program(angle: int, name: str, rate: float, condition: float) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import repeat
import numpy as np
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, RMSprop
from dlhelpers.surfaces import Ravine
from dlhelpers.training import descend

ravine = Ravine(condition={condition}, angle_degrees={float(angle)})
radians = np.radians({angle} + 155)  # the start turns with the ravine
start = {RADIUS} * np.array([np.cos(radians), np.sin(radians)])
batches = repeat(Batch(np.zeros((1, 1)), np.zeros((1, 1))))  # a surface has no data
run = list(descend(ravine, start, batches, {ROTATED[name]!r}, {rate}, steps={STEPS}))
result = np.stack([step.theta for step in run]), np.stack([step.gradient for step in run])
"""


class TurnedView(View[Rotated]):
    """The rotated ravine, the path in it, and a handle to turn it by."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xlabel="x", ylabel="y")
        ax.set(xticks=range(-4, 5, 2), yticks=range(-4, 5, 2))
        (self._rings,) = ax.plot([], [], color="#cccccc", lw=0.9)
        (self._floor,) = ax.plot([], [], "-", color=ACCENT, lw=1)
        (self._old,) = ax.plot([], [], "-", color=GHOST, lw=1)
        (self._path,) = ax.plot([], [], "o-", color=TRAIN, ms=3, lw=1)
        (self._start,) = ax.plot([], [], "o", color=TRAIN, ms=9, mec="white")
        (self._minimum,) = ax.plot([0], [0], "*", color="#222222", ms=11, mec="white")
        (self._handle,) = ax.plot([], [], "o", color=ACCENT, ms=13, mec="white", mew=2)
        for artist in (self._rings, self._floor, self._old, self._path, self._start):
            moving(artist)
        moving(self._minimum)
        moving(self._handle)
        key(
            ax,
            ("● drag to turn", ACCENT),
            ("●— steps", TRAIN),
            ("★ minimum", "#222222"),
            ("— before", "#777777"),
        )

    def update(self, result: Rotated, before: Rotated | None) -> None:
        """Show `result.path`, (61, 2), and lines of equal loss at `result.angle`."""
        angle = np.radians(result.angle)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        around = np.append(np.linspace(0, 2 * np.pi, 121), np.nan)
        ring = turn @ np.stack([np.sqrt(result.condition) * np.cos(around), np.sin(around)])
        self._rings.set_data(*np.hstack([radius * ring for radius in (0.25, 0.5, 1, 1.5, 2, 2.5)]))
        self._floor.set_data(*(turn @ np.array([[-5.0, 5.0], [0.0, 0.0]])))
        self._handle.set_data(*(HANDLE * turn[:, :1]))
        self._path.set_data(*drawable(result.path))
        self._start.set_data(*result.path[0][:, None])
        self._old.set_data(*(np.empty((2, 0)) if before is None else drawable(before.path)))


class AxesView(View[Rotated]):
    """Size of the gradient, root of s and effective rate, for x and y, over the steps."""

    LOW, HIGH = 1e-4, 1e2

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0, STEPS), ylim=(self.LOW, self.HIGH), xlabel="step", ylabel="per axis")
        self._lines = [
            [moving(ax.plot([], [], style, color=color, lw=lw)[0]) for color in (X_COLOR, Y_COLOR)]
            for style, lw in ((":", 1.2), ("--", 1.5), ("-", 2.0))
        ]
        key(
            ax,
            ("■ x", X_COLOR),
            ("■ y", Y_COLOR),
            ("··· |g|", "#555555"),
            ("-- √s", "#555555"),
            ("— α/(√s + ε)", "#555555"),
        )

    def update(self, result: Rotated, before: Rotated | None) -> None:
        """Show `result.gradients`, `result.roots` and `result.rates`, (60, 2) each."""
        steps = np.arange(STEPS)
        for lines, values in zip(
            self._lines, (np.abs(result.gradients[:STEPS]), result.roots, result.rates), strict=True
        ):
            for line, each in zip(lines, values.T, strict=True):
                line.set_data(steps[: len(each)], np.clip(each, 1e-2 * self.LOW, 1e2 * self.HIGH))


class AngleView(View[Rotated]):
    """The loss after 60 steps over the angle of the ravine."""

    LOW, HIGH = 1e-8, 10.0

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(-3, 183), ylim=(self.LOW, self.HIGH), ylabel="loss after 60 steps")
        ax.set(xticks=range(0, 181, 45), xlabel="angle of the ravine, degrees")
        (self._old,) = ax.plot([], [], "-", color=GHOST, lw=1.5)
        (self._shares,) = ax.plot([], [], "-", color=TRAIN, lw=2)
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=2))
        moving(self._old)
        moving(self._shares)
        key(ax, ("— share of the start", TRAIN), ("┃ angle", ACCENT), ("— before", "#777777"))

    def update(self, result: Rotated, before: Rotated | None) -> None:
        """Show `result.shares`, (37,)."""
        low, high = 1e-2 * self.LOW, 1e2 * self.HIGH
        self._shares.set_data(ANGLES, np.clip(result.shares, low, high))
        past = np.full(len(ANGLES), np.nan) if before is None else before.shares
        self._old.set_data(ANGLES, np.clip(past, low, high))
        self._cursor.set_xdata([result.angle] * 2)


def rotation_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the ravine, the two axes, the angles."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1, 1.1])
    ravine, axes, angles = (figure.add_subplot(grid[at]) for at in ((slice(None), 0), (0, 1), (1, 1)))
    return [TurnedView(ravine), AxesView(axes), AngleView(angles)]


def angle_of(x: float) -> float:
    """Return the angle at which the handle is x to the right of the minimum."""
    return float(np.degrees(np.arccos(np.clip(x / HANDLE, -1, 1))))


def rotation_lab() -> Lab:
    """Return the lab *RMSprop, Adam: rotate the ravine*."""
    return Lab(
        "RMSprop, Adam: rotate the ravine",
        controls={
            "angle": slider("Angle of the ravine, °", 0, 180, 0),
            "name": choice("Optimizer", list(ROTATED), "Adam"),
            "rate": log_slider("Learning rate α", -2, 1, 0.25, 0.05),
            "condition": log_slider("Condition κ", 0, 3, 100, 0.1, fmt=".3g"),
        },
        compute=rotate,
        views=rotation_views,
        grabs=[Grab(0, x="angle", from_x=angle_of), Grab(2, x="angle")],
        code=program,
        presets={
            "Adam, along the axes": {},
            "Adam, 45°": {"angle": 45},
            "RMSprop, 45°": {"angle": 45, "name": "RMSprop", "rate": 10**-0.9},
            "momentum, 45°": {"angle": 45, "name": "momentum", "rate": 10},
            "GD, 45°": {"angle": 45, "name": "GD", "rate": 10**0.25},
        },
        seeded=False,
        size=(9.6, 4.1),
    )

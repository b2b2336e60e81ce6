"""The lab *Three classes in the plane*: training that is watched, with examples that can be dragged."""

from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dlhelpers.datasets import blobs, one_hot
from dlhelpers.labs.softmax.common import name_class
from dlhelpers.live.controls import choice, real_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages
from dlhelpers.metrics import accuracy
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.decision_regions import CLASS_COLORS, GLYPHS, MARKERS, blend
from dlhelpers.plots.style import DEV, GHOST, TRAIN, View, key, moving
from dlhelpers.plots.tiles import one_tile
from dlhelpers.softmax import hardmax, softmax
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

CENTERS = ((-1.2, -0.8), (1.2, -0.8), (0.0, 1.3))
NOISE, M, M_DEV = 0.6, 60, 300
LIMIT, SIDE = 3.0, 61
STEPS, EVERY, RATE = 200, 10, 0.05
NETWORKS = {"no hidden layer": (), "8 tanh units": (8,)}
STRAIGHT, CURVED = NETWORKS
SOFT, HARD = "probabilities", "most probable class"
POINTS = ("x1", "y1", "x2", "y2", "x3", "y3")


class Trained(NamedTuple):
    """A network in training: its map, the data, both losses so far, and what it says of the dragged points.

    `map` (n, n, 3), `X` (m, 2), `y` (m,), `points` (3, 2), `losses` (points so far, 2): train and dev; `own`
    (3,) the probability of its own class at each dragged point.
    """

    network: str
    weight: int
    shown: str
    map: FloatArray
    X: FloatArray
    y: IntArray
    points: FloatArray
    losses: FloatArray
    dev_accuracy: float
    own: FloatArray

    @property
    def step(self) -> int:
        """How many steps of training `losses` covers."""
        return EVERY * (len(self.losses) - 1)

    @property
    def finding(self) -> str:
        """Right answers on new points, and the dragged point that is least at home."""
        least = int(self.own.argmin())
        right = f"{self.dev_accuracy:.0%} of new points"
        return (
            f"{'Right on' if self.step == STEPS else f'At step {self.step}, right on'} {right}; the large "
            f"{GLYPHS[least]} gets its own class with probability {self.own[least]:.2f}"
        )

    @property
    def caption(self) -> str:
        """How far training is, the losses, and what kind of borders there are."""
        train, dev = self.losses[-1]
        places = zip(self.points, self.own, strict=True)
        each = ", ".join(f"{GLYPHS[k]} at ({x:.1f}, {y:.1f}) {p:.2f}" for k, ((x, y), p) in enumerate(places))
        borders = (
            "Without a hidden layer, two classes always meet along a straight line."
            if self.network == STRAIGHT
            else "With hidden units, the borders may bend."
        )
        return (
            f"After {self.step} of {STEPS} steps: train loss {train:.2f}, dev loss {dev:.2f}; guessing has "
            f"{np.log(3):.2f}. Probability of its own class at each large mark: {each}. Each of them counts "
            f"as {self.weight} example{'s' if self.weight > 1 else ''} among {M} others. {borders} Map: "
            f"{self.shown}."
        )


def train_map(
    network: str,
    weight: int,
    shown: str,
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    x3: float,
    y3: float,
    seed: int,
) -> Stages[Trained]:
    """Train on the blobs and the three dragged points; yield the map every few steps."""
    rng = np.random.default_rng(seed)
    (X, y), (X_dev, y_dev) = (blobs(m, centers=CENTERS, noise=NOISE, rng=rng) for m in (M, M_DEV))
    points = np.array([[x1, y1], [x2, y2], [x3, y3]])
    train = Batch(np.vstack([X, *[points] * weight]), one_hot(np.r_[y, np.tile([0, 1, 2], weight)], 3))
    dev = Batch(X_dev, one_hot(y_dev, 3))
    model = Network((2, *NETWORKS[network], 3), "tanh", "softmax_cross_entropy")
    theta = model.initialize(rng)
    losses = []
    for step in descend(model, theta, repeat(train), Adam(), RATE, steps=STEPS):
        if step.step % EVERY:
            continue
        losses.append((float(step.loss), float(model.loss(step.theta, dev))))
        yield (
            step.step / STEPS,
            Trained(
                network=network,
                weight=weight,
                shown=shown,
                map=_map(model, step.theta, shown),
                X=X,
                y=y,
                points=points,
                losses=np.array(losses),
                dev_accuracy=float(accuracy(model.predict(step.theta, X_dev), dev.Y)),
                own=model.predict(step.theta, points).diagonal().copy(),
            ),
        )


def _map(model: Network, theta: FloatArray, shown: str) -> FloatArray:
    """Return the probabilities over the plane, (n, n, 3), or 1 for the most probable class."""
    side = np.linspace(-LIMIT, LIMIT, SIDE)
    x, y = np.meshgrid(side, side)
    Z = model.logits(theta, np.column_stack([x.ravel(), y.ravel()])).T
    P = (hardmax(Z) if shown == HARD else softmax(Z)).T
    return P.reshape(SIDE, SIDE, 3)


def program(
    network: str,
    weight: int,
    shown: str,
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    x3: float,
    y3: float,
    seed: int,
) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import repeat
import numpy as np
from dlhelpers.datasets import blobs, one_hot
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend

rng = np.random.default_rng({seed})
X, y = blobs({M}, centers={CENTERS}, noise={NOISE}, rng=rng)
X_dev, y_dev = blobs({M_DEV}, centers={CENTERS}, noise={NOISE}, rng=rng)
points = np.array({[[x1, y1], [x2, y2], [x3, y3]]})  # one of each class, {weight} times
X = np.vstack([X, *[points] * {weight}])
Y = one_hot(np.r_[y, np.tile([0, 1, 2], {weight})], 3)
network = Network({(2, *NETWORKS[network], 3)}, "tanh", "softmax_cross_entropy")
theta = network.initialize(rng)
*_, last = descend(network, theta, repeat(Batch(X, Y)), Adam(), {RATE}, steps={STEPS})
dev_loss = network.loss(last.theta, Batch(X_dev, one_hot(y_dev, 3)))
result = last.loss, dev_loss, network.predict(last.theta, points).diagonal()
"""


class MapView(View[Trained]):
    """The plane, colored by the answer; small marks are examples, the large ones can be dragged."""

    def __init__(self, ax: Axes) -> None:
        ends, ticks = (-LIMIT, LIMIT), [-3, -2, -1, 0, 1, 2, 3]
        ax.set(xlim=ends, ylim=ends, xticks=ticks, yticks=ticks, aspect="equal")
        ax.set(xlabel="$x_1$: drag a large mark", ylabel="$x_2$")
        ax.grid(visible=False)
        self._map = one_tile(ax, smooth=True, corner=(-LIMIT, -LIMIT), width=2 * LIMIT)
        self._small = [self._mark(ax, k, CLASS_COLORS[k], 5, "white", 0.6) for k in range(3)]
        self._old = [self._mark(ax, k, "none", 10, GHOST, 2) for k in range(3)]
        self._large = [self._mark(ax, k, CLASS_COLORS[k], 13, "#111111", 2) for k in range(3)]
        for k, (x, y) in enumerate(((-2.4, -2.75), (2.4, -2.75), (0, 2.6))):
            moving(name_class(ax, k, x, y))

    @staticmethod
    def _mark(ax: Axes, k: int, color: str, size: float, edge: str, width: float) -> Line2D:
        return moving(ax.plot([], [], MARKERS[k], color=color, ms=size, mec=edge, mew=width)[0])

    def update(self, result: Trained, before: Trained | None) -> None:
        """Show `result.map`, the examples and the dragged points."""
        self._map.set_pictures(blend(result.map)[np.newaxis])
        for k in range(3):
            self._small[k].set_data(*result.X[result.y == k].T)
            self._large[k].set_data(*result.points[k][:, None])
            moved = before is not None and bool((before.points[k] != result.points[k]).any())
            self._old[k].set_data(*before.points[k][:, None] if before is not None and moved else ([], []))


class LossView(View[Trained]):
    """The loss over the steps, on the training set and on new points."""

    LOW, HIGH = 0.03, 3.0

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0, STEPS), ylim=(self.LOW, self.HIGH), xlabel="step", ylabel="loss")
        ax.set_yticks([0.1, 1], ["0.1", "1"])
        ax.axhline(np.log(3), color="#777777", lw=1, ls="-.")
        self._lines = [
            (
                moving(ax.plot([], [], style, color=GHOST, lw=1.5)[0]),
                moving(ax.plot([], [], style, color=color, lw=2.5)[0]),
            )
            for style, color in (("-", TRAIN), ("--", DEV))
        ]
        key(ax, ("— train", TRAIN), ("┅ dev", DEV), ("-·- guessing", "#777777"), ("— before", "#777777"))

    def update(self, result: Trained, before: Trained | None) -> None:
        """Show `result.losses`."""
        for k, (old, line) in enumerate(self._lines):
            for artist, shown in ((line, result), (old, before)):
                losses = np.zeros(0) if shown is None else np.clip(shown.losses[:, k], 1e-3, 1e3)
                artist.set_data(EVERY * np.arange(len(losses)), losses)


def views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the plane, and the loss."""
    left, right = figure.subplots(1, 2, width_ratios=[1.35, 1])
    return [MapView(left), LossView(right)]


def three_classes_lab() -> Lab:
    """Return the lab *Three classes in the plane*."""
    places = dict(zip(POINTS, (1.0, -0.6, 1.6, -1.2, 0.2, 1.9), strict=True))
    coordinates = {
        name: real_slider(f"Large {GLYPHS[k // 2]}, x{'₁₂'[k % 2]}", -LIMIT, LIMIT, value, 0.1, ".1f")
        for k, (name, value) in enumerate(places.items())
    }
    return Lab(
        "Three classes in the plane",
        controls={
            "network": choice("Network", list(NETWORKS), STRAIGHT),
            "weight": slider("Weight, large marks", 1, 20, 1, help="Examples that each counts as"),
            "shown": choice("Map", [SOFT, HARD], SOFT),
            **coordinates,
        },
        compute=train_map,
        views=views,
        grabs=[Grab(0, x=f"x{k}", y=f"y{k}") for k in (1, 2, 3)],
        code=program,
        presets={
            "each in its class": {"x1": -1.2, "y1": -0.8, "x2": 1.2, "y2": -0.8, "x3": 0.0, "y3": 1.3},
            "counts as 20": {"weight": 20},
            "20, curved": {"weight": 20, "network": CURVED},
            "hardmax": {"shown": HARD},
        },
        size=(9.6, 4.4),
    )

"""The lab of notebook 03 that enumerates all subnetworks of a network with 8 hidden units."""

from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.activations import sigmoid
from dlhelpers.dropout import (
    all_masks,
    draws_for_masks,
    mask_weights,
    normalized_geometric_mean,
    with_draws,
)
from dlhelpers.labs.dropout.common import LIMIT, N_DEV, Moons, pieces, probability_map, two_moons
from dlhelpers.live.controls import choice, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, last, remembered
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.decision_regions import DecisionView
from dlhelpers.plots.style import GHOST, LIGHT_BLUE, TRAIN, View, key, moving, note
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

TRAINED = {"without dropout": 1.0, "with keep_prob 0.8": 0.8, "with keep_prob 0.5": 0.5}
HIDDEN = {"one layer of 8": (8,), "two layers of 4": (4, 4)}
STEPS = 400
ALL_MASKS = all_masks(8)


class Subnetworks(NamedTuple):
    """What the full network and all its subnetworks answer at one point, and on the dev set."""

    keep_prob: float
    point: tuple[float, float]
    map: FloatArray
    train: tuple[FloatArray, IntArray]
    dev: tuple[FloatArray, IntArray]
    axis_names: tuple[str, str]
    probabilities: FloatArray
    weights: FloatArray
    full: float
    arithmetic: float
    geometric: float
    accuracies: tuple[float, float] | None = None
    """On the dev set: of the full network, and the mean of its subnetworks; None while training goes on."""
    limit: float = LIMIT

    @property
    def finding(self) -> str:
        """The answer of the full network and the mean of its subnetworks."""
        answers = f"Full network {self.full:.2f}, mean of its 256 subnetworks {self.arithmetic:.2f}"
        return answers if self.accuracies else f"{answers}, in training"

    @property
    def caption(self) -> str:
        """How far the subnetworks scatter, and how close both means come to the full network."""
        order = np.argsort(self.probabilities)
        sums = np.cumsum(self.weights[order])
        low, high = (self.probabilities[order][int(np.searchsorted(sums, q - 1e-9))] for q in (0.05, 0.95))
        gap = abs(self.geometric - self.full)
        geometric = (
            "differs from the full network's answer by less than 1e-12"
            if gap < 1e-12
            else f"is off the full network's answer by {gap:.3f}: with two hidden layers it is an "
            "approximation"
        )
        text = (
            f"The answers are probabilities of the amber class at the point "
            f"({self.point[0]:.1f}, {self.point[1]:.1f}). With keep_prob {self.keep_prob:.2f}, 90% of the "
            f"subnetworks answer between {low:.2f} and {high:.2f}. Their arithmetic mean is off the full "
            f"network's answer by {abs(self.arithmetic - self.full):.3f}; their normalized geometric mean, "
            f"{self.geometric:.2f}, {geometric}."
        )
        if self.accuracies is None:
            return text
        full, single = self.accuracies
        return (
            f"{text} On {N_DEV} dev points the full network is right on {full:.0%}, a random subnetwork "
            f"on {single:.0%}."
        )


@remembered(4)
def train(hidden: tuple[int, ...], seed: int) -> Stages[FloatArray]:
    """Train three networks from the same weights, one with each keep_prob of `TRAINED`; theta is (3, P)."""
    sizes, rng = (2, *hidden, 1), np.random.default_rng(seed)
    shares = np.array(list(TRAINED.values()))[:, np.newaxis, np.newaxis]
    network = Network(sizes, "tanh", "sigmoid_cross_entropy", keep_prob=shares)
    theta = np.tile(network.initialize(rng), (len(TRAINED), 1))
    batches = with_draws(repeat(two_moons(100, 0.3, seed).batch), sizes, rng)
    for step in pieces(descend(network, theta, batches, Adam(), 0.03), STEPS, 50):
        yield step.step / STEPS, step.theta


def enumerate_all(
    x1: float, x2: float, keep_prob: float, trained: str, hidden: str, seed: int
) -> Stages[Subnetworks]:
    """Train three networks once, then ask one of them and its 256 subnetworks about a point."""
    layers, index, data = HIDDEN[hidden], list(TRAINED).index(trained), two_moons(100, 0.3, seed)
    for share, thetas in train(layers, seed):
        result = _at_point((x1, x2), thetas[index], layers, keep_prob, data)
        if share >= 1:
            result = result._replace(accuracies=dev_accuracies(layers, index, keep_prob, seed))
        yield share, result


def _at_point(
    point: tuple[float, float], theta: FloatArray, hidden: tuple[int, ...], keep_prob: float, data: Moons
) -> Subnetworks:
    X, sizes = np.array([point]), (2, *hidden, 1)
    values = Network(sizes, "tanh", keep_prob=keep_prob)  # without a sigmoid: it predicts logits
    weights = mask_weights(ALL_MASKS, keep_prob)
    logits = values.predict(theta, X, draws=draws_for_masks(ALL_MASKS, sizes, 1))[:, 0, 0]
    probabilities = sigmoid(logits)
    return Subnetworks(
        keep_prob,
        point,
        probability_map(Network(sizes, "tanh", "sigmoid_cross_entropy"), theta),
        (data.X, data.y),
        (data.X_dev[:100], data.y_dev[:100]),
        ("$x_1$    (ring: your point; grey ring: before)", "$x_2$"),
        probabilities,
        weights,
        float(sigmoid(values.predict(theta, X))[0, 0]),
        float(weights @ probabilities),
        float(normalized_geometric_mean(logits, weights)),
    )


@lru_cache(maxsize=128)
def dev_accuracies(hidden: tuple[int, ...], index: int, keep_prob: float, seed: int) -> tuple[float, float]:
    """Return the share of dev points that the trained network gets right, and the mean of its subnetworks."""
    data, theta = two_moons(100, 0.3, seed), last(train(hidden, seed))[index]
    values = Network((2, *hidden, 1), "tanh", keep_prob=keep_prob)
    logits = values.predict(theta, data.X_dev, draws=draws_for_masks(ALL_MASKS, values.sizes, N_DEV))[..., 0]
    full = (values.predict(theta, data.X_dev)[:, 0] > 0) == data.y_dev
    single = ((logits > 0) == data.y_dev).mean(axis=1)
    return float(full.mean()), float(mask_weights(ALL_MASKS, keep_prob) @ single)


def program(x1: float, x2: float, keep_prob: float, trained: str, hidden: str, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import islice, repeat

import numpy as np
from dlhelpers.activations import sigmoid
from dlhelpers.datasets import moons
from dlhelpers.dropout import (
    all_masks, draws_for_masks, mask_weights, normalized_geometric_mean, with_draws
)
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend

X, y = moons(100, noise=0.3, rng=np.random.default_rng({seed}))
sizes = {(2, *HIDDEN[hidden], 1)}
rng = np.random.default_rng({seed})
shares = np.array({list(TRAINED.values())})[:, None, None]  # three networks are trained at once
network = Network(sizes, "tanh", "sigmoid_cross_entropy", keep_prob=shares)
theta = np.tile(network.initialize(rng), (3, 1))
batches = with_draws(repeat(Batch(X, y[:, None].astype(float))), sizes, rng)
*_, last = islice(descend(network, theta, batches, Adam(), 0.03), {STEPS} + 1)
theta = last.theta[{list(TRAINED).index(trained)}]  # the one trained {trained}

masks, point = all_masks(8), np.array([[{x1}, {x2}]])
weights = mask_weights(masks, {keep_prob})
values = Network(sizes, "tanh", keep_prob={keep_prob})  # without a sigmoid: it predicts logits
logits = values.predict(theta, point, draws=draws_for_masks(masks, sizes, 1))[:, 0, 0]
full = sigmoid(values.predict(theta, point))[0, 0]  # no masks
result = full, weights @ sigmoid(logits), normalized_geometric_mean(logits, weights)
"""


class PointView(View[Subnetworks]):
    """A ring around the chosen point of the plane, on Axes that another view has set up."""

    def __init__(self, ax: Axes) -> None:
        self._rings = [
            moving(ax.plot([], [], "o", mfc="none", mec=color, ms=size, mew=width, zorder=6)[0])
            for color, size, width in ((GHOST, 12, 2), ("white", 15, 5), ("#111111", 15, 2.5))
        ]
        self._names = ("before", "result", "result")

    def update(self, result: Subnetworks, before: Subnetworks | None) -> None:
        """Show `result.point`."""
        for ring, name in zip(self._rings, self._names, strict=True):
            shown = result if name == "result" else before
            ring.set_data(*([], []) if shown is None else ([shown.point[0]], [shown.point[1]]))


class HistogramView(View[Subnetworks]):
    """How the answers of all subnetworks are spread, each counted by the probability of its mask."""

    BINS, TOP = 20, 0.5

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, 1), ylim=(0, self.TOP), ylabel="share of subnetworks")
        ax.tick_params(labelbottom=False)
        edges = np.linspace(0, 1, self.BINS + 1)
        self._edges = edges
        self._bars = moving(ax.stairs(np.zeros(self.BINS), edges, fill=True, color=LIGHT_BLUE, ec=TRAIN))
        self._before = moving(ax.stairs(np.zeros(self.BINS), edges, color=GHOST, lw=1.5, baseline=None))
        self._off = [note(ax, 0, 0.94 * self.TOP, ha="center", va="top", fontsize=10) for _ in range(2)]
        key(ax, ("■ all 256 subnetworks", TRAIN), ("— before", "#777777"))

    def update(self, result: Subnetworks, before: Subnetworks | None) -> None:
        """Show `result.probabilities` (256,) with `result.weights` (256,)."""
        heights = self._heights(result)
        self._bars.set_data(np.minimum(heights, self.TOP))
        self._before.set_visible(before is not None)
        if before is not None:
            self._before.set_data(np.minimum(self._heights(before), self.TOP))
        high = np.flatnonzero(heights > self.TOP)
        for text, k in zip(self._off, [*high, None, None], strict=False):
            text.set_visible(k is not None)
            if k is not None:
                text.set_text(f"▲ {heights[k]:.0%}")
                text.set_x(np.clip((k + 0.5) / self.BINS, 0.07, 0.93))

    def _heights(self, result: Subnetworks) -> FloatArray:
        return np.histogram(result.probabilities, self._edges, weights=result.weights)[0]


class MeansView(View[Subnetworks]):
    """Three answers, one below the other on one scale: arithmetic mean, geometric mean, full network."""

    ROWS = (("arithmetic", "s", TRAIN), ("geometric", "D", "#B0417F"), ("full", "o", "#111111"))

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, 1), ylim=(-0.6, 2.6), xlabel="answer: probability of the amber class")
        ax.set_yticks([2, 1, 0], ["arithmetic mean", "geometric mean", "full network"])
        self._line = moving(ax.axvline(0, color="#111111", lw=1))
        self._dots = []
        for k, (name, marker, color) in enumerate(self.ROWS):
            (old,) = ax.plot([], [], marker, color=GHOST, ms=7, clip_on=False)
            (dot,) = ax.plot([], [], marker, color=color, ms=9, mec="white", clip_on=False)
            for artist in (old, dot):
                artist.set_in_layout(False)
            self._dots.append((name, 2 - k, moving(old), moving(dot)))

    def update(self, result: Subnetworks, before: Subnetworks | None) -> None:
        """Show `result.arithmetic`, `result.geometric` and `result.full`; a line goes up from the last."""
        self._line.set_xdata([result.full, result.full])
        for name, y, old, dot in self._dots:
            dot.set_data([getattr(result, name)], [y])
            old.set_data(*([], []) if before is None else ([getattr(before, name)], [y]))


def subnetworks_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the plane with the point, the histogram, and the three answers below it."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1, 1.25], height_ratios=[2.3, 1])
    plane = figure.add_subplot(grid[:, 0])
    histogram = figure.add_subplot(grid[0, 1])
    means = figure.add_subplot(grid[1, 1])
    return [DecisionView(plane), PointView(plane), HistogramView(histogram), MeansView(means)]


def subnetworks_lab() -> Lab:
    """Return the lab *All the networks at once*."""
    return Lab(
        "All the networks at once",
        controls={
            "x1": real_slider("Point, x₁", -3, 3, -0.1, 0.1, fmt=".1f"),
            "x2": real_slider("Point, x₂", -3, 3, -0.1, 0.1, fmt=".1f"),
            "keep_prob": real_slider("keep_prob of the masks", 0.1, 1, 0.5, 0.05),
            "trained": choice("Trained", list(TRAINED), "without dropout"),
            "hidden": choice("Hidden units", list(HIDDEN), "one layer of 8"),
        },
        compute=enumerate_all,
        views=subnetworks_views,
        grabs=[Grab(0, x="x1", y="x2")],
        code=program,
        presets={
            "deep in one class": {"x1": -1.5, "x2": 1.5},
            "drop little": {"keep_prob": 0.9},
            "trained with dropout": {"trained": "with keep_prob 0.5"},
            "two hidden layers": {"hidden": "two layers of 4"},
        },
    )

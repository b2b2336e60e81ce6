"""The lab of notebook 03 that enumerates all subnetworks of a network with 8 hidden units."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dlhelpers.activations import sigmoid
from dlhelpers.dropout import (
    all_masks,
    draws_for_masks,
    mask_weights,
    normalized_geometric_mean,
    with_draws,
)
from dlhelpers.labs.dropout.dropout import LIMIT, N_DEV, Moons, pieces, probability_map, two_moons
from dlhelpers.live.controls import choice, real_slider
from dlhelpers.live.lab import Lab
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.dropout import HistogramView, MeansView, PointView
from dlhelpers.plots.playground import DecisionView
from dlhelpers.plots.style import View
from dlhelpers.training import Step, descend
from dlhelpers.typing import FloatArray, IntArray

TRAINED = {"without dropout": 1.0, "with keep_prob 0.8": 0.8, "with keep_prob 0.5": 0.5}
HIDDEN = {"one layer of 8": (8,), "two layers of 4": (4, 4)}
STEPS = 400
MASKS = all_masks(8)


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
    full_accuracy: float
    sub_accuracy: float
    limit: float = LIMIT


class Store(NamedTuple):
    """What is kept of a training: `theta` (3, P), and what was computed from it for each network."""

    theta: dict[str, FloatArray]
    maps: dict[int, FloatArray]
    accuracies: dict[tuple[int, float], tuple[float, float]]


@lru_cache(maxsize=4)
def trained_networks(hidden: tuple[int, ...], seed: int) -> Store:
    """Return an empty store, filled by `enumerate_all`."""
    return Store({}, {}, {})


def train(hidden: tuple[int, ...], data: Moons, seed: int) -> Iterator[Step]:
    """Train three networks from the same weights, one with each keep_prob of `TRAINED`."""
    sizes, rng = (2, *hidden, 1), np.random.default_rng(seed)
    shares = np.array(list(TRAINED.values()))[:, np.newaxis, np.newaxis]
    network = Network(sizes, "tanh", "sigmoid_cross_entropy", keep_prob=shares)
    theta = np.tile(network.initialize(rng), (len(TRAINED), 1))
    run = descend(network, theta, with_draws(repeat(data.batch), sizes, rng), Adam(), 0.03)
    return pieces(run, STEPS, 50)


def enumerate_all(
    x1: float, x2: float, keep_prob: float, trained: str, hidden: str, seed: int
) -> Iterator[tuple[float, Subnetworks]]:
    """Train three networks once, then ask one of them and its 256 subnetworks about a point."""
    layers, index = HIDDEN[hidden], list(TRAINED).index(trained)
    store, data = trained_networks(layers, seed), two_moons(100, 0.3, seed)
    if "done" not in store.theta:
        for step in train(layers, data, seed):
            if step.step < STEPS:
                early = Store({"done": step.theta}, {}, {})
                yield step.step / STEPS, _at_point((x1, x2), early, index, layers, keep_prob, data)
        store.theta["done"] = step.theta
    yield 1.0, _at_point((x1, x2), store, index, layers, keep_prob, data)


def _at_point(
    point: tuple[float, float],
    store: Store,
    index: int,
    hidden: tuple[int, ...],
    keep_prob: float,
    data: Moons,
) -> Subnetworks:
    theta, X = store.theta["done"][index], np.array([point])
    values = Network((2, *hidden, 1), "tanh", keep_prob=keep_prob)  # without a sigmoid: it predicts logits
    if index not in store.maps:
        network = Network(values.sizes, "tanh", "sigmoid_cross_entropy")
        store.maps[index] = probability_map(network, theta)
    if (index, keep_prob) not in store.accuracies:
        store.accuracies[index, keep_prob] = dev_accuracies(values, theta, data, keep_prob)
    weights = mask_weights(MASKS, keep_prob)
    logits = values.predict(theta, X, draws=draws_for_masks(MASKS, values.sizes, 1))[:, 0, 0]
    probabilities = sigmoid(logits)
    return Subnetworks(
        keep_prob,
        point,
        store.maps[index],
        (data.X, data.y),
        (data.X_dev[:100], data.y_dev[:100]),
        ("$x_1$    (ring: your point; grey ring: before)", "$x_2$"),
        probabilities,
        weights,
        float(sigmoid(values.predict(theta, X))[0, 0]),
        float(weights @ probabilities),
        float(normalized_geometric_mean(logits, weights)),
        *store.accuracies[index, keep_prob],
    )


def dev_accuracies(values: Network, theta: FloatArray, data: Moons, keep_prob: float) -> tuple[float, float]:
    """Return the share of dev points that the full network gets right, and the mean of its subnetworks."""
    logits = values.predict(theta, data.X_dev, draws=draws_for_masks(MASKS, values.sizes, N_DEV))[..., 0]
    full = (values.predict(theta, data.X_dev)[:, 0] > 0) == data.y_dev
    single = ((logits > 0) == data.y_dev).mean(axis=1)
    return float(full.mean()), float(mask_weights(MASKS, keep_prob) @ single)


def subnetworks_finding(result: Subnetworks) -> str:
    """Return the answer of the full network and the mean of its subnetworks."""
    return f"Full network {result.full:.2f}, mean of its 256 subnetworks {result.arithmetic:.2f}"


def subnetworks_caption(result: Subnetworks) -> str:
    """Say how far the subnetworks scatter, and how close both means come to the full network."""
    order = np.argsort(result.probabilities)
    sums = np.cumsum(result.weights[order])
    low, high = (result.probabilities[order][int(np.searchsorted(sums, q - 1e-9))] for q in (0.05, 0.95))
    gap = abs(result.geometric - result.full)
    geometric = (
        "differs from the full network's answer by less than 1e-12"
        if gap < 1e-12
        else f"is off the full network's answer by {gap:.3f}: with two hidden layers it is an approximation"
    )
    return (
        f"The answers are probabilities of the orange class at the point "
        f"({result.point[0]:.1f}, {result.point[1]:.1f}). With keep_prob {result.keep_prob:.2f}, 90% of the "
        f"subnetworks answer between {low:.2f} and {high:.2f}. Their arithmetic mean is off the full "
        f"network's answer by {abs(result.arithmetic - result.full):.3f}; their normalized geometric mean, "
        f"{result.geometric:.2f}, {geometric}. On {N_DEV} dev points the full network is right on "
        f"{result.full_accuracy:.0%}, a random subnetwork on {result.sub_accuracy:.0%}."
    )


def subnetworks_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the plane with the point, the histogram, and the three answers below it."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1, 1.25], height_ratios=[2.3, 1])
    plane = figure.add_subplot(grid[:, 0])
    histogram = figure.add_subplot(grid[0, 1])
    means = figure.add_subplot(grid[1, 1])
    return [DecisionView(plane), PointView(plane), HistogramView(histogram), MeansView(means)]


def subnetworks_code(x1: float, x2: float, keep_prob: float, trained: str, hidden: str, seed: int) -> str:
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
        finding=subnetworks_finding,
        caption=subnetworks_caption,
        code=subnetworks_code,
        presets={
            "deep in one class": {"x1": -1.5, "x2": 1.5},
            "drop little": {"keep_prob": 0.9},
            "trained with dropout": {"trained": "with keep_prob 0.5"},
            "two hidden layers": {"hidden": "two layers of 4"},
        },
    )

"""The labs of notebook 03, and the two classical mistakes with inverted dropout."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dlhelpers.datasets import moons
from dlhelpers.dropout import (
    draw_uniform,
    keep_mask,
    participation_ratio,
    with_draws,
)
from dlhelpers.live.controls import choice, log_slider, slider, steps_slider, switch
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.parameters import Layout
from dlhelpers.plots.dropout import (
    CostView,
    DevLossPlaneView,
    DiagramView,
    HeatMapsView,
    NextLayerView,
    RuleLossView,
    SubnetworkMapsView,
    WeightsView,
)
from dlhelpers.plots.playground import DecisionView
from dlhelpers.plots.style import View
from dlhelpers.training import Descent, Step, descend
from dlhelpers.typing import FloatArray, IntArray

# The mistakes ---------------------------------------------------------------------------------------


def mask_without_division(draw: FloatArray, keep_prob: float) -> FloatArray:
    """Return the mask of somebody who forgot to divide: activations shrink to keep_prob on average.

    Arguments as in `dropout.keep_mask`.
    """
    return np.asarray(draw < keep_prob, dtype=draw.dtype)


def mask_with_drop_and_keep_swapped(draw: FloatArray, keep_prob: float) -> FloatArray:
    """Return the mask of somebody who takes keep_prob for the share that is dropped.

    Arguments as in `dropout.keep_mask`.  The mean of the activations is (1 - keep_prob) / keep_prob times
    what it should be.
    """
    return np.asarray((draw >= keep_prob) / keep_prob, dtype=draw.dtype)


@dataclass(frozen=True)
class Rescaled:
    r"""A network whose masks are `factor` times those of inverted dropout, as an objective to train.

    .. math:: W (c \, A \odot D / p) + b = (c \, W) (A \odot D / p) + b \tag{1}

    So the weights behind each hidden layer are multiplied, and the chain rule multiplies their gradient.

    Parameters
    ----------
    network : Network
    factor : float or (K, 1, 1) float array
        c.
    """

    network: Network
    factor: float | FloatArray

    @property
    def layout(self) -> Layout:
        """Where W1, b1, ... lie inside theta."""
        return self.network.layout

    def effective(self, theta: FloatArray) -> FloatArray:
        """Return the parameters with which `network` computes the same."""
        return theta * self._scale(theta)  # (1)

    def loss(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the cost J, as `Network.loss` does."""
        return self.network.loss(self.effective(theta), batch)

    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the gradient of J with respect to `theta`."""
        return self.network.gradient(self.effective(theta), batch) * self._scale(theta)

    def _scale(self, theta: FloatArray) -> FloatArray:
        scale = np.ones_like(theta)
        for name, view in self.layout.views(scale).items():
            if name.startswith("W") and name != "W1":
                view[...] = self.factor
        return scale


# What the labs share --------------------------------------------------------------------------------

GRID = np.linspace(-3, 3, 60)
PLANE = np.stack(np.meshgrid(GRID, GRID), axis=-1).reshape(-1, 2)
N_DEV = 400
AXES = ("$x_1$", "$x_2$")
LIMIT = 3.0


class Moons(NamedTuple):
    """Two moons: points to learn from, and dev points."""

    X: FloatArray
    y: IntArray
    X_dev: FloatArray
    y_dev: IntArray

    @property
    def batch(self) -> Batch:
        """The whole training set."""
        return Batch(self.X, self.y[:, np.newaxis].astype(float))

    @property
    def dev(self) -> Batch:
        """The whole dev set."""
        return Batch(self.X_dev, self.y_dev[:, np.newaxis].astype(float))


@lru_cache(maxsize=4)
def two_moons(m: int, noise: float, seed: int) -> Moons:
    """Draw `m` training points and 400 dev points."""
    rng = np.random.default_rng(seed)
    return Moons(*moons(m, noise=noise, rng=rng), *moons(N_DEV, noise=noise, rng=rng))


def pieces(run: Descent, steps: int, piece: int) -> Iterator[Step]:
    """Yield every step of a run whose number is a multiple of `piece`, up to `steps`."""
    return islice(run, 0, steps + 1, piece)


def probability_map(network: Network, theta: FloatArray) -> FloatArray:
    """Return the probabilities of both classes on the grid, (60, 60, 2)."""
    p = network.predict(theta, PLANE).reshape(len(GRID), len(GRID), 1)
    return np.concatenate([1 - p, p], axis=-1)


def accuracies(network: Network, theta: FloatArray, data: Moons) -> FloatArray:
    """Return the share of dev points that each network gets right, (...)."""
    predicted = network.predict(theta, data.X_dev)[..., 0] > 0.5
    return np.asarray((predicted == data.y_dev).mean(axis=-1))


# Inverted dropout, step by step ---------------------------------------------------------------------

SHARES = tuple(round(0.1 * k, 1) for k in range(1, 11))
SHARE_OPTIONS = [(f"{share:.1f}", share) for share in SHARES]
"""For a slider that stops at these only: a network was trained for each."""
INVERTED, FORGOTTEN, SWAPPED, ORIGINAL = (
    "inverted dropout",
    "forgot to divide",
    "keep and drop mixed up",
    "original: × p at test time",
)
RULES = (INVERTED, FORGOTTEN, SWAPPED, ORIGINAL)
MASKS = {
    INVERTED: keep_mask,
    FORGOTTEN: mask_without_division,
    SWAPPED: mask_with_drop_and_keep_swapped,
    ORIGINAL: mask_without_division,
}
RULE_SIZES, RULE_STEPS, N_SHOWN, MOST_MASKS = (2, 10, 10, 1), 400, 12, 1024


class StepByStep(NamedTuple):
    """One layer under dropout, what the next layer gets, and what training with this rule leads to."""

    rule: str
    keep_prob: float
    testing: bool
    example: int
    n_masks: int
    A: FloatArray
    D: FloatArray
    kept: FloatArray
    out: FloatArray
    unit_masks: tuple[FloatArray, FloatArray]
    weights: tuple[FloatArray, FloatArray, FloatArray]
    Z_mean: FloatArray
    Z_test: FloatArray
    ratio: float
    dev_loss: dict[str, FloatArray]
    dev_accuracy: dict[str, FloatArray]


class Trained(NamedTuple):
    """What is kept of the networks that were trained by all rules."""

    theta: FloatArray
    """Of the network without dropout, (P,)."""
    dev_loss: dict[str, FloatArray]
    dev_accuracy: dict[str, FloatArray]


@lru_cache(maxsize=8)
def trained_rules(seed: int) -> dict[str, Trained]:
    """Return an empty store, filled by `show_steps`."""
    return {}


def rule_objective() -> Rescaled:
    """Return the objective of 30 networks: three rules, each for ten values of keep_prob."""
    p = np.array(SHARES)
    kept = np.concatenate([p, p, np.maximum(1 - p, 0.1)])  # with factor 0 it does not matter what is kept
    factor = np.concatenate([np.ones(10), p, (1 - p) / p])
    shares = kept[:, np.newaxis, np.newaxis]
    network = Network(RULE_SIZES, "relu", "sigmoid_cross_entropy", keep_prob=shares)
    return Rescaled(network, factor[:, np.newaxis, np.newaxis])


def measure_rules(thetas: FloatArray, data: Moons) -> Trained:
    """Return dev loss and dev accuracy over keep_prob, for each rule; no masks at test time."""
    plain = Network(RULE_SIZES, "relu", "sigmoid_cross_entropy")
    everything = np.concatenate([thetas, rule_objective().effective(thetas)[10:20]])  # the original rule
    loss, accuracy = plain.loss(everything, data.dev), accuracies(plain, everything, data)
    parts = {rule: slice(10 * k, 10 * k + 10) for k, rule in enumerate(RULES)}
    by_rule = ({rule: each[part] for rule, part in parts.items()} for each in (loss, accuracy))
    return Trained(thetas[9].copy(), *by_rule)


def train_rules(data: Moons, seed: int) -> Iterator[tuple[float, Trained]]:
    """Train 30 networks; yield what is known so far."""
    objective, rng = rule_objective(), np.random.default_rng(seed)
    theta = np.tile(objective.network.initialize(rng), (30, 1))
    batches = with_draws(repeat(data.batch), RULE_SIZES, rng)
    for step in pieces(descend(objective, theta, batches, Adam(), 0.01), RULE_STEPS, 20):
        yield step.step / RULE_STEPS, measure_rules(step.theta, data)


def show_steps(
    keep_prob: float, rule: str, time: str, shared: bool, example: int, n_masks: float, seed: int
) -> Iterator[tuple[float, StepByStep]]:
    """Train networks by all rules once, then take one layer apart."""
    store, data = trained_rules(seed), two_moons(100, 0.3, seed)
    chosen = (keep_prob, rule, time == "test time", shared, example, round(n_masks), seed)
    if "done" not in store:
        for share, found in train_rules(data, seed):
            if share < 1:
                yield share, _take_apart(found, data.X_dev[:N_SHOWN], *chosen)
        store["done"] = found
    yield 1.0, _take_apart(store["done"], data.X_dev[:N_SHOWN], *chosen)


@lru_cache(maxsize=2)
def mask_numbers(seed: int) -> tuple[FloatArray, FloatArray]:
    """Return random numbers for 1,024 masks of layer 1, and for one of layer 2."""
    rng = np.random.default_rng(seed)
    return rng.random((MOST_MASKS, 10, N_SHOWN)), rng.random((10, N_SHOWN))


def _take_apart(
    trained: Trained,
    X: FloatArray,
    keep_prob: float,
    rule: str,
    testing: bool,
    shared: bool,
    example: int,
    n_masks: int,
    seed: int,
) -> StepByStep:
    network = Network(RULE_SIZES, "relu", "sigmoid_cross_entropy")
    W = network.layout.views(trained.theta)  # without dropout: the activations stay while masks change
    A = network.hidden_units(trained.theta, X)[0].T
    U, U2 = (draw[..., :1] if shared else draw for draw in mask_numbers(seed))
    masks = np.broadcast_to(MASKS[rule](U[:n_masks], keep_prob), (n_masks, *A.shape))
    at_test = keep_prob if rule == ORIGINAL else 1.0
    Z_mean = (W["W2"] @ (A * masks)).mean(axis=0) + W["b2"]
    factor = np.full(A.shape, at_test) if testing else masks[0]
    D = np.ones(A.shape) if testing else (masks[0] > 0).astype(float)
    second = np.broadcast_to(MASKS[rule](U2, keep_prob) > 0, A.shape) | testing
    return StepByStep(
        rule,
        keep_prob,
        testing,
        example,
        n_masks,
        A,
        D,
        A * D,
        A * factor,
        (D, second.astype(float)),
        (W["W1"], W["W2"], W["W3"]),
        Z_mean,
        W["W2"] @ (A * at_test) + W["b2"],
        float((A * masks).mean() / (A * at_test).mean()),
        trained.dev_loss,
        trained.dev_accuracy,
    )


def _at_share(curve: FloatArray, keep_prob: float) -> float:
    return float(curve[SHARES.index(keep_prob)])


def inverted_finding(result: StepByStep) -> str:
    """Return the mean of the activations in training, relative to that at test time."""
    if result.testing:
        return "Test time: no mask, A goes on unchanged"
    many = f"{result.n_masks:,} masks give" if result.n_masks > 1 else "one mask gives"
    return f"{result.rule[0].upper()}{result.rule[1:]}: {many} {result.ratio:.2f} times the test-time mean"


def inverted_caption(result: StepByStep) -> str:
    """Say which units are off, and what training by this rule costs."""
    rule, p = result.rule, result.keep_prob
    off = np.flatnonzero(result.D[:, result.example - 1] == 0) + 1
    units = "no unit" if not len(off) else f"unit{'s' if len(off) > 1 else ''} {', '.join(map(str, off))}"
    when = "At test time there is no mask" if result.testing else "This mask"
    text = (
        f"{when}{':' if result.testing else ' switches off'} {units} of layer 1 "
        f"{'is off ' if result.testing else ''}for example {result.example}. "
    )
    outside = int((np.abs([result.Z_mean, result.Z_test]).max(axis=0) > Z_LIMIT).sum())
    if outside:
        text += f"{outside} of {result.Z_mean.size} dots lie outside of the frame; they stand at its edge. "
    text += (
        f"Networks trained with this rule and keep_prob {p:.1f}: dev loss "
        f"{_at_share(result.dev_loss[rule], p):.2f}, {_at_share(result.dev_accuracy[rule], p):.0%} of the "
        "dev points right"
    )
    if rule == INVERTED:
        return text + "."
    return text + (
        f"; with inverted dropout {_at_share(result.dev_loss[INVERTED], p):.2f} and "
        f"{_at_share(result.dev_accuracy[INVERTED], p):.0%}."
    )


Z_LIMIT = 8.0


def inverted_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: four heat maps; below them the network, the next layer, and the dev loss."""
    rows = figure.add_gridspec(2, 1, height_ratios=[1, 1.35])
    maps = rows[0].subgridspec(1, 4)
    below = rows[1].subgridspec(1, 3, width_ratios=[1.15, 1, 1])
    diagram, scatter, losses = (figure.add_subplot(below[0, k]) for k in range(3))
    return [
        HeatMapsView([figure.add_subplot(maps[0, k]) for k in range(4)], 10, N_SHOWN),
        DiagramView(diagram, RULE_SIZES),
        NextLayerView(scatter, Z_LIMIT),
        RuleLossView(losses, SHARES, INVERTED),
    ]


def inverted_code(
    keep_prob: float, rule: str, time: str, shared: bool, example: int, n_masks: float, seed: int
) -> str:
    """Return the program behind the picture."""
    mask = MASKS[rule].__name__
    source = "dlhelpers.dropout" if rule == INVERTED else "dlhelpers.labs.dropout.dropout"
    return f"""
from itertools import islice, repeat

import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.dropout import with_draws
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend
from dlhelpers.labs.dropout.dropout import rule_objective
from {source} import {mask}

rng = np.random.default_rng({seed})
X, y = moons(100, noise=0.3, rng=rng)
X_dev, y_dev = moons({N_DEV}, noise=0.3, rng=rng)
objective, rng = rule_objective(), np.random.default_rng({seed})  # 30 networks: 3 rules, 10 keep_probs
theta = np.tile(objective.network.initialize(rng), (30, 1))
batches = with_draws(repeat(Batch(X, y[:, None].astype(float))), {RULE_SIZES}, rng)
*_, last = islice(descend(objective, theta, batches, Adam(), 0.01), {RULE_STEPS} + 1)

network = Network({RULE_SIZES}, "relu", "sigmoid_cross_entropy")
A = network.hidden_units(last.theta[9], X_dev[:{N_SHOWN}])[0].T  # that with keep_prob 1
W = network.layout.views(last.theta[9])
U = np.random.default_rng({seed}).random(({MOST_MASKS}, 10, {N_SHOWN}))
U = U[:{round(n_masks)}{", :, :1" if shared else ""}]
A_trained = A * {mask}(U, {keep_prob})
A_tested = A * {keep_prob if rule == ORIGINAL else 1.0}
result = A_trained.mean() / A_tested.mean(), (W["W2"] @ A_trained).mean(axis=0) + W["b2"]
"""


def inverted_lab() -> Lab:
    """Return the lab *Inverted dropout, step by step*."""
    return Lab(
        "Inverted dropout, step by step",
        controls={
            "keep_prob": steps_slider("keep_prob p", SHARE_OPTIONS, 0.5),
            "rule": choice("Rule", RULES, INVERTED),
            "time": choice("Seen in", ["training", "test time"], "training"),
            "n_masks": log_slider("Masks to average over", 0, 10, 64, 1, base=2, fmt=",.0f"),
            "example": slider("Example in the network", 1, N_SHOWN, 6),
            "shared": switch("One mask for all examples", False),
        },
        compute=show_steps,
        views=inverted_views,
        finding=inverted_finding,
        caption=inverted_caption,
        code=inverted_code,
        presets={
            "a single mask": {"n_masks": 1},
            "forgot to divide": {"rule": FORGOTTEN, "n_masks": 1024},
            "keep and drop mixed up": {"rule": SWAPPED, "keep_prob": 0.8, "n_masks": 1024},
            "test time": {"time": "test time"},
        },
        size=(9.6, 6.4),
    )


# keep_prob per layer --------------------------------------------------------------------------------

OVERFIT_SIZES, OVERFIT_STEPS, EVERY, N_EXPECTED = (2, 16, 16, 1), 400, 5, 24
TILE = 30
TILE_PLANE = np.stack(np.meshgrid(*2 * [np.linspace(-3, 3, TILE)]), axis=-1).reshape(-1, 2)


class Column(NamedTuple):
    """Ten networks with the same keep_prob of layer 2: their parameters and J with masks, as they train."""

    thetas: FloatArray  # (n_records, 10, P)
    J: FloatArray  # (n_records, 10)
    n: int  # records so far
    dev_losses: FloatArray  # (10,), at record n
    costs: dict[int, tuple[FloatArray, FloatArray]]  # by `costs`, filled for the networks that are shown

    @property
    def done(self) -> bool:
        """Whether training has ended."""
        return self.n == len(self.J)


class PerLayer(NamedTuple):
    """One network at one keep_prob for each layer, and the dev loss of all."""

    keep_prob: tuple[float, float]
    steps: IntArray
    J: FloatArray
    J_mean: FloatArray
    dev_curve: FloatArray
    dev_losses: FloatArray  # (10, 10): rows are layer 2
    train_loss: float
    dev_loss: float
    dev_accuracy: float
    norms: FloatArray
    shares: FloatArray
    norms_without: FloatArray
    shares_without: FloatArray
    map: FloatArray
    first: int
    tiles: FloatArray
    six_accuracies: FloatArray
    train: tuple[FloatArray, IntArray]
    dev: tuple[FloatArray, IntArray]
    axis_names: tuple[str, str]
    limit: float = LIMIT


@lru_cache(maxsize=2)
def trained_columns(m: int, seed: int) -> dict[int, Column]:
    """Return an empty store for this setting: from the index of keep_prob 2 to ten networks."""
    return {}


def train_column(k: int, data: Moons, seed: int) -> Iterator[Column]:
    """Train ten networks, with keep_prob 0.1 to 1 in layer 1 and `SHARES[k]` in layer 2."""
    rng = np.random.default_rng(seed)
    first = np.array(SHARES)[:, np.newaxis, np.newaxis]
    network = Network(OVERFIT_SIZES, "relu", "sigmoid_cross_entropy", keep_prob=(first, SHARES[k]))
    theta = np.tile(network.initialize(rng), (len(SHARES), 1))
    run = descend(network, theta, with_draws(repeat(data.batch), OVERFIT_SIZES, rng), Adam(), 0.01)
    n_records = OVERFIT_STEPS // EVERY + 1
    thetas, J = np.empty((n_records, *theta.shape)), np.empty((n_records, len(SHARES)))
    for n, step in enumerate(pieces(run, OVERFIT_STEPS, EVERY)):
        thetas[n], J[n] = step.theta, step.loss
        if n % 12 == 11 or n == n_records - 1:
            yield Column(thetas, J, n + 1, network.loss(thetas[n], data.dev), {})


def per_layer(keep1: float, keep2: float, m: int, six: int, seed: int) -> Iterator[tuple[float, PerLayer]]:
    """Train the column of the chosen network, then that without dropout, then all others."""
    data, store = two_moons(m, 0.4, seed), trained_columns(m, seed)
    row, column = SHARES.index(keep2), SHARES.index(keep1)
    missing = [k for k in dict.fromkeys((row, 9, *range(10))) if k not in store]
    for done, k in enumerate(missing):
        for part in train_column(k, data, seed):
            known = {**store, k: part}
            if not part.done:
                share = (done + part.n / len(part.J)) / len(missing)
                yield share, _one_of_all(known, row, column, data, six, seed)
        store[k] = part
    yield 1.0, _one_of_all(store, row, column, data, six, seed)


def costs(
    thetas: FloatArray, keep_prob: tuple[float, float], data: Moons, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return, for each theta, the mean of J over the same 24 masks, and the dev loss without masks."""
    network = Network(OVERFIT_SIZES, "relu", "sigmoid_cross_entropy", keep_prob=keep_prob)
    rng = np.random.default_rng(seed + 1)
    masked = [
        network.loss(thetas, data.batch._replace(draws=draw_uniform(OVERFIT_SIZES, len(data.X), rng)))
        for _ in range(N_EXPECTED)
    ]
    return np.mean(masked, axis=0), network.loss(thetas, data.dev)


def weight_statistics(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return, for W1, W2 and W3, the squared norm, and the share of the weights that carry it."""
    weights = [
        view.ravel()
        for name, view in Network(OVERFIT_SIZES).layout.views(theta).items()
        if name.startswith("W")
    ]
    norms = np.array([np.sum(w**2) for w in weights])
    return norms, np.array([participation_ratio(w) / w.size for w in weights])


def _one_of_all(
    known: dict[int, Column], row: int, column: int, data: Moons, six: int, seed: int
) -> PerLayer:
    here, without = known[row], known.get(9, known[row])
    theta = here.thetas[here.n - 1, column].copy()
    shares = (SHARES[column], SHARES[row])
    network = Network(OVERFIT_SIZES, "relu", "sigmoid_cross_entropy", keep_prob=shares)
    if here.done and column not in here.costs:
        run = np.ascontiguousarray(here.thetas[:, column])
        here.costs[column] = costs(run, shares, data, seed)
    dev_losses = np.full((10, 10), np.nan)
    for k, each in known.items():
        if each.done:
            dev_losses[k] = each.dev_losses
    tiles, six_accuracies = subnetworks(network, theta, data, six, seed)
    return PerLayer(
        shares,
        EVERY * np.arange(here.n),
        here.J[: here.n, column],
        *here.costs.get(column, (np.empty(0), np.empty(0))),
        dev_losses,
        float(network.loss(theta, data.batch)),
        float(network.loss(theta, data.dev)),
        float(accuracies(network, theta, data)),
        *weight_statistics(theta),
        *weight_statistics(without.thetas[without.n - 1, 9].copy()),
        probability_map(network, theta),
        6 * six - 5,
        tiles,
        six_accuracies,
        (data.X, data.y),
        (data.X_dev[:100], data.y_dev[:100]),
        AXES,
    )


def subnetworks(
    network: Network, theta: FloatArray, data: Moons, six: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return the maps of six subnetworks, (6, 30, 30), and the share of dev points each gets right, (6,)."""
    U = np.random.default_rng(seed).random((6 * 8, 32, 1))[6 * (six - 1) : 6 * six]
    X = np.concatenate([TILE_PLANE, data.X_dev])
    draws = tuple(np.repeat(part, len(X), axis=2) for part in np.split(U, 2, axis=1))
    p = network.predict(theta, X, draws=draws)[..., 0]
    right = (p[:, TILE**2 :] > 0.5) == data.y_dev
    return p[:, : TILE**2].reshape(6, TILE, TILE), right.mean(axis=1)


def _shown(p: tuple[float, float]) -> str:
    return f"{p[0]:.1f} and {p[1]:.1f}"


def per_layer_finding(result: PerLayer) -> str:
    """Return the two losses."""
    return (
        f"keep_prob {_shown(result.keep_prob)}: train loss {result.train_loss:.2f}, dev loss "
        f"{result.dev_loss:.2f}"
    )


def per_layer_caption(result: PerLayer) -> str:
    """Say how noisy J is, what became of the weights, and where the dev loss is lowest."""
    worst, best = result.six_accuracies.min(), result.six_accuracies.max()
    text = (
        f"Without masks, {result.dev_accuracy:.0%} of the dev points are right; with subnetworks "
        f"{result.first} to {result.first + 5} it is {_from_to(worst, best)}. "
    )
    if len(result.J_mean):
        rises, mean_rises = (int((np.diff(curve) > 0).sum()) for curve in (result.J, result.J_mean))
        text += (
            f"From one of the {len(result.J)} recorded steps to the next, J with fresh masks rises {rises} "
            f"times; its mean over the same {N_EXPECTED} masks rises {mean_rises} times. "
        )
    if len(result.dev_curve) and result.dev_curve.max() > CostView.TOP:
        first = int(result.steps[np.argmax(result.dev_curve > CostView.TOP)])
        text += f"The dev loss leaves the frame at step {first}. "
    percent = [f"{100 * new / old:.0f}%" for old, new in zip(result.norms_without, result.norms, strict=True)]
    text += f"The squared norms of W1, W2 and W3 are {', '.join(percent)} of those without dropout. "
    if np.isfinite(result.dev_losses).all():
        row, column = np.unravel_index(int(result.dev_losses.argmin()), (10, 10))
        text += (
            f"Of all 100 networks, the dev loss is lowest, {result.dev_losses.min():.2f}, at keep_prob "
            f"{SHARES[column]:.1f} and {SHARES[row]:.1f} (the best of 100 on the dev set: a little too good)."
        )
    return text


def _from_to(low: float, high: float) -> str:
    """Return a range of shares, or one share if both read the same."""
    ends = [f"{low:.0%}", f"{high:.0%}"]
    return " to ".join(dict.fromkeys(ends))


def per_layer_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: maps of the network and of subnetworks, all dev losses; below, J and the weights."""
    rows = figure.add_gridspec(2, 1, height_ratios=[1.15, 1])
    above = rows[0].subgridspec(1, 3, width_ratios=[1, 1.3, 1])
    below = rows[1].subgridspec(1, 2, width_ratios=[1.9, 1])
    plane, maps, losses = (figure.add_subplot(above[0, k]) for k in range(3))
    weights = below[0, 1].subgridspec(2, 1)
    return [
        DecisionView(plane),
        SubnetworkMapsView(maps, TILE),
        DevLossPlaneView(losses, SHARES),
        CostView(figure.add_subplot(below[0, 0]), OVERFIT_STEPS),
        WeightsView(figure.add_subplot(weights[0]), figure.add_subplot(weights[1])),
    ]


def per_layer_code(keep1: float, keep2: float, m: int, six: int, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import islice, repeat

import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.dropout import with_draws
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend

rng = np.random.default_rng({seed})
X, y = moons({m}, noise=0.4, rng=rng)
X_dev, y_dev = moons({N_DEV}, noise=0.4, rng=rng)
train, dev = Batch(X, y[:, None].astype(float)), Batch(X_dev, y_dev[:, None].astype(float))
sizes, rng = {OVERFIT_SIZES}, np.random.default_rng({seed})
first = np.array({SHARES})[:, None, None]  # keep_prob of layer 1, for ten networks at once
network = Network(sizes, "relu", "sigmoid_cross_entropy", keep_prob=(first, {keep2}))
theta = np.tile(network.initialize(rng), (10, 1))
run = descend(network, theta, with_draws(repeat(train), sizes, rng), Adam(), 0.01)
*_, last = islice(run, {OVERFIT_STEPS} + 1)
theta = last.theta[{SHARES.index(keep1)}].copy()
result = network.loss(theta, train), network.loss(theta, dev)  # no draws: without masks
"""


def keep_prob_lab() -> Lab:
    """Return the lab *keep_prob for each layer*."""
    return Lab(
        "keep_prob for each layer",
        controls={
            "keep1": steps_slider("keep_prob, layer 1", SHARE_OPTIONS, 0.7),
            "keep2": steps_slider("keep_prob, layer 2", SHARE_OPTIONS, 0.7),
            "m": slider("Training points m", 30, 90, 60, 10),
            "six": slider("Which six subnetworks", 1, 8, 1),
        },
        compute=per_layer,
        views=per_layer_views,
        finding=per_layer_finding,
        caption=per_layer_caption,
        code=per_layer_code,
        presets={
            "no dropout": {"keep1": 1.0, "keep2": 1.0},
            "too much": {"keep1": 0.1, "keep2": 0.1},
            "only layer 1": {"keep1": 0.5, "keep2": 1.0},
            "only layer 2": {"keep1": 1.0, "keep2": 0.5},
        },
        size=(9.6, 6.4),
    )

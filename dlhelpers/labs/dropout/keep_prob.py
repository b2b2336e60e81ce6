"""The lab *keep_prob for each layer*: how noisy J becomes, what happens to the weights, and what pays."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from dlhelpers.dropout import draw_uniform, participation_ratio, with_draws
from dlhelpers.labs.dropout.common import (
    KEEP_PROB_OPTIONS,
    KEEP_PROBS,
    LIMIT,
    N_DEV,
    Moons,
    accuracies,
    pieces,
    plane,
    probability_map,
    two_moons,
)
from dlhelpers.live.controls import slider, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, last, remembered
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.playground import DecisionView, blend
from dlhelpers.plots.style import (
    DEV,
    GHOST,
    LIGHT_BLUE,
    LIGHT_GREY,
    TEST,
    TRAIN,
    View,
    key,
    moving,
)
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

OVERFIT_SIZES, OVERFIT_STEPS, EVERY, N_EXPECTED = (2, 16, 16, 1), 400, 5, 24
TILE = 30
"""Points of a subnetwork's map in each direction."""


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
    norms_without: FloatArray  # NaN until that network is trained
    shares_without: FloatArray
    map: FloatArray
    first: int
    tiles: FloatArray
    six_accuracies: FloatArray
    train: tuple[FloatArray, IntArray]
    dev: tuple[FloatArray, IntArray]
    axis_names: tuple[str, str]
    limit: float = LIMIT

    @property
    def finding(self) -> str:
        """The two losses."""
        text = f"keep_prob {_shown(self.keep_prob)}: train loss {self.train_loss:.2f}, dev loss "
        text += f"{self.dev_loss:.2f}"
        step = self.steps[-1]
        return text if step == OVERFIT_STEPS else f"{text} after {step} of {OVERFIT_STEPS} steps"

    @property
    def caption(self) -> str:
        """How noisy J is, what became of the weights, and where the dev loss is lowest."""
        worst, best = self.six_accuracies.min(), self.six_accuracies.max()
        text = (
            f"Without masks, {self.dev_accuracy:.0%} of the dev points are right; with subnetworks "
            f"{self.first} to {self.first + 5} it is {_from_to(worst, best)}. "
        )
        if len(self.J_mean):
            rises, mean_rises = (int((np.diff(curve) > 0).sum()) for curve in (self.J, self.J_mean))
            text += (
                f"From one of the {len(self.J)} recorded steps to the next, J with fresh masks rises {rises} "
                f"times; its mean over the same {N_EXPECTED} masks rises {mean_rises} times. "
            )
        if len(self.dev_curve) and self.dev_curve.max() > CostView.TOP:
            first = int(self.steps[np.argmax(self.dev_curve > CostView.TOP)])
            text += f"The dev loss leaves the frame at step {first}. "
        if np.isfinite(self.norms_without).all():
            percent = [f"{share:.0f}%" for share in 100 * self.norms / self.norms_without]
            text += f"The squared norms of W1, W2 and W3 are {', '.join(percent)} of those without dropout. "
        if np.isfinite(self.dev_losses).all():
            row, column = np.unravel_index(int(self.dev_losses.argmin()), (10, 10))
            text += (
                f"Of all 100 networks, the dev loss is lowest, {self.dev_losses.min():.2f}, at keep_prob "
                f"{KEEP_PROBS[column]:.1f} and {KEEP_PROBS[row]:.1f} (the best of 100 on the dev set: a "
                "little too good)."
            )
        return text


def _shown(p: tuple[float, float]) -> str:
    return f"{p[0]:.1f} and {p[1]:.1f}"


def _from_to(low: float, high: float) -> str:
    """Return a range of shares, or one share if both read the same."""
    ends = [f"{low:.0%}", f"{high:.0%}"]
    return " to ".join(dict.fromkeys(ends))


class Column(NamedTuple):
    """Ten networks with the same keep_prob of layer 2: their parameters and J with masks, as they train."""

    thetas: FloatArray  # (records so far, 10, P)
    J: FloatArray  # (records so far, 10)
    dev_losses: FloatArray | None  # (10,), at the end


@remembered(20)
def train_column(k: int, m: int, seed: int) -> Stages[Column]:
    """Train ten networks, with keep_prob 0.1 to 1 in layer 1 and `KEEP_PROBS[k]` in layer 2."""
    data, rng = two_moons(m, 0.4, seed), np.random.default_rng(seed)
    first = np.array(KEEP_PROBS)[:, np.newaxis, np.newaxis]
    network = Network(OVERFIT_SIZES, "relu", "sigmoid_cross_entropy", keep_prob=(first, KEEP_PROBS[k]))
    theta = np.tile(network.initialize(rng), (len(KEEP_PROBS), 1))
    run = descend(network, theta, with_draws(repeat(data.batch), OVERFIT_SIZES, rng), Adam(), 0.01)
    n_records = OVERFIT_STEPS // EVERY + 1
    thetas, J = np.empty((n_records, *theta.shape)), np.empty((n_records, len(KEEP_PROBS)))
    for n, step in enumerate(pieces(run, OVERFIT_STEPS, EVERY), start=1):
        thetas[n - 1], J[n - 1] = step.theta, step.loss
        if n == n_records:
            yield 1.0, Column(thetas, J, network.loss(step.theta, data.dev))
        elif n % 12 == 0:
            yield n / n_records, Column(thetas[:n], J[:n], None)


def per_layer(keep1: float, keep2: float, m: int, six: int, seed: int) -> Stages[PerLayer]:
    """Train the column of the chosen network, then that without dropout, then all others."""
    row, column = KEEP_PROBS.index(keep2), KEEP_PROBS.index(keep1)
    known = {k: kept for k in range(10) if (kept := train_column.recall(k, m, seed)) is not None}
    missing = [k for k in (9, *range(9)) if k not in known]
    for share, found in each_of(missing, row, lambda k: train_column(k, m, seed)):
        yield share, _one_of_all({**known, **found}, row, column, m, six, seed)


@lru_cache(maxsize=64)
def costs(row: int, column: int, m: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return, for each record of a run, the mean of J over 24 masks that stay, and the dev loss without."""
    data, keep_prob = two_moons(m, 0.4, seed), (KEEP_PROBS[column], KEEP_PROBS[row])
    thetas = np.ascontiguousarray(last(train_column(row, m, seed)).thetas[:, column])
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


def _one_of_all(known: dict[int, Column], row: int, column: int, m: int, six: int, seed: int) -> PerLayer:
    here, data = known[row], two_moons(m, 0.4, seed)
    theta = here.thetas[-1, column].copy()
    shares = (KEEP_PROBS[column], KEEP_PROBS[row])
    network = Network(OVERFIT_SIZES, "relu", "sigmoid_cross_entropy", keep_prob=shares)
    J_mean: FloatArray = np.empty(0)
    dev_curve: FloatArray = np.empty(0)
    if here.dev_losses is not None:
        J_mean, dev_curve = costs(row, column, m, seed)
    norms_without = shares_without = np.full(3, np.nan)
    if 9 in known:
        norms_without, shares_without = weight_statistics(known[9].thetas[-1, 9].copy())
    dev_losses = np.full((10, 10), np.nan)
    for k, each in known.items():
        if each.dev_losses is not None:
            dev_losses[k] = each.dev_losses
    tiles, six_accuracies = subnetworks(network, theta, data, six, seed)
    return PerLayer(
        shares,
        EVERY * np.arange(len(here.J)),
        here.J[:, column],
        J_mean,
        dev_curve,
        dev_losses,
        float(network.loss(theta, data.batch)),
        float(network.loss(theta, data.dev)),
        float(accuracies(network, theta, data)),
        *weight_statistics(theta),
        norms_without,
        shares_without,
        probability_map(network, theta),
        6 * six - 5,
        tiles,
        six_accuracies,
        (data.X, data.y),
        (data.X_dev[:100], data.y_dev[:100]),
        ("$x_1$", "$x_2$"),
    )


def subnetworks(
    network: Network, theta: FloatArray, data: Moons, six: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return the maps of six subnetworks, (6, 30, 30), and the share of dev points each gets right, (6,)."""
    U = np.random.default_rng(seed).random((6 * 8, 32, 1))[6 * (six - 1) : 6 * six]
    X = np.concatenate([plane(TILE), data.X_dev])
    draws = tuple(np.repeat(part, len(X), axis=2) for part in np.split(U, 2, axis=1))
    p = network.predict(theta, X, draws=draws)[..., 0]
    right = (p[:, TILE**2 :] > 0.5) == data.y_dev
    return p[:, : TILE**2].reshape(6, TILE, TILE), right.mean(axis=1)


def program(keep1: float, keep2: float, m: int, six: int, seed: int) -> str:
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
first = np.array({KEEP_PROBS})[:, None, None]  # keep_prob of layer 1, for ten networks at once
network = Network(sizes, "relu", "sigmoid_cross_entropy", keep_prob=(first, {keep2}))
theta = np.tile(network.initialize(rng), (10, 1))
run = descend(network, theta, with_draws(repeat(train), sizes, rng), Adam(), 0.01)
*_, last = islice(run, {OVERFIT_STEPS} + 1)
theta = last.theta[{KEEP_PROBS.index(keep1)}].copy()
result = network.loss(theta, train), network.loss(theta, dev)  # no draws: without masks
"""


class SubnetworkMapsView(View[PerLayer]):
    """Decision maps of six subnetworks, in two rows."""

    def __init__(self, ax: Axes, side: int) -> None:
        ax.set(xticks=[], yticks=[])
        ax.set_axis_off()
        self._side = side
        self._image = moving(ax.imshow(np.ones((2, 2, 3)), extent=(0, 3, 0, 2), aspect="equal"))
        ax.text(1.5, -0.06, "six subnetworks, one mask each", ha="center", va="top", color="#444444")

    def update(self, result: PerLayer, before: PerLayer | None) -> None:
        """Show `result.tiles`, (6, side, side) probabilities of class 1."""
        n = self._side + 2
        sheet = np.ones((2, n, 3, n, 3))
        for k, tile in enumerate(np.round(12 * result.tiles) / 12):  # few colors: the frame is sent with 256
            sheet[k // 3, 1:-1, k % 3, 1:-1] = blend(np.stack([1 - tile, tile], axis=-1))[::-1]
        self._image.set_data(sheet.reshape(2 * n, 3 * n, 3))


class DevLossPlaneView(View[PerLayer]):
    """The dev loss of all networks over keep_prob of layer 1 and of layer 2; yours and the best one."""

    def __init__(self, ax: Axes, shares: Sequence[float]) -> None:
        ax.grid(visible=False)
        ax.set(xlabel="keep_prob, layer 1", ylabel="keep_prob, layer 2", facecolor=LIGHT_GREY)
        ax.set(xticks=[0.2, 0.4, 0.6, 0.8, 1], yticks=[0.2, 0.4, 0.6, 0.8, 1])
        self._shares = np.array(shares)
        self._image = moving(
            ax.imshow(
                np.full((10, 10), np.nan),
                norm=LogNorm(0.2, 0.8),
                cmap=colormaps["Blues"].resampled(16),
                extent=(0.05, 1.05, 0.05, 1.05),
                origin="lower",
                aspect="equal",
            )
        )
        bar = ax.figure.colorbar(self._image, ax=ax, ticks=[0.2, 0.4, 0.8], extend="both", shrink=0.75)
        bar.ax.set_yticklabels(["0.2", "0.4", "0.8"])
        bar.ax.minorticks_off()
        bar.set_label("dev loss")
        bar.outline.set_visible(False)
        (self._before,) = ax.plot([], [], "s", mfc="none", mec=GHOST, ms=11, mew=2)
        (self._best,) = ax.plot([], [], "*", color="white", mec="#222222", ms=12, mew=0.8)
        (self._ground,) = ax.plot([], [], "s", mfc="none", mec="white", ms=14, mew=5)
        (self._here,) = ax.plot([], [], "s", mfc="none", mec="#222222", ms=14, mew=2.5)
        for artist in (self._before, self._best, self._ground, self._here):
            moving(artist)
        key(
            ax,
            ("□ yours", "#222222"),
            ("□ before", "#777777"),
            ("★ lowest", "#444444"),
        )

    def update(self, result: PerLayer, before: PerLayer | None) -> None:
        """Show `result.dev_losses`, (10, 10) with NaN where it is not known; mark `result.keep_prob`."""
        losses = result.dev_losses
        self._image.set_data(np.ma.masked_invalid(losses))
        for mark in (self._ground, self._here):
            mark.set_data([result.keep_prob[0]], [result.keep_prob[1]])
        self._before.set_data(*([], []) if before is None else ([before.keep_prob[0]], [before.keep_prob[1]]))
        if np.isfinite(losses).all():
            row, column = np.unravel_index(int(losses.argmin()), losses.shape)
            self._best.set_data([self._shares[column]], [self._shares[row]])
        else:
            self._best.set_data([], [])


class CostView(View[PerLayer]):
    """The cost with fresh masks in each step, its mean over many masks, and the dev loss without masks."""

    TOP = 1.5

    def __init__(self, ax: Axes, steps: int) -> None:
        ax.set(xlim=(0, steps), ylim=(0, self.TOP), xlabel="step", ylabel="cost")
        self._before = [moving(ax.plot([], [], style, color=GHOST, lw=1.2)[0]) for style in ("-", "--")]
        (self._noisy,) = ax.plot([], [], color=LIGHT_BLUE, lw=1.3)
        (self._mean,) = ax.plot([], [], color=TRAIN, lw=2.2)
        (self._dev,) = ax.plot([], [], "--", color=DEV, lw=2)
        for artist in (self._noisy, self._mean, self._dev):
            moving(artist)
        key(
            ax,
            ("— J, fresh masks", "#4a90c4"),
            ("━ J, mean over masks", TRAIN),
            ("-- dev, no masks", DEV),
            ("— before", "#777777"),
        )

    def update(self, result: PerLayer, before: PerLayer | None) -> None:
        """Show `result.J`, `result.J_mean` and `result.dev_curve` over `result.steps`."""
        old = before if before is not None and len(before.J_mean) else None
        for line, shown, name in (
            (self._noisy, result, "J"),
            (self._mean, result, "J_mean"),
            (self._dev, result, "dev_curve"),
            (self._before[0], old, "J_mean"),
            (self._before[1], old, "dev_curve"),
        ):
            curve = [] if shown is None else np.minimum(getattr(shown, name), self.TOP)
            line.set_data([] if shown is None else shown.steps[: len(curve)], curve)


class WeightsView(View[PerLayer]):
    """For each layer, the squared norm of its weights beside that without dropout, and how it is spread."""

    def __init__(self, norms: Axes, shares: Axes) -> None:
        norms.set(
            ylim=(0, 130), xlim=(0.5, 3.5), ylabel="$||W||^2$, %", xticks=[1, 2, 3], yticks=[0, 50, 100]
        )
        norms.tick_params(labelbottom=False)
        shares.set(ylim=(0, 100), xlim=(0.5, 3.5), ylabel="spread, %")
        shares.set_xticks([1, 2, 3], ["W1", "W2", "W3"])
        self._rows = []
        for ax, name in ((norms, "norms"), (shares, "shares")):
            ax.grid(axis="x", visible=False)
            (without,) = ax.plot([], [], "_", color=TEST, ms=30, mew=2)
            (old,) = ax.plot([], [], "o", color=GHOST, ms=6)
            (new,) = ax.plot([], [], "o", color=TRAIN, ms=9, mec="white")
            self._rows.append((name, ax.get_ylim(), [moving(line) for line in (without, old, new)]))
        key(norms, ("● here", TRAIN), ("━ no dropout", TEST), ("● before", "#777777"))

    def update(self, result: PerLayer, before: PerLayer | None) -> None:
        """Show `result.norms` and `result.shares`, and the same `_without` dropout, each (3,)."""
        for name, (low, high), lines in self._rows:
            for line, shown, field, shift in zip(
                lines, (result, before, result), (f"{name}_without", name, name), (0, -0.18, 0), strict=True
            ):
                values = np.zeros(0)
                if shown is not None:
                    whole = shown.norms_without if name == "norms" else 1.0
                    values = np.clip(100 * getattr(shown, field) / whole, low, high)
                line.set_data(np.arange(1, len(values) + 1) + shift, values)


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
        DevLossPlaneView(losses, KEEP_PROBS),
        CostView(figure.add_subplot(below[0, 0]), OVERFIT_STEPS),
        WeightsView(figure.add_subplot(weights[0]), figure.add_subplot(weights[1])),
    ]


def keep_prob_lab() -> Lab:
    """Return the lab *keep_prob for each layer*."""
    return Lab(
        "keep_prob for each layer",
        controls={
            "keep1": steps_slider("keep_prob, layer 1", KEEP_PROB_OPTIONS, 0.7),
            "keep2": steps_slider("keep_prob, layer 2", KEEP_PROB_OPTIONS, 0.7),
            "m": slider("Training points m", 30, 90, 60, 10),
            "six": slider("Which six subnetworks", 1, 8, 1),
        },
        compute=per_layer,
        views=per_layer_views,
        grabs=[Grab(2, x="keep1", y="keep2")],
        code=program,
        presets={
            "no dropout": {"keep1": 1.0, "keep2": 1.0},
            "too much": {"keep1": 0.1, "keep2": 0.1},
            "only layer 1": {"keep1": 0.5, "keep2": 1.0},
            "only layer 2": {"keep1": 1.0, "keep2": 0.5},
        },
        size=(9.6, 4.85),
    )

"""The lab *keep_prob for each layer*: which pair of values has the lowest dev loss."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure

from dlhelpers.labs.dropout.columns import (
    EVERY,
    OVERFIT_SIZES,
    OVERFIT_STEPS,
    Column,
    column_program,
    named,
    train_column,
)
from dlhelpers.labs.dropout.common import (
    KEEP_PROB_OPTIONS,
    KEEP_PROBS,
    LIMIT,
    Moons,
    accuracies,
    plane,
    probability_map,
    two_moons,
)
from dlhelpers.live.controls import slider, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of
from dlhelpers.network import Network
from dlhelpers.plots.decision_regions import DecisionView, blend
from dlhelpers.plots.style import GHOST, LIGHT_GREY, View, key, moving
from dlhelpers.plots.tiles import one_tile
from dlhelpers.typing import FloatArray, IntArray

TILE = 30
"""Points of a subnetwork's map in each direction."""


class PerLayer(NamedTuple):
    """One network at one keep_prob for each layer, and the dev loss of all."""

    keep_prob: tuple[float, float]
    step: int
    dev_losses: FloatArray  # (10, 10): rows are layer 2; NaN where it is not known yet
    train_loss: float
    dev_loss: float
    dev_accuracy: float
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
        text = f"keep_prob {named(self.keep_prob)}: train loss {self.train_loss:.2f}, dev loss "
        text += f"{self.dev_loss:.2f}"
        return text if self.step == OVERFIT_STEPS else f"{text} after {self.step} of {OVERFIT_STEPS} steps"

    @property
    def caption(self) -> str:
        """How good the subnetworks are, and where the dev loss is lowest."""
        worst, best = self.six_accuracies.min(), self.six_accuracies.max()
        text = (
            f"Without masks, {self.dev_accuracy:.0%} of the dev points are right; with subnetworks "
            f"{self.first} to {self.first + 5} it is {_from_to(worst, best)}. "
        )
        known = int(np.isfinite(self.dev_losses).sum())
        if known < self.dev_losses.size:
            return text + f"Of 100 networks, {known} are trained. "
        row, column = np.unravel_index(int(self.dev_losses.argmin()), (10, 10))
        return text + (
            f"Of all 100 networks, the dev loss is lowest, {self.dev_losses.min():.2f}, at keep_prob "
            f"{KEEP_PROBS[column]:.1f} and {KEEP_PROBS[row]:.1f} (the best of 100 on the dev set: a "
            "little too good)."
        )


def _from_to(low: float, high: float) -> str:
    """Return a range of shares, or one share if both read the same."""
    ends = [f"{low:.0%}", f"{high:.0%}"]
    return " to ".join(dict.fromkeys(ends))


def per_layer(keep1: float, keep2: float, m: int, six: int, seed: int) -> Stages[PerLayer]:
    """Train the column of the chosen network, then all others."""
    row, column = KEEP_PROBS.index(keep2), KEEP_PROBS.index(keep1)
    recall = partial(train_column.recall, m=m, seed=seed)
    for share, known in each_of(range(10), row, partial(train_column, m=m, seed=seed), recall):
        yield share, _one_of_all(known, row, column, m, six, seed)


def _one_of_all(known: dict[int, Column], row: int, column: int, m: int, six: int, seed: int) -> PerLayer:
    here, data = known[row], two_moons(m, 0.4, seed)
    theta = here.thetas[-1, column].copy()
    shares = (KEEP_PROBS[column], KEEP_PROBS[row])
    network = Network(OVERFIT_SIZES, "relu", "sigmoid_cross_entropy", keep_prob=shares)
    dev_losses = np.full((10, 10), np.nan)
    for k, each in known.items():
        if each.dev_losses is not None:
            dev_losses[k] = each.dev_losses
    tiles, six_accuracies = subnetworks(network, theta, data, six, seed)
    return PerLayer(
        shares,
        EVERY * (len(here.J) - 1),
        dev_losses,
        float(network.loss(theta, data.batch)),
        float(network.loss(theta, data.dev)),
        float(accuracies(network, theta, data)),
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
    return f"""{column_program(keep1, keep2, m, seed)}
result = network.loss(theta, train), network.loss(theta, dev)  # no draws: without masks
"""


class DevLossPlaneView(View[PerLayer]):
    """The dev loss of all networks over keep_prob of layer 1 and of layer 2; yours and the best one."""

    def __init__(self, ax: Axes, shares: Sequence[float]) -> None:
        ax.grid(visible=False)
        ax.set(xlabel="keep_prob, layer 1", ylabel="keep_prob, layer 2", facecolor=LIGHT_GREY)
        ax.set(xlim=(0.05, 1.05), ylim=(0.05, 1.05), aspect="equal")
        ax.set(xticks=[0.2, 0.4, 0.6, 0.8, 1], yticks=[0.2, 0.4, 0.6, 0.8, 1])
        self._shares = np.array(shares)
        self._colors = ScalarMappable(LogNorm(0.2, 0.8), colormaps["Blues"].resampled(16))
        self._fields = one_tile(ax, smooth=False, corner=(0.05, 0.05), width=1)
        bar = ax.figure.colorbar(self._colors, ax=ax, ticks=[0.2, 0.4, 0.8], extend="both", shrink=0.75)
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
        known = np.isfinite(losses)[..., np.newaxis]
        colors = self._colors.to_rgba(np.ma.masked_invalid(losses))[..., :3]
        self._fields.set_pictures(np.where(known, colors, to_rgb(LIGHT_GREY))[np.newaxis])
        for mark in (self._ground, self._here):
            mark.set_data([result.keep_prob[0]], [result.keep_prob[1]])
        self._before.set_data(*([], []) if before is None else ([before.keep_prob[0]], [before.keep_prob[1]]))
        if np.isfinite(losses).all():
            row, column = np.unravel_index(int(losses.argmin()), losses.shape)
            self._best.set_data([self._shares[column]], [self._shares[row]])
        else:
            self._best.set_data([], [])


class SubnetworkMapsView(View[PerLayer]):
    """Decision maps of six subnetworks, in two rows."""

    def __init__(self, ax: Axes, side: int) -> None:
        ax.set(xticks=[], yticks=[])
        ax.set_axis_off()
        self._side = side
        ax.set(xlim=(0, 3), ylim=(0, 2), aspect="equal")
        self._maps = one_tile(ax, smooth=True, corner=(0, 2), width=3, height=-2)
        ax.text(1.5, -0.06, "six subnetworks, one mask each", ha="center", va="top", color="#444444")

    def update(self, result: PerLayer, before: PerLayer | None) -> None:
        """Show `result.tiles`, (6, side, side) probabilities of class 1."""
        n = self._side + 2
        sheet = np.ones((2, n, 3, n, 3))
        for k, tile in enumerate(np.round(12 * result.tiles) / 12):  # few colors: the frame is sent with 256
            sheet[k // 3, 1:-1, k % 3, 1:-1] = blend(np.stack([1 - tile, tile], axis=-1))[::-1]
        self._maps.set_pictures(sheet.reshape(1, 2 * n, 3 * n, 3))


def per_layer_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: all dev losses; at the right the map of the network and those of six subnetworks."""
    halves = figure.add_gridspec(1, 2, width_ratios=[1.15, 1])
    right = halves[0, 1].subgridspec(2, 1, height_ratios=[1.2, 1])
    losses, plane, maps = (figure.add_subplot(cell) for cell in (halves[0, 0], right[0], right[1]))
    for ax in (losses, plane, maps):
        ax.set_anchor("W")
    return [DevLossPlaneView(losses, KEEP_PROBS), DecisionView(plane), SubnetworkMapsView(maps, TILE)]


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
        grabs=[Grab(0, x="keep1", y="keep2")],
        code=program,
        presets={
            "no dropout": {"keep1": 1.0, "keep2": 1.0},
            "too much": {"keep1": 0.1, "keep2": 0.1},
            "only layer 1": {"keep1": 0.5, "keep2": 1.0},
            "only layer 2": {"keep1": 1.0, "keep2": 0.5},
        },
        size=(9.6, 4.3),
    )

"""The lab *How noisy is J?*: the cost with masks as it falls, and what becomes of the weights."""

from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.dropout import draw_uniform, participation_ratio
from dlhelpers.labs.dropout.columns import (
    EVERY,
    OVERFIT_SIZES,
    OVERFIT_STEPS,
    Column,
    column_program,
    named,
    train_column,
)
from dlhelpers.labs.dropout.common import KEEP_PROB_OPTIONS, KEEP_PROBS, two_moons
from dlhelpers.live.controls import slider, steps_slider
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, last
from dlhelpers.network import Network
from dlhelpers.plots.style import DEV, GHOST, LIGHT_BLUE, PLUM, TEST, TRAIN, View, key, moving
from dlhelpers.typing import FloatArray, IntArray

N_EXPECTED = 24
"""Masks that the mean of J is taken over."""
WITHOUT = KEEP_PROBS.index(1.0)


class NoisyCost(NamedTuple):
    """The cost of one network while it trains with dropout, and its weights at the end."""

    keep_prob: tuple[float, float]
    steps: IntArray
    J: FloatArray
    J_mean: FloatArray  # empty until the network is trained, as the dev curve
    dev_curve: FloatArray
    norms: FloatArray
    shares: FloatArray
    norms_without: FloatArray  # NaN until that network is trained
    shares_without: FloatArray

    @property
    def finding(self) -> str:
        """How often the two curves rise."""
        if not len(self.J_mean):
            return f"{self.steps[-1]} of {OVERFIT_STEPS} steps"
        rises, mean_rises = self.rises
        return (
            f"J with fresh masks goes up {rises} times out of {len(self.J) - 1}, its mean {mean_rises} times"
        )

    @property
    def rises(self) -> tuple[int, int]:
        """How often J, and its mean, is higher than at the recorded step before."""
        J, mean = (int((np.diff(curve) > 0).sum()) for curve in (self.J, self.J_mean))
        return J, mean

    @property
    def caption(self) -> str:
        """How noisy J is, and what became of the weights."""
        text = f"keep_prob {named(self.keep_prob)}. "
        if len(self.J_mean):
            rises, mean_rises = self.rises
            text += (
                f"From one recorded step to the next, {len(self.J) - 1} times, J with fresh masks goes up "
                f"{rises} times; its mean over the same {N_EXPECTED} masks goes up {mean_rises} times. "
            )
        if len(self.dev_curve) and self.dev_curve.max() > CostView.TOP:
            first = int(self.steps[np.argmax(self.dev_curve > CostView.TOP)])
            text += f"The dev loss leaves the frame at step {first}. "
        if np.isfinite(self.norms_without).all():
            percent = [f"{share:.0f}%" for share in 100 * self.norms / self.norms_without]
            text += f"The squared norms of W1, W2 and W3 are {', '.join(percent)} of those without dropout. "
        return text.rstrip()


def noisy_cost(keep1: float, keep2: float, m: int, seed: int) -> Stages[NoisyCost]:
    """Train the column of the chosen network, then that without dropout."""
    row, column = KEEP_PROBS.index(keep2), KEEP_PROBS.index(keep1)
    recall = partial(train_column.recall, m=m, seed=seed)
    for share, known in each_of((row, WITHOUT), row, partial(train_column, m=m, seed=seed), recall):
        yield share, _result(known, row, column, m, seed)


def _result(known: dict[int, Column], row: int, column: int, m: int, seed: int) -> NoisyCost:
    here = known[row]
    J_mean: FloatArray = np.empty(0)
    dev_curve: FloatArray = np.empty(0)
    if here.dev_losses is not None:
        J_mean, dev_curve = costs(row, column, m, seed)
    norms_without = shares_without = np.full(3, np.nan)
    without = known.get(WITHOUT)
    if without is not None and without.dev_losses is not None:
        norms_without, shares_without = weight_statistics(without.thetas[-1, WITHOUT].copy())
    return NoisyCost(
        (KEEP_PROBS[column], KEEP_PROBS[row]),
        EVERY * np.arange(len(here.J)),
        here.J[:, column],
        J_mean,
        dev_curve,
        *weight_statistics(here.thetas[-1, column].copy()),
        norms_without,
        shares_without,
    )


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


def program(keep1: float, keep2: float, m: int, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""{column_program(keep1, keep2, m, seed)}
weights = [view for name, view in network.layout.views(theta).items() if name[0] == "W"]
result = (*(np.sum(W**2) for W in weights), network.loss(theta, dev))  # the squared norms and the dev loss
"""


class CostView(View[NoisyCost]):
    """The cost with fresh masks in each step, its mean over many masks, and the dev loss without masks."""

    TOP = 1.0

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

    def update(self, result: NoisyCost, before: NoisyCost | None) -> None:
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


class WeightsView(View[NoisyCost]):
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
            (new,) = ax.plot([], [], "o", color=PLUM, ms=9, mec="white")
            self._rows.append((name, ax.get_ylim(), [moving(line) for line in (without, old, new)]))
        key(norms, ("● here", PLUM), ("━ no dropout", TEST), ("● before", "#777777"))

    def update(self, result: NoisyCost, before: NoisyCost | None) -> None:
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


def noisy_cost_views(figure: Figure) -> list[View[NoisyCost]]:
    """Lay out the lab: J over the steps; at the right the weights of each layer."""
    halves = figure.add_gridspec(1, 2, width_ratios=[2, 1])
    weights = halves[0, 1].subgridspec(2, 1)
    return [
        CostView(figure.add_subplot(halves[0, 0]), OVERFIT_STEPS),
        WeightsView(figure.add_subplot(weights[0]), figure.add_subplot(weights[1])),
    ]


def noisy_cost_lab() -> Lab:
    """Return the lab *How noisy is J?*."""
    return Lab(
        "How noisy is J?",
        controls={
            "keep1": steps_slider("keep_prob, layer 1", KEEP_PROB_OPTIONS, 0.7),
            "keep2": steps_slider("keep_prob, layer 2", KEEP_PROB_OPTIONS, 0.7),
            "m": slider("Training points m", 30, 90, 60, 10),
        },
        compute=noisy_cost,
        views=noisy_cost_views,
        code=program,
        presets={
            "no dropout": {"keep1": 1.0, "keep2": 1.0},
            "too much": {"keep1": 0.1, "keep2": 0.1},
            "only layer 1": {"keep1": 0.5, "keep2": 1.0},
            "only layer 2": {"keep1": 1.0, "keep2": 0.5},
        },
        size=(9.6, 3.9),
    )

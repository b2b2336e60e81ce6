"""The lab *Inverted dropout, step by step*: one layer taken apart, and what the next layer gets."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dlhelpers.labs.dropout.common import KEEP_PROB_OPTIONS, N_DEV, pieces, two_moons
from dlhelpers.labs.dropout.rules import (
    FORGOTTEN,
    INVERTED,
    MASK_RULES,
    ORIGINAL,
    RULE_SIZES,
    RULE_STEPS,
    RULES,
    SWAPPED,
)
from dlhelpers.live.controls import choice, log_slider, slider, steps_slider, switch
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_GREY, PLUM, TEAL, TRAIN, View, key, moving
from dlhelpers.plots.tiles import gray, one_tile
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

N_SHOWN, MOST_MASKS = 12, 1024
BLUES = colormaps["Blues"].resampled(16)
Z_LIMIT = 8.0
"""Half the width of the frame that shows Z of the next layer."""


class StepByStep(NamedTuple):
    """One layer under dropout, and what the next layer gets."""

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

    @property
    def finding(self) -> str:
        """The mean of the activations in training, relative to that at test time."""
        if self.testing:
            return "Test time: no mask, A goes on unchanged"
        many = f"{self.n_masks:,} masks" if self.n_masks > 1 else "one mask"
        rule = f"{self.rule[0].upper()}{self.rule[1:]}"
        return f"{rule}: with {many}, the mean is {self.ratio:.2f} times that at test time"

    @property
    def caption(self) -> str:
        """Which units are off, and what does not fit the frame."""
        off = np.flatnonzero(self.D[:, self.example - 1] == 0) + 1
        units = "no unit" if not len(off) else f"unit{'s' if len(off) > 1 else ''} {', '.join(map(str, off))}"
        when = "At test time there is no mask" if self.testing else "This mask"
        text = (
            f"{when}{':' if self.testing else ' switches off'} {units} of layer 1 "
            f"{'is off ' if self.testing else ''}for example {self.example}. "
        )
        outside = int((np.abs([self.Z_mean, self.Z_test]).max(axis=0) > Z_LIMIT).sum())
        if outside:
            text += f"{outside} of {self.Z_mean.size} dots lie outside of the frame; they stand at its edge. "
        return text.rstrip()


@lru_cache(maxsize=8)
def trained(seed: int) -> FloatArray:
    """Return theta of a network trained without dropout, (P,): activations stay while masks change."""
    data, rng = two_moons(100, 0.3, seed), np.random.default_rng(seed)
    network = Network(RULE_SIZES, "relu", "sigmoid_cross_entropy")
    run = descend(network, network.initialize(rng), repeat(data.batch), Adam(), 0.01)
    *_, end = pieces(run, RULE_STEPS, RULE_STEPS)
    return end.theta


@lru_cache(maxsize=2)
def mask_numbers(seed: int) -> tuple[FloatArray, FloatArray]:
    """Return random numbers for 1,024 masks of layer 1, and for one of layer 2."""
    rng = np.random.default_rng(seed)
    return rng.random((MOST_MASKS, 10, N_SHOWN)), rng.random((10, N_SHOWN))


def show_steps(
    keep_prob: float, rule: str, n_masks: float, time: str, example: int, shared: bool, seed: int
) -> StepByStep:
    """Take one layer of a trained network apart."""
    network = Network(RULE_SIZES, "relu", "sigmoid_cross_entropy")
    theta, testing, n_masks = trained(seed), time == "test time", round(n_masks)
    W = network.layout.views(theta)
    A = network.hidden_units(theta, two_moons(100, 0.3, seed).X_dev[:N_SHOWN])[0].T
    U, U2 = (draw[..., :1] if shared else draw for draw in mask_numbers(seed))
    masks = np.broadcast_to(MASK_RULES[rule](U[:n_masks], keep_prob), (n_masks, *A.shape))
    at_test = keep_prob if rule == ORIGINAL else 1.0
    Z_mean = (W["W2"] @ (A * masks)).mean(axis=0) + W["b2"]
    factor = np.full(A.shape, at_test) if testing else masks[0]
    D = np.ones(A.shape) if testing else (masks[0] > 0).astype(float)
    second = np.broadcast_to(MASK_RULES[rule](U2, keep_prob) > 0, A.shape) | testing
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
    )


def program(
    keep_prob: float, rule: str, n_masks: float, time: str, example: int, shared: bool, seed: int
) -> str:
    """Return the program behind the picture."""
    mask = MASK_RULES[rule].__name__
    source = "dlhelpers.dropout" if rule == INVERTED else "dlhelpers.labs.dropout.mistakes"
    return f"""
from itertools import islice, repeat

import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend
from {source} import {mask}

rng = np.random.default_rng({seed})
X, y = moons(100, noise=0.3, rng=rng)
X_dev, y_dev = moons({N_DEV}, noise=0.3, rng=rng)
network = Network({RULE_SIZES}, "relu", "sigmoid_cross_entropy")
theta, train = network.initialize(np.random.default_rng({seed})), Batch(X, y[:, None].astype(float))
*_, last = islice(descend(network, theta, repeat(train), Adam(), 0.01), {RULE_STEPS} + 1)

A = network.hidden_units(last.theta, X_dev[:{N_SHOWN}])[0].T
W = network.layout.views(last.theta)
U = np.random.default_rng({seed}).random(({MOST_MASKS}, 10, {N_SHOWN}))
U = U[:{round(n_masks)}{", :, :1" if shared else ""}]
A_trained = A * {mask}(U, {keep_prob})
A_tested = A * {keep_prob if rule == ORIGINAL else 1.0}
result = A_trained.mean() / A_tested.mean(), (W["W2"] @ A_trained).mean(axis=0) + W["b2"]
"""


class HeatMapsView(View[StepByStep]):
    """Four pictures of one layer: the activations, the mask, their product, and what goes on.

    Parameters
    ----------
    axes : four Axes
    n_units, m : int
        Rows and columns.
    """

    def __init__(self, axes: Sequence[Axes], n_units: int, m: int) -> None:
        self._images, self._frames = [], []
        for ax, title in zip(axes, ("A", "mask D, black: 0", "A ∘ D", ""), strict=True):
            ax.grid(visible=False)
            ax.set(xlabel="example", xticks=[1, m], yticks=[1, n_units])
            ax.xaxis.label.set_color(ACCENT)  # as the frame
            ax.set(xlim=(0.5, m + 0.5), ylim=(n_units + 0.5, 0.5))
            self._images.append(one_tile(ax, smooth=False, corner=(0.5, 0.5), width=m, height=n_units))
            frame = moving(Rectangle((0, 0.5), 1, n_units, fill=False, ec=ACCENT, lw=2))
            ax.add_patch(frame)
            self._frames.append(frame)
            ax.set_title(title or " ", fontsize=10.5)
        axes[0].set_ylabel("unit of layer 1")
        self._last_title = axes[3].title
        moving(self._last_title)

    def update(self, result: StepByStep, before: StepByStep | None) -> None:
        """Show `result.A`, `result.D`, `result.kept` and `result.out`, each (n_units, m)."""
        for image, name in zip(self._images, ("A", "D", "kept", "out"), strict=True):
            values = getattr(result, name)
            shares = np.sqrt(values / (2 * result.A.max()))  # most activations are small
            colors = gray(1 - values) if name == "D" else BLUES(shares)[..., :3]
            image.set_pictures(colors[np.newaxis])
        for frame in self._frames:
            frame.set_x(result.example - 0.5)
        self._last_title.set_text(self._what_goes_on(result))

    def _what_goes_on(self, result: StepByStep) -> str:
        if result.testing:
            return "goes on: A p" if result.rule.startswith("original") else "goes on: A"
        divided = not result.rule.startswith(("forgot", "original"))
        return "goes on: A ∘ D / p" if divided else "goes on: A ∘ D"


class DiagramView(View[StepByStep]):
    """The network with its units; those that the mask of one example switches off are crossed out.

    The width of a line is the size of the weight, and its color the sign.
    """

    def __init__(self, ax: Axes, sizes: tuple[int, ...]) -> None:
        ax.set_axis_off()
        ax.set(xlim=(-0.25, len(sizes) - 0.75), ylim=(-0.6, 10.6))
        self._places = [
            np.column_stack([np.full(n, float(k)), 5 + (10 / max(sizes)) * ((n - 1) / 2 - np.arange(n))])
            for k, n in enumerate(sizes)
        ]
        self._lines = []
        for left, right in zip(self._places[:-1], self._places[1:], strict=True):
            ends = [[tuple(a), tuple(b)] for b in right for a in left]
            self._lines.append(moving(LineCollection(ends, linewidths=0, zorder=1)))
            ax.add_collection(self._lines[-1], autolim=False)
        (self._on,) = ax.plot([], [], "o", color="white", mec="#333333", mew=1.2, ms=9, zorder=2)
        moving(self._on)
        (self._off,) = ax.plot([], [], "X", color=PLUM, mec="white", mew=0.6, ms=11, zorder=3)
        moving(self._off)
        key(
            ax,
            ("✖ off for this example", PLUM),
            ("━ w > 0", "#444444"),
            ("━ w < 0", TRAIN),
        )

    def update(self, result: StepByStep, before: StepByStep | None) -> None:
        """Show `result.weights` and, of `result.unit_masks`, the column of `result.example`."""
        masks = [mask[:, result.example - 1] > 0 for mask in result.unit_masks]
        on = [np.ones(len(self._places[0]), dtype=bool), *masks, np.ones(1, dtype=bool)]
        places, is_on = np.concatenate(self._places), np.concatenate(on)
        self._on.set_data(*places[is_on].T)
        self._off.set_data(*places[~is_on].T)
        for k, (lines, W) in enumerate(zip(self._lines, result.weights, strict=True)):
            alive = on[k + 1][:, np.newaxis] & on[k]
            lines.set_linewidth(np.where(alive, np.minimum(1.6 * np.abs(W), 4), 0).ravel().tolist())
            lines.set_color(np.where(W.ravel() > 0, "#444444", TRAIN).tolist())


class NextLayerView(View[StepByStep]):
    """Z of the next layer: its mean over masks in training against its value at test time."""

    def __init__(self, ax: Axes, limit: float) -> None:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xlabel="Z of layer 2 at test time")
        ax.set_ylabel("mean over masks in training")
        self._limit = limit
        moving(ax.plot([-limit, limit], [-limit, limit], color="#333333", lw=1)[0])
        (self._before,) = ax.plot([], [], "o", color=LIGHT_GREY, ms=4, mec=GHOST, mew=0.5)
        (self._dots,) = ax.plot([], [], "o", color=TEAL, ms=4.5, mec="white", mew=0.4)
        for artist in (self._before, self._dots):
            moving(artist)
        key(ax, ("● a unit, an example", TEAL), ("● before", "#777777"), ("— equal", "#333333"))

    def update(self, result: StepByStep, before: StepByStep | None) -> None:
        """Show `result.Z_mean` against `result.Z_test`; what lies outside stands at the edge."""
        for dots, shown in ((self._dots, result), (self._before, before)):
            if shown is None:
                dots.set_data([], [])
            else:
                edge = 0.985 * self._limit
                dots.set_data(*(np.clip(Z, -edge, edge).ravel() for Z in (shown.Z_test, shown.Z_mean)))


def inverted_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: four heat maps; below them the network, and what the next layer gets."""
    rows = figure.add_gridspec(2, 1, height_ratios=[1, 1.5])
    above, below = rows[0].subgridspec(1, 4), rows[1].subgridspec(1, 2)
    maps = [figure.add_subplot(above[k]) for k in range(4)]
    diagram, scatter = (figure.add_subplot(below[k]) for k in range(2))
    return [
        HeatMapsView(maps, 10, N_SHOWN),
        DiagramView(diagram, RULE_SIZES),
        NextLayerView(scatter, Z_LIMIT),
    ]


def inverted_lab() -> Lab:
    """Return the lab *Inverted dropout, step by step*."""
    return Lab(
        "Inverted dropout, step by step",
        controls={
            "keep_prob": steps_slider("keep_prob p", KEEP_PROB_OPTIONS, 0.5),
            "rule": choice("Rule", RULES, INVERTED),
            "n_masks": log_slider("Masks to average over", 0, 10, 64, 1, base=2, fmt=",.0f"),
            "time": choice("Seen in", ["training", "test time"], "training"),
            "example": slider("Example in the network", 1, N_SHOWN, 6),
            "shared": switch("One mask for all examples", False),
        },
        compute=show_steps,
        views=inverted_views,
        grabs=[Grab(k, x="example") for k in range(4)],
        code=program,
        presets={
            "a single mask": {"n_masks": 1},
            "forgot to divide": {"rule": FORGOTTEN, "n_masks": 1024},
            "keep and drop mixed up": {"rule": SWAPPED, "keep_prob": 0.8, "n_masks": 1024},
            "test time": {"time": "test time"},
        },
        size=(9.6, 4.7),
    )

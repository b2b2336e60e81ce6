"""The lab *Try to break it*: layer 1 is scaled and shifted; what do the layers get, and what comes out?"""

from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from dlhelpers.batch_normalization import BatchNormalization, forward
from dlhelpers.labs.batch_normalization.common import (
    PLAIN,
    PREPARE,
    WITH,
    WITHOUT,
)
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.live.controls import log_slider, real_slider
from dlhelpers.live.lab import Lab
from dlhelpers.metrics import predicted_classes
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import GHOST, View, key, moving
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

STEPS, RATE, BATCH_SIZE = 150, 0.1, 64
EDGES = np.linspace(-8.3, 8.3, 84)
"""Bins over asinh(Z): fine near 0, and wide far away."""


class Seen(NamedTuple):
    """What one network makes of a scale and a shift of its layer 1.

    Attributes
    ----------
    histograms : (2, n_bins) float array
        Of what the units of layers 1 and 2 get, as shares.
    means, deviations : (2,) float array
    loss, accuracy : float
        On the dev set.
    gradient : float
        Norm of the gradient of W1.
    """

    histograms: FloatArray
    means: FloatArray
    deviations: FloatArray
    loss: float
    accuracy: float
    gradient: float


class Broken(NamedTuple):
    """Both networks after a change of layer 1, and before it."""

    scale: float
    shift: float
    plain: Seen
    normalized: Seen
    plain_before: Seen
    normalized_before: Seen

    @property
    def finding(self) -> str:
        """How many digits both networks read now."""
        return (
            f"W1 × {self.scale:.3g}, shift {self.shift:g}: {self.normalized.accuracy:.0%} of the dev set "
            f"right with batch norm, {self.plain.accuracy:.0%} without"
        )

    @property
    def caption(self) -> str:
        """What the units get, what comes out, and how the gradient changes."""
        text = ""
        for name, now, before in (
            ("Without batch norm", self.plain, self.plain_before),
            ("With it", self.normalized, self.normalized_before),
        ):
            layers = " and ".join(
                f"{_number(mean)} ± {_number(deviation)}"
                for mean, deviation in zip(now.means, now.deviations, strict=True)
            )
            text += f"{name}, layers 1 and 2 get {layers}, and the dev loss is {_number(now.loss)}"
            text += f" ({_number(before.loss)} before the change). "
        ratio = self.normalized.gradient / self.normalized_before.gradient
        return f"{text}With it, the gradient of W1 is {ratio:.3g} times as large as before the change."


def _number(value: float) -> str:
    """Return a number with two digits behind the point, or two digits in all if it is large."""
    if abs(value) >= 10:
        return f"{float(f'{value:.2g}'):,.0f}"
    return f"{value:.2f}".replace("-0.00", "0.00")


def with_ones(batch: Batch) -> Batch:
    """Append a feature that is always 1: its weights are a bias that batch normalization gets to see."""
    return batch._replace(X=np.hstack([batch.X, np.ones((len(batch.X), 1))]))


@lru_cache(maxsize=8)
def trained(normalize: bool, seed: int) -> tuple[Network, FloatArray]:
    """Train a network on the digits with that feature, with or without batch normalization."""
    sizes = (65, *PLAIN.sizes[1:])
    network = Network(
        sizes, "relu", "softmax_cross_entropy", batch_norm=BatchNormalization() if normalize else None
    )
    X, Y, *_ = with_ones(normalized_digits(seed).train)
    theta = network.initialize(np.random.default_rng(seed))
    batches = minibatches(X, Y, BATCH_SIZE, np.random.default_rng(seed))
    *_, last = islice(descend(network, theta, batches, GradientDescent(), RATE), STEPS + 1)
    return network, last.theta


@lru_cache(maxsize=64)
def look(normalize: bool, scale: float, shift: float, seed: int) -> Seen:
    """Scale the weights of layer 1, add to its bias, and send the dev set through."""
    network, theta = trained(normalize, seed)
    batch, theta = with_ones(normalized_digits(seed).dev), theta.copy()
    W = network.layout.views(theta)
    W["W1"][:, :-1] *= scale
    W["W1"][:, -1] += shift
    trace = network.trace(theta, batch)
    got: list[FloatArray] = [W["W1"] @ batch.X.T, W["W2"] @ trace.A[0]]
    if normalize:
        got = [forward(Z, np.ones((len(Z), 1)), np.zeros((len(Z), 1))).Z_norm for Z in got]
    else:
        got = [Z + W[f"b{layer}"] for layer, Z in enumerate(got, start=1)]
    right = predicted_classes(trace.A[-1].T) == batch.Y.argmax(axis=1)
    return Seen(
        np.array([np.histogram(np.arcsinh(Z), EDGES)[0] / Z.size for Z in got]),
        np.array([Z.mean() for Z in got]),
        np.array([Z.std() for Z in got]),
        float(network.loss(theta, batch)),
        float(right.mean()),
        float(np.linalg.norm(network.layout.views(trace.gradient)["W1"])),
    )


def try_to_break(scale: float, shift: float, seed: int) -> Broken:
    """Change layer 1 of both networks in the same way."""
    return Broken(
        scale,
        shift,
        plain=look(False, scale, shift, seed),
        normalized=look(True, scale, shift, seed),
        plain_before=look(False, 1.0, 0.0, seed),
        normalized_before=look(True, 1.0, 0.0, seed),
    )


def program(scale: float, shift: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import islice
{PREPARE.format(seed=seed)}
from dlhelpers.minibatches import minibatches
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

X_ones, dev_ones = (np.hstack([part.X, np.ones((len(part.X), 1))]) for part in (train, dev))
result = []
for batch_norm in (None, BatchNormalization()):
    network = Network((65, 32, 32, 10), "relu", "softmax_cross_entropy", batch_norm=batch_norm)
    theta = network.initialize(np.random.default_rng({seed}))
    batches = minibatches(X_ones, train.Y, {BATCH_SIZE}, np.random.default_rng({seed}))
    *_, last = islice(descend(network, theta, batches, GradientDescent(), {RATE}), {STEPS} + 1)
    theta = last.theta.copy()
    W1 = network.layout.views(theta)["W1"]
    W1[:, :-1] *= {scale!r}
    W1[:, -1] += {shift!r}  # the weights of the feature that is always 1: a bias
    result.append(network.loss(theta, Batch(dev_ones, dev.Y)))
"""


class RowsView(View[Broken]):
    """What the units of layers 1 and 2 get, as two histograms one above the other."""

    def __init__(self, ax: Axes, name: str, color: str, title: str) -> None:
        self._name = name
        ticks = [-1000, -100, -10, -1, 0, 1, 10, 100, 1000]
        ax.set(xlim=(EDGES[0], EDGES[-1]), ylim=(-0.1, 2.3), xlabel=title)
        ax.set_xticks(np.arcsinh(ticks), [f"{tick:,}".replace("-", "−") for tick in ticks])
        ax.set_yticks([0, 1.15], ["layer 2", "layer 1"])
        ax.grid(axis="y", visible=False)
        self._shape = moving(PolyCollection([], facecolor=color, edgecolor=color, alpha=0.55, lw=1))
        ax.add_collection(self._shape, autolim=False)
        self._before = moving(ax.plot([], [], color=GHOST, lw=1.2)[0])

    def update(self, result: Broken, before: Broken | None) -> None:
        """Show the histograms of this network; those before the change as a grey outline."""
        self._shape.set_verts(self._outlines(getattr(result, self._name)))
        old = [np.full((1, 2), np.nan)]
        for outline in [] if before is None else self._outlines(getattr(before, self._name)):
            old += [outline, np.full((1, 2), np.nan)]
        self._before.set_data(*np.concatenate(old).T)

    def _outlines(self, seen: Seen) -> list[FloatArray]:
        x = np.repeat(EDGES, 2)
        heights = [np.r_[0, np.repeat(row / max(row.max(), 1e-12), 2), 0] for row in seen.histograms]
        return [np.column_stack([x, base + height]) for base, height in zip((1.15, 0), heights, strict=True)]


def broken_views(figure: Figure) -> list[View[Broken]]:
    """Lay out the lab: what the layers get without and with batch normalization."""
    left, right = figure.subplots(1, 2, sharey=True)
    key(left, ("■ without batch norm", WITHOUT), ("— before", "#777777"))
    key(right, ("■ with batch norm", WITH), ("— before", "#777777"))
    return [
        RowsView(left, "plain", WITHOUT, "Z, what the units get"),
        RowsView(right, "normalized", WITH, "$Z_{norm}$, what the units get"),
    ]


def scale_and_shift_lab() -> Lab:
    """Return the lab *Try to break it*."""
    return Lab(
        "Try to break it",
        controls={
            "scale": log_slider("Multiply W1 by", -2, 2, 1, 0.125, fmt=".3g"),
            "shift": real_slider("Added to the bias, b1", -20, 20, 10, 0.5, fmt=".1f"),
        },
        compute=try_to_break,
        views=broken_views,
        code=program,
        presets={
            "unchanged": {"shift": 0.0},
            "W1 × 10": {"scale": 10.0, "shift": 0.0},
            "W1 / 100: ε shows": {"scale": 0.01, "shift": 0.0},
        },
        size=(9.6, 3.6),
    )

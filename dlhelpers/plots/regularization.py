"""Views of notebook 02, section 1.3: diamond and circle, lambda on a network, L2 against decay."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from dlhelpers.plots.playground import CLASS_COLORS, MARKERS, blend
from dlhelpers.plots.style import ACCENT, DEV, GHOST, LIGHT_GREY, TRAIN, key, moving
from dlhelpers.typing import FloatArray

L1, L2 = "#b0418a", "#8a6400"
"""Purple and ochre: the two penalties."""
DECAY = "#5e3c99"
"""Violet, drawn dashed: decoupled weight decay; L2 in the loss is ochre and solid."""
FAR = 1e9
"""A value that is far outside of every frame: a curve that diverges is drawn to here."""


def _polylines(curves: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return x and y of several curves (k, n, 2), with a gap after each."""
    gap = np.full((len(curves), 1, 2), np.nan)
    x, y = np.concatenate([curves, gap], axis=1).reshape(-1, 2).T
    return x, y


# L1 diamond, L2 circle ------------------------------------------------------------------------------


class PenaltyView:
    """The plane of two weights: level sets of the loss, one penalty, and the solution for each lambda.

    Parameters
    ----------
    ax : Axes
    which : 0 or 1
        L1 or L2: which of each pair of the result is shown.
    limit : float
        Both axes reach from -limit to limit.
    """

    def __init__(self, ax: Axes, which: int, limit: float = 2.3) -> None:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="w1", ylabel="w2")
        ax.set(xticks=range(-2, 3), yticks=range(-2, 3))
        ax.axhline(0, color="#555555", lw=0.8)
        ax.axvline(0, color="#555555", lw=0.8)
        self._which = which
        color = (L1, L2)[which]
        (self._levels,) = ax.plot([], [], color=TRAIN, lw=0.5)
        (self._cloud,) = ax.plot([], [], "o", color=color, ms=2.2, mec="none")
        (self._old_path,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=9)
        (self._ball,) = ax.plot([], [], color=color, lw=2)
        (self._touching,) = ax.plot([], [], color=TRAIN, lw=1.8)
        (self._path,) = ax.plot([], [], ".-", color="#222222", lw=1.2, ms=4)
        (self._minimum,) = ax.plot([], [], "P", color=TRAIN, ms=9, mec="white")
        (self._here,) = ax.plot([], [], "o", color=ACCENT, ms=10, mec="white", mew=1.5)
        for artist in (
            self._levels,
            self._cloud,
            self._old_path,
            self._old,
            self._ball,
            self._touching,
            self._path,
            self._minimum,
            self._here,
        ):
            moving(artist)
        if which == 0:
            key(ax, ("◇ L1", L1), ("● solution", ACCENT), ("— all λ", "#222222"), ("● before", "#777777"))
        else:
            key(ax, ("○ L2", L2), ("✚ minimum of J", TRAIN), ("○ levels of J", TRAIN))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.solutions` at `result.at`; `ellipses`, `touching` and `balls` are curves."""
        path = result.solutions[self._which]
        self._levels.set_data(*_polylines(result.ellipses))
        self._touching.set_data(*result.touching[self._which].T)
        self._ball.set_data(*result.balls[self._which].T)
        self._cloud.set_data(*result.cloud[self._which].T)
        self._path.set_data(*np.concatenate([[result.minimum], path]).T)
        self._minimum.set_data(*result.minimum[:, None])
        self._here.set_data(*path[result.at][:, None])
        old = np.empty((0, 2)) if before is None else before.solutions[self._which]
        self._old_path.set_data(*old.T)
        self._old.set_data(*(old[:0] if before is None else old[[before.at]]).T)


class ZeroShareView:
    """The share of random problems whose solution has an exact zero, over lambda."""

    def __init__(self, ax: Axes, strengths: FloatArray) -> None:
        ax.set(xscale="log", xlim=(strengths[0], strengths[-1]), ylim=(-3, 103))
        ax.set(xlabel="λ", ylabel="problems with an exact 0, %")
        ax.set_xticks([0.01, 0.1, 1, 10, 100], ["0.01", "0.1", "1", "10", "100"])
        self._strengths = strengths
        (self._before,) = ax.plot([], [], color=GHOST, lw=1.5)
        self._cursor = ax.axvline(1, color=ACCENT, lw=2)
        self._lines = [
            moving(ax.plot([], [], style, color=color)[0])
            for color, style in ((L1, "-"), (L1, ":"), (L2, "--"))
        ]
        moving(self._before)
        moving(self._cursor)
        key(ax, ("— L1", L1), ("··· both 0", L1), ("-- L2", L2), ("┃ λ", ACCENT), ("— before", "#777777"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.share`, a dict from the number of lambda to three shares."""
        x = self._strengths[list(result.share)]
        for line, shares in zip(self._lines, zip(*result.share.values(), strict=True), strict=True):
            line.set_data(x, 100 * np.array(shares))
        self._cursor.set_xdata([self._strengths[result.at]] * 2)
        old = {} if before is None else before.share
        self._before.set_data(self._strengths[list(old)], [100 * shares[0] for shares in old.values()])


# Lambda on a network --------------------------------------------------------------------------------


class TwoClassesView:
    """The plane, colored by what the network answers there, with the training examples on it."""

    def __init__(self, ax: Axes, limit: float) -> None:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
        ax.grid(visible=False)
        white = np.ones((2, 2, 3))
        extent = (-limit, limit, -limit, limit)
        self._map = moving(
            ax.imshow(white, extent=extent, origin="lower", interpolation="bilinear", zorder=0)
        )
        self._marks = [
            moving(ax.plot([], [], marker, color=color, ms=6, mec="white", mew=0.6)[0])
            for marker, color in zip(MARKERS[:2], CLASS_COLORS[:2], strict=True)
        ]
        key(ax, *((f"{mark} class {k}", CLASS_COLORS[k]) for k, mark in enumerate("●▲")))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.map`, (n, n, 2) probabilities, and `result.train`, X (m, 2) and labels (m,)."""
        self._map.set_data(blend(result.map))
        X, y = result.train
        for k, mark in enumerate(self._marks):
            mark.set_data(*X[y == k].T)


class NetworkView:
    """The network as a drawing: a line for each weight, as wide as the weight is large.

    A unit is filled if its output varies over the training set; with a constant output it is open.

    Parameters
    ----------
    ax : Axes
    sizes : sequence of int
        Units of each layer.
    """

    def __init__(self, ax: Axes, sizes: Sequence[int]) -> None:
        ax.set_axis_off()
        ax.set(xlim=(-0.25, len(sizes) - 0.75), ylim=(-0.06, 1.06))
        places = [[(x, (i + 0.5) / n) for i in range(n)] for x, n in enumerate(sizes)]
        ends = [
            (left, right)
            for before, after in zip(places[:-1], places[1:], strict=True)
            for right in after
            for left in before
        ]
        self._lines = moving(LineCollection(ends, colors="#555555", linewidths=0))
        ax.add_collection(self._lines, autolim=False)
        self._hidden = np.array([place for layer in places[1:-1] for place in layer])
        outside = np.array([*places[0], *places[-1]])
        moving(ax.plot(*outside.T, "s", color="#222222", ms=7, mec="white", zorder=3)[0])
        (self._on,) = ax.plot([], [], "o", color="#222222", ms=8, mec="white", zorder=3)
        (self._off,) = ax.plot([], [], "o", mfc="white", mec="#777777", ms=7, mew=1.2, zorder=3)
        moving(self._on)
        moving(self._off)
        key(ax, ("width: |weight|", "#555555"), ("● varies", "#222222"), ("○ constant", "#666666"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.weights` (n_weights,), layer by layer, and `result.varies` (n_hidden,)."""
        self._lines.set_linewidth(2 * np.minimum(np.abs(result.weights), 3))
        self._on.set_data(*self._hidden[result.varies].T)
        self._off.set_data(*self._hidden[~result.varies].T)


class TanhView:
    """Where the pre-activations lie on tanh, and which part of it is nearly a line.

    Parameters
    ----------
    ax : Axes
    linear : float
        The nearly linear part reaches from -linear to linear.
    edges : (n + 1,) float array
        Of the bins of the histogram.
    """

    def __init__(self, ax: Axes, linear: float, edges: FloatArray) -> None:
        ax.set(xlim=(edges[0], edges[-1]), ylim=(-1.15, 1.15), xlabel="z (at the ends: and beyond)")
        ax.set(yticks=[-1, 0, 1], ylabel="tanh z")
        z = np.linspace(edges[0], edges[-1], 161)
        ax.axvspan(-linear, linear, color=LIGHT_GREY, alpha=0.6, lw=0)
        self._z = z
        self._edges = np.repeat(edges, 2)
        self._bars = moving(PolyCollection([], facecolor="#7f7f7f", edgecolor="none"))
        ax.add_collection(self._bars, autolim=False)
        moving(ax.plot(z, np.tanh(z), color="#222222")[0])
        moving(ax.plot([-1.15, 1.15], [-1.15, 1.15], "--", color="#222222", lw=1)[0])
        key(
            ax,
            ("■ z of units", "#6a6a6a"),
            ("— tanh", "#222222"),
            ("-- line", "#222222"),
            ("■ linear", "#9a9a9a"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.histogram`, (n,) shares of the pre-activations."""
        heights = np.concatenate([[0], np.repeat(result.histogram, 2), [0]])
        top = max(float(heights.max()), 1e-9)
        self._bars.set_verts([np.stack([self._edges, -1.15 + 1.1 * heights / top], axis=1)])


class OverLambda:
    """An axis of lambda with a cursor, the range where gradient descent diverges, and its mark.

    Parameters
    ----------
    ax : Axes
    strengths : (n,) float array
    low, high : float
        Of the y axis; what is above gets a triangle at the upper edge.
    """

    def __init__(self, ax: Axes, strengths: FloatArray, low: float, high: float) -> None:
        ax.set(xscale="log", xlim=(strengths[0] / 1.3, strengths[-1] * 1.3), ylim=(low, high), xlabel="λ")
        self.strengths, self.high = strengths, high
        self._edge = moving(ax.axvline(1, color="#222222", ls=":", lw=1.5))
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        (self._off,) = ax.plot([], [], "^", color="#222222", ms=8, clip_on=False)
        self._off.set_in_layout(False)
        moving(self._off)
        self._top = 0.97 * high if ax.get_yscale() == "linear" else high / 1.6

    def show(self, result: Any) -> None:
        """Put the cursor at `result.at`, the mark at `result.edge`, triangles where `result.diverged`."""
        self._cursor.set_xdata([self.strengths[result.at]] * 2)
        self._edge.set_xdata([result.edge] * 2)
        self._edge.set_visible(bool(self.strengths[0] < result.edge < self.strengths[-1]))
        x = self.strengths[result.diverged]
        self._off.set_data(x, np.full(len(x), self._top))


class LossOverLambdaView:
    """Train and dev loss of one network for each lambda."""

    def __init__(self, ax: Axes, strengths: FloatArray, high: float = 2.0) -> None:
        self._axis = OverLambda(ax, strengths, 0, high)
        ax.set(ylabel="loss J, without penalty")
        moving(ax.axhline(np.log(2), color=GHOST, lw=1, ls="-."))
        self._old, self._new = (
            [moving(ax.plot([], [], style, color=color, lw=lw)[0]) for style, color in colors]
            for colors, lw in (
                ((("-", GHOST), ("--", GHOST)), 1.3),
                ((("-", TRAIN), ("--", DEV)), 2),
            )
        )
        key(
            ax,
            ("— train", TRAIN),
            ("-- dev", DEV),
            ("┃ λ", ACCENT),
            ("┊ αλ/m = 2", "#222222"),
            ("-·- guess", "#777777"),
            ("— before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.curves.train` and `.dev`, (n,) losses."""
        nothing = np.full(len(self._axis.strengths), np.nan)
        for lines, shown in ((self._new, result), (self._old, before)):
            losses = (nothing, nothing) if shown is None else (shown.curves.train, shown.curves.dev)
            for line, values in zip(lines, losses, strict=True):
                at = self._axis.strengths
                line.set_data(at, np.where(values > FAR, np.nan, values))  # a triangle stands there
        self._axis.show(result)


class NormOverLambdaView:
    """The Frobenius norm of each layer's weights over lambda."""

    STYLES = ("-", "--", ":")

    def __init__(self, ax: Axes, strengths: FloatArray, low: float = 1e-3, high: float = 1e2) -> None:
        ax.set_yscale("log")
        self._axis = OverLambda(ax, strengths, low, high)
        ax.set(ylabel="‖W‖ of each layer")
        self._old, self._new = (
            [moving(ax.plot([], [], style, color=color, lw=lw)[0]) for style in self.STYLES]
            for color, lw in ((GHOST, 1.3), ("#222222", 2))
        )
        key(
            ax,
            ("— W1", "#222222"),
            ("-- W2", "#222222"),
            ("··· W3", "#222222"),
            ("┃ λ", ACCENT),
            ("▲ diverged", "#222222"),
            ("— before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.curves.norms`, (n, n_layers)."""
        norms = result.curves.norms
        past = np.full_like(norms, np.nan) if before is None else before.curves.norms
        for lines, each in ((self._new, norms), (self._old, past)):
            for line, values in zip(lines, np.maximum(each, 1 / FAR).T, strict=True):
                line.set_data(self._axis.strengths, np.where(values > FAR, np.nan, values))
        self._axis.show(result)


# L2 in the loss, or decay of the weights ------------------------------------------------------------


class NormOverStepsView:
    """The length of all weights over the steps: with L2 in the loss, and with decay.

    A triangle marks where a curve that leaves the frame does so.
    """

    def __init__(self, ax: Axes, steps: int) -> None:
        ax.set(yscale="log", xlim=(0, steps), ylim=(0.03, 100), xlabel="step", ylabel="length of all weights")
        self._old = [moving(ax.plot([], [], style, color=GHOST, lw=1.3)[0]) for style in ("-", "--")]
        self._new = [
            moving(ax.plot([], [], style, color=color, lw=lw)[0])
            for style, color, lw in (("-", L2, 3), ("--", DECAY, 2))
        ]
        (self._off,) = ax.plot([], [], "^", color="#222222", ms=8)
        moving(self._off)
        key(ax, ("— L2 in the loss", L2), ("-- decay", DECAY), ("— before", "#777777"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.runs.norms`, (n, 2)."""
        nothing = np.empty((0, 2))
        for lines, norms in (
            (self._new, result.runs.norms),
            (self._old, nothing if before is None else before.runs.norms),
        ):
            for line, each in zip(lines, norms.T, strict=True):
                line.set_data(np.arange(len(each)), np.maximum(each, 1e-9))
        lost = np.isnan(result.runs.norms)
        steps = lost.argmax(axis=0)[lost.any(axis=0)]
        self._off.set_data(steps, np.full(len(steps), 65))


class WeightPairsView:
    """Each weight at the end as a dot: right what it is with L2 in the loss, up what it is with decay."""

    def __init__(self, ax: Axes, limit: float = 5.0) -> None:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        ax.set(xlabel="weight with L2 in the loss", ylabel="the same weight with decay")
        ax.set(xticks=range(-4, 5, 2), yticks=range(-4, 5, 2))
        self._limit = limit
        moving(ax.plot([-limit, limit], [-limit, limit], color="#222222", lw=1)[0])
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=5, mec="white", mew=0.5)
        (self._new,) = ax.plot([], [], "D", color=DECAY, ms=6, mec="white", mew=0.7)
        moving(self._old)
        moving(self._new)
        key(ax, ("◆ a weight", DECAY), ("— equal", "#222222"), ("● before", "#777777"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.runs.weights`, (2, n); what is outside is put on the frame."""
        for dots, shown in ((self._new, result), (self._old, before)):
            weights = np.empty((2, 0)) if shown is None else shown.runs.weights
            dots.set_data(*np.clip(weights, -0.98 * self._limit, 0.98 * self._limit))


class DifferenceView:
    """The largest difference of a weight between the two runs, over the steps."""

    LOWEST = 1e-17

    def __init__(self, ax: Axes, steps: int, rounding: float) -> None:
        ax.set(yscale="log", xlim=(0, steps), ylim=(self.LOWEST / 3, 30), xlabel="step")
        ax.set_ylabel("largest difference of a weight")
        ticks = [10.0**power for power in range(-17, 2, 3)]
        ax.set_yticks(ticks, ["0", *(f"$10^{{{power}}}$" for power in range(-14, 2, 3))])
        ax.minorticks_off()
        ax.axhspan(self.LOWEST / 3, rounding, color=LIGHT_GREY, alpha=0.6, lw=0)
        (self._old,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._new,) = ax.plot([], [], color=DEV)
        moving(self._old)
        moving(self._new)
        key(ax, ("— difference", DEV), ("■ rounding", "#777777"), ("— before", "#777777"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.runs.difference`, (n,); 0 lies at the bottom of the axis."""
        for line, shown in ((self._new, result), (self._old, before)):
            difference = np.empty(0) if shown is None else shown.runs.difference
            line.set_data(np.arange(len(difference)), np.maximum(difference, self.LOWEST))

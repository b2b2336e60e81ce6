"""Views of notebook 04 on the first weights: sizes over the depth, and what training makes of them."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D

from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, LIGHT_GREY, TEST, TRAIN, key, moving, note
from dlhelpers.typing import FloatArray

FORWARD = "#7A3E9D"
"""Purple, drawn solid: the signal that goes up through the layers."""
BACKWARD = "#A6761D"
"""Ochre, drawn dashed: the gradient that comes down."""


class SizesView:
    """The sizes of activations and gradients over the layers: median and 90% band of many networks."""

    LOW: ClassVar[float] = 1e-12
    HIGH: ClassVar[float] = 1e12

    def __init__(self, ax: Axes, most_layers: int) -> None:
        ax.set(yscale="log", xlim=(0, most_layers + 1), ylim=(self.LOW, self.HIGH))
        ax.set(xlabel="layer", ylabel="size (root mean square)")
        ax.set_yticks(10.0 ** np.arange(-12, 13, 4))
        ax.minorticks_off()
        moving(ax.axhline(1, color="#777777", lw=1))
        self._parts = []
        for name, color, style in (("activations", FORWARD, "-"), ("gradients", BACKWARD, "--")):
            band = PolyCollection([], facecolor=color, alpha=0.25, edgecolor="none")
            ax.add_collection(band, autolim=False)
            (old,) = ax.plot([], [], style, color=GHOST, lw=1.5)
            (line,) = ax.plot([], [], style, color=color, lw=2.5)
            (theory,) = ax.plot([], [], ":", color=TEST, lw=1.5)
            factor = note(ax, 0, 1, color=color, fontweight="bold", fontsize=11, va="center", ha="center")
            for artist in (band, old, line, theory):
                moving(artist)
            self._parts.append((name, band, old, line, theory, factor))
        key(
            ax,
            ("— activations", FORWARD),
            ("-- gradients", BACKWARD),
            ("··· predicted", TEST),
            ("■ 90% of networks", "#777777"),
            ("— before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.measured` and `result.predicted`, Signals of (K, L) and (L,) arrays."""
        labels = []
        for name, band, old, line, theory, factor in self._parts:
            sizes = getattr(result.measured, name)
            low, median, high = self._held(np.quantile(sizes, [0.05, 0.5, 0.95], axis=0))
            layers = np.arange(1, len(median) + 1)
            band.set_verts([np.column_stack([np.r_[layers, layers[::-1]], np.r_[low, high[::-1]]])])
            line.set_data(layers, median)
            theory.set_data(layers, self._held(getattr(result.predicted, name)))
            past = (
                np.zeros(0)
                if before is None
                else self._held(np.median(getattr(before.measured, name), axis=0))
            )
            old.set_data(np.arange(1, len(past) + 1), past)
            labels.append((factor, name, median, getattr(result.factors, name)))
        self._write(labels)

    def _held(self, sizes: FloatArray) -> FloatArray:
        """Return the sizes, held just outside of the frame where a log axis cannot draw them."""
        return np.clip(sizes, 1e-3 * self.LOW, 1e3 * self.HIGH)

    def _write(self, labels: list[tuple[Any, str, FloatArray, float]]) -> None:
        """Write the factors per layer beside the curves: above the higher one, below the lower one."""
        layers = [self._middle(median) for _, _, median, _ in labels]
        heights = [median[at] for at, (_, _, median, _) in zip(layers, labels, strict=True)]
        away = (1e-3, 1e3) if heights[1] > 2 * heights[0] else (1e3, 1e-3)
        for (factor, name, _, value), at, height, times in zip(labels, layers, heights, away, strict=True):
            place = float(np.clip(at + 1, 9, 42)), float(np.clip(times * height, 1e-11, 1e11))
            factor.set_position(place)
            factor.set_text(f"{'→' if name == 'activations' else '←'} × {value:.3g} a layer")

    def _middle(self, median: FloatArray) -> int:
        """Return the index of a layer in the middle of what the frame shows of a curve."""
        inside = np.flatnonzero((median > 1e-10) & (median < 1e10))
        return int(inside[len(inside) // 2]) if len(inside) else 0


class FactorView:
    """The factor per layer over the gain: measured for each gain, and predicted."""

    def __init__(self, ax: Axes, lowest: float, highest: float) -> None:
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        ax.set(xlim=(lowest / 1.15, highest * 1.15), ylim=(1 / 16, 256))
        ax.set(xlabel="gain g", ylabel="factor per layer")
        ticks = [0.25, 0.5, 1, 2, 4]
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ticks = [1 / 16, 0.25, 1, 4, 16, 64, 256]
        ax.set_yticks(ticks, ["1/16", "1/4", "1", "4", "16", "64", "256"])
        ax.minorticks_off()
        moving(ax.axhline(1, color="#777777", lw=1))
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._parts: list[tuple[str, Line2D, Line2D]] = []
        for name, color, size in (("activations", FORWARD, 9), ("gradients", BACKWARD, 4.5)):
            (theory,) = ax.plot([], [], ":", color=TEST, lw=1.5)
            (dots,) = ax.plot([], [], "o", color=color, ms=size, mec="white", mew=0.5)
            self._parts.append((name, moving(dots), moving(theory)))
        key(
            ax,
            ("⬤ activations", FORWARD),
            ("• gradients", BACKWARD),
            ("┃ your g", ACCENT),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.over_gain` and `result.predicted_over_gain`: from a gain to its two factors."""
        for name, dots, theory in self._parts:
            for artist, factors in ((dots, result.over_gain), (theory, result.predicted_over_gain)):
                values = [float(np.clip(getattr(each, name), 1e-3, 1e3)) for each in factors.values()]
                artist.set_data(list(factors), values)
        self._cursor.set_xdata([result.gain, result.gain])


class ActivationsView:
    """The histogram of the activations of each hidden layer, as an upright filled curve."""

    EDGES: ClassVar[FloatArray] = np.linspace(-1.2, 3.2, 89)

    def __init__(self, ax: Axes, most_layers: int) -> None:
        ax.set(xlim=(0.4, most_layers + 0.8), ylim=(self.EDGES[0], self.EDGES[-1]))
        ax.set(xticks=range(1, most_layers + 1), xlabel="hidden layer", ylabel="activation")
        ax.grid(axis="x", visible=False)
        self._before = PolyCollection([], facecolor=LIGHT_GREY, edgecolor="none")
        self._shapes = PolyCollection([], facecolor="#4a90c4", edgecolor="none")
        for shapes in (self._before, self._shapes):
            ax.add_collection(moving(shapes), autolim=False)
        key(ax, ("◆ share of the activations", TRAIN), ("◆ before", "#777777"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.histograms`, (layers, bins)."""
        self._shapes.set_verts(self._verts(result.histograms))
        self._before.set_verts([] if before is None else self._verts(before.histograms))

    def _verts(self, histograms: FloatArray) -> list[FloatArray]:
        middle = np.repeat(self.EDGES, 2)[1:-1]
        shapes = []
        for layer, shares in enumerate(histograms, start=1):
            width = np.repeat(0.42 * np.sqrt(shares / max(shares.max(), 1e-9)), 2)  # root: small ones show
            shapes.append(
                np.column_stack([np.r_[layer - width, layer + width[::-1]], np.r_[middle, middle[::-1]]])
            )
        return shapes


class StartSizesView:
    """The sizes of activations and gradients over the hidden layers, before training."""

    LOW: ClassVar[float] = 1e-9
    HIGH: ClassVar[float] = 1e9

    def __init__(self, ax: Axes, most_layers: int) -> None:
        ax.set(yscale="log", xlim=(0.4, most_layers + 0.8), ylim=(self.LOW, self.HIGH))
        ax.set(xticks=range(1, most_layers + 1), xlabel="hidden layer", ylabel="size at the start")
        ax.set_yticks([1e-8, 1e-4, 1, 1e4, 1e8])
        ax.minorticks_off()
        ax.grid(axis="x", visible=False)
        (self._others,) = ax.plot([], [], "-", color=LIGHT_GREY, lw=1)
        self._lines = []
        for name, style, color in (("activations", "o-", FORWARD), ("gradients", "s--", BACKWARD)):
            (old,) = ax.plot([], [], style[1:], color=GHOST, lw=1.5)
            (line,) = ax.plot([], [], style, color=color, ms=4, lw=2)
            self._lines.append((name, moving(old), moving(line)))
        moving(self._others)
        key(
            ax,
            ("●— activations", FORWARD),
            ("■-- gradients", BACKWARD),
            ("— other starts", "#777777"),
            ("— before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `start` of the chosen one of `result.trained`, and the activations of the others."""
        chosen = result.trained[result.name].start
        layers = np.arange(1, len(chosen.activations) + 1)
        others = [each.start.activations for name, each in result.trained.items() if name != result.name]
        self._others.set_data(*_one_line(layers, [self._held(each) for each in others]))
        for name, old, line in self._lines:
            line.set_data(layers, self._held(getattr(chosen, name)))
            past = (
                np.zeros(0)
                if before is None
                else self._held(getattr(before.trained[before.name].start, name))
            )
            old.set_data(np.arange(1, len(past) + 1), past)

    def _held(self, sizes: FloatArray) -> FloatArray:
        return np.clip(sizes, 1e-3 * self.LOW, 1e3 * self.HIGH)


def _one_line(x: Any, curves: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return many curves over x as the points of one line with gaps."""
    gapped = [np.append(curve, np.nan) for curve in curves]
    return np.tile(np.append(x, np.nan), len(curves)), np.concatenate([*gapped, np.zeros(0)])


class LossCurvesView:
    """The training loss over the steps, for the chosen start and for all others."""

    LOW: ClassVar[float] = 0.02
    HIGH: ClassVar[float] = 20.0

    def __init__(self, ax: Axes, steps: int, every: int) -> None:
        self._steps = np.arange(0, steps + 1, every)
        ax.set(
            yscale="log", xlim=(0, steps), ylim=(self.LOW, self.HIGH), xlabel="step", ylabel="training loss"
        )
        _loss_axis(ax)
        (self._others,) = ax.plot([], [], "-", color=LIGHT_BLUE, lw=1)
        (self._before,) = ax.plot([], [], "-", color=GHOST, lw=2)
        (self._chosen,) = ax.plot([], [], "-", color=TRAIN, lw=3)
        for artist in (self._others, self._before, self._chosen):
            moving(artist)
        self._outside = note(ax, steps / 2, 8, color=TRAIN, fontweight="bold", va="center", ha="center")
        key(
            ax,
            ("━ chosen start", TRAIN),
            ("— others", "#4a90c4"),
            ("-·- guessing", "#777777"),
            ("━ before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.curve(name)` for each of `result.trained`."""
        others = [_held_loss(result.curve(name)) for name in result.trained if name != result.name]
        self._others.set_data(*_one_line(self._steps, others))
        self._chosen.set_data(self._steps, _held_loss(result.curve(result.name)))
        self._outside.set_text(self._no_line(result))
        past = np.zeros(0) if before is None else _held_loss(before.curve(before.name))
        self._before.set_data(self._steps[: len(past)], past)

    def _no_line(self, result: Any) -> str:
        """Say why there is no line, if all of it lies above the frame."""
        if np.all(result.trained[result.name].losses > self.HIGH):
            return "↑ diverges at every rate"
        return "↑ diverges at this rate" if np.all(result.curve(result.name) > self.HIGH) else ""


class LossOverRateView:
    """The loss after training over the learning rate, for the chosen start and for all others."""

    def __init__(self, ax: Axes, rates: Sequence[float]) -> None:
        self._rates = np.array(rates)
        ax.set(xscale="log", yscale="log", xlim=(0.8 * rates[0], rates[-1] / 0.8))
        ax.set(
            ylim=(LossCurvesView.LOW, LossCurvesView.HIGH), xlabel="learning rate", ylabel="loss at the end"
        )
        ax.set_xticks(self._rates, [f"{rate:g}" for rate in rates])
        ax.minorticks_off()
        _loss_axis(ax)
        (self._others,) = ax.plot([], [], "-", color=LIGHT_BLUE, lw=1)
        (self._before,) = ax.plot([], [], "-", color=GHOST, lw=2)
        (self._chosen,) = ax.plot([], [], "o-", color=TRAIN, lw=3, ms=5)
        (self._here,) = ax.plot([], [], "D", color=ACCENT, ms=9, mec="white")
        for artist in (self._others, self._before, self._chosen, self._here):
            moving(artist)
        key(ax, ("●━ chosen start", TRAIN), ("— others", "#4a90c4"), ("◆ shown above", ACCENT))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `ends` of each of `result.trained`."""
        ends = {name: _held_loss(each.ends) for name, each in result.trained.items()}
        others = [losses for name, losses in ends.items() if name != result.name]
        self._others.set_data(*_one_line(self._rates, others))
        self._chosen.set_data(self._rates, ends[result.name])
        at = result.column(result.name)
        self._here.set_data(self._rates[[at]], ends[result.name][[at]])
        past = np.zeros(0) if before is None else _held_loss(before.trained[before.name].ends)
        self._before.set_data(self._rates[: len(past)], past)


def _loss_axis(ax: Axes) -> None:
    """Mark the loss of guessing among ten digits, and name the ticks."""
    moving(ax.axhline(np.log(10), color="#777777", lw=1, ls="-."))
    ax.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])


def _held_loss(losses: FloatArray) -> FloatArray:
    """Return losses that a log axis can draw; what has diverged lies above the frame."""
    return np.clip(losses, 1e-3, 1e4)

"""Views of notebook 03: subnetworks, masks, what dropout does to cost and weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, PowerNorm
from matplotlib.patches import Rectangle

from dlhelpers.plots.playground import blend
from dlhelpers.plots.style import (
    ACCENT,
    DEV,
    GHOST,
    LIGHT_BLUE,
    LIGHT_GREY,
    TEST,
    TRAIN,
    key,
    moving,
    note,
)
from dlhelpers.typing import FloatArray

# All the networks at once ---------------------------------------------------------------------------


class PointView:
    """A ring around the chosen point of the plane, on Axes that another view has set up."""

    def __init__(self, ax: Axes) -> None:
        self._rings = [
            moving(ax.plot([], [], "o", mfc="none", mec=color, ms=size, mew=width, zorder=6)[0])
            for color, size, width in ((GHOST, 12, 2), ("white", 15, 5), ("#111111", 15, 2.5))
        ]
        self._names = ("before", "result", "result")

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.point`."""
        for ring, name in zip(self._rings, self._names, strict=True):
            shown = result if name == "result" else before
            ring.set_data(*([], []) if shown is None else ([shown.point[0]], [shown.point[1]]))


class HistogramView:
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

    def update(self, result: Any, before: Any | None) -> None:
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

    def _heights(self, result: Any) -> FloatArray:
        return np.histogram(result.probabilities, self._edges, weights=result.weights)[0]


class MeansView:
    """Three answers, one below the other on one scale: arithmetic mean, geometric mean, full network."""

    ROWS = (("arithmetic", "s", TRAIN), ("geometric", "D", "#B0417F"), ("full", "o", "#111111"))

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, 1), ylim=(-0.6, 2.6), xlabel="answer: probability of the orange class")
        ax.set_yticks([2, 1, 0], ["arithmetic mean", "geometric mean", "full network"])
        self._line = moving(ax.axvline(0, color="#111111", lw=1))
        self._dots = []
        for k, (name, marker, color) in enumerate(self.ROWS):
            (old,) = ax.plot([], [], marker, color=GHOST, ms=7, clip_on=False)
            (dot,) = ax.plot([], [], marker, color=color, ms=9, mec="white", clip_on=False)
            for artist in (old, dot):
                artist.set_in_layout(False)
            self._dots.append((name, 2 - k, moving(old), moving(dot)))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.arithmetic`, `result.geometric` and `result.full`; a line goes up from the last."""
        self._line.set_xdata([result.full, result.full])
        for name, y, old, dot in self._dots:
            dot.set_data([getattr(result, name)], [y])
            old.set_data(*([], []) if before is None else ([getattr(before, name)], [y]))


# Inverted dropout, step by step ---------------------------------------------------------------------


class HeatMapsView:
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
            cmap = colormaps["gray" if title == "mask D, black: 0" else "Blues"].resampled(16)
            image = ax.imshow(
                np.zeros((n_units, m)), cmap=cmap, extent=(0.5, m + 0.5, n_units + 0.5, 0.5), aspect="auto"
            )
            if title != "mask D, black: 0":
                image.set_norm(PowerNorm(0.5))  # most activations are small
            self._images.append(moving(image))
            frame = moving(Rectangle((0, 0.5), 1, n_units, fill=False, ec=ACCENT, lw=2))
            ax.add_patch(frame)
            self._frames.append(frame)
            ax.set_title(title or " ", fontsize=10.5)
        axes[0].set_ylabel("unit of layer 1")
        self._last_title = axes[3].title
        moving(self._last_title)

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.A`, `result.D`, `result.kept` and `result.out`, each (n_units, m)."""
        for image, name in zip(self._images, ("A", "D", "kept", "out"), strict=True):
            image.set_data(getattr(result, name))
            image.set_clim(0, 1 if name == "D" else 2 * result.A.max())
        for frame in self._frames:
            frame.set_x(result.example - 0.5)
        self._last_title.set_text(self._what_goes_on(result))

    def _what_goes_on(self, result: Any) -> str:
        if result.testing:
            return "goes on: A p" if result.rule.startswith("original") else "goes on: A"
        divided = not result.rule.startswith(("forgot", "original"))
        return "goes on: A ∘ D / p" if divided else "goes on: A ∘ D"


class DiagramView:
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
        (self._off,) = ax.plot([], [], "X", color=DEV, mec="white", mew=0.6, ms=11, zorder=3)
        moving(self._off)
        key(
            ax,
            ("✖ off for this example", DEV),
            ("━ w > 0", "#444444"),
            ("━ w < 0", TRAIN),
        )

    def update(self, result: Any, before: Any | None) -> None:
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


class NextLayerView:
    """Z of the next layer: its mean over masks in training against its value at test time."""

    def __init__(self, ax: Axes, limit: float) -> None:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xlabel="Z of layer 2 at test time")
        ax.set_ylabel("mean over masks in training")
        self._limit = limit
        moving(ax.plot([-limit, limit], [-limit, limit], color="#333333", lw=1)[0])
        (self._before,) = ax.plot([], [], "o", color=LIGHT_GREY, ms=4, mec=GHOST, mew=0.5)
        (self._dots,) = ax.plot([], [], "o", color=TRAIN, ms=4.5, mec="white", mew=0.4)
        for artist in (self._before, self._dots):
            moving(artist)
        key(ax, ("● a unit, an example", TRAIN), ("● before", "#777777"), ("— equal", "#333333"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.Z_mean` against `result.Z_test`; what lies outside stands at the edge."""
        for dots, shown in ((self._dots, result), (self._before, before)):
            if shown is None:
                dots.set_data([], [])
            else:
                edge = 0.985 * self._limit
                dots.set_data(*(np.clip(Z, -edge, edge).ravel() for Z in (shown.Z_test, shown.Z_mean)))


class RuleLossView:
    """Dev loss of networks that were trained with a rule for the mask, over keep_prob."""

    LOW, HIGH = 0.1, 4.0

    def __init__(self, ax: Axes, shares: Sequence[float], reference: str) -> None:
        ax.set(yscale="log", xlim=(0.05, 1.05), ylim=(self.LOW, self.HIGH), xlabel="keep_prob in training")
        ax.set_ylabel("dev loss at test time")
        ax.set_xticks([0.2, 0.4, 0.6, 0.8, 1.0])
        ax.set_yticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
        ax.minorticks_off()
        self._shares, self._reference = shares, reference
        (self._before,) = ax.plot([], [], "--", color=GHOST, lw=1.5)
        (self._right,) = ax.plot([], [], "-", color="#333333", lw=1.2)
        self._cursor = ax.axvline(1, color=ACCENT, lw=2)
        (self._line,) = ax.plot([], [], "s--", color=DEV)
        for artist in (self._before, self._right, self._cursor, self._line):
            moving(artist)
        key(ax, ("■-- this rule", DEV), ("— inverted", "#333333"), ("┃ your p", ACCENT))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.dev_loss`, from rule to a curve, for `result.rule` and for the reference."""
        for line, rule, shown in (
            (self._line, result.rule, result),
            (self._right, self._reference, result),
            (self._before, None if before is None else before.rule, before),
        ):
            curve = [] if shown is None else np.clip(shown.dev_loss[rule], self.LOW, self.HIGH)
            line.set_data(self._shares[: len(curve)], curve)
        self._cursor.set_xdata([result.keep_prob] * 2)


# keep_prob for each layer ---------------------------------------------------------------------------


class SubnetworkMapsView:
    """Decision maps of six subnetworks, in two rows."""

    def __init__(self, ax: Axes, side: int) -> None:
        ax.set(xticks=[], yticks=[])
        ax.set_axis_off()
        self._side = side
        self._image = moving(ax.imshow(np.ones((2, 2, 3)), extent=(0, 3, 0, 2), aspect="equal"))
        ax.text(1.5, -0.06, "six subnetworks, one mask each", ha="center", va="top", color="#444444")

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.tiles`, (6, side, side) probabilities of class 1."""
        n = self._side + 2
        sheet = np.ones((2, n, 3, n, 3))
        for k, tile in enumerate(np.round(12 * result.tiles) / 12):  # few colors: the frame is sent with 256
            sheet[k // 3, 1:-1, k % 3, 1:-1] = blend(np.stack([1 - tile, tile], axis=-1))[::-1]
        self._image.set_data(sheet.reshape(2 * n, 3 * n, 3))


class DevLossPlaneView:
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
        bar.outline.set_visible(False)
        (self._before,) = ax.plot([], [], "s", mfc="none", mec=GHOST, ms=11, mew=2)
        (self._best,) = ax.plot([], [], "*", color="white", mec="#222222", ms=12, mew=0.8)
        (self._ground,) = ax.plot([], [], "s", mfc="none", mec="white", ms=14, mew=5)
        (self._here,) = ax.plot([], [], "s", mfc="none", mec="#222222", ms=14, mew=2.5)
        for artist in (self._before, self._best, self._ground, self._here):
            moving(artist)
        key(
            ax,
            ("dev loss", "#444444"),
            ("□ yours", "#222222"),
            ("□ before", "#777777"),
            ("★ lowest", "#444444"),
        )

    def update(self, result: Any, before: Any | None) -> None:
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


class CostView:
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

    def update(self, result: Any, before: Any | None) -> None:
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


class WeightsView:
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

    def update(self, result: Any, before: Any | None) -> None:
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

"""The views of the playground beside its drawing: map, curves, layers, weights, confusion matrix."""

import warnings
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from dlhelpers.labs.playground.drawing import NetworkView, colored, short
from dlhelpers.labs.playground.frame import KEPT, Frame
from dlhelpers.labs.playground.geometry import Unit
from dlhelpers.labs.playground.pointer import DRAWING, PLANE
from dlhelpers.plots.decision_regions import CLASS_COLORS, GLYPHS, MARKERS, DecisionView, MessageView
from dlhelpers.plots.style import ACCENT, DEV, GHOST, LIGHT_BLUE, TEST, TRAIN, View, key, moving, note
from dlhelpers.plots.tiles import Tiles, Word, Words
from dlhelpers.typing import FloatArray


class CurveView(View[Frame]):
    """One quantity over the steps, on the training, dev and test set, with marks where a setting changed.

    Runs that were kept are grey, with their letter at the end; a line shows the step that is looked at.
    """

    def __init__(self, ax: Axes, name: str, limits: tuple[float, float], log: bool) -> None:
        ax.set(xlim=(0, 100), ylim=limits, xlabel="step", ylabel=name)
        ax.locator_params(axis="x", nbins=5)
        ax.xaxis.set_major_formatter(lambda step, _: f"{step:.0f}" if step < 10_000 else f"{step / 1000:g}k")
        if log:
            ax.set_yscale("log")
        self._ax, self._name = ax, name
        self._ghosts = [_two_lines(ax, GHOST, GHOST, lw=1.2) for _ in range(KEPT)]
        self._names = [moving(ax.plot([], [], color="#777777", ls="")[0]) for _ in range(KEPT)]
        self._written, self._widths = [""] * KEPT, [0.0] * KEPT
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=1.5))
        (self._changes,) = ax.plot([], [], "|", color="#222222", ms=9, mew=1.4, clip_on=False)
        moving(self._changes).set_in_layout(False)
        self._lines = _two_lines(ax, TRAIN, DEV, lw=1.8)
        self._test = moving(ax.plot([], [], ":", color=TEST, lw=1.8)[0])
        names = (("— train", TRAIN), ("- - dev", DEV), ("grey: before", "#777777"), ("··· test", TEST))
        self._test_name = key(ax, *names)[-1]

    def update(self, result: Frame, before: Frame | None) -> None:
        """Show `result.curves`, a dict of arrays, `result.kept`, `result.changes` and `result.looked_at`."""
        runs = [result.curves, *(run.curves for run in result.kept)]
        end = _round_up(max(100, *(curves["step"][-1] for curves in runs)))
        if self._ax.get_xlim()[1] != end:
            self._ax.set_xlim(0, end)
        if self._ax.get_yscale() == "log":
            losses = [curves[f"train_{self._name}"] for curves in runs]
            limits = _decades(np.concatenate(losses))
            if self._ax.get_ylim() != limits:
                self._ax.set_ylim(limits)
        self._draw(self._lines, result.curves)
        for artist in (self._test, self._test_name):
            if artist.get_visible() != bool(result.n_test):
                artist.set_visible(bool(result.n_test))
        if result.n_test:
            self._set(self._test, result.curves, "test")
        taken: list[tuple[float, float]] = []
        points_across = 72 * self._ax.bbox.width / self._ax.figure.dpi
        for i, (lines, name) in enumerate(zip(self._ghosts, self._names, strict=True)):
            seen = i < len(result.kept)
            for artist in (*lines, name):
                artist.set_visible(seen)  # what is empty takes time too
            if seen:
                kept = result.kept[i]
                dev = self._draw(lines, kept.curves)
                if self._written[i] != kept.name:
                    self._written[i] = kept.name
                    self._widths[i] = write(name, kept.name)
                width = end * self._widths[i] / points_across
                place = min(kept.curves["step"][-1], 0.985 * end)
                for left, right in sorted(taken, reverse=True):  # side by side, each on its own curve
                    if place > left and place - width < right:
                        place = left
                taken.append((place - width, place))
                name.set_data([place], [np.interp(place, kept.curves["step"], dev)])
        self._changes.set_data(result.changes, np.full(len(result.changes), self._ax.get_ylim()[0]))
        self._cursor.set_visible(result.looked_at is not None)
        if result.looked_at is not None:
            self._cursor.set_xdata([result.looked_at.step] * 2)

    def _draw(self, lines: tuple[Line2D, Line2D], curves: Mapping[str, FloatArray]) -> FloatArray:
        """Set the two lines; return the values of the second one."""
        train, dev = lines
        self._set(train, curves, "train")
        return self._set(dev, curves, "dev")

    def _set(self, line: Line2D, curves: Mapping[str, FloatArray], part: str) -> FloatArray:
        """Set a line to the quantity of a set; return its values."""
        values: FloatArray = np.clip(curves[f"{part}_{self._name}"], *self._ax.get_ylim())
        line.set_data(curves["step"], values)
        return values


def write(mark: Line2D, name: str) -> float:
    """Let the marker of a line be a name that ends a little above its place: faster than a text.

    Return how many points wide it is, with a gap to the next name.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the font may lack a letter
        path = TextPath((0, 0), name.replace("$", r"\$"), size=9)
    box = path.get_extents()
    moved = Path(path.vertices - [box.x1, box.y0 - 3], path.codes)
    mark.set_marker(moved)
    mark.set(ms=2 * float(np.abs(moved.vertices).max()), mew=0)
    return float(box.width) + 5


def _two_lines(ax: Axes, first: str, second: str, lw: float) -> tuple[Line2D, Line2D]:
    """Return a solid and a dashed line, for training and dev set."""
    (train,) = ax.plot([], [], color=first, lw=lw)
    (dev,) = ax.plot([], [], "--", color=second, lw=lw)
    return moving(train), moving(dev)


def _round_up(step: float) -> float:
    """Return the next of 100, 200, 500, 1000, ..., so that the axis does not move in every frame."""
    power = 10 ** np.floor(np.log10(step))
    return float(next(power * n for n in (1, 2, 5, 10) if power * n >= step))


LOWEST, HIGHEST = 1e-8, 1e6
"""Where the axis of the loss ends at the latest."""


def _decades(losses: FloatArray) -> tuple[float, float]:
    """Return the powers of ten around losses: `LOWEST` to 1e-3 below them, 10 to `HIGHEST` above."""
    low, high = np.log10(np.fmax([np.fmin.reduce(losses), np.fmax.reduce(losses)], LOWEST))  # without NaN
    lowest, highest = np.log10([LOWEST, HIGHEST])
    return float(10 ** np.clip(np.floor(low), lowest, -3)), float(10 ** np.clip(np.ceil(high), 1, highest))


class LayersView(View[Frame]):
    """Root mean square of weights, gradients and steps of each layer, on one log axis."""

    LOW, HIGH = 1e-8, 1e3

    def __init__(self, ax: Axes) -> None:
        ax.set(ylim=(self.LOW, self.HIGH), xlabel="layer", ylabel="root mean square")
        ax.set(yscale="log", xticks=range(1, 8))
        self._ax = ax
        self._rows = [
            moving(ax.plot([], [], marker, color=color, ms=7, mec="white", mew=0.6, ls=":", lw=1)[0])
            for marker, color in (("s", TRAIN), ("o", DEV), ("^", "#009E73"))
        ]
        key(ax, ("■ weights", TRAIN), ("● gradients", DEV), ("▲ steps", "#009E73"))

    def update(self, result: Frame, before: Frame | None) -> None:
        """Show `result.weights`, `result.gradients` and `result.steps`, each (n_layers,)."""
        if self._ax.get_xlim()[1] != len(result.weights) + 0.5:
            self._ax.set_xlim(0.5, len(result.weights) + 0.5)
        for row, values in zip(self._rows, (result.weights, result.gradients, result.steps), strict=True):
            row.set_data(np.arange(1, len(values) + 1), np.clip(values, self.LOW, self.HIGH))


class WeightsView(View[Frame]):
    """How the weights of each layer are distributed: a histogram for each layer, above its number."""

    LIMIT = 3.0
    BINS = np.linspace(-LIMIT, LIMIT, 42)

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-self.LIMIT, self.LIMIT), yticks=range(1, 8))
        ax.set(xlabel="weight (at the ends: and beyond)", ylabel="layer")
        self._ax = ax
        self._shapes = moving(PolyCollection([], facecolor=LIGHT_BLUE, edgecolor=TRAIN, lw=0.8))
        ax.add_collection(self._shapes, autolim=False)
        key(ax, ("height: share of the layer's weights", "#444444"))

    def update(self, result: Frame, before: Frame | None) -> None:
        """Show `result.layer_weights`, an array of weights for each layer."""
        if self._ax.get_ylim()[1] != len(result.layer_weights) + 1:
            self._ax.set_ylim(0.9, len(result.layer_weights) + 1)
        inside = [np.clip(W.ravel(), -self.LIMIT, self.LIMIT) for W in result.layer_weights]
        counts = [np.histogram(W, self.BINS)[0] for W in inside]
        edges = np.repeat(self.BINS, 2)
        heights = [np.concatenate([[0], np.repeat(n / n.max(), 2), [0]]) for n in counts]
        self._shapes.set_verts(
            [np.stack([edges, i + 0.9 * height], axis=1) for i, height in enumerate(heights, start=1)]
        )


NAMED = 3
"""Classes whose names have room below the confusion matrix; the pointer reads all."""


class ConfusionView(View[Frame]):
    """How often each class was taken for each other, on the dev set."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlabel="predicted class, dev set", ylabel="labeled class")
        ax.grid(visible=False)
        self._ax = ax
        self._picture = moving(
            ax.imshow(np.zeros((2, 2)), cmap="Blues", vmin=0, vmax=1, aspect="auto", extent=(0, 1, 1, 0))
        )
        self._counts = moving(Words(fontsize=9))
        ax.add_artist(self._counts)
        self._shown: tuple[int, tuple[str, ...]] = (0, ())

    def update(self, result: Frame, before: Frame | None) -> None:
        """Show `result.confusion`, (n_classes, n_classes) counts; rows are the labels."""
        counts = result.confusion
        n = len(counts)
        if self._shown != (n, result.class_names):
            self._shown = n, result.class_names
            ticks = np.arange(n) + 0.5
            self._picture.set_extent((0, n, n, 0))
            self._ax.set(xlim=(0, n), ylim=(n, 0), xticks=ticks, yticks=ticks)
            numbers = [str(k) for k in range(n)]
            below = [f" {short(name, 8)}" for name in result.class_names] or numbers
            for axis, names in (
                (self._ax.xaxis, below if n <= NAMED else numbers),
                (self._ax.yaxis, [""] * n if result.class_names else numbers),  # there is no room for names
            ):
                axis.set_ticklabels([f"{GLYPHS[k]}{names[k]}" for k in range(n)], parse_math=False)
                for label, color in zip(axis.get_ticklabels(), CLASS_COLORS, strict=False):
                    label.set_color(color)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        self._picture.set_data(shares)
        words = []
        for row, column in np.argwhere(counts) if not result.playing else ():  # they take time
            color = "white" if shares[row, column] > 0.6 else "#222222"
            words.append(Word(column + 0.5, row + 0.5, str(counts[row, column]), color))
        self._counts.set_words(words)


PANELS: Mapping[str, Callable[[Axes], View[Frame]]] = {
    "loss": partial(CurveView, name="loss", limits=(1e-3, 10), log=True),
    "accuracy": partial(CurveView, name="accuracy", limits=(0, 1.02), log=False),
    "layers": LayersView,
    "weights": WeightsView,
    "confusion matrix": ConfusionView,
}


class SidePanel(View[Frame]):
    """The panel on the right, which shows one of `PANELS` at a time, in axes of its own."""

    def __init__(self, figure: Figure, place: SubplotSpec) -> None:
        self._axes = {name: figure.add_subplot(place, label=name) for name in PANELS}
        self.views = {name: PANELS[name](ax) for name, ax in self._axes.items()}
        self._shown = ""
        self._choose("loss")

    def _choose(self, name: str) -> None:
        if name != self._shown:
            self._shown = name
            for each, ax in self._axes.items():
                ax.set_visible(each == name)

    def update(self, result: Frame, before: Frame | None) -> None:
        """Show the panel that `result.panel` names."""
        self._choose(result.panel)
        self.views[result.panel].update(result, before)


class LargeUnitView(View[Frame]):
    """In the place of the map, what the chosen unit answers in the plane; the examples stay."""

    def __init__(self, ax: Axes) -> None:
        self._picture = moving(Tiles(smooth=True, zorder=0.5))
        ax.add_artist(self._picture)
        self._name = note(ax, 0.02, 0.02, transform=ax.transAxes, ha="left", va="bottom", zorder=9)

    def update(self, result: Frame, before: Frame | None) -> None:
        """Show `result.large`, or nothing."""
        for artist in (self._picture, self._name):
            artist.set_visible(result.large is not None)
        if result.large is not None and isinstance(result.chosen, Unit):
            self._picture.set_pictures(colored(result.large[np.newaxis]))
            self._picture.place(np.full((1, 2), -result.limit), 2 * result.limit)
            self._name.set_text(result.geometry.name(result.chosen))


class AddedView(View[Frame]):
    """The points that were added by hand, larger and with a dark edge; the one that is held has a ring."""

    def __init__(self, ax: Axes) -> None:
        self._marks = [
            moving(ax.plot([], [], MARKERS[k], color=CLASS_COLORS[k], ms=8, mec="#222222", mew=1.4)[0])
            for k in range(10)
        ]
        self._ring = moving(ax.plot([], [], "o", mfc="none", mec=ACCENT, ms=15, mew=2.2)[0])

    def update(self, result: Frame, before: Frame | None) -> None:
        """Show `result.settings.added` and `result.held`."""
        added = result.settings.added
        for k, mark in enumerate(self._marks):
            places = [point[:2] for point in added if point[2] == k]
            mark.set_data(*np.array(places).reshape(-1, 2).T)
            mark.set_visible(bool(places))  # what is empty takes time too
        self._ring.set_visible(result.held is not None)
        if result.held is not None:
            x, y, _ = added[result.held]
            self._ring.set_data([x], [y])


def playground_views(figure: Figure) -> list[View[Frame]]:
    """Return all views of the playground, laid out on a figure: drawing, map, and one panel more."""
    grid = figure.add_gridspec(1, 3, width_ratios=(1.2, 1.05, 0.85))
    drawing, plane = (figure.add_subplot(grid[0, k], label=label) for k, label in enumerate((DRAWING, PLANE)))
    return [
        NetworkView(drawing),
        DecisionView(plane),
        LargeUnitView(plane),
        AddedView(plane),
        SidePanel(figure, grid[0, 2]),
        MessageView(plane),
    ]

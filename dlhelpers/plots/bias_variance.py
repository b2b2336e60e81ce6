"""Views of notebook 01: dev sets, bias and variance, diagnosis."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from dlhelpers.bias_variance import REMEDIES, Diagnosis, standard_error
from dlhelpers.plots.style import (
    ACCENT,
    DEV,
    GHOST,
    LIGHT_BLUE,
    LIGHT_GREY,
    LIGHT_ORANGE,
    TEST,
    TRAIN,
    key,
    moving,
    note,
)
from dlhelpers.typing import FloatArray


class FitsView:
    """Many fits to resampled data, their mean, the truth, and one of the training sets.

    Parameters
    ----------
    ax : Axes
    x : (n,) float array
        Where the fits are drawn, ascending.
    limit : float
        The y axis reaches from -limit to limit.
    """

    def __init__(self, ax: Axes, x: FloatArray, limit: float = 2.0) -> None:
        ax.set(xlim=(-1, 1), ylim=(-limit, limit), xlabel="x", ylabel="y")
        self._x = x
        (self._fits,) = ax.plot([], [], color=LIGHT_BLUE, lw=0.7)
        (self._before,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._points,) = ax.plot([], [], "o", color=GHOST, ms=4, mec="white", mew=0.5)
        (self._truth,) = ax.plot([], [], ":", color=TEST, lw=2.5)
        (self._mean,) = ax.plot([], [], color=TRAIN, lw=2.5)
        for artist in (self._fits, self._before, self._points, self._truth, self._mean):
            moving(artist)
        key(
            ax,
            ("— 50 fits", "#4a90c4"),
            ("━ mean", TRAIN),
            ("┅ truth f(x)", TEST),
            ("● one training set", "#777777"),
            ("— before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.curves` (K, n), `result.truth` (n,), `result.x_train` and `result.y_train` (m,)."""
        gap = np.full((len(result.curves), 1), np.nan)
        self._fits.set_data(
            np.tile(np.append(self._x, np.nan), len(result.curves)), np.hstack([result.curves, gap]).ravel()
        )
        self._mean.set_data(self._x, result.curves.mean(axis=0))
        self._truth.set_data(self._x, result.truth)
        self._points.set_data(result.x_train, result.y_train)
        self._before.set_data(self._x, np.nan * self._x if before is None else before.curves.mean(axis=0))


class ErrorStackView:
    """Bias^2, variance and noise as stacked bars over capacity, and the measured test error as dots.

    A bar that is higher than the axes gets a triangle at the top edge.
    """

    def __init__(self, ax: Axes, capacities: Sequence[int], top: float = 1.0) -> None:
        ax.set(
            xlim=(capacities[0] - 0.6, capacities[-1] + 0.6),
            ylim=(0, top),
            xticks=list(capacities),
            xlabel="polynomial degree, or hidden units",
            ylabel="squared error",
        )
        ax.grid(axis="x", visible=False)
        self._top = top
        self._parts = [
            moving(PolyCollection([], facecolor=color, edgecolor="white", lw=0.5, hatch=hatch))
            for color, hatch in ((LIGHT_GREY, ".."), (LIGHT_ORANGE, "//"), (LIGHT_BLUE, ""))
        ]
        for part in self._parts:
            ax.add_collection(part, autolim=False)
        (self._before,) = ax.plot([], [], "_", color=GHOST, ms=14, mew=2)
        (self._measured,) = ax.plot([], [], "o", color=TEST, ms=5)
        (self._off,) = ax.plot([], [], "^", color=TEST, ms=8, clip_on=False)
        self._cursor = PolyCollection([], facecolor="none", edgecolor=ACCENT, lw=2.5)
        ax.add_collection(self._cursor, autolim=False)
        key(
            ax,
            ("■ bias²", "#2b7bba"),
            ("▨ variance", "#c06f1e"),
            ("▩ noise", "#777777"),
            ("● measured error", TEST),
            ("━ before", "#777777"),
        )
        for artist in (self._before, self._measured, self._off, self._cursor):
            moving(artist)

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.curve`, a dict from capacity to Decomposition, and mark `result.capacity`."""
        capacities = list(result.curve)
        parts = result.curve.values()
        floor = np.zeros(len(parts))
        for collection, name in zip(self._parts, ("noise", "variance", "bias2"), strict=True):
            height = np.array([getattr(part, name) for part in parts])
            collection.set_verts(_bars(capacities, floor, floor + height))
            floor = floor + height
        errors = np.array([part.test_error for part in parts])
        self._measured.set_data(capacities, errors)
        off = [c for c, error in zip(capacities, errors, strict=True) if error > self._top]
        self._off.set_data(off, np.full(len(off), 0.985 * self._top))
        here = result.curve[result.capacity]
        self._cursor.set_verts(_bars([result.capacity], np.zeros(1), np.array([min(here.total, self._top)])))
        old = {} if before is None else before.curve
        self._before.set_data(list(old), [part.test_error for part in old.values()])


def _bars(x: Sequence[float], low: FloatArray, high: FloatArray) -> list[FloatArray]:
    """Return the corners of upright bars of width 0.8, clipped where they would be too large to draw."""
    high = np.minimum(high, 1e6)
    return [
        np.array([(c - 0.4, lo), (c - 0.4, hi), (c + 0.4, hi), (c + 0.4, lo)])
        for c, lo, hi in zip(x, np.minimum(low, 1e6), high, strict=True)
    ]


class DevScoresView:
    """The dev accuracy of each model as a dot; the winner, and its fall to its test accuracy.

    Parameters
    ----------
    ax : Axes
    most : int
        Models that there can be.
    """

    def __init__(self, ax: Axes, most: int) -> None:
        ax.set(xlim=(0, 1), ylim=(55, 100), xticks=[], xlabel="models, in no order")
        ax.set_ylabel("accuracy, %")
        self._x = 0.05 + 0.75 * np.random.default_rng(0).random(most)
        self._truth = moving(ax.axhline(80, color=GHOST, lw=1.5))
        (self._dots,) = ax.plot([], [], "o", color=DEV, ms=3.5, mec="none", alpha=0.6)
        (self._fall,) = ax.plot([], [], color="#222222", lw=1.5)
        (self._winner,) = ax.plot([], [], "*", color=DEV, ms=17, mec="white")
        (self._test,) = ax.plot([], [], "s", color=TEST, ms=8, mec="white")
        (self._before,) = ax.plot([], [], "*", color=GHOST, ms=14, mec="white")
        for artist in (self._dots, self._fall, self._before, self._winner, self._test):
            moving(artist)
        key(
            ax,
            ("● dev", DEV),
            ("★ winner on dev", DEV),
            ("■ the winner on test", TEST),
            ("★ before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show the first `result.models` models of `result.selection`."""
        k, scores = result.models, result.selection
        winner = scores.winners[k - 1]
        dev, test = 100 * scores.dev[winner], 100 * scores.test[winner]
        self._dots.set_data(self._x[:k], 100 * scores.dev[:k])
        self._winner.set_data([0.9], [dev])
        self._test.set_data([0.9], [test])
        self._fall.set_data([0.9, 0.9], [dev, test])
        old = (
            []
            if before is None
            else [100 * before.selection.dev[before.selection.winners[before.models - 1]]]
        )
        self._before.set_data([0.96] * len(old), old)


class WinnerCurveView:
    """Dev and test accuracy of the winner among the first k models, over k."""

    def __init__(self, ax: Axes, most: int) -> None:
        ax.set(xscale="log", xlim=(1, 1.1 * most), ylim=(55, 100))
        ax.set(xlabel="models k to choose from", ylabel="accuracy of the winner, %")
        ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
        self._k = np.arange(1, most + 1)
        moving(ax.axhline(80, color=GHOST, lw=1.5))
        (self._before,) = ax.plot([], [], "--", color=GHOST, drawstyle="steps-post")
        (self._dev,) = ax.plot([], [], "--", color=DEV, drawstyle="steps-post")
        (self._test,) = ax.plot([], [], ":", color=TEST, drawstyle="steps-post")
        self._cursor = ax.axvline(1, color=ACCENT, lw=2)
        for artist in (self._before, self._dev, self._test, self._cursor):
            moving(artist)
        key(
            ax,
            ("┅ on dev", DEV),
            ("··· on test", TEST),
            ("— true: 80%", "#777777"),
            ("┃ your k", ACCENT),
            ("┅ before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show the curves of `result.selection` and the cursor at `result.models`."""
        scores = result.selection
        self._dev.set_data(self._k, 100 * scores.dev[scores.winners])
        self._test.set_data(self._k, 100 * scores.test[scores.winners])
        self._cursor.set_xdata([result.models, result.models])
        old = None if before is None else before.selection
        self._before.set_data(self._k, self._k * np.nan if old is None else 100 * old.dev[old.winners])


class PartsView:
    """The training, dev and test part of a data set, as one bar with counts."""

    def __init__(self, ax: Axes, m: int) -> None:
        ax.set(xlim=(0, m), ylim=(-0.5, 0.5), yticks=[], xlabel="images")
        ax.grid(visible=False)
        ax.spines["left"].set_visible(False)
        self._bars = [
            moving(ax.barh([0], [0], height=0.9, color=color, hatch=hatch, edgecolor="white")[0])
            for color, hatch in ((TRAIN, ""), (DEV, "//"), (TEST, ".."))
        ]
        self._counts = moving(ax.text(m, 0.72, "", ha="right", fontsize=10, fontweight="bold"))
        key(ax, ("■ train", TRAIN), ("▨ dev", DEV), ("▩ test", TEST))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.n_train`, `result.n_dev` and `result.n_test`."""
        left = 0
        for bar, n in zip(self._bars, (result.n_train, result.n_dev, result.n_test), strict=True):
            bar.set_x(left)
            bar.set_width(n)
            left += n
        self._counts.set_text(f"{result.n_train:,} + {result.n_dev:,} + {result.n_test:,} images")


class ErrorScatterView:
    """Errors on the dev and the test part of many random splits, with one standard error to each side."""

    def __init__(self, ax: Axes, repeats: int, right: float = 17.5) -> None:
        ax.set(xlim=(-0.4, right), ylim=(-0.6, 1.6), xlabel="measured error, %")
        ax.set_yticks([0, 1], ["test", "dev"])
        ax.grid(axis="y", visible=False)
        self._jitter = 0.8 * np.random.default_rng(0).random(repeats) - 0.4
        self._rows = []
        for y, color, style in ((1, DEV, "o"), (0, TEST, "s")):
            (dots,) = ax.plot([], [], style, color=color, ms=4, mec="none", alpha=0.4)
            (old,) = ax.plot([], [], color=GHOST, lw=4, solid_capstyle="butt")
            (span,) = ax.plot([], [], "|-", color="#222222", lw=2, ms=16, mew=2)
            self._rows.append((y, moving(dots), moving(old), moving(span)))
        key(
            ax,
            ("● one random split", DEV),
            ("├┤ mean ± standard error (1)", "#222222"),
            ("━ before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.dev` and `result.test`, (repeats,) errors as fractions."""
        for (y, dots, old, span), name in zip(self._rows, ("dev", "test"), strict=True):
            errors = 100 * getattr(result, name)
            dots.set_data(errors, y + self._jitter)
            span.set_data(_one_error_around_mean(result, name), [y, y])
            past = [] if before is None else _one_error_around_mean(before, name)
            old.set_data(past, [y - 0.5] * len(past))


def _one_error_around_mean(result: Any, name: str) -> list[float]:
    errors, n = getattr(result, name), getattr(result, f"n_{name}")
    center, width = 100 * errors.mean(), 100 * float(standard_error(errors.mean(), n))
    return [max(center - width, 0.0), center + width]


class GapsView:
    """Errors as bars from left to right, with the gap between neighbors written between them.

    Parameters
    ----------
    ax : Axes
    names : sequence of str
        Of the bars.
    gaps : sequence of str
        Of the gaps between them: one less.
    top : float
        Upper end of the axis, percent.
    """

    def __init__(self, ax: Axes, names: Sequence[str], gaps: Sequence[str], top: float) -> None:
        ax.set(xlim=(-0.6, len(names) - 0.4), ylim=(0, top), ylabel="error, %")
        ax.set_xticks(range(len(names)), names)
        ax.grid(axis="x", visible=False)
        colors = {"base": LIGHT_GREY, "train": TRAIN, "train-dev": LIGHT_BLUE, "dev": DEV, "test": "#444444"}
        self._bars = [
            moving(ax.bar([i], [0], width=0.62, color=colors[name], zorder=2)[0])
            for i, name in enumerate(names)
        ]
        (self._before,) = ax.plot([], [], "_", color=GHOST, ms=9, mew=3, zorder=5)
        moving(self._before)
        self._gap_names, self._top = gaps, top
        style: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 10, "zorder": 4}
        self._heights = [moving(ax.text(i, 0, "", fontweight="bold", **style)) for i in range(len(names))]
        self._gaps = [note(ax, i + 0.5, 0, **style) for i in range(len(gaps))]
        key(ax, ("with sign: the gap, in points", "#222222"), ("━ before", "#777777"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.errors`, a sequence of fractions."""
        errors = [100 * error for error in result.errors]
        for i, (bar, height, error) in enumerate(zip(self._bars, self._heights, errors, strict=True)):
            bar.set_height(error)
            height.set_position((i, min(error + 0.01 * self._top, 0.94 * self._top)))
            height.set_text(f"{error:.1f}")
        for i, (gap, name) in enumerate(zip(self._gaps, self._gap_names, strict=True)):
            gap.set_position(
                (i + 0.5, min(max(errors[i], errors[i + 1]) + 0.08 * self._top, 0.84 * self._top))
            )
            gap.set_text(f"{name}\n{errors[i + 1] - errors[i]:+.1f}")
        old = [] if before is None else [100 * error for error in before.errors]
        self._before.set_data([i - 0.4 for i in range(len(old))], old)


class QuadrantView:
    """The 2 x 2 of high and low bias and variance, and where the errors put us in it."""

    def __init__(self, ax: Axes, low: float = -18.0, high: float = 42.0) -> None:
        ax.set(
            xlim=(low, high), ylim=(low, high), xlabel="train - base, points", ylabel="dev - train, points"
        )
        ax.grid(visible=False)
        self._low, self._high = low, high
        self._field = moving(PolyCollection([], facecolor=ACCENT, alpha=0.2, edgecolor="none"))
        ax.add_collection(self._field, autolim=False)
        self._x_edge = moving(ax.axvline(0, color="#777777", lw=1.2))
        self._y_edge = moving(ax.axhline(0, color="#777777", lw=1.2))
        (self._before,) = ax.plot([], [], "o", color=GHOST, ms=9)
        (self._point,) = ax.plot([], [], "o", color=ACCENT, ms=13, mec="white", mew=2)
        texts = (
            (low + 1, low + 1, "low bias\nlow variance", "left", "bottom"),
            (high - 1, low + 1, "high bias\nlow variance", "right", "bottom"),
            (low + 1, high - 1, "low bias\nhigh variance", "left", "top"),
            (high - 1, high - 1, "high bias\nhigh variance", "right", "top"),
        )
        for x, y, text, ha, va in texts:
            ax.text(x, y, text, ha=ha, va=va, fontsize=9, color="#333333")
        moving(self._before)
        moving(self._point)
        key(ax, ("● your network", ACCENT), ("● before", "#777777"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.diagnosis` and `result.threshold`, fractions."""
        edge, low, high = 100 * result.threshold, self._low, self._high
        found = result.diagnosis
        left, right = (edge, high) if found.high_bias else (low, edge)
        bottom, top = (edge, high) if found.high_variance else (low, edge)
        self._field.set_verts([np.array([(left, bottom), (left, top), (right, top), (right, bottom)])])
        self._x_edge.set_xdata([edge, edge])
        self._y_edge.set_ydata([edge, edge])
        self._point.set_data(*self._place(found))
        self._before.set_data(*([], []) if before is None else self._place(before.diagnosis))

    def _place(self, found: Diagnosis) -> tuple[list[float], list[float]]:
        """Return the point in percentage points, held inside the frame."""
        x, y = np.clip([100 * found.avoidable_bias, 100 * found.variance], self._low + 2, self._high - 2)
        return [float(x)], [float(y)]


class RemediesView:
    """The two lists of remedies; those that fit are marked and dark, the others pale.

    The texts stay while a list does; the canvas draws its background again when one lights up.
    """

    def __init__(self, ax: Axes) -> None:
        ax.set_axis_off()
        ax.set(xlim=(0, 1), ylim=(-14.2, 0.6))
        self._lists = {}
        y = 0.0
        for kind, remedies in REMEDIES.items():
            texts = [f"{kind.capitalize()}: try", *remedies]
            lines = [
                ax.text(0.05 * (i > 0), y - i, text, va="center", fontweight="normal" if i else "bold")
                for i, text in enumerate(texts)
            ]
            self._lists[kind] = list(zip(lines, texts, strict=True))
            y -= len(texts) + 0.8
        self._lit: dict[str, bool] = {}

    def update(self, result: Any, before: Any | None) -> None:
        """Light up the lists that `result.diagnosis` asks for."""
        found = result.diagnosis
        lit = {"high bias": found.high_bias, "high variance": found.high_variance}
        for kind, lines in self._lists.items():
            if self._lit.get(kind) == lit[kind]:
                continue
            for line, text in lines:
                line.set_text(("▸ " if lit[kind] else "   ") + text)
                line.set_color("#111111" if lit[kind] else "#767676")
        self._lit = lit


class TwoErrorsView:
    """Train and dev error over one quantity on a scale of powers of two, with a cursor."""

    def __init__(self, ax: Axes, name: str, ticks: Sequence[int], top: float = 100.0) -> None:
        ax.set_xscale("log", base=2)
        ax.set(xlim=(ticks[0] / 1.3, ticks[-1] * 1.3), ylim=(-2, top), xlabel=name, ylabel="error, %")
        ax.set_xticks(list(ticks), [str(tick) for tick in ticks])
        ax.minorticks_off()
        self._base = moving(ax.axhline(0, color="#222222", lw=1.2, ls="-."))
        (self._old_train,) = ax.plot([], [], "-", color=GHOST, lw=1.5)
        (self._old_dev,) = ax.plot([], [], "--", color=GHOST, lw=1.5)
        self._cursor = ax.axvline(ticks[0], color=ACCENT, lw=2)
        (self._train,) = ax.plot([], [], "o-", color=TRAIN)
        (self._dev,) = ax.plot([], [], "s--", color=DEV)
        for artist in (self._old_train, self._old_dev, self._cursor, self._train, self._dev):
            moving(artist)
        key(
            ax,
            ("●— train", TRAIN),
            ("■-- dev", DEV),
            ("-·- base", "#222222"),
            ("┃ your choice", ACCENT),
            ("— before", "#777777"),
        )

    def show(self, curve: Any, old: Any | None, at: float, base: float) -> None:
        """Show `curve`, triples of x, train and dev error as fractions, and the curve before it."""
        x, train, dev = curve
        self._train.set_data(x, 100 * train)
        self._dev.set_data(x, 100 * dev)
        x, train, dev = ([], np.zeros(0), np.zeros(0)) if old is None else old
        self._old_train.set_data(x, 100 * train)
        self._old_dev.set_data(x, 100 * dev)
        self._cursor.set_xdata([at, at])
        self._base.set_ydata([100 * base, 100 * base])


class OverExamplesView(TwoErrorsView):
    """Learning curves: errors over the number of training examples, at the chosen width."""

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.over_examples`."""
        old = None if before is None else before.over_examples
        self.show(result.over_examples, old, result.examples, result.base)


class OverWidthView(TwoErrorsView):
    """Errors over the number of hidden units, at the chosen number of examples."""

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.over_width`."""
        self.show(
            result.over_width, None if before is None else before.over_width, result.hidden, result.base
        )


class MismatchView:
    """Errors over the angle between the training images and those in use."""

    def __init__(self, ax: Axes, degrees: Sequence[float]) -> None:
        ax.set(xlim=(0, degrees[-1]), ylim=(-2, 100), xlabel="angle of dev and test images, degrees")
        ax.set_ylabel("error, %")
        ax.set_xticks(range(0, int(degrees[-1]) + 1, 15))
        self._lines = []
        for name, style, color in (
            ("train", "-", TRAIN),
            ("train_dev", "-.", "#4a90c4"),
            ("dev", "--", DEV),
            ("test", ":", TEST),
        ):
            (old,) = ax.plot([], [], style, color=GHOST, lw=1.2)
            (new,) = ax.plot([], [], style, color=color, lw=2.2)
            self._lines.append((name, moving(old), moving(new)))
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=2))
        key(
            ax,
            ("— train", TRAIN),
            ("-·- train-dev", "#4a90c4"),
            ("-- dev", DEV),
            ("··· test", TEST),
            ("┃ yours", ACCENT),
            ("— before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.curves`, a `MismatchErrors`, with the cursor at `result.degrees`."""
        curves = result.curves
        for name, old, new in self._lines:
            new.set_data(curves.degrees, 100 * getattr(curves, name))
            past = [] if before is None else 100 * getattr(before.curves, name)
            old.set_data(curves.degrees[: len(past)], past)
        self._cursor.set_xdata([result.degrees, result.degrees])


class DigitsView:
    """Two rows of the same images: as they are in training, and as they are in use."""

    def __init__(self, ax: Axes, n: int = 6) -> None:
        ax.set_axis_off()
        self._image = moving(ax.imshow(np.zeros((17, 9 * n - 1)), cmap="gray_r", vmin=0, vmax=1))
        self._n = n
        key(ax, ("above: as in training    below: as in use", "#222222"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.trained_on` and `result.used_on`, each (at least n, 64)."""
        sheet = np.zeros((17, 9 * self._n - 1))
        for top, images in ((0, result.trained_on), (9, result.used_on)):
            for i in range(self._n):
                sheet[top : top + 8, 9 * i : 9 * i + 8] = images[i].reshape(8, 8)
        self._image.set_data(sheet)

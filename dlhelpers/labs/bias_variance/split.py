"""The lab *How large must the dev and the test set be?*: the same split, again and again."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.bias_variance import standard_error
from dlhelpers.datasets import digits
from dlhelpers.experiments import SplitErrors, neighbor_order, split_errors
from dlhelpers.live.controls import real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import DEV, GHOST, TEST, TRAIN, View, key, moving
from dlhelpers.typing import FloatArray, IntArray

REPEATS = 64


class Splits(NamedTuple):
    """The errors of many splits by the same percentages."""

    errors: SplitErrors

    @property
    def finding(self) -> str:
        """Return the scatter of the dev error, measured and predicted."""
        dev = self.errors.dev
        predicted = float(standard_error(dev.mean(), self.errors.n_dev))
        return (
            f"Dev error {dev.mean():.1%}, scatter {100 * dev.std():.1f} points; "
            f"(1) predicts {100 * predicted:.1f}"
        )

    @property
    def caption(self) -> str:
        """Say how far the errors of single splits lie apart."""
        n_train, n_dev, n_test, dev, test = self.errors
        low, high = np.quantile(dev, [0.05, 0.95])
        return (
            f"Training on {n_train:,} images leaves {n_dev:,} for dev and {n_test:,} for test. "
            f"One image more or less wrong changes the dev error by {100 / n_dev:.1f} points. "
            f"In 90% of {len(dev)} random splits the dev error lies between {low:.1%} and {high:.1%}; "
            f"the mean test error is {test.mean():.1%}, with a standard deviation of "
            f"{100 * test.std():.1f} points." + _too_few(self.errors)
        )


def _too_few(errors: SplitErrors) -> str:
    expected = float(errors.dev.mean() * errors.n_dev)
    if expected > 5:
        return ""
    return (
        f" On average {expected:.1f} dev images are wrong in a split. The scatter is then lopsided, because "
        "no error lies below 0%: equation (1) gives its size, but not its shape."
    )


@lru_cache(maxsize=1)
def digit_neighbors() -> IntArray:
    """Return, for each digit, all digits from the nearest to the farthest."""
    return neighbor_order(digits().X)


def split_again_and_again(dev: float, test: float, seed: int) -> Splits:
    """Split the digits 64 times by these percentages and measure the errors."""
    y = digits().y
    n_dev, n_test = (max(1, round(len(y) * percent / 100)) for percent in (dev, test))
    rng = np.random.default_rng(seed)
    return Splits(split_errors(digit_neighbors(), y, n_dev, n_test, REPEATS, rng))


def program(dev: float, test: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.datasets import digits
from dlhelpers.experiments import neighbor_order, split_errors

X, y, *_ = digits()
n_dev, n_test = (max(1, round(len(y) * percent / 100)) for percent in ({dev}, {test}))
order = neighbor_order(X)  # for each image, all images from the nearest to the farthest
result = split_errors(order, y, n_dev, n_test, {REPEATS}, np.random.default_rng({seed}))
"""


class PartsView(View[Splits]):
    """The dev, training and test part of a data set, as one bar; each end of the middle is one share."""

    def __init__(self, ax: Axes, m: int) -> None:
        ax.set(xlim=(0, m), ylim=(-0.5, 0.5), yticks=[], xlabel="images")
        ax.grid(visible=False)
        ax.spines["left"].set_visible(False)
        self._bars = [
            moving(ax.barh([0], [0], height=0.9, color=color, hatch=hatch, edgecolor="white")[0])
            for color, hatch in ((DEV, "//"), (TRAIN, ""), (TEST, ".."))
        ]
        self._counts = moving(ax.text(m, 0.72, "", ha="right", fontsize=10, fontweight="bold"))
        key(ax, ("▨ dev", DEV), ("■ train", TRAIN), ("▩ test", TEST))

    def update(self, result: Splits, before: Splits | None) -> None:
        """Show how many images each part has."""
        errors, left = result.errors, 0
        for bar, n in zip(self._bars, (errors.n_dev, errors.n_train, errors.n_test), strict=True):
            bar.set_x(left)
            bar.set_width(n)
            left += n
        self._counts.set_text(f"{errors.n_dev:,} + {errors.n_train:,} + {errors.n_test:,} images")


class ErrorScatterView(View[Splits]):
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
            ("● one random split", "#777777"),
            ("├┼┤ mean ± standard error (1)", "#222222"),
            ("━ before", "#777777"),
        )

    def update(self, result: Splits, before: Splits | None) -> None:
        """Show the error of every split, and their mean."""
        pasts = [None, None] if before is None else _dev_and_test(before.errors)
        for row, (errors, n), past in zip(self._rows, _dev_and_test(result.errors), pasts, strict=True):
            y, dots, old, span = row
            dots.set_data(100 * errors, y + self._jitter)
            span.set_data(_one_error_around_mean(errors, n), [y] * 3)
            ghost = [] if past is None else _one_error_around_mean(*past)
            old.set_data(ghost, [y - 0.5] * len(ghost))


def _dev_and_test(errors: SplitErrors) -> list[tuple[FloatArray, int]]:
    return [(errors.dev, errors.n_dev), (errors.test, errors.n_test)]


def _one_error_around_mean(errors: FloatArray, n: int) -> list[float]:
    center, width = 100 * errors.mean(), 100 * float(standard_error(errors.mean(), n))
    return [center - width, center, center + width]


def views(figure: Figure) -> list[View[Splits]]:
    """Lay out the lab: the parts, and the errors of all splits."""
    top, bottom = figure.subplots(2, 1, height_ratios=[1, 4])
    return [PartsView(top, len(digits().y)), ErrorScatterView(bottom, REPEATS)]


def split_lab() -> Lab:
    """Return the lab *How large must the dev and the test set be?*."""
    m = len(digits().y)
    return Lab(
        "How large must the dev and the test set be?",
        controls={
            "dev": real_slider("Dev set, % of all", 1, 40, 10, 1, fmt=".0f"),
            "test": real_slider("Test set, % of all", 1, 40, 10, 1, fmt=".0f"),
        },
        compute=split_again_and_again,
        views=views,
        grabs=[
            Grab(0, x="dev", from_x=lambda x: 100 * x / m, to_x=lambda share: share * m / 100),
            Grab(0, x="test", from_x=lambda x: 100 - 100 * x / m, to_x=lambda share: m - share * m / 100),
        ],
        code=program,
        presets={
            "60 / 20 / 20": {"dev": 20, "test": 20},
            "80 / 10 / 10": {},
            "98 / 1 / 1": {"dev": 1, "test": 1},
            "20 / 40 / 40": {"dev": 40, "test": 40},
        },
    )

"""The lab *The dev set gets used up*: the best of many equally good models."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.bias_variance import Luck, Selection, draw_luck, select_best, standard_error
from dlhelpers.live.controls import log_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import ACCENT, DEV, GHOST, TEST, View, key, moving

MOST_MODELS, MOST_DEV, N_TEST = 1000, 5012, 5000
ACCURACY = 0.8


class Chosen(NamedTuple):
    """The scores of all models, and how many of them one may choose from."""

    models: int
    selection: Selection

    @property
    def winner(self) -> tuple[float, float]:
        """Dev and test accuracy of the model that is best on the dev set."""
        winner = self.selection.winners[self.models - 1]
        return float(self.selection.dev[winner]), float(self.selection.test[winner])

    @property
    def finding(self) -> str:
        """Return the winner's two scores."""
        dev, test = self.winner
        models = f"Best of {self.models}" if self.models > 1 else "A single model"
        return f"{models}: {dev:.1%} on dev, {test:.1%} on test"

    @property
    def caption(self) -> str:
        """Say how far the dev score of the winner is from the truth, in standard errors."""
        dev, test = self.winner
        n, k = self.selection.n_dev, self.models
        error = float(standard_error(ACCURACY, n))
        return (
            f"Every model is right on {ACCURACY:.0%} of all examples. On a dev set of {n:,} examples, one "
            f"standard error is {100 * error:.1f} points. "
            f"{'The winner among' if k > 1 else 'The score of'} {k:,} "
            f"model{'s' if k > 1 else ''} lies {_above(dev)} the truth on the dev set, and "
            f"{_above(test)} it on a test set of {N_TEST:,} examples that played no part in the choice."
        )


def _above(score: float) -> str:
    points = 100 * (score - ACCURACY)
    if abs(points) < 0.05:
        return "less than 0.05 points from"
    return f"{abs(points):.1f} points {'above' if points > 0 else 'below'}"


@lru_cache(maxsize=1)
def luck(seed: int) -> Luck:
    """Draw the luck of 1,000 models once; the sliders then only choose how much of it counts."""
    return draw_luck(MOST_MODELS, MOST_DEV, N_TEST, np.random.default_rng(seed))


@lru_cache(maxsize=8)
def scores(n_dev: int, seed: int) -> Selection:
    """Measure all models on a dev set of this size, and find the winner among the first 1, 2, 3, ..."""
    return select_best(luck(seed), ACCURACY, n_dev)


def choose(models: float, n_dev: float, seed: int) -> Chosen:
    """Measure the models on the dev set and find the winners."""
    return Chosen(round(models), scores(round(n_dev), seed))


def program(models: float, n_dev: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np

rng = np.random.default_rng({seed})
dev_luck = rng.random(({MOST_MODELS}, {MOST_DEV}), dtype=np.float32)  # one number for each model and example
test_luck = rng.random(({MOST_MODELS}, {N_TEST}), dtype=np.float32)
n_models, n_dev = {round(models)}, {round(n_dev)}
dev = (dev_luck[:n_models, :n_dev] < {ACCURACY}).mean(axis=1)  # below the accuracy: the answer is right
test = (test_luck[:n_models] < {ACCURACY}).mean(axis=1)
winner = dev.argmax()
result = dev[winner], test[winner]
"""


class DevScoresView(View[Chosen]):
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

    def update(self, result: Chosen, before: Chosen | None) -> None:
        """Show the first `result.models` models of `result.selection`."""
        k, scores = result.models, result.selection
        dev, test = (100 * score for score in result.winner)
        self._dots.set_data(self._x[:k], 100 * scores.dev[:k])
        self._winner.set_data([0.9], [dev])
        self._test.set_data([0.9], [test])
        self._fall.set_data([0.9, 0.9], [dev, test])
        old = [] if before is None else [100 * before.winner[0]]
        self._before.set_data([0.96] * len(old), old)


class WinnerCurveView(View[Chosen]):
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

    def update(self, result: Chosen, before: Chosen | None) -> None:
        """Show the curves of `result.selection` and the cursor at `result.models`."""
        scores = result.selection
        self._dev.set_data(self._k, 100 * scores.dev[scores.winners])
        self._test.set_data(self._k, 100 * scores.test[scores.winners])
        self._cursor.set_xdata([result.models, result.models])
        old = None if before is None else before.selection
        self._before.set_data(self._k, self._k * np.nan if old is None else 100 * old.dev[old.winners])


def views(figure: Figure) -> list[View[Chosen]]:
    """Lay out the lab: the scores of all models, and the winner's over the number of models."""
    left, right = figure.subplots(1, 2)
    return [DevScoresView(left, MOST_MODELS), WinnerCurveView(right, MOST_MODELS)]


def selection_lab() -> Lab:
    """Return the lab *The dev set gets used up*."""
    return Lab(
        "The dev set gets used up",
        controls={
            "models": log_slider("Models to choose from", 0, 3, 100, 0.05, fmt=",.0f"),
            "n_dev": log_slider("Dev examples n", 1.7, 3.7, 200, 0.05, fmt=",.0f"),
        },
        compute=choose,
        views=views,
        grabs=[Grab(1, x="models")],
        code=program,
        presets={
            "one honest look": {"models": 1},
            "a long search": {"models": 1000},
            "tiny dev set": {"models": 1000, "n_dev": 50},
            "large dev set": {"models": 1000, "n_dev": 5012},
        },
    )

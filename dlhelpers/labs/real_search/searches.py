"""The lab *A thousand searches*: strategies replayed on the recorded runs, score against budget."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.real_search.replay import (
    KEEP,
    MOST,
    PLANS,
    SEARCHES,
    STRATEGIES,
    Replays,
    replay,
)
from dlhelpers.live.controls import choice, log_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.labels import EndLabels
from dlhelpers.plots.style import ACCENT, GHOST, View, key, moving, note
from dlhelpers.typing import FloatArray

SCORES = {"test error of the winner": "test", "dev error of the winner": "dev"}
RANDOM, CHOSEN, OTHER = "#222222", "#7a3b8f", "#7d7d7d"
"""Black: random search. Purple: the strategy that the reader chose. Grey: the others."""
STYLES = {"random": "-", "grid": ":", "coarse to fine": "-.", "successive halving": "--"}
MARKS = {"random": "—", "grid": "···", "coarse to fine": "-·-", "successive halving": "- -"}
"""How the lines of the strategies stand in the picture, and in a key."""
LIMITS = (0.015, 1.0)


class Searches(NamedTuple):
    """A thousand searches by each strategy, and the budget that the reader looks at.

    `quantiles` are the scores of 10%, 50% and 90% of the searches after each budget, (3, n).
    """

    budget: float
    strategy: str
    score: str
    replays: dict[str, Replays]
    quantiles: dict[str, FloatArray]

    def errors(self, strategy: str) -> FloatArray:
        """Return the scores (1000, n) of a strategy."""
        return _scores(self.replays[strategy], self.score)

    def median(self, strategy: str) -> FloatArray:
        """Return the median score after each budget of the strategy, (n,)."""
        return self.quantiles[strategy][1]

    def here(self, strategy: str) -> FloatArray | None:
        """Return the scores (1000,) of what the chosen budget pays for; None if it pays for nothing."""
        column = self.replays[strategy].at(self.budget)
        return None if column is None else self.errors(strategy)[:, column]

    @property
    def random_needs(self) -> float | None:
        """Full runs after which the median of random search is as low; None if it never is."""
        chosen = self.here(self.strategy)
        there = np.flatnonzero(self.median("random") <= (-1.0 if chosen is None else np.median(chosen)))
        return float(self.replays["random"].budgets[there[0]]) if len(there) else None

    @property
    def ahead(self) -> tuple[float, float] | None:
        """Shares of the searches in which the chosen strategy ends below random, and above it."""
        chosen, random = self.here(self.strategy), self.here("random")
        if chosen is None or random is None:
            return None
        return float(np.mean(chosen < random)), float(np.mean(chosen > random))

    @property
    def finding(self) -> str:
        """The two medians at the budget."""
        chosen, random = self.here(self.strategy), self.here("random")
        assert random is not None, "one full run is a random search"
        start = f"{_runs(self.budget)}: random {np.median(random):.1%}"
        if self.strategy == "random":
            return start
        if chosen is None:
            return f"{start}, {self.strategy} has not ended yet"
        return f"{start}, {self.strategy} {np.median(chosen):.1%}"

    @property
    def caption(self) -> str:
        """How sure the difference is, and what random search would need for the same."""
        low, _, high = self.quantiles[self.strategy]
        column = self.replays[self.strategy].at(self.budget)
        text = (
            f"The lines are medians of {SEARCHES:,} searches on the same recorded runs, the {self.score}; "
            f"the band holds 80% of those by {self.strategy}"
        )
        if column is None:
            first = self.replays[self.strategy].budgets[0]
            return f"{text}. Its first result comes after {first:.2g} full runs."
        text += f", here {low[column]:.1%} to {high[column]:.1%}."
        if self.strategy == "random":
            return text
        assert self.ahead is not None
        text += (
            f" In the same world, it ends lower than random in {self.ahead[0]:.0%} of the pairs and "
            f"higher in {self.ahead[1]:.0%}."
        )
        if self.random_needs is None:
            return f"{text} Random search does not come as low in {MOST} full runs."
        return f"{text} Random search has the same median after {_runs(self.random_needs)}."


def _runs(budget: float) -> str:
    return "1 full run" if budget == 1 else f"{budget:.2g} full runs"


def _scores(replays: Replays, score: str) -> FloatArray:
    return replays.test if SCORES[score] == "test" else replays.dev


@lru_cache(maxsize=64)
def _quantiles(strategy: str, plan: str, seed: int, score: str) -> FloatArray:
    return np.quantile(_scores(replay(strategy, plan, seed), score), [0.1, 0.5, 0.9], axis=0)


def compare(budget: float, strategy: str, score: str, plan: str, seed: int) -> Searches:
    """Replay a thousand searches by each strategy."""
    replays = {name: replay(name, plan, seed) for name in STRATEGIES}
    quantiles = {name: _quantiles(name, plan, seed, score) for name in STRATEGIES}
    return Searches(round(budget, 1), strategy, score, replays, quantiles)


DRAW = {
    "random": f"""
def search():
    \"\"\"Yield (full runs so far, the best setting).\"\"\"
    settings = rng.integers(1620, size=(1000, {MOST}))
    for n in range(1, {MOST} + 1):
        yield n, best_of(settings[:, :n])
""",
    "grid": f"""
levels = np.array([len(values) for values in LEVELS.values()])

def search():
    \"\"\"Yield (full runs so far, the best setting).\"\"\"
    lower = rng.integers(levels - levels // 2, size=(1000, 1, 6))  # each hyperparameter has two levels
    order = rng.permuted(np.tile(np.arange(64), (1000, 1)), axis=1)
    is_upper = np.stack(np.unravel_index(order, (2,) * 6), axis=-1)
    pairs = lower + is_upper * (levels // 2)
    settings = np.ravel_multi_index(tuple(np.moveaxis(pairs, -1, 0)), tuple(levels))
    for n in range(1, {MOST} + 1):
        yield n, best_of(settings[:, :n])
""",
    "coarse to fine": f"""
levels = np.array([len(values) for values in LEVELS.values()])

def search():
    \"\"\"Yield (full runs so far, the best setting).\"\"\"
    coarse = rng.integers(1620, size=(1000, {MOST // 2}))
    u = rng.random((1000, {MOST // 2}, 6))
    for budget in (2, 4, 6, 8, 12, 16, 24, 32, 48, 64):
        first = coarse[:, : budget // 2]
        leading = np.argsort(errors_of(first, 16), axis=1, kind="stable")[:, :{KEEP}]
        around = table.levels[np.take_along_axis(first, leading, axis=1)]
        low = np.maximum(around.min(axis=1) - levels // 10, 0)[:, None]
        high = np.minimum(around.max(axis=1) + levels // 10, levels - 1)[:, None]
        fine = (low + u[:, : budget // 2] * (high - low + 1)).astype(int)
        second = np.ravel_multi_index(tuple(np.moveaxis(fine, -1, 0)), tuple(levels))
        yield budget, best_of(np.concatenate([first, second], axis=1))
""",
    "successive halving": f"""
rungs = halving_rungs({{n}}, {{first}}, {{eta}})
cost = sum(rung.size * rung.extra for rung in rungs) / 16

def search():
    \"\"\"Yield (full runs so far, the best setting).\"\"\"
    winners = []
    while (len(winners) + 1) * cost <= {MOST}:
        settings = rng.integers(1620, size=(1000, {{n}}))
        for rung, following in zip(rungs, rungs[1:]):
            order = np.argsort(errors_of(settings, rung.units), axis=1, kind="stable")
            settings = np.take_along_axis(settings, order[:, : following.size], axis=1)
        winners.append(settings[:, 0])
        yield len(winners) * cost, best_of(np.column_stack(winners))
""",
}


def program(budget: float, strategy: str, score: str, plan: str, seed: int) -> str:
    """Return the program behind the line of the chosen strategy."""
    n, first, eta = PLANS[plan]
    is_dev = "dev_set" if SCORES[score] == "dev" else "1 - dev_set"
    draw = DRAW[strategy].format(n=n, first=first, eta=eta) if "{n}" in DRAW[strategy] else DRAW[strategy]
    return f"""
import numpy as np
from dlhelpers.digit_runs import LEVELS, run_table
from dlhelpers.hyperparameter_search import halving_rungs

table = run_table()  # 1,620 settings, 4 seeds, errors after each of 16 epochs on two held-out sets
rng = np.random.default_rng({seed})
world = rng.integers(4, size=(1000, 1))  # a thousand searches: each has a seed of the table,
dev_set = rng.integers(2, size=(1000, 1))  # and one of the two sets to choose with

def errors_of(settings, epochs):
    return table.errors[dev_set, world, settings, epochs - 1]

def best_of(settings):
    chosen = np.argmin(errors_of(settings, 16), axis=1)
    return settings[np.arange(1000), chosen][:, None]
{draw}
result = [
    np.median(table.errors[{is_dev}, world, best, -1]) for budget, best in search()
]
"""


class BudgetView(View[Searches]):
    """The median error of each strategy over the budget, and the band of the chosen one."""

    def __init__(self, ax: Axes) -> None:
        ax.set(
            xscale="log",
            yscale="log",
            xlim=(1, MOST),
            ylim=LIMITS,
            xlabel="budget, in full runs of 16 epochs",
        )
        ax.set_ylabel("error of the winner")
        ax.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
        ax.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5, 1], ["2%", "5%", "10%", "20%", "50%", "100%"])
        ax.minorticks_off()
        self._band = moving(
            ax.fill_between([1, 2], [0.1, 0.1], [0.2, 0.2], step="post", color="#e3d4ea", lw=0)
        )
        self._cursor = moving(ax.axvline(8, color=ACCENT, lw=2))
        self._old = moving(ax.plot([], [], color=GHOST, lw=1.2, drawstyle="steps-post")[0])
        self._lines = {
            name: moving(ax.plot([], [], ls=STYLES[name], lw=2, drawstyle="steps-post")[0])
            for name in reversed(STRATEGIES)
        }
        self._labels = EndLabels(ax, [(f"{MARKS[name]} {name}", RANDOM) for name in STRATEGIES], gap=0.07)
        self._labels.texts[-1].set_in_layout(True)
        key(ax, ("▒ 80% of the searches", CHOSEN), ("┃ your budget", ACCENT), ("— before", "#777777"))

    def update(self, result: Searches, before: Searches | None) -> None:
        """Show the medians of `result`, and the band of its strategy."""
        low, _, high = result.quantiles[result.strategy]
        self._band.set_data(result.replays[result.strategy].budgets, low, high)
        for name, line in self._lines.items():
            color = CHOSEN if name == result.strategy else RANDOM if name == "random" else OTHER
            line.set_data(result.replays[name].budgets, result.median(name))
            line.set(color=color, lw=2.6 if name == result.strategy else 1.8)
            self._labels.texts[STRATEGIES.index(name)].set_color(color)
        self._old.set_data([], [])
        if before is not None:
            old = before.replays[before.strategy]
            if before.score != result.score or result.replays[before.strategy] is not old:
                self._old.set_data(old.budgets, before.median(before.strategy))
        self._cursor.set_xdata([result.budget] * 2)
        self._labels.place([float(result.median(name)[-1]) for name in STRATEGIES])


class WinnersView(View[Searches]):
    """How the errors of a thousand winners are spread at the chosen budget, of random and of the chosen."""

    EDGES = np.geomspace(*LIMITS, 41)
    TOP = 0.3

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", xlim=LIMITS, ylim=(0, self.TOP), xlabel="error of the winner")
        ax.set_ylabel("share of the searches")
        ax.set_xticks([0.02, 0.05, 0.1, 0.2, 0.5, 1], ["2%", "5%", "10%", "20%", "50%", "100%"])
        ax.set_yticks([0, 0.1, 0.2, 0.3], ["0", "10%", "20%", "30%"])
        ax.minorticks_off()
        nothing = np.zeros(len(self.EDGES) - 1)
        self._chosen = moving(ax.stairs(nothing, self.EDGES, fill=True, color="#cbb2d6"))
        self._random = moving(ax.stairs(nothing, self.EDGES, color=RANDOM, lw=1.8))
        self._note = note(ax, 0.95, 0.94 * self.TOP, ha="right", va="top", color=CHOSEN, fontsize=10)
        key(ax, ("— random", RANDOM), ("▒ chosen", CHOSEN))

    def update(self, result: Searches, before: Searches | None) -> None:
        """Show the scores at `result.budget`."""
        for stairs, name in ((self._chosen, result.strategy), (self._random, "random")):
            here = result.here(name)
            shares = np.histogram([] if here is None else here, self.EDGES)[0] / SEARCHES
            stairs.set_data(np.minimum(shares, self.TOP))
        self._note.set_text("no result yet" if result.here(result.strategy) is None else "")


def views(figure: Figure) -> list[View[Searches]]:
    """Lay out the lab: the medians over the budget, and the winners at the chosen one."""
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    return [BudgetView(left), WinnersView(right)]


def searches_lab() -> Lab:
    """Return the lab *A thousand searches*."""
    return Lab(
        "A thousand searches",
        controls={
            "budget": log_slider("Budget, full runs", 0, 6, 8, 0.25, base=2, fmt=".2g"),
            "strategy": choice("Beside random", list(STRATEGIES), "successive halving"),
            "score": choice("Score", list(SCORES), "test error of the winner"),
            "plan": choice("A bracket of halving", list(PLANS), "16 start, half stays"),
        },
        compute=compare,
        views=views,
        grabs=[Grab(0, x="budget")],
        code=program,
        presets={
            "4 full runs": {"budget": 4},
            "a grid": {"strategy": "grid", "budget": 16},
            "coarse to fine": {"strategy": "coarse to fine", "budget": 32},
            "what the dev set says": {"score": "dev error of the winner", "strategy": "random", "budget": 32},
        },
    )

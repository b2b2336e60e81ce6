"""The lab *When halving fools itself*: ranks after a few epochs beside ranks at the end."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.digit_runs import EPOCHS, SEEDS, run_table
from dlhelpers.labs.real_search.curse import in_order
from dlhelpers.live.controls import choice, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import ACCENT, DEV, GHOST, View, key, moving, note
from dlhelpers.typing import BoolArray, FloatArray

BRACKETS, SIZE = 2000, 16
AMONG = {"any settings": 1620, "the best 400 settings": 400, "the best 100 settings": 100}
KEEP = {"half stays": 2, "1 in 4 stays": 4, "1 in 8 stays": 8}


class Early(NamedTuple):
    """How well the dev error after some epochs tells the dev error after 16.

    `ranks` is (2, n): the places from 0 (best) to 1 after `epoch` epochs and at the end, in one world;
    `correlation` is (16,), after each epoch, the mean over the four seeds; `survives` is (16,): how often the
    best of 16 settings is still there after a cut at that epoch.
    """

    epoch: int
    eta: int
    among: str
    ranks: FloatArray
    correlation: FloatArray
    survives: FloatArray
    other_seed: float
    """Rank correlation of the last errors with those of another seed."""

    @property
    def lost(self) -> BoolArray:
        """Which settings of the best tenth at the end are cut at this epoch, (n,)."""
        return (self.ranks[1] < 0.1) & (self.ranks[0] > 1 / self.eta)

    @property
    def finding(self) -> str:
        """How often the best of 16 is thrown away."""
        gone = 1 - self.survives[self.epoch - 1]
        cut = f"Cut after {_epochs(self.epoch)}, 1 in {self.eta} stays"
        return f"{cut}: {gone:.0%} of the brackets lose their best"

    @property
    def caption(self) -> str:
        """The correlations, and what the noise of the seed allows."""
        best = int(np.sum(self.ranks[1] < 0.1))
        return (
            f"{BRACKETS:,} brackets of 16 settings among {self.among}. The rank correlation of the errors "
            f"after {_epochs(self.epoch)} with those at the end is {self.correlation[self.epoch - 1]:.2f}; "
            f"of the last errors with two seeds it is {self.other_seed:.2f}. In the world on the left, "
            f"{int(self.lost.sum())} of the {best} settings that end in the best tenth are cut."
        )


def _epochs(n: int) -> str:
    return "1 epoch" if n == 1 else f"{n} epochs"


def ranks(values: FloatArray) -> FloatArray:
    """Return the places of values (n,), from 0 for the lowest to 1; equal values share theirs."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2
    return middle[group] / (len(values) - 1)


def rank_correlation(a: FloatArray, b: FloatArray) -> float:
    """Return Spearman's correlation: that of the ranks."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


@lru_cache(maxsize=16)
def correlations(among: str) -> tuple[FloatArray, float]:
    """Return the rank correlation with the end after each epoch, (16,), and that of two seeds at the end."""
    errors = run_table().errors[0][:, in_order()[: AMONG[among]]]
    with_end = [
        np.mean([rank_correlation(errors[s, :, e], errors[s, :, -1]) for s in range(SEEDS)])
        for e in range(EPOCHS)
    ]
    pairs = [(s, t) for s in range(SEEDS) for t in range(s)]
    return np.array(with_end), float(
        np.mean([rank_correlation(errors[s, :, -1], errors[t, :, -1]) for s, t in pairs])
    )


@lru_cache(maxsize=32)
def survival(eta: int, among: str, seed: int) -> FloatArray:
    """Return the share of 2,000 brackets whose best at the end survives a cut after each epoch, (16,)."""
    rng, pool = np.random.default_rng(seed), in_order()[: AMONG[among]]
    world = rng.integers(SEEDS, size=(BRACKETS, 1))
    settings = pool[rng.integers(len(pool), size=(BRACKETS, SIZE))]
    errors = run_table().errors[0][world, settings]  # (2000, 16 settings, 16 epochs)
    best = np.argmin(errors[..., -1], axis=1)[:, np.newaxis, np.newaxis]
    kept = np.argsort(errors, axis=1, kind="stable")[:, : SIZE // eta]
    return np.mean(np.any(kept == best, axis=1), axis=0)


def look_early(epoch: int, keep: str, among: str, seed: int) -> Early:
    """Compare the ranks after some epochs with those at the end."""
    world = run_table().errors[0, seed % SEEDS, in_order()[: AMONG[among]]]
    places = np.array([ranks(world[:, epoch - 1]), ranks(world[:, -1])])
    with_end, other_seed = correlations(among)
    stays = survival(KEEP[keep], among, seed)
    return Early(epoch, KEEP[keep], among, places, with_end, stays, other_seed)


def program(epoch: int, keep: str, among: str, seed: int) -> str:
    """Return the program behind the curve on the right."""
    return f"""
import numpy as np
from dlhelpers.digit_runs import run_table

table = run_table()
order = np.argsort(table.errors[..., -1].mean(axis=(0, 1)), kind="stable")
pool = order[:{AMONG[among]}]  # {among}
rng = np.random.default_rng({seed})
world = rng.integers(4, size=({BRACKETS}, 1))
settings = pool[rng.integers(len(pool), size=({BRACKETS}, 16))]
errors = table.errors[0][world, settings]  # (brackets, settings, epochs)
best = np.argmin(errors[..., -1], axis=1)
result = []
for epoch in range(16):
    kept = np.argsort(errors[..., epoch], axis=1, kind="stable")[:, :{SIZE // KEEP[keep]}]
    result.append(np.mean(np.any(kept == best[:, None], axis=1)))
result = (np.array(result),)
"""


class RanksView(View[Early]):
    """A dot for each setting: its place after some epochs, and at the end; the cut is a line."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-0.01, 1.01), ylim=(1.01, -0.01), ylabel="place at the end")
        ax.set_xlabel("place at the cut: the best on the left")
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["first", "25%", "50%", "75%", "last"])
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["first", "25%", "50%", "75%", "last"])
        self._dots = moving(ax.plot([], [], "o", color="#555555", ms=2.5, alpha=0.6, mew=0)[0])
        self._lost = moving(ax.plot([], [], "D", color=DEV, ms=5, mew=0)[0])
        self._cut = moving(ax.axvline(0.5, color="#222222", lw=2))
        self._note = note(ax, 0.5, 0.97, "cut →", ha="left", va="bottom", fontsize=9.5)
        key(ax, ("● a setting", "#555555"), ("◆ ends in the best tenth, and is cut", DEV))

    def update(self, result: Early, before: Early | None) -> None:
        """Show `result.ranks`."""
        self._dots.set_data(*result.ranks)
        self._lost.set_data(*result.ranks[:, result.lost])
        self._cut.set_xdata([1 / result.eta] * 2)
        self._note.set_x(1 / result.eta + 0.01)


class EpochsView(View[Early]):
    """Over the epoch of the cut: the rank correlation with the end, and how often the best of 16 survives."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0.7, EPOCHS + 0.3), ylim=(0, 1.02), xlabel="cut after epoch")
        ax.xaxis.label.set_color(ACCENT)  # as its line
        ax.set_xticks([1, 2, 4, 8, 16])
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        epochs = np.arange(1, EPOCHS + 1)
        self._old = moving(ax.plot([], [], color=GHOST, lw=1.2)[0])
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._two = moving(ax.axhline(1, color="#555555", lw=1.2, ls=":"))
        self._seeds = note(
            ax, EPOCHS, 1, "of two seeds", color="#555555", fontsize=9, ha="right", va="bottom"
        )
        self._correlation = moving(ax.plot(epochs, epochs * 0, "--", color="#222222", lw=2)[0])
        self._survives = moving(ax.plot(epochs, epochs * 0, "-", color=DEV, lw=2.4)[0])
        key(
            ax,
            ("— best of 16 stays", DEV),
            ("- - rank correlation", "#222222"),
            ("— before", "#777777"),
        )

    def update(self, result: Early, before: Early | None) -> None:
        """Show `result.survives`, `result.correlation` and `result.other_seed`."""
        self._survives.set_ydata(result.survives)
        self._correlation.set_ydata(result.correlation)
        self._two.set_ydata([result.other_seed] * 2)
        self._seeds.set_y(result.other_seed)
        self._cursor.set_xdata([result.epoch] * 2)
        self._old.set_data([], [])
        if before is not None and before.survives is not result.survives:
            self._old.set_data(np.arange(1, EPOCHS + 1), before.survives)


def views(figure: Figure) -> list[View[Early]]:
    """Lay out the lab: the ranks, and what becomes of them over the epochs."""
    left, right = figure.subplots(1, 2, width_ratios=[1.3, 1])
    return [RanksView(left), EpochsView(right)]


def early_lab() -> Lab:
    """Return the lab *When halving fools itself*."""
    return Lab(
        "When halving fools itself",
        controls={
            "epoch": slider("Cut after epoch", 1, EPOCHS, 1),
            "keep": choice("Of 16 settings", list(KEEP), "half stays"),
            "among": choice("Among", list(AMONG), "the best 100 settings"),
        },
        compute=look_early,
        views=views,
        grabs=[Grab(1, x="epoch")],
        code=program,
        presets={
            "after 4 epochs": {"epoch": 4},
            "any settings": {"among": "any settings"},
            "a hard cut": {"among": "any settings", "keep": "1 in 8 stays"},
        },
    )

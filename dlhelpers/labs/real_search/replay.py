"""Searches replayed on the table of recorded runs: a thousand at once, each in a world of its own.

A world is a seed of the table, and which of its two held-out sets is the dev set; the other is the test set.
A budget counts full runs of 16 epochs.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from dlhelpers.digit_runs import EPOCHS, LEVELS, SEEDS, run_table
from dlhelpers.hyperparameter_search import halving_rungs
from dlhelpers.typing import FloatArray, IntArray

SEARCHES = 1000
MOST = 64
"""Full runs that a search may cost."""
STRATEGIES = ("random", "grid", "coarse to fine", "successive halving")
PLANS = {
    "16 start, half stays": (16, 1, 2),
    "16 start, a quarter stays": (16, 1, 4),
    "8 start, half stays": (8, 2, 2),
    "4 start, half stays": (4, 4, 2),
}
"""A bracket of halving: settings at the start, epochs of the first rung, eta.  All end with 16 epochs."""
N_LEVELS = np.array([len(values) for values in LEVELS.values()])
N_SETTINGS = int(N_LEVELS.prod())
KEEP = 3
"""Coarse to fine looks on around the best three."""


class Replays(NamedTuple):
    """A thousand searches by one strategy: after each budget, the errors of the setting it would hand out.

    `budgets` is (n,), in full runs; `dev` and `test` are (1000, n).
    """

    budgets: FloatArray
    dev: FloatArray
    test: FloatArray

    def at(self, budget: float) -> int | None:
        """Return the column of the last result that this budget pays for; None before the first."""
        there = int(np.searchsorted(self.budgets, budget + 1e-9)) - 1
        return there if there >= 0 else None


class Worlds:
    """For each search, the errors of every setting in its own world."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._seed = rng.integers(SEEDS, size=(SEARCHES, 1))
        self._dev_set = rng.integers(2, size=(SEARCHES, 1))
        self._errors = run_table().errors

    def dev(self, settings: IntArray, epochs: int = EPOCHS) -> FloatArray:
        """Return the dev errors of settings (1000, n), after so many epochs."""
        return self._errors[self._dev_set, self._seed, settings, epochs - 1]

    def test(self, settings: IntArray) -> FloatArray:
        """Return the test errors of settings (1000, n) after the last epoch."""
        return self._errors[1 - self._dev_set, self._seed, settings, EPOCHS - 1]


def best_so_far(dev: FloatArray) -> IntArray:
    """Return, after each trial, which of those so far has the lowest dev error; the first of equals."""
    lowest = np.minimum.accumulate(dev, axis=1)
    is_new = np.diff(lowest, axis=1, prepend=np.inf) < 0
    return np.maximum.accumulate(np.where(is_new, np.arange(dev.shape[1]), 0), axis=1)


def follow(worlds: Worlds, settings: IntArray) -> Replays:
    """Return what a search has after each of the settings (1000, n), all of them trained to the end."""
    best = np.take_along_axis(settings, best_so_far(worlds.dev(settings)), axis=1)
    return Replays(np.arange(1.0, settings.shape[1] + 1), worlds.dev(best), worlds.test(best))


def settings_of(levels: IntArray) -> IntArray:
    """Return the numbers of settings from the levels of their hyperparameters, (..., 6)."""
    return np.ravel_multi_index(tuple(np.moveaxis(levels, -1, 0)), tuple(N_LEVELS))


@lru_cache(maxsize=8)
def random_search(seed: int) -> Replays:
    """Draw every setting at random."""
    rng = np.random.default_rng(seed)
    return follow(Worlds(rng), rng.integers(N_SETTINGS, size=(SEARCHES, MOST)))


@lru_cache(maxsize=8)
def grid_search(seed: int) -> Replays:
    """Take two levels of each hyperparameter, half the range apart, and try all 64 pairs in random order."""
    rng = np.random.default_rng(seed)
    worlds = Worlds(rng)
    lower = rng.integers(N_LEVELS - N_LEVELS // 2, size=(SEARCHES, 1, len(N_LEVELS)))
    order = rng.permuted(np.tile(np.arange(MOST), (SEARCHES, 1)), axis=1)
    is_upper = np.stack(np.unravel_index(order, (2,) * len(N_LEVELS)), axis=-1)
    return follow(worlds, settings_of(lower + is_upper * (N_LEVELS // 2)))


@lru_cache(maxsize=8)
def coarse_to_fine(seed: int) -> Replays:
    """Spend half of each budget at random, the other half between the levels of the best three.

    The margin around them is a tenth of the range: one level of the learning rate, none of the others.
    """
    rng = np.random.default_rng(seed)
    worlds = Worlds(rng)
    coarse = rng.integers(N_SETTINGS, size=(SEARCHES, MOST // 2))
    u = rng.random((SEARCHES, MOST // 2, len(N_LEVELS)))
    budgets = np.array([2, 4, 6, 8, 12, 16, 24, 32, 48, 64])
    ends = [_refine(worlds, coarse[:, : budget // 2], u[:, : budget // 2]) for budget in budgets]
    return Replays(
        budgets.astype(float), np.column_stack([d for d, _ in ends]), np.column_stack([t for _, t in ends])
    )


def _refine(worlds: Worlds, coarse: IntArray, u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the dev and the test errors at the end of one budget."""
    leading = np.argsort(worlds.dev(coarse), axis=1, kind="stable")[:, :KEEP]
    levels = run_table().levels[np.take_along_axis(coarse, leading, axis=1)]
    low = np.maximum(levels.min(axis=1) - N_LEVELS // 10, 0)[:, None]
    high = np.minimum(levels.max(axis=1) + N_LEVELS // 10, N_LEVELS - 1)[:, None]
    fine = settings_of((low + u * (high - low + 1)).astype(np.intp))
    end = follow(worlds, np.concatenate([coarse, fine], axis=1))
    return end.dev[:, -1], end.test[:, -1]


@lru_cache(maxsize=16)
def halving(plan: str, seed: int) -> Replays:
    """Run one bracket of successive halving after the other; each hands its winner on."""
    n, first, eta = PLANS[plan]
    rungs = halving_rungs(n, first, eta)
    cost = sum(rung.size * rung.extra for rung in rungs) / EPOCHS
    brackets = int(MOST // cost)
    rng = np.random.default_rng(seed)
    worlds = Worlds(rng)
    winners = []
    for _ in range(brackets):
        settings = rng.integers(N_SETTINGS, size=(SEARCHES, n))
        for rung, following in zip(rungs, rungs[1:], strict=False):
            order = np.argsort(worlds.dev(settings, rung.units), axis=1, kind="stable")
            settings = np.take_along_axis(settings, order[:, : following.size], axis=1)
        winners.append(settings[:, 0])
    return follow(worlds, np.column_stack(winners))._replace(budgets=cost * np.arange(1.0, brackets + 1))


def replay(strategy: str, plan: str, seed: int) -> Replays:
    """Return a thousand searches by one of the `STRATEGIES`."""
    if strategy == "random":
        return random_search(seed)
    if strategy == "grid":
        return grid_search(seed)
    return coarse_to_fine(seed) if strategy == "coarse to fine" else halving(plan, seed)

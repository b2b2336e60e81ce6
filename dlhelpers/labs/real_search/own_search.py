"""The lab *A search of your own*: real runs on the digits, each shown as it ends, kept in a file.

Trials that have ended are kept, in memory and in a file beside the reader's progress: Stop and a move of
the slider go on where the search was, and so does a kernel that was restarted.
"""

import math
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ipywidgets import SelectionSlider
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.digit_runs import SPACE, dev_error
from dlhelpers.hyperparameter_search import search
from dlhelpers.live.controls import choice, real_slider, slider, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages
from dlhelpers.plots.style import ACCENT, DEV, GHOST, View, key, moving
from dlhelpers.progress import progress_file
from dlhelpers.search_spaces import places, random_settings
from dlhelpers.trials import Trial, best, load_trials, recorded
from dlhelpers.typing import BoolArray, FloatArray

AXES = {
    "learning rate α": "learning_rate",
    "momentum β": "beta",
    "batch size": "batch_size",
    "hidden units": "units",
    "layers": "layers",
    "decay": "decay",
    "dev error": "",
}
BRUSHES = {name: key or "dev_error" for name, key in AXES.items()}
"""The control that brushes each axis: the middle of the brush, from 0 to 1, or OFF."""
OFF = -0.1
ENDS = (("0.003", "3.2"), ("0", "0.99"), ("16", "256"), ("8", "32"), ("1", "3"), ("0", "0.3"), ("100%", "2%"))
"""What stands at the lower and at the upper end of each axis."""
MOST, TIME_LIMIT = 60, 30.0
LOW = 0.02
"""The dev error at the upper end of its axis."""
HERE, CORES, OWN = "in the kernel", "on all cores", "on your executor"


class OwnSearch(NamedTuple):
    """The trials that have ended, of those that were wanted, and what is brushed."""

    wanted: int
    trials: list[Trial]
    heights: FloatArray
    """Where the trials cross the axes, (n, 7): from 0 to 1."""
    brushes: dict[str, tuple[float, float]]
    """From where to where an axis is brushed; an axis that is not there is not brushed."""
    pair: tuple[str, str]
    where: str

    @property
    def brushed(self) -> BoolArray:
        """Which trials all brushes cover, (n,); none if there is no brush."""
        covered = np.full(len(self.trials), bool(self.brushes))
        for axis, (low, high) in self.brushes.items():
            crossed = self.heights[:, list(AXES).index(axis)]
            covered &= (crossed >= low - 1e-9) & (crossed <= high + 1e-9)
        return covered

    @property
    def scores(self) -> FloatArray:
        """The dev errors, (n,); NaN where a trial has failed."""
        return np.array([trial.score for trial in self.trials])

    @property
    def finding(self) -> str:
        """The best so far."""
        leading = best(self.trials)
        ended = len(self.trials)
        if not leading:
            return f"{ended} of {self.wanted} trials have ended, none with a score"
        if ended < self.wanted:
            return f"{ended} of {self.wanted} trials: best so far, dev error {leading[0].score:.1%}"
        return f"Best of {ended} trials: dev error {leading[0].score:.1%}"

    @property
    def caption(self) -> str:
        """The best setting, and what the brushed trials have in common."""
        text = ""
        for trial in best(self.trials):
            setting = ", ".join(f"{name} {trial.setting[key]:.2g}" for name, key in AXES.items() if key)
            text = f"The best is trial {trial.number + 1}: {setting}. "
        brushed = self.scores[self.brushed]
        failed = sum(bool(trial.error) for trial in self.trials)
        where = " and ".join(
            f"{name} from {max(low, 0):.2f} to {min(high, 1):.2f}"
            for name, (low, high) in self.brushes.items()
        )
        text += f"Brushed, {where} of the axis: " if where else "No axis is brushed: "
        text += f"{len(brushed)} of {len(self.trials)} trials"
        if np.isfinite(brushed).any():
            text += f"; their median dev error is {np.nanmedian(brushed):.1%}"
        text += f". {failed} have failed." if failed else "."
        return f"{text} Right: {self.pair[1]} over {self.pair[0]}; the trials run {self.where}."


def heights(trials: list[Trial]) -> FloatArray:
    """Return where trials cross the axes, (n, 7): from 0 to 1."""
    rows = [[*places(SPACE, trial.setting).values(), height(trial.score)] for trial in trials]
    return np.array(rows).reshape(-1, len(AXES))


def height(score: float) -> float:
    """Return where a dev error crosses its axis: 1 for 2% and less, 0 for 100%, even in its logarithm."""
    return 0.0 if math.isnan(score) else min(math.log(max(score, LOW)) / math.log(LOW), 1.0)


def trial_file(seed: int) -> Path:
    """Return where the trials of a seed are kept."""
    return progress_file().with_name(f"digit_search_{seed}.jsonl")


@cache
def known(seed: int) -> dict[int, Trial]:
    """Return the trials of a seed that have ended, by their numbers: at first, those in its file."""
    try:
        return {trial.number: trial for trial in load_trials(trial_file(seed))}
    except (OSError, RuntimeError, ValueError):  # none yet, no home, or another program's
        return {}


def wanted_settings(trials: int, seed: int) -> list[dict[str, Any]]:
    """Return the first settings of a seed's search, drawn at random."""
    drawn = random_settings(SPACE, trials, np.random.default_rng(seed))
    return [{**setting, "seed": seed} for setting in drawn]


def _one_blas_thread() -> None:
    """Let the processes of the pool not get into each other's way."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


@cache
def _pool() -> Executor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(mp_context=spawn, initializer=_one_blas_thread)


def run_trials(trials: int, seed: int, executor: Executor | None) -> Iterator[list[Trial]]:
    """Run what is not known yet, and yield the trials so far, in the order of their numbers."""
    settings, ended = wanted_settings(trials, seed), known(seed)
    running = search(dev_error, settings, executor=executor, done=list(ended.values()), time_limit=TIME_LIMIT)
    try:
        trial_file(seed).parent.mkdir(parents=True, exist_ok=True)
        running = recorded(trial_file(seed), running)
    except (OSError, RuntimeError, ValueError):  # nowhere to write: they are kept in memory only
        pass
    with closing(running):
        yield [ended[k] for k in sorted(ended) if k < trials]
        for trial in running:
            ended[trial.number] = trial
            yield [ended[k] for k in sorted(ended) if k < trials]


def search_on(
    own: Executor | None,
    trials: int,
    width: float,
    where: str,
    x: str,
    y: str,
    seed: int,
    **middles: float,
) -> Stages[OwnSearch]:
    """Search at random, and show each trial as it ends."""
    executor = {HERE: None, CORES: None, OWN: own}[where]
    if where == CORES and len([k for k in known(seed) if k < trials]) < trials:
        executor = _pool()
    brushes = {
        name: (middles[control] - width / 2, middles[control] + width / 2)
        for name, control in BRUSHES.items()
        if middles[control] != OFF
    }
    for ended in run_trials(trials, seed, executor):
        yield len(ended) / trials, OwnSearch(trials, ended, heights(ended), brushes, (x, y), where)


def program(trials: int, seed: int, **look: object) -> str:
    """Return the program behind the trials, however one looks at them."""
    return f"""
import numpy as np
from dlhelpers.digit_runs import SPACE, dev_error
from dlhelpers.hyperparameter_search import search
from dlhelpers.search_spaces import random_settings
from dlhelpers.trials import best

drawn = random_settings(SPACE, {trials}, np.random.default_rng({seed}))
settings = [{{**setting, "seed": {seed}}} for setting in drawn]
trials = list(search(dev_error, settings, time_limit={TIME_LIMIT:g}))
result = np.array([trial.score for trial in trials]), best(trials)[0].number
"""


class ParallelView(View[OwnSearch]):
    """A line for each trial, across an axis for each hyperparameter and one for the dev error."""

    def __init__(self, ax: Axes) -> None:
        n = len(AXES)
        ax.set(xlim=(-0.35, n - 0.65), ylim=(-0.14, 1.06))
        ax.set_yticks([])
        ax.grid(visible=False)
        ax.set_xticks(range(n), [name.replace(" ", "\n", 1) for name in AXES])
        for k, (low, high) in enumerate(ENDS):
            ax.plot([k, k], [0, 1], color="#555555", lw=1, zorder=3)
            ax.text(k, -0.02, low, ha="center", va="top", fontsize=9)
            ax.text(k, 1.01, high, ha="center", va="bottom", fontsize=9)
        self._others = moving(ax.plot([], [], color="#cfcfcf", lw=0.9)[0])
        self._brushed = moving(ax.plot([], [], color=DEV, lw=1.3)[0])
        self._best = moving(ax.plot([], [], "o-", color="#111111", lw=2.4, ms=4)[0])
        self._brush = moving(ax.plot([], [], color=ACCENT, lw=9, alpha=0.55, solid_capstyle="butt")[0])
        key(ax, ("— brushed", DEV), ("— best", "#111111"), ("▮ brush: drag it, or click an axis", ACCENT))

    def update(self, result: OwnSearch, before: OwnSearch | None) -> None:
        """Show `result.heights`; lines that are apart are one artist, with a gap between two."""
        heights, brushed = result.heights, result.brushed
        for line, chosen in ((self._others, ~brushed), (self._brushed, brushed)):
            gap = np.full((int(chosen.sum()), 1), np.nan)
            line.set_data(
                np.tile([*range(len(AXES)), np.nan], len(gap)), np.hstack([heights[chosen], gap]).ravel()
            )
        leading = [result.trials.index(trial) for trial in best(result.trials)]
        self._best.set_data(*(range(len(AXES)), heights[leading[0]]) if leading else ([], []))
        x, y = [], []
        for name, (low, high) in result.brushes.items():
            x += [list(AXES).index(name)] * 2 + [np.nan]
            y += [max(low, 0.0), min(high, 1.0), np.nan]
        self._brush.set_data(x, y)


class PairView(View[OwnSearch]):
    """All trials by two hyperparameters: the larger the dot, the lower the dev error."""

    SIZES = ((0.05, 9.0), (0.15, 6.0), (1.01, 3.0))
    """Dev errors up to so much have so large a dot."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-0.06, 1.06), ylim=(-0.06, 1.06))
        ax.set_xticks([0, 1], ["low", "high"])
        ax.set_yticks([0, 1], ["low", "high"])
        self._ax = ax
        self._names = (
            moving(ax.text(0.5, -0.04, "", ha="center", va="top", transform=ax.transAxes)),
            moving(ax.text(-0.03, 0.5, "", ha="right", va="center", rotation=90, transform=ax.transAxes)),
        )
        self._dots = [
            moving(ax.plot([], [], "o", color="#8a8a8a", ms=size, mec="w")[0]) for _, size in self.SIZES
        ]
        self._brushed = [
            moving(ax.plot([], [], "o", color=DEV, ms=size, mec="w")[0]) for _, size in self.SIZES
        ]
        self._best = moving(ax.plot([], [], "o", color="#111111", ms=13, mfc="none", mew=1.8)[0])
        key(ax, ("dev error:  ● to 5%", "#555555"), ("• to 15%", "#555555"), ("· more", "#555555"))

    def update(self, result: OwnSearch, before: OwnSearch | None) -> None:
        """Show the trials at the places of `result.pair`."""
        columns = [list(AXES).index(name) for name in result.pair]
        x, y = result.heights[:, columns].T
        scores, low = np.nan_to_num(result.scores, nan=1.0), 0.0
        for k, (high, _) in enumerate(self.SIZES):
            inside = (scores >= low) & (scores < high)
            self._dots[k].set_data(x[inside & ~result.brushed], y[inside & ~result.brushed])
            self._brushed[k].set_data(x[inside & result.brushed], y[inside & result.brushed])
            low = high
        leading = [result.trials.index(trial) for trial in best(result.trials)]
        self._best.set_data(x[leading], y[leading])
        for text, name in zip(self._names, result.pair, strict=True):
            text.set_text(name)


class SoFarView(View[OwnSearch]):
    """The dev error of each trial, and the best so far."""

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0, MOST + 1), ylim=(LOW, 1.1), xlabel="trial", ylabel="dev error")
        ax.set_yticks([0.02, 0.1, 1], ["2%", "10%", "100%"])
        ax.minorticks_off()
        self._old = moving(ax.plot([], [], color=GHOST, lw=1.2, drawstyle="steps-post")[0])
        self._others = moving(ax.plot([], [], "o", color="#8a8a8a", ms=3.5, mew=0)[0])
        self._brushed = moving(ax.plot([], [], "o", color=DEV, ms=3.5, mew=0)[0])
        self._best = moving(ax.plot([], [], color="#111111", lw=1.8, drawstyle="steps-post")[0])
        ax.set_title(" ", fontsize=9.5)  # room for the name
        self._name = moving(ax.text(0, 1.02, "", color="#555555", fontsize=9.5, transform=ax.transAxes))

    def update(self, result: OwnSearch, before: OwnSearch | None) -> None:
        """Show `result.scores`."""
        numbers = np.array([trial.number + 1 for trial in result.trials])
        for dots, chosen in ((self._others, ~result.brushed), (self._brushed, result.brushed)):
            dots.set_data(numbers[chosen], result.scores[chosen])
        self._best.set_data(*so_far(result))
        self._old.set_data([], [])
        old = ""
        if before is not None and before.trials[:1] != result.trials[:1]:
            old = ", grey: seed before"
            self._old.set_data(*so_far(before))
        self._name.set_text(f"line: best so far{old}; trials run {result.where}")


def so_far(result: OwnSearch) -> tuple[list[int], FloatArray]:
    """Return the numbers of the trials, from 1, and the lowest dev error up to each."""
    return [t.number + 1 for t in result.trials], np.fmin.accumulate(result.scores)


def views(figure: Figure) -> list[View[OwnSearch]]:
    """Lay out the lab: parallel coordinates; beside them two hyperparameters, and the best so far."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1.6, 1], height_ratios=[1.6, 1])
    left = figure.add_subplot(grid[:, 0])
    return [
        ParallelView(left),
        PairView(figure.add_subplot(grid[0, 1])),
        SoFarView(figure.add_subplot(grid[1, 1])),
    ]


def brush(axis: str, middle: float = OFF) -> SelectionSlider:
    """Return the slider for the brush on an axis."""
    steps = [("off", OFF), *((f"{k / 20:.2f}", k / 20) for k in range(21))]
    return steps_slider(f"Brush {axis}", steps, middle, "The middle of the brush on this axis")


def own_search_lab(executor: Executor | None = None) -> Lab:
    """Return the lab *A search of your own*; it can also run on an executor of yours, such as Dask's."""
    hyperparameters = [name for name, key in AXES.items() if key]
    return Lab(
        "A search of your own",
        controls={
            "trials": slider("Trials", 1, MOST, 12),
            "learning_rate": brush("learning rate α"),
            "dev_error": brush("dev error", 0.8),
            **{key: brush(name) for name, key in list(AXES.items())[1:-1]},
            "width": real_slider("Width of a brush", 0.1, 1, 0.4, 0.1),
            "where": choice("Run", [HERE, CORES, *([OWN] if executor else [])], OWN if executor else HERE),
            "x": choice("Across", hyperparameters, "learning rate α"),
            "y": choice("Up", hyperparameters, "batch size"),
        },
        compute=partial(search_on, executor),
        views=views,
        grabs=[Grab(0, y=control, at=k) for k, control in enumerate(BRUSHES.values())],
        code=program,
        presets={
            "24 trials": {"trials": 24},
            "low learning rates": {"learning_rate": 0.2, "dev_error": OFF},
            "small batches": {"batch_size": 0.2, "dev_error": OFF},
            "high rates, little momentum": {"learning_rate": 0.8, "beta": 0.2, "dev_error": OFF},
        },
    )

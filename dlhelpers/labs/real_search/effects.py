"""The lab *Does anything matter?*: what each hyperparameter does to the error, beside what the seed does."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.digit_runs import EPOCHS, LEVELS, SEEDS, run_table
from dlhelpers.live.controls import choice, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import ACCENT, DEV, GHOST, View, key, moving, note
from dlhelpers.typing import FloatArray

NAMES = {
    "learning rate α": "learning_rate",
    "momentum β": "beta",
    "batch size": "batch_size",
    "hidden units": "units",
    "layers": "layers",
    "decay": "decay",
}
"""In the order in which the lecture notes rank them."""
SHAPE = tuple(len(values) for values in LEVELS.values())
BEST_RATE = 6
"""Index of the learning rate with the lowest mean error, 0.316."""
OTHERS = {
    "all values": (slice(0, 3), slice(0, 3), slice(0, 3), slice(0, 3), slice(0, 2)),
    "good values only": (slice(0, 2), slice(0, 2), slice(1, 3), slice(0, 3), slice(0, 2)),
}
"""Levels of the five others: of the good ones, β up to 0.9, batches up to 64, 16 units or more."""
TOP, FLOOR = 0.5, 0.002
"""Limits of the axis of effects, as shares of the dev set."""
PALE = "#f3c9a8"


class Effects(NamedTuple):
    """How much the dev error changes with each hyperparameter alone, and with the seed alone."""

    name: str
    steps: int
    others: str
    epochs: int
    errors: FloatArray
    """(4, rates, ...): seeds, and for each hyperparameter the levels that are left."""
    seed: float
    """Standard deviation over the seeds of one setting, root mean square over the settings."""
    alone: FloatArray
    """For each hyperparameter, the deviation when it moves and all others stay, seeds included, (6,)."""

    @property
    def mean(self) -> FloatArray:
        """The errors, averaged over the seeds."""
        return self.errors.mean(axis=0)

    def level_means(self, name: str) -> FloatArray:
        """Return the mean error at each level of a hyperparameter, over all levels of the others."""
        axis = list(NAMES).index(name)
        others = tuple(k for k in range(len(NAMES)) if k != axis)
        return self.mean.mean(axis=others)

    @property
    def main(self) -> FloatArray:
        """For each hyperparameter, the deviation of its level means, (6,)."""
        return np.array([self.level_means(name).std() for name in NAMES])

    @property
    def ranking(self) -> list[str]:
        """The hyperparameters that can move, the one that moves the error most first."""
        order = np.argsort(-self.alone, kind="stable")
        return [list(NAMES)[k] for k in order if self.alone[k] > 0]

    @property
    def outside(self) -> list[str]:
        """Those whose deviation is above twice that of the seed."""
        return [name for name in self.ranking if self.alone[list(NAMES).index(name)] > 2 * self.seed]

    @property
    def values(self) -> tuple[float, ...]:
        """The levels of the chosen hyperparameter that are left."""
        return LEVELS[NAMES[self.name]][kept(self.steps, self.others)[list(NAMES).index(self.name)]]

    @property
    def finding(self) -> str:
        """The seed's own deviation, and how many stand out of it."""
        return (
            f"Seed alone: {100 * self.seed:.1f} points. {len(self.outside)} of {len(self.ranking)} "
            "hyperparameters: more than twice as much"
        )

    @property
    def caption(self) -> str:
        """The ranking here, in numbers, and the chosen one's levels."""
        rates = self.errors.shape[1]
        where = "the best learning rate" if rates == 1 else f"{rates} learning rates"
        each = ", ".join(f"{name} {100 * self.alone[list(NAMES).index(name)]:.1f}" for name in self.ranking)
        means = self.level_means(self.name)
        text = (
            f"With {where} and {self.others} of the others, after {_epochs(self.epochs)}. Standard "
            f"deviation of the dev error, in points, when only this one moves: {each}."
        )
        if len(means) == 1:
            return f"{text} The {self.name} does not move here."
        best, worst = int(np.argmin(means)), int(np.argmax(means))
        return (
            f"{text} Levels of the {self.name}: on average over all else, {self.values[best]:.3g} is the "
            f"best ({means[best]:.1%}) and {self.values[worst]:.3g} the worst ({means[worst]:.1%})."
        )


def _epochs(n: int) -> str:
    return "1 epoch" if n == 1 else f"{n} epochs"


def kept(steps: int, others: str) -> tuple[slice, ...]:
    """Return which levels are left: learning rates up to so many steps from the best, and the others."""
    return slice(max(BEST_RATE - steps, 0), min(BEST_RATE + steps + 1, SHAPE[0])), *OTHERS[others]


def effects(name: str, steps: int, others: str, epochs: int) -> Effects:
    """Look at the runs with the levels that are left, after some epochs."""
    every = run_table().errors[0, :, :, epochs - 1].reshape(SEEDS, *SHAPE)
    errors = every[:, *kept(steps, others)]
    variances = [errors.var(axis=k, ddof=1).mean() if n > 1 else 0.0 for k, n in enumerate(errors.shape)]
    seed, *alone = np.sqrt(np.array(variances))
    return Effects(name, steps, others, epochs, errors, float(seed), np.array(alone))


def program(name: str, steps: int, others: str, epochs: int) -> str:
    """Return the program behind the bars."""
    ranges = ", ".join(f"{each.start}:{each.stop}" for each in kept(steps, others))
    return f"""
import numpy as np
from dlhelpers.digit_runs import run_table

errors = run_table().errors[0, :, :, {epochs} - 1]  # of the dev set: (4 repeats, 1,620 settings)
errors = errors.reshape(4, {", ".join(map(str, SHAPE))})[:, {ranges}]  # the levels that are left
repeats = np.sqrt(errors.var(axis=0, ddof=1).mean())
alone = [
    np.sqrt(errors.var(axis=k, ddof=1).mean()) if errors.shape[k] > 1 else 0.0 for k in range(1, 7)
]
mean = errors.mean(axis=0)
main = [mean.mean(axis=tuple(i for i in range(6) if i != k)).std() for k in range(6)]
result = repeats, np.array(alone), np.array(main)
"""


class EffectsView(View[Effects]):
    """A bar for each hyperparameter, and the band of the seed."""

    def __init__(self, ax: Axes) -> None:
        n = len(NAMES)
        ax.set(xscale="log", xlim=(100 * FLOOR, 100 * TOP), ylim=(n - 0.4, -0.6))
        ax.set_xlabel("standard deviation of the dev error, in points")
        ax.set_xticks([0.2, 0.5, 1, 2, 5, 10, 20, 50], ["0.2", "0.5", "1", "2", "5", "10", "20", "50"])
        ax.minorticks_off()
        ax.set_yticks(range(n), [f"{name}\nno. {k + 1} in the notes" for k, name in enumerate(NAMES)])
        ax.tick_params(axis="y", length=0, pad=10)
        left = 100 * FLOOR
        self._band = moving(ax.axvspan(left, 1, color="#dddddd", lw=0))
        self._twice = moving(ax.axvline(1, color="#777777", lw=1.2, ls="--"))
        self._bars = [moving(bar) for bar in ax.barh(range(n), [1] * n, 0.62, left=left, color=PALE)]
        self._main = [moving(bar) for bar in ax.barh(range(n), [1] * n, 0.3, left=left, color=DEV)]
        self._old = moving(ax.plot([], [], "|", color=GHOST, ms=20, mew=2.5)[0])
        self._chosen = moving(ax.plot([], [], ">", color=ACCENT, ms=9, clip_on=False)[0])
        self._seed = note(ax, 1, n - 0.45, "seed", color="#444444", ha="right", va="bottom", fontsize=9.5)
        self._double = note(ax, 1, n - 0.45, "twice", color="#444444", ha="left", va="bottom", fontsize=9.5)
        key(
            ax,
            ("▒ alone", "#b5651d"),
            ("■ mean over others", DEV),
            ("▒ seed", "#777777"),
            ("| before", "#777777"),
            ("▶ chosen", ACCENT),
        )

    def update(self, result: Effects, before: Effects | None) -> None:
        """Show `result.alone`, `result.main` and `result.seed`."""
        low = 100 * FLOOR
        for bars, values in ((self._bars, result.alone), (self._main, result.main)):
            for bar, value in zip(bars, values, strict=True):
                bar.set_width(max(100 * value - low, 0.0))
        self._band.set_width(100 * result.seed - low)
        self._twice.set_xdata([200 * result.seed] * 2)
        self._seed.set_x(97 * result.seed)
        self._double.set_x(206 * result.seed)
        self._old.set_data([], [])
        if before is not None and not np.array_equal(before.alone, result.alone):
            old = 100 * before.alone
            self._old.set_data(np.where(old > low, old, np.nan), range(len(old)))
        self._chosen.set_data([low], [list(NAMES).index(result.name)])


class LevelsView(View[Effects]):
    """The mean error at each level of the chosen hyperparameter, and the runs behind it as a range."""

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(-0.5, 9.5), ylim=(0.02, 1), ylabel="dev error")
        ax.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5, 1], ["2%", "5%", "10%", "20%", "50%", "100%"])
        ax.minorticks_off()
        ax.set_xticks([])
        ax.set_xlabel("\nits levels, from low to high")
        self._ranges = [
            moving(ax.plot([], [], color=PALE, lw=6, solid_capstyle="butt")[0]) for _ in range(SHAPE[0])
        ]
        self._means = moving(ax.plot([], [], "o--", color=DEV, ms=6, lw=1.5)[0])
        self._best = moving(ax.plot([], [], "_", color="#222222", ms=13, mew=2)[0])
        self._values = [
            moving(
                ax.text(0, -0.03, "", ha="center", va="top", fontsize=9, transform=ax.get_xaxis_transform())
            )
            for _ in range(SHAPE[0])
        ]
        key(ax, ("● mean", DEV), ("▮ half of the runs", "#b5651d"), ("— best", "#222222"))

    def update(self, result: Effects, before: Effects | None) -> None:
        """Show the levels of `result.name`."""
        axis, means = list(NAMES).index(result.name), result.level_means(result.name)
        runs = np.moveaxis(result.errors, axis + 1, 0).reshape(len(means), -1)
        low, high = np.quantile(runs, [0.25, 0.75], axis=1)
        mean = np.moveaxis(result.mean, axis, 0).reshape(len(means), -1)
        places = np.linspace(0, 9, len(means)) if len(means) > 1 else np.array([4.5])
        self._means.set_data(places, means)
        self._best.set_data(places, mean.min(axis=1))
        values = result.values
        for k, (line, text) in enumerate(zip(self._ranges, self._values, strict=True)):
            shown = k < len(means)
            line.set_data(*([places[k]] * 2, [low[k], high[k]]) if shown else ([], []))
            named = shown and (len(means) < 8 or k % 3 == 0)
            text.set_text(f"{values[k]:.3g}" if named else "")
            text.set_x(places[k] if shown else 0)


def views(figure: Figure) -> list[View[Effects]]:
    """Lay out the lab: the bars, and the levels of the chosen hyperparameter."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [EffectsView(left), LevelsView(right)]


def name_at(y: float) -> str:
    """Return the hyperparameter whose bar is at this height."""
    return list(NAMES)[int(np.clip(round(y), 0, len(NAMES) - 1))]


def effects_lab() -> Lab:
    """Return the lab *Does anything matter?*."""
    return Lab(
        "Does anything matter?",
        controls={
            "name": choice("Levels of", list(NAMES), "learning rate α"),
            "steps": slider("Learning rates, ± steps", 0, 6, 6),
            "others": choice("The others", list(OTHERS), "all values"),
            "epochs": slider("After epochs", 1, EPOCHS, EPOCHS),
        },
        compute=effects,
        views=views,
        grabs=[Grab(0, y="name", from_y=name_at)],
        code=program,
        presets={
            "near the best rate": {"steps": 1, "name": "batch size"},
            "good values only": {"steps": 0, "others": "good values only", "name": "hidden units"},
            "after one epoch": {"epochs": 1, "name": "batch size"},
        },
        seeded=False,
    )

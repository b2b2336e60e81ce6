"""The lab *Grid or random*: the same number of trials in four plans, when one hyperparameter matters more."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.live.controls import choice, real_slider, slider, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.labels import EndLabels
from dlhelpers.plots.style import ACCENT, GHOST, INK, OCHRE, PLUM, TEAL, View, key, moving
from dlhelpers.search_spaces import Uniform, grid, latin_hypercube, random_settings
from dlhelpers.typing import FloatArray

WITH_ENDS, WITHOUT, RANDOM, LATIN = "grid with ends", "grid without ends", "random", "Latin hypercube"
PLANS = (WITH_ENDS, WITHOUT, RANDOM, LATIN)
COLORS = {WITH_ENDS: OCHRE, WITHOUT: INK, RANDOM: PLUM, LATIN: TEAL}
STYLES: Mapping[str, Any] = {
    WITH_ENDS: "--",
    WITHOUT: "-",
    RANDOM: "-.",
    LATIN: (0, (6, 1.5, 1, 1.5, 1, 1.5)),
}
SPACE = {"x": Uniform(0, 1), "y": Uniform(0, 1)}
PERCENTS = (50, 60, 70, 80, 85, 90, 93, 95, 97, 98, 99, 100)
IMPORTANCES = np.array(PERCENTS) / 100
"""The share of the loss that comes from x."""
REPETITIONS = 2000


class Excess(NamedTuple):
    """How far the best trial is above the lowest loss, at IMPORTANCES: mean and standard error, (12,)."""

    mean: FloatArray
    error: FloatArray


class Plans(NamedTuple):
    """One plan for one best place, and all plans over many best places."""

    best: tuple[float, float]
    importance: float
    per_axis: int
    plan: str
    points: FloatArray
    """The trials of the chosen plan, (n, 2)."""
    excess: dict[str, Excess]
    """Of each plan, at IMPORTANCES."""

    @property
    def trials(self) -> int:
        """The number of trials, the same for each plan."""
        return self.per_axis**2

    @property
    def nearest(self) -> int:
        """The trial with the lowest loss."""
        return int(losses(self.points, self.best, self.importance).argmin())

    @property
    def distinct(self) -> int:
        """The number of different values of x that the plan tries."""
        return len(np.unique(self.points[:, 0].round(12)))

    def mean_of(self, plan: str) -> tuple[float, float]:
        """Return mean and standard error of a plan at the chosen importance."""
        at = int(np.abs(IMPORTANCES - self.importance).argmin())
        return float(self.excess[plan].mean[at]), float(self.excess[plan].error[at])

    @property
    def finding(self) -> str:
        """Random search beside the better of the two grids."""
        better = min((WITH_ENDS, WITHOUT), key=lambda plan: self.mean_of(plan)[0])
        ratio = self.mean_of(RANDOM)[0] / self.mean_of(better)[0]
        share = f"x : y count {ratio_name(self.importance)}"
        if 1 / 1.1 < ratio < 1.1:
            return f"{share}: random trials and the {better} are about equal"
        words = f"{ratio:.1f} times as high as" if ratio > 1 else f"{1 / ratio:.1f} times lower than"
        return f"{share}: random trials end {words} the {better}"

    @property
    def caption(self) -> str:
        """How many values are tried, and what each plan misses on average."""
        loss = losses(self.points, self.best, self.importance)[self.nearest]
        means = ", ".join(
            f"{plan} {1000 * mean:.2f} ± {1000 * error:.2f}"
            for plan, (mean, error) in ((plan, self.mean_of(plan)) for plan in PLANS)
        )
        return (
            f"{self.trials} trials, here by {self.plan}: {self.distinct} different values of x. The best of "
            f"them is {1000 * loss:.1f} thousandths above the loss at the star. The mean over "
            f"{REPETITIONS:,} places of the star, in thousandths, with its standard error: {means}."
        )


def ratio_name(importance: float) -> str:
    """Return the importance of both hyperparameters, such as 95 : 5."""
    return f"{100 * importance:.0f} : {100 * (1 - importance):.0f}"


def losses(points: FloatArray, best: FloatArray | tuple[float, float], importance: float) -> FloatArray:
    """Return the loss above the lowest at points (..., n, 2), with the best place at (..., 2)."""
    best = np.asarray(best)[..., np.newaxis, :]
    x, y = points[..., 0] - best[..., 0], points[..., 1] - best[..., 1]
    return importance * x**2 + (1 - importance) * y**2  # (5)


def place(plan: str, per_axis: int, rng: np.random.Generator) -> FloatArray:
    """Return the trials of a plan, (per_axis^2, 2), in the unit square."""
    trials = per_axis**2
    if plan == WITHOUT:
        middles = (np.arange(per_axis) + 0.5) / per_axis
        return np.stack(np.meshgrid(middles, middles), axis=-1).reshape(trials, 2)
    if plan == WITH_ENDS:
        settings = grid(SPACE, per_axis)
    elif plan == RANDOM:
        settings = random_settings(SPACE, trials, rng)
    else:
        settings = latin_hypercube(SPACE, trials, rng)
    return np.array([(setting["x"], setting["y"]) for setting in settings])


def place_often(plan: str, per_axis: int, rng: np.random.Generator) -> FloatArray:
    """Return the trials of all repetitions, (REPETITIONS, n, 2), or (1, n, 2) where they stay the same."""
    trials = per_axis**2
    if plan == RANDOM:
        return rng.random((REPETITIONS, trials, 2))
    if plan == LATIN:
        slices = rng.permuted(np.tile(np.arange(trials), (REPETITIONS, 2, 1)), axis=-1).swapaxes(1, 2)
        return (slices + rng.random((REPETITIONS, trials, 2))) / trials
    return place(plan, per_axis, rng)[np.newaxis]


@lru_cache(maxsize=32)
def measure(plan: str, per_axis: int, seed: int) -> Excess:
    """Try a plan on many best places, all equally likely; random plans are drawn anew each time."""
    rng = np.random.default_rng(seed)
    best, points = rng.random((REPETITIONS, 2)), place_often(plan, per_axis, rng)
    found = np.array([losses(points, best, importance).min(axis=-1) for importance in IMPORTANCES])
    return Excess(found.mean(axis=1), found.std(axis=1, ddof=1) / REPETITIONS**0.5)


def compare_plans(
    importance: float, per_axis: float, plan: str, best_x: float, best_y: float, seed: int
) -> Plans:
    """Place the trials of the chosen plan, and measure all plans."""
    points = place(plan, int(per_axis), np.random.default_rng(seed))
    excess = {each: measure(each, int(per_axis), seed) for each in PLANS}
    return Plans((best_x, best_y), importance, int(per_axis), plan, points, excess)


def program(importance: float, per_axis: float, plan: str, best_x: float, best_y: float, seed: int) -> str:
    """Return the program behind the picture."""
    trials, edge = int(per_axis) ** 2, 0.5 / per_axis
    settings = {
        WITH_ENDS: f"grid(space, {int(per_axis)})",
        WITHOUT: f"grid(dict.fromkeys('xy', Uniform({edge!r}, {1 - edge!r})), {int(per_axis)})",
        RANDOM: f"random_settings(space, {trials}, np.random.default_rng({seed}))",
        LATIN: f"latin_hypercube(space, {trials}, np.random.default_rng({seed}))",
    }
    return f"""
import numpy as np
from dlhelpers.search_spaces import Uniform, grid, latin_hypercube, random_settings

def loss(x, y):
    return {importance} * (x - {best_x}) ** 2 + {1 - importance} * (y - {best_y}) ** 2

space = {{"x": Uniform(0, 1), "y": Uniform(0, 1)}}
result = (min(loss(**setting) for setting in {settings[plan]}),)

# the same for many best places: random search
rng = np.random.default_rng({seed})
best, points = rng.random(({REPETITIONS}, 1, 2)), rng.random(({REPETITIONS}, {trials}, 2))
squares = (points - best) ** 2
found = ({importance} * squares[..., 0] + {1 - importance} * squares[..., 1]).min(axis=1)
result += (found.mean(),)
"""


class SquareView(View[Plans]):
    """The trials in the square of both hyperparameters, lines of equal loss, and the values as rugs."""

    LEVELS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
    """Square roots of the losses on the lines."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-0.06, 1.04), ylim=(-0.06, 1.04), aspect="equal")
        ax.set(xlabel="x, the one that counts more", ylabel="y")
        ax.set_xticks([0, 0.5, 1])
        ax.set_yticks([0, 0.5, 1])
        ax.grid(visible=False)
        angles = np.linspace(0, 2 * np.pi, 101)
        self._circle = np.array([np.cos(angles), np.sin(angles)])
        self._levels = [moving(ax.plot([], [], color="#b5b5b5", lw=1, zorder=1)[0]) for _ in self.LEVELS]
        self._before = moving(ax.plot([], [], "*", color=GHOST, ms=15, mec="white")[0])
        self._line = moving(ax.plot([], [], color=ACCENT, lw=1.5, zorder=2)[0])
        self._ring = moving(ax.plot([], [], "o", mfc="none", mec="#111111", ms=13, mew=2, zorder=3)[0])
        self._points = moving(ax.plot([], [], "o", color=PLUM, ms=7, mec="white", zorder=4)[0])
        self._star = moving(ax.plot([], [], "*", color=ACCENT, ms=17, mec="white", zorder=5)[0])
        self._rugs = [moving(ax.plot([], [], mark, color=PLUM, ms=9, mew=1.6)[0]) for mark in "|_"]
        key(
            ax,
            ("● trials", PLUM),
            ("○ the best", "#111111"),
            ("★ best place: drag it", ACCENT),
        )

    def update(self, result: Plans, before: Plans | None) -> None:
        """Show `result.points` and `result.best`."""
        weights = np.array([[result.importance], [max(1 - result.importance, 1e-6)]])
        ellipse = self._circle / np.sqrt(weights)
        for line, level in zip(self._levels, self.LEVELS, strict=True):
            line.set_data(*(level * ellipse + np.array(result.best)[:, np.newaxis]))
        x, y = result.points.T
        edge = np.full(len(x), -0.04)
        self._points.set_data(x, y)
        self._rugs[0].set_data(x, edge)
        self._rugs[1].set_data(edge, y)
        near = result.points[result.nearest]
        self._ring.set_data(*near[:, np.newaxis])
        self._line.set_data([near[0], result.best[0]], [near[1], result.best[1]])
        self._star.set_data([result.best[0]], [result.best[1]])
        self._before.set_data(*([], []) if before is None else ([before.best[0]], [before.best[1]]))


class ExcessView(View[Plans]):
    """The mean loss above the lowest over the importance of x, for all plans."""

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(50, 100), ylim=(0.03, 150), xlabel="share of x, %")
        ax.set_ylabel("mean above the lowest loss, thousandths")
        ax.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        self._bands, self._lines, self._before = {}, {}, {}
        for plan in PLANS:
            width = 3 if plan == RANDOM else 2
            self._before[plan] = moving(ax.plot([], [], color=GHOST, lw=1.2)[0])
            self._lines[plan] = moving(ax.plot([], [], ls=STYLES[plan], color=COLORS[plan], lw=width)[0])
            (band,) = ax.plot([], [], "_", color=COLORS[plan], ms=5, mew=1)
            self._bands[plan] = moving(band)
        self._cursor = moving(ax.axvline(50, color=ACCENT, lw=2.5, zorder=1))
        self._labels = EndLabels(ax, [(plan, COLORS[plan]) for plan in PLANS])
        self._labels.texts[1].set_in_layout(True)
        key(ax, ("– ± one standard error", "#555555"), ("— before", "#777777"))

    def update(self, result: Plans, before: Plans | None) -> None:
        """Show `result.excess`."""
        percent = np.array(PERCENTS)
        moved = before is not None and before.per_axis != result.per_axis
        for plan in PLANS:
            mean, error = (1000 * each for each in result.excess[plan])
            self._lines[plan].set_data(percent, mean)
            self._bands[plan].set_data([*percent, *percent], [*(mean - error), *(mean + error)])
            old = 1000 * before.excess[plan].mean if before and moved else percent * np.nan
            self._before[plan].set_data(percent, old)
        self._cursor.set_xdata([100 * result.importance] * 2)
        self._labels.place([1000 * float(result.excess[plan].mean[-1]) for plan in PLANS])


def plans_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the square, and the means over the importance."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    return [SquareView(left), ExcessView(right)]


def grid_or_random_lab() -> Lab:
    """Return the lab *Grid or random*."""
    options = [(f"{importance:g}", float(importance)) for importance in IMPORTANCES]
    return Lab(
        "Grid or random",
        controls={
            "importance": steps_slider("Share w of x in the loss", options, 0.95),
            "per_axis": slider("Grid, values per axis", 2, 7, 5),
            "plan": choice("Trials placed by", PLANS, WITH_ENDS),
            "best_x": real_slider("Best place, x", 0, 1, 0.6, 0.02),
            "best_y": real_slider("Best place, y", 0, 1, 0.4, 0.02),
        },
        compute=compare_plans,
        views=plans_views,
        grabs=[
            Grab(0, x="best_x", y="best_y"),
            Grab(1, x="importance", from_x=lambda percent: percent / 100),
        ],
        code=program,
        presets={
            "random": {"plan": RANDOM},
            "both count the same": {"importance": 0.5},
            "only x counts": {"importance": 1.0},
            "both: Latin hypercube": {"plan": LATIN},
        },
    )

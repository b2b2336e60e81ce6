"""The lab *Coarse to fine*: look everywhere with a few trials, then drag a box to where the rest shall go."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dlhelpers.labs.hyperparameter_search.common import START, STEPS, dev_losses
from dlhelpers.live.controls import log_slider, real_slider, slider, switch
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, last, remembered
from dlhelpers.optimizers import Momentum
from dlhelpers.plots.style import ACCENT, GHOST, PLUM, View, key, moving, note
from dlhelpers.search_spaces import LogUniform, OneMinusLogUniform, Space, random_settings, zoom
from dlhelpers.trials import Setting, Trial
from dlhelpers.typing import FloatArray

SPACE: dict[str, Space] = {"alpha": LogUniform(1e-4, 10), "beta": OneMinusLogUniform(0, 0.999)}
LOW, HIGH = np.array([-4.0, -3.0]), np.array([1.0, 0.0])
"""The ends of log10 alpha and of log10(1 - beta)."""
BOX, RULE, EVERYWHERE = "your box", "around the best 3", "everywhere"
SECOND = (BOX, RULE, EVERYWHERE)
COLORS = {BOX: ACCENT, RULE: "#222222", EVERYWHERE: "#666666"}
TRIAL = PLUM
SHAPES = {BOX: "■", RULE: "◆", EVERYWHERE: "▲"}
MARKERS = {BOX: "s", RULE: "D", EVERYWHERE: "^"}
MAP_ALPHA, MAP_BETA = np.linspace(-4, 1, 26), np.linspace(-3, 0, 16)
WORST = 9.0
"""Losses above it, and those of training that has diverged, are drawn there."""


class Round(NamedTuple):
    """Trials: their places (n, 2), as log10 alpha and log10(1 - beta), and their dev losses (n,)."""

    places: FloatArray
    losses: FloatArray

    @property
    def lowest(self) -> float:
        """The lowest dev loss."""
        return float(self.losses.min())


class Search(NamedTuple):
    """A coarse round, and three ways to spend as many trials again."""

    center: tuple[float, float]
    width: float
    coarse: Round
    box: FloatArray
    """The places of the trials in the box, (n, 2)."""
    second: dict[str, Round]
    """Those that are trained so far."""
    map: FloatArray | None
    """Dev losses (16, 26) of the map; NaN where they are not known yet; None if it is not shown."""

    @property
    def corners(self) -> tuple[FloatArray, FloatArray]:
        """The lower and the upper corner of the box, inside of the whole."""
        return corners(self.center, self.width)

    def after(self, name: str) -> float:
        """Return the lowest dev loss of both rounds."""
        return min(self.coarse.lowest, self.second[name].lowest)

    @property
    def finding(self) -> str:
        """The lowest loss of the coarse round, and that in the box."""
        if BOX not in self.second:
            return f"Lowest dev loss: coarse {told(self.coarse.lowest)}; in your box not yet known"
        box = self.second[BOX].lowest
        verdict = "the fine round pays" if box < self.coarse.lowest else "the fine round does not pay"
        return f"Lowest dev loss: coarse {told(self.coarse.lowest)}, in your box {told(box)}: {verdict}"

    @property
    def caption(self) -> str:
        """Where the best coarse trial is, and what each second round finds."""
        trials = len(self.coarse.losses)
        alpha, distance = 10.0 ** self.coarse.places[self.coarse.losses.argmin()]
        text = (
            f"{trials} coarse trials; the best has α = {alpha:.2g} and 1 − β = {distance:.2g}. Your box "
            f"covers {self.width:.0%} of each axis, around α = {self.center[0]:.2g} and "
            f"1 − β = {self.center[1]:.2g}. "
            f"The lowest dev loss of {trials} more: "
        )
        found = [
            f"{name} {told(self.second[name].lowest) if name in self.second else 'not yet known'}"
            for name in SECOND
        ]
        text += f"{', '.join(found)}."
        if self.map is None:
            return text
        known = ~np.isnan(self.map)
        if not known.all():
            return f"{text} The map: {known.sum()} of {known.size} networks so far."
        lowest = told(float(self.map.min()))
        return f"{text} On the map, darker is worse; the lowest of its {known.size} networks has {lowest}."


def told(loss: float) -> str:
    """Return a loss as it is said."""
    return f"{loss:.2f}" if loss < WORST else f"over {WORST:.0f}"


def corners(center: tuple[float, float], width: float) -> tuple[FloatArray, FloatArray]:
    """Return the lower and the upper corner of a box; `width` is its share of each scale."""
    half = width / 2 * (HIGH - LOW)
    middle = np.clip(np.log10(center), LOW + half, HIGH - half)
    return middle - half, middle + half


def box_space(low: FloatArray, high: FloatArray) -> dict[str, Space]:
    """Return the box as a search space."""
    a, b = (10.0**low).tolist(), (10.0**high).tolist()
    return {"alpha": LogUniform(a[0], b[0]), "beta": OneMinusLogUniform(max(0.0, 1 - b[1]), 1 - a[1])}


def places_of(settings: list[dict[str, Any]]) -> FloatArray:
    """Return where settings lie in the plane, (n, 2)."""
    return np.log10([[setting["alpha"], 1 - setting["beta"]] for setting in settings])


def try_out(settings: list[dict[str, Any]], seed: int) -> Round:
    """Train a network for each setting, all at once, and return what came of it."""
    alpha, beta = (np.array([[setting[name]] for setting in settings]) for name in ("alpha", "beta"))
    losses = dev_losses(Momentum(beta, averaged=False), alpha, seed)
    return Round(places_of(settings), losses)


@lru_cache(maxsize=32)
def coarse_round(trials: int, seed: int) -> Round:
    """Try settings at random in the whole space."""
    return try_out(random_settings(SPACE, trials, np.random.default_rng(seed)), seed)


@remembered(64)
def second_round(name: str, trials: int, seed: int) -> Stages[Round]:
    """Try settings around the best of the coarse round, or everywhere."""
    space = zoomed(coarse_round(trials, seed)) if name == RULE else SPACE
    yield 1.0, try_out(random_settings(space, trials, np.random.default_rng((seed, 1))), seed)


def zoomed(coarse: Round) -> dict[str, Space]:
    """Return the space around the best three trials."""
    settings: list[Setting] = [
        {"alpha": alpha, "beta": 1 - distance} for alpha, distance in (10.0**coarse.places).tolist()
    ]
    pairs = enumerate(zip(settings, coarse.losses.tolist(), strict=True))
    return zoom(SPACE, [Trial(number, setting, loss) for number, (setting, loss) in pairs], 3, 0.05)


@remembered(2)
def map_of(seed: int) -> Stages[FloatArray]:
    """Train a network at each place of a map, row by row."""
    losses = np.full((len(MAP_BETA), len(MAP_ALPHA)), np.nan)
    alpha = 10.0 ** MAP_ALPHA[:, np.newaxis]
    for row, exponent in enumerate(MAP_BETA):
        losses[row] = dev_losses(Momentum(1 - 10.0 ** float(exponent), averaged=False), alpha, seed)
        yield (row + 1) / len(MAP_BETA), losses.copy()


def search(
    alpha: float, distance: float, width: float, trials: float, show_map: bool, seed: int
) -> Stages[Search]:
    """Run the coarse round, the three second rounds, and the map if it is asked for."""
    n, center = int(trials), (alpha, distance)
    settings = random_settings(box_space(*corners(center, width)), n, np.random.default_rng((seed, 2)))
    rounds = {name: second_round.recall(name, n, seed) for name in (RULE, EVERYWHERE)}
    known = {name: each for name, each in rounds.items() if each is not None}
    losses_of_map = map_of.recall(seed) if show_map else None
    result = Search(center, width, coarse_round(n, seed), places_of(settings), known, losses_of_map)
    yield 0.1, result
    result = result._replace(second={**result.second, BOX: try_out(settings, seed)})
    yield 0.3, result
    for name in (RULE, EVERYWHERE):
        result = result._replace(second={**result.second, name: last(second_round(name, n, seed))})
    if not show_map:
        yield 1.0, result
        return
    for share, losses in map_of(seed):
        yield 0.3 + 0.7 * share, result._replace(map=losses)


def program(alpha: float, distance: float, width: float, trials: float, show_map: bool, seed: int) -> str:
    """Return the program behind the picture, without its map."""
    low, high = (10.0**each for each in corners((alpha, distance), width))
    n = int(trials)
    return f"""
import numpy as np
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Momentum
from dlhelpers.search_spaces import LogUniform, OneMinusLogUniform, random_settings
from dlhelpers.training import descend

def dev_losses(settings):
    {START.format(seed=seed).replace(chr(10), chr(10) + "    ")}
    alpha, beta = (np.array([[s[name]] for s in settings]) for name in ("alpha", "beta"))
    batches = minibatches(data.train.X, data.train.Y, 32, rng)
    momentum = Momentum(beta, averaged=False)  # v = beta v + gradient
    *_, last = descend(network, np.tile(theta, (len(alpha), 1)), batches, momentum, alpha, steps={STEPS})
    with np.errstate(all="ignore"):
        losses = network.loss(last.theta, data.dev)
    return np.where(np.isnan(losses), np.inf, losses)

space = {{"alpha": LogUniform(1e-4, 10), "beta": OneMinusLogUniform(0, 0.999)}}
box = {{
    "alpha": LogUniform({float(low[0])!r}, {float(high[0])!r}),
    "beta": OneMinusLogUniform({float(max(0.0, 1 - high[1]))!r}, {float(1 - low[1])!r}),
}}
coarse = dev_losses(random_settings(space, {n}, np.random.default_rng({seed})))
fine = dev_losses(random_settings(box, {n}, np.random.default_rng(({seed}, 2))))
result = coarse.min(), fine.min()
"""


class PlaneView(View[Search]):
    """All trials in the plane of both hyperparameters, the box, and the map."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-4.1, 1.1), ylim=(-3.1, 0.1), xlabel="α", ylabel="1 − β")
        ax.set_xticks(range(-4, 2), ["0.0001", "0.001", "0.01", "0.1", "1", "10"])
        ax.set_yticks(range(-3, 1), ["0.001", "0.01", "0.1", "1"])
        step = 0.1
        self._map = moving(
            ax.imshow(
                np.zeros((16, 26)),
                cmap="Greys",
                vmin=np.log(0.1),
                vmax=np.log(30),
                extent=(-4 - step, 1 + step, -3 - step, step),
                origin="lower",
                aspect="auto",
                zorder=0,
            )
        )
        self._before = moving(Rectangle((0, 0), 0, 0, fill=False, ec=GHOST, lw=1.5))
        self._box = moving(Rectangle((0, 0), 0, 0, fill=False, ec=ACCENT, lw=3))
        for box in (self._before, self._box):
            ax.add_patch(box)
        self._coarse = moving(ax.plot([], [], "o", color=TRIAL, ms=9, mec="white", zorder=4)[0])
        self._second = {
            name: moving(
                ax.plot([], [], MARKERS[name], color=COLORS[name], ms=5.5, mec="white", mew=0.7, zorder=3)[0]
            )
            for name in SECOND
        }
        self._rings = moving(ax.plot([], [], "o", mfc="none", mec="#111111", ms=15, mew=1.8, zorder=5)[0])
        self._name = note(ax, 0, 0, fontsize=9.5, va="center")
        key(ax, ("● coarse", TRIAL), *((f"{SHAPES[name]} {name}", COLORS[name]) for name in SECOND))

    def update(self, result: Search, before: Search | None) -> None:
        """Show the rounds of `result`; the best three coarse trials have a ring, the best one its loss."""
        self._map.set_visible(result.map is not None)
        if result.map is not None:
            self._map.set_data(np.log(np.minimum(result.map, WORST)))
        self._place(self._box, result)
        self._before.set_visible(before is not None)
        if before is not None:
            self._place(self._before, before)
        self._coarse.set_data(*result.coarse.places.T)
        leading = result.coarse.losses.argsort()[:3]
        self._rings.set_data(*result.coarse.places[leading].T)
        x, y = result.coarse.places[leading[0]]
        side = "right" if x > 0 else "left"
        self._name.set(position=(x - 0.15 if x > 0 else x + 0.15, y), ha=side)
        self._name.set_text(told(result.coarse.lowest))
        for name in SECOND:
            places = result.second[name].places if name in result.second else np.zeros((0, 2))
            self._second[name].set_data(*(result.box if name == BOX else places).T)

    def _place(self, box: Rectangle, result: Search) -> None:
        low, high = result.corners
        box.set_xy((float(low[0]), float(low[1])))
        box.set_width(float(high[0] - low[0]))
        box.set_height(float(high[1] - low[1]))


class LowestView(View[Search]):
    """All dev losses of each round as points in a row; the lowest is large."""

    ROWS = ("coarse", *SECOND)

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", xlim=(0.09, WORST * 1.2), ylim=(-0.6, 3.6), xlabel="dev loss")
        ax.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, WORST], ["0.1", "0.2", "0.5", "1", "2", "5", ">9"])
        ax.minorticks_off()
        ax.set_yticks(range(3, -1, -1), self.ROWS)
        self._before = moving(ax.axvline(1, color=GHOST, lw=1.5))
        self._line = moving(ax.axvline(1, color="#111111", lw=1, ls=":"))
        self._all, self._lowest, self._values = {}, {}, {}
        for row, name in enumerate(self.ROWS):
            color, marker = COLORS.get(name, TRIAL), MARKERS.get(name, "o")
            self._all[name] = moving(ax.plot([], [], marker, color=color, ms=5, mec="white", mew=0.6)[0])
            self._lowest[name] = moving(ax.plot([], [], marker, color=color, ms=11, mec="white")[0])
            self._values[name] = note(ax, 1, 3 - row + 0.32, fontsize=10, color=color, ha="center")
        key(ax, ("┊ best of the coarse round", "#111111"), ("│ box, before", "#777777"))

    def update(self, result: Search, before: Search | None) -> None:
        """Show the losses of all rounds."""
        self._line.set_xdata([result.coarse.lowest] * 2)
        shown = before is not None and BOX in before.second
        self._before.set_visible(shown)
        if before is not None and shown:
            self._before.set_xdata([before.second[BOX].lowest] * 2)
        for row, name in enumerate(self.ROWS):
            found = {"coarse": result.coarse, **result.second}.get(name)
            losses = np.zeros(0) if found is None else np.minimum(found.losses, WORST)
            lowest = losses.min(initial=WORST)
            self._all[name].set_data(losses, np.full(len(losses), 3.0 - row))
            self._lowest[name].set_data(*([], []) if found is None else ([lowest], [3 - row]))
            self._values[name].set_visible(found is not None)
            self._values[name].set_x(np.clip(lowest, 0.11, 6))
            self._values[name].set_text(told(float(lowest)))


def search_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the plane, and the losses of all rounds."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [PlaneView(left), LowestView(right)]


def coarse_to_fine_lab() -> Lab:
    """Return the lab *Coarse to fine*."""
    return Lab(
        "Coarse to fine",
        controls={
            "alpha": log_slider("Middle of the box, α", -4, 1, 1e-3, 0.1),
            "distance": log_slider("Middle of the box, 1 − β", -3, 0, 0.03, 0.1),
            "width": real_slider("Box, share of each axis", 0.1, 0.6, 0.3, 0.05),
            "trials": slider("Trials in each round", 4, 16, 7),
            "show_map": switch("Show what no search sees", False),
        },
        compute=search,
        views=search_views,
        grabs=[
            Grab(0, x="alpha", y="distance", from_x=lambda x: 10.0**x, from_y=lambda y: 10.0**y),
        ],
        code=program,
        presets={
            "the map": {"show_map": True},
            "a wide box": {"width": 0.6},
            "four trials": {"trials": 4},
        },
    )

"""The lab *Momentum*: which learning rates and which beta converge, and how fast."""

from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.optimizers.common import (
    FLAT_COLOR,
    NOTHING,
    STEEP_COLOR,
    drawable,
    path_of,
    transition,
)
from dlhelpers.live.controls import choice, log_slider, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.optimizers import Momentum
from dlhelpers.plots.style import ACCENT, GHOST, TRAIN, View, key, moving, note
from dlhelpers.surfaces import Ravine
from dlhelpers.training import descend
from dlhelpers.typing import BoolArray, FloatArray

AVERAGED, SUM = "v = βv + (1 − β)g", "v = βv + g"
FORMS = {AVERAGED: True, SUM: False}
STEPS = 100
RATES = 10.0 ** np.linspace(-1, 2.25, 40)
BETAS = np.linspace(0, 0.975, 40)
EDGE_BETAS = np.linspace(0, 0.95, 20)
EDGE_STEPS, EDGE_GRID, EDGE_ZOOMS = 600, 50, 3


class Momenta(NamedTuple):
    """One run of momentum in a ravine, beside the runs for all learning rates and all beta.

    `path` is (101, 2); `map` is (40, 40), the loss after 100 steps over the loss at the start; `factors` are
    the largest sizes of the eigenvalues along the floor and across it.
    """

    form: str
    rate: float
    beta: float
    condition: float
    path: FloatArray
    share: float
    factors: tuple[float, float]
    swings: tuple[bool, bool]
    map: FloatArray
    edges: FloatArray

    @property
    def edge(self) -> float:
        """The learning rate at which the steep direction stops to converge, by the eigenvalues."""
        return stability_edge(self.beta, self.form)

    @property
    def disagreement(self) -> float:
        """The largest relative difference of a measured edge from that of the eigenvalues."""
        predicted = [stability_edge(float(beta), self.form) for beta in EDGE_BETAS]
        return float(np.max(np.abs(self.edges / predicted - 1)))

    @property
    def finding(self) -> str:
        """The loss after 100 steps, as a share of that at the start."""
        end = f"after {STEPS} steps the loss is {share_in_words(self.share)}"
        return f"α = {self.rate:.3g}, β = {self.beta:.2f}: {end}"

    @property
    def caption(self) -> str:
        """What each step does to the two errors, and where the edge lies."""
        words = [
            f"{name} by {_factor(factor)}{' (it swings)' if swings else ''}"
            for name, factor, swings in zip(
                ("along the floor", "across it"), self.factors, self.swings, strict=True
            )
        ]
        a = 1 - self.beta
        other = (
            f"With v = βv + g, the rate for the same steps is (1 − β)α = {a * self.rate:.3g}."
            if self.form == AVERAGED
            else f"With v = βv + (1 − β)g, the rate for the same steps is α/(1 − β) = {self.rate / a:.3g}."
        )
        return (
            f"In the long run a step multiplies the error {words[0]}, and {words[1]}. At this β the edge "
            f"(line) is at α = {self.edge:.3g}; the {len(EDGE_BETAS)} edges measured by runs (circles) lie "
            f"within {_ceiling(self.disagreement)} of the line. {other} The ravine has κ = "
            f"{self.condition:.3g}; the start is ({self.path[0, 0]:.1f}, {self.path[0, 1]:.1f})."
        )


def _factor(factor: float) -> str:
    return f"{factor:.4f}" if 0.995 <= factor < 1.005 else f"{factor:.2f}"


def _ceiling(share: float) -> str:
    """Return the next larger of a few shares, so that another processor says the same."""
    return next(text for limit, text in ((1e-4, "0.01%"), (1e-3, "0.1%"), (np.inf, "1%")) if share < limit)


def share_in_words(share: float) -> str:
    """Return a loss as a share of that at the start, in a form that rounding does not move."""
    if not share < 1e6:
        return "more than a million times that of the start"
    if share > 1:
        return (
            f"{float(f'{share:.2g}'):,.0f} times that of the start"
            if share >= 10
            else f"{share:.1f} times that of the start"
        )
    return "less than 1e-12 of the start" if share < 1e-12 else f"{share:.2g} of the start"


def stability_edge(beta: float, form: str) -> float:
    r"""Return the learning rate up to which momentum converges where the curvature is 1.

    At the edge an eigenvalue of `transition` is -1:

    .. math:: \alpha = 2 (1 + \beta) / a \tag{1}

    with a = 1 - beta if the velocity is averaged, and a = 1 if it is a sum.
    """
    a = 1 - beta if FORMS[form] else 1.0
    return 2 * (1 + beta) / a  # (1)


@lru_cache(maxsize=2)
def measured_edges(form: str) -> FloatArray:
    """Find the edge for each of `EDGE_BETAS` by runs: fifty rates at once, and three times closer."""
    low, high = np.full(len(EDGE_BETAS), 0.5), np.full(len(EDGE_BETAS), 500.0)
    for _ in range(EDGE_ZOOMS):
        rates = np.geomspace(low, high, EDGE_GRID, axis=1)
        last = EDGE_GRID - 1 - _shrinks(rates, form)[:, ::-1].argmax(axis=1)  # the largest that shrinks
        rows = np.arange(len(rates))
        low, high = rates[rows, last], rates[rows, last + 1]
    return np.asarray(np.sqrt(low * high))


def _shrinks(rates: FloatArray, form: str) -> BoolArray:
    """Return for each run, in a bowl of curvature 1, whether the error shrank in its second half."""
    betas = np.repeat(EDGE_BETAS, EDGE_GRID)[:, None]
    start = np.tile([1.0, 0.0], (rates.size, 1))
    optimizer = Momentum(betas, averaged=FORMS[form])
    run = descend(Ravine(1.0), start, repeat(NOTHING), optimizer, rates.reshape(-1, 1), steps=EDGE_STEPS)
    half = end = start
    for step in run:
        half, end = (step.theta if step.step == EDGE_STEPS // 2 else half), step.theta
    return np.asarray((np.abs(end[:, 0]) < np.abs(half[:, 0])).reshape(rates.shape))


@lru_cache(maxsize=64)
def loss_map(form: str, condition: float, x: float, y: float) -> FloatArray:
    """Run all rates with all beta for 100 steps; return the loss over that at the start, (40, 40)."""
    ravine = Ravine(condition)
    betas, rates = (grid.reshape(-1, 1) for grid in np.meshgrid(BETAS, RATES, indexing="ij"))
    start = np.tile([x, y], (len(rates), 1))
    run = descend(ravine, start, repeat(NOTHING), Momentum(betas, FORMS[form]), rates, steps=STEPS)
    *_, last = run
    with np.errstate(all="ignore"):
        shares = ravine.loss(last.theta) / ravine.loss(start)
    return np.where(last.diverged, np.inf, shares).reshape(len(BETAS), len(RATES))


def move_in_plane(rate: float, beta: float, form: str, condition: float, x: float, y: float) -> Momenta:
    """Run momentum at one point of the plane, and take the runs of the whole plane from memory."""
    if x == 0 and y == 0:
        raise ValueError("The start is the minimum: there is nothing to descend. Move it away from there.")
    ravine, start = Ravine(condition), np.array([x, y])
    run = descend(ravine, start, repeat(NOTHING), Momentum(beta, FORMS[form]), rate, steps=STEPS)
    path = path_of(run)
    eigenvalues = [
        np.linalg.eigvals(transition(rate, beta, h, FORMS[form])) for h in (1 / ravine.condition, 1.0)
    ]
    sizes = [float(np.abs(pair).max()) for pair in eigenvalues]
    swings = [
        bool(np.any(pair.imag != 0) or np.real(pair[np.abs(pair).argmax()]) < 0) for pair in eigenvalues
    ]
    return Momenta(
        form,
        rate,
        beta,
        condition,
        path,
        float(ravine.loss(path[-1]) / ravine.loss(start)),
        (sizes[0], sizes[1]),
        (swings[0], swings[1]),
        loss_map(form, condition, x, y),
        measured_edges(form),
    )


def program(rate: float, beta: float, form: str, condition: float, x: float, y: float) -> str:
    """Return the program behind the picture."""
    a = f"(1 - {beta})" if FORMS[form] else "1.0"
    return f"""
from itertools import repeat
import numpy as np
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import Momentum
from dlhelpers.surfaces import Ravine
from dlhelpers.training import descend

ravine, start = Ravine({condition}), np.array([{x}, {y}])
batches = repeat(Batch(np.zeros((1, 1)), np.zeros((1, 1))))  # a surface has no data
optimizer = Momentum({beta}, averaged={FORMS[form]})
run = descend(ravine, start, batches, optimizer, {rate}, steps={STEPS})
path = np.stack([step.theta for step in run])

def factor(h):  # what a step does to (v, theta) is a matrix; its largest eigenvalue decides
    matrix = np.array([[{beta}, {a} * h], [-{rate} * {beta}, 1 - {rate} * {a} * h]])
    return np.abs(np.linalg.eigvals(matrix)).max()

edge = 2 * (1 + {beta}) / {a}
result = path, ravine.loss(path[-1]) / ravine.loss(start), factor(1 / ravine.condition), factor(1.0), edge
"""


class PlaneView(View[Momenta]):
    """The plane of learning rate and beta: the loss after 100 steps, the edge, and the chosen point."""

    LOWEST = -8.0
    COLORS = colormaps["cividis"].resampled(8)

    def __init__(self, ax: Axes) -> None:
        ax.set(
            xscale="log", xlim=(RATES[0], RATES[-1]), ylim=(-0.02, 1), ylabel="β", xlabel="learning rate α"
        )
        ax.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        gap = (BETAS[1] - BETAS[0]) / 2
        columns = np.geomspace(RATES[0], RATES[-1], len(RATES) + 1)
        rows = np.append(BETAS - gap, BETAS[-1] + gap)
        empty = np.zeros((len(BETAS), len(RATES)))
        self._map = moving(ax.pcolormesh(columns, rows, empty, cmap=self.COLORS, vmin=self.LOWEST, vmax=0))
        (self._edge,) = ax.plot([], [], color="#222222", lw=1.5)
        (self._measured,) = ax.plot([], [], "o", mfc="white", mec="#222222", ms=6)
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=11, mec="white")
        (self._here,) = ax.plot([], [], "o", color=ACCENT, ms=13, mec="white", mew=2)
        for artist in (self._edge, self._measured, self._old, self._here):
            moving(artist)
        words = (
            "loss after 100 steps\nblue: 1e-8 of the start or less\n"
            "yellow: nearly as at the start\nwhite: higher than at the start"
        )
        moving(ax.text(RATES[-1] / 1.1, 0.03, words, ha="right", fontsize=9, linespacing=1.4))
        key(ax, ("● you (drag)", ACCENT), ("— edge by eigenvalues", "#222222"), ("○ edge by runs", "#222222"))

    def update(self, result: Momenta, before: Momenta | None) -> None:
        """Show `result.map`, (40, 40), the edges, and the point."""
        with np.errstate(divide="ignore"):
            logs = np.log10(result.map)
        self._map.set_array(np.ma.masked_greater(np.maximum(logs, self.LOWEST), 0))
        betas = np.linspace(0, 0.98, 99)
        self._edge.set_data([stability_edge(float(beta), result.form) for beta in betas], betas)
        self._measured.set_data(result.edges, EDGE_BETAS)
        self._here.set_data([result.rate], [result.beta])
        same = before is not None and before.form == result.form
        self._old.set_data(*(([before.rate], [before.beta]) if before is not None and same else ([], [])))


class RavineView(View[Momenta]):
    """The ravine, and the path of momentum in it."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-4, 4), ylim=(-3, 3), xlabel="along the floor", ylabel="across")
        ax.set(xticks=range(-4, 5, 2), yticks=range(-2, 3))
        (self._rings,) = ax.plot([], [], color="#cccccc", lw=0.8)
        (self._old,) = ax.plot([], [], "-", color=GHOST, lw=1)
        (self._path,) = ax.plot([], [], "o-", color=TRAIN, ms=2.5, lw=1)
        (self._start,) = ax.plot([], [], "o", color=ACCENT, ms=10, mec="white", mew=1.5)
        (self._minimum,) = ax.plot([0], [0], "*", color="#222222", ms=11, mec="white")
        for artist in (self._rings, self._old, self._path, self._start, self._minimum):
            moving(artist)
        key(ax, ("● start (drag)", ACCENT), ("★ minimum", "#222222"), ("— before", "#777777"))

    def update(self, result: Momenta, before: Momenta | None) -> None:
        """Show `result.path`, (101, 2), and lines of equal loss."""
        angle = np.append(np.linspace(0, 2 * np.pi, 121), np.nan)
        circle = np.stack([np.sqrt(result.condition) * np.cos(angle), np.sin(angle)])
        self._rings.set_data(*np.hstack([radius * circle for radius in (0.25, 0.5, 1, 1.5, 2, 2.5)]))
        self._path.set_data(*drawable(result.path))
        self._start.set_data(*result.path[0][:, None])
        self._old.set_data(*(([], []) if before is None else drawable(before.path)))


class ErrorView(View[Momenta]):
    """The size of the error along and across the ravine, over the steps, and what the eigenvalues say."""

    LOW, HIGH = 1e-6, 1e3

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0, STEPS), ylim=(self.LOW, self.HIGH), xlabel="step", ylabel="error")
        ax.set_yticks([1e-6, 1e-3, 1, 1e3])
        ax.minorticks_off()
        self._lines, self._slopes = [], []
        for color, style in ((FLAT_COLOR, "-"), (STEEP_COLOR, "--")):
            self._lines.append(moving(ax.plot([], [], style, color=color, lw=1.6)[0]))
            self._slopes.append(moving(ax.plot([], [], ":", color="#777777", lw=1.5)[0]))
        self._off = note(ax, 0.97 * STEPS, 0.3 * self.HIGH, "", ha="right", va="top", fontsize=9)
        key(ax, ("— along", FLAT_COLOR), ("-- across", STEEP_COLOR), ("··· eigenvalues", "#777777"))

    def update(self, result: Momenta, before: Momenta | None) -> None:
        """Show the two columns of `result.path`, and the powers of `result.factors`."""
        steps = np.arange(len(result.path))
        for line, slope, error, factor in zip(
            self._lines, self._slopes, np.abs(result.path).T, result.factors, strict=True
        ):
            line.set_data(steps, np.clip(error, 1e-3 * self.LOW, 1e3 * self.HIGH))
            with np.errstate(over="ignore"):
                predicted = max(error[0], 1e-3) * factor**steps
            slope.set_data(steps, np.clip(predicted, 1e-3 * self.LOW, 1e3 * self.HIGH))
        outside = np.flatnonzero(~(np.abs(result.path).max(axis=1) < self.HIGH))
        self._off.set_text(f"▲ leaves the frame at step {outside[0]}" if outside.size else "")


def momentum_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the plane, the ravine, the errors."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1.45, 1])
    plane, ravine, errors = (figure.add_subplot(grid[place]) for place in ((slice(None), 0), (0, 1), (1, 1)))
    return [PlaneView(plane), RavineView(ravine), ErrorView(errors)]


def momentum_lab() -> Lab:
    """Return the lab *Momentum*."""
    return Lab(
        "Momentum: how large a step?",
        controls={
            "rate": log_slider("Learning rate α", -1, 2.25, 3, 0.05, fmt=".3g"),
            "beta": real_slider("Momentum β", 0, 0.98, 0, 0.01),
            "form": choice("Velocity", list(FORMS), AVERAGED),
            "condition": log_slider("Ravine: condition κ", 0, 3, 100, 0.1, fmt=".3g"),
            "x": real_slider("Start, along the floor", -3.9, 3.9, -3.5, 0.1, fmt=".1f"),
            "y": real_slider("Start, across", -2.9, 2.9, 2.1, 0.2, fmt=".1f"),
        },
        compute=move_in_plane,
        views=momentum_views,
        grabs=[Grab(0, x="rate", y="beta"), Grab(1, x="x", y="y")],
        code=program,
        presets={
            "gradient descent, α = 1.8": {"rate": 10**0.25},
            "momentum, the same α": {"rate": 10**0.25, "beta": 0.9},
            "best for κ = 100": {"rate": 10, "beta": 0.67},
            "over the edge": {"rate": 10**1.6, "beta": 0.9},
            "the sum, α = 10": {"rate": 10, "beta": 0.9, "form": SUM},
        },
        seeded=False,
        size=(9.6, 3.75),
    )

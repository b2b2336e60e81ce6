"""The lab *The right scale*: where trials land when they are even in a number, or in its exponent."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.digits import normalized_digits
from dlhelpers.labs.hyperparameter_search.common import (
    FIRST_COLOR,
    NETWORK,
    SECOND_COLOR,
    START,
    STEPS,
    dev_losses,
)
from dlhelpers.live.controls import choice, log_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import minibatches
from dlhelpers.optimizers import Adam
from dlhelpers.plots.labels import EndLabels
from dlhelpers.plots.style import ACCENT, DEV, GHOST, TEST, View, key, moving, note
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

RATE, MEMORY = "learning rate α", "memory β of an average"
SYMBOLS: Mapping[str, str] = {RATE: "α", MEMORY: "1 − β"}
PLACES = 10.0 ** np.linspace(-4, 0, 41)
"""Where the curve is measured: α, or 1 - β."""
CHUNK = 11
EVEN, LOG = "even", "even in log"
SCALES = (EVEN, LOG)
MOST = 64
REPETITIONS = 400
MIDDLE = 0.1


class Curve(NamedTuple):
    """Dev losses (41,) at PLACES; NaN where they are not computed yet."""

    losses: FloatArray

    def at(self, places: FloatArray) -> FloatArray:
        """Return the losses at any places, on the line between the two nearest runs."""
        return np.interp(np.log10(places), np.log10(PLACES), self.losses)

    @property
    def lowest(self) -> int:
        """The index of the lowest loss."""
        return int(np.nanargmin(self.losses))


class Scales(NamedTuple):
    """The same number of trials on two scales, and what is found on average."""

    what: str
    low: float
    trials: int
    curve: Curve
    places: dict[str, FloatArray]
    """On each scale: where the trials are, (n,)."""
    expected: dict[str, FloatArray]
    """On each scale: the mean of the lowest loss among 1 to MOST trials; empty until the curve is known."""

    @property
    def symbol(self) -> str:
        """What is on the axis."""
        return SYMBOLS[self.what]

    def below(self, scale: str) -> int:
        """Return how many trials are below 0.1."""
        return int(np.sum(self.places[scale] < MIDDLE))

    @property
    def finding(self) -> str:
        """How many trials are below 0.1 on each scale."""
        return (
            f"{self.symbol} below 0.1: {self.below(EVEN)} of {self.trials} trials if they are even in "
            f"{self.symbol}, {self.below(LOG)} if in its logarithm"
        )

    @property
    def caption(self) -> str:
        """The best of these trials, and of as many on average."""
        text = f"The trials lie between {self.symbol} = {self.low:.2g} and 1."
        if not self.expected:
            known = int(np.isfinite(self.curve.losses).sum())
            return f"{text} {known} of {len(PLACES)} networks of the curve are trained so far."
        parts = []
        for scale, words in ((EVEN, f"Even in {self.symbol}"), (LOG, f"Even in log({self.symbol})")):
            found = self.curve.at(self.places[scale]).min()
            parts.append(
                f"{words}: the best of n = {self.trials} has a dev loss of "
                f"{self.expected[scale][self.trials - 1]:.2f} on average, and of {found:.2f} in this draw"
            )
        lowest = self.curve.lowest
        return (
            f"{text} {parts[0]}. {parts[1]}. The lowest point of the curve is "
            f"{self.curve.losses[lowest]:.2f}, at {self.symbol} = {PLACES[lowest]:.2g}."
        )


@remembered(8)
def curve_of(what: str, seed: int) -> Stages[Curve]:
    """Measure the dev loss at all places; stages come as the networks are trained."""
    if what == MEMORY:
        yield 1.0, Curve(average_losses(seed))
        return
    losses = np.full(len(PLACES), np.nan)
    for first in range(0, len(PLACES), CHUNK):
        part = slice(first, first + CHUNK)
        losses[part] = dev_losses(Adam(), PLACES[part, np.newaxis], seed)
        yield min(1.0, (first + CHUNK) / len(PLACES)), Curve(losses.copy())


def average_losses(seed: int) -> FloatArray:
    """Train one network and average its weights with each of the memories; return their dev losses, (41,)."""
    data, rng = normalized_digits(seed), np.random.default_rng(seed)
    theta = NETWORK.initialize(rng)
    averages = np.tile(theta, (len(PLACES), 1))
    run = descend(
        NETWORK, theta, minibatches(data.train.X, data.train.Y, 16, rng), Adam(), 0.1, steps=3 * STEPS
    )
    for step in run:
        averages += PLACES[:, np.newaxis] * (step.theta - averages)  # beta * average + (1 - beta) * theta
    return NETWORK.loss(averages, data.dev)


def draw(scale: str, low: float, u: FloatArray) -> FloatArray:
    """Return the places of trials from numbers u that are even in [0, 1]: equations (1) and (2)."""
    if scale == EVEN:
        return (1 - u) * low + u  # (1)
    return 10.0 ** ((1 - u) * np.log10(low))  # (2)


def compare_scales(what: str, low: float, trials: float, seed: int) -> Stages[Scales]:
    """Draw trials on both scales and look up their losses on the curve."""
    count, rng = int(trials), np.random.default_rng(seed)
    u, others = rng.random(MOST)[:count], rng.random((REPETITIONS, MOST))
    places = {scale: draw(scale, low, u) for scale in SCALES}
    for share, curve in curve_of(what, seed):
        expected = {}
        if share >= 1:
            found = {scale: curve.at(draw(scale, low, others)) for scale in SCALES}
            expected = {
                scale: np.minimum.accumulate(losses, axis=1).mean(axis=0) for scale, losses in found.items()
            }
        yield share, Scales(what, low, count, curve, places, expected)


def program(what: str, low: float, trials: float, seed: int) -> str:
    """Return the program behind the picture."""
    training = {
        RATE: """
losses = []
for part in (places[:11], places[11:22], places[22:33], places[33:]):
    rng = np.random.default_rng(SEED)  # each part: the same weights, the same batches
    theta = np.tile(network.initialize(rng), (len(part), 1))
    batches = minibatches(data.train.X, data.train.Y, 32, rng)
    *_, last = descend(network, theta, batches, Adam(), part[:, None], steps=128)
    losses.extend(network.loss(last.theta, data.dev))
""".replace("SEED", str(seed)),
        MEMORY: """
averages = np.tile(theta, (len(places), 1))
for step in descend(network, theta, minibatches(data.train.X, data.train.Y, 16, rng), Adam(), 0.1, steps=384):
    averages += places[:, None] * (step.theta - averages)
losses = network.loss(averages, data.dev)
""",
    }
    return f"""
import numpy as np
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.search_spaces import LogUniform, Uniform, random_settings
from dlhelpers.training import descend

{START.format(seed=seed)}
places = 10.0 ** np.linspace(-4, 0, 41)  # {SYMBOLS[what]}
{training[what].strip()}

result = []
for space in (Uniform({low!r}, 1.0), LogUniform({low!r}, 1.0)):
    trials = random_settings({{"x": space}}, {int(trials)}, np.random.default_rng({seed}))
    x = np.array([trial["x"] for trial in trials])
    result.append(np.interp(np.log10(x), np.log10(places), losses).min())
"""


class CurveView(View[Scales]):
    """The dev loss over α or 1 - β, the trials of both scales on it, and once more in two rows below."""

    ROWS: Mapping[str, float] = {EVEN: 0.05, LOG: 0.13}

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(8e-5, 1.25), ylim=(0.035, 6), ylabel="dev loss")
        ax.set_xlabel(" ")
        ax.set_yticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
        ax.minorticks_off()
        self._name = moving(ax.text(0.5, -0.1, "", transform=ax.transAxes, ha="center", va="top"))
        rows = ax.get_xaxis_transform()
        ax.axhspan(0.035, 0.0875, color="#f2f2f2", lw=0, zorder=0)
        self._before = moving(ax.axvline(1, color=GHOST, lw=1.5))
        self._low = moving(ax.axvline(1, color=ACCENT, lw=3))
        self._curve = moving(ax.plot([], [], "--", color=DEV, lw=2)[0])
        self._dots, self._rows = {}, {}
        for scale, marker, color in ((EVEN, "s", FIRST_COLOR), (LOG, "o", SECOND_COLOR)):
            (dots,) = ax.plot([], [], marker, color=color, ms=6, mec="white", mew=0.8, zorder=4)
            (row,) = ax.plot([], [], marker, color=color, ms=5, mec="white", mew=0.5, transform=rows)
            self._dots[scale], self._rows[scale] = moving(dots), moving(row)
        key(
            ax,
            ("■ even", FIRST_COLOR),
            ("● even in log", SECOND_COLOR),
            ("┃ low end: drag", ACCENT),
            ("- - 41 real runs", DEV),
            ("│ before", "#777777"),
        )

    def update(self, result: Scales, before: Scales | None) -> None:
        """Show `result.curve` and `result.places`."""
        self._name.set_text(result.symbol)
        self._curve.set_data(PLACES, result.curve.losses)
        for scale in SCALES:
            places = result.places[scale]
            self._dots[scale].set_data(places, result.curve.at(places))
            self._rows[scale].set_data(places, np.full(len(places), self.ROWS[scale]))
        self._low.set_xdata([result.low, result.low])
        self._before.set_visible(before is not None)
        if before is not None:
            self._before.set_xdata([before.low, before.low])


class ExpectedView(View[Scales]):
    """The lowest loss among n trials, on average, over n."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(1, MOST), ylim=(0.1, 3))
        ax.set(xlabel="number of trials", ylabel="lowest dev loss, on average")
        ax.set_xticks([1, 4, 16, 64], ["1", "4", "16", "64"])
        ax.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
        ax.minorticks_off()
        self._counts = np.arange(1, MOST + 1)
        self._floor = moving(ax.axhline(1, color=TEST, lw=1, ls=":"))
        self._floor_name = note(ax, 1.1, 1, "lowest of the curve", fontsize=9, va="bottom")
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2.5))
        key(ax, ("┃ trials: drag", ACCENT))
        styles = ((EVEN, "-", FIRST_COLOR), (LOG, "-.", SECOND_COLOR))
        self._before = {scale: moving(ax.plot([], [], color=GHOST, lw=1.2)[0]) for scale in SCALES}
        self._lines = {
            scale: moving(ax.plot([], [], ls=style, color=color, lw=2.2)[0]) for scale, style, color in styles
        }
        self._labels = EndLabels(ax, [(scale, color) for scale, _, color in styles])
        self._labels.texts[1].set_in_layout(True)

    def update(self, result: Scales, before: Scales | None) -> None:
        """Show `result.expected`."""
        nothing = np.full(MOST, np.nan)
        for scale in SCALES:
            self._lines[scale].set_data(self._counts, result.expected.get(scale, nothing))
            same = before is not None and before.what == result.what
            old = before.expected.get(scale, nothing) if before and same else nothing
            self._before[scale].set_data(self._counts, old)
        self._cursor.set_xdata([result.trials, result.trials])
        self._labels.place([float(result.expected.get(scale, nothing)[-1]) for scale in SCALES])
        known = bool(result.expected)
        for artist in (self._floor, self._floor_name):
            artist.set_visible(known)
        if known:
            lowest = float(result.curve.losses[result.curve.lowest])
            self._floor.set_ydata([lowest, lowest])
            self._floor_name.set_y(lowest)


def right_scale_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the curve with the trials, and what is found on average."""
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    return [CurveView(left), ExpectedView(right)]


def right_scale_lab() -> Lab:
    """Return the lab *The right scale*."""
    return Lab(
        "The right scale",
        controls={
            "what": choice("Search for", [RATE, MEMORY], RATE),
            "low": log_slider("Low end of the range", -4, -1, 1e-4, 0.1),
            "trials": slider("Trials", 1, MOST, 8),
        },
        compute=compare_scales,
        views=right_scale_views,
        grabs=[Grab(0, x="low"), Grab(1, x="trials")],
        code=program,
        presets={
            "you know little": {"low": 1e-4},
            "you know a lot": {"low": 1e-1},
            "64 trials": {"trials": 64},
            "memory β": {"what": MEMORY},
        },
    )

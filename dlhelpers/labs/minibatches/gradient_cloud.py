"""The lab *The cloud of gradients*: how far mini-batch gradients scatter around the true one."""

from functools import lru_cache, partial
from itertools import islice
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.minibatches.common import NETWORK, START, M, train, training_set
from dlhelpers.live.controls import choice, log_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of
from dlhelpers.minibatches import Batch
from dlhelpers.plots.style import ACCENT, GHOST, OCHRE, TRAIN, View, key, moving, note
from dlhelpers.typing import FloatArray, IntArray

RUNS = {"mini-batches of 32, α = 1": (32, 1.0), "all examples, α = 0.5": (M, 0.5)}
"""Batch size and learning rate of the runs along which the gradients are looked at."""
UPDATES = (0, *(round(2 ** (k / 2)) for k in (0, *range(2, 17))))
"""Where they are looked at: after 0, 1, 2, 3, 4, 6, 8 ... 256 updates."""
PLACES = np.maximum(UPDATES, 0.5)
"""The same on a logarithmic axis: zero stands at 0.5."""
CLOUD = 200
"""Mini-batches in the cloud."""


class Cloud(NamedTuple):
    """Mini-batch gradients at one place of the run, in units of the length of the true gradient.

    `points` is (200, 2): along the true gradient, and across it in the direction of the largest spread.
    `spread` is the mean squared distance from the true gradient, in all directions.
    """

    batch_size: int
    k: int
    loss: float
    points: FloatArray
    spread: float
    downhill: float
    degrees: float
    scale: float
    scales: FloatArray
    """Along the run, (17,); NaN where it is not computed yet."""

    @property
    def expected(self) -> float:
        """The spread that equation (5) predicts."""
        return expected_spread(self.scale, self.batch_size)

    @property
    def finding(self) -> str:
        """The noise of one mini-batch gradient next to the signal."""
        if self.batch_size == M:
            return f"All {M:,} examples: no noise"
        return f"B = {self.batch_size:,}: {_digits(self.expected)} times as much noise as signal"

    @property
    def caption(self) -> str:
        """The formula and what was measured; which mini-batches point downhill."""
        where = (
            f"After {UPDATES[self.k]} update{'s' if UPDATES[self.k] != 1 else ''} the loss is "
            f"{self.loss:.2g} and the noise scale {_digits(self.scale)}."
        )
        if self.batch_size == M:
            return f"{where} Every batch holds all examples, so all dots lie on the tip of the arrow."
        off = np.mean(np.any(np.abs(self.points - CloudView.CENTER) > CloudView.REACH, axis=1))
        text = (
            f"{where} Signal is the squared length of the arrow; noise is the mean squared distance of the "
            f"dots from its tip, in all directions. The formula says {_digits(self.expected)}, the dots "
            f"say {_digits(self.spread)}. {self.downhill:.0%} of the {CLOUD} mini-batches point downhill; "
            f"half of them are more than {self.degrees:.0f}° off."
        )
        return text + (f" {off:.0%} of the dots are outside of the frame." if off else "")


def _digits(value: float) -> str:
    """Return a number with two digits."""
    return f"{value:.2g}" if value < 100 else f"{float(f'{value:.2g}'):,.0f}"


def noise_scale(gradients: FloatArray) -> float:
    r"""Return the noise scale of the gradients of single examples, (m, P).

    .. math::
        g &= \frac1m \sum_i g_i \tag{2} \\
        S^2 &= \frac{1}{m - 1} \sum_i \lVert g_i - g \rVert^2 \tag{3} \\
        B_\text{noise} &= S^2 / \lVert g \rVert^2 \tag{4}

    References
    ----------
    McCandlish, Kaplan, Amodei et al. (2018), "An empirical model of large-batch training", equation 2.9.
    """
    g = gradients.mean(axis=0)  # (2)
    S2 = np.sum((gradients - g) ** 2) / (len(gradients) - 1)  # (3)
    return float(S2 / np.sum(g**2))  # (4)


def expected_spread(scale: float, batch_size: int) -> float:
    r"""Return the mean squared distance of a mini-batch gradient from the true one, over that one's square.

    .. math:: \frac{B_\text{noise}}{B} \left(1 - \frac{B}{m}\right) \tag{5}
    """
    return scale / batch_size * (1 - batch_size / M)  # (5)


@lru_cache(maxsize=4)
def thetas(run: str, seed: int) -> FloatArray:
    """Train once; return theta after each number of updates in `UPDATES`, (17, P)."""
    kept = [step.theta for step in islice(train(*RUNS[run], seed), UPDATES[-1] + 1) if step.step in UPDATES]
    return np.stack(kept)


@lru_cache(maxsize=3)
def gradients_after(k: int, run: str, seed: int) -> FloatArray:
    """Return the gradients of all single examples, (1024, P), after `UPDATES[k]` updates."""
    whole = training_set(seed)
    singles = Batch(whole.X[:, np.newaxis], whole.Y[:, np.newaxis])  # each example is a batch of its own
    return NETWORK.gradient(np.tile(thetas(run, seed)[k], (M, 1)), singles)


@lru_cache(maxsize=128)
def scale_after(k: int, run: str, seed: int) -> float:
    """Return the noise scale after `UPDATES[k]` updates."""
    return noise_scale(gradients_after(k, run, seed))


@lru_cache(maxsize=3)
def axes_of(k: int, run: str, seed: int) -> FloatArray:
    """Return two directions of length 1, (2, P): along the true gradient, and of most spread across it."""
    each = gradients_after(k, run, seed)
    along = each.mean(axis=0) / np.linalg.norm(each.mean(axis=0))
    across = each - np.outer(each @ along, along)
    across -= across.mean(axis=0)
    direction = across[np.argmax(np.sum(across**2, axis=1))]
    for _ in range(12):  # the power method: each round turns it toward the direction of the largest spread
        direction = across.T @ (across @ direction)
        direction /= np.linalg.norm(direction)
    return np.stack([along, direction])


def nearest_place(updates: float) -> int:
    """Return the index in `UPDATES` of the nearest number, on the logarithmic axis of the lab."""
    return int(np.argmin(np.abs(np.log2(PLACES) - np.log2(updates))))


def look(batch_size: float, updates: float, run: str, seed: int) -> Stages[Cloud]:
    """Draw 200 mini-batches where the reader stands; then find the noise scale along the whole run."""
    B = min(max(round(batch_size), 1), M)
    k = nearest_place(updates)
    cloud = _cloud(B, k, run, seed)
    known = partial(_known, run=run, seed=seed)
    for share, found in each_of(range(len(UPDATES)), k, partial(_scale, run=run, seed=seed), known):
        scales = np.array([found.get(j, np.nan) for j in range(len(UPDATES))])
        yield share, cloud._replace(scales=scales)


def _scale(k: int, run: str, seed: int) -> Stages[float]:
    yield 1.0, scale_after(k, run, seed)


def _known(k: int, run: str, seed: int) -> float | None:
    return None


@lru_cache(maxsize=2)
def orders(seed: int) -> IntArray:
    """Return the examples in 200 random orders, (CLOUD, M); the first B of each are a mini-batch."""
    return np.random.default_rng(seed).permuted(np.tile(np.arange(M), (CLOUD, 1)), axis=1)


def _cloud(B: int, k: int, run: str, seed: int) -> Cloud:
    each, g = gradients_after(k, run, seed), gradients_after(k, run, seed).mean(axis=0)
    chosen = np.zeros((CLOUD, M), np.float32)
    np.put_along_axis(chosen, orders(seed)[:, :B], 1 / B, axis=1)
    batches = chosen @ each
    length = np.linalg.norm(g)
    cosines = batches @ g / (np.linalg.norm(batches, axis=1) * length)
    return Cloud(
        batch_size=B,
        k=k,
        loss=float(NETWORK.loss(thetas(run, seed)[k], training_set(seed))),
        points=batches @ axes_of(k, run, seed).T / length,
        spread=float(np.mean(np.sum((batches - g) ** 2, axis=1)) / length**2),
        downhill=float(np.mean(cosines > 0)),
        degrees=float(np.degrees(np.arccos(np.clip(np.median(cosines), -1, 1)))),
        scale=scale_after(k, run, seed),
        scales=np.full(len(UPDATES), np.nan),
    )


def program(batch_size: float, updates: float, run: str, seed: int) -> str:
    """Return the program behind the numbers."""
    B = min(max(round(batch_size), 1), M)
    k = nearest_place(updates)
    run_batch, rate = RUNS[run]
    return f"""
from itertools import islice

import numpy as np
from dlhelpers.datasets import one_hot
from dlhelpers.labs.digits import digit_split
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

{START.format(seed=seed)}
run = descend(network, theta, minibatches(X, Y, {run_batch}, rng), GradientDescent(), {rate})
theta = next(islice(run, {UPDATES[k]}, None)).theta

singles = Batch(X[:, None], Y[:, None])  # each example is a batch of its own
each = network.gradient(np.tile(theta, ({M}, 1)), singles)
g = each.mean(axis=0)
noise_scale = np.sum((each - g) ** 2) / ({M} - 1) / np.sum(g**2)

order = np.random.default_rng({seed}).permuted(np.tile(np.arange({M}), ({CLOUD}, 1)), axis=1)
chosen = np.zeros(({CLOUD}, {M}), np.float32)
np.put_along_axis(chosen, order[:, :{B}], 1 / {B}, axis=1)
batches = chosen @ each
spread = np.mean(np.sum((batches - g) ** 2, axis=1)) / np.linalg.norm(g) ** 2
result = float(noise_scale), float(spread)
"""


class CloudView(View[Cloud]):
    """The dots, and the true gradient as an arrow of length 1."""

    CENTER = np.array([1.0, 0.0])
    REACH = np.array([3.75, 3.0])

    def __init__(self, ax: Axes) -> None:
        low, high = self.CENTER - self.REACH, self.CENTER + self.REACH
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        ax.set(xlabel="along the true gradient, in its lengths", ylabel="across, where the spread is largest")
        ax.axvspan(low[0], 0, color="#f3efe6", zorder=0)
        ax.text(0.02, 0.03, "uphill", transform=ax.transAxes, color=OCHRE)
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=3, mec="none")
        (self._dots,) = ax.plot([], [], "o", color=TRAIN, ms=4, mec="none", alpha=0.6)
        for artist in (self._old, self._dots):
            moving(artist)
        self._arrow = ax.annotate(
            "", (1, 0), (0, 0), arrowprops={"arrowstyle": "-|>", "color": "#111111", "lw": 2.2}, zorder=6
        )
        moving(self._arrow)
        key(ax, ("→ true gradient", "#111111"), ("● 200 mini-batches", TRAIN), ("● before", "#777777"))

    def update(self, result: Cloud, before: Cloud | None) -> None:
        """Show `result.points`."""
        self._dots.set_data(*result.points.T)
        self._old.set_data(*([], []) if before is None else before.points.T)


class ScaleView(View[Cloud]):
    """The noise scale along the run, and where the reader stands: updates across, batch size up."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(0.4, 330), ylim=(0.8, 1e4))
        ax.set(xlabel="updates so far", ylabel="batch size B")
        ax.set_xticks([0.5, 1, 4, 16, 64, 256], ["0", "1", "4", "16", "64", "256"])
        ax.set_yticks([1, 10, 100, 1000, 1e4], ["1", "10", "100", "1,000", "10,000"])
        ax.minorticks_off()
        (self._old,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._line,) = ax.plot([], [], ".-", color="#555555", lw=1.5)
        (self._here,) = ax.plot([], [], "o", color=ACCENT, ms=11, mec="white", mew=1.5)
        for artist in (self._old, self._line, self._here):
            moving(artist)
        key(ax, ("● yours: drag it", ACCENT))
        self._name = note(ax, 0.5, 6000, "noise scale", color="#444444", va="top")
        ax.text(0.97, 0.04, "mostly noise", transform=ax.transAxes, ha="right", color=OCHRE)
        ax.text(0.97, 0.94, "mostly signal", transform=ax.transAxes, ha="right", va="top", color=OCHRE)

    def update(self, result: Cloud, before: Cloud | None) -> None:
        """Show `result.scales`, and the reader's updates and batch size."""
        self._line.set_data(PLACES, result.scales)
        self._old.set_data(PLACES, np.full(len(PLACES), np.nan) if before is None else before.scales)
        self._here.set_data([PLACES[result.k]], [result.batch_size])
        first = result.scales[0]
        self._name.set_visible(bool(np.isfinite(first)))
        self._name.set_position((0.5, 2.2 * first if np.isfinite(first) else 1))


def views(figure: Figure) -> list[View[Cloud]]:
    """Lay out the lab: the cloud, and the plane of updates and batch size."""
    left, right = figure.subplots(1, 2, width_ratios=[1.35, 1])
    return [CloudView(left), ScaleView(right)]


def gradient_cloud_lab() -> Lab:
    """Return the lab *The cloud of gradients*."""
    return Lab(
        "The cloud of gradients",
        controls={
            "batch_size": log_slider("Batch size B", 0, 10, 4, 0.5, base=2, fmt=",.0f"),
            "updates": log_slider("Updates so far", -1, 8, 16, 0.5, base=2, fmt=",.0f"),
            "run": choice("Trained with", list(RUNS), next(iter(RUNS))),
        },
        compute=look,
        views=views,
        grabs=[Grab(1, x="updates", y="batch_size")],
        code=program,
        presets={
            "one example": {"batch_size": 1},
            "32 examples": {"batch_size": 32},
            "late in training": {"batch_size": 32, "updates": 256},
        },
    )

"""The lab *Calibrated, or just small?*: confidence against hits, beside what chance alone shows."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.calibration import COLDEST, Chance, Reliability, answers, chance, fit_temperature, reliability
from dlhelpers.datasets import one_hot
from dlhelpers.labs.digits import digit_split
from dlhelpers.labs.softmax.common import in_words
from dlhelpers.live.controls import log_slider, real_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.losses import smooth_labels, softmax_cross_entropy_cost
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.style import ACCENT, DEV, GHOST, LIGHT_GREY, TEST, View, key, moving
from dlhelpers.softmax import softmax
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

EPOCHS, BATCH_SIZE, RATE, UNITS, REPEATS = 60, 64, 0.01, 32, 1000
N_TEST = 387
COLD, HOT = -0.6, 1.0
"""Powers of ten: the temperatures that can be chosen."""
TEMPERATURES = np.geomspace(10**COLD, 10**HOT, 41)


class Said(NamedTuple):
    """What a network says after some epochs.

    `dev` and `test` are logits and one-hot labels, (m, 10); `on_dev` and `on_train` are the temperatures that
    fit best; `dev_losses` those at `TEMPERATURES`.
    """

    epoch: int
    dev: tuple[FloatArray, FloatArray]
    test: tuple[FloatArray, FloatArray]
    on_dev: float
    on_train: float
    dev_losses: FloatArray


class Calibrated(NamedTuple):
    """How sure the network is on the test set, and how often it hits, at the chosen temperature.

    `dev_losses` are those at `TEMPERATURES`; `fitted` is the best of all temperatures on the dev set, and
    `on_train` that on the training set; `at_1` and `at_fitted` are calibration errors on the test set.
    """

    temperature: float
    n: int
    epoch: int
    accuracy: float
    confidence: float
    found: Reliability
    chance: Chance
    dev_losses: FloatArray
    fitted: float
    on_train: float
    at_1: float
    at_fitted: float

    @property
    def error(self) -> float:
        """The calibration error at the chosen temperature."""
        return self.found.error

    @property
    def limit(self) -> float:
        """The calibration error that 19 of 20 perfect models stay below."""
        return float(np.quantile(self.chance.errors, 0.95))

    @property
    def finding(self) -> str:
        """The calibration error beside that of perfect models."""
        return (
            f"Calibration error {self.error:.3f}; perfect models show {self.chance.errors.mean():.3f}, "
            f"19 of 20 less than {self.limit:.3f}"
        )

    @property
    def caption(self) -> str:
        """Confidence and hits, and what the temperature does to the calibration error."""
        early = f"After {self.epoch} of {EPOCHS} epochs. " if self.epoch < EPOCHS else ""
        verdict = "More than luck" if self.error > self.limit else "Luck alone could show as much"
        gap = self.confidence - self.accuracy
        side = "too sure" if gap > 0 else "not sure enough"
        fitted, on_train = (in_words(float(f"{T:.2g}")) for T in (self.fitted, self.on_train))
        lowest = " or less" if self.on_train < 1.01 * COLDEST else ""
        return (
            f"{early}{verdict}. On {self.n} test digits the network is right on {self.accuracy:.1%} and sure "
            f"by {self.confidence:.1%} on average: {abs(100 * gap):.1f} points {side}. The temperature that "
            f"fits the dev set is {fitted}; with it the calibration error on the test digits is "
            f"{self.at_fitted:.3f}, with T = 1 it is {self.at_1:.3f}. Fitted on the training set, the "
            f"temperature would be {on_train}{lowest}."
        )


@remembered(16)
def train(noise: float, smooth: float, seed: int) -> Stages[Said]:
    """Train on digits whose pixels are noisy; dev and test pixels have the same noise."""
    data, rng = digit_split(seed), np.random.default_rng(seed)
    X, X_dev, X_test = (
        part + noise * rng.standard_normal(part.shape) for part in (data.X_train, data.X_dev, data.X_test)
    )
    Y, Y_dev, Y_test = (one_hot(y, 10) for y in (data.y_train, data.y_dev, data.y_test))
    network = Network((64, UNITS, 10), "relu", "softmax_cross_entropy")
    theta = network.initialize(rng)
    batches = minibatches(X, smooth_labels(Y, smooth), BATCH_SIZE, rng)
    per_epoch = len(X) // BATCH_SIZE
    for step in descend(network, theta, batches, Adam(), RATE, steps=EPOCHS * per_epoch):
        if step.step % (4 * per_epoch) == 0:
            seen, *held_out = (network.logits(step.theta, part) for part in (X, X_dev, X_test))
            dev, test = zip(held_out, (Y_dev, Y_test), strict=True)
            losses = np.array([cost(dev, T) for T in TEMPERATURES])
            fitted = fit_temperature(*dev), fit_temperature(seen, Y)
            said = Said(step.step // per_epoch, dev, test, *fitted, losses)
            yield step.step / (EPOCHS * per_epoch), said


@lru_cache(maxsize=4)
def perfect(confidence: bytes, bins: int, seed: int) -> Chance:
    """Draw perfect models with these confidences; kept, because most moves do not change them."""
    return chance(np.frombuffer(confidence), bins, REPEATS, np.random.default_rng(seed))


def measure(
    noise: float, temperature: float, n: int, bins: int, smooth: float, seed: int
) -> Stages[Calibrated]:
    """Train, then compare confidence and hits on the first n test digits."""
    for share, said in train(noise, smooth, seed):
        Z, Y = (part[:n] for part in said.test)
        found = answers(softmax(Z.T, temperature).T, Y)
        before, after = (reliability(*answers(softmax(Z.T, T).T, Y), bins).error for T in (1.0, said.on_dev))
        yield (
            share,
            Calibrated(
                temperature=temperature,
                n=len(Z),
                epoch=said.epoch,
                accuracy=float(found.correct.mean()),
                confidence=float(found.confidence.mean()),
                found=reliability(*found, bins),
                chance=perfect(found.confidence.tobytes(), bins, seed),
                dev_losses=said.dev_losses,
                fitted=said.on_dev,
                on_train=said.on_train,
                at_1=before,
                at_fitted=after,
            ),
        )


def cost(dev: tuple[FloatArray, FloatArray], temperature: float) -> float:
    """Return the cross-entropy of the dev set at a temperature."""
    return float(softmax_cross_entropy_cost(dev[0].T / temperature, dev[1].T))


def program(noise: float, temperature: float, n: int, bins: int, smooth: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.calibration import answers, chance, fit_temperature, reliability
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.losses import smooth_labels
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.softmax import softmax
from dlhelpers.training import descend

X, y, *_ = digits()
data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng({seed}))
rng = np.random.default_rng({seed})
parts = data.X_train, data.X_dev, data.X_test
X, X_dev, X_test = (part + {noise} * rng.standard_normal(part.shape) for part in parts)
Y, Y_dev, Y_test = (one_hot(y, 10) for y in (data.y_train, data.y_dev, data.y_test))
network = Network((64, {UNITS}, 10), "relu", "softmax_cross_entropy")
theta = network.initialize(rng)
batches = minibatches(X, smooth_labels(Y, {smooth}), {BATCH_SIZE}, rng)
*_, last = descend(network, theta, batches, Adam(), {RATE}, steps={EPOCHS} * (1024 // {BATCH_SIZE}))
fitted = fit_temperature(network.logits(last.theta, X_dev), Y_dev)  # on the dev set only
Z = network.logits(last.theta, X_test)[:{n}].T
found = answers(softmax(Z, {temperature}).T, Y_test[:{n}])
error = reliability(*found, {bins}).error
errors = chance(found.confidence, {bins}, {REPEATS}, np.random.default_rng({seed})).errors
result = error, errors.mean(), fitted
"""


class ReliabilityView(View[Calibrated]):
    """The share of hits over the confidence, bin by bin, with the band of perfect models."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="confidence", ylabel="share of hits", aspect="equal")
        moving(ax.plot([0, 1], [0, 1], "-", color="#777777", lw=1)[0])
        (self._band,) = ax.plot([], [], "-", color=LIGHT_GREY, lw=9, solid_capstyle="butt")
        (self._old,) = ax.plot([], [], "x", color=GHOST, ms=7, mew=2)
        (self._gaps,) = ax.plot([], [], "-", color=TEST, lw=1.2)
        (self._dots,) = ax.plot([], [], "o", color=TEST, ms=8, mec="white", clip_on=False)
        for artist in (self._band, self._old, self._gaps, self._dots):
            moving(artist).set_in_layout(False)
        self._sizes = [moving(ax.text(0, 0.02, "", ha="center", fontsize=8.5)) for _ in range(20)]
        key(ax, ("● test digits", TEST), ("▮ 9 of 10 perfect models", "#777777"), ("— perfect", "#777777"))

    def update(self, result: Calibrated, before: Calibrated | None) -> None:
        """Show `result.found` and `result.chance`."""
        x, y = result.found.confidence, result.found.accuracy
        self._band.set_data(*_strokes(x, result.chance.low, result.chance.high))
        self._gaps.set_data(*_strokes(x, x, y))
        self._dots.set_data(x, y)
        old = x[:0], y[:0]
        if before is not None:
            old = before.found.confidence, before.found.accuracy
        self._old.set_data(*old)
        bins = len(x)
        for k, text in enumerate(self._sizes):
            count = result.found.counts[k] if k < bins else 0
            text.set_visible(bool(count and bins <= 12))
            text.set_text(str(count))
            text.set_x((k + 0.5) / bins)


def _strokes(x: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return upright strokes from low to high as the points of one line with gaps."""
    gap = np.full(len(x), np.nan)
    return np.repeat(x, 3), np.column_stack([low, high, gap]).ravel()


class TemperatureView(View[Calibrated]):
    """The dev loss over the temperature; the lowest point, and the temperature that was chosen."""

    LOW, HIGH = 0.0, 2.5

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", xlim=(10**COLD, 10**HOT), ylim=(self.LOW, self.HIGH))
        ax.set(xlabel="temperature T: drag", ylabel="dev loss")
        ax.set_xticks([0.3, 1, 3, 10], ["0.3", "1", "3", "10"])
        ax.minorticks_off()
        (self._old,) = ax.plot([], [], "--", color=GHOST, lw=1.5)
        (self._line,) = ax.plot([], [], "--", color=DEV, lw=2.5)
        (self._best,) = ax.plot([], [], "v", color=DEV, ms=10, mec="white")
        self._cursor = ax.axvline(1, color=ACCENT, lw=2)
        for artist in (self._old, self._line, self._cursor, self._best):
            moving(artist)
        key(ax, ("┅ dev", DEV), ("▼ lowest on dev", DEV), ("┃ your T", ACCENT), ("-- before", "#777777"))

    def update(self, result: Calibrated, before: Calibrated | None) -> None:
        """Show `result.dev_losses`, `result.fitted` and `result.temperature`."""
        self._line.set_data(TEMPERATURES, result.dev_losses)
        past = TEMPERATURES * np.nan if before is None else before.dev_losses
        self._old.set_data(TEMPERATURES, past)
        lowest = np.interp(np.log(result.fitted), np.log(TEMPERATURES), result.dev_losses)
        self._best.set_data([np.clip(result.fitted, 10**COLD, 10**HOT)], [lowest + 0.08])
        self._cursor.set_xdata([result.temperature, result.temperature])


class ErrorView(View[Calibrated]):
    """The calibration error on one line, with the errors that perfect models show."""

    TOP = 0.3

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, self.TOP), ylim=(0, 1), xlabel="calibration error, test", yticks=[])
        ax.set_xticks([0, 0.1, 0.2, 0.3])
        self._bars = moving(
            ax.stairs(np.zeros(60), np.linspace(0, self.TOP, 61), fill=True, color=LIGHT_GREY)
        )
        (self._old,) = ax.plot([], [], "x", color=GHOST, ms=9, mew=2)
        (self._dot,) = ax.plot([], [], "o", color=TEST, ms=10, mec="white")
        for artist in (self._old, self._dot):
            moving(artist).set_in_layout(False)
        key(ax, ("● this network", TEST), ("▮ 1,000 perfect models", "#777777"))

    def update(self, result: Calibrated, before: Calibrated | None) -> None:
        """Show `result.error` and `result.chance.errors`."""
        counts = np.histogram(result.chance.errors, np.linspace(0, self.TOP, 61))[0]
        self._bars.set_data(0.9 * counts / max(counts.max(), 1))
        self._dot.set_data([min(result.error, self.TOP)], [0.45])
        self._old.set_data(*([], []) if before is None else ([min(before.error, self.TOP)], [0.45]))


def views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the reliability diagram, the temperature, the calibration error."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1.2, 1], height_ratios=[1.5, 1])
    return [
        ReliabilityView(figure.add_subplot(grid[:, 0])),
        TemperatureView(figure.add_subplot(grid[0, 1])),
        ErrorView(figure.add_subplot(grid[1, 1])),
    ]


def calibrated_lab() -> Lab:
    """Return the lab *Calibrated, or just small?*."""
    return Lab(
        "Calibrated, or just small?",
        controls={
            "temperature": log_slider("Temperature T", COLD, HOT, 1, 0.02),
            "noise": real_slider("Noise of the pixels", 0, 0.5, 0.25, 0.05),
            "n": slider("Test digits n", 27, N_TEST, N_TEST, 20),
            "bins": slider("Bins", 2, 20, 10),
            "smooth": real_slider("Label smoothing", 0, 0.3, 0, 0.05),
        },
        compute=measure,
        views=views,
        grabs=[Grab(1, x="temperature")],
        code=program,
        presets={
            "T = 2.3": {"temperature": 10**0.36},
            "clean digits": {"noise": 0.0},
            "clean, smoothed": {"noise": 0.0, "smooth": 0.1},
            "noisy, smoothed": {"smooth": 0.1},
            "only 27 digits": {"n": 27, "temperature": 10**0.34},
        },
        size=(9.6, 4.35),
    )

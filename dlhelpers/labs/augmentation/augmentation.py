"""The lab *More images from the same images*: what changed copies of the training set are worth."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.augmentation import augment, augmented_minibatches
from dlhelpers.datasets import Split, digits, one_hot, split
from dlhelpers.labs.words import in_points
from dlhelpers.live.controls import choice, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.metrics import error_rate
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.style import ACCENT, DEV, GHOST, TEST, View, key, moving
from dlhelpers.plots.tiles import gray, one_tile
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

KINDS = {
    "rotate": ("degrees", (0, 5, 10, 15, 20, 30, 40, 60, 80, 100, 120, 150, 180), "up to {}° to each side"),
    "shift": ("pixels", (0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3), "up to {} px"),
    "scale": ("scale", (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), "factor 1 ± {}"),
    "noise": ("noise", (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.2), "σ = {}"),
    "elastic": ("elastic", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 3), "σ = {} px"),
}
"""Of each kind: the argument of `augment`, the strengths, and how to say one."""
AXIS_NAMES = {
    "rotate": "angle up to, degrees",
    "shift": "shift up to, pixels",
    "scale": "size changed by up to this factor",
    "noise": "σ of the noise, in full ink",
    "elastic": "σ of the moves, pixels",
}
STRENGTH_LABELS = {kind: [f"{each:g}" for each in strengths] for kind, (_, strengths, _) in KINDS.items()}
NOTCHES = 13
SHOWN_DIGITS = (6, 9, 1, 2, 3, 4, 5, 7)
N_COPIES = 4
AUGMENTED_STEPS, MEASURE_EVERY = 300, 25
AS_THEY_ARE, CHANGED = "as they are", "changed, too"
IN_USE = {"rotate": 30.0, "shift": 1.0, "scale": 0.3, "noise": 0.4, "elastic": 1.0}
"""How strongly dev and test images are changed, if they are."""
CLASSIFIER = Network((64, 32, 10), "tanh", "softmax_cross_entropy")


MIXED_UP_COLOR = "#7b3294"


class Accuracies(NamedTuple):
    """Shares of right answers, (13,) each; and of the 6s and 9s, how many are taken for the other one.

    Each network is measured at the step at which it is best on the dev set.
    """

    dev: FloatArray
    test: FloatArray
    mixed_up: FloatArray


NOT_KNOWN = Accuracies(*(np.full(NOTCHES, np.nan) for _ in Accuracies._fields))
"""While the networks are in training."""


class Augmented(NamedTuple):
    """What the lab shows: copies at one strength, accuracies at all; NaN until training has ended."""

    kind: str
    use: str
    notch: int
    originals: FloatArray
    copies: FloatArray
    dev: FloatArray
    test: FloatArray
    mixed_up: FloatArray

    @property
    def trained(self) -> bool:
        """Whether training has ended."""
        return bool(np.isfinite(self.dev).all())

    @property
    def finding(self) -> str:
        """The accuracy without any change and with this one."""
        change = f"{self.kind.capitalize()}, {said(self, self.notch)}"
        if not self.trained:
            return f"{change}: {NOTCHES} networks are in training"
        return f"{change}: {self.dev[self.notch]:.0%} right on dev, {self.dev[0]:.0%} without"

    @property
    def caption(self) -> str:
        """Where the accuracy is highest, what the strongest change does, and how often 6 and 9 mix."""
        use = (
            "Dev and test images are as they are. "
            if self.use == AS_THEY_ARE
            else f"Dev and test images are changed, too: {in_words(self.kind, IN_USE[self.kind])}. "
        )
        if not self.trained:
            return f"{use}One network for each strength; their accuracies follow."
        best, k = int(self.dev.argmax()), self.notch
        gain = 100 * (self.dev[best] - self.dev[0])
        rises = (
            f"On dev, the accuracy is highest with {said(self, best)}: {in_points(gain)} more than without."
            if best
            else "On dev, no strength is better than none."
        )
        return (
            f"{use}{rises} On test, the same network is {_signed(100 * (self.test[best] - self.test[0]))} "
            f"At the strongest, {said(self, -1)}, {self.dev[-1]:.0%} are right. "
            f"Of the 6s and 9s, {self.mixed_up[k]:.1%} are taken for the other digit here, and "
            f"{self.mixed_up[0]:.1%} without any change."
        )


def said(result: Augmented, notch: int) -> str:
    """Return the strength at a notch in words."""
    return in_words(result.kind, KINDS[result.kind][1][notch])


def in_words(kind: str, strength: float) -> str:
    """Return a strength in words."""
    return KINDS[kind][2].format(f"{strength:g}")


def _signed(points: float) -> str:
    return f"{in_points(abs(points))} {'better' if points >= 0 else 'worse'} than the one without."


@lru_cache(maxsize=4)
def small_split(seed: int) -> Split:
    """Split the digits into 200 for training, 800 for dev and 797 for test; gray levels from 0 to 1."""
    X, y, *_ = digits()
    return split(X / 16, y, dev=800, test=797, rng=np.random.default_rng(seed))


@lru_cache(maxsize=8)
def in_use(kind: str, use: str, seed: int) -> Split:
    """Return the split, with dev and test images changed at random if they are so in use."""
    data, rng = small_split(seed), np.random.default_rng(seed + 1)
    if use == AS_THEY_ARE:
        return data
    X_dev, X_test = (augment(X, rng, **{KINDS[kind][0]: IN_USE[kind]}) for X in (data.X_dev, data.X_test))
    return data._replace(X_dev=X_dev, X_test=X_test)


def measure(theta: FloatArray, data: Split) -> Accuracies:
    """Return the accuracies of a population."""
    right: list[FloatArray] = []
    read: list[IntArray] = []
    for X, y in ((data.X_dev, data.y_dev), (data.X_test, data.y_test)):
        probabilities = CLASSIFIER.predict(theta, X)
        right.append(1 - error_rate(probabilities, one_hot(y, 10)))
        read.append(probabilities.argmax(axis=-1))
    y = np.append(data.y_dev, data.y_test)
    return Accuracies(right[0], right[1], mixed_up(np.concatenate(read, axis=-1), y))


def mixed_up(read: IntArray, y: IntArray) -> FloatArray:
    """Return, of the 6s and 9s, the share that is read as the other one."""
    other = np.where(y == 6, 9, 6)
    either = (y == 6) | (y == 9)
    return np.asarray((read[..., either] == other[either]).mean(axis=-1))


@remembered(32)
def train_augmented(kind: str, use: str, m: int, seed: int) -> Stages[Accuracies]:
    """Train 13 networks that differ in nothing but the strength; the last stage has their accuracies."""
    data, rng = in_use(kind, use, seed), np.random.default_rng(seed)
    X, Y = data.X_train[:m], one_hot(data.y_train[:m], 10)
    name, strengths, _ = KINDS[kind]
    theta = np.tile(CLASSIFIER.initialize(rng), (NOTCHES, 1))
    batches = augmented_minibatches(X, Y, 50, [{name: float(each)} for each in strengths], rng)
    run = descend(CLASSIFIER, theta, batches, Adam(), 0.01)
    measured = []
    for step in islice(run, AUGMENTED_STEPS + 1):
        if step.step % MEASURE_EVERY == 0:
            measured.append(measure(step.theta, data))
        if step.step % 5 == 0 and step.step < AUGMENTED_STEPS:
            yield step.step / AUGMENTED_STEPS, NOT_KNOWN
    yield 1.0, at_best_steps(measured)


def at_best_steps(measured: Sequence[Accuracies]) -> Accuracies:
    """Return the accuracies of each network at the step at which it is best on the dev set."""
    best = np.argmax([each.dev for each in measured], axis=0)
    return Accuracies(*(np.array(part)[best, np.arange(NOTCHES)] for part in zip(*measured, strict=True)))


def copies_of(kind: str, notch: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return one image of each shown digit, and changed copies of them."""
    data = small_split(seed)
    originals = np.stack([data.X_dev[data.y_dev == digit][0] for digit in SHOWN_DIGITS])
    name, strengths, _ = KINDS[kind]
    rng = np.random.default_rng(seed)
    copies = augment(np.tile(originals, (N_COPIES, 1)), rng, **{name: float(strengths[notch])})
    return originals, copies.reshape(N_COPIES, len(SHOWN_DIGITS), 64)


def augmentation(kind: str, notch: int, use: str, m: int, seed: int) -> Iterator[tuple[float, Augmented]]:
    """Show copies at this strength; train networks at all strengths first if needed."""
    images = copies_of(kind, notch, seed)
    for share, known in train_augmented(kind, use, m, seed):
        yield share, Augmented(kind, use, notch, *images, *known)


def program(kind: str, notch: int, use: str, m: int, seed: int) -> str:
    """Return the program behind the picture."""
    name, strengths, _ = KINDS[kind]
    changed = f"""
change = np.random.default_rng({seed} + 1)  # dev and test images are changed, too
X_dev, X_test = (augment(X, change, {name}={IN_USE[kind]}) for X in (data.X_dev, data.X_test))"""
    if use == AS_THEY_ARE:
        changed = "\nX_dev, X_test = data.X_dev, data.X_test"
    return f"""
import numpy as np
from itertools import islice
from dlhelpers.augmentation import augment, augmented_minibatches
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.metrics import error_rate
from dlhelpers.minibatches import nested_minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend

X, y, *_ = digits()
data = split(X / 16, y, dev=800, test=797, rng=np.random.default_rng({seed})){changed}
X, Y = data.X_train[:{m}], one_hot(data.y_train[:{m}], 10)
strengths = [{{"{name}": float(each)}} for each in {strengths}]
network = Network({CLASSIFIER.sizes}, "tanh", "softmax_cross_entropy")
rng = np.random.default_rng({seed})
theta = np.tile(network.initialize(rng), (len(strengths), 1))  # one network for each
batches = augmented_minibatches(X, Y, 50, strengths, rng)
dev, test = [], []
for step in islice(descend(network, theta, batches, Adam(), 0.01), 0, {AUGMENTED_STEPS + 1}, {MEASURE_EVERY}):
    dev.append(1 - error_rate(network.predict(step.theta, X_dev), one_hot(data.y_dev, 10)))
    test.append(1 - error_rate(network.predict(step.theta, X_test), one_hot(data.y_test, 10)))
best = np.argmax(dev, axis=0)  # the step at which each network is best on the dev set
dev, test = (np.array(each)[best, np.arange(len(best))] for each in (dev, test))
result = dev[{notch}], test[{notch}], dev[0]
"""


class CopiesView(View[Augmented]):
    """Images in the first row; below each of them, copies that were changed at random."""

    def __init__(self, ax: Axes) -> None:
        ax.set_axis_off()
        self._shape = (N_COPIES + 1, len(SHOWN_DIGITS))
        height, width = 9 * self._shape[0], 9 * self._shape[1] - 1
        ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -6), aspect="equal")
        self._images = one_tile(ax, smooth=False, corner=(-0.5, -0.5), width=width, height=height)
        for i, digit in enumerate(SHOWN_DIGITS):
            ax.text(9 * i + 3.5, -1.5, str(digit), ha="center", va="bottom", fontweight="bold", fontsize=12)
        ax.text(-1.5, 4, "original", ha="right", va="center", fontsize=9.5)
        ax.text(-1.5, height / 2 + 5, "copies,\nsame\nlabel", ha="right", va="center", fontsize=9.5)

    def update(self, result: Augmented, before: Augmented | None) -> None:
        """Show `result.originals` (n, 64) and `result.copies` (N_COPIES, n, 64)."""
        rows = [result.originals, *result.copies]
        sheet = np.zeros((9 * self._shape[0], 9 * self._shape[1] - 1))
        for r, row in enumerate(rows):
            top = 9 * r + (r > 0)
            for i, image in enumerate(row):
                sheet[top : top + 8, 9 * i : 9 * i + 8] = np.clip(image.reshape(8, 8), 0, 1)
        self._images.set_pictures(gray(sheet)[np.newaxis])


class OverStrengthView(View[Augmented]):
    """Accuracy over the strength of the change, one network for each strength, with a cursor."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-0.3, NOTCHES - 0.7), ylim=(0, 100), ylabel="% right, or mixed up")
        ax.xaxis.label.set_color(ACCENT)  # as the cursor
        self._ax = ax
        self._kind = ""
        self._lines = []
        for name, style, color in (
            ("dev", "s--", DEV),
            ("test", "o:", TEST),
            ("mixed_up", "^-", MIXED_UP_COLOR),
        ):
            (old,) = ax.plot([], [], style[1:], color=GHOST, lw=1.2)
            (new,) = ax.plot([], [], style, color=color, lw=2, ms=4.5)
            self._lines.append((name, moving(old), moving(new)))
        self._level = moving(ax.axhline(0, color=DEV, lw=1))
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=2))
        key(
            ax,
            ("■-- dev", DEV),
            ("— dev without", DEV),
            ("●·· test", TEST),
            ("▲— 6, 9 mixed up", MIXED_UP_COLOR),
            ("— before", "#777777"),
        )

    def update(self, result: Augmented, before: Augmented | None) -> None:
        """Show `result.dev`, `result.test` and `result.mixed_up`, each (n,), as fractions."""
        if result.kind != self._kind:
            self._kind, names = result.kind, STRENGTH_LABELS[result.kind]
            self._ax.set_xticks(range(0, len(names), 2), names[::2])
            self._ax.set_xlabel(AXIS_NAMES[result.kind])
        for name, old, new in self._lines:
            values = 100 * getattr(result, name)
            new.set_data(range(len(values)), values)
            other = before is not None and before.dev is not result.dev
            past = 100 * getattr(before, name) if other else np.zeros(0)
            old.set_data(range(len(past)), past)
        self._level.set_ydata([100 * result.dev[0]] * 2)
        self._cursor.set_xdata([result.notch, result.notch])


def views(figure: Figure) -> list[View[Augmented]]:
    """Lay out the lab: the copies, and the accuracies over the strength."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.2])
    return [CopiesView(left), OverStrengthView(right)]


def augmentation_lab() -> Lab:
    """Return the lab *More images from the same images*."""
    return Lab(
        "More images from the same images",
        controls={
            "kind": choice("Change", list(KINDS), "shift"),
            "notch": slider("Strength, notches", 0, NOTCHES - 1, 0),
            "use": choice("Images in use", [AS_THEY_ARE, CHANGED], CHANGED),
            "m": slider("Training images m", 50, 200, 50, 50),
        },
        compute=augmentation,
        views=views,
        grabs=[Grab(1, x="notch")],
        code=program,
        presets={
            "moved": {"notch": 8},
            "out of the frame": {"notch": 12},
            "turned": {"kind": "rotate", "notch": 6},
            "turned, used upright": {"kind": "rotate", "notch": 3, "use": AS_THEY_ARE},
            "a 6 or a 9?": {"kind": "rotate", "notch": 12, "use": AS_THEY_ARE},
        },
    )

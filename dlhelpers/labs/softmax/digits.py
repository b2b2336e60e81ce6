"""The lab *Ten classes: digits*: training that is watched, the confusion matrix, and the worst mistakes."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.datasets import one_hot
from dlhelpers.labs.digits import digit_split
from dlhelpers.live.controls import log_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.style import ACCENT, DEV, GHOST, TRAIN, View, key, moving
from dlhelpers.plots.tiles import Word, Words, gray, one_tile
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

EPOCHS, BATCH_SIZE, SHOWN = 30, 64, 5


class Recorded(NamedTuple):
    """One run so far, after each epoch: both losses, (epochs + 1, 2), and all dev answers.

    `probabilities` is (epochs + 1, m_dev, 10).
    """

    losses: FloatArray
    probabilities: FloatArray


class Read(NamedTuple):
    """What the network makes of the dev digits after some epochs.

    `probabilities` (m, 10), `y` (m,), `images` (m, 64), `losses` (epochs so far + 1, 2); `cell` is the chosen
    field of the matrix: label and answer.
    """

    epoch: int
    asked: int
    losses: FloatArray
    probabilities: FloatArray
    y: IntArray
    images: FloatArray
    cell: tuple[int, int]

    @property
    def answers(self) -> IntArray:
        """The most probable digit for each image."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def confusion(self) -> IntArray:
        """How many digits with each label, by row, got each answer, by column."""
        counts = np.zeros((10, 10), dtype=np.intp)
        np.add.at(counts, (self.y, self.answers), 1)
        return counts

    @property
    def worst(self) -> IntArray:
        """The mistakes, that with the highest loss first."""
        wrong = np.flatnonzero(self.answers != self.y)
        of_label = self.probabilities[wrong, self.y[wrong]]
        return wrong[np.argsort(of_label, kind="stable")]

    @property
    def in_cell(self) -> IntArray:
        """The digits in the chosen field, the surest answer first."""
        found = np.flatnonzero((self.y == self.cell[0]) & (self.answers == self.cell[1]))
        return found[np.argsort(-self.probabilities[found, self.cell[1]], kind="stable")]

    @property
    def finding(self) -> str:
        """Right answers on the dev set."""
        wrong, m = len(self.worst), len(self.y)
        return f"{1 - wrong / m:.1%} of the dev digits are right: {wrong} of {m} are not"

    @property
    def caption(self) -> str:
        """How far training is, the most frequent confusion, and the chosen field."""
        confusion = self.confusion
        off = confusion - np.diag(np.diag(confusion))
        label, answer = np.unravel_index(off.argmax(), off.shape)
        often = int(off[label, answer])
        text = f"After {self.epoch} of {self.asked} epochs. " if self.epoch < self.asked else ""
        text += f"Train loss {self.losses[-1, 0]:.2g}, dev loss {self.losses[-1, 1]:.2f}. "
        if often:
            times = "once" if often == 1 else f"{often} times"
            text += f"The most frequent mistake: label {label}, answer {answer}, {times}. "
        count = int(confusion[self.cell])
        rest = f" The {SHOWN} surest are shown." if count > SHOWN else ""
        digits = f"{count} digit{'s' if count != 1 else ''}"
        return (
            f"{text}In the framed field: {digits} with the label {self.cell[0]} and the answer "
            f"{self.cell[1]}.{rest}"
        )


@remembered(16)
def train(hidden: int, rate: float, seed: int) -> Stages[Recorded]:
    """Train on 1,024 digits and record what is said of the dev digits after each epoch."""
    data = digit_split(seed)
    parts = [Batch(X, one_hot(y, 10)) for X, y in ((data.X_train, data.y_train), (data.X_dev, data.y_dev))]
    network = Network((64, hidden, 10), "relu", "softmax_cross_entropy")
    rng = np.random.default_rng(seed)
    theta = network.initialize(rng)
    batches = minibatches(*parts[0][:2], BATCH_SIZE, rng)
    losses, answers = [], []
    per_epoch = len(data.X_train) // BATCH_SIZE
    for step in descend(network, theta, batches, Adam(), rate, steps=EPOCHS * per_epoch):
        if step.step % per_epoch == 0:
            losses.append([float(network.loss(step.theta, part)) for part in parts])
            answers.append(network.predict(step.theta, data.X_dev))
            yield step.step / (EPOCHS * per_epoch), Recorded(np.array(losses), np.array(answers))


def read_digits(epochs: int, hidden: float, rate: float, label: int, answer: int, seed: int) -> Stages[Read]:
    """Train, and show what is known after the chosen number of epochs, or so far."""
    data = digit_split(seed)
    for share, run in train(round(hidden), rate, seed):
        at = min(epochs, len(run.losses) - 1)
        yield (
            share,
            Read(
                at,
                epochs,
                run.losses[: at + 1],
                run.probabilities[at],
                data.y_dev,
                data.X_dev,
                (label, answer),
            ),
        )


def program(epochs: int, hidden: float, rate: float, label: int, answer: int, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend

X, y, *_ = digits()
data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng({seed}))
network = Network({(64, round(hidden), 10)}, "relu", "softmax_cross_entropy")
rng = np.random.default_rng({seed})
theta = network.initialize(rng)
batches = minibatches(data.X_train, one_hot(data.y_train, 10), {BATCH_SIZE}, rng)
*_, last = descend(network, theta, batches, Adam(), {rate}, steps={epochs} * (1024 // {BATCH_SIZE}))
answers = network.predict(last.theta, data.X_dev).argmax(axis=1)
confusion = np.zeros((10, 10), dtype=int)  # row: label, column: answer
np.add.at(confusion, (data.y_dev, answers), 1)
dev_loss = network.loss(last.theta, Batch(data.X_dev, one_hot(data.y_dev, 10)))
result = confusion, dev_loss
"""


class ConfusionView(View[Read]):
    """The confusion matrix in numbers; right answers on the diagonal, mistakes in color."""

    ORANGES = colormaps["Oranges"]

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-0.5, 9.5), ylim=(9.5, -0.5), xticks=range(10), yticks=range(10), aspect="equal")
        ax.set(xlabel="answer: click or drag over the fields", ylabel="label")
        ax.grid(visible=False)
        self._fields = one_tile(ax, smooth=False, corner=(-0.5, -0.5), width=10)
        self._counts = moving(Words(fontsize=10))
        ax.add_artist(self._counts)
        (self._frame,) = ax.plot([], [], "-", color=ACCENT, lw=2.5)
        moving(self._frame).set_in_layout(False)

    def update(self, result: Read, before: Read | None) -> None:
        """Show `result.confusion`."""
        counts = result.confusion
        mistakes = counts * ~np.eye(10, dtype=bool)
        colors = self.ORANGES(np.clip(mistakes / 6, 0, 1))[..., :3]
        self._fields.set_pictures(np.where(mistakes[..., None] > 0, colors, 1.0)[np.newaxis])
        words = []
        for row, column in np.argwhere(counts):
            count, right = counts[row, column], row == column
            color = "#222222" if right or count < 5 else "white"
            words.append(Word(column, row, str(count), color, bold=not right))
        self._counts.set_words(words)
        label, answer = result.cell
        x, y = answer + np.array([-0.5, 0.5, 0.5, -0.5, -0.5]), label + np.array([-0.5, -0.5, 0.5, 0.5, -0.5])
        self._frame.set_data(x, y)


class ImagesView(View[Read]):
    """Two rows of pictures: the worst mistakes, and digits of the chosen field."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, 9 * SHOWN), ylim=(26.5, -3))
        ax.axis("off")
        self._digits = one_tile(ax, smooth=False, corner=(0, 0), width=9 * SHOWN, height=20)
        self._words = moving(Words(fontsize=9))
        ax.add_artist(self._words)
        moving(ax.text(0, -0.6, "worst mistakes: label → answer, how sure", fontsize=10))
        moving(ax.text(0, 11.4, "framed field", fontsize=10, color=ACCENT))

    def update(self, result: Read, before: Read | None) -> None:
        """Show `result.worst` above and `result.in_cell` below."""
        mosaic, words, answers = np.zeros((20, 9 * SHOWN)), [], result.answers
        for first, chosen in ((0, result.worst), (12, result.in_cell)):
            for left, at in zip(range(0, 9 * SHOWN, 9), chosen, strict=False):
                mosaic[first : first + 8, left : left + 8] = result.images[at].reshape(8, 8)
                sure = result.probabilities[at].max()
                words.append(Word(left + 4, first + 9, f"{result.y[at]}→{answers[at]}, {sure:.0%}"))
        self._words.set_words(words)
        self._digits.set_pictures(gray(mosaic)[np.newaxis])


class LossView(View[Read]):
    """The loss after each epoch, on the training and the dev set."""

    LOW, HIGH = 0.003, 4.0

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0, EPOCHS), ylim=(self.LOW, self.HIGH), xlabel="epoch", ylabel="loss")
        ax.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
        ax.axhline(np.log(10), color="#777777", lw=1, ls="-.")
        self._lines = [
            (
                moving(ax.plot([], [], style, color=GHOST, lw=1.5)[0]),
                moving(ax.plot([], [], style, color=color, lw=2.5)[0]),
            )
            for style, color in (("-", TRAIN), ("--", DEV))
        ]
        key(ax, ("— train", TRAIN), ("┅ dev", DEV), ("-·- guessing", "#777777"), ("— before", "#777777"))

    def update(self, result: Read, before: Read | None) -> None:
        """Show `result.losses`."""
        for k, (old, line) in enumerate(self._lines):
            for artist, shown in ((line, result), (old, before)):
                losses = np.zeros(0) if shown is None else np.clip(shown.losses[:, k], 1e-4, 1e3)
                artist.set_data(np.arange(len(losses)), losses)


def views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the matrix, the pictures, the loss."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1.1, 1], height_ratios=[1.5, 1])
    return [
        ConfusionView(figure.add_subplot(grid[:, 0])),
        ImagesView(figure.add_subplot(grid[0, 1])),
        LossView(figure.add_subplot(grid[1, 1])),
    ]


def digits_lab() -> Lab:
    """Return the lab *Ten classes: digits*."""
    return Lab(
        "Ten classes: digits",
        controls={
            "epochs": slider("Epochs", 0, EPOCHS, EPOCHS),
            "hidden": log_slider("Hidden units", 0, 6, 32, 1, base=2, fmt=",.0f"),
            "rate": log_slider("Learning rate, Adam", -4, -1, 0.01, 0.25),
            "label": slider("Field: label", 0, 9, 8),
            "answer": slider("Field: answer", 0, 9, 1),
        },
        compute=read_digits,
        views=views,
        grabs=[Grab(0, x="answer", y="label")],
        code=program,
        presets={
            "no training": {"epochs": 0},
            "one epoch": {"epochs": 1},
            "four hidden units": {"hidden": 4},
            "the right eights": {"label": 8, "answer": 8},
        },
        size=(9.6, 4.6),
    )

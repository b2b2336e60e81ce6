"""The lab *Dropout, or stop in time?*: both networks at their own best rate and their own best step."""

from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.datasets import digits, moons, one_hot, split
from dlhelpers.dropout import with_draws
from dlhelpers.live.controls import choice, slider, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.labels import EndLabels
from dlhelpers.plots.style import ACCENT, DEV, GHOST, TEST, View, key, moving
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

POINTS, DIGITS = "60 points, 16 + 16 units", "noisy digits, 64 + 64 units"
MOST_STEPS, EVERY = 400, 10
KEPT = (1.0, 0.7, 0.5)
"""keep_prob of the networks that are trained, in both hidden layers; the first is without dropout."""
WITHOUT_COLOR, WITH_COLOR = "#222222", DEV


class Task(NamedTuple):
    """Data in three parts, a network without dropout, the mini-batch size, and the rates that are tried."""

    train: Batch
    dev: Batch
    test: Batch
    network: Network
    batch_size: int
    rates: tuple[float, ...]
    rng: np.random.Generator
    """For the first weights, the mini-batches and the masks."""


class Curves(NamedTuple):
    """Losses without masks while the networks train: for each keep_prob and each rate.

    Attributes
    ----------
    steps : (n,) int array
    rates : tuple of float
    dev, test : (n, 3, n_rates) float array
    """

    steps: IntArray
    rates: tuple[float, ...]
    dev: FloatArray
    test: FloatArray


class Side(NamedTuple):
    """One keep_prob at the rate and the step that have the lowest dev loss."""

    rate: float
    best: int
    """Index of the step."""
    dev: FloatArray
    test: FloatArray


def side(curves: Curves, keep_prob: float) -> Side:
    """Choose rate and step on the dev set."""
    k = KEPT.index(keep_prob)
    best, rate = np.unravel_index(int(curves.dev[:, k].argmin()), curves.dev[:, k].shape)
    return Side(curves.rates[rate], int(best), curves.dev[:, k, rate], curves.test[:, k, rate])


class Contest(NamedTuple):
    """A network without dropout and one with it."""

    task: str
    keep_prob: float
    at: int
    """Index of the step that the reader chose, or of the last one so far."""
    steps: IntArray
    sides: tuple[Side, Side]

    @property
    def trained(self) -> bool:
        """Whether training has ended."""
        return int(self.steps[-1]) == MOST_STEPS

    @property
    def best(self) -> tuple[float, float]:
        """Test losses, each network at its own best step."""
        without, dropped = self.sides
        return float(without.test[without.best]), float(dropped.test[dropped.best])

    @property
    def here(self) -> tuple[float, float]:
        """Test losses at the chosen step."""
        without, dropped = self.sides
        return float(without.test[self.at]), float(dropped.test[self.at])

    @property
    def finding(self) -> str:
        """The test losses at the best steps."""
        without, dropped = self.best
        so_far = "" if self.trained else " so far"
        return (
            f"Each at its best step{so_far}: test loss {without:.2f} without dropout, {dropped:.2f} with "
            f"keep_prob {self.keep_prob}"
        )

    @property
    def caption(self) -> str:
        """Who is ahead at the chosen step, and who when both are stopped in time."""
        (without, dropped), (one, other) = self.here, self.sides
        text = (
            f"At step {self.steps[self.at]} the test loss is {without:.2f} without dropout and "
            f"{dropped:.2f} with it. Rate and step of each have the lowest dev loss: α = {one.rate:g}, "
            f"step {self.steps[one.best]} without; α = {other.rate:g}, step {self.steps[other.best]} with "
            "dropout. "
        )
        without, dropped = self.best
        ahead = (
            "about as good as the other"
            if abs(dropped - without) < 0.005
            else f"the {'better' if dropped < without else 'worse'} one by {abs(dropped - without):.2f}"
        )
        return text + f"So stopped, the network with dropout is {ahead} on new examples."


@lru_cache(maxsize=8)
def data_of(task: str, seed: int) -> tuple[Batch, Batch, Batch]:
    """Draw the training, the dev and the test set."""
    rng = np.random.default_rng(seed)
    if task == POINTS:
        parts = [moons(m, noise=0.4, rng=rng) for m in (60, 400, 1000)]
        train, dev, test = (Batch(X, 1.0 * y[:, None]) for X, y in parts)
        return train, dev, test
    X, y, *_ = digits()
    data = split(X / 16 + 0.4 * rng.standard_normal(X.shape), y, dev=600, test=800, rng=rng)
    return (
        Batch(data.X_train[:200], one_hot(data.y_train[:200], 10)),
        Batch(data.X_dev, one_hot(data.y_dev, 10)),
        Batch(data.X_test, one_hot(data.y_test, 10)),
    )


def make_task(task: str, seed: int) -> Task:
    """Return the data and the network of a task."""
    parts, rng = data_of(task, seed), np.random.default_rng(seed)
    if task == POINTS:
        network = Network((2, 16, 16, 1), "relu", "sigmoid_cross_entropy")
        return Task(*parts, network, 60, (0.003, 0.01, 0.03), rng)
    network = Network((64, 64, 64, 10), "relu", "softmax_cross_entropy")
    return Task(*parts, network, 50, (0.001, 0.003, 0.01), rng)


@remembered(8)
def train_all(task: str, seed: int) -> Stages[Curves]:
    """Train nine networks from the same weights: three keep_probs, each with three rates."""
    train, dev, test, plain, batch_size, rates, rng = make_task(task, seed)
    shape, n = (len(KEPT), len(rates)), len(KEPT) * len(rates)
    keep_prob = np.repeat(KEPT, len(rates))[:, None, None]
    network = Network(plain.sizes, "relu", plain.loss_name, keep_prob=keep_prob)
    theta = np.tile(plain.initialize(rng), (n, 1))
    batches = with_draws(minibatches(train.X, train.Y, batch_size, rng), plain.sizes, rng)
    run = descend(network, theta, batches, Adam(), np.tile(rates, len(KEPT))[:, None])
    losses: list[list[FloatArray]] = []
    for step in islice(run, 0, MOST_STEPS + 1, EVERY):
        losses.append([plain.loss(step.theta, part).reshape(shape) for part in (dev, test)])
        if step.step % 20 == 0 and step.step:
            steps, measured = EVERY * np.arange(len(losses)), np.array(losses)
            yield step.step / MOST_STEPS, Curves(steps, rates, measured[:, 0], measured[:, 1])


def contest(task: str, keep_prob: float, step: int, seed: int) -> Stages[Contest]:
    """Train all networks of a task, then compare two of them."""
    for share, curves in train_all(task, seed):
        at = min(round(step / EVERY), len(curves.steps) - 1)
        sides = (side(curves, 1.0), side(curves, keep_prob))
        yield share, Contest(task, keep_prob, at, curves.steps, sides)


POINTS_PROGRAM = """parts = [moons(m, noise=0.4, rng=rng) for m in (60, 400, 1000)]
train, dev, test = (Batch(X, 1.0 * y[:, None]) for X, y in parts)
sizes, loss, batch_size, rates = (2, 16, 16, 1), "sigmoid_cross_entropy", 60, (0.003, 0.01, 0.03)"""
DIGITS_PROGRAM = """X, y, *_ = digits()
data = split(X / 16 + 0.4 * rng.standard_normal(X.shape), y, dev=600, test=800, rng=rng)
train = Batch(data.X_train[:200], one_hot(data.y_train[:200], 10))
dev, test = Batch(data.X_dev, one_hot(data.y_dev, 10)), Batch(data.X_test, one_hot(data.y_test, 10))
sizes, loss, batch_size, rates = (64, 64, 64, 10), "softmax_cross_entropy", 50, (0.001, 0.003, 0.01)"""


def program(task: str, keep_prob: float, step: int, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import islice
import numpy as np
from dlhelpers.datasets import digits, moons, one_hot, split
from dlhelpers.dropout import with_draws
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend

rng = np.random.default_rng({seed})
{POINTS_PROGRAM if task == POINTS else DIGITS_PROGRAM}

rng, kept = np.random.default_rng({seed}), np.repeat({KEPT}, 3)  # nine networks at once
plain = Network(sizes, "relu", loss)  # without masks: for the start, and to measure
network = Network(sizes, "relu", loss, keep_prob=kept[:, None, None])
theta = np.tile(plain.initialize(rng), (9, 1))
batches = with_draws(minibatches(train.X, train.Y, batch_size, rng), sizes, rng)
run = descend(network, theta, batches, Adam(), np.tile(rates, 3)[:, None])
thetas = [step.theta for step in islice(run, 0, {MOST_STEPS + 1}, {EVERY})]
dev_losses = np.array([plain.loss(theta, dev) for theta in thetas])

result = []
for keep_prob in (1.0, {keep_prob}):
    mine = np.flatnonzero(kept == keep_prob)
    step, rate = np.unravel_index(dev_losses[:, mine].argmin(), (len(thetas), 3))
    result.append(plain.loss(thetas[step], test)[mine[rate]])
"""


TICKS = {POINTS: (0.0, 0.3, 0.6, 0.9, 1.2), DIGITS: (0.9, 1.2, 1.5, 1.8, 2.1)}
"""Of the axis of the loss, from end to end."""


class DevCurvesView(View[Contest]):
    """The dev loss of both networks over the steps, each at its best rate; their best steps, and a cursor."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, MOST_STEPS), xlabel="step", ylabel="dev loss")
        self._ax, self._task = ax, ""
        self._old = [moving(ax.plot([], [], style, color=GHOST, lw=1.2)[0]) for style in ("-.", "--")]
        self._lines, self._stars = [], []
        for color, style in ((WITHOUT_COLOR, "-."), (WITH_COLOR, "--")):
            self._lines.append(moving(ax.plot([], [], style, color=color, lw=2)[0]))
            self._stars.append(moving(ax.plot([], [], "*", color=color, ms=15, mec="white", zorder=5)[0]))
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=2))
        self._names = EndLabels(ax, [("none", WITHOUT_COLOR), ("dropout", WITH_COLOR)])
        names = ("-·- without dropout", WITHOUT_COLOR), ("-- with dropout", WITH_COLOR)
        key(ax, *names, ("★ best step", TEST), ("┃ yours", ACCENT), ("— before", "#777777"))

    def update(self, result: Contest, before: Contest | None) -> None:
        """Show the dev curve of each of `result.sides`."""
        if result.task != self._task:
            self._task = result.task
            ticks = TICKS[result.task]
            self._ax.set(ylim=(ticks[0], ticks[-1]), yticks=ticks)
        old = before.sides if before is not None and before.task == result.task else ()
        for line, star, here in zip(self._lines, self._stars, result.sides, strict=True):
            line.set_data(result.steps, here.dev)
            star.set_data([result.steps[here.best]], [here.dev[here.best]])
        for k, ghost in enumerate(self._old):
            past = old[k].dev if old else np.empty(0)
            ghost.set_data(EVERY * np.arange(len(past)), past)
        self._cursor.set_xdata([result.steps[result.at]] * 2)
        self._names.place([float(each.dev[-1]) for each in result.sides])


class TestLossView(View[Contest]):
    """Test losses: both networks at the chosen step, and each at its own best step."""

    def __init__(self, ax: Axes) -> None:
        ax.set(ylim=(-0.6, 1.6), xlabel="test loss")
        ax.set_yticks([1, 0], ["at your\nstep", "each at\nits best"])
        ax.grid(axis="y", visible=False)
        self._ax, self._task = ax, ""
        self._marks = []
        for color, marker, lift in ((WITHOUT_COLOR, "o", 0.08), (WITH_COLOR, "s", -0.08)):
            (mark,) = ax.plot([], [], marker, color=color, ms=11, mec="white")
            self._marks.append((moving(mark), lift))
        (self._gap,) = ax.plot([], [], color=GHOST, lw=3, zorder=1)
        moving(self._gap)
        key(ax, ("● without", WITHOUT_COLOR), ("■ with dropout", WITH_COLOR))

    def update(self, result: Contest, before: Contest | None) -> None:
        """Show `result.here` and `result.best`, pairs of test losses."""
        if result.task != self._task:
            self._task = result.task
            self._ax.set(xlim=(TICKS[result.task][0], TICKS[result.task][-1]), xticks=TICKS[result.task])
        low, *_, high = TICKS[result.task]
        pairs = np.clip([result.here, result.best], low + 0.03, high - 0.03)
        for (mark, lift), losses in zip(self._marks, pairs.T, strict=True):
            mark.set_data(losses, [1 + lift, lift])
        self._gap.set_data([*pairs[0], np.nan, *pairs[1]], [1, 1, np.nan, 0, 0])


def views(figure: Figure) -> list[View[Contest]]:
    """Lay out the lab: the dev losses over the steps, and the test losses."""
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    return [DevCurvesView(left), TestLossView(right)]


def stopped_lab() -> Lab:
    """Return the lab *Dropout, or stop in time?*."""
    return Lab(
        "Dropout, or stop in time?",
        controls={
            "task": choice("Task", [POINTS, DIGITS], POINTS),
            "keep_prob": steps_slider("keep_prob p", [(f"{p}", p) for p in sorted(KEPT[1:])], 0.7),
            "step": slider("Compared at step", 0, MOST_STEPS, MOST_STEPS, EVERY),
        },
        compute=contest,
        views=views,
        grabs=[Grab(0, x="step")],
        code=program,
        presets={
            "at the last step": {},
            "at step 60": {"step": 60},
            "noisy digits": {"task": DIGITS},
            "noisy digits, drop half": {"task": DIGITS, "keep_prob": 0.5},
        },
        size=(9.6, 3.9),
    )

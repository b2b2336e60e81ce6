"""The lab *Early stopping: one run, scrubbed and replayed*: every epoch of a run, and what patience keeps."""

from collections.abc import Iterator
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.datasets import moons
from dlhelpers.early_stopping import Stop, early_stop
from dlhelpers.labs.early_stopping.common import RESTORED
from dlhelpers.live.controls import log_slider, real_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.style import ACCENT, DEV, GHOST, TRAIN, View, key, moving
from dlhelpers.plots.two_classes import TwoClassesView
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

EPOCHS, BATCH_SIZE, N_DEV = 300, 10, 200
MOST_EXAMPLES, HIGHEST_LOSS = 200, 1.2
RECORDED_NETWORK = Network((2, 20, 20, 1), "tanh", "sigmoid_cross_entropy")
SIDE = 50
_line = np.linspace(-3, 3, SIDE)
PLANE = np.stack(np.meshgrid(_line, _line), axis=-1).reshape(-1, 2)


class Run(NamedTuple):
    """One recorded run: what was known at the end of each epoch; epoch 0 is the start.

    Attributes
    ----------
    X, y : (m, 2) and (m,) array
        The training set.
    thetas : (n_epochs + 1, P) float array
    train, dev, norm, distance : (n_epochs + 1,) float array
        Losses; the length of the weights, and their distance from the first ones.
    """

    X: FloatArray
    y: IntArray
    thetas: FloatArray
    train: FloatArray
    dev: FloatArray
    norm: FloatArray
    distance: FloatArray


class Replay(NamedTuple):
    """What the lab shows: the state at the chosen epoch, and where patience would have stopped the run.

    The four curves end at the last epoch that is recorded; so do the epochs shown.
    """

    epoch: int
    patience: int
    stop: Stop
    ran_out: bool
    X: FloatArray
    y: IntArray
    train: FloatArray
    dev: FloatArray
    norm: FloatArray
    distance: FloatArray
    here: FloatArray
    restored: FloatArray

    @property
    def finding(self) -> str:
        """Where the run stops and what comes back."""
        best, stopped = self.stop
        if self.ran_out:
            ends = f"stops at epoch {stopped}"
        elif stopped == EPOCHS:
            ends = f"never stops in {stopped} epochs"
        else:
            ends = f"has not stopped in the {stopped} epochs so far"
        return f"Patience {self.patience}: {ends}, restores epoch {best}, dev loss {self.dev[best]:.2f}"

    @property
    def caption(self) -> str:
        """What holds at the cursor, and what another patience could have won."""
        k, best, lowest, known = self.epoch, self.stop.best, int(self.dev.argmin()), len(self.dev) - 1
        text = (
            f"At epoch {k} the train loss is {self.train[k]:.2f} and the dev loss {_off(self.dev[k])}. The "
            f"weights have the length {self.norm[k]:.1f}, from {self.norm[0]:.1f} at the start, and are "
            f"{self.distance[k]:.1f} away from the first ones. "
        )
        if best == lowest:
            all_epochs = f"all {known} epochs" if known == EPOCHS else f"the {known} epochs so far"
            return text + f"The restored epoch {best} has the lowest dev loss of {all_epochs}."
        return text + (
            f"Later, at epoch {lowest}, the dev loss falls to {self.dev[lowest]:.2f}: with this patience, "
            "training has ended before."
        )


def _off(loss: float) -> str:
    return f"{loss:.2f}" + (", above the frame" if loss > HIGHEST_LOSS else "")


def moon_sets(noise: float, m: int, seed: int) -> tuple[Batch, Batch]:
    """Return m training points, the first of the same 200, and the dev set."""
    X, y = moons(MOST_EXAMPLES, noise=noise, rng=np.random.default_rng([seed, 0]))
    X_dev, y_dev = moons(N_DEV, noise=noise, rng=np.random.default_rng([seed, 1]))
    return Batch(X[:m], y[:m, None].astype(float)), Batch(X_dev, y_dev[:, None].astype(float))


@remembered(16)
def record(noise: float, m: int, learning_rate: float, seed: int) -> Stages[Run]:
    """Train a network on two moons and keep every epoch; yield the run so far."""
    train, dev = moon_sets(noise, m, seed)
    rng = np.random.default_rng([seed, 2])
    theta, per_epoch = RECORDED_NETWORK.initialize(rng), -(-m // BATCH_SIZE)
    batches = minibatches(train.X, train.Y, BATCH_SIZE, rng)
    run = descend(RECORDED_NETWORK, theta, batches, Adam(), learning_rate)
    is_weight, thetas, losses = RECORDED_NETWORK.layout.is_weight, [], []
    for epoch, step in enumerate(islice(run, 0, EPOCHS * per_epoch + 1, per_epoch)):
        thetas.append(step.theta)
        losses.append([float(RECORDED_NETWORK.loss(step.theta, part)) for part in (train, dev)])
        if epoch % 10 == 0 and epoch > 0:
            known = np.array(thetas)
            norms = (np.linalg.norm((known - start)[:, is_weight], axis=1) for start in (0, theta))
            yield epoch / EPOCHS, Run(train.X, train.Y[:, 0].astype(int), known, *np.array(losses).T, *norms)


def scrub(
    epoch: int, patience: int, noise: float, m: int, learning_rate: float, seed: int
) -> Iterator[tuple[float, Replay]]:
    """Show one epoch of the recorded run and replay the run with this patience; record it first if needed."""
    for share, run in record(noise, m, learning_rate, seed):
        stop, at = early_stop(run.dev, patience), min(epoch, len(run.dev) - 1)
        here, restored = (
            RECORDED_NETWORK.predict(run.thetas[k], PLANE).reshape(SIDE, SIDE) for k in (at, stop.best)
        )
        ran_out = stop.stopped - stop.best >= patience
        curves = (run.train, run.dev, run.norm, run.distance)
        yield share, Replay(at, patience, stop, ran_out, run.X, run.y, *curves, here, restored)


def program(epoch: int, patience: int, noise: float, m: int, learning_rate: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from itertools import islice
from dlhelpers.datasets import moons
from dlhelpers.early_stopping import early_stop
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend

X, y = moons({MOST_EXAMPLES}, noise={noise}, rng=np.random.default_rng([{seed}, 0]))
X_dev, y_dev = moons({N_DEV}, noise={noise}, rng=np.random.default_rng([{seed}, 1]))
train = Batch(X[:{m}], y[:{m}, None].astype(float))
dev = Batch(X_dev, y_dev[:, None].astype(float))
network = Network({RECORDED_NETWORK.sizes}, "tanh", "sigmoid_cross_entropy")
rng = np.random.default_rng([{seed}, 2])
theta = network.initialize(rng)
run = descend(network, theta, minibatches(train.X, train.Y, {BATCH_SIZE}, rng), Adam(), {learning_rate})
per_epoch = {-(-m // BATCH_SIZE)}  # steps
thetas = [step.theta for step in islice(run, 0, {EPOCHS} * per_epoch + 1, per_epoch)]
dev_losses = [float(network.loss(theta, dev)) for theta in thetas]
stop = early_stop(dev_losses, patience={patience})
restored = thetas[stop.best]  # what early stopping gives back
here = thetas[{epoch}]
result = stop.best, stop.stopped, dev_losses[stop.best], float(network.loss(here, train))
"""


class OverEpochsView(View[Replay]):
    """Train and dev loss over the epochs; where patience began to count, and where it ran out."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, EPOCHS), ylim=(0, HIGHEST_LOSS), ylabel="loss J")
        ax.tick_params(labelbottom=False)
        (self._old_train,) = ax.plot([], [], color=GHOST, lw=1.2)
        (self._old_dev,) = ax.plot([], [], "--", color=GHOST, lw=1.2)
        (self._train,) = ax.plot([], [], color=TRAIN, lw=1.8)
        (self._dev,) = ax.plot([], [], "--", color=DEV, lw=1.8)
        (self._waiting,) = ax.plot([], [], "-", color=RESTORED, lw=3)
        (self._best,) = ax.plot([], [], "*", color=RESTORED, ms=15, mec="white")
        (self._stopped,) = ax.plot([], [], "X", color=RESTORED, ms=9, mec="white")
        self._cursor = ax.axvline(0, color=ACCENT, lw=2)
        lines = (self._old_train, self._old_dev, self._train, self._dev)
        for artist in (*lines, self._waiting, self._best, self._stopped, self._cursor):
            moving(artist)
        key(
            ax,
            ("— train", TRAIN),
            ("-- dev", DEV),
            ("★ restored ━ waits ✖ stops", RESTORED),
        )

    def update(self, result: Replay, before: Replay | None) -> None:
        """Show `result.train` and `result.dev`, (epochs + 1,), and `result.stop`, a `Stop`."""
        stop, level = result.stop, result.dev[result.stop.best]
        self._train.set_data(range(len(result.train)), result.train)
        self._dev.set_data(range(len(result.dev)), result.dev)
        self._waiting.set_data([stop.best, stop.stopped], [level, level])
        self._best.set_data([stop.best], [level])
        ended = [stop.stopped] if result.ran_out else []
        self._stopped.set_data(ended, [level] * len(ended))
        self._cursor.set_xdata([result.epoch, result.epoch])
        other = before is not None and before.train is not result.train
        for line, name in ((self._old_train, "train"), (self._old_dev, "dev")):
            old = getattr(before, name) if other else ()
            line.set_data(range(len(old)), old)


class NormsView(View[Replay]):
    """The length of the weights, and their distance from the first ones, over the epochs."""

    def __init__(self, ax: Axes, top: float = 25.0) -> None:
        ax.set(xlim=(0, EPOCHS), ylim=(0, top), xlabel="epoch", ylabel="weights")
        (self._old,) = ax.plot([], [], color=GHOST, lw=1.2)
        (self._norm,) = ax.plot([], [], color="#222222", lw=1.8)
        (self._distance,) = ax.plot([], [], "--", color="#222222", lw=1.8)
        self._cursor = ax.axvline(0, color=ACCENT, lw=2)
        self._best = ax.axvline(0, color=RESTORED, lw=1.5, ls="-.")
        for artist in (self._old, self._norm, self._distance, self._cursor, self._best):
            moving(artist)
        key(
            ax,
            ("— norm ‖W‖", "#222222"),
            ("-- way from the start ‖W - W₀‖", "#222222"),
            ("— before", "#777777"),
        )

    def update(self, result: Replay, before: Replay | None) -> None:
        """Show `result.norm` and `result.distance`, (epochs + 1,)."""
        self._norm.set_data(range(len(result.norm)), result.norm)
        self._distance.set_data(range(len(result.distance)), result.distance)
        self._cursor.set_xdata([result.epoch, result.epoch])
        self._best.set_xdata([result.stop.best, result.stop.best])
        old = before.norm if before is not None and before.norm is not result.norm else ()
        self._old.set_data(range(len(old)), old)


def views(figure: Figure) -> list[View[Replay]]:
    """Lay out the lab: two maps, and the losses above the weights."""
    grid = figure.add_gridspec(2, 3, height_ratios=[1.7, 1], width_ratios=[1, 1, 1.5])
    here, restored = (figure.add_subplot(grid[:, k]) for k in (0, 1))
    losses, weights = figure.add_subplot(grid[0, 2]), figure.add_subplot(grid[1, 2])
    key(here, ("your epoch", ACCENT))
    key(restored, ("restored by early stopping", RESTORED))
    for ax in (here, restored):
        ax.set(xticks=[], yticks=[])
    return [
        TwoClassesView(here, attrgetter("here", "X", "y")),
        TwoClassesView(restored, attrgetter("restored", "X", "y")),
        OverEpochsView(losses),
        NormsView(weights),
    ]


def early_stopping_lab() -> Lab:
    """Return the lab *Early stopping: one run, scrubbed and replayed*."""
    return Lab(
        "Early stopping: one run, scrubbed and replayed",
        controls={
            "epoch": slider("Epoch", 0, EPOCHS, 200),
            "patience": slider("Patience, epochs", 1, 100, 30),
            "noise": real_slider("Noise σ", 0, 0.8, 0.4, 0.05),
            "m": slider("Training examples m", 10, 200, 40, 10),
            "learning_rate": log_slider("Learning rate α", -3, -1.5, 0.01, 0.25),
        },
        compute=scrub,
        views=views,
        grabs=[Grab(2, x="epoch"), Grab(3, x="epoch")],
        code=program,
        presets={
            "too impatient": {"patience": 5},
            "stop in time": {"epoch": 62},
            "trained to the end": {"epoch": EPOCHS},
            "more data": {"m": 200},
            "very noisy": {"noise": 0.8},
        },
        size=(9.6, 3.9),
    )

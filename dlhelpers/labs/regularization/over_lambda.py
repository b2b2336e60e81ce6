"""A network with two hidden layers, trained for 25 values of lambda at once: what two labs look at."""

from functools import lru_cache, partial
from itertools import islice, repeat
from typing import NamedTuple, Protocol

import ipywidgets
import numpy as np
from matplotlib.axes import Axes

from dlhelpers.datasets import moons
from dlhelpers.labs.regularization.common import LOST
from dlhelpers.live.controls import choice, log_slider, real_slider, slider
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, moving, note
from dlhelpers.regularization import Regularized, soft_threshold
from dlhelpers.training import Descent, descend
from dlhelpers.typing import BoolArray, FloatArray, IntArray

UNITS = (2, 12, 12, 1)
"""Of each layer."""
LAMBDAS = 10.0 ** np.linspace(-3, 3, 25)
TRAIN_STEPS, PIECE = 1500, 50
M_DEV = 500
PENALTIES = ("L2", "L1")
FAR = 1e9
"""A value that is far outside of every frame: a curve that diverges is drawn to here."""


class Task(NamedTuple):
    """Two noisy moons: a small training set, and a dev set; labels are columns of 0 and 1.

    All is float64: training amplifies rounding, and captions must be the same on every processor.
    """

    network: Network
    train: Batch
    dev: Batch


class OverLambdas(NamedTuple):
    """The networks after some steps, one for each lambda.

    Attributes
    ----------
    step : int
    theta : (25, P) float array
    gone_at : (25,) int array
        The step at which the weights ceased to be finite, or passed `LOST`; -1 if they did not.
    train, dev : (25,) float array
    norms : (25, n_layers) float array
    """

    step: int
    theta: FloatArray
    gone_at: IntArray
    train: FloatArray
    dev: FloatArray
    norms: FloatArray


class WithLambda(Protocol):
    """A result that belongs to one of the lambdas."""

    @property
    def at(self) -> int:
        """Index of the chosen lambda."""

    @property
    def edge(self) -> float:
        """The lambda at which gradient descent begins to diverge, or NaN."""

    @property
    def diverged(self) -> BoolArray:
        """For which lambdas training has diverged."""


def lambda_controls(strength: float) -> dict[str, ipywidgets.ValueWidget]:
    """Return the controls of a lab, with this lambda at first."""
    return {
        "strength": log_slider("Strength λ", -3, 3, strength, 0.25),
        "penalty": choice("Penalty", list(PENALTIES), "L2"),
        "rate": log_slider("Learning rate α", -1.5, 0.5, 0.5, 0.1),
        "noise": real_slider("Noise of the data", 0.0, 1.0, 0.6, 0.05),
        "m": slider("Training examples m", 20, 200, 40, 10),
    }


def index_of(strength: float) -> int:
    """Return the index of the nearest lambda."""
    return int(np.abs(LAMBDAS - strength).argmin())


def edge_of(penalty: str, rate: float, m: int) -> float:
    """Return the lambda with alpha lambda / m = 2; NaN for L1, which has no such edge."""
    return 2 * m / rate if penalty == "L2" else np.nan


@lru_cache(maxsize=8)
def noisy_moons(noise: float, m: int, seed: int) -> Task:
    """Draw the training and the dev set."""
    rng = np.random.default_rng(seed)
    (X, y), (X_dev, y_dev) = moons(m, noise=noise, rng=rng), moons(M_DEV, noise=noise, rng=rng)
    network = Network(UNITS, loss_name="sigmoid_cross_entropy")
    return Task(network, Batch(X, 1.0 * y[:, None]), Batch(X_dev, 1.0 * y_dev[:, None]))


def penalized_run(task: Task, penalty: str, rate: float, seed: int) -> Descent:
    """Return the training of one network for each lambda, all from the same weights."""
    network, m, strengths = task.network, len(task.train.X), LAMBDAS[:, None]
    theta = np.tile(network.initialize(np.random.default_rng(seed)), (len(LAMBDAS), 1))
    batches, plain = repeat(task.train), GradientDescent()
    if penalty == "L2":
        return descend(Regularized(network, m, l2=strengths), theta, batches, plain, rate)
    is_weight = network.layout.is_weight
    shrink = partial(soft_threshold, is_weight=is_weight, amount=rate * strengths / m)
    return descend(network, theta, batches, plain, rate, projection=shrink)


@remembered(16)
def train_over_lambda(penalty: str, rate: float, noise: float, m: int, seed: int) -> Stages[OverLambdas]:
    """Train a network for each lambda, all at once; the losses and norms come with the last stage."""
    task = noisy_moons(noise, m, seed)
    run, is_weight = penalized_run(task, penalty, rate, seed), task.network.layout.is_weight
    gone_at, missing = np.full(len(LAMBDAS), -1), np.full(len(LAMBDAS), np.nan)
    norms = np.full((len(LAMBDAS), len(UNITS) - 1), np.nan)
    for done in range(PIECE, TRAIN_STEPS + 1, PIECE):
        *_, step = islice(run, PIECE)
        gone_at = _gone(gone_at, step.theta[:, is_weight], done)
        if done < TRAIN_STEPS:
            yield done / TRAIN_STEPS, OverLambdas(done, run.theta, gone_at, missing, missing, norms)
    yield 1.0, measure(task, next(run).theta, gone_at)


@np.errstate(all="ignore")
def measure(task: Task, theta: FloatArray, gone_at: IntArray) -> OverLambdas:
    """Measure all networks at the end of training."""
    views = task.network.layout.views(theta)
    names = [name for name in views if name.startswith("W")]
    norms = np.stack([np.sqrt((views[name] ** 2).sum(axis=(1, 2))) for name in names], axis=1)
    losses = [task.network.loss(theta, batch) for batch in (task.train, task.dev)]
    return OverLambdas(TRAIN_STEPS, theta, gone_at, losses[0], losses[1], norms)


@np.errstate(all="ignore")
def _gone(gone_at: IntArray, weights: FloatArray, step: int) -> IntArray:
    """Note the step for the networks that are newly lost."""
    lost = ~(np.sqrt((weights**2).sum(axis=1)) < LOST)
    return np.where((gone_at < 0) & lost, step, gone_at)


def lambda_program(strength: float, penalty: str, rate: float, noise: float, m: int, seed: int) -> str:
    """Return the program that trains all networks and picks the one of the chosen lambda, as `theta`."""
    at = index_of(strength)
    how = (
        "run = descend(Regularized(network, m, l2=strengths), theta, repeat(train), GradientDescent(), rate)"
        if penalty == "L2"
        else "is_weight = network.layout.is_weight\n"
        "shrink = partial(soft_threshold, is_weight=is_weight, amount=rate * strengths / m)\n"
        "run = descend(network, theta, repeat(train), GradientDescent(), rate, projection=shrink)"
    )
    return f"""
from functools import partial
from itertools import islice, repeat
import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.regularization import Regularized, soft_threshold
from dlhelpers.training import descend

m, rate, rng = {m}, {rate}, np.random.default_rng({seed})
X, y = moons(m, noise={noise}, rng=rng)
X_dev, y_dev = moons({M_DEV}, noise={noise}, rng=rng)
train, dev = Batch(X, 1.0 * y[:, None]), Batch(X_dev, 1.0 * y_dev[:, None])
network = Network({UNITS}, loss_name="sigmoid_cross_entropy")

strengths = 10.0 ** np.linspace(-3, 3, 25)[:, None]  # all lambdas at once
theta = np.tile(network.initialize(np.random.default_rng({seed})), (25, 1))
{how}
theta = next(islice(run, {TRAIN_STEPS}, None)).theta[{at}]
"""


class LambdaAxis:
    """An axis of lambda with a cursor, the range where gradient descent diverges, and its mark.

    Parameters
    ----------
    ax : Axes
    low, high : float
        Of the y axis; what is above gets a triangle at the upper edge.
    """

    def __init__(self, ax: Axes, low: float, high: float) -> None:
        ax.set(xscale="log", xlim=(LAMBDAS[0] / 1.3, LAMBDAS[-1] * 1.3), ylim=(low, high), xlabel="λ")
        self._edge = moving(ax.axvline(1, color="#222222", ls=":", lw=1.5))
        ax.xaxis.label.set_color(ACCENT)  # as the cursor
        upward = ax.get_xaxis_transform()
        self._edge_name = note(ax, 1, 0.96, "αλ/m = 2 ", transform=upward, ha="right", va="top")
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        (self._off,) = ax.plot([], [], "^", color="#222222", ms=8, clip_on=False)
        self._off.set_in_layout(False)
        moving(self._off)
        self._top = 0.97 * high if ax.get_yscale() == "linear" else high / 1.6

    def show(self, result: WithLambda) -> None:
        """Put the cursor at `result.at`, the mark at `result.edge`, triangles where `result.diverged`."""
        self._cursor.set_xdata([LAMBDAS[result.at]] * 2)
        self._edge.set_xdata([result.edge] * 2)
        self._edge.set_visible(bool(LAMBDAS[0] < result.edge < LAMBDAS[-1]))
        self._edge_name.set_visible(bool(LAMBDAS[8] < result.edge < LAMBDAS[-1]))
        self._edge_name.set_x(result.edge)
        x = LAMBDAS[result.diverged]
        self._off.set_data(x, np.full(len(x), self._top))

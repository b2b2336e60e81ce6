r"""Training: one loop that everything in the course trains through."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import Optimizer
from dlhelpers.typing import BoolArray, FloatArray

LearningRate = float | FloatArray | Callable[[int], float | FloatArray]
"""A number; (K, 1) numbers, one for each network of a population; or a function of the step."""


class Objective(Protocol):
    """What can be trained: a `Network`, or one with a penalty."""

    def loss(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the cost, of shape (...)."""

    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the gradient of the cost, in the shape of theta."""


@dataclass(frozen=True)
class Step:
    """One step of training, seen *before* its update: the gradient belongs to the theta beside it.

    Attributes
    ----------
    step : int
        Updates made so far.
    theta, gradient : (..., P) float array
    learning_rate : float or (K, 1) float array
        Of the update that follows.
    batch : Batch
    state : Any
        The optimizer's state; with it a run can be continued or forked from here.
    diverged : (...) bool array
        True for a network whose gradient is no longer finite.  Its theta stays as it is from here on.
    """

    step: int
    theta: FloatArray
    gradient: FloatArray
    learning_rate: float | FloatArray
    batch: Batch
    state: Any
    diverged: BoolArray
    objective: Objective = field(repr=False)

    @property
    def epoch(self) -> int:
        """How often the whole training set has been used."""
        return self.batch.epoch

    @property
    def loss(self) -> FloatArray:
        """The cost on this batch, of shape (...).  Computed when asked for: it costs part of a step."""
        with np.errstate(all="ignore"):
            return self.objective.loss(self.theta, self.batch)

    @property
    def cause(self) -> str:
        """In words, why training ended; empty while it goes on."""
        if not np.all(self.diverged):
            return ""
        return f"diverged at step {self.step}: the gradient is no longer a finite number"


@dataclass
class Descent:
    """A run of training, as an iterator of steps; made by `descend`.

    `objective`, `optimizer` and `learning_rate` may be replaced between two steps: the update that
    follows uses the new value.  An optimizer of another kind starts with a fresh state.
    """

    objective: Objective
    theta: FloatArray
    batches: Iterator[Batch]
    optimizer: Optimizer
    learning_rate: LearningRate
    state: Any
    step: int = 0

    def __post_init__(self) -> None:
        self._last: Step | None = None
        self._kind = type(self.optimizer)

    def __iter__(self) -> "Descent":
        return self

    def __next__(self) -> Step:
        if self._last is not None:
            if self._last.diverged.all():
                raise StopIteration
            self._update(self._last)
        batch = next(self.batches)
        with np.errstate(all="ignore"):
            gradient = self.objective.gradient(self.theta, batch)
        diverged = np.asarray(~np.isfinite(gradient).all(axis=-1))
        self._last = Step(
            self.step, self.theta, gradient, self._rate(), batch, self.state, diverged, self.objective
        )
        return self._last

    def _rate(self) -> float | FloatArray:
        return self.learning_rate(self.step) if callable(self.learning_rate) else self.learning_rate

    def _update(self, last: Step) -> None:
        if type(self.optimizer) is not self._kind:
            self._kind, self.state = type(self.optimizer), self.optimizer.init(self.theta)
        with np.errstate(all="ignore"):
            direction, self.state = self.optimizer.update(last.gradient, self.state)
            theta = self.theta - self._rate() * direction  # (1)
        self.theta = np.where(last.diverged[..., None], self.theta, theta) if last.diverged.any() else theta
        self.step += 1


def descend(
    objective: Objective,
    theta: FloatArray,
    batches: Iterator[Batch],
    optimizer: Optimizer,
    learning_rate: LearningRate,
    state: Any = None,
) -> Descent:
    r"""Return an iterator over the steps of training.

    .. math:: \theta \leftarrow \theta - \alpha \cdot \text{direction} \tag{1}

    It yields each step before its update and does not end by itself, unless `batches` ends or every
    network has diverged: the caller decides how many steps to take, when to stop and what to keep.

    Parameters
    ----------
    objective : Objective
    theta : (P,) float array, or (K, P) for a population
    batches : iterator of Batch
        For instance `minibatches(...)`, or `itertools.repeat(Batch(X, Y))` for the whole set.
    optimizer : Optimizer
    learning_rate : float, (K, 1) float array, or function of the step
    state : optional
        The optimizer's state, to go on from a `Step` of an earlier run.

    Returns
    -------
    Descent

    Raises
    ------
    ValueError
        If a learning rate is negative, or theta has more than two axes.

    Examples
    --------
    Fit y = 2x by gradient descent:

    >>> from itertools import islice, repeat
    >>> from dlhelpers.network import Network
    >>> from dlhelpers.optimizers import GradientDescent
    >>> X = np.array([[-1.0], [0.0], [1.0]])
    >>> run = descend(Network((1, 1)), np.zeros(2), repeat(Batch(X, 2 * X)), GradientDescent(), 0.5)
    >>> [round(float(step.loss), 3) for step in islice(run, 4)]
    [1.333, 0.593, 0.263, 0.117]
    """
    if theta.ndim not in (1, 2):
        raise ValueError(f"theta must have shape (P,) or (K, P); got {theta.shape}.")
    if not callable(learning_rate) and np.any(np.asarray(learning_rate) < 0):
        raise ValueError(
            f"learning_rate must be 0 or more; got {learning_rate!r}. "
            "A step goes against the gradient already; its sign is in equation (1)."
        )
    state = optimizer.init(theta) if state is None else state
    return Descent(objective, theta, batches, optimizer, learning_rate, state)

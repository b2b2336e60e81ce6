r"""Training: one loop that everything in the course trains through."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from dlhelpers.checks import check_array, check_integer, check_number, inside, shown
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import Optimizer
from dlhelpers.typing import BoolArray, FloatArray

LearningRate = float | FloatArray | Callable[[int], float | FloatArray]
"""A number; (K, 1) numbers, one for each network of a population; or a function of the step."""


Projection = Callable[[FloatArray], FloatArray]
"""From theta to the nearest allowed theta, for instance `partial(regularization.max_norm, ...)`."""


class Objective(Protocol):
    """What can be trained: a `Network`, one with a penalty, or a surface."""

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
    statistics : (..., S) float array or None
        Running statistics of batch normalization, from the batches before this one.
    diverged : (...) bool array
        True for a network whose gradient is no longer finite, or an optimizer's average of its square.
        Its theta stays as it is from here on.
    """

    step: int
    theta: FloatArray
    gradient: FloatArray
    learning_rate: float | FloatArray
    batch: Batch
    state: Any
    statistics: FloatArray | None
    diverged: BoolArray
    objective: Objective = field(repr=False)

    @property
    def epoch(self) -> int:
        """How often the whole training set has been used."""
        return self.batch.epoch

    @cached_property
    def loss(self) -> FloatArray:
        """The cost on this batch, of shape (...).  Computed when first asked for: it costs part of a step."""
        with np.errstate(all="ignore"):
            return self.objective.loss(self.theta, self.batch)

    @property
    def cause(self) -> str:
        """In words, why training ended; empty while it goes on."""
        if not np.all(self.diverged):
            return ""
        finite = np.isfinite(self.gradient).all()
        what = "the square of the gradient" if finite else "the gradient"
        return f"diverged at step {self.step}: {what} is no longer a finite number"


@dataclass
class Descent:
    """A run of training, as an iterator of steps; made by `descend`, which checks its arguments.

    `objective`, `optimizer`, `learning_rate`, `weight_decay` and `projection` may be replaced between
    two steps: the update that follows uses the new value.  An optimizer of another kind starts with a
    fresh state.
    """

    objective: Objective
    theta: FloatArray
    batches: Iterator[Batch]
    optimizer: Optimizer
    learning_rate: LearningRate
    state: Any
    kind: tuple[type[Any], ...]
    """Of the optimizer that the state belongs to, and of what it wraps."""
    statistics: FloatArray | None
    weight_decay: float | FloatArray
    projection: Projection | None
    step: int
    last_step: int | None = None
    """The step after which it ends, if `descend` got a number of steps."""
    _last: Step | None = field(default=None, init=False, repr=False)
    _next_statistics: FloatArray | None = field(default=None, init=False, repr=False)
    _known: tuple[Any, ...] = field(default=(None, None), init=False, repr=False)
    """The objective and the shapes that have passed the objective's door."""
    _known_optimizer: Optimizer | None = field(default=None, init=False, repr=False)

    def take_back(self) -> None:
        """Take the last step back: the next one begins at the same theta, without an update in between."""
        self._last = None

    def __iter__(self) -> "Descent":
        return self

    def __next__(self) -> Step:
        last = self._last
        with np.errstate(all="ignore"):
            if last is not None:
                if np.count_nonzero(last.diverged) == last.diverged.size or last.step == self.last_step:
                    raise StopIteration
                self._update(last)
                self._last = None
            batch = next(self.batches)
            gradient = self._gradient(batch)
            diverged = self._diverged(gradient)
            if last is not None and np.count_nonzero(last.diverged):
                diverged = np.asarray(diverged | last.diverged)
        self._last = Step(
            self.step,
            self.theta,
            gradient,
            self._rate(),
            batch,
            self.state,
            self.statistics,
            diverged,
            self.objective,
        )
        return self._last

    def _rate(self) -> float | FloatArray:
        return self.learning_rate(self.step) if callable(self.learning_rate) else self.learning_rate

    def _gradient(self, batch: Batch) -> FloatArray:
        """Return the gradient; what has the shapes of the last batch need not be checked again."""
        shapes = _shapes(batch)
        known = self.objective is self._known[0] and shapes is not None and shapes == self._known[1]
        if self.statistics is None:
            gradient = inside(self.objective.gradient) if known else self.objective.gradient
            found = gradient(self.theta, batch)
        else:
            both: Any = self.objective.gradient_and_statistics  # type: ignore[attr-defined]
            both = inside(both) if known else both
            found, self._next_statistics = both(self.theta, batch, self.statistics)
        self._known = self.objective, shapes
        return found

    def _diverged(self, gradient: FloatArray) -> BoolArray:
        """Tell which networks have a gradient that is not finite, or that the optimizer cannot average.

        An average of squares that has overflowed, in float32 from 1.8e19 on, would stay infinite: its
        parameter would stand still without a word.
        """
        squares_fit = np.isfinite(np.vecdot(gradient, gradient))
        if squares_fit.all():
            return np.asarray(~squares_fit)
        finite = np.isfinite(gradient).all(axis=-1)
        if (finite & ~squares_fit).any():
            is_known = _kind(self.optimizer) == self.kind
            state = self.state if is_known else self.optimizer.init(self.theta)
            _, state = self.optimizer.update(gradient, state)
            for part in state if isinstance(state, tuple) else (state,):
                if np.shape(part) == gradient.shape:
                    finite = finite & np.isfinite(part).all(axis=-1)
        return np.asarray(~finite)

    def _direction(self, gradient: FloatArray) -> FloatArray:
        """Return the optimizer's direction; the first one is checked."""
        update = self.optimizer.update
        if self.optimizer is self._known_optimizer:
            update = inside(update)
        elif _kind(self.optimizer) != self.kind:
            self.kind, self.state = _kind(self.optimizer), self.optimizer.init(self.theta)
        direction, self.state = update(gradient, self.state)
        self._known_optimizer = self.optimizer
        return direction

    def _update(self, last: Step) -> None:
        if self.statistics is not None:
            self.statistics = self._next_statistics
        direction = self._direction(last.gradient)
        if np.count_nonzero(self.weight_decay):
            weights = self.theta * self.objective.layout.is_weight  # type: ignore[attr-defined]
            direction = direction + _cast(self.weight_decay, self.theta) * weights  # (1)
        theta: FloatArray = self.theta - _cast(self._rate(), self.theta) * direction  # (2)
        if self.projection is not None:
            theta = self.projection(theta)
        some = np.count_nonzero(last.diverged)
        self.theta = np.where(last.diverged[..., None], self.theta, theta) if some else theta
        self.step += 1


def _cast(value: float | FloatArray, theta: FloatArray) -> float | FloatArray:
    """Return a float64 number or array in the dtype of theta, which it would widen."""
    return value if type(value) is float else np.asarray(value, theta.dtype)


def _shapes(batch: Batch) -> tuple[Any, ...] | None:
    """Return all of a batch that the door of a network looks at; None for a batch of another kind."""
    try:
        draws = [(draw.shape, draw.dtype) for draw in batch.draws or ()]
        return batch.X.shape, batch.X.dtype, batch.Y.shape, batch.Y.dtype, draws
    except (AttributeError, TypeError):
        return None


def _kind(optimizer: Any) -> tuple[type[Any], ...]:
    wrapped = _kind(optimizer.optimizer) if hasattr(optimizer, "optimizer") else ()
    return (type(optimizer), *wrapped)


def descend(
    objective: Objective,
    theta: FloatArray,
    batches: Iterator[Batch],
    optimizer: Optimizer,
    learning_rate: LearningRate,
    state: Any = None,
    *,
    statistics: FloatArray | None = None,
    weight_decay: float | FloatArray = 0.0,
    projection: Projection | None = None,
    step: int = 0,
    steps: int | None = None,
) -> Descent:
    r"""Return an iterator over the steps of training.

    .. math::
        \text{direction} &\leftarrow \text{direction} + \delta \, \theta_{\text{weights}} \tag{1} \\
        \theta &\leftarrow \theta - \alpha \cdot \text{direction} \tag{2}

    It yields each step before its update, so that the loss and the gradient belong to the theta beside
    them.  With `steps=n` it makes n updates and ends with a step that has them all, step number n: its
    theta is the one to use.  Without, it does not end by itself, unless `batches` ends or every network
    has diverged: the caller decides when to stop and what to keep, and the theta of the last step that
    was yielded lacks its own update.

    Parameters
    ----------
    objective : Objective
    theta : (P,) float array, or (K, P) for a population
    batches : iterator of Batch
        For instance `minibatches(...)`, or `itertools.repeat(Batch(X, Y))` for the whole set.
    optimizer : Optimizer
    learning_rate : float, (K, 1) float array, or function of the step
        alpha; `schedules` has such functions.
    state : optional
        The optimizer's state, to go on from a `Step` of an earlier run.
    statistics : (S,) or (K, S) float array, optional
        Running statistics of batch normalization to start from, `network.initial_statistics()`.
        Without them none are kept.
    weight_decay : float >= 0, or (K, 1) float array
        delta, decoupled from the gradient; biases do not decay.  Adam with it is AdamW.
    projection : function from theta to theta, optional
        Applied after each update.
    step : int >= 0
        The number of the first step, to go on from a `Step` of an earlier run.
    steps : int >= 0, optional
        How many updates to make.  It takes one batch more, for the loss and the gradient after the last.

    Returns
    -------
    Descent

    Raises
    ------
    ValueError
        If a learning rate or a weight decay is negative, theta has more than two axes, or another argument
        is not as above.

    References
    ----------
    Loshchilov & Hutter (2019), "Decoupled weight decay regularization", for equation 1.

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

    The last of n steps holds what n updates have made:

    >>> batches = repeat(Batch(X, 2 * X))
    >>> *_, last = descend(Network((1, 1)), np.zeros(2), batches, GradientDescent(), 0.5, steps=50)
    >>> last.step, last.theta.round(3)
    (50, array([2., 0.]))
    """
    check_array(
        "theta", theta, "(..., P)", "Use the theta that network.initialize(rng) returns.", finite=True
    )
    if theta.ndim > 2:
        raise ValueError(f"theta must have shape (P,) or (K, P); got {theta.shape}.")
    each = (*theta.shape[:-1], 1)
    if not callable(learning_rate):
        advice = "A step goes against the gradient already; its sign is in equation (2)."
        check_number("learning_rate", learning_rate, "[0, inf)", advice, fits=each)
    check_integer("step", step, "[0, inf)")
    if steps is not None:
        check_integer("steps", steps, "[0, inf)", "Leave it out to go on without end.")
    check_number("weight_decay", weight_decay, "[0, inf)", "0 means none.", fits=each)
    if statistics is not None:
        check_array("statistics", statistics, "(..., S)", "Start with network.initial_statistics().")
    _check_parts(objective, batches, optimizer, projection)
    for name, needed, wanted in (
        ("weight_decay", "layout", np.any(weight_decay)),
        ("statistics", "gradient_and_statistics", statistics is not None),
    ):
        if wanted and not hasattr(objective, needed):
            raise ValueError(
                f"{name} needs an objective with {needed}, such as a Network; got {shown(objective)}."
            )
    state = optimizer.init(theta) if state is None else state
    settings = (statistics, weight_decay, projection, step, None if steps is None else step + steps)
    return Descent(objective, theta, batches, optimizer, learning_rate, state, _kind(optimizer), *settings)


def _check_parts(
    objective: Objective, batches: Iterator[Batch], optimizer: Optimizer, projection: Projection | None
) -> None:
    for name, value, needed, example in (
        ("objective", objective, ("loss", "gradient"), "a Network"),
        ("batches", batches, ("__next__",), "repeat(Batch(X, Y))"),
        ("optimizer", optimizer, ("init", "update"), "Adam()"),
    ):
        if isinstance(value, type) or not all(hasattr(value, method) for method in needed):
            raise ValueError(f"{name} must have {' and '.join(needed)}; got {shown(value)}. Pass {example}.")
    if projection is not None and not callable(projection):
        raise ValueError(f"projection must be a function from theta to theta; got {shown(projection)}.")

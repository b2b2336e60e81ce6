r"""Learning-rate schedules: functions of the step.

A schedule is called with the number of updates made so far and returns the learning rate of the
update that follows: `training.descend(..., learning_rate=Exponential(0.1))`.  The first step is t = 0,
so that :math:`\alpha_0` is the first rate.  To decay by epoch instead of by step, wrap a schedule in
`PerEpoch`.

`rate` and the other real numbers may be (K, 1) arrays, one value for each network of a population.
Schedules are values: equal when their fields are equal, and they can be pickled.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlhelpers.checks import check_broadcast, check_for_each, check_integer, check_number, shown
from dlhelpers.typing import FloatArray, IntArray

Rate = float | FloatArray
"""A number, or (K, 1) numbers, one for each network of a population."""

Schedule = Callable[[int], Rate]
"""From the step to the learning rate."""


@dataclass(frozen=True)
class Constant:
    r"""The same rate at every step.

    .. math:: \alpha = \alpha_0 \tag{1}

    Parameters
    ----------
    rate : float >= 0, or (K, 1) float array

    Raises
    ------
    ValueError
        If `rate` is negative.

    Examples
    --------
    >>> Constant(0.1)(1000)
    0.1
    """

    rate: Rate

    def __post_init__(self) -> None:
        _check_numbers(self, rate="[0, inf)")

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (1)."""
        _check_step(step)
        return self.rate  # (1)


@dataclass(frozen=True)
class InverseTime:
    r"""The rate falls as one over the number of steps.

    .. math:: \alpha = \frac{\alpha_0}{1 + d t} \tag{1}

    Its sum over all steps is infinite and the sum of its squares is finite: with such rates stochastic
    gradient descent converges, where a constant rate leaves it moving about the minimum.

    Parameters
    ----------
    rate : float >= 0, or (K, 1) float array
        alpha at t = 0.
    decay_rate : float in [0, 1e100], or (K, 1) float array
        d, per step: after 1 / d steps the rate is half of what it was at first.

    Raises
    ------
    ValueError
        If a number is outside its range.

    References
    ----------
    Robbins & Monro (1951), "A stochastic approximation method".

    Examples
    --------
    >>> [round(InverseTime(0.2, decay_rate=1.0)(t), 3) for t in range(4)]
    [0.2, 0.1, 0.067, 0.05]
    """

    rate: Rate
    decay_rate: Rate

    def __post_init__(self) -> None:
        _check_numbers(self, rate="[0, inf)", decay_rate="[0, 1e100]")

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (1)."""
        t = _check_step(step)
        return self.rate / (1 + self.decay_rate * t)  # (1)


@dataclass(frozen=True)
class Exponential:
    r"""Each step multiplies the rate by the same number.

    .. math:: \alpha = \alpha_0 b^t \tag{1}

    Parameters
    ----------
    rate : float >= 0, or (K, 1) float array
        alpha at t = 0.
    base : float in (0, 1], or (K, 1) float array
        b.  The usual 0.95 is meant per epoch; see `PerEpoch`.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> [Exponential(0.8, base=0.5)(t) for t in range(4)]
    [0.8, 0.4, 0.2, 0.1]
    """

    rate: Rate
    base: Rate = 0.95

    def __post_init__(self) -> None:
        _check_numbers(self, rate="[0, inf)", base="(0, 1]")

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (1)."""
        t = _check_step(step)
        return self.rate * self.base**t  # (1)


@dataclass(frozen=True)
class InverseSqrt:
    r"""The rate falls as one over the root of the number of steps.

    .. math:: \alpha = \frac{k}{\sqrt{t + 1}} \alpha_0 \tag{1}

    The formula is often written with :math:`\sqrt{t}`, which is no rate at t = 0, where counting
    begins.  Here t + 1 is the number of the step counted from 1.

    Parameters
    ----------
    rate : float >= 0, or (K, 1) float array
    k : float > 0, or (K, 1) float array
        k times `rate` is the first rate.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> [InverseSqrt(0.6)(t) for t in (0, 3, 8)]
    [0.6, 0.3, 0.19999999999999998]
    """

    rate: Rate
    k: Rate = 1.0

    def __post_init__(self) -> None:
        _check_numbers(self, rate="[0, inf)", k="(0, inf)")

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (1)."""
        t = _check_step(step)
        return self.k / math.sqrt(t + 1) * self.rate  # (1)


@dataclass(frozen=True)
class Staircase:
    r"""The rate stays the same for some steps, then falls at once.

    .. math:: \alpha = \alpha_0 f^{\lfloor t / n \rfloor} \tag{1}

    Parameters
    ----------
    rate : float >= 0, or (K, 1) float array
        alpha at t = 0.
    factor : float in (0, 1], or (K, 1) float array
        f, by which each stair multiplies the rate.
    every : int >= 1
        n, the steps of one stair.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> [Staircase(0.8, factor=0.5, every=2)(t) for t in range(5)]
    [0.8, 0.8, 0.4, 0.4, 0.2]
    """

    rate: Rate
    factor: Rate = 0.5
    every: int = 10

    def __post_init__(self) -> None:
        _check_numbers(self, rate="[0, inf)", factor="(0, 1]")
        check_integer("every", self.every, "[1, inf)", "It is the number of steps of one stair.")

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (1)."""
        t = _check_step(step)
        return self.rate * self.factor ** (t // self.every)  # (1)


@dataclass(frozen=True)
class Table:
    r"""Rates set by hand: each holds from its step on, until the next one begins.

    .. math:: \alpha = \text{rates}[s], \qquad s = \max \{s \in \text{rates} : s \le t\} \tag{1}

    Parameters
    ----------
    rates : mapping from int >= 0 to float >= 0, or to (K, 1) float array
        From the step at which it begins to the rate.  One must begin at step 0.

    Raises
    ------
    ValueError
        If there is no rate for step 0, a step is no integer of 0 or more, or a rate is negative.

    Examples
    --------
    >>> [Table({0: 0.1, 10: 0.01})(t) for t in (0, 9, 10, 1000)]
    [0.1, 0.1, 0.01, 0.01]
    """

    rates: Mapping[int, Rate]

    def __post_init__(self) -> None:
        if not isinstance(self.rates, Mapping) or 0 not in self.rates:
            raise ValueError(
                "rates must be a mapping from steps to rates that begins at step 0; "
                f"got {shown(self.rates)}. "
                "For a rate of 0.1, and 0.01 from step 10 on, pass {0: 0.1, 10: 0.01}."
            )
        for start in self.rates:
            check_integer("each step in rates", start, "[0, inf)")
        own = {
            start: _checked_rate(f"rates[{start}]", rate, "[0, inf)") for start, rate in self.rates.items()
        }
        object.__setattr__(self, "rates", own)  # a copy: the caller's may change
        _check_same_population("rates", self.rates.values())

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (1)."""
        t = _check_step(step)
        return self.rates[max(s for s in self.rates if s <= t)]  # (1)


@dataclass(frozen=True)
class Cosine:
    r"""The rate falls along half a wave of the cosine: slowly, then fast, then slowly.

    .. math::
        c &= \frac{1}{2} \left(1 + \cos \frac{\pi t}{T}\right) = \sin^2 \frac{\pi (T - t)}{2 T} \tag{1} \\
        \alpha &= \alpha_\text{lowest} + c (\alpha_0 - \alpha_\text{lowest}) \tag{2}

    From t = T on it stays at the lowest rate; there are no restarts.  The second form of (1) is computed:
    near the end, 1 plus the cosine has few digits left.

    Parameters
    ----------
    rate : float >= 0, or (K, 1) float array
        alpha at t = 0.
    steps : int >= 1
        T, the steps until the lowest rate is reached.
    lowest : float >= 0, or (K, 1) float array
        At most `rate`.

    Raises
    ------
    ValueError
        If a number is outside its range, or `lowest` is above `rate`.

    References
    ----------
    Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", equation 5.

    Examples
    --------
    >>> [round(Cosine(0.8, steps=4)(t), 3) for t in range(6)]
    [0.8, 0.683, 0.4, 0.117, 0.0, 0.0]
    """

    rate: Rate
    steps: int
    lowest: Rate = 0.0

    def __post_init__(self) -> None:
        _check_numbers(self, rate="[0, inf)", lowest="[0, inf)")
        check_integer("steps", self.steps, "[1, 1e18]", "It is the number of steps until the lowest rate.")
        if np.any(self.lowest > self.rate):
            raise ValueError(
                f"lowest must not be above rate; got {shown(self.lowest)} and {shown(self.rate)}. "
                "To raise the rate at first, use WarmUp."
            )

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (2)."""
        t = min(_check_step(step), self.steps)
        c = math.sin(math.pi * (self.steps - t) / (2 * self.steps)) ** 2  # (1)
        return self.lowest + c * (self.rate - self.lowest)  # (2)


@dataclass(frozen=True)
class Linear:
    r"""The rate falls to zero along a line.

    .. math:: \alpha = \alpha_0 \max\left(0, \frac{T - t}{T}\right) \tag{1}

    Parameters
    ----------
    rate : float >= 0, or (K, 1) float array
        alpha at t = 0.
    steps : int >= 1
        T, the steps until the rate is 0.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> [Linear(0.8, steps=4)(t) for t in range(6)]
    [0.8, 0.6000000000000001, 0.4, 0.2, 0.0, 0.0]
    """

    rate: Rate
    steps: int

    def __post_init__(self) -> None:
        _check_numbers(self, rate="[0, inf)")
        check_integer("steps", self.steps, "[1, 1e18]", "It is the number of steps until the rate is 0.")

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (1)."""
        t = _check_step(step)
        return self.rate * (max(0, self.steps - t) / self.steps)  # (1)


@dataclass(frozen=True)
class WarmUp:
    r"""Let the rate of another schedule rise from small values during the first steps.

    .. math:: \alpha = \min\left(1, \frac{t + 1}{n}\right) \alpha_\text{schedule}(t) \tag{1}

    The other schedule counts its steps from 0 as well: it is not shifted, and what it decays during the
    warm-up is lost.  A constant rate rises linearly, from rate / n at t = 0 to rate at t = n - 1.

    Parameters
    ----------
    schedule : function of the step
    steps : int >= 1
        n; with 1 there is no warm-up.

    Raises
    ------
    ValueError
        If `schedule` is not a function or `steps` is below 1.

    References
    ----------
    Goyal et al. (2017), "Accurate, large minibatch SGD: training ImageNet in 1 hour", section 2.2.

    Examples
    --------
    >>> [WarmUp(Constant(0.8), steps=4)(t) for t in range(6)]
    [0.2, 0.4, 0.6000000000000001, 0.8, 0.8, 0.8]
    """

    schedule: Schedule
    steps: int

    def __post_init__(self) -> None:
        _check_schedule(self.schedule)
        check_integer("steps", self.steps, "[1, inf)", "It is the number of steps until the full rate.")

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (1)."""
        t = _check_step(step)
        return min(1, (t + 1) / self.steps) * self.schedule(t)  # (1)


@dataclass(frozen=True)
class PerEpoch:
    r"""Let another schedule count epochs instead of steps.

    .. math:: \alpha = \alpha_\text{schedule}(\lfloor t / n \rfloor) \tag{1}

    Parameters
    ----------
    schedule : function of the epoch
    steps_per_epoch : int >= 1
        n, the mini-batches of one epoch: `math.ceil(m / batch_size)`.

    Raises
    ------
    ValueError
        If `schedule` is not a function or `steps_per_epoch` is below 1.

    Examples
    --------
    >>> [PerEpoch(Exponential(0.8, base=0.5), steps_per_epoch=2)(t) for t in range(5)]
    [0.8, 0.8, 0.4, 0.4, 0.2]
    """

    schedule: Schedule
    steps_per_epoch: int

    def __post_init__(self) -> None:
        _check_schedule(self.schedule)
        advice = "It is the number of mini-batches of one epoch: math.ceil(m / batch_size)."
        check_integer("steps_per_epoch", self.steps_per_epoch, "[1, inf)", advice)

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (1)."""
        t = _check_step(step)
        return self.schedule(t // self.steps_per_epoch)  # (1)


@dataclass(frozen=True)
class Delayed:
    r"""Keep the first rate of another schedule for some steps, then let it begin.

    .. math:: \alpha = \alpha_\text{schedule}(\max(0, t - s)) \tag{1}

    With `Linear` it is "stable, then decay": the decay can be begun at any time, and a run at the constant
    rate can go on from where it branched off.

    Parameters
    ----------
    schedule : function of the step
    start : int >= 0
        s, the step at which the other schedule begins.

    Raises
    ------
    ValueError
        If `schedule` is not a function or `start` is below 0.

    References
    ----------
    Hu et al. (2024), "MiniCPM: unveiling the potential of small language models with scalable training
    strategies", section 4.
    Hägele et al. (2024), "Scaling laws and compute-optimal training beyond fixed training durations".

    Examples
    --------
    >>> [Delayed(Linear(0.8, steps=2), start=3)(t) for t in range(6)]
    [0.8, 0.8, 0.8, 0.8, 0.4, 0.0]
    """

    schedule: Schedule
    start: int

    def __post_init__(self) -> None:
        _check_schedule(self.schedule)
        check_integer("start", self.start, "[0, 1e18]", "It is the step at which the schedule begins.")

    def __call__(self, step: int) -> Rate:
        """Return the rate of equation (1)."""
        t = _check_step(step)
        return self.schedule(max(0, t - self.start))  # (1)


SCHEDULES: Mapping[str, type[Any]] = {
    "constant": Constant,
    "inverse_time": InverseTime,
    "exponential": Exponential,
    "inverse_sqrt": InverseSqrt,
    "staircase": Staircase,
    "table": Table,
    "cosine": Cosine,
    "linear": Linear,
}
"""The schedules by name.  `WarmUp`, `PerEpoch` and `Delayed` are not among them: they change another one."""


def noise_floor(
    rate: Rate, noise: float | FloatArray, batch_size: int | IntArray = 1, curvature: float | FloatArray = 1.0
) -> FloatArray:
    r"""Return the loss above the minimum at which a constant rate ends, on a parabola with noisy gradients.

    On :math:`J = h \theta^2 / 2`, with the mean of B noisy slopes, gradient descent makes the first step
    below.  The variance v of theta settles where a step leaves it as it is, and the mean loss is (1):

    .. math::
        \theta &\leftarrow (1 - \alpha h) \theta - \alpha \sigma \xi / \sqrt{B} \\
        v &= (1 - \alpha h)^2 v + \alpha^2 \sigma^2 / B \\
        J &= \frac{h v}{2} = \frac{\alpha \sigma^2}{2 B (2 - \alpha h)} \tag{1}

    From alpha h = 2 on there is no such place: the loss grows without end, and the answer is infinity.

    Parameters
    ----------
    rate : float >= 0, or array
        alpha.
    noise : float >= 0, or array
        sigma, the standard deviation of one example's slope.
    batch_size : int >= 1, or array
        B.
    curvature : float > 0, or array
        h.

    Returns
    -------
    float or (...) float array

    Raises
    ------
    ValueError
        If a number is outside its range, or the shapes do not broadcast.

    References
    ----------
    Bottou, Curtis & Nocedal (2018), "Optimization methods for large-scale machine learning", section 4.2.

    Examples
    --------
    >>> print(noise_floor(rate=1.0, noise=1.0), noise_floor(rate=0.1, noise=1.0, batch_size=10).round(5))
    0.5 0.00263
    """
    for name, value, interval in (
        ("rate", rate, "[0, inf)"),
        ("noise", noise, "[0, inf)"),
        ("batch_size", batch_size, "[1, inf)"),
        ("curvature", curvature, "(0, inf)"),
    ):
        check_number(name, value, interval)
    check_broadcast(rate=rate, noise=noise, batch_size=batch_size, curvature=curvature)
    with np.errstate(all="ignore"):
        left = 2 - np.multiply(rate, curvature)
        floor = rate * noise / (2 * np.multiply(batch_size, left)) * noise  # (1)
        return np.where(left > 0, floor, np.inf)[()]


def _check_numbers(schedule: Any, **intervals: str) -> None:
    """Check the real numbers of a schedule; arrays among them are for the same population."""
    values = {name: getattr(schedule, name) for name in intervals}
    for name, value in values.items():
        object.__setattr__(schedule, name, _checked_rate(name, value, intervals[name]))
    _check_same_population(" and ".join(values), values.values())


def _checked_rate(name: str, value: Any, interval: str) -> Rate:
    """Return an array as it is and a number as a Python float, with which float32 stays float32."""
    check_for_each(name, value, interval)
    return value if isinstance(value, np.ndarray) else float(value)


def _check_same_population(names: str, values: Any) -> None:
    sizes = {len(value) for value in values if isinstance(value, np.ndarray)}
    if len(sizes) > 1:
        raise ValueError(
            f"{names} must be for populations of the same size; got arrays for {sorted(sizes)} networks."
        )


def _check_step(step: Any) -> int:
    """Return the step as a Python integer."""
    check_integer("step", step, "[0, 1e18]", "The first step is 0.")
    return int(step)


def _check_schedule(schedule: Any) -> None:
    if not callable(schedule) or isinstance(schedule, type):
        raise ValueError(
            f"schedule must be a function from the step to a rate; got {shown(schedule)}. "
            "For instance, pass Constant(0.1)."
        )

r"""Optimizers: from a gradient to the direction of a step.

An optimizer holds hyperparameters and no state.  `init(theta)` returns the state before the first
step; `update(gradient, state)` returns the direction and the next state.  `training.descend` applies

.. math:: \theta \leftarrow \theta - \alpha \cdot \text{direction}

so that every learning-rate schedule works with every optimizer, and a hyperparameter may be replaced
between two steps.  Nothing is changed in place: a run can be forked by keeping its state.

A hyperparameter is a number, or a (K, 1) array with one value for each network of a population.
Directions and states have the dtype of the gradient.  Gradients that are not finite give directions
that are not finite, without a warning.

There is no class for AdamW (Loshchilov & Hutter, 2019, "Decoupled weight decay regularization"):
the decay of its weights does not pass through the optimizer.  It is `Adam` with
`descend(..., weight_decay=...)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from dlhelpers import averages
from dlhelpers.checks import check_array, check_flag, check_for_each, door, inside, knock, shown
from dlhelpers.norms import power_of_two
from dlhelpers.typing import FloatArray

_weight_sum = inside(averages.weight_sum)

Hyperparameter = float | FloatArray
"""A number, or (K, 1) numbers, one for each network of a population."""


class Optimizer(Protocol):
    """What `training.descend` asks of an optimizer."""

    def init(self, theta: FloatArray) -> Any:
        """Return the state before the first step."""

    def update(self, gradient: FloatArray, state: Any) -> tuple[FloatArray, Any]:
        """Return the direction of the step and the next state."""


# Checks ---------------------------------------------------------------------------------------------


def _check_share(name: str, value: Any) -> None:
    advice = "It is the share of the old average that a step keeps; usual values are 0.9 and 0.999."
    check_for_each(name, value, "[0, 1)", advice)


def _check_eps(value: Any) -> None:
    check_for_each("eps", value, "(0, inf)", "It keeps the denominator above 0; 1e-8 is usual.")


def _check_limit(limit: Any) -> None:
    advice = "It is the greatest size that is let through; infinity lets everything through."
    check_for_each("limit", limit, "(0, inf]", advice)


def _check_clipping(gradient: FloatArray, limit: Any) -> None:
    check_array("gradient", gradient, "(..., P)")
    _check_limit(limit)
    _check_population("limit", limit, "gradient", gradient)


def _check_clipped(clipped: "Clipped", gradient: FloatArray, state: Any) -> None:
    _check_clipping(gradient, clipped.limit)
    knock(clipped.optimizer.update, gradient, state)


def _check_population(name: str, value: Any, array_name: str, array: FloatArray) -> None:
    """Raise unless a hyperparameter is a number or has a value for each network of the array."""
    if isinstance(value, np.ndarray) and value.shape != (*array.shape[:-1], 1):
        raise ValueError(
            f"{name} must be a number or hold one value for each network: {array_name} has shape "
            f"{array.shape}; got {name} of shape {value.shape}."
        )


def _check_shapes(optimizer: Any, name: str, array: FloatArray) -> None:
    """Check theta or a gradient, and that the hyperparameters are for as many networks."""
    check_array(name, array, "(..., P)")
    for hyperparameter, value in vars(optimizer).items():
        _check_population(hyperparameter, value, name, array)


def _check_plain(optimizer: "GradientDescent", gradient: FloatArray, state: None) -> None:
    _check_shapes(optimizer, "gradient", gradient)


def _check_update(kind: type[tuple[Any, ...]]) -> Callable[[Any, FloatArray, Any], None]:
    """Return the check of `update` for optimizers with this kind of state."""

    def check(optimizer: Any, gradient: FloatArray, state: Any) -> None:
        _check_shapes(optimizer, "gradient", gradient)
        if not isinstance(state, kind) or np.shape(state[0]) != gradient.shape:
            came = f"arrays of shape {np.shape(state[0])}" if isinstance(state, kind) else shown(state)
            raise ValueError(
                f"gradient and state must belong together: gradient has shape {gradient.shape}, and state "
                f"must be the {kind.__name__} of the step before, of this shape; got {came}. "
                "Before the first step it is init(theta)."
            )

    return check


def _cast(array: FloatArray, gradient: FloatArray) -> FloatArray:
    """Return the array in the gradient's dtype: float64 hyperparameters of a population widen float32."""
    return array.astype(gradient.dtype, copy=False)


# Optimizers -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GradientDescent:
    r"""Plain gradient descent: the direction is the gradient.  It keeps no state.

    Examples
    --------
    >>> optimizer = GradientDescent()
    >>> direction, state = optimizer.update(np.array([3.0, -4.0]), optimizer.init(np.zeros(2)))
    >>> direction
    array([ 3., -4.])
    """

    def init(self, theta: FloatArray) -> None:
        """Return None: there is nothing to remember."""
        _check_shapes(self, "theta", theta)

    @door(_check_plain)
    def update(self, gradient: FloatArray, state: None) -> tuple[FloatArray, None]:
        """Return the gradient itself."""
        return gradient, state


class MomentumState(NamedTuple):
    """The velocity: a moving average of the gradient, or a sum in which old gradients fade."""

    v: FloatArray


@dataclass(frozen=True)
class Momentum:
    r"""Gradient descent with momentum: the direction is a moving average of the gradients.

    .. math::
        v &= \beta v + (1 - \beta) g && \text{averaged} \tag{1} \\
        v &= \beta v + g && \text{otherwise} \tag{2} \\
        \text{direction} &= v \tag{3}

    With (2), as in PyTorch, v is a sum, and :math:`1 / (1 - \beta)` times as large as with (1).  The
    steps are equal when the learning rate of (2) is :math:`(1 - \beta)` times that of (1): at beta =
    0.9, 0.1 with `averaged=True` is 0.01 in PyTorch.  There is no bias correction: with (1) the first
    steps are small.

    Parameters
    ----------
    beta : float in [0, 1), or (K, 1) float array
        The share of the old average that a step keeps; 0 is plain gradient descent.
    averaged : bool
        True for equation (1), False for equation (2).

    Raises
    ------
    ValueError
        If a hyperparameter is outside its range.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".

    Examples
    --------
    Where the gradient changes its sign, the steps become small:

    >>> optimizer = Momentum(beta=0.5, averaged=False)
    >>> first, state = optimizer.update(np.array([1.0, 1.0]), optimizer.init(np.zeros(2)))
    >>> second, state = optimizer.update(np.array([1.0, -1.0]), state)
    >>> second
    array([ 1.5, -0.5])
    """

    beta: Hyperparameter = 0.9
    averaged: bool = True

    def __post_init__(self) -> None:
        _check_share("beta", self.beta)
        check_flag("averaged", self.averaged)

    def init(self, theta: FloatArray) -> MomentumState:
        """Return a velocity of zero."""
        _check_shapes(self, "theta", theta)
        return MomentumState(np.zeros_like(theta))

    @door(_check_update(MomentumState))
    def update(self, gradient: FloatArray, state: MomentumState) -> tuple[FloatArray, MomentumState]:
        """Return the direction of equation (3) and the next velocity."""
        if self.averaged:
            v = self.beta * state.v + (1 - self.beta) * gradient  # (1)
        else:
            v = self.beta * state.v + gradient  # (2)
        direction = _cast(v, gradient)  # (3)
        return direction, MomentumState(direction)


@dataclass(frozen=True)
class Nesterov:
    r"""Nesterov's momentum: the direction looks one step of the velocity ahead.

    .. math::
        v &= \beta v + (1 - \beta) g && \text{averaged} \tag{1} \\
        \text{direction} &= \beta v + (1 - \beta) g && \text{averaged} \tag{2} \\
        v &= \beta v + g && \text{otherwise} \tag{3} \\
        \text{direction} &= g + \beta v && \text{otherwise} \tag{4}

    The direction uses the new v.  Equations (3) and (4) are PyTorch's, with `nesterov=True`; the steps
    are equal when their learning rate is :math:`(1 - \beta)` times that of (1) and (2).  Theta is the
    point that the original method looks ahead to, where it takes the gradient.

    Parameters
    ----------
    beta : float in [0, 1), or (K, 1) float array
        The share of the old average that a step keeps; 0 is plain gradient descent.
    averaged : bool
        True for equations (1) and (2), False for (3) and (4).

    Raises
    ------
    ValueError
        If a hyperparameter is outside its range.

    References
    ----------
    Nesterov (1983), "A method of solving a convex programming problem with convergence rate O(1/k^2)".
    Sutskever, Martens, Dahl & Hinton (2013), "On the importance of initialization and momentum in deep
    learning".

    Examples
    --------
    >>> optimizer = Nesterov(beta=0.5, averaged=False)
    >>> first, state = optimizer.update(np.array([1.0, 1.0]), optimizer.init(np.zeros(2)))
    >>> second, state = optimizer.update(np.array([1.0, -1.0]), state)
    >>> second
    array([ 1.75, -1.25])
    """

    beta: Hyperparameter = 0.9
    averaged: bool = True

    def __post_init__(self) -> None:
        _check_share("beta", self.beta)
        check_flag("averaged", self.averaged)

    def init(self, theta: FloatArray) -> MomentumState:
        """Return a velocity of zero."""
        _check_shapes(self, "theta", theta)
        return MomentumState(np.zeros_like(theta))

    @door(_check_update(MomentumState))
    def update(self, gradient: FloatArray, state: MomentumState) -> tuple[FloatArray, MomentumState]:
        """Return the direction of equation (2) or (4) and the next velocity."""
        if self.averaged:
            v = self.beta * state.v + (1 - self.beta) * gradient  # (1)
            direction = self.beta * v + (1 - self.beta) * gradient  # (2)
        else:
            v = self.beta * state.v + gradient  # (3)
            direction = gradient + self.beta * v  # (4)
        return _cast(direction, gradient), MomentumState(_cast(v, gradient))


class SquaresState(NamedTuple):
    """The sum, or the moving average, of the squared gradients."""

    s: FloatArray


@dataclass(frozen=True)
class AdaGrad:
    r"""AdaGrad: the gradient over the root of the sum of all its squares.

    .. math::
        s &= s + g^2 \tag{1} \\
        \text{direction} &= g / (\sqrt{s} + \epsilon) \tag{2}

    The sum only grows, so the steps only become smaller: that suits sparse gradients, and in long
    training of deep networks they may become too small.

    Parameters
    ----------
    eps : float > 0, or (K, 1) float array
        Added outside the root, with the value of PyTorch.

    Raises
    ------
    ValueError
        If `eps` is not above 0.

    References
    ----------
    Duchi, Hazan & Singer (2011), "Adaptive subgradient methods for online learning and stochastic
    optimization".

    Examples
    --------
    With a constant gradient, step t has the size of the learning rate over the root of t:

    >>> optimizer = AdaGrad()
    >>> first, state = optimizer.update(np.array([3.0, -0.1]), optimizer.init(np.zeros(2)))
    >>> second, state = optimizer.update(np.array([3.0, -0.1]), state)
    >>> first.round(3), second.round(3)
    (array([ 1., -1.]), array([ 0.707, -0.707]))
    """

    eps: Hyperparameter = 1e-10

    def __post_init__(self) -> None:
        _check_eps(self.eps)

    def init(self, theta: FloatArray) -> SquaresState:
        """Return a sum of zero."""
        _check_shapes(self, "theta", theta)
        return SquaresState(np.zeros_like(theta))

    @door(_check_update(SquaresState))
    def update(self, gradient: FloatArray, state: SquaresState) -> tuple[FloatArray, SquaresState]:
        """Return the direction of equation (2) and the next sum."""
        s = state.s + gradient**2  # (1)
        direction = gradient / (np.sqrt(s) + self.eps)  # (2)
        return _cast(direction, gradient), SquaresState(s)


@dataclass(frozen=True)
class RMSprop:
    r"""RMSprop: the gradient over the root of a moving average of its square.

    .. math::
        s &= \beta s + (1 - \beta) g^2 \tag{1} \\
        \text{direction} &= g / (\sqrt{s} + \epsilon) && \text{eps outside the root} \tag{2} \\
        \text{direction} &= g / \sqrt{s + \epsilon} && \text{eps inside the root} \tag{3}

    The square is taken element by element: an element with large gradients gets smaller steps
    relative to them.  There is no bias correction: s begins at 0, and the first step is
    :math:`1 / \sqrt{1 - \beta}` learning rates long.

    Parameters
    ----------
    beta : float in [0, 1), or (K, 1) float array
        The share of the old average that a step keeps.  PyTorch names it alpha and takes 0.99.
    eps : float > 0, or (K, 1) float array
        The denominator is at least eps outside the root, and :math:`\sqrt\epsilon` inside: 1e-8 or 1e-4.
    eps_inside : bool
        False for equation (2), as in PyTorch; True for equation (3), as in TensorFlow 1.

    Raises
    ------
    ValueError
        If a hyperparameter is outside its range.

    References
    ----------
    Tieleman & Hinton (2012), "Neural networks for machine learning", lecture 6e.

    Examples
    --------
    >>> optimizer = RMSprop(beta=0.75)
    >>> direction, _ = optimizer.update(np.array([3.0, -0.1]), optimizer.init(np.zeros(2)))
    >>> direction.round(3)
    array([ 2., -2.])
    """

    beta: Hyperparameter = 0.9
    eps: Hyperparameter = 1e-8
    eps_inside: bool = False

    def __post_init__(self) -> None:
        _check_share("beta", self.beta)
        _check_eps(self.eps)
        check_flag("eps_inside", self.eps_inside)

    def init(self, theta: FloatArray) -> SquaresState:
        """Return an average of zero."""
        _check_shapes(self, "theta", theta)
        return SquaresState(np.zeros_like(theta))

    @door(_check_update(SquaresState))
    def update(self, gradient: FloatArray, state: SquaresState) -> tuple[FloatArray, SquaresState]:
        """Return the direction of equation (2) or (3) and the next average."""
        s = self.beta * state.s + (1 - self.beta) * gradient**2  # (1)
        if self.eps_inside:
            direction = gradient / np.sqrt(s + self.eps)  # (3)
        else:
            direction = gradient / (np.sqrt(s) + self.eps)  # (2)
        return _cast(direction, gradient), SquaresState(_cast(s, gradient))


class AdamState(NamedTuple):
    """Moving averages of the gradient and of its square, and the number of steps so far."""

    v: FloatArray
    s: FloatArray
    t: int


@dataclass(frozen=True)
class Adam:
    r"""Adam: a moving average of the gradient over the root of one of its square.

    .. math::
        v &= \beta_1 v + (1 - \beta_1) g \tag{1} \\
        s &= \beta_2 s + (1 - \beta_2) g^2 \tag{2} \\
        \hat v &= v / (1 - \beta_1^t) \tag{3} \\
        \hat s &= s / (1 - \beta_2^t) \tag{4} \\
        \text{direction} &= \hat v / (\sqrt{\hat s} + \epsilon) && \text{eps outside the root} \tag{5} \\
        \text{direction} &= \hat v / \sqrt{\hat s + \epsilon} && \text{eps inside the root} \tag{6}

    `averages.weight_sum` computes the denominators of (3) and (4): the sums of the weights so far.  With
    `descend(..., weight_decay=...)` it is AdamW.

    Parameters
    ----------
    beta1, beta2 : float in [0, 1), or (K, 1) float array
        How much of the old average each step keeps.
    eps : float > 0, or (K, 1) float array
        The denominator is at least eps outside the root, and :math:`\sqrt\epsilon` inside: 1e-8 or 1e-4.
    eps_inside : bool
        False for equation (5), as in the paper, PyTorch and JAX; True for equation (6).
    bias_correction : bool
        False leaves equations (3) and (4) out: the averages begin at 0 and stay too small at first, s
        for longer than v, so the first steps are long.

    Raises
    ------
    ValueError
        If a hyperparameter is outside its range.

    References
    ----------
    Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1.
    Loshchilov & Hutter (2019), "Decoupled weight decay regularization", algorithm 2, for AdamW.

    Examples
    --------
    The first step has the size of the learning rate in every direction:

    >>> optimizer = Adam()
    >>> direction, _ = optimizer.update(np.array([3.0, -0.001]), optimizer.init(np.zeros(2)))
    >>> direction.round(3)
    array([ 1., -1.])
    """

    beta1: Hyperparameter = 0.9
    beta2: Hyperparameter = 0.999
    eps: Hyperparameter = 1e-8
    eps_inside: bool = False
    bias_correction: bool = True

    def __post_init__(self) -> None:
        _check_share("beta1", self.beta1)
        _check_share("beta2", self.beta2)
        _check_eps(self.eps)
        check_flag("eps_inside", self.eps_inside)
        check_flag("bias_correction", self.bias_correction)

    def init(self, theta: FloatArray) -> AdamState:
        """Return averages of zero."""
        _check_shapes(self, "theta", theta)
        return AdamState(np.zeros_like(theta), np.zeros_like(theta), 0)

    @door(_check_update(AdamState))
    def update(self, gradient: FloatArray, state: AdamState) -> tuple[FloatArray, AdamState]:
        """Return the direction of equation (5) or (6) and the next averages."""
        t = state.t + 1
        v = self.beta1 * state.v + (1 - self.beta1) * gradient  # (1)
        s = self.beta2 * state.s + (1 - self.beta2) * gradient**2  # (2)
        v_hat = v / _weight_sum(self.beta1, t) if self.bias_correction else v  # (3)
        s_hat = s / _weight_sum(self.beta2, t) if self.bias_correction else s  # (4)
        if self.eps_inside:
            direction = v_hat / np.sqrt(s_hat + self.eps)  # (6)
        else:
            direction = v_hat / (np.sqrt(s_hat) + self.eps)  # (5)
        return _cast(direction, gradient), AdamState(_cast(v, gradient), _cast(s, gradient), t)


OPTIMIZERS: Mapping[str, type[Any]] = {
    "gradient_descent": GradientDescent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "adam": Adam,
}
"""The optimizers by name; each can be made without arguments."""


# Gradient clipping ----------------------------------------------------------------------------------


@door(_check_clipping)
def clip_by_norm(gradient: FloatArray, limit: Hyperparameter) -> FloatArray:
    r"""Return the gradient, made shorter if it is longer than the limit; its direction stays.

    .. math::
        \text{norm} &= \lVert g \rVert_2 = a n, \quad n = \lVert g / a \rVert_2 \tag{1} \\
        \text{clipped} &= \frac{g}{\text{norm}} \cdot \text{limit} = \frac{g / a}{n} \cdot \text{limit}
            && \text{if the norm is above the limit, else } g \tag{2}

    With a, a power of two near the largest element, neither the squares nor the norm of very large
    gradients overflow.  PyTorch adds 1e-6 to the norm in (2).

    Parameters
    ----------
    gradient : (P,) float array, or (K, P) for a population
        Each network of a population has its own norm.  A gradient that is not finite comes back as it is.
    limit : float > 0, or (K, 1) float array
        The greatest norm; infinity does not clip.

    Returns
    -------
    float array, in the shape and dtype of `gradient`

    Raises
    ------
    ValueError
        If `limit` is not above 0.

    References
    ----------
    Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks",
    algorithm 1.

    Examples
    --------
    >>> clip_by_norm(np.array([[3.0, 4.0], [0.3, 0.4]]), limit=1.0)
    array([[0.6, 0.8],
           [0.3, 0.4]])
    """
    a = power_of_two(gradient, axis=-1)
    n = np.linalg.norm(gradient / a, axis=-1, keepdims=True)  # (1)
    too_long = (n > limit / a) & np.isfinite(n)
    clipped = np.where(too_long, gradient / a / n * limit, gradient)  # (2)
    return _cast(clipped, gradient)


@door(_check_clipping)
def clip_by_value(gradient: FloatArray, limit: Hyperparameter) -> FloatArray:
    r"""Return the gradient with each element moved into the interval from -limit to limit.

    .. math:: \text{clipped}_i = \min(\max(g_i, -\text{limit}), \text{limit}) \tag{1}

    Elements are clipped one by one, so the direction may change.

    Parameters
    ----------
    gradient : (P,) float array, or (K, P) for a population
    limit : float > 0, or (K, 1) float array

    Returns
    -------
    float array, in the shape and dtype of `gradient`

    Raises
    ------
    ValueError
        If `limit` is not above 0.

    Examples
    --------
    >>> clip_by_value(np.array([3.0, -4.0, 0.5]), limit=1.0)
    array([ 1. , -1. ,  0.5])
    """
    bound = np.asarray(limit, gradient.dtype)
    return np.minimum(np.maximum(gradient, -bound), bound)  # (1)


@dataclass(frozen=True)
class Clipped:
    """An optimizer that sees the gradient clipped by its norm.

    Parameters
    ----------
    optimizer : Optimizer
        It gets `clip_by_norm(gradient, limit)`.  The state is its state.
    limit : float > 0, or (K, 1) float array
        The greatest norm of a gradient; infinity does not clip.

    Raises
    ------
    ValueError
        If `optimizer` is none or `limit` is not above 0.

    Examples
    --------
    >>> optimizer = Clipped(GradientDescent(), limit=1.0)
    >>> direction, _ = optimizer.update(np.array([3.0, 4.0]), optimizer.init(np.zeros(2)))
    >>> direction
    array([0.6, 0.8])
    """

    optimizer: Optimizer
    limit: Hyperparameter = 1.0

    def __post_init__(self) -> None:
        methods = [getattr(self.optimizer, name, None) for name in ("init", "update")]
        if isinstance(self.optimizer, type) or not all(map(callable, methods)):
            raise ValueError(
                f"optimizer must be an optimizer with init and update; got {shown(self.optimizer)}. "
                "For instance, pass Adam()."
            )
        _check_limit(self.limit)

    def init(self, theta: FloatArray) -> Any:
        """Return the state of the optimizer inside."""
        _check_shapes(self, "theta", theta)
        return self.optimizer.init(theta)

    @door(_check_clipped)
    def update(self, gradient: FloatArray, state: Any) -> tuple[FloatArray, Any]:
        """Return what the optimizer inside makes of the clipped gradient."""
        clipped = inside(clip_by_norm)(gradient, self.limit)
        return inside(self.optimizer.update)(clipped, state)

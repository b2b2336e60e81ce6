r"""Optimizers: from a gradient to the direction of a step.

An optimizer holds hyperparameters and no state.  `init(theta)` returns the state before the first
step; `update(gradient, state)` returns the direction and the next state.  `training.descend` applies

.. math:: \theta \leftarrow \theta - \alpha \cdot \text{direction}

so that every learning-rate schedule works with every optimizer, and a hyperparameter may be replaced
between two steps.  Nothing is changed in place: a run can be forked by keeping its state.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from dlhelpers.typing import FloatArray


class Optimizer(Protocol):
    """What `training.descend` asks of an optimizer."""

    def init(self, theta: FloatArray) -> Any:
        """Return the state before the first step."""

    def update(self, gradient: FloatArray, state: Any) -> tuple[FloatArray, Any]:
        """Return the direction of the step and the next state."""


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

    def update(self, gradient: FloatArray, state: None) -> tuple[FloatArray, None]:
        """Return the gradient itself."""
        return gradient, state


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
        \text{direction} &= \hat v / (\sqrt{\hat s} + \epsilon) \tag{5}

    Parameters
    ----------
    beta1, beta2 : float in [0, 1)
        How much of the old average each step keeps.
    eps : float > 0
        Added outside the root, as in the paper, PyTorch and JAX.

    Raises
    ------
    ValueError
        If a hyperparameter is outside its range.

    References
    ----------
    Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1.

    Examples
    --------
    The first step has the size of the learning rate in every direction:

    >>> optimizer = Adam()
    >>> direction, _ = optimizer.update(np.array([3.0, -0.001]), optimizer.init(np.zeros(2)))
    >>> direction.round(3)
    array([ 1., -1.])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be in [0, 1); got {getattr(self, name)!r}. "
                    "It is the share of the old average that a step keeps; usual values are 0.9 and 0.999."
                )
        if not self.eps > 0:
            raise ValueError(f"eps must be above 0; got {self.eps!r}. The usual value is 1e-8.")

    def init(self, theta: FloatArray) -> AdamState:
        """Return averages of zero."""
        return AdamState(np.zeros_like(theta), np.zeros_like(theta), 0)

    def update(self, gradient: FloatArray, state: AdamState) -> tuple[FloatArray, AdamState]:
        """Return the direction of equation (5) and the next averages."""
        t = state.t + 1
        v = self.beta1 * state.v + (1 - self.beta1) * gradient  # (1)
        s = self.beta2 * state.s + (1 - self.beta2) * gradient**2  # (2)
        v_hat = v / (1 - self.beta1**t)  # (3)
        s_hat = s / (1 - self.beta2**t)  # (4)
        direction = v_hat / (np.sqrt(s_hat) + self.eps)  # (5)
        return direction, AdamState(v, s, t)

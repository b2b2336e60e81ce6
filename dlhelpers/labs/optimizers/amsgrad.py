"""AMSGrad, for the case in which Adam goes the wrong way."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dlhelpers.optimizers import Hyperparameter
from dlhelpers.typing import FloatArray


class AMSGradState(NamedTuple):
    """The averages of Adam, and the largest average of squares so far."""

    v: FloatArray
    s: FloatArray
    largest: FloatArray


@dataclass(frozen=True)
class AMSGrad:
    r"""Adam that never forgets a large gradient, without bias correction.

    .. math::
        v &\leftarrow \beta_1 v + (1 - \beta_1) g \tag{1} \\
        s &\leftarrow \beta_2 s + (1 - \beta_2) g^2 \tag{2} \\
        \text{largest} &\leftarrow \max(\text{largest}, s) \tag{3} \\
        \text{direction} &= v / (\sqrt{\text{largest}} + \epsilon) \tag{4}

    Reddi, Kale & Kumar (2018), "On the convergence of Adam and beyond", algorithm 2; epsilon as in PyTorch.
    """

    beta1: Hyperparameter = 0.9
    beta2: Hyperparameter = 0.999
    eps: Hyperparameter = 1e-8

    def init(self, theta: FloatArray) -> AMSGradState:
        """Return averages of zero."""
        return AMSGradState(np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta))

    def update(self, gradient: FloatArray, state: AMSGradState) -> tuple[FloatArray, AMSGradState]:
        """Return the direction of equation (4) and the next state."""
        v = self.beta1 * state.v + (1 - self.beta1) * gradient  # (1)
        s = self.beta2 * state.s + (1 - self.beta2) * gradient**2  # (2)
        largest = np.maximum(state.largest, s)  # (3)
        direction = v / (np.sqrt(largest) + self.eps)  # (4)
        return direction, AMSGradState(v, s, largest)

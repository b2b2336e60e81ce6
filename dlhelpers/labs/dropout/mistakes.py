"""The two classical mistakes with inverted dropout, and the objective of a network that makes them."""

from dataclasses import dataclass

import numpy as np

from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.parameters import Layout
from dlhelpers.typing import FloatArray


def mask_without_division(draw: FloatArray, keep_prob: float) -> FloatArray:
    """Return the mask of somebody who forgot to divide: activations shrink to keep_prob on average.

    Arguments as in `dropout.keep_mask`.
    """
    return np.asarray(draw < keep_prob, dtype=draw.dtype)


def mask_with_drop_and_keep_swapped(draw: FloatArray, keep_prob: float) -> FloatArray:
    """Return the mask of somebody who takes keep_prob for the share that is dropped.

    Arguments as in `dropout.keep_mask`.  The mean of the activations is (1 - keep_prob) / keep_prob times
    what it should be.
    """
    return np.asarray((draw >= keep_prob) / keep_prob, dtype=draw.dtype)


@dataclass(frozen=True)
class Rescaled:
    r"""A network whose masks are `factor` times those of inverted dropout, as an objective to train.

    .. math:: W (c \, A \odot D / p) + b = (c \, W) (A \odot D / p) + b \tag{1}

    So the weights behind each hidden layer are multiplied, and the chain rule multiplies their gradient.

    Parameters
    ----------
    network : Network
    factor : float or (K, 1, 1) float array
        c.
    """

    network: Network
    factor: float | FloatArray

    @property
    def layout(self) -> Layout:
        """Where W1, b1, ... lie inside theta."""
        return self.network.layout

    def effective(self, theta: FloatArray) -> FloatArray:
        """Return the parameters with which `network` computes the same."""
        return theta * self._scale(theta)  # (1)

    def loss(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the cost J, as `Network.loss` does."""
        return self.network.loss(self.effective(theta), batch)

    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the gradient of J with respect to `theta`."""
        return self.network.gradient(self.effective(theta), batch) * self._scale(theta)

    def _scale(self, theta: FloatArray) -> FloatArray:
        scale = np.ones_like(theta)
        for name, view in self.layout.views(scale).items():
            if name.startswith("W") and name != "W1":
                view[...] = self.factor
        return scale

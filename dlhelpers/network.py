r"""A fully connected network: predictions, cost and gradient as functions of theta.

Rows come in and go out: X has shape (m, n_features).  Inside, an example is a column, as in the
notes, and one layer reads Z = W A + b.  The same lines serve one network, theta of shape (P,), and a
population of K networks, theta of shape (K, P): `@` then multiplies K matrices at once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dlhelpers.activations import ACTIVATIONS
from dlhelpers.initialization import initialize
from dlhelpers.losses import LOSSES
from dlhelpers.minibatches import Batch
from dlhelpers.parameters import Layout, dense_layout
from dlhelpers.scratch import scratch
from dlhelpers.typing import FloatArray


@dataclass(frozen=True)
class Network:
    r"""A fully connected network with one activation in all hidden layers.

    .. math::
        Z^{[l]} &= W^{[l]} A^{[l-1]} + b^{[l]} \tag{1} \\
        A^{[l]} &= g(Z^{[l]}), \quad A^{[0]} = X^T \tag{2}

    and backward, from :math:`dZ^{[L]} = \partial J / \partial Z^{[L]}`,

    .. math::
        dW^{[l]} &= dZ^{[l]} A^{[l-1]T} \tag{3} \\
        db^{[l]} &= \textstyle\sum_i dZ^{[l](i)} \tag{4} \\
        dA^{[l-1]} &= W^{[l]T} dZ^{[l]} \tag{5} \\
        dZ^{[l-1]} &= dA^{[l-1]} \odot g'(Z^{[l-1]}) \tag{6}

    The mean over examples, 1/m, is in the gradient of the loss, so it stands in none of these lines.

    Parameters
    ----------
    sizes : tuple of int >= 1
        (n_features, hidden units ..., n_out).
    activation : str
        A key of `activations.ACTIVATIONS`.
    loss : str
        A key of `losses.LOSSES`.

    Raises
    ------
    ValueError
        If a size is below 1, or a name is unknown.

    Examples
    --------
    >>> network = Network((2, 5, 1))
    >>> theta = network.initialize(np.random.default_rng(0))
    >>> network.predict(theta, np.zeros((4, 2))).shape
    (4, 1)
    """

    sizes: tuple[int, ...]
    activation: str = "tanh"
    loss_name: str = "squared_error"

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(
                f"sizes must name the inputs, the hidden layers and the outputs, each 1 or more; "
                f"got {self.sizes!r}. For two inputs, five hidden units and one output pass (2, 5, 1)."
            )
        for name, table in ((self.activation, ACTIVATIONS), (self.loss_name, LOSSES)):
            if name not in table:
                raise ValueError(f"{name!r} is unknown; choose one of {', '.join(table)}.")

    @cached_property
    def layout(self) -> Layout:
        """Where W1, b1, W2, ... lie inside theta."""
        return dense_layout(self.sizes)

    def initialize(self, rng: np.random.Generator, population: int | None = None) -> FloatArray:
        """Return a first theta, (P,) or (K, P); see `initialization.initialize`."""
        return initialize(self.layout, self.activation, rng, population)

    def predict(self, theta: FloatArray, X: FloatArray) -> FloatArray:
        """Return the predictions, (..., m, n_out): values, or probabilities for a cross-entropy."""
        logits = self._forward(theta, X)[-1]
        return LOSSES[self.loss_name].prediction(logits).swapaxes(-1, -2).copy()

    def loss(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the cost J, one number for each network: shape (...)."""
        Y = batch.Y.swapaxes(-1, -2)
        return LOSSES[self.loss_name].cost(self._forward(theta, batch.X)[-1], Y)

    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the gradient of J, in the shape of `theta`."""
        return self.loss_and_gradient(theta, batch, with_loss=False)[1]

    def loss_and_gradient(
        self, theta: FloatArray, batch: Batch, with_loss: bool = True
    ) -> tuple[FloatArray, FloatArray]:
        """Return J and its gradient; without the loss (then NaN) a step takes a third less time."""
        *activations, logits = self._forward(theta, batch.X)
        Y = batch.Y.swapaxes(-1, -2)
        loss = LOSSES[self.loss_name]
        J = loss.cost(logits, Y) if with_loss else np.asarray(np.nan)
        return J, self._backward(theta, activations, loss.gradient(logits, Y))

    def _forward(self, theta: FloatArray, X: FloatArray) -> list[FloatArray]:
        """Return [A0, A1, ..., A_{L-1}, Z_L]; all but A0 live in scratch memory until the next call."""
        g = ACTIVATIONS[self.activation].function
        parameters = self.layout.views(theta)
        A = X.swapaxes(-1, -2)
        activations = [A]
        last = len(self.sizes) - 1
        for layer in range(1, last + 1):
            W, b = parameters[f"W{layer}"], parameters[f"b{layer}"]
            Z = np.matmul(W, A, out=scratch(f"Z{layer}", W, A))
            Z += b  # (1)
            A = g(Z, out=Z) if layer < last else Z  # (2)
            activations.append(A)
        return activations

    def _backward(self, theta: FloatArray, activations: list[FloatArray], dZ: FloatArray) -> FloatArray:
        """Return d theta from dZ of the last layer."""
        g_prime = ACTIVATIONS[self.activation].derivative
        parameters = self.layout.views(theta)
        gradient = np.empty_like(theta)
        d = self.layout.views(gradient)
        for layer in range(len(self.sizes) - 1, 0, -1):
            A_previous = activations[layer - 1]
            d[f"W{layer}"][...] = dZ @ A_previous.swapaxes(-1, -2)  # (3)
            d[f"b{layer}"][...] = dZ.sum(axis=-1, keepdims=True)  # (4)
            if layer > 1:
                W_T = parameters[f"W{layer}"].swapaxes(-1, -2)
                dA = np.matmul(W_T, dZ, out=scratch(f"dA{layer - 1}", W_T, dZ))  # (5)
                slope = g_prime(A_previous, out=scratch(f"g{layer - 1}", W_T, dZ))
                dZ = np.multiply(dA, slope, out=dA)  # (6)
        return gradient

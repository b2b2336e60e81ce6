r"""The first values of the weights."""

import numpy as np

from dlhelpers.parameters import Layout
from dlhelpers.typing import FloatArray

GAIN = {"relu": 2.0}
"""Var(W) = gain / fan_in.  ReLU passes half of the signal, so it needs 2; all others get 1."""


def initialize(
    layout: Layout, activation: str, rng: np.random.Generator, population: int | None = None
) -> FloatArray:
    r"""Return a theta with random weights that keep the size of the signal, and biases of zero.

    .. math:: W^{[l]} \sim N(0, \text{gain} / n^{[l-1]}), \quad b^{[l]} = 0 \tag{1}

    Parameters
    ----------
    layout : Layout
    activation : str
        Of the hidden layers: gain 2 for "relu" (He), 1 for all others (LeCun).
    rng : numpy.random.Generator
    population : int, optional
        K, for a theta of shape (K, P) with K different networks.

    Returns
    -------
    (P,) or (K, P) float64 array

    References
    ----------
    LeCun, Bottou, Orr & Mueller (1998), section 4.6.  He, Zhang, Ren & Sun (2015), equation 10.
    """
    theta = np.zeros((layout.size,) if population is None else (population, layout.size))
    for name, W in layout.views(theta).items():
        if name.startswith("W"):
            fan_in = W.shape[-1]
            W[...] = rng.standard_normal(W.shape) * np.sqrt(GAIN.get(activation, 1.0) / fan_in)  # (1)
    return theta

"""What the labs on the first weights share: ways to begin, the colors of signals, numbers in words."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from dlhelpers.initialization import Initializer, normal
from dlhelpers.labs.words import power_of_ten

FORWARD = "#7A3E9D"
"""Purple, drawn solid: the signal that goes up through the layers."""
BACKWARD = "#A6761D"
"""Ochre, drawn dashed: the gradient that comes down."""

STARTS: Mapping[str, str | Initializer] = {
    "zeros": "zeros",
    "small, σ = 0.01": partial(normal, scale=0.01),
    "large, σ = 1": partial(normal, scale=1.0),
    "LeCun, Var = 1/n": "lecun_normal",
    "Glorot, Var = 2/(n_in + n_out)": "glorot_normal",
    "He, Var = 2/n": "he_normal",
    "orthogonal": "orthogonal",
}
ZEROS, SMALL, LARGE, LECUN, GLOROT, HE, ORTHOGONAL = STARTS
ACTIVATIONS = ("relu", "tanh", "sigmoid")
UNITS, PROBE, MOST_HIDDEN = 32, 256, 12
"""Units in a hidden layer, training examples that are measured, hidden layers."""


def in_a_program(start: str) -> str:
    """Return a start as the programs write it."""
    scales = {SMALL: "partial(normal, scale=0.01)", LARGE: "partial(normal, scale=1.0)"}
    return scales.get(start, repr(STARTS[start]))


def short(start: str) -> str:
    """Return the name of a start without its formula."""
    return start.split(",")[0]


def times(last: float, first: float) -> str:
    """Return a ratio, in powers of ten when it is far from 1."""
    ratio = last / first if first > 0 else 0.0
    if ratio == 0:
        return "0 times"
    return f"{ratio:.2g} times" if 0.01 <= ratio < 100 else f"{power_of_ten(ratio)} times"


def size(value: float) -> str:
    """Return a size with two digits."""
    if value == 0 or 0.01 <= value < 100:
        return f"{value:.2g}"
    return power_of_ten(value) if np.isfinite(value) else "beyond all numbers"

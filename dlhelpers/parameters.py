r"""All parameters of a network as one flat vector theta; `W1`, `b1`, ... are views of it.

One vector makes many things short: a gradient step is one subtraction, a snapshot is one copy, and
a numerical gradient is one loop.  A leading axis is a population: theta of shape (K, P) holds the
parameters of K networks, and the view of `W1` then has shape (K, n_out, n_in).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from dlhelpers.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class Layout:
    """Where each named array lies inside theta.

    Parameters
    ----------
    shapes : mapping from name to shape
        In the order in which the arrays follow each other in theta.

    Examples
    --------
    >>> layout = Layout({"W1": (2, 3), "b1": (2, 1)})
    >>> layout.size
    8
    >>> layout.views(np.arange(8.0))["b1"]
    array([[6.],
           [7.]])
    """

    shapes: Mapping[str, tuple[int, ...]]

    @cached_property
    def slices(self) -> dict[str, slice]:
        """The part of theta that belongs to each name."""
        slices, start = {}, 0
        for name, shape in self.shapes.items():
            slices[name] = slice(start, start + prod(shape))
            start += prod(shape)
        return slices

    @property
    def size(self) -> int:
        """P, the number of parameters."""
        return sum(prod(shape) for shape in self.shapes.values())

    @cached_property
    def is_weight(self) -> BoolArray:
        """(P,) bool array: True for the entries of the weight matrices W, False for all others."""
        mask = np.zeros(self.size, dtype=bool)
        for name, part in self.slices.items():
            mask[part] = name.startswith("W")
        return mask

    def views(self, theta: FloatArray) -> dict[str, FloatArray]:
        """Return each named array as a view: writing into it writes into theta.

        Parameters
        ----------
        theta : (..., P) float array

        Returns
        -------
        dict from name to (..., *shape) float array

        Raises
        ------
        ValueError
            If the last axis of `theta` does not have P entries.
        """
        if theta.shape[-1] != self.size:
            raise ValueError(
                f"theta must have {self.size} entries on its last axis, one for each parameter; "
                f"got shape {theta.shape}. Use the theta that network.initialize(rng) returns."
            )
        lead = theta.shape[:-1]
        return {
            name: theta[..., part].reshape(lead + tuple(self.shapes[name]))
            for name, part in self.slices.items()
        }


def dense_layout(sizes: tuple[int, ...]) -> Layout:
    """Return the layout of a fully connected network with these layer sizes.

    Parameters
    ----------
    sizes : tuple of int
        (n_0, n_1, ..., n_L): inputs, hidden layers, outputs.

    Returns
    -------
    Layout
        W_l of shape (n_l, n_{l-1}) and b_l of shape (n_l, 1), for l = 1 .. L.

    Examples
    --------
    >>> dict(dense_layout((2, 5, 1)).shapes)
    {'W1': (5, 2), 'b1': (5, 1), 'W2': (1, 5), 'b2': (1, 1)}
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True), start=1):
        shapes[f"W{layer}"] = (n_out, n_in)
        shapes[f"b{layer}"] = (n_out, 1)
    return Layout(shapes)

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

from dlhelpers.checks import check_array, check_flag, check_integer, shown
from dlhelpers.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class Layout:
    """Where each named array lies inside theta.

    Parameters
    ----------
    shapes : mapping from name to shape
        In the order in which the arrays follow each other in theta.

    Raises
    ------
    ValueError
        If `shapes` is something else.

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

    def __post_init__(self) -> None:
        right = isinstance(self.shapes, Mapping) and all(
            isinstance(name, str) and isinstance(shape, tuple) and all(map(_is_size, shape))
            for name, shape in self.shapes.items()
        )
        if not right:
            raise ValueError(
                "shapes must map names to tuples of lengths, each 1 or more; "
                f"got {shown(self.shapes)}. An example is {{'W1': (5, 2), 'b1': (5, 1)}}."
            )

    @cached_property
    def slices(self) -> dict[str, slice]:
        """The part of theta that belongs to each name."""
        slices, start = {}, 0
        for name, shape in self.shapes.items():
            slices[name] = slice(start, start + prod(shape))
            start += prod(shape)
        return slices

    @cached_property
    def size(self) -> int:
        """P, the number of parameters."""
        return sum(prod(shape) for shape in self.shapes.values())

    @cached_property
    def is_weight(self) -> BoolArray:
        """(P,) bool array: True for the entries of the weight matrices W, False for all others."""
        mask = np.empty(self.size, dtype=bool)
        for name, part in self.slices.items():
            mask[part] = name.startswith("W")
        return mask

    def name_of(self, index: int) -> str:
        """Return the name of one entry of theta, with its place in its matrix.

        Parameters
        ----------
        index : int, 0 <= index < P

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If there is no such entry.

        Examples
        --------
        >>> Layout({"W1": (2, 3), "b1": (2, 1)}).name_of(5)
        'W1[1, 2]'
        """
        check_integer("index", index, f"[0, {self.size})")
        name, part = next((name, part) for name, part in self.slices.items() if index < part.stop)
        place = np.unravel_index(index - part.start, self.shapes[name])
        return f"{name}[{', '.join(str(i) for i in place)}]"

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
            If `theta` is no float array whose last axis has P entries.
        """
        check_array("theta", theta, "(..., P)", "Use the theta that network.initialize(rng) returns.")
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


def dense_layout(sizes: tuple[int, ...], batch_norm: bool = False) -> Layout:
    """Return the layout of a fully connected network with these layer sizes.

    Parameters
    ----------
    sizes : tuple of int
        (n_0, n_1, ..., n_L): inputs, hidden layers, outputs.
    batch_norm : bool
        True gives each hidden layer gamma and beta instead of b, which the mean would cancel.

    Returns
    -------
    Layout
        W_l of shape (n_l, n_{l-1}) and b_l of shape (n_l, 1), for l = 1 .. L.

    Raises
    ------
    ValueError
        If `sizes` is no tuple of two or more integers, each 1 or more.

    Examples
    --------
    >>> dict(dense_layout((2, 5, 1)).shapes)
    {'W1': (5, 2), 'b1': (5, 1), 'W2': (1, 5), 'b2': (1, 1)}
    >>> list(dense_layout((2, 5, 1), batch_norm=True).shapes)
    ['W1', 'gamma1', 'beta1', 'W2', 'b2']
    """
    check_sizes(sizes)
    check_flag("batch_norm", batch_norm)
    shapes: dict[str, tuple[int, ...]] = {}
    last = len(sizes) - 1
    for layer, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True), start=1):
        shapes[f"W{layer}"] = (n_out, n_in)
        for name in ("gamma", "beta") if batch_norm and layer < last else ("b",):
            shapes[f"{name}{layer}"] = (n_out, 1)
    return Layout(shapes)


def statistics_layout(sizes: tuple[int, ...]) -> Layout:
    """Return the layout of the running statistics of batch normalization.

    Parameters
    ----------
    sizes : tuple of int
        As in `dense_layout`.

    Returns
    -------
    Layout
        mean_l and variance_l of shape (n_l, 1), for each hidden layer l.

    Raises
    ------
    ValueError
        As `dense_layout`.

    Examples
    --------
    >>> dict(statistics_layout((2, 5, 1)).shapes)
    {'mean1': (5, 1), 'variance1': (5, 1)}
    """
    check_sizes(sizes)
    return Layout(
        {
            f"{name}{layer}": (n, 1)
            for layer, n in enumerate(sizes[1:-1], start=1)
            for name in ("mean", "variance")
        }
    )


def check_sizes(sizes: tuple[int, ...]) -> None:
    """Raise ValueError unless `sizes` is a tuple of two or more integers, each 1 or more."""
    if not isinstance(sizes, tuple) or len(sizes) < 2 or not all(map(_is_size, sizes)):
        raise ValueError(
            "sizes must be a tuple that names the inputs, the hidden layers and the outputs, each 1 or more; "
            f"got {shown(sizes)}. For two inputs, five hidden units and one output pass (2, 5, 1)."
        )


def _is_size(n: object) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool) and bool(n >= 1)

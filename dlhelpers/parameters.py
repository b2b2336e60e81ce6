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

from dlhelpers.checks import check_array, check_flag, check_integer, door, shown
from dlhelpers.typing import BoolArray, FloatArray


def _check_theta(layout: "Layout", theta: FloatArray) -> None:
    check_array("theta", theta, "(..., P)", "Use the theta that network.initialize(rng) returns.")
    if theta.shape[-1] != layout.size:
        raise ValueError(
            f"theta must have {layout.size} entries on its last axis, one for each parameter; "
            f"got shape {theta.shape}. Use the theta that network.initialize(rng) returns."
        )


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

    @door(_check_theta)
    def views(self, theta: FloatArray) -> dict[str, FloatArray]:
        """Return each named array as a view: writing into it writes into theta.  `flatten` is the inverse.

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
        lead = theta.shape[:-1]
        return {name: theta[..., part].reshape(lead + shape) for name, part, shape in self._places}

    @cached_property
    def _places(self) -> list[tuple[str, slice, tuple[int, ...]]]:
        return [(name, part, tuple(self.shapes[name])) for name, part in self.slices.items()]

    def flatten(self, arrays: Mapping[str, FloatArray]) -> FloatArray:
        """Return the theta that these arrays make, a new array: the inverse of `views`.

        Parameters
        ----------
        arrays : mapping from name to (..., *shape) float array
            One for each name of the layout, in any order; K matrices each for a population.

        Returns
        -------
        (..., P) float array

        Raises
        ------
        ValueError
            If a name is missing or not of the layout, or a shape does not fit.

        Examples
        --------
        >>> layout = Layout({"W1": (1, 2), "b1": (1, 1)})
        >>> layout.flatten({"b1": np.array([[3.0]]), "W1": np.array([[1.0, 2.0]])})
        array([1., 2., 3.])
        """
        if not isinstance(arrays, Mapping) or set(arrays) != set(self.shapes):
            came = list(arrays) if isinstance(arrays, Mapping) else arrays
            raise ValueError(
                f"arrays must map the names {', '.join(self.shapes)} to arrays; got {shown(came)}. "
                "views(theta) makes such a mapping."
            )
        for name, shape in self.shapes.items():
            lengths = f"(..., {', '.join(map(str, shape))})" if shape else "(...)"
            check_array(f"arrays[{name!r}]", arrays[name], lengths)
        leads = {arrays[name].shape[: arrays[name].ndim - len(shape)] for name, shape in self.shapes.items()}
        if len(leads) > 1:
            raise ValueError(
                "arrays must all be for one network, or for the same number K; got first axes "
                f"{sorted(leads)} before the shapes of the layout."
            )
        parts = [arrays[name].reshape(*lead, -1) for lead in leads for name in self.shapes]
        return np.concatenate(parts, axis=-1) if parts else np.empty(0)


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

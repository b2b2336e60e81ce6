r"""Dropout: switch units off at random while training.

Random numbers are data here.  They are drawn once and travel in the batch; a unit is kept where its
number is below `keep_prob`.  So a gradient can be checked with dropout on, a run can be replayed, and
when `keep_prob` moves, the same numbers decide again.
"""

from collections.abc import Iterator

import numpy as np

from dlhelpers.checks import check_array, check_integer, check_number, check_rng
from dlhelpers.minibatches import Batch
from dlhelpers.parameters import check_sizes
from dlhelpers.typing import FloatArray


def keep_mask(draw: FloatArray, keep_prob: float | FloatArray) -> FloatArray:
    r"""Return the factor of each unit: 0 where it is dropped, 1 / keep_prob where it is kept.

    .. math::
        D &= [U < p], \quad U \sim \text{uniform on } [0, 1) \tag{1} \\
        \text{factor} &= D / p \tag{2}

    Multiplying by it is inverted dropout: the division keeps the expected value of an activation, so
    that at test time nothing needs to be done.

    Parameters
    ----------
    draw : (..., n_units, m) float array
        U, one number for each unit *and* each example.
    keep_prob : float in (0, 1]
        p, the share of units that is kept; (K, 1, 1) for a population with shares of its own.

    Returns
    -------
    (..., n_units, m) float array

    Raises
    ------
    ValueError
        If `keep_prob` is outside of (0, 1].

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), "Dropout: a simple way to prevent
    neural networks from overfitting".

    Examples
    --------
    >>> keep_mask(np.array([[0.1, 0.7], [0.9, 0.2]]), keep_prob=0.5)
    array([[2., 0.],
           [0., 2.]])
    """
    check_array("draw", draw, "(..., n_units, m)")
    check_keep_prob(keep_prob)
    D = draw < keep_prob  # (1)
    return np.asarray(D / keep_prob, dtype=draw.dtype)  # (2)


def check_keep_prob(keep_prob: float | FloatArray) -> None:
    """Raise ValueError unless `keep_prob` is a number in (0, 1], or a (K, 1, 1) array of them."""
    check_number(
        "keep_prob", keep_prob, "(0, 1]", "It is the fraction kept: for a drop rate of 0.2, pass 0.8."
    )
    if isinstance(keep_prob, np.ndarray):
        check_array("keep_prob", keep_prob, "(K, 1, 1)", "Pass one share for each network of a population.")


def draw_uniform(
    sizes: tuple[int, ...], m: int, rng: np.random.Generator, population: int | None = None
) -> tuple[FloatArray, ...]:
    """Return the random numbers of one batch, one array for each hidden layer.

    Parameters
    ----------
    sizes : tuple of int >= 1
        (n_features, hidden units ..., n_out), as of the network.
    m : int >= 1
        Examples in the batch.
    rng : numpy.random.Generator
    population : int, optional
        K, for numbers of its own for each network.  Without it all networks of a population share
        theirs, so that they differ in nothing else.

    Returns
    -------
    tuple of (n_units, m) or (K, n_units, m) float64 arrays

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> [draw.shape for draw in draw_uniform((2, 5, 4, 1), 10, np.random.default_rng(0))]
    [(5, 10), (4, 10)]
    """
    check_integer("m", m, "[1, inf)", "It is the number of examples in the batch.")
    _check_drawing(sizes, rng, population)
    lead = () if population is None else (population,)
    return tuple(rng.random((*lead, n_units, m)) for n_units in sizes[1:-1])


def with_draws(
    batches: Iterator[Batch],
    sizes: tuple[int, ...],
    rng: np.random.Generator,
    population: int | None = None,
) -> Iterator[Batch]:
    """Yield the batches with fresh random numbers for dropout in each.

    Parameters
    ----------
    batches : iterator of Batch
    sizes, rng, population
        As in `draw_uniform`.

    Yields
    ------
    Batch

    Raises
    ------
    ValueError
        If an argument is not as in `draw_uniform`.

    Examples
    --------
    >>> from itertools import repeat
    >>> batches = repeat(Batch(np.zeros((10, 2)), np.zeros((10, 1))))
    >>> next(with_draws(batches, (2, 5, 1), np.random.default_rng(0))).draws[0].shape
    (5, 10)
    """
    _check_drawing(sizes, rng, population)
    if not isinstance(batches, Iterator):
        raise ValueError(f"batches must be an iterator of Batch; got {batches!r}. Pass repeat(batch).")
    return (
        batch._replace(draws=draw_uniform(sizes, batch.X.shape[-2], rng, population)) for batch in batches
    )


def _check_drawing(sizes: tuple[int, ...], rng: np.random.Generator, population: int | None) -> None:
    check_sizes(sizes)
    check_rng(rng)
    if population is not None:
        check_integer("population", population, "[1, inf)", "It is the number of networks.")

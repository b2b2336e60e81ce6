r"""Dropout: switch units off at random while training.

Random numbers are data here.  They are drawn once and travel in the batch; a unit is kept where its
number is below `keep_prob`.  So a gradient can be checked with dropout on, a run can be replayed, and
when `keep_prob` moves, the same numbers decide again.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlhelpers.activations import sigmoid
from dlhelpers.checks import check_array, check_integer, check_number, check_rng, door, shown
from dlhelpers.minibatches import Batch
from dlhelpers.parameters import check_sizes
from dlhelpers.typing import FloatArray


def check_keep_prob(keep_prob: float | FloatArray) -> None:
    """Raise ValueError unless `keep_prob` is a number in (0, 1], or a (K, 1, 1) array of them."""
    check_number(
        "keep_prob", keep_prob, "(0, 1]", "It is the fraction kept: for a drop rate of 0.2, pass 0.8."
    )
    if isinstance(keep_prob, np.ndarray):
        check_array("keep_prob", keep_prob, "(K, 1, 1)", "Pass one share for each network of a population.")


def _check_mask(draw: FloatArray, keep_prob: float | FloatArray, dtype: np.dtype[Any] | None = None) -> None:
    check_array("draw", draw, "(..., n_units, m)")
    check_keep_prob(keep_prob)
    if dtype is not None and (not isinstance(dtype, np.dtype) or dtype.char not in "fd"):
        raise ValueError(f"dtype must be that of float32 or float64; got {shown(dtype)}. Pass A.dtype.")


@door(_check_mask)
def keep_mask(
    draw: FloatArray, keep_prob: float | FloatArray, dtype: np.dtype[Any] | None = None
) -> FloatArray:
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
    dtype : numpy.dtype, optional
        Of the result; without it, that of `draw`.

    Returns
    -------
    (..., n_units, m) float array

    Raises
    ------
    ValueError
        If `keep_prob` is outside of (0, 1], or another argument is not as above.

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
    dtype = draw.dtype if dtype is None else dtype
    D = np.asarray(draw < keep_prob, dtype)  # (1)
    return D / np.asarray(keep_prob, dtype)  # (2)


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
        raise ValueError(f"batches must be an iterator of Batch; got {shown(batches)}. Pass repeat(batch).")
    return (
        batch._replace(draws=draw_uniform(sizes, batch.X.shape[-2], rng, population)) for batch in batches
    )


def _check_drawing(sizes: tuple[int, ...], rng: np.random.Generator, population: int | None) -> None:
    check_sizes(sizes)
    check_rng(rng)
    if population is not None:
        check_integer("population", population, "[1, inf)", "It is the number of networks.")


# All subnetworks at once ----------------------------------------------------------------------------


def all_masks(n_units: int) -> FloatArray:
    """Return every way to keep or drop some units, one in each row: 1 keeps a unit, 0 drops it.

    Parameters
    ----------
    n_units : int in [1, 16]

    Returns
    -------
    (2**n_units, n_units) float64 array
        The first row drops all units, the last one keeps all.

    Raises
    ------
    ValueError
        If `n_units` is not as above.

    Examples
    --------
    >>> all_masks(2)
    array([[0., 0.],
           [1., 0.],
           [0., 1.],
           [1., 1.]])
    """
    check_integer("n_units", n_units, "[1, 16]", "16 units have 65,536 masks already.")
    digits = np.arange(2**n_units)[:, np.newaxis] >> np.arange(n_units)
    return np.asarray(digits & 1, dtype=np.float64)


def draws_for_masks(masks: FloatArray, sizes: tuple[int, ...], m: int) -> tuple[FloatArray, ...]:
    """Return random numbers, as of `draw_uniform`, that give these masks whatever keep_prob is.

    A unit is kept where its number is below keep_prob.  So 0 keeps it always, and 1 never does.

    Parameters
    ----------
    masks : (K, n_units) float array of 0 and 1
        One column for each hidden unit, layer after layer; network k of the population gets row k.
    sizes : tuple of int >= 1
        (n_features, hidden units ..., n_out).
    m : int >= 1
        Examples in the batch; all of them get the same mask.

    Returns
    -------
    tuple of (K, n_l, m) float arrays, one for each hidden layer

    Raises
    ------
    ValueError
        If an argument is not as above, or `masks` has not one column for each hidden unit.

    Examples
    --------
    >>> [draw.shape for draw in draws_for_masks(all_masks(5), (2, 3, 2, 1), 10)]
    [(32, 3, 10), (32, 2, 10)]
    """
    _check_masks(masks)
    check_sizes(sizes)
    check_integer("m", m, "[1, inf)", "It is the number of examples in the batch.")
    if masks.shape[1] != sum(sizes[1:-1]):
        raise ValueError(
            f"masks must have one column for each of the {sum(sizes[1:-1])} hidden units; got shape "
            f"{masks.shape}. A row is one mask."
        )
    draws = np.repeat(1 - masks[:, :, np.newaxis], m, axis=2)
    return tuple(np.split(draws, np.cumsum(sizes[1:-2]), axis=1)) if len(sizes) > 2 else ()


def mask_weights(masks: FloatArray, keep_prob: float) -> FloatArray:
    r"""Return the probability of each mask.

    .. math:: P(D) = p^{\text{kept}} \, (1 - p)^{\text{dropped}} \tag{1}

    Parameters
    ----------
    masks : (K, n_units) float array of 0 and 1
    keep_prob : float in (0, 1]
        p.

    Returns
    -------
    (K,) float array
        Over `all_masks` they add up to 1.

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> mask_weights(all_masks(2), keep_prob=0.8).round(2)
    array([0.04, 0.16, 0.16, 0.64])
    """
    _check_masks(masks)
    check_number("keep_prob", keep_prob, "(0, 1]", "It is the fraction kept.", fits=())
    kept = masks.sum(axis=1)
    dropped = masks.shape[1] - kept
    return np.asarray(keep_prob**kept * (1 - keep_prob) ** dropped)  # (1)


@np.errstate(over="ignore")
def normalized_geometric_mean(logits: FloatArray, weights: FloatArray) -> FloatArray:
    r"""Return the geometric mean of K predicted probabilities, scaled so that both classes add up to 1.

    With :math:`\hat y_k = \sigma(z_k)`:

    .. math::
        \log G &= \sum_k w_k \log \hat y_k \tag{1} \\
        \log G' &= \sum_k w_k \log (1 - \hat y_k) \tag{2} \\
        \tilde y &= \frac{G}{G + G'} = \sigma(\log G - \log G') \tag{3}

    Both logarithms are computed from the logits, log sigmoid(z) = -log(1 + exp(-z)), so that nothing
    overflows.

    Parameters
    ----------
    logits : (K, ...) float array
        z, of each network.
    weights : (K,) float array
        w >= 0, with the sum 1.

    Returns
    -------
    (...) float array

    Raises
    ------
    ValueError
        If the weights do not add up to 1, one is negative, or their number is not that of the networks.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 7.12.

    Examples
    --------
    >>> float(normalized_geometric_mean(np.array([-1.0, 3.0]), np.array([0.5, 0.5])).round(3))
    0.731
    """
    check_array("logits", logits, "(K, ...)", "The first axis is the networks.", finite=True)
    check_array("weights", weights, "(K,)", "Make them with mask_weights.", finite=True)
    if len(weights) != len(logits) or weights.min() < 0 or abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"weights must be one number >= 0 for each of the {len(logits)} networks, with the sum 1; got "
            f"{len(weights)} numbers. Make them with mask_weights."
        )
    log_G = np.tensordot(weights, -np.logaddexp(0, -logits), axes=1)  # (1)
    log_G_other = np.tensordot(weights, -np.logaddexp(0, logits), axes=1)  # (2)
    return sigmoid(np.asarray(log_G - log_G_other))  # (3)


# What dropout does to weights -----------------------------------------------------------------------


@np.errstate(over="ignore")
def adaptive_l2(w: FloatArray, X: FloatArray, keep_prob: float) -> float:
    r"""Return what dropout of the inputs adds, on average, to the cost of linear regression.

    .. math:: R = \frac{1}{2m} \, \frac{1 - p}{p} \sum_j w_j^2 \sum_i \left(x_j^{(i)}\right)^2 \tag{1}

    It is an L2 penalty whose strength adapts to each feature: a weight costs more where its feature is
    large.  Weight and feature are multiplied before they are squared: either square alone may overflow.

    Parameters
    ----------
    w : (n_features,) float array
    X : (m, n_features) float array
    keep_prob : float in (0, 1]
        p.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is not as above.

    References
    ----------
    Srivastava et al. (2014), section 9.1.  Wager, Wang & Liang (2013), "Dropout training as adaptive
    regularization".

    Examples
    --------
    >>> adaptive_l2(np.array([3.0, 1.0]), np.array([[1.0, 2.0], [1.0, 4.0]]), keep_prob=0.5)
    9.5
    """
    check_array("w", w, "(n_features,)", "One weight for each feature.", finite=True)
    check_array("X", X, "(m, n_features)", "Examples are rows.", finite=True)
    check_number("keep_prob", keep_prob, "(0, 1]", "It is the fraction kept.", fits=())
    if X.shape[1] != len(w) or len(X) == 0:
        raise ValueError(
            f"X must have {len(w)} columns, one for each weight in w, and 1 or more rows; got {X.shape}."
        )
    strength = (1 - keep_prob) / keep_prob / (2 * len(X))
    return float((strength * (w * X) * (w * X)).sum())  # (1)


def participation_ratio(values: FloatArray) -> FloatArray:
    r"""Return how many of the numbers share their sum of squares.

    .. math:: N = \frac{\left(\sum_i v_i^2\right)^2}{\sum_i v_i^4} \tag{1}

    It is 1 if a single number differs from 0, and n if all n have the same size.

    Parameters
    ----------
    values : (..., n) float array

    Returns
    -------
    (...) float array
        0 where all numbers are 0.

    Raises
    ------
    ValueError
        If `values` is no such array, is empty or holds a number that is not finite.

    Examples
    --------
    >>> participation_ratio(np.array([[3.0, 0.0, 0.0, 0.0], [1.0, -1.0, 1.0, 1.0]]))
    array([1., 4.])
    """
    check_array("values", values, "(..., n)", "Flatten a matrix first.", finite=True)
    if values.size == 0:
        raise ValueError(f"values must hold one number or more; got shape {values.shape}.")
    largest = np.abs(values).max(axis=-1, keepdims=True)
    v2 = np.square(values / np.where(largest == 0, 1, largest))  # the ratio does not see a scale
    shares = np.square(v2).sum(axis=-1)  # 1 or more, or 0 if all numbers are 0
    return np.asarray(v2.sum(axis=-1) ** 2 / np.maximum(shares, 1))  # (1)


def _check_masks(masks: FloatArray) -> None:
    check_array("masks", masks, "(K, n_units)", "Make them with all_masks.")
    if not np.isin(masks, (0, 1)).all():
        raise ValueError("masks must hold 0 and 1 only; got other numbers. 1 keeps a unit, 0 drops it.")

"""Mini-batches: shuffle the training set, cut it into pieces, begin again."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlhelpers.checks import check_array, check_integer, check_integers, check_rng
from dlhelpers.typing import FloatArray


class Batch(NamedTuple):
    """Examples that one gradient is computed on.

    X has shape (m, n_features) and Y (m, n_out); rows are examples.  For a population that does not
    share its data, X has shape (K, m, n_features) and Y (K, m, n_out).  `draws` are the random numbers
    of dropout, (n_units, m) for each hidden layer; see `dropout.with_draws`.
    """

    X: FloatArray
    Y: FloatArray
    epoch: int = 0
    draws: tuple[FloatArray, ...] | None = None


def minibatches(
    X: NDArray[Any], Y: NDArray[Any], batch_size: int, rng: np.random.Generator, epochs: int | None = None
) -> Iterator[Batch]:
    """Yield mini-batches; each epoch visits every example once, in a new order.

    Parameters
    ----------
    X : (m, n_features) float array
    Y : (m, n_out) float array
    batch_size : int >= 1
        The last batch of an epoch is smaller when `batch_size` does not divide m; a rest of one example
        joins the batch before it, because batch normalization needs two.  With 1 each batch is one
        example.  A `batch_size` of m or more gives the whole set as it stands, unshuffled: batch
        gradient descent.
    rng : numpy.random.Generator
    epochs : int, optional
        How many times to go through the set; without it the iterator does not end.

    Yields
    ------
    Batch

    Raises
    ------
    ValueError
        If an argument is not as described, X and Y differ in length or are empty, or one holds NaN or
        infinity; at the call, not at the first batch.

    Examples
    --------
    >>> X = np.arange(5.0)[:, None]
    >>> [len(batch.X) for batch in minibatches(X, X, 2, np.random.default_rng(0), epochs=1)]
    [2, 3]
    """
    check_array("X", X, "(m, ...)", "Examples are rows.", kind="number", finite=True)
    check_array("Y", Y, "(m, ...)", "Examples are rows.", kind="number", finite=True)
    check_integer("batch_size", batch_size, "[1, inf)", f"{len(X)} is batch gradient descent.")
    check_rng(rng)
    if epochs is not None:
        check_integer("epochs", epochs, "[0, inf)", "Leave it out to go on without end.")
    if len(X) != len(Y) or len(X) == 0:
        raise ValueError(
            f"X and Y must have one row for each example, and one or more; got {len(X)} and {len(Y)} rows."
        )
    return _minibatches(X, Y, batch_size, rng, epochs)


def _minibatches(
    X: NDArray[Any],
    Y: NDArray[Any],
    batch_size: int,
    rng: np.random.Generator,
    epochs: int | None,
) -> Iterator[Batch]:
    m, epoch = len(X), 0
    while epochs is None or epoch < epochs:
        if batch_size >= m:
            yield Batch(X, Y, epoch)
        else:
            order = rng.permutation(m)
            last = m if batch_size == 1 else m - 1  # no batch of one at the end
            starts = range(0, last, batch_size)
            for start, end in zip(starts, [*starts[1:], m], strict=True):
                chosen = order[start:end]
                yield Batch(X[chosen], Y[chosen], epoch)
        epoch += 1


def nested_minibatches(
    X: FloatArray, Y: FloatArray, sizes: Sequence[int], batch_size: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Yield batches for a population in which network k sees only the first sizes[k] examples.

    Each network goes through its examples in a random order, and again in a new order.  When a
    batch is larger than the set, examples are repeated in it.

    Parameters
    ----------
    X : (m, n_features) float array
    Y : (m, n_out) float array
    sizes : sequence of int
        Each from 1 to m.
    batch_size : int >= 1
    rng : numpy.random.Generator

    Yields
    ------
    Batch
        X of shape (K, batch_size, n_features), Y of shape (K, batch_size, n_out).

    Raises
    ------
    ValueError
        If an argument is not as described; at the call, not at the first batch.

    Examples
    --------
    >>> X = np.arange(100.0)[:, None]
    >>> batch = next(nested_minibatches(X, X, (10, 100), 32, np.random.default_rng(0)))
    >>> batch.X.shape, bool(batch.X[0].max() < 10)
    ((2, 32, 1), True)
    """
    check_array("X", X, "(m, n_features)", "Examples are rows.", kind="number", finite=True)
    check_array("Y", Y, f"({len(X)}, n_out)", "Pass a row for each example.", kind="number", finite=True)
    check_integers("sizes", sizes, f"[1, {len(X)}]", f"There are {len(X)} training examples.")
    check_integer("batch_size", batch_size, "[1, inf)", "It is the number of examples in a batch.")
    check_rng(rng)
    return _nested_minibatches(X, Y, sizes, batch_size, rng)


def _nested_minibatches(
    X: FloatArray, Y: FloatArray, sizes: Sequence[int], batch_size: int, rng: np.random.Generator
) -> Iterator[Batch]:
    queues = [np.empty(0, dtype=np.intp) for _ in sizes]
    while True:
        for k, size in enumerate(sizes):
            while len(queues[k]) < batch_size:
                queues[k] = np.concatenate([queues[k], rng.permutation(size)])
        rows = np.stack([queue[:batch_size] for queue in queues])
        queues = [queue[batch_size:] for queue in queues]
        yield Batch(X[rows], Y[rows])

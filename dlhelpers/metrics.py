"""How often a classifier is right: from probabilities to classes, and from classes to one number."""

import numpy as np

from dlhelpers.checks import broadcasts, check_array
from dlhelpers.typing import FloatArray, IntArray

THRESHOLD = 0.5
"""One sigmoid output says class 1 when its probability is above this number."""


def predicted_classes(probabilities: FloatArray) -> IntArray:
    """Return the class that each example is given.

    Parameters
    ----------
    probabilities : (..., m, n_classes) float array
        Of one column, as a sigmoid gives it: the probabilities of class 1.

    Returns
    -------
    (..., m) int array
        The most probable class, of equal ones the first; for one column 1 above `THRESHOLD`, else 0.

    Raises
    ------
    ValueError
        If `probabilities` has another shape.

    Examples
    --------
    >>> predicted_classes(np.array([[0.1, 0.9], [0.8, 0.2]])).tolist()
    [1, 0]
    >>> predicted_classes(np.array([[0.9], [0.5]])).tolist()
    [1, 0]
    """
    check_array("probabilities", probabilities, "(..., m, n_classes)", "Examples are rows.")
    if probabilities.shape[-1] == 0:
        raise ValueError(
            f"probabilities must have one column at least; got shape {probabilities.shape}. "
            "Pass a column for each class."
        )
    return _classes(probabilities)


def _classes(table: FloatArray) -> IntArray:
    if table.shape[-1] == 1:
        return np.asarray((table[..., 0] > THRESHOLD).astype(np.intp))
    return np.asarray(table.argmax(axis=-1))


def error_rate(probabilities: FloatArray, Y: FloatArray) -> FloatArray:
    """Return the share of examples that are given another class than the labeled one.

    Parameters
    ----------
    probabilities : (..., m, n_classes) float array
        As in `predicted_classes`.
    Y : (..., m, n_classes) float array
        One-hot labels, or one column of 0 and 1; (m, n_classes) when a population shares them.

    Returns
    -------
    (...) float array

    Raises
    ------
    ValueError
        If the shapes do not fit, or there are no examples.

    Examples
    --------
    >>> print(error_rate(np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([[1.0, 0.0], [1.0, 0.0]])))
    0.5
    >>> print(error_rate(np.array([[0.9], [0.6], [0.2], [0.1]]), np.array([[1.0], [0.0], [0.0], [0.0]])))
    0.25
    """
    check_array("probabilities", probabilities, "(..., m, n_classes)", "Examples are rows.")
    check_array("Y", Y, "(..., m, n_classes)", "Pass one_hot(y, n_classes).", kind="number")
    shape = probabilities.shape
    if 0 in shape or Y.shape[-2:] != shape[-2:] or not broadcasts(Y.shape, shape):
        raise ValueError(
            "probabilities and Y must have the same shape, with at least one example; "
            f"got {shape} and {Y.shape}."
        )
    return np.asarray((_classes(probabilities) != _classes(Y)).mean(axis=-1))


def accuracy(probabilities: FloatArray, Y: FloatArray) -> FloatArray:
    """Return the share of examples that are given the labeled class: 1 minus the error rate.

    Parameters
    ----------
    probabilities, Y
        As in `error_rate`.

    Returns
    -------
    (...) float array

    Raises
    ------
    ValueError
        As `error_rate` does.

    Examples
    --------
    >>> print(accuracy(np.array([[0.9], [0.6], [0.2], [0.1]]), np.array([[1.0], [0.0], [0.0], [0.0]])))
    0.75
    """
    return np.asarray(1 - error_rate(probabilities, Y))

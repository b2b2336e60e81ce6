r"""Calibration: does a classifier that says 80% hit in 80% of the cases?

An answer is the most probable class; its probability is the confidence.
"""

from typing import NamedTuple

import numpy as np

from dlhelpers.checks import check_array, check_integer, check_numbers, check_rng
from dlhelpers.metrics import error_rate
from dlhelpers.softmax import softmax
from dlhelpers.typing import BoolArray, FloatArray, IntArray

COLDEST, HOTTEST = 0.01, 100.0
"""The temperatures between which `fit_temperature` looks."""


class Answers(NamedTuple):
    """The confidence of each answer, (m,), and whether it hits, (m,)."""

    confidence: FloatArray
    correct: BoolArray


class Reliability(NamedTuple):
    """Confidence and hits of answers, by bins of equal width from 0 to 1.

    Attributes
    ----------
    counts : (bins,) int array
    confidence, accuracy : (bins,) float array
        The mean confidence and the share of hits in each bin; NaN where there is no answer.
    error : float
        The expected calibration error: the gap between both, as a mean over the answers.
    """

    counts: IntArray
    confidence: FloatArray
    accuracy: FloatArray
    error: float


class Chance(NamedTuple):
    """What perfect models show, by chance alone.

    Attributes
    ----------
    errors : (repeats,) float array
        The expected calibration error of each.
    low, high : (bins,) float array
        Nine of ten have a share of hits between these two; NaN where there is no answer.
    """

    errors: FloatArray
    low: FloatArray
    high: FloatArray


def answers(probabilities: FloatArray, Y: FloatArray) -> Answers:
    """Return how sure each answer is, and whether it hits.

    Parameters
    ----------
    probabilities : (m, n_classes) float array
        Two columns or more; for a sigmoid, pass `np.hstack([1 - p, p])`.
    Y : (m, n_classes) float array
        One-hot labels.

    Returns
    -------
    Answers

    Raises
    ------
    ValueError
        If the shapes do not fit, there are no examples, or only one column.

    Examples
    --------
    >>> answers(np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    Answers(confidence=array([0.9, 0.6]), correct=array([ True, False]))
    """
    check_array("probabilities", probabilities, "(m, n_classes)", "Examples are rows.")
    if probabilities.shape[1] == 1:
        raise ValueError(
            f"probabilities must have a column for each class; got shape {probabilities.shape}. "
            "For a sigmoid, pass np.hstack([1 - p, p])."
        )
    error_rate(probabilities, Y)  # it checks the shapes
    return Answers(probabilities.max(axis=1), probabilities.argmax(axis=1) == Y.argmax(axis=1))


def reliability(confidence: FloatArray, correct: BoolArray, bins: int = 10) -> Reliability:
    r"""Compare confidence and share of hits, bin by bin.

    With :math:`n_b` answers in bin b:

    .. math::
        \text{conf}_b &= \frac{1}{n_b} \sum_{i \in b} \text{confidence}_i \tag{1} \\
        \text{acc}_b &= \frac{1}{n_b} \sum_{i \in b} \text{correct}_i \tag{2} \\
        \text{ECE} &= \sum_b \frac{n_b}{m} \, \lvert \text{acc}_b - \text{conf}_b \rvert \tag{3}

    It depends on the bins, and it is above 0 for a perfect model too: see `chance`.

    Parameters
    ----------
    confidence : (m,) float array
        From 0 to 1.
    correct : (m,) bool array
    bins : int >= 1
        A confidence on an edge belongs to the bin above it, 1 to the last.

    Returns
    -------
    Reliability

    Raises
    ------
    ValueError
        If an argument is not as above, or there are no answers.

    References
    ----------
    Naeini, Cooper & Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian binning".
    Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks".

    Examples
    --------
    >>> found = reliability(np.array([0.9, 0.7, 0.7, 0.6]), np.array([True, True, False, False]), bins=2)
    >>> found.accuracy, round(found.error, 3)
    (array([nan, 0.5]), 0.225)
    """
    _check_confidence(confidence, bins)
    check_array("correct", correct, "(m,)", "Pass predicted == labeled.", kind="bool")
    if len(correct) != len(confidence):
        raise ValueError(
            f"correct must have one entry for each confidence; got {len(correct)} for {len(confidence)}."
        )
    b = _bin_of(confidence, bins)
    counts = np.bincount(b, minlength=bins)
    conf = _mean_in_bins(b, confidence, counts)  # (1)
    acc = _mean_in_bins(b, correct, counts)  # (2)
    error = np.sum(counts / len(b) * np.where(counts > 0, np.abs(acc - conf), 0))  # (3)
    return Reliability(counts, conf, acc, float(error))


def chance(confidence: FloatArray, bins: int, repeats: int, rng: np.random.Generator) -> Chance:
    """Draw what models show whose confidence is exactly their probability to hit.

    With few answers in a bin, the share of hits is off the confidence by luck.  A calibration error means
    something only where it is above that of such models.

    Parameters
    ----------
    confidence : (m,) float array
        Those of the model in question.
    bins : int >= 1
        As in `reliability`.
    repeats : int >= 1
        How many perfect models are drawn.
    rng : numpy.random.Generator

    Returns
    -------
    Chance

    Raises
    ------
    ValueError
        If an argument is not as above.

    References
    ----------
    Vaicenavicius et al. (2019), "Evaluating model calibration in classification", on consistency resampling.
    """
    _check_confidence(confidence, bins)
    check_integer("repeats", repeats, "[1, 100000]", "200 are enough for a band.")
    check_rng(rng)
    b = _bin_of(confidence, bins)
    counts = np.bincount(b, minlength=bins)
    order = np.argsort(b, kind="stable")
    hits = rng.random((repeats, len(b))) < confidence[order]
    starts = np.flatnonzero(np.diff(b[order], prepend=-1))
    filled = counts > 0
    shares = np.full((repeats, bins), np.nan)
    shares[:, filled] = np.add.reduceat(hits, starts, axis=1, dtype=np.intp) / counts[filled]
    gaps = np.abs(shares - _mean_in_bins(b, confidence, counts))[:, filled]
    low, high = np.full((2, bins), np.nan)
    low[filled], high[filled] = np.quantile(shares[:, filled], [0.05, 0.95], axis=0)
    return Chance(gaps @ (counts[filled] / len(b)), low, high)


def fit_temperature(logits: FloatArray, Y: FloatArray) -> float:
    r"""Return the temperature at which the cross-entropy of these answers is lowest.

    With :math:`\beta = 1 / T` the cross-entropy of softmax(beta z) is convex in beta, so its slope

    .. math::
        \frac{dJ}{d\beta} = \frac{1}{m} \sum_i \sum_j (\hat y_j^{(i)} - y_j^{(i)}) \, z_j^{(i)} \tag{1}

    changes its sign at most once; halving the interval finds the place.  Pass logits and labels of the
    *dev* set: on the training set, a network that knows it by heart asks for a temperature far too low.
    The order of the classes, and so the accuracy, stays as it is.

    Parameters
    ----------
    logits : (m, n_classes) float array
        `network.logits(theta, X_dev)`.
    Y : (m, n_classes) float array
        Labels: rows that add up to 1.

    Returns
    -------
    float
        From 0.01 to 100, also where the best temperature lies outside.

    Raises
    ------
    ValueError
        If the shapes do not fit, there are no examples, or a number is not finite.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks", section 4.2.

    Examples
    --------
    Of five answers with the odds e^4 to 1, four hit.  The odds 4 to 1 need T = 4 / log(4):

    >>> logits = np.array([[4.0, 0.0]] * 5)
    >>> Y = np.array([[1.0, 0.0]] * 4 + [[0.0, 1.0]])
    >>> print(round(fit_temperature(logits, Y), 6), round(4 / np.log(4), 6))
    2.88539 2.88539
    """
    check_array("logits", logits, "(m, n_classes)", "Examples are rows.", finite=True)
    check_array("Y", Y, "(m, n_classes)", "Pass one_hot(y, n_classes).", finite=True)
    if logits.size == 0 or Y.shape != logits.shape:
        raise ValueError(
            f"logits and Y must have the same shape, with at least one example; got {logits.shape} and "
            f"{Y.shape}."
        )
    Z, labels = logits.T.astype(np.float64), Y.T
    cold, hot = np.log([COLDEST, HOTTEST])
    for _ in range(40):
        middle = (cold + hot) / 2
        slope = np.sum((softmax(Z, float(np.exp(middle))) - labels) * (Z - Z.max(axis=0)))  # (1)
        cold, hot = (middle, hot) if slope > 0 else (cold, middle)
    return float(np.exp(hot))


def _check_confidence(confidence: FloatArray, bins: int) -> None:
    check_numbers("confidence", confidence, "(m,)", "Pass answers(probabilities, Y).confidence.", "[0, 1]")
    check_integer("bins", bins, "[1, 1000]", "10 are usual.")


def _bin_of(confidence: FloatArray, bins: int) -> IntArray:
    edges = (np.arange(1, bins) / bins).astype(confidence.dtype)
    return np.searchsorted(edges, confidence, side="right")


def _mean_in_bins(b: IntArray, values: FloatArray | BoolArray, counts: IntArray) -> FloatArray:
    """Return the mean of the values in each bin; NaN where there is none."""
    sums = np.bincount(b, weights=values, minlength=len(counts))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

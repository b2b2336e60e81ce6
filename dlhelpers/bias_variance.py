"""The dev set and what it is good for; bias and variance; and what the errors say about the next remedy."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import legvander

from dlhelpers.checks import check_array, check_integer, check_number, check_numbers, check_rng, shown
from dlhelpers.typing import FloatArray, IntArray

# Measuring: the dev set and the test set ------------------------------------------------------------


def standard_error(share: float | FloatArray, n: int | IntArray) -> FloatArray:
    r"""Return the standard error of a share that is measured on n examples.

    .. math:: \text{SE} = \sqrt{\frac{p (1 - p)}{n}} \tag{1}

    Parameters
    ----------
    share : float in [0, 1], or array
        p, an accuracy or an error as a fraction.
    n : int >= 1, or array
        When both are arrays, `n` must broadcast to the shape of `share`.

    Returns
    -------
    float array, a fraction like `share`

    Raises
    ------
    ValueError
        If `share` is outside [0, 1], `n` is below 1, or their shapes do not fit.

    Examples
    --------
    >>> print(standard_error(0.8, 100).round(3))
    0.04
    """
    _check_share(share, n)
    return np.sqrt(share * (1 - share) / n)  # (1)


def _check_share(share: float | FloatArray, n: int | IntArray) -> None:
    check_number("share", share, "[0, 1]", "It is a fraction: for 80% pass 0.8.")
    check_number("n", n, "[1, inf)", "It is the number of examples in the set.", fits=np.shape(share) or None)


class Luck(NamedTuple):
    """One random number in [0, 1) for each model and example: below the accuracy, the answer is right.

    Attributes
    ----------
    dev : (n_models, n_dev) float32 array
    test : (n_models, n_test) float32 array
    """

    dev: FloatArray
    test: FloatArray


def draw_luck(n_models: int, n_dev: int, n_test: int, rng: np.random.Generator) -> Luck:
    """Return the luck of models that all are equally good.

    Parameters
    ----------
    n_models, n_dev, n_test : int >= 1
        How many models there are, and how many examples of each set they are measured on.
    rng : numpy.random.Generator

    Returns
    -------
    Luck

    Raises
    ------
    ValueError
        If a number is below 1, or `rng` is not a Generator.
    """
    for name, number in {"n_models": n_models, "n_dev": n_dev, "n_test": n_test}.items():
        check_integer(name, number, "[1, inf)", "It is how many models or examples there are.")
    check_rng(rng)
    dev = rng.random((n_models, n_dev), dtype=np.float32)
    test = rng.random((n_models, n_test), dtype=np.float32)
    return Luck(dev, test)


class Selection(NamedTuple):
    """Accuracies of equally good models, and the winner on the dev set among the first 1, 2, 3, ... of them.

    Attributes
    ----------
    accuracy : float
        What every model is truly worth.
    n_dev : int
    dev, test : (n_models,) float array
        Measured accuracies.
    winners : (n_models,) int array
        winners[k - 1] is the model with the best dev accuracy among the first k.
    """

    accuracy: float
    n_dev: int
    dev: FloatArray
    test: FloatArray
    winners: IntArray


def select_best(luck: Luck, accuracy: float, n_dev: int) -> Selection:
    """Measure every model on the first `n_dev` dev examples and on the test set; find the winners.

    Parameters
    ----------
    luck : Luck
    accuracy : float in [0, 1]
        What every model is truly worth.
    n_dev : int >= 1
        At most as many as `luck` has.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        If `luck` is not a Luck, or `accuracy` or `n_dev` is out of range.

    Examples
    --------
    Three models, two dev examples: right on one, on none, on both.

    >>> luck = Luck(np.array([[0.1, 0.9], [0.9, 0.9], [0.1, 0.1]]), np.array([[0.1], [0.1], [0.9]]))
    >>> select_best(luck, accuracy=0.8, n_dev=2).winners.tolist()
    [0, 0, 2]
    """
    if not isinstance(luck, Luck):
        raise ValueError(f"luck must be a Luck; got {shown(luck)}. Pass draw_luck(...).")
    check_number("accuracy", accuracy, "[0, 1]", "It is a fraction: for 80% pass 0.8.", fits=())
    check_integer("n_dev", n_dev, f"[1, {luck.dev.shape[1]}]", "Draw the luck of more dev examples.")
    dev = (luck.dev[:, :n_dev] < accuracy).mean(axis=1)
    test = (luck.test < accuracy).mean(axis=1)
    best_so_far = np.maximum.accumulate(dev)
    is_new_best = np.concatenate([[True], dev[1:] > best_so_far[:-1]])
    winners = np.maximum.accumulate(np.where(is_new_best, np.arange(len(dev)), 0))
    return Selection(accuracy, n_dev, dev, test, winners)


# Bias and variance of many fits ---------------------------------------------------------------------


class Decomposition(NamedTuple):
    """The parts of the expected squared error, and the error that was measured.

    Attributes
    ----------
    bias2, variance, noise : float
        In squared units of y.
    test_error : float
        Mean squared error on fresh, noisy test points.
    """

    bias2: float
    variance: float
    noise: float
    test_error: float

    @property
    def total(self) -> float:
        """The sum of the three parts."""
        return self.bias2 + self.variance + self.noise

    @property
    def residual(self) -> float:
        """Share of the measured error that the parts do not explain: |error - total| / error."""
        return abs(self.test_error - self.total) / self.test_error if self.test_error else 0.0


@np.errstate(all="ignore")
def decompose(
    predictions: FloatArray, truth: FloatArray, targets: FloatArray, noise_variance: float
) -> Decomposition:
    r"""Split the error of K fits into bias, variance and noise.

    .. math::
        \bar f(x) &= \tfrac1K \textstyle\sum_k f_k(x) \tag{1} \\
        \text{bias}^2 &= \operatorname{mean}_x (\bar f(x) - f(x))^2 \tag{2} \\
        \text{variance} &= \operatorname{mean}_x \tfrac1K \textstyle\sum_k (f_k(x) - \bar f(x))^2 \tag{3} \\
        \text{error} &= \operatorname{mean}_{x,k} (f_k(x) - y_k(x))^2
            \approx \text{bias}^2 + \text{variance} + \sigma^2 \tag{4}

    With finitely many fits, bias^2 is too large by about variance / K, and variance too small by as much.

    Parameters
    ----------
    predictions : (K, n) float array
        f_k(x): one row for each training set, one column for each test point.
    truth : (n,) float array
        f(x), without noise.
    targets : (K, n) float array
        y_k(x) = f(x) + noise, fresh for every fit; (n,) when all fits share them.
    noise_variance : float >= 0
        sigma^2.

    Returns
    -------
    Decomposition

    Raises
    ------
    ValueError
        If the shapes do not fit, or a number is not finite.

    References
    ----------
    Geman, Bienenstock & Doursat (1992), "Neural networks and the bias/variance dilemma".

    Examples
    --------
    Two fits, one point; the mean is 2, the truth 1:

    >>> decompose(np.array([[1.0], [3.0]]), np.array([1.0]), np.array([[1.0], [1.0]]), 0.0)
    Decomposition(bias2=1.0, variance=1.0, noise=0.0, test_error=2.0)
    """
    _check_fits(predictions, truth, targets, noise_variance)
    mean = predictions.mean(axis=0)  # (1)
    bias2 = np.mean((mean - truth) ** 2)  # (2)
    variance = np.mean((predictions - mean) ** 2)  # (3)
    error = np.mean((predictions - targets) ** 2)  # (4)
    return Decomposition(float(bias2), float(variance), float(noise_variance), float(error))


def _check_fits(
    predictions: FloatArray, truth: FloatArray, targets: FloatArray, noise_variance: float
) -> None:
    check_numbers("predictions", predictions, "(K, n)", "Pass a row for each fit.")
    _, n = predictions.shape
    check_array("truth", truth, f"({n},)", "Pass a value for each test point.", finite=True)
    check_array("targets", targets, f"(..., {n})", "Pass a value for each test point.", finite=True)
    if targets.shape not in (predictions.shape, truth.shape):
        raise ValueError(
            f"targets must have the shape {predictions.shape} of predictions, or {truth.shape} when all fits "
            f"share them; got {targets.shape}."
        )
    check_number("noise_variance", noise_variance, "[0, inf)", "It is the square of sigma.", fits=())


def _check_training_sets(x: FloatArray, y: FloatArray) -> None:
    check_numbers("x", x, "(K, m)", "Pass a row for each training set.")
    K, m = x.shape
    check_array("y", y, f"({K}, {m})", "Pass a value for each x.", finite=True)


@np.errstate(all="ignore")
def polynomial_fits(x: FloatArray, y: FloatArray, degree: int, x_test: FloatArray) -> FloatArray:
    r"""Fit a polynomial to each of K training sets by least squares; return the values at `x_test`.

    .. math:: V c = y, \quad V = Q R, \quad R c = Q^T y \tag{1}

    V holds the Legendre polynomials at x, which keeps the equations well conditioned on [-1, 1].

    Parameters
    ----------
    x, y : (K, m) float array
        x is in [-1, 1].
    degree : int, 0 <= degree < m
    x_test : (n,) float array, or (K, n) with points of its own for each fit
        In [-10, 10].

    Returns
    -------
    (K, n) float array

    Raises
    ------
    ValueError
        If the shapes do not fit, or the points of a training set cannot determine degree + 1 coefficients.

    Examples
    --------
    A line through (0, 1) and (1, 3), at 0.5:

    >>> polynomial_fits(np.array([[0.0, 1.0]]), np.array([[1.0, 3.0]]), 1, np.array([0.5])).round(6)
    array([[2.]])
    """
    _check_training_sets(x, y)
    check_number("x", x, "[-1, 1]", "Scale x, and x_test with it.")
    check_integer("degree", degree, f"[0, {x.shape[1] - 1}]", "Use more training points or a lower degree.")
    check_numbers("x_test", x_test, "(..., n)", "Scale x, and x_test with it.", interval="[-10, 10]")
    if x_test.shape[:-1] not in ((), x.shape[:1]):
        raise ValueError(
            f"x_test must have shape (n,), or ({len(x)}, n) with a row for each fit; got {x_test.shape}."
        )
    Q, R = np.linalg.qr(legvander(x, degree))
    _check_determined(R, degree)
    coefficients = np.linalg.solve(R, Q.swapaxes(-1, -2) @ y[..., None])  # (1)
    return (legvander(x_test, degree) @ coefficients)[..., 0]


def _check_determined(R: FloatArray, degree: int) -> None:
    """Raise where a column of V is, up to rounding, a sum of those before it."""
    smallest = np.abs(np.diagonal(R, axis1=1, axis2=2)).min(axis=1)
    if smallest.min() < 1e3 * np.finfo(R.dtype).eps:
        raise ValueError(
            f"x must hold degree + 1 = {degree + 1} clearly different numbers or more in each row; "
            f"got fewer in row {smallest.argmin()}. Use other training points or a lower degree."
        )


# Diagnosis ------------------------------------------------------------------------------------------

REMEDIES: Mapping[str, Sequence[str]] = {
    "high bias": (
        "Bigger network",
        "Train longer",
        "Other architecture",
        "Hyperparameter search",
        "More useful features",
    ),
    "high variance": (
        "More training data",
        "Regularization (L2, L1)",
        "Smaller network",
        "Dropout",
        "Early stopping",
        "Data augmentation",
    ),
}
"""The notes' two lists (1.2), without batch normalization; notebook 01 says why."""


class Diagnosis(NamedTuple):
    """What three errors say.

    Attributes
    ----------
    avoidable_bias : float
        Train error minus base error, a fraction.
    variance : float
        Dev error minus train error, a fraction.
    high_bias, high_variance : bool
    """

    avoidable_bias: float
    variance: float
    high_bias: bool
    high_variance: bool

    @property
    def remedies(self) -> tuple[str, ...]:
        """What to try next, the most promising first."""
        high = {"high bias": self.high_bias, "high variance": self.high_variance}
        return tuple(remedy for kind, is_high in high.items() if is_high for remedy in REMEDIES[kind])


def diagnose(base: float, train: float, dev: float, threshold: float = 0.05) -> Diagnosis:
    r"""Return which gap is large.

    .. math::
        \text{avoidable bias} &= \text{train error} - \text{base error} \tag{1} \\
        \text{variance} &\approx \text{dev error} - \text{train error} \tag{2}

    Parameters
    ----------
    base, train, dev : float in [0, 1]
        Errors as fractions; base is the error of a reference, for instance of a person.
    threshold : float in [0, 1]
        A gap of at least this size counts as high.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        If a number is outside [0, 1].

    Examples
    --------
    >>> diagnose(base=0.01, train=0.02, dev=0.12).remedies[0]
    'More training data'
    """
    for name, share in {"base": base, "train": train, "dev": dev, "threshold": threshold}.items():
        check_number(name, share, "[0, 1]", "It is a fraction: for 8% pass 0.08.", fits=())
    bias = train - base  # (1)
    variance = dev - train  # (2)
    edge = threshold - 1e-9  # so that 0.06 - 0.01 counts as 0.05
    return Diagnosis(bias, variance, bias >= edge, variance >= edge)

"""Train, dev and test sets; bias and variance; and what the errors say about the next remedy."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.legendre import legvander

from dlhelpers.augmentation import rotate
from dlhelpers.checks import broadcasts, check_array, check_integer, check_number, check_rng, shown
from dlhelpers.datasets import Split, one_hot
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend
from dlhelpers.typing import BoolArray, FloatArray, IntArray

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


def neighbor_order(X: FloatArray) -> IntArray:
    """Return, for each example, all examples from the nearest (itself) to the farthest.

    Parameters
    ----------
    X : (m, n_features) float array
        m is at most 32,767, and no number is beyond 1e15: their squares must not overflow.

    Returns
    -------
    (m, m) int16 array

    Raises
    ------
    ValueError
        If `X` is something else.

    Examples
    --------
    >>> neighbor_order(np.array([[0.0], [10.0], [4.0]])).tolist()
    [[0, 2, 1], [1, 2, 0], [2, 0, 1]]
    """
    _check_numbers("X", X, "(m, n_features)", "Scale the features first.", interval="[-1e15, 1e15]")
    check_integer("The number of rows of X", len(X), "[1, 32767]", "Pass fewer examples.")
    distances = (X**2).sum(axis=1) - 2 * X @ X.T  # squared, less the same number in a row
    return np.argsort(distances, axis=1, kind="stable").astype(np.int16)


def nearest_neighbor_errors(order: IntArray, y: IntArray, in_train: BoolArray) -> BoolArray:
    """Return where the nearest training example has another label; shape (number not in training,).

    Parameters
    ----------
    order : (m, m) int array of `neighbor_order`
    y : (m,) int array
    in_train : (m,) bool array
        Where an example is in the training set; at least one is.

    Returns
    -------
    (number not in training,) bool array
        In the order of the examples.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there is no training example.

    Examples
    --------
    The training examples are at 0 and 10; of the others, 4 is nearer to 0 and 9 to 10:

    >>> order = neighbor_order(np.array([[0.0], [10.0], [4.0], [9.0]]))
    >>> y, in_train = np.array([0, 1, 1, 1]), np.array([True, True, False, False])
    >>> nearest_neighbor_errors(order, y, in_train)
    array([ True, False])
    """
    _check_order(order, y)
    check_array("in_train", in_train, f"({len(y)},)", "One for each example.", kind="bool")
    if not in_train.any():
        raise ValueError(
            "in_train must be True somewhere; got False everywhere. Leave some examples for training."
        )
    return _nearest_neighbor_errors(order, y, in_train)


def _nearest_neighbor_errors(order: IntArray, y: IntArray, in_train: BoolArray) -> BoolArray:
    rows = np.flatnonzero(~in_train)
    near = 16  # enough for almost all; the others look at every example
    is_candidate = in_train[order[rows, :near]]
    first = is_candidate.argmax(axis=1)
    alone = np.flatnonzero(~is_candidate.any(axis=1))
    first[alone] = in_train[order[rows[alone]]].argmax(axis=1)
    return y[order[rows, first]] != y[rows]


def _check_order(order: IntArray, y: IntArray) -> None:
    check_array("y", y, "(m,)", "It holds the label of each example.", kind="int")
    m = len(y)
    check_array("order", order, f"({m}, {m})", "Pass neighbor_order(X).", kind="int")
    check_number("order", order, f"[0, {m - 1}]", "Pass neighbor_order(X).")


class SplitErrors(NamedTuple):
    """Errors on the dev and the test part of many random splits.

    Attributes
    ----------
    n_train, n_dev, n_test : int
    dev, test : (repeats,) float array
        Error as a fraction.
    """

    n_train: int
    n_dev: int
    n_test: int
    dev: FloatArray
    test: FloatArray


def split_errors(
    order: IntArray, y: IntArray, n_dev: int, n_test: int, repeats: int, rng: np.random.Generator
) -> SplitErrors:
    """Split at random again and again; classify each dev and test example by its nearest training example.

    Parameters
    ----------
    order : (m, m) int array of `neighbor_order`
    y : (m,) int array
    n_dev, n_test : int >= 1
        Examples in each part; the rest, at least one, is for training.
    repeats : int >= 1
        How many times to split.
    rng : numpy.random.Generator

    Returns
    -------
    SplitErrors

    Raises
    ------
    ValueError
        If the shapes do not fit, no training example would be left, or a part is empty.
    """
    _check_order(order, y)
    m = len(y)
    check_integer("n_dev", n_dev, "[1, inf)", "It is the number of dev examples.")
    check_integer("n_test", n_test, "[1, inf)", "It is the number of test examples.")
    check_integer("repeats", repeats, "[1, inf)", "It is the number of splits.")
    check_rng(rng)
    if n_dev + n_test >= m:
        raise ValueError(
            f"n_dev and n_test must leave a training set out of {m} examples; "
            f"got {n_dev} and {n_test}. Make them smaller."
        )
    dev, test = np.empty(repeats), np.empty(repeats)
    for r in range(repeats):
        chosen = rng.permutation(m)[: n_dev + n_test]
        in_train = np.ones(m, dtype=bool)
        in_train[chosen] = False
        wrong = np.empty(m, dtype=bool)
        wrong[~in_train] = _nearest_neighbor_errors(order, y, in_train)
        dev[r], test[r] = wrong[chosen[:n_dev]].mean(), wrong[chosen[n_dev:]].mean()
    return SplitErrors(m - n_dev - n_test, n_dev, n_test, dev, test)


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
    _check_numbers("predictions", predictions, "(K, n)", "Pass a row for each fit.")
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
    _check_numbers("x", x, "(K, m)", "Pass a row for each training set.")
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
    _check_numbers("x_test", x_test, "(..., n)", "Scale x, and x_test with it.", interval="[-10, 10]")
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


def network_fits(
    x: FloatArray, y: FloatArray, hidden: int, x_test: FloatArray, steps: int, rng: np.random.Generator
) -> Iterator[tuple[float, FloatArray]]:
    """Train one network on each of K training sets, all at once; yield what they predict on the way.

    Parameters
    ----------
    x, y : (K, m) float array
    hidden : int >= 1
        tanh units in the one hidden layer.
    x_test : (n,) float array
    steps : int >= 1
        Steps of Adam on the whole training set, at a learning rate of 0.03.
    rng : numpy.random.Generator

    Yields
    ------
    share : float
        Steps done over `steps`; the last is 1.
    predictions : (K, n) float array

    Raises
    ------
    ValueError
        If an argument is not as described; at the call, not at the first result.
    """
    _check_training_sets(x, y)
    _check_numbers("x_test", x_test, "(n,)", "Pass the points to predict at.")
    _check_training(hidden, steps, rng)
    return _network_fits(x, y, hidden, x_test, steps, rng)


def _network_fits(
    x: FloatArray, y: FloatArray, hidden: int, x_test: FloatArray, steps: int, rng: np.random.Generator
) -> Iterator[tuple[float, FloatArray]]:
    network = Network((1, hidden, 1))
    theta = network.initialize(rng, population=len(x))
    run = descend(network, theta, repeat(Batch(x[..., None], y[..., None])), Adam(), 0.03)
    for step in islice(run, steps + 1):
        if step.step % 50 == 0 or step.step == steps:
            yield step.step / steps, network.predict(step.theta, x_test[:, None])[..., 0]


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


def error_rate(probabilities: FloatArray, Y: FloatArray) -> FloatArray:
    """Return the share of examples whose most probable class is not the labeled one.

    Parameters
    ----------
    probabilities : (..., m, n_classes) float array
    Y : (..., m, n_classes) float array
        One-hot labels; (m, n_classes) when a population shares them.

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
    """
    check_array("probabilities", probabilities, "(..., m, n_classes)", "Examples are rows.")
    check_array("Y", Y, "(..., m, n_classes)", "Pass one_hot(y, n_classes).", kind="number")
    shape = probabilities.shape
    if 0 in shape or Y.shape[-2:] != shape[-2:] or not broadcasts(Y.shape, shape):
        raise ValueError(
            "probabilities and Y must have the same shape, with at least one example; "
            f"got {shape} and {Y.shape}."
        )
    return np.asarray((probabilities.argmax(axis=-1) != Y.argmax(axis=-1)).mean(axis=-1))


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
    _check_sizes(sizes, len(X))
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


class LearningCurves(NamedTuple):
    """Errors of networks of one width, one for each training-set size.

    Attributes
    ----------
    sizes : tuple of int
    train, dev : (n_sizes,) float array
        Errors as fractions; train on the examples that the network was trained on.
    """

    sizes: tuple[int, ...]
    train: FloatArray
    dev: FloatArray


def learning_curves(
    data: Split, hidden: int, sizes: Sequence[int], strength: float, steps: int, rng: np.random.Generator
) -> Iterator[tuple[float, LearningCurves]]:
    """Train one network for each training-set size, all at once; yield the errors on the way.

    Parameters
    ----------
    data : Split
        Images as rows of `X`, already scaled to about 1; labels in `y`.
    hidden : int >= 1
        tanh units in the one hidden layer.
    sizes : sequence of int
        Each at most the size of the training set.
    strength : float >= 0
        lambda of the L2 penalty, divided by each network's own number of examples.
    steps : int >= 1
        Steps of Adam on mini-batches of 32, at a learning rate of 0.01.
    rng : numpy.random.Generator

    Yields
    ------
    share : float
        Steps done over `steps`; the last is 1.
    LearningCurves

    Raises
    ------
    ValueError
        If an argument is not as described; at the call, not at the first result.
    """
    _check_data(data, "dev")
    _check_sizes(sizes, len(data.X_train))
    check_number("strength", strength, "[0, inf)", "It is a lambda: 0 means no penalty.", fits=())
    _check_training(hidden, steps, rng)
    return _learning_curves(data, hidden, sizes, strength, steps, rng)


def _learning_curves(
    data: Split, hidden: int, sizes: Sequence[int], strength: float, steps: int, rng: np.random.Generator
) -> Iterator[tuple[float, LearningCurves]]:
    classes = int(data.y_train.max()) + 1
    Y_train, Y_dev = one_hot(data.y_train, classes), one_hot(data.y_dev, classes)
    network = Network((data.X_train.shape[1], hidden, classes), "tanh", "softmax_cross_entropy")
    strength_for_each = strength / np.array(sizes)[:, None]
    batches = nested_minibatches(data.X_train, Y_train, sizes, 32, rng)
    theta = network.initialize(rng, population=len(sizes))
    run = descend(Regularized(network, m=1, l2=strength_for_each), theta, batches, Adam(), 0.01)
    for step in islice(run, steps + 1):
        if step.step % 100 == 0 or step.step == steps:
            dev = error_rate(network.predict(step.theta, data.X_dev), Y_dev)
            train = [
                error_rate(network.predict(theta_k, data.X_train[:size]), Y_train[:size])
                for theta_k, size in zip(step.theta, sizes, strict=True)
            ]
            yield step.step / steps, LearningCurves(tuple(sizes), np.array(train), dev)


# Where more can be worse ----------------------------------------------------------------------------


def random_feature_error(data: Split, m: int, n_features: int, rng: np.random.Generator) -> float:
    r"""Return the dev error of a wide network whose last layer alone is fitted, to m training examples.

    .. math::
        H &= \max(0, X V), \quad V \text{ random} \tag{1} \\
        C &= \arg\min \lVert H C - Y \rVert, \text{ of all such } C \text{ the smallest} \tag{2}

    With more features than examples many C fit exactly; least squares then takes the smallest.

    Parameters
    ----------
    data : Split
        Images as rows of `X`, already scaled to about 1; labels in `y`.
    m : int >= 1
        Training examples: the first m.
    n_features : int >= 1
        Hidden ReLU units, with random weights that are not trained.
    rng : numpy.random.Generator

    Returns
    -------
    float
        A fraction.

    Raises
    ------
    ValueError
        If an argument is not as described, or there are fewer than m training examples.

    References
    ----------
    Belkin, Hsu, Ma & Mandal (2019), "Reconciling modern machine-learning practice and the classical
    bias-variance trade-off".
    """
    _check_data(data, "dev")
    check_integer("m", m, f"[1, {len(data.X_train)}]", "It is how many of the training examples are used.")
    check_integer("n_features", n_features, "[1, inf)", "It is the number of hidden units.")
    check_rng(rng)
    classes = int(data.y_train.max()) + 1
    V = rng.standard_normal((data.X_train.shape[1], n_features))
    H_train, H_dev = (np.maximum(X @ V, 0) for X in (data.X_train[:m], data.X_dev))  # (1)
    C = np.linalg.lstsq(H_train, one_hot(data.y_train[:m], classes), rcond=None)[0]  # (2)
    return float(error_rate(H_dev @ C, one_hot(data.y_dev, classes)))


# Data from another distribution ---------------------------------------------------------------------


class MismatchErrors(NamedTuple):
    """Errors of networks that were trained on upright digits and are used on turned ones.

    Attributes
    ----------
    degrees : tuple of float
        Angle of the digits that the networks are used on.
    train, train_dev, dev, test : (n_degrees,) float array
        Errors as fractions.  train_dev: not trained on, but from the training distribution.
    """

    degrees: tuple[float, ...]
    train: FloatArray
    train_dev: FloatArray
    dev: FloatArray
    test: FloatArray


def mismatch_errors(
    data: Split, degrees: Sequence[float], share: float, hidden: int, steps: int, rng: np.random.Generator
) -> Iterator[tuple[float, MismatchErrors]]:
    """Train one network for each angle, all at once; yield the four errors on the way.

    Dev and test images are all turned; of the training images only `share` is.  A fifth of the
    training images is held out as the train-dev set, in the same mixture.

    Parameters
    ----------
    data : Split
        Images as rows of `X`, already scaled to about 1; labels in `y`.
    degrees : sequence of float
        Angles, one for each network.
    share : float in [0, 1]
        Part of the training images that come from the distribution of dev and test.
    hidden, steps, rng
        As in `learning_curves`.

    Yields
    ------
    share_done : float
        Steps done over `steps`; the last is 1.
    MismatchErrors

    Raises
    ------
    ValueError
        If an argument is not as described; at the call, not at the first result.
    """
    _check_data(data, "dev", "test")
    _check_sequence("degrees", degrees)
    for angle in degrees:
        check_number("Each of degrees", angle, "(-inf, inf)", "It is an angle.", fits=())
    check_number("share", share, "[0, 1]", "It is a fraction: for 8% pass 0.08.", fits=())
    _check_training(hidden, steps, rng)
    return _mismatch_errors(data, degrees, share, hidden, steps, rng)


def _mismatch_errors(
    data: Split, degrees: Sequence[float], share: float, hidden: int, steps: int, rng: np.random.Generator
) -> Iterator[tuple[float, MismatchErrors]]:
    classes = int(data.y_train.max()) + 1
    Y, Y_dev, Y_test = (one_hot(y, classes) for y in (data.y_train, data.y_dev, data.y_test))
    held_out = len(Y) // 5
    train_dev, Y_train_dev = _turn_each(data.X_train[:held_out], degrees, share), Y[:held_out]
    train, Y_train = _turn_each(data.X_train[held_out:], degrees, share), Y[held_out:]
    dev, test = (np.stack([rotate(X, angle) for angle in degrees]) for X in (data.X_dev, data.X_test))
    index = np.arange(len(Y_train))
    orders = minibatches(index, index, 32, rng)
    batches = (Batch(train[:, order.X], Y_train[order.X]) for order in orders)
    network = Network((train.shape[-1], hidden, classes), "tanh", "softmax_cross_entropy")
    run = descend(network, network.initialize(rng, population=len(degrees)), batches, Adam(), 0.01)
    for step in islice(run, steps + 1):
        if step.step % 100 == 0 or step.step == steps:
            errors = [
                error_rate(network.predict(step.theta, X), labels)
                for X, labels in ((train, Y_train), (train_dev, Y_train_dev), (dev, Y_dev), (test, Y_test))
            ]
            yield step.step / steps, MismatchErrors(tuple(degrees), *errors)


def _turn_each(X: FloatArray, degrees: Sequence[float], share: float) -> FloatArray:
    """Return one set of images for each angle, (n_degrees, m, n_pixels); the first `share` is turned."""
    n_turned = round(share * len(X))
    sets = [np.concatenate([rotate(X[:n_turned], angle), X[n_turned:]]) for angle in degrees]
    return np.stack(sets)


# Checks of what users pass --------------------------------------------------------------------------


def _check_numbers(
    name: str, value: FloatArray, shape: str, advice: str, interval: str = "(-inf, inf)"
) -> None:
    """Raise unless `value` is a float array of this shape, not empty, with all numbers in the interval."""
    check_array(name, value, shape, advice, finite=True)
    check_number(name, value, interval, advice)


def _check_training(hidden: int, steps: int, rng: np.random.Generator) -> None:
    check_integer("hidden", hidden, "[1, inf)", "It is the number of hidden units.")
    check_integer("steps", steps, "[1, inf)", "It is the number of training steps.")
    check_rng(rng)


def _check_sequence(name: str, values: Sequence[Any]) -> None:
    if not isinstance(values, Sequence) or len(values) == 0:
        raise ValueError(f"{name} must be a sequence of numbers, one at least; got {shown(values)}.")


def _check_sizes(sizes: Sequence[int], m: int) -> None:
    _check_sequence("sizes", sizes)
    for size in sizes:
        check_integer("Each of sizes", size, f"[1, {m}]", f"There are {m} training examples.")


def _check_data(data: Split, *parts: str) -> None:
    """Raise unless the training set and these parts hold examples: rows of X, a label each."""
    if not isinstance(data, Split):
        raise ValueError(f"data must be a Split; got {shown(data)}. Pass split(X, y, ...).")
    shape, advice = "(m, n_features)", "Pass rows of floats, scaled to about 1."
    for part in ("train", *parts):
        X, y = getattr(data, f"X_{part}"), getattr(data, f"y_{part}")
        _check_numbers(f"X_{part} of data", X, shape, advice, interval="[-1e6, 1e6]")
        check_array(f"y_{part} of data", y, f"({len(X)},)", "Pass a label for each row.", kind="int")
        shape = f"(m, {X.shape[1]})"

"""Train, dev and test sets; bias and variance; and what the errors say about the next remedy."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import legvander

from dlhelpers.augmentation import rotate
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

    Returns
    -------
    float array, a fraction like `share`

    Raises
    ------
    ValueError
        If `share` is outside [0, 1] or `n` is below 1.

    Examples
    --------
    >>> print(standard_error(0.8, 100).round(3))
    0.04
    """
    share, n = np.asarray(share), np.asarray(n)
    if np.any((share < 0) | (share > 1)):
        raise ValueError(f"share must be a fraction in [0, 1]; got {share}. For 80% pass 0.8.")
    if np.any(n < 1):
        raise ValueError(f"n must be 1 or more; got {n}. It is the number of examples in the set.")
    return np.sqrt(share * (1 - share) / n)  # (1)


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
    """Return the luck of models that all are equally good."""
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
    """Measure every model on the first `n_dev` dev examples and on the test set; find the winners."""
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
    X : (m, n_features) float array, m at most 32,767

    Returns
    -------
    (m, m) int16 array
    """
    squares = (X**2).sum(axis=1)
    distances = squares[:, None] - 2 * X @ X.T + squares
    return np.argsort(distances, axis=1, kind="stable").astype(np.int16)


def nearest_neighbor_errors(order: IntArray, y: IntArray, in_train: BoolArray) -> BoolArray:
    """Return where the nearest training example has another label; shape (number not in training,).

    Parameters
    ----------
    order : (m, m) int array of `neighbor_order`
    y : (m,) int array
    in_train : (m,) bool array
    """
    rows = np.flatnonzero(~in_train)
    near = 16  # enough for almost all; the others look at every example
    is_candidate = in_train[order[rows, :near]]
    first = is_candidate.argmax(axis=1)
    alone = np.flatnonzero(~is_candidate.any(axis=1))
    first[alone] = in_train[order[rows[alone]]].argmax(axis=1)
    return y[order[rows, first]] != y[rows]


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

    Raises
    ------
    ValueError
        If no training example would be left, or a part is empty.
    """
    m = len(y)
    if n_dev < 1 or n_test < 1 or n_dev + n_test >= m:
        raise ValueError(
            f"n_dev and n_test must be 1 or more and leave a training set out of {m} examples; "
            f"got {n_dev} and {n_test}. Make them smaller."
        )
    dev, test = np.empty(repeats), np.empty(repeats)
    for r in range(repeats):
        chosen = rng.permutation(m)[: n_dev + n_test]
        in_train = np.ones(m, dtype=bool)
        in_train[chosen] = False
        wrong = np.zeros(m, dtype=bool)
        wrong[~in_train] = nearest_neighbor_errors(order, y, in_train)
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
        y_k(x) = f(x) + noise, fresh for every fit.
    noise_variance : float >= 0
        sigma^2.

    References
    ----------
    Geman, Bienenstock & Doursat (1992), "Neural networks and the bias/variance dilemma".

    Examples
    --------
    Two fits, one point; the mean is 2, the truth 1:

    >>> decompose(np.array([[1.0], [3.0]]), np.array([1.0]), np.array([[1.0], [1.0]]), 0.0)
    Decomposition(bias2=1.0, variance=1.0, noise=0.0, test_error=2.0)
    """
    mean = predictions.mean(axis=0)  # (1)
    bias2 = np.mean((mean - truth) ** 2)  # (2)
    variance = np.mean((predictions - mean) ** 2)  # (3)
    error = np.mean((predictions - targets) ** 2)  # (4)
    return Decomposition(float(bias2), float(variance), float(noise_variance), float(error))


def polynomial_fits(x: FloatArray, y: FloatArray, degree: int, x_test: FloatArray) -> FloatArray:
    r"""Fit a polynomial to each of K training sets by least squares; return the values at `x_test`.

    .. math:: V c = y, \quad V = Q R, \quad R c = Q^T y \tag{1}

    V holds the Legendre polynomials at x, which keeps the equations well conditioned on [-1, 1].

    Parameters
    ----------
    x, y : (K, m) float array
    degree : int, 0 <= degree < m
    x_test : (n,) float array, or (K, n) with points of its own for each fit

    Returns
    -------
    (K, n) float array

    Raises
    ------
    ValueError
        If m points cannot determine degree + 1 coefficients.
    """
    if not 0 <= degree < x.shape[-1]:
        raise ValueError(
            f"degree must be in [0, {x.shape[-1] - 1}] for {x.shape[-1]} points; got {degree!r}. "
            "Use more training points or a lower degree."
        )
    Q, R = np.linalg.qr(legvander(x, degree))
    coefficients = np.linalg.solve(R, Q.swapaxes(-1, -2) @ y[..., None])  # (1)
    return (legvander(x_test, degree) @ coefficients)[..., 0]


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
    """
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
    threshold : float
        A gap of at least this size counts as high.

    Raises
    ------
    ValueError
        If an error is outside [0, 1].

    Examples
    --------
    >>> diagnose(base=0.01, train=0.02, dev=0.12).remedies[0]
    'More training data'
    """
    for name, error in {"base": base, "train": train, "dev": dev}.items():
        if not 0 <= error <= 1:
            raise ValueError(f"{name} must be a fraction in [0, 1]; got {error!r}. For 8% pass 0.08.")
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
        One-hot labels.

    Returns
    -------
    (...) float array
    """
    return np.asarray((probabilities.argmax(axis=-1) != Y.argmax(axis=-1)).mean(axis=-1))


def nested_minibatches(
    X: FloatArray, Y: FloatArray, sizes: Sequence[int], batch_size: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Yield batches for a population in which network k sees only the first sizes[k] examples.

    Each network goes through its examples in a random order, and again in a new order.  When a
    batch is larger than the set, examples are repeated in it.

    Yields
    ------
    Batch
        X of shape (K, batch_size, n_features), Y of shape (K, batch_size, n_out).
    """
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
    """
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
    m : int
        Training examples.
    n_features : int
        Hidden ReLU units, with random weights that are not trained.
    rng : numpy.random.Generator

    References
    ----------
    Belkin, Hsu, Ma & Mandal (2019), "Reconciling modern machine-learning practice and the classical
    bias-variance trade-off".
    """
    classes = int(data.y_train.max()) + 1
    n_inputs = data.X_train.shape[1]
    V = rng.standard_normal((n_inputs, n_features)) / np.sqrt(n_inputs)
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
    share : float in [0, 1]
        Part of the training images that come from the distribution of dev and test.
    hidden, steps, rng
        As in `learning_curves`.

    Yields
    ------
    share_done : float
    MismatchErrors
    """
    classes = int(data.y_train.max()) + 1
    Y, Y_dev, Y_test = (one_hot(y, classes) for y in (data.y_train, data.y_dev, data.y_test))
    held_out = len(Y) // 5
    train_dev, Y_train_dev = _turn_each(data.X_train[:held_out], degrees, share), Y[:held_out]
    train, Y_train = _turn_each(data.X_train[held_out:], degrees, share), Y[held_out:]
    dev, test = _turn_each(data.X_dev, degrees, 1.0), _turn_each(data.X_test, degrees, 1.0)
    index = np.arange(len(Y_train))
    orders = minibatches(index, index, 32, rng)
    batches = (Batch(train[:, order.X], Y_train[order.X], order.epoch) for order in orders)
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

"""Experiments on data: what the split, the training set, its size and its origin do to the errors.

Each measures something many times over: nearest neighbors on many random splits, networks on many
training sets, on training sets of many sizes, and on images turned by many angles.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np

from dlhelpers.augmentation import rotate
from dlhelpers.checks import (
    check_array,
    check_integer,
    check_integers,
    check_number,
    check_numbers,
    check_rng,
    check_sequence,
    shown,
)
from dlhelpers.datasets import Split, one_hot
from dlhelpers.metrics import error_rate
from dlhelpers.minibatches import Batch, minibatches, nested_minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend
from dlhelpers.typing import BoolArray, FloatArray, IntArray

# Many splits ----------------------------------------------------------------------------------------


def neighbor_order(X: FloatArray) -> IntArray:
    """Return, for each example, all examples from the nearest (itself) to the farthest.

    Parameters
    ----------
    X : (m, n_features) float array
        m is at most 32,767, and no number is beyond 1e15.  They are squared: distances below a
        hundred-millionth of the largest number are lost in rounding.

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
    check_numbers("X", X, "(m, n_features)", "Scale the features first.", interval="[-1e15, 1e15]")
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
    for end in (order.min(initial=0), order.max(initial=0)):
        check_number("order", int(end), f"[0, {max(m, 1) - 1}]", "Pass neighbor_order(X).")


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


# Many training sets ---------------------------------------------------------------------------------


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
    check_numbers("x", x, "(K, m)", "Pass a row for each training set.")
    check_array("y", y, str(x.shape), "Pass a value for each x.", finite=True)
    check_numbers("x_test", x_test, "(n,)", "Pass the points to predict at.")
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


# Many sizes -----------------------------------------------------------------------------------------


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
    m = len(data.X_train)
    check_integers("sizes", sizes, f"[1, {m}]", f"There are {m} training examples.")
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
    return float(np.mean((H_dev @ C).argmax(axis=1) != data.y_dev))


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
    check_sequence("degrees", degrees)
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


def _check_training(hidden: int, steps: int, rng: np.random.Generator) -> None:
    check_integer("hidden", hidden, "[1, inf)", "It is the number of hidden units.")
    check_integer("steps", steps, "[1, inf)", "It is the number of training steps.")
    check_rng(rng)


def _check_data(data: Split, *parts: str) -> None:
    """Raise unless the training set and these parts hold examples: rows of X, a label each."""
    if not isinstance(data, Split):
        raise ValueError(f"data must be a Split; got {shown(data)}. Pass split(X, y, ...).")
    shape, advice = "(m, n_features)", "Pass rows of floats, scaled to about 1."
    for part in ("train", *parts):
        X, y = getattr(data, f"X_{part}"), getattr(data, f"y_{part}")
        check_numbers(f"X_{part} of data", X, shape, advice, interval="[-1e6, 1e6]")
        check_array(f"y_{part} of data", y, f"({len(X)},)", "Pass a label for each row.", kind="int")
        shape = f"(m, {X.shape[1]})"

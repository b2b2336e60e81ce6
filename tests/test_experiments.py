import re
from itertools import islice, repeat

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from dlhelpers.augmentation import rotate
from dlhelpers.datasets import digits, split
from dlhelpers.experiments import (
    learning_curves,
    mismatch_errors,
    nearest_neighbor_errors,
    neighbor_order,
    network_fits,
    random_feature_error,
    split_errors,
)
from dlhelpers.minibatches import Batch, minibatches, nested_minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend


def generator(seed=0):
    return np.random.default_rng(seed)


def raises(*parts):
    """Expect a ValueError whose message has these parts in this order."""
    return pytest.raises(ValueError, match="(?s)" + ".*".join(map(re.escape, parts)))


@pytest.fixture(scope="module")
def small_digits():
    """300 training, 100 dev and 100 test digits with gray levels from 0 to 1."""
    X, y, *_ = digits()
    return split(X[:500] / 16, y[:500], dev=100, test=100, rng=np.random.default_rng(0))


def test_neighbors_by_hand():
    # squared distances from (0, 0): 25 to (3, 4), 4 to (-2, 0); from (3, 4) to (-2, 0): 41
    assert neighbor_order(np.array([[0, 0], [3, 4], [-2, 0.0]])).tolist() == [[0, 2, 1], [1, 0, 2], [2, 0, 1]]
    # 0 and 2 are as near to 1: the first in the list comes first
    assert neighbor_order(np.array([[1.0], [0.0], [2.0]])).tolist() == [[0, 1, 2], [1, 0, 2], [2, 0, 1]]
    assert neighbor_order(np.array([[1.0]])).dtype == np.int16


def test_neighbors_are_in_the_order_of_their_distances(rng):
    X = rng.normal(size=(60, 3)) * rng.uniform(0.1, 10, (60, 1))
    distances = ((X[:, None] - X) ** 2).sum(axis=-1)
    np.testing.assert_array_equal(neighbor_order(X), distances.argsort(axis=1))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros(3), ["X must be a float array of shape (m, n_features)"]),
        (np.full((2, 2), 1e16), ["X must be a number in [-1e15, 1e15]", "Scale"]),
        (np.zeros((32_768, 0)), ["X must be a number"]),
        (np.zeros((32_768, 1)), ["number of rows of X must be an integer in [1, 32767]", "got 32768"]),
    ],
)
def test_neighbor_order_names_what_is_wrong(X, message):
    with raises(*message):
        neighbor_order(X)


@pytest.mark.parametrize("n_train", [1, 40, 399])
def test_neighbors_agree_with_scikit_learn(n_train, rng):
    X, y, *_ = digits()
    X, y = X[:400] + rng.normal(scale=0.01, size=(400, 64)), y[:400]  # no ties
    in_train = rng.permutation(400) < n_train  # when few, the nearest ones are not among them
    wrong = nearest_neighbor_errors(neighbor_order(X), y, in_train)
    peer = KNeighborsClassifier(1).fit(X[in_train], y[in_train])
    np.testing.assert_array_equal(wrong, peer.predict(X[~in_train]) != y[~in_train])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"y": np.zeros(3)}, ["y must be a int array of shape (m,)"]),
        ({"y": np.zeros(4, int)}, ["order must be a int array of shape (4, 4)"]),
        ({"order": np.full((3, 3), 3)}, ["order must be a number in [0, 2]", "neighbor_order"]),
        ({"order": np.full((3, 3), -1)}, ["order must be a number in [0, 2]"]),
        ({"in_train": np.ones(4, bool)}, ["in_train must be a bool array of shape (3,)"]),
        ({"in_train": np.zeros(3, bool)}, ["in_train must be True somewhere", "got False"]),
    ],
)
def test_nearest_neighbor_errors_names_what_is_wrong(wrong, message):
    order, y = neighbor_order(np.arange(3.0)[:, None]), np.arange(3)
    with raises(*message):
        nearest_neighbor_errors(**({"order": order, "y": y, "in_train": y == 1} | wrong))


def test_split_errors_are_those_of_scikit_learn():
    X, y, *_ = digits()
    X, y = X[:200] + generator(1).normal(scale=0.01, size=(200, 64)), y[:200]  # no ties
    result = split_errors(neighbor_order(X), y, 50, 30, 8, generator())
    assert (result.n_train, result.n_dev, result.n_test) == (120, 50, 30)
    rng = generator()
    for dev_error, test_error in zip(result.dev, result.test, strict=True):
        rows = rng.permutation(200)
        dev, test, train = rows[:50], rows[50:80], rows[80:]
        peer = KNeighborsClassifier(1).fit(X[train], y[train])
        assert dev_error == pytest.approx(1 - peer.score(X[dev], y[dev]))
        assert test_error == pytest.approx(1 - peer.score(X[test], y[test]))
    assert len(np.unique(result.dev)) > 1


def test_one_example_is_enough_to_train_on(rng):
    # nine of class 1 against one of class 0: whichever is left for training, it is known who is wrong
    order, y = neighbor_order(np.arange(10.0)[:, None]), np.array([0] + [1] * 9)
    result = split_errors(order, y, 5, 4, 50, rng)
    wrong = np.rint(5 * result.dev + 4 * result.test)
    assert result.n_train == 1
    assert set(wrong) == {1, 9}  # the 0 is wrong; or it is alone in training, then all others are


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_dev": 6}, ["n_dev and n_test must leave a training set out of 10", "got 6 and 4", "smaller"]),
        ({"n_dev": 9}, ["n_dev and n_test must leave"]),
        ({"n_dev": 0}, ["n_dev must be an integer in [1, inf)", "got 0"]),
        ({"n_test": 0}, ["n_test must be an integer in [1, inf)", "got 0"]),
        ({"repeats": 0}, ["repeats must be an integer in [1, inf)", "got 0"]),
        ({"rng": 0}, ["rng must be a numpy.random.Generator"]),
        ({"order": np.zeros((9, 9), int)}, ["order must be a int array of shape (10, 10)"]),
    ],
)
def test_split_errors_names_what_is_wrong(wrong, message):
    arguments = {"order": np.zeros((10, 10), int), "y": np.zeros(10, int), "n_dev": 5, "n_test": 4}
    with raises(*message):
        split_errors(**(arguments | {"repeats": 1, "rng": generator()} | wrong))


def test_networks_learn_each_their_own_data(rng):
    x = rng.uniform(-1, 1, (2, 40))
    y = np.array([[1.0], [-1.0]]) * x  # the first rises, the second falls
    stages = list(network_fits(x, y, 3, np.array([-0.5, 0.5]), 300, rng))
    assert [share for share, _ in stages] == [0, 1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6, 1]
    np.testing.assert_allclose(stages[-1][1], [[-0.5, 0.5], [0.5, -0.5]], atol=0.05)


def test_network_fits_are_those_of_single_networks(rng):
    x, y, x_test = rng.uniform(-1, 1, (2, 6)), rng.normal(size=(2, 6)), rng.uniform(-1, 1, 3)
    stages = list(network_fits(x, y, 4, x_test, 70, generator()))
    assert [share for share, _ in stages] == [0, 50 / 70, 1]
    network = Network((1, 4, 1))
    for k, theta in enumerate(network.initialize(generator(), population=2)):
        run = descend(network, theta, repeat(Batch(x[k][:, None], y[k][:, None])), Adam(), 0.03)
        steps = list(islice(run, 71))
        for (_, predictions), at in zip(stages, (0, 50, 70), strict=True):
            expected = network.predict(steps[at].theta, x_test[:, None])[:, 0]
            np.testing.assert_allclose(predictions[k], expected, atol=1e-12)


def test_nothing_is_trained_beyond_the_last_step(small_digits):
    # the step behind the last one would be a stage of its own
    x = np.array([[-0.5, 0.5]])
    assert [share for share, _ in network_fits(x, x, 2, x[0], 49, generator())] == [0, 1]
    assert [share for share, _ in learning_curves(small_digits, 2, (9,), 0.0, 99, generator())] == [0, 1]
    assert [share for share, _ in mismatch_errors(small_digits, (9,), 0.0, 2, 99, generator())] == [0, 1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"x": np.zeros(3)}, ["x must be a float array of shape (K, m)"]),
        ({"y": np.zeros((2, 4))}, ["y must be a float array of shape (2, 3)"]),
        ({"hidden": 0}, ["hidden must be an integer in [1, inf)"]),
        ({"x_test": np.zeros((2, 3))}, ["x_test must be a float array of shape (n,)"]),
        ({"steps": 0}, ["steps must be an integer in [1, inf)"]),
        ({"rng": None}, ["rng must be"]),
    ],
)
def test_network_fits_names_what_is_wrong_at_the_call(wrong, message):
    x = np.zeros((2, 3))
    with raises(*message):
        network_fits(
            **({"x": x, "y": x, "hidden": 2, "x_test": x[0], "steps": 5, "rng": generator()} | wrong)
        )


def wrong_share(network, theta, X, y):
    return np.mean(network.predict(theta, X).argmax(axis=1) != y)


def test_learning_curves_are_those_of_single_networks(small_digits):
    sizes, classes = (40, 200), np.eye(10)
    X, y = small_digits.X_train, small_digits.y_train
    stages = list(learning_curves(small_digits, 6, sizes, 20.0, 130, generator()))
    assert [share for share, _ in stages] == [0, 100 / 130, 1]
    rng = generator()
    network = Network((64, 6, 10), "tanh", "softmax_cross_entropy")
    thetas = network.initialize(rng, population=2)
    batches = list(islice(nested_minibatches(X, classes[y], sizes, 32, rng), 131))
    for k, size in enumerate(sizes):
        own = iter(Batch(batch.X[k], batch.Y[k]) for batch in batches)
        penalized = Regularized(network, m=size, l2=20.0)
        steps = list(descend(penalized, thetas[k], own, Adam(), 0.01))
        for (_, curves), at in zip(stages, (0, 100, 130), strict=True):
            theta = steps[at].theta
            assert curves.sizes == sizes
            assert curves.train[k] == pytest.approx(wrong_share(network, theta, X[:size], y[:size]))
            dev = wrong_share(network, theta, small_digits.X_dev, small_digits.y_dev)
            assert curves.dev[k] == pytest.approx(dev)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"data": (1, 2)}, ["data must be a Split", "got (1, 2)", "Pass split(X, y, ...)"]),
        ({"hidden": 0}, ["hidden must be"]),
        ({"sizes": (301,)}, ["Each of sizes must be an integer in [1, 300]", "There are 300"]),
        ({"strength": -1}, ["strength must be a number in [0, inf)", "got -1"]),
        ({"steps": 0}, ["steps must be"]),
        ({"rng": 1}, ["rng must be"]),
    ],
)
def test_learning_curves_names_what_is_wrong_at_the_call(small_digits, wrong, message):
    arguments = {"data": small_digits, "hidden": 2, "sizes": (4,), "strength": 0, "steps": 1}
    with raises(*message):
        learning_curves(**(arguments | {"rng": generator()} | wrong))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"X_train": np.zeros((5, 2), int)},
            ["X_train of data must be a float array of shape (m, n_features)"],
        ),
        ({"X_train": np.full((5, 2), 2e6)}, ["X_train of data must be a number in [-1e6, 1e6]"]),
        ({"y_train": np.zeros(5)}, ["y_train of data must be a int array of shape (5,)"]),
        ({"X_dev": np.zeros((3, 4))}, ["X_dev of data must be a float array of shape (m, 2)"]),
        ({"y_dev": np.zeros(2, int)}, ["y_dev of data must be a int array of shape (3,)"]),
        ({"X_dev": np.zeros((0, 2))}, ["X_dev of data must be a number"]),
    ],
)
def test_what_is_wrong_with_the_data_is_named(wrong, message):
    data = split(np.zeros((10, 2)), np.zeros(10, int), dev=3, test=2, rng=generator())
    with raises(*message):
        random_feature_error(data._replace(**wrong), 1, 1, generator())


def test_learning_curves_fall_and_do_not_look_at_other_examples(small_digits):
    def run(data):
        *_, (share, curves) = learning_curves(data, 16, (16, 256), 0.0, 200, np.random.default_rng(0))
        assert share == 1
        return curves

    curves = run(small_digits)
    assert curves.sizes == (16, 256)
    assert curves.dev[1] < curves.dev[0] - 0.1
    assert curves.train[0] == 0
    # the labels behind the first 16 are changed: the network with 16 examples must not notice
    spoiled = small_digits.y_train.copy()
    spoiled[16:] = 0
    again = run(small_digits._replace(y_train=spoiled))
    assert again.dev[0] == curves.dev[0] and again.dev[1] != curves.dev[1]


def test_a_large_penalty_raises_the_train_error(small_digits):
    def train_error(strength):
        *_, (_, curves) = learning_curves(small_digits, 8, (64,), strength, 200, np.random.default_rng(0))
        return curves.train[0]

    assert train_error(0.0) == 0 < train_error(100.0)


def test_mismatch_hurts_dev_and_test_but_not_train_dev(small_digits):
    *_, (share, errors) = mismatch_errors(small_digits, (0, 60), 0.0, 16, 200, np.random.default_rng(0))
    assert share == 1
    assert errors.dev[1] > errors.dev[0] + 0.3 and errors.test[1] > errors.test[0] + 0.3
    assert abs(errors.train_dev[1] - errors.train_dev[0]) < 0.1
    *_, (_, cured) = mismatch_errors(small_digits, (0, 60), 1.0, 16, 200, np.random.default_rng(0))
    assert cured.dev[1] < errors.dev[1] - 0.3


def test_a_set_held_out_and_mixtures_as_described(small_digits):
    """Train each network of the population by itself, on the images that the docstring tells of."""
    degrees, classes, steps = (0, 30), np.eye(10), 110
    stages = list(mismatch_errors(small_digits, degrees, 0.3, 5, steps, generator()))
    assert [share for share, _ in stages] == [0, 100 / 110, 1]
    X, y = small_digits.X_train, small_digits.y_train  # 300: 60 held out, 240 trained on
    rng = generator()
    network = Network((64, 5, 10), "tanh", "softmax_cross_entropy")
    thetas = network.initialize(rng, population=2)
    index = np.arange(240)
    orders = [batch.X for batch in islice(minibatches(index, index, 32, rng), steps + 1)]
    for k, angle in enumerate(degrees):
        train_dev = np.concatenate([rotate(X[:18], angle), X[18:60]])  # 0.3 of 60 turned
        train = np.concatenate([rotate(X[60:132], angle), X[132:]])  # 0.3 of 240 turned
        own = iter(Batch(train[rows], classes[y[60:][rows]]) for rows in orders)
        found = list(descend(network, thetas[k], own, Adam(), 0.01))
        for (_, errors), at in zip(stages, (0, 100, 110), strict=True):
            theta = found[at].theta
            assert errors.degrees == degrees
            assert errors.train[k] == pytest.approx(wrong_share(network, theta, train, y[60:]))
            assert errors.train_dev[k] == pytest.approx(wrong_share(network, theta, train_dev, y[:60]))
            dev = wrong_share(network, theta, rotate(small_digits.X_dev, angle), small_digits.y_dev)
            assert errors.dev[k] == pytest.approx(dev)
            test = wrong_share(network, theta, rotate(small_digits.X_test, angle), small_digits.y_test)
            assert errors.test[k] == pytest.approx(test)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"data": None}, ["data must be a Split", "got None"]),
        ({"degrees": ()}, ["degrees must be a sequence"]),
        ({"degrees": 30.0}, ["degrees must be a sequence", "got 30.0"]),
        ({"degrees": (0, np.inf)}, ["Each of degrees must be a number", "got inf"]),
        ({"share": 30}, ["share must be a number in [0, 1]", "got 30"]),
        ({"hidden": 0}, ["hidden must be"]),
        ({"steps": 0}, ["steps must be"]),
        ({"rng": 1}, ["rng must be"]),
    ],
)
def test_mismatch_errors_names_what_is_wrong_at_the_call(small_digits, wrong, message):
    arguments = {"data": small_digits, "degrees": (0,), "share": 0.5, "hidden": 2, "steps": 1}
    with raises(*message):
        mismatch_errors(**(arguments | {"rng": generator()} | wrong))


def test_a_single_class_is_always_right(small_digits):
    # two examples, two features: far from them the fitted scores are below 0, the score of no class at all
    data = small_digits._replace(y_train=0 * small_digits.y_train, y_dev=0 * small_digits.y_dev)
    assert random_feature_error(data, 2, 2, generator()) == 0


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize(("m", "n_features"), [(1, 5), (60, 20), (40, 40), (40, 80), (300, 30)])
def test_random_features_by_the_pseudoinverse(small_digits, m, n_features, classes):
    y, y_dev = small_digits.y_train % classes, small_digits.y_dev % classes
    V = generator().standard_normal((64, n_features))
    H, H_dev = (X @ V * (X @ V > 0) for X in (small_digits.X_train[:m], small_digits.X_dev))
    C = np.linalg.pinv(H) @ np.eye(classes)[y[:m]]
    expected = np.mean((H_dev @ C).argmax(axis=1) != y_dev)
    data = small_digits._replace(y_train=y, y_dev=y_dev)
    assert random_feature_error(data, m, n_features, generator()) == pytest.approx(expected)


def test_random_feature_error_names_what_is_wrong(small_digits):
    with raises("m must be an integer in [1, 300]", "got 301"):
        random_feature_error(small_digits, 301, 5, generator())
    with raises("n_features must be an integer in [1, inf)", "got 0"):
        random_feature_error(small_digits, 5, 0, generator())


def test_random_features_are_worst_where_they_are_as_many_as_the_examples(small_digits):
    def error(m, n_features):
        return np.mean(
            [random_feature_error(small_digits, m, n_features, generator(seed)) for seed in range(3)]
        )

    assert error(100, 50) < error(100, 100) > error(100, 400)
    assert error(50, 100) < error(100, 100) > error(300, 100)

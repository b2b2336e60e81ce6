import re
from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from dlhelpers.augmentation import rotate
from dlhelpers.bias_variance import (
    REMEDIES,
    Luck,
    decompose,
    diagnose,
    draw_luck,
    error_rate,
    learning_curves,
    mismatch_errors,
    nearest_neighbor_errors,
    neighbor_order,
    nested_minibatches,
    network_fits,
    polynomial_fits,
    random_feature_error,
    select_best,
    split_errors,
    standard_error,
)
from dlhelpers.datasets import digits, split
from dlhelpers.minibatches import Batch, minibatches
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


# 1.1 ------------------------------------------------------------------------------------------------


def test_standard_error_is_the_scatter_of_measured_accuracies(rng):
    measured = rng.binomial(200, 0.8, size=20_000) / 200
    assert standard_error(0.8, 200) == pytest.approx(measured.std(), rel=0.02)


def test_standard_error_by_hand():
    assert standard_error(0.2, 16) == pytest.approx(0.1)  # sqrt(0.2 * 0.8 / 16)
    np.testing.assert_allclose(standard_error(0.2, np.array([16, 64])), [0.1, 0.05])
    np.testing.assert_allclose(standard_error(np.array([0.2, 0.0]), 16), [0.1, 0])
    np.testing.assert_allclose(standard_error(np.array([0.2, 1.0]), np.array([16, 1])), [0.1, 0])
    assert standard_error(np.array([0.2], dtype=np.float32), 16).dtype == np.float32


@pytest.mark.parametrize(
    ("share", "n", "message"),
    [
        (80, 100, ["share must be a number in [0, 1]", "got 80", "for 80% pass 0.8"]),
        (-0.1, 100, ["share must be", "got -0.1"]),
        (0.8, 0, ["n must be a number in [1, inf)", "got 0", "number of examples"]),
        (np.array([0.8, 0.9]), np.array([1, 2, 3]), ["n must be", "broadcasts to shape (2,)"]),
    ],
)
def test_standard_error_names_what_is_wrong(share, n, message):
    with raises(*message):
        standard_error(share, n)


def test_luck_is_uniform_and_independent():
    luck = draw_luck(2, 30_000, 40_000, generator())
    assert luck.dev.shape == (2, 30_000) and luck.test.shape == (2, 40_000)
    assert luck.dev.dtype == luck.test.dtype == np.float32
    for part in luck:
        np.testing.assert_allclose(np.quantile(part, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.01)
        assert part.min() >= 0 and part.max() < 1
        assert abs(np.corrcoef(part)[0, 1]) < 0.03
    assert abs(np.corrcoef(luck.dev[0], luck.test[0, :30_000])[0, 1]) < 0.03


@pytest.mark.parametrize("name", ["n_models", "n_dev", "n_test"])
def test_luck_wants_one_model_and_example_at_least(name):
    assert draw_luck(1, 1, 1, generator()).dev.shape == (1, 1)
    with raises(f"{name} must be an integer in [1, inf)", "got 0"):
        draw_luck(**({"n_models": 1, "n_dev": 1, "n_test": 1, "rng": generator()} | {name: 0}))


def test_winners_by_hand():
    # right where the number is below 0.5: on 1, 2, 2, 0 and 3 of the first 3 examples; a tie changes nothing
    dev = [[0.1, 0.5, 0.5, 0.1], [0.1, 0.4, 0.9, 0], [0.9, 0.4, 0.1, 0], [0.9, 0.5, 0.7, 0], [0, 0, 0.4, 0.9]]
    selection = select_best(Luck(np.array(dev), np.array([[0.5], [0.4], [0.4], [0.9], [0.9]])), 0.5, 3)
    np.testing.assert_allclose(selection.dev, [1 / 3, 2 / 3, 2 / 3, 0, 1])
    assert selection.test.tolist() == [0, 1, 1, 0, 0]
    assert selection.winners.tolist() == [0, 1, 1, 1, 4]
    assert (selection.accuracy, selection.n_dev) == (0.5, 3)
    # the first stays first while it is not beaten
    first = select_best(Luck(np.array([[0.1], [0.1], [0.9]]), np.zeros((3, 1))), 0.5, 1)
    assert first.winners.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"luck": np.zeros((2, 3))}, ["luck must be a Luck", "got an array", "Pass draw_luck"]),
        ({"accuracy": 80}, ["accuracy must be a number in [0, 1]", "got 80"]),
        ({"n_dev": 4}, ["n_dev must be an integer in [1, 3]", "got 4", "more dev examples"]),
        ({"n_dev": 0}, ["n_dev must be", "got 0"]),
    ],
)
def test_select_best_names_what_is_wrong(wrong, message):
    with raises(*message):
        select_best(**({"luck": draw_luck(2, 3, 4, generator()), "accuracy": 0.8, "n_dev": 3} | wrong))


def test_the_winner_is_the_best_of_the_first_k(rng):
    luck = draw_luck(50, 300, 200, rng)
    selection = select_best(luck, 0.8, 100)
    for k in (1, 2, 10, 50):
        assert selection.winners[k - 1] == selection.dev[:k].argmax()
    assert selection.dev[7] == np.mean(luck.dev[7, :100] < 0.8)
    assert selection.test[7] == np.mean(luck.test[7] < 0.8)


def test_choosing_is_optimistic_on_dev_and_not_on_test():
    gaps = []
    for seed in range(100):
        s = select_best(draw_luck(100, 200, 1000, np.random.default_rng(seed)), 0.8, 200)
        gaps.append((s.dev[s.winners[-1]] - 0.8, s.test[s.winners[-1]] - 0.8))
    dev, test = np.mean(gaps, axis=0)
    # the mean of the largest of 100 normal numbers is 2.5 standard errors; one is 2.8 points
    assert dev == pytest.approx(2.5 * 0.0283, abs=0.01)
    assert abs(test) < 3 * 0.0126 / np.sqrt(100)


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


# 1.2 ------------------------------------------------------------------------------------------------


def test_decomposition_by_hand():
    # at the first point: fits 1 and 3, mean 2, truth 1: bias^2 1, variance 1
    # at the second: fits 0 and 4, mean 2, truth 2: bias^2 0, variance 4
    # errors against the targets: (1 - 2)^2 + (0 - 2)^2 + (3 - 1)^2 + (4 - 3)^2 = 10, over 4
    parts = decompose(
        np.array([[1.0, 0.0], [3.0, 4.0]]), np.array([1.0, 2.0]), np.array([[2.0, 2.0], [1.0, 3.0]]), 0.25
    )
    assert parts == (0.5, 2.5, 0.25, 2.5)
    assert parts.total == 3.25
    assert parts.residual == pytest.approx(0.3)


def test_targets_may_be_shared_by_all_fits():
    # fits 1 and 3 of a point with target 2.5: errors 2.25 and 0.25, mean 1.25
    parts = decompose(np.array([[1.0], [3.0]]), np.array([2.0]), np.array([2.5]), 0.5)
    assert parts == (0.0, 1.0, 0.5, 1.25)
    assert parts.total == 1.5
    assert parts.residual == pytest.approx(0.2)  # |1.25 - 1.5| / 1.25


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"predictions": np.zeros(3)}, ["predictions must be a float array of shape (K, n)"]),
        ({"predictions": np.zeros((0, 3))}, ["predictions must be a number"]),
        ({"truth": np.zeros(2)}, ["truth must be a float array of shape (3,)"]),
        ({"truth": np.full(3, np.nan)}, ["truth must hold finite numbers"]),
        ({"targets": np.zeros((2, 2))}, ["targets must be a float array of shape (..., 3)"]),
        ({"targets": np.zeros((1, 3))}, ["targets must have the shape (2, 3)", "(3,)", "got (1, 3)"]),
        ({"noise_variance": -1}, ["noise_variance must be a number in [0, inf)", "got -1"]),
    ],
)
def test_decompose_names_what_is_wrong(wrong, message):
    arguments = {"predictions": np.zeros((2, 3)), "truth": np.zeros(3), "targets": np.zeros((2, 3))}
    with raises(*message):
        decompose(**(arguments | {"noise_variance": 0.0} | wrong))


@given(st.integers(0, 1000))
def test_without_noise_the_parts_are_the_error_exactly(seed):
    rng = np.random.default_rng(seed)
    predictions, truth = rng.normal(size=(5, 8)), rng.normal(size=8)
    parts = decompose(predictions, truth, np.tile(truth, (5, 1)), 0.0)
    assert parts.bias2 + parts.variance == pytest.approx(parts.test_error)


def test_a_perfect_fit_without_noise_has_no_residual():
    assert decompose(np.ones((2, 3)), np.ones(3), np.ones((2, 3)), 0.0).residual == 0


@pytest.mark.parametrize("degree", [0, 1, 4, 9])
def test_polynomials_agree_with_numpy(degree, rng):
    x, y, x_test = rng.uniform(-1, 1, (3, 20)), rng.normal(size=(3, 20)), np.linspace(-1, 1, 7)
    fits = polynomial_fits(x, y, degree, x_test)
    for k in range(3):
        np.testing.assert_allclose(fits[k], np.polyval(np.polyfit(x[k], y[k], degree), x_test), atol=1e-8)


def test_polynomials_at_points_of_their_own(rng):
    x, y, x_test = rng.uniform(-1, 1, (2, 4)), rng.normal(size=(2, 4)), rng.uniform(-1, 1, (2, 7))
    fits = polynomial_fits(x, y, 2, x_test)
    for k in range(2):
        np.testing.assert_allclose(fits[k], polynomial_fits(x[k : k + 1], y[k : k + 1], 2, x_test[k])[0])
    # four points are enough for a cubic, which goes through all of them
    np.testing.assert_allclose(polynomial_fits(x, y, 3, x), y)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"degree": 4}, ["degree must be an integer in [0, 3]", "got 4", "lower degree"]),
        ({"degree": -1}, ["degree must be", "got -1"]),
        ({"x": np.zeros((0, 4))}, ["x must be a number"]),
        ({"x": np.full((2, 4), 1.5)}, ["x must be a number in [-1, 1]", "Scale x"]),
        ({"y": np.zeros((2, 3))}, ["y must be a float array of shape (2, 4)"]),
        ({"x_test": np.zeros((3, 5))}, ["x_test must have shape (n,), or (2, n)", "got (3, 5)"]),
        ({"x_test": np.zeros((1, 2, 5))}, ["x_test must have shape (n,)"]),
        ({"x_test": np.array([11.0])}, ["x_test must be a number in [-10, 10]", "Scale x"]),
    ],
)
def test_polynomial_fits_names_what_is_wrong(wrong, message):
    x = np.array([[-1, 0, 0.5, 1], [-0.5, 0, 0.5, 1]])
    with raises(*message):
        polynomial_fits(**({"x": x, "y": x, "degree": 2, "x_test": x[0]} | wrong))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rows", [[0, 1], [1, 0]])
def test_points_must_determine_the_polynomial(rows, dtype):
    x = np.array([[0.5, -1, 0.5, 0, 0.5], [-1, -0.5, 0, 0.5, 1]], dtype)[rows]  # 3 and 5 different numbers
    y = np.array([[1.0, 2, 1, 3, 1], [1, 2, 3, 4, 5]], dtype)[rows]
    np.testing.assert_allclose(polynomial_fits(x, y, 2, x), y, atol=1e-5)
    with raises("x must hold degree + 1 = 4 clearly different numbers", f"got fewer in row {rows[0]}"):
        polynomial_fits(x, y, 3, x)


def test_points_that_differ_by_rounding_only_do_not_count():
    # columns (1, 1) and (0, g): orthogonal to the first, g / sqrt(2) is left; 1000 eps is 2.2e-13
    y = np.array([[0.0, 1.0]])
    assert polynomial_fits(np.array([[0.0, 4.5e-13]]), y, 1, np.zeros(1)) == pytest.approx(0, abs=1e-3)
    for g in (2e-13, 5e-324):
        with raises("x must hold degree + 1 = 2 clearly different"):
            polynomial_fits(np.array([[0.0, g]]), y, 1, np.zeros(1))


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


@pytest.mark.parametrize(
    ("base", "train", "dev", "high_bias", "high_variance"),
    [
        (0.01, 0.02, 0.12, False, True),
        (0.01, 0.15, 0.16, True, False),
        (0.01, 0.15, 0.30, True, True),
        (0.14, 0.15, 0.16, False, False),
        (0.01, 0.06, 0.06, True, False),  # exactly at the threshold counts as high
        (0.10, 0.02, 0.02, False, False),
    ],
)
def test_diagnosis(base, train, dev, high_bias, high_variance):
    found = diagnose(base, train, dev)
    assert (found.high_bias, found.high_variance) == (high_bias, high_variance)
    assert found.avoidable_bias == pytest.approx(train - base)
    assert found.variance == pytest.approx(dev - train)
    expected = REMEDIES["high bias"][:: 1 if high_bias else 99][: 99 if high_bias else 0]
    expected += REMEDIES["high variance"] if high_variance else ()
    assert found.remedies == expected


def test_the_threshold_of_a_high_gap():
    # rounding must not decide: a gap counts as high from a billionth below the threshold on
    assert diagnose(0.0, 0.3 - 0.5e-9, 0.3, threshold=0.3).high_bias
    assert not diagnose(0.0, 0.3 - 1.5e-9, 0.3, threshold=0.3).high_bias
    assert diagnose(0.0, 0.0, 0.3 - 0.5e-9, threshold=0.3).high_variance
    assert not diagnose(0.0, 0.0, 0.3 - 1.5e-9, threshold=0.3).high_variance
    assert not diagnose(0.0, 0.0499, 0.0998).remedies  # 0.05 by default
    exactly = 0.5 - 1e-9
    assert diagnose(0.0, exactly, exactly, threshold=0.5).high_bias
    assert diagnose(0.0, 0.0, exactly, threshold=0.5).high_variance


def test_diagnosis_wants_fractions():
    with raises("dev must be a number in [0, 1]; got 12. It is a fraction: for 8% pass 0.08."):
        diagnose(0.01, 0.02, 12)
    with raises("threshold must be a number in [0, 1]; got 5"):
        diagnose(0.01, 0.02, 0.1, threshold=5)


def test_error_rate_of_a_population():
    probabilities = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.4, 0.6], [0.2, 0.8]]])
    assert error_rate(probabilities, np.eye(2)).tolist() == [0, 0.5]
    assert error_rate(probabilities, np.array([np.eye(2), np.eye(2)[::-1]])).tolist() == [0, 0.5]
    assert error_rate(probabilities[:, :1], np.eye(2)[:1]).tolist() == [0, 1]  # of one example


@pytest.mark.parametrize(
    ("shape", "labels"),
    [((0, 2), (0, 2)), ((3, 2), (3, 4)), ((3, 2), (1, 2)), ((3, 2), (2, 3, 2)), ((2, 3, 2), (4, 3, 2))],
)
def test_error_rate_wants_labels_of_the_same_shape(shape, labels):
    with raises("probabilities and Y must have the same shape", f"got {shape} and {labels}"):
        error_rate(np.zeros(shape), np.zeros(labels))


def test_nested_batches_use_only_the_first_examples(rng):
    X = np.arange(64.0)[:, None]
    batches = nested_minibatches(X, 10 * X, (4, 16, 64), 8, rng)
    seen = [next(batches) for _ in range(8)]
    rows = np.concatenate([batch.X[..., 0] for batch in seen], axis=1)
    for k, size in enumerate((4, 16, 64)):
        # 64 draws: every example 64 / size times
        assert np.bincount(rows[k].astype(int), minlength=64).tolist() == [64 // size] * size + [0] * (
            64 - size
        )
    assert all((batch.Y == 10 * batch.X).all() for batch in seen)


def test_nested_batches_draw_a_new_order_when_the_old_one_is_used_up():
    X = np.arange(8.0)[:, None]
    batches = nested_minibatches(X, X, (4, 8, 1), 4, generator())
    rng = generator()
    small, large = rng.permutation(4), rng.permutation(8)
    rng.permutation(1), rng.permutation(1), rng.permutation(1), rng.permutation(1)
    assert next(batches).X[..., 0].tolist() == [small.tolist(), large[:4].tolist(), [0] * 4]
    small = rng.permutation(4)
    assert next(batches).X[..., 0].tolist() == [small.tolist(), large[4:].tolist(), [0] * 4]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"X": np.zeros(8)}, ["X must be a number array of shape (m, n_features)"]),
        ({"Y": np.zeros((7, 1))}, ["Y must be a number array of shape (8, n_out)"]),
        ({"sizes": ()}, ["sizes must be a sequence of numbers, one at least", "got ()"]),
        ({"sizes": 4}, ["sizes must be a sequence", "got 4"]),
        ({"sizes": (4, 9)}, ["Each of sizes must be an integer in [1, 8]", "got 9", "There are 8"]),
        ({"sizes": (0,)}, ["Each of sizes must be", "got 0"]),
        ({"batch_size": 0}, ["batch_size must be an integer in [1, inf)"]),
        ({"rng": 1}, ["rng must be"]),
    ],
)
def test_nested_minibatches_names_what_is_wrong_at_the_call(wrong, message):
    X = np.zeros((8, 1))
    with raises(*message):
        nested_minibatches(**({"X": X, "Y": X, "sizes": (4,), "batch_size": 2, "rng": generator()} | wrong))


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

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from dlhelpers.bias_variance import (
    REMEDIES,
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


@pytest.fixture(scope="module")
def small_digits():
    """300 training, 100 dev and 100 test digits with gray levels from 0 to 1."""
    X, y, *_ = digits()
    return split(X[:500] / 16, y[:500], dev=100, test=100, rng=np.random.default_rng(0))


# 1.1 ------------------------------------------------------------------------------------------------


def test_standard_error_is_the_scatter_of_measured_accuracies(rng):
    measured = rng.binomial(200, 0.8, size=20_000) / 200
    assert standard_error(0.8, 200) == pytest.approx(measured.std(), rel=0.02)


@pytest.mark.parametrize(
    ("share", "n", "word"), [(80, 100, "fraction"), (-0.1, 100, "fraction"), (0.8, 0, "n must")]
)
def test_standard_error_names_what_is_wrong(share, n, word):
    with pytest.raises(ValueError, match=word):
        standard_error(share, n)


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


def test_neighbors_agree_with_scikit_learn(rng):
    X, y, *_ = digits()
    X, y = X[:400] + rng.normal(scale=0.01, size=(400, 64)), y[:400]  # no ties
    in_train = rng.random(400) < 0.1  # so few that 64 neighbors are not enough for some
    wrong = nearest_neighbor_errors(neighbor_order(X), y, in_train)
    peer = KNeighborsClassifier(1).fit(X[in_train], y[in_train])
    np.testing.assert_array_equal(wrong, peer.predict(X[~in_train]) != y[~in_train])


def test_split_errors_counts_what_was_asked_for(rng):
    X, y, *_ = digits()
    result = split_errors(neighbor_order(X[:300]), y[:300], 50, 30, 20, rng)
    assert (result.n_train, result.n_dev, result.n_test) == (220, 50, 30)
    np.testing.assert_allclose((result.dev * 50) % 1, 0, atol=1e-9)
    np.testing.assert_allclose((result.test * 30) % 1, 0, atol=1e-9)
    assert len(np.unique(result.dev)) > 1


def test_a_split_must_leave_a_training_set(rng):
    with pytest.raises(ValueError, match="leave a training set out of 10 examples; got 5 and 5"):
        split_errors(np.zeros((10, 10), dtype=np.int16), np.zeros(10, dtype=int), 5, 5, 1, rng)


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


def test_more_coefficients_than_points_are_refused(rng):
    x = rng.uniform(-1, 1, (3, 5))
    with pytest.raises(ValueError, match=r"degree must be in \[0, 4\] for 5 points; got 5"):
        polynomial_fits(x, x, 5, x[0])


def test_networks_learn_each_their_own_data(rng):
    x = rng.uniform(-1, 1, (2, 40))
    y = np.array([[1.0], [-1.0]]) * x  # the first rises, the second falls
    stages = list(network_fits(x, y, 3, np.array([-0.5, 0.5]), 300, rng))
    assert [share for share, _ in stages] == [0, 1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6, 1]
    np.testing.assert_allclose(stages[-1][1], [[-0.5, 0.5], [0.5, -0.5]], atol=0.05)


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


def test_diagnosis_wants_fractions():
    with pytest.raises(ValueError, match=r"dev must be a fraction in \[0, 1\]; got 12. For 8% pass 0.08."):
        diagnose(0.01, 0.02, 12)


def test_error_rate_of_a_population():
    probabilities = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.4, 0.6], [0.2, 0.8]]])
    assert error_rate(probabilities, np.eye(2)).tolist() == [0, 0.5]


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


def test_random_features_are_worst_where_they_are_as_many_as_the_examples(small_digits):
    def error(m, n_features):
        return np.mean(
            [random_feature_error(small_digits, m, n_features, np.random.default_rng(s)) for s in range(5)]
        )

    assert error(100, 50) < error(100, 100) > error(100, 400)
    assert error(50, 100) < error(100, 100) > error(300, 100)

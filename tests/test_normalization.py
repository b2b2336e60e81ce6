from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from dlhelpers.datasets import breast_cancer, digits
from dlhelpers.minibatches import Batch
from dlhelpers.normalization import LeastSquares, Normalization, best_rate, condition_number, fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend


def test_mean_and_scale_by_hand():
    # means (1 + 2 + 6) / 3 and (0 + 2 + 4) / 3, variances (4 + 1 + 9) / 3 and (4 + 0 + 4) / 3
    X = np.array([[1.0, 0.0], [2.0, 2.0], [6.0, 4.0]])
    normalization = fit(X)
    np.testing.assert_allclose(normalization.mean, [3, 2])
    np.testing.assert_allclose(normalization.scale, np.sqrt([14 / 3, 8 / 3]))
    np.testing.assert_allclose(normalization.apply(X)[2], [3 / np.sqrt(14 / 3), 2 / np.sqrt(8 / 3)])


def test_apply_and_inverse_by_hand():
    normalization = Normalization(np.array([3.0, -1.0]), np.array([2.0, 4.0]))
    np.testing.assert_array_equal(normalization.apply(np.array([[7.0, 1.0]])), [[2, 0.5]])
    np.testing.assert_array_equal(normalization.inverse(np.array([[2.0, 0.5]])), [[7, 1]])
    np.testing.assert_array_equal(normalization.apply(np.full((2, 5, 2), 3.0))[1, 4], [0, 1])


@pytest.mark.parametrize("load", [digits, breast_cancer])  # three pixels of the digits are constant
def test_agrees_with_scikit_learn(load):
    X = load().X
    train, test = X[:300], X[300:]
    peer, own = StandardScaler().fit(train), fit(train)
    np.testing.assert_allclose(own.mean, peer.mean_, rtol=1e-12)
    np.testing.assert_allclose(own.scale, peer.scale_, rtol=1e-12)
    np.testing.assert_allclose(own.apply(test), peer.transform(test), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(own.inverse(own.apply(test)), test, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    "column",
    [
        np.full(100, 0.1),
        np.full(33, 1e10 / 3),
        np.full(7, 1e-300),
        np.zeros(5),
        np.array([1.0, 1.0 + 2**-52] * 10),  # rounding only: constant
        np.array([1.0, 1.0 + 1e-12] * 10),  # a real difference
        np.array([0.0, 1e-100] * 10),
        np.array([5.0]),
    ],
)
def test_constant_features_are_those_of_scikit_learn(column):
    X = column[:, None]
    own, peer = fit(X), StandardScaler().fit(X)
    assert own.scale[0] == pytest.approx(peer.scale_[0], rel=1e-3)
    if np.ptp(column) == 0:
        assert own.scale[0] == 1
        np.testing.assert_array_equal(own.apply(X), 0)


def test_float32_is_summed_in_float64_and_stays_float32():
    column = 1e4 + np.arange(10_000) % 2 / 8
    X = column[:, None].astype(np.float32)
    normalization = fit(X)
    assert normalization.mean.dtype == normalization.scale.dtype == np.float32
    assert normalization.scale[0] == pytest.approx(1 / 16, rel=1e-6)
    assert normalization.apply(X).dtype == normalization.inverse(X).dtype == np.float32
    wide = fit(X.astype(float))
    assert wide.apply(X).dtype == wide.inverse(X).dtype == np.float32
    tiny = fit(np.array([[0.0]] * 999 + [[1e-45]], dtype=np.float32))
    assert tiny.scale[0] == 1  # its sigma is 0 in float32


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_normalized_features_have_mean_0_and_deviation_1_or_are_0(column):
    X = np.array(column)[:, None]
    if 0 < np.ptp(X) < 1e-3:
        return
    normalized = fit(X).apply(X)
    assert abs(normalized.mean()) < 1e-6
    assert normalized.std() == pytest.approx(0 if np.ptp(X) == 0 else 1, abs=1e-6)


def test_condition_number_by_hand():
    # Two features without correlation: H = diag(mean of x1^2, of x2^2, 1) = diag(100, 4, 1)
    X = np.array([[10.0, 2.0], [10.0, -2.0], [-10.0, 2.0], [-10.0, -2.0]])
    assert condition_number(X) == pytest.approx(100)
    assert condition_number(X, bias=False) == pytest.approx(25)
    # One feature, 0 and 2, with the bias: H = [[2, 1], [1, 1]], eigenvalues (3 +- sqrt(5)) / 2
    root = np.sqrt(5)
    assert condition_number(np.array([[0.0], [2.0]])) == pytest.approx((3 + root) / (3 - root))
    assert condition_number(np.array([[0.0], [2.0]]), bias=False) == pytest.approx(1)


@pytest.mark.parametrize("bias", [False, True])
def test_condition_number_is_that_of_the_hessian(bias, rng):
    X = 50 * rng.normal(size=(40, 3)) @ rng.normal(size=(3, 3)) + 100
    A = np.column_stack([X, np.ones(40)]) if bias else X
    assert condition_number(X, bias=bias) == pytest.approx(np.linalg.cond(A.T @ A / 40), rel=1e-6)
    assert condition_number(X.astype(np.float32), bias=bias) == pytest.approx(
        condition_number(X, bias=bias), rel=1e-2
    )


def test_normalizing_lowers_the_condition_number():
    X = breast_cancer().X
    assert condition_number(X) > 1e11
    assert condition_number(fit(X).apply(X)) < 1e6


@pytest.mark.parametrize(
    "X",
    [
        np.ones((5, 1)),  # the bias again
        np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]),  # a sum of others
        np.array([[1.0, 2.0]]),  # fewer examples than parameters
        np.zeros((3, 1)),
    ],
)
def test_singular_is_infinite(X):
    assert condition_number(X) == np.inf


def test_condition_number_without_bias_at_the_limits():
    assert condition_number(np.zeros((3, 1)), bias=False) == np.inf
    assert condition_number(np.ones((1, 1)), bias=False) == 1
    assert condition_number(np.diag([1.0, 1e-10]), bias=False) == pytest.approx(1e20)
    assert condition_number(np.diag([1.0, 1e-16]), bias=False) == np.inf
    assert condition_number(np.full((2, 1), 1e308), bias=False) == pytest.approx(1)


@pytest.mark.parametrize("function", [fit, condition_number])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (None, "X must be a float array .*None"),
        ([[1.0]], r"X must be a float array .*\[\[1.0\]\]"),
        (np.array([[1, 2]]), r"X must be a float array .*astype\(float\)"),
        (np.zeros(3), "X must be"),
        (np.array([[1.0, 2.0], [3.0, np.nan]]), r"X must hold finite numbers.*nan at \[1, 1\]"),
        (np.zeros((0, 2)), r"X must hold at least one example of one feature; got shape \(0, 2\)"),
        (np.zeros((2, 0)), "X must hold at least one example"),
    ],
)
def test_bad_features_are_named(function, X, message):
    with pytest.raises(ValueError, match=message):
        function(X)


def test_other_bad_input_is_named():
    normalization = fit(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]]))
    for function in (normalization.apply, normalization.inverse):
        with pytest.raises(ValueError, match=r"X must be .*\(\.\.\., 3\).*training set had 3 features"):
            function(np.zeros((5, 4)))
        with pytest.raises(ValueError, match=r"got inf at \[0, 2\]"):
            function(np.array([[0.0, 0.0, np.inf]]))
    with pytest.raises(ValueError, match=r"squared; got 1e\+200 in feature 1"):
        fit(np.array([[0.0, 1e200], [0.0, -1e200]]))
    with pytest.raises(ValueError, match="bias must be True or False"):
        condition_number(np.ones((2, 1)), bias=1)
    with pytest.raises(ValueError, match="mean must be"):
        Normalization([1.0], np.ones(1))
    with pytest.raises(ValueError, match=r"scale must be .*\(2,\)"):
        Normalization(np.zeros(2), np.ones(3))
    with pytest.raises(ValueError, match=r"scale must be above 0; got 0.0 for feature 1\."):
        Normalization(np.zeros(2), np.array([1.0, 0.0]))


def test_overflow_is_infinite_without_a_warning():
    normalization = Normalization(np.array([0.0]), np.array([1e-300]))
    assert normalization.apply(np.array([[1e100]]))[0, 0] == np.inf
    assert Normalization(np.zeros(1), np.array([1e300])).inverse(np.array([[1e100]]))[0, 0] == np.inf


def test_condition_number_of_numbers_near_the_end_of_float64():
    X = np.zeros((9, 1))
    X[1:] = -1e308  # the length of this column is infinity
    assert condition_number(X, bias=False) == 1


def test_what_counts_as_singular_grows_with_the_matrix():
    # 10,000 rows: the limit is 1e4 * 2.2e-16 of the largest singular value, which is 100 here: 2.2e-10
    first, second = np.ones(10_000), np.resize([1.0, -1.0], 10_000)
    for length, singular in ((1e-10, True), (1e-9, False)):
        X = np.column_stack([first, length / 100 * second])
        assert np.isinf(condition_number(X, bias=False)) == singular


def test_a_small_spread_of_float32_is_not_constant():
    # the variance, 1e-50, is no float32; the standard deviation, 1e-25, is
    X = np.array([[0.0], [2e-25]], dtype=np.float32)
    assert fit(X).scale[0] == pytest.approx(1e-25)


# ------------------------------------------------------------------------- the valley


def test_least_squares_by_hand():
    # w = (1, -1): predictions 1 - 2 = -1 and 3, minus y: -2 and 2; J = (4 + 4) / 4
    # gradient = (1 * -2 + 3 * 2, 2 * -2 + 0) / 2; H = [[1 + 9, 2], [2, 4]] / 2
    batch = Batch(np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[1.0], [1.0]]))
    w = np.array([1.0, -1.0])
    assert LeastSquares().loss(w, batch) == 2
    np.testing.assert_allclose(LeastSquares().gradient(w, batch), [2, -2])
    np.testing.assert_allclose(LeastSquares().hessian(batch), [[5, 1], [1, 2]])


def test_least_squares_of_a_population(rng):
    batch, w = Batch(rng.normal(size=(7, 3)), rng.normal(size=(7, 1))), rng.normal(size=(4, 3))
    cost = LeastSquares()
    assert cost.loss(w, batch).shape == (4,)
    for k in range(4):
        assert cost.loss(w, batch)[k] == pytest.approx(cost.loss(w[k], batch))
        np.testing.assert_allclose(cost.gradient(w, batch)[k], cost.gradient(w[k], batch))


def test_gradient_and_hessian_are_derivatives(rng):
    batch, w, d = (
        Batch(rng.normal(size=(9, 2)), rng.normal(size=(9, 1))),
        rng.normal(size=2),
        np.array([1e-5, 2e-5]),
    )
    cost = LeastSquares()
    assert cost.loss(w + d, batch) - cost.loss(w - d, batch) == pytest.approx(2 * cost.gradient(w, batch) @ d)
    np.testing.assert_allclose(
        cost.gradient(w + d, batch) - cost.gradient(w, batch), cost.hessian(batch) @ d, rtol=1e-6
    )


def test_best_rate_by_hand():
    found = best_rate(np.array([[3.0, 1.0], [1.0, 3.0]]))  # eigenvalues 2 and 4
    assert found.rate == pytest.approx(2 / 6)
    assert found.factor == pytest.approx(2 / 6)
    assert best_rate(np.diag([5.0, 1.0])).factor == pytest.approx(4 / 6)
    assert best_rate(np.array([[4.0]])) == (0.25, 0.0)


def test_a_hessian_may_be_unsymmetric_by_rounding_only():
    H = np.array([[500.0, -100.0], [-100.0, 500.0]])
    above = np.array([[0.0, 1.0], [0.0, 0.0]])
    assert best_rate(H + 4e-4 * above).rate == pytest.approx(best_rate(H).rate)
    with pytest.raises(ValueError, match="H must be symmetric"):
        best_rate(H + 8e-4 * above)


def test_the_sum_of_the_eigenvalues_must_be_a_number():
    assert best_rate(np.diag([1.0, 1.0, 1.5e308])).rate == pytest.approx(2 / 1.5e308)
    with pytest.raises(ValueError, match="H must"):
        best_rate(np.diag([1.5e308, 1.5e308, 1.5e308]))


def test_no_other_rate_is_better_than_the_best(rng):
    X = rng.normal(size=(50, 2)) * [3.0, 1.0] + 1
    cost, batch = LeastSquares(), Batch(X, X @ np.ones((2, 1)))
    rate, factor = best_rate(cost.hessian(batch))

    def left(times):
        run = descend(cost, np.array([3.0, -2.0]), repeat(batch), GradientDescent(), times * rate)
        return [float(step.loss) for step in islice(run, 41)]

    losses = left(1.0)
    assert losses[40] / losses[39] == pytest.approx(factor**2, rel=1e-3)
    assert losses[40] < min(left(0.9)[40], left(1.05)[40])
    assert left(1.001 + 1 / condition_number(X, bias=False))[40] > 1  # it does not converge


@pytest.mark.parametrize(
    "H",
    [
        None,
        np.ones(2),
        np.ones((2, 3)),
        np.zeros((0, 0)),
        np.diag([1.0, 0.0]),
        np.array([[1.0, 2.0], [0.0, 1.0]]),
        np.array([[1.0, 1e308], [-1e308, 1.0]]),  # the difference overflows, without a warning
    ],
)
def test_bad_hessians_are_named(H):
    with pytest.raises(ValueError, match="H must"):
        best_rate(H)


def test_bad_regressions_are_named():
    batch = Batch(np.ones((3, 2)), np.ones((3, 1)))
    for wrong, message in (
        ((np.ones(3), batch), r"theta must be .*\(\.\.\., 2\)"),
        ((np.ones(2), batch._replace(Y=np.ones(3))), r"Y must be .*\(3, 1\)"),
        ((np.ones(2), None), "batch must be a Batch; got None"),
    ):
        with pytest.raises(ValueError, match=message):
            LeastSquares().loss(*wrong)

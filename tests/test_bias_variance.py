import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.bias_variance import (
    REMEDIES,
    Luck,
    decompose,
    diagnose,
    draw_luck,
    polynomial_fits,
    select_best,
    standard_error,
)


def generator(seed=0):
    return np.random.default_rng(seed)


def raises(*parts):
    """Expect a ValueError whose message has these parts in this order."""
    return pytest.raises(ValueError, match="(?s)" + ".*".join(map(re.escape, parts)))


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

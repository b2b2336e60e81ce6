import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from dlhelpers.averages import (
    correct,
    effective_window,
    moving_average,
    rule_of_thumb_window,
    update,
    weights,
)


def test_three_values_by_hand():
    # beta = 0.75, values 8, 4, 16:
    # v = 0.25 * 8 = 2, then 0.75 * 2 + 0.25 * 4 = 2.5, then 0.75 * 2.5 + 0.25 * 16 = 5.875
    # divided by 1 - 0.75 = 0.25, by 1 - 0.5625 = 0.4375, by 1 - 0.421875 = 0.578125
    x = np.array([8.0, 4.0, 16.0])
    np.testing.assert_array_equal(moving_average(x, 0.75), [2, 2.5, 5.875])
    np.testing.assert_allclose(
        moving_average(x, 0.75, bias_correction=True), [8, 2.5 / 0.4375, 5.875 / 0.578125], rtol=1e-15
    )


def test_the_series_is_made_of_single_updates(rng):
    x, v = rng.normal(size=(20, 3)), np.zeros(3)
    plain, corrected = moving_average(x, 0.8), moving_average(x, 0.8, bias_correction=True)
    for t, value in enumerate(x, start=1):
        v = update(v, value, 0.8)
        np.testing.assert_allclose(plain[t - 1], v, rtol=1e-14)
        np.testing.assert_allclose(corrected[t - 1], correct(v, 0.8, t), rtol=1e-14)


@given(beta=st.floats(0, 0.999), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_it_is_the_recursive_filter_of_scipy(beta, seed):
    x = np.random.default_rng(seed).normal(size=(30, 2))
    np.testing.assert_allclose(
        moving_average(x, beta), lfilter([1 - beta], [1, -beta], x, axis=0), atol=1e-13
    )


def test_beta_0_is_the_series_itself(rng):
    x = rng.normal(size=10)
    np.testing.assert_array_equal(moving_average(x, 0.0), x)
    np.testing.assert_array_equal(moving_average(x, 0, bias_correction=True), x)


@given(beta=st.floats(0, 0.999), value=st.floats(-1e6, 1e6))
@settings(max_examples=30, deadline=None)
def test_the_corrected_average_of_a_constant_is_the_constant(beta, value):
    average = moving_average(np.full(20, value), beta, bias_correction=True)
    np.testing.assert_allclose(average, value, rtol=1e-9, atol=1e-300)


@given(beta=st.floats(0, 0.99), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_the_corrected_average_lies_between_the_least_and_the_greatest_value(beta, seed):
    x = np.random.default_rng(seed).normal(size=20)
    average = moving_average(x, beta, bias_correction=True)
    assert (average >= np.minimum.accumulate(x) - 1e-12).all()
    assert (average <= np.maximum.accumulate(x) + 1e-12).all()


@pytest.mark.parametrize("bias_correction", [False, True])
def test_several_betas_at_once_equal_one_at_a_time(rng, bias_correction):
    x, betas = rng.normal(size=15), np.array([0.0, 0.5, 0.9])
    together = moving_average(x, betas, bias_correction)
    assert together.shape == (15, 3)
    for k, beta in enumerate(betas):
        np.testing.assert_allclose(together[:, k], moving_average(x, float(beta), bias_correction))
    population = moving_average(rng.normal(size=(15, 3, 4)), betas[:, None], bias_correction)
    assert population.shape == (15, 3, 4)


def test_weights_by_hand():
    # beta = 0.75, three values: 0.25 * 0.75^2, 0.25 * 0.75, 0.25
    np.testing.assert_array_equal(weights(0.75, 3), [0.140625, 0.1875, 0.25])
    np.testing.assert_array_equal(weights(0, 3), [0, 0, 1])


@given(beta=st.floats(0, 0.999), t=st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_weights_give_the_average_and_add_up_to_less_than_1(beta, t):
    x = np.random.default_rng(t).normal(size=t)
    w = weights(beta, t)
    assert w @ x == pytest.approx(moving_average(x, beta)[-1], abs=1e-12)
    assert w.sum() == pytest.approx(1 - beta**t, rel=1e-9, abs=1e-12)
    assert correct(w, beta, t).sum() == pytest.approx(1, rel=1e-9)


def test_weights_of_several_betas_are_rows():
    rows = weights(np.array([[0.5], [0.75]]), 4)
    np.testing.assert_array_equal(rows, [weights(0.5, 4), weights(0.75, 4)])


def test_both_windows():
    assert rule_of_thumb_window(0.9) == pytest.approx(10)
    assert rule_of_thumb_window(0.98) == pytest.approx(50)
    assert effective_window(0.9) == pytest.approx(19)
    assert rule_of_thumb_window(0.0) == effective_window(0.0) == 1
    np.testing.assert_allclose(rule_of_thumb_window(np.array([0.5, 0.75])), [2, 4])
    np.testing.assert_allclose(effective_window(np.array([0.5, 0.75])), [3, 7])


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.98])
def test_the_effective_window_is_that_of_the_variance(beta):
    # The mean of n values has the variance 1 / n; the average has the sum of its squared weights.
    assert effective_window(beta) == pytest.approx(1 / (weights(beta, 2000) ** 2).sum())


def test_the_share_that_is_left_after_the_window_is_1_over_e_only_in_the_limit():
    def share(beta):
        return beta ** rule_of_thumb_window(beta)

    assert share(0.9) == pytest.approx(0.3487, abs=1e-4)
    assert share(0.999999) == pytest.approx(np.exp(-1), abs=1e-6)


def test_float32_stays_float32():
    x = np.ones((5, 2), dtype=np.float32)
    for beta in (0.9, np.float64(0.9), np.full((2,), 0.9)):
        assert moving_average(x, beta).dtype == np.float32
        assert update(x[0], x[1], beta).dtype == correct(x[0], beta, 3).dtype == np.float32
    assert update(0.0, x[0], np.float64(0.9)).dtype == np.float32
    assert update(1, 2, 0.5) == 1.5  # integers become floats
    assert correct(2, 0.5, 2) == pytest.approx(8 / 3)


def test_nothing_is_changed_in_place(rng):
    x = rng.normal(size=(5, 2))
    copy = x.copy()
    moving_average(x, 0.9, bias_correction=True)
    update(x[0], x[1], 0.9)
    correct(x[0], 0.9, 1)
    np.testing.assert_array_equal(x, copy)


def test_infinity_gives_no_warning():
    infinite = np.array([np.inf, -np.inf, np.nan, 1e308])
    assert np.isnan(update(infinite, -infinite, 0.0)[:3]).all()
    assert np.isinf(correct(infinite, 0.999, 1)[3])


@pytest.mark.parametrize(
    "call",
    [
        lambda beta: moving_average(np.ones(3), beta),
        lambda beta: update(1.0, 1.0, beta),
        lambda beta: correct(1.0, beta, 1),
        lambda beta: weights(beta, 3),
        rule_of_thumb_window,
        effective_window,
    ],
)
def test_beta_is_below_1_and_may_be_0(call):
    assert np.isfinite(call(0)).all()
    for beta in (1, 1.0, -1e-9, np.nan, None, "x", [0.9], True):
        with pytest.raises(ValueError, match=r"beta must be a number in \[0, 1\); got .* It is the share"):
            call(beta)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, None, [1.0]])
def test_single_values_are_finite_numbers(value):
    for call in (lambda: update(value, 1.0, 0.9), lambda: correct(value, 0.9, 1)):
        with pytest.raises(ValueError, match=r"v must be a number in \(-inf, inf\); got .* float array"):
            call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: moving_average([1.0, 2.0], 0.9),
            r"x must be a float array of shape \(...\); got \[1.0, 2.0\]",
        ),
        (lambda: moving_average(np.array(1.0), 0.9), r"x must have shape \(T, ...\) .* got \(\)"),
        (lambda: moving_average(np.zeros((0, 2)), 0.9), r"x must have shape \(T, ...\) .* got \(0, 2\)"),
        (
            lambda: moving_average(np.array([1.0, np.nan]), 0.9),
            r"x must hold finite numbers only; got nan at \[1\]",
        ),
        (
            lambda: moving_average(np.ones(3), 1.0),
            r"beta must be a number in \[0, 1\); got 1.0. It is the share",
        ),
        (lambda: moving_average(np.ones(3), 0.9, 1), "bias_correction must be True or False; got 1"),
        (
            lambda: moving_average(np.ones((5, 3)), np.full(2, 0.9)),
            r"x and beta must have shapes that broadcast; got x \(3,\), beta \(2,\)",
        ),
        (lambda: update("x", 1.0, 0.9), "v must be a number"),
        (lambda: update(1.0, np.array([1]), 0.9), "x must be a float array"),
        (lambda: update(1.0, np.nan, 0.9), "x must be a number"),
        (lambda: update(1.0, 1.0, -0.1), "beta must be a number"),
        (lambda: update(np.ones(2), np.ones(3), 0.9), "v and x and beta must have shapes that broadcast"),
        (lambda: correct(None, 0.9, 1), "v must be a number"),
        (lambda: correct(1.0, 1.5, 1), "beta must be a number"),
        (lambda: correct(1.0, 0.9, 0), r"t must be an integer in \[1, 1e18\]; got 0. It counts"),
        (lambda: correct(np.ones(2), np.full(3, 0.9), 1), "v and beta must have shapes that broadcast"),
        (lambda: weights(-0.5, 3), "beta must be a number"),
        (lambda: weights(np.full(3, 0.5), 3), r"beta must be a float array of shape \(K, 1\)"),
        (lambda: weights(0.5, 2.5), "t must be an integer"),
        (lambda: correct(1.0, 0.9, 10**400), "t must be an integer"),
        (lambda: weights(0.5, 10**18), "t must be an integer"),
        (lambda: weights(0.5, 0), "t must be an integer"),
        (lambda: rule_of_thumb_window(1), "beta must be a number"),
        (lambda: effective_window(None), "beta must be a number"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()

"""Calibration against hand arithmetic, an independent count, and SciPy's minimizer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import binom

from dlhelpers.calibration import answers, chance, fit_temperature, reliability
from dlhelpers.datasets import one_hot


def test_two_bins_by_hand():
    # bin [0, .5): .3 misses, .4 hits: conf .35, acc .5; bin [.5, 1]: .5, .9, 1 with two hits: .8 and 2/3
    confidence = np.array([0.5, 0.3, 0.9, 0.4, 1.0])
    correct = np.array([False, False, True, True, True])
    found = reliability(confidence, correct, bins=2)
    assert found.counts.tolist() == [2, 3]
    np.testing.assert_allclose(found.confidence, [0.35, 0.8])
    np.testing.assert_allclose(found.accuracy, [0.5, 2 / 3])
    assert found.error == pytest.approx(0.4 * 0.15 + 0.6 * (0.8 - 2 / 3))


def test_one_bin_is_the_gap_of_the_means():
    confidence, correct = np.array([0.9, 0.8]), np.array([True, False])
    assert reliability(confidence, correct, bins=1).error == pytest.approx(0.35)


def test_a_bin_without_answers_is_nan_and_counts_nothing():
    found = reliability(np.array([0.95]), np.array([True]), bins=10)
    assert np.isnan(found.accuracy[:9]).all() and found.error == pytest.approx(0.05)


@given(st.integers(1, 60), st.integers(1, 25), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_it_agrees_with_a_count_one_by_one(m, bins, seed):
    rng = np.random.default_rng(seed)
    confidence, correct = rng.random(m), rng.random(m) < 0.6
    expected = 0.0
    for low, high in zip(np.arange(bins) / bins, np.arange(1, bins + 1) / bins, strict=True):
        inside = [i for i in range(m) if low <= confidence[i] < high]
        if inside:
            gap = sum(correct[i] for i in inside) - sum(confidence[i] for i in inside)
            expected += abs(gap) / m
    assert reliability(confidence, correct, bins).error == pytest.approx(expected, abs=1e-9)


def test_answers_take_the_first_of_equal_classes():
    P = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    found = answers(P, one_hot(np.array([1, 2]), 3))
    assert found.confidence.tolist() == [0.5, 0.5] and found.correct.tolist() == [False, True]


def test_chance_is_binomial_where_all_answers_are_equally_sure():
    """With n answers of confidence p in one bin, the hits of a perfect model are binomial."""
    n, p = 40, 0.75
    found = chance(np.full(n, p), bins=10, repeats=20_000, rng=np.random.default_rng(0))
    assert np.flatnonzero(~np.isnan(found.low)).tolist() == [7]
    assert found.low[7] == binom.ppf(0.05, n, p) / n and found.high[7] == binom.ppf(0.95, n, p) / n
    k = np.arange(n + 1)
    expected = binom.pmf(k, n, p) @ np.abs(k / n - p)
    assert found.errors.mean() == pytest.approx(expected, rel=0.02)


def test_chance_weighs_the_bins_by_their_answers():
    """A certain answer adds no luck: with 30 of 40 certain ones, the error is a quarter of that of ten."""
    many, few = np.r_[np.ones(30), np.full(10, 0.55)], np.full(10, 0.55)
    with_certain, alone = (
        chance(each, 10, 20_000, np.random.default_rng(1)).errors.mean() for each in (many, few)
    )
    assert with_certain == pytest.approx(alone / 4, rel=0.03)


def test_a_perfect_model_is_as_good_as_chance_says():
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.2, 1, 500)
    errors = [reliability(confidence, rng.random(500) < confidence, 12).error for _ in range(400)]
    expected = chance(confidence, 12, 400, rng).errors
    assert np.mean(errors) == pytest.approx(expected.mean(), rel=0.05)
    assert np.quantile(errors, 0.95) == pytest.approx(np.quantile(expected, 0.95), rel=0.1)


@given(st.integers(0, 99), st.floats(0.1, 8))
@settings(max_examples=25, deadline=None)
def test_the_temperature_is_that_of_scipy(seed, scale):
    rng = np.random.default_rng(seed)
    logits = scale * rng.normal(size=(60, 4))
    y = np.array([rng.choice(4, p=np.exp(row) / np.exp(row).sum()) for row in logits / scale / 0.8])

    def cost(log_t):
        return -np.mean(log_softmax(logits / np.exp(log_t), axis=1)[np.arange(60), y])

    ends = np.log([0.01, 100])
    best = minimize_scalar(cost, bounds=ends, method="bounded", options={"xatol": 1e-10})
    assert fit_temperature(logits, one_hot(y, 4)) == pytest.approx(np.exp(best.x), rel=1e-4)


def test_logits_that_were_multiplied_ask_for_that_temperature_more():
    rng = np.random.default_rng(3)
    logits, Y = rng.normal(size=(50, 3)), one_hot(rng.integers(0, 3, 50), 3)
    Y[:30] = one_hot(logits[:30].argmax(axis=1), 3)
    T = fit_temperature(logits, Y)
    assert 0.05 < T < 20
    assert fit_temperature(3 * logits + 1e4, Y) == pytest.approx(3 * T, rel=1e-6)
    assert fit_temperature(logits.astype(np.float32), Y) == pytest.approx(T, rel=1e-4)


def test_a_temperature_outside_of_the_range_is_held_at_its_end():
    Y = one_hot(np.array([0, 1]), 2)
    assert fit_temperature(10 * Y, Y) == pytest.approx(0.01)
    assert fit_temperature(10 * (1 - Y), Y) == pytest.approx(100)


def test_wrong_shapes_are_told():
    with pytest.raises(ValueError, match=r"a column for each class; got shape \(3, 1\)"):
        answers(np.ones((3, 1)), np.ones((3, 1)))
    with pytest.raises(ValueError, match="one entry for each confidence; got 2 for 3"):
        reliability(np.ones(3), np.array([True, False]))
    with pytest.raises(ValueError, match=r"logits and Y must have the same shape.* got \(3, 2\)"):
        fit_temperature(np.ones((3, 2)), np.ones((2, 2)))

"""Exercises take the right answer and tell the mistakes apart; what the feedback claims is measured."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlhelpers.bias_variance import decompose, draw_luck, polynomial_fits, select_best
from dlhelpers.bias_variance import standard_error as core_standard_error
from dlhelpers.datasets import FUNCTIONS, digits, noisy_function, split
from dlhelpers.exercises import bias_variance
from dlhelpers.exercises.checking import ask
from dlhelpers.experiments import (
    MismatchErrors,
    learning_curves,
    mismatch_errors,
    neighbor_order,
    split_errors,
)
from tests.exercises.every import solution

# ------------------------------------------------------------------------- solutions hold in general


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_standard_error(accuracy: float, n: int) -> None:
    found = solution(bias_variance.standard_error)(accuracy, n)
    np.testing.assert_allclose(found, core_standard_error(accuracy, n))


@given(*[st.floats(0, 1)] * 3)
def test_gaps_add_up(base: float, train: float, dev: float) -> None:
    bias, variance = solution(bias_variance.gaps)(base, train, dev)
    np.testing.assert_allclose(base + bias + variance, dev, atol=1e-12)


def fits(shape: tuple[int, int]) -> st.SearchStrategy[tuple[Any, Any]]:
    numbers = st.floats(-100, 100)
    return st.tuples(arrays(float, shape, elements=numbers), arrays(float, shape[1], elements=numbers))


@given(st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(fits))
def test_bias_and_variance_add_up_to_the_error(example: tuple[Any, Any]) -> None:
    predictions, truth = example
    bias2, variance = solution(bias_variance.bias_and_variance)(predictions, truth)
    np.testing.assert_allclose(bias2 + variance, np.mean((predictions - truth) ** 2), atol=1e-9)


def test_bias_and_variance_by_hand() -> None:
    """The mean fit is (2, 4): bias² = (1 + 1) / 2, variance = (1 + 1 + 4 + 4) / 4."""
    case = bias_variance.bias_and_variance.cases[0]
    assert ask(bias_variance.bias_and_variance.reference, case).value == (1.0, 2.5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9, unique=True), st.randoms())
def test_choose_reports_the_winner(dev: list[float], random: Any) -> None:
    test = [random.random() for _ in dev]
    best, accuracy = solution(bias_variance.choose)(np.array(dev), np.array(test))
    assert dev[best] == max(dev)
    assert accuracy == test[best]


# ------------------------------------------------------------------------- what the feedback says


def test_best_of_100() -> None:
    """About 87% on dev and 80% on test; about as often above as below."""
    winners = []
    for seed in range(60):
        selection = select_best(draw_luck(100, 200, 5000, np.random.default_rng(seed)), 0.8, 200)
        best = selection.winners[-1]
        winners.append((selection.dev[best], selection.test[best]))
    dev, test = np.array(winners).T
    assert abs(dev.mean() - 0.87) < 0.006
    assert abs(test.mean() - 0.8) < 0.003
    assert 0.3 < np.mean(test > 0.8) < 0.7
    assert 2 < (dev.mean() - 0.8) / core_standard_error(0.8, 200) < 3


def test_dev_set_size() -> None:
    """98/1/1 scatters by more than the error, 60/20/20 by about 0.6 points; four of five see no error."""
    X, y, *_ = digits()
    order = neighbor_order(X)
    small = split_errors(order, y, 18, 18, 1000, np.random.default_rng(0)).dev
    large = split_errors(order, y, 359, 359, 200, np.random.default_rng(0)).dev
    assert 0.01 < large.mean() < 0.02
    assert 0.01 <= small.mean() < 0.02
    assert 0.005 < large.std() < 0.007
    assert small.std() > small.mean()
    assert 0.7 < np.mean(small == 0) < 0.9
    assert np.mean(small * 18 > 2.5) < 0.02
    assert 0.02 < core_standard_error(small.mean(), 18) < 0.03
    assert 0.115 < core_standard_error(0.5, 18) < 0.125


def test_degree_up() -> None:
    """A cubic leaves about 0.1, which degree 5 removes; at 9 the variance is above 1 in most draws."""
    rng, found = np.random.default_rng(0), {}
    for draw in range(40):
        x, y = (each.reshape(50, 30) for each in noisy_function("sine", 50 * 30, 0.3, rng))
        x_test = rng.uniform(-1, 1, 500)
        truth = FUNCTIONS["sine"](x_test)
        for degree in (3, 5, 9):
            fitted = polynomial_fits(x, y, degree, x_test)
            parts = decompose(fitted, truth, np.broadcast_to(truth, fitted.shape), 0.0)
            found[degree, draw] = parts.bias2, parts.variance
    bias2, variance = np.array([[found[degree, draw] for draw in range(40)] for degree in (3, 5, 9)]).T
    cubic, fifth, _ = np.median(bias2, axis=0)
    assert 0.08 < cubic < 0.12
    assert cubic - fifth > 5 * (np.median(variance[:, 1]) - np.median(variance[:, 0]))
    assert np.mean(bias2[:, 2] > bias2[:, 0]) > 0.1
    assert 0.02 < np.median(variance[:, 0]) < 0.09
    assert np.mean(variance[:, 2] > 1) > 0.75


@cache
def scaled_digits() -> Any:
    X, y, *_ = digits()
    return split(X / 16, y, dev=0.2, test=0.2, rng=np.random.default_rng(0))


def last(steps: Iterator[tuple[float, Any]]) -> Any:
    *_, (_, result) = steps
    return result


def test_more_data() -> None:
    """A wide network has no train error and a dev error that falls; a narrow one errs on both."""
    sizes = (50, 200, 1000)
    wide = last(learning_curves(scaled_digits(), 64, sizes, 0.0, 1000, np.random.default_rng(0)))
    assert wide.train.max() < 0.01
    assert np.all(np.diff(wide.dev) < 0)
    narrow = last(learning_curves(scaled_digits(), 2, sizes, 0.0, 1000, np.random.default_rng(0)))
    assert narrow.train[-1] > 0.2
    assert abs(narrow.dev[-1] - narrow.train[-1]) < 0.1


def test_far_train_set() -> None:
    """Upright only: about 0, 3 and 53%; with half of the digits turned, below 10%."""
    for share in (0.0, 0.5):
        rng = np.random.default_rng(0)
        errors: MismatchErrors = last(mismatch_errors(scaled_digits(), (0, 30), share, 64, 700, rng))
        assert errors.train.max() < 0.005
        assert errors.train_dev.max() < 0.08
        if share:
            assert errors.dev.max() < 0.1
        else:
            assert 0.4 < errors.dev[1] < 0.65

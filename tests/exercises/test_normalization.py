"""The exercises of notebook 04a agree with the core; what the feedback says is measured."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlhelpers.datasets import breast_cancer
from dlhelpers.exercises import normalization
from dlhelpers.labs.normalization import valley
from dlhelpers.minibatches import Batch
from dlhelpers.normalization import LeastSquares, best_rate, condition_number, fit
from tests.exercises.every import solution


@given(arrays(float, (5, 2), elements=st.integers(-50, 50).map(float)))
def test_normalize_is_fit_and_apply(X: Any) -> None:
    train, test = solution(normalization.normalize)(X[:3], X[3:])
    fitted = fit(X[:3])
    np.testing.assert_allclose(train, fitted.apply(X[:3]), atol=1e-12)
    np.testing.assert_allclose(test, fitted.apply(X[3:]), atol=1e-12)


def test_valley_rate_is_the_best_rate() -> None:
    X = np.random.default_rng(0).normal(size=(20, 4)) * [1.0, 3.0, 0.5, 2.0]
    H = LeastSquares().hessian(Batch(X, np.zeros((20, 1))))
    assert solution(normalization.valley_rate)(X) == pytest.approx(best_rate(H).rate)


def test_long_valley() -> None:
    """A condition number of 25 before and after, the small feature first; 1 after x / σ."""
    rng = np.random.default_rng(0)
    X = fit(Z := rng.normal(size=(2000, 2))).apply(Z) * [5.0, 1.0]
    divided = X / X.std(axis=0) ** 2
    assert condition_number(X, bias=False) == pytest.approx(25, rel=0.1)
    assert condition_number(divided, bias=False) == pytest.approx(25, rel=0.1)
    np.testing.assert_allclose(divided.std(axis=0), [0.2, 1])
    assert condition_number(X / X.std(axis=0), bias=False) < 1.1


@pytest.mark.parametrize("start", [(-1.6, 1.2), (0.0, 2.0), (3.0, 0.0), (1.0, -1.0)])
def test_hard_start(start: tuple[float, float]) -> None:
    """At the best rate the share is ρ², wherever the run starts."""
    found = valley.descend_valley(valley.NONE, 5.0, 1.0, 1.0, 0.0, *start, seed=0)
    np.testing.assert_allclose(found.excess[1:20] / found.excess[:19], found.factor**2, rtol=1e-6)


def test_one_patient() -> None:
    """Each single example becomes 0."""
    for x in breast_cancer().X[:5]:
        assert not fit(x[None]).apply(x[None]).any()

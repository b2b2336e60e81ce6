"""The exercises of section 1.3 tell the mistakes apart; what the questions claim is measured."""

from itertools import islice
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlhelpers.datasets import moons
from dlhelpers.exercises import regularization
from dlhelpers.gradient_checking import numerical_gradient
from dlhelpers.labs.regularization import decay, diamond, network_lambda, over_lambda
from dlhelpers.live.stages import last
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent, Momentum
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend
from tests.exercises.every import solution

# ------------------------------------------------------------------------- solutions hold in general

weights = arrays(float, (2, 3), elements=st.floats(-10, 10))


@given(arrays(float, 5, elements=st.floats(-10, 10)), st.floats(0, 10))
def test_shrink_is_the_minimum_of_distance_and_l1(w: Any, amount: float) -> None:
    """The soft threshold minimizes (v - w)²/2 + amount |v|: no other v is better."""
    found = solution(regularization.shrink)(w, amount)

    def cost(v: Any) -> Any:
        return (v - w) ** 2 / 2 + amount * np.abs(v)

    for other in (found + 1e-3, found - 1e-3, np.zeros(5), w):
        assert np.all(cost(found) <= cost(other) + 1e-12)


@given(weights, st.floats(0, 10), st.integers(1, 50))
def test_l2_gradient_is_that_of_the_penalty(W: Any, strength: float, m: int) -> None:
    dW, db = solution(regularization.l2_gradient)(W, np.ones((2, 1)), strength, m)
    slopes = numerical_gradient(lambda w: strength / (2 * m) * (w**2).sum(axis=-1), W.ravel(), 1e-4)
    np.testing.assert_allclose(dW.ravel(), slopes, atol=1e-5)
    assert not db.any()


def test_decay_step_is_a_step_of_the_penalized_network() -> None:
    network, rng = Network((2, 1)), np.random.default_rng(0)
    theta, X = network.initialize(rng), rng.normal(size=(5, 2))
    batches = [Batch(X, X[:, :1])] * 2
    before, after = descend(Regularized(network, 5, l2=3.0), theta, iter(batches), GradientDescent(), 0.2)
    dW = network.gradient(theta, batches[0])[:2]
    found = solution(regularization.decay_step)(before.theta[:2], dW, 0.2, 3.0, 5)
    np.testing.assert_allclose(found, after.theta[:2], rtol=1e-12)


# ------------------------------------------------------------------------- what the feedback says


def test_exact_zeros() -> None:
    for seed in range(4):
        l1, _, l2 = diamond.zero_shares(diamond.random_problems(4.0, diamond.SOLVERS[0], seed))
        assert 0.65 < l1 < 0.85
        assert l2 == 0
        assert diamond.zero_shares(diamond.random_problems(4.0, diamond.SOLVERS[1], seed)) == (0, 0, 0)


def test_huge_lambda() -> None:
    """The weights end near 0 below alpha lambda / m = 2, and beyond all limits above."""
    result = last(network_lambda.regularize(100.0, "L2", 0.5, 0.6, 40, 0))
    ratio = 0.5 * over_lambda.LAMBDAS / 40
    assert np.array_equal(result.diverged, ratio > 2)
    near_0 = (ratio > 0.15) & (ratio < 2)
    assert near_0.sum() >= 3
    assert result.curves.norms[near_0].max() < 1e-6
    at_1 = int(np.abs(over_lambda.LAMBDAS - 1).argmin())
    assert result.curves.norms[at_1].min() > 0.5


def runs(optimizer: str, rate: float, factor: float = 1.0) -> decay.TwoRuns:
    return last(decay.compare(optimizer, 10**0.5, rate, factor, 0)).runs


def test_adam_decay() -> None:
    plain, adam, more = (
        runs("GD", 0.3),
        runs("Adam", 0.03),
        runs("Adam", 0.03, factor=32.0),
    )
    assert plain.difference.max() < decay.ROUNDING
    l2, decayed = adam.norms[-1]
    assert decayed > 3 * l2
    assert abs(l2 - plain.norms[-1, 0]) < 0.1
    assert abs(more.norms[-1, 1] - l2) < 0.3
    assert more.difference[-1] > 0.5


def test_momentum_differs_on_the_way_and_meets_at_the_end() -> None:
    """Both stop where gradient and decay cancel."""
    found = runs("momentum", 0.3).difference
    assert found.max() > 0.1
    long = decay.DECAY_NETWORK  # the same runs, ten times as long
    rng = np.random.default_rng(0)
    X, y = moons(decay.DECAY_M, noise=0.4, rng=rng)
    theta = np.tile(long.initialize(rng), (2, 1))
    strength = 10**0.5
    objective = Regularized(long, decay.DECAY_M, l2=np.array([[strength], [0.0]]))
    rates = np.array([[0.0], [strength / decay.DECAY_M]])
    batches = iter([Batch(X, 1.0 * y[:, None])] * 6_001)
    run = descend(objective, theta, batches, Momentum(), 0.3, weight_decay=rates)
    end = next(islice(run, 6_000, None)).theta
    assert np.abs(end[0] - end[1]).max() < 1e-3

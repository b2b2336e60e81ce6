from functools import partial
from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import draw_uniform
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.parameters import Layout
from dlhelpers.regularization import (
    Penalty,
    Regularized,
    l1,
    l2,
    max_norm,
    soft_threshold,
)
from dlhelpers.training import descend

# Penalties --------------------------------------------------------------------------------------------

MASK = np.array([True, True, False])


def test_l2_by_hand_with_a_bias():
    # lambda = 6, m = 4: 6 / 8 * (1 + 9) = 7.5; gradient 6 / 4 * w; the bias, 5, is not penalized
    penalty = l2(np.array([1.0, -3.0, 5.0]), MASK, 6.0, 4)
    assert penalty.value == 7.5
    assert penalty.gradient.tolist() == [1.5, -4.5, 0]


def test_l1_by_hand_with_a_bias():
    # lambda = 6, m = 4: 6 / 4 * (1 + 3) = 6; gradient 6 / 4 * sign(w)
    penalty = l1(np.array([1.0, -3.0, 5.0]), MASK, 6.0, 4)
    assert penalty.value == 6
    assert penalty.gradient.tolist() == [1.5, -1.5, 0]


def test_at_the_kink_the_subgradient_is_0():
    assert l1(np.array([0.0, -0.0, 5.0]), MASK, 6.0, 4).gradient.tolist() == [0, 0, 0]


@pytest.mark.parametrize("penalty", [l1, l2])
def test_a_strength_for_each_network_of_a_population(penalty, rng):
    theta, mask = rng.normal(size=(3, 4)), np.array([True, True, True, False])
    strengths = np.array([[0.0], [1.0], [10.0]])
    together = penalty(theta, mask, strengths, 5)
    assert together.value.shape == (3,)
    for k in range(3):
        alone = penalty(theta[k], mask, float(strengths[k, 0]), 5)
        assert together.value[k] == pytest.approx(alone.value)
        np.testing.assert_allclose(together.gradient[k], alone.gradient)


def make_batch(rng, network, m=5):
    return Batch(rng.normal(size=(m, network.sizes[0])), rng.normal(size=(m, network.sizes[-1])))


def test_strength_zero_is_the_network_itself(rng):
    network = Network((2, 3, 1))
    theta, batch = network.initialize(rng), make_batch(rng, network)
    regularized = Regularized(network, 5)
    assert (regularized.l1, regularized.l2) == (0, 0)
    assert regularized.loss(theta, batch) == network.loss(theta, batch)
    np.testing.assert_array_equal(regularized.gradient(theta, batch), network.gradient(theta, batch))


def test_both_penalties_are_added(rng):
    network = Network((2, 3, 1))
    theta, batch, mask = network.initialize(rng), make_batch(rng, network), network.layout.is_weight
    regularized = Regularized(network, 7, l1=2.0, l2=3.0)
    first, second = l1(theta, mask, 2.0, 7), l2(theta, mask, 3.0, 7)
    expected = network.loss(theta, batch) + first.value + second.value
    assert regularized.loss(theta, batch) == pytest.approx(expected, rel=1e-14)
    expected = network.gradient(theta, batch) + first.gradient + second.gradient
    np.testing.assert_allclose(regularized.gradient(theta, batch), expected, rtol=1e-14)
    assert regularized.layout is network.layout


def test_a_penalty_for_some_networks_of_a_population(rng):
    network = Network((2, 3, 1))
    theta, batch = network.initialize(rng, 2), make_batch(rng, network)
    for name in ("l1", "l2"):
        together = Regularized(network, 5, **{name: np.array([[0.0], [3.0]])})
        for k, strength in enumerate((0.0, 3.0)):
            alone = Regularized(network, 5, **{name: strength})
            assert together.loss(theta, batch)[k] == pytest.approx(alone.loss(theta[k], batch), rel=1e-12)
            np.testing.assert_allclose(
                together.gradient(theta, batch)[k], alone.gradient(theta[k], batch), rtol=1e-12
            )


def test_only_weights_are_penalized_with_batch_normalization(rng):
    network = Network((2, 3, 1), batch_norm=BatchNormalization())
    theta, batch = network.initialize(rng), make_batch(rng, network)
    gradient = Regularized(network, 1, l1=2.0, l2=3.0).gradient(theta, batch)
    extra = network.layout.views(gradient - network.gradient(theta, batch))
    assert [name for name, values in extra.items() if np.any(values)] == ["W1", "W2"]


def test_a_regularized_network_passes_statistics_on(rng):
    network = Network((2, 3, 1), batch_norm=BatchNormalization())
    theta, batch = network.initialize(rng), make_batch(rng, network)
    regularized, statistics = Regularized(network, 5, l2=1.0), network.initial_statistics()
    penalty = l2(theta, network.layout.is_weight, 1.0, 5).value
    expected = network.loss(theta, batch, statistics) + penalty
    assert regularized.loss(theta, batch, statistics) == pytest.approx(expected)
    assert regularized.loss(theta, batch) != pytest.approx(expected)
    gradient, after = regularized.gradient_and_statistics(theta, batch, statistics)
    np.testing.assert_array_equal(gradient, regularized.gradient(theta, batch))
    np.testing.assert_array_equal(after, network.update_statistics(statistics, theta, batch))


# Constraints ------------------------------------------------------------------------------------------


def test_soft_threshold_by_hand():
    theta, mask = np.array([3.0, -3.0, 0.5, -0.5, 1.0, 0.0, -3.0]), np.array(6 * [True] + [False])
    assert soft_threshold(theta, mask, 1.0).tolist() == [2, -2, 0, 0, 0, 0, -3]
    assert soft_threshold(theta, mask, 0.0).tolist() == theta.tolist()
    amounts = np.array([[1.0], [2.5]])
    assert soft_threshold(np.stack([theta, theta]), mask, amounts)[:, 0].tolist() == [2, 0.5]


def test_soft_threshold_finds_the_minimum_with_exact_zeros(rng):
    """Of J = |theta - c|^2 / 2 + a |theta|_1, the minimum is soft_threshold(c, a)."""
    c, a, rate, mask = 2 * rng.normal(size=20), 1.0, 0.3, np.ones(20, dtype=bool)
    theta = rng.normal(size=20)
    for _ in range(200):
        theta = soft_threshold(theta - rate * (theta - c), mask, rate * a)
    np.testing.assert_allclose(theta, soft_threshold(c, mask, a), atol=1e-12)
    assert 0 < (theta == 0).sum() < 20


@given(st.integers(0, 10**6), st.floats(0, 2))
def test_soft_threshold_moves_by_the_amount_at_most(seed, amount):
    theta = np.random.default_rng(seed).normal(size=30)
    found = soft_threshold(theta, np.ones(30, dtype=bool), amount)
    assert (found * theta >= 0).all() and (abs(theta - found) <= amount + 1e-15).all()


LAYOUT = Layout({"W1": (2, 2), "b1": (2, 1), "W2": (1, 2), "b2": (1, 1)})


def test_max_norm_by_hand():
    # rows of W1: (3, 4) of length 5, and (0.6, 0.8) of length 1; W2: (-6, 8) of length 10; limit 2.5
    theta = np.array([3.0, 4, 0.6, 0.8, 50, 60, -6, 8, 70])
    expected = [1.5, 2, 0.6, 0.8, 50, 60, -1.5, 2, 70]
    copy = theta.copy()
    np.testing.assert_allclose(max_norm(theta, LAYOUT, 2.5), expected, rtol=1e-15)
    np.testing.assert_array_equal(theta, copy)
    twice = max_norm(np.stack([theta, theta / 10]), LAYOUT, 2.5)
    np.testing.assert_allclose(twice[0], expected, rtol=1e-15)
    np.testing.assert_allclose(twice[1], theta / 10, rtol=1e-15)  # all lengths are below 2.5


@given(st.integers(0, 10**6), st.floats(0.1, 5))
def test_max_norm_keeps_directions_and_limits_lengths(seed, limit):
    theta = np.random.default_rng(seed).normal(size=LAYOUT.size)
    before, after = LAYOUT.views(theta), LAYOUT.views(max_norm(theta, LAYOUT, limit))
    for name in ("W1", "W2"):
        lengths = [np.linalg.norm(W[name], axis=-1, keepdims=True) for W in (before, after)]
        np.testing.assert_allclose(lengths[1], np.minimum(lengths[0], limit))
        np.testing.assert_allclose(after[name] / lengths[1], before[name] / lengths[0])


def test_weights_of_0_stay():
    assert not max_norm(np.zeros(LAYOUT.size), LAYOUT, 1.0).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_follows_theta(dtype, rng):
    network = Network((2, 3, 1))
    theta = network.initialize(rng, population=2).astype(dtype)
    batch = Batch(np.ones((4, 2), dtype), np.ones((4, 1), dtype))
    mask, strengths = network.layout.is_weight, np.ones((2, 1))
    arrays = [*l1(theta, mask, strengths, 3), *l2(theta, mask, strengths, 3)]
    arrays += [*l1(theta[0], mask, np.float64(1), 3), *l2(theta[0], mask, 1, 3)]
    arrays += [soft_threshold(theta, mask, strengths), max_norm(theta, network.layout, np.float64(1))]
    objective = Regularized(network, 3, strengths, strengths)
    arrays += [objective.loss(theta, batch), objective.gradient(theta, batch)]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_no_warning_where_nothing_is_finite():
    theta = np.array([np.inf, 1e300, np.nan])
    mask = ~MASK
    assert np.isnan(l1(theta, mask, 1.0, 1).value) and np.isnan(l2(theta, mask, 1.0, 1).value)
    soft_threshold(theta, mask, 1.0)
    max_norm(theta, Layout({"W1": (1, 3)}), 1.0)


# Errors -----------------------------------------------------------------------------------------------

THETA = np.ones(3)
NETWORK = Network((1, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: l2(THETA, MASK, -1.0, 1),
            r"strength must be a number in \[0, inf\).*; got -1\.0\. .* no penalty",
        ),
        (lambda: l1(THETA, MASK, 1.0, 0), r"m must be an integer in \[1, inf\); got 0"),
        (lambda: l1(THETA, MASK, np.ones((2, 1)), 1), "strength must be a number"),
        (lambda: l1(THETA, MASK, np.ones((3, 1)), 1), "strength must be a number"),
        (lambda: l1(THETA, MASK, np.ones(2), 1), "strength must be a number"),
        (lambda: soft_threshold(THETA, MASK, np.ones((3, 1))), "amount must be a number"),
        (lambda: soft_threshold(THETA, MASK, np.ones(2)), "amount must be a number"),
        (lambda: l1(THETA, MASK[:2], 1.0, 1), "is_weight must have one entry for each of the 3 .* got 2"),
        (lambda: l2(THETA, [True], 1.0, 1), "is_weight must be a bool array"),
        (lambda: l2([1.0], MASK, 1.0, 1), "theta must be a float array"),
        (lambda: Regularized(None, 1), r"network must be a Network; got None\. Pass Network\(sizes\)"),
        (lambda: Regularized(NETWORK, 0), r"m must be an integer in \[1, inf\); got 0"),
        (lambda: Regularized(NETWORK, 1, l1=-1.0), r"l1 must be a number in \[0, inf\); got -1\.0"),
        (lambda: Regularized(NETWORK, 1, l2=np.nan), r"l2 must be a number in \[0, inf\); got nan"),
        (lambda: Regularized(NETWORK, 1, l2=np.ones(3)), r"l2 must be .* \(K, 1\)"),
        (lambda: soft_threshold(THETA, MASK, -0.1), r"amount must be a number in \[0, inf\).*; got -0\.1"),
        (lambda: soft_threshold(THETA, MASK[:2], 0.1), "is_weight must have one entry"),
        (lambda: max_norm(np.ones(9), LAYOUT, 0.0), r"limit must be a number in \(0, inf\); got 0\.0"),
        (lambda: max_norm(np.ones(9), LAYOUT, np.ones(2)), "limit must be a number"),
        (
            lambda: max_norm(np.ones(9), None, 1.0),
            r"layout must be a Layout; got None\. Pass network\.layout",
        ),
        (lambda: max_norm(np.ones(8), LAYOUT, 1.0), "theta must have 9 entries"),
        (lambda: max_norm(None, LAYOUT, 1.0), "theta must be a float array"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_max_norm_as_projection_and_penalties_with_dropout_train(rng):
    """Everything of this module at once, as a lab would."""
    network = Network((2, 6, 1), keep_prob=0.7)
    objective = Regularized(network, 20, l1=0.1, l2=0.1)
    batch = make_batch(rng, network, 20)._replace(draws=draw_uniform(network.sizes, 20, rng))
    projection = partial(max_norm, layout=network.layout, limit=2.0)
    run = descend(objective, network.initialize(rng), repeat(batch), Adam(), 0.05, projection=projection)
    first, *_, last = islice(run, 60)
    assert last.loss < first.loss
    assert isinstance(l1(last.theta, network.layout.is_weight, 0.1, 20), Penalty)

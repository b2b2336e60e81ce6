import inspect
from functools import partial
from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers import regularization
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import draw_uniform, with_draws
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent
from dlhelpers.parameters import Layout
from dlhelpers.regularization import (
    Penalty,
    Regularized,
    early_stop,
    l1,
    l2,
    max_norm,
    soft_threshold,
    train_until_stop,
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
    np.testing.assert_array_equal(
        regularized.update_statistics(statistics, theta, batch),
        network.update_statistics(statistics, theta, batch),
    )


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


# Early stopping ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("losses", "patience", "best", "stopped"),
    [
        ([5.0, 3.0, 4.0, 3.5, 1.0], 2, 1, 3),
        ([5.0, 3.0, 4.0, 3.5, 1.0], 3, 4, 4),  # 1 comes within 3 measurements
        ([5.0, 3.0, 4.0, 3.5, 1.0], 1, 1, 2),
        ([3.0, 3.0, 3.0, 3.0], 2, 0, 2),  # an equal loss is no new lowest one
        ([4.0, 3.0, 2.0, 1.0], 1, 3, 3),  # never ran out
        ([2.0], 1, 0, 0),
        ([1.0, 2.0, 0.5, 3.0, 4.0, 5.0], 2, 2, 4),
        ([np.nan, 2.0, np.nan, 1.0, np.nan, np.nan], 2, 3, 5),
        ([np.nan, np.nan, np.nan, np.nan], 2, 0, 2),
        ([np.nan, np.inf, 5.0, np.inf], 3, 2, 3),
        ([3, 2, 4, 4], 2, 1, 3),
    ],
)
def test_patience_by_hand(losses, patience, best, stopped):
    assert early_stop(losses, patience) == (best, stopped)
    assert early_stop(np.array(losses), patience) == (best, stopped)


def recorded_run(losses, every=1):
    """Return a run of as many steps, and the dev loss that replays a curve; others cost nothing."""
    network = Network((1, 1))
    batch = Batch(np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]]))
    steps = (len(losses) - 1) * every + 1
    run = descend(network, np.zeros(2), iter(steps * [batch]), GradientDescent(), 0.1)
    return run, lambda step: losses[step.step // every]


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, np.nan, np.inf]), min_size=1, max_size=30),
    st.integers(1, 6),
    st.integers(1, 3),
)
def test_training_until_a_stop_agrees_with_the_recorded_curve(losses, patience, every):
    run, dev_loss = recorded_run(losses, every)
    found, stop = train_until_stop(run, dev_loss, patience, every), early_stop(losses, patience)
    assert found.best.step == stop.best * every
    assert found.steps == tuple(range(0, stop.stopped * every + 1, every))
    np.testing.assert_array_equal(found.dev_losses, losses[: stop.stopped + 1])


def test_the_best_step_comes_back_bit_by_bit(rng):
    network = Network((2, 8, 1), keep_prob=0.8, batch_norm=BatchNormalization())
    train, dev = make_batch(rng, network, 12), make_batch(rng, network, 30)
    seen = []

    def dev_loss(step):
        loss = network.loss(step.theta, dev, step.statistics)
        seen.append((float(loss), step.step, step.theta.copy(), step.statistics.copy()))
        return loss

    batches = with_draws(minibatches(train.X, train.Y, 4, rng), network.sizes, rng)
    start = network.initialize(rng)
    run = descend(network, start, batches, Adam(), 0.05, statistics=network.initial_statistics())
    found = train_until_stop(run, dev_loss, patience=10, every=3)
    loss, step, theta, statistics = min(seen, key=lambda each: each[0])
    assert found.best.step == step and 0 < step < found.steps[-1]
    np.testing.assert_array_equal(found.best.theta, theta)
    np.testing.assert_array_equal(found.best.statistics, statistics)
    assert loss == min(found.dev_losses) == network.loss(found.best.theta, dev, found.best.statistics)
    assert len(found.dev_losses) == len(seen) == found.steps.index(step) + 1 + 10


def test_it_ends_at_most_steps():
    for most_steps, every, expected in ((1, 1, (0, 1)), (5, 1, tuple(range(6))), (5, 2, (0, 2, 4))):
        run, _ = recorded_run(list(range(100, 0, -1)))
        found = train_until_stop(run, lambda step: -step.step, 3, every, most_steps)
        assert found.steps == expected and found.best.step == expected[-1]
        assert run.step == most_steps  # so many updates
    run, _ = recorded_run(list(range(20)))
    assert len(train_until_stop(run, lambda step: -step.step, 3).steps) == 20  # by default 100,000


def test_by_default_it_measures_every_step_and_ends_at_100_000():
    """Read, not run: that would take seconds."""
    defaults = inspect.signature(train_until_stop).parameters
    assert defaults["every"].default == 1 and defaults["most_steps"].default == 100_000


def test_it_ends_when_the_run_diverges():
    network = Network((1, 1))
    batch = Batch(np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]]))
    run = descend(network, np.zeros(2), repeat(batch), GradientDescent(), 1e6)
    found = train_until_stop(run, lambda step: network.loss(step.theta, batch), patience=1000)
    assert found.best.step == 0 and 10 < len(found.steps) < 100
    assert not np.isfinite(found.dev_losses[-1])


# Errors -----------------------------------------------------------------------------------------------

THETA = np.ones(3)
NETWORK = Network((1, 1))
BATCH = Batch(np.ones((2, 1)), np.ones((2, 1)))


def new_run(theta=None, batches=None):
    theta = np.zeros(2) if theta is None else theta
    return descend(NETWORK, theta, repeat(BATCH) if batches is None else batches, GradientDescent(), 0.1)


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
        (lambda: early_stop([], 1), r"dev_losses must hold 1 or more measurements; got 0\. Train first"),
        (lambda: early_stop([1.0], 0), r"patience must be an integer in \[1, inf\); got 0"),
        (lambda: early_stop("x", 1), "dev_losses must be"),
        (lambda: early_stop([[1.0]], 1), r"dev_losses must be a number array of shape \(n\)"),
        (lambda: train_until_stop(new_run(), float, 0), r"patience must be an integer in \[1, inf\); got 0"),
        (lambda: train_until_stop(new_run(), float, 1, 0), r"every must be an integer in \[1, inf\); got 0"),
        (lambda: train_until_stop(new_run(), float, 1, 1, 0), r"most_steps must be an integer .* got 0"),
        (lambda: train_until_stop(new_run(), None, 1), "dev_loss must be a function from a Step to a float"),
        (lambda: train_until_stop(None, float, 1), "run must be a Descent of one network.* got None"),
        (
            lambda: train_until_stop(new_run(np.zeros((2, 2))), float, 1),
            r"run must .* got theta of shape \(2, 2\)",
        ),
        (
            lambda: train_until_stop(new_run(None, iter(())), float, 1),
            "run must have 1 or more steps; got none",
        ),
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


# Ridge regression beside early stopping -----------------------------------------------------------


def test_ridge_is_the_minimum_of_squared_error_and_l2(rng):
    """The gradient (X^T (X w - y) + lambda w) / m is 0 there."""
    X, y = rng.normal(size=(20, 5)), rng.normal(size=20)
    w = regularization.ridge(X, y, 0.5)
    np.testing.assert_allclose(X.T @ (X @ w - y) + 0.5 * w, 0, atol=1e-12)
    penalized = regularization.l2(w, np.ones(5, dtype=bool), 0.5, 20).gradient
    np.testing.assert_allclose(X.T @ (X @ w - y) / 20 + penalized, 0, atol=1e-12)


def test_training_and_ridge_have_their_shares_in_each_direction(rng):
    X, y = rng.normal(size=(20, 5)), rng.normal(size=20)
    s, V = np.linalg.eigh(X.T @ X / 20)
    solution = V.T @ np.linalg.solve(X.T @ X, X.T @ y)
    w = np.zeros(5)
    for _ in range(7):
        w = w - 0.1 * X.T @ (X @ w - y) / 20
    np.testing.assert_allclose(V.T @ w, regularization.share_after_steps(s, 0.1, 7) * solution)
    kept = regularization.share_of_ridge(s, 3.0, 20) * solution
    np.testing.assert_allclose(V.T @ regularization.ridge(X, y, 3.0), kept)


def test_shares_by_hand():
    """1 - (1 - 0.5 * 0.4)^2 = 0.36; 0.4 / (0.4 + 3 / 10) = 4 / 7; 10 / (0.5 * 4) = 5."""
    np.testing.assert_allclose(regularization.share_after_steps(np.array([0.4]), 0.5, 2), [0.36])
    np.testing.assert_allclose(regularization.share_of_ridge(np.array([0.4]), 3.0, 10), [4 / 7])
    assert regularization.matching_strength(10, 0.5, 4) == 5


def test_both_shares_begin_alike():
    """For small s both are s alpha t."""
    s = np.array([1e-7])
    early = regularization.share_after_steps(s, 0.5, 50)
    ridge = regularization.share_of_ridge(s, regularization.matching_strength(20, 0.5, 50), 20)
    np.testing.assert_allclose(early, s * 0.5 * 50, rtol=1e-5)
    np.testing.assert_allclose(early, ridge, rtol=1e-5)


def test_a_flat_direction_is_not_learned():
    flat = np.array([0.0, 1.0])
    np.testing.assert_allclose(regularization.share_of_ridge(flat, 10.0, 10), [0, 0.5])
    np.testing.assert_allclose(regularization.share_after_steps(flat, 0.5, 1), [0, 0.5])


def test_negative_curvatures_and_singular_equations_are_told():
    with pytest.raises(ValueError, match=r"s must be 0 or more; got -1\.0"):
        regularization.share_of_ridge(np.array([1.0, -1.0]), 1.0, 10)
    with pytest.raises(ValueError, match="strength must be large enough"):
        regularization.ridge(np.ones((2, 2)), np.ones(2), 1e-300)

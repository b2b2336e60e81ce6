import inspect
from itertools import repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers import early_stopping
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import with_draws
from dlhelpers.early_stopping import early_stop, train_until_stop
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent
from dlhelpers.regularization import l2
from dlhelpers.training import descend


def make_batch(rng, network, m=5):
    return Batch(rng.normal(size=(m, network.sizes[0])), rng.normal(size=(m, network.sizes[-1])))


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

NETWORK = Network((1, 1))
BATCH = Batch(np.ones((2, 1)), np.ones((2, 1)))


def new_run(theta=None, batches=None):
    theta = np.zeros(2) if theta is None else theta
    return descend(NETWORK, theta, repeat(BATCH) if batches is None else batches, GradientDescent(), 0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
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


# Ridge regression beside early stopping -----------------------------------------------------------


def test_ridge_is_the_minimum_of_squared_error_and_l2(rng):
    """The gradient (X^T (X w - y) + lambda w) / m is 0 there."""
    X, y = rng.normal(size=(20, 5)), rng.normal(size=20)
    w = early_stopping.ridge(X, y, 0.5)
    np.testing.assert_allclose(X.T @ (X @ w - y) + 0.5 * w, 0, atol=1e-12)
    penalized = l2(w, np.ones(5, dtype=bool), 0.5, 20).gradient
    np.testing.assert_allclose(X.T @ (X @ w - y) / 20 + penalized, 0, atol=1e-12)


def test_training_and_ridge_have_their_shares_in_each_direction(rng):
    X, y = rng.normal(size=(20, 5)), rng.normal(size=20)
    s, V = np.linalg.eigh(X.T @ X / 20)
    solution = V.T @ np.linalg.solve(X.T @ X, X.T @ y)
    w = np.zeros(5)
    for _ in range(7):
        w = w - 0.1 * X.T @ (X @ w - y) / 20
    np.testing.assert_allclose(V.T @ w, early_stopping.share_after_steps(s, 0.1, 7) * solution)
    kept = early_stopping.share_of_ridge(s, 3.0, 20) * solution
    np.testing.assert_allclose(V.T @ early_stopping.ridge(X, y, 3.0), kept)


def test_shares_by_hand():
    """1 - (1 - 0.5 * 0.4)^2 = 0.36; 0.4 / (0.4 + 3 / 10) = 4 / 7; 10 / (0.5 * 4) = 5."""
    np.testing.assert_allclose(early_stopping.share_after_steps(np.array([0.4]), 0.5, 2), [0.36])
    np.testing.assert_allclose(early_stopping.share_of_ridge(np.array([0.4]), 3.0, 10), [4 / 7])
    assert early_stopping.matching_strength(10, 0.5, 4) == 5


def test_both_shares_begin_alike():
    """For small s both are s alpha t."""
    s = np.array([1e-7])
    early = early_stopping.share_after_steps(s, 0.5, 50)
    ridge = early_stopping.share_of_ridge(s, early_stopping.matching_strength(20, 0.5, 50), 20)
    np.testing.assert_allclose(early, s * 0.5 * 50, rtol=1e-5)
    np.testing.assert_allclose(early, ridge, rtol=1e-5)


def test_a_flat_direction_is_not_learned():
    flat = np.array([0.0, 1.0])
    np.testing.assert_allclose(early_stopping.share_of_ridge(flat, 10.0, 10), [0, 0.5])
    np.testing.assert_allclose(early_stopping.share_after_steps(flat, 0.5, 1), [0, 0.5])


def test_negative_curvatures_and_singular_equations_are_told():
    with pytest.raises(ValueError, match=r"s must be 0 or more; got -1\.0"):
        early_stopping.share_of_ridge(np.array([1.0, -1.0]), 1.0, 10)
    with pytest.raises(ValueError, match="strength must be large enough"):
        early_stopping.ridge(np.ones((2, 2)), np.ones(2), 1e-300)

from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.dropout import check_keep_prob, draw_uniform, keep_mask, with_draws
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.widgets.dropout import mask_with_drop_and_keep_swapped, mask_without_division


def test_the_factors_by_hand():
    # below 0.8 is kept, with the factor 1 / 0.8 = 1.25; 0.8 itself is not below
    assert keep_mask(np.array([[0.79, 0.8], [0.0, 0.95]]), 0.8).tolist() == [[1.25, 0], [1.25, 0]]


def test_keep_prob_1_is_the_identity(rng):
    draws = draw_uniform((2, 30, 1), 50, rng)
    assert (keep_mask(draws[0], 1.0) == 1).all()
    network, dropping = Network((2, 30, 1)), Network((2, 30, 1), keep_prob=1.0)
    theta, batch = network.initialize(rng), Batch(rng.normal(size=(50, 2)), rng.normal(size=(50, 1)))
    np.testing.assert_array_equal(
        network.gradient(theta, batch), dropping.gradient(theta, batch._replace(draws=draws))
    )


@pytest.mark.parametrize("keep_prob", [0.2, 0.5, 0.9])
def test_the_expected_factor_is_1(keep_prob, rng):
    """The variance of a factor is (1 - p) / p, so the mean of n has the deviation sqrt((1 - p) / (p n))."""
    mask = keep_mask(rng.random((200, 500)), keep_prob)
    deviation = np.sqrt((1 - keep_prob) / keep_prob / mask.size)
    assert abs(mask.mean() - 1) < 4 * deviation
    assert abs((mask > 0).mean() - keep_prob) < 4 * keep_prob * deviation


def test_the_mean_prediction_over_masks_is_the_prediction_without(rng):
    """True for one hidden layer: the logits are linear in its factors."""
    network = Network((2, 6, 1), "tanh", keep_prob=0.6)
    theta, X = network.initialize(rng), rng.normal(size=(4, 2))
    thetas = np.broadcast_to(theta, (20_000, theta.size))
    each = network.predict(thetas, X, draws=draw_uniform(network.sizes, 4, rng, population=20_000))
    standard_error = each.std(axis=0) / np.sqrt(len(each))
    assert (abs(each.mean(axis=0) - network.predict(theta, X)) < 4 * standard_error).all()


@given(st.floats(0.01, 1), st.floats(0.01, 1), st.integers(0, 10**6))
def test_the_same_draws_give_nested_masks(p, q, seed):
    draw = np.random.default_rng(seed).random((5, 7))
    fewer, more = (keep_mask(draw, share) > 0 for share in sorted((p, q)))
    assert (more | ~fewer).all()


def test_each_layer_and_each_network_has_its_share(rng):
    draw = rng.random((6, 8))
    shares = np.array([0.2, 0.5, 1.0])[:, None, None]
    together = keep_mask(draw, shares)
    assert together.shape == (3, 6, 8)
    for k, share in enumerate((0.2, 0.5, 1.0)):
        np.testing.assert_array_equal(together[k], keep_mask(draw, share))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_follows_the_draws(dtype):
    for share in (0.5, np.float64(0.5), np.full((2, 1, 1), 0.5)):
        assert keep_mask(np.zeros((2, 3), dtype), share).dtype == dtype


def test_draws_have_one_number_for_each_hidden_unit_and_example(rng):
    assert [draw.shape for draw in draw_uniform((2, 5, 4, 1), 10, rng)] == [(5, 10), (4, 10)]
    assert [draw.shape for draw in draw_uniform((2, 5, 4, 1), 1, rng, 3)] == [(3, 5, 1), (3, 4, 1)]
    assert draw_uniform((2, 1), 10, rng) == ()
    draws = draw_uniform((2, 50, 1), 100, rng, 1)[0]
    assert draws.shape == (1, 50, 100) and 0 <= draws.min() < 0.01 and 0.99 < draws.max() < 1


def test_draws_repeat_with_the_seed_and_go_on_with_the_generator():
    one, same = (np.random.default_rng(1) for _ in range(2))
    first = draw_uniform((1, 3, 1), 4, one)[0]
    np.testing.assert_array_equal(first, draw_uniform((1, 3, 1), 4, same)[0])
    assert (draw_uniform((1, 3, 1), 4, one)[0] != first).all()


def test_every_batch_gets_fresh_draws_that_fit_it(rng):
    sizes = (2, 5, 1)
    batches = [Batch(np.ones((m, 2)), np.ones((m, 1)), epoch=m) for m in (4, 3, 4)]
    found = list(with_draws(iter(batches), sizes, rng))
    assert [batch.draws[0].shape for batch in found] == [(5, 4), (5, 3), (5, 4)]
    assert [batch.epoch for batch in found] == [4, 3, 4]
    assert all(new.X is old.X and new.Y is old.Y for new, old in zip(found, batches, strict=True))
    assert (found[0].draws[0] != found[2].draws[0]).all()
    assert batches[0].draws is None


def test_a_population_may_draw_for_each_network(rng):
    batch = Batch(np.ones((3, 4, 2)), np.ones((3, 4, 1)))
    (found,) = islice(with_draws(repeat(batch), (2, 5, 1), rng, population=3), 1)
    assert found.draws[0].shape == (3, 5, 4)


def test_k_subnetworks_of_one_network_predict_and_have_no_single_gradient(rng):
    network = Network((2, 5, 4, 1), keep_prob=0.5)
    theta, X = network.initialize(rng), rng.normal(size=(6, 2))
    draws = draw_uniform(network.sizes, 6, rng, population=3)
    together = network.predict(theta, X, draws=draws)
    assert together.shape == (3, 6, 1)
    for k in range(3):
        own = tuple(draw[k] for draw in draws)
        np.testing.assert_allclose(together[k], network.predict(theta, X, draws=own), atol=1e-15)
    with pytest.raises(
        ValueError, match=r"theta must have shape \(K, P\) when X, Y, draws .* for 3 networks"
    ):
        network.gradient(theta, Batch(X, np.zeros((6, 1)), draws=draws))


def test_a_gradient_without_draws_is_refused(rng):
    network, batch = Network((2, 5, 1), keep_prob=0.5), Batch(np.ones((3, 2)), np.ones((3, 1)))
    for method in (network.gradient, network.loss_and_gradient, network.trace):
        with pytest.raises(ValueError, match=r"batch must hold draws .* keep_prob is below 1; got none\."):
            method(network.initialize(rng), batch)


BATCH = Batch(np.ones((3, 2)), np.ones((3, 1)))
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: keep_mask(np.ones((2, 2)), 0.0),
            r"keep_prob must be a number in \(0, 1\]; got 0\.0\. .* 0\.8",
        ),
        (lambda: keep_mask([[0.5]], 0.5), "draw must be a float array"),
        (lambda: keep_mask(np.ones(2), 0.5), r"draw must be .* \(\.\.\., n_units, m\)"),
        (lambda: check_keep_prob(1.1), "keep_prob must be"),
        (lambda: check_keep_prob(np.full(3, 0.5)), r"keep_prob must be .* \(K, 1, 1\)"),
        (lambda: draw_uniform((2, 5, 1), 0, RNG), r"m must be an integer in \[1, inf\); got 0"),
        (lambda: draw_uniform((2, 5, 1), 3, 0), "rng must be a numpy.random.Generator; got 0"),
        (lambda: draw_uniform((2, 5, 1), 3, RNG, 0), r"population must be an integer in \[1, inf\); got 0"),
        (lambda: draw_uniform(None, 3, RNG), "sizes must be a tuple"),
        (lambda: with_draws(repeat(BATCH), (2, 5, 1), None), "rng must be"),
        (lambda: with_draws(repeat(BATCH), (2, 5, 1), RNG, 0), "population must be"),
        (lambda: with_draws(repeat(BATCH), (2,), RNG), "sizes must be"),
        (lambda: with_draws([BATCH], (2, 5, 1), RNG), "batches must be an iterator of Batch"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_two_classical_mistakes_change_the_mean(rng):
    draw = rng.random((4, 100_000))  # the mean of 400,000 draws is known to 0.001
    assert keep_mask(draw, 0.8).mean() == pytest.approx(1, abs=0.005)
    assert mask_without_division(draw, 0.8).mean() == pytest.approx(0.8, abs=0.005)
    assert mask_with_drop_and_keep_swapped(draw, 0.8).mean() == pytest.approx(0.2 / 0.8, abs=0.005)
    np.testing.assert_array_equal(
        mask_without_division(draw, 0.8) > 0, mask_with_drop_and_keep_swapped(draw, 0.8) == 0
    )

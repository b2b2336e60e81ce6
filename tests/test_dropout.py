import itertools
from functools import partial
from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.activations import sigmoid
from dlhelpers.dropout import (
    adaptive_l2,
    all_masks,
    check_keep_prob,
    draw_uniform,
    draws_for_masks,
    keep_mask,
    mask_weights,
    normalized_geometric_mean,
    participation_ratio,
    with_draws,
)
from dlhelpers.gradient_checking import numerical_gradient
from dlhelpers.labs.dropout.mistakes import Rescaled, mask_with_drop_and_keep_swapped, mask_without_division
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network


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


# ------------------------------------------------------------------------------ all subnetworks at once


def test_all_masks_are_all_there_once():
    masks = all_masks(3)
    assert masks.shape == (8, 3) and masks.dtype == np.float64
    assert {tuple(row) for row in masks} == set(itertools.product((0.0, 1.0), repeat=3))
    assert masks[0].tolist() == [0, 0, 0] and masks[-1].tolist() == [1, 1, 1]
    assert all_masks(16).shape == (65_536, 16)


def test_weights_of_masks_by_hand():
    # kept 2 of 3 with p = 0.8: 0.8 * 0.8 * 0.2; kept 1 of 3: 0.8 * 0.2 * 0.2
    np.testing.assert_allclose(mask_weights(np.array([[1.0, 1, 0], [0, 0, 1]]), 0.8), [0.128, 0.032])
    assert mask_weights(all_masks(3), 1.0).tolist() == [0] * 7 + [1]


@given(st.floats(0.01, 1), st.integers(1, 8))
def test_weights_of_all_masks_add_up_to_1_and_keep_a_unit_with_keep_prob(p, n_units):
    masks = all_masks(n_units)
    weights = mask_weights(masks, p)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights @ masks, p)


def test_draws_for_masks_switch_off_what_the_mask_says():
    masks = np.array([[1.0, 0, 1, 0, 1], [0, 1, 1, 1, 0]])
    draws = draws_for_masks(masks, (2, 3, 2, 1), 4)
    assert [draw.shape for draw in draws] == [(2, 3, 4), (2, 2, 4)]
    for p in (0.01, 0.5, 1.0):
        factors = np.concatenate([keep_mask(draw, p) for draw in draws], axis=1)
        np.testing.assert_allclose(factors, np.repeat(masks[:, :, None], 4, axis=2) / p)
    assert draws_for_masks(np.zeros((2, 0)), (2, 1), 4) == ()
    three = draws_for_masks(np.array([[1.0, 0, 0, 1, 1]]), (2, 1, 2, 2, 1), 3)
    assert [draw[0, :, 0].tolist() for draw in three] == [[0], [1, 1], [0, 0]]


@pytest.mark.parametrize("keep_prob", [0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_one_hidden_layer_averages_its_subnetworks_exactly(activation, keep_prob, rng):
    """The mean logit is the full logit; so the normalized geometric mean is the full probability."""
    network = Network((2, 8, 1), activation, keep_prob=keep_prob)
    theta, X, masks = network.initialize(rng), rng.normal(size=(6, 2)), all_masks(8)
    theta = theta + rng.normal(size=theta.shape)
    logits = network.predict(theta, X, draws=draws_for_masks(masks, network.sizes, 6))
    weights, full = mask_weights(masks, keep_prob), network.predict(theta, X)
    np.testing.assert_allclose(np.tensordot(weights, logits, axes=1), full, atol=1e-12)
    np.testing.assert_allclose(normalized_geometric_mean(logits, weights), sigmoid(full), atol=1e-12)


def test_with_two_hidden_layers_it_is_an_approximation(rng):
    network = Network((2, 4, 4, 1), "tanh", keep_prob=0.5)
    theta, X, masks = network.initialize(rng), rng.normal(size=(6, 2)), all_masks(8)
    logits = network.predict(3 * theta, X, draws=draws_for_masks(masks, network.sizes, 6))
    mean = np.tensordot(mask_weights(masks, 0.5), logits, axes=1)
    assert abs(mean - network.predict(3 * theta, X)).max() > 0.1


def test_normalized_geometric_mean_by_hand():
    # probabilities 0.9 and 0.2: G = sqrt(0.18), G' = sqrt(0.1 * 0.8) = sqrt(0.08); 3 / (3 + 2) = 0.6
    logits = np.log([0.9 / 0.1, 0.2 / 0.8])
    assert normalized_geometric_mean(logits, np.array([0.5, 0.5])) == pytest.approx(0.6)
    # 0.9^0.25 0.2^0.75 = 0.29129, 0.1^0.25 0.8^0.75 = 0.47568
    expected = 0.29129 / (0.29129 + 0.47568)
    assert normalized_geometric_mean(logits, np.array([0.25, 0.75])) == pytest.approx(expected, abs=1e-4)
    far = normalized_geometric_mean(np.array([[900.0, -900.0], [100.0, -100.0]]), np.array([0.5, 0.5]))
    assert far.tolist() == [1.0, pytest.approx(0.0)]


# ------------------------------------------------------------------------------ what it does to weights


@pytest.mark.parametrize("keep_prob", [0.25, 0.5, 0.9, 1.0])
def test_expected_squared_error_is_the_cost_plus_the_adaptive_penalty(keep_prob, rng):
    """Dropout of the inputs, enumerated; keep_mask applied to every example."""
    X, w, y = rng.normal(size=(7, 4)) * [1, 5, 0.2, 2], rng.normal(size=4), rng.normal(size=7)
    masks = all_masks(4)
    factors = keep_mask(1 - masks, keep_prob)
    errors = ((factors * w) @ X.T - y) ** 2
    expected = mask_weights(masks, keep_prob) @ errors.sum(axis=1) / 14
    plain = np.sum((X @ w - y) ** 2) / 14
    assert expected == pytest.approx(plain + adaptive_l2(w, X, keep_prob))


def test_adaptive_l2_by_hand():
    # (1 - 0.8) / 0.8 = 0.25; squares of the columns: 1 + 1 = 2 and 4 + 16 = 20; 2 m = 4
    # 0.25 * (9 * 2 + 1 * 20) / 4 = 2.375
    assert adaptive_l2(np.array([3.0, 1.0]), np.array([[1.0, 2.0], [-1.0, 4.0]]), 0.8) == pytest.approx(2.375)


def test_participation_ratio_by_hand():
    # (4 + 1)^2 / (16 + 1) = 25 / 17
    assert participation_ratio(np.array([2.0, -1.0, 0.0])) == pytest.approx(25 / 17)
    assert participation_ratio(np.array([[0.0, 0.0], [0.0, 3.0]])).tolist() == [0, 1]
    assert participation_ratio(np.full(5, 1e200)) == pytest.approx(5)
    assert participation_ratio(np.full(5, 1e-200)) == pytest.approx(5)
    assert participation_ratio(np.array([-1e200, 1.0])) == pytest.approx(1)


@given(st.lists(st.floats(-100, 100).filter(lambda v: v == 0 or abs(v) > 1e-3), min_size=1, max_size=9))
def test_participation_ratio_lies_between_1_and_n_and_sees_no_scale(values):
    v = np.array(values)
    ratio = participation_ratio(v)
    assert ratio == 0 if not v.any() else 1 - 1e-9 <= ratio <= len(v) + 1e-9
    assert participation_ratio(-3 * v) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: all_masks(17), r"n_units must be an integer in \[1, 16\]; got 17"),
        (lambda: all_masks(0), "n_units must be"),
        (lambda: mask_weights(np.array([[0.5]]), 0.5), "masks must hold 0 and 1 only"),
        (lambda: mask_weights(all_masks(2), 0.0), r"keep_prob must be a number in \(0, 1\]"),
        (lambda: draws_for_masks(all_masks(3), (2, 4, 1), 5), "masks must have one column for each of the 4"),
        (lambda: draws_for_masks(all_masks(3), (2, 3, 1), 0), "m must be an integer"),
        (lambda: draws_for_masks(all_masks(3), (2,), 5), "sizes must be"),
        (lambda: draws_for_masks(2 * all_masks(3), (2, 3, 1), 5), "masks must hold 0 and 1"),
        (
            lambda: normalized_geometric_mean(np.ones(3), np.array([0.5, 0.5])),
            "weights must be one number >= 0 for each of the 3 networks",
        ),
        (lambda: normalized_geometric_mean(np.ones(2), np.array([1.5, -0.5])), "weights must be"),
        (lambda: normalized_geometric_mean(np.ones(2), np.array([0.5, 0.6])), "weights must be"),
        (lambda: normalized_geometric_mean(np.ones(2), np.array([0.5, 0.4])), "weights must be"),
        (lambda: normalized_geometric_mean(np.ones(2), np.array([0.5, 0.5 + 1.5e-6])), "weights must be"),
        (lambda: adaptive_l2(np.ones(3), np.ones((4, 2)), 0.5), "X must have 3 columns"),
        (lambda: adaptive_l2(np.ones(3), np.ones((0, 3)), 0.5), "1 or more rows"),
        (lambda: adaptive_l2(np.ones(3), np.ones((4, 3)), 0.0), "keep_prob must be"),
        (lambda: participation_ratio(np.ones((2, 0))), "values must hold one number or more"),
    ],
)
def test_bad_arguments_of_subnetworks_and_weights_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ------------------------------------------------------------------------------ the mistakes, trained


@pytest.mark.parametrize("keep_prob", [0.2, 0.5, 0.9])
def test_a_wrong_mask_is_the_right_one_times_a_factor(keep_prob, rng):
    """Forgotten division: factor p.  Swapped: the mask of keep_prob 1 - p, times (1 - p) / p."""
    draw = rng.random((5, 40))
    right = keep_mask(draw, keep_prob)
    np.testing.assert_allclose(mask_without_division(draw, keep_prob), right * keep_prob)
    swapped = keep_mask(1 - draw, 1 - keep_prob) * (1 - keep_prob) / keep_prob
    np.testing.assert_allclose(mask_with_drop_and_keep_swapped(draw, keep_prob), swapped)


def test_rescaled_computes_what_the_wrong_mask_gives(rng):
    """By hand: W3 @ (c A2 D2 / p) + b3, with A2 from W2 @ (c A1 D1 / p) + b2."""
    network = Network((2, 5, 4, 1), "relu", keep_prob=0.6)
    wrong = Rescaled(network, 0.6)
    theta, X = network.initialize(rng), rng.normal(size=(7, 2))
    theta = theta + 0.3 * rng.normal(size=theta.shape)
    batch = Batch(X, rng.normal(size=(7, 1)), draws=draw_uniform(network.sizes, 7, rng))
    W, A = network.layout.views(theta), X.T
    for layer in (1, 2):
        A = np.maximum(W[f"W{layer}"] @ A + W[f"b{layer}"], 0)
        A = A * mask_without_division(batch.draws[layer - 1], 0.6)
    expected = 0.5 * np.mean((W["W3"] @ A + W["b3"] - batch.Y.T) ** 2)
    assert wrong.loss(theta, batch) == pytest.approx(expected)
    gradient = wrong.gradient(theta, batch)
    numerical = numerical_gradient(partial(wrong.loss, batch=batch), theta)
    np.testing.assert_allclose(gradient, numerical, atol=1e-8)
    assert wrong.layout is network.layout


def test_rescaled_populations_have_a_factor_each(rng):
    network, factors = Network((2, 5, 1)), np.array([0.5, 2.0])[:, None, None]
    thetas, batch = network.initialize(rng, 2), Batch(np.ones((3, 2)), np.ones((3, 1)))
    together = Rescaled(network, factors)
    for k, factor in enumerate((0.5, 2.0)):
        alone = Rescaled(network, factor)
        np.testing.assert_allclose(together.loss(thetas, batch)[k], alone.loss(thetas[k], batch))
        np.testing.assert_allclose(together.gradient(thetas, batch)[k], alone.gradient(thetas[k], batch))

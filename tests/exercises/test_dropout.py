"""Exercises take the right answer and tell the mistakes apart; what the feedback claims is measured."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.activations import sigmoid
from dlhelpers.dropout import all_masks, keep_mask, mask_weights, normalized_geometric_mean
from dlhelpers.exercises import dropout
from dlhelpers.exercises.checking import ask
from dlhelpers.labs.dropout import inverted, rules, subnetworks
from dlhelpers.labs.dropout.columns import train_column
from dlhelpers.labs.dropout.keep_prob import per_layer
from dlhelpers.labs.dropout.noisy_cost import noisy_cost
from dlhelpers.labs.dropout.rules import FORGOTTEN, INVERTED
from dlhelpers.live.stages import last
from tests.exercises.every import solution


def test_inverted_dropout_by_hand() -> None:
    """With p = 0.8, U = 0.9 and 0.85 are off; 4 / 0.8 = 5, 3 / 0.8 = 3.75, 2 / 0.8 = 2.5, 7 / 0.8 = 8.75."""
    exercise = dropout.inverted_dropout
    np.testing.assert_allclose(
        ask(exercise.reference, exercise.cases[0]).value, [[0, 5, 3.75], [2.5, 0, 8.75]]
    )


def test_listing_1_of_the_notes_changes_what_it_was_given() -> None:
    """Its three lines are right, but the last one divides in place."""

    def listing(a3: Any, draw: Any, keep_prob: float) -> Any:
        a3 *= draw < keep_prob
        a3 /= keep_prob
        return a3

    verdict = dropout.inverted_dropout.check(listing)
    assert verdict.kind == "wrong" and "changes `A`" in verdict.text


def test_a_fresh_mask_in_the_backward_pass_is_wrong_whatever_its_seed() -> None:
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        verdict = dropout.dropout_backward.check(
            lambda dA, U, p, rng=rng: dA * keep_mask(rng.random(U.shape), p)
        )
        assert verdict.kind in ("wrong", "known mistake")


@given(st.lists(st.floats(-8, 8), min_size=8, max_size=8), st.floats(0.05, 0.95))
def test_geometric_mean_is_the_sigmoid_of_the_mean_logit(logits: list[float], p: float) -> None:
    z, w = np.array(logits), mask_weights(all_masks(3), p)
    found = solution(dropout.geometric_mean)(sigmoid(z), w)
    np.testing.assert_allclose(found, normalized_geometric_mean(z, w), atol=1e-9)


# ------------------------------------------------------------------------- what the feedback says


@pytest.mark.parametrize("seed", range(3))
def test_no_division(seed: int) -> None:
    """Half of the test-time activations in training; a higher dev loss, hardly another accuracy."""
    taken_apart = inverted.show_steps(0.5, FORGOTTEN, 1024, "training", 3, False, seed)
    assert taken_apart.ratio == pytest.approx(0.5, abs=0.02)
    measured = last(rules.rule_cost(FORGOTTEN, 0.5, seed)).measured
    assert measured is not None
    loss, accuracy = measured.at(FORGOTTEN, 0.5)
    right, reference = measured.at(INVERTED, 0.5)
    assert loss > 1.2 * right
    assert abs(accuracy - reference) < 0.05


@pytest.mark.parametrize("trained", list(subnetworks.TRAINED))
def test_means_of_the_subnetworks(trained: str) -> None:
    """One of the means never leaves the full network; training with dropout brings the other one near."""
    gaps = {}
    for x1 in (-0.5, 0.5, 1.5):
        found = last(subnetworks.enumerate_all(x1, 0.2, 0.5, trained, "one layer of 8", 0))
        assert abs(found.geometric - found.full) < 1e-12
        gaps[x1] = abs(found.arithmetic - found.full)
    assert (max(gaps.values()) < 0.1) == (trained == "with keep_prob 0.5")


@pytest.mark.parametrize("seed", range(4))
def test_many_networks(seed: int) -> None:
    """Accuracies: without dropout 95% and 79%, with keep_prob 0.5 89% and 87%."""
    (full, single), (full_with_dropout, single_with_dropout) = (
        last(subnetworks.enumerate_all(0.5, 0.2, 0.5, trained, "one layer of 8", seed)).accuracies or (0, 0)
        for trained in ("without dropout", "with keep_prob 0.5")
    )
    assert single < full - 0.1
    assert single_with_dropout > full_with_dropout - 0.06
    assert full_with_dropout < full


@pytest.mark.parametrize("seed", range(2))
def test_jagged_cost(seed: int) -> None:
    """J rises often with masks, its mean less often, and never without dropout."""
    found = last(noisy_cost(0.7, 0.7, 60, seed))
    rises, mean_rises = ((np.diff(curve) > 0).sum() for curve in (found.J, found.J_mean))
    assert rises > 25 and mean_rises < 0.6 * rises
    without = last(noisy_cost(1.0, 1.0, 60, seed))
    assert (np.diff(without.J) < 0).all()
    np.testing.assert_allclose(without.J, without.J_mean)


@pytest.mark.parametrize("seed", range(3))
def test_what_norms_do(seed: int) -> None:
    for share in (0.7, 0.3):
        found = last(noisy_cost(share, share, 60, seed))
        assert (found.norms < found.norms_without).all()


# ------------------------------------------------------------------------- what a preview says


@pytest.mark.parametrize("seed", range(3))
def test_a_preview_of_the_rules_says_nothing_of_networks_in_training(seed: int) -> None:
    rules.train_rules.cache_clear()
    *early, (_, end) = rules.rule_cost(FORGOTTEN, 0.5, seed)
    assert early
    for _, result in early:
        assert result.measured is None and "still in training" in result.caption
    assert "dev loss" in end.caption


@pytest.mark.parametrize("seed", range(2))
def test_a_preview_of_keep_prob_compares_with_nothing_that_is_not_trained(seed: int) -> None:
    for _, result in per_layer(0.7, 0.6, 30, 1, seed):
        assert ("after" in result.finding) == (result.step < 400)
        assert ("Of all 100 networks" in result.caption) == np.isfinite(result.dev_losses).all()


@pytest.mark.parametrize("seed", range(2))
def test_a_preview_of_the_noisy_cost_compares_with_nothing_that_is_not_trained(seed: int) -> None:
    train_column.cache_clear()
    *early, (_, end) = noisy_cost(0.7, 0.6, 30, seed)
    assert early and "of those without dropout" in end.caption
    for _, result in early:
        assert ("goes up" in result.finding) == (result.steps[-1] == 400)
        assert "of those without dropout" not in result.caption


def test_a_preview_of_the_subnetworks_counts_no_dev_points() -> None:
    subnetworks.train.cache_clear()
    *early, (_, end) = subnetworks.enumerate_all(0.5, 0.2, 0.5, "without dropout", "two layers of 4", 5)
    assert early and all("dev points" not in result.caption for _, result in early)
    assert "dev points" in end.caption

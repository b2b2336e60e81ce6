"""Exercises take the right answer and tell the mistakes apart; what the feedback claims is measured."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.activations import sigmoid
from dlhelpers.dropout import all_masks, keep_mask, mask_weights, normalized_geometric_mean
from dlhelpers.exercises import dropout
from dlhelpers.exercises.checking import ask
from dlhelpers.labs.dropout import dropout as labs
from dlhelpers.labs.dropout import subnetworks
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


def last(stages: Any) -> Any:
    *_, (_, result) = stages
    return result


@cache
def of_rule(rule: str, seed: int) -> labs.StepByStep:
    result: labs.StepByStep = last(labs.show_steps(0.5, rule, "training", False, 3, 1024, seed))
    return result


@pytest.mark.parametrize("seed", range(3))
def test_no_division(seed: int) -> None:
    """Half of the test-time activations in training; a higher dev loss, hardly another accuracy."""
    found = of_rule(labs.FORGOTTEN, seed)
    assert found.ratio == pytest.approx(0.5, abs=0.02)
    at = labs.SHARES.index(0.5)
    loss, right = found.dev_loss[labs.FORGOTTEN][at], found.dev_loss[labs.INVERTED][at]
    assert loss > 1.2 * right
    accuracy, reference = (found.dev_accuracy[rule][at] for rule in (labs.FORGOTTEN, labs.INVERTED))
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
    without, with_dropout = (
        last(subnetworks.enumerate_all(0.5, 0.2, 0.5, trained, "one layer of 8", seed))
        for trained in ("without dropout", "with keep_prob 0.5")
    )
    assert without.sub_accuracy < without.full_accuracy - 0.1
    assert with_dropout.sub_accuracy > with_dropout.full_accuracy - 0.06
    assert with_dropout.full_accuracy < without.full_accuracy


@pytest.mark.parametrize("seed", range(2))
def test_jagged_cost(seed: int) -> None:
    """J rises often with masks, its mean less often, and never without dropout."""
    found = last(labs.per_layer(0.7, 0.7, 60, 1, seed))
    rises, mean_rises = ((np.diff(curve) > 0).sum() for curve in (found.J, found.J_mean))
    assert rises > 25 and mean_rises < 0.6 * rises
    without = last(labs.per_layer(1.0, 1.0, 60, 1, seed))
    assert (np.diff(without.J) < 0).all()
    np.testing.assert_allclose(without.J, without.J_mean)


@pytest.mark.parametrize("seed", range(3))
def test_what_norms_do(seed: int) -> None:
    for share in (0.7, 0.3):
        found = last(labs.per_layer(share, share, 60, 1, seed))
        assert (found.norms < found.norms_without).all()


def test_the_best_pair_drops_much_in_one_layer_and_little_in_the_other() -> None:
    """Says the text below the lab of "mostly"; here of three seeds two or more."""
    far = 0
    for seed in range(3):
        losses = last(labs.per_layer(0.7, 0.7, 60, 1, seed)).dev_losses
        row, column = np.unravel_index(losses.argmin(), losses.shape)
        far += abs(int(row) - int(column)) >= 6
    assert far >= 2

"""What the labs of notebook 09 must show, measured against the formulas."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.special import softmax as scipy_softmax
from scipy.stats import entropy

from dlhelpers.calibration import fit_temperature
from dlhelpers.labs.softmax import calibrated, digits, rare_words, simplex
from dlhelpers.labs.softmax.logits import AS_WRITTEN, STABLE, softmax_steps
from dlhelpers.labs.softmax.loss_gradient import OF_COST, OF_LOSS, gradient
from dlhelpers.live.stages import last
from dlhelpers.losses import smooth_labels
from dlhelpers.softmax import softmax

Z = (5.0, 2.0, -1.0, 3.0)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
def test_two_classes_are_the_sigmoid_of_the_difference_to_rounding(temperature: float) -> None:
    rng = np.random.default_rng(0)
    for z1, z2 in rng.uniform(-6, 6, (200, 2)):
        found = softmax_steps(temperature, 0.0, STABLE, z1, z2, 0.0, 0.0, two=True)
        assert abs(found.a[0] - expit((z1 - z2) / temperature)) < 4e-16
        assert "differs by less than 10⁻¹²" in found.caption


def test_the_naive_form_overflows_where_the_caption_says() -> None:
    """The largest logit is 5: shifts of 704 and 705 lie around 709.78."""
    for shift, fails in ((700.0, False), (704.5, False), (704.8, True), (1000.0, True)):
        found = softmax_steps(1.0, shift, AS_WRITTEN, *Z, two=False)
        assert found.failed == fails == (5 + shift > 709.78)
        assert ("709.78" in found.caption) == fails
        assert fails or "less than 10⁻¹²" in found.caption
    for T in (0.5, 2.0):  # the limit is that of the exponent, (z + shift) / T
        edge = 709.78 * T - 5
        assert not softmax_steps(T, edge - 1, AS_WRITTEN, *Z, two=False).failed
        assert softmax_steps(T, edge + 1, AS_WRITTEN, *Z, two=False).failed


def test_the_naive_form_also_fails_where_every_exp_rounds_to_0() -> None:
    found = softmax_steps(1.0, -1000.0, AS_WRITTEN, *Z, two=False)
    assert found.failed and "0 divided by 0" in found.caption


def test_a_sum_that_overflows_is_told() -> None:
    found = softmax_steps(1.0, 709.5, AS_WRITTEN, 0.0, 0.0, 0.0, 0.0, two=False)
    assert np.isfinite(found.t).all() and found.failed
    assert found.finding == "The sum overflows: no probabilities"


@pytest.mark.parametrize("form", [AS_WRITTEN, STABLE])
def test_both_forms_are_softmax(form: str) -> None:
    for T in (0.3, 1.0, 4.0):
        found = softmax_steps(T, 50.0, form, *Z, two=False)
        np.testing.assert_allclose(found.a, scipy_softmax(np.array(Z) / T), rtol=1e-12)
        np.testing.assert_allclose(found.a, softmax(np.array(Z)[:, None], T)[:, 0], rtol=1e-12)
    assert form != STABLE or softmax_steps(1.0, 1000.0, form, *Z, two=False).t.max() == 1


@pytest.mark.parametrize("m", [1, 4, 50])
@pytest.mark.parametrize("smooth", [0.0, 0.3])
def test_the_measured_derivative_is_the_formula_with_1_over_m(m: int, smooth: float) -> None:
    for z in ((2.0, 1.0, -1.0), (5.0, -3.0, -1.0), (6.0, 6.0, -6.0)):
        found = gradient("dog", m, OF_COST, *z, smooth)
        y = smooth_labels(np.array([[0.0, 1.0, 0.0]]), smooth)[0]
        np.testing.assert_allclose(found.formula, (scipy_softmax(z) - y) / m, rtol=1e-12, atol=1e-16)
        np.testing.assert_allclose(found.measured, found.formula, rtol=1e-4, atol=1e-9)
        assert found.agrees
        assert abs(found.formula.sum()) < 1e-15
        without = gradient("dog", m, OF_LOSS, *z, smooth)
        assert without.agrees == (m == 1)
        assert m == 1 or f"{m} times the measured" in without.finding


def test_no_class_overtakes_another_at_any_temperature() -> None:
    rng = np.random.default_rng(1)
    for u1, u2 in rng.uniform(-6, 6, (50, 2)):
        found = simplex.in_triangle(u1, u2, 1.0)
        order = np.argsort([u1, u2, 0.0])
        assert (np.diff(found.path[:, order], axis=1) >= 0).all()
        np.testing.assert_allclose(found.path[-1], 1 / 3, atol=0.01)
        assert found.path[0].max() > 0.99 or np.diff(np.sort([u1, u2, 0.0]))[-1] < 0.05


def test_the_confusion_matrix_counts_every_dev_digit_once() -> None:
    found = last(digits.read_digits(3, 32, 0.01, 8, 1, 0))
    for label in range(10):
        for answer in range(10):
            expected = np.sum((found.y == label) & (found.probabilities.argmax(axis=1) == answer))
            assert found.confusion[label, answer] == expected
    assert found.confusion.sum() == 386
    losses = -np.log(found.probabilities[found.worst, found.y[found.worst]])
    assert (np.diff(losses) <= 0).all() and len(found.worst) == 386 - np.trace(found.confusion)


def test_a_preview_of_the_digits_says_how_far_it_is() -> None:
    digits.train.cache_clear()
    *early, (_, end) = digits.read_digits(20, 8, 0.01, 8, 1, 0)
    assert [result.epoch for _, result in early] == [*range(20), *[20] * 10]
    assert all(f"After {k} of 20 epochs" in result.caption for k, (_, result) in enumerate(early[:20]))
    assert "of 20 epochs" not in end.caption


def test_a_temperature_fitted_on_the_training_set_is_too_low() -> None:
    """Says the docstring of `fit_temperature`, and the question at the end."""
    said = last(calibrated.train(0.25, 0.0, 0))
    assert said.on_dev == fit_temperature(*said.dev)
    assert said.on_train < 1 < 1.8 < said.on_dev


@pytest.mark.parametrize("balanced", [False, True])
def test_words_follow_their_shares_and_each_is_followed_by_at_most_two(balanced: bool) -> None:
    batches = [rare_words.text(balanced, seed) for seed in range(40)]
    counts = sum(batch.X.sum(axis=0) for batch in batches)
    share = np.full(32, 1 / 32) if balanced else 1 / np.arange(1, 33) / np.sum(1 / np.arange(1, 33))
    n = 40 * rare_words.PAIRS
    assert np.all(np.abs(counts - n * share) < 4 * np.sqrt(n * share))
    for batch in batches:
        assert np.all(np.count_nonzero(batch.X.T @ batch.Y, axis=1) <= 2)


def test_no_run_knows_more_of_the_words_than_the_lowest_loss() -> None:
    """The lowest loss is the mean entropy of what follows, and no optimizer comes below it."""
    batch = rare_words.text(False, 0)
    counts = batch.X.T @ batch.Y
    seen = counts[counts.sum(axis=1) > 0]
    by_scipy = entropy(seen, axis=1) @ seen.sum(axis=1) / rare_words.PAIRS
    assert rare_words.lowest_losses(batch).mean() == pytest.approx(by_scipy, rel=1e-12)
    for name in rare_words.RACERS:
        assert rare_words.learn(name, False, 0).loss > -1e-12


def test_a_word_learns_at_the_pace_of_its_share() -> None:
    """With weights of 0, the gradient of a word's row is its share times what is said minus what follows."""
    batch, network = rare_words.text(False, 0), rare_words.NETWORK
    _, gradient = network.loss_and_gradient(np.zeros(network.layout.size), batch)
    rows = network.layout.views(gradient)["W1"].T
    counts = batch.X.T @ batch.Y
    share = counts.sum(axis=1, keepdims=True) / rare_words.PAIRS
    follows = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.testing.assert_allclose(rows, share * (1 / 32 - follows), atol=1e-15)

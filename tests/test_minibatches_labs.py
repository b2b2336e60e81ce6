"""The labs of notebook 06a: measured against the formula, and previews that say how far they are."""

from itertools import islice

import numpy as np
import pytest

from dlhelpers.averages import rule_of_thumb_window
from dlhelpers.labs.averages import moving
from dlhelpers.labs.minibatches import batch_sizes, clocks, gradient_cloud, paths
from dlhelpers.labs.minibatches.common import NETWORK, training_set
from dlhelpers.live.stages import last

RUN = next(iter(gradient_cloud.RUNS))


def test_the_noise_scale_by_hand():
    """g = (2, 2); the squared distances are 1 + 0, 1 + 4, 0 + 4, so S^2 = 10 / 2 = 5; |g|^2 = 8."""
    gradients = np.array([[1.0, 2.0], [3.0, 0.0], [2.0, 4.0]])
    assert gradient_cloud.noise_scale(gradients) == pytest.approx(5 / 8)


def test_the_mean_of_the_single_gradients_is_the_gradient():
    theta = gradient_cloud.thetas(RUN, 0)[7]
    each = gradient_cloud.gradients_after(7, RUN, 0)
    np.testing.assert_allclose(each.mean(axis=0), NETWORK.gradient(theta, training_set(0)), atol=1e-6)


@pytest.mark.parametrize("batch_size", [4, 64, 512])
def test_the_cloud_is_as_wide_as_the_formula_says(batch_size):
    """200 mini-batches measure it to a few percent."""
    _, found = next(gradient_cloud.look(batch_size, 16, RUN, 0))
    assert found.spread == pytest.approx(found.expected, rel=0.12)


def test_with_all_examples_the_cloud_is_a_point():
    _, found = next(gradient_cloud.look(1024, 16, RUN, 0))
    assert found.spread < 1e-9 and found.expected == 0
    np.testing.assert_allclose(found.points, np.tile([1.0, 0.0], (200, 1)), atol=1e-4)


def test_batch_sizes_that_are_not_there_yet_are_absent():
    batch_sizes.try_rates.cache_clear()
    stages = [found for share, found in islice(batch_sizes.compare_sizes(1024, 0.6, 7), 6) if share < 1]
    for found in stages:
        assert set(found.known) <= {10, 0}, "the chosen size is the first"
        assert np.isnan(found.bend) and "so far" in found.caption
        assert ("on the way" in found.finding) == (10 not in found.known)


def test_updates_to_a_target_are_those_of_the_curve():
    curves = batch_sizes.Curves(
        np.array([0, 1, 2, 3]), np.array([[2.0, 2.0], [0.9, 2.0], [1.1, 1.5], [0.5, 0.9]])
    )
    np.testing.assert_array_equal(curves.updates_to(1.0), [1, np.nan])  # 3 is more than 1.3 times 1
    assert np.isnan(curves.updates_to(0.1)).all()


def test_a_run_alone_is_not_compared_with_others():
    clocks.follow.cache_clear()
    _, first = next(clocks.run_all(512, clocks.EXAMPLES, 0.3, 8))
    assert first.one is None and first.whole is None
    assert "One example" not in first.caption and "not yet there" in first.finding


def test_the_clocks_count_the_same_run():
    found = last(clocks.run_all(256, clocks.EXAMPLES, 0.3, 0))
    assert found.unit(found.yours) == 256
    assert found._replace(clock=clocks.UPDATES).unit(found.yours) == 1
    seconds = found._replace(clock=clocks.SECONDS).unit(found.yours)
    assert seconds == pytest.approx(found.seconds[clocks.TIMED.index(256)])


def test_all_examples_come_to_rest_and_one_does_not():
    one, whole = (paths.go_downhill(size, 0.1, paths.CONSTANT, 0.4, 0.6, 0) for size in (1, 512))
    assert whole.hovers < 1e-5 < 1e-3 < one.hovers
    np.testing.assert_allclose(whole.path[-1], paths.cancer().best, atol=1e-4)


def test_a_path_that_leaves_the_frame_is_said_to():
    found = paths.go_downhill(1, 10**0.2, paths.CONSTANT, 0.4, 0.6, 0)
    assert found.left_at is not None and f"leaves the frame at update {found.left_at}" in found.finding


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.98])
def test_the_window_that_is_dragged_is_that_of_its_beta(beta):
    assert moving.beta_of(float(rule_of_thumb_window(beta))) == pytest.approx(beta)


def test_weights_give_the_average_at_the_cursor():
    for corrected in (False, True):
        found = moving.average(0.9, 17, corrected, moving.SEA)
        assert found.weights @ found.values[:17] == pytest.approx(found.average[16])
        assert found.weights.sum() == pytest.approx(1 if corrected else 1 - 0.9**17)

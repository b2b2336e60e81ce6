"""The labs of section 1.3: while they compute, they show what has been computed, and say so."""

import numpy as np

from dlhelpers.labs.regularization import decay, diamond, inside, network_lambda, over_lambda
from dlhelpers.live.stages import last


def previews(stages):
    """Return the stages ahead of the last."""
    return [result for share, result in stages if share < 1]


def test_the_shares_of_zeros_begin_with_the_lambda_of_the_reader():
    settings = (1.5, 0.6, 0.3, 100.0, "proximal", 5)
    first, *_, almost = previews(diamond.penalize(*settings))
    assert np.flatnonzero(np.isfinite(first.share[:, 0])).tolist() == [0, 40]
    assert np.isfinite(almost.share).all()
    end = last(diamond.penalize(*settings))
    assert end.finding == first.finding
    np.testing.assert_array_equal(almost.share, end.share)
    np.testing.assert_array_equal(first.share[40], diamond.zero_shares(end.cloud))


def test_a_network_in_training_has_no_curves_over_lambda():
    settings = (1.0, "L2", 0.5, 0.6, 40, 5)
    for k, half in enumerate(previews(network_lambda.regularize(*settings)), 1):
        assert np.isnan(half.curves.train).all()
        assert f"after {50 * k:,} of 1,500 steps: train loss {half.losses[0]:.2f}" in half.finding
        assert "follow when all 25 networks are trained" in half.caption
    end = last(network_lambda.regularize(*settings))
    at = end.at
    np.testing.assert_allclose(end.losses, (end.curves.train[at], end.curves.dev[at]), rtol=1e-12)
    assert not end.finding.startswith("after") and "when all 25" not in end.caption


def test_inside_a_network_in_training_there_are_no_norms_over_lambda():
    settings = (1.0, "L2", 0.5, 0.6, 40, 6)
    for k, half in enumerate(previews(inside.look_inside(*settings)), 1):
        assert np.isnan(half.curves.norms).all()
        assert f"after {50 * k:,} of 1,500 steps" in half.finding and "follow when all 25" in half.caption
    end = last(inside.look_inside(*settings))
    assert "follow" not in end.caption and "after" not in end.finding


def test_the_edge_is_where_training_diverges():
    """Above alpha lambda / m = 2 every network is lost, below it none."""
    for rate, m in ((0.5, 40), (0.25, 40), (0.5, 80)):
        found = last(network_lambda.regularize(1.0, "L2", rate, 0.6, m, 0))
        assert found.edge == over_lambda.edge_of("L2", rate, m) == 2 * m / rate
        assert np.array_equal(found.diverged, found.edge < over_lambda.LAMBDAS)


def test_two_runs_are_drawn_as_far_as_they_are():
    for k, half in enumerate(previews(decay.compare("Adam", 3.0, 0.03, 1.0, 5)), 1):
        done = decay.DECAY_PIECE * k
        assert len(half.runs.norms) == len(half.runs.difference) == done
        assert f"After {done - 1} steps" in half.caption and "on the way" in half.caption
        assert half.caption.endswith("now.")
    assert last(decay.compare("Adam", 3.0, 0.03, 1.0, 5)).caption.endswith("at the end.")

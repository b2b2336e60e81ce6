"""The labs on the first weights, beside the formulas and at every stage."""

import numpy as np
import pytest

from dlhelpers.initialization import factor_per_layer
from dlhelpers.labs.initialization import signals, starts
from dlhelpers.labs.initialization.common import GLOROT, HE, LARGE, LECUN, SMALL, ZEROS
from dlhelpers.live.stages import last

FACTORS = {HE: 1.0, LECUN: 2**-0.5, LARGE: 16**0.5, SMALL: 0.01 * 16**0.5}
"""By formula: the gain of 32 inputs over √2."""


@pytest.mark.parametrize("name", FACTORS)
def test_relu_takes_the_factor_of_the_formula(name: str) -> None:
    """The median of ten seeds, within 15%: 32 units scatter."""
    factors = [
        factor_per_layer(signals.begin(name, "relu", 12, seed).sizes.activations) for seed in range(10)
    ]
    assert np.median(factors) == pytest.approx(FACTORS[name], rel=0.15)


@pytest.mark.parametrize("name", [HE, LARGE, ZEROS])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_shapes_zeros_and_what_is_outside_add_up(name: str, activation: str) -> None:
    found = signals.begin(name, activation, 8, 0)
    some = found.zeros < 1
    np.testing.assert_allclose((found.histograms.sum(axis=1) + found.outside)[some], 1)
    assert np.all(found.zeros == 1) == (name == ZEROS)


def test_without_a_signal_the_lab_says_so() -> None:
    assert "no signal, all activations are 0" in signals.begin(ZEROS, "relu", 8, 0).finding


def test_previews_say_how_far_training_is_and_claim_nothing() -> None:
    """For a start that trains, one that diverges and one that stays; no number of a run that is not over."""
    for name in (LECUN, LARGE, ZEROS):
        starts.train.cache_clear()
        stages = starts.race(name, 100, starts.OWN_BEST, "relu", 8, 0)
        _, result = next(stages)
        assert "0 of 100 steps" in result.finding
        while name not in result.done:
            assert "in training" in result.finding and result.done == ()
            assert "diverged" not in result.caption and "same weights" not in result.caption
            _, result = next(stages)
        assert "so far" in result.finding
    for name in (LECUN, LARGE, ZEROS):
        result = last(starts.race(name, 100, starts.OWN_BEST, "relu", 8, 0))
        assert ("same weights" in result.caption) == (name == ZEROS)
        assert ("diverged" in result.finding) == (name == LARGE)


def test_more_steps_go_on_where_the_short_run_ends() -> None:
    """The long run is the short one, trained further."""
    first, more = (last(starts.train(HE, "tanh", 2, length, 0)) for length in (starts.SHORT, starts.LONG))
    np.testing.assert_array_equal(more.losses[: len(first.losses)], first.losses)
    np.testing.assert_array_equal(first.smooth(100), more.smooth(100))


def test_each_start_counts_at_its_own_best_rate() -> None:
    result = last(starts.race(LECUN, 100, starts.OWN_BEST, "relu", 4, 0))
    for name in (LECUN, GLOROT, HE):
        assert result.loss(name) == result.trained[name].smooth(100).min()
    forced = result._replace(rate=starts.RATE_NAMES[0])
    assert all(forced.column(name) == 0 for name in forced.trained)

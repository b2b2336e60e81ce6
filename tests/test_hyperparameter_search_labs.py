"""What the labs on where to look measure, against formulas and against the core."""

import numpy as np
import pytest

from dlhelpers.labs.hyperparameter_search import (
    coarse_to_fine,
    grid_or_random,
    panda_caviar,
    right_scale,
    what_matters,
)
from dlhelpers.labs.hyperparameter_search.grid_or_random import (
    LATIN,
    PLANS,
    RANDOM,
    WITH_ENDS,
    WITHOUT,
    measure,
)
from dlhelpers.live.stages import last
from dlhelpers.search_spaces import LogUniform, OneMinusLogUniform, Uniform

EQUAL, ONE_ONLY = 0, -1


@pytest.mark.parametrize("per_axis", [3, 5, 7])
@pytest.mark.parametrize("at", range(len(grid_or_random.IMPORTANCES)))
def test_a_grid_misses_what_its_formula_says_at_every_importance(per_axis, at):
    for plan, gaps in ((WITHOUT, per_axis), (WITH_ENDS, per_axis - 1)):
        excess = measure(plan, per_axis, 0)
        assert abs(excess.mean[at] - 1 / (12 * gaps**2)) < 4 * excess.error[at]


def expected_on_a_line(n):
    """Return the mean of the least squared distance from a random place to n random trials in [0, 1]."""
    t, p = np.linspace(0, 1, 1001), np.linspace(0, 1, 1001)[:, np.newaxis]
    covered = np.minimum(p + t, 1) - np.maximum(p - t, 0)
    return np.trapezoid(2 * t * np.trapezoid((1 - covered) ** n, p, axis=0), t)


@pytest.mark.parametrize("per_axis", [3, 5])
def test_random_trials_miss_what_theory_says_when_one_counts(per_axis):
    excess = measure(RANDOM, per_axis, 0)
    expected = expected_on_a_line(per_axis**2)
    assert abs(excess.mean[ONE_ONLY] - expected) < 4 * excess.error[ONE_ONLY]


@pytest.mark.parametrize("seed", range(5))
def test_grid_against_random_with_standard_errors(seed):
    """Beyond the noise: a grid without ends wins at 50 : 50, random trials win at 100 : 0."""
    found = {plan: measure(plan, 5, seed) for plan in PLANS}

    def clearly_below(low, high, at):
        gap = found[high].mean[at] - found[low].mean[at]
        return gap > 4 * np.hypot(found[low].error[at], found[high].error[at])

    assert clearly_below(WITHOUT, RANDOM, EQUAL) and clearly_below(WITH_ENDS, RANDOM, EQUAL)
    assert clearly_below(RANDOM, WITHOUT, ONE_ONLY) and clearly_below(RANDOM, WITH_ENDS, ONE_ONLY)
    assert clearly_below(LATIN, RANDOM, EQUAL) and clearly_below(LATIN, RANDOM, ONE_ONLY)


def test_a_plan_uses_the_promised_values():
    for plan in PLANS:
        result = grid_or_random.compare_plans(0.95, 5, plan, 0.6, 0.4, 0)
        assert len(result.points) == 25
        assert result.distinct == (25 if plan in (RANDOM, LATIN) else 5)
    slices = np.floor(25 * grid_or_random.place_often(LATIN, 5, np.random.default_rng(0)))
    assert (np.sort(slices, axis=1) == np.arange(25)[:, np.newaxis]).all()


@pytest.mark.parametrize("u", [0.0, 0.3, 1.0])
def test_both_scales_are_those_of_the_core(u):
    even, log = (float(right_scale.draw(scale, 1e-3, np.array(u))) for scale in right_scale.SCALES)
    assert even == pytest.approx(Uniform(1e-3, 1).from_unit(u))
    assert log == pytest.approx(LogUniform(1e-3, 1).from_unit(u))
    beta = OneMinusLogUniform(0, 1 - 1e-3).from_unit(1 - u)
    assert 1 - beta == pytest.approx(log)


def test_the_memory_of_zero_steps_is_the_network_itself():
    """1 - beta = 1 averages nothing; a tiny one stays at the first weights, which guess."""
    losses = last(right_scale.curve_of(right_scale.MEMORY, 0)).losses
    assert losses[0] > 1 and losses.min() < losses[-1] < 1


def test_the_box_is_what_its_controls_say():
    low, high = coarse_to_fine.corners((1e-2, 0.1), 0.2)
    assert high - low == pytest.approx([1.0, 0.6])
    assert (low + high) / 2 == pytest.approx([-2, -1])
    low, high = coarse_to_fine.corners((10.0, 1e-3), 0.2)  # at a corner, it stays inside
    assert high[0] == pytest.approx(1) and low[1] == pytest.approx(-3)
    space = coarse_to_fine.box_space(low, high)
    assert (space["alpha"].low, space["alpha"].high) == pytest.approx((1, 10))


def test_training_that_diverges_is_infinite_and_said():
    result = last(coarse_to_fine.search(10.0, 1e-3, 0.1, 4, False, 0))
    losses = result.second[coarse_to_fine.BOX].losses
    assert not np.isnan(losses).any() and losses.min() > 2
    assert coarse_to_fine.told(np.inf) == "over 9"


def test_panda_and_caviar_have_the_same_budget():
    result = last(panda_caviar.compare_approaches(0.01, 6, 576, 0))
    assert panda_caviar.TRIES * result.panda.steps[-1] == 576
    assert sum(life.steps[-1] for life in result.caviar) == 576
    tried = len(result.panda.losses) + len(result.nursed.given_up)
    assert tried == panda_caviar.TRIES * len(result.panda.losses)


def test_a_nursed_rate_that_never_changes_is_a_plain_run():
    """A life in pieces is the same as one without a break."""
    advance = panda_caviar.trainer(0)
    whole, _ = advance({"learning_rate": 0.01}, None, 4)
    state = None
    for _ in range(4):
        pieces, state = advance({"learning_rate": 0.01}, state, 1)
    assert pieces == whole


def test_the_usual_value_of_each_row_is_the_same_setting():
    result = last(what_matters.compare_effects(0.01, what_matters.WIDE, 0))
    usual = [found[getattr(what_matters.Trial(), name)] for name, found in result.losses.items()]
    assert np.ptp(usual) == 0
    assert result.band[0] < usual[0] < result.band[1]

"""The exercises of notebook 07b against hand arithmetic."""

import pytest

from dlhelpers.exercises import real_search
from dlhelpers.exercises.checking import ask
from dlhelpers.hyperparameter_search import halving_rungs


def test_the_cost_of_a_bracket_by_hand() -> None:
    """9 settings with 1 epoch, 3 with 2 more, 1 with 6 more."""
    assert ask(real_search.bracket_cost.reference, real_search.bracket_cost.cases[0]).value == 9 + 6 + 6


def test_the_cost_is_that_of_the_plan_in_the_course() -> None:
    for case in real_search.bracket_cost.cases:
        rungs = halving_rungs(case["n"], case["first"], case["eta"])
        assert real_search.bracket_cost.reference(**case) == sum(rung.size * rung.extra for rung in rungs)


def test_the_expected_best_by_hand() -> None:
    """Of 0.2 and 0.4, the lower of two draws is 0.4 in one case of four."""
    third = ask(real_search.expected_best.reference, real_search.expected_best.cases[2]).value
    assert third == pytest.approx(0.75 * 0.2 + 0.25 * 0.4)

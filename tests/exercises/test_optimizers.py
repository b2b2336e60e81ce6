"""Exercises of notebook 06b by hand; what the feedback of its questions says is measured."""

import numpy as np
import pytest

from dlhelpers.exercises import optimizers
from dlhelpers.exercises.checking import ask
from dlhelpers.labs.optimizers import adam_step, momentum, noise, rotation
from tests.exercises.every import solution


def test_momentum_by_hand() -> None:
    """v = 0.9 (0.5, 0.1) + 0.1 (2, -0.4) = (0.65, 0.05); theta = (1, -2) - 0.5 v."""
    exercise = optimizers.momentum_step
    theta, v = ask(exercise.reference, exercise.cases[0]).value
    np.testing.assert_allclose(v, [0.65, 0.05])
    np.testing.assert_allclose(theta, [0.675, -2.025])


def test_the_first_step_of_adam_has_the_length_of_the_rate() -> None:
    exercise = optimizers.adam_step
    case = exercise.cases[1]
    theta, _, _ = solution(exercise)(**case)
    np.testing.assert_allclose(case["theta"] - theta, 0.5 * np.sign(case["gradient"]), rtol=2e-3)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_the_edge_is_that_of_the_lab(beta: float) -> None:
    found = solution(optimizers.edge)(beta, 1.0)
    assert found == pytest.approx(momentum.stability_edge(beta, momentum.AVERAGED))
    assert solution(optimizers.edge)(beta, 4.0) == pytest.approx(found / 4)


def test_over_the_edge() -> None:
    """At 3.2 it diverges without momentum and converges with it; the edge at 0.9 is 38."""
    plain, heavy = (
        momentum.move_in_plane(3.2, beta, momentum.AVERAGED, 100.0, -3.5, 2.1).share for beta in (0.0, 0.9)
    )
    assert plain > 1 > heavy
    assert momentum.stability_edge(0.9, momentum.AVERAGED) == pytest.approx(38)


def test_noise_floor() -> None:
    """95 percent of the variance of theta; a nineteenth of that of the direction."""
    plain, heavy, _ = noise.predicted_floors(0.1, 0.9, 0.99)
    assert heavy / plain == pytest.approx(0.95, abs=0.005)
    (g, v), _ = noise.traces(0.01, 0.9, 0.99, 0)
    assert (v.std() / g.std()) ** 2 == pytest.approx(1 / 19, rel=0.4)


def test_turned() -> None:
    along, turned = rotation.over_angles("Adam", 0.25, 100.0)[1][[0, 9]]
    assert turned > 1e6 * along


def test_first_steps() -> None:
    assert adam_step.factor_without(0.9, 0.999)[0] == pytest.approx(3.2, abs=0.05)
    assert adam_step.factor_without(0.9, 0.99)[0] == pytest.approx(1)

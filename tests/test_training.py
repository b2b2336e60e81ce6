from dataclasses import replace
from itertools import islice, repeat

import numpy as np
import pytest

from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent
from dlhelpers.training import descend


@pytest.fixture
def line():
    """Ten points of y = 2x + 1."""
    X = np.linspace(-1, 1, 10)[:, None]
    return Batch(X, 2 * X + 1)


def test_a_step_shows_what_belongs_together(line, rng):
    network = Network((1, 3, 1))
    for step in islice(descend(network, network.initialize(rng), repeat(line), Adam(), 0.1), 4):
        loss, gradient = network.loss_and_gradient(step.theta, line)
        assert step.loss == loss
        np.testing.assert_array_equal(step.gradient, gradient)


def test_the_update_is_theta_minus_rate_times_direction(line):
    first, second = islice(descend(Network((1, 1)), np.zeros(2), repeat(line), GradientDescent(), 0.5), 2)
    np.testing.assert_allclose(second.theta, first.theta - 0.5 * first.gradient)
    assert (first.step, second.step) == (0, 1)


def test_gradient_descent_finds_the_line(line):
    *_, last = islice(descend(Network((1, 1)), np.zeros(2), repeat(line), GradientDescent(), 0.5), 200)
    np.testing.assert_allclose(last.theta, [2, 1], atol=1e-9)


def test_the_rate_may_change_between_two_steps(line):
    run = descend(Network((1, 1)), np.zeros(2), repeat(line), GradientDescent(), 0.5)
    first = next(run)
    run.learning_rate = 0.0
    assert next(run).theta.tolist() == first.theta.tolist()
    run.learning_rate = 0.1
    np.testing.assert_allclose(next(run).theta, first.theta - 0.1 * first.gradient)


def test_the_optimizer_may_change_between_two_steps(line):
    run = descend(Network((1, 1)), np.zeros(2), repeat(line), Adam(), 0.1)
    first = next(run)
    run.optimizer = GradientDescent()
    second = next(run)
    np.testing.assert_allclose(second.theta, first.theta - 0.1 * first.gradient)
    run.optimizer = Adam(beta1=0.5)
    third = next(run)
    np.testing.assert_allclose(third.theta, second.theta - 0.1 * np.sign(second.gradient), atol=1e-6)
    run.optimizer = replace(run.optimizer, beta1=0.9)
    assert next(run).state.t == 2  # the same kind of optimizer: it keeps its state


def test_a_schedule_is_a_function_of_the_step(line):
    run = descend(Network((1, 1)), np.zeros(2), repeat(line), GradientDescent(), lambda step: 1 / (1 + step))
    assert [step.learning_rate for step in islice(run, 3)] == [1, 1 / 2, 1 / 3]


def test_a_run_can_be_forked_at_any_step(line, rng):
    network = Network((1, 3, 1))
    steps = list(islice(descend(network, network.initialize(rng), repeat(line), Adam(), 0.1), 10))
    fork = descend(network, steps[4].theta, repeat(line), Adam(), 0.1, state=steps[4].state)
    for old, new in zip(steps[4:], fork, strict=False):
        np.testing.assert_array_equal(old.theta, new.theta)


def test_a_population_has_a_rate_for_each_network(line):
    rates = np.array([[0.0], [0.1], [0.5]])
    run = descend(Network((1, 1)), np.zeros((3, 2)), repeat(line), GradientDescent(), rates)
    *_, last = islice(run, 5)
    for rate, theta in zip(rates[:, 0], last.theta, strict=True):
        *_, alone = islice(descend(Network((1, 1)), np.zeros(2), repeat(line), GradientDescent(), rate), 5)
        np.testing.assert_allclose(theta, alone.theta)


def test_divergence_ends_with_a_record_that_says_so(line):
    *_, last = descend(Network((1, 1)), np.zeros(2), repeat(line), GradientDescent(), 1e6)
    assert last.diverged
    assert last.cause == f"diverged at step {last.step}: the gradient is no longer a finite number"
    assert 10 < last.step < 100


def test_a_diverged_network_does_not_spoil_the_others(line):
    rates = np.array([[1e6], [0.5]])
    run = descend(Network((1, 1)), np.zeros((2, 2)), repeat(line), GradientDescent(), rates)
    *_, last = islice(run, 200)
    assert last.diverged.tolist() == [True, False] and last.cause == ""
    np.testing.assert_allclose(last.theta[1], [2, 1], atol=1e-9)


def test_it_ends_with_its_batches(line, rng):
    batches = minibatches(line.X, line.Y, 4, rng, epochs=2)
    steps = list(descend(Network((1, 1)), np.zeros(2), batches, GradientDescent(), 0.1))
    assert [step.epoch for step in steps] == [0, 0, 0, 1, 1, 1]


def test_bad_arguments_are_named(line):
    with pytest.raises(ValueError, match=r"theta must have shape \(P,\) or \(K, P\)"):
        descend(Network((1, 1)), np.zeros((1, 1, 2)), repeat(line), GradientDescent(), 0.1)
    with pytest.raises(ValueError, match=r"learning_rate must be 0 or more; got -0\.1"):
        descend(Network((1, 1)), np.zeros(2), repeat(line), GradientDescent(), -0.1)

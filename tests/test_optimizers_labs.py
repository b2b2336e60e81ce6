"""The labs of notebook 06b: what they measure agrees with the formulas, and previews say so."""

from itertools import combinations

import numpy as np
import pytest

from dlhelpers.labs.optimizers import adam_step, momentum, noise, race, rotation
from dlhelpers.labs.optimizers.amsgrad import AMSGrad
from dlhelpers.labs.optimizers.common import stationary, transition
from dlhelpers.live.canvas import Canvas
from dlhelpers.live.stages import last
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend


@pytest.mark.parametrize("form", momentum.FORMS)
def test_the_measured_edge_of_stability_is_that_of_the_eigenvalues(form):
    averaged = momentum.FORMS[form]
    for beta, measured in zip(momentum.EDGE_BETAS, momentum.measured_edges(form), strict=True):
        for share, stable in ((0.999, True), (1.001, False)):
            sizes = np.abs(np.linalg.eigvals(transition(share * measured, beta, 1.0, averaged)))
            assert (sizes.max() < 1) == stable
        assert measured == pytest.approx(momentum.stability_edge(float(beta), form), rel=1e-4)


def test_the_eigenvalues_foretell_the_errors():
    found = momentum.move_in_plane(1.5, 0.0, momentum.AVERAGED, 20.0, -3.5, 2.1)
    errors = np.abs(found.path)
    np.testing.assert_allclose(errors[1:6] / errors[:5], np.tile(found.factors, (5, 1)), rtol=1e-9)


def test_both_conventions_give_the_same_path():
    one = momentum.move_in_plane(10.0, 0.9, momentum.AVERAGED, 100.0, -3.5, 2.1)
    other = momentum.move_in_plane(1.0, 0.9, momentum.SUM, 100.0, -3.5, 2.1)
    np.testing.assert_allclose(one.path, other.path, atol=1e-12)


def test_a_cell_of_the_plane_is_the_run_of_its_point():
    shares = momentum.loss_map(momentum.AVERAGED, 100.0, -3.5, 2.1)
    for row, column in ((0, 5), (36, 20), (20, 10)):
        rate, beta = float(momentum.RATES[column]), float(momentum.BETAS[row])
        alone = momentum.move_in_plane(rate, beta, momentum.AVERAGED, 100.0, -3.5, 2.1)
        assert alone.share == pytest.approx(shares[row, column])


@pytest.mark.parametrize(("form", "condition"), [(momentum.SUM, 100.0), (momentum.AVERAGED, 10.0)])
def test_the_plane_is_drawn_anew_for_another_ravine(form, condition):
    first = momentum.move_in_plane(10.0, 0.9, momentum.AVERAGED, 100.0, -3.5, 2.1)
    then = momentum.move_in_plane(10.0, 0.9, form, condition, -3.5, 2.1)
    moved, fresh = (Canvas(momentum.momentum_views, (9.6, 3.75)) for _ in range(2))
    moved.draw(first, None)
    moved.draw(then, None)
    fresh.draw(then, None)
    np.testing.assert_array_equal(moved.pixels, fresh.pixels)


def test_the_start_at_the_minimum_is_told():
    with pytest.raises(ValueError, match="nothing to descend"):
        momentum.move_in_plane(1.0, 0.9, momentum.AVERAGED, 20.0, 0.0, 0.0)


def test_the_stationary_covariance_reproduces_itself():
    matrix, push = transition(0.3, 0.8, 1.0), np.array([0.2, -0.06])
    P = stationary(matrix, np.outer(push, push))
    np.testing.assert_allclose(P, matrix @ P @ matrix.T + np.outer(push, push))
    np.testing.assert_allclose(P, P.T)


@pytest.mark.parametrize(("beta", "gamma"), [(0.9, 0.99), (0.5, 0.9)])
def test_the_measured_noise_floors_are_those_of_the_formula(beta, gamma):
    measured = last(noise.measure(beta, gamma, 1))
    predicted = np.array([noise.predicted_floors(rate, beta, gamma) for rate in noise.NOISE_RATES.tolist()]).T
    a, g = noise.NOISE_RATES, gamma * (1 - noise.NOISE_RATES)
    plain = a / (2 - a)
    np.testing.assert_allclose(predicted[0], plain)
    np.testing.assert_allclose(predicted[1], a * (1 + beta) / (2 * (1 + beta) - a * (1 - beta)))
    np.testing.assert_allclose(predicted[2], plain * (1 - gamma) / (1 + gamma) * (1 + g) / (1 - g))
    assert np.abs(measured / predicted - 1).max() < 0.2
    assert np.abs(measured / predicted - 1).mean() < 0.04


def test_a_preview_of_the_floors_has_no_dots_before_the_runs_are_warm():
    noise.measure.cache_clear()
    stages = list(noise.compare_floors(0.1, 0.9, 0.99, 7))
    for share, result in stages:
        cold = share * noise.N_STEPS <= noise.WARM_UP
        assert np.isnan(result.measured).all() == cold
        assert ("no dots yet" in result.caption) == cold
    assert stages[-1][0] == 1


def test_a_ravine_and_its_quadratic_give_the_same_path():
    paths, shares = rotation.over_angles("Adam", 0.25, 100.0)
    for k in (0, 9, 20):
        alone = rotation.rotate(int(rotation.ANGLES[k]), "Adam", 0.25, 100.0)
        np.testing.assert_allclose(alone.path, paths[:, k], atol=1e-6)
        assert alone.share == shares[k]


def test_the_handle_of_the_ravine_lies_at_its_angle():
    for angle in (0, 30, 90, 150, 180):
        x = rotation.HANDLE * np.cos(np.radians(angle))
        assert rotation.angle_of(float(x)) == pytest.approx(angle, abs=1e-5)


def test_without_correction_the_steps_are_longer_by_the_formula():
    found = adam_step.take_apart(1, True, 0.1, adam_step.OUTSIDE, 0.0, 0.9, 0.999, 0)
    factors = adam_step.factor_without(0.9, 0.999)
    np.testing.assert_allclose(found.steps[0], 1, rtol=1e-6)
    np.testing.assert_allclose(found.steps[1] / found.steps[0], factors, rtol=1e-5)
    assert factors[0] == pytest.approx(0.1 / np.sqrt(0.001))
    assert found.longest == 12


def test_the_expected_loss_is_the_mean_over_all_sets_of_rates():
    rng = np.random.default_rng(0)
    dev, test = rng.random(6), rng.random(6)
    for n, expected in enumerate(race.expected_after(dev, test), start=1):
        kept = [test[min(chosen, key=lambda k: dev[k])] for chosen in combinations(range(6), n)]
        assert expected == pytest.approx(np.mean(kept))


def test_a_preview_of_the_race_shows_what_is_trained():
    race.train_all_rates.cache_clear()
    stages = race.race(200, 5, race.SAME, 0)
    for share, result in stages:
        assert not result.complete
        trained = np.isfinite(result.losses).all(axis=2).sum()
        assert result.finding.startswith(f"{trained} of 20") and "follows" in result.caption
        if share > 0.1:
            break
    assert trained == 2


def test_two_steps_of_amsgrad_by_hand():
    amsgrad = AMSGrad(beta1=0.5, beta2=0.75, eps=1.0)
    first, state = amsgrad.update(np.array([8.0]), amsgrad.init(np.zeros(1)))
    np.testing.assert_allclose(first, 4 / (4 + 1))  # v = 4, s = 16
    second, state = amsgrad.update(np.array([0.0]), state)
    np.testing.assert_allclose(second, 2 / (4 + 1))  # v = 2, s = 12, but the largest is 16
    assert (state.v, state.s, state.largest) == (2.0, 12.0, 16.0)


def ends_at(optimizer: object) -> float:
    """Where an optimizer ends if one gradient of 210 comes to twenty of -10; the best end is -1."""
    wave = np.tile([210.0] + [-10.0] * 20, 100)
    batches = (Batch(np.full((1, 1), g), np.zeros((1, 1))) for g in wave)
    hold = {"projection": lambda theta: np.clip(theta, -1, 1), "steps": len(wave) - 1}
    *_, last_step = descend(adam_step.GivenGradients(), np.zeros((1, 1)), batches, optimizer, 0.05, **hold)
    return last_step.theta.item()


def test_amsgrad_goes_the_right_way_where_adam_does_not():
    assert ends_at(Adam(0.9, 0.9)) > 0.9
    assert ends_at(AMSGrad(0.9, 0.9)) < -0.5

"""What the labs of section 1.5 replay is what training does; their formulas agree with their runs."""

from itertools import islice, repeat

import numpy as np
import pytest

from dlhelpers import regularization
from dlhelpers.labs import augmentation, early_stopping
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent
from dlhelpers.regularization import early_stop, train_until_stop
from dlhelpers.training import descend

NETWORK = early_stopping.NETWORK


def finished(stages):
    *_, (_, result) = stages
    return result


@pytest.fixture(scope="module")
def run():
    return finished(early_stopping.record(0.4, 40, 0.01, seed=0))


@pytest.mark.parametrize("patience", [1, 3, 10, 30, 100, 299])
def test_the_restored_epoch_is_the_recorded_one_bit_for_bit(run, patience):
    train, dev = early_stopping.moon_sets(0.4, 40, seed=0)
    rng = np.random.default_rng([0, 2])
    theta = NETWORK.initialize(rng)
    live = descend(NETWORK, theta, minibatches(train.X, train.Y, 10, rng), Adam(), 0.01)
    found = train_until_stop(
        live, lambda step: NETWORK.loss(step.theta, dev), patience, every=4, most_steps=1200
    )
    stop = early_stop(run.dev, patience)
    assert found.best.theta.tobytes() == run.thetas[stop.best].tobytes()
    assert found.steps[-1] == 4 * stop.stopped
    assert found.dev_losses == tuple(run.dev[: stop.stopped + 1])


def test_the_lab_shows_the_restored_network(run):
    result = finished(early_stopping.scrub(200, 30, 0.4, 40, 0.01, seed=0))
    best = early_stop(run.dev, 30).best
    assert (
        result.restored.ravel().tolist()
        == NETWORK.predict(run.thetas[best], early_stopping.PLANE)[:, 0].tolist()
    )
    assert (
        result.here.ravel().tolist() == NETWORK.predict(run.thetas[200], early_stopping.PLANE)[:, 0].tolist()
    )
    assert result.ran_out
    assert not finished(early_stopping.scrub(200, 299, 0.4, 40, 0.01, seed=0)).ran_out


def test_norm_and_distance_are_those_of_the_weights(run):
    is_weight = NETWORK.layout.is_weight
    for k in (0, 62, 300):
        np.testing.assert_allclose(run.norm[k] ** 2, np.sum(run.thetas[k, is_weight] ** 2))
        np.testing.assert_allclose(
            run.distance[k] ** 2,
            np.sum((run.thetas[k, is_weight] - run.thetas[0, is_weight]) ** 2),
            atol=1e-12,
        )


@pytest.fixture(scope="module")
def paths():
    return finished(early_stopping.follow(0.3, 20, 1.0, seed=0))


@pytest.mark.parametrize("t", [1, 10, 100, 1000])
def test_the_shares_that_are_measured_are_those_of_the_formulas(paths, t):
    found = early_stopping.compare_here(paths, t, 1.0, 1.0)
    expected = regularization.share_after_steps(found.curvatures, 1.0, t)
    np.testing.assert_allclose(found.early_shares, expected, rtol=1e-6)
    expected = regularization.share_of_ridge(found.curvatures, found.strength, 20)
    np.testing.assert_allclose(found.ridge_shares, expected, rtol=1e-6)


def test_the_path_of_training_is_kept_at_its_steps(paths):
    problem = paths.problem
    batch = Batch(problem.X, (problem.y - problem.mean_y)[:, None])
    network = Network((early_stopping.DEGREE, 1))
    start = np.zeros(early_stopping.DEGREE + 1)
    steps = list(islice(descend(network, start, repeat(batch), GradientDescent(), 1.0), 101))
    at = list(early_stopping.STEPS).index(100)
    np.testing.assert_allclose(paths.early[at], steps[100].theta[:-1], rtol=1e-10)
    assert paths.early.shape == (len(early_stopping.STEPS), early_stopping.DEGREE)
    assert abs(steps[100].theta[-1]) < 1e-12, "centered: no bias is needed"
    assert paths.diverged is None


def test_a_rate_beyond_two_over_the_steepest_curvature_diverges():
    problem = early_stopping.polynomial_problem(0.3, 20, seed=0)
    steepest = np.linalg.eigvalsh(problem.X.T @ problem.X / 20).max()
    for factor, diverges in ((0.98, False), (1.1, True)):
        paths = finished(early_stopping.follow(0.3, 20, factor * 2 / steepest, seed=0))
        assert (paths.diverged is not None) == diverges


def test_six_and_nine_mixed_up_by_hand():
    """Of 6, 9, 9, 6 are read 9, 9, 6, 5: two of four are the other one."""
    y = np.array([6, 9, 9, 6, 1])
    assert augmentation.mixed_up(np.array([9, 9, 6, 5, 9]), y) == 0.5
    assert augmentation.mixed_up(np.stack([y, 15 - y]), y).tolist() == [0, 1]


def test_the_first_value_of_each_knob_is_the_same_network():
    """Knobs at 0: lambda = 0, 600 steps, 40 examples; the examples come in another order for the last."""
    swept = finished(augmentation.sweep(0))
    assert swept.stop[:, 0].tolist() == swept.strength[:, 0].tolist()
    assert swept.stop_with_lambda[:, 0].tolist() == swept.strength[:, augmentation.WITH_LAMBDA].tolist()
    np.testing.assert_allclose(swept.examples[:2, 0], swept.strength[:2, 0], rtol=0.1)

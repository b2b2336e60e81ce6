"""What the labs of section 1.5 replay is what training does; their formulas agree with their runs."""

from itertools import islice, repeat

import numpy as np
import pytest

from dlhelpers.early_stopping import early_stop, share_after_steps, share_of_ridge, train_until_stop
from dlhelpers.labs.augmentation import augmentation, orthogonalization
from dlhelpers.labs.early_stopping import ridge_path, scrub
from dlhelpers.live.stages import last
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent
from dlhelpers.training import descend

NETWORK = scrub.RECORDED_NETWORK


@pytest.fixture(scope="module")
def run():
    return last(scrub.record(0.4, 40, 0.01, seed=0))


@pytest.mark.parametrize("patience", [1, 3, 10, 30, 100, 299])
def test_the_restored_epoch_is_the_recorded_one_bit_for_bit(run, patience):
    train, dev = scrub.moon_sets(0.4, 40, seed=0)
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
    result = last(scrub.scrub(200, 30, 0.4, 40, 0.01, seed=0))
    best = early_stop(run.dev, 30).best
    assert result.restored.ravel().tolist() == NETWORK.predict(run.thetas[best], scrub.PLANE)[:, 0].tolist()
    assert result.here.ravel().tolist() == NETWORK.predict(run.thetas[200], scrub.PLANE)[:, 0].tolist()
    assert result.ran_out
    assert not last(scrub.scrub(200, 299, 0.4, 40, 0.01, seed=0)).ran_out


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
    return last(ridge_path.follow(0.3, 20, 1.0, seed=0))


@pytest.mark.parametrize("t", [1, 10, 100, 1000])
def test_the_shares_that_are_measured_are_those_of_the_formulas(paths, t):
    found = ridge_path.compare_here(paths, t, 1.0, 1.0)
    expected = share_after_steps(found.curvatures, 1.0, t)
    np.testing.assert_allclose(found.early_shares, expected, rtol=1e-6)
    expected = share_of_ridge(found.curvatures, found.strength, 20)
    np.testing.assert_allclose(found.ridge_shares, expected, rtol=1e-6)


def test_the_path_of_training_is_kept_at_its_steps(paths):
    problem = paths.problem
    batch = Batch(problem.X, (problem.y - problem.mean_y)[:, None])
    network = Network((ridge_path.DEGREE, 1))
    start = np.zeros(ridge_path.DEGREE + 1)
    steps = list(islice(descend(network, start, repeat(batch), GradientDescent(), 1.0), 101))
    at = list(ridge_path.KEPT_STEPS).index(100)
    np.testing.assert_allclose(paths.early[at], steps[100].theta[:-1], rtol=1e-10)
    assert paths.early.shape == (len(ridge_path.KEPT_STEPS), ridge_path.DEGREE)
    assert abs(steps[100].theta[-1]) < 1e-12, "centered: no bias is needed"
    assert paths.diverged is None


def test_a_rate_beyond_two_over_the_steepest_curvature_diverges():
    problem = ridge_path.polynomial_problem(0.3, 20, seed=0)
    steepest = np.linalg.eigvalsh(problem.X.T @ problem.X / 20).max()
    for factor, diverges in ((0.98, False), (1.1, True)):
        paths = last(ridge_path.follow(0.3, 20, factor * 2 / steepest, seed=0))
        assert (paths.diverged is not None) == diverges


def test_six_and_nine_mixed_up_by_hand():
    """Of 6, 9, 9, 6 are read 9, 9, 6, 5: two of four are the other one."""
    y = np.array([6, 9, 9, 6, 1])
    assert augmentation.mixed_up(np.array([9, 9, 6, 5, 9]), y) == 0.5
    assert augmentation.mixed_up(np.stack([y, 15 - y]), y).tolist() == [0, 1]


def test_each_network_is_measured_at_its_own_best_step():
    """The first network is best at its second measure, all others at their first."""
    first = augmentation.Accuracies(np.full(13, 0.5), np.arange(13.0), np.zeros(13))
    second = augmentation.Accuracies(np.r_[0.6, np.full(12, 0.4)], 100 + np.arange(13.0), np.ones(13))
    found = augmentation.at_best_steps([first, second])
    assert found.test.tolist() == [100, *range(1, 13)]
    assert found.dev.tolist() == [0.6, *[0.5] * 12] and found.mixed_up.tolist() == [1, *[0] * 12]


def test_images_in_use_are_changed_only_if_asked_for():
    given = augmentation.small_split(0)
    assert augmentation.in_use("shift", "as they are", 0) is given
    moved = augmentation.in_use("shift", "changed, too", 0)
    assert np.array_equal(moved.y_dev, given.y_dev) and not np.array_equal(moved.X_dev, given.X_dev)
    assert np.array_equal(moved.X_train, given.X_train)


def test_the_first_value_of_each_knob_is_the_same_network():
    """Knobs at 0: lambda = 0, 600 steps, 40 examples; the examples come in another order for the last."""
    swept = last(orthogonalization.sweep(0))
    stop, stop_with_lambda, strength, examples = (swept[knob] for knob in orthogonalization.KNOBS)
    assert stop[:, 0].tolist() == strength[:, 0].tolist()
    assert stop_with_lambda[:, 0].tolist() == strength[:, orthogonalization.WITH_LAMBDA].tolist()
    np.testing.assert_allclose(examples[:2, 0], strength[:2, 0], rtol=0.1)


# ---------------------------------------------------------------------------------------- previews


def preview(stages):
    """Return a stage about half of the way, of settings that no other test has computed."""
    return next(result for share, result in stages if 0.4 < share < 1)


def test_a_run_that_is_recorded_says_how_far_it_is():
    half = preview(scrub.scrub(300, 200, 0.4, 40, 0.01, seed=71))
    known = len(half.dev) - 1
    assert half.epoch == half.stop.stopped == known < scrub.EPOCHS
    assert f"has not stopped in the {known} epochs so far" in half.finding
    assert f"At epoch {known} " in half.caption


def test_a_step_that_training_has_not_come_to_is_absent():
    half = preview(ridge_path.compare(10_000, 1.0, 0.3, 20, 1.0, seed=71))
    assert len(half.early[0]) == len(half.early[1]) < len(ridge_path.KEPT_STEPS)
    assert np.isfinite(half.early).all()
    assert np.isnan([*half.early_here, half.apart, *half.early_fit, *half.early_shares]).all()
    assert half.finding.startswith("Training has not come to 10,000 steps yet")
    steps = ridge_path.KEPT_STEPS[len(half.early[0]) - 1]
    assert half.caption == f"Its path is known up to step {steps:,}."
    assert "of training so far is" in preview(ridge_path.compare(10, 1.0, 0.3, 20, 1.0, seed=72)).caption


def test_the_accuracies_come_when_the_networks_are_trained():
    half = preview(augmentation.augmentation("rotate", 3, "as they are", 50, seed=71))
    assert np.isnan([half.dev, half.test, half.mixed_up]).all()
    assert half.copies.std() > 0
    assert half.finding.endswith("13 networks are in training")


def test_a_knob_has_a_path_when_it_was_turned():
    stages = list(orthogonalization.turn_knob("more examples", 6, "loss", seed=71))
    assert [len(result.paths) for share, result in stages[:2]] == [0, 0]
    assert stages[0][1].finding == "44 networks are in training"
    (half,) = {len(result.paths) for share, result in stages if 0.5 <= share < 1}
    assert half == 3
    waiting = stages[-2][1]
    assert waiting.finding == "22 networks are in training"
    assert np.isnan([*waiting.here, *waiting.rest]).all()
    assert stages[-1][1].paths.keys() == orthogonalization.KNOBS.keys()
    assert next(orthogonalization.turn_knob("stop early", 6, "loss", seed=71))[0] == 1

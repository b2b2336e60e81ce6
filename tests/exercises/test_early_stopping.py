"""The exercises of section 1.5 take the right answer and tell the mistakes apart; feedback is measured."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.augmentation import shift
from dlhelpers.early_stopping import early_stop
from dlhelpers.exercises import early_stopping
from dlhelpers.exercises.checking import ask
from dlhelpers.labs.augmentation import augmentation, orthogonalization
from dlhelpers.labs.early_stopping import ridge_path, scrub
from dlhelpers.live.stages import last
from tests.exercises.every import solution

# ------------------------------------------------------------------------- solutions hold in general


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.integers(1, 9))
def test_stop_and_restore_is_early_stop(dev_losses: list[int], patience: int) -> None:
    train_losses = np.zeros(len(dev_losses))
    found = solution(early_stopping.stop_and_restore)(train_losses, np.array(dev_losses), patience)
    assert found == tuple(early_stop(dev_losses, patience))


def test_stop_and_restore_by_hand() -> None:
    """8, 5, 6, 5.5: lowest at epoch 1, two epochs without a lower one end at epoch 3."""
    case = early_stopping.stop_and_restore.cases[0]
    assert ask(early_stopping.stop_and_restore.reference, case).value == (1, 3)


@pytest.mark.parametrize("pixels", [0, 1, 3])
def test_copies_are_those_of_the_core(pixels: int) -> None:
    images = np.random.default_rng(0).random((5, 8, 8))
    both, labels = solution(early_stopping.with_copies)(images, np.arange(5), pixels)
    copies = shift(images.reshape(5, 64), 0, pixels).reshape(5, 8, 8)
    np.testing.assert_array_equal(both, np.concatenate([images, copies]))
    assert labels.tolist() == [0, 1, 2, 3, 4] * 2


# ------------------------------------------------------------------------- what the feedback says


def test_more_patience() -> None:
    """From epoch 4 to epoch 62; never worse, whatever the curve."""
    run = last(scrub.record(0.4, 40, 0.01, seed=0))
    assert early_stop(run.dev, 5).best == 4
    assert early_stop(run.dev, 30).best == 62
    restored = [run.dev[early_stop(run.dev, patience).best] for patience in range(1, 300)]
    assert np.all(np.diff(restored) <= 0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_steps_and_lambda(seed: int) -> None:
    """The lambda that comes nearest is m / (alpha t), to within a factor of about 2, for all t."""
    paths = last(ridge_path.follow(0.3, 20, 1.0, seed))
    for t in (10, 100, 1000, 10_000):
        ratio, apart = ridge_path.compare_here(paths, t, 1.0, 1.0).nearest
        assert 0.44 < ratio < 1
        assert 0.002 < apart < 0.12, "alike, not equal"


@pytest.fixture(scope="module")
def rotated() -> Any:
    return last(augmentation.augmentation("rotate", 3, augmentation.AS_THEY_ARE, 50, seed=0))


def test_half_a_turn(rotated: Any) -> None:
    """A little more than half are right; a few points are won up to 15 degrees; no 6 becomes a 9 up to 60."""
    angles = list(augmentation.KINDS["rotate"][1])
    assert 0.4 < rotated.dev[-1] < 0.6
    assert rotated.dev[0] > 0.8
    assert 0.01 < rotated.dev[angles.index(15)] - rotated.dev[0] < 0.05
    assert rotated.mixed_up[-1] > 0.1
    assert rotated.mixed_up[angles.index(60)] < 0.005
    assert rotated.dev[0] - rotated.dev[-1] > 0.2


def test_cheapest_knob() -> None:
    """All raise the train loss; lambda a little less than stopping early; examples close the gap the most."""
    swept = last(orthogonalization.sweep(0))
    stop, strength, examples = (
        swept[knob]
        for knob in (orthogonalization.STOP, orthogonalization.STRENGTH, orthogonalization.EXAMPLES)
    )
    assert stop[0, 0] < 0.01
    assert stop[1, 0] - stop[0, 0] > 0.4
    for train, *_ in (stop, strength, examples):
        assert train[5:].min() > 0.04
    gaps = [dev - train for train, dev, *_ in (stop, strength, examples)]
    assert gaps[2].min() < 0.01 < 0.05 < min(gaps[1].min(), gaps[0].min())
    at = np.interp(0.1, strength[0], gaps[1]), np.interp(0.1, stop[0], gaps[0])
    assert at[0] < at[1]

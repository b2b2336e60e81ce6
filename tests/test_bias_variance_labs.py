"""What the labs of notebook 01 show while they compute: no curve through half-trained networks."""

from itertools import islice

import numpy as np
import pytest
from matplotlib.figure import Figure

from dlhelpers.labs.bias_variance import decomposition, learning_curves, mismatch


@pytest.fixture(scope="module")
def digit_stages():
    learning_curves.networks_of_width.cache_clear()
    return list(learning_curves.diagnose_digits(4, 64, 0.01, 0, 250, 1.0, seed=0))


def test_digits_over_width_only_trained_networks_count(digit_stages):
    at = learning_curves.WIDTHS.index(4)
    for share, result in digit_stages:
        there = np.isfinite(result.over_width.dev)
        assert there.sum() == int(7 * share + 1e-9)
        assert there[at] == result.is_trained == (result.trained == 250)
        assert ("widths trained so far" in result.caption) == (share < 1)
        assert f"{result.trained} of 250 steps" in result.finding or result.is_trained
        assert "nan" not in result.caption


def test_digits_errors_of_networks_in_training_are_dots(digit_stages):
    over_examples, _ = learning_curves.views(Figure())
    half, trained = digit_stages[1][1], digit_stages[-1][1]
    assert half.trained < 250
    over_examples.update(half, None)
    assert (over_examples._train.get_linestyle(), over_examples._dev.get_linestyle()) == ("None", "None")
    over_examples.update(trained, half)
    assert (over_examples._train.get_linestyle(), over_examples._dev.get_linestyle()) == ("-", "--")
    assert len(over_examples._old_dev.get_xdata()) == 0, "a ghost of networks that were in training"


def test_digits_what_is_known_is_shown_at_once(digit_stages):
    _, result = digit_stages[-1]
    ((share, again),) = learning_curves.diagnose_digits(4, 128, 0.01, 0, 250, 5.0, seed=0)
    assert share == 1
    np.testing.assert_array_equal(again.over_examples.dev, result.over_examples.dev)
    ((_, other),) = learning_curves.diagnose_digits(8, 64, 0.01, 0, 250, 1.0, seed=0)
    np.testing.assert_array_equal(other.over_width.dev, result.over_width.dev)


def test_the_share_of_wrong_labels_is_the_one_asked_for():
    clean = learning_curves.digit_split(0)
    for wrong in (0, 20):
        noisy = learning_curves.mislabeled(wrong, 0)
        for name in ("y_train", "y_dev"):
            share = np.mean(getattr(noisy, name) != getattr(clean, name))
            assert abs(share - wrong / 100) < (0.05 if wrong else 1e-12)


def test_turned_digits_are_dots_until_the_networks_are_trained():
    mismatch.errors_at_all_angles.cache_clear()
    stages = list(mismatch.turn(30, 0, seed=0))
    *_, view = mismatch.views(Figure())
    for share, result in stages:
        assert result.is_trained == (share == 1)
        view.update(result, None)
        styles = {new.get_linestyle() for _, _, _, new in view._lines}
        assert styles == ({"-", "-.", "--", ":"} if share == 1 else {"None"})
        assert ("dots, not yet curves" in result.caption) == (share < 1)
    assert next(mismatch.turn(30, 0, seed=0))[0] == 1


def test_network_fits_say_how_far_they_are():
    decomposition.networks_of_width.cache_clear()
    stages = decomposition.networks(2, "sine", 15, 0.3, seed=0)
    (_, first), (_, second) = islice(stages, 2)
    assert "at step 0 of 1,000. Bars so far: 1 of 12." in first.caption
    assert "at step 50 of 1,000. Bars so far: 1 of 12." in second.caption
    for _, result in stages:
        if result.trained == 1:
            break
    assert "at step" not in result.caption and "Bars so far: 1 of 12." in result.caption
    (_, again), *_ = decomposition.networks(2, "sine", 15, 0.3, seed=0)
    assert again.trained == 1

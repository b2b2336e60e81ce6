"""What notebook 09 and its questions say happens, over ten seeds."""

from functools import cache

import numpy as np
import pytest

from dlhelpers.labs.softmax import calibrated, digits, rare_words, three_classes
from dlhelpers.live.stages import last
from tests.claims import claim

HOME = (1.0, -0.6, 1.6, -1.2, 0.2, 1.9)
"""Where the large marks lie at the start: the violet one among the amber ones."""


@cache
def plane(network: str, weight: int, seed: int) -> three_classes.Trained:
    return last(three_classes.train_map(network, weight, three_classes.SOFT, *HOME, seed))


@cache
def read(epochs: int, hidden: float, seed: int) -> digits.Read:
    return last(digits.read_digits(epochs, hidden, 0.01, 8, 1, seed))


@cache
def measured(noise: float, smooth: float, fitted: bool, n: int, seed: int) -> calibrated.Calibrated:
    T = measured(noise, smooth, False, 387, seed).fitted if fitted else 1.0
    return last(calibrated.measure(noise, T, n, 10, smooth, seed))


def noisy(seed: int, fitted: bool = False, n: int = 387) -> calibrated.Calibrated:
    """Return what the network says of digits with noisy pixels."""
    return measured(0.25, 0.0, fitted, n, seed)


def clean(seed: int, smooth: float = 0.0, fitted: bool = False) -> calibrated.Calibrated:
    """Return what the network says of clean digits."""
    return measured(0.0, smooth, fitted, 387, seed)


def right(result: digits.Read) -> float:
    return 1 - len(result.worst) / len(result.y)


def test_one_point_in_the_wrong_place() -> None:
    straight, curved = three_classes.NETWORKS
    claim(
        "09",
        "As a single example, the point in the wrong place is left alone: its own class gets less than 10% "
        "there.",
        lambda seed: plane(straight, 1, seed).own[0] < 0.1,
    )
    claim(
        "09",
        "at least 5 points of accuracy on new points are lost",
        lambda seed: plane(straight, 1, seed).dev_accuracy - plane(straight, 20, seed).dev_accuracy > 0.05,
    )
    claim(
        "09",
        "8 tanh units draw the island, and the point gets its own class with more than 80%",
        lambda seed: plane(curved, 20, seed).own[0] > 0.8,
    )


def test_the_straight_border_is_straight_and_the_island_is_one() -> None:
    """With hardmax, each row of the straight map has at most three stretches, and each class is convex."""
    straight, curved = three_classes.NETWORKS
    for seed in range(3):
        for network, bends in ((straight, False), (curved, True)):
            found = last(three_classes.train_map(network, 20, three_classes.HARD, *HOME, seed))
            winner = found.map.argmax(axis=-1)
            holes = 0
            for rows in (winner, winner.T):
                stretches = 1 + np.count_nonzero(np.diff(rows, axis=1), axis=1)
                classes = np.array([len(np.unique(row)) for row in rows])
                holes += int((stretches > classes).sum())  # a class that comes twice along a line
            assert (holes > 0) == bends


def test_digits() -> None:
    claim(
        "09",
        "Nearly always 96% or more of the dev digits are right.",
        lambda seed: right(read(30, 32, seed)) >= 0.96,
        needed=9,
    )
    assert np.mean([right(read(30, 32, seed)) for seed in range(10)]) >= 0.96
    claim(
        "09",
        "The surest mistake is announced with more than 90%, at every one of the ten seeds.",
        lambda seed: read(30, 32, seed).probabilities[read(30, 32, seed).worst].max() > 0.9,
    )
    claim(
        "09",
        "half of all answers come with more than 99%",
        lambda seed: np.median(read(30, 32, seed).probabilities.max(axis=1)) > 0.99,
    )


def test_four_hidden_units_fill_columns() -> None:
    claim(
        "09",
        "With *four hidden units*, many more digits are misread: four numbers are few for ten classes.",
        lambda seed: right(read(30, 4, seed)) < right(read(30, 32, seed)) - 0.15,
    )


def test_too_sure_on_noisy_digits() -> None:
    claim(
        "09",
        "Before, the error is above what luck explains, at every seed.",
        lambda seed: noisy(seed).error > noisy(seed).limit,
    )
    claim(
        "09",
        "After, it is lower at every seed,",
        lambda seed: noisy(seed, fitted=True).error < noisy(seed).error,
    )
    claim(
        "09",
        "and mostly within what luck explains.",
        lambda seed: noisy(seed, fitted=True).error < noisy(seed, fitted=True).limit,
        needed=7,
    )
    claim(
        "09",
        "cannot change who wins, so the accuracy stays;",
        lambda seed: noisy(seed, fitted=True).accuracy == noisy(seed).accuracy,
    )
    claim(
        "09",
        "On new digits it is right on about 85% and sure by about 95%.",
        lambda seed: abs(noisy(seed).accuracy - 0.85) < 0.04 and abs(noisy(seed).confidence - 0.95) < 0.02,
    )
    claim(
        "09",
        "Fitted on the training set, it would be far below 1: the network would become even surer.",
        lambda seed: noisy(seed).on_train < 0.5,
    )
    claim(
        "09",
        "surer answers leave less to luck",
        lambda seed: noisy(seed).limit < noisy(seed, fitted=True).limit,
    )


def error_after_8_epochs(seed: int) -> float:
    calibrated.train.cache_clear()
    stages = calibrated.measure(0.25, 1.0, 387, 10, 0.0, seed)
    return next(result.error for _, result in stages if result.epoch == 8)


def test_the_longer_it_trains_the_surer_it_gets() -> None:
    claim(
        "09",
        "The longer it trains, the surer it gets: after 60 epochs the calibration error is above that "
        "after 8.",
        lambda seed: noisy(seed).error > error_after_8_epochs(seed),
    )


def test_few_digits_tell_nothing() -> None:
    claim(
        "09",
        "Even a perfect network shows about .1 with 27 digits.",
        lambda seed: 0.06 < noisy(seed, fitted=True, n=27).chance.errors.mean() < 0.16,
    )


def test_label_smoothing() -> None:
    claim(
        "09",
        "On clean digits, smoothing alone raises the calibration error to more than .1, at every seed.",
        lambda seed: clean(seed, 0.1).error > 0.1 > 3 * clean(seed).error,
    )
    claim(
        "09",
        "The network has learned to say about 84% where it is right on about 98%.",
        lambda seed: (
            abs(clean(seed, 0.1).confidence - 0.84) < 0.02 and abs(clean(seed, 0.1).accuracy - 0.98) < 0.02
        ),
    )
    claim(
        "09",
        "A temperature below 1 repairs that, too.",
        lambda seed: clean(seed, 0.1).fitted < 1 and clean(seed, 0.1, fitted=True).error < 0.03,
    )
    claim(
        "09",
        "at every seed the smoothed network reads more test digits correctly.",
        lambda seed: clean(seed, 0.1).accuracy > clean(seed).accuracy,
    )


@cache
def words(name: str, balanced: bool, seed: int) -> rare_words.Learned:
    return rare_words.learn(name, balanced, seed)


def test_rare_words() -> None:
    claim(
        "09",
        "So with gradient descent the rare words stay behind:",
        lambda seed: (
            words("gradient descent", False, seed).rare > words("gradient descent", False, seed).common
        ),
    )
    claim(
        "09",
        "With equal shares, gradient descent has one pace for all words, and comes much closer.",
        lambda seed: (
            words("gradient descent", False, seed).rare > 3 * words("gradient descent", True, seed).loss
        ),
    )
    claim(
        "09",
        "Adam divides each entry by its own size, and the share cancels.",
        lambda seed: words("Adam", False, seed).rare < 0.001 > words("Adam", True, seed).loss,
    )
    claim(
        "09",
        "Momentum copes, too:",
        lambda seed: words("momentum", False, seed).rare < 0.005 > words("momentum", True, seed).loss,
    )


@pytest.mark.parametrize("name", rare_words.RACERS)
def test_the_best_rate_for_words_lies_inside_the_range(name: str) -> None:
    rates = rare_words.RACERS[name][1]
    for seed in range(10):
        assert rates[0] < words(name, False, seed).rate < rates[-1]
        assert rates[0] < words(name, True, seed).rate < rates[-1]


@pytest.mark.parametrize("seed", range(10))
def test_what_the_decision_question_says(seed: int) -> None:
    """An error near .10, perfect networks up to .03, and too sure."""
    found = noisy(seed)
    assert 0.06 < found.error < 0.13 and found.limit < 0.035 and found.confidence > found.accuracy

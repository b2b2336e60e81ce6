"""What notebook 02b says happens."""

from functools import cache

import numpy as np

from dlhelpers.early_stopping import early_stop
from dlhelpers.labs.augmentation import augmentation, orthogonalization
from dlhelpers.labs.augmentation.augmentation import AS_THEY_ARE, CHANGED, KINDS, Augmented
from dlhelpers.labs.early_stopping import ridge_path, scrub
from dlhelpers.live.stages import last
from dlhelpers.typing import FloatArray
from tests.claims import SEEDS, claim


@cache
def run(m: int, seed: int) -> scrub.Run:
    return last(scrub.record(0.4, m, 0.01, seed))


@cache
def paths(seed: int) -> ridge_path.Paths:
    return last(ridge_path.follow(0.3, 20, 1.0, seed))


@cache
def augmented(kind: str, use: str, seed: int) -> Augmented:
    return last(augmentation.augmentation(kind, 0, use, 50, seed))


@cache
def knobs(seed: int) -> list[FloatArray]:
    found = last(orthogonalization.sweep(seed))
    return [found[knob] for knob in orthogonalization.KNOBS]


# Early stopping -------------------------------------------------------------------------------------


def test_most_of_the_run_was_harmful() -> None:
    claim("02b", "Most of the run was harmful.", lambda seed: run(40, seed).dev.argmin() < 100)


def test_the_dev_loss_rises_again() -> None:
    claim(
        "02b",
        "At the end of this run it is about twice its lowest value, or more",
        lambda seed: run(40, seed).dev[-1] > 1.9 * run(40, seed).dev.min(),
    )


def test_too_impatient() -> None:
    early = [early_stop(run(40, seed).dev, 5).best != run(40, seed).dev.argmin() for seed in SEEDS]
    claim("02b", "That happens in about half of ten data sets", lambda _: 4 <= sum(early) <= 6, seeds=[0])
    claim(
        "02b",
        "with 30 it happens in none",
        lambda seed: early_stop(run(40, seed).dev, 30).best == run(40, seed).dev.argmin(),
    )


def test_the_weights_grow() -> None:
    claim(
        "02b",
        "the weights grow on and on",
        lambda seed: np.all(np.diff(run(40, seed).norm[::25]) > 0),
    )


def test_more_data() -> None:
    claim(
        "02b",
        "the weights end even longer, and yet the dev loss ends lower",
        lambda seed: (
            run(200, seed).norm[-1] > run(40, seed).norm[-1]
            and run(200, seed).dev[-1] < run(40, seed).dev[-1]
        ),
    )


def test_the_multiple_that_comes_nearest() -> None:
    def inside(seed: int) -> bool:
        nearest = [ridge_path.compare_here(paths(seed), t, 1.0, 1.0).nearest for t in (10, 100, 1000)]
        return all(0.4 < ratio <= 1.01 and apart > 0.002 for ratio, apart in nearest)

    claim("02b", "up to 1,000 steps that multiple nearly always lies between 0.4 and 1", inside, needed=9)


def test_the_lowest_dev_losses_are_close() -> None:
    def close(seed: int) -> bool:
        found = paths(seed)
        early, ridge = (ridge_path.path_of(w, found.problem)[1].min() for w in (found.early, found.ridge))
        return bool(abs(np.log(early / ridge)) < np.log(1.15))

    claim("02b", "The lowest dev losses of both are within 15% of each other.", close)


# Augmentation ---------------------------------------------------------------------------------------


def test_moved_digits() -> None:
    at = KINDS["shift"][1].index(1.25)
    claim(
        "02b",
        "is right on about half of those in use",
        lambda seed: 0.4 < augmented("shift", CHANGED, seed).dev[0] < 0.6,
    )
    claim(
        "02b",
        "With moves of up to 1.25 pixels it is right on at least 15 of 100 more.",
        lambda seed: all(
            part[at] > part[0] + 0.15
            for part in (augmented("shift", CHANGED, seed).dev, augmented("shift", CHANGED, seed).test)
        ),
    )


def test_turned_and_used_upright() -> None:
    angles = KINDS["rotate"][1]

    def small(seed: int) -> bool:
        dev = augmented("rotate", AS_THEY_ARE, seed).dev
        return bool(0.0 < dev[angles.index(15)] - dev[0] < 0.06 and dev[-1] < dev[0] - 0.15)

    claim(
        "02b",
        "Mostly there is a small gain, a few points at about 15°. Then the curve falls.",
        small,
        needed=7,
    )


# One control per goal -------------------------------------------------------------------------------


def test_all_paths_go_to_the_right() -> None:
    claim(
        "02b",
        "all of them go to the right",
        lambda seed: all(knob[0].max() > knob[0, 0] + 0.03 for knob in knobs(seed)),
    )


def test_lambda_pays_less() -> None:
    def price(knob: FloatArray) -> float:
        there = np.flatnonzero(knob[1] - knob[0] <= 0.1)
        return float(knob[0, there[0]]) if len(there) else np.inf

    claim(
        "02b",
        "for a gap of 0.1, $\\lambda$ nearly always pays less train loss than early stopping does",
        lambda seed: price(knobs(seed)[2]) < price(knobs(seed)[0]),
        needed=9,
    )


def test_with_lambda_the_gap_moves_less() -> None:
    def less(seed: int) -> bool:
        stop, stop_with, *_ = knobs(seed)
        moves = [np.ptp(knob[1] - knob[0]) for knob in (stop, stop_with)]
        return bool(moves[1] < 0.5 * moves[0] and stop_with[0, -1] > stop_with[0, 0] + 0.05)

    claim("02b", "the gap moves less than half as much as without the penalty", less)

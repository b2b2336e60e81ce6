"""What notebook 01 says happens."""

from functools import cache

import numpy as np

from dlhelpers import bias_variance as bv
from dlhelpers.bias_variance import Decomposition
from dlhelpers.datasets import FUNCTIONS, noisy_function
from dlhelpers.labs.bias_variance import decomposition, learning_curves, mismatch, selection, split
from dlhelpers.live.stages import last
from tests.claims import claim


def curve(seed: int) -> dict[int, Decomposition]:
    return decomposition.polynomial_curve("sine", 30, 0.3, seed)


@cache
def errors(degrees: int, share: float, seed: int) -> tuple[float, ...]:
    return last(mismatch.turn(degrees, share, seed)).errors


@cache
def digits(width: int, strength: float, wrong: float, seed: int) -> learning_curves.Width:
    return last(learning_curves.networks_of_width(width, strength, 500, wrong, seed))


# Which score can you believe? -----------------------------------------------------------------------


def test_the_test_score_stays() -> None:
    claim(
        "01",
        "The test score of the winner stays near 80%",
        lambda seed: all(abs(selection.choose(k, 200, seed).winner[1] - 0.8) < 0.02 for k in (10, 100, 1000)),
    )


def test_the_luckiest_lies_above_the_truth() -> None:
    def grows(seed: int) -> bool:
        dev = [selection.choose(k, 200, seed).winner[0] for k in (1, 100, 1000)]
        return dev[0] < dev[1] <= dev[2] and dev[1] > 0.84

    claim("01", "How far the luckiest lies above the truth grows slowly with the number of models", grows)


def test_it_shrinks_with_the_root_of_n() -> None:
    def shrinks(seed: int) -> bool:
        few, many = (selection.choose(1000, n, seed).winner[0] - 0.8 for n in (50, 800))
        return 2.5 < few / many < 6.5

    claim("01", "shrinks as $1/\\sqrt n$", shrinks)


def test_most_splits_show_no_error() -> None:
    claim(
        "01",
        "with 18 of them, the error moves in steps of 1/18, and most splits show no error at all",
        lambda seed: np.mean(split.split_again_and_again(1, 1, seed).errors.dev == 0) > 0.6,
    )


def test_the_mismatch_grows() -> None:
    def grows(seed: int) -> bool:
        gaps = [errors(angle, 0, seed)[2] - errors(angle, 0, seed)[1] for angle in (0, 30, 45, 90)]
        rest = [errors(angle, 0, seed)[1] for angle in (0, 30, 45, 90)]
        steady = all(later > earlier for earlier, later in zip(gaps[:-1], gaps[1:], strict=True))
        return steady and max(rest) < 0.08 and abs(errors(90, 0, seed)[2] - 0.9) < 0.05

    claim(
        "01",
        "the mismatch gap grows with the angle, up to an error of about 90%, which is that of guessing among "
        "ten digits. Train and train-dev do not move.",
        grows,
    )


def test_a_few_turned_digits_close_most_of_the_gap() -> None:
    def closed(seed: int) -> bool:
        before, after = (errors(45, share, seed)[2] - errors(45, share, seed)[1] for share in (0, 10))
        return after < 0.5 * before

    claim(
        "01",
        "if 10% of the training digits are turned by 45° as well, they close more than half of the gap.",
        closed,
    )


# Bias and variance ----------------------------------------------------------------------------------


def test_from_1_over_3_to_5() -> None:
    claim(
        "01",
        "Drag the green frame from 1 over 3 to 5: each time the error falls.",
        lambda seed: curve(seed)[1].test_error > curve(seed)[3].test_error > curve(seed)[5].test_error,
    )


def test_stiff_and_flexible() -> None:
    claim(
        "01",
        "A stiff curve cannot follow the sine, whatever the data: bias. A flexible one follows its own 30 "
        "points, noise included, and each training set has other noise: variance.",
        lambda seed: (
            curve(seed)[1].bias2 > 5 * curve(seed)[1].variance
            and curve(seed)[9].variance > 5 * curve(seed)[9].bias2
        ),
    )


def test_even_powers() -> None:
    claim(
        "01",
        "Degrees 2 and 4 are no better than 1 and 3",
        lambda seed: all(curve(seed)[k + 1].test_error > curve(seed)[k].test_error for k in (1, 3)),
    )


def test_networks_do_not_explode() -> None:
    def tame(seed: int) -> bool:
        found = last(decomposition.networks_of_width(12, "sine", 30, 0.3, seed)).parts
        return found.variance < 1 and curve(seed)[12].variance > 20 * found.variance

    claim(
        "01",
        "Their variance does not explode with the width. That of the polynomials did, with the degree.",
        tame,
    )


def test_degree_1_has_a_large_error_without_variance() -> None:
    claim(
        "01",
        "degree 1 has a large test error and hardly any variance",
        lambda seed: curve(seed)[1].variance < 0.1 * curve(seed)[1].test_error,
    )


def test_parts_of_the_input_space() -> None:
    grid = np.linspace(-0.95, 0.95, 400)
    truth = FUNCTIONS["bump"](grid)

    def apart(seed: int) -> bool:
        x, y = noisy_function("bump", 50 * 100, 0.3, np.random.default_rng(seed))
        fits = bv.polynomial_fits(x.reshape(50, 100), y.reshape(50, 100), 4, grid)
        bias2, variance = (fits.mean(axis=0) - truth) ** 2, fits.var(axis=0)
        left, right = grid < 0.1, grid >= 0.1
        return bool(
            variance[left].mean() > 1.5 * bias2[left].mean()
            and bias2[right].mean() > 1.5 * variance[right].mean()
        )

    claim(
        "01", "it has more variance than bias² on the left, and more bias² than variance on the right", apart
    )


# Real networks --------------------------------------------------------------------------------------


def test_more_data_closes_the_gap() -> None:
    def closes(seed: int) -> bool:
        train, dev, _ = digits(32, 0.01, 0, seed)
        return bool(train.max() < 0.02 and dev[-1] < 0.25 * dev[1] and dev[-1] - train[-1] < 0.06)

    claim(
        "01", "With 32 units the train error stays near 0, the dev error falls, and the gap closes.", closes
    )


def test_with_two_units_more_data_cannot_help() -> None:
    def stuck(seed: int) -> bool:
        train, dev, _ = digits(2, 0.01, 0, seed)
        return bool(dev[-1] > 0.37 and dev[-1] - train[-1] < 0.1 and digits(32, 0.01, 0, seed).dev[-1] < 0.08)

    claim(
        "01",
        "With two units more data brings the gap to 10 points or less, but at an error of about 40% or more. "
        "That is bias; more units remove it.",
        stuck,
    )


def test_wrong_labels() -> None:
    at = learning_curves.EXAMPLES.index(256)

    def cured(seed: int) -> bool:
        (train, dev), (penalized, cured_dev) = (
            (each.train[at], each.dev[at]) for each in (digits(32, x, 20, seed) for x in (0.01, 10**0.5))
        )
        return bool(
            dev - train > 0.29
            and abs(penalized - 0.2) < 0.06
            and cured_dev - penalized < 0.15
            and cured_dev - 0.2 < 0.8 * (dev - 0.2)
        )

    claim(
        "01",
        "The train error rises to about the base error, the gap falls from 30 points or more to less than "
        "15, and the dev error falls, too: by about a quarter or more of what lies above the base error.",
        cured,
    )


def test_clean_digits() -> None:
    at = learning_curves.EXAMPLES.index(256)

    def little(seed: int) -> bool:
        without, with_lambda = (digits(32, strength, 0, seed).dev[at] for strength in (0.01, 10**0.5))
        return bool(abs(without - with_lambda) < 0.04)

    claim("01", "On clean digits the same $\\lambda$ changes little.", little)

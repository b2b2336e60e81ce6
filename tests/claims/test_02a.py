"""What notebook 02a says happens."""

from functools import cache

import numpy as np

from dlhelpers.labs.regularization import decay, diamond, inside, over_lambda
from dlhelpers.labs.regularization.over_lambda import LAMBDAS, OverLambdas, index_of
from dlhelpers.live.stages import last
from tests.claims import claim

WEAK, ONE = index_of(0.01), index_of(1.0)


@cache
def trained(seed: int) -> OverLambdas:
    return last(over_lambda.train_over_lambda("L2", 0.5, 0.6, 40, seed))


def finite_dev(seed: int) -> np.ndarray:
    return np.where(trained(seed).gone_at >= 0, np.inf, trained(seed).dev)


def look(strength: float, seed: int) -> inside.Inside:
    return last(inside.look_inside(strength, "L2", 0.5, 0.6, 40, seed))


def runs(optimizer: str, factor: float, seed: int) -> decay.TwoRuns:
    rate = 0.03 if optimizer == "Adam" else 0.3
    return last(decay.compare(optimizer, 10**0.5, rate, factor, seed)).runs


# A price for large weights --------------------------------------------------------------------------


def test_worse_than_guessing() -> None:
    claim(
        "02a",
        "On new points (the dashed curve) it does worse than somebody who guesses.",
        lambda seed: trained(seed).dev[WEAK] > np.log(2),
        needed=9,
    )


def test_the_fit_gets_worse_and_new_answers_better() -> None:
    claim(
        "02a",
        "At $\\lambda = 1$ the fit of the forty points is worse, and the answer for new points is much "
        "better.",
        lambda seed: (
            trained(seed).train[ONE] > trained(seed).train[WEAK]
            and trained(seed).dev[ONE] < 0.6 * trained(seed).dev[WEAK]
        ),
    )


def test_beyond_20_the_answer_is_the_same_everywhere() -> None:
    def same(seed: int) -> bool:
        task = over_lambda.noisy_moons(0.6, 40, seed)
        beyond = [k for k, x in enumerate(LAMBDAS) if x > 20 and trained(seed).gone_at[k] < 0]
        answers = [task.network.predict(trained(seed).theta[k], task.dev.X) for k in beyond]
        return len(answers) > 0 and all(np.ptp(each) < 0.01 for each in answers)

    claim("02a", "Beyond 20 the price is too high: the network gives the same answer everywhere.", same)


def test_nine_times() -> None:
    claim(
        "02a",
        "The dev loss is more than 9 times the train loss.",
        lambda seed: trained(seed).dev[WEAK] > 9 * trained(seed).train[WEAK],
    )


def test_the_weights_have_grown() -> None:
    def doubled(seed: int) -> bool:
        network = over_lambda.noisy_moons(0.6, 40, seed).network
        is_weight = network.layout.is_weight
        start = network.initialize(np.random.default_rng(seed))
        end = trained(seed).theta[WEAK]
        return bool(np.linalg.norm(end[is_weight]) > 2 * np.linalg.norm(start[is_weight]))

    claim(
        "02a",
        "the length of the weights (the root of the sum of their squares) has more than doubled",
        doubled,
    )


# Which weights become exactly 0? --------------------------------------------------------------------


def test_subgradient_steps_find_no_zero() -> None:
    claim(
        "02a",
        "in none of the 300 problems is a weight exactly 0",
        lambda seed: diamond.zero_shares(diamond.random_problems(4.0, diamond.SOLVERS[1], seed)) == (0, 0, 0),
    )


def test_many_ellipses_touch_a_corner_but_not_all() -> None:
    claim(
        "02a",
        "many ellipses touch it there first. But not all",
        lambda seed: (
            0.6 < diamond.zero_shares(diamond.random_problems(4.0, diamond.SOLVERS[0], seed))[0] < 0.9
        ),
    )


# Inside a network -----------------------------------------------------------------------------------


def test_the_dev_loss_halves() -> None:
    claim(
        "02a",
        "the dev loss falls to about half or less, although the train loss rises",
        lambda seed: (
            finite_dev(seed).min() < 0.56 * trained(seed).dev[WEAK]
            and trained(seed).train[finite_dev(seed).argmin()] > trained(seed).train[WEAK]
        ),
    )


def test_the_best_lambda() -> None:
    claim(
        "02a",
        "For ten data sets like this one the best $\\lambda$ lies between 0.5 and 3.5.",
        lambda seed: 0.5 < LAMBDAS[finite_dev(seed).argmin()] < 3.5,
    )


def test_the_linear_range() -> None:
    claim(
        "02a",
        "about a quarter are there at $\\lambda = 0.01$, more than half at 1",
        lambda seed: 0.15 < look(0.01, seed).linear < 0.35 and look(1.0, seed).linear > 0.5,
    )


def test_the_collapse() -> None:
    def between(seed: int) -> bool:
        gone = LAMBDAS[trained(seed).norms.sum(axis=1) < 1e-3]
        return bool(5 < gone.min() < 20)

    claim("02a", "Between 5 and 20 all weights collapse to 0", between)


def test_it_diverges_beyond_two() -> None:
    claim(
        "02a",
        "If $\\alpha\\lambda/m$ is larger than 2, the factor in (8) is below $-1$",
        lambda seed: np.array_equal(trained(seed).gone_at >= 0, 0.5 * LAMBDAS / 40 > 2),
    )


def test_a_price_on_the_bias_pulls_the_answer_to_the_wrong_level() -> None:
    b = np.linspace(-1, 2, 3001)
    J = np.logaddexp(0, b) - 0.75 * b  # all weights are 0, and 30 of 40 examples are of class 1

    def answer(strength: float) -> tuple[float, float]:
        best = int(np.argmin(J + strength / (2 * 40) * b**2))
        return float(1 / (1 + np.exp(-b[best]))), float(J[best])

    claim(
        "02a",
        "A price on it pulls the answer to the wrong level.",
        lambda _: (
            abs(answer(0)[0] - 0.75) < 1e-3 and answer(32)[0] < 0.6 and answer(32)[1] > answer(0)[1] + 0.05
        ),
        seeds=[0],
    )


def test_units_vary_until_the_collapse() -> None:
    def vary(seed: int) -> bool:
        whole = [x for x in LAMBDAS[:14:2] if trained(seed).norms[index_of(x)].sum() > 1e-3]
        return all(look(x, seed).varies.sum() >= 22 for x in whole)

    claim("02a", "Until the collapse, at least 22 of the 24 hidden units vary", vary)


def test_one_direction_is_left() -> None:
    def one(seed: int) -> bool:
        layout = over_lambda.noisy_moons(0.6, 40, seed).network.layout
        values = np.linalg.svd(layout.views(trained(seed).theta[ONE])["W2"], compute_uv=False)
        return bool(values[1] < 0.03 * values[0])

    claim("02a", "At $\\lambda = 1$, one direction is left", one)


# When is L2 weight decay? ---------------------------------------------------------------------------


def test_gradient_descent_gives_one_method() -> None:
    claim(
        "02a",
        "so (9) and (10) are the same line",
        lambda seed: runs("GD", 1.0, seed).difference.max() < decay.ROUNDING,
    )


def test_momentum_differs_on_the_way() -> None:
    def meets(seed: int) -> bool:
        found = runs("momentum", 1.0, seed)
        one, other = found.norms[-1]
        return bool(found.difference.max() > 0.1 and abs(one - other) < 0.01 * one)

    claim("02a", "the weights differ on the way. But both rest only where", meets)


def test_adam_with_decay_ends_far_longer() -> None:
    def longer(seed: int) -> bool:
        one, other = runs("Adam", 1.0, seed).norms[-1]
        return bool(other > 4 * one)

    claim("02a", "the weights end more than four times as long", longer)


def test_a_larger_decay_gives_the_length_but_other_weights() -> None:
    def alike(seed: int) -> bool:
        found = runs("Adam", 32.0, seed)
        one, other = found.norms[-1]
        return bool(abs(other / one - 1) < 0.25 and found.difference[-1] > 0.1)

    claim(
        "02a", "A larger $\\delta$ gives about the same length (the last button), but other weights.", alike
    )

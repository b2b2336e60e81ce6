"""What notebook 06b says happens, seed after seed."""

from functools import cache

import numpy as np
import pytest

from dlhelpers.labs.optimizers import adam_step, momentum, noise, race, rotation
from dlhelpers.live.stages import last
from tests.claims import claim

AVERAGED, SUM = momentum.AVERAGED, momentum.SUM


def random_start(seed: int) -> tuple[float, float]:
    """A start on the left or right side of the ravine, not too near to the minimum."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(2, 3.9, 2) * rng.choice([-1, 1], 2)
    return float(x), float(0.7 * y)


@cache
def best_losses(condition: float, seed: int) -> dict[float, float]:
    """The lowest loss after 100 steps over all rates, for each beta of the plane."""
    found = momentum.loss_map(AVERAGED, condition, *random_start(seed)).min(axis=1)
    return dict(zip(momentum.BETAS.round(3).tolist(), found.tolist(), strict=True))


@cache
def floors(seed: int) -> np.ndarray:
    return last(noise.measure(0.9, 0.99, seed))


@cache
def raced(updates: int, tries: int, search: str, seed: int) -> race.Race:
    return last(race.race(updates, tries, search, seed))


def best_beta(condition: float, seed: int) -> float:
    losses = best_losses(condition, seed)
    return min(losses, key=lambda beta: losses[beta])


# ------------------------------------------------------------------------------------------ 1.13


def test_momentum_tames_a_rate_that_is_too_large() -> None:
    def holds(seed: int) -> bool:
        plain, heavy = (
            momentum.move_in_plane(10**0.5, beta, AVERAGED, 100.0, *random_start(seed)).share
            for beta in (0.0, 0.9)
        )
        return plain > 1e6 and heavy < 0.01

    claim("06b", "the run that flew out of the frame comes to rest in the minimum", holds)


def test_the_sum_at_the_rate_of_the_average() -> None:
    def holds(seed: int) -> bool:
        average, total = (
            momentum.move_in_plane(10.0, 0.9, form, 100.0, *random_start(seed)).share
            for form in (AVERAGED, SUM)
        )
        return average < 0.01 and total > 1e6

    claim("06b", "a rate that is fine for the average is far over the edge for the sum", holds)


def test_a_mild_ravine() -> None:
    def holds(seed: int) -> bool:
        losses = best_losses(10.0, seed)
        return losses[0.0] < losses[0.9] / 1000

    claim("06b", "In the mild ravine, plain gradient descent beats $\\beta = 0.9$ by far", holds)


def test_a_long_ravine() -> None:
    claim(
        "06b",
        "In the long ravine, $\\beta = 0.9$ is about right.",
        lambda seed: 0.84 < best_beta(1000.0, seed) < 0.96,
    )


# ------------------------------------------------------------------------------------------ noise


def test_direction_and_position() -> None:
    def smooth(seed: int) -> bool:
        directions, _ = noise.traces(0.1, 0.9, 0.99, seed)
        return directions[1].std() < 0.4 * directions[0].std()

    def as_far(seed: int) -> bool:
        plain, heavy, _ = floors(seed)
        return 0.9 < float(np.sqrt(heavy[5] / plain[5])) < 1.05

    claim("06b", "Momentum makes the direction smooth.", smooth)
    claim("06b", "The position wanders as far as before.", as_far)
    claim(
        "06b",
        "What does lower the floor is to average the *iterates*",
        lambda seed: floors(seed)[2, 5] < 0.15 * floors(seed)[0, 5],
    )


# ------------------------------------------------------------------------------------------ 1.14


def test_the_angle() -> None:
    def same(seed: int) -> bool:
        rate = float(np.random.default_rng(seed).uniform(0.5, 1.9))
        return all(
            np.ptp(np.log(rotation.over_angles(name, rate, 100.0)[1])) < 1e-6 for name in ("GD", "momentum")
        )

    def slower(seed: int) -> bool:
        rate = float(10 ** np.random.default_rng(seed).uniform(-1, 0))
        along, turned = rotation.over_angles("Adam", rate, 100.0)[1][[0, 9]]
        return bool(turned > 30 * along)

    def alike(seed: int) -> bool:
        rate = float(10 ** np.random.default_rng(seed).uniform(-1, 0))
        ratios = [np.divide(*rotation.rotate(angle, "Adam", rate, 100.0).rates[0]) for angle in (0, 45)]
        return bool(ratios[0] > 20 and abs(np.log(ratios[1])) < 0.1)

    claim("06b", "Gradient descent and momentum do not care about the angle", same)
    claim("06b", "what is left is a single rate", slower)
    claim("06b", "At 45° both axes see the same mixture, so both get the same factor", alike)


# ------------------------------------------------------------------------------------------ 1.15


def test_noise_makes_the_steps_of_adam_short() -> None:
    def steps(seed: int) -> np.ndarray:
        return adam_step.take_apart(100, True, 0.1, adam_step.OUTSIDE, 3.0, 0.9, 0.999, seed).steps[0]

    claim("06b", "and Adam takes short steps", lambda seed: np.median(steps(seed)[20:]) < 0.6)
    claim("06b", "and seldom longer than $\\alpha$", lambda seed: np.mean(steps(seed) > 1.05) < 0.05)


def test_a_tiny_gradient() -> None:
    def holds(seed: int) -> bool:
        inside, outside = (
            adam_step.take_apart(1, True, 1e-6, place, 0.0, 0.9, 0.999, seed).steps[0, 0]
            for place in (adam_step.INSIDE, adam_step.OUTSIDE)
        )
        return bool(90 < outside / inside < 110)

    claim("06b", "the first step is 100 times shorter", holds, seeds=range(1))


# ------------------------------------------------------------------------------------------ the race


def best_rates(seed: int) -> dict[str, float]:
    losses = raced(200, 21, race.SAME, seed).losses.mean(axis=1)
    return {name: float(race.RATES[row.argmin()]) for name, row in zip(race.RACERS, losses, strict=True)}


def test_the_race_over_all_rates() -> None:
    def close(seed: int) -> bool:
        losses = list(raced(200, 21, race.SAME, seed).means.values())
        return losses[-1] < 2 * losses[0]

    def smaller(seed: int) -> bool:
        rates = best_rates(seed)
        return max(rates["Adam"], rates["RMSprop"]) < rates["GD"] / 5

    def narrowest(seed: int) -> bool:
        losses = raced(200, 21, race.SAME, seed).losses
        gd, *others = map(race.good_decades, losses)
        return gd < min(others)

    claim("06b", "Tuned over the whole range, the four are close together.", close)
    claim(
        "06b",
        "Adam and RMSprop want rates that are much smaller than those of gradient descent.",
        smaller,
    )
    claim("06b", "The good range of gradient descent is the narrowest.", narrowest)


def test_the_race_with_few_tries() -> None:
    def order(tries: int, search: str, seed: int) -> list[str]:
        return list(raced(200, tries, search, seed).means)

    claim(
        "06b",
        "With five tries, that costs it the race: it comes last.",
        lambda seed: order(5, race.SAME, seed)[-1] == "GD",
    )

    def changes(seed: int) -> bool:
        orders = {tuple(order(tries, search, seed)) for tries in (1, 5, 21) for search in race.RANGES}
        return len(orders) > 3

    claim("06b", "The order changes with the number of tries, and with the range", changes)


@pytest.mark.parametrize("form", momentum.FORMS)
def test_the_edge_that_is_measured(form: str) -> None:
    predicted = [momentum.stability_edge(float(beta), form) for beta in momentum.EDGE_BETAS]
    assert np.abs(momentum.measured_edges(form) / predicted - 1).max() < 1e-4

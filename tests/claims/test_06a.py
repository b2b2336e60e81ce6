"""What notebook 06a says happens."""

from functools import cache
from itertools import pairwise

import numpy as np

from dlhelpers import averages
from dlhelpers.labs.averages import moving
from dlhelpers.labs.minibatches import batch_sizes, clocks, gradient_cloud, paths
from dlhelpers.labs.minibatches.batch_sizes import SIZES, Costs
from dlhelpers.labs.minibatches.common import best_rate
from dlhelpers.live.stages import last
from dlhelpers.typing import FloatArray
from tests.claims import SEEDS, claim

MINI, WHOLE = gradient_cloud.RUNS


def hovers(batch_size: int, rate: float, schedule: str, seed: int) -> float:
    return paths.go_downhill(batch_size, rate, schedule, 0.4, 0.6, seed).hovers


@cache
def all_costs(seed: int) -> dict[float, Costs]:
    """Return both targets: the lab keeps the runs of three seeds only, and they take 4 seconds a seed."""
    return {target: last(batch_sizes.compare_sizes(32, target, seed)) for target in (0.15, 0.6)}


def costs(target: float, seed: int) -> Costs:
    return all_costs(seed)[target]


@cache
def run(batch_size: int, seed: int) -> clocks.Run:
    return last(clocks.follow(batch_size, seed))


def rises(batch_size: int, rate: float, seed: int) -> int:
    return int(np.sum(np.diff(clocks.losses_of(batch_size, rate, 50, seed)) > 0))


@cache
def scales(seed: int) -> FloatArray:
    return np.array([gradient_cloud.scale_after(k, MINI, seed) for k in range(len(gradient_cloud.UPDATES))])


def cloud(batch_size: int, seed: int) -> gradient_cloud.Cloud:
    _, found = next(gradient_cloud.look(batch_size, 16, MINI, seed))  # the scales of the whole run come later
    return found


# Does it come to rest? ------------------------------------------------------------------------------


def test_a_few_examples_hover() -> None:
    claim(
        "06a",
        "The blue path of the lab hurries downhill, and then it moves about the lowest point.",
        lambda seed: 1e-4 < hovers(8, 0.1, paths.CONSTANT, seed) < 0.01,
    )


def test_half_the_rate_hovers_half_as_high() -> None:
    claim(
        "06a",
        "With half the rate it hovers about half as high, or lower.",
        lambda seed: (
            0.25 < hovers(1, 0.05, paths.CONSTANT, seed) / hovers(1, 0.1, paths.CONSTANT, seed) < 0.6
        ),
    )


def test_a_falling_rate_goes_down() -> None:
    def goes_down(seed: int) -> bool:
        excess = paths.go_downhill(1, 0.1, paths.FALLING, 0.4, 0.6, seed).excess
        return bool(np.median(excess[400:]) < np.median(excess[100:200]))

    claim("06a", "With it the blue curve goes down and down.", goes_down)


# Which run is the fastest? --------------------------------------------------------------------------


def test_the_clock_decides_who_wins() -> None:
    def order(seed: int) -> bool:
        one, some, whole = (run(size, seed).updates_to(0.3) for size in (1, 32, 1024))
        return one > some > whole and one < 32 * some < 1024 * whole

    claim(
        "06a",
        "Counted in updates, all examples at once are first. Counted in examples, one at a time is first, "
        "by far.",
        order,
    )


def test_one_example_is_first_by_far() -> None:
    claim(
        "06a",
        "one at a time is first, by far",
        lambda seed: run(32, seed).updates_to(0.3) * 32 > 1.5 * run(1, seed).updates_to(0.3),
    )


def test_a_small_batch_goes_up_and_down() -> None:
    claim(
        "06a",
        "the loss on the *training set* goes up and down as well",
        lambda seed: rises(32, 1.0, seed) > 10,
    )


def test_even_all_examples_rise_at_the_best_rate() -> None:
    claim(
        "06a",
        "Even with all examples the best rate lets the loss rise here and there. Only a slower run is smooth",
        lambda seed: rises(1024, 2**0.5, seed) > 0 == rises(1024, 0.35, seed),
    )


# Why a few examples are enough ----------------------------------------------------------------------


def test_nearly_all_dots_point_downhill() -> None:
    claim(
        "06a",
        "Nearly all dots lie on the right: they point downhill, although most point far off.",
        lambda seed: cloud(4, seed).downhill > 0.85 and cloud(4, seed).degrees > 40,
    )


def test_some_single_examples_point_uphill() -> None:
    claim("06a", "At $B = 1$ some dots lie on the left.", lambda seed: cloud(1, seed).downhill < 0.95)


def test_four_times_the_batch_halves_the_distance() -> None:
    def quarter(seed: int) -> bool:
        spreads = [cloud(size, seed).spread for size in (1, 4, 16, 64)]
        return all(3.3 < one / other < 4.8 for one, other in pairwise(spreads))

    claim("06a", "Four times the batch, a quarter of the squared noise, half the distance", quarter)


def test_the_noise_scale_rises() -> None:
    claim(
        "06a",
        "As the loss falls, the examples agree less and less, and the curve rises",
        lambda seed: np.median(scales(seed)[-5:]) > 2 * np.median(scales(seed)[1:10]),
    )


def test_the_noise_scale_belongs_to_a_run() -> None:
    claim(
        "06a",
        "The same network, at the same loss, now has a far larger noise scale.",
        lambda seed: gradient_cloud.scale_after(14, WHOLE, seed) > 5 * np.median(scales(seed)[12:]),
    )


# Which batch size do I take? ------------------------------------------------------------------------


def test_the_two_ends() -> None:
    def halves_then_nothing(seed: int) -> bool:
        best = costs(0.15, seed).best
        return bool(3 < best[0] / best[2] < 5 and best[-3] / best[-1] < 1.25)

    claim(
        "06a",
        "On the left, twice the batch halves the updates; the number of examples hardly changes.",
        halves_then_nothing,
    )


def test_the_updates_fall_about_30_times() -> None:
    def about_30(seed: int) -> bool:
        best = costs(0.15, seed).best
        return bool(18 < best[0] / best[-1] < 45)

    claim("06a", "From one end to the other, the updates fall about 30 times.", about_30)


def test_the_two_lines_meet() -> None:
    claim("06a", "The two lines meet near $B = 30$.", lambda seed: 18 < costs(0.15, seed).bend < 42)


def test_the_noise_scale_is_where_they_meet() -> None:
    claim(
        "06a",
        "Formula (4) could have told us so from a single run.",
        lambda seed: 0.4 < np.median(scales(seed)) / costs(0.15, seed).bend < 2.5,
    )


def test_an_easy_target_has_a_smaller_bend() -> None:
    claim(
        "06a",
        "for a loss of 0.6 the lines meet further to the left",
        lambda seed: costs(0.6, seed).bend < costs(0.15, seed).bend,
    )


def test_the_best_rate_grows_and_stays() -> None:
    def grows(seed: int) -> bool:
        updates = costs(0.15, seed).updates
        rates = batch_sizes.RATES[np.nanargmin(updates, axis=1)]
        return bool(2.5 < rates[3] / rates[0] < 8.5 and 0.7 < rates[-1] / rates[-4] < 1.5)

    claim(
        "06a",
        "Up to the bend a larger batch wants a higher rate: here 3 to 8 times higher from B = 1 to 8. Beyond "
        "it, the rate stays.",
        grows,
    )


def test_the_clocks_use_the_rates_that_are_best_for_most_seeds() -> None:
    best = [np.nanargmin(costs(0.15, seed).updates, axis=1) for seed in SEEDS]
    for size, rate in zip(SIZES, np.median(batch_sizes.RATES[np.array(best)], axis=0), strict=True):
        assert abs(np.log2(best_rate(size) / rate)) <= 0.5, (size, rate)


def test_no_best_rate_is_at_the_end_of_the_range() -> None:
    for seed in SEEDS:
        for target in (0.15, 0.6):
            best = np.nanargmin(costs(target, seed).updates, axis=1)
            assert best.min() > 0 and best.max() < len(batch_sizes.RATES) - 1


def test_all_examples_at_once_waste_examples() -> None:
    def wasted(seed: int) -> bool:
        found = costs(0.15, seed)
        return bool(
            found.examples[-1] / found.examples[0] > 25
            and found.best[SIZES.index(128)] < 1.4 * found.best[-1]
        )

    claim(
        "06a",
        "the table needs 30 times as many examples as with one, and mini-batches of 128 need hardly more "
        "updates",
        wasted,
    )


# Moving averages: nothing is random -----------------------------------------------------------------


def test_what_an_average_remembers() -> None:
    def two_thirds(seed: int) -> bool:
        betas = np.arange(0.7, 0.985, 0.01)
        n = averages.rule_of_thumb_window(betas)
        return bool(np.all(np.abs(1 - betas**n - 2 / 3) < 0.04) and np.all(np.abs(betas**n - 1 / 3) < 0.04))

    sentence = (
        "it is down to $\\beta^n$, about a third; the months up to there hold about two thirds of the weight"
    )
    claim("06a", sentence, two_thirds, seeds=[0])


def test_the_delay_on_a_step() -> None:
    found = moving.average(0.9, 70, False, moving.STEP)
    claim(
        "06a",
        "with $\\beta = 0.9$ the average needs 10 months for the first 63% of it",
        lambda seed: "within 10 months" in found.caption,
        seeds=[0],
    )


def test_the_first_months() -> None:
    found = moving.average(0.95, 6, False, moving.SEA)
    claim(
        "06a",
        "With $\\beta = 0.95$ the average of the sixth month is 6 °C",
        lambda seed: round(float(found.average[5])) == 6 and "add up to 0.26" in found.caption,
        seeds=[0],
    )

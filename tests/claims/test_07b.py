"""What notebook 07b says happens."""

from functools import cache, partial

import numpy as np

from dlhelpers.digit_runs import EPOCHS, SPACE, dev_error
from dlhelpers.exercises import real_search as exercises
from dlhelpers.exercises.checking import ask
from dlhelpers.hyperparameter_search import search
from dlhelpers.labs.real_search import curse, early, effects, searches
from dlhelpers.labs.real_search.replay import PLANS
from dlhelpers.search_spaces import random_settings
from dlhelpers.trials import Trial
from dlhelpers.typing import FloatArray
from tests.claims import claim

say = partial(claim, "07b")
once = partial(claim, "07b", seeds=[0])
"""Of the recorded runs themselves, whose seeds are all in."""
TEST, _ = searches.SCORES


@cache
def trials(seed: int) -> list[Trial]:
    drawn = random_settings(SPACE, 16, np.random.default_rng(seed))
    return list(search(dev_error, [{**setting, "seed": seed} for setting in drawn]))


def scores(seed: int) -> FloatArray:
    return np.array([trial.score for trial in trials(seed)])


PLAN = "16 start, half stays"


def found(seed: int, budget: float = 8, plan: str = PLAN) -> searches.Searches:
    return searches.compare(budget, "successive halving", TEST, plan, seed)


def median(name: str, budget: float, seed: int, plan: str = PLAN) -> float:
    return float(np.median(found(seed, budget, plan=plan).here(name)))


def cursed(n: int, size: str, seed: int, among: str = "any settings") -> curse.Curse:
    return curse.choose(n, size, among, seed)


# The first screen -----------------------------------------------------------------------------------


def test_most_trials_are_of_no_use() -> None:
    say(
        "Many trials are of no use, and a few are very good.",
        lambda seed: np.mean(scores(seed) > 0.15) > 1 / 4 and 1 <= np.sum(scores(seed) < 0.07) <= 6,
    )


def test_no_good_one_has_a_low_rate() -> None:
    say(
        "Then press *low learning rates*: is there a good one among them?",
        lambda seed: all(t.score > 0.1 for t in trials(seed) if t.setting["learning_rate"] < 0.04),
    )


def test_good_ones_have_no_low_rate() -> None:
    say(
        "none of them has a low learning rate",
        lambda seed: all(t.setting["learning_rate"] > 0.04 for t in trials(seed) if t.score < 0.1),
    )


# Does anything matter? ------------------------------------------------------------------------------


def test_the_learning_rate_leads_in_a_wide_range() -> None:
    once(
        "Now the learning rate moves the error most.",
        lambda seed: effects.effects("decay", 6, "all values", EPOCHS).ranking[0] == "learning rate α",
    )
    near = effects.effects("decay", 1, "all values", EPOCHS).ranking
    once(
        "Press *near the best rate*: its bar falls behind that of the batch size.",
        lambda seed: near.index("batch size") < near.index("learning rate α"),
    )
    good = effects.effects("decay", 0, "good values only", EPOCHS)
    once(
        "Press *good values only*: all bars are within the seed's reach.",
        lambda seed: bool(np.all(good.alone < 1.3 * good.seed)),
    )
    wide = effects.effects("decay", 6, "all values", EPOCHS)
    once("They are shorter,", lambda seed: bool(np.all(wide.main < wide.alone)))
    once(
        "a small learning rate wants a small batch.",
        lambda seed: wide.mean[0].mean(axis=(0, 2, 3, 4)).argmin() == 0,
    )


# A thousand searches --------------------------------------------------------------------------------


def test_halving_is_worth_more_than_twice_its_price() -> None:
    answer = exercises.how_many_runs
    assert answer.options["abc".index(answer.answer)] == "More than 16."
    say("**Why halving is ahead.**", lambda seed: (found(seed).random_needs or 99) > 16)


def test_a_single_search_may_end_anywhere() -> None:
    def overlap(seed: int) -> bool:
        ahead = found(seed).ahead
        return ahead is not None and 0.1 < ahead[1] < 0.5 < ahead[0]

    say("That is why one search cannot tell which way is better.", overlap)


def test_it_shows_after_an_epoch() -> None:
    say(
        "Most settings are bad, and it shows after an epoch.",
        lambda seed: early.survival(2, "any settings", seed)[0] > 0.95,
    )


def test_every_plan_beats_random() -> None:
    say(
        "halving is the cheapest improvement there is.",
        lambda seed: all(
            median("successive halving", 12, seed, plan) < median("random", 12, seed) for plan in PLANS
        ),
    )


def test_the_grid_falls_behind() -> None:
    say(
        "**The grid** falls behind.",
        lambda seed: all(median("grid", b, seed) > median("random", b, seed) for b in (8, 16, 32, 64)),
    )


def test_coarse_to_fine_pays_off_late() -> None:
    say(
        "it pays off late: with 8 full runs it is no better, with 64 it is.",
        lambda seed: (
            median("coarse to fine", 8, seed) >= median("random", 8, seed) - 1e-9
            and median("coarse to fine", 64, seed) < median("random", 64, seed)
        ),
    )


# When halving fools itself --------------------------------------------------------------------------


def test_the_bet_is_safe_among_any() -> None:
    def any_settings(seed: int) -> bool:
        look = early.look_early(1, "half stays", "any settings", seed)
        return look.correlation[0] > 0.6 and look.survives[0] > 0.95

    say("After one epoch the rank correlation with the end is already high", any_settings)


def test_a_hard_cut_is_too_early() -> None:
    say("7 of 8 go, and it is too early", lambda seed: early.survival(8, "any settings", seed)[0] < 0.8)


def test_it_is_nearly_a_coin_among_good_ones() -> None:
    def good(seed: int) -> bool:
        gone = 1 - early.look_early(1, "half stays", "the best 100 settings", seed).survives[0]
        return 0.25 < gone < 0.4  # a coin: 0.5

    say("Among good settings it cuts the best one in about 1 of 3 brackets", good)


def test_there_is_hardly_an_order() -> None:
    once(
        "Among good settings it is so low that there is hardly an order to find.",
        lambda seed: early.correlations("the best 100 settings")[1] < 0.35,
    )


# The winner's curse ---------------------------------------------------------------------------------


def test_dev_falls_and_test_comes_to_rest() -> None:
    def rests(seed: int) -> bool:
        shown = cursed(256, "96 examples", seed)
        dev, test = shown.dev.mean(axis=0), shown.test.mean(axis=0)
        return dev[255] < 0.8 * dev[63] and test[255] > 0.88 * test[63]

    say("The dev error of the winner falls and falls; its test error comes to rest.", rests)


def test_a_smaller_set_a_wider_gap() -> None:
    def gap(size: str, seed: int) -> float:
        dev, test = cursed(64, size, seed).here
        return test - dev

    say(
        "the smaller the set, the wider the gap.",
        lambda seed: gap("48 examples", seed) > gap("96 examples", seed) > gap("386 examples", seed),
    )


def test_one_trial_has_no_gap() -> None:
    say(
        "With one trial nothing is chosen, and there is no gap.",
        lambda seed: abs(np.subtract(*cursed(1, "386 examples", seed).here)) < 0.005,
    )


def test_the_tiny_dev_set() -> None:
    def five(seed: int) -> bool:
        dev, test = cursed(256, "48 examples", seed).here
        return 0.012 < dev < 0.018 and 0.045 < test < 0.06

    assert exercises.on_the_test_set.answer == "c"
    say("Then press *a tiny dev set* and then *all 386 examples*", five)


# What is computed -----------------------------------------------------------------------------------


def test_the_price_of_a_bracket() -> None:
    cost = ask(exercises.bracket_cost.reference, {"n": 16, "first": 1, "eta": 2}).value
    once("$16 + 8 + 8 + 8 + 8 = 48$ epochs: the price of 3 full runs", lambda seed: cost == 48 == 3 * EPOCHS)

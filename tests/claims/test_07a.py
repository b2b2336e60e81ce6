"""What notebook 07a says happens."""

from functools import lru_cache, partial

import numpy as np

from dlhelpers.labs.hyperparameter_search import coarse_to_fine as cf
from dlhelpers.labs.hyperparameter_search import grid_or_random as gr
from dlhelpers.labs.hyperparameter_search import panda_caviar as pc
from dlhelpers.labs.hyperparameter_search import right_scale as rs
from dlhelpers.labs.hyperparameter_search import what_matters as wm
from dlhelpers.labs.hyperparameter_search.common import dev_losses
from dlhelpers.live.stages import last
from dlhelpers.optimizers import Momentum
from tests.claims import claim

says = partial(claim, "07a")
EQUAL, NEARLY, ONE_ONLY = 0, gr.PERCENTS.index(95), -1


def scales(low: float, trials: int, seed: int, what: str = rs.RATE) -> tuple[float, float]:
    """Return the mean lowest loss when even, and when even in log."""
    found = last(rs.compare_scales(what, low, trials, seed)).expected
    return float(found[rs.EVEN][trials - 1]), float(found[rs.LOG][trials - 1])


def row(name: str, alpha: float, seed: int) -> dict[float, float]:
    """Return the dev losses of a hyperparameter's values, as the lab computes them."""
    usual = wm.Trial(alpha)
    return {value: wm.dev_loss(usual._replace(**{name: value}), seed) for value in wm.VALUES[name]}


def ratio(name: str, alpha: float, seed: int) -> float:
    found = row(name, alpha, seed).values()
    return max(found) / min(found)


def missed(plan: str, at: int, seed: int) -> float:
    return float(gr.measure(plan, 5, seed).mean[at])


@lru_cache(maxsize=10)
def rounds(seed: int) -> cf.Search:
    """Search with a box around the best coarse trial."""
    coarse = cf.coarse_round(7, seed)
    alpha, distance = 10.0 ** coarse.places[coarse.losses.argmin()]
    return last(cf.search(float(alpha), float(distance), 0.3, 7, False, seed))


def best_rate(beta: float, seed: int) -> float:
    alphas = 10.0 ** cf.MAP_ALPHA[:, np.newaxis]
    return float(alphas[dev_losses(Momentum(beta, averaged=False), alphas, seed).argmin(), 0])


@lru_cache(maxsize=60)
def ends(rate: float, budget: int, seed: int) -> tuple[float, float]:
    """Return the last losses of the panda and of the best of six caviar models."""
    found = last(pc.compare_approaches(rate, 6, budget, seed))
    assert found.winner is not None
    return float(found.panda.losses[-1]), float(found.winner.losses[-1])


SMALL, GOOD, HOT = 10**-3.5, 0.01, 1.0


# The right scale ------------------------------------------------------------------------------------


def test_most_even_trials_are_where_learning_fails():
    def on_the_slope(seed: int) -> bool:
        curve, places = last(rs.curve_of(rs.RATE, seed)), rs.draw(rs.EVEN, 1e-4, np.linspace(0, 1, 1001))
        return bool(np.mean(curve.at(places) > 2 * curve.losses.min()) > 0.8)

    says("Most of them land on the slope where learning fails.", on_the_slope)


def test_the_scale_counts_with_few_trials():
    def gap(low: float, trials: int, seed: int) -> float:
        even, log = scales(low, trials, seed)
        return even / log - 1

    says(
        "With eight trials, those that are even in $\\alpha$ end with a clearly higher loss on average.",
        lambda seed: gap(1e-4, 8, seed) > 0.5,
    )
    says(
        "With 64 trials they come much closer",
        lambda seed: gap(1e-4, 64, seed) < 0.5 * gap(1e-4, 8, seed),
    )
    says(
        "With a single power of ten left, the scale counts less.",
        lambda seed: gap(0.1, 8, seed) < gap(1e-4, 8, seed),
    )


# Which of them count --------------------------------------------------------------------------------


def test_the_learning_rate_is_ahead():
    def ahead(seed: int) -> bool:
        others = max(ratio(name, 0.01, seed) for name in wm.VALUES if name != "alpha")
        return ratio("alpha", 0.01, seed) > 1.3 * others and 7 < ratio("alpha", 0.01, seed) < 14

    says(
        "The learning rate is always ahead, with a factor of about ten between its worst and its best value.",
        ahead,
    )


def test_the_rest_depends_on_the_learning_rate():
    def batch_turns(seed: int) -> bool:
        small, large = (row("batch_size", alpha, seed) for alpha in (0.003, 0.1))
        return small[8] < small[128] and large[128] < large[8]

    def decay_turns(seed: int) -> bool:
        small, large = (row("decay", alpha, seed) for alpha in (0.003, 0.1))
        return small[1.0] > small[0.0] and large[1.0] < large[0.0]

    says(
        "At $\\alpha = 0.1$ the batch size turns around: large batches are better, at 0.003 the small ones "
        "are.",
        batch_turns,
    )
    says(
        "A decay of the rate does harm at 0.003, where the steps are too small already, and helps at 0.1.",
        decay_turns,
    )
    says(
        "$\\beta_2$ and $\\epsilon$ change little, at 0.01 and at 0.003.",
        lambda seed: max(ratio(n, a, seed) for a in (0.003, 0.01) for n in ("beta2", "eps")) < 1.35,
    )


# Grid or random -------------------------------------------------------------------------------------


def test_grid_against_random():
    says(
        "**When both count the same, the grid without ends is better than random trials**, by a factor of "
        "about two.",
        lambda seed: 1.8 < missed(gr.RANDOM, EQUAL, seed) / missed(gr.WITHOUT, EQUAL, seed) < 2.6,
    )
    says(
        "They end about four times lower here",
        lambda seed: 3.5 < missed(gr.WITHOUT, ONE_ONLY, seed) / missed(gr.RANDOM, ONE_ONLY, seed) < 5.5,
    )
    says(
        "With 25 trials, $x$ must account for about 95% of the loss before random trials win.",
        lambda seed: abs(missed(gr.WITHOUT, NEARLY, seed) / missed(gr.RANDOM, NEARLY, seed) - 1) < 0.15,
    )
    says(
        "It is better than random trials at every share",
        lambda seed: bool(np.all(gr.measure(gr.LATIN, 5, seed).mean < gr.measure(gr.RANDOM, 5, seed).mean)),
    )


# Coarse to fine -------------------------------------------------------------------------------------


def test_the_band_is_slanted():
    def grows(seed: int) -> bool:
        factor = best_rate(0.0, seed) / best_rate(1 - 10**-1.4, seed)
        return 8 < factor < 80  # equation (9) says 25

    says("Along the band $\\alpha_\\text{effective}$ stays about the same.", grows, needed=9)
    says(
        "at the bottom of the map the band stands upright",
        lambda seed: 1 / 4 < best_rate(0.99, seed) / best_rate(0.999, seed) < 4,
    )


def test_the_box_and_its_price():
    def as_low(seed: int) -> bool:
        return rounds(seed).after(cf.BOX) <= rounds(seed).after(cf.EVERYWHERE)

    says("Seed by seed, the box nearly always ends at least as low as more trials everywhere.", as_low, 9)
    means = [np.mean([rounds(seed).after(name) for seed in range(10)]) for name in (cf.BOX, cf.EVERYWHERE)]
    says("But the means are about the same", lambda _: abs(means[0] / means[1] - 1) < 0.1)


# Panda and caviar -----------------------------------------------------------------------------------


def test_a_hot_start_leaves_traces():
    says(
        "Press *too hot*: the rate is repaired, the loss stays high.",
        lambda seed: ends(HOT, 576, seed)[0] > 1.5 * ends(SMALL, 576, seed)[0],
    )
    says(
        "With a first rate of 1, the caviar is always ahead.",
        lambda seed: all(ends(HOT, budget, seed)[0] > ends(HOT, budget, seed)[1] for budget in (576, 1152)),
    )


def test_a_good_guess_wins_with_a_small_budget():
    says(
        "With a good first guess, the nursed model is ahead, most of all when the budget is small",
        lambda seed: ends(GOOD, 192, seed)[0] < ends(GOOD, 192, seed)[1],
    )
    says(
        "With 576 steps she has it, with 192 she has not.",
        lambda seed: (
            ends(SMALL, 576, seed)[0] < 1.1 * ends(SMALL, 576, seed)[1]
            and ends(SMALL, 192, seed)[0] > 2 * ends(SMALL, 576, seed)[0]
        ),
        needed=9,
    )

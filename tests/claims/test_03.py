"""What notebook 03 says happens."""

from functools import cache

import numpy as np

from dlhelpers.labs.dropout import columns, inverted, keep_prob, noisy_cost, rules, stopped, subnetworks
from dlhelpers.labs.dropout.common import two_moons
from dlhelpers.labs.dropout.rules import FORGOTTEN, INVERTED, SWAPPED
from dlhelpers.live.stages import last
from dlhelpers.network import Network
from tests.claims import SEEDS, claim

WITHOUT, HALF = "without dropout", "with keep_prob 0.5"


@cache
def answers(x1: float, x2: float, trained: str, hidden: str, seed: int) -> subnetworks.Subnetworks:
    return last(subnetworks.enumerate_all(x1, x2, 0.5, trained, hidden, seed))


def right(trained: str, seed: int) -> tuple[float, float]:
    found = answers(0.0, 0.0, trained, "one layer of 8", seed).accuracies
    assert found is not None
    return found


@cache
def measured(seed: int) -> rules.Measured:
    found = last(rules.rule_cost(INVERTED, 0.5, seed)).measured
    assert found is not None
    return found


@cache
def cost(share: float, seed: int) -> noisy_cost.NoisyCost:
    return last(noisy_cost.noisy_cost(share, share, 60, seed))


@cache
def contest(task: str, seed: int) -> stopped.Contest:
    return last(stopped.contest(task, 0.7, 400, seed))


# Switch units off -----------------------------------------------------------------------------------


def test_at_some_places_they_contradict_each_other() -> None:
    def scatter(seed: int) -> bool:
        places = [
            answers(x1, 0.2, WITHOUT, "one layer of 8", seed).probabilities for x1 in (-1.0, -0.1, 0.5, 1)
        ]
        return any(each.min() < 0.1 and each.max() > 0.9 for each in places)

    claim("03", "At some places they contradict each other", scatter)


def test_one_of_their_means_stands_where_the_full_network_stands() -> None:
    def equal(seed: int) -> bool:
        shown = [
            answers(x1, 0.2, each, "one layer of 8", seed) for x1 in (-1.0, 0.5) for each in (WITHOUT, HALF)
        ]
        return all(abs(each.geometric - each.full) < 1e-12 for each in shown)

    claim("03", "one of their means always stands where the full network stands", equal)


def test_layer_2_gets_p_times_as_much() -> None:
    def ratio(seed: int) -> bool:
        found = [
            inverted.show_steps(p, FORGOTTEN, 1024, "training", 3, False, seed).ratio / p
            for p in (0.3, 0.5, 0.8)
        ]
        return bool(np.allclose(found, 1, atol=0.05))

    claim("03", "Layer 2 gets $p$ times what it gets in use.", ratio)


def test_who_forgot_to_divide_is_too_sure() -> None:
    def too_sure(seed: int) -> bool:
        (loss, share), (right_loss, right_share) = (
            measured(seed).at(rule, 0.5) for rule in (FORGOTTEN, INVERTED)
        )
        return loss > 1.1 * right_loss and abs(share - right_share) < 0.06

    claim(
        "03",
        "at $p = 0.5$ the dev loss is higher than with inverted dropout, and about as many answers are right",
        too_sure,
    )


def test_mixed_up_is_the_same_at_one_half() -> None:
    claim(
        "03",
        "At $p = 0.5$ there is no difference.",
        lambda seed: measured(seed).at(SWAPPED, 0.5) == measured(seed).at(INVERTED, 0.5),
    )


def test_one_mask_for_all_examples_is_noisier() -> None:
    def noisier(seed: int) -> bool:
        data, rng = two_moons(60, 0.4, seed), np.random.default_rng(seed)
        theta = last(columns.train_column(6, 60, seed)).thetas[-1, 6].copy()
        network, scatter = Network((2, 16, 16, 1), "relu", "sigmoid_cross_entropy", keep_prob=0.7), []
        for examples in (60, 1):
            numbers = [rng.random((2, 16, examples)) + np.zeros((2, 16, 60)) for _ in range(100)]
            gradients = [network.gradient(theta, data.batch._replace(draws=tuple(U))) for U in numbers]
            scatter.append(np.linalg.norm(np.std(gradients, axis=0)))
        return bool(scatter[1] > scatter[0])

    claim("03", "the noise does not average out within the batch", noisier)


# All the networks at once ---------------------------------------------------------------------------


def test_a_random_subnetwork() -> None:
    claim(
        "03",
        "Without dropout, a random subnetwork is right on at least 8 of 100 dev points less than the full "
        "network.",
        lambda seed: right(WITHOUT, seed)[1] < right(WITHOUT, seed)[0] - 0.08,
    )
    claim(
        "03",
        "With it, the two are much closer",
        lambda seed: (
            right(HALF, seed)[0] - right(HALF, seed)[1]
            < 0.5 * (right(WITHOUT, seed)[0] - right(WITHOUT, seed)[1])
        ),
    )


def test_the_price() -> None:
    claim(
        "03",
        "the network trained with keep_prob 0.5 is right on fewer dev points than the one trained without "
        "dropout",
        lambda seed: right(HALF, seed)[0] < right(WITHOUT, seed)[0],
    )


# What is being minimized? ---------------------------------------------------------------------------


def test_the_thick_line_rises_less_often() -> None:
    claim(
        "03",
        "The thick line rises less often.",
        lambda seed: (
            np.sum(np.diff(cost(0.7, seed).J_mean) > 0) < 0.7 * np.sum(np.diff(cost(0.7, seed).J) > 0)
        ),
    )


def test_too_much() -> None:
    claim(
        "03",
        "with 10% of the units in both layers, even the mean stays high",
        lambda seed: cost(0.1, seed).J_mean[-1] > 0.5,
    )


def test_all_three_norms_shrink() -> None:
    claim(
        "03",
        "All three shrink.",
        lambda seed: all(np.all(cost(p, seed).norms < cost(p, seed).norms_without) for p in (0.7, 0.3)),
    )


# Does it help? --------------------------------------------------------------------------------------


def test_at_step_400_dropout_looks_far_better() -> None:
    """Of the reader's seed 0: the lab shows it."""
    claim(
        "03",
        "At step 400 the network with dropout looks far better.",
        lambda seed: contest(stopped.POINTS, seed).here[1] < 0.5 * contest(stopped.POINTS, seed).here[0],
        seeds=[0],
    )


def test_stopping_in_time_is_mostly_better_on_the_points() -> None:
    claim(
        "03",
        "On the 60 points, stopping in time is mostly the better remedy.",
        lambda seed: contest(stopped.POINTS, seed).best[0] < contest(stopped.POINTS, seed).best[1],
        needed=7,
    )


def test_dropout_helps_on_noisy_digits() -> None:
    claim(
        "03",
        "Dropout is better although both are stopped in time. The gain is small, a few "
        "hundredths of the loss, but it comes nearly always.",
        lambda seed: contest(stopped.DIGITS, seed).best[1] < contest(stopped.DIGITS, seed).best[0],
        needed=9,
    )


def test_the_star_jumps() -> None:
    places = set()
    for seed in range(3):
        losses = last(keep_prob.per_layer(0.7, 0.7, 60, 1, seed)).dev_losses
        places.add(tuple(int(k) for k in np.unravel_index(int(losses.argmin()), losses.shape)))
    claim("03", "The star, the lowest of all 100, jumps", lambda _: len(places) == 3, seeds=SEEDS[:1])

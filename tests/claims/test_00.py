"""What notebook 00 says happens, over ten seeds of data and of weights."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from dlhelpers.labs.playground.controls import PRESETS
from dlhelpers.labs.playground.frame import curves
from dlhelpers.labs.playground.signs import sign
from dlhelpers.network import Network
from dlhelpers.session import Session
from dlhelpers.settings import Settings
from tests.claims import claim


def spiral(seed: int, **others: object) -> Session:
    values = {"data": "spirals", "noise": 0.1, "hidden": (8, 8), "data_seed": seed, "weight_seed": seed}
    return Session(Settings(**{**values, **others}))  # type: ignore[arg-type]


@cache
def surprise(seed: int) -> tuple[Session, dict[int, float], float]:
    """Return the run with the jump, its dev accuracies by step, and the largest loss after the jump."""
    session, accuracies = spiral(seed), {}
    for rate, steps in ((0.01, 2000), (0.3, 200), (0.01, 1000)):
        session.change(learning_rate=rate)
        session.advance(steps)
        accuracies[session.step] = session.measure().dev_accuracy
    hot = max(each.train_loss for each in session.history if 2000 < each.step <= 2200)
    return session, accuracies, hot


def test_it_learns_the_spiral() -> None:
    claim("00", "Nearly all points of the dev set are right.", lambda seed: surprise(seed)[1][2000] >= 0.95)


def test_the_loss_jumps() -> None:
    def holds(seed: int) -> bool:
        session, _, hot = surprise(seed)
        before = [each.train_loss for each in session.history if each.step <= 2000][-1]
        return hot > 10 * before

    claim("00", "The loss jumps up, and the map falls to pieces", holds)


def test_it_does_not_come_back() -> None:
    claim("00", "But the network does not come back", lambda seed: surprise(seed)[1][3200] < 0.9)


def test_rewind_gives_the_network_again() -> None:
    def holds(seed: int) -> bool:
        session = spiral(seed)
        session.advance(100)
        theta, rate = session.now.theta, session.settings.learning_rate
        session.change(learning_rate=0.3)
        session.advance(50)
        session.rewind(100)
        return bool(np.array_equal(session.now.theta, theta)) and session.settings.learning_rate == rate

    claim("00", "The network is as it was at that step, and the learning rate, too.", holds)


def test_the_first_layer_has_straight_edges() -> None:
    def holds(seed: int) -> bool:
        session = spiral(seed)
        session.advance(500)
        x = np.random.default_rng(seed).uniform(-3, 3, (200, 2))
        first, second = session.network.hidden_units(session.now.theta, x)
        return straight(x, first, session.network) and not straight(x, second, session.network)

    claim("00", "In the first layer there are only straight edges; the next layer puts them", holds)


def straight(x: np.ndarray, answers: np.ndarray, network: Network) -> bool:
    """Tell whether all answers are tanh of a linear function of x."""
    assert network.activation == "tanh"
    seen = (np.abs(answers) < 1 - 1e-6).all(axis=1)
    rows = np.column_stack([x, np.ones(len(x))])[seen]
    bent = np.arctanh(answers[seen])
    fitted = rows @ np.linalg.lstsq(rows, bent, rcond=None)[0]
    return bool(np.abs(fitted - bent).max() < 1e-6 * max(1, np.abs(bent).max()))


def test_zeros_learn_nothing_about_the_points() -> None:
    def holds(seed: int) -> bool:
        session = spiral(seed, initializer="zeros")
        session.advance(1000)
        predictions = session.network.predict(session.now.theta, session.train.X)
        return float(np.ptp(predictions, axis=0).max()) == 0

    claim("00", "the network gives the same answer to every point.", holds)
    claim("00", "no weight ever changes", holds)


def test_the_factors_of_the_gradient() -> None:
    def holds(seed: int) -> bool:
        session = spiral(seed, initializer="zeros")
        session.advance(50)
        trace = session.network.trace(session.now.theta, session.train)
        hidden_answers = not any(A.any() for A in trace.A[:-1])
        return hidden_answers and not trace.dZ[0].any() and bool(trace.dZ[-1].any())

    claim("00", "But its units do not matter, because the weights on their way out are 0.", holds)


def test_more_units_keep_all_other_weights() -> None:
    def holds(seed: int) -> bool:
        session = spiral(seed)
        session.advance(50)
        before = session.network.layout.views(session.now.theta)["W2"].copy()
        session.change(hidden=(8, 9))
        return bool(np.array_equal(session.network.layout.views(session.now.theta)["W2"][:8], before))

    claim("00", "all other weights stay", holds)


def test_the_rarer_class() -> None:
    session = spiral(0, initializer="zeros")
    session.advance(1000)
    assert session.measure().dev_accuracy < 0.5 < session.measure().train_accuracy


@cache
def signs(label: str, seed: int) -> list[str]:
    """Return what the heading says of a preset."""
    return said_of(PRESETS[label][0], seed)


def said_of(values: dict[str, Any], seed: int) -> list[str]:
    """Return what the heading says at the start, and then every 100 steps to step 600."""
    session = Session(Settings(**{**values, "data_seed": seed, "weight_seed": seed}))
    said = [sign(session, curves(session))]
    while session.step < 600 and not session.diverged:
        session.advance(100)
        said.append(sign(session, curves(session)))
    return said


def test_underfitting_is_named() -> None:
    claim(
        "00", "Soon the train loss no longer falls.", lambda seed: "underfits" in signs("underfits", seed)[-1]
    )


def test_overfitting_is_named() -> None:
    def holds(seed: int) -> bool:
        return any(
            "it overfits: the dev loss has been rising" in said for said in signs("overfits", seed)[-2:]
        )

    claim("00", "The train loss goes on falling, but the dev loss turns and rises.", holds)


def test_a_high_rate_is_named() -> None:
    sentence = "the loss jumps above the one at the start."
    claim("00", sentence, lambda seed: any("the loss jumps" in said for said in signs("rate too high", seed)))


def test_dead_units_are_named() -> None:
    claim("00", "small pictures turn grey.", lambda seed: "dead" in signs("dead ReLUs", seed)[-1])


def test_equal_units_are_named() -> None:
    claim(
        "00",
        "the units are all alike, and stay so.",
        lambda seed: all("alike" in s for s in signs("zero weights", seed)),
    )


WELL = {
    **{label: PRESETS[label][0] for label in ("two moons", "spiral")},
    "the first screen": {"data": "spirals", "noise": 0.1, "hidden": (8, 8)},
    "slow": {"data": "spirals", "noise": 0.1, "hidden": (8, 8), "learning_rate": 1e-5},
}


@pytest.mark.parametrize("label", WELL)
def test_nothing_is_said_of_a_run_that_goes_well_or_is_slow(label: str) -> None:
    sentence = "As soon as the numbers show that something is wrong, the heading of the lab says it."
    claim("00", sentence, lambda seed: not any(said_of(WELL[label], seed)), needed=9)

"""What the ward is built on, over many patients: faults cost, probes tell them apart, players score."""

from itertools import combinations

import numpy as np
import pytest

from dlhelpers.capstone import FAULTS, HEALTHY, MASKED, Patient, patient, spoiled
from dlhelpers.capstone_players import at_random, intended, play
from dlhelpers.capstone_probes import PROBES, probe
from dlhelpers.capstone_runs import train
from dlhelpers.capstone_visits import BUDGET, MOST, Visit, score
from dlhelpers.labs.capstone.readings import RIGHT, fill_table
from dlhelpers.live.stages import last
from tests.claims import SEEDS

PAIRS = [pair for pair in combinations(FAULTS, 2) if FAULTS[pair[0]].field != FAULTS[pair[1]].field]
CASES = [*((key,) for key in FAULTS), *PAIRS]
APART = {
    "start": {"inputs"},
    "statistics": {"inputs", "start"},
    "twice": {"test"},
    "gradient": {"gradient"},
    "overfit": {"inputs", "start", "rate high", "rate low", "gradient", "penalty"},
    "sweep": {"inputs", "rate high", "rate low", "gradient", "penalty"},
}
"""Which faults move a reading to more than 3 times that of the right script, or less than a third."""


@pytest.mark.parametrize("key", FAULTS)
def test_every_fault_costs_two_points_of_dev_error_or_more(key: str) -> None:
    for seed in range(3):
        assert train(spoiled((key,)), seed).dev_error > train(HEALTHY, seed).dev_error + 0.02


def test_each_fault_of_a_masked_pair_alone_is_worse_than_both() -> None:
    for pair in MASKED:
        for seed in range(3):
            both = train(spoiled(pair), seed).dev_error
            for key in pair:
                assert train(spoiled((key,)), seed).dev_error > both + 0.05


def test_which_probes_tell_which_faults_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints the readings of the right script, and of each fault."""
    rows: dict[str, tuple[str, ...]] = {"right": (), **{key: (key,) for key in FAULTS}}
    with capsys.disabled():
        print(f"\n{'':<10}" + "".join(f"{name:>12}" for name in PROBES))
        for row, faults in rows.items():
            numbers = [probe(name, spoiled(faults), 0).number for name in PROBES]
            print(f"{row:<10}" + "".join(f"{number:>12.3g}" for number in numbers))
    for name, faults_told in APART.items():
        for seed in range(3):
            floor = {"twice": 1e-3, "gradient": 1e-6}.get(name, 0.0)
            right = max(probe(name, HEALTHY, seed).number, floor)
            ratios = {key: max(probe(name, spoiled((key,)), seed).number, floor) / right for key in FAULTS}
            assert {key for key, ratio in ratios.items() if not 1 / 3 < ratio < 3} == faults_told, name


def test_what_else_the_expensive_probes_tell() -> None:
    for seed in range(3):
        curves = {key: probe("curve", spoiled((key,)), seed).numbers for key in FAULTS}
        assert curves["few"]["train error"] == 0 and curves["few"]["dev error"] > 0.1
        assert curves["growth"]["rise"] > 10 and 0 < curves["growth"]["lowest after"] < 15
        assert probe("shuffled", spoiled(("labels",)), seed).number > 0.9
        assert probe("shuffled", HEALTHY, seed).number < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_intended_way_reaches_the_right_dev_error_within_the_budget(seed: int) -> None:
    visit = intended(seed)
    points = score(visit)
    assert set(visit.repairs) == set(patient(seed).faults)
    assert points.total == 100 and points.dev_error == points.target and visit.spent <= BUDGET


@pytest.mark.parametrize("pair", MASKED)
def test_two_faults_that_mask_each_other_are_found(pair: tuple[str, str]) -> None:
    for seed in range(5):
        visit = play(Visit(Patient(seed, pair)))
        assert set(visit.repairs) == set(pair) and score(visit).total == 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_every_fault_and_every_pair_is_found(seed: int) -> None:
    for faults in CASES:
        visit = play(Visit(Patient(seed, faults)))
        assert set(visit.repairs) == set(faults), (faults, visit.repairs)
        assert visit.spent <= BUDGET and len(visit.repairs) <= MOST


def test_a_random_player_scores_far_below(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints both distributions, over ten patients; ten random players each."""
    ways = {
        "intended": [score(intended(seed)) for seed in SEEDS],
        "random": [
            score(at_random(seed, np.random.default_rng([seed, 7, k]))) for seed in SEEDS for k in range(10)
        ],
    }
    with capsys.disabled():
        for name, scores in ways.items():
            points = np.percentile([each.total for each in scores], [0, 25, 50, 75, 100])
            errors = np.percentile([each.dev_error for each in scores], [0, 25, 50, 75, 100])
            print(f"\n{name}: points {points.round()}, dev error {errors.round(3)}", end="")
    assert min(each.total for each in ways["intended"]) == 100
    assert np.percentile([each.total for each in ways["random"]], 75) < 50


def test_no_two_faults_but_two_are_told_by_the_same_probes() -> None:
    """Those two are seen by the learning curve alone, which tells them by the train error."""
    table = last(fill_table(RIGHT, "Ask twice", 0))
    told = {
        fault.name: frozenset(key for key in PROBES if table.tells(fault.name, key))
        for fault in FAULTS.values()
    }
    by_curve = [name for name, probes in told.items() if probes == {"curve"}]
    assert by_curve == ["rate grows", "too few examples"]
    assert all(told.values())

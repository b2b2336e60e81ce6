"""The capstone: patients, probes, visits and scores; what takes many patients is in claims/test_patients."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from dlhelpers.capstone import (
    FAULTS,
    HEALTHY,
    MASKED,
    STEPS_PER_EPOCH,
    Patient,
    patient,
    repaired,
    spoiled,
)
from dlhelpers.capstone_players import at_random, play, suspects
from dlhelpers.capstone_probes import GUESSING, PROBES, probe
from dlhelpers.capstone_runs import measure, schedule, set_up, train
from dlhelpers.capstone_visits import (
    BUDGET,
    HINT,
    MOST,
    REPAIR,
    TOLD_BY,
    Refusal,
    Visit,
    admit,
    finish,
    hint,
    look,
    pay,
    repair,
    score,
)
from dlhelpers.saving import load_network, save_network

# Patients -------------------------------------------------------------------------------------------


def test_a_fault_spoils_one_field_and_its_repair_puts_it_back() -> None:
    assert len(FAULTS) >= 8
    for key, fault in FAULTS.items():
        script = spoiled((key,))
        changed = [name for name in vars(script) if getattr(script, name) != getattr(HEALTHY, name)]
        assert changed == [fault.field]
        assert repaired(script, (key,)) == HEALTHY


def test_a_repair_of_what_is_right_changes_nothing() -> None:
    for key in FAULTS:
        assert repaired(HEALTHY, (key,)) == HEALTHY


def test_every_fault_and_every_masked_pair_is_drawn() -> None:
    drawn = [patient(seed).faults for seed in range(400)]
    assert {key for faults in drawn for key in faults} == set(FAULTS)
    assert {len(faults) for faults in drawn} == {1, 2}
    for pair in MASKED:
        share = sum(set(faults) == set(pair) for faults in drawn) / len(drawn)
        assert 0.1 < share < 0.25  # 1/6 of all, and some more among the other pairs
    assert not any({"rate high", "rate low"} <= set(faults) for faults in drawn)


def test_the_rate_decays_by_a_tenth_each_epoch_or_grows() -> None:
    for script, factor in ((HEALTHY, 0.9), (spoiled(("growth",)), 1 / 0.9)):
        rate = schedule(script)
        assert rate(0) == 0.3
        assert rate(STEPS_PER_EPOCH) == pytest.approx(0.3 * factor)


def test_what_a_script_sets_up() -> None:
    right = set_up(HEALTHY, 0)
    assert right.train.X.shape == (1024, 64) and right.dev.X.shape == (386, 64)
    inked = right.train.X.std(axis=0) > 0
    np.testing.assert_allclose(right.train.X[:, inked].std(axis=0), 1)
    shifted = set_up(spoiled(("labels",)), 0)
    np.testing.assert_array_equal(shifted.train.Y[1:], right.train.Y[:-1])
    np.testing.assert_array_equal(shifted.dev.Y, right.dev.Y)
    assert len(set_up(spoiled(("few",)), 0).train.X) == 64
    assert not set_up(spoiled(("start",)), 0).theta.any()
    assert set_up(spoiled(("inputs",)), 0).train.X.max() == 16


def test_dropout_at_test_is_in_what_is_measured() -> None:
    setup, script = set_up(HEALTHY, 0), spoiled(("test",))
    theta = train(HEALTHY, 0).theta
    with_dropout, without = (
        measure(each, setup.network, theta, setup.dev, np.random.default_rng(0)) for each in (script, HEALTHY)
    )
    assert with_dropout[0] > without[0] and with_dropout[1] > without[1] + 0.01


# Probes ---------------------------------------------------------------------------------------------


def test_zero_weights_cost_exactly_log_10() -> None:
    assert probe("start", spoiled(("start",)), 0).number == pytest.approx(GUESSING, abs=1e-12)


def test_a_probe_pays_what_it_trains() -> None:
    assert {name: each.price for name, each in PROBES.items()} == {
        "start": 1,
        "statistics": 1,
        "twice": 1,
        "gradient": 2,
        "overfit": 2,
        "sweep": 10,
        "shuffled": 10,
        "curve": 20,
    }


@pytest.mark.parametrize("name", PROBES)
def test_a_reading_is_a_sentence_for_every_fault(name: str) -> None:
    for faults in ((), *((key,) for key in FAULTS)):
        reading = probe(name, spoiled(faults), 1)
        assert reading.probe == name and reading.words[0].isupper() and reading.words.endswith(".")
        assert not any(word in reading.words for word in ("nan", "inf ", "inf."))


# A visit --------------------------------------------------------------------------------------------


def test_a_perfect_visit() -> None:
    visit = admit(6)
    assert visit.patient.faults == ("gradient",)
    visit = look(visit, "gradient")
    assert visit.spent == 2 and suspects(visit) == ("gradient",)
    visit = finish(repair(visit, ("gradient",)))
    points = score(visit)
    assert (points.diagnosis, points.repair, points.total) == (50, 50, 100)
    assert (points.hits, points.false_alarms) == (1, 0)
    assert points.dev_error == points.target
    assert visit.spent == 2 + REPAIR + 20 and visit.left == BUDGET - 26


@pytest.mark.parametrize(
    ("repairs", "diagnosis"),
    [
        ((), 0),
        (("inputs",), 25),
        (("inputs", "rate low"), 50),
        (("inputs", "few"), 0),
        (("inputs", "few", "test"), 0),
    ],
)
def test_a_diagnosis_is_scored_by_hits_less_false_alarms(repairs: tuple[str, ...], diagnosis: float) -> None:
    visit = Visit(Patient(3, ("inputs", "rate low")))
    visit = repair(visit, repairs) if repairs else visit
    assert score(finish(visit)).diagnosis == diagnosis


@pytest.mark.parametrize(("worse", "points"), [(0.0, 50), (0.01, 50), (0.11, 25), (0.21, 0), (0.5, 0)])
def test_a_repair_is_scored_by_the_dev_error(worse: float, points: float) -> None:
    visit = finish(admit(6))
    assert visit.run is not None
    target = train(HEALTHY, 6).dev_error
    run = visit.run._replace(errors=np.array([[0.0, target + worse]]))
    assert score(replace(visit, run=run)).repair == pytest.approx(points)


def test_each_hint_names_a_probe_that_tells_a_fault_that_is_left() -> None:
    for key in FAULTS:
        visit = hint(Visit(Patient(0, (key,))))
        assert visit.spent == HINT
        assert visit.hints == (f"Hint: {PROBES[TOLD_BY[key]].name} shows a fault.",)
        assert hint(repair(visit, (key,))).hints[-1] == "Hint: no fault is left."
    hidden = hint(Visit(Patient(0, ("start", "gradient"))))
    assert "Statistics" in hidden.hints[0], "zero weights come first: they hide the bug"


def test_zero_weights_hide_a_bug_until_they_are_repaired() -> None:
    visit = look(Visit(Patient(0, ("start", "gradient"))), "gradient")
    assert suspects(visit) == ()
    assert suspects(look(repair(visit, ("start",)), "gradient")) == ("gradient",)


def test_every_refusal_costs_nothing_and_says_why() -> None:
    visit = look(admit(6), "start")
    for move, words in (
        (lambda: look(visit, "start"), "has looked at this script"),
        (lambda: repair(visit, ()), "faults must be written down"),
        (lambda: repair(repair(visit, ("few",)), ("few",)), "Repaired already: too few examples"),
        (
            lambda: look(pay(visit, 60), "curve"),
            "costs 20 epochs, and 19 are left besides the 20 for training",
        ),
        (lambda: hint(pay(visit, 75)), "costs 8 epochs"),
        (lambda: repair(pay(visit, 77), ("few",)), "costs 4 epochs"),
        (lambda: look(finish(visit), "twice"), "discharged"),
        (lambda: repair(finish(visit), ("few",)), "discharged"),
        (lambda: hint(finish(visit)), "discharged"),
        (lambda: finish(finish(visit)), "discharged"),
        (lambda: play(finish(visit)), "discharged"),
    ):
        with pytest.raises(Refusal, match=words):
            move()
    assert visit.spent == 1


def test_training_can_always_be_paid() -> None:
    assert finish(pay(admit(6), admit(6).left)).spent == BUDGET


def test_a_score_needs_a_visit_that_is_over() -> None:
    with pytest.raises(ValueError, match=r"visit must be over to be scored"):
        score(admit(0))


# Who plays ------------------------------------------------------------------------------------------


def test_random_players_stay_within_the_budget() -> None:
    for k in range(200):
        rng = np.random.default_rng(k)
        visit = at_random(6, rng)
        assert visit.run is not None and visit.spent <= BUDGET and 1 <= len(visit.repairs) <= MOST


# Saving ---------------------------------------------------------------------------------------------

READ = """
import sys
import numpy as np
from dlhelpers.saving import load_network
saved = load_network(sys.argv[1])
X = np.load(sys.argv[2])
sys.stdout.buffer.write(saved.network.predict(saved.theta, X).tobytes())
"""


def test_a_saved_network_predicts_the_same_to_the_bit_in_a_new_process(tmp_path) -> None:
    setup, theta = set_up(HEALTHY, 0), train(HEALTHY, 0).theta
    save_network(tmp_path / "network.npz", setup.network, theta)
    np.save(tmp_path / "X.npy", setup.dev.X)
    program = [sys.executable, "-c", READ, tmp_path / "network.npz", tmp_path / "X.npy"]
    there = subprocess.run(program, capture_output=True, check=True).stdout

    assert load_network(tmp_path / "network.npz").network == setup.network
    assert setup.network.predict(theta, setup.dev.X).tobytes() == there

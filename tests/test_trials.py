import json
import math

import numpy as np
import pytest

from dlhelpers.search_spaces import Uniform, grid, random_settings
from dlhelpers.trials import (
    Trial,
    best,
    distinct,
    leaders,
    listed,
    load_trials,
    plain,
    recorded,
    save_trials,
)


def trials_of(*pairs):
    return [Trial(number, setting, score) for number, (setting, score) in enumerate(pairs)]


def test_best_and_distinct():
    trials = trials_of(({"a": 1}, 0.3), ({"a": True}, 0.1), ({"a": 1.0}, math.nan), ({"a": 1}, 0.1))
    assert [trial.number for trial in best(reversed(trials), 9)] == [1, 3, 0]
    assert [trial.number for trial in best(trials)] == [1]
    assert distinct(trials, "a") == 3
    assert distinct([], "a") == 0
    shared = {"x": Uniform(0, 1), "y": Uniform(0, 1)}
    nine = [Trial(i, s, 0.0) for i, s in enumerate(grid(shared, 3))]
    assert distinct(nine, "x") == 3
    nine = [Trial(i, s, 0.0) for i, s in enumerate(random_settings(shared, 9, np.random.default_rng(0)))]
    assert distinct(nine, "x") == 9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: best([], 0), r"n must be an integer in \[1, inf\)"),
        (lambda: best([0.5]), "trials must hold trials; got 0.5"),
        (lambda: best(None), "trials must be a list or another iterable of trials; got None"),
        (lambda: best(np.array(3.0)), "trials must be a list"),
        (lambda: best("ab"), "trials must hold trials; got 'a'"),
        (lambda: distinct([Trial(0, {"a": 1}, 0.0)], "b"), r"name must be .*; got 'b', they have \['a'\]"),
        (lambda: distinct([], 3), "name must be a hyperparameter"),
        (lambda: leaders([Trial(0, {}, 0.0)]), "stages must hold stages; got Trial"),
    ],
)
def test_errors_of_trials(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# -------------------------------------------------------------------------------------------- search


def test_trials_come_back_from_a_file(tmp_path):
    path = tmp_path / "trials.jsonl"
    trials = [
        Trial(
            0, {"rate": 0.1 + 0.2, "act": "tänh\n", "sizes": (10, 5), "k": 3, "on": True}, 1e-300, "", 0.25
        ),
        Trial(3, {"rate": None}, math.nan, "ValueError: x", 0.5, {"curve": [1.5, 2.5]}),
    ]
    save_trials(path, trials)
    assert load_trials(str(path)) == trials
    for each in path.read_text().splitlines():
        json.loads(each, parse_constant=pytest.fail)
    save_trials(path, iter(trials[:1]))
    assert load_trials(path) == trials[:1]
    save_trials(path, [])
    assert load_trials(path) == []
    save_trials(path, [Trial(0, {"a": np.int64(3)}, np.float64(0.5), info={"c": np.array([1.0, math.inf])})])
    assert load_trials(path) == [Trial(0, {"a": 3}, 0.5, info={"c": [1.0, math.inf]})]
    path.write_bytes(line(error="stopped early"))
    assert load_trials(path) == [Trial(0, {"x": 1}, 0.5, "stopped early")]


def line(**changes):
    record = {"number": 0, "setting": {"x": 1}, "score": 0.5, "error": "", "seconds": 0, "info": {}} | changes
    return json.dumps({name: value for name, value in record.items() if value != "absent"}).encode() + b"\n"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{\n", "Expecting"),
        (b"\n", "Expecting value"),
        (b"\xff\n", "utf-8"),
        (b"[" * 100_000 + b"\n", "recursion"),
        (b"[]\n", "must be a mapping, not list"),
        (line()[:-1], "its line end is missing"),
        (line(score="absent"), "'score'"),
        (line(more=1), "'more'"),
        (line(number=-1), "number must be an integer"),
        (line(setting=[1]), r"setting must be a dict; got \[1\]"),
        (line(score=None), "score must be a number.*; got None. Only a trial with an error has null"),
        (line(score=math.inf), "score must be a number"),
        (line(score=10**400), "score must be a number"),
    ],
)
def test_a_corrupt_line_is_named(tmp_path, bad, reason):
    path = tmp_path / "trials.jsonl"
    path.write_bytes(line() + line(number=1) + bad)
    for read in (load_trials, lambda path: recorded(path, [])):
        message = rf"path must name a file with one trial a line; got .* line 3 is none \(.*{reason}.*delete"
        with pytest.raises(ValueError, match=message):
            read(path)


def test_errors_of_files(tmp_path):
    for call in (load_trials, lambda path: save_trials(path, []), lambda path: recorded(path, [])):
        for bad in (None, 3, ""):
            with pytest.raises(ValueError, match=r"path must name a file; got"):
                call(bad)
        with pytest.raises(IsADirectoryError):
            call(tmp_path)
    with pytest.raises(FileNotFoundError, match="absent"):
        load_trials(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="absent"):
        next(recorded(tmp_path / "absent" / "x", [Trial(0, {}, 0.5)]))
    with pytest.raises(ValueError, match="trials must be a list or another iterable of trials; got None"):
        recorded(tmp_path / "x", None)
    with pytest.raises(ValueError, match="trials must hold trials; got 't'"):
        next(recorded(tmp_path / "x", "trials"))
    save_trials(tmp_path / "kept", [Trial(0, {}, 0.5)])
    for bad in ({"f": max}, {"f": {(1,): 2}}):
        with pytest.raises(ValueError, match=r"trials must hold what JSON can: .*; got \{'f': .* in trial 4"):
            save_trials(tmp_path / "kept", [Trial(0, {}, 0.5), Trial(4, bad, 0.5)])
    assert len(load_trials(tmp_path / "kept")) == 1  # not replaced by half a file


def test_a_search_that_is_recorded_outlives_what_json_cannot_hold(tmp_path):
    itself = {}
    itself["me"] = itself
    infos = [{"f": max}, {"n": 7}, itself, {(1,): 2}]
    trials = [Trial(number, {"x": number}, 0.5, info=info) for number, info in enumerate(infos)]
    passed = list(recorded(tmp_path / "t", trials))
    assert [trial.number for trial in passed if not trial.error] == [1] and passed[1].info == {"n": 7}
    assert all(trial.error.startswith("ValueError: trials must hold what JSON can") for trial in passed[::2])
    assert [trial.number for trial in load_trials(tmp_path / "t") if trial.error] == [0, 2, 3]
    with pytest.raises(ValueError, match="trials must hold what JSON can"):  # a setting is the user's own
        list(recorded(tmp_path / "u", [Trial(0, {"f": max}, 0.5)]))


def test_numbers_of_numpy_become_pythons():
    value = plain([np.float32(0.5), (np.int8(3), "a"), np.eye(2), None])
    assert value == (0.5, (3, "a"), ((1.0, 0.0), (0.0, 1.0)), None)
    assert type(value[0]) is float and type(value[1][0]) is int


def test_listed_checks_every_value():
    assert listed("k", iter([1, "a"]), int | str, "numbers") == [1, "a"]
    with pytest.raises(ValueError, match=r"k must hold numbers; got 'a'\."):
        listed("k", [1, "a"], int, "numbers")


def test_a_trial_made_by_hand_took_no_time_and_did_not_fail():
    assert Trial(0, {}, 0.5) == (0, {}, 0.5, "", 0.0, {})

import math
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from dlhelpers import hyperparameter_search as module
from dlhelpers.hyperparameter_search import (
    OneAtATime,
    Rung,
    caviar,
    halving_rungs,
    panda,
    search,
    successive_halving,
)
from dlhelpers.search_spaces import Choice, Integer, LogUniform, Uniform
from dlhelpers.trials import Stage, Trial, leaders, load_trials, recorded

PLANE = {"x": Uniform(0, 1), "y": LogUniform(0.01, 1)}


def squared(setting):
    """Fail in several ways on the way; a function of a module, for process pools."""
    x = setting.pop("x")
    if x == 2:
        raise KeyError("two")
    if x == 3:
        return math.nan
    if x == 4:
        return "four"
    if x == 5:
        return {"score": np.float32(25), "train": 7}
    if x == 6:
        raise ZeroDivisionError
    if x == 8:
        return True
    if x == 9:
        return {"train": 1}
    if x == 10:
        return 10**400
    return x**2


def die(setting):
    os._exit(1)


SETTINGS = [{"x": x} for x in range(11)]
EXPECTED = {
    0: (0.0, ""),
    1: (1.0, ""),
    2: (math.nan, "KeyError: 'two'"),
    3: (math.nan, "ValueError: score must be a number in (-inf, inf); got nan."),
    4: (math.nan, "ValueError: score must be a number in (-inf, inf); got 'four'."),
    5: (25.0, ""),
    6: (math.nan, "ZeroDivisionError"),
    7: (49.0, ""),
    8: (math.nan, "ValueError: score must be a number in (-inf, inf); got True."),
    9: (math.nan, "ValueError: score must be a number in (-inf, inf); got None."),
}


def outcome(trial):
    return math.nan if math.isnan(trial.score) else trial.score, trial.error  # a NaN that is equal to itself


def check_trials(trials):
    by_number = {trial.number: trial for trial in trials}
    assert len(trials) == len(by_number) == 11
    assert {n: outcome(by_number[n]) for n in EXPECTED} == EXPECTED
    assert by_number[10].error.startswith("ValueError: score must be a number")
    assert [by_number[n].setting for n in range(11)] == SETTINGS  # though the objective pops
    assert by_number[5].info == {"train": 7} and by_number[9].info == {"train": 1}
    assert by_number[7].info == by_number[2].info == {}
    assert all(type(trial.score) is float and trial.seconds >= 0 for trial in trials)


def test_search_here_goes_in_order():
    trials = list(search(squared, SETTINGS))
    assert [trial.number for trial in trials] == list(range(11))
    check_trials(trials)
    again = list(search(squared, SETTINGS))
    assert [trial._replace(seconds=0) for trial in trials] == [trial._replace(seconds=0) for trial in again]


@pytest.mark.parametrize("in_flight", [1, 3, 32])
def test_search_on_threads(in_flight):
    with ThreadPoolExecutor(3) as executor:
        check_trials(list(search(squared, SETTINGS, executor=executor, in_flight=in_flight)))


def test_search_on_processes():
    """One pool: results, an objective that cannot be sent, a process that dies, what comes after."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        check_trials(list(search(squared, SETTINGS, executor=executor)))
        (lost,) = search(lambda setting: 0.0, [{"x": 1}], executor=executor)
        assert math.isnan(lost.score) and "(raised by the executor" in lost.error and lost.seconds == 0
        dead = sorted(search(die, SETTINGS[:3], executor=executor, in_flight=2))
        assert [trial.number for trial in dead] == [0, 1, 2]
        assert all(trial.error.startswith("BrokenProcessPool: ") for trial in dead)
        # the pool is broken now; another search takes a new one in its place
        assert len(list(search(squared, SETTINGS, executor=executor))) == 11


class Untold(Exception):
    def __str__(self):
        raise RuntimeError("not even this")

    __repr__ = __str__


class Poison:
    """Nobody who gets it by pickle can open it."""

    def __reduce__(self):
        return os.listdir, ("/no/such/folder/anywhere",)


class Base(BaseException):
    pass


def misbehave(setting):
    """Do what an objective should not do; a function of a module, for process pools."""
    kind = setting["kind"]
    if kind == "exit":
        raise SystemExit(3)
    if kind == "base":
        raise Base("of all")
    if kind == "close":
        raise GeneratorExit
    if kind == "memory":
        raise MemoryError
    if kind == "deep":
        return misbehave(setting)
    if kind == "untold":
        raise Untold
    if kind == "long":
        raise ValueError("x" * 5_000_000)
    if kind == "bytes":
        return b"x" * 5_000_000
    if kind == "repr":
        return Untold()
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "local":
        return {"score": 0.0, "model": lambda: None}
    if kind == "poison":
        return {"score": 0.0, "model": Poison()}
    if kind == "die":
        os._exit(1)
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGTERM)
    return 1.0


TOLD = {
    "exit": "SystemExit: 3",
    "base": "Base: of all",
    "close": "GeneratorExit",
    "memory": "MemoryError",
    "deep": "RecursionError: maximum recursion depth exceeded",
    "untold": "Untold",
    "long": "ValueError: xxx",
    "bytes": "ValueError: score must be a number in (-inf, inf); got b'xxx",
    "repr": "ValueError: score must be a number in (-inf, inf); got a Untold.",
}
ELSEWHERE = {"interrupt": "KeyboardInterrupt"}
IN_A_PROCESS = {
    "local": "",  # how it is told is up to the version of Python
    "poison": "BrokenProcessPool: ",
    "die": "BrokenProcessPool: ",
    "killed": "BrokenProcessPool: ",
}


def check_misbehaving(told, executor=None):
    """Every second trial misbehaves: each is one failed trial with its reason, and all others succeed."""
    kinds = [kind for bad in told for kind in ("good", bad)] + ["good"]
    settings = [{"kind": kind} for kind in kinds]
    trials = sorted(search(misbehave, settings, executor=executor))
    assert [trial.setting for trial in trials] == settings
    for trial in trials:
        kind = trial.setting["kind"]
        if kind == "good":
            assert (trial.score, trial.error) == (1.0, "")
        else:
            assert math.isnan(trial.score) and trial.error.startswith(told[kind]), trial
            assert trial.error and len(trial.error) < 600 and "\n" not in trial.error


def test_a_search_outlives_whatever_its_objective_does_here():
    check_misbehaving(TOLD)


def test_a_search_outlives_whatever_its_objective_does_on_threads():
    with ThreadPoolExecutor(2) as executor:
        check_misbehaving(TOLD | ELSEWHERE, executor)


def test_a_search_outlives_whatever_its_objective_does_in_processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        check_misbehaving(TOLD | ELSEWHERE | IN_A_PROCESS, executor)


def advance_or_die(setting, state, budget):
    if setting["x"] == 1:
        os._exit(1)
    return float(setting["x"]), budget


def test_a_strategy_outlives_a_process_too():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        settings = [{"x": x} for x in range(4)]
        stages = list(successive_halving(advance_or_die, settings, eta=2, executor=executor))
    assert [stage.number for stage in stages if stage.error] == [1]
    assert [stage.number for stage in stages if stage.round == 2] == [0]
    assert stages[-1].spent == 4 + 2 + 2


def slow(setting):
    """Hang in Python, hang in a call, raise a TimeoutError of its own, or end in time."""
    if setting["kind"] == "loops":
        while True:
            math.sqrt(2)
    if setting["kind"] == "waits":
        threading.Event().wait(10)
    if setting["kind"] == "its own":
        raise TimeoutError("of mine")
    return 1.0


LIMIT = 1.0  # seconds: enough for a trial that ends at once, also on a busy machine
LATE = "TimeoutError: it has not ended after 1 seconds."


def check_time_limit(executor):
    kinds = ["good", "loops", "good", "waits", "its own", "good"]
    settings = [{"kind": kind} for kind in kinds]
    trials = sorted(search(slow, settings, executor=executor, time_limit=LIMIT))
    assert [trial.error for trial in trials] == ["", LATE, "", LATE, "TimeoutError: of mine", ""]
    if sys.gettrace() is None:  # under a tracer, CPython 3.11 stands still while a thread has not yet ended
        assert all(LIMIT <= trials[k].seconds < 9 for k in (1, 3))


def test_a_trial_that_hangs_has_failed_here_and_on_threads():
    before = threading.active_count()
    check_time_limit(None)
    with ThreadPoolExecutor(2) as executor:
        check_time_limit(executor)
    loops = [thread for thread in threading.enumerate() if thread.name.endswith("(_settle)")]
    assert len(loops) <= 2, "those that wait are left alone; those that loop have heard that they should end"
    assert threading.active_count() <= before + 2


def test_a_trial_that_hangs_has_failed_in_a_process():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        check_time_limit(executor)


def advance_or_hang(setting, state, budget):
    slow(setting)
    return float(setting["x"]), (state or 0) + budget


def test_a_model_that_hangs_is_given_up_by_every_strategy():
    settings = [{"kind": "good", "x": 2}, {"kind": "loops", "x": 0}, {"kind": "good", "x": 1}]
    for strategy in (partial(caviar, budget=4), partial(successive_halving, eta=3)):
        stages = list(strategy(advance_or_hang, settings, time_limit=LIMIT))
        assert [stage.error for stage in stages if stage.number == 1] == [LATE]
        assert [stage.score for stage in stages if stage.number == 2][-1] == 1.0
    stages = list(panda(advance_or_hang, settings[0], lambda setting, k: settings, 1, time_limit=LIMIT))
    assert [stage.error for stage in stages] == ["", LATE, ""]


def test_a_trial_that_is_interrupted_ends_the_search_within_a_time_limit_too():
    def interrupted(setting):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(search(interrupted, SETTINGS, time_limit=10))


def test_an_executor_that_was_shut_down():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match=r"takes no more trials \(RuntimeError: .*; 11 were not run"):
        list(search(squared, SETTINGS, executor=executor))


class ByHand(Executor):
    """An executor whose futures end when the test says so."""

    def __init__(self, ends=()):
        self.futures, self.ends = [], list(ends)

    def submit(self, function, /, *arguments, **keywords):
        future = Future()
        self.futures.append((future, function, arguments))
        if len(self.futures) in self.ends:
            self.end(len(self.futures) - 1)
        return future

    def end(self, index):
        future, function, arguments = self.futures[index]
        future.set_result(function(*arguments))


def test_trials_come_as_they_end_and_closing_cancels_the_rest():
    executor = ByHand(ends=[3])
    trials = search(squared, SETTINGS, executor=executor, in_flight=4)
    assert executor.futures == []  # nothing runs before the first trial is asked for
    assert next(trials).number == 2
    assert len(executor.futures) == 5  # four in flight: the next was submitted before trial 2 was handed out
    executor.end(4)
    executor.end(1)
    assert [next(trials).number, next(trials).number] == [1, 4]
    assert len(executor.futures) == 7
    trials.close()
    assert [future.cancelled() for future, *_ in executor.futures] == [1, 0, 0, 1, 0, 1, 1]


def test_what_was_accepted_comes_before_a_refusal():
    class Full(ByHand):
        def submit(self, function, /, *arguments, **keywords):
            if len(self.futures) == 2:
                raise RuntimeError("full")
            return super().submit(function, *arguments, **keywords)

    executor = Full(ends=[1])
    trials = search(squared, SETTINGS, executor=executor)
    assert next(trials).number == 0
    executor.end(1)
    assert next(trials).number == 1
    with pytest.raises(RuntimeError, match=r"takes no more trials \(RuntimeError: full\); 9 were not run"):
        next(trials)


def test_seconds_are_those_of_the_objective(monkeypatch):
    times = iter([100.0, 102.5])
    with monkeypatch.context() as patch:
        patch.setattr(module, "time", SimpleNamespace(perf_counter=times.__next__))
        (trial,) = search(lambda setting: 0.0, [{}])
    assert trial.seconds == 2.5


def test_a_running_trial_is_not_waited_for():
    started, release = threading.Event(), threading.Event()

    def objective(setting):
        if setting["x"] == 0:
            return 0.0
        started.set()
        release.wait(60)
        return 1.0

    executor = ThreadPoolExecutor(1)
    trials = search(objective, SETTINGS, executor=executor)
    assert next(trials).number == 0
    assert started.wait(60)
    trials.close()  # would hang if it waited
    release.set()
    executor.shutdown()


def test_keyboard_interrupt_ends_the_search_and_cancels():
    def interrupted(setting):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(search(interrupted, SETTINGS))
    executor = ByHand()
    submit = executor.submit

    def failing(function, /, *arguments):
        future = submit(function, *arguments)
        if len(executor.futures) == 2:
            future.set_exception(KeyboardInterrupt())
        return future

    executor.submit = failing
    with pytest.raises(KeyboardInterrupt):
        next(search(squared, SETTINGS, executor=executor, in_flight=3))
    assert [future.cancelled() for future, *_ in executor.futures] == [True, False, True]


def test_done_trials_are_not_run_again():
    settings = [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}, {"a": 1, "b": "x"}, {"a": np.float64(2.0), "b": [1]}]
    done = [Trial(0, {"b": "x", "a": 1}, 0.5), Trial(7, {"a": 9, "b": "x"}, 0.5)]
    trials = list(search(lambda setting: 0.0, settings, done=done))
    assert [trial.number for trial in trials] == [1, 2, 3]  # the one of two equal settings that is left
    assert trials[-1].setting == {"a": 2.0, "b": (1,)}
    assert type(trials[-1].setting["a"]) is float
    assert list(search(lambda setting: 0.0, settings, done=done + trials)) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, []), "objective must be a function that returns the score of a setting; got None"),
        ((squared, {"x": 1}), "settings must hold dicts from names to values; got 'x'"),
        ((squared, 3), "settings must be a list or another iterable of dicts from names to values; got 3"),
        ((squared, [3]), "settings must hold dicts from names to values; got 3"),
    ],
)
def test_errors_of_search_come_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        search(*arguments)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"executor": 4}, "executor must be a concurrent.futures.Executor or None; got 4"),
        ({"time_limit": 0}, r"time_limit must be a number in \(0, 1e6\]; got 0"),
        ({"in_flight": 0}, r"in_flight must be an integer in \[1, inf\); got 0"),
        ({"done": [{"x": 1}]}, "done must hold trials"),
        ({"done": [Stage(0, 0, {}, 0.0, "", 1, 1, None)]}, "done must hold trials"),
    ],
)
def test_errors_of_options_come_at_once(option, message):
    with pytest.raises(ValueError, match=message):
        search(squared, SETTINGS, **option)


# --------------------------------------------------------------------------------------------- files


def test_an_interrupted_search_goes_on(tmp_path):
    path = tmp_path / "trials.jsonl"
    executor = ByHand(ends=[1])
    inner = search(squared, SETTINGS, executor=executor, in_flight=2)
    run = recorded(path, inner)
    assert not path.exists()
    first = next(run)
    assert load_trials(path) == [first]  # on the disk before the caller has it
    run.close()
    assert executor.futures[1][0].cancelled()  # the inner iterator is closed as well
    rest = list(recorded(path, search(squared, SETTINGS, done=load_trials(path))))
    assert [trial.number for trial in rest] == list(range(1, 11))
    assert load_trials(path) == [first, *rest]


def test_the_plan_of_halving_by_hand():
    assert halving_rungs(9, 1, 3) == [Rung(9, 1, 1), Rung(3, 3, 2), Rung(1, 9, 6)]  # 9 + 6 + 6 = 21
    # 11 // 4 = 2, 2 // 4 = 0, but one stays; 5, 20, 80 units
    assert halving_rungs(11, 5, 4) == [Rung(11, 5, 5), Rung(2, 20, 15), Rung(1, 80, 60)]
    assert halving_rungs(5, 2, 2) == [Rung(5, 2, 2), Rung(2, 4, 2), Rung(1, 8, 4)]
    assert halving_rungs(1, 7) == [Rung(1, 7, 7)]
    assert halving_rungs(9) == halving_rungs(9, 1, 3)
    # Hyperband's table 1, s = 4: 81, 27, 9, 3, 1 settings with 1, 3, 9, 27, 81 units
    rungs = halving_rungs(81)
    assert [(rung.size, rung.units) for rung in rungs] == [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)]


def counted(setting, state, budget):
    """The state is the list of all training so far; the score falls with it, from 100 + x."""
    history = [*(state or []), (setting["x"], budget)]
    if (len(history), setting["x"]) == (1, 0):
        raise FloatingPointError("overflow")
    return 100 + setting["x"] - sum(budget for _, budget in history) / 100, history


@pytest.mark.parametrize("threads", [None, 3])
def test_halving_by_hand(threads):
    executor = ThreadPoolExecutor(threads) if threads else None
    stages = list(successive_halving(counted, [{"x": x} for x in range(8, -1, -1)], executor=executor))
    if executor:
        executor.shutdown()
    # Settings 8 ... 0; 0 fails, so 1, 2, 3 go on, then 1.
    assert [stage.round for stage in stages] == [0] * 9 + [1] * 3 + [2]
    assert {stage.setting["x"] for stage in stages if stage.round == 1} == {1, 2, 3}
    assert {stage.number for stage in stages if stage.round == 1} == {7, 6, 5}
    assert [stage.spent for stage in stages] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 21]
    assert {stage.units for stage in stages if stage.round == 1} == {3}
    last = stages[-1]
    assert (last.setting, last.units, last.score) == ({"x": 1}, 9, 101 - 0.09)
    assert last.state == [(1, 1), (1, 2), (1, 6)]  # continued, not restarted
    (failed,) = [stage for stage in stages if stage.error]
    assert failed.error == "FloatingPointError: overflow" and failed.state is None and failed.units == 1
    assert math.isnan(failed.score)
    if not threads:
        assert [stage.number for stage in stages] == [*range(9), 7, 6, 5, 7]
    assert [stage.setting["x"] for stage in leaders(stages)] == [1, 1, 1]


def test_halving_with_more_failures_than_places():
    stages = list(successive_halving(counted, [{"x": 0}] * 7 + [{"x": 4}, {"x": 5}]))
    # rung 1 has places for 3, and 2 are left: 2 * 2 units; then 6
    assert [stage.spent for stage in stages][8:] == [9, 11, 13, 19]
    assert [stage.round for stage in successive_halving(counted, [{"x": 0}] * 9)] == [0] * 9


def test_what_advance_returns_is_checked():
    for bad in (3.0, (1.0, 2, 3), None, [0.5, 1]):
        (stage,) = caviar(lambda setting, state, budget, bad=bad: bad, [{"x": 1}], 5)
        assert stage.error.startswith("ValueError: advance must return (score, state); got"), bad
        assert (stage.units, stage.spent, stage.state) == (5, 5, None)
    (stage,) = caviar(lambda setting, state, budget: (math.inf, "state"), [{"x": 1}], 5)
    assert "score must be a number" in stage.error and stage.state is None and math.isnan(stage.score)


def test_caviar_spends_the_budget_on_each():
    stages = list(caviar(counted, [{"x": 3}, {"x": 2}], 50))
    assert stages == [
        Stage(0, 0, {"x": 3}, 102.5, "", 50, 50, [(3, 50)]),
        Stage(0, 1, {"x": 2}, 101.5, "", 50, 100, [(2, 50)]),
    ]
    assert list(caviar(counted, [], 1)) == []


def test_closing_a_strategy_cancels():
    for start in (
        lambda executor: successive_halving(counted, SETTINGS[1:4], executor=executor),
        lambda executor: caviar(counted, SETTINGS[1:4], 1, executor=executor),
        lambda executor: panda(counted, {"x": 1}, lambda *_: SETTINGS[1:4], 1, executor=executor),
    ):
        executor = ByHand(ends=[1])
        stages = start(executor)
        next(stages)
        stages.close()
        assert [future.cancelled() for future, *_ in executor.futures] == [False, True, True]
    for start in (
        lambda executor: successive_halving(counted, SETTINGS[1:4], executor=executor, in_flight=2),
        lambda executor: caviar(counted, SETTINGS[1:4], 1, executor=executor, in_flight=2),
        lambda executor: panda(
            counted, {"x": 1}, lambda *_: SETTINGS[1:4], 1, executor=executor, in_flight=2
        ),
    ):
        executor = ByHand(ends=[1])
        next(start(executor))
        assert len(executor.futures) == 3


def descend_square(setting, state, budget):
    """Gradient descent on x^2 / 2 from 1: the best rate is 1."""
    x = 1.0 if state is None else state
    x *= (1 - setting["rate"]) ** budget
    return x * x / 2, x


def test_panda_by_hand():
    nurse = OneAtATime({"rate": Uniform(0, 2)}, step=0.125)
    stages = list(panda(descend_square, {"rate": 0.25}, nurse, rounds=2, budget=2))
    # Round 0 from x = 1: keep 0.25 -> 0.75^2, raise to 0.5 -> 0.5^2, lower to 0 -> 1: 0.5 stays, x = 0.25.
    # Round 1: 0.5 -> 0.25 * 0.25, 0.75 -> 0.25 * 0.0625, 0.25 -> 0.25 * 0.5625.
    assert [stage.setting["rate"] for stage in stages] == [0.25, 0.5, 0.0, 0.5, 0.75, 0.25]
    assert [stage.state for stage in stages] == [0.5625, 0.25, 1.0, 0.0625, 0.015625, 0.140625]
    assert [stage.score for stage in stages] == [stage.state**2 / 2 for stage in stages]
    assert [stage.spent for stage in stages] == [2, 4, 6, 8, 10, 12]
    assert [stage.units for stage in stages] == [2, 2, 2, 4, 4, 4]
    assert [stage.number for stage in stages] == [0, 1, 2, 0, 1, 2]
    assert [stage.round for stage in stages] == [0, 0, 0, 1, 1, 1]
    assert [stage.setting["rate"] for stage in leaders(stages)] == [0.5, 0.75]


def test_panda_keeps_what_is_equal_and_ends_when_all_fail():
    nurse = OneAtATime({"rate": Uniform(0, 2)})
    stages = list(panda(lambda setting, state, budget: (1.0, None), {"rate": 1.0}, nurse, 3))
    assert [stage.setting["rate"] for stage in leaders(stages)] == [1.0] * 3
    assert [stage.spent for stage in leaders(stages)] == [1, 4, 7]
    stages = list(panda(lambda setting, state, budget: (math.nan, None), {"rate": 1.0}, nurse, 3))
    assert [stage.round for stage in stages] == [0, 0, 0] and leaders(stages) == []
    assert list(panda(descend_square, {"rate": 1.0}, nurse, 0)) == []
    assert list(panda(descend_square, {"rate": 1.0}, lambda *_: [], 3)) == []


def test_panda_on_threads_keeps_the_same():
    nurse = OneAtATime({"rate": LogUniform(1e-3, 2)})
    here = leaders(panda(descend_square, {"rate": 0.01}, nurse, 20))
    with ThreadPoolExecutor(3) as executor:
        there = leaders(panda(descend_square, {"rate": 0.01}, nurse, 20, executor=executor))
    without_spent = [stage._replace(spent=0) for stage in here]
    assert without_spent == [stage._replace(spent=0) for stage in there]
    assert here[-1].score < 1e-6 and here[-1].setting["rate"] > 0.5


def test_a_nurse_takes_the_hyperparameters_in_turn():
    space = {
        "k": Integer(1, 100),
        "act": Choice(["a", "b", "c"]),
        "rate": Uniform(0, 1),
        "log": LogUniform(1, 16),
    }
    nurse, now = OneAtATime(space, step=0.25), {"k": 1, "act": "b", "rate": 0.875, "log": 4.0, "more": 7}
    assert [tried["k"] for tried in nurse(now, 0)] == [1, 26]  # 0.005 + 0.25: x = 0.5 + 25.5, floor(26.5)
    assert [tried["act"] for tried in nurse(now, 1)] == ["b", "a", "c"]
    assert [tried["rate"] for tried in nurse(now, 2)] == [0.875, 1.0, 0.625]
    assert [tried["log"] for tried in nurse(now, 3)] == pytest.approx([4, 8, 2])
    assert [tried["k"] for tried in nurse(now, 4)] == [1, 26]
    assert all(tried["more"] == 7 and tried["rate"] == 0.875 for tried in nurse(now, 1))
    assert [tried["rate"] for tried in nurse({**now, "rate": 0.0}, 2)] == [0.0, 0.25]
    # a whole number changes by 1 at least, and stays inside
    small = OneAtATime({"k": Integer(1, 10)}, step=0.01)
    assert [[tried["k"] for tried in small({"k": k}, 0)] for k in (1, 5, 10)] == [[1, 2], [5, 6, 4], [10, 9]]
    assert OneAtATime(space).step == 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: OneAtATime({"x": 3}), "space must map names"),
        (lambda: OneAtATime(PLANE, 0), "step must be a number in"),
        (
            lambda: OneAtATime(PLANE)({"x": 0.5}, 1),
            "setting must be a dict with a value for each of 'x', 'y'",
        ),
        (
            lambda: OneAtATime(PLANE)({"x": 5, "y": 1}, 0),
            "setting must be inside of the space; got .*: value",
        ),
        (lambda: OneAtATime(PLANE)(None, 0), "setting must be a dict"),
        (lambda: OneAtATime(PLANE)({"x": 0.5, "y": 1}, -1), "round must be an integer"),
        (
            lambda: panda(None, {}, max, 1),
            r"advance must be a function that returns \(score, state\); got None",
        ),
        (lambda: panda(max, {}, None, 1), "nurse must be a function that returns the settings to try"),
        (lambda: panda(max, 3, max, 1), "setting must hold dicts"),
        (lambda: panda(max, {}, max, -1), r"rounds must be an integer in \[0, inf\)"),
        (lambda: panda(max, {}, max, 1, 0), r"budget must be an integer in \[1, inf\)"),
        (lambda: panda(max, {}, max, 1, executor=3), "executor must be"),
        (
            lambda: next(panda(max, {}, lambda *_: 3, 1)),
            "nurse must be a list or another iterable of dicts.*got 3",
        ),
        (lambda: caviar(None, [], 1), "advance must be a function"),
        (lambda: caviar(max, [3], 1), "settings must hold dicts"),
        (lambda: caviar(max, [], 0), r"budget must be an integer in \[1, inf\)"),
        (lambda: caviar(max, [], 1, in_flight=0), "in_flight must be"),
        (lambda: successive_halving(None, [{}]), "advance must be a function"),
        (lambda: successive_halving(max, []), "settings must hold at least one setting; got none"),
        (lambda: successive_halving(max, [{}], 0), "budget must be an integer"),
        (lambda: successive_halving(max, [{}], 1, 1), r"eta must be an integer in \[2, inf\); got 1"),
        (lambda: successive_halving(max, [{}], executor=3), "executor must be"),
        (lambda: halving_rungs(0), r"n must be an integer in \[1, inf\)"),
        (lambda: halving_rungs(3, True), "budget must be an integer"),
    ],
)
def test_errors_of_strategies_come_at_once(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_32_are_in_flight_unless_told_otherwise():
    many = [{"x": x} for x in range(1, 41)]
    for start in (
        lambda executor: search(squared, many, executor=executor),
        lambda executor: caviar(counted, many, 1, executor=executor),
        lambda executor: successive_halving(counted, many, executor=executor),
        lambda executor: panda(counted, {}, lambda *_: many, 1, executor=executor),
    ):
        executor = ByHand(ends=[1])
        next(start(executor))
        assert len(executor.futures) == 33  # one ended, 32 are under way

import json
import math
import multiprocessing
import os
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from scipy import stats

from dlhelpers import hyperparameter_search as module
from dlhelpers.hyperparameter_search import (
    Choice,
    Integer,
    LogUniform,
    OneAtATime,
    OneMinusLogUniform,
    Rung,
    Stage,
    Trial,
    Uniform,
    best,
    caviar,
    distinct,
    grid,
    halving_rungs,
    latin_hypercube,
    leaders,
    load_trials,
    panda,
    random_settings,
    recorded,
    save_trials,
    search,
    successive_halving,
    zoom,
)

units = st.floats(0, 1)


# -------------------------------------------------------------------------------------------- spaces


@st.composite
def real_spaces(draw):
    kind = draw(st.sampled_from([Uniform, LogUniform, OneMinusLogUniform]))
    if kind is Uniform:
        low = draw(st.floats(-1e6, 1e6))
        return Uniform(low, low + draw(st.floats(1e-3, 1e6)))
    if kind is LogUniform:
        low = draw(st.floats(1e-12, 1e6))
        return LogUniform(low, low * draw(st.floats(1.01, 1e9)))
    low = draw(st.floats(0, 0.999))
    return OneMinusLogUniform(low, 1 - (1 - low) * draw(st.floats(1e-4, 0.9)))


@given_settings(deadline=None)
@given(real_spaces(), units)
def test_reals_are_in_bounds_have_exact_ends_and_come_back(space, u):
    value = space.from_unit(u)
    assert type(value) is float and space.low <= value <= space.high
    assert space.to_unit(value) == pytest.approx(u, abs=1e-6)
    assert (space.from_unit(0), space.from_unit(1)) == (space.low, space.high)
    assert (space.to_unit(space.low), space.to_unit(space.high)) == (0.0, 1.0)
    assert space.grid(2) == [space.low, space.high]


@given_settings(deadline=None)
@given(st.integers(1, 10**9), st.integers(0, 10**9), st.booleans(), units)
def test_integers_are_in_bounds_have_exact_ends_and_come_back(low, more, log, u):
    space = Integer(low, low + more, log)
    value = space.from_unit(u)
    assert type(value) is int and low <= value <= low + more
    assert space.from_unit(space.to_unit(value)) == value
    assert (space.from_unit(0), space.from_unit(1)) == (low, low + more)


@given_settings(deadline=None)
@given(st.lists(st.none() | st.booleans() | st.integers() | st.text(), min_size=1, unique_by=repr), units)
def test_choices_come_back(options, u):
    space = Choice(options)
    value = space.from_unit(u)
    assert space.from_unit(space.to_unit(value)) is value
    assert space.grid(len(options)) == options
    assert space.from_unit(0) is options[0] and space.from_unit(1) is options[-1]


def test_values_by_hand():
    assert Uniform(-2, 6).from_unit(0.25) == 0.0  # 0.75 * -2 + 0.25 * 6
    assert Uniform(-2, 6).to_unit(4.0) == 0.75  # (4 + 2) / (6 + 2)
    assert LogUniform(1e-4, 1e2).from_unit(0.5) == pytest.approx(0.1)  # r = -1
    assert LogUniform(1e-4, 1e2).to_unit(1.0) == pytest.approx(2 / 3)  # (0 + 4) / (2 + 4)
    assert OneMinusLogUniform(0.9, 0.9999).from_unit(1 / 3) == pytest.approx(0.99)  # r = -2
    assert OneMinusLogUniform(0.9, 0.9999).to_unit(0.999) == pytest.approx(2 / 3)
    # 3 ... 6 are four numbers, each a quarter: x = 2.5 + 4 u, and 5 stands at (5 - 2.5) / 4
    assert [Integer(3, 6).from_unit(u) for u in (0, 0.24, 0.26, 0.51, 0.76, 1)] == [3, 3, 4, 5, 6, 6]
    assert Integer(3, 6).to_unit(5) == 0.625
    # log: 1 has the share log(1.5 / 0.5) / log(4.5 / 0.5) = 1 / 2
    assert [Integer(1, 4, log=True).from_unit(u) for u in (0.49, 0.51)] == [1, 2]
    # three options, each a third; "c" stands at 2.5 / 3
    assert [Choice(("a", "b", "c")).from_unit(u) for u in (0.33, 0.34, 0.66, 0.67)] == list("abbc")
    assert Choice(("a", "b", "c")).to_unit("c") == 2.5 / 3


def test_grids_by_hand():
    assert Uniform(0, 8).grid(1) == [4.0]
    assert Uniform(0, 8).grid(np.int64(5)) == [0.0, 2.0, 4.0, 6.0, 8.0]
    np.testing.assert_allclose(LogUniform(1e-3, 10).grid(5), [1e-3, 1e-2, 1e-1, 1, 10])
    np.testing.assert_allclose(OneMinusLogUniform(0, 0.99).grid(3), [0, 0.9, 0.99])
    assert Integer(2, 4).grid(10) == [2, 3, 4]
    assert Choice(("a", "b", "c", "d")).grid(3) == ["a", "c", "d"]
    assert Choice((1, True, 1.0)).grid(3) == [1, True, 1.0]


def test_numbers_of_numpy_become_pythons():
    assert Uniform(np.float32(0.5), np.array(2)) == Uniform(0.5, 2.0)
    assert type(Uniform(0, 1).low) is float and type(Integer(np.int8(1), np.uint8(3)).high) is int
    assert type(Integer(np.int8(1), 3).low) is int
    assert Integer(1, 3, np.True_).log is True
    space = Choice([np.int64(3), [np.float32(0.5), 2]])
    assert space.options == (3, (0.5, 2)) and type(space.options[0]) is int
    assert space.to_unit(np.int64(3)) == 0.25
    assert space.to_unit([0.5, 2]) == 0.75


def test_log_scales_are_uniform_in_the_exponent(rng):
    alpha = [setting["x"] for setting in random_settings({"x": LogUniform(1e-4, 1)}, 2000, rng)]
    beta = [setting["x"] for setting in random_settings({"x": OneMinusLogUniform(0.9, 0.999)}, 2000, rng)]
    assert stats.kstest(np.log10(alpha), stats.uniform(-4, 4).cdf).pvalue > 0.01
    assert stats.kstest(np.log10(1 - np.array(beta)), stats.uniform(-3, 2).cdf).pvalue > 0.01
    assert stats.kstest(alpha, stats.uniform(0, 1).cdf).pvalue < 1e-9


def test_whole_numbers_are_equally_likely(rng):
    counts = np.bincount([s["k"] for s in random_settings({"k": Integer(0, 4)}, 2000, rng)])
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Uniform(1, 1), r"low must be below high; got low 1\.0"),
        (lambda: Uniform(0, math.inf), "high must be a number in"),
        (lambda: Uniform("0", 1), "low must be a number in .*; got '0'"),
        (lambda: Uniform(np.zeros(2), 1), "low must be a number in"),
        (lambda: LogUniform(0, 1), "low must be a number in .*Give values, not exponents"),
        (lambda: LogUniform(-4, -1), "low must be a number in"),
        (lambda: LogUniform(1e-5, np.nextafter(1e-5, 1)), "low must be below high"),
        (lambda: OneMinusLogUniform(0.9, 1), "high must be a number in .*Give values of beta"),
        (lambda: OneMinusLogUniform(0.99, 0.9), "low must be below high"),
        (lambda: OneMinusLogUniform(-3, -1), "low must be a number in"),
        (lambda: Integer(2, 1), r"high must be an integer in \[2, 1e12\]; got 1. low is 2"),
        (lambda: Integer(0, 3, log=True), "low must be an integer in .* A log scale begins at 1"),
        (lambda: Integer(0.5, 3), "low must be an integer"),
        (lambda: Integer(0, 3, log=1), "log must be True or False; got 1"),
        (lambda: Choice([]), "options must be a list or tuple of at least one"),
        (lambda: Choice("ab"), "options must be a list"),
        (lambda: Choice([1, 2, 1]), "options must differ"),
        (lambda: Choice([1, math.nan]), "options must be finite numbers.*got nan"),
        (lambda: Choice([(1, max)]), "options must be finite numbers.*take its name"),
        (lambda: Choice([1]).to_unit(2), "value must be one of 1; got 2"),
        (lambda: Choice([1]).from_unit(1.1), "u must be a number in"),
        (lambda: Uniform(0, 1).from_unit(-0.1), "u must be a number in"),
        (lambda: LogUniform(1, 2).from_unit(math.nan), "u must be a number in"),
        (lambda: OneMinusLogUniform(0, 0.5).from_unit(None), "u must be a number in"),
        (lambda: Uniform(0, 1).to_unit(2), r"value must be a number in \[0.0, 1.0\]; got 2"),
        (lambda: LogUniform(1, 2).to_unit(0.5), "value must be a number in"),
        (lambda: OneMinusLogUniform(0, 0.5).to_unit(0.6), "value must be a number in"),
        (lambda: Integer(1, 5).to_unit(2.0), r"value must be an integer in \[1, 5\]; got 2.0"),
        (lambda: Uniform(0, 1).grid(0), r"n must be an integer in \[1, 1000000\]"),
    ],
)
def test_errors_of_spaces(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_widest_spaces():
    assert Uniform(-1e300, 1e300).from_unit(0.5) == 0.0
    assert LogUniform(5e-324, 1e300).from_unit(1) == 1e300
    assert Integer(-(10**12), 10**12).from_unit(0.5) == 0
    assert (
        Integer(1, 10**12, log=True).from_unit(Integer(1, 10**12, log=True).to_unit(10**12 - 1)) == 10**12 - 1
    )
    assert Integer(1, 1, log=True).from_unit(0.5) == 1
    assert OneMinusLogUniform(0, 1 - 2**-53).from_unit(1) == 1 - 2**-53


# ----------------------------------------------------------------------------------------- proposals

PLANE = {"x": Uniform(0, 1), "y": LogUniform(0.01, 1)}


def test_grid_has_every_combination(monkeypatch):
    settings = grid({"x": Uniform(0, 1), "act": Choice(["tanh", "relu", "sin"]), "k": Integer(1, 2)}, 3)
    assert len(settings) == 3 * 3 * 2
    assert settings[1] == {"x": 0.0, "act": "tanh", "k": 2}
    assert settings[2] == {"x": 0.0, "act": "relu", "k": 1}
    assert len(grid(PLANE, {"y": 5, "x": 4})) == 20
    with pytest.raises(
        ValueError, match=r"n must give at most 1000000 settings; got 101, which gives 1030301"
    ):
        grid(dict.fromkeys("abc", Uniform(0, 1)), 101)
    monkeypatch.setattr(module, "MOST_SETTINGS", 20)
    assert len(grid(PLANE, {"y": 5, "x": 4})) == 20
    with pytest.raises(
        ValueError, match=r"n must give at most 20 settings; got \{'x': 7, 'y': 3\}, which gives 21"
    ):
        grid(PLANE, {"x": 7, "y": 3})
    with pytest.raises(ValueError, match="n must have the names of space, 'x', 'y'; got"):
        grid(PLANE, {"x": 4})
    with pytest.raises(ValueError, match="n must be an integer"):
        grid(PLANE, 2.5)


def test_random_settings_are_the_seeds_and_a_longer_list_begins_with_the_shorter():
    short = random_settings(PLANE, 3, np.random.default_rng(1))
    assert random_settings(PLANE, 5, np.random.default_rng(1))[:3] == short
    u = np.random.default_rng(1).random(6)
    assert short[1] == {"x": u[2], "y": LogUniform(0.01, 1).from_unit(u[3])}
    assert random_settings(PLANE, 0, np.random.default_rng(1)) == []


@pytest.mark.parametrize("trials", [0, 1, 7, 50])
def test_latin_hypercube_has_one_point_in_each_slice_of_each_axis(trials, rng):
    settings = latin_hypercube(PLANE, trials, rng)
    for name, space in PLANE.items():
        places = [space.to_unit(setting[name]) * trials for setting in settings]
        assert sorted(math.floor(place) for place in places) == list(range(trials))
    if trials == 50:
        x, y = ([space.to_unit(s[name]) for s in settings] for name, space in PLANE.items())
        assert abs(np.corrcoef(x, y)[0, 1]) < 0.4  # the axes have different orders
        inside = np.array(x) * trials % 1
        assert inside.std() > 0.2  # and the points are not in the middle of their slices


@pytest.mark.parametrize("propose", [random_settings, latin_hypercube])
def test_errors_of_random_proposals(propose, rng):
    with pytest.raises(ValueError, match=r"rng must be a numpy.random.Generator"):
        propose(PLANE, 3, 0)
    with pytest.raises(ValueError, match=r"trials must be an integer in \[0, 1000000\]; got -1"):
        propose(PLANE, -1, rng)
    with pytest.raises(ValueError, match=r"space must map names to spaces; got {}"):
        propose({}, 3, rng)
    with pytest.raises(ValueError, match=r"space must map names to Uniform, .*; got 0.1 for 'x'"):
        propose({"x": 0.1}, 3, rng)
    with pytest.raises(ValueError, match=r"space must map names .* for 3"):
        propose({3: Uniform(0, 1)}, 3, rng)


def trials_of(*pairs):
    return [Trial(number, setting, score) for number, (setting, score) in enumerate(pairs)]


def test_zoom_by_hand():
    space = {
        "x": Uniform(0, 10),
        "rate": LogUniform(1e-4, 1),
        "k": Integer(1, 10),
        "act": Choice(["tanh", "relu", "sin"]),
    }
    trials = trials_of(
        ({"x": 2.0, "rate": 1e-2, "k": 4, "act": "sin"}, 0.2),
        ({"x": 9.0, "rate": 1.0, "k": 9, "act": "relu"}, 0.9),
        ({"x": 5.0, "rate": 1e-1, "k": 2, "act": "tanh"}, 0.1),
        ({"x": 9.0, "rate": 1.0, "k": 9, "act": "relu"}, math.nan),
    )
    small = zoom(space, trials, keep=2, margin=0.25)
    # u: x 0.2 ... 0.5 -> 0 (cut off) ... 0.75; rate 0.5 ... 0.75 -> 0.25 ... 1
    # k: 0.15 ... 0.35 -> 0 ... 0.6: x = 0.5 + 0.6 * 10 = 6.5, a little less in floats or 7
    assert small["x"] == Uniform(0, 7.5)
    assert small["rate"].low == pytest.approx(1e-3) and small["rate"].high == 1.0
    assert small["k"].low == 1 and small["k"].high in (6, 7)
    assert small["act"] == Choice(["tanh", "sin"])
    one = zoom(space, trials, keep=1, margin=0.1)
    assert (one["x"].low, one["x"].high) == (pytest.approx(4.0), pytest.approx(6.0))
    assert one["act"] == Choice(["tanh"])
    assert zoom({"k": Integer(1, 100)}, trials, keep=1, margin=1e-3) == {"k": Integer(2, 2)}
    assert zoom({"k": Integer(1, 10, log=True)}, trials, keep=1, margin=1e-3)["k"].log
    assert zoom(space, trials, margin=1.0) == space
    default = zoom(space, trials[:3] * 2)  # keeps 5 of 6: the one left out is the second with score 0.9
    assert default["x"] == Uniform(Uniform(0, 10).from_unit(0.2 - 0.1), 10)


def test_zoom_keeps_five_and_adds_a_tenth():
    trials = trials_of(*(({"x": float(i)}, i) for i in range(2, 9)))
    small = zoom({"x": Uniform(0, 10)}, trials)["x"]
    assert (small.low, small.high) == (pytest.approx(1.0), pytest.approx(7.0))


@given_settings(deadline=None)
@given(st.lists(st.tuples(units, units), min_size=1, max_size=8), st.floats(1e-6, 1), st.integers(1, 9))
def test_zoom_stays_inside_and_holds_the_best(places, margin, keep):
    space = {
        "rate": LogUniform(1e-5, 10),
        "beta": OneMinusLogUniform(0.5, 0.999),
        "k": Integer(1, 64, log=True),
    }
    pairs = [(module._from_units(space, np.array([[a, b, a]]))[0], b) for a, b in places]
    small = zoom(space, trials_of(*pairs), keep, margin)
    for name, each in small.items():
        assert space[name].low <= each.low <= each.high <= space[name].high
        for trial in best(trials_of(*pairs), keep):
            slack = 1e-9
            assert each.low * (1 - slack) <= trial.setting[name] <= each.high * (1 + slack)


def test_zoom_ends_at_neighboring_numbers():
    space = {"x": Uniform(1, np.nextafter(1, 2))}
    assert zoom(space, trials_of(({"x": 1.0}, 0.5)), margin=0.1) == space


def test_errors_of_zoom():
    with pytest.raises(ValueError, match="trials must hold at least one with a score; got 1 without"):
        zoom(PLANE, trials_of(({"x": 0.5, "y": 0.5}, math.nan)))
    with pytest.raises(ValueError, match=r"setting must have a value for 'y'; got \{'x': 0.5\}"):
        zoom(PLANE, trials_of(({"x": 0.5}, 1)))
    with pytest.raises(ValueError, match="setting must be inside of the space; got for 'x': value must be"):
        zoom(PLANE, trials_of(({"x": 2, "y": 0.5}, 1)))
    for bad in ({"keep": 0}, {"margin": 0}, {"margin": 1.1}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} must be"):
            zoom(PLANE, trials_of(({"x": 0.5, "y": 0.5}, 1)), **bad)


# -------------------------------------------------------------------------------------------- trials


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
        (lambda: best([0.5]), "trials must hold trials as `search` yields them; got 0.5"),
        (lambda: best(None), "trials must be a list or another iterable of trials; got None"),
        (lambda: best(np.array(3.0)), "trials must be a list"),
        (lambda: best({}), "trials must be a list"),
        (lambda: best([Trial(0, {}, "x")]), "trials must hold trials"),
        (lambda: best([Trial(None, {}, 0.5)]), "trials must hold trials"),
        (lambda: best([Trial(0, None, 0.5)]), "trials must hold trials"),
        (lambda: distinct([Trial(0, {"a": 1}, 0.0)], "b"), r"name must be .*; got 'b', they have \['a'\]"),
        (lambda: distinct([], 3), "name must be a hyperparameter"),
        (lambda: leaders([Trial(0, {}, 0.0)]), "stages must hold"),
    ],
)
def test_errors_of_trials(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# -------------------------------------------------------------------------------------------- search


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
    return trial.score, trial.error


def check_trials(trials):
    by_number = {trial.number: trial for trial in trials}
    assert len(trials) == len(by_number) == 11
    assert {n: outcome(by_number[n]) for n in EXPECTED} == EXPECTED
    assert by_number[10].error.startswith("ValueError: score must be a number")
    assert [by_number[n].setting for n in range(11)] == SETTINGS  # though the objective pops
    assert by_number[5].info == {"train": 7} and by_number[9].info == {"train": 1}
    assert by_number[7].info == {}
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
        assert math.isnan(lost.score) and "(raised by the executor" in lost.error
        dying = search(die, SETTINGS, executor=executor, in_flight=2)
        failed = [next(dying), next(dying)]
        assert all(trial.error.startswith("BrokenProcessPool: ") for trial in failed)
        with pytest.raises(RuntimeError, match=r"executor takes no more trials .*; 9 were not run"):
            next(dying)


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
        ((squared, {"x": 1}), "settings must be a list or another iterable of settings"),
        ((squared, "x"), "settings must be a list"),
        ((squared, [3]), "settings must hold dicts from names to values; got 3"),
        ((squared, [{3: 1}]), "settings must hold dicts"),
    ],
)
def test_errors_of_search_come_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        search(*arguments)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"executor": 4}, "executor must be a concurrent.futures.Executor or None; got 4"),
        ({"in_flight": 0}, r"in_flight must be an integer in \[1, inf\); got 0"),
        ({"done": [{"x": 1}]}, "done must hold trials"),
        ({"done": [Stage(0, 0, {}, 0.0, "", 1, 1, None)]}, "done must hold trials"),
    ],
)
def test_errors_of_options_come_at_once(option, message):
    with pytest.raises(ValueError, match=message):
        search(squared, SETTINGS, **option)


# --------------------------------------------------------------------------------------------- files


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
    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)
    save_trials(path, iter(trials[:1]))
    assert load_trials(path) == trials[:1]
    save_trials(path, [])
    assert load_trials(path) == []
    save_trials(path, [Trial(0, {"a": np.int64(3)}, np.float64(0.5), info={"c": np.array([1.0, math.inf])})])
    assert load_trials(path) == [Trial(0, {"a": 3}, 0.5, info={"c": [1.0, math.inf]})]


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
        (b"[]\n", r"it must be an object with number, setting, score, error, seconds, info; got \[\]"),
        (line()[:-1], "it is cut off"),
        (line(info="absent"), "it must be an object"),
        (line(more=1), "it must be an object"),
        (line(number=-1), "number must be an integer"),
        (line(setting=[1]), "setting must be of type dict"),
        (line(info=3), "info must be of type dict"),
        (line(error=3), "error must be of type str"),
        (line(score=None), "score must be a number.*; got None. Only a trial with an error has null"),
        (line(score=math.inf), "score must be a number"),
        (line(score=10**400), "score must be a number"),
        (line(seconds=-1), "seconds must be a number"),
    ],
)
def test_a_corrupt_line_is_named(tmp_path, bad, reason):
    path = tmp_path / "trials.jsonl"
    path.write_bytes(line() + line(number=1) + bad)
    for read in (load_trials, lambda path: recorded(path, [])):
        with pytest.raises(
            ValueError, match=rf"path must hold one trial a line; .* line 3 is none: .*{reason}"
        ):
            read(path)


def test_errors_of_files(tmp_path):
    for call in (load_trials, lambda path: save_trials(path, []), lambda path: recorded(path, [])):
        for bad in (None, 3, ""):
            with pytest.raises(ValueError, match=r"path must be the name of a file; got"):
                call(bad)
        with pytest.raises(ValueError, match=r"path must be a file that can be opened; got .*Is a directory"):
            call(tmp_path)
    with pytest.raises(ValueError, match=r"path must be .*absent.*FileNotFoundError"):
        load_trials(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"path must be .*null byte"):
        next(recorded("a\0b", [Trial(0, {}, 0.5)]))
    with pytest.raises(ValueError, match=r"path must be .*FileNotFoundError"):
        next(recorded(tmp_path / "absent" / "x", [Trial(0, {}, 0.5)]))
    with pytest.raises(ValueError, match="trials must be an iterable of Trial; got None"):
        recorded(tmp_path / "x", None)
    with pytest.raises(ValueError, match="trials must be an iterable"):
        recorded(tmp_path / "x", "trials")
    with pytest.raises(ValueError, match="trials must hold trials"):
        next(recorded(tmp_path / "x", [3]))
    save_trials(tmp_path / "kept", [Trial(0, {}, 0.5)])
    for bad in ({"f": max}, {"f": {(1,): 2}}):
        with pytest.raises(ValueError, match=r"trials must hold what JSON can: .*: trial 4"):
            save_trials(tmp_path / "kept", [Trial(0, {}, 0.5), Trial(4, bad, 0.5)])
    assert len(load_trials(tmp_path / "kept")) == 1  # not replaced by half a file


# ---------------------------------------------------------------------------------------- strategies


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
        (lambda: OneAtATime(PLANE)({"x": 0.5}, 1), "setting must have a value for 'y'"),
        (lambda: OneAtATime(PLANE)({"x": 5}, 0), "setting must be inside of the space; got for 'x'"),
        (lambda: OneAtATime(PLANE)(None, 0), "setting must hold dicts"),
        (lambda: OneAtATime(PLANE)({"x": 0.5}, -1), "round must be an integer"),
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
            r"nurse must return .*got ValueError: settings must be a list.*; got 3\. in round 0",
        ),
        (
            lambda: next(panda(max, {}, lambda: [], 1)),
            r"nurse must return the settings to try; got TypeError: ",
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


def test_one_trial_of_a_latin_hypercube_may_be_anywhere(rng):
    values = [latin_hypercube({"x": Uniform(0, 1)}, 1, rng)[0]["x"] for _ in range(50)]
    assert min(values) < 0.2 and max(values) > 0.8


def test_a_trial_made_by_hand_took_no_time_and_did_not_fail():
    assert Trial(0, {}, 0.5) == (0, {}, 0.5, "", 0.0, {})

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from scipy import stats

from dlhelpers import search_spaces as module
from dlhelpers.search_spaces import (
    Choice,
    Integer,
    LogUniform,
    OneMinusLogUniform,
    Uniform,
    grid,
    latin_hypercube,
    places,
    random_settings,
    zoom,
)
from dlhelpers.trials import Trial, best

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
        (lambda: OneMinusLogUniform(0, 1e-17), "low must be below high"),
        (lambda: OneMinusLogUniform(-3, -1), "low must be a number in"),
        (lambda: Integer(2, 1), r"high must be an integer in \[2, 1e12\]; got 1. low is 2"),
        (lambda: Integer(0, 3, log=True), "low must be an integer in .* A log scale begins at 1"),
        (lambda: Integer(0.5, 3), "low must be an integer"),
        (lambda: Integer(0, 3, log=1), "log must be True or False; got 1"),
        (lambda: Choice([]), "options must be a list or tuple of at least one"),
        (lambda: Choice("ab"), "options must be a list"),
        (lambda: Choice([1, 2, 1]), "options must differ"),
        (lambda: Choice([1, math.nan]), r"options must be finite numbers.*got \(1, nan\)"),
        (lambda: Choice([(1, max)]), "options must be finite numbers.*take its name"),
        (lambda: Choice([{1}]), "options must be finite numbers.*tuples of those; got"),
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
    assert OneMinusLogUniform(0, 1e-16).to_unit(1e-16) == 1  # 1 - 1e-16 is a float below 1; 1 - 1e-17 is 1


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
        scaled = [space.to_unit(setting[name]) * trials for setting in settings]
        assert sorted(map(math.floor, scaled)) == list(range(trials))
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
    with pytest.raises(ValueError, match=r"space must map names to spaces; got \['x'\]"):
        propose(["x"], 3, rng)
    with pytest.raises(ValueError, match=r"space must map names to Uniform, .*; got 0.1 for 'x'"):
        propose({"x": 0.1}, 3, rng)
    with pytest.raises(ValueError, match=r"space must map names .* for 3"):
        propose({3: Uniform(0, 1)}, 3, rng)


def trials_of(*pairs):
    return [Trial(number, setting, score) for number, (setting, score) in enumerate(pairs)]


def test_places_by_hand():
    # (0.3 - 0) / (1 - 0), and (-1 - -2) / (0 - -2); what the space does not name is left out
    assert places(PLANE, {"y": 0.1, "z": 9, "x": 0.3}) == {"x": 0.3, "y": 0.5}
    with pytest.raises(ValueError, match="setting must be a dict with a value for each of 'x', 'y'; got 3"):
        places(PLANE, 3)


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
def test_zoom_stays_inside_and_holds_the_best(pairs, margin, keep):
    space = {
        "rate": LogUniform(1e-5, 10),
        "beta": OneMinusLogUniform(0.5, 0.999),
        "k": Integer(1, 64, log=True),
    }
    pairs = [(module._from_units(space, np.array([[a, b, a]]))[0], b) for a, b in pairs]
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
    with pytest.raises(ValueError, match="trials must hold at least one with a score; got none"):
        zoom(PLANE, trials_of(({"x": 0.5, "y": 0.5}, math.nan)))
    with pytest.raises(
        ValueError, match=r"setting must be a dict with a value for each of 'x', 'y'; got \{'x': 0.5\}"
    ):
        zoom(PLANE, trials_of(({"x": 0.5}, 1)))
    with pytest.raises(ValueError, match=r"setting must be inside of the space; got \{.*\}: value must be"):
        zoom(PLANE, trials_of(({"x": 2, "y": 0.5}, 1)))
    for bad in ({"keep": 0}, {"margin": 0}, {"margin": 1.1}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} must be"):
            zoom(PLANE, trials_of(({"x": 0.5, "y": 0.5}, 1)), **bad)


# -------------------------------------------------------------------------------------------- trials


def test_one_trial_of_a_latin_hypercube_may_be_anywhere(rng):
    values = [latin_hypercube({"x": Uniform(0, 1)}, 1, rng)[0]["x"] for _ in range(50)]
    assert min(values) < 0.2 and max(values) > 0.8

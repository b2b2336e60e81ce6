import math
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    Delayed,
    Exponential,
    InverseSqrt,
    InverseTime,
    Linear,
    PerEpoch,
    Staircase,
    Table,
    WarmUp,
    noise_floor,
)
from dlhelpers.training import descend

ALL = [
    Constant(0.2),
    InverseTime(0.2, 0.5),
    Exponential(0.2),
    InverseSqrt(0.2, 1.5),
    Staircase(0.2, 0.25, 3),
    Table({0: 0.1, 10: 0.01}),
    Cosine(0.2, 12, 0.02),
    WarmUp(Exponential(0.2), 5),
    PerEpoch(Exponential(0.2), 4),
    Linear(0.2, 30),
    Delayed(Exponential(0.2), 5),
]
DECAYING = ALL[:7] + ALL[8:]


def rates(schedule, steps):
    return [schedule(t) for t in range(steps)]


# One case each, by hand -----------------------------------------------------------------------------


def test_constant():
    assert rates(Constant(0.3), 3) == [0.3, 0.3, 0.3]


def test_inverse_time():
    # 0.6 / (1 + 0.5 t): 0.6 / 1, 0.6 / 1.5, 0.6 / 2, 0.6 / 2.5
    assert rates(InverseTime(0.6, 0.5), 4) == pytest.approx([0.6, 0.4, 0.3, 0.24])


def test_exponential():
    # 0.8 * 0.25^t, and by default 0.95^t
    assert rates(Exponential(0.8, 0.25), 3) == pytest.approx([0.8, 0.2, 0.05])
    assert rates(Exponential(2.0), 3) == pytest.approx([2, 1.9, 1.805])


def test_inverse_sqrt():
    # 3 / sqrt(t + 1) * 0.2: at t = 0, 3, 8, that is 0.6 / 1, 0.6 / 2, 0.6 / 3
    assert [InverseSqrt(0.2, 3.0)(t) for t in (0, 3, 8)] == pytest.approx([0.6, 0.3, 0.2])
    assert InverseSqrt(0.2)(0) == 0.2


def test_staircase():
    # 0.9 * (1/3)^(t // 2), and by default a half every 10 steps
    assert rates(Staircase(0.9, 1 / 3, 2), 5) == pytest.approx([0.9, 0.9, 0.3, 0.3, 0.1])
    assert [Staircase(0.8)(t) for t in (0, 9, 10, 19, 20)] == [0.8, 0.8, 0.4, 0.4, 0.2]


def test_table():
    schedule = Table({10: 0.01, 0: 0.1, 3: 0.5})  # in any order
    assert [schedule(t) for t in (0, 2, 3, 9, 10, 99)] == [0.1, 0.1, 0.5, 0.5, 0.01, 0.01]


def test_cosine():
    # 0.2 + (1 + cos(pi t / 6)) / 2 * (1.0 - 0.2) at t = 0, 2, 3, 4, 6: cos = 1, 1/2, 0, -1/2, -1
    # 0.2 + 0.8, 0.2 + 0.75 * 0.8, 0.2 + 0.4, 0.2 + 0.25 * 0.8, 0.2
    schedule = Cosine(1.0, 6, 0.2)
    assert [schedule(t) for t in (0, 2, 3, 4)] == pytest.approx([1.0, 0.8, 0.6, 0.4])
    assert schedule(6) == schedule(7) == schedule(12) == 0.2
    assert Cosine(0.5, 3)(3) == 0


def test_warm_up_of_a_constant_is_linear():
    # 0.8 / 4, 2 * 0.8 / 4, ...
    assert rates(WarmUp(Constant(0.8), 4), 6) == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8])


def test_warm_up_does_not_shift_the_schedule():
    schedule = Exponential(0.8, 0.5)
    # (1/2) * 0.8, then as without warm-up: 0.4, 0.2, ...
    assert rates(WarmUp(schedule, 2), 4) == pytest.approx([0.4, 0.4, 0.2, 0.1])
    assert rates(WarmUp(schedule, 1), 5) == rates(schedule, 5)


def test_per_epoch_counts_epochs():
    schedule = PerEpoch(InverseTime(0.6, 1.0), 3)
    assert rates(schedule, 7) == pytest.approx([0.6] * 3 + [0.3] * 3 + [0.2])


# What holds for all ---------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_a_schedule_is_a_value(schedule):
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert replace(schedule) == schedule
    assert schedule != Constant(0.123)
    with pytest.raises(FrozenInstanceError):
        setattr(schedule, fields(schedule)[0].name, 0.5)
    assert schedule(np.int64(0)) == schedule(0)
    assert type(schedule(3)) is float
    assert type(schedule(np.int64(3))) is float  # so that float32 stays float32
    assert schedule(np.int64(3)) == schedule(3)


def test_numbers_become_python_floats():
    for one in (1, np.int8(1), np.float16(1), np.float64(1)):
        for schedule in (
            Constant(one),
            InverseTime(one, one),
            Exponential(one, one),
            InverseSqrt(one, one),
            Staircase(one, one),
            Table({0: one}),
            Cosine(one, 10**6, one),
        ):
            assert type(schedule(10**5)) is float


@given(t=st.integers(0, 10**18))
@settings(max_examples=30, deadline=None)
def test_rates_do_not_rise_and_stay_finite(t):
    for schedule in DECAYING:
        assert 0 <= schedule(t) <= schedule(t // 2) <= schedule(0) < 1


def test_each_network_of_a_population_has_its_own_rate():
    first, second = np.array([[0.1], [0.4]]), np.array([[0.5], [0.9]])
    pairs = [
        (Constant(first), [Constant(0.1), Constant(0.4)]),
        (InverseTime(first, second), [InverseTime(0.1, 0.5), InverseTime(0.4, 0.9)]),
        (Exponential(first, second), [Exponential(0.1, 0.5), Exponential(0.4, 0.9)]),
        (InverseSqrt(first, second), [InverseSqrt(0.1, 0.5), InverseSqrt(0.4, 0.9)]),
        (Staircase(first, second, 2), [Staircase(0.1, 0.5, 2), Staircase(0.4, 0.9, 2)]),
        (Table({0: first, 2: second}), [Table({0: 0.1, 2: 0.5}), Table({0: 0.4, 2: 0.9})]),
        (Cosine(second, 5, first), [Cosine(0.5, 5, 0.1), Cosine(0.9, 5, 0.4)]),
        (WarmUp(Constant(first), 3), [WarmUp(Constant(0.1), 3), WarmUp(Constant(0.4), 3)]),
        (PerEpoch(Exponential(first), 2), [PerEpoch(Exponential(0.1), 2), PerEpoch(Exponential(0.4), 2)]),
    ]
    for together, alone in pairs:
        for t in (0, 1, 3, 7):
            np.testing.assert_allclose(together(t), [[each(t)] for each in alone], rtol=1e-14)


def test_a_number_and_an_array_may_be_mixed():
    np.testing.assert_allclose(Exponential(0.8, np.array([[0.5], [0.25]]))(1), [[0.4], [0.2]])


def test_descend_takes_a_schedule():
    line = Batch(np.ones((1, 1)), np.ones((1, 1)))
    schedule = WarmUp(InverseTime(0.1, 1.0), 2)
    run = descend(Network((1, 1)), np.zeros(2), repeat(line), GradientDescent(), schedule)
    assert [step.learning_rate for step in islice(run, 4)] == rates(schedule, 4)


def test_a_table_keeps_its_own_copy():
    mine = {0: 0.1}
    schedule = Table(mine)
    mine[0] = 5.0
    assert schedule(0) == 0.1


def test_limits_are_allowed():
    zero = 0
    for schedule in (
        Constant(zero),
        InverseTime(zero, 1),
        Exponential(zero),
        InverseSqrt(zero),
        Staircase(zero),
    ):
        assert schedule(5) == 0
    assert Cosine(zero, 3)(1) == Table({0: zero})(1) == 0
    assert InverseTime(0.1, 0)(5) == 0.1
    assert Exponential(0.1, 1)(5) == 0.1
    assert Staircase(0.1, 1, 1)(5) == 0.1
    assert Cosine(0.1, 1, 0.1)(0) == 0.1
    assert PerEpoch(Exponential(0.8, 0.5), 1)(2) == 0.2
    assert Constant(0.1)(np.int64(10**18)) == Constant(0.1)(10**18) == 0.1


def test_every_schedule_has_a_name():
    assert set(SCHEDULES.values()) == {type(each) for each in ALL} - {WarmUp, PerEpoch, Delayed}
    assert list(SCHEDULES) == [
        "constant",
        "inverse_time",
        "exponential",
        "inverse_sqrt",
        "staircase",
        "table",
        "cosine",
        "linear",
    ]
    assert all(kind.__name__.lower() == name.replace("_", "") for name, kind in SCHEDULES.items())


def test_linear_and_delayed():
    assert rates(Linear(0.8, 4), 6) == pytest.approx([0.8, 0.6, 0.4, 0.2, 0, 0])
    assert rates(Delayed(Linear(0.8, 2), 3), 7) == pytest.approx([0.8, 0.8, 0.8, 0.8, 0.4, 0, 0])
    assert rates(Delayed(Exponential(0.2), 0), 9) == rates(Exponential(0.2), 9)


# The floor ------------------------------------------------------------------------------------------


def test_the_floor_by_hand():
    # alpha 0.5, sigma 2, B 4: 0.5 * 4 / (2 * 4 * 1.5) = 1 / 6; with h = 2: 0.5 * 4 / (2 * 4 * 1) = 1 / 4
    assert noise_floor(0.5, 2.0, 4) == pytest.approx(1 / 6)
    assert noise_floor(0.5, 2.0, 4, 2.0) == pytest.approx(1 / 4)
    assert noise_floor(2.0, 1.0) == noise_floor(3.0, 1.0) == math.inf
    assert noise_floor(0.0, 1.0) == 0


@pytest.mark.parametrize(("rate", "noise", "batch", "curvature"), [(0.3, 2.0, 4, 1.0), (0.9, 1.0, 1, 1.7)])
def test_the_floor_is_where_a_step_leaves_the_variance_as_it_is(rate, noise, batch, curvature):
    v = 2 * noise_floor(rate, noise, batch, curvature) / curvature
    assert (1 - rate * curvature) ** 2 * v + rate**2 * noise**2 / batch == pytest.approx(v)


# Errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ALL, ids=repr)
@pytest.mark.parametrize(
    "step", [None, "x", -1, 2.5, 2.0, math.nan, True, [1], np.array([1]), 10**18 + 1, 10**400]
)
def test_a_bad_step_is_named(schedule, step):
    with pytest.raises(ValueError, match=r"step must be an integer in .* got .* The first step is 0"):
        schedule(step)


WRONG_RATES = [
    -0.1,
    math.nan,
    math.inf,
    None,
    "x",
    [0.1],
    True,
    np.array([0.1]),
    np.array([[-1.0]]),
    np.array([[1]]),
]


@pytest.mark.parametrize("rate", WRONG_RATES, ids=repr)
@pytest.mark.parametrize(
    "make",
    [
        Constant,
        lambda rate: InverseTime(rate, 1.0),
        Exponential,
        InverseSqrt,
        Staircase,
        lambda rate: Cosine(rate, 10),
    ],
)
def test_a_bad_rate_is_named(make, rate):
    with pytest.raises(ValueError, match=r"^rate must be"):
        make(rate)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: InverseTime(0.1, -1.0), r"decay_rate must be a number in \[0, 1e100\]; got -1.0"),
        (lambda: Exponential(0.1, 0.0), r"base must be a number in \(0, 1\]"),
        (lambda: Exponential(0.1, 1.1), r"base must be a number in \(0, 1\]"),
        (lambda: InverseSqrt(0.1, 0.0), r"k must be a number in \(0, inf\)"),
        (lambda: InverseSqrt(0.1, math.inf), r"k must be a number in \(0, inf\)"),
        (lambda: Staircase(0.1, 0.0), r"factor must be a number in \(0, 1\]"),
        (lambda: Staircase(0.1, 2), r"factor must be a number in \(0, 1\]"),
        (lambda: Staircase(0.1, 0.5, 0), r"every must be an integer in \[1, inf\); got 0. It is the number"),
        (lambda: Cosine(0.1, 0), r"steps must be an integer in \[1, 1e18\]; got 0. It is the number"),
        (lambda: Cosine(0.1, 10**400), "steps must be an integer"),
        (lambda: Cosine(0.1, 10, -0.1), r"lowest must be a number in \[0, inf\)"),
        (lambda: Cosine(0.1, 10, 0.2), r"lowest must not be above rate; got 0.2 and 0.1. .*WarmUp"),
        (lambda: Cosine(np.array([[0.1], [0.3]]), 10, 0.2), "lowest must not be above rate"),
        (lambda: Table({}), r"rates must be a mapping .* begins at step 0; got {}"),
        (lambda: Table({1: 0.1}), "begins at step 0"),
        (lambda: Table([0.1]), "rates must be a mapping"),
        (lambda: Table({0: 0.1, -1: 0.1}), r"each step in rates must be an integer in \[0, inf\); got -1"),
        (lambda: Table({0: 0.1, 2.5: 0.1}), "each step in rates must be an integer"),
        (lambda: Table({0: 0.1, 4: -0.1}), r"rates\[4\] must be a number in \[0, inf\); got -0.1"),
        (
            lambda: Table({0: np.ones((2, 1)), 1: np.ones((3, 1))}),
            r"rates must be for populations of the same size; got arrays for \[2, 3\] networks",
        ),
        (
            lambda: InverseTime(np.ones((2, 1)), np.ones((3, 1))),
            "rate and decay_rate must be for populations of the same size",
        ),
        (lambda: WarmUp(0.1, 3), "schedule must be a function from the step to a rate; got 0.1"),
        (lambda: WarmUp(Constant, 3), "schedule must be a function"),
        (lambda: WarmUp(Constant(0.1), 0), r"steps must be an integer in \[1, inf\); got 0. It is"),
        (lambda: PerEpoch(None, 3), "schedule must be a function"),
        (
            lambda: PerEpoch(Constant(0.1), 0),
            r"steps_per_epoch must be an integer in \[1, inf\); got 0. It is",
        ),
    ],
)
def test_bad_fields_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_table_is_a_mapping():
    with pytest.raises(ValueError, match="rates must"):
        Table([0, 1])

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlhelpers.checks import (
    broadcasts,
    check_array,
    check_choice,
    check_flag,
    check_for_each,
    check_integer,
    check_number,
    check_path,
    check_rng,
    shortened,
    shown,
    told,
)


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("[0, 1]", [0, 1, 0.5], [-1e-9, 1 + 1e-9]),
        ("[0, 1)", [0, 0.0, 1 - 1e-9], [1, 1.0, -1e-9]),
        ("(0, 1]", [1e-300, 1], [0, 0.0, 1 + 1e-9]),
        ("(0, 1)", [1e-300, 1 - 1e-9], [0, 1, 2, -1]),
        ("[1, inf)", [1, 1e308], [0.999, np.inf, -np.inf]),
        ("[1, inf]", [1, np.inf], [0.999]),
        (
            "(-inf, inf)",
            [-1e308, 0, 1e308, 10**307, -(10**307)],
            [np.inf, -np.inf, int(1e308), 2 * 10**308, -(10**400)],
        ),
        ("[-2.5, 3.5]", [-2.5, 3.5], [-2.6, 3.6]),
    ],
)
def test_a_number_is_in_its_interval(interval, inside, outside):
    for value in inside:
        check_number("beta", value, interval)
        check_number("beta", np.array([[float(value)]]), interval)
    for value in [*outside, np.nan]:
        with pytest.raises(ValueError, match="beta must be a number in"):
            check_number("beta", value, interval)
    wrong = [value for value in outside if isinstance(value, float)]
    for value in [*wrong, np.nan]:
        # one wrong number is enough
        with pytest.raises(ValueError, match="beta must be a number in"):
            check_number("beta", np.array([inside[0], value]), interval)


@pytest.mark.parametrize(
    "value", [1, 0.5, np.float32(0.5), np.float64(1), np.int8(1), np.uint8(1), np.array(1), np.ones((2, 3))]
)
def test_numbers_of_every_type_and_arrays_are_accepted(value):
    check_number("beta", value, "(0, 1]")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "x",
        "1",
        True,
        np.True_,
        1j,
        np.complex128(1),
        [1.0],
        (1.0,),
        {},
        object(),
        Decimal(1),
        Fraction(1, 2),
        np.array([True]),
        np.array(["x"]),
        np.array([1j]),
        np.array([None]),
        np.timedelta64(1),
        np.datetime64("2020-01-01"),
        np.ones(0),
    ],
)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match=r"beta must be a number in \[0, 1\]; got "):
        check_number("beta", value, "[0, 1]")


def test_the_message_says_what_is_allowed_what_came_and_what_to_do():
    with pytest.raises(ValueError) as error:
        check_number("beta", 1.5, "[0, 1)", "The usual value is 0.9.")
    assert str(error.value) == "beta must be a number in [0, 1); got 1.5. The usual value is 0.9."
    with pytest.raises(ValueError) as error:
        check_number("beta", 1.5, "[0, 1)", fits=(2, 3))
    assert str(error.value) == (
        "beta must be a number in [0, 1), or an array of them that broadcasts to shape (2, 3); got 1.5."
    )
    with pytest.raises(ValueError) as error:
        check_number("beta", np.ones(2), "[0, 1]", fits=())
    assert str(error.value) == "beta must be a number in [0, 1]; got array([1., 1.])."


def test_an_array_of_numbers_may_be_asked_to_fit():
    for value in (1, np.float64(1), np.array(1.0)):
        check_number("beta", value, "[0, 1]", fits=())
        check_number("beta", value, "[0, 1]", fits=(2, 3))
    check_number("beta", np.ones((2, 1)), "[0, 1]", fits=(2, 3))
    for shape, fits in [((1,), ()), ((1, 1), ()), ((2,), (2, 3)), ((1, 2, 3), (2, 3))]:
        with pytest.raises(ValueError, match="beta must be a number"):
            check_number("beta", np.ones(shape), "[0, 1]", fits=fits)


lengths = st.lists(st.integers(1, 3), max_size=4).map(tuple)


@given(shape=lengths, to=lengths)
@settings(deadline=None)
def test_broadcasts_agrees_with_numpy(shape, to):
    try:
        expected = np.broadcast_shapes(shape, to) == to
    except ValueError:
        expected = False
    assert broadcasts(shape, to) is expected


@pytest.mark.parametrize("value", [1, 5, np.int64(1), np.uint8(4), 10**400])
def test_integers_are_accepted(value):
    check_integer("patience", value, "[1, inf)")


@pytest.mark.parametrize(
    "value",
    [0, -1, 1.0, 2.5, np.float64(2), None, "1", True, np.True_, [1], np.array(1), np.ones(2, int), 1j],
)
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(ValueError, match=r"^patience must be an integer in \[1, inf\); got .*\. Pass 5\.$"):
        check_integer("patience", value, "[1, inf)", "Pass 5.")


def test_an_integer_has_two_ends():
    check_integer("index", 2, "[0, 3)")
    with pytest.raises(ValueError, match=r"index must be an integer in \[0, 3\); got 3\.$"):
        check_integer("index", 3, "[0, 3)")


@pytest.mark.parametrize(
    ("shape", "right", "wrong"),
    [
        ("(m, n)", [(2, 3), (0, 5)], [(), (2,), (2, 3, 4)]),
        ("(m,)", [(2,), (0,)], [(), (2, 3)]),
        ("()", [()], [(1,)]),
        ("(...)", [(), (2,), (2,) * 5], []),
        ("(..., 2)", [(2,), (3, 2), (4, 3, 2)], [(), (3,), (2, 3)]),
        ("(..., 2, m)", [(2, 3), (4, 2, 3)], [(2,), (3, 2), (2, 3, 1)]),
        ("(..., 2, 3)", [(2, 3), (1, 2, 3)], [(3, 2), (2, 2), (3, 3), (3,)]),
        ("(3, m, 2)", [(3, 1, 2)], [(2, 1, 3), (3, 2), (3, 1, 2, 1)]),
        ("(m, ...)", [(2,), (2, 3), (2, 3, 4)], [()]),
        ("(..., 0)", [(0,), (2, 0)], [(1,)]),
        ("(..., 10)", [(10,)], [(1,), (0,)]),
    ],
)
def test_shapes_are_read_as_in_the_docstrings(shape, right, wrong):
    for each in right:
        check_array("X", np.ones(each), shape)
    for each in wrong:
        with pytest.raises(ValueError, match="X must be a float array of shape"):
            check_array("X", np.ones(each), shape)


def test_an_array_may_have_64_axes():
    check_array("X", np.ones((1,) * 64), "(..., m)")


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("float", "fdg", "ilBH?FDSUO"),
        ("number", "fdilBH", "?FDSUO"),
        ("int", "bilBHQ", "efd?FDSUO"),
        ("bool", "?", "efdilBHFDSUO"),
    ],
)
def test_kinds_of_numbers(kind, right, wrong):
    for code in right:
        check_array("X", np.zeros(2, dtype=code), "(m,)", kind=kind)
    for code in [*wrong, "M8[s]", "m8[s]"]:
        with pytest.raises(ValueError, match=rf"X must be a {kind} array of shape \(m,\); got"):
            check_array("X", np.zeros(2, dtype=code), "(m,)", kind=kind)


@pytest.mark.parametrize("kind", ["float", "number"])
def test_float16_is_refused_with_advice_that_helps(kind):
    X = np.ones((2, 3), np.float16)
    with pytest.raises(ValueError, match=r"X must not be float16, .* Pass X.astype\(np.float32\)\.$"):
        check_array("X", X, "(m, n)", kind=kind)
    check_array("X", X.astype(np.float32), "(m, n)", kind=kind)


@pytest.mark.parametrize("value", [None, "x", 1.0, [1.0], (1.0, 2.0), np.float64(1), object(), {1.0: 2}])
def test_what_is_no_array_is_refused(value):
    with pytest.raises(
        ValueError, match=r"X must be a float array of shape \(\.\.\.\); got .*\. Pass np.array\(X\)\.$"
    ):
        check_array("X", value, "(...)", "Pass np.array(X).")


def test_finite_numbers_only_when_asked():
    X = np.array([[1.0, 2.0], [3.0, np.inf]])
    check_array("X", X, "(m, n)")
    check_array("X", X[:1], "(m, n)", finite=True)
    check_array("X", np.ones((2, 3), dtype=int), "(m, n)", kind="number", finite=True)
    with pytest.raises(
        ValueError, match=r"X must hold finite numbers only; got inf at \[1, 1\]. Remove such"
    ):
        check_array("X", X, "(m, n)", finite=True)
    X[0, 1] = np.nan  # the first one is named
    with pytest.raises(ValueError, match=r"X must hold finite numbers only; got nan at \[0, 1\]"):
        check_array("X", X, "(m, n)", finite=True)
    with pytest.raises(ValueError, match=r"got -inf at \[\]"):
        check_array("X", np.array(-np.inf), "()", finite=True)


def test_choices():
    for allowed in (["tanh", "relu"], {"tanh": 1, "relu": 2}, iter(("tanh", "relu"))):
        check_choice("activation", "relu", allowed)
    check_choice("activation", np.str_("tanh"), ["tanh"])
    for value in ("swish", "", "TANH", None, 1, ["tanh"], np.array("tanh"), np.array(["tanh", "relu"])):
        with pytest.raises(
            ValueError, match=r"^activation must be one of 'tanh', 'relu'; got .*\. Try relu\.$"
        ):
            check_choice("activation", value, ["tanh", "relu"], "Try relu.")


def test_flags():
    for value in (True, False, np.True_, np.False_):
        check_flag("nesterov", value)
    for value in (0, 1, None, "x", np.array(True), 1.0):
        with pytest.raises(ValueError, match="nesterov must be True or False; got"):
            check_flag("nesterov", value)


def test_generators(rng):
    check_rng(rng)
    for value in (None, 0, np.random, np.random.RandomState(0), np.random.default_rng):
        with pytest.raises(
            ValueError, match=r"rng must be a numpy.random.Generator; got .* the number is the seed"
        ):
            check_rng(value)


def test_what_came_is_shown_in_one_short_line():
    assert shown("x" * 78) == "'" + "x" * 78 + "'"  # 80 characters with the quotes
    long = shown("x" * 79)
    assert long == "'" + "x" * 76 + "..." and len(long) == 80
    assert shown(np.arange(4.0)) == "array([0., 1., 2., 3.])"
    assert shown(np.arange(5.0)) == "an array of shape (5,) and dtype float64"
    assert shown(np.eye(2)) == "array([[1., 0.], [0., 1.]])"
    assert shown([1, 2]) == "[1, 2]"
    assert shown(np.float64(1)) == repr(np.float64(1))


class Untold:
    def __repr__(self):
        raise RuntimeError


def test_what_came_is_short_whatever_it_is():
    for value in ("x" * 10**6, b"x" * 10**6, ["x"] * 10**5, "\n" * 10**6, np.array(["x" * 10**6]), 10**4000):
        assert len(shown(value)) <= 80 and "\n" not in shown(value)
    assert shown(Untold()) == "a Untold"
    assert shortened("a  b\n c") == "a b c" and shortened("x" * 81) == "x" * 77 + "..."
    assert shortened("x" + " " * 900) == "x..."
    assert told(KeyError("k")) == "KeyError: 'k'" and told(MemoryError()) == "MemoryError"
    assert len(told(ValueError("x" * 10**6))) == 500


def test_paths():
    assert check_path("a/b.npz", "n.npz") == Path("a/b.npz") == check_path(Path("a/b.npz"), "n.npz")
    for bad in ("", ".", "..", "/", "a/..", "a\0b", None, 3, b"x", ["x"]):
        with pytest.raises(ValueError, match=r"path must name a file; got .* Pass for instance 'n\.npz'\."):
            check_path(bad, "n.npz")
    assert check_path("x" * 255, "n.npz").name == "x" * 255
    for long in ("x" * 256, "ä" * 128, "a/" + "x" * 256 + "/b"):
        with pytest.raises(ValueError, match=r"path must name a file; got .* Pass for instance 'n\.npz'\."):
            check_path(long, "n.npz")


def test_one_value_for_each_network():
    check_for_each("beta", 0.9, "[0, 1)")
    check_for_each("beta", np.array([[0.5], [0.9]]), "[0, 1)")
    check_for_each("m", np.array([[1], [2]]), "[0, inf)", kind="number")
    for wrong, message in (
        (1.0, r"beta must be a number in \[0, 1\); got 1.0. Usual."),
        (np.array([[1.0]]), r"beta must be a number in \[0, 1\)"),
        (np.array([0.5, 0.9]), r"beta must be a float array of shape \(K, 1\)"),
        (np.array([[0], [0]]), r"beta must be a float array of shape \(K, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            check_for_each("beta", wrong, "[0, 1)", "Usual.")

"""Every verdict, and every kind of function that a reader might hand in."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.exercises.checking import (
    MARKS,
    SIGNS,
    WIDTH,
    Exercise,
    Mistake,
    Question,
    Verdict,
    ask,
    difference,
    form,
    numbers,
    shown,
)

X, Y = np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, -1.0])


def exercise(**changes: Any) -> Exercise:
    settings: dict[str, Any] = {
        "name": "center",
        "statement": "Return x minus its mean.",
        "reference": lambda x: x - x.mean(),
        "cases": [{"x": X}, {"x": Y}],
        "mistakes": [
            Mistake(lambda x: x - np.median(x), "you took the median."),
            Mistake(lambda x: x + x.mean(), "the sign is wrong."),
            Mistake(lambda x: x / 0.0 - x / 0.0, "you divided by zero."),
        ],
        "hint": "Subtract.",
        "solution": """
            def center(x):
                return x - x.mean()
        """,
        "why": "The mean of the result is zero.",
    }
    return Exercise(**{**settings, **changes})


def two_numbers(mistakes: Any = ()) -> Exercise:
    """An exercise with numbers in and a nested tuple out."""
    return exercise(
        name="parts",
        reference=lambda a, b: (a + b, (a - b, np.array([a, b]))),
        cases=[{"a": 2.0, "b": 1.0}, {"a": 0.0, "b": 3.0}],
        mistakes=mistakes,
    )


# --------------------------------------------------------------------------------------- the verdicts


def test_right_answer_is_told_why() -> None:
    verdict = exercise().check(lambda x: x - x.mean())
    assert verdict == Verdict("right", "Right. The mean of the result is zero.")
    assert repr(verdict) == f"✓ {verdict.text}"


def test_lists_and_float32_count_as_right() -> None:
    assert exercise().check(lambda x: [value - sum(x) / 3 for value in x]).kind == "right"
    assert exercise().check(lambda x: (x - x.mean()).astype(np.float32)).kind == "right"
    assert two_numbers().check(lambda a, b: [a + b, [a - b, (a, b)]]).kind == "right"
    assert two_numbers().check(lambda a, b: (a + b, (a - b, np.array([a, b])))).kind == "right"


def test_a_verdict_has_a_sign_and_a_color_and_keeps_its_words() -> None:
    right, wrong = exercise().check(lambda x: x - x.mean()), exercise().check(lambda x: 0 * x < 1)
    assert "✓" in right._repr_html_() and "✗" in wrong._repr_html_()
    assert "Right. The mean of the result is zero." in right._repr_html_()
    assert "<" not in Verdict("failed", "1 < 2")._repr_html_().partition("1 &lt; 2")[1]
    assert len({sign for sign, _ in MARKS.values()}) == len({color for _, color in MARKS.values()}) == 3


def test_the_whole_statement_is_shown() -> None:
    long = exercise(statement="Return x minus its mean, " + "and so on " * 20 + "to the end.")
    assert "to the end." in long._repr_html_() and "center(x)" in long._repr_html_()
    assert " ".join(repr(long).split()).endswith(long.statement)
    assert max(map(len, repr(long).splitlines())) <= WIDTH


async def asynchronous(x: Any) -> Any:
    return x


async def asynchronous_generator(x: Any) -> Any:
    yield x


@pytest.mark.parametrize("f", [asynchronous, asynchronous_generator])
def test_an_async_function_is_told_so(f: Callable[..., Any]) -> None:
    verdict = exercise().check(f)
    assert verdict == Verdict("failed", "Not yet: pass a plain function: write def, without async in front.")


def test_random_numbers_of_ones_own_are_told() -> None:
    verdict = exercise().check(lambda x: x * np.random.default_rng().random(x.shape))
    assert verdict.kind == "known mistake" and "two answers" in verdict.text


def not_implemented(x: Any) -> NoReturn:
    raise NotImplementedError


@pytest.mark.parametrize("f", [lambda x: None, lambda x: ..., not_implemented])
def test_not_attempted(f: Callable[..., Any]) -> None:
    verdict = exercise().check(f)
    assert verdict.kind == "not attempted"
    assert verdict.text.startswith("Not attempted yet: the function returns nothing yet.")


@pytest.mark.parametrize("number", range(3))
def test_known_mistake_is_named(number: int) -> None:
    mistake = exercise().mistakes[number]
    verdict = exercise().check(mistake.compute)
    assert verdict == Verdict("known mistake", f"A known mistake: {mistake.text}")


def test_mistake_on_one_case_only_is_not_the_known_one() -> None:
    verdict = exercise().check(lambda x: x - (np.median(x) if x[0] == 1 else 5))
    assert verdict.kind == "wrong"


def test_wrong_value_shows_input_expected_got() -> None:
    assert exercise().check(lambda x: x).text.splitlines() == [
        "Not yet: the answer differs for this input.",
        "  input:     x = [1., 2., 4.]",
        "  expected:  [-1.333333, -0.333333,  1.666667]",
        "  got:       [1., 2., 4.]",
    ]


def test_first_case_that_fails_is_shown() -> None:
    verdict = exercise().check(lambda x: x - x.mean() + (x[0] == 0))
    assert "x = [ 0.,  1., -1.]" in verdict.text


def test_matrices_are_aligned() -> None:
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    asked = exercise(reference=lambda A, b: A.T, cases=[{"A": matrix, "b": 1}], mistakes=[])
    assert asked.check(lambda A, b: A).text.splitlines()[1:] == [
        "  input:     A = [[1., 2.],",
        "                  [3., 4.]]",
        "             b = 1",
        "  expected:  [[1., 3.],",
        "              [2., 4.]]",
        "  got:       [[1., 2.],",
        "              [3., 4.]]",
    ]


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: 1.0, "expected an array of shape (3,), got a number."),
        (lambda x: x[:, None], "expected an array of shape (3,), got an array of shape (3, 1)."),
        (lambda x: "text", "expected an array of shape (3,), got text."),
        (lambda x: {"x": 1}, "expected an array of shape (3,), got a value of type dict."),
        (lambda x: (value for value in x), "expected an array of shape (3,), got a value of type generator."),
        (lambda x: x if x[0] else None, "the answer differs for this input."),
        (lambda x: None if x[0] else x, "expected an array of shape (3,), got nothing (None)."),
        (lambda x: [[1], [1, 2]], "expected an array of shape (3,), got a value of type list."),
        (lambda x: x + 1j, "expected an array of shape (3,), got a value of type ndarray."),
        (
            lambda x: x * np.nan + (x == 2),
            "there is NaN, which is not a number, in the answer for this input.",
        ),
        (lambda x: np.full(3, np.inf), "the answer differs for this input."),
    ],
)
def test_wrong_form_and_nan_are_told_in_words(f: Callable[..., Any], words: str) -> None:
    settings: dict[str, Any] = {"mistakes": []}
    verdict = exercise(**settings).check(f)
    assert verdict.kind == "wrong"
    assert words in " ".join(verdict.text.split())


def test_wrong_form_of_a_tuple() -> None:
    verdict = two_numbers().check(lambda a, b: (a + b, a - b))
    expected = "a tuple (a number, a tuple (a number, an array of shape (2,)))"
    words = " ".join(verdict.text.split())
    assert f"expected {expected}, got a tuple (a number, a number)." in words
    wrong: Any
    for wrong in (3.0, np.float64(3.0), np.array(3.0), (1.0,), np.array([1.0, 2.0, 3.0]), "ab", {}):
        assert difference((1.0, 2.0), wrong, 1e-5, 1e-9) == "form"
    assert difference((1.0, 2.0), np.array([1.0, 2.0]), 1e-5, 1e-9) == ""


def test_the_worst_difference_of_a_tuple_counts() -> None:
    assert difference((1.0, 2.0, 3.0), (9.0, np.nan, [3.0]), 1e-5, 1e-9) == "form"
    assert difference((1.0, 2.0), (9.0, np.nan), 1e-5, 1e-9) == "NaN"
    assert difference((1.0, 2.0), (9.0, 2.0), 1e-5, 1e-9) == "value"


def test_tolerance() -> None:
    assert difference(1.0, 1.0 + 9e-6, 1e-5, 1e-9) == ""
    assert difference(1.0, 1.0 + 2e-5, 1e-5, 1e-9) == "value"
    assert difference(0.0, 1e-10, 1e-5, 1e-9) == ""
    assert difference(0.0, 1e-8, 1e-5, 1e-9) == "value"
    assert difference(np.nan, np.nan, 1e-5, 1e-9) == ""
    assert difference([np.nan, 1.0], [np.nan, 2.0], 1e-5, 1e-9) == "value"


@pytest.mark.parametrize(("change", "kind"), [(5e-6, "right"), (5e-5, "wrong")])
def test_tolerance_of_an_exercise(change: float, kind: str) -> None:
    assert exercise().check(lambda x: (1 + change) * (x - x.mean())).kind == kind
    small = exercise(reference=lambda x: 1e-4 * x, mistakes=[])
    assert small.check(lambda x: 1e-4 * x * (1 + change)).kind == kind


@pytest.mark.parametrize("rtol", [1e-5, 0.2])
def test_an_exercise_may_set_its_tolerance(rtol: float) -> None:
    verdict = exercise(rtol=rtol).check(lambda x: 1.1 * (x - x.mean()))
    assert verdict.kind == ("right" if rtol > 0.1 else "wrong")


# ------------------------------------------------------------------------------- functions that fail


@pytest.mark.parametrize("thing", [None, ..., 3, "center", np.zeros(3), [], object()])
def test_what_is_not_a_function(thing: object) -> None:
    verdict = exercise().check(thing)
    assert verdict.kind == "failed"
    assert verdict.text.startswith("Not yet: pass the function itself, as in check(center); this was ")


@pytest.mark.parametrize("f", [lambda: 1, lambda x, y: 1, lambda *, x: 1])
def test_wrong_number_of_arguments(f: Callable[..., Any]) -> None:
    assert exercise().check(f).text == "Not yet: the function must take 1 argument(s): center(x)."


@pytest.mark.parametrize("f", [lambda *rest: rest[0] - rest[0].mean(), lambda x, y=1: x - x.mean()])
def test_other_ways_to_take_the_arguments(f: Callable[..., Any]) -> None:
    assert exercise().check(f).kind == "right"


def test_functions_without_a_signature_are_called() -> None:
    assert exercise(reference=dict, cases=[{"x": {}}], mistakes=[]).check(dict).kind == "wrong"
    assert exercise(reference=max, cases=[{"a": 1, "b": 2}], mistakes=[]).check(max).kind == "right"


def forever(x: Any) -> Any:
    return forever(x)


def stop(x: Any) -> NoReturn:
    sys.exit(1)


def long_message(x: Any) -> NoReturn:
    raise ValueError("no " * 1000)


def warn_as_error(x: Any) -> Any:
    with np.errstate(all="raise"):
        return x / 0.0


class Silent(Exception):
    def __str__(self) -> str:
        raise SystemExit


class Loud(BaseException):
    def __str__(self) -> str:
        raise Loud


def silent(x: Any) -> NoReturn:
    raise Silent


def loud(x: Any) -> NoReturn:
    raise Loud


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: 1 / 0, "with ZeroDivisionError: division by zero"),
        (lambda x: x @ np.zeros(7), "with ValueError: "),
        (lambda x: x.nothing, "with AttributeError: "),
        (forever, "with RecursionError: "),
        (stop, "with SystemExit: 1"),
        (long_message, "with ValueError: no no no"),
        (warn_as_error, "with FloatingPointError: "),
        (silent, "with Silent: no message"),
        (loud, "with Loud: no message"),
    ],
)
def test_exceptions_are_told_in_words(f: Callable[..., Any], words: str) -> None:
    verdict = exercise().check(f)
    assert verdict.kind == "failed"
    assert "the function stopped for this input " + words in " ".join(verdict.text.split())
    assert "expected:  [-1.333333, -0.333333,  1.666667]" in verdict.text
    assert len(verdict.text) < 600


def test_keyboard_interrupt_passes() -> None:
    def interrupted(x: Any) -> NoReturn:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exercise().check(interrupted)


class Hostile:
    """A value that raises whatever one does with it."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise Loud

    __repr__ = __array__ = __len__ = __iter__ = __eq__ = __float__ = __bool__ = _refuse
    __hash__ = None  # type: ignore[assignment]


class Unprintable:
    def __repr__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize("value", [Hostile(), [Hostile()], (1, Hostile()), Unprintable(), [Unprintable()]])
def test_values_that_refuse_to_be_compared(value: object) -> None:
    for asked in (exercise(), exercise(reference=lambda x: (1.0, 2.0))):
        verdict = asked.check(lambda x: value)
        assert verdict.kind in ("failed", "wrong")
        assert verdict.text.startswith("Not yet:")


def test_a_list_that_holds_itself() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert exercise().check(lambda x: loop).kind == "wrong"


def test_callable_object_that_refuses() -> None:
    class Refuses:
        @property
        def __signature__(self) -> NoReturn:
            raise Loud

        def __call__(self, x: Any) -> Any:
            return x

    assert exercise().check(Refuses()).kind == "failed"


def test_failing_on_some_cases_only() -> None:
    verdict = exercise().check(lambda x: x - x.mean() if x[0] else 1 / 0)
    assert verdict.kind == "failed"
    assert "x = [ 0.,  1., -1.]" in verdict.text


def test_a_mistake_may_stop_with_an_exception_in_some_cases() -> None:
    def sideways(A: Any) -> Any:
        return A - A.mean(axis=1)

    asked = exercise(
        reference=lambda A: A - A.mean(axis=0),
        cases=[{"A": np.array([[1.0, 2.0], [3.0, 5.0]])}, {"A": np.arange(6.0).reshape(2, 3)}],
        mistakes=[Mistake(sideways, "the other axis.")],
    )
    assert asked.check(sideways).text == "A known mistake: the other axis."
    assert asked.check(lambda A: A + np.arange(A.shape[1])).kind == "wrong"

    def otherwise(A: Any) -> Any:
        return sideways(A) if len(A) == A.shape[1] else 1 / 0

    def always(A: Any) -> NoReturn:
        raise ValueError("other")

    assert asked.check(otherwise).kind == "wrong"
    assert asked.check(always).kind == "failed"


# ------------------------------------------------------------------------ changed arguments, printing


def in_place(x: Any) -> Any:
    x -= x.mean()
    return x


def in_place_and_wrong(x: Any) -> Any:
    x *= 7
    return x


def test_changed_arguments_are_reported_and_the_cases_stay() -> None:
    asked = exercise()
    verdict = asked.check(in_place)
    assert verdict.kind == "wrong"
    assert verdict.text.splitlines()[0] == "Not yet: the values are right, but one thing is left."
    assert "The function changes `x`, which belongs to the caller" in verdict.text
    np.testing.assert_array_equal(asked.cases[0]["x"], [1.0, 2.0, 4.0])
    assert asked.check(lambda x: x - x.mean()).kind == "right"


def test_changed_arguments_are_reported_beside_a_wrong_value() -> None:
    assert "The function changes `x`" in exercise().check(in_place_and_wrong).text
    assert "x = [1., 2., 4.]" in exercise().check(in_place_and_wrong).text


def resize(x: Any) -> Any:
    x.shape = (3, 1)
    return x.ravel()


def test_changed_containers_are_seen() -> None:
    case: dict[str, Any] = {
        "rows": [1, (2.0, {"k": np.zeros(2)})],
        "x": np.arange(3.0),
        "rng": np.random.default_rng(0),
    }
    assert ask(lambda rows, x, rng: rng.random(), case).changed == ()
    assert ask(lambda rows, x, rng: rows.append(1), case).changed == ("rows",)
    assert ask(lambda rows, x, rng: rows.__setitem__(0, "1"), case).changed == ("rows",)
    assert ask(lambda rows, x, rng: rows.__setitem__(0, 2), case).changed == ("rows",)
    assert ask(lambda rows, x, rng: rows[1][1].update(k=None), case).changed == ("rows",)
    assert ask(lambda rows, x, rng: rows[1][1].clear(), case).changed == ("rows",)
    assert ask(lambda rows, x, rng: rows[1][1]["k"].fill(1), case).changed == ("rows",)
    assert ask(lambda rows, x, rng: resize(x), case).changed == ("x",)
    assert case["rng"].random() == np.random.default_rng(0).random()


def test_prints_go_through(capsys: pytest.CaptureFixture[str]) -> None:
    def talks(x: Any) -> Any:
        print("here")
        return x - x.mean()

    assert exercise().check(talks).kind == "right"
    assert capsys.readouterr().out == "here\n" * 2


def test_no_warnings_reach_the_reader() -> None:
    assert exercise(mistakes=[]).check(lambda x: np.sqrt(-1 - abs(x))).kind == "wrong"
    assert exercise(mistakes=[]).check(lambda x: np.mean([]) + x).kind == "wrong"
    with np.errstate(all="raise"):
        assert "there is NaN" in exercise(mistakes=[]).check(lambda x: np.sqrt(-1 - abs(x))).text


# -------------------------------------------------------------------------------- hint, solution, repr


def test_hint_and_solution() -> None:
    assert repr(exercise().hint()) == "Subtract."
    assert repr(exercise().solution()) == "def center(x):\n    return x - x.mean()\n"
    assert exercise().solution()._repr_markdown_().startswith("```python\ndef center")
    assert repr(exercise()) == "center(x)\n  Return x minus its mean."


def test_lines_are_wrapped() -> None:
    long = "word " * 60
    texts = [
        repr(exercise(hint=long).hint()),
        repr(exercise(statement=long)),
        exercise(why=long).check(lambda x: x - x.mean()).text,
        repr(Question(long, (long, "b"), "a", (long, "b")).feedback_for("a")),
        repr(Question(long, (long, "b"), "a", (long, "b"))),
    ]
    for text in texts:
        assert max(map(len, text.splitlines())) <= WIDTH


def test_signs_need_no_color() -> None:
    assert set(SIGNS.values()) == {"Not attempted yet:", "Right.", "A known mistake:", "Not yet:"}


def test_forms_and_numbers_in_words() -> None:
    assert [form(value) for value in (1, True, np.float32(2), np.array(3), ..., None)] == [
        *["a number"] * 4,
        "...",
        "nothing (None)",
    ]
    assert [shown(value) for value in (0.123456789, 1, True, (1, 2.5), 1e-12)] == [
        "0.123457",
        "1",
        "True",
        "(1, 2.5)",
        "1e-12",
    ]
    assert shown("a" * 500) == " ..." or len(shown("a" * 500)) <= WIDTH
    assert len(shown(np.arange(10_000.0))) < WIDTH


# ------------------------------------------------------------------------------------ for all inputs

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(), st.binary()
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(st.text(), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(values)
def test_any_value_gets_a_verdict(value: object) -> None:
    for asked in (exercise(), two_numbers(), exercise(reference=lambda x: 1.0)):
        count = len(asked.cases[0])
        f = (lambda x: value) if count == 1 else (lambda a, b: value)
        verdict = asked.check(f)
        assert verdict.text.startswith(SIGNS[verdict.kind])
        assert verdict.kind != "failed"


@given(values)
def test_any_value_can_be_passed_for_a_function(value: object) -> None:
    assert exercise().check(value).kind == "failed"


finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, min_size=1, max_size=5), finite)
def test_difference_is_that_of_allclose(expected: list[float], change: float) -> None:
    got = [value + change for value in expected]
    agrees = np.allclose(got, expected, 1e-5, 1e-9)
    assert (difference(np.array(expected), got, 1e-5, 1e-9) == "") is bool(agrees)


def test_an_object_that_refuses_to_be_an_array() -> None:
    class Refuses:
        def __array__(self, *_: Any, **__: Any) -> NoReturn:
            raise LookupError

    assert numbers(Refuses()) is None


@given(values)
def test_numbers_are_numbers_or_nothing(value: object) -> None:
    array = numbers(value)
    assert array is None or array.dtype.kind in "buif"


# ----------------------------------------------------------------------------------------- questions

SKY = Question(
    "What color\n   is the sky?", ("Green", "Blue", "Red"), "b", ("Look up.", "It scatters.", "Wait.")
)


def test_question_lists_its_options() -> None:
    assert repr(SKY) == "What color is the sky?\n  (a) Green\n  (b) Blue\n  (c) Red"
    assert SKY.labels == ("(a) Green", "(b) Blue", "(c) Red")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("a", "Not so. Look up."),
        ("Green", "Not so. Look up."),
        ("b", "Right. It scatters."),
        ("Red", "Not so. Wait."),
    ],
)
def test_feedback(option: str, words: str) -> None:
    assert repr(SKY.feedback_for(option)) == words


@pytest.mark.parametrize("option", ["d", "", "(a)", "green", None, 0])
def test_unknown_option(option: Any) -> None:
    with pytest.raises(ValueError, match=r"option must be one of a, b, c; got"):
        SKY.feedback_for(option)


def test_question_must_be_complete() -> None:
    with pytest.raises(ValueError, match="one text for each"):
        Question("?", ("x", "y"), "a", ("only one",))
    with pytest.raises(ValueError, match="differ"):
        Question("?", ("x", "x"), "a", ("one", "two"))
    with pytest.raises(ValueError, match="answer must be one of a, b; got 'c'"):
        Question("?", ("x", "y"), "c", ("one", "two"))


# ------------------------------------------------------------- what is recognized in every exercise


def test_arguments_in_another_order_are_recognized() -> None:
    power = exercise(
        name="power",
        reference=lambda base, exponent: base**exponent,
        cases=[{"base": 2.0, "exponent": 3}, {"base": 3.0, "exponent": 2}, {"base": 5.0, "exponent": 1}],
        mistakes=[],
    )
    verdict = power.check(lambda exponent, base: base**exponent)
    assert verdict.kind == "known mistake"
    assert " ".join(verdict.text.split()) == (
        "A known mistake: your function takes its arguments in another order. "
        "It is called as power(base, exponent)."
    )


def test_results_in_another_order_are_recognized() -> None:
    asked = exercise(
        reference=lambda x: (x.sum(), x.max(), x.min()),
        mistakes=[],
        cases=[{"x": np.array([1.0, 2.0, 4.0])}, {"x": np.array([0.5, -1.0])}],
    )
    verdict = asked.check(lambda x: (x.min(), x.sum(), x.max()))
    assert verdict.kind == "known mistake"
    assert "the parts of the answer are right, but they stand in another order." in verdict.text
    assert "expected:  (7, 4, 1)" in verdict.text and "got:       (1, 7, 4)" in verdict.text


@pytest.mark.parametrize(
    ("factor", "words"),
    [(2, "each number is 2 times the expected one."), (-1, "each number has the wrong sign.")],
)
def test_a_common_factor_is_named(factor: float, words: str) -> None:
    asked = exercise(reference=lambda x: x - x.mean(), mistakes=[])
    assert words in asked.check(lambda x: factor * (x - x.mean())).text
    assert words not in asked.check(lambda x: factor * (x - x.mean()) + 0.1).text


def test_an_argument_without_influence_is_named() -> None:
    asked = exercise(
        name="scaled",
        reference=lambda x, n: x.sum() / n,
        cases=[{"x": np.array([1.0, 2.0]), "n": n} for n in (2, 3, 5)],
        mistakes=[],
    )
    assert "It does not depend on `n`." in asked.check(lambda x, n: x.sum() + 1).text
    assert "depend" not in asked.check(lambda x, n: x.max() + n).text  # 0.9 x changes it
    assert "It does not depend on `x` and `n`." in asked.check(lambda x, n: 3.0).text

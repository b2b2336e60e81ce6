"""Exercises that a program can check, and prediction questions.

An exercise calls the reader's function on a few inputs and compares the answers with those of a
reference, then with those that each known mistake gives.  Whatever the function does, `check` answers
in words and never raises.
"""

import copy
import html
import inspect
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import combinations, groupby, permutations
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlhelpers.progress import remember
from dlhelpers.showing import OPEN, RIGHT, WRONG, Code, Mark

WIDTH = 88
"""Characters in a line of text."""

# What a check says ----------------------------------------------------------------------------------

Kind = Literal["not attempted", "right", "known mistake", "wrong", "failed"]

SIGNS: Mapping[Kind, str] = {
    "not attempted": "Not attempted yet:",
    "right": "Right.",
    "known mistake": "A known mistake:",
    "wrong": "Not yet:",
    "failed": "Not yet:",
}
"""How each verdict begins.  *wrong* is another answer than the expected one; *failed* is no answer at all."""

MARKS: Mapping[Kind, Mark] = {
    "not attempted": OPEN,
    "right": RIGHT,
    "known mistake": WRONG,
    "wrong": WRONG,
    "failed": WRONG,
}
"""Sign and color of each verdict."""


class Text(str):
    """Words that a notebook shows as they are, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found, and the same in words.

    Attributes
    ----------
    kind : one of the keys of `SIGNS`
    text : str
    """

    kind: Kind
    text: str

    def __repr__(self) -> str:
        return f"{MARKS[self.kind].sign} {self.text}"

    def _repr_html_(self) -> str:
        """Return the words with a sign and a color; a table of numbers keeps its columns."""
        parts = []
        for is_table, lines in groupby(self.text.splitlines(), lambda line: line.startswith(" ")):
            text = html.escape("\n".join(lines))
            parts.append(
                f'<pre style="white-space: pre-wrap; margin: 4px 0">{text}</pre>' if is_table else text
            )
        return MARKS[self.kind].beside("".join(parts))


def _verdict(kind: Kind, words: str, details: str = "", note: str = "") -> Verdict:
    paragraphs = [wrapped(f"{SIGNS[kind]} {words}"), details, note]
    return Verdict(kind, "\n".join(paragraph for paragraph in paragraphs if paragraph))


def wrapped(text: str, first: str = "", rest: str = "") -> str:
    """Return the words in lines of at most `WIDTH` characters; `first` and `rest` begin the lines."""
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


OWN_NUMBERS = """called twice with the same input, your function gives two answers. Use the numbers that
    it is given; draw none of your own, as np.random does."""

# Exercises ------------------------------------------------------------------------------------------


class Mistake(NamedTuple):
    """A mistake that people make.

    Attributes
    ----------
    compute : function of the exercise's arguments
        Returns what the mistake gives.  Where the mistake stops with an exception, so does this function.
    text : str
        What went wrong, and a hint.
    """

    compute: Callable[..., Any]
    text: str


class Exercise:
    """A function that the reader writes.

    Parameters
    ----------
    name : str
        Name of the function.
    statement : str
        What it returns.
    reference : function
        Gives the expected answers: a number, an array, or a tuple of these, nested as one likes.
    cases : sequence of mappings from argument name to value
        The inputs, all with the same names in the order of the call.  The first one that fails is
        shown to the reader, so small ones come first.
    mistakes : sequence of Mistake
        Two mistakes, or a mistake and the reference, must differ on at least one case.
    hint, solution, why : str
        The solution is a program that defines the function; it may use NumPy as `np`.
    rtol, atol : float
        An answer agrees if it is within atol + rtol |expected|.

    Examples
    --------
    >>> square = Exercise(
    ...     name="square",
    ...     statement="Return x times x.",
    ...     reference=lambda x: x * x,
    ...     cases=[{"x": 3.0}, {"x": -1.0}],
    ...     mistakes=[Mistake(lambda x: 2 * x, "you doubled x.")],
    ...     hint="The area of a square with side x.",
    ...     solution="def square(x): return x * x",
    ...     why="x * x is positive for negative x, too.",
    ... )
    >>> square.check(lambda x: x + x)
    ✗ A known mistake: you doubled x.
    >>> square.check(lambda x: abs(x) ** 3)
    ✗ Not yet: the answer differs for this input.
      input:     x = 3
      expected:  9
      got:       27
    >>> square.check(lambda x: x**2)
    ✓ Right. x * x is positive for negative x, too.
    """

    def __init__(
        self,
        *,
        name: str,
        statement: str,
        reference: Callable[..., Any],
        cases: Sequence[Mapping[str, Any]],
        mistakes: Sequence[Mistake],
        hint: str,
        solution: str,
        why: str,
        rtol: float = 1e-5,
        atol: float = 1e-9,
    ) -> None:
        self.name, self.statement, self.why = name, statement, why
        self.reference = reference
        self.cases, self.mistakes = tuple(cases), tuple(mistakes)
        self.rtol, self.atol = rtol, atol
        self._hint, self._solution = hint, solution

    @property
    def signature(self) -> str:
        """The first line of the function, as it is called."""
        return f"{self.name}({', '.join(self.cases[0])})"

    def __repr__(self) -> str:
        return f"{self.signature}\n{wrapped(self.statement, '  ', '  ')}"

    def _repr_html_(self) -> str:
        """Return the whole statement, in lines as long as the page has room for."""
        statement = html.escape(" ".join(self.statement.split()))
        return (
            f'<div style="max-width: 960px"><code>{html.escape(self.signature)}</code><br>{statement}</div>'
        )

    def hint(self) -> Text:
        """Return a first step."""
        return Text(wrapped(self._hint))

    def solution(self) -> Code:
        """Return a program that is right."""
        return Code(textwrap.dedent(self._solution).strip() + "\n")

    def check(self, f: object) -> Verdict:
        """Say whether the reader's function is right; if not, what is known about the mistake."""
        verdict = self._safe_check(f)
        if verdict.kind == "right":
            remember("solved", self.name)
        return verdict

    def _safe_check(self, f: object) -> Verdict:
        try:
            return self._check(f)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # values may do anything when they are compared or shown
            words = f"the answer cannot be compared: {type(error).__name__}: {_message(error)}"
            return _verdict("failed", words)

    def _check(self, f: object) -> Verdict:
        if not callable(f):
            got = form(f)
            return _verdict("failed", f"pass the function itself, as in check({self.name}); this was {got}.")
        if not _takes(f, len(self.cases[0])):
            count = len(self.cases[0])
            return _verdict("failed", f"the function must take {count} argument(s): {self.signature}.")
        if inspect.iscoroutinefunction(f) or inspect.isasyncgenfunction(f):
            return _verdict("failed", "pass a plain function: write def, without async in front.")
        answers = [ask(f, case) for case in self.cases]
        if all(answer.missing for answer in answers):
            return _verdict(
                "not attempted", "the function returns nothing yet. Write what it returns, and run again."
            )
        expected = [ask(self.reference, case) for case in self.cases]
        wrong = [k for k in range(len(answers)) if not self.agree(expected[k], answers[k])]
        if not wrong:
            return self._right(answers)
        again = ask(f, self.cases[wrong[0]])
        if difference(answers[wrong[0]].value, again.value, self.rtol, self.atol) == "value":
            return _verdict("known mistake", OWN_NUMBERS)
        return (
            self._known_mistake(answers)
            or self._other_arguments(f, expected)
            or self._other_results(wrong[0], expected, answers)
            or self._wrong(f, wrong[0], expected, answers)
        )

    def agree(self, one: "Answer", other: "Answer") -> bool:
        """Return whether two answers are equal, or both stopped with the same exception."""
        if one.error or other.error:
            return one.error == other.error
        return difference(one.value, other.value, self.rtol, self.atol) == ""

    def _right(self, answers: Sequence["Answer"]) -> Verdict:
        changed = [answer for answer in answers if answer.changed]
        if changed:
            return _verdict("wrong", "the values are right, but one thing is left.", note=_note(changed[0]))
        return _verdict("right", self.why)

    def _known_mistake(self, answers: Sequence["Answer"]) -> Verdict | None:
        if all(answer.error for answer in answers):
            return None
        for mistake in self.mistakes:
            theirs = (ask(mistake.compute, case) for case in self.cases)
            if all(map(self.agree, theirs, answers)):
                return _verdict("known mistake", mistake.text)
        return None

    def _other_arguments(self, f: Callable[..., Any], expected: Sequence["Answer"]) -> Verdict | None:
        """Recognize a function that is right but takes two of its arguments in the other order."""
        for i, k in combinations(range(len(self.cases[0])), 2):
            turned = (ask(_swapped(f, i, k), case) for case in self.cases)
            if all(map(self.agree, expected, turned)):
                return _verdict(
                    "known mistake",
                    f"your function takes its arguments in another order. It is called as {self.signature}.",
                )
        return None

    def _other_results(
        self, at: int, expected: Sequence["Answer"], answers: Sequence["Answer"]
    ) -> Verdict | None:
        """Recognize a tuple whose parts are right but stand in another order."""
        wanted = expected[at].value
        parts = [_items(answer.value) or [] for answer in answers]
        if not isinstance(wanted, tuple) or any(len(each) != len(wanted) for each in parts):
            return None
        for order in list(permutations(range(len(wanted))))[1:]:
            turned = (Answer(tuple(each[k] for k in order)) for each in parts)
            if all(map(self.agree, expected, turned)):
                return _verdict(
                    "known mistake",
                    "the parts of the answer are right, but they stand in another order.",
                    _table(self.cases[at], expected[at], answers[at]),
                )
        return None

    def _wrong(
        self, f: Callable[..., Any], at: int, expected: Sequence["Answer"], answers: Sequence["Answer"]
    ) -> Verdict:
        case, answer = self.cases[at], answers[at]
        if answer.error:
            words = f"the function stopped for this input with {answer.error}: {answer.message}"
            return _verdict("failed", words, _table(case, expected[at]), _note(answer))
        how = difference(expected[at].value, answer.value, self.rtol, self.atol)
        words = {
            "form": f"expected {form(expected[at].value)}, got {form(answer.value)}.",
            "NaN": "there is NaN, which is not a number, in the answer for this input.",
        }.get(how) or self._wrong_numbers(f, expected, answers)
        return _verdict("wrong", words, _table(case, expected[at], answer), _note(answer))

    def _wrong_numbers(
        self, f: Callable[..., Any], expected: Sequence["Answer"], answers: Sequence["Answer"]
    ) -> str:
        """Return what can be said of any wrong numbers: a common factor, or an argument that is not used."""
        factor = common_factor(expected, answers, self.rtol)
        if factor is not None and np.isclose(factor, -1):
            return "each number has the wrong sign."
        if factor is not None:
            return f"each number is {factor:.4g} times the expected one."
        unused = [f"`{name}`" for name in self.cases[0] if self._ignores(f, name)]
        if unused:
            return f"the answer differs for this input. It does not depend on {' and '.join(unused)}."
        return "the answer differs for this input."

    def _ignores(self, f: Callable[..., Any], name: str) -> bool:
        """Return whether other values of this argument change the right answers, but never the function's."""
        telling = 0
        for case in self.cases:
            for other in _other_values(case[name], [each[name] for each in self.cases]):
                changed = {**case, name: other}
                right = ask(self.reference, changed)
                if right.error:
                    continue
                if not self.agree(ask(f, case), ask(f, changed)):
                    return False
                telling += not self.agree(ask(self.reference, case), right)
        return telling > 1


# Asking the reader's function -----------------------------------------------------------------------


class Answer(NamedTuple):
    """What a function did with one input.

    Attributes
    ----------
    value : object
        What it returned.
    error, message : str
        Name and words of the exception that stopped it; "" if none did.
    missing : bool
        Whether it returned None or Ellipsis, or raised NotImplementedError.
    changed : tuple of str
        Names of the arguments that it changed.
    """

    value: Any = None
    error: str = ""
    message: str = ""
    missing: bool = False
    changed: tuple[str, ...] = ()


def ask(f: Callable[..., Any], case: Mapping[str, Any]) -> Answer:
    """Call a function with copies of the arguments; return what happened."""
    arguments = copy.deepcopy(dict(case))
    try:
        with _quiet():
            value = f(*arguments.values())
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        name, message = type(error).__name__, _message(error)
        return Answer(None, name, message, isinstance(error, NotImplementedError), _changed(case, arguments))
    return Answer(value, missing=value is None or value is ..., changed=_changed(case, arguments))


def _swapped(f: Callable[..., Any], i: int, k: int) -> Callable[..., Any]:
    """Return a function that calls `f` with the arguments i and k in each other's place."""

    def turned(*arguments: Any) -> Any:
        order = list(arguments)
        order[i], order[k] = order[k], order[i]
        return f(*order)

    return turned


@contextmanager
def _quiet() -> Iterator[None]:
    """Show no warnings: what overflows or is NaN is told in the verdict."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _takes(f: Callable[..., Any], count: int) -> bool:
    """Return whether a function can be called with so many arguments, as far as one can know."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # some functions written in C
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _other_values(value: Any, known: Sequence[Any]) -> list[Any]:
    """Return other values that an argument may have: an array changed a little, or those of other cases."""
    if not isinstance(value, np.ndarray):
        return list(known)
    return [np.flip(value), np.roll(value, 1), 0.9 * value if value.dtype.kind == "f" else np.roll(value, -1)]


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in before if not _same(before[name], after[name]))


def _same(before: Any, after: Any) -> bool:
    """Return whether a value is as it was; what is not made of arrays and numbers may change."""
    if type(before) is not type(after):
        return False
    if isinstance(before, np.ndarray):
        return bool(before.shape == after.shape and before.tobytes() == after.tobytes())
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_same(before[key], after[key]) for key in before)
    if isinstance(before, int | float | str):
        return before is after or bool(before == after)
    return True


# Comparing ------------------------------------------------------------------------------------------


Difference = Literal["", "form", "NaN", "value"]
_WORST_FIRST: tuple[Difference, ...] = ("form", "NaN", "value")


def difference(expected: Any, got: Any, rtol: float, atol: float) -> Difference:
    """Return how an answer differs from the expected one: not at all, in form, by NaN, or in value."""
    if isinstance(expected, tuple):
        items = _items(got)
        if items is None or len(items) != len(expected):
            return "form"
        parts = {difference(one, other, rtol, atol) for one, other in zip(expected, items, strict=True)}
        return next((part for part in _WORST_FIRST if part in parts), "")
    wanted, found = numbers(expected), numbers(got)
    if wanted is None or found is None or wanted.shape != found.shape:
        return "form"
    if np.allclose(found, wanted, rtol, atol, equal_nan=True):
        return ""
    return "NaN" if np.isnan(found).any() and not np.isnan(wanted).any() else "value"


def common_factor(expected: Sequence[Answer], answers: Sequence[Answer], rtol: float) -> float | None:
    """Return the factor, other than 1, that all numbers of all answers have too much, or None."""
    wanted, found = ([_flat(answer.value) for answer in each] for each in (expected, answers))
    if [each.shape for each in wanted] != [each.shape for each in found]:
        return None
    wanted_numbers, found_numbers = np.concatenate(wanted), np.concatenate(found)
    some = wanted_numbers != 0
    if some.sum() < 3 or not np.isfinite(found_numbers).all() or found_numbers[~some].any():
        return None
    factors = found_numbers[some] / wanted_numbers[some]
    same = np.allclose(factors, factors[0], rtol=rtol, atol=0)
    return float(factors[0]) if same and factors[0] != 0 else None


def _flat(value: Any) -> NDArray[Any]:
    """Return all numbers of an answer, one after the other; none where there is something else."""
    parts = [numbers(part) for part in (value if isinstance(value, tuple | list) else (value,))]
    return np.concatenate(
        [np.zeros(0), *(np.ravel(part).astype(float) for part in parts if part is not None)]
    )


def _items(value: Any) -> list[Any] | None:
    """Return what a tuple, a list or an array holds; None if it is something else."""
    is_sequence = isinstance(value, tuple | list) or (isinstance(value, np.ndarray) and value.ndim > 0)
    return list(value) if is_sequence else None


def numbers(value: Any) -> NDArray[Any] | None:
    """Return a value as an array of numbers; None if it is something else."""
    try:
        array = np.asarray(value)
    except Exception:  # lists of unequal length, and whatever an object does
        return None
    return array if array.dtype.kind in "buif" else None


def form(value: Any) -> str:
    """Return in words what kind of thing a value is: a number, an array of shape (3,), ..."""
    if value is None or value is ...:
        return "nothing (None)" if value is None else "..."
    if isinstance(value, tuple):
        return f"a tuple ({', '.join(map(form, value))})"
    array = numbers(value)
    if array is not None:
        return f"an array of shape {array.shape}" if array.ndim else "a number"
    return "text" if isinstance(value, str) else f"a value of type {type(value).__name__}"


# Showing --------------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """Return a value with the digits that matter."""
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    array = numbers(value)
    if array is None:
        return textwrap.shorten(repr(value), WIDTH - 20, placeholder=" ...")
    if array.dtype.kind == "f" and not array.ndim:
        return f"{array.item():.6g}"
    return np.array2string(array, precision=6, threshold=50, max_line_width=WIDTH - 20, separator=", ")


def _table(case: Mapping[str, Any], expected: Answer, answer: Answer | None = None) -> str:
    """Return input, expected, got, one below the other."""
    rows = [("", f"{name} = ", shown(value)) for name, value in case.items()]
    rows[0] = ("input:", *rows[0][1:])
    rows.append(("expected:", "", shown(expected.value)))
    if answer is not None:
        rows.append(("got:", "", shown(answer.value)))
    return "\n".join(_row(*row) for row in rows)


def _row(label: str, name: str, value: str) -> str:
    start = f"  {label:<11}{name}"
    return start + value.replace("\n", "\n" + " " * len(start))


def _note(answer: Answer) -> str:
    if not answer.changed:
        return ""
    names = " and ".join(f"`{name}`" for name in answer.changed)
    words = wrapped(f"The function changes {names}, which belongs to the caller.")
    return f"{words}\nWrite a = a - b, not a -= b."


def _message(error: BaseException) -> str:
    """Return the words of an exception, also if it refuses to give them."""
    words = ""
    with suppress(BaseException):
        words = textwrap.shorten(str(error), 200, placeholder=" ...")
    return words or "no message"


# Prediction questions -------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Question:
    """A question to answer before one looks.

    Attributes
    ----------
    text : str
    options : tuple of str
        Each wrong one is something that people believe.
    answer : str
        Letter of the right option: "a" is the first.
    feedback : tuple of str
        For each option: why it is right, or what it overlooks and where to look.

    Raises
    ------
    ValueError
        If there is not one feedback for each option, an option is there twice, or `answer` is not the
        letter of one.

    Examples
    --------
    >>> sky = Question("What color is the sky at noon?", ("Green", "Blue"), "b", ("Look up.", "It scatters."))
    >>> sky
    What color is the sky at noon?
      (a) Green
      (b) Blue
    >>> sky.feedback_for("a")
    Not so. Look up.
    """

    text: str
    options: tuple[str, ...]
    answer: str
    feedback: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.feedback) != len(self.options) or len(set(self.options)) != len(self.options):
            raise ValueError(
                f"feedback must have one text for each of the options, which must differ; "
                f"got {len(self.options)} options and {len(self.feedback)} texts."
            )
        if self.answer not in self.letters:
            raise ValueError(f"answer must be one of {', '.join(self.letters)}; got {self.answer!r}.")

    @property
    def name(self) -> str:
        """The beginning of the text, by which the question is remembered."""
        return " ".join(self.text.split())[:60].rstrip()

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of the options: a, b, c, ..."""
        return tuple("abcdefghijklmnopqrstuvwxyz"[: len(self.options)])

    @property
    def labels(self) -> tuple[str, ...]:
        """The options with their letters in front."""
        pairs = zip(self.letters, self.options, strict=True)
        return tuple(f"({letter}) {' '.join(option.split())}" for letter, option in pairs)

    def __repr__(self) -> str:
        return "\n".join([wrapped(self.text), *(wrapped(label, "  ", "      ") for label in self.labels)])

    def feedback_for(self, option: str) -> Text:
        """Return what there is to say about an option, given by its letter or its text.

        Raises
        ------
        ValueError
            If there is no such option.
        """
        names = self.letters if option in self.letters else self.options
        if option not in names:
            raise ValueError(f"option must be one of {', '.join(self.letters)}; got {option!r}.")
        number = names.index(option)
        sign = "Right." if self.letters[number] == self.answer else "Not so."
        return Text(wrapped(f"{sign} {self.feedback[number]}"))

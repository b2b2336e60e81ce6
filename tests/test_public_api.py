"""What holds for every public function of the core: documented, tagged, and clear about bad input."""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dlhelpers import checks
from tests.valid_calls import calls

CORE = sorted((Path(__file__).resolve().parent.parent / "dlhelpers").glob("*.py"))
MODULES = [path.stem for path in CORE if path.stem not in ("__init__", "typing")]


def public(module: str) -> Iterator[tuple[str, Any]]:
    """Yield the public functions, classes and methods that a module of the core defines."""
    for name, thing in vars(importlib.import_module(f"dlhelpers.{module}")).items():
        if name.startswith("_") or getattr(thing, "__module__", "") != f"dlhelpers.{module}":
            continue
        if inspect.isfunction(thing) or inspect.isclass(thing):
            yield name, thing
        if inspect.isclass(thing) and not getattr(thing, "_is_protocol", False):
            for method, function in vars(thing).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    yield f"{name}.{method}", function


THINGS = [(f"{module}.{name}", thing) for module in MODULES for name, thing in public(module)]
IDS = [name for name, _ in THINGS]


# --------------------------------------------------------------------------------------- docstrings


def surroundings(name: str) -> str:
    """Return the docstrings of the module and of the class in which a function stands."""
    module = importlib.import_module(f"dlhelpers.{name.split('.')[0]}")
    classes = [getattr(module, part) for part in name.split(".")[1:-1]]
    return " ".join(inspect.getdoc(each) or "" for each in (module, *classes))


@pytest.mark.parametrize(("name", "thing"), THINGS, ids=IDS)
def test_docstring_names_every_argument_and_says_what_it_raises(name: str, thing: Any) -> None:
    doc = inspect.getdoc(thing)
    assert doc, f"{name} has no docstring"
    if inspect.isclass(thing) and not hasattr(thing, "__post_init__"):
        return  # a record or a protocol
    arguments = [each for each in inspect.signature(thing).parameters if each != "self"]
    refers = re.search(r"\bas in `|\bas `|[Aa]s of `|[Tt]hose of `|see `", doc)
    everything = doc + surroundings(name)
    for argument in arguments:
        assert re.search(rf"\b{argument}\b", everything) or refers, f"{name} does not document {argument!r}"
    if hasattr(thing, "__post_init__"):
        assert "Raises" in doc, f"{name} checks its fields and does not say what it raises"


@pytest.mark.parametrize(("name", "thing"), THINGS, ids=IDS)
def test_formula_tags_agree_with_the_code(name: str, thing: Any) -> None:
    if inspect.isclass(thing) and getattr(thing, "_is_protocol", False):
        return
    source = textwrap.dedent(inspect.getsource(thing))
    owner = ast.parse(source).body[0]
    in_doc = tags_in_doc(owner)
    if not in_doc:
        return  # no equations, or a method whose equations stand in its class
    assert in_doc == tags_in_code(thing, source), name


def tags_in_code(thing: Any, source: str) -> set[str]:
    """Return the numbers at the ends of lines, in a thing or else in what it calls from its own module.

    Methods and functions with equations of their own do not count.
    """
    owner = ast.parse(source).body[0]
    lines = source.splitlines()
    for method in owner.body if isinstance(owner, ast.ClassDef) else ():
        if isinstance(method, ast.FunctionDef) and tags_in_doc(method):
            lines[method.lineno - 1 : method.end_lineno] = [""] * (method.end_lineno - method.lineno + 1)
    found = set(re.findall(r"# (?:.*\s)?\((\d+)\)", "\n".join(lines)))
    module = inspect.getmodule(thing)
    for used in {node.id for node in ast.walk(owner) if isinstance(node, ast.Name)} if not found else ():
        helper = getattr(module, used, None)
        if helper is not thing and getattr(helper, "__module__", "") == getattr(module, "__name__", None):
            text = textwrap.dedent(inspect.getsource(helper))
            if not tags_in_doc(ast.parse(text).body[0]):
                found |= set(re.findall(r"# (?:.*\s)?\((\d+)\)", text))
    return found


def tags_in_doc(node: Any) -> set[str]:
    """Return the numbers of the equations in a docstring."""
    return set(re.findall(r"\\tag\{(\d+)\}", ast.get_docstring(node) or ""))


# ---------------------------------------------------------------------------------------- bad input

NOT_CALLED: dict[str, str] = {
    "showing.Code": "text, made by show_source",
    "showing.show_source": "for notebooks",
    **{f"checks.{name}": "the checks themselves: tests/test_checks.py" for name in vars(checks)},
    "datasets.data_folders": "takes nothing",
    "showing.Mark.beside": "for the page: words in HTML",
    "progress.best_score": "for games, with their own names",
    "progress.progress_file": "takes nothing",
    "progress.recall": "takes nothing",
    "progress.remember": "for exercises and questions, with their own names",
    "session.Session": "its settings are checked by Settings",
}
"""Public names without a valid call here, each with its reason."""

GARBAGE: list[Any] = [
    None,
    "x",
    "",
    float("nan"),
    float("inf"),
    -1,
    -0.5,
    0,
    2.5,
    True,
    1j,
    [],
    [1, "x"],
    {},
    (),
    (0,),
    object(),
    np.zeros(0),
    np.zeros((2, 2), dtype=int),
    np.zeros((3, 1), dtype=complex),
    np.array(["x"]),
    np.full((5, 2), np.nan),
    np.full((3, 5), np.inf),
    np.zeros((7, 7)),
    np.zeros((2, 3, 4, 5)),
    np.array(1.0),
]
LONGEST = 1200
"""No message has more letters, about 15 lines of 80, whatever came in."""
LONG = "long and\nwide " * 1_000
HUGE: list[Any] = [
    LONG,
    [LONG] * 2,
    {LONG: LONG},
    tuple(range(5_000)),
    dict.fromkeys(map(str, range(5_000))),
    np.array([LONG, LONG]),
    np.array([LONG] * 2, dtype=object),
    type("Talks", (), {"__repr__": lambda self: LONG})(),
    type("Fails", (), {"__repr__": lambda self: str(1 / 0)})(),
]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.floats(), max_size=3),
    arrays.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.bool_, np.complex128, np.dtype("U1")]),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    ),
)


class Calls(dict[str, Any]):
    """The valid calls; Hypothesis shows the arguments of a test that fails, and these would fill pages."""

    def __repr__(self) -> str:
        return f"{len(self)} calls"


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return Calls(calls(tmp_path_factory.mktemp("files")))


def names_of_calls(tmp: Path) -> list[tuple[str, str]]:
    return [(name, argument) for name, (_, arguments) in calls(tmp).items() for argument in arguments]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"call", "argument"} <= set(metafunc.fixturenames):
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            pairs = names_of_calls(Path(folder))
        metafunc.parametrize(("call", "argument"), pairs, ids=[f"{call}-{each}" for call, each in pairs])


def spoiled(valid: dict[str, Any], call: str, argument: str, value: Any) -> None:
    """Call with one argument replaced: it works, or says in the style of the house what is wrong."""
    function, arguments = valid[call]
    arguments = {**arguments, argument: value}
    try:
        result = function(**arguments)
        if inspect.isgenerator(result):
            next(result, None)
    except ValueError as error:
        text = str(error)
        assert re.search(r"\bmust\b|\bneeds?\b", text) and "got" in text, (
            f"{call}({argument}=...): {text[:500]}"
        )
        named = [each for each in arguments if re.search(rf"\b{each}\b", text)]
        assert named, f"{call}({argument}=...) names no argument: {text[:500]}"
        assert len(text) <= LONGEST and text.count("\n") <= 4, (
            f"{call}({argument}=...) says {len(text)} letters"
        )
    except FileNotFoundError as error:
        assert argument == "path", error


def test_every_wrong_argument_gives_a_clear_error(
    valid: dict[str, Any], call: str, argument: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # where a name such as "x" may become a file
    wrong = []
    for value in GARBAGE + HUGE:
        try:
            spoiled(valid, call, argument, value)
        except Exception as error:
            wrong.append(f"{checks.shown(value)}: {type(error).__name__}: {str(error)[:200]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow  # the 26 ways above are what a reader would do; these are wilder
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=ANYTHING)
def test_anything_at_all_gives_a_clear_error_or_works(
    valid: dict[str, Any], call: str, argument: str, value: Any
) -> None:
    if argument != "path":
        spoiled(valid, call, argument, value)


def test_every_public_function_has_a_valid_call(valid: dict[str, Any]) -> None:
    records = {
        name for name, thing in THINGS if inspect.isclass(thing) and not hasattr(thing, "__post_init__")
    }
    missing = [name for name in IDS if name not in records and name not in valid and name not in NOT_CALLED]
    assert not missing


def test_valid_calls_work(valid: dict[str, Any]) -> None:
    for function, arguments in valid.values():
        function(**arguments)

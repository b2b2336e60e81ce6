"""The script that breaks every term once, on a tiny package in a temporary folder."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="the script needs fork and limits of processor time")

from tools import break_terms
from tools.break_terms import Project, mutants, read_equivalent

SOURCE = '''"""A tiny core."""
import numpy as np

def mean(x: float, y: float, weight: float = 0.5) -> float:
    """Return weight x + (1 - weight) y.

    >>> mean(4.0, 8.0, 0.25)
    7.0
    """
    if weight < 0:
        raise ValueError(f"weight must be {0 + 0} or more; got {weight + 0}")
    return weight * x + (1 - weight) * y
'''
STRONG = """
import pytest
from dlhelpers.means import mean

def test_mean():
    assert mean(4.0, 8.0, 0.25) == 7.0
    assert mean(4.0, 8.0) == 6.0
    assert mean(4.0, 8.0, 0) == 8.0
    with pytest.raises(ValueError):
        mean(4.0, 8.0, -1e-9)
"""
# Then the doctest alone looks: it misses the default, and a weight of 0.
WEAK = "def test_nothing(): pass\n"
LOOP = (
    '"""A loop."""\ndef count(n: int) -> int:\n    i = 0\n    while i != n:\n        i += 1\n    return i\n'
)


def changes(source: str) -> set[str]:
    """Return the altered statements of a source."""
    return {mutant.altered for mutant in mutants("tiny", ast.parse(source))}


def tiny(folder: Path, test: str, source: str = SOURCE, name: str = "means") -> Path:
    """Write a repository with one module and its test."""
    for path, text in {
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["--doctest-modules"]\n',
        "dlhelpers/__init__.py": "",
        f"dlhelpers/{name}.py": source,
        f"tests/test_{name}.py": test,
    }.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def run(root: Path, *arguments: str) -> tuple[int, str]:
    """Run the script on a repository; return its exit code and what it prints."""
    program = "import sys; from tools import break_terms as b; b.SLACK = 0.5; sys.exit(b.main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "--root", str(root), "--workers", "1", *arguments]
    done = subprocess.run(command, cwd=break_terms.ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


# ---------------------------------------------------------------------------------------- alterations


def test_alterations_of_a_small_source():
    line = "return weight * x + (1 - weight) * y"
    assert {mutant.original for mutant in mutants("tiny", ast.parse(SOURCE))} == {
        "x: float, y: float, weight: float=0.5",
        "weight < 0",
        line,
    }
    assert changes(SOURCE) == {
        "x: float, y: float, weight: float=1.0",
        "weight <= 0",
        "weight < 1",
        "return weight * x - (1 - weight) * y",
        "return weight * x",
        "return (1 - weight) * y",
        "return weight / x + (1 - weight) * y",
        "return weight + (1 - weight) * y",
        "return x + (1 - weight) * y",
        "return weight * x + (1 - weight) / y",
        "return weight * x + (1 - weight)",
        "return weight * x + y",
        "return weight * x + (1 + weight) * y",
        "return weight * x + 1 * y",
        "return weight * x + -weight * y",
        "return weight * x + (2 - weight) * y",
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a ** 2", {"a * 2", "a", "a ** 3"}),
        ("a / b", {"a * b", "a", "1 / b"}),
        ("a // b", {"a / b", "a"}),
        ("a % b", {"a * b", "a"}),
        ("W @ A.T", {"W", "A.T", "W @ A"}),
        ("A.swapaxes(-1, -2)", {"A"}),
        ("-a", {"a"}),
        ("a += b", {"a -= b", "pass"}),
        ("x[-1]", {"x[1]", "x[-2]"}),
        ("0.9 * t", {"0.9 / t", "0.9", "t", "0.45 * t"}),
        ("1e-08", {"2e-08"}),
        ("0.0", {"1.0"}),
        ("0 <= a < n", {"0 < a < n", "0 <= a <= n", "1 <= a < n"}),
        ("a == b", {"a != b"}),
        ("not a", {"a"}),
        ("a and b", {"a or b", "a", "b"}),
        ("keep & ~old", {"keep | ~old", "keep", "~old", "keep & old"}),
        ("x.sum(axis=-1)", {"x.mean(axis=-1)", "x.sum(axis=-2)"}),
        ("x.sum(axis=(0, 1))", {"x.mean(axis=(0, 1))", "x.sum(axis=0)", "x.sum(axis=1)"}),
        ("np.maximum(a, b)", {"np.minimum(a, b)", "a", "b"}),
        ("np.maximum.accumulate(a)", {"np.minimum.accumulate(a)"}),
        ("np.exp(a)", {"a"}),
        ("x.clip(a, b)", {"x"}),
        ("max(a, b)", {"min(a, b)"}),
        ("np.where(c, a, b)", {"np.where(c, b, a)"}),
        ("f(lambda t: t + s)", {"f(lambda t: t - s)", "f(lambda t: t)", "f(lambda t: s)"}),
    ],
)
def test_alterations_of_one_expression(source, expected):
    assert changes(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "'a' + 'b'",
        "f'{a + 1}' + name",
        "'%s' % name",
        "Number = float | FloatArray | Callable[[int], float]",
        "isinstance(a, int | float)",
        "raise ValueError(a + 1)",
        "a is None",
        "name == 'tanh'",
        "def f(a: Literal[1]) -> Literal[2]: ...",
        "@lru_cache(maxsize=8)\ndef f(a): ...",
        "warn(text, stacklevel=2)",
        "keep = True",
    ],
)
def test_what_is_not_arithmetic_stays(source):
    assert changes(source) == set()


def test_every_alteration_compiles_and_leaves_no_trace():
    tree = ast.parse(Project(break_terms.ROOT).core["losses"].read_bytes())
    before = ast.unparse(tree)
    found = mutants("losses", tree)
    assert len({(mutant.line, *mutant.key) for mutant in found}) == len(found) > 50
    for mutant in found:
        ast.parse(mutant.altered)
    assert ast.unparse(tree) == before


def test_the_tests_of_a_module_are_its_own_and_those_that_reach_it(tmp_path):
    tiny(tmp_path, STRONG)
    for path, text in {
        "dlhelpers/sums.py": "from dlhelpers.means import mean",
        "dlhelpers/other.py": "",
        "dlhelpers/plots/__init__.py": "",
        "tests/test_sums.py": "from dlhelpers import sums",
        "tests/test_other.py": "from dlhelpers.other import f",
        "tests/test_all.py": "import dlhelpers",
        "tests/test_calls.py": "from tests.helper import calls",
        "tests/helper.py": "from dlhelpers import means",
        "tests/test_drawing.py": "from dlhelpers.means import mean; from dlhelpers.plots import style",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    project = Project(tmp_path)
    assert [path.name for path in project.own_tests("means")] == ["test_means.py", "means.py"]
    assert [path.name for path in project.other_tests("means")] == [
        "test_all.py",
        "test_calls.py",
        "test_sums.py",
        "sums.py",
    ]


# --------------------------------------------------------------------------------------------- runs


def test_a_strong_test_notices_everything(tmp_path):
    code, text = run(tiny(tmp_path, STRONG))
    assert "0 of 16 altered terms are noticed by no test: 0.0 %" in text
    assert code == 0


def test_a_weak_test_leaves_survivors_and_doctests_count(tmp_path):
    root = tiny(tmp_path, WEAK)
    code, text = run(root, "--verbose", "means")
    assert "dlhelpers/means.py::dlhelpers.means.mean" in text
    assert "2 of 16 altered terms are noticed by no test: 12.5 %" in text
    assert text.count("dlhelpers/means.py:10\n    weight < 0\n -> weight <= 0\n") == 2  # once as it runs
    assert code == 1


def test_an_explained_survivor_is_counted_and_a_stale_explanation_is_named(tmp_path):
    root = tiny(tmp_path, WEAK)
    (root / "tools").mkdir()
    (root / "tools" / "break_terms_equivalent.txt").write_text(
        "# A comment.\n\nmeans.py\n  weight < 0\n  weight <= 0\n  A reason\n  of two lines.\n\n"
        "means.py\n  weight > 0\n  weight >= 0\n  No longer there.\n",
        encoding="utf-8",
    )
    code, text = run(root, "--goal", "20")
    assert "-> weight <= 0\n  = A reason of two lines.\n" in text
    assert "2 of 16" in text and "(1 of them" in text
    assert text.endswith("no longer there:\n    means.py\n    weight > 0\n    weight >= 0\n")
    assert code == 1


def test_an_endless_loop_counts_as_noticed(tmp_path):
    root = tiny(tmp_path, "from dlhelpers.loops import count\ndef test_count(): count(2)\n", LOOP, "loops")
    assert run(root, "--list")[1].count("dlhelpers/loops.py") == 5
    _, text = run(root)
    assert "5 altered,    3 not noticed,   2 timeouts" in text


def test_failing_tests_are_named_before_anything_is_broken(tmp_path):
    code, text = run(tiny(tmp_path, "def test_wrong(): assert False\n"))
    assert code == 1
    assert "tests/test_means.py must pass before terms are broken" in text
    assert "test_wrong" in text


def test_an_unknown_module_is_named(tmp_path):
    code, text = run(tiny(tmp_path, STRONG), "medians")
    assert code == 2
    assert "no such module: medians; there are means" in text


def test_an_entry_without_a_reason_is_refused(tmp_path):
    path = tmp_path / "equivalent.txt"
    path.write_text("means.py\n  weight < 0\n  weight <= 0\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="needs file, before, after and a reason"):
        read_equivalent(path)
    assert read_equivalent(tmp_path / "none.txt") == {}

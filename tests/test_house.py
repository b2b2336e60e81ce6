"""The repository itself: ranges and lock agree, commands exist, files are clean, notebooks are complete."""

import ast
import importlib
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import NotebookNode
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CORE = sorted((ROOT / "dlhelpers").glob("*.py"))

AS_PEOPLE_HAVE_THEM = ROOT / "tests" / "tables"
"""Files in any encoding, with any line ends; tests/test_tables.py holds each to its bytes."""
BINARY = {".png", ".npz", ".gif", ".ico", ".jpg"}
IGNORED_FOLDERS = {
    ".git",
    ".hypothesis",
    ".venv",
    ".venv-parity",
    "artifacts",
    "build",
    "dist",
    "node_modules",
    "screenshots",
}
# Joined here, so that this file passes its own test.
REGISTRY_HOSTS = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "org"))
]
LOCAL_PATH = re.compile(r"(?<![\w.:/-])(?:/(?:home|root|Users|work)|[A-Z]:\\Users)[/\\]\w")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------- dependencies


def ranges(requirements: list[str]) -> dict[str, SpecifierSet]:
    """Return the range of each package by its normalized name."""
    parsed = [Requirement(text) for text in requirements]
    return {re.sub(r"[-_.]+", "-", each.name).lower(): each.specifier for each in parsed}


def declared() -> dict[str, SpecifierSet]:
    return ranges(PROJECT["dependencies"] + EXTRAS["notebooks"] + EXTRAS["tests"])


def test_environment_has_the_ranges_of_pyproject() -> None:
    environment = yaml.safe_load(read("environment.yml"))
    assert environment["name"] == PROJECT["name"]
    *conda, with_pip = environment["dependencies"]
    *others, this_package = with_pip["pip"]
    assert this_package == "-e ."
    found = ranges(conda + others)
    assert found.pop("python") == SpecifierSet(PROJECT["requires-python"])
    del found["pip"]
    assert found == declared()


def test_every_range_has_a_lower_bound() -> None:
    for name, specifier in declared().items():
        assert any(part.operator == ">=" for part in specifier), name


def test_lock_satisfies_the_ranges() -> None:
    lines = [line for line in read("requirements.lock").splitlines() if not line.startswith("#")]
    pinned: dict[str, list[Requirement]] = {}
    for requirement in map(Requirement, lines):
        pinned.setdefault(requirement.name, []).append(requirement)
    for name, specifier in declared().items():
        assert name in pinned, f"{name} is not in requirements.lock: run `make lock`"
        for requirement in pinned[name]:
            (exact,) = requirement.specifier
            assert exact.operator == "==", requirement
            assert specifier.contains(exact.version), f"{requirement} is outside {specifier}: run `make lock`"
        assert any(each.marker is None or each.marker.evaluate() for each in pinned[name]), name


# ----------------------------------------------------------------------------- README and versions


def targets() -> set[str]:
    """Return the Makefile's commands."""
    return set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))


def test_help_lists_every_command() -> None:
    text = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True).stdout
    assert targets() == set(re.findall(r"^make ([a-z-]+) +\w", text, flags=re.MULTILINE))


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_commands_in_documents_exist(document: str) -> None:
    code = re.findall(r"^```.*?^```|`[^`\n]+`", read(document), flags=re.MULTILINE | re.DOTALL)
    named = {command for part in code for command in re.findall(r"\bmake ([a-z][a-z-]*)", part)}
    assert named <= targets()
    if document == "README.md":
        assert {"lab", "test"} <= named, "the README gives the two commands, `make lab` and `make test`"


def test_one_version_everywhere() -> None:
    version = PROJECT["version"]
    package = importlib.import_module("dlhelpers")
    citation = yaml.safe_load(read("CITATION.cff"))
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", read("CHANGELOG.md"), flags=re.MULTILINE)
    assert newest, "CHANGELOG.md has no heading such as `## 0.1.0`"
    assert (package.__version__, str(citation["version"]), newest[1]) == (version, version, version)


# --------------------------------------------------------------------------------------------- files


def text_files() -> list[Path]:
    """Return the files that are in git or could be added; in an unpacked archive, all but caches."""
    git = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(git, capture_output=True, check=True).stdout.decode().split("\0")
        paths = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for path in ROOT.rglob("*") if not skipped(path.relative_to(ROOT))]
    return sorted(
        path
        for path in paths
        if path.is_file()
        and path.suffix not in BINARY
        and (path.parent != AS_PEOPLE_HAVE_THEM or path.suffix == ".py")
    )


def skipped(path: Path) -> bool:
    return any(part in IGNORED_FOLDERS or part.endswith(("cache", "cache__")) for part in path.parts)


def test_files_are_utf8_with_unix_line_ends() -> None:
    for path in text_files():
        content = path.read_bytes()
        content.decode("utf-8")
        assert b"\r" not in content, f"{path}: carriage return"
        assert not content.startswith(b"\xef\xbb\xbf"), f"{path}: byte order mark"
        assert not content or content.endswith(b"\n"), f"{path}: no newline at the end"


def test_files_name_no_registry_host_and_no_local_path() -> None:
    for path in text_files():
        text = path.read_text(encoding="utf-8")
        for host in REGISTRY_HOSTS:
            assert host not in text, f"{path} names {host}"
        found = LOCAL_PATH.search(text)
        assert not found, f"{path} holds a local path: {text[found.start() : found.start() + 60]!r}"


def test_data_folder_holds_tables_and_their_description_only() -> None:
    """The wheel takes the folder as a whole."""
    names = {path.name for path in (ROOT / "data").iterdir()}
    assert "README.md" in names
    assert all(name.endswith((".csv", ".npz")) for name in names - {"README.md"}), names


# ------------------------------------------------------------------------------------------ imports


def imports(path: Path) -> Iterator[str]:
    """Yield the top-level name of everything that a module imports, inside its functions as well."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0] if node.level == 0 else "dlhelpers"


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_core_imports_numpy_and_the_standard_library_only(path: Path) -> None:
    allowed = {"dlhelpers", "numpy", *sys.stdlib_module_names}
    if path.name == "showing.py":
        allowed.add("IPython")  # in a function that only notebooks call
    if path.name == "tables.py":
        allowed.add("pandas")  # in a function that reads a table of one's own
    assert set(imports(path)) <= allowed


def test_core_loads_no_drawing_and_no_widgets() -> None:
    modules = ["dlhelpers" if path.stem == "__init__" else f"dlhelpers.{path.stem}" for path in CORE]
    heavy = (
        "matplotlib",
        "ipywidgets",
        "IPython",
        "traitlets",
        "threadpoolctl",
        "pandas",
        "scipy",
        "sklearn",
    )
    assert loaded_by(modules).isdisjoint(heavy)


def test_nothing_loads_pyplot() -> None:
    files = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "dlhelpers").rglob("*.py")]
    modules = [".".join(path.parts).removesuffix(".__init__") for path in files]
    assert "matplotlib.pyplot" not in loaded_by(modules)


def loaded_by(modules: list[str]) -> set[str]:
    """Return the names of all modules that a fresh interpreter has after importing `modules`."""
    code = f"import importlib, sys; [importlib.import_module(m) for m in {modules!r}]; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


# ---------------------------------------------------------------------------------------- notebooks


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> NotebookNode:
    return nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_lines(cell: NotebookNode) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def test_notebook_is_valid_with_unique_ids(notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


def test_notebook_was_run_in_order(notebook: NotebookNode) -> None:
    """A cell without a count is not compared by nbval."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_notebook_holds_no_widget_state_and_no_errors(notebook: NotebookNode) -> None:
    assert "widgets" not in notebook.metadata
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", cell.source
            assert not any("widget" in mime for mime in output.get("data", {})), cell.source


def test_pictures_have_a_text_alternative(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert output.metadata.get("image/png", {}).get("alt", "").strip(), cell.source


def test_cells_are_short(notebook: NotebookNode) -> None:
    lines = [code_lines(cell) for cell in code_cells(notebook)]
    for cell, count in zip(code_cells(notebook), lines, strict=True):
        assert 1 <= count <= 12, f"{count} lines:\n{cell.source}"
    assert statistics.median(lines) <= 4, lines


def test_the_program_of_the_readme_runs() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", read("README.md"), flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(program, names)
    assert names["accuracy"] > 0.9  # type: ignore[operator]

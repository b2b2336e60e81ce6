"""Build the notebooks: read notebooks/src/*.py, run every cell, write notebooks/*.ipynb.

    python tools/build_notebooks.py                 all of them
    python tools/build_notebooks.py 01              those whose name starts with 01
    python tools/build_notebooks.py --check         say where committed notebooks differ from their source
    python tools/build_notebooks.py --output DIR    write elsewhere

The sources are in jupytext's percent format. A build holds the outputs that a reader without a kernel
sees, and nothing that changes from one build to the next: two builds on one machine give the same bytes,
but for the picture of milliseconds in 06a.  An exception or text on stderr fails the build. `--check` runs
no cell; `pytest --nbval` compares the outputs.
"""

import argparse
import ast
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
SOURCES = NOTEBOOKS / "src"
CELL_TIMEOUT = 300  # seconds; a reader would not wait that long

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}


class BuildError(Exception):
    """A notebook cannot be built; the message says where and why."""


# ------------------------------------------------------------------------------------------ source


def read_source(path: Path) -> NotebookNode:
    """Read a percent-format source as a notebook without outputs, with stable ids and metadata."""
    try:
        notebook = jupytext.read(path, fmt="py:percent")
    except nbformat.ValidationError as error:
        raise BuildError(f"{path.stem}: the header of the source is not valid: {error.message}") from None
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(METADATA)
    taken: set[str] = set()
    for cell in notebook.cells:
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's own bookkeeping
        if cell.cell_type == "code" and only_imports(cell.source):
            cell.metadata["jupyter"] = {"source_hidden": True}  # folded: a reader needs no import to begin
        cell.id = cell_id(path.stem, cell, taken)
        taken.add(cell.id)
    return notebook


def only_imports(source: str) -> bool:
    """Return whether a cell has imports and nothing else."""
    try:
        lines = ast.parse(source).body
    except SyntaxError:  # a magic command
        return False
    return bool(lines) and all(isinstance(line, ast.Import | ast.ImportFrom) for line in lines)


def cell_id(stem: str, cell: NotebookNode, taken: set[str]) -> str:
    """Return an id that stays when cells are added around this one: the notebook and a hash of the text.

    A source may give its own instead: `# %% id="decomposition-lab"`.
    """
    own = cell.metadata.pop("id", None)
    if own is not None:
        if own in taken:
            raise BuildError(f"{stem}: two cells have the id {own!r}; give one of them another.")
        return str(own)
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    name = f"{stem.split('_')[0]}-{digest}"
    copies = sum(other == name or other.startswith(f"{name}-") for other in taken)
    return f"{name}-{copies + 1}" if copies else name


# --------------------------------------------------------------------------------------- execution


def execute(notebook: NotebookNode, name: str, folder: Path) -> None:
    """Run all cells in a fresh kernel of this interpreter, in `folder`; fail on errors and on stderr."""
    with tempfile.TemporaryDirectory() as profile:
        client = NotebookClient(
            notebook,
            # Without folders of kernel specs there is one kernel: ipykernel of the running interpreter.
            km=AsyncKernelManager(
                kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[])
            ),
            timeout=CELL_TIMEOUT,
            resources={"metadata": {"path": str(folder)}},
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR"],
        )
        try:
            client.execute(env=kernel_environment(profile), cleanup_kc=True)  # the kernel is ours to stop
        except CellExecutionError as error:
            raise BuildError(f"{name}: {failure(notebook, error)}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise BuildError(f"{name}: {plain(str(error))}") from None
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                raise BuildError(f"{name}: {report(number, cell, 'wrote to stderr', output.text)}")


def kernel_environment(profile: str) -> dict[str, str]:
    """Return the kernel's environment: this checkout's dlhelpers, nothing of the user's, fixed hashes."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONHASHSEED": "0",
        "IPYTHONDIR": profile,
        "DLHELPERS_DATA": profile,
    }


def failure(notebook: NotebookNode, error: Exception) -> str:
    """Describe a failed run in words: the cell's source and its traceback."""
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                traceback = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
                return report(number, cell, f"raised {output.ename}", plain(traceback))
    return plain(str(error))


def report(number: int, cell: NotebookNode, what: str, output: str) -> str:
    return f"cell {number} {what}. The cell:\n\n{indent(cell.source)}\n\nWhat came:\n\n{indent(output)}\n"


def indent(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip().splitlines())


def plain(text: str) -> str:
    """Return the text without the codes that color it in a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# ------------------------------------------------------------------------------------- normal form


def normalize(notebook: NotebookNode) -> None:
    """Remove what a viewer without a kernel cannot show and what differs from build to build."""
    notebook.metadata = nbformat.from_dict(METADATA)
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code_cells, start=1):
        cell.execution_count = count
        cell.metadata.pop("execution", None)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            if "data" in output:
                output.data.pop(WIDGET_VIEW, None)
        cell.outputs = [output for output in cell.outputs if output.get("data") != {}]


def build(source: Path, folder: Path = NOTEBOOKS) -> str:
    """Return the text of the built notebook, after running its cells in `folder`."""
    notebook = read_source(source)
    execute(notebook, source.stem, folder)
    normalize(notebook)
    nbformat.validate(notebook)
    return nbformat.writes(notebook).rstrip("\n") + "\n"  # keys sorted, indented by one


# ------------------------------------------------------------------------------------- drift check


def drift(source: Path, built: Path) -> list[str]:
    """Return how the built notebook differs from its source, outputs aside; empty if it does not."""
    if not built.exists():
        return [f"{built.name} has not been built"]
    expected, found = read_source(source), nbformat.read(built, as_version=nbformat.NO_CONVERT)
    if len(expected.cells) != len(found.cells):
        return [f"{built.name} has {len(found.cells)} cells, its source has {len(expected.cells)}"]
    complaints = [
        f"{built.name}, cell {number}: {key} differs from the source"
        for number, (want, got) in enumerate(zip(expected.cells, found.cells, strict=True), start=1)
        for key in ("cell_type", "source", "id", "metadata")
        if want.get(key) != got.get(key)
    ]
    if (found.nbformat, found.nbformat_minor, found.metadata) != (4, 5, expected.metadata):
        complaints.append(f"{built.name}: the notebook's metadata or format differ from the build's")
    return complaints


def orphans(sources: Sequence[Path], folder: Path) -> list[str]:
    """Return a complaint for each built notebook that has no source."""
    stems = {source.stem for source in sources}
    return [f"{path.name} has no source" for path in sorted(folder.glob("*.ipynb")) if path.stem not in stems]


# ------------------------------------------------------------------------------------ command line


def find_sources(names: Sequence[str], folder: Path = SOURCES) -> list[Path]:
    """Return the sources whose name starts with one of `names`; all if there are none."""
    sources = sorted(folder.glob("*.py"))
    starts = [Path(name).stem for name in names]
    for start in starts:
        if not any(source.stem.startswith(start) for source in sources):
            known = ", ".join(source.stem for source in sources) or "none"
            raise BuildError(f"no notebook's name starts with {start!r}; there are: {known}")
    return [source for source in sources if not starts or source.stem.startswith(tuple(starts))]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the notebooks from notebooks/src/.")
    parser.add_argument("names", nargs="*", help="starts of names, such as 01; default: all notebooks")
    parser.add_argument("--output", type=Path, default=NOTEBOOKS, metavar="DIR", help="where to write")
    parser.add_argument("--check", action="store_true", help="compare with the sources, run nothing")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    try:
        sources = find_sources(options.names)
        if options.check:
            return check(sources, options)
        options.output.mkdir(parents=True, exist_ok=True)
        for source in sources:
            target = options.output / f"{source.stem}.ipynb"
            target.write_text(build(source), encoding="utf-8", newline="\n")
            print(f"built {source.stem}", flush=True)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def check(sources: Sequence[Path], options: argparse.Namespace) -> int:
    """Print where the notebooks in options.output have drifted from their sources; return the exit code."""
    complaints = [line for path in sources for line in drift(path, options.output / f"{path.stem}.ipynb")]
    if not options.names:
        complaints += orphans(sources, options.output)
    if complaints:
        print(*complaints, "Run `make notebooks`.", sep="\n", file=sys.stderr)
        return 1
    print(f"{len(sources)} notebook(s) agree with their sources")
    return 0


if __name__ == "__main__":
    sys.exit(main())

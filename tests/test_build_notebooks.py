"""The builder of the notebooks, on tiny notebooks in a temporary folder."""

import json
import sys
from pathlib import Path

import pytest

from tools import build_notebooks
from tools.build_notebooks import BuildError, build, drift, execute, normalize, read_source

LAB = """\
# %% [markdown]
# # A tiny notebook

# %% tags=["lab"]
import sys
import ipywidgets

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63"
    "6460f85f0f0002870180eb47ba920000000049454e44ae426082"
)

class Lab(ipywidgets.VBox):
    def _repr_mimebundle_(self, **options):
        view = super()._repr_mimebundle_(**options)
        data = {**view, "text/plain": "The error is 0.25.", "image/png": PIXEL}
        return data, {"image/png": {"alt": "The error is 0.25."}}

Lab()

# %%
print("first"); print("second")
{name for name in "abcdefgh"}  # a set's order depends on the hash seed

# %%
sys.executable
"""


def write(folder: Path, text: str, name: str = "01_tiny") -> Path:
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("src"), LAB)


@pytest.fixture(scope="module")
def built(source: Path) -> str:
    return build(source, source.parent)


def test_two_builds_give_the_same_bytes(source: Path, built: str) -> None:
    assert build(source, source.parent) == built


def test_a_lab_keeps_its_picture_and_its_caption_but_not_its_view(built: str) -> None:
    notebook = json.loads(built)
    (output,) = notebook["cells"][1]["outputs"]
    assert set(output["data"]) == {"image/png", "text/plain"}
    assert output["data"]["text/plain"] == ["The error is 0.25."]
    assert output["metadata"] == {"image/png": {"alt": "The error is 0.25."}}
    assert "widgets" not in notebook["metadata"]
    assert notebook["cells"][1]["metadata"] == {"tags": ["lab"]}


def test_counts_streams_and_interpreter(built: str) -> None:
    markdown, lab, printed, executable = json.loads(built)["cells"]
    assert markdown["cell_type"] == "markdown"
    assert [cell["execution_count"] for cell in (lab, printed, executable)] == [1, 2, 3]
    assert printed["outputs"][0] == {
        "name": "stdout",
        "output_type": "stream",
        "text": ["first\n", "second\n"],
    }
    assert executable["outputs"][0]["data"]["text/plain"] == [repr(sys.executable)]


def test_an_output_that_is_only_a_widget_view_is_dropped(source: Path) -> None:
    notebook = read_source(source)
    view = {"output_type": "display_data", "data": {build_notebooks.WIDGET_VIEW: {}}, "metadata": {}}
    notebook.cells[1].outputs = [build_notebooks.nbformat.from_dict(view)]
    normalize(notebook)
    assert notebook.cells[1].outputs == []


def test_an_exception_fails_the_build_with_cell_and_traceback(tmp_path: Path) -> None:
    path = write(tmp_path, "# %%\nx = 0\n\n# %%\ny = 1 / x\n")
    with pytest.raises(BuildError) as failure:
        build(path, tmp_path)
    message = str(failure.value)
    assert message.startswith("01_tiny: cell 2 raised ZeroDivisionError")
    assert "    y = 1 / x" in message
    assert "division by zero" in message
    assert "\x1b" not in message


def test_stderr_fails_the_build(tmp_path: Path) -> None:
    path = write(tmp_path, "# %%\nimport warnings\n\nwarnings.warn('too hot')\n")
    with pytest.raises(BuildError, match=r"(?s)01_tiny: cell 1 wrote to stderr.*too hot"):
        build(path, tmp_path)


def test_a_slow_cell_fails_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_notebooks, "CELL_TIMEOUT", 1)
    path = write(tmp_path, "# %%\nimport time\n\ntime.sleep(60)\n")
    with pytest.raises(BuildError, match=r"(?s)timed out.*time\.sleep\(60\)"):
        execute(read_source(path), "01_tiny", tmp_path)


def test_ids_are_unique_and_stay_when_a_cell_is_added(tmp_path: Path) -> None:
    before = write(tmp_path, "# %%\na = 1\n\n# %%\na = 1\n\n# %%\na = 1\n")
    ids = [cell.id for cell in read_source(before).cells]
    assert len(set(ids)) == 3
    after = write(tmp_path, "# %%\nnew = 2\n\n" + before.read_text(encoding="utf-8"))
    assert [cell.id for cell in read_source(after).cells][1:] == ids


def test_a_cell_may_have_its_own_id(tmp_path: Path) -> None:
    path = write(tmp_path, '# %% id="lab-1"\n1\n')
    (cell,) = read_source(path).cells
    assert cell.id == "lab-1"
    assert "id" not in cell.metadata
    twice = write(tmp_path, '# %% id="lab-1"\n1\n\n# %% id="lab-1"\n2\n')
    with pytest.raises(BuildError, match="two cells have the id 'lab-1'"):
        read_source(twice)


def test_a_cell_of_imports_is_folded(tmp_path: Path) -> None:
    path = write(
        tmp_path, "# %%\nimport os\n\nfrom os import path\n\n# %%\nimport os\nos.sep\n\n# %%\n%pip list\n"
    )
    folded = [cell.metadata.get("jupyter") for cell in read_source(path).cells]
    assert folded == [{"source_hidden": True}, None, None]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("0.25", "0.26", "cell 2: source differs"),
        ("a set's order", "its order", "cell 3: source differs"),
        ('tags=["lab"]', 'tags=["hidden"]', "cell 2: metadata differs"),
        ("# %%\nsys.executable", "# %% [markdown]\n# sys.executable", "cell 4: cell_type differs"),
        ("# %%\nsys.executable", "", "has 4 cells, its source has 3"),
    ],
)
def test_drift_sees_a_changed_source(tmp_path: Path, built: str, old: str, new: str, complaint: str) -> None:
    notebook = tmp_path / "01_tiny.ipynb"
    notebook.write_text(built, encoding="utf-8")
    assert drift(write(tmp_path, LAB), notebook) == []
    complaints = drift(write(tmp_path, LAB.replace(old, new)), notebook)
    assert any(complaint in line for line in complaints), complaints


def test_drift_sees_a_changed_notebook(tmp_path: Path, source: Path, built: str) -> None:
    notebook = tmp_path / "01_tiny.ipynb"
    assert drift(source, notebook) == ["01_tiny.ipynb has not been built"]
    content = json.loads(built)
    content["metadata"]["language_info"]["version"] = "3.11.7"
    notebook.write_text(json.dumps(content), encoding="utf-8")
    (complaint,) = drift(source, notebook)
    assert "the notebook's metadata" in complaint


def test_command_line(
    tmp_path: Path, built: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "built"
    write(tmp_path, LAB)
    monkeypatch.setattr(build_notebooks, "find_sources", lambda names: sorted(tmp_path.glob("*.py")))
    check = ["--check", "--output", str(output)]

    assert build_notebooks.main(check) == 1
    assert "01_tiny.ipynb has not been built\nRun `make notebooks`." in capsys.readouterr().err

    monkeypatch.setattr(build_notebooks, "build", lambda source: built)
    assert build_notebooks.main(["--output", str(output)]) == 0
    assert (output / "01_tiny.ipynb").read_bytes() == built.encode()
    assert build_notebooks.main(check) == 0

    (output / "02_stray.ipynb").write_text("{}", encoding="utf-8")
    assert build_notebooks.main(check) == 1
    assert "02_stray.ipynb has no source" in capsys.readouterr().err


def test_find_sources_by_the_start_of_a_name(tmp_path: Path) -> None:
    first, second = write(tmp_path, "", "01_one"), write(tmp_path, "", "02_two")
    assert build_notebooks.find_sources([], tmp_path) == [first, second]
    assert build_notebooks.find_sources(["02"], tmp_path) == [second]
    assert build_notebooks.find_sources(["notebooks/01_one.ipynb"], tmp_path) == [first]
    with pytest.raises(BuildError, match="there are: 01_one, 02_two"):
        build_notebooks.find_sources(["03"], tmp_path)

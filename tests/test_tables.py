"""A table of one's own: what is understood of it, and what is refused."""

from pathlib import Path

import numpy as np
import pandas
import pytest

from dlhelpers.columns import MISSING_VALUES, TableData, classes_of, read_examples
from dlhelpers.datasets import breast_cancer
from dlhelpers.points import Points
from dlhelpers.session import Session
from dlhelpers.settings import Settings
from dlhelpers.sharing import from_text, to_text
from dlhelpers.tables import Table, read_table
from tests.tables.make_tables import CASES, FOLDER, ROWS, text

UNDERSTOOD = {name: case for name, case in CASES.items() if case.target}
FLOWERS = read_examples(read_table(text(ROWS)))


def test_there_are_forty_and_more():
    assert len(CASES) >= 40 and len(UNDERSTOOD) >= 30


@pytest.mark.parametrize("name", CASES)
def test_the_files_are_what_the_script_writes(name):
    assert (FOLDER / name).read_bytes() == CASES[name].content


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_a_table_as_people_have_it_is_understood(name):
    case = UNDERSTOOD[name]
    examples = read_examples(read_table(FOLDER / name))
    assert (examples.target, examples.data.class_names) == (case.target, case.classes)
    assert examples.data.feature_names == case.features
    assert examples.data.X.shape == (case.rows, 2) and np.isfinite(examples.data.X).all()
    for part in case.said:
        assert any(part in note for note in examples.notes), examples.notes
    same = case.features == ("height", "width") and case.classes == ("iris", "lily", "rose")
    if same and case.rows == 30:
        np.testing.assert_array_equal(examples.data.X, FLOWERS.data.X)
        np.testing.assert_array_equal(examples.data.y, FLOWERS.data.y)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.target])
def test_a_table_that_cannot_be_used_is_refused_with_the_next_move(name):
    with pytest.raises(ValueError) as error:
        read_examples(read_table(FOLDER / name))
    for part in CASES[name].said:
        assert part in str(error.value)
    assert len(str(error.value)) < 400


# ---------------------------------------------------------------------------- the same table, otherwise


def own_run(frame, **choices):
    """Return the losses and accuracies of a network that is trained on a table."""
    points = read_examples(read_table(frame), **choices).points
    session = Session(Settings(data="own", hidden=(4,)), points)
    losses = [session.now.loss, *(session.advance() or session.now.loss for _ in range(30))]
    return np.array(losses), session


def cancer():
    X, y, names, classes = breast_cancer()
    frame = pandas.DataFrame(X[:, :6], columns=names[:6])
    return frame.assign(diagnosis=np.array(classes)[y])


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.assign(**{frame.columns[0]: frame[frame.columns[0]] * 1e6}),
        lambda frame: frame.sort_values(frame.columns[2]),
        lambda frame: frame.sample(frac=1, random_state=3),
        lambda frame: frame.assign(id=np.arange(len(frame)) * 3 + 1),
        lambda frame: frame[frame.columns[::-1]],
    ],
    ids=["units", "sorted", "shuffled", "an id", "columns"],
)
def test_a_table_in_another_form_gives_the_same_network(change):
    expected, one = own_run(cancer())
    found, other = own_run(change(cancer()))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(other.points.y, one.points.y)


def test_a_run_on_ones_own_table_is_its_text_and_its_table():
    _, session = own_run(cancer())
    again = from_text(to_text(session), session.points)
    assert again.step == session.step
    np.testing.assert_array_equal(again.now.theta, session.now.theta)
    with pytest.raises(ValueError, match="own must hold the examples for data='own'; got None"):
        Session(Settings(data="own"))


# --------------------------------------------------------------------------------------------- choices


def frame(**columns):
    rows = {"a": np.arange(40) % 7 / 2, "b": np.arange(40) % 5, "kind": list("xy") * 20}
    return read_table(pandas.DataFrame(rows | columns))


def test_the_likeliest_class_comes_first():
    several = frame(group=np.arange(40) % 3, size=list("SML") * 13 + ["S"], real=np.arange(40) % 4 / 3)
    assert classes_of(several)[:3] == ["kind", "group", "size"]
    assert set(classes_of(several)[3:]) == {"a", "b", "real"}
    assert classes_of(read_table(pandas.DataFrame({"x": np.arange(40) / 3}))) == []


def test_the_reader_chooses_the_class_and_what_is_left_out():
    examples = read_examples(frame(c=np.arange(40) % 4, d=np.arange(40) % 9), target="b", left_out=["a"])
    assert examples.target == "b" and examples.data.class_names == ("0", "1", "2", "3", "4")
    assert examples.left_out == {"a": "not wanted", "kind": "text"}


def test_classes_keep_their_own_order():
    order = ["small", "middle", "large"]
    size = pandas.Categorical([order[k % 3] for k in range(40)], categories=order)
    assert read_examples(frame(kind=size)).data.class_names == tuple(order)
    assert read_examples(frame(kind=[f"k{k % 3 * 9 + 1}" for k in range(40)])).data.class_names == (
        "k1",
        "k10",
        "k19",
    )
    assert read_examples(frame(kind=[k % 3 * 9.0 + 2 for k in range(40)])).data.class_names == (
        "2",
        "11",
        "20",
    )


def test_missing_numbers_become_the_median_if_asked():
    gaps = frame(a=[np.nan if k % 4 == 0 else float(k % 3) for k in range(40)])
    assert len(read_examples(gaps).data.y) == 30
    filled = read_examples(gaps, missing=MISSING_VALUES[1])
    assert len(filled.data.y) == 40 and "10 missing numbers" in filled.notes[-1]
    assert np.median(filled.data.X[:, 0]) == 1
    rare = frame(
        a=[np.nan if k % 5 < 2 else float(k % 3) for k in range(40)], kind=["xy"[k == 0] for k in range(40)]
    )
    with pytest.raises(
        ValueError, match="Two or more classes of 'kind' must have rows that can be used; got 1"
    ):
        read_examples(rare)
    assert len(read_examples(rare, missing=MISSING_VALUES[1]).data.y) == 40


def test_numbers_become_classes_of_equal_size_if_asked():
    table = frame(target=np.arange(40) * 1.5)
    with pytest.raises(ValueError, match="bins=3"):
        read_examples(table, target="target")
    examples = read_examples(table, target="target", bins=4)
    assert examples.data.class_names == ("up to 14.6", "14.6 to 29.2", "29.2 to 43.9", "above 43.9")
    np.testing.assert_array_equal(np.bincount(examples.data.y), [10, 10, 10, 10])


def test_of_a_large_table_rows_are_drawn_and_each_class_keeps_its_share():
    n = 100_000
    rng = np.random.default_rng(0)
    large = pandas.DataFrame(
        {"a": rng.normal(size=n), "b": rng.normal(size=n), "class": rng.random(n) < 0.01}
    )
    examples = read_examples(read_table(large), most=2000)
    assert len(examples.data.y) in (1999, 2000) and "2,000 of 100,000 rows are drawn" in examples.notes[-1]
    assert examples.data.y.sum() in (19, 20, 21)


def test_of_more_columns_the_plane_is_that_in_which_they_differ_most():
    examples = read_examples(read_table(cancer()))
    assert examples.points.axis_names == ("first component", "second component")
    np.testing.assert_allclose(examples.points.X.std(axis=0), 1)
    two = FLOWERS.points
    assert two.axis_names == ("height", "width") and two.class_names == ("iris", "lily", "rose")
    assert Points(two.X, two.y).class_names == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"table": None}, r"table must be a Table; got None\. Pass read_table\(source\)"),
        ({"target": "nothing"}, "target must be one of 'a', 'b', 'kind'; got 'nothing'"),
        ({"left_out": ["nothing"]}, "each of left_out must be one of 'a', 'b', 'kind'; got 'nothing'"),
        ({"left_out": "a"}, "left_out must be a list of columns; got 'a'"),
        ({"missing": "guess"}, "missing must be one of 'leave the row out', 'take the median'; got 'guess'"),
        ({"bins": 1}, "bins must be 0 or 2 and more; got 1"),
        ({"bins": 11}, r"bins must be an integer in \[0, 10\]; got 11"),
        ({"most": 5}, r"most must be an integer in \[20, inf\)"),
    ],
)
def test_an_argument_that_does_not_fit_is_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        read_examples(**({"table": frame()} | arguments))


# --------------------------------------------------------------------------------------------- reading


def test_a_table_is_a_path_its_content_or_a_frame():
    path = FOLDER / "plain.csv"
    content = path.read_bytes()
    for source in (path, content, memoryview(content), content.decode(), pandas.read_csv(path)):
        found = read_examples(read_table(source))
        np.testing.assert_array_equal(found.data.X, FLOWERS.data.X)
        assert isinstance(found, TableData)
    assert isinstance(read_table(path), Table)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, r"source must be the content of a table, a Path or a DataFrame; got None\. Pass Path"),
        (
            Path("nowhere.csv"),
            r"got 'nowhere.csv' \(No such file or directory\)\. The folder of the notebook",
        ),
        (Path("a\0b"), "source must be a file that can be read"),
        (Path("."), "source must be a file that can be read"),
        (b"\xff\xfe1,2\n\xd8", "text in UTF-16, as its first bytes say"),
        ("x" * 200_000, "field larger than field limit"),
        (text(ROWS, ("name" * 250_000, "height", "kind")), r"cells of at most 131,072 characters"),
    ],
)
def test_what_is_no_table_is_told(source, message):
    with pytest.raises(ValueError, match=message) as error:
        read_table(source)
    assert len(str(error.value)) < 400


def test_names_are_unique_and_short_of_blanks():
    found = read_table("a;a; b  c ;\n1,5;2,5;3,5;x\n2,5;1,5;4,5;y").frame
    assert list(found.columns) == ["a", "a.1", "b c", "column 4"]
    assert list(read_table(pandas.DataFrame([[1, 2], [3, 4]], columns=["x", "x"])).frame.columns) == [
        "x",
        "x'",
    ]

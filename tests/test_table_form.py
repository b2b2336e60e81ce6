"""The form for a table of one's own, without a page."""

import pytest

from dlhelpers.columns import MISSING_VALUES
from dlhelpers.live.table_form import TableForm
from dlhelpers.live.upload import LIMIT
from tests.tables.make_tables import CASES, FOLDER, ROWS, text


class Reader:
    """What a lab around the form would get."""

    def __init__(self):
        self.used, self.told = [], []
        self.form = TableForm(self.used.append, self.guarded, self.told.append, most=2000)

    def guarded(self, act):
        try:
            act()
        except ValueError as error:
            self.told.append(str(error))

    def upload(self, name, content):
        self.form.upload._hear(None, {"name": name}, [memoryview(content)])

    @property
    def words(self):
        return self.form._words.value


@pytest.fixture
def reader():
    return Reader()


def test_a_file_is_used_at_once_and_what_was_understood_is_said(reader):
    assert reader.form._answers.layout.display == "none"
    reader.upload("ids.csv", CASES["ids.csv"].content)
    assert len(reader.used) == 1 and not reader.told
    assert reader.form._answers.layout.display != "none"
    assert (
        "30 rows. Class kind: iris (10), lily (10), rose (10)." in reader.words
        or "Class kind: iris" in reader.words
    )
    assert "id (an id)" in reader.words and "2 numbers: height, width." in reader.words
    assert reader.form.controls["target"].value == "kind"
    assert reader.form.controls["target"].options == ("", "id", "width", "height", "kind")


def test_each_change_of_the_form_is_used(reader):
    rows = [(*row[:2], f"{k % 7}.5", "SL"[k % 2], row[2]) for k, row in enumerate(ROWS)]
    content = text(rows, ("width", "height", "weight", "size", "kind"))
    reader.upload("flowers.csv", content.encode())
    assert reader.used[-1].target == "kind"
    reader.form.controls["target"].value = "size"
    assert reader.used[-1].target == "size" and len(reader.used) == 2
    reader.form.controls["target"].value = "height"
    assert len(reader.used) == 2 and "bins=3" in reader.told[-1] and "not used yet" in reader.words
    reader.form.controls["bins"].value = 3
    assert len(reader.used) == 3 and len(reader.used[-1].data.class_names) == 3
    reader.upload("plain.csv", CASES["plain.csv"].content)
    assert reader.used[-1].target == "kind"


def test_missing_numbers_are_the_readers_choice(reader):
    reader.upload("gaps.csv", CASES["missing_numbers.csv"].content)
    assert len(reader.used[-1].data.y) == 25 and "5 rows are left out" in reader.words
    reader.form.controls["missing"].value = MISSING_VALUES[1]
    assert len(reader.used[-1].data.y) == 30 and "5 missing numbers" in reader.words


def test_a_table_without_a_guess_asks_for_the_class(reader):
    content = text([(w, h, w + h[:-2]) for w, h, _ in ROWS])
    reader.upload("numbers.csv", content.encode())
    assert not reader.used and reader.told
    reader.form.controls["bins"].value = 2
    reader.form.controls["target"].value = "width"
    assert reader.used[-1].target == "width"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.target])
def test_what_cannot_be_read_is_told_with_its_name_and_the_next_file_works(reader, name):
    reader.upload(name, CASES[name].content)
    assert not reader.used and reader.told[-1].startswith(f"{name}: ")
    reader.upload("plain.csv", CASES["plain.csv"].content)
    assert len(reader.used) == 1


def test_a_path_is_the_other_way(reader):
    reader.form.path.value = str(FOLDER / "semicolons.csv")
    assert len(reader.used) == 1 and "semicolons.csv" in reader.words
    reader.form.path.value = "nowhere.csv"
    assert "nowhere.csv" in reader.told[-1] and "folder of the notebook" in reader.told[-1]
    reader.form.path.value = " "
    assert len(reader.told) == 1


def test_a_file_that_is_too_large_is_told_before_it_is_lost(reader):
    assert reader.form.upload.limit == LIMIT < 10e6
    reader.form.upload._hear(None, {"refused": "big.csv has 13.0 MB; the page can send 8.0 MB."}, [])
    assert reader.told == [
        "big.csv has 13.0 MB; the page can send 8.0 MB. Write the file's path into the field beside."
    ]
    reader.form.upload._hear(None, {"name": "nothing"}, [])
    assert not reader.used


def test_words_of_a_file_are_words(reader):
    reader.upload("markup.csv", CASES["markup.csv"].content)
    assert "&lt;b&gt;iris&lt;/b&gt;" in reader.words
    reader.upload("dollars.csv", CASES["dollar_heading.csv"].content)
    assert "$" not in reader.words and "&#36;x^2&#36;" in reader.words

"""What is remembered of solved exercises and answered questions, and the map of the course."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import ipywidgets
import pytest

from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.exercises.course import Notebook, notebooks
from dlhelpers.exercises.gradient_checking import find_the_bug
from dlhelpers.live.course import CourseMap, course_map
from dlhelpers.live.pace import family
from dlhelpers.live.questions import ask
from dlhelpers.progress import best_score, progress_file, recall, remember
from tests.exercises.every import EXERCISES, QUESTIONS

SKY = Question("What color is the sky?", ("Green", "Blue"), "b", ("Look up.", "It scatters."))


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the progress of each test in a folder of its own, which does not exist yet."""
    monkeypatch.setenv("DLHELPERS_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "progress.txt"


def square() -> Exercise:
    return Exercise(
        name="square",
        statement="Return x squared.",
        reference=lambda x: x * x,
        cases=[{"x": 2.0}, {"x": -3.0}],
        mistakes=[Mistake(lambda x: x + x, "you doubled x.")],
        hint="Multiply.",
        solution="def square(x):\n    return x * x",
        why="It is positive.",
    )


# ------------------------------------------------------------------------------------------- the file


def test_at_first_nothing_is_remembered_and_no_file_is_made(file: Path) -> None:
    assert recall() == (frozenset(), frozenset(), "")
    assert not file.parent.exists()


def test_only_names_and_dates_are_kept_each_once(file: Path) -> None:
    for _ in range(3):
        remember("solved", "square")
        remember("answered", "What color\n is the sky?")
    assert recall() == ({"square"}, {"What color is the sky?"}, "")
    lines = [re.sub(r"^\d{4}-\d\d-\d\d ", "", line) for line in file.read_text().splitlines()]
    assert lines == ["solved square", "answered What color is the sky?"]


def test_a_name_that_begins_like_another_one_is_remembered() -> None:
    for name in ("square root", "square", "root"):
        remember("solved", name)
    assert recall().solved == {"square root", "square", "root"}


def test_two_processes_do_not_lose_each_others_entries(file: Path) -> None:
    program = """if True:
        import sys
        from dlhelpers.progress import recall, remember
        sys.stdin.readline()  # both begin at the same time
        for k in range(200):
            remember("solved", f"{sys.argv[1]}-{k}")
        assert not recall().note
    """
    pair = [
        subprocess.Popen([sys.executable, "-c", program, name], stdin=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    for process in pair:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in pair:
        process.communicate(timeout=120)
    assert [process.returncode for process in pair] == [0, 0]
    assert recall() == ({f"{name}-{k}" for name in "ab" for k in range(200)}, frozenset(), "")
    # One that read the other's line half written begins a new line: an empty one may stand between them.
    assert len([line for line in file.read_text().splitlines() if line]) == 400


def test_the_best_score_of_a_game_is_kept(file: Path) -> None:
    assert best_score("ward, patient 7") is None
    for name, points in (("ward, patient 7", 25), ("ward, patient 7", 100), ("ward, patient 70", 50)):
        remember("scored", f"{name}: {points}")
    remember("scored", "ward, patient 7: nonsense")
    assert (best_score("ward, patient 7"), best_score("ward, patient 70")) == (100, 50)
    assert recall() == (frozenset(), frozenset(), "")


def test_a_damaged_file_is_said_in_words_and_kept_aside(file: Path) -> None:
    remember("solved", "square")
    damage = b"\x00\xff no text\n2026-01-01 forgot something\n"
    file.write_bytes(file.read_bytes() + damage)
    before = file.read_bytes()
    progress = recall()
    assert progress.solved == {"square"}
    aside = file.with_name("progress-damaged-1.txt")
    assert progress.note == (
        f"Of your progress, 2 line(s) could not be read. The file as it was is kept as {aside}."
    )
    assert aside.read_bytes() == before
    remember("solved", "root")
    assert recall() == ({"square", "root"}, frozenset(), "")
    file.write_bytes(damage)
    recall()
    assert aside.read_bytes() == before and file.with_name("progress-damaged-2.txt").read_bytes() == damage


def test_a_line_that_was_cut_off_does_not_spoil_the_next_one(file: Path) -> None:
    remember("solved", "square")
    file.write_bytes(file.read_bytes() + b"2026-01-0")
    remember("solved", "root")
    assert recall().solved == {"square", "root"}


def test_a_line_that_another_kernel_is_writing_is_no_damage(file: Path) -> None:
    remember("solved", "square")
    whole = file.read_bytes()
    file.write_bytes(whole + b"2026-01-01 solved ro")
    assert recall() == ({"square"}, frozenset(), "")
    file.write_bytes(whole + b"2026-01-01 solved root\n")
    assert recall() == ({"square", "root"}, frozenset(), "")
    file.write_bytes(file.read_bytes() + b"2026-01-01 scored ward, patient 7: 10")
    assert best_score("ward, patient 7") is None, "it may become 100"
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_a_folder_that_cannot_be_written_is_no_error(file: Path) -> None:
    file.parent.write_text("a file stands where the folder would")
    remember("solved", "square")
    assert recall().solved == frozenset()
    assert square().check(lambda x: x * x).kind == "right"


def test_a_file_that_cannot_be_read_is_said_in_words(file: Path) -> None:
    file.mkdir(parents=True)
    remember("solved", "square")
    assert recall().note.startswith("Your progress cannot be read: ")


@pytest.mark.parametrize(
    ("platform", "variables", "parts"),
    [
        ("linux", {"XDG_DATA_HOME": "/there"}, ("there", "dlhelpers", "progress.txt")),
        ("linux", {"HOME": "/me"}, ("me", ".local", "share", "dlhelpers", "progress.txt")),
        ("darwin", {"HOME": "/me"}, ("Library", "Application Support", "dlhelpers", "progress.txt")),
        ("win32", {"LOCALAPPDATA": "/local"}, ("local", "dlhelpers", "progress.txt")),
    ],
)
def test_the_folder_is_the_one_of_the_platform(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], parts: tuple[str, ...]
) -> None:
    for name in ("DLHELPERS_DATA", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert progress_file().parts[-len(parts) :] == parts


def test_tests_do_not_touch_the_progress_of_a_reader() -> None:
    assert "progress-" in os.environ["DLHELPERS_DATA"] or "pytest" in os.environ["DLHELPERS_DATA"]


# --------------------------------------------------------------------------- what leaves a line in it


def test_only_a_right_answer_solves_an_exercise() -> None:
    exercise = square()
    exercise.check(lambda x: x + x)
    exercise.check(lambda x: ...)
    assert recall().solved == frozenset()
    exercise.check(lambda x: x**2)
    assert recall().solved == {"square"}


def test_the_line_with_the_bug_solves_its_exercise() -> None:
    broken = find_the_bug(0)
    broken.check(...)
    assert recall().solved == frozenset()
    broken.check(broken._broken)
    assert recall().solved == {"find_the_bug"}


def test_any_choice_answers_a_question() -> None:
    asked = ask(SKY)
    assert recall().answered == frozenset()
    asked.choose("a")
    asked.choose("b")
    assert recall() == (frozenset(), {"What color is the sky?"}, "")
    asked.close()


# ------------------------------------------------------------------------------------------- the map


def test_every_exercise_and_question_is_in_one_notebook() -> None:
    course = notebooks()
    exercises = [name for each in course for name in each.exercises]
    questions = [name for each in course for name in each.questions]
    assert sorted(exercises) == sorted(["find_the_bug", *(each.name for each in EXERCISES.values())])
    assert sorted(questions) == sorted(each.name for each in QUESTIONS.values())
    assert [each.number for each in course] == sorted({each.number for each in course})
    assert {"00", "01", "02a", "02b", "03", "04a", "04b", "05"} <= {each.number for each in course}


@pytest.fixture
def course() -> Iterator[CourseMap]:
    shown = course_map(
        (Notebook("01", "Squares <1>", ("square", "root"), ()), Notebook("02", "Sky", (), (SKY.name,)))
    )
    yield shown
    shown.close()


def words(course: CourseMap) -> str:
    return " ".join(re.sub(r"<style>.*</style>|<[^>]*>", " ", course._table.value, flags=re.DOTALL).split())


def test_the_map_shows_what_was_done(course: CourseMap, file: Path) -> None:
    assert "01 Squares &lt;1&gt; ○ 0 of 2 02 Sky ○ 0 of 1" in words(course)
    assert str(file) in words(course)
    remember("solved", "square")
    remember("answered", SKY.name)
    (again,) = (widget for widget in family(course.box) if isinstance(widget, ipywidgets.Button))
    again.click()
    assert "01 Squares &lt;1&gt; ○ 1 of 2 02 Sky ✓ 1 of 1" in words(course)
    remember("solved", "root")
    again.click()
    assert "✓ 2 of 2" in words(course)


def test_what_is_saved_does_not_depend_on_the_reader(course: CourseMap) -> None:
    before = course._repr_mimebundle_()
    remember("solved", "square")
    course.update()
    assert course._repr_mimebundle_() == before
    assert set(before) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    assert before["text/plain"] == (
        "01 Squares <1>  exercises: 2, predictions: 0\n02 Sky          exercises: 0, predictions: 1"
    )


def test_the_map_says_what_was_wrong_with_the_file(course: CourseMap, file: Path) -> None:
    file.parent.mkdir()
    file.write_text("nonsense\n")
    course.update()
    assert "1 line(s) could not be read" in words(course)

"""An exercise on the page: the whole statement, a hint and a solution at a click."""

import ipywidgets
from ipywidgets.widgets.widget import _instances

from dlhelpers.exercises.early_stopping import stop_and_restore
from dlhelpers.exercises.gradient_checking import find_the_bug
from dlhelpers.live.exercises import practice
from dlhelpers.live.pace import family


def test_statement_hint_and_solution() -> None:
    shown = practice(stop_and_restore)
    widgets = list(family(shown.box))
    words = " ".join(widget.value for widget in widgets if isinstance(widget, ipywidgets.HTML))
    assert "Of equal losses the first one counts." in words and "argmin" not in words
    hint, solution = (widget for widget in widgets if isinstance(widget, ipywidgets.Button))
    hint.click()
    assert shown.shown == stop_and_restore.hint() and "i - best &gt;= patience" in shown._words.value
    solution.click()
    assert shown.shown == stop_and_restore.solution()
    solution.click()
    assert shown.shown == ""
    shown.close()


def test_without_a_kernel_the_exercise_is_there_in_words() -> None:
    shown = practice(stop_and_restore)
    bundle = shown._repr_mimebundle_()
    assert bundle["text/plain"] == repr(stop_and_restore)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    shown.close()


def test_lines_to_read_keep_their_numbers_and_columns() -> None:
    broken = find_the_bug(0)
    shown = practice(broken)
    (statement, *_) = (widget for widget in family(shown.box) if isinstance(widget, ipywidgets.HTML))
    assert "<pre>  1      for layer" in statement.value
    hint, solution = (widget for widget in family(shown.box) if isinstance(widget, ipywidgets.Button))
    hint.click()
    assert shown._words.value.startswith("<p ") and "Arrays that differ" in shown._words.value
    solution.click()
    assert shown._words.value.startswith("<pre ") and "# line " in shown._words.value
    assert shown._repr_mimebundle_()["text/plain"] == repr(broken)
    shown.close()


def test_running_the_cell_again_frees_the_first_exercise() -> None:
    before = set(_instances)
    for _ in range(3):
        shown = practice(stop_and_restore)
    shown.close()
    assert set(_instances) == before


def test_of_a_closed_exercise_the_name_is_left() -> None:
    shown = practice(stop_and_restore)
    shown.close()
    shown.close()
    assert shown.closed and vars(shown) == {"name": "exercise stop_and_restore"}
    assert shown._repr_mimebundle_() == {
        "text/plain": "'exercise stop_and_restore' is closed: its cell was run again."
    }

"""An exercise on the page: the whole statement, a hint and a solution at a click."""

import ipywidgets

from dlhelpers.exercises.early_stopping import stop_and_restore
from dlhelpers.live.exercises import practice
from dlhelpers.live.pace import family


def test_statement_hint_and_solution() -> None:
    shown = practice(stop_and_restore)
    widgets = list(family(shown._box))
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

"""An exercise in the notebook: its statement, with buttons for a hint and for the solution."""

import html
from typing import Protocol

import ipywidgets

from dlhelpers.live.on_page import WordsOnPage
from dlhelpers.live.shell import button


class Exercise(Protocol):
    """What is used of an `exercises.checking.Exercise`; the live layer does not import exercises."""

    @property
    def name(self) -> str:
        """The name of the exercise."""

    def _repr_html_(self) -> str:
        """Return the whole statement."""

    def hint(self) -> str:
        """Return a first step."""

    def solution(self) -> str:
        """Return a program that is right."""


class Practice(WordsOnPage):
    """An exercise on the page.

    Attributes
    ----------
    name : str
        The name of the exercise.
    exercise : Exercise
    shown : str
        The hint or the solution, whichever is open; "" if none is.
    """

    def __init__(self, exercise: Exercise) -> None:
        self.exercise, self.name, self.shown = exercise, f"exercise {exercise.name}", ""
        statement = ipywidgets.HTML(f'<div style="line-height: 1.45">{exercise._repr_html_()}</div>')
        buttons = [
            button("Hint", "Show a first step; press again to hide it", self._hint),
            button("Solution", "Show a program that is right; press again to hide it", self._solution),
        ]
        self._words = ipywidgets.HTML()
        self._put(ipywidgets.VBox([statement, ipywidgets.HBox(buttons), self._words]))

    def _hint(self, pressed: object = None) -> None:
        self._toggle(self.exercise.hint(), "p")

    def _solution(self, pressed: object = None) -> None:
        self._toggle(self.exercise.solution(), "pre")

    def _toggle(self, text: str, tag: str) -> None:
        """Show a text, or hide it if it is there.  JupyterLab may call this on another thread."""
        self.shown = "" if self.shown == text else text
        self._words.value = f'<{tag} role="status" style="margin: 4px 0">{html.escape(self.shown)}</{tag}>'

    def _in_words(self) -> str:
        return repr(self.exercise)


def practice(exercise: Exercise) -> Practice:
    """Show an exercise with a button for its hint and one for its solution."""
    return Practice(exercise)

"""An exercise in the notebook: its statement, with buttons for a hint and for the solution."""

import html
from typing import Any, Protocol

import ipywidgets

from dlhelpers.live.pace import apart_from_cells, family, replace_predecessor
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


class Practice:
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
        self._box = ipywidgets.VBox([statement, ipywidgets.HBox(buttons), self._words])
        for widget in family(self._box):
            apart_from_cells(widget)
        replace_predecessor(self)

    def close(self) -> None:
        """Free the widgets."""
        for widget in family(self._box):
            widget.close()

    def _hint(self, pressed: object = None) -> None:
        self._toggle(self.exercise.hint(), "p")

    def _solution(self, pressed: object = None) -> None:
        self._toggle(self.exercise.solution(), "pre")

    def _toggle(self, text: str, tag: str) -> None:
        """Show a text, or hide it if it is there.  JupyterLab may call this on another thread."""
        self.shown = "" if self.shown == text else text
        self._words.value = f'<{tag} role="status" style="margin: 4px 0">{html.escape(self.shown)}</{tag}>'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Return the widget and, for a reader without a kernel, the exercise in words."""
        bundle: dict[str, Any] = self._box._repr_mimebundle_()
        bundle["text/plain"] = repr(self.exercise)
        return bundle


def practice(exercise: Exercise) -> Practice:
    """Show an exercise with a button for its hint and one for its solution."""
    return Practice(exercise)

"""A prediction question in the notebook: options to choose from, and what there is to say about each."""

import html
from typing import Any, Protocol

import ipywidgets

from dlhelpers.live.pace import apart_from_cells, family, replace_predecessor

_STYLE = """<style>
.dlh-question {max-width: 960px;}
.dlh-question .dlh-text {line-height: 1.45; font-size: 14px;}
.dlh-question .widget-radio {width: auto;}
.dlh-question .widget-radio-box label {
    display: flex; flex-direction: row-reverse; justify-content: flex-end; align-items: flex-start;
    height: auto; line-height: 1.45; font-size: 14px; margin: 2px 0; white-space: normal;
}
.dlh-question .widget-radio-box input {float: none; flex: none; height: 20px; margin-right: 8px;}
</style>"""


class Question(Protocol):
    """What is used of an `exercises.checking.Question`; widgets do not import exercises."""

    @property
    def text(self) -> str:
        """The question."""

    @property
    def letters(self) -> tuple[str, ...]:
        """A letter for each option."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The options with their letters in front."""

    def feedback_for(self, option: str) -> str:
        """Return what there is to say about an option."""


class AskedQuestion:
    """A question on the page.

    Attributes
    ----------
    name : str
        The text of the question.
    question : Question
    feedback : str
        What the page says about the chosen option; "" before one is chosen.
    """

    def __init__(self, question: Question) -> None:
        self.question, self.name = question, question.text
        self.feedback = ""
        text = ipywidgets.HTML(f"{_STYLE}{_paragraph(question.text)}")
        pairs = list(zip(question.labels, question.letters, strict=True))
        self._options = ipywidgets.RadioButtons(options=pairs, index=None, layout={"width": "auto"})
        self._feedback = ipywidgets.HTML(_paragraph(self.feedback))
        self._options.observe(self._show_feedback, "index")
        self._box = ipywidgets.VBox([text, self._options, self._feedback])
        self._box.add_class("dlh-question")
        for widget in family(self._box):
            apart_from_cells(widget)
        replace_predecessor(self)

    @property
    def chosen(self) -> str | None:
        """The letter of the chosen option."""
        letter: str | None = self._options.value
        return letter

    def choose(self, letter: str) -> None:
        """Choose an option, as a hand would."""
        self._options.value = letter

    def close(self) -> None:
        """Free the widgets."""
        for widget in family(self._box):
            widget.close()

    def _show_feedback(self, change: object) -> None:
        """Say what there is to say about the chosen option.  JupyterLab may call this on another thread."""
        letter = self.chosen
        self.feedback = self.question.feedback_for(letter) if letter else ""
        self._feedback.value = _paragraph(f"({letter}) {self.feedback}" if letter else "")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Return the widget and, for a reader without a kernel, the question with its options."""
        bundle: dict[str, Any] = self._box._repr_mimebundle_()
        bundle["text/plain"] = repr(self.question)
        return bundle


def ask(question: Question) -> AskedQuestion:
    """Show a question; every option that is chosen is answered at once, and others can be tried."""
    return AskedQuestion(question)


def _paragraph(text: str) -> str:
    """Return words as HTML that is read out when it changes."""
    return f'<div class="dlh-text" role="status">{html.escape(text)}</div>'

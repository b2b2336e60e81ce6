"""Prediction questions in the notebook: options, what to say about each, a lab that waits for an answer."""

import html
from typing import Any, Protocol

import ipywidgets
from IPython.display import display

from dlhelpers.live.lab import Lab
from dlhelpers.live.on_page import WordsOnPage
from dlhelpers.live.pace import apart_from_cells, family
from dlhelpers.live.picture import with_picture
from dlhelpers.live.shell import button
from dlhelpers.progress import remember
from dlhelpers.showing import RIGHT, WRONG

_STYLE = """<style>
.dlh-question {max-width: 960px; margin-bottom: 6px;}
.dlh-question .dlh-text {line-height: 1.45; font-size: 14px;}
.dlh-question .widget-radio {width: auto;}
.dlh-question .widget-radio-box label {
    display: flex; flex-direction: row-reverse; justify-content: flex-end; align-items: flex-start;
    height: auto; line-height: 1.45; font-size: 14px; margin: 2px 0; white-space: normal;
}
.dlh-question .widget-radio-box input {float: none; flex: none; height: 20px; margin-right: 8px;}
</style>"""


SKIP = "Show without answering"
"""The button that uncovers a lab."""


class Question(Protocol):
    """What is used of an `exercises.checking.Question`; widgets do not import exercises."""

    @property
    def text(self) -> str:
        """The question."""

    @property
    def name(self) -> str:
        """By which it is remembered."""

    @property
    def answer(self) -> str:
        """The letter of the right option."""

    @property
    def letters(self) -> tuple[str, ...]:
        """A letter for each option."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The options with their letters in front."""

    def feedback_for(self, option: str) -> str:
        """Return what there is to say about an option."""


class AskedQuestion(WordsOnPage):
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
        text = ipywidgets.HTML(_STYLE + _paragraph(html.escape(question.text)))
        pairs = list(zip(question.labels, question.letters, strict=True))
        self._options = ipywidgets.RadioButtons(options=pairs, index=None, layout={"width": "auto"})
        self._feedback = ipywidgets.HTML(_paragraph(""))
        self._options.observe(self._answer, "index")
        self._put(ipywidgets.VBox([text, self._options, self._feedback]))
        self.box.add_class("dlh-question")

    @property
    def chosen(self) -> str | None:
        """The letter of the chosen option."""
        letter: str | None = self._options.value
        return letter

    def choose(self, letter: str) -> None:
        """Choose an option, as a hand would."""
        self._options.value = letter

    def _answer(self, change: object) -> None:
        """Say what there is to say about the chosen option.  JupyterLab may call this on another thread."""
        letter = self.chosen
        if letter:
            remember("answered", self.question.name)
        self.feedback = self.question.feedback_for(letter) if letter else ""
        mark = RIGHT if letter == self.question.answer else WRONG
        words = " ".join(f"({letter}) {self.feedback}".split())
        self._feedback.value = _paragraph(mark.beside(html.escape(words)) if letter else "")

    def _in_words(self) -> str:
        return repr(self.question)


class Prediction(AskedQuestion):
    """A question about a lab that the page does not show before there is an answer.

    Attributes
    ----------
    lab : Lab
        It works as any other lab.  It belongs to the cell that made it, which closes it when it is run again.
    covered : bool
        Whether the page does not show the lab yet.
    """

    def __init__(self, question: Question, lab: Lab) -> None:
        super().__init__(question)
        self.lab, self.covered = lab, True
        self._skip = button(SKIP, "Show the lab; the question can still be answered", self.uncover)
        self._skip.layout.align_self = "flex-start"
        self._place = ipywidgets.VBox([self._skip])
        for widget in self._own:
            apart_from_cells(widget)

    @property
    def _own(self) -> list[ipywidgets.Widget]:
        """The widgets around the lab."""
        return [*family(self._skip), self._place.layout, self._place]

    def uncover(self, pressed: object = None) -> None:
        """Show the lab.  JupyterLab may call this on another thread."""
        self.covered = False
        self._skip.layout.display = "none"
        self._place.children = [self._skip, self.lab.box]

    def close(self) -> None:
        """Free the question; the lab is left to the cell that made it."""
        if not self.closed:
            for widget in self._own:
                widget.close()
        super().close()

    def _answer(self, change: object) -> None:
        super()._answer(change)
        if self.covered and self.chosen:
            self.uncover()

    def outputs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return the data and metadata of two outputs, the question and its lab.

        A reader without a kernel sees the words of the first and the picture of the second.
        """
        question: tuple[dict[str, Any], dict[str, Any]] = (self._repr_mimebundle_(), {})
        if self.closed:
            return [question]
        if self.lab.closed:
            return [question, (self.lab._repr_mimebundle_(), {})]
        return [question, with_picture(self._place, self.lab.png(), self.lab.caption)]

    def _ipython_display_(self) -> None:
        for data, metadata in self.outputs():
            display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]


def ask(question: Question) -> AskedQuestion:
    """Show a question; every option that is chosen is answered at once, and others can be tried."""
    return AskedQuestion(question)


def predict(question: Question, lab: Lab) -> Prediction:
    """Show a question; its lab comes when an option is chosen, or with *Show without answering*."""
    return Prediction(question, lab)


def _paragraph(words: str) -> str:
    """Return HTML as a paragraph that is read out when it changes."""
    return f'<div class="dlh-text" role="status">{words}</div>'

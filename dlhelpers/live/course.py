"""The map of the course on the page: its notebooks, and what the reader has done in each."""

import html
from collections.abc import Sequence
from typing import Protocol

import ipywidgets

from dlhelpers.live.on_page import WordsOnPage
from dlhelpers.live.shell import button
from dlhelpers.progress import progress_file, recall
from dlhelpers.showing import OPEN, RIGHT

_STYLE = """<style>
.dlh-course table {border-collapse: collapse; font-size: 14px;}
.dlh-course th, .dlh-course td {text-align: left; padding: 3px 24px 3px 0;}
</style>"""


class Notebook(Protocol):
    """What is used of an `exercises.course.Notebook`; the live layer does not import exercises."""

    @property
    def number(self) -> str:
        """Such as "02"."""

    @property
    def title(self) -> str:
        """Such as "Regularization"."""

    @property
    def exercises(self) -> tuple[str, ...]:
        """The names of its exercises."""

    @property
    def questions(self) -> tuple[str, ...]:
        """The names of its questions."""


class CourseMap(WordsOnPage):
    """A table of the notebooks on the page.

    Attributes
    ----------
    name : str
    """

    name = "map of the course"

    def __init__(self, notebooks: Sequence[Notebook]) -> None:
        self._notebooks = notebooks
        self._table = ipywidgets.HTML()
        again = button("Look again", "Show what was done in other notebooks since", self.update)
        again.layout.align_self = "flex-start"
        self.update()
        self._put(ipywidgets.VBox([self._table, again]))
        self.box.add_class("dlh-course")

    def update(self, pressed: object = None) -> None:
        """Show what the reader has done by now.  JupyterLab may call this on another thread."""
        progress = recall()
        rows = "".join(
            f"<tr><td>{each.number} {html.escape(each.title)}</td>"
            f"<td>{_share(each.exercises, progress.solved)}</td>"
            f"<td>{_share(each.questions, progress.answered)}</td></tr>"
            for each in self._notebooks
        )
        heads = "<tr><th>Notebook</th><th>Exercises solved</th><th>Predictions made</th></tr>"
        note = html.escape(progress.note or _place())
        self._table.value = f"{_STYLE}<table>{heads}{rows}</table><p>{note}</p>"

    def _in_words(self) -> str:
        width = max(len(each.title) for each in self._notebooks)
        return "\n".join(
            f"{each.number} {each.title:<{width}}  exercises: {len(each.exercises)}, "
            f"predictions: {len(each.questions)}"
            for each in self._notebooks
        )


def course_map(notebooks: Sequence[Notebook]) -> CourseMap:
    """Show the notebooks with what was solved and predicted in each."""
    return CourseMap(notebooks)


def _share(names: Sequence[str], done: frozenset[str]) -> str:
    """Return how many of the names are done, with a sign; nothing where there are none."""
    if not names:
        return ""
    count = len(done.intersection(names))
    sign, color = RIGHT if count == len(names) else OPEN
    return f'<span style="color: {color}">{sign}</span> {count} of {len(names)}'


def _place() -> str:
    return f"This is remembered on this machine only, in {progress_file()}."

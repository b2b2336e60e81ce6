"""The runs in grey beside the present one: a small table, a name for each, and Forget."""

import html
from collections.abc import Callable, Sequence
from functools import partial

import ipywidgets

from dlhelpers.labs.playground.frame import KEPT, Frame, Kept
from dlhelpers.labs.playground.words import differences
from dlhelpers.live.shell import ROW, button, display

STYLE = """<style>
.dlh-runs {border-collapse: collapse; font-size: 13px; line-height: 1.5;}
.dlh-runs th, .dlh-runs td {padding: 1px 10px 1px 0; text-align: left; border-bottom: 1px solid #ddd;}
</style>"""


class RunsTable:
    """Shows how the runs differ and how good they are; it is hidden while there is none in grey.

    Parameters
    ----------
    rename : function of a letter and a name
    forget : function of a letter

    Attributes
    ----------
    widget : ipywidgets.VBox
    table : ipywidgets.HTML
    names : list of ipywidgets.Text
        A field for the name of each run, with a button beside it.
    """

    def __init__(self, rename: Callable[[str, str], None], forget: Callable[[str], None]) -> None:
        self._rename, self._forget = rename, forget
        self._letters: list[str] = []
        self._filling = False
        self.table = ipywidgets.HTML()
        self.names = [
            ipywidgets.Text(
                continuous_update=False,
                tooltip="The name of a run in grey, in the table and on its curve",
                layout={"width": "210px"},
                style={"description_width": "64px"},
            )
            for _ in range(KEPT)
        ]
        self._buttons = [button("Forget", "", partial(self._press, k)) for k in range(KEPT)]
        fields = []
        for k, (name, gone) in enumerate(zip(self.names, self._buttons, strict=True)):
            name.observe(partial(self._named, k), "value")
            fields.append(ipywidgets.HBox([name, gone]))
        self._fields = fields
        self.widget = ipywidgets.VBox([self.table, ipywidgets.Box(fields, layout=ROW)])
        display(self.widget, False)

    def show(self, frame: Frame, microseconds: float) -> None:
        """Show the runs of a frame."""
        display(self.widget, bool(frame.kept))
        table = STYLE + comparison(frame, microseconds)
        if self.table.value != table:
            self.table.value = table
        self._letters = [run.letter for run in frame.kept]
        self._filling = True
        for k, (name, gone, row) in enumerate(zip(self.names, self._buttons, self._fields, strict=True)):
            display(row, k < len(frame.kept))
            if k < len(frame.kept):
                run = frame.kept[k]
                name.description, name.value = f"Name {run.letter}", run.name
                gone.description, gone.tooltip = f"Forget {run.letter}", f"Remove the run {run.letter}"
        self._filling = False

    def _named(self, k: int, change: dict[str, str]) -> None:
        if not self._filling and k < len(self._letters):
            self._rename(self._letters[k], change["new"])

    def _press(self, k: int, pressed: object) -> None:
        if k < len(self._letters):
            self._forget(self._letters[k])


def comparison(frame: Frame, microseconds: float) -> str:
    """Return a table, as HTML, of the runs in grey and the present one; empty if there are none in grey."""
    if not frame.kept:
        return ""
    now = Kept("", "now", frame.curves, frame.start, frame.story, microseconds)
    rows = []
    for run in (*frame.kept, now):
        told = "" if run is now else differences(run, frame)
        last = frame.now if run is now else run.last
        time = f"{run.microseconds:,.0f} µs" if run.microseconds else "not timed"
        cells = (run.name, told, f"{last.step:,.0f}", f"{last.train_loss:.3g}", f"{last.dev_loss:.3g}")
        rows.append((*cells, f"{last.dev_accuracy:.0%}", time))
    head = ("run", "differs from now in", "steps", "train loss", "dev loss", "dev accuracy", "time a step")
    lines = [_row(head, "th"), *(_row(cells, "td") for cells in rows)]
    return f'<table class="dlh-runs">{"".join(lines)}</table>'


def _row(cells: Sequence[str], tag: str) -> str:
    """Return a row in which the words of the reader stay words: no HTML, no mathematics."""
    texts = (html.escape(cell).replace("$", "&#36;") for cell in cells)
    return "<tr>" + "".join(f"<{tag}>{text}</{tag}>" for text in texts) + "</tr>"

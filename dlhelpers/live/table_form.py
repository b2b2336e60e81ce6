"""The form for a table of one's own: a file or a path, what was understood, and what the reader changes."""

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np

from dlhelpers.columns import MISSING_VALUES, MOST_CLASSES, TableData, read_examples
from dlhelpers.live.controls import choice, steps_slider, text_field
from dlhelpers.live.shell import display
from dlhelpers.live.upload import LIMIT, Upload
from dlhelpers.tables import Table, read_table

FILES = ".csv,.tsv,.txt,.dat,.data,text/plain"
BINS = [("none", 0), *((str(k), k) for k in range(2, MOST_CLASSES + 1))]


class TableForm:
    """Reads a table and hands its examples over, again after each change of the form.

    Parameters
    ----------
    use : function of a TableData
        Gets the examples.
    guarded : function of an action
        Runs it, and tells the reader what went wrong; `Shell.guarded`.
    complain : function of a sentence
        Tells the reader; `Shell.complain`.
    most : int
        Of a larger table, this many rows are drawn.

    Attributes
    ----------
    widget : ipywidgets.VBox
    upload : Upload
    path : ipywidgets.Text
    controls : dict from name to widget
        Class, missing numbers, classes from numbers; shown when there is a table.
    """

    def __init__(
        self,
        use: Callable[[TableData], None],
        guarded: Callable[[Callable[[], object]], None],
        complain: Callable[[str], None],
        most: int,
    ) -> None:
        self._use, self._guarded, self._most = use, guarded, most
        self._table: Table | None = None
        self._name, self._filling = "", False
        self.upload = Upload(
            f"A table (CSV, up to {LIMIT // 1_000_000} MB)",
            FILES,
            lambda name, content: guarded(lambda: self.read(name, content)),
            lambda why: complain(f"{why} Write the file's path into the field beside."),
        )
        self.path = text_field("or its path", "", "A file on the kernel's machine, of any size; press Enter")
        self.path.observe(self._path_given, "value")
        self.controls: dict[str, Any] = {
            "target": choice("Class", [""], "", "The column that the network learns"),
            "missing": choice("Missing numbers", MISSING_VALUES, MISSING_VALUES[0]),
            "bins": steps_slider("Classes from numbers", BINS, 0, "Make so many classes of equal size"),
        }
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self._words = ipywidgets.HTML()
        self._answers = ipywidgets.VBox([self._words, ipywidgets.HBox(list(self.controls.values()))])
        self._answers.children[1].layout.flex_flow = "row wrap"
        display(self._answers, False)
        self.widget = ipywidgets.VBox([ipywidgets.HBox([self.upload, self.path]), self._answers])

    def read(self, name: str, source: Any) -> None:
        """Read a table and use it; `source` as in `tables.read_table`.

        Raises
        ------
        ValueError
            If it is no table, or cannot be used as the form says; it begins with the name.
        """
        try:
            self._table, self._name = read_table(source, name), name
            self._filling = True
            target = self.controls["target"]
            target.options = ["", *self._table.frame.columns]
            target.value = ""
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        finally:
            self._filling = False
        self._read_again()

    def _path_given(self, change: Any) -> None:
        if change.new.strip():
            path = Path(change.new.strip()).expanduser()
            self._guarded(lambda: self.read(path.name, path))

    def _changed(self, change: Any) -> None:
        if not self._filling and self._table is not None:
            self._guarded(self._read_again)

    def _read_again(self) -> None:
        assert self._table is not None
        values = {name: control.value for name, control in self.controls.items()}
        display(self._answers, True)
        try:
            examples = read_examples(
                self._table,
                values["target"] or None,
                missing=values["missing"],
                bins=values["bins"],
                most=self._most,
            )
        except ValueError as error:
            self._words.value = f"<b>{html.escape(self._name)}</b>: not used yet."
            raise ValueError(f"{self._name}: {error}") from error
        self._words.value = described(self._name, examples)
        self._filling = True
        self.controls["target"].value = examples.target
        self._filling = False
        self._use(examples)


def described(name: str, examples: TableData) -> str:
    """Return what was understood of a table, as HTML in which the words of the file stay words."""
    data = examples.data
    counts = np.bincount(data.y, minlength=len(data.class_names))
    classes = ", ".join(f"{each} ({count:,})" for each, count in zip(data.class_names, counts, strict=True))
    features = f"{len(data.feature_names)} numbers: {', '.join(data.feature_names[:8])}"
    features += " ..." if len(data.feature_names) > 8 else ""
    sentences = [
        f"{len(data.y):,} rows.",
        f"Class {examples.target}: {classes}.",
        f"{features}.",
        *examples.notes,
    ]
    words = html.escape(" ".join(sentences)).replace("$", "&#36;")
    return f'<div class="dlh-words"><b>{html.escape(name)}</b>: {words}</div>'

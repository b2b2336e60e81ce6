"""A button that takes a file from the reader's machine, and says beforehand how large it may be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

LIMIT = 8_000_000
"""Bytes that the page can send: Jupyter's websocket drops a message above 10 MB without a word."""


class Upload(anywidget.AnyWidget):
    """The button; its file comes as one message.

    Parameters
    ----------
    description, accept : str
        Its label, and the kinds of files that are offered, such as ".csv,.txt".
    on_file : function of (name, bytes)
        It may be called on another thread.
    on_refused : function of a sentence
        Told that a file is too large.
    """

    # The text, not the path: anywidget watches a file for changes, and the watch holds every widget for good.
    _esm = Path(__file__).with_name("upload.js").read_text(encoding="utf-8")
    description = traitlets.Unicode("").tag(sync=True)
    accept = traitlets.Unicode("").tag(sync=True)
    limit = traitlets.Int(LIMIT).tag(sync=True)

    def __init__(
        self,
        description: str,
        accept: str,
        on_file: Callable[[str, bytes], None],
        on_refused: Callable[[str], None],
    ) -> None:
        super().__init__(description=description, accept=accept)
        self._on_file, self._on_refused = on_file, on_refused
        self.on_msg(self._hear)

    def _hear(self, widget: Any, content: dict[str, Any], buffers: list[memoryview]) -> None:
        if "refused" in content:
            self._on_refused(content["refused"])
        elif buffers:
            self._on_file(content["name"], bytes(buffers[0]))

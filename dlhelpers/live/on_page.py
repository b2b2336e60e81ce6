"""What every lab, question and exercise is on the page: a box, until its cell is run again."""

from typing import Any

import ipywidgets

from dlhelpers.live.pace import apart_from_cells, closed_bundle, family, free, replace_predecessor
from dlhelpers.live.picture import Picture, with_picture
from dlhelpers.live.shell import Shell


class OnPage:
    """A lab with a name, a shell and a picture; what comes from it makes the three."""

    name: str
    _shell: Shell
    _picture: Picture

    @property
    def box(self) -> ipywidgets.Widget:
        """What stands on the page."""
        return self._shell.box

    @property
    def finding(self) -> str:
        """The measured number of the last frame, as it stands beside the heading."""
        return self._shell.finding

    @property
    def caption(self) -> str:
        """The last frame in words, the finding first."""
        return self._shell.caption

    @property
    def message(self) -> str:
        """The message below the caption, as HTML; empty while none is shown."""
        return self._shell.message

    @property
    def error(self) -> Exception | None:
        """The last error that was told."""
        return self._shell.error

    def png(self) -> bytes:
        """Return the picture on the screen, as the bytes of a PNG file."""
        return self._picture.canvas.png()

    @property
    def closed(self) -> bool:
        """Whether the lab's cell was run again, or `close` was called."""
        return "_shell" not in vars(self)

    def close(self) -> None:
        """Stop what is under way and free everything; of a closed lab only its name is left."""
        if not self.closed:
            self._stop_work()
            free(self, self._shell.box)

    def _stop_work(self) -> None:
        """End what is under way."""

    def _repr_mimebundle_(self, **_: Any) -> Any:
        """Return the widget and, for a reader without a kernel, the picture and its caption."""
        if self.closed:
            return closed_bundle(self.name)
        return with_picture(self._shell.box, self.png(), self.caption)


class WordsOnPage:
    """What has a name and words but no picture: a question, an exercise, the map of the course."""

    name: str
    _box: ipywidgets.Box

    def _put(self, box: ipywidgets.Box) -> None:
        """Put a box on the page, in the place of what an earlier run of the same cell made."""
        self._box = box
        for widget in family(box):
            apart_from_cells(widget)
        replace_predecessor(self)

    @property
    def closed(self) -> bool:
        """Whether its cell was run again, or `close` was called."""
        return "_box" not in vars(self)

    def close(self) -> None:
        """Free the widgets; of what is closed the history of outputs keeps the name only."""
        if not self.closed:
            free(self, self._box)

    def _in_words(self) -> str:
        """Return what a reader without a kernel sees."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **_: Any) -> Any:
        """Return the widget and, for a reader without a kernel, its words."""
        if self.closed:
            return closed_bundle(self.name)
        bundle: dict[str, Any] = self._box._repr_mimebundle_()
        bundle["text/plain"] = self._in_words()
        return bundle

"""What every lab, question and exercise is on the page: a box, until its cell is run again."""

from typing import Any

import ipywidgets

from dlhelpers.live.pace import apart_from_cells, closed_bundle, family, free, replace_predecessor
from dlhelpers.live.picture import Picture, with_picture
from dlhelpers.live.shell import Shell


class OnPage:
    """What has a name and a box: a lab, a question, an exercise, the map of the course.

    Attributes
    ----------
    name : str
    box : widget
        What stands on the page.
    """

    name: str
    box: ipywidgets.Box

    def _put(self, box: ipywidgets.Box) -> None:
        """Put a box on the page, in the place of what an earlier run of the same cell made."""
        self.box = box
        for widget in family(box):
            apart_from_cells(widget)
        replace_predecessor(self)

    @property
    def closed(self) -> bool:
        """Whether its cell was run again, or `close` was called."""
        return "box" not in vars(self)

    def close(self) -> None:
        """Stop what is under way and free everything; of what is closed only its name is left."""
        if not self.closed:
            self._stop_work()
            free(self, self.box)

    def _stop_work(self) -> None:
        """End what is under way."""

    def _bundle(self) -> Any:
        """Return the widget, and what a reader without a kernel sees."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **_: Any) -> Any:
        """Return what the notebook shows and keeps."""
        return closed_bundle(self.name) if self.closed else self._bundle()


class LabOnPage(OnPage):
    """A lab with a shell and a picture; what comes from it makes the two and puts the shell's box."""

    _shell: Shell
    _picture: Picture

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

    def _bundle(self) -> Any:
        """Return the widget, the picture and its caption."""
        return with_picture(self.box, self.png(), self.caption)


class WordsOnPage(OnPage):
    """What has words but no picture."""

    def _in_words(self) -> str:
        """Return what a reader without a kernel sees."""
        raise NotImplementedError

    def _bundle(self) -> Any:
        """Return the widget and its words."""
        return {**self.box._repr_mimebundle_(), "text/plain": self._in_words()}

"""Where and when a lab's work runs: event loop, pace of the page, interrupt, BLAS threads."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol

import ipywidgets
from threadpoolctl import ThreadpoolController

LOST = 3.0
"""Seconds without an answer from the page after which it counts as closed."""
IN_FLIGHT = 3
"""Frames that may be on their way to the page."""
GESTURE = 0.7
"""Changes that follow each other within this many seconds are one gesture of the hand."""


def family(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """Yield a widget, its layout and style, and all that it holds."""
    for child in getattr(widget, "children", ()):
        yield from family(child)
    for part in ("layout", "style"):
        if isinstance(getattr(widget, part, None), ipywidgets.Widget):
            yield getattr(widget, part)
    yield widget


class Pace:
    """Knows how many frames the page has not shown yet.

    Every frame has a number, and the page answers with the number of the frame that it has shown.  Before
    a page has asked for a picture nothing is held back: in a test or a build there is nobody to wait for.
    """

    def __init__(self) -> None:
        self.watched = False
        """Whether a page has asked for the picture."""
        self.sent = self.seen = 0
        self._sent_at = 0.0

    def watch(self) -> None:
        """Take note of a page that has just begun to show the picture."""
        self.watched, self.seen = True, self.sent

    def count_frame(self) -> int:
        """Say that a frame is sent; return its number."""
        self._sent_at = time.perf_counter()
        self.sent += 1
        return self.sent

    def answer(self, number: int) -> None:
        """Take the answer of the page: it has shown the frame with this number."""
        self.seen = max(self.seen, number)

    @property
    def ready(self) -> bool:
        """Whether the page can take another frame."""
        return not self.watched or self.sent - self.seen < IN_FLIGHT

    @property
    def caught_up(self) -> bool:
        """Whether the page has shown all that was sent."""
        return not self.watched or self.seen == self.sent

    @property
    def lost(self) -> bool:
        """Whether the page has stopped answering: its tab was closed."""
        return not self.ready and time.perf_counter() - self._sent_at > LOST

    async def wait(self) -> None:
        """Wait until the page can take another frame, or is lost."""
        while not self.ready and not self.lost:
            await asyncio.sleep(0.002)


def apart_from_cells(widget: ipywidgets.Widget) -> None:
    """Let messages to this widget pass beside the cell that is running.

    Around every message, a comm fires the events that IPython fires around a cell.  The inline backend
    then shows and closes all figures of pyplot.  JupyterLab delivers the message on another thread, in the
    middle of a running cell, so the figures that this cell has just begun would be torn from its hands.
    """
    if widget.comm is not None:
        widget.comm.handle_msg = widget._handle_msg


def free(lab: Any, box: ipywidgets.Widget) -> None:
    """Close the widgets of a lab, a question or an exercise, and let go of all that it holds but its name.

    The history of outputs holds everything that a cell has shown.
    """
    for widget in family(box):
        widget.close()
    name = lab.name
    vars(lab).clear()
    lab.name = name


def closed_bundle(name: str) -> dict[str, str]:
    """Return the display data of what is closed."""
    return {"text/plain": f"{name!r} is closed: its cell was run again."}


class Closable(Protocol):
    """A lab, as the registry sees it."""

    name: str

    def close(self) -> None:
        """Stop and free everything."""


_open_labs: dict[tuple[str, object], Closable] = {}


def replace_predecessor(lab: Closable) -> None:
    """Close the lab that an earlier run of the same cell made."""
    key = (lab.name, _cell())
    if key in _open_labs:
        _open_labs.pop(key).close()
    _open_labs[key] = lab


def _cell() -> object:
    """Return the identity of the cell that is running, or None outside of a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    parent = getattr(shell, "parent_header", None) or {}
    return parent.get("metadata", {}).get("cellId")


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop of this thread; None in a plain script, where work is done at once."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


_listening: dict[asyncio.AbstractEventLoop, tuple[Any, list[Callable[[], Any]]]] = {}
"""For each loop: the handler of SIGINT before the first lab listened, and the labs that listen now."""


@contextmanager
def interruptible(cancel: Callable[[], Any]) -> Iterator[None]:
    """Call `cancel` when the kernel is interrupted; a detached task does not hear of it by itself."""
    loop = asyncio.get_running_loop()
    before, cancels = _listening.get(loop, (signal.getsignal(signal.SIGINT), []))
    if not cancels:
        try:
            loop.add_signal_handler(signal.SIGINT, lambda: [each() for each in list(cancels)])
        except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            yield
            return
        _listening[loop] = before, cancels
    cancels.append(cancel)
    try:
        yield
    finally:
        cancels.remove(cancel)
        if not cancels:
            del _listening[loop]
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)


@cache
def _threadpools() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep matrix products on one thread: at the sizes of a lab a second one only waits."""
    with _threadpools().limit(limits=1, user_api="blas"):
        yield

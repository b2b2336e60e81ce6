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

    Every frame gets a number.  The page copies the number, when it arrives, into a second hidden
    widget, and so sends it back.  Before the first answer nothing is held back: without a page, in a
    test or in a build, there is nobody to wait for.
    """

    def __init__(self) -> None:
        self._sent = ipywidgets.IntText()
        self._seen = ipywidgets.IntText()
        self._link = ipywidgets.jsdlink((self._sent, "value"), (self._seen, "value"))
        self._sent_at = 0.0
        for widget in (self._sent, self._seen):
            apart_from_cells(widget)

    def count_frame(self) -> None:
        """Say that a frame was sent."""
        self._sent_at = time.perf_counter()
        self._sent.value += 1

    @property
    def ready(self) -> bool:
        """Whether the page can take another frame."""
        sent, seen = int(self._sent.value), int(self._seen.value)
        return seen == 0 or sent - seen < IN_FLIGHT

    @property
    def lost(self) -> bool:
        """Whether the page has stopped answering: its tab was closed."""
        return not self.ready and time.perf_counter() - self._sent_at > LOST

    async def wait(self) -> None:
        """Wait until the page can take another frame, or is lost."""
        while not self.ready and not self.lost:
            await asyncio.sleep(0.002)

    def close(self) -> None:
        """Free the hidden widgets."""
        for widget in (self._link, *family(self._sent), *family(self._seen)):
            widget.close()


def apart_from_cells(widget: ipywidgets.Widget) -> None:
    """Let messages to this widget pass beside the cell that is running.

    Around every message, a comm fires the events that IPython fires around a cell.  The inline backend
    then shows and closes all figures of pyplot.  JupyterLab delivers the message on another thread, in the
    middle of a running cell, so the figures that this cell has just begun would be torn from its hands.
    """
    if widget.comm is not None:
        widget.comm.handle_msg = widget._handle_msg


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

"""A lab: controls, a computation, views and a caption, wired together.

A change of a control stores nothing but the wish for a new picture and schedules the work on the
event loop that the lab was made on.  One update is under way at most, and it takes the newest values:
nothing queues up behind a fast hand, and no figure is touched from another thread.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from types import GeneratorType
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from dlhelpers.live.canvas import Canvas
from dlhelpers.live.controls import seed_box
from dlhelpers.live.grabs import Grab, Hand
from dlhelpers.live.on_page import LabOnPage
from dlhelpers.live.pace import (
    GESTURE,
    interruptible,
    one_blas_thread,
    running_loop,
)
from dlhelpers.live.panel import Panel
from dlhelpers.live.picture import Picture
from dlhelpers.live.programs import tidy
from dlhelpers.live.shell import Shell
from dlhelpers.plots.style import View
from dlhelpers.showing import Code

FRAME = 0.05
"""Seconds between two frames of a computation that reports while it runs."""
SLOW = 1.0
"""A computation that will take longer than this many seconds shows its progress."""
PATIENCE = 0.05
"""Seconds that a computation waits for the page to show its first frame."""
REST = 0.3
"""Seconds without a move after which the picture is drawn with all pixels of the screen."""
MAIN = 3
"""Controls above the picture; the others are folded under More."""


class Lab(LabOnPage):
    """One live figure with its controls.

    Parameters
    ----------
    name : str
        What the lab shows, as its heading.
    controls : mapping from argument name to widget
        Made by `live.controls`; the values they have now are the defaults.  The first three stand above
        the picture, the others are folded under More.
    compute : function of these arguments, and of `seed`
        Returns the result.  What takes long is a generator instead: it yields pairs
        (share done, result so far), the last with share 1, every 30 ms or so; see `live.stages`.
    views : function from Figure to a sequence of View
    code : function of the same arguments as `compute`
        Returns plain Python that computes the same numbers and names them `result`.
    presets : mapping from the label of a button to the values that differ from the defaults
    finding : function from result to str
        The measured number, beside the heading; by default the result's own property.
    caption : function from result to str
        What the figure shows, in words; by default the result's own property.
    grabs : sequence of Grab
        What can be taken hold of in the picture.
    seeded : bool
        Whether there is anything random; if not, `compute` gets no `seed`.
    size : (width, height) of the figure, in inches of 100 pixels

    Examples
    --------
    A lab is shown by the last line of a cell.  From code, `lab.set(degree=9)` moves a control,
    `lab.values` tells where all of them are, `lab.caption` is the text and `lab.code()` the program.
    """

    def __init__(
        self,
        name: str,
        controls: Mapping[str, ipywidgets.ValueWidget],
        compute: Callable[..., Any],
        views: Callable[[Figure], Sequence[View[Any]]],
        code: Callable[..., str],
        presets: Mapping[str, Mapping[str, Any]],
        finding: Callable[[Any], str] = attrgetter("finding"),
        caption: Callable[[Any], str] = attrgetter("caption"),
        grabs: Sequence[Grab] = (),
        seeded: bool = True,
        size: tuple[float, float] = (9.6, 4.2),
    ) -> None:
        self.name = name
        self.presets = {label: dict(values) for label, values in presets.items()}
        self.result: Any = None
        self.frames = 0
        self._compute, self._find, self._describe, self._program = compute, finding, caption, code
        self._before: Any = None
        self._changed_at = 0.0
        self._loop = running_loop()
        self._task: asyncio.Task[None] | None = None
        self._stale = self._stop = False
        seed = {"seed": seed_box()} if seeded else {}
        self._panel = Panel({**controls, **seed}, self._changed)
        self._shown = self.values
        canvas = Canvas(views, size)
        self._hand = Hand(canvas.figure, grabs)
        self._picture = Picture(
            canvas, tuple(grabs), self._pointed, self._page_changed, lambda why: self._shell.complain(why)
        )
        self._shell = Shell(name, self._picture.widget, self._on_stop)
        self._button, self._guarded = self._shell.button, self._shell.guarded
        self._fill_shell([control for name, control in controls.items() if name != "seed"])
        self._put(self._shell.box)
        self._update_now()

    # ---------------------------------------------------------------- for the reader
    @property
    def controls(self) -> dict[str, ipywidgets.ValueWidget]:
        """The controls by the names of their arguments."""
        return self._panel.controls

    @property
    def values(self) -> dict[str, Any]:
        """Where the controls are."""
        return self._panel.values

    def set(self, **values: Any) -> None:
        """Move controls, as a hand would; they show the new values, and one update follows."""
        self._panel.set(values)

    def reset(self) -> None:
        """Put every control, the seed too, back to where it was at the start."""
        self._panel.set(self._panel.defaults, always=True)  # the last computation may have been stopped

    def preset(self, label: str) -> None:
        """Press the button with this label: the defaults with the values of the preset; the seed stays."""
        defaults = {name: value for name, value in self._panel.defaults.items() if name != "seed"}
        self._panel.set({**defaults, **self.presets[label]}, always=True)

    def code(self) -> Code:
        """Return the lines of plain Python that give, as `result`, what is on the screen."""
        return Code(tidy(self._program(**self._shown)))

    async def settled(self) -> None:
        """Wait until the picture belongs to the controls."""
        while self._stale or (self._task is not None and not self._task.done()):
            await asyncio.sleep(0.001)

    def _stop_work(self) -> None:
        if self._task is not None:
            self._task.cancel()

    # ---------------------------------------------------------------- from a change to a picture
    def _changed(self) -> None:
        """Take note of a change.  JupyterLab may call this on another thread."""
        if self._loop is None:
            self._start_gesture()
            self._update_now()
        else:
            self._stale = True
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self.closed:
            return
        self._start_gesture()
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._follow())

    def _start_gesture(self) -> None:
        """Keep, as the ghost, what was on the screen when the hand began to move."""
        now = time.perf_counter()
        if self._loop is None or now - self._changed_at > GESTURE:
            self._before = self.result
        self._changed_at = now

    async def _follow(self) -> None:
        """Update until the picture belongs to the newest values."""
        while self._stale:
            await self._picture.pace.wait()
            self._stale = self._stop = False
            try:
                with interruptible(self._on_stop):
                    await self._update()
            except Exception as error:
                self._shell.fail(error, "These settings gave no picture", "Press Reset to go back.")
            self._shell.show_progress(None)
            await self._rest()

    async def _rest(self) -> None:
        """When the hand rests, draw with all pixels of the screen."""
        end = time.perf_counter() + REST
        while self._picture.ratio > 1 and not self._stale:
            if time.perf_counter() > end:
                self._guarded(self._picture.sharpen, "The picture stays as it is")
                return
            await asyncio.sleep(0.002)

    async def _update(self) -> None:
        started, shown, values = time.perf_counter(), 0.0, self._take_values()
        for share, result in self._stages(values):
            now = time.perf_counter()
            if share >= 1 or (now - shown >= FRAME and self._picture.pace.ready):
                self._show(values, result, share)
                if share < 1 and not shown:
                    await self._let_it_arrive()
                shown = now
            if now - started > SLOW / 4 and now - started > SLOW * share:
                self._shell.show_progress(share)
            await asyncio.sleep(0.001)
            if share < 1 and (self._stop or self._picture.pace.lost):
                self._show(values, result, share, "stopped")
                return
            if self._stale:
                return

    async def _let_it_arrive(self) -> None:
        """Wait until the page has the first frame: what is computed meanwhile would take a core from it."""
        end = time.perf_counter() + PATIENCE
        while not (self._stale or self._picture.pace.caught_up) and time.perf_counter() < end:
            await asyncio.sleep(0.002)

    def _update_now(self) -> None:
        values = self._take_values()
        *_, (share, result) = self._stages(values)
        self._show(values, result, share)

    def _take_values(self) -> dict[str, Any]:
        """Return where the controls are; what moves from now on is a new change."""
        self._panel.take()
        return self.values

    def _stages(self, values: dict[str, Any]) -> Iterator[tuple[float, Any]]:
        """Yield (share done, result); an ordinary function gives one such pair."""
        with one_blas_thread():
            outcome = self._compute(**values)
        if not isinstance(outcome, GeneratorType):
            yield 1.0, outcome
            return
        while True:
            with one_blas_thread():
                stage = next(outcome, None)
            if stage is None:
                return
            yield stage

    def _show(self, values: dict[str, Any], result: Any, share: float, state: str = "preview") -> None:
        """Draw a frame and send it, with its caption."""
        finding, caption = self._find(result), self._describe(result)
        if share < 1:
            caption = f"{caption} ({state.capitalize()}: {share:.0%} of the computation is done.)"
        self._picture.show(result, self._before, f"{finding}. {caption}")
        self.result, self._shown = result, values
        self._shell.say(finding, caption)
        self._shell.error = None
        self._shell.complain("")
        self.frames += 1
        self._show_code()

    def _on_stop(self) -> None:
        self._stop = True

    # ---------------------------------------------------------------- what the page says
    def _pointed(self, kind: str, x: float, y: float) -> None:
        """Move the controls of what the pointer holds.  JupyterLab may call this on another thread."""
        self._on_loop(partial(self._point, kind, x, y))

    def _point(self, kind: str, x: float, y: float) -> None:
        values = self._hand.moved(kind, x, y, self.values)
        if values:
            self._panel.set(values, grabbed=True)

    def _page_changed(self) -> None:
        """Show the whole picture at the size of the window.  JupyterLab may call this on another thread."""
        self._on_loop(self._picture.again)

    def _on_loop(self, act: Callable[[], None]) -> None:
        """Do something on the thread of the loop, where there is one."""
        if self._loop is None:
            self._guarded(act)
        else:
            self._loop.call_soon_threadsafe(self._guarded, act)

    # ---------------------------------------------------------------- what stands around the picture
    def _fill_shell(self, controls: list[ipywidgets.Widget]) -> None:
        buttons: list[ipywidgets.Widget] = [
            self._button(label, "Preset: " + label, partial(self.preset, label)) for label in self.presets
        ]
        buttons.append(self._button("Reset", "Put every control back", self.reset))
        if "seed" in self.controls:
            buttons += [
                self.controls["seed"],
                self._button("New seed", "The same settings with other random numbers", self._next_seed),
            ]
        self._code_switch = ipywidgets.ToggleButton(description="Show code", layout={"width": "auto"})
        self._code_switch.observe(lambda change: self._show_code(), "value")
        self._shell.fill([*buttons, self._code_switch], controls[:MAIN], controls[MAIN:])

    def _next_seed(self) -> None:
        seed = self.controls["seed"]
        seed.value = (seed.value + 1) % (seed.max + 1)

    def _show_code(self) -> None:
        """Show the program, if the reader wants it."""
        code = self.code if self._code_switch.value else str
        self._guarded(lambda: self._shell.show_code(str(code())), "The program cannot be shown")

"""A lab: controls, a computation, views and a caption, wired together.

A change of a control stores nothing but the wish for a new picture and schedules the work on the
event loop that the lab was made on.  One update is under way at most, and it takes the newest values:
nothing queues up behind a fast hand, and no figure is touched from another thread.
"""

import asyncio
import html
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import GeneratorType
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from dlhelpers.live.canvas import Canvas, with_picture
from dlhelpers.live.controls import seed_box, snap
from dlhelpers.live.pace import (
    Pace,
    apart_from_cells,
    family,
    interruptible,
    one_blas_thread,
    replace_predecessor,
    running_loop,
)
from dlhelpers.plots.style import View
from dlhelpers.showing import Code

FRAME = 0.05
"""Seconds between two frames of a computation that reports while it runs."""
GESTURE = 0.7
"""Changes that follow each other within this many seconds are one gesture of the hand."""
SLOW = 1.0
"""A computation that will take longer than this many seconds shows its progress."""

STYLE = """<style>
.dlh-lab .dlh-picture {pointer-events: none;}
.dlh-lab .dlh-caption {max-width: 960px; line-height: 1.45; font-size: 14px;}
.dlh-lab .dlh-message {max-width: 960px; border-left: 4px solid #D55E00; padding-left: 8px;}
.dlh-lab .dlh-code {max-width: 960px; overflow-x: auto; padding: 8px; background: #f5f5f5; color: #222;}
.dlh-lab .dlh-code pre {white-space: pre; word-break: normal;}
</style>"""


class Lab:
    """One live figure with its controls.

    Parameters
    ----------
    name : str
        What the lab shows, as its heading.
    controls : mapping from argument name to widget
        Made by `live.controls`; the values they have now are the defaults.
    compute : function of these arguments, and of `seed`
        Returns the result.  What takes long is a generator instead: it yields pairs
        (share done, result so far), the last with share 1, every 30 ms or so.
    views : function from Figure to a sequence of View
    finding : function from result to str
        The title of the figure: the measured number.
    caption : function from result to str
        What the figure shows, in words.
    code : function of the same arguments as `compute`
        Returns plain Python that computes the same numbers and names them `result`.
    presets : mapping from the label of a button to the values that differ from the defaults
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
        finding: Callable[[Any], str],
        caption: Callable[[Any], str],
        code: Callable[..., str],
        presets: Mapping[str, Mapping[str, Any]],
        seeded: bool = True,
        size: tuple[float, float] = (9.6, 4.2),
    ) -> None:
        self.name = name
        self.controls = dict(controls)
        if seeded:
            self.controls["seed"] = seed_box()
        self.presets = {label: dict(values) for label, values in presets.items()}
        self.error: Exception | None = None
        self.result: Any = None
        self.caption = ""
        self.frames = 0
        self._defaults = self._wanted = self.values
        self._compute, self._finding, self._describe, self._program = compute, finding, caption, code
        self._before: Any = None
        self._changed_at = 0.0
        self._canvas = Canvas(views, size)
        self._pace = Pace()
        self._loop = running_loop()
        self._task: asyncio.Task[None] | None = None
        self._stale = self._stop = self._moving_controls = False
        self._build_box()
        for widget in family(self._box):
            apart_from_cells(widget)
        self._update_now()
        for control in self.controls.values():
            control.observe(self._changed, "value")
        replace_predecessor(self)

    # ---------------------------------------------------------------- for the reader
    @property
    def values(self) -> dict[str, Any]:
        """Where the controls are."""
        return {name: _plain(control.value) for name, control in self.controls.items()}

    def set(self, **values: Any) -> None:
        """Move controls, as a hand would; they show the new values, and one update follows."""
        unknown = values.keys() - self.controls.keys()
        if unknown:
            raise ValueError(
                f"this lab has the controls {', '.join(self.controls)}; got {', '.join(sorted(unknown))}."
            )
        self._moving_controls = True
        try:
            for name, value in values.items():
                self.controls[name].value = snap(self.controls[name], value)
        finally:
            self._moving_controls = False
        self._changed()

    def reset(self) -> None:
        """Put every control, the seed too, back to where it was at the start."""
        self._wanted = {}  # compute also if nothing moves: the last computation may have been stopped
        self.set(**self._defaults)

    def preset(self, label: str) -> None:
        """Press the button with this label: the defaults with the values of the preset; the seed stays."""
        self._wanted = {}
        defaults = {name: value for name, value in self._defaults.items() if name != "seed"}
        self.set(**{**defaults, **self.presets[label]})

    def code(self) -> Code:
        """Return the lines of plain Python that give, as `result`, what is on the screen."""
        return Code(self._program(**self.values).strip() + "\n")

    def png(self) -> bytes:
        """Return the picture on the screen, as the bytes of a PNG file."""
        return bytes(self._canvas.image.value)

    async def settled(self) -> None:
        """Wait until the picture belongs to the controls."""
        while self._stale or (self._task is not None and not self._task.done()):
            await asyncio.sleep(0.001)

    def close(self) -> None:
        """Stop what is under way and free the widgets."""
        if self._task is not None:
            self._task.cancel()
        self._pace.close()
        for widget in family(self._box):
            widget.close()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the widget and, for a reader without a kernel, the picture and its caption."""
        return with_picture(self._box, self.png(), self.caption)

    # ---------------------------------------------------------------- from a change to a picture
    def _changed(self, change: object = None) -> None:
        """Take note of a change.  JupyterLab may call this on another thread."""
        if self._moving_controls or self.values == self._wanted:
            return  # the page answers with the value that it got: nothing has moved
        self._wanted = self.values
        if self._loop is None:
            self._start_gesture()
            self._update_now()
        else:
            self._stale = True
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
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
            await self._pace.wait()
            self._stale = self._stop = False
            try:
                with interruptible(self._on_stop):
                    await self._update()
            except Exception as error:
                self._say_error(error)
            self._progress_row.layout.display = "none"

    async def _update(self) -> None:
        started, shown = time.perf_counter(), 0.0
        for share, result in self._stages():
            now = time.perf_counter()
            if share >= 1 or (now - shown >= FRAME and self._pace.ready):
                self._show(result, share)
                shown = now
            self._show_progress(share, now - started)
            await asyncio.sleep(0.001)
            if share < 1 and (self._stop or self._pace.lost):
                self._show(result, share, "stopped")
                return
            if self._stale:
                return

    def _update_now(self) -> None:
        *_, (share, result) = self._stages()
        self._show(result, share)

    def _stages(self) -> Iterator[tuple[float, Any]]:
        """Yield (share done, result); an ordinary function gives one such pair."""
        with one_blas_thread():
            outcome = self._compute(**self.values)
        if not isinstance(outcome, GeneratorType):
            yield 1.0, outcome
            return
        while True:
            with one_blas_thread():
                stage = next(outcome, None)
            if stage is None:
                return
            yield stage

    def _show(self, result: Any, share: float, state: str = "preview") -> None:
        """Draw a frame and send it, with its caption."""
        finding, caption = self._finding(result), self._describe(result)
        if share < 1:
            caption = f"{caption} ({state.capitalize()}: {share:.0%} of the computation is done.)"
        self._canvas.show(result, self._before, finding, f"{finding}. {caption}")
        self.result, self.error, self.caption = result, None, f"{finding}. {caption}"
        self._caption.value = f"<b>{html.escape(finding)}.</b> {html.escape(caption)}"
        self._message.layout.display = "none"
        self._pace.count_frame()
        self.frames += 1
        self._show_code()

    def _say_error(self, error: Exception) -> None:
        """Say in words what went wrong; the picture and the controls stay as they are."""
        self.error = error
        text = f"These settings gave no picture: {error} Press Reset to go back. (lab.error has the details.)"
        self._message.value = html.escape(text)
        self._message.layout.display = ""

    def _show_progress(self, share: float, elapsed: float) -> None:
        if elapsed > SLOW / 4 and elapsed > SLOW * share:
            self._progress_row.layout.display = ""
        self._progress.value = share

    def _on_stop(self, button: object = None) -> None:
        self._stop = True

    # ---------------------------------------------------------------- what stands around the picture
    def _build_box(self) -> None:
        self._caption = ipywidgets.HTML()
        self._caption.add_class("dlh-caption")
        self._message = ipywidgets.HTML(layout={"display": "none"})
        self._message.add_class("dlh-message")
        self._progress = ipywidgets.FloatProgress(min=0, max=1, description="Computing")
        stop = button("Stop", "Stop the computation and keep what is there", self._on_stop)
        self._progress_row = ipywidgets.HBox([self._progress, stop], layout={"display": "none"})
        self._code_switch = ipywidgets.ToggleButton(description="Show code", layout={"width": "auto"})
        self._code_switch.observe(self._show_code, "value")
        self._code_text = ipywidgets.HTML(layout={"display": "none"})
        self._code_text.add_class("dlh-code")
        sliders = [control for name, control in self.controls.items() if name != "seed"]
        self._box = ipywidgets.VBox(
            [
                ipywidgets.HTML(f"{STYLE}<h4>{html.escape(self.name)}</h4>"),
                ipywidgets.Box(self._buttons(), layout={"flex_flow": "row wrap"}),
                ipywidgets.Box(sliders, layout={"flex_flow": "row wrap", "max_width": "960px"}),
                self._canvas.image,
                self._progress_row,
                self._caption,
                self._message,
                self._code_text,
            ]
        )
        self._box.add_class("dlh-lab")

    def _buttons(self) -> list[ipywidgets.Widget]:
        buttons: list[ipywidgets.Widget] = [
            button(label, "Preset: " + label, partial(self._press, label)) for label in self.presets
        ]
        buttons.append(button("Reset", "Put every control back", lambda _: self.reset()))
        if "seed" in self.controls:
            buttons += [
                self.controls["seed"],
                button("New seed", "The same settings with other random numbers", self._next_seed),
            ]
        return [*buttons, self._code_switch]

    def _press(self, label: str, button: object) -> None:
        self.preset(label)

    def _next_seed(self, button: object) -> None:
        seed = self.controls["seed"]
        seed.value = (seed.value + 1) % (seed.max + 1)

    def _show_code(self, change: object = None) -> None:
        self._code_text.layout.display = "" if self._code_switch.value else "none"
        if self._code_switch.value:
            self._code_text.value = f"<pre>{html.escape(self.code())}</pre>"


def button(label: str, help: str, act: Callable[[Any], None]) -> ipywidgets.Button:
    """Return a button that calls `act` with itself."""
    made = ipywidgets.Button(description=label, tooltip=help, layout={"width": "auto"})
    made.on_click(act)
    return made


def _plain(value: Any) -> Any:
    """Return a number as it is typed: 0.30000000000000004 as 0.3."""
    return float(f"{value:.12g}") if isinstance(value, float) else value

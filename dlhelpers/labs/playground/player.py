"""What makes a run play: one task on the event loop that trains, takes up what the hand wants, and shows.

A hand that moves a control only wakes the task.  It reads the control between two steps, so no step and
no frame mixes old and new.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial

from dlhelpers.labs.playground.controls import as_shown, setting_controls
from dlhelpers.labs.playground.run import Run
from dlhelpers.live.pace import Pace, interruptible, one_blas_thread, running_loop
from dlhelpers.live.panel import Panel
from dlhelpers.live.shell import Shell
from dlhelpers.session import Session
from dlhelpers.sharing import replay

TRAIN_FOR = 0.015
"""Seconds of training between two looks at the clock, the page and the controls."""
FRAME = 1 / 30
"""Seconds between two frames, at least."""


class Player:
    """Trains a run between two frames, and hands it what the controls say.

    Parameters
    ----------
    run : Run
    shell : Shell
        Says what went wrong.
    pace : Pace
        Of the page.
    draw : function
        Draws a frame of the run and sends it.
    must_stop : function
        Tells, after each step, whether to pause.
    seconds_a_step : function
        Returns how much time a step takes at least.

    Attributes
    ----------
    playing : bool
    panel : Panel
        The controls of the settings.
    """

    def __init__(
        self,
        run: Run,
        shell: Shell,
        pace: Pace,
        draw: Callable[[], None],
        must_stop: Callable[[], bool],
        seconds_a_step: Callable[[], float],
    ) -> None:
        self.playing = False
        self.panel = Panel(setting_controls(run.session.settings), self.wake)
        self._run, self._shell, self._pace, self._draw, self._must_stop = run, shell, pace, draw, must_stop
        self._seconds_a_step = seconds_a_step
        self._shown_at = self._stepped_at = 0.0
        self._replay: Iterator[Session] | None = None
        self._replayed = run.session
        self._loop = running_loop()
        self._task: asyncio.Task[None] | None = None

    def play(self) -> None:
        """Train until `pause`, a stop condition, or divergence."""
        if self._loop is None:
            raise RuntimeError("play needs a notebook; in a script, use step(n).")
        self.playing = True
        self._run.let_go()
        self.wake()

    def pause(self) -> None:
        """Stop after the present step, and leave a run that is trained again."""
        if self._replay is not None:
            self._shell.complain("")
        self.playing, self._replay = False, None
        self._run.let_go()

    def play_or_pause(self) -> None:
        """Do what the button says."""
        if self.playing:
            self.pause()
        else:
            self.play()

    def load(self, text: str) -> None:
        """Train again what a line of text describes; until it is there, the present run stays."""
        self.playing, self._replay = False, replay(text, self._run.session.own)
        if self._loop is not None:
            self.wake()
        while self._loop is None and self._replay is not None:
            self._replay_a_while()

    def act(self, action: Callable[[], object]) -> None:
        """Do something between two steps, and show it; on the thread of the loop, where there is one."""
        if self._loop is not None and not self._loop.is_closed() and running_loop() is not self._loop:
            self._loop.call_soon_threadsafe(self.act, action)
            return
        self._shell.complain("")
        self._run.let_go()
        self._guarded(action)
        self.show_settings()
        if not self.playing:
            self.show()

    def release(self) -> None:
        """End a drag in the picture, with its last move; on the thread of the loop."""
        self._take_up()
        self._run.hold(False)

    def on_loop(self, action: Callable[[], object]) -> None:
        """Do something that leaves the run as it is, on the thread of the loop, where there is one."""
        if self._loop is None:
            self._guarded(action)
        else:
            self._loop.call_soon_threadsafe(self._guarded, action)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.sleep(0)  # what was asked for a moment ago begins
        while self._task is not None and not self._task.done():
            await asyncio.sleep(0.001)

    def close(self) -> None:
        """End the task."""
        self.playing = False
        if self._task is not None:
            self._task.cancel()

    # ---------------------------------------------------------------- from a turn of a knob to a step
    def wake(self) -> None:
        """See to it that what is wanted is done.  JupyterLab may call this on another thread."""
        if self._loop is None:
            self._take_up()
            self.show()
        else:
            self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._live())

    async def _live(self) -> None:
        """Train, take up what the hand wants, and show frames, until there is nothing more to do."""
        while True:
            with interruptible(self.pause):
                while self._busy or self.panel.moved:
                    await self._turn()
            await self._pace.wait()
            self.show()
            if not self._busy and not self.panel.moved:  # nothing has come while we waited
                return

    async def _turn(self) -> None:
        """Take up what the hand wants, train a while, and show a frame when it is time for one."""
        self._take_up()
        if self.playing:
            self._train_a_while()
        if self._replay is not None:
            self._guarded(self._replay_a_while)
        if not self._busy or time.perf_counter() - self._shown_at >= FRAME:
            if not self._busy:
                await self._pace.wait()
            if self._pace.ready:
                self.show()
        if self._pace.lost:
            self.playing = False
        await asyncio.sleep(0.001)

    @property
    def _busy(self) -> bool:
        return self.playing or self._replay is not None

    def _take_up(self) -> None:
        """Hand to the run what the hand has moved: one knob after the other, so that none is lost."""
        for name, value in self.panel.take().items():
            self._shell.complain("")
            self._guarded(partial(self._run.turn, {name: value}, dragged=True))
            self.show_settings()

    def _train_a_while(self) -> None:
        """Train for about 15 ms, up to the time of the next frame, or up to a stop condition."""
        started = time.perf_counter()
        end, due = started + TRAIN_FOR, self._shown_at + FRAME
        if started < due < end:  # when it is past, the page is not ready yet
            end = due
        try:
            with one_blas_thread():
                while time.perf_counter() < end and self.playing and self._is_due():
                    self._run.advance()
                    if self._must_stop():
                        self.playing = False
        except Exception as error:
            self.playing = False
            self._shell.fail(error, "Training has stopped")

    def _is_due(self) -> bool:
        """Tell whether the next step may be made now; what a frame has delayed is made up for."""
        now, due = time.perf_counter(), self._stepped_at + self._seconds_a_step()
        if now < due:
            return False
        self._stepped_at = max(due, now - FRAME)
        return True

    def _replay_a_while(self) -> None:
        """Train the run that is loaded for about 15 ms; when it is complete, it takes the old one's place."""
        replay, self._replay = self._replay, None  # an error ends it
        started = time.perf_counter()
        while replay and time.perf_counter() - started < TRAIN_FOR:
            session = next(replay, None)
            if session is None:
                self._shell.complain("")
                self._run.replace(self._replayed)
                self.show_settings()
                return
            self._replayed = session
        self._replay = replay
        step = self._replayed.step
        self._shell.complain(f"Training again what the line says: step {step:,}. Pause leaves it.")

    # ---------------------------------------------------------------- what is shown
    def show(self) -> None:
        """Draw a frame and send it."""
        self._shown_at = time.perf_counter()
        self._guarded(self._draw, "The picture cannot be drawn")

    def show_settings(self) -> None:
        """Put the controls where the settings are."""
        values = as_shown(self._run.session.settings)
        self.panel.offer("data", values["data"])  # "own" comes with a table
        self.panel.put(values)

    def _guarded(self, action: Callable[[], object], failed: str = "Nothing was changed") -> None:
        with one_blas_thread():
            self._shell.guarded(action, failed)

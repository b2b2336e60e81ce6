"""The run on the screen and the runs that stay in grey beside it; no widget and no event loop."""

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import cycle
from typing import Any, NamedTuple

from dlhelpers.labs.playground.controls import as_setting
from dlhelpers.labs.playground.frame import KEPT, Kept, curves
from dlhelpers.live.pace import GESTURE
from dlhelpers.session import Session
from dlhelpers.settings import FIXED, Settings

LONGEST_NAME = 20
"""Of a run in grey, in letters."""


class Drag(NamedTuple):
    """A hand that moves a control.

    Attributes
    ----------
    names : frozenset of str
        What it moves.
    step : int
        Where it began.
    before : tuple of dict
        What had been changed at this step already, and stays.
    at : float
        When it moved last, in seconds.
    """

    names: frozenset[str]
    step: int
    before: tuple[dict[str, Any], ...]
    at: float


class Run:
    """A session that may be replaced by another one, and then stays in grey.

    Attributes
    ----------
    session : Session
    kept : list of Kept
        The oldest first.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.kept: list[Kept] = []
        self._letters = cycle("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        self._seconds, self._steps = 0.0, 0  # that this session took
        self._drag: Drag | None = None
        self._held = False  # by the pointer

    @property
    def microseconds(self) -> float:
        """What a step of this session takes, measuring included; 0 if none was timed."""
        return 1e6 * self._seconds / self._steps if self._steps else 0.0

    def advance(self, n: int = 1) -> None:
        """Make n steps."""
        started, before = time.perf_counter(), self.session.step
        self.session.advance(n)
        self._seconds += time.perf_counter() - started
        self._steps += self.session.step - before

    def turn(self, values: Mapping[str, Any], dragged: bool = False) -> None:
        """Give settings other values; the data and the network begin anew.

        A control that is `dragged` is one change, at the step where the hand took hold of it: each move
        goes back to there.
        """
        now = {name: as_setting(name, value) for name, value in values.items()}
        changed = {name: v for name, v in now.items() if getattr(self.session.settings, name, None) != v}
        if "data" in changed:
            changed.setdefault("added", ())  # points belong to the data that they were added to
        settings = replace(self.session.settings, **changed)  # or it fails before anything has moved
        if changed.keys() & set(FIXED):
            self.restart(settings)
        elif changed:
            if dragged:
                self._take_hold(frozenset(changed))
            self.session.change(**changed)

    def resize(self, hidden: tuple[int, ...]) -> None:
        """Give the network other hidden layers; it keeps the weights that it has, and trains on."""
        self.let_go()
        self.session.change(hidden=hidden)

    def add(self, layer: int, by: int) -> None:
        """Add so many units to a hidden layer, or so many layers where `layer` is 0."""
        hidden = self.session.settings.hidden
        if layer == 0 and by > 0:
            self.resize((*hidden, hidden[-1] if hidden else 4))
        elif not hidden:
            raise ValueError("There is no hidden layer. Add one first.")
        elif layer == 0:
            self.resize(hidden[:-1])
        else:
            self.resize(tuple(n + by * (k == layer) for k, n in enumerate(hidden, start=1)))

    def _take_hold(self, names: frozenset[str]) -> None:
        """Go back to the step at which the present drag of these settings began, if one is under way."""
        at, session, drag = time.perf_counter(), self.session, self._drag
        if drag is None or drag.names != names or not (self._held or at - drag.at < GESTURE):
            before = tuple(change.values for change in session.changes if change.step == session.step)
            drag = Drag(names, session.step, before, at)
        elif drag.step < session.step:
            session.rewind(drag.step)
            for values in drag.before:
                session.change(**values)
        self._drag = drag._replace(at=at)

    def hold(self, held: bool) -> None:
        """Take note that the pointer takes hold of a control, or that a key moves it after that."""
        self._drag, self._held = None, held

    def let_go(self) -> None:
        """End a drag: what is moved from now on is another change."""
        self._drag = None

    def restart(self, settings: Settings) -> None:
        """Begin again with these settings, on the same table if they name one's own data."""
        self.replace(Session(settings, self.session.own))

    def replace(self, session: Session) -> None:
        """Go on with another session; the old one stays in grey."""
        self.keep()
        self.session, self._seconds, self._steps = session, 0.0, 0
        self.let_go()

    def keep(self) -> None:
        """Keep the present session in grey, unless it has not begun or is there already."""
        session, now = self.session, curves(self.session)
        start, changes = session.start, tuple(session.changes)
        there = [(run.settings, run.changes, run.curves["step"][-1]) for run in self.kept]
        if session.step > 0 and (start, changes, now["step"][-1]) not in there:
            letter = next(self._letters)
            run = Kept(letter, letter, now, start, changes, self.microseconds)
            self.kept = [*self.kept, run][-KEPT:]

    def forget(self, letter: str = "") -> None:
        """Remove the session in grey with this letter, or all of them."""
        self.kept = [run for run in self.kept if letter and run.letter != letter]

    def rename(self, letter: str, name: str) -> None:
        """Give the session in grey with this letter another name; an empty one is its letter."""
        name = " ".join(name.split())[:LONGEST_NAME] or letter
        self.kept = [run._replace(name=name) if run.letter == letter else run for run in self.kept]

    def rewind(self, step: int) -> None:
        """Go back to a step that was made; the present session stays in grey."""
        kept = self.kept
        if step < self.session.step:
            self.keep()
        try:
            self.session.rewind(step)
        except BaseException:
            self.kept = kept  # nothing was changed
            raise

"""A panel: named controls on one side, their values on the other, and one signal for each change.

Hand and program move the same controls.  `moved` is what the hand has done and nobody has taken up yet.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ipywidgets

from dlhelpers.live.controls import nearest, snap


class Panel:
    """The controls of a lab.

    Parameters
    ----------
    controls : mapping from name to widget
        Made by `live.controls`; the values they have now are the defaults.
    on_change : function
        Called once after each change, however many controls it moved; whoever is called takes up what
        has moved.  JupyterLab may call it on another thread.
    """

    def __init__(self, controls: Mapping[str, ipywidgets.ValueWidget], on_change: Callable[[], None]) -> None:
        self.controls = dict(controls)
        self.defaults = self.values
        self._on_change = on_change
        self._taken = self.values
        self._putting: int | None = None  # the thread on which the program moves controls
        for control in self.controls.values():
            control.observe(self._signal, "value")

    @property
    def values(self) -> dict[str, Any]:
        """Where the controls are."""
        return {name: _plain(control.value) for name, control in self.controls.items()}

    @property
    def moved(self) -> dict[str, Any]:
        """The values that have changed since they were taken up."""
        return {name: value for name, value in self.values.items() if value != self._taken[name]}

    def take(self) -> dict[str, Any]:
        """Take up what has moved, and return it."""
        moved = self.moved
        self._taken.update(moved)
        return moved

    def put(self, values: Mapping[str, Any]) -> None:
        """Let controls show values, each as near as it can, without a signal.

        A control that the hand has moved on meanwhile stays there: what it wants is taken up next, and to
        put it back would take the next key from the hand.
        """
        with self._quietly():
            for name, value in values.items():
                control = self.controls[name]
                shown = _plain(control.value)
                if shown == self._taken[name] and shown != value:  # a number typed between two steps stays
                    control.value = nearest(control, value)
                    self._taken[name] = _plain(control.value)

    def offer(self, name: str, option: Any) -> None:
        """Add an option to a menu, without a signal; the menu stays where it is."""
        control = self.controls[name]
        if option not in control.options:
            with self._quietly():
                value = control.value
                control.options = [*control.options, option]  # it goes to the first option by itself
                control.value = value

    def set(self, values: Mapping[str, Any], always: bool = False, grabbed: bool = False) -> None:
        """Move controls as a hand does, and give one signal if anything moved, or `always`.

        Values that were `grabbed` in the picture go to the nearest step of the control.
        """
        unknown = values.keys() - self.controls.keys()
        if unknown:
            raise ValueError(
                f"this lab has the controls {', '.join(self.controls)}; got {', '.join(sorted(unknown))}."
            )
        fit = nearest if grabbed else snap
        with self._quietly():
            for name, value in values.items():
                self.controls[name].value = fit(self.controls[name], value)
        if always or self.moved:
            self._on_change()

    def _signal(self, change: object) -> None:
        """Tell of a move; the page answers with the value that it got, and then nothing has moved."""
        if self._putting != threading.get_ident() and self.moved:
            self._on_change()

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        self._putting = threading.get_ident()
        try:
            yield
        finally:
            self._putting = None


def _plain(value: Any) -> Any:
    """Return a number as it is typed: 0.30000000000000004 as 0.3."""
    return float(f"{value:.12g}") if isinstance(value, float) else value

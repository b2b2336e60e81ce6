"""A panel: named controls on one side, their values on the other, and one signal for each change."""

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
        Called once after each change, however many controls it moved.  JupyterLab may call it on another
        thread.
    """

    def __init__(self, controls: Mapping[str, ipywidgets.ValueWidget], on_change: Callable[[], None]) -> None:
        self.controls = dict(controls)
        self.defaults = self.values
        self._on_change = on_change
        self._told = self.values
        self._quiet = False
        for control in self.controls.values():
            control.observe(self._moved, "value")

    @property
    def values(self) -> dict[str, Any]:
        """Where the controls are."""
        return {name: _plain(control.value) for name, control in self.controls.items()}

    def put(self, values: Mapping[str, Any], grabbed: bool = False) -> None:
        """Move controls to values that they can show, without a signal.

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

    def set(self, values: Mapping[str, Any], always: bool = False, grabbed: bool = False) -> None:
        """Move controls, and give one signal if anything moved, or `always`."""
        self.put(values, grabbed)
        self._signal(always)

    def _moved(self, change: object) -> None:
        if not self._quiet:
            self._signal()

    def _signal(self, always: bool = False) -> None:
        """Tell of a change; the page answers with the value that it got, and then nothing has moved."""
        values = self.values
        if always or values != self._told:
            self._told = values
            self._on_change()

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False


def _plain(value: Any) -> Any:
    """Return a number as it is typed: 0.30000000000000004 as 0.3."""
    return float(f"{value:.12g}") if isinstance(value, float) else value

"""Grabs: what can be taken hold of in a picture, and the controls that it belongs to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure


def _same(value: float) -> Any:
    return value


class Grab(NamedTuple):
    """A point or a cursor in one panel, that a hand can drag; a click moves it, too.

    Parameters
    ----------
    panel : int
        Which axes of the figure, in the order in which they were made.
    x, y : str
        The controls that follow the pointer across and up; "" if none does.
    from_x, from_y : function from the number on the axis to the value of the control
    to_x, to_y : the other way round; needed only where two grabs share a panel
    at : float, optional
        Of a bar: where it stands on the axis that it does not follow.  The pointer takes the nearest bar.

    Examples
    --------
    A point: `Grab(0, x="w1", y="w2")`.  A cursor over lambda: `Grab(1, x="strength")`.
    The lowest of several bars that lie one above the other: `Grab(0, x="z1", at=0)`.
    """

    panel: int
    x: str = ""
    y: str = ""
    from_x: Callable[[float], Any] = _same
    from_y: Callable[[float], Any] = _same
    to_x: Callable[[Any], float] = _same
    to_y: Callable[[Any], float] = _same
    at: float | None = None

    def values(self, x: float, y: float) -> dict[str, Any]:
        """Return the values of its controls when the pointer is at (x, y) of the axes."""
        found = {self.x: self.from_x(x)} if self.x else {}
        return {**found, self.y: self.from_y(y)} if self.y else found

    def distance(self, figure: Figure, values: Mapping[str, Any], pixel: tuple[float, float]) -> float:
        """Return how many pixels away from the pointer it is now; a cursor counts along one axis only."""
        to_pixel = figure.axes[self.panel].transData.transform
        if self.at is not None:
            bar = to_pixel((self.at, self.at)) - pixel
            return float(abs(bar[1] if self.x else bar[0]))
        at = to_pixel(
            (self.to_x(values[self.x]) if self.x else 0.0, self.to_y(values[self.y]) if self.y else 0.0)
        )
        across, up = (at[0] - pixel[0] if self.x else 0.0), (at[1] - pixel[1] if self.y else 0.0)
        return float((across**2 + up**2) ** 0.5)


class Hand:
    """The pointer over a figure, and what it holds."""

    def __init__(self, figure: Figure, grabs: Sequence[Grab]) -> None:
        self._figure, self._grabs = figure, grabs
        self._held: Grab | None = None

    def moved(self, kind: str, x: float, y: float, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that a "down", "move" or "up" at these shares of the figure asks for."""
        pixel = (x * self._figure.bbox.width, y * self._figure.bbox.height)
        if kind == "down":
            self._held = self._nearest(pixel, values)
        held = self._held
        if kind == "up":
            self._held = None
        if held is None:
            return {}
        ax = self._figure.axes[held.panel]
        return held.values(*map(float, ax.transData.inverted().transform(pixel)))

    def _nearest(self, pixel: tuple[float, float], values: Mapping[str, Any]) -> Grab | None:
        here = [grab for grab in self._grabs if self._figure.axes[grab.panel].bbox.contains(*pixel)]
        if len(here) < 2:
            return here[0] if here else None
        return min(here, key=lambda grab: grab.distance(self._figure, values, pixel))

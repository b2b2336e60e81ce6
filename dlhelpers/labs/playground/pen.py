"""Points that the hand adds in the map, moves and removes."""

from collections.abc import Callable

import numpy as np

from dlhelpers.labs.playground.pointer import PLANE, Place
from dlhelpers.labs.playground.run import Run
from dlhelpers.points import Added, places

NEAR = 0.045
"""How far from a point the pointer may be to take hold of it, in widths of the map."""


class Pen:
    """Turns what the pointer does in the map into other points; a drag is one change.

    Parameters
    ----------
    run : Run
    put : function of points
        Takes the new points, as a hand that moves a control.
    let_go : function
        Called when the pointer lets go.

    Attributes
    ----------
    chosen : int or None
        The point that was touched last, by its place among those that were added.
    """

    def __init__(self, run: Run, put: Callable[[Added], None], let_go: Callable[[], None]) -> None:
        self._run, self._put, self._let_go = run, put, let_go
        self._chosen: int | None = None
        self._holds = False

    @property
    def added(self) -> Added:
        """The points now."""
        return self._run.session.settings.added

    @property
    def chosen(self) -> int | None:
        """The point that was touched last, if it is still there."""
        return self._chosen if self._chosen is not None and self._chosen < len(self.added) else None

    def point(self, kind: str, where: Place | None, limit: float, new_class: int) -> None:
        """Take "down", "move" or "up" of the pointer; beside the map a point stays where it was."""
        if kind == "up":
            self._holds = False
            self._let_go()
        elif where is None or where.panel != PLANE:
            return
        elif kind == "down":
            self._take(where, limit, new_class)
        elif self._holds and self.chosen is not None:
            k = self.added[self.chosen][2]
            self._put(_with(self.added, self.chosen, (round(where.x, 2), round(where.y, 2), k)))

    def _take(self, where: Place, limit: float, new_class: int) -> None:
        """Take hold of the point that is there, or of a new one."""
        self._run.hold(True)
        self._holds = True
        distances = np.hypot(*(places(self.added) - [where.x, where.y]).T)
        if distances.size and distances.min() < NEAR * 2 * limit:
            self._chosen = int(distances.argmin())
            return
        self._chosen = len(self.added)
        self._put((*self.added, (round(where.x, 2), round(where.y, 2), new_class)))

    def remove(self) -> None:
        """Remove the point that was touched last, or else the last one."""
        if not self.added:
            raise ValueError("There is no point to remove. Add one: press Edit points and click the map.")
        gone = len(self.added) - 1 if self.chosen is None else self.chosen
        self._chosen = None
        self._put(tuple(point for k, point in enumerate(self.added) if k != gone))


def _with(added: Added, k: int, point: tuple[float, float, int]) -> Added:
    return (*added[:k], point, *added[k + 1 :])

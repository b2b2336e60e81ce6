"""Views of early stopping: one run, scrubbed; its path beside that of ridge regression."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from dlhelpers.plots.playground import CLASS_COLORS, MARKERS, blend
from dlhelpers.plots.style import ACCENT, DEV, GHOST, TEST, TRAIN, key, moving
from dlhelpers.typing import FloatArray

RESTORED = "#7b3294"
"""Purple, drawn dash-dotted or as a star: what early stopping gives back."""


class BoundaryView:
    """The plane, colored by what the network answers there, with the training points on it.

    Parameters
    ----------
    ax : Axes
    name : str
        Of the map to show, an attribute of the result: (n, n) probabilities of class 1.
    title : str
    color : str
        Of the title.
    """

    def __init__(self, ax: Axes, name: str, title: str, color: str) -> None:
        ax.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
        ax.grid(visible=False)
        self._name = name
        blank = np.ones((2, 2, 3))
        self._map = moving(ax.imshow(blank, extent=(-3, 3, -3, 3), origin="lower", interpolation="bilinear"))
        self._points = [
            moving(ax.plot([], [], MARKERS[k], color=CLASS_COLORS[k], ms=5, mec="white", mew=0.6)[0])
            for k in (0, 1)
        ]
        key(ax, (title, color))

    def update(self, result: Any, before: Any | None) -> None:
        """Show the map, and `result.X` (m, 2) with the classes `result.y` (m,)."""
        probability = getattr(result, self._name)
        self._map.set_data(blend(np.stack([1 - probability, probability], axis=-1)))
        for k, points in enumerate(self._points):
            points.set_data(*result.X[result.y == k].T)


class OverEpochsView:
    """Train and dev loss over the epochs; where patience began to count, and where it ran out."""

    def __init__(self, ax: Axes, epochs: int, high: float = 1.2) -> None:
        ax.set(xlim=(0, epochs), ylim=(0, high), ylabel="loss J")
        ax.tick_params(labelbottom=False)
        (self._old_train,) = ax.plot([], [], color=GHOST, lw=1.2)
        (self._old_dev,) = ax.plot([], [], "--", color=GHOST, lw=1.2)
        (self._train,) = ax.plot([], [], color=TRAIN, lw=1.8)
        (self._dev,) = ax.plot([], [], "--", color=DEV, lw=1.8)
        (self._waiting,) = ax.plot([], [], "-", color=RESTORED, lw=3)
        (self._best,) = ax.plot([], [], "*", color=RESTORED, ms=15, mec="white")
        (self._stopped,) = ax.plot([], [], "X", color=RESTORED, ms=9, mec="white")
        self._cursor = ax.axvline(0, color=ACCENT, lw=2)
        lines = (self._old_train, self._old_dev, self._train, self._dev)
        for artist in (*lines, self._waiting, self._best, self._stopped, self._cursor):
            moving(artist)
        key(
            ax,
            ("— train", TRAIN),
            ("-- dev", DEV),
            ("★ restored ━ patience ✖ stops", RESTORED),
            ("┃ yours", ACCENT),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.train` and `result.dev`, (epochs + 1,), and `result.stop`, a `Stop`."""
        stop, level = result.stop, result.dev[result.stop.best]
        self._train.set_data(range(len(result.train)), result.train)
        self._dev.set_data(range(len(result.dev)), result.dev)
        self._waiting.set_data([stop.best, stop.stopped], [level, level])
        self._best.set_data([stop.best], [level])
        ended = [stop.stopped] if result.ran_out else []
        self._stopped.set_data(ended, [level] * len(ended))
        self._cursor.set_xdata([result.epoch, result.epoch])
        other = before is not None and before.train is not result.train
        for line, name in ((self._old_train, "train"), (self._old_dev, "dev")):
            old = getattr(before, name) if other else ()
            line.set_data(range(len(old)), old)


class NormsView:
    """The length of the weights, and their distance from the first ones, over the epochs."""

    def __init__(self, ax: Axes, epochs: int, top: float = 25.0) -> None:
        ax.set(xlim=(0, epochs), ylim=(0, top), xlabel="epoch", ylabel="weights")
        (self._old,) = ax.plot([], [], color=GHOST, lw=1.2)
        (self._norm,) = ax.plot([], [], color="#222222", lw=1.8)
        (self._distance,) = ax.plot([], [], "--", color="#222222", lw=1.8)
        self._cursor = ax.axvline(0, color=ACCENT, lw=2)
        self._best = ax.axvline(0, color=RESTORED, lw=1.5, ls="-.")
        for artist in (self._old, self._norm, self._distance, self._cursor, self._best):
            moving(artist)
        key(
            ax,
            ("— norm ‖W‖", "#222222"),
            ("-- way from the start ‖W - W₀‖", "#222222"),
            ("— before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.norm` and `result.distance`, (epochs + 1,)."""
        self._norm.set_data(range(len(result.norm)), result.norm)
        self._distance.set_data(range(len(result.distance)), result.distance)
        self._cursor.set_xdata([result.epoch, result.epoch])
        self._best.set_xdata([result.stop.best, result.stop.best])
        old = before.norm if before is not None and before.norm is not result.norm else ()
        self._old.set_data(range(len(old)), old)


EARLY, RIDGE = RESTORED, ACCENT


class TwoFitsView:
    """The fit after some steps of gradient descent, and that of ridge regression."""

    def __init__(self, ax: Axes, x: FloatArray, limit: float = 2.0) -> None:
        ax.set(xlim=(-1, 1), ylim=(-limit, limit), xlabel="x", ylabel="y")
        self._x = x
        (self._before,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._points,) = ax.plot([], [], "o", color=GHOST, ms=4, mec="none")
        (self._truth,) = ax.plot([], [], ":", color=TEST, lw=2)
        (self._ridge,) = ax.plot([], [], color=RIDGE, lw=2)
        (self._early,) = ax.plot([], [], "--", color=EARLY, lw=2.5)
        for artist in (self._before, self._points, self._truth, self._ridge, self._early):
            moving(artist)
        key(ax, ("-- stopped at t", EARLY), ("— ridge", RIDGE), ("┅ truth", TEST))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.early_fit`, `result.ridge_fit` and `result.truth`, each (n,)."""
        self._early.set_data(self._x, result.early_fit)
        self._ridge.set_data(self._x, result.ridge_fit)
        self._truth.set_data(self._x, result.truth)
        self._points.set_data(result.x, result.y)
        self._before.set_data(self._x, np.nan * self._x if before is None else before.early_fit)


class OverNormView:
    """Dev loss over the norm of the weights: the path of training, and the path of ridge regression."""

    def __init__(self, ax: Axes, right: float = 4.0, low: float = 0.02, high: float = 1.0) -> None:
        ax.set(xlim=(0, right), ylim=(low, high), yscale="log")
        ax.set(xlabel="norm of the weights ‖w‖", ylabel="dev loss J")
        ax.set_yticks([0.03, 0.1, 0.3, 1], ["0.03", "0.1", "0.3", "1"])
        ax.minorticks_off()
        (self._before,) = ax.plot([], [], "--", color=GHOST, lw=1.5)
        (self._ridge,) = ax.plot([], [], color=RIDGE, lw=2)
        (self._early,) = ax.plot([], [], "--", color=EARLY, lw=2.5)
        (self._here_ridge,) = ax.plot([], [], "s", color=RIDGE, ms=10, mec="white")
        (self._here_early,) = ax.plot([], [], "o", color=EARLY, ms=10, mec="white")
        lines = (self._before, self._ridge, self._early, self._here_ridge, self._here_early)
        for artist in lines:
            moving(artist)
        key(ax, ("--● path of training", EARLY), ("—■ of ridge", RIDGE), ("-- before", "#777777"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.early` and `result.ridge`, (norms, dev losses) of a path, and the points on them."""
        self._early.set_data(*_inside(result.early))
        self._ridge.set_data(*_inside(result.ridge))
        self._here_early.set_data(*_inside(result.early_here))
        self._here_ridge.set_data(*_inside(result.ridge_here))
        other = before is not None and before.early is not result.early
        self._before.set_data(*_inside(before.early if before is not None and other else ((), ())))


def _inside(path: Any) -> tuple[FloatArray, FloatArray]:
    """Return x and y without what is too large to draw."""
    x, y = (np.atleast_1d(np.asarray(part, dtype=float)) for part in path)
    fine = (np.abs(x) < 1e3) & (np.abs(y) < 1e3)
    return np.where(fine, x, np.nan), np.where(fine, y, np.nan)


class SharesView:
    """How much of the least-squares solution is reached in each direction, from flat to steep."""

    def __init__(self, ax: Axes, s: FloatArray) -> None:
        ax.set(xlim=(s[0], s[-1]), ylim=(-0.05, 1.3), xscale="log")
        ax.set(xlabel="curvature s of the direction", ylabel="share of the solution")
        self._s = s
        (self._before,) = ax.plot([], [], "--", color=GHOST, lw=1.5)
        (self._ridge,) = ax.plot([], [], color=RIDGE, lw=1.5)
        (self._early,) = ax.plot([], [], "--", color=EARLY, lw=1.5)
        (self._squares,) = ax.plot([], [], "s", color=RIDGE, ms=6, mec="white", mew=0.5)
        (self._dots,) = ax.plot([], [], "o", color=EARLY, ms=7, mec="white", mew=0.5)
        for artist in (self._before, self._ridge, self._early, self._squares, self._dots):
            moving(artist)
        key(ax, ("● measured -- (3)", EARLY), ("■ measured — (4)", RIDGE))

    def update(self, result: Any, before: Any | None) -> None:
        """Show the shares on the grid of curvatures, and those measured at `result.curvatures`."""
        self._early.set_data(*_inside((self._s, result.early_curve)))
        self._ridge.set_data(self._s, result.ridge_curve)
        self._dots.set_data(*_inside((result.curvatures, result.early_shares)))
        self._squares.set_data(*_inside((result.curvatures, result.ridge_shares)))
        self._before.set_data(*_inside(((), ()) if before is None else (self._s, before.early_curve)))

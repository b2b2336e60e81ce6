"""Views of notebook 04 on the inputs: the data, the valley of the loss, the way down, the test set."""

from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes

from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, TEST, TRAIN, key, moving
from dlhelpers.typing import FloatArray


class CloudView:
    """Training and test examples after the treatment, on axes of one scale that never change."""

    LOW: ClassVar[float] = -8.0
    HIGH: ClassVar[float] = 20.0

    def __init__(self, ax: Axes) -> None:
        ends, ticks = (self.LOW, self.HIGH), [0, 10, 20]
        ax.set(xlim=ends, ylim=ends, xticks=ticks, yticks=ticks, xlabel="$x_1$", ylabel="$x_2$")
        ax.set_aspect("equal", adjustable="box")
        (self._train,) = ax.plot([], [], "o", color=TRAIN, ms=2.5, mec="none", alpha=0.6)
        (self._test,) = ax.plot([], [], "s", color=TEST, ms=2.5, mec="none", alpha=0.7)
        for artist in (self._train, self._test):
            moving(artist)
        key(ax, ("● train", TRAIN), ("■ test", TEST))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.X` and `result.X_test`, (m, 2)."""
        self._train.set_data(*result.X.T)
        self._test.set_data(*result.X_test.T)


class TestView:
    """The predictions for the test set over the true values; good ones lie on the diagonal."""

    __test__: ClassVar[bool] = False

    def __init__(self, ax: Axes) -> None:
        ends, ticks = (-6, 18), [0, 6, 12, 18]
        ax.set(xlim=ends, ylim=ends, xticks=ticks, yticks=ticks, xlabel="true y of the test set")
        ax.set_ylabel("predicted")
        ax.set_aspect("equal", adjustable="box")
        moving(ax.axline((0, 0), slope=1, color="#777777", lw=1))
        (self._before,) = ax.plot([], [], "s", color=GHOST, ms=2.5, mec="none")
        (self._points,) = ax.plot([], [], "s", color=TEST, ms=3, mec="none", alpha=0.8)
        for artist in (self._before, self._points):
            moving(artist)
        key(ax, ("■ test", TEST), ("■ before", "#777777"))

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.predictions` over `result.y_test`."""
        self._points.set_data(result.y_test, result.predictions)
        self._before.set_data(*([], []) if before is None else (before.y_test, before.predictions))


class ValleyView:
    """Contours of the loss over two weights, and the path of gradient descent."""

    RINGS: ClassVar[int] = 6

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-2, 2), ylim=(-2, 2), xticks=[-2, -1, 0, 1, 2], yticks=[-2, -1, 0, 1, 2])
        ax.set(xlabel="$w_1$ minus its best value", ylabel="$w_2$ minus its best value")
        ax.set_aspect("equal", adjustable="box")
        (self._old_ring,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._rings,) = ax.plot([], [], color=LIGHT_BLUE, lw=1.3)
        (self._old_path,) = ax.plot([], [], "-", color=GHOST, lw=0.8)
        (self._path,) = ax.plot([], [], "o-", color=TRAIN, ms=3, lw=1)
        (self._start,) = ax.plot([], [], "o", color=TRAIN, ms=8, mec="white")
        (self._minimum,) = ax.plot([0], [0], "*", color=ACCENT, ms=14, mec="white")
        for artist in (
            self._old_ring,
            self._rings,
            self._old_path,
            self._path,
            self._start,
            self._minimum,
        ):
            moving(artist)
        key(
            ax,
            ("— same loss", "#4a90c4"),
            ("●— steps", TRAIN),
            ("★ minimum", ACCENT),
            ("— before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show the rings of `result.hessian`, (2, 2), and `result.path`, (steps, 2)."""
        radii = 0.5 ** np.arange(self.RINGS)
        self._rings.set_data(*_rings(result.hessian, result.path[0], radii))
        self._path.set_data(*_inside(result.path))
        self._start.set_data(result.path[:1, 0], result.path[:1, 1])
        if before is None:
            self._old_ring.set_data([], [])
            self._old_path.set_data([], [])
        else:
            self._old_ring.set_data(*_rings(before.hessian, before.path[0], np.ones(1)))
            self._old_path.set_data(*_inside(before.path))


def _rings(hessian: FloatArray, start: FloatArray, radii: FloatArray) -> FloatArray:
    """Return the lines of equal loss through start, and at these shares of its distance; (2, points)."""
    values, vectors = np.linalg.eigh(hessian)
    angle = np.linspace(0, 2 * np.pi, 241)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    ring = vectors @ (circle * np.sqrt(start @ hessian @ start / values)[:, None])
    gap = np.full((2, 1), np.nan)
    return np.hstack([np.hstack([radius * ring, gap]) for radius in radii])


def _inside(path: FloatArray) -> FloatArray:
    """Return the path, (2, steps), up to the first point that is far outside of the frame."""
    far = np.flatnonzero(np.abs(path).max(axis=1) > 1e3)
    return path[: far[0] + 1 if far.size else None].T


class ExcessView:
    """The loss above its minimum, as a share of that at the start, over the steps."""

    TOP: ClassVar[float] = 30.0
    BOTTOM: ClassVar[float] = 1e-4

    def __init__(self, ax: Axes, steps: int, goal: float) -> None:
        ax.set(yscale="log", xlim=(0, steps), ylim=(self.BOTTOM, self.TOP))
        ax.set(xlabel="step", ylabel="excess loss, share of the start")
        moving(ax.axhline(goal, color="#777777", lw=1, ls="-."))
        (self._before,) = ax.plot([], [], "-", color=GHOST, lw=2)
        (self._excess,) = ax.plot([], [], "-", color=TRAIN, lw=3)
        (self._predicted,) = ax.plot([], [], ":", color=TEST, lw=1.5)
        for artist in (self._before, self._excess, self._predicted):
            moving(artist)
        key(
            ax,
            ("— train", TRAIN),
            ("··· ρ² a step", TEST),
            ("-·- 1%", "#777777"),
            ("— before", "#777777"),
        )

    def update(self, result: Any, before: Any | None) -> None:
        """Show `result.excess`, (steps,), and the powers of `result.factor`."""
        steps = np.arange(len(result.excess))
        self._excess.set_data(steps, _drawable(result.excess))
        self._predicted.set_data(steps, _drawable(result.factor ** (2 * steps)))
        past = np.zeros(0) if before is None else _drawable(before.excess)
        self._before.set_data(steps[: len(past)], past)


def _drawable(excess: FloatArray) -> FloatArray:
    """Return the curve with its ends held a little outside of the frame, where a log axis can draw them."""
    return np.clip(excess, 1e-3 * ExcessView.BOTTOM, 1e3 * ExcessView.TOP)

"""The lab *Three classes in a triangle*: all their probabilities, and the path of the temperature."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.softmax.common import LIMIT, NAMES, in_words, name_class
from dlhelpers.live.controls import log_slider, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.decision_regions import blend
from dlhelpers.plots.style import GHOST, View, key, moving
from dlhelpers.softmax import softmax
from dlhelpers.typing import FloatArray

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
"""Where each class has probability 1."""
TEMPERATURES = np.geomspace(0.01, 1000, 241)


class InTriangle(NamedTuple):
    """One answer among three classes.

    `differences` are z1 - z3 and z2 - z3, `a` (3,) the probabilities at the temperature, `plain` (3,) those
    at T = 1, `path` (temperatures, 3) those from cold to hot.
    """

    differences: FloatArray
    temperature: float
    a: FloatArray
    plain: FloatArray
    path: FloatArray

    @property
    def entropy(self) -> float:
        """The entropy of the answer in bits: 0 for a corner, 1.58 in the middle."""
        a = self.a[self.a > 0]
        return float(-(a * np.log2(a)).sum())

    @property
    def finding(self) -> str:
        """The three probabilities."""
        each = ", ".join(f"{name} {p:.2f}" for name, p in zip(NAMES, self.a, strict=False))
        return f"T = {in_words(self.temperature)}: {each}"

    @property
    def caption(self) -> str:
        """Where the path leads, and the entropy of the answer."""
        z = np.append(self.differences, 0.0)
        best = [NAMES[k] for k in np.flatnonzero(z == z.max())]
        if len(best) == 3:
            return (
                "All three logits are equal: every temperature gives 1/3 to each class. The entropy is as "
                f"high as it can be, {self.entropy:.2f} bits."
            )
        cold = f"the corner of {best[0]}" if len(best) == 1 else f"the middle between {' and '.join(best)}"
        return (
            f"The line is the way of this answer through all temperatures: cold, it ends at {cold}; hot, in "
            f"the middle, 1/3 each. No class ever overtakes another on the way. The entropy is "
            f"{self.entropy:.2f} bits: 0 would be a sure answer, 1.58 none at all."
        )


def in_triangle(u1: float, u2: float, temperature: float) -> InTriangle:
    """Compute the probabilities of three classes from the differences of their logits."""
    z = np.array([[u1], [u2], [0.0]])
    path = softmax(z / TEMPERATURES).T
    return InTriangle(z[:2, 0], temperature, softmax(z, temperature)[:, 0], softmax(z)[:, 0], path)


def program(u1: float, u2: float, temperature: float) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.softmax import softmax

z = np.array([[{u1}], [{u2}], [0.0]])  # only differences count: the third logit may be 0
a = softmax(z, {temperature})[:, 0]
plain = softmax(z)[:, 0]
result = a, plain
"""


def in_steps(a: FloatArray) -> FloatArray:
    """Return probabilities whose sureness is rounded to fifths, so that a map has few colors, (..., n)."""
    n = a.shape[-1]
    sure = np.round(5 * (n * a.max(axis=-1, keepdims=True) - 1) / (n - 1)) / 5
    return sure * np.eye(n)[a.argmax(axis=-1)] + (1 - sure) / n


class DifferencesView(View[InTriangle]):
    """The plane of logit differences, colored by the probabilities at T = 1."""

    def __init__(self, ax: Axes) -> None:
        ends, ticks = (-LIMIT, LIMIT), [-6, -3, 0, 3, 6]
        ax.set(xlim=ends, ylim=ends, xticks=ticks, yticks=ticks, aspect="equal")
        ax.set(xlabel="$z_1 - z_3$: drag the ring", ylabel="$z_2 - z_3$")
        ax.grid(visible=False)
        side = np.linspace(-LIMIT, LIMIT, 281)
        u1, u2 = np.meshgrid(side, side)
        a = softmax(np.stack([u1.ravel(), u2.ravel(), 0 * u1.ravel()])).T.reshape(281, 281, 3)
        ax.imshow(blend(in_steps(a)), extent=(*ends, *ends), origin="lower", zorder=0)
        for end in ((0, -LIMIT), (-LIMIT, 0), (LIMIT, LIMIT)):
            ax.plot([0, end[0]], [0, end[1]], "--", color="#555555", lw=1)
        for k, (x, y) in enumerate(((4.4, -5), (-4.4, 5), (-4.4, -5))):
            name_class(ax, k, x, y)
        (self._ray,) = ax.plot([], [], "-", color="#111111", lw=1.3)
        (self._old,) = ax.plot([], [], "o", mfc="none", mec=GHOST, ms=11, mew=2)
        (self._ring,) = ax.plot([], [], "o", mfc="white", mec="#111111", ms=12, mew=2.5)
        (self._dot,) = ax.plot([], [], "o", color="#111111", ms=7)
        for artist in (self._ray, self._old, self._ring, self._dot):
            moving(artist)

    def update(self, result: InTriangle, before: InTriangle | None) -> None:
        """Show `result.differences`, and the same divided by the temperature."""
        far = result.differences * 1e3
        self._ray.set_data([0, far[0]], [0, far[1]])
        self._ring.set_data(*result.differences[:, None])
        self._dot.set_data(*(result.differences / result.temperature)[:, None])
        self._old.set_data(*([], []) if before is None else before.differences[:, None])


class TriangleView(View[InTriangle]):
    """All answers among three classes: each corner is a class, the middle is open."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-0.14, 1.14), ylim=(-0.1, 0.96), aspect="equal")
        ax.axis("off")
        across, up = np.meshgrid(np.linspace(0, 1, 321), np.linspace(0, 1, 281))
        a = np.stack([1 - across - up / 2, across - up / 2, up], axis=-1)
        alpha = (a.min(axis=-1) >= -0.004).astype(float)[..., None]
        image = np.concatenate([blend(in_steps(np.clip(a, 0, 1))), alpha], axis=-1)
        ax.imshow(image, extent=(0, 1, 0, CORNERS[2, 1]), origin="lower", zorder=0)
        ax.plot(*CORNERS[[0, 1, 2, 0]].T, color="#555555", lw=1.5)
        for k in range(3):
            middle = CORNERS[[j for j in range(3) if j != k]].mean(axis=0)
            center = CORNERS.mean(axis=0)
            ax.plot(*np.stack([center, middle], axis=1), "--", color="#555555", lw=1)
        for k, (dx, dy) in enumerate(((-0.02, -0.06), (0.02, -0.06), (0, 0.04))):
            x, y = CORNERS[k] + [dx, dy]
            name_class(ax, k, x, y)
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=9)
        (self._path,) = ax.plot([], [], "-", color="#111111", lw=1.3)
        (self._ring,) = ax.plot([], [], "o", mfc="white", mec="#111111", ms=12, mew=2.5)
        (self._dot,) = ax.plot([], [], "o", color="#111111", ms=9)
        for artist in (self._old, self._path, self._ring, self._dot):
            moving(artist)
        key(
            ax,
            ("○ T = 1", "#111111"),
            ("● your T", "#111111"),
            ("— all T", "#111111"),
            ("● before", "#777777"),
        )

    def update(self, result: InTriangle, before: InTriangle | None) -> None:
        """Show `result.a`, `result.plain` and `result.path`."""
        self._path.set_data(*(result.path @ CORNERS).T)
        self._ring.set_data(*(result.plain @ CORNERS)[:, None])
        self._dot.set_data(*(result.a @ CORNERS)[:, None])
        self._old.set_data(*([], []) if before is None else (before.a @ CORNERS)[:, None])


def views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the logit differences, and the triangle."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.35])
    return [DifferencesView(left), TriangleView(right)]


def simplex_lab() -> Lab:
    """Return the lab *Three classes in a triangle*."""
    return Lab(
        "Three classes in a triangle",
        controls={
            "temperature": log_slider("Temperature T", -1.3, 1.3, 2.5, 0.05),
            "u1": real_slider("z₁ − z₃", -LIMIT, LIMIT, 3.0, 0.1, ".1f"),
            "u2": real_slider("z₂ − z₃", -LIMIT, LIMIT, 2.0, 0.1, ".1f"),
        },
        compute=in_triangle,
        views=views,
        grabs=[Grab(0, x="u1", y="u2")],
        code=program,
        presets={
            "the question": {"u1": 0.9, "u2": 0.4, "temperature": 1.0},
            "cold": {"temperature": 10**-0.8},
            "hot": {"temperature": 10.0},
            "two are equal": {"u1": 2.0, "u2": 2.0, "temperature": 10**-0.8},
            "all are equal": {"u1": 0.0, "u2": 0.0},
        },
        seeded=False,
        size=(9.6, 4.0),
    )

"""The lab *Loss and gradient*: the gradient beside the measured one, and where 1/m belongs."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.datasets import one_hot
from dlhelpers.labs.softmax.common import LIMIT, NAMES, Bars, bar_grabs, minus, name_rows, row_of
from dlhelpers.live.controls import choice, real_slider, slider
from dlhelpers.live.lab import Lab
from dlhelpers.losses import smooth_labels, softmax_cross_entropy_cost
from dlhelpers.plots.style import TEST, View, key, moving
from dlhelpers.softmax import log_softmax, softmax
from dlhelpers.typing import FloatArray

OF_COST, OF_LOSS = "(ŷ − y) / m", "ŷ − y"
LOGITS = ("z1", "z2", "z3")
DEFAULT = (2.0, 1.0, -1.0)
STEP = 1e-5
"""By how much a logit is moved to measure a derivative."""


class Gradient(NamedTuple):
    """The gradient for the logits of the first of m examples.

    `formula` (3,) is the chosen formula; `measured` (3,) are differences of the cost J.
    """

    z: FloatArray
    y: FloatArray
    label: str
    m: int
    loss: float
    a: FloatArray
    formula: FloatArray
    measured: FloatArray

    @property
    def agrees(self) -> bool:
        """Whether the formula gives the measured derivatives, up to their rounding."""
        return bool(np.allclose(self.formula, self.measured, rtol=1e-4, atol=1e-9))

    @property
    def finding(self) -> str:
        """The loss, and whether the formula is the gradient of J."""
        text = f"Loss of this example {self.loss:.2f}"
        if self.agrees:
            return f"{text}; the formula agrees with the measured derivatives of J"
        return f"{text}; the bars are {self.m} times the measured derivatives of J"

    @property
    def caption(self) -> str:
        """The numbers behind the bar of the label, and their sum."""
        k = NAMES.index(self.label)
        gap = self.a[k] - self.y[k]
        does = "hardly moves" if abs(gap) < 0.0005 else "raises" if gap < 0 else "lowers"
        share = f"This example is one of {self.m}; its share of the mean J is 1/{self.m}."
        return (
            f"The label is {self.label}: ŷ − y is {self.a[k]:.3f} − {self.y[k]:.3f} = {minus(f'{gap:.3f}')}, "
            f"so gradient descent {does} its logit. The three values of ŷ − y add up to 0: what one logit "
            f"gains, the others lose. {share if self.m > 1 else 'With a single example, J is its loss.'}"
        )


def gradient(label: str, m: int, formula: str, z1: float, z2: float, z3: float, smooth: float) -> Gradient:
    """Compute the gradient by the formula, and measure it by moving each logit a little."""
    z = np.array([z1, z2, z3])
    Y = smooth_labels(one_hot(np.arange(m) % 3, 3), smooth).T
    Y[:, 0] = smooth_labels(one_hot([NAMES.index(label)], 3), smooth)[0]
    Z = np.zeros((3, m))  # the other examples: no opinion
    Z[:, 0] = z
    measured = np.zeros(3)
    for k in range(3):
        ahead, behind = Z.copy(), Z.copy()
        ahead[k, 0] += STEP
        behind[k, 0] -= STEP
        rise = softmax_cross_entropy_cost(ahead, Y) - softmax_cross_entropy_cost(behind, Y)
        measured[k] = rise / (2 * STEP)
    a, y = softmax(Z)[:, 0], Y[:, 0]
    loss = float(-(y @ log_softmax(Z)[:, 0]))
    chosen = (a - y) / m if formula == OF_COST else a - y
    return Gradient(z, y, label, m, loss, a, chosen, measured)


def program(label: str, m: int, formula: str, z1: float, z2: float, z3: float, smooth: float) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.datasets import one_hot
from dlhelpers.losses import smooth_labels, softmax_cross_entropy_cost
from dlhelpers.softmax import softmax

m = {m}
Y = smooth_labels(one_hot(np.arange(m) % 3, 3), {smooth}).T
Y[:, 0] = smooth_labels(one_hot([{NAMES.index(label)}], 3), {smooth})[0]  # {label}
Z = np.zeros((3, m))
Z[:, 0] = {[z1, z2, z3]}
measured = np.zeros(3)
for k in range(3):
    ahead, behind = Z.copy(), Z.copy()
    ahead[k, 0] += {STEP}
    behind[k, 0] -= {STEP}
    rise = softmax_cross_entropy_cost(ahead, Y) - softmax_cross_entropy_cost(behind, Y)
    measured[k] = rise / {2 * STEP}
formula = {"(softmax(Z) - Y)[:, 0] / m" if formula == OF_COST else "(softmax(Z) - Y)[:, 0]"}
result = formula, measured
"""


class LogitsView(View[Gradient]):
    """The logits of the example, as bars with handles."""

    def __init__(self, ax: Axes) -> None:
        name_rows(ax, 3)
        ax.set(xlim=(-LIMIT, LIMIT), xticks=[-6, -3, 0, 3, 6], xlabel="logit z: drag a bar")
        self._bars = Bars(ax, 3, handles=True)

    def update(self, result: Gradient, before: Gradient | None) -> None:
        """Show `result.z`."""
        self._bars.update(result.z, None if before is None else before.z)


class GradientView(View[Gradient]):
    """The gradient by the formula as bars, the measured derivatives as dots, and the numbers behind."""

    def __init__(self, ax: Axes) -> None:
        name_rows(ax, 3)
        ax.set(xlim=(-1.05, 1.05), xticks=[-1, -0.5, 0, 0.5, 1], xlabel="gradient for each logit")
        self._bars = Bars(ax, 3)
        rows = [row_of(k, 3) for k in range(3)]
        (self._dots,) = ax.plot(np.zeros(3), rows, "o", color=TEST, ms=9, mec="white")
        self._texts = [moving(ax.text(-1.03, row - 0.44, "", va="center", fontsize=10)) for row in rows]
        for artist in (moving(self._dots), *self._texts):
            artist.set_in_layout(False)
        key(ax, ("▮ formula", "#444444"), ("● measured: how J changes", TEST), ("┃ before", "#777777"))

    def update(self, result: Gradient, before: Gradient | None) -> None:
        """Show `result.formula` and `result.measured`."""
        self._bars.update(result.formula, None if before is None else before.formula)
        self._dots.set_xdata(result.measured)
        for k, text in enumerate(self._texts):
            text.set_text(f"ŷ − y = {result.a[k]:.3f} − {result.y[k]:.3f}")


def views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the logits, and the gradient."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.6])
    return [LogitsView(left), GradientView(right)]


def loss_gradient_lab() -> Lab:
    """Return the lab *Loss and gradient*."""
    z = {
        name: real_slider(f"Logit of {NAMES[k]}, z{'₁₂₃'[k]}", -LIMIT, LIMIT, DEFAULT[k], 0.1, ".1f")
        for k, name in enumerate(LOGITS)
    }
    return Lab(
        "Loss and gradient",
        controls={
            "label": choice("Label of the example", list(NAMES[:3]), "dog"),
            "m": slider("Examples m", 1, 50, 4),
            "formula": choice("Formula", [OF_COST, OF_LOSS], OF_LOSS),
            **z,
            "smooth": real_slider("Label smoothing", 0, 0.5, 0, 0.05),
        },
        compute=gradient,
        views=views,
        grabs=bar_grabs(0, LOGITS),
        code=program,
        presets={
            "sure and right": {"z1": -2.0, "z2": 5.0, "z3": -2.0},
            "sure and wrong": {"z1": 5.0, "z2": -3.0},
            "a single example": {"m": 1},
            "divided by m": {"formula": OF_COST},
        },
        seeded=False,
        size=(9.6, 3.6),
    )

"""The lab *From logits to probabilities*: exp, sum, divide; temperature, shift, overflow, two classes."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.activations import sigmoid
from dlhelpers.labs.softmax.common import (
    LIMIT,
    NAMES,
    Bars,
    bar_grabs,
    in_words,
    minus,
    name_rows,
    row_of,
)
from dlhelpers.live.controls import choice, log_slider, real_slider, switch
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import View, key, moving, note
from dlhelpers.softmax import hardmax
from dlhelpers.typing import FloatArray

AS_WRITTEN, STABLE = "as written: e^z", "largest logit subtracted"
DEFAULT = (5.0, 2.0, -1.0, 3.0)
LOGITS = ("z1", "z2", "z3", "z4")
LARGEST_EXPONENT = float(np.log(np.finfo(np.float64).max))
"""709.78: above it, exp overflows in 64-bit numbers."""


class Softmax(NamedTuple):
    """The steps of softmax for one example: z without the shift, t = exp(...), its sum, the probabilities.

    `exponents` are what exp was taken of; `unshifted` the probabilities without the shift.
    """

    z: FloatArray
    shift: float
    temperature: float
    form: str
    exponents: FloatArray
    t: FloatArray
    a: FloatArray
    unshifted: FloatArray

    @property
    def failed(self) -> bool:
        """Whether the division has not given probabilities: NaN, or zeros below a sum that overflows."""
        return not abs(self.a.sum() - 1) < 1e-6

    @property
    def winner(self) -> int:
        """The class that hardmax chooses."""
        return int(hardmax(self.z[:, None])[:, 0].argmax())

    @property
    def finding(self) -> str:
        """The most probable class, or what went wrong."""
        if self.failed:
            largest = minus(f"{self.exponents.max():,.1f}")
            if np.isfinite(self.t).all() and self.t.any():
                return "The sum overflows: no probabilities"
            what = "overflows" if self.exponents.max() > 0 else "rounds to 0"
            return f"exp({largest}) {what}: no probabilities"
        return f"{NAMES[self.winner]}: probability {self.a[self.winner]:.2f}"

    @property
    def caption(self) -> str:
        """How the probabilities come about, and what the shift does."""
        if self.failed:
            return self._failure()
        t, total = self.t[self.winner], self.t.sum()
        text = (
            f"Of the sum {in_words(total)}, {NAMES[self.winner]} has {in_words(t)}. Hardmax gives "
            f"{NAMES[self.winner]} 1 and the others 0."
        )
        if self.shift:
            off = float(np.abs(self.a - self.unshifted).max())
            size = "less than 10⁻¹²" if off < 1e-12 else f"up to {in_words(off)}"
            text += f" Adding {minus(f'{self.shift:,.0f}')} to all logits moves the probabilities by {size}."
        if self.form == STABLE:
            text += " The largest exponent is 0, so nothing can overflow."
        if len(self.z) == 2:
            off = float(abs(self.a[0] - sigmoid(np.array((self.z[0] - self.z[1]) / self.temperature))))
            size = "less than 10⁻¹²" if off < 1e-12 else in_words(off)
            text += f" The sigmoid of (z₁ − z₂) / T, the cross, differs by {size}."
        return text

    def _failure(self) -> str:
        largest = minus(f"{self.exponents.max():,.1f}")
        remedy = "Subtract the largest logit first: choose the other form."
        if self.exponents.max() < 0:
            return (
                f"The largest exponent is {largest}, so every exp rounds to 0, and so does the sum. "
                f"0 divided by 0 is no number. {remedy}"
            )
        return (
            f"The largest exponent is {largest}. In 64-bit numbers, exp overflows above "
            f"{LARGEST_EXPONENT:.2f}, and a sum of several a little earlier. What is divided by an "
            f"overflow is 0 or no number. {remedy}"
        )


def _divide(z: FloatArray, temperature: float, form: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return exponents, exp of them, and the probabilities."""
    with np.errstate(over="ignore", invalid="ignore"):
        exponents = (z - z.max() if form == STABLE else z) / temperature
        t = np.exp(exponents)
        return exponents, t, t / t.sum()


def softmax_steps(
    temperature: float, shift: float, form: str, z1: float, z2: float, z3: float, z4: float, two: bool
) -> Softmax:
    """Compute softmax step by step, in the form that was chosen."""
    z = np.array([z1, z2] if two else [z1, z2, z3, z4])
    steps = _divide(z + shift, temperature, form)
    return Softmax(z, shift, temperature, form, *steps, _divide(z, temperature, STABLE)[2])


def program(
    temperature: float, shift: float, form: str, z1: float, z2: float, z3: float, z4: float, two: bool
) -> str:
    """Return the program behind the picture."""
    z = [z1, z2] if two else [z1, z2, z3, z4]
    return f"""
import numpy as np

z = np.array({z}) + {shift}
with np.errstate(over="ignore", invalid="ignore"):  # overflow shows as inf, and inf / inf as nan
    t = np.exp({"(z - z.max())" if form == STABLE else "z"} / {temperature})
    result = t, t / t.sum()
"""


class LogitsView(View[Softmax]):
    """The logits as bars with handles; the shift stands below."""

    def __init__(self, ax: Axes) -> None:
        name_rows(ax, len(NAMES))
        ax.set(xlim=(-LIMIT, LIMIT), xticks=[-6, -3, 0, 3, 6], xlabel="logit z: drag a bar")
        self._bars = Bars(ax, len(NAMES), handles=True)

    def update(self, result: Softmax, before: Softmax | None) -> None:
        """Show `result.z`, (2,) or (4,)."""
        self._bars.update(result.z, None if before is None else before.z)


class ExponentialsView(View[Softmax]):
    """What exp makes of each logit, and the sum, in numbers."""

    def __init__(self, ax: Axes) -> None:
        n = len(NAMES)
        ax.set(xlim=(0, 1), ylim=(-0.6, n - 0.4))
        ax.axis("off")
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 12}
        self._texts = [moving(ax.text(0.5, row_of(k, n), "", **style)) for k in range(n)]
        self._sum = moving(ax.text(0.5, -0.95, "", fontweight="bold", **style))
        self._sum.set_in_layout(False)
        self._head = moving(ax.text(0.5, n - 0.32, "", color="#555555", **style))
        self._head.set_in_layout(False)

    def update(self, result: Softmax, before: Softmax | None) -> None:
        """Show `result.t` and its sum."""
        shown = len(result.t)
        for k, text in enumerate(self._texts):
            words = ""
            if k < shown:
                words = f"exp({minus(f'{result.exponents[k]:,.1f}')}) = {in_words(result.t[k])}"
            text.set_text(words)
        self._sum.set_text(f"sum = {in_words(float(result.t.sum()))}")
        z = "(z − max)" if result.form == STABLE else "z" if not result.shift else "(z + shift)"
        self._head.set_text(f"exp({z} / T)")


class ProbabilitiesView(View[Softmax]):
    """The probabilities as bars with numbers; hardmax as a frame, the sigmoid as a cross."""

    def __init__(self, ax: Axes) -> None:
        n = len(NAMES)
        name_rows(ax, n)
        ax.set(xlim=(0, 1.1), xticks=[0, 0.5, 1], xticklabels=["0", "0.5", "1"], xlabel="probability")
        self._bars = Bars(ax, n)
        (self._frame,) = ax.plot([], [], ":", color="#111111", lw=1.8)
        (self._cross,) = ax.plot([], [], "x", color="#111111", ms=11, mew=2.5)
        self._texts = [moving(ax.text(0, row_of(k, n), "", va="center", fontsize=11)) for k in range(n)]
        self._failed = note(ax, 0.5, (n - 1) / 2, ha="center", va="center", fontsize=13, fontweight="bold")
        for artist in (moving(self._frame), moving(self._cross), *self._texts):
            artist.set_in_layout(False)
        key(ax, ("┅ hardmax", "#111111"), ("┃ before", "#777777"))

    def update(self, result: Softmax, before: Softmax | None) -> None:
        """Show `result.a`."""
        n = len(NAMES)
        a = result.a * np.nan if result.failed else result.a
        self._bars.update(a, None if before is None or before.failed else before.a)
        for k, text in enumerate(self._texts):
            there = k < len(a) and not result.failed
            text.set_text(f"{a[k]:.3f}" if there else "")
            wide = there and a[k] > 0.7  # then the number stands in its bar
            text.set_x(a[k] + (-0.02 if wide else 0.02) if there else 0)
            text.set_horizontalalignment("right" if wide else "left")
            text.set_color("white" if wide else "#222222")
        middle = row_of(result.winner, n)
        low, high = middle - 0.38, middle + 0.38
        self._frame.set_data([0, 1, 1, 0, 0], [low, low, high, high, low])
        two = len(result.z) == 2
        p = float(sigmoid(np.array((result.z[0] - result.z[1]) / result.temperature))) if two else 0.0
        self._cross.set_data(*([p], [row_of(0, n)]) if two else ([], []))
        self._failed.set_text("no numbers" if result.failed else "")


def views(figure: Figure) -> list[View[Softmax]]:
    """Lay out the lab: logits, exp and sum, probabilities."""
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 0.75, 1.25])
    return [LogitsView(left), ExponentialsView(middle), ProbabilitiesView(right)]


def logits_lab() -> Lab:
    """Return the lab *From logits to probabilities*."""
    z = {
        name: real_slider(f"Logit of {NAMES[k]}, z{'₁₂₃₄'[k]}", -LIMIT, LIMIT, DEFAULT[k], 0.1, ".1f")
        for k, name in enumerate(LOGITS)
    }
    return Lab(
        "From logits to probabilities",
        controls={
            "temperature": log_slider("Temperature T", -1, 1, 1, 0.05),
            "shift": real_slider("Added to all logits", -1000, 1000, 0, 5, ",.0f"),
            "form": choice("Form", [AS_WRITTEN, STABLE], AS_WRITTEN),
            **z,
            "two": switch("Cat and dog only", False),
        },
        compute=softmax_steps,
        views=views,
        grabs=bar_grabs(0, LOGITS),
        code=program,
        presets={
            "cold": {"temperature": 10**-0.7},
            "hot": {"temperature": 10.0},
            "shift by 700": {"shift": 700},
            "overflow": {"shift": 710},
            "710, stable": {"shift": 710, "form": STABLE},
            "two classes": {"two": True, "z1": 1.5, "z2": 0.5},
        },
        seeded=False,
        size=(9.6, 3.6),
    )

"""One-sided or two-sided: how far a difference is from the slope, over eps."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.gradient_checking import best_eps, difference, order_of_error
from dlhelpers.labs.gradient_checking.common import (
    ONE_SIDED,
    PRECISIONS,
    TWO_SIDED,
    OverEps,
    digits,
    short,
)
from dlhelpers.live.controls import choice, log_slider, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import ACCENT, GHOST, TEST, View, key, moving, note
from dlhelpers.typing import FloatArray


class Curve(NamedTuple):
    """A function and its derivative, as program text.

    Products, quotients and roots are rounded alike by every processor; exp and sin are not.
    """

    f: str
    slope: str
    kink: float | None = None


CURVES: Mapping[str, Curve] = {
    "x³": Curve("x * x * x", "3 * x * x"),
    "x⁴ - x": Curve("x * x * x * x - x", "4 * x * x * x - 1"),
    "1 / (1 + x²)": Curve("1 / (1 + x * x)", "-2 * x / ((1 + x * x) * (1 + x * x))"),
    "√(1 + x²)": Curve("np.sqrt(1 + x * x)", "x / np.sqrt(1 + x * x)"),
    "ReLU": Curve("np.maximum(x, 0)", "np.where(x > 0, 1.0, 0.0)", kink=0.0),
    "|x|": Curve("np.abs(x)", "np.sign(x)", kink=0.0),
}
SYMMETRIC = ("1 / (1 + x²)", "√(1 + x²)")
LEADING_DIGITS = ("1", "1.3", "1.7", "2.2", "3", "4", "5.5", "7.5")
EPSILONS = np.array([float(f"{lead}e-{k}") for k in range(16, 0, -1) for lead in LEADING_DIGITS])
"""Typed as decimals, so that they are the same on every processor."""
FIT_RANGE = (1e-4, 1e-2)
"""The eps over which the order of an error is measured."""
STRAIGHT = 0.1
"""Errors that leave a straight line by no more than this, in powers of ten, count as one."""


class Differences(NamedTuple):
    """Both differences at one eps and over all of them.

    `ends` are the change of f to the left and to the right, in units of eps; `here` are the errors of
    the one-sided and the two-sided difference at eps.  `errors` are over `EPSILONS`, by precision and
    whether both sides are taken; `orders` are their slopes, `straight` whether they lie on a line.
    """

    name: str
    x: float
    eps: float
    precision: str
    slope: float
    t: FloatArray
    curve: FloatArray
    ends: tuple[float, float]
    here: tuple[float, float]
    errors: dict[tuple[str, bool], FloatArray]
    orders: tuple[float, float]
    straight: tuple[bool, bool]
    wall: float

    @property
    def finding(self) -> str:
        """Return both errors at this eps."""
        one, two = self.here
        return f"ε = {digits(self.eps)}: one-sided off by {digits(one)}, two-sided by {digits(two)}"

    @property
    def caption(self) -> str:
        """Say which orders were measured, where the best eps lies, and what the rule says."""
        text = f"At x = {self.x:.2f} the slope of {self.name} is {self.slope:.3g}, here in {self.precision}. "
        low, high = map(short, FIT_RANGE)
        if all(self.straight):
            one, two = self.orders
            text += (
                f"From ε = {low} to {high} in float64, the errors lie on lines with slopes {one:.2f} "
                f"(one-sided) and {two:.2f} (two-sided). "
            )
        else:
            line = CURVES[self.name].kink is not None and abs(self.x) > FIT_RANGE[1]
            found = "there is no Taylor error to see" if line else "the errors are not both straight lines"
            text += f"From ε = {low} to {high} in float64, {found}. "
        if CURVES[self.name].kink is not None:
            return text + self._beside_the_kink()
        if self.name in SYMMETRIC and self.x == 0:
            same = "f is the same on both sides of 0"
            return f"{text}{same}, so the two-sided difference is 0, without any error."
        if self.wall == 0:
            text += "f(x) is 0 here, so hardly anything is rounded. "
        best = [short(best_eps(EPSILONS, self.errors[self.precision, side])) for side in (True, False)]
        u = float(np.finfo(self.precision).eps)
        return text + (
            f"The smallest errors in {self.precision} are near ε = {best[0]} (two-sided) and {best[1]} "
            f"(one-sided); the rules u^(1/3) and u^(1/2) say {short(u ** (1 / 3))} and {short(u ** (1 / 2))}."
        )

    def _beside_the_kink(self) -> str:
        """Say where the kink lies, and what that means for the errors."""
        if self.x == CURVES[self.name].kink:
            by_chance = " The two-sided difference finds this 0, as the mean of both sides."
            return "x is on the kink (its slope is taken as 0): " + (
                f"no ε helps the one-sided difference.{by_chance}" if self.here[1] == 0 else "no ε helps."
            )
        inside = abs(self.x) <= self.eps
        return (
            f"The kink at 0 lies {'inside' if inside else 'outside'} [x - ε, x + ε]. On each side of it the "
            "curve is a line: only rounding is left there."
        )


def compare(f: str, x: float, eps: float, precision: str) -> Differences:
    """Take both differences at eps, and at all eps of the grid in both precisions."""
    function, derivative = map(_function, CURVES[f][:2])
    errors = {
        (each, two_sided): _errors(f, x, EPSILONS.astype(each), two_sided)
        for each in PRECISIONS
        for two_sided in (False, True)
    }
    kind = np.dtype(precision).type
    here = [float(_errors(f, x, np.array([eps], precision), two_sided)[0]) for two_sided in (False, True)]
    t = np.linspace(-1.5, 1.5, 301)
    at, middle = (kind(x) + kind(eps) * t.astype(kind)), function(np.array([x], kind))
    change = (function(at) - middle).astype(float) / eps
    ends = ((function(np.array([kind(x) + sign * kind(eps)])) - middle)[0] / eps for sign in (-1, 1))
    left, right = (float(end) for end in ends)
    one, two = (fit(errors["float64", side]) for side in (False, True))
    slope = float(derivative(np.full(1, x, precision).astype(float))[0])
    wall = float(np.finfo(precision).eps * abs(float(middle[0])))
    return Differences(
        f,
        x,
        eps,
        precision,
        slope,
        t,
        change,
        ends=(left, right),
        here=(here[0], here[1]),
        errors=errors,
        orders=(one[0], two[0]),
        straight=(one[1], two[1]),
        wall=wall,
    )


def _function(text: str) -> Callable[[FloatArray], FloatArray]:
    function: Callable[[FloatArray], FloatArray] = eval(f"lambda x: {text}", {"np": np})
    return function


def _errors(name: str, x: float, eps: FloatArray, two_sided: bool) -> FloatArray:
    """Return how far a difference is from the slope, in the precision of eps."""
    f, slope = map(_function, CURVES[name][:2])
    exact = slope(np.full(1, x, eps.dtype).astype(float))  # float32 has no 0.7
    return np.abs(difference(f, x, eps, two_sided).astype(float) - exact)


def fit(error: FloatArray) -> tuple[float, bool]:
    """Return the slope of the error over the range of the fit, and whether it is a straight line there."""
    low, high = FIT_RANGE
    within = (low <= EPSILONS) & (high >= EPSILONS)
    eps, error = EPSILONS[within], error[within]
    order = order_of_error(eps, error)
    if not np.all(error > 0):
        return order, False
    return order, bool(np.ptp(np.log10(error) - order * np.log10(eps)) < STRAIGHT)


def program(f: str, x: float, eps: float, precision: str) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.gradient_checking import difference, order_of_error

def f(x):
    return {CURVES[f].f}

def slope(x):
    return {CURVES[f].slope}

def error(eps, two_sided):
    x = np.float64(eps.dtype.type({x}))  # as eps.dtype rounds it
    return np.abs(difference(f, {x}, eps, two_sided).astype(float) - slope(x))

here = [error(np.array([{eps}], {precision!r}), two_sided)[0] for two_sided in (False, True)]
leads = {LEADING_DIGITS}
eps = np.array([float(f"{{lead}}e-{{k}}") for k in range(16, 0, -1) for lead in leads])
eps = eps[({FIT_RANGE[0]} <= eps) & (eps <= {FIT_RANGE[1]})]
orders = [order_of_error(eps, error(eps, two_sided)) for two_sided in (False, True)]
result = (*here, *orders)
"""


class MicroscopeView(View[Differences]):
    """A function near x, in units of eps on both axes, with tangent and both secants.

    Parameters
    ----------
    ax : Axes
    limit : float
        The vertical axis reaches from -limit to limit.
    """

    def __init__(self, ax: Axes, limit: float = 5.0) -> None:
        ax.set(xlim=(-1.5, 1.5), ylim=(-limit, limit), xticks=[-1, 0, 1])
        ax.set_xticklabels(["x - ε", "x", "x + ε"])
        ax.set(xlabel="the window is 3 ε wide", ylabel="change of f, in units of ε")
        (self._before,) = ax.plot([], [], color=GHOST, lw=1.5)
        (self._curve,) = ax.plot([], [], color="#222222", lw=3)
        (self._tangent,) = ax.plot([], [], ":", color=TEST, lw=2)
        (self._one,) = ax.plot([], [], "-s", color=ONE_SIDED, lw=1.8, ms=6, markevery=[1, 2])
        (self._two,) = ax.plot([], [], "--o", color=TWO_SIDED, lw=1.8, ms=6, markevery=[1, 2])
        for artist in (self._before, self._curve, self._tangent, self._one, self._two):
            moving(artist)
        key(
            ax,
            ("━ f", "#222222"),
            ("┅ tangent", TEST),
            ("■ one-sided", ONE_SIDED),
            ("● two-sided", TWO_SIDED),
            ("— before", "#777777"),
        )

    def update(self, result: Differences, before: Differences | None) -> None:
        """Show `result.t`, `result.curve`, `result.ends` and the slopes."""
        self._curve.set_data(result.t, result.curve)
        self._before.set_data([] if before is None else before.t, [] if before is None else before.curve)
        far = np.array([-2.0, 2.0])
        self._tangent.set_data(far, result.slope * far)
        left, right = result.ends
        self._one.set_data([-2, 0, 1, 2], [-2 * right, 0, right, 2 * right])
        middle, half = (left + right) / 2, (right - left) / 2
        self._two.set_data([-2, -1, 1, 2], [middle - 2 * half, left, right, middle + 2 * half])


class DifferenceErrorsView(OverEps, View[Differences]):
    """The errors of both differences over eps, in float64 and in float32."""

    def __init__(self, ax: Axes) -> None:
        super().__init__(ax, 1e-16, 1e-16, "error of the slope")
        self._lines = {}
        for two_sided, color in ((False, ONE_SIDED), (True, TWO_SIDED)):
            for precision, style, width in (("float32", ":", 1.8), ("float64", "-", 2.0)):
                (line,) = ax.plot([], [], style, color=color, lw=width)
                self._lines[precision, two_sided] = moving(line)
        self._old = [moving(ax.plot([], [], color=GHOST, lw=1.3, zorder=1)[0]) for _ in range(2)]
        (self._wall,) = ax.plot([], [], "-.", color="#444444", lw=1.2)
        (self._one,) = ax.plot([], [], "s", color=ONE_SIDED, ms=11, mec="white")
        (self._two,) = ax.plot([], [], "o", color=TWO_SIDED, ms=6.5, mec="white")
        for artist in (self._wall, self._one, self._two):
            moving(artist)
        bold: dict[str, Any] = {"fontsize": 10, "fontweight": "bold"}
        self._slopes = (
            note(ax, 1e-6, 1.5e-5, color=ONE_SIDED, ha="right", **bold),
            note(ax, 6e-5, 1e-10, color=TWO_SIDED, ha="left", **bold),
        )
        key(
            ax,
            ("— one-sided", ONE_SIDED),
            ("— two-sided", TWO_SIDED),
            ("··· float32", "#444444"),
            ("-·- u |f| / ε", "#444444"),
            ("┃ your ε", ACCENT),
        )

    def update(self, result: Differences, before: Differences | None) -> None:
        """Show `result.errors` over `EPSILONS`, and the errors at `result.eps`."""
        for which, line in self._lines.items():
            line.set_data(EPSILONS, self.seen(result.errors[which]))
        for two_sided, line in zip((False, True), self._old, strict=True):
            past = np.zeros(0) if before is None else self.seen(before.errors[before.precision, two_sided])
            line.set_data(EPSILONS[: len(past)], past)
        self._wall.set_data(EPSILONS, result.wall / EPSILONS)
        self.cursor.set_xdata([result.eps, result.eps])
        for words, order, straight in zip(self._slopes, result.orders, result.straight, strict=True):
            words.set_text(f"slope {order:.2f}" if straight else "")
        one, two = self.seen(np.array(result.here))
        self._one.set_data([result.eps], [one])
        self._two.set_data([result.eps], [two])


def views(figure: Figure) -> list[View[Differences]]:
    """Lay out the lab: the microscope, and the errors over eps."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
    return [MicroscopeView(left), DifferenceErrorsView(right)]


def difference_lab() -> Lab:
    """Return the lab *One-sided or two-sided*."""
    return Lab(
        "One-sided or two-sided",
        controls={
            "eps": log_slider("ε", -16, -0.5, 10**-0.5, 0.25, fmt=".1e"),
            "x": real_slider("Point x", -1, 1, 0.7, 0.01),
            "f": choice("Function f", list(CURVES), "x³"),
            "precision": choice("Precision", list(PRECISIONS), "float64"),
        },
        compute=compare,
        views=views,
        grabs=[Grab(1, x="eps")],
        code=program,
        presets={
            "two orders": {"eps": 1e-2},
            "the best ε": {"eps": 1e-5},
            "round-off wall": {"eps": 10**-15.5},
            "float32": {"eps": 1e-5, "precision": "float32"},
            "ReLU near its kink": {"f": "ReLU", "x": 0.05, "eps": 0.1},
        },
        seeded=False,
        size=(9.6, 4.4),
    )

"""The lab *What gamma and beta are for*: one unit over a batch, normalized, then scaled and shifted."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.batch_normalization import forward
from dlhelpers.labs.batch_normalization.common import PLAIN, PREPARE, WITH, WITHOUT
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.live.controls import choice, real_slider, switch
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import GHOST, View, key, moving, note
from dlhelpers.typing import FloatArray

ROOT, VARIANCE = "√(σ² + ε)", "σ² (a slip of the notes)"
LIMIT, M, EPS = 12.0, 256, 1e-5
EDGES = np.linspace(-LIMIT, LIMIT, 97)
TOP = 0.2


class OneUnit(NamedTuple):
    """The first unit over a batch of 256 digits, before and after.

    Attributes
    ----------
    Z, Z_tilde : (256,) float array
    gamma, beta, b : float
        Those in use: with the identity, gamma and beta are computed.
    """

    Z: FloatArray
    Z_tilde: FloatArray
    gamma: float
    beta: float
    b: float

    @property
    def finding(self) -> str:
        """Mean and standard deviation of what goes on."""
        return (
            f"What goes on has mean {_number(self.Z_tilde.mean())}, deviation {_number(self.Z_tilde.std())}"
        )

    @property
    def caption(self) -> str:
        """What comes in, what goes on, and how much of it passes the ReLU."""
        outside = np.mean([np.abs(values) > LIMIT for values in (self.Z, self.Z_tilde)], axis=1)
        text = (
            f"Z has the mean {_number(self.Z.mean())} and the standard deviation {_number(self.Z.std())}. "
            f"With γ = {_number(self.gamma)} and β = {_number(self.beta)}, what goes on has the mean "
            f"{_number(self.Z_tilde.mean())} and the standard deviation {_number(self.Z_tilde.std())}; "
            f"{np.mean(self.Z_tilde > 0):.0%} of it is positive and passes the ReLU."
        )
        if np.allclose(self.Z, self.Z_tilde):
            text += " It is Z again."
        if np.histogram(self.Z_tilde, EDGES)[0].max() > TOP * M:
            text += " Its highest bar leaves the frame."
        if outside.any():
            text += f" Outside of the frame are {outside[0]:.0%} of Z and {outside[1]:.0%} of what goes on."
        return text


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00")


@lru_cache(maxsize=8)
def first_unit(seed: int) -> FloatArray:
    """Return what the first unit gets from 256 digits, with He's weights and no bias, (256,)."""
    theta = PLAIN.initialize(np.random.default_rng(seed))
    return np.asarray(PLAIN.layout.views(theta)["W1"][0] @ normalized_digits(seed).train.X[:M].T)


def scale_and_shift(gamma: float, beta: float, b: float, identity: bool, divisor: str, seed: int) -> OneUnit:
    """Add the bias, normalize over the batch, then multiply by gamma and add beta."""
    Z = first_unit(seed) + b
    mean, variance = Z.mean(), Z.var()
    if identity:
        gamma, beta = float(np.sqrt(variance + EPS)), float(mean)
    if divisor == VARIANCE:
        Z_tilde = gamma * ((Z - mean) / (variance + EPS)) + beta
    else:
        Z_tilde = forward(Z[np.newaxis], np.array([[gamma]]), np.array([[beta]]), EPS).Z_tilde[0]
    return OneUnit(Z, Z_tilde, gamma, beta, b)


def program(gamma: float, beta: float, b: float, identity: bool, divisor: str, seed: int) -> str:
    """Return the program behind the picture."""
    divide = "np.sqrt(variance + 1e-5)" if divisor == ROOT else "(variance + 1e-5)"
    values = "np.sqrt(variance + 1e-5), mean" if identity else f"{gamma!r}, {beta!r}"
    return f"""{PREPARE.format(seed=seed)}
network = Network((64, 32, 32, 10), "relu", "softmax_cross_entropy")
theta = network.initialize(np.random.default_rng({seed}))
Z = network.layout.views(theta)["W1"][0] @ train.X[:{M}].T + {b!r}
mean, variance = Z.mean(), np.mean((Z - Z.mean()) ** 2)
gamma, beta = {values}
result = gamma * ((Z - mean) / {divide}) + beta
"""


class HistogramView(View[OneUnit]):
    """A histogram of one unit over the batch, its mean, and its standard deviation as a bar."""

    def __init__(self, ax: Axes, name: str, color: str) -> None:
        self._name = name
        ax.set(xlim=(-LIMIT, LIMIT), ylim=(0, TOP), ylabel="share of the batch")
        ax.set_xlabel("Z = Wa + b" if name == "Z" else "γ $Z_{norm}$ + β, what goes on")
        moving(ax.axvline(0, color="#777777", lw=1))
        self._shape = moving(ax.stairs(np.zeros(len(EDGES) - 1), EDGES, fill=True, color=color, alpha=0.55))
        self._before = moving(ax.stairs(np.zeros(len(EDGES) - 1), EDGES, color=GHOST, lw=1.2))
        self._mean = moving(ax.plot([], [], color=color, lw=2.5)[0])
        self._bar = moving(ax.plot([], [], "|-", color=color, lw=2, ms=10)[0])
        self._words = note(ax, -LIMIT * 0.96, 0.95 * TOP, color=color, va="top")

    def update(self, result: OneUnit, before: OneUnit | None) -> None:
        """Show `result.Z` or `result.Z_tilde`."""
        values = getattr(result, self._name)
        mean, deviation = float(values.mean()), float(values.std())
        self._shape.set_data(np.histogram(values, EDGES)[0] / len(values))
        old = values[:0] if before is None else getattr(before, self._name)
        self._before.set_data(np.histogram(old, EDGES)[0] / max(len(old), 1))
        self._mean.set_data([mean, mean], [0, 0.8 * TOP])
        self._bar.set_data([mean - deviation, mean + deviation], [0.8 * TOP, 0.8 * TOP])
        self._words.set_text(f"mean {_number(mean)}, deviation {_number(deviation)}")


def unit_views(figure: Figure) -> list[View[OneUnit]]:
    """Lay out the lab: the unit before, and what goes on."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.5])
    key(left, ("■ Z", WITHOUT), ("— before", "#777777"))
    key(right, ("■ after batch norm", WITH), ("— before", "#777777"))
    return [HistogramView(left, "Z", WITHOUT), HistogramView(right, "Z_tilde", WITH)]


def gamma_beta_lab() -> Lab:
    """Return the lab *What gamma and beta are for*."""
    return Lab(
        "What gamma and beta are for",
        controls={
            "gamma": real_slider("γ", -4, 4, 2, 0.05),
            "beta": real_slider("β", -8, 8, 3, 0.1, fmt=".1f"),
            "b": real_slider("Bias b", -8, 8, 0, 0.1, fmt=".1f"),
            "identity": switch("γ and β undo it", False, "γ = √(σ² + ε) and β = μ, computed from the batch"),
            "divisor": choice("Divide by", [ROOT, VARIANCE], ROOT),
        },
        compute=scale_and_shift,
        views=unit_views,
        grabs=[Grab(1, x="beta")],
        code=program,
        presets={
            "γ = 1, β = 0": {"gamma": 1.0, "beta": 0.0},
            "a large bias b": {"b": 8.0},
            "it is Z again": {"identity": True},
            "divided by σ²": {"gamma": 1.0, "beta": 0.0, "divisor": VARIANCE},
        },
        size=(9.6, 3.5),
    )

"""False alarms: the check of a right network, over eps."""

from functools import lru_cache
from itertools import islice, repeat
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.datasets import moons
from dlhelpers.dropout import draw_uniform
from dlhelpers.gradient_checking import FreshMasks, GradientCheck, check_gradient, kinks_crossed
from dlhelpers.labs.gradient_checking.common import (
    LIMITS,
    PRECISIONS,
    TWO_SIDED,
    ErrorMapView,
    OverEps,
    about,
    digits,
    listed,
    shares_by_name,
    short,
)
from dlhelpers.live.controls import choice, log_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, View, key, moving
from dlhelpers.regularization import l2
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

SIZES, EXAMPLES, LEARNING_RATE, MOST_STEPS = (2, 8, 8, 1), 60, 0.5, 300
STRENGTH, KEEP_PROB = 1.0, 0.8
DROPOUT = ("off", "fixed masks", "fresh masks")
PENALTIES = ("in J and in the gradient", "in the gradient only")
SHAPES = {"W1": (8, 2), "b1": (8, 1), "W2": (8, 8), "b2": (8, 1), "W3": (1, 8), "b3": (1, 1)}
EPSILONS = tuple(float(f"{lead}e-{k}") for k in range(12, 0, -1) for lead in (1, 3))


class Setting(NamedTuple):
    """All but the eps of the check."""

    activation: str
    precision: str
    masks: str
    penalty: str
    steps: int
    seed: int


class Alarm(NamedTuple):
    """The check of a right network at one eps, and the error of the check over eps."""

    setting: Setting
    eps: float
    check: GradientCheck
    shares: dict[str, FloatArray]
    kinks: int
    curve: dict[float, float]

    @property
    def finding(self) -> str:
        """Return the relative error and the word that the notes have for it."""
        error = self.check.error
        word = verdict_word(error)
        return f"A right network, ε = {digits(self.eps)}: relative error about {about(error)}, “{word}”"

    @property
    def caption(self) -> str:
        """Say what the check ran on, and name each cause of a false alarm that is there."""
        s = self.setting
        errors = self.curve.values()
        over = "all ε" if self.complete else "the ε so far"
        text = (
            f"{s.activation}, dropout: {s.masks}, {s.precision}, after {s.steps} steps. The backward pass "
            f"has no bug. Over {over}, the same network scores from about {about(min(errors))} "
            f"to {about(max(errors))}. "
        )
        reasons = []
        if s.penalty == PENALTIES[1]:
            wrong = tuple(name for name, error in self.check.by_name.items() if error > 1e-3)
            reasons.append(f"J lacks the penalty that the gradient has. Above 1e-3: {listed(wrong)}.")
        if s.masks == "fresh masks":
            reasons.append("Each evaluation drops other units: the differences compare different networks.")
        if self.kinks:
            reasons.append(
                "While the check moves the parameters, pre-activations cross ReLU's kink "
                f"{self.kinks:,} times."
            )
        if not reasons and self.complete:
            reasons.append(self._distance())
        return (text + " ".join(reasons)).rstrip()

    @property
    def complete(self) -> bool:
        """Whether the check was made at all eps."""
        return len(self.curve) == len(EPSILONS)

    def _distance(self) -> str:
        """Say on which side of the best eps this one lies, as far as it matters."""
        low, error = min(self.curve.values()), self.check.error
        best = min(self.curve, key=lambda eps: self.curve[eps])
        if error < 30 * low:
            return "This ε is near the best."
        if self.eps < best:
            return "This ε is too small: what is left is rounding."
        return "This ε is too large: what is left is the error ε² of the difference."


@lru_cache(maxsize=4)
def examples(seed: int) -> tuple[FloatArray, FloatArray, tuple[FloatArray, ...]]:
    """Return moons with one blank example, their labels, and the random numbers of dropout."""
    rng = np.random.default_rng(seed)
    X, y = moons(EXAMPLES, rng=rng)
    X[0] = 0.0
    return X, y[:, None].astype(float), draw_uniform(SIZES, EXAMPLES, rng)


@lru_cache(maxsize=6)
def trained(activation: str, seed: int) -> tuple[FloatArray, ...]:
    """Return the parameters of a training run without dropout and penalty, one vector for each step."""
    X, Y, _ = examples(seed)
    network = Network(SIZES, activation, "sigmoid_cross_entropy")
    theta = network.initialize(np.random.default_rng(seed))
    run = descend(network, theta, repeat(Batch(X, Y)), GradientDescent(), LEARNING_RATE)
    return tuple(step.theta for step in islice(run, MOST_STEPS + 1))


def objective(setting: Setting) -> tuple[Any, FloatArray, Batch]:
    """Return what is checked: an objective, its parameters and the batch."""
    X, Y, draws = examples(setting.seed)
    X, Y = X.astype(setting.precision), Y.astype(setting.precision)
    keep_prob = 1.0 if setting.masks == "off" else KEEP_PROB
    network = Network(SIZES, setting.activation, "sigmoid_cross_entropy", keep_prob)
    base: Any = network
    if setting.masks == "fresh masks":
        base = FreshMasks(network, np.random.default_rng(setting.seed))
    is_weight, in_cost = network.layout.is_weight, setting.penalty == PENALTIES[0]

    def loss(theta: FloatArray, batch: Batch) -> FloatArray:
        J: FloatArray = base.loss(theta, batch)
        return J + l2(theta, is_weight, STRENGTH, EXAMPLES).value if in_cost else J

    def gradient(theta: FloatArray, batch: Batch) -> FloatArray:
        return np.asarray(base.gradient(theta, batch) + l2(theta, is_weight, STRENGTH, EXAMPLES).gradient)

    theta = trained(setting.activation, setting.seed)[setting.steps].astype(setting.precision)
    return (
        SimpleNamespace(loss=loss, gradient=gradient, layout=network.layout),
        theta,
        Batch(X, Y, draws=draws),
    )


def check_at(setting: Setting, eps: float) -> GradientCheck:
    """Check a right network at one eps."""
    return check_gradient(*objective(setting), eps)


@remembered(8)
def errors_over_eps(setting: Setting) -> Stages[dict[float, float]]:
    """Yield the relative errors that are known so far, by their eps."""
    errors: dict[float, float] = {}
    for done, eps in enumerate(EPSILONS, 1):
        errors = {**errors, eps: check_at(setting, eps).error}
        yield done / len(EPSILONS), errors


def alarm(
    eps: float, activation: str, masks: str, precision: str, penalty: str, steps: int, seed: int
) -> Stages[Alarm]:
    """Check at this eps, then over all of them; yield what is known so far."""
    setting = Setting(activation, precision, masks, penalty, steps, seed)
    check = check_at(setting, eps)
    network = Network(SIZES, activation, "sigmoid_cross_entropy", 1.0 if masks == "off" else KEEP_PROB)
    _, theta, batch = objective(setting)
    kinks = kinks_crossed(network, theta, batch if masks != "off" else batch._replace(draws=None), eps)
    for share, curve in errors_over_eps(setting):
        yield share, Alarm(setting, eps, check, shares_by_name(check), kinks, curve)


def verdict_word(error: float) -> str:
    """Return the word of the notes for a relative error, by the nearest limit in powers of ten."""
    if error < 1e-6:
        return "great"
    return "suspect" if error < 1e-4 else "wrong"


def program(
    eps: float, activation: str, masks: str, precision: str, penalty: str, steps: int, seed: int
) -> str:
    """Return the program behind the picture."""
    keep_prob = 1.0 if masks == "off" else KEEP_PROB
    base = f"FreshMasks(network, np.random.default_rng({seed}))" if masks == "fresh masks" else "network"
    value = f" + l2(theta, is_weight, {STRENGTH}, {EXAMPLES}).value" if penalty == PENALTIES[0] else ""
    return f"""
from itertools import islice, repeat
from types import SimpleNamespace
import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.dropout import draw_uniform
from dlhelpers.gradient_checking import FreshMasks, check_gradient
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.regularization import l2
from dlhelpers.training import descend

rng = np.random.default_rng({seed})
X, y = moons({EXAMPLES}, rng=rng)
X[0] = 0.0  # one blank example
Y, draws = y[:, None].astype(float), draw_uniform({SIZES}, {EXAMPLES}, rng)
network = Network({SIZES}, {activation!r}, "sigmoid_cross_entropy")
theta = network.initialize(np.random.default_rng({seed}))
run = descend(network, theta, repeat(Batch(X, Y)), GradientDescent(), {LEARNING_RATE})
theta = next(islice(run, {steps}, None)).theta.astype({precision!r})
batch = Batch(X.astype({precision!r}), Y.astype({precision!r}), draws=draws)

network = Network({SIZES}, {activation!r}, "sigmoid_cross_entropy", keep_prob={keep_prob})
is_weight = network.layout.is_weight
base = {base}

def loss(theta, batch):
    return base.loss(theta, batch){value}

def gradient(theta, batch):
    return base.gradient(theta, batch) + l2(theta, is_weight, {STRENGTH}, {EXAMPLES}).gradient

objective = SimpleNamespace(loss=loss, gradient=gradient, layout=network.layout)
check = check_gradient(objective, theta, batch, eps={eps})
result = (check.error, *check.by_name.values())
"""


class CheckOverEpsView(OverEps, View[Alarm]):
    """The relative error of a whole gradient over eps, with the limits of the notes."""

    def __init__(self, ax: Axes) -> None:
        super().__init__(ax, 1e-12, 1e-12, "relative error of the check")
        for limit, word in LIMITS:
            ax.axhline(limit, color="#777777", lw=1, ls="--")
            ax.text(2e-8, 1.15 * limit, f"{short(limit)}: {word}", fontsize=9, color="#555555", va="bottom")
        (self._old,) = ax.plot([], [], "-", color=GHOST, lw=1.5)
        (self._line,) = ax.plot([], [], "-", color=TWO_SIDED, lw=2)
        (self._here,) = ax.plot([], [], "o", color=TWO_SIDED, ms=10, mec="white")
        for artist in (self._old, self._line, self._here):
            moving(artist)
        key(ax, ("— right network", TWO_SIDED), ("┃ your ε", ACCENT), ("— before", "#777777"))

    def update(self, result: Alarm, before: Alarm | None) -> None:
        """Show `result.curve`, a dict from eps to error, and `result.check` at `result.eps`."""
        for line, curve in ((self._line, result.curve), (self._old, {} if before is None else before.curve)):
            line.set_data(list(curve), self.seen(np.array(list(curve.values()))))
        self.cursor.set_xdata([result.eps, result.eps])
        self._here.set_data([result.eps], self.seen(np.array([result.check.error])))


def views(figure: Figure) -> list[View[Alarm]]:
    """Lay out the lab: the error over eps, and the map at this eps."""
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    return [CheckOverEpsView(left), ErrorMapView(right, SHAPES, attrgetter("shares"), "", labels=True)]


def false_alarms_lab() -> Lab:
    """Return the lab *False alarms*."""
    return Lab(
        "False alarms",
        controls={
            "eps": log_slider("ε", -12, -1, 1e-5, 0.5, fmt=".1e"),
            "steps": slider("Steps of training", 0, MOST_STEPS, 0, 10),
            "activation": choice("Activation", ["tanh", "relu"], "tanh"),
            "masks": choice("Dropout", list(DROPOUT), "off"),
            "penalty": choice("L2 penalty", list(PENALTIES), PENALTIES[0]),
            "precision": choice("Precision", list(PRECISIONS), "float64"),
        },
        compute=alarm,
        views=views,
        grabs=[Grab(0, x="eps")],
        code=program,
        presets={
            "ε too small": {"eps": 1e-10},
            "ε too large": {"eps": 1e-1},
            "ReLU on its kink": {"activation": "relu"},
            "fresh masks": {"masks": "fresh masks"},
            "penalty not in J": {"penalty": PENALTIES[1]},
            "float32": {"precision": "float32"},
        },
        size=(9.6, 4.4),
    )

"""The lab *Lambda on a network*: how the boundary and the losses change with the strength of a penalty."""

from collections.abc import Iterator
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.regularization.common import strength_in_words
from dlhelpers.labs.regularization.over_lambda import (
    FAR,
    LAMBDAS,
    TRAIN_STEPS,
    LambdaAxis,
    OverLambdas,
    Task,
    edge_of,
    index_of,
    lambda_controls,
    lambda_program,
    noisy_moons,
    train_over_lambda,
)
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.plots.decision_regions import CLASS_COLORS, MessageView
from dlhelpers.plots.style import DEV, GHOST, TRAIN, View, key, moving, note
from dlhelpers.plots.two_classes import TwoClassesView
from dlhelpers.typing import BoolArray, FloatArray, IntArray

LIMIT, SIDE = 3.0, 50
_line = LIMIT * np.linspace(-1, 1, SIDE)
PLANE = np.stack(np.meshgrid(_line, _line), axis=-1).reshape(-1, 2)
GUESS = float(np.log(2))
"""The loss of answering 0.5 everywhere."""


class OneLambda(NamedTuple):
    """What the lab shows: the losses over lambda, and the answer of the network at one of them.

    The losses of `curves` are NaN until training has ended; `losses` are of the one network, now.
    """

    penalty: str
    at: int
    rate: float
    curves: OverLambdas
    losses: tuple[float, float]
    errors: tuple[float, float]
    map: FloatArray
    X: FloatArray
    y: IntArray
    message: str

    @property
    def diverged(self) -> BoolArray:
        """For which lambdas training has diverged."""
        return self.curves.gone_at >= 0

    @property
    def trained(self) -> bool:
        """Whether training has ended."""
        return self.curves.step == TRAIN_STEPS

    @property
    def edge(self) -> float:
        """The lambda with alpha lambda / m = 2; NaN for L1."""
        return edge_of(self.penalty, self.rate, len(self.X))

    @property
    def ratio(self) -> float:
        """Alpha lambda / m."""
        return float(self.rate * LAMBDAS[self.at] / len(self.X))

    @property
    def best(self) -> int:
        """Index of the lambda with the lowest dev loss."""
        return int(np.where(self.diverged, np.inf, self.curves.dev).argmin())

    @property
    def finding(self) -> str:
        """The two losses."""
        strength = f"{self.penalty}, λ = {strength_in_words(LAMBDAS[self.at])}"
        if self.diverged[self.at]:
            return f"{strength}: α λ/m is {self.ratio:.1f}, the weights grow without limit"
        if not self.trained:
            strength += f", after {self.curves.step:,} of {TRAIN_STEPS:,} steps"
        return f"{strength}: train loss {self.losses[0]:.2f}, dev loss {self.losses[1]:.2f}"

    @property
    def caption(self) -> str:
        """What a step does, and which lambda is the best."""
        text = _state_in_words(self)
        if not self.trained:
            return text + f"The curves over λ follow when all {len(LAMBDAS)} networks are trained."
        text += (
            f"Among the {len(LAMBDAS)} values, the dev loss is lowest, {self.curves.dev[self.best]:.2f}, at "
            f"λ = {strength_in_words(LAMBDAS[self.best])}. "
        )
        if self.penalty == "L1":
            return text + "The soft threshold does not diverge."
        text += f"α λ/m = 2 at λ = {strength_in_words(self.edge)}; "
        if not self.diverged.any():
            return text + "no network diverged."
        return text + f"training diverged from λ = {strength_in_words(LAMBDAS[self.diverged.argmax()])} on."


def _state_in_words(result: OneLambda) -> str:
    if result.diverged[result.at]:
        return (
            f"Each step multiplies W by 1 - α λ/m = {1 - result.ratio:.1f}: it changes sign and grows. "
            f"Within {result.curves.gone_at[result.at]} steps the weights are out of the frame. "
        )
    text = f"Wrong answers: train {result.errors[0]:.0%}, dev {result.errors[1]:.0%}. "
    if result.penalty == "L2":
        text += (
            f"Each step multiplies W by 1 - α λ/m = {1 - result.ratio:.6g}, then it follows the gradient. "
        )
    if result.curves.norms[result.at].sum() < 1e-3:
        text += "All weights are nearly 0: the network gives the same answer everywhere. "
    return text


def regularize(
    strength: float, penalty: str, rate: float, noise: float, m: int, seed: int
) -> Iterator[tuple[float, OneLambda]]:
    """Show the network at the reader's lambda; train those at all lambdas first if needed."""
    at, task = index_of(strength), noisy_moons(noise, m, seed)
    for share, curves in train_over_lambda(penalty, rate, noise, m, seed):
        yield share, _one_lambda(task, curves, at, penalty, rate)


@np.errstate(all="ignore")
def _one_lambda(task: Task, curves: OverLambdas, at: int, penalty: str, rate: float) -> OneLambda:
    network, theta, lost = task.network, curves.theta[at], curves.gone_at[at] >= 0
    usable = np.zeros_like(theta) if lost else theta
    return OneLambda(
        penalty,
        at,
        rate,
        curves,
        (float(network.loss(theta, task.train)), float(network.loss(theta, task.dev))),
        (_error(network, usable, task.train), _error(network, usable, task.dev)),
        network.predict(usable, PLANE).reshape(SIDE, SIDE),
        task.train.X,
        task.train.Y[:, 0].astype(int),
        f"diverged within {curves.gone_at[at]} steps" if lost else "",
    )


def _error(network: Network, theta: FloatArray, batch: Batch) -> float:
    return float(np.mean((network.predict(theta, batch.X) > 0.5) != batch.Y))


def program(strength: float, penalty: str, rate: float, noise: float, m: int, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""{lambda_program(strength, penalty, rate, noise, m, seed)}
result = network.loss(theta, train), network.loss(theta, dev)
"""


class LossOverLambdaView(View[OneLambda]):
    """Train and dev loss of one network for each lambda."""

    def __init__(self, ax: Axes, high: float = 2.0) -> None:
        self._axis = LambdaAxis(ax, 0, high)
        ax.set(ylabel="loss J, without the penalty")
        moving(ax.axhline(GUESS, color=GHOST, lw=1, ls="-."))
        note(ax, LAMBDAS[0], GUESS + 0.03, "the loss of guessing", color="#666666", fontsize=9, va="bottom")
        self._old = [moving(ax.plot([], [], style, color=GHOST, lw=1.3)[0]) for style in ("-", "--")]
        self._new = [
            moving(ax.plot([], [], style, color=color, lw=2.2)[0])
            for style, color in (("-", TRAIN), ("--", DEV))
        ]
        (self._best,) = ax.plot([], [], "*", color=DEV, ms=14, mec="white", zorder=5)
        moving(self._best)
        marks = ("★ lowest dev", DEV), ("▲ diverged", "#222222"), ("— before", "#777777")
        key(ax, ("— train", TRAIN), ("-- dev", DEV), *marks)

    def update(self, result: OneLambda, before: OneLambda | None) -> None:
        """Show `result.curves.train` and `.dev`, (n,) losses."""
        nothing = np.full(len(LAMBDAS), np.nan)
        for lines, shown in ((self._new, result), (self._old, before)):
            losses = (nothing, nothing) if shown is None else (shown.curves.train, shown.curves.dev)
            for line, values in zip(lines, losses, strict=True):
                line.set_data(LAMBDAS, np.where(values > FAR, np.nan, values))  # a triangle stands there
        best = [result.best] if result.trained else []
        self._best.set_data(LAMBDAS[best], result.curves.dev[best])
        self._axis.show(result)


def views(figure: Figure) -> list[View[OneLambda]]:
    """Lay out the lab: the losses over lambda, and the answer of the network in the plane."""
    losses, plane = figure.subplots(1, 2, width_ratios=[1.6, 1])
    plane.set(xlabel="$x_1$", ylabel="$x_2$")
    key(plane, *((f"{mark} class {k}", CLASS_COLORS[k]) for k, mark in enumerate("●▲")))
    return [
        LossOverLambdaView(losses),
        TwoClassesView(plane, attrgetter("map", "X", "y"), LIMIT, size=6),
        MessageView(plane),
    ]


def lambda_lab() -> Lab:
    """Return the lab *Lambda on a network*."""
    return Lab(
        "Lambda on a network",
        controls=lambda_controls(0.01),
        compute=regularize,
        views=views,
        grabs=[Grab(0, x="strength")],
        code=program,
        presets={
            "hardly any penalty": {"strength": 0.001},
            "just right": {"strength": 1},
            "too much": {"strength": 10**1.5},
            "diverges": {"strength": 10**2.5},
            "L1": {"penalty": "L1", "strength": 10**-0.5},
        },
        size=(9.6, 3.9),
    )

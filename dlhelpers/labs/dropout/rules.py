"""The lab *What does each rule cost?*: networks that were trained with a right and with a wrong mask."""

from itertools import repeat
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.dropout import keep_mask, with_draws
from dlhelpers.labs.dropout.common import (
    KEEP_PROB_OPTIONS,
    KEEP_PROBS,
    N_DEV,
    Moons,
    accuracies,
    pieces,
    two_moons,
)
from dlhelpers.labs.dropout.mistakes import (
    Rescaled,
    mask_with_drop_and_keep_swapped,
    mask_without_division,
)
from dlhelpers.live.controls import choice, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.style import ACCENT, DEV, GHOST, View, key, moving
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

INVERTED, FORGOTTEN, SWAPPED, ORIGINAL = (
    "inverted dropout",
    "forgot to divide",
    "keep and drop mixed up",
    "original: × p at test time",
)
RULES = (INVERTED, FORGOTTEN, SWAPPED, ORIGINAL)
MASK_RULES = {
    INVERTED: keep_mask,
    FORGOTTEN: mask_without_division,
    SWAPPED: mask_with_drop_and_keep_swapped,
    ORIGINAL: mask_without_division,
}
RULE_SIZES, RULE_STEPS = (2, 10, 10, 1), 400


class Measured(NamedTuple):
    """Dev loss and dev accuracy of trained networks without masks: from a rule to a curve over keep_prob."""

    loss: dict[str, FloatArray]
    accuracy: dict[str, FloatArray]

    def at(self, rule: str, keep_prob: float) -> tuple[float, float]:
        """Return loss and accuracy for one rule and keep_prob."""
        k = KEEP_PROBS.index(keep_prob)
        return float(self.loss[rule][k]), float(self.accuracy[rule][k])


class RuleCost(NamedTuple):
    """Networks that were trained by one rule, over keep_prob, beside those of inverted dropout."""

    rule: str
    keep_prob: float
    step: int
    measured: Measured | None

    @property
    def finding(self) -> str:
        """The dev loss at the chosen keep_prob."""
        if self.measured is None:
            return f"{self.step} of {RULE_STEPS} steps"
        loss, right = self.measured.at(self.rule, self.keep_prob)
        return f"{self.rule[0].upper()}{self.rule[1:]}: dev loss {loss:.2f}, {right:.0%} right"

    @property
    def caption(self) -> str:
        """What training by this rule costs, beside inverted dropout."""
        if self.measured is None:
            return "The networks that learn by these rules are still in training."
        loss, right = self.measured.at(self.rule, self.keep_prob)
        text = (
            f"Networks trained with this rule and keep_prob {self.keep_prob:.1f}: dev loss {loss:.2f}, "
            f"{right:.0%} of the dev points right"
        )
        if self.rule == INVERTED:
            return f"{text}."
        loss, right = self.measured.at(INVERTED, self.keep_prob)
        return f"{text}; with inverted dropout {loss:.2f} and {right:.0%}."


def rule_objective() -> Rescaled:
    """Return the objective of 30 networks: three rules, each for ten values of keep_prob."""
    p = np.array(KEEP_PROBS)
    kept = np.concatenate([p, p, np.maximum(1 - p, 0.1)])  # with factor 0 it does not matter what is kept
    factor = np.concatenate([np.ones(10), p, (1 - p) / p])
    shares = kept[:, np.newaxis, np.newaxis]
    network = Network(RULE_SIZES, "relu", "sigmoid_cross_entropy", keep_prob=shares)
    return Rescaled(network, factor[:, np.newaxis, np.newaxis])


def measure_rules(thetas: FloatArray, data: Moons) -> Measured:
    """Return dev loss and dev accuracy over keep_prob, for each rule; no masks at test time."""
    plain = Network(RULE_SIZES, "relu", "sigmoid_cross_entropy")
    everything = np.concatenate([thetas, rule_objective().effective(thetas)[10:20]])  # the original rule
    loss, accuracy = plain.loss(everything, data.dev), accuracies(plain, everything, data)
    parts = {rule: slice(10 * k, 10 * k + 10) for k, rule in enumerate(RULES)}
    return Measured(*({rule: each[part] for rule, part in parts.items()} for each in (loss, accuracy)))


@remembered(8)
def train_rules(seed: int) -> Stages[tuple[int, Measured | None]]:
    """Train 30 networks; yield the step, and at the end what is measured."""
    data = two_moons(100, 0.3, seed)
    objective, rng = rule_objective(), np.random.default_rng(seed)
    theta = np.tile(objective.network.initialize(rng), (30, 1))
    batches = with_draws(repeat(data.batch), RULE_SIZES, rng)
    for step in pieces(descend(objective, theta, batches, Adam(), 0.01), RULE_STEPS, 20):
        measured = measure_rules(step.theta, data) if step.step == RULE_STEPS else None
        yield step.step / RULE_STEPS, (step.step, measured)


def rule_cost(rule: str, keep_prob: float, seed: int) -> Stages[RuleCost]:
    """Train networks by all rules, then read off the chosen one."""
    for share, (step, measured) in train_rules(seed):
        yield share, RuleCost(rule, keep_prob, step, measured)


def program(rule: str, keep_prob: float, seed: int) -> str:
    """Return the program behind the picture."""
    part = f"np.split(last.theta, 3)[{RULES.index(rule)}]"
    if rule == ORIGINAL:  # trained as the forgetful; at test time its activations are multiplied by p
        part = "objective.effective(last.theta)[10:20]"
    return f"""
from itertools import islice, repeat

import numpy as np
from dlhelpers.datasets import moons
from dlhelpers.dropout import with_draws
from dlhelpers.labs.dropout.rules import RULE_SIZES, rule_objective
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend

rng = np.random.default_rng({seed})
X, y = moons(100, noise=0.3, rng=rng)
X_dev, y_dev = moons({N_DEV}, noise=0.3, rng=rng)
objective, rng = rule_objective(), np.random.default_rng({seed})  # 30 networks: 3 rules, 10 keep_probs
theta = np.tile(objective.network.initialize(rng), (30, 1))
batches = with_draws(repeat(Batch(X, y[:, None].astype(float))), RULE_SIZES, rng)
*_, last = islice(descend(objective, theta, batches, Adam(), 0.01), {RULE_STEPS} + 1)

network = Network(RULE_SIZES, "relu", "sigmoid_cross_entropy")
theta = {part}
result = network.loss(theta, Batch(X_dev, y_dev[:, None].astype(float)))  # for keep_prob 0.1 to 1
"""


class OverKeepProbView(View[RuleCost]):
    """A quantity of the trained networks over keep_prob: this rule beside inverted dropout.

    Parameters
    ----------
    ax : Axes
    name : {"loss", "accuracy"}
    """

    def __init__(self, ax: Axes, name: str) -> None:
        self._name = name
        ax.set(xlim=(0.05, 1.05), xlabel="keep_prob in training", xticks=[0.2, 0.4, 0.6, 0.8, 1.0])
        if name == "loss":
            ax.set(yscale="log", ylim=(0.1, 4.0), ylabel="dev loss at test time")
            ax.set_yticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
            ax.minorticks_off()
        else:
            ax.set(ylim=(0.4, 1.0), ylabel="share of dev points right")
        self._low, self._high = ax.get_ylim()
        (self._before,) = ax.plot([], [], "--", color=GHOST, lw=1.5)
        (self._right,) = ax.plot([], [], "-", color="#333333", lw=1.2)
        self._cursor = ax.axvline(1, color=ACCENT, lw=2)
        (self._line,) = ax.plot([], [], "s--", color=DEV)
        for artist in (self._before, self._right, self._cursor, self._line):
            moving(artist)
        if name == "loss":
            key(
                ax,
                ("■-- this rule", DEV),
                ("— inverted", "#333333"),
                ("┃ your p", ACCENT),
                ("-- before", "#777777"),
            )

    def update(self, result: RuleCost, before: RuleCost | None) -> None:
        """Show the curve of `result.rule` and that of inverted dropout, if they are known."""
        for line, rule, shown in (
            (self._line, result.rule, result),
            (self._right, INVERTED, result),
            (self._before, "" if before is None else before.rule, before),
        ):
            curve = np.zeros(0)
            if shown is not None and shown.measured is not None:
                curve = np.clip(getattr(shown.measured, self._name)[rule], self._low, self._high)
            line.set_data(KEEP_PROBS[: len(curve)], curve)
        self._cursor.set_xdata([result.keep_prob] * 2)


def rule_views(figure: Figure) -> list[View[RuleCost]]:
    """Lay out the lab: the dev loss, and the share of right answers."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [OverKeepProbView(left, "loss"), OverKeepProbView(right, "accuracy")]


def mask_rules_lab() -> Lab:
    """Return the lab *What does each rule cost?*."""
    return Lab(
        "What does each rule cost?",
        controls={
            "rule": choice("Rule", RULES, FORGOTTEN),
            "keep_prob": steps_slider("keep_prob p", KEEP_PROB_OPTIONS, 0.5),
        },
        compute=rule_cost,
        views=rule_views,
        grabs=[Grab(0, x="keep_prob"), Grab(1, x="keep_prob")],
        code=program,
        presets={
            "inverted dropout": {"rule": INVERTED},
            "keep and drop mixed up": {"rule": SWAPPED, "keep_prob": 0.8},
            "original: the same": {"rule": ORIGINAL},
        },
        size=(9.6, 3.8),
    )

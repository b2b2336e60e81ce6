"""The lab *One control for each goal?*: four knobs in the plane of train loss and gap."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.datasets import moons
from dlhelpers.labs.words import in_points
from dlhelpers.live.controls import choice, slider
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.minibatches import Batch, minibatches, nested_minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.style import DEV, GHOST, TRAIN, View, key, moving
from dlhelpers.regularization import Regularized
from dlhelpers.training import Descent, descend
from dlhelpers.typing import FloatArray

STOPPING_STEPS = (600, 450, 350, 250, 180, 120, 80, 50, 32, 16, 8)
KNOB_STRENGTHS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
EXAMPLE_COUNTS = (40, 60, 80, 100, 120, 160, 200, 240, 280, 340, 400)
WITH_LAMBDA = KNOB_STRENGTHS.index(0.5)
TURNS = len(STOPPING_STEPS)
TWO_SETS = 2
MOON_NETWORK = Network((2, 20, 20, 1), "tanh", "sigmoid_cross_entropy")

KNOBS = {
    "stop early": ("stop early", "#7b3294", "o", "●"),
    "stop early, with λ = 0.5": ("stop early, λ = 0.5", "#E69F00", "^", "▲"),
    "λ": ("λ", "#CC79A7", "s", "■"),
    "more examples": ("examples", "#009E73", "D", "◆"),
}
"""From the name of a knob to (short name, color, marker, the marker as text)."""
STOP, STOP_WITH_LAMBDA, STRENGTH, EXAMPLES = KNOBS
MEASURES = {
    "loss": ((-0.02, 0.7), (-0.02, 0.6), "train loss", "gap: dev - train"),
    "error, %": ((-2.0, 45.0), (-5.0, 15.0), "train error, %", "gap: dev - train, points"),
}
"""From the name of a measure to (xlim, ylim, xlabel, ylabel)."""

Swept = Mapping[str, FloatArray]
"""By knob: train and dev loss, then train and dev error in percent, (4, 11)."""


class Turned(NamedTuple):
    """What the lab shows: the paths of the knobs in the plane, and the place on one of them.

    Only knobs that have been turned have a path; `rest` and `here` are NaN without one.
    """

    knob: str
    turn: int
    measure: str
    paths: dict[str, tuple[FloatArray, FloatArray]]
    rest: tuple[float, float]
    here: tuple[float, float]

    @property
    def finding(self) -> str:
        """What the knob has done to both goals."""
        if self.knob not in self.paths:
            sweeps = 1 if self.paths else 2
            return f"{sweeps * TWO_SETS * TURNS} networks are in training"
        train, gap = (here - rest for here, rest in zip(self.here, self.rest, strict=True))
        where = place(self.knob, self.turn)
        name = f"train {self.measure.split(',')[0]}"
        return f"{where.replace('stop', 'Stop')}: {name} {_change(self, train)}, gap {_change(self, gap)}"

    @property
    def caption(self) -> str:
        """What this knob costs on the training set for what it wins in the gap."""
        if self.knob not in self.paths:
            return (
                "Its path follows in about 2 seconds."
                if self.paths
                else "The paths follow in about 2 seconds."
            )
        digits, unit = (2, "") if self.measure == "loss" else (0, " points")
        (train, gap), (rest_train, rest_gap) = self.here, self.rest
        others = "" if len(self.paths) == len(KNOBS) else "The other paths follow. "
        text = others + (
            f"With the knob at 0 ({place(self.knob, 0)}), the train {self.measure.split(',')[0]} is "
            f"{rest_train:.{digits}f} and the gap {rest_gap:.{digits}f}{unit}; now they are "
            f"{train:.{digits}f} and {round(gap, digits) + 0:.{digits}f}{unit}, means over {TWO_SETS} "
            "training sets. "
        )
        won, paid = round(rest_gap - gap, digits), round(train - rest_train, digits)
        least = 0.02 * 100 ** (self.measure != "loss")
        if won <= -least:
            return text + f"The gap has grown by {-won:.{digits}f}{unit}."
        if won < least:
            return text + ("The knob is not turned yet." if self.turn == 0 else "The gap is about the same.")
        return text + f"Closing the gap by {won:.{digits}f} costs {paid:.{digits}f} on the training set."


def place(knob: str, turn: int) -> str:
    """Return in words where a knob is."""
    if knob == "λ":
        return f"λ = {KNOB_STRENGTHS[turn]:g}"
    if knob == "more examples":
        return f"{EXAMPLE_COUNTS[turn]} examples"
    return f"stopped at step {STOPPING_STEPS[turn]}" + (", λ = 0.5" if "λ" in knob else "")


def _change(result: Turned, change: float) -> str:
    """Return a change with its sign, and 0 without one."""
    if result.measure == "loss":
        return f"{round(change, 2) + 0:+.2f}"
    return f"{'+' * (round(change) > 0)}{in_points(change)}"


def moon_data(seed: int, training_set: int) -> tuple[Batch, Batch]:
    """Return 400 points to train on and 400 for dev."""
    train, dev = (
        moons(400, noise=0.4, rng=np.random.default_rng([seed, training_set, part])) for part in (0, 1)
    )
    return Batch(train[0], train[1][:, None].astype(float)), Batch(dev[0], dev[1][:, None].astype(float))


def both_measures(theta: FloatArray, train: Batch, dev: Batch, sizes: Sequence[int]) -> FloatArray:
    """Return (4, K): train and dev loss, train and dev error in percent; network k has sizes[k] examples."""
    each = []
    for k, size in enumerate(sizes):
        parts = (Batch(train.X[:size], train.Y[:size]), dev)
        losses = [MOON_NETWORK.loss(theta[k], part) for part in parts]
        errors = [np.mean((MOON_NETWORK.predict(theta[k], X) > 0.5) != (Y > 0.5)) for X, Y, *_ in parts]
        each.append([*losses, *(100 * error for error in errors)])
    return np.array(each, dtype=float).T


def train_and_measure(
    start: Callable[[int], tuple[Descent, Sequence[int]]], steps: Sequence[int], seed: int
) -> Stages[dict[int, FloatArray]]:
    """Train 11 networks on each of two training sets; yield {} on the way, then the mean measures by step."""
    found: dict[int, list[FloatArray]] = {step: [] for step in steps}
    last = max(steps)
    for training_set in range(TWO_SETS):
        train, dev = moon_data(seed, training_set)
        run, sizes = start(training_set)
        for step in islice(run, last + 1):
            if step.step in found:
                found[step.step].append(both_measures(step.theta, train, dev, sizes))
            if step.step % 50 == 0 and step.step < last:
                yield (training_set + step.step / last) / TWO_SETS, {}
    yield 1.0, {step: np.mean(measures, axis=0) for step, measures in found.items()}


def sweep_strength(seed: int) -> Stages[Swept]:
    """Train one network for each lambda, and stop it at each step: three knobs; nothing on the way."""
    m = EXAMPLE_COUNTS[0]

    def start(training_set: int) -> tuple[Descent, Sequence[int]]:
        train, rng = moon_data(seed, training_set)[0], np.random.default_rng([seed, training_set, 2])
        theta = np.tile(MOON_NETWORK.initialize(rng), (TURNS, 1))
        objective = Regularized(MOON_NETWORK, m, l2=np.array(KNOB_STRENGTHS)[:, None])
        batches = minibatches(train.X[:m], train.Y[:m], 10, rng)
        return descend(objective, theta, batches, Adam(), 0.01), [m] * TURNS

    for share, by_step in train_and_measure(start, STOPPING_STEPS, seed):
        if share < 1:
            yield share, {}
            continue
        stop, stop_with = (
            np.stack([by_step[step][:, k] for step in STOPPING_STEPS], axis=1) for k in (0, WITH_LAMBDA)
        )
        yield 1.0, {STOP: stop, STOP_WITH_LAMBDA: stop_with, STRENGTH: by_step[STOPPING_STEPS[0]]}


def sweep_examples(seed: int) -> Stages[Swept]:
    """Train one network for each number of examples; nothing on the way."""

    def start(training_set: int) -> tuple[Descent, Sequence[int]]:
        train, rng = moon_data(seed, training_set)[0], np.random.default_rng([seed, training_set, 2])
        theta = np.tile(MOON_NETWORK.initialize(rng), (TURNS, 1))
        batches = nested_minibatches(train.X, train.Y, EXAMPLE_COUNTS, 10, rng)
        return descend(MOON_NETWORK, theta, batches, Adam(), 0.01), EXAMPLE_COUNTS

    for share, by_step in train_and_measure(start, STOPPING_STEPS[:1], seed):
        yield share, {EXAMPLES: by_step[STOPPING_STEPS[0]]} if share == 1 else {}


@remembered(8)
def sweep(seed: int) -> Stages[Swept]:
    """Turn every knob; yield the measures of those that have been turned."""
    both = (sweep_strength, sweep_examples)
    for share, found in each_of(both, sweep_strength, lambda sweep_one: sweep_one(seed)):
        yield share, {knob: measures for part in found.values() for knob, measures in part.items()}


def turn_knob(knob: str, turn: int, measure: str, seed: int) -> Iterator[tuple[float, Turned]]:
    """Show where a knob leads; turn all of them first if needed."""
    train, dev = (0, 1) if measure == "loss" else (2, 3)
    for share, swept in sweep(seed):
        paths = {name: (each[train], each[dev] - each[train]) for name, each in swept.items()}
        x, y = paths.get(knob, (np.full(TURNS, np.nan), np.full(TURNS, np.nan)))
        rest, here = ((float(x[k]), float(y[k])) for k in (0, turn))
        yield share, Turned(knob, turn, measure, paths, rest, here)


def program(knob: str, turn: int, measure: str, seed: int) -> str:
    """Return the program behind the picture."""
    counts = EXAMPLE_COUNTS
    step = STOPPING_STEPS[turn] if "stop" in knob else STOPPING_STEPS[0]
    number = {"stop early": 0, "stop early, with λ = 0.5": WITH_LAMBDA}.get(knob, turn)
    size = counts[turn] if knob == "more examples" else counts[0]
    if knob == "more examples":
        train = f"""    batches = nested_minibatches(X, Y, {counts}, 10, rngs[2])  # a network for each
    objective = network"""
    else:
        train = f"""    batches = minibatches(X[:{counts[0]}], Y[:{counts[0]}], 10, rngs[2])
    strengths = np.array({KNOB_STRENGTHS})  # one network for each
    objective = Regularized(network, m={counts[0]}, l2=strengths[:, None])"""
    measures = (
        "float(network.loss(theta, Batch(*part)))"
        if measure == "loss"
        else "100 * np.mean((network.predict(theta, part[0]) > 0.5) != (part[1] > 0.5))"
    )
    return f"""
import numpy as np
from itertools import islice
from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch, minibatches, nested_minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend

network = Network({MOON_NETWORK.sizes}, "tanh", "sigmoid_cross_entropy")
measured = []
for training_set in range({TWO_SETS}):
    rngs = [np.random.default_rng([{seed}, training_set, part]) for part in range(3)]
    (X, y), (X_dev, y_dev) = (moons(400, noise=0.4, rng=rng) for rng in rngs[:2])
    Y, Y_dev = y[:, None].astype(float), y_dev[:, None].astype(float)
    start = np.tile(network.initialize(rngs[2]), ({TURNS}, 1))  # {TURNS} networks, all with the same start
{train}
    step = next(islice(descend(objective, start, batches, Adam(), 0.01), {step}, None))
    theta = step.theta[{number}]
    measured.append([{measures} for part in ((X[:{size}], Y[:{size}]), (X_dev, Y_dev))])
train, dev = np.mean(measured, axis=0)
result = train, dev - train
"""


class KnobPathsView(View[Turned]):
    """Two goals as two axes: fit the training set, and close the gap; one path for each knob."""

    def __init__(self, ax: Axes) -> None:
        self._ax, self._measure = ax, ""
        (self._before,) = ax.plot([], [], "o", color=GHOST, ms=12)
        self._paths = {
            name: moving(ax.plot([], [], "-", marker=marker, color=color, ms=6)[0])
            for name, (_, color, marker, _) in KNOBS.items()
        }
        (self._here,) = ax.plot([], [], "o", mfc="none", mec="#222222", mew=2.5, ms=16, zorder=6)
        for artist in (self._before, self._here):
            moving(artist)
        knobs = ((f"{sign} {short}", color) for short, color, _, sign in KNOBS.values())
        key(ax, *knobs, ("● before", "#777777"))

    def update(self, result: Turned, before: Turned | None) -> None:
        """Show `result.paths`, from knob to (train, gap), and `result.here` on that of `result.knob`."""
        if result.measure != self._measure:
            self._measure = result.measure
            xlim, ylim, xlabel, ylabel = MEASURES[result.measure]
            ticks = (0, 0.2, 0.4, 0.6) if ylim[1] < 1 else (-5, 0, 5, 10, 15)
            self._ax.set(xlim=xlim, ylim=ylim, yticks=ticks, xlabel=xlabel, ylabel=ylabel)
        for name, line in self._paths.items():
            line.set_data(*result.paths.get(name, ((), ())))
            line.set(lw=3 if name == result.knob else 0.8, ms=7 if name == result.knob else 4)
        self._here.set_data([result.here[0]], [result.here[1]])
        old = before is not None and before.measure == result.measure
        self._before.set_data(*([before.here[0]], [before.here[1]]) if old and before else ([], []))


class TwoGoalsView(View[Turned]):
    """Train loss or error, and the gap to dev, as bars: with the knob at rest, and turned."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-0.6, 1.6))
        ax.set_xticks([0, 1], ["train", "gap to dev"])
        ax.grid(axis="x", visible=False)
        self._ax, self._measure = ax, ""
        self._rest = [moving(ax.bar([i - 0.2], [0], width=0.36, color=GHOST)[0]) for i in (0, 1)]
        self._here = [
            moving(ax.bar([i + 0.2], [0], width=0.36, color=color, hatch=hatch, edgecolor="white")[0])
            for i, color, hatch in ((0, TRAIN, ""), (1, DEV, "//"))
        ]
        key(ax, ("■ knob at 0", "#777777"), ("■ train", TRAIN), ("▨ gap to dev", DEV))

    def update(self, result: Turned, before: Turned | None) -> None:
        """Show `result.rest` and `result.here`, pairs of train and gap; NaN is no bar."""
        if result.measure != self._measure:
            self._measure = result.measure
            xlim, ylim, *_ = MEASURES[result.measure]
            self._ax.set(ylim=(min(0, ylim[0]), max(xlim[1], ylim[1])), ylabel=self._measure)
        for bars, pair in ((self._rest, result.rest), (self._here, result.here)):
            for bar, value in zip(bars, pair, strict=True):
                bar.set_height(value)


def views(figure: Figure) -> list[View[Turned]]:
    """Lay out the lab: the paths in the plane of both goals, and the two goals as bars."""
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    return [KnobPathsView(left), TwoGoalsView(right)]


def orthogonalization_lab() -> Lab:
    """Return the lab *One control for each goal?*."""
    return Lab(
        "One control for each goal?",
        controls={
            "knob": choice("Knob", list(KNOBS), "stop early"),
            "turn": slider("Turn the knob by", 0, TURNS - 1, 6),
            "measure": choice("Measured as", list(MEASURES), "loss"),
        },
        compute=turn_knob,
        views=views,
        code=program,
        presets={
            "stop early": {},
            "λ instead": {"knob": "λ"},
            "stop early, with λ on": {"knob": "stop early, with λ = 0.5"},
            "more examples": {"knob": "more examples"},
            "as errors": {"measure": "error, %"},
        },
    )

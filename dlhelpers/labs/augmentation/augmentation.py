"""The labs of section 1.5, second part: data augmentation, and one control for each goal."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dlhelpers.augmentation import augment, augmented_minibatches
from dlhelpers.bias_variance import error_rate, nested_minibatches
from dlhelpers.datasets import Split, digits, moons, one_hot, split
from dlhelpers.live.controls import choice, slider
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.augmentation import CopiesView, KnobPathsView, OverStrengthView, TwoGoalsView
from dlhelpers.plots.style import View
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray, IntArray

# Data augmentation ----------------------------------------------------------------------------------

KINDS = {
    "rotate": ("degrees", (0, 5, 10, 15, 20, 30, 40, 60, 80, 100, 120, 150, 180), "up to {}° to each side"),
    "shift": ("pixels", (0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3), "up to {} pixels"),
    "scale": ("scale", (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), "factor 1 ± {}"),
    "noise": ("noise", (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.2), "σ = {}"),
    "elastic": ("elastic", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 3), "σ = {} pixels"),
}
"""Of each kind: the argument of `augment`, the strengths, and how to say one."""
AXIS_NAMES = {
    "rotate": "angle up to, degrees",
    "shift": "shift up to, pixels",
    "scale": "size changed by up to this factor",
    "noise": "σ of the noise, in full ink",
    "elastic": "σ of the moves, pixels",
}
LABELS = {kind: [f"{each:g}" for each in strengths] for kind, (_, strengths, _) in KINDS.items()}
NOTCHES = 13
SHOWN = (6, 9, 1, 2, 3, 4, 5, 7)
N_COPIES = 4
AUGMENTED_STEPS = 160
CLASSIFIER = Network((64, 32, 10), "tanh", "softmax_cross_entropy")


class Accuracies(NamedTuple):
    """Shares of right answers, (13,) each; and of the 6s and 9s, how many are taken for the other one."""

    dev: FloatArray
    test: FloatArray
    mixed_up: FloatArray


class Augmented(NamedTuple):
    """What the lab shows: copies at one strength, accuracies at all."""

    kind: str
    notch: int
    originals: FloatArray
    copies: FloatArray
    dev: FloatArray
    test: FloatArray
    mixed_up: FloatArray


@lru_cache(maxsize=4)
def small_split(seed: int) -> Split:
    """Split the digits into 200 for training, 800 for dev and 797 for test; gray levels from 0 to 1."""
    X, y, *_ = digits()
    return split(X / 16, y, dev=800, test=797, rng=np.random.default_rng(seed))


@lru_cache(maxsize=32)
def accuracy_store(kind: str, m: int, seed: int) -> dict[str, Accuracies]:
    """Return an empty store for this setting; `augmentation` puts the finished accuracies into it."""
    return {}


def measure(theta: FloatArray, data: Split) -> Accuracies:
    """Return the accuracies of a population."""
    right: list[FloatArray] = []
    read: list[IntArray] = []
    for X, y in ((data.X_dev, data.y_dev), (data.X_test, data.y_test)):
        probabilities = CLASSIFIER.predict(theta, X)
        right.append(1 - error_rate(probabilities, one_hot(y, 10)))
        read.append(probabilities.argmax(axis=-1))
    y = np.append(data.y_dev, data.y_test)
    return Accuracies(right[0], right[1], mixed_up(np.concatenate(read, axis=-1), y))


def mixed_up(read: IntArray, y: IntArray) -> FloatArray:
    """Return, of the 6s and 9s, the share that is read as the other one."""
    other = np.where(y == 6, 9, 6)
    either = (y == 6) | (y == 9)
    return np.asarray((read[..., either] == other[either]).mean(axis=-1))


def train_augmented(kind: str, m: int, seed: int) -> Iterator[tuple[float, Accuracies]]:
    """Train 13 networks that differ in nothing but the strength; yield their accuracies so far."""
    data, rng = small_split(seed), np.random.default_rng(seed)
    X, Y = data.X_train[:m], one_hot(data.y_train[:m], 10)
    name, strengths, _ = KINDS[kind]
    theta = np.tile(CLASSIFIER.initialize(rng), (NOTCHES, 1))
    batches = augmented_minibatches(X, Y, 50, [{name: float(each)} for each in strengths], rng)
    run = descend(CLASSIFIER, theta, batches, Adam(), 0.01)
    for step in islice(run, AUGMENTED_STEPS + 1):
        if step.step % 40 == 0:
            known = measure(step.theta, data)
        if step.step % 2 == 0:
            yield step.step / AUGMENTED_STEPS, known


def copies_of(kind: str, notch: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return one image of each shown digit, and changed copies of them."""
    data = small_split(seed)
    originals = np.stack([data.X_dev[data.y_dev == digit][0] for digit in SHOWN])
    name, strengths, _ = KINDS[kind]
    rng = np.random.default_rng(seed)
    copies = augment(np.tile(originals, (N_COPIES, 1)), rng, **{name: float(strengths[notch])})
    return originals, copies.reshape(N_COPIES, len(SHOWN), 64)


def augmentation(kind: str, notch: int, m: int, seed: int) -> Iterator[tuple[float, Augmented]]:
    """Show copies at this strength; train networks at all strengths first if needed."""
    store = accuracy_store(kind, m, seed)
    images = copies_of(kind, notch, seed)
    if "done" not in store:
        for share, known in train_augmented(kind, m, seed):
            if share < 1:
                yield share, Augmented(kind, notch, *images, *known)
        store["done"] = known
    yield 1.0, Augmented(kind, notch, *images, *store["done"])


def said(result: Augmented, notch: int) -> str:
    """Return a strength in words."""
    _, strengths, words = KINDS[result.kind]
    return words.format(f"{strengths[notch]:g}")


def augmentation_finding(result: Augmented) -> str:
    """Return the accuracy without any change and with this one."""
    return (
        f"{result.kind.capitalize()}, {said(result, result.notch)}: {result.dev[result.notch]:.1%} right on "
        f"dev, {result.dev[0]:.1%} without"
    )


def augmentation_caption(result: Augmented) -> str:
    """Say where the accuracy is highest, what the strongest change does, and how often 6 and 9 mix."""
    best, k = int(result.dev.argmax()), result.notch
    gain = 100 * (result.dev[best] - result.dev[0])
    rises = (
        f"On dev, the accuracy is highest with {said(result, best)}: {gain:.1f} points above that without."
        if best
        else "On dev, no strength is better than none."
    )
    return (
        f"{rises} On test, the same network is {_signed(100 * (result.test[best] - result.test[0]))} "
        f"At the strongest, {said(result, -1)}, {result.dev[-1]:.0%} are right. "
        f"Here {result.mixed_up[k]:.1%} of the 6s and 9s are taken for the other one; without any change, "
        f"{result.mixed_up[0]:.1%}."
    )


def _signed(points: float) -> str:
    return f"{abs(points):.1f} points {'better' if points >= 0 else 'worse'} than the one without."


def augmentation_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the copies, and the accuracies over the strength."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    names = [str(digit) for digit in SHOWN]
    return [CopiesView(left, names, N_COPIES), OverStrengthView(right, LABELS, AXIS_NAMES)]


def augmentation_code(kind: str, notch: int, m: int, seed: int) -> str:
    """Return the program behind the picture."""
    name, strengths, _ = KINDS[kind]
    return f"""
import numpy as np
from itertools import islice
from dlhelpers.augmentation import augmented_minibatches
from dlhelpers.bias_variance import error_rate, nested_minibatches
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend

X, y, *_ = digits()
data = split(X / 16, y, dev=800, test=797, rng=np.random.default_rng({seed}))
X, Y = data.X_train[:{m}], one_hot(data.y_train[:{m}], 10)
strengths = [{{"{name}": float(each)}} for each in {strengths}]
network = Network({CLASSIFIER.sizes}, "tanh", "softmax_cross_entropy")
rng = np.random.default_rng({seed})
theta = np.tile(network.initialize(rng), (len(strengths), 1))  # one network for each
batches = augmented_minibatches(X, Y, 50, strengths, rng)
step = next(islice(descend(network, theta, batches, Adam(), 0.01), {AUGMENTED_STEPS}, None))
dev, test = (
    1 - error_rate(network.predict(step.theta, X), one_hot(y, 10))
    for X, y in ((data.X_dev, data.y_dev), (data.X_test, data.y_test))
)
result = dev[{notch}], test[{notch}], dev[0]
"""


def augmentation_lab() -> Lab:
    """Return the lab *More images from the same images*."""
    return Lab(
        "More images from the same images",
        controls={
            "kind": choice("Change", list(KINDS), "rotate"),
            "notch": slider("Strength, notches", 0, NOTCHES - 1, 3),
            "m": slider("Training images m", 50, 200, 50, 50),
        },
        compute=augmentation,
        views=augmentation_views,
        finding=augmentation_finding,
        caption=augmentation_caption,
        code=augmentation_code,
        presets={
            "none": {"notch": 0},
            "a 6 or a 9?": {"notch": 12},
            "out of the frame": {"kind": "shift", "notch": 12},
            "noise": {"kind": "noise", "notch": 6},
            "more images": {"m": 200},
        },
    )


# One control for each goal --------------------------------------------------------------------------

STEPS = (600, 450, 350, 250, 180, 120, 80, 50, 32, 16, 8)
STRENGTHS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
EXAMPLES = (40, 60, 80, 100, 120, 160, 200, 240, 280, 340, 400)
WITH_LAMBDA = STRENGTHS.index(0.5)
TURNS = len(STEPS)
TWO_SETS = 2
MOON_NETWORK = Network((2, 20, 20, 1), "tanh", "sigmoid_cross_entropy")

KNOBS = {
    "stop early": ("stop early", "#7b3294", "o", "●"),
    "stop early, with λ = 0.5": ("stop early, λ = 0.5", "#E69F00", "^", "▲"),
    "λ": ("λ", "#CC79A7", "s", "■"),
    "more examples": ("examples", "#009E73", "D", "◆"),
}
LIMITS = {
    "loss": ((-0.02, 0.7), (-0.02, 0.6), "train loss", "gap: dev - train"),
    "error, %": ((-2.0, 45.0), (-5.0, 15.0), "train error, %", "gap: dev - train, points"),
}


class Swept(NamedTuple):
    """Train and dev loss, then train and dev error in percent; (4, 11) for each knob."""

    stop: FloatArray
    stop_with_lambda: FloatArray
    strength: FloatArray
    examples: FloatArray


class Turned(NamedTuple):
    """What the lab shows: the paths of all knobs in the plane, and the place on one of them."""

    knob: str
    turn: int
    measure: str
    paths: dict[str, tuple[FloatArray, FloatArray]]
    rest: tuple[float, float]
    here: tuple[float, float]


@lru_cache(maxsize=8)
def sweep_store(seed: int) -> dict[str, Swept]:
    """Return an empty store for this seed; `turn_knob` puts the finished sweeps into it."""
    return {}


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


def sweep_strength(seed: int, training_set: int) -> Iterator[dict[int, FloatArray]]:
    """Train one network for each lambda; yield (4, 11) measures by step so far."""
    train, dev = moon_data(seed, training_set)
    rng, m = np.random.default_rng([seed, training_set, 2]), EXAMPLES[0]
    theta = np.tile(MOON_NETWORK.initialize(rng), (TURNS, 1))
    objective = Regularized(MOON_NETWORK, m, l2=np.array(STRENGTHS)[:, None])
    run = descend(objective, theta, minibatches(train.X[:m], train.Y[:m], 10, rng), Adam(), 0.01)
    found = {}
    for step in islice(run, STEPS[0] + 1):
        if step.step in STEPS:
            found[step.step] = both_measures(step.theta, train, dev, [m] * TURNS)
        if step.step % 50 == 0:
            yield found


def sweep_examples(seed: int, training_set: int) -> Iterator[dict[int, FloatArray]]:
    """Train one network for each number of examples; yield {} on the way, then the (4, 11) measures."""
    train, dev = moon_data(seed, training_set)
    rng = np.random.default_rng([seed, training_set, 2])
    theta = np.tile(MOON_NETWORK.initialize(rng), (TURNS, 1))
    run = descend(MOON_NETWORK, theta, nested_minibatches(train.X, train.Y, EXAMPLES, 10, rng), Adam(), 0.01)
    for step in islice(run, STEPS[0] + 1):
        if step.step == STEPS[0]:
            yield {step.step: both_measures(step.theta, train, dev, EXAMPLES)}
        elif step.step % 50 == 0:
            yield {}


def sweep(seed: int) -> Iterator[tuple[float, Swept | None]]:
    """Turn every knob on two training sets; yield the means of both, at the end."""
    strengths: list[dict[int, FloatArray]] = []
    examples: list[dict[int, FloatArray]] = []
    done = 0
    for training_set in range(TWO_SETS):
        for sweep_one, kept in ((sweep_strength, strengths), (sweep_examples, examples)):
            found: dict[int, FloatArray] = {}
            for found in sweep_one(seed, training_set):  # noqa: B007
                done += 1
                yield done / 60, None
            kept.append(found)  # the last
    by_step = {step: np.mean([found[step] for found in strengths], axis=0) for step in STEPS}
    by_examples = np.mean([found[STEPS[0]] for found in examples], axis=0)
    stop, stop_with = (np.stack([by_step[step][:, k] for step in STEPS], axis=1) for k in (0, WITH_LAMBDA))
    yield 1.0, Swept(stop, stop_with, by_step[STEPS[0]], by_examples)


def place(knob: str, turn: int) -> str:
    """Return in words where a knob is."""
    if knob == "λ":
        return f"λ = {STRENGTHS[turn]:g}"
    if knob == "more examples":
        return f"{EXAMPLES[turn]} examples"
    return f"stopped at step {STEPS[turn]}" + (", λ = 0.5" if "λ" in knob else "")


def turn_knob(knob: str, turn: int, measure: str, seed: int) -> Iterator[tuple[float, Turned | None]]:
    """Show where a knob leads; turn all of them first if needed, and yield None meanwhile."""
    store = sweep_store(seed)
    if "done" not in store:
        for share, swept in sweep(seed):
            if swept is None:
                yield share, None
            else:
                store["done"] = swept
    train, dev = (0, 1) if measure == "loss" else (2, 3)
    paths = {
        name: (each[train], each[dev] - each[train]) for name, each in zip(KNOBS, store["done"], strict=True)
    }
    rest, here = ((float(paths[knob][0][k]), float(paths[knob][1][k])) for k in (0, turn))
    yield 1.0, Turned(knob, turn, measure, paths, rest, here)


def knob_finding(result: Turned | None) -> str:
    """Return what the knob has done to both goals."""
    if result is None:
        return "44 networks are in training"
    train, gap = (here - rest for here, rest in zip(result.here, result.rest, strict=True))
    where = place(result.knob, result.turn)
    name = f"train {result.measure.split(',')[0]}"
    return f"{where.replace('stop', 'Stop')}: {name} {_change(result, train)}, gap {_change(result, gap)}"


def _change(result: Turned, change: float) -> str:
    """Return a change with its sign, and 0 without one."""
    return f"{round(change, 2) + 0:+.2f}" if result.measure == "loss" else f"{round(change) + 0:+.0f} points"


def knob_caption(result: Turned | None) -> str:
    """Say what this knob costs on the training set for what it wins in the gap."""
    if result is None:
        return "The paths follow in about 2 seconds."
    digits, unit = (2, "") if result.measure == "loss" else (0, " points")
    (train, gap), (rest_train, rest_gap) = result.here, result.rest
    text = (
        f"With the knob at 0 ({place(result.knob, 0)}), the train {result.measure.split(',')[0]} is "
        f"{rest_train:.{digits}f} and the gap {rest_gap:.{digits}f}{unit}; now they are {train:.{digits}f} "
        f"and {round(gap, digits) + 0:.{digits}f}{unit}, means over {TWO_SETS} training sets. "
    )
    won, paid = round(rest_gap - gap, digits), round(train - rest_train, digits)
    least = 0.02 * 100 ** (result.measure != "loss")
    if won <= -least:
        return text + f"The gap has grown by {-won:.{digits}f}{unit}."
    if won < least:
        return text + ("The knob is not turned yet." if result.turn == 0 else "The gap is about the same.")
    return text + f"Closing the gap by {won:.{digits}f} costs {paid:.{digits}f} on the training set."


class _KnownOnly:
    """A view that waits until there is a result."""

    def __init__(self, view: View[Any]) -> None:
        self._view = view

    def update(self, result: Turned | None, before: Turned | None) -> None:
        """Pass a known result on."""
        if result is not None:
            self._view.update(result, before)


def knob_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the paths in the plane of both goals, and the two goals as bars."""
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    return [_KnownOnly(KnobPathsView(left, KNOBS, LIMITS)), _KnownOnly(TwoGoalsView(right, LIMITS))]


def knob_code(knob: str, turn: int, measure: str, seed: int) -> str:
    """Return the program behind the picture."""
    step = STEPS[turn] if "stop" in knob else STEPS[0]
    number = {"stop early": 0, "stop early, with λ = 0.5": WITH_LAMBDA}.get(knob, turn)
    size = EXAMPLES[turn] if knob == "more examples" else EXAMPLES[0]
    if knob == "more examples":
        train = f"""    batches = nested_minibatches(X, Y, {EXAMPLES}, 10, rngs[2])  # a network for each
    objective = network"""
    else:
        train = f"""    batches = minibatches(X[:{EXAMPLES[0]}], Y[:{EXAMPLES[0]}], 10, rngs[2])
    strengths = np.array({STRENGTHS})  # one network for each
    objective = Regularized(network, m={EXAMPLES[0]}, l2=strengths[:, None])"""
    measures = (
        "float(network.loss(theta, Batch(*part)))"
        if measure == "loss"
        else "100 * np.mean((network.predict(theta, part[0]) > 0.5) != (part[1] > 0.5))"
    )
    return f"""
import numpy as np
from itertools import islice
from dlhelpers.bias_variance import nested_minibatches
from dlhelpers.datasets import moons
from dlhelpers.minibatches import Batch, minibatches
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


def orthogonalization_lab() -> Lab:
    """Return the lab *One control for each goal?*."""
    return Lab(
        "One control for each goal?",
        controls={
            "knob": choice("Knob", list(KNOBS), "stop early"),
            "turn": slider("Turn the knob by", 0, TURNS - 1, 6),
            "measure": choice("Measured as", list(LIMITS), "loss"),
        },
        compute=turn_knob,
        views=knob_views,
        finding=knob_finding,
        caption=knob_caption,
        code=knob_code,
        presets={
            "stop early": {},
            "λ instead": {"knob": "λ"},
            "stop early, with λ on": {"knob": "stop early, with λ = 0.5"},
            "more examples": {"knob": "more examples"},
            "as errors": {"measure": "error, %"},
        },
    )

"""The labs of notebook 05: each is a computation, a caption, views and the program behind them."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice, repeat
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.broken_backprop import ANSWERS, BUGS, NOTHING, Bug, Parts, case, with_bug
from dlhelpers.datasets import moons
from dlhelpers.dropout import draw_uniform
from dlhelpers.gradient_checking import (
    FreshMasks,
    GradientCheck,
    best_eps,
    check_gradient,
    difference,
    kinks_crossed,
    order_of_error,
)
from dlhelpers.live.controls import choice, log_slider, real_slider, slider, switch
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.gradient_checking import (
    CheckOverEpsView,
    DifferenceErrorsView,
    ErrorDotsView,
    ErrorMapView,
    MicroscopeView,
    greek,
    short,
)
from dlhelpers.plots.style import View
from dlhelpers.regularization import l2
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

PRECISIONS = ("float64", "float32")

# One-sided or two-sided -------------------------------------------------------------------------------


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
LEADS = ("1", "1.3", "1.7", "2.2", "3", "4", "5.5", "7.5")
GRID = np.array([float(f"{lead}e-{k}") for k in range(16, 0, -1) for lead in LEADS])
"""Typed as decimals, so that they are the same on every processor."""
FIT = (1e-4, 1e-2)
STRAIGHT = 0.1
"""Errors that leave a straight line by no more than this, in powers of ten, count as one."""


class Differences(NamedTuple):
    """Both differences at one eps and over all of them.

    `ends` are the change of f to the left and to the right, in units of eps; `here` are the errors of
    the one-sided and the two-sided difference at eps.
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
    grid: FloatArray
    errors: dict[tuple[str, bool], FloatArray]
    orders: tuple[float, float]
    straight: tuple[bool, bool]
    wall: float


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
    low, high = FIT
    within = (low <= GRID) & (high >= GRID)
    eps, error = GRID[within], error[within]
    order = order_of_error(eps, error)
    if not np.all(error > 0):
        return order, False
    return order, bool(np.ptp(np.log10(error) - order * np.log10(eps)) < STRAIGHT)


def compare(f: str, x: float, eps: float, precision: str) -> Differences:
    """Take both differences at eps, and at all eps of the grid in both precisions."""
    function, derivative = map(_function, CURVES[f][:2])
    errors = {
        (each, two_sided): _errors(f, x, GRID.astype(each), two_sided)
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
    curve = (t, change, (left, right), (here[0], here[1]), GRID, errors)
    return Differences(f, x, eps, precision, slope, *curve, (one[0], two[0]), (one[1], two[1]), wall)


def differences_finding(result: Differences) -> str:
    """Return both errors at this eps."""
    one, two = result.here
    return f"ε = {digits(result.eps)}: one-sided off by {digits(one)}, two-sided by {digits(two)}"


def digits(value: float) -> str:
    """Return a number with two digits: 0.32, 2.1e-5."""
    return f"{value:.2g}".replace("e-0", "e-")


def differences_caption(result: Differences) -> str:
    """Say which orders were measured, where the best eps lies, and what the rule says."""
    text = (
        f"At x = {result.x:.2f} the slope of {result.name} is {result.slope:.3g}, here in "
        f"{result.precision}. "
    )
    low, high = map(short, FIT)
    if all(result.straight):
        one, two = result.orders
        text += (
            f"From ε = {low} to {high} in float64, the errors lie on lines with slopes {one:.2f} "
            f"(one-sided) and {two:.2f} (two-sided). "
        )
    else:
        line = CURVES[result.name].kink is not None and abs(result.x) > FIT[1]
        found = "there is no Taylor error to see" if line else "the errors are not both straight lines"
        text += f"From ε = {low} to {high} in float64, {found}. "
    if CURVES[result.name].kink is not None:
        return text + _beside_the_kink(result)
    if result.name in SYMMETRIC and result.x == 0:
        return text + "f is the same on both sides of 0, so the two-sided difference is 0, without any error."
    if result.wall == 0:
        text += "f(x) is 0 here, so hardly anything is rounded. "
    best = [short(best_eps(GRID, result.errors[result.precision, side])) for side in (True, False)]
    u = float(np.finfo(result.precision).eps)
    return text + (
        f"The smallest errors in {result.precision} are near ε = {best[0]} (two-sided) and {best[1]} "
        f"(one-sided); the rules u^(1/3) and u^(1/2) say {short(u ** (1 / 3))} and {short(u ** (1 / 2))}."
    )


def _beside_the_kink(result: Differences) -> str:
    """Say where the kink lies, and what that means for the errors."""
    if result.x == CURVES[result.name].kink:
        by_chance = " The two-sided difference finds this 0, as the mean of both sides."
        return "x is on the kink (its slope is taken as 0): " + (
            f"no ε helps the one-sided difference.{by_chance}" if result.here[1] == 0 else "no ε helps."
        )
    inside = abs(result.x) <= result.eps
    return (
        f"The kink at 0 lies {'inside' if inside else 'outside'} [x - ε, x + ε]. On each side of it the "
        "curve is a line: only rounding is left there."
    )


def differences_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the microscope, and the errors over eps."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
    return [MicroscopeView(left), DifferenceErrorsView(right)]


def differences_code(f: str, x: float, eps: float, precision: str) -> str:
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
leads = {LEADS}
eps = np.array([float(f"{{lead}}e-{{k}}") for k in range(16, 0, -1) for lead in leads])
eps = eps[({FIT[0]} <= eps) & (eps <= {FIT[1]})]
orders = [order_of_error(eps, error(eps, two_sided)) for two_sided in (False, True)]
result = (*here, *orders)
"""


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
        views=differences_views,
        finding=differences_finding,
        caption=differences_caption,
        code=differences_code,
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


# Find the bug -----------------------------------------------------------------------------------------

SIZES, EXAMPLES, RATE, EPS = (4, 4, 4, 4), 24, 0.03, 1e-5
AGREE = 1e-6
"""Below this relative error two gradients agree; so does `GradientCheck.verdict`."""
NOT_YET = "(not yet)"
SHAPES: Mapping[str, tuple[int, ...]] = {
    f"{name}{layer}": (4, 4 if name == "W" else 1)
    for layer, names in ((1, ("W", "gamma", "beta", "b")), (2, ("W", "gamma", "beta", "b")), (3, ("W", "b")))
    for name in names
}


class Setting(NamedTuple):
    """What runs: the parts that are switched on, and how long the network was trained."""

    activation: str
    keep_prob: float
    strength: float
    batch_norm: bool
    steps: int
    seed: int


class Found(NamedTuple):
    """A check of the code with the bug of the case, and one with the bug of the answer.

    `errors` are per array, `shares` per component; `answer_errors` and `answer_shares` are None before
    an answer.  `false_alarms` are arrays that differ in the right code, too.
    """

    setting: Setting
    bug: Bug
    answer: str
    check: GradientCheck
    errors: dict[str, float]
    shares: dict[str, FloatArray]
    answer_errors: dict[str, float] | None
    answer_shares: dict[str, FloatArray] | None
    false_alarms: tuple[str, ...]


@lru_cache(maxsize=4)
def bug_data(seed: int) -> Batch:
    """Draw 24 examples with four inputs and four targets, and the random numbers of dropout."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(2, EXAMPLES, SIZES[0]))
    return Batch(X, Y, draws=draw_uniform(SIZES, EXAMPLES, rng))


def build(parts: Parts, setting: Setting) -> Any:
    """Return the network with its penalty, made of right or of broken parts."""
    norm = BatchNormalization() if setting.batch_norm else None
    network = parts.Network(SIZES, setting.activation, keep_prob=setting.keep_prob, batch_norm=norm)
    return parts.Regularized(network, EXAMPLES, l2=setting.strength)


@lru_cache(maxsize=64)
def trained(setting: Setting) -> FloatArray:
    """Return the parameters after training with the right gradient."""
    objective = build(with_bug("no bug at all"), setting)
    theta = objective.network.initialize(np.random.default_rng(setting.seed))
    run = descend(objective, theta, repeat(bug_data(setting.seed)), GradientDescent(), RATE)
    return next(islice(run, setting.steps, None)).theta


@lru_cache(maxsize=64)
def examine(name: str, setting: Setting) -> GradientCheck:
    """Check the gradient of the code with this bug."""
    return check_gradient(build(with_bug(name), setting), trained(setting), bug_data(setting.seed), EPS)


def shares_by_name(check: GradientCheck) -> dict[str, FloatArray]:
    """Return the share of each component, in the shape of its array."""
    assert check.layout is not None
    return check.layout.views(check.shares)


def search(
    activation: str, keep_prob: float, strength: float, batch_norm: bool, steps: int, answer: str, seed: int
) -> Found:
    """Check the case that belongs to the seed, and the reader's answer beside it."""
    setting = Setting(activation, keep_prob, strength, batch_norm, steps, seed)
    bug = case(seed)
    check, right = examine(bug.name, setting), examine("no bug at all", setting)
    theirs = None
    if answer != NOT_YET:
        theirs = right if answer == NOTHING else examine(answer, setting)
    return Found(
        setting,
        bug,
        answer,
        check,
        check.by_name,
        shares_by_name(check),
        theirs.by_name if theirs else None,
        shares_by_name(theirs) if theirs else None,
        _differ(right.by_name),
    )


def _differ(errors: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(name for name, error in errors.items() if not error < AGREE)


def about(error: float) -> str:
    """Return an error in two digits, or as a power of ten where rounding decides about the digits."""
    if error < 1e-15:
        return "0"
    return f"{error:.2g}" if error >= 1e-3 else f"1e{round(np.log10(error))}"


def search_finding(result: Found) -> str:
    """Return the relative error of the whole gradient, and the verdict on the answer."""
    error = result.check.error
    size = f"relative error {about(error)}" if error >= AGREE else "relative error below 1e-6"
    signs = {NOT_YET: "", result.bug.answer: " Your answer is right"}
    return (
        f"Case {result.setting.seed}: {size}.{signs.get(result.answer, ' Your answer is not right')}".rstrip(
            "."
        )
    )


def search_caption(result: Found) -> str:
    """Say which arrays differ at these settings, and what there is to say about the answer."""
    s = result.setting
    text = (
        f"{s.activation}, keep_prob {s.keep_prob:g}, λ = {s.strength:g}, {'with' if s.batch_norm else 'no'} "
        f"batch norm, {s.steps} steps of training. {_where(result.errors)}"
    )
    if result.false_alarms:
        alarms = _names(result.false_alarms)
        text += f" {alarms} would differ in the right code, too: ReLU sits on its kink there, a false alarm."
    if result.answer != NOT_YET:
        text += f" Your answer: {result.answer}."
    return f"{text} {_judge(result)}"


def _where(errors: Mapping[str, float]) -> str:
    wrong = _differ(errors)
    if not wrong:
        return "All arrays agree."
    if len(wrong) == len(errors):
        return "All arrays differ."
    return f"{_names(wrong)} differ{'s' if len(wrong) == 1 else ''}, the others agree."


def _names(names: tuple[str, ...]) -> str:
    *others, last = map(greek, names or ("no array",))
    return f"{', '.join(others)} and {last}" if others else last


def _judge(result: Found) -> str:
    bug = result.bug
    if result.answer == NOT_YET:
        return _ask_for_an_answer(result)
    ours, alarms = _differ(result.errors), result.false_alarms
    if result.answer == bug.answer:
        line = f" It reads: {bug.wrong_line}. It should read: {bug.right_line}." if bug.where else ""
        if bug.found and ours == alarms:
            seen = f"Right, but you cannot see it here: switch on {bug.needs}. This is what you then see."
            return f"{seen} {bug.why}{line}"
        return f"Right. {bug.why}{line}"
    assert result.answer_errors is not None
    theirs = _differ(result.answer_errors)
    if theirs == ours == alarms and not bug.found:
        return (
            "Not so. With these parts your bug would not be seen either. Switch on "
            f"{BUGS[result.answer].needs}: it would then be seen in the lower map, and not in the upper one."
        )
    if theirs == ours == alarms or result.answer_errors == result.errors:
        parts = _off(result.setting) or "other parts"
        return f"Not so, but with these parts nothing tells your answer from the bug. Switch on {parts}."
    if result.answer == NOTHING:
        return "Not so: gradient and cost do not agree."
    if theirs == ours:
        return (
            f"Not so: your bug hits the same arrays, but with other errors ({_most_apart(result)}). Switch "
            "parts off, or choose another activation, until the two come apart."
        )
    return f"Not so. With the bug of your answer (lower map): {_where(result.answer_errors)}"


def _ask_for_an_answer(result: Found) -> str:
    if _differ(result.errors) != result.false_alarms:
        return "Which bug does this? Choose your answer."
    nothing = f"Nothing{' else' if result.false_alarms else ''} differs with these parts."
    parts = _off(result.setting)
    return f"{nothing} {f'Switch on {parts} before you answer' if parts else 'Choose your answer'}."


def _off(setting: Setting) -> str:
    """Return the parts that are off, by the words of `Bug.needs`."""
    parts = {
        "dropout": setting.keep_prob < 1,
        "the penalty": setting.strength > 0,
        "tanh": setting.activation == "tanh",
        "batch norm": setting.batch_norm,
        "some training": setting.steps > 0,
    }
    *others, last = [part for part, on in parts.items() if not on] or [""]
    return f"{', '.join(others)} or {last}" if others else last


def _most_apart(result: Found) -> str:
    """Return both errors of the array in which the code and the answer differ most."""
    ours, theirs = result.errors, result.answer_errors or {}
    name = max(theirs, key=lambda name: round(abs(ours[name] - theirs[name]), 6))
    return f"{greek(name)}: {about(ours[name])}, with your bug {about(theirs[name])}"


def search_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: two maps, and the errors of the arrays below them."""
    upper, lower, dots = figure.subplots(3, 1, height_ratios=[1, 1, 1.7])
    return [
        ErrorMapView(upper, SHAPES, "shares", "this\ncode", labels=True),
        ErrorMapView(lower, SHAPES, "answer_shares", "your\nanswer", with_key=False),
        ErrorDotsView(dots, SHAPES),
    ]


def search_code(
    activation: str, keep_prob: float, strength: float, batch_norm: bool, steps: int, answer: str, seed: int
) -> str:
    """Return the program behind the picture."""
    norm = "BatchNormalization()" if batch_norm else "None"
    return f"""
from itertools import islice, repeat
import numpy as np
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.broken_backprop import case, with_bug
from dlhelpers.dropout import draw_uniform
from dlhelpers.gradient_checking import check_gradient
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend

rng = np.random.default_rng({seed})
X, Y = rng.normal(size=(2, {EXAMPLES}, {SIZES[0]}))
batch = Batch(X, Y, draws=draw_uniform({SIZES}, {EXAMPLES}, rng))

def objective(bug):
    Network, Regularized, _ = with_bug(bug)
    network = Network({SIZES}, {activation!r}, keep_prob={keep_prob}, batch_norm={norm})
    return Regularized(network, {EXAMPLES}, l2={strength})

right = objective("no bug at all")
theta = right.network.initialize(np.random.default_rng({seed}))
run = descend(right, theta, repeat(batch), GradientDescent(), {RATE})
theta = next(islice(run, {steps}, None)).theta  # the right gradient trains
bug = case({seed}).name  # print(bug) tells
check = check_gradient(objective(bug), theta, batch, eps={EPS})
result = list(check.by_name.values())
"""


def find_the_bug_lab() -> Lab:
    """Return the lab *Find the bug*."""
    return Lab(
        "Find the bug",
        controls={
            "answer": choice("Your answer", [NOT_YET, *ANSWERS], NOT_YET),
            "keep_prob": real_slider("keep_prob p", 0.5, 1, 0.8, 0.1, fmt=".1f"),
            "strength": real_slider("L2 strength λ", 0, 5, 1, 0.5, fmt=".1f"),
            "activation": choice("Activation", ["tanh", "relu", "linear"], "tanh"),
            "steps": slider("Steps of training", 0, 100, 0, 5),
            "batch_norm": switch("Batch norm", False),
        },
        compute=search,
        views=search_views,
        finding=search_finding,
        caption=search_caption,
        code=search_code,
        presets={
            "bare network": {"keep_prob": 1, "strength": 0},
            "dropout only": {"strength": 0},
            "penalty only": {"keep_prob": 1},
            "with batch norm": {"keep_prob": 1, "strength": 0, "batch_norm": True},
            "after training": {"steps": 100},
        },
        size=(9.6, 5.2),
    )


# False alarms -----------------------------------------------------------------------------------------

ALARM_SIZES, ALARM_EXAMPLES, ALARM_RATE, ALARM_STEPS = (2, 8, 8, 1), 60, 0.5, 300
LAMBDA, KEEP = 1.0, 0.8
MASKS = ("off", "fixed masks", "fresh masks")
COSTS = ("in J and in the gradient", "in the gradient only")
ALARM_SHAPES = {"W1": (8, 2), "b1": (8, 1), "W2": (8, 8), "b2": (8, 1), "W3": (1, 8), "b3": (1, 1)}
EPS_GRID = tuple(float(f"{lead}e-{k}") for k in range(12, 0, -1) for lead in (1, 3))


class AlarmSetting(NamedTuple):
    """All but the eps of the check."""

    activation: str
    precision: str
    masks: str
    penalty: str
    steps: int
    seed: int


class Alarm(NamedTuple):
    """The check of a right network at one eps, and the error of the check over eps."""

    setting: AlarmSetting
    eps: float
    check: GradientCheck
    shares: dict[str, FloatArray]
    kinks: int
    curve: dict[float, float]


@lru_cache(maxsize=4)
def alarm_data(seed: int) -> tuple[FloatArray, FloatArray, tuple[FloatArray, ...]]:
    """Return moons with one blank example, their labels, and the random numbers of dropout."""
    rng = np.random.default_rng(seed)
    X, y = moons(ALARM_EXAMPLES, rng=rng)
    X[0] = 0.0
    return X, y[:, None].astype(float), draw_uniform(ALARM_SIZES, ALARM_EXAMPLES, rng)


@lru_cache(maxsize=6)
def alarm_run(activation: str, seed: int) -> tuple[FloatArray, ...]:
    """Return the parameters of a training run without dropout and penalty, one vector for each step."""
    X, Y, _ = alarm_data(seed)
    network = Network(ALARM_SIZES, activation, "sigmoid_cross_entropy")
    theta = network.initialize(np.random.default_rng(seed))
    run = descend(network, theta, repeat(Batch(X, Y)), GradientDescent(), ALARM_RATE)
    return tuple(step.theta for step in islice(run, ALARM_STEPS + 1))


def alarm_objective(setting: AlarmSetting) -> tuple[Any, FloatArray, Batch]:
    """Return what is checked: an objective, its parameters and the batch."""
    X, Y, draws = alarm_data(setting.seed)
    X, Y = X.astype(setting.precision), Y.astype(setting.precision)
    keep_prob = 1.0 if setting.masks == "off" else KEEP
    network = Network(ALARM_SIZES, setting.activation, "sigmoid_cross_entropy", keep_prob)
    base: Any = network
    if setting.masks == "fresh masks":
        base = FreshMasks(network, np.random.default_rng(setting.seed))
    is_weight, in_cost = network.layout.is_weight, setting.penalty == COSTS[0]

    def loss(theta: FloatArray, batch: Batch) -> FloatArray:
        J: FloatArray = base.loss(theta, batch)
        return J + l2(theta, is_weight, LAMBDA, ALARM_EXAMPLES).value if in_cost else J

    def gradient(theta: FloatArray, batch: Batch) -> FloatArray:
        return np.asarray(base.gradient(theta, batch) + l2(theta, is_weight, LAMBDA, ALARM_EXAMPLES).gradient)

    theta = alarm_run(setting.activation, setting.seed)[setting.steps].astype(setting.precision)
    return (
        SimpleNamespace(loss=loss, gradient=gradient, layout=network.layout),
        theta,
        Batch(X, Y, draws=draws),
    )


def alarm_check(setting: AlarmSetting, eps: float) -> GradientCheck:
    """Check a right network at one eps."""
    return check_gradient(*alarm_objective(setting), eps)


@lru_cache(maxsize=8)
def alarm_curves(setting: AlarmSetting) -> dict[float, float]:
    """Return an empty store for this setting: from eps to relative error, filled by `alarm`."""
    return {}


def alarm(
    eps: float, activation: str, masks: str, precision: str, penalty: str, steps: int, seed: int
) -> Iterator[tuple[float, Alarm]]:
    """Check at this eps, then over all of them; yield what is known so far."""
    setting = AlarmSetting(activation, precision, masks, penalty, steps, seed)
    check, store = alarm_check(setting, eps), alarm_curves(setting)
    network = Network(ALARM_SIZES, activation, "sigmoid_cross_entropy", 1.0 if masks == "off" else KEEP)
    _, theta, batch = alarm_objective(setting)
    kinks = kinks_crossed(network, theta, batch if masks != "off" else batch._replace(draws=None), eps)
    for done, each in enumerate(EPS_GRID):
        if each not in store:
            store[each] = alarm_check(setting, each).error
            if done % 6 == 5 and each != EPS_GRID[-1]:
                curve = dict(sorted(store.items()))
                yield (
                    (done + 1) / len(EPS_GRID),
                    Alarm(setting, eps, check, shares_by_name(check), kinks, curve),
                )
    yield 1.0, Alarm(setting, eps, check, shares_by_name(check), kinks, dict(sorted(store.items())))


def verdict_word(error: float) -> str:
    """Return the word of the notes for a relative error, by the nearest limit in powers of ten."""
    if error < 1e-6:
        return "great"
    return "suspect" if error < 1e-4 else "wrong"


def alarm_finding(result: Alarm) -> str:
    """Return the relative error and the word that the notes have for it."""
    error = result.check.error
    word = verdict_word(error)
    return f"A right network, ε = {digits(result.eps)}: relative error about {about(error)}, “{word}”"


def alarm_caption(result: Alarm) -> str:
    """Say what the check ran on, and name each cause of a false alarm that is there."""
    s = result.setting
    errors = list(result.curve.values())
    text = (
        f"{s.activation}, dropout: {s.masks}, {s.precision}, after {s.steps} steps. The backward pass has "
        f"no bug. Over all ε, the same network scores from about {about(min(errors))} to "
        f"{about(max(errors))}. "
    )
    reasons = []
    if s.penalty == COSTS[1]:
        wrong = tuple(name for name, error in result.check.by_name.items() if error > 1e-3)
        reasons.append(f"J lacks the penalty that the gradient has. Above 1e-3: {_names(wrong)}.")
    if s.masks == "fresh masks":
        reasons.append("Each evaluation drops other units: the differences compare different networks.")
    if result.kinks:
        reasons.append(
            f"While the check moves the parameters, pre-activations cross ReLU's kink {result.kinks:,} times."
        )
    if not reasons:
        reasons.append(_distance(result))
    return text + " ".join(reasons)


def _distance(result: Alarm) -> str:
    """Say on which side of the best eps this one lies, as far as it matters."""
    low, error = min(result.curve.values()), result.check.error
    best = min(result.curve, key=lambda eps: result.curve[eps])
    if error < 30 * low:
        return "This ε is near the best."
    side, cause = ("small", "rounding") if result.eps < best else ("large", "the error ε² of the difference")
    return f"This ε is too {side}: what is left is {cause}."


def alarm_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the error over eps, and the map at this eps."""
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    return [CheckOverEpsView(left), ErrorMapView(right, ALARM_SHAPES, "shares", "", labels=True)]


def alarm_code(
    eps: float, activation: str, masks: str, precision: str, penalty: str, steps: int, seed: int
) -> str:
    """Return the program behind the picture."""
    keep_prob = 1.0 if masks == "off" else KEEP
    base = f"FreshMasks(network, np.random.default_rng({seed}))" if masks == "fresh masks" else "network"
    value = f" + l2(theta, is_weight, {LAMBDA}, {ALARM_EXAMPLES}).value" if penalty == COSTS[0] else ""
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
X, y = moons({ALARM_EXAMPLES}, rng=rng)
X[0] = 0.0  # one blank example
Y, draws = y[:, None].astype(float), draw_uniform({ALARM_SIZES}, {ALARM_EXAMPLES}, rng)
network = Network({ALARM_SIZES}, {activation!r}, "sigmoid_cross_entropy")
theta = network.initialize(np.random.default_rng({seed}))
run = descend(network, theta, repeat(Batch(X, Y)), GradientDescent(), {ALARM_RATE})
theta = next(islice(run, {steps}, None)).theta.astype({precision!r})
batch = Batch(X.astype({precision!r}), Y.astype({precision!r}), draws=draws)

network = Network({ALARM_SIZES}, {activation!r}, "sigmoid_cross_entropy", keep_prob={keep_prob})
is_weight = network.layout.is_weight
base = {base}

def loss(theta, batch):
    return base.loss(theta, batch){value}

def gradient(theta, batch):
    return base.gradient(theta, batch) + l2(theta, is_weight, {LAMBDA}, {ALARM_EXAMPLES}).gradient

objective = SimpleNamespace(loss=loss, gradient=gradient, layout=network.layout)
check = check_gradient(objective, theta, batch, eps={eps})
result = (check.error, *check.by_name.values())
"""


def false_alarms_lab() -> Lab:
    """Return the lab *False alarms*."""
    return Lab(
        "False alarms",
        controls={
            "eps": log_slider("ε", -12, -1, 1e-5, 0.5, fmt=".1e"),
            "steps": slider("Steps of training", 0, ALARM_STEPS, 0, 10),
            "activation": choice("Activation", ["tanh", "relu"], "tanh"),
            "masks": choice("Dropout", list(MASKS), "off"),
            "penalty": choice("L2 penalty", list(COSTS), COSTS[0]),
            "precision": choice("Precision", list(PRECISIONS), "float64"),
        },
        compute=alarm,
        views=alarm_views,
        finding=alarm_finding,
        caption=alarm_caption,
        code=alarm_code,
        presets={
            "ε too small": {"eps": 1e-10},
            "ε too large": {"eps": 1e-1},
            "ReLU on its kink": {"activation": "relu"},
            "fresh masks": {"masks": "fresh masks"},
            "penalty not in J": {"penalty": COSTS[1]},
            "float32": {"precision": "float32"},
        },
        size=(9.6, 4.4),
    )

"""Find the bug, a game: backpropagation with one term changed, and what a gradient check shows of it."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import islice, repeat
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.broken_backprop import ANSWERS, BUGS, NOTHING, Bug, Parts, case, with_bug
from dlhelpers.dropout import draw_uniform
from dlhelpers.gradient_checking import GradientCheck, check_gradient
from dlhelpers.labs.gradient_checking.common import (
    LIMITS,
    ErrorMapView,
    Shapes,
    about,
    centers,
    greek,
    listed,
    places,
    shares_by_name,
    short,
)
from dlhelpers.live.controls import choice, real_slider, seed_box, slider, switch
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import GradientDescent
from dlhelpers.plots.style import ACCENT, GHOST, View, key, moving
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

SIZES, EXAMPLES, LEARNING_RATE, EPS = (4, 4, 4, 4), 24, 0.03, 1e-5
AGREE = 1e-6
"""Below this relative error two gradients agree; so does `GradientCheck.verdict`."""
NOT_YET = "(not yet)"
SHAPES: Shapes = {
    f"{name}{layer}": (4, 4 if name == "W" else 1)
    for layer, names in ((1, ("W", "gamma", "beta", "b")), (2, ("W", "gamma", "beta", "b")), (3, ("W", "b")))
    for name in names
}


def case_of(seed: int) -> Bug:
    """Return the case that is drawn for a seed: 15 seeds in a row are all the cases, shuffled."""
    deck, place = divmod(seed, len(BUGS))
    return case(int(np.random.default_rng(deck).permutation(len(BUGS))[place]))


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

    @property
    def finding(self) -> str:
        """Return the relative error of the whole gradient, and the verdict on the answer."""
        error = self.check.error
        size = f"relative error {about(error)}" if error >= AGREE else "relative error below 1e-6"
        case = f"Case {self.setting.seed}: {size}"
        if self.answer == NOT_YET:
            return case
        if self.too_early:
            return f"{case}. Too early to answer that there is nothing"
        return f"{case}. Your answer is {'right' if self.right else 'not right'}"

    @property
    def caption(self) -> str:
        """Say which arrays differ at these settings, and what there is to say about the answer."""
        s = self.setting
        norm = "with" if s.batch_norm else "no"
        text = (
            f"{s.activation}, keep_prob {s.keep_prob:g}, λ = {s.strength:g}, {norm} batch norm, "
            f"{s.steps} steps of training. {_where(self.errors)}"
        )
        if self.false_alarms:
            alarms = f"{listed(self.false_alarms)} would differ in the right code, too"
            text += f" {alarms}: ReLU sits on its kink there, a false alarm."
        if self.answer != NOT_YET:
            text += f" Your answer: {self.answer}."
        return f"{text} {self._judge()}"

    @property
    def right(self) -> bool:
        """Whether the answer is the best that a reader of the check can give."""
        return self.answer == self.bug.answer

    @property
    def judged(self) -> bool:
        """Whether there is an answer that counts."""
        return self.answer != NOT_YET and not self.too_early

    @property
    def too_early(self) -> bool:
        """Whether the answer is "nothing" while parts are off in which a bug may hide."""
        unseen = _differ(self.errors) == self.false_alarms
        return self.answer == NOTHING and unseen and _off(self.setting) != ""

    def _judge(self) -> str:
        bug = self.bug
        if self.answer == NOT_YET:
            return self._ask_for_an_answer()
        if self.too_early:
            return f"Nothing differs so far, but you have not seen all. Switch on {_off(self.setting)} first."
        ours, alarms = _differ(self.errors), self.false_alarms
        if self.right:
            line = f" It reads: {bug.wrong_line}. It should read: {bug.right_line}." if bug.where else ""
            if bug.found and ours == alarms:
                seen = f"Right, but you cannot see it here: switch on {bug.needs}. This is what you then see."
                return f"{seen} {bug.why}{line}"
            return f"Right. {bug.why}{line}"
        assert self.answer_errors is not None
        theirs = _differ(self.answer_errors)
        if theirs == ours == alarms and not bug.found:
            return (
                "Not so. With these parts your bug would not be seen either. Switch on "
                f"{BUGS[self.answer].needs}: it would then be seen in the lower map, and not in the "
                "upper one."
            )
        if theirs == ours == alarms or self.answer_errors == self.errors:
            parts = _off(self.setting) or "other parts"
            return f"Not so, but with these parts nothing tells your answer from the bug. Switch on {parts}."
        if self.answer == NOTHING:
            return "Not so: gradient and cost do not agree."
        if theirs == ours:
            return (
                f"Not so: your bug hits the same arrays, but with other errors ({self._most_apart()}). "
                "Switch parts off, or choose another activation, until the two come apart."
            )
        return f"Not so. With the bug of your answer (lower map): {_where(self.answer_errors)}"

    def _ask_for_an_answer(self) -> str:
        if _differ(self.errors) != self.false_alarms:
            return "Which bug does this? Choose your answer."
        nothing = f"Nothing{' else' if self.false_alarms else ''} differs with these parts."
        parts = _off(self.setting)
        return f"{nothing} {f'Switch on {parts} before you answer' if parts else 'Choose your answer'}."

    def _most_apart(self) -> str:
        """Return both errors of the array in which the code and the answer differ most."""
        ours, theirs = self.errors, self.answer_errors or {}
        name = max(theirs, key=lambda name: round(abs(ours[name] - theirs[name]), 6))
        return f"{greek(name)}: {about(ours[name])}, with your bug {about(theirs[name])}"


@lru_cache(maxsize=4)
def examples(seed: int) -> Batch:
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
    run = descend(objective, theta, repeat(examples(setting.seed)), GradientDescent(), LEARNING_RATE)
    return next(islice(run, setting.steps, None)).theta


@lru_cache(maxsize=64)
def examine(name: str, setting: Setting) -> GradientCheck:
    """Check the gradient of the code with this bug."""
    return check_gradient(build(with_bug(name), setting), trained(setting), examples(setting.seed), EPS)


def search(
    activation: str, keep_prob: float, strength: float, batch_norm: bool, steps: int, answer: str, seed: int
) -> Found:
    """Check the case that belongs to the seed, and the reader's answer beside it."""
    setting = Setting(activation, keep_prob, strength, batch_norm, steps, seed)
    bug = case_of(seed)
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


def _where(errors: Mapping[str, float]) -> str:
    wrong = _differ(errors)
    if not wrong:
        return "All arrays agree."
    if len(wrong) == len(errors):
        return "All arrays differ."
    return f"{listed(wrong)} differ{'s' if len(wrong) == 1 else ''}, the others agree."


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
    return f"{', '.join(others)} and {last}" if others else last


class Score:
    """The first answer to each case; what is changed later does not count."""

    def __init__(self) -> None:
        self.first: dict[int, bool] = {}

    def finding(self, result: Found) -> str:
        """Count the answer if it is the first to its case; return the finding, with the score after it."""
        if not result.judged:
            return result.finding
        self.first.setdefault(result.setting.seed, result.right)
        return f"{result.finding}. Score: {sum(self.first.values())} of {len(self.first)} at the first answer"


SCORE = Score()
"""Of this session: it survives another run of the cell."""


def program(
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
run = descend(right, theta, repeat(batch), GradientDescent(), {LEARNING_RATE})
theta = next(islice(run, {steps}, None)).theta  # the right gradient trains
drawn = np.random.default_rng({seed // len(BUGS)}).permutation({len(BUGS)})[{seed % len(BUGS)}]
bug = case(int(drawn)).name  # print(bug) tells
check = check_gradient(objective(bug), theta, batch, eps={EPS})
result = list(check.by_name.values())
"""


class ErrorDotsView(View[Found]):
    """The relative error of each array, below its map: of the code, and of the reader's answer."""

    def __init__(self, ax: Axes, shapes: Shapes) -> None:
        last = list(shapes)[-1]
        ax.set(xlim=(-1, places(shapes)[last] + shapes[last][1]), yscale="log", ylim=(1e-12, 30))
        ax.set_xticks(centers(shapes), map(greek, shapes))
        heights = np.arange(-12, 1, 3)
        ax.set_yticks(10.0**heights, [f"1e{height}" for height in heights])
        ax.minorticks_off()
        ax.set_ylabel("relative error")
        beside = centers(shapes)[0] + 0.75  # between the dots of W1 and those of the next array
        for limit, word in LIMITS:
            ax.axhline(limit, color="#777777", lw=1, ls="--")
            ax.text(beside, 1.2 * limit, f"{short(limit)}: {word}", fontsize=8, color="#555555", va="bottom")
        self._at = dict(zip(shapes, centers(shapes), strict=True))
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=6)
        (self._code,) = ax.plot([], [], "o", color="#222222", ms=8)
        (self._answer,) = ax.plot([], [], "o", mfc="none", mec=ACCENT, ms=14, mew=2.5)
        for artist in (self._old, self._code, self._answer):
            moving(artist)
        key(
            ax,
            ("● this code", "#222222"),
            ("○ with the bug of your answer", ACCENT),
            ("● before", "#777777"),
        )

    def update(self, result: Found, before: Found | None) -> None:
        """Show `result.errors` and `result.answer_errors`, dicts from name to error, or None."""
        for dots, errors in (
            (self._code, result.errors),
            (self._answer, result.answer_errors),
            (self._old, None if before is None else before.errors),
        ):
            errors = errors or {}
            heights = np.clip(np.nan_to_num(list(errors.values()), nan=1.0), 2e-12, 1)
            shift = 0.5 if dots is self._old else 0.0
            dots.set_data([self._at[name] + shift for name in errors], heights)


def views(figure: Figure) -> list[View[Found]]:
    """Lay out the lab: two maps, and the errors of the arrays below them."""
    upper, lower, dots = figure.subplots(3, 1, height_ratios=[1, 1, 1.7])
    return [
        ErrorMapView(upper, SHAPES, attrgetter("shares"), "this\ncode", labels=True),
        ErrorMapView(lower, SHAPES, attrgetter("answer_shares"), "your\nanswer", with_key=False),
        ErrorDotsView(dots, SHAPES),
    ]


def find_the_bug_lab() -> Lab:
    """Return the lab *Find the bug*.

    An answer belongs to its case: it stays with its seed, and a preset keeps it.  The seed comes first, so
    that what sets both sets the answer last.
    """
    seed, answer = seed_box(), choice("Your answer", [NOT_YET, *ANSWERS], NOT_YET)
    given: dict[int, str] = {}

    def turn_to_the_case(change: object) -> None:
        answer.value = given.get(seed.value, NOT_YET)

    seed.observe(turn_to_the_case, "value")
    lab = Lab(
        "Find the bug",
        controls={
            "seed": seed,
            "answer": answer,
            "keep_prob": real_slider("keep_prob p", 0.5, 1, 0.8, 0.1, fmt=".1f"),
            "strength": real_slider("L2 strength λ", 0, 5, 1, 0.5, fmt=".1f"),
            "activation": choice("Activation", ["tanh", "relu", "linear"], "tanh"),
            "steps": slider("Steps of training", 0, 100, 0, 5),
            "batch_norm": switch("Batch norm", False),
        },
        compute=search,
        views=views,
        finding=SCORE.finding,
        code=program,
        presets={
            "bare network": {"keep_prob": 1, "strength": 0},
            "dropout only": {"strength": 0},
            "penalty only": {"keep_prob": 1},
            "after training": {"steps": 100},
            "all parts on": {"batch_norm": True, "steps": 50},
        },
        seeded=False,  # it has the seed already
        size=(9.6, 4.1),
    )

    def keep(change: object) -> None:
        given[seed.value] = answer.value
        for values in lab.presets.values():
            values["answer"] = answer.value

    answer.observe(keep, "value")
    return lab

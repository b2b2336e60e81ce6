"""The exercises and the prediction questions of notebook 05."""

import html
from collections.abc import Callable
from typing import Any

import numpy as np

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.broken_backprop import Bug, broken_source, case, with_bug
from dlhelpers.dropout import draw_uniform
from dlhelpers.exercises.checking import SIGNS, Exercise, Kind, Mistake, Question, Text, Verdict, wrapped
from dlhelpers.gradient_checking import check_gradient
from dlhelpers.gradient_checking import relative_error as core_relative_error
from dlhelpers.minibatches import Batch
from dlhelpers.progress import remember
from dlhelpers.showing import Code
from dlhelpers.typing import FloatArray

# The two-sided difference -----------------------------------------------------------------------------


class Cost:
    """A cost of one vector that shows its formula."""

    def __init__(self, formula: str, J: Callable[[FloatArray], float]) -> None:
        self._formula, self._J = formula, J

    def __call__(self, theta: FloatArray) -> float:
        """Return J."""
        return float(self._J(np.asarray(theta)))

    def __repr__(self) -> str:
        return self._formula


def _each(formula: Callable[[Any, FloatArray, FloatArray, float], float]) -> Callable[..., FloatArray]:
    """Return the function that uses a formula of J, theta, a step along an axis and eps for each axis."""

    def gradient(J: Any, theta: FloatArray, eps: float) -> FloatArray:
        return np.array([formula(J, theta, eps * axis, eps) for axis in np.eye(len(theta))])

    return gradient


def _without_way_back(J: Any, theta: FloatArray, eps: float) -> FloatArray:
    theta, gradient = theta.copy(), np.zeros(len(theta))
    for i in range(len(theta)):
        theta[i] += eps
        plus = J(theta)
        theta[i] -= 2 * eps
        gradient[i] = (plus - J(theta)) / (2 * eps)
    return gradient


def _halfway_back(J: Any, theta: FloatArray, eps: float) -> FloatArray:
    theta, gradient = theta.copy(), np.zeros(len(theta))
    for i in range(len(theta)):
        theta[i] += eps
        plus = J(theta)
        theta[i] -= eps
        gradient[i] = (plus - J(theta)) / (2 * eps)
    return gradient


two_sided_gradient = Exercise(
    name="two_sided_gradient",
    statement="""Return the gradient of J at theta from two-sided differences, an array like theta. J takes
        one vector and returns a number. Move one component at a time, by eps to both sides.""",
    reference=_each(lambda J, theta, step, eps: (J(theta + step) - J(theta - step)) / (2 * eps)),
    cases=[
        {"J": Cost("a³", lambda t: t[0] ** 3), "theta": np.array([1.0]), "eps": 0.5},
        {
            "J": Cost("a³ + 2 b²", lambda t: t[0] ** 3 + 2 * t[1] ** 2),
            "theta": np.array([1.0, -2.0]),
            "eps": 0.1,
        },
        {
            "J": Cost("a² b + b³ c", lambda t: t[0] ** 2 * t[1] + t[1] ** 3 * t[2]),
            "theta": np.array([1.0, 2.0, -1.0]),
            "eps": 0.2,
        },
    ],
    mistakes=[
        Mistake(
            _each(lambda J, theta, step, eps: (J(theta + step) - J(theta)) / eps),
            "this is the one-sided difference. Its error falls like ε, not like ε². Go to both sides.",
        ),
        Mistake(
            _each(lambda J, theta, step, eps: (J(theta) - J(theta - step)) / eps),
            "this is one-sided too, to the left. Go to both sides.",
        ),
        Mistake(
            _each(lambda J, theta, step, eps: (J(theta + step) - J(theta - step)) / eps),
            "everything is twice too large: from θ - ε to θ + ε it is 2ε, so divide by 2 * eps.",
        ),
        Mistake(
            _each(lambda J, theta, step, eps: (J(theta + step) - J(theta - step)) / 2 * eps),
            "`/ 2 * eps` divides by 2 and then multiplies by eps. Write / (2 * eps).",
        ),
        Mistake(
            _each(lambda J, theta, step, eps: (J(theta - step) - J(theta + step)) / (2 * eps)),
            "the sign is wrong: plus comes first, J(θ + ε) - J(θ - ε).",
        ),
        Mistake(
            _without_way_back,
            "you change theta in place and do not put the component back before the next one. After the two "
            "evaluations, add eps again, or work on copies.",
        ),
        Mistake(
            _halfway_back,
            "after theta[i] += eps, the step to the other side is -2 * eps. With -eps you are back in the "
            "middle, and have half of the one-sided difference.",
        ),
        Mistake(
            _each(lambda J, theta, step, eps: 0.0),
            "all components are 0. Probably `plus = theta` and `minus = theta`: that makes two names for one "
            "array, and the steps cancel. Write theta.copy().",
        ),
        Mistake(
            _each(lambda J, theta, step, eps: (J(theta + eps) - J(theta - eps)) / (2 * eps)),
            "you moved all components at once, so each entry is the sum of all slopes. Move one at a time.",
        ),
        Mistake(
            lambda J, theta, eps: (J(theta + eps) - J(theta - eps)) / (2 * eps),
            "you moved all components at once: that is one number, the sum of all slopes. Move one at a "
            "time, in a loop over the components.",
        ),
    ],
    hint="""Make an array of zeros like theta. In a loop over i: copy theta twice, add eps to component i of
        one copy, subtract it from component i of the other, and take the difference of J over 2 * eps.""",
    solution="""
        def two_sided_gradient(J, theta, eps):
            gradient = np.zeros_like(theta)
            for i in range(theta.size):
                plus, minus = theta.copy(), theta.copy()
                plus[i] += eps
                minus[i] -= eps
                gradient[i] = (J(plus) - J(minus)) / (2 * eps)
            return gradient
    """,
    why="""Each component moves alone, and theta itself stays as it was. For a³ at 1 with ε = 0.5 this gives
        3.25: the slope 3 and an error of ε².""",
)

# The relative error -----------------------------------------------------------------------------------

_norm = np.linalg.norm


def _elementwise(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.abs(a - b) / (np.abs(a) + np.abs(b)))


relative_error = Exercise(
    name="relative_error",
    statement="""Return the relative error of two gradients, vectors of the same length and not both zero: the
        norm of their difference over the sum of their norms.""",
    reference=core_relative_error,
    cases=[
        {"a": np.array([3.0, 4.0]), "b": np.array([3.0, 1.0])},
        {"a": np.array([1.0, -2.0, 2.0]), "b": np.array([1.0, -2.0, 5.0])},
        {"a": np.array([1e-3, 2e-3]), "b": np.array([1e-3, 2.5e-3])},
        {"a": np.array([2.0, 1.0]), "b": np.array([-2.0, -1.0])},
    ],
    mistakes=[
        Mistake(
            lambda a, b: _norm(a - b) ** 2 / (_norm(a) ** 2 + _norm(b) ** 2),
            "the root is missing: a norm is the root of the sum of squares. Without it 1e-7 becomes about "
            "1e-14.",
        ),
        Mistake(
            lambda a, b: _norm(a - b),
            "this is the distance only. Divide by the lengths, or small gradients will always look right.",
        ),
        *(
            Mistake(
                lambda a, b, eps=eps: _norm(a - b) / (_norm(a) + _norm(b) + eps),
                "there is a small number in the denominator. It is not needed, since the vectors are not "
                "both zero, and it makes the error of small gradients smaller than it is.",
            )
            for eps in (1e-7, 1e-6, 1e-5, 1e-4)
        ),
        Mistake(
            lambda a, b: _norm(a - b) / max(_norm(a), _norm(b)),
            "you divide by the larger length. That convention exists, but here it is the sum of both: "
            "then the error is at most 1.",
        ),
        Mistake(
            lambda a, b: _norm(a - b) / _norm(a),
            "the denominator has one length only. Add the other one: the error is then the same for both "
            "orders.",
        ),
        Mistake(
            lambda a, b: _norm(a - b) / _norm(b),
            "the denominator has one length only. Add the other one: the error is then the same for both "
            "orders.",
        ),
        Mistake(
            lambda a, b: _norm(a - b) / _norm(a) + _norm(b),
            "the parentheses are missing: a / b + c divides by b only.",
        ),
        Mistake(
            lambda a, b: _norm(a - b) / _norm(a + b),
            "this is the length of the sum, not the sum of the lengths. Opposite gradients would divide by "
            "0.",
        ),
        Mistake(
            lambda a, b: np.abs(a - b).sum() / (np.abs(a).sum() + np.abs(b).sum()),
            "these are sums of absolute values, the 1-norm. The formula has the 2-norm: squares, sum, root.",
        ),
        Mistake(
            lambda a, b: _elementwise(a, b),
            "this is one number for each component. The formula compares whole vectors: norms come first.",
        ),
        Mistake(
            lambda a, b: _elementwise(a, b).mean(),
            "this is the mean over the components. Then a tiny component counts as much as a large one. "
            "Norms come first.",
        ),
        Mistake(
            lambda a, b: (_norm(a) - _norm(b)) / (_norm(a) + _norm(b)),
            "this compares lengths, not vectors. Opposite gradients would have an error of 0: subtract "
            "first.",
        ),
        Mistake(
            lambda a, b: abs(_norm(a) - _norm(b)) / (_norm(a) + _norm(b)),
            "this compares lengths, not vectors. Opposite gradients would have an error of 0: subtract "
            "first.",
        ),
    ],
    hint="np.linalg.norm(a) is the root of the sum of squares of a. You need it three times.",
    solution="""
        def relative_error(a, b):
            return np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b))
    """,
    why="""The error has no unit: it is the same if both gradients are doubled. It is 0 for equal gradients
        and 1 for opposite ones.""",
)

# Find the bug by reading ------------------------------------------------------------------------------


class BrokenCode:
    """A function of the course with one line changed; the reader names the line.

    Parameters
    ----------
    bug : Bug
    """

    name = "find_the_bug"

    def __init__(self, bug: Bug) -> None:
        self._bug = bug
        self._lines = _excerpt(str(broken_source(bug.name)).rstrip().splitlines())
        self._broken = next(i for i, line in enumerate(self._lines, start=1) if bug.wrong in line)

    def __repr__(self) -> str:
        return "\n".join(f"{number:>3}  {line}" for number, line in enumerate(self._lines, start=1))

    def _repr_html_(self) -> str:
        """Return the numbered lines as they are."""
        return f"<pre>{html.escape(repr(self))}</pre>"

    def check(self, line: object = ...) -> Verdict:
        """Say whether this is the number of the line that was changed."""
        if line is ... or line is None:
            return _say("not attempted", "give the number of the line, as in check(3).")
        if (
            not isinstance(line, int | np.integer)
            or isinstance(line, bool)
            or not 1 <= line <= len(self._lines)
        ):
            return _say("failed", f"give the number of a line, from 1 to {len(self._lines)}.")
        if line == self._broken:
            remember("solved", self.name)
            why = wrapped(f"{SIGNS['right']} {self._bug.why}")
            return Verdict("right", f"{why}\nIt should read: {self._bug.right_line}")
        text = self._lines[line - 1].strip() or "(empty)"
        return _say("wrong", f"line {line} is as it should be: {text}")

    def hint(self) -> Text:
        """Return which arrays differ in a gradient check."""
        norm = self._bug.needs == "batch norm"
        parts = f"dropout, an L2 penalty{', batch norm' if norm else ''} and some training"
        wrong = ", ".join(_arrays_that_differ(self._bug, norm)) or "none"
        return Text(wrapped(f"A gradient check, with {parts}. Arrays that differ: {wrong}."))

    def solution(self) -> Code:
        """Return the line as it stands and as it should be."""
        return Code(f"# line {self._broken}: {self._bug.wrong_line}\n{self._bug.right_line}\n")


def _excerpt(lines: list[str]) -> list[str]:
    """Return the loop over the layers, where there is one: what stands before it prepares memory."""
    start = next((i for i, line in enumerate(lines) if line.startswith("    for layer in")), 0)
    return lines[start:]


def _arrays_that_differ(bug: Bug, batch_norm: bool) -> list[str]:
    """Check a small network with this bug, with parameters that are not those of the start."""
    sizes, m, rng = (4, 4, 4, 4), 24, np.random.default_rng(0)
    X, Y = rng.normal(size=(2, m, sizes[0]))
    parts, norm = with_bug(bug.name), BatchNormalization() if batch_norm else None
    network = parts.Network(sizes, keep_prob=0.8, batch_norm=norm)
    theta = network.initialize(rng)
    moved = theta + 0.3 * rng.normal(size=theta.shape)
    batch = Batch(X, Y, draws=draw_uniform(sizes, m, rng))
    check = check_gradient(parts.Regularized(network, m, l2=1.0), moved, batch)
    return [name for name, error in check.by_name.items() if error > 1e-6]


def _say(kind: Kind, words: str) -> Verdict:
    return Verdict(kind, wrapped(f"{SIGNS[kind]} {words}"))


TO_READ = (11, 1, 3, 14, 0, 6, 12, 7, 8, 2, 4, 13, 9)
"""Numbers of the cases whose line can be read, in the order of the seeds."""


def find_the_bug(seed: int) -> BrokenCode:
    """Return a function with a bug in it; another whole number gives another bug."""
    return BrokenCode(case(TO_READ[int(seed) % len(TO_READ)]))


# Predictions ------------------------------------------------------------------------------------------

ten_times_smaller = Question(
    text="""The function is smooth, and ε is 0.01. You make it ten times smaller. How do the errors
    change?""",
    options=(
        "Both become ten times smaller.",
        "The one-sided error becomes ten times smaller, the two-sided one a hundred times.",
        "Both become a hundred times smaller.",
        "The two-sided error becomes half as large: it is a mean of two sides.",
    ),
    answer="b",
    feedback=(
        "Drag ε from 0.01 to 0.001, and read both errors. How steep are the two lines?",
        "On logarithmic axes the lines have the slopes 1 and 2.",
        "Which term is left in the one-sided one? Drag ε from 0.01 to 0.001, and read both errors.",
        """It is a mean of a step to the left and one to the right. What happens to the errors of these two?
        Drag ε from 0.01 to 0.001.""",
    ),
)

coarse_numbers = Question(
    text="""In float32, u is 1e-7 instead of 2e-16. Near which ε is the two-sided difference of x³ at 0.7 best
        there?""",
    options=(
        "Near 1e-5, as in float64: the function is the same.",
        "Near 1e-7: that is the precision of the numbers.",
        "Between 1e-3 and 1e-2.",
    ),
    answer="c",
    feedback=(
        "The function is, but its values are not. Choose float32 in the lab: where is the lowest dotted "
        "point?",
        "Choose float32 in the lab, and move ε to 1e-7. How many digits of the slope are left?",
        "u to the power of 1/3 is 5e-3. Coarser numbers need a larger step.",
    ),
)

which_bug = Question(
    text="""A gradient check of a network with three layers: W3 and b3 agree to ten digits, but W2, b2, W1 and
        b1 are wrong by 10% and more. Where do you look for the bug?""",
    options=(
        "In the gradient of the loss: an error there is in everything.",
        "In the lines that carry the error from layer 3 back to layer 2.",
        "In the gradient of W2, because it is the largest array.",
        "In the forward pass: the costs must be wrong.",
    ),
    answer="b",
    feedback=(
        "Everything, says this option. And W3 and b3? They are made from the gradient of the loss at once.",
        """Backpropagation goes from the last layer to the first. What agrees was computed before the bug,
        what differs after it. Between them lie the mask, the transposed W, and the slope of the
        activation.""",
        "What is computed from dW2 later on? Give an answer with dW in the lab, and see which arrays differ.",
        "The check compares two numbers. Which of them comes from the forward pass, and which from both?",
    ),
)

right_network_fails = Question(
    text="""Your network with ReLU has no bug. All biases are 0 at the start, and one example is blank: all
        its inputs are 0. What does the check say, with ε = 1e-5 and float64?""",
    options=(
        "About 1e-10: there is no bug.",
        "About 1e-7: ReLU is less smooth than tanh.",
        "Above 1e-3, and a smaller ε helps.",
        "Above 1e-3, for any smaller ε too.",
    ),
    answer="d",
    feedback=(
        "Compute the pre-activations of the blank example. Then press *ReLU on its kink*.",
        "How smooth is ReLU, a little away from 0? And at 0? Press *ReLU on its kink*.",
        "How far is the pre-activation of the blank example from the kink? Press *ReLU on its kink*, and "
        "move ε.",
        """On the kink the backward pass takes the slope 0, and the two-sided difference finds one half, for
        every ε.""",
    ),
)

only_a_bias = Question(
    text="""You check your own ReLU network in float64, with ε = 1e-5, before any training. All biases are 0.
        The relative error is 4e-3. Only b1 and b2 differ; b3 and all weights agree to nine digits. What do
        you do next?""",
    options=(
        "Search the line of db for a bug: only biases are wrong.",
        "Check again at parameters after some training, and with ε = 1e-7.",
        "Check again at the same parameters, with ε = 1e-7.",
        "Raise the limit to 1e-2: ReLU is not smooth.",
    ),
    answer="b",
    feedback=(
        "The same line computes db3. Does b3 differ?",
        """It looks like an example on the kink: check where nothing sits on it. If the error stays there,
        it is a bug. If it goes, say so in a comment, and leave the test at those parameters.""",
        "If a pre-activation is exactly 0, how small must ε be to step over the kink no more?",
        "Which bugs would such a limit still find? First find out what the 4e-3 are.",
    ),
)

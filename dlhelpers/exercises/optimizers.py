"""The exercises and prediction questions of notebook 06b."""

import numpy as np

from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.optimizers import Adam, AdamState, Momentum, MomentumState
from dlhelpers.typing import FloatArray

_theta, _v, _g = np.array([1.0, -2.0]), np.array([0.5, 0.1]), np.array([2.0, -0.4])
_theta2, _v2, _g2 = np.array([0.3, 0.7, -1.0]), np.array([-0.2, 1.5, 0.0]), np.array([1.0, 1.0, -3.0])

# Momentum -------------------------------------------------------------------------------------------

Pair = tuple[FloatArray, FloatArray]


def _momentum(theta: FloatArray, v: FloatArray, g: FloatArray, rate: float, beta: float) -> Pair:
    direction, state = Momentum(beta).update(g, MomentumState(v))
    return theta - rate * direction, state.v


def _sum(theta: FloatArray, v: FloatArray, g: FloatArray, rate: float, beta: float) -> Pair:
    new = beta * v + g
    return theta - rate * new, new


def _swapped(theta: FloatArray, v: FloatArray, g: FloatArray, rate: float, beta: float) -> Pair:
    new = (1 - beta) * v + beta * g
    return theta - rate * new, new


def _old_velocity(theta: FloatArray, v: FloatArray, g: FloatArray, rate: float, beta: float) -> Pair:
    return theta - rate * v, beta * v + (1 - beta) * g


def _uphill(theta: FloatArray, v: FloatArray, g: FloatArray, rate: float, beta: float) -> Pair:
    new = beta * v + (1 - beta) * g
    return theta + rate * new, new


def _along_gradient(theta: FloatArray, v: FloatArray, g: FloatArray, rate: float, beta: float) -> Pair:
    return theta - rate * g, beta * v + (1 - beta) * g


def _signed_velocity(theta: FloatArray, v: FloatArray, g: FloatArray, rate: float, beta: float) -> Pair:
    new = beta * v - rate * g
    return theta + new, new


momentum_step = Exercise(
    name="momentum_step",
    statement="""Return theta and v after one step of momentum, as the pair (theta, v). v is the velocity of
        the step before, in the convention of the notes (the velocity is an average).""",
    reference=_momentum,
    cases=[
        {"theta": _theta, "v": _v, "gradient": _g, "learning_rate": 0.5, "beta": 0.9},
        {"theta": _theta2, "v": _v2, "gradient": _g2, "learning_rate": 2.0, "beta": 0.75},
    ],
    mistakes=[
        Mistake(
            _sum,
            "this is the other convention, v = beta v + g, as in PyTorch. Its steps are 1 / (1 - beta) times "
            "as long in the long run.",
        ),
        Mistake(
            _swapped,
            "beta and 1 - beta are swapped. beta is the share of the old average, so that 0.9 is a long "
            "memory.",
        ),
        Mistake(
            _old_velocity,
            "theta moves along the old velocity. The gradient of this step goes into v first; then theta "
            "moves.",
        ),
        Mistake(
            _uphill, "this goes uphill: v points along the gradient, so theta moves by -learning_rate * v."
        ),
        Mistake(
            _along_gradient,
            "v is right, but theta moves along the gradient: this is plain gradient descent. Use the new v.",
        ),
        Mistake(
            _signed_velocity,
            "this is the form of Sutskever's paper: the rate and the sign are in v. Here v is an average of "
            "gradients.",
        ),
    ],
    hint="""Two lines: first the new v from beta, the old v and the gradient; then theta from the new v.""",
    solution="""
        def momentum_step(theta, v, gradient, learning_rate, beta):
            v = beta * v + (1 - beta) * gradient
            return theta - learning_rate * v, v
    """,
    why="""The velocity keeps the share beta of its past and takes in the share 1 - beta of the new gradient.
        Then theta moves along it. With beta 0 nothing but gradient descent is left.""",
)

# The edge -------------------------------------------------------------------------------------------

edge = Exercise(
    name="edge",
    statement="""Return the largest learning rate with which momentum, in the convention of the notes, still
        converges in a direction of curvature h.""",
    reference=lambda beta, h: 2 * (1 + beta) / (1 - beta) / h,
    cases=[{"beta": 0.9, "h": 1.0}, {"beta": 0.5, "h": 4.0}, {"beta": 0.0, "h": 0.5}],
    mistakes=[
        Mistake(
            lambda beta, h: 2 * (1 + beta) / (1 - beta),
            "the curvature is missing. What counts is the product of rate and curvature: twice as steep, "
            "half the rate.",
        ),
        Mistake(
            lambda beta, h: 2 * (1 + beta) / h,
            "this is the edge for v = beta v + g. With the average, the gradient goes in with the factor "
            "1 - beta.",
        ),
        Mistake(lambda beta, h: 2 / h, "this is the edge of plain gradient descent: beta does not occur."),
        Mistake(
            lambda beta, h: 2 / (1 - beta) / h,
            "the factor 1 + beta is missing: at the edge the old velocity has the sign that breaks the fall.",
        ),
        Mistake(
            lambda beta, h: 2 * (1 - beta) / (1 + beta) / h,
            "the fraction is upside down. Momentum allows larger rates than gradient descent, not smaller "
            "ones.",
        ),
        Mistake(
            lambda beta, h: 2 * h * (1 + beta) / (1 - beta),
            "the steeper the direction, the smaller the rate must be: divide by h.",
        ),
    ],
    hint="""At the edge theta changes its sign in each step: put theta_t = (-1)^t and v_t = (-1)^t c into the
        two lines of momentum, with g = h theta. Solve the second for c, then the first for the rate.""",
    solution="""
        def edge(beta, h):
            return 2 * (1 + beta) / (1 - beta) / h
    """,
    why="""At the edge one eigenvalue is -1: theta jumps from side to side without becoming smaller. Then the
        average of the alternating gradients is (1 - beta) / (1 + beta) times the gradient, and so much larger
        may the rate be.""",
)

# Adam -----------------------------------------------------------------------------------------------

Triple = tuple[FloatArray, FloatArray, FloatArray]
_b1, _b2, _eps = 0.9, 0.999, 1e-8


def _averages(v: FloatArray, s: FloatArray, g: FloatArray) -> Pair:
    return _b1 * v + (1 - _b1) * g, _b2 * s + (1 - _b2) * g**2


def _adam(theta: FloatArray, v: FloatArray, s: FloatArray, g: FloatArray, t: int, rate: float) -> Triple:
    direction, state = Adam().update(g, AdamState(v, s, t - 1))
    return theta - rate * direction, state.v, state.s


def _uncorrected(
    theta: FloatArray, v: FloatArray, s: FloatArray, g: FloatArray, t: int, rate: float
) -> Triple:
    v, s = _averages(v, s, g)
    return theta - rate * v / (np.sqrt(s) + _eps), v, s


def _eps_inside(
    theta: FloatArray, v: FloatArray, s: FloatArray, g: FloatArray, t: int, rate: float
) -> Triple:
    v, s = _averages(v, s, g)
    v_hat, s_hat = v / (1 - _b1**t), s / (1 - _b2**t)
    return theta - rate * v_hat / np.sqrt(s_hat + _eps), v, s


def _keeps_corrected(
    theta: FloatArray, v: FloatArray, s: FloatArray, g: FloatArray, t: int, rate: float
) -> Triple:
    v, s = _averages(v, s, g)
    v_hat, s_hat = v / (1 - _b1**t), s / (1 - _b2**t)
    return theta - rate * v_hat / (np.sqrt(s_hat) + _eps), v_hat, s_hat


def _no_root(theta: FloatArray, v: FloatArray, s: FloatArray, g: FloatArray, t: int, rate: float) -> Triple:
    v, s = _averages(v, s, g)
    v_hat, s_hat = v / (1 - _b1**t), s / (1 - _b2**t)
    return theta - rate * v_hat / (s_hat + _eps), v, s


def _rms_step(theta: FloatArray, v: FloatArray, s: FloatArray, g: FloatArray, t: int, rate: float) -> Triple:
    v, s = _averages(v, s, g)
    return theta - rate * g / (np.sqrt(s / (1 - _b2**t)) + _eps), v, s


adam_step = Exercise(
    name="adam_step",
    statement="""Return theta, v and s after step t of Adam (t = 1 is the first), as the triple (theta, v, s).
        beta1 is 0.9, beta2 0.999, and eps, 1e-8, stands outside of the root.""",
    reference=_adam,
    cases=[
        {"theta": _theta, "v": 0.1 * _v, "s": 0.01 * _g**2, "gradient": _g, "t": 3, "learning_rate": 0.1},
        {
            "theta": _theta2,
            "v": np.zeros(3),
            "s": np.zeros(3),
            "gradient": 1e-5 * _g2,
            "t": 1,
            "learning_rate": 0.5,
        },
    ],
    mistakes=[
        Mistake(
            _uncorrected,
            "the bias correction is missing. In the first step v is only a tenth of g, but the root of s "
            "only a 32nd: the step is 3.2 times too long.",
        ),
        Mistake(
            _eps_inside,
            "eps is inside of the root. There it acts like 1e-4 outside, and shortens the steps where the "
            "gradient is small.",
        ),
        Mistake(
            _keeps_corrected,
            "the step is right, but you give back the corrected averages. The next step would correct them "
            "once more: keep v and s as they are.",
        ),
        Mistake(_no_root, "the root is missing. Without it the step is large where the gradient is small."),
        Mistake(
            _rms_step,
            "this step is along the gradient, as in RMSprop with a correction. Adam moves along the average "
            "v.",
        ),
    ],
    hint="""Five lines: v, s, v / (1 - 0.9**t), s / (1 - 0.999**t), and the step. The corrected numbers are
        used in this step and then forgotten.""",
    solution="""
        def adam_step(theta, v, s, gradient, t, learning_rate):
            v = 0.9 * v + 0.1 * gradient
            s = 0.999 * s + 0.001 * gradient**2
            v_hat = v / (1 - 0.9**t)
            s_hat = s / (1 - 0.999**t)
            return theta - learning_rate * v_hat / (np.sqrt(s_hat) + 1e-8), v, s
    """,
    why="""The first step is as long as the learning rate in every direction, whatever the size of the
        gradient: v_hat is g, and the root of s_hat is its size.""",
)

# Predictions ----------------------------------------------------------------------------------------

over_the_edge = Question(
    text="""A ravine whose steep direction has curvature 1. Gradient descent with learning rate 3.2 diverges:
        its edge is 2. You turn momentum on, with beta = 0.9, and leave the rate. What happens?""",
    options=(
        "It diverges faster: momentum makes the steps longer.",
        "It diverges as fast: the rate is too large, whatever beta is.",
        "It converges: across the ravine the gradients change their sign, and their average is small.",
    ),
    answer="c",
    feedback=(
        """Steps become longer where gradients agree. Across the ravine they do not agree. In the lab, drag
        the green point straight up.""",
        """The edge is a line in the plane, not a rate. In the lab, drag the green point straight up and see
        where it crosses the line.""",
        """At beta = 0.9 the edge lies at 38, nineteen times as far. But look at the speed, too: 0.9 is
        not the fastest beta of this ravine.""",
    ),
)

noise_floor = Question(
    text="""Gradients of single examples, learning rate 0.1, curvature 1: in the long run theta scatters
        around the minimum. With momentum, beta = 0.9, the direction of each step is an average over many
        gradients. How large is the variance of theta, compared with gradient descent?""",
    options=("About a twentieth", "About a half", "About 95 percent", "About five times as large"),
    answer="c",
    feedback=(
        """A twentieth is what happens to the variance of the direction, (1 - beta) / (1 + beta). But theta
        adds all the directions up. Look at the two panels on the right.""",
        """Half of it would be something. Look at the two panels on the right: what is gained in the
        direction comes back, because errors of neighboring steps now point the same way.""",
        """The direction is smooth, but its errors last for many steps and add up again. To lower the
        floor, average the iterates, or lower the rate.""",
        """Not that either: in this convention the sum of all the shares of one gradient is one, with and
        without momentum. Only when it arrives is different.""",
    ),
)

turned = Question(
    text="""Adam finds its way out of a ravine that lies along the x axis. Now the ravine is turned by 45
        degrees, and the start with it. What does Adam do?""",
    options=(
        "It takes the same path, turned by 45 degrees.",
        "It becomes much slower.",
        "It becomes a little faster: both axes now have gradients of one size.",
    ),
    answer="b",
    feedback=(
        """That is what gradient descent and momentum do. Adam scales x and y, and these do not turn with
        the ravine. Drag the green handle.""",
        """At 45 degrees both axes see the same mixture of steep and flat, so both get the same factor, and
        nothing is left of the scaling.""",
        """Gradients of one size get one factor: then the scaling does nothing for the ravine. Drag the green
        handle and watch the curve over the angle.""",
    ),
)

first_steps = Question(
    text="""Adam's averages v and s begin at 0, so both are too small at first. You leave the bias correction
        out. How long are the first steps, with beta1 = 0.9 and beta2 = 0.999?""",
    options=(
        "Too long: s is too small by more than v.",
        "Too short: v is too small.",
        "Just right: the two errors cancel.",
    ),
    answer="a",
    feedback=(
        """0.1 over the root of 0.001 is 3.2, and it becomes worse before it becomes better: drag the green
        line to step 12.""",
        """v is a tenth of what it should be. But the step is divided by the root of s, and s is a
        thousandth.""",
        """They would, if beta2 were 0.99: the root of 0.01 is 0.1. At 0.999 they cancel in the first step
        as little as later.""",
    ),
)

all_rates = Question(
    text="""Four optimizers train a network on the digits. Each may try all 21 rates from 0.0001 to 10, and
        keeps the best. How do the test losses compare?""",
    options=(
        "Adam is far ahead of all others.",
        "They are close together; none is twice as good as another.",
        "Gradient descent needs twice the loss of the other three.",
    ),
    answer="b",
    feedback=(
        """It is near the front, but not far ahead. Move n to the right end and read the finding; then try
        small rates only.""",
        """Tuned, they are close. What differs is how many rates are good, and where they are: that decides
        the race when few tries are allowed.""",
        """With few tries, yes. Move n to the right end: with its own best rate it is close to the others.""",
    ),
)

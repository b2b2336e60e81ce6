"""The exercises and prediction questions of notebook 02a."""

import numpy as np

from dlhelpers import regularization as core
from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import FloatArray

# The step of L1 that gives exact zeros ---------------------------------------------------------------


def _shrink(w: FloatArray, amount: float) -> FloatArray:
    return core.soft_threshold(w, np.ones(len(w), dtype=bool), amount)


shrink = Exercise(
    name="shrink",
    statement="""Return the weights w, (n,), after one soft threshold: each is moved toward 0 by amount, and
        not beyond 0.""",
    reference=_shrink,
    cases=[
        {"w": np.array([0.5, -0.25, 0.125]), "amount": 0.25},
        {"w": np.array([-3.0, 2.0, 0.0, -0.5]), "amount": 1.0},
        {"w": np.array([1.5, -0.75]), "amount": 0.0},
    ],
    mistakes=[
        Mistake(
            lambda w, amount: w - amount * np.sign(w),
            "this is a subgradient step. A weight that is smaller than the amount jumps over 0 and gets the "
            "other sign. It must stop at 0.",
        ),
        Mistake(
            lambda w, amount: np.where(np.abs(w) > amount, w, 0.0),
            "this is a hard threshold: small weights are cut off, but large ones stay as they are. L1 pulls "
            "at every weight with the same force.",
        ),
        Mistake(
            lambda w, amount: np.where(np.abs(w) < amount, w * 0, w),
            "this is a hard threshold: weights below the amount are cut off, but the others stay as they "
            "are. L1 pulls at every weight with the same force.",
        ),
        Mistake(
            lambda w, amount: np.where(w > 0, w - amount, w + amount),
            "a weight that is smaller than the amount jumps over 0, and a weight of 0 moves away from it. "
            "Each must stop at 0.",
        ),
        Mistake(
            lambda w, amount: np.maximum(0, w - amount),
            "negative weights are lost. Work with the size |w|, and give the sign back.",
        ),
        Mistake(
            lambda w, amount: np.maximum(0, np.abs(w) - amount),
            "the sizes are right, but all signs are lost. Give each weight its sign back.",
        ),
        Mistake(
            lambda w, amount: (1 - amount) * w,
            "this shrinks each weight by the same factor. That is what L2 does, and it never gives 0. L1 "
            "takes the same amount from each.",
        ),
        Mistake(
            lambda w, amount: w - amount,
            "this moves all weights down. A negative weight must go up, toward 0.",
        ),
        Mistake(
            lambda w, amount: np.clip(w, -amount, amount),
            "this keeps what it should take away: it cuts large weights to the amount.",
        ),
    ],
    hint="""Take the size, np.abs(w), make it smaller by the amount, but not below 0 (np.maximum), and give
        the sign back (np.sign).""",
    solution="""
        def shrink(w, amount):
            return np.sign(w) * np.maximum(0, np.abs(w) - amount)
    """,
    why="""Every weight comes closer to 0 by the same amount, and the small ones land on 0 exactly. Between
        two such steps the loss may pull a weight away from 0, but only if it pulls harder than λ/m.""",
)

# The gradient of the L2 penalty ----------------------------------------------------------------------


def _l2_gradient(W: FloatArray, b: FloatArray, strength: float, m: int) -> tuple[FloatArray, FloatArray]:
    theta = np.concatenate([W.ravel(), b.ravel()])
    is_weight = np.arange(theta.size) < W.size
    gradient = core.l2(theta, is_weight, strength, m).gradient
    return gradient[: W.size].reshape(W.shape), gradient[W.size :].reshape(b.shape)


l2_gradient = Exercise(
    name="l2_gradient",
    statement="""Return what the L2 penalty, lambda / (2 m) times the sum of all W², adds to the gradients
        of W and of b: a pair of arrays in their shapes. strength is lambda.""",
    reference=_l2_gradient,
    cases=[
        {"W": np.array([[3.0, -1.0]]), "b": np.array([[2.0]]), "strength": 2.0, "m": 4},
        {
            "W": np.array([[0.5, 1.0, -2.0], [4.0, -0.25, 1.5]]),
            "b": np.array([[1.0], [-3.0]]),
            "strength": 0.6,
            "m": 5,
        },
    ],
    mistakes=[
        Mistake(
            lambda W, b, strength, m: (strength / m * W, strength / m * b),
            "you penalize b, too. It moves the answer up or down and is hardly ever the cause of "
            "overfitting: what is added to its gradient is 0.",
        ),
        Mistake(
            lambda W, b, strength, m: (strength / (2 * m) * W, 0 * b),
            "the factor is half of the right one. The derivative of W² is 2 W, which cancels the 2 in 2 m.",
        ),
        Mistake(
            lambda W, b, strength, m: (strength * W, 0 * b),
            "the factor 1/m is missing. The loss is a mean over m examples, and the penalty is divided by m "
            "like it.",
        ),
        Mistake(
            lambda W, b, strength, m: (2 * strength / m * W, 0 * b),
            "the factor is twice the right one. The 2 from the derivative cancels the 2 in 2 m.",
        ),
        Mistake(
            lambda W, b, strength, m: (strength / m * np.sign(W), 0 * b),
            "this is the gradient of L1: each weight is pulled with the same force. L2 pulls in proportion "
            "to the weight.",
        ),
        Mistake(
            lambda W, b, strength, m: (strength / (2 * m) * W**2, 0 * b),
            "this is the penalty of each weight. Take its derivative.",
        ),
        Mistake(
            lambda W, b, strength, m: (strength / m * W / np.sqrt(np.sum(W**2)), 0 * b),
            "this is the gradient of the norm. The penalty has the squared norm in it; no root is left.",
        ),
    ],
    hint="""Take one weight w of W. The penalty holds lambda / (2 m) times w². What is the derivative of that?
        And does b stand in the penalty at all?""",
    solution="""
        def l2_gradient(W, b, strength, m):
            return strength / m * W, np.zeros_like(b)
    """,
    why="""The 2 of the derivative cancels the 2 in 2m; that is the only reason why it is there. The biases
        are not in the sum, so nothing is added to their gradient.""",
)

# One step of gradient descent with L2 ----------------------------------------------------------------


def _decay_step(W: FloatArray, dW: FloatArray, learning_rate: float, strength: float, m: int) -> FloatArray:
    return (1 - learning_rate * strength / m) * W - learning_rate * dW


decay_step = Exercise(
    name="decay_step",
    statement="""Return W after one step of gradient descent on the loss with the L2 penalty. dW is the
        gradient of the loss alone, without the penalty; strength is lambda.""",
    reference=_decay_step,
    cases=[
        {
            "W": np.array([[2.0, -1.0]]),
            "dW": np.array([[0.5, 3.0]]),
            "learning_rate": 0.5,
            "strength": 4.0,
            "m": 10,
        },
        {
            "W": np.array([[1.0], [-4.0]]),
            "dW": np.array([[0.0], [2.0]]),
            "learning_rate": 0.1,
            "strength": 60.0,
            "m": 3,
        },
    ],
    mistakes=[
        Mistake(
            lambda W, dW, learning_rate, strength, m: (1 - strength / m) * W - learning_rate * dW,
            "the learning rate is missing in the factor. The penalty's gradient is part of the step, and "
            "the rate multiplies the whole step.",
        ),
        Mistake(
            lambda W, dW, learning_rate, strength, m: (1 - learning_rate * strength) * W - learning_rate * dW,
            "the factor 1/m is missing.",
        ),
        Mistake(
            lambda W, dW, learning_rate, strength, m: (
                (1 - learning_rate * strength / (2 * m)) * W - learning_rate * dW
            ),
            "there is a 2 too much. It stands in the penalty, but the derivative of W² brings another 2.",
        ),
        Mistake(
            lambda W, dW, learning_rate, strength, m: (
                (1 - learning_rate * strength / m) * (W - learning_rate * dW)
            ),
            "you shrink after the step, so the step shrinks, too. Both parts start from the old W.",
        ),
        Mistake(
            lambda W, dW, learning_rate, strength, m: (
                (1 + learning_rate * strength / m) * W - learning_rate * dW
            ),
            "the sign is turned: W grows. A step goes against the gradient, that of the penalty too.",
        ),
        Mistake(
            lambda W, dW, learning_rate, strength, m: W + learning_rate * (dW + strength / m * W),
            "this step goes along the gradient. Descent goes against it: subtract.",
        ),
        Mistake(
            lambda W, dW, learning_rate, strength, m: dW + strength / m * W,
            "this is the gradient of the loss with the penalty. Take the step with it: subtract it from W, "
            "times the learning rate.",
        ),
        Mistake(
            lambda W, dW, learning_rate, strength, m: W - learning_rate * dW,
            "this is the step without a penalty.",
        ),
        Mistake(
            lambda W, dW, learning_rate, strength, m: (
                W - learning_rate * (1 - learning_rate * strength / m) * dW
            ),
            "the factor stands at the gradient. It belongs to W: weight decay shrinks the weights.",
        ),
        Mistake(
            lambda W, dW, learning_rate, strength, m: (
                W - learning_rate * dW - learning_rate * strength / m * np.sign(W)
            ),
            "this is the step of L1. The gradient of L2 is in proportion to W.",
        ),
    ],
    hint="""Add the gradient of the penalty, lambda / m times W, to dW, and take the step with the sum. Then
        collect the two terms with W.""",
    solution="""
        def decay_step(W, dW, learning_rate, strength, m):
            return (1 - learning_rate * strength / m) * W - learning_rate * dW
    """,
    why="""W - alpha (dW + lambda/m W) is the same. The second case has alpha lambda / m = 2: the factor is
        -1, and W keeps its size forever, with a sign that changes. Above 2, it grows.""",
)

# Predictions ----------------------------------------------------------------------------------------

exact_zeros = Question(
    text="""300 random problems with two weights. Each is solved with an L1 penalty and, again, with
        an L2 penalty, λ/m = 1. In how many of the solutions is a weight exactly 0?""",
    options=(
        "In many with L1 and in many with L2: both penalties push weights to 0.",
        "In most with L1, in none with L2.",
        "In all with L1, in none with L2: L1 makes the weights sparse.",
        "In none of them: a computed number is hardly ever exactly 0.",
    ),
    answer="b",
    feedback=(
        """Both make weights small. But the pull of L2 is in proportion to the weight, and fades on the way to
        0. In the lab, look at the dots in the middle: they come close to the axes, but not onto them.""",
        """In about 3 of 4 with L1: the diamond has corners on the axes, and the loss often touches it there.
        The circle has none.""",
        """L1 allows zeros, it does not force them. Where the loss pulls at a weight harder than λ/m, it stays
        away from 0. In the lab, press *no corner*: the diamond is touched at its side.""",
        """With plain subgradient steps you would be right, and the lab has them too. The soft threshold stops
        at 0, and does not need luck.""",
    ),
)

huge_lambda = Question(
    text="""A network is trained with L2 by gradient descent, at a fixed learning rate α. You make λ larger
        and larger. What happens to the weights after training?""",
    options=(
        "They come closer and closer to 0: for λ → ∞ they are 0.",
        "They become smaller, but a part stays: the data pull back.",
        "They come close to 0, and from some λ on they grow beyond all limits.",
        "They become 0 one after the other, the least useful first.",
    ),
    answer="c",
    feedback=(
        """That is what the minimum of the cost does, and what the notes say. But gradient descent takes
        steps, and a step multiplies W by 1 - αλ/m. In the lab, press *diverges*.""",
        """They do for a moderate λ. But the pull of the data has a limit, the pull of λ has none. In the lab,
        compare λ = 1 with λ = 32.""",
        """Each step multiplies W by 1 - αλ/m. As long as this lies between -1 and 1, W shrinks. Beyond
        αλ/m = 2 it is below -1: the sign changes in each step, and the size grows.""",
        """That is what L1 does. L2 makes all weights smaller together. In the lab, compare the drawing
        of the network for L2 and for *L1 cuts weights*.""",
    ),
)

adam_decay = Question(
    text="""Adam trains a network twice from the same weights: once with the L2 penalty in the loss, once with
        weight decay (1 - αλ/m) W beside Adam's step. λ and α are the same. How do the weights compare at the
        end?""",
    options=(
        "They are equal up to rounding: it is the same formula.",
        "They are nearly equal: Adam changes the speed, not the goal.",
        "With L2 in the loss they are larger: Adam divides the gradient, the penalty too.",
        "With decay they are several times larger.",
    ),
    answer="d",
    feedback=(
        """It is the same formula for plain gradient descent. Adam divides the gradient by its own size, and
        with L2 in the loss the penalty is a part of what is divided. In the lab, press *Adam*.""",
        """The goal changes too. With L2 in the loss, the run ends where the gradient of loss and penalty is
        0. With decay it ends elsewhere: Adam's step is scaled, the decay is not. In the lab, press
        *Adam*.""",
        """It is divided together with the gradient of the loss, so their balance stays: L2 ends near the
        same point as with gradient descent. The decay is not divided, and here it is weak beside Adam's
        step.""",
        """Adam divides the gradient of the loss by its size, so its step is about α for each weight, however
        small the gradient. The decay takes αλ/m times the weight, which is little beside α. A larger decay
        can give the same length, but not the same weights.""",
    ),
)

which_lambda = Question(
    text="""Your network errs on 1% of the training set and on 9% of the dev set. With λ = 1 it is 3% and 6%,
        with λ = 10 it is 7% and 8%, with λ = 100 it is 40% and 40%. People err on 1%. You have time for four
        more runs. What do you try?""",
    options=(
        "λ = 20, 30, 50 and 70: there the gap between train and dev is the smallest.",
        "λ = 0.3, 2, 3 and 5.",
        "λ = 0.001, 0.01, 0.03 and 0.1: the train error should be near that of people.",
        "A larger network with λ = 100: a strong penalty needs more units.",
    ),
    answer="b",
    feedback=(
        """A gap of 0 is no aim in itself: a network that answers the same everywhere has it, too. Which of
        the numbers is it that you want to be small?""",
        """The dev error decides, and it is lowest near 1. The next values lie around it, on a scale of
        factors, not of differences.""",
        """Then you come back to 1% and 9%. The train error would be fine; look at the number that tells about
        new examples.""",
        """At λ = 100 all weights are about 0, whatever their number. In the lab, look at the drawing of the
        network for *W nearly 0*.""",
    ),
)
"""The decision at the end of the notebook."""

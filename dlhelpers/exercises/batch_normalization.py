"""The exercises and prediction questions of notebook 08."""

import numpy as np

from dlhelpers import batch_normalization
from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import FloatArray

_Z = np.array([[1.0, 3.0, 5.0], [10.0, 14.0, 6.0]])
_Z2 = np.array([[0.5, -1.5, 2.0, 3.0], [4.0, 4.5, -2.0, 1.0]])
_gamma, _beta = np.array([[2.0], [0.5]]), np.array([[1.0], [-3.0]])
_gamma2, _beta2 = np.array([[1.5], [-1.0]]), np.array([[0.0], [4.0]])
_EPS = 0.1


def _forward(Z: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float) -> FloatArray:
    return batch_normalization.forward(Z, gamma, beta, eps).Z_tilde


def _centered(Z: FloatArray) -> FloatArray:
    return np.asarray(Z - Z.mean(axis=1, keepdims=True))


def _var(Z: FloatArray, ddof: int = 0) -> FloatArray:
    return np.asarray(Z.var(axis=1, keepdims=True, ddof=ddof))


# In training ----------------------------------------------------------------------------------------

batch_norm = Exercise(
    name="batch_norm",
    statement="""Return what batch normalization makes of Z in training. Z has a row for each unit and a
        column for each example, gamma and beta are columns with one number for each unit, eps is added to
        the variance.""",
    reference=_forward,
    cases=[
        {"Z": _Z, "gamma": _gamma, "beta": _beta, "eps": _EPS},
        {"Z": _Z2, "gamma": _gamma2, "beta": _beta2, "eps": _EPS},
        {"Z": _Z2, "gamma": _gamma, "beta": _beta2, "eps": 1e-3},
    ],
    mistakes=[
        Mistake(
            lambda Z, gamma, beta, eps: gamma * _centered(Z) / (_var(Z) + eps) + beta,
            "you divide by the variance. Divide by its square root: only then is the standard deviation 1.",
        ),
        Mistake(
            lambda Z, gamma, beta, eps: gamma * _centered(Z) / (np.sqrt(_var(Z)) + eps) + beta,
            "eps is added to the standard deviation. Here it belongs under the root, beside the variance.",
        ),
        Mistake(
            lambda Z, gamma, beta, eps: gamma * _centered(Z) / np.sqrt(_var(Z)) + beta,
            "eps is missing. A unit that is the same for the whole batch would then divide 0 by 0.",
        ),
        Mistake(
            lambda Z, gamma, beta, eps: gamma * (Z - Z.mean(axis=0)) / np.sqrt(Z.var(axis=0) + eps) + beta,
            "mean and variance are taken over the units of an example. That is layer normalization. Batch "
            "normalization takes them over the examples: along a row, axis=1.",
        ),
        Mistake(
            lambda Z, gamma, beta, eps: gamma * (Z - Z.mean()) / np.sqrt(Z.var() + eps) + beta,
            "one mean and one variance serve all units. Each unit has its own: axis=1, keepdims=True.",
        ),
        Mistake(
            lambda Z, gamma, beta, eps: gamma * Z + beta,
            "gamma multiplies Z as it came. It multiplies the normalized Z.",
        ),
        Mistake(
            lambda Z, gamma, beta, eps: _centered(Z) / np.sqrt(_var(Z) + eps),
            "this is the normalized Z. Multiply it by gamma, then add beta.",
        ),
        Mistake(
            lambda Z, gamma, beta, eps: gamma * (_centered(Z) / np.sqrt(_var(Z) + eps) + beta),
            "gamma multiplies beta, too. First multiply, then add beta.",
        ),
        Mistake(
            lambda Z, gamma, beta, eps: beta * _centered(Z) / np.sqrt(_var(Z) + eps) + gamma,
            "gamma and beta are mixed up: gamma multiplies, beta is added.",
        ),
        Mistake(
            lambda Z, gamma, beta, eps: gamma * _centered(Z) / np.sqrt(_var(Z, ddof=1) + eps) + beta,
            "the variance is divided by m - 1. In training it is the mean of the squares, with 1/m.",
        ),
    ],
    hint="""Z.mean(axis=1, keepdims=True) is a column: one mean for each unit. The variance is the mean of
        the squared distances from it.""",
    solution="""
        def batch_norm(Z, gamma, beta, eps):
            mean = Z.mean(axis=1, keepdims=True)
            variance = np.mean((Z - mean) ** 2, axis=1, keepdims=True)
            Z_norm = (Z - mean) / np.sqrt(variance + eps)
            return gamma * Z_norm + beta
    """,
    why="""Each unit has now the mean beta and nearly the standard deviation gamma, whatever Z was. Not
        exactly, because of eps: it counts when the variance is as small as eps itself.""",
)

# In use ---------------------------------------------------------------------------------------------

running_update = Exercise(
    name="running_update",
    statement="""Return the running variance of one layer after one more batch. running holds the old
        average, a number for each unit; Z is the batch, a row for each unit; momentum is the share of the
        old average that stays. What joins it is the unbiased variance of the batch, with m - 1.""",
    reference=lambda running, Z, momentum: momentum * running + (1 - momentum) * Z.var(axis=1, ddof=1),
    cases=[
        {"running": np.array([1.0, 1.0]), "Z": _Z, "momentum": 0.9},
        {"running": np.array([2.5, 0.4]), "Z": _Z2, "momentum": 0.75},
        {"running": np.array([2.5, 0.4]), "Z": _Z2, "momentum": 0.0},
    ],
    mistakes=[
        Mistake(
            lambda running, Z, momentum: (1 - momentum) * running + momentum * Z.var(axis=1, ddof=1),
            "old and new are mixed up: here momentum is the share of the old average. PyTorch uses the "
            "word for the share of the new batch.",
        ),
        Mistake(
            lambda running, Z, momentum: momentum * running + (1 - momentum) * Z.var(axis=1),
            "the batch's variance is divided by m. Estimated from m examples around their own mean, a "
            "variance comes out too small by (m - 1)/m: divide by m - 1.",
        ),
        Mistake(
            lambda running, Z, momentum: momentum * running + (1 - momentum) * Z.std(axis=1, ddof=1),
            "the standard deviation is averaged. The variances are; the root is taken when they are used.",
        ),
        Mistake(
            lambda running, Z, momentum: Z.var(axis=1, ddof=1) + 0 * running,
            "only the last batch counts. Keep the share momentum of the old average.",
        ),
        Mistake(
            lambda running, Z, momentum: momentum * running + Z.var(axis=1, ddof=1),
            "the two shares do not add up to 1, so the average grows. The new one counts 1 - momentum.",
        ),
        Mistake(
            lambda running, Z, momentum: momentum * running + (1 - momentum) * Z.mean(axis=1),
            "this is the running mean. The exercise asks for the variance.",
        ),
    ],
    hint="""An exponentially weighted average: old times momentum, plus new times (1 - momentum). NumPy's
        var has an argument ddof.""",
    solution="""
        def running_update(running, Z, momentum):
            return momentum * running + (1 - momentum) * Z.var(axis=1, ddof=1)
    """,
    why="""Training itself never looks at this average: it uses the batch. The average is for use, when
        there may be a single example and no batch at all.""",
)

# Predictions ----------------------------------------------------------------------------------------

ten_times = Question(
    text="""A trained network with batch normalization: you multiply W1 by 10, and add 10 to the bias in
        front of the normalization. What happens to its answers, and to the gradient of W1?""",
    options=(
        "The answers become useless, as in any network.",
        "The answers stay; the gradient stays, too, because the loss is the same.",
        "The answers stay, and the gradient becomes 10 times smaller.",
        "The answers stay, and the gradient becomes 10 times larger.",
    ),
    answer="c",
    feedback=(
        """The network on the left may break. On the right the mean is subtracted, and the bias with it; then
        the deviation is divided out, and the factor 10 with it. In the lab, press *W1 × 10* and read the
        caption.""",
        """The loss is the same function, but of weights on another scale: to change it as much, W1 must now
        move 10 times as far. In the lab, read the last sentence of the caption.""",
        """The factor 10 goes in and is divided out again. As a function of W1, the loss does not know how
        long W1 is; so the longer W1 is, the less a step of the same size changes.""",
        """The other way round. Think of a function that depends on the direction of W1 only: the farther
        away from 0, the flatter it is. In the lab, read the last sentence of the caption.""",
    ),
)

which_rates = Question(
    text="""Digits, two hidden layers, He's first weights, 100 steps. Two networks, with and without batch
        normalization, try 13 learning rates from 1/256 to 16. Which one reaches the lower training loss at
        its best rate?""",
    options=(
        "The network without, by a little; batch norm allows larger rates, though.",
        "The network with batch norm, clearly, at every rate.",
        "The network with batch norm, and at the same best rate.",
    ),
    answer="a",
    feedback=(
        """With good first weights two layers need no help. Batch norm shows its use when the weights are
        too large or too small: move *Hidden weights* in the lab.""",
        """For small rates it is even behind here. In the lab, look at the left half of the curves, then press
        *too large*.""",
        """Its best rate is higher, and at the best rate it does not win here. In the lab, compare the lowest
        points of both curves.""",
    ),
)

one_moves = Question(
    text="""Ten examples stand in one batch of a network with batch normalization. You move the first one.
        What happens to the answers to the nine others?""",
    options=(
        "Nothing: each example goes through the network on its own.",
        "In training they change, in use they do not.",
        "They change in training and in use.",
        "They change, but only by rounding errors.",
    ),
    answer="b",
    feedback=(
        """That is so for all layers but this one: mean and variance are taken over the batch. In the lab,
        take hold of the ring.""",
        """In training the moved example changes the mean and the variance of every unit, and these act on
        all. In use, both come from the training set.""",
        """In use, mean and variance are fixed numbers. In the lab, press *in use* and move the ring
        again.""",
        """In a batch of ten, one example far away can move a mean a lot. In the lab, look at the number in
        the heading.""",
    ),
)

deep_start = Question(
    text="""Thirty ReLU layers with batch normalization and He's weights, before training. How large is the
        gradient of layer 1, compared with that of layer 30?""",
    options=(
        "Alike: batch norm keeps the sizes the same in all layers.",
        "Hundreds of times smaller: it vanishes.",
        "Hundreds of times larger: it explodes.",
    ),
    answer="c",
    feedback=(
        """The activations are kept alike. The gradients are not. In the lab, look at the purple line.""",
        """It does grow or shrink by a constant factor in each layer, but in the other direction. In the lab,
        look at the purple line: layer 1 is at the left.""",
        """Each layer multiplies it by about 1.2 on the way down. After 30 layers that is a factor of
        hundreds. The network without batch norm, the dashed line, has no such problem at the start.""",
    ),
)

what_to_do = Question(
    text="""Your network has 12 layers and batch normalization. The images are so large that only two fit
        into memory at once. In training the loss falls, on the dev set the answers are hardly better than
        guessing. What do you try first?""",
    options=(
        "A momentum of 0.999 for the running averages.",
        "A normalization that does not need the batch, for instance over the units of one example (layer "
        "norm) or over groups of them.",
        "A smaller learning rate.",
        "More dropout: the gap between training and dev is overfitting.",
    ),
    answer="b",
    feedback=(
        """Slow averages repair noisy averages. But in training, the two examples of a batch are compared with
        each other only; the network has learned from that. In the lab *From training to use*, press
        *batches of 2*: even with the statistics of the whole training set few answers are right.""",
        """With two examples, each unit sees only which of the two is larger. A normalization over one
        example is the same in training and in use, and does not care for the size of the batch.""",
        """The rate is not what differs between training and dev. In the lab *From training to use*, press
        *batches of 2*.""",
        """The gap is there on the training set, too, if it is used as in the dev set: with fixed statistics.
        So it is not overfitting.""",
    ),
)

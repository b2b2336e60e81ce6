"""The exercises and prediction questions of notebook 03."""

import numpy as np
from numpy.typing import NDArray

from dlhelpers.activations import sigmoid
from dlhelpers.dropout import keep_mask
from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import FloatArray

_A = np.array([[1.0, 4.0, 3.0], [2.0, 5.0, 7.0]])
_U = np.array([[0.9, 0.1, 0.6], [0.3, 0.85, 0.2]])
_A2 = np.array([[0.5, -1.5], [2.5, 0.8], [-3.0, 1.2]])
_U2 = np.array([[0.05, 0.7], [0.45, 0.95], [0.8, 0.35]])
_dA = np.array([[0.1, -0.4, 0.3], [-0.2, 0.5, 0.7]])
_dA2 = np.array([[1.0, -2.0], [3.0, 0.5], [-1.5, 2.5]])


def _kept(draw: FloatArray, keep_prob: float) -> NDArray[np.bool_]:
    return draw < keep_prob


def _dropped(draw: FloatArray, keep_prob: float) -> NDArray[np.bool_]:
    return draw > keep_prob


# Forward --------------------------------------------------------------------------------------------

inverted_dropout = Exercise(
    name="inverted_dropout",
    statement="""Return what goes on from a layer in training, under inverted dropout. A holds the
        activations, U as many uniform random numbers from [0, 1), keep_prob is the probability that a
        unit is kept.""",
    reference=lambda A, U, keep_prob: A * keep_mask(U, keep_prob),
    cases=[
        {"A": _A, "U": _U, "keep_prob": 0.8},
        {"A": _A2, "U": _U2, "keep_prob": 0.4},
        {"A": _A2, "U": _U2, "keep_prob": 1.0},
    ],
    mistakes=[
        Mistake(
            lambda A, U, p: A * _kept(U, p),
            "the mask is right, but nothing is divided by keep_prob. On average the next layer gets only "
            "keep_prob times what it will get at test time, when no unit is off.",
        ),
        Mistake(
            lambda A, U, p: A * _dropped(U, p) / p,
            "keep and drop are mixed up: U > keep_prob keeps a unit with probability 1 - keep_prob. Which "
            "share of the numbers lies below 0.8?",
        ),
        Mistake(
            lambda A, U, p: A * _dropped(U, p) / (1 - p),
            "keep and drop are mixed up in both places. This is dropout, but for a drop rate: a share "
            "of 1 - keep_prob is kept.",
        ),
        Mistake(
            lambda A, U, p: A * _kept(U, 1 - p) / p,
            "U < 1 - keep_prob keeps a unit with probability 1 - keep_prob. Which share of the numbers lies "
            "below 0.8?",
        ),
        Mistake(
            lambda A, U, p: A * _kept(U, 1 - p) / (1 - p),
            "this keeps a share of 1 - keep_prob, and divides by it. That is dropout for a drop rate.",
        ),
        Mistake(
            lambda A, U, p: A * (keep_mask(np.random.default_rng(0).random(U.shape), p)),
            "this mask is made from random numbers of your own. Use those in U.",
        ),
        Mistake(
            lambda A, U, p: A * _dropped(U, p),
            "two things: keep and drop are mixed up, and nothing is divided by keep_prob.",
        ),
        Mistake(
            lambda A, U, p: A * _kept(U, p) / np.mean(_kept(U, p)),
            "you divide by the share that this mask happens to keep. Then the factor of a unit depends on "
            "the luck of the others; the formula has keep_prob, the probability.",
        ),
        Mistake(
            lambda A, U, p: A * _kept(U, p) / A,
            "you divide by the activations. Then only the mask is left. The divisor is keep_prob, a number.",
        ),
        Mistake(
            lambda A, U, p: A * (U[:, :1] < p) / p,
            "all examples have the mask of the first one. The mask is drawn for each unit and for each "
            "example: use all columns of U.",
        ),
        Mistake(
            lambda A, U, p: A * (U[:1] < p) / p,
            "all units have the mask of the first one, so a whole example is kept or lost. Use all rows.",
        ),
        Mistake(
            lambda A, U, p: A * _kept(U, p) * p,
            "you multiply by keep_prob. The mask already makes the mean smaller by this factor; the "
            "division undoes it.",
        ),
        Mistake(
            lambda A, U, p: A * _kept(U, p) / (1 - p),
            "you divide by 1 - keep_prob, the share that is dropped. The mean shrank to keep_prob times what "
            "it was.",
        ),
        Mistake(
            lambda A, U, p: _kept(U, p) / p,
            "this is the factor of each unit. The activations are gone: multiply them by it.",
        ),
        Mistake(
            lambda A, U, p: A * p,
            "this is the original dropout at test time: no mask, all multiplied by keep_prob. Inverted "
            "dropout does its work in training.",
        ),
        Mistake(
            lambda A, U, p: np.where(_kept(U, p), A / p, A),
            "the units that should be off go on unchanged. A dropped unit gives 0.",
        ),
    ],
    hint="""U < keep_prob is True with probability keep_prob. A product with an array of True and False
        takes them as 1 and 0.""",
    solution="""
        def inverted_dropout(A, U, keep_prob):
            D = U < keep_prob
            return A * D / keep_prob
    """,
    why="""A kept unit is divided by keep_prob, and it is kept with probability keep_prob, so its
        expected value is that of A. At test time nothing has to be done. With keep_prob 1 nothing
        happens at all.""",
)

# Backward -------------------------------------------------------------------------------------------

dropout_backward = Exercise(
    name="dropout_backward",
    statement="""The forward pass was A_out = A * (U < keep_prob) / keep_prob. Given dA_out, the gradient
        of the cost for A_out, return dA, the gradient for A.""",
    reference=lambda dA_out, U, keep_prob: dA_out * keep_mask(U, keep_prob),
    cases=[
        {"dA_out": _dA, "U": _U, "keep_prob": 0.8},
        {"dA_out": _dA2, "U": _U2, "keep_prob": 0.4},
    ],
    mistakes=[
        Mistake(
            lambda dA, U, p: +dA,
            "the mask is lost. A unit that was off had no influence on the cost, so its gradient is 0.",
        ),
        Mistake(
            lambda dA, U, p: dA / p,
            "the mask is lost, only the division is there. A unit that was off had no influence on the cost.",
        ),
        Mistake(
            lambda dA, U, p: dA * _kept(U, p),
            "the division is lost. A kept unit went forward times 1 / keep_prob; the chain rule has "
            "this factor, too.",
        ),
        Mistake(
            lambda dA, U, p: dA * _kept(U, p) * p,
            "you multiply by keep_prob. The derivative of a / keep_prob with respect to a is 1 / keep_prob.",
        ),
        Mistake(
            lambda dA, U, p: dA * _kept(U, p) / p**2,
            "you divide twice. The factor was applied once on the way forward, so it comes once on the way "
            "back.",
        ),
        Mistake(
            lambda dA, U, p: dA * _dropped(U, p) / p,
            "the gradient goes to the units that were off. Those that were kept, U < keep_prob, get it.",
        ),
        Mistake(
            lambda dA, U, p: dA * (U[:, :1] < p) / p,
            "all examples have the mask of the first one. Use the very mask of the forward pass.",
        ),
        Mistake(
            lambda dA, U, p: dA * keep_mask(np.random.default_rng(0).random(U.shape), p),
            "this is a fresh mask. The same units must be off in both directions: use U.",
        ),
    ],
    hint="""For each entry, A_out is A times a number that does not depend on A. What is the derivative
        of c times a with respect to a?""",
    solution="""
        def dropout_backward(dA_out, U, keep_prob):
            return dA_out * (U < keep_prob) / keep_prob
    """,
    why="""Forward, each activation is multiplied by a constant, 0 or 1 / keep_prob. So its gradient is
        multiplied by the same constant. The mask has to be remembered between the two passes.""",
)

# All the networks at once ---------------------------------------------------------------------------


def _geometric(y: FloatArray, w: FloatArray) -> tuple[float, float]:
    return float(np.exp(w @ np.log(y))), float(np.exp(w @ np.log(1 - y)))


def _normalized(y: FloatArray, w: FloatArray) -> float:
    G, other = _geometric(y, w)
    return G / (G + other)


def _odds(y: FloatArray) -> FloatArray:
    return np.asarray(np.log(y / (1 - y)))


geometric_mean = Exercise(
    name="geometric_mean",
    statement="""Return the normalized geometric mean of the probabilities y of K networks. The weights w
        >= 0 add up to 1. G is the weighted geometric mean of y, and G' that of 1 - y; the answer is G /
        (G + G').""",
    reference=_normalized,
    cases=[
        {"y": np.array([0.9, 0.2]), "w": np.array([0.5, 0.5])},
        {"y": np.array([0.1, 0.5, 0.95]), "w": np.array([0.2, 0.3, 0.5])},
        {"y": np.array([0.99, 0.7, 0.4, 0.6]), "w": np.array([0.1, 0.2, 0.3, 0.4])},
    ],
    mistakes=[
        Mistake(
            lambda y, w: w @ y,
            "this is the arithmetic mean of the probabilities. The geometric mean is a product of powers.",
        ),
        Mistake(
            lambda y, w: _geometric(y, w)[0],
            "this is G. It is not yet a probability: G and G' do not add up to 1. Divide by their sum.",
        ),
        Mistake(
            lambda y, w: _geometric(y, w)[0] / _geometric(y, w)[1],
            "this is G / G', the odds. The probability is G / (G + G').",
        ),
        Mistake(
            lambda y, w: _normalized(y, np.full(len(y), 1 / len(y))),
            "you took the same weight for every network. A mask that is likely counts more.",
        ),
        Mistake(
            lambda y, w: _normalized(y, np.ones(len(y))),
            "the powers are missing: this multiplies all probabilities as if every weight were 1. Each one "
            "goes in with the power of its weight.",
        ),
        Mistake(
            lambda y, w: w @ np.log(y),
            "this is the logarithm of G. Take exp of it, and normalize.",
        ),
        Mistake(
            lambda y, w: w @ _odds(y),
            "this is the mean of the logits, log(y / (1 - y)). One step is missing: the sigmoid.",
        ),
        Mistake(
            lambda y, w: _geometric(y, w)[1] / sum(_geometric(y, w)),
            "this is the probability of the other class, G' / (G + G').",
        ),
        Mistake(
            lambda y, w: sigmoid(np.array(w @ y)).item(),
            "you took the sigmoid of a mean of probabilities. They have been through the sigmoid already; it "
            "is their logits that can be averaged.",
        ),
    ],
    hint="""A weighted product of powers is exp of a weighted sum of logarithms: np.exp(w @ np.log(y)).
        Another way: the answer is the sigmoid of the weighted mean of the logits.""",
    solution="""
        def geometric_mean(y, w):
            G = np.exp(w @ np.log(y))
            G_other = np.exp(w @ np.log(1 - y))
            return G / (G + G_other)
    """,
    why="""log(G / G') is the weighted sum of log(y / (1 - y)), so of the logits. That is why, for one
        hidden layer, the network without masks gives exactly this mean.""",
)

# Predictions ----------------------------------------------------------------------------------------

no_division = Question(
    text="""A network is trained with masks, keep_prob 0.5, but the division by keep_prob was forgotten.
        At test time there are no masks, and nothing else is changed. What happens at test time?""",
    options=(
        "Nothing: the weights have learned to live with smaller activations.",
        "The activations are too small, so all answers lie close to 0.5.",
        "The answers become too extreme; most of them stay on the right side.",
        "About half of the answers are wrong.",
    ),
    answer="c",
    feedback=(
        """They have learned to live with the activations of training, where half of the units are off.
        At test time all units are on, and the next layer gets about twice of that. In the lab, choose
        "forgot to divide" and look at the slope of the cloud of dots.""",
        """They were too small in training, and the weights made up for it. At test time all units are
        on, so the next layer gets about twice as much. In the lab, choose "forgot to divide": the dots
        lie below the line, which means less in training than at test time.""",
        """Each hidden layer gives its next one about twice as much as in training. The sign of the last
        Z seldom changes, but its size does. So the network is too sure of itself: the dev loss goes up,
        the accuracy does not go down. In the lab, compare both numbers in the caption.""",
        """All pre-activations grow by about the same factor, and that moves few answers across 0.5. In
        the lab, the caption gives the share of dev points that are right: with "forgot to divide" it is no
        lower than with inverted dropout. The dev loss is higher.""",
    ),
)

many_networks = Question(
    text="""Two networks with one hidden layer of 8 units learn the same points, one without dropout, one with
        keep_prob 0.5. Compare a random subnetwork with its full network: how many new points does each get
        right?""",
    options=(
        "In both networks, the subnetwork gets nearly as many right as the full network.",
        "Without dropout far fewer; with dropout nearly as many, and that full network is the best of all.",
        "Without dropout far fewer; with dropout nearly as many, but that full network is worse than the one "
        "without dropout.",
        "In both networks, the subnetwork gets far fewer right.",
    ),
    answer="c",
    feedback=(
        """Without dropout, the units are tuned to each other: leave some out, and the rest contradicts
        itself. In the lab, read the last sentence of the caption, then choose *trained with dropout*.""",
        """That is what one hopes for. But eight units are few, and with half of them away, the subnetworks
        are small. In the lab, compare the last sentence of the caption for both trainings.""",
        """Training with dropout trains the subnetworks themselves, so a random one is nearly as good as all
        together. But eight units are few for these points: dropout is for networks that are too large for
        their data.""",
        """Training with dropout trains just these subnetworks, with shared weights. In the lab, choose
        *trained with dropout* and read the last sentence of the caption.""",
    ),
)

jagged_cost = Question(
    text="""You train on all 60 points in every step, with keep_prob 0.7 in both hidden layers, and plot
        J of each step. The curve goes down, but with many small rises. What do you do?""",
    options=(
        "Lower the learning rate until the curve falls at every step.",
        "Nothing: each J was measured with other masks. The mean over many masks falls more smoothly.",
        "Stop plotting: with dropout, J is not defined.",
        "Use larger mini-batches: the rises are the noise of mini-batches.",
    ),
    answer="b",
    feedback=(
        """The rises are not steps that are too long. Even at a learning rate of 0 the curve would be
        jagged, because each step has fresh masks. In the lab, compare the thin line with the thick one:
        both belong to the same run.""",
        """The thin line in the lab is J with the masks of each step, the thick one its mean over the
        same 24 masks at each step. The thick one rises far less often. Not never: the step is made from
        one set of masks, and may be a bad one for the others.""",
        """J of one step depends on the masks, but its expected value does not: it is a function of the
        weights alone, and dropout is gradient descent on that. In the lab it is the thick line.""",
        """All 60 points are in every batch, so there is no such noise. In the lab, set both keep_prob to
        1: the same batches, and no rise at all.""",
    ),
)

what_norms_do = Question(
    text="""A network with two hidden layers is trained twice from the same weights, without dropout and
        with keep_prob 0.7 in both layers. How do the squared norms of W1, W2 and W3 with dropout compare
        with those without?""",
    options=(
        "All three are smaller.",
        "W2 and W3 are smaller, W1 is not: its inputs, the features, are never dropped.",
        "All three are larger: each unit that is left must do the work of those that are off.",
        "They are about the same: dropout changes activations, not weights.",
    ),
    answer="a",
    feedback=(
        """In the lab, all dots in the upper panel on the right lie below their black bars. Press New
        seed a few times.""",
        """The notes' argument, that inputs may go away, does hold for W2 and W3 only. But the norm of W1
        shrinks, too. Without dropout all weights go on growing while the train loss creeps to 0; with
        dropout the cost has a floor.""",
        """The division by keep_prob does that work already: it makes up for the units that are off. In
        the lab, compare the dots with the black bars.""",
        """The activations of a step decide its gradient, and gradients change weights. In the lab,
        compare the dots with the black bars, once for keep_prob 0.7 and once for 0.3.""",
    ),
)

dropout_or_stop = Question(
    text="""60 noisy points, a network of 16 + 16 units, with keep_prob 0.7 and without dropout. At step 400
        the network with dropout has a far lower test loss. Now each network is stopped at the step at which
        its own dev loss is lowest, at its own best learning rate. Which one has the lower test loss on most
    data sets?""",
    options=(
        "The one with dropout, by about the same lead: it regularizes, the other one does not.",
        "The one with dropout, but by less: both remedies add up.",
        "The one without dropout, by a little.",
        "None: both stop at the same loss.",
    ),
    answer="c",
    feedback=(
        """Stopping is a remedy, too, and the network without dropout needs it most. In the lab, look at both
        stars instead of the right ends of the curves.""",
        """Dropout costs something as well: it takes units away from a network that has few. In the lab,
        compare the lower row on the right, for several seeds.""",
        """At its best step the network without dropout is not overfitted yet, and it has all of its
        units.""",
        """The two stars lie at different steps and at different heights. In the lab, look at the lower row on
        the right.""",
    ),
)

which_keep_prob = Question(
    text="""A network of two layers with 1,000 units each learns 5,000 examples. Train error 0%, dev error 9%,
        at the best step 8%. You cannot get more examples. What do you try next?""",
    options=(
        "keep_prob 0.5 in both hidden layers, the same learning rate, and the same number of steps.",
        "keep_prob 0.5 in both hidden layers, a few learning rates, and more steps, stopped in time.",
        "keep_prob 0.5 in the inputs, too: the more masks, the more networks are averaged.",
        "All 100 pairs of keep_probs, each trained once; take the lowest dev error.",
    ),
    answer="b",
    feedback=(
        """With masks, a step is noisier, and training takes longer. In the lab *Dropout, or stop in time?*,
        look at where the two stars are.""",
        """Many units and few examples: this is where it may help. Each rule gets its own best rate and its
        own best step, or the comparison says nothing.""",
        """A unit that is dropped has a thousand neighbors that know nearly the same. Has an input, too?""",
        """Look at the star of the last lab for a few seeds: how much of its lead is luck?""",
    ),
)
"""The decision at the end of the notebook."""

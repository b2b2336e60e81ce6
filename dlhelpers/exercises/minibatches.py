"""The exercises and prediction questions of notebook 06a on mini-batches."""

import numpy as np

from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import FloatArray, IntArray

_X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]])
_Y = np.array([[0.1], [0.2], [0.3], [0.4], [0.5]])
_ORDER = np.array([3, 0, 4, 2, 1])
_G = np.array([[1.0, 2.0], [3.0, 0.0], [2.0, 4.0]])
_G2 = np.array([[0.5, -1.0, 2.0], [1.5, 0.0, 1.0], [-0.5, 1.0, 1.0], [2.5, 0.5, -1.0]])

# Cutting --------------------------------------------------------------------------------------------


def _cut(X: FloatArray, Y: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    return X[rows], Y[rows]


mini_batch = Exercise(
    name="mini_batch",
    statement="""Return (X_k, Y_k), the mini-batch number k of an epoch; k = 0 is the first. X (m, n) and Y
        (m, n_out) hold an example in each row, order (m,) is the random order of this epoch. The last
        mini-batch is smaller if batch_size does not divide m.""",
    reference=lambda X, Y, order, batch_size, k: _cut(X, Y, order[k * batch_size : (k + 1) * batch_size]),
    cases=[
        {"X": _X, "Y": _Y, "order": _ORDER, "batch_size": 2, "k": 1},
        {"X": _X, "Y": _Y, "order": _ORDER, "batch_size": 2, "k": 0},
        {"X": _X, "Y": _Y, "order": _ORDER, "batch_size": 2, "k": 2},
        {"X": _X, "Y": _Y, "order": _ORDER, "batch_size": 3, "k": 1},
    ],
    mistakes=[
        Mistake(
            lambda X, Y, order, B, k: _cut(X, Y, np.arange(len(X))[k * B : (k + 1) * B]),
            "the order is not used. Then every epoch has the same mini-batches, in the same order.",
        ),
        Mistake(
            lambda X, Y, order, B, k: (X[order[k * B : (k + 1) * B]], Y[k * B : (k + 1) * B]),
            "only X is shuffled. Each example now has the label of another one: Y needs the same rows.",
        ),
        Mistake(
            lambda X, Y, order, B, k: _cut(X, Y, order[k : k + B]),
            "it begins at k. The mini-batches before this one hold k times batch_size examples.",
        ),
        Mistake(
            lambda X, Y, order, B, k: _cut(X, Y, order[(k - 1) * B : k * B]),
            "k is counted from 1 here. The first mini-batch has k = 0.",
        ),
        Mistake(
            lambda X, Y, order, B, k: _cut(
                X, Y, np.random.default_rng(0).permutation(len(X))[k * B : (k + 1) * B]
            ),
            "this is an order of your own. With a new order for each mini-batch, an epoch visits some "
            "examples twice and others never.",
        ),
    ],
    hint="""order[a:b] gives the numbers of the rows. Where does mini-batch k begin? NumPy cuts a slice at
        the end of the array by itself.""",
    solution="""
        def mini_batch(X, Y, order, batch_size, k):
            rows = order[k * batch_size : (k + 1) * batch_size]
            return X[rows], Y[rows]
    """,
    why="""X and Y are cut at the same rows, and the mini-batches of an epoch together hold each example
        once.""",
)

# How noisy is a gradient? ---------------------------------------------------------------------------


def _noise(G: FloatArray) -> float:
    return float(np.sum((G - G.mean(axis=0)) ** 2) / (len(G) - 1))


def _signal(G: FloatArray) -> float:
    return float(np.sum(G.mean(axis=0) ** 2))


noise_scale = Exercise(
    name="noise_scale",
    statement="""Return the noise scale of the gradients G (m, P) of m single examples: S squared, the sum of
        their squared distances from the mean gradient over m - 1, divided by the squared length of the mean
        gradient.""",
    reference=lambda G: _noise(G) / _signal(G),
    cases=[{"G": _G}, {"G": _G2}],
    mistakes=[
        Mistake(
            lambda G: _noise(G) * (len(G) - 1) / len(G) / _signal(G),
            "you divide by m. The mean was taken from the same m gradients, so they lie too close to it: "
            "m - 1 makes up for that.",
        ),
        Mistake(
            lambda G: _noise(G) / np.sqrt(_signal(G)),
            "you divide by the length of the mean gradient, not by its square. Then another unit of the loss "
            "gives another noise scale.",
        ),
        Mistake(
            lambda G: np.sqrt(_noise(G)) / np.sqrt(_signal(G)),
            "these are lengths, not squared lengths. A batch of B divides the squared noise by B.",
        ),
        Mistake(
            lambda G: _noise(G) / np.mean(np.sum(G**2, axis=1)),
            "you divide by the mean squared length of the single gradients, and these hold the noise, too. "
            "The signal is the length of their mean.",
        ),
        Mistake(
            lambda G: np.sum(np.var(G, axis=0, ddof=1) / G.mean(axis=0) ** 2),
            "you divide parameter by parameter, and add then. Add up the noise of all parameters, and divide "
            "by the sum of the squares of the mean gradient.",
        ),
        Mistake(
            lambda G: np.mean(np.var(G, axis=0, ddof=1)) / _signal(G),
            "you take the mean of the variances over the parameters. S squared is their sum.",
        ),
        Mistake(
            lambda G: _noise(G),
            "this is S squared, the noise. Divide it by the signal, the squared length of the mean gradient.",
        ),
    ],
    hint="""g = G.mean(axis=0) is the true gradient. np.sum((G - g) ** 2) adds up all squared distances.""",
    solution="""
        def noise_scale(G):
            g = G.mean(axis=0)
            S2 = np.sum((G - g) ** 2) / (len(G) - 1)
            return S2 / np.sum(g**2)
    """,
    why="""A mean of B gradients has the squared noise S^2 / B. At B equal to the noise scale, that is as much
        as the squared length of the gradient itself.""",
)

# Questions ------------------------------------------------------------------------------------------

half_the_rate = Question(
    text="""With one example in each update, the path hovers at some height above the lowest loss. You halve
        the learning rate. How high does it hover now?""",
    options=(
        "As high as before: the noise of the examples is the same.",
        "About half as high.",
        "Not at all: with small steps it comes to rest at the lowest point.",
    ),
    answer="b",
    feedback=(
        "The noise is the same, but each step carries only half of it into the weights. Move α in the lab.",
        "Less of the noise gets into the weights. But the way down takes twice as many updates.",
        "At a constant rate a single example pushes at the lowest point, too. Move α in the lab, and look at "
        "the right panel.",
    ),
)

which_first = Question(
    text="""Three runs of one network: with 1, with 32 and with all 1,024 examples in each update. Count the
        examples that they look at. Which run is the first at a loss of 0.3?""",
    options=(
        "All 1,024: its steps are the most exact.",
        "32: the middle is the best of both.",
        "1: it has updated the weights after each example.",
    ),
    answer="c",
    feedback=(
        "Choose the clock *examples* in the lab. How many updates has the dashed run made when it has seen "
        "5,000 examples?",
        "On one of the three clocks it is. Try them all.",
        "By then the run with all examples has not finished its first update.",
    ),
)

four_times = Question(
    text="""Each dot is the gradient of one mini-batch; the tip of the arrow is the true gradient. You take
        four times as many examples into each mini-batch. How far are the dots from the tip now?""",
    options=(
        "Half as far.",
        "A quarter as far.",
        "As far as before: the examples did not change.",
    ),
    answer="a",
    feedback=(
        "Noise falls with the root of the batch size. Twice as exact costs four times as much.",
        "That would be the squared distance. Compare how wide the blue and the grey dots lie.",
        "Each example is as noisy as before, but their mean is not.",
    ),
)

how_many_fewer = Question(
    text="""Every batch size at its own best learning rate. From B = 1 to B = 1,024, by what factor does the
        number of updates to the target fall?""",
    options=(
        "About 1,000: each update does the work of 1,024.",
        "It does not fall: a step is a step.",
        "About 30.",
    ),
    answer="c",
    feedback=(
        "Follow the blue curve from the left. Up to where is it as steep as the grey line?",
        "Follow the blue curve from the left. How many updates does B = 16 need?",
        "At first twice the batch halves the updates. Later it does nothing.",
    ),
)

which_batch = Question(
    text="""You train on one graphics card. An update takes 10 ms at B = 16, 64 and 256, 40 ms at B = 1,024,
        and memory is large enough. The noise scale of your run is about 400. Each B would get its own best
        rate. Which do you take?""",
    options=(
        "16: fewest examples.",
        "256: the largest one that costs nothing yet.",
        "1,024: the most exact gradient.",
        "300, because it is nearest to 400 and below it.",
    ),
    answer="b",
    feedback=(
        "The card takes 10 ms for 16 examples and for 256. What do you pay with, examples or time?",
        "Up to here a larger batch saves updates, and each update costs the same time.",
        "It costs four times the time for each update. Beyond the noise scale it cannot save that many.",
        "That can be as good, but you did not measure its time. The noise scale is an order of size, not a "
        "number to aim at.",
    ),
)

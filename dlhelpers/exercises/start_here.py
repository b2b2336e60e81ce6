"""The exercise and the prediction question of notebook 00."""

import numpy as np

from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import FloatArray, IntArray


def _accuracy(probabilities: FloatArray, labels: IntArray) -> float:
    return float(np.mean(probabilities.argmax(axis=1) == labels))


_SURE = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
_THREE = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.6, 0.3, 0.1]])

accuracy = Exercise(
    name="accuracy",
    statement="""Return the share of examples whose most probable class is the labeled one. Each row of
        probabilities is an example, each column a class; labels holds the number of the right class.""",
    reference=_accuracy,
    cases=[
        {"probabilities": _SURE, "labels": np.array([0, 1, 1, 1, 0])},
        {"probabilities": _THREE, "labels": np.array([0, 2, 0, 2])},
        {"probabilities": _THREE, "labels": np.array([0, 2, 1, 0])},
        {"probabilities": _SURE[:3], "labels": np.array([1, 1, 0])},
    ],
    mistakes=[
        Mistake(
            lambda probabilities, labels: np.mean(probabilities.argmax(axis=1) != labels),
            "this is the share of wrong answers, the error. The accuracy is what is left of 1.",
        ),
        Mistake(
            lambda probabilities, labels: np.sum(probabilities.argmax(axis=1) == labels),
            "this is the number of right answers. Divide it by the number of examples to have their share.",
        ),
        Mistake(
            lambda probabilities, labels: np.mean(probabilities.argmax() == labels),
            "argmax without an axis gives one number for the whole table. Each row has its own most probable "
            "class: axis=1.",
        ),
        Mistake(
            lambda probabilities, labels: 100 * np.mean(probabilities.argmax(axis=1) == labels),
            "this is in percent. Return a fraction: 0.8, not 80.",
        ),
        Mistake(
            lambda probabilities, labels: np.mean(probabilities[np.arange(len(labels)), labels]),
            "this is the mean probability of the right class. Accuracy does not ask how sure the network is, "
            "only which class it finds most probable.",
        ),
        Mistake(
            lambda probabilities, labels: np.mean((probabilities[:, 1] > 0.5) == labels),
            "this compares the second class with one half. With three classes there is more to compare: "
            "which column is the largest?",
        ),
    ],
    hint="""argmax(axis=1) gives the column of the largest number in each row. Compared with the labels, it
        gives True or False for each example, and the mean of these is the share of True.""",
    solution="""
        def accuracy(probabilities, labels):
            return np.mean(probabilities.argmax(axis=1) == labels)
    """,
    why="""The most probable class is the answer of the network. The mean of right (1) and wrong (0) is the
        share of right answers. The playground computes its accuracies in this way.""",
)

zero_weights = Question(
    text="""The playground can start with all weights at zero (Initialization: zeros). Then you press Play.
        What will the network learn?""",
    options=(
        "The same, but it takes longer: it has farther to go.",
        "The same: training changes the weights anyway, wherever they start.",
        "Nothing about where the points are: its map keeps one color.",
        "It diverges: the first step divides by zero.",
    ),
    answer="c",
    feedback=(
        """Distance is not the trouble. The gradient of a weight is a product: what comes in, times what its
        unit matters for the loss. Which of the two is 0 in each layer? In the lab, press *zero weights* and
        Play: after thousands of steps the map still has one color.""",
        """Training changes a weight by its gradient. At zero weights, the gradient of every weight is zero
        as well; only the biases of the last layer move. In the lab, press *zero weights*: see the map.""",
        """The gradient of a weight is a product: what comes in, times what its unit matters for the loss. In
        the later layers 0 comes in; the units of the first layer do not matter, since the weights on their
        way out are 0. Only the biases of the last layer learn: which class is more frequent.""",
        """Nothing is divided by a weight. In the lab, press *zero weights* and Play: the loss is finite, it
        only does not fall below that of guessing.""",
    ),
)

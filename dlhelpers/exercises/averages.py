"""The exercise and the prediction question of notebook 06a on moving averages."""

import numpy as np

from dlhelpers.averages import moving_average
from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import FloatArray


def _run(x: FloatArray, beta: float, v: float = 0.0, swap: bool = False, late: bool = False) -> FloatArray:
    """Return the average after each value; with one of the mistakes, or uncorrected."""
    keep, new = (1 - beta, beta) if swap else (beta, 1 - beta)
    averages = np.empty(len(x))
    for t, value in enumerate(x):
        before, v = v, keep * v + new * value
        averages[t] = before if late else v
    return averages


def _correction(x: FloatArray, beta: float) -> FloatArray:
    return np.asarray(1 - beta ** np.arange(1.0, len(x) + 1))


def _fed_back(x: FloatArray, beta: float) -> FloatArray:
    v, averages = 0.0, np.empty(len(x))
    for t, value in enumerate(x, start=1):
        v = (beta * v + (1 - beta) * value) / (1 - beta**t)
        averages[t - 1] = v
    return averages


average = Exercise(
    name="average",
    statement="""Return the moving average of the series x (T,) after each of its values, with bias
        correction, as an array (T,). It starts at 0.""",
    reference=lambda x, beta: moving_average(x, beta, bias_correction=True),
    cases=[
        {"x": np.array([20.0, 24.0, 22.0]), "beta": 0.9},
        {"x": np.array([1.0, -3.0, 5.0, 2.0]), "beta": 0.6},
        {"x": np.array([4.0, 4.0, 4.0, 4.0]), "beta": 0.75},
    ],
    mistakes=[
        Mistake(
            lambda x, beta: _run(x, beta),
            "the correction is missing. The first average is (1 - beta) times the first value; divide the "
            "average after t values by 1 - beta ** t.",
        ),
        Mistake(
            lambda x, beta: _run(x, beta, swap=True) / _correction(x, 1 - beta),
            "beta and 1 - beta are swapped. beta is the share of the old average that is kept.",
        ),
        Mistake(
            lambda x, beta: _run(x, beta, swap=True) / _correction(x, beta),
            "beta and 1 - beta are swapped in the average, but not in the correction.",
        ),
        Mistake(
            lambda x, beta: _run(x, beta) / (1 - beta),
            "you divide by 1 - beta each time. That is right for the first value only: the power t is "
            "missing.",
        ),
        Mistake(
            lambda x, beta: _fed_back(x, beta),
            "the corrected average goes on into the next step. Keep v as it is, and divide only what you "
            "store.",
        ),
        Mistake(
            lambda x, beta: _run(x, beta, v=float(x[0])),
            "it starts at the first value. That is another cure for the first values; here v starts at 0 and "
            "is divided by 1 - beta ** t.",
        ),
        Mistake(
            lambda x, beta: _run(x, beta, v=float(x[0])) / _correction(x, beta),
            "two cures at once: it starts at the first value, and is corrected as if it had started at 0.",
        ),
        Mistake(
            lambda x, beta: _run(x, beta, late=True) / _correction(x, beta),
            "the average is stored before the new value comes in. First update v, then store it.",
        ),
    ],
    hint="""Keep v, starting at 0, in a loop over the values; t counts them from 1. Store
        v / (1 - beta ** t).""",
    solution="""
        def average(x, beta):
            v, averages = 0.0, np.empty(len(x))
            for t, value in enumerate(x, start=1):
                v = beta * v + (1 - beta) * value
                averages[t - 1] = v / (1 - beta**t)
            return averages
    """,
    why="""The weights of t values add up to 1 - beta ** t, and after the division to 1. So the average of a
        constant is that constant from the first value on.""",
)

weight_of_ten = Question(
    text="""The average with β = 0.9 is often called "the average over the last 10 values". What share of its
        weight do the last 10 values really hold?""",
    options=("All of it.", "About two thirds.", "90%.", "A third."),
    answer="b",
    feedback=(
        "Look at the bars to the left of the dark ones. Have they no height?",
        "The rest is older, and never ends.",
        "That would need 22 values: 0.9 to the power 22 is 0.1.",
        "The value that is 10 back weighs about a third as much as the newest. The question is about all 10 "
        "together.",
    ),
)

"""The exercises and prediction questions of notebook 10."""

import numpy as np

from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import FloatArray, IntArray

_PRICES = np.array([10.0, 1.0, 2.0, 20.0, 5.0])
_CHANCES = np.array([0.6, 0.05, 0.3, 0.9, 0.2])


def _order(price: FloatArray, chance: FloatArray) -> IntArray:
    return np.argsort(-chance / price, kind="stable")


looking_order = Exercise(
    name="looking_order",
    statement="""Something is wrong, and exactly one probe shows it. Probe i costs price[i], and it is the one
        with probability chance[i]. You look with one after the other until you have found it. Return the
        order, an array of the numbers of the probes, in which you pay least on average.""",
    reference=_order,
    cases=[
        {"price": _PRICES, "chance": _CHANCES / _CHANCES.sum()},
        {"price": np.array([1.0, 1.2, 3.0]), "chance": np.array([0.3, 0.6, 0.1])},
        {"price": np.array([3.0, 2.0, 6.0, 1.0]), "chance": np.array([0.4, 0.3, 0.25, 0.05])},
    ],
    mistakes=[
        Mistake(
            lambda price, chance: np.argsort(price, kind="stable"),
            "this is the cheapest first. A probe for 1 that hardly ever shows anything is paid nearly always "
            "for nothing.",
        ),
        Mistake(
            lambda price, chance: np.argsort(-chance, kind="stable"),
            "this is the likeliest first, whatever it costs.",
        ),
        Mistake(
            lambda price, chance: np.argsort(chance / price, kind="stable"),
            "the order is reversed: argsort begins with the smallest.",
        ),
        Mistake(
            lambda price, chance: np.argsort(-chance * price, kind="stable"),
            "you multiply by the price. What counts is the chance for each epoch that is paid.",
        ),
        Mistake(
            lambda price, chance: np.argsort(-(chance - price), kind="stable"),
            "a chance has no unit, a price is in epochs: their difference means nothing. In other units of "
            "price the order would change.",
        ),
        Mistake(
            lambda price, chance: np.argsort(_order(price, chance), kind="stable"),
            "these are the ranks, the place of each probe. The order is which probe comes at each place.",
        ),
        Mistake(
            lambda price, chance: -np.sort(-chance / price),
            "these are the ratios in order. Return which probes they belong to: argsort.",
        ),
    ],
    hint="""Take two neighbors, i before j, and swap them. In one order the price of i is paid for nothing
        with probability chance[j], in the other that of j with probability chance[i]. When does swapping
    pay?""",
    solution="""
        def looking_order(price, chance):
            return np.argsort(-chance / price)
    """,
    why="""i comes before j if price[i] chance[j] is below price[j] chance[i], that is, if its chance per
        epoch is higher. This is why the cheap probes come first: not since they are cheap, but since they
        tell much for what they cost.""",
)


def _error(errors: int, m: int) -> float:
    e = errors / m
    return float(np.sqrt(e * (1 - e) / m))


error_of_a_share = Exercise(
    name="error_of_a_share",
    statement="""A network misreads `errors` of m dev digits. Return the standard error of its dev error, as a
        share.""",
    reference=_error,
    cases=[{"errors": 12, "m": 386}, {"errors": 4, "m": 100}, {"errors": 50, "m": 100}],
    mistakes=[
        Mistake(
            lambda errors, m: _error(errors, m) * np.sqrt(m),
            "this is the standard deviation of one example, 0 or 1. The mean of m has that divided by √m.",
        ),
        Mistake(
            lambda errors, m: _error(errors, m) ** 2,
            "this is the variance. The standard error is its root.",
        ),
        Mistake(
            lambda errors, m: np.sqrt(errors * (m - errors) / m),
            "this is the standard error of the *count*. Divide by m for that of the share.",
        ),
        Mistake(
            lambda errors, m: np.sqrt(errors / m / m),
            "the factor 1 - e is missing. It is near 1 for a small error, and not for a large one.",
        ),
        Mistake(
            lambda errors, m: 1 / np.sqrt(m),
            "a rough bound: 1/√m is twice the largest value, the one for e = 1/2. Use the error that was "
            "counted.",
        ),
        Mistake(
            lambda errors, m: errors / m,
            "this is the dev error itself.",
        ),
    ],
    hint="""Each example is a coin that shows 1, "misread", with probability e. Its variance is e (1 - e).
        What is the variance of the mean of m of them?""",
    solution="""
        def error_of_a_share(errors, m):
            e = errors / m
            return np.sqrt(e * (1 - e) / m)
    """,
    why="""With 12 of 386 the dev error is 3.1% with a standard error of 0.9%. A difference of one point
        between two scripts is nothing yet.""",
)

# Predictions ----------------------------------------------------------------------------------------

zero_weights = Question(
    text="""All weights of a script start at 0. Which of these probes is the first to show that something is
        wrong?""",
    options=(
        "Loss at the start: it is far from log 10.",
        "Statistics by layer.",
        "Gradient check: gradient and differences do not agree.",
        "None of them: only training shows it.",
    ),
    answer="b",
    feedback=(
        "Zero weights give ten equal probabilities. What is the loss of these? Look along the row *weights "
        "start at 0*.",
        "Every pre-activation is 0. The loss at the start looks better than that of the right script, and "
        "the "
        "gradient check passes.",
        "The formulas are right, and so is the gradient that they give. Look at the row *weights start at "
        "0*.",
        "Look at the row *weights start at 0*, at the left end.",
    ),
)

half_a_repair = Question(
    text="""In a script the inputs are not normalized, and the learning rate is 100 times too low. Its dev
        error lies between 10% and 25%. You repair the inputs only. What does the dev error do?""",
    options=(
        "It falls: one fault less.",
        "It falls to that of the right script: the rate hardly matters.",
        "It rises.",
    ),
    answer="c",
    feedback=(
        "Why may somebody have chosen a rate that low? Think of the size of the gradient with inputs 7.7 "
        "times "
        "as large.",
        "With normalized inputs, 100 times too low is far too low. Look at the row "
        "*rate too low* of the table.",
        "The low rate was right for the large inputs, more or less. Without them it is just too low.",
    ),
)

two_that_cancel = Question(
    text="""A bug divides the gradient of all weights by 32, the batch size. Somebody has made up for it
        with a rate that is 32 times too high. Which probe shows it?""",
    options=(
        "The learning curve.",
        "The rate sweep.",
        "Overfit 32.",
        "The gradient check, and only this one.",
    ),
    answer="d",
    feedback=(
        "The weights move as they would in the right script: 32 times 1/32. What should the curve show?",
        "The sweep compares rates with this gradient. Which rate is the best for it?",
        "For the weights, rate times gradient is that of the right script. Why should it not fit a batch?",
        "All others see what training does, and it does the right thing. The price comes later, when "
        "somebody "
        "changes the batch size or the rate.",
    ),
)

last_day = Question(
    text="""Your network has a train error of 0.5% and a dev error of 9%; 4% would do. One batch of 32 is
        fitted, the gradient check passes, and with shuffled labels the train loss is 30 times as high. One
        day is left. What first?""",
    options=(
        "Look at fifty of the misread dev examples, then more data or more regularization.",
        "A larger network: 9% is too much.",
        "A lower learning rate, and train through the night.",
        "Try 200 settings, keep the one with the lowest test error.",
    ),
    answer="a",
    feedback=(
        "The gap between train and dev is variance. The misread examples tell which data are missing, or "
        "that "
        "the labels are wrong.",
        "The train error is 0.5%: the network is large enough for what it has been shown.",
        "Train loss and train error are low already. Which number is it that must fall?",
        "The lowest of 200 test errors is luck, in part, and then no set is left to tell how much.",
    ),
)

"""The exercises and prediction questions of notebook 07b on searching for real."""

import numpy as np

from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import FloatArray

_ERRORS = np.array([0.5, 0.05, 0.3, 0.04, 0.8, 0.05, 0.1, 0.9])

# What a bracket costs -------------------------------------------------------------------------------


def _cost(n: int, first: int, eta: int, anew: bool = False, last: bool = True) -> int:
    total, epochs, before = 0, first, 0
    while n > 1 or (n == 1 and last):
        total += n * (epochs if anew else epochs - before)
        n, before, epochs = (n // eta if n > 1 else 0), epochs, epochs * eta
    return total


def _stays(n: int, first: int, eta: int) -> int:
    """Throw 1 / eta away, and not all but 1 / eta."""
    total, epochs, before = 0, first, 0
    while n >= 1:
        total += n * (epochs - before)
        n, before, epochs = (n - max(n // eta, 1) if n > 1 else 0), epochs, epochs * eta
    return total


bracket_cost = Exercise(
    name="bracket_cost",
    statement="""Return how many epochs a bracket of successive halving trains in all. n settings start, each
        with `first` epochs. Then again and again the best 1/eta of them (n // eta) go on, from where they
        are, until each has eta times as many epochs behind it. The last rung has one setting. Take n as a
        power of eta.""",
    reference=lambda n, first, eta: _cost(n, first, eta),
    cases=[
        {"n": 9, "first": 1, "eta": 3},
        {"n": 16, "first": 1, "eta": 2},
        {"n": 8, "first": 2, "eta": 2},
        {"n": 16, "first": 3, "eta": 4},
    ],
    mistakes=[
        Mistake(
            lambda n, first, eta: _cost(n, first, eta, anew=True),
            "each rung is trained anew, from its first epoch. A setting that stays goes on from where it is: "
            "only the new epochs cost anything.",
        ),
        Mistake(
            lambda n, first, eta: _cost(n, first, eta, last=False),
            "the last rung is missing. The one setting that is left is trained on to the end, too.",
        ),
        Mistake(
            _stays,
            "you throw 1/eta away. In successive halving 1/eta stays, and all others go.",
        ),
        Mistake(
            lambda n, first, eta: n * first * eta ** round(np.log(n) / np.log(eta)),
            "all n settings are trained to the end here. After each rung only 1/eta of them go on.",
        ),
    ],
    hint="""Keep three numbers: how many settings there are, how many epochs each has had, and how many it
        should have. A rung costs settings * (should have - has had).""",
    solution="""
        def bracket_cost(n, first, eta):
            total, has_had, should_have = 0, 0, first
            while n >= 1:
                total += n * (should_have - has_had)
                n, has_had, should_have = n // eta, should_have, should_have * eta
            return total
    """,
    why="""Every rung after the first costs (eta - 1) / eta times n times the first epochs: many settings with
        few epochs, or few settings with many.""",
)

# What the best of n is worth ------------------------------------------------------------------------


def _expected(errors: FloatArray, n: int) -> float:
    v = np.sort(errors)
    left = np.arange(len(v), -1, -1) / len(v)
    return float((left[:-1] ** n - left[1:] ** n) @ v)


def _highest(errors: FloatArray, n: int) -> float:
    return -_expected(-errors, n)


def _subsets(errors: FloatArray, n: int) -> float:
    """Draw without replacement; with all errors drawn, and more, it is the lowest."""
    v, m = np.sort(errors), len(errors)
    if n >= m:
        return float(v[0])
    chance, left = np.zeros(m), 1.0
    for k in range(m):
        chance[k] = left * min(n / (m - k), 1.0)
        left -= chance[k]
    return float(chance @ v)


expected_best = Exercise(
    name="expected_best",
    statement="""Return the expected lowest of n values that are drawn from `errors` (m,), each with the same
        chance, and with replacement. A sorted list helps: the lowest of n is v_i if all n are v_i or higher,
        but not all n are higher than v_i.""",
    reference=_expected,
    cases=[
        {"errors": _ERRORS, "n": 3},
        {"errors": _ERRORS, "n": 1},
        {"errors": np.array([0.2, 0.4]), "n": 2},
        {"errors": _ERRORS, "n": 20},
    ],
    mistakes=[
        Mistake(
            lambda errors, n: float(np.min(errors)),
            "this is the lowest of all. A search with n trials does not see all of them.",
        ),
        Mistake(
            lambda errors, n: float(np.mean(errors) / n),
            "the mean divided by n would fall without end, below the lowest error of all.",
        ),
        Mistake(
            _highest,
            "this is the expected highest. Which chance goes with which value?",
        ),
        Mistake(
            lambda errors, n: float(np.sort(errors)[: max(len(errors) // (n + 1), 1)].mean()),
            "you average the lowest 1/(n + 1) of the errors. A search may also be unlucky: every error has a "
            "chance to be the best of n.",
        ),
        Mistake(
            _subsets,
            "here no error is drawn twice. Draw with replacement: the n draws know nothing of each other.",
        ),
    ],
    hint="""With v = np.sort(errors) and m = len(v): all n draws are v[i] or higher with the chance
        ((m - i) / m) ** n, and all are higher with ((m - i - 1) / m) ** n.""",
    solution="""
        def expected_best(errors, n):
            v, m = np.sort(errors), len(errors)
            i = np.arange(m)
            chance = ((m - i) / m) ** n - ((m - i - 1) / m) ** n
            return np.sum(chance * v)
    """,
    why="""From the trials of one search this tells what a shorter search would have found, and how much more
        trials are worth.""",
)

# Questions ------------------------------------------------------------------------------------------

one_more_change = Question(
    text="""You have the best learning rate, and all others have good values. Now you change one of the
        others, say from 1 layer to 3. By how much does the dev error change?""",
    options=(
        "By far more than from one seed to the next.",
        "About as much as from one seed to the next.",
        "Not at all.",
    ),
    answer="b",
    feedback=(
        "That holds while the learning rate is still free. Press *good values only*.",
        "Then a single run cannot tell whether the change was good.",
        "Something changes whenever the network or the random numbers do. Press *good values only*.",
    ),
)

how_many_runs = Question(
    text="""The budget is worth 8 full runs. Random search trains 8 settings to the end. Successive halving
        starts more, and drops the worse half again and again. How many full runs would random search need to
        be as good as halving is with 8?""",
    options=(
        "8: the same work gives the same result.",
        "About 10.",
        "More than 16.",
    ),
    answer="c",
    feedback=(
        "Most settings are bad, and one sees it early. What does halving do with the epochs that it saves?",
        "The two lines are further apart than that. Draw a level line from the purple one to the black one.",
        "Most settings are bad, and one sees it early. Halving does not pay for their last epochs.",
    ),
)

first_epoch_cut = Question(
    text="""Only the 100 best settings are left in the pool. A bracket starts 16 of them and drops half after
        the first epoch. How often does it drop the one that would be the best at the end?""",
    options=(
        "Hardly ever: after one epoch one sees which are good.",
        "In about 1 of 3 brackets.",
        "In 2 of 3 brackets.",
    ),
    answer="b",
    feedback=(
        "That is so in the lab among *any settings*. The best 100 look alike after one epoch.",
        "Not much better than a coin, which would drop it in half of the brackets.",
        "Even a coin drops it only in half of the brackets.",
    ),
)

on_the_test_set = Question(
    text="""You try 256 settings on a dev set of 48 examples. On average the winner has a dev error of about
        1.5%. What is its error on a large test set?""",
    options=(
        "About 1.5%: both sets come from the same data.",
        "About 2%.",
        "About 5%.",
    ),
    answer="c",
    feedback=(
        "They do. But which of the two was used to choose the winner?",
        "The gap is larger. Of 48 examples, how many does a winner with 1.5% get wrong?",
        "The winner is above all the luckiest of many good settings. In the lab, press *a tiny dev set*.",
    ),
)

which_plan = Question(
    text="""A full training takes 6 hours. You have 4 graphics cards for 3 days: 48 full runs. Eight
        hyperparameters are open. From earlier runs you know that the order of two models after a sixteenth of
        the training says little, and after a quarter it is nearly final. What do you do?""",
    options=(
        "A grid: 2 values of 5 hyperparameters, and the other three stay as they are.",
        "Random search with 48 full runs.",
        "Successive halving with the first cut after a sixteenth.",
        "Successive halving with the first cut after a quarter, then the best few again with other seeds.",
    ),
    answer="d",
    feedback=(
        "Two values of each are few, and three are not searched at all.",
        "It is safe. But three quarters of the work go into models whose end you could have told.",
        "It starts the most settings. What does it know when it cuts?",
        "The cut comes when the order can be told, and the last choice is not left to one seed.",
    ),
)

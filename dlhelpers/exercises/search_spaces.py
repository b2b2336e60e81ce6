"""The exercises and prediction questions of notebook 07a on where to look for hyperparameters."""

import math

from dlhelpers.exercises.checking import Exercise, Mistake, Question

memory = Exercise(
    name="memory",
    statement="""Return beta for a number u between 0 and 1, on the scale where 1 - beta is even in its
        logarithm. u = 0 gives the lower end `low`, for instance 0.9; u = 1 gives the upper end `high`, for
        instance 0.999; u = 0.5 then gives 0.99.""",
    reference=lambda u, low, high: 1 - (1 - low) ** (1 - u) * (1 - high) ** u,
    cases=[
        {"u": 0.5, "low": 0.9, "high": 0.999},
        {"u": 0.0, "low": 0.9, "high": 0.999},
        {"u": 1.0, "low": 0.9, "high": 0.999},
        {"u": 0.25, "low": 0.5, "high": 0.9999},
    ],
    mistakes=[
        Mistake(
            lambda u, low, high: (1 - u) * low + u * high,
            "this is even in beta itself. Nearly all trials then have a short memory: half of them lie below "
            "0.95.",
        ),
        Mistake(
            lambda u, low, high: low ** (1 - u) * high**u,
            "this is even in log(beta). Close to 1, that is nearly the same as even in beta. Take the "
            "logarithm of the distance to 1.",
        ),
        Mistake(
            lambda u, low, high: (1 - low) ** (1 - u) * (1 - high) ** u,
            "this is 1 - beta. It is the right number, with one step missing.",
        ),
        Mistake(
            lambda u, low, high: 1 - (1 - low) ** u * (1 - high) ** (1 - u),
            "the ends are swapped: u = 0 has to give `low`.",
        ),
        Mistake(
            lambda u, low, high: 1 - math.exp((1 - u) * math.log10(1 - low) + u * math.log10(1 - high)),
            "the logarithm has base 10 and the power has base e. Take 10.0**r, or the same base twice.",
        ),
        Mistake(
            lambda u, low, high: (1 - u) * math.log10(1 - low) + u * math.log10(1 - high),
            "this is the exponent r. From it, 1 - beta is 10**r.",
        ),
    ],
    hint="""What is r = log10(1 - beta) at both ends? Go the share u of the way between these two numbers,
        then come back from r to beta.""",
    solution="""
        def memory(u, low, high):
            r = (1 - u) * np.log10(1 - low) + u * np.log10(1 - high)
            return 1 - 10**r
    """,
    why="""An average with beta remembers about 1 / (1 - beta) values. So this scale is even in the
        logarithm of the memory: 10, 100 and 1,000 values are equally far apart.""",
)

trials_needed = Exercise(
    name="trials_needed",
    statement="""Settings are drawn at random. A share `good` of the search space is good enough for you.
        Return how many trials it takes, at least, so that one or more of them are good with a probability
        of at least `chance`. It is a whole number.""",
    reference=lambda good, chance: math.ceil(math.log(1 - chance) / math.log(1 - good)),
    cases=[
        {"good": 0.05, "chance": 0.95},
        {"good": 0.2, "chance": 0.5},
        {"good": 0.01, "chance": 0.9},
        {"good": 0.6, "chance": 0.5},
    ],
    mistakes=[
        Mistake(
            lambda good, chance: math.floor(math.log(1 - chance) / math.log(1 - good)),
            "this is rounded down, and the chance is then a little too small. Round up.",
        ),
        Mistake(
            lambda good, chance: math.ceil(chance / good),
            "probabilities do not simply add up: after two trials with 60% each you would be at 120%. First "
            "ask how probable it is that *all* trials fail.",
        ),
        Mistake(
            lambda good, chance: math.ceil(1 / good),
            "this is the number of trials with one good setting on average. With as many as that, there is "
            "none in about one search of three.",
        ),
        Mistake(
            lambda good, chance: math.log(1 - chance) / math.log(1 - good),
            "this is not a whole number. Round up.",
        ),
        Mistake(
            lambda good, chance: math.ceil(math.log(chance) / math.log(good)),
            "this asks that *all* trials are good. It is enough that not all of them fail.",
        ),
        Mistake(
            lambda good, chance: math.ceil(math.log(chance) / math.log(1 - good)),
            "all trials may fail with probability 1 - chance, not with probability `chance`.",
        ),
    ],
    hint="""A trial fails with probability 1 - good, and n independent ones all fail with (1 - good)**n. That
        may be at most 1 - chance. Take logarithms; note that they are negative.""",
    solution="""
        def trials_needed(good, chance):
            return int(np.ceil(np.log(1 - chance) / np.log(1 - good)))
    """,
    why="""For the best 5% of a space it takes 59 trials to have a 95% chance, whatever the number of
        hyperparameters. What counts is how large the good region is. A better scale or a smaller range makes
        it larger.""",
)

even_share = Question(
    text="""Learning rates are drawn from 0.0001 to 1, all numbers equally likely. Which share of the trials
        lies below 0.1?""",
    options=(
        "Three quarters, since three of the four powers of ten lie there.",
        "Half.",
        "A tenth.",
    ),
    answer="c",
    feedback=(
        """That would be so if each power of ten had the same number of trials. Look at the squares in the
        lower row of the lab.""",
        """The middle of the numbers is 0.5. Look at the squares in the lower row of the lab.""",
        """The numbers below 0.1 fill a tenth of the way from 0 to 1, however many powers of ten there
        are.""",
    ),
)

second_most = Question(
    text="""A small network is trained with Adam at a good learning rate. Then one hyperparameter at a time is
        moved through a wide range. Which of these changes the dev loss the most?""",
    options=(
        "Momentum: it stands second in many lists, right after the learning rate.",
        "The number of hidden units.",
        "Epsilon: from 1e-10 to 1e-4 it changes a million times.",
    ),
    answer="b",
    feedback=(
        """Compare its row with the grey band. From 0 to 0.99 it hardly leaves it.""",
        """From 4 to 64 units, the dev loss becomes several times lower. Another task may have another
        order.""",
        """A large change of a number need not be a large change of the training. Compare its row with the
        grey band.""",
    ),
)

both_count = Question(
    text="""You have 25 trials for two hyperparameters, and both of them count equally. Which plan comes
        closer to the lowest loss, on average over all places where it may be?""",
    options=(
        "Random trials: a grid repeats its values, so most of it is wasted.",
        "A grid of 5 times 5 that keeps away from the ends.",
        "They are about the same.",
    ),
    answer="b",
    feedback=(
        """It repeats the values of one, but always with another value of the other one. Put the green line of
        the lab at 50%.""",
        """A grid leaves no large hole. Random trials leave some, and crowd elsewhere.""",
        """Random trials leave holes and crowd elsewhere. Put the green line of the lab at 50%.""",
    ),
)

which_shape = Question(
    text="""Momentum in the form v = beta v + gradient, theta = theta - alpha v. Think of the plane of alpha
        and 1 - beta, both on log scales. Which shape has the region of good settings?""",
    options=(
        "A vertical strip: alpha has to be right, and beta hardly counts.",
        "A round patch around one best setting.",
        "A slanted band: a smaller 1 - beta needs a smaller alpha.",
    ),
    answer="c",
    feedback=(
        """Beta says how many gradients add up in v. Press *the map* in the lab.""",
        """One can make up for a change of beta by a change of alpha. Press *the map* in the lab.""",
        """About 1 / (1 - beta) gradients add up in v, so the step is about alpha / (1 - beta) long.""",
    ),
)

bad_start = Question(
    text="""One model is nursed: every 16 steps its learning rate is raised or lowered 2.5 times, whichever
        helps. It begins with a rate that is about 50 times too small. Another one begins with a rate that is
        50 times too large. After 192 steps, which of them is better?""",
    options=(
        "They are about the same: the nurse corrects both.",
        "The one that began too small.",
        "The one that began too large: it made fast progress at first.",
    ),
    answer="b",
    feedback=(
        """The nurse does correct both rates. But what have the weights been through? In the lab, compare
        the start with the preset *too hot*.""",
        """A small rate has changed little, so nothing is lost but time. A large one has thrown the weights
        to a place from which they do not come back so soon.""",
        """Look at its weights: they have been thrown far away. In the lab, compare the start with the preset
        *too hot*.""",
    ),
)

first_night = Question(
    text="""A network is new to you. Tonight, four machines can each train ten models to the end. You want to
        search for the learning rate, beta, the batch size, the units of a layer and the weight decay. What do
        you do?""",
    options=(
        "A grid with two values of each: 32 models.",
        "Forty settings at random, each hyperparameter on its own scale.",
        "One hyperparameter after the other, eight values of each, the others fixed at a first guess.",
        "Watch one model all night and adjust its learning rate by hand.",
    ),
    answer="b",
    feedback=(
        """Two values of the learning rate, 16 times each: probably both are far off, and you learn
        nothing more about it.""",
        """Forty different learning rates, and at the same time forty values of all the others. Tomorrow you
        can look which of them mattered, and search again in the good region.""",
        """That could work, but the best learning rate depends on beta and on the batch: see the slanted band.
        What you found first is no longer best at the end.""",
        """Three machines would have nothing to do. Nursing is for the one large model that you cannot train
        twice.""",
    ),
)

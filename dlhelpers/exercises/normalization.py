"""The exercises and prediction questions of notebook 04a on normalized inputs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.normalization import fit
from dlhelpers.typing import FloatArray

# Normalizing two sets -------------------------------------------------------------------------------

Pair = tuple[FloatArray, FloatArray]
Statistic = Callable[[FloatArray], FloatArray]


def _normalize(X_train: FloatArray, X_test: FloatArray) -> Pair:
    fitted = fit(X_train)
    return fitted.apply(X_train), fitted.apply(X_test)


def _mean(X: FloatArray) -> FloatArray:
    return np.asarray(X.mean(axis=0))


def _std(X: FloatArray) -> FloatArray:
    return np.asarray(X.std(axis=0))


def _by(mean: Statistic, scale: Statistic, constant: bool) -> Callable[[FloatArray, FloatArray], Pair]:
    """Return a function that takes these statistics from the training set.

    `constant` says whether it thinks of constant features, and takes 1 for a scale of 0.
    """

    def normalize(X_train: FloatArray, X_test: FloatArray) -> Pair:
        mu, sigma = mean(X_train), scale(X_train)
        if constant:
            sigma = np.where(sigma == 0, 1, sigma)
        return (X_train - mu) / sigma, (X_test - mu) / sigma

    return normalize


def _own_statistics(constant: bool) -> Callable[[FloatArray, FloatArray], Pair]:
    each = _by(_mean, _std, constant)
    return lambda X_train, X_test: (each(X_train, X_train)[0], each(X_test, X_test)[0])


def _all_rows(constant: bool) -> Callable[[FloatArray, FloatArray], Pair]:
    def normalize(X_train: FloatArray, X_test: FloatArray) -> Pair:
        both = np.concatenate([X_train, X_test])
        one = _by(lambda X: _mean(both), lambda X: _std(both), constant)
        return one(X_train, X_test)

    return normalize


def _train_only(constant: bool) -> Callable[[FloatArray, FloatArray], Pair]:
    return lambda X_train, X_test: (_by(_mean, _std, constant)(X_train, X_test)[0], X_test)


def _zero(X: FloatArray) -> FloatArray:
    return np.zeros(X.shape[1])


_SLIPS: tuple[tuple[Callable[[bool], Callable[[FloatArray, FloatArray], Pair]], str, bool], ...] = (
    (
        lambda constant: _by(_mean, lambda X: _std(X) ** 2, constant),
        "you divided by σ², as the notes do. A feature in thousands then becomes one in thousandths: the "
        "valley is as long as before, and lies the other way. Which power of σ has the unit of x?",
        True,
    ),
    (
        _own_statistics,
        "the test set is scaled by its own mean and deviation. The weights were learned for inputs on "
        "the scale of the training set; which statistics belong to both sets?",
        True,
    ),
    (
        _all_rows,
        "mean and deviation come from both sets together. So the test set takes part in the fitting, and "
        "it is no longer unseen. Which set may be used for fitting?",
        False,
    ),
    (
        _train_only,
        "the test set is returned as it came. The network has learned from normalized inputs; it must "
        "get such inputs in use, too.",
        True,
    ),
    (
        lambda constant: _by(_zero, _std, constant),
        "the mean is not subtracted. The features have one scale now, but they are not centered.",
        True,
    ),
    (
        lambda constant: _by(_mean, lambda X: np.sqrt(np.mean(X**2, axis=0)), constant),
        "σ² = mean of x² holds only after the mean was subtracted, as in the notes, where the lines run one "
        "after the other. You took it from the raw x.",
        False,
    ),
    (
        lambda constant: _by(_mean, lambda X: np.asarray(X.std(axis=0, ddof=1)), constant),
        "you divided by m - 1 (ddof=1). The formula has m. For large m it makes no difference, but the "
        "training set would not have the variance 1 exactly.",
        True,
    ),
    (
        lambda constant: _by(lambda X: np.asarray(X.mean()), lambda X: np.asarray(X.std()), constant),
        "there is one mean and one deviation for all features together, so their scales stay as different as "
        "they were. Which axis counts the examples?",
        False,
    ),
    (
        lambda constant: _by(lambda X: X.min(axis=0), lambda X: np.ptp(X, axis=0), constant),
        "you mapped each feature to the range from 0 to 1. That is another normalization: its result "
        "depends on the two most extreme examples only. The notes ask for mean 0 and variance 1.",
        True,
    ),
)
"""A slip as a function of `constant`, what to say, and whether a constant feature can give 0 / 0 in it."""

_SMALL_NUMBER = """a small number in the denominator avoids 0 / 0, but it makes a constant feature huge as
    soon as a new example differs from it. Take 1 where σ is 0, for instance with np.where."""


def _with_small_number(eps: float) -> list[Statistic]:
    """Return the deviation with this number added, and that with it under the root, unless they agree."""
    beside, under = (lambda X: _std(X) + eps), (lambda X: np.sqrt(X.var(axis=0) + eps))
    return [beside, under] if eps >= 1e-10 else [beside]


_CONSTANT = "Besides, a constant feature gives 0 / 0 here: take 1 for its σ."

normalize = Exercise(
    name="normalize",
    statement="""Return both sets normalized, as (train, test): each feature minus its mean, divided by its
        standard deviation. For a feature that is constant in the training set, take 1 as its deviation.""",
    reference=_normalize,
    cases=[
        {
            "X_train": np.array([[1.0, 10.0], [3.0, 30.0], [8.0, 20.0]]),
            "X_test": np.array([[2.0, 20.0], [5.0, 4.0]]),
        },
        {
            "X_train": np.array(
                [[-2.0, 100.0, 0.1], [0.0, 400.0, 0.4], [3.0, 200.0, 0.3], [5.0, 100.0, 0.2]]
            ),
            "X_test": np.array([[1.0, 300.0, 0.5], [4.0, 50.0, 0.2], [2.0, 150.0, 0.0]]),
        },
        {
            "X_train": np.array([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]]),
            "X_test": np.array([[3.0, 5.0], [4.0, 7.0]]),
        },
    ],
    mistakes=[
        Mistake(
            _by(_mean, _std, constant=False),
            "only the constant feature is left: its deviation is 0, and 0 / 0 is not a number. Take 1 "
            "where σ is 0, for instance with np.where.",
        ),
        *(
            Mistake(_by(_mean, scale, constant=False), _SMALL_NUMBER)
            for eps in (2.2e-16, 1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
            for scale in _with_small_number(eps)
        ),
        *(Mistake(slip(True), text) for slip, text, _ in _SLIPS),
        *(Mistake(slip(False), f"{text} {_CONSTANT}") for slip, text, divides in _SLIPS if divides),
    ],
    hint="""Compute mu and sigma from X_train with axis=0, one number for each feature. Then use the same
        two for both sets. np.where(sigma == 0, 1, sigma) takes care of a constant feature.""",
    solution="""
        def normalize(X_train, X_test):
            mu, sigma = X_train.mean(axis=0), X_train.std(axis=0)
            sigma = np.where(sigma == 0, 1, sigma)
            return (X_train - mu) / sigma, (X_test - mu) / sigma
    """,
    why="""mu and sigma belong to the network like its weights: they are fitted on the training set, and
        kept. So the test set need not have mean 0, and a shift of it stays visible. normalization.fit does
        the same.""",
)

# The rate of a valley -------------------------------------------------------------------------------


def _curvatures(X: FloatArray) -> Any:
    return np.linalg.eigvalsh(X.T @ X / len(X))


def _rate_from(formula: Callable[[Any], Any]) -> Callable[[FloatArray], Any]:
    """Return the function that makes a rate from the curvatures, smallest first."""
    return lambda X: formula(_curvatures(X))


valley_rate = Exercise(
    name="valley_rate",
    statement="""Return the best learning rate of gradient descent for a linear model without bias, whose
        loss is the mean squared error over 2, equation (4). X holds the inputs, (m, n_features). The
        curvatures of the valley are the eigenvalues of XᵀX / m; np.linalg.eigvalsh gives them, the
        smallest first.""",
    reference=_rate_from(lambda curvatures: 2 / (curvatures[0] + curvatures[-1])),
    cases=[
        {"X": np.array([[2.0, 0.0], [0.0, 1.0]])},
        {"X": np.array([[3.0, 1.0], [1.0, 2.0], [-2.0, 1.0]])},
        {"X": np.array([[1.0, 2.0, 0.5], [0.0, 1.0, -1.0], [2.0, -1.0, 1.0], [1.0, 1.0, 3.0]])},
    ],
    mistakes=[
        Mistake(
            _rate_from(lambda curvatures: 1 / curvatures[-1]),
            "this is the rate that is right for the steepest direction alone. The flat one would then move "
            "slowly; a somewhat larger rate serves both.",
        ),
        Mistake(
            _rate_from(lambda curvatures: 2 / curvatures[-1]),
            "at this rate the steepest direction jumps from wall to wall and comes no nearer. It is the "
            "limit, not the best rate.",
        ),
        Mistake(
            _rate_from(lambda curvatures: 1 / curvatures[0]),
            "this is the rate that is right for the flattest direction alone. In a long valley the steepest "
            "one diverges with it.",
        ),
        Mistake(
            _rate_from(lambda curvatures: 1 / (curvatures[0] + curvatures[-1])),
            "this is half of the best rate. Put it into 1 - αλ for both curvatures: are the factors equally "
            "large, with opposite signs?",
        ),
        Mistake(
            _rate_from(lambda curvatures: 2 / curvatures.sum()),
            "this adds all the curvatures. With three features or more, only the largest and the smallest "
            "decide.",
        ),
        Mistake(
            lambda X: 2 / (np.linalg.eigvalsh(X.T @ X)[[0, -1]].sum()),
            "the sum over the examples is not divided by m. The loss is a mean.",
        ),
        Mistake(
            lambda X: 2 / np.linalg.svd(X / np.sqrt(len(X)), compute_uv=False)[[0, -1]].sum(),
            "these are the singular values of X. The curvatures are their squares.",
        ),
        Mistake(
            _rate_from(
                lambda curvatures: (curvatures[-1] - curvatures[0]) / (curvatures[-1] + curvatures[0])
            ),
            "this is ρ, the factor by which a step shortens the distance. You were asked for the rate.",
        ),
    ],
    hint="""Let the curvatures be an array. The last one is the largest. What must α be, so that 1 - α
        λ_max and 1 - α λ_min are equally large, with opposite signs?""",
    solution="""
        def valley_rate(X):
            curvatures = np.linalg.eigvalsh(X.T @ X / len(X))
            return 2 / (curvatures[0] + curvatures[-1])
    """,
    why="""At this rate 1 - α λ_max = -(1 - α λ_min): neither end of the valley is the slower one. If the
        inputs are normalized and not correlated, both curvatures are 1, the rate is 1, and one step is
        enough.""",
)

# Questions ------------------------------------------------------------------------------------------

long_valley = Question(
    text="""Two features have the standard deviations 5 and 1, and mean 0. The valley of the loss is then
        5 times as long as wide. You divide each feature by its variance σ². What does the valley look
        like now?""",
    options=(
        "Round: both features are on one scale now.",
        "Still 5 times as long as wide, but it lies in the other direction.",
        "25 times as long as wide: squaring makes it worse.",
        "The same as before: dividing by numbers does not change the problem.",
    ),
    answer="b",
    feedback=(
        """Compute the two standard deviations after the division. Then press *by σ²* in the lab, and look at
        the data.""",
        """The deviations are 5/25 = 0.2 and 1/1 = 1 now. The large feature and the small one have changed
            places.""",
        """What is the standard deviation of x / σ², if that of x is σ? Press *by σ²* in the lab, and look at
        the data.""",
        """The best predictions stay the same. Does the loss, as a function of the weights? Press *by σ²*
            in the lab, and compare the blue lines with the grey one.""",
    ),
)

hard_start = Question(
    text="""Gradient descent runs at its best rate in the long valley. You may choose where it starts, at any
        distance from the lowest point. Where does a step leave the smallest share of the excess loss?""",
    options=(
        "On the floor of the valley: there it needs no zigzag.",
        "High on a steep wall: there the gradient is largest.",
        "Nowhere: the share is the same from everywhere.",
    ),
    answer="c",
    feedback=(
        "Take hold of the green point in the lab, put it on the floor, and read the share in the caption.",
        "Take hold of the green point in the lab, put it on a wall, and read the share in the caption.",
        "At the best rate the steep and the flat direction shrink by the same factor; only the sign differs.",
    ),
)

one_patient = Question(
    text="""A model was trained on normalized inputs. In use, one example comes at a time. A program
        normalizes it by its own mean and standard deviation. What does the model answer?""",
    options=(
        "The right answers: normalizing is always done in the same way.",
        "Right answers on average, but noisy ones: one example is a small sample.",
        "Answers that are a little too small.",
        "The same answer for every example.",
    ),
    answer="d",
    feedback=(
        """The formula is the same. Which numbers stand in it? In the lab, press *a single example*, and
            drag the green mark.""",
        """What is x - μ, if μ is the mean of this one example? In the lab, press *a single example*, and drag
        the green mark.""",
        """By how much, for an example far away? In the lab, press *a single example*, and drag the green
            mark.""",
        "One example is its own mean. After the subtraction nothing of it is left: every feature is 0.",
    ),
)

two_hospitals = Question(
    text="""Your model was trained with the patients of hospital A. Now it is used in hospital B, whose
        patients are 20 years older on average. One of the inputs is the age. How do you normalize B's
        patients?""",
    options=(
        "By mean and deviation of B's patients: B is another population.",
        "By mean and deviation of A's training set.",
        "By mean and deviation of both hospitals together, computed again.",
    ),
    answer="b",
    feedback=(
        """Then the patient of average age in B looks to the model like one of average age in A. Was that what
        the model has learned about age?""",
        """The weights were fitted to these numbers. The 20 years stay visible to the model. Whether it is
            good at such ages is another question, and one to test: it has seen few of them.""",
        """The weights were fitted to inputs on A's scale. Would they still fit, without new training?""",
    ),
)

"""The exercises and prediction questions of notebook 04."""

from collections.abc import Callable

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

# He's weights ---------------------------------------------------------------------------------------

he_weights = Exercise(
    name="he_weights",
    statement="""Return first weights for a ReLU layer, of the mean 0 and the variance of He. G has the
        shape of W, (n_out, n_in), and holds standard normal numbers.""",
    reference=lambda G: G * np.sqrt(2 / G.shape[1]),
    cases=[
        {"G": np.array([[1.0, -2.0, 0.5, 1.0], [0.0, 1.0, -1.0, 2.0]])},
        {"G": np.array([[0.5, 1.0], [-1.0, 0.2], [2.0, -0.4]])},
        {"G": np.array([[1.0, -1.0, 0.3, 0.7, -0.2, 1.5, -0.6, 0.1]])},
    ],
    mistakes=[
        Mistake(
            lambda G: G * 2 / G.shape[1],
            "2 / n_in is the variance. You multiplied by it, so it is the standard deviation now. Which step "
            "leads from one to the other?",
        ),
        Mistake(
            lambda G: G * np.sqrt(2 / G.shape[0]),
            "you took the number of outputs. The sum in z runs over the inputs; where do they stand in the "
            "shape (n_out, n_in)?",
        ),
        Mistake(
            lambda G: G * np.sqrt(1 / G.shape[1]),
            "this is the variance 1 / n_in, for tanh. ReLU cuts off half of the mean square; what makes "
            "up for it?",
        ),
        Mistake(
            lambda G: G * np.sqrt(2 / sum(G.shape)),
            "this is Glorot's variance, 2 / (n_in + n_out). It is a compromise between the way up and "
            "the way down, and it does not know of ReLU.",
        ),
        Mistake(
            lambda G: G * np.sqrt(2) / G.shape[1],
            "the root goes over the whole fraction: n_in stands under it, too.",
        ),
        Mistake(
            lambda G: G * 2 / np.sqrt(G.shape[1]),
            "the root goes over the whole fraction: the 2 stands under it, too.",
        ),
        Mistake(
            lambda G: G * np.sqrt(G.shape[1] / 2),
            "you divided where you should multiply. The more inputs there are, the smaller each weight "
            "must be.",
        ),
        Mistake(
            lambda G: G * np.sqrt(2 / G.size),
            "G.size is the number of all weights. A unit sums over its own inputs only.",
        ),
        Mistake(
            lambda G: G * np.sqrt(6 / G.shape[1]),
            "sqrt(6 / n_in) is the limit of uniform numbers with this variance. G is normal: it needs the "
            "standard deviation.",
        ),
        Mistake(
            lambda G: np.full(G.shape, G[0, 0] * np.sqrt(2 / G.shape[1])),
            "all weights are one number, as with np.random.randn() without a shape. Then all units of "
            "the layer compute the same.",
        ),
    ],
    hint="""If the numbers in G have the standard deviation 1, those in s * G have the standard deviation s.
        Which s has the square 2 / n_in? G.shape is (n_out, n_in).""",
    solution="""
        def he_weights(G):
            n_out, n_in = G.shape
            return G * np.sqrt(2 / n_in)
    """,
    why="""z is a sum of n_in terms, so Var[z] = n_in Var[w] E[a²]. ReLU leaves half of the mean square of
        z. With n_in Var[w] = 2 the two cancel, and the signal neither grows nor shrinks from layer to
        layer.""",
)

# How a mean square grows ----------------------------------------------------------------------------

relu_growth = Exercise(
    name="relu_growth",
    statement="""Return the factor by which the mean square of the activations, E[a²], changes over this many
        ReLU layers of n units each. The weights have the mean 0 and this variance.""",
    reference=lambda n, variance, layers: (n * variance / 2) ** layers,
    cases=[
        {"n": 10, "variance": 0.1, "layers": 2},
        {"n": 4, "variance": 1.5, "layers": 3},
        {"n": 50, "variance": 0.06, "layers": 5},
    ],
    mistakes=[
        Mistake(
            lambda n, variance, layers: (n * variance) ** layers,
            "this is right for linear layers. What does ReLU do to the half of the z that is negative?",
        ),
        Mistake(
            lambda n, variance, layers: (n * variance) ** layers / 2,
            "ReLU takes half in each layer, not once.",
        ),
        Mistake(
            lambda n, variance, layers: (n * variance / 2) ** (layers / 2),
            "this is the factor of the size, the root of the mean square. You were asked for the mean "
            "square.",
        ),
        Mistake(
            lambda n, variance, layers: (n * variance / np.sqrt(2)) ** layers,
            "ReLU divides the size by √2, and the mean square by 2.",
        ),
        Mistake(
            lambda n, variance, layers: (n * variance / 4) ** layers,
            "half of the z become 0, but the other half keep their square: the mean square is halved, not "
            "divided by 4.",
        ),
        Mistake(
            lambda n, variance, layers: (variance / 2) ** layers,
            "n is missing: z is a sum of n terms, and their variances add up.",
        ),
        Mistake(
            lambda n, variance, layers: layers * n * variance / 2,
            "each layer multiplies what the layer before it has left. So the factors are multiplied, not "
            "added.",
        ),
        Mistake(
            lambda n, variance, layers: n * variance / 2,
            "this is the factor of one layer.",
        ),
        Mistake(
            lambda n, variance, layers: (n * np.sqrt(variance) / 2) ** layers,
            "you took the standard deviation of the weights. Equation (1) has their variance.",
        ),
        Mistake(
            lambda n, variance, layers: (n * variance**2 / 2) ** layers,
            "the variance is given already; you squared it once more.",
        ),
    ],
    hint="""For one layer: Var[z] = n Var[w] E[a²]. z is as often positive as negative, so ReLU keeps half
        of its mean square. Then each layer multiplies by the same number.""",
    solution="""
        def relu_growth(n, variance, layers):
            one_layer = n * variance / 2
            return one_layer**layers
    """,
    why="""Each layer multiplies E[a²] by n Var[w] / 2. Only a factor of 1 stays near 1 in the end, and that
        is the variance 2/n. A factor of 0.5 leaves 10^-15 of the mean square after 50 layers.""",
)

# Predictions ----------------------------------------------------------------------------------------

long_valley = Question(
    text="""Two features have the standard deviations 5 and 1, and mean 0. The valley of the loss is then 5
        times as long as wide. You divide each feature by σ², as the notes write. What does the valley look
        like?""",
    options=(
        "Round: both features are on one scale now.",
        "Still 5 times as long as wide, but it lies in the other direction.",
        "25 times as long as wide: squaring makes it worse.",
        "The same as before: dividing by numbers does not change the problem.",
    ),
    answer="b",
    feedback=(
        """It would be round after x / σ. But 5 / 25 = 0.2, and 1 / 1 = 1: the first feature is now the
        small one, by the same factor of 5. In the lab, set the means to 0 and compare the condition
        numbers.""",
        """σ / σ² = 1 / σ. So the deviations are 0.2 and 1: the small feature and the large one have changed
        places, and the condition number is the same, about 25. In the lab, the valley turns by a right
        angle.""",
        """The deviation of x / σ² is 1 / σ, not σ² or 1 / σ². That gives 0.2 and 1, a ratio of 5 once more.
        In the lab, the condition number is the same as for centered data.""",
        """The best predictions stay the same. But the shape of the valley depends on the scales of the
        features, and with it the number of steps. In the lab, compare the two valleys.""",
    ),
)

one_patient = Question(
    text="""A network was trained on normalized inputs. In use, one example comes at a time. A program
        normalizes it by its own mean and standard deviation. What does the network answer?""",
    options=(
        "The right answers: normalizing is always done in the same way.",
        "Right answers on average, but noisy ones: one example is a small sample.",
        "Answers that are a little too small.",
        "The same answer for every example.",
    ),
    answer="d",
    feedback=(
        """The formula is the same, but not the numbers in it. A single example is its own mean, so x - μ is
        0, whatever x is. In the lab, choose the test set by its own, and one test example.""",
        """It is worse than noise. The mean of one example is the example itself: after the subtraction
        nothing of it is left. In the lab, choose the test set by its own, and one test example.""",
        """Too small, but not a little: x - μ is exactly 0 for every feature. In the lab, choose the test
        set by its own, and one test example.""",
        """x - μ is 0 for every feature, so all examples look alike to the network. With more examples the
        error is less plain to see, but a shift of the whole test set is lost in the same way.""",
    ),
)

halves = Question(
    text="""50 linear layers of 64 units; every weight is 0.5. The notes say that small weights make the
        activations shrink exponentially. What happens to a signal of positive numbers?""",
    options=(
        "Each layer halves it: 0.5 to the power of 50 is about 10^-15.",
        "It keeps its size: half of the weights' sum goes up, half is lost.",
        "Each layer makes it 32 times as large.",
        "Each layer makes it 4 times as large: 0.5 times the root of 64.",
    ),
    answer="c",
    feedback=(
        """That is right for a chain of single units. Here each unit adds up 64 inputs, each times 0.5. In
        the lab, press both buttons with 0.5 and compare.""",
        """A unit adds up 64 equal numbers times 0.5. That is 32 times one of them. In the lab, press the
        button for 0.5 and 64 units.""",
        """A unit adds up 64 numbers, each times 0.5: 32 times their mean. A matrix is large or small by its
        singular values, not by its entries. In the lab, the curve leaves the frame after 8 layers.""",
        """The root of 64 is right for random weights, whose signs differ: they cancel in part. All of these
        have the same sign. In the lab, press the button for 0.5 and 64 units.""",
    ),
)

relu_depth = Question(
    text="""Random weights with the variance 1/n keep the size of a signal in linear layers. Now put ReLU
        into each of 50 layers, with the same weights. How large are the activations of the last layer,
        compared to those of the first?""",
    options=(
        "As large: ReLU does not change positive numbers.",
        "About half as large: half of the units are off.",
        "About 10^-15 times: ReLU halves the size in each layer.",
        "About 10^-8 times.",
    ),
    answer="d",
    feedback=(
        """ReLU sets the negative half to 0, in each of the layers. What one layer takes away is multiplied 50
        times. In the lab, press the button for ReLU at g = 1.""",
        """Half of the units are off in each layer, not once. In the lab, press the button for ReLU at g = 1
        and look at the slope.""",
        """ReLU halves the mean square. The size is its root, so each layer multiplies it by 0.71, not by
        0.5. In the lab, press the button for ReLU at g = 1.""",
        """ReLU halves the mean square, so each layer multiplies the size by 1/√2, about 0.71. 0.71 to
        the power of 49 is about 4 times 10^-8. A gain of √2 makes up for it, and that is He's variance,
        2/n.""",
    ),
)

which_start = Question(
    text="""A network with 8 hidden ReLU layers learns digits. Several starts are compared; each gets the
        learning rate that suits it best. Which statement is right?""",
    options=(
        "Weights of the variance 2/n come farther than those of 1/n; weights of 0.01 learn nothing.",
        "All come equally far: a higher rate makes up for small weights.",
        "Weights of 0.01 are the safest: nothing can explode.",
        "Weights with σ = 1 come farthest: a larger signal has more to say.",
    ),
    answer="a",
    feedback=(
        """With the variance 2/n the signal reaches the last layer, and the gradient the first. With 0.01
        both are lost on the way, and no rate of the row helps. In the lab, compare the curves.""",
        """The gradient of weights of 0.01 is smaller by many powers of ten, and by another factor in each
        layer. No single rate fits all layers. In the lab, look at the loss over the learning rate.""",
        """Nothing explodes, and nothing moves: the loss stays at that of guessing, 2.30. In the lab, choose
        small weights.""",
        """The signal is 10^5 at the last layer. The loss is in the thousands, and the first step is so large
        that training diverges, or all units die. In the lab, press the button for weights that are too
        large.""",
    ),
)

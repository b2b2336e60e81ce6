"""The exercises and prediction questions of notebook 09."""

import numpy as np

from dlhelpers import calibration, softmax
from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import BoolArray, FloatArray

_Z = np.array([[1.0, 2.0], [3.0, 0.0], [2.0, 2.0]])
_Z_LARGE = np.array([[1000.0, -3.0], [1002.0, 1.0], [999.0, 0.5]])
_Y = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
_Y_LARGE = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])


def _divided(T: FloatArray, axis: int | None = 0) -> FloatArray:
    return T / T.sum(axis=axis, keepdims=True)


# Softmax --------------------------------------------------------------------------------------------

stable_softmax = Exercise(
    name="stable_softmax",
    statement="""Return the probabilities for the logits Z of shape (n_classes, m): each column is an
        example. Logits may be as large as 1000.""",
    reference=softmax.softmax,
    cases=[{"Z": _Z}, {"Z": _Z_LARGE}, {"Z": -_Z_LARGE}],
    mistakes=[
        Mistake(
            lambda Z: _divided(np.exp(Z)),
            "right for small logits, but e^1000 overflows, and overflow divided by overflow is no number. "
            "Subtract the largest logit of each column first: equation (3).",
        ),
        Mistake(
            lambda Z: _divided(np.exp(Z - Z.max())),
            "you subtract the largest logit of all examples. Then the columns with small logits may become "
            "0 divided by 0. Each column needs its own maximum: Z.max(axis=0).",
        ),
        Mistake(
            lambda Z: _divided(np.exp(Z - Z.max(axis=1, keepdims=True)), axis=1),
            "the rows add up to 1. Each column is an example, so its numbers over the classes, axis 0, must.",
        ),
        Mistake(
            lambda Z: _divided(np.exp(Z - Z.max(axis=0)), axis=None),
            "all numbers together add up to 1. Each example has probabilities of its own: sum over axis 0.",
        ),
        Mistake(
            lambda Z: np.exp(Z - Z.max(axis=0)),
            "the division is missing: this is t. Its columns do not add up to 1.",
        ),
        Mistake(
            lambda Z: _divided(Z),
            "exp is missing. A sum of logits may be 0, and a share of it may be negative.",
        ),
        Mistake(
            lambda Z: _divided(np.exp(Z / Z.max(axis=0))),
            "you divide by the largest logit. That is another temperature for each example. Subtract it.",
        ),
        Mistake(
            lambda Z: _divided(np.exp(Z.min(axis=0) - Z)),
            "the signs are reversed: the largest logit must get the largest probability.",
        ),
        Mistake(
            softmax.hardmax,
            "this is hardmax: 1 for the largest logit. Softmax leaves a share to the others.",
        ),
        Mistake(
            softmax.log_softmax,
            "this is the logarithm of softmax. Take exp of it.",
        ),
        Mistake(
            lambda Z: 0.5 * (1 + np.tanh(Z / 2)),
            "this is a sigmoid for each logit. The columns do not add up to 1: the classes do not compete.",
        ),
    ],
    hint="""Z.max(axis=0) is the largest logit of each column, with shape (m,). NumPy subtracts it from
        every row. Then exp, and divide by the sum over axis 0.""",
    solution="""
        def stable_softmax(Z):
            T = np.exp(Z - Z.max(axis=0))
            return T / T.sum(axis=0)
    """,
    why="""The largest exponent is 0, so nothing overflows; the sum is 1 or more, so nothing is divided by
        0. Both forms are equal: the factor e^max stands above and below the line.""",
)

# The gradient ---------------------------------------------------------------------------------------


def _gradient(Z: FloatArray, Y: FloatArray) -> FloatArray:
    return (softmax.softmax(Z) - Y) / Z.shape[1]


softmax_gradient = Exercise(
    name="softmax_gradient",
    statement="""Return dJ/dZ, of shape (n_classes, m), for the logits Z and the one-hot labels Y, both
        (n_classes, m). J is the cross-entropy, as a mean over the m examples. You may use your stable
        softmax, or write it again.""",
    reference=_gradient,
    cases=[{"Z": _Z, "Y": _Y}, {"Z": _Z_LARGE, "Y": _Y_LARGE}],
    mistakes=[
        Mistake(
            lambda Z, Y: softmax.softmax(Z) - Y,
            "this is the gradient of the loss of each example. J is their mean, so each has the factor 1/m.",
        ),
        Mistake(
            lambda Z, Y: (softmax.softmax(Z) - Y) / Z.size,
            "you divide by n_classes times m. The mean is over the m examples only; over the classes J sums.",
        ),
        Mistake(
            lambda Z, Y: (softmax.softmax(Z) - Y) / Z.shape[0],
            "you divide by the number of classes. The mean is over the examples: Z.shape[1].",
        ),
        Mistake(
            lambda Z, Y: -_gradient(Z, Y),
            "the sign is reversed. Raising the logit of the right class lowers J: its derivative is below 0.",
        ),
        Mistake(
            lambda Z, Y: -Y / softmax.softmax(Z) / Z.shape[1],
            "this is the derivative with respect to the probabilities. The way from there to the logits is "
            "missing: the derivative of softmax.",
        ),
        Mistake(
            lambda Z, Y: _gradient(Z, Y) * softmax.softmax(Z) * (1 - softmax.softmax(Z)),
            "there is a factor ŷ (1 - ŷ) too many. For cross-entropy it cancels; that is why a sure mistake "
            "still has a large gradient.",
        ),
        Mistake(
            lambda Z, Y: np.sum(_gradient(Z, Y), axis=1, keepdims=True),
            "you summed over the examples: this is db of the last layer. dJ/dZ keeps a column for each.",
        ),
    ],
    hint="""For one example the gradient of its loss is ŷ - y. Which factor does the mean bring?""",
    solution="""
        def softmax_gradient(Z, Y):
            T = np.exp(Z - Z.max(axis=0))
            return (T / T.sum(axis=0) - Y) / Z.shape[1]
    """,
    why="""Each example has ŷ - y, and 1/m of the say. In every column the numbers add up to 0: what the
        right logit gains, the others lose.""",
)

# Calibration ----------------------------------------------------------------------------------------

_CONFIDENCE = np.array([0.55, 0.95, 0.95, 0.85, 0.85, 0.85])
_CORRECT = np.array([True, True, False, True, False, False])
_CONFIDENCE_2 = np.array([0.31, 0.62, 0.68, 0.97, 0.71, 0.99, 0.64, 0.35])
_CORRECT_2 = np.array([True, False, True, True, False, True, True, False])


def _bins(confidence: FloatArray, correct: BoolArray) -> list[tuple[float, int]]:
    """Return the gap, share of hits minus confidence, and the count of each bin that is not empty."""
    k = np.minimum((10 * confidence).astype(int), 9)
    return [
        (float(correct[k == b].mean() - confidence[k == b].mean()), int((k == b).sum())) for b in np.unique(k)
    ]


def _mean_gap(confidence: FloatArray, correct: BoolArray) -> float:
    return float(np.mean([abs(gap) for gap, _ in _bins(confidence, correct)]))


calibration_error = Exercise(
    name="calibration_error",
    statement="""Return the expected calibration error. confidence (m,) holds numbers from 0 to 1, correct
        (m,) True where the answer hits. Use ten bins of width 0.1; for each bin that is not empty, take
        the gap between its share of hits and its mean confidence, without sign. Weigh it by the bin's
        share of the answers.""",
    reference=lambda confidence, correct: calibration.reliability(confidence, correct, 10).error,
    cases=[
        {"confidence": _CONFIDENCE, "correct": _CORRECT},
        {"confidence": _CONFIDENCE_2, "correct": _CORRECT_2},
    ],
    mistakes=[
        Mistake(
            lambda c, ok: abs(float(np.mean(c) - np.mean(ok))),
            "this is the gap of the two means over all answers. Bins that are too sure and bins that are not "
            "sure enough cancel in it: take the absolute value in each bin, then the mean.",
        ),
        Mistake(
            _mean_gap,
            "every bin counts the same here. A bin with one answer must not weigh as much as one with fifty: "
            "multiply by its count, and divide by m.",
        ),
        Mistake(
            lambda c, ok: sum(abs(gap) for gap, _ in _bins(c, ok)),
            "you summed the gaps. Each needs its weight, the bin's count divided by m.",
        ),
        Mistake(
            lambda c, ok: max(abs(gap) for gap, _ in _bins(c, ok)),
            "this is the largest gap, the *maximum* calibration error. Expected means the mean over answers.",
        ),
        Mistake(
            lambda c, ok: sum(n * gap**2 for gap, n in _bins(c, ok)) / len(c),
            "you squared the gaps. This error takes them without sign, not squared.",
        ),
        Mistake(
            lambda c, ok: _mean_gap(c, ok) * len(_bins(c, ok)) / 10,
            "you divide by ten bins, also the empty ones, and every bin counts the same. The weight is the "
            "bin's count divided by m.",
        ),
        Mistake(
            lambda c, ok: float(np.mean(np.abs(c - ok))),
            "there are no bins in it. A single answer hits or does not; only the share of hits of many can "
            "be near the confidence.",
        ),
        Mistake(
            lambda c, ok: 1 - float(np.mean(ok)),
            "this is the error rate. It says how often the answer is wrong, not whether that was announced.",
        ),
    ],
    hint="""k = np.minimum((10 * confidence).astype(int), 9) is the bin of each answer. For a bin, m times
        weight times gap is the absolute value of the *sum* of correct - confidence. np.bincount(k,
        weights=...) sums by bin.""",
    solution="""
        def calibration_error(confidence, correct):
            k = np.minimum((10 * confidence).astype(int), 9)
            gaps = np.bincount(k, weights=correct - confidence)
            return np.abs(gaps).sum() / len(confidence)
    """,
    why="""With weight count / m and a gap of means, the count cancels: only sums remain, and empty bins add
        0.""",
)

# Predictions ----------------------------------------------------------------------------------------

shift = Question(
    text="""The logits are 5, 2, -1 and 3. You add 710 to each of them, and compute softmax as it is written,
        in 64-bit numbers. What comes out?""",
    options=(
        "The same probabilities as before.",
        "The largest gets probability 1, the others 0.",
        "All four get 1/4: next to 710 the differences hardly count.",
        "No probabilities: the computation fails.",
    ),
    answer="d",
    feedback=(
        """That is so on paper: the factor e^710 stands above and below the line. A computer has to write
        it down first. Press *overflow* in the lab.""",
        """A common factor makes nobody larger than the others. Read the numbers in the middle of the lab.""",
        """Softmax sees differences only, however large the numbers are. Press *710, stable* in the lab.""",
        """The numbers in the middle of the lab show which of the four still has a finite exp.""",
    ),
)

which_wins = Question(
    text="""A network answers cat .5, dog .3, fox .2 at T = 1. Is there a temperature at which dog has
        the largest probability?""",
    options=(
        "Yes, a high one: hot means that the weaker classes come forward.",
        "Yes, a low one: cold sharpens the differences.",
        "No, at every temperature cat is ahead.",
    ),
    answer="c",
    feedback=(
        """Hot brings the others nearer, up to 1/3 each. Does the line in the triangle ever cross a dashed
        border?""",
        """Cold makes the first one ever stronger. In the lab, follow the line to its cold end.""",
        """Dividing all logits by the same positive number keeps their order. In the lab, the line stays in
        one third of the triangle.""",
    ),
)

outlier = Question(
    text="""Sixty points of three classes, and a network without hidden layer. One point of the violet
        class lies in the middle of the amber ones. It counts as 20 examples. What happens to the map?""",
    options=(
        "A violet island grows around the point.",
        "The border between violet and amber moves and turns, but stays straight; amber points are lost.",
        "Nothing: one point does not matter.",
    ),
    answer="b",
    feedback=(
        """For an island the border would have to bend. Where are two linear functions equal? Look at the
        map, then choose *8 tanh units*.""",
        """Each logit is a linear function of x, so two of them are equal along a straight line. Compare
        the share of new points that are right with that at the weight 1.""",
        """It counts as 20, beside 20 others of each class. Watch the border while you move the weight.""",
    ),
)

worst_mistake = Question(
    text="""A network with 32 hidden units reads about 97% of new digits correctly. Among its ten or fifteen
        mistakes on 386 dev digits, look at the one that it was surest of. How sure was it?""",
    options=(
        "About 40%: when it errs, it hesitates.",
        "About 70%.",
        "More than 90%.",
    ),
    answer="c",
    feedback=(
        """Some mistakes are like that. The numbers below the pictures in the lab tell how sure each was.""",
        """That is nearer to the middle of the mistakes. The numbers below the pictures in the lab tell how
        sure each was.""",
        """Cross-entropy on digits that it knows by heart rewards being ever surer, and the network does not
        know which new digit is unlike them.""",
    ),
)

small_sample = Question(
    text="""You look at 27 test digits in ten bins. Suppose that the network is perfectly calibrated: of the
        answers with 80%, in truth 80% hit. Which expected calibration error do you measure?""",
    options=(
        "About 0.",
        "About .01.",
        "About .1.",
    ),
    answer="c",
    feedback=(
        """That would be so with endlessly many digits. In a bin with two answers, the share of hits is 0,
        .5 or 1. Press *only 27 digits*.""",
        """Closer to that with thousands of digits. Press *only 27 digits*, and look at the gray columns.""",
        """Luck alone makes gaps, the error has no sign to cancel them, and most bins hold one or two answers.
        See the gray columns of *only 27 digits*.""",
    ),
)

smoothing = Question(
    text="""On clean digits, the network's calibration error is about .02. Now it is trained again with
        label smoothing .1, and nothing else is changed. What does the calibration error do?""",
    options=(
        "It falls: smoothing is known to make networks less sure of themselves.",
        "It stays about the same.",
        "It rises to more than .1.",
    ),
    answer="c",
    feedback=(
        """Less sure it makes it. But was this network too sure? Press *clean digits*, then *clean,
        smoothed*, and look at which side of the line the dots lie.""",
        """Press *clean digits*, then *clean, smoothed*: how far do the dots move?""",
        """The network learns to say about .9 where it is right nearly always. It was hardly too sure
        before; now it is not sure enough.""",
    ),
)

decision = Question(
    text="""A network reads the amounts on checks. What it is less sure of than 95% goes to a person. On 387
        dev checks its calibration error is .10; perfect models would show up to .03, and it is too sure. You
        may do one thing before it goes to work. What?""",
    options=(
        "Train on until the train loss is lower.",
        "Lower the limit from 95% to 85%, so that fewer checks go to a person.",
        "Fit a temperature on dev checks, keep it, and check the calibration on others.",
        "Fit a temperature on the training checks: there are more of them.",
    ),
    answer="c",
    feedback=(
        """A lower train loss makes it surer, and it is too sure already. In the lab, watch the calibration
        error while it trains: choose a new seed.""",
        """It says 95% and hits less often. A lower limit lets even more of its mistakes through.""",
        """One number, and no answer changes; the limit of 95% then means about what it says. The check needs
        examples that had no part in the fit.""",
        """On its training set it is right nearly always, so being sure looks right there. The fit asks how
        sure it may be on *new* ones.""",
    ),
)

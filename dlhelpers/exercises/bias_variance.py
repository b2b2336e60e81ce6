"""The exercises and prediction questions of notebook 01."""

import numpy as np

from dlhelpers import bias_variance as core
from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import FloatArray

# How precise is an accuracy? ------------------------------------------------------------------------

standard_error = Exercise(
    name="standard_error",
    statement="Return the standard error of an accuracy (a fraction) that was measured on n examples.",
    reference=core.standard_error,
    cases=[
        {"accuracy": 0.8, "n": 100},
        {"accuracy": 0.95, "n": 400},
        {"accuracy": 0.3, "n": 50},
        {"accuracy": 1.0, "n": 20},
    ],
    mistakes=[
        Mistake(
            lambda accuracy, n: accuracy * (1 - accuracy) / n,
            "this is the variance of the accuracy. The standard error has the unit of the accuracy: "
            "which step leads from a variance to it?",
        ),
        Mistake(
            lambda accuracy, n: np.sqrt(accuracy * (1 - accuracy)) / n,
            "n stands outside of the root. With it the error would fall to a quarter for four times the "
            "examples; it falls to a half only.",
        ),
        Mistake(
            lambda accuracy, n: np.sqrt(accuracy / n),
            "the factor 1 - p is missing. A model that is always right (p = 1) has nothing that could "
            "scatter; what does your function say there?",
        ),
        Mistake(
            lambda accuracy, n: np.sqrt((1 - accuracy) / n),
            "the factor p is missing. The error of an accuracy of 0.3 must be that of an error rate of 0.3.",
        ),
        Mistake(
            lambda accuracy, n: np.sqrt(accuracy * (1 - accuracy)),
            "this is how much a single example scatters. What does the mean of n of them do?",
        ),
        Mistake(
            lambda accuracy, n: np.sqrt(accuracy * (1 - accuracy) * n),
            "this is the scatter of the number of right answers. Divide it by n to have that of their share.",
        ),
        Mistake(
            lambda accuracy, n: np.sqrt(accuracy * (1 - accuracy) / (n - 1)),
            "you divided by n - 1. The formula has n: it is the scatter for a known p, not an estimate from "
            "a sample.",
        ),
        Mistake(
            lambda accuracy, n: 100 * np.sqrt(accuracy * (1 - accuracy) / n),
            "this is in percent. The accuracy comes as a fraction; return a fraction, too.",
        ),
        Mistake(
            lambda accuracy, n: np.sqrt(accuracy * (100 - accuracy) / n),
            "100 - p is for percent. The accuracy comes as a fraction: 0.8, not 80.",
        ),
        Mistake(
            lambda accuracy, n: np.sqrt(accuracy / 100 * (1 - accuracy / 100) / n),
            "you divided the accuracy by 100. It comes as a fraction already: 0.8, not 80.",
        ),
    ],
    hint="""Every answer is right (1) with probability p or wrong (0). The variance of one answer is p (1 -
        p), that of the mean of n independent ones is n times smaller. The standard error is the root of the
        variance.""",
    solution="""
        def standard_error(accuracy, n):
            return np.sqrt(accuracy * (1 - accuracy) / n)
    """,
    why="""The variance of the mean of n answers is p (1 - p) / n, and the standard error is its root. So four
        times the examples halve it: an accuracy of 0.8 is known to 0.04 with 100 examples, and to 0.02 with
        400.""",
)

# Which gap is which? --------------------------------------------------------------------------------


def _gaps(base: float, train: float, dev: float) -> tuple[float, float]:
    found = core.diagnose(base, train, dev)
    return found.avoidable_bias, found.variance


gaps = Exercise(
    name="gaps",
    statement="""Return the avoidable bias and the variance, in this order, from three errors: of the
        reference (base), on the training set, and on the dev set.""",
    reference=_gaps,
    cases=[
        {"base": 0.01, "train": 0.08, "dev": 0.1},
        {"base": 0.14, "train": 0.15, "dev": 0.3},
        {"base": 0.05, "train": 0.03, "dev": 0.04},
        {"base": 0.02, "train": 0.06, "dev": 0.05},
    ],
    mistakes=[
        Mistake(
            lambda base, train, dev: (train, dev - train),
            "your bias is the whole training error. A part of it nobody can avoid; which of the three "
            "numbers tells how much?",
        ),
        Mistake(
            lambda base, train, dev: (train - base, dev),
            'your variance is the whole dev error ("high variance: high error on the test set", as the notes '
            "say). A model that underfits has a high dev error, too, without variance. Compare two errors.",
        ),
        Mistake(
            lambda base, train, dev: (train, dev),
            "these are the errors themselves. Bias and variance are seen in the gaps between them.",
        ),
        Mistake(
            lambda base, train, dev: (train - base, dev - base),
            "your variance starts at the base error, so it holds the bias a second time. Which error shows "
            "how well the model does on examples that it knows?",
        ),
        Mistake(
            lambda base, train, dev: (dev - base, dev - train),
            "your bias is measured on the dev set, so it holds the variance, too.",
        ),
        Mistake(
            lambda base, train, dev: (dev - train, train - base),
            "the two are in the wrong order: the avoidable bias comes first.",
        ),
        Mistake(
            lambda base, train, dev: (base - train, train - dev),
            "the signs are turned: a model that is worse than the reference has a positive bias.",
        ),
        Mistake(
            lambda base, train, dev: (base - train, dev - train),
            "the sign of the bias is turned: a model that is worse than the reference has a positive bias.",
        ),
        Mistake(
            lambda base, train, dev: (train - base, train - dev),
            "the sign of the variance is turned: it is positive if new examples cost more.",
        ),
        Mistake(
            lambda base, train, dev: (abs(train - base), abs(dev - train)),
            "absolute values hide the sign. A model that is better than the reference has a negative gap, "
            "and that is no reason for a bigger network.",
        ),
        Mistake(
            lambda base, train, dev: (max(train - base, 0.0), max(dev - train, 0.0)),
            "you cut negative gaps off at 0. Keep them: they say that the model beats the reference, or that "
            "the dev set is easier.",
        ),
    ],
    hint="""Put the three errors on a line: base, train, dev. The first gap says how far the model is from
        what is possible, on examples that it was trained on. The second says what new examples cost.""",
    solution="""
        def gaps(base, train, dev):
            avoidable_bias = train - base
            variance = dev - train
            return avoidable_bias, variance
    """,
    why="""The base error informs on the bias only: train - base. The variance is the gap from train to dev,
        whatever the base error is. The same dev error can come from either gap, and the remedies differ.""",
)

# Bias and variance of many fits ---------------------------------------------------------------------


def _bias_and_variance(predictions: FloatArray, truth: FloatArray) -> tuple[float, float]:
    targets = np.broadcast_to(truth, predictions.shape)
    found = core.decompose(predictions, truth, targets, noise_variance=0.0)
    return found.bias2, found.variance


def _bias2(predictions: FloatArray, truth: FloatArray) -> float:
    return _bias_and_variance(predictions, truth)[0]


def _variance(predictions: FloatArray) -> float:
    return float(predictions.var(axis=0).mean())


def _error(predictions: FloatArray, truth: FloatArray) -> float:
    return float(np.mean((predictions - truth) ** 2))


def _over_points(predictions: FloatArray, truth: FloatArray) -> tuple[float, float]:
    mean = predictions.mean(axis=1)
    return float(np.mean((mean - truth) ** 2)), float(np.mean((predictions - mean) ** 2))


_WRONG_AXIS = """you averaged over axis 1: over the points of one fit. The mean fit has one value for each
    point; which axis counts the fits?"""
_WHOLE_ERROR_AS_VARIANCE = """your variance is measured from the truth, so it is the whole squared error.
    Variance is the scatter of the fits around their own mean."""
_WHOLE_ERROR_AS_BIAS = """your bias² is the mean over all fits of the squared difference, so it is the whole
    error, variance included. First average the fits, then compare with the truth."""
_BIAS_WITHOUT_SQUARE = """the bias is not squared at each point. Differences of opposite sign cancel when they
    are averaged first."""
_VARIANCE_OVER_POINTS = """your variance is how much a fit goes up and down from point to point. Variance is
    how much the fits differ at the same point."""

bias_and_variance = Exercise(
    name="bias_and_variance",
    statement="""Return bias² and variance, in this order, each averaged over the points. Row k of
        predictions, (K, n), is fit k at n points; truth, (n,), is the true function there.""",
    reference=_bias_and_variance,
    cases=[
        {"predictions": np.array([[1.0, 2.0], [3.0, 6.0]]), "truth": np.array([1.0, 5.0])},
        {
            "predictions": np.array([[0.0, 1.0, 2.0, -1.0], [2.0, 1.5, 0.0, -2.0], [1.0, 5.0, 1.0, 0.0]]),
            "truth": np.array([0.5, 2.0, 1.5, -1.5]),
        },
        {
            "predictions": np.array([[4.0, 0.0, 1.0], [1.0, 0.5, 3.0], [3.0, -2.0, 2.0]]),
            "truth": np.array([2.0, 0.0, 3.0]),
        },
    ],
    mistakes=[
        Mistake(_over_points, _WRONG_AXIS),
        Mistake(lambda f, truth: (_over_points(f, truth)[0], f.var(axis=1).mean()), _WRONG_AXIS),
        Mistake(lambda f, truth: (_bias2(f, truth), f.var(axis=1).mean()), _VARIANCE_OVER_POINTS),
        Mistake(
            lambda f, truth: (_bias2(f, truth), f.var()),
            "your variance is measured from one mean over all fits and points. The mean fit has a value for "
            "each point: name the axis.",
        ),
        Mistake(
            lambda f, truth: (np.mean((f.mean() - truth) ** 2), f.var()),
            "the average goes over fits and points at once. The mean fit has a value for each point: name "
            "the axis.",
        ),
        Mistake(lambda f, truth: (_bias2(f, truth), _error(f, truth)), _WHOLE_ERROR_AS_VARIANCE),
        Mistake(lambda f, truth: (_error(f, truth), _variance(f)), _WHOLE_ERROR_AS_BIAS),
        Mistake(
            lambda f, truth: (_error(f, truth), _error(f, truth)),
            "both are the whole squared error. Average the fits first: the mean fit splits the error in two.",
        ),
        Mistake(
            lambda f, truth: (np.mean(abs(f - truth)), _variance(f)),
            "this is the mean distance of single fits from the truth. Average the fits first, then square "
            "the distance of this mean.",
        ),
        Mistake(lambda f, truth: (np.mean(f.mean(axis=0) - truth), _variance(f)), _BIAS_WITHOUT_SQUARE),
        Mistake(lambda f, truth: (np.mean(f.mean(axis=0) - truth) ** 2, _variance(f)), _BIAS_WITHOUT_SQUARE),
        Mistake(
            lambda f, truth: (np.mean(abs(f.mean(axis=0) - truth)) ** 2, _variance(f)),
            "you averaged the absolute values and squared the mean. Square at each point, then average.",
        ),
        Mistake(
            lambda f, truth: (np.mean(abs(f.mean(axis=0) - truth)), _variance(f)),
            "the bias is an absolute value, not a square. Only squares add up with the variance.",
        ),
        Mistake(
            lambda f, truth: (_bias2(f, truth), f.std(axis=0).mean()),
            "this is the standard deviation. The variance is its square, and only that adds up with bias².",
        ),
        Mistake(
            lambda f, truth: (_bias2(f, truth), f.var(axis=0, ddof=1).mean()),
            "you divided by K - 1 (ddof=1). That estimates the variance without bias, but the definition "
            "has K; only with K do bias² and variance add up to the error that was measured.",
        ),
        Mistake(
            lambda f, truth: (np.sum((f.mean(axis=0) - truth) ** 2), np.sum(f.var(axis=0))),
            "you summed over the points. Average over them: the error is one for a point, too.",
        ),
        Mistake(
            lambda f, truth: (_bias2(f, truth), np.sum((f - f.mean(axis=0)) ** 2)),
            "your variance is a sum. Average over the fits and over the points.",
        ),
        Mistake(
            lambda f, truth: ((f.mean(axis=0) - truth) ** 2, f.var(axis=0)),
            "these are right for each point. Average them over the points, to have one number each.",
        ),
        Mistake(
            lambda f, truth: (_variance(f), _bias2(f, truth)),
            "the two are in the wrong order: bias² comes first.",
        ),
    ],
    hint="""Start with the mean fit, mean = predictions.mean(axis=0). It has shape (n,). Bias² compares it
        with the truth, the variance compares the fits with it.""",
    solution="""
        def bias_and_variance(predictions, truth):
            mean = predictions.mean(axis=0)
            bias2 = np.mean((mean - truth) ** 2)
            variance = np.mean((predictions - mean) ** 2)
            return bias2, variance
    """,
    why="""The mean fit is what is left when the luck of the training set is averaged out: its distance to the
        truth is bias, the scatter around it is variance. Because it is the mean, the mixed term is zero and
        the two add up to the squared error against the truth.""",
)

# Choosing and reporting -----------------------------------------------------------------------------


def _choose(dev_accuracies: FloatArray, test_accuracies: FloatArray) -> tuple[int, float]:
    best = int(np.argmax(dev_accuracies))
    return best, float(test_accuracies[best])


def _choose_by_mean(dev: FloatArray, test: FloatArray) -> int:
    return int(np.argmax((dev + test) / 2))


choose = Exercise(
    name="choose",
    statement="""Return the index of the model to ship and the accuracy to report for it. The two arrays hold
        the accuracies of the same models on the dev set and on the test set; no two are equal.""",
    reference=_choose,
    cases=[
        {
            "dev_accuracies": np.array([0.81, 0.9, 0.87]),
            "test_accuracies": np.array([0.84, 0.8, 0.86]),
        },
        {
            "dev_accuracies": np.array([0.7, 0.78, 0.74, 0.77]),
            "test_accuracies": np.array([0.8, 0.71, 0.73, 0.75]),
        },
        {
            "dev_accuracies": np.array([0.95, 0.91]),
            "test_accuracies": np.array([0.9, 0.92]),
        },
    ],
    mistakes=[
        Mistake(
            lambda dev, test: (np.argmax(test), np.max(test)),
            "you chose on the test set. Then its accuracy is the best of several lucky ones, and no set is "
            "left that tells the truth. Which set is there for choosing?",
        ),
        Mistake(
            lambda dev, test: (test[np.argmax(dev)], np.argmax(dev)),
            "both are right, but in the other order: the index comes first.",
        ),
        Mistake(
            lambda dev, test: (np.argmax(dev), np.max(dev)),
            "you report the dev accuracy of the winner. It won partly by luck on this very set. Which set "
            "did not take part in the choice?",
        ),
        Mistake(
            lambda dev, test: (np.argmax(dev), np.max(test)),
            "the model is right, but the accuracy is the best on the test set, that of another model.",
        ),
        Mistake(
            lambda dev, test: (np.argmax(test), np.max(dev)),
            "the two sets have changed places, and the accuracy is that of another model.",
        ),
        Mistake(
            lambda dev, test: (np.argmax(test), dev[np.argmax(test)]),
            "the two sets have changed places: choose on the dev set, report from the test set.",
        ),
        Mistake(
            lambda dev, test: (_choose_by_mean(dev, test), test[_choose_by_mean(dev, test)]),
            "you chose by the average of both sets, so the test set took part in the choice.",
        ),
        Mistake(
            lambda dev, test: (_choose_by_mean(dev, test), np.max((dev + test) / 2)),
            "you averaged the two sets. Then both took part in the choice, and the best average is too good.",
        ),
        Mistake(
            lambda dev, test: (np.argmax(dev), (np.max(dev) + test[np.argmax(dev)]) / 2),
            "the model is right, but half of its accuracy is from the dev set, where it won partly by luck.",
        ),
        Mistake(
            lambda dev, test: (np.argmax(dev), np.mean(test)),
            "the model is right, but this is the mean test accuracy of all models. Report that of the one "
            "that you ship.",
        ),
    ],
    hint="""One set is for choosing, the other for reporting. np.argmax gives the index of the largest
        value.""",
    solution="""
        def choose(dev_accuracies, test_accuracies):
            best = np.argmax(dev_accuracies)
            return best, test_accuracies[best]
    """,
    why="""The dev set chose, so its accuracy of the winner is too good on average. The test set took no part
        in the choice, so its accuracy of this one model is an unbiased estimate, also if another model
        happens to do better there.""",
)

# Predictions ----------------------------------------------------------------------------------------

best_of_100 = Question(
    text="""100 models are all truly right for 80% of the examples. You keep the one with the best accuracy
        on a dev set of 200 examples. What accuracy do you expect on a fresh, large test set?""",
    options=(
        "About 87%, as on the dev set: it was measured, not guessed.",
        "About 83%: the best of 100 must be a little better than the others.",
        "About 80%.",
        "About 73%: its good luck will be made up for by bad luck.",
    ),
    answer="c",
    feedback=(
        """About 87% is what such a winner has on the dev set, on average. But that set chose it: among 100
        measurements with a standard error of about 3 points, the largest lies two to three of them above the
        truth. In the lab, compare the winner's dev and test accuracy while the number of models grows.""",
        """All 100 are equally good, so the best measurement is luck only, and luck does not come along to the
        test set. In the lab, press New seed: another model wins, its test accuracy stays at about 80%.""",
        """All models are worth 80%, the winner, too. Its dev accuracy, about 87%, is the largest of 100
        lucky or unlucky draws; the test set took no part in the choice. In the lab, the fall from dev to test
        grows with the number of models and shrinks with the size of the dev set.""",
        """Luck has no memory. The test set is a new draw around 80%, not a correction. In the lab, the test
        accuracies of the winners lie around 80%, about as often above as below.""",
    ),
)

dev_set_size = Question(
    text="""You split the 1,797 images of digits 98/1/1, which leaves 18 for the dev set. A nearest-neighbor
        classifier errs on 1 to 2% of new images. How does its dev error change from one random split to the
        next?""",
    options=(
        "Hardly: with 98% for training the classifier is as good as it can be.",
        "By more than the error itself: 0% in most splits, more than 5% in the others.",
        "By about 0.6 points, as with a split of 60/20/20: the classifier and the data are the same.",
        "By about 20 points: with 18 images the error is a matter of chance.",
    ),
    answer="b",
    feedback=(
        """The training set decides how good the classifier is; the dev set decides how well you know it. In
        the lab, move the split to 98/1/1 and look at the width of the dev errors, not at their mean.""",
        """With 18 images one mistake is 1/18, about 6%, and nothing lies between 0 and that. About four of
        five splits show no error at all. The standard error is 2 to 3 points, more than the error itself. A
        share of 1% is enough only if it is 1% of a lot.""",
        """The scatter depends on the number of images in the dev set. 20% of 1,797 are about 360 images, and
        the errors scatter by about 0.6 points; 1% are 18. For 20 times fewer images the standard error
        is about 4.5 times as large.""",
        """Even for an error of 50% the standard error is 12 points only. Its factor p (1 - p) is small for
        an error of 1 to 2%. In the lab, splits with three mistakes among the 18 are rare.""",
    ),
)

degree_up = Question(
    text="""30 noisy points (σ = 0.3) of a sine, and polynomials fitted to many such training sets. You raise
        the degree from 3 to 9. What happens to bias² and to variance?""",
    options=(
        "Both fall: a more flexible curve is closer to the sine.",
        "bias² falls by about as much as the variance rises: it is a trade-off.",
        "bias² falls; the variance stays, because the noise in the data stays.",
        "bias² falls by less than 0.1; the variance grows by far more.",
    ),
    answer="d",
    feedback=(
        """The mean of many fits can be closer to the sine, and that is bias². A single curve of degree 9
        bends to the noise of its own 30 points, most of all near the ends. In the lab, look at the thin fits
        at degree 9, not only at their mean.""",
        """Nothing keeps the sum. From degree 3 to 5, bias² falls by much more than the variance rises; from
        there to 9 the variance rises by far more than all the bias² there was. In the lab, look for the
        degree with the lowest bar.""",
        """The noise σ² stays, but the variance is what the fits make of the noise, and that grows with the
        number of coefficients. In the lab, keep σ fixed and raise the degree.""",
        """A cubic leaves a bias² of about 0.1, and it cannot fall by more than that. The variance rises from
        a few hundredths to above 1 in most draws. The bias² that the lab measures holds about variance / 50
        on top, because the mean of 50 fits is itself uncertain; so its bar may even grow at degree 9.""",
    ),
)

more_data = Question(
    text="""People err on 1% of the images. One network errs on 1% of the training set and on 12% of the
        dev set, a second one on 15% and on 16%. Which of them gains more from more training data of the
        same kind?""",
    options=(
        "The first: its two errors are far apart.",
        "The second: it has the higher dev error, so it has more to gain.",
        "Both the same: more data always helps.",
        "Neither: the first has learned all there is to learn, and the second learns nothing.",
    ),
    answer="a",
    feedback=(
        """The first has a gap of 11 points between train and dev: variance. The more examples there are, the
        harder it is to learn them by heart. The second has a gap of 1 point, and its 15% on the training set
        will not fall with more examples. In the lab, the dev error of a wide network falls as the training
        set grows, while its train error stays near 0.""",
        """The second has 14 points of avoidable bias and a gap of 1 point. As the training set grows, the dev
        error comes down toward the train error; here that is a point at most. It needs a bigger network, or
        longer training. In the lab, give the network very few units: with all images, both errors are still
        high and close to each other.""",
        """More data closes the gap between train and dev: 11 points for the first, 1 for the second. That it
        seldom hurts does not mean that it helps. In the lab, compare the learning curves of a narrow and of a
        wide network.""",
        """1% on the training set says how well the first knows these examples, not how well it knows others:
        it still errs on 12% of new ones. In the lab, a wide network has a train error near 0 at every size
        of the training set, and its dev error still falls.""",
    ),
)

far_train_set = Question(
    text="""A network was trained on upright digits and is used on digits that are turned by 30 degrees.
        Errors: 0% on the training set, 4% on upright digits that it has not seen (train-dev), 52% on the
        dev set of turned ones. What do you try first?""",
    options=(
        "Regularization, or more upright digits: the gap from 0% to 52% is variance.",
        "A bigger network, or longer training: 52% is underfitting.",
        "Turned digits in the training set.",
        "Upright digits in the dev set, so that both sets have the same distribution.",
    ),
    answer="c",
    feedback=(
        """The train-dev set splits that gap. From 0 to 4% is variance: new examples, same distribution. From
        4 to 52% is the other distribution, and more of the old one does not show the network a single turned
        digit. In the lab, look at the train-dev error while the angle grows: it stays.""",
        """The error on the training set is 0%: there is nothing left to fit better. In the lab, the train
        error stays near 0 for every angle.""",
        """From 4 to 52% the only change is the distribution, so the training set must come closer to what
        the network is used on. In the lab, with half of the training digits turned, the dev error falls to
        less than 10%.""",
        """Then the dev error would be small, and the network as bad as before where it is used. Dev and test
        set must be like the data that you will meet; it is the training set that may differ. In the lab, dev
        and test are turned alike.""",
    ),
)

what_first = Question(
    text="""A network reads addresses on parcels. People err on 2%. It errs on 3% of the training set, on 4%
        of held-out images of the same kind (train-dev), on 14% of a dev set of 2,000 photos from the conveyor
        belt, and on 15% of the test set. Tomorrow you may start one thing. Which?""",
    options=(
        "A stronger penalty on the weights: from 3% to 14% is a large gap.",
        "A network twice as large: 14% is far from the 2% of people.",
        "A few thousand photos from the conveyor belt for the training set.",
        "A new test set: the dev set is used up, since the test error is higher.",
    ),
    answer="c",
    feedback=(
        """Split that gap at the train-dev error. Which part of it is variance?""",
        """Compare 2% with the error on the *training* set. How much of the 14% is bias?""",
        """From 4% to 14% only the source of the images changes. So the training set must come nearer to what
        the network is used on.""",
        """How large is one standard error of an error of 14% on 2,000 photos?""",
    ),
)
"""The decision at the end of the notebook."""

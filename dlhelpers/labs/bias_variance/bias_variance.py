"""The labs of notebook 01: each is a computation, a caption, views and the program behind them."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dlhelpers.augmentation import rotate
from dlhelpers.bias_variance import (
    Decomposition,
    Diagnosis,
    LearningCurves,
    Luck,
    MismatchErrors,
    Selection,
    SplitErrors,
    decompose,
    diagnose,
    draw_luck,
    learning_curves,
    mismatch_errors,
    neighbor_order,
    network_fits,
    polynomial_fits,
    select_best,
    split_errors,
    standard_error,
)
from dlhelpers.datasets import FUNCTIONS, digits, noisy_function
from dlhelpers.labs.digits import digit_split
from dlhelpers.live.controls import choice, log_slider, real_slider, slider, steps_slider
from dlhelpers.live.lab import Lab
from dlhelpers.plots.bias_variance import (
    DevScoresView,
    DigitsView,
    ErrorScatterView,
    ErrorStackView,
    FitsView,
    GapsView,
    MismatchView,
    OverExamplesView,
    OverWidthView,
    PartsView,
    QuadrantView,
    RemediesView,
    WinnerCurveView,
)
from dlhelpers.plots.style import View
from dlhelpers.typing import FloatArray, IntArray

# The dev set gets used up ---------------------------------------------------------------------------

MOST_MODELS, MOST_DEV, N_TEST = 1000, 5012, 5000
ACCURACY = 0.8


class Chosen(NamedTuple):
    """The scores of all models, and how many of them one may choose from."""

    models: int
    selection: Selection


@lru_cache(maxsize=1)
def luck(seed: int) -> Luck:
    """Draw the luck of 1,000 models once; the sliders then only choose how much of it counts."""
    return draw_luck(MOST_MODELS, MOST_DEV, N_TEST, np.random.default_rng(seed))


def choose(models: float, n_dev: float, seed: int) -> Chosen:
    """Measure the models on the dev set and find the winners."""
    return Chosen(round(models), select_best(luck(seed), ACCURACY, round(n_dev)))


def _winner_scores(result: Chosen) -> tuple[float, float]:
    winner = result.selection.winners[result.models - 1]
    return float(result.selection.dev[winner]), float(result.selection.test[winner])


def selection_finding(result: Chosen) -> str:
    """Return the winner's two scores."""
    dev, test = _winner_scores(result)
    models = f"Best of {result.models}" if result.models > 1 else "A single model"
    return f"{models}: {dev:.1%} on dev, {test:.1%} on test"


def selection_caption(result: Chosen) -> str:
    """Say how far the dev score of the winner is from the truth, in standard errors."""
    dev, test = _winner_scores(result)
    n, k = result.selection.n_dev, result.models
    error = float(standard_error(ACCURACY, n))
    return (
        f"Every model is right on {ACCURACY:.0%} of all examples. On a dev set of {n:,} examples, one "
        f"standard error is {100 * error:.1f} points. "
        f"{'The winner among' if k > 1 else 'The score of'} {k:,} "
        f"model{'s' if k > 1 else ''} lies {_above(dev)} the truth on the dev set, and "
        f"{_above(test)} it on a test set of {N_TEST:,} examples that played no part in the choice."
    )


def _above(score: float) -> str:
    points = 100 * (score - ACCURACY)
    return f"{abs(points):.1f} points {'above' if points >= 0 else 'below'}"


def selection_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the scores of all models, and the winner's over the number of models."""
    left, right = figure.subplots(1, 2)
    return [DevScoresView(left, MOST_MODELS), WinnerCurveView(right, MOST_MODELS)]


def selection_code(models: float, n_dev: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np

rng = np.random.default_rng({seed})
dev_luck = rng.random(({MOST_MODELS}, {MOST_DEV}), dtype=np.float32)  # one number for each model and example
test_luck = rng.random(({MOST_MODELS}, {N_TEST}), dtype=np.float32)
n_models, n_dev = {round(models)}, {round(n_dev)}
dev = (dev_luck[:n_models, :n_dev] < {ACCURACY}).mean(axis=1)  # below the accuracy: the answer is right
test = (test_luck[:n_models] < {ACCURACY}).mean(axis=1)
winner = dev.argmax()
result = dev[winner], test[winner]
"""


def selection_lab() -> Lab:
    """Return the lab *The dev set gets used up*."""
    return Lab(
        "The dev set gets used up",
        controls={
            "models": log_slider("Models to choose from", 0, 3, 100, 0.05, fmt=",.0f"),
            "n_dev": log_slider("Dev examples n", 1.7, 3.7, 200, 0.05, fmt=",.0f"),
        },
        compute=choose,
        views=selection_views,
        finding=selection_finding,
        caption=selection_caption,
        code=selection_code,
        presets={
            "one honest look": {"models": 1},
            "a long search": {"models": 1000},
            "tiny dev set": {"models": 1000, "n_dev": 50},
            "large dev set": {"models": 1000, "n_dev": 5012},
        },
    )


# How large must the dev and the test set be? --------------------------------------------------------

REPEATS = 64


@lru_cache(maxsize=1)
def digit_neighbors() -> IntArray:
    """Return, for each digit, all digits from the nearest to the farthest."""
    return neighbor_order(digits().X)


def split_again_and_again(dev: float, test: float, seed: int) -> SplitErrors:
    """Split the digits 64 times by these percentages and measure the errors."""
    y = digits().y
    n_dev, n_test = (max(1, round(len(y) * percent / 100)) for percent in (dev, test))
    return split_errors(digit_neighbors(), y, n_dev, n_test, REPEATS, np.random.default_rng(seed))


def split_finding(result: SplitErrors) -> str:
    """Return the scatter of the dev error, measured and predicted."""
    predicted = float(standard_error(result.dev.mean(), result.n_dev))
    return (
        f"Dev error {result.dev.mean():.1%}, scatter {100 * result.dev.std():.1f} points; "
        f"(1) predicts {100 * predicted:.1f}"
    )


def split_caption(result: SplitErrors) -> str:
    """Say how far the errors of single splits lie apart."""
    low, high = np.quantile(result.dev, [0.05, 0.95])
    return (
        f"Training on {result.n_train:,} images leaves {result.n_dev:,} for dev and {result.n_test:,} for "
        "test. "
        f"One image more or less wrong changes the dev error by {100 / result.n_dev:.1f} points. "
        f"In 90% of {len(result.dev)} random splits the dev error lies between {low:.1%} and {high:.1%}; "
        f"the mean test error is {result.test.mean():.1%}, with a standard deviation of "
        f"{result.test.std():.1%}." + _too_few(result)
    )


def _too_few(result: SplitErrors) -> str:
    expected = float(result.dev.mean() * result.n_dev)
    if expected > 5:
        return ""
    return (
        f" On average {expected:.1f} dev images are wrong in a split. The scatter is then lopsided, because "
        "no error lies below 0%: equation (1) gives its size, but not its shape."
    )


def split_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the parts, and the errors of all splits."""
    top, bottom = figure.subplots(2, 1, height_ratios=[1, 4])
    return [PartsView(top, len(digits().y)), ErrorScatterView(bottom, REPEATS)]


def split_code(dev: float, test: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.bias_variance import neighbor_order, split_errors
from dlhelpers.datasets import digits

X, y, *_ = digits()
n_dev, n_test = (max(1, round(len(y) * percent / 100)) for percent in ({dev}, {test}))
order = neighbor_order(X)  # for each image, all images from the nearest to the farthest
result = split_errors(order, y, n_dev, n_test, {REPEATS}, np.random.default_rng({seed}))
"""


def split_lab() -> Lab:
    """Return the lab *How large must the dev and the test set be?*."""
    return Lab(
        "How large must the dev and the test set be?",
        controls={
            "dev": real_slider("Dev set, % of all", 1, 40, 20, 1, fmt=".0f"),
            "test": real_slider("Test set, % of all", 1, 40, 20, 1, fmt=".0f"),
        },
        compute=split_again_and_again,
        views=split_views,
        finding=split_finding,
        caption=split_caption,
        code=split_code,
        presets={
            "60 / 20 / 20": {},
            "80 / 10 / 10": {"dev": 10, "test": 10},
            "98 / 1 / 1": {"dev": 1, "test": 1},
            "20 / 40 / 40": {"dev": 40, "test": 40},
        },
    )


# Bias and variance add up ---------------------------------------------------------------------------

N_FITS = 50
CAPACITIES = tuple(range(1, 13))
X_GRID = np.linspace(-1, 1, 161)
NETWORK_STEPS = 1000


class Fits(NamedTuple):
    """What the lab shows: the fits at one capacity, and the errors at all that are computed."""

    model: str
    capacity: int
    curves: FloatArray
    truth: FloatArray
    x_train: FloatArray
    y_train: FloatArray
    curve: dict[int, Decomposition]


class Experiment(NamedTuple):
    """50 training sets and, for each of them, fresh noisy targets at the test points."""

    x: FloatArray
    y: FloatArray
    x_test: FloatArray
    truth: FloatArray
    targets: FloatArray
    noise: float


@lru_cache(maxsize=4)
def experiment(truth: str, m: int, noise: float, seed: int) -> Experiment:
    """Draw the training sets and the test set of the lab."""
    rng = np.random.default_rng(seed)
    x, y = (array.reshape(N_FITS, m) for array in noisy_function(truth, N_FITS * m, noise, rng))
    x_test = rng.uniform(-1, 1, 1000)
    f = FUNCTIONS[truth](x_test)
    return Experiment(x, y, x_test, f, f + noise * rng.standard_normal((N_FITS, 1000)), noise)


@lru_cache(maxsize=4)
def polynomial_curve(truth: str, m: int, noise: float, seed: int) -> dict[int, Decomposition]:
    """Return the decomposition for every degree."""
    data = experiment(truth, m, noise, seed)
    return {
        degree: decompose(
            polynomial_fits(data.x, data.y, degree, data.x_test), data.truth, data.targets, noise**2
        )
        for degree in CAPACITIES
    }


def polynomials(capacity: int, truth: str, m: int, noise: float, seed: int) -> Fits:
    """Return the fits of one degree and the errors of all."""
    data = experiment(truth, m, noise, seed)
    curves = polynomial_fits(data.x, data.y, capacity, X_GRID)
    curve = polynomial_curve(truth, m, noise, seed)
    return Fits("polynomial", capacity, curves, FUNCTIONS[truth](X_GRID), data.x[0], data.y[0], curve)


@lru_cache(maxsize=4)
def trained_networks(truth: str, m: int, noise: float, seed: int) -> dict[int, FloatArray]:
    """Return an empty store for this setting: from hidden units to predictions, filled by `networks`."""
    return {}


def networks(capacity: int, truth: str, m: int, noise: float, seed: int) -> Iterator[tuple[float, Fits]]:
    """Train 50 networks of this width, then those of all other widths; yield what is known so far."""
    data = experiment(truth, m, noise, seed)
    store = trained_networks(truth, m, noise, seed)
    points = np.concatenate([X_GRID, data.x_test])

    def show(newest: dict[int, FloatArray]) -> Fits:
        known = dict(sorted({**store, **newest}.items()))
        curve = {
            hidden: decompose(values[:, X_GRID.size :], data.truth, data.targets, noise**2)
            for hidden, values in known.items()
        }
        curves = known[capacity][:, : X_GRID.size]
        return Fits("network", capacity, curves, FUNCTIONS[truth](X_GRID), data.x[0], data.y[0], curve)

    missing = [hidden for hidden in (capacity, *CAPACITIES) if hidden not in store]
    missing = list(dict.fromkeys(missing))
    for done, hidden in enumerate(missing):
        rng = np.random.default_rng(seed)
        for share, predictions in network_fits(data.x, data.y, hidden, points, NETWORK_STEPS, rng):
            if share < 1:
                yield (done + share) / len(missing), show({hidden: predictions})
        store[hidden] = predictions
    yield 1.0, show({})


def fits(
    model: str, capacity: int, truth: str, m: int, noise: float, seed: int
) -> Fits | Iterator[tuple[float, Fits]]:
    """Return the fits of polynomials at once, or those of networks as training goes on."""
    compute = polynomials if model == "polynomial" else networks
    return compute(capacity, truth, m, noise, seed)


def _name(result: Fits) -> str:
    if result.model == "polynomial":
        return f"Degree {result.capacity}"
    return f"{result.capacity} hidden unit{'s' if result.capacity > 1 else ''}"


def _short(value: float) -> str:
    """Return an error with three decimals, or in powers of ten when it is huge."""
    return f"{value:.3f}" if value < 100 else f"{value:.1e}"


def decomposition_finding(result: Fits) -> str:
    """Return the sum, as numbers."""
    here = result.curve[result.capacity]
    parts = " + ".join(_short(part) for part in (here.bias2, here.variance, here.noise))
    return f"{_name(result)}: bias² + variance + noise = {parts} = {_short(here.total)}"


def decomposition_caption(result: Fits) -> str:
    """Say which part is the largest, where the lowest error lies, and how well the sum agrees."""
    here = result.curve[result.capacity]
    parts = {"bias²": here.bias2, "variance": here.variance, "noise": here.noise}
    largest = max(parts, key=lambda name: parts[name])
    text = (
        f"The measured test error is {_short(here.test_error)}; the sum of the three parts differs from it "
        f"by {here.residual:.1%}. The largest part is {largest}."
    )
    if len(result.curve) == len(CAPACITIES):
        best = min(result.curve, key=lambda capacity: result.curve[capacity].test_error)
        where = "here" if best == result.capacity else f"at {best}"
        text += f" Among the {len(CAPACITIES)} bars, the test error is lowest {where}."
    luck = here.variance / N_FITS
    if luck >= 0.005:
        text += (
            f" About variance / {N_FITS} = {_short(luck)} of bias² is luck: the mean of {N_FITS} fits "
            "scatters too."
        )
    if here.test_error > 1:
        text += " The bar is higher than the frame: a triangle marks it."
    return text


def decomposition_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the fits, and the errors over capacity."""
    left, right = figure.subplots(1, 2)
    return [FitsView(left, X_GRID), ErrorStackView(right, CAPACITIES)]


def decomposition_code(model: str, capacity: int, truth: str, m: int, noise: float, seed: int) -> str:
    """Return the program for the chosen model."""
    fit = (
        f"predictions = polynomial_fits(x, y, {capacity}, x_test)"
        if model == "polynomial"
        else f"*_, (_, predictions) = network_fits(x, y, {capacity}, x_test, {NETWORK_STEPS}, "
        f"np.random.default_rng({seed}))"
    )
    return f"""
import numpy as np
from dlhelpers.bias_variance import decompose, network_fits, polynomial_fits
from dlhelpers.datasets import FUNCTIONS, noisy_function

rng = np.random.default_rng({seed})
x, y = noisy_function({truth!r}, {N_FITS} * {m}, {noise}, rng)
x, y = x.reshape({N_FITS}, {m}), y.reshape({N_FITS}, {m})  # {N_FITS} training sets of {m} points
x_test = rng.uniform(-1, 1, 1000)
targets = FUNCTIONS[{truth!r}](x_test) + {noise} * rng.standard_normal(({N_FITS}, 1000))
{fit}
result = decompose(predictions, FUNCTIONS[{truth!r}](x_test), targets, {noise}**2)
"""


def decomposition_lab() -> Lab:
    """Return the lab *Bias and variance add up*."""
    return Lab(
        "Bias and variance add up",
        controls={
            "model": choice("Model", ["polynomial", "network"], "polynomial"),
            "capacity": slider("Degree or hidden units", 1, 12, 3),
            "truth": choice("Truth f(x)", list(FUNCTIONS), "sine"),
            "m": slider("Training points m", 15, 100, 30),
            "noise": real_slider("Noise σ", 0.0, 1.0, 0.3, 0.05),
        },
        compute=fits,
        views=decomposition_views,
        finding=decomposition_finding,
        caption=decomposition_caption,
        code=decomposition_code,
        presets={
            "underfits": {"capacity": 1},
            "just right": {"capacity": 5},
            "overfits": {"capacity": 9},
            "more data": {"capacity": 9, "m": 100},
            "networks": {"model": "network", "capacity": 8},
        },
    )


# Diagnosis by hand ----------------------------------------------------------------------------------


class Verdict(NamedTuple):
    """Errors as fractions, and what they say."""

    errors: tuple[float, float, float]
    threshold: float
    diagnosis: Diagnosis


def judge(base: float, train: float, dev: float, threshold: float) -> Verdict:
    """Diagnose errors that are given in percent."""
    errors = (base / 100, train / 100, dev / 100)
    return Verdict(errors, threshold / 100, diagnose(*errors, threshold / 100))


def _diagnosis_name(found: Diagnosis) -> str:
    return f"{'high' if found.high_bias else 'low'} bias, {'high' if found.high_variance else 'low'} variance"


def diagnosis_finding(result: Verdict) -> str:
    """Return the two gaps."""
    found = result.diagnosis
    return (
        f"{_diagnosis_name(found).capitalize()}: gaps of {100 * found.avoidable_bias:.1f} and "
        f"{100 * found.variance:.1f} points"
    )


def diagnosis_caption(result: Verdict) -> str:
    """Say what the gaps are made of and what to try first."""
    base, train, dev = (100 * error for error in result.errors)
    found = result.diagnosis
    text = (
        f"Train error {train:.1f}% minus base error {base:.1f}% is the avoidable bias, "
        f"{train - base:+.1f} points. Dev error {dev:.1f}% minus train error is the variance gap, "
        f"{dev - train:+.1f} points. A gap counts as high from {100 * result.threshold:.1f} points on. "
    )
    if train < base:
        text += (
            "The train error is below the base error: the network fits what the reference cannot, or noise. "
        )
    first = [remedies[0] for remedies in _lit_lists(found)]
    return text + (
        f"Try first: {' and '.join(first).lower()}."
        if first
        else "Both gaps are small: no list applies. Measure once on the test set."
    )


def _lit_lists(found: Diagnosis) -> list[tuple[str, ...]]:
    lists = []
    if found.high_bias:
        lists.append(found._replace(high_variance=False).remedies)
    if found.high_variance:
        lists.append(found._replace(high_bias=False).remedies)
    return lists


def diagnosis_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the errors, the 2 x 2, and the remedies."""
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.1, 1.1, 0.9])
    gaps = GapsView(left, ("base", "train", "dev"), ("bias", "variance"), top=60)
    return [gaps, QuadrantView(middle), RemediesView(right)]


def diagnosis_code(base: float, train: float, dev: float, threshold: float) -> str:
    """Return the program behind the picture."""
    return f"""
from dlhelpers.bias_variance import diagnose

result = diagnose({base} / 100, {train} / 100, {dev} / 100, threshold={threshold} / 100)
"""


def diagnosis_lab() -> Lab:
    """Return the lab *Diagnosis from three errors*."""
    return Lab(
        "Diagnosis from three errors",
        controls={
            "base": real_slider("Base error, %", 0, 30, 1, 0.5, fmt=".1f"),
            "train": real_slider("Train error, %", 0, 50, 7, 0.5, fmt=".1f"),
            "dev": real_slider("Dev error, %", 0, 50, 15, 0.5, fmt=".1f"),
            "threshold": real_slider("High from, points", 1, 10, 5, 0.5, fmt=".1f"),
        },
        compute=judge,
        views=diagnosis_views,
        finding=diagnosis_finding,
        caption=diagnosis_caption,
        code=diagnosis_code,
        presets={
            "high variance": {"train": 2, "dev": 12},
            "high bias": {"train": 15, "dev": 16},
            "both": {"train": 15, "dev": 30},
            "neither": {"train": 1.5, "dev": 3},
            "hard task": {"base": 14, "train": 15, "dev": 16},
        },
        seeded=False,
    )


# Diagnosis of a real network ------------------------------------------------------------------------

SIZES = (16, 32, 64, 128, 256, 512, 1024)
WIDTHS = (1, 2, 4, 8, 16, 32, 64)
TWICE = tuple(np.repeat(SIZES, 2).tolist())


class RealErrors(NamedTuple):
    """Errors of networks on the digits, over training-set size and over width, and the diagnosis."""

    hidden: int
    examples: int
    base: float
    over_examples: tuple[tuple[int, ...], FloatArray, FloatArray]
    over_width: tuple[tuple[int, ...], FloatArray, FloatArray]
    diagnosis: Diagnosis


@lru_cache(maxsize=16)
def trained_curves(strength: float, steps: int, seed: int) -> dict[int, LearningCurves]:
    """Return an empty store for this setting: from width to errors, filled by `diagnose_digits`."""
    return {}


def diagnose_digits(
    hidden: float, examples: float, strength: float, steps: float, base: float, seed: int
) -> Iterator[tuple[float, RealErrors]]:
    """Train networks of all widths on all training-set sizes; yield what is known so far."""
    width, size = (2 ** round(np.log2(value)) for value in (hidden, examples))
    store = trained_curves(strength, round(steps), seed)

    def show(newest: dict[int, LearningCurves]) -> RealErrors:
        known = dict(sorted({**store, **newest}.items()))
        means = {w: [_mean_of_two(curve) for curve in known[w][1:]] for w in known}
        at = SIZES.index(size)
        train_over_width, dev_over_width = (np.array([means[w][part][at] for w in known]) for part in (0, 1))
        train, dev = (float(curve[at]) for curve in means[width])
        return RealErrors(
            width,
            size,
            base / 100,
            (SIZES, means[width][0], means[width][1]),
            (tuple(known), train_over_width, dev_over_width),
            diagnose(base / 100, train, dev),
        )

    missing = [w for w in dict.fromkeys((width, *WIDTHS)) if w not in store]
    for done, w in enumerate(missing):
        rng = np.random.default_rng(seed)
        for share, curves in learning_curves(digit_split(seed), w, TWICE, strength, round(steps), rng):
            if share < 1:
                yield (done + share) / len(missing), show({w: curves})
        store[w] = curves
    yield 1.0, show({})


def _mean_of_two(errors: FloatArray) -> FloatArray:
    return np.asarray(errors.reshape(-1, 2).mean(axis=1))


def _errors_here(result: RealErrors) -> tuple[float, float]:
    at = result.over_examples[0].index(result.examples)
    return float(result.over_examples[1][at]), float(result.over_examples[2][at])


def real_diagnosis_finding(result: RealErrors) -> str:
    """Return the two errors and the diagnosis."""
    train, dev = _errors_here(result)
    return (
        f"{result.hidden} hidden, {result.examples:,} examples: train error {train:.0%}, dev error "
        f"{dev:.0%}, {_diagnosis_name(result.diagnosis)}"
    )


def real_diagnosis_caption(result: RealErrors) -> str:
    """Say what the largest training set and the widest network would change."""
    train, dev = _errors_here(result)
    widths, _, dev_over_width = result.over_width
    text = (
        f"Left: with {result.hidden} hidden unit{'s' if result.hidden > 1 else ''}, the dev error goes from "
        f"{result.over_examples[2][0]:.0%} with {SIZES[0]} training examples to "
        f"{result.over_examples[2][-1]:.0%} with {SIZES[-1]:,}. "
    )
    if len(widths) == len(WIDTHS):
        best = widths[int(dev_over_width.argmin())]
        text += (
            f"Right: with {result.examples:,} examples, the dev error is lowest, {dev_over_width.min():.0%}, "
            f"at {best} hidden unit{'s' if best > 1 else ''}. "
        )
    return text + (
        f"Here the train error lies {_points_from(train, result.base)} the base error, and the dev error "
        f"{_points_from(dev, train)} the train error; a gap counts as high from 5 points on."
    )


def _points_from(error: float, reference: float) -> str:
    points = round(100 * (error - reference))
    return f"{abs(points)} point{'s' if abs(points) != 1 else ''} {'above' if points >= 0 else 'below'}"


def real_diagnosis_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: errors over examples, and over width."""
    left, right = figure.subplots(1, 2)
    return [
        OverExamplesView(left, "training examples", SIZES),
        OverWidthView(right, "hidden units", WIDTHS),
    ]


def real_diagnosis_code(
    hidden: float, examples: float, strength: float, steps: float, base: float, seed: int
) -> str:
    """Return the program behind the picture."""
    width, size = (2 ** round(np.log2(value)) for value in (hidden, examples))
    return f"""
import numpy as np
from dlhelpers.bias_variance import diagnose, learning_curves
from dlhelpers.datasets import digits, split

X, y, *_ = digits()
data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng({seed}))
sizes = np.repeat({SIZES}, 2).tolist()  # two networks for each training-set size
rng = np.random.default_rng({seed})
*_, (_, curves) = learning_curves(data, {width}, sizes, {strength}, {round(steps)}, rng)
train, dev = (errors.reshape(-1, 2).mean(axis=1) for errors in (curves.train, curves.dev))
here = {SIZES}.index({size})
result = diagnose({base} / 100, train[here], dev[here])
"""


def learning_curves_lab() -> Lab:
    """Return the lab *Diagnosis of a real network*."""
    return Lab(
        "Diagnosis of a real network",
        controls={
            "hidden": log_slider("Hidden units n", 0, 6, 16, 1, base=2, fmt=".0f"),
            "examples": log_slider("Training examples m", 4, 10, 128, 1, base=2, fmt=",.0f"),
            "strength": log_slider("L2 strength λ", -2, 2, 0.01, 0.5),
            "steps": log_slider("Training steps", 1, 3, 500, 0.1, fmt=",.0f"),
            "base": real_slider("Base error, %", 0, 20, 1, 0.5, fmt=".1f"),
        },
        compute=diagnose_digits,
        views=real_diagnosis_views,
        finding=real_diagnosis_finding,
        caption=real_diagnosis_caption,
        code=real_diagnosis_code,
        presets={
            "high variance": {"hidden": 32, "examples": 32},
            "more data": {"hidden": 32, "examples": 1024},
            "high bias": {"hidden": 2, "examples": 1024},
            "bigger network": {"hidden": 64, "examples": 1024},
            "too short": {"hidden": 32, "examples": 1024, "steps": 10},
        },
    )


# Data from another distribution ---------------------------------------------------------------------

DEGREES = tuple(range(0, 91, 5))
MISMATCH_STEPS = 400
MISMATCH_HIDDEN = 32


class Mismatch(NamedTuple):
    """The four errors at one angle and at all, and some of the images."""

    degrees: int
    share: float
    errors: tuple[float, float, float, float]
    curves: MismatchErrors
    trained_on: FloatArray
    used_on: FloatArray


@lru_cache(maxsize=32)
def mismatch_stages(share: float, seed: int) -> dict[str, MismatchErrors]:
    """Return an empty store for this setting; `turn` puts the finished errors into it."""
    return {}


def turn(degrees: int, share: float, seed: int) -> Iterator[tuple[float, Mismatch]]:
    """Train networks for all angles; yield what is known so far."""
    store, data = mismatch_stages(share, seed), digit_split(seed)

    def show(curves: MismatchErrors) -> Mismatch:
        at = DEGREES.index(degrees)
        errors = tuple(float(getattr(curves, name)[at]) for name in ("train", "train_dev", "dev", "test"))
        turned = data.X_dev[:6].copy()
        n_turned = round(6 * share / 100)
        turned[:n_turned] = rotate(turned[:n_turned], degrees)
        return Mismatch(degrees, share / 100, errors, curves, turned, rotate(data.X_dev[:6], degrees))  # type: ignore[arg-type]

    if "done" not in store:
        rng = np.random.default_rng(seed)
        stages = mismatch_errors(data, DEGREES, share / 100, MISMATCH_HIDDEN, MISMATCH_STEPS, rng)
        for part, curves in stages:
            if part < 1:
                yield part, show(curves)
        store["done"] = curves
    yield 1.0, show(store["done"])


def mismatch_finding(result: Mismatch) -> str:
    """Return the four errors."""
    names = ("train", "train-dev", "dev", "test")
    errors = ", ".join(f"{name} {error:.0%}" for name, error in zip(names, result.errors, strict=True))
    return f"Errors: {errors}"


def mismatch_caption(result: Mismatch) -> str:
    """Name the largest of the three gaps and what it means."""
    train, train_dev, dev, test = (100 * error for error in result.errors)
    gaps = {
        "train to train-dev: variance": train_dev - train,
        "train-dev to dev: data mismatch": dev - train_dev,
        "dev to test: chance, or a dev set that is used up": test - dev,
    }
    largest = max(gaps, key=lambda name: gaps[name])
    return (
        f"Dev and test images are turned by {result.degrees}°; of the training images, "
        f"{result.share:.0%} are. "
        f"The largest gap, {gaps[largest]:.0f} points, is the one from {largest}. "
        f"A dev set like the training set would have shown an error of {train_dev:.0f}%; "
        f"in use it is {test:.0f}%."
    )


def mismatch_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the four errors, the images, and the errors over the angle."""
    grid = figure.add_gridspec(2, 2, height_ratios=[3, 1.1])
    bars = figure.add_subplot(grid[0, 0])
    images = figure.add_subplot(grid[1, 0])
    curves = figure.add_subplot(grid[:, 1])
    names = ("train", "train-dev", "dev", "test")
    return [
        GapsView(bars, names, ("variance", "mismatch", "to test"), top=115),
        DigitsView(images),
        MismatchView(curves, DEGREES),
    ]


def mismatch_code(degrees: int, share: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.bias_variance import mismatch_errors
from dlhelpers.datasets import digits, split

X, y, *_ = digits()
data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng({seed}))
degrees = range(0, 91, 5)
rng = np.random.default_rng({seed})
*_, (_, curves) = mismatch_errors(data, degrees, {share} / 100, {MISMATCH_HIDDEN}, {MISMATCH_STEPS}, rng)
result = [errors[degrees.index({degrees})] for errors in curves[1:]]
"""


def mismatch_lab() -> Lab:
    """Return the lab *The training set comes from elsewhere*."""
    return Lab(
        "The training set comes from elsewhere",
        controls={
            "degrees": steps_slider("Angle in use, degrees", [(str(angle), angle) for angle in DEGREES], 30),
            "share": real_slider("Turned in training, %", 0, 100, 0, 5, fmt=".0f"),
        },
        compute=turn,
        views=mismatch_views,
        finding=mismatch_finding,
        caption=mismatch_caption,
        code=mismatch_code,
        presets={
            "same distribution": {"degrees": 0},
            "mismatch": {"degrees": 45},
            "a few from the target": {"degrees": 45, "share": 10},
            "all from the target": {"degrees": 45, "share": 100},
        },
        size=(9.6, 4.6),
    )

"""What notebook 04a says happens."""

from functools import cache, partial
from itertools import islice, pairwise, repeat

import numpy as np

from dlhelpers.datasets import breast_cancer
from dlhelpers.labs.normalization import own_scale, valley
from dlhelpers.labs.normalization.common import draw_data
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.normalization import condition_number, fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray
from tests.claims import claim

STARTS = ((-1.6, 1.2), (3.0, 0.0), (0.0, 2.0), (1.0, -1.0), (-0.1, -2.0))
SHIFTS = (0.0, 0.5, 1.0, 2.0, 3.0)
the_claim = partial(claim, "04a")


@cache
def walk(
    treatment: str,
    seed: int,
    scale: float = 5.0,
    times_best: float = 1.0,
    mean: float = 1.0,
    correlation: float = 0.0,
    start: tuple[float, float] = STARTS[0],
) -> valley.Descended:
    return valley.descend_valley(treatment, scale, times_best, mean, correlation, *start, seed)


@cache
def steps_to_goal(treatment: str, seed: int, scale: float = 5.0) -> int:
    excess = walk(treatment, seed, scale).excess
    return int((excess <= valley.GOAL).argmax()) if excess[-1] <= valley.GOAL else valley.STEPS + 1


@cache
def tumors_trained() -> dict[str, tuple[float, float]]:
    """Return the loss after 300 steps and the best rate, as in the cell of the notebook."""
    tumors, found = breast_cancer(), {}
    model, rates = Network((30, 1), loss_name="sigmoid_cross_entropy"), np.logspace(-9, 3, 25)[:, None]
    y = tumors.y[:, None].astype(float)
    for name, X in (("measured", tumors.X), ("normalized", fit(tumors.X).apply(tumors.X))):
        run = descend(model, np.zeros((25, 31)), repeat(Batch(X, y)), GradientDescent(), rates)
        *_, end = islice(run, 301)
        best = np.nanargmin(end.loss)
        found[name] = (float(end.loss[best]), float(rates[best, 0]))
    return found


def on_the_test_set(scaling: str, seed: int, shift: float = 1.0, n_test: int = 30) -> own_scale.Tested:
    return own_scale.predict_test_set(scaling, shift, n_test, seed)


# The first screen -----------------------------------------------------------------------------------


def test_the_walk_is_long() -> None:
    def zigzag(seed: int) -> bool:
        path = walk(valley.NONE, seed).path
        return 24 <= steps_to_goal(valley.NONE, seed) < 100 and bool(np.all(path[:20, 0] * path[1:21, 0] < 0))

    the_claim("It jumps from wall to wall of a long valley, and needs dozens of steps.", zigzag)


def test_normalized_is_there_at_once() -> None:
    the_claim("it is there in a step or two", lambda seed: 1 <= steps_to_goal(valley.NORMALIZED, seed) <= 2)


def test_the_tumors() -> None:
    def ends_lower(seed: int) -> bool:
        (loss, rate), (lower, larger) = tumors_trained()["measured"], tumors_trained()["normalized"]
        return lower < 0.5 * loss and larger > 1e4 * rate

    the_claim(
        "The normalized run works with a rate that is many powers of ten larger, and it ends lower.",
        ends_lower,
        seeds=[0],  # all weights begin at 0, and all examples are used: nothing is random
    )


# What makes the valley long -------------------------------------------------------------------------


def test_a_large_feature_makes_a_steep_direction() -> None:
    def steep(seed: int) -> bool:
        _, vectors = np.linalg.eigh(walk(valley.NONE, seed).hessian)
        return bool(abs(vectors[0, 1]) > 0.95 and abs(vectors[1, 0]) > 0.95)

    the_claim("With *none*, the valley is steep along $w_1$ and flat along $w_2$.", steep)


def test_divided_by_the_variance_it_lies_the_other_way() -> None:
    def turned(seed: int) -> bool:
        before, after = walk(valley.NONE, seed), walk(valley.SQUARED, seed)
        ratio = np.sqrt(after.condition / before.condition)
        return bool(0.7 < ratio < 1.3 and after.hessian[0, 0] < after.hessian[1, 1])

    the_claim("the valley lies the other way, about as long as before", turned)


def test_nothing_is_gained_by_the_variance() -> None:
    the_claim(
        "for centered features without a bias, nothing is gained",
        lambda seed: bool(
            np.isclose(walk(valley.CENTERED, seed).condition, walk(valley.SQUARED, seed).condition, rtol=1e-6)
        ),
    )


def test_means_make_a_valley_and_centering_cures_it() -> None:
    def cured(seed: int) -> bool:
        far, near = (walk(each, seed, scale=1, mean=3).condition for each in (valley.NONE, valley.CENTERED))
        return far > 10 and near < 2

    the_claim("Subtracting $\\mu$ cures it.", cured)


def test_correlation_makes_a_valley() -> None:
    the_claim(
        "These features are normalized, and the valley is long again.",
        lambda seed: walk(valley.NORMALIZED, seed, correlation=0.9).condition > 10,
    )


# How many steps -------------------------------------------------------------------------------------


def test_the_dotted_line_lies_on_the_blue_one() -> None:
    def alike(seed: int) -> bool:
        runs = [
            walk(each, seed, start=start)
            for start in STARTS
            for each in (valley.NONE, valley.CENTERED, valley.SQUARED)
        ]
        steps = np.arange(valley.STEPS + 1)
        return all(np.allclose(run.excess, run.factor ** (2 * steps), rtol=1e-3, atol=1e-12) for run in runs)

    the_claim("black dotted line in the lab lies on the blue one, wherever you drop the green point", alike)


def test_there_is_a_cliff() -> None:
    def grows(seed: int) -> bool:
        limit = 1 + 1 / walk(valley.NONE, seed).condition
        below, above = (walk(valley.NONE, seed, times_best=limit + by).excess for by in (-0.005, 0.005))
        return bool(above[-1] > above[-2] > 0 and below[-1] < below[-2])

    the_claim("above $1 + 1/\\kappa$ times the best rate, the loss grows", grows)


def test_kappa_steps() -> None:
    """One per cent of the loss is a tenth of the distance."""
    the_claim(
        "About $\\kappa$ steps come ten times closer to the minimum.",
        lambda seed: all(
            0.9
            < steps_to_goal(valley.CENTERED, seed, scale) / walk(valley.CENTERED, seed, scale).condition
            < 1.4
            for scale in (3.0, 5.0, 7.0)
        ),
    )


def test_a_scale_does_not_change_what_can_be_learned() -> None:
    def same(seed: int) -> bool:
        data = draw_data(5.0, 1.0, 0.5, 0.0, 0, seed)
        y = data.y - data.y.mean()

        def best(treatment: str) -> FloatArray:
            X = valley.treat(treatment, data.X)
            return np.asarray(X @ np.linalg.lstsq(X, y, rcond=None)[0])

        return all(
            np.allclose(best(one), best(other))
            for one, other in pairwise((valley.CENTERED, valley.NORMALIZED, valley.SQUARED))
        )

    the_claim("A scale does not change what a linear model can learn.", same)


def test_as_measured_it_would_be_billions() -> None:
    X = breast_cancer()
    pair = X.X[:, [X.feature_names.index(name) for name in ("mean area", "mean smoothness")]]
    the_claim(
        "With the area and the smoothness as they were measured, that would be billions.",
        lambda seed: 1e9 < condition_number(pair) < 1e10,
        seeds=[0],
    )


# Which mean? ----------------------------------------------------------------------------------------


def test_the_squares_follow_the_mark() -> None:
    def follow(seed: int) -> bool:
        results = [on_the_test_set(own_scale.TRAINING_S, seed, shift) for shift in SHIFTS]
        middles = [result.X_test.mean() for result in results]
        return all(result.error < 0.5 for result in results) and bool(
            np.allclose(np.diff(middles), np.diff(SHIFTS), rtol=0.15)
        )

    the_claim("the black squares follow it, and the predictions stay on the line", follow)


def test_by_its_own_they_do_not_move() -> None:
    def stay(seed: int) -> bool:
        results = [on_the_test_set(own_scale.OWN, seed, shift) for shift in SHIFTS]
        return all(np.allclose(one.X_test, other.X_test) for one, other in pairwise(results))

    the_claim("Now the squares do not move, however far away the test set is.", stay)


def test_the_error_grows_with_the_shift() -> None:
    def grows(seed: int) -> bool:
        results = [on_the_test_set(own_scale.OWN, seed, shift) for shift in SHIFTS[1:]]
        return all(
            one.error < other.error and np.allclose(one.predictions, other.predictions)
            for one, other in pairwise(results)
        )

    the_claim("its predictions stay where they were, and the test error grows with the shift", grows)


def test_a_single_example_is_zero() -> None:
    def zero(seed: int) -> bool:
        result = on_the_test_set(own_scale.OWN, seed, 3.0, n_test=1)
        mean = draw_data(own_scale.SCALE, own_scale.MEAN, 0.0, 0.0, 0, seed).y.mean()
        return not result.X_test.any() and bool(np.isclose(result.predictions[0], mean))

    sentence = "all its features have become 0, and the prediction is the mean of $y$ in the training set"
    the_claim(sentence, zero)

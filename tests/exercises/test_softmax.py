"""The exercises of notebook 09 against hand arithmetic; the likeliest honest attempts."""

import numpy as np
import pytest

from dlhelpers.exercises import softmax
from dlhelpers.exercises.checking import ask
from tests.exercises.every import solution


def test_softmax_by_hand() -> None:
    """e^1, e^3, e^2 over their sum 30.193 are .0900, .6652, .2447."""
    first = ask(softmax.stable_softmax.reference, softmax.stable_softmax.cases[0]).value
    np.testing.assert_allclose(first[:, 0], [0.0900, 0.6652, 0.2447], atol=5e-5)


def test_the_gradient_by_hand() -> None:
    """The first of two examples: (.0900, .6652 - 1, .2447) / 2."""
    first = ask(softmax.softmax_gradient.reference, softmax.softmax_gradient.cases[0]).value
    np.testing.assert_allclose(first[:, 0], [0.0450, -0.1674, 0.1224], atol=5e-5)


def test_the_calibration_error_by_hand() -> None:
    """By bins, the hits less the confidences: 1 - .55, 1 - 2 x .95 and 1 - 3 x .85."""
    first = ask(softmax.calibration_error.reference, softmax.calibration_error.cases[0]).value
    assert first == pytest.approx((0.45 + 0.9 + 1.55) / 6)


def test_a_loop_over_bins_is_right_too() -> None:
    def loop(confidence, correct):
        total = 0.0
        for b in range(10):
            inside = (confidence >= b / 10) & (confidence < (b + 1) / 10 + (b == 9))
            if inside.any():
                total += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
        return total

    assert softmax.calibration_error.check(loop).kind == "right"


def test_the_mean_of_an_empty_bin_is_told() -> None:
    def without_if(confidence, correct):
        with np.errstate(invalid="ignore"):
            k = np.minimum((10 * confidence).astype(int), 9)
            counts = np.bincount(k, minlength=10)
            gaps = np.bincount(k, correct - confidence, 10) / counts
        return np.sum(counts / len(k) * np.abs(gaps))

    assert softmax.calibration_error.check(without_if).kind in ("wrong", "known mistake", "failed")


def test_the_temperature_of_the_question() -> None:
    """Logits of .5, .3, .2 divided by anything keep cat ahead."""
    softmax_of = solution(softmax.stable_softmax)
    z = np.log([[0.5], [0.3], [0.2]])
    for T in np.geomspace(0.01, 100, 50):
        assert softmax_of(z / T)[:, 0].argmax() == 0

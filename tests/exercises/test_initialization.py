"""The exercises of notebook 04b tell the mistakes apart; what their feedback says is measured."""

import numpy as np
import pytest

from dlhelpers.exercises import initialization
from dlhelpers.initialization import he_normal, predict_signals, propagate
from dlhelpers.labs.initialization import starts
from dlhelpers.live.stages import last
from tests.exercises.every import solution

# ------------------------------------------------------------------------- solutions hold in general


def test_he_weights_are_those_of_the_core() -> None:
    G = np.random.default_rng(0).standard_normal((3, 5))
    W = solution(initialization.he_weights)(G)
    np.testing.assert_allclose(W, he_normal(np.random.default_rng(0), (3, 5)))


@pytest.mark.parametrize("gain", [0.5, 2**0.5, 2.0])
def test_relu_growth_is_what_theory_and_wide_networks_show(gain: float) -> None:
    n, layers = 400, 4
    growth = solution(initialization.relu_growth)(n, gain**2 / n, layers)
    s = predict_signals("relu", gain, layers).activations
    assert s[-1] ** 2 == pytest.approx(growth)
    rng = np.random.default_rng(0)
    V = rng.standard_normal((layers, n, n)) / np.sqrt(n)
    x, top = rng.standard_normal((2, 8, n))
    measured = propagate(V, x, top, "relu", gain).activations[:, -1] ** 2
    assert np.mean(measured) == pytest.approx(growth, rel=0.15)


def test_a_growth_of_a_half_in_50_layers() -> None:
    assert abs(0.5**50 - 1e-15) < 1.5e-16


# ------------------------------------------------------------------------- what the feedback says


def test_halves() -> None:
    """32 times as large in each layer; random signs would give 4; the frame ends at 10^12."""
    W, x = np.full((64, 64), 0.5), np.abs(np.random.default_rng(0).normal(size=64))
    np.testing.assert_allclose(W @ x, 32 * x.mean())
    assert np.linalg.norm(W, 2) == pytest.approx(32)
    signs = np.random.default_rng(1).choice([-0.5, 0.5], (1000, 64))
    assert np.sqrt(np.mean((signs @ np.ones(64)) ** 2)) == pytest.approx(4, rel=0.05)
    assert 0.8 * 32**8 < 1e12 < 0.8 * 32**9


def test_relu_depth() -> None:
    s = predict_signals("relu", 1.0, 50).activations
    assert s[-1] / s[0] == pytest.approx(4e-8, rel=0.1)


def test_slightly_more() -> None:
    assert pytest.approx(5000, rel=0.02) == 1.19**49


def test_twice_the_start() -> None:
    """Weights of 0.01 stay at guessing at every rate."""
    trained = last(starts.train(starts.SMALL, "relu", 8, starts.SHORT, 0))
    assert np.all(np.abs(trained.smooth(starts.SHORT) - np.log(10)) < 0.05)


def test_stuck() -> None:
    assert pytest.approx(0.001, rel=0.05) == 0.7 * 0.5 ** (19 / 2)

"""The exercises of notebook 04 tell the mistakes apart; what their feedback claims is measured."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlhelpers.datasets import breast_cancer
from dlhelpers.exercises import initialization
from dlhelpers.initialization import he_normal, predict_signals, propagate
from dlhelpers.labs.initialization.first_weights import (
    AFTER,
    AT_START,
    GLOROT,
    HE,
    LARGE,
    LECUN,
    OWN_BEST,
    SMALL,
    compare_starts,
    train,
)
from dlhelpers.normalization import condition_number, fit
from tests.exercises.every import solution

# ------------------------------------------------------------------------- solutions hold in general


@given(arrays(float, (5, 2), elements=st.integers(-50, 50).map(float)))
def test_normalize_is_fit_and_apply(X: Any) -> None:
    train, test = solution(initialization.normalize)(X[:3], X[3:])
    fitted = fit(X[:3])
    np.testing.assert_allclose(train, fitted.apply(X[:3]), atol=1e-12)
    np.testing.assert_allclose(test, fitted.apply(X[3:]), atol=1e-12)


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


def test_long_valley() -> None:
    """A condition number of 25 before and after, the small feature first; 1 after x / σ."""
    rng = np.random.default_rng(0)
    X = fit(Z := rng.normal(size=(2000, 2))).apply(Z) * [5.0, 1.0]
    notes = X / X.std(axis=0) ** 2
    assert condition_number(X, bias=False) == pytest.approx(25, rel=0.1)
    assert condition_number(notes, bias=False) == pytest.approx(25, rel=0.1)
    np.testing.assert_allclose(notes.std(axis=0), [0.2, 1])
    assert condition_number(X / X.std(axis=0), bias=False) < 1.1


def test_one_patient() -> None:
    """Each single example becomes 0."""
    for x in breast_cancer().X[:5]:
        assert not fit(x[None]).apply(x[None]).any()


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


@cache
def starts(seed: int) -> Any:
    *_, (_, result) = compare_starts(HE, "relu", 8, OWN_BEST, AT_START, seed)
    return result


@pytest.mark.parametrize("seed", [0, 2])
def test_which_start(seed: int) -> None:
    """He's come farther than 1/n and Glorot's; small weights stay at guessing; large ones are no better."""
    result = starts(seed)
    ends = {name: each.ends for name, each in result.trained.items()}
    assert ends[HE].min() < min(ends[LECUN].min(), ends[GLOROT].min()) - 0.1
    assert np.all(np.abs(ends[SMALL] - np.log(10)) < 0.05)
    assert np.all(ends[LARGE] > 2.25)
    assert result.trained[LARGE].start.activations[-1] > 3e4
    assert result.trained[LARGE].losses[0].min() > 1000


# ------------------------------------------------------------------------- what a preview says

CLAIMS = ("diverge", "the best is", "still have the same weights", "differ by up to", "diverges at")
"""What only training that has come to its end can tell."""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("activation", "hidden", "rate"),
    [("relu", 8, OWN_BEST), ("relu", 2, "1.0")],
)
def test_no_preview_says_what_the_end_contradicts(seed: int, activation: str, hidden: int, rate: str) -> None:
    """At each stage, for a start that trains and for one that diverges."""
    for name in (LECUN, LARGE):
        train.cache_clear()
        stages = [result for _, result in compare_starts(name, activation, hidden, rate, AT_START, seed)]
        end = f"{stages[-1].finding}. {stages[-1].caption}"
        for result in stages:
            text = f"{result.finding}. {result.caption}"
            for claim in CLAIMS:
                assert claim not in text or claim in end, (claim, text, end)
            losses = [each.losses for each in result.trained.values()]
            finished = [each.end is not None for each in result.trained.values()]
            assert all(len(curve) == 21 for curve, done in zip(losses, finished, strict=True) if done)
            assert "nan" not in text and "inf" not in text


def test_a_preview_says_how_far_training_is() -> None:
    train.cache_clear()
    _, first = next(compare_starts(LARGE, "relu", 8, "0.01", AT_START, 0))
    assert "after 0 of 100 steps" in first.finding and "after 0 of 100 steps" in first.caption
    assert first.trained[LARGE].losses.shape == (1, 5)
    assert np.isnan(first.trained[LARGE].ends).all()


def test_the_caption_speaks_of_the_activations_that_are_shown() -> None:
    *_, (_, start) = compare_starts(LECUN, "relu", 8, "0.1", AT_START, 0)
    *_, (_, after) = compare_starts(LECUN, "relu", 8, "0.1", AFTER, 0)
    assert "After 100 steps" not in start.caption
    end = after.trained[LECUN].end
    assert end is not None
    first, last = end.sizes[2, 0], end.sizes[2, -1]
    assert (
        f"After 100 steps at the rate 0.1, the activations of layer 1 have the size {first:.2g}, "
        f"and those of layer 8 have {last:.2g}."
    ) in after.caption
    np.testing.assert_array_equal(after.histograms, end.histograms[2])
    train.cache_clear()
    _, preview = next(compare_starts(LECUN, "relu", 8, "0.1", AFTER, 0))
    assert preview.histograms is None and "not known yet" in preview.caption

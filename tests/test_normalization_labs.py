"""The labs on normalized inputs, beside the formulas."""

import numpy as np
import pytest

from dlhelpers.labs.normalization import own_scale, valley
from dlhelpers.labs.normalization.common import NOISE

START = (-1.6, 1.2)


@pytest.mark.parametrize("treatment", valley.TREATMENTS)
@pytest.mark.parametrize("seed", range(3))
def test_each_step_leaves_rho_squared_and_the_rate_has_a_limit(treatment: str, seed: int) -> None:
    found = valley.descend_valley(treatment, 5.0, 1.0, 1.0, 0.5, *START, seed)
    assert found.factor == pytest.approx((found.condition - 1) / (found.condition + 1), rel=1e-6)
    shares = found.excess[1:10] / found.excess[:9]
    np.testing.assert_allclose(shares[found.excess[:9] > 1e-20], found.factor**2, rtol=1e-5, atol=1e-9)
    limit = 1 + 1 / found.condition
    for times, grows in ((limit - 0.01, False), (limit + 0.01, True)):
        run = valley.descend_valley(treatment, 5.0, times, 1.0, 0.5, *START, seed)
        assert (run.excess[-1] > run.excess[-2]) == grows


def test_the_valley_is_as_long_as_the_scales_say() -> None:
    """Without means and correlation, the ratio of the deviations; by σ², the same ratio the other way."""
    for scale in (2.0, 5.0, 50.0):
        runs = [
            valley.descend_valley(each, scale, 1.0, 0.0, 0.0, *START, 0)
            for each in (valley.CENTERED, valley.SQUARED)
        ]
        for run, ratio in zip(runs, (scale, 1 / scale), strict=True):
            first, second = run.X.std(axis=0)
            assert first / second == pytest.approx(ratio, rel=0.2)
            assert np.sqrt(run.condition) == pytest.approx(scale, rel=0.2)


def test_a_start_at_the_minimum_has_arrived() -> None:
    found = valley.descend_valley(valley.NONE, 5.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0)
    assert "0 steps" in found.finding and np.all(found.excess < 1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_only_the_statistics_of_the_training_set_see_a_shift(seed: int) -> None:
    """The prediction moves with the shift, two units of y for one σ; by its own mean it does not move."""
    near, far = (own_scale.predict_test_set(own_scale.TRAINING_S, shift, 100, seed) for shift in (0.0, 3.0))
    assert far.predictions.mean() - near.predictions.mean() == pytest.approx(6, rel=0.05)
    assert far.error < NOISE * 1.5
    near, far = (own_scale.predict_test_set(own_scale.OWN, shift, 100, seed) for shift in (0.0, 3.0))
    assert far.predictions.mean() == pytest.approx(near.predictions.mean())
    assert far.error == pytest.approx(6, rel=0.1)


def test_a_single_example_becomes_zero() -> None:
    found = own_scale.predict_test_set(own_scale.OWN, 3.0, 1, 0)
    assert not found.X_test.any()
    assert "1 test example, drawn" in found.caption

"""What the labs on decay measure, against their formulas."""

import math

import numpy as np
import pytest

from dlhelpers.labs.schedules import branch_off
from dlhelpers.labs.schedules.noise_floor import MAKE, SLIP, measure_floors, run_schedules
from dlhelpers.live.stages import last


@pytest.mark.parametrize("batch_size", [1, 10, 1000])
def test_measured_floors_agree_with_the_formula(batch_size):
    floors = measure_floors(batch_size, 0)
    assert floors.disagreement < 0.06
    assert np.all(np.diff(floors.measured) > 0)


def test_the_formula_as_written_is_lost_and_the_mended_one_is_not():
    lost = run_schedules(SLIP, 0.5, 10, 1.0, 0)
    assert not math.isfinite(lost.end) and "divides by the root of 0" in lost.caption
    np.testing.assert_array_equal(lost.losses[SLIP][:11], lost.losses["constant"][:11])
    assert all(math.isfinite(lost.ends[name]) for name in MAKE)


def test_all_schedules_are_the_same_before_the_decay_starts():
    run = run_schedules("cosine", 0.5, 15, 1.0, 0)
    for name in MAKE:
        np.testing.assert_array_equal(run.losses[name][:16], run.losses["constant"][:16])


def test_a_branch_is_the_constant_run_up_to_the_fork_and_all_stages_are_honest():
    stages = list(branch_off.branch_off(300, 0.5, 7))
    shares = [share for share, _ in stages]
    assert shares == sorted(shares) and shares[-1] == 1
    first, whole = stages[0][1], stages[-1][1]
    assert np.isnan(first.dev["constant"][-1]).all() and not first.best and "NaN" not in first.caption
    fork = whole.dev[branch_off.FORK]
    np.testing.assert_array_equal(fork[:11], whole.dev["constant"][:11])
    assert list(whole.dev) == list(branch_off.NAMES) and len(whole.best) == 5


def test_the_decay_from_step_0_is_the_linear_schedule():
    whole = last(branch_off.branch_off(0, 0.5, 7))
    np.testing.assert_allclose(whole.dev[branch_off.FORK], whole.dev["linear"], rtol=1e-4)

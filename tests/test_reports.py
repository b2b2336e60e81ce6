"""The report: standard errors by hand, what was chosen, and what is said of no mistake at all."""

import numpy as np
import pytest

from dlhelpers.reports import report, standard_error


def test_the_standard_error_by_hand_and_by_many_samples() -> None:
    """sqrt(.1 x .9 / 100) is .03; 20,000 samples of 386 coins spread as it says."""
    assert standard_error(0.1, 100) == pytest.approx(0.03)
    shares = np.random.default_rng(0).binomial(386, 0.04, 20_000) / 386
    assert standard_error(0.04, 386) == pytest.approx(shares.std(), rel=0.02)
    np.testing.assert_allclose(standard_error(np.array([0.0, 0.5]), 25), [0.0, 0.1])


def test_the_lowest_dev_error_is_chosen_and_said_to_be_flattered() -> None:
    text = report("Ours.", (1000, 400, 400), {"small": 0.05, "large": 0.04, "deep": 0.045}, 0.06)
    lines = text.splitlines()
    assert lines[0] == "Data: Ours." and "1,000 for training, 400 dev, 400 test" in lines[1]
    assert [line.strip().partition(" ")[0] for line in lines if line.endswith("chosen")] == ["large"]
    assert "4.0% ± 1.0%, the lowest of 3 and so flattered" in text
    assert lines[-1] == "Test error: 6.0% ± 1.2%, 24 of 400, looked at once."


def test_one_network_and_no_mistake() -> None:
    text = report("Ours", (10, 100, 300), {"only": 0.0}, 0.0)
    assert "Tried: 1 network, dev error" in text and "the only one" in text
    assert "0% (below 3.0%)" in text and "Test error: 0% (below 1.0%), 0 of 300" in text

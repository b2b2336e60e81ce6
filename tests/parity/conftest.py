"""Parity: what dlhelpers computes is what PyTorch and scikit-learn compute, in float64.

Run it with `make parity`, in an environment of its own.  Two arrays agree when their shapes are equal and

    max |ours - theirs|  <=  1e-10 * max |theirs|

Parameters are compared one by one, so that a small bias does not hide behind a large weight.  What is 0
in exact arithmetic has no relative difference; where a test meets it, it names the size up to which both
count as 0.  At the end the worst difference of each test is printed, as a share of max |theirs|.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

TOLERANCE = 1e-10

WORST = pytest.StashKey[dict[str, float]]()

Agree = Callable[..., None]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[WORST] = {}
    torch.set_num_threads(1)  # the matrices are small


@pytest.fixture
def agree(request: pytest.FixtureRequest) -> Agree:
    """Return a function that compares two arrays, or two mappings of arrays, and notes the difference."""
    worst = request.config.stash[WORST]
    group = f"{request.path.stem.removeprefix('test_')}: {request.node.originalname.removeprefix('test_')}"

    def agree(ours: Any, theirs: Any, what: str = "", zero: float = 0.0) -> None:
        if isinstance(theirs, dict):
            assert ours.keys() == theirs.keys()
            for name in theirs:
                agree(ours[name], theirs[name], f"{what} {name}".strip(), zero)
            return
        ours, theirs = _plain(ours), _plain(theirs)
        assert ours.shape == theirs.shape, what
        assert np.isfinite(theirs).all(), what
        if max(np.abs(ours).max(), np.abs(theirs).max()) <= zero:
            return
        scale = np.abs(theirs).max() or 1.0  # where all of theirs is 0, the difference itself
        difference = float(np.abs(ours - theirs).max() / scale)
        worst[group] = max(worst.get(group, 0.0), difference)
        assert difference <= TOLERANCE, f"{what}: they differ by {difference:.1e} of the largest entry"

    return agree


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if worst := config.stash[WORST]:
        terminalreporter.section(f"worst differences; allowed: {TOLERANCE:.0e}")
        for group, difference in worst.items():
            terminalreporter.write_line(f"{difference:8.1e}  {group.replace('_', ' ')}")


def _plain(values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().numpy()
    values = np.asarray(values)
    assert values.dtype == np.float64, values.dtype
    return values

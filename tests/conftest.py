"""What all tests share."""

import gc

import numpy as np
import pytest
from hypothesis import settings

# No test asserts the clock: a busy machine is no failure.  All else stays as it is in hypothesis' own
# profile, which repeats the same examples where CI is set.
settings.register_profile("no deadline", parent=settings(), deadline=None)
settings.load_profile("no deadline")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over the thousands of tests: it had taken an eighth of the time."""
    gc.freeze()


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)

"""What all tests share."""

import numpy as np
import pytest
from hypothesis import settings

# No test asserts the clock: a busy machine is no failure.  All else stays as it is in hypothesis' own
# profile, which repeats the same examples where CI is set.
settings.register_profile("no deadline", parent=settings(), deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)

"""Data that several labs use, loaded once."""

from functools import lru_cache

import numpy as np

from dlhelpers.datasets import Split, digits, split


@lru_cache(maxsize=4)
def digit_split(seed: int) -> Split:
    """Split the digits into 1,024 for training, 386 for dev and 387 for test; gray levels from 0 to 1."""
    X, y, *_ = digits()
    return split(X / 16, y, dev=386, test=387, rng=np.random.default_rng(seed))

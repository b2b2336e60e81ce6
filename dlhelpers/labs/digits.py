"""Data that several labs use, loaded once."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from dlhelpers.datasets import Split, digits, one_hot, split
from dlhelpers.minibatches import Batch
from dlhelpers.normalization import fit


@lru_cache(maxsize=4)
def digit_split(seed: int) -> Split:
    """Split the digits into 1,024 for training, 386 for dev and 387 for test; gray levels from 0 to 1."""
    X, y, *_ = digits()
    return split(X / 16, y, dev=386, test=387, rng=np.random.default_rng(seed))


class Digits(NamedTuple):
    """Digits with normalized inputs: 1,024 to train with, 386 in the dev set."""

    train: Batch
    dev: Batch


@lru_cache(maxsize=4)
def normalized_digits(seed: int) -> Digits:
    """Split the digits and normalize their inputs with mean and deviation of the training set."""
    data = digit_split(seed)
    transform = fit(data.X_train)
    return Digits(
        Batch(transform.apply(data.X_train), one_hot(data.y_train, 10)),
        Batch(transform.apply(data.X_dev), one_hot(data.y_dev, 10)),
    )

"""What the labs on batch normalization share: digits, one network with and one without, and their colors."""

from functools import lru_cache
from typing import NamedTuple

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.datasets import one_hot
from dlhelpers.labs.digits import digit_split
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.normalization import fit

WITH, WITHOUT = "#7A3E9D", "#A6761D"
"""Purple, drawn solid: with batch normalization. Ochre, drawn dashed: without."""
SIZES = (64, 32, 32, 10)
PLAIN = Network(SIZES, "relu", "softmax_cross_entropy")
NORMALIZED = Network(SIZES, "relu", "softmax_cross_entropy", batch_norm=BatchNormalization())


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


PREPARE = """
import numpy as np
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.normalization import fit

X, y, *_ = digits()
data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng({seed}))
transform = fit(data.X_train)
train = Batch(transform.apply(data.X_train), one_hot(data.y_train, 10))
dev = Batch(transform.apply(data.X_dev), one_hot(data.y_dev, 10))
"""
"""How a program makes the same data; a format with `seed`."""

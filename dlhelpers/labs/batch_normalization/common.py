"""What the labs on batch normalization share: digits, one network with and one without, and their colors."""

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.network import Network

WITH, WITHOUT = "#7A3E9D", "#A6761D"
"""Purple, drawn solid: with batch normalization. Ochre, drawn dashed: without."""
SIZES = (64, 32, 32, 10)
PLAIN = Network(SIZES, "relu", "softmax_cross_entropy")
NORMALIZED = Network(SIZES, "relu", "softmax_cross_entropy", batch_norm=BatchNormalization())


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

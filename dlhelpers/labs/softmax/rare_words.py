"""Which word comes next? A small language with rare words, and the same with none."""

from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

import numpy as np

from dlhelpers.datasets import one_hot
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, Optimizer
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

WORDS, PAIRS, STEPS = 32, 256, 100
COMMON = 4
"""With shares of 1/rank, the first four words make half of the text."""
RACERS: dict[str, tuple[Optimizer, FloatArray]] = {
    "gradient descent": (GradientDescent(), 2.0 ** np.arange(2, 6.5, 0.5)),
    "momentum": (Momentum(0.9), 2.0 ** np.arange(6, 10.5, 0.5)),
    "Adam": (Adam(), 2.0 ** np.arange(-2, 2.5, 0.5)),
}
"""Each optimizer and the learning rates that it may try."""
NETWORK = Network((WORDS, WORDS), loss_name="softmax_cross_entropy")
"""One row of weights for each word, and no hidden layer: the loss is convex."""


class Learned(NamedTuple):
    """How far a run at its best rate is above the lowest loss: over the text, and over its words by rank."""

    rate: float
    loss: float
    common: float
    rare: float


@lru_cache(maxsize=64)
def text(balanced: bool, seed: int) -> Batch:
    """Return pairs of a word and the next one, one-hot, (PAIRS, WORDS) each.

    A word has the share 1 / rank of the text, or all words have the same share. Two words can follow each
    word, one of them twice as often as the other.
    """
    rng = np.random.default_rng(seed)
    share = np.ones(WORDS) if balanced else 1 / np.arange(1, WORDS + 1)
    word = rng.choice(WORDS, PAIRS, p=share / share.sum())
    often, seldom = rng.permutation(WORDS), rng.permutation(WORDS)
    following = np.where(rng.random(PAIRS) < 2 / 3, often[word], seldom[word])
    return Batch(one_hot(word, WORDS), one_hot(following, WORDS))


def lowest_losses(batch: Batch) -> FloatArray:
    """Return the loss of each pair if the network says for each word how often each other one follows."""
    counts = batch.X.T @ batch.Y
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return -np.log(np.sum(batch.X @ shares * batch.Y, axis=1))


def learn(name: str, balanced: bool, seed: int) -> Learned:
    """Train with all pairs in each step, once for each rate; return the run with the lowest loss."""
    optimizer, rates = RACERS[name]
    batch = text(balanced, seed)
    theta = np.zeros((len(rates), NETWORK.layout.size))
    *_, end = descend(NETWORK, theta, repeat(batch), optimizer, rates[:, None], steps=STEPS)
    best = int(np.argmin(NETWORK.loss(end.theta, batch)))
    probability = np.sum(NETWORK.predict(end.theta[best], batch.X) * batch.Y, axis=1)
    excess = -np.log(probability) - lowest_losses(batch)
    common = batch.X[:, :COMMON].any(axis=1)
    return Learned(rates[best], excess.mean(), excess[common].mean(), excess[~common].mean())

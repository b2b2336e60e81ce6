"""A population of K networks is K separate runs: the same steps, whatever is switched on."""

from functools import partial
from itertools import islice, repeat

import numpy as np
import pytest

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import with_draws
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import OPTIMIZERS, Clipped, GradientDescent
from dlhelpers.regularization import Regularized, l1, l2, soft_threshold
from dlhelpers.training import descend

K, STEPS, SIZES = 3, 30, (3, 5, 4, 2)

# A batched product may add in another order than a single one; that changes the last bit of a sum.  Noise
# of this size, added to every gradient on purpose, grew within the 30 steps to 9e-11 of the largest entry
# (RMSprop divides by small roots).  Without it, the runs agreed to 9e-14, most of them bit by bit.
TOLERANCE = 1e-9


def column(*values):
    assert len(values) == K
    return np.array(values)[:, None]


BETAS, OTHER_BETAS = column(0.5, 0.9, 0.0), column(0.9, 0.99, 0.95)
EPS = column(1e-8, 1e-3, 0.1)

SETTINGS = [
    ("gradient_descent", {}),
    ("momentum", {"beta": BETAS}),
    ("momentum", {"beta": BETAS, "averaged": False}),
    ("nesterov", {"beta": BETAS}),
    ("nesterov", {"beta": BETAS, "averaged": False}),
    ("adagrad", {"eps": EPS}),
    ("rmsprop", {"beta": BETAS, "eps": EPS}),
    ("rmsprop", {"beta": OTHER_BETAS, "eps": EPS, "eps_inside": True}),
    ("adam", {"beta1": BETAS, "beta2": OTHER_BETAS, "eps": EPS}),
    ("adam", {"beta1": BETAS, "beta2": OTHER_BETAS, "eps": EPS, "eps_inside": True}),
    ("adam", {"beta1": BETAS, "beta2": OTHER_BETAS, "eps": EPS, "bias_correction": False}),
]
SETTINGS += [(name, {}) for name in OPTIMIZERS]


def own(value, k):
    """Return network k's part of a hyperparameter that may be one number for all."""
    return value[k].item() if isinstance(value, np.ndarray) else value


def assert_close(together, alone):
    np.testing.assert_allclose(together, alone, rtol=0, atol=TOLERANCE * max(1, abs(alone).max()))


def assert_equal_runs(together, runs):
    """Compare theta, gradient, loss and statistics of each step; runs are those of the K networks."""
    for k in range(K):
        assert len(runs[k]) == len(together) == STEPS
        for all_networks, alone in zip(together, runs[k], strict=True):
            for name in ("theta", "gradient", "statistics", "loss", "diverged"):
                found, expected = getattr(all_networks, name), getattr(alone, name)
                assert (found is None) == (expected is None)
                if found is not None:
                    assert_close(found[k], expected)
    assert abs(together[-1].theta - together[0].theta).max(axis=-1).min() > 1e-3  # they have moved


def test_every_optimizer_is_here():
    assert {name for name, _ in SETTINGS} == set(OPTIMIZERS)


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=lambda value: str(value)[:60])
def test_everything_at_once(name, settings, rng):
    """Mini-batches, dropout, batch normalization and its statistics, penalties, decay, rates: (K, 1) each."""
    shares, rates, decays = column(0.6, 0.8, 1.0), column(0.01, 0.03, 0.002), column(0.0, 0.1, 0.02)
    first, second, limits = column(0.0, 0.3, 0.1), column(0.5, 0.0, 0.2), column(0.5, np.inf, 1.0)

    def run(k=None):
        """Return the steps of the population, or of its network k."""
        part = (lambda value: value) if k is None else (lambda value: own(value, k))
        network = Network(
            SIZES,
            ("tanh", "gelu"),
            "softmax_cross_entropy",
            (shares[..., None] if k is None else part(shares), 0.9),
            BatchNormalization(momentum=0.8),
        )
        optimizer = OPTIMIZERS[name](**{key: part(value) for key, value in settings.items()})
        steps = descend(
            Regularized(network, 12, part(first), part(second)),
            theta if k is None else theta[k],
            iter(batches),
            Clipped(optimizer, part(limits)),
            part(rates),
            statistics=network.initial_statistics(K if k is None else None),
            weight_decay=part(decays),
        )
        return list(steps)

    theta = Network(SIZES, ("tanh", "gelu"), batch_norm=BatchNormalization()).initialize(rng, K)
    X, Y = rng.normal(size=(12, 3)), np.eye(2)[rng.integers(0, 2, 12)]
    batches = list(islice(with_draws(minibatches(X, Y, 5, rng), SIZES, rng), STEPS))
    assert {len(batch.X) for batch in batches} == {5, 2}
    assert_equal_runs(run(), [run(k) for k in range(K)])


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sigmoid", "softplus", "linear"])
@pytest.mark.parametrize("loss", ["squared_error", "sigmoid_cross_entropy"])
def test_data_and_draws_of_their_own(activation, loss, rng):
    network = Network(SIZES, activation, loss, keep_prob=0.8)
    theta = network.initialize(rng, K)
    X, Y = rng.normal(size=(K, 8, 3)), rng.integers(0, 2, (K, 8, 2)).astype(float)
    batches = list(islice(with_draws(repeat(Batch(X, Y)), SIZES, rng, population=K), STEPS))

    def run(k):
        mine = [Batch(X[k], Y[k], 0, tuple(draw[k] for draw in batch.draws)) for batch in batches]
        return list(descend(network, theta[k], iter(mine), GradientDescent(), 0.1))

    assert_equal_runs(
        list(descend(network, theta, iter(batches), GradientDescent(), 0.1)), [run(k) for k in range(K)]
    )


def test_projections_of_their_own(rng):
    network = Network(SIZES, "tanh")
    theta, mask = network.initialize(rng, K), network.layout.is_weight
    batch, amounts = Batch(rng.normal(size=(8, 3)), rng.normal(size=(8, 2))), column(0.0, 0.01, 0.03)

    def run(theta, amount):
        projection = partial(soft_threshold, is_weight=mask, amount=amount)
        run = descend(network, theta, repeat(batch), GradientDescent(), 0.1, projection=projection)
        return list(islice(run, STEPS))

    together = run(theta, amounts)
    assert_equal_runs(together, [run(theta[k], own(amounts, k)) for k in range(K)])
    zeros = (together[-1].theta[:, mask] == 0).sum(axis=-1)
    assert zeros[0] == 0 < zeros[1] < zeros[2]


def test_penalties_of_their_own(rng):
    theta, mask = rng.normal(size=(K, 6)), np.array([True, True, False, True, False, True])
    strengths = column(0.0, 0.3, 2.0)
    for penalty in (l1, l2):
        together = penalty(theta, mask, strengths, 5)
        for k in range(K):
            alone = penalty(theta[k], mask, own(strengths, k), 5)
            assert_close(together.value[k], alone.value)
            assert_close(together.gradient[k], alone.gradient)


def test_a_diverged_network_leaves_the_others_as_they_are(rng):
    """Until then all are equal to their own runs; a run of its own would end there."""
    network = Network(SIZES, "linear")
    theta, rates = network.initialize(rng, K), column(0.05, 1e5, 0.1)
    batch = Batch(rng.normal(size=(8, 3)), rng.normal(size=(8, 2)))
    together = list(islice(descend(network, theta, repeat(batch), GradientDescent(), rates), STEPS))
    assert together[-1].diverged.tolist() == [False, True, False]
    for k in (0, 2):
        run = descend(network, theta[k], repeat(batch), GradientDescent(), own(rates, k))
        for all_networks, alone in zip(together, run, strict=False):
            assert_close(all_networks.theta[k], alone.theta)
    *_, last = descend(network, theta[1], repeat(batch), GradientDescent(), own(rates, 1))
    assert together[last.step].diverged[1] and not together[last.step - 1].diverged[1]

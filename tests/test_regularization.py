import numpy as np
import pytest

from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.regularization import L2Regularized, l2


def test_by_hand_with_a_bias():
    # lambda = 6, m = 4: 6 / 8 * (1 + 9) = 7.5; gradient 6 / 4 * w; the bias, 5, is not penalized
    penalty = l2(np.array([1.0, -3.0, 5.0]), np.array([True, True, False]), 6.0, 4)
    assert penalty.value == 7.5
    assert penalty.gradient.tolist() == [1.5, -4.5, 0]


def test_a_strength_for_each_network_of_a_population(rng):
    theta, mask = rng.normal(size=(3, 4)), np.array([True, True, True, False])
    strengths = np.array([[0.0], [1.0], [10.0]])
    together = l2(theta, mask, strengths, 5)
    for k in range(3):
        alone = l2(theta[k], mask, float(strengths[k, 0]), 5)
        assert together.value[k] == pytest.approx(alone.value)
        np.testing.assert_allclose(together.gradient[k], alone.gradient)


def test_strength_zero_is_the_network_itself(rng):
    network = Network((2, 3, 1))
    theta, batch = network.initialize(rng), Batch(rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))
    regularized = L2Regularized(network, 0.0, 5)
    assert regularized.loss(theta, batch) == network.loss(theta, batch)
    np.testing.assert_array_equal(regularized.gradient(theta, batch), network.gradient(theta, batch))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="strength must be 0 or more; got -1"):
        l2(np.ones(1), np.array([True]), -1.0, 1)
    with pytest.raises(ValueError, match="m must be 1 or more; got 0"):
        l2(np.ones(1), np.array([True]), 1.0, 0)

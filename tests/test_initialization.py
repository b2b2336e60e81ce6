import numpy as np
import pytest

from dlhelpers.network import Network


@pytest.mark.parametrize(("activation", "gain"), [("relu", 2), ("tanh", 1), ("identity", 1)])
def test_variance_is_gain_over_fan_in_and_biases_are_zero(activation, gain, rng):
    network = Network((400, 300, 10), activation)
    parameters = network.layout.views(network.initialize(rng))
    # 120,000 draws: the sample variance lies within 3% of the true one with near certainty
    assert parameters["W1"].var() * 400 == pytest.approx(gain, rel=0.03)
    assert parameters["W2"].var() * 300 == pytest.approx(gain, rel=0.15)
    assert not parameters["b1"].any() and not parameters["b2"].any()


def test_the_networks_of_a_population_differ(rng):
    theta = Network((3, 4, 1)).initialize(rng, population=3)
    assert theta.shape == (3, 21)
    assert len(np.unique(theta[:, 0])) == 3


def test_the_signal_keeps_its_size_through_ten_relu_layers(rng):
    network = Network((256,) * 11, "relu")
    theta = network.initialize(rng)
    output = network.predict(theta, rng.normal(size=(100, 256)))
    # the last layer is linear and gets half of the signal of a ReLU layer, times gain 2
    assert 0.3 < np.square(output).mean() / 2 < 3

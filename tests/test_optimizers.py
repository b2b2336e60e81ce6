import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from dlhelpers.optimizers import Adam, GradientDescent


def test_two_steps_of_adam_by_hand():
    # beta1 = 0.5, beta2 = 0.75, gradients 2 and then 4:
    # v = 1, then 0.5 * 1 + 0.5 * 4 = 2.5; v_hat = 1 / 0.5 = 2, then 2.5 / 0.75 = 10 / 3
    # s = 1, then 0.75 * 1 + 0.25 * 16 = 4.75; s_hat = 1 / 0.25 = 4, then 4.75 / 0.4375 = 10.857142...
    optimizer = Adam(beta1=0.5, beta2=0.75, eps=1.0)
    first, state = optimizer.update(np.array([2.0]), optimizer.init(np.zeros(1)))
    second, state = optimizer.update(np.array([4.0]), state)
    assert first[0] == pytest.approx(2 / (2 + 1))
    assert second[0] == pytest.approx((10 / 3) / (np.sqrt(4.75 / 0.4375) + 1))
    assert state.t == 2


def test_adam_agrees_with_scikit_learn(rng):
    theta, peer_theta = rng.normal(size=6), None
    peer_theta = theta.copy()
    peer = AdamOptimizer([peer_theta], learning_rate_init=0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-12)
    optimizer = Adam(0.8, 0.95, 1e-12)
    state = optimizer.init(theta)
    for _ in range(20):
        gradient = rng.normal(size=6)
        direction, state = optimizer.update(gradient, state)
        theta = theta - 0.01 * direction
        peer.update_params([peer_theta], [gradient])
        np.testing.assert_allclose(theta, peer_theta, rtol=1e-9)


@pytest.mark.parametrize("optimizer", [GradientDescent(), Adam()])
def test_updating_changes_nothing_in_place(optimizer, rng):
    gradient, state = rng.normal(size=4), optimizer.init(np.zeros(4))
    copy = gradient.copy()
    once = optimizer.update(gradient, state)[0]
    np.testing.assert_array_equal(gradient, copy)
    np.testing.assert_array_equal(optimizer.update(gradient, state)[0], once)


@pytest.mark.parametrize("optimizer", [GradientDescent(), Adam()])
def test_a_population_is_updated_network_by_network(optimizer, rng):
    gradients = rng.normal(size=(3, 2, 5))  # three steps, two networks
    state, states = optimizer.init(np.zeros((2, 5))), [optimizer.init(np.zeros(5)) for _ in range(2)]
    for gradient in gradients:
        direction, state = optimizer.update(gradient, state)
        for k in range(2):
            own, states[k] = optimizer.update(gradient[k], states[k])
            np.testing.assert_allclose(direction[k], own, rtol=1e-15)


def test_adams_first_step_is_the_sign_of_the_gradient(rng):
    gradient = rng.normal(size=10)
    direction, _ = Adam().update(gradient, Adam().init(gradient))
    np.testing.assert_allclose(direction, np.sign(gradient), atol=1e-5)


def test_float32_stays_float32():
    gradient = np.ones(3, dtype=np.float32)
    direction, state = Adam().update(gradient, Adam().init(gradient))
    assert direction.dtype == state.v.dtype == state.s.dtype == np.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta1": 1.0}, "beta1 must be in"),
        ({"beta2": -0.1}, "beta2 must be in"),
        ({"eps": 0.0}, "eps must be above 0"),
    ],
)
def test_bad_hyperparameters_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Adam(**arguments)

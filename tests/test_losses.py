import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax
from sklearn.metrics import log_loss

from dlhelpers.losses import LOSSES, softmax


def targets(name, rng, shape):
    if name == "softmax_cross_entropy":
        classes = rng.integers(0, shape[-2], shape[:-2] + shape[-1:])
        return np.eye(shape[-2])[classes].swapaxes(-1, -2)
    if name == "sigmoid_cross_entropy":
        return rng.integers(0, 2, shape).astype(float)
    return rng.normal(size=shape)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 5)])
def test_gradient_agrees_with_a_two_sided_difference(name, shape, rng):
    loss, Z, Y = LOSSES[name], rng.normal(size=shape), targets(name, rng, shape)
    gradient = loss.gradient(Z, Y)
    for index in np.ndindex(shape):
        step = np.zeros(shape)
        step[index] = 1e-6
        difference = (loss.cost(Z + step, Y) - loss.cost(Z - step, Y)).sum() / 2e-6
        assert gradient[index] == pytest.approx(difference, abs=1e-8)


def test_squared_error_by_hand():
    # two examples with two outputs each: (1 + 4 + 9 + 16) / (2 * 2) = 7.5
    Z, Y = np.array([[1.0, 3.0], [2.0, 4.0]]), np.zeros((2, 2))
    assert LOSSES["squared_error"].cost(Z, Y) == 7.5


def test_cross_entropies_agree_with_scikit_learn(rng):
    Z, labels = rng.normal(size=(4, 50)), rng.integers(0, 4, 50)
    expected = log_loss(labels, scipy_softmax(Z, axis=0).T, labels=range(4))
    assert LOSSES["softmax_cross_entropy"].cost(Z, np.eye(4)[labels].T) == pytest.approx(expected)
    z, y = rng.normal(size=(1, 50)), rng.integers(0, 2, (1, 50)).astype(float)
    expected = log_loss(y[0], LOSSES["sigmoid_cross_entropy"].prediction(z)[0])
    assert LOSSES["sigmoid_cross_entropy"].cost(z, y) == pytest.approx(expected)


def test_softmax_does_not_see_a_shift_and_does_not_overflow(rng):
    Z = rng.normal(size=(3, 4))
    np.testing.assert_allclose(softmax(Z + 1000), softmax(Z), atol=1e-12)
    np.testing.assert_allclose(softmax(Z), scipy_softmax(Z, axis=0))


@pytest.mark.parametrize("name", ["sigmoid_cross_entropy", "softmax_cross_entropy"])
def test_a_confident_mistake_costs_its_logit_and_stays_finite(name):
    Z, Y = np.array([[2000.0], [0.0]]), np.array([[0.0], [1.0]])
    # softmax: log(e^2000 + 1) - 0 = 2000; sigmoid: 2000 for the first unit, log 2 for the second
    expected = 2000.0 if name.startswith("softmax") else 2000 + np.log(2)
    assert LOSSES[name].cost(Z, Y) == pytest.approx(expected)
    assert np.isfinite(LOSSES[name].gradient(Z, Y)).all()

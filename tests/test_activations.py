import numpy as np
import pytest
from scipy.special import expit

from dlhelpers.activations import ACTIVATIONS, sigmoid


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_agrees_with_a_two_sided_difference(name, rng):
    g, derivative = ACTIVATIONS[name]
    Z = rng.normal(size=(4, 5))  # nobody is within 1e-6 of the kink
    numerical = (g(Z + 1e-6) - g(Z - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(g(Z)), numerical, atol=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_out_gives_the_same_numbers_and_the_same_array(name, rng):
    g, derivative = ACTIVATIONS[name]
    Z = rng.normal(size=(4, 5))
    A, out = g(Z), np.empty((4, 5))
    assert g(Z, out=out) is out
    np.testing.assert_array_equal(out, A)
    assert derivative(A, out=out) is out
    np.testing.assert_array_equal(out, derivative(A))
    in_place = Z.copy()
    np.testing.assert_array_equal(g(in_place, out=in_place), A)


def test_sigmoid_agrees_with_scipy_and_does_not_overflow():
    Z = np.array([-800.0, -30.0, -1.0, 0.0, 2.0, 800.0])
    np.testing.assert_allclose(sigmoid(Z), expit(Z), atol=1e-15)


def test_float32_stays_float32():
    Z = np.ones((2, 2), dtype=np.float32)
    for g, derivative in ACTIVATIONS.values():
        assert g(Z).dtype == np.float32 and derivative(g(Z)).dtype == np.float32

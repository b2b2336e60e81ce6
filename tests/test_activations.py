import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import erf, expit

from dlhelpers.activations import (
    ACTIVATIONS,
    GELU_CUBE,
    GELU_END,
    GELU_SCALE,
    gelu,
    gelu_derivative,
    leaky_relu,
    leaky_relu_derivative,
    linear,
    linear_derivative,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    softplus,
    softplus_derivative,
    tanh,
    tanh_derivative,
)

EXTREMES = [-np.inf, -1e308, -1e200, -1e103, -30.0, -1e-300, 0.0, 1e-300, 30.0, 1e103, 1e200, 1e308, np.inf]


def test_there_is_a_name_for_each_activation_of_the_course():
    assert dict(ACTIVATIONS) == {
        "linear": (linear, linear_derivative),
        "sigmoid": (sigmoid, sigmoid_derivative),
        "tanh": (tanh, tanh_derivative),
        "relu": (relu, relu_derivative),
        "leaky_relu": (leaky_relu, leaky_relu_derivative),
        "softplus": (softplus, softplus_derivative),
        "gelu": (gelu, gelu_derivative),
    }


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_agrees_with_a_two_sided_difference(name, rng):
    g, derivative = ACTIVATIONS[name]
    Z = 2 * rng.normal(size=(4, 50))  # nobody is within 1e-6 of the kink
    numerical = (g(Z + 1e-6) - g(Z - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(Z, g(Z)), numerical, atol=2e-9)


@pytest.mark.parametrize(
    ("name", "A", "slope"),
    [
        ("linear", [-2.0, 0.0, 2.0], [1, 1, 1]),
        # 1 / (1 + e^2) = 0.11920292; slope A (1 - A)
        ("sigmoid", [0.11920292, 0.5, 0.88079708], [0.10499359, 0.25, 0.10499359]),
        # (e^4 - 1) / (e^4 + 1) = 0.96402758; slope 1 - A^2
        ("tanh", [-0.96402758, 0.0, 0.96402758], [0.07065082, 1, 0.07065082]),
        ("relu", [0.0, 0.0, 2.0], [0, 0, 1]),
        ("leaky_relu", [-0.02, 0.0, 2.0], [0.01, 0.01, 1]),
        # log(1 + e^-2) = 0.12692801, log 2, 2 + log(1 + e^-2); slope sigmoid(Z)
        ("softplus", [0.12692801, 0.69314718, 2.12692801], [0.11920292, 0.5, 0.88079708]),
        # inner = sqrt(2 / pi) (2 + 0.044715 * 8) = 1.88117686, T = 0.95459769
        # A = 2 (1 + T) / 2 = 1.95459769, and -2 (1 - T) / 2 = -0.04540231
        # T' = (1 - T^2) 0.79788456 (1 + 3 * 0.044715 * 4) = 0.10880039
        # slope (1 + T) / 2 + 2 T' / 2
        ("gelu", [-0.04540231, 0.0, 1.95459769], [-0.08609926, 0.5, 1.08609926]),
    ],
)
def test_values_and_slopes_at_minus_2_0_and_2(name, A, slope):
    g, derivative = ACTIVATIONS[name]
    Z = np.array([-2.0, 0.0, 2.0])
    np.testing.assert_allclose(g(Z), A, rtol=0, atol=6e-9)
    np.testing.assert_allclose(derivative(Z, g(Z)), slope, rtol=0, atol=6e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_out_gives_the_same_numbers_and_the_same_array(name, rng):
    g, derivative = ACTIVATIONS[name]
    Z = 3 * rng.normal(size=(4, 5))
    A, out = g(Z), np.full((4, 5), np.nan)
    before = Z.copy(), A.copy()
    assert A is not Z and g(Z, out=out) is out
    np.testing.assert_array_equal(out, A)
    out[...] = np.nan
    assert derivative(Z, A, out=out) is out
    np.testing.assert_array_equal(out, derivative(Z, A))
    np.testing.assert_array_equal((Z, A), before)
    in_place = Z.copy()
    assert g(in_place, out=in_place) is in_place
    np.testing.assert_array_equal(in_place, A)


@given(arrays(np.float64, 5, elements=st.floats(-700, 700)))
@settings(max_examples=50, deadline=None)
def test_sigmoid_and_softplus_agree_with_scipy(Z):
    np.testing.assert_allclose(sigmoid(Z), expit(Z), rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(softplus_derivative(Z, softplus(Z)), expit(Z), rtol=1e-14, atol=1e-15)
    # softplus(Z) - softplus(-Z) = Z, and softplus(Z) = -log sigmoid(-Z)
    np.testing.assert_allclose(softplus(Z) - softplus(-Z), Z, rtol=1e-15, atol=1e-13)
    np.testing.assert_allclose(softplus(Z), -np.log(expit(-Z)), rtol=1e-14, atol=1e-15)


def test_gelu_is_near_the_exact_form_with_the_error_function():
    Z = np.linspace(-12, 12, 4801)
    exact = Z * (1 + erf(Z / np.sqrt(2))) / 2
    assert 0.0004 < np.abs(gelu(Z) - exact).max() < 0.0005
    density = np.exp(-(Z**2) / 2) / np.sqrt(2 * np.pi)
    exact_slope = (1 + erf(Z / np.sqrt(2))) / 2 + Z * density
    assert np.abs(gelu_derivative(Z, gelu(Z)) - exact_slope).max() < 0.001


def test_gelu_is_the_textbook_form_and_flat_beyond_its_ends():
    Z = np.linspace(-12, 12, 481)
    T = np.tanh(np.sqrt(2 / np.pi) * (Z + 0.044715 * Z**3))
    np.testing.assert_allclose(gelu(Z), Z * (1 + T) / 2, rtol=1e-14, atol=1e-15)
    # the ends stand where e^(-2U) is below the smallest number, so that A is 0
    assert np.exp(-2 * GELU_SCALE * (GELU_END + GELU_CUBE * GELU_END**3)) == 0
    assert gelu(np.array([-20.0]))[0] < 0 and gelu(np.array([-float(GELU_END)]))[0] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_extremes_have_their_limits_without_a_warning(name, dtype):
    g, derivative = ACTIVATIONS[name]
    with np.errstate(over="ignore"):
        Z = np.array(EXTREMES, dtype=dtype)
    A = g(Z)
    slope = derivative(Z, A)
    assert not np.isnan(A).any() and np.isfinite(slope).all()
    limits = {
        "linear": (-np.inf, np.inf),
        "sigmoid": (0, 1),
        "tanh": (-1, 1),
        "leaky_relu": (-np.inf, np.inf),
    }
    assert (A[0], A[-1]) == limits.get(name, (0, np.inf))
    assert slope[0] == {"linear": 1, "leaky_relu": dtype(0.01)}.get(name, 0)
    assert slope[-1] == (0 if name in ("sigmoid", "tanh") else 1)
    if name not in ("sigmoid", "tanh"):
        np.testing.assert_array_equal(A[-4:], Z[-4:])  # 1e103 and more; 30 is next to it


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays_nan_without_a_warning(name):
    g, derivative = ACTIVATIONS[name]
    Z = np.array([np.nan, 1.0])
    np.testing.assert_array_equal(np.isnan(g(Z)), [True, False])
    derivative(Z, g(Z))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_float32_stays_float32_and_agrees(name, rng):
    g, derivative = ACTIVATIONS[name]
    Z = 3 * rng.normal(size=(4, 5))
    small = Z.astype(np.float32)
    A, slope = g(small), derivative(small, g(small))
    assert A.dtype == slope.dtype == np.float32
    np.testing.assert_allclose(A, g(Z), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slope, derivative(Z, g(Z)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("bad", [None, "x", 1.0, [1.0], np.array([1]), np.array(["x"]), object()])
def test_what_is_no_float_array_is_refused(name, bad):
    g, derivative = ACTIVATIONS[name]
    Z = np.ones(1)
    with pytest.raises(ValueError, match=r"Z must be a float array of shape \(\.\.\.\); got"):
        g(bad)
    with pytest.raises(ValueError, match=r"[ZA] must be a float array of shape \(\.\.\.\); got"):
        derivative(bad, bad)
    if bad is not None:
        for call in (lambda: g(Z, out=bad), lambda: derivative(Z, Z, out=bad)):
            with pytest.raises(
                ValueError, match=r"out must be a float array of the same shape as [ZA], \(1,\)"
            ):
                call()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_out_of_another_shape_is_refused(name):
    g, derivative = ACTIVATIONS[name]
    Z, out = np.ones((2, 3)), np.ones((4, 2, 3))
    with pytest.raises(ValueError, match=r"as Z, \(2, 3\); got an array of shape \(4, 2, 3\).*Leave it out"):
        g(Z, out=out)
    with pytest.raises(ValueError, match=r"as [ZA], \(2, 3\); got an array of shape \(4, 2, 3\)"):
        derivative(Z, Z, out=out)

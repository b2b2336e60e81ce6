"""What computes, at its edges: against exact arithmetic with decimals of 60 digits."""

from decimal import Context, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlhelpers.activations import gelu, sigmoid, sigmoid_derivative, softplus, softplus_derivative
from dlhelpers.losses import LOSSES
from dlhelpers.softmax import log_softmax, softmax

both = pytest.mark.parametrize("dtype", [np.float32, np.float64])
EXACT = Context(prec=60, Emin=-(10**9), Emax=10**9, traps=[])


def exactly(value):
    """Return a float as the decimal that it is."""
    return Decimal(float(value))


def exp(x):
    return EXACT.exp(max(min(x, Decimal(10**6)), Decimal(-(10**6))))  # beyond, every float is 0 or infinite


def exact_sigmoid(z):
    return EXACT.divide(Decimal(1), 1 + exp(-z))


def exact_softplus(z):
    x = exp(-abs(z))
    return max(z, Decimal(0)) + (x - x**2 / 2 if abs(z) > 50 else EXACT.ln(1 + x))  # off by x^3 / 3


def agree(value, exact, dtype, digits=8, of=0, lost=2):
    """Check that a value is within `digits` roundings of the exact one; `of` is what it is a part of.

    Numbers below `lost` times the smallest normal one may be 0.
    """
    limits = np.finfo(dtype)
    assert value.dtype == dtype
    if abs(exact) > exactly(limits.max) * (1 + exactly(limits.eps)):
        assert np.isinf(value) and (value > 0) == (exact > 0)
        return
    allowed = digits * exactly(limits.eps) * max(abs(exact), exactly(of)) + lost * exactly(limits.tiny)
    assert abs(exactly(value) - exact) <= allowed, (value, float(exact))


def floats(dtype, largest=None):
    """Finite numbers of every size: tiny ones, huge ones and those near 0."""
    width = 8 * np.dtype(dtype).itemsize
    every = st.floats(width=width, allow_nan=False, allow_infinity=False)
    near = st.floats(-128, 128, width=width)
    return (near | every).map(dtype)


@pytest.fixture(autouse=True)
def exact_arithmetic():
    with localcontext(EXACT):
        yield


@both
def test_sigmoid_and_its_slope_keep_their_digits_in_both_tails(dtype):
    @given(floats(dtype))
    @settings(max_examples=300)
    def check(z):
        with localcontext(EXACT):
            Z = np.array([z])
            A, exact = sigmoid(Z), exact_sigmoid(exactly(z))
            agree(A[0], exact, dtype)
            slope = EXACT.divide(exact, 1 + exp(exactly(z)))
            agree(sigmoid_derivative(Z, A)[0], slope, dtype)

    check()
    known = ((-37, 8.533047625744066e-17), (-40, 4.248354255291589e-18), (-18, 1.5229979512760347e-8))
    for z, exact in known:
        assert sigmoid(np.array([z], dtype))[0] == pytest.approx(exact, rel=8 * float(np.finfo(dtype).eps))


@both
def test_softplus_and_its_slope_keep_their_digits(dtype):
    @given(floats(dtype))
    @settings(max_examples=300)
    def check(z):
        with localcontext(EXACT):
            Z = np.array([z])
            agree(softplus(Z)[0], exact_softplus(exactly(z)), dtype)
            agree(softplus_derivative(Z, softplus(Z))[0], exact_sigmoid(exactly(z)), dtype)

    check()


@both
def test_gelu_keeps_its_digits_in_its_tail(dtype):
    @given(floats(dtype))
    @settings(max_examples=300)
    def check(z):
        with localcontext(EXACT):
            x = exactly(z)
            scale = EXACT.sqrt(2 / Decimal("3.1415926535897932384626433832795028841971693993751058"))
            two_u = 2 * scale * (x + Decimal("0.044715") * x**3)
            digits = 8 + 8 * min(abs(two_u), 800)  # the exponential makes |2u| times the error of u
            agree(gelu(np.array([z]))[0], x * exact_sigmoid(two_u), dtype, digits, lost=30)

    check()


@both
def test_binary_cross_entropy_and_its_gradient_keep_their_digits(dtype):
    loss = LOSSES["sigmoid_cross_entropy"]

    @given(floats(dtype), st.sampled_from([0.0, 1.0, 0.25, 0.96875]))
    @settings(max_examples=300)
    def check(z, y):
        with localcontext(EXACT):
            Z, Y = np.array([[z]]), np.array([[y]], dtype)
            x, label = exactly(z), exactly(y)
            agree(loss.cost(Z, Y), (1 - label) * exact_softplus(x) + label * exact_softplus(-x), dtype)
            one, other = (1 - label) * exact_sigmoid(x), label * exact_sigmoid(-x)
            agree(loss.gradient(Z, Y)[0, 0], one - other, dtype, of=max(one, other))

    check()


@both
def test_softmax_and_its_cross_entropy_agree_with_exact_arithmetic(dtype):
    loss = LOSSES["softmax_cross_entropy"]
    masked = st.none()

    @given(st.lists(floats(dtype) | masked, min_size=2, max_size=5), st.integers(0, 4))
    @settings(max_examples=300)
    def check(logits, label):
        present = [exactly(z) for z in logits if z is not None]
        if not present:
            return
        with localcontext(EXACT):
            Z = np.array([[-np.inf if z is None else z] for z in logits], dtype)
            total = sum(exp(x - max(present)) for x in present)
            A, log = softmax(Z)[:, 0], log_softmax(Z)[:, 0]
            for z, a, log_a in zip(logits, A, log, strict=True):
                if z is None:
                    assert a == 0 and log_a == -np.inf
                    continue
                shift = exactly(z) - max(present)
                # e^s makes s times as large an error of it as that of s
                agree(a, exp(shift) / total, dtype, digits=8 + min(abs(shift), 800))
                agree(log_a, shift - EXACT.ln(total), dtype, of=1)
            k = label % len(logits)
            Y = np.eye(len(logits), dtype=dtype)[:, [k]]
            assert loss.cost(Z, Y) == -log[k]
            np.testing.assert_array_equal(loss.gradient(Z, Y)[:, 0], A - Y[:, 0])

    check()


@both
def test_a_cross_entropy_is_0_for_an_infinite_logit_on_the_right_side(dtype):
    inf = np.inf
    for name, Z, Y in (
        ("sigmoid_cross_entropy", [[inf, -inf]], [[1, 0]]),
        ("softmax_cross_entropy", [[inf, 0.0], [0.0, -inf], [-inf, -inf]], [[1, 1], [0, 0], [0, 0]]),
    ):
        Z, Y = np.array(Z, dtype), np.array(Y, dtype)
        assert LOSSES[name].cost(Z, Y) == 0
        np.testing.assert_array_equal(LOSSES[name].gradient(Z, Y), np.zeros_like(Z))
        assert LOSSES[name].cost(Z, Y).dtype == LOSSES[name].gradient(Z, Y).dtype == dtype
        wrong = Y[:, ::-1] if name.startswith("sigmoid") else Y[::-1]
        assert LOSSES[name].cost(Z, wrong) == inf
        assert np.isfinite(LOSSES[name].gradient(Z, wrong)).all()
    # a class that has a share of the label, smoothed, must not be masked
    Z, Y = np.array([[0.0], [-inf]], dtype), np.array([[0.95], [0.05]], dtype)
    assert LOSSES["softmax_cross_entropy"].cost(Z, Y) == inf
    # a population: one network's masked class changes nothing for the others
    Z, Y = np.array([[[0.0], [-inf]], [[0.0], [0.0]]], dtype), np.array([[1.0], [0.0]], dtype)
    np.testing.assert_allclose(LOSSES["softmax_cross_entropy"].cost(Z, Y), [0, np.log(2)], rtol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_a_logit_or_a_label_that_is_no_number_is_said(name):
    for Z, Y in (([[np.nan], [0.0]], [[0.0], [1.0]]), ([[0.0], [0.0]], [[np.nan], [1.0]])):
        assert np.isnan(LOSSES[name].cost(np.array(Z), np.array(Y)))
        assert np.isnan(LOSSES[name].gradient(np.array(Z), np.array(Y))).any()


@both
def test_a_temperature_of_any_size_gives_probabilities(dtype):
    Z = np.array([[1.0, 2.0], [3.0, 2.0], [-np.inf, -1.0]], dtype)
    np.testing.assert_array_equal(softmax(Z, 1e-320), [[0, 0.5], [1, 0.5], [0, 0]])
    np.testing.assert_allclose(softmax(Z, 1e308), [[0.5, 1 / 3], [0.5, 1 / 3], [0, 1 / 3]], rtol=1e-6)


def test_labels_may_be_integers_without_a_sign():
    Z, Y = np.array([[-1.0, 2.0, 0.5]]), np.array([[0, 1, 0]])
    for loss in LOSSES.values():
        for kind in (np.uint8, np.int8):
            assert loss.cost(Z, Y.astype(kind)) == loss.cost(Z, Y.astype(float))
            np.testing.assert_array_equal(loss.gradient(Z, Y.astype(kind)), loss.gradient(Z, Y.astype(float)))

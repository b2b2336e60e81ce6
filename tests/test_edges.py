"""What computes, at its edges: against exact arithmetic with decimals of 60 digits."""

from decimal import Context, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlhelpers.activations import gelu, sigmoid, sigmoid_derivative, softplus, softplus_derivative
from dlhelpers.diagnosis import input_scale, update_ratio
from dlhelpers.gradient_checking import GradientCheck, relative_error
from dlhelpers.initialization import predict_signals, propagate
from dlhelpers.losses import LOSSES
from dlhelpers.norms import norm, power_of_two, root_mean_square
from dlhelpers.optimizers import clip_by_norm
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
            k = label % len(logits)
            Y = np.eye(len(logits), dtype=dtype)[:, [k]]
            dZ = loss.gradient(Z, Y)[:, 0]
            for i, (z, a, log_a) in enumerate(zip(logits, A, log, strict=True)):
                if z is None:
                    assert a == 0 and log_a == -np.inf
                    continue
                shift = exactly(z) - max(present)
                # e^s makes s times as large an error of it as that of s
                agree(a, exp(shift) / total, dtype, digits=8 + min(abs(shift), 800))
                agree(log_a, shift - EXACT.ln(total), dtype, of=1)
                if i != k:
                    assert dZ[i] == a
                    continue
                others = [x for j, x in enumerate(logits) if j != k and x is not None]
                rest = [exp(exactly(x) - max(present)) for x in others]
                farthest = max((abs(exactly(x) - max(present)) for x in [z, *others]), default=Decimal(0))
                agree(dZ[k], -sum(rest) / total, dtype, digits=12 + min(farthest, 800))
            assert loss.cost(Z, Y) == -log[k]

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


def exact_norm(values):
    return EXACT.sqrt(sum(exactly(x) ** 2 for x in values))


def vectors(dtype, size=4):
    """Vectors of every length, their elements of sizes near each other."""
    limits = np.finfo(dtype)
    power = st.integers(int(limits.minexp) + 8, int(limits.maxexp) - 1)
    shares = st.lists(st.floats(-1, 1, width=16), min_size=size, max_size=size)
    return st.builds(lambda k, each: np.ldexp(np.array(each, dtype), k), power, shares)


@both
def test_norms_are_right_where_no_square_is_a_float(dtype):
    @given(vectors(dtype))
    @settings(max_examples=200)
    def check(x):
        with localcontext(EXACT):
            agree(norm(x), exact_norm(x), dtype)
            agree(root_mean_square(x), exact_norm(x) / 2, dtype)
        largest, unit = np.abs(x).max(), power_of_two(x)[0]
        assert unit == 1 if largest == 0 else largest / 2 < unit <= largest
        assert np.frexp(unit)[0] == 0.5

    check()


def test_norms_take_axes_and_say_what_is_not_finite():
    x = np.arange(24.0).reshape(2, 3, 4) * 1e200
    exact = [float(exact_norm(x[:, i].ravel())) for i in range(3)]
    np.testing.assert_allclose(norm(x, axis=(0, -1)), exact, rtol=1e-15)
    assert norm(x, axis=1).shape == (2, 4) and norm(np.zeros((2, 0)), axis=1).tolist() == [0, 0]
    assert norm(np.array([np.inf, 1.0])) == np.inf and np.isnan(norm(np.array([np.nan, 1.0])))
    assert norm(np.float32([3e38] * 4)) == np.inf  # 6e38 is no float32
    for axis in (3, -4, 1.5, True, (0, 0), (0, -3), "x"):
        with pytest.raises(ValueError, match="axis must be None, or one or more of the 3 axes of x; got"):
            norm(x, axis=axis)


@both
def test_relative_error_is_right_where_no_square_is_a_float(dtype):
    @given(vectors(dtype), vectors(dtype))
    @settings(max_examples=200)
    def check(a, b):
        with localcontext(EXACT):
            lengths = exact_norm(a) + exact_norm(b)
            distance = exact_norm(exactly(x) - exactly(y) for x, y in zip(a, b, strict=True))
            exact = distance / lengths if lengths else Decimal(0)
            assert abs(exactly(relative_error(a, b)) - exact) <= 8 * exactly(np.finfo(dtype).eps)

    check()
    for size in (1e200, 1e-200):
        a, b = np.array([3.0, 4.0]) * size, np.array([0.0, 4.0]) * size
        assert relative_error(a, b) == pytest.approx(3 / 9)
        assert relative_error(a, -a) == 1
        shares = GradientCheck(a, b, None).shares
        np.testing.assert_allclose(shares, [3 / 9, 0])


@both
def test_a_clipped_gradient_has_the_length_of_the_limit(dtype):
    @given(vectors(dtype), st.floats(1e-30, 1e30))
    @settings(max_examples=200)
    def check(gradient, limit):
        with localcontext(EXACT):
            clipped = clip_by_norm(gradient, limit)
            length = exact_norm(gradient)
            if length <= exactly(limit):
                near = length > exactly(limit) * (1 - 8 * exactly(np.finfo(dtype).eps))
                assert near or (clipped == gradient).all()
                return
            for value, before in zip(clipped, gradient, strict=True):
                agree(value, exactly(before) / length * exactly(limit), dtype)

    check()
    clipped = clip_by_norm(np.full(100, 1e38, np.float32), 1.0)
    np.testing.assert_allclose(clipped, 0.1, rtol=1e-6)


def test_what_is_measured_of_a_network_is_right_where_no_square_is_a_float():
    theta = np.array([3e200, 4e200])
    assert update_ratio(theta, theta * [1, 0.875]) == pytest.approx(0.1)
    assert update_ratio(np.array([-1e308, 0]), np.array([1e308, 0])) == pytest.approx(2)
    assert input_scale(np.array([[0.5, 3e200], [-0.5, 3e200]])).number == pytest.approx(3e200)
    V = np.full((150, 1, 1), 0.01)  # 150 layers of one linear unit: 0.01^150 is 1e-300
    measured = propagate(V, np.ones((1, 1)), np.ones((1, 1)), "linear")
    predicted = predict_signals("linear", 0.01, 150)
    for sizes in (measured.activations[0], predicted.activations):
        np.testing.assert_allclose(sizes, 10.0 ** np.arange(-2, -302, -2), rtol=1e-6)

"""What computes, at its edges: against exact arithmetic with decimals of 60 digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlhelpers import augmentation, averages, schedules, search_spaces
from dlhelpers.activations import gelu, sigmoid, sigmoid_derivative, softplus, softplus_derivative
from dlhelpers.diagnosis import input_scale, update_ratio
from dlhelpers.gradient_checking import GradientCheck, relative_error
from dlhelpers.initialization import predict_signals, propagate
from dlhelpers.losses import LOSSES
from dlhelpers.norms import norm, power_of_two, root_mean_square
from dlhelpers.optimizers import Adam, AdamState, clip_by_norm
from dlhelpers.parameters import Layout
from dlhelpers.regularization import l2, max_norm
from dlhelpers.softmax import log_softmax, softmax
from dlhelpers.surfaces import SURFACES, Plateau, Saddle
from tests.exact import (
    EXACT,
    agree,
    both,
    exact_norm,
    exact_sigmoid,
    exact_sine,
    exact_softplus,
    exactly,
    exp,
    floats,
    vectors,
)


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


@both
def test_squared_error_and_penalty_are_right_where_a_square_or_their_sum_is_no_float(dtype):
    @given(vectors(dtype), st.sampled_from([1, 1000]))
    @settings(max_examples=200)
    def check(z, times):
        with localcontext(EXACT):
            Z = np.tile(z, times)[None, :]  # many examples: their sum overflows before it is divided
            exact = sum(exactly(x) ** 2 for x in z) / 8
            loss = LOSSES["squared_error"]
            lost = 2 * times * len(z)
            agree(loss.cost(Z, np.zeros_like(Z)), exact, dtype, digits=16, lost=lost)
            agree(loss.gradient(Z, np.zeros_like(Z))[0, 0], exactly(z[0]) / Z.size, dtype)
            penalty = l2(z, np.array([True] * 4), 2.0, 10**30)
            agree(penalty.value, exact * 8 / 10**30, dtype, digits=16, lost=8)

    check()
    assert l2(np.float32([1e25]), np.array([True]), 1e-20, 1).value == pytest.approx(5e29, rel=1e-6)


def test_long_weights_are_shortened_where_no_square_is_a_float():
    layout = Layout({"W1": (2, 2), "b1": (2, 1)})
    theta = np.float32([3e30, 4e30, 3e38, 3e38, 5.0, 5.0])
    limited = max_norm(theta, layout, 2.5)
    np.testing.assert_allclose(limited, [1.5, 2, 2.5 / 2**0.5, 2.5 / 2**0.5, 5, 5], rtol=1e-6)


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


# Averages ---------------------------------------------------------------------------------------------


def betas():
    """Shares of every kind: 0, tiny ones, and those next to 1."""
    near_1 = st.integers(1, 53).map(lambda k: 1 - 2.0**-k)
    return st.sampled_from([0.0, 0.5, 0.9, 0.999]) | st.floats(0, 1, exclude_max=True) | near_1


@given(betas(), st.integers(1, 1000))
@settings(max_examples=300)
def test_the_sum_of_weights_keeps_its_digits_next_to_1(beta, t):
    with localcontext(EXACT):
        exact = 1 - exactly(beta) ** t
        each = np.array([[beta]])
        for value in (averages.weight_sum(beta, t), averages.weight_sum(each, t)[0, 0]):
            agree(np.float64(value), exact, np.float64)
        corrected = averages.correct(np.array([3.0]), beta, t)[0]
        agree(corrected, EXACT.divide(Decimal(3), exact), np.float64)
        for b in (beta, each):  # Adam's v begins at 0, then sees a gradient of 1 at step t
            before = AdamState(np.zeros((1, 1)), np.zeros((1, 1)), t - 1)
            direction, _ = Adam(beta1=b, beta2=0.0, eps=1e-300).update(np.ones((1, 1)), before)
            agree(direction[0, 0], EXACT.divide(1 - exactly(beta), exact), np.float64)
    assert averages.weight_sum(0.0, t) == 1
    assert averages.weight_sum(np.zeros((2, 1)), t).tolist() == [[1], [1]]


@both
def test_a_moving_average_agrees_with_exact_arithmetic(dtype):
    @given(st.lists(floats(dtype), min_size=1, max_size=6), betas())
    @settings(max_examples=200)
    def check(values, beta):
        assume(max(map(abs, values)) < np.finfo(dtype).max / 2)  # above, rounding up may give inf
        with localcontext(EXACT):
            x, b, v = np.array(values, dtype), exactly(beta), Decimal(0)
            plain = averages.moving_average(x, beta)
            corrected = averages.moving_average(x, beta, bias_correction=True)
            largest, running = max(abs(exactly(each)) for each in values), dtype(0)
            for t, value in enumerate(values, start=1):
                v = b * v + (1 - b) * exactly(value)
                agree(plain[t - 1], v, dtype, of=largest * (1 - b**t), digits=16)
                agree(corrected[t - 1], v / (1 - b**t), dtype, of=largest, digits=16, lost=100)
                running = averages.update(np.array([running], dtype), np.array([value]), beta)[0]
            agree(running, v, dtype, of=largest * (1 - b ** len(values)), digits=32, lost=10)

    check()


@given(betas(), st.integers(1, 30))
@settings(max_examples=200)
def test_weights_and_windows_agree_with_exact_arithmetic(beta, t):
    with localcontext(EXACT):
        b = exactly(beta)
        for i, weight in enumerate(averages.weights(beta, t), start=1):
            agree(weight, (1 - b) * (b ** (t - i) if t > i else 1), np.float64)
        agree(np.float64(averages.rule_of_thumb_window(beta)), 1 / (1 - b), np.float64)
        agree(np.float64(averages.effective_window(beta)), (1 + b) / (1 - b), np.float64)


# Schedules --------------------------------------------------------------------------------------------

RATES = st.floats(1e-100, 1e100)
STEPS = st.integers(0, 1000) | st.integers(0, 10**18)


@given(RATES, st.floats(0, 1e100), STEPS, st.floats(1e-100, 1e100))
@settings(max_examples=300)
def test_schedules_agree_with_exact_arithmetic(rate, decay, t, k):
    with localcontext(EXACT):
        a = exactly(rate)
        agree(np.float64(schedules.InverseTime(rate, decay)(t)), a / (1 + exactly(decay) * t), np.float64)
        root = EXACT.sqrt(Decimal(t + 1))
        agree(np.float64(schedules.InverseSqrt(rate, k)(t)), exactly(k) / root * a, np.float64)
        n = t % 1000 + 1
        share = min(Decimal(1), Decimal(t % 3000 + 1) / n)
        agree(np.float64(schedules.WarmUp(schedules.Constant(rate), n)(t % 3000)), share * a, np.float64)


@given(RATES, st.floats(1e-3, 1) | st.integers(1, 53).map(lambda k: 1 - 2.0**-k), st.integers(0, 90))
@settings(max_examples=200)
def test_powers_of_a_schedule_agree_with_exact_arithmetic(rate, base, t):
    with localcontext(EXACT):
        exact = exactly(rate) * exactly(base) ** t
        agree(np.float64(schedules.Exponential(rate, base)(t)), exact, np.float64)
        agree(np.float64(schedules.Staircase(rate, base, every=3)(3 * t + 2)), exact, np.float64)


@given(st.integers(1, 10**18), st.integers(0, 1000), st.booleans(), RATES)
@settings(max_examples=200)
def test_the_cosine_schedule_keeps_its_digits_near_its_end(steps, near, end, rate):
    pi = Decimal("3.14159265358979323846264338327950288419716939937510582")
    t = min(near, steps)
    t = steps - t if end else t
    with localcontext(EXACT):
        c = exact_sine(pi * (steps - t) / (2 * steps)) ** 2 if t < steps else Decimal(0)
        agree(np.float64(schedules.Cosine(rate, steps)(t)), exactly(rate) * c, np.float64)


# Surfaces: each number beside the sum of the sizes of its terms, of which rounding loses a share ------


def of_surface(name, x, y):
    """Return the exact height and slopes, each with the sum of the sizes of its terms."""
    if name == "Saddle":
        return (x**2 - y**2) / 2, abs(x**2 - y**2) / 2, x, abs(x), -y, abs(y)
    if name == "Monkey saddle":
        sizes = abs(x**3) + 3 * abs(x) * y**2, 3 * x**2 + 3 * y**2, 6 * abs(x * y)
        return x**3 - 3 * x * y**2, sizes[0], 3 * x**2 - 3 * y**2, sizes[1], -6 * x * y, sizes[2]
    if name == "Rosenbrock":
        a, b, r, size = 1, 100, y - x**2, abs(y) + x**2
        slopes = -2 * (a - x) - 4 * b * x * r, 2 * (a + abs(x)) + 4 * b * abs(x) * size
        J = (a - x) ** 2 + b * r**2, (a + abs(x)) ** 2 + b * size**2
        return *J, *slopes, 2 * b * r, 2 * b * size
    p, q, P, Q = x**2 + y - 11, x + y**2 - 7, x**2 + abs(y) + 11, abs(x) + y**2 + 7
    slopes = 4 * x * p + 2 * q, 4 * abs(x) * P + 2 * Q, 2 * p + 4 * y * q, 2 * P + 4 * abs(y) * Q
    return p**2 + q**2, P**2 + Q**2, *slopes


@both
@pytest.mark.parametrize("name", ["Saddle", "Monkey saddle", "Rosenbrock", "Himmelblau"])
def test_surfaces_agree_with_exact_arithmetic(name, dtype):
    surface, largest = SURFACES[name](), float(np.finfo(dtype).max) ** 0.125
    sizes = (st.floats(-largest, largest) | st.floats(-4, 4)).map(dtype)

    @given(sizes, sizes)
    @settings(max_examples=200)
    def check(x, y):
        with localcontext(EXACT):
            theta = np.array([x, y], dtype)
            J, J_size, J_x, x_size, J_y, y_size = of_surface(name, exactly(x), exactly(y))
            slopes = surface.gradient(theta)
            agree(surface.loss(theta), J, dtype, of=J_size, digits=16, lost=1000)
            agree(slopes[0], J_x, dtype, of=x_size, digits=16, lost=1000)
            agree(slopes[1], J_y, dtype, of=y_size, digits=16, lost=1000)

    check()


@both
def test_the_plateau_keeps_its_digits_at_its_center_and_far_away(dtype):
    @given(floats(dtype), floats(dtype))
    @settings(max_examples=200)
    def check(x, y):
        with localcontext(EXACT):
            u = (exactly(x) ** 2 + exactly(y) ** 2) / 2
            exact = 1 - exp(-u) if u > Decimal("1e-20") else u - u**2 / 2
            agree(Plateau().loss(np.array([x, y], dtype)), exact, dtype, lost=10)

    check()
    assert Saddle().loss(np.array([1e200, 1e200])) == 0  # not infinity less infinity


# Search spaces ----------------------------------------------------------------------------------------


def spaces():
    positive = st.floats(1e-300, 1e300)
    share = st.integers(1, 50).map(lambda k: 1 - 2.0**-k) | st.floats(0, 0.99)
    for kind, ends in (
        (search_spaces.Uniform, st.floats(-1e300, 1e300)),
        (search_spaces.LogUniform, positive),
        (search_spaces.OneMinusLogUniform, share),
    ):
        pairs = st.tuples(ends, ends).map(sorted).filter(lambda pair: pair[0] < pair[1])
        yield kind, pairs


@pytest.mark.parametrize(("kind", "pairs"), list(spaces()), ids=lambda each: getattr(each, "__name__", ""))
def test_places_of_a_search_space_lead_back(kind, pairs):
    @given(pairs, st.floats(0, 1))
    @settings(max_examples=300)
    def check(pair, u):
        try:
            space = kind(*pair)
        except ValueError as error:
            assert "low must be below high" in str(error)  # equal on their scale
            return
        low, high = pair
        value = space.from_unit(u)
        assert low <= value <= high and np.isfinite(value)
        assert space.from_unit(0.0) == low and space.from_unit(1.0) == high
        assert space.to_unit(low) == 0 and space.to_unit(high) == 1
        # what a rounding of the value, or of the logarithm, moves the place by
        eps = np.finfo(float).eps
        if kind is search_spaces.Uniform:
            slack = eps * (abs(low) + abs(high)) / (high - low) if high - low > 1e-290 else 1
        elif kind is search_spaces.LogUniform:
            slack = eps * (1 + abs(np.log10(low)) + abs(np.log10(high))) / np.log10(high / low)
            slack = slack if np.isfinite(slack) and slack > 0 else 4 * eps
        else:
            span = np.log10(1 - low) - np.log10(1 - high)
            slack = eps * (1 + 1 / (1 - value) - np.log10(1 - high)) / span
        assert abs(space.to_unit(value) - u) <= 16 * slack + 4 * eps

    check()


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**12), st.floats(0, 1), st.booleans())
@settings(max_examples=300)
def test_a_whole_number_has_a_place_that_gives_it(low, more, u, log):
    low = abs(low) % 10**6 + 1 if log else low
    space = search_spaces.Integer(low, min(low + more, 10**12), log)
    k = space.from_unit(u)
    assert isinstance(k, int) and space.low <= k <= space.high
    if not log or k < 10**10:
        assert space.from_unit(space.to_unit(k)) == k


# Augmentation -----------------------------------------------------------------------------------------


@both
def test_moved_images_stay_between_their_darkest_and_brightest_pixel(dtype):
    largest = float(np.finfo(dtype).max) / 4
    pixels = st.lists(st.floats(-largest, largest), min_size=9, max_size=9)

    @given(pixels, st.floats(-1e6, 1e6), st.floats(-5, 5), st.floats(0.01, 100))
    @settings(max_examples=200)
    def check(values, degrees, move, factor):
        X = np.array([values], dtype)
        low, high = min(0, X.min()), max(0, X.max())  # what comes in from outside is 0
        slack = 16 * np.finfo(dtype).eps * max(-low, high) + np.finfo(dtype).tiny
        for moved in (
            augmentation.rotate(X, degrees),
            augmentation.shift(X, move, -move),
            augmentation.scale(X, factor),
        ):
            assert moved.dtype == dtype and np.isfinite(moved).all()
            assert (moved >= low - slack).all() and (moved <= high + slack).all()
        for whole in (-3, -1, 0, 1, 2):
            moved, exact = augmentation.shift(X, float(whole), 0.0)[0].reshape(3, 3), np.zeros((3, 3), dtype)
            for row in range(3):
                if 0 <= row - whole < 3:
                    exact[row] = X[0].reshape(3, 3)[row - whole]
            np.testing.assert_array_equal(moved, exact)

    check()

"""Slopes, steps of optimizers and everything that is measured, at their edges: against exact arithmetic."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlhelpers import batch_normalization, early_stopping, reports
from dlhelpers.activations import (
    LEAK,
    gelu_derivative,
    leaky_relu,
    leaky_relu_derivative,
    linear_derivative,
    relu,
    relu_derivative,
    tanh,
    tanh_derivative,
)
from dlhelpers.augmentation import rotate, rotation_matrix
from dlhelpers.bias_variance import decompose, standard_error
from dlhelpers.calibration import reliability
from dlhelpers.curvature import hessian, sharpness
from dlhelpers.dropout import (
    adaptive_l2,
    keep_mask,
    mask_weights,
    normalized_geometric_mean,
    participation_ratio,
)
from dlhelpers.initialization import factor_per_layer
from dlhelpers.losses import smooth_labels
from dlhelpers.metrics import accuracy, error_rate
from dlhelpers.normalization import Normalization, fit
from dlhelpers.optimizers import AdaGrad, Adam, Momentum, Nesterov, RMSprop, clip_by_value
from dlhelpers.regularization import l1, soft_threshold
from dlhelpers.schedules import Linear, noise_floor
from dlhelpers.softmax import hardmax
from dlhelpers.surfaces import Beale, Ravine
from tests.exact import EXACT, agree, both, exact_sigmoid, exactly, exp, floats, vectors

PI = Decimal("3.1415926535897932384626433832795028841971693993751058")


def middle(dtype, share=0.24):
    """Numbers of either sign whose squares are floats, and 0."""
    limits = np.finfo(dtype)
    powers = st.integers(int(share * 2 * limits.minexp), int(share * 2 * limits.maxexp))
    return st.builds(lambda s, k: dtype(np.ldexp(dtype(s), k)), st.floats(-1, 1, width=16), powers)


# Activations ------------------------------------------------------------------------------------------


@both
def test_tanh_keeps_its_digits_and_its_slope_those_of_1(dtype):
    @given(floats(dtype))
    @settings(max_examples=300)
    def check(z):
        with localcontext(EXACT):
            Z, x = np.array([z]), exactly(z)
            E = exp(-2 * abs(x))
            exact = (1 - E) / (1 + E) if abs(x) > Decimal("1e-12") else abs(x)  # off by a share of x^2
            agree(tanh(Z)[0], exact.copy_sign(x), dtype)
            agree(tanh_derivative(Z, tanh(Z))[0], 4 * E / (1 + E) ** 2, dtype, of=1)

    check()


@both
def test_the_slope_of_gelu_keeps_its_digits_or_those_of_1(dtype):
    @given(floats(dtype))
    @settings(max_examples=300)
    def check(z):
        with localcontext(EXACT):
            x, scale, cube = exactly(z), EXACT.sqrt(2 / PI), Decimal("0.044715")
            u, slope = scale * x * (1 + cube * x**2), scale * (1 + 3 * cube * x**2)
            S, rest = exact_sigmoid(2 * u), exact_sigmoid(-2 * u)
            exact = S * (1 + 2 * x * slope * rest)
            size = S * (1 + 2 * abs(x) * slope * rest)
            value = gelu_derivative(np.array([z]), np.array([z]))[0]
            agree(value, exact, dtype, 16 + 16 * min(abs(u), 800), of=size if x < 0 else 1, lost=100)

    check()


@both
def test_pieces_of_lines_are_exact(dtype):
    @given(floats(dtype))
    def check(z):
        Z = np.array([z])
        assert relu(Z)[0] == max(z, 0) and relu_derivative(Z, relu(Z))[0] == (z > 0)
        assert linear_derivative(Z, Z)[0] == 1
        assert leaky_relu(Z)[0] == (z if z > 0 else dtype(LEAK) * z)
        A = leaky_relu(Z)
        assert leaky_relu_derivative(Z, A)[0] == (dtype(1) if A[0] > 0 else dtype(LEAK))

    check()


# Batch normalization ----------------------------------------------------------------------------------


@both
def test_batch_normalization_agrees_with_exact_arithmetic(dtype):
    @given(st.lists(middle(dtype), min_size=2, max_size=6), middle(dtype), middle(dtype, share=0.1))
    @settings(max_examples=200)
    def check(values, gamma, beta):
        m, eps = len(values), exactly(dtype(1e-5))
        Z, g, b = np.array([values]), np.array([[gamma]]), np.array([[beta]])
        with localcontext(EXACT):
            z = [exactly(each) for each in values]
            largest, mean = max(map(abs, z)), sum(z) / m
            variance = sum((each - mean) ** 2 for each in z) / m
            sigma = EXACT.sqrt(variance + eps)
            assume(largest / sigma < 1000)  # beyond, the batch is constant but for its last digits
            found = batch_normalization.forward(Z, g, b)
            agree(found.mean[0, 0], mean, dtype, of=largest)
            agree(found.variance[0, 0], variance, dtype, of=largest**2, digits=16)
            running = batch_normalization.inference(Z, g, b, found.mean, found.variance)
            for i, each in enumerate(z):
                normal, size = (each - mean) / sigma, 1 + largest / sigma
                Z_norm = exactly(found.Z_norm[0, i])
                assert abs(Z_norm - normal) <= 100 * exactly(np.finfo(dtype).eps) * size**3
                exact = exactly(gamma) * Z_norm + exactly(beta)
                parts = abs(exactly(gamma) * Z_norm) + abs(exactly(beta))
                agree(found.Z_tilde[0, i], exact, dtype, of=parts)
                agree(running[0, i], exact, dtype, digits=16, of=parts + abs(exactly(gamma)) * size)
            unbiased = batch_normalization.unbiased(found.variance, m)
            agree(unbiased[0, 0], exactly(found.variance[0, 0]) * m / (m - 1), dtype)

    check()


@both
def test_the_gradients_of_batch_normalization_agree_with_exact_arithmetic(dtype):
    numbers = st.lists(st.floats(-4, 4, width=16), min_size=3, max_size=3)

    @given(numbers, numbers, middle(dtype, share=0.1))
    @settings(max_examples=200)
    def check(values, slopes, gamma):
        assume(np.std(values) > 0.1)
        dZ_tilde, g = np.array([slopes], dtype), np.array([[gamma]])
        batch = batch_normalization.forward(np.array([values], dtype), g, np.zeros((1, 1), dtype))
        found = batch_normalization.backward(dZ_tilde, batch, g)
        with localcontext(EXACT):
            z, d, c = ([exactly(x) for x in each] for each in (batch.Z_norm[0], slopes, [gamma]))
            size = sum(map(abs, d)) * (1 + max(map(abs, z)) ** 2)
            dgamma, dbeta = sum(x * y for x, y in zip(d, z, strict=True)), sum(d)
            agree(found.dgamma[0, 0], dgamma, dtype, of=size)
            agree(found.dbeta[0, 0], dbeta, dtype, of=size)
            sigma = EXACT.sqrt(exactly(batch.variance[0, 0]) + exactly(dtype(1e-5)))
            for i in range(3):
                exact = c[0] * (d[i] - dbeta / 3 - z[i] * dgamma / 3) / sigma
                agree(found.dZ[0, i], exact, dtype, digits=16, of=abs(c[0]) * size / sigma, lost=100)

    check()


# Optimizers -------------------------------------------------------------------------------------------


@both
def test_two_steps_of_each_optimizer_agree_with_exact_arithmetic(dtype):
    @given(middle(dtype), middle(dtype))
    @settings(max_examples=200)
    def check(one, two):
        with localcontext(EXACT):
            g = [exactly(one), exactly(two)]
            size = max(map(abs, g))
            b, b2 = exactly(0.5), exactly(0.75)
            v = b * (1 - b) * g[0] + (1 - b) * g[1]
            s = b2 * (1 - b2) * g[0] ** 2 + (1 - b2) * g[1] ** 2
            eps, eps_of_sum = exactly(1e-8), exactly(1e-10)
            v_hat, s_hat = v / (1 - b**2), s / (1 - b2**2)
            for optimizer, exact, parts in (
                (Momentum(0.5), v, size),
                (Momentum(0.5, averaged=False), b * g[0] + g[1], size),
                (Nesterov(0.5), b * v + (1 - b) * g[1], size),
                (Nesterov(0.5, averaged=False), g[1] + b * (b * g[0] + g[1]), size),
                (AdaGrad(), g[1] / (EXACT.sqrt(g[0] ** 2 + g[1] ** 2) + eps_of_sum), 0),
                (RMSprop(0.75), g[1] / (EXACT.sqrt(s) + eps), 0),
                (RMSprop(0.75, eps_inside=True), g[1] / EXACT.sqrt(s + eps), 0),
                (Adam(0.5, 0.75), v_hat / (EXACT.sqrt(s_hat) + eps), size / (EXACT.sqrt(s_hat) + eps)),
            ):
                state = optimizer.init(np.zeros(1, dtype))
                for gradient in (one, two):
                    direction, state = optimizer.update(np.array([gradient]), state)
                # a square below the smallest normal number is lost: eps is far above its root
                agree(direction[0], exact, dtype, digits=16, of=parts, lost=1000)

    check()


@pytest.mark.parametrize("optimizer", [AdaGrad(), RMSprop(), Adam()], ids=lambda each: type(each).__name__)
@both
def test_a_gradient_whose_square_is_no_float_stops_the_parameter(optimizer, dtype):
    huge, gradient = np.sqrt(np.finfo(dtype).max) * dtype(4), np.ones(2, dtype)
    gradient[0] = huge
    with np.errstate(over="ignore"):
        direction, _ = optimizer.update(gradient, optimizer.init(np.zeros(2, dtype)))
    assert direction[0] == 0 and direction[1] > 0  # as in PyTorch; `Clipped` prevents it


@both
def test_clipping_and_shrinking_agree_with_exact_arithmetic(dtype):
    @given(floats(dtype), st.floats(2.0**-100, 2.0**100, width=32))
    def check(x, limit):
        with localcontext(EXACT):
            each, bound = np.array([x]), exactly(limit)
            assert clip_by_value(each, limit)[0] == min(max(x, -limit), limit)
            weight = np.array([True])
            shrunk = max(exactly(x).copy_abs() - bound, Decimal(0)).copy_sign(exactly(x))
            agree(soft_threshold(each, weight, limit)[0], shrunk, dtype, of=0)
            penalty = l1(each, weight, limit, 4)
            assume(bound / 4 > exactly(np.finfo(dtype).tiny))
            agree(penalty.value, bound / 4 * abs(exactly(x)), dtype)
            agree(penalty.gradient[0], (bound / 4).copy_sign(exactly(x)) if x else Decimal(0), dtype)

    check()


# Shares -----------------------------------------------------------------------------------------------


@given(st.lists(st.booleans(), min_size=1, max_size=50), st.integers(1, 60))
@settings(max_examples=200)
def test_shares_of_hits_agree_with_fractions(hits, bins):
    m, right = len(hits), sum(hits)
    p = np.array([[0.75 if hit else 0.25] for hit in hits])
    assert error_rate(p, np.ones((m, 1))) == float(Fraction(m - right, m))
    assert accuracy(p, np.ones((m, 1))) == pytest.approx(right / m, abs=2e-16)
    # an edge belongs to the bin above it, whatever bins times the edge is rounded to
    for dtype in (np.float32, np.float64):
        edges = (np.arange(bins) / bins).astype(dtype)
        counts = reliability(edges, np.ones(bins, dtype=bool), bins).counts
        assert counts.tolist() == [1] * bins
        below = np.nextafter(edges[1:], dtype(0))
        if bins > 1:
            counts = reliability(below, np.ones(bins - 1, dtype=bool), bins).counts
            assert counts.tolist() == [1] * (bins - 1) + [0]


@given(st.floats(0, 1), st.integers(1, 10**15))
@settings(max_examples=200)
def test_the_standard_error_of_a_share_keeps_its_digits_at_both_ends(share, n):
    with localcontext(EXACT):
        exact = EXACT.sqrt(exactly(share) * (1 - exactly(share)) / n)
        for value in (standard_error(share, n), reports.standard_error(share, n)):
            agree(np.float64(value), exact, np.float64, lost=10**150 if share < 1e-290 else 2)


@both
def test_errors_are_split_as_exact_arithmetic_splits_them(dtype):
    pair = st.tuples(middle(dtype, 0.2), middle(dtype, 0.2))

    @given(pair, middle(dtype, 0.2), middle(dtype, 0.2))
    def check(fits, truth, target):
        found = decompose(np.array(fits)[:, None], np.array([truth]), np.array([target]), noise_variance=0.0)
        with localcontext(EXACT):
            f, t, y = [exactly(each) for each in fits], exactly(truth), exactly(target)
            mean, largest = sum(f) / 2, max(map(abs, [*f, t, y])) ** 2
            for value, exact in (
                (found.bias2, (mean - t) ** 2),
                (found.variance, ((f[0] - mean) ** 2 + (f[1] - mean) ** 2) / 2),
                (found.test_error, ((f[0] - y) ** 2 + (f[1] - y) ** 2) / 2),
            ):
                agree(dtype(value), exact, dtype, digits=16, of=largest)

    check()


# Early stopping and dropout ---------------------------------------------------------------------------


@given(st.floats(0, 1e3), st.floats(1e-300, 1e3), st.integers(0, 300))
@settings(max_examples=300)
def test_the_share_that_steps_reach_keeps_its_digits_where_it_is_small(s, rate, t):
    with localcontext(EXACT):
        step = exactly(rate * s)
        assume(step < 1 or step > 1.001)
        x = t * step
        small = x - x**2 / 2 + x * step / 2  # off by a share of x^2
        power = (1 - step) ** t if t else Decimal(1)
        exact = small if x < Decimal("1e-20") else 1 - power
        found = early_stopping.share_after_steps(np.array([s]), rate, t)[0]
        agree(found, exact, np.float64, digits=8 * (t + 1), of=0 if step < 1 else abs(power) + 1)
    assert early_stopping.share_after_steps(np.array([1e-12]), 0.1, 1)[0] == pytest.approx(1e-13, rel=1e-15)


@given(st.floats(0, 1e300), st.floats(1e-290, 1e300), st.integers(1, 10**6), st.floats(1e-100, 1e100))
@settings(max_examples=200)
def test_what_ridge_keeps_agrees_with_exact_arithmetic(s, strength, m, rate):
    with localcontext(EXACT):
        share = exactly(s) / (exactly(s) + exactly(strength) / m)
        agree(early_stopping.share_of_ridge(np.array([s]), strength, m)[0], share, np.float64)
        exact = m / (exactly(rate) * m)
        agree(np.float64(early_stopping.matching_strength(m, rate, m)), exact, np.float64)


@both
def test_what_dropout_does_agrees_with_exact_arithmetic(dtype):
    @given(vectors(dtype), st.floats(1e-3, 1), st.sampled_from([0, 1]))
    @settings(max_examples=200)
    def check(x, p, kept):
        with localcontext(EXACT):
            factor = keep_mask(np.array([[0.0 if kept else 1.0]], dtype), p)[0, 0]
            agree(factor, kept / exactly(p), dtype)
            weight = mask_weights(np.array([[1.0, 1.0, 1.0, 0.0]]), p)[0]
            agree(weight, exactly(p) ** 3 * (1 - exactly(p)), np.float64)
            squares = [exactly(each) ** 2 for each in x]
            fourth = sum(each**2 for each in squares)
            ratio = sum(squares) ** 2 / fourth if fourth else Decimal(0)
            agree(participation_ratio(x), ratio, dtype, digits=16)
            # a huge weight of a tiny feature: their product is near 1, no square of either is a float
            largest = np.abs(x).max()
            assume(largest > 0 and np.isfinite(1 / largest))
            w = np.array([1 / largest], dtype)
            exact = (1 - exactly(p)) / exactly(p) * (exactly(w[0]) * exactly(x[0])) ** 2 / 2
            found = adaptive_l2(w, x[:1, None], p)
            agree(dtype(found), exact, dtype, digits=16, lost=100)

    check()


@given(st.lists(st.floats(-700, 700), min_size=2, max_size=2))
@settings(max_examples=200)
def test_the_geometric_mean_of_two_predictions_is_the_sigmoid_of_the_mean_logit(logits):
    with localcontext(EXACT):
        exact = exact_sigmoid(sum(map(exactly, logits)) / 2)
        found = normalized_geometric_mean(np.array(logits), np.array([0.5, 0.5]))
        agree(np.float64(found), exact, np.float64, digits=16 + 4 * int(max(map(abs, logits))))


# Depth, curvature, schedules, images ------------------------------------------------------------------


@given(st.floats(-290, 290), st.floats(-290, 290), st.integers(2, 1000))
@settings(max_examples=200)
def test_the_factor_of_a_layer_is_right_where_no_ratio_is_a_float(first, last, layers):
    sizes = np.ones(layers)
    sizes[0], sizes[-1] = 10.0**first, 10.0**last
    assume(abs(last - first) / (layers - 1) < 300)
    with localcontext(EXACT):
        ratio = EXACT.ln(exactly(sizes[-1])) - EXACT.ln(exactly(sizes[0]))
        agree(factor_per_layer(sizes), EXACT.exp(ratio / (layers - 1)), np.float64, digits=2000)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1.0, 1e200, 1e300])
def test_curvature_is_found_from_a_direction_of_any_length(size):
    found = sharpness(Ravine(condition=4), np.ones(2), None, direction=np.array([1.0, 2.0]) * size)
    assert found.value == pytest.approx(1, abs=1e-6)
    assert np.linalg.norm(found.direction) == pytest.approx(1)
    np.testing.assert_allclose(hessian(Ravine(condition=4), np.ones(2), None), [[0.25, 0], [0, 1]], atol=1e-8)


@given(st.floats(1e-100, 1e100), st.integers(1, 10**17), st.integers(0, 1000))
@settings(max_examples=200)
def test_the_linear_schedule_keeps_its_digits_near_its_end(rate, steps, left):
    t = max(steps - left, 0)
    with localcontext(EXACT):
        agree(np.float64(Linear(rate, steps)(t)), exactly(rate) * (steps - t) / steps, np.float64)
    assert Linear(rate, steps)(steps + left) == 0


@given(st.floats(1e-300, 1.5), st.floats(0, 1e200), st.integers(1, 10**6))
@settings(max_examples=200)
def test_the_noise_floor_is_right_where_the_square_of_the_noise_is_no_float(rate, noise, batch_size):
    with localcontext(EXACT):
        a, sigma = exactly(rate), exactly(noise)
        exact = a * sigma**2 / (2 * batch_size * (2 - a))
        assume(exact == 0 or abs(a * sigma) > Decimal("1e-290"))
        agree(np.float64(noise_floor(rate, noise, batch_size)), exact, np.float64)
    assert noise_floor(0.0, 1e200) == 0


@pytest.mark.parametrize("turns", [1, 1000, 10**12])
def test_full_turns_cost_no_digits(turns):
    X = np.arange(9.0)[None]
    for degrees in (0.0, 90.0, 33.0, -45.0):
        more = degrees + 360.0 * turns
        np.testing.assert_allclose(rotate(X, more), rotate(X, degrees), rtol=1e-14)
        np.testing.assert_allclose(rotation_matrix(more), rotation_matrix(degrees), atol=1e-14)


@both
def test_a_ravine_and_beale_agree_with_exact_arithmetic(dtype):
    sizes = st.floats(-4, 4, width=32).map(dtype) | middle(dtype, 0.06)

    @given(sizes, sizes)
    @settings(max_examples=200)
    def check(a, b):
        theta = np.array([a, b])
        with localcontext(EXACT):
            x, y, kappa = exactly(a), exactly(b), Decimal(20)
            exact = (x**2 / kappa + y**2) / 2
            agree(Ravine().loss(theta), exact, dtype)
            for value, slope in zip(Ravine().gradient(theta), (x / kappa, y), strict=True):
                agree(value, slope, dtype, of=max(abs(x), abs(y)))
            J = J_x = J_y = size = size_x = size_y = Decimal(0)
            for i, k in ((1, Decimal("1.5")), (2, Decimal("2.25")), (3, Decimal("2.625"))):
                power = y**i if y else Decimal(0)
                before = y ** (i - 1) if y or i > 1 else Decimal(1)
                r, part = k - x * (1 - power), k + abs(x) * (1 + abs(power))
                J, size = J + r**2, size + part**2
                J_x, size_x = J_x - 2 * r * (1 - power), size_x + 2 * part * (1 + abs(power))
                J_y, size_y = J_y + 2 * r * i * x * before, size_y + 2 * part * i * abs(x * before)
            agree(Beale().loss(theta), J, dtype, digits=16, of=size)
            slopes = Beale().gradient(theta)
            agree(slopes[0], J_x, dtype, digits=16, of=size_x)
            agree(slopes[1], J_y, dtype, digits=16, of=size_y, lost=100)

    check()


# Inputs and labels ------------------------------------------------------------------------------------


@both
def test_normalized_features_agree_with_exact_arithmetic(dtype):
    @given(st.lists(middle(dtype, 0.2), min_size=2, max_size=6))
    @settings(max_examples=200)
    def check(values):
        X = np.array(values)[:, None]
        with localcontext(EXACT):
            x, m = [exactly(each) for each in values], len(values)
            mean, largest = sum(x) / m, max(map(abs, x))
            sigma = EXACT.sqrt(sum((each - mean) ** 2 for each in x) / m)
            assume(sigma > largest / 1000 and sigma > exactly(np.finfo(dtype).tiny))
            normalization = fit(X)
            agree(normalization.mean[0], mean, dtype, of=largest)
            agree(normalization.scale[0], sigma, dtype)
            mu, scale = exactly(normalization.mean[0]), exactly(normalization.scale[0])
            for value, each in zip(normalization.apply(X)[:, 0], x, strict=True):
                agree(value, (each - mu) / scale, dtype)
            for value, each in zip(normalization.inverse(X)[:, 0], x, strict=True):
                agree(value, scale * each + mu, dtype, of=scale * abs(each) + abs(mu))

    check()
    tall = Normalization(np.array([0.0], dtype), np.array([np.finfo(dtype).max], dtype))
    assert tall.apply(np.array([[np.finfo(dtype).max]], dtype))[0, 0] == 1


@both
def test_labels_agree_with_exact_arithmetic(dtype):
    @given(st.lists(floats(dtype), min_size=1, max_size=5), st.floats(0, 1))
    def check(logits, strength):
        Z = np.array(logits)[:, None]
        largest = logits.index(max(logits))
        assert hardmax(Z)[:, 0].tolist() == [float(i == largest) for i in range(len(logits))]
        Y = np.eye(len(logits), dtype=dtype)[:1]
        with localcontext(EXACT):
            share = exactly(strength)
            for value, label in zip(smooth_labels(Y, strength)[0], Y[0], strict=True):
                exact = (1 - share) * exactly(label) + share / len(logits)
                agree(value, exact, dtype)

    check()

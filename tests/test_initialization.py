from functools import partial

import numpy as np
import pytest

from dlhelpers.activations import ACTIVATIONS
from dlhelpers.initialization import (
    INITIALIZERS,
    RECOMMENDED,
    constant,
    factor_per_layer,
    glorot_normal,
    glorot_uniform,
    he_normal,
    initialize,
    lecun_normal,
    normal,
    orthogonal,
    predict_signals,
    propagate,
    zeros,
)
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.parameters import Layout, dense_layout

SHAPE = (300, 500)  # n_out, n_in: 150,000 draws, so the sample variance has a relative error of 0.37%
BAND = 0.02  # more than 5 of these standard errors


def test_there_is_a_name_for_each_initializer_and_one_for_each_activation():
    functions = (
        zeros,
        constant,
        normal,
        lecun_normal,
        glorot_normal,
        glorot_uniform,
        he_normal,
        orthogonal,
    )
    assert dict(INITIALIZERS) == {function.__name__: function for function in functions}
    assert set(RECOMMENDED) == set(ACTIVATIONS) and set(RECOMMENDED.values()) <= set(INITIALIZERS)
    assert [RECOMMENDED[name] for name in ("tanh", "relu")] == ["lecun_normal", "he_normal"]


@pytest.mark.parametrize(
    ("function", "variance"),
    [
        (normal, 0.01**2),
        (partial(normal, scale=3), 9),
        (lecun_normal, 1 / 500),
        (glorot_normal, 2 / 800),
        (glorot_uniform, 2 / 800),
        (he_normal, 2 / 500),
    ],
)
def test_random_weights_have_the_variance_of_their_formula(function, variance, rng):
    W = function(rng, SHAPE)
    assert W.shape == SHAPE and W.dtype == np.float64
    assert W.var() == pytest.approx(variance, rel=BAND)
    assert abs(W.mean()) < 5 * np.sqrt(variance / 150_000)  # 5 standard errors


@pytest.mark.parametrize("function", [normal, lecun_normal, glorot_normal, he_normal])
def test_normal_weights_are_normal(function, rng):
    W = function(rng, SHAPE)
    # the share beyond one standard deviation is 31.7%, its standard error 0.12%
    assert (np.abs(W) > W.std()).mean() == pytest.approx(0.3173, abs=0.006)


def test_uniform_weights_fill_their_interval_evenly(rng):
    a, W = np.sqrt(6 / 800), glorot_uniform(rng, SHAPE)
    assert -a <= W.min() < -0.999 * a and 0.999 * a < W.max() < a
    counts, _ = np.histogram(W, bins=10, range=(-a, a))
    assert np.abs(counts - 15_000).max() < 600  # the standard error of a count is 116


def test_constants(rng):
    assert not zeros(rng, (2, 3)).any() and zeros(rng, (2, 3)).shape == (2, 3)
    assert constant(rng, (2, 3)).tolist() == [[0.5] * 3] * 2
    W = constant(rng, (2, 3), -2)
    assert W.tolist() == [[-2.0] * 3] * 2 and W.dtype == np.float64


@pytest.mark.parametrize("gain", [1.0, 0.5, 3])
@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5), (3, 4, 7), (3, 7, 4), (1, 3), (2, 3, 4, 7)])
def test_orthogonal_weights_have_right_angles(shape, gain, rng):
    W = orthogonal(rng, shape, gain)
    assert W.shape == shape
    fewer_rows = shape[-2] <= shape[-1]
    product = W @ W.swapaxes(-1, -2) if fewer_rows else W.swapaxes(-1, -2) @ W
    identity = gain**2 * np.eye(min(shape[-2:]))
    np.testing.assert_allclose(product, np.broadcast_to(identity, product.shape), atol=1e-13)


def test_orthogonal_weights_are_q_of_a_normal_matrix_where_r_has_a_positive_diagonal():
    G = np.random.default_rng(3).standard_normal((4, 4))
    R = orthogonal(np.random.default_rng(3), (4, 4)).T @ G
    np.testing.assert_allclose(np.tril(R, -1), 0, atol=1e-14)
    assert (np.diagonal(R) > 0).all()
    # with fewer rows than columns it is the transposed of the other way
    wide, high = (orthogonal(np.random.default_rng(3), shape) for shape in ((2, 5), (5, 2)))
    np.testing.assert_array_equal(wide, high.T)


def test_orthogonal_weights_are_all_equally_likely(rng):
    # 4,000 rotations and mirrors of the plane: the angle of the first column is uniform, and half of the
    # determinants are -1; without the signs, QR gives a first column with a negative first entry only
    W = orthogonal(rng, (4000, 2, 2))
    angles = np.arctan2(W[:, 1, 0], W[:, 0, 0])
    counts, _ = np.histogram(angles, bins=8, range=(-np.pi, np.pi))
    assert np.abs(counts - 500).max() < 105  # 5 standard errors of 21
    assert abs((np.linalg.det(W) > 0).mean() - 0.5) < 0.04  # 5 standard errors of 0.8%
    assert orthogonal(rng, (1, 1)).item() in (1, -1)


def test_the_same_seed_gives_the_same_weights():
    for function in INITIALIZERS.values():
        first, second = (function(np.random.default_rng(5), (3, 4)) for _ in range(2))
        np.testing.assert_array_equal(first, second)


def test_each_network_of_a_population_may_have_its_own_scale(rng):
    scales = np.array([0.1, 1.0, 10.0])[:, None, None]
    stds = normal(rng, (3, 100, 100), scales).std(axis=(1, 2))  # 10,000 draws: 0.7%
    np.testing.assert_allclose(stds, [0.1, 1, 10], rtol=0.04)
    assert constant(rng, (3, 2, 2), scales)[:, 1, 0].tolist() == [0.1, 1, 10]
    for shape in ((3, 4, 7), (3, 7, 4)):
        lengths = np.linalg.norm(orthogonal(rng, shape, scales), ord=2, axis=(1, 2))
        np.testing.assert_allclose(lengths, [0.1, 1, 10])


@pytest.mark.parametrize(("activation", "gain"), [("relu", 2), ("tanh", 1), ("linear", 1)])
def test_variance_is_gain_over_fan_in_and_biases_are_zero(activation, gain, rng):
    network = Network((400, 300, 10), activation)
    parameters = network.layout.views(network.initialize(rng))
    # 120,000 draws: the sample variance lies within 3% of the true one with near certainty
    assert parameters["W1"].var() * 400 == pytest.approx(gain, rel=0.03)
    assert parameters["W2"].var() * 300 == pytest.approx(gain, rel=0.15)
    assert not parameters["b1"].any() and not parameters["b2"].any()


def test_each_layer_goes_with_its_activation_and_the_last_with_the_one_before(rng):
    layout = dense_layout((200, 200, 200, 200))
    views = layout.views(initialize(layout, ("relu", "tanh"), rng))
    # 40,000 draws: the standard error is 0.7%
    assert [views[f"W{layer}"].var() * 200 for layer in (1, 2, 3)] == pytest.approx([2, 1, 1], rel=0.04)
    views = layout.views(initialize(layout, ["tanh", "relu"], rng))
    assert [views[f"W{layer}"].var() * 200 for layer in (1, 2, 3)] == pytest.approx([1, 2, 2], rel=0.04)


def test_without_hidden_layers_there_is_one_activation_or_none(rng):
    layout = dense_layout((400, 100))
    assert layout.views(initialize(layout, (), rng))["W1"].var() * 400 == pytest.approx(1, rel=0.04)
    assert layout.views(initialize(layout, "relu", rng))["W1"].var() * 400 == pytest.approx(2, rel=0.04)


def test_gammas_are_one_and_all_other_vectors_zero(rng):
    layout = dense_layout((3, 4, 5, 2), batch_norm=True)
    for population in (None, 3):
        views = layout.views(initialize(layout, "tanh", rng, population))
        for name, values in views.items():
            if not name.startswith("W"):
                assert (values == name.startswith("gamma")).all()
            else:
                assert values.all()


def test_an_empty_layout_has_an_empty_theta(rng):
    assert initialize(Layout({}), "tanh", rng).shape == (0,)
    assert initialize(Layout({}), (), rng, population=2).shape == (2, 0)


@pytest.mark.parametrize("name", sorted(set(INITIALIZERS) - {"zeros", "constant"}))
def test_the_networks_of_a_population_differ(name, rng):
    layout = dense_layout((3, 4, 1))
    theta = initialize(layout, "tanh", rng, population=3, initializer=name)
    assert theta.shape == (3, 21) and theta.dtype == np.float64
    assert len(np.unique(theta[:, 0])) == 3


def test_an_initializer_may_be_chosen_by_name_or_given_as_a_function(rng):
    layout = dense_layout((50, 40, 2))
    theta = initialize(layout, "relu", rng, initializer="constant")
    np.testing.assert_array_equal(theta, 0.5 * layout.is_weight)
    views = layout.views(initialize(layout, "relu", rng, 3, partial(normal, scale=7)))
    assert views["W1"].std() == pytest.approx(7, rel=0.05)  # 6,000 draws: 0.9%
    shapes = []

    def ones(rng, shape):
        shapes.append(shape)
        return np.ones(shape)

    np.testing.assert_array_equal(initialize(layout, "relu", rng, 3, ones)[2], layout.is_weight)
    assert shapes == [(3, 40, 50), (3, 2, 40)]


def test_the_signal_keeps_its_size_through_ten_relu_layers(rng):
    network = Network((256,) * 11, "relu")
    theta = network.initialize(rng)
    output = network.predict(theta, rng.normal(size=(100, 256)))
    # the last layer is linear and gets half of the signal of a ReLU layer, times gain 2
    assert 0.3 < np.square(output).mean() / 2 < 3


@pytest.mark.parametrize("name", INITIALIZERS)
def test_bad_arguments_of_an_initializer_are_named(name, rng):
    function = INITIALIZERS[name]
    for bad in (None, 0, np.random, "x"):
        with pytest.raises(ValueError, match=r"rng must be a numpy.random.Generator; got"):
            function(bad, (2, 3))
    for bad in (None, 3, "x", (3,), [2, 3], np.ones(2)):
        with pytest.raises(ValueError, match=r"shape must be a tuple \(\.\.\., n_out, n_in\); got"):
            function(rng, bad)
    for bad in ((0, 3), (3, 0), (2.0, 3), (-1, 3), (True, 3), (None, 3), (0, 2, 3)):
        with pytest.raises(ValueError, match=r"each number in shape must be an integer in \[1, inf\); got"):
            function(rng, bad)


@pytest.mark.parametrize(
    ("function", "name", "message"),
    [
        (constant, "value", r"value must be a number in \(-inf, inf\)"),
        (normal, "scale", r"scale must be a number in \[0, inf\).* It is the standard deviation"),
        (orthogonal, "gain", r"gain must be a number in \(0, inf\).* 1 keeps the length"),
    ],
)
def test_bad_settings_of_an_initializer_are_named(function, name, message, rng):
    bad = [None, "x", True, np.nan, np.inf, -np.inf, [1.0], np.ones(2), np.ones((4, 1, 1)), np.array(["x"])]
    bad += [] if name == "value" else [-1]
    bad += [0, np.ones((2, 1)), np.ones((1, 2, 1))] if name == "gain" else []
    for each in bad:
        with pytest.raises(ValueError, match=message):
            function(rng, (2, 3), **{name: each})
    assert normal(rng, (2, 3), 0).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert np.abs(normal(rng, (30, 30), 1e308)).max() == np.inf  # overflows without a warning


def test_bad_arguments_of_initialize_are_named(rng):
    layout = dense_layout((3, 4, 5, 1))
    for bad in (None, (3, 4, 1), {"W1": (2, 3)}):
        with pytest.raises(ValueError, match=r"layout must be a Layout; got .* Pass network.layout"):
            initialize(bad, "tanh", rng)
    for bad in (None, 3, ("tanh",), ("tanh",) * 3, [], {"tanh", "relu"}):
        with pytest.raises(
            ValueError, match=r"activations must be a name, or one .* for a network of 3 layers"
        ):
            initialize(layout, bad, rng)
    for bad in ("swish", ("tanh", "swish"), ("swish", "tanh"), ("tanh", None)):
        with pytest.raises(ValueError, match=r"each name in activations must be one of 'linear', .*; got"):
            initialize(layout, bad, rng)
    for bad in (0, -1, 2.0, "x", True):
        with pytest.raises(
            ValueError, match=r"population must be an integer in \[1, inf\); got .* number of net"
        ):
            initialize(layout, "tanh", rng, bad)
    for bad in (None, 0):
        with pytest.raises(ValueError, match=r"rng must be a numpy.random.Generator"):
            initialize(layout, "tanh", bad)
    for bad in ("xavier", 5, ["zeros"]):
        with pytest.raises(ValueError, match=r"initializer must be one of 'zeros', .* Or pass a function"):
            initialize(layout, "tanh", rng, initializer=bad)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.ones((3, 4)), r"initializer must return weights of shape \(4, 3\); got \(3, 4\)"),
        (np.ones((1, 1)), r"initializer must return weights of shape \(4, 3\); got \(1, 1\)"),
        (None, r"the weights that initializer returns must be a float array .* got None"),
        (np.ones(3), r"the weights that initializer returns must be a float array"),
        (np.ones((4, 3), dtype=int), r"the weights that initializer returns must be a float array"),
        (
            np.full((4, 3), np.nan),
            r"the weights that initializer returns must hold finite numbers only; got nan",
        ),
    ],
)
def test_what_an_initializer_returns_is_checked(returned, message, rng):
    with pytest.raises(ValueError, match=message):
        initialize(dense_layout((3, 4, 1)), "tanh", rng, initializer=lambda rng, shape: returned)


# ------------------------------------------------------------------------- signals through many layers


def test_signals_by_hand():
    # Two layers, gain 2, ReLU, V = [[1, 2], [0, -1]] and [[1, 1], [3, 0]]; x = (1, 1), top = (1, 2)
    # z1 = 2 (3, -1) = (6, -2), a1 = (6, 0); z2 = 2 (6, 18) = (12, 36) = a2
    # dz2 = top = (1, 2); da1 = 2 V2^T dz2 = 2 (1 + 6, 1) = (14, 2); dz1 = (14, 0)
    V = np.array([[[1.0, 2.0], [0.0, -1.0]], [[1.0, 1.0], [3.0, 0.0]]])
    found = propagate(V, np.array([1.0, 1.0]), np.array([1.0, 2.0]), "relu", 2.0)
    np.testing.assert_allclose(found.activations, np.sqrt([36 / 2, (144 + 1296) / 2]))
    np.testing.assert_allclose(found.gradients, np.sqrt([196 / 2, 5 / 2]))


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu"])
def test_signals_are_those_of_a_network(activation, rng):
    """The last layer of a network is linear, so its gradient arrives at the top of the layer before."""
    network = Network((4, 4, 4, 4, 4), activation)
    theta = network.initialize(rng)
    W = network.layout.views(theta)
    batch = Batch(rng.normal(size=(1, 4)), rng.normal(size=(1, 4)))
    trace = network.trace(theta, batch)
    V = np.stack([W[f"W{layer}"] for layer in (1, 2, 3)]) / 0.5
    found = propagate(V, batch.X[0], W["W4"].T @ trace.dZ[3][:, 0], activation, 0.5)
    for sizes, layers in ((found.activations, trace.A), (found.gradients, trace.dZ)):
        np.testing.assert_allclose(sizes, [np.sqrt(np.mean(layer**2)) for layer in layers[:3]])


def test_signals_of_a_population_are_those_of_each(rng):
    V, x, top = rng.normal(size=(3, 5, 4, 4)), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    together = propagate(V, x, top, "tanh", 0.7)
    assert together.activations.shape == together.gradients.shape == (5, 3)
    for k in range(5):
        alone = propagate(V[:, k], x[k], top[k], "tanh", 0.7)
        np.testing.assert_allclose(together.activations[k], alone.activations)
        np.testing.assert_allclose(together.gradients[k], alone.gradients)
    shared = propagate(V[:, 0], x, top, "tanh", 0.7)  # one network, five inputs
    np.testing.assert_allclose(shared.activations[0], together.activations[0])
    assert shared.gradients.shape == (5, 3)
    two = propagate(V, np.stack([x, -x]), np.stack([top, top]), "tanh", 0.7)  # two inputs for each network
    np.testing.assert_allclose(two.activations, np.stack([together.activations] * 2))


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_theory_is_right_for_wide_networks(activation, gain, rng):
    n, layers = 500, 5
    V = rng.standard_normal((layers, n, n)) / np.sqrt(n)
    x, top = 0.8 * rng.standard_normal((20, n)), rng.standard_normal((20, n))
    measured = propagate(V, x, top, activation, gain)
    expected = predict_signals(activation, gain, layers, 0.8)
    np.testing.assert_allclose(np.median(measured.activations, axis=0), expected.activations, rtol=0.1)
    np.testing.assert_allclose(np.median(measured.gradients, axis=0), expected.gradients, rtol=0.1)


def test_theory_where_it_can_be_done_by_hand():
    linear = predict_signals("linear", 3.0, 3, 2.0)
    np.testing.assert_allclose(linear.activations, [6, 18, 54])
    np.testing.assert_allclose(linear.gradients, [9, 3, 1])
    relu = predict_signals("relu", 2.0, 3)  # each layer: 2 / sqrt(2); a slope of 1 in half of the cases
    np.testing.assert_allclose(relu.activations, np.sqrt(2) ** np.arange(1, 4))
    np.testing.assert_allclose(relu.gradients, [2 * np.sqrt(0.5), 1, np.sqrt(0.5)])
    assert predict_signals("sigmoid", 0.0, 2).gradients[-1] == pytest.approx(0.25)


def test_the_sums_over_xi_are_as_good_as_an_integral():
    """E tanh(2 xi)^2 and E (1 - tanh(2 xi)^2)^2 by Gauss-Hermite quadrature with 150 nodes."""
    xi, weights = np.polynomial.hermite_e.hermegauss(150)
    weights = weights / weights.sum()
    found = predict_signals("tanh", 2.0, 1)
    assert found.activations[0] ** 2 == pytest.approx(weights @ np.tanh(2 * xi) ** 2, rel=1e-6)
    assert found.gradients[0] ** 2 == pytest.approx(weights @ (1 - np.tanh(2 * xi) ** 2) ** 2, rel=1e-4)


def test_factor_per_layer():
    assert factor_per_layer(np.array([2.0, 7.0, 18.0])) == pytest.approx(3)  # sqrt(18 / 2)
    np.testing.assert_allclose(factor_per_layer(np.array([[8.0, 2.0], [1.0, 5.0]])), [0.25, 5])
    dead = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    assert factor_per_layer(dead).tolist() == [0, 0, 0]


def test_signals_that_overflow_or_die_give_no_warning():
    V = np.full((400, 1, 1), 1e6)
    assert propagate(V, np.ones(1), np.ones(1), "linear").activations[-1] == np.inf
    assert propagate(-V, np.ones(1), np.ones(1), "relu").gradients[0] == 0
    assert predict_signals("linear", 1e3, 1000).activations[-1] == np.inf


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"V": np.ones((2, 2))}, r"V must be .*\(L, \.\.\., n, n\)"),
        ({"V": np.ones((2, 2, 3))}, r"V must be .* got shape \(2, 2, 3\)"),
        ({"V": np.ones((0, 2, 2))}, r"V must be .* got shape \(0, 2, 2\)"),
        ({"V": np.ones((2, 4, 2, 2))}, r"x and top must have the same shape"),
        ({"x": np.ones(3)}, r"x must be a float array of shape \(\.\.\., 2\)"),
        ({"top": np.ones((4, 2))}, r"got \(3, 2\) and \(4, 2\)"),
        ({"x": np.ones((0, 2)), "top": np.ones((0, 2))}, r"x and top must have the same shape"),
        ({"activation": "swish"}, "activation must be one of"),
        ({"gain": -1.0}, "gain must be a number"),
    ],
)
def test_bad_signals_are_named(change, message):
    arguments = {"V": np.ones((2, 2, 2)), "x": np.ones((3, 2)), "top": np.ones((3, 2)), "activation": "tanh"}
    with pytest.raises(ValueError, match=message):
        propagate(**(arguments | change))


@pytest.mark.parametrize("sizes", [np.ones(1), np.array([1.0, -1.0]), np.array([1.0, np.nan]), None])
def test_bad_sizes_are_named(sizes):
    with pytest.raises(ValueError, match="sizes must"):
        factor_per_layer(sizes)

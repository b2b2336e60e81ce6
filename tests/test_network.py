import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from dlhelpers.activations import ACTIVATIONS
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import draw_uniform, keep_mask
from dlhelpers.losses import LOSSES
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network, layer_statistics
from dlhelpers.regularization import Regularized


def some_batch(rng, loss, n_out, m=7, lead=()):
    X = rng.normal(size=(*lead, m, 3))
    if loss == "softmax_cross_entropy":
        return Batch(X, np.eye(n_out)[rng.integers(0, n_out, (*lead, m))])
    if loss == "sigmoid_cross_entropy":
        return Batch(X, rng.integers(0, 2, (*lead, m, n_out)).astype(float))
    return Batch(X, rng.normal(size=(*lead, m, n_out)))


# The gradient -----------------------------------------------------------------------------------------

MARGIN = 1e-3


def away_from_kinks(network, rng, loss, drops=False):
    """Return a theta and a batch at which the cost is smooth: no kink lies within MARGIN.

    ReLU and leaky ReLU have a kink where a pre-activation is 0, and |w| has one at w = 0.  Theta and
    batch are drawn from rng until none of either, in any layer, is that close.  Biases, gamma and beta
    get random values of their own.  20 examples keep the batch's variances away from 0.
    """
    for _ in range(100):
        theta = network.initialize(rng)
        theta += 0.3 * rng.normal(size=theta.shape)
        batch = some_batch(rng, loss, network.sizes[-1], m=20)
        if drops:
            batch = batch._replace(draws=draw_uniform(network.sizes, 20, rng))
        near = [abs(Z).min() for Z in network.trace(theta, batch).Z[:-1]]
        if min([*near, abs(theta[network.layout.is_weight]).min()]) > MARGIN:
            return theta, batch
    raise AssertionError("no theta away from kinks in 100 draws")


def extrapolated_gradient(objective, theta, batch, h=2e-5):
    """Return differences of the cost with an error of h^4.

    D(h), the central difference, has the error c h^2; Richardson's (4 D(h) - D(2h)) / 3 cancels it, so
    that small batch variances do not spoil the comparison.  2h is far below MARGIN.
    """
    steps = h * np.concatenate([k * np.eye(theta.size) for k in (1, -1, 2, -2)])
    right, left, right2, left2 = objective.loss(theta + steps, batch).reshape(4, -1)
    return (4 * (right - left) / (2 * h) - (right2 - left2) / (4 * h)) / 3


def relative_error(a, b):
    return np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b))


PENALTIES = {"none": (0.0, 0.0), "l1": (0.7, 0.0), "l2": (0.0, 0.9), "both": (0.5, 0.8)}
HIDDEN = ((), (4,), (4, 3), (4, 3, 4))
SHARES = (0.7, 0.5, 0.8)


@pytest.mark.parametrize("hidden", HIDDEN, ids=len)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_check_of_the_whole_product(activation, loss, hidden, rng):
    for batch_norm, drops in product((None, BatchNormalization(eps=1e-3)), (False, True)):
        keep_prob = SHARES[: len(hidden)] if drops else 1.0
        network = Network((3, *hidden, 2), activation, loss, keep_prob, batch_norm)
        theta, batch = away_from_kinks(network, rng, loss, drops)
        for penalty, (l1, l2) in PENALTIES.items():
            objective = network if penalty == "none" else Regularized(network, 20, l1, l2)
            error = relative_error(
                objective.gradient(theta, batch), extrapolated_gradient(objective, theta, batch)
            )
            assert error < 1e-8, (batch_norm, drops, penalty)


@pytest.mark.parametrize("batch_norm", [None, BatchNormalization()])
@pytest.mark.parametrize("start", range(len(ACTIVATIONS)))
def test_gradient_check_with_an_activation_for_each_layer(start, batch_norm, rng):
    names = tuple(list(ACTIVATIONS)[(start + k) % len(ACTIVATIONS)] for k in range(3))
    network = Network((3, 4, 3, 4, 2), names, "softmax_cross_entropy", SHARES, batch_norm)
    theta, batch = away_from_kinks(network, rng, "softmax_cross_entropy", drops=True)
    assert relative_error(network.gradient(theta, batch), extrapolated_gradient(network, theta, batch)) < 1e-8


def test_two_examples_are_enough_for_batch_normalization(rng):
    network = Network((3, 4, 2), "tanh", batch_norm=BatchNormalization(eps=0.1))
    theta, batch = network.initialize(rng), some_batch(rng, "squared_error", 2, m=2)
    assert relative_error(network.gradient(theta, batch), extrapolated_gradient(network, theta, batch)) < 1e-8
    with pytest.raises(ValueError, match="needs 2 or more examples in a batch; got 1"):
        network.gradient(theta, Batch(batch.X[:1], batch.Y[:1]))


# By hand ----------------------------------------------------------------------------------------------


def test_one_neuron_by_hand():
    # z = 2 * 3 + 1 = 7, J = (7 - 5)^2 / 2 = 2, dz = 2, dW = 2 * 3 = 6, db = 2
    network = Network((1, 1))
    loss, gradient = network.loss_and_gradient(
        np.array([2.0, 1.0]), Batch(np.array([[3.0]]), np.array([[5.0]]))
    )
    assert loss == 2 and gradient.tolist() == [6, 2]


def test_two_layers_with_dropout_by_hand():
    # W1 = (2; 1), b1 = (1; 5), x = 3: z1 = (7; 8), a1 = (7; 8); only unit 1 is kept, factor 1 / 0.5: (14; 0)
    # W2 = (3, 4), b2 = -2: z2 = 40; y = 38: J = 2, dz2 = 2, dW2 = (28, 0), db2 = 2
    # da1 = (6; 8), times the factors (12; 0), g' = 1: dz1 = (12; 0), dW1 = (36; 0), db1 = (12; 0)
    network = Network((1, 2, 1), "relu", keep_prob=0.5)
    theta = np.array([2.0, 1, 1, 5, 3, 4, -2])
    batch = Batch(np.array([[3.0]]), np.array([[38.0]]), draws=(np.array([[0.2], [0.7]]),))
    loss, gradient = network.loss_and_gradient(theta, batch)
    assert loss == 2 and gradient.tolist() == [36, 0, 12, 0, 28, 0, 2]
    assert network.predict(theta, batch.X).item() == 3 * 7 + 4 * 8 - 2  # no draws, no dropout
    assert network.predict(theta, batch.X, draws=batch.draws).item() == 40
    trace = network.trace(theta, batch)
    assert [Z.ravel().tolist() for Z in trace.Z] == [[7, 8], [40]]
    assert [A.ravel().tolist() for A in trace.A] == [[7, 8], [40]]  # before dropout
    assert [dZ.ravel().tolist() for dZ in trace.dZ] == [[12, 0], [2]]
    assert trace.gradient.tolist() == gradient.tolist()


def normalized_network():
    """One hidden unit z = 2 x, linear, batch normalization with eps 3; W2 = 5, b2 = 1.

    Parameters: W1, gamma = 4, beta = 10, W2, b2; there is no b1.  For x = (0.5, 1.5), z = (1, 3), and
    z_tilde = (8, 12), as in test_batch_normalization.
    """
    settings = BatchNormalization(eps=3.0, momentum=0.75)
    network = Network((1, 1, 1), "linear", batch_norm=settings)
    return network, np.array([2.0, 4, 10, 5, 1]), Batch(np.array([[0.5], [1.5]]), np.array([[40.0], [60.0]]))


def test_batch_normalization_by_hand():
    # logits 5 * (8, 12) + 1 = (41, 61), minus y = (1, 1): J = 1 / 2, dz2 = (0.5, 0.5)
    # dW2 = 0.5 * (8 + 12) = 10, db2 = 1; d z_tilde = (2.5, 2.5): d gamma = 0, d beta = 5, dz = 0
    network, theta, batch = normalized_network()
    assert list(network.layout.shapes) == ["W1", "gamma1", "beta1", "W2", "b2"]
    loss, gradient = network.loss_and_gradient(theta, batch)
    assert loss == 0.5
    np.testing.assert_allclose(gradient, [0, 0, 5, 10, 1], atol=1e-15)
    assert network.trace(theta, batch).Z[0].tolist() == [[8, 12]]
    assert network.trace(theta, batch).dZ[0].tolist() == [[2.5, 2.5]]


def test_statistics_by_hand_for_two_steps():
    # batch: mean 2, variance 1, unbiased 2 / 1 * 1 = 2; from 0 and 1 with momentum 0.75:
    # mean 0.25 * 2 = 0.5, then 0.75 * 0.5 + 0.5 = 0.875; variance 0.75 + 0.5 = 1.25, then 1.4375
    network, theta, batch = normalized_network()
    assert network.batch_statistics(theta, batch).tolist() == [2, 2]
    once = network.update_statistics(network.initial_statistics(), theta, batch)
    assert once.tolist() == [0.5, 1.25]
    assert network.update_statistics(once, theta, batch).tolist() == [0.875, 1.4375]
    gradient, after = network.gradient_and_statistics(theta, batch, once)
    assert after.tolist() == [0.875, 1.4375]
    np.testing.assert_array_equal(gradient, network.gradient(theta, batch))


def test_inference_by_hand_on_one_example():
    # mean 1, variance 13: (2 * 2.5 - 1) / sqrt(13 + 3) = 1; 4 * 1 + 10 = 14; 5 * 14 + 1 = 71
    network, theta, _ = normalized_network()
    one = Batch(np.array([[2.5]]), np.array([[69.0]]))
    statistics = np.array([1.0, 13.0])
    assert network.predict(theta, one.X, statistics).tolist() == [[71]]
    assert network.loss(theta, one, statistics) == 2


def test_predictions_need_running_statistics():
    network, theta, batch = normalized_network()
    with pytest.raises(ValueError, match=r"predict must have the running statistics .* got none"):
        network.predict(theta, batch.X)


def test_statistics_are_those_of_each_hidden_layer(rng):
    network = Network((3, 4, 5, 2), "tanh", keep_prob=0.8, batch_norm=BatchNormalization(eps=1e-4))
    theta, batch = network.initialize(rng), some_batch(rng, "squared_error", 2, m=9)
    batch = batch._replace(draws=draw_uniform(network.sizes, 9, rng))
    W, A, expected = network.layout.views(theta), batch.X.T, []
    for layer in (1, 2):
        Z = W[f"W{layer}"] @ A
        expected += [Z.mean(axis=1), Z.var(axis=1, ddof=1)]
        Z = (Z - Z.mean(axis=1, keepdims=True)) / np.sqrt(Z.var(axis=1, keepdims=True) + 1e-4)
        A = np.tanh(Z) * keep_mask(batch.draws[layer - 1], 0.8)
    np.testing.assert_allclose(network.batch_statistics(theta, batch), np.concatenate(expected), atol=1e-14)


def test_first_statistics_are_mean_0_and_variance_1():
    network = Network((3, 2, 1, 2), batch_norm=BatchNormalization())
    assert network.initial_statistics().tolist() == [0, 0, 1, 1, 0, 1]
    assert network.initial_statistics(2).tolist() == 2 * [[0, 0, 1, 1, 0, 1]]
    assert network.initial_statistics(1).shape == (1, 6)
    empty = Network((3, 2), batch_norm=BatchNormalization())
    batch = Batch(np.ones((2, 3)), np.ones((2, 2)))
    assert empty.batch_statistics(np.zeros(8), batch).shape == empty.initial_statistics().shape == (0,)


def test_logits_are_what_the_last_layer_gives(rng):
    network = Network((3, 5, 2), loss_name="softmax_cross_entropy")
    theta, batch = network.initialize(rng), some_batch(rng, "softmax_cross_entropy", 2)
    logits = network.logits(theta, batch.X)
    assert logits.tolist() == network.trace(theta, batch).Z[-1].T.tolist()
    weights = np.exp(logits)
    np.testing.assert_allclose(network.predict(theta, batch.X), weights / weights.sum(axis=1, keepdims=True))


def test_activations_after_dropout_have_a_name(rng):
    network = Network((3, 5, 4, 2), keep_prob=0.5)
    theta, batch = network.initialize(rng), some_batch(rng, "squared_error", 2)
    draws = draw_uniform(network.sizes, 7, rng)
    trace = network.trace(theta, batch._replace(draws=draws))
    for A, A_out, U in zip(trace.A, trace.A_out, draws, strict=False):
        np.testing.assert_array_equal(A_out, np.where(U < 0.5, 2 * A, 0))
    assert trace.A_out[-1].tolist() == trace.A[-1].tolist()
    dropped = network.hidden_units(theta, batch.X, draws=draws)
    for units, A_out in zip(dropped, trace.A_out[:-1], strict=True):
        np.testing.assert_array_equal(units, A_out.T)


def test_each_hidden_layer_has_its_own_share(rng):
    """Shares, draws and activations in the order of the layers, by a forward pass of its own."""
    network = Network((3, 6, 5, 4, 2), ("tanh", "relu", "sigmoid"), keep_prob=(0.3, 0.6, 0.9))
    theta = network.initialize(rng) + 0.1
    X, draws = rng.normal(size=(20, 3)), draw_uniform(network.sizes, 20, rng)
    W, A = network.layout.views(theta), X.T
    functions = (np.tanh, lambda Z: np.maximum(Z, 0), lambda Z: 1 / (1 + np.exp(-Z)))
    for layer, (g, draw, p) in enumerate(zip(functions, draws, (0.3, 0.6, 0.9), strict=True), start=1):
        A = g(W[f"W{layer}"] @ A + W[f"b{layer}"]) * (draw < p) / p
    expected = (W["W4"] @ A + W["b4"]).T
    np.testing.assert_allclose(network.predict(theta, X, draws=draws), expected, atol=1e-13)


def test_draws_in_the_batch_turn_dropout_on_in_the_loss(rng):
    network = Network((3, 8, 2), keep_prob=0.5)
    theta, batch = network.initialize(rng), some_batch(rng, "squared_error", 2)
    dropping = batch._replace(draws=draw_uniform(network.sizes, 7, rng))
    assert network.loss(theta, dropping) == network.loss_and_gradient(theta, dropping)[0]
    assert network.loss(theta, batch) == Network((3, 8, 2)).loss(theta, batch)
    assert network.loss(theta, batch) != network.loss(theta, dropping)


def test_hidden_units_by_hand():
    # z_tilde of x = 2.5 is 14, as in the inference above; of x = 0.5: (2 * 0.5 - 1) / 4 = 0, so 10
    network, theta, _ = normalized_network()
    X, statistics = np.array([[2.5], [0.5]]), np.array([1.0, 13.0])
    (found,) = network.hidden_units(theta, X, statistics)
    assert found.tolist() == [[14], [10]]
    for arguments, message in (((X,), "got none"), ((None, statistics), "X must be a float array")):
        with pytest.raises(ValueError, match=message):
            network.hidden_units(theta, *arguments)


def test_hidden_units_are_the_activations_without_dropout(rng):
    network = Network((3, 5, 4, 2), ("tanh", "relu"), keep_prob=0.5)
    theta, batch = network.initialize(rng, 2), some_batch(rng, "squared_error", 2)
    expected = Network((3, 5, 4, 2), ("tanh", "relu")).trace(theta, batch).A[:-1]
    found = network.hidden_units(theta, batch.X)
    network.predict(-theta, batch.X)  # what came before stays
    assert [each.shape for each in found] == [(2, 7, 5), (2, 7, 4)]
    for units, A in zip(found, expected, strict=True):
        np.testing.assert_array_equal(units, A.swapaxes(-1, -2))


# Peers and populations --------------------------------------------------------------------------------


@pytest.mark.parametrize("own_data", [False, True])
def test_a_population_is_its_networks_one_by_one(own_data, rng):
    network = Network((3, 4, 2), "tanh", "softmax_cross_entropy")
    theta = network.initialize(rng, population=5)
    batch = some_batch(rng, "softmax_cross_entropy", 2, lead=(5,) if own_data else ())
    loss, gradient = network.loss_and_gradient(theta, batch)
    predictions, trace = network.predict(theta, batch.X), network.trace(theta, batch)
    for k in range(5):
        own = Batch(batch.X[k], batch.Y[k]) if own_data else batch
        one_loss, one_gradient = network.loss_and_gradient(theta[k], own)
        assert loss[k] == pytest.approx(one_loss)
        np.testing.assert_allclose(gradient[k], one_gradient, atol=1e-14)
        np.testing.assert_allclose(predictions[k], network.predict(theta[k], own.X), atol=1e-14)
        np.testing.assert_allclose(trace.dZ[0][k], network.trace(theta[k], own).dZ[0], atol=1e-14)


@pytest.mark.parametrize("shared", [False, True])
def test_a_population_shares_statistics_or_has_its_own(shared, rng):
    network = Network((3, 4, 2), batch_norm=BatchNormalization())
    theta, X = network.initialize(rng, 3), rng.normal(size=(5, 3))
    statistics = 1 + rng.random(8 if shared else (3, 8))
    together = network.predict(theta, X, statistics)
    for k in range(3):
        own = statistics if shared else statistics[k]
        np.testing.assert_allclose(together[k], network.predict(theta[k], X, own), atol=1e-14)


@pytest.mark.parametrize("activation", ["linear", "tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_predictions_agree_with_scikit_learn(activation, kind, rng):
    X = rng.normal(size=(40, 3))
    names = {"linear": "identity", "sigmoid": "logistic"}
    settings = {"activation": names.get(activation, activation), "max_iter": 3, "random_state": 0}
    if kind == "classifier":
        peer, y = MLPClassifier((5, 4), **settings), rng.integers(0, 3, 40)
        loss = "softmax_cross_entropy"
    else:
        peer, y = MLPRegressor(hidden_layer_sizes=(5, 4), **settings), rng.normal(size=(40, 3))
        loss = "squared_error"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.fit(X, y)
    network = Network((3, 5, 4, 3), activation, loss)
    theta = np.zeros(network.layout.size)
    for layer, (W, b) in enumerate(zip(peer.coefs_, peer.intercepts_, strict=True), start=1):
        network.layout.views(theta)[f"W{layer}"][...] = W.T
        network.layout.views(theta)[f"b{layer}"][...] = b[:, None]
    expected = peer.predict_proba(X) if kind == "classifier" else peer.predict(X)
    np.testing.assert_allclose(network.predict(theta, X), expected, atol=1e-12)


# A network as a value, and its memory -----------------------------------------------------------------


def test_a_single_value_serves_all_hidden_layers():
    network = Network((3, 4, 5, 1), "relu", keep_prob=0.5)
    assert network.activations == ("relu", "relu") and network.keep_probs == (0.5, 0.5)
    network = Network((3, 4, 5, 1), ("relu", "gelu"), keep_prob=(0.5, 1.0))
    assert network.activations == ("relu", "gelu") and network.keep_probs == (0.5, 1.0)
    assert Network((3, 1)).activations == Network((3, 1)).keep_probs == ()
    assert Network((3, 1), activation=(), keep_prob=()).activations == ()
    plain = Network((3, 1))
    assert (plain.activation, plain.loss_name, plain.keep_prob, plain.batch_norm) == (
        "tanh",
        "squared_error",
        1.0,
        None,
    )


@pytest.mark.parametrize(
    ("keep_prob", "drops"),
    [
        (1.0, False),
        (0.999, True),
        ((1.0, 1.0), False),
        ((1.0, 0.5), True),
        (np.ones((2, 1, 1)), False),
        (np.array([1.0, 0.5])[:, None, None], True),
    ],
)
def test_a_network_drops_where_a_share_is_below_1(keep_prob, drops):
    assert Network((3, 4, 5, 1), keep_prob=keep_prob).drops is drops


def test_a_network_without_hidden_layers_drops_nothing(rng):
    network = Network((3, 2), keep_prob=0.5)
    assert not network.drops
    network.gradient(network.initialize(rng), some_batch(rng, "squared_error", 2))


def test_the_activations_choose_the_first_weights():
    network = Network((400, 100, 100, 100), ("relu", "tanh"), batch_norm=BatchNormalization())
    views = network.layout.views(network.initialize(np.random.default_rng(0), population=2))
    deviations = [views[f"W{layer}"].std() for layer in (1, 2, 3)]
    np.testing.assert_allclose(deviations, [(2 / 400) ** 0.5, 0.1, 0.1], rtol=0.02)
    assert (views["gamma1"] == 1).all() and (views["beta1"] == 0).all()
    assert (network.initialize(np.random.default_rng(0), initializer="zeros")[:40_000] == 0).all()


def test_without_the_loss_it_is_nan(rng):
    network = Network((3, 4, 2))
    theta, batch = network.initialize(rng), some_batch(rng, "squared_error", 2)
    loss, gradient = network.loss_and_gradient(theta, batch, with_loss=False)
    assert np.isnan(loss)
    np.testing.assert_array_equal(gradient, network.loss_and_gradient(theta, batch)[1])


@pytest.mark.parametrize("batch_norm", [None, BatchNormalization()])
def test_nothing_that_is_returned_changes_in_the_next_call(batch_norm, rng):
    network = Network((3, 4, 2), "relu", "softmax_cross_entropy", 0.5, batch_norm)
    theta, batch = network.initialize(rng), some_batch(rng, "softmax_cross_entropy", 2)
    batch = batch._replace(draws=draw_uniform(network.sizes, 7, rng))
    statistics = network.initial_statistics()

    def everything(theta):
        trace = network.trace(theta, batch)
        found = [network.gradient(theta, batch), network.predict(theta, batch.X, statistics)]
        found += [*trace.Z, *trace.A, *trace.dZ, trace.gradient]
        return found if batch_norm is None else [*found, network.batch_statistics(theta, batch)]

    given = [theta, batch.X, batch.Y, *batch.draws, statistics]
    arrays = [*given, *everything(theta)]
    copies = [array.copy() for array in arrays]
    everything(-2 * theta)
    for before, after in zip(copies, arrays, strict=True):
        np.testing.assert_array_equal(before, after)


def test_threads_do_not_share_scratch_memory(rng):
    network = Network((3, 50, 2), "tanh", "softmax_cross_entropy")
    thetas = [network.initialize(rng) for _ in range(8)]
    batch = some_batch(rng, "softmax_cross_entropy", 2, m=200)
    expected = [network.gradient(theta, batch) for theta in thetas]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            found = list(pool.map(lambda theta: network.gradient(theta, batch), thetas))
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("batch_norm", [None, BatchNormalization()])
@pytest.mark.parametrize("keep_prob", [1.0, np.full((2, 1, 1), 0.5)], ids=["all", "half"])
def test_dtype_follows_theta(batch_norm, keep_prob, rng):
    """With draws, shares and statistics in float64, as their functions make them."""
    network = Network((3, 4, 2), keep_prob=keep_prob, batch_norm=batch_norm)
    theta = network.initialize(rng, population=2).astype(np.float32)
    X, Y = np.ones((2, 3), np.float32), np.ones((2, 2), np.float32)
    batch = Batch(X, Y, draws=draw_uniform(network.sizes, 2, rng))
    trace = network.trace(theta, batch)
    arrays = [*trace.Z, *trace.A, *trace.dZ, trace.gradient, *network.loss_and_gradient(theta, batch)]
    arrays += [network.predict(theta, X, network.initial_statistics(), draws=batch.draws)]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_a_network_is_a_value(rng):
    network = Network((3, 4, 2), ("relu",), keep_prob=(0.5,), batch_norm=BatchNormalization())
    batch = some_batch(rng, "squared_error", 2)._replace(draws=draw_uniform(network.sizes, 7, rng))
    network.gradient(network.initialize(rng), batch)
    assert pickle.loads(pickle.dumps(network)) == network


@pytest.mark.parametrize("batch_norm", [None, BatchNormalization()])
@pytest.mark.parametrize("size", [1e300, np.inf, np.nan])
def test_no_warning_where_nothing_is_finite(size, batch_norm, rng):
    network = Network((3, 4, 2), "relu", "softmax_cross_entropy", batch_norm=batch_norm)
    theta, batch = np.full(network.layout.size, size), some_batch(rng, "softmax_cross_entropy", 2)
    theta[::2] *= -1
    found = [network.loss(theta, batch), *network.loss_and_gradient(theta, batch)]
    found += [network.trace(theta, batch).gradient, network.predict(theta, batch.X, np.ones(8))]
    if batch_norm is not None:
        network.update_statistics(network.initial_statistics(), theta, batch)
    assert not all(np.isfinite(array).all() for array in found)


# Errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((3,),), "sizes must be a tuple that names"),
        (((3, 0, 1),), r"got \(3, 0, 1\)"),
        (((3, 4, 1), "swish"), "activation must be one of 'linear', 'sigmoid'"),
        (((3, 4, 1), ("tanh", "relu")), "activation must have one entry for each of the 1 hidden layers"),
        (((3, 4, 5, 1), ("tanh", "swish")), "activation must be one of .* got 'swish'"),
        (((3, 4, 1), "tanh", "hinge"), "loss_name must be one of .* got 'hinge'"),
        (((3, 4, 1), "tanh", "squared_error", 0.0), r"keep_prob must be a number in \(0, 1\]; got 0\.0"),
        (((3, 4, 5, 1), "tanh", "squared_error", (0.5, 2.0)), "keep_prob must be a number"),
        (((3, 4, 1), "tanh", "squared_error", (0.5, 0.5)), "keep_prob must have one entry .* 1 hidden"),
        (((3, 4, 1), "tanh", "squared_error", 1.0, True), "batch_norm must be a BatchNormalization or None"),
    ],
)
def test_bad_settings_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Network(*arguments)


NETWORK = Network((3, 4, 2))
THETA = np.ones(NETWORK.layout.size)
BATCH = Batch(np.ones((5, 3)), np.ones((5, 2)))
NORMALIZED = Network((3, 4, 2), batch_norm=BatchNormalization())
DRAWS = (np.ones((4, 5)),)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NETWORK.predict(THETA[1:], BATCH.X), "theta must have 26 entries"),
        (lambda: NETWORK.predict(None, BATCH.X), "theta must be a float array .* got None"),
        (lambda: NETWORK.predict(THETA, BATCH.X[0]), r"X must be a float array of shape \(\.\.\., m, n_feat"),
        (
            lambda: NETWORK.predict(THETA, np.full((5, 3), np.nan)),
            r"X must hold finite .* got nan at \[0, 0\]",
        ),
        (lambda: NETWORK.predict(THETA, BATCH.X.T), r"X must have 3 columns.* got shape \(3, 5\)\. .*X\.T"),
        (
            lambda: NETWORK.predict(THETA, np.ones((0, 3))),
            r"X must have .* 1 or more rows; got shape \(0, 3\)",
        ),
        (lambda: NETWORK.predict(THETA, BATCH.X, draws=5), r"draws must be a tuple .* got int\."),
        (
            lambda: NETWORK.predict(THETA, BATCH.X, draws=(np.ones((5, 5)),)),
            r"draws .* m = 5; got \[\(5, 5\)",
        ),
        (lambda: NETWORK.predict(THETA, BATCH.X, draws=(np.ones((4, 1)),)), r"draws must be a tuple"),
        (lambda: NETWORK.predict(THETA, BATCH.X, draws=()), r"draws must be a tuple .* got \[\]"),
        (lambda: NETWORK.loss(THETA, BATCH.X), "batch must be a Batch; got ndarray"),
        (lambda: NETWORK.gradient(THETA, None), "batch must be a Batch; got NoneType"),
        (lambda: NETWORK.trace(THETA, None), "batch must be a Batch"),
        (lambda: NORMALIZED.batch_statistics(THETA, None), "batch must be a Batch"),
        (lambda: NETWORK.loss(THETA, BATCH._replace(X=None)), "X must be a number array"),
        (
            lambda: NETWORK.loss(THETA, BATCH._replace(Y=[1.0])),
            r"Y must be a number array .* \(\.\.\., m, n_out\)",
        ),
        (lambda: NETWORK.loss(THETA, BATCH._replace(Y=np.ones((5, 3)))), "Y must have shape"),
        (
            lambda: NETWORK.loss(np.ones((2, 26)), BATCH._replace(X=np.ones((3, 5, 3)))),
            "theta, X and draws must",
        ),
        (
            lambda: NETWORK.loss(np.ones((2, 26)), BATCH._replace(draws=(np.ones((3, 4, 5)),))),
            r"theta, X and draws must be for the same networks; .* X of shape \(5, 3\) .* \[\(3, 4, 5\)\]",
        ),
        (
            lambda: NETWORK.gradient(THETA, BATCH._replace(X=np.ones((3, 5, 3)))),
            r"theta must have shape \(K, P\)",
        ),
        (lambda: NETWORK.gradient(THETA, BATCH._replace(Y=np.ones((3, 5, 2)))), "Y must have shape"),
        (
            lambda: Network((3, 4, 2), keep_prob=np.full((3, 1, 1), 0.5)).gradient(
                THETA, BATCH._replace(draws=DRAWS)
            ),
            r"theta must have shape \(K, P\) .* got shape \(26,\) for 3 networks",
        ),
        (lambda: NETWORK.batch_statistics(THETA, BATCH), "batch_statistics needs a network with batch norm"),
        (lambda: NETWORK.update_statistics(np.ones(8), THETA, BATCH), "batch_statistics needs a network"),
        (
            lambda: NORMALIZED.update_statistics(np.ones(7), np.ones(30), BATCH),
            r"statistics must have 8 entries .* got shape \(7,\)",
        ),
        (lambda: NORMALIZED.predict(np.ones(30), BATCH.X, np.ones(7)), "statistics must have 8 entries"),
        (
            lambda: NORMALIZED.predict(np.ones(30), BATCH.X, np.ones((3, 8))),
            r"belong to theta; got shape \(3, 8\)",
        ),
        (lambda: NORMALIZED.predict(np.ones(30), BATCH.X, 5), "statistics must be a float array .* got 5"),
        (
            lambda: NORMALIZED.predict(np.ones(30), BATCH.X, np.ones((30, 8))),
            "statistics must have 8 entries",
        ),
        (lambda: NORMALIZED.initial_statistics(0), r"population must be an integer in \[1, inf\); got 0"),
        (lambda: NETWORK.initialize(None), "rng must be a numpy.random.Generator"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_population_of_draws_data_and_theta_must_agree_only_where_they_differ(rng):
    """A single network's theta, X or draws serve all; K of each do too."""
    network = Network((3, 4, 2), keep_prob=0.5)
    thetas, X = network.initialize(rng, 2), rng.normal(size=(2, 5, 3))
    draws = draw_uniform(network.sizes, 5, rng, 2)
    expected = [network.predict(thetas[k], X[k], draws=(draws[0][k],)) for k in range(2)]
    np.testing.assert_allclose(network.predict(thetas, X, draws=draws), expected, atol=1e-14)
    shared = network.predict(thetas, X[0], draws=(draws[0][0],))
    np.testing.assert_allclose(shared[0], expected[0], atol=1e-14)


def test_layer_statistics_by_hand():
    # the numbers 0 to 100: mean 50, standard deviation sqrt((101^2 - 1) / 12), 5% and 95% at 5 and 95
    numbers = np.arange(101.0)
    spread = layer_statistics((numbers[None], 2 * numbers[:, None]))
    np.testing.assert_allclose(spread.mean, [50, 100])
    np.testing.assert_allclose(spread.std, np.sqrt(850) * np.array([1, 2]))
    np.testing.assert_allclose(spread.low, [5, 10])
    np.testing.assert_allclose(spread.high, [95, 190])


def test_layer_statistics_of_a_trace_and_of_a_population(rng):
    network = Network((3, 5, 4, 2), "tanh")
    theta, batch = network.initialize(rng, population=2), some_batch(rng, "squared_error", 2)
    trace = network.trace(theta, batch)
    spread = layer_statistics(trace.dZ)
    assert spread.mean.shape == (2, 3)
    for k in range(2):
        alone = layer_statistics(network.trace(theta[k], batch).dZ)
        np.testing.assert_allclose(spread.std[k], alone.std, rtol=1e-12)


@pytest.mark.parametrize("wrong", [None, (), [np.ones((2, 2))], (np.ones(3),), (np.ones((0, 2)),)])
def test_layers_that_are_none_are_named(wrong):
    with pytest.raises(ValueError, match="layers must"):
        layer_statistics(wrong)

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from dlhelpers.activations import ACTIVATIONS
from dlhelpers.losses import LOSSES
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.regularization import L2Regularized
from dlhelpers.scratch import scratch


def some_batch(rng, loss, n_out, m=7, lead=()):
    X = rng.normal(size=(*lead, m, 3))
    if loss == "softmax_cross_entropy":
        return Batch(X, np.eye(n_out)[rng.integers(0, n_out, (*lead, m))])
    if loss == "sigmoid_cross_entropy":
        return Batch(X, rng.integers(0, 2, (*lead, m, n_out)).astype(float))
    return Batch(X, rng.normal(size=(*lead, m, n_out)))


def numerical_gradient(objective, theta, batch, eps=1e-5):
    columns = []
    for step in eps * np.eye(theta.shape[-1]):
        columns.append(
            (objective.loss(theta + step, batch) - objective.loss(theta - step, batch)) / (2 * eps)
        )
    return np.stack(columns, axis=-1)


def relative_error(a, b):
    return np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("population", [None, 3])
@pytest.mark.parametrize("strength", [0.0, 0.7])
def test_gradient_check(activation, loss, population, strength, rng):
    network = Network((3, 5, 4, 2), activation, loss)
    theta = network.initialize(rng, population)
    theta += 0.3 * rng.normal(size=theta.shape)  # biases away from zero
    batch = some_batch(rng, loss, 2)
    objective = L2Regularized(network, strength, m=7) if strength else network
    assert (
        relative_error(objective.gradient(theta, batch), numerical_gradient(objective, theta, batch)) < 1e-8
    )


@pytest.mark.parametrize("own_data", [False, True])
def test_a_population_is_its_networks_one_by_one(own_data, rng):
    network = Network((3, 4, 2), "tanh", "softmax_cross_entropy")
    theta = network.initialize(rng, population=5)
    batch = some_batch(rng, "softmax_cross_entropy", 2, lead=(5,) if own_data else ())
    loss, gradient = network.loss_and_gradient(theta, batch)
    predictions = network.predict(theta, batch.X)
    for k in range(5):
        own = Batch(batch.X[k], batch.Y[k]) if own_data else batch
        one_loss, one_gradient = network.loss_and_gradient(theta[k], own)
        assert loss[k] == pytest.approx(one_loss)
        np.testing.assert_allclose(gradient[k], one_gradient, atol=1e-14)
        np.testing.assert_allclose(predictions[k], network.predict(theta[k], own.X), atol=1e-14)


@pytest.mark.parametrize("activation", ["identity", "tanh", "relu"])
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_predictions_agree_with_scikit_learn(activation, kind, rng):
    X = rng.normal(size=(40, 3))
    if kind == "classifier":
        labels, loss = rng.integers(0, 3, 40), "softmax_cross_entropy"
        peer, y = (
            MLPClassifier(hidden_layer_sizes=(5, 4), activation=activation, max_iter=3, random_state=0),
            labels,
        )
    else:
        peer, y = (
            MLPRegressor(hidden_layer_sizes=(5, 4), activation=activation, max_iter=3, random_state=0),
            rng.normal(size=(40, 3)),
        )
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


def test_one_neuron_by_hand():
    # z = 2 * 3 + 1 = 7, J = (7 - 5)^2 / 2 = 2, dz = 2, dW = 2 * 3 = 6, db = 2
    network = Network((1, 1))
    loss, gradient = network.loss_and_gradient(
        np.array([2.0, 1.0]), Batch(np.array([[3.0]]), np.array([[5.0]]))
    )
    assert loss == 2 and gradient.tolist() == [6, 2]


def test_nothing_that_is_returned_changes_in_the_next_call(rng):
    network = Network((3, 4, 2), "relu", "softmax_cross_entropy")
    theta, batch = network.initialize(rng), some_batch(rng, "softmax_cross_entropy", 2)
    gradient, predictions = network.gradient(theta, batch), network.predict(theta, batch.X)
    copies = gradient.copy(), predictions.copy(), theta.copy(), batch.X.copy()
    network.gradient(2 * theta, batch)
    network.predict(-theta, batch.X)
    for before, after in zip(copies, (gradient, predictions, theta, batch.X), strict=True):
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


def test_scratch_memory_is_used_again_and_bounded():
    A, B = np.ones((2, 3)), np.ones((3, 4))
    assert scratch("x", A, B) is scratch("x", A, B)
    assert scratch("x", A, B) is not scratch("y", A, B)
    assert scratch("x", A, B) is not scratch("x", A.astype(np.float32), B.astype(np.float32))
    first = scratch("x", A, B)
    for n in range(100):
        scratch(f"many {n}", A, B)
    assert scratch("x", A, B) is not first


def test_dtype_follows_theta(rng):
    network = Network((3, 4, 2))
    theta = network.initialize(rng).astype(np.float32)
    batch = Batch(np.ones((2, 3), np.float32), np.ones((2, 2), np.float32))
    assert network.gradient(theta, batch).dtype == np.float32
    assert network.predict(theta, batch.X).dtype == np.float32


def test_a_network_is_a_value(rng):
    network = Network((3, 4, 2))
    network.gradient(network.initialize(rng), some_batch(rng, "squared_error", 2))
    assert pickle.loads(pickle.dumps(network)) == network


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((3,),), "sizes must name the inputs"),
        (((3, 0, 1),), r"got \(3, 0, 1\)"),
        (((3, 1), "swish"), "'swish' is unknown; choose one of identity, sigmoid, tanh, relu"),
        (((3, 1), "tanh", "hinge"), "'hinge' is unknown"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Network(*arguments)

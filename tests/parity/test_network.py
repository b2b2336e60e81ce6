"""Forward pass, loss and gradient, for every activation, loss, depth and regularizer."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dlhelpers.activations import ACTIVATIONS
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import draw_uniform
from dlhelpers.losses import LOSSES, smooth_labels
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.regularization import Regularized
from tests.parity import peer

HIDDEN = {0: (), 1: (5,), 2: (5, 6), 3: (5, 6, 4)}
M = 9


def some_theta(network, rng, population=None):
    theta = network.initialize(rng, population)
    return theta + 0.3 * rng.normal(size=theta.shape)  # biases away from 0, gamma away from 1


def some_batch(network, rng, m=M, population=None):
    n_in, n_out = network.sizes[0], network.sizes[-1]
    Y = {
        "squared_error": rng.normal(size=(m, n_out)),
        "sigmoid_cross_entropy": rng.integers(0, 2, (m, n_out)).astype(float),
        "softmax_cross_entropy": np.eye(n_out)[rng.integers(0, n_out, m)],
    }[network.loss_name]
    draws = draw_uniform(network.sizes, m, rng, population) if network.drops else None
    return Batch(2 * rng.normal(size=(m, n_in)), Y, draws=draws)


def check(agree, network, theta, batch, **penalties):
    """Compare prediction, loss and gradient of one network."""
    objective = Regularized(network, M, **penalties) if penalties else network
    tensors = peer.parameters(network, theta)
    loss = peer.loss(network, tensors, batch, **{name: value / M for name, value in penalties.items()})
    loss.backward()
    agree(objective.loss(theta, batch), loss, "loss")
    gradient = peer.by_name(network.layout, objective.gradient(theta, batch))
    # Between linear layers the next layer's mean takes beta away: its gradient is 0, up to rounding.
    beta_is_lost = network.batch_norm is not None and "linear" in network.activations
    agree(gradient, peer.gradients(tensors), "gradient of", zero=1e-15 if beta_is_lost else 0.0)
    if network.batch_norm is None:
        logits = peer.forward(network, tensors, batch)[0][-1]
        prediction = network.predict(theta, batch.X, draws=batch.draws)
        agree(prediction, peer.PREDICTIONS[network.loss_name](logits), "prediction")


@pytest.mark.parametrize("depth", HIDDEN)
@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_plain_networks(activation, loss_name, depth, rng, agree):
    network = Network((3, *HIDDEN[depth], 4), activation, loss_name)
    check(agree, network, some_theta(network, rng), some_batch(network, rng))


def test_an_activation_for_each_layer(rng, agree):
    for activations in zip(ACTIVATIONS, list(ACTIVATIONS)[1:], list(ACTIVATIONS)[2:], strict=False):
        network = Network((3, *HIDDEN[3], 4), activations, "softmax_cross_entropy")
        check(agree, network, some_theta(network, rng), some_batch(network, rng))


@pytest.mark.parametrize("eps", [1e-5, 0.1])
@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_batch_normalization(activation, loss_name, eps, rng, agree):
    network = Network((3, 5, 6, 4), activation, loss_name, batch_norm=BatchNormalization(eps))
    check(agree, network, some_theta(network, rng), some_batch(network, rng))


@pytest.mark.parametrize("batch_norm", [None, BatchNormalization()])
@pytest.mark.parametrize("keep_prob", [0.6, (0.8, 0.5)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dropout_with_the_same_masks(activation, keep_prob, batch_norm, rng, agree):
    network = Network((3, 5, 6, 4), activation, "softmax_cross_entropy", keep_prob, batch_norm)
    check(agree, network, some_theta(network, rng), some_batch(network, rng))


@pytest.mark.parametrize("penalties", [{"l1": 0.7}, {"l2": 0.9}, {"l1": 0.4, "l2": 1.3}])
@pytest.mark.parametrize("batch_norm", [None, BatchNormalization()])
@pytest.mark.parametrize("keep_prob", [1.0, 0.6])
@pytest.mark.parametrize("loss_name", LOSSES)
def test_penalties(loss_name, keep_prob, batch_norm, penalties, rng, agree):
    network = Network((3, 5, 6, 4), "tanh", loss_name, keep_prob, batch_norm)
    theta = some_theta(network, rng)
    theta[network.layout.slices["W2"].start] = 0  # both take 0 as the slope of |w| at 0
    check(agree, network, theta, some_batch(network, rng), **penalties)


@pytest.mark.parametrize("strength", [0.05, 0.3, 1.0])
def test_label_smoothing(strength, rng, agree):
    network = Network((3, 5, 4), "tanh", "softmax_cross_entropy")
    theta, batch = some_theta(network, rng), some_batch(network, rng)
    ours = network.loss_and_gradient(theta, batch._replace(Y=smooth_labels(batch.Y, strength)))
    tensors = peer.parameters(network, theta)
    logits = peer.forward(network, tensors, batch)[0][-1]
    loss = F.cross_entropy(logits, torch.tensor(batch.Y.argmax(axis=1)), label_smoothing=strength)
    loss.backward()
    agree(ours[0], loss, "loss")
    agree(peer.by_name(network.layout, ours[1]), peer.gradients(tensors), "gradient of")


@pytest.mark.parametrize("batch_norm", [None, BatchNormalization()])
def test_the_trace_of_every_layer(batch_norm, rng, agree):
    network = Network((3, 5, 6, 4), ("gelu", "sigmoid"), "softmax_cross_entropy", 0.7, batch_norm)
    theta, batch = some_theta(network, rng), some_batch(network, rng)
    trace = network.trace(theta, batch)
    tensors = peer.parameters(network, theta)
    each_Z, each_A = peer.forward(network, tensors, batch)
    for Z in each_Z:
        Z.retain_grad()
    peer.LOSSES[network.loss_name](each_Z[-1], torch.tensor(batch.Y)).backward()
    for layer, (Z, A) in enumerate(zip(each_Z, each_A, strict=True)):
        agree(trace.Z[layer].T, Z, f"Z{layer + 1}")
        agree(trace.A[layer].T, A, f"A{layer + 1}")
        agree(trace.dZ[layer].T, Z.grad, f"dZ{layer + 1}")
    agree(peer.by_name(network.layout, trace.gradient), peer.gradients(tensors), "gradient of")


@pytest.mark.parametrize("batch_norm", [None, BatchNormalization()])
def test_every_network_of_a_population(batch_norm, rng, agree):
    population = 3
    shares = np.array([0.5, 0.7, 1.0])
    network = Network((3, 5, 6, 4), "gelu", "softmax_cross_entropy", shares[:, None, None], batch_norm)
    theta, batch = some_theta(network, rng, population), some_batch(network, rng, population=population)
    l2 = np.array([[0.3], [0.0], [2.0]])
    objective = Regularized(network, M, l2=l2)
    losses, gradient = objective.loss(theta, batch), objective.gradient(theta, batch)
    for k in range(population):
        alone = Network(network.sizes, network.activation, network.loss_name, shares[k], batch_norm)
        tensors = peer.parameters(alone, theta[k])
        own = batch._replace(draws=tuple(draw[k] for draw in batch.draws))
        loss = peer.loss(alone, tensors, own, l2=l2[k, 0] / M)
        loss.backward()
        agree(losses[k], loss, "loss")
        agree(peer.by_name(alone.layout, gradient[k]), peer.gradients(tensors), "gradient of")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("size", [1e-8, 1e-3, 1.0, 10.0, 1000.0])
def test_activations_from_tiny_to_huge(activation, size, agree):
    # With 0 among them: where a slope jumps, both take the one on its left.
    Z = size * np.linspace(-1, 1, 41)
    ours = ACTIVATIONS[activation]
    A = ours.function(Z)
    tensor = torch.tensor(Z, requires_grad=True)
    theirs = peer.ACTIVATIONS[activation](tensor)
    theirs.sum().backward()
    agree(A, theirs, "function")
    agree(ours.derivative(Z, A), tensor.grad, "derivative")


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("size", [1e-3, 1.0, 1000.0])
def test_losses_of_small_and_huge_logits(loss_name, size, rng, agree):
    network = Network((1, 4), loss_name=loss_name)
    Y = some_batch(network, rng).Y
    Z = size * rng.normal(size=(M, 4))
    tensor = torch.tensor(Z, requires_grad=True)
    theirs = peer.LOSSES[loss_name](tensor, torch.tensor(Y))
    theirs.backward()
    agree(LOSSES[loss_name].cost(Z.T, Y.T), theirs, "cost")
    agree(LOSSES[loss_name].gradient(Z.T, Y.T).T, tensor.grad, "gradient")
    agree(LOSSES[loss_name].prediction(Z.T).T, peer.PREDICTIONS[loss_name](tensor), "prediction")

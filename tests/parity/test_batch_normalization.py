"""Running averages and predictions with them, against `torch.nn.BatchNorm1d` in a `torch.nn.Sequential`."""

from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

from dlhelpers.batch_normalization import BatchNormalization, backward, forward
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend
from tests.parity import peer

N_STEPS, M = 20, 30


def sequential(network, theta):
    """Return the network as a PyTorch user would write it; PyTorch's momentum is 1 minus ours."""
    settings = network.batch_norm
    modules, last = [], len(network.sizes) - 1
    for layer, (n_in, n_out) in enumerate(zip(network.sizes[:-1], network.sizes[1:], strict=True), start=1):
        modules.append(nn.Linear(n_in, n_out, bias=layer == last, dtype=torch.float64))
        if layer < last:
            share = 1 - settings.momentum
            modules += [nn.BatchNorm1d(n_out, settings.eps, share, dtype=torch.float64), nn.Tanh()]
    model = nn.Sequential(*modules)
    tensors = peer.parameters(network, theta)
    with torch.no_grad():
        for mine, given in zip(model.parameters(), tensors.values(), strict=True):
            mine.copy_(given)
    return model


def running(model):
    norms = [module for module in model if isinstance(module, nn.BatchNorm1d)]
    return {
        f"{name}{layer}": values.clone()
        for layer, norm in enumerate(norms, start=1)
        for name, values in (("mean", norm.running_mean), ("variance", norm.running_var))
    }


@pytest.mark.parametrize(("eps", "momentum"), [(1e-5, 0.9), (0.02, 0.6)])
def test_running_averages_and_predictions_over_20_steps(eps, momentum, rng, agree):
    network = Network((3, 6, 5, 2), "tanh", batch_norm=BatchNormalization(eps, momentum))
    X = 2 + 3 * rng.normal(size=(M, 3))
    Y = rng.normal(size=(M, 2))
    theta = network.initialize(rng)
    theta += 0.3 * rng.normal(size=theta.shape)
    batches = list(islice(minibatches(X, Y, 8, rng), N_STEPS + 1))  # of 8, 8, 8 and 6 examples
    assert {len(batch.X) for batch in batches} == {6, 8}

    model = sequential(network, theta)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    run = descend(
        network, theta, iter(batches), GradientDescent(), 0.1, statistics=network.initial_statistics()
    )
    for step in run:
        agree(peer.by_name(network.statistics_layout, step.statistics), running(model), f"step {step.step}")
        model.eval()
        theirs = model(torch.tensor(X))
        agree(network.predict(step.theta, X, step.statistics), theirs, f"prediction at step {step.step}")
        whole = network.loss(step.theta, Batch(X, Y), step.statistics)
        agree(whole, peer.LOSSES["squared_error"](theirs, torch.tensor(Y)), f"loss at step {step.step}")
        model.train()
        optimizer.zero_grad()
        loss = peer.LOSSES["squared_error"](model(torch.tensor(step.batch.X)), torch.tensor(step.batch.Y))
        loss.backward()
        agree(step.loss, loss, f"loss on the batch at step {step.step}")
        optimizer.step()
    assert step.step == N_STEPS
    assert np.abs(step.theta - theta).max() > 0.01


def test_statistics_of_the_whole_training_set(rng, agree):
    # momentum=None in PyTorch is the plain mean over batches: of one batch, that batch's statistics.
    network = Network((3, 6, 5, 2), "tanh", batch_norm=BatchNormalization())
    theta, batch = network.initialize(rng), Batch(rng.normal(size=(M, 3)), rng.normal(size=(M, 2)))
    model = sequential(network, theta)
    for module in model:
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = None
    model(torch.tensor(batch.X))
    agree(peer.by_name(network.statistics_layout, network.batch_statistics(theta, batch)), running(model))


@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_the_layer_alone(eps, rng, agree):
    Z, dZ_tilde = 5 + 2 * rng.normal(size=(4, 7)), rng.normal(size=(4, 7))
    gamma, beta = rng.normal(size=(2, 4, 1))
    ours = forward(Z, gamma, beta, eps)
    gradients = backward(dZ_tilde, ours, gamma, eps)
    norm = nn.BatchNorm1d(4, eps, dtype=torch.float64)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor(gamma[:, 0]))
        norm.bias.copy_(torch.tensor(beta[:, 0]))
    rows = torch.tensor(Z.T, requires_grad=True)
    Z_tilde = norm(rows)
    Z_tilde.backward(torch.tensor(dZ_tilde.T))
    agree(ours.Z_tilde.T, Z_tilde, "Z_tilde")
    agree(gradients.dZ.T, rows.grad, "dZ")
    agree(gradients.dgamma[:, 0], norm.weight.grad, "dgamma")
    agree(gradients.dbeta[:, 0], norm.bias.grad, "dbeta")

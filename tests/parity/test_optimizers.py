"""50 steps on mini-batches with every optimizer that both have; theta is compared before each step.

What differs between the two by convention, and how it is compared here:

- PyTorch's momentum adds g as it is; ours is that with `averaged=False`.  `averaged=True` is PyTorch's
  with dampening = beta, except that PyTorch's buffer is the undamped g after its first step; here its
  buffer starts at 0, as ours does.  Without touching the buffer, the same steps come from PyTorch's plain
  form at (1 - beta) times the learning rate; that is compared as well.
- PyTorch's `SGD(weight_decay=...)` and `Adam(weight_decay=...)` are L2: delta = lambda / m.  Its AdamW is
  `Adam` with `descend(weight_decay=...)`.  In both, only the weights are in the group that decays.
- PyTorch has no decoupled decay for SGD: here AdamW's line is applied before the step.
- PyTorch clips with limit / (norm + 1e-6), ours with limit / norm: here PyTorch gets the limit times
  (norm + 1e-6) / norm, which undoes its 1e-6 and nothing else.
- Adam without bias correction and eps inside the root have no counterpart in PyTorch.
"""

from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import with_draws
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import (
    OPTIMIZERS,
    AdaGrad,
    Adam,
    Clipped,
    GradientDescent,
    Momentum,
    Nesterov,
    RMSprop,
    clip_by_norm,
    clip_by_value,
)
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend
from tests.parity import peer

N_STEPS, M, BATCH_SIZE = 50, 60, 16

PLAIN = Network((4, 8, 6, 3), "tanh", "softmax_cross_entropy")
NETWORKS = {
    "plain": PLAIN,
    "everything": Network(
        (4, 8, 6, 3), ("gelu", "softplus"), "softmax_cross_entropy", (0.8, 0.6), BatchNormalization(0.01)
    ),
}


class Case(NamedTuple):
    """An optimizer and its peer, which gets the parameters and the learning rate."""

    ours: Any
    theirs: Callable[[peer.Parameters, float], torch.optim.Optimizer]
    rate: float


def sgd(tensors, rate, **settings):
    return torch.optim.SGD(tensors.values(), rate, **settings)


def damped(tensors, rate, beta):
    """Return SGD with a dampening of beta whose buffers start at 0."""
    optimizer = sgd(tensors, rate, momentum=beta, dampening=beta)
    for tensor in tensors.values():
        optimizer.state[tensor]["momentum_buffer"] = torch.zeros_like(tensor)
    return optimizer


CASES = {
    "sgd": Case(GradientDescent(), sgd, 0.2),
    "momentum": Case(Momentum(0.8, averaged=False), partial(sgd, momentum=0.8), 0.05),
    "averaged momentum, dampened": Case(Momentum(0.8), partial(damped, beta=0.8), 0.3),
    "averaged momentum, smaller rate": Case(
        Momentum(0.8), lambda tensors, rate: sgd(tensors, (1 - 0.8) * rate, momentum=0.8), 0.3
    ),
    "nesterov": Case(Nesterov(0.8, averaged=False), partial(sgd, momentum=0.8, nesterov=True), 0.05),
    "averaged nesterov, smaller rate": Case(
        Nesterov(0.8), lambda tensors, rate: sgd(tensors, (1 - 0.8) * rate, momentum=0.8, nesterov=True), 0.3
    ),
    "adagrad": Case(
        AdaGrad(), lambda tensors, rate: torch.optim.Adagrad(tensors.values(), rate, eps=1e-10), 0.1
    ),
    "adagrad, large eps": Case(
        AdaGrad(0.1), lambda tensors, rate: torch.optim.Adagrad(tensors.values(), rate, eps=0.1), 0.1
    ),
    "rmsprop": Case(
        RMSprop(0.7, 1e-4),
        lambda tensors, rate: torch.optim.RMSprop(tensors.values(), rate, alpha=0.7, eps=1e-4),
        0.01,
    ),
    "adam": Case(Adam(), lambda tensors, rate: torch.optim.Adam(tensors.values(), rate), 0.02),
    "adam, other settings": Case(
        Adam(0.7, 0.9, 1e-3),
        lambda tensors, rate: torch.optim.Adam(tensors.values(), rate, betas=(0.7, 0.9), eps=1e-3),
        0.02,
    ),
}


def problem(network, rng):
    """Return a first theta and the batches of N_STEPS and one more; the last of each epoch is smaller."""
    X = rng.normal(size=(M, 4))
    Y = np.eye(3)[(X[:, 0] + X[:, 1] ** 2 + 0.3 * rng.normal(size=M) > 0.7) + (X[:, 2] > 0.5).astype(int)]
    theta = network.initialize(rng)
    theta += 0.1 * rng.normal(size=theta.shape)
    batches = minibatches(X, Y, BATCH_SIZE, rng)
    if network.drops:
        batches = with_draws(batches, network.sizes, rng)
    return theta, list(islice(batches, N_STEPS + 1))


def compare(agree, run, theirs, network=PLAIN):
    """Compare two runs, step by step; they must have moved far more than the tolerance."""
    ours = np.stack([step.theta for step in run])
    assert len(ours) == N_STEPS + 1
    assert np.abs(ours[-1] - ours[0]).max() > 0.1
    agree(peer.by_name(network.layout, ours), theirs)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", NETWORKS)
def test_optimizers(kind, name, rng, agree):
    network, (ours, theirs, rate) = NETWORKS[kind], CASES[name]
    theta, batches = problem(network, rng)
    run = descend(network, theta, iter(batches), ours, rate)
    compare(
        agree,
        run,
        peer.train(network, theta, batches, lambda tensors: theirs(tensors, rate)),
        network,
    )


def test_every_optimizer_is_compared():
    assert {type(case.ours) for case in CASES.values()} == set(OPTIMIZERS.values())


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("delta", [0.01, 0.5])
def test_adamw(delta, kind, rng, agree):
    network = NETWORKS[kind]
    theta, batches = problem(network, rng)
    run = descend(network, theta, iter(batches), Adam(), 0.02, weight_decay=delta)
    theirs = peer.train(
        network, theta, batches, lambda tensors: torch.optim.AdamW(peer.groups(tensors, delta), 0.02)
    )
    compare(agree, run, theirs, network)


L2_CASES = {
    "sgd": (GradientDescent(), lambda groups: torch.optim.SGD(groups, 0.2), 0.2),
    "momentum": (
        Momentum(0.8, averaged=False),
        lambda groups: torch.optim.SGD(groups, 0.05, momentum=0.8),
        0.05,
    ),
    "adam": (Adam(), lambda groups: torch.optim.Adam(groups, 0.02), 0.02),
}


@pytest.mark.parametrize("name", L2_CASES)
def test_weight_decay_of_pytorch_is_our_l2(name, rng, agree):
    ours, theirs, rate = L2_CASES[name]
    strength = 3.0
    theta, batches = problem(PLAIN, rng)
    run = descend(Regularized(PLAIN, M, l2=strength), theta, iter(batches), ours, rate)
    record = peer.train(
        PLAIN, theta, batches, lambda tensors: theirs(peer.groups(tensors, weight_decay=strength / M))
    )
    compare(agree, run, record)


@pytest.mark.parametrize("penalties", [{"l1": 0.6}, {"l1": 0.2, "l2": 2.0}])
def test_penalties_in_training(penalties, rng, agree):
    theta, batches = problem(PLAIN, rng)
    run = descend(Regularized(PLAIN, M, **penalties), theta, iter(batches), Momentum(0.8, False), 0.05)
    shares = {name: value / M for name, value in penalties.items()}
    record = peer.train(PLAIN, theta, batches, lambda tensors: sgd(tensors, 0.05, momentum=0.8), **shares)
    compare(agree, run, record)


@pytest.mark.parametrize("beta", [0.0, 0.8])
def test_decoupled_decay_of_gradient_descent(beta, rng, agree):
    rate, delta = 0.05, 0.3

    @torch.no_grad()
    def decay(tensors):
        for name, tensor in tensors.items():
            if name.startswith("W"):
                tensor.mul_(1 - rate * delta)  # torch.optim.AdamW, before its step

    theta, batches = problem(PLAIN, rng)
    run = descend(PLAIN, theta, iter(batches), Momentum(beta, averaged=False), rate, weight_decay=delta)
    record = peer.train(
        PLAIN, theta, batches, lambda tensors: sgd(tensors, rate, momentum=beta), before_step=decay
    )
    compare(agree, run, record)


def clip(tensors, limit):
    """Clip as PyTorch does, without its 1e-6; return whether that shortened the gradient."""
    norm = torch.linalg.vector_norm(torch.cat([tensor.grad.ravel() for tensor in tensors.values()]))
    clip_grad_norm_(tensors.values(), float(limit * (norm + 1e-6) / norm))
    return bool(norm > limit)


@pytest.mark.parametrize(
    ("ours", "theirs", "rate"),
    [
        (GradientDescent(), sgd, 0.2),
        (Momentum(0.8, averaged=False), partial(sgd, momentum=0.8), 0.05),
        (Adam(), lambda tensors, rate: torch.optim.Adam(tensors.values(), rate), 0.02),
    ],
)
def test_clipping_in_training(ours, theirs, rate, rng, agree):
    limit = 0.5
    clipped = []
    theta, batches = problem(PLAIN, rng)
    run = descend(PLAIN, theta, iter(batches), Clipped(ours, limit), rate)
    record = peer.train(
        PLAIN,
        theta,
        batches,
        lambda tensors: theirs(tensors, rate),
        before_step=lambda tensors: clipped.append(clip(tensors, limit)),
    )
    assert 5 <= sum(clipped) <= N_STEPS - 5  # both branches
    compare(agree, run, record)


@pytest.mark.parametrize("limit", [1e5, 1e6, 1e7])
def test_clipping_as_it_comes(limit, rng, agree):
    # Of gradients this long the 1e-6 of PyTorch is a share of less than 1e-11.
    gradient = 1e6 * rng.normal(size=20)
    tensor = torch.zeros(20, dtype=torch.float64, requires_grad=True)
    tensor.grad = torch.tensor(gradient)
    clip_grad_norm_([tensor], limit)
    agree(clip_by_norm(gradient, limit), tensor.grad)


@pytest.mark.parametrize("limit", [0.3, 1.0, 10.0])
def test_clipping_by_value(limit, rng, agree):
    gradient = rng.normal(size=20)
    tensor = torch.zeros(20, dtype=torch.float64, requires_grad=True)
    tensor.grad = torch.tensor(gradient)
    clip_grad_value_([tensor], limit)
    agree(clip_by_value(gradient, limit), tensor.grad)

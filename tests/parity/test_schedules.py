"""Learning-rate schedules: the rates of 60 steps, and a run of training with each.

PyTorch's schedulers multiply the last rate, ours compute each rate from the step.  Its cosine rises again
after T_max, ours stays at the lowest rate; they are compared up to T_max.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Momentum
from dlhelpers.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseSqrt,
    InverseTime,
    PerEpoch,
    Schedule,
    Staircase,
    Table,
    WarmUp,
)
from dlhelpers.training import descend
from tests.parity import peer

N_STEPS, RATE = 60, 0.08


class Case(NamedTuple):
    """A schedule and its peer, which gets the optimizer."""

    ours: Schedule
    theirs: Callable[[torch.optim.Optimizer], Any]


def warm_up(optimizer):
    """Return a scheduler that reaches the full rate at step 9, from a tenth of it at step 0."""
    return lr_scheduler.LinearLR(optimizer, start_factor=1 / 10, end_factor=1.0, total_iters=9)


CASES = {
    "constant": Case(Constant(RATE), lambda optimizer: lr_scheduler.ConstantLR(optimizer, factor=1.0)),
    "exponential": Case(
        Exponential(RATE, 0.95), lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.95)
    ),
    "staircase": Case(Staircase(RATE, 0.5, 7), lambda optimizer: lr_scheduler.StepLR(optimizer, 7, 0.5)),
    "table": Case(
        Table({0: RATE, 13: RATE / 5, 40: RATE / 25}),
        lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [13, 40], 0.2),
    ),
    "cosine": Case(
        Cosine(RATE, N_STEPS, 0.002),
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, N_STEPS, 0.002),
    ),
    "cosine to 0": Case(
        Cosine(RATE, N_STEPS), lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, N_STEPS)
    ),
    "inverse time": Case(
        InverseTime(RATE, 0.3),
        lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + 0.3 * t)),
    ),
    "inverse sqrt": Case(
        InverseSqrt(RATE, 0.7),
        lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda t: 0.7 / (t + 1) ** 0.5),
    ),
    "per epoch": Case(
        PerEpoch(Exponential(RATE, 0.8), 4),
        lambda optimizer: lr_scheduler.StepLR(optimizer, 4, 0.8),  # 4 steps are an epoch
    ),
    "warm-up": Case(WarmUp(Constant(RATE), 10), warm_up),
    "warm-up of a cosine": Case(
        WarmUp(Cosine(RATE, N_STEPS), 10),
        lambda optimizer: lr_scheduler.ChainedScheduler(
            [warm_up(optimizer), lr_scheduler.CosineAnnealingLR(optimizer, N_STEPS)]
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rates(name, agree):
    ours, theirs = CASES[name]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], RATE)
    scheduler = theirs(optimizer)
    rates = []
    for _ in range(N_STEPS + 1):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    agree([float(ours(t)) for t in range(N_STEPS + 1)], rates)


@pytest.mark.parametrize("name", CASES)
def test_training(name, rng, agree):
    ours, theirs = CASES[name]
    network = Network((4, 8, 2), "tanh")
    X = rng.normal(size=(30, 4))
    batches = list(islice(minibatches(X, np.sin(2 * X[:, :2]), 8, rng), N_STEPS + 1))
    theta = network.initialize(rng)
    run = descend(network, theta, iter(batches), Momentum(0.8, averaged=False), ours)
    thetas = np.stack([step.theta for step in run])
    record = peer.train(
        network,
        theta,
        batches,
        lambda tensors: torch.optim.SGD(tensors.values(), RATE, momentum=0.8),
        schedule=theirs,
    )
    assert np.abs(thetas[-1] - thetas[0]).max() > 0.1
    agree(peer.by_name(network.layout, thetas), record)

"""Softmax and its relatives, also far from 0, where the textbook form overflows."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dlhelpers.losses import LOSSES
from dlhelpers.softmax import hardmax, log_softmax, softmax

TEMPERATURES = [0.1, 1.0, 3.0]


@pytest.mark.parametrize("lead", [(), (3,)])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1000.0])
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_softmax_and_its_logarithm(temperature, size, lead, rng, agree):
    Z = size * rng.normal(size=(*lead, 5, 7))
    theirs = torch.tensor(Z) / temperature
    agree(softmax(Z, temperature), F.softmax(theirs, dim=-2), "softmax")
    agree(log_softmax(Z, temperature), F.log_softmax(theirs, dim=-2), "log_softmax")


def test_hardmax(rng, agree):
    Z = rng.normal(size=(5, 7))
    agree(hardmax(Z).T, F.one_hot(torch.tensor(Z.T).argmax(dim=1), 5).double())


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_cross_entropy_of_soft_targets(temperature, rng, agree):
    # Not only one-hot labels: the loss takes any probabilities, as PyTorch's does.
    Z, Y = rng.normal(size=(2, 4, 9))
    Y = softmax(Y, temperature)
    tensor = torch.tensor(Z.T, requires_grad=True)
    loss = F.cross_entropy(tensor, torch.tensor(np.ascontiguousarray(Y.T)))
    loss.backward()
    agree(LOSSES["softmax_cross_entropy"].cost(Z, Y), loss, "cost")
    agree(LOSSES["softmax_cross_entropy"].gradient(Z, Y).T, tensor.grad, "gradient")

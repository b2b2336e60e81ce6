"""Initializers against `torch.nn.init`: both get the same random numbers, so the weights are the same."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from dlhelpers import initialization

SHAPES = [(20, 20), (12, 30), (30, 12), (1, 40), (40, 1)]


class PyTorchNumbers(np.random.Generator):
    """A generator that hands out the numbers PyTorch draws after `torch.manual_seed(0)`."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))
        torch.manual_seed(0)

    def standard_normal(self, shape):
        return torch.empty(shape, dtype=torch.float64).normal_().numpy()

    def uniform(self, low, high, shape):
        return low + (high - low) * torch.empty(shape, dtype=torch.float64).uniform_().numpy()


PAIRS = {
    "zeros": (initialization.zeros, nn.init.zeros_),
    "constant": (partial(initialization.constant, value=0.3), partial(nn.init.constant_, val=0.3)),
    "normal": (partial(initialization.normal, scale=0.02), partial(nn.init.normal_, std=0.02)),
    "lecun_normal": (
        initialization.lecun_normal,
        partial(nn.init.kaiming_normal_, mode="fan_in", nonlinearity="linear"),
    ),
    "he_normal": (
        initialization.he_normal,
        partial(nn.init.kaiming_normal_, mode="fan_in", nonlinearity="relu"),
    ),
    "glorot_normal": (initialization.glorot_normal, nn.init.xavier_normal_),
    "glorot_uniform": (initialization.glorot_uniform, nn.init.xavier_uniform_),
}


def drawn_by_pytorch(initializer, shape):
    torch.manual_seed(0)
    return initializer(torch.empty(shape, dtype=torch.float64))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", PAIRS)
def test_the_same_weights_from_the_same_numbers(name, shape, agree):
    ours, theirs = PAIRS[name]
    agree(ours(PyTorchNumbers(), shape), drawn_by_pytorch(theirs, shape))


@pytest.mark.parametrize("gain", [1.0, 1.7])
@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal(shape, gain, agree):
    class Numbers(PyTorchNumbers):
        def standard_normal(self, ours):
            theirs = super().standard_normal(shape)  # of a wide matrix we draw the transpose
            return theirs if ours == shape else theirs.T

    ours = initialization.orthogonal(Numbers(), shape, gain)
    agree(ours, drawn_by_pytorch(partial(nn.init.orthogonal_, gain=gain), shape))


def test_every_initializer_is_compared():
    assert set(initialization.INITIALIZERS) == {*PAIRS, "orthogonal"}

"""The same networks in PyTorch: rows are examples, gradients come from autograd."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.parameters import Layout
from dlhelpers.typing import FloatArray

Parameters = dict[str, Tensor]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda Z: Z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": partial(F.leaky_relu, negative_slope=0.01),
    # By default PyTorch takes Z itself above 20, which is off by up to 2e-9.
    "softplus": partial(F.softplus, threshold=40),
    "gelu": partial(F.gelu, approximate="tanh"),
}

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    # Half the squared error of an example, and the sum over its outputs; the mean is over examples.
    "squared_error": lambda Z, Y: F.mse_loss(Z, Y, reduction="sum") / 2 / len(Z),
    "sigmoid_cross_entropy": lambda Z, Y: F.binary_cross_entropy_with_logits(Z, Y, reduction="sum") / len(Z),
    "softmax_cross_entropy": lambda Z, Y: F.cross_entropy(Z, Y.argmax(dim=1)),
}

PREDICTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "squared_error": lambda Z: Z,
    "sigmoid_cross_entropy": torch.sigmoid,
    "softmax_cross_entropy": partial(F.softmax, dim=1),
}


def parameters(network: Network, theta: FloatArray) -> Parameters:
    """Return W1, b1, ... as tensors with gradients; vectors have shape (n,), as PyTorch wants them."""
    return {
        name: torch.tensor(view if name.startswith("W") else view[:, 0], requires_grad=True)
        for name, view in network.layout.views(theta).items()
    }


def by_name(layout: Layout, vectors: FloatArray) -> dict[str, FloatArray]:
    """Return the parts of a theta, or of several, under their names; each is flat."""
    return {name: vectors[..., part] for name, part in layout.slices.items()}


def flat(tensors: Parameters) -> dict[str, FloatArray]:
    """Return tensors as flat arrays under their names."""
    return {name: tensor.detach().numpy().ravel().copy() for name, tensor in tensors.items()}


def gradients(tensors: Parameters) -> dict[str, FloatArray]:
    """Return what `backward` left in the tensors, flat, under their names."""
    return flat({name: tensor.grad for name, tensor in tensors.items() if tensor.grad is not None})


def forward(network: Network, tensors: Parameters, batch: Batch) -> tuple[list[Tensor], list[Tensor]]:
    """Return Z and A of each layer, with dropout by the numbers of the batch; the last Z is the logits."""
    A = torch.tensor(batch.X)
    last = len(network.sizes) - 1
    each_Z, each_A = [], []
    for layer in range(1, last + 1):
        Z = F.linear(A, tensors[f"W{layer}"], tensors.get(f"b{layer}"))
        if layer < last and network.batch_norm is not None:
            gamma, beta = tensors[f"gamma{layer}"], tensors[f"beta{layer}"]
            Z = F.batch_norm(Z, None, None, gamma, beta, training=True, eps=network.batch_norm.eps)
        A = ACTIVATIONS[network.activations[layer - 1]](Z) if layer < last else Z
        each_Z.append(Z)
        each_A.append(A)
        if layer < last and batch.draws is not None:
            U, keep_prob = torch.tensor(batch.draws[layer - 1].T), network.keep_probs[layer - 1]
            A = A * (keep_prob > U) / keep_prob
    return each_Z, each_A


def loss(network: Network, tensors: Parameters, batch: Batch, l1: float = 0.0, l2: float = 0.0) -> Tensor:
    """Return the cost; `l1` and `l2` are lambda / m."""
    logits = forward(network, tensors, batch)[0][-1]
    weights = [tensor for name, tensor in tensors.items() if name.startswith("W")]
    J = LOSSES[network.loss_name](logits, torch.tensor(batch.Y))
    return J + sum(l1 * W.abs().sum() + l2 / 2 * (W**2).sum() for W in weights)


def groups(tensors: Parameters, weight_decay: float) -> list[dict[str, Any]]:
    """Return PyTorch's parameter groups: weights decay, all others do not."""
    weights = [tensor for name, tensor in tensors.items() if name.startswith("W")]
    others = [tensor for name, tensor in tensors.items() if not name.startswith("W")]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def train(
    network: Network,
    theta: FloatArray,
    batches: Iterable[Batch],
    optimizer: Callable[[Parameters], torch.optim.Optimizer],
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
    before_step: Callable[[Parameters], None] = lambda tensors: None,
    **penalties: float,
) -> dict[str, FloatArray]:
    """Return each parameter before every step, (n_steps, size): the loop that PyTorch's tutorials have."""
    tensors = parameters(network, theta)
    stepper = optimizer(tensors)
    scheduler = schedule(stepper) if schedule else None
    record = []
    for batch in batches:
        record.append(flat(tensors))
        stepper.zero_grad()
        loss(network, tensors, batch, **penalties).backward()
        before_step(tensors)
        stepper.step()
        if scheduler is not None:
            scheduler.step()
    return {name: np.stack([each[name] for each in record]) for name in tensors}

"""Valid calls, as in `tests.valid_calls`: of gradient checking and of the planted bugs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import broken_backprop, gradient_checking
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network

One = tuple[Callable[..., Any], dict[str, Any]]


def calls_of(folder: Path) -> Iterator[One]:
    """Yield pairs (function, its arguments by name)."""
    rng = np.random.default_rng(0)
    eps = np.array([1e-3, 1e-2, 1e-1])
    errors = {"eps": eps, "error": eps**2}
    network = Network((2, 3, 1), "relu", keep_prob=0.5)
    theta, batch = network.initialize(rng), Batch(rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))
    fresh = gradient_checking.FreshMasks(network, rng)
    yield gradient_checking.difference, {"f": np.square, "x": 1.0, "eps": eps, "two_sided": True}
    yield gradient_checking.order_of_error, errors
    yield gradient_checking.best_eps, {**errors, "neighbors": 3}
    yield gradient_checking.FreshMasks, {"network": network, "rng": rng}
    yield fresh.loss, {"theta": theta, "batch": batch}
    yield fresh.gradient, {"theta": theta, "batch": batch}
    plain = Network((2, 3, 1), "relu")
    kinks = {"network": plain, "theta": theta, "batch": batch, "eps": 1e-3}
    yield gradient_checking.kinks_crossed, kinks
    name = broken_backprop.case(0).name
    yield broken_backprop.case, {"number": 3}
    for function in (broken_backprop.with_bug, broken_backprop.right_source, broken_backprop.broken_source):
        yield function, {"name": name}

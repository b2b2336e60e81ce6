"""Valid calls, as in `tests.valid_calls`: curvature, and the floor of a learning rate."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import curvature, schedules
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network


def calls_of(folder: Path) -> Iterator[tuple[Callable[..., Any], dict[str, Any]]]:
    """Yield (function, its arguments by name)."""
    rng = np.random.default_rng(0)
    network, batch = Network((2, 1)), Batch(rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))
    at = {"objective": network, "theta": network.initialize(rng), "batch": batch, "step": 1e-4}
    yield curvature.hessian, at
    yield curvature.sharpness, {**at, "direction": np.ones(3), "iterations": 3}
    yield curvature.random_symmetric, {"count": 3, "n": 2, "rng": rng}
    yield curvature.share_positive, {"count": 10, "n": 2, "rng": rng}
    yield schedules.Linear, {"rate": 0.1, "steps": 10}
    yield schedules.Delayed, {"schedule": schedules.Constant(0.1), "start": 10}
    yield schedules.noise_floor, {"rate": 0.1, "noise": 1.0, "batch_size": 8, "curvature": 1.0}

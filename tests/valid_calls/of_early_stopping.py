"""Valid calls, as in `tests.valid_calls`: early stopping, and ridge regression beside it."""

from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import early_stopping
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend


def calls_of(folder: Path) -> Iterator[tuple[Callable[..., Any], dict[str, Any]]]:
    """Yield (function, its arguments by name)."""
    rng = np.random.default_rng(0)
    s = np.array([0.1, 1.0])
    network, batch = Network((2, 1)), Batch(rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))
    run = descend(network, network.initialize(rng), repeat(batch), Adam(), 0.1)
    yield early_stopping.early_stop, {"dev_losses": [3.0, 1.0, 2.0], "patience": 1}
    yield (
        early_stopping.train_until_stop,
        {"run": run, "dev_loss": lambda step: float(step.loss), "patience": 2, "every": 1, "most_steps": 5},
    )
    yield early_stopping.ridge, {"X": rng.normal(size=(5, 2)), "y": rng.normal(size=5), "strength": 0.5}
    yield early_stopping.share_after_steps, {"s": s, "learning_rate": 0.5, "t": 3}
    yield early_stopping.share_of_ridge, {"s": s, "strength": 0.5, "m": 5}
    yield early_stopping.matching_strength, {"m": 5, "learning_rate": 0.5, "t": 3}

"""Valid calls, as in `tests.valid_calls`: ridge regression beside early stopping."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import regularization


def calls_of(folder: Path) -> Iterator[tuple[Callable[..., Any], dict[str, Any]]]:
    """Yield (function, its arguments by name)."""
    rng = np.random.default_rng(0)
    s = np.array([0.1, 1.0])
    yield regularization.ridge, {"X": rng.normal(size=(5, 2)), "y": rng.normal(size=5), "strength": 0.5}
    yield regularization.share_after_steps, {"s": s, "learning_rate": 0.5, "t": 3}
    yield regularization.share_of_ridge, {"s": s, "strength": 0.5, "m": 5}
    yield regularization.matching_strength, {"m": 5, "learning_rate": 0.5, "t": 3}

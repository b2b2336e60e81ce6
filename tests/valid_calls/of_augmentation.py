"""Valid calls, as in `tests.valid_calls`: what was added to data augmentation."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import augmentation


def calls_of(folder: Path) -> Iterator[tuple[Callable[..., Any], dict[str, Any]]]:
    """Yield (function, its arguments by name)."""
    rng = np.random.default_rng(0)
    arguments = {"X": rng.random((5, 64)), "Y": rng.random((5, 2)), "batch_size": 2, "rng": rng}
    yield augmentation.augmented_minibatches, {**arguments, "strengths": [{}, {"degrees": 5.0}]}

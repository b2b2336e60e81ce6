"""Valid calls, as in `tests.valid_calls`: of calibration."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import calibration

One = tuple[Callable[..., Any], dict[str, Any]]


def calls_of(folder: Path) -> Iterator[One]:
    rng = np.random.default_rng(0)
    confidence, correct = rng.uniform(0.3, 1, 20), rng.random(20) < 0.7
    Y = np.eye(3)[np.arange(7) % 3]
    yield calibration.answers, {"probabilities": rng.random((7, 3)), "Y": Y}
    yield calibration.reliability, {"confidence": confidence, "correct": correct, "bins": 5}
    yield calibration.chance, {"confidence": confidence, "bins": 5, "repeats": 10, "rng": rng}
    yield calibration.fit_temperature, {"logits": rng.normal(size=(7, 3)), "Y": Y}

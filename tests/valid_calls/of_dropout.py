"""Valid calls, as in `tests.valid_calls`: of dropout."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import dropout

One = tuple[Callable[..., Any], dict[str, Any]]


def calls_of(folder: Path) -> Iterator[One]:
    masks = dropout.all_masks(3)
    logits = np.random.default_rng(0).normal(size=(8, 5))
    X = np.random.default_rng(1).normal(size=(5, 3))
    yield dropout.all_masks, {"n_units": 3}
    yield dropout.draws_for_masks, {"masks": masks, "sizes": (2, 3, 1), "m": 5}
    yield dropout.mask_weights, {"masks": masks, "keep_prob": 0.8}
    weights = dropout.mask_weights(masks, 0.8)
    yield dropout.normalized_geometric_mean, {"logits": logits, "weights": weights}
    yield dropout.adaptive_l2, {"w": X[0], "X": X, "keep_prob": 0.8}
    yield dropout.participation_ratio, {"values": X}

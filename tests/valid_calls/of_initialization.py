"""Valid calls, as in `tests.valid_calls`: of depth, and of the valley that normalizing makes round."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import initialization, normalization
from dlhelpers.minibatches import Batch


def calls_of(folder: Path) -> Iterator[tuple[Callable[..., Any], dict[str, Any]]]:
    rng = np.random.default_rng(0)
    V, x, top = rng.normal(size=(3, 2, 4, 4)), rng.normal(size=(2, 4)), rng.normal(size=(2, 4))
    sizes = {"V": V, "x": x, "top": top, "activation": "tanh", "gain": 0.5}
    yield initialization.propagate, sizes
    theory = {"activation": "tanh", "gain": 0.5, "n_layers": 3, "size": 1.0}
    yield initialization.predict_signals, theory
    yield initialization.factor_per_layer, {"sizes": np.array([1.0, 2.0, 3.0])}
    cost, batch = normalization.LeastSquares(), Batch(rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))
    yield normalization.LeastSquares, {}
    yield cost.loss, {"theta": np.ones(2), "batch": batch}
    yield cost.gradient, {"theta": np.ones(2), "batch": batch}
    yield cost.hessian, {"batch": batch}
    yield normalization.best_rate, {"H": cost.hessian(batch)}

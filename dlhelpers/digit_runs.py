r"""Real runs to search through: a small network on the digits, with six hyperparameters.

- `SPACE` says where to look, and `dev_error` trains one setting: an objective for a search.
- `run_table` is a recorded table of such runs, every combination of `LEVELS` with several seeds, after every
  epoch.  On it a search costs nothing, and a thousand of them can be compared.

The networks are trained with momentum in its averaged form, from He's initial weights.  The learning rate of
epoch e is :math:`\alpha / (1 + \text{decay} \cdot e)`.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from io import BytesIO
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from dlhelpers.checks import check_integer
from dlhelpers.datasets import Split, _read_checked, digits, one_hot, split
from dlhelpers.metrics import error_rate
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Momentum
from dlhelpers.schedules import InverseTime, PerEpoch
from dlhelpers.search_spaces import Integer, LogUniform, OneMinusLogUniform, Space, Uniform, places
from dlhelpers.training import descend
from dlhelpers.trials import Setting
from dlhelpers.typing import FloatArray, IntArray

SPACE: Mapping[str, Space] = MappingProxyType(
    {
        "learning_rate": LogUniform(0.003, 3.2),
        "beta": OneMinusLogUniform(0, 0.99),
        "batch_size": Integer(16, 256, log=True),
        "units": Integer(8, 32, log=True),
        "layers": Integer(1, 3),
        "decay": Uniform(0, 0.3),
    }
)
"""Where to look.  `units` are those of each hidden layer, `layers` counts the hidden ones."""
LEVELS: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "learning_rate": tuple(float(f"{10 ** (k / 3 - 2.5):.3g}") for k in range(10)),
        "beta": (0.0, 0.9, 0.99),
        "batch_size": (16, 64, 256),
        "units": (8, 16, 32),
        "layers": (1, 2, 3),
        "decay": (0.0, 0.3),
    }
)
"""The values in the table."""
EPOCHS = 16
"""Epochs of a full training."""
SEEDS = 4
"""Seeds of each setting in the table.  A seed draws the split of the data, the weights and the order."""
N_DEV, N_TEST = 386, 387
DEV_SIZES = (48, 96, 193, 386)
"""The table has the last errors on so many of the dev examples, and of the test examples."""


def digit_parts(seed: int) -> Split:
    """Return the digits split at random: 1,024 for training, 386 in the dev and 387 in the test set.

    Parameters
    ----------
    seed : int >= 0

    Raises
    ------
    ValueError
        If `seed` is not as above.
    """
    check_integer("seed", seed, "[0, inf)", "It starts the random numbers.")
    return _digit_parts(int(seed))


@lru_cache(maxsize=8)
def _digit_parts(seed: int) -> Split:
    X, y, *_ = digits()
    rng = np.random.default_rng(seed)
    return split(X / 16, y, dev=N_DEV, test=N_TEST, rng=rng)


def dev_error(setting: Setting) -> dict[str, float]:
    """Train one network on the digits, for 16 epochs, and return its error on the dev set.

    Parameters
    ----------
    setting : setting
        A value for each name of `SPACE`.  A "seed" draws the split, the weights and the order of the
        examples; it is 0 if it is left out.

    Returns
    -------
    dict
        "score", the share of the dev set that is wrong, and "test", that of the test set: not to be looked at
        before the search is over.

    Raises
    ------
    ValueError
        If a value is missing or outside of its space.

    Examples
    --------
    >>> setting = {"learning_rate": 0.3, "beta": 0.9, "batch_size": 32}
    >>> trial = dev_error({**setting, "units": 32, "layers": 1, "decay": 0.0})
    >>> 0 < trial["score"] < 0.1
    True
    """
    places(SPACE, setting)
    seed = setting.get("seed", 0)
    data = digit_parts(seed)
    Y_dev, Y_test = one_hot(data.y_dev, 10), one_hot(data.y_test, 10)
    *_, (network, theta) = _train(setting, seed)
    dev = error_rate(network.predict(theta, data.X_dev), Y_dev)
    return {"score": float(dev), "test": float(error_rate(network.predict(theta, data.X_test), Y_test))}


def _train(setting: Setting, seed: int) -> Iterator[tuple[Network, FloatArray]]:
    """Yield the network and its theta after each epoch.

    For a population of K networks `learning_rate`, `beta` and `decay` are (K, 1) arrays; theta is float32.
    One network has float64: rounding then hardly ever changes its errors from processor to processor.
    """
    data, rng = digit_parts(seed), np.random.default_rng(seed)
    network = Network((64, *[setting["units"]] * setting["layers"], 10), "relu", "softmax_cross_entropy")
    theta = network.initialize(rng)
    X, Y = data.X_train, one_hot(data.y_train, 10)
    rate, size = setting["learning_rate"], setting["batch_size"]
    if isinstance(rate, np.ndarray):
        X, Y = X.astype(np.float32), Y.astype(np.float32)
        theta = np.tile(theta.astype(np.float32), (len(rate), 1))
    steps = math.ceil(len(Y) / size)
    schedule = PerEpoch(InverseTime(rate, setting["decay"]), steps)
    batches = minibatches(X, Y, size, rng)
    for step in descend(network, theta, batches, Momentum(setting["beta"]), schedule, steps=EPOCHS * steps):
        if step.step % steps == 0 and step.step > 0:
            yield network, step.theta


class RunTable(NamedTuple):
    """The recorded runs: S settings, every combination of `LEVELS`, with 4 seeds.

    Attributes
    ----------
    levels : (S, 6) int array
        For each setting, which level each hyperparameter has, in the order of `LEVELS`.
    errors : (2, 4, S, 16) float array
        The share of the dev set (index 0) and of the test set (1) that is wrong, for each seed, after each
        epoch.  A network that has diverged is wrong where a guess would be.
    last_errors : (2, 4, S, 4) float array
        The same after the last epoch, on the first 48, 96, 193 and 386 examples; see `DEV_SIZES`.
    """

    levels: IntArray
    errors: FloatArray
    last_errors: FloatArray


@cache
def run_table() -> RunTable:
    """Return the recorded runs, from data/digit_runs.npz; the arrays are read-only.

    Returns
    -------
    RunTable

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it was changed.

    Examples
    --------
    >>> table = run_table()
    >>> table.levels.shape, table.errors.shape
    ((1620, 6), (2, 4, 1620, 16))
    """
    with np.load(BytesIO(_read_checked("digit_runs.npz")), allow_pickle=False) as file:
        wrong, last_wrong = file["wrong"], file["last_wrong"]
    levels = np.array(list(product(*(range(len(values)) for values in LEVELS.values()))))
    of = np.array([N_DEV, N_TEST]).reshape(2, 1, 1, 1)
    table = RunTable(levels, wrong / of, last_wrong / np.array(DEV_SIZES))
    for array in table:
        array.setflags(write=False)
    return table

"""Runs of a training script of `capstone`: what it sets up, how it trains, how it measures itself."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from dlhelpers import datasets
from dlhelpers.broken_backprop import with_bug
from dlhelpers.capstone import (
    BATCH_SIZE,
    EPOCHS,
    KEEP_PROB,
    M_DEV,
    M_TEST,
    NO_BUG,
    SIZES,
    STEPS_PER_EPOCH,
    Script,
    check_script,
)
from dlhelpers.checks import check_array, check_integer, check_rng, shown
from dlhelpers.dropout import draw_uniform, with_draws
from dlhelpers.metrics import error_rate
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.normalization import fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

# What a script sets up ------------------------------------------------------------------------------


class Setup(NamedTuple):
    """What a script has made when training begins.

    Attributes
    ----------
    network, objective : Network and Regularized, as right as the script's backpropagation
    theta : (P,) float array
    train, dev : Batch
        The training examples with the labels that the script gives them; the dev set's are right.
    rng : numpy.random.Generator
        For batches and masks.
    """

    network: Any
    objective: Any
    theta: FloatArray
    train: Batch
    dev: Batch
    rng: np.random.Generator

    def batches(self, train: Batch) -> Iterator[Batch]:
        """Return mini-batches of the examples in `train`, with the random numbers of dropout.

        Raises
        ------
        ValueError
            If `train` is no Batch.
        """
        if not isinstance(train, Batch):
            raise ValueError(f"train must be a Batch; got {shown(train)}. Pass setup.train.")
        plain = minibatches(train.X, train.Y, BATCH_SIZE, self.rng)
        return with_draws(plain, SIZES, self.rng) if self.network.drops else plain


@lru_cache(maxsize=8)
def _digits(seed: int) -> datasets.Split:
    X, y, *_ = datasets.digits()
    return datasets.split(X, y, dev=M_DEV, test=M_TEST, rng=np.random.default_rng(seed))


def set_up(script: Script, seed: int, keep_prob: float = KEEP_PROB) -> Setup:
    """Return network, first weights and data of a script.

    Parameters
    ----------
    script : Script
    seed : int >= 0
    keep_prob : float in (0, 1]
        1 switches dropout off.

    Returns
    -------
    Setup

    Raises
    ------
    ValueError
        If an argument is not as above.
    """
    check_script(script)
    check_integer("seed", seed, "[0, inf)", "It is the patient's.")
    data, rng = _digits(seed), np.random.default_rng(seed)
    X, X_dev, y = data.X_train, data.X_dev, data.y_train[: script.m]
    if script.normalized:
        transform = fit(X)
        X, X_dev = transform.apply(X), transform.apply(X_dev)
    if script.labels_shifted:
        y = np.roll(y, 1)
    train = Batch(X[: script.m], datasets.one_hot(y, 10))
    dev = Batch(X_dev, datasets.one_hot(data.y_dev, 10))
    kinds: Any = (Network, Regularized) if script.backward == NO_BUG else with_bug(script.backward)[:2]
    network = kinds[0](SIZES, "relu", "softmax_cross_entropy", keep_prob=keep_prob)
    theta = script.initial_scale * network.initialize(rng)  # its biases are 0
    return Setup(network, kinds[1](network, script.m, l2=script.l2), theta, train, dev, rng)


# Training -------------------------------------------------------------------------------------------


class Run(NamedTuple):
    """What a run of a script shows after each epoch; it ends early if it diverges.

    Attributes
    ----------
    losses, errors : (n, 2) float array
        On training and dev set, as the script measures them: with dropout if it is left on.
    theta : (P,) float array
        At the end.
    diverged : bool
    """

    losses: FloatArray
    errors: FloatArray
    theta: FloatArray
    diverged: bool

    @property
    def dev_error(self) -> float:
        """At the end."""
        return float(self.errors[-1, 1])


@lru_cache(maxsize=64)
def _train(script: Script, seed: int, epochs: int) -> Run:
    setup = set_up(script, seed)
    masks = np.random.default_rng([seed, 2])
    steps, losses, errors = epochs * STEPS_PER_EPOCH, [], []
    batches = setup.batches(setup.train)
    run = descend(setup.objective, setup.theta, batches, GradientDescent(), schedule(script), steps=steps)
    for step in run:
        if step.step % STEPS_PER_EPOCH == 0 or bool(step.diverged):
            both = [measure(script, setup.network, step.theta, part, masks) for part in setup[3:5]]
            losses.append([loss for loss, _ in both])
            errors.append([error for _, error in both])
    return Run(np.array(losses), np.array(errors), step.theta, bool(step.diverged))


def train(script: Script, seed: int, epochs: int = EPOCHS) -> Run:
    """Run a script; what was run before is remembered.

    Parameters
    ----------
    script : Script
    seed : int >= 0
    epochs : int >= 1

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> from dlhelpers.capstone import HEALTHY
    >>> bool(train(HEALTHY, 0, epochs=2).dev_error < 0.2)
    True
    """
    check_script(script)
    check_integer("seed", seed, "[0, inf)", "It is the patient's.")
    check_integer("epochs", epochs, "[1, 1000]", "A whole run has 20.")
    return _train(script, int(seed), int(epochs))


def schedule(script: Script) -> Any:
    r"""Return the learning rate as a function of the step.

    .. math:: \alpha_t = \alpha_0 \, f^{t / 32} \tag{1}

    f is `rate_factor`, and 32 steps are an epoch.

    Parameters
    ----------
    script : Script

    Returns
    -------
    function from int to float

    Raises
    ------
    ValueError
        If `script` is something else.
    """
    check_script(script)

    def rate(step: int) -> float:
        return float(script.learning_rate * script.rate_factor ** (step / STEPS_PER_EPOCH))  # (1)

    return rate


def answers(
    script: Script, network: Any, theta: FloatArray, X: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the probabilities that the script gives when its network is used.

    Parameters
    ----------
    script : Script
    network, theta
        As in `Setup`.
    X : (m, 64) float array
    rng : numpy.random.Generator
        Of the masks, if the script leaves dropout on.

    Returns
    -------
    (m, 10) float array
        Zeros where training has diverged.

    Raises
    ------
    ValueError
        If they do not fit together.
    """
    check_script(script)
    _check_network(network)
    check_array("X", X, "(m, n_features)", "Examples are rows.")
    draws = draw_uniform(SIZES, len(X), rng) if script.drops_at_test else None
    return np.asarray(np.nan_to_num(network.predict(theta, X, draws=draws)))


def measure(
    script: Script, network: Any, theta: FloatArray, examples: Batch, rng: np.random.Generator
) -> tuple[float, float]:
    """Return loss and error on some examples, as the script measures them.

    Parameters
    ----------
    script, network, theta, rng
        As in `answers`.
    examples : Batch

    Returns
    -------
    (float, float)

    Raises
    ------
    ValueError
        If they do not fit together.
    """
    check_script(script)
    _check_network(network)
    if not isinstance(examples, Batch):
        raise ValueError(f"examples must be a Batch; got {shown(examples)}. Pass Batch(X, Y).")
    check_rng(rng)
    draws = draw_uniform(SIZES, len(examples.X), rng) if script.drops_at_test else None
    loss = float(network.loss(theta, examples._replace(draws=draws)))
    return loss, float(error_rate(answers(script, network, theta, examples.X, rng), examples.Y))


# Checks ---------------------------------------------------------------------------------------------


def _check_network(network: Any) -> None:
    if not hasattr(network, "predict") or isinstance(network, type):
        raise ValueError(
            f"network must be a Network; got {shown(network)}. Pass set_up(script, seed).network."
        )

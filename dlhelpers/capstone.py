"""A network on digits with planted faults: a training script, ten ways to spoil it, and its runs.

A `Script` is what somebody wrote to train a network on digits.  A fault is a wrong value of one of its
fields, and a repair puts the right one back.  Everything that is measured is a real run of the script.
The probes that look for the faults are in `probes`, the budget and the scores in `consultation`.

One epoch is 1,024 examples seen, whatever the training set holds: that is what one pays for.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from dlhelpers import datasets
from dlhelpers.broken_backprop import with_bug
from dlhelpers.checks import check_array, check_choice, check_integer, check_rng, shown
from dlhelpers.dropout import draw_uniform, with_draws
from dlhelpers.metrics import error_rate
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.normalization import fit
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

SIZES, KEEP_PROB, BATCH_SIZE = (64, 64, 10), 0.5, 32
M, M_DEV, M_TEST = 1024, 386, 387
STEPS_PER_EPOCH = M // BATCH_SIZE
EPOCHS = 20
"""Of a whole training run."""
NO_BUG, BUG = "no bug at all", "(4): 1/m a second time, in dW"


@dataclass(frozen=True)
class Script:
    """What trains the network; the defaults are right.

    Attributes
    ----------
    normalized : bool
        Whether inputs are normalized with mean and deviation of the training set; else they are the gray
        levels from 0 to 16.
    initial_scale : float
        Factor of the initial weights of He.
    learning_rate : float
        Of gradient descent in the first epoch.
    rate_factor : float
        What each epoch multiplies the learning rate by.
    m : int
        Training examples that are read.
    labels_shifted : bool
        Whether each image has the label of the one before it.
    l2 : float
        Lambda of the penalty on weights.
    backward : str
        The bug in backpropagation, a key of `broken_backprop.BUGS`.
    drops_at_test : bool
        Whether dropout stays on when the network is used.
    """

    normalized: bool = True
    initial_scale: float = 1.0
    learning_rate: float = 0.3
    rate_factor: float = 0.9
    m: int = M
    labels_shifted: bool = False
    l2: float = 0.0
    backward: str = NO_BUG
    drops_at_test: bool = False


HEALTHY = Script()


class Fault(NamedTuple):
    """A wrong value of one field.

    Attributes
    ----------
    name : str
        What is wrong, in a few words.
    field : str
        Of `Script`.
    wrong : bool, float or str
    cure : str
        What the repair does.
    """

    name: str
    field: str
    wrong: Any
    cure: str


FAULTS: Mapping[str, Fault] = {
    "inputs": Fault("inputs not normalized", "normalized", False, "normalize the inputs"),
    "start": Fault("weights start at 0", "initial_scale", 0.0, "start from He's random weights"),
    "rate high": Fault("rate too high", "learning_rate", 32 * HEALTHY.learning_rate, "divide α by 32"),
    "rate low": Fault("rate too low", "learning_rate", 0.01 * HEALTHY.learning_rate, "multiply α by 100"),
    "growth": Fault("rate grows, not decays", "rate_factor", 1 / HEALTHY.rate_factor, "let α decay"),
    "gradient": Fault("gradient bug", "backward", BUG, "remove the second 1/m from dW"),
    "labels": Fault("labels do not fit", "labels_shifted", True, "give each image its own label"),
    "few": Fault("too few examples", "m", 64, "read all 1,024 digits, not 64"),
    "penalty": Fault("penalty too strong", "l2", 300.0, "set λ to 0"),
    "test": Fault("dropout on at test", "drops_at_test", True, "switch dropout off at test"),
}
"""All faults by a short key."""

MASKED = (("inputs", "rate low"), ("gradient", "rate high"))
"""Pairs that mask each other: with both, training goes better than with either alone."""


class Patient(NamedTuple):
    """A script with the faults that a seed has drawn.

    Attributes
    ----------
    seed : int
    faults : tuple of str
        One or two keys of `FAULTS`, in their order there.
    """

    seed: int
    faults: tuple[str, ...]

    @property
    def script(self) -> Script:
        """What is to be repaired."""
        return spoiled(self.faults)


def patient(seed: int) -> Patient:
    """Draw a patient: one fault, two faults, or a pair of `MASKED`, each with probability 1/3.

    Parameters
    ----------
    seed : int >= 0
        Of the faults, and of everything that is random in the patient's runs.

    Returns
    -------
    Patient

    Raises
    ------
    ValueError
        If `seed` is something else.

    Examples
    --------
    >>> patient(3).faults == patient(3).faults
    True
    """
    check_integer("seed", seed, "[0, inf)", "Each seed is a patient.")
    fields = {key: fault.field for key, fault in FAULTS.items()}
    singles: list[tuple[str, ...]] = [(key,) for key in FAULTS]
    pairs: list[tuple[str, ...]] = [
        two for two in combinations(FAULTS, 2) if fields[two[0]] != fields[two[1]]
    ]
    wards = (singles, pairs, [_in_order(two) for two in MASKED])
    rng = np.random.default_rng([seed, 1])
    ward = wards[rng.integers(len(wards))]
    return Patient(int(seed), ward[rng.integers(len(ward))])


def _in_order(faults: Iterable[str]) -> tuple[str, ...]:
    return tuple(key for key in FAULTS if key in set(faults))


def spoiled(faults: tuple[str, ...]) -> Script:
    """Return the right script with these faults.

    Parameters
    ----------
    faults : tuple of str
        Keys of `FAULTS`.

    Returns
    -------
    Script

    Raises
    ------
    ValueError
        If `faults` is something else.

    Examples
    --------
    >>> spoiled(("few",)).m
    64
    """
    return replace(
        HEALTHY, **{FAULTS[key].field: FAULTS[key].wrong for key in check_faults("faults", faults)}
    )


def repaired(script: Script, faults: tuple[str, ...]) -> Script:
    """Return the script with the right values in the fields of these faults.

    A field that was right stays as it is.

    Parameters
    ----------
    script : Script
    faults : tuple of str
        Keys of `FAULTS`.

    Returns
    -------
    Script

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> repaired(spoiled(("few", "test")), ("few",)) == spoiled(("test",))
    True
    """
    check_script(script)
    fields = {FAULTS[key].field for key in check_faults("faults", faults)}
    return replace(script, **{field: getattr(HEALTHY, field) for field in fields})


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

    def batches(self, train: Batch, population: int | None = None) -> Iterator[Batch]:
        """Return mini-batches of these examples, with the random numbers of dropout."""
        plain = minibatches(train.X, train.Y, BATCH_SIZE, self.rng)
        return with_draws(plain, SIZES, self.rng, population) if self.network.drops else plain


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
    parts = with_bug(script.backward)
    network = parts.Network(SIZES, "relu", "softmax_cross_entropy", keep_prob=keep_prob)
    theta = script.initial_scale * network.initialize(rng)  # its biases are 0
    return Setup(network, parts.Regularized(network, script.m, l2=script.l2), theta, train, dev, rng)


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


def check_script(script: Script) -> None:
    """Raise ValueError unless `script` is a Script."""
    if not isinstance(script, Script):
        raise ValueError(f"script must be a Script; got {shown(script)}. Pass spoiled(faults), or HEALTHY.")


def check_faults(name: str, faults: tuple[str, ...]) -> tuple[str, ...]:
    """Return `faults` in the order of `FAULTS`; raise ValueError, with their `name`, unless they are keys."""
    if not isinstance(faults, tuple):
        raise ValueError(f"{name} must be a tuple of names; got {shown(faults)}. For one, write ('few',).")
    for each in faults:
        check_choice(name, each, FAULTS)
    return _in_order(faults)

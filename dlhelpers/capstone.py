"""A network on digits with planted faults: a training script, ten ways to spoil it, and its runs.

A `Script` is what somebody wrote to train a network on digits.  A fault is a wrong value of one of its
fields, and a repair puts the right one back.  Everything that is measured is a real run of the script.
It is run by `capstone_runs`.  `capstone_probes` look for the faults, `capstone_visits` have the budget and
the scores, `capstone_players` play.

One epoch is 1,024 examples seen, whatever the training set holds: that is what one pays for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from dlhelpers.checks import check_choice, check_integer, shown

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
    "inputs": Fault("raw inputs", "normalized", False, "normalize the inputs"),
    "start": Fault("weights start at 0", "initial_scale", 0.0, "start from He's random weights"),
    "rate high": Fault("rate too high", "learning_rate", 32 * HEALTHY.learning_rate, "divide α by 32"),
    "rate low": Fault("rate too low", "learning_rate", 0.01 * HEALTHY.learning_rate, "multiply α by 100"),
    "growth": Fault("rate grows", "rate_factor", 1 / HEALTHY.rate_factor, "let α decay"),
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


# Checks ---------------------------------------------------------------------------------------------


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

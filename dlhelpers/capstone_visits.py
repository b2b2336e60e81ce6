"""The consultation: a patient, a budget of epochs, and what each look and each repair costs.

A visit is a value: each move returns the visit after it.  A move that the rules do not allow raises
`Refusal` and costs nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from dlhelpers.capstone import EPOCHS, FAULTS, HEALTHY, Patient, Script, check_faults, patient, repaired
from dlhelpers.capstone_probes import PROBES, Reading, probe
from dlhelpers.capstone_runs import Run, train
from dlhelpers.checks import check_choice, check_integer, shown

BUDGET = 100
"""Epochs for everything."""
REPAIR, HINT = 4, 8
"""Price of a repair, and of a hint, in epochs."""
MOST = 2
"""A patient has one fault or two."""


class Refusal(ValueError):
    """A move that the rules do not allow; it says why."""


class Looked(NamedTuple):
    """A reading, and what was repaired by then."""

    reading: Reading
    repairs: tuple[str, ...]


@dataclass(frozen=True)
class Visit:
    """A consultation so far.

    Attributes
    ----------
    patient : Patient
    spent : int
        Epochs.
    looks : tuple of Looked
    repairs : tuple of str
        The faults that were written down and repaired.
    hints : tuple of str
    run : Run or None
        The training after the repairs; with it the visit is over.
    """

    patient: Patient
    spent: int = 0
    looks: tuple[Looked, ...] = ()
    repairs: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    run: Run | None = None

    @property
    def script(self) -> Script:
        """As it stands after the repairs."""
        return repaired(self.patient.script, self.repairs)

    @property
    def left(self) -> int:
        """Epochs that are left besides those for the training at the end."""
        return BUDGET - EPOCHS * (self.run is None) - self.spent

    def newest(self, name: str) -> Reading | None:
        """Return the newest reading of the probe with this `name`, or None."""
        check_choice("name", name, PROBES)
        readings = [each.reading for each in self.looks if each.reading.probe == name]
        return readings[-1] if readings else None

    def is_known(self, name: str) -> bool:
        """Tell whether the probe with this `name` has looked at the script as it stands."""
        check_choice("name", name, PROBES)
        return any(each.reading.probe == name and each.repairs == self.repairs for each in self.looks)


class Score(NamedTuple):
    """What a visit is worth, in points of 50 each.

    Attributes
    ----------
    diagnosis, repair : float
    hits, false_alarms : int
        Repairs of what was wrong, and of what was right.
    dev_error, target : float
        After the repairs, and of the right script with the same seed.
    """

    diagnosis: float
    repair: float
    hits: int
    false_alarms: int
    dev_error: float
    target: float

    @property
    def total(self) -> float:
        """Out of 100."""
        return self.diagnosis + self.repair


# Moves ----------------------------------------------------------------------------------------------


def admit(seed: int) -> Visit:
    """Return the visit of a new patient; argument and errors as in `capstone.patient`.

    Examples
    --------
    >>> admit(0).left
    80
    """
    return Visit(patient(seed))


def look(visit: Visit, name: str) -> Visit:
    """Pay a probe and read it.

    Parameters
    ----------
    visit : Visit
    name : str
        A key of `PROBES`.

    Returns
    -------
    Visit

    Raises
    ------
    ValueError
        If an argument is not as above.
    Refusal
        If the visit is over, the budget does not allow it, or the probe has seen this script already.
    """
    check_visit(visit)
    check_choice("name", name, PROBES)
    _check_open(visit)
    if visit.is_known(name):
        raise Refusal(
            f"{PROBES[name].name} has looked at this script: the reading would be the same. Repair first."
        )
    paid = pay(visit, PROBES[name].price)
    reading = probe(name, visit.script, visit.patient.seed)
    return replace(paid, looks=(*visit.looks, Looked(reading, visit.repairs)))


def repair(visit: Visit, faults: tuple[str, ...]) -> Visit:
    """Repair the faults that were written down, and pay for each, whether it was there or not.

    Parameters
    ----------
    visit : Visit
    faults : tuple of str
        Keys of `FAULTS`.

    Returns
    -------
    Visit

    Raises
    ------
    ValueError
        If an argument is not as above.
    Refusal
        If the visit is over, nothing or something repaired is written down, or the budget does not allow it.
    """
    check_visit(visit)
    faults = check_faults("faults", faults)
    _check_open(visit)
    if not faults:
        raise Refusal("The faults must be written down before the repair; got none. Tick one first.")
    again = [FAULTS[key].name for key in faults if key in visit.repairs]
    if again:
        raise Refusal(f"Repaired already: {', '.join(again)}.")
    paid = pay(visit, REPAIR * len(faults))
    return replace(paid, repairs=(*visit.repairs, *faults))


TOLD_BY: Mapping[str, str] = {
    "start": "statistics",
    "inputs": "statistics",
    "gradient": "gradient",
    "test": "twice",
    "rate high": "sweep",
    "rate low": "sweep",
    "penalty": "overfit",
    "labels": "shuffled",
    "few": "curve",
    "growth": "curve",
}
"""For each fault the probe that tells it; those that hide others come first."""


def hint(visit: Visit) -> Visit:
    """Pay to be told which probe shows a fault that is still there.

    Parameters
    ----------
    visit : Visit

    Returns
    -------
    Visit

    Raises
    ------
    ValueError
        If `visit` is no visit.
    Refusal
        If the visit is over, or the budget does not allow it.
    """
    check_visit(visit)
    _check_open(visit)
    paid = pay(visit, HINT)
    there = [key for key in TOLD_BY if key in visit.patient.faults and key not in visit.repairs]
    words = f"Hint: {PROBES[TOLD_BY[there[0]]].name} shows a fault." if there else "Hint: no fault is left."
    return replace(paid, hints=(*visit.hints, words))


def finish(visit: Visit) -> Visit:
    """Train the script as it stands; the visit is over.

    Parameters
    ----------
    visit : Visit

    Returns
    -------
    Visit

    Raises
    ------
    ValueError
        If `visit` is no visit.
    Refusal
        If it is over already.
    """
    check_visit(visit)
    _check_open(visit)
    return replace(visit, spent=visit.spent + EPOCHS, run=train(visit.script, visit.patient.seed))


def score(visit: Visit) -> Score:
    r"""Score the diagnosis and the repair of a visit that is over.

    .. math::
        S_\text{diagnosis} &= 50 \, \max\left(0, \frac{\text{hits} - \text{false alarms}}
            {\text{faults}}\right) \tag{1} \\
        S_\text{repair} &= 50 \, \operatorname{clip}\left(
            1 - \frac{e - e^* - 0.01}{0.2}, 0, 1\right) \tag{2}

    e is the dev error after the repair, and e* that of the right script.  One point of error is forgiven:
    386 dev digits cannot tell it from luck.

    Parameters
    ----------
    visit : Visit

    Returns
    -------
    Score

    Raises
    ------
    ValueError
        If `visit` is no visit that is over.
    """
    check_visit(visit)
    if visit.run is None:
        raise ValueError("visit must be over to be scored; got one that goes on. Call finish(visit) first.")
    there = set(visit.patient.faults)
    hits = len(there.intersection(visit.repairs))
    false_alarms = len(visit.repairs) - hits
    target, error = train(HEALTHY, visit.patient.seed).dev_error, visit.run.dev_error
    diagnosis = 50 * max(0.0, (hits - false_alarms) / len(there))  # (1)
    repair_points = 50 * float(np.clip(1 - (error - target - 0.01) / 0.2, 0, 1))  # (2)
    return Score(diagnosis, repair_points, hits, false_alarms, error, target)


def pay(visit: Visit, price: int) -> Visit:
    """Take epochs from the budget.

    Parameters
    ----------
    visit : Visit
    price : int >= 0

    Returns
    -------
    Visit

    Raises
    ------
    ValueError
        If an argument is not as above.
    Refusal
        If fewer are left besides those for the training at the end.

    Examples
    --------
    >>> pay(admit(0), 10).left
    70
    """
    check_visit(visit)
    check_integer("price", price, "[0, inf)", "It is a number of epochs.")
    if price > visit.left:
        raise Refusal(
            f"That costs {price} epochs, and {visit.left} are left besides the {EPOCHS} for training. "
            "Take something cheaper, or train."
        )
    return replace(visit, spent=visit.spent + price)


# Checks ---------------------------------------------------------------------------------------------


def check_visit(visit: Visit) -> None:
    """Raise ValueError unless `visit` is a Visit."""
    if not isinstance(visit, Visit):
        raise ValueError(f"visit must be a Visit; got {shown(visit)}. Begin with admit(seed).")


def _check_open(visit: Visit) -> None:
    if visit.run is not None:
        raise Refusal("This patient is discharged. Take a new one.")

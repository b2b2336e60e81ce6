"""Two who play a visit of `capstone_visits`: one reads the probes by rules, the other does not read them."""

import numpy as np

from dlhelpers.capstone import FAULTS
from dlhelpers.capstone_probes import PROBES, Reading
from dlhelpers.capstone_visits import MOST, REPAIR, Visit, admit, check_visit, finish, look, pay, repair
from dlhelpers.checks import check_integer, check_rng

LARGE_INPUT, BAD_FIT, LIKE_GUESSING, GAP, RISE = 3.0, 0.3, 0.8, 0.08, 2.0
"""Limits of the rules, between the readings of the right script and those of the faults."""


def intended(seed: int) -> Visit:
    """Play a patient by the rules of `suspects`: cheap looks first, repair, look again, train.

    Parameters
    ----------
    seed : int >= 0
        Of the patient.

    Returns
    -------
    Visit
        It is over.

    Raises
    ------
    ValueError
        If `seed` is something else.
    """
    return play(admit(seed))


def play(visit: Visit) -> Visit:
    """Go on with a visit as `intended` does, to its end.

    Parameters
    ----------
    visit : Visit
        One that goes on.

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
    while len(visit.repairs) < MOST:
        visit = _look_around(visit)
        found = tuple(key for key in suspects(visit) if key not in visit.repairs)
        if not found or REPAIR * len(found) > visit.left:
            break
        visit = repair(visit, found[: MOST - len(visit.repairs)])
    return finish(visit)


def _look_around(visit: Visit) -> Visit:
    """Look with one probe after the other until one shows something, or nothing is left to pay."""
    for name in ("statistics", "twice", "gradient", "overfit", "sweep", "curve", "shuffled"):
        if not _is_useful(name, visit) or visit.is_known(name):
            continue
        if PROBES[name].price > visit.left:
            return visit
        visit = look(visit, name)
        if suspects(visit):
            return visit
    return visit


def _is_useful(name: str, visit: Visit) -> bool:
    """Tell whether the readings so far give a reason for an expensive probe."""
    overfit, curve = visit.newest("overfit"), visit.newest("curve")
    if name == "sweep":
        return overfit is not None and overfit.number > BAD_FIT
    if name == "shuffled":
        return curve is not None and curve.number > LIKE_GUESSING
    return True


def suspects(visit: Visit) -> tuple[str, ...]:
    """Return the faults that the readings of the script as it stands speak for.

    Parameters
    ----------
    visit : Visit

    Returns
    -------
    tuple of str
        Keys of `FAULTS`.

    Raises
    ------
    ValueError
        If `visit` is no visit.
    """
    check_visit(visit)
    seen = {name: visit.newest(name) if visit.is_known(name) else None for name in PROBES}
    found = []
    if (reading := seen["statistics"]) is not None:
        found += ["inputs"] * (reading.numbers["inputs"] > LARGE_INPUT)
        found += ["start"] * (reading.numbers["Z1"] == 0)
    if (reading := seen["twice"]) is not None and reading.number > 0:
        found.append("test")
    if (reading := seen["gradient"]) is not None and reading.number > 1e-4:
        found.append("gradient")
    overfit, sweep = seen["overfit"], seen["sweep"]
    if overfit is not None and sweep is not None and overfit.number > BAD_FIT:
        found.append(_from_sweep(overfit.number, sweep.number))
    if (reading := seen["curve"]) is not None:
        found += _from_curve(reading)
    if (reading := seen["shuffled"]) is not None and reading.number > 0.9:
        found.append("labels")
    return tuple(key for key in FAULTS if key in found)


def _from_sweep(loss: float, factor: float) -> str:
    """Return why one batch cannot be fitted."""
    if factor > 1:
        return "rate low"
    return "rate high" if loss > 10 else "penalty"


def _from_curve(reading: Reading) -> list[str]:
    train_error, dev_error = reading.numbers["train error"], reading.numbers["dev error"]
    if reading.numbers["rise"] > RISE:
        return ["growth"]
    return ["few"] if dev_error - train_error > GAP and train_error < 0.1 else []


def at_random(seed: int, rng: np.random.Generator) -> Visit:
    """Play a patient without reading: some probes, one or two repairs, all drawn.

    Parameters
    ----------
    seed : int >= 0
        Of the patient.
    rng : numpy.random.Generator
        Of the moves.

    Returns
    -------
    Visit
        It is over; the probes are paid, but not run.

    Raises
    ------
    ValueError
        If an argument is not as above.
    """
    check_integer("seed", seed, "[0, inf)", "Each seed is a patient.")
    check_rng(rng)
    faults = tuple(map(str, rng.permutation(list(FAULTS))[: rng.integers(1, MOST + 1)]))
    visit = repair(admit(seed), faults)
    for name in rng.permutation(list(PROBES))[: rng.integers(len(PROBES) + 1)]:
        if PROBES[name].price <= visit.left:
            visit = pay(visit, PROBES[name].price)
    return finish(visit)

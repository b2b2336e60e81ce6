"""What the ward shows of a visit: its readings beside those of the right script, and who else has played."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dlhelpers.capstone import EPOCHS, FAULTS, HEALTHY
from dlhelpers.capstone_players import at_random, intended
from dlhelpers.capstone_probes import PROBES, probe
from dlhelpers.capstone_runs import train
from dlhelpers.capstone_visits import BUDGET, Visit, score
from dlhelpers.live.stages import Stages

OTHERS = 10
"""Random players beside the reader."""


class Board(NamedTuple):
    """A visit, and what it is compared with.

    Attributes
    ----------
    visit : Visit
    came, target : float
        Dev error of the script as it came, and of the right one.
    right : dict from str to float
        The reading of the right script, for each probe that the reader has paid.
    intended : Visit or None
    others : tuple of Visit
        Played at random; there as far as they are computed, and only when the visit is over.
    """

    visit: Visit
    came: float
    target: float
    right: dict[str, float]
    intended: Visit | None = None
    others: tuple[Visit, ...] = ()

    @property
    def finding(self) -> str:
        """How the patient is, and what is spent."""
        visit = self.visit
        who = f"Patient {visit.patient.seed}"
        if visit.run is None:
            return f"{who} came with a dev error of {self.came:.0%}: {visit.spent} of {BUDGET} epochs spent"
        return f"{who}: {score(visit).total:.0f} of 100 points, dev error {visit.run.dev_error:.1%}"

    @property
    def caption(self) -> str:
        """What was seen last, or how it ended."""
        return self._so_far if self.visit.run is None else self._end

    @property
    def _so_far(self) -> str:
        visit = self.visit
        words = [visit.hints[-1]] if visit.hints else []
        if visit.looks:
            reading, repairs = visit.looks[-1]
            when = "" if repairs == visit.repairs else " (before the repair)"
            words.append(f"{PROBES[reading.probe].name}{when}: {reading.words}")
        if visit.repairs:
            words.append(f"Repaired: {_names(visit.repairs)}.")
        if not visit.looks:
            words.append(
                f"The right script would reach {self.target:.1%}. Choose a probe; the number is its price."
            )
        words.append(f"{visit.left} epochs are left to look and repair; {EPOCHS} more are kept for training.")
        return " ".join(words)

    @property
    def _end(self) -> str:
        visit, points = self.visit, score(self.visit)
        words = [
            f"It had: {_names(visit.patient.faults)}. You repaired: {_names(visit.repairs) or 'nothing'}.",
            f"Diagnosis {points.diagnosis:.0f} of 50, repair {points.repair:.0f} of 50: dev error "
            f"{points.dev_error:.1%} where the right script has {points.target:.1%}; {visit.spent} epochs.",
        ]
        if self.intended is not None:
            best = score(self.intended)
            words.append(
                f"The intended way: {best.total:.0f} points, dev error {best.dev_error:.1%}, "
                f"{self.intended.spent} epochs."
            )
        if self.others:
            totals = [score(other).total for other in self.others]
            words.append(
                f"{len(totals)} of {OTHERS} at random: {min(totals):.0f} to {max(totals):.0f} points, "
                f"median {np.median(totals):.0f}."
            )
        return " ".join(words)


def _names(faults: Sequence[str]) -> str:
    return ", ".join(FAULTS[key].name for key in faults)


def boards(visit: Visit) -> Stages[Board]:
    """Yield the board of a visit; when it is over, also with those who play beside the reader."""
    seed = visit.patient.seed
    paid = {looked.reading.probe for looked in visit.looks}
    board = Board(
        visit,
        train(visit.patient.script, seed).dev_error,
        train(HEALTHY, seed).dev_error,
        {name: probe(name, HEALTHY, seed).number for name in PROBES if name in paid},
    )
    if visit.run is None:
        yield 1.0, board
        return
    yield 0.0, board
    board = board._replace(intended=intended(seed))
    for k in range(OTHERS):
        yield (k + 1) / (OTHERS + 1), board
        other = at_random(seed, np.random.default_rng([seed, 7, k]))
        board = board._replace(others=(*board.others, other))
    yield 1.0, board


def program(visit: Visit) -> str:
    """Return the program that makes the moves of a visit."""
    lines = ["from dlhelpers.capstone_visits import admit, finish, look, repair, score", ""]
    lines.append(f"visit = admit({visit.patient.seed})")
    done = 0

    def repair_up_to(count: int) -> None:
        nonlocal done
        lines.extend(f'visit = repair(visit, ("{key}",))' for key in visit.repairs[done:count])
        done = count

    for reading, repairs in visit.looks:
        repair_up_to(len(repairs))
        lines += [f'visit = look(visit, "{reading.probe}")', "print(visit.looks[-1].reading.words)"]
    repair_up_to(len(visit.repairs))
    lines += ["visit = finish(visit)", "print(score(visit))"] if visit.run is not None else []
    return "\n".join([*lines, "result = visit", ""])

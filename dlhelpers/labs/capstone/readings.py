"""The lab *Which probe tells which fault?*: every probe, run on the right script and on each fault."""

from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.capstone import FAULTS, spoiled
from dlhelpers.capstone_probes import PROBES, Reading, probe
from dlhelpers.labs.capstone.views import ratio, short
from dlhelpers.live.controls import choice
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.plots.style import ACCENT, GHOST, View, moving
from dlhelpers.plots.tiles import one_tile

RIGHT = "the right script"
ROWS = {RIGHT: (), **{fault.name: (key,) for key, fault in FAULTS.items()}}
"""The faults of each row."""
COLUMNS = {each.name: key for key, each in PROBES.items()}
TELLS = 3.0
"""A reading that is this many times that of the right script, or less than its 1/3, tells a fault."""


class Readings(NamedTuple):
    """What is known: for each row, the readings so far by the key of the probe; one cell is chosen."""

    fault: str
    probe: str
    seed: int
    table: dict[str, dict[str, Reading]]

    @property
    def key(self) -> str:
        """Of the chosen probe."""
        return COLUMNS[self.probe]

    def ratio(self, row: str, key: str) -> float | None:
        """Return a reading as a multiple of the right script's; None while one of them is not there."""
        one, right = self.table.get(row, {}).get(key), self.table.get(RIGHT, {}).get(key)
        return None if one is None or right is None else ratio(key, one.number, right.number)

    def tells(self, row: str, key: str) -> bool:
        """Tell whether a probe reads something else for a fault than for the right script."""
        found = self.ratio(row, key)
        return found is not None and not 1 / TELLS < found < TELLS

    @property
    def finding(self) -> str:
        """The chosen reading beside that of the right script."""
        one = self.table.get(self.fault, {}).get(self.key)
        right = self.table.get(RIGHT, {}).get(self.key)
        if one is None or right is None:
            return f"{self.probe}: not yet read"
        if self.fault == RIGHT:
            return f"{self.probe}, right script: {short(self.key, right.number)}"
        return (
            f"{self.probe}, {self.fault}: {short(self.key, one.number)}, right script "
            f"{short(self.key, right.number)}"
        )

    @property
    def caption(self) -> str:
        """The chosen reading in words, and which faults this probe tells."""
        one = self.table.get(self.fault, {}).get(self.key)
        words = one.words if one is not None else f"{self.probe} costs {PROBES[self.key].price} epochs."
        known = [row for row in ROWS if row != RIGHT and self.ratio(row, self.key) is not None]
        told = [row for row in known if self.tells(row, self.key)]
        so_far = "" if len(known) == len(FAULTS) else f" (of {len(known)} so far)"
        names = ", ".join(told) or "none"
        return (
            f"{words} This probe reads another number, by more than a factor of 3, for {len(told)} of "
            f"{len(FAULTS)} faults{so_far}: {names}."
        )


@remembered(40)
def read_all(row: str, seed: int) -> Stages[dict[str, Reading]]:
    """Run all probes on the script of one row."""
    found: dict[str, Reading] = {}
    for k, name in enumerate(PROBES, start=1):
        found = {**found, name: probe(name, spoiled(ROWS[row]), seed)}
        yield k / len(PROBES), found


def fill_table(fault: str, probe: str, seed: int) -> Stages[Readings]:
    """Fill the table: the right script, the chosen fault, the others."""
    right: dict[str, Reading] = {}
    for share, right in read_all(RIGHT, seed):
        if share < 1:
            yield share / 20, Readings(fault, probe, seed, {RIGHT: right})
    others = [row for row in ROWS if row != RIGHT]
    first = fault if fault != RIGHT else others[0]
    stages = each_of(others, first, lambda row: read_all(row, seed), lambda row: read_all.recall(row, seed))
    for share, table in stages:
        yield 0.05 + 0.95 * share, Readings(fault, probe, seed, {RIGHT: right, **table})


def program(fault: str, probe: str, seed: int) -> str:
    """Return the program behind the chosen cell."""
    return f"""
from dlhelpers.capstone import spoiled
from dlhelpers.capstone_probes import probe

right = probe("{COLUMNS[probe]}", spoiled(()), {seed})
wrong = probe("{COLUMNS[probe]}", spoiled({ROWS[fault]!r}), {seed})
print(wrong.words)
result = wrong.number, right.number
"""


class TableView(View[Readings]):
    """Readings in numbers; the more orange, the further from the right script."""

    ORANGES = colormaps["Oranges"]

    def __init__(self, ax: Axes) -> None:
        rows, columns = len(ROWS), len(COLUMNS)
        ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        ax.set_xticks(range(columns), [name.replace(" ", "\n", 1) for name in COLUMNS], fontsize=9)
        ax.set_yticks(range(rows), list(ROWS))
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.set_xlabel("green frame: the chosen cell; grey: the one before", color=ACCENT)
        ax.xaxis.set_label_position("bottom")
        ax.grid(visible=False)
        self._fields = one_tile(ax, smooth=False, corner=(-0.5, -0.5), width=columns, height=rows)
        self._texts = {
            (row, column): moving(ax.text(column, row, "", ha="center", va="center", fontsize=9))
            for row in range(rows)
            for column in range(columns)
        }
        (self._old,) = ax.plot([], [], "-", color=GHOST, lw=2)
        (self._frame,) = ax.plot([], [], "-", color=ACCENT, lw=3)
        for line in (self._old, self._frame):
            moving(line).set_in_layout(False)

    def update(self, result: Readings, before: Readings | None) -> None:
        """Show `result.table`, with a frame around the chosen cell."""
        sizes = np.zeros((len(ROWS), len(COLUMNS)))
        for (row, column), text in self._texts.items():
            name, key = list(ROWS)[row], list(PROBES)[column]
            found, reading = result.ratio(name, key), result.table.get(name, {}).get(key)
            sizes[row, column] = 0.0 if found is None else min(abs(np.log10(found)), 3.0)
            text.set_text("" if reading is None else short(key, reading.number))
            text.set_color("white" if sizes[row, column] > 1.8 else "#222222")
        colors = np.where(sizes[..., np.newaxis] < 0.3, 1.0, self.ORANGES(sizes / 3)[..., :3])
        self._fields.set_pictures(colors[np.newaxis])
        for line, shown in ((self._frame, result), (self._old, before)):
            if shown is None:
                line.set_data([], [])
                continue
            x, y = list(COLUMNS).index(shown.probe), list(ROWS).index(shown.fault)
            edge = np.array([-0.5, 0.5, 0.5, -0.5, -0.5]), np.array([-0.5, -0.5, 0.5, 0.5, -0.5])
            line.set_data(x + edge[0], y + edge[1])


def views(figure: Figure) -> list[View[Readings]]:
    """Lay out the lab: one table."""
    return [TableView(figure.subplots())]


def _nearest(names: list[str], at: float) -> str:
    return names[int(np.clip(round(at), 0, len(names) - 1))]


def readings_lab() -> Lab:
    """Return the lab *Which probe tells which fault?*"""
    return Lab(
        "Which probe tells which fault?",
        controls={
            "fault": choice("Fault", list(ROWS), "labels do not fit"),
            "probe": choice("Probe", list(COLUMNS), "Overfit 32"),
        },
        compute=fill_table,
        views=views,
        grabs=[
            Grab(
                0,
                x="probe",
                y="fault",
                from_x=lambda at: _nearest(list(COLUMNS), at),
                from_y=lambda at: _nearest(list(ROWS), at),
            )
        ],
        code=program,
        presets={
            "zero weights": {"fault": "weights start at 0", "probe": "Loss at the start"},
            "the right script": {"fault": RIGHT, "probe": "Loss at the start"},
            "a bug in the gradient": {"fault": "gradient bug", "probe": "Gradient check"},
            "no fit of labels": {"fault": "labels do not fit", "probe": "Shuffled labels"},
        },
        size=(9.6, 4.1),
    )

"""Where the parts of a network stand in its drawing, and which part lies under the pointer."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dlhelpers.typing import FloatArray

WIDTH, HEIGHT = 400.0, 380.0
"""Of the drawing, in its own units: pixels at scale 1."""
LEFT, RIGHT, RIGHT_OF_NAMES = 64.0, 38.0, 120.0
"""From the sides to the middle of the inputs and of the outputs, whose names stand between."""
SHOWN = 16
"""Units of a layer that are drawn, at most; the caption says so."""
LAYERS_AT = (WIDTH / 2, HEIGHT - 8)
"""Where the number of layers stands, with its - and +."""
UNITS_AT = 12.0
"""How high the number of units of each layer stands, with its - and +."""
APART, LAYERS_APART = 20.0, 84.0
"""From the number of units, and of layers, to its - and its +."""
REACH = 6.0
"""How far from a line the pointer may be."""


class Unit(NamedTuple):
    """A unit: layer 0 holds the inputs, the last one the outputs; both counts begin at 0."""

    layer: int
    unit: int


class Connection(NamedTuple):
    """The weight from unit `source` of layer - 1 to unit `target` of `layer`: `W{layer}[target, source]`."""

    layer: int
    target: int
    source: int

    @property
    def name(self) -> str:
        """Where it stands among the parameters."""
        return f"W{self.layer}[{self.target},{self.source}]"


class More(NamedTuple):
    """A + or - : so many units more in a hidden layer, or so many layers more, where `layer` is 0."""

    layer: int
    by: int


Part = Unit | Connection | More


class Geometry:
    """The places of a network.

    Parameters
    ----------
    sizes : tuple of int
        Units of each layer, the inputs and outputs too.
    inputs, outputs : sequence of str
        What they are called; they have numbers without.
    """

    def __init__(
        self, sizes: tuple[int, ...], inputs: Sequence[str] = (), outputs: Sequence[str] = ()
    ) -> None:
        self.sizes = sizes
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.shape = sizes, self.inputs, self.outputs
        self.shown = tuple(min(n, SHOWN) for n in sizes)
        self.columns = np.linspace(LEFT, WIDTH - (RIGHT_OF_NAMES if outputs else RIGHT), len(sizes))
        between = self.columns[1] - self.columns[0]
        self.spacing = min(46.0, (HEIGHT - 62) / max(self.shown))
        self.side = float(min(36.0, 0.86 * self.spacing, 0.6 * between))

    def place(self, unit: Unit) -> tuple[float, float]:
        """Return the center of a unit; the first one is the highest."""
        up = (self.shown[unit.layer] - 1) / 2 - unit.unit
        return float(self.columns[unit.layer]), HEIGHT / 2 + self.spacing * up

    @cached_property
    def units(self) -> list[Unit]:
        """All units that are drawn."""
        return [Unit(layer, unit) for layer, n in enumerate(self.shown) for unit in range(n)]

    @cached_property
    def connections(self) -> list[Connection]:
        """All connections that are drawn: of each layer row by row, as its weights stand in W."""
        return [
            Connection(layer, target, source)
            for layer in range(1, len(self.sizes))
            for target in range(self.shown[layer])
            for source in range(self.shown[layer - 1])
        ]

    def line(self, connection: Connection) -> list[tuple[float, float]]:
        """Return the two ends of a connection, at the sides of its units."""
        layer, target, source = connection
        (left, low), (right, high) = self.place(Unit(layer - 1, source)), self.place(Unit(layer, target))
        return [(left + self.side / 2, low), (right - self.side / 2, high)]

    @cached_property
    def lines(self) -> FloatArray:
        """The ends of all connections, (n, 2, 2)."""
        return np.array([self.line(each) for each in self.connections])

    def at(self, x: float, y: float) -> Part | None:
        """Return what lies at a place of the drawing."""
        return self._button_at(x, y) or self._unit_at(x, y) or self._connection_at(x, y)

    def _button_at(self, x: float, y: float) -> More | None:
        counts = [(0, *LAYERS_AT)]
        counts += [(layer, self.columns[layer], UNITS_AT) for layer in range(1, len(self.sizes) - 1)]
        for layer, across, up in counts:
            apart = APART if layer else LAYERS_APART
            for by in (-1, 1):
                if abs(x - across - by * apart) < APART / 2 and abs(y - up) < APART / 2:
                    return More(layer, by)
        return None

    def _unit_at(self, x: float, y: float) -> Unit | None:
        inside = self.side / 2 + 1
        for unit in self.units:
            across, up = self.place(unit)
            if abs(x - across) <= inside and abs(y - up) <= inside:
                return unit
        return None

    def _connection_at(self, x: float, y: float) -> Connection | None:
        starts, ends = self.lines[:, 0], self.lines[:, 1]
        along = ends - starts
        from_start = np.array([x, y]) - starts
        share = np.clip((from_start * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
        distances = np.hypot(*(from_start - share[:, np.newaxis] * along).T)
        nearest = int(distances.argmin())
        return self.connections[nearest] if distances[nearest] <= REACH else None

    def name(self, part: Unit | Connection) -> str:
        """Return what a unit is called, or which two a connection joins; in words one counts from 1."""
        if isinstance(part, Connection):
            source, target = Unit(part.layer - 1, part.source), Unit(part.layer, part.target)
            return f"from {self.name(source)} to {self.name(target)}"
        number = str(part.unit + 1)
        if part.layer == 0:
            return f"input {self.inputs[part.unit] if self.inputs else number}"
        if part.layer == len(self.sizes) - 1:
            return f"output {self.outputs[part.unit] if self.outputs else number}"
        return f"unit {number} of layer {part.layer}"

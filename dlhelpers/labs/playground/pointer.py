"""What the pointer finds in the picture of the playground, and the words beside it."""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dlhelpers.labs.playground.frame import Frame, probabilities
from dlhelpers.labs.playground.geometry import Connection, More, Part, Unit
from dlhelpers.plots.decision_regions import GLYPHS
from dlhelpers.session import Measurement, Session
from dlhelpers.typing import FloatArray

DRAWING, PLANE = "drawing", "map"
"""The labels of the axes that the pointer takes hold of."""


class Place(NamedTuple):
    """A place of the picture: the label of its axes, and the two numbers there."""

    panel: str
    x: float
    y: float


def place(figure: Figure, x: float, y: float) -> Place | None:
    """Return the place at these shares of a figure's width and height; None beside all axes."""
    pixel = (x * figure.bbox.width, y * figure.bbox.height)
    for ax in figure.axes:
        if ax.get_visible() and ax.bbox.contains(*pixel):
            across, up = ax.transData.inverted().transform(pixel)
            return Place(str(ax.get_label()), float(across), float(up))
    return None


def part_at(result: Frame, where: Place | None) -> Part | None:
    """Return what part of the drawing is there."""
    if where is None or where.panel != DRAWING:
        return None
    return result.geometry.at(where.x, where.y)


def read(session: Session, result: Frame, where: Place | None) -> str:
    """Return what can be read at a place; empty where there is nothing."""
    if where is None:
        return ""
    if where.panel == DRAWING:
        return _part_in_words(result, part_at(result, where))
    if where.panel == PLANE and result.large is None:
        shares = probabilities(session, np.array([[where.x, where.y]]))[0]
        return f"{where.x:.2f}, {where.y:.2f}: " + "  ".join(
            f"{_class_in_words(result, k)} {shares[k]:.0%}" for k in np.argsort(-shares)[:3]
        )
    if where.panel == PLANE:
        row, column = (_nearest(result, number) for number in (where.y, where.x))
        assert result.large is not None
        return f"{where.x:.2f}, {where.y:.2f}: {result.large[row, column]:.2f} of the largest answer"
    if where.panel in ("loss", "accuracy"):
        return _curves_in_words(result, where)
    if where.panel == "confusion matrix":
        label, predicted = (min(int(number), len(result.confusion) - 1) for number in (where.y, where.x))
        words = (_class_in_words(result, k) for k in (label, predicted))
        return "labeled {}, predicted {}: ".format(*words) + str(result.confusion[label, predicted])
    return ""


def _class_in_words(result: Frame, k: int) -> str:
    """Return the mark of a class and its name, if it has one."""
    return f"{GLYPHS[k]} {result.class_names[k]}" if result.class_names else GLYPHS[k]


def _nearest(result: Frame, number: float) -> int:
    """Return the row or column of the map that a coordinate lies in."""
    n = len(result.map)
    return int(np.clip(round((number / result.limit + 1) / 2 * (n - 1)), 0, n - 1))


def _part_in_words(result: Frame, part: Part | None) -> str:
    if isinstance(part, Unit):
        return result.geometry.name(part) + _everywhere(result.answers[part.layer][part.unit])
    if isinstance(part, Connection):
        weight = result.layer_weights[part.layer - 1][part.target, part.source]
        return f"weight {weight:.3g}, {result.geometry.name(part)}"
    if isinstance(part, More):
        what = "unit" if part.layer else "layer"
        return f"a {what} more" if part.by > 0 else f"a {what} less"
    return ""


def _everywhere(answers: FloatArray) -> str:
    """Return what there is to say of a unit that answers the same in the whole plane."""
    if np.ptp(answers) > 0:
        return ""
    return f": {'the same' if answers.any() else '0'} everywhere"


def _curves_in_words(result: Frame, where: Place) -> str:
    """Return the measurement whose step is nearest."""
    steps = result.curves["step"]
    k = int(np.abs(steps - where.x).argmin())
    there = Measurement(*(result.curves[name][k] for name in Measurement._fields))
    sets = ("train", "dev", "test") if result.n_test else ("train", "dev")
    values = (f"{part} {getattr(there, f'{part}_{where.panel}'):.3g}" for part in sets)
    return f"step {there.step:,.0f}: {', '.join(values)}"

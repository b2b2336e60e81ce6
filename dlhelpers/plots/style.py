"""Colors, figures and the small pieces that all views share."""

from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

TRAIN = "#0072B2"
"""Blue, drawn solid: the training set."""
DEV = "#D55E00"
"""Vermillion, drawn dashed: the dev set."""
TEST = "#000000"
"""Black, drawn dotted: the test set, and the truth."""
GHOST = "#9a9a9a"
"""Grey: the state before the last change."""
ACCENT = "#009E73"
"""Bluish green: what the reader chose."""
LIGHT_BLUE, LIGHT_ORANGE, LIGHT_GREY = "#9ecae9", "#f6c08f", "#d4d4d4"
INK, OCHRE, PLUM, TEAL = "#222222", "#8a6400", "#b0418a", "#007a87"
"""Free for what a lab compares, such as methods or axes; each gets a line or a mark of its own, too."""
LIGHT_OCHRE, LIGHT_PLUM = "#d2bd86", "#dfaecd"
OPTIMIZER_COLORS = {"GD": INK, "momentum": PLUM, "RMSprop": "#5a5a5a", "Adam": OCHRE}
"""Few hues: where lines and bands of many hues cross, the picture's 256 colors do not suffice."""
OPTIMIZER_LINES: dict[str, Any] = {
    "GD": "-",
    "momentum": "--",
    "RMSprop": "-.",
    "Adam": (0, (6, 1.5, 1, 1.5, 1, 1.5)),
}
OPTIMIZER_MARKS = {"GD": "—", "momentum": "--", "RMSprop": "-·", "Adam": "-··"}
"""Their lines as they stand in a key."""

AnyArtist = TypeVar("AnyArtist", bound=Artist)
Result = TypeVar("Result", contravariant=True)


class View(Protocol[Result]):
    """What a canvas shows of a result: artists made once, updated in place."""

    def update(self, result: Result, before: Result | None) -> None:
        """Show `result`; draw `before`, the result ahead of the last change, in grey, or hide it."""


def course_style() -> Any:
    """Return what differs now from the course's settings of matplotlib, for `matplotlib.rc_context`.

    A lab looks the same whatever the reader has set for figures of their own.  To set them all takes twice as
    long, in every frame.
    """
    now = matplotlib.rcParams
    return {name: value for name, value in _settings().items() if now[name] != value}


@cache
def _settings() -> Any:
    """Return all settings of matplotlib, with those of course.mplstyle."""
    path = Path(__file__).with_name("course.mplstyle")
    settings = matplotlib.rc_params_from_file(path, use_default_template=True)
    not_style = {"backend", "backend_fallback", "interactive", "toolbar"}
    return {name: value for name, value in settings.items() if name not in not_style}


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that many inches; 100 pixels are one inch.

    Make its Axes and artists under `matplotlib.rc_context(course_style())`.
    """
    with matplotlib.rc_context(course_style()):
        return Figure(figsize=(width, height), layout="constrained")


def moving(artist: AnyArtist) -> AnyArtist:
    """Mark an artist as one that changes from frame to frame, and return it."""
    artist.set_animated(True)
    return artist


def key(ax: Axes, *pieces: tuple[str, str]) -> list[Text]:
    """Write, in one line above the axes, what is what: pairs of a text and its color; return the texts.

    It stands in for a legend: nothing can hide it, and it does not move.
    """
    anchor: Any = None
    texts: list[Text] = []
    for text, color in pieces:
        at, offset = ((0, 1), (0, 5)) if anchor is None else ((1, 0), (12, 0))
        anchor = ax.annotate(
            text,
            at,
            offset,
            xycoords=anchor or "axes fraction",
            textcoords="offset points",
            va="bottom",
            color=color,
            fontsize=9.5,
        )
        anchor.set_in_layout(text == pieces[0][0])
        texts.append(anchor)
    return texts


def note(ax: Axes, x: float, y: float, text: str = "", **style: Any) -> Text:
    """Return a text that changes, on a white ground so that lines do not cross it."""
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0}
    return moving(ax.text(x, y, text, bbox=ground, **style))

"""What there is to see of a run: numbers taken between two steps, and the words that follow from them."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dlhelpers.labs.playground.controls import LABELS
from dlhelpers.session import Change, Measurement, Session
from dlhelpers.settings import Settings
from dlhelpers.typing import FloatArray, IntArray

GRID = 50
"""Points of the decision map along each axis."""
LIMITS = (3.0, 6.0)
"""How far the plane reaches, at least and at most."""
KEPT = 3
"""Runs that stay in grey, at most."""


class Kept(NamedTuple):
    """A run that stays in grey, to compare with.

    Attributes
    ----------
    letter : str
    curves : dict of arrays
    settings : Settings
        At its start.
    changes : tuple of Change
    microseconds : float
        For each step, measuring included; 0 if none was timed.
    """

    letter: str
    curves: dict[str, FloatArray]
    settings: Settings
    changes: tuple[Change, ...]
    microseconds: float

    @property
    def last(self) -> Measurement:
        """The end of its curves."""
        return Measurement(*(self.curves[name][-1] for name in Measurement._fields))


class Frame(NamedTuple):
    """Everything that one picture shows, taken between two steps.

    Attributes
    ----------
    now : Measurement
    limit : float
        The plane reaches from -limit to limit.
    outside : int
        Examples that lie outside of it.
    map : (n, n, n_classes) float array
        Probabilities in the plane.
    units : (n_units, n, n) float array
        Answers of the units of one layer in the plane, each scaled to [-1, 1].
    train, dev : (X, y)
    curves : dict of arrays
    kept : list of Kept
    looked_at : Measurement or None
        The point of the curves that a line marks.
    changes : list of int
        Steps at which a setting was changed.
    story : tuple of Change
    weights, gradients, steps : (n_layers,) float array
        Root mean squares.
    layer_weights : list of arrays
    confusion : (n_classes, n_classes) int array
    axis_names : (str, str)
    panel, message : str
    settings, start : Settings
        Now, and at the start of the run.
    every : int
        Steps between two points of the curves.
    last_change : str
    playing : bool
    """

    now: Measurement
    limit: float
    outside: int
    map: FloatArray
    units: FloatArray
    train: tuple[FloatArray, IntArray]
    dev: tuple[FloatArray, IntArray]
    curves: dict[str, FloatArray]
    kept: list[Kept]
    looked_at: Measurement | None
    changes: list[int]
    story: tuple[Change, ...]
    weights: FloatArray
    gradients: FloatArray
    steps: FloatArray
    layer_weights: list[FloatArray]
    confusion: IntArray
    axis_names: tuple[str, str]
    panel: str
    message: str
    settings: Settings
    start: Settings
    every: int
    last_change: str
    playing: bool


_line = np.linspace(-1, 1, GRID)
SQUARE = np.stack(np.meshgrid(_line, _line), axis=-1).reshape(-1, 2)
"""The points at which the network is asked, (n * n, 2), in units of the plane's limit."""


def frame(
    session: Session, panel: str, layer: int, kept: Sequence[Kept], look_at: int, playing: bool
) -> Frame:
    """Return what there is to see of a session now; `look_at` is a step of its curves, 0 for none."""
    now, network = session.now, replace(session.network, keep_prob=1.0)
    theta = np.nan_to_num(now.theta)
    farthest = np.abs(session.points.X).max(axis=1)
    limit = float(np.clip(np.ceil(farthest.max()), *LIMITS))
    plane = limit * SQUARE
    units = np.zeros((0, GRID, GRID))
    if panel == "units" and session.settings.hidden:
        layer = min(layer, len(session.settings.hidden))
        answers = np.nan_to_num(network.hidden_units(theta, plane, now.statistics)[layer - 1].T[:16])
        size = np.maximum(np.abs(answers).max(axis=1, keepdims=True), 1e-12)
        units = (answers / size).reshape(-1, GRID, GRID)
    data = session.data
    return Frame(
        session.measure(),
        limit,
        int((farthest > limit).sum()),
        _shares(network.predict(theta, plane, now.statistics)).reshape(GRID, GRID, -1),
        units,
        (data.X_train, data.y_train),
        (data.X_dev, data.y_dev),
        curves(session),
        list(kept),
        _measured_at(session, look_at),
        [change.step for change in session.changes],
        tuple(session.changes),
        _root_mean_squares(session, now.theta),
        _root_mean_squares(session, now.gradient),
        _root_mean_squares(session, session.last_move),
        [W for name, W in network.layout.views(theta).items() if name.startswith("W")],
        _confusion(network.predict(theta, data.X_dev, now.statistics), data.y_dev, session.n_classes),
        session.points.axis_names,
        panel,
        "" if not session.diverged else f"Training {session.diverged}.\nRewind, or Reset with another rate.",
        session.settings,
        session.start,
        session.every,
        "" if not session.changes else _told(session.changes[-1].step, session.changes[-1].values),
        playing,
    )


def _measured_at(session: Session, step: int) -> Measurement | None:
    """Return the last point of the curves up to a step; None for the start and for the end of the run."""
    if step in (0, session.step):
        return None
    return [each for each in session.history if each.step <= step][-1]


def curves(session: Session) -> dict[str, FloatArray]:
    """Return the recorded curves of a session, as arrays by name."""
    columns = np.array(session.history, dtype=float).T
    return dict(zip(Measurement._fields, columns, strict=True))


def _shares(predictions: FloatArray) -> FloatArray:
    """Return predictions as shares that add up to 1; those of the squared error may be anything."""
    positive = np.clip(np.nan_to_num(predictions), 0, 1) + 1e-9
    return positive / positive.sum(axis=-1, keepdims=True)


def _root_mean_squares(session: Session, values: FloatArray) -> FloatArray:
    """Return the root mean square of the weights of each layer."""
    with np.errstate(all="ignore"):
        views = session.network.layout.views(values)
        sizes = [np.sqrt(np.square(W).mean()) for name, W in views.items() if name.startswith("W")]
    return np.nan_to_num(np.array(sizes), posinf=1e300)


def _confusion(predictions: FloatArray, labels: IntArray, n: int) -> IntArray:
    pairs = labels * n + predictions.argmax(axis=-1)
    return np.bincount(pairs, minlength=n * n).reshape(n, n)


def _told(step: int, values: Mapping[str, Any]) -> str:
    return f"at step {step:,}: {_named(values)}"


def _named(values: Mapping[str, Any]) -> str:
    """Return settings in words, for instance "Learning rate 0.1, Optimizer momentum"."""
    return ", ".join(
        f"{LABELS[name]} {value:.3g}" if isinstance(value, float) else f"{LABELS[name]} {value}"
        for name, value in values.items()
    )


def differences(kept: Kept, now: Frame) -> str:
    """Return, in words, the settings of a kept run that differ from the present one, and its changes."""
    others = vars(now.start)
    words = [_named({name: v for name, v in vars(kept.settings).items() if v != others[name]})]
    own = [change for change in kept.changes if change not in now.story]
    words += [f"{_named(change.values)} from step {change.step:,}" for change in own[-2:]]
    missing = [change for change in now.story if change not in kept.changes]
    words += [f"without {_named(change.values)} from step {change.step:,}" for change in missing[-2:]]
    if len(own) + len(missing) > len(own[-2:]) + len(missing[-2:]):
        words.append("earlier changes")
    return ", ".join(word for word in words if word) or "the same"


def finding(frame: Frame) -> str:
    """Return the title: how good the network is now."""
    return f"Dev accuracy {frame.now.dev_accuracy:.0%} after {frame.now.step:,} steps"


def caption(frame: Frame) -> str:
    """Return what the picture shows, in words."""
    now, settings = frame.now, frame.settings
    n_weights = " x ".join(map(str, (2, *settings.hidden, frame.map.shape[-1])))
    words = (
        f"A network {n_weights} on {settings.data}, trained with {settings.optimizer} "
        f"at a learning rate of {now.learning_rate:.3g}. Loss: {now.train_loss:.3g} on the training set, "
        f"{now.dev_loss:.3g} on the dev set. Accuracy: {now.train_accuracy:.0%} and {now.dev_accuracy:.0%}."
    )
    if frame.last_change:
        words += f" Last change {frame.last_change}."
    if frame.looked_at is not None:
        there, every = frame.looked_at, frame.every
        grid = f" (measured every {every} steps)" if every > 1 else ""
        words += (
            f" The line marks step {there.step:,}{grid}: loss {there.train_loss:.3g} and "
            f"{there.dev_loss:.3g}, accuracy {there.train_accuracy:.0%} and {there.dev_accuracy:.0%}."
        )
    for kept in frame.kept:
        words += (
            f" Grey {kept.letter}: {differences(kept, frame)}; dev accuracy "
            f"{kept.last.dev_accuracy:.0%} after {kept.last.step:,.0f} steps."
        )
    if frame.outside:
        words += f" {frame.outside} examples lie outside of the map."
    return words + (f" {frame.message}".replace("\n", " ") if frame.message else "")


def comparison(frame: Frame, microseconds: float) -> str:
    """Return a table, as HTML, of the runs in grey and the present one; empty if there are none in grey."""
    if not frame.kept:
        return ""
    now = Kept("now", frame.curves, frame.start, frame.story, microseconds)
    rows = []
    for run in (*frame.kept, now):
        told = "" if run is now else html.escape(differences(run, frame))
        last = frame.now if run is now else run.last
        time = f"{run.microseconds:,.0f} µs" if run.microseconds else "not timed"
        cells = (run.letter, told, f"{last.step:,.0f}", f"{last.train_loss:.3g}", f"{last.dev_loss:.3g}")
        rows.append((*cells, f"{last.dev_accuracy:.0%}", time))
    head = ("run", "differs from now in", "steps", "train loss", "dev loss", "dev accuracy", "time a step")
    lines = [_row(head, "th"), *(_row(cells, "td") for cells in rows)]
    return f'<table class="dlh-runs">{"".join(lines)}</table>'


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

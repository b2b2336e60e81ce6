"""What there is to see of a run: numbers taken between two steps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dlhelpers.features import input_features
from dlhelpers.labs.playground.geometry import SHOWN, Connection, Geometry, Part, Unit
from dlhelpers.labs.playground.signs import sign
from dlhelpers.points import places
from dlhelpers.session import Change, Measurement, Session
from dlhelpers.settings import Settings
from dlhelpers.typing import FloatArray, IntArray

GRID, SMALL = 50, 16
"""Points along each axis of the decision map, and of the small pictures of the units."""
LIMITS = (3.0, 6.0)
"""How far the plane reaches, at least and at most."""
KEPT = 3
"""Runs that stay in grey, at most."""


class Kept(NamedTuple):
    """A run that stays in grey, to compare with.

    Attributes
    ----------
    letter : str
        What tells it apart.
    name : str
        Its letter, or what the reader calls it.
    curves : dict of arrays
    settings : Settings
        At its start.
    changes : tuple of Change
    microseconds : float
        For each step, measuring included; 0 if none was timed.
    """

    letter: str
    name: str
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
    answers : tuple of (n_units, k, k) float array
        What the units that are drawn answer in the plane: inputs, hidden units, each scaled to [-1, 1], and
        the probabilities of the outputs.
    chosen : Part or None
        The unit or connection that is looked at.
    held : int or None
        Of the points that were added by hand, the one that was touched last.
    large : (n, n) float array or None
        What the chosen unit answers, scaled in the same way.
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
    class_names : tuple of str
        Empty if classes are numbers.
    panel, message : str
    settings, start : Settings
        Now, and at the start of the run.
    every : int
        Steps between two points of the curves.
    n_test : int
        Examples of the test set, which is on no picture: nothing is chosen by it.
    playing : bool
    sign : str
        What is wrong, in a few words; "" if nothing was measured.
    """

    now: Measurement
    limit: float
    outside: int
    map: FloatArray
    answers: tuple[FloatArray, ...]
    chosen: Part | None
    held: int | None
    large: FloatArray | None
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
    class_names: tuple[str, ...]
    panel: str
    message: str
    settings: Settings
    start: Settings
    every: int
    n_test: int
    playing: bool
    sign: str

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each layer, inputs and outputs too."""
        return (self.layer_weights[0].shape[1], *(len(W) for W in self.layer_weights))

    @property
    def geometry(self) -> Geometry:
        """Where the parts of the network stand in its drawing."""
        return Geometry(self.sizes, self.settings.features, self.class_names)


def square(n: int) -> FloatArray:
    """Return n by n points, (n * n, 2), at which a network is asked, in units of the plane's limit."""
    line = np.linspace(-1, 1, n)
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


SQUARE, SMALL_SQUARE = square(GRID), square(SMALL)


def frame(
    session: Session,
    panel: str,
    chosen: Part | None,
    held: int | None,
    kept: Sequence[Kept],
    look_at: int,
    playing: bool,
) -> Frame:
    """Return what there is to see of a session now; `look_at` is a step of its curves, 0 for none."""
    now, network = session.now, replace(session.network, keep_prob=1.0)
    theta = np.nan_to_num(now.theta)
    by_hand = places(session.settings.added)
    farthest = np.abs(np.concatenate([session.points.X, by_hand])).max(axis=1)
    limit = float(np.clip(np.ceil(farthest.max()), *LIMITS))
    plane = limit * SQUARE
    chosen = chosen if is_drawn(chosen, network.sizes) else None
    data, drawn = session.data, curves(session)
    return Frame(
        session.measure(),
        limit,
        int((farthest > limit).sum()),
        probabilities(session, plane).reshape(GRID, GRID, -1),
        answers(session, limit * SMALL_SQUARE, SHOWN),
        chosen,
        held,
        _large(session, plane, chosen) if isinstance(chosen, Unit) else None,
        (data.X_train, data.y_train),
        (data.X_dev, data.y_dev),
        drawn,
        list(kept),
        _measured_at(session, look_at),
        [change.step for change in session.changes],
        tuple(session.changes),
        _root_mean_squares(session, now.theta),
        _root_mean_squares(session, now.gradient),
        _root_mean_squares(session, session.last_move),
        [W for name, W in network.layout.views(theta).items() if name.startswith("W")],
        _confusion(network.predict(theta, session.dev.X, now.statistics), data.y_dev, session.n_classes),
        session.points.axis_names,
        session.points.class_names,
        panel,
        _how_it_ended(session),
        session.settings,
        session.start,
        session.history.every,
        len(data.y_test),
        playing,
        sign(session, drawn),
    )


def _how_it_ended(session: Session) -> str:
    """Say, within the width of the map, that training has diverged, and what to do."""
    if not session.diverged:
        return ""
    return f"Training diverged at step {session.step}.\nRewind, or Reset with another rate."


def is_drawn(part: Part | None, sizes: tuple[int, ...]) -> bool:
    """Tell whether a network of these sizes has such a unit or connection, and the drawing shows it."""
    shown = [min(n, SHOWN) for n in sizes]
    if isinstance(part, Unit):
        return part.layer < len(sizes) and part.unit < shown[part.layer]
    if isinstance(part, Connection):
        fits = part.layer < len(sizes) and part.target < shown[part.layer]
        return fits and part.source < shown[part.layer - 1]
    return False


def answers(session: Session, plane: FloatArray, most: int) -> tuple[FloatArray, ...]:
    """Return what the first units of each layer answer at (n * n, 2) points, (n_units, n, n) for each layer.

    Inputs and hidden units are scaled to [-1, 1] each; outputs are probabilities.
    """
    now, network = session.now, replace(session.network, keep_prob=1.0)
    theta = np.nan_to_num(now.theta)
    n = round(len(plane) ** 0.5)
    inputs = input_features(plane, session.settings.features)
    hidden = network.hidden_units(theta, inputs, now.statistics)
    layers = [_scaled(layer[:, :most]) for layer in (inputs, *hidden)]
    layers.append(probabilities(session, plane)[:, :most])
    return tuple(layer.T.reshape(-1, n, n) for layer in layers)


def probabilities(session: Session, points: FloatArray) -> FloatArray:
    """Return the probabilities of the classes at (m, 2) points of the plane, (m, n_classes)."""
    now, network = session.now, replace(session.network, keep_prob=1.0)
    inputs = input_features(points, session.settings.features)
    return shares(network.predict(np.nan_to_num(now.theta), inputs, now.statistics))


def _scaled(columns: FloatArray) -> FloatArray:
    """Return columns that are divided by their largest size each."""
    columns = np.nan_to_num(columns)
    scaled: FloatArray = columns / np.maximum(np.abs(columns).max(axis=0), 1e-12)
    return scaled


def _large(session: Session, plane: FloatArray, unit: Unit) -> FloatArray:
    picture: FloatArray = answers(session, plane, unit.unit + 1)[unit.layer][unit.unit]
    is_output = unit.layer == len(session.network.sizes) - 1
    return 2 * picture - 1 if is_output else picture


def _measured_at(session: Session, step: int) -> Measurement | None:
    """Return the last point of the curves up to a step; None for the start and for the end of the run."""
    if step in (0, session.step):
        return None
    return [each for each in session.history if each.step <= step][-1]


def curves(session: Session) -> dict[str, FloatArray]:
    """Return the recorded curves of a session, as arrays by name."""
    columns = np.array(session.history, dtype=float).T
    return dict(zip(Measurement._fields, columns, strict=True))


def shares(predictions: FloatArray) -> FloatArray:
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

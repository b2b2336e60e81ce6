r"""A training run that listens: settings change in the middle, and every step can be visited again.

A `Session` trains one network through `training.descend`.  Its history is data: the settings at the start
and the list of later changes.  Because every random number belongs to a seed and a step, the same list
gives the same run again, to the last bit.  That is what rewind, the line of text and the exported
program rest on.
"""

import copy
import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dlhelpers import datasets
from dlhelpers.activations import ACTIVATIONS
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.bias_variance import error_rate
from dlhelpers.checks import check_array, check_choice, check_flag, check_integer, check_number
from dlhelpers.dropout import draw_uniform
from dlhelpers.initialization import INITIALIZERS
from dlhelpers.losses import LOSSES
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.normalization import fit
from dlhelpers.optimizers import OPTIMIZERS, Optimizer
from dlhelpers.regularization import Regularized
from dlhelpers.schedules import Constant, Cosine, Exponential, InverseTime, Schedule, Staircase, WarmUp
from dlhelpers.training import Descent, Step, descend
from dlhelpers.typing import FloatArray, IntArray

# Data -----------------------------------------------------------------------------------------------

LARGE = 1e100
"""Numbers of a table must be smaller: they are squared and added."""


class Points(NamedTuple):
    """Labeled points in the plane.

    Attributes
    ----------
    X : (m, 2) float array
    y : (m,) int array
    axis_names : (str, str)
        What the two numbers are.
    """

    X: FloatArray
    y: IntArray
    axis_names: tuple[str, str] = ("$x_1$", "$x_2$")


def principal_plane(X: FloatArray) -> FloatArray:
    r"""Return the two coordinates of each row in which the rows differ most, each with variance 1.

    .. math:: X - \bar x = U S V^T, \quad \text{coordinates} = (X - \bar x) V_{:, 1:2} \tag{1}

    Parameters
    ----------
    X : (m, n_features) float array, n_features >= 2

    Returns
    -------
    (m, 2) float array

    Raises
    ------
    ValueError
        If `X` is not such an array.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 2.12.
    """
    check_array("X", X, "(m, n_features)", "Points are rows.", finite=True)
    if X.shape[0] < 2 or X.shape[1] < 2:
        raise ValueError(f"X must have 2 or more rows and columns; got shape {X.shape}.")
    if np.abs(X).max() >= LARGE:
        raise ValueError(f"X must hold numbers below {LARGE:g}; got {np.abs(X).max():g}. Use a larger unit.")
    centered = X - X.mean(axis=0)
    V = np.linalg.svd(centered, full_matrices=False)[2][:2].T
    V = V * np.sign(V[np.abs(V).argmax(axis=0), [0, 1]])  # the sign is free: make the largest entry positive
    coordinates: FloatArray = centered @ V  # (1)
    return fit(coordinates).apply(coordinates)


def _toy(make: Callable[..., tuple[FloatArray, IntArray]]) -> Callable[..., Points]:
    def points(m: int, noise: float, rng: np.random.Generator) -> Points:
        return Points(*make(m, noise=noise, rng=rng))

    return points


def _blobs(m: int, noise: float, rng: np.random.Generator) -> Points:
    return Points(*datasets.blobs(m, classes=4, noise=noise + 0.3, rng=rng))


def _digits(m: int, noise: float, rng: np.random.Generator) -> Points:
    X, y, *_ = datasets.digits()
    rows = rng.permutation(len(y))[:m]
    images = X / 16 + noise * rng.standard_normal(X.shape)
    return Points(principal_plane(images)[rows], y[rows], ("first component", "second component"))


def read_points(text: str) -> Points:
    """Read a table of your own: one row for each example, numbers first, the class in the last column.

    Columns are separated by commas, semicolons or tabs; a first row without numbers is a heading.  Features
    are normalized; of more than two, the plane in which the examples differ most is taken.

    Parameters
    ----------
    text : str
        The content of the file: 20 to 2000 rows, 2 to 10 classes, 2 or more numeric columns.

    Returns
    -------
    Points

    Raises
    ------
    ValueError
        If the table cannot be used; it names the row.

    Examples
    --------
    >>> rows = [f"{i},{i * i},{'even' if i % 2 == 0 else 'odd'}" for i in range(20)]
    >>> read_points(chr(10).join(rows)).X.shape
    (20, 2)
    """
    if not isinstance(text, str):
        raise ValueError(f"text must be the content of a table; got {type(text).__name__}. Pass file.read().")
    separator = max(",;\t", key=text.count)
    try:
        table = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=separator)]
    except csv.Error as error:
        raise ValueError(f"text must be the content of a table; got what cannot be read: {error}.") from None
    rows = [(number, row) for number, row in enumerate(table, start=1) if any(row)]
    names = list(rows.pop(0)[1]) if rows and not any(map(_is_number, rows[0][1][:-1])) else []
    if not 20 <= len(rows) <= 2000:
        raise ValueError(f"text must hold 20 to 2000 rows of data; got {len(rows)}. Each example is a row.")
    width = len(rows[0][1])
    for number, row in rows:
        bad = next((cell for cell in row[:-1] if not _is_number(cell)), None)
        if len(row) != width or width < 3 or bad is not None:
            came = f"{bad!r}" if bad is not None else f"{len(row)} columns"
            raise ValueError(
                f"text must have two or more numbers and a class in every row; got {came} in row {number}. "
                f"The first row of data has {width} columns."
            )
    classes = sorted({row[-1] for _, row in rows})
    if not 2 <= len(classes) <= 10:
        raise ValueError(
            f"text must name 2 to 10 classes in its last column; got {len(classes)}: "
            f"{', '.join(classes)[:60]}."
        )
    X = np.array([[float(cell) for cell in row[:-1]] for _, row in rows])
    y = np.array([classes.index(row[-1]) for _, row in rows])
    if width > 3:
        return Points(principal_plane(X), y, ("first component", "second component"))
    axis_names = (names[0], names[1]) if len(names) == width else ("$x_1$", "$x_2$")
    return Points(fit(X).apply(X), y, axis_names)


def _is_number(cell: str) -> bool:
    try:
        return abs(float(cell)) < LARGE
    except ValueError:
        return False


DATA: Mapping[str, Callable[..., Points]] = {
    "moons": _toy(datasets.moons),
    "circles": _toy(datasets.circles),
    "spirals": _toy(datasets.spirals),
    "spirals-3": _toy(partial(datasets.spirals, arms=3)),
    "xor": _toy(datasets.xor),
    "blobs": _blobs,
    "digits": _digits,
}
"""Functions of m, noise and rng.  The digits are images projected to the plane in which they differ most."""


class Stream:
    """Mini-batches whose size may change between two of them, and that can be taken up at any place.

    The order of an epoch, the numbers of dropout and the noise of a step come from the seed and the number
    of the epoch or step alone.  A rest of one example joins the batch before it.

    Parameters
    ----------
    X : (m, n_features) float array
    Y : (m, n_out) float array
    sizes : tuple of int
        Of the network, for the draws of dropout.
    seed : int >= 0
    batch_size : int >= 1
    input_noise : float >= 0
        Standard deviation of the normal noise that is added to the inputs, fresh in every step.
    step, epoch, position : int >= 0
        Where to begin: the number of the step, the epoch, and the examples of it that are used up.

    Raises
    ------
    ValueError
        If a number is outside of its range.
    """

    def __init__(
        self,
        X: FloatArray,
        Y: FloatArray,
        sizes: tuple[int, ...],
        seed: int,
        batch_size: int = 32,
        input_noise: float = 0.0,
        step: int = 0,
        epoch: int = 0,
        position: int = 0,
    ) -> None:
        check_array("X", X, "(m, n_features)", "Points are rows.", finite=True)
        check_array("Y", Y, f"({len(X)}, n_out)", "One row for each row of X.", finite=True)
        for name, value in (("seed", seed), ("step", step), ("epoch", epoch), ("position", position)):
            check_integer(name, value, "[0, inf)")
        check_integer("batch_size", batch_size, "[1, inf)", f"{len(X)} is batch gradient descent.")
        check_number("input_noise", input_noise, "[0, inf)", "0 means none.")
        self.X, self.Y, self.sizes, self.seed = X, Y, sizes, seed
        self.batch_size, self.input_noise = batch_size, input_noise
        self.step, self.epoch, self.position = step, epoch, position
        self._order = self._shuffled()
        self._began = step, epoch, position

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        self._began = self.step, self.epoch, self.position
        m = len(self.X)
        end = self.position + self.batch_size
        end = m if end >= m - 1 else end
        rows = self._order[self.position : end]
        X = self.X[rows]
        if self.input_noise:
            X = X + self.input_noise * self._rng("noise").standard_normal(X.shape)
        draws = draw_uniform(self.sizes, len(rows), self._rng("draws"))
        batch = Batch(X, self.Y[rows], self.epoch, draws)
        self.step, self.position = self.step + 1, end
        if end == m:
            self.epoch, self.position = self.epoch + 1, 0
            self._order = self._shuffled()
        return batch

    def again(self, run: Descent) -> Step:
        """Return the present step of a run on this stream once more, by the settings as they are now.

        Its batch is cut and its gradient computed anew, so that the update that follows uses them.

        Raises
        ------
        ValueError
            If `run` is no run of `training.descend`.
        """
        if not isinstance(run, Descent):
            raise ValueError(f"run must be a run that descend returned; got {run!r}.")
        epoch = self.epoch
        self.step, self.epoch, self.position = self._began
        if self.epoch != epoch:
            self._order = self._shuffled()
        run.take_back()
        return next(run)

    def _shuffled(self) -> IntArray:
        return np.random.default_rng([self.seed, 0, self.epoch]).permutation(len(self.X))

    def _rng(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, 1 if purpose == "noise" else 2, self.step])


# Settings -------------------------------------------------------------------------------------------

SCHEDULES: Mapping[str, Callable[[float, int], Schedule]] = {
    "constant": lambda rate, half_after: Constant(rate),
    "1/t": lambda rate, half_after: InverseTime(rate, 1 / half_after),
    "exponential": lambda rate, half_after: Exponential(rate, 0.5 ** (1 / half_after)),
    "staircase": lambda rate, half_after: Staircase(rate, 0.5, half_after),
    "cosine": lambda rate, half_after: Cosine(rate, 2 * half_after),
    "warm-up": lambda rate, half_after: WarmUp(Constant(rate), half_after),
}
"""Functions of the rate and of the step at which half of it is left (or, warming up, all is reached)."""


@dataclass(frozen=True)
class Settings:
    """Everything that a session depends on; all but the data and the network may change while it trains.

    Parameters
    ----------
    data : str
        A key of `DATA`, or "own".
    m : int in [20, 2000]
        Points; three of ten are the dev set.
    noise : float in [0, 1]
    data_seed, weight_seed : int >= 0
    hidden : tuple of up to 6 ints in [1, 64]
        Units of the hidden layers.
    batch_norm : bool
    initializer : str
        A key of `initialization.INITIALIZERS`, or "recommended".
    activation, loss_name, optimizer : str
    learning_rate : float in [0, 1000]
    schedule : str
        A key of `SCHEDULES`.
    half_after : int >= 1
        Steps; see `SCHEDULES`.
    beta, beta2 : float in [0, 1)
        Momentum's and RMSprop's beta and Adam's beta1; Adam's beta2.
    batch_size : int >= 1
    l1, l2, weight_decay : float >= 0
    keep_prob : float in (0, 1]
    input_noise : float in [0, 10]

    Raises
    ------
    ValueError
        If a value is outside of its range.
    """

    data: str = "moons"
    m: int = 300
    noise: float = 0.2
    data_seed: int = 0
    hidden: tuple[int, ...] = (8, 8)
    batch_norm: bool = False
    initializer: str = "recommended"
    weight_seed: int = 0
    activation: str = "tanh"
    loss_name: str = "softmax_cross_entropy"
    optimizer: str = "adam"
    learning_rate: float = 0.01
    schedule: str = "constant"
    half_after: int = 1000
    beta: float = 0.9
    beta2: float = 0.999
    batch_size: int = 32
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    keep_prob: float = 1.0
    input_noise: float = 0.0

    def __post_init__(self) -> None:
        check_choice("data", self.data, [*DATA, "own"])
        check_integer("m", self.m, "[20, 2000]", "It is the number of examples.")
        for name in ("data_seed", "weight_seed"):
            check_integer(name, getattr(self, name), "[0, inf)")
        if not isinstance(self.hidden, tuple) or len(self.hidden) > 6:
            raise ValueError(f"hidden must be a tuple of up to 6 sizes; got {self.hidden!r}. Pass (8, 8).")
        for size in self.hidden:
            check_integer("each size in hidden", size, "[1, 64]")
        check_flag("batch_norm", self.batch_norm)
        check_choice("initializer", self.initializer, ["recommended", *INITIALIZERS])
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("loss_name", self.loss_name, LOSSES)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_integer("half_after", self.half_after, "[1, inf)", "It is a number of steps.")
        check_integer("batch_size", self.batch_size, "[1, inf)")
        if self.batch_norm and self.batch_size < 2:
            raise ValueError(
                f"batch_size must be 2 or more with batch normalization; got {self.batch_size}. "
                "One example minus its own mean is 0."
            )
        intervals = {
            "noise": "[0, 1]",
            "learning_rate": "[0, 1000]",
            "beta": "[0, 1)",
            "beta2": "[0, 1)",
            "l1": "[0, inf)",
            "l2": "[0, inf)",
            "weight_decay": "[0, inf)",
            "keep_prob": "(0, 1]",
            "input_noise": "[0, 10]",
        }
        for name, interval in intervals.items():
            check_number(name, getattr(self, name), interval, fits=())
            if isinstance(getattr(self, name), np.ndarray | np.float32 | np.float16 | np.longdouble):
                raise ValueError(
                    f"{name} must be a plain number; got {getattr(self, name)!r}. Pass float(...)."
                )


FIXED = ("data", "m", "noise", "data_seed", "hidden", "batch_norm", "initializer", "weight_seed")
"""The settings that need a new start; all others may change between two steps."""


def make_optimizer(settings: Settings) -> Optimizer:
    """Return the optimizer that the settings name, with their beta and beta2.

    Raises
    ------
    ValueError
        If `settings` is no Settings.
    """
    if not isinstance(settings, Settings):
        raise ValueError(f"settings must be a Settings; got {settings!r}. Pass Settings(optimizer='adam').")
    kind = OPTIMIZERS[settings.optimizer]
    given = {"beta": settings.beta, "beta1": settings.beta, "beta2": settings.beta2}
    optimizer: Optimizer = kind(**{f.name: given[f.name] for f in fields(kind) if f.name in given})
    return optimizer


# Session --------------------------------------------------------------------------------------------


class Change(NamedTuple):
    """What was changed after this step was seen; its update is the first to use it."""

    step: int
    values: dict[str, Any]


class Snapshot(NamedTuple):
    """All that is needed to go on from a step."""

    step: int
    theta: FloatArray
    state: Any
    statistics: FloatArray | None
    epoch: int
    position: int
    settings: Settings


class Measurement(NamedTuple):
    """One point of the curves: losses without penalty and without dropout, accuracies as fractions."""

    step: int
    train_loss: float
    dev_loss: float
    train_accuracy: float
    dev_accuracy: float
    learning_rate: float


SNAPSHOTS = 200
"""The most snapshots kept; when there are more, every second one is dropped."""
MEASUREMENTS = 600
"""The most points of a curve; when there are more, every second one is dropped."""


class Session:
    """One network in training.

    Parameters
    ----------
    settings : Settings
    own : Points, optional
        The data for `data="own"`.

    Raises
    ------
    ValueError
        If the settings ask for own data and there is none.

    Examples
    --------
    >>> session = Session(Settings(data="circles", noise=0.1))
    >>> session.advance(200)
    >>> session.change(learning_rate=0.001, keep_prob=0.9)
    >>> session.advance(100)
    >>> session.rewind(200)
    >>> session.settings.learning_rate
    0.01
    """

    def __init__(self, settings: Settings = Settings(), own: Points | None = None) -> None:
        if settings.data == "own" and own is None:
            raise ValueError("own must hold the examples for data='own'; got None. Load a table first.")
        self.start = self.settings = settings
        self.own = own
        self.changes: list[Change] = []
        self.history: list[Measurement] = []
        self.every = 1
        self._snapshots: list[Snapshot] = []
        self._snapshot_every = 25
        self._now: Step
        self._theta_before: FloatArray
        self._load_data()
        theta = self.network.initialize(np.random.default_rng(settings.weight_seed), None, self._initializer)
        statistics = self.network.initial_statistics() if settings.batch_norm else None
        self._begin(Snapshot(0, theta, None, statistics, 0, 0, settings))

    def _load_data(self) -> None:
        s = self.settings
        rng = np.random.default_rng(s.data_seed)
        self.points = DATA[s.data](s.m, s.noise, rng) if s.data != "own" else self._own()
        X, y, _ = self.points
        self.n_classes = max(2, int(y.max()) + 1)
        self.data = datasets.split(X, y, dev=0.3, test=0, rng=rng)
        Y, Y_dev = (
            datasets.one_hot(labels, self.n_classes) for labels in (self.data.y_train, self.data.y_dev)
        )
        self.train, self.dev = Batch(self.data.X_train, Y), Batch(self.data.X_dev, Y_dev)

    def _own(self) -> Points:
        assert self.own is not None
        return self.own

    @property
    def _initializer(self) -> str | None:
        return None if self.start.initializer == "recommended" else self.start.initializer

    @property
    def network(self) -> Network:
        """The network of the present settings."""
        s = self.settings
        sizes = (2, *s.hidden, self.n_classes)
        batch_norm = BatchNormalization() if s.batch_norm else None
        return Network(sizes, s.activation, s.loss_name, s.keep_prob, batch_norm)

    @property
    def objective(self) -> Regularized:
        """The network with its penalties."""
        return Regularized(self.network, len(self.train.X), self.settings.l1, self.settings.l2)

    @property
    def schedule(self) -> Schedule:
        """The learning rate as a function of the step."""
        s = self.settings
        return SCHEDULES[s.schedule](s.learning_rate, s.half_after)

    # ---------------------------------------------------------------- one step after the other

    @property
    def now(self) -> Step:
        """The present step, before its update."""
        return self._now

    @property
    def step(self) -> int:
        """Updates made so far."""
        return self._now.step

    @property
    def diverged(self) -> str:
        """In words, why training cannot go on; empty while it can."""
        return self._now.cause

    @property
    def last_move(self) -> FloatArray:
        """What the last update added to theta, (P,); zeros where there was none since a start or rewind."""
        return self._now.theta - self._theta_before

    def advance(self, n: int = 1) -> None:
        """Make n updates, or fewer if training diverges.

        Raises
        ------
        ValueError
            If `n` is negative.
        """
        check_integer("n", n, "[0, inf)", "It is the number of steps.")
        for _ in range(n):
            if self.diverged:
                return
            place = self._stream.epoch, self._stream.position
            self._theta_before = self._now.theta
            self._now = next(self._run)
            self._note(*place)

    def change(self, **values: Any) -> None:
        """Change settings; the update that follows is the first to use them.

        Parameters
        ----------
        values
            Settings by name, for instance `learning_rate=0.1, keep_prob=0.8`.

        Raises
        ------
        ValueError
            If a setting is unknown, out of range, or needs a new start.
        """
        for name in values:
            if name in FIXED or name not in {each.name for each in fields(Settings)}:
                live = [each.name for each in fields(Settings) if each.name not in FIXED]
                raise ValueError(
                    f"change must get one of {', '.join(live)}; got {name}. Others need a new Session."
                )
        new = replace(self.settings, **values)
        if new == self.settings:
            return
        self.settings = new
        if self.changes and self.changes[-1].step == self.step:
            self.changes.pop()
        before = dict(vars(self.start))
        for change in self.changes:
            before.update(change.values)
        changed = {name: value for name, value in vars(new).items() if value != before[name]}
        if changed:
            self.changes.append(Change(self.step, changed))
        self._apply()

    def rewind(self, step: int) -> None:
        """Go back to an earlier step; settings that were changed there or later are as they were before.

        Raises
        ------
        ValueError
            If this step lies in the future.
        """
        check_integer("step", step, f"[0, {self.step}]", "Only steps that were made can be visited again.")
        later = [change for change in self.changes if change.step < step]
        snapshot = [each for each in self._snapshots if each.step <= step][-1]
        self.changes = [change for change in later if change.step < snapshot.step]
        self.history = [each for each in self.history if each.step <= snapshot.step]
        self._snapshots = [each for each in self._snapshots if each.step < snapshot.step]
        self._begin(snapshot)
        for change in later[len(self.changes) :]:
            self.advance(change.step - self.step)
            self.change(**change.values)
        self.advance(step - self.step)

    def _begin(self, snapshot: Snapshot) -> None:
        """Make the run go on from a snapshot."""
        self.settings = snapshot.settings
        self._stream = Stream(
            self.train.X,
            self.train.Y,
            self.network.sizes,
            self.settings.data_seed,
            self.settings.batch_size,
            self.settings.input_noise,
            snapshot.step,
            snapshot.epoch,
            snapshot.position,
        )
        self._run = descend(
            self.objective,
            snapshot.theta,
            self._stream,
            make_optimizer(self.settings),
            self.schedule,
            snapshot.state,
            statistics=snapshot.statistics,
            weight_decay=self.settings.weight_decay,
            step=snapshot.step,
        )
        self._now = next(self._run)
        self._theta_before = self._now.theta
        self._note(snapshot.epoch, snapshot.position)

    def _apply(self) -> None:
        """Hand the settings to the run, and see the present step again by them."""
        run: Descent = self._run
        run.objective, run.optimizer, run.learning_rate = (
            self.objective,
            make_optimizer(self.settings),
            self.schedule,
        )
        run.weight_decay = self.settings.weight_decay
        self._stream.batch_size, self._stream.input_noise = (
            self.settings.batch_size,
            self.settings.input_noise,
        )
        self._now = self._stream.again(run)

    # ---------------------------------------------------------------- what is remembered

    def _note(self, epoch: int, position: int) -> None:
        """Keep a snapshot and a point of the curves, now and then."""
        now = self._now
        if now.step % self._snapshot_every == 0 and not self.diverged:
            snapshot = Snapshot(
                now.step, now.theta, now.state, now.statistics, epoch, position, self.settings
            )
            self._snapshots.append(snapshot)
            if len(self._snapshots) > SNAPSHOTS:
                self._snapshot_every *= 2
                self._snapshots = [s for s in self._snapshots if s.step % self._snapshot_every == 0]
        if now.step % self.every == 0 and (not self.history or self.history[-1].step < now.step):
            self.history.append(self.measure())
            if len(self.history) > MEASUREMENTS:
                self.every *= 2
                self.history = [each for each in self.history if each.step % self.every == 0]

    def measure(self) -> Measurement:
        """Return losses and accuracies at the present step, on the whole training and dev set."""
        now, network = self._now, replace(self.network, keep_prob=1.0)
        with np.errstate(all="ignore"):
            numbers = []
            for batch in (self.train, self.dev):
                loss = float(network.loss(now.theta, batch, now.statistics))
                predictions = network.predict(now.theta, batch.X, now.statistics)
                numbers.append((loss, 1 - float(error_rate(predictions, batch.Y))))
        (train_loss, train_accuracy), (dev_loss, dev_accuracy) = numbers
        rate = float(np.asarray(self.schedule(now.step)))
        return Measurement(now.step, train_loss, dev_loss, train_accuracy, dev_accuracy, rate)

    # ---------------------------------------------------------------- as text

    def text(self) -> str:
        """Return the session as one line that `from_text` reads."""
        parts = [
            "playground",
            _pairs({f.name: getattr(self.start, f.name) for f in fields(Settings)}, Settings()),
        ]
        parts += [f"@{change.step} {_pairs(change.values)}" for change in self.changes]
        return " | ".join([*(part for part in parts if part), f"@{self.step}"])

    def code(self) -> str:
        """Return plain Python that trains the same network to the same step and prints its losses."""
        s = self.start
        start = copy.copy(self)
        start.settings = s
        points = f"DATA[{s.data!r}]({s.m}, {s.noise}, rng)"
        if s.data == "own":
            points = 'read_points(Path("own.csv").read_text(encoding="utf-8-sig"))  # the name of your table'
        lines = [*_HEAD.format(s=s, n_classes=self.n_classes, points=points).splitlines()]
        lines += [
            "",
            f"network = {start._network_code()}",
            "theta = network.initialize(np.random.default_rng("
            f"{self.start.weight_seed}), initializer={self._initializer!r})",
            f"batches = Stream(data.X_train, Y, network.sizes, seed={self.start.data_seed})",
            "run = descend(network, theta, batches, Adam(), 0.01)",
        ]
        if self.start.batch_norm:
            lines += ["run.statistics = network.initial_statistics()"]
        lines += start._assignments({f.name for f in fields(Settings)})
        lines += ["for step in run:"]
        state = self.start
        for change in self.changes:
            state = replace(state, **change.values)
            start.settings = state
            lines += [f"    if step.step == {change.step}:"]
            lines += [f"        {line}" for line in start._assignments(set(change.values))]
            lines += ["        step = batches.again(run)  # the update that follows uses them"]
        lines += [f"    if step.step == {self.step}:", "        break", "", *_TAIL.splitlines()]
        return "\n".join(lines) + "\n"

    def _network_code(self) -> str:
        network = self.network
        batch_norm = ", batch_norm=BatchNormalization()" if network.batch_norm else ""
        return (
            f"Network({network.sizes}, {network.activation!r}, {network.loss_name!r}, "
            f"{network.keep_prob!r}{batch_norm})"
        )

    def _assignments(self, names: set[str]) -> list[str]:
        """Return the lines that hand these settings to a run."""
        s = self.settings
        lines = []
        if names & {"activation", "loss_name", "keep_prob"}:
            lines.append(f"network = {self._network_code()}")
        if names & {"activation", "loss_name", "keep_prob", "l1", "l2"}:
            lines.append(f"run.objective = Regularized(network, m=len(Y), l1={s.l1!r}, l2={s.l2!r})")
        if names & {"optimizer", "beta", "beta2"}:
            lines.append(f"run.optimizer = {make_optimizer(s)!r}")
        if names & {"learning_rate", "schedule", "half_after"}:
            lines.append(f"run.learning_rate = {self.schedule!r}")
        for name, owner in (("weight_decay", "run"), ("batch_size", "batches"), ("input_noise", "batches")):
            if name in names:
                lines.append(f"{owner}.{name} = {getattr(s, name)!r}")
        return lines

    @classmethod
    def from_text(cls, text: str, own: Points | None = None) -> "Session":
        """Return the session that `text` describes, trained up to the same step.

        Raises
        ------
        ValueError
            If the line cannot be read; it says which part.
        """
        *_, session = cls.replay(text, own)
        return session

    @classmethod
    def replay(cls, text: str, own: Points | None = None) -> "Iterator[Session]":
        """Yield the session that `text` describes again and again while it is trained; the last is complete.

        The whole line is read first, and each part trains some 50 steps, so that a long run can be watched
        and left.

        Raises
        ------
        ValueError
            If the line cannot be read; it says which part.
        """
        first, *parts = [part.strip() for part in str(text).strip().split("|")]
        if first != "playground":
            raise ValueError(f"text must begin with 'playground |'; got {first[:40]!r}. Copy the whole line.")
        values = _values(parts.pop(0)) if parts and not parts[0].startswith("@") else {}
        changes = _changes(parts)
        return cls(Settings(**values), own)._repeat(changes)

    def _repeat(self, changes: list[tuple[int, dict[str, Any]]]) -> "Iterator[Session]":
        for step, changed in changes:
            while self.step < step and not self.diverged:
                self.advance(min(REPLAY, step - self.step))
                yield self
            self.change(**changed)
        yield self


_HEAD = """\
from dataclasses import replace
from pathlib import Path
import numpy as np
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.datasets import one_hot, split
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import *
from dlhelpers.playground import DATA, Stream, read_points
from dlhelpers.regularization import Regularized
from dlhelpers.schedules import *
from dlhelpers.training import descend

rng = np.random.default_rng({s.data_seed})
X, y, _ = {points}
data = split(X, y, dev=0.3, test=0, rng=rng)
Y, Y_dev = one_hot(data.y_train, {n_classes}), one_hot(data.y_dev, {n_classes})"""

_TAIL = """\
network = replace(network, keep_prob=1.0)  # no dropout when we look
train_loss = float(network.loss(step.theta, Batch(data.X_train, Y), step.statistics))
dev_loss = float(network.loss(step.theta, Batch(data.X_dev, Y_dev), step.statistics))
print(f"step {step.step}: train loss {train_loss:.12g}, dev loss {dev_loss:.12g}")"""

MOST_STEPS = 1_000_000
"""How far `from_text` trains at most."""
REPLAY = 50
"""Steps between two looks at a run that is trained again."""


def _pairs(values: Mapping[str, Any], defaults: Settings | None = None) -> str:
    shown = {
        name: value for name, value in values.items() if defaults is None or value != getattr(defaults, name)
    }
    return " ".join(
        f"{name}={'x'.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in shown.items()
    )


def _changes(parts: Sequence[str]) -> list[tuple[int, dict[str, Any]]]:
    """Return (step, settings changed there) for parts such as "@120 learning_rate=0.1"."""
    changes: list[tuple[int, dict[str, Any]]] = []
    for part in parts:
        found = re.fullmatch(r"@(\d+)(?: (.*))?", part)
        before = changes[-1][0] if changes else 0
        if not found or int(found[1]) < before or int(found[1]) > MOST_STEPS:
            raise ValueError(
                f"text must go on with parts such as '@120 learning_rate=0.1', in order; got {part[:60]!r}."
            )
        changes.append((int(found[1]), _values(found[2] or "")))
    return changes


def _values(text: str) -> dict[str, Any]:
    """Return the settings in a text such as "learning_rate=0.1 hidden=8x8"."""
    kinds = {each.name: type(getattr(Settings(), each.name)) for each in fields(Settings)}
    values: dict[str, Any] = {}
    for pair in text.split():
        name, _, value = pair.partition("=")
        if name not in kinds:
            raise ValueError(f"text must name known settings; got {pair[:40]!r}. Known: {', '.join(kinds)}.")
        try:
            values[name] = _READ[kinds[name]](value)
        except (ValueError, KeyError):
            raise ValueError(
                f"text must give {name} as a {kinds[name].__name__}; got {value[:40]!r}."
            ) from None
    return values


_READ: Mapping[type, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: float,
    bool: {"True": True, "False": False}.__getitem__,
    tuple: lambda text: tuple(int(size) for size in text.split("x") if size),
}

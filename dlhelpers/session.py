"""A training run that listens: settings change in the middle, and every step can be visited again.

A `Session` trains one network through `training.descend`.  Its history is data: the settings at the start
and the list of later changes.  Because every random number belongs to a seed and a step, the same list
gives the same run again, to the last bit.  That is what rewind and `sharing` rest on.
"""

from dataclasses import fields, replace
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.checks import check_integer
from dlhelpers.examples import load_examples, with_points
from dlhelpers.metrics import error_rate
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.points import Points
from dlhelpers.regularization import Regularized
from dlhelpers.rewiring import check_weight, is_weight_name, resize, set_weight
from dlhelpers.schedules import Rate, Schedule
from dlhelpers.settings import DEFAULTS, FIXED, SCHEDULES, Settings, make_optimizer
from dlhelpers.stream import Stream
from dlhelpers.training import Step, descend
from dlhelpers.typing import FloatArray


class Change(NamedTuple):
    """What was changed after this step was seen; its update is the first to use it."""

    step: int
    values: dict[str, Any]

    @property
    def rewires(self) -> bool:
        """Whether weights or layers were set by hand."""
        return any(name == "hidden" or is_weight_name(name) for name in self.values)


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
    """One point of the curves: losses without penalty and without dropout, accuracies as fractions.

    Without a test set, its two numbers are NaN.
    """

    step: int
    train_loss: float
    dev_loss: float
    train_accuracy: float
    dev_accuracy: float
    learning_rate: float
    test_loss: float = np.nan
    test_accuracy: float = np.nan


SNAPSHOTS, MEASUREMENTS = 200, 600
"""The most snapshots, and points of a curve, that are kept."""
_Kept = TypeVar("_Kept", Snapshot, Measurement)


class _Thinned(list[_Kept]):
    """What is kept of a run, in the order of the steps.

    Parameters
    ----------
    most : int
        When the list gets longer than this, `every` doubles, and every second one is dropped.
    every : int
        What belongs to a multiple of this step is kept.
    """

    def __init__(self, most: int, every: int) -> None:
        super().__init__()
        self.most, self.every = most, every

    def wants(self, step: int) -> bool:
        """Return whether `step` is one of those that are kept."""
        return step % self.every == 0

    def keep(self, new: _Kept) -> None:
        """Put `new`, which belongs to a later step, at the end."""
        self.append(new)
        if len(self) > self.most:
            self.every *= 2
            self[:] = [each for each in self if self.wants(each.step)]

    def forget_from(self, step: int) -> None:
        """Drop what belongs to `step` and to later ones."""
        self[:] = [each for each in self if each.step < step]


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

    def __init__(self, settings: Settings = DEFAULTS, own: Points | None = None) -> None:
        examples = load_examples(settings, own)
        self.points, self.n_classes, self.data, self._given, self.dev, self.test = examples
        self.train: Batch
        self.start = self.settings = settings
        self.own = own
        self.changes: list[Change] = []
        self.history = _Thinned[Measurement](MEASUREMENTS, every=1)
        self._snapshots = _Thinned[Snapshot](SNAPSHOTS, every=25)
        self._now: Step
        self._theta_before: FloatArray
        theta = self.network.initialize(np.random.default_rng(settings.weight_seed), None, self._initializer)
        statistics = self.network.initial_statistics() if settings.batch_norm else None
        self._begin(Snapshot(0, theta, None, statistics, 0, 0, settings))

    def _train_with(self, settings: Settings) -> Batch:
        """Return the training set with the points that settings add."""
        return with_points(self._given, settings.added, settings.features)

    @property
    def _initializer(self) -> str | None:
        return None if self.start.initializer == "recommended" else self.start.initializer

    @property
    def network(self) -> Network:
        """The network of the present settings."""
        return self._network_with(self.settings)

    def _network_with(self, s: Settings) -> Network:
        sizes = (len(s.features), *s.hidden, self.n_classes)
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
            Settings by name, for instance `learning_rate=0.1, keep_prob=0.8`.  Other `hidden` layers keep the
            weights that both networks have; see `rewiring.resize`.  A weight has a name such as
            "W2[3,1]", row and column counted from 0.

        Raises
        ------
        ValueError
            If a setting is unknown, out of range, or needs a new start, or there is no such weight.
        """
        weights = {name: value for name, value in values.items() if is_weight_name(name)}
        live = [each.name for each in fields(Settings) if each.name not in FIXED or each.name == "hidden"]
        for name in values.keys() - weights.keys() - set(live):
            raise ValueError(
                f"change must get one of {', '.join(live)}; got {name}. Others need a new Session."
            )
        before = self.settings
        new = replace(before, **{name: v for name, v in values.items() if name not in weights})
        for name, value in weights.items():
            check_weight(self._network_with(new).layout, name, value)
        if new == before and not weights:
            return
        self.train = self._train_with(new)
        run, stream = self._run, self._stream
        self.settings = new
        if new.hidden != before.hidden:
            rng = np.random.default_rng([new.weight_seed, self.step])
            resize(run, stream, self.objective, rng, self._initializer)
        for name, value in weights.items():
            set_weight(run, name, value)
        hidden = {} if new.hidden == before.hidden else {"hidden": new.hidden}
        self._record({**hidden, **weights})
        run.objective, run.optimizer, run.weight_decay = self.objective, make_optimizer(new), new.weight_decay
        stream.batch_size, stream.input_noise = new.batch_size, new.input_noise
        if new.added != before.added:
            stream.examples = self.train
        self._now = stream.again(run)  # the present step once more, by the new settings
        if hidden or weights:
            self._theta_before = self._now.theta

    def _record(self, rewired: dict[str, Any]) -> None:
        """Note what differs from the settings that led here.

        Changes of settings at one step are one change; what rewires the network is one by itself, since
        the order matters.
        """
        last = self.changes[-1] if self.changes else None
        if last is not None and last.step == self.step and not last.rewires:
            self.changes.pop()
        before = dict(vars(self.start))
        for change in self.changes:
            before.update(change.values)
        changed = {
            name: v for name, v in vars(self.settings).items() if v != before[name] and name != "hidden"
        }
        for values in (changed, rewired):
            if values:
                self.changes.append(Change(self.step, values))

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
        self.history.forget_from(snapshot.step)
        self._snapshots.forget_from(snapshot.step)
        self._begin(snapshot)
        for change in later[len(self.changes) :]:
            self.advance(change.step - self.step)
            self.change(**change.values)
        self.advance(step - self.step)

    def _begin(self, snapshot: Snapshot) -> None:
        """Make the run go on from a snapshot."""
        self.settings = snapshot.settings
        self.train = self._train_with(self.settings)
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
            self._rate,
            snapshot.state,
            statistics=snapshot.statistics,
            weight_decay=self.settings.weight_decay,
            step=snapshot.step,
        )
        self._now = next(self._run)
        self._theta_before = self._now.theta
        self._note(snapshot.epoch, snapshot.position)

    def _rate(self, step: int) -> Rate:
        """Return the learning rate at a step, from the settings as they are now."""
        return self.schedule(step)

    # ---------------------------------------------------------------- what is remembered

    def _note(self, epoch: int, position: int) -> None:
        """Keep a snapshot and a point of the curves, now and then."""
        now = self._now
        if self._snapshots.wants(now.step) and not self.diverged:
            self._snapshots.keep(
                Snapshot(now.step, now.theta, now.state, now.statistics, epoch, position, self.settings)
            )
        if self.history.wants(now.step):
            self.history.keep(self.measure())

    def measure(self) -> Measurement:
        """Return losses and accuracies at the present step, each on a whole set."""
        now, network = self._now, replace(self.network, keep_prob=1.0)
        numbers = []
        with np.errstate(all="ignore"):
            for batch in (self.train, self.dev, *([] if self.test is None else [self.test])):
                loss = float(network.loss(now.theta, batch, now.statistics))
                predictions = network.predict(now.theta, batch.X, now.statistics)
                numbers.append((loss, 1 - float(error_rate(predictions, batch.Y))))
        (train_loss, train_accuracy), (dev_loss, dev_accuracy), *test = numbers
        rate = float(np.asarray(self.schedule(now.step)))
        return Measurement(now.step, train_loss, dev_loss, train_accuracy, dev_accuracy, rate, *chain(*test))

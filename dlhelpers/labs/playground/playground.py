"""The playground: one network that trains while its knobs are turned.

A hand that moves a control only notes the new value.  The training task, on the event loop that the
playground was made on, takes it up between two steps, so no step and no frame mixes old and new.
"""

import asyncio
import html
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets
import numpy as np

from dlhelpers.activations import ACTIVATIONS
from dlhelpers.initialization import INITIALIZERS
from dlhelpers.live.canvas import Canvas
from dlhelpers.live.controls import (
    choice,
    log_slider,
    real_slider,
    slider,
    snap,
    steps_slider,
    switch,
    text_field,
)
from dlhelpers.live.pace import (
    apart_from_cells,
    family,
    interruptible,
    one_blas_thread,
    replace_predecessor,
    running_loop,
)
from dlhelpers.live.picture import Picture, with_picture
from dlhelpers.live.shell import ROW, STYLE, button, fold
from dlhelpers.losses import LOSSES
from dlhelpers.optimizers import OPTIMIZERS
from dlhelpers.plots.playground import KEPT, PANELS, playground_views
from dlhelpers.saving import save_network
from dlhelpers.session import Change, Measurement, Session
from dlhelpers.settings import FIXED, SCHEDULES, Settings
from dlhelpers.sharing import program, replay, to_text
from dlhelpers.showing import Code
from dlhelpers.tables import DATA, Points, read_points
from dlhelpers.typing import FloatArray, IntArray

TRAIN_FOR = 0.015
"""Seconds of training between two looks at the clock, the page and the controls."""
FRAME = 0.05
"""Seconds between two frames, at least."""
RUNS_STYLE = """<style>
.dlh-runs {border-collapse: collapse; font-size: 13px; line-height: 1.5;}
.dlh-runs th, .dlh-runs td {padding: 1px 10px 1px 0; text-align: left; border-bottom: 1px solid #ddd;}
</style>"""
GRID = 50
"""Points of the decision map along each axis."""
OFF = [("off", 0.0)]
STRENGTHS = [
    *OFF,
    *((f"{digit}e-{power}", float(f"{digit}e-{power}")) for power in (5, 4, 3, 2, 1) for digit in (1, 3)),
]
STRENGTHS += [("1", 1.0), ("3", 3.0), ("10", 10.0)]
BATCH_SIZES = [(str(2**k), 2**k) for k in range(10)]
STOP_AT = [("never", 0), *((f"{n:,}", n) for n in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000))]
GOOD_ENOUGH = [*((f"{percent}%", percent / 100) for percent in range(50, 101)), ("never", 2.0)]
HALF_AFTER = [(f"{n:,}", n) for n in (10, 30, 100, 300, 1000, 3000, 10_000)]


# ------------------------------------------------------------------------------- what is on the screen


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
LIMITS = (3.0, 6.0)
"""How far the plane reaches, at least and at most."""


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
        _sizes(session, now.theta),
        _sizes(session, now.gradient),
        _sizes(session, session.last_move),
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


def _sizes(session: Session, values: FloatArray) -> FloatArray:
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


# ------------------------------------------------------------------------------------------ the widget

PRESETS: dict[str, dict[str, Any]] = {
    "two moons": {},
    "spiral": {"data": "spirals", "noise": 0.1, "hidden": (16, 16)},
    "overfits": {"data": "xor", "m": 80, "noise": 0.5, "hidden": (32, 32)},
    "too hot": {"data": "spirals", "noise": 0.1, "hidden": (16, 16), "learning_rate": 1.0},
    "zeros": {"data": "spirals", "noise": 0.1, "hidden": (16, 16), "initializer": "zeros"},
    "digits": {"data": "digits", "m": 600, "hidden": (16, 16)},
}
"""Buttons, and the settings that differ from the defaults."""

LABELS: dict[str, str] = {
    "data": "Data",
    "m": "Examples",
    "noise": "Noise in the data",
    "data_seed": "Seed of the data",
    "hidden": "Hidden layers",
    "batch_norm": "Batch normalization",
    "initializer": "Initialization",
    "weight_seed": "Seed of the weights",
    "activation": "Activation",
    "loss_name": "Loss",
    "optimizer": "Optimizer",
    "learning_rate": "Learning rate",
    "schedule": "Schedule",
    "half_after": "Half of it after (steps)",
    "beta": "beta (beta1)",
    "beta2": "beta2",
    "batch_size": "Batch size",
    "l1": "L1, lambda",
    "l2": "L2, lambda",
    "weight_decay": "Weight decay",
    "keep_prob": "keep_prob (dropout)",
    "input_noise": "Noise on the inputs",
}


def _controls(s: Settings) -> dict[str, ipywidgets.ValueWidget]:
    """Return a control for every setting, at the value of `s`."""
    data = [*DATA, "own"] if s.data == "own" else list(DATA)
    made: dict[str, ipywidgets.ValueWidget] = {
        "data": choice(LABELS["data"], data, s.data),
        "m": slider(LABELS["m"], 20, 1000, min(s.m, 1000), 20),
        "noise": real_slider(LABELS["noise"], 0, 1, s.noise, 0.05),
        "data_seed": slider(LABELS["data_seed"], 0, 99, s.data_seed),
        "hidden": text_field(
            LABELS["hidden"],
            ", ".join(map(str, s.hidden)),
            "Units of each hidden layer, for instance 8, 8; empty for none",
        ),
        "batch_norm": switch(LABELS["batch_norm"], s.batch_norm),
        "initializer": choice(LABELS["initializer"], ["recommended", *INITIALIZERS], s.initializer),
        "weight_seed": slider(LABELS["weight_seed"], 0, 99, s.weight_seed),
        "learning_rate": log_slider(LABELS["learning_rate"], -5, 2, s.learning_rate, 0.1),
        "optimizer": choice(LABELS["optimizer"], list(OPTIMIZERS), s.optimizer),
        "beta": real_slider(LABELS["beta"], 0, 0.99, s.beta, 0.01),
        "beta2": real_slider(LABELS["beta2"], 0.9, 0.9995, s.beta2, 0.0005, ".4f"),
        "schedule": choice(LABELS["schedule"], list(SCHEDULES), s.schedule),
        "half_after": steps_slider(LABELS["half_after"], HALF_AFTER, s.half_after),
        "batch_size": steps_slider(LABELS["batch_size"], BATCH_SIZES, s.batch_size),
        "activation": choice(LABELS["activation"], list(ACTIVATIONS), s.activation),
        "loss_name": choice(LABELS["loss_name"], list(LOSSES), s.loss_name),
        "l1": steps_slider(LABELS["l1"], STRENGTHS, s.l1),
        "l2": steps_slider(LABELS["l2"], STRENGTHS, s.l2),
        "weight_decay": steps_slider(LABELS["weight_decay"], STRENGTHS, s.weight_decay),
        "keep_prob": real_slider(LABELS["keep_prob"], 0.1, 1, s.keep_prob, 0.05),
        "input_noise": real_slider(LABELS["input_noise"], 0, 1, s.input_noise, 0.05),
    }
    return made


class Playground:
    """One live network: everything but the data and the architecture may change while it trains.

    Parameters
    ----------
    steps : int
        Steps to train before it is shown.
    settings : values of `settings.Settings`
        By name, for instance `data="spirals"`.

    Examples
    --------
    From code, `lab.play()` and `lab.pause()` start and stop, `lab.set(learning_rate=0.1)` turns a knob,
    `lab.step(100)` trains, `lab.rewind(50)` goes back, `lab.text()` is the state as a line of text, and
    `lab.code()` the program.
    """

    def __init__(self, steps: int = 0, **settings: Any) -> None:
        self.name = "Playground"
        self.session = Session(Settings(**settings))
        self.session.advance(steps)
        self.controls = _controls(self.session.settings)
        self.error: Exception | None = None
        self.result: Frame
        self.caption = ""
        self.frames = 0
        self._kept: list[Kept] = []
        self._letters = cycle("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        self._own_text = ""
        self._timed = (0.0, 0)  # seconds and steps of this run
        self._replay: Iterator[Session] | None = None
        self._replayed = self.session
        self._wanted: dict[str, Any] = {}
        # Where each control was last taken up or put: if it is elsewhere, the hand is moving it.
        self._known: dict[str, Any] = {name: control.value for name, control in self.controls.items()}
        self._showing: int | None = None  # the thread that moves the controls itself
        self._playing = False
        self._shown_at = 0.0
        self._picture = Picture(Canvas(playground_views, (12.4, 4.6)), on_page=self._page_changed)
        self._loop = running_loop()
        self._task: asyncio.Task[None] | None = None
        self._build_box()
        for widget in family(self._box):
            apart_from_cells(widget)
        for name, control in self.controls.items():
            control.observe(lambda change, name=name: self._turned(name, change["new"]), "value")
        self._show_settings()
        self._show()
        replace_predecessor(self)

    # ---------------------------------------------------------------- for the reader
    @property
    def playing(self) -> bool:
        """Whether the network is in training."""
        return self._playing

    def play(self) -> None:
        """Train until `pause`, a stop condition, or divergence.  Only where an event loop runs."""
        if self._loop is None:
            raise RuntimeError("play needs a notebook; in a script, use step(n).")
        self._playing = True
        self._loop.call_soon_threadsafe(self._wake)

    def pause(self) -> None:
        """Stop after the present step; also leaves a run that `load` trains again."""
        if self._replay is not None:
            self._message.layout.display = "none"
        self._playing, self._replay = False, None

    def step(self, n: int = 1) -> None:
        """Make n steps."""

        def advance() -> None:
            started, before = time.perf_counter(), self.session.step
            self.session.advance(n)
            self._count_time(started, before)

        self._act(advance)

    def set(self, **values: Any) -> None:
        """Turn knobs.  The data and the network begin anew; all else takes effect at the next step."""
        self._act(lambda: self._take(values))

    def reset(self) -> None:
        """Begin again from the same initial weights, with the present settings; the old run stays in grey."""
        self._act(lambda: self._restart(self.session.settings))

    def new_weights(self) -> None:
        """Begin again from other initial weights."""
        seed = (self.session.settings.weight_seed + 1) % 100
        self._act(lambda: self._restart(replace(self.session.settings, weight_seed=seed)))

    def preset(self, label: str) -> None:
        """Press the button with this label: a new run with the defaults, but for what the preset sets."""
        self._act(lambda: self._restart(Settings(**PRESETS[label])))

    def forget(self) -> None:
        """Remove the runs in grey."""
        self._act(self._kept.clear)

    def fork(self) -> None:
        """Keep the curves so far in grey, and branch off from here."""
        self._act(self._keep)

    def rewind(self, step: int) -> None:
        """Go back to a step that was made; the settings go back too, and the old run stays in grey."""

        def go_back() -> None:
            self._keep()
            self.session.rewind(step)
            self._place_slider(step)

        self._act(go_back)

    def text(self) -> str:
        """Return the state as one line, to share; `load` reads it."""
        return to_text(self.session)

    def load(self, text: str) -> None:
        """Train again what a line of text describes; until it is there, the present run stays."""

        def begin() -> None:
            self._playing, self._replay = False, replay(text, self.session.own)
            if self._loop is not None:
                self._wake()
            while self._loop is None and self._replay is not None:
                self._replay_a_while()

        self._act(begin)

    def own_data(self, points: Points) -> None:
        """Train on a table of your own, read by `tables.read_points`."""

        def begin() -> None:
            settings = replace(self.session.settings, data="own")
            self._replace(Session(settings, points))

        self._act(begin)

    def code(self) -> Code:
        """Return plain Python that trains the same network to the same step."""
        return Code(program(self.session))

    def save(self, path: str | Path = "playground.npz") -> None:
        """Write the network to a file that `saving.load_network` reads."""
        now = self.session.now
        save_network(path, self.session.network, now.theta, now.statistics)

    def png(self) -> bytes:
        """Return the picture on the screen, as the bytes of a PNG file."""
        return self._picture.canvas.png()

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.sleep(0)  # what was asked for a moment ago begins
        while self._task is not None and not self._task.done():
            await asyncio.sleep(0.001)

    def close(self) -> None:
        """Stop and free the widgets."""
        self._playing = False
        if self._task is not None:
            self._task.cancel()
        for widget in family(self._box):
            widget.close()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the widget and, for a reader without a kernel, the picture and its caption."""
        return with_picture(self._box, self.png(), self.caption)

    # ---------------------------------------------------------------- from a turn of a knob to a step
    def _turned(self, name: str, value: Any) -> None:
        """Take note of a knob.  JupyterLab may call this on another thread."""
        if self._showing == threading.get_ident():
            return
        if self._loop is None:
            self._wanted[name] = value
            self._act(self._take_wanted)
        else:
            self._loop.call_soon_threadsafe(self._want, name, value)

    def _want(self, name: str, value: Any) -> None:
        self._wanted[name] = value
        self._wake()

    def _wake(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._live())

    async def _live(self) -> None:
        """Train, take up what the hand wants, and show frames, until there is nothing more to do."""
        while True:
            with interruptible(self.pause):
                while self._playing or self._wanted or self._replay:
                    await self._turn()
            await self._picture.pace.wait()
            self._guarded(self._show)
            if not (self._playing or self._wanted or self._replay):  # nothing has come while we waited
                return

    async def _turn(self) -> None:
        """Take up what the hand wants, train a while, and show a frame when it is time for one."""
        if self._wanted:
            self._guarded(self._take_wanted)
        if self._playing:
            self._train_a_while()
        if self._replay:
            self._guarded(self._replay_a_while)
        busy = self._playing or self._replay is not None
        if not busy or time.perf_counter() - self._shown_at >= FRAME:
            if not busy:
                await self._picture.pace.wait()
            if self._picture.pace.ready:
                self._guarded(self._show)
        if self._picture.pace.lost:
            self._playing = False
        await asyncio.sleep(0.001)

    def _train_a_while(self) -> None:
        """Train for about 15 ms, up to the time of the next frame, or up to a stop condition."""
        started, before = time.perf_counter(), self.session.step
        end, due = started + TRAIN_FOR, self._shown_at + FRAME
        if started < due < end:  # when it is past, the page is not ready yet
            end = due
        with one_blas_thread():
            while time.perf_counter() < end and self._playing:
                self.session.advance(1)
                if self._must_stop():
                    self._playing = False
        self._count_time(started, before)

    def _count_time(self, started: float, step: int) -> None:
        seconds, steps = self._timed
        self._timed = seconds + time.perf_counter() - started, steps + self.session.step - step

    @property
    def _microseconds(self) -> float:
        """What a step of this run takes, measuring included; 0 if none was timed."""
        seconds, steps = self._timed
        return 1e6 * seconds / steps if steps else 0.0

    def _replay_a_while(self) -> None:
        """Train the run that is loaded for about 15 ms; when it is complete, it takes the old one's place."""
        replay, self._replay = self._replay, None  # an error ends it
        started = time.perf_counter()
        while replay and time.perf_counter() - started < TRAIN_FOR:
            session = next(replay, None)
            if session is None:
                self._message.layout.display = "none"
                self._replace(self._replayed)
                self._show_settings()
                return
            self._replayed = session
        self._replay = replay
        self._say(f"Training again what the line says: step {self._replayed.step:,}. Pause leaves it.")

    def _must_stop(self) -> bool:
        if self.session.diverged or self.session.step == self._stop_at.value:
            return True
        last = self.session.history[-1]
        return last.step == self.session.step and last.dev_accuracy >= self._good_enough.value

    def _act(self, action: Callable[[], None]) -> None:
        """Do something between two steps, and show it; on the thread of the loop, where there is one."""
        if self._loop is not None and not self._loop.is_closed() and running_loop() is not self._loop:
            self._loop.call_soon_threadsafe(self._act, action)
            return
        self._message.layout.display = "none"
        self._guarded(action)
        self._show_settings()
        if not self._playing:
            self._guarded(self._show)

    def _guarded(self, action: Callable[[], None]) -> None:
        """Do something; say in words what went wrong, and go on."""
        try:
            with one_blas_thread():
                action()
        except Exception as error:
            self.error = error
            self._message.value = html.escape(f"Nothing was changed: {error} (lab.error has the details.)")
            self._message.layout.display = ""
            self._show_settings()

    def _take_wanted(self) -> None:
        wanted, self._wanted = self._wanted, {}
        self._known.update(wanted)
        self._take({name: self._read(name, value) for name, value in wanted.items()})
        self._show_settings()

    def _read(self, name: str, value: Any) -> Any:
        """Return the value of a control as a setting; what the page has only rounded stays as it is."""
        if name == "hidden":
            return _sizes_in(value)
        old = getattr(self.session.settings, name)
        if isinstance(value, float):
            control = self.controls[name]
            if abs(snap(control, old or 1e-300) - snap(control, value or 1e-300)) < 1e-9 * (1 + abs(value)):
                return old
            return float(f"{value:.12g}")
        return value

    def _take(self, values: Mapping[str, Any]) -> None:
        """Hand new values to the session; the data and the network need a new one."""
        changed = {
            name: value for name, value in values.items() if getattr(self.session.settings, name) != value
        }
        if changed.keys() & set(FIXED):
            self._restart(replace(self.session.settings, **changed))
        elif changed:
            self.session.change(**changed)
        self._message.layout.display = "none"

    def _restart(self, settings: Settings) -> None:
        self._replace(Session(settings, self.session.own))

    def _replace(self, session: Session) -> None:
        self._keep()
        self.session, self._timed = session, (0.0, 0)
        self._place_slider(0)

    def _keep(self) -> None:
        """Keep the present run in grey, unless it has not begun or is there already."""
        session, now = self.session, curves(self.session)
        start, changes = session.start, tuple(session.changes)
        there = [(run.settings, run.changes, run.curves["step"][-1]) for run in self._kept]
        if session.step > 0 and (start, changes, now["step"][-1]) not in there:
            run = Kept(next(self._letters), now, start, changes, self._microseconds)
            self._kept = [*self._kept, run][-KEPT:]

    # ---------------------------------------------------------------- what is shown
    def _page_changed(self) -> None:
        """Show the whole picture at the size of the window.  JupyterLab may call this on another thread."""
        if self._loop is None:
            self._picture.again()
        else:
            self._loop.call_soon_threadsafe(self._picture.again)

    def _show(self) -> None:
        """Draw a frame and send it, with its caption."""
        self._shown_at = time.perf_counter()
        look_at = min(self._rewind_to.value, self.session.step)
        result = frame(self.session, self._panel.value, self._layer.value, self._kept, look_at, self._playing)
        title, words = finding(result), caption(result)
        self._picture.show(result, None, f"{title}. {words}")
        self.result, self.caption = result, f"{title}. {words}"
        self._heading.value = f'<h4>Playground</h4><span class="dlh-finding">{html.escape(title)}.</span>'
        self._caption.value = html.escape(words)
        self._show_place()
        self.frames += 1

    def _show_place(self) -> None:
        """Bring the run's own controls up to date."""
        self._place_slider(self._rewind_to.value)
        self._layer.max = max(len(self.session.settings.hidden), 1)
        self._play.description = "Pause" if self._playing else "Play"
        self._play.icon = "pause" if self._playing else "play"
        took = f"A step took {self._microseconds:,.0f} µs." if self._microseconds else ""
        self._speed.value = took
        self._runs.value = comparison(self.result, self._microseconds)
        self._runs.layout.display = "" if self._kept else "none"
        if self.text() != self._own_text:  # what the reader typed stays until something happens
            self._own_text = self._text.value = self.text()
        if self._code_switch.value:
            self._code_text.value = f"<pre>{html.escape(self.code())}</pre>"
        self._code_text.layout.display = "" if self._code_switch.value else "none"

    def _show_settings(self) -> None:
        """Put the controls where the settings are, but none that the hand has moved on meanwhile.

        What it wants there is on its way; to put the control back would take the next key from it.
        """
        self._showing = threading.get_ident()
        try:
            for name, control in self.controls.items():
                if control.value != self._known[name]:
                    continue
                value = getattr(self.session.settings, name)
                if name == "hidden":
                    control.value = ", ".join(map(str, value))
                elif isinstance(control, ipywidgets.SelectionSlider):
                    control.value = min((v for _, v in control.options), key=lambda v: abs(v - value))
                elif name == "data" and value not in control.options:
                    control.options = [*control.options, value]
                    control.value = value
                elif isinstance(control, ipywidgets.FloatLogSlider):
                    control.value = snap(control, max(value, control.base**control.min))
                else:
                    control.value = value
                self._known[name] = control.value
        finally:
            self._showing = None

    def _build_box(self) -> None:
        self._heading = ipywidgets.HTML()
        self._heading.add_class("dlh-heading")
        self._caption = ipywidgets.HTML()
        self._caption.add_class("dlh-caption")
        self._message = ipywidgets.HTML(layout={"display": "none"})
        self._message.add_class("dlh-message")
        self._code_text = ipywidgets.HTML(layout={"display": "none"})
        self._code_text.add_class("dlh-code")
        self._speed = ipywidgets.Label()
        self._runs = ipywidgets.HTML(layout={"display": "none"})
        groups = {
            "While it trains": [
                self.controls[name] for name in self.controls if name not in (*FIXED, "learning_rate")
            ],
            "Data and network": [
                self.controls[name] for name in self.controls if name in FIXED and name != "data"
            ],
            "Presets": self._presets(),
            "Look, keep and share": self._tools(),
        }
        boxes = {label: ipywidgets.Box(parts, layout=ROW) for label, parts in groups.items()}
        folds = [fold(label, f"Show the controls of: {label}", box) for label, box in boxes.items()]
        self._box = ipywidgets.VBox(
            [
                ipywidgets.HTML(f"{STYLE}{RUNS_STYLE}", layout={"display": "none"}),
                self._heading,
                ipywidgets.Box(self._buttons(), layout={**ROW, "align_items": "center"}),
                ipywidgets.Box(self._place(), layout={**ROW, "align_items": "center"}),
                self._picture.widget,
                self._caption,
                self._message,
                ipywidgets.Box(folds, layout=ROW),
                *boxes.values(),
                self._runs,
                self._code_text,
            ]
        )
        self._box.add_class("dlh-lab")

    def _presets(self) -> list[ipywidgets.Widget]:
        return [
            ipywidgets.Label("New run:"),
            *(button(label, f"Preset: {label}", partial(self._press, label)) for label in PRESETS),
        ]

    def _press(self, label: str, button: object) -> None:
        self.preset(label)

    def _buttons(self) -> list[ipywidgets.Widget]:
        self._play = button(
            "Play", "Train, or pause", lambda _: self.pause() if self._playing else self.play()
        )
        self._play.layout.width = "90px"
        return [
            self._play,
            button("Step", "Make one step", lambda _: self.step()),
            button("100 steps", "Make a hundred steps", lambda _: self.step(100)),
            button("Reset", "Begin again from the same weights", lambda _: self.reset()),
            button("New weights", "Begin again from other weights", lambda _: self.new_weights()),
            button("Fork", "Keep this run in grey and branch off from here", lambda _: self.fork()),
            button("Forget grey", "Remove the runs that are kept in grey", lambda _: self.forget()),
            self._speed,
        ]

    def _place(self) -> list[ipywidgets.Widget]:
        """Return what stands right above the picture, to be seen beside the curves."""
        self._rewind_to = ipywidgets.IntSlider(
            0,
            0,
            1,
            description="Go back to step",
            tooltip="A line marks this step in the curves, and the sentence below tells its values",
            style={"description_width": "110px"},
        )
        self._rewind_to.observe(lambda _: self._look_again(), "value")
        return [
            self.controls["data"],
            self.controls["learning_rate"],
            self._rewind_to,
            button("Rewind", "Go back to this step", lambda _: self._go_back()),
        ]

    def _tools(self) -> list[ipywidgets.Widget]:
        self._panel = choice("Panel on the right", list(PANELS), "layers")
        self._layer = slider("Layer of the units", 1, 6, 1)
        self._stop_at = steps_slider("Pause at step", STOP_AT, 0)
        self._good_enough = steps_slider("Pause at dev accuracy", GOOD_ENOUGH, 2.0)
        for control in (self._panel, self._layer):
            control.observe(lambda _: self._look_again(), "value")
        self._text = ipywidgets.Text(
            description="State",
            tooltip="The run as one line: copy it, or paste one here and press Load",
            layout={"width": "760px"},
            style={"description_width": "40px"},
        )
        self._code_switch = ipywidgets.ToggleButton(description="Show code", layout={"width": "auto"})
        self._code_switch.observe(lambda _: self._look_again(), "value")
        upload = ipywidgets.FileUpload(
            accept=".csv,.tsv,.txt", description="Own data (CSV)", layout={"width": "190px"}
        )
        upload.observe(lambda change: self._uploaded(change["new"]), "value")
        return [
            self._panel,
            self._layer,
            self._stop_at,
            self._good_enough,
            self._text,
            button("Load", "Train again what the line says", lambda _: self.load(self._text.value)),
            upload,
            button("Save network", "Write playground.npz", lambda _: self._write("playground.npz")),
            button("Save picture", "Write playground.png", lambda _: self._write("playground.png")),
            self._code_switch,
        ]

    def _go_back(self) -> None:
        """Rewind to where the slider stands; at the start there is one step to go to only."""
        self.rewind(min(self._rewind_to.value, self.session.step))

    def _look_again(self) -> None:
        if self._showing != threading.get_ident():
            self._act(lambda: None)

    def _place_slider(self, step: int) -> None:
        """Let the slider over the steps reach to the end of the run, and stand at `step`."""
        self._showing = threading.get_ident()
        try:
            self._rewind_to.value = min(step, self._rewind_to.max)
            self._rewind_to.max = max(self.session.step, 1)
        finally:
            self._showing = None

    def _uploaded(self, files: Any) -> None:
        for file in files:
            try:
                points = read_points(bytes(file["content"]).decode("utf-8-sig"))
            except (ValueError, UnicodeDecodeError) as error:
                self._say(f"{file['name']}: {error}")
            else:
                self.own_data(points)

    def _write(self, name: str) -> None:
        if name.endswith(".npz"):
            self.save(name)
        else:
            Path(name).write_bytes(self.png())
        self._say(f"Written: {Path(name).resolve()}")

    def _say(self, text: str) -> None:
        self._message.value = html.escape(text)
        self._message.layout.display = ""


def _sizes_in(text: str) -> tuple[int, ...]:
    """Return the sizes in a text such as "8, 8"."""
    try:
        return tuple(int(part) for part in text.replace(" ", ",").split(",") if part)
    except ValueError:
        raise ValueError(
            f"Hidden layers must be whole numbers with commas between; got {text!r}. For instance: 8, 8."
        ) from None


def playground(steps: int = 0, **settings: Any) -> Playground:
    """Return a playground, trained for some steps; `settings` are those of `settings.Settings`."""
    known = {field.name for field in fields(Settings)}
    unknown = settings.keys() - known
    if unknown:
        raise ValueError(f"playground has the settings {', '.join(sorted(known))}; got {', '.join(unknown)}.")
    return Playground(steps, **settings)

"""The lab *Diagnosis of a real network*: errors over the examples and over the width."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.bias_variance import Diagnosis, diagnose
from dlhelpers.datasets import Split
from dlhelpers.experiments import learning_curves
from dlhelpers.labs.bias_variance.common import diagnosis_name
from dlhelpers.labs.digits import digit_split
from dlhelpers.labs.words import in_points
from dlhelpers.live.controls import log_slider, real_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.plots.style import ACCENT, DEV, GHOST, TRAIN, View, key, moving
from dlhelpers.typing import FloatArray

EXAMPLES = (16, 32, 64, 128, 256, 512, 1024)
WIDTHS = (1, 2, 4, 8, 16, 32, 64)
TWICE = tuple(np.repeat(EXAMPLES, 2).tolist())


class Errors(NamedTuple):
    """Train and dev errors as fractions, over one quantity; NaN where no network is fully trained."""

    x: tuple[int, ...]
    train: FloatArray
    dev: FloatArray


NOTHING = Errors((), np.zeros(0), np.zeros(0))


class RealErrors(NamedTuple):
    """Errors of networks on the digits, over training-set size and over width, and the diagnosis.

    `trained` of `steps` steps are behind the networks of the chosen width.
    """

    hidden: int
    examples: int
    base: float
    over_examples: Errors
    over_width: Errors
    diagnosis: Diagnosis
    trained: int
    steps: int

    @property
    def here(self) -> tuple[float, float]:
        """Train and dev error at the chosen width and size."""
        at = self.over_examples.x.index(self.examples)
        return float(self.over_examples.train[at]), float(self.over_examples.dev[at])

    @property
    def is_trained(self) -> bool:
        """Whether the networks of the chosen width have made all their steps."""
        return self.trained == self.steps

    @property
    def finding(self) -> str:
        """Return the two errors and the diagnosis; of networks in training, the step instead of it."""
        train, dev = self.here
        what = (
            diagnosis_name(self.diagnosis) if self.is_trained else f"{self.trained:,} of {self.steps:,} steps"
        )
        return (
            f"{self.hidden} hidden, {self.examples:,} examples: train error {train:.0%}, dev error "
            f"{dev:.0%}, {what}"
        )

    @property
    def caption(self) -> str:
        """Say what the largest training set and the widest network would change."""
        train, dev = self.here
        widths, _, dev_over_width = self.over_width
        text = (
            "" if self.is_trained else "These networks still train: their errors are dots, not yet a curve. "
        )
        text += (
            f"Left: with {self.hidden} hidden unit{'s' if self.hidden > 1 else ''}, the dev error goes from "
            f"{self.over_examples.dev[0]:.0%} with {EXAMPLES[0]} training examples to "
            f"{self.over_examples.dev[-1]:.0%} with {EXAMPLES[-1]:,}. "
        )
        finished = int(np.isfinite(dev_over_width).sum())
        if finished < len(WIDTHS):
            text += f"Right: widths trained so far: {finished} of {len(WIDTHS)}. "
        else:
            best = widths[int(dev_over_width.argmin())]
            text += (
                f"Right: with {self.examples:,} examples, the dev error is lowest, "
                f"{dev_over_width.min():.0%}, at {best} hidden unit{'s' if best > 1 else ''}. "
            )
        return text + (
            f"Here the train error lies {_points_from(train, self.base)} the base error, and the dev error "
            f"{_points_from(dev, train)} the train error; a gap counts as high from 5 points on."
        )


def _points_from(error: float, reference: float) -> str:
    difference = 100 * (error - reference)
    return f"{in_points(abs(difference))} {'above' if round(difference) >= 0 else 'below'}"


class Width(NamedTuple):
    """Networks of one width, one mean of two for each of EXAMPLES, and the share of their training done."""

    train: FloatArray
    dev: FloatArray
    trained: float


def mislabeled(wrong: float, seed: int) -> Split:
    """Return the digits with a wrong label on this share of them, percent, for training and for dev."""
    data, rng = digit_split(seed), np.random.default_rng(seed)
    y_train, y_dev = (
        np.where(rng.random(len(y)) < wrong / 100, (y + rng.integers(1, 10, len(y))) % 10, y)
        for y in (data.y_train, data.y_dev)
    )
    return data._replace(y_train=y_train, y_dev=y_dev)


@remembered(16 * len(WIDTHS))
def networks_of_width(width: int, strength: float, steps: int, wrong: float, seed: int) -> Stages[Width]:
    """Train two networks for each training-set size."""
    rng = np.random.default_rng(seed)
    for share, curves in learning_curves(mislabeled(wrong, seed), width, TWICE, strength, steps, rng):
        yield share, Width(_mean_of_two(curves.train), _mean_of_two(curves.dev), share)


def _mean_of_two(errors: FloatArray) -> FloatArray:
    return np.asarray(errors.reshape(-1, 2).mean(axis=1))


def diagnose_digits(
    hidden: float, examples: float, strength: float, wrong: float, steps: float, base: float, seed: int
) -> Stages[RealErrors]:
    """Train networks of all widths on all training-set sizes; yield what is known so far."""
    width, size = (2 ** round(np.log2(value)) for value in (hidden, examples))
    at, n_steps = EXAMPLES.index(size), round(steps)

    def of_width(width: int) -> Stages[Width]:
        return networks_of_width(width, strength, n_steps, wrong, seed)

    def recall(width: int) -> Width | None:
        return networks_of_width.recall(width, strength, n_steps, wrong, seed)

    for share, known in each_of(WIDTHS, width, of_width, recall):
        chosen = known[width]
        over_examples = Errors(EXAMPLES, chosen.train, chosen.dev)
        trained = round(chosen.trained * n_steps)
        found = diagnose(base / 100, float(chosen.train[at]), float(chosen.dev[at]))
        over_width = _over_width(known, at)
        yield share, RealErrors(width, size, base / 100, over_examples, over_width, found, trained, n_steps)


def _over_width(known: dict[int, Width], at: int) -> Errors:
    """Return the errors at one size for the widths that are fully trained, and NaN for the others."""
    done = {width: networks for width, networks in known.items() if networks.trained >= 1}
    train = [done[width].train[at] if width in done else np.nan for width in WIDTHS]
    dev = [done[width].dev[at] if width in done else np.nan for width in WIDTHS]
    return Errors(WIDTHS, np.array(train), np.array(dev))


def program(
    hidden: float, examples: float, strength: float, wrong: float, steps: float, base: float, seed: int
) -> str:
    """Return the program behind the picture."""
    width, size = (2 ** round(np.log2(value)) for value in (hidden, examples))
    return f"""
import numpy as np
from dlhelpers.bias_variance import diagnose
from dlhelpers.experiments import learning_curves
from dlhelpers.labs.bias_variance.learning_curves import mislabeled

data = mislabeled(wrong={wrong}, seed={seed})  # digits; labels of train and dev are wrong, percent
sizes = np.repeat({EXAMPLES}, 2).tolist()  # two networks for each training-set size
rng = np.random.default_rng({seed})
*_, (_, curves) = learning_curves(data, {width}, sizes, {strength}, {round(steps)}, rng)
train, dev = (errors.reshape(-1, 2).mean(axis=1) for errors in (curves.train, curves.dev))
here = {EXAMPLES}.index({size})
result = diagnose({base} / 100, train[here], dev[here])
"""


class TwoErrorsView:
    """Train and dev error over one quantity on a scale of powers of two, with a cursor."""

    def __init__(self, ax: Axes, name: str, ticks: Sequence[int], top: float = 100.0) -> None:
        ax.set_xscale("log", base=2)
        ax.set(xlim=(ticks[0] / 1.3, ticks[-1] * 1.3), ylim=(-2, top), xlabel=name, ylabel="error, %")
        ax.set_xticks(list(ticks), [str(tick) for tick in ticks])
        ax.minorticks_off()
        self._base = moving(ax.axhline(0, color="#222222", lw=1.2, ls="-."))
        (self._old_train,) = ax.plot([], [], "-", color=GHOST, lw=1.5)
        (self._old_dev,) = ax.plot([], [], "--", color=GHOST, lw=1.5)
        self._cursor = ax.axvline(ticks[0], color=ACCENT, lw=2)
        (self._train,) = ax.plot([], [], "o-", color=TRAIN)
        (self._dev,) = ax.plot([], [], "s--", color=DEV)
        for artist in (self._old_train, self._old_dev, self._cursor, self._train, self._dev):
            moving(artist)
        key(
            ax,
            ("●— train", TRAIN),
            ("■-- dev", DEV),
            ("-·- base", "#222222"),
            ("┃ your choice", ACCENT),
            ("— before", "#777777"),
        )

    def show(self, curve: Errors, old: Errors, at: float, base: float, joined: bool = True) -> None:
        """Show errors and those before them, a cursor and the base error; as dots unless `joined`."""
        self._train.set_data(curve.x, 100 * curve.train)
        self._train.set_linestyle("-" if joined else "none")
        self._dev.set_data(curve.x, 100 * curve.dev)
        self._dev.set_linestyle("--" if joined else "none")
        self._old_train.set_data(old.x, 100 * old.train)
        self._old_dev.set_data(old.x, 100 * old.dev)
        self._cursor.set_xdata([at, at])
        self._base.set_ydata([100 * base, 100 * base])


class OverExamplesView(TwoErrorsView, View[RealErrors]):
    """Learning curves: errors over the number of training examples, at the chosen width."""

    def update(self, result: RealErrors, before: RealErrors | None) -> None:
        """Show `result.over_examples`."""
        old = before.over_examples if before is not None and before.is_trained else NOTHING
        self.show(result.over_examples, old, result.examples, result.base, result.is_trained)


class OverWidthView(TwoErrorsView, View[RealErrors]):
    """Errors over the number of hidden units, at the chosen number of examples."""

    def update(self, result: RealErrors, before: RealErrors | None) -> None:
        """Show `result.over_width`."""
        old = NOTHING if before is None else before.over_width
        self.show(result.over_width, old, result.hidden, result.base)


def views(figure: Figure) -> list[View[RealErrors]]:
    """Lay out the lab: errors over examples, and over width."""
    left, right = figure.subplots(1, 2)
    return [
        OverExamplesView(left, "training examples", EXAMPLES),
        OverWidthView(right, "hidden units", WIDTHS),
    ]


def learning_curves_lab() -> Lab:
    """Return the lab *Diagnosis of a real network*."""
    return Lab(
        "Diagnosis of a real network",
        controls={
            "hidden": log_slider("Hidden units n", 0, 6, 16, 1, base=2, fmt=".0f"),
            "examples": log_slider("Training examples m", 4, 10, 128, 1, base=2, fmt=",.0f"),
            "strength": log_slider("L2 strength λ", -2, 2, 0.01, 0.5),
            "wrong": real_slider("Wrong labels, %", 0, 30, 0, 5, fmt=".0f"),
            "steps": log_slider("Training steps", 1, 3, 500, 0.1, fmt=",.0f"),
            "base": real_slider("Base error, %", 0, 30, 1, 0.5, fmt=".1f"),
        },
        compute=diagnose_digits,
        views=views,
        grabs=[Grab(0, x="examples"), Grab(1, x="hidden")],
        code=program,
        presets={
            "high variance": {"hidden": 32, "examples": 32},
            "more data": {"hidden": 32, "examples": 1024},
            "high bias": {"hidden": 2, "examples": 1024},
            "bigger network": {"hidden": 64, "examples": 1024},
            "too short": {"hidden": 32, "examples": 1024, "steps": 10},
            "wrong labels": {"hidden": 32, "examples": 256, "wrong": 20, "base": 20},
            "and with λ": {"hidden": 32, "examples": 256, "wrong": 20, "base": 20, "strength": 10**0.5},
        },
    )

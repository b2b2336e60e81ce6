"""The lab *The training set comes from elsewhere*: trained on upright digits, used on turned ones."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.augmentation import rotate
from dlhelpers.experiments import MismatchErrors, mismatch_errors
from dlhelpers.labs.bias_variance.common import GapsView
from dlhelpers.labs.digits import digit_split
from dlhelpers.labs.words import in_points
from dlhelpers.live.controls import real_slider, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.plots.style import ACCENT, DEV, GHOST, TEST, TRAIN, View, key, moving
from dlhelpers.plots.tiles import gray, one_tile
from dlhelpers.typing import FloatArray

DEGREES = tuple(range(0, 91, 5))
STEPS = 400
HIDDEN = 32
SHOWN = (2, 3, 4, 5, 6, 7)
"""The digits in the picture: the first dev image of each."""
NAMES = ("train", "train-dev", "dev", "test")


class Mismatch(NamedTuple):
    """The four errors at one angle and at all, and some of the images.

    The networks have `trained` of STEPS steps behind them.
    """

    degrees: int
    share: float
    errors: tuple[float, ...]
    curves: MismatchErrors
    trained_on: FloatArray
    used_on: FloatArray
    trained: int

    @property
    def is_trained(self) -> bool:
        """Whether the networks have made all their steps."""
        return self.trained == STEPS

    @property
    def finding(self) -> str:
        """Return the four errors."""
        errors = ", ".join(f"{name} {error:.0%}" for name, error in zip(NAMES, self.errors, strict=True))
        so_far = "" if self.is_trained else f" after {self.trained} of {STEPS} steps"
        return f"Errors{so_far}: {errors}"

    @property
    def caption(self) -> str:
        """Name the largest of the three gaps and what it means."""
        train, train_dev, dev, test = (100 * error for error in self.errors)
        gaps = {
            "train to train-dev: variance": train_dev - train,
            "train-dev to dev: data mismatch": dev - train_dev,
            "dev to test: chance, or a dev set that is used up": test - dev,
        }
        largest = max(gaps, key=lambda name: gaps[name])
        text = "" if self.is_trained else "The networks still train: their errors are dots, not yet curves. "
        return text + (
            f"Dev and test images are turned by {self.degrees}°, and {self.share:.0%} of the training "
            "images. "
            f"The largest gap, {in_points(gaps[largest])}, is the one from {largest}. "
            f"A dev set like the training set would have shown an error of {train_dev:.0f}%; "
            f"in use it is {test:.0f}%."
        )


@remembered(32)
def errors_at_all_angles(share: float, seed: int) -> Stages[MismatchErrors]:
    """Train a network for each angle."""
    rng = np.random.default_rng(seed)
    return mismatch_errors(digit_split(seed), DEGREES, share / 100, HIDDEN, STEPS, rng)


def turn(degrees: int, share: float, seed: int) -> Stages[Mismatch]:
    """Train networks for all angles; yield what is known so far."""
    at, data = DEGREES.index(degrees), digit_split(seed)
    images = np.stack([data.X_dev[data.y_dev == label][0] for label in SHOWN])
    used_on, n_turned = rotate(images, degrees), round(6 * share / 100)
    trained_on = np.concatenate([used_on[:n_turned], images[n_turned:]])
    for done, curves in errors_at_all_angles(share, seed):
        errors = tuple(float(part[at]) for part in curves[1:])
        trained = round(done * STEPS)
        yield done, Mismatch(degrees, share / 100, errors, curves, trained_on, used_on, trained)


def program(degrees: int, share: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.datasets import digits, split
from dlhelpers.experiments import mismatch_errors

X, y, *_ = digits()
data = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng({seed}))
degrees = range(0, 91, 5)
rng = np.random.default_rng({seed})
*_, (_, curves) = mismatch_errors(data, degrees, {share} / 100, {HIDDEN}, {STEPS}, rng)
result = [errors[degrees.index({degrees})] for errors in curves[1:]]
"""


class MismatchView(View[Mismatch]):
    """Errors over the angle between the training images and those in use."""

    def __init__(self, ax: Axes, degrees: Sequence[float]) -> None:
        ax.set(xlim=(0, degrees[-1]), ylim=(-2, 100), xlabel="angle of dev and test images, degrees")
        ax.set_ylabel("error, %")
        ax.set_xticks(range(0, int(degrees[-1]) + 1, 15))
        self._lines = []
        for name, style, color in (
            ("train", "-", TRAIN),
            ("train_dev", "-.", "#4a90c4"),
            ("dev", "--", DEV),
            ("test", ":", TEST),
        ):
            (old,) = ax.plot([], [], style, color=GHOST, lw=1.2)
            (new,) = ax.plot([], [], style, color=color, lw=2.2)
            self._lines.append((name, style, moving(old), moving(new)))
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=2))
        key(
            ax,
            ("— train", TRAIN),
            ("-·- train-dev", "#4a90c4"),
            ("-- dev", DEV),
            ("··· test", TEST),
            ("┃ yours", ACCENT),
            ("— before", "#777777"),
        )

    def update(self, result: Mismatch, before: Mismatch | None) -> None:
        """Show `result.curves`, as dots until the networks are trained; the cursor at `result.degrees`."""
        curves = result.curves
        past = before.curves if before is not None and before.is_trained else None
        for name, style, old, new in self._lines:
            new.set_data(curves.degrees, 100 * getattr(curves, name))
            new.set(linestyle=style if result.is_trained else "none", marker="" if result.is_trained else "o")
            old.set_data(*([], []) if past is None else (past.degrees, 100 * getattr(past, name)))
        self._cursor.set_xdata([result.degrees, result.degrees])


class DigitsView(View[Mismatch]):
    """Two rows of the same images: as they are in training, and as they are in use."""

    def __init__(self, ax: Axes, n: int = 6) -> None:
        ax.set_axis_off()
        width = 9 * n - 1
        ax.set(xlim=(0, width), ylim=(17, 0), aspect="equal")
        self._images = one_tile(ax, smooth=False, corner=(0, 0), width=width, height=17)
        self._n = n
        key(ax, ("above: as in training    below: as in use", "#222222"))

    def update(self, result: Mismatch, before: Mismatch | None) -> None:
        """Show `result.trained_on` and `result.used_on`, each (at least n, 64)."""
        sheet = np.zeros((17, 9 * self._n - 1))
        for top, images in ((0, result.trained_on), (9, result.used_on)):
            for i in range(self._n):
                sheet[top : top + 8, 9 * i : 9 * i + 8] = images[i].reshape(8, 8)
        self._images.set_pictures(gray(sheet)[np.newaxis])


def views(figure: Figure) -> list[View[Mismatch]]:
    """Lay out the lab: the four errors, the images, and the errors over the angle."""
    grid = figure.add_gridspec(2, 2, height_ratios=[3, 1.1])
    bars = figure.add_subplot(grid[0, 0])
    images = figure.add_subplot(grid[1, 0])
    curves = figure.add_subplot(grid[:, 1])
    return [
        GapsView(bars, NAMES, ("variance", "mismatch", "to test"), top=115),
        DigitsView(images),
        MismatchView(curves, DEGREES),
    ]


def mismatch_lab() -> Lab:
    """Return the lab *The training set comes from elsewhere*."""
    return Lab(
        "The training set comes from elsewhere",
        controls={
            "degrees": steps_slider("Angle in use, degrees", [(str(angle), angle) for angle in DEGREES], 30),
            "share": real_slider("Turned in training, %", 0, 100, 0, 5, fmt=".0f"),
        },
        compute=turn,
        views=views,
        grabs=[Grab(2, x="degrees")],
        code=program,
        presets={
            "same distribution": {"degrees": 0},
            "mismatch": {"degrees": 45},
            "a few from the target": {"degrees": 45, "share": 10},
            "all from the target": {"degrees": 45, "share": 100},
        },
        size=(9.6, 4.6),
    )

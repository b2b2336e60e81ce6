"""The lab *Which mean for the test set?*: the same weights, and a test set that is scaled in three ways."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.normalization.common import N_TEST, N_TRAIN, NOISE, draw_data, percent
from dlhelpers.live.controls import choice, real_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.normalization import fit
from dlhelpers.plots.style import ACCENT, GHOST, TEST, TRAIN, View, key, moving
from dlhelpers.typing import FloatArray

TRAINING_S, OWN, NOT_SCALED = "μ, σ of the training set", "its own μ, σ", "not scaled at all"
SCALINGS = (TRAINING_S, OWN, NOT_SCALED)
SCALE, MEAN = 5.0, 1.0
"""The training set has the standard deviations 5 and 1, and the means 5 and 1."""


class Tested(NamedTuple):
    """What the lab shows: both sets as the model sees them, and its predictions for the test set.

    `X` (200, 2) and `X_test` (n, 2) are scaled; errors are root mean squares.
    """

    scaling: str
    shift: float
    X: FloatArray
    X_test: FloatArray
    y_test: FloatArray
    predictions: FloatArray
    train_error: float
    error: float
    right_error: float

    @property
    def finding(self) -> str:
        """The test error, and what it is with the right scaling."""
        if self.scaling == TRAINING_S:
            return f"Test error {self.error:.2f}, training error {self.train_error:.2f}"
        return f"Test error {self.error:.2f}; with μ and σ of the training set {self.right_error:.2f}"

    @property
    def caption(self) -> str:
        """What the model sees of the test set, and what it predicts."""
        n, plural = len(self.y_test), "s" if len(self.y_test) > 1 else ""
        seen = " and ".join(f"{value:.1f}" for value in self.X_test.mean(axis=0) + 0.0)
        text = (
            f"{n} test example{plural}, drawn {self.shift:.2f} σ above the training set. After the scaling "
            f"the model sees {'their means' if plural else 'it'} at {seen}. On average "
            f"y is {self.y_test.mean():.1f}, and the prediction {self.predictions.mean():.1f}."
        )
        low, high = PredictionsView.ENDS
        share = float(np.mean((self.predictions < low) | (self.predictions > high)))
        return f"{text} Of the predictions, {percent(share)} lie outside of the frame." if share else text


def predict_test_set(scaling: str, shift: float, n_test: int, seed: int) -> Tested:
    """Fit the weights to the normalized training set, and predict the test set as it is scaled."""
    data = draw_data(SCALE, MEAN, 0.0, shift, n_test, seed)
    fitted = fit(data.X)
    X, y_mean = fitted.apply(data.X), data.y.mean()
    w = np.linalg.lstsq(X, data.y - y_mean, rcond=None)[0]
    right = fitted.apply(data.X_test)
    X_test = {TRAINING_S: right, OWN: fit(data.X_test).apply(data.X_test), NOT_SCALED: data.X_test}[scaling]
    return Tested(
        scaling,
        shift,
        X,
        X_test,
        data.y_test,
        predictions=X_test @ w + y_mean,
        train_error=_rms(X @ w + y_mean - data.y),
        error=_rms(X_test @ w + y_mean - data.y_test),
        right_error=_rms(right @ w + y_mean - data.y_test),
    )


def _rms(errors: FloatArray) -> float:
    return float(np.sqrt(np.mean(errors**2)))


_APPLY = {
    TRAINING_S: "X_test = fitted.apply(X_test)",
    OWN: "X_test = fit(X_test).apply(X_test)  # the bug",
    NOT_SCALED: "",
}


def program(scaling: str, shift: float, n_test: int, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.normalization import fit

def examples(numbers, center):
    X = np.column_stack([{SCALE} * (numbers[:, 0] + center), numbers[:, 1] + center])
    return X, X[:, 0] / {SCALE} + X[:, 1] + {NOISE} * numbers[:, 2]

rng = np.random.default_rng({seed})
train, test = rng.standard_normal(({N_TRAIN}, 3)), rng.standard_normal(({N_TEST}, 3))[:{n_test}]
(X, y), (X_test, y_test) = examples(train, {MEAN}), examples(test, {MEAN} + {shift})
fitted = fit(X)
w = np.linalg.lstsq(fitted.apply(X), y - y.mean(), rcond=None)[0]
{_APPLY[scaling]}
predictions = X_test @ w + y.mean()
result = predictions, np.sqrt(np.mean((predictions - y_test) ** 2))
"""


class SeenView(View[Tested]):
    """Both sets as the model sees them, and where the test set lies in truth."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-3.5, 11), ylim=(-3.5, 6.5), aspect="equal", xticks=[0, 3, 6, 9], yticks=[0, 3, 6])
        ax.set(xlabel="$x_1$ as the model sees it", ylabel="$x_2$ as the model sees it")
        (self._train,) = ax.plot([], [], "o", color=TRAIN, ms=2.5, mec="none", alpha=0.5)
        (self._old,) = ax.plot([], [], "s", color=GHOST, ms=3, mec="none")
        (self._test,) = ax.plot([], [], "s", color=TEST, ms=3.5, mec="none", alpha=0.8)
        (self._truth,) = ax.plot([], [], "D", mfc="none", mec=ACCENT, ms=13, mew=2.5)
        for artist in (self._train, self._old, self._test, self._truth):
            moving(artist)
        key(ax, ("● train", TRAIN), ("■ test", TEST), ("◇ true middle: take hold", ACCENT))

    def update(self, result: Tested, before: Tested | None) -> None:
        """Show `result.X`, `result.X_test`, and the middle of the test set in σ of the training set."""
        self._train.set_data(*result.X.T)
        self._test.set_data(*result.X_test.T)
        self._old.set_data(*(np.zeros((2, 0)) if before is None else before.X_test.T))
        self._truth.set_data([result.shift], [result.shift])


class PredictionsView(View[Tested]):
    """The predictions for the test set over the true values; good ones lie on the diagonal."""

    ENDS: ClassVar[tuple[float, float]] = (-4, 14)

    def __init__(self, ax: Axes) -> None:
        ticks = [0, 4, 8, 12]
        ax.set(xlim=self.ENDS, ylim=self.ENDS, xticks=ticks, yticks=ticks, aspect="equal")
        ax.set(xlabel="true y of the test set", ylabel="predicted y")
        moving(ax.axline((0, 0), slope=1, color="#777777", lw=1))
        (self._old,) = ax.plot([], [], "s", color=GHOST, ms=3.5, mec="none")
        (self._points,) = ax.plot([], [], "s", color=TEST, ms=4.5, mec="none", alpha=0.8)
        for artist in (self._old, self._points):
            moving(artist)
        key(ax, ("■ test", TEST), ("— predicted = true", "#777777"), ("■ before", "#777777"))

    def update(self, result: Tested, before: Tested | None) -> None:
        """Show `result.predictions` over `result.y_test`."""
        self._points.set_data(result.y_test, result.predictions)
        past = (np.zeros(0), np.zeros(0)) if before is None else (before.y_test, before.predictions)
        self._old.set_data(*past)


def views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: what the model sees, and what it predicts."""
    left, right = figure.subplots(1, 2, width_ratios=[1.45, 1])
    return [SeenView(left), PredictionsView(right)]


def scaled_test_set_lab() -> Lab:
    """Return the lab *Which mean for the test set?*."""
    return Lab(
        "Which mean for the test set?",
        controls={
            "scaling": choice("Test set scaled by", list(SCALINGS), TRAINING_S),
            "shift": real_slider("Test set shifted by, σ", 0, 3, 1, 0.1, fmt=".1f"),
            "n_test": slider("Test examples", 1, N_TEST, 30),
        },
        compute=predict_test_set,
        views=views,
        grabs=[Grab(0, x="shift")],
        code=program,
        presets={
            "by its own": {"scaling": OWN},
            "a single example": {"scaling": OWN, "n_test": 1},
            "not scaled": {"scaling": NOT_SCALED},
            "far away": {"shift": 3},
        },
    )

"""The lab *A step of Adam, taken apart*: averages, bias correction, epsilon, and the length of the step."""

from functools import lru_cache
from itertools import chain, repeat
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.live.controls import choice, log_slider, real_slider, steps_slider, switch
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import Adam
from dlhelpers.plots.style import ACCENT, GHOST, TRAIN, View, key, moving
from dlhelpers.training import Step, descend
from dlhelpers.typing import FloatArray

STEPS = 1000
OUTSIDE, INSIDE = "√ŝ + ε", "√(ŝ + ε)"
PLACES = {OUTSIDE: False, INSIDE: True}
WITHOUT_COLOR = "#9b2f6e"
T = np.arange(1, STEPS + 1)


class GivenGradients:
    """No loss at all: each gradient is given, as the batch's X."""

    def loss(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return 0: there is no loss to speak of."""
        return np.zeros(theta.shape[:-1])

    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the gradient that was given."""
        return batch.X


class Parts(NamedTuple):
    """A run of Adam on given gradients of one parameter, with and without bias correction.

    `g` is (1000,); `v`, `s` (1000,) are the averages before correction; `steps` (2, 1000) are the lengths of
    the steps over the learning rate, with and without correction.
    """

    t: int
    beta1: float
    beta2: float
    size: float
    noise: float
    place: str
    corrected: bool
    g: FloatArray
    v: FloatArray
    s: FloatArray
    steps: FloatArray

    @property
    def shown(self) -> FloatArray:
        """The lengths of the steps that the switch asks for."""
        return self.steps[0 if self.corrected else 1]

    @property
    def longest(self) -> int:
        """The step that is longest compared with the corrected one."""
        return int(np.argmax(factor_without(self.beta1, self.beta2))) + 1

    @property
    def finding(self) -> str:
        """The length of the chosen step, with and without correction."""
        with_it, without = (length_in_words(each[self.t - 1]) for each in self.steps)
        return f"Step {self.t:,}: {with_it} α long with bias correction, {without} α without"

    @property
    def caption(self) -> str:
        """What each part of the step is, and what the correction changes."""
        t = self.t
        factors = factor_without(self.beta1, self.beta2)
        v_weight, s_weight = 1 - self.beta1**t, 1 - self.beta2**t
        text = (
            f"At t = {t:,} the weights in v add up to {_small(v_weight)}, those in s to {_small(s_weight)}. "
            f"Without correction the step is {_small(v_weight)} / √{_small(s_weight)} = "
            f"{_small(factors[t - 1])} times as long, were it not for ε. This factor is "
            f"{_small(factors[0])} at t = 1 and largest at t = {self.longest:,}: {_small(factors.max())}. "
        )
        root = abs(self.g[t - 1]) if self.noise == 0 else float(np.sqrt(self.s[t - 1] / s_weight))
        ratio = np.sqrt(root**2 + 1e-8) / root if PLACES[self.place] else (root + 1e-8) / root
        if ratio < 1.005:
            text += "ε = 1e-8 changes the corrected step by less than 1%."
        elif ratio < 1.1:
            text += f"ε = 1e-8 makes the corrected step {1 - 1 / ratio:.0%} shorter."
        else:
            text += (
                f"ε = 1e-8 makes the corrected step {_small(ratio)} times shorter: it is not small beside "
                f"{'ŝ' if PLACES[self.place] else '√ŝ'} = {root**2 if PLACES[self.place] else root:.0e}."
            )
        root_name = self.place if self.corrected else self.place.replace("ŝ", "s")
        noise = f"noise {self.noise:g} times as large" if self.noise else "no noise"
        return f"{text} Shown: gradients of size {self.size:.1e} and {noise}, divided by {root_name}."


def _small(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def length_in_words(length: float) -> str:
    """Return a length in units of alpha."""
    return f"{length:.2f}" if length >= 0.095 else f"{length:.1g}"


def factor_without(beta1: float, beta2: float) -> FloatArray:
    r"""Return how much longer a step without bias correction is, for t = 1, 2, ..., 1000.

    .. math:: \frac{1 - \beta_1^t}{\sqrt{1 - \beta_2^t}} \tag{1}
    """
    return np.asarray((1 - beta1**T) / np.sqrt(1 - beta2**T))  # (1)


def gradients(size: float, noise: float, seed: int) -> FloatArray:
    """Return gradients of one parameter: a constant, and normal noise of `noise` times the constant."""
    return size * (1 + noise * np.random.default_rng(seed).standard_normal(STEPS))


def _run(g: FloatArray, optimizer: Adam) -> list[Step]:
    batches = (Batch(each, each) for each in chain(g.reshape(-1, 1), repeat(g[-1:])))
    return list(descend(GivenGradients(), np.zeros(1), batches, optimizer, 1.0, steps=STEPS))


@lru_cache(maxsize=64)
def averages_and_lengths(
    size: float, place: str, noise: float, beta1: float, beta2: float, seed: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Run Adam with and without correction; return v and s, (1000,) each, and the lengths, (2, 1000)."""
    g = gradients(size, noise, seed)
    runs = [_run(g, Adam(beta1, beta2, eps_inside=PLACES[place], bias_correction=on)) for on in (True, False)]
    thetas = np.array([[step.theta[0] for step in run] for run in runs])
    v, s = (np.array([getattr(step.state, name)[0] for step in runs[0][1:]]) for name in ("v", "s"))
    return v, s, np.abs(np.diff(thetas))


def take_apart(
    t: float, corrected: bool, size: float, place: str, noise: float, beta1: float, beta2: float, seed: int
) -> Parts:
    """Look at step t of Adam, with and without bias correction on the same gradients."""
    g, at = gradients(size, noise, seed), min(max(round(t), 1), STEPS)
    parts = averages_and_lengths(size, place, noise, beta1, beta2, seed)
    return Parts(at, beta1, beta2, size, noise, place, corrected, g, *parts)


def program(
    t: float, corrected: bool, size: float, place: str, noise: float, beta1: float, beta2: float, seed: int
) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.optimizers import Adam

g = {size} * (1 + {noise} * np.random.default_rng({seed}).standard_normal({STEPS}))

def lengths(bias_correction):  # of the steps, with a learning rate of 1
    adam = Adam({beta1}, {beta2}, eps_inside={PLACES[place]}, bias_correction=bias_correction)
    theta, state, found = np.zeros(1), adam.init(np.zeros(1)), []
    for gradient in g:
        direction, state = adam.update(np.array([gradient]), state)
        new = theta - 1.0 * direction
        found.append(abs(new - theta)[0])
        theta = new
    return np.array(found)

result = lengths(True), lengths(False)
"""


class LengthView(View[Parts]):
    """Lengths of the steps over their number, with and without bias correction."""

    LOW, HIGH = 1e-3, 100.0

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(0.9, STEPS), ylim=(self.LOW, self.HIGH))
        ax.set(xlabel="step t", ylabel="length of the step, in units of α")
        ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
        ax.set_yticks([0.001, 0.01, 0.1, 1, 10, 100], ["0.001", "0.01", "0.1", "1", "10", "100"])
        ax.minorticks_off()
        ax.axhline(1, color="#777777", lw=0.8)
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        (self._old,) = ax.plot([], [], "-", color=GHOST, lw=1)
        (self._without,) = ax.plot([], [], "--", color=WITHOUT_COLOR)
        (self._with,) = ax.plot([], [], "-", color=TRAIN)
        (self._here,) = ax.plot([], [], "o", color=ACCENT, ms=12, mec="white", mew=2)
        for artist in (self._old, self._without, self._with, self._here):
            moving(artist)
        key(
            ax,
            ("— with correction", TRAIN),
            ("-- without", WITHOUT_COLOR),
            ("┃ step t (drag)", ACCENT),
            ("— before", "#777777"),
        )

    def update(self, result: Parts, before: Parts | None) -> None:
        """Show `result.steps`, (2, 1000), and of the one before what its switch asked for."""
        low, high = 1e-2 * self.LOW, 1e2 * self.HIGH
        self._with.set_data(T, np.clip(result.steps[0], low, high))
        self._without.set_data(T, np.clip(result.steps[1], low, high))
        past = np.full(STEPS, np.nan) if before is None else before.shown
        self._old.set_data(T, np.clip(past, low, high))
        self._cursor.set_xdata([result.t, result.t])
        self._here.set_data(
            [result.t], [np.clip(result.shown[result.t - 1], 1.3 * self.LOW, self.HIGH / 1.3)]
        )


class PartsView(View[Parts]):
    """The parts of the chosen step, in units of the gradient's size: a bar from 1 to a dot for each."""

    NAMES = ("|g|", "|v|", "√s", "|v| used", "root used", "step / α")
    LOW, HIGH = 1e-3, 100.0

    def __init__(self, ax: Axes) -> None:
        ax.set(
            xscale="log",
            xlim=(self.LOW, self.HIGH),
            ylim=(-0.6, 5.6),
            xlabel="in units of the gradient's mean",
        )
        ax.set_yticks(range(5, -1, -1), self.NAMES)
        ax.set_xticks([0.001, 0.01, 0.1, 1, 10, 100], ["0.001", "0.01", "0.1", "1", "10", "100"])
        ax.minorticks_off()
        ax.axvline(1, color="#777777", lw=0.8)
        (self._old,) = ax.plot([], [], "o", color=GHOST, ms=8)
        colors = ("#555555", "#555555", "#555555", TRAIN, TRAIN, ACCENT)
        self._bars = [
            moving(ax.plot([], [], "-", color=color, lw=9, solid_capstyle="butt")[0]) for color in colors
        ]
        self._ends = [moving(ax.plot([], [], "o", color=color, ms=10, mec="white")[0]) for color in colors]
        moving(self._old)

    def update(self, result: Parts, before: Parts | None) -> None:
        """Show the parts at `result.t`."""
        for k, (bar, end, value) in enumerate(zip(self._bars, self._ends, self._parts(result), strict=True)):
            bar.set_data([1, value], [5 - k, 5 - k])
            end.set_data([value], [5 - k])  # a part of size 1 has a bar of no length
        past = np.empty(0) if before is None else self._parts(before)
        self._old.set_data(past, 5 - np.arange(len(past)))

    def _parts(self, result: Parts) -> FloatArray:
        t = result.t
        g, v, s = result.g[t - 1], result.v[t - 1], result.s[t - 1]
        v_used = v / (1 - result.beta1**t) if result.corrected else v
        s_used = s / (1 - result.beta2**t) if result.corrected else s
        root = np.sqrt(s_used + 1e-8) if PLACES[result.place] else np.sqrt(s_used) + 1e-8
        parts = np.abs(np.array([g, v, np.sqrt(s), v_used, root])) / result.size
        return np.clip(np.append(parts, result.shown[t - 1]), 1.35 * self.LOW, self.HIGH / 1.35)


def step_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the lengths of all steps, and the parts of one."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [LengthView(left), PartsView(right)]


def adam_step_lab() -> Lab:
    """Return the lab *A step of Adam, taken apart*."""
    betas2 = [(text, float(text)) for text in ("0.9", "0.99", "0.999", "0.9999")]
    return Lab(
        "A step of Adam, taken apart",
        controls={
            "t": log_slider("Step t", 0, 3, 1, 0.025, fmt=",.0f"),
            "corrected": switch("Bias correction", True),
            "size": log_slider("Size of the gradient", -10, 0, 0.1, 0.5, fmt=".1e"),
            "place": choice("Divide by", list(PLACES), OUTSIDE),
            "noise": real_slider("Noise, times the size", 0, 5, 0.25, 0.25),
            "beta1": real_slider("β₁", 0, 0.98, 0.9, 0.02),
            "beta2": steps_slider("β₂", betas2, 0.999),
        },
        compute=take_apart,
        views=step_views,
        grabs=[Grab(0, x="t")],
        code=program,
        presets={
            "first step, without": {"corrected": False},
            "the longest, without": {"corrected": False, "t": 10**1.075},
            "noisy gradient": {"noise": 3, "t": 100},
            "tiny gradient, ε inside": {"size": 1e-6, "place": INSIDE},
            "tiny gradient, ε outside": {"size": 1e-6},
        },
        size=(9.6, 3.9),
    )

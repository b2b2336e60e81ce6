"""The lab *Where the noise stops you*: schedules on a noisy loss, and the floor that a rate predicts."""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.live.controls import choice, log_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.labels import EndLabels
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, TEST, TRAIN, View, key, moving
from dlhelpers.schedules import (
    Constant,
    Cosine,
    Delayed,
    Exponential,
    InverseSqrt,
    InverseTime,
    Schedule,
    Staircase,
    noise_floor,
)
from dlhelpers.typing import FloatArray

EPOCHS, STEPS_PER_EPOCH = 40, 10
STEPS = EPOCHS * STEPS_PER_EPOCH
RUNS = 200
START = 3.0
NOISE = 1.0
"""The standard deviation of one example."""
SLIP = "k/√epoch as written"
FLOOR_RATES = np.geomspace(0.05, 1.8, 10)


def as_written(rate: float, start: int) -> Schedule:
    """Return the rate over the root of the epochs since the start, which divides by 0 at the start."""

    def schedule(epoch: int) -> float:
        if epoch < start:
            return rate
        return rate / math.sqrt(epoch - start) if epoch > start else math.inf

    return schedule


MAKE: dict[str, Callable[[float, int], Schedule]] = {
    "constant": lambda rate, start: Constant(rate),
    "1/(1 + epoch)": lambda rate, start: InverseTime(rate, 1.0),
    "0.95^epoch": lambda rate, start: Exponential(rate, 0.95),
    "1/√(epoch + 1)": lambda rate, start: InverseSqrt(rate),
    "staircase": lambda rate, start: Staircase(rate, 0.5, 5),
    "cosine": lambda rate, start: Cosine(rate, max(1, EPOCHS - start)),
}
"""Each schedule, from its first rate and the epoch at which the decay starts; it counts epochs from there."""


class Floors(NamedTuple):
    """Constant rates (n,), the loss that each measured at its end, and the formula's."""

    rates: FloatArray
    measured: FloatArray
    predicted: FloatArray

    @property
    def disagreement(self) -> float:
        """The largest relative difference."""
        return float(np.max(np.abs(self.measured / self.predicted - 1)))


class Noisy(NamedTuple):
    """The mean excess loss of many runs under each schedule, over the steps."""

    schedule: str
    rate: float
    start: int
    batch_size: int
    rates: dict[str, FloatArray]
    """For each schedule, the rate of each epoch."""
    losses: dict[str, FloatArray]
    """For each schedule, the mean over the runs at the start of each epoch, (EPOCHS + 1,)."""
    single: FloatArray
    """One run of the chosen schedule."""
    floors: Floors

    @property
    def end(self) -> float:
        """The loss of the chosen schedule, as the mean of the last two epochs."""
        return self.ends[self.schedule]

    @property
    def ends(self) -> dict[str, float]:
        """The mean of the last two epochs, for each schedule."""
        return {name: float(np.mean(losses[-2:])) for name, losses in self.losses.items()}

    @property
    def floor(self) -> float:
        """The formula, at the first rate."""
        return float(noise_floor(self.rate, NOISE, self.batch_size))

    @property
    def chosen_floor(self) -> FloatArray:
        """The formula at the chosen schedule's rate of each epoch."""
        return np.asarray(
            noise_floor(np.nan_to_num(self.rates[self.schedule], posinf=2.0), NOISE, self.batch_size)
        )

    @property
    def finding(self) -> str:
        """Return where the chosen schedule ends, and where the formula puts a constant rate."""
        end = f"{_name(self.schedule)}: the loss ends {_at(self.end)}"
        return f"{end}; the floor of rate {self.rate:.2g} is {_small(self.floor)}"

    @property
    def caption(self) -> str:
        """Say how the schedules compare, and how far the formula is from the measurement."""
        return " ".join([self._about_the_chosen, self._about_the_others, self._about_the_formula])

    @property
    def _about_the_chosen(self) -> str:
        if self.schedule == SLIP and self.start < EPOCHS:
            return (
                f"At epoch {self.start} the decay begins, and the formula as it is often written divides by "
                "the root of 0: the step has no end, and the run is lost."
            )
        if self.floor == math.inf:
            return (
                f"A rate of {self.rate:.2g} is above 2: each step overshoots, and the loss grows until the "
                "decay has brought the rate below 2."
            )
        if self.schedule == "constant":
            return (
                "The loss falls fast, then stays at the floor: there the noise of the mini-batches pushes it "
                "up as much as a step pulls it down."
            )
        last = self.rates[self.schedule][-1]
        return (
            f"The decay starts at epoch {self.start}; in the last epoch the rate is {_small(last)}, with a "
            f"floor of {_small(float(noise_floor(last, NOISE, self.batch_size)))} (dotted)."
        )

    @property
    def _about_the_others(self) -> str:
        best = min(MAKE, key=lambda name: self.ends[name])
        ahead = "this one" if best == self.schedule else best
        return (
            f"Of the six schedules, {ahead} ends lowest, at {_small(self.ends[best])} (mean of {RUNS} runs)."
        )

    @property
    def _about_the_formula(self) -> str:
        return (
            f"At {len(FLOOR_RATES)} constant rates the measured floors are within "
            f"{_rounded_up(self.floors.disagreement)} of the formula."
        )


def _name(schedule: str) -> str:
    return schedule if schedule == SLIP else schedule[0].upper() + schedule[1:]


def _small(value: float) -> str:
    """Return a loss or a rate with two digits."""
    if not value < 1e4:
        return "beyond all bounds"
    return "below 0.00001" if value < 1e-5 else f"{value:.5f}" if value < 1e-3 else f"{value:.2g}"


def _at(loss: float) -> str:
    return f"at {_small(loss)}" if loss < 1e4 else "beyond all bounds"


def _rounded_up(share: float) -> str:
    return f"{math.ceil(100 * share)}%"


@lru_cache(maxsize=1)
def draws(seed: int) -> FloatArray:
    """Draw the noise of each step and run, (STEPS + 1, RUNS); a batch of B divides it by the root of B."""
    return np.random.default_rng(seed).standard_normal((STEPS + 1, RUNS))


def train(rates: FloatArray, start: float, batch_size: int, seed: int) -> FloatArray:
    """Train with each row of rates, (S, STEPS + 1), RUNS times; return theta, (STEPS + 1, S, RUNS).

    The loss is (theta - x)^2 / 2 for numbers x whose mean is 0; its mean is theta^2 / 2 above the minimum.
    """
    noise = NOISE / math.sqrt(batch_size) * draws(seed)
    theta = np.full((STEPS + 1, len(rates), RUNS), start)
    with np.errstate(all="ignore"):
        for t in range(STEPS):
            gradient = theta[t] - noise[t]
            step = rates[:, t, np.newaxis] * gradient
            theta[t + 1] = np.where(np.isfinite(gradient), theta[t] - step, theta[t])
    return theta


@lru_cache(maxsize=16)
def measure_floors(batch_size: int, seed: int) -> Floors:
    """Train at constant rates from the minimum, and average the loss over the second half of the steps."""
    theta = train(np.repeat(FLOOR_RATES[:, None], STEPS + 1, axis=1), 0.0, batch_size, seed)
    measured = (theta[STEPS // 2 :] ** 2 / 2).mean(axis=(0, 2))
    return Floors(FLOOR_RATES, measured, np.asarray(noise_floor(FLOOR_RATES, NOISE, batch_size)))


def run_schedules(schedule: str, rate: float, start: int, batch_size: float, seed: int) -> Noisy:
    """Train with each schedule, on the same noise."""
    B = round(batch_size)
    made: dict[str, Schedule] = {name: Delayed(make(rate, start), start) for name, make in MAKE.items()}
    if schedule == SLIP:
        made[SLIP] = as_written(rate, start)
    names = list(made)
    epochs = np.array([[each(epoch) for epoch in range(EPOCHS)] for each in made.values()])
    theta = train(np.hstack([np.repeat(epochs, STEPS_PER_EPOCH, axis=1), epochs[:, -1:]]), START, B, seed)
    with np.errstate(all="ignore"):
        losses = (theta[::STEPS_PER_EPOCH] ** 2 / 2).mean(axis=2)
        single = theta[:, names.index(schedule), 0] ** 2 / 2
    return Noisy(
        schedule,
        rate,
        start,
        B,
        dict(zip(names, epochs, strict=True)),
        dict(zip(names, losses.T, strict=True)),
        single,
        measure_floors(B, seed),
    )


_SOURCE = {
    "constant": "Constant({rate})",
    "1/(1 + epoch)": "Delayed(InverseTime({rate}, 1.0), {start})",
    "0.95^epoch": "Delayed(Exponential({rate}, 0.95), {start})",
    "1/√(epoch + 1)": "Delayed(InverseSqrt({rate}), {start})",
    "staircase": "Delayed(Staircase({rate}, 0.5, 5), {start})",
    "cosine": "Delayed(Cosine({rate}, {left}), {start})",
    SLIP: (
        "lambda epoch: {rate} / (epoch - {start}) ** 0.5 if epoch > {start} "
        "else {rate} if epoch < {start} else np.inf"
    ),
}


def program(schedule: str, rate: float, start: int, batch_size: float, seed: int) -> str:
    """Return the program behind the picture."""
    source = _SOURCE[schedule].format(rate=rate, start=start, left=max(1, EPOCHS - start))
    names = [*sorted(set(re.findall(r"[A-Z]\w+", source))), "noise_floor"]
    return f"""
import numpy as np
from dlhelpers.schedules import {", ".join(names)}

rng = np.random.default_rng({seed})
noise = {NOISE} / np.sqrt({round(batch_size)}) * rng.standard_normal(({STEPS + 1}, {RUNS}))
schedule = {source}
theta, losses = np.full({RUNS}, {START}), []
with np.errstate(all="ignore"):
    for t in range({STEPS + 1}):
        if t % {STEPS_PER_EPOCH} == 0:
            losses.append(np.mean(theta**2 / 2))
        rate = schedule(min(t // {STEPS_PER_EPOCH}, {EPOCHS - 1}))
        gradient = theta - noise[t]
        theta = np.where(np.isfinite(gradient), theta - rate * gradient, theta)
result = np.mean(losses[-2:]), noise_floor({rate}, {NOISE}, {round(batch_size)})
"""


class LossView(View[Noisy]):
    """The excess loss of all schedules, the floor of the chosen one, and where the decay starts."""

    LOW, HIGH = 1e-4, 30.0

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0, EPOCHS), ylim=(self.LOW, self.HIGH))
        ax.set(xlabel="epoch (10 steps each)", ylabel="loss above its minimum")
        self._x = np.arange(EPOCHS + 1)
        self._others = moving(ax.plot([], [], color=LIGHT_BLUE, lw=1.4)[0])
        (self._single,) = ax.plot([], [], color=LIGHT_BLUE, lw=0.5, alpha=0.7)
        (self._before,) = ax.plot([], [], color=GHOST, lw=2)
        (self._mean,) = ax.plot([], [], color=TRAIN, lw=3)
        (self._floor,) = ax.plot([], [], ":", color=TEST, lw=2, drawstyle="steps-post")
        self._start = ax.axvline(0, color=ACCENT, lw=2.5)
        for artist in (self._single, self._before, self._mean, self._floor, self._start):
            moving(artist)
        self._labels = EndLabels(ax, [*((name, TRAIN) for name in MAKE), ("as written", TRAIN)])
        self._labels.texts[0].set_in_layout(True)
        key(
            ax,
            ("— mean of 200 runs", TRAIN),
            ("— one run", "#4a90c4"),
            ("··· floor of its rate", TEST),
            ("┃ start of decay", ACCENT),
            ("— before", "#777777"),
        )

    def update(self, result: Noisy, before: Noisy | None) -> None:
        """Show `result.losses` and the floor of the chosen schedule's rates."""
        others = np.array([[*self._inside(result.losses[name]), np.nan] for name in MAKE])
        self._others.set_data(np.tile([*self._x, np.nan], len(others)), others.ravel())
        self._mean.set_data(self._x, self._inside(result.losses[result.schedule]))
        every_second = np.arange(0, STEPS + 1, 2)  # is enough to draw
        self._single.set_data(every_second / STEPS_PER_EPOCH, self._inside(result.single[every_second]))
        floor = np.append(result.chosen_floor, result.chosen_floor[-1])
        self._floor.set_data(self._x, self._inside(floor))
        self._start.set_xdata([result.start, result.start])
        old = self._x * np.nan if before is None else self._inside(before.losses[before.schedule])
        self._before.set_data(self._x, old)
        self._labels.place([result.ends.get(name, math.nan) for name in (*MAKE, SLIP)])
        for name, text in zip((*MAKE, SLIP), self._labels.texts, strict=True):
            text.set_fontweight("bold" if name == result.schedule else "normal")

    def _inside(self, losses: FloatArray) -> FloatArray:
        """Hold what is outside of the frame a little beyond its edge, where a log axis can draw it."""
        return np.clip(np.nan_to_num(losses, nan=np.inf), self.LOW / 10, self.HIGH * 10)


class RateView(View[Noisy]):
    """The learning rate of the chosen schedule over the epochs."""

    def __init__(self, ax: Axes) -> None:
        ax.set(
            xlim=(0, EPOCHS), ylim=(0, 1.08), xlabel="epoch", ylabel="rate / first rate", yticks=[0, 0.5, 1]
        )
        (self._before,) = ax.plot([], [], color=GHOST, drawstyle="steps-post")
        (self._rate,) = ax.plot([], [], color="#222222", drawstyle="steps-post")
        self._start = ax.axvline(0, color=ACCENT, lw=2.5)
        for artist in (self._before, self._rate, self._start):
            moving(artist)

    def update(self, result: Noisy, before: Noisy | None) -> None:
        """Show `result.rates` of the chosen schedule."""
        self._rate.set_data(*self._line(result))
        self._before.set_data(*([np.zeros(0)] * 2 if before is None else self._line(before)))
        self._start.set_xdata([result.start, result.start])

    def _line(self, result: Noisy) -> list[FloatArray]:
        rates = np.minimum(result.rates[result.schedule] / result.rate, 2.0)
        return [np.arange(EPOCHS + 1.0), np.append(rates, rates[-1])]


class FloorView(View[Noisy]):
    """The floor of constant rates, measured and by the formula; the first rate is the cursor."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(0.018, 3.2), ylim=(1e-5, 10))
        ax.set(xlabel="constant rate α", ylabel="floor")
        ax.set_xticks([0.02, 0.1, 0.5, 2], ["0.02", "0.1", "0.5", "2"])
        ax.minorticks_off()
        self._alpha = np.geomspace(0.018, 1.999, 200)
        (self._formula,) = ax.plot([], [], ":", color=TEST)
        (self._dots,) = ax.plot([], [], "o", color=TRAIN, ms=5)
        self._rate = ax.axvline(1, color="#222222", lw=2)
        for artist in (self._formula, self._dots, self._rate):
            moving(artist)
        key(ax, ("● measured", TRAIN), ("··· formula", TEST), ("┃ α₀", "#222222"))

    def update(self, result: Noisy, before: Noisy | None) -> None:
        """Show `result.floors` and the cursor at `result.rate`."""
        self._dots.set_data(result.floors.rates, result.floors.measured)
        self._formula.set_data(self._alpha, noise_floor(self._alpha, NOISE, result.batch_size))
        self._rate.set_xdata([result.rate, result.rate])


def noise_floor_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the losses, and on the right the rate and the floors."""
    grid = figure.add_gridspec(2, 2, width_ratios=[2.2, 1], height_ratios=[1, 1.5])
    main = figure.add_subplot(grid[:, 0])
    return [
        LossView(main),
        RateView(figure.add_subplot(grid[0, 1])),
        FloorView(figure.add_subplot(grid[1, 1])),
    ]


def noise_floor_lab() -> Lab:
    """Return the lab *Where the noise stops you*."""
    return Lab(
        "Where the noise stops you",
        controls={
            "schedule": choice("Schedule", [*MAKE, SLIP], "staircase"),
            "rate": log_slider("First rate α₀", -1.7, 0.5, 0.5, 0.05),
            "start": slider("Decay starts at epoch", 0, EPOCHS, 20),
            "batch_size": log_slider("Batch size B", 0, 10, 1, 1, base=2, fmt=",.0f"),
        },
        compute=run_schedules,
        views=noise_floor_views,
        grabs=[Grab(0, x="start"), Grab(1, x="start"), Grab(2, x="rate")],
        code=program,
        presets={
            "never decay": {"schedule": "constant"},
            "decay at once": {"schedule": "1/(1 + epoch)", "start": 0},
            "high, then down": {"schedule": "cosine", "rate": 1.0, "start": 20},
            "too hot at first": {"schedule": "0.95^epoch", "rate": 2.5, "start": 0},
            "large batches instead": {"schedule": "constant", "batch_size": 128},
            "k/√epoch as written": {"schedule": SLIP},
        },
        size=(9.6, 4.3),
    )

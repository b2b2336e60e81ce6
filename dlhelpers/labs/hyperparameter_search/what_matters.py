"""The lab *What matters here*: each hyperparameter moved alone, beside what another seed changes."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.labs.digits import normalized_digits
from dlhelpers.live.controls import choice, log_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.plots.style import ACCENT, DEV, GHOST, View, key, moving, note
from dlhelpers.schedules import InverseTime, PerEpoch
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

M, EPOCHS = 1024, 4
STARTS = 4
"""Networks of each trial, with other first weights; their dev losses are averaged."""
SEEDS = 8
"""Other first weights and other mini-batches of the usual setting: the band."""


class Trial(NamedTuple):
    """One setting: the usual values, with Adam."""

    alpha: float = 0.01
    beta1: float = 0.9
    batch_size: int = 32
    units: int = 16
    layers: int = 1
    decay: float = 0.0
    beta2: float = 0.999
    eps: float = 1e-8


VALUES: Mapping[str, tuple[float, ...]] = {
    "alpha": (1e-4, 1e-3, 1e-2, 1e-1),
    "beta1": (0.0, 0.5, 0.9, 0.99, 0.999),
    "batch_size": (8, 16, 32, 64, 128),
    "units": (4, 8, 16, 32, 64),
    "layers": (1, 2, 3, 4),
    "decay": (0.0, 0.5, 1.0, 2.0),
    "beta2": (0.9, 0.99, 0.999, 0.9999),
    "eps": (1e-10, 1e-8, 1e-6, 1e-4),
}
"""In the order of the lecture notes."""
TITLES = {
    "alpha": "learning rate α",
    "beta1": "momentum β₁",
    "batch_size": "batch size",
    "units": "hidden units",
    "layers": "hidden layers",
    "decay": "decay of α",
    "beta2": "β₂ of Adam",
    "eps": "ε of Adam",
}
WIDE, NARROW = "wide ranges", "only the neighbors"
RATES = 10.0 ** np.arange(-4, 0.1, 0.5)


class Effects(NamedTuple):
    """The dev losses of each hyperparameter's values, and of the usual setting with other seeds."""

    alpha: float
    ranges: str
    band: tuple[float, float]
    """The lowest and the highest dev loss of the usual setting, over the seeds."""
    losses: dict[str, dict[float, float]]
    """For each hyperparameter that is done: value to dev loss."""
    curve: FloatArray
    """Dev losses at RATES; NaN where they are not known yet."""

    def ratio(self, name: str) -> float:
        """Return the worst dev loss of a hyperparameter over its best."""
        found = self.losses[name].values()
        return max(found) / min(found)

    @property
    def outside(self) -> list[str]:
        """The hyperparameters with a value whose loss is outside of the band."""
        low, high = self.band
        return [
            name
            for name, found in self.losses.items()
            if max(found.values()) > high or min(found.values()) < low
        ]

    @property
    def finding(self) -> str:
        """How many matter more than the seed."""
        if len(self.losses) < len(VALUES):
            return f"Tried so far: {len(self.losses)} of {len(VALUES)} hyperparameters"
        return f"{len(self.outside)} of {len(VALUES)} hyperparameters change the loss more than a seed does"

    @property
    def caption(self) -> str:
        """The band, and the largest effects."""
        low, high = self.band
        text = (
            f"With α = {self.alpha:.2g} and the usual values, {SEEDS} seeds give dev losses from "
            f"{low:.2f} to {high:.2f}: the grey band."
        )
        if len(self.losses) < len(VALUES):
            return text
        order = sorted(VALUES, key=self.ratio, reverse=True)
        largest = ", ".join(f"{TITLES[name]} {self.ratio(name):.1f}" for name in order[:3])
        inside = [TITLES[name] for name in VALUES if name not in self.outside]
        text += f" Worst over best loss of its values, the three largest: {largest}."
        return f"{text} Inside of the band: {', '.join(inside)}." if inside else text


@lru_cache(maxsize=2000)
def dev_losses_of(trial: Trial, starts: int, seed: tuple[int, ...]) -> FloatArray:
    """Train networks with other first weights on the same mini-batches; return their dev losses."""
    data, rng = normalized_digits(seed[0]), np.random.default_rng(seed)
    network = Network((64, *[trial.units] * trial.layers, 10), "tanh", "softmax_cross_entropy")
    theta = np.stack([network.initialize(rng) for _ in range(starts)])
    per_epoch = M // trial.batch_size
    rates = PerEpoch(InverseTime(trial.alpha, trial.decay), per_epoch)
    batches = minibatches(data.train.X, data.train.Y, trial.batch_size, rng)
    adam = Adam(trial.beta1, trial.beta2, trial.eps)
    *_, last = descend(network, theta, batches, adam, rates, steps=EPOCHS * per_epoch)
    return network.loss(last.theta, data.dev)


def dev_loss(trial: Trial, seed: int) -> float:
    """Return the mean dev loss of a setting."""
    return float(dev_losses_of(trial, STARTS, (seed,)).mean())


@remembered(16)
def band_of(alpha: float, seed: int) -> Stages[tuple[float, float]]:
    """Train the usual setting with other seeds; return the lowest and the highest dev loss."""
    found = []
    for k in range(SEEDS):
        found.append(float(dev_losses_of(Trial(alpha), 1, (seed, k))[0]))
        yield (k + 1) / SEEDS, (min(found), max(found))


def compare_effects(alpha: float, ranges: str, seed: int) -> Stages[Effects]:
    """Move each hyperparameter alone, the others at their usual values."""
    usual, curve = Trial(alpha), np.full(len(RATES), np.nan)
    for share, band in band_of(alpha, seed):
        result = Effects(alpha, ranges, band, {}, curve)
        yield 0.1 * share, result
    for k, name in enumerate(VALUES):
        found = {value: dev_loss(usual._replace(**{name: value}), seed) for value in values(name, ranges)}
        result = result._replace(losses={**result.losses, name: found})
        yield 0.1 + 0.8 * (k + 1) / len(VALUES), result
    for k, rate in enumerate(RATES):
        curve = curve.copy()
        curve[k] = dev_loss(Trial(float(rate)), seed)
        yield 0.9 + 0.1 * (k + 1) / len(RATES), result._replace(curve=curve)


def values(name: str, ranges: str) -> tuple[Any, ...]:
    """Return the values to try: all, or the usual one and its neighbors."""
    if ranges == WIDE:
        return VALUES[name]
    usual = VALUES[name].index(getattr(Trial(), name))
    return VALUES[name][max(usual - 1, 0) : usual + 2]


def program(alpha: float, ranges: str, seed: int) -> str:
    """Return the program behind the picture."""
    tried = {name: values(name, ranges) for name in VALUES}
    table = ",\n".join(f"    {name!r}: {each}" for name, each in tried.items())
    return f"""
import numpy as np
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.schedules import InverseTime, PerEpoch
from dlhelpers.training import descend

data = normalized_digits({seed})

def dev_losses(starts, seed, alpha={alpha!r}, beta1=0.9, batch_size=32, units=16, layers=1,
               decay=0.0, beta2=0.999, eps=1e-8):
    rng = np.random.default_rng(seed)
    network = Network((64, *[units] * layers, 10), "tanh", "softmax_cross_entropy")
    theta = np.stack([network.initialize(rng) for _ in range(starts)])
    per_epoch = {M} // batch_size
    rates = PerEpoch(InverseTime(alpha, decay), per_epoch)
    batches = minibatches(data.train.X, data.train.Y, batch_size, rng)
    adam = Adam(beta1, beta2, eps)
    *_, last = descend(network, theta, batches, adam, rates, steps={EPOCHS} * per_epoch)
    return network.loss(last.theta, data.dev)

band = [dev_losses(1, ({seed}, k))[0] for k in range({SEEDS})]
tried = {{
{table},
}}
losses = {{
    name: [dev_losses({STARTS}, ({seed},), **{{name: value}}).mean() for value in values]
    for name, values in tried.items()
}}
result = min(band), max(band), *(max(each) / min(each) for each in losses.values())
"""


class EffectsView(View[Effects]):
    """A row for each hyperparameter: the dev losses of its values, over the band of the seed."""

    LOW, HIGH = 0.08, 5.0

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", xlim=(self.LOW, self.HIGH), ylim=(-0.7, len(VALUES) - 0.3), xlabel="dev loss")
        ax.set_xticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
        ax.minorticks_off()
        rows = range(len(VALUES) - 1, -1, -1)
        ax.set_yticks(rows, [TITLES[name] for name in VALUES])
        self._band = moving(ax.axvspan(1, 1, color="#dddddd", lw=0, zorder=0))
        self._rows = {}
        for name, y in zip(VALUES, rows, strict=True):
            (old,) = ax.plot([], [], "|", color=GHOST, ms=13, mew=1.5)
            (line,) = ax.plot([], [], "o-", color=DEV, lw=1.2, ms=6, mec="white", mew=0.7)
            texts = [note(ax, 1, y, fontsize=9, ha=side, va="center") for side in ("right", "left")]
            self._rows[name] = (y, moving(old), moving(line), texts)
        key(ax, ("● dev loss of a value", DEV), ("■ other seeds", "#8a8a8a"), ("| before", "#777777"))

    def update(self, result: Effects, before: Effects | None) -> None:
        """Show `result.losses`; the values with the lowest and the highest loss are named."""
        low, high = result.band
        self._band.set_x(low)
        self._band.set_width(high - low)
        for name, (y, old, line, texts) in self._rows.items():
            found = result.losses.get(name, {})
            order = sorted(found, key=lambda value: found[value])
            line.set_data([found[value] for value in order], [y] * len(order))
            known = [] if before is None else list(before.losses.get(name, {}).values())
            old.set_data(known, [y] * len(known))
            for text, value, factor in zip(
                texts, order[:: max(1, len(order) - 1)], (0.95, 1.06), strict=False
            ):
                text.set_text(f"{value:g}")
                text.set_x(found[value] * factor)
            for text in texts:
                text.set_visible(bool(order))


class RatesView(View[Effects]):
    """The dev loss over the learning rate, and the rate that the others are tried with."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(7e-5, 1.4), ylim=(0.08, 5), xlabel="α", ylabel="dev loss")
        ax.set_xticks([1e-4, 1e-3, 1e-2, 0.1, 1], ["0.0001", "0.001", "0.01", "0.1", "1"])
        ax.set_yticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
        ax.minorticks_off()
        self._line = moving(ax.plot([], [], "o--", color=DEV, lw=2, ms=4)[0])
        self._before = moving(ax.axvline(1, color=GHOST, lw=1.5))
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=3))
        key(ax, ("┃ α of all rows: drag it", ACCENT))

    def update(self, result: Effects, before: Effects | None) -> None:
        """Show `result.curve` and the chosen rate."""
        self._line.set_data(RATES, result.curve)
        self._cursor.set_xdata([result.alpha] * 2)
        self._before.set_visible(before is not None)
        if before is not None:
            self._before.set_xdata([before.alpha] * 2)


def effects_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the rows, and the curve over the rate."""
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    return [EffectsView(left), RatesView(right)]


def what_matters_lab() -> Lab:
    """Return the lab *What matters here*."""
    return Lab(
        "What matters here",
        controls={
            "alpha": log_slider("α of all rows", -4, 0, 0.01, 0.5),
            "ranges": choice("Values tried", [WIDE, NARROW], WIDE),
        },
        compute=compare_effects,
        views=effects_views,
        grabs=[Grab(1, x="alpha")],
        code=program,
        presets={
            "a large rate": {"alpha": 0.1},
            "a small rate": {"alpha": 1e-3},
            "only the neighbors": {"ranges": NARROW},
        },
    )

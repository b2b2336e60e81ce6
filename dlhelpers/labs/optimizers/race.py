"""The lab *The fair race*: optimizers on the digits, each over its whole range of learning rates."""

from functools import lru_cache
from itertools import product
from math import comb
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.datasets import one_hot
from dlhelpers.labs.digits import digit_split
from dlhelpers.live.controls import choice, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, each_of, remembered
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, Optimizer, RMSprop
from dlhelpers.plots.style import (
    ACCENT,
    GHOST,
    OPTIMIZER_COLORS,
    OPTIMIZER_LINES,
    OPTIMIZER_MARKS,
    View,
    key,
    moving,
)
from dlhelpers.training import descend
from dlhelpers.typing import FloatArray

RACERS: dict[str, Optimizer] = {
    "GD": GradientDescent(),
    "momentum": Momentum(),
    "RMSprop": RMSprop(),
    "Adam": Adam(),
}
RATES = 10.0 ** np.linspace(-4, 1, 21)
NETWORK = Network((64, 16, 10), loss_name="softmax_cross_entropy")
BATCH, MOST, EVERY, SEEDS = 32, 200, 20, 5
SAME, SMALL, OWN = "0.0001 to 10 for all four", "0.0001 to 0.01 for all four", "its own two decades"
RANGES = {
    SAME: dict.fromkeys(RACERS, (1e-4, 10.0)),
    SMALL: dict.fromkeys(RACERS, (1e-4, 1e-2)),
    OWN: {"GD": (0.01, 1.0), "momentum": (0.1, 10.0), "RMSprop": (1e-3, 0.1), "Adam": (1e-3, 0.1)},
}


class Race(NamedTuple):
    """Losses of all racers.

    `losses` is (4, 5, 21): racer, seed, rate; the test loss at the step with the lowest dev loss, up to the
    chosen number of updates.  `expected` is (4, 5, 21): the test loss that n = 1, 2, ... tries give on
    average.  Both are NaN where nothing has been trained yet.
    """

    updates: int
    tries: int
    search: str
    losses: FloatArray
    expected: FloatArray

    @property
    def complete(self) -> bool:
        """Whether all networks have been trained."""
        return not np.isnan(self.losses).any()

    @property
    def means(self) -> dict[str, float]:
        """The expected test loss with the chosen number of tries, by racer, the best first."""
        at = self.tries - 1
        found = {name: self._with_tries(row, at) for name, row in zip(RACERS, self.expected, strict=True)}
        return dict(sorted(found.items(), key=lambda pair: pair[1]))

    @staticmethod
    def _with_tries(row: FloatArray, at: int) -> float:
        known = row[:, : at + 1]
        last = np.isfinite(known).sum(axis=1).max() - 1
        return float(known[:, last].mean())

    @property
    def finding(self) -> str:
        """The order of the racers at the chosen budget."""
        if not self.complete:
            done = int((~np.isnan(self.losses[:, :, 0])).sum())
            return f"{done} of {len(RACERS) * SEEDS} populations are trained"
        tries = "1 try" if self.tries == 1 else f"{self.tries} tries"
        order = ", ".join(f"{name} {loss:.2g}" for name, loss in self.means.items())
        return f"Test loss after {tries} each: {order}"

    @property
    def caption(self) -> str:
        """What was tried, and how wide each one's good range is."""
        text = (
            f"A {'-'.join(map(str, NETWORK.sizes))} network on digits, {self.updates} updates on batches of "
            f"{BATCH}; {SEEDS} seeds (mean and range). Each racer may try n rates, drawn from "
            f"{self.search}; it keeps the rate and the step with the lowest dev loss (a loss counts as 10 at "
            f"most). "
        )
        if not self.complete:
            return text + "The order follows when all are trained."
        parts = [f"{name} {good_decades(row):.2g}" for name, row in zip(RACERS, self.losses, strict=True)]
        return text + f"Decades of rates whose loss is at most twice its best: {', '.join(parts)}."


def good_decades(losses: FloatArray) -> float:
    """Return how many decades of rates have a mean loss of at most twice the best; losses are (5, 21)."""
    means = losses.mean(axis=0)
    return float(0.25 * np.count_nonzero(means <= 2 * means.min()))


@lru_cache(maxsize=8)
def digit_batches(seed: int) -> tuple[Batch, Batch, Batch]:
    """Return training, dev and test set."""
    parts = digit_split(seed)
    pairs = (parts.X_train, parts.y_train), (parts.X_dev, parts.y_dev), (parts.X_test, parts.y_test)
    train, dev, test = (Batch(X, one_hot(y, 10)) for X, y in pairs)
    return train, dev, test


@remembered(256)
def train_all_rates(name: str, seed: int) -> Stages[FloatArray]:
    """Train one network for each rate, from the same weights, and yield the losses so far, up to (10, 2, 21).

    They are the dev and the test loss after every 20 updates; infinity where a run has diverged.
    """
    train, dev, test = digit_batches(seed)
    rng = np.random.default_rng(seed)
    start = np.tile(NETWORK.initialize(rng), (len(RATES), 1))
    batches = minibatches(train.X, train.Y, BATCH, rng)
    losses = []
    for step in descend(NETWORK, start, batches, RACERS[name], RATES[:, None], steps=MOST):
        if step.step and step.step % EVERY == 0:
            both = np.stack([NETWORK.loss(step.theta, each) for each in (dev, test)])
            losses.append(np.where(step.diverged | ~np.isfinite(both), np.inf, both))
            yield step.step / MOST, np.stack(losses)


def at_best_step(losses: FloatArray, updates: int) -> tuple[FloatArray, FloatArray]:
    """Return each rate's lowest dev loss up to a step, and the test loss there, (21,) each."""
    dev, test = np.moveaxis(losses[: updates // EVERY], 1, 0)
    best = dev.argmin(axis=0)
    columns = np.arange(dev.shape[1])
    return dev[best, columns], test[best, columns]


def expected_after(dev: FloatArray, test: FloatArray) -> FloatArray:
    r"""Return the test loss that n tries give on average, for n = 1 to N.

    .. math:: E_n = \sum_{i=1}^N \binom{N - i}{n - 1} t_i / \binom{N}{n} \tag{1}

    The n rates are drawn from N without return, all sets being equally likely, and that with the lowest
    dev loss is kept.  t_i is the test loss of the rate whose dev loss is the i-th lowest; it counts as 10
    at most.
    """
    ordered, N = test[np.argsort(dev, kind="stable")], len(dev)
    sets = np.array([[comb(N - i, n - 1) / comb(N, n) for i in range(1, N + 1)] for n in range(1, N + 1)])
    return np.asarray(sets @ np.minimum(ordered, 10.0))  # (1)


def race(updates: int, tries: int, search: str, seed: int) -> Stages[Race]:
    """Train what is not yet trained, and compare; one seed of all racers after the other."""
    runs = list(product(range(SEEDS), RACERS))
    stages = each_of(
        runs,
        runs[0],
        lambda run: train_all_rates(run[1], SEEDS * seed + run[0]),
        lambda run: train_all_rates.recall(run[1], SEEDS * seed + run[0]),
    )
    for share, known in stages:
        losses = np.full((len(RACERS), SEEDS, len(RATES)), np.nan)
        expected = losses.copy()
        for (k, name), found in known.items():
            if len(found) == MOST // EVERY:
                row = list(RACERS).index(name), k
                dev, losses[row] = at_best_step(found, updates)
                low, high = RANGES[search][name]
                inside = (0.99 * low < RATES) & (1.01 * high > RATES)
                expected[row][: inside.sum()] = expected_after(dev[inside], losses[row][inside])
        yield share, Race(updates, tries, search, losses, expected)


def program(updates: int, tries: int, search: str, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from math import comb
import numpy as np
from dlhelpers.datasets import digits, one_hot, split
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, RMSprop
from dlhelpers.training import descend

racers = {list(RACERS.values())!r}
ranges = {list(RANGES[search].values())!r}
rates = 10.0 ** np.linspace(-4, 1, 21)
network = Network({NETWORK.sizes}, loss_name="softmax_cross_entropy")
X, y, *_ = digits()

def losses_of(optimizer, seed):  # dev and test loss of each rate after every {EVERY} updates
    parts = split(X / 16, y, dev=386, test=387, rng=np.random.default_rng(seed))
    pairs = (parts.X_train, parts.y_train), (parts.X_dev, parts.y_dev), (parts.X_test, parts.y_test)
    train, *others = (Batch(A, one_hot(b, 10)) for A, b in pairs)
    rng = np.random.default_rng(seed)
    start = np.tile(network.initialize(rng), (21, 1))
    batches = minibatches(train.X, train.Y, {BATCH}, rng)
    found = []
    for step in descend(network, start, batches, optimizer, rates[:, None], steps={updates}):
        if step.step and step.step % {EVERY} == 0:
            both = np.stack([network.loss(step.theta, each) for each in others])
            found.append(np.where(step.diverged | ~np.isfinite(both), np.inf, both))
    return np.moveaxis(np.stack(found), 1, 0)

means = []
for optimizer, (low, high) in zip(racers, ranges):
    inside = (rates > 0.99 * low) & (rates < 1.01 * high)
    N, n, each = inside.sum(), min({tries}, inside.sum()), []
    for seed in range({SEEDS * seed}, {SEEDS * seed + SEEDS}):
        dev, test = losses_of(optimizer, seed)
        best = dev.argmin(axis=0)  # the best step of each rate
        dev, test = dev[best, np.arange(21)][inside], test[best, np.arange(21)][inside]
        chance = np.array([comb(N - i, n - 1) / comb(N, n) for i in range(1, N + 1)])
        each.append(chance @ np.minimum(test[np.argsort(dev, kind="stable")], 10.0))
    means.append(np.mean(each))
result = [np.round(means, 6)]
"""


def _loss_axis(ax: Axes) -> None:
    ax.set(yscale="log", ylim=(0.08, 4))
    ax.set_yticks([0.1, 0.2, 0.5, 1, 2, 4], ["0.1", "0.2", "0.5", "1", "2", "4"])
    ax.minorticks_off()


class RatesView(View[Race]):
    """The test loss over the learning rate: the mean of the seeds as a line, their range as a band."""

    def __init__(self, ax: Axes) -> None:
        _loss_axis(ax)
        ax.set(xscale="log", xlim=(RATES[0], RATES[-1]), xlabel="learning rate α", ylabel="test loss")
        ax.set_xticks([1e-4, 1e-3, 0.01, 0.1, 1, 10], ["0.0001", "0.001", "0.01", "0.1", "1", "10"])
        self._bands, self._old, self._lines = [], [], []
        for name in RACERS:
            color, nothing = OPTIMIZER_COLORS[name], np.full(len(RATES), 1.0)
            self._bands.append(
                moving(ax.fill_between(RATES, nothing, nothing, color=color, alpha=0.15, lw=0))
            )
            self._old.append(moving(ax.plot([], [], ls=OPTIMIZER_LINES[name], color=GHOST, lw=1)[0]))
            self._lines.append(moving(ax.plot([], [], ls=OPTIMIZER_LINES[name], color=color, lw=2)[0]))
        key(
            ax,
            *((f"{OPTIMIZER_MARKS[name]} {name}", OPTIMIZER_COLORS[name]) for name in RACERS),
            ("— before", "#777777"),
        )

    def update(self, result: Race, before: Race | None) -> None:
        """Show `result.losses`, (4, 5, 21): the seeds that are known."""
        for k, losses in enumerate(result.losses):
            known = np.clip(losses[~np.isnan(losses).any(axis=1)], None, 100.0)
            x = RATES if len(known) else np.empty(0)
            low, mean, high = (each(known, axis=0) if len(known) else x for each in (np.min, np.mean, np.max))
            self._lines[k].set_data(x, mean)
            outline = np.concatenate([np.stack([x, low], 1), np.stack([x, high], 1)[::-1]])
            self._bands[k].set_verts([outline] if len(known) else [])
            past = np.full(len(RATES), np.nan) if before is None else before.losses[k].mean(axis=0)
            self._old[k].set_data(RATES, np.clip(past, None, 100.0))


class TriesView(View[Race]):
    """The test loss that a number of tries gives on average."""

    def __init__(self, ax: Axes) -> None:
        _loss_axis(ax)
        ax.set(xlim=(0.5, 21.5), xlabel="rates that each may try, n", ylabel="test loss of the one kept")
        ax.set_xticks([1, 5, 10, 15, 20])
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2))
        self._old = [
            moving(ax.plot([], [], ls=OPTIMIZER_LINES[name], color=GHOST, lw=1)[0]) for name in RACERS
        ]
        self._lines = [
            moving(ax.plot([], [], ls=OPTIMIZER_LINES[name], color=OPTIMIZER_COLORS[name], lw=2)[0])
            for name in RACERS
        ]
        key(ax, ("┃ n (drag)", ACCENT), ("— before", "#777777"))

    def update(self, result: Race, before: Race | None) -> None:
        """Show the mean of `result.expected`, (4, 5, 21), over the seeds."""
        n = np.arange(1, len(RATES) + 1)
        for k in range(len(RACERS)):
            self._lines[k].set_data(n, result.expected[k].mean(axis=0))
            past = np.full(len(n), np.nan) if before is None else before.expected[k].mean(axis=0)
            self._old[k].set_data(n, past)
        self._cursor.set_xdata([result.tries] * 2)


def race_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the loss over the rate, and over the number of tries."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [RatesView(left), TriesView(right)]


def race_lab() -> Lab:
    """Return the lab *The fair race*."""
    return Lab(
        "The fair race",
        controls={
            "updates": slider("Updates", EVERY, MOST, MOST, EVERY),
            "tries": slider("Rates each may try, n", 1, len(RATES), 8),
            "search": choice("Rates drawn from", list(RANGES), SAME),
        },
        compute=race,
        views=race_views,
        grabs=[Grab(1, x="tries")],
        code=program,
        presets={
            "one try each": {"tries": 1},
            "one try, its own range": {"tries": 1, "search": OWN},
            "all rates": {"tries": len(RATES)},
            "small rates only": {"tries": len(RATES), "search": SMALL},
            "60 updates": {"updates": 60, "tries": len(RATES)},
        },
        size=(9.6, 3.9),
    )

"""The lab *Panda and caviar*: one model that is nursed, and many that are left alone, for the same steps."""

from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.hyperparameter_search import OneAtATime, caviar, panda
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.labs.hyperparameter_search.common import BATCH_SIZE, NETWORK, SECOND_COLOR, START
from dlhelpers.live.controls import log_slider, slider, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Stages, remembered
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.optimizers import Adam
from dlhelpers.plots.style import ACCENT, GHOST, View, key, moving, note
from dlhelpers.search_spaces import LogUniform, Space, random_settings
from dlhelpers.training import descend
from dlhelpers.trials import Stage, leaders
from dlhelpers.typing import FloatArray

SPACE: dict[str, Space] = {"learning_rate": LogUniform(1e-4, 1.0)}
UNIT = 16
"""Training steps between two looks at the dev loss."""
MOST = 1152
"""Steps of the largest budget."""
TRIES = 3
"""Settings that the nurse tries in a round: the rate as it is, raised, lowered."""
MODELS = (1, 2, 3, 4, 6, 12)
PANDA_COLOR = "#111111"


class Life(NamedTuple):
    """One model: its learning rate in each unit, and its dev loss after it."""

    rates: FloatArray
    losses: FloatArray

    @property
    def steps(self) -> FloatArray:
        """The training steps behind the model at each look."""
        return UNIT * np.arange(1.0, 1 + len(self.losses))


class Nursed(NamedTuple):
    """The life of the panda so far, and what its nurse tried and gave up."""

    life: Life
    given_up: FloatArray
    """Steps behind the model, and its dev loss, (n, 2)."""


class Approaches(NamedTuple):
    """Both approaches at the same budget, in steps."""

    budget: int
    first_rate: float
    models: int
    nursed: Nursed
    caviar: list[Life]
    """The models that are trained so far."""

    @property
    def panda(self) -> Life:
        """The life of the panda."""
        return self.nursed.life

    @property
    def complete(self) -> bool:
        """Whether both approaches have spent their budget."""
        return len(self.caviar) == self.models

    @property
    def winner(self) -> Life | None:
        """The caviar model with the lowest last loss so far."""
        return min(self.caviar, key=lambda life: float(life.losses[-1]), default=None)

    @property
    def finding(self) -> str:
        """Both last losses."""
        panda, winner = self.panda.losses[-1], self.winner
        if winner is None or not self.complete:
            return f"In training: the panda has a dev loss of {panda:.2f} so far"
        models = "the caviar model" if self.models == 1 else f"the best of {self.models} caviar models"
        return (
            f"{self.budget:,} steps in all: the panda ends at a dev loss of {panda:.2f}, "
            f"{models} at {winner.losses[-1]:.2f}"
        )

    @property
    def caption(self) -> str:
        """How the budget is spent."""
        winner, last = self.winner, self.panda.rates[-1]
        taken = f"You give it the rate {self.first_rate:.2g}; its first round takes {self.panda.rates[0]:.2g}"
        text = (
            f"The panda lives {self.budget // TRIES:,} steps. In each round its nurse tries the rate as it "
            f"is, raised and lowered, so that one step of its life costs up to {TRIES}. "
        )
        if winner is None or not self.complete:
            return f"{text}{taken}, and it has {last:.2g} so far."
        steps = f"{self.budget // self.models:,} steps"
        caviar = f"{self.models} models live {steps}, with rates at random; the lowest loss has the rate"
        if self.models == 1:
            caviar = f"one model lives {steps}, with a rate at random:"
        return f"{text}{taken}, its last {last:.2g}. Caviar: {caviar} {winner.rates[0]:.2g}."


@lru_cache(maxsize=4)
def all_batches(seed: int) -> list[Batch]:
    """Return the mini-batches of the longest run: every model sees them in this order."""
    data, rng = normalized_digits(seed), np.random.default_rng(seed)
    batches = minibatches(data.train.X, data.train.Y, BATCH_SIZE, rng)
    return list(islice(batches, MOST + 1))


def trainer(seed: int) -> Any:
    """Return the function `advance(setting, state, budget)` that both approaches train with."""
    data, batches = normalized_digits(seed), all_batches(seed)
    start = NETWORK.initialize(np.random.default_rng(seed))

    def advance(setting: dict[str, Any], state: Any, budget: int) -> tuple[float, Any]:
        theta, memory, losses = (start, None, []) if state is None else state
        rate = setting["learning_rate"]
        for _ in range(budget):
            first = len(losses) * UNIT
            upcoming = iter(batches[first : first + UNIT + 1])
            *_, last = descend(NETWORK, theta, upcoming, Adam(), rate, memory, steps=UNIT)
            theta, memory = last.theta, last.state
            losses = [*losses, float(NETWORK.loss(theta, data.dev))]
        return losses[-1], (theta, memory, losses)

    return advance


@remembered(64)
def nurse_one(first_rate: float, rounds: int, seed: int) -> Stages[Nursed]:
    """Nurse one model; a stage comes after each round."""
    nurse, stages = OneAtATime(SPACE, step=0.1), list[Stage]()
    for stage in panda(trainer(seed), {"learning_rate": first_rate}, nurse, rounds):
        if stages and stage.round > stages[-1].round:
            yield stage.round / rounds, life_of(stages)
        stages.append(stage)
    yield 1.0, life_of(stages)


def life_of(stages: list[Stage]) -> Nursed:
    """Sort what was kept from what was given up."""
    kept = leaders(stages)
    rates = np.array([stage.setting["learning_rate"] for stage in kept])
    lost = [(UNIT * stage.units, stage.score) for stage in stages if stage not in kept]
    return Nursed(Life(rates, np.array([stage.score for stage in kept])), np.array(lost))


@remembered(32)
def leave_alone(models: int, units: int, seed: int) -> Stages[list[Life]]:
    """Train models with rates at random; a stage comes with each."""
    settings = random_settings(SPACE, models, np.random.default_rng(seed))
    lives: list[Life] = []
    for stage in caviar(trainer(seed), settings, units):
        rates = np.full(units, stage.setting["learning_rate"])
        lives = [*lives, Life(rates, np.array(stage.state[2]))]
        yield len(lives) / models, lives


def compare_approaches(rate: float, models: float, budget: float, seed: int) -> Stages[Approaches]:
    """Nurse one model, then train the others, for the same number of steps."""
    count, rounds = int(models), int(budget) // (TRIES * UNIT)
    for share, nursed in nurse_one(rate, rounds, seed):
        result = Approaches(int(budget), rate, count, nursed, [])
        yield share / 2, result
    for share, lives in leave_alone(count, int(budget) // (count * UNIT), seed):
        yield (1 + share) / 2, result._replace(caviar=lives)


def program(rate: float, models: float, budget: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
from itertools import islice
import numpy as np
from dlhelpers.hyperparameter_search import OneAtATime, caviar, panda
from dlhelpers.labs.digits import normalized_digits
from dlhelpers.minibatches import minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.search_spaces import LogUniform, random_settings
from dlhelpers.training import descend
from dlhelpers.trials import best, leaders

{START.format(seed=seed)}
rng = np.random.default_rng({seed})
batches = list(islice(minibatches(data.train.X, data.train.Y, {BATCH_SIZE}, rng), {MOST + 1}))

def advance(setting, state, budget):
    here, memory, first = state or (theta, None, 0)
    steps = {UNIT} * budget
    run = descend(network, here, iter(batches[first:]), Adam(), setting["learning_rate"], memory, steps=steps)
    *_, last = run
    return float(network.loss(last.theta, data.dev)), (last.theta, last.state, first + steps)

space = {{"learning_rate": LogUniform(1e-4, 1.0)}}
nurse = OneAtATime(space, step=0.1)  # the rate as it is, 2.5 times higher, 2.5 times lower
nursed = panda(advance, {{"learning_rate": {rate!r}}}, nurse, rounds={int(budget) // (TRIES * UNIT)})
settings = random_settings(space, {int(models)}, np.random.default_rng({seed}))
alone = caviar(advance, settings, {int(budget) // (int(models) * UNIT)})
result = leaders(nursed)[-1].score, best(alone)[0].score
"""


class LossView(View[Approaches]):
    """The dev loss of all models over their own steps."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(14, 1300), ylim=(0.1, 4))
        ax.set(xlabel="steps of the model", ylabel="dev loss")
        ax.set_xticks([16, 48, 192, 576, 1152], ["16", "48", "192", "576", "1,152"])
        ax.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
        ax.minorticks_off()
        self._end = moving(ax.axvline(1, color=ACCENT, lw=2.5, zorder=1))
        self._before = moving(ax.plot([], [], color=GHOST, lw=1.5)[0])
        self._others = [moving(ax.plot([], [], color="#d9a8c6", lw=1.2)[0]) for _ in range(MODELS[-1])]
        self._lost = moving(ax.plot([], [], "x", color="#777777", ms=5, mew=1.2)[0])
        self._panda = moving(ax.plot([], [], "o-", color=PANDA_COLOR, lw=2.5, ms=4)[0])
        self._winner = moving(ax.plot([], [], "-.", color=SECOND_COLOR, lw=2.5)[0])
        self._ends = [
            note(ax, 1, 1, fontsize=10, color=color, va="top") for color in (PANDA_COLOR, SECOND_COLOR)
        ]
        key(
            ax,
            ("●— panda", PANDA_COLOR),
            ("× given up", "#777777"),
            ("-·- best of caviar", SECOND_COLOR),
            ("┃ end of the panda: drag it", ACCENT),
        )

    def update(self, result: Approaches, before: Approaches | None) -> None:
        """Show all lives of `result`."""
        self._panda.set_data(result.panda.steps, result.panda.losses)
        self._lost.set_data(*result.nursed.given_up.T)
        self._end.set_xdata([result.panda.steps[-1]] * 2)
        if before is not None:
            self._before.set_data(before.panda.steps, before.panda.losses)
        self._before.set_visible(before is not None)
        show_lives(self._others, self._winner, result, "losses")
        for text, life in zip(self._ends, (result.panda, result.winner), strict=True):
            text.set_visible(life is not None)
            if life is not None:
                after = life is result.panda and life.steps[-1] < 700
                text.set_position((life.steps[-1] * (1.07 if after else 0.93), life.losses[-1] * 0.94))
                text.set(text=f"{life.losses[-1]:.2f}", ha="left" if after else "right")


def show_lives(others: list[Any], winner: Any, result: Approaches, what: str) -> None:
    """Draw the caviar models: all of them pale, the best one strong."""
    for k, line in enumerate(others):
        life = result.caviar[k] if k < len(result.caviar) else None
        line.set_data(*([], []) if life is None else (life.steps, getattr(life, what)))
    best = result.winner
    winner.set_data(*([], []) if best is None else (best.steps, getattr(best, what)))


class RatesView(View[Approaches]):
    """The learning rate of all models over their own steps."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xscale="log", yscale="log", xlim=(14, 1300), ylim=(7e-5, 1.4))
        ax.set(xlabel="steps of the model", ylabel="learning rate α")
        ax.set_xticks([16, 48, 192, 576, 1152], ["16", "48", "192", "576", "1,152"])
        ax.set_yticks([1e-4, 1e-3, 1e-2, 0.1, 1], ["0.0001", "0.001", "0.01", "0.1", "1"])
        ax.minorticks_off()
        self._before = moving(ax.plot([], [], color=GHOST, lw=1.5)[0])
        self._others = [moving(ax.plot([], [], color="#d9a8c6", lw=1.2)[0]) for _ in range(MODELS[-1])]
        self._panda = moving(ax.plot([], [], "o-", color=PANDA_COLOR, lw=2.5, ms=4)[0])
        self._winner = moving(ax.plot([], [], "-.", color=SECOND_COLOR, lw=2.5)[0])
        self._first = moving(ax.plot([], [], "o", color=ACCENT, ms=12, mec="white", zorder=5)[0])
        key(ax, ("● the panda's first rate: drag it", ACCENT), ("— before", "#777777"))

    def update(self, result: Approaches, before: Approaches | None) -> None:
        """Show all rates of `result`."""
        self._panda.set_data(result.panda.steps, result.panda.rates)
        if before is not None:
            self._before.set_data(before.panda.steps, before.panda.rates)
        self._before.set_visible(before is not None)
        self._first.set_data([UNIT], [result.first_rate])
        show_lives(self._others, self._winner, result, "rates")


def approaches_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the losses, and the rates."""
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    return [LossView(left), RatesView(right)]


def panda_caviar_lab() -> Lab:
    """Return the lab *Panda and caviar*."""
    return Lab(
        "Panda and caviar",
        controls={
            "rate": log_slider("Panda, first rate", -4, 0, 3e-4, 0.1),
            "models": steps_slider("Caviar, models", [(str(each), each) for each in MODELS], 6),
            "budget": slider("Training steps in all", 192, MOST, 576, 192),
        },
        compute=compare_approaches,
        views=approaches_views,
        grabs=[
            Grab(0, x="budget", from_x=lambda steps: TRIES * steps),
            Grab(1, y="rate"),
        ],
        code=program,
        presets={
            "a good start": {"rate": 0.01},
            "too hot": {"rate": 1.0},
            "a small budget": {"budget": 192},
            "twelve models": {"models": 12},
        },
    )

"""The game of notebook 07b: beat random search with the same number of trials."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from dlhelpers.digit_runs import dev_error, run_table
from dlhelpers.hyperparameter_search import search
from dlhelpers.progress import best_score, remember
from dlhelpers.trials import Trial, best
from dlhelpers.typing import FloatArray

DEFAULTS = {
    "learning_rate": 0.01,
    "beta": 0.9,
    "batch_size": 64,
    "units": 16,
    "layers": 2,
    "decay": 0.0,
}
"""What a setting has where the reader says nothing."""
SEARCHES = 1000


class Scoreboard(NamedTuple):
    """The reader's trials, and what a thousand random searches found with as many.

    `remembered` is the highest share of random searches, in percent, that the reader has beaten with as many
    trials.
    """

    trials: list[Trial]
    random: FloatArray
    remembered: int = 0

    @property
    def beaten(self) -> float:
        """Share of the random searches whose best dev error is higher than the reader's."""
        return float(np.mean(self.random > best(self.trials)[0].score))

    def __str__(self) -> str:
        """Return the scoreboard as text."""
        leading = best(self.trials)[0]
        lines = [f"trial {trial.number + 1:>2}: dev error {trial.score:>5.1%}" for trial in self.trials]
        low, middle, high = np.quantile(self.random, [0.1, 0.5, 0.9])
        beaten = round(100 * self.beaten)
        better = f" Your best with {len(self.trials)} so far: {self.remembered}%."
        return "\n".join(
            [
                *lines,
                f"you:    best of {len(self.trials)}: {leading.score:.1%}, trial {leading.number + 1}",
                f"random: best of {len(self.trials)}: {middle:.1%} in the median, 80% between {low:.1%} and "
                f"{high:.1%}",
                f"You are ahead of {beaten}% of {SEARCHES:,} random searches."
                f"{better if self.remembered > beaten else ''}",
            ]
        )


def play(settings: Iterable[dict[str, Any]]) -> Scoreboard:
    """Train the reader's settings, and compare the best with random searches on the recorded runs.

    Both have the split of seed 0.  A setting names what differs from `DEFAULTS`.  The result is remembered.
    """
    trials = list(search(dev_error, [{**DEFAULTS, **setting} for setting in settings]))
    failed = next((trial.error for trial in trials if trial.error), "")
    if failed or not trials:
        raise ValueError(failed or "settings must hold at least one setting; got none.")
    errors = run_table().errors[0, 0, :, -1]
    drawn = np.random.default_rng(0).choice(errors, (SEARCHES, len(trials)))
    game = f"beat random search, {len(trials)} trials"
    board = Scoreboard(trials, drawn.min(axis=1), best_score(game) or 0)
    remember("scored", f"{game}: {round(100 * board.beaten)}")
    return board

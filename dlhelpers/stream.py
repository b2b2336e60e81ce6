"""Mini-batches that can be taken up at any place: what a run that is changed and rewound is trained on."""

from collections.abc import Iterator

import numpy as np

from dlhelpers.checks import check_array, check_integer, check_number, shown
from dlhelpers.dropout import draw_uniform
from dlhelpers.minibatches import Batch
from dlhelpers.training import Descent, Step
from dlhelpers.typing import FloatArray, IntArray


class Stream:
    """Mini-batches whose size may change between two of them, and that can be taken up at any place.

    The order of an epoch, the numbers of dropout and the noise of a step come from the seed and the number
    of the epoch or step alone.  A rest of one example joins the batch before it.

    Parameters
    ----------
    X : (m, n_features) float array
    Y : (m, n_out) float array
    sizes : tuple of int
        Of the network, for the draws of dropout.
    seed : int >= 0
    batch_size : int >= 1
    input_noise : float >= 0
        Standard deviation of the normal noise that is added to the inputs, fresh in every step.
    step, epoch, position : int >= 0
        Where to begin: the number of the step, the epoch, and the examples of it that are used up.

    Raises
    ------
    ValueError
        If a number is outside of its range.
    """

    def __init__(
        self,
        X: FloatArray,
        Y: FloatArray,
        sizes: tuple[int, ...],
        seed: int,
        batch_size: int = 32,
        input_noise: float = 0.0,
        step: int = 0,
        epoch: int = 0,
        position: int = 0,
    ) -> None:
        check_array("X", X, "(m, n_features)", "Points are rows.", finite=True)
        check_array("Y", Y, f"({len(X)}, n_out)", "One row for each row of X.", finite=True)
        for name, value in (("seed", seed), ("step", step), ("epoch", epoch), ("position", position)):
            check_integer(name, value, "[0, inf)")
        check_integer("batch_size", batch_size, "[1, inf)", f"{len(X)} is batch gradient descent.")
        check_number("input_noise", input_noise, "[0, inf)", "0 means none.")
        self.X, self.Y, self.sizes, self.seed = X, Y, sizes, seed
        self.batch_size, self.input_noise = batch_size, input_noise
        self.step, self.epoch, self.position = step, epoch, position
        self._order = self._shuffled()
        self._began = step, epoch, position

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        self._began = self.step, self.epoch, self.position
        m = len(self.X)
        start = min(self.position, max(m - 2, 0))  # there may be fewer examples now
        end = start + self.batch_size
        end = m if end >= m - 1 else end
        rows = self._order[start:end]
        X = self.X[rows]
        if self.input_noise:
            X = X + self.input_noise * self._rng("noise").standard_normal(X.shape)
        draws = draw_uniform(self.sizes, len(rows), self._rng("draws"))
        batch = Batch(X, self.Y[rows], self.epoch, draws)
        self.step, self.position = self.step + 1, end
        if end == m:
            self.epoch, self.position = self.epoch + 1, 0
            self._order = self._shuffled()
        return batch

    @property
    def examples(self) -> Batch:
        """X and Y.  Others may be set between two batches; the epoch goes on with an order of its own."""
        return Batch(self.X, self.Y)

    @examples.setter
    def examples(self, examples: Batch) -> None:
        self.X, self.Y = examples.X, examples.Y
        self._order = self._shuffled()

    def again(self, run: Descent) -> Step:
        """Return the present step of a run on this stream once more, by the settings as they are now.

        Its batch is cut and its gradient computed anew, so that the update that follows uses them.

        Raises
        ------
        ValueError
            If `run` is no run of `training.descend`.
        """
        if not isinstance(run, Descent):
            raise ValueError(f"run must be a run that descend returned; got {shown(run)}.")
        epoch = self.epoch
        self.step, self.epoch, self.position = self._began
        if self.epoch != epoch:
            self._order = self._shuffled()
        run.take_back()
        return next(run)

    def _shuffled(self) -> IntArray:
        return np.random.default_rng([self.seed, 0, self.epoch]).permutation(len(self.X))

    def _rng(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, 1 if purpose == "noise" else 2, self.step])

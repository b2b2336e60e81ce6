"""The lab *Could it be a minimum?*: how often random symmetric matrices have only positive eigenvalues."""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.curvature import random_symmetric
from dlhelpers.live.controls import real_slider, slider, steps_slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import ACCENT, GHOST, LIGHT_BLUE, TEST, TRAIN, View, key, moving, note
from dlhelpers.typing import FloatArray

MOST = 8
"""The largest n."""
COUNT = 20_000
"""Matrices of each size that there can be."""
TRIES = [(f"{count:,}", count) for count in (100, 1_000, 5_000, COUNT)]
EDGES = np.linspace(-2.5, 2.5, 101)


class Matrices(NamedTuple):
    """The eigenvalues of random symmetric matrices for n = 1, 2 ..., and how many are positive throughout."""

    n: int
    tries: int
    shift: float
    shares: FloatArray
    """(MOST,) For n = 1, 2 ...: the share of matrices whose eigenvalues are all positive."""
    eigenvalues: FloatArray
    """(count, n) Of the matrices of the chosen size."""
    negative: float
    """The mean share of negative eigenvalues, at the chosen size."""

    @property
    def errors(self) -> FloatArray:
        """The standard error of each share, (MOST,)."""
        return np.sqrt(self.shares * (1 - self.shares) / self.tries)

    @property
    def share(self) -> float:
        """The share at the chosen size."""
        return float(self.shares[self.n - 1])

    @property
    def finding(self) -> str:
        """Return the share at the chosen size, with its standard error."""
        return f"n = {self.n}: {in_words(self.share, self.tries)} are positive in all directions"

    @property
    def caption(self) -> str:
        """Say what the shares are at both ends, and that this is an analogy."""
        shifted = f", with {self.shift:.2f} added to every eigenvalue" if self.shift else ""
        return (
            f"Of {self.tries:,} random symmetric matrices of each size{shifted}, the share with only "
            f"positive eigenvalues is {in_words(float(self.shares[0]), self.tries)} at n = 1 and "
            f"{in_words(float(self.shares[-1]), self.tries)} at n = {MOST}. At n = {self.n}, "
            f"{self.negative:.0%} of all eigenvalues are negative. This is an analogy: the Hessian of a "
            "network is no such matrix."
        )


def in_words(share: float, count: int) -> str:
    """Return a share of so many tries with its standard error, in percent."""
    if share in (0, 1):
        return f"{'none' if share == 0 else 'all'} of {count:,}"
    error = math.sqrt(share * (1 - share) / count)
    digits = max(0, 1 - math.floor(math.log10(100 * error)))
    return f"{100 * share:.{digits}f} ± {100 * error:.{digits}f}%"


@lru_cache(maxsize=1)
def all_eigenvalues(seed: int) -> tuple[FloatArray, ...]:
    """Draw COUNT matrices of each size; return their eigenvalues, (COUNT, n) each, the smallest first."""
    rng = np.random.default_rng(seed)
    return tuple(np.linalg.eigvalsh(random_symmetric(COUNT, n, rng)) for n in range(1, MOST + 1))


def matrices(n: int, tries: int, shift: float, seed: int) -> Matrices:
    """Count the matrices whose smallest eigenvalue is positive after the shift."""
    values = [each[:tries] + shift for each in all_eigenvalues(seed)]
    shares = np.array([np.mean(each[:, 0] > 0) for each in values])
    return Matrices(n, tries, shift, shares, values[n - 1], float(np.mean(values[n - 1] < 0)))


def program(n: int, tries: int, shift: float, seed: int) -> str:
    """Return the program behind the picture."""
    return f"""
import numpy as np
from dlhelpers.curvature import random_symmetric

rng, shares = np.random.default_rng({seed}), []
for n in range(1, {MOST + 1}):
    eigenvalues = np.linalg.eigvalsh(random_symmetric({COUNT}, n, rng))[:{tries}] + {shift}
    shares.append(np.mean(eigenvalues[:, 0] > 0))  # the smallest eigenvalue is the first
result = np.array(shares), shares[{n - 1}]
"""


class ShareView(View[Matrices]):
    """The share of matrices that are positive in all directions, over n, on a log axis."""

    BOTTOM = 1e-5

    def __init__(self, ax: Axes) -> None:
        ax.set(yscale="log", xlim=(0.5, MOST + 0.5), ylim=(self.BOTTOM, 1.5), xticks=range(1, MOST + 1))
        ax.set(xlabel="n, the number of directions", ylabel="share with only positive eigenvalues")
        self._n = np.arange(1, MOST + 1)
        (self._coins,) = ax.plot(self._n, 0.5**self._n, ":", color=TEST, lw=1.5)
        self._before = moving(ax.plot([], [], "o", color=GHOST, ms=8)[0])
        self._bars = [moving(ax.plot([], [], color=TRAIN, lw=2)[0]) for _ in self._n]
        self._dots = moving(ax.plot([], [], "o", color=TRAIN, ms=8)[0])
        self._none = [
            note(ax, float(n), 1.6 * self.BOTTOM, "none", ha="center", color=TRAIN, fontsize=9.5)
            for n in self._n
        ]
        self._cursor = moving(ax.axvline(1, color=ACCENT, lw=2.5, zorder=1))
        key(
            ax,
            ("● measured ± standard error", TRAIN),
            ("··· coin flips, 1/2ⁿ", TEST),
            ("┃ your n", ACCENT),
            ("● before", "#777777"),
        )

    def update(self, result: Matrices, before: Matrices | None) -> None:
        """Show `result.shares` with `result.errors`."""
        seen = result.shares > 0
        self._dots.set_data(self._n[seen], result.shares[seen])
        for n, bar, none in zip(self._n, self._bars, self._none, strict=True):
            share, error = result.shares[n - 1], result.errors[n - 1]
            bar.set_data([n, n], [max(share - error, self.BOTTOM / 10), share + error])
            none.set_visible(not seen[n - 1])
        self._cursor.set_xdata([result.n, result.n])
        old = np.zeros(MOST) if before is None else before.shares
        self._before.set_data(self._n[old > 0], old[old > 0])


class SpectrumView(View[Matrices]):
    """The eigenvalues of all matrices of the chosen size; those below 0 are ways down."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-2.5, 2.5), ylim=(0, 1.05), yticks=[], xlabel="eigenvalue    (drag: shift them all)")
        self._all = moving(ax.stairs(np.zeros(100), EDGES, fill=True, color=LIGHT_BLUE))
        self._down = moving(ax.stairs(np.zeros(100), EDGES, fill=True, color="#222222"))
        self._before = moving(ax.stairs(np.zeros(100), EDGES, color=GHOST, lw=1.5, baseline=None))
        ax.axvline(0, color="#555555", lw=1)
        self._cursor = moving(ax.axvline(0, color=ACCENT, lw=2.5))
        key(ax, ("■ down", "#222222"), ("■ up", "#4a90c4"), ("┃ shift", ACCENT))

    def update(self, result: Matrices, before: Matrices | None) -> None:
        """Show `result.eigenvalues` as a histogram."""
        heights = self._heights(result)
        self._all.set_data(heights)
        self._down.set_data(np.where(EDGES[1:] <= 1e-9, heights, 0))
        self._before.set_data(np.zeros(100) if before is None else self._heights(before))
        self._cursor.set_xdata([result.shift, result.shift])

    def _heights(self, result: Matrices) -> FloatArray:
        counts = np.histogram(result.eigenvalues, EDGES)[0]
        return np.asarray(counts / max(1, counts.max()))


def random_matrices_views(figure: Figure) -> list[View[Any]]:
    """Lay out the lab: the share over n, and the eigenvalues of the chosen n."""
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    return [ShareView(left), SpectrumView(right)]


def random_matrices_lab() -> Lab:
    """Return the lab *Could it be a minimum?*."""
    return Lab(
        "Could it be a minimum?",
        controls={
            "n": slider("Directions n", 1, MOST, 3),
            "shift": real_slider("Shift of all eigenvalues", -2, 2, 0, 0.05),
            "tries": steps_slider("Matrices of each size", TRIES, COUNT),
        },
        compute=matrices,
        views=random_matrices_views,
        grabs=[Grab(0, x="n", from_x=round), Grab(1, x="shift")],
        code=program,
        presets={
            "one direction": {"n": 1},
            "six directions": {"n": 6},
            "low loss: shift up": {"n": 6, "shift": 0.75},
            "only a hundred": {"n": 4, "tries": 100},
        },
    )

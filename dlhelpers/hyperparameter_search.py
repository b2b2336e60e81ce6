r"""Search for hyperparameters: where to look, which settings to try, how to run them, whom to give up.

- A *space* says which values a hyperparameter may have and on which scale they are even: `Uniform`,
  `LogUniform`, `OneMinusLogUniform`, `Integer`, `Choice`.  A search space is a mapping from names to spaces.
- A *setting* is a dict with one value for each name.  `grid`, `random_settings` and `latin_hypercube` propose
  settings; `zoom` makes a space smaller, around the best trials so far.
- `search` runs an objective on settings, here or on any `concurrent.futures.Executor`, and yields each
  `Trial` as it ends.  `recorded`, `save_trials` and `load_trials` keep trials in a file.
- `panda`, `caviar` and `successive_halving` train step by step through one function, `advance`, and
  count what they spend: strategies are compared at an equal budget.

Scores are minimized: a dev error, or a cost.
"""

import math
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import product
from json import dumps, loads
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from dlhelpers.checks import check_flag, check_integer, check_number, check_rng, shown

Setting = Mapping[str, Any]
"""One value for each hyperparameter."""

Advance = Callable[[dict[str, Any], Any, int], tuple[float, Any]]
"""`advance(setting, state, budget)` trains `budget` units more and returns (score, new state).

A unit is what the caller counts, an epoch or a step.  A state of None means: start from new weights.
It must not change the state that it gets, since several runs may go on from the same one.
"""

MOST_SETTINGS = 1_000_000
"""No proposal has more settings than this: the list is held in memory."""

# ---------------------------------------------------------------------------------------------- spaces


@dataclass(frozen=True)
class Uniform:
    r"""Real numbers, all equally likely.  `u` in [0, 1] is the place on the scale.

    .. math::
        x &= (1 - u) \cdot \text{low} + u \cdot \text{high} \tag{1} \\
        u &= (x - \text{low}) / (\text{high} - \text{low}) \tag{2}

    Parameters
    ----------
    low, high : float
        The ends, low < high; both belong to the space.

    Raises
    ------
    ValueError
        If `low` is not below `high`, or an end is not a finite number.

    Examples
    --------
    >>> Uniform(0.5, 1.0).grid(3)
    [0.5, 0.75, 1.0]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _store_ends(self, "[-1e300, 1e300]")
        _check_order(self, self.low, self.high)

    def from_unit(self, u: float) -> float:
        """Return the value at the place `u`."""
        u = _number("u", u, "[0, 1]")
        x = (1 - u) * self.low + u * self.high  # (1)
        return _exact_ends(u, x, self.low, self.high)

    def to_unit(self, value: float) -> float:
        """Return the place of the value: the inverse of `from_unit`."""
        x = _number("value", value, f"[{self.low!r}, {self.high!r}]")
        return (x - self.low) / (self.high - self.low)  # (2)

    def grid(self, n: int) -> list[float]:
        """Return `n` values at equal distances on the scale, the ends included; for n = 1, the middle."""
        return _grid(self, n)


@dataclass(frozen=True)
class LogUniform:
    r"""Positive numbers whose exponent is uniform: each power of ten gets an equal share.

    For a learning rate.  It is the notes' :math:`\alpha = 10^r`, with r uniform between the ends' exponents.

    .. math::
        r &= (1 - u) \log_{10} \text{low} + u \log_{10} \text{high} \tag{1} \\
        \alpha &= 10^r \tag{2} \\
        u &= \frac{\log_{10} \alpha - \log_{10} \text{low}}
                  {\log_{10} \text{high} - \log_{10} \text{low}} \tag{3}

    Parameters
    ----------
    low, high : float > 0
        The ends, as values of alpha and not as exponents: 1e-4 and 1.0, not -4 and 0.

    Raises
    ------
    ValueError
        If an end is not positive, or `low` is not below `high`.

    References
    ----------
    Bergstra & Bengio (2012), "Random search for hyper-parameter optimization", JMLR 13.

    Examples
    --------
    >>> LogUniform(1e-4, 1.0).grid(3)
    [0.0001, 0.01, 1.0]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _store_ends(self, "(0, 1e300]", "Give values, not exponents: 1e-4 for 10^-4.")
        _check_order(self, math.log10(self.low), math.log10(self.high))

    def from_unit(self, u: float) -> float:
        """Return the value at the place `u`."""
        u = _number("u", u, "[0, 1]")
        r = (1 - u) * math.log10(self.low) + u * math.log10(self.high)  # (1)
        alpha = 10.0**r  # (2)
        return _exact_ends(u, alpha, self.low, self.high)

    def to_unit(self, value: float) -> float:
        """Return the place of the value: the inverse of `from_unit`."""
        alpha = _number("value", value, f"[{self.low!r}, {self.high!r}]")
        a, b = math.log10(self.low), math.log10(self.high)
        u = (math.log10(alpha) - a) / (b - a)  # (3)
        return _clip(u, 0.0, 1.0)

    def grid(self, n: int) -> list[float]:
        """Return `n` values with equal ratios, the ends included; for n = 1, the middle of the scale."""
        return _grid(self, n)


@dataclass(frozen=True)
class OneMinusLogUniform:
    r"""Numbers below 1 whose distance to 1 has a uniform exponent: the notes' :math:`\beta = 1 - 10^r`.

    For the memory of a moving average, about 1 / (1 - beta) values: 0.9, 0.99 and 0.999 are evenly spaced.

    .. math::
        r &= (1 - u) \log_{10}(1 - \text{low}) + u \log_{10}(1 - \text{high}) \tag{1} \\
        \beta &= 1 - 10^r \tag{2} \\
        u &= \frac{\log_{10}(1 - \beta) - \log_{10}(1 - \text{low})}
                  {\log_{10}(1 - \text{high}) - \log_{10}(1 - \text{low})} \tag{3}

    Parameters
    ----------
    low, high : float in [0, 1)
        The ends, as values of beta and not as exponents: 0.9 and 0.999, not -1 and -3.

    Raises
    ------
    ValueError
        If an end is outside [0, 1), or `low` is not below `high`.

    Examples
    --------
    >>> [round(beta, 4) for beta in OneMinusLogUniform(0.9, 0.999).grid(3)]
    [0.9, 0.99, 0.999]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _store_ends(self, "[0, 1)", "Give values of beta, not exponents: 0.999 for 1 - 10^-3.")
        _check_order(self, -math.log10(1 - self.low), -math.log10(1 - self.high))

    def from_unit(self, u: float) -> float:
        """Return the value at the place `u`; a larger `u` gives a larger beta."""
        u = _number("u", u, "[0, 1]")
        r = (1 - u) * math.log10(1 - self.low) + u * math.log10(1 - self.high)  # (1)
        beta = 1 - 10.0**r  # (2)
        return _exact_ends(u, beta, self.low, self.high)

    def to_unit(self, value: float) -> float:
        """Return the place of the value: the inverse of `from_unit`."""
        beta = _number("value", value, f"[{self.low!r}, {self.high!r}]")
        a, b = math.log10(1 - self.low), math.log10(1 - self.high)
        u = (math.log10(1 - beta) - a) / (b - a)  # (3)
        return _clip(u, 0.0, 1.0)

    def grid(self, n: int) -> list[float]:
        """Return `n` values evenly spaced in r, the ends included; for n = 1, the middle of the scale."""
        return _grid(self, n)


@dataclass(frozen=True)
class Integer:
    r"""Whole numbers, equally likely or on a log scale.

    Each number k stands for the reals from k - 1/2 to k + 1/2.

    .. math::
        x &= \text{the value at } u \text{ between low} - 1/2 \text{ and high} + 1/2 \tag{1} \\
        k &= \lfloor x + 1/2 \rfloor \tag{2}

    Parameters
    ----------
    low, high : int
        The ends, low <= high; both belong to the space.
    log : bool
        Whether x is `LogUniform` rather than `Uniform`: for numbers of units or batch sizes.

    Raises
    ------
    ValueError
        If `low` is above `high`, an end is no integer, or `low` is below 1 on a log scale.

    Examples
    --------
    >>> Integer(1, 5).grid(3), Integer(1, 256, log=True).grid(3)
    ([1, 3, 5], [1, 11, 256])
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        check_flag("log", self.log)
        least = "1" if self.log else "-1e12"
        check_integer("low", self.low, f"[{least}, 1e12]", "A log scale begins at 1." if self.log else "")
        check_integer("high", self.high, f"[{self.low}, 1e12]", f"low is {self.low}.")
        object.__setattr__(self, "low", int(self.low))
        object.__setattr__(self, "high", int(self.high))
        object.__setattr__(self, "log", bool(self.log))

    def from_unit(self, u: float) -> int:
        """Return the number at the place `u`."""
        x = self._reals().from_unit(u)  # (1)
        k = math.floor(x + 1 / 2)  # (2)
        return min(k, self.high)  # u = 1 is the upper end of the last number

    def to_unit(self, value: int) -> float:
        """Return the place of x = k, inside of the interval that gives k."""
        check_integer("value", value, f"[{self.low}, {self.high}]")
        return self._reals().to_unit(float(value))

    def grid(self, n: int) -> list[int]:
        """Return up to `n` numbers evenly spaced on the scale: fewer where two fall together."""
        return _grid(self, n)

    def _reals(self) -> Uniform | LogUniform:
        kind = LogUniform if self.log else Uniform
        return kind(self.low - 1 / 2, self.high + 1 / 2)


@dataclass(frozen=True)
class Choice:
    r"""One of several options, all equally likely.

    .. math::
        i &= \lfloor u n \rfloor \tag{1} \\
        u &= (i + 1/2) / n \tag{2}

    Parameters
    ----------
    options : list or tuple
        The n options: numbers, text, True, False, None, or tuples of those (layer sizes, say), so that a
        trial can be saved as JSON.  For a function, take its name.

    Raises
    ------
    ValueError
        If there is no option, the same one twice, or one that JSON cannot hold.

    Examples
    --------
    >>> Choice(["tanh", "relu"]).from_unit(0.7)
    'relu'
    """

    options: Sequence[Any]

    def __post_init__(self) -> None:
        if not isinstance(self.options, list | tuple) or not self.options:
            raise ValueError(
                f"options must be a list or tuple of at least one option; got {shown(self.options)}."
            )
        options = _plain(self.options)
        for option in options:
            if not _is_simple(option):
                raise ValueError(
                    "options must be finite numbers, text, True, False, None or tuples of those; "
                    f"got {shown(option)}. For a function, take its name."
                )
        if len(set(map(repr, options))) < len(options):
            raise ValueError(f"options must differ from each other; got {shown(self.options)}.")
        object.__setattr__(self, "options", options)

    def from_unit(self, u: float) -> Any:
        """Return the option at the place `u`."""
        i = math.floor(_number("u", u, "[0, 1]") * len(self.options))  # (1)
        return self.options[min(i, len(self.options) - 1)]  # u = 1 is the upper end of the last option

    def to_unit(self, value: Any) -> float:
        """Return the middle of the interval that gives this option."""
        texts = [repr(option) for option in self.options]
        if repr(_plain(value)) not in texts:
            raise ValueError(f"value must be one of {', '.join(texts)}; got {shown(value)}.")
        i = texts.index(repr(_plain(value)))
        return (i + 1 / 2) / len(self.options)  # (2)

    def grid(self, n: int) -> list[Any]:
        """Return up to `n` options, from the first to the last: all of them if `n` is large enough."""
        return _grid(self, n)


Space = Uniform | LogUniform | OneMinusLogUniform | Integer | Choice
"""The values of one hyperparameter."""


def _store_ends(space: Any, interval: str, advice: str = "") -> None:
    for name in ("low", "high"):
        object.__setattr__(space, name, _number(name, getattr(space, name), interval, advice))


def _check_order(space: Any, low: float, high: float) -> None:
    """Raise unless the ends are apart on their own scale, where 1e-5 and its neighbor are not."""
    if not low < high:
        raise ValueError(
            f"low must be below high; got low {space.low!r} and high {space.high!r}. "
            "For one fixed value, use Choice([value])."
        )


def _exact_ends(u: float, value: float, low: float, high: float) -> float:
    """Return the value, but the ends themselves for u = 0 and 1: rounding may miss them."""
    return {0.0: low, 1.0: high}.get(u, _clip(value, low, high))


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _grid(space: Space, n: int) -> list[Any]:
    check_integer("n", n, f"[1, {MOST_SETTINGS}]", "It is the number of values.")
    places = [0.5] if n == 1 else [i / (int(n) - 1) for i in range(n)]
    values = [space.from_unit(u) for u in places]
    return list({repr(value): value for value in values}.values())


# ------------------------------------------------------------------------------------------- proposals


def grid(space: Mapping[str, Space], n: int | Mapping[str, int]) -> list[dict[str, Any]]:
    """Return every combination of `n` values of each hyperparameter.

    With two hyperparameters and n = 5 that is 25 settings, and only 5 different values of each.

    Parameters
    ----------
    space : mapping from names to spaces
    n : int >= 1, or mapping from names to int
        Values for each hyperparameter; a whole number or an option is not repeated if there are fewer.

    Returns
    -------
    list of settings
        The last hyperparameter changes fastest.

    Raises
    ------
    ValueError
        If `space` or `n` is not as above, or there would be more than a million settings.

    Examples
    --------
    >>> for setting in grid({"learning_rate": LogUniform(0.01, 1.0), "units": Choice([4, 8])}, 2):
    ...     print(setting)
    {'learning_rate': 0.01, 'units': 4}
    {'learning_rate': 0.01, 'units': 8}
    {'learning_rate': 1.0, 'units': 4}
    {'learning_rate': 1.0, 'units': 8}
    """
    _check_space(space)
    if isinstance(n, Mapping) and set(n) != set(space):
        raise ValueError(
            f"n must have the names of space, {', '.join(map(repr, space))}; got {shown(dict(n))}."
        )
    counts = n if isinstance(n, Mapping) else dict.fromkeys(space, n)
    axes = [each.grid(counts[name]) for name, each in space.items()]
    size = math.prod(map(len, axes))
    if size > MOST_SETTINGS:
        raise ValueError(
            f"n must give at most {MOST_SETTINGS} settings; got {shown(n)}, which gives {size}. "
            "Take random_settings: there the number does not grow with the hyperparameters."
        )
    return [dict(zip(space, values, strict=True)) for values in product(*axes)]


def random_settings(
    space: Mapping[str, Space], trials: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Return settings drawn at random, each hyperparameter on its own scale.

    Parameters
    ----------
    space : mapping from names to spaces
    trials : int >= 0
        How many.  A longer list from the same seed begins with the shorter one.
    rng : numpy.random.Generator

    Returns
    -------
    list of settings

    Raises
    ------
    ValueError
        If an argument is not as above.

    References
    ----------
    Bergstra & Bengio (2012), "Random search for hyper-parameter optimization", JMLR 13: better than a grid
    when few of the hyperparameters matter, because each trial tries a new value of those.

    Examples
    --------
    >>> settings = random_settings({"alpha": LogUniform(1e-4, 1)}, 100, np.random.default_rng(0))
    >>> sum(setting["alpha"] < 0.01 for setting in settings)
    44
    """
    _check_space(space)
    check_integer("trials", trials, f"[0, {MOST_SETTINGS}]", "It is the number of settings.")
    check_rng(rng)
    return _from_units(space, rng.random((trials, len(space))))


def latin_hypercube(
    space: Mapping[str, Space], trials: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    r"""Return settings at random that cover every axis evenly.

    Each axis is cut into n = `trials` slices of equal probability, and each slice is used once.  With a
    random order :math:`\pi_j` of the slices 0 ... n - 1 on axis j and v uniform in [0, 1):

    .. math:: u_{ij} = (\pi_j(i) + v_{ij}) / n \tag{1}

    Parameters
    ----------
    space : mapping from names to spaces
    trials : int >= 0
    rng : numpy.random.Generator

    Returns
    -------
    list of settings

    Raises
    ------
    ValueError
        If an argument is not as above.

    References
    ----------
    McKay, Beckman & Conover (1979), "A comparison of three methods for selecting values of input variables in
    the analysis of output from a computer code", Technometrics 21.

    Examples
    --------
    >>> settings = latin_hypercube({"x": Uniform(0, 4)}, 4, np.random.default_rng(0))
    >>> sorted(int(setting["x"]) for setting in settings)
    [0, 1, 2, 3]
    """
    _check_space(space)
    check_integer("trials", trials, f"[0, {MOST_SETTINGS}]", "It is the number of settings.")
    check_rng(rng)
    slices = rng.permuted(np.tile(np.arange(trials), (len(space), 1)), axis=1).T
    v = rng.random((trials, len(space)))
    return _from_units(space, (slices + v) / max(trials, 1))  # (1)


def zoom(
    space: Mapping[str, Space],
    trials: "Iterable[Trial | Stage]",
    keep: int = 5,
    margin: float = 0.1,
) -> dict[str, Space]:
    r"""Return a smaller space around the best trials: the step from coarse to fine.

    With the places :math:`u_k` of the best trials on the scale of a hyperparameter:

    .. math::
        u_{\text{low}} &= \max(\min_k u_k - \text{margin}, 0) \tag{1} \\
        u_{\text{high}} &= \min(\max_k u_k + \text{margin}, 1) \tag{2}

    A `Choice` keeps the options that are among the best, in their order.

    Parameters
    ----------
    space : mapping from names to spaces
        The new space is inside of it.
    trials : iterable of Trial or Stage
        Their settings are in `space`.  Trials without a score do not count.
    keep : int >= 1
        How many of the best.
    margin : float in (0, 1]
        What is added on each side, as a share of the old scale.

    Returns
    -------
    dict from names to spaces

    Raises
    ------
    ValueError
        If no trial has a score, a setting is outside of `space`, or an argument is not as above.

    Examples
    --------
    >>> trials = [Trial(0, {"x": 4.0}, 0.1), Trial(1, {"x": 7.5}, 3.0), Trial(2, {"x": 5.0}, 0.2)]
    >>> zoom({"x": Uniform(0, 8)}, trials, keep=2, margin=0.125)
    {'x': Uniform(low=3.0, high=6.0)}
    """
    _check_space(space)
    trials = _trials("trials", trials)
    check_integer("keep", keep, "[1, inf)", "It is the number of best trials to stay close to.")
    margin = _number("margin", margin, "(0, 1]", "It is a share of the old scale; 0.1 is a good start.")
    leading = best(trials, keep)
    if not leading:
        raise ValueError(
            f"trials must hold at least one with a score; got {len(trials)} without. Their `error` says why."
        )
    smaller = {}
    for name, each in space.items():
        places = [_place(name, each, trial.setting) for trial in leading]
        u_low = max(min(places) - margin, 0.0)  # (1)
        u_high = min(max(places) + margin, 1.0)  # (2)
        smaller[name] = (
            _options_at(each, places) if isinstance(each, Choice) else _between(each, u_low, u_high)
        )
    return smaller


def _options_at(space: Choice, places: list[float]) -> Choice:
    return Choice([option for option in space.options if space.to_unit(option) in places])


def _between(
    space: Uniform | LogUniform | OneMinusLogUniform | Integer, u_low: float, u_high: float
) -> Space:
    ends: Any = {"low": space.from_unit(u_low), "high": space.from_unit(u_high)}
    try:
        return replace(space, **ends)
    except ValueError:  # no number is left between the two
        return space


def _place(name: str, space: Space, setting: Setting) -> float:
    if name not in setting:
        raise ValueError(f"setting must have a value for {name!r}; got {shown(dict(setting))}.")
    try:
        return space.to_unit(setting[name])
    except ValueError as error:
        raise ValueError(f"setting must be inside of the space; got for {name!r}: {error}") from error


def _from_units(space: Mapping[str, Space], units: Any) -> list[dict[str, Any]]:
    rows = units.tolist()
    return [
        {name: each.from_unit(u) for (name, each), u in zip(space.items(), row, strict=True)} for row in rows
    ]


# ---------------------------------------------------------------------------------------------- trials


class Trial(NamedTuple):
    """One setting and what came of it.

    Attributes
    ----------
    number : int
        The place of the setting among those that the search was given, from 0.
    setting : dict
    score : float
        The lower the better; NaN when the trial failed.
    error : str
        Why it failed, for instance "ValueError: ..."; empty when it did not.
    seconds : float
        Time that the objective took.  The only part that differs when the same search is run again.
    info : dict
        What else the objective returned.
    """

    number: int
    setting: Setting
    score: float
    error: str = ""
    seconds: float = 0.0
    info: Mapping[str, Any] = {}


class Stage(NamedTuple):
    """One setting after a stretch of training: what `panda`, `caviar` and `successive_halving` yield.

    Attributes
    ----------
    round : int
        From 0; a rung of successive halving.
    number : int
        The place of the setting among those of the strategy; for `panda`, among those of the round.
    setting : dict
    score : float
        NaN when the training failed.
    error : str
        Why it failed; empty when it did not.
    units : int
        Units of training behind this model, from new weights on.
    spent : int
        Units that the strategy has used so far on all models, those given up included.
    state : Any
        What `advance` returned; None when it failed.
    """

    round: int
    number: int
    setting: Setting
    score: float
    error: str
    units: int
    spent: int
    state: Any


Ended = TypeVar("Ended", Trial, Stage, Trial | Stage)


def best(trials: Iterable[Ended], n: int = 1) -> list[Ended]:
    """Return the `n` trials with the lowest scores, the best first; fewer if fewer have a score.

    Parameters
    ----------
    trials : iterable of Trial or Stage
    n : int >= 1

    Returns
    -------
    list of Trial or Stage
        Of equal scores, the lower number comes first: the order of arrival does not matter.

    Raises
    ------
    ValueError
        If `trials` holds something else, or `n` is below 1.

    Examples
    --------
    >>> [trial.number for trial in best([Trial(0, {}, 0.3), Trial(1, {}, 0.1), Trial(2, {}, math.nan)], 2)]
    [1, 0]
    """
    check_integer("n", n, "[1, inf)", "It is the number of trials to return.")
    with_score = [trial for trial in _trials("trials", trials) if math.isfinite(trial.score)]
    return sorted(with_score, key=lambda trial: (trial.score, trial.number))[:n]


def distinct(trials: "Iterable[Trial | Stage]", name: str) -> int:
    """Return how many different values of a hyperparameter the trials tried, the failed ones too.

    Nine trials on a 3 x 3 grid try 3 values of each; nine random ones try 9.

    Parameters
    ----------
    trials : iterable of Trial or Stage
    name : str
        The hyperparameter.

    Raises
    ------
    ValueError
        If `trials` holds something else, or a setting has no such name.

    Examples
    --------
    >>> distinct([Trial(0, {"beta": 0.9}, 0.3), Trial(1, {"beta": 0.9}, 0.1)], "beta")
    1
    """
    settings = [trial.setting for trial in _trials("trials", trials)]
    if not isinstance(name, str) or not all(name in setting for setting in settings):
        names = sorted(set().union(*settings))
        raise ValueError(
            f"name must be a hyperparameter of every trial; got {shown(name)}, they have {names}."
        )
    return len({repr(_plain(setting[name])) for setting in settings})


def leaders(stages: Iterable[Stage]) -> list[Stage]:
    """Return the best stage of each round: for `panda`, the life of the one model that was kept.

    Raises
    ------
    ValueError
        If `stages` holds something else.
    """
    by_round: dict[int, list[Stage]] = {}
    for stage in _trials("stages", stages, Stage):
        by_round.setdefault(stage.round, []).append(stage)
    return [stage for index in sorted(by_round) for stage in best(by_round[index])]


# ---------------------------------------------------------------------------------------------- search


def search(
    objective: Callable[[dict[str, Any]], Any],
    settings: Iterable[Setting],
    *,
    executor: Executor | None = None,
    done: Iterable[Trial] = (),
    in_flight: int = 32,
) -> Generator[Trial, None, None]:
    """Run the objective on every setting and yield each trial as it ends.

    Nothing runs before the first trial is asked for.  To stop, leave the loop and call `close()`: trials that
    wait are canceled, those that already run are not waited for.  A trial that fails (an exception, or
    a score that is not a finite number) is yielded with its error, and the search goes on.
    KeyboardInterrupt ends it.

    Parameters
    ----------
    objective : function of a setting
        Returns the score to minimize, or a mapping with a "score" and whatever else is worth keeping.  For a
        process pool it must be a function of a module: one that is typed into a notebook cannot be sent.
    settings : iterable of settings
        Read to its end at once.
    executor : concurrent.futures.Executor, optional
        None runs the trials here, one after the other, in order.  A thread pool, a process pool or a Dask
        client's `get_executor()` runs several; trials then come in the order in which they end.
        It is not shut down.
    done : iterable of Trial
        Trials of an earlier search over the same settings.  Each of them saves one run of its setting;
        they are not yielded again.  To repeat failed ones, leave them out.
    in_flight : int >= 1
        How many trials at most the executor holds, running or waiting: not fewer than its workers.

    Yields
    ------
    Trial

    Raises
    ------
    ValueError
        If an argument is not as above.
    RuntimeError
        If the executor takes no more trials, because it was shut down or one of its processes died.  Trials
        that were under way then come first, with their error.

    Examples
    --------
    >>> def dev_error(setting):
    ...     return (setting["x"] - 3) ** 2
    >>> trials = list(search(dev_error, grid({"x": Uniform(0, 4)}, 5)))
    >>> best(trials)[0].setting
    {'x': 3.0}
    """
    _check_function("objective", objective, "the score of a setting")
    wanted = _settings("settings", settings)
    finished = Counter(_key(trial.setting) for trial in _trials("done", done, Trial))
    _check_executor(executor, in_flight)
    jobs = []
    for number, setting in enumerate(wanted):
        if finished[_key(setting)] > 0:
            finished[_key(setting)] -= 1
        else:
            jobs.append((number, setting))
    return _search(objective, jobs, executor, in_flight)


def _search(
    objective: Callable[[dict[str, Any]], Any],
    jobs: list[tuple[int, dict[str, Any]]],
    executor: Executor | None,
    in_flight: int,
) -> Generator[Trial, None, None]:
    calls = [(dict(setting),) for _, setting in jobs]  # the objective may change its own
    with closing(_run(objective, calls, executor, in_flight)) as outcomes:
        for index, outcome in outcomes:
            yield _trial(*jobs[index], outcome)


def _trial(number: int, setting: dict[str, Any], outcome: "_Outcome") -> Trial:
    value, info = outcome.value, {}
    if isinstance(value, Mapping):
        info = {name: each for name, each in value.items() if name != "score"}
        value = value.get("score")
    score, error = _score(value, outcome.error)
    return Trial(number, setting, score, error, outcome.seconds, info)


def _score(value: Any, error: str) -> tuple[float, str]:
    """Return a finite score and no error, or NaN and the error."""
    if error:
        return math.nan, error
    try:
        return _number("score", value, "(-inf, inf)"), ""
    except ValueError as wrong:
        return math.nan, _told(wrong)


class _Outcome(NamedTuple):
    value: Any
    error: str
    seconds: float


def _attempt(function: Callable[..., Any], arguments: tuple[Any, ...]) -> _Outcome:
    """Call the function; an exception becomes text, which every executor can send back."""
    start = time.perf_counter()
    try:
        value, error = function(*arguments), ""
    except Exception as raised:
        value, error = None, _told(raised)
    return _Outcome(value, error, time.perf_counter() - start)


def _told(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _run(
    function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], executor: Executor | None, in_flight: int
) -> Generator[tuple[int, _Outcome], None, None]:
    """Yield the index and the outcome of each call, as they end."""
    if executor is not None:
        yield from _run_on(executor, function, calls, in_flight)
        return
    for index, arguments in enumerate(calls):
        yield index, _attempt(function, arguments)


def _run_on(
    executor: Executor, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], in_flight: int
) -> Generator[tuple[int, _Outcome], None, None]:
    waiting = deque(enumerate(calls))
    pending: dict[Future[_Outcome], int] = {}
    ended: list[tuple[int, _Outcome]] = []
    try:
        while waiting or pending or ended:
            refused = _submit(executor, function, waiting, pending, in_flight)
            yield from ended  # after the next ones were submitted, so that no worker is idle meanwhile
            if refused is not None and not pending:
                raise RuntimeError(
                    f"executor takes no more trials ({_told(refused)}); {len(waiting)} were not run. "
                    "Make a new executor and run the search again, with the trials so far as `done`."
                ) from refused
            finished = wait(pending, return_when=FIRST_COMPLETED).done
            ended = sorted((pending.pop(future), _outcome(future)) for future in finished)
    finally:
        for future in pending:
            future.cancel()


def _submit(
    executor: Executor,
    function: Callable[..., Any],
    waiting: deque[tuple[int, tuple[Any, ...]]],
    pending: dict[Future[_Outcome], int],
    in_flight: int,
) -> RuntimeError | None:
    """Move calls from `waiting` to `pending`; return the executor's refusal, if there is one."""
    try:
        while waiting and len(pending) < in_flight:
            index, arguments = waiting[0]
            pending[executor.submit(_attempt, function, arguments)] = index
            waiting.popleft()
    except RuntimeError as refused:  # shut down, or broken
        return refused
    return None


def _outcome(future: Future[_Outcome]) -> _Outcome:
    try:
        return future.result()
    except Exception as error:  # from the way there or back: `_attempt` raises none
        return _Outcome(
            None, f"{_told(error)} (raised by the executor, not by the function that it ran)", 0.0
        )


# ----------------------------------------------------------------------------------------------- files


def save_trials(path: str | os.PathLike[str], trials: Iterable[Trial]) -> None:
    """Write trials to a file, one JSON object a line; a file of this name is replaced.

    A failed trial's score is null.  NaN and infinity inside of `info` are written as NaN and Infinity, as
    Python's json does.

    Parameters
    ----------
    path : str or path
    trials : iterable of Trial

    Raises
    ------
    ValueError
        If a trial holds what JSON cannot, or the file cannot be written.
    """
    _check_path(path)
    text = "".join(_line(trial) for trial in _trials("trials", trials, Trial))
    try:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        raise _path_error(path, error) from error


def recorded(path: str | os.PathLike[str], trials: Iterable[Trial]) -> Generator[Trial, None, None]:
    """Pass trials on and add each to a file as it comes, so that an interruption loses none.

    Closing this iterator closes `trials` too.

    Parameters
    ----------
    path : str or path
        A new file, or one of an earlier search: trials are added at its end.
    trials : iterable of Trial
        For instance `search(...)`.

    Yields
    ------
    Trial

    Raises
    ------
    ValueError
        If the file cannot be written or holds something else, or a trial holds what JSON cannot.

    Examples
    --------
    A search that may be interrupted and started again as often as one likes:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "trials.jsonl")
    >>> settings = grid({"x": Uniform(0, 4)}, 5)
    >>> for trial in recorded(path, search(lambda setting: setting["x"], settings)):
    ...     if trial.number == 1:
    ...         break
    >>> done = load_trials(path) if path.exists() else []
    >>> [t.number for t in recorded(path, search(lambda setting: setting["x"], settings, done=done))]
    [2, 3, 4]
    >>> len(load_trials(path))
    5
    """
    _check_path(path)
    if isinstance(trials, str | Mapping | np.ndarray) or not isinstance(trials, Iterable):
        raise ValueError(f"trials must be an iterable of Trial; got {shown(trials)}. Pass search(...).")
    if Path(path).exists():
        load_trials(path)
    return _recorded(path, trials)


def _recorded(path: str | os.PathLike[str], trials: Iterable[Trial]) -> Generator[Trial, None, None]:
    try:
        for trial in trials:
            (checked,) = _trials("trials", [trial], Trial)
            line = _line(checked)
            try:
                with Path(path).open("a", encoding="utf-8", newline="\n") as file:
                    file.write(line)
            except (OSError, ValueError) as error:
                raise _path_error(path, error) from error
            yield trial
    finally:
        if isinstance(trials, Generator):
            trials.close()


def load_trials(path: str | os.PathLike[str]) -> list[Trial]:
    """Return the trials of a file that `save_trials` or `recorded` wrote.

    Lists in a setting come back as tuples.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    ValueError
        If there is no such file, or a line of it is not a trial; the message has the line's number.
    """
    _check_path(path)
    try:
        *lines, rest = Path(path).read_bytes().split(b"\n")
    except (OSError, ValueError) as error:
        raise _path_error(path, error) from error
    trials = [_read_line(path, number, line) for number, line in enumerate(lines, start=1)]
    if rest:
        raise _line_error(path, len(lines) + 1, "it is cut off: its line end is missing")
    return trials


def _line(trial: Trial) -> str:
    record = trial._asdict() | {"score": trial.score if math.isfinite(trial.score) else None}
    record |= {"setting": dict(trial.setting), "info": dict(trial.info)}
    try:
        return dumps(record, default=_to_json) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            "trials must hold what JSON can: numbers, text, True, False, None, lists and dicts; "
            f"got {shown(dict(trial.setting))} and {shown(record['info'])}: trial {trial.number} ({error})."
        ) from error


def _to_json(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not one of them")


def _read_line(path: str | os.PathLike[str], number: int, line: bytes) -> Trial:
    try:
        return _from_record(loads(line.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise _line_error(path, number, str(error)) from error


def _from_record(record: Any) -> Trial:
    if not isinstance(record, dict) or set(record) != set(Trial._fields):
        raise ValueError(f"it must be an object with {', '.join(Trial._fields)}; got {shown(record)}")
    check_integer("number", record["number"], "[0, inf)")
    check_number("seconds", record["seconds"], "[0, inf)")
    for name, kind in (("setting", dict), ("info", dict), ("error", str)):
        if not isinstance(record[name], kind):
            raise ValueError(f"{name} must be of type {kind.__name__}; got {shown(record[name])}")
    if record["score"] is None and record["error"]:
        score = math.nan
    else:
        score = _number("score", record["score"], "(-inf, inf)", "Only a trial with an error has null.")
    setting = {name: _plain(value) for name, value in record["setting"].items()}
    return Trial(**record | {"score": score, "setting": setting})


def _check_path(path: Any) -> None:
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ValueError(f"path must be the name of a file; got {shown(path)}.")


def _path_error(path: str | os.PathLike[str], error: Exception) -> ValueError:
    return ValueError(f"path must be a file that can be opened; got {os.fspath(path)!r} ({_told(error)}).")


def _line_error(path: str | os.PathLike[str], number: int, reason: str) -> ValueError:
    return ValueError(
        f"path must hold one trial a line; got {os.fspath(path)!r}, where line {number} is none: "
        f"{reason.rstrip('.')}. "
        "If a search was interrupted while it wrote this line, delete the line."
    )


# ------------------------------------------------------------------------------------------ strategies


def caviar(
    advance: Advance,
    settings: Iterable[Setting],
    budget: int,
    *,
    executor: Executor | None = None,
    in_flight: int = 32,
) -> Generator[Stage, None, None]:
    """Train many models in parallel, each with its own setting and the full budget: the caviar approach.

    It is `search` with the protocol and the bookkeeping of `panda` and `successive_halving`, so that the
    three can be compared.  It spends `budget` units for each setting.

    Parameters
    ----------
    advance : function (setting, state, budget) -> (score, state)
        See `Advance`.
    settings : iterable of settings
        For instance from `random_settings`.
    budget : int >= 1
        Units of training for each.
    executor, in_flight
        As for `search`.

    Yields
    ------
    Stage
        One for each setting, all of round 0, as they end.

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> def advance(setting, state, budget):
    ...     x = 1.0 if state is None else state
    ...     x = x * (1 - setting["learning_rate"]) ** budget  # gradient descent on x^2 / 2
    ...     return x**2 / 2, x
    >>> [
    ...     (stage.score, stage.spent)
    ...     for stage in caviar(advance, grid({"learning_rate": Uniform(0, 0.5)}, 2), 4)
    ... ]
    [(0.5, 4), (0.001953125, 8)]
    """
    _check_function("advance", advance, "(score, state)")
    starts = _starts(_settings("settings", settings))
    check_integer("budget", budget, "[1, inf)", "It is the number of units for each setting.")
    _check_executor(executor, in_flight)
    return _caviar(_Round(advance, executor, in_flight), starts, int(budget))


class Rung(NamedTuple):
    """A round of successive halving: `size` models train until each has `units`, of which `extra` are new."""

    size: int
    units: int
    extra: int


def halving_rungs(n: int, budget: int = 1, eta: int = 3) -> list[Rung]:
    r"""Return the plan of successive halving for n settings.

    Rung i trains :math:`n_i` models until each has :math:`r_i` units behind it, beginning with
    :math:`n_0 = n` and the `budget` r; a model that stays goes on where it was and needs :math:`e_i` more.

    .. math::
        n_{i+1} &= \max(1, \lfloor n_i / \eta \rfloor) \tag{1} \\
        r_i &= r \, \eta^i \tag{2} \\
        e_i &= r_i - r_{i-1}, \quad e_0 = r \tag{3}

    The last rung has one model.  The whole costs :math:`\sum_i n_i e_i` units.

    Parameters
    ----------
    n : int >= 1
        Settings at the start.
    budget : int >= 1
        Units of the first rung.
    eta : int >= 2
        One in eta stays.

    Returns
    -------
    list of Rung

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> rungs = halving_rungs(9, budget=1, eta=3)
    >>> rungs
    [Rung(size=9, units=1, extra=1), Rung(size=3, units=3, extra=2), Rung(size=1, units=9, extra=6)]
    >>> sum(rung.size * rung.extra for rung in rungs)
    21
    """
    check_integer("n", n, "[1, inf)", "It is the number of settings at the start.")
    check_integer("budget", budget, "[1, inf)", "It is the number of units of the first rung.")
    check_integer("eta", eta, "[2, inf)", "One in eta stays; usual values are 3 and 4.")
    n, budget, eta = int(n), int(budget), int(eta)
    rungs = [Rung(n, budget, budget)]
    while rungs[-1].size > 1:
        size = max(1, rungs[-1].size // eta)  # (1)
        units = budget * eta ** len(rungs)  # (2)
        extra = units - rungs[-1].units  # (3)
        rungs.append(Rung(size, units, extra))
    return rungs


def successive_halving(
    advance: Advance,
    settings: Iterable[Setting],
    budget: int = 1,
    eta: int = 3,
    *,
    executor: Executor | None = None,
    in_flight: int = 32,
) -> Generator[Stage, None, None]:
    """Start many models with a small budget, again and again keep the best 1/eta, and train those on.

    It is the inner loop of Hyperband, with the plan of `halving_rungs`.  A model whose training fails is
    given up, and its units count as spent.  The last stage has the winner, unless it failed as well.

    Parameters
    ----------
    advance : function (setting, state, budget) -> (score, state)
        See `Advance`.  Training goes on from the state: nothing is done twice.
    settings : iterable of settings
        At least one.
    budget : int >= 1
        Units of the first rung.
    eta : int >= 2
    executor, in_flight
        As for `search`.

    Yields
    ------
    Stage
        As they end; a rung begins when the one before has ended.

    Raises
    ------
    ValueError
        If an argument is not as above.

    References
    ----------
    Jamieson & Talwalkar (2016), "Non-stochastic best arm identification and hyperparameter optimization",
    AISTATS.  Li, Jamieson, DeSalvo, Rostamizadeh & Talwalkar (2018), "Hyperband: a novel bandit-based
    approach to hyperparameter optimization", JMLR 18(185), algorithm 1.

    Examples
    --------
    >>> def advance(setting, state, budget):
    ...     x = 1.0 if state is None else state
    ...     x = x * (1 - setting["learning_rate"]) ** budget  # gradient descent on x^2 / 2
    ...     return x**2 / 2, x
    >>> stages = list(successive_halving(advance, grid({"learning_rate": Uniform(0, 0.5)}, 9)))
    >>> [stage.setting["learning_rate"] for stage in stages if stage.round == 1]
    [0.5, 0.4375, 0.375]
    >>> stages[-1].units, stages[-1].spent
    (9, 21)
    """
    _check_function("advance", advance, "(score, state)")
    starts = _starts(_settings("settings", settings))
    if not starts:
        raise ValueError("settings must hold at least one setting; got none.")
    rungs = halving_rungs(len(starts), budget, eta)
    _check_executor(executor, in_flight)
    return _halving(_Round(advance, executor, in_flight), starts, rungs)


@dataclass(frozen=True)
class OneAtATime:
    """A nurse for `panda`: each round looks at one hyperparameter, kept, raised and lowered.

    The hyperparameters take turns, in the order of the space.  A whole number changes by 1 at least;
    of a `Choice`, every other option is tried.

    Parameters
    ----------
    space : mapping from names to spaces
    step : float in (0, 1]
        How far to go, as a share of the hyperparameter's own scale.

    Raises
    ------
    ValueError
        If `space` or `step` is not as above.

    Examples
    --------
    >>> nurse = OneAtATime({"learning_rate": LogUniform(1e-4, 1.0)}, step=0.25)
    >>> [round(setting["learning_rate"], 6) for setting in nurse({"learning_rate": 0.01}, 0)]
    [0.01, 0.1, 0.001]
    """

    space: Mapping[str, Space]
    step: float = 0.1

    def __post_init__(self) -> None:
        _check_space(self.space)
        _number("step", self.step, "(0, 1]", "It is a share of the scale; 0.1 is a good start.")

    def __call__(self, setting: Setting, round: int) -> list[dict[str, Any]]:
        """Return the settings to try in this round: the one that we have, and its neighbors."""
        (setting,) = _settings("setting", [setting])
        check_integer("round", round, "[0, inf)")
        name = list(self.space)[round % len(self.space)]
        place = _place(name, self.space[name], setting)
        values = _neighbors(self.space[name], setting[name], place, float(self.step))
        return [setting, *({**setting, name: value} for value in values)]


def _neighbors(space: Space, value: Any, place: float, step: float) -> list[Any]:
    if isinstance(space, Choice):
        return [option for option in space.options if space.to_unit(option) != place]
    higher, lower = space.from_unit(min(place + step, 1.0)), space.from_unit(max(place - step, 0.0))
    if isinstance(space, Integer):
        higher, lower = min(max(higher, value + 1), space.high), max(min(lower, value - 1), space.low)
    return [each for each in (higher, lower) if each != value]


def panda(
    advance: Advance,
    setting: Setting,
    nurse: Callable[[dict[str, Any], int], Iterable[Setting]],
    rounds: int,
    budget: int = 1,
    *,
    executor: Executor | None = None,
    in_flight: int = 32,
) -> Generator[Stage, None, None]:
    """Nurse one model: change its setting a little while it trains, and keep what helps.

    In each round the nurse names a few settings.  From the same state, each is trained for `budget` units;
    the best of them is the model of the next round (of equal ones the first, so that no change is made
    without a reason), the others are given up.  So a round with three settings spends three times what the
    model that stays has learned from: compare `spent`, not `units`, with other strategies.

    Parameters
    ----------
    advance : function (setting, state, budget) -> (score, state)
        See `Advance`.
    setting : setting
        Where to start.
    nurse : function (setting, round) -> settings
        For instance `OneAtATime(space)`.  List the present setting first, to allow that nothing is changed.
    rounds : int >= 0
    budget : int >= 1
        Units for each setting of a round.
    executor, in_flight
        As for `search`.

    Yields
    ------
    Stage
        As they end; `leaders(stages)` has those that were kept.  When all of a round fail, it ends.

    Raises
    ------
    ValueError
        If an argument is not as above, or the nurse does not return settings.

    Examples
    --------
    >>> def advance(setting, state, budget):
    ...     x = 1.0 if state is None else state
    ...     x = x * (1 - setting["learning_rate"]) ** budget  # gradient descent on x^2 / 2
    ...     return x**2 / 2, x
    >>> nurse = OneAtATime({"learning_rate": Uniform(0, 1)}, step=0.25)
    >>> stages = list(panda(advance, {"learning_rate": 0.25}, nurse, rounds=3))
    >>> [stage.setting["learning_rate"] for stage in leaders(stages)]
    [0.5, 0.75, 1.0]
    >>> stages[-1].units, stages[-1].spent
    (3, 9)
    """
    _check_function("advance", advance, "(score, state)")
    _check_function("nurse", nurse, "the settings to try")
    (start,) = _starts(_settings("setting", [setting]))
    check_integer("rounds", rounds, "[0, inf)", "It is the number of changes to try.")
    check_integer("budget", budget, "[1, inf)", "It is the number of units for each setting of a round.")
    _check_executor(executor, in_flight)
    return _panda(_Round(advance, executor, in_flight), start, nurse, int(rounds), int(budget))


class _Round(NamedTuple):
    """How to train several models by the same number of units."""

    advance: Advance
    executor: Executor | None
    in_flight: int

    def run(self, models: list[Stage], extra: int, spent: int) -> Generator[Stage, None, list[Stage]]:
        """Yield each model's next stage as it ends; return all of them."""
        calls = [(dict(model.setting), model.state, extra) for model in models]
        ended: list[Stage] = []
        with closing(_run(self.advance, calls, self.executor, self.in_flight)) as outcomes:
            for index, outcome in outcomes:
                spent += extra
                ended.append(_next_stage(models[index], outcome, extra, spent))
                yield ended[-1]
        return ended


def _next_stage(model: Stage, outcome: _Outcome, extra: int, spent: int) -> Stage:
    value, error, state = outcome.value, outcome.error, None
    if not error:
        if isinstance(value, tuple) and len(value) == 2:
            value, state = value
        else:
            error = f"ValueError: advance must return (score, state); got {shown(value)}."
    score, error = _score(value, error)
    state = None if error else state
    return Stage(
        model.round + 1, model.number, model.setting, score, error, model.units + extra, spent, state
    )


def _starts(settings: list[dict[str, Any]]) -> list[Stage]:
    """Return models before their first round."""
    return [Stage(-1, number, setting, math.nan, "", 0, 0, None) for number, setting in enumerate(settings)]


def _caviar(round: _Round, models: list[Stage], budget: int) -> Generator[Stage, None, None]:
    yield from round.run(models, budget, 0)


def _halving(round: _Round, models: list[Stage], rungs: list[Rung]) -> Generator[Stage, None, None]:
    spent = 0
    for rung in rungs:
        models = models[: rung.size]
        ended = yield from round.run(models, rung.extra, spent)
        spent += rung.extra * len(models)
        models = best(ended, rung.size)


def _panda(
    round: _Round,
    model: Stage,
    nurse: Callable[[dict[str, Any], int], Iterable[Setting]],
    rounds: int,
    budget: int,
) -> Generator[Stage, None, None]:
    spent = 0
    for index in range(rounds):
        tries = _tries(nurse, model.setting, index)
        models = [model._replace(number=number, setting=each) for number, each in enumerate(tries)]
        ended = yield from round.run(models, budget, spent)
        spent += budget * len(models)
        leading = best(ended)
        if not leading:
            return
        model = leading[0]


def _tries(
    nurse: Callable[[dict[str, Any], int], Iterable[Setting]], setting: Setting, index: int
) -> list[dict[str, Any]]:
    try:
        return _settings("settings", nurse(dict(setting), index))
    except Exception as error:
        raise ValueError(
            f"nurse must return the settings to try; got {_told(error)} in round {index}."
        ) from error


# ---------------------------------------------------------------------------------------------- checks


def _number(name: str, value: Any, interval: str, advice: str = "") -> float:
    """Return one number as a Python float; the interval excludes infinity."""
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    check_number(name, value, interval, advice, fits=())
    return float(value)


def _check_space(space: Any) -> None:
    if not isinstance(space, Mapping) or not space:
        raise ValueError(
            f"space must map names to spaces; got {shown(space)}. "
            'For instance {"learning_rate": LogUniform(1e-4, 1.0)}.'
        )
    for name, each in space.items():
        if not isinstance(name, str) or not isinstance(each, Space):
            raise ValueError(
                "space must map names to Uniform, LogUniform, OneMinusLogUniform, Integer or Choice; "
                f"got {shown(each)} for {shown(name)}. A fixed value is Choice([value])."
            )


def _settings(name: str, settings: Any) -> list[dict[str, Any]]:
    """Return settings with plain values, as new dicts."""
    items = _items(name, settings, "settings (dicts)")
    for item in items:
        if not isinstance(item, Mapping) or not all(isinstance(key, str) for key in item):
            raise ValueError(f"{name} must hold dicts from names to values; got {shown(item)}.")
    return [{key: _plain(value) for key, value in item.items()} for item in items]


def _trials(name: str, trials: Any, kind: Any = Trial | Stage) -> list[Any]:
    items = _items(name, trials, "trials")
    for item in items:
        if not isinstance(item, kind) or not _is_whole(item):
            raise ValueError(f"{name} must hold trials as `search` yields them; got {shown(item)}.")
    return items


def _is_whole(trial: Trial | Stage) -> bool:
    """Tell whether one that was made by hand has what is used of it."""
    is_number = isinstance(trial.score, int | float) and isinstance(trial.number, int)
    return is_number and isinstance(trial.setting, Mapping)


def _items(name: str, values: Any, what: str) -> list[Any]:
    if isinstance(values, str | Mapping | np.ndarray) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a list or another iterable of {what}; got {shown(values)}.")
    return list(values)


def _check_function(name: str, function: Any, returns: str) -> None:
    if not callable(function):
        raise ValueError(f"{name} must be a function that returns {returns}; got {shown(function)}.")


def _check_executor(executor: Any, in_flight: Any) -> None:
    if executor is not None and not isinstance(executor, Executor):
        raise ValueError(
            f"executor must be a concurrent.futures.Executor or None; got {shown(executor)}. "
            "From a Dask client, take client.get_executor()."
        )
    check_integer("in_flight", in_flight, "[1, inf)", "Take at least the number of workers.")


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's, and lists and arrays as tuples."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def _is_simple(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_simple, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int | str)


def _key(setting: Setting) -> str:
    """Return the same text for the same setting, also after it was saved and loaded."""
    return repr(sorted((name, repr(_plain(value))) for name, value in setting.items()))

r"""Where to look for hyperparameters: spaces, and the settings to try in them.

- A *space* says which values a hyperparameter may have and on which scale they are even: `Uniform`,
  `LogUniform`, `OneMinusLogUniform`, `Integer`, `Choice`.  A search space is a mapping from names to spaces.
- A *setting* is a dict with one value for each name.  `grid`, `random_settings` and `latin_hypercube` propose
  settings; `zoom` makes a space smaller, around the best trials so far.

`hyperparameter_search` runs the settings.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from json import dumps
from typing import Any

import numpy as np

from dlhelpers.checks import check_flag, check_integer, check_number, check_rng, shown
from dlhelpers.trials import Setting, Stage, Trial, best, plain

MOST_SETTINGS = 1_000_000
"""No proposal has more settings than this: the list is held in memory."""


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
        _check_ends(self, float, "[-1e300, 1e300]")

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
        _check_ends(self, math.log10, "(0, 1e300]", "Give values, not exponents: 1e-4 for 10^-4.")

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
        return (math.log10(alpha) - a) / (b - a)  # (3)

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
        advice = "Give values of beta, not exponents: 0.999 for 1 - 10^-3."
        _check_ends(self, lambda beta: beta - 1, "[0, 1)", advice)

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
        return (math.log10(1 - beta) - a) / (b - a)  # (3)

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
        options = plain(self.options)
        try:
            dumps(options, allow_nan=False)
        except (TypeError, ValueError):
            raise ValueError(
                "options must be finite numbers, text, True, False, None or tuples of those; "
                f"got {shown(options)}. For a function, take its name."
            ) from None
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
        try:
            text = repr(plain(value))
        except Exception:  # an object that cannot be written is no option
            text = ""
        if text not in texts:
            raise ValueError(f"value must be one of {', '.join(texts)}; got {shown(value)}.")
        i = texts.index(text)
        return (i + 1 / 2) / len(self.options)  # (2)

    def grid(self, n: int) -> list[Any]:
        """Return up to `n` options, from the first to the last: all of them if `n` is large enough."""
        return _grid(self, n)


Space = Uniform | LogUniform | OneMinusLogUniform | Integer | Choice
"""The values of one hyperparameter."""


def _check_ends(space: Any, scale: Callable[[float], float], interval: str, advice: str = "") -> None:
    """Store the ends as floats; raise unless they differ on their scale: 1e-5 and its neighbor do not."""
    for name in ("low", "high"):
        object.__setattr__(space, name, _number(name, getattr(space, name), interval, advice))
    if not scale(space.low) < scale(space.high):
        raise ValueError(
            f"low must be below high; got low {shown(space.low)} and high {shown(space.high)}. "
            "For one fixed value, use Choice([value])."
        )


def _exact_ends(u: float, value: float, low: float, high: float) -> float:
    """Return the value, but the ends themselves for u = 0 and 1: rounding may miss them."""
    return {0.0: low, 1.0: high}.get(u, min(max(value, low), high))


def _number(name: str, value: Any, interval: str, advice: str = "") -> float:
    """Return a number, also one of NumPy's, as a float."""
    check_number(name, plain(value), interval, advice)
    return float(plain(value))


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
    check_space(space)
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
    check_space(space)
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
    check_space(space)
    check_integer("trials", trials, f"[0, {MOST_SETTINGS}]", "It is the number of settings.")
    check_rng(rng)
    slices = rng.permuted(np.tile(np.arange(trials), (len(space), 1)), axis=1).T
    v = rng.random((trials, len(space)))
    return _from_units(space, (slices + v) / max(trials, 1))  # (1)


def zoom(
    space: Mapping[str, Space],
    trials: Iterable[Trial | Stage],
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
    check_space(space)
    check_integer("keep", keep, "[1, inf)", "It is the number of best trials to stay close to.")
    margin = _number("margin", margin, "(0, 1]", "It is a share of the old scale; 0.1 is a good start.")
    leading = [places(space, trial.setting) for trial in best(trials, keep)]
    if not leading:
        raise ValueError("trials must hold at least one with a score; got none. Their `error` says why.")
    smaller: dict[str, Space] = {}
    for name, each in space.items():
        u = [setting[name] for setting in leading]
        if isinstance(each, Choice):
            smaller[name] = Choice([option for option in each.options if each.to_unit(option) in u])
        else:
            u_low = max(min(u) - margin, 0.0)  # (1)
            u_high = min(max(u) + margin, 1.0)  # (2)
            smaller[name] = _between(each, u_low, u_high)
    return smaller


def _between(
    space: Uniform | LogUniform | OneMinusLogUniform | Integer, u_low: float, u_high: float
) -> Space:
    ends: Any = {"low": space.from_unit(u_low), "high": space.from_unit(u_high)}
    try:
        return replace(space, **ends)
    except ValueError:  # no number is left between the two
        return space


def places(space: Mapping[str, Space], setting: Setting) -> dict[str, float]:
    """Return the place of each value of a setting on its scale, from 0 to 1.

    Parameters
    ----------
    space : mapping from names to spaces
    setting : setting
        What is not in `space` is left out.

    Raises
    ------
    ValueError
        If a value is missing or outside of its space.

    Examples
    --------
    >>> places({"learning_rate": LogUniform(1e-4, 1.0)}, {"learning_rate": 0.01})
    {'learning_rate': 0.5}
    """
    check_space(space)
    if not isinstance(setting, Mapping) or not set(space) <= set(setting):
        names = ", ".join(map(repr, space))
        raise ValueError(f"setting must be a dict with a value for each of {names}; got {shown(setting)}.")
    try:
        return {name: each.to_unit(setting[name]) for name, each in space.items()}
    except ValueError as error:
        raise ValueError(f"setting must be inside of the space; got {shown(setting)}: {error}") from error


def check_space(space: Any) -> None:
    """Raise ValueError unless `space` is a mapping from names to spaces, at least one."""
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


def _from_units(space: Mapping[str, Space], units: Any) -> list[dict[str, Any]]:
    rows = units.tolist()
    return [
        {name: each.from_unit(u) for (name, each), u in zip(space.items(), row, strict=True)} for row in rows
    ]

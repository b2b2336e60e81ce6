"""The short report on a trained network that a colleague would want: data, split, what was tried, errors."""

from collections.abc import Mapping

import numpy as np

from dlhelpers.checks import check_integer, check_number, shortened, shown
from dlhelpers.typing import FloatArray

RULE_OF_THREE = 3
"""With no mistake among m examples, the error is below 3 / m, with 95% confidence."""


def standard_error(error: float | FloatArray, m: int) -> float | FloatArray:
    r"""Return the standard error of an error that was counted on m examples.

    .. math:: s = \sqrt{\frac{e (1 - e)}{m}} \tag{1}

    It is the luck of which examples came.  The luck of initial weights and batches is not in it.

    Parameters
    ----------
    error : float or float array, in [0, 1]
        The share e that was misread.
    m : int >= 1

    Returns
    -------
    float or float array

    Raises
    ------
    ValueError
        If an argument is not as above.

    References
    ----------
    Wasserman (2004), "All of Statistics", section 6.3: the standard error of a share.

    Examples
    --------
    >>> print(standard_error(0.1, 100).round(3))
    0.03
    """
    check_number("error", error, "[0, 1]", "It is a share: for 8% pass 0.08.")
    check_integer("m", m, "[1, inf)", "It is the number of examples.")
    return np.sqrt(error * (1 - np.asarray(error)) / m)  # (1)


def report(data: str, sizes: tuple[int, int, int], tried: Mapping[str, float], test_error: float) -> str:
    """Return the report as text.

    The network with the lowest dev error was chosen; its dev error is flattered by the choice, the more
    the more were tried.  The test error is not, if the test set was looked at once.

    Parameters
    ----------
    data : str
        What the examples are, and where they come from.
    sizes : (int, int, int), each >= 1
        Examples for training, dev and test.
    tried : mapping from str to float in [0, 1]
        The dev error of each network that was tried, by a name that says what it was.
    test_error : float in [0, 1]
        Of the chosen one.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> print(report("200 moons", (100, 50, 50), {"linear": 0.12, "8 tanh units": 0.02}, 0.04))
    Data: 200 moons.
    Split: 100 for training, 50 dev, 50 test.
    Tried: 2 networks, dev error with standard error:
      linear        12.0% ± 4.6%
      8 tanh units   2.0% ± 2.0%   chosen
    Dev error of the chosen one: 2.0% ± 2.0%, the lowest of 2 and so flattered.
    Test error: 4.0% ± 2.8%, 2 of 50, looked at once.
    """
    if not isinstance(data, str) or not data.strip():
        raise ValueError(f"data must say what the examples are; got {shown(data)}. Pass a few words.")
    if not isinstance(sizes, tuple) or len(sizes) != 3:
        raise ValueError(f"sizes must be three numbers, train, dev and test; got {shown(sizes)}.")
    for size in sizes:
        check_integer("sizes", size, "[1, inf)", "Each is a number of examples.")
    _check_tried(tried)
    _check_error("test_error", test_error)
    m_train, m_dev, m_test = sizes
    chosen = min(tried, key=lambda name: tried[name])
    width = max(map(len, tried))
    many = f"the lowest of {len(tried)} and so flattered" if len(tried) > 1 else "the only one"
    lines = [
        f"Data: {data.strip().rstrip('.')}.",
        f"Split: {m_train:,} for training, {m_dev:,} dev, {m_test:,} test.",
        f"Tried: {len(tried)} network{'s' if len(tried) > 1 else ''}, dev error with standard error:",
        *(
            f"  {name:<{width}} {_error(error, m_dev):>14}{'   chosen' if name == chosen else ''}"
            for name, error in tried.items()
        ),
        f"Dev error of the chosen one: {_error(tried[chosen], m_dev)}, {many}.",
        f"Test error: {_error(test_error, m_test)}, {round(test_error * m_test):,} of {m_test:,}, "
        "looked at once.",
    ]
    return "\n".join(lines)


def _error(error: float, m: int) -> str:
    """Return an error with its standard error, or, if there is no mistake, the bound of the rule of three."""
    if error == 0:
        return f"0% (below {min(RULE_OF_THREE / m, 1):.1%})"
    return f"{error:.1%} ± {standard_error(error, m):.1%}"


def _check_error(name: str, error: float) -> None:
    check_number(name, error, "[0, 1]", "It is a share: for 8% pass 0.08.")
    if np.ndim(error):
        raise ValueError(f"{name} must be one number; got an array of shape {np.shape(error)}.")


def _check_tried(tried: Mapping[str, float]) -> None:
    if not isinstance(tried, Mapping) or not tried:
        raise ValueError(
            f"tried must have the dev error of one network or more, by name; got {shown(tried)}."
        )
    for name, error in tried.items():
        if not isinstance(name, str):
            raise ValueError(f"tried must have names for its networks; got {shown(name)}.")
        if len(name) > 60:
            raise ValueError(f"tried must have names of up to 60 letters; got {shortened(name)!r}.")
        _check_error("tried", error)

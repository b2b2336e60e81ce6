"""Checks of what a user passes: each error says what is allowed, what came and what to do next.

They stand at public entry points.  Everything wrong raises ValueError, wrong types too: one thing to
catch, and the message tells which it is.

A step of training calls the same few functions thousands of times with arrays of the same shapes.  Such
a function has a `door` where its checks stand; the loop of training knocks once and then works `inside`.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps
from math import inf
from pathlib import Path
from types import MethodType
from typing import Any, TypeVar, cast

import numpy as np

_KINDS = {"float": "f", "number": "fiu", "int": "iu", "bool": "b"}
_LARGEST_INT = 1e308  # a larger int is no float

F = TypeVar("F", bound=Callable[..., Any])


def door(check: Callable[..., object]) -> Callable[[F], F]:
    """Return a decorator: the function checks its arguments first and gives no floating-point warnings.

    Parameters
    ----------
    check : function of the same arguments
        It raises ValueError if they are wrong.

    Returns
    -------
    function from a function to one with a door

    Examples
    --------
    >>> @door(lambda x: check_number("x", x, "[0, inf)"))
    ... def root(x):
    ...     return np.sqrt(x)
    >>> root(-1.0)
    Traceback (most recent call last):
    ValueError: x must be a number in [0, inf); got -1.0.
    """

    def with_door(function: F) -> F:
        @wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            check(*args, **kwargs)
            with np.errstate(all="ignore"):
                return function(*args, **kwargs)

        checked.inside = function  # type: ignore[attr-defined]
        checked.check = check  # type: ignore[attr-defined]
        return cast(F, checked)

    return with_door


def inside(function: F) -> F:
    """Return a function or a method without its `door`, for callers that have checked what they pass.

    They stand in an `np.errstate` of their own.  A function that has no door comes back as it is.
    """
    inner: Any = getattr(function, "inside", function)
    wrapped: Any = getattr(function, "__wrapped__", None)
    if inner is not wrapped:
        return function  # it has no door, or is a decorator around one that has copied its attributes
    owner = getattr(function, "__self__", None)
    return cast(F, inner if owner is None else MethodType(inner, owner))


def knock(method: Callable[..., Any], *args: Any) -> None:
    """Check the arguments `args` at the `door` of a method, without calling it; without a door all will do.

    Raises
    ------
    ValueError
        If the method would.
    """
    if inside(method) is not method:
        bound: Any = method
        bound.check(bound.__self__, *args)


def check_number(
    name: str, value: Any, interval: str, advice: str = "", *, fits: tuple[int, ...] | None = None
) -> None:
    """Raise unless `value` is a number in the interval, or an array of such numbers.

    Parameters
    ----------
    name : str
        What the user calls it.
    value : Any
    interval : str
        In the notation of mathematics: "[0, 1)" includes 0 and excludes 1; "(0, inf)" is every
        positive number.  NaN is in no interval, and infinity in none that excludes it.
    advice : str
        The next move, as a sentence.
    fits : tuple of int, optional
        The shape that an array must broadcast to; () refuses arrays.  Without it any shape will do.

    Raises
    ------
    ValueError
        If `value` is something else.

    Examples
    --------
    >>> check_number("beta", 0.9, "[0, 1)")
    >>> check_number("beta", 1.0, "[0, 1)", "The usual value is 0.9.")
    Traceback (most recent call last):
    ValueError: beta must be a number in [0, 1); got 1.0. The usual value is 0.9.
    """
    if isinstance(value, np.ndarray | np.number):
        right = (
            value.dtype.kind in "fiu"
            and value.size > 0
            and bool(np.all(_inside(np.asarray(value, dtype=np.float64), interval)))
        )
    elif isinstance(value, int):
        right = not isinstance(value, bool) and abs(value) < _LARGEST_INT and _inside(value, interval)
    else:
        right = isinstance(value, float) and _inside(value, interval)
    if right and fits is not None:
        right = broadcasts(np.shape(value), fits)
    if not right:
        array = f", or an array of them that broadcasts to shape {fits}" if fits else ""
        raise ValueError(
            f"{name} must be a number in {interval}{array}; got {shown(value)}. {advice}".rstrip()
        )


def check_for_each(name: str, value: Any, interval: str, advice: str = "", *, kind: str = "float") -> None:
    """Raise unless `value` is a number in the interval, or a (K, 1) array with one for each network.

    Arguments as in `check_number`; `kind`, of an array, as in `check_array`.

    Raises
    ------
    ValueError
        If `value` is something else.
    """
    check_number(name, value, interval, advice)
    if isinstance(value, np.ndarray):
        check_array(name, value, "(K, 1)", "Pass one value for each network of the population.", kind=kind)


def check_integer(name: str, value: Any, interval: str, advice: str = "") -> None:
    """Raise unless `value` is one whole number, of an integer type, in the interval.

    Arguments as in `check_number`.

    Raises
    ------
    ValueError
        If `value` is something else.

    Examples
    --------
    >>> check_integer("patience", 2.5, "[1, inf)")
    Traceback (most recent call last):
    ValueError: patience must be an integer in [1, inf); got 2.5.
    """
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_integer or not _inside(value, interval):
        raise ValueError(f"{name} must be an integer in {interval}; got {shown(value)}. {advice}".rstrip())


def check_array(
    name: str, value: Any, shape: str, advice: str = "", *, kind: str = "float", finite: bool = False
) -> None:
    """Raise unless `value` is a NumPy array of this shape and kind.

    Parameters
    ----------
    name : str
    value : Any
    shape : str
        As in the docstrings: "(m, n_features)" has two axes of any length, "(..., 2)" any number of
        axes of which the last has length 2.
    advice : str
    kind : str
        "float", "number" (floats or integers), "int" or "bool".  Floats have 32 bits or more.
    finite : bool
        True refuses NaN and infinity.

    Raises
    ------
    ValueError
        If `value` is something else.

    Examples
    --------
    >>> check_array("X", np.zeros((5, 3)), "(m, n_features)", finite=True)
    >>> check_array("X", [[1.0]], "(m, n_features)", "Pass np.array(X).")
    Traceback (most recent call last):
    ValueError: X must be a float array of shape (m, n_features); got [[1.0]]. Pass np.array(X).
    """
    at_least, at_most, lengths = _axes(shape)
    right = (
        isinstance(value, np.ndarray)
        and value.dtype.kind in _KINDS[kind]
        and at_least <= value.ndim <= at_most
        and (not lengths or all(value.shape[axis] == length for axis, length in lengths))
    )
    if not right:
        raise ValueError(
            f"{name} must be a {kind} array of shape {shape}; got {shown(value)}. {advice}".rstrip()
        )
    if value.dtype.char == "e":
        raise ValueError(
            f"{name} must not be float16, which ends at 65504 and has three digits; got {shown(value)}. "
            f"Pass {name}.astype(np.float32)."
        )
    if finite and not np.isfinite(value).all():
        bad = np.argwhere(~np.isfinite(value))[0]
        raise ValueError(
            f"{name} must hold finite numbers only; got {value[tuple(bad)]} at {[int(i) for i in bad]}. "
            "Remove such rows, or fill them in."
        )


def check_numbers(name: str, value: Any, shape: str, advice: str, interval: str = "(-inf, inf)") -> None:
    """Raise unless `value` is a float array of this shape, not empty, with all numbers in `interval`.

    `name`, `shape` and `advice` as in `check_array`.
    """
    check_array(name, value, shape, advice, finite=True)
    check_number(name, value, interval, advice)


def check_sequence(name: str, values: Any) -> None:
    """Raise unless `values` is a sequence with one number at least; its numbers are not looked at.

    `name` stands in the message.
    """
    if not isinstance(values, Sequence) or len(values) == 0:
        raise ValueError(f"{name} must be a sequence of numbers, one at least; got {shown(values)}.")


def check_integers(name: str, values: Any, interval: str, advice: str = "") -> None:
    """Raise unless `values` is a sequence of integers in `interval`, one at least.

    `name` and `advice` as in `check_integer`.
    """
    check_sequence(name, values)
    for value in values:
        check_integer(f"Each of {name}", value, interval, advice)


def check_choice(name: str, value: Any, allowed: Iterable[str], advice: str = "") -> None:
    """Raise unless `value` is one of the allowed strings; other arguments as in `check_number`.

    Raises
    ------
    ValueError
        If `value` is something else.

    Examples
    --------
    >>> check_choice("activation", "swish", ["tanh", "relu"])
    Traceback (most recent call last):
    ValueError: activation must be one of 'tanh', 'relu'; got 'swish'.
    """
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        listed = ", ".join(map(repr, names))
        raise ValueError(f"{name} must be one of {listed}; got {shown(value)}. {advice}".rstrip())


def check_flag(name: str, value: Any) -> None:
    """Raise ValueError unless `value`, which the user calls `name`, is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False; got {shown(value)}.")


def check_path(path: Any, example: str) -> Path:
    """Return `path` as a Path; raise ValueError unless it may be the name of a file, of 255 bytes at most.

    `example` is such a name, for the message.
    """
    right = isinstance(path, str | Path) and Path(path).name not in ("", "..") and "\0" not in str(path)
    if not right or max(len(part.encode(errors="replace")) for part in Path(path).parts) > 255:
        raise ValueError(f"path must name a file; got {shown(path)}. Pass for instance {example!r}.")
    return Path(path)


def check_rng(rng: Any) -> None:
    """Raise ValueError unless `rng` is a `numpy.random.Generator`."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(
            f"rng must be a numpy.random.Generator; got {shown(rng)}. Pass numpy.random.default_rng(0): "
            "the number is the seed."
        )


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Return whether an array of shape `shape` broadcasts to shape `to`, without a change of `to`.

    Parameters
    ----------
    shape, to : tuple of int

    Returns
    -------
    bool

    Examples
    --------
    >>> broadcasts((3, 1), (2, 3, 4)), broadcasts((2, 1), (2, 3, 4))
    (True, False)
    """
    pairs = zip(shape[::-1], to[::-1], strict=False)
    return len(shape) <= len(to) and all(length in (1, goal) for length, goal in pairs)


def check_broadcast(**values: Any) -> tuple[int, ...]:
    """Return the shape that the values have together; raise ValueError if they have none."""
    shapes = {name: np.shape(value) for name, value in values.items()}
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{' and '.join(shapes)} must have shapes that broadcast; got {listed}.") from None


def shown(value: Any) -> str:
    """Return a name for a value, in one line of at most 80 characters.

    Parameters
    ----------
    value : Any

    Returns
    -------
    str

    Examples
    --------
    >>> shown(np.array([[1.0], [2.0]])), shown(np.zeros((2, 3)))
    ('array([[1.], [2.]])', 'an array of shape (2, 3) and dtype float64')
    """
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, str | bytes):
        value = value[:200]  # its repr is as long as the whole
    try:
        text = repr(value)
    except Exception:  # a class of the user's
        text = f"a {type(value).__name__}"
    return shortened(text)


def shortened(text: str, length: int = 80) -> str:
    r"""Return a text of any size as one line of at most `length` characters.

    Parameters
    ----------
    text : str
    length : int >= 3

    Returns
    -------
    str

    Examples
    --------
    >>> shortened("one  line\nand another", length=12)
    'one line ...'
    """
    line = " ".join(text[: 10 * length].split())
    return line if len(line) <= length and len(text) <= 10 * length else f"{line[: length - 3]}..."


def told(error: BaseException) -> str:
    """Return an exception as one line: its type and what it says, in 500 characters at most.

    Examples
    --------
    >>> told(ValueError("x must be 1"))
    'ValueError: x must be 1'
    """
    try:
        text = str(error)
    except Exception:  # a class of the user's
        text = ""
    name = type(error).__name__
    return shortened(f"{name}: {text}" if text else name, 500)


def _inside(value: Any, interval: str) -> Any:
    """Return whether a number is in the interval, or the bools of an array."""
    low, low_included, high, high_included = _ends(interval)
    above = value >= low if low_included else value > low
    below = value <= high if high_included else value < high
    return above & below


@lru_cache
def _ends(interval: str) -> tuple[float, bool, float, bool]:
    low, high = interval[1:-1].split(",")
    return float(low), interval[0] == "[", float(high), interval[-1] == "]"


@lru_cache
def _axes(shape: str) -> tuple[int, float, tuple[tuple[int, int], ...]]:
    """Return the least and the largest number of axes, and (axis from the end, length) where one is fixed."""
    names = [name.strip() for name in shape.strip("()").split(",") if name.strip()]
    named = [name for name in names if name != "..."]
    lengths = tuple((i - len(named), int(name)) for i, name in enumerate(named) if name.isdigit())
    return len(named), inf if "..." in names else len(named), lengths

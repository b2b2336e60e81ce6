"""Computations that report while they run: generators of stages (share done, result so far).

The last stage has share 1.  A stage holds only what has been computed; what is not there yet is absent.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import wraps
from typing import Generic, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Value = TypeVar("Value", bound=Hashable)
Stages = Iterator[tuple[float, Result]]
"""What a slow computation yields."""


class Remembered(Generic[Arguments, Result]):
    """A slow computation whose last stage is kept; made by `remembered`."""

    def __init__(self, compute: Callable[Arguments, Stages[Result]], size: int) -> None:
        self._compute, self._size = compute, size
        self._kept: OrderedDict[Hashable, Result] = OrderedDict()
        wraps(compute)(self)

    def __call__(self, *arguments: Arguments.args, **named: Arguments.kwargs) -> Stages[Result]:
        """Yield the stages; only the last one if it is known."""
        key = (arguments, tuple(sorted(named.items())))
        if key in self._kept:
            self._kept.move_to_end(key)
            yield 1.0, self._kept[key]
            return
        for share, result in self._compute(*arguments, **named):
            if share >= 1:
                self._kept[key] = result
                if len(self._kept) > self._size:
                    self._kept.popitem(last=False)
            yield share, result

    def recall(self, *arguments: Arguments.args, **named: Arguments.kwargs) -> Result | None:
        """Return the last stage if it is known, without computing anything; else None."""
        key = (arguments, tuple(sorted(named.items())))
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def cache_clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def remembered(
    size: int,
) -> Callable[[Callable[Arguments, Stages[Result]]], Remembered[Arguments, Result]]:
    """Keep the last stage of a slow generator, for the `size` newest sets of arguments.

    A computation that is dropped in the middle is not kept: it starts again.

    Examples
    --------
    >>> @remembered(4)
    ... def squares(n):
    ...     for k in range(1, n + 1):
    ...         yield k / n, k**2
    >>> list(squares(2)), list(squares(2))
    ([(0.5, 1), (1.0, 4)], [(1.0, 4)])
    """
    return lambda compute: Remembered(compute, size)


def each_of(
    values: Iterable[Value],
    first: Value,
    stages: Callable[[Value], Stages[Result]],
    recall: Callable[[Value], Result | None] = lambda value: None,
) -> Stages[dict[Value, Result]]:
    """Run through all values, `first` ahead of the others; yield (share done, results so far by value).

    While `first` is under way its newest stage is in the results, so that it can be watched; of the
    others a result is there only when it is finished.  What `recall` knows is there from the start, so
    that a picture that needs nothing new is shown at once and whole.

    Examples
    --------
    >>> [results for _, results in each_of("ab", "b", lambda letter: iter([(1.0, letter.upper())]))]
    [{'b': 'B'}, {'b': 'B', 'a': 'A'}]
    """
    others = [value for value in values if value != first]
    known = ((value, recall(value)) for value in others)
    done = {value: result for value, result in known if result is not None}
    order = [first, *(value for value in others if value not in done)]
    for k, value in enumerate(order):
        for share, result in stages(value):
            if share >= 1 or value == first:
                done = {**done, value: result}
            yield (k + share) / len(order), done


def last(stages: Iterable[tuple[float, Result]]) -> Result:
    """Return the result of the last stage: the whole computation, for a test or a cell."""
    *_, (_, result) = stages
    return result

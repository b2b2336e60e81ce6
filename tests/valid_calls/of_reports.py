"""Valid calls, as in `tests.valid_calls`: of reports."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dlhelpers import reports

One = tuple[Callable[..., Any], dict[str, Any]]


def calls_of(folder: Path) -> Iterator[One]:
    yield reports.standard_error, {"error": 0.1, "m": 100}
    tried = {"linear": 0.12, "8 tanh units": 0.02}
    yield reports.report, {"data": "200 moons", "sizes": (100, 50, 50), "tried": tried, "test_error": 0.04}

"""From a table of your own to examples with a class: which columns, which rows, which classes.

Each choice is guessed, said in words, and can be made by the reader instead.
"""

import inspect
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dlhelpers.checks import check_choice, check_integer, shown
from dlhelpers.datasets import LabeledData
from dlhelpers.normalization import fit
from dlhelpers.points import LARGE, Points, principal_plane
from dlhelpers.tables import Table
from dlhelpers.typing import FloatArray, IntArray

FEWEST_ROWS, MOST_CLASSES = 20, 10
MISSING_VALUES = ("leave the row out", "take the median")
"""What may be done where a number is missing."""

TARGET_NAMES = (
    "class", "target", "label", "labels", "y", "category", "species", "diagnosis", "outcome", "group", "kind",
    "type", "variety", "cultivar", "survived", "churn", "default", "result", "klasse", "classe",
)  # fmt: skip
"""Names of columns that usually hold the class."""
_ID = re.compile(r"(row|rec(ord)?|sample|patient|customer)?[ _.-]*(id|nr|no|num|number|index|key)|#", re.I)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?.*)?")


class TableData(NamedTuple):
    """What a table gives to a network.

    Attributes
    ----------
    data : LabeledData
        The columns of numbers as features, in their own units, and the classes in their own order.
    target : str
        The column of the class.
    left_out : dict from str to str
        Columns that are no features, and why.
    notes : tuple of str
        What was done, a sentence each, `Table.notes` first.
    call : str
        The call of `read_examples` that gives the same, for a program.
    """

    data: LabeledData
    target: str
    left_out: dict[str, str]
    notes: tuple[str, ...]
    call: str

    @property
    def points(self) -> Points:
        """The examples in the plane; of more than two columns, the plane in which they differ most.

        Each column is standardized first, so its unit does not matter.
        """
        X = fit(self.data.X).apply(self.data.X)
        names = ("first component", "second component")
        if X.shape[1] == 2:
            first, second = (name.replace("$", r"\$") for name in self.data.feature_names)
            names = (first, second)
        else:
            X = principal_plane(X)
        return Points(X, self.data.y, names, self.data.class_names, f"{self.call}.points")


def classes_of(table: Table) -> list[str]:
    """Return the columns that can be the class, the likeliest one first.

    First those that are named like one, then text, then whole numbers; the last column before the first one
    before the others.

    Examples
    --------
    >>> import pandas
    >>> from dlhelpers.tables import read_table
    >>> classes_of(
    ...     read_table(pandas.DataFrame({"size": [0.1, 0.2, 0.4], "kind": list("aab"), "n": [1, 2, 2]}))
    ... )
    ['kind', 'n']
    """
    _check_table(table)
    frame = table.frame
    names = [name for name in frame.columns if _has_classes(frame[name])]
    last, first = frame.columns[-1], frame.columns[0]

    def place(name: str) -> tuple[bool, bool, bool, bool, bool]:
        column = frame[name]
        broken = _is_real(column) and bool((column.dropna() % 1 != 0).any())
        return name.casefold() not in TARGET_NAMES, broken, _is_real(column), name != last, name != first

    return sorted(names, key=place)


def read_examples(
    table: Table,
    target: str | None = None,
    left_out: Sequence[str] = (),
    missing: str = MISSING_VALUES[0],
    bins: int = 0,
    most: int = 100_000,
) -> TableData:
    """Return the examples of a table.

    Features are in the order of their names, and rows in the order of their class and their numbers: a table
    that is sorted in another way, or has other units, gives the same network.

    Parameters
    ----------
    table : Table
    target : str, optional
        The column of the class; the first of `classes_of` without it.
    left_out : sequence of str
        Columns that shall be no features, besides those that cannot be.
    missing : str
        One of `MISSING_VALUES`.
    bins : int, 0 or 2 to 10
        Make that many classes, of equal size, from a target of many numbers; 0 makes none.
    most : int
        Of more rows, this many are drawn, the same each time; each class keeps its share.

    Returns
    -------
    TableData

    Raises
    ------
    ValueError
        If no column can be the class, no two columns are numbers, too few rows remain, or an argument is
        not as above; the message names the next move.

    Examples
    --------
    >>> from dlhelpers.tables import read_table
    >>> lines = ["width,height,kind", *(f"{i % 5},{i % 7},{'ab'[i % 2]}" for i in range(30))]
    >>> examples = read_examples(read_table(chr(10).join(lines)))
    >>> examples.target, examples.data.class_names, examples.data.X.shape
    ('kind', ('a', 'b'), (30, 2))
    """
    _check(table, target, left_out, missing, bins, most)
    choices = {"target": target, "left_out": tuple(left_out), "missing": missing, "bins": bins, "most": most}
    frame, notes = table.frame, list(table.notes)
    target = _guessed(table) if target is None else target
    labels = frame[target]
    without = int(labels.isna().sum())
    if without:
        frame, labels = frame[labels.notna()], labels.dropna()
        notes.append(f"{_rows(without)} left out: the class is missing.")
    y, class_names = _classes(target, labels, bins)
    X, feature_names, reasons, told = _features(frame.drop(columns=target), left_out)
    notes += told
    gaps = ~np.isfinite(X)
    if gaps.any():
        if missing == MISSING_VALUES[0]:
            whole = ~gaps.any(axis=1)
            X, y = X[whole], y[whole]
            notes.append(f"{_rows(int((~whole).sum()))} left out: a number is missing.")
        else:
            X = np.where(gaps, np.nanmedian(np.where(gaps, np.nan, X), axis=0), X)
            notes.append(
                f"{gaps.sum():,} missing {'number is' if gaps.sum() == 1 else 'numbers are'} the median."
            )
    y, class_names = _present(target, y, class_names)
    order = np.lexsort((*X.T, y))
    X, y = X[order], y[order]
    if len(y) > most:
        notes.append(f"{most:,} of {len(y):,} rows are drawn; each class keeps its share.")
        drawn = _drawn(y, most)
        X, y = X[drawn], y[drawn]
    if len(y) < FEWEST_ROWS:
        advice = "Take the median where numbers are missing" if gaps.any() else "Add rows"
        raise ValueError(
            f"The table must have {FEWEST_ROWS} or more rows that can be used; got {len(y)}. {advice}."
        )
    data = LabeledData(X, y, feature_names, class_names)
    return TableData(data, target, reasons, tuple(notes), _call(table.name, choices))


def _call(name: str, choices: dict[str, Any]) -> str:
    """Return the call of `read_examples` as text, with the choices that are not the usual ones."""
    usual = {name: each.default for name, each in inspect.signature(read_examples).parameters.items()}
    given = "".join(
        f", {choice}={json.dumps(value)}" for choice, value in choices.items() if value != usual[choice]
    )
    return f"read_examples(read_table(Path({json.dumps(name)})){given})"


def _check(table: Any, target: Any, left_out: Any, missing: Any, bins: Any, most: Any) -> None:
    _check_table(table)
    columns = list(table.frame.columns)
    if target is not None:
        check_choice("target", target, columns)
    if not isinstance(left_out, list | tuple):
        raise ValueError(f"left_out must be a list of columns; got {shown(left_out)}. [] leaves none out.")
    for name in left_out:
        check_choice("each of left_out", name, columns)
    check_choice("missing", missing, MISSING_VALUES)
    check_integer("bins", bins, f"[0, {MOST_CLASSES}]", "0 makes no classes from numbers.")
    if bins == 1:
        raise ValueError("bins must be 0 or 2 and more; got 1. One class is none.")
    check_integer("most", most, f"[{FEWEST_ROWS}, inf)", "So many rows are drawn from a larger table.")


def _check_table(table: Any) -> None:
    if not isinstance(table, Table):
        raise ValueError(f"table must be a Table; got {shown(table)}. Pass read_table(source).")


def _guessed(table: Table) -> str:
    """Return the column that is the class; one that is named so goes first, even if it cannot be."""
    named = [name for name in table.frame.columns if name.casefold() in TARGET_NAMES]
    found = classes_of(table)
    if not found and not named:
        raise ValueError(
            f"A column must be the class, with 2 to {MOST_CLASSES} different values that come again; got "
            f"none among {_listed(table.frame.columns)}. Choose the column, or add one."
        )
    return found[0] if found and (not named or found[0] in named) else named[0]


def _classes(target: str, labels: Any, bins: int) -> tuple[IntArray, tuple[str, ...]]:
    """Return the class of each row and the names of the classes, in their own order."""
    if _is_real(labels) and bins:
        return _binned(labels.to_numpy(np.float64), bins)
    values = list(labels.unique()) if not hasattr(labels, "cat") else list(labels.cat.categories)
    if len(values) < 2 or len(values) > MOST_CLASSES:
        if _is_real(labels) and len(values) > MOST_CLASSES:
            raise ValueError(
                f"The class must have 2 to {MOST_CLASSES} different values; got {len(values):,} numbers in "
                f"{target!r}. A network here learns classes: choose another column, or make classes of these "
                "numbers with bins=3."
            )
        raise ValueError(
            f"The class must have 2 to {MOST_CLASSES} different values; got {len(values):,} in {target!r}"
            f"{': ' + _listed(values) if values else ''}. Choose another column."
        )
    if not hasattr(labels, "cat"):
        values.sort(key=_order)
    code = {value: k for k, value in enumerate(values)}
    return np.array([code[value] for value in labels], dtype=np.int64), tuple(map(_label, values))


def _order(value: Any) -> tuple[int, float, list[tuple[int, int, str]]]:
    """Return the place of a class among others: numbers by size, names as a reader counts: 2 before 10."""
    if isinstance(value, int | float | np.number | np.bool_):
        return 0, float(value), []
    parts = re.split(r"(\d+)", str(value).casefold())
    return 1, 0.0, [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _label(value: Any) -> str:
    """Return the name of a class as it stands in the file; a whole number without its .0."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return " ".join(str(value).split())[:40]


def _binned(values: FloatArray, bins: int) -> tuple[IntArray, tuple[str, ...]]:
    """Return classes of equal size: the quantiles are their bounds."""
    bounds = np.unique(np.quantile(values, np.arange(1, bins) / bins))
    names = [f"up to {bounds[0]:.3g}"]
    names += [f"{low:.3g} to {high:.3g}" for low, high in zip(bounds[:-1], bounds[1:], strict=True)]
    names.append(f"above {bounds[-1]:.3g}")
    return np.searchsorted(bounds, values).astype(np.int64), tuple(names)


def _features(
    frame: Any, unwanted: Sequence[str]
) -> tuple[FloatArray, tuple[str, ...], dict[str, str], list[str]]:
    """Return the columns of numbers, their names, why the others are left out, and what was done."""
    columns: dict[str, FloatArray] = {}
    reasons: dict[str, str] = {}
    notes = []
    for name in sorted(frame.columns):
        values, odd = _numbers(frame[name])
        reason = "not wanted" if name in unwanted else _reason(name, frame[name], values)
        if reason:
            reasons[name] = reason
            continue
        columns[name] = values
        if odd:
            notes.append(
                f"{len(odd):,} entries of {name!r} are no numbers, such as {odd[0][:20]!r}: missing."
            )
    if len(columns) < 2:
        listed = "; ".join(f"{name!r}: {reason}" for name, reason in list(reasons.items())[:6])
        raise ValueError(
            f"The table must have two or more columns of numbers besides the class; got {len(columns)}"
            f"{' (' + listed + ')' if listed else ''}. Add a column, or choose another class."
        )
    if reasons:
        notes.append(f"Left out: {'; '.join(f'{name} ({reason})' for name, reason in reasons.items())}.")
    X = np.column_stack(list(columns.values()))
    size = np.abs(X[np.isfinite(X)]).max(initial=0)
    if size >= LARGE:
        raise ValueError(f"The table must hold numbers below {LARGE:g}; got {size:g}. Use a larger unit.")
    return X, tuple(columns), reasons, notes


def _numbers(column: Any) -> tuple[FloatArray, list[str]]:
    """Return a column as numbers, NaN where there is none, and the entries that are none."""
    if _is_real(column) or column.dtype.kind == "b":
        return column.to_numpy(np.float64, na_value=np.nan), []
    values = np.array([_number(entry) for entry in column], dtype=np.float64)
    odd = column[np.isnan(values) & column.notna().to_numpy()]
    return values, list(map(str, odd))


def _number(entry: Any) -> float:
    try:
        return float(entry)
    except (TypeError, ValueError):
        return np.nan


def _reason(name: str, column: Any, values: FloatArray) -> str:
    """Return why a column is no feature, or ""."""
    present = values[np.isfinite(values)]
    entries = column.dropna()
    if column.dtype.kind == "M" or (
        len(present) == 0 and all(_DATE.fullmatch(str(each)) for each in entries[:50])
    ):
        return "dates"
    if len(present) < 0.8 * len(entries):
        return "text"
    if len(present) < 0.5 * len(column):
        return "mostly missing"
    if present.min() == present.max():
        return "constant"
    steps = np.diff(present)
    counts = len(present) == len(column) and len(steps) > 2 and np.all(steps == 1)
    if counts or (
        _ID.fullmatch(name) and len(np.unique(present)) == len(present) and np.all(present % 1 == 0)
    ):
        return "a row number" if counts else "an id"
    return ""


def _present(target: str, y: IntArray, names: tuple[str, ...]) -> tuple[IntArray, tuple[str, ...]]:
    """Return the classes that have a row left, numbered anew."""
    kept, y_new = np.unique(y, return_inverse=True)
    if len(kept) < 2:
        raise ValueError(
            f"Two or more classes of {target!r} must have rows that can be used; got {len(kept)}. Take the "
            "median where numbers are missing, or choose another class."
        )
    return y_new.astype(np.int64), tuple(names[k] for k in kept)


def _drawn(y: IntArray, most: int) -> IntArray:
    """Return the rows that are drawn, in their order: of each class its share, and one or more."""
    rng = np.random.default_rng(0)
    rows = []
    for k in np.unique(y):
        members = np.flatnonzero(y == k)
        rows.append(rng.permutation(members)[: max(1, most * len(members) // len(y))])
    return np.sort(np.concatenate(rows))


def _is_real(column: Any) -> bool:
    return column.dtype.kind in "iuf"


def _has_classes(column: Any) -> bool:
    """Tell whether a column has a few values that come again, as classes do."""
    return 2 <= column.nunique() <= min(MOST_CLASSES, max(2, column.count() // 2))


def _rows(n: int) -> str:
    return f"{n:,} {'row is' if n == 1 else 'rows are'}"


def _listed(names: Any) -> str:
    """Name some of them."""
    names = list(names)
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(repr(str(name)[:30]) for name in names[:6]) + more

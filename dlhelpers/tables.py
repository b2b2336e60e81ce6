"""A table of your own, read as people have it: any usual encoding, separator and decimal sign.

What a file means is guessed from its own lines, and each guess is a sentence in `Table.notes`.  pandas does
the reading.  It is imported when a table is read, and is needed for nothing else.
"""

import csv
import io
import re
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from dlhelpers.checks import shown

SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "blank"}
"""What may stand between two columns, the least likely inside a number or a name first."""

MISSING = ("?", "-", "--", ".", "*", "missing", "unknown", "none", "None", "nil")
"""Cells that mean "no value", besides those that pandas knows: empty, NA, N/A, NaN, null ..."""

_LOOKED_AT = 200
"""Lines that the separator and the decimal sign are guessed from."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_THOUSANDS = {
    ",": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"),
    ".": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?"),
}

_NOT_TEXT = {
    b"PK\x03\x04": "a workbook (.xlsx) or another archive",
    b"\xd0\xcf\x11\xe0": "an old workbook (.xls)",
    b"\x1f\x8b": "a compressed file (.gz)",
    b"%PDF": "a PDF document",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "a picture",
    b"SQLite format 3": "a database",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
}
"""First bytes of files that are no text, and what they are."""


class Table(NamedTuple):
    """A table as it was read.

    Attributes
    ----------
    frame : pandas.DataFrame
        A column is numbers or text; a cell without a value is NaN.
    notes : tuple of str
        What was understood, a sentence each: encoding, separator, heading, decimal sign.
    name : str
        Of the file.
    """

    frame: Any
    notes: tuple[str, ...]
    name: str = "own.csv"


class Dialect(NamedTuple):
    """How the numbers and columns of a text are written.

    Attributes
    ----------
    separator : str
        A key of `SEPARATORS`.
    decimal, thousands : str
        Signs inside a number; thousands is "" if there is none.
    heading : bool
        Whether the first line names the columns.
    """

    separator: str
    decimal: str
    thousands: str
    heading: bool


def read_table(source: Any, name: str = "own.csv") -> Table:
    """Read a table: a file, its content, or a pandas DataFrame.

    Parameters
    ----------
    source : bytes, str, pathlib.Path or pandas.DataFrame
        Content of a file as bytes or text; a Path names a file.
    name : str
        Of the file, if its content is given.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If it is not such a source, cannot be opened, or is no table; the message names the next move.
    ImportError
        If pandas is not installed.

    Examples
    --------
    >>> table = read_table(chr(10).join(["height;kind", "1,5;a", "2;b"]))
    >>> list(table.frame["height"])
    [1.5, 2.0]
    """
    if not isinstance(name, str):
        raise ValueError(f"name must be the name of a file; got {shown(name)}.")
    pandas = _pandas()
    if isinstance(source, pandas.DataFrame):
        return Table(_named(source.reset_index(drop=True)), ("A DataFrame.",), name)
    if isinstance(source, Path):
        name, source = str(source), _content(source)
    if isinstance(source, str):
        return _read(source, name)
    if isinstance(source, bytes | bytearray | memoryview):
        text, encoding = decode(bytes(source))
        return _read(text, name, () if encoding == "UTF-8" else (f"Encoding {encoding}.",))
    raise ValueError(
        f"source must be the content of a table, a Path or a DataFrame; got {shown(source)}. "
        'Pass Path("my.csv").'
    )


def decode(content: bytes) -> tuple[str, str]:
    """Return the text of a file and the name of its encoding: UTF-8, UTF-16 or Windows-1252.

    Parameters
    ----------
    content : bytes

    Raises
    ------
    ValueError
        If the content is no text.
    """
    if not isinstance(content, bytes):
        raise ValueError(f"content must be bytes; got {shown(content)}. Pass path.read_bytes().")
    for first, kind in _NOT_TEXT.items():
        if content.startswith(first):
            raise ValueError(
                f"The content must be a table as text; got {kind}. Open it where it was made, save it as "
                '"CSV UTF-8", and load that.'
            )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(content, "utf-16", "UTF-16")
    if content.startswith(b"\xef\xbb\xbf"):
        return _decoded(content, "utf-8-sig", "UTF-8")
    head = content[:1000]
    for encoding, zeros, letters in (
        ("utf-16-le", head[1::2], head[::2]),
        ("utf-16-be", head[::2], head[1::2]),
    ):
        if zeros.count(0) > 0.8 * len(zeros) and not letters.count(0):  # every other byte of plain letters
            return _decoded(content, encoding, "UTF-16")
    if b"\0" in content:
        raise ValueError(
            "The content must be a table as text; got zero bytes in it, so it is another kind of file. "
            'Save the table as "CSV UTF-8".'
        )
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), "Windows-1252"


def _decoded(content: bytes, encoding: str, name: str) -> tuple[str, str]:
    try:
        return content.decode(encoding), name
    except UnicodeDecodeError as error:
        raise ValueError(
            f"The content must be text in {name}, as its first bytes say; got what is none at byte "
            f'{error.start}. Save the table as "CSV UTF-8".'
        ) from None


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("Reading a table needs pandas. Run: pip install pandas") from error
    return pandas


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a NUL byte in a path is a ValueError
        why = getattr(error, "strerror", None) or str(error)
        raise ValueError(
            f"source must be a file that can be read; got {str(path)[:200]!r} ({why}). "
            "The folder of the notebook is the one to start from."
        ) from None


def _read(text: str, name: str, notes: tuple[str, ...] = ()) -> Table:
    lines, told = _lines(text)
    if not lines:
        raise ValueError("The source must hold a table; got no line of data. Write a row for each example.")
    dialect = _dialect(lines, told or _separator(lines))
    frame = _frame(lines, dialect)
    between = SEPARATORS.get(dialect.separator, repr(dialect.separator))
    notes += (f"A {between} stands between two columns.",)
    notes += ("The first line names the columns." if dialect.heading else "There is no heading.",)
    if dialect.decimal == ",":
        notes += ("Decimal comma: 0,5 is one half.",)
    if dialect.thousands:
        notes += (f"Thousands are written 1{dialect.thousands}000.",)
    return Table(frame, notes, name)


def _lines(text: str) -> tuple[list[str], str]:
    """Return the lines of the table, and the separator that a first line `sep=;` tells, or ""."""
    lines = [line for line in text.replace("\0", "").splitlines() if line.strip()]
    told = ""
    if lines and re.fullmatch(r'"?sep=.?"?', lines[0].strip(" \r\n"), re.IGNORECASE):
        told = lines.pop(0).strip('"\r\n')[4:5]
    return [line for line in lines if not line.lstrip().startswith("#")], told


def _separator(lines: list[str]) -> str:
    """Return what separates the columns: what gives nearly all lines the same number of them, two or more."""
    for separator in SEPARATORS:
        widths = Counter(len(row) for row in _cells(lines[:_LOOKED_AT], separator))
        width, count = widths.most_common(1)[0]
        if width > 1 and count >= 0.9 * sum(widths.values()):
            return separator
    most = max(",;\t|", key="".join(lines[:_LOOKED_AT]).count)
    widths = Counter(len(row) for row in _cells(lines[:_LOOKED_AT], most))
    if widths.most_common(1)[0][0] == 1:
        raise ValueError(
            "Each line of the source must hold two or more columns; got one, such as "
            f"{shown(lines[0][:60])}. Separate them by commas, semicolons or tabs."
        )
    return most


def _cells(lines: list[str], separator: str) -> list[list[str]]:
    """Return the cells of these lines."""
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    try:
        return [[cell.strip() for cell in row if cell or separator != " "] for row in rows]
    except csv.Error as error:
        limit = csv.field_size_limit()
        raise ValueError(
            f"The source must be a table with cells of at most {limit:,} characters; got {error}. Is a quote "
            "never closed?"
        ) from None


def _dialect(lines: list[str], separator: str) -> Dialect:
    """Return how numbers are written: 1,234.5 or 1.234,5 if a cell can be nothing else, then 0,5 or 0.5."""
    rows = _cells(lines[:_LOOKED_AT], separator)
    cells = [cell for row in rows[1:] for cell in row]
    decimal, thousands = ".", ""
    points = any("." in cell and _NUMBER.fullmatch(cell) for cell in cells)
    if any(map(_THOUSANDS[","].fullmatch, cells)) and (points or separator == ","):
        thousands = ","
    elif any(_THOUSANDS["."].fullmatch(cell) and ("," in cell or cell.count(".") > 1) for cell in cells):
        decimal, thousands = ",", "."
    elif not points and any(map(_DECIMAL_COMMA.fullmatch, cells)):
        decimal = ","
    return Dialect(separator, decimal, thousands, _has_heading(rows, decimal, thousands))


def _has_heading(rows: list[list[str]], decimal: str, thousands: str) -> bool:
    """Tell whether the first row names the columns.

    It does if a name stands over numbers; if its numbers only count the columns and its names do not come
    again below; or if nothing is a number and none of its cells comes again in its column.
    """

    def is_number(cell: str) -> bool:
        return bool(_NUMBER.fullmatch(cell.replace(thousands or " ", "").replace(decimal, ".")))

    first, *rest = rows
    columns = [[row[k] for row in rest if k < len(row) and row[k]] for k in range(len(first))]
    for name, below in zip(first, columns, strict=True):
        if name and not is_number(name) and below and all(map(is_number, below)):
            return True
    names = [(name, below) for name, below in zip(first, columns, strict=True) if not is_number(name)]
    if not rest or not names or any(name in below for name, below in names):
        return False
    counts = [[str(k + start) for k in range(len(first))] for start in (0, 1)]
    return any(
        all(not is_number(name) or name == count for name, count in zip(first, each, strict=True))
        for each in counts
    )


def _check_widths(lines: list[str], separator: str) -> None:
    """Raise unless no row has more columns than the first; an empty cell at the end is none."""
    width = len(_cells(lines[:1], separator)[0])
    for number, row in enumerate(_cells(lines, separator), start=1):
        if any(row[width:]):
            raise ValueError(
                f"Each row of the source must have the {width} columns of the first; got {len(row)} in row "
                f"{number}: {shown(lines[number - 1][:60])}. A cell with {separator!r} in it needs quotes."
            )


def _frame(lines: list[str], dialect: Dialect) -> Any:
    """Return the table that pandas reads in this dialect."""
    pandas = _pandas()
    _check_widths(lines, dialect.separator)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pandas.errors.ParserWarning)  # of empty cells at the end
            frame = pandas.read_csv(
                io.StringIO("\n".join(lines)),
                sep=r"\s+" if dialect.separator == " " else dialect.separator,
                decimal=dialect.decimal,
                thousands=dialect.thousands or None,
                header=0 if dialect.heading else None,
                index_col=False,
                skipinitialspace=True,
                na_values=list(MISSING),
                low_memory=False,
            )
    except pandas.errors.ParserError as error:
        what = shown(str(error))
        raise ValueError(f"The source must be a table; got what cannot be read: {what}.") from None
    return _named(frame)


def _named(frame: Any) -> Any:
    """Return the table with a name, as text, for each column, and without columns that are empty."""
    names: list[str] = []
    for k, name in enumerate(frame.columns, start=1):
        text = " ".join(str(name).split())
        if not text or isinstance(name, int) or re.fullmatch(r"Unnamed: \d+(_.*)?", text):
            text = f"column {k}"
        while text in names:
            text += "'"
        names.append(text)
    frame = frame.set_axis(names, axis=1)
    return frame.loc[:, frame.notna().any()]

"""Tables as people have them, and what is understood of each; run as a program, it writes the files.

Half of them hold the same 30 flowers in another form; they must give the same examples.
"""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
NAMES = ("width", "height", "kind")
ROWS = [
    (f"{1 + k % 5}.{k * 7 % 10}", f"{k * 13 % 29}.5", ("rose", "lily", "iris")[k * 3 % 7 % 3])
    for k in range(30)
]


class Case(NamedTuple):
    """A file and what becomes of it.

    Attributes
    ----------
    content : bytes
    said : tuple of str
        Parts of the notes, or of the message that refuses it.
    target, classes, features, rows
        What is understood; no target if the file is refused.
    """

    content: bytes
    said: tuple[str, ...] = ()
    target: str = ""
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    rows: int = 30


def text(rows, heading=NAMES, separator=",", end="\n"):
    lines = [separator.join(heading)] if heading else []
    return end.join([*lines, *(separator.join(row) for row in rows)]) + end


def flowers(content, *said, **other):
    """The flowers in another form."""
    content = content.encode() if isinstance(content, str) else content
    understood = {"target": "kind", "classes": ("iris", "lily", "rose"), "features": ("height", "width")}
    return Case(content, said, **(understood | other))


def refused(content, *said):
    return Case(content.encode() if isinstance(content, str) else content, said)


def with_column(name, values, place=0):
    """The flowers with one column more."""
    heading = [*NAMES[:place], name, *NAMES[place:]]
    return text(
        [[*row[:place], str(value), *row[place:]] for row, value in zip(ROWS, values, strict=True)], heading
    )


COMMA = [(w.replace(".", ","), h.replace(".", ","), kind) for w, h, kind in ROWS]
UMLAUTS = [(w, h, {"rose": "Rosé", "lily": "Öl", "iris": "Ümit"}[kind]) for w, h, kind in ROWS]
UNNAMED = {"target": "column 3", "features": ("column 1", "column 2")}
THOUSANDS = [(f'"{int(h[:-2]) * 1000 + 1234:,}"', w, kind) for w, h, kind in ROWS]

CASES = {
    "plain.csv": flowers(text(ROWS), "A comma stands between two columns."),
    "semicolons.csv": flowers(text(ROWS, separator=";"), "A semicolon"),
    "tabs.tsv": flowers(text(ROWS, separator="\t"), "A tab"),
    "bars.txt": flowers(text(ROWS, separator="|"), "A bar"),
    "blanks.txt": flowers(text(ROWS, separator="  "), "A blank"),
    "comma_and_blank.csv": flowers(text(ROWS, separator=", ")),
    "windows_lines.csv": flowers(text(ROWS, end="\r\n")),
    "old_mac_lines.csv": flowers(text(ROWS, end="\r")),
    "blank_lines.csv": flowers("\n\n" + text(ROWS, end="\n\n")),
    "marked_utf8.csv": flowers(text(COMMA, separator=";").encode("utf-8-sig"), "Decimal comma"),
    "excel_german.csv": flowers(text(COMMA, separator=";", end="\r\n").encode("cp1252"), "Decimal comma"),
    "windows_1252.csv": flowers(
        text(UMLAUTS).encode("cp1252"), "Encoding Windows-1252", classes=("Rosé", "Öl", "Ümit")
    ),
    "utf16.csv": flowers(text(ROWS, separator="\t").encode("utf-16"), "Encoding UTF-16"),
    "utf16_unmarked.csv": flowers(text(ROWS).encode("utf-16-le"), "Encoding UTF-16"),
    "sep_line.csv": flowers("sep=;\n" + text(COMMA, separator=";"), "A semicolon", "Decimal comma"),
    "comments.csv": flowers("# flowers of 2024\n# in cm\n" + text(ROWS)),
    "quotes.csv": flowers(text([[f'"{cell}"' for cell in row] for row in ROWS], [f'"{n}"' for n in NAMES])),
    "trailing_comma.csv": flowers(text([[*row, ""] for row in ROWS])),
    "no_heading.csv": flowers(text(ROWS, heading=()), "There is no heading.", **UNNAMED),
    "numbered_heading.csv": flowers(
        text(ROWS, ("0", "1", "target")), "The first line names", target="target", features=("0", "1")
    ),
    "class_first.csv": flowers(text([(k, w, h) for w, h, k in ROWS], ("kind", "width", "height"))),
    "row_numbers.csv": flowers(with_column("", range(30)), "a row number"),
    "ids.csv": flowers(with_column("id", [k * 17 % 31 + 100 for k in range(30)]), "id (an id)"),
    "named_rows.csv": flowers(with_column("sample", [f"s{k}" for k in range(30)]), "sample (text)"),
    "dates.csv": flowers(with_column("day", [f"2024-03-{k % 28 + 1:02}" for k in range(30)], 2), "day (dates)"),
    "constant.csv": flowers(with_column("year", [2024] * 30, 1), "year (constant)"),
    "text_column.csv": flowers(with_column("note", ["tall one", "small"] * 15, 1), "note (text)"),
    "empty_column.csv": flowers(with_column("empty", [""] * 30, 1)),
    "permuted.csv": flowers(text([(h, k, w) for w, h, k in ROWS[::-1]], ("height", "kind", "width"))),
    "thousands.csv": flowers(text(THOUSANDS, ("weight", "width", "kind")), "1,000", features=("weight", "width")),
    "missing_numbers.csv": flowers(
        text([(w if k % 6 else "", h, kind) for k, (w, h, kind) in enumerate(ROWS)]),
        "5 rows are left out: a number is missing.", rows=25,
    ),
    "question_marks.csv": flowers(
        text([(w if k != 3 else "?", h, kind) for k, (w, h, kind) in enumerate(ROWS)]), "1 row is left out", rows=29
    ),
    "missing_classes.csv": flowers(
        text([(w, h, kind if k % 10 else "") for k, (w, h, kind) in enumerate(ROWS)]),
        "3 rows are left out: the class is missing.", rows=27,
    ),
    "a_word_among_numbers.csv": flowers(
        text([(w, h if k != 9 else "about 7", kind) for k, (w, h, kind) in enumerate(ROWS)]),
        "1 entries of 'height' are no numbers, such as 'about 7'", rows=29,
    ),
    "numbers_as_classes.csv": flowers(
        text([(w, h, {"rose": "10", "lily": "2", "iris": "1"}[kind]) for w, h, kind in ROWS]), classes=("1", "2", "10")
    ),
    "yes_and_no.csv": flowers(
        text([(w, h, str(kind == "rose")) for w, h, kind in ROWS], ("width", "height", "blooms")),
        target="blooms", classes=("False", "True"),
    ),
    "dollar_heading.csv": flowers(
        text(ROWS, ("$x^2$", r"$\bad{", "kind")), features=("$\\bad{", "$x^2$")
    ),
    "markup.csv": flowers(
        text([(w, h, f"<b>{kind}</b>") for w, h, kind in ROWS]),
        classes=("<b>iris</b>", "<b>lily</b>", "<b>rose</b>"),
    ),
    "workbook.xlsx": refused(b"PK\x03\x04" + bytes(40), "a workbook (.xlsx)", 'save it as "CSV UTF-8"'),
    "old_workbook.xls": refused(b"\xd0\xcf\x11\xe0" + bytes(40), "an old workbook", 'save it as "CSV UTF-8"'),
    "compressed.gz": refused(b"\x1f\x8b\x08" + bytes(40), "a compressed file"),
    "zero_bytes.csv": refused(b"1,2,a\n" + bytes(40), "zero bytes"),
    "empty.csv": refused("", "no line of data"),
    "heading_only.csv": refused("width,height,kind\n", "A column must be the class"),
    "one_column.csv": refused("\n".join("abc" * 10), "got one, such as 'a'. Separate them"),
    "too_few_rows.csv": refused(text(ROWS[:12]), "must have 20 or more rows that can be used; got 12. Add rows."),
    "ragged.csv": refused(text([*ROWS[:9], ("1", "2", "3", "rose"), *ROWS[9:]]), "got 4 in row 11", "needs quotes"),
    "one_class.csv": refused(text([(w, h, "rose") for w, h, _ in ROWS]), "got 1 in 'kind': 'rose'"),
    "twenty_classes.csv": refused(
        text([(w, h, f"k{k % 20}") for k, (w, h, _) in enumerate(ROWS)]), "got 20 in 'kind': 'k0'"
    ),
    "a_number_to_predict.csv": refused(
        text([(w, kind, h) for w, h, kind in ROWS], ("width", "name", "target")), "numbers in 'target'", "bins=3"
    ),
    "one_feature.csv": refused(text([(w, kind) for w, _, kind in ROWS], ("width", "kind")), "got 1. Add a column"),
    "huge_numbers.csv": refused(text([(w + "e150", h, kind) for w, h, kind in ROWS]), "Use a larger unit"),
}  # fmt: skip


if __name__ == "__main__":
    for name, case in CASES.items():
        (FOLDER / name).write_bytes(case.content)

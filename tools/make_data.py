"""Write data/*.csv from the copies that scikit-learn and statsmodels carry, or check them.

    python tools/make_data.py            write the files and record their sha256
    python tools/make_data.py --check    only compare; exit code 1 and a list of what differs

The hashes are recorded in dlhelpers/datasets.py, which checks them at a load, and shown in data/README.md.
This runs when the data are made, never when they are read: readers need neither of the two packages.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ("dlhelpers/datasets.py", "data/README.md")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def shortest(value: float) -> str:
    """Return the shortest decimal text that reads back as exactly this float64."""
    return repr(float(value)).removesuffix(".0")


def to_csv(header: Iterable[str], rows: Iterable[Iterable[float]]) -> bytes:
    """Return CSV bytes: a header line, then numbers; LF line ends on every system."""
    lines = [",".join(header), *(",".join(map(shortest, row)) for row in rows)]
    return ("\n".join(lines) + "\n").encode("ascii")


def digits() -> bytes:
    from sklearn.datasets import load_digits

    source = load_digits()
    rows = ([*x, label] for x, label in zip(source.data, source.target, strict=True))
    return to_csv([*source.feature_names, "label"], rows)


def breast_cancer() -> bytes:
    from sklearn.datasets import load_breast_cancer

    source = load_breast_cancer()
    rows = ([*x, diagnosis] for x, diagnosis in zip(source.data, source.target, strict=True))
    return to_csv([*source.feature_names, "diagnosis"], rows)


def sea_surface_temperature() -> bytes:
    from statsmodels.datasets import elnino

    years = elnino.load_pandas().data.to_dict("records")
    rows = ([year["YEAR"], month, year[name]] for year in years for month, name in enumerate(MONTHS, start=1))
    return to_csv(["year", "month", "temperature"], rows)


FILES: dict[str, Callable[[], bytes]] = {
    "digits.csv": digits,
    "breast_cancer.csv": breast_cancer,
    "sea_surface_temperature.csv": sea_surface_temperature,
}


def hash_pattern(name: str) -> re.Pattern[str]:
    """Return what finds a file's recorded hash: its name, some punctuation, 64 hexadecimal digits."""
    return re.compile(rf"({re.escape(name)}\W+)([0-9a-f]{{64}})")


def recorded_hash(root: Path, record: str, name: str) -> str:
    """Return the hash of file `name` that the file `record` states."""
    match = hash_pattern(name).search((root / record).read_text(encoding="utf-8"))
    if match is None:
        sys.exit(f"{record} must state a sha256 after the name {name}; found none. Add {name} and 64 zeros.")
    return match[2]


def record_hash(root: Path, record: str, name: str, digest: str) -> None:
    """Write the hash of file `name` into the file `record`, if another stands there."""
    if recorded_hash(root, record, name) != digest:
        text = (root / record).read_text(encoding="utf-8")
        text = hash_pattern(name).sub(rf"\g<1>{digest}", text)
        (root / record).write_text(text, encoding="utf-8", newline="\n")


def write(root: Path) -> None:
    """Write every file, record its hash, and print it."""
    for name, build in FILES.items():
        content = build()
        (root / "data" / name).write_bytes(content)
        digest = sha256(content).hexdigest()
        for record in RECORDS:
            record_hash(root, record, name, digest)
        print(f"{digest}  data/{name}")


def differences(root: Path) -> list[str]:
    """Return one sentence for every file or recorded hash that is not what the sources give."""
    found = []
    for name, build in FILES.items():
        path, digest = root / "data" / name, sha256(build()).hexdigest()
        if not path.is_file():
            found.append(f"data/{name} is missing.")
        elif (actual := sha256(path.read_bytes()).hexdigest()) != digest:
            found.append(f"data/{name} has sha256 {actual}; the source gives {digest}.")
        for record in RECORDS:
            if (stated := recorded_hash(root, record, name)) != digest:
                found.append(f"{record} states sha256 {stated} for {name}; the source gives {digest}.")
    return found


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare only; exit code 1 if something differs")
    try:
        if not parser.parse_args(arguments).check:
            write(root)
            return 0
        found = differences(root)
    except ModuleNotFoundError as error:
        sys.exit(
            f"Making the data needs {error.name}, which is not there. Install scikit-learn and statsmodels."
        )
    if found:
        print("\n".join([*found, "To write the files and the hashes anew: python tools/make_data.py"]))
        return 1
    print(f"The {len(FILES)} files in data/ and their hashes are what the sources give.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

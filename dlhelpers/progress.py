"""What the reader has solved, answered and scored: a text file on this machine, one line for each event.

The file stands in the folder where programs keep their data; DLHELPERS_DATA in the environment names another
one.  A line is appended in one piece, so several kernels can write at the same time.  A kernel that reads
meanwhile may see the last line half written: without its end, it does not count yet.  An empty line says
nothing.
"""

import os
import re
import sys
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["solved", "answered", "scored"]

LINE = re.compile(r"\d{4}-\d\d-\d\d (solved|answered|scored) ([^\ufffd]+)")  # U+FFFD: bytes that are no text


class Progress(NamedTuple):
    """What the file says.

    Attributes
    ----------
    solved, answered : frozenset of str
        Names of exercises, and of questions.
    note : str
        What was wrong with the file; "" if nothing was.
    """

    solved: frozenset[str]
    answered: frozenset[str]
    note: str = ""


def progress_file() -> Path:
    """Return where the progress is kept.

    Raises
    ------
    RuntimeError
        If the reader has no home folder.
    """
    if own := os.environ.get("DLHELPERS_DATA"):
        return Path(own) / "progress.txt"
    if sys.platform == "win32":
        folder = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(folder) / "dlhelpers" / "progress.txt"


def remember(kind: Kind, name: str) -> None:
    """Append the line of an event, once; where nothing can be written, nothing is remembered.

    `kind` is "solved", "answered" or "scored"; `name` that of the exercise or of the question, or a game with
    its points.
    """
    words = " ".join(name.split())
    try:
        file = progress_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_bytes() if file.exists() else b""
        if f" {kind} {words}".encode() in (line[10:] for line in before.splitlines()):
            return
        start = "\n" if before and not before.endswith(b"\n") else ""
        _append(file, f"{start}{date.today()} {kind} {words}\n")
    except (OSError, RuntimeError):
        return


def recall() -> Progress:
    """Return what the file says; a damaged file is kept aside, and what can be read of it is kept."""
    try:
        file = progress_file()
        raw = file.read_bytes() if file.exists() else b""
    except (OSError, RuntimeError) as error:
        return Progress(frozenset(), frozenset(), f"Your progress cannot be read: {error}.")
    lines = _lines(raw)
    events = [event for line in lines if (event := LINE.fullmatch(line))]
    solved = frozenset(event[2] for event in events if event[1] == "solved")
    answered = frozenset(event[2] for event in events if event[1] == "answered")
    damaged = len(lines) - len(events)
    note = _keep_aside(file, [event[0] for event in events], damaged) if damaged else ""
    return Progress(solved, answered, note)


def best_score(game: str) -> int | None:
    """Return the most points that are remembered of a game; None if there are none."""
    try:
        lines = _lines(progress_file().read_bytes())
    except (OSError, RuntimeError):
        return None
    events = [event for line in lines if (event := LINE.fullmatch(line))]
    parts = [event[2].rpartition(": ") for event in events if event[1] == "scored"]
    return max(
        (int(points) for name, _, points in parts if name == game and points.isdecimal()), default=None
    )


def _lines(raw: bytes) -> list[str]:
    """Return the lines that say something and have their end."""
    ended = raw[: raw.rfind(b"\n") + 1]
    return [line for line in ended.decode(errors="replace").splitlines() if line]


def _keep_aside(file: Path, lines: list[str], damaged: int) -> str:
    """Rename a damaged file and write its good lines anew; return what there is to say about it."""
    number = 1
    while (aside := file.with_name(f"progress-damaged-{number}.txt")).exists():
        number += 1
    try:
        os.replace(file, aside)
        _append(file, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        return f"Of your progress, {damaged} line(s) cannot be read, and the file cannot be renamed: {error}."
    return f"Of your progress, {damaged} line(s) could not be read. The file as it was is kept as {aside}."


def _append(file: Path, text: str) -> None:
    """Write at the end in one piece, after what other kernels may have written a moment ago."""
    with file.open("ab", buffering=0) as end:
        end.write(text.encode())

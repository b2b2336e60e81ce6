r"""Trials: what came of each setting, which were the best, and how to keep them in a file.

`hyperparameter_search.search` yields a `Trial` for each setting; the strategies that train step by step
yield a `Stage` for each stretch of training.  `save_trials`, `recorded` and `load_trials` keep trials in
a file of one JSON object a line.

Scores are minimized: a dev error, or a cost.
"""

import math
from collections.abc import Generator, Iterable, Iterator, Mapping
from json import dumps, loads
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from dlhelpers.checks import check_integer, check_number, check_path, shortened, shown, told

Setting = Mapping[str, Any]
"""One value for each hyperparameter."""


class Trial(NamedTuple):
    """One setting and what came of it.

    Attributes
    ----------
    number : int
        The place of the setting among those that the search was given, from 0.
    setting : dict
    score : float
        The lower the better; NaN when the trial failed.
    error : str
        Why it failed, for instance "ValueError: ..."; empty when it did not.
    seconds : float
        Time that the objective took.  The only part that differs when the same search is run again.
    info : dict
        What else the objective returned.
    """

    number: int
    setting: Setting
    score: float
    error: str = ""
    seconds: float = 0.0
    info: Mapping[str, Any] = {}


class Stage(NamedTuple):
    """One setting after a stretch of training: what `panda`, `caviar` and `successive_halving` yield.

    Attributes
    ----------
    round : int
        From 0; a rung of successive halving.
    number : int
        The place of the setting among those of the strategy; for `panda`, among those of the round.
    setting : dict
    score : float
        NaN when the training failed.
    error : str
        Why it failed; empty when it did not.
    units : int
        Units of training behind this model, from new weights on.
    spent : int
        Units that the strategy has used so far on all models, those given up included.
    state : Any
        What `advance` returned; None when it failed.
    """

    round: int
    number: int
    setting: Setting
    score: float
    error: str
    units: int
    spent: int
    state: Any


Ended = TypeVar("Ended", Trial, Stage, Trial | Stage)


def best(trials: Iterable[Ended], n: int = 1) -> list[Ended]:
    """Return the `n` trials with the lowest scores, the best first; fewer if fewer have a score.

    Parameters
    ----------
    trials : iterable of Trial or Stage
    n : int >= 1

    Returns
    -------
    list of Trial or Stage
        Of equal scores, the lower number comes first: the order of arrival does not matter.

    Raises
    ------
    ValueError
        If `trials` holds something else, or `n` is below 1.

    Examples
    --------
    >>> [trial.number for trial in best([Trial(0, {}, 0.3), Trial(1, {}, 0.1), Trial(2, {}, math.nan)], 2)]
    [1, 0]
    """
    check_integer("n", n, "[1, inf)", "It is the number of trials to return.")
    with_score = [trial for trial in listed("trials", trials) if math.isfinite(trial.score)]
    return sorted(with_score, key=lambda trial: (trial.score, trial.number))[:n]


def distinct(trials: Iterable[Trial | Stage], name: str) -> int:
    """Return how many different values of a hyperparameter the trials tried, the failed ones too.

    Nine trials on a 3 x 3 grid try 3 values of each; nine random ones try 9.

    Parameters
    ----------
    trials : iterable of Trial or Stage
    name : str
        The hyperparameter.

    Raises
    ------
    ValueError
        If `trials` holds something else, or a setting has no such name.

    Examples
    --------
    >>> distinct([Trial(0, {"beta": 0.9}, 0.3), Trial(1, {"beta": 0.9}, 0.1)], "beta")
    1
    """
    settings = [trial.setting for trial in listed("trials", trials)]
    if not isinstance(name, str) or not all(name in setting for setting in settings):
        names = sorted(set().union(*settings))
        raise ValueError(
            f"name must be a hyperparameter of every trial; got {shown(name)}, they have {names}."
        )
    return len({repr(plain(setting[name])) for setting in settings})


def leaders(stages: Iterable[Stage]) -> list[Stage]:
    """Return the best stage of each round: for `panda`, the life of the one model that was kept.

    Parameters
    ----------
    stages : iterable of Stage

    Raises
    ------
    ValueError
        If `stages` holds something else.
    """
    by_round: dict[int, list[Stage]] = {}
    for stage in listed("stages", stages, Stage, "stages"):
        by_round.setdefault(stage.round, []).append(stage)
    return [stage for index in sorted(by_round) for stage in best(by_round[index])]


# ----------------------------------------------------------------------------------------------- files


def save_trials(path: str | Path, trials: Iterable[Trial]) -> None:
    """Write trials to a file, one JSON object a line; a file of this name is replaced.

    A failed trial's score is null.  NaN and infinity inside of `info` are written as NaN and Infinity, as
    Python's json does.

    Parameters
    ----------
    path : str or Path
    trials : iterable of Trial

    Raises
    ------
    ValueError
        If an argument is not as above, or a trial holds what JSON cannot.
    OSError
        If the file cannot be written.
    """
    path = check_path(path, "trials.jsonl")
    text = "".join(_line(trial) for trial in listed("trials", trials, Trial))
    path.write_text(text, encoding="utf-8", newline="\n")


def recorded(path: str | Path, trials: Iterable[Trial]) -> Generator[Trial, None, None]:
    """Pass trials on and add each to a file as it comes, so that an interruption loses none.

    A trial whose objective returned something that JSON cannot hold has failed, with that as its error.
    Closing this iterator closes `trials` too.

    Parameters
    ----------
    path : str or Path
        A new file, or one of an earlier search: trials are added at its end.
    trials : iterable of Trial
        For instance `search(...)`.

    Yields
    ------
    Trial

    Raises
    ------
    ValueError
        If an argument is not as above, the file holds something else, or a setting holds what JSON cannot.
    OSError
        If the file cannot be written.

    Examples
    --------
    A search that may be interrupted and started again as often as one likes:

    >>> from tempfile import mkdtemp
    >>> from dlhelpers.hyperparameter_search import search
    >>> path = Path(mkdtemp(), "trials.jsonl")
    >>> settings = [{"x": x} for x in range(5)]
    >>> for trial in recorded(path, search(lambda setting: setting["x"], settings)):
    ...     if trial.number == 1:
    ...         break
    >>> done = load_trials(path) if path.exists() else []
    >>> [t.number for t in recorded(path, search(lambda setting: setting["x"], settings, done=done))]
    [2, 3, 4]
    >>> len(load_trials(path))
    5
    """
    path = check_path(path, "trials.jsonl")
    iterator = _iterator("trials", trials, "trials")
    if path.exists():
        load_trials(path)
    return _recorded(path, iterator)


def _recorded(path: Path, trials: Iterator[Trial]) -> Generator[Trial, None, None]:
    try:
        for trial in trials:
            listed("trials", [trial], Trial)
            trial, line = _with_line(trial)
            with path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(line)
            yield trial
    finally:
        if isinstance(trials, Generator):
            trials.close()


def _with_line(trial: Trial) -> tuple[Trial, str]:
    """Return a trial with its line; one whose objective returned what JSON cannot hold has failed."""
    try:
        return trial, _line(trial)
    except ValueError as raised:
        trial = trial._replace(score=math.nan, info={}, error=told(raised))
        return trial, _line(trial)


def load_trials(path: str | Path) -> list[Trial]:
    """Return the trials of a file that `save_trials` or `recorded` wrote.

    Lists in a setting come back as tuples.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    ValueError
        If a line of the file is not a trial; the message has the line's number.
    OSError
        If there is no such file, or it cannot be read.
    """
    path = check_path(path, "trials.jsonl")
    trials = []
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        try:
            trials.append(_read(line))
        except Exception as error:  # a damaged line may fail anywhere
            raise ValueError(
                f"path must name a file with one trial a line; got {shortened(str(path), 300)!r}, whose line "
                f"{number} is none ({told(error)}). If a search was interrupted while it wrote this line, "
                "delete the line."
            ) from None
    return trials


def _line(trial: Trial) -> str:
    record = trial._asdict() | {"score": trial.score if math.isfinite(trial.score) else None}
    try:
        return dumps(record, default=plain) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            "trials must hold what JSON can: numbers, text, True, False, None, lists and dicts; "
            f"got {shown(trial.setting)} and {shown(trial.info)} in trial {trial.number}."
        ) from error


def _read(line: bytes) -> Trial:
    trial = Trial(**loads(line))
    if not line.endswith(b"\n"):
        raise ValueError("its line end is missing")
    if not isinstance(trial.setting, dict):
        raise ValueError(f"setting must be a dict; got {shown(trial.setting)}")
    check_integer("number", trial.number, "[0, inf)")
    setting = {name: plain(value) for name, value in trial.setting.items()}
    if trial.score is None and trial.error:
        return trial._replace(setting=setting, score=math.nan)
    check_number("score", trial.score, "(-inf, inf)", "Only a trial with an error has null.")
    return trial._replace(setting=setting)


# --------------------------------------------------------------------------------- what is passed in


def plain(value: Any) -> Any:
    """Return `value`, but NumPy's numbers as Python's, and lists and arrays as tuples: to compare, to save.

    Examples
    --------
    >>> plain([np.float64(0.5), np.arange(2)])
    (0.5, (0, 1))
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return tuple(map(plain, value)) if isinstance(value, list | tuple) else value


def listed(name: str, values: Any, kind: Any = Trial | Stage, what: str = "trials") -> list[Any]:
    """Return `values`, an iterable, as a list; raise ValueError unless all of them are of type `kind`.

    In the message they have the name `name`, and `what` says what they should hold.
    """
    items = list(_iterator(name, values, what))
    for item in items:
        if not isinstance(item, kind):
            raise ValueError(f"{name} must hold {what}; got {shown(item)}.")
    return items


def _iterator(name: str, values: Any, what: str) -> Iterator[Any]:
    try:
        return iter(values)
    except TypeError:
        raise ValueError(
            f"{name} must be a list or another iterable of {what}; got {shown(values)}."
        ) from None

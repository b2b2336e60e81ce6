"""A run of the playground as a line of text that gives it again, and as a program that makes it."""

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from itertools import groupby
from typing import Any

from dlhelpers.checks import shown
from dlhelpers.features import COORDINATES
from dlhelpers.points import Points, added_as_text, added_in
from dlhelpers.rewiring import is_weight_name
from dlhelpers.schedules import Constant
from dlhelpers.session import Change, Session
from dlhelpers.settings import SCHEDULES, Settings, make_optimizer

MOST_STEPS = 1_000_000
"""How far `from_text` trains at most."""
REPLAY = 50
"""Steps between two looks at a run that is trained again."""


# A line of text -------------------------------------------------------------------------------------


def to_text(session: Session) -> str:
    """Return a session as one line that `from_text` reads.

    Changes of one setting that follow each other, as a drag makes them, are one part of the line.

    Raises
    ------
    ValueError
        If `session` is no Session.
    """
    _check_session(session)
    shown = {name: value for name, value in vars(session.start).items() if value != vars(Settings())[name]}
    parts = ["playground", _pairs(shown)]
    for names, group in groupby(session.changes, lambda change: tuple(change.values)):
        first, *later = group
        if len(names) == 1:
            rest = "".join(f" @{step} {_written(names[0], values[names[0]])}" for step, values in later)
            parts.append(f"@{first.step} {_pairs(first.values)}{rest}")
        else:
            parts += [f"@{step} {_pairs(values)}" for step, values in (first, *later)]
    return " | ".join([*(part for part in parts if part), f"@{session.step}"])


def from_text(text: str, own: Points | None = None) -> Session:
    """Return the session that `text` describes, trained up to the same step.

    Parameters
    ----------
    text : str
        A line that `to_text` returned.
    own : Points, optional
        The examples of a run on `data="own"`.

    Raises
    ------
    ValueError
        If the line cannot be read; it says which part.
    """
    *_, session = replay(text, own)
    return session


def replay(text: str, own: Points | None = None) -> Iterator[Session]:
    """Yield the session that `text` describes again and again while it is trained; the last is complete.

    The whole line is read first, and each part trains some 50 steps, so that a long run can be watched
    and left.

    Parameters
    ----------
    text : str
        A line that `to_text` returned.
    own : Points, optional
        The examples of a run on `data="own"`.

    Raises
    ------
    ValueError
        If the line cannot be read; it says which part.
    """
    if not isinstance(text, str):
        raise ValueError(
            f"text must be a line that to_text returned; got {shown(text)}. Copy the whole line."
        )
    first, *parts = [part.strip() for part in text.strip().split("|")]
    if first != "playground":
        raise ValueError(f"text must begin with 'playground |'; got {first[:40]!r}. Copy the whole line.")
    values = _values(parts.pop(0)) if parts and not parts[0].startswith("@") else {}
    changes = _changes(parts)
    return _trained(Session(Settings(**values), own), changes)


def _trained(session: Session, changes: Iterable[Change]) -> Iterator[Session]:
    for step, changed in changes:
        while session.step < step and not session.diverged:
            session.advance(min(REPLAY, step - session.step))
            yield session
        session.change(**changed)
    yield session


def _check_session(session: Session) -> None:
    if not isinstance(session, Session):
        raise ValueError(f"session must be a Session; got {shown(session)}. Pass Session(Settings()).")


def _pairs(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_written(name, value)}" for name, value in values.items())


def _written(name: str, value: Any) -> str:
    if name == "added":
        return added_as_text(value)
    return _BETWEEN[name].join(map(str, value)) if name in _BETWEEN else str(value)


def _changes(parts: Sequence[str]) -> list[Change]:
    """Return the changes in parts such as "@120 learning_rate=0.1 @130 0.2"."""
    changes: list[Change] = []
    for part in parts:
        first, *later = part.split(" @")
        name = first.partition(" ")[2].partition("=")[0]
        for place in (first, *(re.sub(" ", f" {name}=", f"@{each}", count=1) for each in later)):
            found = re.fullmatch(r"@(\d{1,9})(?: (.*))?", place)
            before = changes[-1].step if changes else 0
            if not found or not before <= int(found[1]) <= MOST_STEPS:
                raise ValueError(
                    "text must go on with parts such as '@120 learning_rate=0.1', in order; "
                    f"got {part[:60]!r}."
                )
            changes.append(Change(int(found[1]), _values(found[2] or "", weights=True)))
    return changes


def _values(text: str, weights: bool = False) -> dict[str, Any]:
    """Return the settings, and maybe weights, in a text such as "learning_rate=0.1 hidden=8x8"."""
    kinds: dict[str, type] = {each.name: type(getattr(Settings(), each.name)) for each in fields(Settings)}
    values: dict[str, Any] = {}
    for pair in text.split():
        name, _, value = pair.partition("=")
        if weights and is_weight_name(name):
            kinds[name] = float
        if name not in kinds:
            raise ValueError(f"text must name known settings; got {pair[:40]!r}. Known: {', '.join(kinds)}.")
        try:
            values[name] = _READ[name if name in _READ else kinds[name]](value)
        except (ValueError, KeyError):
            raise ValueError(
                f"text must give {name} as a {kinds[name].__name__}; got {value[:40]!r}."
            ) from None
    return values


_BETWEEN = {"hidden": "x", "features": ","}
"""What stands between the parts of a setting that is a tuple."""
_READ: Mapping[type | str, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: float,
    bool: {"True": True, "False": False}.__getitem__,
    "hidden": lambda text: tuple(int(size) for size in text.split(_BETWEEN["hidden"]) if size),
    "features": lambda text: tuple(text.split(_BETWEEN["features"])),
    "added": added_in,
}


# A program ------------------------------------------------------------------------------------------

_MODULES = {
    "batch_normalization": ("BatchNormalization",),
    "columns": ("read_examples",),
    "datasets": ("one_hot", "split"),
    "examples": ("with_points",),
    "features": ("input_features",),
    "minibatches": ("Batch",),
    "network": ("Network",),
    "optimizers": ("AdaGrad", "Adam", "GradientDescent", "Momentum", "Nesterov", "RMSprop"),
    "points": ("DATA",),
    "regularization": ("Regularized",),
    "rewiring": ("resize", "set_weight"),
    "schedules": ("Constant", "Cosine", "Exponential", "InverseTime", "Staircase", "WarmUp"),
    "stream": ("Stream",),
    "tables": ("read_table",),
    "training": ("descend",),
}
"""What a program may import, by module of dlhelpers."""


def program(session: Session) -> str:
    """Return plain Python that trains the same network to the same step and prints its losses.

    Raises
    ------
    ValueError
        If `session` is no Session.
    """
    _check_session(session)
    dictionaries, reactions = _changed(session)
    lines = [*_data(session), "", *_run(session), *dictionaries, "for step in run:", *reactions]
    lines += [f"    if step.step == {session.step}:", "        break", "", *_look(session)]
    body = "\n".join(lines) + "\n"
    return f"{_imports(body)}\n{body}"


def _imports(body: str) -> str:
    """Return the imports of the names that a text uses."""
    used = set(re.findall(r"\w+", body))
    lines = ["from pathlib import Path\n"] if "Path" in used else []
    lines += ["import numpy as np\n"]
    for module, names in _MODULES.items():
        if used & set(names):
            lines.append(f"from dlhelpers.{module} import {', '.join(n for n in names if n in used)}\n")
    return "".join(lines)


def _data(session: Session) -> list[str]:
    s, n = session.start, session.n_classes
    points = f'DATA["{s.data}"]({s.m}, {s.noise}, rng)'
    if s.data == "own":
        points = session.points.call or 'read_examples(read_table(Path("own.csv"))).points'
    X = "points.X" if s.features == COORDINATES else f"input_features(points.X, {_tuple(s.features)})"
    return [
        f"rng = np.random.default_rng({s.data_seed})",
        f"points = {points}",
        f"data = split({X}, points.y, dev={s.dev_share}, test={s.test_share or 0}, rng=rng)",
        f"Y, Y_dev = one_hot(data.y_train, {n}), one_hot(data.y_dev, {n})",
        *(["train = Batch(data.X_train, Y)"] if _adds_points(session) else []),
    ]


def _adds_points(session: Session) -> bool:
    """Tell whether points are added by hand at any time."""
    return bool(session.start.added) or any("added" in values for _, values in session.changes)


def _run(session: Session) -> list[str]:
    """Return the lines that make the network and its run, with the settings at the start."""
    s, given = session.start, _handed(session, session.start)
    initializer = "" if s.initializer == "recommended" else f', initializer="{s.initializer}"'
    stream = _options(batch_size=(s.batch_size, 32), input_noise=(s.input_noise, 0.0))
    decay = _options(weight_decay=(s.weight_decay, 0.0))
    statistics = ", statistics=network.initial_statistics()" if s.batch_norm else ""
    objective = given["run.objective"].replace(_network(session, s), "network")
    added = [f"batches.examples = {given['batches.examples']}"] if s.added else []
    return [
        f"network = {_network(session, s)}",
        f"theta = network.initialize(np.random.default_rng({s.weight_seed}){initializer})",
        f"batches = Stream(data.X_train, Y, network.sizes, seed={s.data_seed}{stream})",
        *added,
        f"run = descend({objective}, theta, batches, {given['run.optimizer']}, "
        f"{given['run.learning_rate']}{statistics}{decay})",
    ]


def _tuple(names: tuple[str, ...]) -> str:
    """Return a tuple of names as code, in the quotes that the rest of a program has."""
    return "(" + ", ".join(f'"{name}"' for name in names) + (",)" if len(names) == 1 else ")")


def _options(**options: tuple[Any, Any]) -> str:
    """Return keyword arguments, given as (value, default), but for those at their default."""
    return "".join(f", {name}={value!r}" for name, (value, default) in options.items() if value != default)


def _changed(session: Session) -> tuple[list[str], list[str]]:
    """Return dictionaries of what changes more than once, by step, and the lines that make the changes."""
    by_target: dict[str, dict[int, str]] = {}
    once: dict[int, list[str]] = {}
    settings = session.start
    for step, values in session.changes:
        lines, before = _rewired(session, settings, step, values), settings
        once.setdefault(step, []).extend(lines)
        known = {name: value for name, value in values.items() if not is_weight_name(name)}
        settings = replace(settings, **known)
        handed = _handed(session, replace(before, hidden=settings.hidden))
        if step in by_target.get("run.objective", {}):  # it may have been resized since then
            by_target["run.objective"][step] = handed["run.objective"]
        for target, value in _handed(session, settings).items():
            if value != handed[target]:
                by_target.setdefault(target, {})[step] = value
    dictionaries: list[str] = []
    repeated: list[str] = []
    for target, changes in by_target.items():
        if len(changes) == 1:
            ((step, value),) = changes.items()
            once[step].append(f"        {target} = {value}")
            continue
        name = f"{target.partition('.')[2]}_from"
        dictionaries += _dictionary(name, changes)
        repeated += [f"    if step.step in {name}:", f"        {target} = {name}[step.step]", _AGAIN]
    lines = []
    for step, assignments in once.items():
        if assignments:
            lines += [f"    if step.step == {step}:", *assignments, _AGAIN]
    return dictionaries, [*lines, *repeated]


def _rewired(session: Session, before: Settings, step: int, values: Mapping[str, Any]) -> list[str]:
    """Return the lines that resize the network or set weights of it."""
    lines = []
    if "hidden" in values:
        objective = _handed(session, replace(before, hidden=values["hidden"]))["run.objective"]
        initializer = "" if before.initializer == "recommended" else f', "{before.initializer}"'
        rng = f"np.random.default_rng([{before.weight_seed}, {step}])"
        lines.append(f"        resize(run, batches, {objective}, {rng}{initializer})")
    weights = {name: value for name, value in values.items() if is_weight_name(name)}
    return [*lines, *(f'        set_weight(run, "{name}", {value!r})' for name, value in weights.items())]


def _dictionary(name: str, values: Mapping[int, str]) -> list[str]:
    """Return the lines of a dictionary; no entry is broken in two."""
    pairs = ", ".join(f"{step}: {value}".replace(" ", "\0") for step, value in values.items())
    wrapped = textwrap.wrap(pairs, 96, break_long_words=False, break_on_hyphens=False)
    return [f"{name} = {{", *(f"    {line}".replace("\0", " ") for line in wrapped), "}"]


_AGAIN = "        step = batches.again(run)  # the update that follows uses it"


def _look(session: Session) -> list[str]:
    """Return the lines that print the losses; dropout is off when we look."""
    s = session.settings
    looking = _network(session, replace(s, keep_prob=1.0))
    statistics = ", step.statistics" if s.batch_norm else ""
    lines = [] if looking == _network(session, session.start) else [f"network = {looking}"]
    train = "batches.examples" if _adds_points(session) else "Batch(data.X_train, Y)"
    sets = {"train": train, "dev": "Batch(data.X_dev, Y_dev)"}
    if session.test is not None:
        sets["test"] = f"Batch(data.X_test, one_hot(data.y_test, {session.n_classes}))"
    lines += [
        f"{name}_loss = float(network.loss(step.theta, {batch}{statistics}))" for name, batch in sets.items()
    ]
    told = ", ".join(f"{name} loss {{{name}_loss:.12g}}" for name in sets)
    return [*lines, f'print(f"step {{step.step}}: {told}")']


def _handed(session: Session, s: Settings) -> dict[str, str]:
    """Return what the settings hand to a run: an expression for each attribute that they set."""
    network, penalties = _network(session, s), _options(l1=(s.l1, 0.0), l2=(s.l2, 0.0))
    schedule = SCHEDULES[s.schedule](s.learning_rate, s.half_after)
    more = f" + {len(s.added)}" if s.added else ""
    features = "" if s.features == COORDINATES else f", {_tuple(s.features)}"
    return {
        "run.objective": f"Regularized({network}, m=len(Y){more}{penalties})" if penalties else network,
        "run.optimizer": _call(make_optimizer(s)),
        "run.learning_rate": repr(s.learning_rate) if isinstance(schedule, Constant) else _call(schedule),
        "run.weight_decay": repr(s.weight_decay),
        "batches.examples": f"with_points(train, {s.added}{features})" if s.added else "train",
        "batches.batch_size": repr(s.batch_size),
        "batches.input_noise": repr(s.input_noise),
    }


def _network(session: Session, s: Settings) -> str:
    sizes = (len(s.features), *s.hidden, session.n_classes)
    keep_prob = _options(keep_prob=(s.keep_prob, 1.0))
    batch_norm = ", batch_norm=BatchNormalization()" if s.batch_norm else ""
    return f'Network({sizes}, "{s.activation}", "{s.loss_name}"{keep_prob}{batch_norm})'


def _call(value: Any) -> str:
    """Return the call that makes a dataclass, without the arguments that are at their default."""
    if not is_dataclass(value):
        return repr(value)
    arguments = [
        (_call(getattr(value, each.name)) if each.default is MISSING else "")
        or f"{each.name}={getattr(value, each.name)!r}"
        for each in fields(value)
        if each.default is MISSING or getattr(value, each.name) != each.default
    ]
    return f"{type(value).__name__}({', '.join(arguments)})"

r"""Search for hyperparameters: how to run settings, and whom to give up.

- `search_spaces` says where to look and proposes settings; `trials` ranks what came of them and keeps it in
  a file.
- `search` runs an objective on settings, here or on any `concurrent.futures.Executor`, and yields each
  `Trial` as it ends.
- `panda`, `caviar` and `successive_halving` train step by step through one function, `advance`, and
  count what they spend: strategies are compared at an equal budget.

Scores are minimized: a dev error, or a cost.
"""

import ctypes
import math
import pickle
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from dlhelpers.checks import check_integer, check_number, shown, told
from dlhelpers.search_spaces import Choice, Integer, Space, check_space, places
from dlhelpers.trials import Setting, Stage, Trial, best, listed, plain

Advance = Callable[[dict[str, Any], Any, int], tuple[float, Any]]
"""`advance(setting, state, budget)` trains `budget` units more and returns (score, new state).

A unit is what the caller counts, an epoch or a step.  A state of None means: start from new weights.
It must not change the state that it gets, since several runs may go on from the same one.
"""

Nurse = Callable[[dict[str, Any], int], Iterable[Setting]]
"""`nurse(setting, round)` returns the settings to try next."""


def search(
    objective: Callable[[dict[str, Any]], Any],
    settings: Iterable[Setting],
    *,
    executor: Executor | None = None,
    done: Iterable[Trial] = (),
    in_flight: int = 32,
    time_limit: float | None = None,
) -> Generator[Trial, None, None]:
    """Run the objective on every setting and yield each trial as it ends.

    Nothing runs before the first trial is asked for.  To stop, leave the loop and call `close()`: trials that
    wait are canceled, those that already run are not waited for.  A trial that fails (an exception, also
    SystemExit, or a score that is not a finite number) is yielded with its error, and the search goes on.
    Your own KeyboardInterrupt ends it.

    When a process of a pool dies, all trials that it held are lost.  They are run again, one by one, in a
    new pool like it: the trial that ends its process alone fails, and the search goes on.

    Parameters
    ----------
    objective : function of a setting
        Returns the score to minimize, or a mapping with a "score" and whatever else is worth keeping.  For a
        process pool it must be a function of a module: one that is typed into a notebook cannot be sent.
    settings : iterable of settings
        Read to its end at once.
    executor : concurrent.futures.Executor, optional
        None runs the trials here, one after the other, in order.  A thread pool, a process pool or a Dask
        client's `get_executor()` runs several; trials then come in the order in which they end.
        It is not shut down.
    done : iterable of Trial
        Trials of an earlier search over the same settings.  Each of them saves one run of its setting;
        they are not yielded again.  To repeat failed ones, leave them out.
    in_flight : int >= 1
        How many trials at most the executor holds, running or waiting: not fewer than its workers.
    time_limit : float > 0, optional
        Seconds after which a trial counts as failed and the next one begins.  The objective then runs in a
        thread of its own.  It is told to end, and hears of it at its next line of Python: one that waits for
        the network, say, is left alone.

    Yields
    ------
    Trial

    Raises
    ------
    ValueError
        If an argument is not as above.
    RuntimeError
        If the executor takes no more trials, because it was shut down, or broke and is no process pool.
        Trials that were under way then come first, with their error.

    Examples
    --------
    >>> from dlhelpers.search_spaces import Uniform, grid
    >>> def dev_error(setting):
    ...     return (setting["x"] - 3) ** 2
    >>> trials = list(search(dev_error, grid({"x": Uniform(0, 4)}, 5)))
    >>> [trial.score for trial in trials]
    [9.0, 4.0, 1.0, 0.0, 1.0]
    """
    _check_function("objective", objective, "the score of a setting")
    wanted = _settings("settings", settings)
    finished = Counter(_key(trial.setting) for trial in listed("done", done, Trial))
    _check_means(executor, in_flight, time_limit)
    jobs = []
    for number, setting in enumerate(wanted):
        if finished[_key(setting)] > 0:
            finished[_key(setting)] -= 1
        else:
            jobs.append((number, setting))
    return _search(_Calls(objective, _score_and_info, executor, in_flight, time_limit), jobs)


def _search(calls: "_Calls", jobs: list[tuple[int, dict[str, Any]]]) -> Generator[Trial, None, None]:
    arguments = [(dict(setting),) for _, setting in jobs]  # the objective may change its own
    with closing(calls.outcomes(arguments)) as outcomes:
        for index, (score, info, error, seconds) in outcomes:
            number, setting = jobs[index]
            yield Trial(number, setting, score, error, seconds, info or {})


def _key(setting: Setting) -> str:
    """Return the same text for the same setting, also after it was saved and loaded."""
    return repr(sorted((name, repr(plain(value))) for name, value in setting.items()))


def _score_and_info(value: Any) -> tuple[Any, dict[str, Any]]:
    if not isinstance(value, Mapping):
        return value, {}
    return value.get("score"), {name: each for name, each in value.items() if name != "score"}


# ------------------------------------------------------------------------------------------ strategies


def caviar(
    advance: Advance,
    settings: Iterable[Setting],
    budget: int,
    *,
    executor: Executor | None = None,
    in_flight: int = 32,
    time_limit: float | None = None,
) -> Generator[Stage, None, None]:
    """Train many models in parallel, each with its own setting and the full budget: the caviar approach.

    It is `search` with the protocol and the bookkeeping of `panda` and `successive_halving`, so that the
    three can be compared.  It spends `budget` units for each setting.

    Parameters
    ----------
    advance : function (setting, state, budget) -> (score, state)
        See `Advance`.
    settings : iterable of settings
        For instance from `random_settings`.
    budget : int >= 1
        Units of training for each.
    executor, in_flight, time_limit
        As for `search`; the limit is for one call of `advance`.

    Yields
    ------
    Stage
        One for each setting, all of round 0, as they end.

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> from dlhelpers.search_spaces import Uniform, grid
    >>> def advance(setting, state, budget):
    ...     x = 1.0 if state is None else state
    ...     x = x * (1 - setting["learning_rate"]) ** budget  # gradient descent on x^2 / 2
    ...     return x**2 / 2, x
    >>> [
    ...     (stage.score, stage.spent)
    ...     for stage in caviar(advance, grid({"learning_rate": Uniform(0, 0.5)}, 2), 4)
    ... ]
    [(0.5, 4), (0.001953125, 8)]
    """
    _check_function("advance", advance, "(score, state)")
    starts = _starts("settings", settings)
    check_integer("budget", budget, "[1, inf)", "It is the number of units for each setting.")
    _check_means(executor, in_flight, time_limit)
    rungs = [Rung(len(starts), int(budget), int(budget))] if starts else []
    return _halving(_Calls(advance, _score_and_state, executor, in_flight, time_limit), starts, rungs)


class Rung(NamedTuple):
    """A round of successive halving: `size` models train until each has `units`, of which `extra` are new."""

    size: int
    units: int
    extra: int


def halving_rungs(n: int, budget: int = 1, eta: int = 3) -> list[Rung]:
    r"""Return the plan of successive halving for n settings.

    Rung i trains :math:`n_i` models until each has :math:`r_i` units behind it, beginning with
    :math:`n_0 = n` and the `budget` r; a model that stays goes on where it was and needs :math:`e_i` more.

    .. math::
        n_{i+1} &= \max(1, \lfloor n_i / \eta \rfloor) \tag{1} \\
        r_i &= r \, \eta^i \tag{2} \\
        e_i &= r_i - r_{i-1}, \quad e_0 = r \tag{3}

    The last rung has one model.  The whole costs :math:`\sum_i n_i e_i` units.

    Parameters
    ----------
    n : int >= 1
        Settings at the start.
    budget : int >= 1
        Units of the first rung.
    eta : int >= 2
        One in eta stays.

    Returns
    -------
    list of Rung

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> rungs = halving_rungs(9, budget=1, eta=3)
    >>> rungs
    [Rung(size=9, units=1, extra=1), Rung(size=3, units=3, extra=2), Rung(size=1, units=9, extra=6)]
    >>> sum(rung.size * rung.extra for rung in rungs)
    21
    """
    check_integer("n", n, "[1, inf)", "It is the number of settings at the start.")
    check_integer("budget", budget, "[1, inf)", "It is the number of units of the first rung.")
    check_integer("eta", eta, "[2, inf)", "One in eta stays; usual values are 3 and 4.")
    n, budget, eta = int(n), int(budget), int(eta)
    rungs = [Rung(n, budget, budget)]
    while rungs[-1].size > 1:
        size = max(1, rungs[-1].size // eta)  # (1)
        units = budget * eta ** len(rungs)  # (2)
        extra = units - rungs[-1].units  # (3)
        rungs.append(Rung(size, units, extra))
    return rungs


def successive_halving(
    advance: Advance,
    settings: Iterable[Setting],
    budget: int = 1,
    eta: int = 3,
    *,
    executor: Executor | None = None,
    in_flight: int = 32,
    time_limit: float | None = None,
) -> Generator[Stage, None, None]:
    """Start many models with a small budget, again and again keep the best 1/eta, and train those on.

    It is the inner loop of Hyperband, with the plan of `halving_rungs`.  A model whose training fails is
    given up, and its units count as spent.  The last stage has the winner, unless it failed as well.

    Parameters
    ----------
    advance : function (setting, state, budget) -> (score, state)
        See `Advance`.  Training goes on from the state: nothing is done twice.
    settings : iterable of settings
        At least one.
    budget : int >= 1
        Units of the first rung.
    eta : int >= 2
    executor, in_flight, time_limit
        As for `search`; the limit is for one call of `advance`.

    Yields
    ------
    Stage
        As they end; a rung begins when the one before has ended.

    Raises
    ------
    ValueError
        If an argument is not as above.

    References
    ----------
    Jamieson & Talwalkar (2016), "Non-stochastic best arm identification and hyperparameter optimization",
    AISTATS.  Li, Jamieson, DeSalvo, Rostamizadeh & Talwalkar (2018), "Hyperband: a novel bandit-based
    approach to hyperparameter optimization", JMLR 18(185), algorithm 1.

    Examples
    --------
    >>> from dlhelpers.search_spaces import Uniform, grid
    >>> def advance(setting, state, budget):
    ...     x = 1.0 if state is None else state
    ...     x = x * (1 - setting["learning_rate"]) ** budget  # gradient descent on x^2 / 2
    ...     return x**2 / 2, x
    >>> stages = list(successive_halving(advance, grid({"learning_rate": Uniform(0, 0.5)}, 9)))
    >>> [stage.setting["learning_rate"] for stage in stages if stage.round == 1]
    [0.5, 0.4375, 0.375]
    >>> stages[-1].units, stages[-1].spent
    (9, 21)
    """
    _check_function("advance", advance, "(score, state)")
    starts = _starts("settings", settings)
    if not starts:
        raise ValueError("settings must hold at least one setting; got none.")
    rungs = halving_rungs(len(starts), budget, eta)
    _check_means(executor, in_flight, time_limit)
    return _halving(_Calls(advance, _score_and_state, executor, in_flight, time_limit), starts, rungs)


@dataclass(frozen=True)
class OneAtATime:
    """A nurse for `panda`: each round looks at one hyperparameter, kept, raised and lowered.

    The hyperparameters take turns, in the order of the space.  A whole number changes by 1 at least;
    of a `Choice`, every other option is tried.

    Parameters
    ----------
    space : mapping from names to spaces
    step : float in (0, 1]
        How far to go, as a share of the hyperparameter's own scale.

    Raises
    ------
    ValueError
        If `space` or `step` is not as above.

    Examples
    --------
    >>> from dlhelpers.search_spaces import LogUniform
    >>> nurse = OneAtATime({"learning_rate": LogUniform(1e-4, 1.0)}, step=0.25)
    >>> [round(setting["learning_rate"], 6) for setting in nurse({"learning_rate": 0.01}, 0)]
    [0.01, 0.1, 0.001]
    """

    space: Mapping[str, Space]
    step: float = 0.1

    def __post_init__(self) -> None:
        check_space(self.space)
        check_number("step", self.step, "(0, 1]", "It is a share; 0.1 is a good start.", fits=())

    def __call__(self, setting: Setting, round: int) -> list[dict[str, Any]]:
        """Return the settings to try in this round: the one that we have, and its neighbors."""
        place = places(self.space, setting)
        check_integer("round", round, "[0, inf)")
        name = list(self.space)[round % len(self.space)]
        values = _neighbors(self.space[name], setting[name], place[name], float(self.step))
        return [{**setting, name: value} for value in (setting[name], *values)]


def _neighbors(space: Space, value: Any, place: float, step: float) -> list[Any]:
    if isinstance(space, Choice):
        return [option for option in space.options if space.to_unit(option) != place]
    higher, lower = space.from_unit(min(place + step, 1.0)), space.from_unit(max(place - step, 0.0))
    if isinstance(space, Integer):
        higher, lower = min(max(higher, value + 1), space.high), max(min(lower, value - 1), space.low)
    return [each for each in (higher, lower) if each != value]


def panda(
    advance: Advance,
    setting: Setting,
    nurse: Nurse,
    rounds: int,
    budget: int = 1,
    *,
    executor: Executor | None = None,
    in_flight: int = 32,
    time_limit: float | None = None,
) -> Generator[Stage, None, None]:
    """Nurse one model: change its setting a little while it trains, and keep what helps.

    In each round the nurse names a few settings.  From the same state, each is trained for `budget` units;
    the best of them is the model of the next round (of equal ones the first, so that no change is made
    without a reason), the others are given up.  So a round with three settings spends three times what the
    model that stays has learned from: compare `spent`, not `units`, with other strategies.

    Parameters
    ----------
    advance : function (setting, state, budget) -> (score, state)
        See `Advance`.
    setting : setting
        Where to start.
    nurse : function (setting, round) -> settings
        For instance `OneAtATime(space)`.  List the present setting first, to allow that nothing is changed.
    rounds : int >= 0
    budget : int >= 1
        Units for each setting of a round.
    executor, in_flight, time_limit
        As for `search`; the limit is for one call of `advance`.

    Yields
    ------
    Stage
        As they end; `leaders(stages)` has those that were kept.  When all of a round fail, it ends.

    Raises
    ------
    ValueError
        If an argument is not as above, or the nurse does not return settings.

    Examples
    --------
    >>> from dlhelpers.search_spaces import Uniform
    >>> from dlhelpers.trials import leaders
    >>> def advance(setting, state, budget):
    ...     x = 1.0 if state is None else state
    ...     x = x * (1 - setting["learning_rate"]) ** budget  # gradient descent on x^2 / 2
    ...     return x**2 / 2, x
    >>> nurse = OneAtATime({"learning_rate": Uniform(0, 1)}, step=0.25)
    >>> stages = list(panda(advance, {"learning_rate": 0.25}, nurse, rounds=3))
    >>> [stage.setting["learning_rate"] for stage in leaders(stages)]
    [0.5, 0.75, 1.0]
    >>> stages[-1].units, stages[-1].spent
    (3, 9)
    """
    _check_function("advance", advance, "(score, state)")
    _check_function("nurse", nurse, "the settings to try")
    (start,) = _starts("setting", [setting])
    check_integer("rounds", rounds, "[0, inf)", "It is the number of changes to try.")
    check_integer("budget", budget, "[1, inf)", "It is the number of units for each setting of a round.")
    _check_means(executor, in_flight, time_limit)
    return _panda(
        _Calls(advance, _score_and_state, executor, in_flight, time_limit),
        start,
        nurse,
        int(rounds),
        int(budget),
    )


def _train(
    calls: "_Calls", models: list[Stage], extra: int, spent: int
) -> Generator[Stage, None, list[Stage]]:
    """Train each model by `extra` units, yield its next stage as it ends, and return all of them."""
    ended: list[Stage] = []
    arguments = [(dict(model.setting), model.state, extra) for model in models]
    with closing(calls.outcomes(arguments)) as outcomes:
        for index, (score, state, error, _) in outcomes:
            model, spent = models[index], spent + extra
            model = model._replace(round=model.round + 1, units=model.units + extra, spent=spent)
            ended.append(model._replace(score=score, error=error, state=None if error else state))
            yield ended[-1]
    return ended


def _score_and_state(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise ValueError(f"advance must return (score, state); got {shown(value)}.")
    return value


def _starts(name: str, settings: Any) -> list[Stage]:
    """Return models before their first round."""
    own = _settings(name, settings)
    return [Stage(-1, number, setting, math.nan, "", 0, 0, None) for number, setting in enumerate(own)]


def _halving(calls: "_Calls", models: list[Stage], rungs: list[Rung]) -> Generator[Stage, None, None]:
    spent = 0
    for rung in rungs:
        models = models[: rung.size]
        ended = yield from _train(calls, models, rung.extra, spent)
        spent += rung.extra * len(models)
        models = best(ended, rung.size)


def _panda(
    calls: "_Calls", model: Stage, nurse: Nurse, rounds: int, budget: int
) -> Generator[Stage, None, None]:
    spent = 0
    for index in range(rounds):
        tries = _settings("nurse", nurse(dict(model.setting), index))
        models = [model._replace(number=number, setting=each) for number, each in enumerate(tries)]
        ended = yield from _train(calls, models, budget, spent)
        spent += budget * len(models)
        leading = best(ended)
        if not leading:
            return
        model = leading[0]


# --------------------------------------------------------------------------------------------- calls


_Call = tuple[int, tuple[Any, ...]]
_Waiting = deque[_Call]


class _Outcome(NamedTuple):
    """What came of a call; `rest` is what the function returned besides the score."""

    score: float
    rest: Any
    error: str
    seconds: float


class _Calls(NamedTuple):
    """A function to call, how to split what it returns into (score, rest), and where to run it."""

    function: Callable[..., Any]
    split: Callable[[Any], tuple[Any, Any]]
    executor: Executor | None
    in_flight: int
    time_limit: float | None = None

    def outcomes(self, calls: Sequence[tuple[Any, ...]]) -> Generator[tuple[int, _Outcome], None, None]:
        """Yield the index and the outcome of each call, as they end."""
        if self.executor is not None:
            yield from self._on(self.executor, deque(enumerate(calls)))
            return
        for index, arguments in enumerate(calls):
            yield index, _attempt(self.function, self.split, arguments, self.time_limit)

    def _on(self, executor: Executor, waiting: _Waiting) -> Generator[tuple[int, _Outcome], None, None]:
        pending: dict[Future[_Outcome], _Call] = {}
        suspects: _Waiting = deque()  # what a pool held when one of its processes died
        ended: list[tuple[int, _Outcome]] = []
        own: Executor | None = None
        try:
            while waiting or suspects or ended:
                alone = bool(suspects) and not pending
                calls, most = (suspects, 1) if suspects else (waiting, self.in_flight)
                refused = self._submit(own or executor, calls, pending, most)
                yield from ended  # after the next ones were submitted, so that no worker is idle meanwhile
                ended = []
                if refused is not None and not pending:
                    own = _replaced(own or executor, refused, len(waiting) + len(suspects))
                    continue
                finished = wait(pending, return_when=FIRST_COMPLETED).done
                for future in sorted(finished, key=lambda each: pending[each][0]):
                    call = pending.pop(future)
                    if not alone and _has_died(own or executor, future):
                        suspects.append(call)
                    else:
                        ended.append((call[0], _outcome(future)))
        finally:
            for future in pending:
                future.cancel()
            if own is not None:
                own.shutdown(wait=False, cancel_futures=True)

    def _submit(
        self, executor: Executor, calls: _Waiting, pending: dict[Future[_Outcome], _Call], most: int
    ) -> RuntimeError | None:
        """Move calls to `pending` while it holds fewer than `most`; return the executor's refusal, if any."""
        attempt = _attempt_in_thread if isinstance(executor, ThreadPoolExecutor) else _attempt_elsewhere
        try:
            while calls and len(pending) < most:
                future = executor.submit(attempt, self.function, self.split, calls[0][1], self.time_limit)
                pending[future] = calls.popleft()
        except RuntimeError as refused:  # shut down, or broken
            return refused
        return None


def _has_died(executor: Executor, future: Future[_Outcome]) -> bool:
    """Return whether a process of a pool died while the pool held this call, by whichever call."""
    died = not future.cancelled() and isinstance(future.exception(), BrokenExecutor)
    return died and isinstance(executor, ProcessPoolExecutor)


def _replaced(executor: Executor, refused: RuntimeError, left: int) -> Executor:
    """Return a new process pool in place of a broken one; raise RuntimeError if there can be none."""
    if not isinstance(executor, ProcessPoolExecutor) or not isinstance(refused, BrokenExecutor):
        raise RuntimeError(
            f"executor takes no more trials ({told(refused)}); {left} were not run. "
            "Make a new executor and run the search again, with the trials so far as `done`."
        ) from refused
    # There is no public way to ask a pool how it was made.
    return ProcessPoolExecutor(
        executor._max_workers,  # type: ignore[attr-defined]
        executor._mp_context,
        executor._initializer,
        executor._initargs,
    )


def _attempt(
    function: Callable[..., Any],
    split: Callable[[Any], tuple[Any, Any]],
    arguments: tuple[Any, ...],
    time_limit: float | None = None,
) -> _Outcome:
    """Call the function; an exception becomes text, which every executor can send back."""
    start, rest = time.perf_counter(), None
    try:
        score, rest = split(_within(time_limit, function, arguments))
        check_number("score", score, "(-inf, inf)", fits=())
        score, error = float(score), ""
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        score, error = math.nan, told(raised)
    return _Outcome(score, rest, error, time.perf_counter() - start)


def _within(seconds: float | None, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call the function; raise TimeoutError if it has not ended after some seconds."""
    if seconds is None:
        return function(*arguments)
    ended: Future[Any] = Future()
    thread = threading.Thread(target=_settle, args=(ended, function, arguments), daemon=True)
    thread.start()
    try:
        return ended.result(seconds)
    except TimeoutError as raised:
        if ended.done():  # the function's own
            raise
        stop = ctypes.py_object(SystemExit)  # in the thread: it ends there, and nowhere else
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), stop)
        raise TimeoutError(f"it has not ended after {seconds:g} seconds.") from raised


def _settle(ended: Future[Any], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        ended.set_result(function(*arguments))
    except BaseException as raised:
        ended.set_exception(raised)


def _attempt_in_thread(
    function: Callable[..., Any],
    split: Callable[[Any], tuple[Any, Any]],
    arguments: tuple[Any, ...],
    time_limit: float | None,
) -> _Outcome:
    """Call the function in a worker: an interrupt of the user's arrives where the search is, too."""
    try:
        return _attempt(function, split, arguments, time_limit)
    except KeyboardInterrupt as raised:
        return _Outcome(math.nan, None, told(raised), 0.0)


def _attempt_elsewhere(
    function: Callable[..., Any],
    split: Callable[[Any], tuple[Any, Any]],
    arguments: tuple[Any, ...],
    time_limit: float | None,
) -> _Outcome:
    """Call the function in another process, and see to it that the outcome can be sent back.

    A process pool says so by itself; Dask tries to fetch such an outcome again and again.
    """
    outcome = _attempt_in_thread(function, split, arguments, time_limit)
    try:
        pickle.dumps(outcome)
    except Exception as raised:
        text = f"{told(raised)} (what the function returned cannot be sent back)"
        return _Outcome(math.nan, None, text, outcome.seconds)
    return outcome


def _outcome(future: Future[_Outcome]) -> _Outcome:
    try:
        return future.result()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # from the way there or back: `_attempt_in_thread` raises none
        text = f"{told(error)} (raised by the executor, not by the function that it ran)"
        return _Outcome(math.nan, None, text, 0.0)


# -------------------------------------------------------------------------------------------- checks


def _settings(name: str, settings: Any) -> list[dict[str, Any]]:
    """Return settings with plain values, as new dicts."""
    items = listed(name, settings, Mapping, "dicts from names to values")
    return [{key: plain(value) for key, value in item.items()} for item in items]


def _check_function(name: str, function: Any, returns: str) -> None:
    if not callable(function):
        raise ValueError(f"{name} must be a function that returns {returns}; got {shown(function)}.")


def _check_means(executor: Any, in_flight: Any, time_limit: Any) -> None:
    if executor is not None and not isinstance(executor, Executor):
        raise ValueError(
            f"executor must be a concurrent.futures.Executor or None; got {shown(executor)}. "
            "From a Dask client, take client.get_executor()."
        )
    check_integer("in_flight", in_flight, "[1, inf)", "Take at least the number of workers.")
    if time_limit is not None:
        check_number("time_limit", time_limit, "(0, 1e6]", "It is in seconds; None is no limit.", fits=())

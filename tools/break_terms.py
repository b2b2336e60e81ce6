"""Break every term once: alter each arithmetic term of the numeric core and see whether a test notices.

    python tools/break_terms.py                       every module of the core
    python tools/break_terms.py optimizers network    these modules
    python tools/break_terms.py --list losses         only name the alterations
    python tools/break_terms.py --verbose losses      say of each alteration which test noticed it

An alteration changes one operator, comparison, constant or function, or leaves out one term of a sum, one
factor of a product.  The tests are collected once; a run of the unaltered code says which of them call which
functions.  An alteration within a function is then made in a forked child, which runs the tests that call the
function: the module's own first, the fastest first, up to the first failure.  One outside of functions, or in
a function that is called while modules are imported, runs in a child that imports the altered module: first
the module's own tests and doctests, then those of every module that imports it.  A child that uses far more
processor time than the unaltered tests do is ended and counts as noticed.  Exit code 1 says that the share of
alterations that no test notices is not below the goal.

Alterations that cannot be noticed, since they compute the same, may be explained in
tools/break_terms_equivalent.txt; they count in the share all the same.

Why not a library: mutmut leaves out properties, cached functions and code outside functions, cosmic-ray
starts a new interpreter for every alteration (seconds instead of 0.1), and neither can leave out a term.
"""

import argparse
import ast
import builtins
import gc
import importlib
import os
import resource
import signal
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import _lru_cache_wrapper, cached_property, partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing import connection, get_context
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "dlhelpers"
NOT_ASKED = {"test_public_api.py"}  # it feeds bad input and reads messages: long, and not about arithmetic
LEFT_OUT = {"typing", "showing", "checks"}  # not arithmetic; tried when named
GOAL = 3.0  # percent; the share of unnoticed alterations shall be below it
MEMORY = 8 << 30  # bytes that a child may ask for
# A child may take this many times the processor time of the unaltered tests, and these seconds more.
SLOWER, SLACK = 4, 5
ENDED = {signal.SIGXCPU: "timeout", signal.SIGKILL: "timeout"}

# ---------------------------------------------------------------------------------------- alterations

Operators = Mapping[type[ast.AST], type[ast.AST]]
OPERATORS: Operators = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
COMPARISONS: Operators = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_PAIRS = (
    "add subtract, multiply divide, maximum minimum, fmax fmin, sum mean, max min, argmax argmin, any all, "
    "std var, floor ceil, sin cos, zeros ones, zeros_like ones_like, logical_and logical_or"
)
PARTNERS = {a: b for pair in _PAIRS.split(", ") for a, b in (pair.split(), reversed(pair.split()))}
# Functions whose call is replaced by an argument: the first one, or each of the two.
ONE = {"exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "square", "abs", "absolute", "sign", "tanh"}
ONE |= {"floor", "ceil", "clip", "cumsum", "round"}
TWO = {"add", "subtract", "multiply", "divide", "maximum", "minimum", "logaddexp", "hypot", "power", "matmul"}
AXES = {"-1": -2, "-2": -1, "0": 1, "1": 0}

# Types, messages and settings of Python's machinery are not arithmetic.
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "type_params", "bases"}
SKIPPED_NODES = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)
SKIPPED_KEYWORDS = {"stacklevel", "maxsize"}


def is_text(node: ast.AST) -> bool:
    """Return whether an operand is a string, a sum of strings, or None."""
    if isinstance(node, ast.BinOp):
        return is_text(node.left) or is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | None)
    )


def is_type(node: ast.AST) -> bool:
    """Return whether an operand of | is a type: `int`, `FloatArray`, `Callable[...]`."""
    while isinstance(node, ast.Subscript | ast.BinOp):
        node = node.value if isinstance(node, ast.Subscript) else node.left
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return hasattr(builtins, name) or (name[:1].isupper() and not name.isupper())


def is_library(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in {"np", "math"}


def altered(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in the place of a node: one alteration each."""
    match node:
        case ast.Constant(value=int() | float() as x) if not isinstance(x, bool):
            # A float doubles; those in (0.5, 1), such as beta, halve and stay in their range.
            changed = x + 1 if isinstance(x, int) or x == 0 else x / 2 if 0.5 < x < 1 else 2 * x
            yield ast.Constant(changed)
        case ast.UnaryOp(op=ast.USub() | ast.Invert() | ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right):
            if is_text(left) or is_text(right) or (isinstance(op, ast.BitOr) and is_type(left)):
                return
            if type(op) in OPERATORS:
                yield ast.BinOp(left, OPERATORS[type(op)](), right)
            yield left
            if isinstance(op, ast.Sub):
                yield ast.UnaryOp(ast.USub(), right)
            elif isinstance(op, ast.Div):
                yield ast.BinOp(ast.Constant(1), op, right)
            elif isinstance(op, ast.Add | ast.Mult | ast.MatMult | ast.BitAnd | ast.BitOr):
                yield right
        case ast.AugAssign(target=target, op=op, value=value) if not is_text(value):
            if type(op) in OPERATORS:
                yield ast.AugAssign(target, OPERATORS[type(op)](), value)
            yield ast.Pass()
        case ast.Compare(left=left, ops=ops, comparators=right) if not any(map(is_text, [left, *right])):
            for i, op in enumerate(ops):
                if type(op) in COMPARISONS:
                    yield ast.Compare(left, [*ops[:i], COMPARISONS[type(op)](), *ops[i + 1 :]], right)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for i in range(len(values)):
                rest = [*values[:i], *values[i + 1 :]]
                yield ast.BoolOp(op, rest) if len(rest) > 1 else rest[0]
        case ast.keyword(arg="axis", value=ast.Tuple(elts=elements)):
            yield from (ast.keyword("axis", element) for element in elements)
        case ast.keyword(arg="axis", value=value) if (axis := ast.unparse(value)) in AXES:
            yield ast.keyword("axis", ast.Constant(AXES[axis]))
        case ast.Attribute(value=value, attr="T"):
            yield value
        case ast.Call():
            yield from altered_call(node)


def altered_call(call: ast.Call) -> Iterator[ast.AST]:
    """Yield the partner of a function, and its arguments in place of the call."""
    match call:
        case ast.Call(func=ast.Attribute(value=matrix, attr="swapaxes")):
            yield matrix
        case ast.Call(func=ast.Attribute(attr="where"), args=[condition, a, b]):
            yield ast.Call(call.func, [condition, b, a], call.keywords)
        case ast.Call(func=ast.Attribute(ast.Attribute(numpy, name), "reduce" | "accumulate" as method)):
            if name in PARTNERS:
                function = ast.Attribute(numpy, PARTNERS[name], ast.Load())
                yield ast.Call(ast.Attribute(function, method, ast.Load()), call.args, call.keywords)
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=args):
            partner = PARTNERS.get(name, "")
            if isinstance(call.func, ast.Attribute) and partner:
                yield ast.Call(ast.Attribute(call.func.value, partner, ast.Load()), args, call.keywords)
            elif hasattr(builtins, partner):
                yield ast.Call(ast.Name(partner, ast.Load()), args, call.keywords)
            if name in TWO and len(args) == 2:
                yield from args
            if name in ONE and isinstance(call.func, ast.Attribute) and not is_library(call.func.value):
                yield call.func.value
            elif name in ONE and args:
                yield args[0]


# ------------------------------------------------------------------------------------------- mutants


class Place(NamedTuple):
    """Where a node stands in its tree."""

    parent: ast.AST
    field: str
    index: int | None

    @property
    def node(self) -> ast.AST:
        found = getattr(self.parent, self.field)
        return found if self.index is None else found[self.index]

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


class Mutant(NamedTuple):
    """One alteration: the statement before and after, and the node to put in its place."""

    module: str
    line: int
    original: str
    altered: str
    place: Place
    node: ast.AST

    def __str__(self) -> str:
        return f"{PACKAGE}/{self.module}.py:{self.line}\n    {self.original}\n -> {self.altered}"

    @property
    def key(self) -> tuple[str, str, str]:
        return f"{self.module}.py", self.original, self.altered


def places(parent: ast.AST, shown: Place | None = None) -> Iterator[tuple[Place, Place]]:
    """Yield every place that may be altered, and the place of the statement to show for it.

    Of a statement with a body, only the part that holds the place is shown: the condition of an `if`.
    """
    for field, value in ast.iter_fields(parent):
        for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or is_skipped(parent, field, child):
                continue
            place = Place(parent, field, i)
            begins = isinstance(child, ast.stmt) or (isinstance(parent, ast.stmt) and hasattr(parent, "body"))
            statement = place if begins or shown is None else shown
            yield place, statement
            if not (isinstance(child, ast.keyword) and any(True for _ in altered(child))):
                yield from places(child, statement)


def is_skipped(parent: ast.AST, field: str, child: ast.AST) -> bool:
    function = parent.func if isinstance(parent, ast.Call) and field == "args" else None
    swaps = isinstance(function, ast.Attribute) and function.attr == "swapaxes"
    setting = isinstance(child, ast.keyword) and child.arg in SKIPPED_KEYWORDS
    return swaps or setting or field in SKIPPED_FIELDS or isinstance(child, SKIPPED_NODES)


def mutants(module: str, tree: ast.Module) -> list[Mutant]:
    """Return the alterations of a module in the order of its lines, each result once."""
    found: dict[tuple[Any, ...], Mutant] = {}
    for place, statement in places(tree):
        node, original = place.node, ast.unparse(statement.node)
        line = getattr(node, "lineno", None) or getattr(statement.node, "lineno", 0)
        for other in altered(node):
            place.put(other)
            text = ast.unparse(statement.node)
            place.put(node)
            if text != original:
                found.setdefault(
                    (id(statement.parent), statement.field, statement.index, text),
                    Mutant(module, line, original, text, place, other),
                )
    return sorted(found.values(), key=lambda mutant: mutant.line)


# -------------------------------------------------------------------------------------- which tests


def imported(path: Path) -> set[str]:
    """Return the full names that a file imports: modules, and what it takes from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} - {PACKAGE} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


class Project:
    """The modules of the core, their tests, and who imports whom."""

    def __init__(self, root: Path) -> None:
        self.root = root
        paths = sorted((root / PACKAGE).glob("*.py"))
        self.core = {path.stem: path for path in paths if path.stem != "__init__"}
        self.needs = {name: self._modules(path) for name, path in self.core.items()}
        self.tests = [path for path in sorted((root / "tests").glob("test_*.py")) if self._is_of_core(path)]

    def _imported(self, path: Path) -> set[str]:
        """Return what a file imports, and what the helpers in tests/ that it imports do."""
        names = imported(path)
        helpers = {self.root / f"{name.replace('.', '/')}.py" for name in names if name.startswith("tests.")}
        return names.union(*(imported(helper) for helper in helpers if helper.is_file()))

    def _modules(self, path: Path) -> set[str]:
        names = self._imported(path)
        everything = PACKAGE in names and path.parent.name == "tests"
        return {name for name in self.core if everything or f"{PACKAGE}.{name}" in names}

    def _is_of_core(self, path: Path) -> bool:
        """Return whether a test needs nothing of the repository but the core."""
        parts = [name.split(".") for name in self._imported(path)]
        own = {part[1] for part in parts if part[0] == PACKAGE and len(part) > 1}
        return own <= set(self.core) and not any(part[0] == "tools" for part in parts)

    def reaches(self, path: Path, module: str) -> bool:
        """Return whether a file imports a module, by itself or through the core."""
        seen, todo = set(), self._modules(path)
        while todo - seen:
            name = (todo - seen).pop()
            seen.add(name)
            todo |= self.needs[name]
        return module in seen

    def own_tests(self, module: str) -> list[Path]:
        """Return the mirrored test file, if there is one, and the module itself for its doctests."""
        test = self.root / "tests" / f"test_{module}.py"
        return [*([test] if test.is_file() else []), self.core[module]]

    def other_tests(self, module: str) -> list[Path]:
        """Return the tests and the modules that import a module."""
        own = self.own_tests(module)
        files = [*self.tests, *self.core.values()]
        asked = [path for path in files if path not in own and path.name not in NOT_ASKED]
        return [path for path in asked if self.reaches(path, module)]


# ----------------------------------------------------------------------------------------- children


class Job(NamedTuple):
    """What a child does: run groups of test files, each within its seconds of processor time."""

    groups: list[tuple[list[Path], float]]
    mutant: Mutant


class Outcome(NamedTuple):
    """How a child ended: what failed first (empty: nothing)."""

    mutant: Mutant
    failure: str


class AlteredLoader(SourceFileLoader):
    """Import a module from its altered syntax tree; stands first in `sys.meta_path`."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        super().__init__(name, str(path))
        self.code = compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)

    def get_code(self, fullname: str) -> CodeType:
        return self.code

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return spec_from_file_location(name, self.path, loader=self) if name == self.name else None


class FirstFailure:
    """A pytest plugin that keeps the name of the first test, or file, that failed."""

    name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.name = self.name or report.nodeid

    pytest_collectreport = pytest_runtest_logreport


def run_pytest(root: Path, files: Iterable[Path], plugin: Any, *more: str) -> int:
    options = ["-q", "-m", "not slow", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", *more]
    options += ["-p", "_hypothesis_pytestplugin", f"--hypothesis-profile={Path(__file__).stem}"]
    options += [f"--rootdir={root}", f"--config-file={root / 'pyproject.toml'}"]
    return pytest.main([*options, *map(str, files)], plugins=[plugin])


def first_failure(root: Path, files: list[Path]) -> str:
    """Run test files up to the first failure; return its name, or nothing."""
    plugin = FirstFailure()
    code = run_pytest(root, files, plugin, "-x")
    if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return plugin.name
    return plugin.name or f"pytest: {code!r}"


def silence() -> None:
    """Lose what this process prints from now on."""
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(silent, descriptor)


def allow(seconds: float) -> None:
    """End this process when it has used so many more seconds of processor time."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, -1))


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):  # not on every system
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def play(root: Path, trees: Mapping[str, ast.Module], job: Job) -> str:
    """Import the altered module and run test files up to the first failure, in a child."""
    mutant = job.mutant
    mutant.place.put(mutant.node)
    path = root / PACKAGE / f"{mutant.module}.py"
    sys.meta_path.insert(0, AlteredLoader(f"{PACKAGE}.{mutant.module}", path, trees[mutant.module]))
    silence()
    limit_memory()
    failure = ""
    for files, seconds in job.groups:
        allow(seconds)
        failure = failure or first_failure(root, files)
    return failure


def answer(function: Callable[[Any], Any], job: Any, sender: connection.Connection) -> None:
    os.setsid()
    sender.send(function(job))


def in_children(
    function: Callable[[Any], Any], jobs: Iterable[Any], workers: int, patience: float
) -> Iterator[tuple[Any, Any]]:
    """Do jobs in forked children, `workers` at a time; yield each with its answer when it is there."""
    context = get_context("fork")
    waiting, running = iter(jobs), {}
    try:
        while True:
            while len(running) < workers and (job := next(waiting, None)) is not None:
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=answer, args=(function, job, sender))
                process.start()
                sender.close()
                running[receiver] = job, process, time.monotonic() + patience  # for what waits, not computes
            if not running:
                return
            ready = connection.wait(list(running), timeout=1)
            for receiver, (job, process, deadline) in list(running.items()):
                if receiver in ready or time.monotonic() > deadline:
                    given = answer_of(process, receiver) if receiver in ready else "timeout"
                    end(process)
                    del running[receiver]
                    yield job, given
    finally:
        for _, process, _ in running.values():
            end(process)


def end(process: Any) -> None:
    """End a child and what it started: its process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()


def answer_of(process: Any, receiver: connection.Connection) -> Any:
    """Return what a child answered; in its place, which signal ended it."""
    with receiver, suppress(EOFError):
        return receiver.recv()
    process.join()
    if process.exitcode > 0:
        raise RuntimeError("An alteration could not be made; its child says why above.")
    return ENDED.get(-process.exitcode, f"ended by signal {-process.exitcode}")


# ------------------------------------------------------------------------- tests that call a function

Key = tuple[str, str, int]
"""A function: its file, its name with that of its class, and its first line."""


class Known(NamedTuple):
    """A test of the unaltered code: where it stands, how long it takes, and the functions that it calls."""

    path: Path
    seconds: float
    calls: frozenset[Key]
    passed: bool


def key_of(code: CodeType) -> Key:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def owners(path: Path, tree: ast.Module) -> dict[int, tuple[Key, ast.stmt]]:
    """Return, for each node in the body of a function or method, its key and the statement to compile."""
    found = {}
    for top in tree.body:
        for function in top.body if isinstance(top, ast.ClassDef) else [top]:
            if isinstance(function, ast.FunctionDef):
                name = function.name if function is top else f"{top.name}.{function.name}"
                first = min(node.lineno for node in (function, *function.decorator_list))
                key = str(path), name, first
                nodes = (node for statement in function.body for node in ast.walk(statement))
                found |= {id(node): (key, top) for node in nodes}
    return found


def code_of(key: Key, top: ast.stmt) -> CodeType | None:
    """Compile a statement of a module and return the code of the function in it."""
    todo = [compile(ast.fix_missing_locations(ast.Module([top], [])), key[0], "exec", dont_inherit=True)]
    while todo:
        code = todo.pop()
        if key_of(code) == key:
            return code
        todo += [each for each in code.co_consts if isinstance(each, CodeType)]
    return None


class Collection:
    """A pytest plugin that collects tests, measures them, and runs those that call an altered function.

    `send` gets pairs: ("tests", all tests by name), ("failed", a file that cannot be collected), and
    (number of the mutant, failure): None says that the altered module must be imported, a list of files that
    these must be asked, since they keep what they computed while they were imported.
    """

    def __init__(self, project: Project, found: Sequence[Mutant], trees: Mapping[str, ast.Module]) -> None:
        self.project, self.mutants = project, found
        self.owners: dict[int, tuple[Key, ast.stmt]] = {}
        for name, tree in trees.items():
            self.owners |= owners(project.core[name], tree)
        self.codes: dict[int, CodeType] = {}  # kept, so that no other code gets the number of one of them
        self.calls: dict[Any, frozenset[Key]] = {}
        self.failed = False
        self.killers: dict[Key, str] = {}

    def work(self, workers: int, send: Callable[[Any], None]) -> None:
        """Do all of it, in a child."""
        self.workers, self.send = workers, send
        silence()
        with self._calls(None):
            for name in self.project.core:
                importlib.import_module(f"{PACKAGE}.{name}")
        self.functions: dict[Key, list[FunctionType]] = {}
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and thing.__code__.co_filename in self._files:
                self.functions.setdefault(key_of(thing.__code__), []).append(thing)
        modules = {mutant.module for mutant in self.mutants}
        files = {path for name in modules for path in self.project.own_tests(name)}
        files |= {path for name in modules for path in self.project.other_tests(name)}
        run_pytest(self.project.root, sorted(files), self, "--continue-on-collection-errors")

    @cached_property
    def _files(self) -> set[str]:
        return {str(path) for path in self.project.core.values()}

    @contextmanager
    def _calls(self, place: Any) -> Iterator[None]:
        """Note which functions of the core are called meanwhile."""
        codes: set[int] = set()
        keys: set[Key] = set()

        def trace(frame: FrameType, *_: Any) -> None:
            code = frame.f_code
            if id(code) not in codes:
                codes.add(id(code))
                if code.co_filename in self._files:
                    keys.add(key_of(code))
                    self.codes[id(code)] = code

        threading.settrace(trace)
        sys.settrace(trace)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)
            self.calls[place] = self.calls.get(place, frozenset()) | keys

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: Any) -> Iterator[None]:
        with self._calls(collector.path) if collector.path.is_file() else nullcontext():
            return (yield)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.send(("failed", report.nodeid))

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed = self.failed or report.failed

    def pytest_runtestloop(self, session: Any) -> bool:
        for thing in gc.get_objects():
            if isinstance(thing, _lru_cache_wrapper) and (thing.__module__ or "").startswith(PACKAGE):
                thing.cache_clear()  # it would answer without the altered function
        gc.collect()
        gc.freeze()
        self.items = {item.nodeid: item for item in session.items}
        files = sorted({item.path for item in session.items})
        self.known: dict[str, Known] = {}
        for _, known in in_children(self._measure, files, self.workers, 7200.0):
            self.known |= known
        self.send(("tests", self.known))
        within = [i for i in range(len(self.mutants)) if self._is_within_a_function(i)]
        for i in sorted(set(range(len(self.mutants))) - set(within)):
            self.send((i, None))
        for i, failure in in_children(self._try, within, self.workers, 7200.0):
            if failure and isinstance(failure, str):
                self.killers[self._owner(i)[0]] = failure
            self.send((i, failure))
        return True

    def _measure(self, path: Path) -> dict[str, Known]:
        """Run the tests of a file and note what each calls."""
        names = [name for name, item in self.items.items() if item.path == path]
        found = {}
        for name, after in zip(names, [*names[1:], None], strict=True):
            begin, self.failed, item = time.process_time(), False, self.items[name]
            with self._calls(name):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=self.items.get(after))
            found[name] = Known(path, time.process_time() - begin, self.calls[name], not self.failed)
        return found

    def _owner(self, i: int) -> tuple[Key, ast.stmt]:
        return self.owners[id(self.mutants[i].place.node)]

    def _is_within_a_function(self, i: int) -> bool:
        """Return whether an alteration lies within a function that importing the core does not call."""
        if id(self.mutants[i].place.node) not in self.owners:
            return False
        key, _ = self._owner(i)
        return key in self.functions and key not in self.calls[None]

    def _try(self, i: int) -> str | list[Path] | None:
        """Alter a function and run the tests that call it, up to the first failure."""
        mutant, (key, top) = self.mutants[i], self._owner(i)
        mutant.place.put(mutant.node)
        code = code_of(key, top)
        try:
            for function in self.functions[key]:
                function.__code__ = code
        except (TypeError, ValueError):  # it has other variables of the functions around it
            return None
        stale = [path for path, keys in self.calls.items() if isinstance(path, Path) and key in keys]
        asked = self._asked(mutant, key, stale)
        limit_memory()
        for name, after in zip(asked, [*asked[1:], None], strict=True):
            allow(SLOWER * self.known[name].seconds + SLACK)
            self.failed = False
            item = self.items[name]
            item.ihook.pytest_runtest_protocol(item=item, nextitem=self.items.get(after))
            if self.failed:
                return name
        return stale or ""

    def _asked(self, mutant: Mutant, key: Key, stale: list[Path]) -> list[str]:
        """Return the tests that call a function: the last one to notice, the module's own, the fastest."""
        calling = {
            name: test
            for name, test in self.known.items()
            if key in test.calls and test.passed and test.path not in stale
        }
        of_file: dict[Path, float] = {}
        for test in calling.values():
            of_file[test.path] = of_file.get(test.path, 0) + test.seconds
        own, last = self.project.own_tests(mutant.module), self.killers.get(key)

        def order(name: str) -> tuple[Any, ...]:
            path, seconds, *_ = calling[name]
            return name != last, path not in own, of_file[path], path, seconds

        return sorted(calling, key=order)


# ------------------------------------------------------------------------------------------- script


def warm_up(project: Project) -> None:
    """Import, once for all children, what the core and its tests import from elsewhere."""
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    from hypothesis import HealthCheck, Phase, settings

    profile = {"derandomize": True, "database": None, "deadline": None}
    phases = (Phase.explicit, Phase.generate)  # the smallest failing example is not needed
    checks = list(HealthCheck)
    settings.register_profile(Path(__file__).stem, phases=phases, suppress_health_check=checks, **profile)
    files = [*project.tests, *project.core.values()]
    for name in sorted(set().union(*map(imported, files))):
        if name.split(".")[0] not in {PACKAGE, "tests", "tools"}:
            with suppress(ImportError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(name)
    assert PACKAGE not in sys.modules, f"{PACKAGE} must be imported by the children only"
    gc.collect()
    gc.freeze()


def check_tests(project: Project, modules: list[str], known: Mapping[str, Known], failed: list[str]) -> None:
    """Name what fails on unaltered code, and exit where it is a module's own test."""
    own = {path for name in modules for path in project.own_tests(name)}
    for name in [*failed, *(name for name, test in known.items() if not test.passed)]:
        path = name.split("::")[0]
        if project.root / path in own:
            sys.exit(
                f"{path} must pass before terms are broken; it fails at {name}. "
                f"Run python -m pytest -x {path}"
            )
        print(f"{name} is left out, since it fails on unaltered code")


def job_of(project: Project, mutant: Mutant, files: list[Path] | None, known: Mapping[str, Known]) -> Job:
    """Return the job that imports the altered module: these files, or its own tests, then the others."""
    seconds: dict[Path, float] = {}
    for test in known.values():
        seconds[test.path] = seconds.get(test.path, 0) + test.seconds
    passing = seconds.keys() - {test.path for test in known.values() if not test.passed}
    own = project.own_tests(mutant.module) if files is None else files
    others = project.other_tests(mutant.module) if files is None else []
    groups = [
        sorted((path for path in part if path in passing), key=lambda path: seconds[path])
        for part in (own, others)
    ]
    return Job(
        [(part, SLOWER * sum(seconds[path] for path in part) + SLACK) for part in groups if part], mutant
    )


def outcomes(
    project: Project, found: Sequence[Mutant], trees: Mapping[str, ast.Module], workers: int
) -> Iterator[Outcome]:
    """Try all alterations; yield each outcome when it is there."""
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    collection = Collection(project, found, trees)
    process = context.Process(target=collection.work, args=(workers, sender.send))
    process.start()
    sender.close()
    known: dict[str, Known] = {}
    failed: list[str] = []
    jobs: list[Job] = []
    try:
        while True:
            try:
                what, answer = receiver.recv()
            except EOFError:
                break
            if what == "failed":
                failed.append(answer)
            elif what == "tests":
                known = answer
                check_tests(project, list(trees), known, failed)
            elif answer is None or isinstance(answer, list):
                jobs.append(job_of(project, found[what], answer, known))
            else:
                yield Outcome(found[what], answer)
    finally:
        process.terminate()
        process.join()
    if not known:
        sys.exit("The tests could not be collected. Run python -m pytest --collect-only")
    for job, failure in in_children(partial(play, project.root, trees), jobs, workers, 7200.0):
        yield Outcome(job.mutant, failure)


def read_equivalent(path: Path) -> dict[tuple[str, str, str], str]:
    """Return the reasons of the alterations that compute the same, by file, original and altered text.

    An entry has four lines or more: the file, the statement before, the statement after, and the reason.
    """
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    text = "\n".join(line.strip() for line in lines if not line.startswith("#")).strip()
    blocks = [block.split("\n") for block in text.split("\n\n") if block]
    for block in blocks:
        if len(block) < 4:
            sys.exit(f"{path.name}: an entry needs file, before, after and a reason; got {block}")
    return {(name, before, after): " ".join(reason) for name, before, after, *reason in blocks}


def report(survivors: list[Mutant], total: int, reasons: Mapping[tuple[str, str, str], str]) -> float:
    """Print what no test noticed, the unexplained last, and return its share in percent."""
    unexplained = [mutant for mutant in survivors if mutant.key not in reasons]
    for mutant in survivors:
        if mutant.key in reasons:
            print(f"{mutant}\n  = {reasons[mutant.key]}")
    for mutant in unexplained:
        print(mutant)
    share = 100 * len(survivors) / total if total else 0.0
    print(
        f"{len(survivors)} of {total} altered terms are noticed by no test: {share:.1f} % "
        f"({len(survivors) - len(unexplained)} of them are said to compute the same)."
    )
    return share


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as optimizers; default: all")
    parser.add_argument("--list", action="store_true", help="name the alterations and run nothing")
    parser.add_argument("--verbose", action="store_true", help="say which test noticed each alteration")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="default: one for each core")
    parser.add_argument("--goal", type=float, default=GOAL, help=f"percent; default {GOAL:g}")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository; default: this one")
    options = parser.parse_args(arguments)
    project = Project(options.root.resolve())
    if unknown := set(options.modules) - set(project.core):
        parser.error(f"no such module: {', '.join(sorted(unknown))}; there are {', '.join(project.core)}")
    modules = options.modules or sorted(set(project.core) - LEFT_OUT)
    trees = {name: ast.parse(project.core[name].read_bytes()) for name in modules}
    found = {name: mutants(name, tree) for name, tree in trees.items()}
    if options.list:
        print(*(mutant for name in modules for mutant in found[name]), sep="\n")
        return 0

    reasons = read_equivalent(project.root / "tools" / "break_terms_equivalent.txt")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the children are ended, too
    os.chdir(project.root)
    sys.path.insert(0, str(project.root))
    warm_up(project)
    everything = [mutant for name in modules for mutant in found[name]]
    unnoticed, timeouts, begin = [], Counter(), time.monotonic()
    for count, outcome in enumerate(outcomes(project, everything, trees, options.workers), start=1):
        timeouts[outcome.mutant.module] += outcome.failure == "timeout"
        if not outcome.failure:
            unnoticed.append(outcome.mutant)
        if options.verbose or not outcome.failure or outcome.failure.startswith("ended"):
            print(f"{outcome.mutant}\n    {outcome.failure or 'NOT NOTICED'}", flush=True)
        if count % 500 == 0:
            print(f"{count} of {len(everything)}, {time.monotonic() - begin:.0f} s", flush=True)
    for name in modules:
        missed = sum(mutant.module == name for mutant in unnoticed)
        counts = f"{len(found[name]):5} altered, {missed:4} not noticed, {timeouts[name]:3} timeouts"
        print(f"{name:24} {counts}")
    survivors = sorted(unnoticed, key=everything.index)
    share = report(survivors, sum(map(len, found.values())), reasons)
    stale = [key for key in reasons if key[0][:-3] in modules and key not in {m.key for m in survivors}]
    for key in stale:
        print("break_terms_equivalent.txt explains what is noticed, or no longer there:", *key, sep="\n    ")
    return int(share >= options.goal or bool(stale))


if __name__ == "__main__":
    sys.exit(main())

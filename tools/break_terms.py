"""Break every term once: alter each arithmetic term of the numeric core and see whether a test notices.

    python tools/break_terms.py                       every module of the core
    python tools/break_terms.py optimizers network    these modules
    python tools/break_terms.py --list losses         only name the alterations
    python tools/break_terms.py --verbose losses      say of each alteration which test noticed it

An alteration changes one operator, comparison, constant or function, or leaves out one term of a sum, one
factor of a product.  Each runs in a forked child that imports the altered module: first the module's own
tests and doctests, then those of every module that imports it, up to the first failure.  A child that uses
far more processor time than the unaltered tests do is ended and counts as noticed.  Exit code 1 says that
the share of alterations that no test notices is not below the goal.

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
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing import connection, get_context
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

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
    mutant: Mutant | None = None


class Outcome(NamedTuple):
    """How a child ended: what failed first (empty: nothing), and the processor time it took."""

    job: Job
    failure: str
    seconds: float


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


def first_failure(root: Path, files: list[Path]) -> str:
    """Run test files up to the first failure; return its name, or nothing."""
    import pytest

    plugin = FirstFailure()
    options = ["-x", "-q", "-m", "not slow", "--tb=no", "--assert=plain", "-p", "no:cacheprovider"]
    options += ["-p", "_hypothesis_pytestplugin", f"--hypothesis-profile={Path(__file__).stem}"]
    options += [f"--rootdir={root}", f"--config-file={root / 'pyproject.toml'}"]
    code = pytest.main([*options, *map(str, files)], plugins=[plugin])
    if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        package = sys.modules.get(PACKAGE)
        if package and not Path(str(package.__file__)).is_relative_to(root):
            return f"import of {PACKAGE} from {package.__file__}"
        return ""
    return plugin.name or f"pytest: {code!r}"


def play(root: Path, job: Job, tree: ast.Module | None, answer: connection.Connection) -> None:
    """Do a job, in a child; what it prints is lost."""
    os.setsid()
    if job.mutant and tree:
        job.mutant.place.put(job.mutant.node)
        path = root / PACKAGE / f"{job.mutant.module}.py"
        sys.meta_path.insert(0, AlteredLoader(f"{PACKAGE}.{job.mutant.module}", path, tree))
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(silent, descriptor)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):  # not on every system
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    failure = ""
    for files, seconds in job.groups:
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, -1))
        failure = failure or first_failure(root, files)
    answer.send((failure, time.process_time()))


def outcomes(
    root: Path, jobs: Iterable[Job], trees: Mapping[str, ast.Module], workers: int
) -> Iterator[Outcome]:
    """Run jobs in forked children, `workers` at a time; yield each outcome when it is there."""
    context = get_context("fork")
    waiting, running = iter(jobs), {}
    try:
        while True:
            while len(running) < workers and (job := next(waiting, None)):
                receiver, sender = context.Pipe(duplex=False)
                tree = trees[job.mutant.module] if job.mutant else None
                process = context.Process(target=play, args=(root, job, tree, sender))
                process.start()
                sender.close()
                patience = 60 + 5 * sum(seconds for _, seconds in job.groups)  # for what waits, not computes
                running[process.sentinel] = job, process, receiver, time.monotonic() + patience
            if not running:
                return
            connection.wait(list(running), timeout=1)
            for sentinel, (job, process, receiver, deadline) in list(running.items()):
                if not process.is_alive() or time.monotonic() > deadline:
                    end(process)
                    del running[sentinel]
                    yield Outcome(job, *answer_of(process, receiver))
    finally:
        for _, process, _, _ in running.values():
            end(process)


def end(process: Any) -> None:
    """End a child and what it started: its process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()


def answer_of(process: Any, receiver: connection.Connection) -> tuple[str, float]:
    """Return what a child answered; in its place, which signal ended it."""
    with receiver, suppress(EOFError):
        return receiver.recv()
    if process.exitcode > 0:
        raise RuntimeError("An alteration could not be made; its child says why above.")
    return ENDED.get(-process.exitcode, f"ended by signal {-process.exitcode}"), 0.0


# ------------------------------------------------------------------------------------------- script


def warm_up(project: Project) -> None:
    """Import, once for all children, what the core and its tests import from elsewhere."""
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    import pytest  # noqa: F401
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


def durations(project: Project, modules: list[str], workers: int) -> dict[Path, float]:
    """Return the processor time of each test file on unaltered code, where a module's own must pass."""
    own = {path for name in modules for path in project.own_tests(name)}
    files = own.union(*(project.other_tests(name) for name in modules))
    jobs = [Job([([path], 3600.0)]) for path in sorted(files)]
    found = {}
    for outcome in outcomes(project.root, jobs, {}, workers):
        path = outcome.job.groups[0][0][0]
        name = path.relative_to(project.root)
        if not outcome.failure:
            found[path] = outcome.seconds
        elif path in own:
            sys.exit(
                f"{name} must pass before terms are broken; it fails at {outcome.failure}. "
                f"Run python -m pytest -x {name}"
            )
        else:
            print(f"{name} is left out, since it fails on unaltered code, at {outcome.failure}")
    return found


def jobs_of(project: Project, found: Sequence[Mutant], seconds: Mapping[Path, float]) -> Iterator[Job]:
    """Yield a job for each mutant: the module's own tests, then the others, the fastest first."""
    for mutant in found:
        own = project.own_tests(mutant.module)
        passing = [path for path in project.other_tests(mutant.module) if path in seconds]
        others = sorted(passing, key=lambda path: seconds[path])
        groups = [(files, SLOWER * sum(seconds[path] for path in files) + SLACK) for files in (own, others)]
        yield Job([group for group in groups if group[0]], mutant)


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
    seconds = durations(project, modules, options.workers)
    survivors: list[Mutant] = []
    for name in modules:
        begin, unnoticed, timeouts = time.monotonic(), [], 0
        for outcome in outcomes(project.root, jobs_of(project, found[name], seconds), trees, options.workers):
            timeouts += outcome.failure == "timeout"
            if not outcome.failure:
                unnoticed.append(outcome.job.mutant)
            if options.verbose or outcome.failure.startswith("ended"):
                print(f"{outcome.job.mutant}\n    {outcome.failure or 'NOT NOTICED'}")
        survivors += sorted(unnoticed, key=found[name].index)
        print(
            f"{name:24} {len(found[name]):5} altered, {len(unnoticed):4} not noticed, {timeouts:3} timeouts, "
            f"{time.monotonic() - begin:6.0f} s",
            flush=True,
        )
        for mutant in unnoticed:
            print(f"    {mutant}".replace("\n", "\n    "), flush=True)
    share = report(survivors, sum(map(len, found.values())), reasons)
    stale = [key for key in reasons if key[0][:-3] in modules and key not in {m.key for m in survivors}]
    for key in stale:
        print("break_terms_equivalent.txt explains what is noticed, or no longer there:", *key, sep="\n    ")
    return int(share >= options.goal or bool(stale))


if __name__ == "__main__":
    sys.exit(main())

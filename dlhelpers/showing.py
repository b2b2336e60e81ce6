"""Show the implementation beside the formula."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple


class Mark(NamedTuple):
    """A sign and a color for an answer on the page: none is told by its color alone."""

    sign: str
    color: str

    def beside(self, words: str) -> str:
        """Return words in HTML with the sign in front and the color at their edge."""
        return (
            f'<div style="border-left: 4px solid {self.color}; padding-left: 8px; max-width: 960px">'
            f'<b style="color: {self.color}">{self.sign}</b> {words}</div>'
        )


RIGHT, WRONG, OPEN = Mark("✓", "#00795a"), Mark("✗", "#b34700"), Mark("○", "#6e6e6e")


class Code(str):
    """Program text that a notebook shows as highlighted Python."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.rstrip()}\n```"


def show_source(*things: Callable[..., Any]) -> Code:
    """Return the source of functions or classes, without their docstrings and checks of the input.

    The tags at the ends of lines, such as ``# (3)``, are the numbers of the equations.

    Examples
    --------
    >>> from dlhelpers.activations import relu
    >>> show_source(relu)
    def relu(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
        return np.maximum(Z, 0, out=out)
    <BLANKLINE>
    """
    return Code("\n\n".join(_bare(inspect.getsource(thing)) for thing in things))


def _bare(source: str) -> str:
    """Return the source without docstrings, checks of the input, switches and notes for tools."""
    source = textwrap.dedent(source)
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        hidden: list[ast.AST] = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            hidden += node.body[:1] if ast.get_docstring(node) is not None else []
            hidden += [each for each in node.decorator_list if _called(each) in ("errstate", "door")]
        if isinstance(node, ast.stmt) and _only_checks(node):
            hidden.append(node)
        for each in hidden:
            for number in range(each.lineno - 1, each.end_lineno or each.lineno):  # type: ignore[attr-defined]
                lines[number] = "\0"
    shown = (line.partition("  # type: ignore")[0] for line in lines if line != "\0")
    return "\n".join(shown) + "\n"


def _only_checks(node: ast.stmt) -> bool:
    """Return whether a statement does nothing but check the input."""
    if isinstance(node, ast.FunctionDef):
        return node.name == "__post_init__"
    if isinstance(node, ast.If):
        return isinstance(node.body[0], ast.Raise) and not node.orelse
    if isinstance(node, ast.For):
        return all(map(_only_checks, node.body))
    return isinstance(node, ast.Expr) and _called(node.value).lstrip("_").startswith("check")


def _called(node: ast.expr) -> str:
    """Return the last name of what is called, "" if nothing is."""
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "id", "") or getattr(function, "attr", "")

"""Show the implementation beside the formula."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


class Code(str):
    """Program text that a notebook shows as highlighted Python."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.rstrip()}\n```"


def show_source(*things: Callable[..., Any]) -> Code:
    """Return the source of functions or classes, without their docstrings.

    The tags at the ends of lines, such as ``# (3)``, are the numbers of the equations.

    Examples
    --------
    >>> from dlhelpers.activations import relu
    >>> show_source(relu)
    def relu(Z: FloatArray, out: FloatArray | None = None) -> FloatArray:
        _check("Z", Z, out)
        return np.maximum(Z, 0, out=out)
    <BLANKLINE>
    """
    return Code("\n\n".join(_without_docstrings(inspect.getsource(thing)) for thing in things))


def _without_docstrings(source: str) -> str:
    source = textwrap.dedent(source)
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            text = node.body[0]
            for number in range(text.lineno - 1, text.end_lineno or text.lineno):
                lines[number] = "\0"
    return "\n".join(line for line in lines if line != "\0") + "\n"

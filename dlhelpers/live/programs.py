"""The program of a lab, as a reader sees it."""

import ast


def tidy(program: str) -> str:
    """Return a program without the imports that it does not use.

    A lab may write down all that any of its settings needs; what is used is told by the text.
    """
    tree, lines = ast.parse(program), program.splitlines()
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in reversed(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            needed = [each for each in node.names if (each.asname or each.name.partition(".")[0]) in used]
            if needed != node.names:
                node.names = needed
                lines[node.lineno - 1 : node.end_lineno] = [ast.unparse(node)] if needed else []
    return "\n".join(lines).strip() + "\n"

"""The programs that `code()` shows: what a reader copies has no unused import, no unused or unknown name."""

import subprocess
import sys

import pytest

from dlhelpers.live.programs import tidy
from tests.labs import all_labs
from tools.browser import parts_of, slug

RULES = "F"
"""Unused imports and names, names that do not exist."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file for each preset of each lab, and one for the values at the start."""
    folder = tmp_path_factory.mktemp("programs")
    for name, make in all_labs().items():
        parts = parts_of(make)
        start = {key: control.value for key, control in parts["controls"].items()}
        start |= {"seed": 0} if parts["seeded"] else {}
        for label, preset in {"start": {}, **parts["presets"]}.items():
            text = tidy(parts["code"](**{**start, **preset}))
            (folder / f"{name}-{slug(label)}.py").write_text(text, encoding="utf-8")
    return folder


def test_programs_import_what_they_use_and_nothing_else(folder):
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", f"--select={RULES}"]
    found = subprocess.run(
        [*ruff, "--output-format=concise", "."], cwd=folder, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_only_the_imports_go_that_are_not_used():
    program = """
import numpy as np
from math import (
    pi,
    sin,
)
from os import path

result = np.array(pi)
"""
    left = "import numpy as np\nfrom math import pi\n\nresult = np.array(pi)\n"
    assert tidy(program) == left
    assert tidy(left) == left

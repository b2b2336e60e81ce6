"""All exercises and prediction questions of the course, found in the modules of dlhelpers.exercises."""

import importlib
import pkgutil
from typing import Any

import numpy as np

import dlhelpers.exercises
from dlhelpers.exercises.checking import Exercise, Question

MODULES = [
    importlib.import_module(f"dlhelpers.exercises.{module.name}")
    for module in pkgutil.iter_modules(dlhelpers.exercises.__path__)
    if module.name not in ("checking", "course")
]


def things(kind: type) -> dict[str, Any]:
    """Return all of this kind, by "module.name"."""
    return {
        f"{module.__name__.rsplit('.', 1)[-1]}.{name}": thing
        for module in MODULES
        for name, thing in vars(module).items()
        if isinstance(thing, kind)
    }


EXERCISES: dict[str, Exercise] = things(Exercise)
QUESTIONS: dict[str, Question] = things(Question)


def solution(exercise: Exercise) -> Any:
    """Return the function that `solution()` shows."""
    names: dict[str, Any] = {"np": np}
    exec(exercise.solution(), names)
    return names[exercise.name]

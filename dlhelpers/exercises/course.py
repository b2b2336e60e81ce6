"""The notebooks of the course with their exercises and questions, read from the modules of this folder."""

import importlib
import pkgutil
import re
from collections import defaultdict
from types import ModuleType
from typing import NamedTuple

import dlhelpers.exercises
from dlhelpers.exercises.checking import Exercise, Question

TITLES = {
    "00": "Start here",
    "01": "Bias and variance",
    "02a": "Regularization",
    "02b": "Early stopping and augmentation",
    "03": "Dropout",
    "04a": "Normalized inputs",
    "04b": "The first weights",
    "05": "Gradient checking",
    "06a": "Mini-batches",
    "06b": "Momentum to Adam",
    "06c": "Decay and saddles",
    "07a": "Where to look",
    "07b": "A search for real",
    "08": "Batch normalization",
    "09": "Softmax",
    "10": "Capstone",
}
"""Titles of notebooks that are not named after their modules."""


class Notebook(NamedTuple):
    """A notebook of the course.

    Attributes
    ----------
    number, title : str
        Such as "02a" and "Regularization".
    exercises, questions : tuple of str
        Their names, as they are remembered.
    """

    number: str
    title: str
    exercises: tuple[str, ...]
    questions: tuple[str, ...]


def notebooks() -> tuple[Notebook, ...]:
    """Return the notebooks that have exercises or questions; a module's first line tells its notebook."""
    modules: dict[str, list[ModuleType]] = defaultdict(list)
    for found in pkgutil.iter_modules(dlhelpers.exercises.__path__):
        module = importlib.import_module(f"dlhelpers.exercises.{found.name}")
        number = re.search(r"notebook (\d\d[a-z]?)\b", (module.__doc__ or "").partition("\n")[0])
        if number:
            modules[number[1]].append(module)
    return tuple(_notebook(number, modules[number]) for number in sorted(modules))


def _notebook(number: str, modules: list[ModuleType]) -> Notebook:
    things = [thing for module in modules for thing in vars(module).values()]
    exercises = [thing.name for thing in things if isinstance(thing, Exercise)]
    exercises += ["find_the_bug" for module in modules if hasattr(module, "find_the_bug")]  # made on demand
    questions = [thing.name for thing in things if isinstance(thing, Question)]
    topics = ", ".join(module.__name__.rpartition(".")[2].replace("_", " ") for module in modules)
    return Notebook(number, TITLES.get(number, topics.capitalize()), tuple(exercises), tuple(questions))

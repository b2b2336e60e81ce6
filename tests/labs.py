"""All labs of the course, found by their names: functions in dlhelpers.widgets that end in `_lab`."""

import importlib
import pkgutil

import dlhelpers.widgets


def all_labs():
    """Return a dict from name to the function that makes the lab."""
    labs = {}
    for module in pkgutil.iter_modules(dlhelpers.widgets.__path__):
        loaded = importlib.import_module(f"dlhelpers.widgets.{module.name}")
        own = (
            value for value in vars(loaded).values() if getattr(value, "__module__", "") == loaded.__name__
        )
        labs |= {f.__name__: f for f in own if callable(f) and f.__name__.endswith("_lab")}
    return labs

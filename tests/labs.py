"""All labs of the course, found by their names: functions in dlhelpers.labs that end in `_lab`."""

from tools.browser import lab_makers, lab_modules


def all_labs():
    """Return a dict from name to the function that makes the lab."""
    return {name: make for module in lab_modules() for name, make in lab_makers(module).items()}

"""All labs of the course, found by their names: functions in dlhelpers.labs that end in `_lab`."""

from tools.browser import lab_makers, lab_modules


def all_labs():
    """Return a dict from name to the function that makes the lab."""
    return {name: make for module in lab_modules() for name, make in lab_makers(module).items()}


def first_touch(lab, grab, values):
    """Return where a hand takes hold, in pixels: anywhere, or on the grab where several share a panel."""
    ax = lab._picture.canvas.figure.axes[grab.panel]
    if sum(each.panel == grab.panel for each in lab._hand._grabs) == 1:
        return ax.bbox.p0 + 0.3 * ax.bbox.size
    other = 0.0 if grab.at is None else grab.at
    x = grab.to_x(values[grab.x]) if grab.x else other
    y = grab.to_y(values[grab.y]) if grab.y else other
    return ax.transData.transform((x, y))

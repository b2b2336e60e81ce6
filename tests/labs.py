"""All labs of the course, found by their names: functions in dlhelpers.labs that end in `_lab`."""

import itertools
import re
import sys
from unittest import mock

from dlhelpers.live.controls import nearest
from dlhelpers.live.lab import Lab
from dlhelpers.live.stages import Remembered
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


def another_place(lab, grab, values):
    """Return where a hand drags to, in pixels: a place where none of the controls it moves stands now."""
    ax = lab._picture.canvas.figure.axes[grab.panel]
    for share in itertools.product((0.8, 0.7, 0.6, 0.4), repeat=2):
        pixel = ax.bbox.p0 + share * ax.bbox.size
        asked = grab.values(*ax.transData.inverted().transform(pixel))
        if all(nearest(lab.controls[name], value) != values[name] for name, value in asked.items()):
            return pixel
    raise AssertionError(f"nowhere in panel {grab.panel} do all of {grab.x}, {grab.y} move")


SAYS_HOW_FAR = re.compile(r"so far|not yet|on the way|in training|[Aa]t step|\d of [\d,]+ \w+")
"""A finding that says how much has been computed claims nothing about the rest."""


def with_stages(make):
    """Return a lab and the (share done, finding) of each stage at its start; nothing was known before.

    From now on all that it computes is remembered, for the tests that follow.
    """
    for made in vars(sys.modules[make.__module__]).values():
        if isinstance(made, Remembered):
            made.cache_clear()
            made._size = 100
    stages, stages_of = [], Lab._stages

    def noted(lab, values):
        for share, result in stages_of(lab, values):
            stages.append((share, lab._find(result)))
            yield share, result

    with mock.patch.object(Lab, "_stages", noted):
        return make(), stages


def contradicted(stages):
    """Return the findings that are no part of the last one and do not say how far the computation is."""
    last = stages[-1][1] if stages else ""
    return [finding for _, finding in stages if finding not in last and not SAYS_HOW_FAR.search(finding)]

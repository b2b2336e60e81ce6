"""What a run shows, in a few words: the most urgent of the faults that can be read from its numbers.

A sign is given when a number is past its threshold, over the whole run so far; none says only that none of
these was measured.  The thresholds are heuristics, tried over ten seeds each (tests/claims/test_00.py).
"""

from dataclasses import replace

import numpy as np

from dlhelpers.diagnosis import DIVERGED, dead_units, symmetric_units
from dlhelpers.session import Session
from dlhelpers.typing import FloatArray

JUMPED = 1.5
"""A loss of this many times the first one has jumped."""
RISEN, BY = 1.25, 0.05
"""A dev loss of this many times its lowest one, and so much above it, has risen."""
FIRST = 100
"""Steps before which nothing is said of the fit."""
FELL = 0.05
"""A train loss that fell by a smaller share than this, in the second half of the run, no longer falls."""
POOR = 0.9
"""A share of right answers on the training set below this is poor."""


def sign(session: Session) -> str:
    """Return what a run shows, or "" if none of these faults was measured."""
    steps, train, dev, right = np.array(
        [(each.step, each.train_loss, each.dev_loss, each.train_accuracy) for each in session.history]
    ).T
    half = int(np.searchsorted(steps, steps[-1] / 2))
    if session.diverged or train[-1] > DIVERGED * train[0]:
        return "it diverges: the learning rate is too high"
    return _inside(session) or _rate(train, half) or _fit(steps, train, dev, right[-1], half)


def _inside(session: Session) -> str:
    """Look at the units: alike, or dead."""
    now, network = session.now, replace(session.network, keep_prob=1.0)
    if symmetric_units(network.layout, now.theta):
        return "units are all alike: they began with equal weights"
    if "relu" in network.activations:
        trace = network.trace(now.theta, session.train)
        if dead_units(trace, network.activations):
            return "most ReLU units of a layer are dead: 0 everywhere"
    return ""


def _rate(train: FloatArray, half: int) -> str:
    """Look at jumps of the loss in the second half of the run."""
    times = np.max(train[half:]) / train[0]
    return f"the loss jumps to {times:.1f} times the first: the rate is too high" if times > JUMPED else ""


def _fit(steps: FloatArray, train: FloatArray, dev: FloatArray, right: float, half: int) -> str:
    """Look at how both losses go on."""
    if steps[-1] < FIRST:
        return ""
    lowest = int(np.argmin(dev))
    if dev[-1] > max(RISEN * dev[lowest], dev[lowest] + BY) and train[-1] < train[lowest]:
        return f"it overfits: the dev loss rises since step {steps[lowest]:,.0f}"
    if right < POOR and train[-1] > (1 - FELL) * train[half]:
        return f"it underfits: the train loss no longer falls, at {right:.0%} right"
    return ""

"""What a run shows, in a few words: the most urgent of the faults that can be read from its numbers.

A sign is given when a number is past its threshold; none says only that none of these was measured.  Where
weights or layers were changed by hand in the second half of the run, the curves are not asked; where
anything else but the rate was, they are not asked for jumps.  The thresholds are heuristics, tried over ten
seeds each (tests/claims/test_00.py).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dlhelpers.diagnosis import dead_units, symmetric_units
from dlhelpers.session import Session
from dlhelpers.typing import FloatArray

JUMPED = 1.5
"""A loss of this many times the first one has jumped."""
RISEN, BY = 1.25, 0.05
"""A dev loss of this many times its lowest one, and so much above it, has risen."""
FIRST = 100
"""Steps before which nothing is said of the fit."""
FELL = 0.05
"""A train loss of whose whole fall a smaller share came in the second half of the run no longer falls."""
POOR = 0.9
"""A share of right answers on the training set below this is poor."""


def sign(session: Session, curves: Mapping[str, FloatArray]) -> str:
    """Return what a run and its curves show, or "" if none of these faults was measured."""
    if session.diverged:
        return "it diverges: the learning rate is too high"
    steps = curves["step"]
    half = int(np.searchsorted(steps, steps[-1] / 2))
    late = [change for change in session.changes if change.step >= steps[half]]
    if any(change.rewires for change in late):
        return _inside(session)  # what the curves show may come from there
    by_hand = any(set(change.values) - {"learning_rate"} for change in late)
    jump = "" if by_hand else _rate(curves["train_loss"], half)
    return _inside(session) or jump or _fit(curves, half)


def _inside(session: Session) -> str:
    """Look at the units: alike, or dead."""
    now, network = session.now, replace(session.network, keep_prob=1.0)
    if symmetric_units(network.layout, now.theta):
        return "units are all alike: they began with equal weights"
    if "relu" in network.activations:
        with np.errstate(all="ignore"):  # weights on their way to infinity
            trace = network.trace(now.theta, session.train)
        if dead_units(trace, network.activations):
            return "most ReLU units of a layer are dead: 0 everywhere"
    return ""


def _rate(train: FloatArray, half: int) -> str:
    """Look at jumps of the loss in the second half of the run."""
    return "the loss jumps: the rate is too high" if train[half:].max() > JUMPED * train[0] else ""


def _fit(curves: Mapping[str, FloatArray], half: int) -> str:
    """Look at how both losses go on."""
    steps, train, dev = (curves[name] for name in ("step", "train_loss", "dev_loss"))
    right = curves["train_accuracy"][-1]
    if steps[-1] < FIRST:
        return ""
    lowest = int(dev.argmin())
    has_risen = dev[-1] > max(RISEN * dev[lowest], dev[lowest] + BY, dev[half])
    if has_risen and train[-1] < train[lowest]:
        return f"it overfits: the dev loss has been rising since step {steps[lowest]:,.0f}"
    if right < POOR and train[half] - train[-1] < FELL * (train[0] - train[-1]):
        return f"it underfits: the train loss no longer falls, at {right:.0%} right"
    return ""

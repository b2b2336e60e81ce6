"""What is said about a frame of the playground: heading, caption, and how runs differ."""

from collections.abc import Mapping
from typing import Any

from dlhelpers.features import COORDINATES
from dlhelpers.labs.playground.controls import LABELS
from dlhelpers.labs.playground.frame import Frame, Kept
from dlhelpers.labs.playground.geometry import SHOWN
from dlhelpers.plots.decision_regions import GLYPHS
from dlhelpers.session import Measurement


def told(step: int, values: Mapping[str, Any]) -> str:
    """Return a change in words."""
    return f"at step {step:,}: {_named(values)}"


def _named(values: Mapping[str, Any]) -> str:
    """Return settings in words, for instance "Learning rate 0.1, Optimizer momentum"."""
    return ", ".join(f"{LABELS.get(name, name)} {_plain(value)}" for name, value in values.items())


def _plain(value: Any) -> str:
    """Return a value as it is read: 0.1, or 8 8, or x1 x1^2; of points, their number."""
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return f"({len(value)})"
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def differences(kept: Kept, now: Frame) -> str:
    """Return, in words, the settings of a kept run that differ from the present one, and its changes."""
    others = vars(now.start)
    words = [_named({name: v for name, v in vars(kept.settings).items() if v != others[name]})]
    own = [change for change in kept.changes if change not in now.story]
    words += [f"{_named(change.values)} from step {change.step:,}" for change in own[-2:]]
    missing = [change for change in now.story if change not in kept.changes]
    words += [f"without {_named(change.values)} from step {change.step:,}" for change in missing[-2:]]
    if len(own) + len(missing) > len(own[-2:]) + len(missing[-2:]):
        words.append("earlier changes")
    return ", ".join(word for word in words if word) or "the same"


def finding(frame: Frame) -> str:
    """Return the title: how good the network is now, and what is wrong, if that was measured."""
    step = frame.now.step
    how_good = f"Dev accuracy {_percent(frame.now.dev_accuracy)} after {step:,} step{'s' * (step != 1)}"
    return f"{how_good}; {frame.sign}" if frame.sign else how_good


def _percent(share: float) -> str:
    """Return a share in whole percent; it is 100% only if nothing is missing."""
    return "over 99%" if 0.995 <= share < 1 else f"{share:.0%}"


def caption(frame: Frame) -> str:
    """Return what the picture shows, in words."""
    now, settings = frame.now, frame.settings
    n_weights = " x ".join(map(str, frame.sizes))
    given = f", given {_plain(settings.features)}" if settings.features != COORDINATES else ""
    losses, accuracies = _of_sets(now, bool(frame.n_test))
    data = "your own table" if settings.data == "own" else settings.data
    begun = "" if settings.initializer == "recommended" else f", begun with {settings.initializer}"
    words = (
        f"A network {n_weights} on {data}{given}{begun}, trained with {settings.optimizer} "
        f"at a learning rate of {now.learning_rate:.3g}. Loss: {losses}. Accuracy: {accuracies}."
    )
    if max(frame.sizes) > SHOWN:
        words += f" Of a larger layer, the first {SHOWN} units are drawn."
    if frame.class_names:
        marks = (f"{GLYPHS[k]} {name}" for k, name in enumerate(frame.class_names))
        words += f" Classes: {', '.join(marks)}."
    if settings.added:
        n = len(settings.added)
        words += f" {n} point{'s' * (n > 1)} with a dark edge joined the training set by hand."
    if frame.story:
        words += f" Last change {told(*frame.story[-1])}."
    if frame.looked_at is not None:
        there, every = frame.looked_at, frame.every
        grid = f" (measured every {every} steps)" if every > 1 else ""
        words += (
            f" The line marks step {there.step:,}{grid}: "
            f"loss {there.train_loss:.3g} and {there.dev_loss:.3g}, "
            f"accuracy {_percent(there.train_accuracy)} and {_percent(there.dev_accuracy)}."
        )
    if frame.kept:
        words += f" In grey: {', '.join(kept.name for kept in frame.kept)}."
    if frame.outside:
        words += f" {frame.outside} examples lie outside of the map."
    return words + (f" {frame.message}".replace("\n", " ") if frame.message else "")


def _of_sets(now: Measurement, with_test: bool) -> tuple[str, str]:
    """Return losses and accuracies in words."""
    losses = [f"{now.train_loss:.3g} on the training set", f"{now.dev_loss:.3g} on the dev set"]
    accuracies = [_percent(now.train_accuracy), _percent(now.dev_accuracy)]
    if with_test:
        losses.append(f"{now.test_loss:.3g} on the test set")
        accuracies.append(_percent(now.test_accuracy))
    return ", ".join(losses), f"{', '.join(accuracies[:-1])} and {accuracies[-1]}"

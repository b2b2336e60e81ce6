"""The controls of the playground: one for each setting, and those that choose what is looked at."""

from collections.abc import Sequence
from typing import Any

import ipywidgets

from dlhelpers.activations import ACTIVATIONS
from dlhelpers.features import FEATURES
from dlhelpers.initialization import INITIALIZERS
from dlhelpers.live.controls import (
    Toggles,
    choice,
    log_slider,
    real_slider,
    slider,
    steps_slider,
    switch,
    text_field,
    whole,
)
from dlhelpers.losses import LOSSES
from dlhelpers.optimizers import OPTIMIZERS
from dlhelpers.plots.decision_regions import GLYPHS
from dlhelpers.points import DATA, added_as_text, added_in
from dlhelpers.settings import SCHEDULES, Settings

OFF = [("off", 0.0)]
STRENGTHS = [
    *OFF,
    *((f"{digit}e-{power}", float(f"{digit}e-{power}")) for power in (5, 4, 3, 2, 1) for digit in (1, 3)),
]
STRENGTHS += [("1", 1.0), ("3", 3.0), ("10", 10.0)]
BATCH_SIZES = [(str(2**k), 2**k) for k in range(10)]
STOP_AT = [("never", 0), *((f"{n:,}", n) for n in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000))]
GOOD_ENOUGH = [*((f"{percent}%", percent / 100) for percent in range(50, 101)), ("never", 2.0)]
SPEEDS = [*((f"{n:,}", 1 / n) for n in (1, 3, 10, 30, 100, 300, 1000)), ("no limit", 0.0)]
"""Steps a second, and the seconds that each takes at least."""
HALF_AFTER = [(f"{n:,}", n) for n in (10, 30, 100, 300, 1000, 3000, 10_000)]

SPIRAL = {"data": "spirals", "noise": 0.1, "hidden": (16, 16)}
PRESETS: dict[str, tuple[dict[str, Any], str]] = {
    "two moons": ({}, "A plain task; then press Play"),
    "spiral": (SPIRAL, "A harder task: watch the map wind up"),
    "underfits": ({**SPIRAL, "hidden": ()}, "No hidden layer: watch the train loss stay where it is"),
    "overfits": (
        {"data": "xor", "m": 80, "noise": 0.5, "hidden": (32, 32)},
        "Few noisy points: watch the dev loss turn and rise",
    ),
    "rate too high": ({**SPIRAL, "learning_rate": 1.0}, "Watch the loss jump"),
    "dead ReLUs": (
        {**SPIRAL, "activation": "relu", "learning_rate": 1.0},
        "Watch units turn grey: they answer 0 everywhere",
    ),
    "zero weights": ({**SPIRAL, "initializer": "zeros"}, "Watch nothing happen"),
    "digits": ({"data": "digits", "m": 600, "hidden": (16, 16)}, "Ten classes, from two numbers each"),
}
"""Buttons: the settings that differ from the defaults, and what to watch."""

LABELS: dict[str, str] = {
    "data": "Data",
    "m": "Examples",
    "noise": "Noise in the data",
    "dev_share": "Share of the dev set",
    "test_share": "Share of the test set",
    "data_seed": "Seed of the data",
    "features": "Inputs",
    "hidden": "Hidden layers",
    "batch_norm": "Batch normalization",
    "initializer": "Initialization",
    "weight_seed": "Seed of the weights",
    "activation": "Activation",
    "loss_name": "Loss",
    "optimizer": "Optimizer",
    "learning_rate": "Learning rate",
    "schedule": "Schedule",
    "half_after": "Half of it after (steps)",
    "beta": "beta (beta1)",
    "beta2": "beta2",
    "batch_size": "Batch size",
    "l1": "L1, lambda",
    "l2": "L2, lambda",
    "weight_decay": "Weight decay",
    "keep_prob": "keep_prob (dropout)",
    "input_noise": "Noise on the inputs",
    "added": "Points by hand",
}


def setting_controls(s: Settings) -> dict[str, ipywidgets.ValueWidget]:
    """Return a control for every setting, at the value of `s`."""
    return {
        "data": choice(LABELS["data"], list(dict.fromkeys([*DATA, s.data])), s.data),
        "m": slider(LABELS["m"], 20, 1000, min(s.m, 1000), 20),
        "noise": real_slider(LABELS["noise"], 0, 1, s.noise, 0.05),
        "dev_share": real_slider(LABELS["dev_share"], 0.1, 0.9, s.dev_share, 0.05),
        "test_share": real_slider(
            LABELS["test_share"], 0, 0.5, s.test_share, 0.05, help="Nothing is learned or chosen by it"
        ),
        "data_seed": slider(LABELS["data_seed"], 0, 99, s.data_seed),
        "features": Toggles(
            LABELS["features"], list(FEATURES), s.features, "x1 and x2 are the two axes of the map"
        ),
        "hidden": text_field(
            LABELS["hidden"],
            ", ".join(map(str, s.hidden)),
            "Units of each hidden layer, for instance 8, 8; empty for none",
        ),
        "batch_norm": switch(LABELS["batch_norm"], s.batch_norm),
        "initializer": choice(LABELS["initializer"], ["recommended", *INITIALIZERS], s.initializer),
        "weight_seed": slider(LABELS["weight_seed"], 0, 99, s.weight_seed),
        "learning_rate": log_slider(LABELS["learning_rate"], -5, 2, s.learning_rate, 0.1),
        "optimizer": choice(LABELS["optimizer"], list(OPTIMIZERS), s.optimizer),
        "beta": real_slider(LABELS["beta"], 0, 0.99, s.beta, 0.01),
        "beta2": real_slider(LABELS["beta2"], 0.9, 0.9995, s.beta2, 0.0005, ".4f"),
        "schedule": choice(LABELS["schedule"], list(SCHEDULES), s.schedule),
        "half_after": steps_slider(LABELS["half_after"], HALF_AFTER, s.half_after),
        "batch_size": steps_slider(LABELS["batch_size"], BATCH_SIZES, s.batch_size),
        "activation": choice(LABELS["activation"], list(ACTIVATIONS), s.activation),
        "loss_name": choice(LABELS["loss_name"], list(LOSSES), s.loss_name),
        "l1": steps_slider(LABELS["l1"], STRENGTHS, s.l1),
        "l2": steps_slider(LABELS["l2"], STRENGTHS, s.l2),
        "weight_decay": steps_slider(LABELS["weight_decay"], STRENGTHS, s.weight_decay),
        "keep_prob": real_slider(LABELS["keep_prob"], 0.1, 1, s.keep_prob, 0.05),
        "input_noise": real_slider(LABELS["input_noise"], 0, 1, s.input_noise, 0.05),
        "added": text_field(
            LABELS["added"],
            added_as_text(s.added),
            "x1, x2 and class of each point, for instance 0.5,-1,0; 1,2,1. They join the training set",
        ),
    }


def look_controls(panels: Sequence[str]) -> dict[str, ipywidgets.ValueWidget]:
    """Return the controls that leave the run as it is: what is looked at, and where it pauses."""
    step = ipywidgets.IntSlider(
        0,
        0,
        1,
        description="Go back to step",
        tooltip="A line marks this step in the curves, and the sentence below tells its values",
        style={"description_width": "110px"},
    )
    return {
        "step": whole(step),
        "panel": choice("Panel on the right", panels, panels[0]),
        "speed": steps_slider(
            "Steps a second", SPEEDS, 0.0, help="At most so many, to watch each step; training is the same"
        ),
        "stop_at": steps_slider("Pause at step", STOP_AT, 0),
        "good_enough": steps_slider("Pause at dev accuracy", GOOD_ENOUGH, 2.0),
        "edit": ipywidgets.ToggleButton(
            description="Edit points",
            tooltip="A click on the map adds a point, a drag moves it, Delete removes it",
            layout={"width": "auto"},
        ),
        "new_class": choice(
            "Class of a new point", [GLYPHS[k] for k in range(10)], GLYPHS[0], "Shape and color as on the map"
        ),
        "code": ipywidgets.ToggleButton(description="Show code", layout={"width": "auto"}),
    }


def as_setting(name: str, value: Any) -> Any:
    """Return the value of a control as a setting."""
    if isinstance(value, str) and name in ("hidden", "added"):
        return _sizes_in(value) if name == "hidden" else added_in(value)
    return value


def as_shown(settings: Settings) -> dict[str, Any]:
    """Return what the controls show of the settings."""
    hidden = ", ".join(map(str, settings.hidden))
    return {**vars(settings), "hidden": hidden, "added": added_as_text(settings.added)}


def _sizes_in(text: str) -> tuple[int, ...]:
    """Return the sizes in a text such as "8, 8"."""
    try:
        return tuple(int(part) for part in text.replace(" ", ",").split(",") if part)
    except ValueError:
        raise ValueError(
            f"Hidden layers must be whole numbers with commas between; got {text!r}. For instance: 8, 8."
        ) from None

"""The controls of a lab: stock ipywidgets with one look.

The key under which a control is given to `Lab` is the name of the argument that it sets.
"""

import math
from collections.abc import Sequence
from typing import Any

import ipywidgets
import traitlets

LABEL_WIDTH = "158px"
LAYOUT = {"flex": "1 1 350px", "max_width": "470px", "width": "auto"}
"""Two controls stand side by side in a narrow window too; in a wide one their sliders are longer."""


def _look(label: str, help: str = "") -> dict[str, Any]:
    return {
        "description": label,
        "tooltip": help or label,
        "style": {"description_width": LABEL_WIDTH},
        "layout": dict(LAYOUT),
    }


def slider(
    label: str, low: int, high: int, value: int, step: int = 1, help: str = ""
) -> ipywidgets.IntSlider:
    """Return a slider over whole numbers; the number beside it can be typed over."""
    return whole(ipywidgets.IntSlider(min=low, max=high, value=value, step=step, **_look(label, help)))


def whole(control: ipywidgets.IntSlider) -> ipywidgets.IntSlider:
    """Let the page refuse what is typed beside a slider and is no whole number; `picture.js` reads it."""
    control.add_class("dlh-whole")
    return control


def real_slider(
    label: str, low: float, high: float, value: float, step: float, fmt: str = ".2f", help: str = ""
) -> ipywidgets.FloatSlider:
    """Return a slider over real numbers."""
    look = _look(label, help)
    return ipywidgets.FloatSlider(min=low, max=high, value=value, step=step, readout_format=fmt, **look)


def log_slider(
    label: str,
    low: float,
    high: float,
    value: float,
    step: float,
    base: float = 10,
    fmt: str = ".2g",
    help: str = "",
) -> ipywidgets.FloatLogSlider:
    """Return a slider that moves the exponent of `base` from `low` to `high` in steps of `step`.

    `value` is moved to the nearest step: the page would do so when it shows the slider.
    """
    control = ipywidgets.FloatLogSlider(
        base=base, min=low, max=high, value=value, step=step, readout_format=fmt, **_look(label, help)
    )
    control.value = snap(control, value)
    return control


def steps_slider(
    label: str, options: Sequence[tuple[str, Any]], value: Any, help: str = ""
) -> ipywidgets.SelectionSlider:
    """Return a slider over named values, for instance "off", 0.001, 0.01; it starts at the nearest one."""
    nearest = min((each for _, each in options), key=lambda each: abs(each - value))
    return ipywidgets.SelectionSlider(options=list(options), value=nearest, **_look(label, help))


def choice(label: str, options: Sequence[str], value: str, help: str = "") -> ipywidgets.Dropdown:
    """Return a menu of named options."""
    return ipywidgets.Dropdown(options=list(options), value=value, **_look(label, help))


def switch(label: str, value: bool, help: str = "") -> ipywidgets.Checkbox:
    """Return an on-off switch."""
    return ipywidgets.Checkbox(value=value, indent=True, **_look(label, help))


class Toggles(ipywidgets.Box, ipywidgets.ValueWidget):
    """A row of buttons that are on or off; `value` names those that are on, in the order of the options."""

    value: Any = traitlets.Tuple()

    def __init__(self, label: str, options: Sequence[str], value: Sequence[str], help: str = "") -> None:
        self.description, self.options = label, tuple(options)
        self._buttons = {
            each: ipywidgets.ToggleButton(
                description=each, tooltip=f"{label}: {each}. {help}", layout={"width": "auto"}
            )
            for each in options
        }
        left = {
            "width": LABEL_WIDTH,
            "display": "flex",
            "justify_content": "flex-end",
            "margin": "2px 8px 2px 2px",
        }
        row = [ipywidgets.Label(label, layout=left), *self._buttons.values()]
        super().__init__(row, layout={"flex_flow": "row wrap", "width": "100%"})
        self.observe(self._show, "value")
        for name, button in self._buttons.items():
            button.observe(lambda change, name=name: self._pressed(name, change.new), "value")
        self.value = tuple(value)

    def _show(self, change: Any) -> None:
        for name, button in self._buttons.items():
            button.value = name in change.new

    def _pressed(self, name: str, on: bool) -> None:
        if on != (name in self.value):
            self.value = tuple(each for each in self.options if (on if each == name else each in self.value))


def text_field(label: str, value: str, help: str = "") -> ipywidgets.Text:
    """Return a field for a line of text, which counts when Enter is pressed or the field is left."""
    return ipywidgets.Text(value=value, continuous_update=False, **_look(label, help))


def seed_box() -> ipywidgets.BoundedIntText:
    """Return the field for the seed of a lab's random numbers."""
    return ipywidgets.BoundedIntText(
        min=0,
        max=9999,
        value=0,
        description="Seed",
        tooltip="Start of the random numbers. Another seed asks: was it luck?",
        style={"description_width": "40px"},
        layout={"width": "100px"},
    )


def snap(control: ipywidgets.ValueWidget, value: Any) -> Any:
    """Return the value that the page will show: on a log slider, that of the nearest step."""
    if not isinstance(control, ipywidgets.FloatLogSlider):
        return value
    steps = round((math.log(value, control.base) - control.min) / control.step)
    return control.base ** min(control.min + steps * control.step, control.max)


def nearest(control: ipywidgets.ValueWidget, value: Any) -> Any:
    """Return the value of a control that lies nearest to a number, as the pointer asks for it."""
    if isinstance(control, ipywidgets.SelectionSlider):
        return min((each for _, each in control.options), key=lambda each: abs(each - value))
    if isinstance(control, ipywidgets.FloatLogSlider):
        low, high = control.base**control.min, control.base**control.max
        return snap(control, min(max(value, low), high))
    if isinstance(control, ipywidgets.IntSlider | ipywidgets.FloatSlider):
        steps = round((min(max(value, control.min), control.max) - control.min) / control.step)
        return type(control.value)(min(control.min + steps * control.step, control.max))
    return value


def extremes(control: ipywidgets.ValueWidget) -> list[Any]:
    """Return the values at both ends of a control, or all its options."""
    if isinstance(control, ipywidgets.FloatLogSlider):
        return [control.base**control.min, control.base**control.max]
    if isinstance(control, ipywidgets.SelectionSlider):
        return [control.options[0][1], control.options[-1][1]]
    if isinstance(control, ipywidgets.Dropdown):
        return list(control.options)
    if isinstance(control, ipywidgets.Checkbox):
        return [False, True]
    if isinstance(control, Toggles):
        return [control.options[:1], control.options]
    return [control.min, control.max]

"""What stands around the picture of the playground: buttons, folded groups of controls, files."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets

from dlhelpers.labs.playground.controls import PRESETS
from dlhelpers.labs.playground.frame import is_drawn
from dlhelpers.labs.playground.geometry import Connection
from dlhelpers.labs.playground.screen import Screen
from dlhelpers.live.table_form import TableForm
from dlhelpers.settings import FIXED

if TYPE_CHECKING:
    from dlhelpers.labs.playground.playground import Playground

MOST_ROWS = 2000
"""Of a larger table of one's own, this many rows are drawn."""
ONE_ROW = {"data": (150, 40), "learning_rate": (250, 95), "step": (250, 110)}
"""The controls above the picture, least width and width of the label in pixels: one row holds them."""


class Desk:
    """Puts the controls of a playground into their places, and reads and writes its files.

    Parameters
    ----------
    lab : Playground
    screen : Screen
    act : function of a function
        Does something between two steps, and shows it.

    Attributes
    ----------
    table : TableForm
        Takes a table of the reader's own.
    """

    def __init__(
        self, lab: "Playground", screen: Screen, act: Callable[[Callable[[], object]], None]
    ) -> None:
        self._lab, self._screen, self._act = lab, screen, act
        self._button = screen.shell.button
        complain = screen.shell.complain
        self.table = TableForm(lambda examples: lab.own_data(examples.points), act, complain, MOST_ROWS)
        screen.new_weight.observe(
            lambda change: act(partial(self._set_weight, change.new)) if change.new else None, "value"
        )
        self._fill()

    def _fill(self) -> None:
        button, lab, screen = self._button, self._lab, self._screen
        settings, look = lab.controls, screen.look.controls
        for name, (width, label) in ONE_ROW.items():
            control = {**settings, **look}[name]
            control.layout.flex, control.style.description_width = f"1 1 {width}px", f"{label}px"
        self._screen.shell.fill(
            [
                screen.play,
                button("Step", "Make one step", lab.step),
                button("100 steps", "Make a hundred steps", lambda: lab.step(100)),
                button("Reset", "Begin again with the settings of now, and the same seed", lab.reset),
                button("New weights", "Begin again from other weights", lab.new_weights),
                button("Fork", "Keep this run in grey and branch off from here", lab.fork),
                screen.speed,
            ],
            [
                settings["data"],
                settings["learning_rate"],
                look["step"],
                button("Rewind", "Go back to this step", lambda: lab.rewind(screen.step)),
            ],
            groups={
                "Presets": [
                    ipywidgets.Label("New run:"),
                    *(
                        button(label, watch, partial(lab.preset, label))
                        for label, (_, watch) in PRESETS.items()
                    ),
                ],
                "While it trains": [
                    *(settings[name] for name in settings if name not in (*FIXED, "learning_rate", "added")),
                    *self._sizes(),
                ],
                "New run": [settings[name] for name in FIXED if name != "data"],
                "Look and pause": [
                    look[name] for name in ("panel", "speed", "stop_at", "good_enough", "code")
                ],
                "Points by hand": [
                    look["edit"],
                    look["new_class"],
                    settings["added"],
                    button("Remove point", "The one that was touched last", lab.remove_point),
                ],
                "Own table": [self.table.widget],
                "Keep and share": self._keep_and_share(),
            },
            last=[screen.runs.widget],
            below=[screen.weight_row],
        )

    def _sizes(self) -> list[ipywidgets.Widget]:
        """Return the buttons that stand in for the + and - of the drawing."""
        button, add = self._button, self._lab.add
        there = "of the unit that was clicked, or else the last hidden layer"
        return [
            button("Add a unit", f"To the layer {there}", partial(add, units=1)),
            button("Remove a unit", f"From the layer {there}", partial(add, units=-1)),
            button("Add a layer", "Behind the last hidden layer", partial(add, layers=1)),
            button("Remove a layer", "The last hidden layer", partial(add, layers=-1)),
        ]

    def _keep_and_share(self) -> list[ipywidgets.Widget]:
        button, text = self._button, self._screen.text
        return [
            text,
            button("Load", "Train again what the line says", lambda: self._lab.load(text.value)),
            *(
                button(label, f"Write {name}", partial(self._act, partial(self._write, name)))
                for label, name in (("Save network", "playground.npz"), ("Save picture", "playground.png"))
            ),
            button("Forget grey", "Remove the runs that are kept in grey", self._lab.forget),
        ]

    def _set_weight(self, text: str) -> None:
        """Give the weight that was clicked the value in the field, and empty the field."""
        self._screen.new_weight.value = ""
        number = text.strip().replace("\N{MINUS SIGN}", "-").replace(",", ".")
        try:
            value = float(number)
        except ValueError:
            raise ValueError(f"Set it to a number, for instance 0.5; got {text!r}.") from None
        chosen = self._screen.chosen
        if not isinstance(chosen, Connection):
            return
        if not is_drawn(chosen, self._lab.session.network.sizes):  # the next frame will show the new network
            raise ValueError(f"The weight {chosen.name} is not in the new network; click one of its lines.")
        self._lab.session.change(**{chosen.name: value})

    def _write(self, name: str) -> None:
        """Write a file into the folder of the notebook."""
        path = Path(name).resolve()
        try:
            if path.suffix == ".npz":
                self._lab.save(path)
            else:
                path.write_bytes(self._lab.png())
        except OSError as error:
            why = error.strerror or str(error)
            raise OSError(
                f"{path} cannot be written ({why}). Open the notebook in another folder."
            ) from error
        self._screen.shell.complain(f"Written: {path}")

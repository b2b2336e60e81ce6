"""The playground: one network that trains while its knobs are turned."""

from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets

from dlhelpers.labs.playground.controls import PRESETS
from dlhelpers.labs.playground.desk import Desk
from dlhelpers.labs.playground.frame import Frame
from dlhelpers.labs.playground.geometry import More, Part, Unit
from dlhelpers.labs.playground.player import Player
from dlhelpers.labs.playground.run import Run
from dlhelpers.labs.playground.screen import Screen
from dlhelpers.live.on_page import LabOnPage
from dlhelpers.points import Points, added_as_text
from dlhelpers.saving import save_network
from dlhelpers.session import Session
from dlhelpers.settings import Settings
from dlhelpers.sharing import program, to_text
from dlhelpers.showing import Code


class Playground(LabOnPage):
    """One live network: everything but the data and the architecture may change while it trains.

    Parameters
    ----------
    steps : int
        Steps to train before it is shown.
    settings : values of `settings.Settings`
        By name, for instance `data="spirals"`.

    Examples
    --------
    From code, `lab.play()` and `lab.pause()` start and stop, `lab.set(learning_rate=0.1)` turns a knob,
    `lab.step(100)` trains, `lab.rewind(50)` goes back, `lab.text()` is the state as a line of text, and
    `lab.code()` the program.
    """

    def __init__(self, steps: int = 0, **settings: Any) -> None:
        self.name = "Playground"
        self._run = Run(Session(Settings(**settings)))
        self.session.advance(steps)
        self._screen = Screen(
            self._run,
            look_again=lambda: self._act(lambda: None),
            on_loop=lambda do: self._player.on_loop(do),
            on_click=self._clicked,
            put=lambda added: self._player.panel.set({"added": added_as_text(added)}),
            let_go=lambda: self._player.release(),
            rename=self.rename,
            forget=self.forget,
        )
        self._picture, self._shell = self._screen.picture, self._screen.shell
        screen, pace = self._screen, self._picture.pace
        self._player = Player(
            self._run, self._shell, pace, self._show, screen.must_stop, screen.seconds_a_step
        )
        self._act = self._player.act
        self._screen.play.on_click(lambda pressed: self._shell.guarded(self._player.play_or_pause))
        self._desk = Desk(self, self._screen, self._act)
        self._put(self._shell.box)
        self._player.show_settings()
        self._show()

    # ---------------------------------------------------------------- for the reader
    @property
    def session(self) -> Session:
        """The run on the screen."""
        return self._run.session

    @property
    def result(self) -> Frame:
        """What the last frame shows; `caption` says it in words."""
        return self._screen.result

    @property
    def frames(self) -> int:
        """How many frames have been drawn."""
        return self._screen.frames

    @property
    def controls(self) -> dict[str, ipywidgets.ValueWidget]:
        """The controls of the settings, by name."""
        return self._player.panel.controls

    @property
    def playing(self) -> bool:
        """Whether the network is in training."""
        return not self.closed and self._player.playing

    def play(self) -> None:
        """Train until `pause`, a stop condition, or divergence.  Only where an event loop runs."""
        self._player.play()

    def pause(self) -> None:
        """Stop after the present step; also leaves a run that `load` trains again."""
        self._player.pause()

    def step(self, n: int = 1) -> None:
        """Make n steps."""
        self._act(partial(self._run.advance, n))

    def set(self, **values: Any) -> None:
        """Turn knobs.  Data and network begin a new run; all else takes effect at the next step.

        `resize` changes the network in the middle of a run.
        """
        self._act(partial(self._run.turn, values))

    def resize(self, *hidden: int) -> None:
        """Give the network hidden layers of these sizes; it keeps its other weights and trains on."""
        self._act(partial(self._run.resize, hidden))

    def remove_point(self) -> None:
        """Remove the point that was added by hand and touched last."""
        self._shell.guarded(self._screen.pen.remove)

    def add(self, layers: int = 0, units: int = 0) -> None:
        """Add hidden layers, or units to the layer that was clicked or else to the last hidden one."""
        chosen, n_layers = self._screen.chosen, len(self.session.settings.hidden)
        layer = chosen.layer if isinstance(chosen, Unit) else n_layers
        if layers:
            self._act(partial(self._run.add, 0, layers))
        if units:
            self._act(partial(self._run.add, max(min(layer, n_layers), 1), units))

    def set_weight(self, name: str, value: float) -> None:
        """Set a weight, for instance "W2[3,1]": from unit 1 of layer 1 to unit 3 of layer 2, from 0 on."""
        self._act(lambda: self.session.change(**{name: value}))

    def reset(self) -> None:
        """Begin again from the same initial weights, with the present settings; the old run stays in grey."""
        self._act(lambda: self._run.restart(self.session.settings))

    def new_weights(self) -> None:
        """Begin again from other initial weights."""
        seed = (self.session.settings.weight_seed + 1) % 100
        self._act(lambda: self._run.restart(replace(self.session.settings, weight_seed=seed)))

    def preset(self, label: str) -> None:
        """Press the button with this label: a new run with the defaults, but for what the preset sets."""
        self._act(lambda: self._run.restart(Settings(**PRESETS[label][0])))

    def forget(self, letter: str = "") -> None:
        """Remove the run in grey with this letter, or all of them."""
        self._act(partial(self._run.forget, letter))

    def rename(self, letter: str, name: str) -> None:
        """Give the run in grey with this letter another name."""
        self._act(partial(self._run.rename, letter, name))

    def fork(self) -> None:
        """Keep the curves so far in grey, and branch off from here."""
        self._act(self._run.keep)

    def rewind(self, step: int) -> None:
        """Go back to a step that was made; the settings go back too, and the old run stays in grey."""

        def go_back() -> None:
            self._run.rewind(step)
            self._screen.place(step)

        self._act(go_back)

    def text(self) -> str:
        """Return the state as one line, to share; `load` reads it."""
        return to_text(self.session)

    def load(self, text: str) -> None:
        """Train again what a line of text describes; until it is there, the present run stays."""
        self._act(partial(self._player.load, text))

    def own_data(self, points: Points) -> None:
        """Train on a table of your own, read by `columns.read_examples`."""
        settings = replace(self.session.settings, data="own", added=())
        self._act(lambda: self._run.replace(Session(settings, points)))

    def code(self) -> Code:
        """Return plain Python that trains the same network to the same step."""
        return Code(program(self.session))

    def save(self, path: str | Path = "playground.npz") -> None:
        """Write the network to a file that `saving.load_network` reads."""
        now = self.session.now
        save_network(path, self.session.network, now.theta, now.statistics)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await self._player.settled()

    def _stop_work(self) -> None:
        self._player.close()

    # ---------------------------------------------------------------- what the hand does in the picture
    def _clicked(self, part: Part) -> None:
        if isinstance(part, More):
            self._act(partial(self._run.add, part.layer, part.by))
        else:
            self._act(partial(self._screen.choose, part))

    def _show(self) -> None:
        self._screen.show(self.playing)


def playground(steps: int = 0, **settings: Any) -> Playground:
    """Return a playground, trained for some steps; `settings` are those of `settings.Settings`."""
    known = {field.name for field in fields(Settings)}
    unknown = settings.keys() - known
    if unknown:
        raise ValueError(f"playground has the settings {', '.join(sorted(known))}; got {', '.join(unknown)}.")
    return Playground(steps, **settings)

"""What the reader sees of a run: picture, words, and the small controls that say what to look at."""

from collections.abc import Callable
from functools import partial

import ipywidgets

from dlhelpers.labs.playground.controls import look_controls
from dlhelpers.labs.playground.frame import Frame, frame
from dlhelpers.labs.playground.geometry import Connection, Part
from dlhelpers.labs.playground.pen import Pen
from dlhelpers.labs.playground.pointer import part_at, place, read
from dlhelpers.labs.playground.run import Run
from dlhelpers.labs.playground.runs import RunsTable
from dlhelpers.labs.playground.views import PANELS, playground_views
from dlhelpers.labs.playground.words import caption, finding
from dlhelpers.live.canvas import Canvas
from dlhelpers.live.controls import text_field
from dlhelpers.live.panel import Panel
from dlhelpers.live.picture import Picture
from dlhelpers.live.shell import ROW, Shell, display
from dlhelpers.plots.decision_regions import GLYPHS
from dlhelpers.points import Added
from dlhelpers.sharing import program, to_text

SIZE = (11.0, 4.0)
"""Of the figure, in inches of 100 pixels."""
DRAWN, MAPPED = 0, 1
"""The panels that can be clicked: the drawing, and the map while its points are edited."""


class Screen:
    """Shows frames of a run.

    Parameters
    ----------
    run : Run
    look_again : function
        Called when something else is to be looked at.
    on_loop : function
        Does something on the thread of the loop.
    on_click : function of a Part
        Called when a part of the drawing is clicked.
    put : function of points
        Called with the points that the hand leaves in the map.
    let_go : function
        Called when the hand lets a point go.
    rename, forget : function
        Called with the letter of a run in grey, and with its name.

    Attributes
    ----------
    look : Panel
        What is looked at, and where the run pauses.
    picture : Picture
    shell : Shell
    play, speed, text : widgets
    runs : RunsTable
    result : Frame
        What the last frame shows.
    frames : int
        How many there were.
    chosen : Unit, Connection or None
        What was clicked in the drawing, to look at.
    pen : Pen
        What takes the points that are added by hand.
    weight, new_weight : widgets
        The weight that was clicked, and the field for another value.
    """

    def __init__(
        self,
        run: Run,
        look_again: Callable[[], None],
        on_loop: Callable[[Callable[[], object]], None],
        on_click: Callable[[Part], None],
        put: Callable[[Added], None],
        let_go: Callable[[], None],
        rename: Callable[[str, str], None],
        forget: Callable[[str], None],
    ) -> None:
        self.result: Frame
        self.frames = 0
        self.chosen: Part | None = None
        self._run, self._session, self._own_text = run, run.session, ""
        self._on_click = on_click
        self.pen = Pen(run, put, let_go)
        self.look = Panel(look_controls(list(PANELS)), look_again)
        self.picture = Picture(
            Canvas(playground_views, SIZE),
            on_pointer=lambda kind, x, y: on_loop(partial(self._point, kind, x, y)),
            on_page=lambda: on_loop(self.picture.again),
            on_refused=lambda why: self.shell.complain(why),
            on_hold=run.hold,
            on_key=lambda key: on_loop(self.pen.remove) if self.look.controls["edit"].value else None,
            clicks=(DRAWN,),
            on_hover=lambda x, y: on_loop(partial(self._tell, x, y)),
        )
        self.shell = Shell("Playground", self.picture.widget)
        self.play = ipywidgets.Button(description="Play", tooltip="Train, or pause", layout={"width": "90px"})
        self.speed = ipywidgets.Label()
        self.runs = RunsTable(rename, forget)
        self.weight = ipywidgets.Label()
        self.new_weight = text_field("Set it to", "", "A number: the weight that the next step begins with")
        self.weight_row = ipywidgets.Box([self.weight, self.new_weight], layout=ROW)
        self.text = ipywidgets.Text(
            description="State",
            tooltip="The run as one line: copy it, or paste one here and press Load",
            layout={"width": "760px"},
            style={"description_width": "40px"},
        )

    def show(self, playing: bool) -> None:
        """Draw a frame and send it, with its caption."""
        session = self._run.session
        self.look.take()
        if session is not self._session:
            self._session = session
            self.place(0)
        look = self.look.values
        self.picture.clicks = (DRAWN, MAPPED) if look["edit"] else (DRAWN,)
        pen = self.pen.chosen if look["edit"] else None
        result = frame(session, look["panel"], self.chosen, pen, self._run.kept, self.step, playing)
        title, words = finding(result), caption(result)
        self.picture.show(result, None, f"{title}. {words}")
        self.result = result
        self.chosen = result.chosen
        self._show_weight()
        self.frames += 1
        self.shell.say(title, words)
        self.place(look["step"])
        self._show_run(playing)
        self.shell.guarded(lambda: self._show_code(look["code"]), "The program cannot be shown")

    def choose(self, part: Part | None) -> None:
        """Look at a unit or a connection; the same one again, or None, goes back to the map."""
        self.chosen = None if part == self.chosen else part
        self.new_weight.value = ""

    def _point(self, kind: str, x: float, y: float) -> None:
        """Take a click, or what moves points while they are edited."""
        where = place(self.picture.canvas.figure, x, y)
        part = part_at(self.result, where)
        if kind == "down" and part is not None:
            self._on_click(part)
        elif self.look.controls["edit"].value:
            new_class = GLYPHS.index(self.look.controls["new_class"].value)
            self.pen.point(kind, where, self.result.limit, new_class)

    def _tell(self, x: float, y: float) -> None:
        """Answer the pointer."""
        words = ""
        try:
            words = read(self._run.session, self.result, place(self.picture.canvas.figure, x, y))
        finally:
            self.picture.tell(words)  # the page waits for an answer

    def _show_weight(self) -> None:
        chosen = self.result.chosen
        display(self.weight_row, isinstance(chosen, Connection))
        if isinstance(chosen, Connection):
            weight = self.result.layer_weights[chosen.layer - 1][chosen.target, chosen.source]
            where = self.result.geometry.name(chosen)
            self.weight.value = f"{chosen.name}, the weight {where}: {weight:.3g}"

    def _show_code(self, wanted: bool) -> None:
        self.shell.show_code(program(self._run.session) if wanted else "")

    def must_stop(self) -> bool:
        """Tell whether the run has come to where it pauses."""
        session, look = self._run.session, self.look.controls
        if session.diverged or session.step == look["stop_at"].value:
            return True
        last = session.history[-1]
        return last.step == session.step and last.dev_accuracy >= look["good_enough"].value

    def seconds_a_step(self) -> float:
        """Return how much time a step takes at least, by the control of the speed."""
        return float(self.look.controls["speed"].value)

    @property
    def step(self) -> int:
        """The step that is looked at; at the start there is one to look at only."""
        return int(min(self.look.values["step"], self._run.session.step))

    def place(self, step: int) -> None:
        """Let the slider over the steps reach to the end of the run, and stand at `step`."""
        slider, end = self.look.controls["step"], max(self._run.session.step, 1)
        slider.max = max(slider.max, end)
        self.look.put({"step": min(step, end)})
        slider.max = end

    def _show_run(self, playing: bool) -> None:
        """Bring up to date what is known of the run."""
        session, microseconds = self._run.session, self._run.microseconds
        self.play.description, self.play.icon = ("Pause", "pause") if playing else ("Play", "play")
        self.speed.value = f"A step took {microseconds:,.0f} µs." if microseconds else ""
        self.runs.show(self.result, microseconds)
        text = to_text(session)
        if text != self._own_text:  # what the reader typed stays until something happens
            self._own_text = self.text.value = text

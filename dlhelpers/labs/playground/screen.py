"""What the reader sees of a run: picture, words, and the small controls that say what to look at."""

from collections.abc import Callable

import ipywidgets

from dlhelpers.labs.playground.controls import look_controls
from dlhelpers.labs.playground.frame import Frame, caption, comparison, finding, frame
from dlhelpers.labs.playground.run import Run
from dlhelpers.labs.playground.views import PANELS, playground_views
from dlhelpers.live.canvas import Canvas
from dlhelpers.live.panel import Panel
from dlhelpers.live.picture import Picture
from dlhelpers.live.shell import Shell, display
from dlhelpers.sharing import program, to_text

SIZE = (12.4, 4.6)
"""Of the figure, in inches of 100 pixels."""
RUNS_STYLE = """<style>
.dlh-runs {border-collapse: collapse; font-size: 13px; line-height: 1.5;}
.dlh-runs th, .dlh-runs td {padding: 1px 10px 1px 0; text-align: left; border-bottom: 1px solid #ddd;}
</style>"""


class Screen:
    """Shows frames of a run.

    Parameters
    ----------
    run : Run
    look_again : function
        Called when something else is to be looked at.
    on_page : function
        Called when the page wants the picture at another scale.

    Attributes
    ----------
    look : Panel
        What is looked at, and where the run pauses.
    picture : Picture
    shell : Shell
    play, speed, runs, text : widgets
    result : Frame
        What the last frame shows, and `caption` the same in words.
    frames : int
        How many there were.
    """

    def __init__(
        self,
        run: Run,
        look_again: Callable[[], None],
        on_page: Callable[[], None],
    ) -> None:
        self.result: Frame
        self.caption = ""
        self.frames = 0
        self._run, self._session, self._own_text = run, run.session, ""
        self.look = Panel(look_controls(list(PANELS)), look_again)
        self.picture = Picture(
            Canvas(playground_views, SIZE),
            on_page=on_page,
            on_refused=lambda why: self.shell.complain(why),
            on_hold=run.hold,
        )
        self.shell = Shell("Playground", self.picture.widget)
        self.play = ipywidgets.Button(description="Play", tooltip="Train, or pause", layout={"width": "90px"})
        self.speed = ipywidgets.Label()
        self.runs = ipywidgets.HTML(layout={"display": "none"})
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
        result = frame(session, look["panel"], look["layer"], self._run.kept, self.step, playing)
        title, words = finding(result), caption(result)
        self.picture.show(result, None, f"{title}. {words}")
        self.result, self.caption = result, f"{title}. {words}"
        self.frames += 1
        self.shell.say(title, words)
        self.place(look["step"])
        self._show_run(playing)
        self.shell.guarded(lambda: self._show_code(look["code"]), "The program cannot be shown")

    def _show_code(self, wanted: bool) -> None:
        self.shell.show_code(program(self._run.session) if wanted else "")

    def must_stop(self) -> bool:
        """Tell whether the run has come to where it pauses."""
        session, look = self._run.session, self.look.controls
        if session.diverged or session.step == look["stop_at"].value:
            return True
        last = session.history[-1]
        return last.step == session.step and last.dev_accuracy >= look["good_enough"].value

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
        self.look.controls["layer"].max = max(len(session.settings.hidden), 1)
        self.play.description, self.play.icon = ("Pause", "pause") if playing else ("Play", "play")
        self.speed.value = f"A step took {microseconds:,.0f} µs." if microseconds else ""
        self.runs.value = RUNS_STYLE + comparison(self.result, microseconds)
        display(self.runs, bool(self._run.kept))
        text = to_text(session)
        if text != self._own_text:  # what the reader typed stays until something happens
            self._own_text = self.text.value = text

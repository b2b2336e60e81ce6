"""What stands around the picture of a lab: heading, buttons, controls, caption, messages, program."""

import html
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import ipywidgets

STYLE = """<style>
.dlh-lab {overflow: hidden; position: relative;}
.dlh-lab .dlh-progress {position: absolute; top: 0; right: 0; z-index: 1;
    background: var(--jp-layout-color0, white);}
.dlh-lab button.jupyter-button {padding: 0 8px;}
.dlh-lab .dlh-picture {position: relative; margin: 2px 0; overflow: hidden;}
.dlh-lab .dlh-canvas {display: block; max-width: 100%; touch-action: none; background: white;}
.dlh-lab .dlh-canvas.dlh-held {cursor: grabbing !important;}
.dlh-lab .dlh-values {position: absolute; pointer-events: none; padding: 1px 5px; font-size: 12px;
    white-space: nowrap; color: #222; background: rgba(255, 255, 255, 0.9); border: 1px solid #9a9a9a;
    border-radius: 3px;}
.dlh-lab .dlh-heading .widget-html-content {line-height: 1.35; font-size: 15px;}
.dlh-lab .dlh-heading h4 {display: inline; margin: 0 0.6em 0 0; font-size: 15px;}
.dlh-lab .dlh-caption .widget-html-content {max-width: 1100px; line-height: 1.4; font-size: 14px;}
.dlh-lab .dlh-message {border-left: 4px solid #D55E00; padding-left: 8px;}
.dlh-lab .dlh-code {overflow-x: auto; padding: 8px; background: #f5f5f5; color: #222;}
.dlh-lab .dlh-code pre {white-space: pre; word-break: normal;}
.dlh-lab .dlh-gone {display: none;}
.dlh-lab.jupyter-widgets-disconnected .dlh-gone {display: block;}
</style>"""

GONE = "The kernel that this lab belongs to has ended. Run its cell again."
ROW = {"flex_flow": "row wrap", "width": "auto", "margin": "0"}


class Shell:
    """A box with a place for everything that a lab shows, and the one way to do what may fail.

    Parameters
    ----------
    name : str
        The heading.
    picture : widget
    on_stop : function
        Called when Stop is pressed, beside the progress bar.

    Attributes
    ----------
    box : widget
    error : Exception or None
        The last error that was told.
    finding, caption : str
        What was said last: the measured number, and the whole text with the finding first.
    """

    def __init__(
        self, name: str, picture: ipywidgets.Widget, on_stop: Callable[[], None] = lambda: None
    ) -> None:
        self.error: Exception | None = None
        self.finding = self.caption = ""
        self._name = html.escape(name)
        self._heading = text_line("dlh-heading", f"<h4>{self._name}</h4>")
        self._progress = ipywidgets.FloatProgress(
            min=0, max=1, description="Computing", layout={"width": "210px"}
        )
        stop = self.button("Stop", "Stop the computation and keep what is there", on_stop)
        self._progress_row = ipywidgets.HBox([self._progress, stop], layout={"display": "none"})
        self._progress_row.add_class("dlh-progress")
        self._picture = picture
        self._caption = text_line("dlh-caption")
        self._message = text_line("dlh-message")
        self._code = text_line("dlh-code")
        display(self._message, False)
        display(self._code, False)
        self.box = ipywidgets.VBox([])
        self.box.add_class("dlh-lab")

    def fill(
        self,
        buttons: Sequence[ipywidgets.Widget],
        main: Sequence[ipywidgets.Widget],
        more: Sequence[ipywidgets.Widget] = (),
        groups: Mapping[str, Sequence[ipywidgets.Widget]] = MappingProxyType({}),
        last: Sequence[ipywidgets.Widget] = (),
        below: Sequence[ipywidgets.Widget] = (),
    ) -> None:
        """Put the controls into their places.

        Those in `more` are folded until More is pressed, and each of the `groups`, below the caption, until
        the button with its name is pressed.  What is `below` stands between picture and caption.
        """
        folded = ipywidgets.Box(list(more), layout=ROW)
        if more:
            buttons = [*buttons, fold("More", "Show the other controls", folded)]
        boxes = {label: ipywidgets.Box(list(group), layout=ROW) for label, group in groups.items()}
        switches = [fold(label, f"Show the controls of: {label}", box) for label, box in boxes.items()]
        self.box.children = [
            ipywidgets.HTML(STYLE, layout={"display": "none"}),
            self._heading,
            self._progress_row,
            ipywidgets.Box(list(buttons), layout=ROW),
            ipywidgets.Box(list(main), layout=ROW),
            folded,
            self._picture,
            *below,
            self._caption,
            self._message,
            text_line("dlh-gone", GONE),
            *([ipywidgets.Box(switches, layout=ROW)] if switches else []),
            *boxes.values(),
            *last,
            self._code,
        ]

    # ---------------------------------------------------------------- what may fail
    def guarded(self, act: Callable[[], object], failed: str = "Nothing was changed") -> None:
        """Do something; if it fails, say so in words, and go on."""
        try:
            act()
        except Exception as error:
            self.fail(error, failed)

    def fail(self, error: Exception, failed: str = "Nothing was changed", advice: str = "") -> None:
        """Say in words what went wrong."""
        self.error = error
        why = str(error) or type(error).__name__
        self.complain(" ".join(f"{failed}: {why} {advice} (lab.error has the details.)".split()))

    def button(self, label: str, help: str, act: Callable[[], object]) -> ipywidgets.Button:
        """Return a button that does something; an error of it is told in the lab's message."""
        return button(label, help, lambda pressed: self.guarded(act))

    # ---------------------------------------------------------------- what it says
    def say(self, finding: str, caption: str) -> None:
        """Show the measured number beside the name, and the caption below the picture."""
        self.finding, self.caption = finding, f"{finding}. {caption}"
        self._heading.value = f'<h4>{self._name}</h4><span class="dlh-finding">{html.escape(finding)}.</span>'
        self._caption.value = html.escape(caption)

    @property
    def message(self) -> str:
        """The message below the caption, as HTML; empty while none is shown."""
        return "" if self._message.layout.display == "none" else str(self._message.value)

    def complain(self, text: str) -> None:
        """Show a message, for instance what went wrong; an empty one hides it."""
        display(self._message, bool(text))
        if text:
            self._message.value = html.escape(text)

    def show_progress(self, share: float | None) -> None:
        """Show how much of a computation is done; None hides it.  Nothing is moved by it."""
        self._progress.value = share or 0.0
        display(self._progress_row, share is not None)

    def show_code(self, text: str) -> None:
        """Show a program, or hide it if there is none."""
        display(self._code, bool(text))
        self._code.value = f"<pre>{html.escape(text)}</pre>" if text else ""


def button(label: str, help: str, act: Callable[[Any], None]) -> ipywidgets.Button:
    """Return a button that calls `act` with itself."""
    made = ipywidgets.Button(description=label, tooltip=help, layout={"width": "auto"})
    made.on_click(act)
    return made


def fold(label: str, help: str, box: ipywidgets.Box) -> ipywidgets.ToggleButton:
    """Fold a box; return the button that shows and hides it."""
    switch = ipywidgets.ToggleButton(description=label, tooltip=help, layout={"width": "auto"})
    switch.add_class("dlh-fold")
    switch.observe(lambda change: display(box, change.new), "value")
    display(box, False)
    return switch


def display(widget: ipywidgets.Widget, shown: bool) -> None:
    """Show a widget, or let it take no room."""
    widget.layout.display = "" if shown else "none"


def text_line(name: str, value: str = "") -> ipywidgets.HTML:
    """Return a piece of HTML on the page, with a CSS class."""
    made = ipywidgets.HTML(value, layout={"width": "auto"})
    made.add_class(name)
    return made

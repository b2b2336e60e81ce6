"""The widget that shows a canvas: a canvas in the page too, or an image where the page cannot load that.

The page answers each frame with its number, tells its width and pixel ratio, and where the pointer is.
It also reads the numbers that are typed beside the sliders of the lab.
"""

import base64
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets
from matplotlib.axes import Axes

from dlhelpers.live.canvas import DPI, Canvas
from dlhelpers.live.grabs import Grab
from dlhelpers.live.pace import Pace

AROUND = 290
"""Pixels of the window's height that stand around the picture: menus, heading, controls, caption."""
SMALLEST, LARGEST = 0.7, 1.7
"""How far a figure is scaled to the room that the page has."""


class PageCanvas(anywidget.AnyWidget):
    """The canvas in the page; frames come as messages, patch by patch."""

    # The text, not the path: anywidget watches a file for changes, and the watch holds every widget for good.
    _esm = Path(__file__).with_name("picture.js").read_text(encoding="utf-8")
    alt = traitlets.Unicode("").tag(sync=True)
    panels: Any = traitlets.List([]).tag(sync=True)
    deletes = traitlets.Bool(False).tag(sync=True)


class PlainImage(ipywidgets.Image):
    """An image for front ends that cannot load a canvas; its tooltip is its text alternative.

    The page reads `description` of every widget that has a tooltip; a plain Image has none.
    """

    description = traitlets.Unicode("").tag(sync=True)


class Picture:
    """What a lab shows.

    Parameters
    ----------
    canvas : Canvas
    grabs : sequence of Grab
        What can be taken hold of.
    on_pointer : function of (kind, x, y)
        Told "down", "move" and "up", with shares of the figure's width and height.  It may be called on
        another thread.
    on_page : function
        Told that the page wants the picture at another scale.
    on_hold : function of a bool
        Told when the pointer takes hold of a slider, and when a key moves it after that.
    on_refused : function of a sentence
        Told that something was typed beside a slider that is no number.
    clicks : sequence of int
        The panels that can be clicked without a grab, by their place in the figure; an attribute, too.
    on_key : function of a name, optional
        Told that Delete or Backspace was pressed on the picture, as "Delete".
    on_hover : function of (x, y), optional
        Told where the pointer rests, with shares of the figure; what `tell` gets then is shown beside it.
        Without it the page shows the two numbers of the axes.

    Notes
    -----
    With DLHELPERS_PICTURE=image in the environment the widget is an `ipywidgets.Image`: without a
    pointer, and without answers of the page.
    """

    def __init__(
        self,
        canvas: Canvas,
        grabs: tuple[Grab, ...] = (),
        on_pointer: Callable[[str, float, float], None] = lambda kind, x, y: None,
        on_page: Callable[[], None] = lambda: None,
        on_refused: Callable[[str], None] = lambda why: None,
        on_hold: Callable[[bool], None] = lambda held: None,
        clicks: Collection[int] = (),
        on_hover: Callable[[float, float], None] | None = None,
        on_key: Callable[[str], object] | None = None,
    ) -> None:
        self.canvas, self.pace = canvas, Pace()
        self.zoom = self.ratio = 1.0
        self._grabs, self._on_pointer, self._on_page = grabs, on_pointer, on_page
        self._on_refused, self._on_hold = on_refused, on_hold
        self.clicks, self._on_hover, self._on_key = clicks, on_hover, on_key
        self._whole = True
        self.widget: PageCanvas | PlainImage
        if os.environ.get("DLHELPERS_PICTURE") == "image":
            self.widget = PlainImage(format="png", layout={"max_width": "100%"})
            self.widget.add_class("dlh-picture")
        else:
            self.widget = PageCanvas(deletes=on_key is not None)
            self.widget.on_msg(self._hear)

    def show(self, result: Any, before: Any | None, alt: str) -> None:
        """Draw a frame at the page's size and send it, with its text alternative."""
        self.canvas.draw(result, before, self.zoom)
        self._send(alt)

    def sharpen(self) -> None:
        """Draw the frame again with all pixels that the screen has."""
        if self.ratio > 1:
            self.canvas.redraw(self.zoom * self.ratio)
            self._send()

    def again(self) -> None:
        """Send the whole frame again, at the scale that the page wants now."""
        self._whole = True
        self.canvas.redraw(self.zoom * self.ratio)
        self._send()

    def tell(self, words: str) -> None:
        """Show words beside the pointer; none hide them."""
        if not isinstance(self.widget, PlainImage):
            self.widget.send({"told": words})

    def close(self) -> None:
        """Free the widget."""
        self.widget.close()

    def _send(self, alt: str | None = None) -> None:
        number = self.pace.count_frame()
        if isinstance(self.widget, PlainImage):
            with self.widget.hold_sync():
                self.widget.value = self.canvas.png()
                self.widget.tooltip = alt or self.widget.tooltip
            return
        if self.pace.watched:  # a page has asked for pictures
            self._send_patches(number)
        if alt is not None:
            self.widget.alt = alt  # a message of its own, for which no picture waits

    def _send_patches(self, number: int) -> None:
        """Send what has changed since the last frame."""
        patches = self.canvas.changes(self._whole)
        self._whole = False
        self._tell_panels()
        height, width = self.canvas.pixels.shape[:2]
        frame = {
            "number": number,
            "width": width,
            "height": height,
            "css": round(self.canvas.size[0] * DPI * self.zoom, 1),
            "at": [(patch.x, patch.y) for patch in patches],
        }
        self.widget.send(frame, [patch.png for patch in patches])

    def _tell_panels(self) -> None:
        """Let the page know where the axes are, so that it can show the values under the pointer."""
        axes = self.canvas.figure.axes
        panels = [
            {**_panel(ax, self._cursor(k)), "asks": self._on_hover is not None}
            for k, ax in enumerate(axes)
            if ax.axison and ax.get_visible()
        ]
        if panels != self.widget.panels:
            self.widget.panels = panels

    def _cursor(self, panel: int) -> str | None:
        """Return how the pointer looks over a panel."""
        if any(grab.panel == panel for grab in self._grabs):
            return "grab"
        return "pointer" if panel in self.clicks else None

    def _hear(self, widget: object, content: dict[str, Any], buffers: object) -> None:
        """Take a message of the page.  JupyterLab may call this on another thread."""
        kind = content["kind"]
        if kind == "seen":
            self.pace.answer(content["number"])
        elif kind == "page":
            width, height = self.canvas.size
            fits = min(content["room"] / (DPI * width), (content["high"] - AROUND) / (DPI * height))
            self.zoom = round(min(max(fits, SMALLEST), LARGEST), 3)
            self.ratio = min(max(1.0, content["ratio"]), 3.0)
            self._whole = True
            self.pace.watch()
            self._on_page()
        elif kind == "hold":
            self._on_hold(content["held"])
        elif kind == "refused":
            self._on_refused(content["why"])
        elif kind == "hover":
            if self._on_hover is not None:
                self._on_hover(content["x"], content["y"])
        elif kind == "key":
            if self._on_key is not None:
                self._on_key(content["key"])
        else:
            self._on_pointer(kind, content["x"], content["y"])


def _panel(ax: Axes, cursor: str | None) -> dict[str, Any]:
    """Return where an axes is in the figure, and its limits."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    box = ax.bbox.transformed(figure.transSubfigure.inverted())  # get_position would mark the axes as stale
    return {
        "box": [round(share, 4) for share in box.extents],
        "x": [float(limit) for limit in ax.get_xlim()],
        "y": [float(limit) for limit in ax.get_ylim()],
        "log": [ax.get_xscale() == "log", ax.get_yscale() == "log"],
        "cursor": cursor,
    }


def with_picture(box: ipywidgets.Widget, png: bytes, caption: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the display data of a widget and, for a reader without a kernel, a picture and its caption."""
    bundle: dict[str, Any] = box._repr_mimebundle_()
    bundle["text/plain"] = caption
    bundle["image/png"] = base64.b64encode(png).decode()
    return bundle, {"image/png": {"alt": caption}}

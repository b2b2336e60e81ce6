"""All labs in one table: their lines by what they are for, their controls, panels and grabs; their speed.

    python tools/lab_table.py [--browser] [--line KB] [--presses N] [lab ...]

Lines are those of the lab's file that are not blank.  With --browser each lab is shown in a real JupyterLab
at 1280 x 800: its height, and the time from a key and from a grab to new pixels, beside the wire's: the same
key on the same slider, answered with a picture that is ready.  With --line the page's line has so many
kilobytes a second: the time from a key to new pixels, and the kilobytes of a frame, as the labs send it (what
has changed) and as whole pictures.
"""

import argparse
import ast
import inspect
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that it also runs where the package is not installed

from matplotlib.axes import Axes  # noqa: E402
from matplotlib.text import Annotation  # noqa: E402

from dlhelpers.live.canvas import Canvas  # noqa: E402
from dlhelpers.live.lab import MAIN  # noqa: E402
from tools.browser import (  # noqa: E402
    Chromium,
    Control,
    DidNotCome,
    Jupyter,
    LabPage,
    LabView,
    lab_makers,
    lab_modules,
    parts_of,
    write_notebook,
)

KINDS = ("computation", "words", "program", "views", "wiring")
WORDS = ("finding", "caption")
SCREEN = (1280, 800)


# ------------------------------------------------------------------------------------------ lines


def lines_by_kind(source: str) -> Counter[str]:
    """Return how many lines of a lab's file are for what.

    Words are what returns text; the program, functions named `program...`; views, classes with an `update`
    and functions of a figure; wiring, the functions that make the labs.  All else is computation.
    """
    lines = source.splitlines()
    kinds = ["computation"] * len(lines)
    for node in ast.parse(source).body:
        parts = [node, *(node.body if isinstance(node, ast.ClassDef) else ())]
        for part in parts:
            first = min([part.lineno, *(each.lineno for each in getattr(part, "decorator_list", ()))])
            for k in range(first - 1, part.end_lineno or first):
                kinds[k] = kind_of(part, kinds[k])
    return Counter(kind for kind, line in zip(kinds, lines, strict=True) if line.strip())


def kind_of(node: ast.stmt, outer: str) -> str:
    """Return what a statement is for, inside of something that is for `outer`."""
    if isinstance(node, ast.ClassDef):
        methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
        return "views" if "update" in methods else outer
    if not isinstance(node, ast.FunctionDef) or outer != "computation":
        return outer
    if node.name.endswith("_lab"):
        return "wiring"
    if node.name.strip("_").startswith("program"):
        return "program"
    takes = [ast.unparse(each.annotation) for each in node.args.args if each.annotation]
    if "Figure" in takes:
        return "views"
    return "words" if node.returns and ast.unparse(node.returns) == "str" else outer


# ------------------------------------------------------------------------------------- what it holds


class Row(NamedTuple):
    """A lab, without a browser."""

    name: str
    lines: Counter[str]
    controls: int
    panels: int
    keys: int
    grabs: int

    def __str__(self) -> str:
        kinds = " ".join(f"{self.lines[kind]:>{len(kind)}}" for kind in KINDS)
        opened = f"{min(self.controls, MAIN)} of {self.controls}"
        return (
            f"{self.name[:34]:34} {self.lines.total():5} {kinds}  {opened:>8} {self.panels:6} "
            f"{self.keys:4} {self.grabs:5}"
        )


HEADER = f"{'':34} lines {' '.join(KINDS)}  controls panels keys grabs"


def describe(make: Callable[[], Any]) -> Row:
    """Return the row of a lab."""
    parts = parts_of(make)
    axes = Canvas(parts["views"], parts["size"]).figure.axes
    controls = [name for name in parts["controls"] if name != "seed"]
    source = Path(inspect.getfile(make)).read_text(encoding="utf-8")
    return Row(
        parts["name"], lines_by_kind(source), len(controls), len(axes), keys_in(axes), len(parts["grabs"])
    )


def keys_in(axes: Sequence[Axes]) -> int:
    """Return how many entries their legends, and the lines above them, have together."""
    legends = sum(len(ax.get_legend().get_texts()) for ax in axes if ax.get_legend())
    return legends + sum(is_of_a_key(text) for ax in axes for text in ax.texts)


def is_of_a_key(text: Any) -> bool:
    """Return whether a text is a piece of `plots.style.key`."""
    return isinstance(text, Annotation) and text.anncoords == "offset points" and text.get_fontsize() == 9.5


# --------------------------------------------------------------------------------------- in a browser

# In the kernel: from now on each change is answered with a picture that is ready, so that only the way of the
# value to the kernel and of the picture to the page is left.
READY = """
def answer_with_a_ready_picture(lab):
    picture, png = lab._picture, lab.png()
    height, width = picture.canvas.pixels.shape[:2]
    def answer():
        lab._panel.take()
        frame = {"number": picture.pace.count_frame(), "width": width, "height": height, "at": [(0, 0)],
                 "css": width}
        picture.widget.send(frame, [png])
    lab._panel._on_change = answer
"""


class Times(NamedTuple):
    """Milliseconds from the hand to new pixels, one for each move."""

    each: list[float]

    def __str__(self) -> str:
        if len(self.each) < 2:
            return "   -    -"
        return f"{statistics.median(self.each):4.0f} {statistics.quantiles(self.each, n=20)[-1]:4.0f}"


def delay(lab: LabView, move: Callable[[], None]) -> float:
    """Return the milliseconds from a move of the hand to the first new picture after it."""
    lab.forget()
    move()
    lab.wait_for_frame()
    return lab.frame_times()[0] - lab.input_times()[-1]


def keys_to_pixels(lab: LabView, slider: Control, presses: int, rest: Callable[[], object]) -> Times:
    """Press an arrow key, two steps one way and two back; the first two presses warm up."""
    back, times = slider.share > 0.5, []
    for k in range(presses + 2):
        slider.focus()
        try:
            times.append(delay(lab, lambda k=k: slider.press(back != bool(k // 2 % 2))))
        except DidNotCome:  # a slider of two stops has no second step
            continue
        rest()
    return Times(times[2:])


def grab_to_pixels(lab: LabView, twin: dict[str, Any], moves: int, rest: Callable[[], object]) -> Times:
    """Hold the first thing that can be taken hold of, and move it to and fro."""
    if not twin["grabs"]:
        return Times([])
    grab = twin["grabs"][0]
    box = Canvas(twin["views"], twin["size"])
    box.redraw(1.0)  # which lays it out
    place = box.figure.axes[grab.panel].get_position()
    times = []
    with lab.holding((place.x0 + 0.5 * place.width, place.y0 + 0.5 * place.height)) as to:
        rest()
        for k in range(moves + 2):
            share = (0.3, 0.7)[k % 2] + 0.01 * (k // 2)
            target = place.x0 + share * place.width, place.y0 + share * place.height
            try:
                times.append(delay(lab, lambda target=target: to(*target)))
            except DidNotCome:  # there was no other value of the control at this place
                continue
            rest()
    return Times(times[2:])


def frames_in_a_drag(lab: LabView, slider: Control) -> int:
    """Drag in 30 moves and one second; return the frames that came until the last move."""
    lab.forget()
    slider.drag(0.2 if slider.share > 0.5 else 0.8)
    last = max(lab.input_times())
    return sum(at <= last for at in lab.frame_times())


# In the kernel: note how many bytes of pictures are sent; send whole pictures from now on.
WEIGH = """
def weigh_frames(lab):
    widget, lab.sent = lab._picture.widget, []
    send = widget.send
    def weigh(content, buffers=None):
        if buffers:
            lab.sent.append(sum(map(len, buffers)))
        send(content, buffers)
    widget.send = weigh

def send_whole_pictures(lab):
    canvas = lab._picture.canvas
    changes = canvas.changes
    canvas.changes = lambda whole=False: changes(True)
"""
LINE_HEADER = f"{'':34} changes: median p95  kB a frame  whole: median p95  kB a frame"


def on_a_line(lab: LabView, kilobytes: float, presses: int) -> str:
    """Return the row of a lab whose page has a slow line."""
    kernel, found = lab.notebook.kernel, f"dlh_lab({lab.name!r})"
    sliders = [control for control in lab.controls() if control.kind == "slider"]
    if not sliders:
        return f"{lab.name[:34]:34} has no slider"
    kernel.run(WEIGH)
    kernel.run(f"weigh_frames({found})")
    lab.notebook.line(kilobytes)
    cells = []
    for whole in (False, True):
        if whole:
            kernel.run(f"send_whole_pictures({found})")
        kernel.run(f"{found}.sent.clear()")
        times = keys_to_pixels(lab, sliders[0], presses, lab.settle)
        sent = statistics.median(kernel.ask(f"{found}.sent")) / 1000
        cells.append(f"{times!s:>15} {sent:11.1f}")
    lab.notebook.line()
    return f"{lab.name[:34]:34} " + "  ".join(cells)


BROWSER_HEADER = f"{'':34} height  key: median p95  wire: median p95  grab: median p95  frames/s"


def measure(lab: LabView, make: Callable[[], Any], presses: int) -> str:
    """Return the row of a lab that stands in a page."""
    kernel, twin = lab.notebook.kernel, parts_of(make)
    height = lab.size_at(*SCREEN).height
    kernel.run(READY)
    sliders = [control for control in lab.controls() if control.kind == "slider"]
    keys = wire = Times([])
    frames: object = "-"
    grab = grab_to_pixels(lab, twin, presses, lab.settle)
    lab.press_and_settle("Reset")
    if sliders:
        keys = keys_to_pixels(lab, sliders[0], presses, lab.settle)
        frames = frames_in_a_drag(lab, sliders[0])
        lab.press_and_settle("Reset")
        kernel.run(f"answer_with_a_ready_picture(dlh_lab({lab.name!r}))")
        wire = keys_to_pixels(lab, sliders[0], presses, lambda: kernel.ask("1"))
    return f"{lab.name[:34]:34} {height:6.0f} {keys!s:>16} {wire!s:>17} {grab!s:>17} {frames!s:>9}"


def measure_all(makers: Sequence[Callable[[], Any]], header: str, row: Callable[..., str]) -> None:
    """Print the rows of labs in a page of their own each; `row(lab, make)` returns one."""
    with tempfile.TemporaryDirectory() as folder, Jupyter() as jupyter, Chromium() as chromium:
        print(header, flush=True)
        for make in makers:
            path = Path(folder) / f"{make.__name__}.ipynb"
            write_notebook(path, f"from {make.__module__} import {make.__name__}\n{make.__name__}()")
            page = LabPage(chromium, jupyter, path)
            page.run_all()
            print(row(page.lab(parts_of(make)["name"]), make), flush=True)
            page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("labs", nargs="*", help="functions that make labs; all by default")
    parser.add_argument("--browser", action="store_true", help="measure in a page, too")
    parser.add_argument("--line", type=float, help="kilobytes a second of a slow line to measure on")
    parser.add_argument("--presses", type=int, default=20, help="of a key, and moves of a grab (20)")
    options = parser.parse_args()
    found = {name: make for module in lab_modules() for name, make in lab_makers(module).items()}
    unknown = set(options.labs) - set(found)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    makers = [make for name, make in found.items() if not options.labs or name in options.labs]
    print(HEADER)
    for make in makers:
        print(describe(make))
    if options.browser:
        measure_all(makers, BROWSER_HEADER, lambda lab, make: measure(lab, make, options.presses))
    if options.line:
        measure_all(makers, LINE_HEADER, lambda lab, make: on_a_line(lab, options.line, options.presses))


if __name__ == "__main__":
    main()

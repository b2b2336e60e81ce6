"""Frames a second of the playing playground, and the delay of a knob, beside a plain loop and in a page.

    python benchmarks/playground.py [--seconds N] [--knobs N] [--drawing-only]

Both sides train the default network on the same data by the same optimizer and draw the same panels at the
same size to PNG.  The playground plays on an event loop, with the page's answers left out.  The plain loop
does what a notebook cell does: it trains for as long between two pictures, builds the figure anew, saves it
as the inline backend does, and hears of a changed number in the next round of the loop.

Frames are told by the clock and, in brackets, for each second of processor time: on a machine that is busy
with other work only the second number means something.  The exit code is 1 if it is below 15.

Then frames with and without the drawing of the network, in turns, in processor time: to take the numbers,
to draw, and to encode what has changed.

Then, where there is a Chromium, the playground plays in a real JupyterLab: pictures that reach the screen,
and the time from a key on the learning rate's slider to the picture whose caption names the new rate.
"""

import argparse
import asyncio
import contextlib
import io
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that it also runs where the package is not installed

import matplotlib  # noqa: E402

matplotlib.use("agg")

import matplotlib.pyplot as plt  # noqa: E402

from dlhelpers.labs.playground import frame as frame_module  # noqa: E402
from dlhelpers.labs.playground.drawing import NetworkView  # noqa: E402
from dlhelpers.labs.playground.frame import frame  # noqa: E402
from dlhelpers.labs.playground.player import FRAME, TRAIN_FOR  # noqa: E402
from dlhelpers.labs.playground.playground import Playground  # noqa: E402
from dlhelpers.labs.playground.screen import SIZE  # noqa: E402
from dlhelpers.labs.playground.views import playground_views  # noqa: E402
from dlhelpers.labs.playground.words import caption, finding  # noqa: E402
from dlhelpers.live.canvas import Canvas  # noqa: E402
from dlhelpers.live.pace import one_blas_thread  # noqa: E402
from dlhelpers.plots.style import course_style  # noqa: E402
from dlhelpers.session import Session  # noqa: E402
from tools.browser import Chromium, Jupyter, LabPage, LabView, Missing, wait_until, write_notebook  # noqa: E402

GOAL = 15.0
RATES = (0.01, 0.02)


class Side(NamedTuple):
    """What one side reached; delays in milliseconds, one for each turn of the knob."""

    frames: float
    frames_of_processor: float
    steps: float
    to_step: list[float]
    to_frame: list[float]

    def __str__(self) -> str:
        step, picture = (statistics.median(each) for each in (self.to_step, self.to_frame))
        worst = max(self.to_step)
        frames = f"{self.frames:6.1f} ({self.frames_of_processor:5.1f})"
        return f"{frames} {self.steps:8.0f} {step:10.1f} {worst:8.1f} {picture:10.1f}"


async def ours(seconds: float, knobs: int) -> Side:
    """Let a playground play, and turn its learning rate while it does."""
    lab = Playground()
    lab.play()
    await asyncio.sleep(0.5)  # warm up
    start, busy = time.perf_counter(), time.process_time()
    frames, step = lab.frames, lab.session.step
    await asyncio.sleep(seconds)
    passed, busy = time.perf_counter() - start, time.process_time() - busy
    frames, step = lab.frames - frames, lab.session.step - step

    to_step, to_frame = [], []
    first = [0.0]
    advance = Session.advance

    def noting(session: Session, n: int = 1) -> None:
        advance(session, n)
        if len(session.changes) > changes and not first[0]:
            first[0] = time.perf_counter()  # the first update by the new value has just been made

    for k in range(knobs):
        await asyncio.sleep(0.05 + 0.013 * (k % 7))  # at any place between two frames
        changes, first[0] = len(lab.session.changes), 0.0
        lab._run.let_go()  # each turn is a change of its own, not a drag
        Session.advance = noting  # type: ignore[method-assign]
        turned, seen = time.perf_counter(), lab.frames
        lab.controls["learning_rate"].value = RATES[(k + 1) % 2]
        while not first[0] or lab.frames == seen or not lab.result.story:
            await asyncio.sleep(0)
        while lab.result.now.step < lab.session.changes[-1].step:
            await asyncio.sleep(0)
        to_frame.append(1000 * (time.perf_counter() - turned))
        to_step.append(1000 * (first[0] - turned))
        Session.advance = advance  # type: ignore[method-assign]
    lab.close()
    await asyncio.sleep(0)
    return Side(frames / passed, frames / busy, step / passed, to_step, to_frame)


def draw(session: Session) -> bytes:
    """Return the picture of a session, on a figure that is built anew, as the inline backend makes it."""
    result = frame(session, "loss", None, None, (), 0, True)
    with matplotlib.rc_context(course_style()):
        figure = plt.figure(figsize=SIZE, dpi=100, layout="constrained")
        for view in playground_views(figure):
            view.update(result, None)
        figure.suptitle(finding(result), x=0.01, ha="left", fontsize=13, fontweight="bold")
        for artist in figure.findobj(lambda artist: artist.get_animated()):
            artist.set_animated(False)  # an animated artist is left out of an ordinary picture
        file = io.BytesIO()
        figure.savefig(file, format="png", bbox_inches="tight", dpi="figure")
        plt.close(figure)
    caption(result)
    return file.getvalue()


def peer(seconds: float, knobs: int) -> Side:
    """Train and draw in a plain loop; a knob that turns at any place of a round is read in the next one."""
    session = Session()
    pictures, rounds, steps = 0, [], []

    def one_round() -> float:
        """Return the seconds from the beginning of the round to the end of its first step."""
        start = time.perf_counter()
        first = 0.0
        while time.perf_counter() - start < max(TRAIN_FOR, FRAME / 2):
            session.advance()
            first = first or time.perf_counter() - start
        draw(session)
        return first

    with one_blas_thread():
        one_round()  # warm up
        start, busy, before = time.perf_counter(), time.process_time(), session.step
        while time.perf_counter() - start < seconds:
            one_round()
            pictures += 1
        passed, busy = time.perf_counter() - start, time.process_time() - busy
        made = session.step - before
        for k in range(knobs):
            begun = time.perf_counter()
            one_round()
            whole = time.perf_counter() - begun
            waits = whole * (1 - (k + 0.5) / knobs)  # from the hand, at this place of a round, to its end
            session.change(learning_rate=RATES[(k + 1) % 2])
            begun = time.perf_counter()
            steps.append(1000 * (waits + one_round()))
            rounds.append(1000 * (waits + time.perf_counter() - begun))
    return Side(pictures / passed, pictures / busy, made / passed, steps, rounds)


def with_and_without_drawing(frames: int) -> dict[str, float]:
    """Return frames for each second of processor time, of a network that takes ten steps between two."""
    session, spent = Session(), {"with the drawing": 0.0, "without it": 0.0}
    canvases = {
        "with the drawing": Canvas(playground_views, SIZE),
        "without it": Canvas(
            lambda figure: [v for v in playground_views(figure) if not isinstance(v, NetworkView)], SIZE
        ),
    }
    no_answers = mock.patch.object(frame_module, "answers", lambda *arguments: ())
    with one_blas_thread():
        for k in range(frames + 1):
            session.advance(10)
            for name, canvas in canvases.items():
                with contextlib.nullcontext() if name == "with the drawing" else no_answers:
                    began = time.process_time()
                    canvas.draw(frame(session, "loss", None, None, (), 0, True), None)
                    canvas.changes()
                    spent[name] += (time.process_time() - began) * (k > 0)  # the first one lays out
    return {name: frames / seconds for name, seconds in spent.items()}


def in_the_page(seconds: float, knobs: int) -> str:
    """Let a playground play in a real JupyterLab; say what reaches the screen, or why it cannot be seen."""
    cell = (
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from dlhelpers.labs.playground.playground import playground\nlab = playground()\nlab"
    )
    try:
        with tempfile.TemporaryDirectory() as folder, Jupyter() as jupyter, Chromium() as chromium:
            path = Path(folder) / "bench_playground.ipynb"
            write_notebook(path, cell)
            page = LabPage(chromium, jupyter, path)
            page.run_all()
            lab = page.lab("Playground")
            kernel = page.kernel  # a client waits for silence when it connects: before the play
            lab.press_button("Play")
            time.sleep(1)  # warm up
            lab.forget()
            step = kernel.ask("lab.session.step")
            time.sleep(seconds)
            frames = len(lab.frame_times()) / seconds
            steps = (kernel.ask("lab.session.step") - step) / seconds
            delays = [delay_of_a_key(lab, back=k % 2 == 1) for k in range(knobs)]
            lab.press_button("Pause")
            page.close()
    except Missing as missing:
        return f"Not measured in a page: {missing}"
    return (
        f"In JupyterLab and Chromium: {frames:.1f} frames/s reach the screen, {steps:,.0f} steps/s; from a "
        f"key to the picture {statistics.median(delays):.0f} ms (median), {max(delays):.0f} ms (worst)"
    )


def delay_of_a_key(lab: LabView, back: bool) -> float:
    """Press an arrow key on the learning rate; return the milliseconds until a picture names the new one."""
    slider = lab.control("Learning rate")
    slider.focus()
    lab.forget()
    slider.press(back)
    rate = f"learning rate of {0.01 if back else 10**-1.9:.3g}"  # a step of the slider is 0.1 decades
    lab.wait_for_caption(rate)
    wait_until(lambda: lab.shown_at(rate) < float("inf"), "the picture", 5)
    return lab.shown_at(rate) - lab.input_times()[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of playing on each side (5)")
    parser.add_argument("--knobs", type=int, default=40, help="turns of the knob on each side (40)")
    parser.add_argument("--drawing-only", action="store_true", help="with and without the drawing, no more")
    options = parser.parse_args()
    for name, rate in with_and_without_drawing(100).items():
        print(f"{rate:.1f} frames/s of CPU {name}")
    if options.drawing_only:
        return 0
    a = asyncio.run(ours(options.seconds, options.knobs))
    b = peer(options.seconds, options.knobs)
    print("The playing playground, default network, without a browser; delays of a knob in ms")
    print(f"{'':12} frames/s (of CPU) steps/s    to step    worst   to picture")
    print(f"{'playground':12} {a}\n{'plain loop':12} {b}")
    median = statistics.median
    print(
        f"{'ratio':12} {a.frames / b.frames:6.1f} "
        f"({a.frames_of_processor / b.frames_of_processor:5.1f}) {a.steps / b.steps:8.1f} "
        f"{median(b.to_step) / median(a.to_step):10.1f} {max(b.to_step) / max(a.to_step):8.1f} "
        f"{median(b.to_frame) / median(a.to_frame):10.1f}"
    )
    print(in_the_page(options.seconds, options.knobs // 2))
    if a.frames_of_processor < GOAL:
        print(f"Missed: {a.frames_of_processor:.1f} frames in a second of CPU; the goal is {GOAL:g}")
    return int(a.frames_of_processor < GOAL)


if __name__ == "__main__":
    sys.exit(main())

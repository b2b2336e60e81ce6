"""The live layer in a real JupyterLab: a fast hand, threads, interrupt, a cell run again, a page reloaded."""

import re
from collections.abc import Callable

import pytest

from tools.browser import Control, LabPage, LabView, lab_makers, lab_modules, tag

BACKLOG = 300
"""Milliseconds after the last move of a drag by which the picture must belong to it."""

RunCells = Callable[..., LabPage]
DECOMPOSITION = "from dlhelpers.labs.bias_variance import decomposition_lab\ndecomposition_lab()"
HEADING = "Bias and variance add up"


def first_slider(lab: LabView) -> Control:
    return next(control for control in lab.controls() if control.kind == "slider")


def delay_after_drag(lab: LabView, slider: Control) -> float:
    """Drag in 30 moves and one second; return when picture and caption belonged to the last value, in ms."""
    lab.settle()
    lab.forget()
    slider.drag(0.2 if slider.share > 0.5 else 0.8)
    state = lab.settle()
    return lab.shown_at(tag(state.arguments)) - max(lab.input_times())


@pytest.mark.parametrize("module", lab_modules())
def test_a_fast_drag_leaves_no_backlog(run_cells: RunCells, module: str) -> None:
    """The captions of these labs hold the values that were computed from; a preview of them counts.

    The machine may be busy with other things: the best of three drags counts.
    """
    names = list(lab_makers(module))
    page = run_cells(
        f"from dlhelpers.labs.{module} import {', '.join(names)}\nfrom tools.browser import tagged_lab",
        *(f"tagged_lab({name})" for name in names),
    )
    late: dict[str, dict[str, list[float]]] = {}
    for lab in page.labs():
        lab.wait_for_picture()
        lab.unfold()
        delays: dict[str, list[float]] = {}
        for slider in (control for control in lab.controls() if control.kind == "slider"):
            times = delays[slider.label] = []
            while len(times) < 3 and min(times, default=BACKLOG) >= BACKLOG:
                times.append(delay_after_drag(lab, slider))
            lab.press_button("Reset")
        print(lab.name, {label: [round(delay) for delay in times] for label, times in delays.items()})
        late[lab.name] = {label: times for label, times in delays.items() if min(times) >= BACKLOG}
    assert not any(late.values()), late


LISTENING_LAB = """\
import threading
from dlhelpers.labs.bias_variance import decomposition_lab

lab = decomposition_lab()
moves = []
lab.controls["capacity"].observe(lambda change: moves.append(threading.current_thread().name), "value")
lab"""

SIXTY_FIGURES = """\
import io
import matplotlib.pyplot as plt
import numpy as np

def draw(k):
    fig, (left, right) = plt.subplots(1, 2, figsize=(7, 3))
    left.plot(np.sin(np.arange(400) * k / 500), label=str(k))
    left.legend()
    right.imshow(np.add.outer(np.arange(60), np.arange(60)) % (k + 2))
    file = io.BytesIO()
    fig.savefig(file, format="png")
    plt.close(fig)
    return file.getvalue()

if "undisturbed" not in globals():
    undisturbed = [draw(k) for k in range(60)]  # the first run: the hand is still
else:
    at_start = len(moves)
    spoiled = sum(draw(k) != undisturbed[k] for k in range(60))
    came = moves[at_start:]"""


def test_moves_during_a_cell_that_draws_spoil_none_of_its_figures(run_cells: RunCells) -> None:
    """A hundred moves by keyboard arrive while a cell draws 60 figures with pyplot.

    With JupyterLab 4.6 and ipykernel 7.4 the slider's callbacks do come during the cell, on the thread of
    a subshell (10 to 15 of them: the page sends the next value when the last one is acknowledged); with
    ipykernel 6 they wait for the cell to end.  What spoils figures is not only drawing on that thread:
    after every message to a widget the package comm triggers IPython's post_execute, there too, and the
    inline backend then shows and closes all figures, under the hands of the cell that draws them.
    """
    import ipykernel

    page = run_cells(LISTENING_LAB, SIXTY_FIGURES)
    lab, cell = page.lab(HEADING), page.cell("def draw(k)")
    slider = first_slider(lab)
    for back in (False, True):  # JupyterLab makes the subshell with the first message
        before = lab.picture()
        slider.press(back)
        lab.wait_for_new_picture(before)
        lab.settle()
    page.start_cell(cell)
    slider.focus()
    for k in range(100):
        page.page.keyboard.press("ArrowLeft" if k // 5 % 2 else "ArrowRight")
    assert page.is_running(cell), "the cell ended before the last move: let it draw more"
    page.finish_cell(cell)
    spoiled, came = page.kernel.ask("[spoiled, came]")
    print(f"during the cell came {len(came)} callbacks, on {sorted(set(came))}")
    assert spoiled == 0
    if int(ipykernel.__version__.split(".")[0]) >= 7:
        assert came and "MainThread" not in came, came
    lab.settle()
    assert slider.value == 3


def stream(lab: LabView) -> None:
    """Start a computation of some seconds, and wait until it shows previews."""
    lab.press_button("networks")
    lab.wait_for_caption("(Preview: ")


def test_interrupt_stops_a_computation_and_leaves_the_lab_usable(run_cells: RunCells) -> None:
    page = run_cells(DECOMPOSITION)
    lab = page.lab(HEADING)
    stream(lab)
    page.interrupt()
    lab.wait_for_caption("(Stopped: ", seconds=5)
    lab.settle()
    assert lab.message() == ""
    before = lab.picture()
    lab.control("Model").press()
    lab.wait_for_new_picture(before)
    assert lab.settle().values["Model"] == "polynomial"
    assert page.kernel.ask("1 + 1") == 2


def test_stop_keeps_what_is_there(run_cells: RunCells) -> None:
    page = run_cells(DECOMPOSITION)
    lab = page.lab(HEADING)
    stream(lab)
    lab.root.locator("button", has_text="Stop").wait_for(state="visible")
    lab.screenshot("progress")
    lab.press_button("Stop")
    lab.wait_for_caption("(Stopped: ", seconds=5)
    assert lab.settle().values["Model"] == "network"
    assert "Stop" not in lab.buttons()


def test_a_cell_run_again_closes_its_first_lab(run_cells: RunCells) -> None:
    """No widget is left behind, the hidden ones neither; also while a computation is under way."""
    page = run_cells(DECOMPOSITION)
    count = "len(__import__('comm').get_comm_manager().comms)"
    page.lab(HEADING).settle()
    widgets = page.kernel.ask(count)
    for under_way in (False, True):
        if under_way:
            stream(page.lab(HEADING))
        root = page.lab(HEADING).root.element_handle()
        page.run_cell(page.cell("decomposition_lab()"))
        page.wait_for("root => !root.isConnected", "the first lab to leave the page", root)
        page.wait_for("() => document.querySelectorAll('.dlh-lab').length === 1", "one lab in the page")
        page.lab(HEADING).settle()
        assert page.kernel.ask(count) == widgets
    before = page.lab(HEADING).picture()
    first_slider(page.lab(HEADING)).press()
    page.lab(HEADING).wait_for_new_picture(before)
    assert page.lab(HEADING).settle().arguments["capacity"] == 4


def test_a_reloaded_page_shows_the_lab_again(run_cells: RunCells) -> None:
    page = run_cells(DECOMPOSITION)
    first_slider(page.lab(HEADING)).press()
    state = page.lab(HEADING).settle()
    assert state.arguments["capacity"] == 4
    page.save()
    page.reload()
    lab = page.lab(HEADING)
    assert lab.settle()._replace(sent=0) == state._replace(sent=0)
    before = lab.picture()
    first_slider(lab).press()
    lab.wait_for_new_picture(before)
    assert lab.settle().arguments["capacity"] == 5


PREDICTION = """\
from dlhelpers.exercises.bias_variance import degree_up
from dlhelpers.labs.bias_variance import decomposition_lab
from dlhelpers.live.questions import predict

predict(degree_up, decomposition_lab())"""


def test_a_lab_behind_a_question_stays_covered_until_an_answer(run_cells: RunCells) -> None:
    """By keyboard, by mouse, and with the button; a cell run again covers its lab and frees the first one."""
    page = run_cells(PREDICTION)
    cell, count = page.cell("predict("), "len(__import__('comm').get_comm_manager().comms)"
    options = cell.locator(".dlh-question input[type=radio]")
    options.first.wait_for(state="visible")
    widgets = page.kernel.ask(count)

    def is_covered() -> bool:
        return page.lab_names() == [] and cell.locator("canvas").count() == 0

    assert is_covered()
    options.first.focus()
    page.page.keyboard.press("Space")
    feedback = cell.locator(".dlh-question [role=status]").last
    feedback.filter(has_text=re.compile(r"^(✓ \(a\) Right\.|✗ \(a\) Not so\.)")).wait_for()
    cell.locator("canvas").wait_for()
    for key in ("Tab", "Space"):  # the keyboard is still at the options
        page.page.keyboard.press(key)
    feedback.filter(has_text="(b)").wait_for()
    before = page.lab(HEADING).picture()
    first_slider(page.lab(HEADING)).press()
    page.lab(HEADING).wait_for_new_picture(before)
    assert page.lab(HEADING).settle().arguments["capacity"] == 4

    page.run_cell(cell)
    page.wait_for("cell => cell.querySelector('canvas') === null", "the cover", cell.element_handle())
    options.nth(1).wait_for(state="visible")
    assert is_covered() and page.kernel.ask(count) == widgets
    options.nth(1).click()
    assert page.lab(HEADING).settle().arguments["capacity"] == 3

    page.run_cell(cell)
    skip = cell.locator("button", has_text="Show without answering")
    skip.wait_for(state="visible")
    assert is_covered()
    skip.focus()
    page.page.keyboard.press("Enter")
    page.lab(HEADING).settle()
    assert feedback.inner_text() == "" and not skip.is_visible() and page.uncover() == 0

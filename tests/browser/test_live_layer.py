"""The live layer in a real JupyterLab: a fast hand, threads, interrupt, a cell run again, a page reloaded."""

import os
import re
import signal
from collections.abc import Callable

import pytest

from tools.browser import (
    Control,
    LabPage,
    LabView,
    lab_makers,
    lab_modules,
    screenshot_folder,
    tag,
    wait_until,
)

BACKLOG = 300
"""Milliseconds after the last move of a drag by which the picture must belong to it."""

RunCells = Callable[..., LabPage]
DECOMPOSITION = "from dlhelpers.labs.bias_variance import decomposition_lab\ndecomposition_lab()"
HEADING = "Bias and variance add up"


def sliders_of(lab: LabView) -> list[Control]:
    return [control for control in lab.controls() if control.kind == "slider"]


def first_slider(lab: LabView) -> Control:
    return sliders_of(lab)[0]


def delay_after_drag(lab: LabView, slider: Control) -> float:
    """Drag in 30 moves and one second; return when picture and caption belonged to the last value, in ms."""
    lab.settle()
    lab.forget()
    slider.drag(0.2 if slider.share > 0.5 else 0.8)
    state = lab.settle()
    return lab.shown_at(tag(state.arguments)) - max(lab.input_times())


def late_sliders(lab: LabView, sliders: list[Control]) -> dict[str, list[float]]:
    """Return the delays of the sliders that leave a backlog; the best of three drags counts."""
    late = {}
    for slider in sliders:
        times: list[float] = []
        while len(times) < 3 and min(times, default=BACKLOG) >= BACKLOG:
            times.append(delay_after_drag(lab, slider))
        print(lab.name, slider.label, [round(delay) for delay in times])
        if min(times) >= BACKLOG:
            late[slider.label] = times
    lab.press_button("Reset")
    return late


def tagged_labs(run_cells: RunCells, makers: list[tuple[str, str]]) -> list[LabView]:
    """Return labs whose captions hold the values that were computed from; a preview of them counts."""
    page = run_cells(
        "from tools.browser import tagged_lab",
        *(f"from dlhelpers.labs.{module} import {name}\ntagged_lab({name})" for module, name in makers),
    )
    for lab in page.labs():
        lab.wait_for_picture()
        lab.unfold()
    return page.labs()


MAKERS = [(module, name) for module in lab_modules() for name in lab_makers(module)]
BY_TOPIC = {module.split(".")[0]: (module, name) for module, name in reversed(MAKERS)}


@pytest.mark.timing
def test_a_fast_drag_in_one_lab_of_each_topic_leaves_no_backlog(run_cells: RunCells) -> None:
    labs = tagged_labs(run_cells, list(BY_TOPIC.values()))
    late = {lab.name: late_sliders(lab, sliders_of(lab)[:1]) for lab in labs}
    assert not any(late.values()), late


@pytest.mark.every
@pytest.mark.timing
@pytest.mark.parametrize("module", lab_modules())
def test_a_fast_drag_leaves_no_backlog(run_cells: RunCells, module: str) -> None:
    labs = tagged_labs(run_cells, [(module, name) for name in lab_makers(module)])
    late = {lab.name: late_sliders(lab, sliders_of(lab)) for lab in labs}
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


def test_the_picture_has_the_pixels_of_a_fine_screen_when_the_hand_rests(run_cells: RunCells) -> None:
    page = run_cells(DECOMPOSITION)
    lab = page.lab(HEADING)
    for width, ratio in ((1280, 1), (1300, 2)):
        page.resize(width, 800, ratio)
        lab.wait_for_pixels(ratio)
    before = lab.picture()
    first_slider(lab).press()
    lab.wait_for_new_picture(before)
    lab.settle()
    lab.wait_for_pixels(2)


def test_an_image_stands_in_for_the_canvas(run_cells: RunCells) -> None:
    page = run_cells("%env DLHELPERS_PICTURE=image", DECOMPOSITION)
    lab = LabView(page, HEADING)
    image = lab.root.locator("img")
    image.wait_for(state="visible")
    assert lab.root.locator("canvas").count() == 0
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    before = image.get_attribute("src")
    first_slider(lab).press()
    page.wait_for("([image, old]) => image.src !== old", "another image", [image.element_handle(), before])
    assert page.kernel.ask(f"dlh_lab({HEADING!r}).values['capacity']") == 4
    assert not lab.message()


EXERCISE = """\
from dlhelpers.exercises.bias_variance import standard_error
from dlhelpers.live.exercises import practice

practice(standard_error)"""
COURSE = """\
from dlhelpers.exercises.course import notebooks
from dlhelpers.live.course import course_map

course_map(notebooks())"""
TRY = "standard_error.check(lambda accuracy, n: (accuracy * (1 - accuracy) / n) ** {power})"


def test_an_exercise_is_tried_with_a_hint_solved_and_remembered(run_cells: RunCells) -> None:
    """Statement, hint and solution at a click, verdicts with a sign, and the map of the course after it."""
    page = run_cells(COURSE, EXERCISE, TRY.format(power=1), TRY.format(power="0.5"))
    statement, wrong, right = (page.cell(text) for text in ("practice(", "** 1)", "** 0.5)"))
    statement.get_by_text("that was measured on n examples.").wait_for()
    words = statement.locator("[role=status]")
    for label, text in (("Hint", "root"), ("Solution", "def standard_error(accuracy, n):")):
        statement.get_by_role("button", name=label, exact=True).press("Enter")
        words.filter(has_text=text).wait_for()
    statement.get_by_role("button", name="Solution", exact=True).click()
    words.wait_for(state="hidden")
    wrong.get_by_text("✗").wait_for()
    wrong.get_by_text("this is the variance of the accuracy.").wait_for()
    right.get_by_text("✓").wait_for()

    course = page.cell("course_map(")
    row = course.locator("tr", has_text="01 Bias and variance")
    course.get_by_role("button", name="Look again").click()
    row.filter(has_text="1 of 4").wait_for()
    course.screenshot(path=screenshot_folder() / "course-map.png")


def type_beside(slider: Control, text: str, enter: bool = True) -> None:
    """Type over the number beside a slider, and press Enter or leave the field."""
    slider.root.locator(".widget-readout").click()
    slider.page.keyboard.press("Control+A")
    slider.page.keyboard.press("Delete")
    slider.page.keyboard.type(text)
    if enter:
        slider.page.keyboard.press("Enter")
    else:
        slider.focus()


def test_a_number_typed_with_a_comma_is_read_or_refused_in_words(run_cells: RunCells) -> None:
    """It never becomes the lower end of the slider."""
    lab = run_cells(DECOMPOSITION).lab(HEADING)
    noise, whole = lab.control("Noise σ"), first_slider(lab)
    name = next(name for label, name in lab.state().names.items() if label == "Noise σ")
    for k, text in enumerate(("0,5", ".25", "0,500", "0.75", ",6")):
        type_beside(noise, text, enter=k % 2 == 0)
        assert lab.settle().arguments[name] == pytest.approx(float(text.replace(",", "."))), text
        assert lab.message() == "", text
    before = lab.settle().arguments
    for control, text, words in (
        (noise, "0,5x", 'a number is needed; got "0,5x"'),
        (noise, "1,234", "1,234 may be 1234 or 1.234"),
        (noise, "", "a number is needed"),
        (whole, "2,5", "a whole number is needed"),
        (whole, "four", "a number is needed"),
    ):
        type_beside(control, text)
        wait_until(lambda words=words: words in lab.message(), f"{words!r}", 10)  # type: ignore[misc]
        assert f"{control.label}: " in lab.message() and "Nothing was changed." in lab.message()
        assert lab.settle().arguments == before
    whole.press()
    assert lab.settle().arguments != before and lab.message() == ""


def test_a_finger_takes_hold_as_a_mouse_does(run_cells: RunCells) -> None:
    """On the picture a finger moves what it holds, and not the page."""
    lab = run_cells(DECOMPOSITION).lab(HEADING)
    before = lab.settle().arguments
    box = lab.root.locator("canvas").bounding_box()
    touch = lab.page.context.new_cdp_session(lab.page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    scrolled = lab.page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop")
    for kind, share in (("touchStart", 0.6), *(("touchMove", 0.6 + 0.05 * k) for k in range(1, 7))):
        point = {"x": box["x"] + share * box["width"], "y": box["y"] + 0.5 * box["height"]}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    after = lab.settle().arguments
    assert after["capacity"] > before["capacity"] and {**after, "capacity": before["capacity"]} == before
    assert lab.page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop") == scrolled


@pytest.mark.parametrize("end", ["restarted", "killed"])
def test_a_lab_whose_kernel_is_gone_says_so(run_cells: RunCells, end: str) -> None:
    page = run_cells(DECOMPOSITION)
    lab = page.lab(HEADING)
    lab.settle()
    gone = lab.root.locator(".dlh-gone")
    assert not gone.is_visible()
    process = page.kernel.ask("__import__('os').getpid()")
    page.kernel.close()
    del page.__dict__["kernel"]
    if end == "killed":
        os.kill(process, signal.SIGKILL)
    else:
        page.page.locator('[data-jp-item-name="restart"] jp-button').click()
    page.page.locator(".jp-Dialog button.jp-mod-accept").click()  # "restart?", or "it has died"
    gone.wait_for(state="visible", timeout=30_000)
    assert "has ended. Run its cell again." in gone.inner_text()
    lab.screenshot(f"kernel {end}")
    page.run_cell(page.cell("decomposition_lab()"))
    page.wait_for("() => document.querySelectorAll('.dlh-lab').length === 1", "one lab in the page")
    page.lab(HEADING).settle()
    assert not page.lab(HEADING).root.locator(".dlh-gone").is_visible()

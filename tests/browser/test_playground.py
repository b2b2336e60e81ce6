"""The playground in a real JupyterLab: knobs that turn while it trains, and everything around the run."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.tables.make_tables import CASES
from tools.browser import LabPage, LabView, wait_until

RunCells = Callable[..., LabPage]
CELL = """\
from dlhelpers.labs.playground.playground import playground

lab = playground(data="circles", noise=0.1)
lab"""
HEADING = "Playground"


class Run:
    """The playground of a page, and the session behind it."""

    def __init__(self, page: LabPage) -> None:
        self.page, self.view = page, LabView(page, HEADING)
        self.view.wait_for_picture()
        self.view.unfold()

    def ask(self, expression: str) -> Any:
        return self.page.kernel.ask(expression)

    def press(self, text: str) -> None:
        self.view.press_button(text)

    @property
    def step(self) -> int:
        return int(self.ask("lab.session.step"))

    def wait_for_words(self, text: str) -> None:
        """Wait until the form for a table of one's own says this."""
        words = self.view.root.locator(".dlh-words")
        wait_until(lambda: words.is_visible() and text in words.inner_text(), f"{text} in the form", 20)

    def wait_for(self, expression: str, what: str) -> None:
        wait_until(lambda: bool(self.ask(expression)), what, seconds=20)

    def play(self) -> None:
        before = self.step
        self.press("Play")
        self.wait_for(f"lab.playing and lab.session.step > {before + 5}", "the network trains")

    def pause(self) -> None:
        self.press("Pause")
        idle = "(lab._player._task is None or lab._player._task.done())"
        self.wait_for(f"not lab.playing and {idle}", "it pauses")
        self.view.wait_for_caption(f"after {self.step:,} step")


@pytest.fixture
def run(run_cells: RunCells) -> Run:
    return Run(run_cells(CELL))


KNOBS = {
    "Learning rate": "learning_rate",
    "Optimizer": "optimizer",
    "beta (beta1)": "beta",
    "beta2": "beta2",
    "Schedule": "schedule",
    "Half of it after (steps)": "half_after",
    "Batch size": "batch_size",
    "Activation": "activation",
    "Loss": "loss_name",
    "L1, lambda": "l1",
    "L2, lambda": "l2",
    "Weight decay": "weight_decay",
    "keep_prob (dropout)": "keep_prob",
    "Noise on the inputs": "input_noise",
}


def test_every_knob_takes_effect_while_it_trains(run: Run) -> None:
    """Each shows up in the recorded changes at the step where it was turned, and nothing begins anew."""
    run.play()
    for label, name in KNOBS.items():
        old, before = run.ask(f"lab.session.settings.{name}"), run.step
        run.view.control(label).press()
        run.wait_for(f"lab.session.settings.{name} != {old!r}", f"{label} moves")
        change = run.ask("[[change.step, change.values] for change in lab.session.changes]")[-1]
        assert change[0] >= before and change[1] == {name: run.ask(f"lab.session.settings.{name}")}, label
        run.wait_for(f"lab.session.step > {change[0] + 2}", f"it trains on after {label}")
        assert not run.view.message(), label
    run.pause()
    assert len(run.ask("[c.step for c in lab.session.changes]")) == len(KNOBS)
    assert run.ask("lab.error is None")
    caption = run.view.caption()
    assert caption == run.ask("lab.caption") and f"after {run.step:,} step" in caption
    run.view.screenshot("after all knobs")


def test_one_drag_while_it_trains_is_one_change(run: Run) -> None:
    run.play()
    run.view.control("Learning rate").drag(0.75)
    run.wait_for("lab.session.settings.learning_rate > 0.5", "the rate arrives")
    run.pause()
    changes = run.ask("[change.values for change in lab.session.changes]")
    assert changes == [{"learning_rate": run.ask("lab.session.settings.learning_rate")}]
    assert run.ask("lab.text().count('learning_rate')") == 1
    assert run.ask("str(lab.code()).count('learning_rate')") == 1


def test_a_new_rate_is_recorded_from_the_next_step_on(run: Run) -> None:
    run.play()
    run.view.control("Learning rate").press()
    run.wait_for("len(lab.session.changes) == 1", "the change arrives")
    run.pause()
    at, rate = run.ask("[lab.session.changes[0].step, lab.session.settings.learning_rate]")
    rates = dict(run.ask("[[h.step, h.learning_rate] for h in lab.session.history]"))
    assert {r for step, r in rates.items() if step > at} == {rate}
    assert {r for step, r in rates.items() if step < at} == {0.01}


def test_step_fork_rewind_and_reset(run: Run) -> None:
    run.press("100 steps")
    run.view.wait_for_caption("after 100 step")
    first = run.ask("[h.train_loss for h in lab.session.history]")
    run.press("Fork")
    run.press("100 steps")
    run.view.wait_for_caption("after 200 step")
    assert run.view.caption().endswith("In grey: A.")
    run.view.control("Go back to step").press()  # the handle stands at 0: one step of the slider
    run.press("Rewind")
    run.view.wait_for_caption("after 1 step")
    run.press("100 steps")
    run.view.wait_for_caption("after 101 step")
    assert run.ask("[h.train_loss for h in lab.session.history]")[: len(first)] == first
    run.press("Reset")
    run.view.wait_for_caption("after 0 step")
    run.press("100 steps")
    run.view.wait_for_caption("after 100 step")
    assert run.ask("[h.train_loss for h in lab.session.history]") == first
    run.press("New weights")
    run.view.wait_for_caption("after 0 step")
    assert run.ask("lab.session.settings.weight_seed") == 1
    run.press("Step")
    run.view.wait_for_caption("after 1 step")
    assert run.ask("lab.session.history[0].train_loss") != first[0]


def test_another_cell_runs_while_it_trains(run_cells: RunCells) -> None:
    page = run_cells(CELL, "answer = sum(range(1000))\nanswer")
    run = Run(page)
    run.play()
    before = run.step
    page.run_cell(page.cell("answer"))
    assert run.ask("answer") == 499500 and run.ask("lab.playing")
    run.wait_for(f"lab.session.step > {before}", "it trains on")
    run.pause()


def test_interrupt_pauses_and_running_the_cell_again_begins_anew(run: Run) -> None:
    run.play()
    run.page.interrupt()
    run.wait_for("not lab.playing", "the interrupt pauses it")
    run.play()
    run.page.kernel.run("old = lab")
    run.page.run_cell(run.page.cell("playground"))
    run.wait_for("not old.playing and lab.session.step == 0", "the predecessor is closed")


def test_divergence_is_said_in_words(run: Run) -> None:
    run.page.kernel.run(
        "lab.set(optimizer='gradient_descent', activation='linear', loss_name='squared_error')\n"
        "lab.set(learning_rate=10.0)"
    )
    run.press("Play")
    run.wait_for("not lab.playing and lab.session.diverged", "it diverges and stops")
    run.view.wait_for_caption("Training diverged at step")
    run.view.screenshot("diverged")


def test_panels_state_and_code(run: Run) -> None:
    run.press("100 steps")
    run.view.wait_for_caption("after 100 step")
    pictures = {run.view.pixels()}
    for panel in ("accuracy", "layers"):
        before = run.view.picture()
        run.view.control("Panel on the right").press()
        run.view.wait_for_new_picture(before)
        pictures.add(run.view.pixels())
        run.view.screenshot(panel)
    assert len(pictures) == 3
    run.press("Show code")
    run.view.root.locator(".dlh-code pre").wait_for(state="visible")
    printed: list[str] = []
    names: dict[str, Any] = {"print": printed.append}
    exec(run.view.code(), names)
    assert names["train_loss"] == pytest.approx(run.ask("lab.session.measure().train_loss"), rel=1e-12)
    line = run.ask("lab.text()")
    assert line == "playground | data=circles noise=0.1 | @100"


PLACE = """
def place(label, part):
    '''Return where a part of the drawing, or a place of a panel, is in shares of the picture.'''
    from dlhelpers.labs.playground import geometry
    figure = lab._picture.canvas.figure
    (ax,) = (ax for ax in figure.axes if ax.get_label() == label)
    drawn = lab.result.geometry
    if isinstance(part, geometry.Unit):
        part = drawn.place(part)
    elif isinstance(part, geometry.Connection):
        (left, low), (right, high) = drawn.line(part)
        part = (0.7 * left + 0.3 * right, 0.7 * low + 0.3 * high)
    pixel = ax.transData.transform(part)
    return [float(pixel[0] / figure.bbox.width), float(pixel[1] / figure.bbox.height)]
"""


def pointer_at(run: Run, label: str, part: str, click: bool) -> None:
    """Move the mouse to a part of the picture, and maybe click."""
    run.page.kernel.run(f"from dlhelpers.labs.playground.geometry import *\n{PLACE}")
    x, y = run.ask(f"place({label!r}, {part})")
    canvas = run.view.root.locator("canvas.dlh-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    at = box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]
    run.page.page.mouse.move(*at)
    if click:
        run.page.page.mouse.click(*at)


def test_a_click_shows_a_unit_large_and_goes_back(run: Run) -> None:
    before = run.view.picture()
    pointer_at(run, "drawing", "Unit(1, 2)", click=True)
    run.wait_for("lab.result.chosen == Unit(1, 2)", "the unit is chosen")
    run.view.wait_for_new_picture(before)
    run.view.screenshot("a unit large")
    pointer_at(run, "drawing", "Unit(1, 2)", click=True)
    run.wait_for("lab.result.chosen is None", "the map is back")


def test_a_weight_is_clicked_and_set_while_it_trains(run: Run) -> None:
    run.play()
    pointer_at(run, "drawing", "Connection(1, 0, 0)", click=True)
    run.wait_for("isinstance(lab.result.chosen, Connection)", "the weight is chosen")
    name = run.ask("lab.result.chosen.name")
    field = run.view.root.locator(".widget-text", has_text="Set it to").locator("input")
    field.fill("-2,5")
    field.press("Enter")
    run.wait_for("bool(lab.session.changes)", "the weight is set")
    run.pause()
    ((step, values),) = run.ask("[[c.step, c.values] for c in lab.session.changes]")
    assert values == {name: -2.5} and run.step > step and not run.view.message()


def test_a_sign_of_the_drawing_adds_a_unit_while_it_trains(run: Run) -> None:
    run.play()
    pointer_at(run, "drawing", "(float(Geometry(lab.result.sizes).columns[1]) + APART, UNITS_AT)", click=True)
    run.wait_for("lab.session.settings.hidden == (9, 8)", "the first layer has a unit more")
    step = run.step
    run.wait_for(f"lab.session.step > {step}", "it trains on")
    run.pause()
    assert run.ask("lab.result.kept") == []


def test_points_are_added_moved_and_removed_by_hand_while_it_trains(run: Run) -> None:
    run.press("Edit points")
    run.wait_for("lab._picture.clicks == (0, 1)", "the map takes points")
    run.play()
    pointer_at(run, "map", "(1.0, 2.0)", click=True)
    run.wait_for("len(lab.session.settings.added) == 1", "a click adds a point")
    pointer_at(run, "map", "(1.0, 2.0)", click=False)
    run.page.page.mouse.down()
    pointer_at(run, "map", "(-2.0, 1.0)", click=False)
    run.page.page.mouse.up()
    run.wait_for("lab.session.settings.added[0][0] < -1.9", "a drag moves it")
    run.view.screenshot("points by hand")
    assert len(run.ask("[change.step for change in lab.session.changes]")) <= 2
    run.page.page.keyboard.press("Delete")
    run.wait_for("lab.session.settings.added == ()", "Delete removes it")
    run.pause()
    assert run.ask("lab.error is None") and run.page.page.locator(".jp-Cell").count() > 0


def test_inputs_are_chosen_and_a_test_set_is_seen(run: Run) -> None:
    run.press("x1^2")
    run.wait_for("lab.session.settings.features == ('x1', 'x2', 'x1^2')", "a third input")
    run.view.control("Share of the test set").press()
    run.view.wait_for_caption("on the test set. Accuracy")
    run.press("100 steps")
    run.view.wait_for_caption("A network 3 x 8 x 8 x 2")
    run.view.screenshot("inputs and test set")
    assert not run.view.message()


def test_the_pointer_reads_probability_and_step(run: Run) -> None:
    run.press("100 steps")
    run.view.wait_for_caption("after 100 step")
    beside = run.view.root.locator(".dlh-values")
    for label, where, words in (
        ("map", "(1.0, 1.0)", "1.00, 1.00"),
        ("loss", "(50, 0.1)", "step "),
        ("drawing", "Unit(0, 1)", "input x2"),
    ):
        pointer_at(run, label, where, click=False)
        beside.filter(has_text=words).wait_for(state="visible", timeout=10_000)


def upload(run: Run, name: str, content: bytes) -> None:
    """Choose a file, as a hand does in the dialog."""
    field = run.view.root.locator(".dlh-upload input")
    field.set_input_files([{"name": name, "mimeType": "text/csv", "buffer": content}])


UPLOADED = (
    "plain.csv",
    "excel_german.csv",
    "utf16.csv",
    "sep_line.csv",
    "windows_1252.csv",
    "ids.csv",
    "missing_numbers.csv",
    "markup.csv",
)
REFUSED = ("workbook.xlsx", "ragged.csv")


def test_tables_of_ones_own_come_through_the_page(run: Run) -> None:
    view = run.view
    for name in UPLOADED:
        run.press("Reset")
        upload(run, name, CASES[name].content)
        wait_until(
            lambda name=name: name in view.root.locator(".dlh-words").inner_text(), f"{name} is read", 20
        )
        assert run.ask("list(lab.session.points.class_names)") == list(CASES[name].classes), name
        assert view.message() == "", name
    assert "<b>iris</b>" in view.root.locator(".dlh-words").inner_text()
    view.wait_for_caption("on your own table")
    run.press("100 steps")
    view.wait_for_caption("after 100 step")
    view.screenshot("own data")
    for name in REFUSED:
        upload(run, name, CASES[name].content)
        wait_until(lambda name=name: name in view.message(), f"{name} is refused", 20)
        assert CASES[name].said[0] in view.message()
        assert run.step == 100
    upload(run, "large.csv", b"1,2,a\n" * 2_500_000)
    wait_until(lambda: "large.csv has 15.0 MB" in view.message(), "the size is told", 20)
    assert "path" in view.message() and run.step == 100
    upload(run, "plain.csv", CASES["plain.csv"].content)
    run.wait_for_words("plain.csv")
    run.ask("lab._shell.complain('')")  # or it would count as a complaint


def test_presets_comparison_and_reading_off(run: Run) -> None:
    for label in ("spiral", "zero weights", "spiral"):
        run.press(label)
        run.view.wait_for_caption("after 0 step")
        run.press("100 steps")
        run.view.wait_for_caption("after 100 step")
    rows = run.view.root.locator(".dlh-runs tr")
    cells = [rows.nth(k).locator("td") for k in (1, 2, 3)]
    wait_until(lambda: [cell.first.text_content() for cell in cells] == ["A", "B", "now"], "the runs", 10)
    wait_until(lambda: cells[1].nth(1).text_content() == "Initialization zeros", "what is different", 10)
    run.view.screenshot("comparison")
    run.view.control("Go back to step").press()
    run.view.wait_for_caption("The line marks step 1: loss ")
    name = run.view.root.locator(".widget-text", has_text="Name A").locator("input")
    name.fill("first <b>spiral</b>")
    name.press("Enter")
    run.view.wait_for_caption("In grey: first <b>spiral</b>, B.")
    first = rows.nth(1).locator("td").first
    wait_until(lambda: first.text_content() == "first <b>spiral</b>", "the table shows the name", 10)
    run.press("Forget B")
    run.wait_for("[kept.letter for kept in lab.result.kept] == ['A']", "one run in grey goes")
    run.press("Forget grey")
    run.wait_for("lab.result.kept == []", "the runs in grey go")
    wait_until(lambda: not rows.first.is_visible(), "the table goes", 10)


def test_two_playgrounds_train_at_once(run_cells: RunCells) -> None:
    page = run_cells(CELL, re.sub(r"\blab\b", "other", CELL).replace("circles", "xor"))
    page.kernel.ask("1")  # its client connects before the play
    for name in ("lab", "other"):
        cell = page.cell(f"{name} = playground")
        cell.scroll_into_view_if_needed()
        cell.locator("button", has_text="Play").click()
    grow = "[lab.session.step, other.session.step, lab.frames, other.frames]"
    wait_until(lambda: min(page.kernel.ask(grow)) > 20, "both train and show frames", seconds=20)
    first = page.cell("lab = playground")
    first.scroll_into_view_if_needed()
    first.locator('button[title="Train, or pause"]').click()
    wait_until(lambda: page.kernel.ask("[lab.playing, other.playing]") == [False, True], "one pauses", 20)
    step = page.kernel.ask("other.session.step")
    wait_until(lambda: page.kernel.ask("other.session.step") > step, "the other trains on", seconds=20)
    assert page.kernel.ask("[str(lab.error), str(other.error)]") == ["None", "None"]
    page.kernel.run("other.close()")
    page.wait_for("() => document.querySelectorAll('.dlh-lab').length === 1", "a closed one leaves the page")


def test_a_closed_tab_ends_the_training_and_the_kernel_is_free(run: Run) -> None:
    run.play()
    run.ask("1")  # the kernel's own line, which stays when the page goes
    address = run.page.page.url
    run.page.save()
    run.page.page.goto("about:blank")
    run.wait_for("not lab.playing and lab._player._task.done()", "it notices that nobody looks")
    step = run.step
    assert run.ask("lab.error is None") and run.step == step
    run.page.page.goto(address, wait_until="domcontentloaded")
    run.page._wait_for_idle()
    run.view.wait_for_picture()
    run.view.unfold()
    run.press("Step")
    run.wait_for(f"lab.session.step == {step + 1}", "the page that comes back has the same run")


def test_a_restarted_kernel_needs_the_cell_only(run: Run) -> None:
    run.play()
    page = run.page
    identity = page.kernel.id
    page.kernel.close()
    del page.__dict__["kernel"]
    page.jupyter.request(f"kernels/{identity}/restart", "POST")
    page.run_cell(page.cell("playground"))
    run.view.wait_for_caption("after 0 step")
    run.press("100 steps")
    run.view.wait_for_caption("after 100 step")
    assert run.step == 100

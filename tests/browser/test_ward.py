"""The ward in a real JupyterLab: a visit by keyboard and mouse, a refusal, and its height on one screen."""

from collections.abc import Callable

from tools.browser import LabPage, wait_until

RunCells = Callable[..., LabPage]
CELL = """\
from dlhelpers.labs.capstone import ward

lab = ward(3)
lab"""
HIGHEST = 640
"""Pixels that the ward may take at 1280 x 800."""


def test_a_visit_by_keyboard_and_mouse(run_cells: RunCells) -> None:
    page = run_cells(CELL)
    page.page.set_viewport_size({"width": 1280, "height": 800})
    cell = page.cell("ward(3)")

    def press(label: str) -> None:
        """Press a button with the keyboard."""
        cell.get_by_role("button", name=label).first.focus()
        page.page.keyboard.press("Enter")

    def wait_for(expression: str) -> None:
        wait_until(lambda: bool(page.kernel.ask(expression)), expression, seconds=30)

    cell.get_by_role("button", name="Statistics by layer").click()
    wait_for("lab.visit.spent == 1")
    press("Repair what is ticked")
    wait_for("'Tick one first' in lab.message")
    for number, repairs in ((0, 1), (3, 2)):  # raw inputs, rate too low
        cell.locator("input[type=checkbox]").nth(number).focus()
        page.page.keyboard.press("Space")
        wait_for(f"len(lab.ticked) == {repairs}")
        press("Repair what is ticked")
        wait_for(f"len(lab.visit.repairs) == {repairs}")
    press("Train")
    wait_for("len(lab.result.others) == 10 and lab._task.done()")
    assert page.kernel.ask("lab.finding").startswith("Patient 3: 100 of 100 points")
    assert page.kernel.ask("lab.error is None")
    box = cell.locator(".dlh-lab").bounding_box()
    assert box is not None and box["height"] <= HIGHEST
    assert not page.page_errors

"""Every notebook in a real JupyterLab: Run All, and then every control of every lab.

What a lab shows is compared with its twin in the process of the test, which computes afresh from the
values that the page shows; the picture is compared, byte by byte, with the one that the kernel drew.
Screenshots are kept in tests/browser/screenshots.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlhelpers.live.controls import snap
from tools.browser import ROOT, LabPage, LabView, State, lab_makers, lab_modules, labs_in

FOLDER = Path(os.environ.get("BROWSER_NOTEBOOKS", ROOT / "notebooks"))
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))

SAME_CAPTION: dict[tuple[str, str], str] = {}
"""(lab, control) whose caption one step may leave as it is, and why.  The picture must change even so."""


LABS = [
    pytest.param(path, module, name, id=f"{path.stem}-{name}")
    for path in NOTEBOOKS
    for module, name in labs_in(path)
]
each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
each_lab = pytest.mark.parametrize(("notebook", "module", "function"), LABS)


@each_notebook
def test_run_all_leaves_no_error(
    open_notebook: Callable[[Path], LabPage], notebook: Path, twins: Any
) -> None:
    page = open_notebook(notebook)
    assert not page.complaints()
    names = {twins.lab(module, name).name for module, name in labs_in(notebook)}
    for name in names:
        page.lab(name)  # waits for its picture
    assert set(page.lab_names()) - {"Playground"} == names  # which test_playground.py drives
    assert not page.complaints()


def test_every_lab_is_in_one_notebook() -> None:
    shown = sorted(pair for notebook in NOTEBOOKS for pair in labs_in(notebook))
    assert shown == [(module, name) for module in lab_modules() for name in sorted(lab_makers(module))]


@each_lab
def test_the_picture_has_a_text_alternative(view: LabView, function: str) -> None:
    picture = view.picture()
    assert picture.width > 0 and picture.height > 0
    assert picture.name == view.caption() != ""
    view.screenshot("default")


def agrees(view: LabView, state: State, twins: Any, module: str, function: str) -> bool:
    """Return whether the settled lab says what its twin says for the same values."""
    twin = twins.lab(module, function)
    return bool(view.caption() == state.caption == twins.caption(twin, state.arguments))


@each_lab
def test_every_control_moves_picture_and_caption(
    view: LabView, twins: Any, notebook: Path, module: str, function: str
) -> None:
    """By the keyboard from the default, and from there by the mouse."""
    wrong = []
    for control in view.controls():
        old = view.press_and_settle("Reset")
        for how, move in (("key", control.press), ("mouse", control.move_by_mouse)):
            before = view.picture()
            move()
            view.wait_for_new_picture(before)
            new = view.settle()
            changed = [label for label in new.values if new.values[label] != old.values[label]]
            if changed != [control.label]:
                wrong.append(f"{control!r}, {how}: the values changed are {changed}")
            if new.picture == old.picture:
                wrong.append(f"{control!r}, {how}: the same picture")
            if new.caption == old.caption and (view.name, control.label) not in SAME_CAPTION:
                wrong.append(f"{control!r}, {how}: the same caption for {control.value}: {new.caption}")
            if not agrees(view, new, twins, module, function):
                wrong.append(
                    f"{control!r}, {how}, at {control.value}: not what is computed afresh: {new.caption}"
                )
            if view.message():
                wrong.append(f"{control!r}, {how}: {view.message()}")
            old = new
    assert not wrong, "\n".join(wrong)


@each_lab
def test_presets_and_reset(view: LabView, twins: Any, notebook: Path, module: str, function: str) -> None:
    twin = twins.lab(module, function)
    at_start = view.settle()
    for label, values in twin.presets.items():
        preset = view.press_and_settle(label)
        snapped = {name: snap(twin.controls[name], value) for name, value in values.items()}
        expected = {**at_start.arguments, **snapped}
        assert preset.arguments == pytest.approx(expected), label
        assert agrees(view, preset, twins, module, function), label
        assert view.difference_to_kernel() < 64, f"{label}: the patches do not make up the kernel's picture"
        view.screenshot(label)
    again = view.press_and_settle("Reset")
    assert (again.values, again.caption) == (at_start.values, at_start.caption)


@each_lab
def test_what_can_be_taken_hold_of(view: LabView, twins: Any, module: str, function: str) -> None:
    """A drag in the picture moves the controls that belong to it, and the page shows what they ask for."""
    twin = twins.lab(module, function)
    figure = twin._picture.canvas.figure
    for grab in twin._hand._grabs:
        old = view.press_and_settle("Reset")
        box = figure.axes[grab.panel].get_position()
        start, end = ((box.x0 + share * box.width, box.y0 + share * box.height) for share in (0.3, 0.75))
        view.drag_in_picture(start, end)
        new = view.settle()
        changed = {name for name in new.arguments if new.arguments[name] != old.arguments[name]}
        assert changed == {grab.x, grab.y} - {""}
        assert agrees(view, new, twins, module, function) and new.picture != old.picture


@each_lab
def test_it_stands_on_one_screen(view: LabView) -> None:
    """In a window of 1280 x 800, with what is folded away folded: no scroll bar, at most 640 px high."""
    page = view.page
    view.press_and_settle("Reset")
    size = page.viewport_size
    page.set_viewport_size({"width": 1280, "height": 800})
    view.fold()
    view.wait_for_width(850)
    box = view.root.bounding_box()
    scrolls = view.root.evaluate(
        "e => { const o = e.closest('.jp-OutputArea-output'); return o.scrollWidth - o.clientWidth; }"
    )
    view.screenshot("one-screen")
    page.set_viewport_size(size)
    view.unfold()
    assert scrolls <= 0 and box["height"] <= 640, (view.name, box, scrolls)


@each_lab
def test_new_seed(view: LabView, twins: Any, notebook: Path, module: str, function: str) -> None:
    if "New seed" not in view.buttons():
        assert "Seed" not in [control.label for control in view.controls()]
        return
    old, before = view.settle(), view.picture()
    view.press_button("New seed")
    view.wait_for_new_picture(before)
    new = view.settle()
    assert new.values == {**old.values, "Seed": old.values["Seed"] + 1}
    assert new.picture != old.picture
    assert agrees(view, new, twins, module, function)


@each_lab
def test_show_code(view: LabView, twins: Any, notebook: Path, module: str, function: str) -> None:
    twin = twins.lab(module, function)
    assert view.code() == ""
    view.press_button("Show code")
    view.root.locator(".dlh-code pre").wait_for(state="visible")
    assert view.code().strip() == twins.program(twin, view.settle().arguments).strip()
    view.screenshot("code")
    view.press_button("Show code")
    view.root.locator(".dlh-code pre").wait_for(state="hidden")

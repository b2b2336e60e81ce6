"""Every notebook in a real JupyterLab: Run All, and then its labs.

On each push a hand moves one control of each lab by the keyboard, one by the mouse, and what it can take
hold of; the tests marked `every` try all of it for all labs (`make browser-all`).

What a lab shows is compared with its twin in the process of the test, which computes afresh from the
values that the page shows; the picture is compared, byte by byte, with the one that the kernel drew.
Screenshots are kept in tests/browser/screenshots.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dlhelpers.live.controls import snap
from dlhelpers.live.grabs import Grab
from tests.labs import another_place, first_touch
from tools.browser import ROOT, Control, LabPage, LabView, State, labs_in

FOLDER = Path(os.environ.get("BROWSER_NOTEBOOKS", ROOT / "notebooks"))
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))

SAME_CAPTION = {
    ("A step of Adam, taken apart", "Seed"): "the corrected first step is α long, whatever the noise",
    ("Does momentum average the noise away?", "Seed"): "runs agree with the formula to its two digits",
    ("Off the ridge", "Start along the ridge, x"): "how soon it escapes depends on the start across",
    ("A step of Adam, taken apart", "Step t"): "a step of the slider may be less than a step of Adam",
    ("From logits to probabilities", "Logit of fox, z₃"): "its share of the sum is below the digits",
    ("Loss and gradient", "Logit of fox, z₃"): "its share of the sum is below the digits",
}
"""(lab, control) whose caption one step may leave as it is, and why.  The picture must change even so."""


LABS = [(path, *lab) for path in NOTEBOOKS for lab in labs_in(path)]
FIRST = {labs_in(path)[0] for path in NOTEBOOKS if labs_in(path)}
"""The first lab of each notebook stands for the others in what all labs have from the live layer."""
MARKS = {True: (), False: (pytest.mark.every,)}
every = pytest.mark.every
each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
each_lab = pytest.mark.parametrize(
    ("notebook", "module", "function"),
    [pytest.param(*lab, id=f"{lab[0].stem}-{lab[2]}") for lab in LABS],
)
first_labs = pytest.mark.parametrize(
    ("notebook", "module", "function"),
    [pytest.param(*lab, id=f"{lab[0].stem}-{lab[2]}", marks=MARKS[lab[1:] in FIRST]) for lab in LABS],
)


@each_notebook
def test_run_all_leaves_no_error(
    open_notebook: Callable[[Path], LabPage], notebook: Path, twins: Any
) -> None:
    page = open_notebook(notebook)
    assert not page.complaints()
    names = {twins.lab(module, name).name for module, name in labs_in(notebook)}
    for name in names:
        page.lab(name)  # waits for its picture
    assert set(page.lab_names()) - {"Playground", "The ward"} == names  # tests of their own drive those
    assert not page.complaints()


def agrees(view: LabView, state: State, twins: Any, module: str, function: str) -> bool:
    """Return whether the settled lab says what its twin says for the same values."""
    twin = twins.lab(module, function)
    afresh = twins.caption(twin, state.arguments)
    return view.caption() == state.caption and without_score(state.caption) == without_score(afresh)


def without_score(caption: str) -> str:
    """Return a caption without what it says of earlier answers, which a fresh lab does not know."""
    return re.sub(r"Score: \d+ of \d+ at the first answer\. ", "", caption)


Move = tuple[Control, str]


def moved(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    """Return the labels whose values differ; with another case comes the answer that belongs to it."""
    changed = [label for label in new if new[label] != old[label]]
    return [label for label in changed if label != "Your answer" or "Seed" not in changed]


def wrong_after(view: LabView, moves: Iterable[Move], twins: Any, module: str, function: str) -> list[str]:
    """Move controls by "key" or "mouse", one after the other; return what did not follow."""
    wrong, old = [], view.settle()
    for control, how in moves:
        before = view.picture()
        control.press() if how == "key" else control.move_by_mouse()
        view.wait_for_new_picture(before)
        new = view.settle()
        changed = moved(new.values, old.values)
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
    return wrong


def take_hold(view: LabView, grab: Grab, twins: Any, module: str, function: str) -> None:
    """Drag in the picture; the controls that belong to it must move, and the page show what they ask for."""
    old = view.settle()
    twin = twins.lab(module, function)
    figure = twin._picture.canvas.figure
    start, end = first_touch(twin, grab, old.arguments), another_place(twin, grab, old.arguments)
    view.drag_in_picture(tuple(start / figure.bbox.size), tuple(end / figure.bbox.size))
    new = view.settle()
    changed = {name for name in new.arguments if new.arguments[name] != old.arguments[name]}
    assert changed == {grab.x, grab.y} - {""}
    assert agrees(view, new, twins, module, function) and new.picture != old.picture


@each_lab
def test_one_control_by_key_one_by_mouse_and_a_grab(
    view: LabView, twins: Any, module: str, function: str
) -> None:
    controls = view.controls()
    moves = [(controls[0], "key"), (controls[min(1, len(controls) - 1)], "mouse")]
    wrong = wrong_after(view, moves, twins, module, function)
    assert not wrong, "\n".join(wrong)
    for grab in twins.lab(module, function)._hand._grabs[:1]:
        view.press_and_settle("Reset")
        take_hold(view, grab, twins, module, function)


@every
@each_lab
def test_every_control_moves_picture_and_caption(
    view: LabView, twins: Any, module: str, function: str
) -> None:
    """By the keyboard from the default, and from there by the mouse."""
    wrong = []
    for control in view.controls():
        view.press_and_settle("Reset")
        wrong += wrong_after(view, [(control, "key"), (control, "mouse")], twins, module, function)
    assert not wrong, "\n".join(wrong)


@every
@each_lab
def test_everything_that_can_be_taken_hold_of(view: LabView, twins: Any, module: str, function: str) -> None:
    for grab in twins.lab(module, function)._hand._grabs:
        view.press_and_settle("Reset")
        take_hold(view, grab, twins, module, function)


@first_labs
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
def test_it_stands_on_one_screen_and_has_a_text_alternative(view: LabView) -> None:
    """In a window of 1280 x 800, with what is folded away folded: no scroll bar, at most 640 px high."""
    picture = view.picture()
    assert picture.width > 0 and picture.height > 0
    assert picture.name == view.caption() != ""
    size = view.size_at(1280, 800)
    assert not size.scrolls and size.height <= 640, (view.name, size)


SCREENS = {"1280": (1280, 800, 1), "1920": (1920, 1080, 1), "ratio-2": (1300, 800, 2)}


@every
@first_labs
def test_screenshots_to_look_at(view: LabView) -> None:
    """Two windows, a fine screen, and the dark theme."""
    page = view.notebook
    view.fold()
    for name, (width, height, ratio) in SCREENS.items():
        before = view.picture()
        page.resize(width, height, ratio)
        view.wait_for_new_picture(before)
        view.wait_for_pixels(ratio)
        view.root.scroll_into_view_if_needed()
        page.screenshot(f"{view.name} {name}")
    page.resize()
    page.theme("JupyterLab Dark")
    view.screenshot("dark")
    page.theme("JupyterLab Light")
    view.unfold()


@first_labs
def test_new_seed(view: LabView, twins: Any, notebook: Path, module: str, function: str) -> None:
    if "New seed" not in view.buttons():
        assert "Seed" not in [control.label for control in view.controls()]
        return
    old, before = view.settle(), view.picture()
    view.press_button("New seed")
    view.wait_for_new_picture(before)
    new = view.settle()
    assert moved(new.values, old.values) == ["Seed"]
    assert new.values["Seed"] == old.values["Seed"] + 1
    assert new.picture != old.picture
    assert agrees(view, new, twins, module, function)


@first_labs
def test_show_code(view: LabView, twins: Any, notebook: Path, module: str, function: str) -> None:
    twin = twins.lab(module, function)
    assert view.code() == ""
    view.press_button("Show code")
    view.root.locator(".dlh-code pre").wait_for(state="visible")
    assert view.code().strip() == twins.program(twin, view.settle().arguments).strip()
    view.screenshot("code")
    view.press_button("Show code")
    view.root.locator(".dlh-code pre").wait_for(state="hidden")

"""Points that are added, moved and removed by hand in the playground's map."""

import asyncio

import numpy as np
import pytest

from dlhelpers.labs.playground.geometry import Unit
from dlhelpers.labs.playground.playground import Playground
from dlhelpers.labs.playground.views import AddedView
from dlhelpers.sharing import from_text
from tests.test_playground_drawing import SMALL, click, click_part, pixels, shares


@pytest.fixture
def lab():
    lab = Playground(20, **SMALL)
    lab._screen.look.controls["edit"].value = True
    yield lab
    lab.close()


def pointer(lab, kind, x, y, label="map"):
    at = dict(zip("xy", shares(lab, label, x, y), strict=True))
    lab._picture._hear(None, {"kind": kind, **at}, [])


def drag(lab, *places):
    """Press the pointer at the first place, move it to the others, and release it at the last."""
    for k, (x, y) in enumerate(places):
        pointer(lab, "move" if k else "down", x, y)
    pointer(lab, "up", *places[-1])


def added(lab):
    return lab.session.settings.added


def test_a_click_adds_a_drag_moves_and_delete_removes(lab):
    theta = lab.session.now.theta
    click(lab, 1.0, 2.0, "map")
    assert added(lab) == ((pytest.approx(1.0), pytest.approx(2.0), 0),) and lab.result.held == 0
    lab._screen.look.controls["new_class"].value = "▲"
    click(lab, -2.0, 0.5, "map")
    assert [k for _, _, k in added(lab)] == [0, 1] and lab.result.held == 1
    np.testing.assert_array_equal(lab.session.now.theta, theta)
    assert lab.session.step == 20 and lab.result.kept == [], "the run goes on"
    drag(lab, (1.02, 1.98), (1.5, 1.0), (2.0, -1.0))
    assert added(lab)[0] == (pytest.approx(2.0), pytest.approx(-1.0), 0) and len(added(lab)) == 2
    assert lab.result.held == 0 and len(lab.session.train.X) == 44
    (view,) = (view for view in lab._picture.canvas.views if isinstance(view, AddedView))
    assert view._ring.get_visible() and view._marks[0].get_xdata() == [2.0]
    assert "2 points with a dark edge joined the training set by hand." in lab.caption
    lab._picture._hear(None, {"kind": "key", "key": "Delete"}, [])
    assert [k for _, _, k in added(lab)] == [1] and lab.result.held is None
    lab.remove_point()
    assert added(lab) == () and lab.session.changes == [] and lab.error is None
    lab.remove_point()
    assert "There is no point to remove" in lab._shell.message


def test_points_are_part_of_state_and_program(lab):
    click(lab, 1.0, 2.0, "map")
    lab.step(10)
    click(lab, -1.0, -2.0, "map")
    lab.step(3)
    assert [step for step, _ in lab.session.changes] == [20, 30]
    assert "added=1.0,2.0,0" in lab.text() and "with_points(train, ((1.0, 2.0, 0)" in str(lab.code())
    again = from_text(lab.text())
    np.testing.assert_array_equal(again.now.theta, lab.session.now.theta)
    lab.rewind(25)
    assert len(added(lab)) == 1 and lab.controls["added"].value == "1.0,2.0,0"


def test_one_drag_while_it_trains_is_one_change():
    async def drive():
        lab = Playground(**SMALL)
        lab._screen.look.controls["edit"].value = True
        lab.play()
        await asyncio.sleep(0.05)
        for k in range(6):
            pointer(lab, "move" if k else "down", 0.3 * k, 0.1)
            await asyncio.sleep(0.02)
        pointer(lab, "up", 1.5, 0.1)
        await asyncio.sleep(0.05)
        lab.pause()
        await lab.settled()
        ((step, values),) = lab.session.changes
        assert values == {"added": ((1.5, pytest.approx(0.1), 0),)} and lab.session.step > step
        assert lab.error is None
        again = from_text(lab.text())
        np.testing.assert_array_equal(again.now.theta, lab.session.now.theta)
        lab.close()
        await asyncio.sleep(0)

    asyncio.run(drive())


def test_without_the_switch_the_map_takes_no_points(lab):
    lab._screen.look.controls["edit"].value = False
    drag(lab, (1.0, 2.0), (2.0, 1.0))
    lab._picture._hear(None, {"kind": "key", "key": "Delete"}, [])
    assert added(lab) == () and lab.error is None and lab._shell.message == ""
    assert lab._picture.clicks == (0,)
    lab._screen.look.controls["edit"].value = True
    assert lab._picture.clicks == (0, 1)
    click_part(lab, Unit(1, 1))
    click(lab, 1.0, 2.0, "map")  # a unit is large there; it is the same plane
    assert lab.result.chosen == Unit(1, 1) and len(added(lab)) == 1


def test_points_can_be_typed_and_bad_ones_are_told(lab):
    before = pixels(lab)
    lab.controls["added"].value = "1,2,0; -1,-2,1"
    assert added(lab) == ((1.0, 2.0, 0), (-1.0, -2.0, 1)) and (pixels(lab) != before).any()
    lab.controls["added"].value = "1,2"
    assert "text must hold points as x1,x2,class" in lab._shell.message and len(added(lab)) == 2
    lab._screen.look.controls["new_class"].value = "■"
    click(lab, 0.0, -2.5, "map")
    assert "added must have classes below 2" in lab._shell.message and len(added(lab)) == 2
    assert lab.controls["added"].value == "1.0,2.0,0;-1.0,-2.0,1"


def test_points_go_with_the_data_that_they_were_added_to(lab):
    click(lab, 1.0, 2.0, "map")
    lab.set(noise=0.3)
    assert len(added(lab)) == 1
    lab.set(data="xor")
    assert added(lab) == () and lab.controls["added"].value == "" and lab.error is None
    assert lab.result.kept[-1].changes == ((20, {"added": ((1.0, 2.0, 0),)}),)

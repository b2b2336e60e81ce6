"""The live layer, with a lab that counts what it is asked."""

import asyncio
import threading
import time

import ipywidgets
import matplotlib
import numpy as np
import pytest

from dlhelpers.live import pace as running
from dlhelpers.live.controls import real_slider, slider
from dlhelpers.live.lab import Lab
from dlhelpers.plots.style import moving


class BarView:
    """A bar as high as the result, and a grey line where it was."""

    def __init__(self, figure):
        ax = figure.subplots()
        ax.set(xlim=(0, 2), ylim=(0, 100))
        self.bar = moving(ax.bar([1], [0])[0])
        self.before = None

    def update(self, result, before):
        self.bar.set_height(result)
        self.before = before


class Toy:
    """A lab and what it was asked to compute; `stages` > 1 makes it report while it runs."""

    def __init__(self, stages=1, fail_at=None):
        self.asked, self.finished, self.stages, self.fail_at, self.threads = [], [], stages, fail_at, set()
        compute = self.at_once if stages == 1 else self.slowly
        self.lab = Lab(
            "Toy",
            {"x": slider("x", 0, 100, 10), "y": real_slider("y", 0, 1, 0.5, 0.1)},
            compute,
            self.views,
            finding=lambda result: f"x is {result}",
            caption=lambda result: f"The bar is {result} high.",
            code=lambda x, y, seed: f"result = {x}",
            presets={"high": {"x": 90}, "low": {"x": 1, "y": 0.0}},
            size=(3, 2),
        )

    def views(self, figure):
        self.view = BarView(figure)
        return [self.view]

    def note(self, x):
        self.asked.append(x)
        self.threads.add(threading.current_thread())
        if x == self.fail_at:
            raise ValueError("x must be another number.")

    def at_once(self, x, y, seed):
        self.note(x)
        return x

    def slowly(self, x, y, seed):
        self.note(x)
        for stage in range(1, self.stages + 1):
            yield stage / self.stages, x
        self.finished.append(x)


def in_loop(drive, **settings):
    """Run `drive(toy)` on an event loop, as in a notebook."""

    async def run():
        toy = Toy(**settings)
        try:
            await drive(toy)
        finally:
            toy.lab.close()

    asyncio.run(run())


def test_in_a_script_every_change_is_answered_at_once():
    toy = Toy()
    before = toy.lab.png()
    toy.lab.controls["x"].value = 42
    assert toy.lab.caption == "x is 42. The bar is 42 high."
    assert toy.lab.png() != before
    toy.lab.close()


def test_an_answer_of_the_page_that_moves_nothing_is_no_update():
    toy = Toy()
    toy.lab.controls["y"].value += 1e-15
    assert toy.asked == [10]
    toy.lab.close()


def test_setting_several_controls_is_one_update():
    toy = Toy()
    toy.lab.preset("low")
    assert toy.asked == [10, 1] and toy.lab.values["y"] == 0.0
    toy.lab.close()


def test_the_newest_value_wins_and_nothing_queues_up():
    async def drive(toy):
        for x in range(11, 60):
            toy.lab.controls["x"].value = x
        await toy.lab.settled()
        assert toy.asked == [10, 59]
        assert toy.lab.caption.startswith("x is 59.")

    in_loop(drive)


def test_a_change_from_another_thread_is_worked_on_the_loops_thread():
    async def drive(toy):
        thread = threading.Thread(target=toy.lab.set, kwargs={"x": 33})
        thread.start()
        thread.join()
        assert toy.asked == [10]  # the other thread has only asked
        await toy.lab.settled()
        assert toy.asked == [10, 33]
        assert toy.threads == {threading.main_thread()}

    in_loop(drive)


def test_a_move_drops_the_computation_under_way():
    async def drive(toy):
        toy.lab.set(x=20)
        while toy.lab.frames < 2:
            await asyncio.sleep(0)
        assert "Preview: " in toy.lab.caption
        toy.lab.set(x=30)
        await toy.lab.settled()
        assert toy.lab.caption == "x is 30. The bar is 30 high."
        assert 20 not in toy.finished, "the first computation was not dropped"

    in_loop(drive, stages=500)


def test_stop_keeps_what_is_there_and_says_so():
    async def drive(toy):
        toy.lab.set(x=20)
        while toy.lab.frames < 2:
            await asyncio.sleep(0)
        toy.lab._on_stop()
        await toy.lab.settled()
        assert "Stopped: " in toy.lab.caption
        toy.lab.reset()
        await toy.lab.settled()
        assert toy.lab.caption == "x is 10. The bar is 10 high."
        toy.lab.reset()  # nothing moves; it computes again all the same, and can be stopped
        await asyncio.sleep(0)
        toy.lab._on_stop()
        await toy.lab.settled()
        toy.lab.reset()
        await toy.lab.settled()
        assert toy.lab.caption == "x is 10. The bar is 10 high."

    in_loop(drive, stages=300)


def test_an_error_is_shown_in_words_and_the_lab_goes_on():
    async def drive(toy):
        toy.lab.set(x=20)
        await toy.lab.settled()
        picture = toy.lab.png()
        toy.lab.set(x=66)
        await toy.lab.settled()
        assert isinstance(toy.lab.error, ValueError)
        assert "x must be another number. Press Reset" in toy.lab._message.value
        assert toy.lab._message.layout.display != "none"
        assert toy.lab.png() == picture
        toy.lab.reset()
        await toy.lab.settled()
        assert toy.lab.error is None and toy.lab._message.layout.display == "none"

    in_loop(drive, fail_at=66)


def test_the_ghost_is_the_state_before_the_hand_moved(monkeypatch):
    async def drive(toy):
        for x in (20, 30, 40):  # one gesture: quickly one after the other
            toy.lab.set(x=x)
            await toy.lab.settled()
        assert toy.view.before == 10
        monkeypatch.setattr("dlhelpers.live.lab.GESTURE", 0.0)  # the next move is a new gesture
        toy.lab.set(x=50)
        await toy.lab.settled()
        assert toy.view.before == 40

    in_loop(drive)


def test_a_slow_page_gets_only_the_newest_picture():
    async def drive(toy):
        pace = toy.lab._pace
        pace._seen.value = pace._sent.value  # the page answers for the first time …
        for x in range(20, 20 + running.IN_FLIGHT):
            toy.lab.set(x=x)
            await toy.lab.settled()
        frames = toy.lab.frames  # … and is now as many frames behind as may be on their way
        for x in range(31, 60):
            toy.lab.set(x=x)
            await asyncio.sleep(0.005)
        assert toy.lab.frames == frames
        pace._seen.value = pace._sent.value
        await toy.lab.settled()
        assert toy.lab.frames == frames + 1 and toy.lab.caption.startswith("x is 59.")

    in_loop(drive)


def test_a_page_that_does_not_answer_counts_as_closed(monkeypatch):
    monkeypatch.setattr(running, "LOST", 0.05)

    async def drive(toy):
        toy.lab._pace._seen.value = toy.lab._pace._sent.value
        for _ in range(running.IN_FLIGHT):
            assert toy.lab._pace.ready
            toy.lab._pace.count_frame()
        assert not toy.lab._pace.ready
        toy.lab.set(x=20)
        await asyncio.wait_for(toy.lab.settled(), 5)
        assert toy.lab.caption.startswith("x is 20.")

    in_loop(drive, stages=300)


def test_running_the_cell_again_closes_the_lab_before():
    first, second = Toy(), Toy()
    assert first.lab._box.comm is None and second.lab._box.comm is not None
    second.lab.close()


def test_close_frees_every_widget():
    def alive():
        return {id(widget) for widget in ipywidgets.widgets.widget._instances.values()}

    before = alive()
    toy = Toy()
    assert len(alive()) > len(before) + 10
    toy.lab.close()
    assert alive() <= before


def test_the_code_is_that_of_the_controls():
    toy = Toy()
    toy.lab.set(x=77)
    assert toy.lab.code() == "result = 77\n"
    toy.lab._code_switch.value = True
    assert "result = 77" in toy.lab._code_text.value
    toy.lab.set(x=78)
    assert "result = 78" in toy.lab._code_text.value
    toy.lab.close()


def test_new_seed_moves_the_seed_only():
    toy = Toy()
    toy.lab.set(x=5)
    toy.lab._next_seed(None)
    assert toy.lab.values == {"x": 5, "y": 0.5, "seed": 1}
    toy.lab.set(seed=9999)
    toy.lab._next_seed(None)
    assert toy.lab.values["seed"] == 0
    toy.lab.close()


def test_what_stays_is_not_drawn_again(monkeypatch):
    toy = Toy()
    drawn = []
    monkeypatch.setattr(toy.lab._canvas, "_draw_background", lambda: drawn.append(1))
    for x in range(20, 30):
        toy.lab.set(x=x)
    assert drawn == []
    toy.lab._canvas.figure.axes[0].set_title("a thing that stays has changed")
    toy.lab.set(x=40)
    assert drawn == [1]
    toy.lab.close()


def test_a_frame_on_the_kept_background_is_the_figure_drawn_afresh():
    toy = Toy()
    for x in (3, 80, 55):
        toy.lab.set(x=x)
    kept = toy.lab.png()
    toy.lab._canvas.figure.stale = True
    toy.lab.set(y=0.1)
    assert toy.lab.png() == kept
    toy.lab.close()


def test_the_picture_does_not_follow_the_users_style():
    toy = Toy()
    picture = toy.lab.png()
    toy.lab.close()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "font.family": "monospace"}):
        other = Toy()
        assert other.lab.png() == picture
        other.lab.set(x=11)
        other.lab.set(x=10)
        np.testing.assert_array_equal(other.lab.png(), picture)
        other.lab.close()


@pytest.mark.parametrize("seconds", [0.0])
def test_work_that_reports_lets_the_loop_run(seconds):
    async def drive(toy):
        toy.lab.set(x=20)
        turns, end = 0, time.perf_counter() + 10
        while toy.lab.frames < 2 or toy.lab.caption.endswith("done.)"):
            await asyncio.sleep(seconds)
            turns += 1
            assert time.perf_counter() < end
        assert turns > 50

    in_loop(drive, stages=100)

"""The live layer, with a lab that counts what it is asked."""

import asyncio
import gc
import io
import threading
import time
import weakref

import ipywidgets
import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from dlhelpers.live import pace as running
from dlhelpers.live.canvas import _Agg, _png
from dlhelpers.live.controls import real_slider, slider
from dlhelpers.live.grabs import Grab
from dlhelpers.live.lab import Lab
from dlhelpers.live.pace import family
from dlhelpers.plots.decision_regions import blend
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

    def __init__(self, stages=1, fail_at=None, grabs=()):
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
            grabs=grabs,
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


def hear(toy, **message):
    """Let the page say something."""
    toy.lab._picture._hear(None, message, [])


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
        assert "x must be another number. Press Reset" in toy.lab._shell._message.value
        assert toy.lab._shell._message.layout.display != "none"
        assert toy.lab.png() == picture
        toy.lab.reset()
        await toy.lab.settled()
        assert toy.lab.error is None and toy.lab._shell._message.layout.display == "none"

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
        pace = toy.lab._picture.pace
        hear(toy, kind="page", room=300, high=800, ratio=1)  # a page asks for the picture …
        for x in range(20, 20 + running.IN_FLIGHT):
            toy.lab.set(x=x)
            await toy.lab.settled()
        frames = toy.lab.frames  # … and is now as many frames behind as may be on their way
        for x in range(31, 60):
            toy.lab.set(x=x)
            await asyncio.sleep(0.005)
        assert toy.lab.frames == frames
        hear(toy, kind="seen", number=pace.sent)
        await toy.lab.settled()
        assert toy.lab.frames == frames + 1 and toy.lab.caption.startswith("x is 59.")

    in_loop(drive)


def test_a_page_that_does_not_answer_counts_as_closed(monkeypatch):
    monkeypatch.setattr(running, "LOST", 0.05)

    async def drive(toy):
        pace = toy.lab._picture.pace
        pace.watch()
        for _ in range(running.IN_FLIGHT):
            assert pace.ready
            pace.count_frame()
        assert not pace.ready
        toy.lab.set(x=20)
        await asyncio.wait_for(toy.lab.settled(), 5)
        assert toy.lab.caption.startswith("x is 20.")

    in_loop(drive, stages=300)


def test_running_the_cell_again_closes_the_lab_before():
    first, second = Toy(), Toy()
    assert first.lab.closed and second.lab._shell.box.comm is not None
    assert "its cell was run again" in first.lab._repr_mimebundle_()["text/plain"]
    second.lab.close()


def test_a_closed_lab_leaves_no_picture_behind():
    async def run():
        pictures = []
        for _ in range(3):
            toy = Toy()
            toy.lab._repr_mimebundle_()
            pictures.append(weakref.ref(toy.lab._picture.canvas.figure))
            lab = toy.lab  # the history of outputs holds it
            toy = None
            lab.close()
        await asyncio.sleep(0)
        gc.collect()
        assert [each() for each in pictures] == [None] * 3

    asyncio.run(run())


def test_close_frees_every_widget():
    def alive():
        return {id(widget) for widget in ipywidgets.widgets.widget._instances.values()}

    before = alive()
    toy = Toy()
    assert len(alive()) > len(before) + 10
    toy.lab.close()
    assert alive() <= before


def press(lab, label):
    """Press a button, as the page says it."""
    widgets = [widget for widget in family(lab._shell.box) if getattr(widget, "description", "") == label]
    widgets[0].click()


def out_of_luck(*_, **__):
    raise RuntimeError("out of luck")


@pytest.mark.parametrize(
    "label, broken",
    [("high", "Panel.set"), ("low", "Panel.set"), ("Reset", "Panel.set"), ("New seed", "Lab._changed")],
)
def test_a_button_that_fails_says_so_and_nothing_is_lost(label, broken, monkeypatch):
    async def drive(toy):
        lab, before = toy.lab, toy.lab.caption
        with monkeypatch.context() as context:
            context.setattr(f"dlhelpers.live.{broken.partition('.')[0].lower()}.{broken}", out_of_luck)
            if broken == "Lab._changed":
                context.setattr(lab._panel, "_on_change", out_of_luck)
            press(lab, label)
        assert lab._shell.message == "Nothing was changed: out of luck (lab.error has the details.)"
        assert str(lab.error) == "out of luck" and lab.caption == before
        press(lab, "high")
        await lab.settled()
        assert lab.caption.startswith("x is 90.") and lab._shell.message == "" and lab.error is None

    in_loop(drive)


def test_every_button_is_guarded(monkeypatch):
    toy, pressed = Toy(), []
    monkeypatch.setattr(
        "dlhelpers.live.shell.Shell.guarded", lambda shell, act, failed="": pressed.append(act)
    )
    buttons = [w for w in family(toy.lab._shell.box) if isinstance(w, ipywidgets.Button)]
    for button in buttons:
        button.click()
    assert len(pressed) == len(buttons) == 5
    toy.lab.close()


def test_a_program_a_grab_and_a_sharp_picture_that_fail_are_told(monkeypatch):
    async def drive(toy):
        lab = toy.lab
        with monkeypatch.context() as context:
            context.setattr(lab, "_program", out_of_luck)
            lab._code_switch.value = True
            assert "The program cannot be shown: out of luck" in lab._shell.message
            lab._code_switch.value = False
        with monkeypatch.context() as context:
            context.setattr(lab._hand, "moved", out_of_luck)
            hear(toy, kind="down", x=0.5, y=0.5)
            await asyncio.sleep(0)
            assert "Nothing was changed: out of luck" in lab._shell.message
        with monkeypatch.context() as context:
            context.setattr(lab._picture, "sharpen", out_of_luck)
            hear(toy, kind="page", room=300, high=800, ratio=2)
            lab.set(x=30)
            await lab.settled()
            assert "The picture stays as it is: out of luck" in lab._shell.message
        lab.set(x=31)
        await lab.settled()
        assert lab._shell.message == "" and lab.caption.startswith("x is 31.")

    in_loop(drive)


def test_what_is_typed_and_refused_is_told():
    toy = Toy()
    hear(toy, kind="refused", why='x: a number is needed; got "<b>". Nothing was changed.')
    assert toy.lab._shell.message == "x: a number is needed; got &quot;&lt;b&gt;&quot;. Nothing was changed."
    toy.lab.set(x=12)
    assert toy.lab._shell.message == "" and toy.asked == [10, 12]
    toy.lab.close()


def test_the_code_is_that_of_the_picture_after_an_error_too():
    async def drive(toy):
        toy.lab.set(x=66)
        await toy.lab.settled()
        assert toy.lab.error and toy.lab.code() == "result = 10\n"

    in_loop(drive, fail_at=66)


def test_the_code_is_that_of_the_controls():
    toy = Toy()
    toy.lab.set(x=77)
    assert toy.lab.code() == "result = 77\n"
    toy.lab._code_switch.value = True
    assert "result = 77" in toy.lab._shell._code.value
    toy.lab.set(x=78)
    assert "result = 78" in toy.lab._shell._code.value
    toy.lab.close()


def test_new_seed_moves_the_seed_only():
    toy = Toy()
    toy.lab.set(x=5)
    toy.lab._next_seed()
    assert toy.lab.values == {"x": 5, "y": 0.5, "seed": 1}
    toy.lab.set(seed=9999)
    toy.lab._next_seed()
    assert toy.lab.values["seed"] == 0
    toy.lab.close()


def test_what_stays_is_not_drawn_again(monkeypatch):
    toy = Toy()
    hear(toy, kind="page", room=300, high=1000, ratio=1)
    drawn = []
    canvas = toy.lab._picture.canvas
    draw = canvas._draw_background
    monkeypatch.setattr(canvas, "_draw_background", lambda scale: (drawn.append(scale), draw(scale)))
    for x in range(20, 30):
        toy.lab.set(x=x)
    assert drawn == []
    toy.lab._picture.canvas.figure.axes[0].set_title("a thing that stays has changed")
    toy.lab.set(x=40)
    assert drawn == [1.0]
    toy.lab.close()


def test_a_frame_on_the_kept_background_is_the_figure_drawn_afresh():
    toy = Toy()
    for x in (3, 80, 55):
        toy.lab.set(x=x)
    kept = toy.lab.png()
    toy.lab._picture.canvas.figure.stale = True
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


def sent(toy, monkeypatch):
    """Return a list to which every message to the page is added."""
    messages = []
    monkeypatch.setattr(toy.lab._picture.widget, "send", lambda frame, pngs: messages.append((frame, pngs)))
    return messages


def opened(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_a_page_gets_the_whole_picture_and_then_what_changes(monkeypatch):
    toy = Toy()
    messages = sent(toy, monkeypatch)
    toy.lab.set(x=30)
    assert messages == []  # nobody is looking
    hear(toy, kind="page", room=300, high=1000, ratio=1)
    frame, pngs = messages.pop()
    page = opened(pngs[0])
    assert frame["at"] == [(0, 0)] and page.shape == (frame["height"], frame["width"], 3) == (200, 300, 3)
    for x in (60, 20, 95):
        toy.lab.set(x=x)
        frame, pngs = messages.pop()
        for (left, top), png in zip(frame["at"], pngs, strict=True):
            patch = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).astype(int)
            rows, columns = patch.shape[:2]
            assert rows * columns < page.size / 3 / 2, "a bar that grows is a small part of the picture"
            changed = patch[..., 3] == 255
            assert np.all(changed | (patch[..., 3] == 0)) and changed.any()
            page[top : top + rows, left : left + columns][changed] = patch[changed][:, :3]
        drawn = toy.lab._picture.canvas.pixels[..., :3].astype(int)
        assert np.abs(page - drawn).max() < 32
        assert np.all(page[drawn.min(axis=-1) == 255] == 255), "something is left of what was there before"
    toy.lab.close()


def test_pale_colors_stay_apart_and_white_stays_white():
    """A map is pale where a network is not sure; what was there before must not be seen in it."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (200, 200, 4), dtype=np.uint8)  # more colors than fit
    pixels[..., 3] = 255
    pixels[:60, :, :3] = 255
    pixels[60:120, :100, :3] = violet = blend(np.array([0.57, 0.43])) * 255
    pixels[60:120, 100:, :3] = amber = blend(np.array([0.43, 0.57])) * 255
    shown = np.ones(pixels.shape[:2], dtype=bool)
    for png in (_png(pixels), _png(pixels, shown)):
        page = opened(png)
        assert np.all(page[:60] == 255)
        assert np.abs(page[60:120, :100] - violet).max() < 8 and np.abs(page[60:120, 100:] - amber).max() < 8
        assert np.abs(page - pixels[..., :3]).max() < 64


@pytest.mark.parametrize("size", [7, 11, 40])
@pytest.mark.parametrize("words", ["Ågjpq_^|", "the loss is .15", "α₁ ≤ √β", "W", ","])
def test_a_text_is_put_down_as_matplotlib_draws_it(words, size):
    """Up to a pixel: a picture lies on whole pixels.  Every color, and what is half transparent."""
    for style in ({"color": "#0072B2"}, {"color": "black", "alpha": 0.5}, {"weight": "bold", "rotation": 90}):

        def drawn(make, style=style):
            figure = Figure(figsize=(6, 2))
            canvas = make(figure)
            figure.text(0.1, 0.4, f"{words}\n{words}", fontsize=size, **style)
            canvas.draw()
            return 255 - np.asarray(canvas.buffer_rgba())[..., :3].astype(int)

        ours, theirs = drawn(_Agg), drawn(FigureCanvasAgg)
        assert theirs.any() and ours.max() == pytest.approx(theirs.max(), abs=8)
        assert ours.sum(axis=(0, 1)) == pytest.approx(theirs.sum(axis=(0, 1)), rel=0.05)
        for axis in (0, 1):
            places = [np.flatnonzero(ink.max(axis=(axis, 2)) > 60) for ink in (ours, theirs)]
            assert all(abs(places[0][end] - places[1][end]) <= 1 for end in (0, -1))


def test_of_several_bars_that_one_is_taken_whose_row_is_nearest():
    """Wherever the bars end: x lies along the height 20, y along the height 80."""
    toy = Toy(grabs=[Grab(0, x="x", at=20), Grab(0, x="y", at=80)])
    ax = toy.lab._picture.canvas.figure.axes[0]
    for height, name in ((45, "x"), (55, "y")):
        before = toy.lab.values
        x, y = ax.transData.transform((1.0, height)) / toy.lab._picture.canvas.figure.bbox.size
        hear(toy, kind="down", x=x, y=y)
        hear(toy, kind="up", x=x, y=y)
        assert {each for each in before if toy.lab.values[each] != before[each]} == {name}
    toy.lab.close()


def test_the_picture_has_the_pixels_of_the_screen_when_the_hand_rests(monkeypatch):
    async def drive(toy):
        messages = sent(toy, monkeypatch)
        hear(toy, kind="page", room=300, high=1000, ratio=2)
        await asyncio.sleep(0)
        toy.lab.set(x=30)
        while len(messages) < 2:
            await asyncio.sleep(0)
        await toy.lab.settled()
        sizes = [(frame["width"], frame["css"]) for frame, _ in messages]
        assert sizes == [(600, 300), (300, 300), (600, 300)]  # at once, while it moves, at rest

    in_loop(drive)


def test_a_wide_window_gets_a_larger_picture_and_a_low_one_does_not(monkeypatch):
    toy = Toy()
    messages = sent(toy, monkeypatch)
    for room, high, css in ((480, 1000, 480), (2000, 1000, 510), (480, 530, 360), (50, 50, 210)):
        hear(toy, kind="page", room=room, high=high, ratio=1)
        assert messages.pop()[0]["css"] == css
    toy.lab.close()


def test_the_page_knows_where_the_axes_are(monkeypatch):
    toy = Toy(grabs=[Grab(0, y="x")])
    sent(toy, monkeypatch)
    hear(toy, kind="page", room=300, high=1000, ratio=1)
    (panel,) = toy.lab._picture.widget.panels
    assert panel["x"] == [0, 2] and panel["y"] == [0, 100] and panel["log"] == [False, False]
    assert panel["cursor"] == "grab" and 0 < panel["box"][0] < panel["box"][2] < 1
    toy.lab.close()


def test_what_is_held_follows_the_pointer():
    toy = Toy(grabs=[Grab(0, y="x")])

    def at(kind, height):
        """The pointer in the middle of the panel, at this number on its vertical axis."""
        ax = toy.lab._picture.canvas.figure.axes[0]
        x, y = ax.transData.transform((1, height)) / toy.lab._picture.canvas.figure.bbox.size
        hear(toy, kind=kind, x=x, y=y)

    at("move", 80)
    assert toy.asked == [10]  # nothing is held
    at("down", 80)
    at("move", 55.2)
    at("move", 250)  # outside of the panel: the control stays at its end
    at("up", 42)
    at("move", 70)
    assert toy.asked == [10, 80, 55, 100, 42] and toy.lab.values["x"] == 42
    hear(toy, kind="down", x=0.001, y=0.001)  # outside of every panel
    assert toy.lab.values["x"] == 42
    toy.lab.close()


def test_the_nearer_one_of_two_is_taken():
    toy = Toy(grabs=[Grab(0, y="x"), Grab(0, y="y", from_y=lambda v: v / 100, to_y=lambda y: 100 * y)])
    ax = toy.lab._picture.canvas.figure.axes[0]
    for height, moved in ((20, {"x": 20}), (60, {"y": 0.6})):  # x stands at 10, y at 50
        before = toy.lab.values
        x, y = ax.transData.transform((1, height)) / toy.lab._picture.canvas.figure.bbox.size
        hear(toy, kind="down", x=x, y=y)
        hear(toy, kind="up", x=x, y=y)
        assert toy.lab.values == {**before, **moved}
    toy.lab.close()


def test_an_image_stands_in_where_a_canvas_cannot_be_shown(monkeypatch):
    monkeypatch.setenv("DLHELPERS_PICTURE", "image")
    toy = Toy()
    image = toy.lab._picture.widget
    assert isinstance(image, ipywidgets.Image) and image.value == toy.lab.png()
    toy.lab.set(x=42)
    assert image.value == toy.lab.png() and image.tooltip == toy.lab.caption
    toy.lab.close()


def test_more_unfolds_the_other_controls():
    toy = Toy()
    assert not [w for w in family(toy.lab._shell.box) if getattr(w, "description", "") == "More"]
    extra = {name: slider(name, 0, 9, 1) for name in "abcd"}
    lab = Lab("Many", extra, lambda **_: 1, lambda figure: [BarView(figure)], lambda **_: "", {},
              finding=str, caption=str, size=(3, 2))  # fmt: skip
    (switch,) = [w for w in family(lab._shell.box) if getattr(w, "description", "") == "More"]
    (folded,) = [w for w in family(lab._shell.box) if extra["d"] in getattr(w, "children", ())]
    assert folded.layout.display == "none" and extra["c"] not in folded.children
    switch.value = True
    assert folded.layout.display == ""
    toy.lab.close()
    lab.close()

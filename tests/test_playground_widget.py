"""The playground driven without a browser: by its controls, buttons and methods, on an event loop."""

import asyncio
import gc
import os
import re
import signal
import sys
import threading
import time
import weakref
from collections import Counter
from functools import partial
from itertools import count

import ipywidgets
import numpy as np
import psutil
import pytest

from dlhelpers.columns import read_examples
from dlhelpers.labs.playground import desk as desk_module
from dlhelpers.labs.playground import player as player_module
from dlhelpers.labs.playground import run as run_module
from dlhelpers.labs.playground import screen as screen_module
from dlhelpers.labs.playground.controls import LABELS, PRESETS
from dlhelpers.labs.playground.frame import curves, frame
from dlhelpers.labs.playground.geometry import Geometry, More, Unit
from dlhelpers.labs.playground.pen import Pen
from dlhelpers.labs.playground.player import Player
from dlhelpers.labs.playground.playground import Playground, playground
from dlhelpers.labs.playground.pointer import DRAWING, Place, read
from dlhelpers.labs.playground.run import Run
from dlhelpers.labs.playground.signs import sign
from dlhelpers.labs.playground.views import PANELS, SidePanel
from dlhelpers.labs.playground.words import caption, finding
from dlhelpers.live import pace as running
from dlhelpers.live import table_form as form_module
from dlhelpers.live.controls import Toggles, extremes
from dlhelpers.points import Points
from dlhelpers.session import Session
from dlhelpers.settings import FIXED, SCHEDULES, Settings
from dlhelpers.sharing import from_text, to_text
from dlhelpers.tables import read_table

playground_module = sys.modules[Playground.__module__]  # its package gives the function of the same name
SMALL = {"m": 60, "hidden": (4, 3)}
LIVE = [name for name in LABELS if name not in FIXED]
STATED = (
    "Hidden layers must be whole numbers",
    "each size in hidden must be",
    "features must be a tuple of one or more",
    "dev_share and test_share must be",
    "added must have classes below",
    "There is no point to remove",
    "hidden must be a tuple of up to 6 sizes",
    "There is no hidden layer",
    "Set it to a number",
    "The weight W",
    "batch_size must be 2 or more with batch normalization",
    "step must be an integer in",
    "text must",
    "own.csv: A column must be the class",
)
"""How the errors begin that bad input is answered with."""
TABLE = "\n".join(f"{i * 7 % 30},{i * i % 7},{'ab'[i % 2]}" for i in range(30))


TYPED = {
    "hidden": {"": (), "1": (1,), "64, 1 2,3,4,5": (64, 1, 2, 3, 4, 5)},
    "added": {"1,-1,0; -.5,3,1;": ((1.0, -1.0, 0), (-0.5, 3.0, 1)), "": ()},
}
"""What is typed into the fields, and the setting that it is."""


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """Check every frame that is drawn: picture, caption and controls belong to one step.  Return them."""
    frames = []
    show = Playground._show

    def show_and_check(lab):
        show(lab)
        session, result = lab.session, lab.result
        assert result.now.step == session.step, "the picture is of another step"
        assert result.settings == session.settings
        rate = SCHEDULES[result.settings.schedule](result.settings.learning_rate, result.settings.half_after)
        assert result.now.learning_rate == float(np.asarray(rate(session.step)))
        assert result.changes == [change.step for change in session.changes]
        assert lab.caption == f"{finding(result)}. {caption(result)}"
        assert f"after {session.step:,} step" in lab.caption
        assert ("diverged at step" in lab.caption) == bool(session.diverged)
        assert bool(result.message) == bool(session.diverged)
        assert lab.png().startswith(b"\x89PNG") and lab._screen.text.value == to_text(session)
        frames.append(result)

    monkeypatch.setattr(Playground, "_show", show_and_check)
    return frames


@pytest.fixture(autouse=True)
def sigint():
    """Leave the handler of interrupts to the next test as it was."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def cells(monkeypatch):
    """Let every playground be in a cell of its own."""
    numbers = count()
    monkeypatch.setattr(running, "_cell", lambda: next(numbers))


@pytest.fixture(scope="module")
def made():
    """The playgrounds that tests have shared."""
    labs = []
    yield labs
    for lab in labs:
        lab.close()


@pytest.fixture
def five(made):
    """A playground after five steps; it is made once, and anew if another test has closed it."""
    if not made or made[-1].closed:
        made.append(playground(**SMALL))
    lab = made[-1]
    lab.set(**SMALL)
    lab.reset()
    lab.step(5)
    lab._shell.error = None
    assert said(lab) == ""
    return lab


def in_loop(drive, **settings):
    """Run `drive(lab)` on an event loop, as in a notebook; no error may be left over."""

    async def run():
        lab = Playground(**{**SMALL, **settings})
        try:
            await drive(lab)
            if not lab.closed and task(lab) is not None and task(lab).done():
                assert task(lab).exception() is None
        finally:
            lab.close()
            await asyncio.sleep(0)

    asyncio.run(run())


async def until(condition, seconds=20):
    end = time.perf_counter() + seconds
    while not condition():
        assert time.perf_counter() < end, "it did not come"
        await asyncio.sleep(0.001)


def look(lab, name):
    """Return the control of what is looked at."""
    return lab._screen.look.controls[name]


def upload(lab, name, content):
    """What the page sends when a file is chosen."""
    lab._desk.table.upload._hear(None, {"name": name}, [memoryview(content)])


def task(lab):
    return lab._player._task


def press(lab, label):
    """Press a button, as the page says it."""
    (button,) = [
        widget
        for widget in running.family(lab._shell.box)
        if isinstance(widget, ipywidgets.Button) and widget.description == label
    ]
    button.click()


def said(lab):
    return lab._shell.message


# ------------------------------------------------------------------------------------- in a script


def test_in_a_script_every_control_is_answered_at_once():
    lab = playground(5, **SMALL)
    assert lab.session.step == 5 and lab.caption.startswith("Dev accuracy")
    before = lab.png()
    lab.controls["l2"].value = 0.1
    assert lab.session.changes == [(5, {"l2": 0.1})] and "at step 5: L2, lambda 0.1" in lab.caption
    lab.controls["data"].value = "xor"
    assert lab.session.step == 0 and lab.session.start.l2 == 0.1 and "on xor" in lab.caption
    assert lab.png() != before and lab.error is None
    with pytest.raises(RuntimeError, match="play needs a notebook"):
        lab.play()
    lab.close()
    with pytest.raises(ValueError, match=r"playground has the settings .*; got speed"):
        playground(speed=3)


def test_every_control_to_all_its_ends():
    lab = playground(3, **SMALL)
    for name, control in lab.controls.items():
        before = getattr(lab.session.settings, name)
        for end in TYPED.get(name) or extremes(control):
            control.value = end
            lab.step(2)
            got = getattr(lab.session.settings, name)
            if name in TYPED:
                assert got == TYPED[name][end]
            else:
                assert got == pytest.approx(end) if isinstance(end, float) else got == end
            assert lab.error is None, (name, end, lab.error)
        lab.set(**{name: before})
        assert getattr(lab.session.settings, name) == before
    for end in extremes(look(lab, "panel")):
        look(lab, "panel").value = end
        assert lab.error is None and lab.result.panel == end
    lab.close()


@pytest.mark.parametrize("text", ["a", "8;8", "0", "65", "1 1 1 1 1 1 1", "-3", "1e3"])
def test_a_bad_text_of_layers_is_told_and_nothing_changes(text, five):
    lab = five
    lab.controls["hidden"].value = text
    words = (
        "Hidden layers must be",
        "each size in hidden must be",
        "hidden must be a tuple of up to 6 sizes",
    )
    assert isinstance(lab.error, ValueError) and str(lab.error).startswith(words)
    assert "Nothing was changed: " in said(lab)
    assert lab.session.step == 5 and lab.controls["hidden"].value == "4, 3"
    lab.controls["hidden"].value = "5"
    assert lab.session.settings.hidden == (5,) and said(lab) == ""


def test_a_rounded_value_that_the_page_sends_back_is_no_change():
    lab = playground(5, learning_rate=0.012345, **SMALL)
    lab.controls["learning_rate"].value *= 1 + 1e-15
    lab.controls["keep_prob"].value -= 1e-16
    assert lab.session.changes == [] and lab.session.settings.learning_rate == 0.012345
    lab.set(learning_rate=0.0, l2=0.123, beta2=0.5, m=1500)
    assert lab.session.settings.learning_rate == 0.0 and lab.session.settings.m == 1500
    assert lab.session.settings.l2 == 0.123 and lab.session.settings.beta2 == 0.5
    assert lab.error is None
    lab.close()


def ends_of_kept(lab):
    return {kept.letter: kept.curves["step"][-1] for kept in lab.result.kept}


def test_the_three_last_runs_are_compared_in_a_table():
    lab = playground(0, **SMALL)
    runs = lab._screen.runs
    assert runs.widget.layout.display == "none"
    for initializer in ("zeros", "normal", "orthogonal", "recommended"):
        lab.set(initializer=initializer)
        lab.step(30)
    assert ends_of_kept(lab) == {"A": 30, "B": 30, "C": 30}
    assert lab.caption.endswith("In grey: A, B, C.")
    table = runs.table.value
    assert runs.widget.layout.display == "" and table.count("<tr>") == 5
    for words in ("Initialization zeros", "Initialization normal", "<td>now</td><td></td><td>30</td>"):
        assert words in table
    assert re.findall(r"<td>([\d,]+) µs</td></tr>", table) and "not timed" not in table
    lab.set(initializer="glorot_normal")
    assert ends_of_kept(lab) == {"B": 30, "C": 30, "D": 30}, "the oldest is let go"
    lab.forget()
    assert lab.result.kept == [] and runs.widget.layout.display == "none" and "grey" not in lab.caption
    lab.close()


def test_a_run_in_grey_can_be_named_and_forgotten():
    lab = playground(0, **SMALL)
    runs = lab._screen.runs
    for initializer in ("zeros", "normal", "recommended"):
        lab.set(initializer=initializer)
        lab.step(30)
    (panel,) = (view for view in lab._picture.canvas.views if isinstance(view, SidePanel))
    marker = panel.views["loss"]._names[0].get_marker()
    before = lab.png()
    runs.names[0].value = "  all <b>zeros</b> $x$ and more "
    assert lab.result.kept[0].name == runs.names[0].value == "all <b>zeros</b> $x$"
    assert "<td>all &lt;b&gt;zeros&lt;/b&gt; &#36;x&#36;</td>" in runs.table.value
    assert lab.caption.endswith("In grey: all <b>zeros</b> $x$, B.") and lab.png() != before
    assert panel.views["loss"]._names[0].get_marker() is not marker and lab.error is None
    lab.step(1)
    assert lab.result.kept[0].name == "all <b>zeros</b> $x$", "it stays"
    runs.names[0].value = "\N{PILE OF POO}"  # a letter that the font lacks
    runs.names[0].value = " "
    assert lab.result.kept[0].name == "A" and lab.session.step == 31
    press(lab, "Forget A")
    assert ends_of_kept(lab) == {"B": 30} and lab.caption.endswith("In grey: B.")
    assert [row.layout.display for row in runs._fields] == ["", "none", "none"]
    assert runs._buttons[0].description == "Forget B" and runs.names[0].value == "B"
    lab.close()


def test_classes_and_axes_have_the_names_of_the_table(monkeypatch):
    lab = playground(5, **SMALL)
    names = ["$lily$", "a rose of a long name", "iris"]
    rows = [f"{i * 7 % 30},{i * i % 7},{names[i % 3]}" for i in range(30)]
    upload(lab, "own.csv", "\n".join(["$a$,width,kind", *rows]).encode())
    assert said(lab) == "" and lab.result.class_names == ("$lily$", "a rose of a long name", "iris")
    assert "Classes: ● $lily$, ▲ a rose of a long name, ■ iris." in lab.caption
    drawing, plane, *_ = lab._picture.canvas.figure.axes
    texts = {text.get_text(): text for text in drawing.texts}
    for name in ("● $lily$", "▲ a rose of…", "■ iris"):
        assert not texts[name].get_parse_math()
    assert plane.get_xlabel() == r"\$a\$" and plane.get_ylabel() == "width"
    look(lab, "panel").value = "confusion matrix"
    (panel,) = (view for view in lab._picture.canvas.views if isinstance(view, SidePanel))
    labels = panel.views["confusion matrix"]._ax.get_xticklabels()
    assert [label.get_text() for label in labels] == ["● $lily$", "▲ a rose …", "■ iris"]
    assert not labels[0].get_parse_math()
    geometry = lab.result.geometry
    assert (
        geometry.at(*geometry.place(Unit(3, 2))) == Unit(3, 2) and geometry.name(Unit(3, 2)) == "output iris"
    )
    lab.set(data="xor")
    assert lab.result.class_names == () and "Classes" not in lab.caption
    assert [label.get_text() for label in panel.views["confusion matrix"]._ax.get_xticklabels()] == [
        "●0",
        "▲1",
    ]
    lab.close()


def test_the_values_of_an_earlier_step_can_be_read():
    lab = playground(40, **SMALL)
    assert lab.result.looked_at is None
    at_the_end = lab.png()
    look(lab, "step").value = 25
    point = lab.session.history[25]
    assert lab.result.looked_at == point and lab.png() != at_the_end and lab.session.step == 40
    assert f"The line marks step 25: loss {point.train_loss:.3g} and {point.dev_loss:.3g}" in lab.caption
    lab.rewind(25)
    assert lab.session.step == 25 and look(lab, "step").value == 25 and lab.result.looked_at is None
    lab.close()


def test_presets_begin_a_new_run_and_show_what_they_are_named_after():
    lab = playground(0, **SMALL)
    found = {}
    for label, (values, _) in PRESETS.items():
        lab.preset(label)
        assert lab.session.settings == Settings(**values) and lab.session.step == 0
        lab.step(1500)
        found[label] = lab.result.curves
    lab.close()
    ends = {label: {name: curve[-1] for name, curve in curves.items()} for label, curves in found.items()}
    assert ends["two moons"]["dev_accuracy"] > 0.95 and ends["spiral"]["dev_accuracy"] > 0.9
    assert ends["overfits"]["dev_loss"] > 2 * found["overfits"]["dev_loss"].min()
    assert ends["overfits"]["train_loss"] < 0.1
    assert ends["rate too high"]["train_loss"] > 20 * ends["spiral"]["train_loss"]
    assert ends["zero weights"]["train_accuracy"] < 0.6
    assert 0.3 < ends["digits"]["dev_accuracy"] < 0.9


def test_the_map_grows_with_the_data():
    lab = playground(0, **SMALL)
    assert lab.result.limit == 3 and "outside" not in lab.caption
    lab.set(noise=1.0)
    assert lab.result.limit == np.ceil(np.abs(lab.session.points.X).max()) > 3
    lab.own_data(Points(np.append(np.zeros((30, 2)), [[9.0, 0], [0, -9]], axis=0), np.arange(32) % 2))
    assert lab.result.limit == 6 and "2 examples lie outside of the map." in lab.caption
    lab.close()


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize(
    "activation, loss_name, batch_norm",
    [
        ("linear", "softmax_cross_entropy", False),
        ("leaky_relu", "squared_error", True),
        ("softplus", "sigmoid_cross_entropy", False),
    ],
)
def test_every_frame_up_to_divergence_is_finite(panel, activation, loss_name, batch_norm):
    overflows = 0  # where theta is finite still, what the units answer overflows already
    kind = {"activation": activation, "loss_name": loss_name, "batch_norm": batch_norm}
    session = Session(Settings(**kind, optimizer="gradient_descent", learning_rate=1000.0, l2=3.0))
    while True:
        theta = np.nan_to_num(session.now.theta)
        answers = session.network.hidden_units(theta, session.points.X, session.now.statistics)
        overflows += not all(np.isfinite(layer).all() for layer in answers)
        for layer in (1, 2):
            seen = frame(session, panel, Unit(layer, 0), None, (), 0, False)
            for values in (seen.map, seen.large, seen.weights, seen.gradients, *seen.layer_weights):
                assert np.isfinite(values).all()
            for answers in (*seen.answers, seen.large):
                assert np.isfinite(answers).all() and np.abs(answers).max(initial=0) <= 1
        if session.diverged:
            break
        session.advance()
    assert session.step < 300 and overflows > 0


def test_the_test_set_has_a_curve_and_words_and_decides_nothing():
    lab = playground(20, test_share=0.2, **SMALL)
    (panel,) = (view for view in lab._picture.canvas.views if isinstance(view, SidePanel))
    view, now = panel.views["loss"], lab.result.now
    assert f"{now.dev_loss:.3g} on the dev set, {now.test_loss:.3g} on the test set." in lab.caption
    assert view._test.get_visible() and view._test.get_linestyle() == ":" and view._test_name.get_visible()
    np.testing.assert_array_equal(view._test.get_ydata(), lab.result.curves["test_loss"])
    shown = np.concatenate([lab.result.train[0], lab.result.dev[0]])
    assert len(shown) == 48 and lab.result.n_test == 12, "the map shows none of the test set"
    lab.fork()
    assert "test" not in lab._screen.runs.table.value.lower()
    lab.set(test_share=0.0)
    assert not view._test.get_visible() and not view._test_name.get_visible()
    assert "test set" not in lab.caption and lab.error is None
    lab.set(dev_share=0.8)
    lab.set(test_share=0.3)
    assert "The rest is the training set" in said(lab) and lab.controls["test_share"].value == 0.0
    lab.close()


def test_the_axis_of_the_loss_reaches_to_the_lowest_one():
    lab = playground(data="xor", m=80, noise=0.1, hidden=(32, 32), learning_rate=0.03)
    (panel,) = (view for view in lab._picture.canvas.views if isinstance(view, SidePanel))
    view = panel.views["loss"]
    assert view._ax.get_ylim() == (1e-3, 10)
    lab.step(1000)
    assert 1e-8 < lab.result.now.train_loss < 1e-4
    low, high = view._ax.get_ylim()
    assert low < lab.result.now.train_loss < 10 * low * (1 + 1e-9) and high == 10
    drawn = view._lines[0].get_ydata()
    np.testing.assert_array_equal(drawn, lab.result.curves["train_loss"])
    lab.set(learning_rate=100.0, optimizer="gradient_descent", activation="linear")
    lab.step(1000)  # it diverges, or jumps about: the axis stays finite
    assert np.isfinite(view._ax.get_ylim()).all() and lab.error is None
    lab.close()


def test_reset_fork_rewind_and_new_weights():
    lab = playground(0, **SMALL)
    lab.step(60)
    history = list(lab.session.history)
    assert lab.result.kept == []
    lab.reset()
    assert lab.session.step == 0 and ends_of_kept(lab) == {"A": 60}
    lab.step(60)
    assert lab.session.history == history
    lab.fork()
    assert ends_of_kept(lab) == {"A": 60}, "the same run is kept once"
    lab.set(learning_rate=0.1)
    lab.step(20)
    np.testing.assert_array_equal(
        lab.result.kept[0].curves["train_loss"], [each.train_loss for each in history]
    )
    assert (
        "<td>A</td><td>without Learning rate 0.1 from step 60</td><td>60</td>" in lab._screen.runs.table.value
    )
    lab.rewind(30)
    assert lab.session.settings.learning_rate == 0.01
    assert lab.controls["learning_rate"].value == pytest.approx(0.01)
    assert lab.session.history == history[:31] and ends_of_kept(lab) == {"A": 60, "B": 80}
    lab.step(30)
    assert lab.session.history == history
    lab.new_weights()
    assert lab.session.settings.weight_seed == 1 and lab.controls["weight_seed"].value == 1
    assert lab.session.history[0].train_loss != history[0].train_loss
    lab.rewind(5)
    assert "step must be an integer in [0, 0]" in said(lab)
    lab.close()


def test_text_and_code_and_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lab = playground(20, **SMALL)
    lab.set(l2=0.1)
    lab.step(3)
    text, theta = lab.text(), lab.session.now.theta
    lab.set(data="circles")
    lab.load(text)
    np.testing.assert_array_equal(lab.session.now.theta, theta)
    assert lab.text() == text and lab.controls["l2"].value == 0.1 and lab.controls["data"].value == "moons"
    lab.load("playground | sped=3")
    assert "got &#x27;sped=3&#x27;" in said(lab) and lab.text() == text
    look(lab, "code").value = True
    assert "batches.again(run)" in lab._shell._code.value and lab._shell._code.layout.display == ""
    assert "descend(" in str(lab.code())
    press(lab, "Save picture")
    press(lab, "Save network")
    assert (tmp_path / "playground.png").read_bytes() == lab.png()
    assert (tmp_path / "playground.npz").stat().st_size > 100 and "playground.npz" in said(lab)
    lab.close()


def test_a_long_run_is_trained_again_beside_the_loop():
    async def drive(lab):
        line = "playground | m=60 hidden=4 | @2000 learning_rate=0.1 | @4000"
        lab.load(line)
        await until(lambda: "Training again what the line says: step" in said(lab))
        assert lab.session.step == 5, "until it is there, the present run stays"
        await lab.settled()
        assert lab.text() == line and lab.session.step == 4000 and lab.controls["learning_rate"].value == 0.1
        assert said(lab) == "" and ends_of_kept(lab) == {"A": 5}
        lab.load(line)
        await until(lambda: "Training again" in said(lab))
        lab.reset()
        lab.pause()
        await lab.settled()
        assert lab.session.step == 0 and lab.error is None and said(lab) == ""

    in_loop(drive, steps=5)


def test_own_data_are_loaded_and_bad_ones_told():
    lab = playground(5, **SMALL)
    upload(lab, "bad.csv", b"1,2,a")
    assert "bad.csv: A column must be the class" in said(lab) and lab.session.step == 5
    upload(lab, "bad.csv", b"\xff\xfe1")
    assert "bad.csv: The content must be text in UTF-16" in said(lab) and lab.session.step == 5
    upload(lab, "own.csv", memoryview(TABLE.encode()))
    assert lab.session.settings.data == "own" and lab.controls["data"].value == "own"
    np.testing.assert_array_equal(lab.session.points.X, read_examples(read_table(TABLE)).points.X)
    lab.step(5)
    text = lab.text()
    lab.set(data="xor")
    lab.load(text)
    assert lab.text() == text and said(lab) == ""
    lab.close()


# ---------------------------------------------------------------------------- errors are told in words


def out_of_luck(*_, **__):
    raise RuntimeError("out of luck")


FAILING = {
    "Play": (Player, "play"),
    "Step": (Session, "advance"),
    "100 steps": (Session, "advance"),
    "Reset": (run_module, "Session"),
    "New weights": (run_module, "Session"),
    "Fork": (Run, "keep"),
    "Forget grey": (Run, "forget"),
    "Rewind": (Session, "rewind"),
    "Remove point": (Pen, "remove"),
    "Load": (player_module, "replay"),
    "Save network": (playground_module, "save_network"),
    "Save picture": (desk_module.Path, "write_bytes"),
    **dict.fromkeys(("Add a unit", "Remove a unit", "Add a layer", "Remove a layer"), (Session, "change")),
    **dict.fromkeys(PRESETS, (run_module, "Session")),
}
"""For each button what is broken in the test that presses it."""


def test_every_button_is_in_the_test_of_failing_buttons(five):
    buttons = {w.description for w in running.family(five._shell.box) if isinstance(w, ipywidgets.Button)}
    assert buttons == {
        *FAILING,
        "Stop",
        "Forget",
    }  # they have no run or bar


@pytest.mark.parametrize("label", FAILING)
def test_a_button_that_fails_says_so_and_nothing_is_lost(label, five, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    lab = five
    lab.reset()
    lab.step(3)
    session, kept, text, theta = lab.session, list(lab._run.kept), lab.text(), lab.session.now.theta
    with monkeypatch.context() as broken:
        broken.setattr(*FAILING[label], out_of_luck)
        press(lab, label)
    assert "Nothing was changed: out of luck" in said(lab) and str(lab.error) == "out of luck"
    assert lab.session is session and lab._run.kept == kept and lab.text() == text
    np.testing.assert_array_equal(lab.session.now.theta, theta)
    lab.step(1)
    assert lab.session.step == 4 and said(lab) == ""


@pytest.mark.parametrize("label", ["Save network", "Save picture"])
def test_a_folder_that_cannot_be_written_is_named(label, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("playground.npz", "playground.png"):
        (tmp_path / name).mkdir()  # a folder is in the way
    lab = playground(0, **SMALL)
    press(lab, label)
    assert "cannot be written (" in said(lab) and str(tmp_path) in said(lab)
    lab.close()


def test_a_table_a_panel_and_a_program_that_fail_are_told(monkeypatch):
    lab = playground(5, **SMALL)
    with monkeypatch.context() as broken:
        broken.setattr(form_module, "read_table", out_of_luck)
        upload(lab, "own.csv", TABLE.encode())
        assert "Nothing was changed: out of luck" in said(lab) and lab.session.step == 5
    upload(lab, "own.csv", TABLE.encode())  # the same file once more
    assert lab.session.settings.data == "own" and said(lab) == ""
    with monkeypatch.context() as broken:
        broken.setattr(screen_module, "program", out_of_luck)
        look(lab, "code").value = True
        assert "The program cannot be shown: out of luck" in said(lab)
    with monkeypatch.context() as broken:
        broken.setattr(screen_module, "frame", out_of_luck)
        look(lab, "panel").value = "weights"
        assert "The picture cannot be drawn: out of luck" in said(lab)
    look(lab, "panel").value = "layers"
    assert said(lab) == "" and lab.result.panel == "layers"
    lab.close()


def test_training_and_pictures_that_fail_while_it_plays_are_told(monkeypatch):
    async def drive(lab):
        lab.play()
        await until(lambda: lab.session.step > 5)
        with monkeypatch.context() as broken:
            broken.setattr(screen_module, "frame", out_of_luck)
            await until(lambda: "The picture cannot be drawn: out of luck" in said(lab))
            step = lab.session.step
            await until(lambda: lab.session.step > step)
        with monkeypatch.context() as broken:
            broken.setattr(Session, "advance", out_of_luck)
            await until(lambda: "Training has stopped: out of luck" in said(lab))
            await lab.settled()
            step = lab.session.step
        assert not lab.playing and lab._screen.play.description == "Play"
        lab.play()
        await until(lambda: lab.session.step > step)

    in_loop(drive)


def test_two_knobs_of_which_one_fails():
    async def drive(lab):
        lab.controls["l2"].value = 0.3
        lab.controls["hidden"].value = "x"
        lab.controls["l1"].value = 0.1
        await lab.settled()
        assert "Hidden layers must be" in str(lab.error) and lab.controls["hidden"].value == "4, 3"
        assert (lab.session.settings.l1, lab.session.settings.l2) == (0.1, 0.3)

    in_loop(drive)


# --------------------------------------------------------------------------------- what the heading says


@pytest.mark.parametrize(
    ("at", "values", "named"),
    [
        (80, {"loss_name": "squared_error"}, False),  # another loss has other numbers
        (80, {"keep_prob": 0.5, "learning_rate": 0.3}, False),
        (80, {"learning_rate": 0.3}, True),
        (20, {"keep_prob": 0.5}, True),  # too long ago
    ],
)
def test_a_jump_is_laid_to_the_rate_only_if_nothing_else_was_changed(at, values, named):
    session = Session(Settings(**SMALL))
    session.advance(at)
    session.change(**values)
    session.advance(100 - at)
    seen = curves(session)
    jumped = np.where(np.arange(len(seen["step"])) == len(seen["step"]) - 3, 9.0, seen["train_loss"])
    assert ("jumps" in sign(session, {**seen, "train_loss": jumped})) == named


@pytest.mark.parametrize("share, said", [(1.0, "100%"), (0.9999, "over 99%"), (0.994, "99%"), (0.0, "0%")])
def test_all_are_right_only_if_all_are(share, said):
    now = Playground(**SMALL).result
    better = now._replace(now=now.now._replace(dev_accuracy=share))
    assert f"Dev accuracy {said} after" in finding(better) and f"and {said}." in caption(better)


@pytest.mark.parametrize(
    "others", [{}, {"keep_prob": 0.5}, {"batch_norm": True}, {"loss_name": "squared_error"}, {"hidden": ()}]
)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_sign_is_given_of_every_network(activation, others):
    lab = Playground(**{**SMALL, "activation": activation, **others})
    lab.step(150)
    assert lab.error is None and lab.result.sign == sign(lab.session, lab.result.curves)
    lab.close()


def test_a_jump_that_the_hand_has_made_is_no_fault_of_the_rate():
    lab = Playground(**SMALL)
    lab.step(300)
    lab.session.change(**{"W3[0,0]": 500.0})
    lab.step(100)
    assert max(each.train_loss for each in lab.session.history) > 2 * lab.session.history[0].train_loss
    assert lab.result.sign == ""
    lab.close()


def test_a_dead_unit_and_a_dead_layer_are_told():
    lab = Playground()
    lab.preset("dead ReLUs")
    lab.step(300)
    assert "most ReLU units of a layer are dead: 0 everywhere" in lab.caption
    dead = next(
        part
        for part in lab.result.geometry.units
        if part.layer and not lab.result.answers[part.layer][part.unit].any()
    )
    x, y = lab.result.geometry.place(dead)
    assert read(lab.session, lab.result, Place(DRAWING, x, y)).endswith(": 0 everywhere")
    lab.close()


def test_the_axis_of_the_loss_grows_with_it():
    lab = Playground(**SMALL, optimizer="gradient_descent", learning_rate=30.0)
    lab.step(100)
    highest = max(each.train_loss for each in lab.session.history)
    (ax,) = (ax for ax in lab._screen.picture.canvas.figure.axes if ax.get_ylabel() == "loss")
    assert ax.get_ylim()[1] >= min(highest, 1e6) > 10
    lab.close()


# ------------------------------------------------------------------------------------------- one drag


@pytest.mark.parametrize("playing", [True, False])
def test_one_drag_is_one_change_in_state_and_program(playing, monkeypatch):
    monkeypatch.setattr(run_module, "GESTURE", 1e9)  # however slow the machine is

    async def drive(lab):
        lab.step(30)
        if playing:
            lab.play()
        control, began = lab.controls["learning_rate"], lab.session.step
        control.value = 10**-1.9  # it was 0.01
        await until(lambda: lab.session.changes)
        took_hold = lab.session.changes[0].step
        for k in range(2, 20):
            control.value = 10 ** (-2 + 0.1 * k)
            await asyncio.sleep(0.02)
        await until(lambda: lab.session.settings.learning_rate == pytest.approx(10**-0.1))
        ((step, values),) = lab.session.changes
        assert list(values) == ["learning_rate"] and step == took_hold >= began
        assert playing or took_hold == began
        await until(lambda: not playing or lab.session.step > step + 5)
        lab.pause()
        await lab.settled()
        assert lab.text().count("learning_rate") == 1 and str(lab.code()).count("learning_rate") == 1
        np.testing.assert_array_equal(from_text(lab.text()).now.theta, lab.session.now.theta)
        lab.step(1)  # the hand has let go
        control.value = 10**-1.5
        await lab.settled()
        assert len(lab.session.changes) == 2
        control.value = 10**-0.1  # and back: nothing was changed there
        await lab.settled()
        assert len(lab.session.changes) == 1

    in_loop(drive)


def test_a_drag_by_the_pointer_may_be_slow(monkeypatch):
    monkeypatch.setattr(run_module, "GESTURE", 0.0)

    async def drive(lab):
        def hold(held):
            lab._picture._hear(None, {"kind": "hold", "held": held}, [])

        hold(True)
        for value in (0.1, 0.3, 1.0):
            lab.controls["l1"].value = value
            await lab.settled()
            lab._run.session.advance(2)
        hold(False)  # a key
        lab.controls["l1"].value = 3.0
        await lab.settled()
        assert lab.session.changes == [(0, {"l1": 1.0}), (2, {"l1": 3.0})]

    in_loop(drive)


def test_another_knob_or_a_rest_is_another_change(monkeypatch):
    async def drive(lab):
        for name in ("l1", "l2", "l1"):
            for value in (0.1, 0.3, 1.0 if len(lab.session.changes) < 2 else 3.0):
                lab.controls[name].value = value
                await lab.settled()
            lab._run.session.advance(2)
        monkeypatch.setattr(run_module, "GESTURE", 0.0)
        lab.controls["l1"].value = 0.0
        await lab.settled()
        assert [list(change.values) for change in lab.session.changes] == [["l1"], ["l2"], ["l1"], ["l1"]]

    in_loop(drive)


def test_a_drag_keeps_what_was_changed_at_the_step_where_it_began(monkeypatch):
    monkeypatch.setattr(run_module, "GESTURE", 1e9)

    async def drive(lab):
        lab.step(30)
        lab.controls["l2"].value = 0.1
        await lab.settled()
        lab.set_weight("W1[0,1]", 2.0)
        for rate in (10**-1.5, 0.1):
            lab.controls["learning_rate"].value = rate
            await lab.settled()
            lab._run.session.advance(5)
        assert [(step, list(values)) for step, values in lab.session.changes] == [
            (30, ["l2"]),
            (30, ["W1[0,1]"]),
            (30, ["learning_rate"]),
        ]
        assert lab.session.settings.l2 == 0.1 and lab.session.step == 35
        again = from_text(lab.text())
        np.testing.assert_array_equal(again.now.theta, lab.session.now.theta)

    in_loop(drive)


def test_play_and_pause_end_a_drag(monkeypatch):
    monkeypatch.setattr(run_module, "GESTURE", 1e9)

    async def drive(lab):
        for value in (0.1, 0.3, 1.0):
            lab.controls["l2"].value = value
            await lab.settled()
            step = lab.session.step
            assert lab.session.changes[-1] == (step, {"l2": value})
            lab.play()
            await until(lambda step=step: lab.session.step > step + 3)
            lab.pause()
            await lab.settled()
        assert len(lab.session.changes) == 3

    in_loop(drive)


def test_a_value_that_is_refused_leaves_a_drag_where_it_was(monkeypatch):
    monkeypatch.setattr(run_module, "GESTURE", 1e9)

    async def drive(lab):
        lab.controls["batch_size"].value = 4
        await lab.settled()
        lab._run.session.advance(5)
        lab.controls["batch_size"].value = 1
        await lab.settled()
        assert "batch_size must be 2 or more" in said(lab)
        assert lab.session.step == 5 and lab.session.changes == [(0, {"batch_size": 4})]

    in_loop(drive, batch_norm=True)


# ------------------------------------------------------------------------------------ while it plays


@pytest.mark.parametrize("name", LIVE)
def test_a_knob_takes_effect_while_it_plays(name, shown):
    async def drive(lab):
        control = lab.controls[name]
        value = (
            "1,-1,0" if name == "added" else [end for end in extremes(control) if end != control.value][-1]
        )
        lab.play()
        await until(lambda: lab.session.step > 20)
        control.value = value
        await until(lambda: lab.session.changes)
        ((step, changed),) = lab.session.changes
        assert list(changed) == [name] and getattr(lab.session.settings, name) == changed[name]
        value = TYPED["added"]["1,-1,0; -.5,3,1;"][:1] if name == "added" else value
        assert changed[name] == (pytest.approx(value) if isinstance(value, float) else value)
        frames = len(shown)
        await until(lambda: len(shown) > frames + 1 or not lab.playing)
        lab.pause()
        await lab.settled()
        assert lab.error is None and not lab.playing
        for each in shown:
            assert (getattr(each.settings, name) == changed[name]) == bool(each.changes)
            assert not each.changes or each.now.step >= step
        theta, settings = lab.session.now.theta, lab.session.settings
        again = from_text(lab.text())
        np.testing.assert_array_equal(again.now.theta, theta)
        assert again.settings == settings and again.changes == [(step, changed)]
        for each in lab.session.history:  # measured when the step was reached, before the knob moved
            start = lab.session.start if each.step <= step else settings
            rate = SCHEDULES[start.schedule](start.learning_rate, start.half_after)(each.step)
            assert each.learning_rate == float(np.asarray(rate))

    in_loop(drive)


def test_several_knobs_at_once_are_one_change():
    async def drive(lab):
        lab.play()
        await until(lambda: lab.session.step > 10)
        lab.controls["l1"].value = 0.1
        lab.controls["l2"].value = 0.3
        lab.controls["l2"].value = 1.0  # the newest value wins
        await until(lambda: lab.session.changes)
        assert [change.values for change in lab.session.changes] == [{"l1": 0.1, "l2": 1.0}]
        lab.controls["hidden"].value = "x"
        await until(lambda: lab.error is not None)
        assert "Hidden layers must be" in said(lab) and lab.playing
        step = lab.session.step
        await until(lambda: lab.session.step > step)
        lab.controls["hidden"].value = "2"  # begins anew, and goes on playing
        await until(lambda: lab.session.settings.hidden == (2,) and lab.session.step > 5)
        assert lab.playing and said(lab) == ""

    in_loop(drive)


def test_pause_step_reset_and_rewind_while_it_plays():
    async def drive(lab):
        lab.play()
        await until(lambda: lab.session.step > 100)
        lab.fork()
        lab.rewind(50)
        assert lab.session.step == 50 and lab.playing
        await until(lambda: lab.session.step > 60)
        lab.pause()
        await lab.settled()
        assert lab._screen.play.description == "Play"
        step, frames = lab.session.step, lab.frames
        await asyncio.sleep(0.05)
        assert lab.session.step == step and lab.frames == frames
        lab.step()
        assert lab.session.step == step + 1
        history = list(lab.session.history)
        lab.reset()
        lab.step(step + 1)
        both = {each.step: each for each in lab.session.history}
        assert all(both[each.step] == each for each in history if each.step in both)
        assert lab.session.history[-1].step == history[-1].step

    in_loop(drive)


def test_the_speed_of_play_has_a_limit_that_can_be_lifted_at_once(cells):
    async def drive(lab):
        look(lab, "speed").value = 1.0
        started = time.perf_counter()
        lab.play()
        await until(lambda: lab.session.step >= 2)
        seconds = time.perf_counter() - started
        assert seconds > 0.9 and lab.session.step <= 2 + seconds and lab.playing
        look(lab, "speed").value = 0.0
        await until(lambda: lab.session.step > 60)

    in_loop(drive)
    slow, fast = (Playground(0, **SMALL) for _ in range(2))
    look(slow, "speed").value = 1.0
    for lab in (slow, fast):
        lab.step(20)
    np.testing.assert_array_equal(slow.session.now.theta, fast.session.now.theta)
    for lab in (slow, fast):
        lab.close()


@pytest.mark.parametrize("how", ["step", "accuracy", "divergence", "close", "interrupt"])
def test_play_ends(how):
    settings = {
        "step": {},
        "accuracy": {"learning_rate": 0.1},
        "divergence": {},
        "close": {},
        "interrupt": {},
    }
    if how == "divergence":
        settings[how] = {
            "optimizer": "gradient_descent", "learning_rate": 1000.0, "activation": "relu",
            "loss_name": "squared_error",
        }  # fmt: skip

    async def drive(lab):
        handler = signal.getsignal(signal.SIGINT)
        if how == "step":
            look(lab, "stop_at").value = 100
        if how == "accuracy":
            look(lab, "good_enough").value = 0.75
        lab.play()
        await until(lambda: task(lab) is not None)
        training, session = task(lab), lab.session
        if how in ("close", "interrupt"):
            await until(lambda: lab.session.step > 20)
            assert signal.getsignal(signal.SIGINT) != handler
        if how == "close":
            lab.close()
        if how == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        await until(training.done)
        assert not lab.playing and signal.getsignal(signal.SIGINT) is handler
        step = session.step
        await asyncio.sleep(0.05)
        assert session.step == step
        if how == "step":
            assert step == 100
            lab.play()  # it does not stop there again
            await until(lambda: lab.session.step > 100)
        if how == "accuracy":
            assert lab.session.history[-1].dev_accuracy >= 0.75 and lab.session.history[-1].step == step
            assert all(each.dev_accuracy < 0.75 for each in lab.session.history[1:-1])
        if how == "divergence":
            assert f"Training diverged at step {step}" in lab.caption
            lab.play()  # it says so again
            await lab.settled()
            assert not lab.playing and lab.session.step == step
            lab.rewind(step - 1)
            assert "diverged" not in lab.caption
        assert how == "close" or lab.error is None

    in_loop(drive, **settings[how])


def test_play_ends_when_the_page_is_lost(monkeypatch):
    monkeypatch.setattr(running, "LOST", 0.05)

    async def drive(lab):
        lab._picture.pace.watch()
        lab.play()
        await asyncio.sleep(0.01)
        await asyncio.wait_for(lab.settled(), 10)
        assert not lab.playing and lab.session.step > 0

    in_loop(drive)


def test_a_slow_page_holds_frames_back_and_loses_no_wish():
    async def drive(lab):
        lab.step(3)
        pace = lab._picture.pace
        pace.watch()
        pace.sent = 5
        pace._sent_at = time.perf_counter()
        frames = lab.frames
        lab.controls["l2"].value = 0.1
        await asyncio.sleep(0.03)
        assert lab.frames == frames and lab.session.changes  # taken up; the picture waits for the page
        lab.controls["l1"].value = 0.1  # while it waits
        await asyncio.sleep(0.03)
        assert lab.frames == frames
        pace.answer(pace.sent)
        await until(lambda: lab.session.settings.l1 == 0.1)
        pace.answer(pace.sent)
        await lab.settled()
        assert lab.frames > frames and "L1, lambda 0.1" in lab.caption
        pace.sent += 5
        pace._sent_at = time.perf_counter()
        lab.controls["l2"].value = 0.3
        await asyncio.sleep(0.03)
        lab.play()
        step = lab.session.step
        pace.answer(pace.sent)
        await until(lambda: lab.session.step > step)

    in_loop(drive)


def test_what_comes_on_another_thread_is_done_on_the_thread_of_the_loop(monkeypatch):
    threads = set()

    def noting(do):
        def note(self, *args, **values):
            threads.add(threading.current_thread())
            return do(self, *args, **values)

        return note

    for name in ("advance", "change", "rewind"):
        monkeypatch.setattr(Session, name, noting(getattr(Session, name)))

    async def drive(lab):
        def hand():
            lab.play()
            for k in range(10):
                lab.step(3)
                lab.controls["l2"].value = lab.controls["l2"].options[k][1]
                lab.set(beta=k / 10)
                lab.rewind(0)
                look(lab, "panel").value = ["weights", "layers"][k % 2]
                time.sleep(0.005)
            lab.pause()

        thread = threading.Thread(target=hand)
        thread.start()
        await until(lambda: not thread.is_alive())
        await asyncio.sleep(0.01)
        await lab.settled()
        assert threads == {threading.main_thread()} and lab.error is None
        assert lab.session.settings.l2 == lab.controls["l2"].value

    in_loop(drive)


def test_a_control_never_goes_back_while_the_hand_moves_on():
    """JupyterLab moves a control on another thread while the loop takes up an earlier wish."""

    async def drive(lab):
        control, seen = lab.controls["beta"], []
        control.observe(lambda change: seen.append(change["new"]), "value")
        moves = [round(0.01 * k, 2) for k in range(1, 90)]

        def move():
            for value in moves:
                control.value = value
                time.sleep(0.002)

        lab.play()
        hand = threading.Thread(target=move)
        hand.start()
        await until(lambda: not hand.is_alive())
        hand.join()
        await until(lambda: lab.session.settings.beta == moves[-1])
        lab.pause()
        await lab.settled()
        assert seen == moves and control.value == moves[-1]

    in_loop(drive, beta=0.0)


def test_the_loop_runs_meanwhile():
    async def drive(lab):
        lab.play()
        seen = [lab.frames]
        while lab.frames < 20:
            await asyncio.sleep(0)
            seen.append(lab.frames)
        assert lab.session.step > 0
        assert max(np.diff(seen)) == 1, "everything else has its turn between two frames"

    in_loop(drive)


def test_two_playgrounds_at_once(cells):
    async def drive(lab):
        other = Playground(**SMALL, optimizer="momentum")
        lab.play()
        other.play()
        await until(lambda: lab.session.step > 50 and other.session.step > 50)
        lab.set(l2=0.1)
        other.controls["keep_prob"].value = 0.5
        await until(lambda: other.session.changes)
        assert lab.session.settings.keep_prob == 1.0 and other.session.settings.l2 == 0.0
        for each in (lab, other):
            each.pause()
            await each.settled()
            text = each.text()
            assert np.array_equal(from_text(text).now.theta, each.session.now.theta)
            assert each.error is None
        other.close()

    in_loop(drive)


def test_an_interrupt_reaches_the_second_playground_when_the_first_has_ended(cells):
    async def drive(lab):
        handler = signal.getsignal(signal.SIGINT)
        other = Playground(**SMALL)
        try:
            lab.play()
            other.play()
            await until(lambda: lab.session.step > 5 and other.session.step > 5)
            lab.pause()
            await lab.settled()
            assert signal.getsignal(signal.SIGINT) is not handler
            os.kill(os.getpid(), signal.SIGINT)
            await other.settled()
            assert not other.playing and signal.getsignal(signal.SIGINT) is handler
        finally:
            other.close()

    in_loop(drive)


def test_running_the_cell_again_closes_the_playground_before():
    async def drive(lab):
        lab.play()
        await until(lambda: lab.session.step > 5)
        box, training = lab._shell.box, task(lab)
        other = Playground(**SMALL)
        await asyncio.sleep(0.01)
        assert lab.closed and box.comm is None and not lab.playing and training.done()
        assert "its cell was run again" in lab._repr_mimebundle_()["text/plain"]
        assert other._shell.box.comm is not None
        other.close()

    in_loop(drive)


def test_a_closed_playground_leaves_no_picture_and_no_run_behind():
    async def run():
        parts, labs = [], []
        for _ in range(3):
            lab = Playground(**SMALL)  # it closes the one before, which the history of outputs holds
            labs.append(lab)
            lab.play()
            await until(lambda lab=lab: lab.session.step > 2)
            parts += [weakref.ref(lab._picture.canvas.figure), weakref.ref(lab.session)]
        lab.close()
        await asyncio.sleep(0.01)
        gc.collect()
        assert [each() for each in parts] == [None] * 6 and len(labs) == 3

    asyncio.run(run())


def test_close_frees_every_widget():
    def alive():
        return {id(widget) for widget in ipywidgets.widgets.widget._instances.values()}

    before = alive()
    lab = playground(**SMALL)
    upload(lab, "own.csv", TABLE.encode())
    assert len(alive()) > len(before) + 50
    lab.close()
    assert alive() <= before


def test_a_reader_without_a_kernel_sees_picture_and_caption():
    lab = playground(3, **SMALL)
    bundle, metadata = lab._repr_mimebundle_()
    assert bundle["text/plain"] == lab.caption == metadata["image/png"]["alt"]
    assert {"image/png", "application/vnd.jupyter.widget-view+json"} <= bundle.keys()
    lab.close()


# ---------------------------------------------------------------------------------------- random walk


class Hand:
    """Turns knobs and presses buttons at random, and counts what it did."""

    def __init__(self, lab, seed):
        self.lab, self.rng, self.done = lab, np.random.default_rng(seed), Counter()
        self.texts = ["playground | m=40 hidden=3 | @30 l2=0.1 | @50", "nonsense", "playground | @5 x=1"]

    def pick(self, options):
        return options[self.rng.integers(len(options))]

    def value(self, name, control):
        if name == "added":
            return self.pick(["", "1,-1,0; 0.5,2,1", "0,0,7", "1;2", "-2,2,0"])
        if name == "hidden":
            return self.pick(["8, 8", "", "3", "4 4", "2,3,2,3,2,3", "x", "0", "1,2,3,4,5,6,7"])
        if isinstance(control, ipywidgets.SelectionSlider):
            return self.pick(control.options)[1]
        if isinstance(control, Toggles):
            return tuple(each for each in control.options if self.rng.random() < 0.3)
        ends = extremes(control)
        if isinstance(control, ipywidgets.Dropdown | ipywidgets.Checkbox) or self.rng.random() < 0.3:
            return self.pick(ends)
        if isinstance(control, ipywidgets.FloatLogSlider):
            return control.base ** self.rng.uniform(control.min, control.max)
        value = self.rng.uniform(*ends)
        return int(value) if isinstance(control, ipywidgets.IntSlider) else value

    def click(self):
        """Click or rest somewhere in the picture, or at a part of the drawing."""
        picture = self.lab._picture
        x, y = self.rng.random(2)
        if self.rng.random() < 0.8:
            geometry = Geometry(self.lab.result.sizes)
            place = self.pick(
                [self.pick(geometry.lines).mean(axis=0), geometry.place(self.pick(geometry.units))]
            )
            (ax,) = (ax for ax in picture.canvas.figure.axes if ax.get_label() == "drawing")
            box = picture.canvas.figure.bbox
            x, y = ax.transData.transform(place) / (box.width, box.height)
        for kind in ("hover", "down", "move", "up"):
            picture._hear(None, {"kind": kind, "x": float(x), "y": float(y)}, [])
        if self.rng.random() < 0.3:
            self.lab._clicked(
                More(int(self.rng.integers(len(self.lab.result.sizes) - 1)), self.pick([-1, 1]))
            )
        if self.rng.random() < 0.5:
            self.lab._screen.new_weight.value = self.pick(["0.5", "-3,5", "x", ""])

    def edit(self):
        """Add, drag or remove points in the map, with the switch on or off."""
        lab, picture = self.lab, self.lab._picture
        for name in ("edit", "new_class"):
            if self.rng.random() < 0.3:
                control = look(lab, name)
                control.value = not control.value if name == "edit" else self.pick(control.options[:3])
        (ax,) = (ax for ax in picture.canvas.figure.axes if ax.get_label() == "map")
        corner, box = ax.bbox.p0, picture.canvas.figure.bbox
        x, y = (corner + self.rng.random(2) * ax.bbox.size) / (box.width, box.height)
        for kind in ("down", "move", "move", "up"):
            picture._hear(None, {"kind": kind, "x": float(x), "y": float(y)}, [])
            x, y = x + 0.01, y + 0.01
        if self.rng.random() < 0.3:
            picture._hear(None, {"kind": "key", "key": "Delete"}, [])
        if self.rng.random() < 0.2:
            lab.remove_point()

    def name(self):
        """Give a run in grey another name, or forget it."""
        runs = self.lab._screen.runs
        k = int(self.rng.integers(len(runs.names)))
        if self.rng.random() < 0.3:
            runs._buttons[k].click()
        else:
            runs.names[k].value = self.pick(["", "<b>", "$x", "a long name of more than twenty letters"])

    def act(self):
        lab = self.lab
        kind = self.pick([*["knob"] * 12, *BUTTONS])
        if kind == "knob":
            name = self.pick([*LIVE, *LIVE, *FIXED])
            control = lab.controls[name]
            control.value = self.value(name, control)
            kind = name
        elif kind == "tool":
            control = look(lab, self.pick(["panel", "panel", "stop_at", "good_enough", "speed"]))
            control.value = self.value("tool", control)
        elif kind == "rewind":
            look(lab, "step").value = int(self.rng.integers(look(lab, "step").max + 1))
            lab.rewind(min(look(lab, "step").value, lab.session.step))
        elif kind == "load":
            self.texts.append(lab.text() if lab.session.step < 500 else self.texts[0])
            lab.load(self.texts.pop(int(self.rng.integers(len(self.texts) - 1))))
            self.texts += ["nonsense"] * (len(self.texts) < 3)
        elif kind == "code":
            look(lab, "code").value = not look(lab, "code").value
        elif kind in ("click", "edit", "name"):
            getattr(self, kind)()
        elif kind == "own":
            upload(lab, "own.csv", self.pick([TABLE, TABLE, "1,2"]).encode())
        elif kind == "step":
            lab.step(self.pick([1, 1, 100]))
        else:
            getattr(lab, kind)()
        self.done[kind] += 1


BUTTONS = ["play", "play", "play", "pause", "step", "fork", "rewind", "reset", "new_weights", "load"]
BUTTONS += ["tool", "code", "own", "click", "click", "click", "edit", "edit", "name"]


async def walk(lab, hand, events, each=lambda: None):
    """Turn and press, and do what `each` says after every event; return how often training diverged."""
    divergences = 0
    for _ in range(events):
        was = lab.session.diverged
        hand.act()
        await asyncio.sleep(float(hand.rng.choice([0, 0, 0.002, 0.02])))
        if lab.error is not None:
            assert isinstance(lab.error, ValueError), repr(lab.error)
            assert str(lab.error).startswith(STATED), lab.error
            lab._shell.error = None
        each()
        if lab.session.diverged and not was:
            divergences += 1
            await lab.settled()
            assert not lab.session.diverged or "diverged at step" in lab.caption
        assert task(lab) is None or not task(lab).done() or task(lab).exception() is None
    lab.pause()
    await lab.settled()
    return divergences


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_random_walk_of_150_events(seed):
    async def drive(lab):
        hand = Hand(lab, seed)
        await walk(lab, hand, 150)
        assert len(hand.done) > 20
        step = lab.session.step
        again = from_text(lab.text(), lab.session.own)
        assert again.step == step and to_text(again) == lab.text()
        np.testing.assert_array_equal(again.now.theta, lab.session.now.theta)

    in_loop(drive)


EVENTS = int(os.environ.get("LAB_MOVES", "2000")) * 11 // 4
"""Of the long walk: 5,500 where each lab is moved 2,000 times."""


@pytest.mark.slow
def test_an_hour_of_random_events_neither_fails_nor_grows(shown, capsys):
    async def drive(lab):
        hand, process = Hand(lab, 7), psutil.Process()

        def megabytes():
            lab.reset()
            gc.collect()
            return process.memory_info().rss / 2**20

        walk_on = partial(walk, lab, hand, EVENTS // 11, each=shown.clear)  # the frames are the test's own
        await walk_on()
        sizes, divergences = [megabytes()], 0
        for _ in range(10):
            divergences += await walk_on()
            sizes.append(megabytes())
        with capsys.disabled():
            path = " ".join(f"{size:.0f}" for size in sizes)
            print(f"\n{hand.done.total()} events, {divergences} divergences, {lab.frames} frames; MB: {path}")
        assert max(sizes) - sizes[0] < 30
        # what is remembered has an end: 256 texts, 32 sets of arrays, 3 runs; they are full by the middle
        assert max(sizes[6:]) - sizes[5] < 10
        assert divergences > 0 or EVENTS < 5500

    in_loop(drive)

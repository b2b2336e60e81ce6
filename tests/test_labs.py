"""Every lab of the course, driven without a browser."""

import asyncio
import gc
import importlib
import inspect
import io
import math
import os
import re
from collections import Counter

import ipywidgets
import numpy as np
import psutil
import pytest
from jupyter_client.manager import start_new_kernel
from matplotlib import rc_context
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from PIL import Image

from dlhelpers.live.canvas import Canvas
from dlhelpers.live.controls import extremes, nearest, snap
from dlhelpers.live.pace import one_blas_thread
from dlhelpers.plots.style import ACCENT, DEV, GHOST, TRAIN, course_style
from tests.labs import all_labs, another_place, contradicted, first_touch, with_stages
from tools.browser import ROOT, lab_makers, lab_modules, labs_in, parts_of
from tools.lab_table import keys_in

LABS = all_labs()


@pytest.fixture(scope="module", params=LABS)
def name(request):
    """All tests of one lab run one after the other, so that they share what it remembers."""
    return request.param


@pytest.fixture(scope="module")
def lab_and_stages(name):
    """A lab outside of a notebook, where every change is answered at once, and the stages of its start."""
    made = list(with_stages(LABS[name]))
    yield made
    made[0].close()


@pytest.fixture
def lab(lab_and_stages, name):
    """The lab, made anew if a test before this one made a lab of the same name: that closes it."""
    if lab_and_stages[0].closed:
        lab_and_stages[0] = LABS[name]()
    return lab_and_stages[0]


def pixels(lab):
    """What is drawn, (height, width, 3)."""
    return np.asarray(lab._picture.canvas.pixels)[..., :3]


def check(lab):
    """What must hold in every state."""
    assert lab.error is None
    assert pixels(lab)[::4, ::4].std() > 10, "the figure is blank"
    assert re.search(r"\d", lab.caption) and "nan" not in lab.caption and "inf" not in lab.caption
    assert lab.finding and lab.caption.startswith(lab.finding)
    assert lab._picture.widget.alt == lab.caption


def defaults(lab):
    """Return where the controls are at the start."""
    return dict(lab._panel.defaults)


def test_every_lab_is_in_one_notebook():
    notebooks = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    shown = sorted(pair for notebook in notebooks for pair in labs_in(notebook))
    assert shown == [(module, name) for module in lab_modules() for name in sorted(lab_makers(module))]


def test_no_stage_claims_what_the_last_one_contradicts(lab_and_stages):
    """Over more seeds: test_stages, at night."""
    _, stages = lab_and_stages
    assert not contradicted(stages), f"the last one says: {stages[-1][1]}"


@pytest.mark.slow
def test_every_control_changes_the_picture_at_the_end_of_the_computation(lab):
    """Each at the end of its range that is not where it stands; the walk looks at the first frame there."""
    start = pixels(lab).tobytes()
    for name, control in lab.controls.items():
        here = pytest.approx(defaults(lab)[name])
        far = next(value for value in reversed(extremes(control)) if value != here)
        lab.set(**{**defaults(lab), name: far})
        check(lab)
        assert pixels(lab).tobytes() != start, f"{name} does not change the picture"


def assert_that_the_page_can_show(control):
    """Raise if a slider stands between two of its steps."""
    if isinstance(control, ipywidgets.FloatLogSlider):
        assert control.value == pytest.approx(snap(control, control.value)), control.description
    elif isinstance(control, ipywidgets.IntSlider | ipywidgets.FloatSlider):
        steps = (control.value - control.min) / control.step
        assert steps == pytest.approx(round(steps), abs=1e-6), control.description


def test_presets_and_reset(lab):
    """Each preset shows something of its own; Reset shows the start again."""
    lab.reset()
    default, caption, picture = lab.values, lab.caption, pixels(lab).copy()
    captions = {caption}
    for label in lab.presets:
        lab.preset(label)
        check(lab)
        captions.add(lab.caption)
        for control in lab.controls.values():
            assert_that_the_page_can_show(control)
    assert len(captions) >= len(lab.presets), "a preset shows nothing of its own"
    if "seed" not in default:
        assert not re.search("random|seed", lab.code()), "a lab without a seed must not be random"
    lab.reset()
    assert (lab.values, lab.caption) == (default, caption)
    for control in lab.controls.values():
        assert_that_the_page_can_show(control)
    assert picture.shape == pixels(lab).shape


def test_256_colors_look_like_all(lab):
    sent = np.asarray(Image.open(io.BytesIO(lab.png())).convert("RGB")).astype(int)
    assert np.abs(pixels(lab).astype(int) - sent).max() < 32, "a color is far from the one that was drawn"


def test_unknown_controls_are_named(lab):
    with pytest.raises(ValueError, match=r"this lab has the controls .*; got nonsense"):
        lab.set(nonsense=1)


def test_readers_without_a_kernel_get_picture_caption_and_alt_text(lab):
    data, metadata = lab._repr_mimebundle_()
    assert data["text/plain"] == lab.caption == metadata["image/png"]["alt"]
    assert data["image/png"].startswith("iVBORw0KGgo")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_every_control_has_a_label_and_can_be_typed_into(lab):
    for control in lab.controls.values():
        assert control.description
        assert getattr(control, "readout", True)
        if not isinstance(control, ipywidgets.Checkbox):  # whose label has the whole line
            text = TextPath((0, 0), control.description, size=13, prop=FontProperties(family="DejaVu Sans"))
            assert text.get_extents().width < 155, f"{control.description!r} is cut in the page"


def between_two_steps(control):
    """A number that can be typed beside a slider, but not reached with it; None if there is none."""
    if isinstance(control, ipywidgets.FloatLogSlider):
        exponent = math.log(control.value, control.base) + 0.4 * control.step
        return float(f"{control.base ** min(exponent, control.max - 0.6 * control.step):.3g}")
    if isinstance(control, ipywidgets.FloatSlider):
        return min(control.value + 0.4 * control.step, control.max - 0.6 * control.step)
    if isinstance(control, ipywidgets.IntSlider) and control.step > 1:
        return control.value + 1 if control.value < control.max else control.value - 1
    return None


def random_values(lab, rng):
    """A random place of one control, chosen at random: what a hand could reach in one move."""
    name = str(rng.choice(list(lab.controls)))
    control = lab.controls[name]
    ends = extremes(control)
    if isinstance(control, ipywidgets.SelectionSlider):
        ends = [value for _, value in control.options]
    if isinstance(control, ipywidgets.Dropdown | ipywidgets.Checkbox | ipywidgets.SelectionSlider):
        return {name: ends[rng.integers(len(ends))]}
    if isinstance(control, ipywidgets.FloatLogSlider):
        return {name: control.base ** rng.uniform(control.min, control.max)}
    step = getattr(control, "step", 1) or 1
    return {name: type(control.value)(ends[0] + step * rng.integers(0, (ends[1] - ends[0]) / step + 1))}


async def move(lab, change):
    """Change something and wait for the first frame after it: what takes long is cut off by the next move."""
    frames, values = lab.frames, lab.values
    change()
    await asyncio.sleep(0)
    if lab.values != values:
        async with asyncio.timeout(60):
            while lab.frames == frames:
                await asyncio.sleep(0.001)
                assert lab.error is None, lab.error
    check(lab)


async def go_to_both_ends(lab):
    """Move each control to both of its ends; the first frames, or else the last ones, are not alike.

    A long walk waits for the last frames always.
    """
    for name, control in lab.controls.items():
        pictures = set()
        for wait in (True,) if MOVES >= LONG else (False, True):
            for value in extremes(control):
                there = {**defaults(lab), name: value}
                await move(lab, lambda there=there: lab.set(**there))
                if wait:
                    await lab.settled()
                    check(lab)
                pictures.add(pixels(lab).tobytes())
            if len(pictures) > 1:
                break
        else:
            raise AssertionError(f"{name} does not change the picture")


async def press_a_preset_at_another_seed(lab):
    """A preset keeps the seed."""
    if "seed" in lab.controls:
        await move(lab, lambda: lab.set(seed=3))
        await move(lab, lambda: lab.preset(list(lab.presets)[-1]))
        assert lab.values["seed"] == 3


async def type_between_two_steps(lab):
    """Type a number beside each slider that it cannot reach."""
    for name, control in lab.controls.items():
        number = between_two_steps(control)
        if number is not None:
            # as the page sends it; `set` would move it to a step
            await move(lab, lambda control=control, number=number: setattr(control, "value", number))
            assert lab.values[name] == pytest.approx(number)


async def take_hold(lab):
    """Click and drag in the picture: the controls that belong to it follow, and no others."""
    figure = lab._picture.canvas.figure
    for grab in lab._hand._grabs:
        await move(lab, lab.reset)
        ax, before = figure.axes[grab.panel], lab.values
        touch, end = first_touch(lab, grab, lab.values), another_place(lab, grab, lab.values)
        for kind, (x, y) in (("down", touch), ("move", end)):
            place = {"x": x / figure.bbox.width, "y": y / figure.bbox.height}
            asked = ax.transData.inverted().transform((x, y))
            await move(
                lab, lambda kind=kind, place=place: lab._picture._hear(None, {"kind": kind, **place}, [])
            )
            for name, value in grab.values(*asked).items():
                assert lab.values[name] == pytest.approx(nearest(lab.controls[name], value)), name
        lab._picture._hear(None, {"kind": "up", **place}, [])
        await lab.settled()
        assert {name for name in before if lab.values[name] != before[name]} == {grab.x, grab.y} - {""}


class Redraws:
    """Counts, for each slider, the frames that drew the background of a lab again.

    A menu or a switch may change titles and keys; it is not dragged.
    """

    def __init__(self, lab):
        canvas = lab._picture.canvas
        self.moved, self.of, self._draw, self._lab = "", Counter(), canvas._draw_background, lab
        canvas._draw_background = self._note

    def _note(self, scale):
        if hasattr(self._lab.controls[self.moved], "readout"):
            self.of[self.moved] += 1
        self._draw(scale)


def on_the_screen(name, what):
    """Return what the tests know about a lab: its `NUMBERS` or its `REDRAWS`."""
    topic = LABS[name].__module__.split(".")[2]
    module = importlib.import_module(f"tests.on_the_screen.{topic}")
    if what == "REDRAWS":
        return getattr(module, "REDRAWS", {}).get(name, set())
    assert name in module.NUMBERS, f"name {name} in NUMBERS of tests/on_the_screen/{topic}.py"
    return module.NUMBERS[name]


MANY_PANELS = {"inverted_lab": 6}  # four matrices in a row are the four steps of one formula


def test_one_idea_at_a_glance(lab, name):
    """A reader takes in a few panels and a few names of lines."""
    axes = lab._picture.canvas.figure.axes
    assert len(axes) <= MANY_PANELS.get(name, 4)
    assert keys_in(axes) <= 12


def entries(lab):
    """Return the entries of all keys of a picture by their color: words that stand beside a mark."""
    found = {}
    for ax in lab._picture.canvas.figure.axes:
        for text in ax.texts:
            mark, _, words = text.get_text().partition(" ")
            if words and not re.search(r"[\w(]", mark):
                found.setdefault(to_hex(text.get_color()).upper(), set()).add(words)
    return found


def test_train_and_dev_keep_their_colors(lab):
    """Where a figure shows the training or the dev set, no other thing has its color."""
    found = entries(lab)
    train, dev = found.get(TRAIN, set()), found.get(DEV, set())
    of_train = {words for words in train if re.search(r"train|\bJ\b", words)}
    of_dev = {words for words in dev if re.search(r"\bdev\b", words)}
    assert train == of_train or not (of_train or of_dev), "blue is the training set, or no set at all"
    assert dev == of_dev or not (of_train or of_dev), "vermillion is the dev set, or no set at all"


def texts_of(figure):
    """Return all texts of a figure: those in its panels, and the names of their axes."""
    for ax in figure.axes:
        yield from (*ax.texts, ax.xaxis.label, ax.yaxis.label)


def test_words_stay_in_the_picture(lab):
    """No key runs out of the picture or into the key of the next panel, and no name is cut."""
    figure = lab._picture.canvas.figure
    with rc_context(course_style()):
        lab.png()
        boxes = [(ax, each.get_window_extent()) for ax in figure.axes for each in shown_texts(ax)]
    for ax, box in boxes:
        assert box.x0 > -1 and box.y0 > -1 and box.x1 < figure.bbox.width + 1, box
        above = [
            other for at, other in boxes if at is not ax and other.y0 > ax.bbox.y1 and box.y0 > ax.bbox.y1
        ]
        assert not any(box.overlaps(other) for other in above), box


def shown_texts(ax):
    """Return the texts of a panel that show something."""
    return [each for each in ax.texts if ax.get_visible() and each.get_visible() and each.get_text().strip()]


def has_color(artist, color):
    """Tell whether a line, a patch, a collection or a text has a color, on its face or its edge."""
    of_lines, of_all = ("markeredgecolor", "markerfacecolor"), ("color", "edgecolor", "facecolor")
    ways = [getattr(artist, f"get_{each}") for each in (*of_lines, *of_all) if hasattr(artist, f"get_{each}")]
    return any((to_rgba_array(way())[:, :3] == to_rgba_array(color)[0, :3]).all(axis=1).any() for way in ways)


WITH_CLASSES = ("keep_prob_lab", "subnetworks_lab", "logits_lab", "loss_gradient_lab")
"""Their third class has the green of what the reader moves."""


@pytest.mark.parametrize(("color", "words"), [(GHOST, "before"), (ACCENT, "")])
def test_what_is_grey_and_what_is_green_is_said(lab, name, color, words):
    """Grey is what was before the last change, green is what the reader moves: the figure says so."""
    if (color, name) == (GHOST, "own_search_lab"):
        pytest.skip("its figure says so when there is a seed before")
    if color == ACCENT and name in WITH_CLASSES:
        pytest.skip("its third class has this green")
    figure = lab._picture.canvas.figure
    drawn = [each for ax in figure.axes for each in (*ax.lines, *ax.patches, *ax.collections)]
    if any(has_color(each, color) for each in drawn):
        texts = list(texts_of(figure))
        of_this_color = any(has_color(each, color) for each in texts)
        assert any(words in each.get_text() for each in texts) if words else of_this_color


def test_the_code_gives_what_is_on_the_screen(lab, name):
    """At the first preset with one control elsewhere; at night, at the start and at all presets."""
    compare_with_code(lab, name, list(lab.presets.values())[:1])


@pytest.mark.slow
def test_the_code_gives_what_is_on_the_screen_at_every_preset(lab, name):
    compare_with_code(lab, name, [None, *lab.presets.values()])


def compare_with_code(lab, name, presets):
    """Compare numbers of the result with those of the program; on one thread, as a lab works.

    With another number of threads, or another processor, the last digits of a matrix product differ.
    """
    numbers, rng = on_the_screen(name, "NUMBERS"), np.random.default_rng(1)
    for preset in presets:
        elsewhere = {} if preset is None else {**preset, **random_values(lab, rng)}
        lab.set(**{**defaults(lab), **elsewhere})
        names = {}
        with one_blas_thread():
            exec(lab.code(), names)
        for expected, got in zip(numbers(lab.result), names["result"], strict=True):
            np.testing.assert_array_equal(expected, got)


def what_a_new_lab_shows(name, lab):
    """Return canvas and caption of a new lab whose controls are where those of this one are."""
    parts = parts_of(LABS[name])
    with one_blas_thread():
        result = parts["compute"](**lab.values)
    if inspect.isgenerator(result):
        *_, (_, result) = result
    canvas = Canvas(parts["views"], parts["size"])
    canvas.draw(result, lab._before)
    return canvas, f"{parts['finding'](result)}. {parts['caption'](result)}"


def number_of_artists(canvas):
    """In the picture.  The ticks are left out: Matplotlib makes as many as the limits ask for."""
    return sum(len(part.get_children()) for part in (canvas.figure, *canvas.figure.axes))


MOVES = int(os.environ.get("LAB_MOVES", "4"))
"""Of the walk through each lab; `make slow` makes 2,000."""
LONG = 500
"""A walk of so many moves waits at the ends, and measures the memory: before, stores of results fill up."""


@pytest.mark.walk
def test_a_hand_that_moves_everything(name):
    """Both ends, typed numbers, grabs, and a random walk: every frame holds.  It closes `lab`.

    The last picture belongs to the last values.  Artists and memory do not grow, and no slider draws again
    what stays, but for those in `REDRAWS` of tests/on_the_screen.
    """

    async def run():
        lab, rng, megabytes = LABS[name](), np.random.default_rng(0), []
        await go_to_both_ends(lab)
        await press_a_preset_at_another_seed(lab)
        await type_between_two_steps(lab)
        await take_hold(lab)
        redraws = Redraws(lab)
        for k in range(MOVES):
            values = lab.values
            while lab.values == values:
                change = random_values(lab, rng)
                (redraws.moved,) = change
                await move(lab, lambda change=change: lab.set(**change))
            if MOVES >= LONG and k + 1 in (MOVES // 2, MOVES):
                gc.collect()
                megabytes.append(psutil.Process().memory_info().rss / 1e6)
        redrawn = Counter(redraws.of)
        if MOVES < LONG:  # what it shows there is known
            await move(lab, lab.reset)
            await move(lab, lambda: lab.preset(next(iter(lab.presets))))
        await lab.settled()
        check(lab)
        assert "Preview" not in lab.caption
        alike, caption = what_a_new_lab_shows(name, lab)
        assert lab.caption == caption, "the last picture does not belong to the last values"
        assert number_of_artists(lab._picture.canvas) <= number_of_artists(alike), "each move adds artists"
        lab.close()
        if MOVES >= LONG:
            print(
                f"{name}: {megabytes[0]:.0f} MB after {MOVES // 2} moves, {megabytes[1]:.0f} MB after {MOVES}"
            )
            assert megabytes[1] < megabytes[0] + 20
        assert set(redrawn) <= on_the_screen(name, "REDRAWS"), (
            f"these moves draw again what stays: {redrawn}. Change only what is moving(...), or name the "
            "controls in REDRAWS of tests/on_the_screen"
        )

    asyncio.run(run())


CELLS = {
    "decomposition_lab": "from dlhelpers.labs.bias_variance import decomposition_lab\ndecomposition_lab()",
    "subnetworks_lab": "from dlhelpers.labs.dropout import subnetworks_lab\nsubnetworks_lab()",
    "playground": "from dlhelpers.labs.playground import playground\nplayground()",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_that_runs_50_times_keeps_the_kernel_within_20_mb(name):
    """In a real kernel, whose history of outputs holds every lab that the cell has shown."""
    kernel, client = start_new_kernel()

    def run(code, **expressions):
        reply = client.execute_interactive(
            code, timeout=300, user_expressions=expressions, output_hook=lambda message: None
        )["content"]
        assert reply["status"] == "ok", reply
        return {key: value["data"]["text/plain"] for key, value in reply["user_expressions"].items()}

    def megabytes():
        return float(run("gc.collect()", size="psutil.Process().memory_info().rss / 1e6")["size"])

    try:
        run("import gc, psutil")
        sizes = []
        for times in (5, 50):  # the first ones fill caches
            for _ in range(times):
                run(CELLS[name])
            sizes.append(megabytes())
        print(f"{name}: {sizes[0]:.0f} MB after 5 runs of its cell, {sizes[1]:.0f} MB after 55")
        assert sizes[1] < sizes[0] + 20
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)


def test_the_decomposition_adds_up_at_the_default():
    lab = LABS["decomposition_lab"]()
    here = lab.result.curve[lab.result.capacity]
    assert here.residual < 0.02
    assert f"differs from it by {here.residual:.1%}" in lab.caption
    lab.close()


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("m", [15, 100])
def test_bars_of_bias_and_variance_are_seen_at_any_noise(m, noise):
    lab = LABS["decomposition_lab"]()
    lab.set(m=m, noise=noise, capacity=3)
    variance, bias2, _ = (part.get_paths()[2].get_extents() for part in lab._picture.canvas.views[1]._parts)
    parts = lab.result.curve[3]
    assert variance.height == pytest.approx(parts.variance) and bias2.height == pytest.approx(parts.bias2)
    assert variance.y1 < 1 and bias2.y1 < 1, "both end inside of the axes"
    lab.close()


@pytest.mark.parametrize(
    ("name", "preset", "panel", "rows", "columns"),
    [
        ("decay_lab", "gradient descent", 1, 0.2, 0.2),  # weights on the diagonal
        ("noisy_cost_lab", None, 0, 0.5, 0.9),  # the jagged J
        ("split_lab", "98 / 1 / 1", 1, 0.5, 0.5),  # stacks of dots
        ("signals_lab", None, 0, 0.5, 0.6),  # histograms of ReLU
        ("lambda_lab", None, 0, 0.5, 0.9),
    ],
)
def test_what_is_drawn_takes_its_share_of_the_panel(name, preset, panel, rows, columns):
    """Rows and columns from the first to the last pixel of color or black, as a share of the axes."""
    lab = LABS[name]()
    if preset is not None:
        lab.preset(preset)
    drawn = pixels(lab).astype(int)
    box = lab._picture.canvas.figure.axes[panel].bbox
    scale = drawn.shape[1] / lab._picture.canvas.figure.bbox.width
    (left, low), (right, high) = (scale * corner for corner in (box.p0, box.p1))
    inside = drawn[len(drawn) - int(high) + 3 : len(drawn) - int(low) - 3, int(left) + 3 : int(right) - 3]
    ink = (np.ptp(inside, axis=-1) > 40) | (inside.mean(axis=-1) < 110)
    for share, seen in ((rows, ink.any(axis=1)), (columns, ink.any(axis=0))):
        at = np.flatnonzero(seen)
        assert at[-1] - at[0] >= share * len(seen)
    lab.close()

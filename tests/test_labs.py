"""Every lab of the course, driven without a browser."""

import asyncio
import gc
import importlib
import io
import math
import os
import re

import ipywidgets
import numpy as np
import psutil
import pytest
from PIL import Image

from dlhelpers.live.controls import extremes, nearest, snap
from tests.labs import all_labs

LABS = all_labs()


@pytest.fixture(scope="module", params=LABS)
def lab(request):
    """A lab outside of a notebook: every change is answered at once."""
    made = LABS[request.param]()
    yield made
    made.close()


def pixels(lab):
    return np.asarray(Image.open(io.BytesIO(lab.png())).convert("RGB"))


def check(lab):
    """What must hold in every state."""
    assert lab.error is None
    assert pixels(lab).std() > 10, "the figure is blank"
    assert re.search(r"\d", lab.caption) and "nan" not in lab.caption and "inf" not in lab.caption
    assert lab.finding and lab.caption.startswith(lab.finding)
    assert lab._picture.widget.alt == lab.caption


def test_it_found_the_labs():
    assert len(LABS) >= 6


def test_every_control_at_both_ends_changes_the_picture(lab):
    for name, control in lab.controls.items():
        lab.reset()
        pictures = set()
        for value in extremes(control):
            lab.set(**{name: value})
            check(lab)
            pictures.add(pixels(lab).tobytes())
        assert len(pictures) > 1, f"{name} does not change the picture"


def test_presets_and_reset(lab):
    lab.reset()
    default, captions = lab.values, {lab.caption}
    for label in lab.presets:
        lab.preset(label)
        check(lab)
        captions.add(lab.caption)
    assert len(captions) >= len(lab.presets), "a preset shows nothing of its own"
    lab.reset()
    assert lab.values == default


def test_defaults_and_presets_are_values_that_the_page_can_show(lab):
    lab.reset()
    for label in [None, *lab.presets]:
        if label:
            lab.preset(label)
        for control in lab.controls.values():
            if isinstance(control, ipywidgets.FloatLogSlider):
                assert control.value == pytest.approx(snap(control, control.value))
            elif isinstance(control, ipywidgets.IntSlider | ipywidgets.FloatSlider):
                steps = (control.value - control.min) / control.step
                assert steps == pytest.approx(round(steps), abs=1e-6), control.description


def test_a_preset_keeps_the_seed(lab):
    if "seed" not in lab.controls:
        assert not re.search("random|seed", lab.code()), "a lab without a seed must not be random"
        return
    lab.reset()
    lab.set(seed=3)
    lab.preset(next(iter(lab.presets)))
    assert lab.values["seed"] == 3
    lab.reset()
    assert lab.values["seed"] == 0


def test_the_same_values_give_the_same_caption(lab):
    lab.reset()
    caption = lab.caption
    lab.preset(list(lab.presets)[-1])
    lab.reset()
    assert lab.caption == caption


def test_256_colors_look_like_all(lab):
    lab.reset()
    drawn = np.asarray(lab._picture.canvas.pixels)[..., :3].astype(int)
    assert np.abs(drawn - pixels(lab)).max() < 32, "a color is far from the one that was drawn"


def test_unknown_controls_are_named(lab):
    with pytest.raises(ValueError, match=r"this lab has the controls .*; got nonsense"):
        lab.set(nonsense=1)


def test_readers_without_a_kernel_get_picture_caption_and_alt_text(lab):
    lab.reset()
    data, metadata = lab._repr_mimebundle_()
    assert data["text/plain"] == lab.caption == metadata["image/png"]["alt"]
    assert data["image/png"].startswith("iVBORw0KGgo")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_every_control_has_a_label_and_can_be_typed_into(lab):
    for control in lab.controls.values():
        assert control.description
        assert getattr(control, "readout", True)


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


def test_a_number_between_two_steps_can_be_typed(lab):
    for name, control in lab.controls.items():
        lab.reset()
        number = between_two_steps(control)
        if number is not None:
            control.value = number  # as the page sends it; `set` would move it to a step
            assert lab.values[name] == pytest.approx(number)
            check(lab)


def test_what_can_be_taken_hold_of_moves_its_controls_and_nothing_else(lab):
    figure = lab._picture.canvas.figure
    for grab in lab._hand._grabs:
        lab.reset()
        ax, own = figure.axes[grab.panel], {grab.x, grab.y} - {""}
        before, picture = lab.values, lab.png()
        for share in (0.3, 0.8):  # a click, and a drag to there
            x, y = ax.bbox.p0 + share * ax.bbox.size
            place = {"x": x / figure.bbox.width, "y": y / figure.bbox.height}
            lab._picture._hear(None, {"kind": "down" if share < 0.5 else "move", **place}, [])
            check(lab)
            for name, asked in grab.values(*ax.transData.inverted().transform((x, y))).items():
                assert lab.values[name] == pytest.approx(nearest(lab.controls[name], asked)), name
        lab._picture._hear(None, {"kind": "up", **place}, [])
        assert {name for name in before if lab.values[name] != before[name]} == own
        assert lab.png() != picture


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


async def walk(lab, states, rng):
    """Move on as soon as a frame is there, as a hand does: what takes long is cut off by the next move."""
    for _ in range(states):
        frames, values = lab.frames, lab.values
        while lab.values == values:
            lab.set(**random_values(lab, rng))
        async with asyncio.timeout(60):
            while lab.frames == frames:
                await asyncio.sleep(0.001)
                assert lab.error is None, lab.error
        check(lab)
    await lab.settled()
    check(lab)


@pytest.mark.parametrize("name", LABS)
def test_random_walk_of_200_states(name):
    async def run():
        lab = LABS[name]()
        await walk(lab, 200, np.random.default_rng(0))
        assert "Preview" not in lab.caption
        values, caption = lab.values, lab.caption
        alike = LABS[name]()  # it closes the first one
        alike.set(**values)
        await alike.settled()
        assert alike.caption == caption, "the last picture does not belong to the last values"
        alike.close()

    asyncio.run(run())


UPDATES = int(os.environ.get("LAB_UPDATES", "2000"))
"""CI makes fewer, because the time of all labs adds up."""


@pytest.mark.slow
@pytest.mark.parametrize("name", LABS)
def test_memory_after_many_updates_is_that_after_200(name):
    async def run():
        lab, rng, megabytes = LABS[name](), np.random.default_rng(0), []
        for states in (200, UPDATES - 200):
            await walk(lab, states, rng)
            gc.collect()
            megabytes.append(psutil.Process().memory_info().rss / 1e6)
        lab.close()
        print(f"{name}: {megabytes[0]:.0f} MB after 200 updates, {megabytes[1]:.0f} MB after {UPDATES:,}")
        assert megabytes[1] < megabytes[0] + max(10, 20 * UPDATES / 2000)  # 20 MB over 2,000 updates

    asyncio.run(run())


def numbers_on_the_screen(name):
    """Return the function from a lab's result to the numbers that its program computes, too."""
    topic = LABS[name].__module__.split(".")[2]
    return importlib.import_module(f"tests.on_the_screen.{topic}").NUMBERS[name]


@pytest.mark.parametrize("name", LABS)
def test_the_code_gives_what_is_on_the_screen(name):
    lab, rng = LABS[name](), np.random.default_rng(1)
    for preset in [None, *lab.presets]:
        if preset:
            lab.preset(preset)
            lab.set(**random_values(lab, rng))
        names = {}
        exec(lab.code(), names)
        for expected, got in zip(numbers_on_the_screen(name)(lab.result), names["result"], strict=True):
            np.testing.assert_array_equal(expected, got)
    lab.close()


def test_the_decomposition_adds_up_at_the_default():
    lab = LABS["decomposition_lab"]()
    here = lab.result.curve[lab.result.capacity]
    assert here.residual < 0.02
    assert f"differs from it by {here.residual:.1%}" in lab.caption
    lab.close()

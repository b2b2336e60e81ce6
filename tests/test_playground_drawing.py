"""The drawing of the playground's network: where its parts stand, what a click does, what is read there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.labs.playground.drawing import NetworkView
from dlhelpers.labs.playground.geometry import HEIGHT, SHOWN, WIDTH, Connection, Geometry, More, Unit
from dlhelpers.labs.playground.playground import Playground
from dlhelpers.labs.playground.views import SidePanel
from dlhelpers.sharing import from_text

SMALL = {"m": 60, "hidden": (4, 3)}


@pytest.fixture
def lab():
    lab = Playground(20, **SMALL)
    yield lab
    lab.close()


def axes(lab, label):
    (ax,) = (ax for ax in lab._picture.canvas.figure.axes if ax.get_label() == label)
    return ax


def shares(lab, label, x, y):
    """Return where a place of an axes is, in shares of the figure."""
    box = lab._picture.canvas.figure.bbox
    pixel = axes(lab, label).transData.transform((x, y))
    return float(pixel[0] / box.width), float(pixel[1] / box.height)


def click(lab, x, y, label="drawing"):
    """Press and release the pointer, as the page says it."""
    for kind in ("down", "up"):
        at = dict(zip("xy", shares(lab, label, x, y), strict=True))
        lab._picture._hear(None, {"kind": kind, **at}, [])


def click_part(lab, part):
    click(lab, *middle(Geometry(lab.result.sizes), part))


def middle(geometry, part):
    if isinstance(part, Unit):
        return geometry.place(part)
    if isinstance(part, Connection):
        (left, low), (right, high) = geometry.line(part)
        return 0.93 * left + 0.07 * right, 0.93 * low + 0.07 * high  # there they are apart
    raise AssertionError(part)


def read(lab, label, x, y, monkeypatch):
    """Let the pointer rest at a place; return the words beside it."""
    told = []
    with monkeypatch.context() as patched:
        patched.setattr(lab._picture, "tell", told.append)
        at = dict(zip("xy", shares(lab, label, x, y), strict=True))
        lab._picture._hear(None, {"kind": "hover", **at}, [])
    (words,) = told
    return words


def pixels(lab):
    return lab._picture.canvas.pixels.copy()


# ---------------------------------------------------------------------------------------- where it stands


@given(st.lists(st.integers(1, 64), max_size=6), st.integers(1, 9), st.integers(2, 10))
def test_every_unit_is_found_where_it_stands_and_none_overlap(hidden, n_inputs, n_classes):
    geometry = Geometry((n_inputs, *hidden, n_classes))
    places = np.array([geometry.place(unit) for unit in geometry.units])
    assert [geometry.at(x, y) for x, y in places] == geometry.units
    half = geometry.side / 2
    assert places.min() - half > 0 and (places.max(axis=0) + half < (WIDTH, HEIGHT)).all()
    apart = np.abs(places[:, np.newaxis] - places).max(axis=-1) + 100 * np.eye(len(places))
    assert apart.min() > geometry.side
    assert geometry.at(-50, -50) is None
    assert len(geometry.connections) == len(geometry.lines)
    assert max(geometry.shown) <= SHOWN


def test_every_connection_and_every_sign_is_found():
    geometry = Geometry((2, 4, 3, 2))
    for part in geometry.connections:
        assert geometry.at(*middle(geometry, part)) == part
    found = [geometry.at(x, y) for x in np.arange(0, WIDTH, 4) for y in np.arange(0, HEIGHT, 4)]
    signs = {part for part in found if isinstance(part, More)}
    assert signs == {More(layer, by) for layer in (0, 1, 2) for by in (-1, 1)}


def test_connections_stand_in_the_order_of_the_weights(lab):
    geometry, W = Geometry(lab.result.sizes), lab.result.layer_weights
    weights = np.concatenate([each.ravel() for each in W])
    for part, weight in zip(geometry.connections, weights, strict=True):
        assert W[part.layer - 1][part.target, part.source] == weight


def test_a_line_is_as_wide_as_its_weight_is_large_and_dashed_if_it_is_negative(lab):
    (view,) = (view for view in lab._picture.canvas.views if isinstance(view, NetworkView))
    weights = np.concatenate([W.ravel() for W in lab.result.layer_weights])
    solid, dashed = (np.array(lines.get_linewidth()) for lines in (view._positive, view._negative))
    assert ((solid > 0) == (weights > 0.01005)).all() and ((dashed > 0) == (weights < -0.01005)).all()
    order = np.argsort(np.abs(weights))
    assert (np.diff((solid + dashed)[order]) >= 0).all()


def test_pictures_of_the_units_are_their_answers(lab):
    seen, session = lab.result, lab.session
    assert [len(layer) for layer in seen.answers] == [2, 4, 3, 2]
    line = np.linspace(-seen.limit, seen.limit, 16)
    at = np.array([[line[3], line[9]]])
    for layer, units in enumerate(session.network.hidden_units(session.now.theta, at), start=1):
        for unit, answer in enumerate(units[0]):
            picture = seen.answers[layer][unit]
            assert np.abs(picture).max() == pytest.approx(1)
            ratio = answer / picture[9, 3]
            other = session.network.hidden_units(session.now.theta, np.array([[line[0], line[5]]]))
            assert other[layer - 1][0, unit] == pytest.approx(ratio * picture[5, 0])
    probability = session.network.predict(session.now.theta, at)[0]
    np.testing.assert_allclose(seen.answers[-1][:, 9, 3], probability, rtol=1e-6)


@pytest.mark.parametrize("weight", [0.0, -1e-300, -1e-12, -1e-8, -1e-5, 1e-9])
def test_a_weight_near_zero_is_no_line_of_a_billion_dashes(weight):
    lab = Playground(5, **SMALL)
    lab.set_weight("W1[0,0]", weight)
    (view,) = (view for view in lab._picture.canvas.views if isinstance(view, NetworkView))
    assert view._negative.get_linewidth()[0] == view._positive.get_linewidth()[0] == 0
    assert lab.error is None
    lab.close()


def test_input_features_stand_in_the_drawing(monkeypatch):
    names = ("x1^2", "x1*x2", "sin(x2)")
    lab = Playground(5, **SMALL, features=names)
    assert lab.result.sizes == (3, 4, 3, 2) and lab.controls["features"].value == names
    x1, x2 = np.meshgrid(*[np.linspace(-1, 1, 16) * lab.result.limit] * 2)
    for picture, values in zip(lab.result.answers[0], (x1**2, x1 * x2, np.sin(x2)), strict=True):
        np.testing.assert_allclose(picture, values / np.abs(values).max(), atol=1e-12)
    (view,) = (view for view in lab._picture.canvas.views if isinstance(view, NetworkView))
    assert [text.get_text() for text in view._texts[:3]] == ["$x_1^2$", "$x_1 x_2$", r"$\sin(x_2)$"]
    geometry = Geometry(lab.result.sizes)
    assert read(lab, "drawing", *geometry.place(Unit(0, 2)), monkeypatch) == "input sin(x2)"
    assert "A network 3 x 4 x 3 x 2 on moons, given x1^2 x1*x2 sin(x2), trained" in lab.caption
    at = np.array([[0.5, -1.0]])
    share = lab.session.network.predict(lab.session.now.theta, np.array([[0.25, -0.5, np.sin(-1.0)]]))[0, 1]
    assert f"▲ {share:.0%}" in read(lab, "map", *at[0], monkeypatch)
    lab.controls["features"]._buttons["x1"].value = True
    assert lab.session.settings.features == ("x1", *names) and lab.session.step == 0 and lab.error is None
    assert [kept.settings.features for kept in lab.result.kept] == [names]
    for name in ("x1", *names):
        lab.controls["features"]._buttons[name].value = False
    assert "features must be a tuple of one or more" in lab._shell.message
    assert lab.session.settings.features == lab.controls["features"].value == ("sin(x2)",)
    assert lab.controls["features"]._buttons["sin(x2)"].value
    lab.close()


def test_other_inputs_of_the_same_number_have_other_names():
    lab = Playground(0, **SMALL)
    assert "are drawn" not in lab.caption
    (view,) = (view for view in lab._picture.canvas.views if isinstance(view, NetworkView))
    lab.set(features=("x1", "x2^2"))
    assert [text.get_text() for text in view._texts[:2]] == ["$x_1$", "$x_2^2$"]
    lab.close()


# ---------------------------------------------------------------------------------------- a click


def test_a_unit_is_seen_large_and_a_second_click_goes_back(lab):
    before = pixels(lab)
    click_part(lab, Unit(2, 1))
    assert lab.result.chosen == Unit(2, 1) and (pixels(lab) != before).any()
    assert lab.result.large.shape == lab.result.map.shape[:2]
    click_part(lab, Unit(0, 0))
    assert (np.diff(lab.result.large, axis=1) > 0).all(), "the first input grows to the right"
    click_part(lab, Unit(3, 1))
    np.testing.assert_allclose((lab.result.large + 1) / 2, lab.result.map[..., 1])
    click_part(lab, Unit(3, 1))
    assert lab.result.chosen is None and lab.result.large is None
    np.testing.assert_array_equal(pixels(lab), before)


def test_a_weight_is_read_and_set(lab):
    screen, part = lab._screen, Connection(2, 1, 3)
    assert screen.weight_row.layout.display == "none"
    click_part(lab, part)
    weight = lab.session.network.layout.views(lab.session.now.theta)["W2"][1, 3]
    assert screen.weight_row.layout.display == ""
    assert (
        screen.weight.value
        == f"W2[1,3], the weight from unit 4 of layer 1 to unit 2 of layer 2: {weight:.3g}"
    )
    for typed, value in (("0,5", 0.5), ("−2", -2.0), ("1e-3", 1e-3)):
        screen.new_weight.value = typed
        assert lab.session.changes[-1] == (20, {"W2[1,3]": value}) and lab.error is None
        assert screen.new_weight.value == "" and screen.weight.value.endswith(f": {value:.3g}")
    assert "Last change at step 20: W2[1,3] 0.001." in lab.caption
    theta = lab.session.now.theta
    for typed in ("x", "1,000,5", "nan", "1e99"):
        screen.new_weight.value = typed
        assert "Nothing was changed: " in lab._shell.message and lab.session.now.theta is theta
    click_part(lab, part)
    assert lab.result.chosen is None and screen.weight_row.layout.display == "none"


def test_a_weight_that_went_with_a_change_of_the_network_is_named(lab):
    """The network has changed, and the picture has not shown it yet."""
    click_part(lab, Connection(2, 2, 3))
    lab._run.resize((4, 2))
    lab._screen.new_weight.value = "0.5"
    assert "Nothing was changed: The weight W2[2,3] is not in the new network; click one of its lines." in (
        lab._shell.message
    )
    assert lab.session.settings.hidden == (4, 2) and lab._screen.new_weight.value == ""
    lab.step(1)
    assert lab.result.chosen is None and lab._screen.weight_row.layout.display == "none"


def test_plus_and_minus_take_effect_in_the_middle_of_the_run(lab):
    for part, hidden in (
        (More(1, 1), (5, 3)),
        (More(2, -1), (5, 2)),
        (More(0, 1), (5, 2, 2)),
        (More(0, -1), (5, 2)),
    ):
        lab._clicked(part)
        assert lab.session.settings.hidden == hidden and lab.error is None
        assert lab.result.sizes == (2, *hidden, 2) and lab.session.step == 20
    assert lab.controls["hidden"].value == "5, 2" and lab.result.kept == []
    lab.step(10)
    again = from_text(lab.text())
    np.testing.assert_array_equal(again.now.theta, lab.session.now.theta)


def test_the_buttons_do_what_the_signs_do(lab):
    lab.add(units=1)
    assert lab.session.settings.hidden == (4, 4)
    click_part(lab, Unit(1, 0))
    lab.add(units=-1)
    assert lab.session.settings.hidden == (3, 4)
    lab.add(layers=-1)
    lab.add(layers=-1)
    assert lab.session.settings.hidden == () and lab.error is None
    lab.add(layers=-1)
    lab.add(units=1)
    assert "There is no hidden layer" in lab._shell.message
    lab.add(layers=1)
    assert lab.session.settings.hidden == (4,) and lab._shell.message == ""
    lab.resize(1)
    lab.add(units=-1)
    assert "each size in hidden must be" in lab._shell.message and lab.session.settings.hidden == (1,)
    lab.resize(*[2] * 6)
    lab.add(layers=1)
    assert "hidden must be a tuple of up to 6 sizes" in lab._shell.message


def test_what_was_chosen_goes_when_the_network_no_longer_has_it(lab):
    click_part(lab, Unit(2, 2))
    lab.resize(4, 2)
    assert lab.result.chosen is None and lab._screen.chosen is None
    click_part(lab, Connection(3, 1, 1))
    lab.set(data="digits")
    assert lab.result.chosen == Connection(3, 1, 1) and lab.error is None
    lab.resize()
    assert lab.result.chosen is None


def test_a_large_network_shows_sixteen_units_of_a_layer():
    lab = Playground(2, m=60, hidden=(64, 17, 16, 1, 2, 3), data="digits")
    assert "Of a larger layer, the first 16 units are drawn." in lab.caption
    assert [len(layer) for layer in lab.result.answers] == [2, 16, 16, 16, 1, 2, 3, 10]
    click_part(lab, Unit(1, 15))
    assert lab.result.chosen == Unit(1, 15) and lab.error is None
    lab.close()


# ---------------------------------------------------------------------------------------- the pointer reads


def test_the_pointer_reads_probability_step_weight_and_unit(lab, monkeypatch):
    at = np.array([[0.5, -1.0]])
    share = lab.session.network.predict(lab.session.now.theta, at)[0, 1]
    words = read(lab, "map", 0.5, -1.0, monkeypatch)
    assert words.startswith("0.50, -1.00: ") and f"▲ {share:.0%}" in words
    there = lab.session.history[7]
    expected = f"step 7: train {there.train_loss:.3g}, dev {there.dev_loss:.3g}"
    assert read(lab, "loss", 7.2, 0.1, monkeypatch).startswith(expected)
    geometry = Geometry(lab.result.sizes)
    part = Connection(1, 2, 1)
    weight = lab.result.layer_weights[0][2, 1]
    words = read(lab, "drawing", *middle(geometry, part), monkeypatch)
    assert words == f"weight {weight:.3g}, from input x2 to unit 3 of layer 1"
    assert read(lab, "drawing", *geometry.place(Unit(3, 0)), monkeypatch) == "output 1"
    assert read(lab, "drawing", 1, 1, monkeypatch) == ""
    click_part(lab, Unit(1, 1))
    assert "of the largest answer" in read(lab, "map", 0.5, -1.0, monkeypatch)
    lab._screen.look.controls["panel"].value = "confusion matrix"
    words = read(lab, "confusion matrix", 1.5, 0.5, monkeypatch)
    assert words == f"labeled ●, predicted ▲: {lab.result.confusion[0, 1]}"
    lab._screen.look.controls["panel"].value = "weights"
    assert read(lab, "weights", 0.5, 1.0, monkeypatch) == ""


@pytest.mark.parametrize("zoom", [0.8, 1.0, 2.0])
def test_names_of_kept_runs_stand_side_by_side(lab, zoom):
    """Three runs of one length end at one place; also where the picture has twice the pixels."""
    for _ in range(3):
        lab.new_weights()
        lab.step(20)
    lab._screen.runs.names[0].value = "a long name"
    lab._picture.zoom = zoom
    for _ in range(2):  # the second frame begins with the pixels of the first
        lab._show()
    figure = lab._picture.canvas.figure
    assert figure.dpi == 100 * zoom
    (panel,) = (view for view in lab._picture.canvas.views if isinstance(view, SidePanel))
    curves = panel.views["loss"]
    ends = []
    for name in curves._names:
        (x,), letters = name.get_xdata(), name.get_marker().vertices[:, 0] * figure.dpi / 72
        place = curves._ax.transData.transform((x, 0))[0]
        ends.append((place + letters.min(), place + letters.max()))
    assert len(lab.result.kept) == len(ends) == 3
    ends.sort()
    for (_, right), (left, _) in zip(ends, ends[1:], strict=False):
        assert right < left, "two names touch"

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import affine_transform, map_coordinates
from scipy.ndimage import rotate as scipy_rotate
from scipy.ndimage import shift as scipy_shift

from dlhelpers.augmentation import (
    _resample,
    _smooth_moves,
    _source,
    add_noise,
    augment,
    augmented_minibatches,
    elastic,
    rotate,
    rotation_matrix,
    scale,
    shift,
)
from dlhelpers.datasets import digits
from dlhelpers.minibatches import minibatches


@pytest.fixture
def images(rng):
    return rng.random((5, 64)) + 0.5  # bright to the edge


def in_image(image, row, column):
    """What scipy reads there, with zeros all around."""
    return map_coordinates(image.reshape(8, 8), [row, column], order=1, mode="grid-constant")


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_quarter_turns_are_exact(quarters):
    image = digits().X[0].reshape(8, 8)
    turned = rotate(image.reshape(1, 64), 90 * quarters).reshape(8, 8)
    np.testing.assert_allclose(turned, np.rot90(image, quarters), atol=1e-10)
    assert np.count_nonzero(rotation_matrix(90 * quarters)) == 64  # nothing from rounding


@pytest.mark.parametrize("degrees", [-30, 10, 45])
def test_agrees_with_scipy_away_from_the_edge(degrees):
    image = np.zeros((8, 8))
    image[2:6, 2:6] = np.random.default_rng(0).random((4, 4))
    expected = scipy_rotate(image, degrees, reshape=False, order=1)
    turned = rotate(image.reshape(1, 64), degrees).reshape(8, 8)
    np.testing.assert_allclose(turned[1:7, 1:7], expected[1:7, 1:7], atol=1e-10)


@pytest.mark.parametrize("degrees", [-30, 10, 45])
def test_the_matrix_is_the_formula(degrees):
    angle, matrix = np.deg2rad(degrees), rotation_matrix(degrees)
    for i in (0, 11, 36, 63):
        row, column = i // 8 - 3.5, i % 8 - 3.5
        from_row = np.cos(angle) * row + np.sin(angle) * column + 3.5
        from_column = -np.sin(angle) * row + np.cos(angle) * column + 3.5
        for j in range(64):
            near = max(0, 1 - abs(from_row - j // 8)) * max(0, 1 - abs(from_column - j % 8))
            assert matrix[i, j] == pytest.approx(near, abs=1e-12)


def test_the_matrix_is_read_only_because_it_is_kept():
    with pytest.raises(ValueError, match="read-only"):
        rotation_matrix(10.0)[0, 0] = 1
    assert rotation_matrix(10) is rotation_matrix(10.0, 8)


@pytest.mark.parametrize(("rows", "columns"), [(1, 0), (0, -2), (0.3, 1.75), (-0.5, 0.25), (9, 0)])
def test_shift_is_that_of_scipy(images, rows, columns):
    for image, moved in zip(images, shift(images, rows, columns), strict=True):
        expected = scipy_shift(image.reshape(8, 8), (rows, columns), order=1, mode="grid-constant")
        np.testing.assert_allclose(moved.reshape(8, 8), expected, atol=1e-12)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.3, 3.0])
def test_scale_is_that_of_scipy(images, factor):
    for image, scaled in zip(images, scale(images, factor), strict=True):
        expected = affine_transform(
            image.reshape(8, 8),
            [1 / factor, 1 / factor],
            offset=3.5 - 3.5 / factor,
            order=1,
            mode="grid-constant",
        )
        np.testing.assert_allclose(scaled.reshape(8, 8), expected, atol=1e-12)


def test_turn_scale_then_shift_is_one_affine_map(images):
    # forwards: center + shift + factor * R (p - center); counterclockwise where rows go down
    angle, factor, move = np.deg2rad(25), 1.2, np.array([0.7, -1.1])
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inverse = np.linalg.inv(factor * R)
    changed = _resample(images, *_source(8, 25, 0.7, -1.1, 1.2))
    for image, found in zip(images, changed, strict=True):
        expected = affine_transform(
            image.reshape(8, 8), inverse, offset=3.5 - inverse @ (3.5 + move), order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(found.reshape(8, 8), expected, atol=1e-12)


@given(st.integers(0, 1000), st.floats(0.1, 20))
def test_reading_anywhere_is_that_of_scipy(seed, far):
    rng = np.random.default_rng(seed)
    X = rng.random((2, 64))
    row, column = rng.uniform(-far, 7 + far, (2, 2, 30))
    places = np.zeros((2, 2, 64))
    places[0, :, :30], places[1, :, :30] = row, column
    found = _resample(X, *places)
    for k in range(2):
        np.testing.assert_allclose(found[k], in_image(X[k], places[0, k], places[1, k]), atol=1e-11)


def test_smooth_moves_have_deviation_1_and_the_correlation_of_the_smoothing(rng):
    moves = _smooth_moves(4000, 5, 1.5, rng).reshape(2, 4000, 5, 5)
    np.testing.assert_allclose(moves.std(axis=1), 1, atol=0.05)
    g = np.exp(-((np.arange(5)[:, None] - np.arange(5)) ** 2) / (2 * 1.5**2))
    G = g / np.linalg.norm(g, axis=1)[:, None]
    expected = (G @ G.T)[0]  # of the first pixel of a row with the others
    for field in moves:
        np.testing.assert_allclose(
            [np.mean(field[:, 0, 0] * field[:, 0, k]) for k in range(5)], expected, atol=0.06
        )
        np.testing.assert_allclose(
            [np.mean(field[:, 0, 0] * field[:, k, 0]) for k in range(5)], expected, atol=0.06
        )
    assert abs(np.mean(moves[0] * moves[1])) < 0.02


def test_elastic_reads_at_the_moved_places(images):
    moves = 0.8 * _smooth_moves(5, 8, 2.0, np.random.default_rng(3))
    found = elastic(images, 0.8, 2.0, np.random.default_rng(3))
    row, column = np.mgrid[:8, :8].reshape(2, 64)
    for k in range(5):
        expected = in_image(images[k], row + moves[0, k], column + moves[1, k])
        np.testing.assert_allclose(found[k], expected, atol=1e-12)


def test_noise_has_the_strength_as_deviation(rng):
    X = np.full((200, 64), 3.0)
    noise = add_noise(X, 0.5, rng) - X
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert abs(noise.mean()) < 0.02


def test_augment_without_strength_is_the_identity(images, rng):
    found = augment(images, rng)
    np.testing.assert_array_equal(found, images)
    assert not np.shares_memory(found, images)


def test_augment_is_each_change_with_its_own_numbers(images):
    u = np.random.default_rng(5).uniform(-1, 1, (4, 5))
    for k in range(5):
        one = slice(k, k + 1)
        for options, expected in (
            ({"degrees": 30}, rotate(images[one], 30 * u[0, k])),
            ({"pixels": 2}, shift(images[one], 2 * u[1, k], 2 * u[2, k])),
            ({"scale": 0.4}, scale(images[one], 1 + 0.4 * u[3, k])),
        ):
            found = augment(images, np.random.default_rng(5), **options)[one]
            np.testing.assert_allclose(found, expected, atol=1e-11)


@pytest.mark.parametrize("smoothness", [2.0, 0.7])
def test_augment_draws_elastic_moves_and_then_noise(images, smoothness):
    rng = np.random.default_rng(5)
    rng.uniform(-1, 1, (4, 5, 1))
    expected = elastic(images, 0.6, smoothness, rng)
    options = {} if smoothness == 2.0 else {"smoothness": smoothness}
    found = augment(images, np.random.default_rng(5), elastic=0.6, **options)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    noisy = augment(images, np.random.default_rng(5), elastic=0.6, noise=0.3, **options)
    np.testing.assert_allclose(noisy, add_noise(expected, 0.3, rng), atol=1e-12)


def test_nothing_is_changed_in_place_and_the_dtype_stays(images):
    for dtype in (np.float32, np.float64):
        X = images.astype(dtype)
        before, rng = X.copy(), np.random.default_rng(0)
        for found in (
            rotate(X, 10),
            shift(X, 1, 0.5),
            scale(X, np.float64(1.1)),
            add_noise(X, np.float64(0.1), rng),
            elastic(X, 1.0, 2.0, rng),
            augment(X, rng, degrees=10, pixels=1, scale=0.1, noise=0.1, elastic=0.5),
        ):
            assert found.dtype == dtype
            assert found.shape == X.shape
            assert np.any(found != X)
        np.testing.assert_array_equal(X, before)
    assert rotate(images[:0], 5).shape == augment(images[:0], np.random.default_rng(0)).shape == (0, 64)


def test_extremes_are_without_warnings(images, rng):
    for found in (shift(images, 1e308, -1e308), scale(images, 1e-320)):
        np.testing.assert_array_equal(found, 0)
    for found in (
        scale(images, 1e308),
        elastic(images, 1000, 1e-200, rng),
        augment(images, rng, degrees=1e308, pixels=1e308, scale=0.999, elastic=1000.0),
    ):
        assert np.isfinite(found).all()


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (rotate, {"degrees": 10}, "degrees"),
        (shift, {"rows": 0, "columns": 0}, "rows"),
        (shift, {"rows": 0, "columns": 0}, "columns"),
        (scale, {"factor": 1}, "factor"),
        (add_noise, {"strength": 1, "rng": RNG}, "strength"),
        (add_noise, {"strength": 1, "rng": RNG}, "rng"),
        (elastic, {"strength": 1, "smoothness": 1, "rng": RNG}, "strength"),
        (elastic, {"strength": 1, "smoothness": 1, "rng": RNG}, "smoothness"),
        (elastic, {"strength": 1, "smoothness": 1, "rng": RNG}, "rng"),
        *(
            (augment, {"rng": RNG}, name)
            for name in ("rng", "degrees", "pixels", "scale", "noise", "elastic")
        ),
        (augment, {"rng": RNG}, "smoothness"),
    ],
)
def test_bad_strengths_are_named(images, function, arguments, name):
    for bad in (None, "x", np.nan, np.inf, [1.0], np.ones(5), object()):
        with pytest.raises(ValueError, match=f"{name} must be"):
            function(images, **(arguments | {name: bad}))


@pytest.mark.parametrize("name", ["degrees", "pixels", "scale", "noise", "elastic"])
def test_strengths_below_0_are_named(images, rng, name):
    with pytest.raises(ValueError, match=f"{name} must be a number in .*got -0.1"):
        augment(images, rng, **{name: -0.1})


def test_the_ends_of_the_strengths(images, rng):
    for call in (
        lambda: scale(images, 0),
        lambda: augment(images, rng, scale=1.0),
        lambda: augment(images, rng, smoothness=0),
        lambda: augment(images, rng, elastic=1001),
        lambda: elastic(images, 1001, 1, rng),
        lambda: elastic(images, 1, 0, rng),
        lambda: add_noise(images, -1, rng),
        lambda: rotation_matrix(0, 0),
        lambda: rotation_matrix([1.0]),
    ):
        with pytest.raises(ValueError, match="must be"):
            call()
    np.testing.assert_array_equal(rotation_matrix(5, 1), [[1]])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 10)), "10 pixels, which is no square number"),
        (np.zeros((2, 0)), "0 pixels"),
        (np.zeros(64), "X must be a float array"),
        (np.zeros((2, 64), int), "X must be a float array"),
        ([[1.0]], "X must be a float array"),
        (np.array([[1.0, 2.0, np.nan, 3.0]]), r"nan at \[0, 2\]"),
    ],
)
def test_images_must_be_square_and_finite(X, message, rng):
    for call in (
        lambda: rotate(X, 10),
        lambda: shift(X, 1, 1),
        lambda: scale(X, 2),
        lambda: elastic(X, 1, 1, rng),
        lambda: augment(X, rng),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_noise_needs_finite_floats(rng):
    with pytest.raises(ValueError, match=r"nan at \[1\]"):
        add_noise(np.array([0.0, np.nan]), 1, rng)


# Mini-batches for a population -----------------------------------------------------------------------


def some_batches(images, strengths, n=3, batch_size=2):
    batches = augmented_minibatches(
        images, np.arange(len(images))[:, None], batch_size, strengths, np.random.default_rng(3)
    )
    return list(islice(batches, n))


def test_without_strength_the_batches_are_those_of_minibatches(images):
    """The seeds of the changes are drawn from the same generator, between two epochs."""
    (batch,) = some_batches(images, [{}, {}], n=1)
    plain = next(minibatches(images, np.arange(5)[:, None], 2, np.random.default_rng(3)))
    assert batch.X.shape == (2, 2, 64)
    assert batch.Y.tolist() == plain.Y.tolist()
    for each in batch.X:
        np.testing.assert_array_equal(each, plain.X)


def test_a_batch_is_what_augment_makes_with_a_seed_from_the_generator(images):
    (batch,) = some_batches(images, [{"noise": 1.0}], n=1)
    rng = np.random.default_rng(3)
    plain = next(minibatches(images, np.arange(5)[:, None], 2, rng))
    own = np.random.default_rng(int(rng.integers(2**32)))
    np.testing.assert_array_equal(batch.X[0], augment(plain.X, own, noise=1.0))


def test_every_strength_may_be_named(images):
    every = {"degrees": 5.0, "pixels": 1.0, "scale": 0.1, "noise": 0.1, "elastic": 0.5, "smoothness": 1.0}
    assert some_batches(images, [every], n=1)[0].X.shape == (1, 2, 64)


def test_each_network_sees_its_own_strength_in_the_same_directions(images):
    """With half the strength, noise goes half as far."""
    strong, weak, none = some_batches(images, [{"noise": 2.0}, {"noise": 1.0}, {}], n=1)[0].X
    np.testing.assert_allclose(strong - none, 2 * (weak - none))
    assert np.abs(weak - none).min() > 0


def test_the_images_are_changed_anew_in_each_epoch(images):
    first, second = some_batches(images, [{"noise": 1.0}], batch_size=5, n=2)
    assert first.Y.tolist() == second.Y.tolist()
    assert np.abs(first.X - second.X).min() > 0
    assert (first.epoch, second.epoch) == (0, 1)


def test_it_goes_through_all_examples_once_in_an_epoch(images):
    labels = [int(y) for batch in some_batches(images, [{}], n=2) for y in batch.Y[:, 0]]  # 2, and 2 + 1
    assert sorted(labels) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("strengths", "message"),
    [
        ([], r"strengths must be a list of mappings; got \[\]"),
        ({"degrees": 5.0}, "strengths must be a list of mappings"),
        (
            [5.0],
            "each of strengths must be a mapping from degrees, elastic, noise, pixels, scale, smoothness",
        ),
        ([{"angle": 5.0}], "each of strengths must be a mapping .* got {'angle': 5.0}"),
        ([{}, {"degrees": -5.0}], "each of strengths: degrees must be a number"),
    ],
)
def test_wrong_strengths_are_named(images, strengths, message):
    with pytest.raises(ValueError, match=message):
        some_batches(images, strengths, n=0)


def test_the_errors_come_at_the_call():
    with pytest.raises(ValueError, match="X must hold square images"):
        augmented_minibatches(np.ones((2, 5)), np.ones((2, 1)), 2, [{}], np.random.default_rng(0))
    with pytest.raises(ValueError, match="batch_size must be"):
        augmented_minibatches(np.ones((2, 4)), np.ones((2, 1)), 0, [{}], np.random.default_rng(0))

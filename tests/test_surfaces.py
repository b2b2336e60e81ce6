import math
from itertools import islice, repeat

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess

from dlhelpers.minibatches import Batch
from dlhelpers.optimizers import GradientDescent
from dlhelpers.surfaces import (
    SURFACES,
    Beale,
    Himmelblau,
    MonkeySaddle,
    Plateau,
    Ravine,
    Rosenbrock,
    Saddle,
)
from dlhelpers.training import descend

ALL = [
    *(cls() for cls in SURFACES.values()),
    Ravine(7, 30),
    Rosenbrock(-1.5, 3),
    Plateau(2.5),
]
each = pytest.mark.parametrize("surface", ALL, ids=repr)


def points(surface, rng, n=20):
    low, high = np.array(surface.domain).T
    return rng.uniform(low, high, (n, 2))


@each
def test_gradients_are_slopes_of_the_loss_and_hessians_of_the_gradient(surface, rng):
    theta, eps = points(surface, rng), 1e-5
    gradient, hessian = surface.gradient(theta), surface.hessian(theta)
    for i, step in enumerate(eps * np.eye(2)):
        slope = (surface.loss(theta + step) - surface.loss(theta - step)) / (2 * eps)
        np.testing.assert_allclose(gradient[:, i], slope, rtol=1e-6, atol=1e-8 * np.abs(gradient).max())
        slope = (surface.gradient(theta + step) - surface.gradient(theta - step)) / (2 * eps)
        np.testing.assert_allclose(hessian[..., i], slope, rtol=1e-6, atol=1e-8 * np.abs(hessian).max())
    np.testing.assert_array_equal(hessian, np.swapaxes(hessian, 1, 2))


@pytest.mark.parametrize(
    ("surface", "theta", "loss"),
    [
        # kappa 4, floor along x: (2^2 / 4 + 3^2) / 2
        (Ravine(4), (2, 3), 5.0),
        # floor along y: (3^2 / 4 + 2^2) / 2
        (Ravine(4, 90), (2, 3), 3.125),
        # floor along x = y: u = 0, v = sqrt(2), 2 / 2
        (Ravine(9, 45), (-1, 1), 1.0),
        (Saddle(), (3, 1), 4.0),  # (9 - 1) / 2
        (MonkeySaddle(), (2, 3), -46.0),  # 8 - 3 * 2 * 9
        (Rosenbrock(), (-1, 3), 404.0),  # 2^2 + 100 * 2^2
        (Rosenbrock(2, 3), (1, 3), 13.0),  # 1^2 + 3 * 2^2
        (Beale(), (1, 2), 2.5**2 + 5.25**2 + 9.625**2),  # 1.5 + 1, 2.25 + 3, 2.625 + 7
        (Himmelblau(), (1, 2), 68.0),  # (-8)^2 + (-2)^2
        (Plateau(), (1, 0), 1 - math.exp(-1 / 2)),
        (Plateau(2), (2, 4), 1 - math.exp(-5 / 2)),  # 20 / 8
    ],
)
def test_losses_by_hand(surface, theta, loss):
    assert surface.loss(np.array(theta, float)) == pytest.approx(loss, rel=1e-14)


@pytest.mark.parametrize(
    ("cls", "name", "domain", "start"),
    [
        (Ravine, "Ravine", ((-4, 4), (-4, 4)), (-3.5, 2)),
        (Saddle, "Saddle", ((-2, 2), (-2, 2)), (-1.5, 0.001)),
        (MonkeySaddle, "Monkey saddle", ((-2, 2), (-2, 2)), (1.5, 0.001)),
        (Rosenbrock, "Rosenbrock", ((-2, 2), (-1, 3)), (-1.2, 1)),
        (Beale, "Beale", ((-4.5, 4.5), (-4.5, 4.5)), (1, 1.5)),
        (Himmelblau, "Himmelblau", ((-6, 6), (-6, 6)), (0, -1)),
        (Plateau, "Plateau", ((-4, 4), (-4, 4)), (-2.5, 2)),
    ],
)
def test_names_domains_and_starts(cls, name, domain, start):
    surface = cls()
    assert SURFACES[name] is cls
    assert (surface.name, surface.domain, surface.start) == (name, domain, start)
    assert len(SURFACES) == 7


def test_usual_settings():
    assert Ravine() == Ravine(20.0, 0.0)
    assert Rosenbrock() == Rosenbrock(1.0, 100.0)
    assert Plateau() == Plateau(1.0)


@each
def test_minima_are_minima(surface):
    for point in map(np.array, surface.minima):
        (x_low, x_high), (y_low, y_high) = surface.domain
        assert x_low <= point[0] <= x_high
        assert y_low <= point[1] <= y_high
        assert surface.loss(point) == pytest.approx(0, abs=1e-25)
        np.testing.assert_allclose(surface.gradient(point), 0, atol=1e-12)
        assert np.linalg.eigvalsh(surface.hessian(point)).min() > 0


def test_where_the_minima_are():
    assert Rosenbrock().minima == ((1, 1),)
    assert Rosenbrock(a=-2).minima == ((-2, 4),)
    assert Rosenbrock(a=-2).domain == ((-4, 4), (-4, 12))
    assert Beale().minima == ((3, 0.5),)
    assert len(Himmelblau().minima) == 4
    assert Saddle().minima == MonkeySaddle().minima == ()


@pytest.mark.parametrize("surface", [each for each in ALL if each.minima], ids=repr)
def test_a_minimum_is_reached_from_the_start(surface):
    found = minimize(surface.loss, surface.start, jac=surface.gradient, tol=1e-9).x
    assert min(np.abs(found - np.array(point)).max() for point in surface.minima) < 1e-4


def test_rosenbrock_is_that_of_scipy(rng):
    for theta in rng.normal(size=(10, 2)):
        assert Rosenbrock().loss(theta) == pytest.approx(rosen(theta), rel=1e-12)
        np.testing.assert_allclose(Rosenbrock().gradient(theta), rosen_der(theta), rtol=1e-10)
        np.testing.assert_allclose(Rosenbrock().hessian(theta), rosen_hess(theta), rtol=1e-10)


@pytest.mark.parametrize("angle", [0, 30, 90, -45])
def test_eigenvalues_of_the_ravine_are_1_and_1_over_kappa(angle):
    values, vectors = np.linalg.eigh(Ravine(8, angle).hessian(np.zeros(2)))
    np.testing.assert_allclose(values, [1 / 8, 1])
    floor = [math.cos(math.radians(angle)), math.sin(math.radians(angle))]
    assert abs(vectors[:, 0] @ floor) == pytest.approx(1)


def test_gradient_descent_on_the_ravine_converges_below_2_only():
    for rate, converges in ((1.99, True), (2.01, False)):
        run = descend(Ravine(), np.array([0.0, 1.0]), repeat(Batch(None, None)), GradientDescent(), rate)
        last = list(islice(run, 50))[-1]
        assert (abs(last.theta[1]) < 1) == converges


def test_too_high_a_rate_on_rosenbrock_is_reported():
    theta = np.array(Rosenbrock.start)
    run = descend(Rosenbrock(), theta, repeat(Batch(None, None)), GradientDescent(), 0.1)
    steps = list(islice(run, 50))
    assert len(steps) < 50
    assert "diverged" in steps[-1].cause


@each
@pytest.mark.parametrize("far", [1e300, -1e300, np.inf, np.nan])
def test_far_away_is_without_warnings(surface, far):
    theta = np.array([[far, far], [far, 0.0], [0.0, far]])
    assert surface.loss(theta).shape == (3,)
    assert surface.gradient(theta).shape == (3, 2)
    assert surface.hessian(theta).shape == (3, 2, 2)


def test_the_plateau_is_flat_far_away():
    theta = np.array([[1e200, -1e200], [40.0, 0.0]])
    np.testing.assert_array_equal(Plateau().loss(theta), 1)
    np.testing.assert_array_equal(Plateau().gradient(theta), 0)
    np.testing.assert_array_equal(Plateau().hessian(theta), 0)


@each
def test_grids_are_points_one_by_one_and_nothing_is_changed(surface, rng):
    theta = points(surface, rng, 12).reshape(3, 4, 2)
    before = theta.copy()
    for function, shape in ((surface.loss, ()), (surface.gradient, (2,)), (surface.hessian, (2, 2))):
        whole = function(theta)
        assert whole.shape == (3, 4, *shape)
        np.testing.assert_allclose(whole[1, 2], function(theta[1, 2]), rtol=1e-14)
        assert function(theta[1, 2]).shape == shape
        assert not np.shares_memory(whole, theta)
    np.testing.assert_array_equal(theta, before)


@pytest.mark.parametrize(
    "surface",
    [
        *ALL,
        Ravine(np.float64(3), np.float64(20)),
        Rosenbrock(np.float64(1), np.int64(5)),
        Plateau(np.float64(2)),
    ],
    ids=repr,
)
def test_float32_stays_float32(surface):
    theta = np.array([[1.5, 0.5]], dtype=np.float32)
    assert surface.loss(theta).dtype == np.float32
    assert surface.gradient(theta).dtype == np.float32
    assert surface.hessian(theta).dtype == np.float32
    assert surface.loss(theta[0]).dtype == np.float32


@each
@pytest.mark.parametrize("theta", [None, "x", [1.0, 2.0], np.zeros(3), np.zeros((2, 1)), np.array([1, 2])])
def test_bad_theta_is_named(surface, theta):
    for function in (surface.loss, surface.gradient, surface.hessian):
        with pytest.raises(ValueError, match=r"theta must be a float array of shape \(\.\.\., 2\)"):
            function(theta)


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (Ravine, {"condition": 0.5}, r"condition must be .*\[1, inf\).*0\.5"),
        (Ravine, {"condition": None}, "condition must be .*None"),
        (Ravine, {"condition": np.ones(3)}, "condition must be"),
        (Ravine, {"angle_degrees": np.inf}, "angle_degrees must be .*inf"),
        (Rosenbrock, {"a": 10.1}, r"a must be .*\[-10, 10\].*10\.1"),
        (Rosenbrock, {"a": -10.1}, "a must be"),
        (Rosenbrock, {"b": 0}, r"b must be .*\(0, inf\).*got 0"),
        (Plateau, {"width": 0.009}, r"width must be .*\[0\.01, 100\]"),
        (Plateau, {"width": 101}, "width must be"),
        (Plateau, {"width": "x"}, "width must be .*'x'"),
    ],
)
def test_bad_settings_are_named(cls, settings, message):
    with pytest.raises(ValueError, match=message):
        cls(**settings)


def test_the_ends_of_the_settings():
    for surface in (Ravine(1), Rosenbrock(10), Rosenbrock(-10), Plateau(0.01), Plateau(100)):
        assert np.isfinite(surface.loss(np.zeros(2)))

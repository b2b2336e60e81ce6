import numpy as np
import pytest

from dlhelpers.curvature import hessian, random_symmetric, share_positive, sharpness
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.surfaces import SURFACES


def a_network(rng):
    network = Network((2, 6, 4, 1), "tanh", "sigmoid_cross_entropy")
    theta = network.initialize(rng) + 0.3 * rng.normal(size=network.layout.size)
    return network, theta, Batch(rng.normal(size=(30, 2)), rng.integers(0, 2, (30, 1)).astype(float))


@pytest.mark.parametrize("name", SURFACES)
def test_hessians_of_the_surfaces_agree_with_their_formulas(name, rng):
    surface = SURFACES[name]()
    for theta in rng.uniform(-2, 2, (5, 2)):
        exact = surface.hessian(theta)
        np.testing.assert_allclose(
            hessian(surface, theta, None), exact, rtol=1e-5, atol=1e-6 * np.abs(exact).max()
        )


def test_the_hessian_of_a_network_is_that_of_least_squares(rng):
    # J = |Xw + b - y|^2 / (2 m): H = [X 1]^T [X 1] / m
    X = rng.normal(size=(20, 3))
    network, batch = Network((3, 1)), Batch(X, rng.normal(size=(20, 1)))
    rows = np.column_stack([X, np.ones(20)])
    np.testing.assert_allclose(hessian(network, np.ones(4), batch), rows.T @ rows / 20, atol=1e-8)


def test_the_hessian_has_more_rows_than_a_chunk_and_is_the_slope_of_the_gradient(rng):
    network, theta, batch = a_network(rng)
    H = hessian(network, theta, batch)
    assert H.shape == (51, 51) and np.array_equal(H, H.T)
    move = 1e-3 * rng.normal(size=theta.size)
    slope = network.gradient(theta + move, batch) - network.gradient(theta - move, batch)
    np.testing.assert_allclose(H @ (2 * move), slope, atol=1e-6)


def test_sharpness_is_the_eigenvalue_of_largest_size_and_its_vector(rng):
    network, theta, batch = a_network(rng)
    H = hessian(network, theta, batch)
    found = sharpness(network, theta, batch, rng.normal(size=theta.size), iterations=300)
    values = np.linalg.eigvalsh(H)
    assert found.value == pytest.approx(values[np.abs(values).argmax()], rel=1e-4)
    np.testing.assert_allclose(H @ found.direction, found.value * found.direction, atol=1e-2 * found.value)
    again = sharpness(network, theta, batch, found.direction, iterations=1)
    assert again.value == pytest.approx(found.value, rel=1e-5)


def test_no_curvature_is_no_error():
    class Slope:
        def loss(self, theta, batch):
            return theta.sum(axis=-1)

        def gradient(self, theta, batch):
            return np.ones_like(theta)

    assert sharpness(Slope(), np.zeros(3), None, np.ones(3)).value == 0


def test_half_of_the_numbers_are_positive_and_two_by_two_matches_the_known_share():
    rng = np.random.default_rng(0)
    for n, share in ((1, 1 / 2), (2, (2 - np.sqrt(2)) / 4)):
        S = random_symmetric(40000, n, rng)
        np.testing.assert_array_equal(S, np.swapaxes(S, 1, 2))
        found = (np.linalg.eigvalsh(S)[:, 0] > 0).mean()
        assert found == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 40000))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_short_way_to_the_share_is_that_of_all_matrices(n):
    rng, count = np.random.default_rng(n), 40000
    found = share_positive(count, n, rng)
    whole = (np.linalg.eigvalsh(random_symmetric(count, n, rng))[:, 0] > 0).mean()
    assert found.standard_error == pytest.approx(np.sqrt(found.share * (1 - found.share) / count))
    assert found.share == pytest.approx(whole, abs=6 * found.standard_error)


def test_known_shares():
    # Dean & Majumdar (2008): 1/2, (2 - sqrt 2) / 4, (pi - 2 sqrt 2) / (4 pi)
    known = (1 / 2, (2 - np.sqrt(2)) / 4, (np.pi - 2 * np.sqrt(2)) / (4 * np.pi))
    for n, share in enumerate(known, start=1):
        found = share_positive(200000, n, np.random.default_rng(0))
        assert found.share == pytest.approx(share, abs=4 * found.standard_error)


def test_large_random_matrices_have_the_half_circle():
    values = np.linalg.eigvalsh(random_symmetric(20, 100, np.random.default_rng(0))).ravel()
    assert np.abs(values).max() < 1.15
    assert values.std() == pytest.approx(0.5, abs=0.01)  # of the half circle of radius 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": np.zeros(3, np.float32)}, "theta must be float64"),
        ({"direction": np.zeros(3)}, "direction must not be 0"),
        ({"objective": Network}, "objective must have a gradient"),
        ({"iterations": 0}, "iterations must be an integer"),
        ({"step": 0.0}, "step must be a number"),
    ],
)
def test_errors(change, message):
    batch = Batch(np.ones((4, 2)), np.ones((4, 1)))
    arguments = {
        "objective": Network((2, 1)),
        "theta": np.zeros(3),
        "batch": batch,
        "direction": np.ones(3),
        **change,
    }
    with pytest.raises(ValueError, match=message):
        sharpness(**arguments)

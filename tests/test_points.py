"""The data of the playground: toys, digits, and the plane of a table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from dlhelpers import datasets
from dlhelpers.points import DATA, added_as_text, added_in, check_added, principal_plane
from dlhelpers.session import Session
from dlhelpers.settings import Settings

# ---------------------------------------------------------------------------------------------- data


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("m", [20, 2000])
def test_every_data_at_its_extremes(name, noise, m):
    session = Session(Settings(data=name, m=m, noise=noise, test_share=0.2))
    session.advance(2)
    X, y, axis_names, *_ = session.points
    assert X.shape == (min(m, 1797) if name == "digits" else m, 2) and y.shape == X.shape[:1]
    assert session.n_classes == {"spirals-3": 3, "blobs": 4, "digits": 10}.get(name, 2)
    assert np.isfinite(X).all() and np.abs(X).max() < 8 and len(axis_names) == 2
    assert len(session.train.X) + len(session.dev.X) + len(session.test.X) == len(X)
    assert not session.diverged and np.isfinite(session.measure()).all()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("moons", datasets.moons),
        ("circles", datasets.circles),
        ("spirals", datasets.spirals),
        ("spirals-3", lambda m, **given: datasets.spirals(m, arms=3, **given)),
        ("xor", datasets.xor),
        ("blobs", lambda m, noise, rng: datasets.blobs(m, classes=4, noise=noise + 0.3, rng=rng)),
    ],
)
def test_the_data_are_those_of_datasets(name, make):
    ours = DATA[name](50, 0.1, np.random.default_rng(3))
    X, y = make(50, noise=0.1, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(ours.X, X)
    np.testing.assert_array_equal(ours.y, y)


def test_digits_lie_in_the_plane_in_which_they_differ_most():
    images, labels, *_ = datasets.digits()
    points = DATA["digits"](300, 0.0, np.random.default_rng(1))
    rows = np.random.default_rng(1).permutation(len(labels))[:300]
    np.testing.assert_array_equal(points.y, labels[rows])
    expected = PCA(2, svd_solver="full").fit_transform(images / 16)
    expected = (expected / expected.std(axis=0))[rows]
    sign = np.sign((points.X * expected).sum(axis=0))
    np.testing.assert_allclose(points.X, sign * expected, atol=1e-8)
    assert points.axis_names == ("first component", "second component")
    rng = np.random.default_rng(1)
    rng.permutation(len(labels))
    noisy = principal_plane(images / 16 + 0.5 * rng.standard_normal(images.shape))[rows]
    np.testing.assert_allclose(DATA["digits"](300, 0.5, np.random.default_rng(1)).X, noisy, atol=1e-10)


@pytest.mark.parametrize("shape", [(40, 5), (5, 40), (2, 2), (30, 2)])
def test_principal_plane_is_that_of_sklearn_up_to_sign(rng, shape):
    X = rng.standard_normal(shape) * np.linspace(1, 3, shape[1]) + 7
    ours = principal_plane(X)
    expected = PCA(2, svd_solver="full").fit_transform(X)[:, : min(2, shape[0] - 1)]
    expected = expected / expected.std(axis=0)
    sign = np.sign((ours[:, : expected.shape[1]] * expected).sum(axis=0))
    np.testing.assert_allclose(ours[:, : expected.shape[1]], sign * expected, atol=1e-8)


def test_principal_plane_by_hand():
    # Centered: (-2, 0), (2, 0), (0, 1), (0, -1); the first direction is (1, 0), the second (0, 1).
    # Variances 8 / 4 and 2 / 4, so that -2 becomes -2 / sqrt(2) and 1 becomes 1 / sqrt(0.5): both 1.414.
    X = np.array([[1.0, 5.0], [5.0, 5.0], [3.0, 6.0], [3.0, 4.0]])
    root = 2**0.5
    np.testing.assert_allclose(principal_plane(X), [[-root, 0], [root, 0], [0, root], [0, -root]], atol=1e-12)
    # The sign: the largest entry of each direction is positive, here of (1, -3) / sqrt(10) the second.
    X = np.array([[-1.0, 3.0], [1.0, -3.0], [0.3, 0.1], [-0.3, -0.1]])
    np.testing.assert_allclose(principal_plane(X), [[root, 0], [-root, 0], [0, root], [0, -root]], atol=1e-12)


@pytest.mark.parametrize("X", [np.ones((1, 3)), np.ones((3, 1)), np.ones(4), None, np.full((3, 2), 1e100)])
def test_principal_plane_needs_a_table(X):
    with pytest.raises(ValueError, match="X must"):
        principal_plane(X)


def test_a_plane_without_spread_is_a_point():
    np.testing.assert_array_equal(principal_plane(np.full((5, 3), 2.5)), np.zeros((5, 2)))
    assert np.isfinite(principal_plane(np.full((5, 3), 9e99))).all()


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100), st.integers(0, 9)), max_size=20))
def test_points_by_hand_are_read_as_they_are_written(points):
    assert added_in(added_as_text(tuple(points))) == tuple(points)


def test_points_by_hand_may_be_typed_with_spaces():
    assert added_in(" 0.5, -1 ,0;; 1,2,1 ;") == ((0.5, -1.0, 0), (1.0, 2.0, 1))
    assert added_in("") == () and added_as_text(()) == ""


@pytest.mark.parametrize("text", ["1,2", "1,2,3,4", "a,b,0", "1,2,0.5", "1 2 0", None, 3])
def test_what_is_no_point_is_told(text):
    with pytest.raises(ValueError, match="text must hold points as x1,x2,class"):
        added_in(text)


@pytest.mark.parametrize(
    "added",
    [[], ((1, 2, True),), ((0.0, 101.0, 0),), ((0.0, 0.0, 10),), ((0.0, float("nan"), 0),), (3,), None],
)
def test_other_points_are_refused(added):
    with pytest.raises(ValueError, match="added must be a tuple of up to 100 points"):
        check_added(added)
    with pytest.raises(ValueError, match="added must be a tuple of up to 100 points"):
        check_added(((0.0, 0.0, 0),) * 101)

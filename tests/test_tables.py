"""The data of the playground: toys, digits, and tables of your own."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from dlhelpers import datasets
from dlhelpers.session import Session
from dlhelpers.settings import Settings
from dlhelpers.sharing import from_text, to_text
from dlhelpers.tables import DATA, Points, principal_plane, read_points
from tests.test_session import state

# ---------------------------------------------------------------------------------------------- data


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("m", [20, 2000])
def test_every_data_at_its_extremes(name, noise, m):
    session = Session(Settings(data=name, m=m, noise=noise))
    session.advance(2)
    X, y, axis_names = session.points
    assert X.shape == (min(m, 1797) if name == "digits" else m, 2) and y.shape == X.shape[:1]
    assert session.n_classes == {"spirals-3": 3, "blobs": 4, "digits": 10}.get(name, 2)
    assert np.isfinite(X).all() and np.abs(X).max() < 8 and len(axis_names) == 2
    assert len(session.train.X) + len(session.dev.X) == len(X)
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


# ------------------------------------------------------------------------------------------ own data


def table(rows=20, separator=",", heading=(), width=3):
    lines = [separator.join(heading)] if heading else []
    lines += [
        separator.join([*(str(i * (k + 1) % 7 + k) for k in range(width - 1)), "ab"[i % 2]])
        for i in range(rows)
    ]
    return lines


@pytest.mark.parametrize("separator", [",", ";", "\t", " , "])
def test_tables_are_read_whatever_separates_their_columns(separator):
    plain, headed = table(20, separator), table(20, separator, ("height", "weight", "kind"))
    points, named = read_points("\n".join(plain)), read_points("\r\n".join(["", *headed, "", " "]))
    expected = np.array([[i % 7, i * 2 % 7 + 1] for i in range(20)], dtype=float)
    expected = (expected - expected.mean(axis=0)) / expected.std(axis=0)
    for each in (points, named):
        np.testing.assert_allclose(each.X, expected, atol=1e-12)
        np.testing.assert_array_equal(each.y, np.arange(20) % 2)
    assert points.axis_names == ("$x_1$", "$x_2$") and named.axis_names == ("height", "weight")
    assert Points(points.X, points.y).axis_names == ("$x_1$", "$x_2$")


def test_of_more_columns_the_plane_is_taken():
    points = read_points("\n".join(table(30, heading=("a", "b", "c", "d", "e"), width=5)))
    X = np.array([[i * (k + 1) % 7 + k for k in range(4)] for i in range(30)], dtype=float)
    np.testing.assert_allclose(points.X, principal_plane(X), atol=1e-12)
    assert points.axis_names == ("first component", "second component")
    odd = read_points("\n".join(table(20, heading=("a", "b"))))  # a heading of another width
    assert odd.axis_names == ("$x_1$", "$x_2$")


def test_the_limits_of_a_table():
    assert len(read_points("\n".join(table(20))).X) == 20
    assert len(read_points("\n".join(table(2000))).X) == 2000
    ten = [f"{i},{i % 3},{i % 10}" for i in range(20)]
    assert read_points("\n".join(ten)).y.max() == 9
    for rows in (0, 19, 2001):
        with pytest.raises(ValueError, match=f"text must hold 20 to 2000 rows of data; got {rows}"):
            read_points("\n".join(table(rows)))


@pytest.mark.parametrize(
    ("line", "came"),
    [
        ("1,2", "2 columns"),
        ("1,2,3,a", "4 columns"),
        ("1,x,a", "'x'"),
        ("nan,2,a", "'nan'"),
        ("1,inf,a", "'inf'"),
        ("1,,a", "''"),
        ("1e100,2,a", "'1e100'"),
        ("1,-1e308,b", "'-1e308'"),
    ],
)
@pytest.mark.parametrize("heading", [False, True])
def test_a_row_that_cannot_be_used_is_named(line, came, heading):
    lines = table(20, heading=("u", "v", "w") if heading else ())
    lines.insert(10, line)
    with pytest.raises(ValueError, match=rf"got {came} in row 11\. The first row of data has 3 columns"):
        read_points("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n".join(f"{i},a" for i in range(20)), "got 2 columns in row 1. The first row of data has 2"),
        ("\n".join(f"{i},{i},a" for i in range(20)), "2 to 10 classes in its last column; got 1: a"),
        (
            "\n".join(f"{i},{i},{i}" for i in range(20)),
            "classes in its last column; got 20: 0, 1, 10",
        ),
        ("\n".join(f"{i},{i},{i % 11}" for i in range(22)), "got 11"),
        ("x" * 200_000, "text must be the content of a table; got what cannot be read"),
        ("", "got 0"),
        (b"1,2,a", "text must be the content of a table; got bytes"),
        (None, "got NoneType"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(text, message):
    with pytest.raises(ValueError) as error:
        read_points(text)
    assert message in str(error.value)


def test_own_data_are_trained_on():
    points = read_points("\n".join(table(40)))
    session = Session(Settings(data="own", hidden=(3,)), points)
    session.advance(10)
    assert len(session.train.X) == 28 and session.points is points
    again = from_text(to_text(session), points)
    assert state(again) == state(session)
    with pytest.raises(ValueError, match="own must hold the examples for data='own'; got None"):
        Session(Settings(data="own"))

"""Tests of dlhelpers.datasets, of the files in data/, and of tools/make_data.py that wrote them."""

import importlib.util
import pickle
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dlhelpers import datasets
from dlhelpers.datasets import (
    FUNCTIONS,
    SHA256,
    blobs,
    breast_cancer,
    circles,
    digits,
    moons,
    noisy_function,
    one_hot,
    sea_surface_temperature,
    spirals,
    split,
    xor,
)

ROOT = Path(__file__).resolve().parent.parent
LOADERS = {
    "digits.csv": digits,
    "breast_cancer.csv": breast_cancer,
    "sea_surface_temperature.csv": sea_surface_temperature,
}
GENERATORS = [moons, circles, spirals, blobs, xor]


def rng(seed=0):
    return np.random.default_rng(seed)


def raises(*parts):
    """Expect a ValueError whose message has these parts in this order."""
    return pytest.raises(ValueError, match="(?s)" + ".*".join(map(re.escape, parts)))


# Real data ------------------------------------------------------------------------------------------------


def test_digits_are_those_of_scikit_learn():
    source = pytest.importorskip("sklearn.datasets").load_digits()
    data = digits()
    assert data.X.dtype == np.float64
    assert data.y.dtype == np.int64
    np.testing.assert_array_equal(data.X, source.data)
    np.testing.assert_array_equal(data.y, source.target)
    assert list(data.feature_names) == list(source.feature_names)
    assert data.class_names == tuple(map(str, source.target_names))


def test_breast_cancer_is_that_of_scikit_learn():
    source = pytest.importorskip("sklearn.datasets").load_breast_cancer()
    data = breast_cancer()
    assert data.X.dtype == np.float64
    assert data.y.dtype == np.int64
    np.testing.assert_array_equal(data.X, source.data)
    np.testing.assert_array_equal(data.y, source.target)
    assert data.feature_names == tuple(map(str, source.feature_names))
    assert data.class_names == tuple(map(str, source.target_names))


def test_temperatures_are_those_of_statsmodels():
    source = pytest.importorskip("statsmodels.datasets.elnino").load_pandas().data.to_numpy()
    data = sea_surface_temperature()
    np.testing.assert_array_equal(data.temperature.reshape(61, 12), source[:, 1:])
    np.testing.assert_array_equal(data.year.reshape(61, 12)[:, 0], source[:, 0])


def test_known_facts_of_digits():
    X, y, feature_names, class_names = digits()
    assert X.shape == (1797, 64)
    assert len(feature_names) == 64
    assert class_names == tuple("0123456789")
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (X.min(), X.max()) == (0, 16)
    assert np.all(np.round(X) == X)
    assert X[0, :8].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert X.mean() == pytest.approx(4.884165, abs=1e-6)


def test_known_facts_of_breast_cancer():
    X, y, feature_names, _ = breast_cancer()
    assert X.shape == (569, 30)
    assert np.bincount(y).tolist() == [212, 357]
    ranges = dict(zip(feature_names, zip(X.min(axis=0), X.max(axis=0), strict=True), strict=True))
    assert ranges["mean radius"] == (6.981, 28.11)  # the source's own summary
    assert ranges["worst area"] == (185.2, 4254.0)
    assert X[:, 0].mean() == pytest.approx(14.127292, abs=1e-6)
    assert X[y == 0, 0].mean() > X[y == 1, 0].mean()  # malignant nuclei are larger: 0 is malignant


def test_known_facts_of_the_temperatures():
    time, temperature, year, month = sea_surface_temperature()
    assert time.shape == temperature.shape == year.shape == month.shape == (732,)
    assert time.dtype == temperature.dtype == np.float64
    assert year.dtype == month.dtype == np.int64
    assert (year[0], month[0], temperature[0]) == (1950, 1, 23.11)
    assert (year[-1], month[-1], temperature[-1]) == (2010, 12, 22.07)
    np.testing.assert_array_equal(12 * year + month, 12 * 1950 + 1 + np.arange(732))  # no month is missing
    np.testing.assert_allclose(time, 1950 + np.arange(732) / 12, rtol=0, atol=1e-9)
    assert (temperature.min(), temperature.max()) == (18.95, 29.24)
    assert temperature.mean() == pytest.approx(23.092623, abs=1e-6)
    warmest = int(np.argmax(temperature))
    assert (year[warmest], month[warmest]) == (1998, 3)  # the El Nino of 1997/98


@pytest.mark.parametrize("load", LOADERS.values())
def test_data_are_read_once_and_cannot_be_changed(load):
    data = load()
    assert load() is data
    for field in data:
        if isinstance(field, np.ndarray):
            assert field.flags.c_contiguous
            assert not field.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                field[0] = 0
    with pytest.raises(AttributeError):
        setattr(data, data._fields[0], None)


def test_import_reads_no_data_and_no_package_but_numpy():
    code = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)\n"
        "import dlhelpers.datasets\n"
        "assert not [name for name in opened if name.endswith('.csv')], opened\n"
        "assert not {'sklearn', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


# Files and their hashes -----------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Make the package look for its data in two empty folders."""
    folders = (tmp_path / "wheel", tmp_path / "checkout")
    for folder in folders:
        folder.mkdir()
    monkeypatch.setattr(datasets, "data_folders", lambda: folders)
    return folders


def copy(name, folder):
    content = (ROOT / "data" / name).read_bytes()
    (folder / name).write_bytes(content)
    return content


@pytest.mark.parametrize("name", SHA256)
def test_committed_files_have_the_recorded_hash(name):
    assert sha256((ROOT / "data" / name).read_bytes()).hexdigest() == SHA256[name]


@pytest.mark.parametrize("name", LOADERS)
def test_committed_tables_have_plain_lines(name):
    content = (ROOT / "data" / name).read_bytes()
    assert content.endswith(b"\n")
    assert b"\r" not in content
    assert b" \n" not in content


@pytest.mark.parametrize("name", SHA256)
def test_readme_shows_the_same_hash_once(name):
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert readme.count(SHA256[name]) == 1
    assert f"| `{name}` | `{SHA256[name]}` |" in readme


@pytest.mark.parametrize("name", LOADERS)
def test_readme_shows_the_shape(name):
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    table = np.loadtxt(ROOT / "data" / name, delimiter=",", skiprows=1)
    section = readme.split(f"## {name}")[1]
    assert re.search(r"(\S+) rows, (\S+) columns", section).groups() == (
        f"{table.shape[0]:,}",
        str(table.shape[1]),
    )


def test_readme_and_table_name_the_files_that_are_there():
    assert {path.name for path in (ROOT / "data").glob("*.*")} == {"README.md", *SHA256}
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"[0-9a-f]{64}", readme)) == set(SHA256.values())


def test_data_folders_are_beside_the_package_then_in_the_checkout():
    package = Path(datasets.__file__).resolve().parent
    assert datasets.data_folders() == (package / "data", package.parent / "data")


@pytest.mark.parametrize("name", LOADERS)
def test_missing_file_says_where_it_was_looked_for_and_what_to_do(name, folders):
    with pytest.raises(FileNotFoundError) as caught:
        LOADERS[name].__wrapped__()
    message = str(caught.value)
    for part in (name, SHA256[name], *map(str, folders), "git checkout -- data", "install dlhelpers again"):
        assert part in message


@pytest.mark.parametrize("name", LOADERS)
def test_one_flipped_bit_is_found(name, folders):
    content = bytearray(copy(name, folders[1]))
    LOADERS[name].__wrapped__()
    content[len(content) // 2] ^= 1
    (folders[1] / name).write_bytes(content)
    with raises(str(folders[1] / name), SHA256[name], sha256(content).hexdigest(), "git checkout -- data"):
        LOADERS[name].__wrapped__()


def test_file_is_hashed_before_it_is_parsed(folders):
    (folders[1] / "digits.csv").write_bytes(pickle.dumps([1, 2]))
    with raises("must have sha256"):
        digits.__wrapped__()


def test_the_wheel_s_folder_comes_first(folders):
    for folder in folders:
        copy("digits.csv", folder)
    digits.__wrapped__()
    (folders[0] / "digits.csv").write_bytes(b"damaged")
    with raises(str(folders[0])):
        digits.__wrapped__()


# The script that made them --------------------------------------------------------------------------------


@pytest.fixture
def make_data():
    spec = importlib.util.spec_from_file_location("make_data", ROOT / "tools" / "make_data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path, make_data, monkeypatch):
    """Make a copy of what make_data works on, without the file that needs statsmodels."""
    pytest.importorskip("sklearn")
    monkeypatch.delitem(make_data.FILES, "sea_surface_temperature.csv")
    for name in ("dlhelpers/datasets.py", "data/README.md", "data/digits.csv", "data/breast_cancer.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


def test_make_data_check_agrees_with_the_committed_files(make_data: ModuleType, capsys):
    pytest.importorskip("statsmodels")
    assert make_data.main(["--check"]) == 0
    assert "are what the sources give" in capsys.readouterr().out


def test_make_data_check_names_what_differs(make_data, tree, capsys):
    assert make_data.main(["--check"], tree) == 0
    (tree / "data/digits.csv").write_bytes(b"pixel\n1\n")
    (tree / "data/breast_cancer.csv").unlink()
    readme = tree / "data/README.md"
    readme.write_text(readme.read_text().replace(SHA256["digits.csv"], "0" * 64))
    capsys.readouterr()
    assert make_data.main(["--check"], tree) == 1
    out = capsys.readouterr().out
    assert "data/digits.csv has sha256" in out
    assert "data/breast_cancer.csv is missing." in out
    assert f"data/README.md states sha256 {'0' * 64} for digits.csv" in out
    assert "dlhelpers/datasets.py states" not in out
    assert "python tools/make_data.py" in out


def test_make_data_writes_the_same_bytes_and_records_the_hashes(make_data, tree):
    before = {path: path.read_bytes() for path in tree.rglob("*.*")}
    for path in before:
        if path.suffix == ".csv":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes().replace(SHA256["digits.csv"].encode(), b"0" * 64))
    assert make_data.main([], tree) == 0
    assert {path: path.read_bytes() for path in tree.rglob("*.*")} == before


def test_make_data_says_which_package_is_missing(make_data, tree, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SystemExit, match="Install scikit-learn and statsmodels"):
        make_data.main(["--check"], tree)


def test_make_data_says_where_a_hash_should_stand(make_data, tree):
    (tree / "data/README.md").write_text("# Data\n")
    with pytest.raises(SystemExit, match=r"data/README.md must state a sha256 after the name digits.csv"):
        make_data.main(["--check"], tree)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_shortest_text_reads_back_exactly(value):
    spec = importlib.util.spec_from_file_location("make_data", ROOT / "tools" / "make_data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = module.shortest(value)
    assert float(text) == value
    assert not text.endswith(".0")


# Toy classes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("generator", GENERATORS)
def test_generators_give_documented_shapes_in_the_documented_range(generator):
    X, y = generator(501, rng=rng())
    assert X.shape == (501, 2)
    assert y.shape == (501,)
    assert X.dtype == np.float64
    assert y.dtype == np.int64
    assert np.isfinite(X).all()
    assert np.mean(np.abs(X) <= 3) > 0.98
    assert np.abs(X).max() > 1  # and it fills the frame


@pytest.mark.parametrize("generator", GENERATORS)
def test_generators_are_reproducible(generator):
    X, y = generator(50, rng=rng(7))
    X_again, y_again = generator(50, rng=rng(7))
    X_other, _ = generator(50, rng=rng(8))
    np.testing.assert_array_equal(X, X_again)
    np.testing.assert_array_equal(y, y_again)
    assert not np.array_equal(X, X_other)


@pytest.mark.parametrize("m", [1, 2, 7, 100, 101, 102])
@pytest.mark.parametrize(
    ("generator", "options", "classes"),
    [
        (moons, {}, 2),
        (circles, {}, 2),
        (spirals, {}, 2),
        (spirals, {"arms": 3}, 3),
        (spirals, {"arms": 5}, 5),
        (blobs, {}, 3),
        (blobs, {"classes": 1}, 1),
        (blobs, {"classes": 4}, 4),
        (blobs, {"centers": [[0, 0], [1, 1]]}, 2),
        (xor, {}, 2),
    ],
)
def test_classes_are_as_equal_in_number_as_possible(generator, options, classes, m):
    _, y = generator(m, **options, rng=rng())
    counts = np.bincount(y, minlength=classes)
    assert len(counts) == classes
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("generator", GENERATORS)
def test_rows_are_shuffled(generator):
    _, y = generator(200, rng=rng())
    changes = np.count_nonzero(np.diff(y))
    assert 60 < changes < 170  # sorted: 1 or 2 changes; alternating: 199


@pytest.mark.parametrize("generator", GENERATORS)
def test_noise_is_the_standard_deviation_on_each_coordinate(generator):
    exact, y = generator(20_000, noise=0, rng=rng())
    noisy, y_noisy = generator(20_000, noise=0.3, rng=rng())  # the same draws before the noise
    np.testing.assert_array_equal(y, y_noisy)
    np.testing.assert_allclose((noisy - exact).std(axis=0), 0.3, rtol=0.03)
    np.testing.assert_allclose((noisy - exact).mean(axis=0), 0, atol=0.01)


class Ones(np.random.Generator):
    """A generator whose normal numbers are all 1."""

    def standard_normal(self, size):
        return np.ones(size)


@pytest.mark.parametrize("generator", GENERATORS)
def test_noise_is_added(generator):
    exact, _ = generator(6, noise=0, rng=Ones(np.random.PCG64(0)))
    noisy, _ = generator(6, noise=0.25, rng=Ones(np.random.PCG64(0)))
    np.testing.assert_allclose(noisy - exact, 0.25)


@pytest.mark.parametrize(
    ("generator", "defaults"),
    [
        (moons, {"noise": 0.2}),
        (circles, {"noise": 0.2}),
        (spirals, {"noise": 0.1, "arms": 2}),
        (blobs, {"noise": 0.5, "classes": 3}),
        (xor, {"noise": 0.1}),
    ],
)
def test_defaults(generator, defaults):
    for a, b in zip(generator(9, rng=rng()), generator(9, rng=rng(), **defaults), strict=True):
        np.testing.assert_array_equal(a, b)


def test_moons_lie_on_two_half_circles():
    X, y = moons(400, noise=0, rng=rng())
    upper, lower = X[y == 0], X[y == 1]
    np.testing.assert_allclose(np.hypot(upper[:, 0] + 0.75, upper[:, 1] + 0.375), 1.5)
    np.testing.assert_allclose(np.hypot(lower[:, 0] - 0.75, lower[:, 1] - 0.375), 1.5)
    assert upper[:, 1].min() >= -0.375
    assert lower[:, 1].max() <= 0.375
    np.testing.assert_allclose(np.abs(X).max(axis=0), [2.25, 1.125], rtol=1e-3)
    t = np.arctan2(upper[:, 1] + 0.375, upper[:, 0] + 0.75)
    counts, _ = np.histogram(t, bins=4, range=(0, np.pi))  # 50 each, give or take 6.1
    assert np.abs(counts - 50).max() < 25


def test_circles_have_radius_1_and_2():
    X, y = circles(400, noise=0, rng=rng())
    np.testing.assert_allclose(np.hypot(*X.T), np.where(y == 0, 1, 2))
    angle = np.arctan2(X[:, 1], X[:, 0])
    counts, _ = np.histogram(angle, bins=8, range=(-np.pi, np.pi))  # 50 each, give or take 6.6
    assert np.abs(counts - 50).max() < 25  # evenly all the way round
    assert abs(np.sum(X[:, 1] > 0) - 200) < 40


@pytest.mark.parametrize("arms", [2, 3, 5])
def test_spirals_wind_one_and_a_quarter_times_around_each_other(arms):
    X, y = spirals(600, arms=arms, noise=0, rng=rng())
    radius = np.hypot(*X.T)
    assert 0.3 <= radius.min() < 0.35
    assert 2.65 < radius.max() <= 2.7
    turns = 1.25 * (radius - 0.3) / 2.4 + y / arms
    apart = np.arctan2(X[:, 1], X[:, 0]) / (2 * np.pi) - turns
    np.testing.assert_allclose(apart, np.round(apart), atol=1e-9)


def test_blobs_without_noise_lie_on_their_centers():
    X, y = blobs(30, classes=4, noise=0, rng=rng())
    np.testing.assert_allclose(X, np.array([[2, 0], [0, 2], [-2, 0], [0, -2]])[y], atol=1e-12)
    centers = np.array([[-1.0, 5.0], [0.5, 0.25], [3.0, 1.0]])
    for some in (centers, centers[:1]):
        X, y = blobs(30, centers=some, noise=0, rng=rng())
        np.testing.assert_array_equal(X, some[y])


def test_xor_is_1_where_the_signs_differ():
    X, y = xor(401, noise=0, rng=rng())
    np.testing.assert_array_equal(y, (X[:, 0] > 0) ^ (X[:, 1] > 0))
    # 802 numbers from U(0.2, 2.5): the nearest to each end is 0.003 from it on average
    assert 0.2 <= np.abs(X).min() < 0.23
    assert 2.47 < np.abs(X).max() <= 2.5
    _, counts = np.unique(np.sign(X), axis=0, return_counts=True)
    assert sorted(counts) == [100, 100, 100, 101]


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"m": 0}, ["m must be an integer in [1, inf)", "got 0", "number of examples"]),
        ({"m": -5}, ["m must be", "got -5"]),
        ({"m": 10.0}, ["m must be", "got 10.0"]),
        ({"m": True}, ["m must be", "got True"]),
        ({"noise": -0.1}, ["noise must be a number in [0, 1e6]", "got -0.1", "pass 0 for none"]),
        ({"noise": np.nan}, ["noise must be", "got nan"]),
        ({"noise": np.inf}, ["noise must be", "got inf"]),
        ({"noise": "0.1"}, ["noise must be", "got '0.1'"]),
        ({"noise": True}, ["noise must be", "got True"]),
        ({"noise": np.ones(2)}, ["noise must be", "got array([1., 1.])"]),
        ({"rng": 0}, ["rng must be a numpy.random.Generator", "got 0", "numpy.random.default_rng(0)"]),
        ({"rng": np.random}, ["rng must be"]),
    ],
)
def test_generators_say_what_is_wrong(generator, wrong, message):
    with raises(*message):
        generator(**({"m": 10, "rng": rng()} | wrong))


@pytest.mark.parametrize(
    ("generator", "wrong", "message"),
    [
        (spirals, {"arms": 1}, ["arms must be an integer in [2, inf)", "got 1", "nothing to tell apart"]),
        (spirals, {"arms": 2.0}, ["arms must be", "got 2.0"]),
        (blobs, {"classes": 0}, ["classes must be an integer in [1, inf)", "got 0", "number of clouds"]),
        (
            blobs,
            {"classes": 2, "centers": [[0, 0]]},
            ["Only one of classes and centers", "classes=2", "Leave out"],
        ),
        (blobs, {"centers": [0, 1]}, ["centers must be a (K, 2) array", "got [0, 1]", "(2,)", "one row"]),
        (blobs, {"centers": [[0, 1, 2]]}, ["centers must be", "(1, 3)"]),
        (blobs, {"centers": np.empty((0, 2))}, ["centers must be", "(0, 2)"]),
        (blobs, {"centers": [["a", "b"]]}, ["centers must be", "got [['a', 'b']]"]),
        (blobs, {"centers": object()}, ["centers must be", "got <object"]),
        (blobs, {"centers": [[0, 1j]]}, ["centers must be", "1j"]),
        (
            blobs,
            {"centers": [[0, 1], [2]]},
            ["centers must be an array", "got list", "same number of columns"],
        ),
        (blobs, {"centers": [[0, np.nan]]}, ["centers must be", "finite", "nan"]),
    ],
)
def test_spirals_and_blobs_say_what_is_wrong(generator, wrong, message):
    with raises(*message):
        generator(10, rng=rng(), **wrong)


def test_generators_take_numpy_numbers():
    X, _ = spirals(np.int64(10), arms=np.int32(3), noise=np.float32(0.1), rng=rng())
    assert X.shape == (10, 2)


# Noisy functions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_stay_within_the_frame(name):
    x = np.linspace(-1, 1, 1001)
    y = FUNCTIONS[name](x)
    assert y.shape == x.shape
    assert y.dtype == np.float64
    assert np.abs(y).max() <= 1
    assert np.ptp(y) > 0.9
    assert not np.shares_memory(x, y)


def test_values_of_the_functions_by_hand():
    x = np.array([-1.0, 0.0, 1 / 3, 0.6])
    np.testing.assert_allclose(FUNCTIONS["sine"](x), [1, 0, 1, np.sin(0.9 * np.pi)], atol=1e-12)
    np.testing.assert_allclose(FUNCTIONS["line"](x), [-0.8, 0, 0.8 / 3, 0.48])
    np.testing.assert_allclose(FUNCTIONS["step"](x), [-0.8, 0.8, 0.8, 0.8])
    np.testing.assert_allclose(FUNCTIONS["bump"](x)[3], np.exp(-0.5))
    assert FUNCTIONS["bump"](np.linspace(-1, 0, 50)).max() < 1e-5  # easy on the left


def test_a_cubic_is_biased_on_the_sine_and_degrees_5_and_7_are_good():
    x = np.linspace(-1, 1, 401)
    y = FUNCTIONS["sine"](x)
    rms = {d: np.sqrt(np.mean((np.polyval(np.polyfit(x, y, d), x) - y) ** 2)) for d in (1, 3, 5, 7)}
    assert rms[3] > 0.2
    assert rms[5] < 0.1
    assert rms[7] < 0.01


def test_noisy_function_adds_normal_noise_to_the_truth():
    x, y = noisy_function("sine", 20_000, 0.25, rng())
    assert x.shape == y.shape == (20_000,)
    assert x.dtype == y.dtype == np.float64
    assert -1 <= x.min() < -0.99
    assert 0.99 < x.max() <= 1
    residual = y - FUNCTIONS["sine"](x)
    assert residual.mean() == pytest.approx(0, abs=0.01)
    assert residual.std() == pytest.approx(0.25, rel=0.03)
    assert np.mean(np.abs(residual) < 0.25) == pytest.approx(0.683, abs=0.02)  # normal
    assert np.count_nonzero(np.diff(x) < 0) > 9000  # not sorted


def test_noisy_function_is_reproducible_and_exact_without_noise():
    x, y = noisy_function(lambda x: x**2, 20, 0, rng(3))
    x_again, _ = noisy_function("line", 20, 0.5, rng(3))
    np.testing.assert_array_equal(y, x**2)
    np.testing.assert_array_equal(x, x_again)  # the same x for every truth and noise
    x, y = noisy_function("line", 5, 0.25, Ones(np.random.PCG64(0)))
    np.testing.assert_allclose(y, 0.8 * x + 0.25)  # noise is added


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [np.array([0.0, np.nan]), "0.5", np.array([2e6])])
def test_functions_say_what_is_wrong(name, x):
    with raises("x must be a number in [-1e6, 1e6]", "made for [-1, 1]"):
        FUNCTIONS[name](x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("sinus", 5, 0.1, rng()),
            ["function must be one of sine, line, step, bump", "got 'sinus'", "lambda"],
        ),
        ((3, 5, 0.1, rng()), ["function must be one of", "got 3"]),
        ((lambda x: 1.0, 5, 0.1, rng()), ["shape (5,) into numbers of the same shape", "got ()", "NumPy"]),
        ((lambda x: x + 1j, 5, 0.1, rng()), ["into numbers", "complex128"]),
        (("sine", 0, 0.1, rng()), ["m must be", "got 0"]),
        (("sine", 5, -1, rng()), ["noise must be", "got -1"]),
        (("sine", 5, 0.1, 42), ["rng must be", "got 42"]),
    ],
)
def test_noisy_function_says_what_is_wrong(arguments, message):
    with raises(*message):
        noisy_function(*arguments)


# Splitting ------------------------------------------------------------------------------------------------


def rows_in(parts):
    """Return the row numbers in each part, when X was the row numbers."""
    return parts.X_train, parts.X_dev, parts.X_test


sizes = st.integers(0, 40) | st.floats(0, 0.6)


@given(m=st.integers(1, 100), dev=sizes, test=sizes, seed=st.integers(0, 100))
def test_every_row_lands_in_exactly_one_part(m, dev, test, seed):
    expected = [n if isinstance(n, int) else round(n * m) for n in (dev, test)]
    X, y = np.arange(m), np.arange(m) * 10
    if max(expected) > m or sum(expected) >= m:
        with pytest.raises(ValueError, match=r"dev|test"):
            split(X, y, dev=dev, test=test, rng=rng(seed))
        return
    parts = split(X, y, dev=dev, test=test, rng=rng(seed))
    assert [len(parts.X_dev), len(parts.X_test)] == expected
    np.testing.assert_array_equal(np.sort(np.concatenate(rows_in(parts))), X)
    for rows, targets in zip(rows_in(parts), (parts.y_train, parts.y_dev, parts.y_test), strict=True):
        np.testing.assert_array_equal(targets, rows * 10)  # X and y stay together


@given(
    class_sizes=st.lists(st.integers(3, 30), min_size=1, max_size=12),
    dev=st.floats(0, 0.49),
    test=st.floats(0, 0.49),
    seed=st.integers(0, 100),
)
def test_stratified_shares_are_within_one(class_sizes, dev, test, seed):
    y = rng(seed).permutation(np.repeat(np.arange(len(class_sizes)), class_sizes))
    m = len(y)
    assume(round(dev * m) + round(test * m) < m)
    parts = split(np.arange(m), y, dev=dev, test=test, rng=rng(seed), stratify=True)
    np.testing.assert_array_equal(np.sort(np.concatenate(rows_in(parts))), np.arange(m))
    assert len(parts.y_dev) == round(dev * m)
    assert len(parts.y_test) == round(test * m)
    for labels in (parts.y_train, parts.y_dev, parts.y_test):
        share = np.array(class_sizes) * len(labels) / m
        assert np.abs(np.bincount(labels, minlength=len(class_sizes)) - share).max() <= 1


def test_stratified_counts_by_hand():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    parts = split(y, y, dev=0.2, test=10, rng=rng(), stratify=True)
    assert np.bincount(parts.y_train).tolist() == [35, 21, 14]
    assert np.bincount(parts.y_dev).tolist() == [10, 6, 4]
    assert np.bincount(parts.y_test).tolist() == [5, 3, 2]
    # 5 of 20: shares 2.75, 1.5, 0.75; the two largest remainders are rounded up
    y = np.repeat([0, 1, 2], [11, 6, 3])
    parts = split(y, y, dev=5, test=0, rng=rng(), stratify=True)
    assert np.bincount(parts.y_dev).tolist() == [3, 1, 1]


@pytest.mark.parametrize("stratify", [False, True])
def test_split_shuffles_by_rng_only(stratify):
    y = np.repeat([0, 1], 50)
    X = np.arange(100)
    first, again, other = (
        split(X, y, dev=20, test=20, rng=rng(seed), stratify=stratify) for seed in (1, 1, 2)
    )
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.X_dev, other.X_dev)
    for rows in rows_in(first):
        assert np.any(np.diff(rows) < 0)
    assert np.count_nonzero(np.diff(first.y_train)) > 10  # classes are mixed within a part too


@pytest.mark.parametrize("stratify", [False, True])
def test_every_row_is_equally_likely_in_every_part(stratify):
    y = np.repeat([0, 1], [8, 12])
    in_test = np.zeros(20)
    for seed in range(2000):
        in_test[split(np.arange(20), y, dev=5, test=5, rng=rng(seed), stratify=stratify).X_test] += 1
    np.testing.assert_allclose(in_test / 2000, 0.25, atol=0.05)


def test_split_keeps_shape_and_dtype_and_copies():
    images, names = np.zeros((10, 2, 3), dtype=np.float32), np.array(list("ab" * 5))
    parts = split(images, names, dev=3, test=2, rng=rng(), stratify=True)
    assert [part.shape for part in parts] == [(5, 2, 3), (5,), (3, 2, 3), (3,), (2, 2, 3), (2,)]
    assert parts.X_dev.dtype == np.float32
    assert parts.y_dev.dtype == names.dtype
    parts.X_train[:] = 1
    assert not images.any()


def test_parts_of_the_real_data_may_be_changed():
    X, y, *_ = digits()
    parts = split(X, y, dev=0.2, test=0.2, rng=rng(), stratify=True)
    assert all(part.flags.writeable for part in parts)
    assert parts.X_train.shape == (1079, 64)


def test_dev_and_test_may_be_empty():
    parts = split(np.arange(3), np.arange(3), dev=0, test=0.0, rng=rng())
    assert [len(part) for part in parts] == [3, 3, 0, 0, 0, 0]
    parts = split(np.arange(2), np.array([5, 5]), dev=0, test=0, rng=rng(), stratify=True)
    assert len(parts.X_train) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dev": 0.5, "test": 0.5}, ["leave at least 1 of the 10", "dev=0.5 (5", "test=0.5 (5", "smaller"]),
        ({"dev": 10}, ["leave at least 1", "dev=10 (10 examples)"]),
        (
            {"dev": 11},
            ["dev as a number of examples must be from 0 to 10", "got 11", "pass a float: dev=0.2"],
        ),
        ({"test": -1}, ["test as a number of examples must be from 0 to 10", "got -1"]),
        ({"dev": 1.0}, ["dev as a fraction must be in [0, 1)", "got 1.0", "pass the int dev=20"]),
        ({"test": 20.0}, ["test as a fraction must be in [0, 1)", "got 20.0"]),
        ({"dev": -0.2}, ["dev as a fraction", "got -0.2"]),
        ({"dev": float("nan")}, ["dev as a fraction", "got nan"]),
        ({"dev": True}, ["dev must be a number of examples (int) or a fraction", "got True", "pass dev=0"]),
        ({"test": "0.2"}, ["test must be a number of examples", "got '0.2'"]),
        ({"dev": None}, ["dev must be", "got None"]),
        ({"y": np.zeros(9, int)}, ["X and y must have the same number of rows", "got 10 and 9", "pass X.T"]),
        ({"y": np.zeros((10, 1))}, ["X must have shape (m, ...) and y shape (m,)", "(10, 1)", "y.ravel()"]),
        ({"X": np.float64(3)}, ["X must have shape (m, ...)", "got () and (10,)"]),
        ({"X": [], "y": [], "dev": 0, "test": 0}, ["leave at least 1 of the 0 examples"]),
        ({"rng": 1}, ["rng must be a numpy.random.Generator", "got 1", "default_rng"]),
        ({"stratify": np.zeros(10)}, ["stratify must be True or False", "got an array of shape (10,)"]),
        (
            {"y": [0] * 8 + [7] * 2, "stratify": True},
            ["over 3 parts, each class must have at least 3", "class 7 has 2", "stratify=False"],
        ),
        ({"y": [None, 1] * 5, "stratify": True}, ["y must hold numbers or strings", "got objects"]),
        ({"X": [[1], [2, 3]]}, ["X must be an array", "got list"]),
        ({"y": [0] * 9 + [7], "test": 0, "stratify": True}, ["over 2 parts", "class 7 has 1"]),
    ],
)
def test_split_says_what_is_wrong(wrong, message):
    arguments = {"X": np.zeros((10, 2)), "y": np.zeros(10, int), "dev": 2, "test": 2, "rng": rng()}
    with raises(*message):
        split(**(arguments | wrong))


class Series:
    """What of a pandas Series NumPy sees: it can be made an array, of Python objects if it holds names."""

    def __init__(self, values, dtype=object):
        self.values = np.array(values, dtype=dtype)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


@pytest.mark.parametrize(
    "y",
    [
        ["cat", "frog"] * 5,
        np.array(["cat", "frog"] * 5),
        np.array(["cat", "frog"] * 5, dtype=object),
        Series(["cat", "frog"] * 5),
        Series([0, 1] * 5),
        Series([0, 1] * 5, dtype=int),
        Series([0.5, True] * 5),
    ],
)
def test_classes_to_stratify_by_may_be_names_and_objects(y):
    parts = split(np.arange(10), y, dev=2, test=2, rng=rng(), stratify=True)
    whole = np.asarray(y)
    for part in (parts.y_dev, parts.y_test):
        assert part.dtype == whole.dtype
        assert sorted(part.tolist()) == sorted(set(whole.tolist()))


@pytest.mark.parametrize("y", [["cat", None] * 5, Series(["cat", float("nan")] * 5), Series([None, 1] * 5)])
def test_the_advice_on_objects_to_stratify_by_helps(y):
    with raises("y must hold numbers or strings", "pass np.array(y).astype(str)"):
        split(np.arange(10), y, dev=2, test=2, rng=rng(), stratify=True)
    parts = split(np.arange(10), np.array(y).astype(str), dev=2, test=2, rng=rng(), stratify=True)
    assert len(set(parts.y_dev.tolist())) == 2


def test_the_advice_on_a_column_of_targets_helps():
    y = np.array([[0], [1]] * 5)
    with raises("for a column of targets, pass y.ravel()"):
        split(np.arange(10), y, dev=2, test=2, rng=rng(), stratify=True)
    split(np.arange(10), y.ravel(), dev=2, test=2, rng=rng(), stratify=True)


# One-hot --------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 6)))
def test_one_hot_rows_have_a_single_one_at_the_label(y):
    Y = one_hot(np.array(y, dtype=np.int64), 7)
    assert Y.shape == (len(y), 7)
    assert Y.dtype == np.float64
    assert set(np.unique(Y)) <= {0.0, 1.0}
    np.testing.assert_array_equal(Y.sum(axis=1), 1)
    np.testing.assert_array_equal(Y.argmax(axis=1), y)


@pytest.mark.parametrize(
    ("y", "n_classes", "message"),
    [
        ([0, 1, 3], 3, ["from 0 to n_classes - 1 = 2", "got 3 in row 2", "larger n_classes"]),
        ([0, -1], 3, ["from 0 to", "got -1 in row 1"]),
        ([0.0, 1.0], 3, ["array of integers", "float64", "astype(int)"]),
        ([True, False], 2, ["array of integers", "bool"]),
        ([[0], [1, 2]], 2, ["y must be an array", "got list"]),
        ([[0], [1]], 2, ["one-dimensional", "shape (2, 1)"]),
        ([0, 1], 0, ["n_classes must be an integer in [1, inf)", "got 0"]),
        ([0, 1], 2.0, ["n_classes must be", "got 2.0"]),
    ],
)
def test_one_hot_says_what_is_wrong(y, n_classes, message):
    with raises(*message):
        one_hot(y, n_classes)


@pytest.mark.parametrize(
    ("y", "advice"),
    [
        ([[0], [1]], "np.ravel(y)"),
        (np.array([[0], [1]]), "np.ravel(y)"),
        (np.eye(2), "y.argmax(axis=1)"),
        ([0.0, 1.0], "np.array(y).astype(int)"),
        ([False, True], "np.array(y).astype(int)"),
        (Series([0, 1]), "np.array(y).astype(int)"),
        (["cat", "frog"], "np.unique(np.array(y).astype(str), return_inverse=True)[1]"),
        (Series(["cat", "frog"]), "np.unique(np.array(y).astype(str), return_inverse=True)[1]"),
        (Series(["cat", None]), "np.unique(np.array(y).astype(str), return_inverse=True)[1]"),
    ],
)
def test_the_advice_on_labels_helps(y, advice):
    with raises("y must be a one-dimensional array of integers", f"pass {advice}"):
        one_hot(y, 2)
    labels = eval(advice, {"np": np, "y": y})
    assert sorted(one_hot(labels, 2).tolist()) == [[0, 1], [1, 0]]


def test_one_hot_takes_a_series_and_many_classes():
    np.testing.assert_array_equal(one_hot(Series([2, 0], dtype=np.uint8), 3), [[0, 0, 1], [1, 0, 0]])
    assert one_hot([999_999], 1_000_000).argmax() == 999_999  # not by a square matrix of 8 terabytes

import json
import os
import pickle

import numpy as np
import pytest

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.network import Network
from dlhelpers.saving import FORMAT, load_network, save_network

NETWORKS = [
    Network((3, 2)),
    Network((3, 5, 2), "relu", "softmax_cross_entropy"),
    Network((3, 5, 4, 2), ("relu", "gelu"), "sigmoid_cross_entropy"),
    Network((3, 5, 4, 2), keep_prob=0.7),
    Network((3, 5, 4, 2), "tanh", "squared_error", (0.8, 1.0)),
    Network((3, 5, 4, 2), ("tanh", "relu"), keep_prob=(0.8, 0.1), batch_norm=BatchNormalization(3e-4, 0.77)),
    Network((3, 2), batch_norm=BatchNormalization()),
]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("population", [None, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("with_statistics", [False, True])
def test_what_is_saved_comes_back(network, population, dtype, with_statistics, tmp_path, rng):
    theta = network.initialize(rng, population).astype(dtype)
    statistics = None
    if with_statistics and network.batch_norm is not None:
        statistics = rng.random(network.initial_statistics(population).shape).astype(dtype)
    save_network(tmp_path / "network.npz", network, theta, statistics)
    saved = load_network(str(tmp_path / "network.npz"))
    assert saved.network == network and type(saved.network.activation) is type(network.activation)
    assert saved.theta.dtype == dtype
    np.testing.assert_array_equal(saved.theta, theta)
    if statistics is None:
        assert saved.statistics is None
    else:
        assert saved.statistics.dtype == dtype
        np.testing.assert_array_equal(saved.statistics, statistics)
    assert os.listdir(tmp_path) == ["network.npz"]


def test_a_loaded_network_predicts_the_same(tmp_path, rng):
    network = Network((3, 5, 2), "relu", batch_norm=BatchNormalization())
    theta, X = network.initialize(rng), rng.normal(size=(4, 3))
    statistics = network.initial_statistics() + 0.5
    save_network(tmp_path / "n", network, theta, statistics)  # any name will do
    saved = load_network(tmp_path / "n")
    np.testing.assert_array_equal(
        saved.network.predict(saved.theta, X, saved.statistics), network.predict(theta, X, statistics)
    )


def test_numbers_of_numpy_are_saved_as_numbers(tmp_path, rng):
    settings = BatchNormalization(np.float32(0.25), np.float64(0.5))
    network = Network((np.int64(3), 4, 2), keep_prob=(np.float32(0.5),), batch_norm=settings)
    save_network(tmp_path / "n.npz", network, network.initialize(rng))
    saved = load_network(tmp_path / "n.npz").network
    assert saved == network
    assert repr(saved.sizes) == "(3, 4, 2)" and saved.keep_prob == (0.5,)


def test_the_file_says_its_format(tmp_path):
    save_network(tmp_path / "n.npz", Network((1, 1)), np.zeros(2))
    with np.load(tmp_path / "n.npz", allow_pickle=False) as file:
        assert sorted(file.files) == ["description", "theta"]
        assert json.loads(str(file["description"]))["format"] == FORMAT == 1


def test_an_existing_file_is_replaced_by_a_whole_one_only(tmp_path, monkeypatch):
    path, network = tmp_path / "n.npz", Network((1, 1))
    save_network(path, network, np.array([1.0, 2.0]))
    save_network(path, network, np.array([3.0, 4.0]))
    assert load_network(path).theta.tolist() == [3, 4]

    def full_disk(file, **arrays):
        file.write(b"half of")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_network(path, network, np.array([5.0, 6.0]))
    monkeypatch.undo()
    assert load_network(path).theta.tolist() == [3, 4]
    assert os.listdir(tmp_path) == ["n.npz"]  # and no half of one lies about


def test_arguments_that_do_not_fit_leave_the_file_alone(tmp_path):
    path, network = tmp_path / "n.npz", Network((1, 1))
    save_network(path, network, np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="theta must have 2 entries"):
        save_network(path, network, np.zeros(3))
    assert load_network(path).theta.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": None}, "path must name a file; got None. Pass for instance 'network.npz'"),
        ({"path": ""}, "path must name a file; got ''"),
        ({"path": 3}, "path must name a file; got 3"),
        ({"path": b"x"}, "path must name a file; got b'x'"),
        ({"network": None}, "network must be a Network; got None"),
        ({"network": (3, 5, 2)}, r"network must be a Network; got \(3, 5, 2\)"),
        ({"theta": None}, "theta must be a float array .* got None"),
        ({"theta": np.zeros(31)}, r"theta must have 37 entries .* got shape \(31,\)"),
        ({"statistics": "x"}, r"statistics must be a float array of shape \(\.\.\., 10\); got 'x'"),
        (
            {"statistics": np.zeros(9)},
            r"statistics must be a float array of shape \(\.\.\., 10\); got .*training run",
        ),
        ({"statistics": np.zeros(10, int)}, "statistics must be a float array"),
    ],
)
def test_bad_arguments_are_named(change, message, tmp_path):
    network = Network((3, 5, 2), batch_norm=BatchNormalization())  # 15 + 5 + 5 + 10 + 2 = 37 entries
    arguments = {
        "path": tmp_path / "n.npz",
        "network": network,
        "theta": np.zeros(37),
        "statistics": np.zeros(10),
    }
    with pytest.raises(ValueError, match=message):
        save_network(**{**arguments, **change})
    assert os.listdir(tmp_path) == []


def test_statistics_belong_to_batch_normalization(tmp_path):
    with pytest.raises(
        ValueError, match=r"statistics must be None .* without batch normalization; got an array"
    ):
        save_network(tmp_path / "n.npz", Network((3, 5, 2)), np.zeros(32), np.zeros(10))


@pytest.mark.parametrize("keep_prob", [np.full((3, 1, 1), 0.5), (np.full((3, 1, 1), 0.5),)])
def test_a_population_with_settings_of_its_own_is_refused(keep_prob, tmp_path):
    with pytest.raises(ValueError, match=r"network must have no arrays among its settings.* one by one"):
        save_network(tmp_path / "n.npz", Network((3, 5, 2), keep_prob=keep_prob), np.zeros((3, 32)))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("bad", [None, "", 3, ["n.npz"]])
def test_a_path_to_load_names_a_file(bad):
    with pytest.raises(ValueError, match="path must name a file; got"):
        load_network(bad)


def test_a_file_or_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_network(tmp_path / "n.npz")
    with pytest.raises(FileNotFoundError):
        save_network(tmp_path / "no folder" / "n.npz", Network((1, 1)), np.zeros(2))
    with pytest.raises(ValueError, match="path must name a file that save_network wrote"):
        load_network(tmp_path)


def test_a_name_that_cannot_be_written_is_told_with_advice_that_helps(tmp_path):
    network, theta = Network((1, 1)), np.zeros(2)
    for bad in ("..", ".", tmp_path / "..", f"{tmp_path}/a\0b"):
        for call in (lambda path: save_network(path, network, theta), load_network):
            with pytest.raises(ValueError, match=r"path must name a file; got .* 'network\.npz'"):
                call(bad)
    with pytest.raises(IsADirectoryError, match=r"path must name a file; got .* a folder\. Add a name"):
        save_network(tmp_path, network, theta)
    path = tmp_path / "no" / "folder" / "n.npz"
    with pytest.raises(FileNotFoundError, match=r"path must be in a folder that exists; got .*mkdir"):
        save_network(path, network, theta)
    path.parent.mkdir(parents=True)  # as advised
    save_network(path, network, theta)
    save_network(tmp_path / "network.npz", network, theta)
    assert sorted(os.listdir(tmp_path)) == ["network.npz", "no"]


def test_a_file_says_its_size_before_it_is_unpacked(tmp_path):
    path = tmp_path / "n.npz"
    np.savez_compressed(path, description=described(), theta=np.zeros(10**7))
    assert path.stat().st_size < 10**6
    with pytest.raises(
        ValueError, match=UNREADABLE.replace(".* Save", r".* would be 80,\d*,\d* when .* Save")
    ):
        load_network(path)


def test_no_message_advises_to_load_python_objects_or_is_long(tmp_path):
    path = tmp_path / "n.npz"
    path.write_text("notes " * 10**5)
    with pytest.raises(ValueError, match=UNREADABLE) as error:
        load_network(path)
    assert "no .npz archive" in str(error.value) and "pickle" not in str(error.value)
    np.savez(path, description=np.array({"format": 1}, dtype=object), theta=np.zeros(1))
    with pytest.raises(ValueError, match=UNREADABLE) as error:
        load_network(path)
    assert "Python objects" in str(error.value) and "pickle" not in str(error.value)
    np.savez(path, description=json.dumps({"format": "x" * 10**6}), theta=np.zeros(1))
    with pytest.raises(ValueError, match="path must name a file of format 1; got format") as error:
        load_network(path)
    assert len(str(error.value)) < 600
    np.savez(path, description=described(activation="x" * 10**6), theta=THETA)
    with pytest.raises(ValueError, match=UNREADABLE) as error:
        load_network(path)
    assert len(str(error.value)) < 800


UNREADABLE = (
    "path must name a file that save_network wrote; got .*n.npz.* cannot be read .* Save the network again"
)


def test_a_damaged_file_is_refused(tmp_path, rng):
    path, network, theta = tmp_path / "n.npz", Network((2, 2, 1)), rng.normal(size=9)
    save_network(path, network, theta)
    whole = path.read_bytes()
    for end in range(0, len(whole), 29):  # the whole file was tried once, byte by byte
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=UNREADABLE):
            load_network(path)
    for i in range(0, len(whole), 7):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :])
        try:
            saved = load_network(path)
        except ValueError as error:
            assert "path must name a file" in str(error)
        else:  # a byte that carries nothing, such as the date
            assert saved.network == network and saved.theta.tolist() == theta.tolist()


class Evil:
    """Says whether its pickle was loaded."""

    loaded = False

    def __reduce__(self):
        return setattr, (Evil, "loaded", True)


def test_a_pickle_is_not_loaded(tmp_path):
    path, network = tmp_path / "n.npz", Network((1, 1))
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match=UNREADABLE):
        load_network(path)
    save_network(path, network, np.zeros(2))
    with np.load(path) as file:
        description = file["description"]
    for arrays in (
        {"description": description, "theta": np.array([Evil()])},
        {"description": np.array([Evil()]), "theta": np.zeros(2)},
        {"description": description, "theta": np.zeros(2), "more": np.array([Evil()])},
    ):
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=UNREADABLE):
            load_network(path)
    assert not Evil.loaded


def described(**changes):
    description = {
        "format": 1,
        "sizes": [1, 2, 1],
        "activation": "tanh",
        "loss_name": "squared_error",
        "keep_prob": 1.0,
        "batch_norm": {"eps": 1e-5, "momentum": 0.9},
    }
    return json.dumps({name: value for name, value in {**description, **changes}.items() if value != "none"})


THETA, STATISTICS = np.zeros(9), np.zeros(4)  # W1 2, gamma1 2, beta1 2, W2 2, b2 1


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"x": np.zeros(3)},
        {"theta": THETA},
        {"description": described()},
        {"description": "no json", "theta": THETA},
        {"description": "[1]", "theta": THETA},
        {"description": "1", "theta": THETA},
        {"description": described(format="none"), "theta": THETA},
        {"description": described(sizes="none"), "theta": THETA},
        {"description": described(sizes=[1]), "theta": THETA},
        {"description": described(sizes=5), "theta": THETA},
        {"description": described(activation="swish"), "theta": THETA},
        {"description": described(loss_name=None), "theta": THETA},
        {"description": described(keep_prob=2.0), "theta": THETA},
        {"description": described(batch_norm="none"), "theta": THETA},
        {"description": described(batch_norm=5), "theta": THETA},
        {"description": described(batch_norm={"x": 5}), "theta": THETA},
        {"description": described(more=1), "theta": THETA},
        {"description": described(), "theta": np.zeros(8)},
        {"description": described(), "theta": np.zeros(9, dtype=int)},
        {"description": described(), "theta": THETA, "statistics": np.zeros(3)},
        {"description": described(batch_norm=None), "theta": np.zeros(7), "statistics": STATISTICS},
    ],
)
def test_a_file_of_another_kind_is_refused(arrays, tmp_path):
    np.savez(tmp_path / "n.npz", **arrays)
    with pytest.raises(ValueError, match=UNREADABLE):
        load_network(tmp_path / "n.npz")


def test_the_file_that_the_others_are_changes_of_can_be_read(tmp_path):
    np.savez(tmp_path / "n.npz", description=described(), theta=THETA, statistics=STATISTICS)
    assert load_network(tmp_path / "n.npz").network == Network((1, 2, 1), batch_norm=BatchNormalization())


@pytest.mark.parametrize("content", [b"", b"hello", b"\x93NUMPY", b"PK\x03\x04"])
def test_a_file_that_is_no_archive_is_refused(content, tmp_path):
    (tmp_path / "n.npz").write_bytes(content)
    with pytest.raises(ValueError, match=UNREADABLE):
        load_network(tmp_path / "n.npz")
    with open(tmp_path / "n.npz", "wb") as file:
        np.save(file, np.zeros(3))  # one array alone
    with pytest.raises(ValueError, match=UNREADABLE):
        load_network(tmp_path / "n.npz")


@pytest.mark.parametrize("number", [0, 2, "1", None])
def test_another_format_is_refused_whatever_else_it_holds(number, tmp_path):
    np.savez(tmp_path / "n.npz", description=json.dumps({"format": number, "layers": 5}))
    with pytest.raises(
        ValueError, match=r"path must name a file of format 1; got format .* the version of dlhelpers"
    ):
        load_network(tmp_path / "n.npz")

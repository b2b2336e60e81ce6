import platform
import subprocess
import sys
import threading
from textwrap import dedent

import numpy as np
import pytest

from dlhelpers import scratch as module
from dlhelpers.scratch import scratch

F8, F4 = np.dtype("f8"), np.dtype("f4")


@pytest.fixture(autouse=True)
def _no_arrays_from_other_tests():
    module._arrays.by_key.clear()  # at the 32nd set all are let go, so what is there already matters


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
@pytest.mark.parametrize("dtype", [F8, F4])
def test_there_is_an_array_for_each_layer(lead, dtype):
    arrays = scratch("Z", lead, (4, 1), 7, dtype)
    assert [array.shape for array in arrays] == [(*lead, 4, 7), (*lead, 1, 7)]
    assert {array.dtype for array in arrays} == {dtype}
    assert not np.shares_memory(*arrays)


def test_arrays_are_used_again_for_the_same_arguments_only():
    first = scratch("Z", (), (4, 1), 7, F8)
    others = [
        scratch("A", (), (4, 1), 7, F8),
        scratch("Z", (2,), (4, 1), 7, F8),
        scratch("Z", (), (4, 2), 7, F8),
        scratch("Z", (), (4, 1), 8, F8),
        scratch("Z", (), (4, 1), 7, F4),
    ]
    assert all(other is not first and other[0] is not first[0] for other in others)
    again = scratch("Z", (), (4, 1), 7, F8)
    assert again[0] is first[0] and again[1] is first[1]


def test_no_more_than_32_sets_are_kept():
    kept = [scratch(f"set {i}", (), (2,), 3, F8) for i in range(32)]
    assert all(scratch(f"set {i}", (), (2,), 3, F8) is kept[i] for i in range(32))
    scratch("one more", (), (2,), 3, F8)  # all are let go
    assert list(module._arrays.by_key) == [("one more", (), (2,), 3, F8)]
    assert scratch("set 0", (), (2,), 3, F8) is not kept[0]


def test_each_thread_has_its_own():
    found = []
    own = scratch("Z", (), (2,), 3, F8)
    thread = threading.Thread(target=lambda: found.extend(scratch("Z", (), (2,), 3, F8) for _ in range(2)))
    thread.start()
    thread.join()
    assert found[0] is found[1] and found[0] is not own


@pytest.mark.parametrize(
    ("argument", "bad", "message"),
    [
        ("name", None, "name must be a string; got None"),
        ("name", ["x"], "name must be a string; got"),
        ("lead", [3], "lead must be a tuple of integers; got"),
        ("lead", (1,) * 61, "lead must have 60 axes at most; got 61"),
        ("lead", (-1,), "Each of lead must be an integer in"),
        ("sizes", 3, "sizes must be a tuple of integers; got 3"),
        ("sizes", (2.5,), "Each of sizes must be an integer in"),
        ("sizes", (-1,), "Each of sizes must be an integer in"),
        ("m", -1, "m must be an integer in"),
        ("m", "x", "m must be an integer in"),
        ("dtype", "f8", "dtype must be a numpy.dtype of numbers; got 'f8'. Pass X.dtype"),
        ("dtype", np.dtype(str), "dtype must be a numpy.dtype of numbers; got"),
    ],
)
def test_wrong_arguments_are_refused(argument, bad, message):
    right = {"name": "Z", "lead": (), "sizes": (4, 1), "m": 7, "dtype": F8}
    with pytest.raises(ValueError, match=message):
        scratch(**{**right, argument: bad})
    assert [array.shape for array in scratch(**right)] == [(4, 7), (1, 7)]


def test_nothing_is_an_edge():
    assert scratch("Z", (0,), (0, 2), 0, np.dtype("i8"))[1].shape == (0, 2, 0)


def test_a_network_may_have_any_depth():
    assert len(scratch("Z", (), (1,) * 200, 2, F8)) == 200


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is asked to keep freed memory")
def test_formulas_on_large_arrays_get_no_fresh_pages():
    """In a kernel of its own: what other tests have freed has an effect of its own."""
    code = """
        import resource
        import numpy as np
        from dlhelpers.batch_normalization import BatchNormalization
        from dlhelpers.minibatches import Batch
        from dlhelpers.network import Network

        network = Network((2, 20, 10, 2), "gelu", "softmax_cross_entropy", batch_norm=BatchNormalization())
        theta = network.initialize(np.random.default_rng(0), population=64)
        batch = Batch(np.ones((300, 2)), np.eye(2)[[0] * 300])
        counts = []
        for _ in range(14):
            network.gradient(theta, batch)
            counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
        print(*np.diff(counts[3:]))
        """
    run = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True)
    each = sorted(map(int, run.stdout.split()))
    # the system may move a page at any time: the middle one counts
    assert len(each) == 10 and each[5] < 100, each  # 16,000 without

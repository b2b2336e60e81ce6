import threading

import numpy as np
import pytest

from dlhelpers import scratch as module
from dlhelpers.scratch import scratch

PAIRS = [
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (1, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((1, 1), (1, 1)),
]


@pytest.fixture(autouse=True)
def _no_arrays_from_other_tests():
    module._arrays.by_key.clear()  # at the 64th array all are let go, so what is there already matters


@pytest.mark.parametrize(("a", "b"), PAIRS)
@pytest.mark.parametrize("dtypes", [("f8", "f8"), ("f4", "f4"), ("f4", "f8"), ("f8", "f4"), ("i8", "f4")])
def test_the_product_fits_in(a, b, dtypes, rng):
    A, B = 10 * rng.normal(size=a), 10 * rng.normal(size=b)
    A, B = A.astype(dtypes[0]), B.astype(dtypes[1])
    out = scratch("product", A, B)
    expected = A @ B
    assert out.shape == expected.shape and out.dtype == expected.dtype
    assert np.matmul(A, B, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_an_array_is_used_again_for_the_same_name_shape_and_dtype_only():
    A, B = np.ones((2, 3)), np.ones((3, 4))
    first = scratch("x", A, B)
    assert scratch("x", A + 1, B + 1) is first
    assert scratch("x", np.ones((2, 5)), np.ones((5, 4))) is first  # the product has the same shape
    assert scratch("y", A, B) is not first
    assert scratch("x", A.astype(np.float32), B.astype(np.float32)) is not first
    assert scratch("x", A[:1], B) is not first
    assert scratch("x", A, B[:, :1]) is not first
    assert scratch("x", A[None], B) is not first
    assert scratch("x", A, B) is first


def test_no_more_than_64_arrays_are_kept():
    A, B = np.ones((2, 3)), np.ones((3, 4))
    kept = [scratch(f"array {i}", A, B) for i in range(64)]
    assert all(scratch(f"array {i}", A, B) is kept[i] for i in range(64))
    scratch("one more", A, B)  # all are let go
    assert list(module._arrays.by_key) == [("one more", (2, 4), np.dtype(float))]
    assert scratch("array 0", A, B) is not kept[0]


def test_each_thread_has_its_own():
    A, B, found = np.ones((2, 3)), np.ones((3, 4)), []
    own = scratch("x", A, B)
    thread = threading.Thread(target=lambda: found.extend([scratch("x", A, B), scratch("x", A, B)]))
    thread.start()
    thread.join()
    assert found[0] is found[1] and found[0] is not own


def test_the_hot_path_calls_none_of_the_slow_functions(monkeypatch):
    # broadcast_shapes and result_type cost as much as the rest: equal lead axes and dtypes do without
    def refuse(*arguments):
        raise AssertionError("slow")

    monkeypatch.setattr(np, "broadcast_shapes", refuse)
    monkeypatch.setattr(np, "result_type", refuse)
    for a, b in (((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4))):
        A, B = np.ones(a), np.ones(b)
        assert scratch("fast", A, B).shape == np.matmul(A, B).shape


@pytest.mark.parametrize(
    "bad", [None, "x", 1.0, [[1.0]], np.ones(3), np.array(1.0), np.array([["x"] * 3] * 3)]
)
def test_what_is_no_matrix_is_refused(bad):
    M = np.ones((3, 3))
    with pytest.raises(ValueError, match=r"A must be a number array of shape \(\.\.\., n, k\); got"):
        scratch("x", bad, M)
    with pytest.raises(ValueError, match=r"B must be a number array of shape \(\.\.\., k, m\); got"):
        scratch("x", M, bad)


@pytest.mark.parametrize("bad", [None, 3, ["x"], np.ones(2)])
def test_a_name_is_a_string(bad):
    with pytest.raises(ValueError, match="name must be a string; got"):
        scratch(bad, np.ones((2, 3)), np.ones((3, 4)))


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (4, 4)), ((2, 3), (2, 4)), ((2, 2, 3), (3, 3, 4)), ((4, 2, 3), (2, 1, 3, 4, 4))]
)
def test_matrices_without_a_product_are_refused(a, b):
    scratch("x", np.ones((2, 3)), np.ones((3, 4)))  # an array of the right shape is there already
    with pytest.raises(ValueError, match="A and B must have a product; got shapes"):
        scratch("x", np.ones(a), np.ones(b))

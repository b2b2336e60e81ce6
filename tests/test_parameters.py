from collections import OrderedDict
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlhelpers.parameters import Layout, check_sizes, dense_layout, statistics_layout


def test_layout_has_one_entry_for_each_weight_and_bias():
    # 3 inputs, 4 hidden, 2 outputs: 12 + 4 + 8 + 2 = 26
    layout = dense_layout((3, 4, 2))
    assert layout.size == 26
    assert layout.is_weight.tolist() == [True] * 12 + [False] * 4 + [True] * 8 + [False] * 2
    assert layout.slices == {
        "W1": slice(0, 12),
        "b1": slice(12, 16),
        "W2": slice(16, 24),
        "b2": slice(24, 26),
    }


def test_with_batch_norm_hidden_layers_have_gamma_and_beta_instead_of_b():
    assert dense_layout((3, 4, 5, 2), batch_norm=True).shapes == {
        "W1": (4, 3),
        "gamma1": (4, 1),
        "beta1": (4, 1),
        "W2": (5, 4),
        "gamma2": (5, 1),
        "beta2": (5, 1),
        "W3": (2, 5),
        "b3": (2, 1),
    }
    assert dense_layout((3, 2), batch_norm=True).shapes == {"W1": (2, 3), "b1": (2, 1)}
    assert not dense_layout((1, 1, 1), batch_norm=True).is_weight[[1, 2, 4]].any()


def test_statistics_belong_to_hidden_layers_only():
    assert statistics_layout((3, 4, 5, 2)).shapes == {
        "mean1": (4, 1),
        "variance1": (4, 1),
        "mean2": (5, 1),
        "variance2": (5, 1),
    }
    assert statistics_layout((3, 2)).size == 0


def test_writing_into_a_view_writes_into_theta():
    layout = dense_layout((2, 3, 1))
    theta = np.zeros(layout.size)
    layout.views(theta)["b1"][...] = 7
    assert theta[6:9].tolist() == [7, 7, 7] and theta.sum() == 21


def test_views_of_a_population_are_views_too():
    layout = dense_layout((2, 3, 1))
    theta = np.zeros((5, layout.size))
    W1 = layout.views(theta)["W1"]
    assert W1.shape == (5, 3, 2)
    W1[4, 2, 1] = 1
    assert theta[4, 5] == 1 and theta.sum() == 1
    assert layout.views(np.zeros((2, 5, layout.size)))["b2"].shape == (2, 5, 1, 1)


@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=5), batch_norm=st.booleans())
@settings(max_examples=30, deadline=None)
def test_views_cover_theta_in_order_and_name_of_finds_each_entry(sizes, batch_norm):
    layout = dense_layout(tuple(sizes), batch_norm)
    theta = np.arange(layout.size, dtype=np.float32)
    views = layout.views(theta)
    np.testing.assert_array_equal(np.concatenate([values.ravel() for values in views.values()]), theta)
    assert all(values.dtype == np.float32 for values in views.values())
    for index in range(layout.size):
        name, place = layout.name_of(index).rstrip("]").split("[")
        assert views[name][tuple(int(i) for i in place.split(", "))] == index
        assert layout.is_weight[index] == (name[0] == "W")


@pytest.mark.parametrize("bad", [-1, 8, 2.0, None, "x", True, np.array(3)])
def test_an_entry_that_does_not_exist_is_refused(bad):
    with pytest.raises(ValueError, match=r"index must be an integer in \[0, 8\); got"):
        Layout({"W1": (2, 3), "b1": (2, 1)}).name_of(bad)


def test_the_first_and_the_last_entry_of_an_array_have_its_name():
    layout = Layout({"W1": (2, 3), "b1": (2, 1)})
    assert [layout.name_of(i) for i in (0, 5, 6, np.int64(7))] == [
        "W1[0, 0]",
        "W1[1, 2]",
        "b1[0, 0]",
        "b1[1, 0]",
    ]


@pytest.mark.parametrize("shape", [(12,), (14,), (13, 1), (2, 12)])
def test_theta_of_another_size_is_refused(shape):
    with pytest.raises(ValueError, match=r"theta must have 13 entries.*got shape \(\d+,.*network.initialize"):
        dense_layout((2, 3, 1)).views(np.zeros(shape))


@pytest.mark.parametrize("bad", [None, "x", 1.0, [0.0] * 13, np.zeros(13, dtype=int), np.array(1.0)])
def test_theta_is_a_float_array(bad):
    with pytest.raises(ValueError, match=r"theta must be a float array of shape \(\.\.\., P\); got"):
        dense_layout((2, 3, 1)).views(bad)


def test_an_empty_layout_has_no_parameters():
    layout = Layout({})
    assert layout.size == 0 and layout.views(np.zeros(0)) == {} and layout.is_weight.shape == (0,)


def test_shapes_may_be_any_mapping():
    shapes = {"W1": (2, np.int64(3))}
    for mapping in (OrderedDict(shapes), MappingProxyType(shapes)):
        assert Layout(mapping).size == 6
    # an axis more or less than two is fine too
    views = Layout({"s": (2,), "K": (1, 2, 3)}).views(np.arange(8.0))
    assert views["s"].shape == (2,) and views["K"].shape == (1, 2, 3)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "x",
        3,
        [("W1", (2, 3))],
        {"W1": 6},
        {"W1": [2, 3]},
        {"W1": (2, 0)},
        {"W1": (-2, 3)},
        {"W1": (2.0, 3)},
        {"W1": (True, 3)},
        {1: (2, 3)},
        {"W1": (2, 3), "b1": None},
    ],
)
def test_shapes_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match=r"shapes must map names to tuples of lengths, each 1 or more; got"):
        Layout(bad)


@pytest.mark.parametrize("function", [check_sizes, dense_layout, statistics_layout])
@pytest.mark.parametrize(
    "bad",
    [
        None,
        3,
        "x",
        (),
        (3,),
        [3, 1],
        (3, 0),
        (0, 3),
        (3, -1, 1),
        (3, 2.5),
        (3, True),
        (3, "x"),
        (3, None),
        np.ones(2, dtype=int),
    ],
)
def test_sizes_that_are_none_are_refused(function, bad):
    with pytest.raises(ValueError, match=r"sizes must be a tuple that names the inputs.*each 1 or more; got"):
        function(bad)


def test_the_smallest_sizes_are_accepted():
    assert check_sizes((1, 1)) is None
    assert dense_layout((np.int64(1), 1)).size == 2


@pytest.mark.parametrize("bad", [None, 1, "x", 0.5])
def test_batch_norm_is_true_or_false(bad):
    with pytest.raises(ValueError, match=r"batch_norm must be True or False; got"):
        dense_layout((3, 1), bad)


@pytest.mark.parametrize("lead", [(), (3,)])
def test_flatten_is_the_inverse_of_views(lead):
    layout = dense_layout((2, 3, 1), batch_norm=True)
    theta = np.arange(float(np.prod(lead, dtype=int) * layout.size)).reshape(*lead, layout.size)
    views = layout.views(theta)
    found = layout.flatten(dict(reversed(views.items())))
    assert found.tolist() == theta.tolist()
    assert not np.shares_memory(found, theta)
    assert layout.flatten(layout.views(theta.astype(np.float32))).dtype == np.float32


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (None, "arrays must map the names W1, b1 to arrays; got None"),
        ({"W1": np.ones((1, 2))}, r"arrays must map the names W1, b1 to arrays; got \['W1'\]"),
        ({"W1": np.ones((2, 1)), "b1": np.ones((1, 1))}, r"arrays\['W1'\] must be .* \(\.\.\., 1, 2\)"),
        ({"W1": np.ones((3, 1, 2)), "b1": np.ones((1, 1))}, r"arrays must all be for one .* got first axes"),
    ],
)
def test_flatten_names_what_is_wrong(arrays, message):
    with pytest.raises(ValueError, match=message):
        Layout({"W1": (1, 2), "b1": (1, 1)}).flatten(arrays)

import numpy as np
import pytest

from dlhelpers.parameters import Layout, dense_layout


def test_layout_has_one_entry_for_each_weight_and_bias():
    # 3 inputs, 4 hidden, 2 outputs: 12 + 4 + 8 + 2 = 26
    layout = dense_layout((3, 4, 2))
    assert layout.size == 26
    assert layout.is_weight.sum() == 20
    assert layout.is_weight[:12].all() and not layout.is_weight[12:16].any()


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


def test_theta_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"13 entries.*got shape \(12,\)"):
        dense_layout((2, 3, 1)).views(np.zeros(12))


def test_an_empty_layout_has_no_parameters():
    assert Layout({}).size == 0

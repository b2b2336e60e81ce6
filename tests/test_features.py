"""Input features: each against its formula, and what a network gets of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.features import COORDINATES, FEATURES, check_features, input_features

BY_HAND = {
    "x1": 2.0,
    "x2": -3.0,
    "x1^2": 4.0,
    "x2^2": 9.0,
    "x1*x2": -6.0,
    "sin(x1)": 0.9092974268,
    "sin(x2)": -0.1411200081,
}


@pytest.mark.parametrize("name", FEATURES)
def test_each_feature_is_what_its_name_says(name):
    point = np.array([[2.0, -3.0]])
    np.testing.assert_allclose(input_features(point, (name,)), [[BY_HAND[name]]], rtol=1e-9)


@given(st.sets(st.sampled_from(list(FEATURES)), min_size=1), st.integers(1, 5))
def test_columns_stand_in_the_order_of_the_names(chosen, m):
    X = np.random.default_rng(m).standard_normal((m, 2))
    names = tuple(name for name in FEATURES if name in chosen)
    columns = input_features(X, names)
    assert columns.shape == (m, len(names))
    for name, column in zip(names, columns.T, strict=True):
        np.testing.assert_array_equal(column, FEATURES[name](X[:, 0], X[:, 1]))


def test_the_coordinates_are_the_point_itself():
    X = np.random.default_rng(0).standard_normal((5, 2))
    np.testing.assert_array_equal(input_features(X), X)
    assert tuple(FEATURES)[:2] == COORDINATES


@pytest.mark.parametrize("names", [(), ["x1"], ("x2", "x1"), ("x1", "x1"), ("x3",), "x1", None, (1,)])
def test_other_names_are_refused_with_the_next_move(names):
    with pytest.raises(ValueError, match=r"features must be a tuple of .*; got .*Pass"):
        check_features(names)
    with pytest.raises(ValueError, match="X must"):
        input_features(np.zeros((3, 4)))

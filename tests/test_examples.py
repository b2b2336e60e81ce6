"""The examples of a run: the same for the same settings, split honestly, with the features asked for."""

from dataclasses import replace

import numpy as np
import pytest

from dlhelpers import datasets
from dlhelpers.examples import load_examples
from dlhelpers.features import input_features
from dlhelpers.points import DATA, Points
from dlhelpers.settings import Settings

SMALL = Settings(m=60, data_seed=5)


def test_the_same_settings_give_the_same_examples():
    first, second = load_examples(SMALL), load_examples(SMALL)
    np.testing.assert_array_equal(first.train.X, second.train.X)
    other = load_examples(replace(SMALL, data_seed=6))
    assert not np.array_equal(first.train.X, other.train.X)


def test_points_stay_in_the_plane_and_the_network_gets_their_features():
    names = ("x2", "x1*x2", "sin(x1)")
    plain, given = load_examples(SMALL), load_examples(replace(SMALL, features=names))
    np.testing.assert_array_equal(plain.data.X_train, given.data.X_train)
    np.testing.assert_array_equal(given.train.X, input_features(plain.data.X_train, names))
    np.testing.assert_array_equal(given.dev.X, input_features(plain.data.X_dev, names))
    np.testing.assert_array_equal(given.train.Y, plain.train.Y)


def test_the_split_is_the_one_of_datasets():
    rng = np.random.default_rng(5)
    points = DATA["moons"](60, 0.2, rng)
    parts = datasets.split(points.X, points.y, dev=0.3, test=0, rng=rng)
    examples = load_examples(SMALL)
    for name in ("X_train", "y_train", "X_dev", "y_dev"):
        np.testing.assert_array_equal(getattr(examples.data, name), getattr(parts, name))
    np.testing.assert_array_equal(examples.train.Y, np.eye(2)[parts.y_train])


def test_the_test_set_is_apart_from_the_others_and_may_be_missing():
    assert load_examples(SMALL).test is None
    examples = load_examples(replace(SMALL, test_share=0.2, features=("x1^2",)))
    data = examples.data
    assert [len(X) for X in (data.X_train, data.X_dev, data.X_test)] == [30, 18, 12]
    rows = np.concatenate([data.X_train, data.X_dev, data.X_test])
    assert len(np.unique(rows, axis=0)) == 60
    np.testing.assert_array_equal(examples.test.X, data.X_test[:, :1] ** 2)
    np.testing.assert_array_equal(examples.test.Y, np.eye(2)[data.y_test])
    assert load_examples(replace(SMALL, test_share=0.001)).test is None


def test_own_data_are_used_and_missed_in_words():
    own = Points(np.arange(60.0).reshape(30, 2), np.arange(30) % 3)
    examples = load_examples(replace(SMALL, data="own"), own)
    assert examples.n_classes == 3 and len(examples.train.X) == 21
    with pytest.raises(ValueError, match="own must hold the examples for data='own'"):
        load_examples(replace(SMALL, data="own"))
    with pytest.raises(ValueError, match="settings must be a Settings; got 3"):
        load_examples(3)

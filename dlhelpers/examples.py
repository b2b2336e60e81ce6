"""The examples of a run of the playground: points, their split, and what the network gets of them."""

from typing import NamedTuple

import numpy as np

from dlhelpers import datasets
from dlhelpers.checks import shown
from dlhelpers.datasets import Split
from dlhelpers.features import COORDINATES, check_features, input_features
from dlhelpers.minibatches import Batch
from dlhelpers.points import DATA, Added, Points, check_added, places
from dlhelpers.settings import Settings


class Examples(NamedTuple):
    """Points in the plane, and the sets that a network is trained and measured on.

    Attributes
    ----------
    points : Points
    n_classes : int
    data : Split
        The points of each set.
    train, dev : Batch
        The features of these points, without those that are added by hand, and their classes as one-hot rows.
    test : Batch or None
        The same for the test set, if there is one.
    """

    points: Points
    n_classes: int
    data: Split
    train: Batch
    dev: Batch
    test: Batch | None


def load_examples(settings: Settings, own: Points | None = None) -> Examples:
    """Return the examples that settings name; the same settings give the same ones.

    Parameters
    ----------
    settings : Settings
    own : Points, optional
        The data for `data="own"`.

    Raises
    ------
    ValueError
        If `settings` is no Settings, or asks for own data and there is none.
    """
    if not isinstance(settings, Settings):
        raise ValueError(f"settings must be a Settings; got {shown(settings)}. Pass Settings().")
    s, rng = settings, np.random.default_rng(settings.data_seed)
    if s.data != "own":
        points = DATA[s.data](s.m, s.noise, rng)
    elif own is not None:
        points = own
    else:
        raise ValueError("own must hold the examples for data='own'; got None. Load a table first.")
    n_classes = max(2, int(points.y.max()) + 1)
    data = datasets.split(points.X, points.y, dev=s.dev_share, test=s.test_share, rng=rng)
    train, dev, test = (
        Batch(input_features(X, s.features), datasets.one_hot(y, n_classes)) if len(y) else None
        for X, y in ((data.X_train, data.y_train), (data.X_dev, data.y_dev), (data.X_test, data.y_test))
    )
    assert train is not None and dev is not None
    return Examples(points, n_classes, data, train, dev, test)


def with_points(train: Batch, added: Added, features: tuple[str, ...] = COORDINATES) -> Batch:
    """Return a training set to which points were added by hand.

    Parameters
    ----------
    train : Batch
        Features, (m, n_features), and one-hot rows, (m, n_classes).
    added : tuple of (float, float, int)
        Points (x1, x2, class), each class as in `train`.
    features : tuple of str
        What `train` holds of a point, as in `features.input_features`.

    Raises
    ------
    ValueError
        If an argument is not as above, or `train` has no such class.
    """
    if not isinstance(train, Batch):
        raise ValueError(f"train must be a Batch; got {shown(train)}. Pass Batch(X, Y).")
    check_added(added)
    check_features(features)
    if not added:
        return train
    n_classes = train.Y.shape[-1]
    highest = max(k for _, _, k in added)
    if highest >= n_classes:
        raise ValueError(
            f"added must have classes below {n_classes}, those of the data; got class {highest}. "
            "Give the point another class."
        )
    X = input_features(places(added), features)
    Y = datasets.one_hot(np.array([k for _, _, k in added]), n_classes)
    return Batch(np.concatenate([train.X, X]), np.concatenate([train.Y, Y]))

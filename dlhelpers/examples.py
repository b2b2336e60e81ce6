"""The examples of a run of the playground: points, their split, and what the network gets of them."""

from typing import NamedTuple

import numpy as np

from dlhelpers import datasets
from dlhelpers.checks import shown
from dlhelpers.datasets import Split
from dlhelpers.features import input_features
from dlhelpers.minibatches import Batch
from dlhelpers.points import DATA, Points
from dlhelpers.settings import Settings
from dlhelpers.typing import FloatArray, IntArray


class Examples(NamedTuple):
    """Points in the plane, and the sets that a network is trained and measured on.

    Attributes
    ----------
    points : Points
    n_classes : int
    data : Split
        The points of each set.
    train, dev : Batch
        The features of these points, and their classes as one-hot rows.
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

    def batch(X: FloatArray, y: IntArray) -> Batch:
        return Batch(input_features(X, s.features), datasets.one_hot(y, n_classes))

    train, dev = batch(data.X_train, data.y_train), batch(data.X_dev, data.y_dev)
    test = batch(data.X_test, data.y_test) if len(data.y_test) else None
    return Examples(points, n_classes, data, train, dev, test)

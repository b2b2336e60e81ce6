"""Input features: functions of a point's two coordinates that a network may begin with."""

from collections.abc import Callable, Mapping

import numpy as np

from dlhelpers.checks import check_array, shown
from dlhelpers.typing import FloatArray

FEATURES: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "x1": lambda x1, x2: x1,
    "x2": lambda x1, x2: x2,
    "x1^2": lambda x1, x2: x1**2,
    "x2^2": lambda x1, x2: x2**2,
    "x1*x2": lambda x1, x2: x1 * x2,
    "sin(x1)": lambda x1, x2: np.sin(x1),
    "sin(x2)": lambda x1, x2: np.sin(x2),
}
"""Functions of the two coordinates."""
COORDINATES = ("x1", "x2")
"""What a network begins with unless told otherwise: the point as it is."""


def check_features(features: object) -> None:
    """Raise ValueError unless `features` is a tuple of one or more names of `FEATURES`, in their order."""
    in_order = tuple(name for name in FEATURES if isinstance(features, tuple) and name in features)
    if not in_order or features != in_order:
        raise ValueError(
            f"features must be a tuple of one or more of {', '.join(FEATURES)}, in this order and each once; "
            f"got {shown(features)}. Pass {COORDINATES}."
        )


def input_features(X: FloatArray, features: tuple[str, ...] = COORDINATES) -> FloatArray:
    """Return these features of each point.

    Parameters
    ----------
    X : (m, 2) float array
    features : tuple of str
        Of `FEATURES`, in their order.

    Returns
    -------
    (m, n_features) float array

    Raises
    ------
    ValueError
        If `X` is not such an array, or `features` is no such tuple.

    Examples
    --------
    >>> input_features(np.array([[2.0, 3.0]]), ("x1", "x2^2", "x1*x2"))
    array([[2., 9., 6.]])
    """
    check_array("X", X, "(m, 2)", "Points are rows.")
    check_features(features)
    x1, x2 = X.T
    return np.column_stack([FEATURES[name](x1, x2) for name in features])

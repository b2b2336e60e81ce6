import re

import numpy as np
import pytest

from dlhelpers.metrics import accuracy, error_rate, predicted_classes


def raises(*parts):
    """Expect a ValueError whose message has these parts in this order."""
    return pytest.raises(ValueError, match="(?s)" + ".*".join(map(re.escape, parts)))


def test_error_rate_of_a_population():
    probabilities = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.4, 0.6], [0.2, 0.8]]])
    assert error_rate(probabilities, np.eye(2)).tolist() == [0, 0.5]
    assert error_rate(probabilities, np.array([np.eye(2), np.eye(2)[::-1]])).tolist() == [0, 0.5]
    assert error_rate(probabilities[:, :1], np.eye(2)[:1]).tolist() == [0, 1]  # of one example


@pytest.mark.parametrize(
    ("shape", "labels"),
    [((0, 2), (0, 2)), ((3, 2), (3, 4)), ((3, 2), (1, 2)), ((3, 2), (2, 3, 2)), ((2, 3, 2), (4, 3, 2))],
)
def test_error_rate_wants_labels_of_the_same_shape(shape, labels):
    with raises("probabilities and Y must have the same shape", f"got {shape} and {labels}"):
        error_rate(np.zeros(shape), np.zeros(labels))


def test_one_sigmoid_column_is_cut_at_a_half():
    probabilities, Y = np.array([[0.9], [0.6], [0.5], [0.1]]), np.array([[1.0], [0.0], [0.0], [1.0]])
    assert predicted_classes(probabilities).tolist() == [1, 1, 0, 0]
    assert error_rate(probabilities, Y) == 0.5
    assert accuracy(probabilities, Y) == 0.5


def test_one_sigmoid_column_of_a_population():
    probabilities = np.array([[[0.9], [0.2]], [[0.4], [0.2]]])
    assert error_rate(probabilities, np.array([[1], [0]])).tolist() == [0, 0.5]


def test_a_sigmoid_column_says_what_two_softmax_columns_say(rng):
    p, y = rng.random((50, 1)), rng.integers(0, 2, (50, 1)).astype(float)
    assert error_rate(p, y) == error_rate(np.hstack([1 - p, p]), np.hstack([1 - y, y]))
    assert predicted_classes(np.array([[0.5, 0.5]])) == predicted_classes(np.array([[0.5]])) == [0]


def test_predicted_classes_want_a_column():
    with raises("probabilities must have one column at least", "got shape (3, 0)"):
        predicted_classes(np.zeros((3, 0)))
    assert predicted_classes(np.zeros((2, 0, 3))).shape == (2, 0)  # of no examples

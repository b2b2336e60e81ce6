import numpy as np
import pytest
from scipy.ndimage import rotate as scipy_rotate

from dlhelpers.augmentation import rotate, rotation_matrix
from dlhelpers.datasets import digits


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_quarter_turns_are_exact(quarters):
    image = digits().X[0].reshape(8, 8)
    turned = rotate(image.reshape(1, 64), 90 * quarters).reshape(8, 8)
    np.testing.assert_allclose(turned, np.rot90(image, quarters), atol=1e-10)


@pytest.mark.parametrize("degrees", [-30, 10, 45])
def test_agrees_with_scipy_away_from_the_edge(degrees):
    image = np.zeros((8, 8))
    image[2:6, 2:6] = np.random.default_rng(0).random((4, 4))
    expected = scipy_rotate(image, degrees, reshape=False, order=1)
    turned = rotate(image.reshape(1, 64), degrees).reshape(8, 8)
    np.testing.assert_allclose(turned[1:7, 1:7], expected[1:7, 1:7], atol=1e-10)


def test_the_matrix_is_read_only_because_it_is_kept():
    with pytest.raises(ValueError, match="read-only"):
        rotation_matrix(10.0)[0, 0] = 1


def test_images_must_be_square():
    with pytest.raises(ValueError, match="10 pixels, which is no square number"):
        rotate(np.zeros((2, 10)), 10)

"""The two classical mistakes with inverted dropout, for the labs to show beside `dropout.keep_mask`."""

import numpy as np

from dlhelpers.typing import FloatArray


def mask_without_division(draw: FloatArray, keep_prob: float) -> FloatArray:
    """Return the mask of somebody who forgot to divide: activations shrink to keep_prob on average.

    Arguments as in `dropout.keep_mask`.
    """
    return np.asarray(draw < keep_prob, dtype=draw.dtype)


def mask_with_drop_and_keep_swapped(draw: FloatArray, keep_prob: float) -> FloatArray:
    """Return the mask of somebody who takes keep_prob for the share that is dropped.

    Arguments as in `dropout.keep_mask`.  The mean of the activations is (1 - keep_prob) / keep_prob times
    what it should be.
    """
    return np.asarray((draw >= keep_prob) / keep_prob, dtype=draw.dtype)

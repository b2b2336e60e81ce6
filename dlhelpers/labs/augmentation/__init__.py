"""The labs on augmentation, and one control per goal (notebook 02b)."""

from dlhelpers.labs.augmentation.augmentation import augmentation_lab
from dlhelpers.labs.augmentation.orthogonalization import orthogonalization_lab

__all__ = [
    "augmentation_lab",
    "orthogonalization_lab",
]

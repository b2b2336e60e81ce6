r"""Softmax: from logits to class probabilities, and its relatives.

Z has one column for each example and one row for each class: shape (..., n_classes, m).
"""

import numpy as np

from dlhelpers.checks import check_array, check_number, door
from dlhelpers.typing import FloatArray


def _check_logits(Z: FloatArray) -> None:
    check_array("Z", Z, "(..., n_classes, m)", "Classes are rows, examples are columns.")
    if Z.shape[-2] == 0:
        raise ValueError(f"Z must have one row for each class, 1 or more; got shape {Z.shape}.")


def _check(Z: FloatArray, temperature: float = 1.0) -> None:
    _check_logits(Z)
    check_number("temperature", temperature, "(0, inf)", "1 is the plain softmax.", fits=())


@door(_check)
def softmax(Z: FloatArray, temperature: float = 1.0) -> FloatArray:
    r"""Return class probabilities; the columns add up to 1.

    .. math:: a_i = \frac{e^{z_i}}{\sum_j e^{z_j}} = \frac{e^{z_i - \max z}}{\sum_j e^{z_j - \max z}}

    .. math::
        t_i &= e^{(z_i - \max z) / T} \tag{1} \\
        a_i &= t_i / \textstyle\sum_j t_j \tag{2}

    The shift by the largest logit changes nothing in exact arithmetic and keeps exp from overflowing.
    A logit of -inf gives 0: it masks a class.  A logit of inf gives 1.  Several of inf, or all of -inf,
    have no limit and give NaN, without a warning.

    Parameters
    ----------
    Z : (..., n_classes, m) float array
        Logits.
    temperature : float > 0
        T: below 1 sharpens the distribution, above 1 flattens it.

    Returns
    -------
    (..., n_classes, m) float array

    Raises
    ------
    ValueError
        If `Z` is not such an array, has no class, or `temperature` is not one number above 0.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 4.1.

    Examples
    --------
    >>> softmax(np.array([[1000.0], [1000.0]]))
    array([[0.5],
           [0.5]])
    """
    t = np.exp(_scaled(Z, temperature))  # (1)
    return t / t.sum(axis=-2, keepdims=True)  # (2)


@door(_check)
def log_softmax(Z: FloatArray, temperature: float = 1.0) -> FloatArray:
    r"""Return the logarithm of softmax, finite also where the probability rounds to 0.

    .. math::
        s &= (z - \max z) / T \tag{1} \\
        \log a_i &= s_i - \log \textstyle\sum_j e^{s_j} \tag{2}

    Parameters
    ----------
    Z : (..., n_classes, m) float array
    temperature : float > 0

    Returns
    -------
    (..., n_classes, m) float array

    Raises
    ------
    ValueError
        As `softmax`.

    Examples
    --------
    >>> log_softmax(np.array([[0.0], [1000.0]]))
    array([[-1000.],
           [    0.]])
    """
    S = _scaled(Z, temperature)  # (1)
    return S - np.log(np.exp(S).sum(axis=-2, keepdims=True))  # (2)


@door(_check_logits)
def hardmax(Z: FloatArray) -> FloatArray:
    """Return 1 at the largest logit of each column and 0 elsewhere; of equal ones the first counts.

    Parameters
    ----------
    Z : (..., n_classes, m) float array

    Returns
    -------
    (..., n_classes, m) float array
        One-hot columns.

    Raises
    ------
    ValueError
        If `Z` is not such an array, or has no class.

    Examples
    --------
    >>> hardmax(np.array([[1.0], [3.0], [2.0]])).ravel()
    array([0., 1., 0.])
    """
    classes = np.arange(Z.shape[-2])[:, None]
    return np.asarray(classes == Z.argmax(axis=-2)[..., None, :], dtype=Z.dtype)


def _scaled(Z: FloatArray, temperature: float) -> FloatArray:
    """Return (z - max z) / T."""
    peak = Z.max(axis=-2, keepdims=True)
    S = Z - peak
    if np.isinf(peak).any():
        infinite = np.asarray(np.inf == Z)
        alone = infinite & (infinite.sum(axis=-2, keepdims=True) == 1)
        S = np.where(alone, 0, S)  # a logit less itself
    if temperature == 1:
        return S
    limits = np.finfo(Z.dtype)  # T as a number of this dtype: neither 0 nor infinity
    return S / min(max(float(temperature), float(limits.tiny)), float(limits.max))

r"""Batch normalization: give each unit mean 0 and variance 1 over the batch, then scale and shift it.

Z has one column for each example: shape (..., n_units, m).  Means, variances, gamma and beta have
shape (..., n_units, 1).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dlhelpers import averages
from dlhelpers.checks import broadcasts, check_array, check_integer, check_number, door, inside, shown
from dlhelpers.typing import FloatArray


@dataclass(frozen=True)
class BatchNormalization:
    """The settings of batch normalization.

    Parameters
    ----------
    eps : float > 0
        Added to the variance, so that a unit that is constant over the batch does not divide by 0.
    momentum : float in [0, 1)
        Share of the running averages that a step keeps.  PyTorch calls 1 minus this number "momentum".

    Raises
    ------
    ValueError
        If a number is outside of its range.
    """

    eps: float = 1e-5
    momentum: float = 0.9

    def __post_init__(self) -> None:
        check_number("eps", self.eps, "(0, inf)", "The usual value is 1e-5.", fits=())
        check_number("momentum", self.momentum, "[0, 1)", "The usual value is 0.9.", fits=())


class Normalized(NamedTuple):
    """What `forward` computes and `backward` needs.

    Attributes
    ----------
    Z_tilde, Z_norm : (..., n_units, m) float array
    mean, variance : (..., n_units, 1) float array
        Of the batch; the variance is the mean of squares (1/m).
    """

    Z_tilde: FloatArray
    Z_norm: FloatArray
    mean: FloatArray
    variance: FloatArray


class Gradients(NamedTuple):
    """Derivatives of the cost by the inputs of `forward`, each in the shape of its input."""

    dZ: FloatArray
    dgamma: FloatArray
    dbeta: FloatArray


def _check(Z: FloatArray, eps: float, **each_unit: FloatArray) -> None:
    check_array("Z", Z, "(..., n_units, m)", "Units are rows, examples are columns.")
    check_number("eps", eps, "(0, inf)", "The usual value is 1e-5.", fits=())
    for name, values in each_unit.items():
        check_array(name, values, f"(..., {Z.shape[-2]}, 1)", "One number for each unit, as a column.")
        if not broadcasts(values.shape[:-2], Z.shape[:-2]):
            raise ValueError(
                f"{name} must be for the networks that Z has, of shape {Z.shape[:-2]}; got {values.shape}."
            )


def _check_forward(Z: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float = 1e-5) -> None:
    _check(Z, eps, gamma=gamma, beta=beta)


def _check_backward(dZ_tilde: FloatArray, batch: Normalized, gamma: FloatArray, eps: float = 1e-5) -> None:
    check_array("dZ_tilde", dZ_tilde, "(..., n_units, m)")
    if not isinstance(batch, Normalized) or batch.Z_norm.shape != dZ_tilde.shape:
        raise ValueError(
            f"batch must be what forward returned for Z of shape {dZ_tilde.shape}; got {shown(batch)}."
        )
    _check(batch.Z_norm, eps, gamma=gamma)


def _check_inference(
    Z: FloatArray,
    gamma: FloatArray,
    beta: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    eps: float = 1e-5,
) -> None:
    _check(Z, eps, gamma=gamma, beta=beta, mean=mean, variance=variance)


def _check_unbiased(variance: FloatArray, m: int) -> None:
    check_array("variance", variance, "(...)")
    check_integer("m", m, "[2, inf)", "The variance of one example is unknown.")


def _check_running(running: FloatArray, batch: FloatArray, momentum: float) -> None:
    check_array("running", running, "(...)")
    check_array("batch", batch, "(...)")
    if running.shape != batch.shape:
        raise ValueError(f"running must have the shape of batch, {batch.shape}; got {running.shape}.")
    check_number("momentum", momentum, "[0, 1)", "The usual value is 0.9.", fits=())


@door(_check_forward)
def forward(Z: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float = 1e-5) -> Normalized:
    r"""Normalize each unit over the batch, then scale by gamma and shift by beta.

    .. math::
        \mu &= \frac{1}{m} \sum_i z^{(i)} \tag{1} \\
        \sigma^2 &= \frac{1}{m} \sum_i (z^{(i)} - \mu)^2 \tag{2} \\
        z_{norm} &= (z - \mu) / \sqrt{\sigma^2 + \epsilon} \tag{3} \\
        \tilde z &= \gamma z_{norm} + \beta \tag{4}

    Parameters
    ----------
    Z : (..., n_units, m) float array, m >= 2
    gamma, beta : (..., n_units, 1) float array
    eps : float > 0

    Returns
    -------
    Normalized

    Raises
    ------
    ValueError
        If an array is not as above, or the batch has one example only: its own mean leaves nothing of it.

    References
    ----------
    Ioffe & Szegedy (2015), "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", algorithm 1.

    Examples
    --------
    >>> forward(np.array([[1.0, 3.0]]), np.array([[2.0]]), np.array([[5.0]])).Z_tilde.round(3)
    array([[3., 7.]])
    """
    if Z.shape[-1] < 2:
        raise ValueError(
            f"batch normalization needs 2 or more examples in a batch; got {Z.shape[-1]}. One example minus "
            "its own mean is 0. Use larger batches (columns of Z), or pass running statistics to predict."
        )
    m = Z.shape[-1]
    mean = Z.sum(axis=-1, keepdims=True) / m  # (1)
    centered = Z - mean
    variance = np.vecdot(centered, centered)[..., np.newaxis] / m  # (2)
    Z_norm = centered / np.sqrt(variance + eps)  # (3)
    Z_tilde = gamma * Z_norm + beta  # (4)
    return Normalized(Z_tilde, Z_norm, mean, variance)


@door(_check_backward)
def backward(dZ_tilde: FloatArray, batch: Normalized, gamma: FloatArray, eps: float = 1e-5) -> Gradients:
    r"""Return the gradients; the mean and the variance depend on every example too.

    .. math::
        d\gamma &= \textstyle\sum_i d\tilde z^{(i)} z_{norm}^{(i)} \tag{1} \\
        d\beta &= \textstyle\sum_i d\tilde z^{(i)} \tag{2} \\
        dz_{norm} &= \gamma \, d\tilde z \tag{3} \\
        t_\mu &= \overline{dz_{norm}} = \gamma \, d\beta / m \tag{4} \\
        t_{\sigma^2} &= z_{norm} \, \overline{dz_{norm} z_{norm}} = z_{norm} \gamma \, d\gamma / m \tag{5} \\
        dz &= (dz_{norm} - t_\mu - t_{\sigma^2}) / \sqrt{\sigma^2 + \epsilon} \tag{6}

    A bar is the mean over the batch.  (4) and (5) are what flows back through mu and sigma^2.

    Parameters
    ----------
    dZ_tilde : (..., n_units, m) float array
    batch : Normalized
        What `forward` returned.
    gamma : (..., n_units, 1) float array
    eps : float > 0
        The same as in `forward`.

    Returns
    -------
    Gradients

    Raises
    ------
    ValueError
        If an array is not as above.

    References
    ----------
    Ioffe & Szegedy (2015), section 3; the sums are put together.
    """
    m = dZ_tilde.shape[-1]
    dgamma = np.vecdot(dZ_tilde, batch.Z_norm)[..., np.newaxis]  # (1)
    dbeta = dZ_tilde.sum(axis=-1, keepdims=True)  # (2)
    dZ_norm = gamma * dZ_tilde  # (3)
    through_mean = gamma * dbeta / m  # (4)
    through_variance = batch.Z_norm * (gamma * dgamma / m)  # (5)
    dZ = (dZ_norm - through_mean - through_variance) / np.sqrt(batch.variance + eps)  # (6)
    return Gradients(dZ, dgamma, dbeta)


@door(_check_inference)
def inference(
    Z: FloatArray,
    gamma: FloatArray,
    beta: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    eps: float = 1e-5,
) -> FloatArray:
    r"""Normalize with statistics that were collected in training, so that examples do not affect each other.

    .. math:: \tilde z = \gamma (z - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta \tag{1}

    Parameters
    ----------
    Z : (..., n_units, m) float array
        One example is enough.
    gamma, beta, mean, variance : (..., n_units, 1) float array
    eps : float > 0

    Returns
    -------
    (..., n_units, m) float array

    Raises
    ------
    ValueError
        If an array is not as above.
    """
    return gamma * (Z - mean) / np.sqrt(variance + eps) + beta  # (1)


@door(_check_unbiased)
def unbiased(variance: FloatArray, m: int) -> FloatArray:
    r"""Return the estimate of a population's variance from the mean of squares over m examples.

    .. math:: \hat\sigma^2 = \frac{m}{m - 1} \sigma^2 \tag{1}

    The paper and PyTorch collect this one for test time; CS231n collects the mean of squares.

    Raises
    ------
    ValueError
        If `variance` is no float array or `m` is below 2.
    """
    return m / (m - 1) * variance  # (1)


@door(_check_running)
def update_running(running: FloatArray, batch: FloatArray, momentum: float) -> FloatArray:
    r"""Return the running average of a statistic after one more batch.

    .. math:: r \leftarrow \text{momentum} \cdot r + (1 - \text{momentum}) \, b \tag{1}

    Parameters
    ----------
    running, batch : (...) float array
    momentum : float in [0, 1)

    Raises
    ------
    ValueError
        If an argument is not as above.
    """
    return inside(averages.update)(running, batch, momentum)  # (1)

r"""Curvature: the second derivatives of a loss, measured from its gradient, and random matrices beside them.

Gradients say which way is down. The eigenvalues of the Hessian H say how the slope changes along each
direction: all positive is a valley, all negative a peak, both signs a saddle.
"""

from typing import NamedTuple

import numpy as np

from dlhelpers.checks import check_array, check_integer, check_number, check_rng, shown
from dlhelpers.minibatches import Batch
from dlhelpers.norms import norm
from dlhelpers.training import Objective
from dlhelpers.typing import FloatArray

CHUNK = 16
"""Columns of the Hessian that are measured at once, as a population."""


def hessian(objective: Objective, theta: FloatArray, batch: Batch, step: float = 1e-4) -> FloatArray:
    r"""Return the matrix of second derivatives, from two gradients for each parameter.

    .. math::
        h_i &= \frac{g(\theta + \epsilon e_i) - g(\theta - \epsilon e_i)}{2 \epsilon} \tag{1} \\
        H &= \tfrac12 (h + h^T) \tag{2}

    The two-sided difference is off by a multiple of :math:`\epsilon^2`, and round-off by 1e-12 or so; (2)
    removes the part of both that is not symmetric. A network with P parameters needs 2 P gradients.

    Parameters
    ----------
    objective : Objective
        A network, for instance.
    theta : (P,) float array
        In float64: differences of float32 gradients are mostly round-off.
    batch : Batch
    step : float > 0
        epsilon.

    Returns
    -------
    (P, P) float array, symmetric

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> from dlhelpers.surfaces import Saddle
    >>> hessian(Saddle(), np.array([0.5, 0.0]), None).round(6) + 0.0
    array([[ 1.,  0.],
           [ 0., -1.]])
    """
    _check(objective, theta, step)
    offsets = step * np.eye(theta.size)
    rows = [
        (objective.gradient(theta + part, batch) - objective.gradient(theta - part, batch))
        / (2 * step)  # (1)
        for part in np.split(offsets, range(CHUNK, theta.size, CHUNK))
    ]
    h = np.concatenate(rows)
    H: FloatArray = (h + h.T) / 2  # (2)
    return H


class Sharpness(NamedTuple):
    """The curvature where it is largest.

    Attributes
    ----------
    value : float
        The eigenvalue of H with the largest absolute value.
    direction : (P,) float array
        Its eigenvector, of length 1. Start from it when theta has moved a little.
    """

    value: float
    direction: FloatArray


def sharpness(
    objective: Objective,
    theta: FloatArray,
    batch: Batch,
    direction: FloatArray,
    iterations: int = 20,
    step: float = 1e-4,
) -> Sharpness:
    r"""Return the largest eigenvalue of the Hessian by power iteration, without computing the Hessian.

    .. math::
        v &\leftarrow v / \lVert v \rVert \tag{1} \\
        H v &= \frac{g(\theta + \epsilon v) - g(\theta - \epsilon v)}{2 \epsilon} \tag{2} \\
        \lambda &= v^T H v \tag{3} \\
        v &\leftarrow H v \tag{4}

    Each round multiplies the part of v along the largest eigenvalue the most, so v turns toward it.

    Parameters
    ----------
    objective : Objective
    theta : (P,) float array
        In float64.
    batch : Batch
    direction : (P,) float array
        v to start with: random numbers, or the result of a step before. Not 0.
    iterations : int >= 1
        Two gradients each.
    step : float > 0
        epsilon.

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> from dlhelpers.surfaces import Ravine
    >>> found = sharpness(Ravine(condition=4), np.ones(2), None, direction=np.ones(2))
    >>> round(found.value, 6)
    1.0
    """
    _check(objective, theta, step)
    check_array("direction", direction, f"({theta.size},)", "Start with random numbers.", finite=True)
    check_integer("iterations", iterations, "[1, inf)", "Each needs two gradients.")
    if not np.any(direction):
        raise ValueError(f"direction must not be 0; got {shown(direction)}. Start with random numbers.")
    v, value = direction, 0.0
    for _ in range(iterations):
        v = v / norm(v)  # (1)
        up, down = objective.gradient(np.stack([theta + step * v, theta - step * v]), batch)
        Hv = (up - down) / (2 * step)  # (2)
        value = float(v @ Hv)  # (3)
        if not np.any(Hv):
            break  # the loss has no curvature along v
        v = Hv  # (4)
    return Sharpness(value, v / norm(v))


def random_symmetric(count: int, n: int, rng: np.random.Generator) -> FloatArray:
    r"""Return random symmetric matrices whose eigenvalues lie between -1 and 1, or near it.

    .. math::
        A_{ij} &\sim \mathcal{N}(0, 1) \tag{1} \\
        S &= \frac{A + A^T}{\sqrt{8 n}} \tag{2}

    Entries off the diagonal are independent. For large n the eigenvalues of S fill a half circle from -1
    to 1 (Wigner's law).

    Parameters
    ----------
    count : int >= 1
    n : int >= 1
        Rows and columns.
    rng : numpy.random.Generator

    Returns
    -------
    (count, n, n) float array

    Raises
    ------
    ValueError
        If an argument is not as above.

    References
    ----------
    Wigner (1958), "On the distribution of the roots of certain symmetric matrices".

    Examples
    --------
    >>> S = random_symmetric(3, 200, np.random.default_rng(0))
    >>> print(f"{np.abs(np.linalg.eigvalsh(S)).max():.1f}")
    1.0
    """
    check_integer("count", count, "[1, 1e6]", "It is the number of matrices.")
    check_integer("n", n, "[1, 1e3]", "It is the number of rows of each.")
    check_rng(rng)
    A = rng.standard_normal((count, n, n))  # (1)
    S: FloatArray = (A + np.swapaxes(A, 1, 2)) / np.sqrt(8 * n)  # (2)
    return S


class PositiveShare(NamedTuple):
    """The share of random matrices with only positive eigenvalues, and its standard error."""

    share: float
    standard_error: float


def share_positive(count: int, n: int, rng: np.random.Generator) -> PositiveShare:
    r"""Return how many of `count` random symmetric matrices have only positive eigenvalues, as a share.

    The matrices are those of `random_symmetric`.  A matrix with a diagonal entry below 0 has a negative
    eigenvalue, so only the others need to be drawn; their number is binomial, and each of their diagonal
    entries is that of the formula without its sign.

    .. math::
        k &\sim \text{Binomial}(\text{count}, 2^{-n}) \tag{1} \\
        p &= \frac{\text{matrices among the } k \text{ with only positive eigenvalues}}{\text{count}}
            \tag{2} \\
        \text{SE} &= \sqrt{p (1 - p) / \text{count}} \tag{3}

    Parameters
    ----------
    count : int >= 1
        Of these, about count / 2^n are drawn.
    n : int >= 1
        Rows and columns.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> print(f"{share_positive(10_000, 1, np.random.default_rng(0)).share:.1f}")
    0.5
    """
    check_integer("count", count, "[1, 1e7]", "It is the number of matrices.")
    check_integer("n", n, "[1, 1e3]", "It is the number of rows of each.")
    check_rng(rng)
    k = rng.binomial(count, 0.5**n)  # (1)
    A, i = rng.standard_normal((k, n, n)), np.arange(n)
    A[:, i, i] = np.abs(A[:, i, i])
    smallest = np.linalg.eigvalsh(A + np.swapaxes(A, 1, 2))[:, 0]
    p = float(np.sum(smallest > 0)) / count  # (2)
    return PositiveShare(p, (p * (1 - p) / count) ** 0.5)  # (3)


def _check(objective: Objective, theta: FloatArray, step: float) -> None:
    if isinstance(objective, type) or not hasattr(objective, "gradient"):
        raise ValueError(f"objective must have a gradient; got {shown(objective)}. Pass a Network.")
    check_array("theta", theta, "(P,)", "Use the theta that network.initialize(rng) returns.", finite=True)
    if theta.dtype != np.float64 or not theta.size:
        raise ValueError(
            f"theta must be float64, with a parameter or more; got {theta.dtype} of {theta.size}. "
            "Differences need its digits."
        )
    check_number("step", step, "(0, inf)", "The usual value is 1e-4.", fits=())

r"""Gradient checking: compare the gradient of backpropagation with differences of the cost.

All perturbed parameter vectors are one population, so a check costs a few forward passes of many
networks at once instead of thousands of single ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlhelpers.checks import check_array, check_flag, check_integer, check_number
from dlhelpers.minibatches import Batch
from dlhelpers.parameters import Layout
from dlhelpers.typing import FloatArray

CHUNK = 64
"""How many perturbed vectors are evaluated at once."""


@np.errstate(all="ignore")
def numerical_gradient(
    cost: Callable[[FloatArray], FloatArray], theta: FloatArray, eps: float = 1e-5, two_sided: bool = True
) -> FloatArray:
    r"""Return the gradient of a cost from differences.

    .. math::
        d\theta_i &\approx \frac{J(\theta + \epsilon e_i) - J(\theta - \epsilon e_i)}{2\epsilon}
            \quad \text{two-sided, error } O(\epsilon^2) \tag{1} \\
        d\theta_i &\approx \frac{J(\theta + \epsilon e_i) - J(\theta)}{\epsilon}
            \quad \text{one-sided, error } O(\epsilon) \tag{2}

    Rounding adds an error of about u / eps, with u = 1e-16 in float64.  So the best eps of (1) is near
    u^(1/3), about 6e-6, and that of (2) near u^(1/2), about 1e-8.

    Parameters
    ----------
    cost : function from (K, P) float array to (K,) float array
        J of each vector of a population, for instance `lambda theta: network.loss(theta, batch)`.
    theta : (P,) float array
    eps : float in (0, 1)
    two_sided : bool

    Returns
    -------
    (P,) float array

    Raises
    ------
    ValueError
        If an argument is not as above, or `cost` does not return one number for each vector.

    References
    ----------
    Nocedal & Wright (2006), "Numerical optimization", section 8.1.

    Examples
    --------
    >>> cost = lambda theta: (theta**3).sum(axis=-1)
    >>> numerical_gradient(cost, np.array([1.0, 2.0])).round(6)
    array([ 3., 12.])
    >>> numerical_gradient(cost, np.array([1.0, 2.0]), eps=0.1, two_sided=False).round(2)
    array([ 3.31, 12.61])
    """
    check_array("theta", theta, "(P)", "Check one network at a time.", finite=True)
    check_number("eps", eps, "(0, 1)", "The best value for two-sided differences is near 6e-6.", fits=())
    check_flag("two_sided", two_sided)
    if not callable(cost):
        raise ValueError(f"cost must be a function of theta, of shape (K, P); got {cost!r}.")
    gradient = np.empty_like(theta)
    for start in range(0, theta.size, CHUNK):
        part = slice(start, min(start + CHUNK, theta.size))
        step = np.zeros((part.stop - start, theta.size), dtype=theta.dtype)
        step[np.arange(part.stop - start), np.arange(start, part.stop)] = eps
        if two_sided:
            gradient[part] = (_costs(cost, theta + step) - _costs(cost, theta - step)) / (2 * eps)  # (1)
        else:
            gradient[part] = (_costs(cost, theta + step) - _costs(cost, theta[None])) / eps  # (2)
    return gradient


@np.errstate(all="ignore")
def relative_error(a: FloatArray, b: FloatArray) -> float:
    r"""Return how far two gradients differ, from 0 (equal) to 1 (opposite, or one of them is zero).

    .. math:: \frac{\lVert a - b \rVert_2}{\lVert a \rVert_2 + \lVert b \rVert_2} \tag{1}

    The norm is the root of the sum of the squared components.  Two gradients of zero are equal; the
    error of one that is not finite is NaN.

    Parameters
    ----------
    a, b : float arrays of the same shape

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> relative_error(np.array([3.0, 4.0]), np.array([3.0, 4.0]))
    0.0
    >>> relative_error(np.array([3.0, 4.0]), np.array([-3.0, -4.0]))
    1.0
    """
    check_array("a", a, "(...)")
    check_array("b", b, "(...)")
    if a.shape != b.shape:
        raise ValueError(f"a and b must have the same shape; got {a.shape} and {b.shape}.")
    lengths = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / lengths) if lengths != 0 else 0.0  # (1)


@dataclass(frozen=True)
class GradientCheck:
    """The two gradients side by side; made by `check_gradient`.

    Attributes
    ----------
    analytic, numerical : (P,) float array
        From backpropagation and from differences.
    layout : Layout or None
        Names the entries; a surface has none.
    """

    analytic: FloatArray
    numerical: FloatArray
    layout: Layout | None

    @property
    def error(self) -> float:
        """The relative error of the whole gradient."""
        return relative_error(self.analytic, self.numerical)

    @property
    def by_name(self) -> dict[str, float]:
        """The relative error of each named array: W1, b1, ..."""
        parts = {"theta": slice(None)} if self.layout is None else self.layout.slices
        return {
            name: relative_error(self.analytic[part], self.numerical[part]) for name, part in parts.items()
        }

    def worst(self, n: int = 5) -> list[tuple[str, float, float]]:
        """Return the n components that differ most, NaN first: name, analytic and numerical value.

        Raises
        ------
        ValueError
            If `n` is below 1.
        """
        check_integer("n", n, "[1, inf)", "It is how many components to list.")
        with np.errstate(all="ignore"):
            differences = np.abs(self.analytic - self.numerical)
        order = np.argsort(-np.where(np.isnan(differences), np.inf, differences), kind="stable")[:n]
        return [(self._name(i), float(self.analytic[i]), float(self.numerical[i])) for i in order]

    def _name(self, index: Any) -> str:
        return f"theta[{index}]" if self.layout is None else self.layout.name_of(index)

    @property
    def verdict(self) -> str:
        """In words, by the limits of the notes: 1e-7 is fine, 1e-5 is suspect, 1e-3 is wrong.

        They hold for float64, an eps near 1e-5 and a cost without kinks nearby.
        """
        if self.error < 1e-6:
            return "right: only the error of the differences is left"
        if self.error < 1e-4:
            return "suspect: look at the worst components"
        return "wrong: some formula has a bug"


def check_gradient(
    objective: Any, theta: FloatArray, batch: Batch, eps: float = 1e-5, two_sided: bool = True
) -> GradientCheck:
    """Compare the gradient of an objective with differences of its cost.

    The cost includes penalties.  Dropout is fixed by the draws in the batch, so both sides see the same
    units; batch normalization uses the statistics of the batch on both sides.  At a kink, such as
    ReLU's at 0, the two may differ although both are right.

    Parameters
    ----------
    objective : Objective
        A `Network`, a `Regularized` one or a surface.
    theta : (P,) float array
    batch : Batch
    eps, two_sided
        As in `numerical_gradient`.

    Returns
    -------
    GradientCheck

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> from dlhelpers.network import Network
    >>> rng = np.random.default_rng(0)
    >>> network = Network((2, 3, 1))
    >>> batch = Batch(rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))
    >>> check_gradient(network, network.initialize(rng), batch).error < 1e-7
    True
    """
    check_array("theta", theta, "(P)", "Check one network at a time.", finite=True)
    if isinstance(objective, type) or not hasattr(objective, "loss") or not hasattr(objective, "gradient"):
        raise ValueError(f"objective must have loss and gradient, such as a Network; got {objective!r}.")
    numerical = numerical_gradient(lambda each: objective.loss(each, batch), theta, eps, two_sided)
    return GradientCheck(objective.gradient(theta, batch), numerical, getattr(objective, "layout", None))


def _costs(cost: Callable[[FloatArray], FloatArray], thetas: FloatArray) -> FloatArray:
    costs = np.asarray(cost(thetas))
    if costs.shape != thetas.shape[:1]:
        raise ValueError(
            f"cost must return one number for each of the {len(thetas)} vectors; got shape {costs.shape}. "
            "Sum over the last axis only."
        )
    return costs

r"""Gradient checking: compare the gradient of backpropagation with differences of the cost.

All perturbed parameter vectors are one population, so a check costs a few forward passes of many
networks at once instead of thousands of single ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlhelpers.checks import check_array, check_flag, check_integer, check_number, check_rng, shown
from dlhelpers.dropout import draw_uniform
from dlhelpers.minibatches import Batch
from dlhelpers.norms import power_of_two
from dlhelpers.parameters import Layout
from dlhelpers.typing import FloatArray, IntArray

CHUNK = 64
"""How many perturbed vectors are evaluated at once."""
RIGHT, WRONG = 1e-6, 1e-4
"""Relative errors below which a gradient is right, and from which on it is wrong."""

# Of one number ----------------------------------------------------------------------------------------


@np.errstate(all="ignore")
def difference(
    f: Callable[[FloatArray], FloatArray], x: float, eps: FloatArray, two_sided: bool = True
) -> FloatArray:
    r"""Return the slope of a function at one point from differences, one for each eps.

    .. math::
        f'(x) &\approx \frac{f(x + \epsilon) - f(x - \epsilon)}{2\epsilon} \tag{1} \\
        f'(x) &\approx \frac{f(x + \epsilon) - f(x)}{\epsilon} \tag{2}

    Parameters
    ----------
    f : function of a float array, element by element
    x : float
    eps : (n,) float array
        Its dtype is the precision of everything that is computed.
    two_sided : bool
        Equation (1) or equation (2).

    Returns
    -------
    (n,) float array

    Raises
    ------
    ValueError
        If an argument is not as above, or `f` does not return one number for each that it gets.

    Examples
    --------
    >>> difference(np.square, 3.0, np.array([1.0, 0.5])), difference(np.square, 3.0, np.array([1.0]), False)
    (array([6., 6.]), array([7.]))
    """
    if not callable(f):
        raise ValueError(f"f must be a function of an array; got {shown(f)}.")
    check_number("x", x, "(-inf, inf)", "Pass one point.", fits=())
    check_array("eps", eps, "(n)", "Pass np.array([1e-5]).", finite=True)
    check_flag("two_sided", two_sided)
    at = np.full_like(eps, x)
    if two_sided:
        return (_values(f, at + eps) - _values(f, at - eps)) / (2 * eps)  # (1)
    return (_values(f, at + eps) - _values(f, at)) / eps  # (2)


def order_of_error(eps: FloatArray, error: FloatArray) -> float:
    r"""Return p of the straight line that fits error = c eps^p best on logarithmic scales.

    .. math::
        p = \frac{\sum_k (\log \epsilon_k - \overline{\log \epsilon}) \log e_k}
                 {\sum_k (\log \epsilon_k - \overline{\log \epsilon})^2} \tag{1}

    It is NaN if an error is 0: there is no logarithm.

    Parameters
    ----------
    eps, error : (n,) float array
        With n >= 2, eps > 0 and not all the same, error >= 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> eps = np.array([0.001, 0.01, 0.1])
    >>> round(order_of_error(eps, 5 * eps**2), 3)
    2.0
    """
    _check_errors(eps, error)
    if not np.all(error > 0):
        return float("nan")
    centered = np.log(eps) - np.log(eps).mean()
    return float((centered * np.log(error)).sum() / np.square(centered).sum())  # (1)


def best_eps(eps: FloatArray, error: FloatArray, neighbors: int = 9) -> float:
    """Return the eps where the error is smallest, by the median over neighbors.

    Where rounding rules, a single error may be small by luck; the median of several is not.

    Parameters
    ----------
    eps, error : (n,) float array
        In the order of eps, close to each other on a logarithmic scale; not all eps are the same.
    neighbors : odd int, 1 <= neighbors <= n

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> best_eps(np.array([1e-4, 1e-3, 1e-2, 1e-1]), np.array([0.0, 9.0, 3.0, 4.0]), neighbors=3)
    0.001
    """
    _check_errors(eps, error)
    check_integer("neighbors", neighbors, f"[1, {len(eps)}]", "It is how many errors a median is taken over.")
    if neighbors % 2 == 0:
        raise ValueError(f"neighbors must be odd, so that a window has a center; got {neighbors}.")
    windows = np.lib.stride_tricks.sliding_window_view(error, neighbors)
    return float(eps[np.median(windows, axis=-1).argmin() + neighbors // 2])


# Of all parameters ------------------------------------------------------------------------------------


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
        raise ValueError(f"cost must be a function of theta, of shape (K, P); got {shown(cost)}.")
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

    .. math:: \frac{\lVert a - b \rVert_2}{\lVert a \rVert_2 + \lVert b \rVert_2} \tag{3}

    The norm is the root of the sum of the squared components.  Both gradients are first divided by the
    same power of two: the error stays, and no square overflows or vanishes.  Two gradients of zero are
    equal; the error of one that is not finite is NaN.

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
    a, b = _near_1(a, b)
    lengths = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / lengths) if lengths != 0 else 0.0  # (3)


@dataclass(frozen=True)
class GradientCheck:
    """The two gradients side by side; made by `check_gradient`.

    Attributes
    ----------
    analytic, numerical : (P,) float array
        From backpropagation and from differences.
    layout : Layout or None
        Names the entries; a surface has none.
    kinks : (P,) int array or None
        How many pre-activations crossed a kink while a component was moved: where it is not 0, the
        difference is no slope.  None where nobody counted, since the gradients agree.
    """

    analytic: FloatArray
    numerical: FloatArray
    layout: Layout | None
    kinks: IntArray | None = None

    @property
    def error(self) -> float:
        """The relative error of the whole gradient."""
        return relative_error(self.analytic, self.numerical)

    @property
    def by_name(self) -> dict[str, float]:
        """The relative error of each named array: W1, b1, ..."""
        return {
            name: relative_error(self.analytic[part], self.numerical[part])
            for name, part in self._parts.items()
        }

    @property
    def shares(self) -> FloatArray:
        r"""What each component contributes to the relative error of its array, of shape (P,).

        It is :math:`|a_i - b_i| / (\lVert a \rVert_2 + \lVert b \rVert_2)`, with the norms of the array.  The
        squares of the shares of an array add up to the square of its relative error.
        """
        shares = np.empty(self.analytic.shape)
        with np.errstate(all="ignore"):
            for part in self._parts.values():
                a, b = _near_1(self.analytic[part], self.numerical[part])
                lengths = np.linalg.norm(a) + np.linalg.norm(b)
                shares[part] = np.abs(a - b) / lengths if lengths != 0 else 0.0
        return shares

    @property
    def _parts(self) -> dict[str, slice]:
        return {"theta": slice(None)} if self.layout is None else self.layout.slices

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
        """In words, by the nearest limit of the notes: 1e-7 is great, 1e-5 is suspect, 1e-3 is wrong.

        So an error is right below 1e-6, the middle of 1e-7 and 1e-5, and wrong from 1e-4 on.  The limits
        hold for float64 and a two-sided check with an eps near 1e-5, where a right network scores about
        1e-9; with an eps of 1e-7 it scores about 1e-7.  Components whose difference crossed a kink, such as
        ReLU's at 0, accuse nobody: without them the others decide.
        """
        if self.error < RIGHT:
            return "right: only the error of the differences is left"
        smooth = np.ones(self.analytic.shape, dtype=bool) if self.kinks is None else self.kinks == 0
        error = relative_error(self.analytic[smooth], self.numerical[smooth])
        if error < RIGHT:
            return (
                f"undecided: {np.count_nonzero(~smooth)} of {smooth.size} differences crossed a kink, "
                "the others agree; check at a theta with other biases, or with tanh"
            )
        if error < WRONG:
            return "suspect: look at the worst components"
        return "wrong: some formula has a bug"


def check_gradient(
    objective: Any, theta: FloatArray, batch: Batch, eps: float = 1e-5, two_sided: bool = True
) -> GradientCheck:
    """Compare the gradient of an objective with differences of its cost.

    The cost includes penalties.  Dropout is fixed by the draws in the batch, so both sides see the same
    units; batch normalization uses the statistics of the batch on both sides.  At a kink, such as
    ReLU's at 0, the two may differ although both are right: the check counts where that happened.

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
        raise ValueError(f"objective must have loss and gradient, such as a Network; got {shown(objective)}.")
    numerical = numerical_gradient(lambda each: objective.loss(each, batch), theta, eps, two_sided)
    check = GradientCheck(objective.gradient(theta, batch), numerical, getattr(objective, "layout", None))
    network = getattr(objective, "network", objective)  # without its penalties
    if check.error < RIGHT or isinstance(objective, FreshMasks) or not _has_layers(network):
        return check
    return replace(check, kinks=_kinks(network, theta, batch, eps))


# What makes a right network look wrong ----------------------------------------------------------------


@dataclass(frozen=True)
class FreshMasks:
    """A network whose every evaluation drops other units: what a check must not be run on.

    Its cost and its gradient are right, but no two evaluations belong to the same network.

    Parameters
    ----------
    network : Network
        With `keep_prob` below 1.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If `network` has no layers, or `rng` is not a Generator.
    """

    network: Any
    rng: np.random.Generator

    def __post_init__(self) -> None:
        if isinstance(self.network, type) or not hasattr(self.network, "loss_and_gradient"):
            raise ValueError(f"network must be a Network; got {shown(self.network)}. Pass Network(sizes).")
        check_rng(self.rng)

    @property
    def layout(self) -> Layout:
        """The network's."""
        layout: Layout = self.network.layout
        return layout

    def loss(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return J of networks with masks of their own, of shape (...); arguments as in `Network.loss`."""
        J: FloatArray = self.network.loss(theta, self._with_masks(theta, batch))
        return J

    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the gradient under further masks; arguments as in `Network.gradient`."""
        gradient: FloatArray = self.network.gradient(theta, self._with_masks(theta, batch))
        return gradient

    def _with_masks(self, theta: FloatArray, batch: Batch) -> Batch:
        self.layout.views(theta)  # checks its shape
        if not isinstance(batch, Batch):
            raise ValueError(f"batch must be a Batch; got {shown(batch)}. Pass Batch(X, Y).")
        check_array("X", batch.X, "(m, n_features)", "Examples are rows.")
        population = theta.shape[0] if theta.ndim > 1 else None
        draws = draw_uniform(self.network.sizes, batch.X.shape[0], self.rng, population)
        return batch._replace(draws=draws)


def kinks_crossed(network: Any, theta: FloatArray, batch: Batch, eps: float) -> int:
    """Return how many pre-activations change their sign while a two-sided check moves the parameters.

    Only layers with a kink at 0 count: ReLU and leaky ReLU.  A pre-activation of exactly 0 sits on the
    kink: it counts whenever it moves.

    Parameters
    ----------
    network : Network
    theta : (P,) float array
    batch : Batch
    eps : float in (0, 1)

    Returns
    -------
    int
        Each unit counts once for each example and each of the 2P evaluations.

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    Z = W1 x is 0.1 here, so moving W1 by 0.2 crosses the kink once; moving b1 does, too:

    >>> from dlhelpers.network import Network
    >>> network, theta = Network((1, 1, 1), "relu"), np.array([0.1, 0.0, 1.0, 0.0])
    >>> batch = Batch(np.array([[1.0]]), np.array([[1.0]]))
    >>> kinks_crossed(network, theta, batch, 0.2), kinks_crossed(network, theta, batch, 0.05)
    (2, 0)
    """
    if not _has_layers(network):
        raise ValueError(f"network must be a Network; got {shown(network)}. Pass Network(sizes).")
    check_array("theta", theta, "(P)", "Check one network at a time.", finite=True)
    check_number("eps", eps, "(0, 1)", "Pass that of the check.", fits=())
    return int(_kinks(network, theta, batch, eps).sum())


def _has_layers(network: Any) -> bool:
    return not isinstance(network, type) and hasattr(network, "trace") and hasattr(network, "activations")


def _kinks(network: Any, theta: FloatArray, batch: Batch, eps: float) -> IntArray:
    """Return how many pre-activations change their sign while each component is moved, of shape (P,)."""
    kinked = [i for i, name in enumerate(network.activations) if name in ("relu", "leaky_relu")]
    before, crossed = network.trace(theta, batch).Z, np.zeros(theta.size, dtype=np.int64)
    if not kinked:
        return crossed
    for start in range(0, theta.size, CHUNK):
        part = slice(start, start + CHUNK)
        step = eps * np.eye(theta.size, dtype=theta.dtype)[part]
        for moved in (theta + step, theta - step):
            after = network.trace(moved, batch).Z
            for i in kinked:
                crossed[part] += (np.sign(after[i]) != np.sign(before[i])).sum(axis=(-2, -1))
    return crossed


def _near_1(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return both divided by the same power of two, the largest element near 1."""
    unit = power_of_two(np.stack([a, b]))[0]
    return a / unit, b / unit


def _values(f: Callable[[FloatArray], FloatArray], x: FloatArray) -> FloatArray:
    values = np.asarray(f(x))
    if values.shape != x.shape:
        raise ValueError(f"f must return one number for each of {len(x)}; got shape {values.shape}.")
    return values


def _check_errors(eps: FloatArray, error: FloatArray) -> None:
    check_array("eps", eps, "(n)", "One for each error.", finite=True)
    check_array("error", error, "(n)", "One for each eps.", finite=True)
    if eps.shape != error.shape or len(eps) < 2 or not np.all(eps > 0) or np.ptp(eps) == 0:
        raise ValueError(
            f"eps must be positive, two or more, not all the same, and one for each error; got {shown(eps)} "
            f"for {len(error)} errors."
        )
    if np.any(error < 0):
        raise ValueError(f"error must be a distance, 0 or more; got {shown(error)}. Take np.abs.")


def _costs(cost: Callable[[FloatArray], FloatArray], thetas: FloatArray) -> FloatArray:
    costs = np.asarray(cost(thetas))
    if costs.shape != thetas.shape[:1]:
        raise ValueError(
            f"cost must return one number for each of the {len(thetas)} vectors; got shape {costs.shape}. "
            "Sum over the last axis only."
        )
    return costs

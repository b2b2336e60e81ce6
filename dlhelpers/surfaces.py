r"""Surfaces: losses of two parameters, to watch optimizers on.

Each is an objective for `training.descend`; it has no data, and the batch is ignored.  theta is (..., 2):
one point, a population of them, or a grid to draw.  theta = (x, y).  Far away, where the loss is too large
for a float, it is infinity, without a warning: then training says that it diverged.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import numpy as np

from dlhelpers.checks import check_array, check_number
from dlhelpers.typing import FloatArray

Point = tuple[float, float]
Domain = tuple[tuple[float, float], tuple[float, float]]


class Surface(Protocol):
    """What all surfaces have.

    Attributes
    ----------
    name : str
        For a title or a menu.
    domain : ((x_low, x_high), (y_low, y_high))
        The part that is worth drawing.
    minima : tuple of (x, y)
        The lowest points; empty where the loss has no lower bound.
    start : (x, y)
        A point from which the way is interesting.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def domain(self) -> Domain: ...  # noqa: D102

    @property
    def minima(self) -> tuple[Point, ...]: ...  # noqa: D102

    @property
    def start(self) -> Point: ...  # noqa: D102

    def loss(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return the height, of shape (...)."""

    def gradient(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return the gradient, of shape (..., 2)."""

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return the matrix of second derivatives, of shape (..., 2, 2)."""


@dataclass(frozen=True)
class Ravine:
    r"""A valley with a straight floor: the quadratic of Hessian H, which has eigenvalues 1 and 1 / kappa.

    With c and s the cosine and the sine of the angle, u runs along the floor and v across it:

    .. math::
        u &= c x + s y \tag{1} \\
        v &= -s x + c y \tag{2} \\
        J &= \tfrac12 (u^2 / \kappa + v^2) \tag{3} \\
        J_x &= c u / \kappa - s v \tag{4} \\
        J_y &= s u / \kappa + c v \tag{5} \\
        J_{xx} &= c^2 / \kappa + s^2 \tag{6} \\
        J_{xy} &= c s / \kappa - s c \tag{7} \\
        J_{yy} &= s^2 / \kappa + c^2 \tag{8}

    The largest eigenvalue is 1 whatever kappa is, so gradient descent converges for learning rates
    below 2.  A larger kappa makes the floor flatter, not the walls steeper.

    Parameters
    ----------
    condition : float >= 1
        kappa, the condition number: the largest eigenvalue over the smallest.
    angle_degrees : float
        Direction of the floor, counterclockwise from the x axis.

    Raises
    ------
    ValueError
        If a setting is outside of its range.

    Examples
    --------
    >>> ravine = Ravine(condition=4)
    >>> ravine.gradient(np.array([2.0, 2.0]))
    array([0.5, 2. ])
    """

    condition: float = 20.0
    angle_degrees: float = 0.0

    name: ClassVar[str] = "Ravine"
    domain: ClassVar[Domain] = ((-4.0, 4.0), (-4.0, 4.0))
    minima: ClassVar[tuple[Point, ...]] = ((0.0, 0.0),)
    start: ClassVar[Point] = (-3.5, 2.0)

    def __post_init__(self) -> None:
        _keep_as_float(self, "condition", "[1, inf)", "1 is a round bowl.")
        _keep_as_float(self, "angle_degrees", "(-inf, inf)", "0 lays the floor along the x axis.")

    @np.errstate(all="ignore")
    def loss(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return the height (3), of shape (...)."""
        u, v = self._along_and_across(theta)
        return (u**2 / self.condition + v**2) / 2  # (3)

    @np.errstate(all="ignore")
    def gradient(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return (4) and (5), of shape (..., 2)."""
        c, s, kappa = self._settings()
        u, v = self._along_and_across(theta)
        J_x = c * u / kappa - s * v  # (4)
        J_y = s * u / kappa + c * v  # (5)
        return _vector(theta, J_x, J_y)

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return (6) to (8), of shape (..., 2, 2): the same matrix everywhere."""
        _coordinates(theta)
        c, s, kappa = self._settings()
        J_xx = c**2 / kappa + s**2  # (6)
        J_xy = c * s / kappa - s * c  # (7)
        J_yy = s**2 / kappa + c**2  # (8)
        return _matrix(theta, J_xx, J_xy, J_yy)

    def _along_and_across(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        x, y = _coordinates(theta)
        c, s, _ = self._settings()
        u = c * x + s * y  # (1)
        v = -s * x + c * y  # (2)
        return u, v

    def _settings(self) -> tuple[float, float, float]:
        angle = math.radians(self.angle_degrees)
        return math.cos(angle), math.sin(angle), self.condition


@dataclass(frozen=True)
class Saddle:
    r"""A saddle: a valley along x, a ridge along y.  It has no minimum.

    .. math::
        J &= \tfrac12 (x^2 - y^2) = \tfrac12 (x - y)(x + y) \tag{1} \\
        J_x &= x \tag{2} \\
        J_y &= -y \tag{3} \\
        J_{xx} = 1, \quad J_{xy} &= 0, \quad J_{yy} = -1 \tag{4}

    Examples
    --------
    >>> Saddle().gradient(np.array([3.0, 0.5]))
    array([ 3. , -0.5])
    """

    name: ClassVar[str] = "Saddle"
    domain: ClassVar[Domain] = ((-2.0, 2.0), (-2.0, 2.0))
    minima: ClassVar[tuple[Point, ...]] = ()
    start: ClassVar[Point] = (-1.5, 0.001)

    @np.errstate(all="ignore")
    def loss(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return the height (1), of shape (...)."""
        x, y = _coordinates(theta)
        return (x - y) * (x + y) / 2  # (1)

    def gradient(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return (2) and (3), of shape (..., 2)."""
        x, y = _coordinates(theta)
        J_x = x  # (2)
        J_y = -y  # (3)
        return _vector(theta, J_x, J_y)

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return (4), of shape (..., 2, 2): the same matrix everywhere."""
        _coordinates(theta)
        return _matrix(theta, 1.0, 0.0, -1.0)  # (4)


@dataclass(frozen=True)
class MonkeySaddle:
    r"""A saddle with three ways down, one of them for the tail; flat at the center.  It has no minimum.

    .. math::
        J &= x^3 - 3 x y^2 \tag{1} \\
        J_x &= 3 x^2 - 3 y^2 \tag{2} \\
        J_y &= -6 x y \tag{3} \\
        J_{xx} &= 6 x \tag{4} \\
        J_{xy} &= -6 y \tag{5} \\
        J_{yy} &= -6 x \tag{6}

    At the center the Hessian is 0: neither the gradient nor the curvature says which way leads down.

    Examples
    --------
    >>> MonkeySaddle().hessian(np.array([1.0, 2.0])).tolist()
    [[6.0, -12.0], [-12.0, -6.0]]
    """

    name: ClassVar[str] = "Monkey saddle"
    domain: ClassVar[Domain] = ((-2.0, 2.0), (-2.0, 2.0))
    minima: ClassVar[tuple[Point, ...]] = ()
    start: ClassVar[Point] = (1.5, 0.001)

    @np.errstate(all="ignore")
    def loss(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return the height (1), of shape (...)."""
        x, y = _coordinates(theta)
        return x**3 - 3 * x * y**2  # (1)

    @np.errstate(all="ignore")
    def gradient(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return (2) and (3), of shape (..., 2)."""
        x, y = _coordinates(theta)
        J_x = 3 * x**2 - 3 * y**2  # (2)
        J_y = -6 * x * y  # (3)
        return _vector(theta, J_x, J_y)

    @np.errstate(all="ignore")
    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return (4) to (6), of shape (..., 2, 2)."""
        x, y = _coordinates(theta)
        J_xx = 6 * x  # (4)
        J_xy = -6 * y  # (5)
        J_yy = -6 * x  # (6)
        return _matrix(theta, J_xx, J_xy, J_yy)


@dataclass(frozen=True)
class Rosenbrock:
    r"""A valley with a curved floor: easy to find, slow to follow.

    .. math::
        J &= (a - x)^2 + b (y - x^2)^2 \tag{1} \\
        J_x &= -2 (a - x) - 4 b x (y - x^2) \tag{2} \\
        J_y &= 2 b (y - x^2) \tag{3} \\
        J_{xx} &= 2 - 4 b (y - 3 x^2) \tag{4} \\
        J_{xy} &= -4 b x \tag{5} \\
        J_{yy} &= 2 b \tag{6}

    The floor is near y = x^2; the minimum, 0, is at (a, a^2).

    Parameters
    ----------
    a : float in [-10, 10]
        The x of the minimum.
    b : float > 0
        How steep the walls are.

    Raises
    ------
    ValueError
        If a setting is outside of its range.

    References
    ----------
    Rosenbrock (1960), "An automatic method for finding the greatest or least value of a function".

    Examples
    --------
    >>> Rosenbrock().gradient(np.array([0.0, 1.0])).tolist()
    [-2.0, 200.0]
    """

    a: float = 1.0
    b: float = 100.0

    name: ClassVar[str] = "Rosenbrock"
    start: ClassVar[Point] = (-1.2, 1.0)

    def __post_init__(self) -> None:
        _keep_as_float(self, "a", "[-10, 10]", "The usual value is 1.")
        _keep_as_float(self, "b", "(0, inf)", "The usual value is 100.")

    @property
    def domain(self) -> Domain:
        """Limits for a drawing: they hold the start and the minimum."""
        reach = max(1.0, abs(self.a))
        return (-2 * reach, 2 * reach), (-(reach**2), 3 * reach**2)

    @property
    def minima(self) -> tuple[Point, ...]:
        """The only minimum, (a, a^2)."""
        return ((self.a, self.a**2),)

    @np.errstate(all="ignore")
    def loss(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return the height (1), of shape (...)."""
        x, y = _coordinates(theta)
        return (self.a - x) ** 2 + self.b * (y - x**2) ** 2  # (1)

    @np.errstate(all="ignore")
    def gradient(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return (2) and (3), of shape (..., 2)."""
        x, y = _coordinates(theta)
        J_x = -2 * (self.a - x) - 4 * self.b * x * (y - x**2)  # (2)
        J_y = 2 * self.b * (y - x**2)  # (3)
        return _vector(theta, J_x, J_y)

    @np.errstate(all="ignore")
    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return (4) to (6), of shape (..., 2, 2)."""
        x, y = _coordinates(theta)
        J_xx = 2 - 4 * self.b * (y - 3 * x**2)  # (4)
        J_xy = -4 * self.b * x  # (5)
        J_yy = 2 * self.b  # (6)
        return _matrix(theta, J_xx, J_xy, J_yy)


@dataclass(frozen=True)
class Beale:
    r"""A flat valley between four walls at the corners, with a saddle at (0, 1).

    With the constants k_1 = 1.5, k_2 = 2.25, k_3 = 2.625, and i = 1, 2, 3:

    .. math::
        r_i &= k_i - x (1 - y^i) \tag{1} \\
        \partial_x r_i &= -(1 - y^i) \tag{2} \\
        \partial_y r_i &= i x y^{i - 1} \tag{3} \\
        \partial_{xy} r_i &= i y^{i - 1} \tag{4} \\
        \partial_{yy} r_i &= i (i - 1) x y^{i - 2} \tag{5} \\
        J &= \sum_i r_i^2 \tag{6} \\
        J_x &= \sum_i 2 r_i \partial_x r_i \tag{7} \\
        J_y &= \sum_i 2 r_i \partial_y r_i \tag{8} \\
        J_{xx} &= \sum_i 2 (\partial_x r_i)^2 \tag{9} \\
        J_{xy} &= \sum_i 2 (\partial_x r_i \partial_y r_i + r_i \partial_{xy} r_i) \tag{10} \\
        J_{yy} &= \sum_i 2 ((\partial_y r_i)^2 + r_i \partial_{yy} r_i) \tag{11}

    The minimum, 0, is at (3, 0.5).

    References
    ----------
    Moré, Garbow & Hillstrom (1981), "Testing unconstrained optimization software", problem 5.

    Examples
    --------
    >>> float(Beale().loss(np.array([3.0, 0.5])))
    0.0
    """

    name: ClassVar[str] = "Beale"
    domain: ClassVar[Domain] = ((-4.5, 4.5), (-4.5, 4.5))
    minima: ClassVar[tuple[Point, ...]] = ((3.0, 0.5),)
    start: ClassVar[Point] = (1.0, 1.5)

    @np.errstate(all="ignore")
    def loss(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return the height (6), of shape (...)."""
        return np.asarray(sum(r**2 for r, *_ in self._residuals(theta)))  # (6)

    @np.errstate(all="ignore")
    def gradient(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return (7) and (8), of shape (..., 2)."""
        residuals = list(self._residuals(theta))
        J_x = sum(2 * r * r_x for r, r_x, *_ in residuals)  # (7)
        J_y = sum(2 * r * r_y for r, _, r_y, *_ in residuals)  # (8)
        return _vector(theta, J_x, J_y)

    @np.errstate(all="ignore")
    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return (9) to (11), of shape (..., 2, 2)."""
        residuals = list(self._residuals(theta))
        J_xx = sum(2 * r_x**2 for _, r_x, *_ in residuals)  # (9)
        J_xy = sum(2 * (r_x * r_y + r * r_xy) for r, r_x, r_y, r_xy, _ in residuals)  # (10)
        J_yy = sum(2 * (r_y**2 + r * r_yy) for r, _, r_y, _, r_yy in residuals)  # (11)
        return _matrix(theta, J_xx, J_xy, J_yy)

    def _residuals(self, theta: FloatArray) -> Iterator[tuple[FloatArray, ...]]:
        x, y = _coordinates(theta)
        for i, k in enumerate((1.5, 2.25, 2.625), start=1):
            r = k - x * (1 - y**i)  # (1)
            r_x = -(1 - y**i)  # (2)
            r_y = i * x * y ** (i - 1)  # (3)
            r_xy = i * y ** (i - 1)  # (4)
            r_yy = i * (i - 1) * x * y ** max(i - 2, 0)  # (5) where i = 1 gives 0, also at y = 0
            yield r, r_x, r_y, r_xy, r_yy


@dataclass(frozen=True)
class Himmelblau:
    r"""Four minima of the same depth, 0: the start decides which is found.

    .. math::
        p &= x^2 + y - 11 \tag{1} \\
        q &= x + y^2 - 7 \tag{2} \\
        J &= p^2 + q^2 \tag{3} \\
        J_x &= 4 x p + 2 q \tag{4} \\
        J_y &= 2 p + 4 y q \tag{5} \\
        J_{xx} &= 4 p + 8 x^2 + 2 \tag{6} \\
        J_{xy} &= 4 x + 4 y \tag{7} \\
        J_{yy} &= 2 + 4 q + 8 y^2 \tag{8}

    References
    ----------
    Himmelblau (1972), "Applied Nonlinear Programming".

    Examples
    --------
    >>> float(Himmelblau().loss(np.array([3.0, 2.0])))
    0.0
    """

    name: ClassVar[str] = "Himmelblau"
    domain: ClassVar[Domain] = ((-6.0, 6.0), (-6.0, 6.0))
    minima: ClassVar[tuple[Point, ...]] = (
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.283185991286170),
        (3.584428340330492, -1.848126526964404),
    )
    start: ClassVar[Point] = (0.0, -1.0)

    @np.errstate(all="ignore")
    def loss(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return the height (3), of shape (...)."""
        p, q = self._residuals(theta)
        return p**2 + q**2  # (3)

    @np.errstate(all="ignore")
    def gradient(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return (4) and (5), of shape (..., 2)."""
        x, y = _coordinates(theta)
        p, q = self._residuals(theta)
        J_x = 4 * x * p + 2 * q  # (4)
        J_y = 2 * p + 4 * y * q  # (5)
        return _vector(theta, J_x, J_y)

    @np.errstate(all="ignore")
    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return (6) to (8), of shape (..., 2, 2)."""
        x, y = _coordinates(theta)
        p, q = self._residuals(theta)
        J_xx = 4 * p + 8 * x**2 + 2  # (6)
        J_xy = 4 * x + 4 * y  # (7)
        J_yy = 2 + 4 * q + 8 * y**2  # (8)
        return _matrix(theta, J_xx, J_xy, J_yy)

    def _residuals(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        x, y = _coordinates(theta)
        p = x**2 + y - 11  # (1)
        q = x + y**2 - 7  # (2)
        return p, q


@dataclass(frozen=True)
class Plateau:
    r"""A round bowl in a plain: far from the bowl the gradient vanishes.

    .. math::
        E &= e^{-U}, \quad U = (x^2 + y^2) / (2 w^2) \tag{1} \\
        J &= 1 - E = -(e^{-U} - 1) \tag{2} \\
        J_x &= x E / w^2 \tag{3} \\
        J_y &= y E / w^2 \tag{4} \\
        J_{xx} &= (E - x J_x) / w^2 \tag{5} \\
        J_{xy} &= -x J_y / w^2 \tag{6} \\
        J_{yy} &= (E - y J_y) / w^2 \tag{7}

    The loss is between 0, at the center, and 1.  The slope is steepest at the distance w.

    Parameters
    ----------
    width : float in [0.01, 100]
        w, in units of theta.

    Raises
    ------
    ValueError
        If `width` is outside of its range.

    Examples
    --------
    >>> Plateau().gradient(np.array([[1.0, 0.0], [10.0, 0.0]])).round(3).tolist()
    [[0.607, 0.0], [0.0, 0.0]]
    """

    width: float = 1.0

    name: ClassVar[str] = "Plateau"
    domain: ClassVar[Domain] = ((-4.0, 4.0), (-4.0, 4.0))
    minima: ClassVar[tuple[Point, ...]] = ((0.0, 0.0),)
    start: ClassVar[Point] = (-2.5, 2.0)

    def __post_init__(self) -> None:
        _keep_as_float(self, "width", "[0.01, 100]", "The usual value is 1.")

    @np.errstate(all="ignore")
    def loss(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return the height (2), of shape (...)."""
        return -np.expm1(-self._U(theta))  # (2)

    @np.errstate(all="ignore")
    def gradient(self, theta: FloatArray, batch: object = None) -> FloatArray:
        """Return (3) and (4), of shape (..., 2)."""
        x, y = _coordinates(theta)
        E = self._bump(theta)
        J_x = x * E / self.width**2  # (3)
        J_y = y * E / self.width**2  # (4)
        return _vector(theta, J_x, J_y)

    @np.errstate(all="ignore")
    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return (5) to (7), of shape (..., 2, 2)."""
        x, y = _coordinates(theta)
        E = self._bump(theta)
        J_x, J_y = np.moveaxis(self.gradient(theta), -1, 0)
        J_xx = (E - x * J_x) / self.width**2  # (5)
        J_xy = -x * J_y / self.width**2  # (6)
        J_yy = (E - y * J_y) / self.width**2  # (7)
        return _matrix(theta, J_xx, J_xy, J_yy)

    def _bump(self, theta: FloatArray) -> FloatArray:
        return np.exp(-self._U(theta))  # (1)

    def _U(self, theta: FloatArray) -> FloatArray:
        x, y = _coordinates(theta)
        return (x**2 + y**2) / (2 * self.width**2)


SURFACES: Mapping[str, type[Surface]] = MappingProxyType(
    {
        "Ravine": Ravine,
        "Saddle": Saddle,
        "Monkey saddle": MonkeySaddle,
        "Rosenbrock": Rosenbrock,
        "Beale": Beale,
        "Himmelblau": Himmelblau,
        "Plateau": Plateau,
    }
)
"""Each surface by its name; `SURFACES[name]()` has the usual settings."""


def _coordinates(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    check_array("theta", theta, "(..., 2)", "theta = (x, y): pass np.array([1.0, 2.0]).")
    return theta[..., 0], theta[..., 1]


def _vector(theta: FloatArray, x: Any, y: Any) -> FloatArray:
    """Return (..., 2) in the shape and dtype of theta."""
    vector = np.empty(theta.shape, theta.dtype)
    vector[..., 0], vector[..., 1] = x, y
    return vector


def _matrix(theta: FloatArray, xx: Any, xy: Any, yy: Any) -> FloatArray:
    """Return (..., 2, 2), symmetric, in the dtype of theta; numbers hold everywhere."""
    matrix = np.empty((*theta.shape, 2), theta.dtype)
    matrix[..., 0, 0], matrix[..., 1, 1] = xx, yy
    matrix[..., 0, 1] = matrix[..., 1, 0] = xy
    return matrix


def _keep_as_float(surface: object, name: str, interval: str, advice: str) -> None:
    """Check a setting and keep it as a Python float, which leaves float32 as it is."""
    value = getattr(surface, name)
    check_number(name, value, interval, advice, fits=())
    object.__setattr__(surface, name, float(value))

r"""Normalizing the inputs: features of one scale make the valley of the cost round."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dlhelpers.checks import check_array, check_flag, door, shown
from dlhelpers.minibatches import Batch
from dlhelpers.typing import BoolArray, FloatArray

_DTYPE_ADVICE = "Examples are rows of floats: pass X.astype(float)."


@dataclass(frozen=True, eq=False)
class Normalization:
    r"""What the training set says about each feature; apply the same to the dev and the test set.

    .. math::
        x_\text{norm} &= (x - \mu) / \sigma \tag{1} \\
        x &= \sigma x_\text{norm} + \mu \tag{2}

    Made by `fit`.

    Parameters
    ----------
    mean : (n_features,) float array
        mu, in the units of each feature.
    scale : (n_features,) float array
        sigma, the standard deviation, in the same units; above 0.

    Raises
    ------
    ValueError
        If `mean` or `scale` is not such an array, or they differ in length.

    Examples
    --------
    >>> normalization = Normalization(mean=np.array([10.0, 0.0]), scale=np.array([2.0, 0.5]))
    >>> normalization.apply(np.array([[12.0, 1.0]]))
    array([[1., 2.]])
    """

    mean: FloatArray
    scale: FloatArray

    def __post_init__(self) -> None:
        check_array("mean", self.mean, "(n_features,)", finite=True)
        check_array(
            "scale", self.scale, f"({len(self.mean)},)", "One for each feature, as mean.", finite=True
        )
        if not (self.scale > 0).all():
            feature = int(np.argmin(self.scale))
            raise ValueError(
                f"scale must be above 0; got {self.scale[feature]} for feature {feature}. "
                "For a constant feature, pass 1."
            )

    def apply(self, X: FloatArray) -> FloatArray:
        """Return the features with mean 0 and standard deviation 1 (on the set that was fitted).

        Parameters
        ----------
        X : (..., n_features) float array

        Returns
        -------
        (..., n_features) float array
            Of the dtype of `X`.

        Raises
        ------
        ValueError
            If `X` has another number of features, or holds NaN or infinity.
        """
        self._check(X)
        with np.errstate(over="ignore"):
            normalized = (X - self.mean) / self.scale  # (1)
            return np.asarray(normalized, dtype=X.dtype)

    def inverse(self, X: FloatArray) -> FloatArray:
        """Return the features in their own units again; arguments and errors are those of `apply`."""
        self._check(X)
        with np.errstate(over="ignore"):
            original = self.scale * X + self.mean  # (2)
            return np.asarray(original, dtype=X.dtype)

    def _check(self, X: FloatArray) -> None:
        n = len(self.mean)
        check_array("X", X, f"(..., {n})", f"The training set had {n} features, of floats.", finite=True)


def fit(X: FloatArray) -> Normalization:
    r"""Return the mean and the standard deviation of each feature of the training set.

    .. math::
        \mu &= \frac1m \sum_i x^{(i)} \tag{1} \\
        \sigma^2 &= \frac1m \sum_i (x^{(i)} - \mu)^2 \tag{2} \\
        \text{scale} &= \begin{cases} 1 & \text{for a constant feature} \\ \sigma & \text{else} \end{cases}
        \tag{3}

    A constant feature becomes 0.  One whose spread is no more than the rounding of its mean counts as
    constant, as in scikit-learn's StandardScaler.  Sums are float64, whatever the dtype of X.

    Parameters
    ----------
    X : (m, n_features) float array
        The training set only: the dev and the test set must not take part.

    Returns
    -------
    Normalization
        Of the dtype of `X`.

    Raises
    ------
    ValueError
        If `X` is empty, holds NaN or infinity, or numbers too large to be squared.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), "Efficient BackProp", section 4.3.

    Examples
    --------
    >>> X = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> normalization = fit(X)
    >>> normalization.mean, normalization.scale
    (array([2., 5.]), array([1., 1.]))
    >>> normalization.apply(X)
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    _check_examples(X)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = X.mean(axis=0, dtype=np.float64)  # (1)
        variance = ((X - mean) ** 2).mean(axis=0, dtype=np.float64)  # (2)
    _check_squares(X, variance)
    constant = _is_constant(mean, variance, len(X)) | (np.sqrt(variance).astype(X.dtype) == 0)
    scale = np.where(constant, 1, np.sqrt(variance))  # (3)
    mean = np.where(constant, X[0], mean)  # the value itself: its mean may be off by the last digit
    return Normalization(mean.astype(X.dtype), scale.astype(X.dtype))


def condition_number(X: FloatArray, *, bias: bool = True) -> float:
    r"""Return how much longer than wide the valley of linear regression on these features is, squared.

    The cost of linear regression, sum of squared errors / 2m, has the Hessian

    .. math::
        H &= \frac1m A^T A, \quad A = [X, \, 1] \tag{1} \\
        \kappa &= \lambda_{\max}(H) / \lambda_{\min}(H) \tag{2}

    1 is a round bowl.  The best constant learning rate of gradient descent needs about kappa / 2 steps to
    make the error e times smaller.  The eigenvalues of H are the squared singular values of A, divided
    by m; computed from these, kappa is right up to about 1e24.

    Parameters
    ----------
    X : (m, n_features) float array
    bias : bool
        True has the column of ones in A, for the bias; without it A = X.

    Returns
    -------
    float
        In float64, whatever the dtype of `X`; infinity when H is singular: a feature is constant (beside the
        bias), or a sum of others, or there are fewer examples than parameters.

    Raises
    ------
    ValueError
        If `X` is empty, or holds NaN or infinity, or `bias` is not a bool.

    Examples
    --------
    >>> X = np.array([[3.0, 1.0], [3.0, -1.0], [-3.0, 1.0], [-3.0, -1.0]])
    >>> round(condition_number(X), 6), round(condition_number(fit(X).apply(X)), 6)
    (9.0, 1.0)
    """
    _check_examples(X)
    check_flag("bias", bias)
    A = np.column_stack([X, np.ones(len(X))]) if bias else X
    A = A.astype(np.float64) / (np.abs(A).max() or 1.0)  # kappa does not see a common factor, nor 1/m
    m, n = A.shape
    roots = np.linalg.svd(A, compute_uv=False)  # (1) by its eigenvalues' roots, largest first
    if m < n or roots[-1] <= max(m, n) * np.finfo(np.float64).eps * roots[0]:
        return float("inf")
    return float((roots[0] / roots[-1]) ** 2)  # (2)


def _check_squares(X: FloatArray, variance: FloatArray) -> None:
    if not np.isfinite(variance).all():
        feature = int(np.argmax(~np.isfinite(variance)))
        raise ValueError(
            f"X must hold numbers that can be squared; got {np.abs(X[:, feature]).max()} "
            f"in feature {feature}. Measure this feature in a larger unit."
        )


def _is_constant(mean: FloatArray, variance: FloatArray, m: int) -> BoolArray:
    """Return where the variance is no more than the rounding of (1) and (2) makes it.

    References
    ----------
    Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance: analysis and
    recommendations".
    """
    eps = float(np.finfo(np.float64).eps)
    with np.errstate(over="ignore"):
        return np.asarray(variance <= (m * eps * mean) ** 2)


def _check_examples(X: Any) -> None:
    check_array("X", X, "(m, n_features)", _DTYPE_ADVICE, finite=True)
    if X.size == 0:
        raise ValueError(f"X must hold at least one example of one feature; got shape {X.shape}.")


# The valley that a normalization makes round --------------------------------------------------------


def _check_batch(batch: Batch) -> None:
    if not isinstance(batch, Batch):
        raise ValueError(f"batch must be a Batch; got {shown(batch)}. Pass Batch(X, Y).")
    _check_examples(batch.X)


def _check_regression(cost: "LeastSquares", theta: FloatArray, batch: Batch) -> None:
    _check_batch(batch)
    m, n = batch.X.shape
    check_array("Y", batch.Y, f"({m}, 1)", "One target for each example.", finite=True)
    check_array("theta", theta, f"(..., {n})", "One weight for each feature.")


@dataclass(frozen=True)
class LeastSquares:
    r"""The cost of linear regression without a bias: with two weights it can be drawn.

    .. math::
        J &= \frac{1}{2m} \sum_i (w \cdot x^{(i)} - y^{(i)})^2 \tag{4} \\
        \nabla J &= \frac1m X^T (X w - y) \tag{5} \\
        H &= \frac1m X^T X \tag{6}

    It can be trained by `training.descend`; theta is w.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 5.1.4.

    Examples
    --------
    >>> batch = Batch(np.array([[1.0, 0.0], [1.0, 2.0]]), np.array([[1.0], [3.0]]))
    >>> LeastSquares().loss(np.array([1.0, 0.0]), batch)
    np.float64(1.0)
    """

    @door(_check_regression)
    def loss(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return (4), of shape (...).

        Parameters
        ----------
        theta : (..., n) float array
        batch : Batch
            X of shape (m, n) and Y of shape (m, 1).

        Raises
        ------
        ValueError
            If an argument is not as described; so do the other methods.
        """
        errors: FloatArray = theta @ batch.X.T - batch.Y[:, 0]
        return np.square(errors).mean(axis=-1) / 2  # (4)

    @door(_check_regression)
    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return (5), in the shape of theta; arguments as in `loss`."""
        errors: FloatArray = theta @ batch.X.T - batch.Y[:, 0]
        return errors @ batch.X / len(batch.X)  # (5)

    @np.errstate(all="ignore")
    def hessian(self, batch: Batch) -> FloatArray:
        """Return (6), of shape (n, n): the same for every theta."""
        _check_batch(batch)
        return batch.X.T @ batch.X / len(batch.X)  # (6)


class BestRate(NamedTuple):
    """The constant learning rate that suits a quadratic cost best.

    Attributes
    ----------
    rate : float
    factor : float
        What each step leaves of the distance to the minimum, in the steepest and in the flattest direction.
    """

    rate: float
    factor: float


def best_rate(H: FloatArray) -> BestRate:
    r"""Return the learning rate at which gradient descent on a quadratic cost converges fastest.

    Along the eigenvector of :math:`\lambda`, each step multiplies the distance to the minimum by
    :math:`1 - \alpha \lambda`.  The best rate makes this equally small in the steepest and in the flattest
    direction, with opposite signs:

    .. math::
        \alpha &= \frac{2}{\lambda_{\max} + \lambda_{\min}} \tag{7} \\
        \rho &= \frac{\lambda_{\max} - \lambda_{\min}}{\lambda_{\max} + \lambda_{\min}}
            = \frac{\kappa - 1}{\kappa + 1} \tag{8}

    Parameters
    ----------
    H : (n, n) float array
        The Hessian: symmetric, with positive eigenvalues.

    Returns
    -------
    BestRate

    Raises
    ------
    ValueError
        If `H` is not such an array.

    References
    ----------
    Nocedal & Wright (2006), "Numerical optimization", section 3.3, for the part that kappa plays.

    Examples
    --------
    >>> best_rate(np.diag([9.0, 1.0]))
    BestRate(rate=0.2, factor=0.8)
    """
    _check_hessian(H)
    eigenvalues = np.linalg.eigvalsh(H.astype(np.float64))
    low, high = float(eigenvalues.min()), float(eigenvalues.max())
    rate = 2 / (high + low)  # (7)
    factor = (high - low) / (high + low)  # (8)
    return BestRate(rate, factor)


def _check_hessian(H: FloatArray) -> None:
    check_array("H", H, "(n, n)", "Pass LeastSquares().hessian(batch).", finite=True)
    square = H.shape[0] == H.shape[1] and H.size > 0
    with np.errstate(all="ignore"):
        symmetric = square and np.abs(H - H.T).max() <= 1e-6 * H.max()
        values = np.linalg.eigvalsh(H.astype(np.float64)) if symmetric else np.zeros(1)
        fits = values[0] > 0 and np.isfinite(values[0] + values[-1])
    if not fits:
        raise ValueError(
            f"H must be symmetric with positive eigenvalues; got {shown(H)}. "
            "A feature that is constant 0, or a sum of others, gives an eigenvalue of 0: leave it out."
        )

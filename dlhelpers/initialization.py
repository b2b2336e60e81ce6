r"""The first values of the weights.

An initializer is a function of a random generator and the shape (..., n_out, n_in) of a weight matrix.
To fix its other arguments, use `functools.partial(normal, scale=0.1)`.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dlhelpers.checks import check_array, check_choice, check_integer, check_number, check_rng, shown
from dlhelpers.parameters import Layout
from dlhelpers.typing import FloatArray

Initializer = Callable[..., FloatArray]


def zeros(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Return W = 0: all units of a layer then compute the same, and stay the same.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (..., n_out, n_in)

    Returns
    -------
    float64 array of this shape

    Raises
    ------
    ValueError
        If an argument is not as described; so do all initializers.
    """
    _fans(rng, shape)
    return np.zeros(shape)


def constant(rng: np.random.Generator, shape: tuple[int, ...], value: float | FloatArray = 0.5) -> FloatArray:
    """Return W = value everywhere; like `zeros`, it keeps the units of a layer alike.

    Parameters
    ----------
    rng, shape
        As in `zeros`.
    value : float
        Or an array that broadcasts to `shape`, such as (K, 1, 1) for a population.

    Returns
    -------
    float64 array of this shape

    Raises
    ------
    ValueError
        As `zeros`.
    """
    _fans(rng, shape)
    check_number("value", value, "(-inf, inf)", fits=shape)
    return np.full(shape, value, dtype=np.float64)


@np.errstate(over="ignore")
def normal(rng: np.random.Generator, shape: tuple[int, ...], scale: float | FloatArray = 0.01) -> FloatArray:
    r"""Return weights of one standard deviation, whatever the size of the layer.

    .. math:: W \sim N(0, \text{scale}^2) \tag{1}

    Parameters
    ----------
    rng, shape
        As in `zeros`.
    scale : float >= 0
        Or an array that broadcasts to `shape`, such as (K, 1, 1) for a population.

    Returns
    -------
    float64 array of this shape

    Raises
    ------
    ValueError
        As `zeros`.
    """
    _fans(rng, shape)
    check_number("scale", scale, "[0, inf)", "It is the standard deviation of the weights.", fits=shape)
    return scale * rng.standard_normal(shape)  # (1)


def lecun_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    r"""Return weights that keep the variance of the signal where the activation is nearly linear.

    .. math:: W \sim N(0, 1 / n_{in}) \tag{1}

    For tanh.  The notes call this Xavier; Glorot's own formula has both sizes in it.

    Arguments as in `zeros`.

    References
    ----------
    LeCun, Bottou, Orr & Mueller (1998), "Efficient backprop", section 4.6.
    """
    n_in, _ = _fans(rng, shape)
    return rng.standard_normal(shape) * np.sqrt(1 / n_in)  # (1)


def glorot_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    r"""Return weights between what keeps the signal forward, 1/n_in, and the gradient backward, 1/n_out.

    .. math:: W \sim N(0, 2 / (n_{in} + n_{out})) \tag{1}

    Arguments as in `zeros`.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks", equation 12.
    """
    n_in, n_out = _fans(rng, shape)
    return rng.standard_normal(shape) * np.sqrt(2 / (n_in + n_out))  # (1)


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    r"""Return uniform weights with the variance of `glorot_normal`.

    .. math::
        a &= \sqrt{6 / (n_{in} + n_{out})} \tag{1} \\
        W &\sim \text{uniform on } [-a, a) \tag{2}

    Arguments as in `zeros`.

    References
    ----------
    Glorot & Bengio (2010), equation 16.
    """
    n_in, n_out = _fans(rng, shape)
    a = np.sqrt(6 / (n_in + n_out))  # (1)
    return rng.uniform(-a, a, shape)  # (2)


def he_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    r"""Return weights that keep the signal through ReLU, which passes half of it.

    .. math:: W \sim N(0, 2 / n_{in}) \tag{1}

    Arguments as in `zeros`.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers", equation 10.
    """
    n_in, _ = _fans(rng, shape)
    return rng.standard_normal(shape) * np.sqrt(2 / n_in)  # (1)


def orthogonal(
    rng: np.random.Generator, shape: tuple[int, ...], gain: float | FloatArray = 1.0
) -> FloatArray:
    r"""Return weights whose rows, or columns if there are fewer, have length `gain` and right angles.

    .. math:: G = Q R, \quad W = \text{gain} \cdot Q \, \text{sign}(\text{diag} R) \tag{1}

    G is random normal, with as many columns as the smaller side of W; with fewer rows than columns, W is
    transposed.  The signs make every orthogonal matrix equally likely.

    Parameters
    ----------
    rng, shape
        As in `zeros`.
    gain : float > 0
        Or an array that broadcasts to (..., 1, 1), for a population.

    Returns
    -------
    float64 array of this shape

    Raises
    ------
    ValueError
        As `zeros`.

    References
    ----------
    Saxe, McClelland & Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks".
    """
    n_in, n_out = _fans(rng, shape)
    check_number("gain", gain, "(0, inf)", "1 keeps the length of a signal.", fits=(*shape[:-2], 1, 1))
    G = rng.standard_normal((*shape[:-2], max(n_in, n_out), min(n_in, n_out)))
    Q, R = np.linalg.qr(G)
    W = gain * Q * np.sign(np.diagonal(R, axis1=-2, axis2=-1))[..., None, :]  # (1)
    return W if n_out >= n_in else W.swapaxes(-1, -2)


INITIALIZERS: Mapping[str, Initializer] = {
    "zeros": zeros,
    "constant": constant,
    "normal": normal,
    "lecun_normal": lecun_normal,
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he_normal": he_normal,
    "orthogonal": orthogonal,
}

RECOMMENDED: Mapping[str, str] = {
    "linear": "lecun_normal",
    "sigmoid": "lecun_normal",
    "tanh": "lecun_normal",
    "relu": "he_normal",
    "leaky_relu": "he_normal",
    "softplus": "lecun_normal",
    "gelu": "he_normal",
}
"""Which initializer goes with which activation: twice the variance where half of the signal is cut off."""


def initialize(
    layout: Layout,
    activations: str | Sequence[str],
    rng: np.random.Generator,
    population: int | None = None,
    initializer: str | Initializer | None = None,
) -> FloatArray:
    r"""Return a first theta: random weights W, biases b and beta of 0, gamma of 1.

    Parameters
    ----------
    layout : Layout
    activations : str, or one for each hidden layer
        They choose the initializer, by `RECOMMENDED`; the last layer goes with the one before it.
    rng : numpy.random.Generator
    population : int, optional
        K, for a theta of shape (K, P) with K different networks.
    initializer : str or function, optional
        A key of `INITIALIZERS`, or a function such as `partial(normal, scale=0.1)`, for all layers.

    Returns
    -------
    (P,) or (K, P) float64 array

    Raises
    ------
    ValueError
        If an argument is not as described, or an initializer returns another shape.

    Examples
    --------
    >>> from dlhelpers.parameters import dense_layout
    >>> theta = initialize(dense_layout((100, 50, 1)), "relu", np.random.default_rng(0))
    >>> float(dense_layout((100, 50, 1)).views(theta)["W1"].std().round(2))  # sqrt(2 / 100) is 0.14
    0.14
    """
    if not isinstance(layout, Layout):
        raise ValueError(f"layout must be a Layout; got {shown(layout)}. Pass network.layout.")
    check_rng(rng)
    if population is not None:
        check_integer("population", population, "[1, inf)", "It is the number of networks.")
    theta = np.zeros((layout.size,) if population is None else (population, layout.size))
    views = layout.views(theta)
    weights = [name for name in views if name.startswith("W")]
    each = _for_each_layer(activations, len(weights))
    for name, activation in zip(weights, each, strict=True):
        views[name][...] = _initial(rng, views[name].shape, activation, initializer)
    for name, values in views.items():
        if name.startswith("gamma"):
            values[...] = 1
    return theta


def _for_each_layer(activations: str | Sequence[str], n_layers: int) -> list[str]:
    """Return one name for each weight matrix; the last layer gets that of the layer before it."""
    if isinstance(activations, str):
        names = [activations] * n_layers
    elif isinstance(activations, list | tuple) and len(activations) == max(n_layers - 1, 0):
        names = [*activations, activations[-1] if activations else "linear"][:n_layers]
    else:
        raise ValueError(
            "activations must be a name, or one for each hidden layer in a tuple; "
            f"got {shown(activations)} for a network of {n_layers} layers."
        )
    for name in names:
        check_choice("each name in activations", name, RECOMMENDED)
    return names


def _initial(
    rng: np.random.Generator, shape: tuple[int, ...], activation: str, initializer: str | Initializer | None
) -> FloatArray:
    if callable(initializer):
        W = initializer(rng, shape)
        check_array("the weights that initializer returns", W, "(..., n_out, n_in)", finite=True)
        if W.shape != shape:
            raise ValueError(f"initializer must return weights of shape {shape}; got {W.shape}.")
        return W
    name = RECOMMENDED[activation] if initializer is None else initializer
    check_choice("initializer", name, INITIALIZERS, "Or pass a function of rng and shape.")
    return INITIALIZERS[name](rng, shape)


def _fans(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[int, int]:
    """Check the arguments; return n_in and n_out."""
    check_rng(rng)
    if not isinstance(shape, tuple) or len(shape) < 2:
        raise ValueError(f"shape must be a tuple (..., n_out, n_in); got {shown(shape)}.")
    for n in shape:
        check_integer("each number in shape", n, "[1, inf)", "Pass (n_out, n_in).")
    return shape[-1], shape[-2]

r"""The first values of the weights.

An initializer is a function of a random generator and the shape (..., n_out, n_in) of a weight matrix.
To fix its other arguments, use `functools.partial(normal, scale=0.1)`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dlhelpers.activations import ACTIVATIONS, ACTIVATIONS_INSIDE
from dlhelpers.checks import (
    broadcasts,
    check_array,
    check_choice,
    check_integer,
    check_number,
    check_rng,
    door,
    shown,
)
from dlhelpers.norms import power_of_two, root_mean_square
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

    .. math:: W \sim N(0, 1 / n_{in}) \tag{11}

    For tanh.  The notes call this Xavier; Glorot's own formula has both sizes in it.

    Arguments as in `zeros`.

    References
    ----------
    LeCun, Bottou, Orr & Mueller (1998), "Efficient backprop", section 4.6.
    """
    n_in, _ = _fans(rng, shape)
    return rng.standard_normal(shape) * np.sqrt(1 / n_in)  # (11)


def glorot_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    r"""Return weights between what keeps the signal forward, 1/n_in, and the gradient backward, 1/n_out.

    .. math:: W \sim N(0, 2 / (n_{in} + n_{out})) \tag{12}

    Arguments as in `zeros`.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks", equation 12.
    """
    n_in, n_out = _fans(rng, shape)
    return rng.standard_normal(shape) * np.sqrt(2 / (n_in + n_out))  # (12)


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

    .. math:: W \sim N(0, 2 / n_{in}) \tag{13}

    Arguments as in `zeros`.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers", equation 10.
    """
    n_in, _ = _fans(rng, shape)
    return rng.standard_normal(shape) * np.sqrt(2 / n_in)  # (13)


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


# What depth does to a signal and to a gradient ------------------------------------------------------


class Signals(NamedTuple):
    """The sizes of the signal that goes up and of the gradient that comes down, for each layer.

    A size is a root mean square over the units.

    Attributes
    ----------
    activations : (..., L) float array
        Of a, in the layers 1 to L.
    gradients : (..., L) float array
        Of dJ/dz, in the layers 1 to L.
    """

    activations: FloatArray
    gradients: FloatArray


def _check_depth(V: FloatArray, x: FloatArray, top: FloatArray, activation: str, gain: float = 1.0) -> None:
    check_array("V", V, "(L, ..., n, n)", "Pass the weights of each layer on the first axis.", finite=True)
    if V.shape[-1] != V.shape[-2] or V.size == 0:
        raise ValueError(f"V must be an array of shape (L, ..., n, n); got shape {V.shape}.")
    for name, value in (("x", x), ("top", top)):
        check_array(name, value, f"(..., {V.shape[-1]})", "One number for each unit.", finite=True)
    if x.shape != top.shape or x.size == 0 or not broadcasts(V.shape[1:-2], x.shape[:-1]):
        raise ValueError(
            f"x and top must have the same shape, one row for each network; got {x.shape} and {top.shape} "
            f"for weights of shape {V.shape}."
        )
    check_choice("activation", activation, ACTIVATIONS)
    check_number("gain", gain, "[0, 1e6]", "1 leaves V as it is.", fits=())


@door(_check_depth)
def propagate(V: FloatArray, x: FloatArray, top: FloatArray, activation: str, gain: float = 1.0) -> Signals:
    r"""Send a signal up through L layers of the same width, and a gradient down; measure both in each layer.

    The weights are :math:`W^{[l]} = g V^{[l]}`, with :math:`a^{[0]} = x`, and the gradient
    :math:`da^{[L]}` at the top is given.

    .. math::
        z^{[l]} &= g V^{[l]} a^{[l-1]} \tag{1} \\
        a^{[l]} &= \varphi(z^{[l]}) \tag{2} \\
        dz^{[l]} &= da^{[l]} \odot \varphi'(z^{[l]}) \tag{3} \\
        da^{[l-1]} &= g V^{[l]T} dz^{[l]} \tag{4} \\
        \text{size}(v) &= \sqrt{\operatorname{mean}_i v_i^2} \tag{5}

    Parameters
    ----------
    V : (L, ..., n, n) float array
        The weights of each layer, for a gain of 1; a middle axis is a population.
    x, top : (..., n) float array
        What goes in at the bottom, and the gradient that arrives at the top.
    activation : str
        A key of `activations.ACTIVATIONS`.
    gain : float in [0, 1e6]
        g.

    Returns
    -------
    Signals

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    Two linear layers that double:

    >>> V = np.array([[[2.0]], [[2.0]]])
    >>> propagate(V, np.array([1.0]), np.array([1.0]), "linear")
    Signals(activations=array([2., 4.]), gradients=array([2., 1.]))
    """
    phi, phi_prime = ACTIVATIONS_INSIDE[activation]
    a, zs, activations, gradients = x[..., None], [], [], []
    for V_l in V:
        z = gain * (V_l @ a)  # (1)
        a = phi(z)  # (2)
        zs.append(z)
        activations.append(a)
    da = top[..., None]
    for V_l, z, a in zip(V[::-1], zs[::-1], activations[::-1], strict=True):
        dz = da * phi_prime(z, a)  # (3)
        da = gain * (V_l.swapaxes(-1, -2) @ dz)  # (4)
        gradients.append(dz)
    sizes = (
        root_mean_square(np.stack(layers, axis=-3), axis=(-2, -1))  # (5)
        for layers in (activations, gradients[::-1])
    )
    return Signals(*sizes)


def predict_signals(activation: str, gain: float, n_layers: int, size: float = 1.0) -> Signals:
    r"""Return the sizes that theory expects for random weights of variance g^2 / n, in wide layers.

    With :math:`\operatorname{Var}[z] = n \operatorname{Var}[w] \operatorname{E}[a^2]`, z is normal with the
    variance q, and :math:`\xi` is standard normal:

    .. math::
        q^{[l]} &= g^2 s_{l-1}^2 \tag{7} \\
        s_l^2 &= \operatorname{E}\,\varphi(\sqrt{q^{[l]}} \, \xi)^2 \tag{8} \\
        c_l^2 &= \operatorname{E}\,\varphi'(\sqrt{q^{[l]}} \, \xi)^2 \tag{9} \\
        d_l &= c_l \cdot g \, d_{l+1}, \quad d_L = c_L \tag{10}

    s is the size of the activations, with the size of the input as s_0; d is that of dJ/dz when the gradient
    that arrives at the top has size 1.  The means are sums over 2,000 values of xi between -8 and 8.

    Parameters
    ----------
    activation : str
        A key of `activations.ACTIVATIONS`.
    gain : float in [0, 1e3]
        g: the standard deviation of the weights is g / sqrt(n).
    n_layers : int in [1, 1000]
        L.
    size : float in [0, 1e6]
        Root mean square of the inputs.

    Returns
    -------
    Signals
        Of (L,) arrays.

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli (2016), "Exponential expressivity in deep neural networks
    through transient chaos".
    Schoenholz, Gilmer, Ganguli & Sohl-Dickstein (2017), "Deep information propagation".

    Examples
    --------
    ReLU passes half of the mean square, so a gain of sqrt(2) keeps it:

    >>> predict_signals("relu", 2**0.5, 3).activations.round(6)
    array([1., 1., 1.])
    """
    check_choice("activation", activation, ACTIVATIONS)
    check_number("gain", gain, "[0, 1e3]", "1 keeps the signal of a linear layer.", fits=())
    check_integer("n_layers", n_layers, "[1, 1000]", "It is the depth.")
    check_number("size", size, "[0, 1e6]", "1 is that of normalized inputs.", fits=())
    phi, phi_prime = ACTIVATIONS_INSIDE[activation]
    xi = np.linspace(-8, 8, 2000)
    density = np.exp(-(xi**2) / 2) / np.exp(-(xi**2) / 2).sum()
    s, c = np.empty(n_layers), np.empty(n_layers)
    before = np.float64(size)
    with np.errstate(all="ignore"):
        for layer in range(n_layers):
            root_q = gain * before  # (7), before it is squared: a small square is 0
            z = root_q * xi
            a = phi(z)
            unit = power_of_two(a)
            s[layer] = before = unit[0] * np.sqrt(density @ (a / unit) ** 2)  # (8)
            c[layer] = np.sqrt(density @ phi_prime(z, a) ** 2)  # (9)
        d = c.copy()
        for layer in range(n_layers - 2, -1, -1):
            d[layer] = c[layer] * gain * d[layer + 1]  # (10)
    return Signals(s, d)


def factor_per_layer(sizes: FloatArray) -> FloatArray:
    r"""Return by which factor a size changes from one layer to the next, as a geometric mean.

    .. math:: f = (s_L / s_1)^{1 / (L - 1)} = \frac{s_L^{1 / (L - 1)}}{s_1^{1 / (L - 1)}} \tag{1}

    The second form is computed: the ratio of sizes a thousand layers apart may be no float.

    Parameters
    ----------
    sizes : (..., L) float array
        Two layers or more; from the first to the last, or, for gradients, from the last to the first.

    Returns
    -------
    (...) float array
        0 where the signal has died.

    Raises
    ------
    ValueError
        If `sizes` is something else, or holds a negative number.

    Examples
    --------
    >>> factor_per_layer(np.array([1.0, 3.0, 4.0]))
    np.float64(2.0)
    """
    check_array("sizes", sizes, "(..., L)", "Pass signals.activations.")
    L = sizes.shape[-1]
    if L < 2 or not np.all(sizes >= 0):
        raise ValueError(f"sizes must hold two sizes or more, none below 0; got {shown(sizes)}.")
    first, last = sizes[..., 0], sizes[..., -1]
    with np.errstate(all="ignore"):
        factor = last ** (1 / (L - 1)) / first ** (1 / (L - 1))  # (1)
    return np.where(first > 0, factor, 0.0)[()]

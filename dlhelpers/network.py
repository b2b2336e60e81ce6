r"""A fully connected network: predictions, cost and gradient as functions of theta.

Rows come in and go out: X has shape (m, n_features).  Inside, an example is a column, as in the
notes, and one layer reads Z = W A + b.  The same lines serve one network, theta of shape (P,), and a
population of K networks, theta of shape (K, P): `@` then multiplies K matrices at once.

What differs between training and use is data, not a switch: a batch with draws has dropout, and
running statistics turn batch normalization from the batch's own mean and variance to collected ones.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from dlhelpers import batch_normalization
from dlhelpers.activations import ACTIVATIONS, ACTIVATIONS_INSIDE
from dlhelpers.batch_normalization import BatchNormalization, Normalized
from dlhelpers.checks import check_array, check_choice, check_flag, check_integer, door, inside, shown
from dlhelpers.dropout import check_keep_prob, keep_mask
from dlhelpers.initialization import Initializer, initialize
from dlhelpers.losses import LOSSES, LOSSES_INSIDE, check_labels
from dlhelpers.minibatches import Batch
from dlhelpers.parameters import Layout, check_sizes, dense_layout, statistics_layout
from dlhelpers.scratch import scratch
from dlhelpers.typing import FloatArray

KeepProb = float | FloatArray
"""A share, or (K, 1, 1) shares for a population."""


class Layer(NamedTuple):
    """What one layer computed in the forward pass; columns are examples.

    Attributes
    ----------
    A_in : (..., n_in, m) float array
        What came in.
    Z, A : (..., n_out, m) float array
        Before and after the activation; A before dropout.
    normalized : Normalized or None
        The parts of batch normalization.
    mask : (..., n_out, m) float array or None
        The factors of dropout.
    """

    A_in: FloatArray
    Z: FloatArray
    A: FloatArray
    normalized: Normalized | None
    mask: FloatArray | None


class Trace(NamedTuple):
    """Forward and backward pass, layer by layer; index 0 is layer 1, the last one gives the logits.

    Attributes
    ----------
    Z, A, dZ : tuple of (..., n_l, m) float array
        Pre-activation, activation before dropout (of the last layer: the logits again) and dJ/dZ.
    gradient : (..., P) float array
    A_out : tuple of (..., n_l, m) float array
        What goes on to the next layer: the activation after dropout, the same as A where there is none.
    """

    Z: tuple[FloatArray, ...]
    A: tuple[FloatArray, ...]
    dZ: tuple[FloatArray, ...]
    gradient: FloatArray
    A_out: tuple[FloatArray, ...] = ()


class Spread(NamedTuple):
    """How the numbers of each layer are spread, over its units and the examples.

    Attributes
    ----------
    mean, std, low, high : (..., n_layers) float array
        Mean, standard deviation, and the ends between which 90% of the numbers lie.
    """

    mean: FloatArray
    std: FloatArray
    low: FloatArray
    high: FloatArray


def layer_statistics(layers: tuple[FloatArray, ...]) -> Spread:
    """Return the spread of the numbers of each layer, to draw one band over the depth.

    Parameters
    ----------
    layers : tuple of (..., n_l, m) float array
        For instance `trace.A`, or `trace.dZ` for the gradients.

    Returns
    -------
    Spread

    Raises
    ------
    ValueError
        If `layers` is no tuple of such arrays.

    Examples
    --------
    >>> spread = layer_statistics((np.array([[1.0, 3.0]]), np.array([[4.0, 4.0]])))
    >>> spread.mean, spread.std
    (array([2., 4.]), array([1., 0.]))
    """
    if not isinstance(layers, tuple) or not layers:
        raise ValueError(f"layers must be a tuple of arrays; got {shown(layers)}. Pass trace.A or trace.dZ.")
    for layer in layers:
        check_array("each of layers", layer, "(..., n_l, m)", "Units are rows, examples are columns.")
        if layer.size == 0:
            raise ValueError(f"each of layers must hold numbers; got shape {layer.shape}.")
    flat = [layer.reshape(*layer.shape[:-2], -1) for layer in layers]
    with np.errstate(all="ignore"):
        mean, std = (np.stack([f(layer, axis=-1) for layer in flat], axis=-1) for f in (np.mean, np.std))
        low, high = (
            np.stack([np.quantile(layer, share, axis=-1) for layer in flat], axis=-1)
            for share in (0.05, 0.95)
        )
    return Spread(mean, std, low, high)


# Checks: each function has the arguments of the methods whose door it guards ------------------------


def _check_use(
    network: "Network",
    theta: FloatArray,
    X: FloatArray,
    statistics: FloatArray | None = None,
    draws: tuple[FloatArray, ...] | None = None,
) -> None:
    check_array("X", X, "(..., m, n_features)", "Examples are rows.", finite=True)
    if network.batch_norm is not None and statistics is None:
        raise ValueError(
            "predict must have the running statistics of a network with batch normalization; got none. "
            "Pass step.statistics of the training run, or network.batch_statistics(theta, training_set)."
        )
    _check_input(network, theta, X, draws, statistics)


def _check_loss(
    network: "Network", theta: FloatArray, batch: Batch, statistics: FloatArray | None = None
) -> None:
    _check_batch(batch)
    _check_input(network, theta, batch.X, batch.draws, statistics)
    _check_targets(network, theta, batch)


def check_training(network: "Network", theta: FloatArray, batch: Batch, with_loss: bool = True) -> None:
    """Raise ValueError unless `network` has a gradient at `theta` and `batch`; see `Network.gradient`."""
    if not isinstance(network, Network):
        raise ValueError(f"network must be a Network; got {shown(network)}. Pass Network(sizes).")
    check_flag("with_loss", with_loss)
    _check_batch(batch)
    if network.drops and batch.draws is None:
        raise ValueError(
            "batch must hold draws for dropout when keep_prob is below 1; got none. Wrap the batches: "
            "with_draws(batches, network.sizes, rng). To train without dropout, set keep_prob=1."
        )
    _check_input(network, theta, batch.X, batch.draws)
    _check_targets(network, theta, batch)
    dropped = [] if batch.draws is None else [*batch.draws, *network.keep_probs]
    for leads in {batch.X.shape[:-2], *(np.shape(each)[:-2] for each in dropped)} - {(), theta.shape[:-1]}:
        raise ValueError(
            "theta must have shape (K, P) when X, Y, draws or keep_prob differ between K networks; got "
            f"shape {theta.shape} for {leads[0]} networks. Pass a theta for each of them."
        )


def _check_statistics_of(network: "Network", theta: FloatArray, batch: Batch) -> None:
    if network.batch_norm is None:
        raise ValueError(
            "batch_statistics needs a network with batch normalization; got batch_norm=None. "
            "Make it with Network(..., batch_norm=BatchNormalization())."
        )
    _check_loss(network, theta, batch)


def _check_update(network: "Network", statistics: FloatArray, theta: FloatArray, batch: Batch) -> None:
    _check_statistics_of(network, theta, batch)
    _check_statistics(network, statistics, theta)


def check_training_with_statistics(
    network: "Network", theta: FloatArray, batch: Batch, statistics: FloatArray
) -> None:
    """Raise ValueError unless `network.gradient_and_statistics` can be asked for; its arguments."""
    check_training(network, theta, batch)
    _check_update(network, statistics, theta, batch)


def _check_batch(batch: Batch) -> None:
    if not isinstance(batch, Batch):
        raise ValueError(f"batch must be a Batch; got {type(batch).__name__}. Pass Batch(X, Y).")
    check_array("Y", batch.Y, "(..., m, n_out)", "Examples are rows.", kind="number")


def _check_targets(network: "Network", theta: FloatArray, batch: Batch) -> None:
    """Raise unless Y has a target for each of the logits."""
    Y, n_out = batch.Y, network.sizes[-1]
    leads = {theta.shape[:-1], batch.X.shape[:-2], *(draw.shape[:-2] for draw in batch.draws or ()), ()}
    if Y.shape[-2:] != (batch.X.shape[-2], n_out) or Y.shape[:-2] not in leads:
        raise ValueError(
            f"Y must have shape {(batch.X.shape[-2], n_out)}, a row of {n_out} for each row of X; got shape "
            f"{Y.shape}. If examples are its columns, pass Y.T; for class numbers, one_hot(y, n_classes)."
        )
    if network.loss_name == "softmax_cross_entropy":
        check_labels(Y, axis=-1)


def _check_input(
    network: "Network",
    theta: FloatArray,
    X: FloatArray,
    draws: tuple[FloatArray, ...] | None,
    statistics: FloatArray | None = None,
) -> None:
    network.layout.views(theta)
    check_array("X", X, "(..., m, n_features)", "Examples are rows.", kind="number")
    if X.shape[-1] != network.sizes[0] or X.shape[-2] == 0:
        raise ValueError(
            f"X must have {network.sizes[0]} columns, one for each feature, and 1 or more rows; got shape "
            f"{X.shape}. If examples are its columns, pass X.T."
        )
    if draws is None:
        draws = ()
    elif not isinstance(draws, tuple) or [np.shape(draw)[-2:] for draw in draws] != [
        (n_units, X.shape[-2]) for n_units in network.sizes[1:-1]
    ]:
        raise ValueError(
            f"draws must be a tuple with an array (n_units, m) for each of the hidden layers "
            f"{network.sizes[1:-1]}, for m = {X.shape[-2]}; got {_shapes(draws)}. "
            "Make them with dropout.draw_uniform."
        )
    for draw in draws:
        check_array("each of draws", draw, "(..., n_units, m)")
    populations = {theta.shape[:-1], X.shape[:-2], *(draw.shape[:-2] for draw in draws)} - {()}
    if len(populations) > 1:
        raise ValueError(
            f"theta, X and draws must be for the same networks; got theta of shape {theta.shape}, X of "
            f"shape {X.shape} and draws of shapes {_shapes(draws)}. The first axis is K, one for each."
        )
    if statistics is not None:
        _check_statistics(network, statistics, theta)


def _check_statistics(network: "Network", statistics: FloatArray, theta: FloatArray) -> None:
    check_array("statistics", statistics, "(..., S)", "Start with network.initial_statistics().")
    size = network.statistics_layout.size
    if statistics.shape not in ((size,), (*theta.shape[:-1], size)):
        raise ValueError(
            f"statistics must have {size} entries on the last axis, mean and variance of each hidden "
            f"unit, and belong to theta; got shape {statistics.shape} for theta of shape {theta.shape}. "
            "Start with network.initial_statistics()."
        )


def _shapes(draws: Any) -> str:
    """Name what came as draws, in one line."""
    return shown([np.shape(draw) for draw in draws]) if isinstance(draws, tuple) else type(draws).__name__


# The network ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Network:
    r"""A fully connected network.

    Forward, with :math:`A^{[0]} = X^T`:

    .. math::
        Z^{[l]} &= W^{[l]} A^{[l-1]} + b^{[l]} \tag{1} \\
        A^{[l]} &= g(Z^{[l]}) \tag{2} \\
        A^{[l]} &\leftarrow A^{[l]} \odot D^{[l]} / p \tag{3}

    The last layer has no g; (3) is dropout.  Backward, from
    :math:`dZ^{[L]} = \partial J / \partial Z^{[L]}`:

    .. math::
        db^{[l]} &= \textstyle\sum_i dZ^{[l](i)} \tag{5} \\
        dW^{[l]} &= dZ^{[l]} A^{[l-1]T} \tag{4} \\
        dA^{[l-1]} &= W^{[l]T} dZ^{[l]} \tag{6} \\
        dA^{[l-1]} &\leftarrow dA^{[l-1]} \odot D^{[l-1]} / p \tag{7} \\
        dZ^{[l-1]} &= dA^{[l-1]} \odot g'(Z^{[l-1]}) \tag{8}

    The mean over examples, 1/m, is in the gradient of the loss, so it stands in none of these lines.
    With batch normalization, hidden layers have gamma and beta instead of b.

    Parameters
    ----------
    sizes : tuple of int >= 1
        (n_features, hidden units ..., n_out).
    activation : str, or a tuple with one for each hidden layer
        Keys of `activations.ACTIVATIONS`.
    loss_name : str
        A key of `losses.LOSSES`.
    keep_prob : float in (0, 1], or a tuple with one for each hidden layer
        The share of units that dropout keeps; a (K, 1, 1) array for a population.
    batch_norm : BatchNormalization, optional
        Its settings; without it there is none.

    Raises
    ------
    ValueError
        If a size is below 1, a name is unknown, or a tuple has not one entry for each hidden layer.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), section 6.5.

    Examples
    --------
    >>> network = Network((2, 5, 1))
    >>> theta = network.initialize(np.random.default_rng(0))
    >>> network.predict(theta, np.zeros((4, 2))).shape
    (4, 1)
    """

    sizes: tuple[int, ...]
    activation: str | tuple[str, ...] = "tanh"
    loss_name: str = "squared_error"
    keep_prob: KeepProb | tuple[KeepProb, ...] = 1.0
    batch_norm: BatchNormalization | None = None

    def __post_init__(self) -> None:
        check_sizes(self.sizes)
        for name in ("activation", "keep_prob"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != len(self.sizes) - 2:
                raise ValueError(
                    f"{name} must have one entry for each of the {len(self.sizes) - 2} hidden layers; "
                    f"got {shown(value)}. A single value serves all of them."
                )
        activation, keep_prob = self.activation, self.keep_prob
        for each in activation if isinstance(activation, tuple) else (activation,):
            check_choice("activation", each, ACTIVATIONS)
        for share in keep_prob if isinstance(keep_prob, tuple) else (keep_prob,):
            check_keep_prob(share)
        check_choice("loss_name", self.loss_name, LOSSES)
        if self.batch_norm is not None and not isinstance(self.batch_norm, BatchNormalization):
            raise ValueError(
                f"batch_norm must be a BatchNormalization or None; got {shown(self.batch_norm)}. "
                "Pass BatchNormalization() for the usual settings."
            )

    @cached_property
    def layout(self) -> Layout:
        """Where W1, b1, W2, ... lie inside theta."""
        return dense_layout(self.sizes, batch_norm=self.batch_norm is not None)

    @cached_property
    def statistics_layout(self) -> Layout:
        """Where mean1, variance1, mean2, ... lie inside the statistics of batch normalization."""
        return statistics_layout(self.sizes)

    @cached_property
    def activations(self) -> tuple[str, ...]:
        """The activation of each hidden layer."""
        each = self.activation
        return each if isinstance(each, tuple) else (each,) * (len(self.sizes) - 2)

    @cached_property
    def keep_probs(self) -> tuple[KeepProb, ...]:
        """The share of units that each hidden layer keeps."""
        each = self.keep_prob
        return each if isinstance(each, tuple) else (each,) * (len(self.sizes) - 2)

    @cached_property
    def drops(self) -> bool:
        """Whether some hidden layer keeps less than all of its units."""
        return any(bool(np.any(np.asarray(share) < 1)) for share in self.keep_probs)

    def initialize(
        self,
        rng: np.random.Generator,
        population: int | None = None,
        initializer: str | Initializer | None = None,
    ) -> FloatArray:
        """Return a first theta, (P,) or (K, P); see `initialization.initialize`."""
        return initialize(self.layout, self.activations, rng, population, initializer)

    @door(_check_use)
    def predict(
        self,
        theta: FloatArray,
        X: FloatArray,
        statistics: FloatArray | None = None,
        draws: tuple[FloatArray, ...] | None = None,
    ) -> FloatArray:
        """Return the predictions: values, or probabilities for a cross-entropy.

        Parameters
        ----------
        theta : (P,) or (K, P) float array
        X : (m, n_features) or (K, m, n_features) float array
        statistics : (S,) or (K, S) float array
            The running statistics, for a network with batch normalization.
        draws : optional
            Random numbers, to see a prediction with units dropped; none are dropped without.

        Returns
        -------
        (m, n_out) or (K, m, n_out) float array

        Raises
        ------
        ValueError
            If a shape does not fit, `X` is not finite, or statistics are missing.
        """
        Z = self._forward(self._parameters(theta), X, draws, statistics)[-1].Z
        return LOSSES_INSIDE[self.loss_name].prediction(Z).swapaxes(-1, -2).copy()

    @door(_check_use)
    def logits(
        self,
        theta: FloatArray,
        X: FloatArray,
        statistics: FloatArray | None = None,
        draws: tuple[FloatArray, ...] | None = None,
    ) -> FloatArray:
        """Return the logits, (..., m, n_out): what the last layer gives before sigmoid or softmax.

        Arguments and errors as in `predict`.
        """
        Z = self._forward(self._parameters(theta), X, draws, statistics)[-1].Z
        return Z.swapaxes(-1, -2).copy()

    @door(_check_use)
    def hidden_units(
        self,
        theta: FloatArray,
        X: FloatArray,
        statistics: FloatArray | None = None,
        draws: tuple[FloatArray, ...] | None = None,
    ) -> tuple[FloatArray, ...]:
        """Return what the units of each hidden layer answer to X, (..., m, n_l) for each layer, as copies.

        With draws, after dropout.  Arguments and errors as in `predict`.
        """
        layers = self._forward(self._parameters(theta), X, draws, statistics)
        return tuple(following.A_in.swapaxes(-1, -2).copy() for following in layers[1:])

    @door(_check_loss)
    def loss(self, theta: FloatArray, batch: Batch, statistics: FloatArray | None = None) -> FloatArray:
        """Return the cost J, one number for each network: shape (...).

        Parameters
        ----------
        theta : (P,) or (K, P) float array
        batch : Batch
            With draws, dropout is on.
        statistics : (S,) or (K, S) float array, optional
            Running statistics for batch normalization; without them the batch's own are used, as in training.

        Raises
        ------
        ValueError
            If a shape does not fit.
        """
        Z = self._forward(self._parameters(theta), batch.X, batch.draws, statistics)[-1].Z
        return LOSSES_INSIDE[self.loss_name].cost(Z, batch.Y.swapaxes(-1, -2))

    @door(check_training)
    def gradient(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the gradient of J, in the shape of `theta`; see `loss_and_gradient`."""
        return self._both_ways(theta, batch)[1]

    @door(check_training)
    def loss_and_gradient(
        self, theta: FloatArray, batch: Batch, with_loss: bool = True
    ) -> tuple[FloatArray, FloatArray]:
        """Return J and its gradient; without the loss (then NaN) a step takes a third less time.

        Parameters
        ----------
        theta : (P,) or (K, P) float array
        batch : Batch
            With draws if `keep_prob` is below 1.
        with_loss : bool

        Returns
        -------
        (...) float array and (..., P) float array

        Raises
        ------
        ValueError
            If a shape does not fit, or draws are missing.
        """
        layers, gradient = self._both_ways(theta, batch)
        cost = LOSSES_INSIDE[self.loss_name].cost
        J = cost(layers[-1].Z, batch.Y.swapaxes(-1, -2)) if with_loss else np.asarray(np.nan)
        return J, gradient

    @door(check_training)
    def trace(self, theta: FloatArray, batch: Batch) -> Trace:
        """Return what each layer computes forward and backward, as copies that stay.

        Arguments and errors as in `loss_and_gradient`.
        """
        each_dZ: list[FloatArray] = []
        layers, gradient = self._both_ways(theta, batch, each_dZ)
        Z, A = (tuple(getattr(layer, name).copy() for layer in layers) for name in ("Z", "A"))
        A_out = (*(following.A_in.copy() for following in layers[1:]), A[-1])
        return Trace(Z, A, tuple(each_dZ[::-1]), gradient, A_out)

    def initial_statistics(self, population: int | None = None) -> FloatArray:
        """Return running means of 0 and variances of 1, of shape (S,) or (K, S).

        Raises
        ------
        ValueError
            If `population` is below 1.
        """
        if population is not None:
            check_integer("population", population, "[1, inf)", "It is the number of networks.")
        layout = self.statistics_layout
        statistics = np.empty((layout.size,) if population is None else (population, layout.size))
        for name, values in layout.views(statistics).items():
            values[...] = name.startswith("variance")
        return statistics

    @door(_check_statistics_of)
    def batch_statistics(self, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the mean and the unbiased variance of each hidden unit over this batch, (..., S).

        On the whole training set these are what `predict` needs; `training.descend` keeps running
        averages of them.  Arguments as in `loss_and_gradient`.

        Raises
        ------
        ValueError
            If the network has no batch normalization, or a shape does not fit.
        """
        layers = self._forward(self._parameters(theta), batch.X, batch.draws)
        return _statistics_of(layers, batch.X.shape[-2])

    @door(_check_update)
    def update_statistics(self, statistics: FloatArray, theta: FloatArray, batch: Batch) -> FloatArray:
        """Return the running statistics after this batch; arguments and errors as in `batch_statistics`."""
        seen = inside(self.batch_statistics)(theta, batch)
        return self._next_statistics(statistics, seen)

    @door(check_training_with_statistics)
    def gradient_and_statistics(
        self, theta: FloatArray, batch: Batch, statistics: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the gradient of J and the running statistics after this batch, from one forward pass.

        Arguments and errors as in `loss_and_gradient` and `batch_statistics`.
        """
        layers, gradient = self._both_ways(theta, batch)
        return gradient, self._next_statistics(statistics, _statistics_of(layers, batch.X.shape[-2]))

    def _next_statistics(self, statistics: FloatArray, seen: FloatArray) -> FloatArray:
        assert self.batch_norm is not None
        return inside(batch_normalization.update_running)(statistics, seen, self.batch_norm.momentum)

    def _parameters(self, theta: FloatArray) -> dict[str, FloatArray]:
        return inside(self.layout.views)(theta)

    def _both_ways(
        self, theta: FloatArray, batch: Batch, each_dZ: list[FloatArray] | None = None
    ) -> tuple[list[Layer], FloatArray]:
        """Return the layers of the forward pass and the gradient; `each_dZ` as in `_backward`."""
        parameters = self._parameters(theta)
        layers = self._forward(parameters, batch.X, batch.draws)
        dZ = LOSSES_INSIDE[self.loss_name].gradient(layers[-1].Z, batch.Y.swapaxes(-1, -2))
        gradient = np.empty_like(theta)
        self._backward(parameters, layers, dZ, self._parameters(gradient), each_dZ)
        return layers, gradient

    def _forward(
        self,
        parameters: dict[str, FloatArray],
        X: FloatArray,
        draws: tuple[FloatArray, ...] | None = None,
        statistics: FloatArray | None = None,
    ) -> list[Layer]:
        """Return all layers; what they hold lives in scratch memory until the next call."""
        running = None if statistics is None else inside(self.statistics_layout.views)(statistics)
        A = X.swapaxes(-1, -2)
        layers: list[Layer] = []
        last = len(self.sizes) - 1
        lead, dtype = self._lead(parameters, X, draws), _common_dtype(parameters["W1"], X)
        each_Z, each_A = (scratch(name, lead, self.sizes[1:], X.shape[-2], dtype) for name in "ZA")
        for layer in range(1, last + 1):
            A_in, W, normalized, mask = A, parameters[f"W{layer}"], None, None
            Z = np.matmul(W, A_in, out=each_Z[layer - 1])
            if self.batch_norm is None or layer == last:
                Z += parameters[f"b{layer}"]  # (1)
            else:
                Z, normalized = self._normalize(Z, parameters, running, layer)
            if layer < last:
                g = ACTIVATIONS_INSIDE[self.activations[layer - 1]].function
                A = activated = g(Z, out=each_A[layer - 1])  # (2)
                if draws is not None:
                    mask = inside(keep_mask)(draws[layer - 1], self.keep_probs[layer - 1], activated.dtype)
                    A = activated * mask  # (3)
            layers.append(Layer(A_in, Z, activated if layer < last else Z, normalized, mask))
        return layers

    def _lead(
        self, parameters: dict[str, FloatArray], X: FloatArray, draws: tuple[FloatArray, ...] | None
    ) -> tuple[int, ...]:
        """Return (K,) if there are K networks, from whatever there are K of; else ()."""
        leads = [parameters["W1"].shape[:-2], X.shape[:-2]]
        if draws is not None:
            leads += [np.shape(each)[:-2] for each in (*draws, *self.keep_probs)]
        return next(filter(None, leads), ())

    def _normalize(
        self,
        Z: FloatArray,
        parameters: dict[str, FloatArray],
        running: dict[str, FloatArray] | None,
        layer: int,
    ) -> tuple[FloatArray, Normalized | None]:
        """Return Z after batch normalization, and its parts when it used the batch's own statistics."""
        assert self.batch_norm is not None
        gamma, beta, eps = parameters[f"gamma{layer}"], parameters[f"beta{layer}"], self.batch_norm.eps
        if running is None:
            normalized = inside(batch_normalization.forward)(Z, gamma, beta, eps)
            return normalized.Z_tilde, normalized
        mean, variance = running[f"mean{layer}"], running[f"variance{layer}"]
        return inside(batch_normalization.inference)(Z, gamma, beta, mean, variance, eps), None

    def _backward(
        self,
        parameters: dict[str, FloatArray],
        layers: list[Layer],
        dZ: FloatArray,
        d: dict[str, FloatArray],
        each_dZ: list[FloatArray] | None = None,
    ) -> None:
        """Write the gradient into d from dZ of the last layer; append a copy of each dZ, from the last."""
        lead, m, dtype = dZ.shape[:-2], dZ.shape[-1], _common_dtype(parameters["W1"], dZ)
        each_dA, slopes = (scratch(name, lead, self.sizes[:-1], m, dtype) for name in ("dA", "slope"))
        for layer in range(len(layers), 0, -1):
            A_in, normalized = layers[layer - 1].A_in, layers[layer - 1].normalized
            if each_dZ is not None:
                each_dZ.append(dZ.copy())
            if normalized is None:
                dZ.sum(axis=-1, keepdims=True, out=d[f"b{layer}"])  # (5)
            else:
                assert self.batch_norm is not None
                dZ, d[f"gamma{layer}"][...], d[f"beta{layer}"][...] = inside(batch_normalization.backward)(
                    dZ, normalized, parameters[f"gamma{layer}"], self.batch_norm.eps
                )
            np.matmul(dZ, A_in.swapaxes(-1, -2), out=d[f"W{layer}"])  # (4)
            if layer > 1:
                below = layers[layer - 2]
                W_T = parameters[f"W{layer}"].swapaxes(-1, -2)
                dA = np.matmul(W_T, dZ, out=each_dA[layer - 1])  # (6)
                if below.mask is not None:
                    dA = np.multiply(dA, below.mask, out=dA)  # (7)
                g_prime = ACTIVATIONS_INSIDE[self.activations[layer - 2]].derivative
                slope = g_prime(below.Z, below.A, out=slopes[layer - 1])
                dZ = np.multiply(dA, slope, out=dA)  # (8)


def _statistics_of(layers: list[Layer], m: int) -> FloatArray:
    """Return the mean and the unbiased variance of each hidden unit, (..., S)."""
    each = []
    for layer in layers[:-1]:
        assert layer.normalized is not None
        each += [layer.normalized.mean, inside(batch_normalization.unbiased)(layer.normalized.variance, m)]
    return np.concatenate([part[..., 0] for part in each], axis=-1) if each else np.empty(0)


def _common_dtype(A: FloatArray, B: FloatArray) -> np.dtype[Any]:
    """Return the dtype of A @ B."""
    return A.dtype if A.dtype == B.dtype else np.result_type(A, B)

"""One valid call of every public function of the core, for the tests that spoil one argument of it."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import (
    activations,
    batch_normalization,
    bias_variance,
    datasets,
    dropout,
    experiments,
    gradient_checking,
    initialization,
    losses,
    metrics,
    minibatches,
    optimizers,
    parameters,
    regularization,
    saving,
    softmax,
    training,
)
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network, check_training_with_statistics

Call = tuple[Callable[..., Any], dict[str, Any]]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def name_of(function: Callable[..., Any]) -> str:
    """Return "module.function", "module.Class" or "module.Class.method"."""
    owner = getattr(function, "__self__", None)
    if owner is None and not hasattr(function, "__name__"):
        owner, function = function, type(function).__call__
    kind = owner if isinstance(owner, type) else type(owner)
    name = function.__name__ if owner is None else f"{kind.__name__}.{function.__name__}"
    module = function.__module__ if owner is None else kind.__module__
    return f"{module.removeprefix('dlhelpers.')}.{name}"


def calls(folder: Path) -> dict[str, Call]:
    """Return name -> (function, its arguments by name)."""
    Z, A = rng().normal(size=(3, 5)), rng().normal(size=(3, 5))
    X, Y = rng().normal(size=(5, 2)), rng().normal(size=(5, 1))
    network = Network((2, 3, 1))
    theta = network.initialize(rng())
    normed = Network((2, 3, 1), batch_norm=BatchNormalization())
    normed_theta, statistics = normed.initialize(rng()), normed.initial_statistics()
    batch, mask = Batch(X, Y), network.layout.is_weight
    column, shape = np.ones((3, 1)), (4, 3)
    penalized = {"theta": theta, "is_weight": mask, "strength": 0.5, "m": 5}
    saving.save_network(folder / "there.npz", network, theta)
    found: dict[str, Call] = {}

    def add(function: Callable[..., Any], **arguments: Any) -> None:
        found[name_of(function)] = (function, arguments)

    for function, derivative in activations.ACTIVATIONS.values():
        add(function, Z=Z, out=None)
        add(derivative, Z=Z, A=A, out=None)
    for loss in losses.LOSSES.values():
        add(loss.cost, Z=Z, Y=A)
        add(loss.gradient, Z=Z, Y=A)
    add(losses.smooth_labels, Y=np.eye(3), strength=0.1)
    add(losses.check_labels, Y=np.eye(3), axis=-1)
    add(softmax.softmax, Z=Z, temperature=2.0)
    add(softmax.log_softmax, Z=Z, temperature=2.0)
    add(softmax.hardmax, Z=Z)
    for initializer in initialization.INITIALIZERS.values():
        add(initializer, rng=rng(), shape=shape)
    add(initialization.constant, rng=rng(), shape=shape, value=0.5)
    add(initialization.normal, rng=rng(), shape=shape, scale=0.5)
    add(initialization.orthogonal, rng=rng(), shape=shape, gain=2.0)
    add(
        initialization.initialize,
        layout=network.layout,
        activations="tanh",
        rng=rng(),
        population=2,
        initializer="he_normal",
    )
    add(parameters.dense_layout, sizes=(2, 3, 1), batch_norm=True)
    add(parameters.statistics_layout, sizes=(2, 3, 1))
    add(parameters.check_sizes, sizes=(2, 3, 1))
    add(network.layout.views, theta=theta)
    add(network.layout.flatten, arrays=network.layout.views(theta))
    add(network.layout.name_of, index=2)
    add(parameters.Layout, shapes={"W1": (2, 3)})
    add(minibatches.minibatches, X=X, Y=Y, batch_size=2, rng=rng(), epochs=1)
    add(dropout.keep_mask, draw=rng().random((3, 5)), keep_prob=0.5, dtype=np.dtype(float))
    add(dropout.check_keep_prob, keep_prob=0.5)
    add(dropout.draw_uniform, sizes=(2, 3, 1), m=5, rng=rng(), population=2)
    add(dropout.with_draws, batches=repeat(batch), sizes=(2, 3, 1), rng=rng(), population=2)
    add(BatchNormalization, eps=1e-5, momentum=0.9)
    forward = batch_normalization.forward(Z, column, column)
    add(batch_normalization.forward, Z=Z, gamma=column, beta=column, eps=1e-5)
    add(batch_normalization.backward, dZ_tilde=A, batch=forward, gamma=column, eps=1e-5)
    add(
        batch_normalization.inference,
        Z=Z,
        gamma=column,
        beta=column,
        mean=column,
        variance=column,
        eps=1e-5,
    )
    add(batch_normalization.unbiased, variance=column, m=5)
    add(batch_normalization.update_running, running=column, batch=column, momentum=0.5)
    add(
        Network,
        sizes=(2, 3, 1),
        activation=("tanh",),
        loss_name="squared_error",
        keep_prob=(0.5,),
        batch_norm=BatchNormalization(),
    )
    add(network.initialize, rng=rng(), population=2, initializer="zeros")
    add(normed.predict, theta=normed_theta, X=X, statistics=statistics, draws=(np.ones((3, 5)),))
    add(normed.loss, theta=normed_theta, batch=batch, statistics=statistics)
    add(network.gradient, theta=theta, batch=batch)
    add(network.loss_and_gradient, theta=theta, batch=batch, with_loss=True)
    add(network.trace, theta=theta, batch=batch)
    add(normed.initial_statistics, population=2)
    add(normed.batch_statistics, theta=normed_theta, batch=batch)
    add(normed.update_statistics, statistics=statistics, theta=normed_theta, batch=batch)
    add(normed.gradient_and_statistics, theta=normed_theta, batch=batch, statistics=statistics)
    together = {"network": normed, "theta": normed_theta, "batch": batch, "statistics": statistics}
    add(check_training_with_statistics, **together)
    add(
        training.descend,
        objective=normed,
        theta=normed_theta,
        batches=repeat(batch),
        optimizer=optimizers.Adam(),
        learning_rate=0.1,
        state=None,
        statistics=statistics,
        weight_decay=0.1,
        projection=partial(regularization.max_norm, layout=normed.layout, limit=3.0),
        step=2,
        steps=3,
    )
    add(regularization.l1, **penalized)
    add(regularization.l2, **penalized)
    add(regularization.Regularized, network=network, m=5, l1=0.1, l2=0.2)
    regularized = regularization.Regularized(normed, 5, 0.1, 0.2)
    add(regularized.loss, theta=normed_theta, batch=batch, statistics=statistics)
    add(regularized.gradient, theta=normed_theta, batch=batch)
    add(regularized.gradient_and_statistics, theta=normed_theta, batch=batch, statistics=statistics)
    add(regularization.soft_threshold, theta=theta, is_weight=mask, amount=0.1)
    add(regularization.max_norm, theta=theta, layout=network.layout, limit=3.0)
    cost = partial(network.loss, batch=batch)
    add(gradient_checking.numerical_gradient, cost=cost, theta=theta, eps=1e-5, two_sided=True)
    add(gradient_checking.relative_error, a=theta, b=theta)
    add(
        gradient_checking.check_gradient,
        objective=network,
        theta=theta,
        batch=batch,
        eps=1e-5,
        two_sided=True,
    )
    add(gradient_checking.check_gradient(network, theta, batch).worst, n=2)
    add(
        saving.save_network,
        path=folder / "new.npz",
        network=normed,
        theta=normed_theta,
        statistics=statistics,
    )
    add(saving.load_network, path=folder / "there.npz")
    for function, arguments in (*_of_other_files(folder), *_of_bias_variance(), *_of_datasets()):
        found[name_of(function)] = (function, arguments)
    return found


def _of_other_files(folder: Path) -> Iterator[Call]:
    """Yield what `calls_of(folder)` of every other module of this package yields."""
    for module in pkgutil.iter_modules(__path__):
        yield from importlib.import_module(f"{__name__}.{module.name}").calls_of(folder)


def _of_bias_variance() -> Iterator[Call]:
    images, labels = rng().random((30, 4)), np.arange(30) % 3
    data = datasets.split(images, labels, dev=5, test=5, rng=rng())
    x, y = rng().uniform(-1, 1, (3, 5)), rng().normal(size=(3, 5))
    order = experiments.neighbor_order(images)
    neighbors = {"order": order, "y": labels}
    training = {"hidden": 2, "steps": 2, "rng": rng()}
    luck = bias_variance.draw_luck(3, 5, 4, rng())
    yield bias_variance.standard_error, {"share": 0.8, "n": 100}
    yield bias_variance.draw_luck, {"n_models": 3, "n_dev": 5, "n_test": 4, "rng": rng()}
    yield bias_variance.select_best, {"luck": luck, "accuracy": 0.8, "n_dev": 5}
    yield experiments.neighbor_order, {"X": images}
    yield experiments.nearest_neighbor_errors, {**neighbors, "in_train": labels > 0}
    yield experiments.split_errors, {**neighbors, "n_dev": 5, "n_test": 4, "repeats": 2, "rng": rng()}
    yield bias_variance.decompose, {"predictions": x, "truth": y[0], "targets": y, "noise_variance": 0.25}
    yield bias_variance.polynomial_fits, {"x": x, "y": y, "degree": 1, "x_test": x[0]}
    yield experiments.network_fits, {"x": x, "y": y, "x_test": x[0], **training}
    yield bias_variance.diagnose, {"base": 0.01, "train": 0.02, "dev": 0.1, "threshold": 0.05}
    yield metrics.predicted_classes, {"probabilities": x}
    for measure in (metrics.error_rate, metrics.accuracy):
        yield measure, {"probabilities": x, "Y": np.eye(5)[:3]}
    nested = {"X": images, "Y": images, "sizes": (4, 16), "batch_size": 8, "rng": rng()}
    yield minibatches.nested_minibatches, nested
    yield experiments.learning_curves, {"data": data, "sizes": (4, 16), "strength": 0.5, **training}
    yield experiments.random_feature_error, {"data": data, "m": 10, "n_features": 5, "rng": rng()}
    yield experiments.mismatch_errors, {"data": data, "degrees": (0, 30.0), "share": 0.5, **training}


def _of_datasets() -> Iterator[Call]:
    toy = {"m": 10, "noise": 0.1, "rng": rng()}
    for load in (datasets.digits, datasets.breast_cancer, datasets.sea_surface_temperature):
        yield load, {}
    yield datasets.moons, toy
    yield datasets.circles, toy
    yield datasets.spirals, {"arms": 3, **toy}
    yield datasets.blobs, {"classes": None, "centers": [[0, 1], [2, 0]], **toy}
    yield datasets.xor, toy
    for function in datasets.FUNCTIONS.values():
        yield function, {"x": np.linspace(-1, 1, 5)}
    yield datasets.noisy_function, {"function": "sine", **toy}
    X, y = rng().random((30, 2)), np.arange(30) % 3
    yield datasets.split, {"X": X, "y": y, "dev": 5, "test": 0.2, "rng": rng(), "stratify": True}
    yield datasets.one_hot, {"y": y, "n_classes": 3}

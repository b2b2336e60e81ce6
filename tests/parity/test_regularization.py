"""Penalties and soft thresholding against PyTorch, and the minima they lead to against scikit-learn.

Our lambda in scikit-learn's terms, for m examples: `Ridge(alpha=lambda)`, `LogisticRegression(C=1/lambda)`,
`Lasso(alpha=lambda/m)`, `MLPClassifier(alpha=lambda)` when the batch is the whole set.  scikit-learn finds
the minima of linear models by other means than gradient descent; we go there with our gradient alone.
"""

from functools import partial
from itertools import islice, repeat

import numpy as np
import pytest
import torch
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch.nn import functional as F

from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.regularization import Regularized, l1, l2, soft_threshold
from dlhelpers.training import descend
from tests.parity import peer

M = 40


@pytest.fixture
def data(rng):
    """Return X of shape (M, 4), real targets (M, 2) and classes (M,)."""
    X = rng.normal(size=(M, 4)) @ rng.normal(size=(4, 4)) + 1
    targets = X[:, :2] - 2 * X[:, 2:] + rng.normal(size=(M, 2)) + 5
    return X, targets, (X[:, 0] + rng.normal(size=M) > 0.5).astype(int) + (X[:, 1] > 1.5)


def theta_of(network, coefs, intercepts):
    """Return the theta with the weights of scikit-learn, which are (n_in, n_out)."""
    theta = np.zeros(network.layout.size)
    views = network.layout.views(theta)
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True), start=1):
        views[f"W{layer}"][...] = W.T
        views[f"b{layer}"][...] = b[:, None]
    return theta


def minimum(objective, batch, n_steps=30, eps=1e-4):
    """Return where our gradient is 0, by Newton's method with slopes from differences of it."""
    theta = np.zeros(objective.layout.size)
    for _ in range(n_steps):
        H = [
            (objective.gradient(theta + step, batch) - objective.gradient(theta - step, batch)) / (2 * eps)
            for step in eps * np.eye(len(theta))
        ]
        theta = theta - np.linalg.lstsq(np.array(H).T, objective.gradient(theta, batch), rcond=1e-7)[0]
    return theta


@pytest.mark.parametrize("strength", [0.3, 20.0])
def test_penalties_alone(strength, rng, agree):
    network = Network((3, 5, 2))
    theta = rng.normal(size=network.layout.size)
    theta[:2] = 0
    for penalty, term in ((l1, lambda W: W.abs().sum() / M), (l2, lambda W: (W**2).sum() / (2 * M))):
        ours = penalty(theta, network.layout.is_weight, strength, M)
        tensors = peer.parameters(network, theta)
        value = strength * (term(tensors["W1"]) + term(tensors["W2"]))
        value.backward()
        agree(ours.value, value, "value")
        gradient = peer.by_name(network.layout, ours.gradient)
        assert not gradient.pop("b1").any() and not gradient.pop("b2").any()
        agree(gradient, peer.gradients({name: tensors[name] for name in ("W1", "W2")}), "gradient of")


@pytest.mark.parametrize("amount", [0.0, 0.3, 2.0])
def test_soft_threshold(amount, rng, agree):
    theta = rng.normal(size=50)
    agree(soft_threshold(theta, np.ones(50, dtype=bool), amount), F.softshrink(torch.tensor(theta), amount))


@pytest.mark.parametrize("strength", [0.5, 30.0])
def test_ridge_regression(strength, data, agree):
    X, Y, _ = data
    network = Network((4, 2))
    theirs = Ridge(alpha=strength, solver="svd").fit(X, Y)
    theta = minimum(Regularized(network, M, l2=strength), Batch(X, Y))
    expected = theta_of(network, [theirs.coef_.T], [theirs.intercept_])
    agree(peer.by_name(network.layout, theta), peer.by_name(network.layout, expected))
    agree(network.predict(theta, X), theirs.predict(X), "prediction")


@pytest.mark.parametrize("strength", [0.5, 30.0])
def test_logistic_regression(strength, data, agree):
    X, _, classes = data
    y = (classes > 0).astype(int)
    network = Network((4, 1), loss_name="sigmoid_cross_entropy")
    theirs = LogisticRegression(C=1 / strength, solver="newton-cholesky", tol=1e-13).fit(X, y)
    theta = minimum(Regularized(network, M, l2=strength), Batch(X, y[:, None].astype(float)))
    expected = theta_of(network, [theirs.coef_.T], [theirs.intercept_])
    agree(peer.by_name(network.layout, theta), peer.by_name(network.layout, expected))
    agree(network.predict(theta, X)[:, 0], theirs.predict_proba(X)[:, 1], "prediction")


@pytest.mark.parametrize("strength", [0.5, 30.0])
def test_softmax_regression(strength, data, agree):
    # The biases are fixed only up to a constant that all classes share: probabilities are compared.
    X, _, y = data
    network = Network((4, 3), loss_name="softmax_cross_entropy")
    theirs = LogisticRegression(C=1 / strength, solver="newton-cholesky", tol=1e-13).fit(X, y)
    theta = minimum(Regularized(network, M, l2=strength), Batch(X, np.eye(3)[y]))
    agree(network.layout.views(theta)["W1"], theirs.coef_, "W1")
    agree(network.predict(theta, X), theirs.predict_proba(X), "prediction")


@pytest.mark.parametrize(("strength", "share"), [(4.0, 1.0), (30.0, 1.0), (10.0, 0.5)])
def test_lasso_and_elastic_net(strength, share, data, agree):
    # Gradient steps on J (+ R_L2), each followed by the soft threshold, to the end.
    X, Y, _ = data
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), Y[:, :1]
    settings = {"tol": 1e-15, "max_iter": 100_000}
    peers = {1.0: Lasso(strength / M, **settings), 0.5: ElasticNet(strength / M, l1_ratio=0.5, **settings)}
    theirs = peers[share].fit(X, y[:, 0])
    network, rate = Network((4, 1)), 0.2
    threshold = partial(
        soft_threshold, is_weight=network.layout.is_weight, amount=rate * share * strength / M
    )
    objective = Regularized(network, M, l2=(1 - share) * strength)
    run = descend(objective, np.zeros(5), repeat(Batch(X, y)), GradientDescent(), rate, projection=threshold)
    *_, last = islice(run, 3000)
    agree(last.theta, np.append(theirs.coef_, theirs.intercept_))
    np.testing.assert_array_equal(last.theta[:4] == 0, theirs.coef_ == 0)  # exact zeros, and the same


@pytest.mark.parametrize("activation", ["linear", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("kind", ["regressor", "classifier of 2", "classifier of 3"])
def test_training_with_l2_by_scikit_learn(kind, activation, data, agree):
    X, targets, classes = data
    strength, rate = 2.0, 0.02
    name = {"linear": "identity", "sigmoid": "logistic"}.get(activation, activation)
    settings = {
        "hidden_layer_sizes": (6, 5),
        "activation": name,
        "solver": "sgd",
        "momentum": 0.0,
        "learning_rate_init": rate,
        "alpha": strength,
        "batch_size": M,
        "random_state": 0,
    }
    if kind == "regressor":
        theirs, y = MLPRegressor(**settings), targets
        network, Y = Network((4, 6, 5, 2), activation, "squared_error"), targets
    elif kind == "classifier of 2":
        theirs, y = MLPClassifier(**settings), (classes > 0).astype(int)
        network, Y = Network((4, 6, 5, 1), activation, "sigmoid_cross_entropy"), y[:, None].astype(float)
    else:
        theirs, y = MLPClassifier(**settings), classes
        network, Y = Network((4, 6, 5, 3), activation, "softmax_cross_entropy"), np.eye(3)[y]
    labels = {} if kind == "regressor" else {"classes": np.unique(y)}
    theirs.partial_fit(X, y, **labels)  # their first step chooses the weights; ours begins after it
    start = theta_of(network, theirs.coefs_, theirs.intercepts_)
    run = descend(Regularized(network, M, l2=strength), start, repeat(Batch(X, Y)), GradientDescent(), rate)
    for step in islice(run, 21):
        expected = theta_of(network, theirs.coefs_, theirs.intercepts_)
        agree(peer.by_name(network.layout, step.theta), peer.by_name(network.layout, expected))
        theirs.partial_fit(X, y)
        if kind != "regressor":  # of several outputs theirs reports the mean, its gradient is of the sum
            agree(step.loss, theirs.loss_, "loss before the step")
    assert np.abs(step.theta - start).max() > 0.01

from dataclasses import replace
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers import gradient_checking
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import draw_uniform
from dlhelpers.gradient_checking import GradientCheck, check_gradient, numerical_gradient, relative_error
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.parameters import Layout
from dlhelpers.regularization import Regularized


def some_batch(rng, sizes, m=20):
    batch = Batch(rng.normal(size=(m, sizes[0])), rng.normal(size=(m, sizes[-1])))
    return batch._replace(draws=draw_uniform(sizes, m, rng))


# Differences ------------------------------------------------------------------------------------------


def cubes(theta):
    return (theta**3).sum(axis=-1)


def test_differences_of_a_cube_by_hand():
    # ((1 + e)^3 - (1 - e)^3) / 2 e = 3 + e^2;  ((1 + e)^3 - 1) / e = 3 + 3 e + e^2; for e = 0.5, and at 2
    theta = np.array([1.0, 2.0])
    assert numerical_gradient(cubes, theta, 0.5).tolist() == [3.25, 12.25]
    assert numerical_gradient(cubes, theta, 0.5, two_sided=False).tolist() == [4.75, 15.25]


def test_the_usual_eps_is_1e_5_on_both_sides():
    theta = np.array([1.0, 2.0])
    expected = numerical_gradient(cubes, theta, 1e-5, True)
    np.testing.assert_array_equal(numerical_gradient(cubes, theta), expected)
    network, rng = Network((1, 1)), np.random.default_rng(0)
    batch = some_batch(rng, (1, 1))
    cost = partial(network.loss, batch=batch)
    found = check_gradient(network, theta, batch).numerical
    np.testing.assert_array_equal(found, numerical_gradient(cost, theta, 1e-5, True))
    found = check_gradient(network, theta, batch, 0.1, two_sided=False).numerical
    np.testing.assert_array_equal(found, numerical_gradient(cost, theta, 0.1, False))


def errors(eps, two_sided):
    """Return the largest error of the differences of the sum of exp, for each eps."""
    theta = np.array([0.3, 1.0])
    found = [numerical_gradient(lambda t: np.exp(t).sum(axis=-1), theta, each, two_sided) for each in eps]
    return abs(np.array(found) - np.exp(theta)).max(axis=-1)


@pytest.mark.parametrize(("two_sided", "order"), [(False, 1), (True, 2)])
def test_the_order_of_the_error(two_sided, order):
    eps = 10.0 ** -np.arange(1, 5)
    for (e, f), (a, b) in zip(pairwise(errors(eps, two_sided)), pairwise(eps), strict=True):
        assert np.log(e / f) / np.log(a / b) == pytest.approx(order, abs=0.06)


@pytest.mark.parametrize(("two_sided", "best"), [(False, 1e-8), (True, 6e-6)])
def test_the_best_eps_is_where_the_documentation_says(two_sided, best):
    eps = 10.0 ** -np.arange(1, 14)
    found = eps[np.argmin(errors(eps, two_sided))]
    assert best / 10 <= found <= best * 10


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("size", [1, 63, 64, 65, 130])
def test_all_components_come_in_chunks_of_64(size, two_sided):
    asked = []

    def cost(theta):
        asked.append(len(theta))
        return (np.arange(1, size + 1) * theta).sum(axis=-1)

    found = numerical_gradient(cost, np.linspace(-1, 1, size), 0.25, two_sided)
    np.testing.assert_allclose(found, np.arange(1, size + 1), rtol=1e-9)
    full, rest = divmod(size, 64)
    first = full * [64] + [rest] * (rest > 0)
    assert asked[::2] == first
    assert asked[1::2] == (first if two_sided else len(first) * [1])


def test_theta_stays_and_dtype_follows_it():
    for dtype in (np.float32, np.float64):
        theta = np.ones(3, dtype)
        assert numerical_gradient(cubes, theta, 0.1).dtype == dtype
        assert theta.tolist() == [1, 1, 1]


# Relative error ---------------------------------------------------------------------------------------


def test_relative_error_by_hand():
    # |(3, 4) - (0, 4)| = 3; |(3, 4)| = 5, |(0, 4)| = 4: 3 / 9
    assert relative_error(np.array([3.0, 4.0]), np.array([0.0, 4.0])) == pytest.approx(3 / 9)
    assert relative_error(np.zeros(2), np.zeros(2)) == 0
    assert relative_error(np.zeros(2), np.array([0.0, 1e-9])) == 1
    assert isinstance(relative_error(np.ones(2), np.zeros(2)), float)


@given(st.integers(0, 10**6), st.floats(0.01, 100))
def test_relative_error_is_symmetric_without_unit_and_at_most_1(seed, scale):
    a, b = np.random.default_rng(seed).normal(size=(2, 5))
    error = relative_error(a, b)
    assert 0 <= error <= 1
    assert relative_error(b, a) == error
    assert relative_error(scale * a, scale * b) == pytest.approx(error)


def test_a_gradient_that_is_not_finite_is_not_right():
    """Without a warning, and not by an error of 0."""
    for value in (np.nan, np.inf):
        bad = np.array([1.0, value])
        assert np.isnan(relative_error(bad, np.ones(2)))
        check = GradientCheck(bad, np.ones(2), None)
        assert check.verdict.startswith("wrong")
        assert check.worst(1)[0][0] == "theta[1]"


# The check --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_norm", [None, BatchNormalization()])
@pytest.mark.parametrize("keep_prob", [1.0, 0.6])
def test_a_right_gradient_passes(batch_norm, keep_prob, rng):
    network = Network((3, 6, 5, 2), "tanh", keep_prob=keep_prob, batch_norm=batch_norm)
    theta, batch = network.initialize(rng), some_batch(rng, network.sizes)
    for objective in (network, Regularized(network, 20, l1=0.5, l2=0.7)):
        check = check_gradient(objective, theta, batch)
        assert check.error < 1e-7 and check.verdict.startswith("right")
        assert list(check.by_name) == list(network.layout.shapes)
        assert max(check.by_name.values()) < 1e-6
        np.testing.assert_array_equal(check.analytic, objective.gradient(theta, batch))
        assert check.layout is network.layout


class Planted:
    """A network with a bug: one entry of its gradient is doubled."""

    def __init__(self, network, index):
        self.network, self.layout, self.index = network, network.layout, index

    def loss(self, theta, batch):
        return self.network.loss(theta, batch)

    def gradient(self, theta, batch):
        gradient = self.network.gradient(theta, batch)
        gradient[self.index] *= 2
        return gradient


def test_worst_finds_a_planted_bug_by_its_name(rng):
    network = Network((3, 8, 4, 2))
    index = network.layout.slices["W2"].start + 3 * 8 + 7
    theta, batch = network.initialize(rng), some_batch(rng, network.sizes)
    check = check_gradient(Planted(network, index), theta, batch)
    (name, analytic, numerical), *others = check.worst()
    assert name == "W2[3, 7]" and len(others) == 4
    assert analytic == pytest.approx(2 * numerical, rel=1e-5)
    assert max(check.by_name, key=check.by_name.get) == "W2"
    assert {name: error < 1e-6 for name, error in check.by_name.items() if name != "W2"} == dict.fromkeys(
        ("W1", "b1", "b2", "W3", "b3"), True
    )
    assert check.verdict.startswith("wrong")


def test_worst_orders_by_the_size_of_the_difference():
    check = GradientCheck(
        np.array([1.0, 5, 3, 4]), np.array([1.5, 5, 1, 5]), Layout({"W1": (2, 1), "b1": (2, 1)})
    )
    assert check.worst(3) == [("b1[0, 0]", 3, 1), ("b1[1, 0]", 4, 5), ("W1[0, 0]", 1, 1.5)]
    assert len(check.worst()) == 4 and len(check.worst(1)) == 1
    assert replace(check, numerical=check.analytic).worst(2) == [("W1[0, 0]", 1, 1), ("W1[1, 0]", 5, 5)]
    assert len(GradientCheck(np.ones(9), np.ones(9), None).worst()) == 5


def test_errors_by_name_by_hand():
    # W1: 1 / (1 + 2); b1: 0
    check = GradientCheck(np.array([1.0, 5.0]), np.array([2.0, 5.0]), Layout({"W1": (1, 1), "b1": (1, 1)}))
    assert check.by_name == {"W1": pytest.approx(1 / 3), "b1": 0}


def test_a_surface_needs_no_layout():
    class Bowl:
        def loss(self, theta, batch):
            return (theta**2).sum(axis=-1)

        def gradient(self, theta, batch):
            return 2 * theta * np.array([1, 1, 3])

    check = check_gradient(Bowl(), np.array([1.0, 2.0, 3.0]), None)
    assert check.layout is None and list(check.by_name) == ["theta"]
    assert check.by_name["theta"] == check.error
    (name, analytic, numerical) = check.worst(1)[0]
    assert (name, analytic) == ("theta[2]", 18) and numerical == pytest.approx(6)


@pytest.mark.parametrize(
    ("error", "word"),
    [(0.0, "right"), (9e-7, "right"), (1e-6, "suspect"), (9e-5, "suspect"), (1e-4, "wrong"), (1.0, "wrong")],
)
def test_the_verdict_by_the_error(error, word, monkeypatch):
    monkeypatch.setattr(gradient_checking, "relative_error", lambda a, b: error)
    assert GradientCheck(np.ones(1), np.ones(1), None).verdict.startswith(word)


def test_without_draws_dropout_has_no_gradient(rng):
    network = Network((3, 6, 2), keep_prob=0.5)
    with pytest.raises(ValueError, match="batch must hold draws"):
        check_gradient(network, network.initialize(rng), some_batch(rng, network.sizes)._replace(draws=None))


# Errors -----------------------------------------------------------------------------------------------

THETA = np.ones(2)
NETWORK, BATCH = Network((1, 1)), Batch(np.ones((2, 1)), np.ones((2, 1)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: numerical_gradient(lambda t: t.sum(), THETA),
            r"cost must return .* 2 vectors; got shape \(\)",
        ),
        (lambda: numerical_gradient(lambda t: t, THETA), r"got shape \(2, 2\)\. Sum over the last axis only"),
        (lambda: numerical_gradient(lambda t: t.sum(axis=0)[:1], THETA), r"got shape \(1,\)"),
        (lambda: numerical_gradient(None, THETA), "cost must be a function of theta"),
        (
            lambda: numerical_gradient(cubes, np.ones((2, 2))),
            r"theta must be .* \(P\); got .* one network at a",
        ),
        (lambda: numerical_gradient(cubes, np.array([np.nan])), "theta must hold finite numbers only"),
        (
            lambda: numerical_gradient(cubes, THETA, 0.0),
            r"eps must be a number in \(0, 1\); got 0\.0\. .* 6e-6",
        ),
        (lambda: numerical_gradient(cubes, THETA, 1.0), "eps must be a number"),
        (lambda: numerical_gradient(cubes, THETA, np.full(2, 0.1)), "eps must be a number"),
        (lambda: numerical_gradient(cubes, THETA, 0.1, 1), "two_sided must be True or False; got 1"),
        (
            lambda: relative_error(THETA, np.ones(3)),
            r"a and b must have the same shape; got \(2,\) and \(3,\)",
        ),
        (lambda: relative_error(1.0, THETA), "a must be a float array"),
        (lambda: relative_error(THETA, [1.0, 1.0]), "b must be a float array"),
        (lambda: GradientCheck(THETA, THETA, None).worst(0), r"n must be an integer in \[1, inf\); got 0"),
        (lambda: check_gradient(None, THETA, BATCH), "objective must have loss and gradient.* got None"),
        (lambda: check_gradient(Network, THETA, BATCH), "objective must have loss and gradient"),
        (lambda: check_gradient(SimpleNamespace(loss=abs), THETA, BATCH), "objective must have loss and"),
        (lambda: check_gradient(SimpleNamespace(gradient=abs), THETA, BATCH), "objective must have loss and"),
        (
            lambda: check_gradient(NETWORK, np.ones((2, 2)), BATCH),
            r"theta must be a float array of shape \(P\)",
        ),
        (lambda: check_gradient(NETWORK, np.array([np.inf, 1.0]), BATCH), "theta must hold finite"),
        (lambda: check_gradient(NETWORK, THETA, None), "batch must be a Batch"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()

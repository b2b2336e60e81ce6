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
from dlhelpers.gradient_checking import (
    FreshMasks,
    GradientCheck,
    best_eps,
    check_gradient,
    difference,
    kinks_crossed,
    numerical_gradient,
    order_of_error,
    relative_error,
)
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


def test_the_verdict_of_a_right_network_by_eps(rng):
    network = Network((4, 4, 4, 4), "tanh")
    theta, batch = network.initialize(rng), some_batch(rng, network.sizes)
    for eps in (1e-4, 1e-5, 1e-6, 1e-7):
        assert check_gradient(network, theta, batch, eps).verdict.startswith("right")


def on_a_kink(rng, activation="relu"):
    """A right network, with biases of 0 and one example of zeros: all of its units are on their kinks."""
    network = Network((3, 6, 5, 2), activation)
    batch = some_batch(rng, network.sizes)
    return network, network.initialize(rng), batch._replace(X=np.vstack([np.zeros((1, 3)), batch.X[1:]]))


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_a_right_network_on_a_kink_is_not_called_wrong(activation, rng):
    network, theta, batch = on_a_kink(rng, activation)
    for objective in (network, Regularized(network, 20, l2=0.5)):
        check = check_gradient(objective, theta, batch)
        assert check.error > 1e-4 and check.kinks.sum() == kinks_crossed(network, theta, batch, 1e-5) > 0
        assert check.verdict.startswith("undecided: ") and f"of {theta.size} differences" in check.verdict
        # what it advises helps: other biases, or tanh
        moved = theta + 0.1 * (~network.layout.is_weight) * rng.uniform(0.5, 1, theta.size)
        assert check_gradient(objective, moved, batch).verdict.startswith("right")
        smooth = replace(network, activation="tanh")
        assert check_gradient(smooth, theta, batch).verdict.startswith("right")


def test_a_bug_is_found_beside_kinks(rng):
    network, theta, batch = on_a_kink(rng)
    index = network.layout.slices["W3"].start
    check = check_gradient(Planted(network, index), theta, batch)
    assert check.kinks.any() and check.kinks[index] == 0
    assert check.verdict.startswith("wrong")


def test_kinks_are_not_counted_where_they_say_nothing(rng):
    network, theta, batch = on_a_kink(rng, "tanh")
    assert check_gradient(network, theta, batch).kinks is None  # the gradients agree
    fresh = FreshMasks(Network((3, 6, 5, 2), "relu", keep_prob=0.5), rng)
    check = check_gradient(fresh, theta, batch._replace(draws=None))
    assert check.kinks is None and check.verdict.startswith("wrong")


def test_without_draws_dropout_has_no_gradient(rng):
    network = Network((3, 6, 2), keep_prob=0.5)
    with pytest.raises(ValueError, match="batch must hold draws"):
        check_gradient(network, network.initialize(rng), some_batch(rng, network.sizes)._replace(draws=None))


# Of one number ----------------------------------------------------------------------------------------


def test_differences_of_one_number_by_hand():
    # x^3 at 2: ((2.5)^3 - (1.5)^3) / 1 = 12.25;  ((2.5)^3 - 8) / 0.5 = 15.25;  ((3)^3 - 1) / 2 = 13
    cube = lambda x: x * x * x  # noqa: E731
    assert difference(cube, 2.0, np.array([0.5, 1.0])).tolist() == [12.25, 13.0]
    assert difference(cube, 2.0, np.array([0.5]), two_sided=False).tolist() == [15.25]
    assert (
        difference(cube, 2.0, np.array([0.5])).tolist()
        == difference(cube, 2.0, np.array([0.5]), True).tolist()
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_is_that_of_eps(dtype):
    asked = []
    found = difference(lambda x: asked.append(x.dtype) or x, 0.7, np.array([0.5], dtype))
    assert found.dtype == dtype and asked == [np.dtype(dtype)] * 2


def test_the_measured_orders_of_a_cube_are_two_and_one():
    """x^3 at 0.7, over 1e-4 to 1e-2 in float64: eps^2, and 2.1 eps + eps^2."""
    eps = np.geomspace(1e-4, 1e-2, 17)
    for two_sided, order in ((True, 2), (False, 1)):
        error = abs(difference(lambda x: x * x * x, 0.7, eps, two_sided) - 3 * 0.7**2)
        assert order_of_error(eps, error) == pytest.approx(order, abs=0.05)


def test_order_of_error_by_hand():
    # log10 eps = -1, 0, 1, log10 error = -2, 1, 3: (1 * 2 + 1 * 3) / 2 = 2.5
    assert order_of_error(np.array([0.1, 1.0, 10.0]), np.array([1e-2, 10.0, 1e3])) == pytest.approx(2.5)
    assert np.isnan(order_of_error(np.array([0.1, 1.0]), np.array([0.0, 1.0])))


def test_best_eps_by_hand():
    eps, error = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([5.0, 0.0, 4.0, 1.0, 2.0])
    assert best_eps(eps, error, neighbors=1) == 2
    assert best_eps(eps, error, neighbors=3) == 3  # medians 4, 1, 2
    assert best_eps(np.arange(1.0, 11), abs(np.arange(1.0, 11) - 6)) == best_eps(
        np.arange(1.0, 11), abs(np.arange(1.0, 11) - 6), 9
    )


# What makes a right network look wrong ----------------------------------------------------------------


def test_fresh_masks_are_drawn_for_each_evaluation_and_each_network(rng):
    network = Network((3, 6, 2), keep_prob=0.5)
    theta, batch = network.initialize(rng), some_batch(rng, network.sizes)
    fresh = FreshMasks(network, np.random.default_rng(7))
    draws = np.random.default_rng(7)
    for _ in range(2):
        expected = network.loss(theta, batch._replace(draws=draw_uniform(network.sizes, 20, draws)))
        assert fresh.loss(theta, batch) == expected
    expected = network.gradient(theta, batch._replace(draws=draw_uniform(network.sizes, 20, draws)))
    np.testing.assert_array_equal(fresh.gradient(theta, batch), expected)
    several = fresh.loss(np.tile(theta, (4, 1)), batch)
    assert several.shape == (4,) and len(set(several.tolist())) == 4
    assert fresh.layout is network.layout


def test_a_check_with_fresh_masks_fails_and_with_fixed_ones_passes(rng):
    network = Network((3, 6, 2), keep_prob=0.5)
    theta, batch = network.initialize(rng), some_batch(rng, network.sizes)
    assert check_gradient(network, theta, batch).error < 1e-8
    assert check_gradient(FreshMasks(network, rng), theta, batch).error > 0.3


def test_kinks_crossed_by_hand():
    # Z1 = w x + b for x = 1 and -1: 0.3 + 0.1 = 0.4 and -0.3 + 0.1 = -0.2.  A step of 0.25 in w or in b, to
    # one side each, takes the second one to 0.05; one of 0.45 takes the first one to -0.05, too.
    theta = np.array([0.3, 0.1, 1.0, 0.0])
    batch = Batch(np.array([[1.0], [-1.0]]), np.zeros((2, 1)))
    for activation in ("relu", "leaky_relu"):
        network = Network((1, 1, 1), activation)
        assert [kinks_crossed(network, theta, batch, eps) for eps in (0.15, 0.25, 0.45)] == [0, 2, 4]
    assert kinks_crossed(Network((1, 1, 1), "tanh"), theta, batch, 0.45) == 0


def test_a_unit_on_its_kink_counts_for_each_side():
    # Z1 = 0 for the blank example: b1 moves it to both sides; w, times 0, does not.
    network, batch = Network((1, 1, 1), "relu"), Batch(np.zeros((1, 1)), np.zeros((1, 1)))
    assert kinks_crossed(network, np.array([0.5, 0.0, 1.0, 0.0]), batch, 1e-9) == 2


def test_kinks_of_the_second_layer_only():
    # Z2 = tanh(0.1) * 0.1 = 0.01: W2, b2, W1 and b1 can each cross it; W3 and b3 cannot.  Z1 = 0.1 has no
    # kink.
    network = Network((1, 1, 1, 1), ("tanh", "relu"))
    theta = np.array([0.1, 0.0, 0.1, 0.0, 1.0, 0.0])
    batch = Batch(np.ones((1, 1)), np.zeros((1, 1)))
    assert kinks_crossed(network, theta, batch, 0.2) == 4


def test_kinks_in_several_chunks():
    network, rng = Network((3, 40, 1), "relu"), np.random.default_rng(0)
    theta, batch = network.initialize(rng), Batch(np.zeros((1, 3)), np.zeros((1, 1)))
    assert kinks_crossed(network, theta, batch, 1e-3) == 80  # each of 40 biases, to both sides


def test_shares_by_hand():
    # W1: |(2, 2) - (2, 5)| over sqrt(8) + sqrt(29); b1: equal, at 0
    layout = Layout({"W1": (1, 2), "b1": (1, 1)})
    check = GradientCheck(np.array([2.0, 2.0, 0.0]), np.array([2.0, 5.0, 0.0]), layout)
    np.testing.assert_allclose(check.shares, [0, 3 / (8**0.5 + 29**0.5), 0])


def test_squares_of_shares_add_up_to_the_square_of_the_error(rng):
    network = Network((3, 4, 2))
    check = GradientCheck(rng.normal(size=26), rng.normal(size=26), network.layout)
    for name, part in network.layout.slices.items():
        assert np.square(check.shares[part]).sum() == pytest.approx(check.by_name[name] ** 2)
    whole = replace(check, layout=None)
    assert np.square(whole.shares).sum() == pytest.approx(check.error**2)


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
        (lambda: difference(3, 1.0, THETA), "f must be a function of an array; got 3"),
        (lambda: difference(np.sum, 1.0, THETA), r"f must return one number for each of 2; got shape \(\)"),
        (lambda: difference(np.square, THETA, THETA), r"x must be a number in \(-inf, inf\)"),
        (lambda: order_of_error(THETA, THETA), "eps must be positive, two or more, not all the same"),
        (lambda: order_of_error(np.array([0.0, 1.0]), THETA), "eps must be positive"),
        (lambda: order_of_error(np.array([1.0]), np.array([1.0])), "two or more"),
        (lambda: order_of_error(np.zeros(0), np.zeros(0)), "two or more"),
        (lambda: order_of_error(np.array([1.0, 2.0]), np.array([1.0, -1.0])), "error must be a distance"),
        (lambda: order_of_error(np.array([1.0, 2.0, 3.0]), THETA), "one for each error; got .* for 2 errors"),
        (lambda: order_of_error(np.array([1.0, 2.0]), -THETA), "error must be a distance, 0 or more"),
        (lambda: best_eps(np.array([1.0, 2.0]), THETA, 2), "neighbors must be odd, .*; got 2"),
        (
            lambda: best_eps(np.array([1.0, 2.0]), THETA, 3),
            r"neighbors must be an integer in \[1, 2\]; got 3",
        ),
        (lambda: FreshMasks(None, np.random.default_rng(0)), "network must be a Network; got None"),
        (lambda: FreshMasks(Network, np.random.default_rng(0)), "network must be a Network"),
        (lambda: FreshMasks(NETWORK, 0), "rng must be a numpy.random.Generator"),
        (lambda: kinks_crossed(None, THETA, BATCH, 0.1), "network must be a Network; got None"),
        (lambda: kinks_crossed(Network, THETA, BATCH, 0.1), "network must be a Network"),
        (lambda: kinks_crossed(SimpleNamespace(trace=abs), THETA, BATCH, 0.1), "network must be a Network"),
        (lambda: kinks_crossed(SimpleNamespace(activations=()), THETA, BATCH, 0.1), "network must be a"),
        (lambda: kinks_crossed(NETWORK, THETA, BATCH, 1.0), r"eps must be a number in \(0, 1\)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()

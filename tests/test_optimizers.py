import pickle
from dataclasses import replace
from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from dlhelpers.averages import weights
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import (
    OPTIMIZERS,
    AdaGrad,
    Adam,
    AdamState,
    Clipped,
    GradientDescent,
    Momentum,
    MomentumState,
    Nesterov,
    RMSprop,
    SquaresState,
    clip_by_norm,
    clip_by_value,
)
from dlhelpers.training import descend

ALL = [
    GradientDescent(),
    Momentum(),
    Momentum(0.8, averaged=False),
    Nesterov(),
    Nesterov(0.8, averaged=False),
    AdaGrad(),
    RMSprop(),
    RMSprop(0.8, 1e-3, eps_inside=True),
    Adam(),
    Adam(0.8, 0.95, 1e-3, eps_inside=True),
    Adam(bias_correction=False),
    Clipped(Adam(), 0.5),
]
STATEFUL = [each for each in ALL if not isinstance(each, GradientDescent | Clipped)]


def directions(optimizer, gradients):
    """Return the directions of one run, in a list."""
    state, found = optimizer.init(np.zeros_like(gradients[0])), []
    for gradient in gradients:
        direction, state = optimizer.update(gradient, state)
        found.append(direction)
    return found


def by_hand(optimizer, *gradients):
    return [float(direction[0]) for direction in directions(optimizer, [np.array([g]) for g in gradients])]


# Two steps by hand ----------------------------------------------------------------------------------


def test_momentum():
    # beta = 0.75, gradients 8 and then 4
    # averaged: v = 0.25 * 8 = 2, then 0.75 * 2 + 0.25 * 4 = 2.5
    assert by_hand(Momentum(0.75), 8.0, 4.0) == [2, 2.5]
    # otherwise: v = 8, then 0.75 * 8 + 4 = 10
    assert by_hand(Momentum(0.75, averaged=False), 8.0, 4.0) == [8, 10]


def test_nesterov():
    # v as in momentum, with its new value in the direction
    # averaged: 0.75 * 2 + 0.25 * 8 = 3.5, then 0.75 * 2.5 + 0.25 * 4 = 2.875
    assert by_hand(Nesterov(0.75), 8.0, 4.0) == [3.5, 2.875]
    # otherwise: 8 + 0.75 * 8 = 14, then 4 + 0.75 * 10 = 11.5
    assert by_hand(Nesterov(0.75, averaged=False), 8.0, 4.0) == [14, 11.5]


def test_adagrad():
    # s = 9, then 9 + 16 = 25: 3 / (3 + 1), then -4 / (5 + 1)
    assert by_hand(AdaGrad(eps=1.0), 3.0, -4.0) == pytest.approx([3 / 4, -4 / 6])


def test_rmsprop():
    # beta = 0.75, gradients 2 and then -4: s = 0.25 * 4 = 1, then 0.75 * 1 + 0.25 * 16 = 4.75
    assert by_hand(RMSprop(0.75, 0.5), 2.0, -4.0) == pytest.approx([2 / 1.5, -4 / (4.75**0.5 + 0.5)])
    inside = by_hand(RMSprop(0.75, 0.5, eps_inside=True), 2.0, -4.0)
    assert inside == pytest.approx([2 / 1.5**0.5, -4 / 5.25**0.5])


def test_adam():
    # beta1 = 0.5, beta2 = 0.75, gradients 2 and then 4:
    # v = 1, then 0.5 * 1 + 0.5 * 4 = 2.5; v_hat = 1 / 0.5 = 2, then 2.5 / 0.75 = 10 / 3
    # s = 1, then 0.75 * 1 + 0.25 * 16 = 4.75; s_hat = 1 / 0.25 = 4, then 4.75 / 0.4375 = 76 / 7
    optimizer = Adam(beta1=0.5, beta2=0.75, eps=1.0)
    assert by_hand(optimizer, 2.0, 4.0) == pytest.approx([2 / 3, (10 / 3) / ((76 / 7) ** 0.5 + 1)])
    inside = by_hand(replace(optimizer, eps_inside=True), 2.0, 4.0)
    assert inside == pytest.approx([2 / 5**0.5, (10 / 3) / (76 / 7 + 1) ** 0.5])
    uncorrected = by_hand(replace(optimizer, bias_correction=False), 2.0, 4.0)
    assert uncorrected == pytest.approx([1 / 2, 2.5 / (4.75**0.5 + 1)])


def test_the_states_hold_what_the_formulas_say():
    gradient, zero = np.array([8.0]), np.zeros(1)
    for averaged, v in ((True, 2.0), (False, 8.0)):
        for kind in (Momentum, Nesterov):
            optimizer = kind(0.75, averaged)
            assert optimizer.update(gradient, optimizer.init(zero))[1] == MomentumState(np.array([v]))
    assert AdaGrad().update(gradient, AdaGrad().init(zero))[1] == SquaresState(np.array([64.0]))
    assert RMSprop(0.75).update(gradient, RMSprop().init(zero))[1] == SquaresState(np.array([16.0]))
    state = Adam(0.5, 0.75).update(gradient, Adam().init(zero))[1]
    assert state == AdamState(np.array([4.0]), np.array([16.0]), 1)


def test_defaults():
    assert Momentum() == Momentum(0.9, True)
    assert Nesterov() == Nesterov(0.9, True)
    assert AdaGrad() == AdaGrad(1e-10)
    assert RMSprop() == RMSprop(0.9, 1e-8, False)
    assert Adam() == Adam(0.9, 0.999, 1e-8, False, True)
    assert Clipped(Adam()) == Clipped(Adam(), 1.0)


# Against others and second derivations --------------------------------------------------------------


def follow(optimizer, peer, theta, gradients, learning_rate, rtol=1e-9):
    """Assert that an optimizer and one of scikit-learn take the same way."""
    state = optimizer.init(theta)
    peer_theta = theta.copy()
    for gradient in gradients:
        direction, state = optimizer.update(gradient, state)
        theta = theta - learning_rate * direction
        peer.update_params([peer_theta], [gradient])
        np.testing.assert_allclose(theta, peer_theta, rtol=rtol)


def test_adam_agrees_with_scikit_learn(rng):
    theta, gradients = rng.normal(size=6), rng.normal(size=(20, 6))
    peer = AdamOptimizer([theta], learning_rate_init=0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-12)
    follow(Adam(0.8, 0.95, 1e-12), peer, theta, gradients, 0.01)


@pytest.mark.parametrize("kind", [Momentum, Nesterov])
@pytest.mark.parametrize("averaged", [True, False])
def test_momentum_agrees_with_scikit_learn(kind, averaged, rng):
    theta, gradients = rng.normal(size=6), rng.normal(size=(20, 6))
    peer = SGDOptimizer([theta], learning_rate_init=0.01, momentum=0.8, nesterov=kind is Nesterov)
    # The averaged form takes the same steps at a learning rate 1 / (1 - 0.8) = 5 times as large.
    follow(kind(0.8, averaged), peer, theta, gradients, 0.05 if averaged else 0.01)


def test_nesterov_takes_the_gradient_at_the_point_ahead(rng):
    # Sutskever et al. (2013): v <- mu v - rate * gradient(theta + mu v), theta <- theta + v.
    # What an optimizer here calls theta is their theta + mu v.
    curvature, theta, v = np.array([1.0, 5.0]), np.array([2.0, -1.0]), np.zeros(2)
    ahead, optimizer = theta, Nesterov(0.8, averaged=False)
    state = optimizer.init(ahead)
    for _ in range(10):
        v = 0.8 * v - 0.05 * curvature * (theta + 0.8 * v)
        theta = theta + v
        direction, state = optimizer.update(curvature * ahead, state)
        ahead = ahead - 0.05 * direction
        np.testing.assert_allclose(ahead, theta + 0.8 * v, rtol=1e-12)


@pytest.mark.parametrize("eps_inside", [False, True])
def test_states_in_closed_form(eps_inside, rng):
    gradients = rng.normal(size=(30, 4))
    last, squares = gradients[-1], gradients**2
    v, s = weights(0.8, 30) @ gradients, weights(0.95, 30) @ squares
    v_hat, s_hat = v / (1 - 0.8**30), s / (1 - 0.95**30)

    def root(s):
        return np.sqrt(s + 0.01) if eps_inside else np.sqrt(s) + 0.01

    for optimizer, expected in [
        (Momentum(0.8), v),
        (Nesterov(0.8), 0.8 * v + 0.2 * last),
        (AdaGrad(), last / np.sqrt(squares.sum(axis=0))),
        (RMSprop(0.95, 0.01, eps_inside), last / root(s)),
        (Adam(0.8, 0.95, 0.01, eps_inside), v_hat / root(s_hat)),
        (Adam(0.8, 0.95, 0.01, eps_inside, bias_correction=False), v / root(s)),
    ]:
        np.testing.assert_allclose(directions(optimizer, gradients)[-1], expected, rtol=1e-9)


# Limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Momentum, Nesterov])
@pytest.mark.parametrize("averaged", [True, False])
def test_momentum_without_memory_is_gradient_descent(kind, averaged, rng):
    gradients = rng.normal(size=(3, 4))
    np.testing.assert_array_equal(directions(kind(0.0, averaged), gradients), gradients)


def test_adams_first_step_is_the_sign_of_the_gradient(rng):
    gradient = rng.normal(size=10)
    direction, _ = Adam().update(gradient, Adam().init(gradient))
    np.testing.assert_allclose(direction, np.sign(gradient), atol=1e-5)


def test_adam_without_memory_of_gradients_and_without_correction_is_rmsprop(rng):
    gradients = rng.normal(size=(5, 4))
    for inside in (False, True):
        adam = Adam(0.0, 0.9, 1e-3, inside, bias_correction=False)
        np.testing.assert_allclose(
            directions(adam, gradients), directions(RMSprop(0.9, 1e-3, inside), gradients)
        )


def test_first_steps_of_the_adaptive_methods():
    gradient = np.array([100.0, -0.01])
    for optimizer, length in [
        (AdaGrad(), 1),
        (RMSprop(), 0.1**-0.5),
        (Adam(bias_correction=False), 0.1 / 0.001**0.5),
    ]:
        (first,) = directions(optimizer, [gradient])
        np.testing.assert_allclose(first, [length, -length], rtol=1e-4)


def test_the_floor_under_the_root_is_eps_or_its_root():
    tiny = np.array([1e-12])
    assert directions(RMSprop(0.0, 1e-8), [tiny])[0] == pytest.approx([1e-12 / 1e-8], rel=1e-3)
    assert directions(RMSprop(0.0, 1e-8, eps_inside=True), [tiny])[0] == pytest.approx(
        [1e-12 / 1e-4], rel=1e-3
    )


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_a_gradient_of_zero_gives_no_step(optimizer):
    np.testing.assert_array_equal(directions(optimizer, np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_every_optimizer_finds_the_line(optimizer):
    X = np.linspace(-1, 1, 10)[:, None]
    rate = 1.0 if isinstance(optimizer, AdaGrad) else 0.05
    run = descend(Network((1, 1)), np.zeros(2), repeat(Batch(X, 2 * X + 1)), optimizer, rate)
    *_, last = islice(run, 400)
    np.testing.assert_allclose(last.theta, [2, 1], atol=0.05)


# Protocol -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_updating_changes_nothing_in_place(optimizer, rng):
    gradient, state = rng.normal(size=4), optimizer.init(np.zeros(4))
    copies = gradient.copy(), pickle.loads(pickle.dumps(state))
    once, next_state = optimizer.update(gradient, state)
    next_copy = pickle.loads(pickle.dumps(next_state))
    np.testing.assert_array_equal(gradient, copies[0])
    np.testing.assert_equal(state, copies[1])
    np.testing.assert_array_equal(optimizer.update(gradient, state)[0], once)
    optimizer.update(gradient, next_state)
    np.testing.assert_equal(next_state, next_copy)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_an_optimizer_is_a_value(optimizer):
    assert pickle.loads(pickle.dumps(optimizer)) == optimizer == replace(optimizer)
    assert hash(optimizer) == hash(replace(optimizer))


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_a_population_is_updated_network_by_network(optimizer, rng):
    gradients = rng.normal(size=(3, 2, 5))  # three steps, two networks
    together = np.array(directions(optimizer, gradients))
    for k in range(2):
        np.testing.assert_allclose(together[:, k], directions(optimizer, gradients[:, k]), rtol=1e-14)


A, B = np.array([[0.5], [0.8]]), np.array([[0.01], [0.3]])
POPULATIONS = [
    (Momentum(A), [Momentum(0.5), Momentum(0.8)]),
    (Momentum(A, averaged=False), [Momentum(0.5, averaged=False), Momentum(0.8, averaged=False)]),
    (Nesterov(A), [Nesterov(0.5), Nesterov(0.8)]),
    (Nesterov(A, averaged=False), [Nesterov(0.5, averaged=False), Nesterov(0.8, averaged=False)]),
    (AdaGrad(B), [AdaGrad(0.01), AdaGrad(0.3)]),
    (RMSprop(A, B), [RMSprop(0.5, 0.01), RMSprop(0.8, 0.3)]),
    (RMSprop(A, B, eps_inside=True), [RMSprop(0.5, 0.01, True), RMSprop(0.8, 0.3, True)]),
    (Adam(A, 1 - B, B), [Adam(0.5, 0.99, 0.01), Adam(0.8, 0.7, 0.3)]),
    (Clipped(Momentum(A), B), [Clipped(Momentum(0.5), 0.01), Clipped(Momentum(0.8), 0.3)]),
    (Clipped(Adam(), B), [Clipped(Adam(), 0.01), Clipped(Adam(), 0.3)]),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("together", "alone"), POPULATIONS, ids=lambda each: type(each).__name__)
def test_each_network_has_its_own_hyperparameters(together, alone, dtype, rng):
    gradients = rng.normal(size=(3, 2, 5)).astype(dtype)
    found = np.array(directions(together, gradients))
    for k, optimizer in enumerate(alone):
        expected = directions(optimizer, gradients[:, k])
        np.testing.assert_allclose(found[:, k], expected, rtol=1e-12 if dtype is np.float64 else 2e-5)


@pytest.mark.parametrize(
    "optimizer",
    [
        *ALL,
        *(together for together, _ in POPULATIONS),
        Momentum(np.float64(0.9)),
        Nesterov(np.float64(0.9)),
        AdaGrad(np.float64(1e-3)),
        RMSprop(np.float64(0.9), np.float64(1e-3)),
        Adam(np.float64(0.9), np.float64(0.99), np.float64(1e-3)),
        Clipped(Adam(), np.float64(0.1)),
    ],
    ids=repr,
)
def test_float32_stays_float32(optimizer):
    gradient = np.ones((2, 3), dtype=np.float32)
    state = optimizer.init(gradient)
    for _ in range(2):
        direction, state = optimizer.update(gradient, state)
        assert direction.dtype == np.float32
        assert all(part.dtype == np.float32 for part in state or () if isinstance(part, np.ndarray))


@pytest.mark.parametrize(
    ("optimizer", "change"),
    [
        (Momentum(), {"beta": 0.5}),
        (Nesterov(), {"beta": 0.5}),
        (AdaGrad(), {"eps": 0.5}),
        (RMSprop(), {"eps_inside": True}),
        (Adam(), {"beta1": 0.5}),
        (Adam(bias_correction=False), {"bias_correction": True}),
        (Clipped(Adam(), 0.5), {"limit": 0.1}),
    ],
    ids=repr,
)
def test_a_hyperparameter_may_be_replaced_between_two_steps(optimizer, change, rng):
    first, second = rng.normal(size=(2, 4))
    _, state = optimizer.update(first, optimizer.init(first))
    before, after = optimizer.update(second, state), replace(optimizer, **change).update(second, state)
    assert not np.allclose(before[0], after[0], rtol=1e-9)
    assert type(after[1]) is type(before[1])
    assert after[1][-1] is not None


def test_the_step_is_counted_without_bias_correction_too():
    optimizer = Adam(bias_correction=False)
    state = optimizer.init(np.zeros(2))
    for t in (1, 2):
        _, state = optimizer.update(np.ones(2), state)
        assert state.t == t


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_what_is_not_finite_passes_without_a_warning(optimizer):
    gradient = np.array([[np.inf, 1.0], [np.nan, 1.0], [1e200, 1.0], [2.0, 1.0]])
    found = directions(optimizer, [gradient, -gradient, gradient])
    assert np.isfinite([direction[3] for direction in found]).all()  # the last network is not touched
    assert not np.isfinite([direction[1] for direction in found]).all()


def test_every_optimizer_has_a_name():
    assert list(OPTIMIZERS) == ["gradient_descent", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]
    assert {type(each) for each in ALL} - {Clipped} == set(OPTIMIZERS.values())
    for name, kind in OPTIMIZERS.items():
        assert type(kind()).__name__.lower() == name.replace("_", "")


# Clipping -------------------------------------------------------------------------------------------


def test_clip_by_norm_by_hand():
    # norms 5, 0.5 and 10; limit 2
    gradient = np.array([[3.0, -4.0], [0.3, 0.4], [6.0, 8.0]])
    np.testing.assert_allclose(clip_by_norm(gradient, 2.0), [[1.2, -1.6], [0.3, 0.4], [1.2, 1.6]])
    limits = np.array([[1.0], [0.25], [20.0]])
    np.testing.assert_allclose(clip_by_norm(gradient, limits), [[0.6, -0.8], [0.15, 0.2], [6, 8]])


def test_clip_by_value_by_hand():
    gradient = np.array([[3.0, -4.0], [0.5, -0.25]])
    np.testing.assert_array_equal(clip_by_value(gradient, 2), [[2, -2], [0.5, -0.25]])
    np.testing.assert_array_equal(
        clip_by_value(gradient, np.array([[10.0], [0.125]])), [[3, -4], [0.125, -0.125]]
    )
    np.testing.assert_array_equal(clip_by_value(gradient, np.uint8(2)), [[2, -2], [0.5, -0.25]])


@given(seed=st.integers(0, 999), size=st.floats(-150, 150), limit=st.floats(1e-3, 1e3))
@settings(max_examples=40, deadline=None)
def test_a_clipped_gradient_is_no_longer_than_the_limit_and_keeps_its_direction(seed, size, limit):
    gradient = np.random.default_rng(seed).normal(size=6) * 10**size
    clipped = clip_by_norm(gradient, limit)
    assert np.linalg.norm(clipped) == pytest.approx(min(limit, np.linalg.norm(gradient)), rel=1e-12)
    np.testing.assert_allclose(clipped / np.abs(clipped).max(), gradient / np.abs(gradient).max(), rtol=1e-12)
    assert np.abs(clip_by_value(gradient, limit)).max() <= limit


def test_clipping_at_the_ends():
    unchanged = np.array([[3.0, 4.0], [0.0, 0.0]])
    for clip in (clip_by_norm, clip_by_value):
        np.testing.assert_array_equal(clip(unchanged, np.inf), unchanged)
        np.testing.assert_array_equal(clip(np.zeros(3), 1e-300), np.zeros(3))
        assert clip(np.zeros((2, 0)), 1.0).shape == (2, 0)
    np.testing.assert_array_equal(clip_by_norm(unchanged, 5.0), unchanged)
    # Neither 1e300 nor 1e-300 can be squared.
    np.testing.assert_allclose(clip_by_norm(np.array([3e300, -4e300]), 1.0), [0.6, -0.8])
    np.testing.assert_allclose(clip_by_norm(np.array([3e-300, 4e-300]), 1e-300), [6e-301, 8e-301])
    np.testing.assert_allclose(clip_by_norm(np.array([3e30, 4e30], np.float32), 1.0), [0.6, 0.8], rtol=1e-6)


def test_clipping_does_not_hide_what_is_not_finite():
    gradient = np.array([[np.inf, 1.0], [np.nan, 1.0], [3.0, 4.0]])
    np.testing.assert_allclose(clip_by_norm(gradient, 1.0), [[np.inf, 1], [np.nan, 1], [0.6, 0.8]])
    np.testing.assert_array_equal(clip_by_value(gradient, 2.0), [[2, 1], [np.nan, 1], [2, 2]])


def test_clipping_keeps_the_dtype():
    gradient = np.ones((2, 3), dtype=np.float32)
    for limit in (0.5, np.float64(0.5), np.full((2, 1), 0.5), 1e300, np.inf):
        assert clip_by_norm(gradient, limit).dtype == clip_by_value(gradient, limit).dtype == np.float32


def test_clipped_gives_the_optimizer_the_clipped_gradient(rng):
    gradients = rng.normal(size=(4, 2, 5))
    limits = np.array([[0.5], [100.0]])
    np.testing.assert_array_equal(
        directions(Clipped(Adam(), limits), gradients),
        directions(Adam(), [clip_by_norm(gradient, limits) for gradient in gradients]),
    )


# Errors ---------------------------------------------------------------------------------------------

NOT_A_SHARE = [1.0, -0.1, np.nan, None, "x", [0.9], True, np.array([0.9]), np.array([[1.0]]), np.array([[0]])]
NOT_POSITIVE = [0.0, -1, np.nan, None, "x", [1.0], True, np.array([0.1]), np.array([[0.0]]), np.array([[1]])]


@pytest.mark.parametrize("value", NOT_A_SHARE, ids=repr)
@pytest.mark.parametrize(
    ("kind", "name"),
    [(Momentum, "beta"), (Nesterov, "beta"), (RMSprop, "beta"), (Adam, "beta1"), (Adam, "beta2")],
)
def test_a_bad_beta_is_named(kind, name, value):
    with pytest.raises(
        ValueError, match=rf"^{name} must be .*; got .* (usual values|one value for each network)"
    ):
        kind(**{name: value})


@pytest.mark.parametrize("value", [*NOT_POSITIVE, np.inf], ids=repr)
@pytest.mark.parametrize("kind", [AdaGrad, RMSprop, Adam])
def test_a_bad_eps_is_named(kind, value):
    with pytest.raises(ValueError, match=r"^eps must be .*; got .* (usual|one value for each network)"):
        kind(eps=value)


@pytest.mark.parametrize("value", NOT_POSITIVE, ids=repr)
@pytest.mark.parametrize(
    "call",
    [
        lambda limit: clip_by_norm(np.ones((1, 2)), limit),
        lambda limit: clip_by_value(np.ones((1, 2)), limit),
        lambda limit: Clipped(Adam(), limit),
    ],
)
def test_a_bad_limit_is_named(call, value):
    with pytest.raises(ValueError, match=r"^limit must be .*; got .* (infinity|one value for each network)"):
        call(value)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Momentum, "averaged"),
        (Nesterov, "averaged"),
        (RMSprop, "eps_inside"),
        (Adam, "eps_inside"),
        (Adam, "bias_correction"),
    ],
)
@pytest.mark.parametrize("value", [None, 1, "yes", np.array([True])], ids=repr)
def test_a_bad_flag_is_named(kind, name, value):
    with pytest.raises(ValueError, match=f"^{name} must be True or False; got"):
        kind(**{name: value})


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
@pytest.mark.parametrize(
    "bad", [None, "x", 2.5, [1.0], np.array(1.0), np.array([1]), np.array([None])], ids=repr
)
def test_a_bad_theta_or_gradient_is_named(optimizer, bad):
    with pytest.raises(ValueError, match=r"^theta must be a float array of shape \(..., P\); got"):
        optimizer.init(bad)
    with pytest.raises(ValueError, match=r"^gradient must be a float array of shape \(..., P\); got"):
        optimizer.update(bad, optimizer.init(np.zeros(3)))


@pytest.mark.parametrize("optimizer", STATEFUL, ids=repr)
def test_gradient_and_state_must_belong_together(optimizer):
    state = optimizer.init(np.zeros(3))
    with pytest.raises(
        ValueError, match=r"gradient has shape \(4,\).*State of the step .* got arrays of shape \(3,\)"
    ):
        optimizer.update(np.ones(4), state)
    with pytest.raises(ValueError, match=r"gradient has shape \(2, 3\)"):
        optimizer.update(np.ones((2, 3)), state)
    for wrong in (
        None,
        "x",
        tuple(state),
        Momentum() if isinstance(state, SquaresState) else SquaresState(state[0]),
    ):
        with pytest.raises(ValueError, match=rf"must be the {type(state).__name__} of .*it is init\(theta\)"):
            optimizer.update(np.ones(3), wrong)


@pytest.mark.parametrize(("optimizer", "_"), POPULATIONS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("shape", [(5,), (3, 5), (1, 5)])
def test_hyperparameters_must_be_for_as_many_networks(optimizer, _, shape):
    expected = (
        r"must be a number or hold one value for each network: {} has shape .*; got .* of shape \(2, 1\)"
    )
    with pytest.raises(ValueError, match=expected.format("theta")):
        optimizer.init(np.zeros(shape))
    state = optimizer.init(np.zeros((2, 5)))
    with pytest.raises(ValueError, match=expected.format("gradient")):
        optimizer.update(np.zeros(shape), state)


def test_clipping_checks_its_arguments():
    for clip in (clip_by_norm, clip_by_value):
        with pytest.raises(ValueError, match=r"gradient must be a float array"):
            clip([3.0, 4.0], 1.0)
        with pytest.raises(
            ValueError, match=r"limit must be a number or hold .* got limit of shape \(2, 1\)"
        ):
            clip(np.ones(2), np.ones((2, 1)))


@pytest.mark.parametrize("bad", [None, "adam", Adam, np.zeros(2), Network((1, 1))], ids=str)
def test_clipped_needs_an_optimizer(bad):
    with pytest.raises(
        ValueError, match=r"optimizer must be an optimizer with init and update; got .*Adam\(\)"
    ):
        Clipped(bad, 1.0)


def test_clipping_a_gradient_whose_square_is_no_float():
    # length 5e200: (3, 4) / 5, with the signs
    clipped = clip_by_norm(np.array([-3e200, -4e200]), 1.0)
    np.testing.assert_allclose(clipped, [-0.6, -0.8], rtol=1e-12)


def test_half_an_optimizer_is_refused():
    class OnlyInit:
        def init(self, theta):
            return None

    with pytest.raises(ValueError, match="optimizer must"):
        Clipped(OnlyInit())

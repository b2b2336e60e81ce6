import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers import batch_normalization
from dlhelpers.batch_normalization import (
    BatchNormalization,
    Normalized,
    backward,
    forward,
    inference,
    unbiased,
    update_running,
)


def column(*values):
    return np.array(values)[:, None]


def test_forward_by_hand():
    # unit 1: (1, 3): mean 2, variance 1, root of 1 + 3 is 2, normalized -0.5 and 0.5; 4 z + 10: 8 and 12
    # unit 2: (0, 2): mean 1, the same; 2 z - 1: -2 and 0
    found = forward(np.array([[1.0, 3.0], [0.0, 2.0]]), column(4.0, 2.0), column(10.0, -1.0), eps=3.0)
    assert found.mean.tolist() == [[2], [1]]
    assert found.variance.tolist() == [[1], [1]]
    assert found.Z_norm.tolist() == [[-0.5, 0.5], [-0.5, 0.5]]
    assert found.Z_tilde.tolist() == [[8, 12], [-2, 0]]


def test_the_variance_is_the_mean_of_squares():
    # (0, 0, 3): mean 1, squares 1, 1, 4: their mean is 2, not 6 / (3 - 1)
    found = forward(np.array([[0.0, 0.0, 3.0]]), column(1.0), column(0.0))
    assert found.mean.tolist() == [[1]] and found.variance.tolist() == [[2]]


def test_backward_by_hand():
    # z_norm = (-0.5, 0.5), root 2, gamma 4; d z_tilde = (1, 2)
    # d gamma = -0.5 + 1 = 0.5; d beta = 3; d z_norm = (4, 8), mean 6
    # mean of d z_norm * z_norm = (-2 + 4) / 2 = 1
    # dz = ((4, 8) - 6 - (-0.5, 0.5) * 1) / 2 = (-0.75, 0.75)
    batch = forward(np.array([[1.0, 3.0]]), column(4.0), column(10.0), eps=3.0)
    found = backward(np.array([[1.0, 2.0]]), batch, column(4.0), eps=3.0)
    assert found.dgamma.tolist() == [[0.5]]
    assert found.dbeta.tolist() == [[3]]
    assert found.dZ.tolist() == [[-0.75, 0.75]]


def test_inference_by_hand():
    # (5 - 1) / sqrt(13 + 3) = 1; 2 * 1 + 3 = 5; and (-7 - 1) / 4 = -2; 2 * -2 + 3 = -1
    found = inference(np.array([[5.0, -7.0]]), column(2.0), column(3.0), column(1.0), column(13.0), eps=3.0)
    assert found.tolist() == [[5, -1]]


def test_inference_on_one_example_does_not_depend_on_others():
    Z, unit = np.array([[5.0, -7.0, 0.0]]), [column(x) for x in (2.0, 3.0, 1.0, 13.0)]
    together = inference(Z, *unit)
    for i in range(3):
        np.testing.assert_array_equal(inference(Z[:, i : i + 1], *unit), together[:, i : i + 1])


def test_without_eps_it_is_1e_5(rng):
    Z, gamma, beta = 1e-2 * rng.normal(size=(2, 5)), column(2.0, 0.5), column(1.0, -1.0)
    dZ = rng.normal(size=(2, 5))
    batch = forward(Z, gamma, beta)
    np.testing.assert_array_equal(batch.Z_tilde, forward(Z, gamma, beta, 1e-5).Z_tilde)
    np.testing.assert_array_equal(backward(dZ, batch, gamma).dZ, backward(dZ, batch, gamma, 1e-5).dZ)
    statistics = batch.mean, batch.variance
    np.testing.assert_array_equal(
        inference(Z, gamma, beta, *statistics), inference(Z, gamma, beta, *statistics, 1e-5)
    )
    assert BatchNormalization() == BatchNormalization(eps=1e-5, momentum=0.9)


def test_inference_with_the_statistics_of_the_batch_is_forward(rng):
    Z, gamma, beta = rng.normal(size=(3, 4, 6)), rng.normal(size=(3, 4, 1)), rng.normal(size=(3, 4, 1))
    batch = forward(Z, gamma, beta, 0.1)
    found = inference(Z, gamma, beta, batch.mean, batch.variance, 0.1)
    np.testing.assert_allclose(found, batch.Z_tilde, atol=1e-14)


@given(st.integers(1, 4), st.integers(2, 9), st.floats(1e-6, 1.0), st.integers(0, 10**6))
def test_gamma_of_the_deviation_and_beta_of_the_mean_give_the_input_back(n, m, eps, seed):
    Z = np.random.default_rng(seed).normal(3, 2, (n, m))
    first = forward(Z, np.ones((n, 1)), np.zeros((n, 1)), eps)
    back = forward(Z, np.sqrt(first.variance + eps), first.mean, eps)
    np.testing.assert_allclose(back.Z_tilde, Z, atol=1e-12)


@given(st.floats(0.1, 100), st.floats(-100, 100), st.integers(0, 10**6))
def test_scale_and_shift_of_the_input_cancel(scale, shift, seed):
    Z = np.random.default_rng(seed).normal(size=(3, 8))
    gamma, beta = np.full((3, 1), 1.5), np.full((3, 1), -0.5)
    found = forward(scale * Z + shift, gamma, beta, 1e-30).Z_tilde
    np.testing.assert_allclose(found, forward(Z, gamma, beta, 1e-30).Z_tilde, atol=1e-8)


@pytest.mark.parametrize("m", [2, 3, 20])
def test_gradient_check(m, rng):
    """The cost is a fixed random weighting R of z_tilde, so that dJ / d z_tilde is R."""
    Z, R = rng.normal(size=(2, m)), rng.normal(size=(2, m))
    gamma, beta, eps = column(1.7, -0.6), column(0.4, 2.0), 0.3
    found = backward(R, forward(Z, gamma, beta, eps), gamma, eps)
    h = 1e-5
    for analytic, index in zip(found, range(3), strict=True):
        numerical = np.empty_like(analytic)
        for place in np.ndindex(*analytic.shape):
            costs = []
            for sign in (1, -1):
                moved = [Z.copy(), gamma.copy(), beta.copy()]
                moved[index][place] += sign * h
                costs.append((R * forward(*moved, eps).Z_tilde).sum())
            numerical[place] = (costs[0] - costs[1]) / (2 * h)
        np.testing.assert_allclose(analytic, numerical, atol=1e-9)


def test_what_flows_to_the_input_has_mean_zero_and_no_part_along_it(rng):
    Z, gamma = rng.normal(size=(3, 10)), column(1.0, 2.0, 3.0)
    batch = forward(Z, gamma, column(0.0, 0.0, 0.0), 1e-30)
    dZ = backward(rng.normal(size=Z.shape), batch, gamma, 1e-30).dZ
    np.testing.assert_allclose(dZ.sum(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose((dZ * batch.Z_norm).sum(axis=-1), 0, atol=1e-12)


def test_a_population_is_its_networks_one_by_one(rng):
    Z, dZ = rng.normal(size=(2, 3, 4, 5))
    gamma, beta = rng.normal(size=(2, 3, 4, 1))
    batch = forward(Z, gamma, beta)
    gradients = backward(dZ, batch, gamma)
    for k in range(3):
        own = forward(Z[k], gamma[k], beta[k])
        for together, alone in zip(batch, own, strict=True):
            np.testing.assert_array_equal(together[k], alone)
        for together, alone in zip(gradients, backward(dZ[k], own, gamma[k]), strict=True):
            np.testing.assert_array_equal(together[k], alone)


def test_a_constant_unit_gives_beta():
    found = forward(np.full((1, 3), 7.0), column(2.0), column(5.0))
    assert found.Z_tilde.tolist() == [[5, 5, 5]]


def test_the_unbiased_variance_by_hand():
    # 4 / 3 * 6 = 8; 2 / 1 * 6 = 12
    assert unbiased(np.array([6.0]), 4) == 8
    assert unbiased(np.array([6.0]), 2) == 12
    X = np.arange(7.0) ** 2
    assert unbiased(np.asarray(X.var()), 7) == pytest.approx(X.var(ddof=1))


def test_two_running_averages_by_hand():
    # 0.75 * 0 + 0.25 * 4 = 1; 0.75 * 1 + 0.25 * 8 = 2.75; and -4, 0 from 8: 0.75 * 8 - 1 = 5, 3.75
    running = update_running(np.array([0.0, 8.0]), np.array([4.0, -4.0]), 0.75)
    assert running.tolist() == [1, 5]
    assert update_running(running, np.array([8.0, 0.0]), 0.75).tolist() == [2.75, 3.75]


def test_momentum_0_keeps_the_last_batch_only():
    assert update_running(np.array([5.0]), np.array([3.0]), 0.0).tolist() == [3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_follows_the_input(dtype, rng):
    Z, unit = rng.normal(size=(3, 4)).astype(dtype), np.ones((3, 1), dtype)
    batch = forward(Z, unit, unit)
    arrays = [*batch, *backward(Z, batch, unit), inference(Z, unit, unit, unit, unit)]
    arrays += [unbiased(unit, 4), update_running(unit, unit, 0.9)]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_no_warning_where_nothing_is_finite():
    Z, unit = np.array([[np.inf, 1e308, -1e308]]), np.ones((1, 1))
    assert np.isnan(forward(Z, unit, unit).Z_tilde).any()
    backward(Z, Normalized(Z, Z, unit, unit), unit)
    inference(Z, unit, unit, np.full((1, 1), np.inf), unit)
    assert np.isnan(update_running(np.array([np.inf]), np.array([1.0]), 0.0)).all()


def test_one_example_has_no_variance():
    with pytest.raises(ValueError, match=r"needs 2 or more examples in a batch; got 1\. One example minus"):
        forward(np.ones((3, 1)), np.ones((3, 1)), np.ones((3, 1)))
    with pytest.raises(ValueError, match="got 1"):
        forward(np.ones((2, 3, 1)), np.ones((3, 1)), np.ones((3, 1)))
    assert forward(np.eye(2), np.ones((2, 1)), np.ones((2, 1))).Z_tilde.shape == (2, 2)
    assert forward(np.ones((3, 1, 2)), np.ones((1, 1)), np.ones((1, 1))).Z_tilde.shape == (3, 1, 2)


ONE = np.ones((1, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BatchNormalization(eps=0.0), r"eps must be a number in \(0, inf\); got 0\.0\. .* 1e-5"),
        (
            lambda: BatchNormalization(momentum=1.0),
            r"momentum must be a number in \[0, 1\); got 1\.0\. .* 0\.9",
        ),
        (lambda: BatchNormalization(eps=np.ones(3)), r"eps must be a number in \(0, inf\); got array"),
        (lambda: forward([[1.0]], ONE, ONE), "Z must be a float array"),
        (lambda: forward(np.ones((2, 3)), np.ones(2), np.ones((2, 1))), "gamma must be .*, 1"),
        (lambda: forward(np.ones((2, 3)), np.ones((2, 1)), None), "beta must be .* got None"),
        (lambda: backward(None, Normalized(ONE, ONE, ONE, ONE), ONE), "dZ_tilde must be .* got None"),
        (lambda: backward(ONE, Normalized(ONE, ONE, ONE, ONE), 1.0), "gamma must be .* got 1.0"),
        (lambda: inference(np.ones(3), ONE, ONE, ONE, ONE), "Z must be a float array"),
        (lambda: inference(ONE, ONE, ONE, np.ones((1, 2)), ONE), "mean must be"),
        (lambda: inference(ONE, ONE, ONE, ONE, np.ones((1, 2))), "variance must be"),
        (lambda: unbiased(ONE, 1), r"m must be an integer in \[2, inf\); got 1"),
        (lambda: unbiased(ONE, np.inf), "m must be an integer"),
        (lambda: unbiased(2.0, 3), "variance must be a float array"),
        (lambda: update_running(1.0, ONE, 0.9), "running must be a float array"),
        (lambda: update_running(ONE, 1.0, 0.9), "batch must be a float array"),
        (lambda: update_running(ONE, ONE, 1.0), r"momentum must be a number in \[0, 1\)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_backward_wants_what_forward_returned_for_the_same_z(rng):
    Z, gamma = rng.normal(size=(3, 5)), np.ones((3, 1))
    batch = batch_normalization.forward(Z, gamma, gamma)
    with pytest.raises(ValueError, match="batch must be what forward returned"):
        batch_normalization.backward(Z, Z, gamma)
    with pytest.raises(ValueError, match="batch must be what forward returned"):
        batch_normalization.backward(Z[:, :4].copy(), batch, gamma)


def test_gamma_is_for_the_networks_of_z(rng):
    Z = rng.normal(size=(2, 3, 5))
    with pytest.raises(ValueError, match="gamma must be for the networks"):
        batch_normalization.forward(Z, np.ones((4, 3, 1)), np.ones((3, 1)))
    assert batch_normalization.forward(Z, np.ones((2, 3, 1)), np.ones((3, 1))).Z_tilde.shape == Z.shape

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.special import softmax as scipy_softmax
from sklearn.metrics import log_loss, mean_squared_error

from dlhelpers.activations import linear, sigmoid
from dlhelpers.losses import (
    LOSSES,
    sigmoid_cross_entropy_cost,
    sigmoid_cross_entropy_gradient,
    smooth_labels,
    softmax_cross_entropy_cost,
    softmax_cross_entropy_gradient,
    squared_error_cost,
    squared_error_gradient,
)
from dlhelpers.softmax import softmax


def targets(name, rng, shape):
    if name == "softmax_cross_entropy":
        classes = rng.integers(0, shape[-2], shape[:-2] + shape[-1:])
        return np.eye(shape[-2])[classes].swapaxes(-1, -2)
    if name == "sigmoid_cross_entropy":
        return rng.integers(0, 2, shape).astype(float)
    return rng.normal(size=shape)


def test_there_is_a_name_for_each_loss():
    assert dict(LOSSES) == {
        "squared_error": (linear, squared_error_cost, squared_error_gradient),
        "sigmoid_cross_entropy": (
            sigmoid,
            sigmoid_cross_entropy_cost,
            sigmoid_cross_entropy_gradient,
        ),
        "softmax_cross_entropy": (softmax, softmax_cross_entropy_cost, softmax_cross_entropy_gradient),
    }


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 5)])
def test_gradient_agrees_with_a_two_sided_difference(name, shape, rng):
    loss, Z, Y = LOSSES[name], rng.normal(size=shape), targets(name, rng, shape)
    gradient = loss.gradient(Z, Y)
    for index in np.ndindex(shape):
        step = np.zeros(shape)
        step[index] = 1e-6
        difference = (loss.cost(Z + step, Y) - loss.cost(Z - step, Y)).sum() / 2e-6
        assert gradient[index] == pytest.approx(difference, abs=1e-8)


def test_squared_error_by_hand():
    # Z - Y = 1, 2, 3 in the first row, -2, 0, 4 in the second; squares 1 + 4 + 9 + 4 + 0 + 16 = 34
    # three examples: J = 34 / (2 * 3), dZ = (Z - Y) / 3
    Z, Y = np.array([[2.0, 4.0, 8.0], [1.0, 5.0, 4.0]]), np.array([[1.0, 2.0, 5.0], [3.0, 5.0, 0.0]])
    assert squared_error_cost(Z, Y) == pytest.approx(34 / 6, rel=1e-15)
    np.testing.assert_allclose(
        squared_error_gradient(Z, Y), [[1 / 3, 2 / 3, 1], [-2 / 3, 0, 4 / 3]], rtol=1e-15
    )


def test_sigmoid_cross_entropy_by_hand():
    # y hat = 3 / 4 where z = log 3, and 1 / 5 where z = -log 4
    # J = -(log(3/4) + log(1 - 1/5)) / 2 = -log(3/5) / 2 for the labels 1 and 0
    Z, Y = np.array([[np.log(3), -np.log(4)]]), np.array([[1.0, 0.0]])
    assert sigmoid_cross_entropy_cost(Z, Y) == pytest.approx(-np.log(0.6) / 2, rel=1e-14)
    np.testing.assert_allclose(sigmoid_cross_entropy_gradient(Z, Y), [[-0.125, 0.1]], rtol=1e-14)


def test_softmax_cross_entropy_by_hand():
    # y hat = 1/8, 2/8, 5/8 and 3/10, 3/10, 4/10; labels: class 3, and smoothed ones
    Z = np.log([[1.0, 3.0], [2.0, 3.0], [5.0, 4.0]])
    Y = np.array([[0.0, 0.1], [0.0, 0.8], [1.0, 0.1]])
    expected = -(np.log(0.625) + 0.1 * np.log(0.3) + 0.8 * np.log(0.3) + 0.1 * np.log(0.4)) / 2
    assert softmax_cross_entropy_cost(Z, Y) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(
        softmax_cross_entropy_gradient(Z, Y),
        [[0.0625, 0.1], [0.125, -0.25], [-0.1875, 0.15]],
        rtol=1e-13,
    )


def test_costs_agree_with_scikit_learn(rng):
    Z, labels = rng.normal(size=(4, 50)), rng.integers(0, 4, 50)
    expected = log_loss(labels, scipy_softmax(Z, axis=0).T, labels=range(4))
    assert softmax_cross_entropy_cost(Z, np.eye(4)[labels].T) == pytest.approx(expected)
    z, y = rng.normal(size=(1, 50)), rng.integers(0, 2, (1, 50)).astype(float)
    assert sigmoid_cross_entropy_cost(z, y) == pytest.approx(log_loss(y[0], expit(z[0])))
    Y = rng.normal(size=(4, 50))
    expected = mean_squared_error(Y.T, Z.T) * 4 / 2  # scikit-learn also takes the mean over the 4 outputs
    assert squared_error_cost(Z, Y) == pytest.approx(expected)


@pytest.mark.parametrize("name", LOSSES)
def test_a_population_is_its_networks_one_by_one(name, rng):
    loss, Z, Y = LOSSES[name], rng.normal(size=(4, 3, 5)), targets(name, rng, (4, 3, 5))
    assert loss.cost(Z, Y).shape == (4,)
    for k in range(4):
        np.testing.assert_allclose(loss.cost(Z, Y)[k], loss.cost(Z[k], Y[k]), rtol=1e-14)
        np.testing.assert_allclose(loss.gradient(Z, Y)[k], loss.gradient(Z[k], Y[k]), rtol=1e-14)
        np.testing.assert_allclose(loss.prediction(Z)[k], loss.prediction(Z[k]), rtol=1e-14)
        # one Y for all of them
        np.testing.assert_allclose(loss.cost(Z, Y[0])[k], loss.cost(Z[k], Y[0]), rtol=1e-14)
        np.testing.assert_allclose(loss.gradient(Z, Y[:1])[k], loss.gradient(Z[k], Y[0]), rtol=1e-14)


@pytest.mark.parametrize("name", ["sigmoid_cross_entropy", "softmax_cross_entropy"])
def test_a_confident_mistake_costs_its_logit_and_stays_finite(name):
    Z, Y = np.array([[2000.0], [0.0]]), np.array([[0.0], [1.0]])
    # softmax: log(e^2000 + 1) - 0 = 2000; sigmoid: 2000 for the first unit, log 2 for the second
    expected = 2000.0 if name.startswith("softmax") else 2000 + np.log(2)
    assert LOSSES[name].cost(Z, Y) == pytest.approx(expected)
    assert np.isfinite(LOSSES[name].gradient(Z, Y)).all()


@given(z=st.lists(st.floats(-8e307, 8e307), min_size=3, max_size=3), label=st.integers(0, 2))
@settings(max_examples=30, deadline=None)
def test_cross_entropies_are_not_negative_and_their_slopes_not_above_1(z, label):
    Z, Y = np.array(z)[:, None], np.eye(3)[:, [label]]
    for name in ("sigmoid_cross_entropy", "softmax_cross_entropy"):
        assert LOSSES[name].cost(Z, Y) >= 0
        assert np.abs(LOSSES[name].gradient(Z, Y)).max() <= 1


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("extreme", [1e308, -1e308, np.inf, -np.inf, np.nan])
def test_extremes_in_logits_and_targets_cause_no_warning(name, extreme):
    loss, ordinary = LOSSES[name], np.array([[1.0, 0.0], [0.0, 1.0]])
    wild = np.array([[extreme, -extreme], [0.0, extreme]])
    for Z, Y in ((wild, ordinary), (ordinary, wild), (wild, wild), (wild, -wild)):
        assert loss.cost(Z, Y).shape == () and loss.gradient(Z, Y).shape == (2, 2)
    assert np.isinf(squared_error_cost(np.array([[1e200]]), np.array([[0.0]])))


def test_label_smoothing_by_hand():
    # s = 0.3 and 3 classes: 0.7 * 1 + 0.1 = 0.8, and 0.1 for the others
    Y = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(smooth_labels(Y, 0.3), [[0.1, 0.8, 0.1], [0.8, 0.1, 0.1]], rtol=1e-15)
    np.testing.assert_array_equal(smooth_labels(Y, 0), Y)
    np.testing.assert_allclose(smooth_labels(Y, 1), np.full((2, 3), 1 / 3), rtol=1e-15)
    np.testing.assert_allclose(smooth_labels(np.stack([Y, Y]), 0.3).sum(axis=-1), 1, rtol=1e-15)


def test_dtype_follows_the_logits(rng):
    for name, loss in LOSSES.items():
        Z, Y = rng.normal(size=(3, 5)), targets(name, rng, (3, 5))
        Z32, Y32 = Z.astype(np.float32), Y.astype(np.float32)
        assert loss.cost(Z32, Y32).dtype == loss.gradient(Z32, Y32).dtype == np.float32
        assert loss.cost(Z32, Y32) == pytest.approx(loss.cost(Z, Y), rel=1e-5)
    assert smooth_labels(np.eye(2, dtype=np.float32), np.float64(0.1)).dtype == np.float32
    counts = np.array([[1, 0], [0, 1]])  # labels may be integers
    Z = rng.normal(size=(2, 2))
    for loss in LOSSES.values():
        assert loss.cost(Z, counts) == loss.cost(Z, counts.astype(float))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("which", ["cost", "gradient"])
def test_shapes_that_do_not_fit_are_named(name, which):
    function = getattr(LOSSES[name], which)
    for Y in (np.ones((5, 3)), np.ones((1, 5)), np.ones((3, 1)), np.ones((4, 3, 5)), np.ones((2, 3, 1))):
        with pytest.raises(
            ValueError, match=r"Y must have one target for each of the \(2, 3, 5\) logits; got"
        ):
            function(np.ones((2, 3, 5)), Y)
    with pytest.raises(ValueError, match=r"of the \(3, 5\) logits; got shape \(2, 3, 5\)"):
        function(np.ones((3, 5)), np.ones((2, 3, 5)))
    for shape in ((3, 0), (0, 5)):
        with pytest.raises(ValueError, match="Z must have 1 or more outputs and examples; got shape"):
            function(np.ones(shape), np.ones(shape))
    for bad in (None, "x", 1.0, [[1.0]], np.ones(5), np.full((3, 5), "x")):
        with pytest.raises(ValueError, match=r"Z must be a float array of shape .* Examples are columns"):
            function(bad, np.ones((3, 5)))
        with pytest.raises(ValueError, match=r"Y must be a number array of shape .* Examples are columns"):
            function(np.ones((3, 5)), bad)


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan, np.inf, None, "x", True, [0.1], np.array([0.1, 0.2])])
def test_a_smoothing_strength_is_one_number_from_0_to_1(bad):
    with pytest.raises(
        ValueError, match=r"strength must be a number in \[0, 1\]; got .* A usual value is 0.1"
    ):
        smooth_labels(np.eye(2), bad)


@pytest.mark.parametrize("bad", [None, "x", [[1.0, 0.0]], np.array([0, 1]), np.array([0.0, 1.0])])
def test_labels_to_smooth_are_one_hot_rows(bad):
    with pytest.raises(
        ValueError, match=r"Y must be a float array of shape .* For class numbers, pass one_hot"
    ):
        smooth_labels(bad, 0.1)


def test_labels_to_smooth_are_finite_and_have_classes():
    with pytest.raises(ValueError, match="Y must hold finite numbers only; got inf"):
        smooth_labels(np.array([[np.inf, 0.0]]), 1.0)
    with pytest.raises(ValueError, match=r"Y must have one column for each class.* got shape \(2, 0\)"):
        smooth_labels(np.ones((2, 0)), 0.1)
    assert smooth_labels(np.ones((2, 0, 3)), 0.1).shape == (2, 0, 3)  # no example is no error


@pytest.mark.parametrize("which", ["cost", "gradient"])
@pytest.mark.parametrize("m", [3, 30])
def test_labels_as_rows_are_told_with_advice_that_helps(which, m, rng):
    """With m = n_classes the shapes fit, and when logits are rows as well, they always do."""
    function = getattr(LOSSES["softmax_cross_entropy"], which)
    rows, Z = smooth_labels(np.eye(3)[np.arange(m) % 3 // 2], 0.1), rng.normal(size=(m, 3))
    for Y in (rows, np.stack([rows, rows])):
        population = np.stack([Z] * (Y.ndim - 1)) if Y.ndim == 3 else Z
        with pytest.raises(
            ValueError, match=r"Y must have one column for each example.*Pass Y\.T, and logits"
        ):
            function(population, Y)
        function(population.swapaxes(-1, -2), Y.swapaxes(-1, -2))
    function(np.ones((3, 3)), np.eye(3))  # each class once: the same either way

import re
from functools import partial
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlhelpers import diagnosis
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.bias_variance import diagnose
from dlhelpers.datasets import digits, moons, one_hot
from dlhelpers.diagnosis import (
    URGENCY,
    Finding,
    Record,
    dead_units,
    diagnose_run,
    divergence,
    fit_verdict,
    gradient_slope,
    input_scale,
    rate_verdict,
    record,
    saturation,
    symmetric_units,
    update_ratio,
    update_verdict,
)
from dlhelpers.initialization import normal
from dlhelpers.minibatches import Batch, minibatches
from dlhelpers.network import Network, Trace
from dlhelpers.optimizers import Adam, GradientDescent, Momentum
from dlhelpers.parameters import Layout, dense_layout
from dlhelpers.regularization import Regularized
from dlhelpers.training import descend

INF = float("inf")
SEEDS = range(5)


def trace_of(*A, dZ=None):
    """Return a trace with these activations; the last layer is added."""
    arrays = (*(np.array(a, dtype=float) for a in A), np.zeros((1, len(A[0][0]) if A else 1)))
    return Trace(arrays, arrays, arrays if dZ is None else tuple(np.array(d) for d in dZ), np.zeros(1))


def kinds(findings):
    return [finding.kind for finding in findings]


# ------------------------------------------------------------------------------- numbers by hand


def test_dead_units_are_the_share_of_the_worst_layer():
    alive = [[1.0, 0.0]]
    # Layer 2: 7 of 8 units are 0 for both examples, 0.875 of them; unit 8 is 0 for one example only.
    # Layer 1 has 1 dead unit of 2.
    trace = trace_of([[0.0, 0.0], [3.0, 0.0]], [[0.0, 0.0]] * 7 + alive)
    found = dead_units(trace, ("relu", "relu"))
    assert found[:3] == ("dead units", 0.875, 0.85)
    assert found.text.startswith("88% of the ReLU units of layer 2 are 0 for every example")
    assert dead_units(trace_of([[0.0, 0.0]] * 5 + [[0.0, 2.0]]), ("relu",)) is None  # 5 / 6 = 0.833
    assert dead_units(trace, ("relu", "tanh")) is None
    assert dead_units(trace, ("relu", "leaky_relu")) is None
    assert dead_units(trace_of([[0.0, 0.0]] * 17 + alive * 3), ("relu",)).number == 0.85  # just enough


def test_saturation_is_the_share_of_values_near_the_ends():
    # tanh: 2 of 4 values beyond 0.95 on either side; 0.95 itself is not.
    trace = trace_of([[0.96, -0.97], [0.95, -0.2]])
    assert saturation(trace, ("tanh",))[:3] == ("saturated units", 0.5, 0.5)
    # sigmoid: |2a - 1| is 0.96 at a = 0.02 and 0.98, and 0.94 at a = 0.03: 2 of 3.
    found = saturation(trace_of([[0.9, 0.1, 0.0]], [[0.02, 0.98, 0.03]]), ("tanh", "sigmoid"))
    assert found.number == pytest.approx(2 / 3)
    assert found.text.startswith("67% of the values of layer 2 are saturated")
    assert saturation(trace_of([[0.04, 0.96, 0.99]]), ("sigmoid",)) is None  # 1 of 3
    assert saturation(trace_of([[0.98, 0.99]]), ("sigmoid",)).number == 1
    assert saturation(trace_of([[0.5, 0.5]]), ("sigmoid",)) is None
    assert saturation(trace_of([[5.0, 5.0]]), ("relu",)) is None


def test_gradient_slope_by_hand():
    # Norms 1000 (root of 600^2 + 800^2), 10 and 0.1, so s = 3, 1, -1: 2 orders a layer, 4 in all.
    found = gradient_slope(trace_of([[1.0]], [[1.0]], dZ=([[600.0, 800.0]], [[10.0]], [[0.1]])))
    assert (found.kind, found.threshold) == ("exploding gradients", 2.0)
    assert found.number == pytest.approx(4)
    assert "10^4.0 from the last layer to the first, 10^2.00 a layer: it explodes" in found.text
    # s = -4, 0, 0, 0, and the layers are -1.5, -0.5, 0.5, 1.5 from their mean: the sum of products 6
    # over the sum of squares 5 gives a slope of -1.2, orders -3.6.
    found = gradient_slope(trace_of(*[[[1.0]]] * 3, dZ=([[1e-4]], [[1.0]], [[1.0]], [[1.0]])))
    assert (found.kind, found.threshold) == ("vanishing gradients", -2.0)
    assert found.number == pytest.approx(-3.6)
    assert "10^-3.6 from the last layer to the first, 10^-1.20 a layer: it vanishes" in found.text
    two = trace_of([[1.0]], dZ=([[100.0]], [[1.0]]))
    assert gradient_slope(two).number == pytest.approx(2.0)
    for first in (99.0, 1 / 99):
        assert gradient_slope(trace_of([[1.0]], dZ=([[first]], [[1.0]]))) is None


def test_gradient_slope_at_its_limits():
    def of(*dZ):
        return gradient_slope(trace_of(*[[[1.0]]] * (len(dZ) - 1), dZ=[[[d]] for d in dZ]))

    assert of(1.0) is None  # no hidden layer
    assert of(5.0, 0.0) is None  # a perfect fit
    assert of(5.0, 1.0, 0.0) is None
    assert of(5.0, 0.0, 1.0).number == -INF
    assert of(0.0, 5.0)[:3] == ("vanishing gradients", -INF, -2.0)
    assert of(0.0, 5.0).text.startswith("The gradient of a layer is exactly 0: it vanishes")
    for bad in (np.nan, np.inf, 1e300 * 1e10):
        assert of(bad, 5.0)[:3] == ("exploding gradients", INF, 2.0)
    assert "no longer a finite number: it explodes" in of(np.nan, 5.0).text


def test_gradient_slope_agrees_with_a_least_squares_fit(rng):
    scales = 10.0 ** -np.arange(0, 10, 2)
    trace = trace_of(*[np.ones((3, 2))] * 4, dZ=[rng.normal(size=(3, 2)) * scale for scale in scales])
    s = [np.log10(np.sqrt((dZ**2).sum())) for dZ in trace.dZ]
    assert gradient_slope(trace).number == pytest.approx(-4 * np.polyfit(range(5), s, 1)[0])


def test_weights_of_variance_one_over_n_in_keep_the_norm_across_widths(rng):
    network = Network((30, 200, 20, 100, 50), "linear")
    X = rng.normal(size=(100, 30))
    trace = network.trace(network.initialize(rng), Batch(X, rng.normal(size=(100, 50))))
    norms = [np.linalg.norm(dZ) for dZ in trace.dZ]
    assert max(norms) / min(norms) < 2
    assert gradient_slope(trace) is None


def test_rate_verdict_by_hand():
    # Falls of 4 and rises of 2, in turn: up = 4 * 2 / (4 * 2 + 4 * 4) = 1/3, just enough.
    losses = np.cumsum([16.0, -4, 2, -4, 2, -4, 2, -4, 2])
    found = rate_verdict(losses)
    assert found[:3] == ("rate too high", pytest.approx(1 / 3), 1 / 3)
    assert found.text.startswith("33% of the movement of the loss goes up")
    # Falls of 4 and rises of 1.9: 7.6 / 23.6 = 0.322.  The last quarter of the 8 changes is -4 + 1.9 of
    # the whole 4 * (-2.1): a quarter.
    found = rate_verdict(np.cumsum([20.0, -4, 1.9, -4, 1.9, -4, 1.9, -4, 1.9]))
    assert found[:3] == ("rate too low", pytest.approx(0.25), 0.125)
    assert found.text.startswith("25% of the fall of the loss came in the last quarter of the run")
    # From 16 to 4 = 12; at the index 6 of 8 it is 5.5, so the last quarter has 1.5 of it: an eighth.
    losses = np.array([16.0, 14, 12, 10, 8, 6, 5.5, 5, 4])
    assert rate_verdict(losses).number == 0.125
    assert rate_verdict(np.append(losses[:-1], 4.01)) is None  # 1.49 / 11.99
    # 10 losses: three quarters of 9 changes is 6.75, so q is 6.
    assert rate_verdict(np.array([16.0, 0, 0, 0, 0, 0, 4, 3, 2, 0])).number == pytest.approx(0.25)


def test_rate_verdict_needs_something_to_see():
    jumping = np.array([9.0, 1.0] * 4)
    assert rate_verdict(jumping).kind == "rate too high"
    assert rate_verdict(jumping[:7]) is None
    assert rate_verdict(np.full(8, 0.7)) is None
    assert rate_verdict(np.zeros(8)) is None
    assert rate_verdict(np.append(jumping, np.nan)) is None
    assert rate_verdict(np.append(jumping, np.inf)) is None
    # A flat loss: within 5% of the first.
    assert rate_verdict(np.array([1.0, 1.0499] * 4)) is None
    assert rate_verdict(np.array([1.0, 1.0501] * 4)).kind == "rate too high"
    assert rate_verdict(np.array([1e308, 1e300] * 4)).kind == "rate too high"
    assert rate_verdict(np.linspace(1.0, 2.0, 9)).number == 1  # only rises


@settings(max_examples=30)
@given(st.lists(st.floats(1e-3, 1e3), min_size=8, max_size=30), st.floats(1e-3, 1e3))
def test_rate_verdict_does_not_depend_on_the_unit_of_the_loss(losses, unit):
    scale = 2.0 ** round(np.log2(unit))  # exact
    one, other = rate_verdict(np.array(losses)), rate_verdict(np.array(losses) * scale)
    assert (one and one.kind) == (other and other.kind)


def test_update_ratio_by_hand():
    # (0.3, -0.4) has length 0.5, and (3, 4) length 5.
    assert update_ratio(np.array([3.0, 4.0]), np.array([3.3, 3.6])) == pytest.approx(0.1)
    assert update_ratio(np.zeros(2), np.ones(2)) == INF
    assert update_ratio(np.zeros(2), np.zeros(2)) == 0
    assert update_ratio(np.full(2, 1e200), np.full(2, -1e200)) == 2  # their squares are no floats
    assert update_ratio(np.full(2, 1e200), np.full(2, -INF)) == INF
    assert update_ratio(np.ones(2), np.full(2, np.nan)) == INF


def test_update_verdict_by_hand():
    found = update_verdict(np.array([9.0, 0.1, 0.001]))  # median 0.1
    assert found[:3] == ("rate too high", 0.1, 0.1)
    assert found.text.startswith("The median update is 0.1 of the length of theta")
    assert update_verdict(np.array([9.0, 0.0999, 0.001])) is None
    found = update_verdict(np.array([1e-9, 9e-7, 1e-8]))  # the longest
    assert found[:3] == ("rate too low", 9e-7, 1e-6)
    assert found.text.startswith("The longest update is 9e-07 of the length of theta")
    assert update_verdict(np.array([1e-9, 1e-6])) is None
    assert update_verdict(np.array([0.0, 0.0])).kind == "rate too low"
    assert update_verdict(np.array([INF, 0.01, 0.01])) is None  # the first update from theta = 0
    assert update_verdict(np.array([])) is None
    # Of an even number the upper of the two in the middle.
    assert update_verdict(np.array([0.01, 0.02, 0.3, 0.4])).number == 0.3


def test_divergence_by_hand():
    steps = np.array([0, 10, 20])
    assert divergence(steps, np.array([0.5, 9.0, 5.0]))[:3] == ("diverged", 10.0, 10.0)
    assert divergence(steps, np.array([0.5, 9.0, 4.9])) is None
    assert divergence(steps, np.array([0.5, 9.0, 50.0])).text.startswith("The last loss is 100 times")
    for bad in (np.nan, np.inf):
        found = divergence(steps, np.array([0.5, bad, bad]))
        assert found.number == INF
        assert "no longer a number at step 10:" in found.text
    assert divergence(steps, np.array([0.0, 1.0, 2.0])) is None
    assert divergence(np.array([], dtype=int), np.array([])) is None


def test_fit_verdict_has_the_numbers_of_bias_variance():
    found = fit_verdict(0.01, 0.10, 0.25)
    expected = diagnose(0.01, 0.10, 0.25)
    assert kinds(found) == ["underfits", "overfits"]
    assert [f.number for f in found] == [expected.avoidable_bias, expected.variance]
    assert {f.threshold for f in found} == {0.05}
    assert found[0].text == (
        "The train error of 10.0% is 9.0% above the base error: the network underfits. "
        "Try: bigger network, train longer."
    )
    assert found[1].text == (
        "The dev error of 25.0% is 15.0% above the train error: the network overfits. "
        "Try: More training data, Regularization (L2, L1)."
    )
    assert kinds(fit_verdict(0.01, 0.06, 0.08)) == ["underfits"]  # exactly 0.05
    assert fit_verdict(0, 0.049, 0.098) == []
    assert kinds(fit_verdict(np.float64(0), np.float32(0.01), 1)) == ["overfits"]


def test_input_scale_by_hand():
    # Feature 1: the root of (1 + 49) / 2 is 5.
    X = np.array([[1.0, 1.0], [1.0, 7.0]])
    assert input_scale(X)[:3] == ("unnormalized inputs", 5.0, 5.0)
    assert input_scale(X).text.startswith("Feature 1 has a root mean square of 5, and")
    assert input_scale(X * 0.99) is None
    # The largest of 0.001 and 0.007.
    assert input_scale(X / 1000)[:3] == ("unnormalized inputs", pytest.approx(0.005), 0.05)
    assert input_scale(X / 1000).text.startswith("The largest feature has a root mean square of 0.005")
    assert input_scale(np.array([[0.05], [-0.05]])) is None
    assert input_scale(np.array([[0.049]])).threshold == 0.05
    assert input_scale(np.array([[100, 1]])).number == 100  # integers
    assert input_scale(np.full((2, 1), 1e300)).number == pytest.approx(1e300)  # no float when squared


@settings(max_examples=30)
@given(st.floats(-2, 2), st.floats(0.1, 2), st.integers(0, 9))
def test_input_scale_joins_mean_and_deviation(mean, deviation, seed):
    X = 10 * (mean + deviation * np.random.default_rng(seed).normal(size=(50, 1)))
    found = input_scale(X)
    size = np.hypot(X.mean(), X.std())
    assert found is None if size < 4.99 else size < 5.01 or found.number == pytest.approx(size)


def test_symmetric_units_by_hand(rng):
    network = Network((2, 4, 3, 1))
    layout, theta = network.layout, network.initialize(rng)
    views = layout.views(theta)
    assert symmetric_units(layout, theta) is None
    views["W2"][1] = views["W2"][0]
    views["b2"][...] = 7.0
    found = symmetric_units(layout, theta)  # 2 of 3 units of layer 2
    assert found[:3] == ("symmetric units", pytest.approx(2 / 3), 0.5)
    assert found.text.startswith("67% of the units of layer 2 have the same incoming weights as another")
    views["W2"][1] += 0.9e-6 * 7  # the largest parameter of the layer is 7
    assert symmetric_units(layout, theta) is not None
    views["W2"][1] += 0.2e-6 * 7
    assert symmetric_units(layout, theta) is None
    views["W1"][3], views["b1"][3] = views["W1"][0], views["b1"][0]
    assert symmetric_units(layout, theta).number == 0.5  # 2 of 4
    views["b1"][3] += 0.1
    assert symmetric_units(layout, theta) is None


def test_zero_weights_and_alike_outputs_and_single_units(rng):
    layout = dense_layout((2, 4, 3))
    assert symmetric_units(layout, np.zeros(layout.size)).number == 1
    theta = Network((2, 4, 3)).initialize(rng)
    layout.views(theta)["W2"][...] = 0  # the output layer may begin at zero
    assert symmetric_units(layout, theta) is None
    assert symmetric_units(dense_layout((2, 1, 3)), np.zeros(9)) is None
    assert symmetric_units(dense_layout((2, 3)), np.zeros(9)) is None
    layout = dense_layout((2, 4, 3), batch_norm=True)
    theta = np.ones(layout.size)
    assert symmetric_units(layout, theta).number == 1
    for name in ("gamma1", "beta1"):
        theta = np.ones(layout.size)
        layout.views(theta)[name][...] = np.arange(4.0)[:, None]
        assert symmetric_units(layout, theta) is None


# ------------------------------------------------------------------------------------- recording

LINE = Batch(np.array([[-1.0], [0.0], [1.0]]), np.array([[-2.0], [0.0], [2.0]]))
OTHER = Batch(np.array([[3.0]]), np.array([[0.0]]))


def test_record_by_hand():
    # J = (2/3) (2 - w)^2 / 2 for W = w, b = 0; the gradient is -(2/3) (2 - w), so at alpha = 0.75 the
    # distance to 2 is halved: w = 0, 1, 1.5, 1.75, 1.875, 1.9375.
    run = descend(Network((1, 1)), np.array([1.0, 0.0]), repeat(LINE), GradientDescent(), 0.75)
    next(run)
    seen = record(run, steps=3, every=2, train=LINE, dev=OTHER)
    w = np.array([1.5, 1.8750 - 0.0, 1.9375])
    np.testing.assert_array_equal(seen.steps, [1, 3, 4])
    np.testing.assert_allclose(seen.train_losses, (2 - w) ** 2 / 3)
    np.testing.assert_allclose(seen.dev_losses, (3 * w) ** 2 / 2)
    np.testing.assert_allclose(seen.update_ratios, [0.25 / 1.5, 0.0625 / 1.875])
    np.testing.assert_array_equal(seen.learning_rates, [0.75] * 3)
    np.testing.assert_allclose([seen.first_theta, seen.last_theta], [[1.5, 0], [1.9375, 0]])
    assert seen.statistics is None
    assert next(run).step == 5
    assert record(run, steps=1, every=1, train=LINE).dev_losses is None


def test_record_of_a_schedule_and_of_batches_that_end():
    run = descend(
        Network((1, 1)), np.array([1.0, 0.0]), iter([LINE] * 4), GradientDescent(), lambda t: 1.0 / (t + 1)
    )
    seen = record(run, steps=100, every=2, train=LINE)
    np.testing.assert_array_equal(seen.steps, [0, 2])
    np.testing.assert_array_equal(seen.learning_rates, [1, 1 / 3])
    assert len(seen.update_ratios) == 2
    with pytest.raises(ValueError, match="run must have a batch left; got none"):
        record(run, steps=1, every=1, train=LINE)


def test_record_of_a_run_that_diverges():
    run = descend(Network((1, 1)), np.array([1.0, 0.0]), repeat(LINE), GradientDescent(), 1e100)
    seen = record(run, steps=50, every=3, train=LINE, dev=LINE)
    assert seen.steps[-1] < 10
    assert np.isnan(seen.train_losses[-1]) and np.isnan(seen.dev_losses[-1])
    assert np.isfinite(seen.last_theta).all()
    found = diagnose_run(seen, Network((1, 1)), LINE)
    assert kinds(found) == ["diverged"]
    assert f"at step {seen.steps[-1]}:" in found[0].text or "at step" in found[0].text


def test_losses_of_a_record_have_no_penalty_and_no_dropout(rng):
    network = Network((1, 4, 1), keep_prob=0.5)
    draws = tuple(rng.random((n, 3)) for n in (4,))
    theta = network.initialize(rng)
    objective = Regularized(network, m=3, l2=10.0)
    batches = repeat(Batch(*LINE[:2], draws=draws))
    seen = record(descend(objective, theta, batches, Adam(), 0.01), 4, 4, LINE)
    assert seen.train_losses[0] == float(network.loss(theta, LINE))
    assert diagnose_run(seen, network, LINE) == []


def test_batch_normalization_is_recorded_with_its_statistics(rng):
    batch, dev = moons_batches(0)
    network = Network((2, 8, 1), "relu", "sigmoid_cross_entropy", batch_norm=BatchNormalization())
    theta = network.initialize(rng)
    for statistics in (None, network.initial_statistics()):
        run = descend(network, theta, repeat(batch), Adam(), 0.05, statistics=statistics)
        seen = record(run, 150, 10, batch, dev)
        assert (seen.statistics is None) == (statistics is None)
        assert seen.train_losses[-1] == float(network.loss(seen.last_theta, batch))
        assert seen.dev_losses[-1] == float(network.loss(seen.last_theta, dev, seen.statistics))
        assert diagnose_run(seen, network, batch, dev, base_error=0.03) == []


# ----------------------------------------------------------------------------------- whole runs


def moons_batches(seed, m=200, scale=1.0):
    X, y = moons(m + 300, rng=np.random.default_rng(seed))
    Y = y[:, None].astype(float)
    return Batch(X[:m] * scale, Y[:m]), Batch(X[m:] * scale, Y[m:])


def digits_batches(seed, m=300):
    data = digits()
    rows = np.random.default_rng(seed).permutation(len(data.X))
    X, Y = data.X[rows] / 16, one_hot(data.y[rows], 10)
    return Batch(X[:m], Y[:m]), Batch(X[m : m + 900], Y[m : m + 900])


def moons_network(*hidden, activation="tanh"):
    return Network((2, *hidden, 1), activation, "sigmoid_cross_entropy")


def digits_network(*hidden, activation="tanh"):
    return Network((64, *hidden, 10), activation, "softmax_cross_entropy")


def findings(
    network, sets, optimizer, rate, steps, seed, initializer=None, bias=0.0, base=0.03, batch_size=50
):
    """Train and diagnose."""
    train, dev = sets
    rng = np.random.default_rng(seed + 100)
    theta = network.initialize(rng, initializer=initializer)
    for name, values in network.layout.views(theta).items():
        values[...] += bias * name.startswith("b")
    batches = minibatches(train.X, train.Y, batch_size, rng)
    seen = record(descend(network, theta, batches, optimizer, rate), steps, max(1, steps // 25), train, dev)
    found = diagnose_run(seen, network, train, dev, base)
    assert [URGENCY.index(kind) for kind in kinds(found)] == sorted(map(URGENCY.index, kinds(found)))
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_healthy_run_has_no_findings(activation, seed):
    network = moons_network(16, activation=activation)
    assert findings(network, moons_batches(seed), Adam(), 0.03, 250, seed) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_healthy_run_on_digits_has_no_findings(seed):
    network = digits_network(32, activation="relu")
    sets = digits_batches(seed, m=1200)
    assert findings(network, sets, Adam(), 0.01, 200, seed, base=0.0) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sweep_over_rates_says_too_low_then_fine_then_too_high(seed):
    network, sets = moons_network(16), moons_batches(seed)
    verdict = {"rate too low": "low", "rate too high": "high", "diverged": "high"}
    verdicts = []
    for rate in (1e-4, 0.03, 10.0, 100.0):
        found = findings(network, sets, Adam(), rate, 200, seed)
        verdicts.append([verdict[kind] for kind in kinds(found) if kind in verdict])
    assert verdicts == [["low"], [], ["high"], ["high"]]


@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_descent_at_far_too_high_a_rate_diverges(seed):
    network = digits_network(16)
    assert findings(network, digits_batches(seed), GradientDescent(), 30.0, 50, seed)[0].kind == "diverged"


@pytest.mark.parametrize("seed", SEEDS)
def test_dead_units_are_found_and_blamed_first(seed):
    network = moons_network(16, 16, activation="relu")
    found = findings(network, moons_batches(seed), Adam(), 0.01, 50, seed, bias=-10.0)
    assert kinds(found)[:2] == ["dead units", "vanishing gradients"]
    network = digits_network(32, 32, activation="relu")
    found = findings(network, digits_batches(seed), Momentum(), 10.0, 100, seed)
    assert found[0].kind == "dead units"


@pytest.mark.parametrize("seed", SEEDS)
def test_saturated_units_are_found(seed):
    network = digits_network(32, 32)
    wide = partial(normal, scale=1.0)
    found = findings(network, digits_batches(seed), Adam(), 0.01, 20, seed, initializer=wide)
    assert found[0].kind == "saturated units"


@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_that_vanish_or_explode_are_found(seed):
    sets = digits_batches(seed)
    small, large = (partial(normal, scale=scale) for scale in (0.02, 1.0))
    found = findings(digits_network(*[32] * 6), sets, Adam(), 0.01, 20, seed, initializer=small)
    assert found[0].kind == "vanishing gradients"
    found = findings(digits_network(*[32] * 6, activation="sigmoid"), sets, Adam(), 0.01, 20, seed)
    assert found[0].kind == "vanishing gradients"
    deep = digits_network(*[32] * 6, activation="relu")
    found = findings(deep, sets, Adam(), 0.01, 20, seed, initializer=large)
    assert found[0].kind == "exploding gradients"


@pytest.mark.parametrize("seed", SEEDS)
def test_symmetric_units_are_found(seed):
    for name in ("zeros", "constant"):
        found = findings(moons_network(16, 8), moons_batches(seed), Adam(), 0.03, 50, seed, initializer=name)
        assert (found[0].kind, found[0].number) == ("symmetric units", 1.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_inputs_that_are_not_normalized_are_found(seed):
    sets = moons_batches(seed, scale=100.0)
    found = findings(moons_network(16, activation="relu"), sets, Adam(), 0.03, 50, seed)
    assert found[0].kind == "unnormalized inputs"


@pytest.mark.parametrize("seed", SEEDS)
def test_over_and_underfitting_are_found(seed):
    found = findings(digits_network(32), digits_batches(seed, m=60), Adam(), 0.01, 200, seed, base=0.0)
    assert kinds(found) == ["overfits"]
    found = findings(moons_network(), moons_batches(seed), Adam(), 0.1, 300, seed, base=0.03)
    assert found[0].kind == "underfits"


# ------------------------------------------------------------------- what diagnose_run puts together


def run_of(network, first, last, losses, ratios=(0.001,), statistics=None):
    n = len(losses)
    return Record(
        np.arange(n), np.array(losses), None, np.full(n, 0.1), np.array(ratios), first, last, statistics
    )


def test_symmetry_that_training_has_broken_is_no_finding(rng):
    network = Network((1, 4, 1))
    zero, other = np.zeros(network.layout.size), network.initialize(rng)
    falling = 0.5 ** np.arange(10.0)
    for first, last, found in ((zero, zero, True), (zero, other, False), (other, zero, False)):
        seen = run_of(network, first, last, falling)
        assert ("symmetric units" in kinds(diagnose_run(seen, network, LINE))) == found


def test_saturation_at_the_end_counts_only_if_the_loss_has_stalled(rng):
    network = Network((1, 4, 1))
    first = network.initialize(rng)
    train = Batch(np.array([[-1.0], [1.0]]), np.array([[0.0], [1.0]]))
    for last_loss, found in ((0.5, []), (0.51, ["saturated units"])):
        losses = [1.0, *[last_loss] * 9]
        assert kinds(diagnose_run(run_of(network, first, 100 * first, losses), network, train)) == found
    for last_loss, found in ((0.99, False), (1.01, True)):  # half of 2, whatever came between
        seen = run_of(network, first, 100 * first, [2.0, *[2.0 * (not found)] * 8, last_loss])
        assert ("saturated units" in kinds(diagnose_run(seen, network, train))) == found
    # At the start it counts either way; of a run that diverged, the end does not.
    seen = run_of(network, 100 * first, first, [1.0, *[0.1] * 9])
    assert kinds(diagnose_run(seen, network, train))[0] == "saturated units"
    seen = run_of(network, 0.001 * first, 100 * first, [1.0] * 10)  # gradients vanished before
    assert kinds(diagnose_run(seen, network, train)) == ["vanishing gradients"]
    seen = run_of(network, first, 100 * first, [1.0, *[20.0] * 9])
    assert kinds(diagnose_run(seen, network, train)) == ["diverged"]


def test_the_curve_speaks_before_the_updates(rng):
    network = Network((1, 4, 1))
    theta = network.initialize(rng)
    falling = 0.5 ** np.arange(10.0)
    (found,) = diagnose_run(run_of(network, theta, theta, falling, [0.5]), network, LINE)
    assert (found.kind, found.number) == ("rate too high", 0.5)
    (found,) = diagnose_run(run_of(network, theta, theta, np.linspace(2, 1, 9), [0.5]), network, LINE)
    assert found.kind == "rate too low"


def test_errors_of_one_and_of_several_outputs(rng):
    # A network without hidden layer and w = 1, b = 0 says class 1 where x > 0.
    network = Network((1, 1), loss_name="sigmoid_cross_entropy")
    theta, falling = np.array([1.0, 0.0]), 0.5 ** np.arange(10.0)
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    train, dev = Batch(X, np.array([[0.0], [1.0], [1.0], [1.0]])), Batch(X, 1.0 * (X < 0))
    found = diagnose_run(run_of(network, theta, theta, falling), network, train, dev, base_error=0.1)
    assert [(f.kind, round(f.number, 9)) for f in found] == [("underfits", 0.15), ("overfits", 0.75)]
    assert kinds(diagnose_run(run_of(network, theta, theta, falling), network, train)) == ["underfits"]
    two = Network((1, 2), loss_name="softmax_cross_entropy")
    theta = np.array([0.0, 1.0, 0.0, 0.0])
    train, dev = (Batch(X, np.hstack([1 - b.Y, b.Y])) for b in (train, dev))
    found = diagnose_run(run_of(two, theta, theta, falling), two, train, dev, base_error=0.1)
    assert [(f.kind, round(f.number, 9)) for f in found] == [("underfits", 0.15), ("overfits", 0.75)]


def test_float32_gives_the_same_findings(rng):
    train, dev = moons_batches(0)
    network = moons_network(16)
    theta = network.initialize(rng, initializer="zeros")
    found = []
    for dtype in (np.float32, np.float64):
        X, Y = train.X.astype(dtype), train.Y.astype(dtype)
        run = descend(network, theta.astype(dtype), repeat(Batch(X, Y)), Adam(), 0.03)
        seen = record(run, 30, 1, Batch(X, Y))
        assert seen.first_theta.dtype == dtype
        found.append(kinds(diagnose_run(seen, network, Batch(X, Y), dev)))
    assert found[0] == found[1]


# ------------------------------------------------------------------------------------ bad arguments


def test_a_population_is_refused_in_words(rng):
    network = moons_network(4)
    train, _ = moons_batches(0)
    theta = network.initialize(rng, population=3)
    trace = network.trace(theta, train)
    for call in (
        lambda: record(descend(network, theta, repeat(train), Adam(), 0.01), 5, 1, train),
        lambda: dead_units(trace, network.activations),
        lambda: saturation(trace, network.activations),
        lambda: gradient_slope(trace),
        lambda: symmetric_units(network.layout, theta),
        lambda: update_ratio(theta, theta),
        lambda: diagnose_run(run_of(network, theta, theta, [1.0]), network, train),
    ):
        with pytest.raises(ValueError, match=r"theta\[k\]|one network"):
            call()


JUNK = [None, "x", np.nan, INF, -1, 2.5, [1.0], (), np.zeros((2, 2, 2)), np.array(["a"]), object(), True]


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: type(junk).__name__)
def test_junk_is_refused_by_name(junk, rng):
    network = moons_network(4)
    train, dev = moons_batches(0, m=20)
    theta = network.initialize(rng)
    run = descend(network, theta, repeat(train), Adam(), 0.01)
    good = {
        record: {"run": run, "steps": 2, "every": 1, "train": train, "dev": dev},
        update_ratio: {"before": theta, "after": theta},
        divergence: {"steps": np.arange(2), "losses": np.ones(2)},
        dead_units: {"trace": network.trace(theta, train), "activations": network.activations},
        saturation: {"trace": network.trace(theta, train), "activations": network.activations},
        gradient_slope: {"trace": network.trace(theta, train)},
        rate_verdict: {"losses": np.ones(9)},
        update_verdict: {"update_ratios": np.ones(9)},
        fit_verdict: {"base": 0.0, "train": 0.1, "dev": 0.2},
        input_scale: {"X": train.X},
        symmetric_units: {"layout": network.layout, "theta": theta},
        diagnose_run: {
            "record": record(run, 2, 1, train),
            "network": network,
            "train": train,
            "dev": dev,
            "base_error": 0.0,
        },
    }
    for function, arguments in good.items():
        function(**arguments)
        for name in arguments:
            if name == "dev" and junk is None:
                continue
            with pytest.raises(ValueError, match=rf"\b{name}\b"):
                function(**{**arguments, name: junk})


def test_arguments_that_do_not_fit_are_named(rng):
    network, (train, _) = moons_network(4), moons_batches(0, m=20)
    theta = network.initialize(rng)
    trace, other = network.trace(theta, train), moons_network(4, 4)
    good, empty = run_of(network, theta, theta, [1.0, 0.5]), run_of(network, theta, theta, [])
    infinite = good._replace(last_theta=np.full_like(theta, np.inf))
    short = Batch(train.X, train.Y[:3])
    for call, message in (
        (
            lambda: dead_units(trace, ("tanh", "tanh")),
            "activations must be a tuple with one for each of the 1",
        ),
        (lambda: saturation(trace, ("swish",)), "activations must be one of"),
        (lambda: gradient_slope(trace._replace(dZ=())), r"trace\.dZ must be a tuple"),
        (lambda: gradient_slope(trace._replace(A=[1.0])), r"trace\.A must be a tuple"),
        (lambda: gradient_slope(trace._replace(Z=(1.0,))), r"trace\.Z must be a float array"),
        (lambda: update_verdict(np.array([1.0, -2.0])), "update_ratios must be 0 or more; got -2.0"),
        (lambda: update_verdict(np.array([1.0, np.nan])), "update_ratios must be 0 or more; got nan"),
        (lambda: input_scale(np.zeros((0, 2))), "X must have a row and a column or more"),
        (lambda: symmetric_units(Layout({"V": (2, 2)}), np.ones(4)), "layout must be the Layout"),
        (lambda: fit_verdict(np.array([0.1, 0.2]), 0.1, 0.1), "base must be one number; got an array"),
        (lambda: diagnose_run(good, network, short), "train must have one row of X for each row of Y"),
        (lambda: diagnose_run(good, network, Batch(train.X[:0], train.Y[:0])), "train must have one row"),
        (lambda: diagnose_run(good, network, train, short), "dev must have one row"),
        (lambda: diagnose_run(good, other, train), "theta must have"),
        (
            lambda: diagnose_run(empty, network, train),
            "record must hold one step",
        ),
        (lambda: diagnose_run(good._replace(train_losses=1), network, train), r"record\.train_losses"),
        (lambda: diagnose_run(good._replace(steps=np.arange(3)), network, train), r"record\.steps"),
        (
            lambda: diagnose_run(infinite, network, train),
            r"record\.last_theta",
        ),
        (lambda: record(1, 1, 1, train), "run must be a Descent; got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_nothing_is_changed_in_place(rng):
    network, (train, dev) = moons_network(4), moons_batches(0, m=20)
    theta = network.initialize(rng)
    losses = np.linspace(1, 0.5, 9)
    copies = theta.copy(), train.X.copy(), losses.copy()
    diagnose_run(run_of(network, theta, theta, losses), network, train, dev)
    for array, copy in zip((theta, train.X, losses), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_every_kind_is_in_the_order_of_urgency():
    text = Path(diagnosis.__file__).read_text(encoding="utf-8")
    made = set(re.findall(r'Finding\(\s*"([a-z ]+)"', text))
    assert made == set(URGENCY)
    assert Finding._fields == ("kind", "number", "threshold", "text")

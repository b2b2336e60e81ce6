"""What the labs on saddles and curvature measure, against their formulas."""

from itertools import repeat

import numpy as np
import pytest

from dlhelpers.curvature import hessian
from dlhelpers.labs.surfaces import edge, escape, random_matrices, real_saddle
from dlhelpers.live.stages import last
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import GradientDescent
from dlhelpers.training import descend


def test_the_sharpness_hovers_at_the_bound():
    run = last(edge.train(0.2, edge.USUAL, edge.MOST, 0))
    assert run.arrived is not None and run.ratio == pytest.approx(1, abs=0.05)
    assert last(edge.train(0.1, edge.USUAL, edge.MOST, 0)).arrived is None


def test_the_followed_sharpness_is_the_largest_eigenvalue_of_the_whole_hessian():
    run, (x, y) = last(edge.train(0.2, edge.USUAL, 1000, 0)), edge.curve(0)
    network, batch = Network(edge.SIZES, "tanh"), Batch(x, y)
    theta = network.initialize(np.random.default_rng(0))
    *_, end = descend(network, theta, repeat(batch), GradientDescent(), 0.2, steps=1000)
    largest = np.linalg.eigvalsh(hessian(network, end.theta, batch))[-1]
    assert run.sharpness[-1] == pytest.approx(largest, rel=1e-3)


@pytest.mark.parametrize("offset", [1e-8, 1e-5, 1e-2])
@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_gradient_descent_escapes_when_the_formula_says(offset, scale):
    result = escape.escape(offset, -1.5, scale)
    assert result.counts["gradient descent"] == escape.predicted_steps(offset, 0.1 * scale)


def test_adaptive_steps_hardly_depend_on_the_offset():
    for name in ("RMSprop", "Adam"):
        steps = escape.escape(1e-4, -1.5, 1.0).steps[name]
        assert np.ptp(steps) <= 2
    assert np.ptp(escape.escape(1e-4, -1.5, 1.0).steps["gradient descent"]) == 145


def test_the_small_network_starts_on_a_saddle_near_log_2():
    start = last(real_saddle.real_saddle(0, 0.03, "gradient descent, rate 0.2", 0))
    assert start.loss == pytest.approx(np.log(2), abs=1e-3)
    assert len(start.eigenvalues) == 193 and start.negative > 20 and start.positive > 20
    assert start.escape is not None and start.escape > 300
    assert set(start.run.counts) == set(real_saddle.MEASURED)


def test_shares_of_positive_matrices():
    result = random_matrices.matrices(3, 20_000, 0.0, 0)
    known = [1 / 2, (2 - np.sqrt(2)) / 4, (np.pi - 2 * np.sqrt(2)) / (4 * np.pi)]
    assert np.all(np.abs(result.shares[:3] - known) < 4 * result.errors[:3])
    assert random_matrices.matrices(3, 20_000, 2.0, 0).share == 1

"""Every bug is one change of the real source, and the check says what its text says."""

import importlib
import inspect

import numpy as np
import pytest

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.broken_backprop import (
    ANSWERS,
    BUGS,
    NOTHING,
    broken_source,
    case,
    right_source,
    with_bug,
)
from dlhelpers.dropout import draw_uniform
from dlhelpers.gradient_checking import check_gradient
from dlhelpers.minibatches import Batch
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.regularization import Regularized

SIZES, M = (4, 4, 4, 4), 24
REAL = [bug for bug in BUGS.values() if bug.where]
FOUND = [bug.name for bug in BUGS.values() if bug.found]
NOT_FOUND = [bug.name for bug in BUGS.values() if not bug.found]


def data():
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(2, M, 4))
    return Batch(X, Y, draws=draw_uniform(SIZES, M, rng)), rng


def differ(name, activation="tanh", keep_prob=0.8, strength=1.0, batch_norm=False, start=False, sizes=SIZES):
    """Return the arrays whose gradient differs, and the whole error."""
    parts, (batch, rng) = with_bug(name), data()
    network = parts.Network(
        sizes, activation, keep_prob=keep_prob, batch_norm=BatchNormalization() if batch_norm else None
    )
    theta = network.initialize(rng)
    if not start:
        theta = theta + 0.3 * rng.normal(size=theta.shape)
    check = check_gradient(parts.Regularized(network, M, l2=strength), theta, batch)
    return {name for name, error in check.by_name.items() if error > 1e-6}, check.error


@pytest.mark.parametrize("bug", REAL, ids=lambda bug: bug.name)
def test_the_replacement_applies_exactly_once(bug):
    module = importlib.import_module("dlhelpers." + bug.where.partition(".")[0])
    assert inspect.getsource(module).count(bug.right) == 1
    assert right_source(bug.name).count(bug.right) == 1
    assert bug.right not in broken_source(bug.name) and bug.wrong in broken_source(bug.name)
    changed = sum(
        one != other
        for one, other in zip(
            right_source(bug.name).splitlines(), broken_source(bug.name).splitlines(), strict=True
        )
    )
    assert changed == 1


@pytest.mark.parametrize("name", FOUND)
def test_the_check_finds_the_bug(name):
    wrong, error = differ(name, batch_norm=name.startswith("batch norm"))
    assert wrong and error > 1e-3


@pytest.mark.parametrize("name", NOT_FOUND)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_what_the_check_cannot_find_passes(name, batch_norm):
    assert differ(name, batch_norm=batch_norm) == (set(), pytest.approx(0, abs=1e-8))


@pytest.mark.parametrize("name", BUGS)
def test_the_right_network_is_not_touched(name):
    """Making broken parts changes nothing in the modules themselves."""
    with_bug(name)
    batch, rng = data()
    network = Network(SIZES, keep_prob=0.8, batch_norm=BatchNormalization())
    theta = network.initialize(rng)
    assert check_gradient(Regularized(network, M, l2=1.0), theta, batch).error < 1e-8
    assert with_bug(name).Network is not Network


WEIGHTS, BIASES = {"W1", "W2", "W3"}, {"b1", "b2", "b3"}
BELOW = {"W1", "b1", "W2", "b2"}
NORMED = {"gamma1", "beta1", "gamma2", "beta2"}


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("db is a mean over the examples, not a sum", {}, BIASES),
        ("db is a mean over the examples, not a sum", {"keep_prob": 1.0, "strength": 0.0}, BIASES),
        ("dropout: the mask is missing on the way back", {}, BELOW),
        ("dropout: the mask is missing on the way back", {"keep_prob": 1.0}, set()),
        ("L2: the gradient forgets the penalty", {}, WEIGHTS),
        ("L2: the gradient forgets the penalty", {"strength": 0.0}, set()),
        ("(6): W is not transposed", {"keep_prob": 1.0, "strength": 0.0, "activation": "linear"}, BELOW),
        ("1/m is missing in the gradient of the loss", {}, WEIGHTS | BIASES),
        ("activation: the slope is missing", {}, BELOW),
        ("activation: the slope is missing", {"activation": "linear"}, set()),
        ("activation: the slope is missing", {"activation": "relu"}, BELOW),
        ("activation: the slope is taken at Z, not at A", {}, BELOW),
        ("activation: the slope is taken at Z, not at A", {"activation": "linear"}, set()),
        ("activation: the slope is taken at Z, not at A", {"activation": "relu"}, set()),
        ("batch norm: gamma and beta get each other's gradient", {}, set()),
        ("batch norm: gamma and beta get each other's gradient", {"batch_norm": True}, NORMED),
        ("L2: the gradient shrinks the biases too", {}, BIASES),
        ("L2: the gradient shrinks the biases too", {"start": True}, set()),
        (
            "L2: the gradient shrinks the biases too",
            {"start": True, "batch_norm": True},
            {"gamma1", "gamma2"},
        ),
        ("L2: the gradient shrinks the biases too", {"strength": 0.0}, set()),
        ("(4): dW is transposed", {}, WEIGHTS),
        ("batch norm: the path through the mean is missing", {}, set()),
        (
            "batch norm: the path through the mean is missing",
            {"batch_norm": True},
            {"W1", "gamma1", "beta1", "W2"},
        ),
        ("(4): 1/m a second time, in dW", {}, WEIGHTS),
    ],
)
def test_the_arrays_that_the_text_names(name, settings, expected):
    assert differ(name, **settings)[0] == expected


@pytest.mark.parametrize("bug", REAL, ids=lambda bug: bug.name)
def test_whole_lines_stand_in_the_sources(bug):
    for line, part, source in (
        (bug.right_line, bug.right, right_source(bug.name)),
        (bug.wrong_line, bug.wrong, broken_source(bug.name)),
    ):
        assert part in line and line in [each.strip() for each in source.splitlines()]


def test_no_bug_has_no_line():
    bug = BUGS["no bug at all"]
    assert bug.right_line == bug.wrong_line == ""


def test_the_same_factor_everywhere():
    """m times the gradient: an error of (m - 1)/(m + 1) = 23/25."""
    assert differ("1/m is missing in the gradient of the loss", strength=0.0)[1] == pytest.approx(23 / 25)
    assert differ("1/m is missing in the gradient of the loss")[1] < 23 / 25


def test_a_transposed_gradient_keeps_its_diagonal():
    parts, (batch, rng) = with_bug("(4): dW is transposed"), data()
    network = parts.Network(SIZES, keep_prob=0.8)
    check = check_gradient(network, network.initialize(rng), batch)
    share = network.layout.views(check.shares)["W2"]
    assert np.diag(share).max() < 1e-8
    assert np.median(share[~np.eye(4, dtype=bool)]) > 1e-3


@pytest.mark.parametrize("name", ["(6): W is not transposed", "(4): dW is transposed"])
def test_numpy_finds_what_is_transposed_when_widths_differ(name):
    parts, rng = with_bug(name), np.random.default_rng(0)
    network = parts.Network((2, 5, 3, 1))
    batch = Batch(rng.normal(size=(6, 2)), rng.normal(size=(6, 1)))
    with pytest.raises(ValueError):
        network.gradient(network.initialize(rng), batch)


def test_adam_with_its_bug_takes_other_steps():
    """First step: 0.1 g / (1 - 0.9²) over |g|, in place of g / |g|."""
    gradient = np.array([3.0, -0.5])
    for optimizer, expected in (
        (Adam(), [1, -1]),
        (with_bug("Adam: t is one too large").Adam(), [0.526, -0.526]),
    ):
        direction, _ = optimizer.update(gradient, optimizer.init(np.zeros(2)))
        np.testing.assert_allclose(direction, expected, atol=1e-3)


def test_the_mask_without_division_has_another_cost():
    parts, (batch, rng) = with_bug("dropout: the kept units are not divided by p"), data()
    theta = Network(SIZES).initialize(rng)
    costs = [kind(SIZES, keep_prob=0.8).loss(theta, batch) for kind in (Network, parts.Network)]
    assert abs(costs[0] - costs[1]) > 1e-3


def test_cases_and_answers():
    assert [case(number).name for number in range(len(BUGS))] == list(BUGS)
    assert case(len(BUGS)) == case(0)
    assert len(BUGS) == 15 and len(ANSWERS) == 13 and ANSWERS[-1] == NOTHING
    assert {bug.answer for bug in BUGS.values()} == set(ANSWERS)
    assert [bug.answer for bug in BUGS.values() if not bug.found] == [NOTHING] * 3
    assert right_source("no bug at all") == broken_source("no bug at all") == ""
    for bug in BUGS.values():
        assert bug.why.strip().endswith((".", ")")) and "nan" not in bug.why and "inf" not in bug.why


@pytest.mark.parametrize("function", [with_bug, right_source, broken_source])
def test_unknown_bugs_are_named(function):
    with pytest.raises(
        ValueError, match=r"name must be one of 'db is a mean .*; got 'typo'\. Take one from BUGS"
    ):
        function("typo")


def test_cases_are_whole_numbers():
    with pytest.raises(ValueError, match=r"number must be an integer in \[0, inf\); got -1"):
        case(-1)

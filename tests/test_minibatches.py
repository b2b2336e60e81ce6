import re
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.minibatches import Batch, minibatches, nested_minibatches
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.training import descend


@given(m=st.integers(1, 40), batch_size=st.integers(1, 50), epochs=st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_every_epoch_visits_every_example_once(m, batch_size, epochs):
    X = np.arange(m, dtype=float)[:, None]
    batches = list(minibatches(X, 10 * X, batch_size, np.random.default_rng(0), epochs))
    assert {batch.epoch for batch in batches} == set(range(epochs))
    for epoch in range(epochs):
        rows = [batch for batch in batches if batch.epoch == epoch]
        seen = np.concatenate([batch.X[:, 0] for batch in rows])
        assert sorted(seen) == list(range(m))
        assert [len(batch.X) for batch in rows[:-1]] == [batch_size] * (len(rows) - 1)
        assert (1 if batch_size == 1 or m == 1 else 2) <= len(rows[-1].X) <= batch_size + (batch_size > 1)
        assert all((batch.Y == 10 * batch.X).all() for batch in rows)


def test_epochs_come_in_different_orders(rng):
    X = np.arange(50.0)[:, None]
    first, second = (batch.X for batch in minibatches(X, X, 49, rng, epochs=2))
    assert not np.array_equal(first, second)


def test_the_order_is_that_of_the_generator():
    X = np.arange(6.0)[:, None]
    order = np.random.default_rng(3).permutation(6)
    batches = list(minibatches(X, -X, 4, np.random.default_rng(3), epochs=1))
    assert [batch.X[:, 0].tolist() for batch in batches] == [order[:4].tolist(), order[4:].tolist()]
    assert batches[0].Y[:, 0].tolist() == (-order[:4]).tolist()


@pytest.mark.parametrize("batch_size", [5, 6, np.int64(1000), 10**400])
def test_a_batch_as_large_as_the_set_is_the_set_as_it_stands(batch_size, rng):
    X, Y = np.arange(5.0)[:, None], np.ones((5, 2))
    before = rng.bit_generator.state
    batches = list(minibatches(X, Y, batch_size, rng, epochs=3))
    assert [batch.epoch for batch in batches] == [0, 1, 2]
    assert all(batch.X is X and batch.Y is Y and batch.draws is None for batch in batches)
    assert rng.bit_generator.state == before


def test_one_less_than_the_set_is_shuffled(rng):
    X = np.arange(5.0)[:, None]
    (batch,) = minibatches(X, X, 4, rng, epochs=1)
    assert batch.X[:, 0].tolist() != X[:, 0].tolist()


def test_a_rest_of_one_example_joins_the_batch_before_it(rng):
    X = np.arange(65.0)[:, None]
    for batch_size, lengths in ((64, [65]), (32, [32, 33]), (16, [16, 16, 16, 17]), (1, [1] * 65)):
        assert [len(batch.X) for batch in minibatches(X, X, batch_size, rng, epochs=1)] == lengths
    network = Network((1, 3, 1), batch_norm=BatchNormalization())
    run = descend(network, network.initialize(rng), minibatches(X / 65, X, 64, rng, epochs=2), Adam(), 0.01)
    assert [step.step for step in run] == [0, 1]


def test_it_does_not_end_by_itself(rng):
    X = np.arange(5.0)[:, None]
    assert [batch.epoch for batch in islice(minibatches(X, X, 3, rng), 7)] == [0, 0, 1, 1, 2, 2, 3]
    assert [batch.epoch for batch in islice(minibatches(X, X, 5, rng), 3)] == [0, 1, 2]


def test_dtypes_and_further_axes_stay_and_nothing_is_changed(rng):
    X, Y = np.ones((5, 3, 2), dtype=np.float32), np.arange(5)
    batch = next(minibatches(X, Y, 2, rng))
    assert batch.X.dtype == np.float32 and batch.X.shape == (2, 3, 2)
    assert batch.Y.dtype == Y.dtype and batch.Y.shape == (2,)
    batch.X[...], batch.Y[...] = 7, 7
    assert X.max() == 1 and Y.tolist() == [0, 1, 2, 3, 4]


def test_a_batch_belongs_to_epoch_0_and_has_no_draws():
    batch = Batch(np.ones((2, 3)), np.ones((2, 1)))
    assert batch.epoch == 0 and batch.draws is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": None}, r"X must be a number array of shape \(m, \.\.\.\); got None. Examples are rows"),
        ({"X": np.array(1.0)}, r"X must be a number array"),
        ({"X": np.array([["x"]] * 4)}, r"X must be a number array"),
        ({"X": np.array([[np.nan]] * 4)}, r"X must hold finite numbers only; got nan at \[0, 0\]"),
        ({"Y": [[1.0]] * 4}, r"Y must be a number array .* Examples are rows"),
        ({"Y": np.array([[1.0], [np.inf], [1.0], [1.0]])}, r"Y must hold finite .* got inf at \[1, 0\]"),
        (
            {"batch_size": 0},
            r"batch_size must be an integer in \[1, inf\); got 0. 4 is batch gradient descent",
        ),
        ({"batch_size": -1}, r"batch_size must be an integer"),
        ({"batch_size": 2.0}, r"batch_size must be an integer"),
        ({"batch_size": None}, r"batch_size must be an integer"),
        ({"batch_size": True}, r"batch_size must be an integer"),
        ({"rng": None}, r"rng must be a numpy.random.Generator; got None"),
        ({"rng": 0}, r"rng must be a numpy.random.Generator; got 0"),
        ({"epochs": -1}, r"epochs must be an integer in \[0, inf\); got -1. Leave it out"),
        ({"epochs": 1.0}, r"epochs must be an integer"),
        ({"epochs": "x"}, r"epochs must be an integer"),
        ({"Y": np.ones((3, 1))}, r"X and Y must have one row for each example, .* got 4 and 3 rows"),
        ({"Y": np.ones((0, 1))}, r"X and Y must have one row for each example, .* got 4 and 0 rows"),
        ({"X": np.ones((0, 1)), "Y": np.ones((0, 1))}, r"and one or more; got 0 and 0 rows"),
    ],
)
def test_bad_arguments_are_named_at_once(change, message, rng):
    arguments = {"X": np.ones((4, 1)), "Y": np.ones((4, 1)), "batch_size": 2, "rng": rng, "epochs": 1}
    with pytest.raises(ValueError, match=message):
        minibatches(**{**arguments, **change})


def test_nested_batches_use_only_the_first_examples(rng):
    X = np.arange(64.0)[:, None]
    batches = nested_minibatches(X, 10 * X, (4, 16, 64), 8, rng)
    seen = [next(batches) for _ in range(8)]
    rows = np.concatenate([batch.X[..., 0] for batch in seen], axis=1)
    for k, size in enumerate((4, 16, 64)):
        # 64 draws: every example 64 / size times
        assert np.bincount(rows[k].astype(int), minlength=64).tolist() == [64 // size] * size + [0] * (
            64 - size
        )
    assert all((batch.Y == 10 * batch.X).all() for batch in seen)


def test_nested_batches_draw_a_new_order_when_the_old_one_is_used_up():
    X = np.arange(8.0)[:, None]
    batches = nested_minibatches(X, X, (4, 8, 1), 4, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    small, large = rng.permutation(4), rng.permutation(8)
    rng.permutation(1), rng.permutation(1), rng.permutation(1), rng.permutation(1)
    assert next(batches).X[..., 0].tolist() == [small.tolist(), large[:4].tolist(), [0] * 4]
    small = rng.permutation(4)
    assert next(batches).X[..., 0].tolist() == [small.tolist(), large[4:].tolist(), [0] * 4]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"X": np.zeros(8)}, ["X must be a number array of shape (m, n_features)"]),
        ({"Y": np.zeros((7, 1))}, ["Y must be a number array of shape (8, n_out)"]),
        ({"sizes": ()}, ["sizes must be a sequence of numbers, one at least", "got ()"]),
        ({"sizes": 4}, ["sizes must be a sequence", "got 4"]),
        ({"sizes": (4, 9)}, ["Each of sizes must be an integer in [1, 8]", "got 9", "There are 8"]),
        ({"sizes": (0,)}, ["Each of sizes must be", "got 0"]),
        ({"batch_size": 0}, ["batch_size must be an integer in [1, inf)"]),
        ({"rng": 1}, ["rng must be"]),
    ],
)
def test_nested_minibatches_names_what_is_wrong_at_the_call(wrong, message):
    X = np.zeros((8, 1))
    with pytest.raises(ValueError, match="(?s)" + ".*".join(map(re.escape, message))):
        arguments = {"X": X, "Y": X, "sizes": (4,), "batch_size": 2, "rng": np.random.default_rng(0)}
        nested_minibatches(**(arguments | wrong))

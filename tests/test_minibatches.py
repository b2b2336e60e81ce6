import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers.minibatches import minibatches


@given(m=st.integers(1, 40), batch_size=st.integers(1, 50), epochs=st.integers(1, 3))
def test_every_epoch_visits_every_example_once(m, batch_size, epochs):
    X = np.arange(m, dtype=float)[:, None]
    batches = list(minibatches(X, 10 * X, batch_size, np.random.default_rng(0), epochs))
    for epoch in range(epochs):
        rows = [batch for batch in batches if batch.epoch == epoch]
        seen = np.concatenate([batch.X[:, 0] for batch in rows])
        assert sorted(seen) == list(range(m))
        assert [len(batch.X) for batch in rows[:-1]] == [batch_size] * (len(rows) - 1)
        assert all((batch.Y == 10 * batch.X).all() for batch in rows)


def test_epochs_come_in_different_orders(rng):
    X = np.arange(50.0)[:, None]
    first, second = (batch.X for batch in minibatches(X, X, 49, rng, epochs=2) if len(batch.X) == 49)
    assert not np.array_equal(first, second)


def test_a_batch_as_large_as_the_set_is_the_set_as_it_stands(rng):
    X = np.arange(5.0)[:, None]
    (batch,) = minibatches(X, X, 5, rng, epochs=1)
    assert batch.X is X


def test_it_does_not_end_by_itself(rng):
    X = np.arange(4.0)[:, None]
    batches = minibatches(X, X, 3, rng)
    assert [next(batches).epoch for _ in range(7)] == [0, 0, 1, 1, 2, 2, 3]


def test_bad_arguments_are_named_at_once(rng):
    X = np.zeros((4, 1))
    with pytest.raises(ValueError, match="batch_size must be 1 or more; got 0"):
        minibatches(X, X, 0, rng)
    with pytest.raises(ValueError, match="got 4 and 3 rows"):
        minibatches(X, X[:3], 2, rng)

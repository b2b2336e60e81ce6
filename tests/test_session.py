"""A run that can be changed and rewound: at the right step, to the last bit, in bounded memory."""

import pickle
from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlhelpers import datasets
from dlhelpers import session as module
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import draw_uniform
from dlhelpers.examples import with_points
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent, Momentum
from dlhelpers.points import DATA
from dlhelpers.regularization import Regularized
from dlhelpers.session import Session
from dlhelpers.settings import FIXED, SCHEDULES, Settings
from dlhelpers.sharing import from_text, to_text
from dlhelpers.stream import Stream
from dlhelpers.training import descend

SMALL = Settings(m=60, hidden=(4, 3))
"""42 examples to train on: with batches of 32 an epoch has two steps, of 32 and 10."""
OTHER = {
    "activation": "relu",
    "loss_name": "squared_error",
    "optimizer": "momentum",
    "learning_rate": 0.05,
    "schedule": "exponential",
    "half_after": 30,
    "beta": 0.5,
    "beta2": 0.9,
    "batch_size": 7,
    "l1": 0.1,
    "l2": 0.3,
    "weight_decay": 0.1,
    "keep_prob": 0.6,
    "input_noise": 0.3,
    "added": ((0.5, -1.0, 0), (1.0, 0.25, 1)),
}
"""Another value for every setting that may change while the network trains."""
LIVE = sorted({each.name for each in fields(Settings)} - set(FIXED))
WILD = Settings(
    m=60, optimizer="gradient_descent", learning_rate=1000.0, activation="relu", loss_name="squared_error"
)
"""Diverges within a few steps."""


def trained(steps=0, start=SMALL, **changes):
    session = Session(start)
    session.advance(steps)
    session.change(**changes)
    return session


def state(session):
    """Return all that the future of a session depends on, as bytes."""
    now, stream = session.now, session._stream
    numbers = now.step, now.theta, now.gradient, now.state, now.statistics, now.batch, now.learning_rate
    place = stream.step, stream.epoch, stream.position
    words = repr((session.diverged, session.settings, session.changes))  # equal, if not the same objects
    return pickle.dumps((numbers, place, words))


def by_hand(session, s, epoch, position):
    """Return a run that goes on from the present theta of `session`, by the settings `s` alone."""
    batch_norm = BatchNormalization() if s.batch_norm else None
    sizes = (2, *s.hidden, session.n_classes)
    network = Network(sizes, s.activation, s.loss_name, s.keep_prob, batch_norm)
    now, (X, Y, *_) = session.now, with_points(session.train, s.added)
    place = session.step, epoch, position
    stream = Stream(X, Y, sizes, s.data_seed, s.batch_size, s.input_noise, *place)
    optimizer = {"adam": Adam(s.beta, s.beta2), "momentum": Momentum(s.beta)}[s.optimizer]
    rate = {
        "constant": lambda t: s.learning_rate,
        "1/t": lambda t: s.learning_rate / (1 + 1 / s.half_after * t),
        "exponential": lambda t: s.learning_rate * (0.5 ** (1 / s.half_after)) ** t,
    }[s.schedule]
    return descend(
        Regularized(network, len(X), s.l1, s.l2),
        now.theta,
        stream,
        optimizer,
        rate,
        now.state if session.settings.optimizer == s.optimizer else None,
        statistics=now.statistics,
        weight_decay=s.weight_decay,
        step=session.step,
    )


# ------------------------------------------------------------------------------------------- changes


def test_every_live_setting_has_another_value_here():
    assert sorted(OTHER) == LIVE


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("name", LIVE)
def test_a_change_takes_effect_at_exactly_the_next_update(name, batch_norm):
    start = replace(SMALL, batch_norm=batch_norm, schedule="1/t" if name == "half_after" else "constant")
    session, untouched = trained(9, start), trained(9, start)
    history = list(session.history)
    new = replace(start, **{name: OTHER[name]})
    expected = by_hand(session, new, 4, 32)  # step 9 has the rest of the fifth epoch
    session.change(**{name: OTHER[name]})
    assert session.history == history and session.now.step == 9
    np.testing.assert_array_equal(session.now.theta, untouched.now.theta)
    assert session.changes == [(9, {name: OTHER[name]})]
    assert session.settings == new and session.start == start
    untouched.advance()
    for number, step in enumerate(islice(expected, 8), start=9):
        assert session.step == step.step == number
        np.testing.assert_allclose(session.now.theta, step.theta, rtol=1e-12, atol=1e-15)
        assert session.measure().learning_rate == pytest.approx(step.learning_rate, rel=1e-12)
        session.advance()
        if number == 9:
            assert not np.array_equal(session.now.theta, untouched.now.theta)


def test_changes_at_one_step_are_one_change_and_what_is_taken_back_is_none():
    session = trained(5, l2=0.1)
    session.change(l1=0.2, l2=0.3)
    assert session.changes == [(5, {"l1": 0.2, "l2": 0.3})]
    assert state(session) == state(trained(5, l1=0.2, l2=0.3))
    session.change(l1=0.0)
    assert session.changes == [(5, {"l2": 0.3})]
    session.change(l2=0.0, optimizer="momentum")
    session.change(optimizer="adam")
    assert session.changes == [] and state(session) == state(trained(5))
    session.change(learning_rate=0.01)  # as it is
    assert session.changes == []
    session.advance()
    session.change(l2=0.5)
    session.advance(2)
    session.change(l2=0.0)
    assert session.changes == [(6, {"l2": 0.5}), (8, {"l2": 0.0})]


def test_another_kind_of_optimizer_starts_afresh_and_the_same_kind_goes_on():
    session = trained(10)
    session.change(beta=0.5)
    session.advance()
    assert session.now.state.t == 11
    session.change(optimizer="momentum")
    session.change(optimizer="adam")
    session.advance()
    assert session.now.state.t == 12
    session.change(optimizer="momentum")
    session.advance()
    session.change(optimizer="adam")
    session.advance()
    assert session.now.state.t == 1


@pytest.mark.parametrize("values", [{"m": 40}, {"data": "xor"}, {"weight_seed": 1}, {"speed": 3}])
def test_what_needs_a_new_start_cannot_be_changed(values):
    session = trained(3)
    before = state(session)
    with pytest.raises(
        ValueError, match=rf"change must get one of .*learning_rate.*; got {next(iter(values))}"
    ):
        session.change(**values)
    with pytest.raises(ValueError, match="keep_prob must be a number in"):
        session.change(l2=0.1, keep_prob=1.5)
    assert state(session) == before


@pytest.mark.parametrize("count", [-1, 2.5, None, "3"])
def test_only_whole_steps_forward(count):
    with pytest.raises(ValueError, match="n must be an integer in"):
        trained().advance(count)


def test_last_move_is_what_the_update_added():
    session = trained(3)
    before = session.now.theta
    session.advance()
    np.testing.assert_array_equal(session.last_move, session.now.theta - before)
    session.change(l2=0.1)
    np.testing.assert_array_equal(session.last_move, session.now.theta - before)
    session.rewind(4)
    session.rewind(0)
    assert not session.last_move.any()


def test_points_by_hand_join_the_training_set_and_may_leave_it_again():
    added = OTHER["added"]
    session, untouched = trained(9), trained(9)
    session.change(added=added)
    assert len(session.train.X) == 44 and session.objective.m == 44
    np.testing.assert_array_equal(session.train.X[-2:], [[0.5, -1.0], [1.0, 0.25]])
    np.testing.assert_array_equal(session.train.Y[-2:], np.eye(2))
    np.testing.assert_array_equal(session.dev.X, untouched.dev.X)
    session.change(added=())
    assert session.changes == [] and state(session) == state(untouched)
    session.change(added=added)
    session.advance(40)
    session.change(added=added[:1])
    session.advance(40)
    end = state(session)
    assert session.changes == [(9, {"added": added}), (49, {"added": added[:1]})]
    again = from_text(to_text(session))
    assert state(again) == end
    session.rewind(30)
    assert session.settings.added == added and len(session.train.X) == 44
    session.rewind(5)
    assert session.settings.added == () and len(session.train.X) == 42
    session.advance(4)
    assert state(session) == state(untouched)


def test_a_training_set_may_shrink_at_the_end_of_an_epoch():
    added = tuple((0.1 * k, 0.0, 0) for k in range(30))
    session = trained(0, replace(SMALL, added=added, batch_norm=True, batch_size=64))
    session.advance(3)
    session.change(batch_size=8)
    session.advance(5)
    session.change(added=())
    session.advance(30)
    assert not session.diverged and len(session.train.X) == 42
    assert state(from_text(to_text(session))) == state(session)


def test_a_point_of_a_class_that_the_data_do_not_have_changes_nothing():
    session = trained(3)
    before = state(session)
    with pytest.raises(ValueError, match=r"added must have classes below 2.*; got class 5"):
        session.change(added=((0.0, 0.0, 5),))
    assert state(session) == before and len(session.train.X) == 42


# -------------------------------------------------------------------------------------------- rewind


AT = {40: {"l2": 0.1, "batch_size": 5}, 41: {"optimizer": "rmsprop"}, 50: {"l1": 0.1}, 70: {"keep_prob": 0.5}}
"""Changes on the way."""


def drive(session, end):
    """Train up to a step; changes at this very step are not made yet."""
    while session.step < end:
        session.change(**AT.get(session.step, {}))
        session.advance()


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("to", [0, 24, 25, 40, 41, 70, 93])
def test_rewind_leads_back_to_exactly_the_same_run(to, batch_norm):
    start = replace(SMALL, batch_norm=batch_norm)
    session, fresh, whole = Session(start), Session(start), Session(start)
    drive(session, 93)
    drive(fresh, to)
    drive(whole, 110)
    session.rewind(to)
    assert state(session) == state(fresh)
    assert session.history == fresh.history
    drive(session, 110)
    assert state(session) == state(whole)
    assert session.history == whole.history
    assert [each.step for each in session._snapshots] == [0, 25, 50, 75, 100]


def test_only_steps_that_were_made_can_be_visited():
    session = trained(10)
    for wrong in (11, -1, 2.5, None):
        with pytest.raises(ValueError, match=r"step must be an integer in \[0, 10\]"):
            session.rewind(wrong)


def test_a_new_start_has_the_same_losses():
    first, second = trained(60), trained(60)
    assert first.history == second.history and state(first) == state(second)
    other = trained(60, replace(SMALL, weight_seed=1))
    assert other.history[0].train_loss != first.history[0].train_loss
    np.testing.assert_array_equal(other.train.X, first.train.X)
    other = trained(0, replace(SMALL, data_seed=1))
    assert not np.array_equal(other.train.X, first.train.X)
    np.testing.assert_array_equal(other.now.theta, trained().now.theta)


@pytest.mark.parametrize("initializer", ["recommended", "zeros", "he_normal"])
def test_the_first_weights_are_those_of_the_initializer(initializer):
    session = Session(replace(SMALL, initializer=initializer, weight_seed=3))
    network = Network((2, 4, 3, 2), "tanh", "softmax_cross_entropy")
    theta = network.initialize(
        np.random.default_rng(3), initializer=None if initializer == "recommended" else initializer
    )
    np.testing.assert_array_equal(session.now.theta, theta)


def test_memory_is_bounded_and_rewind_still_exact(monkeypatch):
    monkeypatch.setattr(module, "SNAPSHOTS", 4)
    monkeypatch.setattr(module, "MEASUREMENTS", 6)
    session, fresh = trained(0), trained(0)
    kept, measured = [], []
    for step in range(1, 420):
        session.advance()
        if step == 130:
            session.change(l2=0.3, batch_size=9)
        kept.append(len(session._snapshots))
        measured.append(len(session.history))
    assert max(kept) == 4 and max(measured) == 6
    # 0, 25, ..., 100 are five: 50 from there on, 100 at 200 and 200 at 400, where 0, 200 and 400 are left
    assert [each.step for each in session._snapshots] == [0, 200, 400]
    assert session.history.every == 128  # the seventh point is at 6, 12, 24, 48, ..., 384 steps
    assert [each.step for each in session.history] == [0, 128, 256, 384]
    fresh.advance(130)
    fresh.change(l2=0.3, batch_size=9)
    fresh.advance(203)
    session.rewind(333)
    assert state(session) == state(fresh)


@pytest.mark.slow
def test_a_long_run_is_bounded_and_rewind_still_exact():
    session = Session(SMALL)
    marks = {}
    for step in range(1, 20_001):
        session.advance()
        if step in (1, 24, 25, 999, 7777, 16_384, 19_999):
            marks[step] = session.now.theta
        assert len(session._snapshots) <= module.SNAPSHOTS and len(session.history) <= module.MEASUREMENTS
    history = list(session.history)
    for step in sorted(marks, reverse=True):
        session.rewind(step)
        np.testing.assert_array_equal(session.now.theta, marks[step])
    session.advance(20_000 - session.step)
    assert session.history == history


# ---------------------------------------------------------------------------------------- divergence


def test_divergence_ends_the_run_with_its_cause_and_can_be_rewound():
    session = Session(WILD)
    session.advance(500)
    assert 1 <= session.step < 500
    assert session.diverged == f"diverged at step {session.step}: the gradient is no longer a finite number"
    end, before = session.step, state(session)
    session.advance(10)
    assert session.step == end and state(session) == before
    assert not np.isfinite(session.now.gradient).all()
    assert state(from_text(to_text(session))) == before
    session.measure()
    session.rewind(end)  # to where it is
    assert state(session) == before
    session.rewind(end - 1)
    assert not session.diverged
    session.change(learning_rate=1e-3 if end == 1 else 0.0)
    session.advance(5)
    assert session.step == end + 4 and not session.diverged


def test_divergence_at_the_place_of_a_snapshot_can_be_rewound():
    session = Session(replace(WILD, learning_rate=0.001))
    session.advance(25)
    session._now = replace(session.now, diverged=np.True_)
    session._snapshots.clear()
    session._note(0, 0)
    assert session._snapshots == []


# ------------------------------------------------------------------------------------------- history


def test_the_curves_are_measured_without_dropout_and_penalty_on_the_whole_sets():
    session = trained(
        40, replace(SMALL, batch_norm=True, keep_prob=0.5, l2=1.0, schedule="1/t", half_after=40)
    )
    now = session.measure()
    network = Network((2, 4, 3, 2), "tanh", "softmax_cross_entropy", 1.0, BatchNormalization())
    for part, loss, accuracy in (
        (session.train, now.train_loss, now.train_accuracy),
        (session.dev, now.dev_loss, now.dev_accuracy),
    ):
        p = network.predict(session.now.theta, part.X, session.now.statistics)
        right = p[np.arange(len(p)), part.Y.argmax(axis=1)]
        assert loss == pytest.approx(-np.log(right).mean(), rel=1e-12)
        assert accuracy == pytest.approx((p.argmax(axis=1) == part.Y.argmax(axis=1)).mean(), abs=1e-15)
    assert now.learning_rate == pytest.approx(0.005)  # half of it is left after 40 steps
    assert session.history[-1] == now and [each.step for each in session.history] == list(range(41))


def test_the_data_are_split_seven_to_three():
    session = Session(Settings(m=100, data_seed=5))
    rng = np.random.default_rng(5)
    X, y, *_ = DATA["moons"](100, 0.2, rng)
    parts = datasets.split(X, y, dev=0.3, test=0, rng=rng)
    assert session.train.X.shape == (70, 2) and session.dev.X.shape == (30, 2)
    np.testing.assert_array_equal(session.train.X, parts.X_train)
    np.testing.assert_array_equal(session.dev.X, parts.X_dev)
    np.testing.assert_array_equal(session.train.Y, np.eye(2)[parts.y_train])
    np.testing.assert_array_equal(session.dev.Y, np.eye(2)[parts.y_dev])


@pytest.mark.parametrize(
    ("name", "rates"),
    [  # at step 0, 20, 40 and 80 for a rate of 0.8 and half_after = 40
        ("constant", (0.8, 0.8, 0.8, 0.8)),
        ("1/t", (0.8, 0.8 / 1.5, 0.4, 0.8 / 3)),
        ("exponential", (0.8, 0.8 / 2**0.5, 0.4, 0.2)),
        ("staircase", (0.8, 0.8, 0.4, 0.2)),
        ("cosine", (0.8, 0.4 * (1 + 0.5**0.5), 0.4, 0.0)),
        ("warm-up", (None, None, 0.8, 0.8)),
    ],
)
def test_half_of_the_rate_is_left_after_half_after_steps(name, rates):
    schedule = SCHEDULES[name](0.8, 40)
    for step, rate in zip((0, 20, 40, 80), rates, strict=True):
        if rate is not None:
            assert float(np.asarray(schedule(step))) == pytest.approx(rate, abs=1e-12)
    if name == "warm-up":
        assert schedule(0) < schedule(20) < schedule(38) < 0.8
        assert schedule(20) == pytest.approx(0.4, abs=0.021)
    assert list(SCHEDULES) == ["constant", "1/t", "exponential", "staircase", "cosine", "warm-up"]


def test_the_test_set_is_measured_and_changes_nothing_else():
    start = replace(SMALL, test_share=0.2)
    session = trained(30, start)
    now = session.measure()
    p = session.network.predict(session.now.theta, session.test.X)
    right = p[np.arange(len(p)), session.test.Y.argmax(axis=1)]
    assert now.test_loss == pytest.approx(-np.log(right).mean(), rel=1e-12)
    assert now.test_accuracy == pytest.approx(np.mean(p.argmax(axis=1) == session.test.Y.argmax(axis=1)))
    theta = session.now.theta
    other = Session(start)
    other.test = other.test._replace(Y=1 - other.test.Y)  # whatever the test set is, the same network
    other.advance(30)
    np.testing.assert_array_equal(other.now.theta, theta)
    assert np.isnan([trained(1).measure().test_loss, trained(1).measure().test_accuracy]).all()


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.05), (0.3, 0.6), (0.3, -0.1)])
def test_the_shares_leave_a_training_set(shares):
    with pytest.raises(ValueError, match="test_share must be"):
        replace(SMALL, dev_share=shares[0], test_share=shares[1])


# -------------------------------------------------------------------------------------------- stream


def numbered(m):
    """Return m examples whose first number is their place."""
    return np.arange(m, dtype=float)[:, None] * [1.0, 10.0], np.arange(m, dtype=float)[:, None] + 100


def rows_of(batch):
    return [int(x) for x in batch.X[:, 0]]


@settings(max_examples=25, deadline=None)
@given(
    m=st.integers(2, 40), sizes=st.lists(st.integers(1, 45), min_size=1, max_size=30), seed=st.integers(0, 9)
)
def test_every_epoch_visits_every_example_once_whatever_the_sizes(m, sizes, seed):
    stream = Stream(*numbered(m), (2, 3, 1), seed)
    epochs = {}
    for number in range(60):
        stream.batch_size = sizes[number % len(sizes)]
        batch = next(stream)
        rows = rows_of(batch)
        assert len(rows) == len(set(rows)) and 1 <= len(rows) <= max(stream.batch_size + 1, 1)
        assert len(rows) >= min(stream.batch_size, m) or epochs.get(batch.epoch)
        np.testing.assert_array_equal(batch.Y[:, 0], batch.X[:, 0] + 100)
        epochs.setdefault(batch.epoch, []).extend(rows)
    assert sorted(epochs) == list(range(len(epochs)))
    for epoch in range(len(epochs) - 1):
        assert sorted(epochs[epoch]) == list(range(m))
        assert epochs[epoch] == list(np.random.default_rng([seed, 0, epoch]).permutation(m))


@pytest.mark.parametrize(
    ("batch_size", "lengths"),
    [
        (1, [1] * 5 + [2]),
        (2, [2, 2, 3]),
        (3, [3, 4]),
        (4, [4, 3]),
        (5, [5, 2]),
        (6, [7]),
        (7, [7]),
        (99, [7]),
    ],
)
def test_a_rest_of_one_joins_the_batch_before_it(batch_size, lengths):
    stream = Stream(*numbered(7), (2, 1), 0, batch_size)
    batches = list(islice(stream, 2 * len(lengths)))
    assert [len(batch.X) for batch in batches] == lengths * 2
    assert [batch.epoch for batch in batches] == [0] * len(lengths) + [1] * len(lengths)


def test_batch_norm_never_sees_one_example():
    session = Session(replace(SMALL, batch_norm=True, batch_size=2))
    for size in (2, 3, 5, 41, 40, 7, 2):
        session.change(batch_size=size)
        for _ in range(60):
            assert len(session.now.batch.X) >= 2
            session.advance()
    assert not session.diverged
    with pytest.raises(ValueError, match="batch_size must be 2 or more with batch normalization; got 1"):
        session.change(batch_size=1)
    with pytest.raises(ValueError, match="One example minus its own mean is 0"):
        Settings(batch_norm=True, batch_size=1)


def test_noise_and_draws_belong_to_the_seed_and_the_step():
    X, Y = numbered(10)
    stream = Stream(X, Y, (2, 3, 4, 1), 5, 4, 0.5, step=7, epoch=2, position=4)
    first, second, third = islice(stream, 3)
    order = np.random.default_rng([5, 0, 2]).permutation(10)
    for step, batch, rows in ((7, first, order[4:8]), (8, second, order[8:])):
        noise = np.random.default_rng([5, 1, step]).standard_normal((len(rows), 2))
        np.testing.assert_allclose(batch.X, X[rows] + 0.5 * noise, rtol=1e-15)
        np.testing.assert_array_equal(batch.Y, Y[rows])
        draws = draw_uniform((2, 3, 4, 1), len(rows), np.random.default_rng([5, 2, step]))
        for ours, expected in zip(batch.draws, draws, strict=True):
            np.testing.assert_array_equal(ours, expected)
    assert (first.epoch, second.epoch, third.epoch) == (2, 2, 3)
    assert (stream.step, stream.epoch, stream.position) == (10, 3, 4)
    assert iter(stream) is stream
    np.testing.assert_array_equal(X, numbered(10)[0])  # the noise is not left in the data
    stream.input_noise = 0.0
    np.testing.assert_array_equal(next(stream).X, X[np.random.default_rng([5, 0, 3]).permutation(10)[4:8]])


def test_again_cuts_the_same_batch_anew_also_at_the_end_of_an_epoch():
    X, Y = numbered(10)
    stream = Stream(X, Y, (2, 3, 1), 0, 4)
    run = descend(Network((2, 3, 1)), np.zeros(13), stream, GradientDescent(), 0.01)
    for number in range(7):
        step = next(run)
        for size in (3, 9, 4):
            stream.batch_size = size
            again = stream.again(run)
            assert again.step == number and again.epoch == step.epoch
            assert rows_of(again.batch)[:2] == rows_of(step.batch)[:2]
        np.testing.assert_array_equal(again.batch.X, step.batch.X)
        np.testing.assert_array_equal(again.gradient, step.gradient)
    with pytest.raises(ValueError, match="run must be a run that descend returned; got 3"):
        stream.again(3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seed": -1}, r"seed must be an integer in \[0, inf\)"),
        ({"batch_size": 0}, r"batch_size must be an integer in \[1, inf\).*10 is batch gradient descent"),
        ({"input_noise": -0.1}, r"input_noise must be a number in \[0, inf\)"),
        ({"step": -1}, "step must be"),
        ({"epoch": 1.5}, "epoch must be"),
        ({"position": None}, "position must be"),
        ({"X": np.ones(3)}, "X must be a float array"),
        ({"Y": np.ones((9, 1))}, r"Y must be a float array of shape \(10, n_out\)"),
    ],
)
def test_a_stream_checks_its_arguments(values, message):
    X, Y = numbered(10)
    with pytest.raises(ValueError, match=message):
        Stream(**{"X": X, "Y": Y, "sizes": (2, 1), "seed": 0, **values})

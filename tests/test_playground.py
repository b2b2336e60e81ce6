"""The session: changes in the middle, rewind, text and program give the same run to the last bit."""

import contextlib
import io
import pickle
from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from dlhelpers import datasets
from dlhelpers import playground as module
from dlhelpers.batch_normalization import BatchNormalization
from dlhelpers.dropout import draw_uniform
from dlhelpers.network import Network
from dlhelpers.optimizers import Adam, GradientDescent, Momentum, Nesterov, RMSprop
from dlhelpers.playground import (
    DATA,
    FIXED,
    SCHEDULES,
    Points,
    Session,
    Settings,
    Stream,
    make_optimizer,
    principal_plane,
    read_points,
)
from dlhelpers.regularization import Regularized
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
    return pickle.dumps((numbers, place, session.diverged, session.settings, session.changes))


def by_hand(session, s, epoch, position):
    """Return a run that goes on from the present theta of `session`, by the settings `s` alone."""
    batch_norm = BatchNormalization() if s.batch_norm else None
    sizes = (2, *s.hidden, session.n_classes)
    network = Network(sizes, s.activation, s.loss_name, s.keep_prob, batch_norm)
    X, Y, now = session.train.X, session.train.Y, session.now
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


@pytest.mark.parametrize("values", [{"m": 40}, {"hidden": (3,)}, {"weight_seed": 1}, {"speed": 3}])
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
    assert session.every == 128  # the seventh point is at 6, 12, 24, 48, ..., 384 steps
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


# ------------------------------------------------------------------------------------- text and code


def random_session(draw):
    """Return a session after a random sequence of advances, changes and rewinds."""
    start = Settings(
        data=draw(st.sampled_from(["moons", "spirals-3", "blobs"])),
        m=draw(st.integers(20, 60)),
        noise=draw(st.floats(0, 1)),
        data_seed=draw(st.integers(0, 10**6)),
        weight_seed=draw(st.integers(0, 9)),
        hidden=tuple(draw(st.lists(st.integers(1, 4), max_size=3))),
        batch_norm=draw(st.booleans()),
        l2=draw(st.sampled_from([0.0, 0.1])),
        keep_prob=draw(st.sampled_from([1.0, 0.7])),
    )
    session = Session(start)
    live = {
        "activation": st.sampled_from(["tanh", "relu"]),
        "loss_name": st.sampled_from(["squared_error", "softmax_cross_entropy"]),
        "optimizer": st.sampled_from(
            ["gradient_descent", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]
        ),
        "learning_rate": st.floats(0, 1000),
        "schedule": st.sampled_from(sorted(SCHEDULES)),
        "half_after": st.integers(1, 50),
        "beta": st.floats(0, 0.99),
        "beta2": st.floats(0, 0.999),
        "batch_size": st.integers(2, 64),
        "l1": st.floats(0, 1),
        "l2": st.floats(0, 1e3),
        "weight_decay": st.floats(0, 1),
        "keep_prob": st.floats(0.1, 1),
        "input_noise": st.floats(0, 10),
    }
    assert sorted(live) == LIVE
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["advance", "change", "change", "rewind"]))
        if kind == "advance":
            session.advance(draw(st.integers(0, 40)))
        elif kind == "rewind":
            session.rewind(draw(st.integers(0, session.step)))
        else:
            names = draw(st.lists(st.sampled_from(LIVE), min_size=1, max_size=3, unique=True))
            session.change(**{name: draw(live[name]) for name in names})
    return session


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_line_of_text_is_the_whole_run(data):
    session = random_session(data.draw)
    text = session.text()
    again = Session.from_text(text)
    assert state(again) == state(session)
    assert again.start == session.start and again.text() == text
    session.advance(3)
    again.advance(3)
    assert state(again) == state(session)


def printed(program):
    """Return what a program prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program, "code", "exec"), {"__name__": "__main__"})
    return out.getvalue()


def losses(session):
    now = session.measure()
    return f"step {now.step}: train loss {now.train_loss:.12g}, dev loss {now.dev_loss:.12g}\n"


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_program_prints_the_same_losses(data):
    session = random_session(data.draw)
    assert printed(session.code()) == losses(session)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_program_of_many_changes_prints_the_same_losses(batch_norm):
    session = trained(0, replace(SMALL, batch_norm=batch_norm, l1=0.01, weight_decay=0.01), keep_prob=0.9)
    for name in LIVE:
        session.advance(3)
        session.change(**{name: OTHER[name]})
    assert printed(session.code()) == losses(session)
    session.advance(5)
    assert printed(session.code()) == losses(session)


def test_the_program_of_an_own_table_reads_it(tmp_path, monkeypatch):
    table = "\n".join(f"{i},{i * i % 7},{'ab'[i % 2]}" for i in range(30))
    (tmp_path / "own.csv").write_text(table)
    monkeypatch.chdir(tmp_path)
    session = Session(Settings(data="own", hidden=(3,)), read_points(table))
    session.advance(10)
    assert printed(session.code()) == losses(session)


def test_the_text_is_short_and_readable():
    session = trained(20, keep_prob=0.8, l2=0.1)
    session.advance(5)
    assert session.text() == "playground | m=60 hidden=4x3 | @20 l2=0.1 keep_prob=0.8 | @25"
    assert Session().text() == "playground | @0"
    assert Session.from_text("  playground | hidden=3 batch_norm=True data=xor m=20\n").settings == Settings(
        hidden=(3,), batch_norm=True, data="xor", m=20
    )
    assert Session.from_text("playground | m=20 hidden= | @2").settings.hidden == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text must begin with 'playground |'; got ''"),
        ("hello | @3", "text must begin with 'playground |'; got 'hello'"),
        ("playground | sped=3", "text must name known settings; got 'sped=3'"),
        ("playground | m=20.5", "text must give m as a int; got '20.5'"),
        ("playground | batch_norm=yes", "text must give batch_norm as a bool; got 'yes'"),
        ("playground | hidden=a,b", "text must give hidden as a tuple; got 'a,b'"),
        (
            "playground | m=20 | l2=0.1",
            "text must go on with parts such as '@120 learning_rate=0.1'",
        ),
        ("playground | m=20 | @5 l2=0.1 | @4", "in order; got '@4'"),
        ("playground | m=20 | @5 m=30", "change must get one of"),
        ("playground | m=20 | @5 l2=x", "text must give l2 as a float; got 'x'"),
        ("playground | @1000001", "in order; got '@1000001'"),
        ("playground | learning_rate=nan", "learning_rate must be a number in"),
        ("playground | data=own | @4", "own must hold the examples"),
        (None, "text must begin with 'playground |'; got 'None'"),
    ],
)
def test_a_line_that_cannot_be_read_is_told(text, message):
    with pytest.raises(ValueError) as error:
        Session.from_text(text)
    assert message in str(error.value)


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
    assert state(Session.from_text(session.text())) == before
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
    X, y, _ = DATA["moons"](100, 0.2, rng)
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


# ---------------------------------------------------------------------------------------------- data


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("m", [20, 2000])
def test_every_data_at_its_extremes(name, noise, m):
    session = Session(Settings(data=name, m=m, noise=noise))
    session.advance(2)
    X, y, axis_names = session.points
    assert X.shape == (min(m, 1797) if name == "digits" else m, 2) and y.shape == X.shape[:1]
    assert session.n_classes == {"spirals-3": 3, "blobs": 4, "digits": 10}.get(name, 2)
    assert np.isfinite(X).all() and np.abs(X).max() < 8 and len(axis_names) == 2
    assert len(session.train.X) + len(session.dev.X) == len(X)
    assert not session.diverged and np.isfinite(session.measure()).all()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("moons", datasets.moons),
        ("circles", datasets.circles),
        ("spirals", datasets.spirals),
        ("spirals-3", lambda m, **given: datasets.spirals(m, arms=3, **given)),
        ("xor", datasets.xor),
        ("blobs", lambda m, noise, rng: datasets.blobs(m, classes=4, noise=noise + 0.3, rng=rng)),
    ],
)
def test_the_data_are_those_of_datasets(name, make):
    ours = DATA[name](50, 0.1, np.random.default_rng(3))
    X, y = make(50, noise=0.1, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(ours.X, X)
    np.testing.assert_array_equal(ours.y, y)


def test_digits_lie_in_the_plane_in_which_they_differ_most():
    images, labels, *_ = datasets.digits()
    points = DATA["digits"](300, 0.0, np.random.default_rng(1))
    rows = np.random.default_rng(1).permutation(len(labels))[:300]
    np.testing.assert_array_equal(points.y, labels[rows])
    expected = PCA(2, svd_solver="full").fit_transform(images / 16)
    expected = (expected / expected.std(axis=0))[rows]
    sign = np.sign((points.X * expected).sum(axis=0))
    np.testing.assert_allclose(points.X, sign * expected, atol=1e-8)
    assert points.axis_names == ("first component", "second component")
    rng = np.random.default_rng(1)
    rng.permutation(len(labels))
    noisy = principal_plane(images / 16 + 0.5 * rng.standard_normal(images.shape))[rows]
    np.testing.assert_allclose(DATA["digits"](300, 0.5, np.random.default_rng(1)).X, noisy, atol=1e-10)


@pytest.mark.parametrize("shape", [(40, 5), (5, 40), (2, 2), (30, 2)])
def test_principal_plane_is_that_of_sklearn_up_to_sign(rng, shape):
    X = rng.standard_normal(shape) * np.linspace(1, 3, shape[1]) + 7
    ours = principal_plane(X)
    expected = PCA(2, svd_solver="full").fit_transform(X)[:, : min(2, shape[0] - 1)]
    expected = expected / expected.std(axis=0)
    sign = np.sign((ours[:, : expected.shape[1]] * expected).sum(axis=0))
    np.testing.assert_allclose(ours[:, : expected.shape[1]], sign * expected, atol=1e-8)


def test_principal_plane_by_hand():
    # Centered: (-2, 0), (2, 0), (0, 1), (0, -1); the first direction is (1, 0), the second (0, 1).
    # Variances 8 / 4 and 2 / 4, so that -2 becomes -2 / sqrt(2) and 1 becomes 1 / sqrt(0.5): both 1.414.
    X = np.array([[1.0, 5.0], [5.0, 5.0], [3.0, 6.0], [3.0, 4.0]])
    root = 2**0.5
    np.testing.assert_allclose(principal_plane(X), [[-root, 0], [root, 0], [0, root], [0, -root]], atol=1e-12)
    # The sign: the largest entry of each direction is positive, here of (1, -3) / sqrt(10) the second.
    X = np.array([[-1.0, 3.0], [1.0, -3.0], [0.3, 0.1], [-0.3, -0.1]])
    np.testing.assert_allclose(principal_plane(X), [[root, 0], [-root, 0], [0, root], [0, -root]], atol=1e-12)


@pytest.mark.parametrize("X", [np.ones((1, 3)), np.ones((3, 1)), np.ones(4), None, np.full((3, 2), 1e100)])
def test_principal_plane_needs_a_table(X):
    with pytest.raises(ValueError, match="X must"):
        principal_plane(X)


def test_a_plane_without_spread_is_a_point():
    np.testing.assert_array_equal(principal_plane(np.full((5, 3), 2.5)), np.zeros((5, 2)))
    assert np.isfinite(principal_plane(np.full((5, 3), 9e99))).all()


# ------------------------------------------------------------------------------------------ own data


def table(rows=20, separator=",", heading=(), width=3):
    lines = [separator.join(heading)] if heading else []
    lines += [
        separator.join([*(str(i * (k + 1) % 7 + k) for k in range(width - 1)), "ab"[i % 2]])
        for i in range(rows)
    ]
    return lines


@pytest.mark.parametrize("separator", [",", ";", "\t", " , "])
def test_tables_are_read_whatever_separates_their_columns(separator):
    plain, headed = table(20, separator), table(20, separator, ("height", "weight", "kind"))
    points, named = read_points("\n".join(plain)), read_points("\r\n".join(["", *headed, "", " "]))
    expected = np.array([[i % 7, i * 2 % 7 + 1] for i in range(20)], dtype=float)
    expected = (expected - expected.mean(axis=0)) / expected.std(axis=0)
    for each in (points, named):
        np.testing.assert_allclose(each.X, expected, atol=1e-12)
        np.testing.assert_array_equal(each.y, np.arange(20) % 2)
    assert points.axis_names == ("$x_1$", "$x_2$") and named.axis_names == ("height", "weight")
    assert Points(points.X, points.y).axis_names == ("$x_1$", "$x_2$")


def test_of_more_columns_the_plane_is_taken():
    points = read_points("\n".join(table(30, heading=("a", "b", "c", "d", "e"), width=5)))
    X = np.array([[i * (k + 1) % 7 + k for k in range(4)] for i in range(30)], dtype=float)
    np.testing.assert_allclose(points.X, principal_plane(X), atol=1e-12)
    assert points.axis_names == ("first component", "second component")
    odd = read_points("\n".join(table(20, heading=("a", "b"))))  # a heading of another width
    assert odd.axis_names == ("$x_1$", "$x_2$")


def test_the_limits_of_a_table():
    assert len(read_points("\n".join(table(20))).X) == 20
    assert len(read_points("\n".join(table(2000))).X) == 2000
    ten = [f"{i},{i % 3},{i % 10}" for i in range(20)]
    assert read_points("\n".join(ten)).y.max() == 9
    for rows in (0, 19, 2001):
        with pytest.raises(ValueError, match=f"text must hold 20 to 2000 rows of data; got {rows}"):
            read_points("\n".join(table(rows)))


@pytest.mark.parametrize(
    ("line", "came"),
    [
        ("1,2", "2 columns"),
        ("1,2,3,a", "4 columns"),
        ("1,x,a", "'x'"),
        ("nan,2,a", "'nan'"),
        ("1,inf,a", "'inf'"),
        ("1,,a", "''"),
        ("1e100,2,a", "'1e100'"),
        ("1,-1e308,b", "'-1e308'"),
    ],
)
@pytest.mark.parametrize("heading", [False, True])
def test_a_row_that_cannot_be_used_is_named(line, came, heading):
    lines = table(20, heading=("u", "v", "w") if heading else ())
    lines.insert(10, line)
    with pytest.raises(ValueError, match=rf"got {came} in row 11\. The first row of data has 3 columns"):
        read_points("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n".join(f"{i},a" for i in range(20)), "got 2 columns in row 1. The first row of data has 2"),
        ("\n".join(f"{i},{i},a" for i in range(20)), "2 to 10 classes in its last column; got 1: a"),
        (
            "\n".join(f"{i},{i},{i}" for i in range(20)),
            "classes in its last column; got 20: 0, 1, 10",
        ),
        ("\n".join(f"{i},{i},{i % 11}" for i in range(22)), "got 11"),
        ("x" * 200_000, "text must be the content of a table; got what cannot be read"),
        ("", "got 0"),
        (b"1,2,a", "text must be the content of a table; got bytes"),
        (None, "got NoneType"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(text, message):
    with pytest.raises(ValueError) as error:
        read_points(text)
    assert message in str(error.value)


def test_own_data_are_trained_on():
    points = read_points("\n".join(table(40)))
    session = Session(Settings(data="own", hidden=(3,)), points)
    session.advance(10)
    assert len(session.train.X) == 28 and session.points is points
    again = Session.from_text(session.text(), points)
    assert state(again) == state(session)
    with pytest.raises(ValueError, match="own must hold the examples for data='own'; got None"):
        Session(Settings(data="own"))


# ------------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("data", ["moons", "own"], ["sun", 3]),
        ("m", [20, 2000], [19, 2001, 20.0]),
        ("noise", [0.0, 1.0], [-0.1, 1.01]),
        ("data_seed", [0, 10**9], [-1, 0.5]),
        ("weight_seed", [0], [-1]),
        ("hidden", [(), (1,) * 6, (64,)], [(1,) * 7, (0,), (65,), [8], (2.5,)]),
        ("batch_norm", [True], [1, "yes"]),
        ("initializer", ["recommended", "he_normal", "zeros"], ["she"]),
        ("activation", ["relu"], ["rely"]),
        ("loss_name", ["squared_error"], ["loss"]),
        ("optimizer", ["nesterov"], ["sgd"]),
        ("schedule", ["cosine"], ["sine"]),
        ("half_after", [1], [0, 1.5]),
        ("learning_rate", [0.0, 1000.0, 1], [-0.1, 1000.1, np.nan, np.float32(0.1), np.array(0.1)]),
        ("beta", [0.0, 0.999], [1.0, -0.1]),
        ("beta2", [0.0, 0.999], [1.0, -0.1]),
        ("batch_size", [1, 5000], [0, 2.0]),
        ("l1", [0.0, 1e6], [-1.0, np.inf]),
        ("l2", [0.0, 1e6], [-1.0, np.inf]),
        ("weight_decay", [0.0, 1e6], [-1.0, np.inf]),
        ("keep_prob", [1e-3, 1.0], [0.0, 1.1]),
        ("input_noise", [0.0, 10.0], [-0.1, 10.1]),
    ],
)
def test_the_range_of_every_setting(name, good, bad):
    for value in good:
        assert getattr(Settings(**{name: value}), name) == value
    for value in bad:
        with pytest.raises(ValueError, match=name):
            Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gradient_descent", GradientDescent()),
        ("momentum", Momentum(0.3)),
        ("nesterov", Nesterov(0.3)),
        ("rmsprop", RMSprop(0.3)),
        ("adam", Adam(0.3, 0.8)),
    ],
)
def test_the_optimizer_has_the_betas_of_the_settings(name, expected):
    assert make_optimizer(Settings(optimizer=name, beta=0.3, beta2=0.8)) == expected
    with pytest.raises(ValueError, match="settings must be a Settings; got 'adam'"):
        make_optimizer("adam")

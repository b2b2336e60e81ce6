"""A network that is changed in the middle of its training: what stays, what is new, what comes again."""

import numpy as np
import pytest

from dlhelpers.network import Network
from dlhelpers.optimizers import Adam
from dlhelpers.rewiring import is_weight_name, resize, set_weight
from dlhelpers.session import Session
from dlhelpers.settings import Settings
from dlhelpers.sharing import from_text, program, to_text
from dlhelpers.stream import Stream
from dlhelpers.training import descend

SMALL = Settings(m=60, hidden=(4, 3))


def trained(steps=20, start=SMALL):
    session = Session(start)
    session.advance(steps)
    return session


def answers(session):
    now = session.now
    return session.network.predict(now.theta, session.dev.X, now.statistics)


def views(session):
    return session.network.layout.views(session.now.theta)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("hidden", [(5, 3), (4, 6), (7, 9)])
def test_more_units_change_no_answer_and_keep_every_weight(hidden, batch_norm):
    session = trained(start=Settings(m=60, hidden=(4, 3), batch_norm=batch_norm))
    before, old = answers(session), {name: W.copy() for name, W in views(session).items()}
    session.change(hidden=hidden)
    np.testing.assert_allclose(answers(session), before, rtol=1e-13)
    for name, values in views(session).items():
        rows, columns = old[name].shape
        np.testing.assert_array_equal(values[:rows, :columns], old[name])
        if name[0] == "W":
            assert not values[:rows, columns:].any(), "the way out of a new unit begins at 0"
            assert values[rows:, :columns].all() or not values[rows:].size, "its way in does not"
    session.advance(5)
    assert all(values.any(axis=0).all() for name, values in views(session).items() if name == "W3")


def test_a_new_layer_of_relu_changes_no_answer():
    session = trained(start=Settings(m=60, hidden=(4, 3), activation="relu"))
    before = answers(session)
    session.change(hidden=(4, 3, 3))
    np.testing.assert_allclose(answers(session), before, rtol=1e-13)
    np.testing.assert_array_equal(views(session)["W3"], np.eye(3))
    session.change(hidden=(4, 3))
    np.testing.assert_array_equal(answers(session), before)


def test_fewer_units_are_those_that_stood_first():
    session = trained()
    old = {name: W.copy() for name, W in views(session).items()}
    session.change(hidden=(4, 2))
    np.testing.assert_array_equal(views(session)["W2"], old["W2"][:2])
    np.testing.assert_array_equal(views(session)["W3"], old["W3"][:, :2])
    session.change(hidden=())
    np.testing.assert_array_equal(views(session)["W1"], old["W3"][:, :2])
    session.change(hidden=(4,))
    np.testing.assert_array_equal(views(session)["W1"][:2], np.eye(2))
    np.testing.assert_array_equal(views(session)["W2"], np.pad(old["W3"][:, :2], ((0, 0), (0, 2))))


def test_a_weight_is_set_and_nothing_else():
    session = trained()
    old = session.now.theta.copy()
    session.change(**{"W2[1,3]": 0.25})
    (changed,) = np.nonzero(session.now.theta != old)
    assert views(session)["W2"][1, 3] == 0.25 and len(changed) == 1
    assert session.changes == [(20, {"W2[1,3]": 0.25})]
    assert not session.last_move.any()
    session.rewind(20)
    np.testing.assert_array_equal(session.now.theta, old)


CHANGES = [
    [{"hidden": (5, 3)}],
    [{"W1[0,1]": 1.5}, {"hidden": (2,)}, {"hidden": (2, 2, 2)}, {"W3[1,0]": -2.0}],
    [{"keep_prob": 0.8, "l2": 0.1}, {"hidden": (4, 4)}, {"l2": 0.3}],
    [{"hidden": (4, 2)}, {"hidden": (4, 3)}, {"optimizer": "momentum"}, {"batch_size": 7}],
]


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("apart", [0, 7])
@pytest.mark.parametrize("changes", CHANGES)
def test_line_program_and_rewind_give_the_run_again(changes, apart, batch_norm, capsys):
    session = trained(30, Settings(m=60, hidden=(4, 3), batch_norm=batch_norm))
    for values in changes:
        session.change(**values)
        session.advance(apart)
    session.advance(10)
    theta, line, step = session.now.theta, to_text(session), session.step
    again = from_text(line)
    np.testing.assert_array_equal(again.now.theta, theta)
    assert to_text(again) == line
    names = {}
    exec(program(session), names)
    now = session.measure()
    assert names["train_loss"] == pytest.approx(now.train_loss, rel=1e-12)
    assert names["dev_loss"] == pytest.approx(now.dev_loss, rel=1e-12)
    session.advance(50)
    session.rewind(step)
    np.testing.assert_array_equal(session.now.theta, theta)
    session.rewind(5)
    np.testing.assert_array_equal(session.now.theta, trained(5, session.start).now.theta)


@pytest.mark.parametrize("name", ["W4[0,0]", "W2[3,0]", "W2[0,4]", "b1[0,0]", "W2", "W2[0, 1]"])
def test_a_weight_that_is_not_there_is_refused(name):
    session = trained()
    before = session.now
    with pytest.raises(ValueError, match=r"name must be that of a weight|change must get one of"):
        session.change(**{name: 1.0})
    assert session.now is before and session.changes == []
    with pytest.raises(ValueError, match=r"name must be that of a weight.*shapes W1 \(4, 2\)"):
        set_weight(session._run, name, 1.0)


def test_networks_that_do_not_go_with_each_other_are_refused():
    X, Y = np.zeros((6, 2)), np.zeros((6, 1))
    network = Network((2, 3, 1))
    batches = Stream(X, Y, network.sizes, 0)
    rng = np.random.default_rng(0)
    run = descend(network, network.initialize(rng), batches, Adam(), 0.1)
    for sizes in ((3, 3, 1), (2, 3, 2)):
        with pytest.raises(ValueError, match="objective must have the inputs, outputs"):
            resize(run, batches, Network(sizes), rng)
    with pytest.raises(ValueError, match="run must be a run of descend"):
        set_weight(network, "W1[0,0]", 1.0)
    with pytest.raises(ValueError, match="batches must be the Stream"):
        resize(run, iter([]), network, rng)
    with pytest.raises(ValueError, match="value must be a number"):
        set_weight(run, "W1[0,0]", np.nan)
    assert is_weight_name("W1[0,0]") and not is_weight_name("l2")

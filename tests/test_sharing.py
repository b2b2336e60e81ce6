"""A run as a line of text and as a program: both give the run again."""

import ast
import contextlib
import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlhelpers.columns import read_examples
from dlhelpers.features import COORDINATES, FEATURES
from dlhelpers.session import Session
from dlhelpers.settings import SCHEDULES, Settings
from dlhelpers.sharing import from_text, program, to_text
from dlhelpers.tables import read_table
from tests.test_session import LIVE, OTHER, SMALL, state, trained


def some_features(draw):
    """Return a few input features, in their order."""
    chosen = draw(st.sets(st.sampled_from(list(FEATURES)), min_size=1))
    return tuple(name for name in FEATURES if name in chosen)


def random_session(draw):
    """Return a session after a random sequence of advances, changes and rewinds."""
    start = Settings(
        data=draw(st.sampled_from(["moons", "spirals-3", "blobs"])),
        m=draw(st.integers(20, 60)),
        noise=draw(st.floats(0, 1)),
        data_seed=draw(st.integers(0, 10**6)),
        weight_seed=draw(st.integers(0, 9)),
        test_share=draw(st.sampled_from([0.0, 0.2])),
        features=draw(st.sampled_from([COORDINATES, some_features(draw)])),
        hidden=tuple(draw(st.lists(st.integers(1, 4), max_size=3))),
        batch_norm=draw(st.booleans()),
        l2=draw(st.sampled_from([0.0, 0.1])),
        added=draw(st.sampled_from([(), ((0.5, -1.0, 1),)])),
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
        "added": st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.integers(0, 1)), max_size=4).map(
            tuple
        ),
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
    text = to_text(session)
    again = from_text(text)
    assert state(again) == state(session)
    assert again.start == session.start and to_text(again) == text
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
    test = "" if session.test is None else f", test loss {now.test_loss:.12g}"
    return f"step {now.step}: train loss {now.train_loss:.12g}, dev loss {now.dev_loss:.12g}{test}\n"


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_program_prints_the_same_losses(data):
    session = random_session(data.draw)
    assert printed(program(session)) == losses(session)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_program_of_many_changes_prints_the_same_losses(batch_norm):
    session = trained(0, replace(SMALL, batch_norm=batch_norm, l1=0.01, weight_decay=0.01), keep_prob=0.9)
    for name in LIVE:
        session.advance(3)
        session.change(**{name: OTHER[name]})
    assert printed(program(session)) == losses(session)
    session.advance(5)
    assert printed(program(session)) == losses(session)


def test_the_program_of_an_own_table_reads_it(tmp_path, monkeypatch):
    table = "\n".join(f"{i * 7 % 30},{i * i % 7},{'ab'[i % 2]}" for i in range(30))
    (tmp_path / "own.csv").write_text(table)
    monkeypatch.chdir(tmp_path)
    session = Session(Settings(data="own", hidden=(3,)), read_examples(read_table(table)).points)
    session.advance(10)
    assert printed(program(session)) == losses(session)


def test_the_text_is_short_and_readable():
    session = trained(20, keep_prob=0.8, l2=0.1)
    session.advance(5)
    assert to_text(session) == "playground | m=60 hidden=4x3 | @20 l2=0.1 keep_prob=0.8 | @25"
    assert to_text(Session()) == "playground | @0"
    assert from_text("  playground | hidden=3 batch_norm=True data=xor m=20\n").settings == Settings(
        hidden=(3,), batch_norm=True, data="xor", m=20
    )
    session = Session(Settings(m=20, features=("x1", "x1^2", "x1*x2")))
    assert to_text(session) == "playground | m=20 features=x1,x1^2,x1*x2 | @0"
    assert 'split(input_features(points.X, ("x1", "x1^2", "x1*x2")), points.y' in program(session)
    assert from_text("playground | m=20 hidden= | @2").settings.hidden == ()


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
        ("playground | features=x1,x9", "features must be a tuple of one or more of x1"),
        ("playground | m=20 | @5 m=30", "change must get one of"),
        ("playground | m=20 | @5 l2=x", "text must give l2 as a float; got 'x'"),
        ("playground | @1000001", "in order; got '@1000001'"),
        ("playground | learning_rate=nan", "learning_rate must be a number in"),
        ("playground | data=own | @4", "own must hold the examples"),
        (None, "text must be a line that to_text returned; got None"),
    ],
)
def test_a_line_that_cannot_be_read_is_told(text, message):
    with pytest.raises(ValueError) as error:
        from_text(text)
    assert message in str(error.value)


def dragged():
    """Return a run whose learning rate was dragged through a dozen values while it trained."""
    session = trained(20)
    for k in range(12):
        session.change(learning_rate=0.02 + 0.01 * k)
        session.advance(7)
    return session


def test_a_drag_is_one_part_of_the_line_and_one_table_of_the_program():
    session = dragged()
    text, code = to_text(session), program(session)
    assert text.count("|") == 3 and text.count("learning_rate") == 1
    assert code.count("run.learning_rate =") == 1 and code.count("again") == 1
    assert state(from_text(text)) == state(session)
    assert printed(code) == losses(session)


def test_the_program_sets_nothing_twice_and_nothing_at_its_default():
    session = Session(Settings(data="circles"))
    session.advance(3)
    code = program(session)
    assert "*" not in code and "Regularized" not in code and "Path" not in code and "again" not in code
    assert 'Network((2, 8, 8, 2), "tanh", "softmax_cross_entropy")\n' in code
    assert "run = descend(network, theta, batches, Adam(), 0.01)\nfor step in run:" in code
    assert printed(code) == losses(session)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_program_imports_what_it_uses_and_no_more(data):
    code = program(random_session(data.draw))
    tree = ast.parse(code)
    names = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert len(set(names)) == len(names) and set(names) <= used

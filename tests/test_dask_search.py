"""A search on a real Dask cluster of two workers, on this machine."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dlhelpers.digit_runs import SPACE, dev_error
from dlhelpers.hyperparameter_search import search
from dlhelpers.search_spaces import random_settings
from dlhelpers.trials import load_trials, recorded

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of distributed are its own

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def client():
    """Two workers, a process each, that come back when they are killed."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def square(setting):
    time.sleep(0.01)
    return {"score": setting["x"] ** 2, "pid": os.getpid()}


def comparable(trials):
    """All that the clock does not change, in the order of the settings."""
    return [trial._replace(seconds=0.0) for trial in sorted(trials)]


def test_the_trials_are_those_of_the_kernel(client):
    import numpy as np

    settings = random_settings(SPACE, 6, np.random.default_rng(0))
    here = list(search(dev_error, settings))
    there = list(search(dev_error, settings, executor=client.get_executor()))
    assert comparable(there) == comparable(here)
    assert all(trial.score < 1 for trial in here)


def test_both_workers_take_part(client):
    trials = list(search(square, [{"x": x} for x in range(30)], executor=client.get_executor()))
    assert [trial.score for trial in sorted(trials)] == [x**2 for x in range(30)]
    assert len({trial.info["pid"] for trial in trials}) == 2


def test_a_worker_killed_in_the_middle_loses_nothing(client):
    settings, ended = [{"x": x} for x in range(60)], []
    trials = search(square, settings, executor=client.get_executor(), in_flight=10)
    for trial in trials:
        ended.append(trial)
        if len(ended) == 15:
            os.kill(trial.info["pid"], signal.SIGKILL)
    assert [trial.number for trial in sorted(ended)] == list(range(60))
    assert all(trial.score == trial.setting["x"] ** 2 for trial in ended)


def misbehave(setting):
    """Do what an objective should not do."""
    kind = setting["kind"]
    if kind == "raises":
        raise ZeroDivisionError("of mine")
    if kind == "hangs":
        while True:
            time.sleep(0.01)
    if kind == "sleeps":
        time.sleep(600)
    if kind == "cannot be pickled":
        return {"score": 0.0, "model": threading.Lock()}
    if kind == "exits":
        raise SystemExit(3)
    return 1.0


TOLD = {
    "raises": "ZeroDivisionError: of mine",
    "hangs": "TimeoutError: it has not ended after 1 seconds.",
    "sleeps": "TimeoutError: it has not ended after 1 seconds.",
    "cannot be pickled": "",  # how it is told is up to the versions of Python and Dask
    "exits": "SystemExit: 3",
}


def test_a_bad_objective_is_one_failed_trial_with_its_reason(client):
    kinds = [kind for bad in TOLD for kind in ("good", bad)] + ["good"]
    settings = [{"kind": kind} for kind in kinds]
    started = time.perf_counter()
    trials = list(search(misbehave, settings, executor=client.get_executor(), time_limit=1.0))
    assert time.perf_counter() - started < 300, "it waited for those that hang"
    assert [trial.setting["kind"] for trial in sorted(trials)] == kinds
    for trial in trials:
        kind = trial.setting["kind"]
        if kind == "good":
            assert (trial.score, trial.error) == (1.0, "")
        else:
            assert math.isnan(trial.score) and trial.error.startswith(TOLD[kind]) and trial.error, trial


def leave_a_mark(setting):
    """Write one letter to a file."""
    with open(setting["marks"], "a") as marks:
        marks.write("x")
    time.sleep(0.1)
    return 1.0


def test_closing_cancels_what_waits(client, tmp_path):
    marks = tmp_path / "marks.txt"
    trials = search(
        leave_a_mark, [{"marks": str(marks)}] * 100, executor=client.get_executor(), in_flight=100
    )
    next(trials)
    trials.close()
    assert client.submit(pow, 2, 3).result(timeout=60) == 8
    assert len(marks.read_text()) < 50, "most of those that waited never began"


# ---------------------------------------------------------------------------------- a kernel that ends

KERNEL = """
import os, sys, time
from dlhelpers.hyperparameter_search import search
from dlhelpers.trials import load_trials, recorded

def objective(setting):
    with open(sys.argv[2], "a") as file:
        print(setting["x"], file=file)
    time.sleep(0.05)
    return setting["x"]

path = sys.argv[1]
done = load_trials(path) if os.path.exists(path) else []
for trial in recorded(path, search(objective, [{"x": x} for x in range(20)], done=done)):
    pass
"""


def test_a_kernel_that_dies_in_the_middle_goes_on_from_its_file(tmp_path):
    """The process is killed, not asked to stop; the next one runs what is left."""
    path, log = tmp_path / "trials.jsonl", tmp_path / "runs.txt"
    command = [sys.executable, "-c", KERNEL, str(path), str(log)]
    kernel = subprocess.Popen(command, cwd=ROOT)
    while not path.exists() or path.read_bytes().count(b"\n") < 5:
        assert kernel.poll() is None
        time.sleep(0.005)
    kernel.kill()
    kernel.wait()
    before = load_trials(path)
    assert 5 <= len(before) < 20
    subprocess.run(command, cwd=ROOT, check=True)
    after = load_trials(path)
    assert after[: len(before)] == before
    assert sorted(trial.number for trial in after) == list(range(20))
    runs = [int(line) for line in log.read_text().split()]
    again = [x for x in set(runs) if runs.count(x) > 1]
    assert len(again) <= 1 and set(runs) == set(range(20))  # at most the one that was under way
    assert not set(again) & {trial.number for trial in before}


def test_a_search_on_the_cluster_goes_on_from_a_file_of_the_kernel(client, tmp_path):
    path, settings = tmp_path / "trials.jsonl", [{"x": x} for x in range(10)]
    for trial in recorded(path, search(square, settings)):
        if trial.number == 3:
            break
    done = load_trials(path)
    rest = list(recorded(path, search(square, settings, done=done, executor=client.get_executor())))
    assert sorted(trial.number for trial in done + rest) == list(range(10))
    assert len(load_trials(path)) == 10

"""How fast a search is: in the kernel, on two processes, replayed on the recorded runs, and their recording.

    python benchmarks/search.py [--trials N] [--record]

With --record it trains one seed of the table again, in the way of tools/make_runs.py, and counts the time.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that it also runs where the package is not installed

import numpy as np  # noqa: E402

from dlhelpers.digit_runs import SEEDS, SPACE, dev_error, run_table  # noqa: E402
from dlhelpers.hyperparameter_search import search  # noqa: E402
from dlhelpers.labs.real_search import replay  # noqa: E402
from dlhelpers.search_spaces import random_settings  # noqa: E402
from tools.make_runs import groups, train_group  # noqa: E402


def seconds(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def trials(n: int) -> None:
    """Search in the kernel and on two processes that were started before."""
    settings = random_settings(SPACE, n, np.random.default_rng(0))
    here = seconds(lambda: list(search(dev_error, settings)))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(search(dev_error, settings[:4], executor=pool))
        there = seconds(lambda: list(search(dev_error, settings, executor=pool)))
    print(f"{n} trials: {here:.1f} s in the kernel, {there:.1f} s on two processes: {here / there:.2f} times")


def replays() -> None:
    """Replay a thousand searches by each strategy, each from a seed of its own."""
    run_table()
    plan = next(iter(replay.PLANS))
    for name in replay.STRATEGIES:
        middle = statistics.median(seconds(partial(replay.replay, name, plan, seed)) for seed in range(9))
        print(
            f"{name}: {replay.SEARCHES / middle:,.0f} searches a second, {1e3 * middle:.0f} ms for a thousand"
        )


def record() -> None:
    """Train the table's first seed."""
    used = time.process_time()
    for fixed, rows in groups():
        train_group(fixed, rows, 0)
    used = time.process_time() - used
    print(f"recorded runs: {used:.0f} s of one core for a seed, {SEEDS * used:.0f} s for all {SEEDS}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=40, help="trials of the search")
    parser.add_argument("--record", action="store_true", help="train a seed of the table, too")
    arguments = parser.parse_args()
    trials(arguments.trials)
    replays()
    if arguments.record:
        record()


if __name__ == "__main__":
    main()

"""Train the recorded runs of dlhelpers/digit_runs.py and write data/digit_runs.npz.

    python tools/make_runs.py            train all, write the file, record its sha256 (minutes on one core)
    python tools/make_runs.py --check    train a sample again and say how far its errors are from the file's

Another processor rounds otherwise, and training makes more of that: single counts then differ a little.  So
the file is recorded once, and the check compares medians.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np

from dlhelpers.digit_runs import DEV_SIZES, EPOCHS, LEVELS, SEEDS, _train, digit_parts, run_table
from dlhelpers.live.pace import one_blas_thread
from dlhelpers.metrics import predicted_classes
from dlhelpers.typing import IntArray
from tools.make_data import RECORDS, ROOT, record_hash, sha256

TOGETHER = ("learning_rate", "beta", "decay")
"""Networks that differ in these only are trained as a population."""
FIXED = tuple(name for name in LEVELS if name not in TOGETHER)


def groups() -> Iterator[tuple[dict[str, int], IntArray]]:
    """Yield what a population has in common, and the numbers of its settings."""
    settings = list(product(*LEVELS.values()))
    at = [list(LEVELS).index(name) for name in FIXED]
    for values in product(*(LEVELS[name] for name in FIXED)):
        rows = [k for k, each in enumerate(settings) if tuple(each[i] for i in at) == values]
        yield dict(zip(FIXED, values, strict=True)), np.array(rows)


def train_group(fixed: dict[str, int], rows: IntArray, seed: int) -> tuple[IntArray, IntArray]:
    """Return how many are wrong, (2, K, epochs), and at the end in the first examples, (2, K, 4)."""
    settings = list(product(*LEVELS.values()))
    chosen = [dict(zip(LEVELS, settings[k], strict=True)) for k in rows]
    columns = {name: np.array([[each[name]] for each in chosen], dtype=np.float32) for name in TOGETHER}
    data, epochs = digit_parts(seed), []
    parts = [(X.astype(np.float32), y) for X, y in ((data.X_dev, data.y_dev), (data.X_test, data.y_test))]
    for network, theta in _train({**fixed, **columns}, seed):
        wrong = [predicted_classes(network.predict(theta, X)) != y for X, y in parts]
        epochs.append([each.sum(axis=-1) for each in wrong])
    first = [[each[:, :size].sum(axis=-1) for size in DEV_SIZES] for each in wrong]
    assert len(epochs) == EPOCHS, "all networks of a population have diverged"
    return np.moveaxis(np.array(epochs), 0, -1), np.moveaxis(np.array(first), 1, -1)


def record() -> bytes:
    """Train everything and return the content of the file."""
    n, started = len(list(product(*LEVELS.values()))), time.perf_counter()
    wrong = np.zeros((2, SEEDS, n, EPOCHS), dtype=np.uint16)
    last_wrong = np.zeros((2, SEEDS, n, len(DEV_SIZES)), dtype=np.uint16)
    for seed in range(SEEDS):
        for fixed, rows in groups():
            wrong[:, seed, rows], last_wrong[:, seed, rows] = train_group(fixed, rows, seed)
        print(f"seed {seed} is done after {time.perf_counter() - started:.0f} s", flush=True)
    file = BytesIO()
    np.savez_compressed(file, wrong=wrong, last_wrong=last_wrong)
    return file.getvalue()


def check() -> None:
    """Train the settings of one population again, and compare."""
    fixed, rows = next(groups())
    again, _ = train_group(fixed, rows, 0)
    sizes = np.array([len(digit_parts(0).y_dev), len(digit_parts(0).y_test)])[:, np.newaxis]
    apart = np.abs(again[..., -1] / sizes - run_table().errors[:, 0, rows, -1])
    print(f"{fixed}: the last errors are {np.median(apart):.2%} apart (median), {apart.max():.2%} at most")


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="train a sample again and compare")
    with one_blas_thread():
        if parser.parse_args(arguments).check:
            check()
            return 0
        content = record()
    (root / "data" / "digit_runs.npz").write_bytes(content)
    for name in RECORDS:
        record_hash(root, name, "digit_runs.npz", sha256(content).hexdigest())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What tests, doctests and runs of notebooks share: one thread each, and the progress of no reader."""

import os
import shutil
import tempfile

# Two tests at a time on two cores, each with two threads for its small matrix products, wait for each other:
# one cell took nine times as long.  Labs work on one thread, too.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_configure() -> None:
    """Remember what tests solve and answer in a folder of their own."""
    os.environ["DLHELPERS_DATA"] = tempfile.mkdtemp(prefix="progress-")


def pytest_unconfigure() -> None:
    """Remove that folder."""
    shutil.rmtree(os.environ.pop("DLHELPERS_DATA"), ignore_errors=True)

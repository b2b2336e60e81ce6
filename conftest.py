"""What tests, doctests and runs of notebooks share: none of them touches the progress of a reader."""

import os
import shutil
import tempfile


def pytest_configure() -> None:
    """Remember what tests solve and answer in a folder of their own."""
    os.environ["DLHELPERS_DATA"] = tempfile.mkdtemp(prefix="progress-")


def pytest_unconfigure() -> None:
    """Remove that folder."""
    shutil.rmtree(os.environ.pop("DLHELPERS_DATA"), ignore_errors=True)

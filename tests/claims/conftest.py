"""Claims are tried as a lab works: matrix products on one thread."""

from collections.abc import Iterator

import pytest

from dlhelpers.live.pace import one_blas_thread


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep matrix products on one thread: a second one only waits for the other worker."""
    with one_blas_thread():
        yield

"""The browser suite: a real JupyterLab and Chromium, or a reason why not.

Each worker of pytest-xdist has a server and a browser of its own.  The tests of one notebook stay
together, so that it is opened and run once.
"""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tools.browser import (
    Chromium,
    Jupyter,
    LabPage,
    LabView,
    Missing,
    check_browser,
    lab_makers,
    write_notebook,
)


def notebook_of(item: pytest.Item) -> str:
    """Return the name of the notebook that a test opens, "" if it makes its own."""
    notebook = getattr(item, "callspec", None) and item.callspec.params.get("notebook")
    return notebook.stem if notebook else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=notebook_of, reverse=True)  # it is stable: the tests of one notebook stand together


class ByNotebook(LoadScopeScheduling):
    """Gives the tests of one notebook to one worker, which opens it once."""

    def _split_scope(self, nodeid: str) -> str:
        notebook = re.search(r"\[(\d\d[a-z]?_[a-z_]+)", nodeid)
        return notebook[1] if notebook else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByNotebook:
    return ByNotebook(config, log)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    try:
        check_browser()
    except Missing as missing:
        if os.environ.get("BROWSER_REQUIRED") == "1":
            pytest.fail(f"BROWSER_REQUIRED=1, but {missing}")
        pytest.skip(f"the browser suite needs a browser: {missing}")
    with Chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def jupyter(chromium: Chromium) -> Iterator[Jupyter]:
    with Jupyter() as server:
        yield server


@pytest.fixture(scope="session")
def open_notebook(chromium: Chromium, jupyter: Jupyter) -> Iterator[Callable[[Path], LabPage]]:
    """Open a notebook, run all of it and uncover its labs, once for all its tests; close the one before."""
    pages: dict[Path, LabPage] = {}

    def close() -> None:
        for path in list(pages):
            pages.pop(path).close()

    def open_once(notebook: Path) -> LabPage:
        if notebook not in pages:
            close()
            pages[notebook] = LabPage(chromium, jupyter, notebook)
            pages[notebook].run_all()
            pages[notebook].uncover()
        pages[notebook].page.bring_to_front()  # a page behind another one draws once a second
        return pages[notebook]

    yield open_once
    close()


@pytest.fixture
def run_cells(
    chromium: Chromium, jupyter: Jupyter, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., LabPage]]:
    """Open a new notebook with these cells and run them; whatever went wrong fails the test at its end."""
    pages: list[LabPage] = []

    def run(*sources: str) -> LabPage:
        path = tmp_path / f"{request.node.name.split('[')[0]}_{len(pages)}.ipynb"
        write_notebook(path, *sources)
        pages.append(LabPage(chromium, jupyter, path))
        pages[-1].run_all()
        return pages[-1]

    yield run
    complaints = [complaint for page in pages for complaint in page.complaints()]
    for page in pages:
        page.close()
    assert not complaints


class Twins:
    """The same labs in this process, without a page and without an event loop: what a caption must say.

    They work on a thread of their own, since Playwright keeps an event loop on the main one.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._labs: dict[str, Any] = {}
        self._captions: dict[str, str] = {}

    def lab(self, module: str, function: str) -> Any:
        """Return the lab that this function makes."""
        if function not in self._labs:
            self._labs[function] = self._thread.submit(lab_makers(module)[function]).result()
        return self._labs[function]

    def caption(self, lab: Any, values: dict[str, Any]) -> str:
        """Return what the caption says when the controls are there."""
        key = f"{lab.name}: {sorted(values.items())}"
        if key not in self._captions:
            self._thread.submit(lab.set, **values).result()
            self._captions[key] = lab.caption
        return self._captions[key]

    def program(self, lab: Any, values: dict[str, Any]) -> str:
        """Return what Show code shows when the controls are there."""
        self._thread.submit(lab.set, **values).result()
        return str(lab.code())

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()


@pytest.fixture(scope="session")
def twins() -> Iterator[Twins]:
    twins = Twins()
    yield twins
    twins.close()


@pytest.fixture
def view(
    open_notebook: Callable[[Path], LabPage], twins: Twins, notebook: Path, module: str, function: str
) -> Iterator[LabView]:
    """Return the lab that this function makes, in its notebook; nothing may have gone wrong at the end."""
    page = open_notebook(notebook)
    lab = page.lab(twins.lab(module, function).name)
    lab.press_and_settle("Reset")
    yield lab
    assert not page.complaints()

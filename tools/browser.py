"""A real JupyterLab in a headless Chromium: what the browser suite and the benchmark drive.

    with Jupyter() as jupyter, Chromium() as chromium:
        page = LabPage(chromium, jupyter, notebook)
        page.run_all()
        lab = page.lab("Bias and variance add up")
        lab.control("Noise σ").press()
        lab.settle()

`LabPage` is a notebook in JupyterLab, `LabView` a lab in it, `Control` one of the lab's controls, and
`Kernel` the process behind.  Nothing here knows a particular lab.  Nothing is left behind: the server
runs on folders of its own, works on copies of the notebooks, and is ended with its kernels.
"""

import ast
import base64
import importlib
import inspect
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from unittest import mock

import nbformat
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "course"
VIEWPORT = {"width": 1400, "height": 1200}
NOT_MINE = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
QUIET = ("--disable-background-networking", "--disable-component-update")
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
ERROR, STDERR = "application/vnd.jupyter.error", "application/vnd.jupyter.stderr"
SECOND = 1000
"""Playwright counts in milliseconds."""

# In the page: when the hand moved; when a new picture was on the screen after that; when a caption came,
# and whether a picture came with it.
WATCH = """
window.dlh = {inputs: [], frames: [], captions: []};
for (const kind of ["keydown", "pointermove"])
  addEventListener(kind, event => dlh.inputs.push(event.timeStamp), true);
new MutationObserver(changes => {
  for (const {target, attributeName} of changes) {
    const cell = target.closest?.(".jp-Cell");
    if (!cell) continue;
    if (attributeName === "data-frame")
      requestAnimationFrame(() =>
        dlh.frames.push({cell, at: performance.now(), name: target.getAttribute("aria-label")}));
    const text = target.closest(".dlh-caption");
    if (text) dlh.captions.push({cell, at: performance.now(), text: text.textContent});
  }
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["data-frame"]});
"""

# In the kernel: the state of the newest lab of that name among the outputs.
PROBE = """
def dlh_lab(name):
    shown = get_ipython().user_ns["Out"].values()
    labs = [getattr(out, "lab", out) for out in shown]  # some stand behind a question
    labs = [lab for lab in labs if getattr(lab, "name", None) == name]
    if not labs:
        raise LookupError(f"no cell has the lab {name!r} as its output")
    return labs[-1]

async def dlh_state(name):
    import hashlib
    lab = dlh_lab(name)
    await lab.settled()
    return dict(
        values={control.description: lab.values[key] for key, control in lab.controls.items()},
        names={control.description: key for key, control in lab.controls.items()},
        caption=lab.caption,
        picture=hashlib.sha256(lab.png()).hexdigest(),
        sent=lab._picture.pace.sent,
        frames=lab.frames,
        error=repr(lab.error) if lab.error else "",
    )
"""


FRAMES = "e => dlh.frames.filter(f => f.cell === e.closest('.jp-Cell')).map(f => f.at)"


class Missing(RuntimeError):
    """Something that the browser needs is not on this machine."""


class DidNotCome(AssertionError):
    """What was waited for did not come in time."""


def chromium_path() -> str:
    """Return the browser to use: $CHROMIUM, or the first one on the path."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    for path in filter(None, map(shutil.which, filter(None, names))):
        return path
    raise Missing("no Chromium on the path (on Debian: apt-get install chromium)")


def check_browser() -> None:
    """Raise `Missing`, and say what is missing, if the browser suite cannot run here."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        raise Missing("the Python package playwright is not installed") from None
    chromium_path()


def wait_until(is_so: Callable[[], bool], what: str, seconds: float, between: float = 0.05) -> None:
    """Ask again and again; raise `DidNotCome` after that many seconds."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise DidNotCome(f"after {seconds:g} s still waiting for: {what}")
        time.sleep(between)


class Jupyter:
    """A JupyterLab server of its own, as a context manager."""

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="browser-"))
        self.notebooks = self.folder / "notebooks"
        self.runtime = self.folder / "runtime"
        for folder in (self.notebooks, self.runtime, self.folder / "settings"):
            folder.mkdir()
        shutil.copy(ROOT / "tools" / "overrides.json", self.folder / "settings")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._log = self.folder / "server.log"
        with self._log.open("w") as log:
            self._server = subprocess.Popen(
                self._command(port), env=self._environment(), stdout=subprocess.DEVNULL, stderr=log
            )
        try:
            wait_until(self._answers, "the JupyterLab server", 60)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            for session in self.request("sessions") or []:
                self.request(f"sessions/{session['id']}", "DELETE")
        except OSError:
            pass  # it has ended already
        self._server.send_signal(signal.SIGTERM)
        try:
            self._server.wait(15)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def request(self, path: str, method: str = "GET") -> Any:
        """Call the server's REST API."""
        request = urllib.request.Request(f"{self.url}/api/{path}?token={TOKEN}", method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def _answers(self) -> bool:
        if self._server.poll() is not None:
            raise RuntimeError("JupyterLab ended at its start:\n" + self._log.read_text()[-3000:])
        try:
            self.request("status")
        except OSError:
            return False
        return True

    def _command(self, port: int) -> list[str]:
        options = (
            "--allow-root",
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={self.notebooks}",
            f"--LabApp.app_settings_dir={self.folder / 'settings'}",
        )
        return [sys.executable, "-m", "jupyterlab", *options]

    def _environment(self) -> dict[str, str]:
        own = {
            "HOME": "home",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "IPYTHONDIR": "ipython",
            "MPLCONFIGDIR": "matplotlib",
            "DLHELPERS_DATA": "progress",
        }
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        # The kernel "python3" must be this Python's, whatever the machine has besides.
        return {
            **os.environ,
            **{name: str(self.folder / folder) for name, folder in own.items()},
            "PYTHONPATH": path,
            "JUPYTER_PREFER_ENV_PATH": "1",
        }


class Chromium:
    """A headless browser with a profile of its own, as a context manager."""

    def __enter__(self) -> Self:
        check_browser()
        from playwright.sync_api import sync_playwright

        self._profile = tempfile.mkdtemp(prefix="chromium-")
        self._playwright = sync_playwright().start()
        self.context = self._playwright.chromium.launch_persistent_context(
            self._profile,
            executable_path=chromium_path(),
            headless=True,
            viewport=VIEWPORT,
            args=[*NOT_MINE, *QUIET],
        )
        self.context.add_init_script(WATCH)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.context.close()
        self._playwright.stop()
        shutil.rmtree(self._profile, ignore_errors=True)


class Kernel:
    """The kernel of a notebook, asked directly, past the page."""

    def __init__(self, jupyter: Jupyter, notebook: str) -> None:
        from jupyter_client.blocking.client import BlockingKernelClient

        sessions = [session for session in jupyter.request("sessions") if session["path"] == notebook]
        if not sessions:
            raise DidNotCome(f"the server has no kernel for {notebook}")
        self.id: str = sessions[0]["kernel"]["id"]
        self._client = BlockingKernelClient(connection_file=str(jupyter.runtime / f"kernel-{self.id}.json"))
        self._client.load_connection_file()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        self.run(PROBE)

    def run(self, code: str, seconds: float = 120) -> None:
        """Execute code there."""
        self._execute(code, {}, seconds)

    def ask(self, expression: str, setup: str = "", seconds: float = 120) -> Any:
        """Execute `setup`, which may await, and return the value of an expression that JSON can hold."""
        answers = self._execute(setup, {"answer": f"__import__('json').dumps({expression})"}, seconds)
        answer = answers["answer"]
        if answer["status"] != "ok":
            raise RuntimeError(f"{expression}: {answer['ename']}: {answer['evalue']}")
        return json.loads(ast.literal_eval(answer["data"]["text/plain"]))

    def _execute(self, code: str, expressions: dict[str, str], seconds: float) -> dict[str, Any]:
        reply: dict[str, Any] = self._client.execute(  # type: ignore[assignment]
            code, store_history=False, user_expressions=expressions, reply=True, timeout=seconds
        )
        content = reply["content"]
        if content["status"] != "ok":
            raise RuntimeError(f"in the kernel: {content.get('ename')}: {content.get('evalue')}\n{code}")
        answers: dict[str, Any] = content["user_expressions"]
        return answers

    def close(self) -> None:
        """Hang up; the kernel lives on."""
        self._client.stop_channels()


class LabPage:
    """A notebook that is open in JupyterLab.

    Parameters
    ----------
    chromium, jupyter
    notebook : Path
        A copy of it is opened, with a fresh kernel and in a fresh workspace.
    """

    def __init__(self, chromium: Chromium, jupyter: Jupyter, notebook: Path) -> None:
        self.jupyter = jupyter
        self.name = notebook.name
        self.file = jupyter.notebooks / notebook.name
        shutil.copy(notebook, self.file)
        self.page = chromium.context.new_page()
        self.page_errors: list[str] = []
        self.console_errors: list[str] = []
        self.page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        self.page.on("console", self._listen)
        address = f"{jupyter.url}/lab/workspaces/w{time.time_ns()}/tree/{self.name}?token={TOKEN}"
        self.page.goto(address, wait_until="domcontentloaded")
        self._wait_for_idle()

    @cached_property
    def kernel(self) -> Kernel:
        """The kernel of this notebook."""
        return Kernel(self.jupyter, self.name)

    def _listen(self, message: Any) -> None:
        if message.type == "error":
            self.console_errors.append(message.text)

    def _wait_for_idle(self) -> None:
        self.page.wait_for_selector(f"{PANEL} .jp-CodeCell", timeout=60 * SECOND)
        self.wait_for(
            "() => /\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.innerText || '')",
            "an idle kernel in the status bar",
            seconds=60,
        )

    def wait_for(self, condition: str, what: str, arg: Any = None, seconds: float = 20) -> None:
        """Wait until a JavaScript function returns true; say what did not come."""
        from playwright.sync_api import TimeoutError

        try:
            self.page.wait_for_function(condition, arg=arg, timeout=seconds * SECOND)
        except TimeoutError:
            raise DidNotCome(f"{self.name}: after {seconds:g} s still waiting for: {what}") from None

    # ------------------------------------------------------------------------------------------ cells
    def run_all(self, seconds: float = 300) -> None:
        """Choose Run All Cells from the menu, and wait until every code cell has run or one failed."""
        cells = json.loads(self.file.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
        folded = [cell for cell in code if cell["metadata"].get("jupyter", {}).get("source_hidden")]
        expected = len(code) - len(folded)  # a folded cell shows no number
        self.menu("Run", "Run All Cells")
        prompts = f"[...document.querySelectorAll('{PANEL} .jp-InputPrompt')].map(p => p.textContent)"
        self.wait_for(
            f"""expected => {{
                const prompts = {prompts};
                const done = prompts.filter(text => /\\[\\d+\\]/.test(text)).length;
                const failed = document.querySelector('{PANEL} [data-mime-type="{ERROR}"]');
                return !prompts.some(text => text.includes('*')) && (done >= expected || failed);
            }}""",
            f"{expected} cells to be run",
            expected,
            seconds,
        )

    def resize(
        self, width: int = VIEWPORT["width"], height: int = VIEWPORT["height"], ratio: float = 1
    ) -> None:
        """Give the window another size, and another number of screen pixels for each of the page's."""
        size = {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": False}
        self._devtools.send("Emulation.setDeviceMetricsOverride", size)

    def line(self, kilobytes: float | None = None) -> None:
        """Slow the page's line down to so many kilobytes a second, both ways; without a number it is free."""
        most = -1 if kilobytes is None else 1000 * kilobytes
        speed = {"latency": 0, "downloadThroughput": most, "uploadThroughput": most}
        self._devtools.send("Network.enable")
        self._devtools.send("Network.emulateNetworkConditions", {"offline": False, **speed})

    @cached_property
    def _devtools(self) -> Any:
        return self.page.context.new_cdp_session(self.page)

    def theme(self, name: str) -> None:
        """Choose a theme of JupyterLab's, "JupyterLab Dark" for instance."""
        self.menu("Settings", "Theme", name)
        light = "false" if "Dark" in name else "true"
        self.wait_for("light => document.body.dataset.jpThemeLight === light", f"the theme {name}", light)

    def screenshot(self, name: str) -> Path:
        """Save a picture of the window, as large as `resize` made it; return the file."""
        path = screenshot_folder() / f"{slug(Path(self.name).stem)}-{slug(name)}.png"
        # the page's own screenshot would go back to the size that the browser was started with
        picture = self._devtools.send("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(picture["data"]))
        return path

    def menu(self, *path: str) -> None:
        """Choose from the menu bar.  An item that opens another menu has no role of its own there."""
        for name in path:
            label = self.page.get_by_text(name, exact=True)
            self.page.locator(".lm-MenuBar-item, .lm-Menu-item", has=label).click()

    def cell(self, text: str) -> Any:
        """Return the code cell whose source has this text."""
        source = self.page.locator(".jp-InputArea-editor", has_text=text)
        return self.page.locator(f"{PANEL} .jp-CodeCell", has=source).first

    def start_cell(self, cell: Any) -> None:
        """Run one cell, and return when it is running or has run."""
        before = cell.locator(".jp-InputPrompt").text_content()
        cell.locator(".jp-InputPrompt").click()
        self.page.keyboard.press("Control+Enter")
        self.wait_for(
            "([prompt, before]) => prompt.textContent !== before",
            "the cell to start",
            [cell.locator(".jp-InputPrompt").element_handle(), before],
        )

    def is_running(self, cell: Any) -> bool:
        """Return whether the prompt of the cell is a star."""
        return "*" in cell.locator(".jp-InputPrompt").text_content()

    def finish_cell(self, cell: Any, seconds: float = 120) -> None:
        """Wait until a cell has run."""
        self.wait_for(
            "prompt => /\\[\\d+\\]/.test(prompt.textContent)",
            "the end of the cell",
            cell.locator(".jp-InputPrompt").element_handle(),
            seconds,
        )

    def run_cell(self, cell: Any, seconds: float = 120) -> None:
        """Run one cell to its end."""
        self.start_cell(cell)
        self.finish_cell(cell, seconds)

    def interrupt(self) -> None:
        """Press the button that interrupts the kernel."""
        self.page.locator(f'{PANEL} [data-jp-item-name="interrupt"] jp-button').click()

    def save(self) -> None:
        """Save the notebook, and wait until the file has the outputs."""
        before = self.file.stat().st_mtime_ns
        self.page.locator(f"{PANEL} .jp-InputPrompt").first.click()
        self.page.keyboard.press("Control+s")
        wait_until(lambda: self.file.stat().st_mtime_ns > before, "the notebook to be saved", 20)

    def reload(self) -> None:
        """Load the page again; the kernel lives on."""
        self.page.reload(wait_until="domcontentloaded")
        self._wait_for_idle()

    # --------------------------------------------------------------------------------- what went wrong
    def error_outputs(self) -> list[str]:
        """Return the tracebacks among the outputs."""
        return self._outputs(ERROR)

    def stderr_outputs(self) -> list[str]:
        """Return what cells wrote to stderr."""
        return self._outputs(STDERR)

    def _outputs(self, kind: str) -> list[str]:
        texts: list[str] = self.page.locator(f'{PANEL} [data-mime-type="{kind}"]').all_text_contents()
        return texts

    def complaints(self) -> list[str]:
        """Return all that went wrong so far: in outputs, in the page, in the labs."""
        wrong = [f"error output: {text}" for text in self.error_outputs()]
        wrong += [f"stderr: {text}" for text in self.stderr_outputs()]
        wrong += [f"page error: {text}" for text in self.page_errors]
        messages = self.page.locator(f"{PANEL} .dlh-message").all()
        told = [each.inner_text().strip() for each in messages if each.is_visible()]
        return wrong + [f"message: {text}" for text in told if text]

    # ------------------------------------------------------------------------------------------- labs
    def lab_names(self) -> list[str]:
        """Return the headings of the labs in the page."""
        return [text.strip() for text in self.page.locator(f"{PANEL} .dlh-lab h4").all_text_contents()]

    def uncover(self) -> int:
        """Show the labs that stand behind a question; return how many there were."""
        buttons = self.page.locator(f"{PANEL} button", has_text=exactly("Show without answering"))
        covered = [button for button in buttons.all() if button.is_visible()]
        for button in covered:
            button.click()
            button.wait_for(state="hidden")
        return len(covered)

    def labs(self) -> list["LabView"]:
        """Return the labs in the page that no question covers."""
        return [LabView(self, name) for name in self.lab_names()]

    def lab(self, name: str) -> "LabView":
        """Return the lab with this heading, when it shows a picture."""
        lab = LabView(self, name)
        lab.wait_for_picture()
        lab.unfold()
        return lab

    def close(self) -> None:
        """Close the page and end the kernel."""
        if "kernel" in self.__dict__:
            self.kernel.close()
        for session in self.jupyter.request("sessions"):
            if session["path"] == self.name:
                self.jupyter.request(f"sessions/{session['id']}", "DELETE")
        self.page.close(run_before_unload=False)


class Picture(NamedTuple):
    """A picture in the page."""

    frame: int
    """The number of the frame that it shows."""
    name: str
    """Its text alternative."""
    width: int
    height: int


class Size(NamedTuple):
    """How much room a lab takes in the page."""

    width: float
    height: float
    scrolls: bool
    """Whether there is a horizontal scroll bar."""


class State(NamedTuple):
    """A lab in its kernel, settled; `values` and `names` are keyed by the labels of the controls."""

    values: dict[str, Any]
    names: dict[str, str]
    caption: str
    picture: str
    sent: int
    """Number of the newest frame."""
    frames: int
    error: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The values, keyed by the names of the arguments."""
        return {self.names[label]: value for label, value in self.values.items()}


class LabView:
    """A lab in the page, found by its heading."""

    def __init__(self, page: LabPage, name: str) -> None:
        self.notebook, self.page, self.name = page, page.page, name
        heading = self.page.locator("h4", has_text=exactly(name))
        self.root = self.page.locator(f"{PANEL} .dlh-lab", has=heading)
        self._image = self.root.locator("canvas.dlh-canvas")

    def __repr__(self) -> str:
        return f"lab {self.name!r} of {self.notebook.name}"

    # ------------------------------------------------------------------------------ what is to be seen
    def caption(self) -> str:
        """Return the text under the picture."""
        finding: str = self.root.locator(".dlh-finding").text_content()
        text: str = self.root.locator(".dlh-caption .widget-html-content").text_content()
        return " ".join(f"{finding} {text}".split())

    def message(self) -> str:
        """Return the error message, empty while none is shown."""
        message = self.root.locator(".dlh-message")
        return message.inner_text().strip() if message.is_visible() else ""

    def unfold(self) -> None:
        """Show the controls that are folded away."""
        self._press_all(".dlh-fold:not(.mod-active)")

    def fold(self) -> None:
        """Hide them again."""
        self._press_all(".dlh-fold.mod-active")

    def _press_all(self, kind: str) -> None:
        buttons = self.root.locator(kind)
        while buttons.count():  # one that is pressed is of the other kind
            buttons.first.click()

    def size_at(self, width: int, height: int) -> "Size":
        """Return the size of the lab, folded, in a window of this size; afterwards all is as before."""
        self.notebook.resize(width, height)
        self.fold()
        self.wait_for_width(0.67 * width)
        box = self._box_at_rest()
        scrolls = self.root.evaluate(
            "e => { const o = e.closest('.jp-OutputArea-output'); return o.scrollWidth > o.clientWidth; }"
        )
        self.wait_for_pixels(self.notebook.page.evaluate("devicePixelRatio"))
        self.root.scroll_into_view_if_needed()
        self.notebook.screenshot(f"{self.name} one-screen")  # of the window: it keeps this size
        self.notebook.resize()
        self.unfold()
        return Size(box["width"], box["height"], scrolls)

    def _box_at_rest(self) -> Any:
        """Return the place of the lab in the page, once the kernel has answered and nothing moves."""
        self.state()  # the kernel folds, too: its answer comes after that
        box = None
        while box != (box := self.root.bounding_box()):
            self.notebook.page.wait_for_timeout(200)
        return box

    def wait_for_pixels(self, ratio: float, seconds: float = 20) -> None:
        """Wait until the canvas holds so many times as many pixels, along each side, as it is wide."""
        self._wait(
            "i.clientWidth > 0 && Math.abs(i.width - arg * i.clientWidth) <= 2 * arg",
            f"{ratio} pixels for each of the page",
            ratio,
            seconds,
        )

    def wait_for_width(self, most: float, seconds: float = 10) -> None:
        """Wait until the picture has been drawn for a window that leaves it at most so many pixels."""
        self._wait("i.clientWidth <= arg && i.clientWidth > 0", f"a width below {most}", most, seconds)

    def drag_in_picture(self, start: tuple[float, float], end: tuple[float, float], moves: int = 10) -> None:
        """Take hold of the picture and drag; both places are shares of its width and height, from below."""
        (x, y), (to_x, to_y) = start, end
        with self.holding(start) as to:
            for k in range(1, moves + 1):
                to(x + (to_x - x) * k / moves, y + (to_y - y) * k / moves)
                time.sleep(0.02)  # the pace of a hand

    @contextmanager
    def holding(self, start: tuple[float, float]) -> Iterator[Callable[[float, float], None]]:
        """Hold the mouse down there in the picture; the function that is given moves it elsewhere."""
        self.root.scroll_into_view_if_needed()
        box = self._image.bounding_box()

        def to(x: float, y: float) -> None:
            self.page.mouse.move(box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"])

        to(*start)
        self.page.mouse.down()
        yield to
        self.page.mouse.up()

    def difference_to_kernel(self) -> int:
        """Return the largest difference, of 255, between a pixel in the page and what the kernel drew."""
        drawn = self.notebook.kernel.ask(
            f"__import__('base64').b64encode(dlh_lab({self.name!r}).png()).decode()"
        )
        page, kernel = (
            np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
            for png in (self.pixels(), base64.b64decode(drawn))
        )
        return int(np.abs(page - kernel).max()) if page.shape == kernel.shape else 255

    def picture(self) -> Picture:
        """Return what is known of the picture in the page."""
        return Picture(
            *self._image.evaluate(
                "c => [Number(c.dataset.frame ?? 0), c.getAttribute('aria-label'), c.width, c.height]"
            )
        )

    def pixels(self) -> bytes:
        """Return the picture in the page, as the bytes of a PNG file."""
        address: str = self._image.evaluate("c => c.toDataURL('image/png')")
        return base64.b64decode(address.partition(",")[2])

    def wait_for_picture(self, seconds: float = 30) -> None:
        """Wait until there is a picture."""
        self.root.first.wait_for(state="attached", timeout=seconds * SECOND)
        self.root.scroll_into_view_if_needed()
        self._wait("i.dataset.frame", "a picture", None, seconds)

    def wait_for_new_picture(self, old: Picture, seconds: float = 20) -> None:
        """Wait until another picture than `old` is there."""
        self._wait("Number(i.dataset.frame) > arg", "a new picture", old.frame, seconds)

    def wait_for_caption(self, text: str, seconds: float = 20) -> None:
        """Wait until the caption, with spaces evened out, holds this text."""
        words = (
            "['.dlh-finding', '.dlh-caption'].map(n => i.closest('.dlh-lab').querySelector(n).textContent)"
        )
        join = ".join(' ').replace(/\\s+/g, ' ').includes(arg)"
        self._wait(words + join, f"{text!r} in the caption", text, seconds)

    def _wait(self, condition: str, what: str, arg: Any, seconds: float) -> None:
        image = self._image.element_handle()
        self.notebook.wait_for(
            f"([i, arg]) => {condition}", f"{what} of the lab {self.name!r}", [image, arg], seconds
        )

    def settle(self, seconds: float = 60) -> State:
        """Wait until kernel and page agree on controls, picture and caption; return the kernel's state."""

        def kernel_has_the_values() -> bool:
            return not self.differing(self.state(seconds).values)

        wait_until(kernel_has_the_values, f"the kernel to hear of the controls of {self!r}", seconds)
        state = self.state(seconds)
        self._wait(
            "i.getAttribute('aria-label') === arg", f"the text {state.caption!r}", state.caption, seconds
        )
        self.wait_for_caption(state.caption, seconds)
        wait_until(lambda: self.picture().frame == state.sent, f"the newest picture of {self!r}", seconds)
        return state

    def state(self, seconds: float = 60) -> State:
        """Return the lab's state in the kernel, once nothing is under way there."""
        setup = f"dlh_answer = await dlh_state({self.name!r})"
        return State(**self.notebook.kernel.ask("dlh_answer", setup, seconds))

    def differing(self, values: dict[str, Any]) -> list[str]:
        """Return the labels of controls that show something else than these values."""
        return [control.label for control in self.controls() if not control.shows(values[control.label])]

    # ------------------------------------------------------------------------------------ when it came
    def forget(self) -> None:
        """Forget the inputs, frames and captions that the page has noted so far."""
        self.page.evaluate("for (const list of Object.values(dlh)) list.length = 0")

    def frame_times(self) -> list[float]:
        """Return when pictures of this cell reached the screen, in ms."""
        times: list[float] = self.root.evaluate(FRAMES)
        return times

    def input_times(self) -> list[float]:
        """Return when keys were pressed and the mouse moved, in ms."""
        times: list[float] = self.page.evaluate("dlh.inputs")
        return times

    def wait_for_frame(self, seconds: float = 5) -> None:
        """Wait until a picture has reached the screen since `forget`."""
        self._wait(f"({FRAMES})(i).length > 0", "a frame on the screen", None, seconds)

    def shown_at(self, text: str) -> float:
        """Return when caption and picture first belonged to this text, in ms."""
        came: list[float] = self.root.evaluate(
            """(root, text) => [["captions", "text"], ["frames", "name"]].map(([list, part]) => Math.min(
                ...dlh[list].filter(one => one.cell === root.closest(".jp-Cell")
                    && one[part].replace(/\\s+/g, " ").includes(text)).map(one => one.at), 1e9))""",
            text,
        )
        return max(came)

    # -------------------------------------------------------------------------------- what can be moved
    def controls(self) -> list["Control"]:
        """Return all controls, the seed too, in the order of the page."""
        found = self.root.evaluate("""root => {
            const kinds = {"widget-hslider": "slider", "widget-dropdown": "menu", "widget-checkbox": "switch",
                           "widget-text": "number"};
            const controls = [];
            for (const element of root.querySelectorAll(Object.keys(kinds).map(name => "." + name).join()))
              for (const [name, kind] of Object.entries(kinds))
                if (element.classList.contains(name)) {
                  const part = kind === "switch" ? ".widget-label-basic" : ".widget-label";
                  controls.push([kind, element.querySelector(part).textContent.trim()]);
                }
            return controls;
        }""")
        return [Control(self, kind, label) for kind, label in found]

    def control(self, label: str) -> "Control":
        """Return the control with this label."""
        for control in self.controls():
            if control.label == label:
                return control
        raise LookupError(f"{self!r} has no control {label!r}; it has {[c.label for c in self.controls()]}")

    def buttons(self) -> list[str]:
        """Return the texts of the buttons above the controls."""
        buttons = self.root.locator("button.widget-button, button.widget-toggle-button")
        return [button.inner_text().strip() for button in buttons.all() if button.is_visible()]

    def press_button(self, text: str) -> None:
        """Click a button."""
        self.root.locator("button", has_text=exactly(text)).click()

    def press_and_settle(self, text: str) -> State:
        """Click a button that brings a new picture; return the state when its work is done."""
        frames = f"dlh_lab({self.name!r}).frames"
        before = self.notebook.kernel.ask(frames)
        self.press_button(text)
        wait_until(lambda: self.notebook.kernel.ask(frames) > before, f"a picture after {text}", 20)
        return self.settle()

    def code(self) -> str:
        """Return the program under the lab, empty while it is hidden."""
        code = self.root.locator(".dlh-code pre")
        return code.inner_text() if code.is_visible() else ""

    def screenshot(self, name: str) -> Path:
        """Save a picture of the whole lab; return the file."""
        stem = Path(self.notebook.name).stem
        path = screenshot_folder() / f"{slug(stem)}-{slug(self.name)}-{slug(name)}.png"
        self.root.scroll_into_view_if_needed()
        self.root.screenshot(path=path)
        return path


def write_notebook(path: Path, *sources: str) -> None:
    """Write a notebook with these code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


# ----------------------------------------------------------------------------- the labs and their parts


def lab_makers(module: str) -> dict[str, Callable[[], Any]]:
    """Return the functions of `dlhelpers.labs.<module>` that make labs, by name."""
    loaded = importlib.import_module(f"dlhelpers.labs.{module}")
    own = (make for make in vars(loaded).values() if getattr(make, "__module__", "") == loaded.__name__)
    return {make.__name__: make for make in own if getattr(make, "__name__", "").endswith("_lab")}


def lab_modules() -> list[str]:
    """Return the modules below `dlhelpers.labs` that make labs, as "topic.lab"."""
    folder = ROOT / "dlhelpers" / "labs"
    modules = [f"{path.parent.name}.{path.stem}" for path in sorted(folder.glob("*/[a-z]*.py"))]
    return [module for module in modules if lab_makers(module)]


def labs_in(notebook: Path) -> list[tuple[str, str]]:
    """Return (module, function) for each lab that the cells of a notebook make."""
    cells = nbformat.read(notebook, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    pairs = [(module, name) for module in lab_modules() for name in lab_makers(module)]
    return [(module, name) for module, name in pairs if re.search(rf"\b{name}\(", code)]


def parts_of(make: Callable[[], Any]) -> dict[str, Any]:
    """Return the arguments that a function gives to `Lab`."""
    from dlhelpers.live.lab import Lab

    def note(*arguments: Any, **named: Any) -> dict[str, Any]:
        bound = inspect.signature(Lab).bind(*arguments, **named)
        bound.apply_defaults()
        return bound.arguments

    with mock.patch.dict(make.__globals__, Lab=note):  # type: ignore[attr-defined]
        parts: dict[str, Any] = make()
    return parts


def tagged_lab(make: Callable[[], Any]) -> Any:
    """Return the same lab with a caption that ends with the values that its picture was computed from."""
    from dlhelpers.live.lab import Lab

    parts = parts_of(make)

    def compute(**values: Any) -> Any:
        outcome = parts["compute"](**values)
        if inspect.isgenerator(outcome):
            return ((share, (values, result)) for share, result in outcome)
        return values, outcome

    class Untagged:
        def __init__(self, view: Any) -> None:
            self.view = view

        def update(self, result: Any, before: Any) -> None:
            self.view.update(result[1], before[1] if before else None)

    return Lab(
        **{
            **parts,
            "compute": compute,
            "views": lambda figure: [Untagged(view) for view in parts["views"](figure)],
            "finding": lambda result: parts["finding"](result[1]),
            "caption": lambda result: f"{parts['caption'](result[1])} {tag(result[0])}",
        }
    )


def tag(values: dict[str, Any]) -> str:
    """Return what `tagged_lab` writes for these values."""
    return "Values: " + json.dumps(values, sort_keys=True)


KINDS = {
    "slider": ".widget-hslider",
    "menu": ".widget-dropdown",
    "switch": ".widget-checkbox",
    "number": ".widget-text",
}


class Control:
    """One control of a lab.

    `kind` is slider, menu, switch or number.
    """

    def __init__(self, lab: LabView, kind: str, label: str) -> None:
        self.lab, self.kind, self.label = lab, kind, label
        self.page = lab.page
        text = ".widget-label-basic" if kind == "switch" else ".widget-label"
        named = self.page.locator(text, has_text=exactly(label))
        self.root = lab.root.locator(KINDS[kind], has=named)
        self._part = self.root.locator(
            {"slider": ".noUi-handle", "menu": "select", "switch": "input", "number": "input"}[kind]
        )

    def __repr__(self) -> str:
        return f"{self.kind} {self.label!r} of the {self.lab!r}"

    @property
    def value(self) -> Any:
        """What the page shows: a number; the text of the option; whether the switch is on."""
        if self.kind == "menu":
            return self._part.evaluate("menu => menu.selectedOptions[0].text.replace(/\\u00a0/g, ' ')")
        return self._part.is_checked() if self.kind == "switch" else float(self._digits())

    def _digits(self) -> str:
        """Return the number as it is written beside a slider or in a field, in Python's spelling."""
        if self.kind == "number":
            return str(self._part.input_value())
        text: str = self.root.locator(".widget-readout").text_content() or ""  # of a cell out of sight, too
        if text == "off":
            return "-0.1"  # a brush that is off stands below its axis
        return text.replace(",", "").replace("\N{MINUS SIGN}", "-")

    def shows(self, value: Any) -> bool:
        """Return whether this is the value that the page shows, to its last digit."""
        if self.kind in ("menu", "switch"):
            return bool(self.value == value)
        digits = self._digits()
        mantissa, _, exponent = digits.partition("e")
        last_digit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
        return abs(float(digits) - value) <= 0.5001 * last_digit

    # ---------------------------------------------------------------------------------- by keyboard
    def focus(self) -> None:
        """Give it the keyboard."""
        self.root.scroll_into_view_if_needed()
        self._part.focus()

    def press(self, back: bool = False) -> None:
        """Move it by one step with the keyboard: onward, or back where it is at its end."""
        self.focus()
        if self.kind == "switch":
            self.page.keyboard.press("Space")
        elif self.kind == "slider":
            self.page.keyboard.press("ArrowLeft" if back or self._at_the_end else "ArrowRight")
        elif self.kind == "menu":  # JupyterLab keeps the arrow keys to itself while the list is closed
            for key in ("Alt+ArrowDown", "ArrowUp" if back or self._at_the_end else "ArrowDown", "Enter"):
                self.page.keyboard.press(key)
        else:
            self.type(self.value + (-1 if back else 1))

    def type(self, number: float) -> None:
        """Type a number into the field."""
        self.focus()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(f"{number:g}")
        self.page.keyboard.press("Enter")

    @property
    def _at_the_end(self) -> bool:
        if self.kind == "menu":
            return bool(self._part.evaluate("menu => menu.selectedIndex === menu.options.length - 1"))
        return self.share > 0.99

    # ------------------------------------------------------------------------------------- by mouse
    @property
    def share(self) -> float:
        """Where the handle of a slider is, from 0 to 1."""
        share: float = self._part.evaluate("""handle => {
            const bar = handle.closest(".noUi-base").getBoundingClientRect();
            const box = handle.getBoundingClientRect();
            return (box.x + box.width / 2 - bar.x) / bar.width;
        }""")
        return share

    def move_by_mouse(self) -> None:
        """Drag the handle elsewhere, click the switch or the arrow of the field, or open the menu.

        The list of an open menu belongs to the operating system and cannot be clicked here: the mouse
        opens it, and the keyboard chooses.
        """
        self.root.scroll_into_view_if_needed()
        if self.kind == "slider":
            self.drag(0.25 if self.share > 0.5 else 0.75, moves=5, seconds=0)
        elif self.kind == "switch":
            self._part.click()
        elif self.kind == "menu":
            key = "ArrowUp" if self._at_the_end else "ArrowDown"
            self._part.click()
            self.page.keyboard.press(key)
            self.page.keyboard.press("Enter")
        else:
            box = self._part.bounding_box()
            self.page.mouse.move(box["x"] + box["width"] - 10, box["y"] + box["height"] / 2)
            self.page.mouse.click(box["x"] + box["width"] - 10, box["y"] + box["height"] / 2 - 5)

    def drag(self, to: float, moves: int = 30, seconds: float = 1.0) -> None:
        """Drag the handle to this share of the slider, in that many even moves, and let go."""
        self.root.scroll_into_view_if_needed()
        handle, bar = self._part.bounding_box(), self.root.locator(".noUi-base").bounding_box()
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        end = bar["x"] + to * bar["width"]
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        started = time.perf_counter()
        for k in range(1, moves + 1):
            due = started + seconds * k / moves
            time.sleep(max(0.0, due - time.perf_counter()))  # the pace of a hand
            self.page.mouse.move(x + (end - x) * k / moves, y)
        self.page.mouse.up()


def exactly(text: str) -> re.Pattern[str]:
    """Return the pattern of an element that holds this text and no other."""
    return re.compile(rf"^\s*{re.escape(text)}\s*$")


def slug(text: str) -> str:
    """Return a text as part of a file name."""
    return re.sub(r"\W+", "-", text).strip("-").lower()


def screenshot_folder() -> Path:
    """Return where pictures are kept: $BROWSER_SCREENSHOTS, or tests/browser/screenshots."""
    folder = Path(os.environ.get("BROWSER_SCREENSHOTS", ROOT / "tests" / "browser" / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder

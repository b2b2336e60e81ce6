"""How fast the labs follow the hand, beside plain `interact`; and how fast the package loads and trains.

    python benchmarks/run.py [--all] [--presses N] [--lab FUNCTION] [module ...]

benchmarks/README.md says what is measured.  The exit code is 1 if a lab misses its goal.
"""

import argparse
import importlib
import inspect
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that it also runs where the package is not installed

from tools.browser import (  # noqa: E402
    FRAMES,
    Chromium,
    Jupyter,
    LabPage,
    Missing,
    exactly,
    lab_makers,
    lab_modules,
    parts_of,
    write_notebook,
)

GOAL_RATIO = 3.0
GOAL_MS = 100.0
BACK_AND_FORTH = 2
"""Key presses one way before the next ones go back."""


# ------------------------------------------------------------------------- the peer, inside the notebook


def interact_peer(module: str, name: str) -> None:
    """Show the same controls and the same figure by `ipywidgets.interact` and the inline backend.

    Everything is taken from the lab itself: its controls, what it computes and its views.  Of a
    computation that reports while it runs, the first report is drawn, as in the lab.
    """
    import ipywidgets
    import matplotlib
    import matplotlib.pyplot as plt

    from dlhelpers.live.controls import seed_box
    from dlhelpers.plots.style import course_style

    parts = parts_of(lab_makers(module)[name])
    controls = dict(parts["controls"])
    if parts["seeded"]:
        controls["seed"] = seed_box()

    def draw(**values: Any) -> None:
        result = parts["compute"](**values)
        if inspect.isgenerator(result):
            _, result = next(result)
        with matplotlib.rc_context(course_style()):
            figure = plt.figure(figsize=parts["size"], layout="constrained")
            for view in parts["views"](figure):
                view.update(result, None)
            figure.suptitle(parts["finding"](result), x=0.01, ha="left", fontsize=13, fontweight="bold")
            for artist in figure.findobj(lambda artist: artist.get_animated()):
                artist.set_animated(False)  # an animated artist is left out of an ordinary picture
            plt.show()

    ipywidgets.interact(draw, **controls)


def forget(module: str) -> None:
    """Empty the caches of the labs, so that neither side profits from the other's work."""
    for thing in vars(importlib.import_module(f"dlhelpers.labs.{module}")).values():
        if hasattr(thing, "cache_clear"):
            thing.cache_clear()


# ------------------------------------------------------------------------------------ slider to pixels


class Times(NamedTuple):
    """Milliseconds from key to pixels, one for each press, and frames in a drag of one second."""

    to_pixels: list[float]
    frames: int

    @property
    def median(self) -> float:
        return statistics.median(self.to_pixels)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.to_pixels, n=20)[-1]


class Side:
    """One cell of the notebook: the lab's, or its peer's."""

    def __init__(self, page: LabPage, text: str) -> None:
        self.page = page
        self.cell = page.cell(text)
        self.cell.scroll_into_view_if_needed()

    def _slider(self, label: str) -> Any:
        named = self.page.page.locator(".widget-label", has_text=exactly(label))
        return self.cell.locator(".widget-slider", has=named)

    def measure(self, label: str, presses: int, settle: Callable[[], object]) -> Times:
        """Press the arrow keys of this slider one by one, then drag it."""
        slider = self._slider(label)
        slider.scroll_into_view_if_needed()
        settle()
        first, then = ("ArrowLeft", "ArrowRight") if self._is_right(slider) else ("ArrowRight", "ArrowLeft")
        times = []
        for k in range(presses + 2):
            slider.locator(".noUi-handle").focus()
            self.forget()
            self.page.page.keyboard.press(then if k // BACK_AND_FORTH % 2 else first)
            self.page.wait_for(f"cell => ({FRAMES})(cell).length > 0", "a frame", self.cell.element_handle())
            times.append(self.cell.evaluate(FRAMES)[0] - self.inputs()[0])
            settle()
        return Times(times[2:], self.drag(slider, settle))  # the first two warm up

    def _is_right(self, slider: Any) -> bool:
        """Return whether the handle stands in the right half."""
        box, handle = (slider.locator(part).bounding_box() for part in (".noUi-base", ".noUi-handle"))
        return bool(handle["x"] + handle["width"] / 2 > box["x"] + box["width"] / 2)

    def drag(self, slider: Any, settle: Callable[[], object]) -> int:
        """Drag in 30 moves within one second; return the frames that came until the last move."""
        box = slider.locator(".noUi-base").bounding_box()
        handle = slider.locator(".noUi-handle").bounding_box()
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        end = box["x"] + box["width"] * (0.15 if self._is_right(slider) else 0.85)
        mouse = self.page.page.mouse
        mouse.move(x, y)
        mouse.down()
        self.forget()
        started = time.perf_counter()
        for k in range(1, 31):
            time.sleep(max(0.0, started + k / 30 - time.perf_counter()))  # the pace of a hand
            mouse.move(x + (end - x) * k / 30, y)
        mouse.up()
        settle()
        last = self.inputs()[-1]
        return sum(at <= last for at in self.cell.evaluate(FRAMES))

    def forget(self) -> None:
        self.page.page.evaluate("for (const list of Object.values(dlh)) list.length = 0")

    def inputs(self) -> list[float]:
        times: list[float] = self.page.page.evaluate("dlh.inputs")
        return times

    def settle_peer(self) -> None:
        """Wait until the kernel is idle and no frame has come for 300 ms: `interact` has no other sign."""
        self.page.kernel.run("")
        quiet = f"cell => performance.now() - Math.max(0, ...({FRAMES})(cell), ...dlh.inputs) > 300"
        self.page.wait_for(quiet, "the end of the peer's frames", self.cell.element_handle(), 60)
        self.page.kernel.run("")


class Row(NamedTuple):
    lab: str
    control: str
    ours: Times
    peer: Times

    @property
    def ratio(self) -> float:
        return self.peer.median / self.ours.median

    @property
    def failure(self) -> str:
        what = f"{self.lab}, {self.control}"
        if self.ratio < GOAL_RATIO:
            return f"{what}: {self.ratio:.1f} times faster than interact; the goal is {GOAL_RATIO:g}"
        if self.ours.median > GOAL_MS:
            return f"{what}: {self.ours.median:.0f} ms to new pixels; the goal is {GOAL_MS:g}"
        return ""

    def __str__(self) -> str:
        ours, peer = self.ours, self.peer
        return (
            f"{self.lab[:34]:34} {self.control[:24]:24} {ours.median:5.0f} {ours.p95:5.0f}   "
            f"{peer.median:5.0f} {peer.p95:5.0f}   {self.ratio:4.1f}x   {ours.frames:2d} / {peer.frames:2d}"
        )


HEADER = f"""\
From a key on a slider to new pixels, in ms; frames in a drag of one second
{"":34} {"":24}    ours       interact
{"lab":34} {"control":24} median p95   median p95   ratio   frames"""


def cells(module: str, names: list[str]) -> list[str]:
    """Return one cell for each lab and one for its peer."""
    imports = (
        "%matplotlib inline\nimport sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        f"from benchmarks.run import forget, interact_peer\n"
        f"from dlhelpers.labs.{module} import {', '.join(names)}"
    )
    sources = [imports]
    for name in names:
        sources += [f"{name}()", f"interact_peer({module!r}, {name!r})"]
    return sources


def measure_labs(module: str, names: list[str], every_slider: bool, presses: int) -> tuple[list[Row], float]:
    """Measure the first slider or all sliders of these labs, beside their peers.

    Return the rows of the table, and the kernel's memory at the end in MB.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder, Jupyter() as jupyter, Chromium() as chromium:
        notebook = Path(folder) / f"bench_{module.replace('.', '_')}.ipynb"
        write_notebook(notebook, *cells(module, names))
        page = LabPage(chromium, jupyter, notebook)
        page.run_all()
        print(HEADER, flush=True)
        for name in names:
            parts = parts_of(lab_makers(module)[name])
            lab = page.lab(parts["name"])
            lab.settle()
            sliders = [control.label for control in lab.controls() if control.kind == "slider"]
            for label in sliders if every_slider else sliders[:1]:
                lab.press_button("Reset")
                page.kernel.run(f"forget({module!r})")
                ours = Side(page, f"{name}()").measure(label, presses, lab.settle)
                page.kernel.run(f"forget({module!r})")
                side = Side(page, f"interact_peer({module!r}, {name!r})")
                peer = side.measure(label, presses, side.settle_peer)
                rows.append(Row(lab.name, label, ours, peer))
                print(rows[-1], flush=True)
        memory = page.kernel.ask("__import__('psutil').Process().memory_info().rss / 2**20")
        page.close()
    return rows, memory


# ------------------------------------------------------------------------------ the package by itself


def best_of(times: int, work: Callable[[], object]) -> float:
    """Return the shortest of several runs, in seconds."""

    def once() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return min(once() for _ in range(times))


def import_time(module: str) -> float:
    """Return the seconds that a new Python needs to import it, the start of Python included."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import numpy, {module}"]
    return best_of(7, lambda: subprocess.run(command, check=True))


def population_speed(sizes: tuple[int, ...], X: Any, Y: Any, k: int, steps: int) -> tuple[float, float]:
    """Return microseconds for one step of one network: alone, and in a population of k."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from dlhelpers.minibatches import minibatches
    from dlhelpers.network import Network
    from dlhelpers.optimizers import Adam
    from dlhelpers.training import descend

    def train(population: int | None) -> None:
        rng = np.random.default_rng(0)
        network = Network(sizes)
        theta = network.initialize(rng, population=population)
        run = descend(network, theta, minibatches(X, Y, 64, rng), Adam(), 0.01)
        for _ in islice(run, steps):
            pass

    with threadpool_limits(1, user_api="blas"):
        train(None)
        train(k)
        alone, together = best_of(3, lambda: train(None)), best_of(3, lambda: train(k))
    return 1e6 * alone / steps, 1e6 * together / steps / k


def report_package() -> None:
    """Print how long the import takes and how fast populations train."""
    import numpy as np

    from dlhelpers.datasets import digits, moons, one_hot

    numpy_alone = import_time("numpy")
    print(f"\nImport beyond NumPy's {1000 * numpy_alone:.0f} ms (both with the start of Python), in ms")
    for module in ("dlhelpers", "dlhelpers.bias_variance", "dlhelpers.labs.bias_variance"):
        print(f"{module:32} {1000 * (import_time(module) - numpy_alone):5.0f}")
    print("\nOne step of Adam per network, mini-batches of 64, in microseconds: alone, in a population of 16")
    X, y = moons(512, rng=np.random.default_rng(0))
    images, labels, *_ = digits()
    for name, sizes, inputs, targets in (
        ("2-20-10-1", (2, 20, 10, 1), X, y[:, None].astype(float)),
        ("digits 64-32-10", (64, 32, 10), images / 16, one_hot(labels, 10)),
    ):
        alone, together = population_speed(sizes, inputs, targets, 16, 400)
        print(f"{name:16} {alone:7.1f} {together:7.1f}   ratio {alone / together:.1f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", default=lab_modules(), help="of dlhelpers.labs")
    parser.add_argument("--all", action="store_true", help="every slider, not the first of each lab")
    parser.add_argument("--presses", type=int, default=40, help="keys for each slider (40)")
    parser.add_argument("--lab", help="only this function, for instance decomposition_lab")
    options = parser.parse_args()
    packages = ("numpy", "matplotlib", "ipywidgets", "ipykernel", "jupyterlab")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"Python {platform.python_version()}, {versions}; {platform.machine()}\n")
    failures = []
    for module in options.modules:
        names = [name for name in lab_makers(module) if options.lab in (None, name)]
        if not names:
            continue
        try:
            rows, memory = measure_labs(module, names, options.all, options.presses)
        except Missing as missing:
            print(f"No times to pixels: {missing}")
            failures.append(str(missing))
            continue
        print(f"Memory of the kernel after all this: {memory:.0f} MB")
        failures += [row.failure for row in rows if row.failure]
    report_package()
    if failures:
        print("\nMissed:\n  " + "\n  ".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""The ward: a patient on the page, with buttons to look, boxes for the diagnosis, and the scoreboard."""

import asyncio
from collections.abc import Callable
from functools import partial

import ipywidgets

from dlhelpers.capstone import EPOCHS, FAULTS
from dlhelpers.capstone_probes import PROBES
from dlhelpers.capstone_visits import HINT, REPAIR, Refusal, Visit, admit, finish, hint, look, repair, score
from dlhelpers.labs.capstone.board import Board, boards, program
from dlhelpers.labs.capstone.views import views
from dlhelpers.live.canvas import Canvas
from dlhelpers.live.controls import seed_box
from dlhelpers.live.on_page import LabOnPage
from dlhelpers.live.pace import one_blas_thread, running_loop
from dlhelpers.live.picture import Picture
from dlhelpers.live.programs import tidy
from dlhelpers.live.shell import ROW, Shell
from dlhelpers.progress import best_score, remember
from dlhelpers.showing import Code

SIZE = (9.6, 3.5)
"""Of the figure, in inches of 100 pixels."""


class Ward(LabOnPage):
    """One patient after the other.

    Parameters
    ----------
    seed : int
        The first patient.

    Attributes
    ----------
    visit : Visit
    result : Board
        What the last frame shows; `finding` and `caption` say it in words.

    Examples
    --------
    From code, `ward.look("start")` pays a probe, `ward.repair("few")` ticks and repairs, `ward.hint()`,
    `ward.train()` and `ward.admit(7)` are the other buttons.
    """

    def __init__(self, seed: int = 0) -> None:
        self.name = "The ward"
        self.visit = admit(seed)
        self.result: Board
        self._best = ""
        self.frames = 0
        self._loop = running_loop()
        self._task: asyncio.Task[None] | None = None
        self._picture: Picture = Picture(
            Canvas(views, SIZE), on_page=partial(self._on_loop, lambda: self._picture.again())
        )
        self._shell = Shell(self.name, self._picture.widget)
        self._boxes = {key: self._box(fault.name, fault.cure) for key, fault in FAULTS.items()}
        self._seed = seed_box()
        self._seed.description, self._seed.value, self._seed.tooltip = (
            "Patient",
            seed,
            "Each seed is a patient",
        )
        self._seed.style.description_width, self._seed.layout.width = "50px", "115px"
        self._seed.observe(lambda change: self._on_loop(self._admit_typed), "value")
        self._code = ipywidgets.ToggleButton(description="Show code", layout={"width": "auto"})
        self._code.observe(lambda change: self._show_code(), "value")
        self._fill_shell()
        self._put(self._shell.box)
        self._show_now()

    # ---------------------------------------------------------------- moves
    def look(self, name: str) -> None:
        """Pay a probe and read it."""
        self._move(lambda visit: look(visit, name))

    def repair(self, *faults: str) -> None:
        """Tick these faults, and repair all that is ticked."""
        for key in faults:
            self._boxes[key].value = True
        new = tuple(key for key in self.ticked if key not in self.visit.repairs)
        self._move(lambda visit: repair(visit, new))

    def hint(self) -> None:
        """Pay to be told which probe shows a fault."""
        self._move(hint)

    def train(self) -> None:
        """Train the script as it stands; then the others play.  The points are remembered."""
        self._move(self._finish)

    def _finish(self, visit: Visit) -> Visit:
        ended, game = finish(visit), f"ward, patient {visit.patient.seed}"
        best = best_score(game)
        self._best = "" if best is None else f" Your best with this patient before: {best} points."
        remember("scored", f"{game}: {score(ended).total:.0f}")
        return ended

    def admit(self, seed: int) -> None:
        """Begin with a patient."""
        for box in self._boxes.values():
            box.value = False
        self._move(lambda visit: admit(seed))
        self._seed.value = seed

    def _admit_typed(self) -> None:
        if self._seed.value != self.visit.patient.seed:
            self.admit(self._seed.value)

    @property
    def ticked(self) -> tuple[str, ...]:
        """The diagnosis as it is written down."""
        return tuple(key for key, box in self._boxes.items() if box.value)

    def _move(self, move: Callable[[Visit], Visit]) -> None:
        """Make a move, or say in words why not."""
        try:
            with one_blas_thread():
                self.visit = move(self.visit)
        except Refusal as refusal:
            self._shell.complain(str(refusal))
            return
        self._shell.complain("")
        if self._task is not None:
            self._task.cancel()
        if self._loop is None:
            self._show_now()
        else:
            self._task = asyncio.ensure_future(self._show_stages())

    # ---------------------------------------------------------------- what is shown
    def _show_now(self) -> None:
        with one_blas_thread():
            *_, (_, board) = boards(self.visit)
        self._show(board)

    async def _show_stages(self) -> None:
        """Show the visit at once, and the others as they come."""
        stages = boards(self.visit)
        try:
            while True:
                with one_blas_thread():
                    stage = next(stages, None)
                if stage is None:
                    break
                share, board = stage
                self._show(board)
                self._shell.show_progress(share if share < 1 else None)
                await asyncio.sleep(0.001)
        except Exception as error:
            self._shell.fail(error)
        finally:
            if not self.closed:
                self._shell.show_progress(None)

    def _show(self, board: Board) -> None:
        caption = board.caption + (self._best if board.visit.run else "")
        self._picture.show(board, None, f"{board.finding}. {caption}")
        self.result = board
        self._shell.say(board.finding, caption)
        self.frames += 1
        for key, box in self._boxes.items():
            box.disabled = key in board.visit.repairs or board.visit.run is not None
        self._show_code()

    def code(self) -> Code:
        """Return the lines of plain Python that make the same moves."""
        return Code(tidy(program(self.visit)))

    def _show_code(self) -> None:
        self._shell.show_code(str(self.code()) if self._code.value else "")

    # ---------------------------------------------------------------- as every lab
    async def settled(self) -> None:
        """Wait until all who play have played."""
        await asyncio.sleep(0.001)
        while self._task is not None and not self._task.done():
            await asyncio.sleep(0.001)

    def _stop_work(self) -> None:
        if self._task is not None:
            self._task.cancel()

    # ---------------------------------------------------------------- what stands around the picture
    def _box(self, name: str, cure: str) -> ipywidgets.Checkbox:
        return ipywidgets.Checkbox(
            value=False,
            description=name,
            tooltip=f"The repair: {cure}",
            indent=False,
            layout={"width": "158px", "margin": "0 4px"},
        )

    def _button(self, label: str, help: str, act: Callable[[], None]) -> ipywidgets.Button:
        """Return a button whose work is done on the loop: JupyterLab may call it on another thread."""
        return self._shell.button(label, help, partial(self._on_loop, act))

    def _fill_shell(self) -> None:
        probes = [
            self._button(f"{each.name} · {each.price}", f"Read: {each.measures}", partial(self.look, name))
            for name, each in PROBES.items()
        ]
        moves = [
            self._button(f"Repair what is ticked · {REPAIR} each", "Change the script", self.repair),
            self._button(
                f"Train · {EPOCHS}", "Train the script as it stands: the end of the visit", self.train
            ),
            self._button(f"Hint · {HINT}", "Which probe shows a fault?", self.hint),
            self._seed,
            self._button(
                "New patient", "Take the next seed", lambda: self.admit(self.visit.patient.seed + 1)
            ),
            self._button(
                "Again", "The same patient from the start", lambda: self.admit(self.visit.patient.seed)
            ),
            self._code,
        ]
        diagnosis = ipywidgets.Box(list(self._boxes.values()), layout=ROW)
        self._shell.fill(probes, [diagnosis, *moves])

    def _on_loop(self, act: Callable[[], object]) -> None:
        if self.closed:
            return
        if self._loop is None:
            self._shell.guarded(act)
        else:
            self._loop.call_soon_threadsafe(self._shell.guarded, act)


def ward(seed: int = 0) -> Ward:
    """Return a ward with the patient of a seed."""
    return Ward(seed)

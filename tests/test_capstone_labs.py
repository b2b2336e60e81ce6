"""The ward, played by its buttons without a browser; and what both labs show."""

import asyncio
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from dlhelpers.capstone import FAULTS, patient
from dlhelpers.capstone_probes import PROBES
from dlhelpers.capstone_visits import BUDGET, score
from dlhelpers.labs.capstone import ward
from dlhelpers.labs.capstone.board import OTHERS, boards
from dlhelpers.labs.capstone.ward import Ward
from dlhelpers.live.pace import family


@pytest.fixture
def at() -> Iterator[Ward]:
    """A ward with patient 3, whose two faults mask each other."""
    made = ward(3)
    yield made
    made.close()


def button(lab: Ward, label: str) -> Any:
    """Return the button whose label begins so."""
    found = [
        widget
        for widget in family(lab.box)
        if isinstance(widget, ipywidgets.Button) and widget.description.startswith(label)
    ]
    assert len(found) == 1, label
    return found[0]


def pixels(lab: Ward) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(lab.png())).convert("RGB")).astype(int)


def check(lab: Ward) -> None:
    """What must hold after every move."""
    assert lab.error is None
    assert lab.caption.startswith(lab.finding) and not lab.caption.endswith(" ")
    assert re.search(r"\d", lab.caption) and "nan" not in lab.caption and "inf " not in lab.caption
    assert lab._picture.widget.alt == lab.caption
    full = np.asarray(lab._picture.canvas.pixels)[..., :3].astype(int)
    assert np.abs(full - pixels(lab)).max() < 32, "a color is far from the one that was drawn"


def test_every_probe_by_its_button(at: Ward) -> None:
    for name, each in PROBES.items():
        spent, before = at.visit.spent, pixels(at)
        button(at, each.name).click()
        check(at)
        assert at.visit.spent == spent + each.price and at.visit.is_known(name)
        assert at.visit.looks[-1].reading.words in at.caption
        assert (pixels(at) != before).any()


def test_a_visit_by_buttons_to_its_end(at: Ward) -> None:
    assert patient(3).faults == ("inputs", "rate low")
    button(at, "Statistics").click()
    at._boxes["inputs"].value = True
    button(at, "Repair").click()
    assert at.visit.repairs == ("inputs",) and at._boxes["inputs"].disabled
    assert "(before the repair)" in at.caption
    button(at, "Overfit").click()
    button(at, "Rate sweep").click()
    at._boxes["rate low"].value = True
    button(at, "Repair").click()
    button(at, "Train").click()
    check(at)
    assert score(at.visit).total == 100 and "100 of 100 points" in at.finding
    assert at.result.intended is not None and len(at.result.others) == OTHERS
    assert all(box.disabled for box in at._boxes.values())
    for words in (
        "It had: raw inputs, rate too low.",
        "The intended way: 100 points",
        "10 of 10 at random",
    ):
        assert words in at.caption


def test_every_refusal_is_told_and_changes_nothing(at: Ward) -> None:
    for act, words in (
        (lambda: button(at, "Repair").click(), "faults must be written down"),
        (lambda: (at.look("start"), at.look("start")), "has looked at this script"),
        (
            lambda: (
                at.look("curve"),
                at.look("sweep"),
                at.look("shuffled"),
                at.repair(*list(FAULTS)[:9]),
                at.hint(),
            ),
            "costs 8",
        ),
        (lambda: at.look("overfit"), ""),
        (lambda: (at.train(), at.look("twice")), "discharged"),
        (lambda: at.hint(), "discharged"),
    ):
        act()
        assert words in at.message, words
        assert at.error is None
        assert at.visit.spent <= BUDGET
    at.admit(4)
    assert at.message == ""


def test_the_best_points_of_a_patient_are_remembered(
    at: Ward, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DLHELPERS_DATA", str(tmp_path))
    at.train()
    assert "Your best" not in at.caption
    first = f"{score(at.visit).total:.0f}"
    at.admit(at.visit.patient.seed)
    assert "Your best" not in at.caption
    at.train()
    assert at.caption.endswith(f"Your best with this patient before: {first} points.")


def test_a_hint_is_paid_and_shown(at: Ward) -> None:
    button(at, "Hint").click()
    check(at)
    assert "Hint: Statistics by layer shows a fault." in at.caption and at.visit.spent == 8


def test_a_new_patient_by_button_and_by_seed(at: Ward) -> None:
    at.repair("few")
    button(at, "New patient").click()
    assert at.visit.patient.seed == 4 == at._seed.value and at.visit.spent == 0 and at.ticked == ()
    at._seed.value = 9
    assert at.visit.patient == patient(9)
    at.look("start")
    button(at, "Again").click()
    assert at.visit.patient == patient(9) and at.visit.looks == ()
    check(at)


def test_the_program_makes_the_same_visit(at: Ward) -> None:
    at.look("statistics")
    at.repair("test")
    at.repair("inputs")
    at.look("statistics")
    at.repair("rate low")
    at.train()
    at._code.value = True
    names: dict[str, Any] = {}
    exec(at.code(), names)
    assert names["result"].repairs == at.visit.repairs == ("test", "inputs", "rate low")
    assert names["result"].looks == at.visit.looks and names["result"].spent == at.visit.spent
    assert score(names["result"]) == score(at.visit)


def test_on_a_loop_the_others_come_one_by_one() -> None:
    async def play() -> None:
        lab = ward(6)
        lab.train()
        await asyncio.sleep(0)
        counts = []
        while not lab._task.done():  # type: ignore[union-attr]
            counts.append(len(lab.result.others))
            await asyncio.sleep(0.001)
        assert lab.result.others and counts == sorted(counts) and len(set(counts)) > 3
        lab.admit(7)
        await lab.settled()
        assert lab.result.visit.patient.seed == 7 and lab.result.others == ()
        check(lab)
        lab.train()
        await asyncio.sleep(0.001)
        lab.close()
        await asyncio.sleep(0.01)
        assert lab.closed and "closed" in lab._repr_mimebundle_()["text/plain"]

    asyncio.run(play())


def test_a_preview_says_how_many_have_played() -> None:
    visit = ward(6)
    visit.train()
    for _, board in boards(visit.visit):
        if board.others:
            assert f"{len(board.others)} of {OTHERS} at random" in board.caption
        assert (board.intended is None) == ("intended way" not in board.caption)


def test_readers_without_a_kernel_get_picture_and_caption(at: Ward) -> None:
    data, metadata = at._repr_mimebundle_()
    assert data["text/plain"] == at.caption == metadata["image/png"]["alt"]


def test_a_walk_of_random_presses() -> None:
    rng, lab = np.random.default_rng(0), ward(0)
    for _ in range(60):
        kind = rng.integers(5)
        if kind < 2:
            lab.look(str(rng.choice(list(PROBES))))
        elif kind == 2:
            lab.repair(str(rng.choice(list(FAULTS))))
        elif kind == 3:
            lab.hint()
        elif rng.random() < 0.5:
            lab.train()
        else:
            lab.admit(int(rng.integers(20)))
        check(lab)
    lab.close()

"""Valid calls, as in `tests.valid_calls`: of the capstone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import capstone, capstone_players, capstone_probes, capstone_runs, capstone_visits

One = tuple[Callable[..., Any], dict[str, Any]]


def calls_of(folder: Path) -> Iterator[One]:
    rng, script = np.random.default_rng(0), capstone.spoiled(("test",))
    setup = capstone_runs.set_up(script, 0)
    used = {"script": script, "network": setup.network, "theta": setup.theta, "rng": rng}
    yield capstone.patient, {"seed": 0}
    yield capstone.spoiled, {"faults": ("few", "test")}
    yield capstone.repaired, {"script": script, "faults": ("test",)}
    yield capstone.check_script, {"script": script}
    yield capstone.check_faults, {"name": "faults", "faults": ("few",)}
    yield capstone_runs.set_up, {"script": script, "seed": 0, "keep_prob": 1.0}
    yield setup.batches, {"train": setup.train}
    yield capstone_runs.train, {"script": script, "seed": 0, "epochs": 1}
    yield capstone_runs.schedule, {"script": script}
    yield capstone_runs.answers, {**used, "X": setup.train.X}
    yield capstone_runs.measure, {**used, "examples": setup.train}
    yield capstone_probes.probe, {"name": "start", "script": script, "seed": 0}
    visit = capstone_visits.admit(2)
    looked = capstone_visits.look(visit, "start")
    yield capstone_visits.admit, {"seed": 2}
    yield capstone_visits.look, {"visit": visit, "name": "start"}
    yield capstone_visits.repair, {"visit": visit, "faults": ("few",)}
    yield capstone_visits.hint, {"visit": visit}
    yield capstone_visits.finish, {"visit": visit}
    yield capstone_visits.score, {"visit": capstone_visits.finish(visit)}
    yield capstone_visits.pay, {"visit": visit, "price": 10}
    yield capstone_visits.check_visit, {"visit": visit}
    yield looked.newest, {"name": "start"}
    yield looked.is_known, {"name": "start"}
    yield capstone_players.intended, {"seed": 6}
    yield capstone_players.play, {"visit": capstone_visits.admit(6)}
    yield capstone_players.suspects, {"visit": looked}
    yield capstone_players.at_random, {"seed": 6, "rng": rng}

"""Stages of slow computations: what is kept, and what a preview may hold."""

import inspect

import pytest

from dlhelpers.live.stages import each_of, last, remembered
from tests.labs import all_labs, contradicted
from tools.browser import parts_of


class Count:
    """A slow computation that counts how often it was begun and finished."""

    def __init__(self):
        self.begun, self.finished = [], []

    def __call__(self, value, parts=3):
        self.begun.append(value)
        for part in range(1, parts + 1):
            if part == parts:
                self.finished.append(value)
            yield part / parts, (value, part)


def test_the_last_stage_is_kept_and_the_oldest_goes():
    slow = Count()
    stages = remembered(2)(slow)
    assert [last(stages(value)) for value in (1, 2, 1, 3, 1, 2)] == [(k, 3) for k in (1, 2, 1, 3, 1, 2)]
    assert slow.begun == [1, 2, 3, 2]  # 2 was the oldest when 3 came
    stages.cache_clear()
    last(stages(1))
    assert slow.begun == [1, 2, 3, 2, 1]


def test_what_is_dropped_in_the_middle_is_not_kept():
    slow = Count()
    stages = remembered(2)(slow)
    under_way = stages(1)
    assert next(under_way) == (1 / 3, (1, 1))
    under_way.close()
    assert next(stages(1)) == (1 / 3, (1, 1))
    assert slow.begun == [1, 1]


def test_the_chosen_one_comes_first_and_no_other_is_shown_half_done():
    for share, results in each_of([1, 2, 3], 2, Count()):
        assert next(iter(results)) == 2
        assert all(part == 3 for value, (_, part) in results.items() if value != 2)
        assert share == 1 or len(results) < 3
    assert results == {2: (2, 3), 1: (1, 3), 3: (3, 3)} and share == 1


def test_an_earlier_stage_does_not_change_when_a_later_one_comes():
    seen = [results for _, results in each_of([1, 2], 1, Count())]
    assert seen[0] == {1: (1, 1)} and seen[-1] == {1: (1, 3), 2: (2, 3)}


def test_what_is_known_is_there_from_the_start():
    def stages(value):
        yield 0.5, f"{value} half"
        yield 1.0, f"{value} done"

    known = {"c": "c known"}
    found = list(each_of("abc", "b", stages, known.get))
    assert [share for share, _ in found] == [0.25, 0.5, 0.75, 1]
    assert found[0][1] == {"c": "c known", "b": "b half"}
    assert found[-1][1] == {"c": "c known", "b": "b done", "a": "a done"}


def test_nothing_is_computed_twice_when_all_is_known():
    @remembered(3)
    def squares(n):
        yield 0.5, 0
        yield 1.0, n**2

    assert squares.recall(2) is None
    last(each_of((1, 2, 3), 2, squares, squares.recall))
    assert squares.recall(2) == 4
    assert list(each_of((1, 2, 3), 2, squares, squares.recall)) == [(1.0, {1: 1, 3: 9, 2: 4})]


LABS = all_labs()


def stages_of(name, seed):
    """Return (share done, finding) for each stage at the start of a lab, nothing if it computes at once."""
    parts = parts_of(LABS[name])
    values = {key: control.value for key, control in parts["controls"].items()}
    outcome = parts["compute"](**values, **({"seed": seed} if parts["seeded"] else {}))
    if not inspect.isgenerator(outcome):
        return []
    return [(share, parts["finding"](result)) for share, result in outcome]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 10))
@pytest.mark.parametrize("name", LABS)
def test_no_stage_claims_what_the_last_one_contradicts(name, seed):
    """Seed 0 is in test_labs."""
    stages = stages_of(name, seed)
    assert not contradicted(stages), f"the last one says: {stages[-1][1]}"

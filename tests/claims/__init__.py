"""What the notebooks say happens, seed after seed: `make claims` runs every such sentence over ten seeds.

A claim is a sentence of the text, word for word, and a function that says for one seed whether it holds. It
goes through the computation of the lab that the reader sees. "Always" needs 10 seeds of 10, "nearly always"
9, "mostly" 7. A claim that fails is reworded, or the demonstration is changed; never the seeds.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

SEEDS = range(10)
"""The seeds that a claim is tried with."""
SOURCES = Path(__file__).parents[2] / "notebooks" / "src"


def text_of(notebook: str) -> str:
    """Return the words of a notebook's source, "06a" for instance, in one line."""
    (path,) = SOURCES.glob(f"{notebook}_*.py")
    lines = (line.removeprefix("#").strip() for line in path.read_text(encoding="utf-8").splitlines())
    return re.sub(r"\s+", " ", " ".join(lines))


def claim(
    notebook: str,
    sentence: str,
    holds: Callable[[int], bool],
    needed: int = 10,
    seeds: Iterable[int] = SEEDS,
) -> None:
    """Check that a sentence stands in the notebook and holds for enough seeds; print the share."""
    assert re.sub(r"\s+", " ", sentence) in text_of(notebook), f"{notebook} does not say: {sentence}"
    verdicts = {seed: bool(holds(seed)) for seed in seeds}
    share = f"{sum(verdicts.values())} of {len(verdicts)} seeds"
    print(f"{notebook}, {share}: {sentence}")
    against = [seed for seed, verdict in verdicts.items() if not verdict]
    assert sum(verdicts.values()) >= needed * len(verdicts) / 10, f"{share}, not seeds {against}: {sentence}"

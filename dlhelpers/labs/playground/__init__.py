"""The labs on the start notebook: one live network, trained while its knobs are turned."""

from dlhelpers.labs.playground.playground import playground

__all__ = [
    "playground",
]

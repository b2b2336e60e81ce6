"""What the labs on the first weights share: the two colors of signals, and a ratio in words."""

import numpy as np

FORWARD = "#7A3E9D"
"""Purple, drawn solid: the signal that goes up through the layers."""
BACKWARD = "#A6761D"
"""Ochre, drawn dashed: the gradient that comes down."""


def times(last: float, first: float) -> str:
    """Return a ratio, in powers of ten when it is far from 1."""
    ratio = last / first if first > 0 else 0.0
    if ratio == 0:
        return "0 times"
    return f"{ratio:.2g} times" if 0.01 <= ratio < 100 else f"10^{np.log10(ratio):.0f} times"

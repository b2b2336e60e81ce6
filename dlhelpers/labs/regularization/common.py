"""What the labs of this topic share."""

from dlhelpers.plots.style import OCHRE, PLUM

L1_COLOR, L2_COLOR = PLUM, OCHRE
"""Purple and ochre: the two penalties."""
LOST = 1e3
"""Training has diverged when the length of all weights is above this; it starts near 5."""


def strength_in_words(strength: float) -> str:
    """Return a lambda as it is said."""
    return f"{strength:.2g}" if strength < 100 else f"{strength:,.0f}"

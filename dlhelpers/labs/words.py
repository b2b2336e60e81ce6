"""Words that several labs use."""

import numpy as np

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def in_points(difference: float) -> str:
    """Return a difference of two percentages in whole points: "1 point", "-3 points", "0 points"."""
    whole = round(difference)
    return f"{whole} point{'s' * (abs(whole) != 1)}"


def power_of_ten(value: float) -> str:
    """Return the power of ten next to a positive value: "10⁻⁸"."""
    return "10" + f"{np.log10(value):.0f}".translate(RAISED)


def three_digits(value: float) -> str:
    """Return a number with three digits, also where the last ones are 0: "1.40", "12.0", "250"."""
    return f"{value:#.3g}".removesuffix(".")

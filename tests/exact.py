"""Exact arithmetic for the tests of edges: decimals of 60 digits, and numbers of every size."""

from decimal import Context, Decimal

import numpy as np
import pytest
from hypothesis import strategies as st

both = pytest.mark.parametrize("dtype", [np.float32, np.float64])
EXACT = Context(prec=60, Emin=-(10**9), Emax=10**9, traps=[])


def exactly(value):
    """Return a float as the decimal that it is."""
    return Decimal(float(value))


def exp(x):
    return EXACT.exp(max(min(x, Decimal(10**6)), Decimal(-(10**6))))  # beyond, every float is 0 or infinite


def exact_sigmoid(z):
    return EXACT.divide(Decimal(1), 1 + exp(-z))


def exact_softplus(z):
    x = exp(-abs(z))
    return max(z, Decimal(0)) + (x - x**2 / 2 if abs(z) > 50 else EXACT.ln(1 + x))  # off by x^3 / 3


def agree(value, exact, dtype, digits=8, of=0, lost=2):
    """Check that a value is within `digits` roundings of the exact one; `of` is what it is a part of.

    Numbers below `lost` times the smallest normal one may be 0.
    """
    limits = np.finfo(dtype)
    assert value.dtype == dtype
    if abs(exact) > exactly(limits.max) * (1 + exactly(limits.eps)):
        assert np.isinf(value) and (value > 0) == (exact > 0)
        return
    allowed = digits * exactly(limits.eps) * max(abs(exact), exactly(of)) + lost * exactly(limits.tiny)
    assert abs(exactly(value) - exact) <= allowed, (value, float(exact))


def floats(dtype, largest=None):
    """Finite numbers of every size: tiny ones, huge ones and those near 0."""
    width = 8 * np.dtype(dtype).itemsize
    every = st.floats(width=width, allow_nan=False, allow_infinity=False)
    near = st.floats(-128, 128, width=width)
    return (near | every).map(dtype)


def exact_norm(values):
    return EXACT.sqrt(sum(exactly(x) ** 2 for x in values))


def vectors(dtype, size=4):
    """Vectors of every length, their elements of sizes near each other."""
    limits = np.finfo(dtype)
    power = st.integers(int(limits.minexp) + 8, int(limits.maxexp) - 1)
    shares = st.lists(st.floats(-1, 1, width=16), min_size=size, max_size=size)
    return st.builds(lambda k, each: np.ldexp(np.array(each, dtype), k), power, shares)


def exact_sine(x):
    """Return the sine of a decimal between 0 and 2 by its series."""
    term, total, n = x, Decimal(0), 1
    while abs(term) > Decimal("1e-50") * abs(x):
        total, term, n = total + term, -term * x * x / ((n + 1) * (n + 2)), n + 2
    return total

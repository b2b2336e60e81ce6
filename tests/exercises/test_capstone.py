"""The exercises of notebook 10 against hand arithmetic and against all orders."""

from itertools import permutations

import numpy as np
import pytest

from dlhelpers.exercises import capstone
from dlhelpers.exercises.checking import ask


def test_the_order_pays_least_of_all_orders() -> None:
    for case in capstone.looking_order.cases:
        price, chance = case["price"], case["chance"]

        def pays(order, price=price, chance=chance) -> float:
            spent = np.cumsum(price[list(order)])
            return float(spent @ chance[list(order)])

        best = ask(capstone.looking_order.reference, case).value
        assert pays(best) == pytest.approx(min(map(pays, permutations(range(len(price))))))


def test_the_standard_error_by_hand() -> None:
    """12 of 386: e = .03109, e (1 - e) / m = 7.80e-5, its root .00883."""
    first = ask(capstone.error_of_a_share.reference, capstone.error_of_a_share.cases[0]).value
    assert first == pytest.approx(0.00883, abs=5e-6)


def test_likely_attempts() -> None:
    def by_sorting(price, chance):
        return np.array(sorted(range(len(price)), key=lambda i: price[i] / chance[i]))

    def as_a_list(price, chance):
        return sorted(range(len(price)), key=lambda i: -chance[i] / price[i])

    assert capstone.looking_order.check(by_sorting).kind == "right"
    assert capstone.looking_order.check(as_a_list).kind == "right"
    assert (
        capstone.error_of_a_share.check(lambda errors, m: np.sqrt(errors * (m - errors) / m**3)).kind
        == "right"
    )

"""Margin add-ons and collateral. Ids addons-*."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.margin.addons import concentration_addon, drainable_buffer, root, weighted_scan
from seawall.margin.collateral import haircut_breaches, recognised_value, scaled_haircut


@given(x=st.fractions(0, 10**9, max_denominator=10**6))
def test_addons_root_is_the_least_above(x):
    found = root(x)
    assert found**2 >= x
    step = Fraction(1, 10**30 * x.denominator)
    assert found == 0 or (found - step) ** 2 < x
    assert root(x * x) == x


def test_addons_root_of_a_negative_number_is_refused():
    with pytest.raises(InputError, match="negative"):
        root(Fraction(-1))
    with pytest.raises(InputError, match="negative"):
        scaled_haircut(Fraction(1, 5), 0, 0)


def test_addons_drained_buffer_never_asks_less_than_calculated():
    found = drainable_buffer(Fraction(1, 4), [100, 90, 200, 80], 1)
    assert found.required == (125, 125, 200, 125)
    assert found.buffer_left == (25, 35, 0, 45)
    assert drainable_buffer(Fraction(1, 4), [100, 120]).required == (125, 150)
    assert drainable_buffer(Fraction(1, 4), [100, 120], 9).required == (125, 150)
    with pytest.raises(InputError, match="a day before"):
        drainable_buffer(Fraction(1, 4), [100], 0)


def test_addons_scan_of_a_short_takes_the_rise():
    rows = [(Fraction("0.16"), 1), (Fraction("-0.16"), 1), (5, Fraction("0.04"))]
    assert weighted_scan(100, -2, rows, Fraction("0.02")) == (40, 4, 40)
    assert weighted_scan(100, 2, [(Fraction("0.1"), 1)], Fraction("0.02")) == (0, 4, 4)
    assert weighted_scan(100, 0, rows, Fraction("0.02")) == (0, 0, 0)


def test_addons_small_position_pays_no_addon():
    assert concentration_addon(-100, 2_000, Fraction(1, 4), 2, 50) == (Fraction(1, 5), 1, 50)
    assert concentration_addon(4_000, 2_000, Fraction(1, 4), 2, 50) == (8, 2, 100)
    with pytest.raises(InputError, match="must be positive"):
        concentration_addon(1, 0, 1, 1, 1)


def test_addons_haircut_breach_is_strict():
    tenth = Fraction(1, 10)
    assert haircut_breaches(tenth, [-tenth, Fraction(1, 2)]) == (0, 0)
    assert haircut_breaches(tenth, [Fraction(-11, 100), -1]) == (2, Fraction(9, 10))
    assert haircut_breaches(tenth, []) == (0, 0)


@given(
    values=st.lists(st.integers(0, 500), min_size=1, max_size=6),
    limit=st.fractions(0, Fraction(5, 4), max_denominator=12),
)
def test_addons_recognised_total_is_the_largest_fixed_point(values, limit):
    holdings = {str(i): v for i, v in enumerate(values)}
    found = recognised_value(holdings, dict.fromkeys(holdings, 0), (), limit)
    assert sum(found.recognised.values()) == found.total
    assert all(x == min(holdings[n], limit * found.total) for n, x in found.recognised.items())
    order = sorted(values, reverse=True)
    fixed = {Fraction(0)}
    for k in range(len(order) + 1):  # every fixed point has some k largest assets limited and the others not
        if k * limit < 1:
            total = sum(order[k:]) / (1 - k * limit)
            if sum(min(v, limit * total) for v in order) == total:
                fixed.add(total)
    assert found.total == max(fixed)


def test_addons_recognised_ties_and_refusals():
    assert recognised_value({"a": 100, "b": 100}, {"a": 0, "b": 0}, (), Fraction(1, 2)).total == 200
    assert recognised_value({"a": 100}, {"a": 0}, (), Fraction(1, 2)).total == 0
    assert recognised_value({"a": 100}, {}, ("a",), 1).eligible == {"a": 0}
    with pytest.raises(InputError, match="missing or outside"):
        recognised_value({"a": 100}, {"a": 2})
    with pytest.raises(InputError, match="holding is negative"):
        recognised_value({"a": -1}, {"a": 0})

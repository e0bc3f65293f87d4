"""Liquidation and bankruptcy marks, and the dYdX rounding, on cases worked by hand.

Id: exact-*. Source: worked in each test; bankruptcy attribution: dYdX v4 GetBankruptcyPriceInQuoteQuantums.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import FLAT, brackets, perp

from seawall.errors import InputError
from seawall.margin import Holding, MarginRule, assess, bankruptcy_mark, bankruptcy_quote, liquidation_mark
from seawall.money import profile

UNIT = 10**6
RULE = MarginRule("asset", profile("toward_fund"))


def held(lots, entry, mark, steps=FLAT):
    instrument = perp(brackets=steps)
    return Holding(instrument, lots, lots * entry * UNIT, mark)


def test_exact_long_liquidation_and_bankruptcy_mark():
    # 10 long at 1,000, cash 1,000: bankrupt at 900. At risk when 1,000 + 10(m - 1,000) < 5 % of 10 m, that is m < 947.37.
    position = [held(10, 1_000, 1_000)]
    assert bankruptcy_mark(position, 1_000 * UNIT, 0, RULE) == 900
    assert liquidation_mark(position, 1_000 * UNIT, 0, RULE) == 947


def test_exact_short_liquidation_mark():
    # 10 short at 1,000, cash 1,000: at risk when 1,000 - 10(m - 1,000) < 0.5 m, that is m > 1,047.6.
    position = [held(-10, 1_000, 1_000)]
    assert bankruptcy_mark(position, 1_000 * UNIT, 0, RULE) == 1_100
    assert liquidation_mark(position, 1_000 * UNIT, 0, RULE) == 1_048


def test_exact_unlevered_long_cannot_be_liquidated_above_zero():
    assert liquidation_mark([held(1, 1_000, 1_000)], 1_000 * UNIT, 0, RULE) is None


@settings(max_examples=80, deadline=None)
@given(
    lots=st.integers(-20, 20).filter(bool),
    other=st.integers(-20, 20),
    cash=st.integers(0, 6_000),
    mark=st.integers(400, 2_000),
)
def test_exact_both_sides_of_the_liquidation_mark(lots, other, cash, mark):
    steps = brackets((0, "1/10", "1/20"), (8_000 * UNIT, "1/4", "1/6"))
    holdings = [held(lots, 1_000, mark, steps)] + ([held(other, 900, 1_000, steps)] if other else [])
    found = liquidation_mark(holdings, cash * UNIT, 0, RULE)
    if found is None:
        return

    def at_risk(at):
        moved = [Holding(holdings[0].instrument, lots, holdings[0].entry, at), *holdings[1:]]
        return assess(moved, cash * UNIT, RULE).at_risk

    inside = found + 1 if lots > 0 else found - 1
    assert (found < 1 or at_risk(found)) and not at_risk(inside), (holdings, cash, found)


def test_exact_slices_at_bankruptcy_use_equity_up_to_the_last_unit():
    # Equity -300 over two positions of equal requirement: the first slice carries half, the last what is left.
    holdings = [held(10, 1_000, 970), held(-10, 1_000, 1_000)]
    cash = 0
    assert assess(holdings, cash, RULE).equity == -300 * UNIT
    quote = bankruptcy_quote(holdings, cash, 0, -10, RULE)
    after = [held(-10, 1_000, 1_000)]
    left = assess(after, cash + quote - 10_000 * UNIT, RULE).equity
    last = bankruptcy_quote(after, cash + quote - 10_000 * UNIT, 0, 10, RULE)
    assert left < 0
    assert cash + quote - 10_000 * UNIT + last + 10_000 * UNIT == 0


def test_exact_slice_larger_than_the_position_is_refused():
    with pytest.raises(InputError, match="not a slice"):
        bankruptcy_quote([held(10, 1_000, 1_000)], 0, 0, -11, RULE)


def test_exact_requirement_rounds_per_position_in_the_quantum_profile():
    # 7 lots of 1/3 unit... a notional of 100 units at 1/7 initial, 3/5 of it maintenance: ceil(ceil(100/7) * 3/5) = 9.
    steps = brackets((0, "1/7", "3/35"))
    position = [Holding(perp(brackets=steps), 1, 0, 1)]
    rule = MarginRule("asset", profile("quantum_chain"))
    exact = Fraction(UNIT, 7)
    ceiled = -(-exact.numerator // exact.denominator)
    assert assess(position, 0, rule).maintenance == -(-ceiled * 3 // 5)

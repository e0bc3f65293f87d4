"""Closing one account against another. Ids transition-*."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.books import FLAT, perp

from seawall.liquidation import (
    AccountView,
    Closed,
    ClosePrice,
    CloseRefused,
    acceptable,
    close_between,
    offset_in_order,
)
from seawall.margin import Assessment, Holding, MarginRule
from seawall.market import Instrument
from seawall.money import PROFILES, Asset

UNIT = 10**6
LINEAR = perp()
OTHER = perp("ETH-PERP")
COIN = Asset.of("BTC", 10, 10)
INVERSE = Instrument.of(
    "I", COIN, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0, brackets=FLAT, inverse=True
)
RULES = [MarginRule("asset", p) for p in PROFILES.values()]


def account(cash, lots, entry, mark=1_000, instrument=LINEAR, *others):
    held = (Holding(instrument, lots, entry, mark),) if lots else ()
    return AccountView(cash, held + others)


def assessment(equity, maintenance, initial):
    return Assessment(equity, maintenance, initial, (), (), False)


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        ((-9, 5, 10), (10, 99, 10), True),  # initial requirement covered: nothing else is asked
        ((5, 10, 20), (6, 11, 20), False),  # requirement rose
        ((5, 10, 20), (4, 8, 16), True),  # 1/2 to 1/2
        ((5, 10, 20), (3, 8, 16), False),
        ((-5, 10, 20), (-4, 8, 16), True),  # negative equity, same ratio
        ((-5, 10, 20), (-4, 7, 16), False),  # a smaller requirement makes a negative ratio worse
        ((-5, 10, 20), (-1, 0, 0), False),  # everything closed and still a loss
        ((-5, 10, 20), (0, 0, 0), True),
        ((-5, 0, 0), (-4, 0, 0), True),
        ((-5, 0, 0), (-5, 0, 0), False),
        ((-5, 0, 3), (-4, 1, 3), False),
    ],
)
def test_transition_acceptable_table(old, new, answer):
    assert acceptable(assessment(*old), assessment(*new)) is answer, (old, new)


SIGNED = st.integers(-60, 60).filter(bool)


@given(
    rule=st.sampled_from(RULES),
    inverse=st.booleans(),
    lots=SIGNED,
    part=st.integers(1, 60),
    against=st.integers(1, 60),
    entry=st.integers(-(10**9), 10**9),
    other_entry=st.integers(-(10**9), 10**9),
    equity=st.integers(-(10**9), 10**9),
    other_equity=st.integers(-(10**9), 10**9),
    price=st.sampled_from(list(ClosePrice)),
)
def test_transition_conserves_money_and_lots(
    rule, inverse, lots, part, against, entry, other_entry, equity, other_equity, price
):
    instrument = INVERSE if inverse else LINEAR
    delta = -part if lots > 0 else part
    held = -against if lots > 0 else against
    a = account(equity + entry, lots, entry, 1_000, instrument)
    b = account(other_equity + other_entry, held, other_entry, 1_000, instrument)
    a, b = (AccountView(x.cash - x.assess(rule).values[0], x.holdings) for x in (a, b))
    found = close_between(a, b, instrument.symbol, delta, price, rule)
    if part > abs(lots) or part > against:
        assert found is CloseRefused.NOT_A_SLICE
        return
    before = a.assess(rule)
    if isinstance(found, CloseRefused):
        assert found is CloseRefused.NOT_ACCEPTABLE
        return
    c, d = found.closed, found.other
    for old, new, moved in ((a, c, delta), (b, d, -delta)):
        assert new.lots(instrument.symbol) == old.lots(instrument.symbol) + moved

    def book(view):
        return view.cash - sum(h.entry for h in view.holdings)

    assert book(c) + book(d) == book(a) + book(b)
    assert book(c) - book(a) == found.quote
    if price is ClosePrice.BANKRUPTCY and part == abs(lots):
        assert c.assess(rule).equity == 0, "the whole position uses up the whole equity"
    if price is ClosePrice.ORACLE and part == abs(lots):
        assert c.assess(rule).equity == before.equity


@given(
    rule=st.sampled_from(RULES),
    lots=st.integers(1, 100),
    equity=st.integers(-(10**10), -1),
    others=st.lists(st.tuples(st.integers(-60, 60), st.integers(-(10**9), 10**11)), max_size=6),
    place=st.integers(0, 6),
    price=st.sampled_from(list(ClosePrice)),
)
def test_transition_the_walk_is_one_close_after_the_other(rule, lots, equity, others, place, price):
    closed = account(equity - lots * 1_000 * UNIT, lots, 0)
    views = [account(e - q * 1_000 * UNIT, q, 0) for q, e in others]
    place = min(place, len(views))
    views.insert(place, closed)
    found = offset_in_order(views, place, "BTC-PERP", -lots, price, rule)
    state, left, fills = list(views), lots, []
    for i in range(len(state)):
        short = -state[i].lots("BTC-PERP")
        if i == place or short <= 0 or left == 0:
            continue
        step = close_between(state[place], state[i], "BTC-PERP", -min(left, short), price, rule)
        if isinstance(step, Closed):
            state[place], state[i] = step.closed, step.other
            fills.append((i, min(left, short)))
            left -= min(left, short)
    assert found == (tuple(state), tuple(fills), -left), (others, place)
    assert sum(v.cash for v in views) == sum(v.cash for v in found.accounts)


def test_transition_other_positions_stay_as_they_are():
    other = Holding(OTHER, 3, 5, 2_000)
    a = account(-1_100 * UNIT, 1, 0, 1_000, LINEAR, other)
    b = account(10_000 * UNIT, -1, 0)
    found = close_between(a, b, "BTC-PERP", -1, ClosePrice.BANKRUPTCY, RULES[0])
    assert isinstance(found, Closed)
    assert found.closed.holdings == (other,)


def test_transition_refusals_change_nothing():
    a, b = account(-1_100 * UNIT, 1, 0), account(999 * UNIT, -1, 0)  # the other side is a hair from bankrupt itself
    assert close_between(a, b, "BTC-PERP", -1, ClosePrice.BANKRUPTCY, RULES[0]) is CloseRefused.NOT_ACCEPTABLE
    assert close_between(a, b, "BTC-PERP", 1, ClosePrice.ORACLE, RULES[0]) is CloseRefused.NOT_A_SLICE
    assert close_between(a, b, "none", -1, ClosePrice.ORACLE, RULES[0]) is CloseRefused.NOT_A_SLICE
    assert close_between(a, a, "BTC-PERP", -1, ClosePrice.ORACLE, RULES[0]) is CloseRefused.NOT_A_SLICE

"""Take-over of whole accounts. Ids takeover-*."""

from __future__ import annotations

from itertools import starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.books import perp

from seawall.errors import InputError
from seawall.liquidation import AccountView, take_over
from seawall.margin import Holding, MarginRule
from seawall.money import profile

RULE = MarginRule("asset", profile("toward_fund"))
MARKETS = {name: (perp(f"{name}-PERP"), mark) for name, mark in (("BTC", 1_000), ("ETH", 70))}
POSITION = st.tuples(st.integers(-20, 20).filter(bool), st.integers(-(10**10), 10**10))
ACCOUNT = st.tuples(st.integers(-(10**11), 10**11), st.dictionaries(st.sampled_from(list(MARKETS)), POSITION))


def view(cash, positions):
    held = (Holding(MARKETS[m][0], lots, entry, MARKETS[m][1]) for m, (lots, entry) in positions.items())
    return AccountView(cash, tuple(held))


@given(one=ACCOUNT, two=ACCOUNT)
def test_takeover_adds_equity_and_lots_exactly(one, two):
    account, taker = starmap(view, (one, two))
    after = take_over(account, taker)
    equity = [v.assess(RULE).equity for v in (account, taker, after)]
    assert equity[0] + equity[1] == equity[2], (one, two)
    for symbol in ("BTC-PERP", "ETH-PERP"):
        assert after.lots(symbol) == account.lots(symbol) + taker.lots(symbol)
    assert all(h.lots for h in after.holdings)
    # netting with what the taker holds never needs more margin than both apart
    assert after.assess(RULE).maintenance <= account.assess(RULE).maintenance + taker.assess(RULE).maintenance


def test_takeover_brings_the_shortfall_along():
    account = view(-1_005 * 10**6, {"BTC": (1, 0)})
    assert take_over(account, AccountView(10**9, ())).assess(RULE).equity == 10**9 - 5 * 10**6


def test_takeover_at_two_marks_is_refused():
    account = view(0, {"BTC": (1, 0)})
    other = AccountView(0, (Holding(MARKETS["BTC"][0], 1, 0, 999),))
    with pytest.raises(InputError):
        take_over(account, other)

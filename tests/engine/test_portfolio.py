"""Collateral in several assets judged together. Ids portfolio-*; worked by hand in each test."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.books import USDC, perp, policy, snapshot

from seawall.engine import Marks, Resolve, apply, check_all, open_state
from seawall.engine.events import Converted, LiquidationStarted
from seawall.money import Asset

UNIT = 10**6
BTC = Asset.of("BTC", 8, 8)
S = 10**9


def portfolio(haircut="1/10"):
    return policy(
        margin={
            "pool": "account",
            "rounding": "toward_fund",
            "numeraire": "USDC",
            "haircuts": [{"asset": "BTC", "haircut": haircut}],
        }
    )


def venue(ann_usdc, ann_btc, lots=10, rules=None):
    book = snapshot(
        {"ann": {"USDC": ann_usdc * UNIT, "BTC": ann_btc}, "bob": {"USDC": 50_000 * UNIT}},
        [("ann", "ETH-PERP", lots, 1_000), ("bob", "ETH-PERP", -lots, 1_000)],
        [perp("ETH-PERP")],
        assets=(USDC, BTC),
        marks={"ETH-PERP": 1_000},
    )
    return open_state(book, rules or portfolio(), {}, 0, indexes={"BTC": (10_000 * UNIT, 10**8)})


def test_portfolio_btc_tick_touches_btc_collateral():
    # 0.1 BTC at 10,000 less 10 % counts 900; maintenance of 10 ETH at 1,000 is 500. At 5,000 it counts 450.
    state = venue(0, 10**7)
    st0 = state.book.unit_state(0)
    assert (st0.equity, st0.maintenance, st0.at_risk) == (900 * UNIT, 500 * UNIT, False)
    events = apply(state, Marks(S, {}, {"BTC": (5_000 * UNIT, 10**8)})).events
    started = [e for e in events if isinstance(e, LiquidationStarted)]
    assert [(e.account, e.equity) for e in started] == [("ann", 450 * UNIT)]


def test_portfolio_negative_cash_is_covered_by_selling_collateral():
    # ETH falls to 890: ann owes 1,100 against 0.1 BTC (900 after haircut). Her BTC is sold at the index for 1,000, which
    # covers what the haircut did not count: bankrupt by 100, not by 200, and deleveraged by bob for that.
    state = venue(0, 10**7)
    outcome0 = apply(state, Marks(S, {"ETH-PERP": 890}))
    assert state.book.unit_state(0).equity == -100 * UNIT
    outcome = apply(state, Resolve(2 * S))
    assert outcome.rejection is None
    apply(state, Marks(3 * S, {"ETH-PERP": 891}))
    outcome2 = apply(state, Resolve(4 * S))
    sold = [e for e in (*outcome0.events, *outcome.events, *outcome2.events) if isinstance(e, Converted)]
    assert sold, outcome.events
    assert state.book.cash(0, 0) >= 0
    check_all(state)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    usdc=st.integers(-500, 3_000),
    btc=st.integers(0, 5 * 10**7),
    moves=st.lists(st.tuples(st.integers(500, 1_600), st.integers(2_000, 20_000)), min_size=1, max_size=6),
)
def test_portfolio_screen_equals_exact_and_money_is_kept(usdc, btc, moves):
    state = venue(usdc, btc)
    vault = [state.ledger.balance(e) for e in state.external]
    for number, (eth, price) in enumerate(moves):
        apply(state, Marks((2 * number + 1) * S, {"ETH-PERP": eth}, {"BTC": (price * UNIT, 10**8)}))
        exact = [u for u in range(len(state.snapshot.account_ids)) if state.book.unit_state(u).at_risk]
        assert state.book.at_risk_units() == exact
        apply(state, Resolve((2 * number + 2) * S))
        check_all(state)
    assert [state.ledger.balance(e) for e in state.external] == vault

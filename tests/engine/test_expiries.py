"""Futures and options through the engine. Ids expiry-*; worked by hand in each test."""

from __future__ import annotations

from fractions import Fraction

from tests.books import FLAT, USDC, perp, policy, snapshot

from seawall.engine import Marks, Refused, Resolve, Settle, Trade, apply, check_all, open_state, state_hash
from seawall.engine.events import LiquidationStarted
from seawall.market import Instrument, Kind, Right

UNIT = 10**6
S = 10**9


def option(strike=1_000):
    return Instrument.of(
        "BTC-C", USDC, base="BTC", quote="USD", lot=Fraction(2), mark_scale=0, brackets=FLAT, kind=Kind.OPTION,
        expiry_ns=100 * S, strike=strike, right=Right.CALL,
    )  # fmt: skip


def venue(with_perp=True):
    book = snapshot(
        {"buyer": 500 * UNIT, "writer": 400 * UNIT},
        [("buyer", "BTC-C", 1, 50), ("writer", "BTC-C", -1, 50)],
        [option(), *([perp()] if with_perp else [])],
        marks={"BTC-C": 50, "BTC-PERP": 1_200} if with_perp else {"BTC-C": 50},
    )
    return open_state(book, policy(), {})


def test_expiry_a_writer_is_charged_on_the_underlying_and_its_tick_reaches_them():
    # Two coins a lot: notional 2,400, maintenance 5 % = 120. At an underlying of 10,000 it is 1,000 against equity 400.
    state = venue()
    assert state.book.unit_state(1).maintenance == 120 * UNIT
    assert state.book.unit_state(0).maintenance == 0
    events = apply(state, Marks(S, {"BTC-PERP": 10_000})).events
    assert [e.account for e in events if isinstance(e, LiquidationStarted)] == ["writer"]
    assert state.book.unit_state(1).maintenance == 1_000 * UNIT


def test_expiry_without_an_underlying_market_the_strike_is_charged():
    assert venue(with_perp=False).book.unit_state(1).maintenance == 100 * UNIT


def test_expiry_settlement_pays_and_conserves():
    state = venue()
    assert apply(state, Settle(99 * S, "BTC-C", 200)).rejection.code is Refused.NOT_EXPIRED
    assert apply(state, Settle(100 * S, "BTC-PERP", 200)).rejection.code is Refused.NOT_EXPIRED
    outcome = apply(state, Settle(100 * S, "BTC-C", 200))
    assert outcome.rejection is None
    # 2 coins x (200 - 50) = 300 from writer to buyer.
    assert [state.cash_minor(a, 0) // UNIT for a in (0, 1)] == [800, 100]
    assert state.book.positions_of(0) == state.book.positions_of(1) == []
    check_all(state)


def test_expiry_worthless_option_settles_at_zero():
    state = venue()
    assert apply(state, Settle(100 * S, "BTC-C", 0)).rejection is None
    assert [state.cash_minor(a, 0) // UNIT for a in (0, 1)] == [400, 500]
    check_all(state)


def test_expiry_a_writer_short_of_money_leaves_a_loss_that_is_allocated():
    state = venue()
    apply(state, Settle(100 * S, "BTC-C", 400))  # 700 owed, 400 there
    apply(state, Resolve(101 * S))
    (row,) = state.deficits
    assert (row.account, row.recognised, row.pending) == ("writer", 300 * UNIT, 300 * UNIT)
    check_all(state)


def test_trades_need_initial_margin_for_options_too():
    state = venue()
    refused = apply(state, Trade(S, "buyer", "writer", "BTC-C", 5, 50)).rejection
    assert refused.code is Refused.INSUFFICIENT_MARGIN
    assert refused.detail["account"] == "writer"


def test_expiry_a_trade_too_large_for_its_charge_is_refused_whole():
    # The lots fit at the option's own price; the writer's charge, on the strike, would not.
    made = Instrument.of(
        "BTC-C", USDC, base="BTC", quote="USD", lot=Fraction(1), mark_scale=0, brackets=FLAT, kind=Kind.OPTION,
        expiry_ns=100 * S, strike=10**9, right=Right.CALL,
    )  # fmt: skip
    rich = 2 * 10**17
    state = open_state(snapshot({"buyer": rich, "writer": rich}, [], [made], marks={"BTC-C": 1}), policy(), {})
    apply(state, Marks(S, {"BTC-C": 1}))
    before = state_hash(state)
    outcome = apply(state, Trade(2 * S, "buyer", "writer", "BTC-C", 12_000_000, 1))
    assert outcome.rejection is not None, outcome
    assert outcome.rejection.code in (Refused.OVERFLOW, Refused.INSUFFICIENT_MARGIN)
    assert state_hash(state) == before
    check_all(state)

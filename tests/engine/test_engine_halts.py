"""Halts of a policy in the engine. Ids halts-*. Source: withdrawal gate after a deleveraging that did not fill
(dYdX v4), criteria and expiry fixed beforehand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from tests.books import FLAT, USDC, perp, policy, snapshot
from tests.explained import ledger_names, unexplained

from seawall.engine import Deposit, Fill, Marks, Resolve, Trade, Withdraw, apply, check_all, event_to_plain, open_state
from seawall.engine.events import Deleveraged, HaltBegan, HaltEnded
from seawall.errors import PolicyError
from seawall.market import Instrument
from seawall.money import Asset

UNIT, SECOND = 10**6, 10**9
GATE = {
    "kind": "withdrawals",
    "starts": [{"measure": "unpaid", "is": "above", "threshold": "0"}],
    "length_s": 50,
    "longest_s": 100,
    "rest_s": 10,
}


def venue(**changes):
    rules = policy(**{"layers": [], "deleverage": None, "halts": [GATE], **changes})
    book = snapshot(
        {"ann": 200 * UNIT, "bob": 900 * UNIT, "cyd": 900 * UNIT, "fund": 50 * UNIT},
        [("ann", "BTC-PERP", 1, 1000), ("bob", "BTC-PERP", -1, 1000)],
        [perp("BTC-PERP")],
        roles={"fund": "fund"},
        marks={"BTC-PERP": 1000},
    )
    return open_state(book, rules, {}, 0)


def do(state, command):
    outcome = apply(state, command)
    plain = [event_to_plain(e) for e in outcome.events]
    scales = {a.name: a for a in state.snapshot.assets}
    assert not unexplained(plain, outcome.transfers, ledger_names(state), scales), plain
    check_all(state)
    return outcome


def test_halts_a_gate_closes_on_its_criterion_and_opens_by_itself():
    state = venue()
    assert do(state, Withdraw(0, "cyd", "USDC", UNIT)).rejection is None
    do(state, Marks(SECOND, {"BTC-PERP": 700}))
    seen = do(state, Resolve(3 * SECOND)).events
    began = [e for e in seen if isinstance(e, HaltBegan)]
    assert [(e.halt, e.until_ns) for e in began] == [("withdrawals", 53 * SECOND)], seen
    refused = do(state, Withdraw(4 * SECOND, "cyd", "USDC", UNIT)).rejection
    assert refused is not None and refused.code.value == "halted", refused
    assert do(state, Deposit(5 * SECOND, "cyd", "USDC", UNIT)).rejection is None
    assert do(state, Trade(5 * SECOND, "cyd", "bob", "BTC-PERP", 1, 700)).rejection is None
    ended = do(state, Marks(60 * SECOND, {"BTC-PERP": 700})).events
    assert [e.halt for e in ended if isinstance(e, HaltEnded)] == ["withdrawals"], ended
    paid = do(state, Withdraw(61 * SECOND, "cyd", "USDC", 100 * UNIT))
    assert paid.rejection is None, "the right to withdraw survived the gate"


def test_halts_never_last_longer_than_their_expiry():
    state, began = venue(), []
    for second in range(1, 140, 7):
        do(state, Marks(second * SECOND, {"BTC-PERP": 700}))
        for event in do(state, Resolve((second + 2) * SECOND)).events:
            if isinstance(event, HaltBegan):
                began.append(event.since_ns)
    first = 3 * SECOND
    refused = do(state, Withdraw(142 * SECOND, "cyd", "USDC", UNIT)).rejection
    assert began[0] == first
    # 100 s after it began the gate is open for the rest of 10 s, whatever is observed.
    state = venue()
    do(state, Marks(SECOND, {"BTC-PERP": 700}))
    for second in (3, 40, 80, 103):
        do(state, Resolve(second * SECOND))
    assert do(state, Withdraw(104 * SECOND, "cyd", "USDC", UNIT)).rejection is None, refused


def test_halts_a_deleveraging_switch_lets_nobody_be_closed_until_it_is_on():
    switch = {
        "kind": "deleveraging",
        "starts": [{"measure": "fund", "is": "below", "threshold": "10"}],
        "length_s": 1000,
        "longest_s": 1000,
        "rest_s": 1,
    }
    layers = [
        {"name": "deleveraging", "kind": "deleverage"},
        {"name": "fund", "kind": "account", "account": "fund"},
    ]
    changes = {"layers": layers, "deleverage": {"rank": "pro_rata", "price": "bankruptcy"}, "halts": [switch]}
    state = venue(**changes)
    do(state, Marks(SECOND, {"BTC-PERP": 700}))
    first = do(state, Resolve(3 * SECOND)).events
    assert not any(isinstance(e, Deleveraged) for e in first), "the fund still has 50"
    assert any(isinstance(e, HaltBegan) for e in first), first
    do(state, Marks(4 * SECOND, {"BTC-PERP": 690}))
    second = do(state, Resolve(6 * SECOND)).events
    assert any(isinstance(e, Deleveraged) for e in second), second


def test_halts_a_trading_halt_refuses_trades_and_not_liquidation():
    state = venue(halts=[{**GATE, "kind": "trading"}])
    do(state, Marks(SECOND, {"BTC-PERP": 835}))
    number = next(iter(state.intents))
    do(state, Marks(2 * SECOND, {"BTC-PERP": 700}))
    do(state, Resolve(2 * SECOND))
    refused = do(state, Trade(2 * SECOND, "cyd", "bob", "BTC-PERP", 1, 700)).rejection
    assert refused is not None and refused.code.value == "halted"
    if number in state.intents:
        assert do(state, Fill(2 * SECOND, number, "outside", 1, 835)).rejection is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"starts": []}, "starts"),
        ({"length_s": 0}, "length_s"),
        ({"longest_s": 10}, "length_s"),
        ({"starts": [{"measure": "mood", "is": "above", "threshold": "0"}]}, "measure"),
        ({"starts": [{"measure": "fund", "is": "near", "threshold": "0"}]}, "is"),
    ],
)
def test_halts_a_policy_that_could_close_for_ever_is_refused(change, field):
    with pytest.raises(PolicyError) as error:
        policy(halts=[{**GATE, **change}])
    assert field in error.value.field, str(error.value)


def test_halts_a_gate_closes_after_an_outage():
    """No marks for five minutes: withdrawals wait 50 s from the first ones on. Source: dYdX v4, chain outage."""
    outage = {"measure": "outage", "is": "at_least", "threshold": "300"}
    state = venue(halts=[{**GATE, "starts": [outage]}])
    for at in (1, 300, 599):
        assert not do(state, Marks(at * SECOND, {"BTC-PERP": 1000})).rejection
        assert do(state, Withdraw(at * SECOND, "cyd", "USDC", UNIT)).rejection is None, at
    seen = do(state, Marks(899 * SECOND, {"BTC-PERP": 1000})).events
    assert [(e.halt, e.until_ns) for e in seen if isinstance(e, HaltBegan)] == [("withdrawals", 949 * SECOND)], seen
    do(state, Resolve(901 * SECOND))  # no new sign of an outage: the halt is not drawn out
    assert do(state, Withdraw(948 * SECOND, "cyd", "USDC", UNIT)).rejection is not None
    assert do(state, Withdraw(949 * SECOND, "cyd", "USDC", UNIT)).rejection is None


def test_halts_trading_stops_when_a_price_moves_too_far_between_two_marks():
    """Four per cent is within, five is not; falls and rises alike. Source: circuit breakers of exchanges."""
    move = {"measure": "move", "is": "at_least", "threshold": "1/20"}
    for mark, stops in ((960, False), (950, True), (1049, False), (1050, True)):
        state = venue(halts=[{**GATE, "kind": "trading", "starts": [move]}])
        do(state, Marks(SECOND, {"BTC-PERP": 1000}))
        do(state, Marks(2 * SECOND, {"BTC-PERP": mark}))
        refused = do(state, Trade(3 * SECOND, "cyd", "bob", "BTC-PERP", 1, mark)).rejection
        assert (refused is not None) == stops, (mark, refused)
        do(state, Resolve(3 * SECOND))
        assert do(state, Trade(53 * SECOND, "cyd", "bob", "BTC-PERP", 1, mark)).rejection is None, mark


MOVE = {"kind": "trading", "starts": [{"measure": "move", "is": "at_least", "threshold": "1/20"}], "length_s": 5}


def two_markets(first, **changes):
    rules = policy(deleverage=None, layers=[], house=[], halts=[{**MOVE, "longest_s": 5, "rest_s": 2, **changes}])
    book = snapshot(
        {"ann": {first.settle.name: 10**10}}, [], [first, perp("ETH-PERP")], assets=tuple(dict.fromkeys((first.settle, USDC))),
        marks={first.symbol: 1_000, "ETH-PERP": 100},
    )  # fmt: skip
    return open_state(book, rules, {m: (1_000, 100)[m] for m in (0, 1)}, 0)


def test_halts_a_market_that_has_moved_and_is_silent_since_starts_no_new_halt():
    """BTC moves by 10 % at 1 s and is silent; marks of ETH alone began the halt anew whenever it had rested."""
    state = two_markets(perp())
    do(state, Marks(SECOND, {"BTC-PERP": 1_100}))
    began = [
        at
        for at in range(2, 40)
        if any(isinstance(e, HaltBegan) for e in do(state, Marks(at * SECOND, {"ETH-PERP": 100})).events)
    ]
    assert began == [], began


@pytest.mark.parametrize(("mark", "stops"), [(960, False), (950, True), (1_049, False), (1_051, True)])
def test_halts_a_move_of_a_coin_margined_market_is_one_of_its_price(mark, stops):
    """The value in coin moves by another share than the price: 950 from 1,000 is 5 %, its value 5.26 %."""
    coin = Asset.of("BTC", 8, 8)
    market = Instrument.of(
        "BTC-USD", coin, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0, brackets=FLAT, inverse=True
    )
    state = two_markets(market)
    seen = do(state, Marks(SECOND, {"BTC-USD": mark})).events
    assert any(isinstance(e, HaltBegan) for e in seen) == stops, (mark, state.observed)


def test_halts_marks_of_no_market_hide_no_outage():
    outage = {"starts": [{"measure": "outage", "is": "at_least", "threshold": "300"}]}
    state = two_markets(perp(), **outage)
    do(state, Marks(SECOND, {"BTC-PERP": 1_000}))
    for at in range(100, 900, 100):
        assert not any(isinstance(e, HaltBegan) for e in do(state, Marks(at * SECOND, {})).events), at
    seen = do(state, Marks(901 * SECOND, {"BTC-PERP": 1_000})).events
    assert any(isinstance(e, HaltBegan) for e in seen), state.observed

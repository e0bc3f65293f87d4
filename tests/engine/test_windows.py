"""Close-outs within a market's window of capacity. Ids window-*.

Source: Synthetixio/synthetix-v3 perps-market, maxLiquidationAmountInWindow and the vector snx-001: capacity = (maker fee +
taker fee) x skew scale x multiplier x seconds; each call closes min(position, capacity - used). There the skew scale is in
coins; here depth is money, so that at the mark of the opening both say the same.
"""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.books import FLAT, perp, policy, snapshot
from tests.crashes import LINEAR, crash
from tests.explained import ledger_names, unexplained
from tests.views.test_decision import write

from seawall.engine import Fill, Marks, Resolve, Settle, apply, check_all, event_to_plain, open_state
from seawall.engine.events import CloseOutHeld, IntentOpened, TakenOver
from seawall.engine.state import state_lines
from seawall.errors import PolicyError
from seawall.journal import open_run
from seawall.liquidation import close_in_window, room_for
from seawall.market import Instrument
from seawall.money import Asset
from seawall.replay import replay
from seawall.tables import policy_from_mapping
from seawall.tables.policy_file import policy_to_mapping
from seawall.views import explain

UNIT, S = 10**6, 10**9
SNX = {"fee": "1/100", "depth": "1000000", "multiplier": "1", "window_s": 10}  # 1,000 coins at 1,000: 100 lots
BTC = Asset.of("BTC", 8, 8)


def rules(window=SNX, pace=None, limit="market", **more):
    liquidation = {
        "deadline_s": 1,
        "pace": pace or {"kind": "at_once"},
        "limit": {"kind": limit},
        "fee": {"kind": "none"},
        "window": window,
    }
    return policy(
        liquidation={k: v for k, v in liquidation.items() if v is not None},
        **{"layers": [], "deleverage": None, "house": [], **more},
    )


def venue(sizes, policy_, *, cash=50, markets=None, asset=None, **roles):
    """Longs of so many lots at 1,000 with ``cash`` a lot (5 % maintenance is 50), everything against ``bob``."""
    markets = markets or [perp()]
    symbol, held = (
        markets[0].symbol,
        {"bob": 10**12, **{n: lots * (cash if isinstance(cash, int) else cash[n]) * UNIT for n, lots in sizes.items()}},
    )
    positions = [(n, symbol, lots, 1_000) for n, lots in sizes.items()]
    book = snapshot(
        {**held, **dict.fromkeys(roles, 10**12)},
        [*positions, ("bob", symbol, -sum(sizes.values()), 1_000)],
        markets,
        roles=roles,
        marks={m.symbol: 1_000 for m in markets},
        **({"assets": [asset]} if asset else {}),
    )
    return open_state(book, policy_, {}, 0)


def do(state, command):
    outcome = apply(state, command)
    assert outcome.rejection is None, (command, outcome.rejection)
    plain = [event_to_plain(e) for e in outcome.events]
    assert not unexplained(plain, outcome.transfers, ledger_names(state), {a.name: a for a in state.snapshot.assets})
    check_all(state)
    return outcome.events


def orders(events):
    return [(e.account, abs(e.lots)) for e in events if isinstance(e, IntentOpened)]


def held(events):
    return [(e.account, e.asked, e.lots) for e in events if isinstance(e, CloseOutHeld)]


def fill_all(state):
    for number, intent in sorted(state.intents.items()):
        do(state, Fill(state.time_ns, number, "bob", abs(intent.lots), state.marks[intent.market]))


def test_window_snx_001_closes_100_of_150_and_50_when_the_window_has_passed():
    state = venue({"ann": 150}, rules(), cash=16)
    events = do(state, Marks(S, {"BTC-PERP": 1_000}))
    assert orders(events) == [("ann", 100)]
    (event,) = (e for e in events if isinstance(e, CloseOutHeld))
    assert (event.asked, event.lots, event.capacity, event.closed, event.open) == (150, 100, 100_000 * UNIT, 0, 0)
    fill_all(state)
    assert state.book.position(1, 0)[0] == 50, "position_after of the vector"
    assert held(do(state, Marks(10 * S, {"BTC-PERP": 1_000}))) == [("ann", 50, 0)], "nine seconds later it waits"
    assert not held(do(state, Marks(10 * S, {"BTC-PERP": 1_000}))), "and says so once"
    assert orders(do(state, Marks(11 * S, {"BTC-PERP": 1_000}))) == [("ann", 50)], "ten seconds later there is room"


def test_window_open_orders_count_and_what_lapses_gives_its_room_back():
    state = venue({"ann": 60, "cyd": 60, "dan": 60}, rules(), cash=49)
    events = do(state, Marks(S, {"BTC-PERP": 1_000}))
    assert orders(events) == [("ann", 60), ("cyd", 40)], "in the order of accounts, nothing of it filled yet"
    assert held(events) == [("cyd", 60, 40), ("dan", 60, 0)]
    do(state, Resolve(2 * S))
    # All room is back: dan has waited, so it goes first; the others take turns by number.
    assert orders(do(state, Marks(3 * S, {"BTC-PERP": 1_000}))) == [("dan", 60), ("ann", 40)]
    do(state, Resolve(4 * S))
    assert orders(do(state, Marks(5 * S, {"BTC-PERP": 1_000}))) == [("cyd", 60), ("ann", 40)]


def test_window_nobody_starves_behind_orders_that_nobody_takes():
    """Ten accounts, room for one and a half of them, a market that answers no order: everyone gets its turn."""
    names = [f"m{i}" for i in range(10)]
    state = venue(dict.fromkeys(names, 60), rules({**SNX, "depth": "900000"}), cash=49)
    turns: Counter[str] = Counter()
    for step in range(40):
        turns.update(n for n, _ in orders(do(state, Marks((2 * step + 1) * S, {"BTC-PERP": 1_000}))))
        do(state, Resolve((2 * step + 2) * S))
    assert set(turns) == set(names), turns
    assert max(turns.values()) <= 2 * min(turns.values()), turns


def test_window_capacity_below_one_lot_lets_one_lot_through_an_empty_window():
    state = venue({"ann": 3, "cyd": 2}, rules({**SNX, "depth": "50000"}), cash=49)  # capacity 5,000: 5 lots
    assert orders(do(state, Marks(S, {"BTC-PERP": 1_000}))) == [("ann", 3), ("cyd", 2)]
    state = venue({"ann": 3, "cyd": 2}, rules({**SNX, "depth": "9000"}), cash=15)  # capacity 900, a lot is 1,000
    closed = []
    for step in range(6):
        events = do(state, Marks((10 * step + 1) * S, {"BTC-PERP": 1_000}))
        closed += orders(events)
        fill_all(state)
        do(state, Resolve((10 * step + 3) * S))
    assert closed == [("ann", 1), ("cyd", 1), ("ann", 1), ("cyd", 1), ("ann", 1)], "one lot a window, in turns"


def test_window_by_tier_bounds_each_market_by_itself():
    window = {**SNX, "depth": {"major": "1000000", "other": "200000"}}
    both = [perp("BTC-PERP"), perp("DOGE-PERP")]
    book = snapshot(
        {"bob": 10**12, "ann": 2 * 150 * 49 * UNIT},
        [(n, m.symbol, side * 150, 1_000) for n, side in (("ann", 1), ("bob", -1)) for m in both],
        both,
        marks={m.symbol: 1_000 for m in both},
    )
    state = open_state(book, rules(window, tiers={"major": ["BTC"]}), {}, 0)
    events = do(state, Marks(S, {"BTC-PERP": 1_000, "DOGE-PERP": 1_000}))
    assert sorted((e.market, abs(e.lots)) for e in events if isinstance(e, IntentOpened)) == [
        ("BTC-PERP", 100),
        ("DOGE-PERP", 20),
    ]


def test_window_of_a_coin_margined_market_counts_contracts_at_any_mark():
    """Contracts of 100 dollars: 1 % of 100,000 x 10 s is 10,000 dollars, 100 contracts, at 1,000 and at 960 alike."""
    coin = Instrument.of(
        "BTC-USD", BTC, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0, brackets=FLAT, inverse=True
    )
    book = snapshot(
        {"bob": 10**12, "ann": 80_000_000},
        [("ann", "BTC-USD", 150, 1_000), ("bob", "BTC-USD", -150, 1_000)],
        [coin],
        assets=[BTC],
        marks={"BTC-USD": 1_000},
    )
    state = open_state(book, rules({**SNX, "depth": "100000"}), {}, 0)
    (event,) = (e for e in do(state, Marks(S, {"BTC-USD": 960})) if isinstance(e, CloseOutHeld))
    assert (event.asked, event.lots, event.capacity) == (150, 100, 100)


def test_window_a_fall_of_the_mark_does_not_make_room():
    """What counts is worth what it was when ordered: 60 lots at 1,000 leave 40,000, which are 44 lots at 900."""
    state = venue({"ann": 60, "cyd": 60}, rules(), cash={"ann": 49, "cyd": 120})
    assert orders(do(state, Marks(S, {"BTC-PERP": 1_000}))) == [("ann", 60)]
    fill_all(state)
    assert orders(do(state, Marks(2 * S, {"BTC-PERP": 900}))) == [("cyd", 44)]


def test_window_does_not_bound_the_backstop():
    vault = {"account": "vault", "takes_below": "1", "over_limit": "deleverage", "work_out_share": "1"}
    policy_ = rules(backstop=vault, house=[{"name": "vault", "role": "backstop"}])
    state = venue({"ann": 150}, policy_, cash=49, vault="backstop")
    events = do(state, Marks(S, {"BTC-PERP": 1_000})) + do(state, Resolve(2 * S))
    assert [e.positions for e in events if isinstance(e, TakenOver)] == [(("BTC-PERP", 150),)]
    assert [abs(e.lots) for e in do(state, Marks(3 * S, {"BTC-PERP": 1_000})) if isinstance(e, IntentOpened)] == [150]
    assert not state.windows.open(0), "its own sales do not count"


def test_window_waiting_is_no_attempt():
    """Half first, the rest 5 s after: cyd waits for 10 s, and its first attempt is still a half."""
    pace = {"kind": "share", "share": "1/2", "cooldown_s": 5}
    state = venue({"ann": 200, "cyd": 40}, rules(pace=pace), cash=24)
    events = do(state, Marks(S, {"BTC-PERP": 1_000}))
    assert orders(events) == [("ann", 100)] and held(events) == [("cyd", 20, 0)]
    fill_all(state)
    assert orders(do(state, Marks(11 * S, {"BTC-PERP": 1_000}))) == [("cyd", 20), ("ann", 80)]


def test_window_settlement_of_the_market_takes_its_orders_out():
    future = Instrument.of(
        "BTC-F", perp().settle, base="BTC", quote="USD", lot=Fraction(1), mark_scale=0, brackets=FLAT,
        kind="future", expiry_ns=5 * S,
    )  # fmt: skip
    state = venue({"ann": 150}, rules(), cash=49, markets=[future])
    do(state, Marks(S, {"BTC-F": 1_000}))
    assert state.windows.open(0) == 100_000 * UNIT
    do(state, Settle(5 * S, "BTC-F", 1_000))
    assert state.windows.open(0) == 0


def test_window_is_in_the_state_only_when_used():
    plain, bounded = (venue({"ann": 150, "cyd": 9}, rules(w), cash=49) for w in (None, SNX))

    def own(state):
        return [x for x in state_lines(state) if x.startswith(("window", "waits"))]

    assert own(bounded) == []
    for state in (plain, bounded):
        do(state, Marks(S, {"BTC-PERP": 1_000}))
    assert own(plain) == [] and own(bounded) == ["waits 2 [(0, 1)]"]
    intents = [next(x for x in state_lines(s) if x.startswith("intent 1 ")).split() for s in (plain, bounded)]
    assert len(intents[0]) + 1 == len(intents[1]) and intents[1][-1] == str(1_000 * UNIT)
    fill_all(bounded)
    assert own(bounded)[1:] == [f"window 0 [({S}, {100_000 * UNIT})]"]


@given(
    lots=st.integers(0, 10**6),
    worth=st.integers(1, 10**9),
    capacity=st.integers(0, 10**12),
    closed=st.integers(0, 10**12),
    open_=st.integers(0, 10**12),
)
def test_window_room_is_the_vectors_rule_in_whole_lots(lots, worth, capacity, closed, open_):
    """close_in_window (held against the vectors) on notional, rounded down to lots; one lot of an empty window."""
    found = room_for(lots, worth, capacity=capacity, filled=closed, open_=open_)
    whole = close_in_window(Fraction(lots * worth), Fraction(capacity), Fraction(closed + open_)).closed
    expected = whole // worth
    if not closed and not open_ and lots:
        expected = max(expected, 1)
    assert found == expected, (lots, worth, capacity, closed, open_)


def test_window_in_a_crash_no_stretch_of_time_closes_more_than_the_capacity(tmp_path):
    """2,000 accounts, 40 %: per market, fills at the worth of a lot when ordered, over every window that ends at a fill."""
    window = {"fee": "1/1000", "depth": "20000000", "multiplier": "1/10", "window_s": 300}
    base = policy_to_mapping(rules(None, layers=[{"name": "fund", "kind": "account", "account": "fund"}],
                                   house=[{"name": "fund", "role": "fund"}]))  # fmt: skip
    bounded = policy_from_mapping({**base, "liquidation": {**base["liquidation"], "window": window}})
    most, free = 600_000 * UNIT, policy_from_mapping(base)  # 20m / 1,000 / 10 x 300
    used = []
    for policy_ in (bounded, free):
        run = replay("generate:accounts=2000,seed=7", crash(LINEAR), policy_, out=tmp_path / str(len(used)))
        check_all(run.state)
        used.append(max(stretches(run.path, 300 * S)))
        assert run.summary["conservation"]["ok"]
    assert most // 2 < used[0] <= most < used[1], (used, most)


def stretches(path, length_ns):
    """Notional closed in the window that ends at each fill, by market."""
    run = open_run(path)
    instruments = {i.symbol: i for i in run.book().instruments}
    worth, ordered, done, command = {}, {}, {}, {}
    with run.log.open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            command = record.get("c", command)  # what it did stands in the next line
            for symbol, mark in command.get("marks", {}).items():
                worth[symbol] = instruments[symbol].unit_value(mark)
            for e in record.get("e", ()):
                if e["kind"] == "intent_opened":
                    ordered[e["intent"]] = worth[e["market"]]
                elif e["kind"] == "filled":
                    done.setdefault(e["market"], []).append((command["time_ns"], abs(e["lots"]) * ordered[e["intent"]]))
    for fills in done.values():
        for end, _ in fills:
            yield sum(n for t, n in fills if end - length_ns < t <= end)


def test_window_explain_says_who_was_left_waiting_and_why(tmp_path):
    policy_ = rules()
    state = venue({"ann": 150, "cyd": 9}, policy_, cash=49)
    path, _ = write(tmp_path / "run", state, state.snapshot, policy_, [Marks(S, {"BTC-PERP": 1_000}), Resolve(3 * S)])
    found = explain(path, "cyd")
    (waits,) = (d for d in found.decisions if d.event["kind"] == "close_out_held")
    assert waits.words.endswith(
        "close-out of 9 BTC of BTC-PERP was left waiting: the market's window of 10 s takes 100,000.00 USDC, and 100.0% of it "
        "was used (0 USDC closed, 100,000.00 USDC in open orders)"
    ), waits.words
    assert ("liquidation.window.depth", "1000000") in [tuple(k) for k in waits.keys]
    text = found.text(80)
    assert "left waiting" in text and "window.room" in text, text


@pytest.mark.parametrize("change", [{"fee": "0"}, {"multiplier": "0"}, {"window_s": 0}, {"depth": "0"}])
def test_window_that_can_never_close_anything_is_refused(change):
    with pytest.raises(PolicyError, match="nothing could be closed"):
        rules({**SNX, **change})

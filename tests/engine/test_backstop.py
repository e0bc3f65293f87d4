"""What the backstop may hold in one market, and where its surplus goes. Ids backstop-*.

Sources: limits of what a vault may hold in one market, asked for after the JELLY event of 26 March 2025 (press); Vega's
insurance pool, which earns what the network party makes of positions it closed out (vegaprotocol/vega, 0012-POSR).
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import FLAT, perp, policy, snapshot
from tests.crashes import LINEAR, crash
from tests.explained import ledger_names, unexplained

from seawall.engine import DeclareLoss, Fill, Marks, Resolve, apply, check_all, event_to_plain, open_state
from seawall.engine.events import Deleveraged, DeleverageShared, LossRecognised, SurplusPassed, TakenOver
from seawall.market import Instrument
from seawall.money import Asset
from seawall.replay import replay
from seawall.tables import read_policy

UNIT, S = 10**6, 10**9
MARKETS = ("BTC-PERP", "DOGE-PERP")
VAULT = {
    "account": "vault",
    "takes_below": "1",
    "takes_bankrupt": True,
    "over_limit": "deleverage",
    "work_out_share": "1",
}
HOUSE = [{"name": "vault", "role": "backstop"}, {"name": "fund", "role": "fund"}]
FUND = {"name": "fund", "kind": "account", "account": "fund"}


def rules(price="mark", **vault):
    return policy(
        backstop={**VAULT, **vault},
        layers=[FUND, {"name": "deleveraging", "kind": "deleverage"}],
        deleverage={"rank": "profit_leverage", "price": price},
        house=HOUSE,
        tiers={"major": ["BTC"]},
    )


def venue(rules_, sizes, *, cash=60, vault=10_000, extra=()):
    """ann holds so many lots by market at 1,000 with ``cash`` a lot, against bob; the vault has what it is given."""
    lots = sum(map(abs, sizes.values()))
    positions = [row for m, n in sizes.items() if n for row in (("ann", m, n, 1_000), ("bob", m, -n, 1_000))]
    book = snapshot(
        {"ann": lots * cash * UNIT, "bob": 10**12, "cyd": 10**12, "vault": vault * UNIT, "fund": 0},
        [*positions, *extra],
        [perp(m) for m in MARKETS],
        roles={"vault": "backstop", "fund": "fund"},
        marks=dict.fromkeys(MARKETS, 1_000),
    )
    return open_state(book, rules_, {}, 0)


def do(state, command):
    outcome = apply(state, command)
    assert outcome.rejection is None, (command, outcome.rejection)
    plain = [event_to_plain(e) for e in outcome.events]
    wrong = unexplained(plain, outcome.transfers, ledger_names(state), {a.name: a for a in state.snapshot.assets})
    assert not wrong, (wrong, plain)
    check_all(state)
    return list(outcome.events)


def fall(state, mark=980):
    return do(state, Marks(S, dict.fromkeys(MARKETS, mark))) + do(state, Resolve(3 * S))


def held(state, name="vault"):
    return {state.instrument(m).symbol: n for m, n, _ in state.book.positions_of(state.account_index[name])}


def shared(events):
    return [(e.market, e.lots, e.why[0][0]) for e in events if isinstance(e, DeleverageShared)]


# --- limits by market ------------------------------------------------------------------------------------------------


def test_backstop_market_limit_passes_on_the_excess_of_that_market_only():
    """10 lots of each at 980; at most 5,000 in one market: 5 of DOGE stay (4,900), at most 100,000 of a major."""
    limit = {"major": "100000", "other": "5000"}
    state = venue(rules(max_notional_per_market=limit), {"BTC-PERP": 10, "DOGE-PERP": 10})
    assert shared(fall(state)) == [("DOGE-PERP", 5, "backstop.over_market")]
    assert held(state) == {"BTC-PERP": 10, "DOGE-PERP": 5}


def test_backstop_market_limit_then_the_limit_over_all_of_the_rest():
    """10 and 10 at 980: 5 of each by market (9,800 left); then 5,880 over all: 2 of each 5, by the same part."""
    state = venue(rules(max_notional_per_market="5000", max_notional="5880"), {"BTC-PERP": 10, "DOGE-PERP": 10})
    assert shared(fall(state)) == [
        ("BTC-PERP", 5, "backstop.over_market"),
        ("BTC-PERP", 2, "backstop.over_notional"),
        ("DOGE-PERP", 5, "backstop.over_market"),
        ("DOGE-PERP", 2, "backstop.over_notional"),
    ]
    assert held(state) == {"BTC-PERP": 3, "DOGE-PERP": 3}


def test_backstop_market_limit_at_the_mark_before():
    state = venue(rules("previous_mark", max_notional_per_market="5000"), {"DOGE-PERP": 10})
    events = fall(state)
    assert shared(events) == [("DOGE-PERP", 5, "backstop.over_market")]
    (taken,) = (e for e in events if isinstance(e, Deleveraged))
    assert taken.cost == 5 * 20 * UNIT, "bob buys 5 back at 1,000 where the mark is 980"


def test_backstop_made_bankrupt_by_its_own_deleveraging_defaults_at_once():
    """Long 10 DOGE, short 10 BTC, 50 in cash; both at 1,100: one DOGE is over 10,000 and is closed at 1,000, the mark
    before. That costs 100: the 50 it is short of are a loss of the same Resolve, not of a later one."""
    hedge = [("vault", "DOGE-PERP", 10, 1_000), ("cyd", "DOGE-PERP", -10, 1_200)]
    hedge += [("vault", "BTC-PERP", -10, 1_000), ("cyd", "BTC-PERP", 10, 1_000)]
    limit = {"major": "1000000", "other": "10000"}
    state = venue(rules("previous_mark", max_notional_per_market=limit), {}, vault=50, extra=hedge)
    events = fall(state, 1_100)
    assert shared(events)[0] == ("DOGE-PERP", 1, "backstop.over_market"), shared(events)
    assert [(e.account, e.amount) for e in events if isinstance(e, LossRecognised)] == [("vault", 50 * UNIT)], events
    assert all(state.book.unit_state(u).equity >= 0 for u in state.book.unit_ids_of(state.backstop)), events


@pytest.mark.parametrize(("limit", "takes"), [("9799", False), ("9800", True)])
def test_backstop_market_limit_that_refuses_takes_no_account_beyond_it(limit, takes):
    """10 lots at 980 are 9,800: a unit less and the whole account is left to the others."""
    state = venue(rules(over_limit="refuse", max_notional_per_market=limit), {"BTC-PERP": 2, "DOGE-PERP": 10})
    events = fall(state)
    assert any(isinstance(e, TakenOver) for e in events) == takes, events


def test_backstop_market_limit_that_refuses_takes_what_makes_its_position_smaller():
    """It holds 20 short in DOGE, over its limit already: 10 long of ann make it 10 short."""
    extra = [("vault", "DOGE-PERP", -20, 1_000), ("cyd", "DOGE-PERP", 20, 1_000)]
    refuse = rules(over_limit="refuse", max_notional_per_market="9000")
    state = venue(refuse, {"DOGE-PERP": 10}, extra=extra)
    do(state, Marks(S, dict.fromkeys(MARKETS, 980)))
    events = do(state, Resolve(3 * S))
    assert [e.account for e in events if isinstance(e, TakenOver)] == ["ann"]


def test_backstop_market_limit_the_jelly_squeeze():
    """A short taken over in a thin market whose mark then runs: at most 20,000 there, whatever the mark does.

    398 lots short come at 52: 384 are at most 20,000; at 100 it keeps 200 of them, at 200 half of those.
    """
    limit = rules(max_notional_per_market={"major": "1000000", "other": "20000"})
    book = snapshot(
        {"ann": 1_000 * UNIT, "bob": 10**12, "vault": 10**11, "fund": 0},
        [("ann", "DOGE-PERP", -398, 50), ("bob", "DOGE-PERP", 398, 50)],
        [perp(m) for m in MARKETS],
        roles={"vault": "backstop", "fund": "fund"},
        marks={"BTC-PERP": 1_000, "DOGE-PERP": 50},
    )
    state = open_state(book, limit, {}, 0)
    kept = []
    for step, mark in enumerate((52, 100, 200)):
        do(state, Marks((3 * step + 1) * S, {"DOGE-PERP": mark}))
        do(state, Resolve((3 * step + 3) * S))
        kept.append(held(state)["DOGE-PERP"])
    assert kept == [-384, -200, -100], kept


def test_backstop_market_limit_of_a_coin_margined_market_counts_contracts():
    """Contracts of 100 dollars: 5,000 dollars are 50 of them, at any mark."""
    btc = Asset.of("BTC", 8, 8)
    coin = Instrument.of(
        "BTC-USD", btc, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0, brackets=FLAT, inverse=True
    )
    book = snapshot(
        {"ann": 10**8, "bob": 10**12, "vault": 10**10, "fund": 0},
        [("ann", "BTC-USD", 80, 1_000), ("bob", "BTC-USD", -80, 1_000)],
        [coin],
        assets=[btc],
        roles={"vault": "backstop", "fund": "fund"},
        marks={"BTC-USD": 1_000},
    )
    state = open_state(book, rules(max_notional_per_market="5000"), {}, 0)
    events = do(state, Marks(S, {"BTC-USD": 930})) + do(state, Resolve(3 * S))
    assert shared(events) == [("BTC-USD", 30, "backstop.over_market")]


@given(
    sizes=st.tuples(st.integers(-30, 30), st.integers(-30, 30)),
    marks=st.lists(st.sampled_from([700, 930, 980, 1_020, 1_070, 1_400]), min_size=1, max_size=4),
    limits=st.tuples(st.integers(1, 30_000), st.integers(0, 30_000)),
    whole=st.none() | st.integers(30_001, 60_000),
)
@settings(max_examples=150, deadline=None)
def test_backstop_never_ends_a_resolve_beyond_its_limits_while_winners_remain(sizes, marks, limits, whole):
    """bob is on the other side of everything, rich: whatever may be passed on to a winner is."""
    vault = {"max_notional_per_market": {"major": str(limits[0]), "other": str(limits[1])}}
    if whole is not None:
        vault["max_notional"] = str(whole)
    state = venue(rules(**vault), dict(zip(MARKETS, sizes, strict=True)), cash=45, vault=100_000)
    for step, mark in enumerate(marks):
        do(state, Marks((3 * step + 1) * S, dict.fromkeys(MARKETS, mark)))
        do(state, Resolve((3 * step + 3) * S))
        notional = {m: abs(n) * mark for m, n in held(state).items()}
        for market, most in zip(MARKETS, limits, strict=True):
            other = held(state, "bob").get(market, 0)
            winner = other * (mark - 1_000) > 0  # bob's entry stays 1,000: he only closes
            assert notional.get(market, 0) <= most or not winner, (market, notional, most)


# --- surplus ---------------------------------------------------------------------------------------------------------


def passed(events):
    return [(e.account, e.to, e.amount) for e in events if isinstance(e, SurplusPassed)]


def test_backstop_surplus_goes_on_once_it_holds_nothing():
    """ann's 40 a lot stay with the vault while it holds her 10 lots; sold at the mark, all above 10,000 goes to the fund."""
    state = venue(rules(surplus_to="fund", surplus_above="10000"), {"DOGE-PERP": 10})
    assert not passed(fall(state)), "it still holds 10 lots"
    do(state, Marks(4 * S, {"DOGE-PERP": 990}))
    (number,) = state.intents
    do(state, Fill(4 * S, number, "bob", 4, 990))
    assert not passed(do(state, Resolve(5 * S))), "and 6 of them now"
    do(state, Marks(6 * S, {"DOGE-PERP": 990}))
    (number,) = state.intents
    do(state, Fill(6 * S, number, "bob", 6, 985))
    events = do(state, Resolve(8 * S))
    # 10 x 60 of margin came with 10 x 20 less; 4 sold at 10 better, 6 at 5 better than where they were taken: 470.
    assert passed(events) == [("vault", "fund", 470 * UNIT)]
    assert not passed(do(state, Resolve(9 * S))), "nothing twice"


def test_backstop_surplus_without_an_amount_is_all_it_has():
    state = venue(rules(surplus_to="fund"), {"DOGE-PERP": 10}, cash=1_000)
    assert passed(fall(state)) == [("vault", "fund", 10_000 * UNIT)], "its opening too: it keeps nothing"


def test_backstop_surplus_waits_for_its_own_unpaid_loss():
    """It takes a shortfall it cannot bear; the fund has nothing, the residual stands: what comes later stays with it."""
    state = venue(rules(surplus_to="fund"), {"DOGE-PERP": 10}, vault=0)
    fall(state)
    do(state, Marks(4 * S, {"DOGE-PERP": 800}))
    (number,) = state.intents
    do(state, Fill(4 * S, number, "bob", 10, 800))
    do(state, Resolve(6 * S))
    owed = [row.pending for row in state.deficits.unpaid() if row.account == "vault"]
    assert owed == [1_400 * UNIT], "400 of margin against 1,800"
    do(state, DeclareLoss(7 * S, "elsewhere", "USDC", UNIT, "custody"))
    assert not passed(do(state, Resolve(8 * S)))


def test_backstop_surplus_of_every_asset_keeps_the_amount_in_each():
    """Judged as a whole: 50 USDC are owed, 5 ETH at 100 are there: 500 - 50 may go, 4.5 ETH, in ETH."""
    eth = Asset.of("ETH", 6, 6)
    rules_ = policy(
        margin={"pool": "account", "rounding": "toward_fund", "numeraire": "USDC"},
        backstop={**VAULT, "surplus_to": "fund"},
        layers=[FUND],
        deleverage=None,
        house=HOUSE,
    )
    book = snapshot(
        {"ann": 10**9, "vault": {"USDC": -50 * UNIT, "ETH": 5 * UNIT}, "fund": 0},
        [],
        [perp()],
        assets=[perp().settle, eth],
        roles={"vault": "backstop", "fund": "fund"},
        marks={"BTC-PERP": 1_000},
    )
    state = open_state(book, rules_, {}, 0, indexes={"ETH": (100, 1)})
    do(state, Marks(S, {"BTC-PERP": 1_000}, {"ETH": (100, 1)}))
    events = do(state, Resolve(2 * S))
    assert [(e.asset, e.amount) for e in events if isinstance(e, SurplusPassed)] == [("ETH", 4_500_000)]
    assert state.book.unit_state(state.account_index["vault"]).equity == 0


def test_backstop_surplus_has_its_place_in_the_result():
    vega = read_policy("vega")  # with a market that takes all it offers at each step
    network = replace(vega.liquidation.backstop, work_out_share=Fraction(1))
    vega = replace(vega, liquidation=replace(vega.liquidation, backstop=network))
    done = replay("generate:accounts=2000,seed=7", crash(LINEAR, low=0.8), vega)
    pnl = {name: Fraction(text) for name, text in done.summary["backstop_pnl"].items()}
    assert pnl["passed_on"] < 0, pnl
    assert Fraction(done.summary["taken_over"]["pnl"]) == pnl["total"] - pnl["passed_on"], "what it earned"
    assert pnl.pop("total") == sum(pnl.values())
    (pool,) = (row for row in done.summary["layers"] if row["name"] == "pool")
    assert Fraction(pool["by_source"]["passed_on"]) == -pnl["passed_on"]
    assert Fraction(pool["after"]) - Fraction(pool["before"]) == sum(map(Fraction, pool["by_source"].values()))
    assert done.summary["conservation"]["ok"]

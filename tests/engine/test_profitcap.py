"""The profit cap of a pool: who is closed, how far, against whom. Ids profitcap-*.

Source: GMX v2, MAX_PNL_FACTOR_FOR_ADL 0.85 and MIN_PNL_FACTOR_AFTER_ADL 0.77 of its base configuration; the arithmetic
by hand. A pool of 1,000 and profits of 900: the share is 90 %. Paying x leaves (900 - x) of (1,000 - x): at the cap
x = (900 - 850) / 0.15 = 333.33, at the floor x = (900 - 770) / 0.23 = 565.21.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import perp, policy, snapshot
from tests.engine.test_explanations import run

from seawall.engine import DeclareLoss, Fill, Marks, Resolve, apply, check_all, open_state
from seawall.engine.events import (
    ClaimOpened,
    Deleveraged,
    Drawn,
    HaltBegan,
    LossCarried,
    LossRecognised,
    ProfitCapped,
)
from seawall.engine.profitcap import exact_sum, money_of, sides_of
from seawall.errors import InputError
from seawall.waterfall import ProfitCap

UNIT, S = 10**6, 10**9
BTC = "BTC-PERP"
POOL = {"name": "pool", "kind": "account", "account": "pool"}
HOUSE = [{"name": "pool", "role": "backstop"}]
CAP = {"account": "pool", "cap": "0.85", "floor": "0.77"}
RANKS = (
    "profit_leverage", "profit_margin_ratio", "pro_rata", "by_profit", "by_equity", "equal", "leverage", "risk_aware",
    "relief", "projection", "min_max", "walk",
)  # fmt: skip


def rules(rank="profit_leverage", **changes):
    given = {"layers": [POOL], "house": HOUSE, "profit_cap": CAP, "deleverage": {"rank": rank, "price": "mark"}}
    return policy(**{**given, **changes})


def venue(held, cash, terms=None, mark=1_000, markets=(BTC,)):
    book = snapshot(
        {name: amount * UNIT for name, amount in cash.items()},
        held,
        [perp(m) for m in markets],
        roles={"pool": "backstop", "fund": "fund"},
        marks=dict.fromkeys(markets, mark),
    )
    return open_state(book, terms or rules(), {})


def at(state, mark, *, now=S, market=BTC):
    """One mark and the ladder; every record is explained both ways, and everything adds up."""
    events = run(state, Marks(now, {market: mark}), Resolve(now + 2 * S))
    check_all(state)
    return events


def of(events, kind):
    return [e for e in events if isinstance(e, kind)]


AGAINST_POOL = [("ann", BTC, 6, 1_000), ("bob", BTC, 4, 1_000), ("pool", BTC, -10, 1_000)]
AMONG_MEMBERS = [("ann", BTC, 6, 1_000), ("bob", BTC, 4, 1_000), ("cyd", BTC, -10, 1_000)]
CASH = {"ann": 5_000, "bob": 1_000, "cyd": 50_000, "pool": 1_000}


@pytest.mark.parametrize("held", [AGAINST_POOL, AMONG_MEMBERS], ids=["the pool is the other side", "members are"])
def test_profitcap_worked_by_hand(held):
    """At 1,090 ten lots have 900 of profit. Four lots realise 360, within 333.33 and 565.21; three realise too little."""
    state = venue(held, CASH)
    events = at(state, 1_090)
    (told,) = of(events, ProfitCapped)
    assert (told.market, told.side, told.asset, told.account) == (BTC, "long", "USDC", "pool")
    assert (told.profit, told.pool) == (900 * UNIT, 1_000 * UNIT)
    assert (told.needed, told.most) == (333_333_334, 565_217_391)
    assert (told.lots, told.collected, told.residual) == (4, 360 * UNIT, 0)
    # bob is more levered: 4 lots of 1,090 on 1,360 of equity; ann: 6 lots on 5,540.
    (closed,) = of(events, Deleveraged)
    assert (closed.account, closed.counterparty, closed.lots, closed.cost) == ("bob", "pool", -4, 0)
    assert (closed.value, closed.loss, closed.cause, closed.rank) == (-4 * 1_090 * UNIT, 0, "profit_cap", 1)
    assert not of(events, ClaimOpened), "closed at the mark: nothing was given up"
    assert state.book.cash(state.account_index["bob"], 0) == 1_360 * UNIT
    long, _ = sides_of(state, 0)
    profit, pool = long.held * state.worth(0) - long.entry, sum(money_of(state, state.house["pool"], 0))
    assert (profit, pool) == (540 * UNIT, 640 * UNIT), "84.4 %: at or below the cap, above the floor"
    assert not of(at(state, 1_090, now=10 * S), ProfitCapped), "and then it rests"


def test_profitcap_the_pools_equity_does_not_change():
    state = venue(AGAINST_POOL, CASH)
    run(state, Marks(S, {BTC: 1_090}))
    unit = state.book.unit_of(state.house["pool"], 0)
    before = state.book.unit_state(unit).equity
    run(state, Resolve(3 * S))
    assert before == state.book.unit_state(unit).equity == 100 * UNIT
    assert state.book.position(state.house["pool"], 0)[0] == -6


def test_profitcap_shorts_are_looked_at_too():
    """At 910 the shorts of the mirrored book have the 900."""
    state = venue([(a, m, -n, e) for a, m, n, e in AGAINST_POOL], CASH)
    (told,) = of(at(state, 910), ProfitCapped)
    assert (told.side, told.needed, told.lots, told.collected) == ("short", 333_333_334, 4, 360 * UNIT)


def test_profitcap_a_single_lot_that_would_pass_the_floor_is_left():
    """Three lots of 300 each: one realises 300 of 333.33, two 600 of at most 565.21. One is closed, 33.33 are left."""
    state = venue([("ann", BTC, 3, 1_000), ("pool", BTC, -3, 1_000)], CASH)
    (told,) = of(at(state, 1_300), ProfitCapped)
    assert (told.lots, told.collected, told.residual) == (1, 300 * UNIT, 33_333_334)


def test_profitcap_at_the_cap_itself_nothing_happens():
    state = venue(AGAINST_POOL, {**CASH, "pool": 1_000})
    assert not of(at(state, 1_085), ProfitCapped | Deleveraged)


def test_profitcap_from_the_whole_pool_on_nobody_is_paid_before_the_others():
    """Members face each other: at 1,200 the longs have 2,000 of a pool of 1,000. Paying some would raise the share."""
    state = venue(AMONG_MEMBERS, CASH)
    events = at(state, 1_200)
    (told,) = of(events, ProfitCapped)
    assert (told.profit, told.pool, told.lots, told.collected) == (2_000 * UNIT, 1_000 * UNIT, 0, 0)
    assert told.residual == told.needed == 2_000 * UNIT
    assert not of(events, Deleveraged)


def test_profitcap_a_bankrupt_pool_is_in_default_and_closes_nobody():
    """Against the pool itself, at 1,150: it has 1,000 of cash and owes 1,500. Its loss is carried: it holds positions."""
    terms = rules(
        layers=[POOL, {"name": "second", "kind": "account", "account": "fund"}],
        house=[*HOUSE, {"name": "fund", "role": "fund"}],
    )
    state = venue(AGAINST_POOL, {**CASH, "fund": 200}, terms)
    events = at(state, 1_150)
    (loss,) = of(events, LossRecognised)
    assert (loss.account, loss.amount) == ("pool", 500 * UNIT)
    assert [(e.source, e.amount) for e in of(events, Drawn)] == [("fund", 200 * UNIT)], "never from the pool itself"
    assert [e.amount for e in of(events, LossCarried)] == [300 * UNIT]
    assert not of(events, Deleveraged)
    (told,) = of(events, ProfitCapped)
    assert (told.lots, told.residual) == (0, told.needed)
    # Back at 1,090 it is whole again, with the 200 that the fund paid: 900 of 1,200 is below the cap.
    assert not of(at(state, 1_090, now=10 * S), ProfitCapped | LossRecognised)


def test_profitcap_the_pool_is_the_first_layer_too():
    """dan falls 100 short and the pool pays it first; then what is left of the pool is looked at.

    dan, 1 lot long at 2,000 with 100 of cash, sells to cyd at the mark of 1,800: he realises -200 and owes 100. The
    clearing account has his 200, the pool 1,000 - 100: together 1,100 of money for profits.
    """
    held = [("eve", "ETH-PERP", -9, 2_000), ("dan", "ETH-PERP", 1, 2_000), ("cyd", "ETH-PERP", 8, 2_000)]
    terms = rules(
        liquidation={
            "deadline_s": 1,
            "pace": {"kind": "at_once"},
            "limit": {"kind": "market"},
            "fee": {"kind": "none"},
            "defaults": "flat",
        }
    )
    cash = {"eve": 9_000, "dan": 100, "cyd": 50_000, "pool": 1_000}
    state = venue(held, cash, terms, mark=2_000, markets=("ETH-PERP",))
    run(state, Marks(S, {"ETH-PERP": 1_800}))
    (intent,) = state.intents
    events = run(state, Fill(S, intent, "cyd", 1, 1_800), Resolve(3 * S))
    check_all(state)
    assert [(e.source, e.amount) for e in of(events, Drawn)] == [("pool", 100 * UNIT)]
    (told,) = of(events, ProfitCapped)
    assert (told.profit, told.pool) == (1_800 * UNIT, 1_100 * UNIT)
    assert told.lots == 0, "profits are above all there is"


def test_profitcap_the_layer_takes_what_the_pool_would_need():
    """A loss first brings the pool down: what was below the cap is above it in the same Resolve."""
    state = venue(AMONG_MEMBERS, CASH)
    assert not of(at(state, 1_084), ProfitCapped)
    terms = rules(layers=[{**POOL, "causes": ["default", "exploit"]}])
    state = venue(AMONG_MEMBERS, CASH, terms)
    run(state, Marks(S, {BTC: 1_080}), DeclareLoss(S, "hole", "USDC", 100 * UNIT, "exploit"))
    (told,) = of(run(state, Resolve(3 * S)), ProfitCapped)
    assert (told.profit, told.pool) == (800 * UNIT, 900 * UNIT)
    assert told.collected >= told.needed == 233_333_334


def test_profitcap_never_while_a_switch_keeps_deleveraging_off():
    start = {"measure": "unpaid", "is": "above", "threshold": "0"}
    switch = {"kind": "deleveraging", "starts": [start], "length_s": 9, "longest_s": 20, "rest_s": 2}
    state = venue(AMONG_MEMBERS, CASH, rules(halts=[switch]))
    assert not of(at(state, 1_090), ProfitCapped | Deleveraged)
    # A bankrupt short that no layer pays for switches it on, from the next look on.
    state = venue(AMONG_MEMBERS, {**CASH, "cyd": 850}, rules(layers=[], halts=[switch]))
    first, second = at(state, 1_090), at(state, 1_091, now=4 * S)
    assert not of(first, ProfitCapped)
    assert of(first, HaltBegan) and of(second, ProfitCapped)


def test_profitcap_by_tier_and_markets_without_a_cap():
    cap = {"account": "pool", "cap": {"major": "0.85"}, "floor": {"major": "0.77"}}
    assert not of(at(venue(AMONG_MEMBERS, CASH, rules(profit_cap=cap, tiers={"major": ["ETH"]})), 1_090), ProfitCapped)
    cap = {"account": "pool", "cap": {"major": "0.85", "other": "0.55"}, "floor": {"major": "0.77", "other": "0.5"}}
    (told,) = of(at(venue(AMONG_MEMBERS, CASH, rules(profit_cap=cap, tiers={"major": ["ETH"]})), 1_060), ProfitCapped)
    # 600 of 1,000: (600 - 550) / 0.45 = 111.1, (600 - 500) / 0.5 = 200; two lots of 60 realise 120.
    assert (told.needed, told.most, told.lots, told.collected) == (111_111_112, 200 * UNIT, 2, 120 * UNIT)


def test_profitcap_losers_of_the_side_count_and_are_not_closed():
    """dan is long from 1,180 and has no profit: the side's profit is 900 less his 90."""
    held = [*AGAINST_POOL, ("dan", BTC, 1, 1_180), ("cyd", BTC, -1, 1_180)]
    state = venue(held, {**CASH, "dan": 2_000, "pool": 950})
    (told,) = of(events := at(state, 1_090), ProfitCapped)
    assert told.profit == 810 * UNIT
    assert {e.account for e in of(events, Deleveraged)} <= {"ann", "bob"}


def test_profitcap_a_fund_cannot_be_the_pool():
    book = snapshot({"ann": 10, "pool": 10}, [], [perp()], roles={"pool": "fund"}, marks={BTC: 1_000})
    with pytest.raises(InputError, match="a fund holds none") as found:
        open_state(book, rules(), {})
    assert (found.value.field, found.value.value, found.value.expected) == ("role", "pool", "role backstop")


@pytest.mark.parametrize("values", [[], [5], [(1 << 62), (1 << 62), (1 << 62)], [-(1 << 62), -(1 << 62), -1, 7]])
def test_profitcap_sums_are_exact_beyond_64_bits(values):
    assert exact_sum(np.array(values, dtype=np.int64)) == sum(values)


REACHED: Counter[str] = Counter()
SIZES = st.lists(
    st.tuples(st.integers(1, 40), st.integers(900, 1_050), st.integers(100, 4_000)), min_size=1, max_size=6
)


@pytest.mark.parametrize("rank", RANKS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    rows=SIZES,
    side=st.sampled_from([1, -1]),
    counter=st.sampled_from(["pool", "cyd", "both"]),
    percent=st.integers(82, 101),
    move=st.integers(60, 400),
)
def test_profitcap_never_below_the_floor_and_lower_with_every_step(rank, rows, side, counter, percent, move):
    """Whoever holds the other side. Each closing is one step: the share falls, and stays at or above the floor."""
    profit = sum(lots * (1_000 + move - entry) for lots, entry, _ in rows)
    held, cash = [], {"cyd": 10**6, "pool": profit * 100 // percent}
    for i, (lots, entry, own) in enumerate(rows):
        name = f"m{i}"
        cash[name] = own + 2_000
        held.append((name, BTC, side * lots, entry if side > 0 else 2_000 - entry))
    for i, (lots, entry, _) in enumerate(rows):
        other = {"pool": "pool", "cyd": "cyd", "both": ("pool", "cyd")[i % 2]}[counter]
        held.append((other, BTC, -side * lots, entry if side > 0 else 2_000 - entry))
    merged: dict[str, list[int]] = {}
    for name, _, lots, entry in held:
        merged.setdefault(name, []).extend([entry] * abs(lots))
    total = {name: [n for a, _, n, _ in held if a == name] for name in merged}
    held = [(name, BTC, sum(total[name]), sum(merged[name]) // len(merged[name])) for name in merged]
    state = venue(held, cash, rules(rank))
    cap, shares = ProfitCap(Fraction("0.85"), Fraction("0.77")), []

    def look(kind, event):
        if kind == "event" and isinstance(event, ProfitCapped | Deleveraged):
            one = sides_of(state, 0)[0 if side > 0 else 1]
            profit = max(0, one.held * state.worth(0) - one.entry)
            shares.append((profit, sum(money_of(state, state.house["pool"], 0))))

    run(state, Marks(S, {BTC: 1_000 + side * move}))
    events = apply(state, Resolve(3 * S), look).events
    check_all(state)
    mine = [e for e in of(events, ProfitCapped) if (e.side == "long") == (side > 0)]
    REACHED.update({rank: 1, counter: 1, "residual": any(e.residual for e in mine)} if of(events, Deleveraged) else {})
    for told in mine:
        assert told.collected <= told.most and told.collected + told.residual >= told.needed, told
        assert told.collected == sum(a[0] - b[0] for a, b in pairwise(shares)), (told, shares)
    for (profit, money), (after, left) in pairwise(shares):
        assert after * money < profit * left or after == profit, (shares, "the share falls")
        assert after >= cap.floor * max(left, 0), (shares, "never below the floor")
        assert profit - after == money - left, "the pool pays exactly what is realised"


def test_profitcap_cases_close_somebody_under_every_rule_and_against_anybody():
    """Runs after the property: its cases were not empty."""
    assert {*RANKS, "pool", "cyd", "both", "residual"} <= {name for name, n in REACHED.items() if n}, REACHED
    assert sum(REACHED[rank] for rank in RANKS) > 60, REACHED

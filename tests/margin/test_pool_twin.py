"""Pool "account" against a loop in fractions, and long random walks of every kind of change.

Id: pool-twin-*, walk-*. Source: ``MarginRule`` (what is judged together) and ``HaircutSchedule``, written out here.
"""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.books import USDC, brackets, perp, snapshot

from seawall.errors import InputError
from seawall.margin import Book, HaircutSchedule, HaircutStep, Holding, MarginRule
from seawall.margin.exact import requirement_of
from seawall.market import Instrument, Kind, Right
from seawall.money import Asset, profile

CAMPAIGN = int(os.environ.get("SEAWALL_CAMPAIGN", "1"))
COIN = Asset.of("BTC", 8, 8)
STEPS = ((0, Fraction(1, 20)), (10**8, Fraction(1, 7)), (5 * 10**8, Fraction(1, 2)))
HAIRCUTS = {"BTC": HaircutSchedule.of([HaircutStep(f, h) for f, h in STEPS])}
PRICE = (50_000 * 10**6, 10**8)  # numeraire book units per coin book unit


def instruments():
    sixths = brackets((0, "1/3", "1/6"), (7_000_000_001, "1/2", "1/3"))
    return [
        perp("A-PERP", sixths),
        perp("B-PERP", brackets((0, "1/50", "1/100"), (3 * 10**9, "1/10", "1/25"), marginal=False)),
        Instrument.of(
            "C-COIN", COIN, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0, inverse=True,
            brackets=brackets((0, "1/20", "1/40"), (5 * 10**6, "1/5", "1/8")),
        ),
        Instrument.of(
            "D-CALL", USDC, base="BTC", quote="USD", lot=Fraction(1), mark_scale=0, kind=Kind.OPTION, expiry_ns=10,
            strike=1_000, right=Right.CALL, brackets=brackets((0, "1/5", "1/10")),
        ),
    ]  # fmt: skip


def opening(cash, lots):
    """Accounts u0.. with (USDC, BTC) in thousandths, and positions entered at a mark of 1,000."""
    made = instruments()
    names = [f"u{i}" for i in range(len(cash))]
    positions = [(names[a], made[m].symbol, n, 1_000) for a, row in enumerate(lots) for m, n in enumerate(row) if n]
    held = {n: {"USDC": u * 10**3, "BTC": b * 10**5} for n, (u, b) in zip(names, cash, strict=True)}
    return snapshot(held, positions, made, assets=(USDC, COIN))


def ceiling(number):
    return -(-number.numerator // number.denominator)


def counted(balance, price):
    """What a coin balance is worth in USDC, slice by slice, rounded down."""
    exact = Fraction(balance)
    if balance > 0:
        exact = Fraction(0)
        for at, (floor, haircut) in enumerate(STEPS):
            top = STEPS[at + 1][0] if at + 1 < len(STEPS) else balance
            exact += max(0, min(balance, top) - floor) * (1 - haircut)
    return (exact * price).numerator // (exact * price).denominator


def plain(book, account, marks, carries, short_value, rule, price):
    """Equity and maintenance of one account: every position anew from its lots, entry and mark."""
    equity, maintenance, open_positions = 0, 0, 0
    for asset in range(2):
        balance, need = book.cash(account, asset), Fraction(0)
        for market, instrument in enumerate(book.instruments):
            lots, entry = book.position(account, market)
            if instrument.settle is not (USDC, COIN)[asset] or not lots:
                continue
            held = Holding(instrument, lots, entry, marks[market], carries[market])
            balance += held.value(rule.profile.value) - entry
            open_positions += 1
            if instrument.kind is Kind.OPTION:
                need += rounded_option(instrument, lots, short_value, rule)
            else:
                need += requirement_of(held, lots, rule)
        rate = Fraction(1) if asset == 0 else price
        equity += balance if asset == 0 else counted(balance, price)
        maintenance += ceiling(need * rate)
    return equity, maintenance, bool(open_positions) and equity < maintenance


def rounded_option(instrument, lots, short_value, rule):
    """A long option requires nothing, a short one a tenth of ``short_value`` a lot (a fifth initially)."""
    exact = Fraction(max(0, -lots) * short_value, 10)
    return exact if rule.profile.requirement_unit == "account" else ceiling(Fraction(ceiling(2 * exact), 2))


def check(book, marks, carries, short_value, rule, price):
    """Every account equals the loop; returns those at risk."""
    at_risk = []
    for account in range(len(book.snapshot.account_ids)):
        state = book.unit_state(account)
        slow = plain(book, account, marks, carries, short_value, rule, price)
        assert (state.equity, state.maintenance, state.at_risk) == slow, f"account {account}: book {state}, loop {slow}"
        if slow[2]:
            at_risk.append(account)
    assert book.at_risk_units() == at_risk
    return set(at_risk)


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), st.integers(0, 3), st.integers(20, 9_000), st.integers(-(10**6), 10**6)),
        st.tuples(st.just("index"), st.integers(1, 10**12), st.integers(1, 10**9)),
        st.tuples(st.just("short"), st.integers(0, 10**10)),
        st.tuples(
            st.just("set"), st.integers(0, 4), st.integers(0, 3), st.integers(-40, 40), st.integers(-(10**9), 10**9)
        ),
        st.tuples(st.just("cash"), st.integers(0, 4), st.integers(0, 1), st.integers(-(10**9), 10**10)),
    ),
    min_size=1,
    max_size=10,
)
ACCOUNTS = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        st.lists(st.tuples(st.integers(-3_000, 9_000_000), st.integers(-500, 9_000)), min_size=n, max_size=n),
        st.lists(st.lists(st.integers(-20, 20), min_size=4, max_size=4), min_size=n, max_size=n),
    )
)


@pytest.mark.parametrize("rounding", ["toward_fund", "quantum_chain"])
@settings(max_examples=60 * CAMPAIGN, deadline=None, suppress_health_check=list(HealthCheck))
@given(accounts=ACCOUNTS, changes=CHANGES)
def test_pool_twin_equals_plain_fractions_and_misses_nobody(rounding, accounts, changes):
    cash, lots = accounts
    rule = MarginRule("account", profile(rounding))
    snap = opening(cash, lots)
    marks, carries, short_value, price = [1_000] * 4, [0] * 4, 10**9, Fraction(*PRICE)
    values = {m: i.unit_value(1_000) for m, i in enumerate(snap.instruments)}
    book = Book.of(
        snap, values, pool="account", numeraire="USDC", collateral=HAIRCUTS, round_positions=rounding == "quantum_chain"
    )
    book.set_collateral_price("BTC", *PRICE)
    book.set_requirement_value(3, 0, short_value)
    book.take_flagged()
    before = check(book, marks, carries, short_value, rule, price)
    for change in changes:
        if change[0] == "mark":
            _, m, marks[m], carries[m] = change
            book.tick(m, snap.instruments[m].unit_value(marks[m]), carries[m])
        elif change[0] == "index":
            price = Fraction(change[1], change[2])
            book.set_collateral_price("BTC", change[1], change[2])
        elif change[0] == "short":
            short_value = change[1]
            book.set_requirement_value(3, 0, short_value)
        elif change[0] == "set":
            book.set_position(change[1] % len(cash), change[2], change[3], change[4] if change[3] else 0)
        else:
            book.set_cash(change[1] % len(cash), change[2], change[3])
        after = check(book, marks, carries, short_value, rule, price)  # scans, and must take no flag away
        flags = book.take_flagged()
        assert flags == sorted(set(flags))
        assert after - before <= set(flags), f"{change} put {after - before} at risk, flagged {flags}"
        before = after
    book.verify_running()


def test_pool_twin_price_of_one_asset_touches_its_owners_only():
    snap = opening([(0, 100), (0, 0)], [[5, 0, 0, 0], [-5, 0, 0, 0]])
    snap = snapshot({"u0": {"USDC": 0, "BTC": 10**7}, "u1": {"USDC": 0}}, [("u0", "A-PERP", 5, 1_000), ("u1", "A-PERP", -5, 1_000)],
                    list(snap.instruments), assets=(USDC, COIN))  # fmt: skip
    book = Book.of(snap, {m: i.unit_value(1_000) for m, i in enumerate(snap.instruments)}, pool="account", numeraire="USDC", collateral=HAIRCUTS)  # fmt: skip
    book.set_collateral_price("BTC", *PRICE)
    assert book.take_flagged() == []  # 0.1 BTC covers u0; u1 is short of margin but was not touched
    book.set_collateral_price("BTC", 1, 10**8)
    assert book.take_flagged() == [0]
    book.tick(0, 1_000 * 10**6)
    assert book.take_flagged() == [0, 1]


@pytest.mark.parametrize(("asset", "num", "den", "why"), [("XRP", 1, 1, "unknown"), ("BTC", 0, 1, "positive"), ("BTC", 1, -1, "positive")])  # fmt: skip
def test_pool_twin_bad_index_price_is_refused(asset, num, den, why):
    snap = opening([(1, 1)], [[0, 0, 0, 0]])
    book = Book.of(snap, {}, pool="account", numeraire="USDC")
    with pytest.raises(InputError, match=why):
        book.set_collateral_price(asset, num, den)


def test_pool_twin_book_that_opens_empty():
    made = instruments()
    book = Book.of(snapshot({"u0": {}, "u1": {}}, [], made, assets=(USDC, COIN)), {0: 10**9}, pool="account", numeraire="USDC")  # fmt: skip
    book.set_position(0, 0, 3, 3 * 10**9)
    book.set_position(1, 0, -3, -3 * 10**9)
    assert book.take_flagged() == [0, 1] == book.at_risk_units()
    book.verify_running()


def tick_and_check_flags(book, market, rng):
    """One mark; in pool "asset" the flags are exactly the units of that market at risk, else they include them."""
    book.take_flagged()
    value = book.instruments[market].unit_value(int(rng.integers(300, 3_000)))
    book.tick(market, value, int(rng.integers(-999, 999)))
    flags = book.take_flagged()
    asset = book.settle[market]
    holders = {book.unit_of(a, asset) for a in book.holders(market).accounts.tolist()}
    expected = {u for u in holders if book.unit_state(u).at_risk}
    if book.pooled:
        assert expected <= set(flags) <= holders, (market, expected, flags)
    else:
        assert flags == sorted(expected), (market, expected, flags)


@pytest.mark.parametrize("pool", ["asset", "account"])
def test_walk_of_thousands_of_changes_equals_a_full_pass(pool):
    rng = np.random.default_rng(11)
    count = 120
    cash = [
        (int(u), int(b)) for u, b in zip(rng.integers(0, 9 * 10**6, count), rng.integers(0, 2_000, count), strict=True)
    ]
    lots = rng.integers(-20, 21, (count, 4)) * (rng.random((count, 4)) < 0.6)
    snap = opening(cash, lots.tolist())
    extra = {"numeraire": "USDC", "collateral": HAIRCUTS} if pool == "account" else {}
    book = Book.of(snap, {m: i.unit_value(1_000) for m, i in enumerate(snap.instruments)}, pool=pool, **extra)
    book.set_collateral_price("BTC", *PRICE)
    for number in range(4_000 * CAMPAIGN):
        kind = int(rng.integers(0, 8))
        account, market = int(rng.integers(0, count)), int(rng.integers(0, 4))
        if kind < 4:
            tick_and_check_flags(book, market, rng)
        elif kind == 4:
            book.set_collateral_price("BTC", int(rng.integers(10**9, 10**11)), 10**8)
        elif kind == 5:
            book.set_cash(account, int(rng.integers(0, 2)), int(rng.integers(-(10**8), 10**10)))
        else:
            size = int(rng.integers(-15, 16))
            book.set_position(account, market, size, int(rng.integers(-(10**10), 10**10)) if size else 0)
        if number % 500 == 0:
            book.verify_running(threads=1 + number // 500 % 3)
    book.verify_running()
    passed = book.full_pass()
    for row in range(book.rows):
        account, asset = int(book.row_account[row]), int(book.row_asset[row])
        states = book.row_states(row)
        equity = book.cash(account, asset) + sum(p.worth - p.entry for p in states)
        need = ceiling(Fraction(sum(p.maintenance for p in states), book.denominator))
        assert (passed.equity[row], passed.maintenance[row]) == (equity, need), row
        assert passed.at_risk[row] == (bool(states) and equity < need)

"""The book's kernels against plain integer arithmetic, flags and values, exactly.

Id: book-twin-*. Source: ``seawall.margin.exact`` (the slow twin) and a loop written out here.
"""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.books import USDC, brackets, perp, snapshot

from seawall.errors import MoneyOverflow
from seawall.margin import Book, Holding, MarginRule, assess
from seawall.margin.fullpass import account_major
from seawall.market import Instrument
from seawall.money import Asset, profile

EXAMPLES = 60 * int(os.environ.get("SEAWALL_CAMPAIGN", "1"))
COIN = Asset.of("BTC", 10, 10)
MARGINAL = brackets((0, "1/10", "1/20"), (5_000_000_000, "1/5", "1/8"), (20_000_000_000, "1/2", "1/4"))
SIXTHS = brackets((0, "1/3", "1/6"), (7_000_000_001, "1/2", "1/3"))
WHOLE = brackets((0, "1/50", "1/100"), (3_000_000_000, "1/10", "1/25"), marginal=False)
IN_COIN = brackets((0, "1/20", "1/40"), (5 * 10**9, "1/5", "1/8"))


def instruments():
    inverse = Instrument.of(
        "BTCUSD", COIN, base="BTC", quote="USD", lot=Fraction(100), mark_scale=0, brackets=IN_COIN, inverse=True
    )
    return [perp("A-PERP", MARGINAL), perp("B-PERP", SIXTHS), perp("C-PERP", WHOLE), inverse]


def build(cash, lots, entries):
    """Accounts u0.. with cash in both assets; ``lots[a][m]`` positions entered at ``entries[m]``."""
    made = instruments()
    names = [f"u{i}" for i in range(len(cash))]
    positions = [
        (names[a], made[m].symbol, n, entries[m]) for a, row in enumerate(lots) for m, n in enumerate(row) if n
    ]
    return snapshot(
        {n: {"USDC": c * 10**6, "BTC": c * 10**7} for n, c in zip(names, cash, strict=True)},
        positions,
        made,
        assets=(USDC, COIN),
    )


def holdings_of(book, unit, marks, carries):
    state = book.unit_state(unit)
    return state, [
        Holding(book.instruments[p.market], p.lots, p.entry, marks[p.market], carries[p.market])
        for p in state.positions
    ]


MARKS = st.integers(1, 90_000)
BOOKS = st.integers(1, 6).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(-500, 5_000), min_size=n, max_size=n),
        st.lists(st.lists(st.integers(-40, 40), min_size=4, max_size=4), min_size=n, max_size=n),
        st.lists(MARKS, min_size=4, max_size=4),
    )
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), st.integers(0, 3), MARKS, st.integers(-1_000_000, 1_000_000)),
        st.tuples(
            st.just("set"), st.integers(0, 5), st.integers(0, 3), st.integers(-60, 60), st.integers(-(10**9), 10**9)
        ),
        st.tuples(st.just("cash"), st.integers(0, 5), st.integers(0, 1), st.integers(-(10**9), 10**10)),
    ),
    max_size=12,
)


@pytest.mark.parametrize("rounding", ["toward_fund", "quantum_chain"])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=BOOKS, steps=STEPS)
def test_book_twin_running_state_equals_plain_integers(rounding, data, steps):
    cash, lots, entries = data
    rule = MarginRule("asset", profile(rounding))
    snap = build(cash, lots, entries)
    marks, carries = list(entries), [0] * 4
    values = {m: i.unit_value(k) for m, (i, k) in enumerate(zip(snap.instruments, marks, strict=True))}
    book = Book.of(snap, values, round_positions=rounding == "quantum_chain")
    flagged = set()
    for step in steps:
        if step[0] == "mark":
            _, m, marks[m], carries[m] = step
            book.tick(m, snap.instruments[m].unit_value(marks[m]), carries[m])
            flagged |= set(book.take_flagged())
        elif step[0] == "set":
            book.set_position(step[1] % len(cash), step[2], step[3], step[4] if step[3] else 0)
        else:
            book.set_cash(step[1] % len(cash), step[2], step[3])
    book.verify_running()
    at_risk = []
    for unit in range(book.rows):
        state, held = holdings_of(book, unit, marks, carries)
        slow = assess(held, state.cash[state.asset], rule)
        assert (state.equity, state.maintenance, state.at_risk) == (slow.equity, slow.maintenance, slow.at_risk), (
            f"unit {unit}: book {state}, plain {slow}, holdings {held}"
        )
        for position, need in zip(state.positions, slow.requirements, strict=True):
            assert Fraction(position.maintenance, state.denominator) == need, (position, need)
        if slow.at_risk:
            at_risk.append(unit)
    assert book.at_risk_units() == at_risk
    if rounding != "quantum_chain":
        layout = account_major(book)
        equity, required, risk = layout.run()
        for place, row in enumerate(layout.order.tolist()):
            state = book.unit_state(row)
            assert (int(equity[place]), int(required[place]), bool(risk[place])) == (
                state.equity,
                state.maintenance,
                state.equity < state.maintenance,
            ), state


def random_book(accounts, seed, markets=40):
    """A wide book with 3-6 brackets in every market, seeded."""
    rng = np.random.default_rng(seed)
    made = []
    for m in range(markets):
        count = int(rng.integers(3, 7))
        floors = [0, *sorted(rng.choice(np.arange(1, 400), count - 1, replace=False).tolist())]
        steps = [(f * 10**9, f"{min(100, 2 + 3 * i)}/100", f"{1 + i}/100") for i, f in enumerate(floors)]
        made.append(perp(f"M{m}-PERP", brackets(*steps)))
    names = [f"u{i}" for i in range(accounts)]
    positions = []
    for name in names:
        for m in rng.choice(markets, int(min(12, rng.geometric(0.35))), replace=False).tolist():
            positions.append((name, made[m].symbol, int(rng.integers(1, 500) * rng.choice([-1, 1])), 1_000))
    cash = {n: int(c) * 10**6 for n, c in zip(names, rng.integers(100, 200_000, accounts), strict=True)}
    return snapshot(cash, positions, made)


def test_book_twin_after_many_ticks_equals_a_full_pass():
    snap = random_book(3_000, seed=5)
    book = Book.of(snap, dict.fromkeys(range(40), 1_000_000_000))
    rng = np.random.default_rng(6)
    ever = set(book.at_risk_units())
    for _ in range(300):
        book.tick(int(rng.integers(0, 40)), int(rng.integers(200, 3_000)) * 10**6, int(rng.integers(-5, 5)))
        ever |= set(book.take_flagged())
    book.verify_running()
    assert set(book.at_risk_units()) <= ever


@pytest.mark.parametrize("threads", [2, 3])
def test_book_twin_threads_change_nothing(threads):
    book = Book.of(random_book(2_000, seed=7), dict.fromkeys(range(40), 900_000_000))
    layout = account_major(book)
    for one, many in zip(layout.run(threads=1), layout.run(threads=threads), strict=True):
        assert np.array_equal(one, many)


def test_book_twin_tick_touches_that_market_only():
    snap = random_book(500, seed=8)
    book = Book.of(snap, dict.fromkeys(range(40), 1_000_000_000))
    before = book.state.copy()
    book.tick(3, 700_000_000)
    holders = set(book.holders(3).accounts.tolist())
    changed = {int(book.row_account[r]) for r in np.nonzero((book.state != before).any(axis=1))[0]}
    assert changed <= holders


def test_bounds_refuse_and_change_nothing():
    book = Book.of(build([1_000], [[5, 0, 0, 0]], [1_000, 1, 1, 1]), {0: 10**9})
    state = book.state.copy()
    with pytest.raises(MoneyOverflow, match="A-PERP"):
        book.tick(0, 1 << 52)
    with pytest.raises(MoneyOverflow, match="u0"):
        book.set_position(0, 0, 1 << 33, 0)
    with pytest.raises(MoneyOverflow, match="u0"):
        book.set_cash(0, 0, 1 << 62)
    assert np.array_equal(book.state, state)
    assert book.values[0] == 10**9


def test_short_options_are_charged_on_the_underlying_and_long_ones_not_at_all():
    from seawall.market import Kind, Right

    option = Instrument.of(
        "BTC-C", USDC, base="BTC", quote="USD", lot=Fraction(1), mark_scale=0, brackets=brackets((0, "1/5", "1/10")),
        kind=Kind.OPTION, expiry_ns=10, strike=1_000, right=Right.CALL,
    )  # fmt: skip
    snap = snapshot({"long": 0, "short": 500 * 10**6}, [("long", "BTC-C", 2, 50), ("short", "BTC-C", -2, 50)], [option])
    book = Book.of(snap, {0: 50 * 10**6})
    book.set_requirement_value(0, 0, 1_000 * 10**6)
    long, short = book.unit_state(book.unit_of(0, 0)), book.unit_state(book.unit_of(1, 0))
    assert (long.maintenance, short.maintenance) == (0, 200 * 10**6)
    book.tick(0, 300 * 10**6)
    short = book.unit_state(book.unit_of(1, 0))
    assert (short.equity, short.maintenance, short.at_risk) == (0, 200 * 10**6, True)
    book.verify_running()

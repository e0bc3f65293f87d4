"""A mark of one market: nanoseconds per position it touches."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np

from seawall.margin import Book, BookSnapshot
from seawall.market import Bracket, Brackets, Instrument
from seawall.money import Asset

USDC = Asset.of("USDC", 6, 6)


def make_book(accounts: int, seed: int = 2) -> Book:
    """One account a row; three markets with half, a twentieth and a two-hundredth of the accounts."""
    rng = np.random.default_rng(seed)
    steps = [
        Bracket(f * 10**9, Fraction(i, 100), Fraction(i, 200)) for f, i in ((0, 2), (50, 4), (250, 10), (1000, 20))
    ]
    made = tuple(
        Instrument.of(f"M{i}", USDC, base="X", quote="USD", lot=Fraction(1), mark_scale=0, brackets=Brackets.of(steps))
        for i in range(3)
    )
    rows, markets = [], []
    for number, share in enumerate((2, 20, 200)):
        chosen = np.sort(rng.choice(accounts, accounts // share, replace=False))
        rows.append(chosen)
        markets.append(np.full(len(chosen), number))
    pos_account = np.concatenate(rows).astype(np.int32)
    pos_market = np.concatenate(markets).astype(np.int32)
    lots = (np.exp(rng.normal(3, 2, len(pos_account))).astype(np.int64) + 1) * rng.choice([-1, 1], len(pos_account))
    snapshot = BookSnapshot(
        assets=(USDC,),
        instruments=made,
        account_ids=tuple(map(str, range(accounts))),
        owners=("",) * accounts,
        members=("",) * accounts,
        roles=("trader",) * accounts,
        parents=np.full(accounts, -1, dtype=np.int32),
        cash_account=np.arange(accounts, dtype=np.int32),
        cash_asset=np.zeros(accounts, dtype=np.int32),
        cash_minor=(10**12,) * accounts,
        pos_account=pos_account,
        pos_market=pos_market,
        pos_lots=lots,
        pos_entry=lots * 10**9,
    )
    return Book.of(snapshot, dict.fromkeys(range(3), 10**9))


def table(accounts: int, rounds: int) -> list[str]:
    """Best and median per market; afterwards the running state is compared with a full pass."""
    book = make_book(accounts)
    rng = np.random.default_rng(3)
    lines = [
        f"New mark of one market, {accounts:,} accounts (running state, exact integers; nothing else is touched):",
        "",
        "| positions touched | best, ns each | median, ns each |",
        "|---|---|---|",
    ]
    for market in range(3):
        count = book.columns[market].count
        found = []
        for _ in range(3 * rounds):
            value = int(10**9 * rng.uniform(0.97, 1.03))
            started = time.perf_counter_ns()
            book.tick(market, value)
            found.append((time.perf_counter_ns() - started) / count)
            book.take_flagged()
        lines.append(f"| {count:,} | {min(found[1:]):.2f} | {float(np.median(found[1:])):.2f} |")
    book.verify_running()
    lines += ["", f"After {9 * rounds} ticks the running state equals a full pass exactly."]
    return lines

"""Calls into the running book that a run makes one at a time: microseconds each."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from seawall.margin import Book, BookSnapshot
from seawall.market import Bracket, Brackets, Instrument
from seawall.money import Asset

USDC = Asset.of("USDC", 6, 6)
MARKETS = 60
CALLS = 10_000


def make_snapshot(accounts: int, positions: int, seed: int = 1) -> BookSnapshot:
    """Seeded: cash for everyone, positions spread evenly over accounts and markets."""
    rng = np.random.default_rng(seed)
    steps = [
        Bracket(f * 10**9, Fraction(i, 100), Fraction(i, 200)) for f, i in ((0, 2), (50, 4), (250, 10), (1000, 20))
    ]
    made = tuple(
        Instrument.of(f"M{i}", USDC, base="X", quote="USD", lot=Fraction(1), mark_scale=0, brackets=Brackets.of(steps))
        for i in range(MARKETS)
    )
    keys = np.unique(rng.integers(0, accounts * MARKETS, positions))
    lots = rng.integers(1, 50, len(keys)) * rng.choice([-1, 1], len(keys))
    return BookSnapshot(
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
        pos_account=(keys // MARKETS).astype(np.int32),
        pos_market=(keys % MARKETS).astype(np.int32),
        pos_lots=lots,
        pos_entry=lots * 10**9,
    )


def timed(call: Callable[[int], object], rounds: int) -> tuple[float, float]:
    """Best and median over the rounds, microseconds per call."""
    found = []
    for _ in range(rounds):
        started = time.perf_counter_ns()
        for i in range(CALLS):
            call(i)
        found.append((time.perf_counter_ns() - started) / CALLS / 1e3)
    return min(found), float(np.median(found))


def table(rounds: int) -> list[str]:
    """One row per call; opening the book is in milliseconds."""
    snapshot = make_snapshot(100_000, 300_000)
    values = dict.fromkeys(range(MARKETS), 10**9)
    opened = []
    for _ in range(max(3, rounds // 2)):
        started = time.perf_counter()
        book = Book.of(snapshot, values)
        opened.append((time.perf_counter() - started) * 1e3)
    accounts, markets = snapshot.pos_account.tolist(), snapshot.pos_market.tolist()
    three = np.nonzero(np.bincount(snapshot.pos_account) == 3)[0].tolist()
    units = [book.unit_of(a, 0) for a in three]
    calls: dict[str, Callable[[int], object]] = {
        "`position`": lambda i: book.position(accounts[i], markets[i]),
        "`set_position`": lambda i: book.set_position(accounts[i], markets[i], 3, 3 * 10**9),
        "`set_cash`": lambda i: book.set_cash(accounts[i], 0, 10**12 - i),
        "`unit_state`, 3 positions": lambda i: book.unit_state(units[i]),
    }
    lines = [
        f"One call into a running book of {len(snapshot.account_ids):,} accounts and {len(accounts):,} positions, from Python.",
        "",
        "| call | best | median |",
        "|---|---|---|",
        f"| `Book.of`, warm | {min(opened):.0f} ms | {float(np.median(opened)):.0f} ms |",
    ]
    for name, call in calls.items():
        best, median = timed(call, rounds)
        lines.append(f"| {name} | {best:.2f} us | {median:.2f} us |")
    book.verify_running()
    return lines

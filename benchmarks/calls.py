"""Calls into the running book that a run makes one at a time: microseconds each."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks.books import book_of
from seawall.margin import Book, BookSnapshot

MARKETS = 60
CALLS = 10_000


def make_snapshot(accounts: int, positions: int, seed: int = 1) -> BookSnapshot:
    """Seeded: cash for everyone, positions spread evenly over accounts and markets."""
    rng = np.random.default_rng(seed)
    keys = np.unique(rng.integers(0, accounts * MARKETS, positions))
    lots = rng.integers(1, 50, len(keys)) * rng.choice([-1, 1], len(keys))
    return book_of(accounts, MARKETS, (keys // MARKETS, keys % MARKETS, lots))


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

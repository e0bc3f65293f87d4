"""A mark of one market: nanoseconds per position it touches."""

from __future__ import annotations

import ctypes
import time
from typing import Any, Literal

import numpy as np

from benchmarks.books import book_of
from benchmarks.margin_pass import compile_c
from seawall.margin import Book, kernels
from seawall.margin.rates import fraction_limit


def make_book(accounts: int, pool: Literal["asset", "account"] = "asset", seed: int = 2) -> Book:
    """One account a row; three markets with half, a twentieth and a two-hundredth of the accounts."""
    rng = np.random.default_rng(seed)
    rows, markets = [], []
    for number, share in enumerate((2, 20, 200)):
        chosen = np.sort(rng.choice(accounts, accounts // share, replace=False))
        rows.append(chosen)
        markets.append(np.full(len(chosen), number))
    pos_account = np.concatenate(rows)
    lots = (np.exp(rng.normal(3, 2, len(pos_account))).astype(np.int64) + 1) * rng.choice([-1, 1], len(pos_account))
    snapshot = book_of(accounts, 3, (pos_account, np.concatenate(markets), lots))
    return Book.of(snapshot, dict.fromkeys(range(3), 10**9), pool=pool, numeraire="USDC")


class TicksInC:
    """The same marks in C on copies of the book's columns."""

    def __init__(self, function: Any, book: Book, market: int) -> None:
        self.function, self.book, self.market, self.columns = function, book, market, book.columns[market]
        self.state, self.tiers = book.state.copy(), self.columns.tiers.copy()
        self.out, self.marked = np.empty(self.columns.count, dtype=np.int64), np.zeros(len(book.state), dtype=np.uint8)
        self.old = book.table[16 * market : 16 * market + 16].copy()
        self.new, self.worth = np.zeros_like(self.old), book.worths[market]
        function.restype = ctypes.c_int64

    def run(self, values: list[int]) -> list[float]:
        """Nanoseconds per position of each mark; only the loop is timed."""
        book, c, found = self.book, self.columns, []
        for value in values:
            for base in (0, 8):
                kernels.fill_leg(self.new, base, book.terms, self.market, value, book.denominator, book.max_lots + 1)
            arrays = [ctypes.c_void_p(a.ctypes.data) for a in (c.rows, c.lots, self.tiers)]
            tables = [ctypes.c_void_p(a.ctypes.data) for a in (self.new, self.old)]
            last = [ctypes.c_void_p(a.ctypes.data) for a in (self.state, self.out, self.marked)]
            limits = (book.denominator, book.denominator.bit_length() - 1, fraction_limit(book.denominator))
            numbers = [ctypes.c_int64(n) for n in (c.count, value - self.worth, *limits)]
            started = time.perf_counter_ns()
            count = self.function(*arrays, *numbers[:2], *tables, *numbers[2:], *last)
            found.append((time.perf_counter_ns() - started) / c.count)
            self.old[:], self.worth = self.new, value
            self.marked[self.out[:count]] = 0
        return found


def run_ours(book: Book, market: int, values: list[int]) -> tuple[list[float], list[float]]:
    """Nanoseconds per position of each mark, and of asking for the flags after it: whole calls from Python."""
    count, marks, flags = book.columns[market].count, [], []
    for value in values:
        started = time.perf_counter_ns()
        book.tick(market, value)
        marked = time.perf_counter_ns()
        book.take_flagged()
        marks.append((marked - started) / count)
        flags.append((time.perf_counter_ns() - marked) / count)
    return marks, flags


def pair(times: list[float]) -> str:
    """Best and median."""
    return f"{min(times):.2f} | {float(np.median(times)):.2f}" if times else "- | -"


def table(accounts: int, rounds: int) -> list[str]:
    """Best and median per market, in blocks that alternate with C; then the running state against a full pass."""
    rng = np.random.default_rng(3)
    function = compile_c("tick")
    lines = [
        f"New mark of one market, {accounts:,} accounts (running state, exact integers; nothing else is touched), ns per "
        "position touched; marks move by up to 0.5 %. Ours is the whole call from Python; C is the same loop, with the same "
        "prefetching, alone. Flags: the call that says who may be at risk.",
        "",
        "| pool | positions touched | ours: best | median | C -O3: best | median | flags: best | median |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ticks = 0
    for pool in ("asset", "account"):
        book = make_book(accounts, pool)
        for market in range(3):
            theirs = TicksInC(function, book, market) if function is not None and pool == "asset" else None
            ours: tuple[list[float], list[float], list[float]] = ([], [], [])
            for _ in range(rounds):
                values = [int(10**9 * rng.uniform(0.995, 1.005)) for _ in range(9)]
                # The first of each block finds the caches full of the other's data: not counted.
                if theirs is not None:
                    ours[2].extend(theirs.run(values)[1:])
                for kept, found in zip(ours, run_ours(book, market, values), strict=False):
                    kept.extend(found[1:])
                ticks += len(values)
            if theirs is not None and not np.array_equal(theirs.state, book.state):
                raise SystemExit("the C update disagrees with the kernel")
            lines.append(
                f"| {pool} | {book.columns[market].count:,} | {pair(ours[0])} | {pair(ours[2])} | {pair(ours[1])} |"
            )
        book.verify_running()
    lines += ["", f"After {ticks} ticks the running state equals a full pass exactly."]
    return lines

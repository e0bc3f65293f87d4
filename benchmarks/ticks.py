"""A mark of one market: nanoseconds per position it touches."""

from __future__ import annotations

import ctypes
import time
from fractions import Fraction
from typing import Any

import numpy as np

from benchmarks.margin_pass import compile_c
from seawall.margin import Book, BookSnapshot, kernels
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


def run_c(function: Any, book: Book, market: int, values: list[int]) -> tuple[list[float], Any]:
    """The same ticks in C on copies: nanoseconds per position each, and the state afterwards."""
    c = book.columns[market]
    state, tiers = book.state.copy(), c.tiers.copy()
    out, marked = np.empty(c.count, dtype=np.int64), np.zeros(len(state), dtype=np.uint8)
    old = book.table[16 * market : 16 * market + 16].copy()
    new, worth, found = np.zeros_like(old), book.worths[market], []

    def p(array: Any) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data)

    n = ctypes.c_int64
    for value in values:
        for base in (0, 8):
            kernels.fill_leg(new, base, book.terms, market, value, book.denominator, book.max_lots + 1)
        head = (p(c.rows), p(c.lots), p(tiers), n(c.count), n(value - worth), p(new), p(old), n(book.denominator))
        tail = (p(state), p(out), p(marked))
        started = time.perf_counter_ns()
        function(*head, *tail)
        found.append((time.perf_counter_ns() - started) / c.count)
        old[:], worth, marked[:] = new, value, 0
    return found, state


def table(accounts: int, rounds: int) -> list[str]:
    """Best and median per market, beside C; afterwards the running state is compared with a full pass."""
    book = make_book(accounts)
    rng = np.random.default_rng(3)
    function = compile_c("tick")
    lines = [
        f"New mark of one market, {accounts:,} accounts (running state, exact integers; nothing else is touched); marks move by up to 0.5 %. "
        "Ours is the whole call from Python; C is the loop alone.",
        "",
        "| positions touched | ours: best, ns each | median | C -O3: best, ns each | median |",
        "|---|---|---|---|---|",
    ]
    ticks = 0
    for market in range(3):
        count = book.columns[market].count
        values = [int(10**9 * rng.uniform(0.995, 1.005)) for _ in range(6 * rounds)]
        theirs, state = run_c(function, book, market, values) if function is not None else ([], None)
        ours: list[float] = []
        for value in values:
            started = time.perf_counter_ns()
            book.tick(market, value)
            ours.append((time.perf_counter_ns() - started) / count)
            book.take_flagged()
        ticks += len(values)
        if state is not None and not np.array_equal(state, book.state):
            raise SystemExit("the C update disagrees with the kernel")
        figures = [f"{x:.2f}" for x in (min(ours[1:]), float(np.median(ours[1:])))]
        figures += [f"{x:.2f}" for x in (min(theirs[1:]), float(np.median(theirs[1:])))] if theirs else ["-", "-"]
        lines.append(f"| {count:,} | {' | '.join(figures)} |")
    book.verify_running()
    lines += ["", f"After {ticks} ticks the running state equals a full pass exactly."]
    return lines

"""A full margin pass over the running book: the check of the running state, and the base of stress runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InvariantBroken
from seawall.margin import layout as ly
from seawall.margin import rates as rt
from seawall.margin.units import FullPass

if TYPE_CHECKING:
    from seawall.margin.book import Book


def pass_table(
    book_table: NDArray[np.int64], worths: list[int], requirement_values: list[tuple[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The layout's table and, per market, the leg numbers of long and short.

    Markets whose two sides have equal requirements share one leg, so that the table stays small in the cache.
    """
    legs: list[NDArray[np.int64]] = []
    numbers = np.empty((len(worths), 2), dtype=np.int64)
    for market, worth in enumerate(worths):
        long_value, short_value = requirement_values[market]
        for side in range(2):
            if side and long_value == short_value:
                numbers[market, 1] = numbers[market, 0]
                continue
            rows = book_table[16 * market + 8 * side : 16 * market + 8 * side + 8]
            leg = np.zeros((rt.TIERS, 8), dtype=np.int64)
            leg[:, ly.U] = worth
            leg[:, ly.LOW], leg[:, ly.WIDTH] = rows[:, rt.LO], rows[:, rt.SPAN]
            leg[:, ly.RH], leg[:, ly.RL] = rows[:, rt.WH], rows[:, rt.WL]
            leg[:, ly.SH], leg[:, ly.SL] = rows[:, rt.DH], rows[:, rt.DL]
            numbers[market, side] = len(legs)
            legs.append(leg)
    table = np.concatenate(legs) if legs else np.zeros((0, 8), dtype=np.int64)
    return np.ascontiguousarray(table), numbers


def account_major(book: Book) -> ly.AccountMajor:
    """The book frozen at its current marks, one entry per row."""
    table, numbers = pass_table(book.table, book.worths, book.requirement_values)
    rows, legs, lots, entries = [], [], [], []
    for market, c in enumerate(book.columns):
        held = np.nonzero(c.lots[: c.count])[0]
        rows.append(c.rows[held].astype(np.int64))
        lots.append(c.lots[held])
        entries.append(c.entries[held])
        legs.append(np.where(c.lots[held] > 0, numbers[market, 0], numbers[market, 1]))
    empty = np.empty(0, dtype=np.int64)
    return ly.AccountMajor.of(
        len(book.state),
        np.concatenate(rows or [empty]),
        np.concatenate(legs or [empty]),
        np.concatenate(lots or [empty]),
        np.concatenate(entries or [empty]),
        book.row_cash[: len(book.state)],
        table,
        book.denominator,
    )


def full_pass(book: Book, *, threads: int = 1) -> FullPass:
    """Every row at the book's current marks, by row number. The result does not depend on ``threads``."""
    layout = account_major(book)
    equity, required, risk = layout.run(threads=threads)
    place = np.argsort(layout.order)[: book.rows]
    return FullPass(equity[place], required[place], risk[place] & (book.row_positions[: book.rows] > 0))


def check_running(book: Book, *, threads: int = 1) -> None:
    """Recompute what the book keeps running, twice: as the tick kernel counts it, and account by account.

    Raises:
        InvariantBroken: a figure differs; names the account.
    """
    from seawall.margin import kernels

    fresh, counts = np.zeros_like(book.state), np.zeros_like(book.row_positions)
    fresh[:, 0], base = book.row_cash, book.row_cash.copy()
    for market, c in enumerate(book.columns):
        used = slice(0, c.count)
        np.add.at(counts, c.rows[used][c.lots[used] != 0], 1)
        np.subtract.at(base, c.rows[used], c.entries[used])
        kernels.accumulate(
            c.rows, c.lots, c.tiers.copy(), c.entries, c.count, book.worths[market], 16 * market, book.table, fresh,
        )  # fmt: skip
    passed = full_pass(book, threads=threads)
    rows = slice(0, book.rows)
    whole = passed.maintenance - (-(-fresh[rows, 1] // book.denominator))
    statements = {
        "surplus": (book.state[rows, 0], fresh[rows, 0]),
        "fraction": (book.state[rows, 1], fresh[rows, 1]),
        "cash less entry values": (book.row_base[rows], base[rows]),
        "number of positions": (book.row_positions[rows], counts[rows]),
        "equity less requirement": (book.state[rows, 0], passed.equity - whole),
    }
    if book.pooled:
        statements["requirement"] = (book.state[rows, 2], whole)
        statements["account"] = (book.state[rows, 3], book.row_account[rows])
    for name, (running, expected) in statements.items():
        if not np.array_equal(running, expected):
            at = int(np.nonzero(running != expected)[0][0])
            raise InvariantBroken(
                f"running {name} of {book.snapshot.account_ids[int(book.row_account[at])]} is {int(running[at])}; "
                f"a full pass gives {int(expected[at])}"
            )

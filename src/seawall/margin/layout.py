"""The account-major layout and its full margin pass: every account once, positions side by side in memory.

Accounts are grouped by their number of positions, so that the inner loop has a fixed length. A position is its lots
and a 16-bit code (leg x 8 + tier hint); a 64-byte row per (leg, tier) holds everything a mark decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.errors import MoneyOverflow
from seawall.margin.rates import MAX_POSITIONS, TIERS
from seawall.money.jit import inlined, jit

# Columns of a full-pass row: worth of a lot for equity, tier bounds, requirement parts.
U, LOW, WIDTH, RH, RL, SH, SL, PAD = range(8)


@jit
def _repair(table: Any, code: Any, size: int) -> Any:
    """The code with the tier that ``size`` is really in."""
    base = code & ~7
    for tier in range(8):
        low = table[base + tier, 1]
        if low <= size < low + table[base + tier, 2]:
            return base + tier
    return base + 7


@inlined
def _accounts(
    k: int, first: int, count: int, at: int, base: Any, lots: Any, codes: Any, table: Any, denominator: int,
    equity: Any, required: Any, risk: Any,
) -> None:  # fmt: skip
    """Accounts with ``k`` positions each. Unsigned indexes spare the test for negative ones.

    The fraction starts 256 units up, which deducts cannot use up: its ceiling is then an unsigned division.
    """
    divisor = np.uint64(denominator)
    lifted = (MAX_POSITIONS + 1) * denominator - 1
    for i in range(count):
        start = at + k * i
        e = base[np.uint64(first + i)]
        whole = 0
        part = lifted
        for j in range(k):
            place = np.uint64(start + j)
            held = lots[place]
            size = abs(held)
            code = np.uint64(codes[place])
            if np.uint64(size - table[code, 1]) >= np.uint64(table[code, 2]):
                code = np.uint64(_repair(table, np.int64(code), size))
                codes[place] = code
            e += held * table[code, 0]
            whole += size * table[code, 3] - table[code, 5]
            part += size * table[code, 4] - table[code, 6]
        need = whole + np.int64(np.uint64(part) // divisor) - MAX_POSITIONS
        account = np.uint64(first + i)
        equity[account] = e
        required[account] = need
        risk[account] = e < need


@jit
def full_pass_group(
    k: int, first: int, count: int, at: int, base: Any, lots: Any, codes: Any, table: Any, denominator: int,
    equity: Any, required: Any, risk: Any,
) -> None:  # fmt: skip
    """One group of accounts with ``k`` positions each: writes equity, requirement and flag per account.

    The first branches give the compiler a constant trip count for the usual sizes.
    """
    if k == 1:
        _accounts(1, first, count, at, base, lots, codes, table, denominator, equity, required, risk)
    elif k == 2:
        _accounts(2, first, count, at, base, lots, codes, table, denominator, equity, required, risk)
    elif k == 3:
        _accounts(3, first, count, at, base, lots, codes, table, denominator, equity, required, risk)
    elif k == 4:
        _accounts(4, first, count, at, base, lots, codes, table, denominator, equity, required, risk)
    else:
        _accounts(k, first, count, at, base, lots, codes, table, denominator, equity, required, risk)


@dataclass(frozen=True, slots=True)
class Group:
    """``count`` accounts with ``k`` positions each: accounts from ``first``, positions from ``at``."""

    k: int
    first: int
    count: int
    at: int


@dataclass(slots=True)
class AccountMajor:
    """A book frozen for full passes.

    Attributes:
        order: row numbers in the layout's order (by number of positions, then row).
        groups: see ``Group``; rows without a position come first, with k = 0.
        base: int64, cash less entry values, in layout order.
        lots, codes: int64 and uint16 (uint32 beyond 8192 legs), positions in layout order.
        table: int64 [legs * 8, 8], see the column names of this module.
        denominator: R.
    """

    order: NDArray[np.int64]
    groups: tuple[Group, ...]
    base: NDArray[np.int64]
    lots: NDArray[np.int64]
    codes: NDArray[np.unsignedinteger[Any]]
    table: NDArray[np.int64]
    denominator: int

    @classmethod
    def of(
        cls,
        rows: int,
        pos_row: NDArray[np.int64],
        pos_leg: NDArray[np.int64],
        pos_lots: NDArray[np.int64],
        pos_entry: NDArray[np.int64],
        cash: NDArray[np.int64],
        table: NDArray[np.int64],
        denominator: int,
    ) -> AccountMajor:
        """Group and pack. Positions may come in any order; ``pos_leg`` indexes the table's groups of eight rows.

        Raises:
            MoneyOverflow: more than 256 positions in a row.
        """
        counts = np.bincount(pos_row, minlength=rows)
        if counts.size and int(counts.max()) > MAX_POSITIONS:
            raise MoneyOverflow(f"row {int(counts.argmax())} has more than {MAX_POSITIONS} positions")
        order = np.argsort(counts, kind="stable").astype(np.int64)
        place = np.empty(rows, dtype=np.int64)
        place[order] = np.arange(rows)
        base = cash[order].copy()
        np.subtract.at(base, place[pos_row], pos_entry)
        by_place = np.argsort(place[pos_row], kind="stable")
        ks, firsts = np.unique(counts[order], return_index=True)
        groups, at = [], 0
        for k, first, end in zip(ks.tolist(), firsts.tolist(), [*firsts.tolist()[1:], rows], strict=True):
            groups.append(Group(k, first, end - first, at))
            at += k * (end - first)
        return cls(
            order,
            tuple(groups),
            base,
            np.ascontiguousarray(pos_lots[by_place]),
            (pos_leg[by_place] * TIERS).astype(np.uint16 if len(table) <= 1 << 16 else np.uint32),
            table,
            denominator,
        )

    def run(self, *, threads: int = 1) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Equity, requirement, at-risk flag per account in layout order.

        The result does not depend on ``threads``: accounts are split between them, nothing is shared.
        """
        equity = np.empty(len(self.base), dtype=np.int64)
        required = np.empty_like(equity)
        risk = np.empty(len(self.base), dtype=np.bool_)
        pieces = list(self._pieces(threads))

        def work(piece: Group) -> None:
            full_pass_group(
                piece.k,
                piece.first,
                piece.count,
                piece.at,
                self.base,
                self.lots,
                self.codes,
                self.table,
                self.denominator,
                equity,
                required,
                risk,
            )

        _spread(work, pieces, threads)
        return equity, required, risk

    def _pieces(self, threads: int) -> list[Group]:
        out = []
        for group in self.groups:
            step = max(1, -(-group.count // threads))
            for start in range(0, group.count, step):
                size = min(step, group.count - start)
                out.append(Group(group.k, group.first + start, size, group.at + group.k * start))
        return out


def _spread(work: Callable[[Group], None], pieces: list[Group], threads: int) -> None:
    if threads <= 1:
        for piece in pieces:
            work(piece)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, pieces))

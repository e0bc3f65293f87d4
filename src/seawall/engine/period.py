"""Gains since a moment: what every row's equity was when the cycle, session or day began, or when the venue opened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seawall.margin import Book
from seawall.waterfall import GainsBase, LayerKind, LayerRule, RateOf

ENDLESS = -1
MOST = (1 << 62) - 1  # amounts are cut off here, either way, so that a difference fits 64 bits


@dataclass(slots=True)
class GainsPeriod:
    """``equity`` by row at ``start_ns``, book units; ``flows`` are deposits less withdrawals by row since then.

    Equity at the start plus flows is a row's *basis*: what is above it is its gain.
    """

    length_ns: int
    start_ns: int
    equity: NDArray[np.int64]
    flows: dict[int, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, book: Book, length_ns: int, time_ns: int) -> GainsPeriod:
        """A period that begins now."""
        return cls(length_ns, time_ns, book.row_equities())

    @classmethod
    def capital(cls, book: Book, time_ns: int) -> GainsPeriod:
        """A period that never ends: the basis is an account's capital. Who opens below zero has none."""
        return cls(ENDLESS, time_ns, np.maximum(book.row_equities(), 0))

    def over(self, time_ns: int) -> bool:
        """Does a new period begin at this time? Length 0: with every step of marks."""
        if self.length_ns == ENDLESS:
            return False
        if self.length_ns == 0:
            return time_ns > self.start_ns
        return time_ns // self.length_ns != self.start_ns // self.length_ns

    def basis(self, row: int) -> int:
        """What a row's gain is counted from."""
        return (int(self.equity[row]) if row < len(self.equity) else 0) + self.flows.get(row, 0)

    def flow(self, row: int, amount: int) -> None:
        """Money that came in from outside (negative: went out) is no gain."""
        if amount:
            self.flows[row] = self.flows.get(row, 0) + amount

    def move(self, source: int, target: int) -> None:
        """A row's money has gone to another row of its owner: the basis goes with it, so a gain stays a gain."""
        basis = self.basis(source)
        self.flow(source, -basis)
        self.flow(target, basis)

    def gains(self, rows: NDArray[np.int64], equity: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the equity of these rows (ascending) rose by since the period began, deposits left out."""
        before = np.zeros(len(rows), dtype=np.int64)
        known = rows < len(self.equity)
        before[known] = self.equity[rows[known]]
        gains = np.clip(equity, -MOST, MOST) - np.clip(before, -MOST, MOST)
        moved = np.fromiter(self.flows, dtype=np.int64, count=len(self.flows))
        places = np.searchsorted(rows, moved)
        for row, i in zip(moved.tolist(), places.tolist(), strict=True):
            if i < len(rows) and rows[i] == row:  # in Python integers: many deposits may add up to more than 64 bits
                gains[i] = max(-MOST, min(MOST, int(equity[i]) - int(before[i]) - self.flows[row]))
        return gains

    def canonical_lines(self, name: str = "period") -> Iterator[str]:
        """Part of the state hash; the equities by their SHA-256 (little-endian 64-bit integers)."""
        equity = hashlib.sha256(self.equity.astype("<i8").tobytes()).hexdigest()
        yield f"{name} {self.length_ns} {self.start_ns} {sorted(self.flows.items())} {equity}"


def period_length(layers: tuple[LayerRule, ...]) -> int | None:
    """Length of the period that a layer of the policy counts gains over, None when no layer does."""
    return next((rule.period_ns for rule in layers if rule.base is GainsBase.PERIOD), None)


def knows_capital(layers: tuple[LayerRule, ...]) -> bool:
    """Does a layer of the policy ask what of an account is profit?"""
    return any(rule.kind is LayerKind.WITHDRAWAL_RATE and rule.of is RateOf.PROFIT for rule in layers)

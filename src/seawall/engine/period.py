"""Gains of a period: what every row's equity was when the cycle, session or day began."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seawall.margin import Book
from seawall.waterfall import GainsBase, LayerRule


@dataclass(slots=True)
class GainsPeriod:
    """``equity`` by row at ``start_ns``, book units; ``flows`` are deposits less withdrawals by row since then."""

    length_ns: int
    start_ns: int
    equity: NDArray[np.int64]
    flows: dict[int, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, book: Book, length_ns: int, time_ns: int) -> GainsPeriod:
        """A period that begins now."""
        return cls(length_ns, time_ns, book.row_equities())

    def over(self, time_ns: int) -> bool:
        """Does a new period begin at this time? Length 0: with every step of marks."""
        if self.length_ns == 0:
            return time_ns > self.start_ns
        return time_ns // self.length_ns != self.start_ns // self.length_ns

    def gains(self, rows: NDArray[np.int64], equity: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the equity of these rows rose by since the period began, deposits left out."""
        before = np.zeros(len(rows), dtype=np.int64)
        known = rows < len(self.equity)
        before[known] = self.equity[rows[known]]
        flows = np.array([self.flows.get(row, 0) for row in rows.tolist()], dtype=np.int64)
        return equity - before - flows

    def canonical_lines(self) -> Iterator[str]:
        """Part of the state hash; the equities by their SHA-256 (little-endian 64-bit integers)."""
        equity = hashlib.sha256(self.equity.astype("<i8").tobytes()).hexdigest()
        yield f"period {self.length_ns} {self.start_ns} {sorted(self.flows.items())} {equity}"


def period_length(layers: tuple[LayerRule, ...]) -> int | None:
    """Length of the period that a layer of the policy counts gains over, None when no layer does."""
    return next((rule.period_ns for rule in layers if rule.base is GainsBase.PERIOD), None)

"""Growing columns: the market-major positions of the book and its rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def grown(column: NDArray[Any], size: int) -> NDArray[Any]:
    """A copy with room for ``size`` entries, new ones zero."""
    out = np.zeros((size, *column.shape[1:]), dtype=column.dtype)
    out[: len(column)] = column
    return out


class MarketColumns:
    """Positions of one market: row, lots, entry, tier hint. A flat position keeps its place with zero lots."""

    __slots__ = ("count", "entries", "largest", "lots", "rows", "tiers")

    def __init__(self, rows: NDArray[np.int64], lots: NDArray[np.int64], entries: NDArray[np.int64]) -> None:
        self.rows = np.ascontiguousarray(rows, dtype=np.uint32)
        self.lots = np.ascontiguousarray(lots, dtype=np.int64)
        self.entries = np.ascontiguousarray(entries, dtype=np.int64)
        self.tiers = np.zeros(len(rows), dtype=np.uint8)
        self.count = len(rows)
        self.largest = int(np.abs(lots).max()) if len(lots) else 0

    def append(self, row: int) -> int:
        """A new flat place for a row; its number."""
        if self.count == len(self.rows):
            size = max(8, 2 * self.count)
            self.rows, self.lots = grown(self.rows, size), grown(self.lots, size)
            self.entries, self.tiers = grown(self.entries, size), grown(self.tiers, size)
        place = self.count
        self.rows[place] = row
        self.count += 1
        return place

    def refresh_largest(self) -> int:
        """Recompute the largest absolute size (it only ever rises in between)."""
        used = self.lots[: self.count]
        self.largest = int(np.abs(used).max()) if self.count else 0
        return self.largest

    def largest_row(self) -> int:
        """Row of the largest position; only asked where there is one."""
        return int(self.rows[int(np.abs(self.lots[: self.count]).argmax())])

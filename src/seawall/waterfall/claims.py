"""Recovery claims: whoever paid for somebody else's loss is owed, by rank, out of what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seawall.errors import InvariantBroken
from seawall.money import split


@dataclass(slots=True)
class Claim:
    """``holder`` is owed ``amount`` (book units of ``asset``) for ``loss``; ``paid`` of it came back."""

    holder: str
    asset: str
    rank: int
    loss: int
    amount: int
    paid: int = 0


class ClaimBook:
    """Ranked claims. One row per holder, asset, rank and loss."""

    __slots__ = ("_by_loss", "_rows")

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, int, int], Claim] = {}
        self._by_loss: dict[int, list[Claim]] = {}

    def open(self, holder: str, amount: int, *, rank: int, loss: int, asset: str) -> None:
        """Add ``amount`` (> 0) to a holder's claim."""
        if amount <= 0:
            raise InvariantBroken(f"claim of {holder} is not positive: {amount}")
        key = (holder, asset, rank, loss)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = Claim(holder, asset, rank, loss, 0)
            self._by_loss.setdefault(loss, []).append(row)
        row.amount += amount

    def of_loss(self, loss: int) -> tuple[Claim, ...]:
        """Claims for one loss in order of opening."""
        return tuple(self._by_loss.get(loss, ()))

    def pay(self, amount: int, asset: str, *, loss: int | None = None) -> list[tuple[str, int]]:
        """Share a recovery: lowest rank number first, pro rata to what is still owed inside a rank, to the unit.

        Returns (holder, amount) in claim order; what exceeds all claims is not paid to anyone.
        """
        known = self if loss is None else self.of_loss(loss)
        rows = [r for r in known if r.asset == asset and r.paid < r.amount]
        out: list[tuple[str, int]] = []
        left = amount
        for rank in sorted({r.rank for r in rows}):
            ranked = [r for r in rows if r.rank == rank]
            owed = [r.amount - r.paid for r in ranked]
            for row, share in zip(ranked, split(min(left, sum(owed)), owed), strict=True):
                if share:
                    row.paid += share
                    left -= share
                    out.append((row.holder, share))
        return out

    def __iter__(self) -> Iterator[Claim]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def canonical_lines(self) -> Iterator[str]:
        """One line a claim in order of opening: part of the state hash."""
        for row in self:
            yield f"claim {row.holder} {row.asset} {row.rank} {row.loss} {row.amount} {row.paid}"

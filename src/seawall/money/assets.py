"""Assets: a name and the two integer scales it is counted in."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.errors import InputError

MAX_DECIMALS = 24
MAX_BOOK_SCALE = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset that accounts hold.

    Attributes:
        name: ``USDC``, ``BTC``.
        decimals: the ledger counts in units of ``10**-decimals``. Ledger amounts may be any size.
        book_scale: the margin book counts in units of ``10**-book_scale`` in ``int64``; never finer than the
            ledger. 6 gives room for 18 billion in one position, 12 for 18 thousand.
    """

    name: str
    decimals: int
    book_scale: int

    @classmethod
    def of(cls, name: str, decimals: int, book_scale: int | None = None) -> Asset:
        """Make an asset; without ``book_scale`` it is ``min(decimals, 8)``."""
        scale = min(decimals, 8) if book_scale is None else book_scale
        if not name or any(c.isspace() for c in name):
            raise InputError("asset name is empty or has blanks", field="asset", value=name)
        if not 0 <= decimals <= MAX_DECIMALS:
            raise InputError(
                "asset decimals out of range", field="decimals", value=decimals, expected=f"0 to {MAX_DECIMALS}"
            )
        if not 0 <= scale <= min(decimals, MAX_BOOK_SCALE):
            raise InputError(
                "book scale out of range",
                field="book_scale",
                value=scale,
                expected=f"0 to {min(decimals, MAX_BOOK_SCALE)}, and not finer than the asset's decimals",
            )
        return cls(name, decimals, scale)

    @property
    def minor_per_book(self) -> int:
        """Ledger minor units in one book unit."""
        return int(10 ** (self.decimals - self.book_scale))

    def to_book(self, minor: int) -> int:
        """Book units in a ledger amount, rounded down: dust below a book unit is no collateral."""
        return minor // self.minor_per_book

    def to_minor(self, book: int) -> int:
        """Ledger minor units of a book amount; exact."""
        return book * self.minor_per_book

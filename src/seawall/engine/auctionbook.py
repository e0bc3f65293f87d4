"""Auctions of the fund as the state keeps them: which are open, who leads, and since when each debt has stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from seawall.waterfall import Auction

ESCROW = "auction:"
SHARES = "shares:"
ISSUED, BURNED = f"{SHARES}issued", f"{SHARES}burned"


@dataclass(slots=True)
class OpenAuction:
    """An auction of one asset's debt or surplus; amounts of ``auction`` in book units, its leader an account's name."""

    asset: int
    auction: Auction


@dataclass(slots=True)
class AuctionBook:
    """Auctions that are open, by number.

    Attributes:
        number: of the next auction.
        open: those that are neither decided nor called off.
        since: when each loss became residual, by its number; kept only where the policy has auctions.
    """

    number: int = 1
    open: dict[int, OpenAuction] = field(default_factory=dict)
    since: dict[int, int] = field(default_factory=dict)

    def lots(self, kind: str, asset: int, other_than: int = 0) -> int:
        """Sum of the lots of open auctions of a kind in an asset, one auction left out; book units."""
        return sum(
            found.auction.fixed
            for number, found in self.open.items()
            if found.asset == asset and found.auction.kind == kind and number != other_than
        )

    def held(self, asset: int) -> int:
        """Money of bidders in escrow; book units."""
        return sum(
            found.auction.fixed
            for found in self.open.values()
            if found.asset == asset and found.auction.kind == "debt" and found.auction.leader is not None
        )

    def canonical_lines(self) -> Iterator[str]:
        """Part of the state hash; nothing where no auction was ever held and no debt has stood for one."""
        if self.number > 1:
            yield f"fund auctions {self.number}"
        for number, found in sorted(self.open.items()):
            a = found.auction
            yield f"fund auction {number} {found.asset} {a.kind} {a.fixed} {a.best} {a.leader!r} {a.ends} {a.decides_at}"
        for loss, since in self.since.items():
            yield f"residual since {loss} {since}"

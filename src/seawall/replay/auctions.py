"""Auctions of portfolios as a run counts them: every bid, what it was worth, how it ended, and the tier it brought."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seawall.engine import event_to_plain
from seawall.engine.events import AuctionHeld
from seawall.engine.explain import evaluate_event

if TYPE_CHECKING:
    from seawall.replay.tally import Tally

NO_BID, WON, LOST = "no_bid", "won", "lost"


@dataclass(slots=True)
class AuctionBids:
    """``rows``: one for each bid and for each survivor that made none, in the order of ``replay.frames.BIDS``; amounts in
    reporting units, ``reserve`` and ``notional`` None where the policy has no terms. ``cost``: what accounts in default
    paid to winners; ``gain``: what winners paid to them."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    thin: int = 0
    cost: int = 0
    gain: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)

    def note(self, tally: Tally, event: AuctionHeld) -> None:
        """Count one auction."""
        self.thin += event.thin
        self.refused.update(reason for *_, reason in event.refused)
        self.tiers.update(tier for _, tier in event.tiers)
        value = tally.value(event.asset, event.amount)
        self.cost += max(0, -value)
        self.gain += max(0, value)
        asset, tiers = tally.state.asset(tally.state.asset_index[event.asset]), dict(event.tiers)
        terms = _terms(tally, event)

        def row(member: str, minor: int | None, how: str) -> tuple[Any, ...]:
            bid = None if minor is None else tally.value(event.asset, asset.to_book(minor))
            return (tally.record, tally.state.time_ns, event.account, *terms, member, bid, how, tiers.get(member, ""))

        for member, minor in event.ranking:
            self.rows.append(row(member, minor, WON if member == event.winner else LOST))
        for member, minor, reason in event.refused:
            self.rows.append(row(member, minor, reason))
        bidders = {member for member, _ in event.ranking} | {member for member, *_ in event.refused}
        self.rows.extend(row(member, None, NO_BID) for member in tiers if member not in bidders)

    def summary(self, text: Any) -> dict[str, Any]:
        """What there is beside the counts; nothing without an auction, so that results without one are as they were."""
        if not self.rows:
            return {}
        return {
            "thin": self.thin,
            "cost": text(self.cost),
            "gain": text(self.gain),
            "bids": sum(1 for row in self.rows if row[-2] in (WON, LOST)),
            "refused": dict(sorted(self.refused.items())),
            "tiers": dict(sorted(self.tiers.items())),
        }


def _terms(tally: Tally, event: AuctionHeld) -> tuple[int | None, int | None]:
    """Notional and reserve that the event explains."""
    for item in evaluate_event(event_to_plain(event)):
        if item.rule == "auction.terms":
            reserve = dict(item.results)["reserve"]
            assert isinstance(reserve, int)
            return tally.value(event.asset, item.inputs["notional"]), tally.value(event.asset, reserve)
    return None, None

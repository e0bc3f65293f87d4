"""From observations to marks: the oracle stage of a replay, by the policy's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from seawall.engine import Policy
from seawall.market import (
    Instrument,
    MarkRule,
    Quarantine,
    Quote,
    SourceMemory,
    aggregate,
    decide_mark,
    scaled_price,
)
from seawall.replay.paths import Observations
from seawall.waterfall import PriceRule


@dataclass(slots=True)
class _Source:
    """``seen`` is what it printed, ``price`` the same moved by our own orders; both None until usable."""

    memory: SourceMemory
    seen: int | None = None
    price: int | None = None
    time_ns: int = 0


@dataclass(slots=True)
class _Market:
    instrument: Instrument
    trade: _Source
    index: dict[str, _Source] = field(default_factory=dict)
    refused: Quarantine | None = None
    mark: int | None = None
    oracle: int | None = None


@dataclass(slots=True)
class FeedCounts:
    """How marks came about and what was refused, by reason and (``refused_in``) by market, for the result."""

    trades: int = 0
    from_index: int = 0
    without_index: int = 0
    held: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    refused_in: dict[str, int] = field(default_factory=dict)

    def refuse(self, market: str) -> None:
        """Count a refused price in its market."""
        self.refused_in[market] = self.refused_in.get(market, 0) + 1


class MarkFeed:
    """Keeps the last usable price of every source and decides marks. ``shift`` moves trades and index alike."""

    def __init__(self, instruments: Sequence[Instrument], policy: Policy, marks: MarkRule) -> None:
        self._policy = policy
        self._rule = marks
        self._markets = {i.symbol: _Market(i, _Source(SourceMemory(policy.oracle))) for i in instruments}
        self.counts = FeedCounts()
        # Index prices, by market: kept where the policy closes positions at them; those that changed since they were taken.
        self._wants_oracle = any(
            rule is not None and rule.price is PriceRule.ORACLE
            for rule in (policy.deleverage, *(layer.deleverage for layer in policy.layers))
        )
        self._oracle: dict[str, int] = {}

    def take_oracle(self) -> dict[str, int]:
        """Index prices that changed since the last call, by market; empty where the policy does not use them."""
        taken, self._oracle = self._oracle, {}
        return taken

    def step(self, seen: Observations, shift: dict[str, float]) -> tuple[dict[str, int], list[tuple[str, str, str]]]:
        """Marks that change now, and the prices refused now: (source, price, reason)."""
        refused: list[tuple[str, str, str]] = []
        touched: dict[str, bool] = {}
        for market, price in seen.trades:
            entry = self._markets.get(market)
            if entry is not None:
                self._observe(entry, entry.trade, market, price, shift.get(market, 1.0), seen.time_ns, refused)
                touched[market] = True
        for market, source, price in seen.index:
            for entry in self._of(market):
                symbol = entry.instrument.symbol
                found = entry.index.setdefault(source, _Source(SourceMemory(self._policy.oracle)))
                self._observe(entry, found, source, price, shift.get(symbol, 1.0), seen.time_ns, refused)
                touched.setdefault(symbol, False)
        marks: dict[str, int] = {}
        for symbol in sorted(touched):
            mark = self._decide(self._markets[symbol], seen.time_ns, touched[symbol], refused)
            if mark is not None:
                marks[symbol] = mark
        for _, _, reason in refused:
            self.counts.quarantined[reason] = self.counts.quarantined.get(reason, 0) + 1
        return marks, refused

    def _of(self, key: str) -> list[_Market]:
        """Markets that an index observation belongs to: by market symbol, else by base."""
        entry = self._markets.get(key)
        return [entry] if entry is not None else [m for m in self._markets.values() if m.instrument.base == key]

    def _observe(
        self,
        entry: _Market,
        source: _Source,
        name: str,
        price: float,
        shift: float,
        now: int,
        refused: list[tuple[str, str, str]],
    ) -> None:
        # A source is judged by what it printed: our own orders, which move every price alike, must not hide a pin.
        scale = entry.instrument.mark_scale
        usable = source.memory.observe(scaled_price(price, scale), now, self._witness(entry, source, now))
        if isinstance(usable, Quarantine):
            refused.append((name, repr(price), usable.value))
            self.counts.refuse(entry.instrument.symbol)
            if usable is Quarantine.PINNED:
                source.seen = source.price = None  # what it printed before is the pinned value itself
            return
        moved = usable if shift == 1.0 else scaled_price(price * shift, scale)
        if isinstance(moved, Quarantine):
            refused.append((name, repr(price), moved.value))
            self.counts.refuse(entry.instrument.symbol)
            return
        source.seen, source.price, source.time_ns = usable, moved, now

    def _witness(self, entry: _Market, source: _Source, now: int) -> int | None:
        """What a source is held against when it repeats one value: the aggregate of the others; where there is none,
        the venue's own last trade (one market against one source, but two that are made apart)."""
        if not self._policy.oracle.pinned_after or source is entry.trade:
            return None
        others = [Quote(n, s.seen, s.time_ns) for n, s in entry.index.items() if s is not source and s.seen]
        found = aggregate(others, now, self._policy.oracle).price
        return entry.trade.seen if found is None else found

    def _decide(self, entry: _Market, now: int, traded: bool, refused: list[tuple[str, str, str]]) -> int | None:
        index = None
        if (self._rule.kind == "banded" or self._wants_oracle) and entry.index:
            quotes = [Quote(n, s.price, s.time_ns) for n, s in entry.index.items() if s.price is not None]
            found = aggregate(quotes, now, self._policy.oracle)
            index = found.price
            for name, price, reason in found.quarantined:
                if reason is Quarantine.DEVIATES:
                    refused.append((name, str(price), reason.value))
                    self.counts.refuse(entry.instrument.symbol)
            self.counts.sources[entry.instrument.symbol] = max(
                self.counts.sources.get(entry.instrument.symbol, 0), len(found.used)
            )
            if self._wants_oracle and index is not None and index != entry.oracle:
                entry.oracle = self._oracle[entry.instrument.symbol] = index
        trade = entry.trade
        decision = decide_mark(trade.price, now - trade.time_ns, index, self._rule)
        if decision.refused is not None and (traded or decision.refused is not entry.refused):
            refused.append((entry.instrument.symbol, str(trade.price), decision.refused.value))
            self.counts.refuse(entry.instrument.symbol)
        entry.refused = decision.refused
        if decision.mark is None:
            self.counts.held += 1
            return None
        if decision.source == "index":
            self.counts.from_index += 1
        elif decision.source == "trade_without_index":
            self.counts.without_index += 1
        else:
            self.counts.trades += 1
        if decision.mark == entry.mark:
            return None
        entry.mark = decision.mark
        return decision.mark

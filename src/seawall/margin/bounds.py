"""What keeps 64-bit sums from wrapping: the largest position of each market, and their sum per asset.

The sum bounds every row at once, because a row has at most one position in a market: see ``margin.rates``. Checking
it costs a few integer operations per mark, however many positions there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from seawall.errors import MoneyOverflow
from seawall.margin.columns import MarketColumns
from seawall.margin.rates import MAX_ROW, MAX_WORTH
from seawall.market import Instrument


class Bounds:
    """Largest worths of one position, book units: ``lot`` per lot and ``worst`` per market, ``totals`` per asset.

    The worth of a lot is the largest of V, |U| and the requirement values.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        settle: Sequence[int],
        columns: Sequence[MarketColumns],
        name_of_row: Callable[[int], str],
    ) -> None:
        self._instruments, self._settle, self._columns = instruments, settle, columns
        self._name_of_row = name_of_row
        self.lot = [0] * len(instruments)
        self.worst = [0] * len(instruments)
        self.totals = dict.fromkeys(settle, 0)

    def problem(self, lots: Mapping[int, int], sizes: Mapping[int, int] | None = None) -> str:
        """Why these new worths of a lot (by market), or sizes of a position, cannot be taken; empty when they can.

        Where a bound seems broken the largest sizes are first recomputed: they only ever rise in between.
        """
        grown = sizes or {}
        moved = {m: max(self._columns[m].largest, grown.get(m, 0)) * worth for m, worth in lots.items()}
        for market, worst in moved.items():
            if worst > MAX_WORTH:
                moved[market] = max(self._columns[market].refresh_largest(), grown.get(market, 0)) * lots[market]
                if moved[market] > MAX_WORTH:
                    return self._too_large(market, lots[market], grown.get(market, 0))
        for asset in {self._settle[m] for m in moved}:
            if self._total(asset, moved) > MAX_ROW and self._recomputed(asset, lots, grown) > MAX_ROW:
                name = next(i.settle.name for i, a in zip(self._instruments, self._settle, strict=True) if a == asset)
                market = max((m for m in moved if self._settle[m] == asset), key=lambda m: moved[m] - self.worst[m])
                return (
                    f"market {self._instruments[market].symbol}: the largest positions of all {name} markets together "
                    "exceed 2^61 book units"
                )
        return ""

    def take(self, lots: Mapping[int, int], sizes: Mapping[int, int] | None = None) -> None:
        """Take new worths of a lot, or a size, that ``problem`` has nothing against."""
        for market, worth in lots.items():
            largest = max(self._columns[market].largest, (sizes or {}).get(market, 0))
            self._columns[market].largest, self.lot[market] = largest, worth
            self.totals[self._settle[market]] += largest * worth - self.worst[market]
            self.worst[market] = largest * worth

    def admit(self, lots: Mapping[int, int]) -> None:
        """Check and take.

        Raises:
            MoneyOverflow: names account and market; nothing was taken.
        """
        problem = self.problem(lots)
        if problem:
            raise MoneyOverflow(problem)
        self.take(lots)

    def admit_one(self, market: int, worth: int) -> None:
        """``admit`` of one market, without detours when nothing is near a bound."""
        worst = self._columns[market].largest * worth
        asset = self._settle[market]
        total = self.totals[asset] + worst - self.worst[market]
        if worst > MAX_WORTH or total > MAX_ROW:
            self.admit({market: worth})
        else:
            self.lot[market], self.worst[market], self.totals[asset] = worth, worst, total

    def _total(self, asset: int, moved: Mapping[int, int]) -> int:
        return self.totals[asset] + sum(w - self.worst[m] for m, w in moved.items() if self._settle[m] == asset)

    def _recomputed(self, asset: int, lots: Mapping[int, int], grown: Mapping[int, int]) -> int:
        """The asset's total with today's largest sizes."""
        total = 0
        for market, settle in enumerate(self._settle):
            if settle == asset:
                worst = self._columns[market].refresh_largest() * self.lot[market]
                self.totals[asset] += worst - self.worst[market]
                self.worst[market] = worst
                size = max(self._columns[market].largest, grown.get(market, 0))
                total += size * lots.get(market, self.lot[market])
        return total

    def _too_large(self, market: int, worth: int, size: int) -> str:
        columns, instrument = self._columns[market], self._instruments[market]
        who = f"{self._name_of_row(columns.largest_row())}: " if columns.largest > size else ""
        return (
            f"market {instrument.symbol}: {who}a position of {max(columns.largest, size)} lots at {worth} book units "
            f"each exceeds 2^54 book units of {instrument.settle.name}"
        )

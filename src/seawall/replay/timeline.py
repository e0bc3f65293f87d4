"""What a run looked like step by step: one row a step, and the marks that each market went through."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.engine import State
from seawall.replay.paths import Path
from seawall.replay.tally import Tally

MARK_COLUMNS = 16
COUNTS = ("liquidated_accounts", "open_cases", "deleveraged_accounts")
AMOUNTS = (
    "liquidated_notional",
    "taken_over_notional",
    "bad_debt",
    "deleveraged_notional",
    "given_up",
    "haircut",
    "residual",
    "members_paid",
    "socialised",
    "equity_at_risk",
    "notional_at_risk",
)


@dataclass(slots=True)
class MarkRange:
    """First, lowest, highest and last mark of one market, in its mark scale; 0 before it has one."""

    first: int = 0
    low: int = 0
    high: int = 0
    last: int = 0

    def see(self, mark: int) -> None:
        """Take a mark in."""
        if mark and mark != self.last:
            if not self.first:
                self.first = self.low = self.high = mark
            self.low, self.high, self.last = min(self.low, mark), max(self.high, mark), mark


class Timeline:
    """Collects the rows of a run: ``at_marks`` after the marks of a step, ``close`` at its end.

    Attributes:
        times: ns of every step.
        counts, amounts: columns of integers (amounts in reporting units), as named in ``COUNTS`` and ``AMOUNTS``.
        house: equity columns by house account.
        marks: columns of the largest markets by opening notional, by market number.
        depth: depth as a share of normal, weighted by opening notional; None where the path has no normal depth.
        ranges: of every market.
        open_notional: of every market: its long side at the opening, reporting units.
    """

    def __init__(self, state: State, tally: Tally, path: Path) -> None:
        self._state, self._tally, self._path = state, tally, path
        instruments = range(len(state.snapshot.instruments))
        self.times: list[int] = []
        self.counts: dict[str, list[int]] = {name: [] for name in COUNTS}
        self.amounts: dict[str, list[int]] = {name: [] for name in AMOUNTS}
        self.house: dict[str, list[int]] = {name: [] for name in tally.house}
        self.depth: list[float | None] = []
        self.ranges = [MarkRange() for _ in instruments]
        self.open_notional = [self._long_side(market) for market in instruments]
        largest = sorted(instruments, key=lambda m: (-self.open_notional[m], m))[:MARK_COLUMNS]
        self.marks: dict[int, list[float]] = {market: [] for market in largest}
        self._weights = self._depth_weights()
        self._at_risk = (0, 0)
        self._see_marks()

    def _long_side(self, market: int) -> int:
        lots = self._state.book.holders(market).lots
        return self._tally.lots_value(market, int(lots[lots > 0].sum()))

    def _depth_weights(self) -> list[tuple[str, float]]:
        """(symbol, weight over normal depth): the weighted mean of shares is one sum over depths."""
        normal, whole = self._path.normal_depth, sum(self.open_notional)
        if normal is None or not whole:
            return []
        symbols = [i.symbol for i in self._state.snapshot.instruments]
        return [(s, n / whole / normal(s)) for s, n in zip(symbols, self.open_notional, strict=True) if n]

    def _see_marks(self) -> None:
        for market, mark in enumerate(self._state.marks):
            self.ranges[market].see(mark)

    def at_marks(self) -> None:
        """Note what stands under liquidation at the step's marks, before the market answers."""
        state, valuer, fresh = self._state, self._tally.valuer, self._tally.fallen
        equity = sum(e for e, _ in fresh.values())
        notional = sum(n for _, n in fresh.values())
        for unit in state.cases.keys() - fresh.keys():
            st = state.book.unit_state(unit)
            equity += valuer.value(st.asset, st.equity)
            notional += sum(self._tally.lots_value(p.market, p.lots) for p in st.positions)
        fresh.clear()
        self._at_risk = equity, notional
        self._see_marks()

    def close(self, time_ns: int) -> None:
        """Add the row of a step."""
        state, tally = self._state, self._tally
        self.times.append(time_ns)
        counts = (len(tally.liquidated), len(state.cases), len(tally.deleveraged))
        amounts = (
            tally.liquidated_notional,
            tally.taken_notional,
            tally.bad_debt,
            tally.deleveraged_notional,
            tally.collected,
            tally.haircut_amount,
            tally.residual,
            tally.shares.contributions + tally.shares.called,
            tally.shares.charged + tally.shares.cash_cut + tally.shares.borne,
            *self._at_risk,
        )
        for name, number in zip(COUNTS, counts, strict=True):
            self.counts[name].append(number)
        for name, amount in zip(AMOUNTS, amounts, strict=True):
            self.amounts[name].append(amount)
        for name, house in tally.house.items():
            self.house[name].append(tally.worth(house))
        for market, column in self.marks.items():
            column.append(self.price(market, state.marks[market]))
        weights = self._weights
        self.depth.append(sum(w * self._path.depth(s, time_ns) for s, w in weights) if weights else None)

    def price(self, market: int, mark: int) -> float:
        """A mark as a price."""
        return float(mark / 10 ** self._state.instrument(market).mark_scale)

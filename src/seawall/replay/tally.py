"""Counting what a run did, event by event, into the result document.

Amounts of every asset are counted exactly in book units. The document prints them in one *reporting unit*: the asset
itself when all markets settle in one asset; otherwise the quote currency, coins valued at their own mark at the
moment of the event (book units to millionths of the quote, rounded half to even), with exact amounts by asset beside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from seawall.engine import Event, State
from seawall.engine.events import (
    Deleveraged,
    DeleverageNeeded,
    Drawn,
    Filled,
    FundingPaid,
    GainsHaircut,
    LiquidationStarted,
    LossCarried,
    LossRecognised,
    Quarantined,
    Residual,
    TakenOver,
)
from seawall.money import Rounding, format_amount, muldiv

QUOTE_SCALE = 6


class Valuer:
    """Book units of any asset in the reporting unit."""

    def __init__(self, state: State) -> None:
        self._state = state
        settles = {i.settle.name for i in state.snapshot.instruments}
        self.single = settles.pop() if len(settles) == 1 else None
        self._coin_market: dict[int, int] = {}
        for market, instrument in enumerate(state.snapshot.instruments):
            if instrument.inverse:
                self._coin_market.setdefault(state.settle_asset[market], market)
        if self.single is not None:
            self.scale = state.asset(state.asset_index[self.single]).book_scale
            self.unit = self.single
        else:
            self.scale = QUOTE_SCALE
            self.unit = state.snapshot.instruments[0].quote if state.snapshot.instruments else ""

    def value(self, asset: int, amount: int) -> int:
        """``amount`` book units of ``asset`` in reporting units (integer at ``scale``)."""
        if self.single is not None:
            return amount
        market = self._coin_market.get(asset)
        if market is None:
            return muldiv(amount, 10**QUOTE_SCALE, 10 ** self._state.asset(asset).book_scale, Rounding.HALF_EVEN)
        face = self._state.instrument(market).lot * 10**QUOTE_SCALE
        per_lot = self._state.unit_values[market] * face.denominator
        return muldiv(amount, face.numerator, per_lot, Rounding.HALF_EVEN)

    def text(self, amount: int) -> str:
        """A reporting amount as a decimal string."""
        return format_amount(amount, self.scale)


@dataclass(slots=True)
class HouseTally:
    """One house account that pays or earns: a fund, the backstop. Reporting units."""

    name: str
    account: int
    before: int = 0
    used: int = 0
    gained: int = 0
    take_over: int = 0
    fills: int = 0
    fees: int = 0
    draws: int = 0


@dataclass(slots=True)
class Hit:
    """What one account went through: liquidated or deleveraged. Reporting units; the event of the largest part."""

    account: str
    notional: int = 0
    cost: int = 0
    times: int = 0
    largest: int = -1
    market: str = ""
    rank: int = 0
    counterparty: str = ""
    loss: int = 0


@dataclass(slots=True)
class Tally:
    """Running counts of one run. Feed it with every outcome's events in order."""

    state: State
    valuer: Valuer
    liquidated: set[str] = field(default_factory=set)
    liquidated_notional: int = 0
    taken: set[str] = field(default_factory=set)
    taken_notional: int = 0
    bad_debt: int = 0
    bad_debt_by_asset: dict[str, int] = field(default_factory=dict)
    deleveraged: set[str] = field(default_factory=set)
    deleveraged_notional: int = 0
    deleveraged_from_backstop: int = 0
    needed: int = 0
    collected: int = 0
    haircut_amount: int = 0
    haircut_rate: tuple[int, int] = (0, 1)
    residual: int = 0
    residual_by_asset: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    fills: int = 0
    fees: int = 0
    funding: int = 0
    house: dict[str, HouseTally] = field(default_factory=dict)
    losses: dict[int, int] = field(default_factory=dict)
    hits: dict[str, Hit] = field(default_factory=dict)
    falls: dict[str, Hit] = field(default_factory=dict)

    def open_house(self) -> None:
        """Note the opening equity of every house account."""
        for name, account in self.state.house.items():
            self.house[name] = HouseTally(name, account, before=self.equity(account))

    def equity(self, account: int) -> int:
        """Equity of an account over all its assets, reporting units at current marks."""
        book, total = self.state.book, 0
        for unit in book.unit_ids_of(account):
            st = book.unit_state(unit)
            for asset, cash in st.cash.items():
                profit = sum(p.worth - p.entry for p in st.positions if self.state.settle_asset[p.market] == asset)
                total += self.valuer.value(asset, cash + profit)
        return total

    def feed(self, events: Iterable[Event]) -> None:
        """Count events."""
        for event in events:
            handler = _COUNT.get(type(event))
            if handler is not None:
                handler(self, event)

    def _value(self, asset: str, amount: int) -> int:
        return self.valuer.value(self.state.asset_index[asset], amount)

    def _house_of(self, name: str) -> HouseTally | None:
        account = self.state.account_index[name]
        return next((h for h in self.house.values() if h.account == account), None)

    def _started(self, event: LiquidationStarted) -> None:
        self.liquidated.add(event.account)
        fall = self.falls.setdefault(event.account, Hit(event.account))
        fall.notional = max(fall.notional, self._value(event.asset, event.notional))
        fall.times += 1

    def _filled(self, event: Filled) -> None:
        self.fills += 1
        notional = self._value(event.asset, event.notional)
        if event.purpose == "close_out":
            self.liquidated_notional += notional
            self.fees += self._value(event.asset, event.fee)
            fund = self.house.get(self.state.policy.liquidation.fee.account)
            if fund is not None and event.fee:
                fund.fees += self._value(event.asset, event.fee)
        else:
            house = self._house_of(event.account)
            if house is not None:
                house.fills += self._value(event.asset, event.gain)

    def _taken(self, event: TakenOver) -> None:
        self.taken.add(event.account)
        self.taken_notional += self._value(event.asset, event.notional)
        house = self._house_of(event.backstop)
        if house is not None:
            house.take_over += self._value(event.asset, event.margin)

    def _loss(self, event: LossRecognised) -> None:
        value = self._value(event.asset, event.amount)
        self.bad_debt += value
        self.losses[event.loss] = value
        self.bad_debt_by_asset[event.asset] = self.bad_debt_by_asset.get(event.asset, 0) + event.amount

    def _carried(self, event: LossCarried) -> None:
        self.bad_debt -= self._value(event.asset, event.amount)
        self.bad_debt_by_asset[event.asset] -= event.amount

    def _drawn(self, event: Drawn) -> None:
        house = self._house_of(event.source)
        if house is not None:
            house.draws += self._value(event.asset, event.amount)

    def _needed(self, event: DeleverageNeeded) -> None:
        self.needed += self._value(event.asset, event.amount)

    def _deleveraged(self, event: Deleveraged) -> None:
        self.deleveraged.add(event.account)
        notional = self._value(event.asset, event.notional)
        self.deleveraged_notional += notional
        if event.loss == 0:
            self.deleveraged_from_backstop += notional
        cost = self._value(event.asset, event.cost)
        self.collected += cost
        hit = self.hits.setdefault(event.account, Hit(event.account))
        hit.notional += notional
        hit.cost += cost
        hit.times += 1
        if notional > hit.largest:
            hit.largest, hit.market, hit.rank = notional, event.market, event.rank
            hit.counterparty, hit.loss = event.counterparty, event.loss

    def _haircut(self, event: GainsHaircut) -> None:
        self.haircut_amount += self._value(event.asset, event.amount)
        num, den = event.rate
        if num * self.haircut_rate[1] > self.haircut_rate[0] * den:
            self.haircut_rate = event.rate

    def _residual(self, event: Residual) -> None:
        self.residual += self._value(event.asset, event.amount)
        self.residual_by_asset[event.asset] = self.residual_by_asset.get(event.asset, 0) + event.amount

    def _quarantined(self, event: Quarantined) -> None:
        self.quarantined[event.reason] = self.quarantined.get(event.reason, 0) + 1

    def _funding_paid(self, event: FundingPaid) -> None:
        self.funding += 1

    def layers(self) -> list[dict[str, Any]]:
        """Every house account that can pay, before and after, with where gains and losses came from."""
        rows = []
        for house in self.house.values():
            after = self.equity(house.account)
            gains = {"take_over": house.take_over, "fills": house.fills, "fees": house.fees, "draws": -house.draws}
            gains["marks"] = after - house.before - sum(gains.values())
            used = -sum(v for v in gains.values() if v < 0)
            gained = sum(v for v in gains.values() if v > 0)
            rows.append(
                {
                    "name": house.name,
                    "before": self.valuer.text(house.before),
                    "used": self.valuer.text(used),
                    "gained": self.valuer.text(gained),
                    "after": self.valuer.text(after),
                    "by_source": {k: self.valuer.text(v) for k, v in gains.items()},
                }
            )
        return rows


_COUNT: dict[type[Any], Any] = {
    LiquidationStarted: Tally._started,
    Filled: Tally._filled,
    TakenOver: Tally._taken,
    LossRecognised: Tally._loss,
    LossCarried: Tally._carried,
    Drawn: Tally._drawn,
    DeleverageNeeded: Tally._needed,
    Deleveraged: Tally._deleveraged,
    GainsHaircut: Tally._haircut,
    Residual: Tally._residual,
    Quarantined: Tally._quarantined,
    FundingPaid: Tally._funding_paid,
}

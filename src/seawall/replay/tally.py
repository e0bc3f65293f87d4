"""Counting what a run did, event by event, per account, market, house account and layer.

Amounts of every asset are counted exactly in book units, each event valued once, when it happens, in the reporting
unit (``replay.values``). Every sum is a sum of the same integers, so accounts, markets, events and totals agree to the
unit. Assets are kept apart beside, exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from seawall.engine import Outcome, State
from seawall.engine.events import (
    Deleveraged,
    DeleverageNeeded,
    Drawn,
    Filled,
    GainsHaircut,
    LiquidationEnded,
    LiquidationStarted,
    LossCarried,
    LossRecognised,
    ProfitCapped,
    Residual,
    TakenOver,
)
from seawall.money import split
from seawall.replay.counts import AccountTally, HouseTally, MarketTally, ProfitCapTally
from seawall.replay.payments import LayerPayments
from seawall.replay.shares import LargestShares
from seawall.replay.sharing import MEMBERS, SHARING, Shares, drawn
from seawall.replay.values import Equities, Valuer


@dataclass(slots=True)
class Tally:
    """Running counts of one run. ``open`` it on the opened venue, then feed it every outcome in order.

    ``fallen`` keeps unit -> (equity, notional) of liquidations that started, until the timeline has taken it.
    """

    state: State
    valuer: Valuer
    opening: Equities = field(init=False)
    opening_values: list[int] = field(init=False)
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
    asked: dict[int, int] = field(default_factory=dict)
    capped: ProfitCapTally = field(default_factory=ProfitCapTally)
    haircut_amount: int = 0
    haircut_rate: tuple[int, int] = (0, 1)
    residual: int = 0
    residual_by_asset: dict[str, int] = field(default_factory=dict)
    fills: int = 0
    fees: int = 0
    house: dict[str, HouseTally] = field(default_factory=dict)
    by_number: dict[int, HouseTally] = field(default_factory=dict)
    payments: LayerPayments = field(init=False)
    shares: Shares = field(default_factory=Shares)
    contribution_accounts: set[str] = field(default_factory=set)
    taken_out: dict[tuple[int, int], int] = field(default_factory=dict)  # by account and asset, minor units, net
    accounts: dict[str, AccountTally] = field(default_factory=dict)
    markets: list[MarketTally] = field(default_factory=list)
    deleveragings: list[tuple[Any, ...]] = field(default_factory=list)
    loss_account: dict[int, int] = field(default_factory=dict)
    largest_shares: LargestShares = field(init=False)
    record: int = 0
    fallen: dict[int, tuple[int, int]] = field(default_factory=dict)

    def open(self) -> None:
        """Note what everybody has before the first command."""
        self.opening = Equities(self.state, self.valuer)
        self.opening_values = list(self.state.unit_values)
        self.markets = [MarketTally() for _ in self.state.snapshot.instruments]
        self.largest_shares = LargestShares(self.state)
        self.payments = LayerPayments(self.state, self.valuer)
        contributions = tuple(self.state.members.accounts.values())
        self.contribution_accounts = {self.state.account_name(a) for a in contributions}
        places = {name: (account,) for name, account in self.state.house.items()}
        for name, accounts in {**places, **({MEMBERS: contributions} if contributions else {})}.items():
            self.house[name] = HouseTally(name, accounts, before=sum(self.equity(a) for a in accounts))
            for account in accounts:
                self.by_number.setdefault(account, self.house[name])

    def worth(self, house: HouseTally) -> int:
        """Equity of a house account now, or of all members' contributions."""
        return sum(self.equity(account) for account in house.accounts)

    def take_out(self, name: str, asset: str, minor: int) -> None:
        """Money of an account left the venue and is still its owner's; negative: it came in."""
        key = self.state.account_index[name], self.state.asset_index[asset]
        self.taken_out[key] = self.taken_out.get(key, 0) + minor

    def taken_out_of(self, account: int) -> int:
        """Withdrawals less deposits, and what a wind-down paid out; reporting units at current prices."""
        assets = enumerate(self.state.snapshot.assets)
        return sum(self.valuer.value(a, terms.to_book(self.taken_out.get((account, a), 0))) for a, terms in assets)

    def equity(self, account: int) -> int:
        """Equity of an account over all its assets, reporting units at current marks."""
        book, total = self.state.book, 0
        for unit in book.unit_ids_of(account):
            st = book.unit_state(unit)
            for asset, cash in st.cash.items():
                profit = sum(p.worth - p.entry for p in st.positions if self.state.settle_asset[p.market] == asset)
                total += self.valuer.value(asset, cash + profit)
        return total

    def feed(self, outcome: Outcome, record: int) -> None:
        """Count what one command did; ``record`` is its number in the log."""
        self.record = record
        if any(type(event) in _PAYS for event in outcome.events):
            self.payments.note(outcome)
        winners_paid = taken = False
        for event in outcome.events:
            kind = type(event)
            handler = _COUNT.get(kind)
            if handler is not None:
                handler(self, event)
                winners_paid = winners_paid or kind is Deleveraged or kind is GainsHaircut
                taken = taken or kind is TakenOver
        if winners_paid:
            self.largest_shares.note(outcome)
        if taken:
            self._margin_of_take_overs(outcome)

    def value(self, asset: str, amount: int) -> int:
        """Book units of a named asset in reporting units, now."""
        return self.valuer.value(self.state.asset_index[asset], amount)

    def lots_value(self, market: int, lots: int) -> int:
        """Notional of lots at the current mark in reporting units."""
        return self.valuer.value(self.state.settle_asset[market], abs(lots) * self.state.unit_values[market])

    def account(self, name: str) -> AccountTally:
        """The counts of an account, opened when something happens to it for the first time."""
        found = self.accounts.get(name)
        if found is None:
            before = self.opening.of(self.state.account_index[name])
            found = self.accounts[name] = AccountTally(name, self.state.time_ns, before)
        return found

    def house_of(self, name: str) -> HouseTally | None:
        """The house account of that name, or the contributions that it is one of."""
        return self.by_number.get(self.state.account_index[name])

    def market(self, symbol: str) -> MarketTally:
        """The counts of a market."""
        return self.markets[self.state.market_index[symbol]]

    def _started(self, event: LiquidationStarted) -> None:
        self.liquidated.add(event.account)
        account = self.account(event.account)
        account.liquidations += 1
        account.outcome = "still_open"
        notional = self._started_notional(event)
        account.fallen_notional = max(account.fallen_notional, notional)
        asset = self.state.asset_index[event.asset]
        unit = self.state.book.unit_of(self.state.account_index[event.account], asset)
        self.fallen[unit] = (self.valuer.value(asset, event.equity), notional)

    def _started_notional(self, event: LiquidationStarted) -> int:
        """Notional of the account when it fell, reporting units. Settle assets may differ inside a pooled account."""
        if self.valuer.single is not None or not self.state.book.pooled:
            return self.value(event.asset, event.notional)
        unit = self.state.account_index[event.account]
        return sum(self.lots_value(p.market, p.lots) for p in self.state.book.unit_state(unit).positions)

    def _ended(self, event: LiquidationEnded) -> None:
        account = self.account(event.account)
        sold = event.outcome == "closed" and account.auctioned_notional
        account.outcome = "auctioned" if sold else event.outcome

    def _filled(self, event: Filled) -> None:
        self.fills += 1
        gain = self.value(event.asset, event.gain)
        if event.purpose != "close_out":
            house = self.house_of(event.account)
            if house is not None:
                house.fills += gain
            return
        notional, fee = self.value(event.asset, event.notional), self.value(event.asset, event.fee)
        account, market = self.account(event.account), self.market(event.market)
        self.liquidated_notional += notional
        account.liquidated_notional += notional
        market.liquidated_notional += notional
        market.fallen.add(event.account)
        market.fill_gain += gain
        self.fees += fee
        account.fees += fee
        market.fees += fee
        fund = self.house.get(self.state.policy.liquidation.fee.account)
        if fund is not None and fee:
            fund.fees += fee

    def _taken(self, event: TakenOver) -> None:
        self.taken.add(event.account)
        account = self.account(event.account)
        for symbol, lots in event.positions:
            market = self.market(symbol)
            notional = self.lots_value(self.state.market_index[symbol], lots)
            self.taken_notional += notional
            account.taken_notional += notional
            market.taken_notional += notional
            market.fallen.add(event.account)
        margin = self.value(event.asset, event.margin)
        account.margin_lost += margin
        house = self.house_of(event.backstop)
        if house is not None:
            house.take_over += margin

    def _margin_of_take_overs(self, outcome: Outcome) -> None:
        """The cash that came with each account taken over: it ends with none, so it had what its transfers took away."""
        state = self.state
        moved: dict[int, int] = {}
        for source, target, minor, code in outcome.transfers:
            if code == "take_over":
                moved[source] = moved.get(source, 0) + minor
                moved[target] = moved.get(target, 0) - minor
        for event in outcome.events:
            if not isinstance(event, TakenOver):
                continue
            house, account = self.house_of(event.backstop), state.account_index[event.account]
            for asset, asset_info in enumerate(state.snapshot.assets):
                cash = moved.get(state.cash_ids.get(account * len(state.snapshot.assets) + asset, -1), 0)
                if cash and house is not None:
                    house.margin += self.valuer.value(asset, asset_info.to_book(cash))

    def _loss(self, event: LossRecognised) -> None:
        if event.cause != "default":  # the venue's own loss is nobody's account: counted by cause
            return
        value = self.value(event.asset, event.amount)
        self.bad_debt += value
        self.account(event.account).loss += value
        self.loss_account[event.loss] = self.state.account_index[event.account]
        self.bad_debt_by_asset[event.asset] = self.bad_debt_by_asset.get(event.asset, 0) + event.amount

    def _carried(self, event: LossCarried) -> None:
        value = self.value(event.asset, event.amount)
        self.bad_debt -= value
        self.account(event.account).loss -= value
        self.bad_debt_by_asset[event.asset] -= event.amount

    def covered(self, loss: int, value: int) -> None:
        """Somebody paid towards a loss: a gain of the house account whose loss it was."""
        house = self.by_number.get(self.loss_account.get(loss, -1))
        if house is not None:
            house.covered += value

    def _drawn(self, event: Drawn) -> None:
        value = self.value(event.asset, event.amount)
        drawn(self, event)
        house = self.house_of(event.source)
        if house is not None:
            house.draws += value
        self.covered(event.loss, value)

    def _needed(self, event: DeleverageNeeded) -> None:
        value = self.value(event.asset, event.amount)
        self.needed += value
        self.asked[event.loss] = value

    def _capped(self, event: ProfitCapped) -> None:
        """What was realised is no cost to anybody: it was closed at the mark."""
        found = self.capped
        found.times += 1
        found.collected += self.value(event.asset, event.collected)
        found.largest_needed = max(found.largest_needed, self.value(event.asset, event.needed))
        found.largest_residual = max(found.largest_residual, self.value(event.asset, event.residual))

    def _deleveraged(self, event: Deleveraged) -> None:
        self.deleveraged.add(event.account)
        notional, cost = self.value(event.asset, event.notional), self.value(event.asset, event.cost)
        account, market = self.account(event.account), self.market(event.market)
        self.deleveraged_notional += notional
        account.deleveraged_notional += notional
        market.deleveraged_notional += notional
        self.collected += cost
        account.given_up += cost
        market.given_up += cost
        if event.cause is not None:
            self.capped.notional += notional
            self.capped.accounts.add(event.account)
        elif event.loss == 0:
            self.deleveraged_from_backstop += notional
        else:
            self.asked[event.loss] = self.asked.get(event.loss, 0) - cost
        house = self.house_of(event.counterparty)
        if house is not None:
            house.deleveraging += cost
        else:
            market.fallen.add(event.counterparty)
        account.deleveragings += 1
        account.outcome = "winner_deleveraged"
        account.best_rank = event.rank if account.best_rank is None else min(account.best_rank, event.rank)
        if notional > account.largest:
            account.largest, account.market, account.rank = notional, event.market, event.rank
            account.counterparty, account.because = event.counterparty, event.loss
            account.cause = event.cause
        self.deleveragings.append(
            (
                self.record,
                self.state.time_ns,
                event.loss,
                event.market,
                event.account,
                event.counterparty,
                event.rank,
                event.score,
                notional,
                cost,
                event.cause or ("loss" if event.loss else "backstop_limit"),
            )
        )

    def _haircut(self, event: GainsHaircut) -> None:
        value = self.value(event.asset, event.amount)
        self.haircut_amount += value
        num, den = event.rate
        if num * self.haircut_rate[1] > self.haircut_rate[0] * den:
            self.haircut_rate = event.rate
        amounts = [cut for _, cut in event.cuts]
        parts = amounts if value == event.amount else split(value, amounts)
        for (name, _), part in zip(event.cuts, parts, strict=True):
            account = self.account(name)
            account.haircut += part
            account.outcome = "winner_haircut"
        for loss, amount in event.losses:
            self.covered(loss, self.value(event.asset, amount))

    def _residual(self, event: Residual) -> None:
        value = self.value(event.asset, event.amount)
        self.residual += value
        self.residual_by_asset[event.asset] = self.residual_by_asset.get(event.asset, 0) + event.amount
        self.covered(event.loss, value)


_COUNT: dict[type[Any], Any] = {
    LiquidationStarted: Tally._started,
    LiquidationEnded: Tally._ended,
    Filled: Tally._filled,
    TakenOver: Tally._taken,
    LossRecognised: Tally._loss,
    LossCarried: Tally._carried,
    Drawn: Tally._drawn,
    DeleverageNeeded: Tally._needed,
    Deleveraged: Tally._deleveraged,
    ProfitCapped: Tally._capped,
    GainsHaircut: Tally._haircut,
    Residual: Tally._residual,
    **SHARING,
}
_PAYS = frozenset({LossRecognised, Deleveraged})

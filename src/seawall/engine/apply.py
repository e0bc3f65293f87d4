"""``apply(state, command)``: the only door to the state.

Every command is checked in full before anything is written, so a refused command changes nothing. Afterwards the
invariants that a command can break are checked; a broken one raises and must stop the writer.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from seawall.engine.auction import auction
from seawall.engine.cashflow import deposit, withdraw
from seawall.engine.closeout import consider, fill, open_work_out
from seawall.engine.commands import (
    Auction,
    BidFundAuction,
    CloseFundAuction,
    Command,
    DeclareLoss,
    Deposit,
    Distribute,
    FileClaim,
    Fill,
    Funding,
    Marks,
    NetFundDebt,
    OpenFundAuction,
    Recover,
    Reinstate,
    Resolve,
    Settle,
    StopPaying,
    Trade,
    WindDown,
    Withdraw,
)
from seawall.engine.events import (
    FundingPaid,
    MarksSet,
    Outcome,
    Quarantined,
    Refused,
    Rejection,
    Settled,
    Traded,
)
from seawall.engine.fundauction import bid_fund_auction, close_fund_auction, net_fund_debt, open_fund_auction
from seawall.engine.haircut import forget_gone_gains
from seawall.engine.halts import halted, observe, report_halts
from seawall.engine.incidents import declare_loss, recover, reinstate
from seawall.engine.invariants import check_touched
from seawall.engine.ladder import resolve
from seawall.engine.layers import observe_balances
from seawall.engine.margining import look_at, may_take
from seawall.engine.options import options_on, short_notional, too_large
from seawall.engine.period import GainsPeriod
from seawall.engine.posting import Step, Watch
from seawall.engine.replenish import owe, put_back, stop_paying
from seawall.engine.sizes import in_turn
from seawall.engine.state import MEMBER_ROLES, State, watched
from seawall.engine.winddown import beyond_settlement, file_claim, pay_out, remember_marks, settle_market, wind_down
from seawall.errors import InputError, MoneyOverflow
from seawall.liquidation import HaltKind
from seawall.margin import MAX_WORTH
from seawall.market import Instrument, Kind, funding_per_lot

_STOPPED_BY = {Trade: HaltKind.TRADING, Withdraw: HaltKind.WITHDRAWALS}


def apply(state: State, command: Command, watch: Watch | None = None) -> Outcome:
    """Apply one command.

    Args:
        state: changed in place when the command is accepted, untouched when it is refused.
        command: see ``engine.commands``.
        watch: shown each event as it happens, and the queues and layers that decide; it must not change the state.

    Returns:
        Events and ledger transfers, or a rejection.

    Raises:
        InvariantBroken: our fault; the state must not be used any further.
    """
    before = state.time_ns
    step = Step(state, watch)
    if command.time_ns < before:
        refused: Rejection | None = Rejection(Refused.TIME_BACKWARDS, {"time_ns": command.time_ns, "last_ns": before})
    else:
        state.time_ns = command.time_ns
        state.touched.clear()
        refused = _over(state, command) or _HANDLERS[type(command)](state, step, command)
    if refused is not None:
        state.time_ns = before
        return Outcome((), (), refused)
    if step.uses:
        owe(state, step)
    state.commands += 1
    check_touched(state)
    return Outcome(tuple(step.events), tuple(step.transfers))


def _over(state: State, command: Command) -> Rejection | None:
    """Is the venue wound down, or does a halt stop this command?"""
    if state.winding is not None and not isinstance(command, _AFTER_THE_END):
        return Rejection(Refused.WOUND_DOWN, {"since_ns": state.winding.since_ns})
    kind = _STOPPED_BY.get(type(command)) if state.policy.halts else None
    reason = None if kind is None else halted(state, kind)
    return None if reason is None else Rejection(Refused.HALTED, {"halt": kind.value if kind else "", "why": reason})


def _marks(state: State, step: Step, command: Marks) -> Rejection | None:
    markets: list[int] = []
    values: list[int] = []
    for symbol, mark in command.marks.items():
        market = state.market_index.get(symbol)
        if market is None:
            return Rejection(Refused.UNKNOWN_MARKET, {"market": symbol})
        try:
            values.append(state.instrument(market).unit_value(mark))
        except InputError as error:
            return Rejection(Refused.BAD_MARK, {"market": symbol, "mark": mark, "why": error.problem})
        markets.append(market)
    for asset, (num, den) in command.indexes.items():
        if asset not in state.asset_index:
            return Rejection(Refused.UNKNOWN_ASSET, {"asset": asset})
        if num <= 0 or den <= 0:
            return Rejection(Refused.BAD_MARK, {"asset": asset, "num": num, "den": den})
        if not state.book.fits_price(state.asset_index[asset], Fraction(num, den)):
            return Rejection(
                Refused.BAD_MARK, {"asset": asset, "why": "balances at this index price do not fit the book"}
            )
    oracle = _oracle_values(state, command)
    if isinstance(oracle, Rejection):
        return oracle
    if state.has_options:
        crowded = too_large(state, dict(zip(markets, values, strict=True)))
        if crowded is not None:
            return Rejection(Refused.OVERFLOW, {"market": state.instrument(crowded).symbol})
    begun = None
    if state.period is not None and state.period.over(state.time_ns):
        begun = GainsPeriod.begin(state.book, state.period.length_ns, state.time_ns)
    try:
        state.book.tick_many(markets, values, [state.carries[m] for m in markets])
    except MoneyOverflow as error:
        return Rejection(Refused.OVERFLOW, {"why": str(error)})
    state.period = begun or state.period
    put_back(state, step)
    observe_balances(state)
    for market, value, mark in zip(markets, values, command.marks.values(), strict=True):
        state.previous_values[market] = state.unit_values[market] or value
        state.unit_values[market] = value
        state.marks[market] = mark
    state.oracle_values.update(oracle)
    for option in options_on(state, markets) if state.has_options else ():
        if state.unit_values[option]:
            state.book.set_requirement_value(
                option, 0, short_notional(state.snapshot.instruments, state.unit_values, option)
            )
    for asset, (num, den) in command.indexes.items():
        number = state.asset_index[asset]
        state.index_prices[number] = Fraction(num, den)
        state.book.set_collateral_price(asset, num, den)
    state.marks_seen += 1
    step.emit(MarksSet(state.time_ns, len(markets)))
    if state.gains_cut:
        forget_gone_gains(state)
    remember_marks(state, markets)
    if state.policy.halts:
        observe(state, markets)
        report_halts(state, step)
        state.marks_ns = state.time_ns if markets else state.marks_ns  # prices of collateral alone end no outage
    for source, price, reason in command.quarantined:
        step.emit(Quarantined(source, price, reason))
    looked_at = in_turn(state, {*state.book.take_flagged(), *watched(state), *state.cases})
    state.watch.clear()
    for unit in looked_at:
        if state.snapshot.roles[state.book.account_of(unit)] in MEMBER_ROLES:
            consider(state, step, unit)
    open_work_out(state, step)
    return None


def _oracle_values(state: State, command: Marks) -> Rejection | dict[int, int]:
    """Value of a lot at the index price, by market."""
    found: dict[int, int] = {}
    for symbol, price in command.oracle.items():
        market = state.market_index.get(symbol)
        if market is None:
            return Rejection(Refused.UNKNOWN_MARKET, {"market": symbol})
        try:
            found[market] = state.instrument(market).unit_value(price)
        except InputError as error:
            return Rejection(Refused.BAD_MARK, {"market": symbol, "oracle": price, "why": error.problem})
    return found


def _fill(state: State, step: Step, command: Fill) -> Rejection | None:
    counterparty = state.account_index.get(command.counterparty)
    if counterparty is None:
        return Rejection(Refused.UNKNOWN_ACCOUNT, {"account": command.counterparty})
    return fill(state, step, command.intent, counterparty, command.lots, command.price)


def _resolve(state: State, step: Step, command: Resolve) -> Rejection | None:
    resolve(state, step)
    if state.policy.halts:
        observe(state)
        report_halts(state, step)
    return None


def _trade(state: State, step: Step, command: Trade) -> Rejection | None:
    market = state.market_index.get(command.market)
    if market is None:
        return Rejection(Refused.UNKNOWN_MARKET, {"market": command.market})
    sides = []
    for name in (command.buyer, command.seller):
        account = state.account_index.get(name)
        if account is None:
            return Rejection(Refused.UNKNOWN_ACCOUNT, {"account": name})
        sides.append(account)
    buyer, seller = sides
    if buyer == seller:
        return Rejection(Refused.SELF_TRADE, {"account": command.buyer})
    if command.lots <= 0:
        return Rejection(Refused.BAD_AMOUNT, {"lots": command.lots})
    if not state.unit_values[market]:
        return Rejection(Refused.BAD_MARK, {"market": command.market, "why": "the market has no mark yet"})
    try:
        worth = state.worth_at(market, command.price)
    except InputError as error:
        return Rejection(Refused.BAD_MARK, {"market": command.market, "price": command.price, "why": error.problem})
    expiry = state.instrument(market).expiry_ns
    if expiry is not None and command.time_ns > expiry:
        return Rejection(Refused.EXPIRED, {"market": command.market, "expiry_ns": expiry})
    for account, lots in ((buyer, command.lots), (seller, -command.lots)):
        if state.snapshot.roles[account] == "fund":
            return Rejection(Refused.HOUSE_ACCOUNT, {"account": state.account_name(account)})
        if look_at(state, account, state.settle_asset[market]).unit in state.cases:
            return Rejection(Refused.UNDER_LIQUIDATION, {"account": state.account_name(account)})
        refused = may_take(state, account, market, lots, worth)
        if refused is not None:
            return refused
    value = command.lots * worth
    before = step.exchange(buyer, seller, market, command.lots, value, "trade")
    own, other = step.why_sides(*before, command.lots)
    asset = state.instrument(market).settle.name
    why = (("trade.value", {"worth": worth}), *own, *other)
    step.emit(Traded(command.buyer, command.seller, command.market, asset, command.lots, value, why))
    return None


def _funding(state: State, step: Step, command: Funding) -> Rejection | None:
    changes: list[tuple[int, int]] = []
    for symbol, (num, den) in command.rates.items():
        market = state.market_index.get(symbol)
        if market is None:
            return Rejection(Refused.UNKNOWN_MARKET, {"market": symbol})
        if state.instrument(market).kind is not Kind.PERPETUAL or den <= 0:
            return Rejection(Refused.BAD_AMOUNT, {"market": symbol, "num": num, "den": den})
        changes.append((market, funding_per_lot(state.unit_values[market], Fraction(num, den))))
    markets = [m for m, _ in changes]
    carries = [state.carries[m] + c for m, c in changes]
    for market, carry in zip(markets, carries, strict=True):
        if abs(carry) > MAX_WORTH:  # also where nobody holds a position yet
            return Rejection(Refused.OVERFLOW, {"market": state.instrument(market).symbol, "carry": carry})
    try:
        state.book.tick_many(markets, [state.unit_values[m] for m in markets], carries)
    except MoneyOverflow as error:
        return Rejection(Refused.OVERFLOW, {"why": str(error)})
    for (market, change), carry in zip(changes, carries, strict=True):
        state.carries[market] = carry
        num, den = command.rates[state.instrument(market).symbol]
        inputs = {"unit_value": state.unit_values[market], "num": num, "den": den}
        step.emit(FundingPaid(state.instrument(market).symbol, change, (("funding.per_lot", inputs),)))
    return None


def _settle(state: State, step: Step, command: Settle) -> Rejection | None:
    market = state.market_index.get(command.market)
    if market is None:
        return Rejection(Refused.UNKNOWN_MARKET, {"market": command.market})
    instrument: Instrument = state.instrument(market)
    if instrument.expiry_ns is None or command.time_ns < instrument.expiry_ns:
        return Rejection(Refused.NOT_EXPIRED, {"market": command.market, "expiry_ns": instrument.expiry_ns})
    if command.price == 0 and instrument.kind is Kind.OPTION:
        worth = -state.carries[market]
    else:
        try:
            worth = state.worth_at(market, command.price)
        except InputError as error:
            return Rejection(Refused.BAD_MARK, {"market": command.market, "why": error.problem})
    beyond = beyond_settlement(state, market, worth)
    if beyond is not None:
        return beyond
    count = settle_market(state, step, market, worth)
    for number in [i.number for i in state.intents.values() if i.market == market]:
        state.drop_intent(number)
    step.emit(Settled(command.market, command.price, count))
    return None


_HANDLERS: dict[type[Any], Callable[[State, Step, Any], Rejection | None]] = {
    Marks: _marks,
    Fill: _fill,
    Resolve: _resolve,
    Trade: _trade,
    Deposit: deposit,
    Withdraw: withdraw,
    Funding: _funding,
    Settle: _settle,
    DeclareLoss: declare_loss,
    Recover: recover,
    Reinstate: reinstate,
    StopPaying: stop_paying,
    WindDown: wind_down,
    FileClaim: file_claim,
    Distribute: pay_out,
    Auction: auction,
    OpenFundAuction: open_fund_auction,
    BidFundAuction: bid_fund_auction,
    CloseFundAuction: close_fund_auction,
    NetFundDebt: net_fund_debt,
}
# What a venue that is wound down still does.
_AFTER_THE_END = (WindDown, FileClaim, Distribute, Recover)

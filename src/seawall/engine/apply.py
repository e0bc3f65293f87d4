"""``apply(state, command)``: the only door to the state.

Every command is checked in full before anything is written, so a refused command changes nothing. Afterwards the
invariants that a command can break are checked; a broken one raises and must stop the writer.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from seawall.engine.auction import auction
from seawall.engine.closeout import consider, fill, open_work_out
from seawall.engine.commands import (
    Auction,
    Command,
    DeclareLoss,
    Deposit,
    Distribute,
    FileClaim,
    Fill,
    Funding,
    Marks,
    Recover,
    Reinstate,
    Resolve,
    Settle,
    Trade,
    WindDown,
    Withdraw,
)
from seawall.engine.events import (
    FundingPaid,
    MarksSet,
    Moved,
    Outcome,
    Quarantined,
    Refused,
    Rejection,
    Settled,
    Traded,
    Why,
    WithdrawalCut,
)
from seawall.engine.halts import halted, observe, report_halts
from seawall.engine.incidents import declare_loss, recover, reinstate
from seawall.engine.invariants import check_touched
from seawall.engine.ladder import resolve
from seawall.engine.layers import observe_balances
from seawall.engine.margining import initial_of
from seawall.engine.options import options_on, short_notional, too_large
from seawall.engine.period import GainsPeriod
from seawall.engine.posting import Step, Watch
from seawall.engine.socialise import socialised_account, withdrawal_rate
from seawall.engine.state import State
from seawall.engine.winddown import file_claim, pay_out, remember_marks, settle_market, wind_down
from seawall.errors import InputError, MoneyOverflow
from seawall.liquidation import HaltKind
from seawall.margin import MAX_CASH, MAX_WORTH
from seawall.market import Instrument, Kind, funding_per_lot
from seawall.money import Rounding, muldiv

_STOPPED_BY = {Trade: HaltKind.TRADING, Withdraw: HaltKind.WITHDRAWALS}
MEMBER_ROLES = ("trader", "market_maker")


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
    observe_balances(state)
    for market, value, mark in zip(markets, values, command.marks.values(), strict=True):
        state.previous_values[market] = state.unit_values[market] or value
        state.unit_values[market] = value
        state.marks[market] = mark
    for option in options_on(state, markets) if state.has_options else ():
        if state.unit_values[option]:
            state.book.set_requirement_value(option, 0, short_notional(state, option))
    for asset, (num, den) in command.indexes.items():
        number = state.asset_index[asset]
        state.index_prices[number] = Fraction(num, den)
        state.book.set_collateral_price(asset, num, den)
    state.marks_seen += 1
    step.emit(MarksSet(state.time_ns, len(markets)))
    remember_marks(state, markets)
    if state.policy.halts:
        report_halts(state, step)
    for source, price, reason in command.quarantined:
        step.emit(Quarantined(source, price, reason))
    for unit in sorted({*state.book.take_flagged(), *state.watch, *state.cases}):
        if state.snapshot.roles[state.book.account_of(unit)] in MEMBER_ROLES:
            consider(state, step, unit)
    state.watch.clear()
    open_work_out(state, step)
    return None


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
    for account, lots in ((buyer, command.lots), (seller, -command.lots)):
        refused = _may_trade(state, account, market, lots, worth)
        if refused is not None:
            return refused
    value = command.lots * worth
    before = step.exchange(buyer, seller, market, command.lots, value, "trade")
    own, other = step.why_sides(*before, command.lots)
    asset = state.instrument(market).settle.name
    why = (("trade.value", {"worth": worth}), *own, *other)
    step.emit(Traded(command.buyer, command.seller, command.market, asset, command.lots, value, why))
    return None


def _may_trade(state: State, account: int, market: int, lots: int, worth: int) -> Rejection | None:
    """Bounds, liquidation and margin of one side: after it, equity covers the initial requirement, or risk fell."""
    name = state.account_name(account)
    held, _ = state.book.position(account, market)
    after = held + lots
    unit_value = state.unit_values[market]
    if not state.book.fits_position(market, after) or abs(after) * max(unit_value, abs(worth)) > MAX_WORTH:
        return Rejection(Refused.OVERFLOW, {"account": name, "lots": after})
    unit = state.book.unit_of(account, state.settle_asset[market])
    if unit in state.cases:
        return Rejection(Refused.UNDER_LIQUIDATION, {"account": name})
    if state.snapshot.roles[account] == "outside":
        return None
    st = state.book.unit_state(unit)
    settle = state.settle_asset[market]
    rate = Fraction(1) if settle == st.asset else state.index_prices[settle]
    change = lots * (state.worth(market) - worth)
    others = [(p.market, p.lots) for p in st.positions if p.market != market]
    initial = initial_of(state, st, [*others, (market, after)])
    equity = st.equity + change * rate
    if equity < initial and not (abs(after) < abs(held) and change * rate >= 0):
        return Rejection(Refused.INSUFFICIENT_MARGIN, {"account": name, "equity": int(equity), "initial": int(initial)})
    return None


def _cash_command(state: State, command: Deposit | Withdraw) -> Rejection | tuple[int, int]:
    account = state.account_index.get(command.account)
    if account is None:
        return Rejection(Refused.UNKNOWN_ACCOUNT, {"account": command.account})
    asset = state.asset_index.get(command.asset)
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    if command.amount <= 0:
        return Rejection(Refused.BAD_AMOUNT, {"amount": command.amount})
    return account, asset


def _deposit(state: State, step: Step, command: Deposit) -> Rejection | None:
    found = _cash_command(state, command)
    if isinstance(found, Rejection):
        return found
    account, asset = found
    after = state.cash_minor(account, asset) + command.amount
    if abs(state.asset(asset).to_book(after)) > MAX_CASH:
        return Rejection(Refused.OVERFLOW, {"account": command.account, "amount": command.amount})
    step.post(state.external[asset], state.cash_id(account, asset), command.amount, "deposit")
    step.sync_cash(account, asset)
    _flow(state, account, asset, state.asset(asset).to_book(command.amount))
    step.emit(Moved(command.account, command.asset, command.amount, "deposit"))
    return None


def _withdraw(state: State, step: Step, command: Withdraw) -> Rejection | None:
    found = _cash_command(state, command)
    if isinstance(found, Rejection):
        return found
    account, asset = found
    balance = state.cash_minor(account, asset)
    if command.amount > balance:
        return Rejection(
            Refused.INSUFFICIENT_BALANCE, {"account": command.account, "balance": balance, "amount": command.amount}
        )
    unit = state.book.unit_of(account, asset)
    if unit in state.cases:
        return Rejection(Refused.UNDER_LIQUIDATION, {"account": command.account})
    scale = state.asset(asset)
    st = state.book.unit_state(unit)
    after = scale.to_book(balance - command.amount)
    book_change = scale.to_book(balance) - after
    price = Fraction(1) if asset == st.asset else state.index_prices[asset]
    # Unrealised profit cannot be withdrawn: cash stays at least at zero and equity at the initial requirement.
    initial = initial_of(state, st, [(p.market, p.lots) for p in st.positions])
    if st.positions and st.equity - book_change * price < initial:
        return Rejection(
            Refused.INSUFFICIENT_MARGIN,
            {"account": command.account, "equity": st.equity, "initial": int(initial), "amount": command.amount},
        )
    num, den = withdrawal_rate(state, asset)
    paid = muldiv(command.amount, num, den, Rounding.FLOOR)
    if paid:
        step.post(state.cash_id(account, asset), state.external[asset], paid, "withdraw")
    if paid < command.amount:
        step.post(
            state.cash_id(account, asset), socialised_account(state, asset), command.amount - paid, "withdrawal_cut"
        )
    step.sync_cash(account, asset)
    _flow(state, account, asset, -book_change)
    step.emit(Moved(command.account, command.asset, -command.amount, "withdraw"))
    if paid < command.amount:
        why: Why = (("withdrawal.rate", {"amount": command.amount, "num": num, "den": den}),)
        step.emit(WithdrawalCut(command.account, command.asset, command.amount - paid, (num, den), why))
    return None


def _flow(state: State, account: int, asset: int, amount: int) -> None:
    """Deposits and withdrawals are not gains of the period."""
    if state.period is not None:
        row = state.book.row(account, asset)
        state.period.flows[row] = state.period.flows.get(row, 0) + amount


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
    count = settle_market(state, step, market, worth)
    for intent in [i for i in state.intents.values() if i.market == market]:
        del state.intents[intent.number]
        if intent.unit in state.cases:
            state.cases[intent.unit].intents.discard(intent.number)
    step.emit(Settled(command.market, command.price, count))
    return None


_HANDLERS: dict[type[Any], Callable[[State, Step, Any], Rejection | None]] = {
    Marks: _marks,
    Fill: _fill,
    Resolve: _resolve,
    Trade: _trade,
    Deposit: _deposit,
    Withdraw: _withdraw,
    Funding: _funding,
    Settle: _settle,
    DeclareLoss: declare_loss,
    Recover: recover,
    Reinstate: reinstate,
    WindDown: wind_down,
    FileClaim: file_claim,
    Distribute: pay_out,
    Auction: auction,
}
# What a venue that is wound down still does.
_AFTER_THE_END = (WindDown, FileClaim, Distribute, Recover)

"""Money that comes in and goes out: deposits, withdrawals, and what withdrawals bear of socialised losses."""

from __future__ import annotations

from seawall.engine.commands import Deposit, Withdraw
from seawall.engine.events import Moved, Refused, Rejection, Why, WithdrawalCut
from seawall.engine.margining import initial_of
from seawall.engine.posting import Step
from seawall.engine.socialise import socialised_account, withdrawal_rate
from seawall.engine.state import State
from seawall.money import Rounding, muldiv


def _named(state: State, command: Deposit | Withdraw) -> Rejection | tuple[int, int]:
    account = state.account_index.get(command.account)
    if account is None:
        return Rejection(Refused.UNKNOWN_ACCOUNT, {"account": command.account})
    asset = state.asset_index.get(command.asset)
    if asset is None:
        return Rejection(Refused.UNKNOWN_ASSET, {"asset": command.asset})
    if command.amount <= 0:
        return Rejection(Refused.BAD_AMOUNT, {"amount": command.amount})
    if state.book.pooled and not state.book.priced(asset):
        # Unpriced collateral would make the whole account impossible to judge.
        return Rejection(Refused.BAD_MARK, {"asset": command.asset, "why": "no index price yet"})
    return account, asset


def deposit(state: State, step: Step, command: Deposit) -> Rejection | None:
    """Book what arrived. The dust below a book unit stays in the ledger."""
    found = _named(state, command)
    if isinstance(found, Rejection):
        return found
    account, asset = found
    scale, before = state.asset(asset), state.cash_minor(account, asset)
    change = scale.to_book(before + command.amount) - scale.to_book(before)
    if not state.book.fits_deposit(account, asset, change):
        return Rejection(Refused.OVERFLOW, {"account": command.account, "amount": command.amount})
    step.post(state.external[asset], state.cash_id(account, asset), command.amount, "deposit")
    step.sync_cash(account, asset)
    flow(state, account, asset, change)
    step.emit(Moved(command.account, command.asset, command.amount, "deposit"))
    return None


def withdraw(state: State, step: Step, command: Withdraw) -> Rejection | None:
    """Pay out, at the rate that socialised losses leave.

    Unrealised profit cannot be withdrawn, a debt in another asset not be left behind: cash stays at least at zero and
    equity at the initial requirement. A fund's money does not leave this way, whoever asks.
    """
    found = _named(state, command)
    if isinstance(found, Rejection):
        return found
    account, asset = found
    if state.snapshot.roles[account] == "fund":
        return Rejection(Refused.HOUSE_ACCOUNT, {"account": command.account})
    change = may_pay_out(state, account, asset, command.amount)
    if isinstance(change, Rejection):
        return change
    num, den = withdrawal_rate(state, asset)
    paid = muldiv(command.amount, num, den, Rounding.FLOOR)
    if paid:
        step.post(state.cash_id(account, asset), state.external[asset], paid, "withdraw")
    if paid < command.amount:
        step.post(
            state.cash_id(account, asset), socialised_account(state, asset), command.amount - paid, "withdrawal_cut"
        )
    step.sync_cash(account, asset)
    flow(state, account, asset, -change)
    step.emit(Moved(command.account, command.asset, -command.amount, "withdraw"))
    if paid < command.amount:
        why: Why = (("withdrawal.rate", {"amount": command.amount, "num": num, "den": den}),)
        step.emit(WithdrawalCut(command.account, command.asset, command.amount - paid, (num, den), why))
    return None


def may_pay_out(state: State, account: int, asset: int, amount: int) -> Rejection | int:
    """May an account part with ``amount`` (> 0, minor units) of its cash? What its cash falls by then, book units.

    Cash stays at least at zero, equity at the initial requirement, and nothing leaves an account under liquidation.
    """
    name, balance = state.account_name(account), state.cash_minor(account, asset)
    if amount > balance:
        return Rejection(Refused.INSUFFICIENT_BALANCE, {"account": name, "balance": balance, "amount": amount})
    unit = state.book.unit_of(account, asset)
    if unit in state.cases:
        return Rejection(Refused.UNDER_LIQUIDATION, {"account": name})
    scale = state.asset(asset)
    st = state.book.unit_state(unit)
    change = scale.to_book(balance) - scale.to_book(balance - amount)
    initial = initial_of(state, st, [(p.market, p.lots) for p in st.positions])
    after = state.book.equity_without(st, asset, change)
    owes = st.positions or any(v < 0 for v in st.cash.values())
    if owes and after < initial:
        return Rejection(
            Refused.INSUFFICIENT_MARGIN,
            {"account": name, "equity": st.equity, "initial": int(initial), "amount": amount},
        )
    return change


def flow(state: State, account: int, asset: int, amount: int) -> None:
    """Deposits, withdrawals and moves between an owner's own accounts are not gains of the period."""
    if state.period is not None and amount:
        row = state.book.row(account, asset)
        state.period.flows[row] = state.period.flows.get(row, 0) + amount

"""Money that comes in and goes out: deposits, withdrawals, and what withdrawals bear of socialised losses."""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.commands import Deposit, Withdraw
from seawall.engine.events import Moved, Refused, Rejection, Why, WithdrawalCut
from seawall.engine.margining import initial_of
from seawall.engine.posting import Step
from seawall.engine.socialise import (
    capital_of,
    outstanding_of,
    profits_of,
    socialised_account,
    withdrawal_rate,
)
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
    terms = terms_of_withdrawal(state, account, asset, command.amount)
    paid = command.amount - terms.cut
    if paid:
        step.post(state.cash_id(account, asset), state.external[asset], paid, "withdraw")
    if terms.cut:
        step.post(state.cash_id(account, asset), socialised_account(state, asset), terms.cut, "withdrawal_cut")
    step.sync_cash(account, asset)
    flow(state, account, asset, -change)
    step.emit(Moved(command.account, command.asset, -command.amount, "withdraw"))
    if terms.cut:
        step.emit(WithdrawalCut(command.account, command.asset, terms.cut, terms.rate, terms.why))
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


class Terms(NamedTuple):
    """What a withdrawal pays towards socialised losses: ``cut`` in minor units; ``rate`` (num, den) of the part that is
    not paid in full."""

    cut: int
    rate: tuple[int, int]
    why: Why


def terms_of_withdrawal(state: State, account: int, asset: int, amount: int) -> Terms:
    """The terms of a withdrawal of ``amount`` minor units now.

    Nothing outstanding: in full. Else at one rate, rounded down: the rate of balances on all of it, or, where only profit
    bears losses, capital first and in full, then profit at ``(profits - outstanding) / profits``. A withdrawal of profit
    leaves that rate as it is, up to rounding in favour of those who stay, so nobody gains by leaving first.

    Source: socialised-loss factor on withdrawals (Paradex documentation); profit as a junior claim (Percolator).
    """
    outstanding = outstanding_of(state, asset)
    if outstanding <= 0:
        return Terms(0, (1, 1), ())
    if state.capital is None:
        num, den = withdrawal_rate(state, asset, outstanding)
        cut = amount - muldiv(amount, num, den, Rounding.FLOOR)
        return Terms(cut, (num, den), (("withdrawal.rate", {"amount": amount, "num": num, "den": den}),))
    scale, balance = state.asset(asset), state.cash_minor(account, asset)
    dust = balance - scale.to_minor(scale.to_book(balance))  # below a book unit: nobody's profit
    capital = scale.to_minor(capital_of(state, account, asset)) + dust
    profits = scale.to_minor(profits_of(state, asset)[2])
    junior, whole, pays = max(0, amount - capital), max(1, profits), max(0, profits - outstanding)
    # Profits may have fallen below what is outstanding since it was put there: never more than that is paid off.
    cut = min(outstanding, junior - muldiv(junior, pays, whole, Rounding.FLOOR))
    given = {"amount": amount, "capital": capital, "profits": profits, "outstanding": outstanding}
    return Terms(cut, (pays, whole), (("withdrawal.profit", given),))


def flow(state: State, account: int, asset: int, amount: int) -> None:
    """Deposits and withdrawals are not gains of the period. A withdrawal takes capital first, and no more than there is."""
    if not amount:
        return
    if state.period is not None:
        state.period.flow(state.book.row(account, asset), amount)
    if state.capital is not None:
        row = state.book.row(account, asset)
        state.capital.flow(row, max(amount, -capital_of(state, account, asset)))


def returned(state: State, source: int, target: int, asset: int) -> None:
    """All that was left of an isolated position has gone to its account: what of it was gain or profit stays so."""
    for since in (state.period, state.capital):
        if since is not None:
            since.move(state.book.row(source, asset), state.book.row(target, asset))

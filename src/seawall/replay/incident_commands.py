"""The commands that an incident stands for, made on the state of a venue at its minute: how much of what, and of whom."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from seawall.engine import Command, DeclareLoss, Distribute, FileClaim, Recover, Reinstate, State, Withdraw
from seawall.engine import StopPaying as NoMorePayments
from seawall.engine import WindDown as StopForGood
from seawall.engine.margining import initial_of, look_at
from seawall.engine.units import from_quote, quote_price
from seawall.replay.values import MEMBERS
from seawall.scenario.incidents import (
    LARGEST,
    Claim,
    Distribution,
    Incident,
    Loss,
    Recovery,
    Reinstatement,
    Run,
    StopPaying,
    WindDown,
)


def commands_of(state: State, incident: Incident, time_ns: int) -> Iterator[Command]:
    """The commands of one incident, each made on the state that those before it left."""
    yield from _MAKE[type(incident)](state, incident, time_ns)


def main_asset(state: State) -> int:
    """The settle asset in which members have most, at its price; the first of equals."""
    settle = sorted(set(state.settle_asset))
    return max(settle, key=lambda a: (members_cash(state, a) * quote_price(state, a), -a))


def members_cash(state: State, asset: int) -> int:
    """What the balances of members come to, book units; those below zero count for nothing."""
    roles, cash = state.snapshot.roles, state.cash_minor
    minor = sum(max(0, cash(a, asset)) for a, role in enumerate(roles) if role in MEMBERS)
    return state.asset(asset).to_book(minor)


def _asset_of(state: State, name: str | None) -> int | None:
    return main_asset(state) if name is None else state.asset_index.get(name)


def _quoted(state: State, asset: int, amount: Fraction) -> int:
    """An amount of the quote currency in book units of an asset, rounded down."""
    return from_quote(state, asset, amount.numerator * 10**6 // amount.denominator)


def _part(amount: int, share: Fraction) -> int:
    """A share of an amount, rounded down."""
    return amount * share.numerator // share.denominator


def _loss(state: State, incident: Loss, time_ns: int) -> Iterator[Command]:
    asset = _asset_of(state, incident.asset)
    if asset is None:
        yield DeclareLoss(time_ns, incident.reference, incident.asset or "", 1, incident.cause)
        return
    if incident.share_of_cash is not None:
        amount = _part(members_cash(state, asset), incident.share_of_cash)
    else:
        amount = _quoted(state, asset, incident.amount or Fraction(0))
    if amount > 0:
        terms = state.asset(asset)
        yield DeclareLoss(time_ns, incident.reference, terms.name, terms.to_minor(amount), incident.cause)


def outstanding(state: State, loss: int) -> dict[int, int]:
    """What has not come back of a loss, book units by asset: what nobody has paid, and the claims of those who have."""
    found: dict[int, int] = {}
    for claim in state.claims.of_loss(loss):
        asset = state.asset_index[claim.asset]
        found[asset] = found.get(asset, 0) + claim.amount - claim.paid
    for asset, terms in enumerate(state.snapshot.assets):
        deficit = state.ledger.find(f"deficit:{loss}", terms.name)
        owed = 0 if deficit is None else terms.to_book(-state.ledger.balance(deficit))
        if owed > 0:
            found[asset] = found.get(asset, 0) + owed
    return {asset: amount for asset, amount in sorted(found.items()) if amount > 0}


def _recovery(state: State, incident: Recovery, time_ns: int) -> Iterator[Command]:
    if incident.reference is None:
        declared = set(state.references.values())
        losses = [row.loss for row in state.deficits if row.loss not in declared]
    else:
        losses = [state.references[n] for n in (incident.reference,) if n in state.references]
    left = None if incident.amount is None else incident.amount.numerator * 10**6 // incident.amount.denominator
    for loss in losses:
        for asset, owed in outstanding(state, loss).items():
            if incident.share is not None:
                amount = _part(owed, incident.share)
            else:
                amount = from_quote(state, asset, left or 0)
                amount = min(amount, owed) if incident.of_defaults else amount
                worth = quote_price(state, asset) * amount
                left = max(0, (left or 0) - -(-worth.numerator // worth.denominator))  # rounded up
            if amount > 0:
                terms = state.asset(asset)
                yield Recover(time_ns, loss, terms.name, terms.to_minor(amount))


def _reinstatement(state: State, incident: Reinstatement, time_ns: int) -> Iterator[Command]:
    names = sorted(state.house_accounts - set(state.members.accounts.values()) - {state.outside})
    if incident.account is not None:
        chosen = [a for a in names if state.account_name(a) == incident.account]
    else:
        chosen = [a for a in names if state.snapshot.roles[a] == incident.role]
    opening: dict[tuple[int, int], int] = {}
    book = state.snapshot
    for account, asset, minor in zip(
        book.cash_account.tolist(), book.cash_asset.tolist(), book.cash_minor, strict=True
    ):
        opening[account, asset] = opening.get((account, asset), 0) + minor
    for account in chosen:
        for asset, terms in enumerate(book.assets):
            had = terms.to_book(opening.get((account, asset), 0))
            if incident.share is not None:
                amount = _part(had, incident.share)
            else:
                amount = _part(had, incident.up_to or Fraction(0)) - terms.to_book(state.cash_minor(account, asset))
            if had > 0 and amount > 0:
                yield Reinstate(time_ns, state.account_name(account), terms.name, terms.to_minor(amount))


def drawn(state: State, incident: Run) -> list[int]:
    """Who asks for money back, in order: the same accounts under every policy. An isolated position is its owner's."""
    book = state.snapshot
    members = [a for a, role in enumerate(book.roles) if role in MEMBERS and int(book.parents[a]) < 0]

    def place(account: int) -> bytes:
        return hashlib.sha256(f"{incident.seed} {book.account_ids[account]}".encode()).digest()

    return sorted(members, key=place)[: _part(len(members), incident.share_of_accounts)]


def withdrawable(state: State, account: int, asset: int) -> int:
    """The most an account may withdraw of an asset now, minor units; halts and socialised losses left aside."""
    balance = state.cash_minor(account, asset)
    if balance <= 0 or (state.book.pooled and not state.book.priced(asset)):
        return 0
    st = look_at(state, account, asset)
    if st.unit in state.cases:
        return 0
    if not st.positions and all(v >= 0 for v in st.cash.values()):
        return balance
    initial, terms = initial_of(state, st, [(p.market, p.lots) for p in st.positions]), state.asset(asset)
    low, high = 0, terms.to_book(balance)
    if state.book.equity_without(st, asset, 0) < initial:
        return 0
    while low < high:  # equity falls with what is taken out
        middle = (low + high + 1) // 2
        if state.book.equity_without(st, asset, middle) >= initial:
            low = middle
        else:
            high = middle - 1
    return balance - terms.to_minor(terms.to_book(balance) - low)


def _run(state: State, incident: Run, time_ns: int) -> Iterator[Command]:
    for account in drawn(state, incident):
        for asset, terms in enumerate(state.snapshot.assets):
            amount = _part(withdrawable(state, account, asset), incident.share)
            if amount > 0:
                yield Withdraw(time_ns, state.account_name(account), terms.name, amount)


def _stop_paying(state: State, incident: StopPaying, time_ns: int) -> Iterator[Command]:
    if incident.member is not None:
        yield NoMorePayments(time_ns, incident.member)
        return
    worth: dict[str, Fraction] = {}
    for asset, paid_in in state.members.paid_in.items():
        for member, amount in paid_in.items():
            worth[member] = worth.get(member, Fraction(0)) + amount * quote_price(state, asset)
    for member in sorted(worth, key=lambda m: (-worth[m], m))[: incident.largest]:
        yield NoMorePayments(time_ns, member)


def _wind_down(state: State, incident: WindDown, time_ns: int) -> Iterator[Command]:
    yield StopForGood(time_ns)


def _claim(state: State, incident: Claim, time_ns: int) -> Iterator[Command]:
    asset = _asset_of(state, incident.asset)
    if asset is None:
        yield FileClaim(time_ns, incident.claim, incident.claimant, incident.asset or "", incident.rank, 1)
        return
    claimant, terms = incident.claimant, state.asset(asset)
    if claimant == LARGEST:
        members = [a for a, role in enumerate(state.snapshot.roles) if role in MEMBERS]
        claimant = state.account_name(max(members, key=lambda a: (state.cash_minor(a, asset), -a)))
    if incident.share is not None:
        account = state.account_index.get(claimant)
        amount = _part(0 if account is None else state.cash_minor(account, asset), incident.share)
    else:
        amount = terms.to_minor(_quoted(state, asset, incident.amount or Fraction(0)))
    yield FileClaim(time_ns, incident.claim, claimant, terms.name, incident.rank, amount)


def _distribution(state: State, incident: Distribution, time_ns: int) -> Iterator[Command]:
    if incident.asset is not None:
        names = [incident.asset]
    elif state.winding is None:
        names = [state.asset(main_asset(state)).name]  # refused once, not once an asset
    else:
        names = [a.name for n, a in enumerate(state.snapshot.assets) if n not in state.winding.closed]
    for name in names:
        yield Distribute(time_ns, name, incident.final)


_MAKE: dict[type[Any], Callable[[State, Any, int], Iterator[Command]]] = {
    Loss: _loss,
    Recovery: _recovery,
    Reinstatement: _reinstatement,
    Run: _run,
    StopPaying: _stop_paying,
    WindDown: _wind_down,
    Claim: _claim,
    Distribution: _distribution,
}
